/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that come, and their acknowledgements (4.3, 4.6):
 *
 *   QoS 1   PUBLISH -> told -> on disk -> PUBACK
 *   QoS 2   PUBLISH -> told -> on disk -> PUBREC ... PUBREL -> PUBCOMP
 *           its id is GIVEN until PUBREC, RECORDED until PUBREL: whatever comes with it meanwhile is the same message
 *
 * Acknowledgements leave in the order the messages came, whatever the order in which they got onto the disk. */
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "drivers/mqtt/mqtt_client_private.h"

enum client_id { ID_FREE, ID_GIVEN, ID_RECORDED };

enum { RING_MIN = 64, RING_MAX = 65536 };

/* ---- rings ---- */

static struct client_entry *entry_at(const struct client_ring *ring, uint32_t number)
{
    return &ring->entries[number & (ring->capacity - 1)];
}

static void grow(struct client_ring *ring)
{
    struct client_ring wider = { .capacity = ring->capacity > 0 ? ring->capacity * 2 : RING_MIN,
                                 .first = ring->first,
                                 .count = ring->count };
    wider.entries = busbar_alloc_array(wider.capacity, sizeof(*wider.entries));
    for (uint32_t i = 0; i < ring->count; i++) {
        *entry_at(&wider, ring->first + i) = *entry_at(ring, ring->first + i);
    }
    busbar_free(ring->entries);
    *ring = wider;
}

size_t client_unacknowledged(const struct mqtt_client *client)
{
    return (size_t)client->in.rings[0].count + client->in.rings[1].count;
}

/* epoch, QoS, number; never 0 */
static uint64_t ticket_of(const struct mqtt_client *client, uint8_t qos, uint32_t number)
{
    return (uint64_t)(client->epoch & 0x7fffffff) << 33 | (uint64_t)(qos - 1u) << 32 | number;
}

/* 0: there are too many already. */
static uint64_t add_entry(struct mqtt_client *client, uint8_t qos, uint16_t id)
{
    struct client_ring *ring = &client->in.rings[qos - 1];
    if (ring->count == RING_MAX) {
        return 0;
    }
    if (ring->count == ring->capacity) {
        grow(ring);
    }
    uint32_t number = ring->first + ring->count++;
    *entry_at(ring, number) = (struct client_entry){ .id = id };
    return ticket_of(client, qos, number);
}

/* ---- acknowledging ---- */

static void say_ack(struct mqtt_client *client, uint8_t type, uint16_t id, uint8_t code)
{
    uint8_t bytes[8];
    size_t size = 2;
    bytes[0] = (uint8_t)(type << 4 | (type == MQTT_PUBREL ? 2 : 0));
    bytes[size++] = (uint8_t)(id >> 8);
    bytes[size++] = (uint8_t)id;
    if (client->version == MQTT_VERSION_5 && code != MQTT_SUCCESS) {
        bytes[size++] = code;
    }
    bytes[1] = (uint8_t)(size - 2);
    mqtt_client_put(client, bytes, size);
}

static void acknowledge_first(struct mqtt_client *client, uint8_t qos)
{
    struct client_ring *ring = &client->in.rings[qos - 1];
    struct client_entry entry = *entry_at(ring, ring->first);
    ring->first++;
    ring->count--;
    if (qos == 1) {
        say_ack(client, MQTT_PUBACK, entry.id, entry.code);
        return;
    }
    bool refused = entry.code >= MQTT_FAILURE && client->version == MQTT_VERSION_5;
    client->in.ids[entry.id] = refused ? ID_FREE : ID_RECORDED;
    say_ack(client, MQTT_PUBREC, entry.id, entry.code);
}

/* A broker of 3.1.1 does not know how much we take, and one of 5 may forget it (mosquitto repeats all of a session at
 * once): it is not listened to for a while. What one read from the stream brought is taken, however much it is. */
static void set_pause(struct mqtt_client *client)
{
    size_t waiting = client_unacknowledged(client);
    size_t most = client->options.receive_max;
    size_t from = client->version == MQTT_VERSION_5 ? most + 1 : most;
    bool pause = client->in.paused ? waiting > most / 2 : waiting >= from;
    if (pause != client->in.paused) {
        client->in.paused = pause;
        client->last_in_us = loop_now_us(client->loop);
        stream_pause(client->stream, pause);
    }
}

void mqtt_client_acknowledge(struct mqtt_client *client, uint64_t ticket, uint8_t code)
{
    uint8_t qos = (ticket >> 32 & 1) != 0 ? 2 : 1;
    struct client_ring *ring = &client->in.rings[qos - 1];
    uint32_t number = (uint32_t)ticket;
    if (client->state != CLIENT_UP || ticket_of(client, qos, number) != ticket ||
        number - ring->first >= ring->count) {
        return;
    }
    struct client_entry *entry = entry_at(ring, number);
    entry->done = true;
    entry->code = code >= MQTT_FAILURE ? code : MQTT_SUCCESS;
    while (client->state == CLIENT_UP && ring->count > 0 && entry_at(ring, ring->first)->done) {
        acknowledge_first(client, qos);
    }
    if (client->state == CLIENT_UP) {
        set_pause(client);
    }
}

/* ---- messages ---- */

static uint8_t *id_of(struct mqtt_client *client, uint16_t id)
{
    if (client->in.ids == NULL) {
        client->in.ids = busbar_alloc(CLIENT_IDS);
    }
    return &client->in.ids[id];
}

/* False: it is known already, or refused (`wrong`). */
static bool begin(struct mqtt_client *client, const struct mqtt_packet_publish *packet,
                  uint64_t *ticket, struct mqtt_wrong *wrong)
{
    uint8_t *state = packet->qos == 2 ? id_of(client, packet->id) : NULL;
    if (state != NULL && *state != ID_FREE) {
        client->stats.duplicates++;
        if (*state == ID_RECORDED) {
            say_ack(client, MQTT_PUBREC, packet->id, MQTT_SUCCESS);
        }
        return false;
    }
    *ticket = add_entry(client, packet->qos, packet->id);
    if (*ticket == 0) {
        *wrong = (struct mqtt_wrong){ .text = "it has more messages in flight than there are ids",
                                      .reason = MQTT_RECEIVE_MAXIMUM_EXCEEDED };
        return false;
    }
    if (state != NULL) {
        *state = ID_GIVEN;
    }
    return true;
}

static bool refuse_alias(struct mqtt_wrong *wrong, const char *text)
{
    *wrong = (struct mqtt_wrong){ .text = text, .reason = MQTT_TOPIC_ALIAS_INVALID };
    return false;
}

/* Makes or finds the topic that an alias stands for (5.0: 3.3.2.3.4). */
static bool find_alias(struct mqtt_client *client, const struct mqtt_packet_publish *packet,
                       struct mqtt_slice *topic, struct mqtt_wrong *wrong)
{
    struct client_in *in = &client->in;
    uint32_t alias = packet->properties.topic_alias;
    if (alias > client->options.topic_aliases) {
        return refuse_alias(wrong, "a topic alias higher than we allow");
    }
    if (in->aliases == NULL) {
        in->aliases = busbar_alloc_array(client->options.topic_aliases + 1u, sizeof(*in->aliases));
    }
    char **known = &in->aliases[alias];
    if (topic->size == 0) {
        if (*known == NULL) {
            return refuse_alias(wrong, "a topic alias that was never said");
        }
        *topic = (struct mqtt_slice){ .data = (const uint8_t *)*known, .size = strlen(*known) };
        return true;
    }
    in->alias_bytes += topic->size - (*known != NULL ? strlen(*known) : 0);
    if (in->alias_bytes > CLIENT_ALIAS_BYTES_MAX) {
        return refuse_alias(wrong, "topic aliases for more than 4 MB of topics");
    }
    busbar_free(*known);
    *known = busbar_strndup((const char *)topic->data, topic->size);
    return true;
}

/* Copies with a NUL behind. */
static const char *keep_text(uint8_t **to, struct mqtt_slice text)
{
    char *kept = (char *)*to;
    if (text.size > 0) {
        memcpy(kept, text.data, text.size);
    }
    kept[text.size] = '\0';
    *to += text.size + 1;
    return kept;
}

static void keep_properties(struct mqtt_client *client, const struct mqtt_properties *from,
                            uint8_t **to, struct mqtt_message *message)
{
    if (mqtt_has(from, MQTT_CONTENT_TYPE)) {
        message->content_type = keep_text(to, from->content_type);
    }
    if (mqtt_has(from, MQTT_RESPONSE_TOPIC)) {
        message->response_topic = keep_text(to, from->response_topic);
    }
    if (mqtt_has(from, MQTT_CORRELATION)) {
        message->correlation = from->correlation.data;
        message->correlation_size = from->correlation.size;
    }
    struct bytes rest = bytes_of(from->raw.data, from->raw.size);
    struct mqtt_slice name, value;
    while (mqtt_has(from, MQTT_USER_PROPERTY) && message->property_count < MQTT_PROPERTIES_MAX &&
           mqtt_next_user(&rest, &name, &value)) {
        struct mqtt_property *property = &client->properties[message->property_count++];
        property->name = keep_text(to, name);
        property->value = keep_text(to, value);
    }
    message->properties = client->properties;
}

/* The texts of one message need their bytes and a NUL each: at most 2 + 2 * MQTT_PROPERTIES_MAX + the topic. */
static void tell(struct mqtt_client *client, const struct mqtt_packet_publish *packet,
                 struct mqtt_slice topic, uint64_t ticket)
{
    buf_clear(&client->texts);
    uint8_t *to = buf_reserve(&client->texts, topic.size + packet->properties.raw.size +
                                                  2 * MQTT_PROPERTIES_MAX + 4);
    if (to == NULL) {
        client_end(client, MQTT_DOWN_LINK, 0, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
        return;
    }
    struct mqtt_message message = {
        .topic = keep_text(&to, topic),
        .topic_size = topic.size,
        .payload = packet->payload.data,
        .size = packet->payload.size,
        .qos = packet->qos,
        .retained = packet->retain,
        .duplicate = packet->duplicate,
        .packet_id = packet->id,
        .ticket = ticket,
    };
    if (packet->properties.present != 0) {
        keep_properties(client, &packet->properties, &to, &message);
    }
    client->events.message(client->ctx, &message);
}

void client_take_publish(struct mqtt_client *client, const struct mqtt_packet_publish *packet,
                         struct mqtt_wrong *wrong)
{
    struct mqtt_slice topic = packet->topic;
    uint64_t ticket = 0;
    if (mqtt_has(&packet->properties, MQTT_TOPIC_ALIAS) &&
        !find_alias(client, packet, &topic, wrong)) {
        return;
    }
    if (packet->qos > 0 && !begin(client, packet, &ticket, wrong)) {
        return;
    }
    client->stats.messages_in++;
    client->stats.duplicates += packet->duplicate ? 1 : 0;
    tell(client, packet, topic, ticket);
    if (packet->qos > 0 && client->state == CLIENT_UP) {
        set_pause(client);
    }
}

void client_take_oversize(struct mqtt_client *client, uint8_t qos, uint16_t id)
{
    struct mqtt_packet_publish packet = { .qos = qos, .id = id };
    struct mqtt_wrong wrong = { 0 };
    uint64_t ticket = 0;
    if (qos > 0 && begin(client, &packet, &ticket, &wrong)) {
        mqtt_client_acknowledge(client, ticket, MQTT_PACKET_TOO_LARGE);
    }
}

void client_take_release(struct mqtt_client *client, const struct mqtt_packet_ack *packet)
{
    uint8_t *state = id_of(client, packet->id);
    if (*state == ID_GIVEN) {
        return; /* it is not recorded yet: a broker that mixes up its ids */
    }
    bool known = *state == ID_RECORDED;
    *state = ID_FREE;
    say_ack(client, MQTT_PUBCOMP, packet->id, known ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND);
    if (client->events.released != NULL) {
        client->events.released(client->ctx, packet->id);
    }
}

/* ---- connections ---- */

void client_in_up(struct mqtt_client *client, bool session)
{
    if (!session && client->in.ids != NULL) {
        memset(client->in.ids, ID_FREE, CLIENT_IDS);
    }
}

void client_in_down(struct mqtt_client *client)
{
    struct client_in *in = &client->in;
    for (uint32_t i = 0; in->ids != NULL && i < CLIENT_IDS; i++) {
        in->ids[i] = in->ids[i] == ID_GIVEN ? ID_FREE : in->ids[i]; /* it will come again */
    }
    for (int i = 0; i < 2; i++) {
        in->rings[i].first += in->rings[i].count;
        in->rings[i].count = 0;
    }
    for (uint32_t i = 0; in->aliases != NULL && i <= client->options.topic_aliases; i++) {
        busbar_free(in->aliases[i]);
    }
    busbar_free(in->aliases);
    in->aliases = NULL;
    in->alias_bytes = 0;
    in->paused = false;
}

void client_in_free(struct mqtt_client *client)
{
    client_in_down(client);
    busbar_free(client->in.ids);
    busbar_free(client->in.rings[0].entries);
    busbar_free(client->in.rings[1].entries);
}
