/* SPDX-License-Identifier: Apache-2.0 */
/* A message on its way: topic -> filters -> routes -> feed -> on disk -> acknowledged.
 *
 * QoS 1 and 2 are acknowledged when they are on disk, also when they were refused (the broker would send them for ever),
 * but not when the disk was: then the connection is made anew after a while, and the broker repeats them. What a device
 * that is being paused would not take is acknowledged, as all that comes for it later: acknowledgements leave in order, and
 * one that never comes would hold up those of all other devices. A message of
 * QoS 2 has a key, its packet id and what it says, so that a repetition after a crash is known. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_driver.h"
#include "drivers/mqtt/mqtt_sparkplug.h"
#include "model/quality.h"

enum {
    LEVELS_MAX = 24, /* of a topic that rules can ask for */
    REASON_PAYLOAD_INVALID = 0x99,
    KEY_MAX = 80,
};

/* A message that waits for the disk. */
struct ack {
    struct list link;           /* broker->acks, or free_acks */
    struct mqtt_broker *broker; /* NULL: its connection is no more */
    uint64_t ticket;
};

/* ---- acknowledging ---- */

static struct ack *ack_new(struct mqtt_broker *broker, uint64_t ticket)
{
    struct list *at = list_shift(&broker->free_acks);
    struct ack *ack = at != NULL ? list_entry(at, struct ack, link) : busbar_alloc(sizeof(*ack));
    ack->broker = broker;
    ack->ticket = ticket;
    list_append(&broker->acks, &ack->link);
    return ack;
}

static void ack_free(struct ack *ack)
{
    list_remove(&ack->link);
    if (ack->broker != NULL) {
        list_append(&ack->broker->free_acks, &ack->link);
    } else {
        busbar_free(ack);
    }
}

static void on_disk(void *ctx, int error)
{
    struct ack *ack = ctx;
    struct mqtt_broker *broker = ack->broker;
    uint64_t ticket = ack->ticket;
    ack_free(ack);
    if (broker == NULL || broker->client == NULL) {
        return;
    }
    if (error == 0 || error == BUSBAR_ECANCELED) { /* paused: all the rest of it is on disk */
        mqtt_client_acknowledge(broker->client, ticket, 0);
    } else {
        mqtt_broker_again(broker);
    }
}

void mqtt_take_forget(struct mqtt_broker *broker)
{
    struct list *at;
    while ((at = list_shift(&broker->acks)) != NULL) {
        list_entry(at, struct ack, link)->broker = NULL; /* freed when the disk has answered */
    }
    while ((at = list_shift(&broker->free_acks)) != NULL) {
        busbar_free(list_entry(at, struct ack, link));
    }
    while ((at = list_shift(&broker->held)) != NULL) {
        busbar_free(list_entry(at, struct mqtt_held, link));
    }
    broker->held_count = 0;
    broker->held_bytes = 0;
}

/* ---- keys of QoS 2 ---- */

/* The id alone would not do: after a crash the broker may have given it to another message. */
static size_t print_key(const struct mqtt_broker *broker, uint16_t packet_id, uintptr_t says,
                        char key[KEY_MAX])
{
    return str_format(key, KEY_MAX, "%016llx %016llx %u %zx",
                      (unsigned long long)hash_text(broker->name),
                      (unsigned long long)hash_text(broker->client_id), packet_id, (size_t)says);
}

static size_t put_key(struct mqtt_broker *broker, const struct mqtt_message *message,
                      char key[KEY_MAX])
{
    uint64_t says = hash_bytes(message->payload, message->size) ^
                    hash_u64(hash_bytes(message->topic, message->topic_size));
    uintptr_t kept = (uintptr_t)says | 1; /* a value of the map is not NULL */
    (void)map64_set(&broker->keys, message->packet_id, (void *)kept);
    return print_key(broker, message->packet_id, kept, key);
}

void mqtt_take_released(struct mqtt_broker *broker, uint16_t packet_id)
{
    char key[KEY_MAX];
    uintptr_t says = (uintptr_t)map64_remove(&broker->keys, packet_id);
    if (says != 0) {
        size_t size = print_key(broker, packet_id, says, key);
        feed_forget(broker->state->feed, key, size, NULL, NULL);
    }
}

/* ---- messages that came before their devices ---- */

static size_t text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static const char *copy_text(char **at, const char *text)
{
    size_t size = text_size(text);
    char *copy = *at;
    if (text == NULL) {
        return NULL;
    }
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

/* Copies what the rules can ask for. Where there is no room it is not acknowledged, and comes again. */
static void hold(struct mqtt_broker *broker, const struct mqtt_message *message)
{
    size_t bytes = message->size + message->topic_size + 1;
    size_t properties = message->property_count * sizeof(*message->properties);
    for (size_t i = 0; i < message->property_count; i++) {
        bytes += text_size(message->properties[i].name) + text_size(message->properties[i].value);
    }
    if (broker->held_count == MQTT_HELD_MAX || broker->held_bytes + bytes > MQTT_HELD_BYTES_MAX) {
        mqtt_broker_again(broker);
        return;
    }
    struct mqtt_held *held = busbar_try_alloc(sizeof(*held) + properties + bytes);
    if (held == NULL) {
        mqtt_broker_again(broker);
        return;
    }
    struct mqtt_property *list = (struct mqtt_property *)(void *)(held + 1);
    char *at = (char *)list + properties;
    held->bytes = bytes;
    held->message = *message;
    held->message.content_type = NULL;
    held->message.response_topic = NULL;
    held->message.correlation = NULL;
    held->message.correlation_size = 0;
    held->message.properties = list;
    for (size_t i = 0; i < message->property_count; i++) {
        list[i].name = copy_text(&at, message->properties[i].name);
        list[i].value = copy_text(&at, message->properties[i].value);
    }
    held->message.topic = copy_text(&at, message->topic);
    if (message->size > 0) {
        memcpy(at, message->payload, message->size);
    }
    held->message.payload = (const uint8_t *)at;
    list_append(&broker->held, &held->link);
    broker->held_count++;
    broker->held_bytes += bytes;
}

void mqtt_take_held(struct mqtt_broker *broker)
{
    struct list now;
    struct list *at;
    list_init(&now);
    list_move_all(&now, &broker->held);
    broker->held_count = 0;
    broker->held_bytes = 0;
    broker->packet = NULL;
    broker->packet_size = 0;
    while ((at = list_shift(&now)) != NULL) {
        struct mqtt_held *held = list_entry(at, struct mqtt_held, link);
        mqtt_take(broker, &held->message);
        busbar_free(held);
    }
}

/* ---- routes ---- */

/* A retained message goes to two sets of devices: to those it is good for, and to the others. */
enum { SET_GOOD, SET_UNCERTAIN };

struct match {
    struct mqtt_broker *broker;
    bool retained;
    size_t routes; /* also those that leave retained messages out */
};

static void add_route(struct mqtt_route_set *set, struct feed_route *route)
{
    if (set->count == MQTT_ROUTES_MAX) {
        return;
    }
    if (set->count == set->room) {
        set->room = set->room > 0 ? 2 * set->room : 16;
        set->list = busbar_realloc(set->list, set->room * sizeof(struct feed_route *));
    }
    set->list[set->count++] = route;
}

static void on_match(void *ctx, void *value)
{
    struct match *match = ctx;
    const struct mqtt_filter *filter = value;
    list_each(at, &filter->routes) {
        const struct mqtt_route *route = list_entry(at, struct mqtt_route, link);
        match->routes++;
        if (!match->retained || route->retained == MQTT_RETAINED_GOOD) {
            add_route(&match->broker->sets[SET_GOOD], route->feed);
        } else if (route->retained == MQTT_RETAINED_UNCERTAIN) {
            add_route(&match->broker->sets[SET_UNCERTAIN], route->feed);
        }
    }
}

/* ---- what is said about a message beside its body ---- */

size_t mqtt_take_fields(const struct mqtt_message *message, struct payload_field *fields,
                        const char **encoding)
{
    static const char *const numbers[LEVELS_MAX] = {
        "1",  "2",  "3",  "4",  "5",  "6",  "7",  "8",  "9",  "10", "11", "12",
        "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24"
    };
    size_t count = 0;
    size_t level = 0;
    const char *at = message->topic;
    fields[count++] = (struct payload_field){
        .where = "topic", .name = "", .text = message->topic, .size = message->topic_size
    };
    while (at != NULL && level < LEVELS_MAX) {
        size_t size = strcspn(at, "/");
        fields[count++] = (struct payload_field){
            .where = "level", .name = numbers[level++], .text = at, .size = size
        };
        at = at[size] == '/' ? at + size + 1 : NULL;
    }
    for (size_t i = 0; i < message->property_count && count < PAYLOAD_FIELDS_MAX; i++) {
        const struct mqtt_property *property = &message->properties[i];
        fields[count++] = (struct payload_field){ .where = "property",
                                                  .name = property->name,
                                                  .text = property->value,
                                                  .size = strlen(property->value) };
        if (strcmp(property->name, "content-encoding") == 0) {
            *encoding = property->value;
        }
    }
    return count;
}

/* ---- taking ---- */

/* What is acknowledged though nothing of it was stored. */
static void give_up(struct mqtt_broker *broker, const struct mqtt_message *message, uint8_t code)
{
    if (message->qos > 0 && broker->client != NULL) {
        mqtt_client_acknowledge(broker->client, message->ticket, code);
    }
}

/* While devices come and go one may be on its way that the message is of: it is looked at again when all are there. */
static bool waits_for_devices(const struct mqtt_broker *broker, const struct mqtt_message *message)
{
    return broker->unsettled_us != 0 && message->qos > 0;
}

/* One of its topic waits: this one is newer, and must not be taken before it. */
static bool waits_for_older(const struct mqtt_broker *broker, const struct mqtt_message *message)
{
    if (!waits_for_devices(broker, message)) {
        return false;
    }
    list_each(at, &broker->held) {
        const struct mqtt_message *older = &list_entry(at, struct mqtt_held, link)->message;
        if (older->topic_size == message->topic_size &&
            memcmp(older->topic, message->topic, message->topic_size) == 0) {
            return true;
        }
    }
    return false;
}

static void refused(struct mqtt_broker *broker, const struct mqtt_message *message, int error,
                    const char *source)
{
    if (error == BUSBAR_EBUSY) {
        if (message->qos > 0) {
            mqtt_broker_again(broker);
        } else {
            feed_refuse(broker->state->feed, source, message->topic, message->payload,
                        message->size, "too much waits for the disk, and it came with QoS 0");
        }
        return;
    }
    if (error == BUSBAR_ENOENT && waits_for_devices(broker, message)) {
        hold(broker, message); /* not acknowledged, they keep the broker from sending many more */
        return;
    }
    broker->refused++;
    give_up(broker, message, error == BUSBAR_EPROTO ? REASON_PAYLOAD_INVALID : 0);
}

/* Gives it to a set; ack NULL: another set is told when it is on disk. */
static int give_to_set(struct mqtt_broker *broker, size_t set, struct feed_message *message,
                       struct ack *ack)
{
    struct feed_verdict verdict;
    const struct mqtt_route_set *routes = &broker->sets[set];
    message->quality = set == SET_UNCERTAIN ? QUALITY_UNCERTAIN : QUALITY_GOOD;
    return feed_take(broker->state->feed, routes->list, routes->count, message,
                     ack != NULL ? on_disk : NULL, ack, &verdict);
}

static void give_to_feed(struct mqtt_broker *broker, const struct mqtt_message *message)
{
    struct payload_field fields[PAYLOAD_FIELDS_MAX];
    char key[KEY_MAX];
    char source[FEED_SOURCE_MAX];
    struct feed_message give = {
        .payload = { .body = message->payload,
                     .size = message->size,
                     .fields = fields,
                     .receive_us = clock_wall_us() },
        .source = source,
        .frame = broker->packet,
        .frame_size = broker->packet_size,
    };
    give.payload.field_count = mqtt_take_fields(message, fields, &give.payload.encoding);
    str_format(source, sizeof(source), "%s %s", broker->name, message->topic);
    if (message->qos == 2) {
        give.key = key;
        give.key_size = put_key(broker, message, key);
        if (!message->duplicate) { /* a key that is known is of an older one: a crash was quicker */
            feed_forget(broker->state->feed, key, give.key_size, NULL, NULL);
        }
    }
    bool both = broker->sets[SET_GOOD].count > 0 && broker->sets[SET_UNCERTAIN].count > 0;
    size_t last = broker->sets[SET_UNCERTAIN].count > 0 ? SET_UNCERTAIN : SET_GOOD;
    struct ack *ack = message->qos > 0 ? ack_new(broker, message->ticket) : NULL;
    if (both) {
        give.key_size = 0; /* the times of one set are not those of the other */
        (void)give_to_set(broker, SET_GOOD, &give, NULL);
    }
    int error = give_to_set(broker, last, &give, ack);
    if (error != 0) {
        if (ack != NULL) {
            ack_free(ack);
        }
        refused(broker, message, error, source);
    }
}

void mqtt_take(struct mqtt_broker *broker, const struct mqtt_message *message)
{
    struct match match = { .broker = broker, .retained = message->retained };
    broker->sets[SET_GOOD].count = 0;
    broker->sets[SET_UNCERTAIN].count = 0;
    broker->retained += message->retained ? 1 : 0;
    mqtt_index_match(broker->index, message->topic, on_match, &match);
    bool sparkplug = mqtt_sparkplug_take(broker, message);
    if (sparkplug) {
        broker->sets[SET_GOOD].count = 0; /* it is acknowledged by Sparkplug's rules */
    } else if ((match.routes == 0 && waits_for_devices(broker, message)) ||
               waits_for_older(broker, message)) {
        hold(broker, message);
    } else if (broker->sets[0].count + broker->sets[1].count > 0) {
        give_to_feed(broker, message);
    } else {
        broker->unwanted++;
        give_up(broker, message, 0);
    }
    broker->packet = NULL;
    broker->packet_size = 0;
}
