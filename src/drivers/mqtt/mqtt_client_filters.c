/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions. What is wanted is one thing, what the broker has another: each filter that changed is looked at once,
 * at the end of the turn, and what the broker lacks or has in excess goes out in few packets. So a filter that comes and
 * goes within a turn costs nothing, and a reconnect is the same work as a first connect.
 *
 * Some brokers take few filters in one packet and just close at more: how many is then learned. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "drivers/mqtt/mqtt_client_private.h"

enum { LESS = 8 }; /* how many times fewer rows, when a broker closes on them */

struct client_filter {
    struct list link; /* in changed, or in none */
    char *text;
    uint32_t wanted; /* subscribes less unsubscribes */
    uint8_t qos;
    uint8_t asked; /* QoS of what the broker has */
    bool has;      /* the broker has it */
    bool busy;     /* in a packet that is not answered */
    bool refused;  /* on this connection */
    bool had;      /* of an earlier run: the session may have it */
};

/* A SUBSCRIBE or UNSUBSCRIBE that is not answered yet. */
struct client_asked {
    struct list link;
    int64_t sent_us;
    uint16_t id;
    uint8_t type;
    size_t count;
    struct client_filter *filters[];
};

static struct client_filter *filter_of(struct list *link)
{
    return list_entry(link, struct client_filter, link);
}

/* MQTT_SUBSCRIBE, MQTT_UNSUBSCRIBE, 0: there is nothing to say. */
static uint8_t owes(const struct client_filter *filter)
{
    if (filter->busy || filter->refused) {
        return 0;
    }
    if (filter->wanted == 0) {
        return filter->has ? MQTT_UNSUBSCRIBE : 0;
    }
    return !filter->has || filter->asked < filter->qos ? MQTT_SUBSCRIBE : 0;
}

static void changed(struct mqtt_client *client, struct client_filter *filter)
{
    if (list_empty(&filter->link)) {
        list_append(&client->filters.changed, &filter->link);
    }
    loop_defer(client->loop, &client->turn);
}

static void free_filter(struct mqtt_client *client, struct client_filter *filter)
{
    list_remove(&filter->link);
    (void)map_remove(&client->filters.all, filter->text);
    busbar_free(filter->text);
    busbar_free(filter);
}

/* ---- what is wanted ---- */

/* NULL: there is no room for a new one. */
static struct client_filter *take_filter(struct client_filters *filters, const char *text)
{
    struct client_filter *filter = map_get(&filters->all, text);
    if (filter == NULL && filters->all.count < MQTT_FILTERS_MAX) {
        filter = busbar_alloc(sizeof(*filter));
        filter->text = busbar_strdup(text);
        list_init(&filter->link);
        (void)map_set(&filters->all, filter->text, filter);
    }
    return filter;
}

int mqtt_client_subscribe(struct mqtt_client *client, const char *text, uint8_t qos)
{
    if (qos > 2 || mqtt_filter_wrong(text) != NULL) {
        return BUSBAR_EINVAL;
    }
    struct client_filter *filter = take_filter(&client->filters, text);
    if (filter == NULL) {
        return BUSBAR_ELIMIT;
    }
    filter->qos = filter->wanted == 0 || qos > filter->qos ? qos : filter->qos;
    filter->wanted++;
    filter->refused = false;
    changed(client, filter);
    return 0;
}

int mqtt_client_had(struct mqtt_client *client, const char *text)
{
    if (mqtt_filter_wrong(text) != NULL) {
        return BUSBAR_EINVAL;
    }
    struct client_filter *filter = take_filter(&client->filters, text);
    if (filter == NULL) {
        return BUSBAR_ELIMIT;
    }
    filter->had = true;
    return 0;
}

void mqtt_client_unsubscribe(struct mqtt_client *client, const char *text)
{
    struct client_filter *filter = map_get(&client->filters.all, text);
    if (filter == NULL || filter->wanted == 0) {
        return;
    }
    filter->wanted--;
    if (filter->wanted == 0) {
        filter->refused = false;
        changed(client, filter);
    }
}

/* ---- saying it ---- */

static size_t bytes_max(const struct mqtt_client *client)
{
    return client->broker.packet_max < CLIENT_SUBSCRIBE_BYTES ? client->broker.packet_max
                                                              : CLIENT_SUBSCRIBE_BYTES;
}

static void tell(struct mqtt_client *client, const struct client_filter *filter, uint8_t code,
                 const char *reason)
{
    if (client->events.subscribed != NULL) {
        client->events.subscribed(client->ctx, filter->text, code, reason);
    }
}

/* What the broker said in CONNACK that it cannot do, and what does not fit into a packet. 0: it can be asked. */
static uint8_t cannot(const struct mqtt_client *client, const struct client_filter *filter)
{
    if (!client->broker.shared && strncmp(filter->text, "$share/", 7) == 0) {
        return MQTT_SHARED_UNSUPPORTED;
    }
    if (!client->broker.wildcards && strpbrk(filter->text, "+#") != NULL) {
        return MQTT_WILDCARD_UNSUPPORTED;
    }
    return strlen(filter->text) + 16 > client->broker.packet_max ? MQTT_PACKET_TOO_LARGE : 0;
}

/* Takes filters that owe this type out of `changed`, as many as fit into a packet. */
static size_t gather(struct mqtt_client *client, uint8_t type, struct client_filter **to,
                     size_t most)
{
    size_t room = bytes_max(client);
    size_t used = 16;
    size_t count = 0;
    list_each_safe(at, &client->filters.changed) {
        struct client_filter *filter = filter_of(at);
        size_t size = strlen(filter->text) + 3;
        if (owes(filter) != type) {
            continue;
        }
        if (count == most || (count > 0 && used + size > room)) {
            break;
        }
        list_remove(&filter->link);
        to[count++] = filter;
        used += size;
    }
    return count;
}

static void say(struct mqtt_client *client, uint8_t type, struct client_filter *const *all,
                size_t count)
{
    struct client_filters *filters = &client->filters;
    struct mqtt_filter_row *rows = busbar_alloc_array(count, sizeof(*rows));
    struct client_asked *asked = busbar_alloc(sizeof(*asked) + count * sizeof(asked->filters[0]));
    for (size_t i = 0; i < count; i++) {
        struct client_filter *filter = all[i];
        rows[i].filter = (struct mqtt_slice){ .data = (const uint8_t *)filter->text,
                                              .size = strlen(filter->text) };
        rows[i].qos = filter->qos;
        filter->asked = filter->qos;
        filter->busy = true;
        asked->filters[i] = filter;
    }
    asked->id = client_new_id(client);
    asked->type = type;
    asked->count = count;
    asked->sent_us = loop_now_us(client->loop);
    list_append(&filters->asked, &asked->link);
    filters->asked_count++;
    if (type == MQTT_SUBSCRIBE) {
        (void)mqtt_put_subscribe(&client->packet, client->version, asked->id, NULL, rows, count);
    } else {
        (void)mqtt_put_unsubscribe(&client->packet, client->version, asked->id, NULL, rows, count);
    }
    busbar_free(rows);
    client_send_packet(client);
}

static void say_type(struct mqtt_client *client, uint8_t type)
{
    struct client_filters *filters = &client->filters;
    struct client_filter **all = busbar_alloc_array(filters->rows_max,
                                                    sizeof(struct client_filter *));
    while (client->state == CLIENT_UP && filters->asked_count < CLIENT_SUBSCRIBES_MAX) {
        size_t count = gather(client, type, all, filters->rows_max);
        if (count == 0) {
            break;
        }
        say(client, type, all, count);
    }
    busbar_free(all);
}

/* Those that owe nothing leave the list; those that cannot be asked are refused here. */
static bool sort_out(struct mqtt_client *client)
{
    bool owed = false;
    struct list refused;
    list_init(&refused);
    list_each_safe(at, &client->filters.changed) {
        struct client_filter *filter = filter_of(at);
        if (filter->wanted == 0 && !filter->has && !filter->busy) {
            free_filter(client, filter);
        } else if (owes(filter) == 0) {
            list_remove(&filter->link);
        } else if (owes(filter) == MQTT_SUBSCRIBE && cannot(client, filter) != 0) {
            list_remove(&filter->link);
            list_append(&refused, &filter->link);
        } else {
            owed = true;
        }
    }
    while (!list_empty(&refused)) {
        struct client_filter *filter = filter_of(list_shift(&refused));
        uint8_t code = cannot(client, filter);
        filter->refused = true;
        tell(client, filter, code, mqtt_reason_text(MQTT_VERSION_5, code));
    }
    return owed && client->state == CLIENT_UP;
}

void client_filters_work(struct mqtt_client *client)
{
    if (client->filters.asked_count < CLIENT_SUBSCRIBES_MAX && sort_out(client)) {
        say_type(client, MQTT_SUBSCRIBE); /* first: a wider filter takes over without a gap */
        say_type(client, MQTT_UNSUBSCRIBE);
    }
}

/* ---- answers ---- */

bool client_filters_use_id(const struct mqtt_client *client, uint16_t id)
{
    list_each(at, &client->filters.asked) {
        if (list_entry(at, struct client_asked, link)->id == id) {
            return true;
        }
    }
    return false;
}

static struct client_asked *find_asked(struct client_filters *filters, uint16_t id, uint8_t type)
{
    list_each(at, &filters->asked) {
        struct client_asked *asked = list_entry(at, struct client_asked, link);
        if (asked->id == id && asked->type == type) {
            return asked;
        }
    }
    return NULL;
}

static void answer_one(struct mqtt_client *client, struct client_filter *filter, uint8_t type,
                       uint8_t code)
{
    filter->busy = false;
    if (type == MQTT_UNSUBSCRIBE) {
        filter->has = false;
        changed(client, filter);
        if (client->events.unsubscribed != NULL) {
            client->events.unsubscribed(client->ctx, filter->text);
        }
        return;
    }
    filter->has = code < MQTT_FAILURE;
    filter->refused = code >= MQTT_FAILURE;
    if (owes(filter) != 0 || filter->wanted == 0) {
        changed(client, filter);
    }
    if (filter->wanted > 0 && client->state == CLIENT_UP) {
        tell(client, filter, code, mqtt_reason_text(MQTT_VERSION_5, code));
    }
}

void client_filters_answer(struct mqtt_client *client, uint8_t type,
                           const struct mqtt_packet_suback *packet, struct mqtt_wrong *wrong)
{
    struct client_filters *filters = &client->filters;
    uint8_t asked_type = type == MQTT_SUBACK ? MQTT_SUBSCRIBE : MQTT_UNSUBSCRIBE;
    struct client_asked *asked = find_asked(filters, packet->id, asked_type);
    if (asked == NULL) {
        return; /* an answer to nothing harms nobody */
    }
    if (packet->codes != NULL && packet->count != asked->count) {
        *wrong = (struct mqtt_wrong){ .text = "SUBACK has another number of codes than filters",
                                      .reason = MQTT_PROTOCOL_ERROR };
        return;
    }
    list_remove(&asked->link);
    filters->asked_count--;
    for (size_t i = 0; i < asked->count; i++) {
        answer_one(client, asked->filters[i], asked_type,
                   packet->codes != NULL ? packet->codes[i] : 0);
    }
    busbar_free(asked);
    loop_defer(client->loop, &client->turn);
}

/* ---- connections ---- */

void client_filters_up(struct mqtt_client *client, bool session)
{
    struct client_filters *filters = &client->filters;
    size_t at = 0;
    void *value;
    while (map_next(&filters->all, &at, NULL, &value)) {
        struct client_filter *filter = value;
        /* One that is wanted is subscribed to all the same: its QoS may be another. */
        bool left = filter->had && filter->wanted == 0;
        filter->has = (filter->has || left) && session;
        filter->had = false;
        filter->refused = false;
        changed(client, filter);
    }
}

void client_filters_down(struct mqtt_client *client, bool by_peer)
{
    struct client_filters *filters = &client->filters;
    while (!list_empty(&filters->asked)) {
        struct client_asked *asked = list_entry(list_shift(&filters->asked), struct client_asked,
                                                link);
        if (by_peer && asked->count > 1) {
            filters->rows_max = asked->count / LESS > 0 ? asked->count / LESS : 1;
            by_peer = false;
        }
        for (size_t i = 0; i < asked->count; i++) {
            asked->filters[i]->busy = false;
            asked->filters[i]->has = false; /* who knows */
        }
        busbar_free(asked);
    }
    filters->asked_count = 0;
}

bool client_filters_asks_many(const struct mqtt_client *client)
{
    list_each(at, &client->filters.asked) {
        if (list_entry(at, struct client_asked, link)->count > 1) {
            return true;
        }
    }
    return false;
}

int64_t client_filters_asked_us(const struct mqtt_client *client)
{
    const struct list *asked = &client->filters.asked;
    return list_empty(asked) ? 0 : list_entry(asked->next, struct client_asked, link)->sent_us;
}

void client_filters_init(struct mqtt_client *client)
{
    map_init(&client->filters.all);
    list_init(&client->filters.changed);
    list_init(&client->filters.asked);
    client->filters.rows_max = CLIENT_SUBSCRIBE_ROWS;
}

void client_filters_free(struct mqtt_client *client)
{
    size_t at = 0;
    void *value;
    client_filters_down(client, false);
    while (map_next(&client->filters.all, &at, NULL, &value)) {
        struct client_filter *filter = value;
        busbar_free(filter->text);
        busbar_free(filter);
    }
    map_fini(&client->filters.all);
}
