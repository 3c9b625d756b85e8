/* SPDX-License-Identifier: Apache-2.0 */
/* The client's life and its settings, and when it tries to connect. */
#include "drivers/mqtt/mqtt_client.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "drivers/mqtt/mqtt_client_private.h"

/* ---- settings ---- */

static void *copy_of(const void *data, size_t size)
{
    void *copy = busbar_alloc(size);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

static void copy_will(struct mqtt_client *client, const struct mqtt_will *will)
{
    if (will != NULL) {
        client->will = *will;
        client->will.topic = busbar_strdup(will->topic);
        client->will.payload = copy_of(will->payload, will->size);
        client->options.will = &client->will;
    }
}

static void copy_options(struct mqtt_client *client, const struct mqtt_client_options *options)
{
    struct mqtt_client_options *own = &client->options;
    *own = *options;
    own->target.host = busbar_strdup(options->target.host);
    own->target.server_name = busbar_strdup(options->target.server_name);
    own->target.alpn = busbar_strdup(options->target.alpn);
    own->target.path = NULL;
    own->target.tls = options->target.tls != NULL ? tls_context_ref(options->target.tls) : NULL;
    own->websocket_path = busbar_strdup(options->websocket_path);
    own->target.websocket_path = own->websocket_path;
    own->target.websocket_protocol = own->websocket_path != NULL ? "mqtt" : NULL;
    own->client_id = busbar_strdup(options->client_id != NULL ? options->client_id : "");
    own->user = busbar_strdup(options->user);
    own->password = options->password != NULL ? copy_of(options->password, options->password_size)
                                              : NULL;
    own->keep_alive_s = options->keep_alive_s != 0 ? options->keep_alive_s : 60;
    own->receive_max = options->receive_max != 0 ? options->receive_max : MQTT_RECEIVE_MAX;
    own->packet_max = options->packet_max != 0 ? options->packet_max : MQTT_PACKET_MAX;
    own->target.send_max = own->target.send_max != 0 ? own->target.send_max
                                                     : CLIENT_STREAM_BYTES_MAX;
    if (own->target.silence_timeout_ms == 0) {
        own->target.silence_timeout_ms = CLIENT_SILENCE_MS;
    }
    copy_will(client, options->will);
}

static void free_options(struct mqtt_client *client)
{
    struct mqtt_client_options *own = &client->options;
    busbar_free((char *)own->target.host);
    busbar_free((char *)own->target.server_name);
    busbar_free((char *)own->target.alpn);
    tls_context_unref(own->target.tls);
    busbar_free((char *)own->websocket_path);
    busbar_free((char *)own->client_id);
    busbar_free((char *)own->user);
    busbar_free((void *)own->password);
    busbar_free((char *)client->will.topic);
    busbar_free((void *)client->will.payload);
}

static bool texts_fit(const struct mqtt_client_options *options)
{
    return (options->client_id == NULL || strlen(options->client_id) <= MQTT_TEXT_MAX) &&
           (options->user == NULL || strlen(options->user) <= MQTT_TEXT_MAX) &&
           options->password_size <= MQTT_TEXT_MAX &&
           (options->will == NULL || options->will->size <= MQTT_TEXT_MAX);
}

static int check_options(const struct mqtt_client_options *options, struct err *err)
{
    enum stream_kind kind = options->target.kind;
    if ((kind != STREAM_TCP && kind != STREAM_TLS) || options->target.host == NULL ||
        options->target.port == 0 || (kind == STREAM_TLS && options->target.tls == NULL)) {
        return err_set(err, BUSBAR_EINVAL, "a broker needs a host and a port");
    }
    if (options->version != 0 && options->version != MQTT_VERSION_5 &&
        options->version != MQTT_VERSION_3_1_1) {
        return err_set(err, BUSBAR_EINVAL, "MQTT has the versions 5 and 3.1.1 only");
    }
    if (!texts_fit(options)) {
        return err_set(err, BUSBAR_EINVAL,
                       "client id, user, password and will have at most 65535 bytes each");
    }
    if (options->topic_aliases > MQTT_ALIASES_MAX) {
        return err_set(err, BUSBAR_EINVAL, "at most %d topic aliases", MQTT_ALIASES_MAX);
    }
    const char *wrong = options->will != NULL ? mqtt_topic_wrong(options->will->topic) : NULL;
    if (wrong != NULL) {
        return err_set(err, BUSBAR_EINVAL, "the topic of the will is not valid: %s", wrong);
    }
    return 0;
}

/* ---- life ---- */

static void on_turn(void *ctx)
{
    struct mqtt_client *client = ctx;
    if (client->ending && client->stream == NULL) {
        mqtt_client_fini(client);
    } else if (client->state == CLIENT_UP) {
        client_filters_work(client);
    }
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct mqtt_client *client = ctx;
    if (client->state == CLIENT_WAITING) {
        client_connect(client);
    } else if (client->state == CLIENT_UP) {
        client_tick(client);
    } else {
        client_end(client, MQTT_DOWN_SILENT, 0, BUSBAR_ETIMEOUT,
                   "%s took the connection but did not answer CONNECT within %d s; is it an MQTT "
                   "broker, is it overloaded?",
                   stream_peer(client->stream), CLIENT_ANSWER_MS / 1000);
    }
}

int mqtt_client_open(struct loop *loop, const struct mqtt_client_options *options,
                     const struct mqtt_client_events *events, void *ctx, struct mqtt_client **out,
                     struct err *err)
{
    int error = check_options(options, err);
    if (error != 0) {
        return error;
    }
    struct mqtt_client *client = busbar_alloc(sizeof(*client));
    client->loop = loop;
    client->events = *events;
    client->ctx = ctx;
    copy_options(client, options);
    client->version = options->version != 0 ? options->version : MQTT_VERSION_5;
    buf_init(&client->input, client_input_max(client));
    buf_init(&client->packet, MQTT_VARINT_MAX);
    buf_init(&client->texts, MQTT_VARINT_MAX);
    timer_init(&client->timer, loop, on_timer, client);
    loop_deferred_init(&client->turn, on_turn, client);
    backoff_init(&client->backoff, 0, 0,
                 hash_text(client->options.client_id) ^ hash_text(options->target.host) ^
                     (uint64_t)loop_now_us(loop));
    client_out_init(client);
    client_filters_init(client);
    client->state = CLIENT_WAITING;
    timer_start(&client->timer, 0, 0);
    *out = client;
    return 0;
}

void client_connect(struct mqtt_client *client)
{
    assert(client->stream == NULL);
    client->state = CLIENT_CONNECTING;
    client->end = (struct client_end){ 0 };
    int error = stream_open(client->loop, &client->options.target, &client_stream_events, client,
                            &client->stream);
    if (error != 0) {
        client->stream = NULL;
        client_say_link(client, false, error, err_text(error));
        client_schedule(client, false, false);
    }
}

void client_schedule(struct mqtt_client *client, bool final, bool at_once)
{
    client->state = CLIENT_WAITING;
    int64_t delay_ms = at_once ? 0 : backoff_next_ms(&client->backoff);
    if (final && delay_ms < CLIENT_FINAL_MS) {
        delay_ms = CLIENT_FINAL_MS;
    }
    timer_start(&client->timer, delay_ms, 0);
    if (!at_once && client->events.down != NULL) {
        struct client_end end = client->end; /* what is told may make the next try */
        client->events.down(client->ctx, end.why, end.reason, end.error, end.detail);
    }
}

void mqtt_client_fini(struct mqtt_client *client)
{
    timer_stop(&client->timer);
    loop_defer_cancel(&client->turn);
    client_out_free(client);
    client_in_free(client);
    client_filters_free(client);
    buf_fini(&client->input);
    buf_fini(&client->packet);
    buf_fini(&client->texts);
    free_options(client);
    void (*ended)(void *ctx) = client->events.ended;
    void *ctx = client->ctx;
    busbar_free(client);
    if (ended != NULL) {
        ended(ctx);
    }
}

/* DISCONNECT, and the stream's end. */
static void leave(struct mqtt_client *client)
{
    timer_stop(&client->timer);
    if (client->state == CLIENT_UP) {
        struct mqtt_packet_end bye = { .code = MQTT_SUCCESS };
        (void)mqtt_put_end(&client->packet, MQTT_DISCONNECT, client->version, &bye);
        client_send_packet(client);
    }
    client->state = CLIENT_CLOSING;
    stream_close(client->stream);
}

void mqtt_client_close(struct mqtt_client *client)
{
    if (client->ending) {
        return;
    }
    client->ending = true;
    if (client->stream == NULL) {
        timer_stop(&client->timer);
        loop_defer(client->loop, &client->turn);
        return;
    }
    leave(client);
}

void mqtt_client_reconnect(struct mqtt_client *client)
{
    if (client->state == CLIENT_UP && !client->ending) {
        client->again = true;
        leave(client);
    }
}

bool mqtt_client_is_up(const struct mqtt_client *client)
{
    return client->state == CLIENT_UP;
}

int mqtt_client_version(const struct mqtt_client *client)
{
    return client->known_version != 0 ? client->known_version : client->version;
}

void mqtt_client_connect_now(struct mqtt_client *client)
{
    if (client->state == CLIENT_WAITING && !client->ending) {
        timer_start(&client->timer, 0, 0);
    }
}

void mqtt_client_stats(const struct mqtt_client *client, struct mqtt_client_stats *stats)
{
    *stats = client->stats;
    stats->unacknowledged = client_unacknowledged(client);
}
