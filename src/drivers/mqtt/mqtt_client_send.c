/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of ours (4.3, 4.4). Each is encoded once and sent once; what the broker has not acknowledged when the
 * connection ends is sent again, as the standard asks, when the broker has kept the session, else it is given up.
 *
 *   queued -> sent -> QoS 0: given to the kernel · QoS 1: PUBACK · QoS 2: PUBREC, PUBREL, PUBCOMP
 *
 * No more are on the way than the broker's receive maximum. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "drivers/mqtt/mqtt_client_private.h"

enum { FLUSH_MS = 2, DEADLINE_MS = 1000 };

struct client_outgoing {
    struct list link;
    mqtt_published_cb done; /* NULL: nobody asks any more */
    void *ctx;
    int64_t since_us;
    uint16_t id;
    uint8_t qos;
    bool released; /* QoS 2: PUBREC came, PUBREL is sent */
    int version;   /* it is encoded for */
    size_t size;
    uint8_t packet[];
};

static struct client_outgoing *outgoing_of(struct list *link)
{
    return list_entry(link, struct client_outgoing, link);
}

/* Takes it out of all and tells how it ended. */
static void finish(struct mqtt_client *client, struct client_outgoing *message, int error,
                   uint8_t code)
{
    struct client_out *out = &client->out;
    mqtt_published_cb done = message->done;
    void *ctx = message->ctx;
    list_remove(&message->link);
    if (message->id != 0) {
        (void)map64_remove(&out->by_id, message->id);
    }
    out->count--;
    out->bytes -= message->size;
    busbar_free(message);
    if (list_empty(&out->sent)) {
        timer_stop(&out->deadline);
    }
    if (done != NULL) {
        done(ctx, error, code);
    }
}

static size_t length(const struct list *list)
{
    size_t count = 0;
    list_each(at, list) {
        count++;
    }
    return count;
}

/* Those that are in the list now; what is called back may add others, or forget some. */
static void finish_all(struct mqtt_client *client, struct list *list, int error)
{
    for (size_t left = length(list); left > 0 && !list_empty(list); left--) {
        finish(client, outgoing_of(list->next), error, 0);
    }
}

/* ---- sending ---- */

static void say_release(struct mqtt_client *client, uint16_t id, uint8_t code)
{
    struct mqtt_packet_ack packet = { .type = MQTT_PUBREL, .id = id, .code = code };
    (void)mqtt_put_ack(&client->packet, client->version, &packet);
    client_send_packet(client);
}

/* False: the stream takes no more now; `drained` will come. */
static bool send_one(struct mqtt_client *client, struct client_outgoing *message)
{
    struct client_out *out = &client->out;
    int error = stream_send(client->stream, message->packet, message->size);
    if (error != 0) {
        return false;
    }
    client->last_out_us = loop_now_us(client->loop);
    client->stats.bytes_out += message->size;
    client->stats.messages_out++;
    if (client->events.packet != NULL) {
        client->events.packet(client->ctx, false, message->packet, message->size);
    }
    list_remove(&message->link);
    if (message->qos == 0) {
        list_append(&out->flushing, &message->link);
        if (!timer_running(&out->flush)) {
            timer_start(&out->flush, FLUSH_MS, FLUSH_MS);
        }
    } else {
        out->in_flight++;
        list_append(&out->sent, &message->link);
        if (!timer_running(&out->deadline)) {
            timer_start(&out->deadline, DEADLINE_MS, DEADLINE_MS);
        }
    }
    return true;
}

void client_out_pump(struct mqtt_client *client)
{
    struct client_out *out = &client->out;
    while (client->state == CLIENT_UP && !list_empty(&out->queued)) {
        struct client_outgoing *message = outgoing_of(out->queued.next);
        if ((message->qos > 0 && out->in_flight >= client->broker.receive_max) ||
            !send_one(client, message)) {
            return;
        }
    }
}

static void on_flush(struct timer *timer, void *ctx)
{
    struct mqtt_client *client = ctx;
    if (client->stream == NULL || stream_pending(client->stream) > 0) {
        return;
    }
    timer_stop(timer);
    finish_all(client, &client->out.flushing, 0);
}

/* Nobody waits for ever; the message stays, for its id is in use. */
static void on_deadline(struct timer *timer, void *ctx)
{
    (void)timer;
    struct mqtt_client *client = ctx;
    int64_t due_us = loop_now_us(client->loop) - CLIENT_PUBLISH_MS * CLOCK_US_PER_MS;
    for (;;) {
        struct client_outgoing *late = NULL;
        list_each(at, &client->out.sent) {
            struct client_outgoing *message = outgoing_of(at);
            if (message->done != NULL && message->since_us <= due_us) {
                late = message;
                break;
            }
        }
        if (late == NULL) {
            return;
        }
        mqtt_published_cb done = late->done;
        late->done = NULL;
        done(late->ctx, BUSBAR_ETIMEOUT, 0);
    }
}

/* ---- publishing ---- */

uint16_t client_new_id(struct mqtt_client *client)
{
    struct client_out *out = &client->out;
    do {
        out->last_id = out->last_id == UINT16_MAX ? 1 : (uint16_t)(out->last_id + 1);
    } while (map64_get(&out->by_id, out->last_id) != NULL ||
             client_filters_use_id(client, out->last_id));
    return out->last_id;
}

static int check(const struct mqtt_client *client, const struct mqtt_publish *message)
{
    const struct client_out *out = &client->out;
    if (client->state != CLIENT_UP) {
        return BUSBAR_ENOTCONN;
    }
    if (message->qos > 2 || mqtt_topic_wrong(message->topic) != NULL) {
        return BUSBAR_EINVAL;
    }
    if (message->retain && !client->broker.retain) {
        return BUSBAR_EUNSUPPORTED;
    }
    if (message->size > client->broker.packet_max) {
        return BUSBAR_ETOOBIG;
    }
    return out->count >= MQTT_SEND_QUEUE_MAX || out->bytes + message->size > CLIENT_SEND_BYTES_MAX
               ? BUSBAR_ELIMIT
               : 0;
}

static int encode(struct mqtt_client *client, const struct mqtt_publish *message, uint8_t qos,
                  uint16_t id)
{
    struct mqtt_packet_publish packet = {
        .retain = message->retain,
        .qos = qos,
        .id = id,
        .topic = { .data = (const uint8_t *)message->topic, .size = strlen(message->topic) },
        .payload = { .data = message->payload, .size = message->size },
        .properties = { .users = message->properties, .user_count = message->property_count },
    };
    int error = mqtt_put_publish(&client->packet, client->version, &packet);
    if (error == 0 && client->packet.size > client->broker.packet_max) {
        error = BUSBAR_ETOOBIG;
    }
    return error;
}

int mqtt_client_publish(struct mqtt_client *client, const struct mqtt_publish *message,
                        mqtt_published_cb done, void *ctx)
{
    struct client_out *out = &client->out;
    int error = check(client, message);
    if (error != 0) {
        return error;
    }
    uint8_t qos = message->qos <= client->broker.qos_max ? message->qos : client->broker.qos_max;
    uint16_t id = qos > 0 ? client_new_id(client) : 0;
    error = encode(client, message, qos, id);
    if (error != 0) {
        buf_clear(&client->packet);
        return error;
    }
    struct client_outgoing *copy = busbar_try_alloc(sizeof(*copy) + client->packet.size);
    if (copy == NULL) {
        buf_clear(&client->packet);
        return BUSBAR_ENOMEM;
    }
    copy->done = done;
    copy->ctx = ctx;
    copy->since_us = loop_now_us(client->loop);
    copy->id = id;
    copy->qos = qos;
    copy->version = client->version;
    copy->size = client->packet.size;
    memcpy(copy->packet, client->packet.data, copy->size);
    buf_clear(&client->packet);
    list_append(&out->queued, &copy->link);
    out->count++;
    out->bytes += copy->size;
    if (id != 0) {
        (void)map64_set(&out->by_id, id, copy);
    }
    client_out_pump(client);
    return 0;
}

static void forget_in(struct list *list, const void *ctx)
{
    list_each(at, list) {
        struct client_outgoing *message = outgoing_of(at);
        if (message->ctx == ctx) {
            message->done = NULL;
        }
    }
}

void mqtt_client_forget(struct mqtt_client *client, const void *ctx)
{
    forget_in(&client->out.queued, ctx);
    forget_in(&client->out.sent, ctx);
    forget_in(&client->out.flushing, ctx);
}

/* ---- answers ---- */

static void answered(struct mqtt_client *client, struct client_outgoing *message, uint8_t code)
{
    client->out.in_flight -= client->out.in_flight > 0 ? 1 : 0;
    finish(client, message, 0, code);
    client_out_pump(client);
}

void client_out_answer(struct mqtt_client *client, const struct mqtt_packet_ack *packet)
{
    struct client_outgoing *message = map64_get(&client->out.by_id, packet->id);
    bool two = message != NULL && message->qos == 2;
    if (packet->type == MQTT_PUBREC) {
        if (two && packet->code >= MQTT_FAILURE && !message->released) {
            answered(client, message, packet->code);
        } else if (packet->code < MQTT_FAILURE) {
            if (two) {
                message->released = true;
            }
            say_release(client, packet->id, two ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND);
        }
    } else if (message != NULL && packet->type == (two ? MQTT_PUBCOMP : MQTT_PUBACK)) {
        /* 0x92 for a PUBREL that was sent again: the broker is done with it */
        bool done = two && packet->code == MQTT_PACKET_ID_NOT_FOUND;
        answered(client, message, done ? MQTT_SUCCESS : packet->code);
    }
}

/* ---- connections ---- */

void client_out_up(struct mqtt_client *client, bool session)
{
    struct client_out *out = &client->out;
    out->in_flight = 0;
    for (size_t left = length(&out->sent); left > 0 && client->state == CLIENT_UP; left--) {
        struct client_outgoing *message = outgoing_of(out->sent.next);
        if (!session || message->version != client->version) {
            finish(client, message, BUSBAR_ECLOSED, 0);
            continue;
        }
        list_remove(&message->link);
        list_append(&out->sent, &message->link); /* once around: in their order */
        out->in_flight++;
        if (message->released) {
            say_release(client, message->id, MQTT_SUCCESS);
        } else {
            message->packet[0] |= 8;
            mqtt_client_put(client, message->packet, message->size);
        }
    }
    client_out_pump(client);
}

void client_out_down(struct mqtt_client *client)
{
    struct client_out *out = &client->out;
    timer_stop(&out->flush);
    finish_all(client, &out->flushing, BUSBAR_ECLOSED);
    finish_all(client, &out->queued, BUSBAR_ENOTCONN);
}

void client_out_init(struct mqtt_client *client)
{
    struct client_out *out = &client->out;
    list_init(&out->queued);
    list_init(&out->sent);
    list_init(&out->flushing);
    map64_init(&out->by_id);
    timer_init(&out->flush, client->loop, on_flush, client);
    timer_init(&out->deadline, client->loop, on_deadline, client);
}

void client_out_free(struct mqtt_client *client)
{
    struct client_out *out = &client->out;
    timer_stop(&out->flush);
    finish_all(client, &out->flushing, BUSBAR_ECANCELED);
    finish_all(client, &out->queued, BUSBAR_ECANCELED);
    finish_all(client, &out->sent, BUSBAR_ECANCELED);
    timer_stop(&out->deadline);
    map64_fini(&out->by_id);
}
