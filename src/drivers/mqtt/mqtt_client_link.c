/* SPDX-License-Identifier: Apache-2.0 */
/* One connection from its first packet to its last:
 *
 *   stream opened -> CONNECT -> CONNACK -> up ... tick: PINGREQ -> PINGRESP ... -> an end with a reason -> closed
 *
 * MQTT 5 first, then 3.1.1 when nothing was prescribed: a broker that does not know 5 says so in CONNACK (in either
 * version's words), or just closes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "drivers/mqtt/mqtt_client_private.h"

enum { TICKS_A_KEEP_ALIVE = 4, TICK_MAX_MS = 1000 };

/* ---- sending ---- */

void mqtt_client_put(struct mqtt_client *client, const void *data, size_t size)
{
    int error = client->stream != NULL ? stream_send(client->stream, data, size) : BUSBAR_ENOTCONN;
    if (error == 0) {
        client->last_out_us = loop_now_us(client->loop);
        client->stats.bytes_out += size;
        if (client->events.packet != NULL) {
            client->events.packet(client->ctx, false, data, size);
        }
    } else if (error != BUSBAR_ENOTCONN) {
        client_end(client, MQTT_DOWN_LINK, 0, error,
                   "the broker takes nothing any more: %d bytes wait to be sent",
                   CLIENT_STREAM_BYTES_MAX);
    }
}

void client_send_packet(struct mqtt_client *client)
{
    if (!client->packet.overflow) {
        mqtt_client_put(client, client->packet.data, client->packet.size);
    }
    buf_clear(&client->packet);
}

static struct mqtt_slice slice_of(const char *text)
{
    return (struct mqtt_slice){ .data = (const uint8_t *)text, .size = strlen(text) };
}

static bool begins_clean(const struct mqtt_client *client)
{
    const struct mqtt_client_options *options = &client->options;
    if (options->client_id[0] == '\0') {
        return true;
    }
    return options->clean &&
           (client->version != MQTT_VERSION_5 || !client->began || options->session_expiry_s == 0);
}

static void add_properties(const struct mqtt_client *client, struct mqtt_packet_connect *packet)
{
    const struct mqtt_client_options *options = &client->options;
    struct mqtt_properties *to = &packet->properties;
    if (options->session_expiry_s > 0 && options->client_id[0] != '\0') {
        to->session_expiry = options->session_expiry_s;
        mqtt_add(to, MQTT_SESSION_EXPIRY);
    }
    to->receive_maximum = options->receive_max;
    mqtt_add(to, MQTT_RECEIVE_MAXIMUM);
    to->maximum_packet = options->packet_max;
    mqtt_add(to, MQTT_MAXIMUM_PACKET);
    if (options->topic_aliases > 0) {
        to->topic_alias_maximum = options->topic_aliases;
        mqtt_add(to, MQTT_TOPIC_ALIAS_MAXIMUM);
    }
    if (packet->has_will && options->will->delay_s > 0) {
        packet->will.properties.will_delay = options->will->delay_s;
        mqtt_add(&packet->will.properties, MQTT_WILL_DELAY);
    }
}

static void say_connect(struct mqtt_client *client)
{
    const struct mqtt_client_options *options = &client->options;
    struct mqtt_packet_connect packet = {
        .version = client->version,
        .clean = begins_clean(client),
        .keep_alive_s = options->keep_alive_s,
        .client_id = slice_of(options->client_id),
        .has_user = options->user != NULL,
        .has_password = options->password != NULL &&
                        (options->user != NULL || client->version == MQTT_VERSION_5),
        .password = { .data = options->password, .size = options->password_size },
    };
    if (packet.has_user) {
        packet.user = slice_of(options->user);
    }
    if (options->will != NULL) {
        packet.has_will = true;
        packet.will.topic = slice_of(options->will->topic);
        packet.will.payload.data = options->will->payload;
        packet.will.payload.size = options->will->size;
        packet.will.qos = options->will->qos;
        packet.will.retain = options->will->retain;
    }
    add_properties(client, &packet);
    (void)mqtt_put_connect(&client->packet, &packet);
    client_send_packet(client);
}

/* ---- how it ends ---- */

void client_end(struct mqtt_client *client, enum mqtt_down why, uint8_t reason, int error,
                const char *format, ...)
{
    if (client->state == CLIENT_CLOSING || client->stream == NULL) {
        return;
    }
    client->end.known = true;
    client->end.why = why;
    client->end.reason = reason;
    client->end.error = error;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(client->end.detail, sizeof(client->end.detail), format, args);
    va_end(args);
    if (client->state == CLIENT_UP && client->version == MQTT_VERSION_5 && reason >= MQTT_FAILURE &&
        why == MQTT_DOWN_PROTOCOL) {
        struct mqtt_packet_end bye = { .code = reason };
        struct buf packet;
        buf_init(&packet, MQTT_HEAD_MAX * 2);
        if (mqtt_put_end(&packet, MQTT_DISCONNECT, client->version, &bye) == 0) {
            (void)stream_send(client->stream, packet.data, packet.size);
        }
        buf_fini(&packet);
    }
    client->state = CLIENT_CLOSING;
    timer_stop(&client->timer);
    stream_close(client->stream);
}

void client_broke(struct mqtt_client *client, const struct mqtt_wrong *wrong, const void *data,
                  size_t size)
{
    if (client->state == CLIENT_CLOSING) {
        return;
    }
    if (client->events.bad != NULL) {
        client->events.bad(client->ctx, data, size, wrong->text);
    }
    client_end(client, MQTT_DOWN_PROTOCOL, wrong->reason, BUSBAR_EPROTO,
               "%s broke the protocol: %s", stream_peer(client->stream), wrong->text);
}

/* A broker that knows no MQTT 5 may just close; worth one try of 3.1.1 at once. */
static bool falls_back(struct mqtt_client *client, enum client_state state)
{
    bool closed = state == CLIENT_SHAKING && !client->end.known && client->input.size == 0 &&
                  client->known_version == 0;
    bool refused = client->end.known && client->end.why == MQTT_DOWN_REFUSED &&
                   (client->end.reason == MQTT_UNSUPPORTED_VERSION || client->end.reason == 1);
    if (client->options.version != 0 || client->version != MQTT_VERSION_5 || client->ending ||
        !(closed || refused)) {
        return false;
    }
    client->version = MQTT_VERSION_3_1_1;
    return true;
}

static void on_closed(void *ctx, int error, const char *detail)
{
    struct mqtt_client *client = ctx;
    enum client_state state = client->state;
    bool was_up = client->up_us != 0;
    int64_t lived_us = was_up ? loop_now_us(client->loop) - client->up_us : 0;
    bool at_once = falls_back(client, state) || client->again;
    if (!client->end.known && !client->ending && !at_once) {
        client_say_link(client, was_up, error, detail);
    }
    client->stream = NULL;
    client->again = false;
    client->up_us = 0;
    timer_stop(&client->timer);
    client_in_down(client);
    client_out_down(client);
    client_filters_down(client, was_up && (client->end.error == BUSBAR_ECLOSED ||
                                           client->end.error == BUSBAR_ERESET));
    if (client->ending) {
        mqtt_client_fini(client);
        return;
    }
    if (lived_us >= CLIENT_SETTLED_MS * CLOCK_US_PER_MS) {
        backoff_reset(&client->backoff);
        client->short_lives = 0;
    }
    if (!at_once && client->known_version == 0 && client->options.version == 0) {
        client->version = MQTT_VERSION_5; /* not known yet what it speaks */
    }
    buf_clear(&client->input);
    client_schedule(client, client->end.final && !at_once, at_once);
}

/* ---- the stream ---- */

static void on_opened(void *ctx)
{
    struct mqtt_client *client = ctx;
    client->state = CLIENT_SHAKING;
    client->epoch++;
    client->ping_us = 0;
    client->skip = 0;
    buf_clear(&client->input);
    client->last_in_us = loop_now_us(client->loop);
    timer_start(&client->timer, CLIENT_ANSWER_MS, 0);
    say_connect(client);
}

static void on_data(void *ctx, const uint8_t *data, size_t size)
{
    struct mqtt_client *client = ctx;
    client->last_in_us = loop_now_us(client->loop);
    client->stats.bytes_in += size;
    client_receive(client, data, size);
}

static void on_drained(void *ctx)
{
    struct mqtt_client *client = ctx;
    if (client->state == CLIENT_UP) {
        client_out_pump(client);
    }
}

const struct stream_events client_stream_events = {
    .opened = on_opened,
    .data = on_data,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- CONNACK ---- */

static uint32_t or_else(const struct mqtt_properties *from, enum mqtt_property_id id,
                        uint32_t value, uint32_t otherwise)
{
    return mqtt_has(from, id) ? value : otherwise;
}

static void learn_broker(struct mqtt_client *client, const struct mqtt_properties *from)
{
    client->broker = (struct client_broker){
        .receive_max = (uint16_t)or_else(from, MQTT_RECEIVE_MAXIMUM, from->receive_maximum,
                                         UINT16_MAX),
        .keep_alive_s = (uint16_t)or_else(from, MQTT_SERVER_KEEP_ALIVE, from->server_keep_alive,
                                          client->options.keep_alive_s),
        .packet_max = or_else(from, MQTT_MAXIMUM_PACKET, from->maximum_packet, MQTT_VARINT_MAX),
        .qos_max = (uint8_t)or_else(from, MQTT_MAXIMUM_QOS, from->maximum_qos, 2),
        .retain = or_else(from, MQTT_RETAIN_AVAILABLE, from->retain_available, 1) != 0,
        .wildcards = or_else(from, MQTT_WILDCARD_AVAILABLE, from->wildcard_available, 1) != 0,
        .shared = or_else(from, MQTT_SHARED_AVAILABLE, from->shared_available, 1) != 0,
    };
}

static int64_t tick_ms(const struct mqtt_client *client)
{
    int64_t part = client->broker.keep_alive_s * INT64_C(1000) / TICKS_A_KEEP_ALIVE;
    return part > 0 && part < TICK_MAX_MS ? part : TICK_MAX_MS;
}

void client_connack(struct mqtt_client *client, struct bytes body)
{
    struct mqtt_packet_connack packet;
    struct mqtt_wrong wrong;
    if (mqtt_get_connack(body, client->version, &packet, &wrong) != 0) {
        client_broke(client, &wrong, body.start, bytes_left(&body));
        return;
    }
    if (packet.code != 0) {
        client_say_refused(client, &packet);
        client->state = CLIENT_CLOSING;
        stream_close(client->stream);
        return;
    }
    client->state = CLIENT_UP;
    client->known_version = client->version;
    client->up_us = loop_now_us(client->loop);
    client->stats.reconnects += client->began ? 1 : 0;
    client->began = true;
    learn_broker(client, &packet.properties);
    timer_start(&client->timer, tick_ms(client), tick_ms(client));
    client_in_up(client, packet.session);
    client_filters_up(client, packet.session);
    client_out_up(client, packet.session);
    if (client->state == CLIENT_UP && client->events.up != NULL) {
        client->events.up(client->ctx, packet.session);
    }
}

/* ---- while it is up ---- */

static void ping(struct mqtt_client *client, int64_t now_us)
{
    if (client->ping_us == 0) {
        client->ping_us = now_us;
    }
    client->stats.pings++;
    (void)mqtt_put_ping(&client->packet, MQTT_PINGREQ);
    client_send_packet(client);
}

/* True: it is given up. Anything that comes counts as life; while we do not listen, nothing can come. */
static bool is_silent(struct mqtt_client *client, int64_t now_us)
{
    int64_t heard_us = client->last_in_us;
    int64_t asked_us = client_filters_asked_us(client);
    if (client->in.paused) {
        return false;
    }
    if (client->ping_us != 0) {
        int64_t since_us = heard_us > client->ping_us ? heard_us : client->ping_us;
        if (now_us - since_us >= CLIENT_ANSWER_MS * CLOCK_US_PER_MS) {
            client_end(client, MQTT_DOWN_SILENT, 0, BUSBAR_ETIMEOUT,
                       "%s did not answer within %d s: the connection is dead or the broker hangs",
                       stream_peer(client->stream), CLIENT_ANSWER_MS / 1000);
            return true;
        }
    }
    if (asked_us != 0 && now_us - asked_us >= CLIENT_SUBACK_MS * CLOCK_US_PER_MS) {
        client_end(client, MQTT_DOWN_SILENT, 0, BUSBAR_ETIMEOUT,
                   "%s did not answer a SUBSCRIBE within %d s", stream_peer(client->stream),
                   CLIENT_SUBACK_MS / 1000);
        return true;
    }
    return false;
}

void client_tick(struct mqtt_client *client)
{
    int64_t now_us = loop_now_us(client->loop);
    if (is_silent(client, now_us) || client->broker.keep_alive_s == 0) {
        return;
    }
    int64_t keep_us = client->broker.keep_alive_s * CLOCK_US_PER_S;
    bool quiet_out = now_us - client->last_out_us >= keep_us - keep_us / TICKS_A_KEEP_ALIVE;
    bool quiet_in = now_us - client->last_in_us >= keep_us && client->ping_us == 0;
    if (quiet_out || (quiet_in && !client->in.paused)) {
        ping(client, now_us);
    }
}

void client_dismissed(struct mqtt_client *client, struct bytes body)
{
    struct mqtt_packet_end packet;
    struct mqtt_wrong wrong;
    if (client->version != MQTT_VERSION_5) {
        wrong = (struct mqtt_wrong){ .text = "a broker of 3.1.1 sends no DISCONNECT",
                                     .reason = MQTT_PROTOCOL_ERROR };
        client_broke(client, &wrong, body.start, bytes_left(&body));
    } else if (mqtt_get_end(body, MQTT_DISCONNECT, client->version, &packet, &wrong) != 0) {
        client_broke(client, &wrong, body.start, bytes_left(&body));
    } else {
        client_say_dismissed(client, &packet);
        client->state = CLIENT_CLOSING;
        stream_close(client->stream);
    }
}
