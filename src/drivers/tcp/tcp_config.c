/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the settings, each mistake told with its place and what to write instead. */
#include "drivers/tcp/tcp_config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/tcp/tcp_options.h"
#include "drivers/tcp/tcp_text.h"

enum { IDLE_LISTENER_S = 600 };

/* The LINK rows begin at 0 in a part, at DEVICE_LINK in a device. */
struct rows {
    const struct settings *settings;
    size_t base;
};

static const char *text_of(const struct rows *rows, size_t row)
{
    return settings_text(rows->settings, rows->base + row);
}

static struct position place_of(const struct rows *rows, size_t row)
{
    return settings_at(rows->settings, rows->base + row);
}

/* -1 stands for never. */
static int64_t time_of(const struct rows *rows, size_t row)
{
    int64_t us = settings_int(rows->settings, rows->base + row);
    return us > 0 ? us : 0;
}

/* ---- the parts of it ---- */

static int read_frame(const struct rows *rows, struct tcp_config *out, struct err *err)
{
    struct err reason = { 0 };
    const char *text = text_of(rows, LINK_FRAME);
    uint32_t max = (uint32_t)settings_int(rows->settings, rows->base + LINK_FRAME_MAX);
    text = text != NULL ? text : out->udp ? "none" : "line";
    if (tcp_frame_parse(text, max, &out->frame, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, place_of(rows, LINK_FRAME), reason.hint, "%s",
                      reason.message);
    }
    if (!out->udp && out->frame.kind == TCP_FRAME_NONE) {
        return err_at(err, BUSBAR_ECONFIG, place_of(rows, LINK_FRAME),
                      "write 'gap 50ms' where nothing marks the end of a message",
                      "'none' is for udp: a TCP connection cuts what is sent as it likes");
    }
    if (out->udp && out->frame.kind == TCP_FRAME_GAP) {
        return err_at(err, BUSBAR_ECONFIG, place_of(rows, LINK_FRAME), "write 'none'",
                      "'gap' is for tcp: a datagram has an end of its own");
    }
    return 0;
}

static int read_texts(const struct rows *rows, struct tcp_config *out, struct err *err)
{
    static const size_t texts[] = { LINK_ACK, LINK_NACK, LINK_KEEP_ALIVE_TEXT };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err reason = { 0 };
        const char *text = text_of(rows, texts[i]);
        if (text != NULL && tcp_text_check(text, false, &reason) != 0) {
            return err_at(err, BUSBAR_ECONFIG, place_of(rows, texts[i]), reason.hint, "'%s': %s",
                          rows->settings->options[rows->base + texts[i]].key, reason.message);
        }
    }
    out->ack = text_of(rows, LINK_ACK);
    out->nack = text_of(rows, LINK_NACK);
    out->keep_alive_text = text_of(rows, LINK_KEEP_ALIVE_TEXT);
    return 0;
}

static int read_tls(const struct rows *rows, struct tcp_config *out, struct err *err)
{
    static const size_t of_tls[] = { LINK_CERTIFICATE, LINK_KEY, LINK_CLIENT_CA };
    out->tls = settings_bool(rows->settings, rows->base + LINK_TLS);
    out->certificate = text_of(rows, LINK_CERTIFICATE);
    out->key = text_of(rows, LINK_KEY);
    if (out->tls && out->udp) {
        return err_at(err, BUSBAR_ECONFIG, place_of(rows, LINK_TLS),
                      "take it out, or write 'transport: tcp'", "TLS is not for udp");
    }
    if (out->key != NULL && out->certificate == NULL) {
        return err_at(err, BUSBAR_ECONFIG, place_of(rows, LINK_KEY), "add 'certificate: FILE'",
                      "a private key without its certificate");
    }
    for (size_t i = 0; !out->tls && i < sizeof(of_tls) / sizeof(of_tls[0]); i++) {
        if (settings_has(rows->settings, rows->base + of_tls[i])) {
            return err_at(err, BUSBAR_ECONFIG, place_of(rows, of_tls[i]), "add 'tls: true'",
                          "'%s' without TLS", rows->settings->options[rows->base + of_tls[i]].key);
        }
    }
    return 0;
}

static void read_times(const struct rows *rows, struct tcp_config *out)
{
    out->keep_alive_us = time_of(rows, LINK_KEEP_ALIVE);
    out->idle_us = time_of(rows, LINK_IDLE);
    if (out->server && !settings_has(rows->settings, rows->base + LINK_IDLE)) {
        out->idle_us = INT64_C(1000000) * IDLE_LISTENER_S;
    }
    out->first_byte_us = out->server ? time_of(rows, LINK_FIRST_BYTE) : 0;
    out->frame_time_us = time_of(rows, LINK_FRAME_TIME);
}

static int read_common(const struct rows *rows, struct tcp_config *out, struct err *err)
{
    out->udp = settings_int(rows->settings, rows->base + LINK_TRANSPORT) == TRANSPORT_UDP;
    int error = read_frame(rows, out, err);
    error = error == 0 ? read_texts(rows, out, err) : error;
    error = error == 0 ? read_tls(rows, out, err) : error;
    read_times(rows, out);
    return error;
}

/* ---- listeners ---- */

/* What may come from other machines unencrypted has to be said. */
static int check_plain(const struct rows *rows, const struct tcp_config *config, struct err *err)
{
    if (config->tls || config->plain || address_is_loopback(config->address.host)) {
        return 0;
    }
    return err_at(err, BUSBAR_ECONFIG, config->at,
                  config->udp
                      ? "write 'plain: allow' if that is right, and 'allow' for who may send"
                      : "write 'tls: true', or 'plain: allow' if that is right",
                  "'%s' takes unencrypted messages of other machines", text_of(rows, LINK_LISTEN));
}

static int read_listener(const struct rows *rows, struct tcp_config *out, struct err *err)
{
    struct err reason = { 0 };
    struct endpoint endpoint;
    struct allow allow;
    const char *text = text_of(rows, LINK_LISTEN);
    *out = (struct tcp_config){ .server = true, .at = place_of(rows, LINK_LISTEN) };
    int error = read_common(rows, out, err);
    if (error != 0) {
        return error;
    }
    if (address_parse(text, 0, &out->address, &reason) != 0 ||
        (endpoint_parse(out->address.host, out->address.port, &endpoint) != 0 &&
         !str_equal(out->address.host, "localhost"))) {
        return err_at(err, BUSBAR_ECONFIG, out->at,
                      "write an address of this machine and a port: 0.0.0.0:4001, 127.0.0.1:4001",
                      "'%s' is nothing to listen on", text);
    }
    out->ca = text_of(rows, LINK_CLIENT_CA);
    out->allow = text_of(rows, LINK_ALLOW);
    out->first = text_of(rows, LINK_FIRST);
    out->plain = settings_has(rows->settings, rows->base + LINK_PLAIN);
    out->streams_max = (uint32_t)settings_int(rows->settings, rows->base + LINK_STREAMS_MAX);
    out->per_source = (uint32_t)settings_int(rows->settings, rows->base + LINK_PER_SOURCE);
    out->close_unknown = settings_int(rows->settings, rows->base + LINK_UNKNOWN) == UNKNOWN_CLOSE;
    if (out->udp && out->first != NULL) {
        return err_at(err, BUSBAR_ECONFIG, place_of(rows, LINK_FIRST),
                      "use 'id_from' of the devices: 'id_from: match ...', 'id_from: source'",
                      "datagrams have no first one");
    }
    error = out->allow != NULL
                ? allow_parse(out->allow, "allow", place_of(rows, LINK_ALLOW), &allow, err)
                : 0;
    error = error == 0 && out->first != NULL
                ? tcp_match_check(out->first, true, "first", place_of(rows, LINK_FIRST), err)
                : error;
    return error == 0 ? check_plain(rows, out, err) : error;
}

int tcp_config_part(const struct setup_part *part, struct tcp_config *out, struct err *err)
{
    const struct rows rows = { &part->settings, 0 };
    if (!settings_has(&part->settings, LINK_LISTEN)) {
        return err_at(err, BUSBAR_ECONFIG, part->settings.at, "add 'listen: 0.0.0.0:4001'",
                      "listener '%s' does not say where it listens", part->name);
    }
    return read_listener(&rows, out, err);
}

/* ---- devices ---- */

/* A row of `from` to `to` that is set though it means nothing here. */
static int refuse_rows(const struct settings *device, size_t from, size_t to, const char *hint,
                       const char *beside, struct err *err)
{
    for (size_t row = from; row < to; row++) {
        if (settings_has(device, row)) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(device, row), hint, "'%s' beside '%s'",
                          device->options[row].key, beside);
        }
    }
    return 0;
}

static int unknown_part(const struct setup *setup, const struct settings *device, const char *name,
                        struct err *err)
{
    const char *names[SETUP_PARTS_MAX] = { NULL };
    for (size_t i = 0; i < setup->part_count && i < SETUP_PARTS_MAX; i++) {
        names[i] = setup->parts[i].name;
    }
    const char *nearest = str_nearest(name, names, setup->part_count);
    (void)err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_LISTENER), NULL,
                 "there is no '%s' in drivers: tcp: listeners", name);
    if (nearest != NULL) {
        (void)err_hint(err, "did you mean '%s'?", nearest);
    } else {
        (void)err_hint(err, "add it there: { listen: \"0.0.0.0:4001\", frame: line }");
    }
    return BUSBAR_ECONFIG;
}

static int read_named(const struct setup *setup, const struct settings *device,
                      struct tcp_device_config *out, struct err *err)
{
    int error = refuse_rows(device, DEVICE_CONNECT, DEVICE_ROWS,
                            "write it in drivers: tcp: listeners", "listener", err);
    const struct setup_part *part = setup != NULL ? setup_part(setup, out->listener) : NULL;
    if (error == 0 && setup != NULL && part == NULL) {
        return unknown_part(setup, device, out->listener, err);
    }
    if (error == 0 && part != NULL) {
        (void)tcp_config_part(part, &out->link, NULL); /* told once, of the part itself */
    }
    return error;
}

static int read_hello(const struct settings *device, struct tcp_config *out, struct err *err)
{
    struct err reason = { 0 };
    out->hello = settings_text(device, DEVICE_HELLO);
    out->password = settings_text(device, DEVICE_PASSWORD);
    if (out->hello != NULL && tcp_text_check(out->hello, true, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_HELLO), reason.hint,
                      "'hello': %s", reason.message);
    }
    bool named = out->hello != NULL && strstr(out->hello, TCP_PASSWORD_WORD) != NULL;
    if (named != (out->password != NULL)) {
        return err_at(err, BUSBAR_ECONFIG,
                      settings_at(device, named ? DEVICE_HELLO : DEVICE_PASSWORD),
                      named ? "add 'password: !secret NAME'"
                            : "write where it is sent: hello: 'LOGIN {password}\\r\\n'",
                      named ? "'hello' has {password}, and there is none"
                            : "a password that is sent nowhere");
    }
    return 0;
}

static int read_client(const struct settings *device, struct tcp_config *out, struct err *err)
{
    const struct rows rows = { device, DEVICE_LINK };
    struct err reason = { 0 };
    const char *text = settings_text(device, DEVICE_CONNECT);
    *out = (struct tcp_config){
        .at = settings_at(device, DEVICE_CONNECT),
        .ca = settings_text(device, DEVICE_CA),
        .server_name = settings_text(device, DEVICE_SERVER_NAME),
        .verify_off = !settings_bool(device, DEVICE_VERIFY),
        .timeout_us = settings_int(device, DEVICE_TIMEOUT),
    };
    int error = refuse_rows(device, DEVICE_LINK + LINK_LISTENER_ROWS, DEVICE_LINK + LINK_ROWS,
                            "take it out: it is for listeners", "connect", err);
    error = error == 0 ? read_common(&rows, out, err) : error;
    if (error != 0) {
        return error;
    }
    if (address_parse(text, TCP_PORT, &out->address, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, out->at,
                      "write an address or a name, with a port where it is not 42000: "
                      "10.0.7.4:4001",
                      "%s", reason.message);
    }
    error = read_hello(device, out, err);
    if (error == 0 && !out->tls) {
        error = refuse_rows(device, DEVICE_CA, DEVICE_HELLO, "add 'tls: true'",
                            "connect without TLS", err);
    }
    if (error == 0 && out->tls && out->verify_off) {
        (void)err_at(err, 0, settings_at(device, DEVICE_VERIFY),
                     "give the authority's certificate in 'ca' instead",
                     "insecure: any certificate is taken, so anybody on the way can read and "
                     "change what is sent");
    }
    return error;
}

int tcp_config_device(const struct setup *setup, const struct settings *device,
                      struct tcp_device_config *out, struct err *err)
{
    const struct rows rows = { device, DEVICE_LINK };
    *out = (struct tcp_device_config){ .listener = settings_text(device, DEVICE_LISTENER) };
    bool connect = settings_has(device, DEVICE_CONNECT);
    bool listen = settings_has(device, DEVICE_LINK + LINK_LISTEN);
    if (out->listener != NULL) {
        return read_named(setup, device, out, err);
    }
    if (connect && listen) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_LINK + LINK_LISTEN),
                      "keep 'connect' where busbar begins, 'listen' where the device does",
                      "'listen' beside 'connect'");
    }
    if (connect) {
        return read_client(device, &out->link, err);
    }
    if (!listen) {
        return err_at(err, BUSBAR_ECONFIG, device->at,
                      "add 'connect: 10.0.7.4:42000' where busbar connects to it, or 'listener: "
                      "NAME' (of drivers: tcp: listeners) where it connects to busbar",
                      "the tcp part does not say who connects to whom");
    }
    int error = refuse_rows(device, DEVICE_CA, DEVICE_ROWS,
                            "take it out: it is for connections that busbar makes", "listen", err);
    return error == 0 ? read_listener(&rows, &out->link, err) : error;
}

int tcp_config_check_setup(const struct setup *setup, struct err *err)
{
    struct tcp_config config;
    struct tcp_config other;
    for (size_t i = 0; i < setup->part_count; i++) {
        int error = tcp_config_part(&setup->parts[i], &config, err);
        if (error != 0) {
            return error;
        }
        for (size_t j = 0; j < i; j++) {
            (void)tcp_config_part(&setup->parts[j], &other, NULL);
            if (config.udp == other.udp && config.address.port == other.address.port &&
                str_equal(config.address.host, other.address.host)) {
                return err_at(err, BUSBAR_ECONFIG, config.at, "give one of them another port",
                              "'%s' and '%s' listen on the same port", setup->parts[j].name,
                              setup->parts[i].name);
            }
        }
    }
    return 0;
}

int tcp_config_check(const struct setup *setup, const struct settings *device, struct err *err)
{
    struct tcp_device_config config;
    const struct payload_schemas *schemas = (const struct payload_schemas *)setup->prepared;
    int error = payload_device_check(device, schemas, err);
    return error == 0 ? tcp_config_device(setup, device, &config, err) : error;
}

/* ---- as a whole ---- */

/* The texts of it, for comparing, copying and freeing. */
#define CONFIG_TEXTS(config)                                                                       \
    {                                                                                              \
        &(config)->certificate, &(config)->key, &(config)->ca, &(config)->server_name,             \
            &(config)->allow, &(config)->first, &(config)->ack, &(config)->nack, &(config)->hello, \
            &(config)->password, &(config)->keep_alive_text                                        \
    }

bool tcp_config_equal(const struct tcp_config *a, const struct tcp_config *b)
{
    const char *const *texts[] = CONFIG_TEXTS(a);
    const char *const *others[] = CONFIG_TEXTS(b);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!str_equal(*texts[i], *others[i])) {
            return false;
        }
    }
    return a->server == b->server && a->udp == b->udp && a->tls == b->tls && a->plain == b->plain &&
           a->verify_off == b->verify_off && a->close_unknown == b->close_unknown &&
           a->address.port == b->address.port && str_equal(a->address.host, b->address.host) &&
           tcp_frame_rule_equal(&a->frame, &b->frame) && a->idle_us == b->idle_us &&
           a->keep_alive_us == b->keep_alive_us && a->first_byte_us == b->first_byte_us &&
           a->frame_time_us == b->frame_time_us && a->timeout_us == b->timeout_us &&
           a->streams_max == b->streams_max && a->per_source == b->per_source;
}

struct tcp_config *tcp_config_dup(const struct tcp_config *config)
{
    struct tcp_config *copy = busbar_alloc(sizeof(*copy));
    *copy = *config;
    copy->at = (struct position){ 0 };
    const char **texts[] = CONFIG_TEXTS(copy);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = busbar_strdup(*texts[i]);
    }
    return copy;
}

void tcp_config_free(struct tcp_config *config)
{
    if (config == NULL) {
        return;
    }
    const char **texts[] = CONFIG_TEXTS(config);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        busbar_free((char *)*texts[i]);
    }
    busbar_free(config);
}

const char *tcp_config_transport(const struct tcp_config *config)
{
    return config->udp ? "udp" : config->tls ? "tls" : "tcp";
}

void tcp_config_print(const struct tcp_config *config, struct buf *out)
{
    char text[ADDRESS_TEXT_MAX];
    (void)address_format(text, sizeof(text), &config->address);
    (void)buf_printf(out, "%s %s", tcp_config_transport(config), text);
}
