/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_mqtt_broker.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "sim/sim_mqtt_session.h"

enum { CONNECT_WITHIN_MS = 10000, RECEIVE_MOST = 65535 };

bool broker_send(struct broker_client *client, const struct buf *packet)
{
    return !client->closing && stream_send(client->stream, packet->data, packet->size) == 0;
}

/* ---- the end of a connection ---- */

static void end_client(struct broker_client *client)
{
    if (!client->closing) {
        client->closing = true;
        stream_close(client->stream);
    }
}

/* With a reason, where the version has one. */
static void refuse(struct broker_client *client, uint8_t reason)
{
    struct buf *out = &client->broker->out;
    const struct mqtt_packet_end packet = { .code = reason };
    buf_clear(out);
    if (client->version == MQTT_VERSION_5 && client->session != NULL &&
        mqtt_put_end(out, MQTT_DISCONNECT, client->version, &packet) == 0) {
        (void)broker_send(client, out);
    }
    end_client(client);
}

static void keep_retained(struct sim_broker *broker, struct broker_message *message)
{
    struct broker_message *before = map_remove(&broker->retained, message->topic);
    broker_message_drop(before);
    if (message->size > 0) {
        message->holders++;
        (void)map_set(&broker->retained, message->topic, message);
    }
}

static void publish(struct sim_broker *broker, struct broker_message *message,
                    const struct broker_session *from)
{
    if (message->retain) {
        keep_retained(broker, message);
    }
    broker_deliver(broker, message, from);
    if (from != NULL && broker->heard != NULL && !broker->closed) {
        const struct sim_broker_message heard = { message->topic, message->payload, message->size,
                                                  message->qos, message->retain };
        broker->heard(broker->ctx, &heard);
    }
}

static void leave_session(struct broker_client *client)
{
    struct broker_session *session = client->session;
    client->session = NULL;
    if (session == NULL || session->client != client) {
        return;
    }
    session->client = NULL;
    if (!session->keep) {
        broker_session_free(session);
    }
}

static void stream_is_closed(void *ctx, int error, const char *detail)
{
    struct broker_client *client = ctx;
    (void)error;
    (void)detail;
    const struct broker_session *from = client->session;
    if (client->will != NULL && !client->said_goodbye && !client->broker->closed) {
        publish(client->broker, client->will, from);
    }
    leave_session(client);
    client->broker->stats.clients--;
    struct sim_broker *broker = client->broker;
    timer_stop(&client->silence);
    list_remove(&client->link);
    broker_message_drop(client->will);
    buf_fini(&client->in);
    busbar_free(client);
    if (broker->closed && list_empty(&broker->clients)) {
        buf_fini(&broker->out);
        busbar_free(broker);
    }
}

/* ---- CONNECT ---- */

static void answer_connect(struct broker_client *client, bool session, uint8_t code)
{
    struct buf *out = &client->broker->out;
    struct mqtt_packet_connack packet = { .session = session, .code = code };
    mqtt_no_properties(&packet.properties);
    if (client->version == MQTT_VERSION_5 && code == MQTT_SUCCESS) {
        mqtt_add(&packet.properties, MQTT_MAXIMUM_PACKET);
        packet.properties.maximum_packet = SIM_BROKER_PACKET_MAX;
        const char *id = client->session->id;
        mqtt_add(&packet.properties, MQTT_ASSIGNED_ID);
        packet.properties.assigned_id = (struct mqtt_slice){ (const uint8_t *)id, strlen(id) };
    }
    buf_clear(out);
    if (mqtt_put_connack(out, client->version, &packet) == 0) {
        (void)broker_send(client, out);
    }
}

static char *slice_text(struct mqtt_slice slice)
{
    return busbar_strndup(slice.size > 0 ? (const char *)slice.data : "", slice.size);
}

static void set_will(struct broker_client *client, const struct mqtt_packet_will *will)
{
    char *topic = slice_text(will->topic);
    const struct sim_broker_message message = { topic, will->payload.data, will->payload.size,
                                                will->qos, will->retain };
    client->will = broker_message_new(&message);
    busbar_free(topic);
}

static void set_silence(struct broker_client *client, uint16_t keep_alive_s)
{
    timer_stop(&client->silence);
    client->silence_us = INT64_C(1500000) * keep_alive_s;
    if (client->silence_us > 0) {
        timer_start_us(&client->silence, client->silence_us, 0);
    }
}

/* Returns whether there was one. */
static bool enter_session(struct broker_client *client, const struct mqtt_packet_connect *packet)
{
    char made[24];
    char *id = slice_text(packet->client_id);
    if (id[0] == '\0') {
        str_format(made, sizeof(made), "sim-%llx", (unsigned long long)hash_entropy() & 0xffffffff);
    }
    const char *name = id[0] != '\0' ? id : made;
    struct broker_session *session = broker_session_find(client->broker, name);
    if (session != NULL && session->client != NULL) { /* taken over */
        struct broker_client *other = session->client;
        session->keep = true;
        refuse(other, MQTT_SESSION_TAKEN_OVER);
        leave_session(other);
    }
    if (session != NULL && packet->clean) {
        broker_session_free(session);
        session = NULL;
    }
    bool found = session != NULL;
    session = found ? session : broker_session_new(client->broker, name);
    session->keep = client->version == MQTT_VERSION_5
                        ? mqtt_has(&packet->properties, MQTT_SESSION_EXPIRY) &&
                              packet->properties.session_expiry > 0
                        : !packet->clean;
    session->client = client;
    client->session = session;
    busbar_free(id);
    return found;
}

static void on_connect(struct broker_client *client, struct bytes body)
{
    struct mqtt_packet_connect packet;
    struct mqtt_wrong wrong;
    if (client->session != NULL || mqtt_get_connect(body, &packet, &wrong) != 0) {
        refuse(client, MQTT_PROTOCOL_ERROR);
        return;
    }
    if (packet.version != MQTT_VERSION_5 && packet.version != MQTT_VERSION_3_1_1) {
        client->version = MQTT_VERSION_3_1_1;
        answer_connect(client, false, 1);
        end_client(client);
        return;
    }
    client->version = (uint8_t)packet.version;
    client->receive_max = mqtt_has(&packet.properties, MQTT_RECEIVE_MAXIMUM)
                              ? (uint16_t)packet.properties.receive_maximum
                              : RECEIVE_MOST;
    bool found = enter_session(client, &packet);
    if (packet.has_will) {
        set_will(client, &packet.will);
    }
    set_silence(client, packet.keep_alive_s);
    answer_connect(client, found, MQTT_SUCCESS);
    broker_session_resume(client->session);
}

/* ---- PUBLISH ---- */

static void answer_ack(struct broker_client *client, uint8_t type, uint16_t id)
{
    struct buf *out = &client->broker->out;
    const struct mqtt_packet_ack packet = { .type = type, .id = id };
    buf_clear(out);
    if (mqtt_put_ack(out, client->version, &packet) == 0) {
        (void)broker_send(client, out);
    }
}

/* Whether this QoS 2 message came before; it is noted. */
static bool is_taken(struct broker_session *session, uint16_t id)
{
    for (size_t i = 0; i < session->taken_count; i++) {
        if (session->taken[i] == id) {
            return true;
        }
    }
    session->taken = busbar_realloc(session->taken,
                                    (session->taken_count + 1) * sizeof(*session->taken));
    session->taken[session->taken_count++] = id;
    return false;
}

static void release(struct broker_session *session, uint16_t id)
{
    for (size_t i = 0; i < session->taken_count; i++) {
        if (session->taken[i] == id) {
            session->taken[i] = session->taken[--session->taken_count];
            return;
        }
    }
}

static void on_publish(struct broker_client *client, struct bytes body, uint8_t flags)
{
    struct mqtt_packet_publish packet;
    struct mqtt_wrong wrong;
    if (mqtt_get_publish(body, flags, client->version, &packet, &wrong) != 0) {
        refuse(client, wrong.reason);
        return;
    }
    if (packet.topic.size == 0) { /* aliases were not offered */
        refuse(client, MQTT_TOPIC_ALIAS_INVALID);
        return;
    }
    if (packet.qos < 2 || !is_taken(client->session, packet.id)) {
        char *topic = slice_text(packet.topic);
        const struct sim_broker_message from = { topic, packet.payload.data, packet.payload.size,
                                                 packet.qos, packet.retain };
        struct broker_message *message = broker_message_new(&from);
        publish(client->broker, message, client->session);
        broker_message_drop(message);
        busbar_free(topic);
    }
    if (packet.qos > 0) {
        answer_ack(client, packet.qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, packet.id);
    }
}

static void on_ack(struct broker_client *client, uint8_t type, struct bytes body)
{
    struct mqtt_packet_ack packet;
    struct mqtt_wrong wrong;
    if (mqtt_get_ack(body, type, client->version, &packet, &wrong) != 0) {
        refuse(client, wrong.reason);
    } else if (type == MQTT_PUBREL) {
        release(client->session, packet.id);
        answer_ack(client, MQTT_PUBCOMP, packet.id);
    } else {
        broker_acknowledged(client->session, type, packet.id, packet.code);
    }
}

/* ---- SUBSCRIBE, UNSUBSCRIBE ---- */

enum { ROWS_MAX = 65536 };

static uint8_t subscribe_row(struct broker_client *client, const struct mqtt_filter_row *row)
{
    char *filter = slice_text(row->filter);
    uint8_t code = row->qos;
    if (mqtt_filter_wrong(filter) != NULL ||
        client->session->filter_count >= SIM_BROKER_FILTERS_MAX) {
        code = client->version == MQTT_VERSION_5 ? MQTT_FILTER_INVALID : MQTT_FAILURE;
    } else {
        (void)broker_subscribe(client->session, filter, row);
    }
    busbar_free(filter);
    return code;
}

/* Retained messages follow the answer. */
static void send_retained(struct broker_client *client, struct bytes rows, const uint8_t *codes)
{
    struct mqtt_filter_row row;
    for (size_t i = 0; mqtt_next_filter(&rows, true, &row); i++) {
        if (codes[i] < MQTT_FAILURE && row.retain_handling != 2) {
            char *filter = slice_text(row.filter);
            broker_send_retained(client->session, filter, row.qos);
            busbar_free(filter);
        }
    }
}

static void on_subscribe(struct broker_client *client, struct bytes body, bool subscribe)
{
    struct mqtt_packet_subscribe packet;
    struct mqtt_wrong wrong;
    struct mqtt_filter_row row;
    int error = subscribe ? mqtt_get_subscribe(body, client->version, &packet, &wrong)
                          : mqtt_get_unsubscribe(body, client->version, &packet, &wrong);
    if (error != 0 || packet.count > ROWS_MAX) {
        refuse(client, error != 0 ? wrong.reason : MQTT_QUOTA_EXCEEDED);
        return;
    }
    uint8_t *codes = busbar_alloc(packet.count);
    struct bytes rows = packet.rows;
    for (size_t i = 0; i < packet.count && mqtt_next_filter(&rows, subscribe, &row); i++) {
        if (subscribe) {
            codes[i] = subscribe_row(client, &row);
        } else {
            char *filter = slice_text(row.filter);
            bool was = broker_unsubscribe(client->session, filter);
            codes[i] = was ? MQTT_SUCCESS : MQTT_NO_SUBSCRIPTION_EXISTED;
            busbar_free(filter);
        }
    }
    struct buf *out = &client->broker->out;
    struct mqtt_packet_suback answer = { .id = packet.id, .count = packet.count };
    bool coded = subscribe || client->version == MQTT_VERSION_5;
    answer.codes = coded ? codes : NULL;
    answer.count = coded ? packet.count : 0;
    buf_clear(out);
    error = subscribe ? mqtt_put_suback(out, client->version, &answer)
                      : mqtt_put_unsuback(out, client->version, &answer);
    if (error == 0) {
        (void)broker_send(client, out);
    }
    if (subscribe) {
        send_retained(client, packet.rows, codes);
    }
    busbar_free(codes);
}

/* ---- packets ---- */

static void on_goodbye(struct broker_client *client, struct bytes body)
{
    struct mqtt_packet_end packet;
    struct mqtt_wrong wrong;
    bool fine = mqtt_get_end(body, MQTT_DISCONNECT, client->version, &packet, &wrong) == 0;
    client->said_goodbye = fine && packet.code != 4; /* 4: with the will */
    if (fine && mqtt_has(&packet.properties, MQTT_SESSION_EXPIRY)) {
        client->session->keep = packet.properties.session_expiry > 0;
    }
    end_client(client);
}

static void on_packet(struct broker_client *client, const struct mqtt_head *head, struct bytes body)
{
    if ((client->session == NULL) != (head->type == MQTT_CONNECT)) {
        refuse(client, MQTT_PROTOCOL_ERROR);
        return;
    }
    switch (head->type) {
    case MQTT_CONNECT: on_connect(client, body); break;
    case MQTT_PUBLISH: on_publish(client, body, head->flags); break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP: on_ack(client, head->type, body); break;
    case MQTT_SUBSCRIBE: on_subscribe(client, body, true); break;
    case MQTT_UNSUBSCRIBE: on_subscribe(client, body, false); break;
    case MQTT_PINGREQ:
        buf_clear(&client->broker->out);
        (void)mqtt_put_ping(&client->broker->out, MQTT_PINGRESP);
        (void)broker_send(client, &client->broker->out);
        break;
    case MQTT_DISCONNECT: on_goodbye(client, body); break;
    default: refuse(client, MQTT_PROTOCOL_ERROR);
    }
}

static void stream_data(void *ctx, const uint8_t *data, size_t size)
{
    struct broker_client *client = ctx;
    size_t used = 0;
    if (buf_append(&client->in, data, size) != 0) {
        refuse(client, MQTT_PACKET_TOO_LARGE);
        return;
    }
    if (client->silence_us > 0) {
        timer_start_us(&client->silence, client->silence_us, 0);
    }
    while (!client->closing) {
        struct bytes in = bytes_of(client->in.data + used, client->in.size - used);
        struct mqtt_head head;
        int error = mqtt_get_head(&in, &head);
        if (error == BUSBAR_ESHORT ||
            (error == 0 && head.size <= SIM_BROKER_PACKET_MAX && bytes_left(&in) < head.size)) {
            break;
        }
        if (error != 0 || head.size > SIM_BROKER_PACKET_MAX) {
            refuse(client, error != 0 ? MQTT_MALFORMED : MQTT_PACKET_TOO_LARGE);
            break;
        }
        used = (size_t)(in.at - client->in.data) + head.size;
        on_packet(client, &head, bytes_of(in.at, head.size));
    }
    buf_consume(&client->in, used);
}

static void silent(struct timer *timer, void *ctx)
{
    struct broker_client *client = ctx;
    (void)timer;
    refuse(client, MQTT_KEEP_ALIVE_TIMEOUT);
}

static void accepted(void *ctx, struct stream *stream)
{
    static const struct stream_events events = { .data = stream_data, .closed = stream_is_closed };
    struct sim_broker *broker = ctx;
    struct broker_client *client = busbar_alloc(sizeof(*client));
    client->broker = broker;
    client->stream = stream;
    client->version = MQTT_VERSION_3_1_1;
    buf_init(&client->in, SIM_BROKER_PACKET_MAX + MQTT_HEAD_MAX + STREAM_READ_BYTES);
    timer_init(&client->silence, broker->loop, silent, client);
    timer_start(&client->silence, CONNECT_WITHIN_MS, 0);
    list_append(&broker->clients, &client->link);
    broker->stats.clients++;
    stream_take(stream, &events, client);
}

/* ---- the broker ---- */

int sim_broker_open(struct loop *loop, const char *host, uint16_t port, struct tls_context *tls,
                    sim_broker_heard_cb heard, void *ctx, struct sim_broker **out, struct err *err)
{
    static const struct listener_events events = { .accepted = accepted };
    struct sim_broker *broker = busbar_alloc(sizeof(*broker));
    const struct listener_target target = {
        .host = host,
        .port = port,
        .tls = tls,
        .streams_max = SIM_BROKER_CLIENTS_MAX,
        .send_max = SIM_BROKER_SEND_MAX,
    };
    int error = listener_open(loop, &target, &events, broker, &broker->listener, err);
    if (error != 0) {
        busbar_free(broker);
        return error;
    }
    broker->loop = loop;
    broker->tls = tls != NULL ? tls_context_ref(tls) : NULL;
    broker->heard = heard;
    broker->ctx = ctx;
    list_init(&broker->clients);
    list_init(&broker->sessions);
    list_init(&broker->wild);
    buf_init(&broker->out, SIM_BROKER_PACKET_MAX + 1024);
    *out = broker;
    return 0;
}

void sim_broker_drop_clients(struct sim_broker *broker)
{
    list_each(at, &broker->clients) {
        end_client(list_entry(at, struct broker_client, link));
    }
}

void sim_broker_close(struct sim_broker *broker)
{
    size_t at = 0;
    void *value;
    if (broker == NULL) {
        return;
    }
    broker->closed = true;
    listener_close(broker->listener);
    tls_context_unref(broker->tls);
    sim_broker_drop_clients(broker);
    list_each(client, &broker->clients) {
        leave_session(list_entry(client, struct broker_client, link));
    }
    list_each_safe(session, &broker->sessions) {
        broker_session_free(list_entry(session, struct broker_session, link));
    }
    while (map_next(&broker->retained, &at, NULL, &value)) {
        broker_message_drop(value);
    }
    map_fini(&broker->retained);
    map_fini(&broker->exact);
    map_fini(&broker->all_sets);
    if (list_empty(&broker->clients)) {
        buf_fini(&broker->out);
        busbar_free(broker);
    }
}

uint16_t sim_broker_port(const struct sim_broker *broker)
{
    return listener_port(broker->listener);
}

void sim_broker_publish(struct sim_broker *broker, const struct sim_broker_message *from)
{
    struct broker_message *message = broker_message_new(from);
    publish(broker, message, NULL);
    broker_message_drop(message);
}

void sim_broker_stats(const struct sim_broker *broker, struct sim_broker_stats *stats)
{
    *stats = broker->stats;
}
