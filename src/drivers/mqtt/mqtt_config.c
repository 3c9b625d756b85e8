/* SPDX-License-Identifier: Apache-2.0 */
/* Brokers and devices; points and events: mqtt_config_point.c. */
#include "drivers/mqtt/mqtt_config.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_options.h"
#include "drivers/mqtt/sparkplug/topic.h"

static const int versions[] = { 0, 4, 5 };

/* ---- brokers ---- */

/* Reads rows that a broker and a device share; `first` is where they begin in the table of `from`. */
struct login_reader {
    const struct settings *from;
    size_t first;
    struct err *err;
};

static const char *login_text(const struct login_reader *reader, size_t row)
{
    return settings_text(reader->from, reader->first + row);
}

static struct position login_at(const struct login_reader *reader, size_t row)
{
    return settings_at(reader->from, reader->first + row);
}

static int read_packet_max(const struct login_reader *reader, struct mqtt_broker_config *out)
{
    const char *text = login_text(reader, BROKER_PACKET_MAX);
    uint64_t bytes = MQTT_PACKET_MAX;
    if (text != NULL &&
        (str_parse_bytes(text, &bytes) != 0 || bytes < 256 || bytes > MQTT_PACKET_MAX)) {
        return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, BROKER_PACKET_MAX),
                      "256B to 1MiB: 64KiB, 1MB", "'%s' is no length of a message", text);
    }
    out->packet_max = (uint32_t)bytes;
    return 0;
}

static int check_tls(const struct login_reader *reader, const struct mqtt_broker_config *config)
{
    static const size_t rows[] = { BROKER_CA, BROKER_CERTIFICATE, BROKER_KEY, BROKER_SERVER_NAME,
                                   BROKER_ALPN };
    for (size_t i = 0; !config->url.tls && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (login_text(reader, rows[i]) != NULL) {
            return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, rows[i]),
                          "write mqtts:// or wss://, or take it out",
                          "'%s' is of TLS, and the URL has none",
                          reader->from->options[reader->first + rows[i]].key);
        }
    }
    if (config->key != NULL && config->certificate == NULL) {
        return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, BROKER_KEY),
                      "add 'certificate: FILE'", "'key' without 'certificate'");
    }
    return 0;
}

static int check_topics(const struct login_reader *reader, const struct mqtt_broker_config *config)
{
    const char *why = config->status_topic != NULL ? mqtt_topic_wrong(config->status_topic) : NULL;
    if (why != NULL) {
        return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, BROKER_STATUS_TOPIC),
                      "busbar/hq/status", "'%.120s' is no topic to publish to: %s",
                      config->status_topic, why);
    }
    if (config->share != NULL && strpbrk(config->share, "/+#") != NULL) {
        return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, BROKER_SHARE),
                      "a word without /, + and #", "'%.120s' is no name of a group", config->share);
    }
    if (config->sparkplug_host != NULL && strpbrk(config->sparkplug_host, "/+#") != NULL) {
        return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, BROKER_SPARKPLUG_HOST),
                      "a word without /, + and #", "'%.120s' is no Sparkplug host id",
                      config->sparkplug_host);
    }
    if (config->status_topic != NULL && config->sparkplug_host != NULL) {
        return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, BROKER_STATUS_TOPIC),
                      "take it out, or make two brokers of it: a connection has one will",
                      "both 'status_topic' and 'sparkplug_host' are set");
    }
    if (config->share != NULL && config->sparkplug_host != NULL) {
        return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, BROKER_SPARKPLUG_HOST),
                      "a host application must hear every message: take 'share' out",
                      "'sparkplug_host' with 'share'");
    }
    return 0;
}

static int check_user(const struct login_reader *reader, const struct mqtt_broker_config *config)
{
    if (config->password != NULL && config->user == NULL) {
        return err_at(reader->err, BUSBAR_ECONFIG, login_at(reader, BROKER_PASSWORD),
                      "add 'user: NAME', or take 'password' out", "'password' without 'user'");
    }
    return 0;
}

/* A warning: err without a code. */
static void warn_plain(const struct login_reader *reader, const struct mqtt_broker_config *config)
{
    if (!config->url.tls && !address_is_loopback(config->url.host.host) && reader->err != NULL &&
        reader->err->message[0] == '\0') {
        (void)err_at(reader->err, 0, reader->from->at,
                     "use mqtts:// where the broker has it, port 8883 as a rule",
                     "without TLS others on the network can read%s and change what broker %s says",
                     config->password != NULL ? " the password," : "", config->url.host.host);
    }
}

static int read_login(const struct settings *from, size_t first, const char *url, size_t url_row,
                      struct mqtt_broker_config *out, struct err *err)
{
    const struct login_reader reader = { .from = from, .first = first, .err = err };
    struct err reason = { 0 };
    *out = (struct mqtt_broker_config){
        .user = login_text(&reader, BROKER_USER),
        .password = login_text(&reader, BROKER_PASSWORD),
        .ca = login_text(&reader, BROKER_CA),
        .certificate = login_text(&reader, BROKER_CERTIFICATE),
        .key = login_text(&reader, BROKER_KEY),
        .server_name = login_text(&reader, BROKER_SERVER_NAME),
        .alpn = login_text(&reader, BROKER_ALPN),
        .version = versions[settings_int(from, first + BROKER_VERSION)],
        .client_id = login_text(&reader, BROKER_CLIENT_ID),
        .clean = settings_bool(from, first + BROKER_CLEAN),
        .session_expiry_s = (uint32_t)(settings_int(from, first + BROKER_SESSION_EXPIRY) /
                                       CLOCK_US_PER_S),
        .keep_alive_s = (uint16_t)(settings_int(from, first + BROKER_KEEP_ALIVE) / CLOCK_US_PER_S),
        .receive_max = (uint16_t)settings_int(from, first + BROKER_RECEIVE_MAX),
        .qos = 1,
        .share = login_text(&reader, BROKER_SHARE),
        .status_topic = login_text(&reader, BROKER_STATUS_TOPIC),
        .sparkplug_host = login_text(&reader, BROKER_SPARKPLUG_HOST),
    };
    if (mqtt_url_parse(url, &out->url, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(from, url_row), reason.hint, "%s",
                      reason.message);
    }
    int error = read_packet_max(&reader, out);
    error = error == 0 ? check_tls(&reader, out) : error;
    error = error == 0 ? check_user(&reader, out) : error;
    error = error == 0 ? check_topics(&reader, out) : error;
    if (error == 0) {
        warn_plain(&reader, out);
    }
    return error;
}

int mqtt_config_part(const struct setup_part *part, struct mqtt_broker_config *out, struct err *err)
{
    const struct settings *settings = &part->settings;
    const char *url = settings_text(settings, BROKER_URL);
    if (url == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings->at, "add url: \"mqtts://10.0.5.1:8883\"",
                      "broker '%s' needs a URL", part->name);
    }
    int error = read_login(settings, 0, url, BROKER_URL, out, err);
    out->qos = (uint8_t)settings_int(settings, BROKER_QOS);
    return error;
}

/* ---- the protocol ---- */

const char *mqtt_config_schemas(const struct setup *setup)
{
    return setup != NULL && setup->given ? settings_text(&setup->settings, SETUP_SCHEMAS) : NULL;
}

int mqtt_config_check_setup(const struct setup *setup, struct err *err)
{
    struct mqtt_broker_config config;
    int error = 0;
    for (size_t i = 0; error == 0 && i < setup->part_count; i++) {
        error = mqtt_config_part(&setup->parts[i], &config, err);
    }
    return error;
}

/* ---- a device ---- */

static int unknown_part(const struct setup *setup, const struct settings *device, const char *name,
                        struct err *err)
{
    const char *names[SETUP_PARTS_MAX];
    char hint[ERR_HINT_MAX] = "define it under drivers: mqtt: brokers:, or write a URL: "
                              "mqtt://10.0.5.1";
    for (size_t i = 0; i < setup->part_count; i++) {
        names[i] = setup->parts[i].name;
    }
    const char *nearest = str_nearest(name, names, setup->part_count);
    if (nearest != NULL) {
        str_format(hint, sizeof(hint), "did you mean '%s'?", nearest);
    }
    return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_BROKER), hint,
                  "there is no broker '%.80s'", name);
}

static int refuse_login(const struct settings *device, struct err *err)
{
    for (size_t row = DEVICE_LOGIN; row < DEVICE_ROWS; row++) {
        if (settings_has(device, row)) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, row),
                          "set it of the broker, under drivers: mqtt: brokers:",
                          "'%s' is the broker's, which this device shares with others",
                          device->options[row].key);
        }
    }
    return 0;
}

static int read_part(const struct setup *setup, const struct settings *device, const char *name,
                     struct mqtt_config *out, struct err *err)
{
    int error = refuse_login(device, err);
    if (error != 0 || setup == NULL) {
        out->part = name;
        return error;
    }
    const struct setup_part *part = setup_part(setup, name);
    if (part == NULL) {
        return unknown_part(setup, device, name, err);
    }
    out->part = part->name;
    (void)mqtt_config_part(part, &out->broker, NULL); /* told once, of the part itself */
    return 0;
}

static int read_broker(const struct setup *setup, const struct settings *device,
                       struct mqtt_config *out, struct err *err)
{
    const char *broker = settings_text(device, DEVICE_BROKER);
    bool only = broker == NULL && setup != NULL && setup->part_count == 1;
    if (only) {
        broker = setup->parts[0].name;
    }
    if (broker == NULL && setup == NULL) {
        return 0;
    }
    if (broker == NULL) {
        return err_at(err, BUSBAR_ECONFIG, device->at,
                      "add broker: NAME (of drivers: mqtt: brokers:) or broker: "
                      "\"mqtt://10.0.5.1\"",
                      "which broker does this device speak to?");
    }
    bool url = strstr(broker, "://") != NULL || strpbrk(broker, ".:") != NULL;
    if (!url || (setup != NULL && setup_part(setup, broker) != NULL)) {
        return read_part(setup, device, broker, out, err);
    }
    return read_login(device, DEVICE_LOGIN, broker, DEVICE_BROKER, &out->broker, err);
}

static int ignore_topic(void *ctx, const char *filter)
{
    (void)ctx;
    (void)filter;
    return 0;
}

static int check_device_topics(const struct settings *device, const struct mqtt_config *config,
                               struct err *err)
{
    struct err reason = { 0 };
    const struct mqtt_topic_names names = { .id = config->id };
    if (config->topic != NULL && config->sparkplug != NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_TOPIC),
                      "keep one of them; Sparkplug has topics of its own",
                      "both 'topic' and 'sparkplug' are set");
    }
    if (mqtt_topics_each(config->topic, &names, ignore_topic, NULL, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_TOPIC), reason.hint, "%s",
                      reason.message);
    }
    if (config->sparkplug != NULL) {
        struct sparkplug_topic place;
        if (!sparkplug_place_read(config->sparkplug, &place) ||
            strchr(config->sparkplug, ',') != NULL) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_SPARKPLUG),
                          "sparkplug: \"Plant/Edge1\" or \"Plant/Edge1/boiler-7\"",
                          "'%.120s' is not Group/Edge or Group/Edge/Device", config->sparkplug);
        }
    }
    return 0;
}

int mqtt_config_read(const struct setup *setup, const struct settings *device,
                     struct mqtt_config *out, struct err *err)
{
    *out = (struct mqtt_config){
        .broker.qos = 1,
        .id = settings_text(device, PAYLOAD_DEVICE_ID),
        .topic = settings_text(device, DEVICE_TOPIC),
        .sparkplug = settings_text(device, DEVICE_SPARKPLUG),
        .retained = (enum mqtt_retained)settings_int(device, DEVICE_RETAINED),
    };
    int error = read_broker(setup, device, out, err);
    if (error == 0) {
        error = check_device_topics(device, out, err);
    }
    out->qos = settings_has(device, DEVICE_QOS) ? (uint8_t)settings_int(device, DEVICE_QOS)
                                                : out->broker.qos;
    return error;
}

/* ---- for people, and to compare ---- */

static void put(struct buf *out, const char *text)
{
    (void)buf_append_text(out, text != NULL ? text : "");
    (void)buf_append_byte(out, '\n');
}

void mqtt_config_identity(const struct mqtt_config *config, struct buf *out)
{
    const struct mqtt_broker_config *broker = &config->broker;
    if (config->part != NULL) {
        (void)buf_printf(out, "part %s", config->part);
        return;
    }
    mqtt_url_print(&broker->url, out);
    const char *const texts[] = { broker->user,         broker->password,      broker->ca,
                                  broker->certificate,  broker->key,           broker->server_name,
                                  broker->alpn,         broker->client_id,     broker->share,
                                  broker->status_topic, broker->sparkplug_host };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put(out, texts[i]);
    }
    (void)buf_printf(out, "%d %d %u %u %u %u", broker->version, broker->clean,
                     broker->session_expiry_s, broker->keep_alive_s, broker->receive_max,
                     broker->packet_max);
}

static int put_topic(void *ctx, const char *filter)
{
    return buf_printf(ctx, " %s", filter);
}

void mqtt_config_print(const struct mqtt_config *config, const struct mqtt_topic_names *names,
                       struct buf *out)
{
    if (config->broker.url.host.host[0] != '\0') {
        mqtt_url_print(&config->broker.url, out);
    } else {
        (void)buf_append_text(out, config->part != NULL ? config->part : "mqtt");
    }
    if (config->sparkplug != NULL) {
        (void)buf_printf(out, " sparkplug %s", config->sparkplug);
    }
    (void)mqtt_topics_each(config->topic, names, put_topic, out, NULL);
}
