/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to brokers. Devices that name the same broker, or say the same of one, share a connection.
 *
 * It is opened when no device came for a moment, so that what the broker kept for us finds all devices there; and closed a
 * moment after the last one went, so that an apply that makes devices anew does not end it. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_driver.h"
#include "drivers/mqtt/mqtt_kept.h"
#include "drivers/mqtt/mqtt_packet.h"
#include "drivers/mqtt/mqtt_sparkplug.h"

#define ONLINE  "online"
#define OFFLINE "offline"

enum { IDENTITY_MAX = 16 * 1024, AGAIN_MS = 5000 };

/* ---- telling devices ---- */

static void tell_now(void *ctx)
{
    struct mqtt_broker *broker = ctx;
    list_each_safe(at, &broker->devices) {
        mqtt_device_tell(list_entry(at, struct mqtt_device, link));
    }
}

void mqtt_broker_tell(struct mqtt_broker *broker)
{
    if (broker->state != NULL) {
        loop_defer(broker->state->loop, &broker->tell);
    }
}

/* ---- events of the client ---- */

static void say_online(struct mqtt_broker *broker, const char *word)
{
    const char *topic = broker->config.broker.status_topic;
    if (topic != NULL && broker->up && broker->client != NULL) {
        const struct mqtt_publish message = {
            .topic = topic, .payload = word, .size = strlen(word), .qos = 1, .retain = true
        };
        (void)mqtt_client_publish(broker->client, &message, NULL, NULL);
    }
}

static void on_up(void *ctx, bool session)
{
    struct mqtt_broker *broker = ctx;
    broker->up = true;
    broker->tried = true;
    broker->session = session;
    broker->up_us = clock_wall_us();
    if (broker->state == NULL) {
        return;
    }
    busbar_log(LOG_LEVEL_INFO, "mqtt", broker->name, "connected, MQTT %s%s",
               mqtt_client_version(broker->client) == 5 ? "5" : "3.1.1",
               session ? ", the broker kept our session" : "");
    if (!session) {
        mqtt_filters_forget(broker);
        if (broker->kept != NULL) {
            mqtt_kept_clear(broker->kept);
        }
    }
    say_online(broker, ONLINE);
    mqtt_sparkplug_up(broker);
    mqtt_broker_tell(broker);
}

static void on_down(void *ctx, enum mqtt_down why, uint8_t reason, int error, const char *detail)
{
    struct mqtt_broker *broker = ctx;
    bool news = broker->up || strcmp(broker->down_words, detail) != 0;
    broker->up = false;
    broker->tried = true;
    broker->down_why = why;
    broker->down_error = error != 0                  ? error
                         : why == MQTT_DOWN_SILENT   ? BUSBAR_ETIMEOUT
                         : why == MQTT_DOWN_REFUSED  ? BUSBAR_EAUTH
                         : why == MQTT_DOWN_PROTOCOL ? BUSBAR_EPROTO
                                                     : BUSBAR_ECLOSED;
    (void)reason;
    (void)str_copy(broker->down_words, sizeof(broker->down_words), detail);
    if (broker->state == NULL) {
        return;
    }
    if (news) {
        busbar_log(LOG_LEVEL_WARN, "mqtt", broker->name, "not connected: %s", detail);
    }
    timer_stop(&broker->again); /* the next connection is one */
    mqtt_take_forget(broker);
    mqtt_sparkplug_down(broker);
    mqtt_broker_tell(broker);
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct mqtt_broker *broker = ctx;
    if (broker->state != NULL) {
        mqtt_take(broker, message);
    }
}

static void on_subscribed(void *ctx, const char *filter, uint8_t code, const char *reason)
{
    struct mqtt_broker *broker = ctx;
    if (broker->state == NULL) {
        return;
    }
    mqtt_filters_granted(broker, filter, code, reason);
    if (code < MQTT_FAILURE && broker->kept != NULL) {
        mqtt_kept_add(broker->kept, filter);
    }
    mqtt_broker_tell(broker);
}

static void on_unsubscribed(void *ctx, const char *filter)
{
    struct mqtt_broker *broker = ctx;
    if (broker->state != NULL && broker->kept != NULL && mqtt_kept_remove(broker->kept, filter)) {
        busbar_log(LOG_LEVEL_INFO, "mqtt", broker->name,
                   "'%s' was subscribed to before the restart, and is no longer", filter);
    }
}

static void on_packet(void *ctx, bool in, const void *data, size_t size)
{
    struct mqtt_broker *broker = ctx;
    broker->packet = in ? data : NULL;
    broker->packet_size = in ? size : 0;
}

static void on_bad(void *ctx, const void *data, size_t size, const char *reason)
{
    struct mqtt_broker *broker = ctx;
    if (broker->state != NULL) {
        feed_refuse(broker->state->feed, broker->name, "connection", data, size, reason);
    }
}

static void broker_free(struct mqtt_broker *broker)
{
    assert(list_empty(&broker->devices));
    mqtt_take_forget(broker);
    mqtt_filters_free(broker);
    busbar_free(broker->sets[0].list);
    busbar_free(broker->sets[1].list);
    map64_fini(&broker->keys);
    busbar_free(broker->name);
    busbar_free(broker->identity);
    arena_fini(&broker->arena);
    busbar_free(broker);
}

static void on_ended(void *ctx)
{
    struct mqtt_broker *broker = ctx;
    assert(broker->state == NULL && "close_broker() ends it, nobody else");
    broker_free(broker);
}

static void on_released(void *ctx, uint16_t packet_id)
{
    struct mqtt_broker *broker = ctx;
    if (broker->state != NULL) {
        mqtt_take_released(broker, packet_id);
    }
}

static const struct mqtt_client_events events = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .subscribed = on_subscribed,
    .unsubscribed = on_unsubscribed,
    .packet = on_packet,
    .bad = on_bad,
    .ended = on_ended,
    .released = on_released,
};

/* ---- opening ---- */

static int make_tls(const struct mqtt_broker_config *config, struct tls_context **out,
                    struct err *err)
{
    const struct tls_options options = { .ca_file = config->ca,
                                         .cert_file = config->certificate,
                                         .key_file = config->key };
    return tls_context_new(&options, out, err);
}

int mqtt_broker_client(struct mqtt_state *state, const struct mqtt_broker_config *config,
                       const char *client_id, struct mqtt_client_options *out, struct err *err)
{
    const char *password = NULL;
    if (config->password != NULL) {
        password = driver_secret(state->drv, config->password);
        if (password == NULL) {
            err_set(err, BUSBAR_ENOENT, "the secret '%s' is not set", config->password);
            return err_hint(err, "busbar secret set %s", config->password);
        }
    }
    *out = (struct mqtt_client_options){
        .target = { .kind = config->url.tls ? STREAM_TLS : STREAM_TCP,
                    .host = config->url.host.host,
                    .port = config->url.host.port,
                    .server_name = config->server_name,
                    .alpn = config->alpn },
        .websocket_path = config->url.websocket ? config->url.path : NULL,
        .version = config->version,
        .client_id = client_id,
        .user = config->user,
        .password = password,
        .password_size = password != NULL ? strlen(password) : 0,
        .clean = config->clean,
        .session_expiry_s = config->session_expiry_s,
        .keep_alive_s = config->keep_alive_s,
        .receive_max = config->receive_max,
        .packet_max = config->packet_max,
        .topic_aliases = MQTT_ALIASES_MAX,
    };
    return config->url.tls ? make_tls(config, &out->target.tls, err) : 0;
}

/* "busbar-1f0c9a5d-77aa01": short enough for brokers of old, the same after a restart. */
static void make_client_id(struct mqtt_broker *broker)
{
    const char *own = broker->config.broker.client_id;
    uint64_t hash = hash_text(broker->identity);
    if (own != NULL) {
        (void)str_copy(broker->client_id, sizeof(broker->client_id), own);
    } else {
        str_format(broker->client_id, sizeof(broker->client_id), "busbar-%.8s-%06x",
                   broker->state->own_id, (unsigned)(hash & 0xffffff));
    }
}

static void had(void *ctx, const char *filter)
{
    struct mqtt_broker *broker = ctx;
    (void)mqtt_client_had(broker->client, filter);
}

/* What the session at the broker may have of an earlier run. */
static void open_kept(struct mqtt_broker *broker)
{
    enum { PATH_BYTES = 4096, NAME_BYTES = 40 };
    const char *folder = driver_folder(broker->state->drv);
    char name[NAME_BYTES];
    char path[PATH_BYTES];
    str_format(name, sizeof(name), "mqtt-topics-%016llx",
               (unsigned long long)hash_text(broker->identity));
    if (broker->config.broker.clean || folder == NULL ||
        !file_join(path, sizeof(path), folder, name)) {
        return;
    }
    if (broker->kept == NULL) {
        broker->kept = mqtt_kept_new(broker->state->loop, path);
    }
    mqtt_kept_each(broker->kept, had, broker);
}

static void open_client(struct mqtt_broker *broker)
{
    struct mqtt_client_options options;
    struct mqtt_will will = { .qos = 1, .retain = true };
    struct buf topic;
    struct buf payload;
    broker->broken = (struct err){ 0 };
    int error = mqtt_broker_client(broker->state, &broker->config.broker, broker->client_id,
                                   &options, &broker->broken);
    if (error != 0) {
        busbar_log(LOG_LEVEL_ERROR, "mqtt", broker->name, "cannot connect: %s",
                   broker->broken.message);
        mqtt_broker_tell(broker);
        return;
    }
    if (broker->config.broker.status_topic != NULL) {
        will.topic = broker->config.broker.status_topic;
        will.payload = OFFLINE;
        will.size = strlen(OFFLINE);
    }
    buf_init(&topic, MQTT_TOPIC_TEXT_MAX);
    buf_init(&payload, MQTT_TOPIC_TEXT_MAX);
    mqtt_sparkplug_will(broker, &will, &payload, &topic);
    options.will = will.topic != NULL ? &will : NULL;
    if (mqtt_client_open(broker->state->loop, &options, &events, broker, &broker->client,
                         &broker->broken) != 0) {
        broker->client = NULL;
        mqtt_broker_tell(broker);
    } else {
        open_kept(broker);
    }
    tls_context_unref(options.target.tls);
    buf_fini(&topic);
    buf_fini(&payload);
}

/* ---- settling ---- */

static void close_broker(struct mqtt_broker *broker);

static void settle_now(struct timer *timer, void *ctx)
{
    struct mqtt_broker *broker = ctx;
    (void)timer;
    broker->unsettled_us = 0;
    if (list_empty(&broker->devices)) {
        close_broker(broker);
        return;
    }
    if (broker->client == NULL) {
        open_client(broker);
    }
    mqtt_filters_settle(broker);
    mqtt_take_held(broker);
    mqtt_broker_tell(broker);
}

void mqtt_broker_changed(struct mqtt_broker *broker)
{
    int64_t now_us = loop_now_us(broker->state->loop);
    if (broker->unsettled_us == 0) {
        broker->unsettled_us = now_us;
    }
    int64_t wait_us = (list_empty(&broker->devices) ? MQTT_LINGER_MS : MQTT_SETTLE_MS) *
                      CLOCK_US_PER_MS;
    int64_t last_us = broker->unsettled_us + MQTT_SETTLE_MAX_MS * CLOCK_US_PER_MS;
    int64_t due_us = now_us + wait_us < last_us ? now_us + wait_us : last_us;
    timer_start_at_us(&broker->settle, due_us, 0);
}

static void begin_again(struct timer *timer, void *ctx)
{
    struct mqtt_broker *broker = ctx;
    (void)timer;
    if (broker->client != NULL && mqtt_client_is_up(broker->client)) {
        busbar_log(LOG_LEVEL_INFO, "mqtt", broker->name,
                   "connecting anew, for the broker to repeat what could not be stored");
        mqtt_take_forget(broker);
        mqtt_sparkplug_down(broker); /* what it holds comes again, too */
        mqtt_client_reconnect(broker->client);
    }
}

void mqtt_broker_again(struct mqtt_broker *broker)
{
    if (!timer_running(&broker->again)) {
        timer_start(&broker->again, AGAIN_MS, 0);
    }
}

/* ---- life ---- */

/* The texts of a configuration live in the settings it was read from: copied. */
static void keep_config(struct mqtt_broker *broker, const struct mqtt_config *config)
{
    struct mqtt_broker_config *to = &broker->config.broker;
    broker->config = (struct mqtt_config){ .part = config->part, .broker = config->broker };
    const char **texts[] = {
        &broker->config.part, &to->user,  &to->password,     &to->ca,
        &to->certificate,     &to->key,   &to->server_name,  &to->alpn,
        &to->client_id,       &to->share, &to->status_topic, &to->sparkplug_host
    };
    arena_init(&broker->arena, 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = *texts[i] != NULL ? arena_strdup(&broker->arena, *texts[i]) : NULL;
    }
}

static struct mqtt_broker *broker_new(struct mqtt_state *state, const struct mqtt_config *config,
                                      const char *identity)
{
    struct mqtt_broker *broker = busbar_alloc(sizeof(*broker));
    struct buf url;
    broker->state = state;
    keep_config(broker, config);
    buf_init(&url, MQTT_URL_TEXT_MAX + ADDRESS_TEXT_MAX);
    mqtt_url_print(&config->broker.url, &url);
    broker->name = busbar_strdup(config->part != NULL ? config->part : buf_text(&url));
    buf_fini(&url);
    broker->identity = busbar_strdup(identity);
    make_client_id(broker);
    broker->index = mqtt_index_new();
    list_init(&broker->devices);
    list_init(&broker->filters);
    list_init(&broker->held);
    list_init(&broker->acks);
    list_init(&broker->free_acks);
    timer_init(&broker->settle, state->loop, settle_now, broker);
    timer_init(&broker->again, state->loop, begin_again, broker);
    loop_deferred_init(&broker->tell, tell_now, broker);
    (void)str_copy(broker->down_words, sizeof(broker->down_words), "not connected yet");
    broker->down_error = BUSBAR_ENOTCONN;
    list_append(&state->brokers, &broker->link);
    return broker;
}

struct mqtt_broker *mqtt_broker_take(struct mqtt_state *state, const struct mqtt_config *config)
{
    struct buf identity;
    struct mqtt_broker *found = NULL;
    buf_init(&identity, IDENTITY_MAX);
    mqtt_config_identity(config, &identity);
    list_each(at, &state->brokers) {
        struct mqtt_broker *broker = list_entry(at, struct mqtt_broker, link);
        if (strcmp(broker->identity, buf_text(&identity)) == 0) {
            found = broker;
            break;
        }
    }
    if (found == NULL) {
        found = broker_new(state, config, buf_text(&identity));
    }
    buf_fini(&identity);
    return found;
}

static void close_broker(struct mqtt_broker *broker)
{
    say_online(broker, OFFLINE);
    mqtt_sparkplug_offline(broker);
    mqtt_sparkplug_free(broker);
    timer_stop(&broker->settle);
    timer_stop(&broker->again);
    loop_defer_cancel(&broker->tell);
    mqtt_kept_free(broker->kept);
    broker->kept = NULL;
    mqtt_take_forget(broker);
    list_remove(&broker->link);
    broker->state = NULL;
    if (broker->client != NULL) {
        mqtt_client_close(broker->client);
    } else {
        broker_free(broker);
    }
}

void mqtt_brokers_close(struct mqtt_state *state)
{
    list_each_safe(at, &state->brokers) {
        close_broker(list_entry(at, struct mqtt_broker, link));
    }
}
