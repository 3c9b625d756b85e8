/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection subscribes to. A filter that another one covers is not asked for: the broker would send a message
 * once for each (MQTT 5: 3.3.4), and each would be a value of its own. The set is made anew when devices came and went. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_driver.h"

/* ---- filters and routes ---- */

struct mqtt_filter *mqtt_filter_use(struct mqtt_broker *broker, const char *text, uint8_t qos,
                                    struct err *err)
{
    struct mqtt_filter *filter = mqtt_index_get(broker->index, text);
    if (filter == NULL) {
        if (mqtt_index_count(broker->index) == MQTT_FILTERS_MAX) {
            err_set(err, BUSBAR_ELIMIT, "more than %d topics at broker %s", MQTT_FILTERS_MAX,
                    broker->name);
            (void)err_hint(err, "use wildcards: one topic 'zigbee/+' for many devices, with "
                                "'id_from: level 2'");
            return NULL;
        }
        size_t size = strlen(text) + 1;
        filter = busbar_alloc(sizeof(*filter) + size);
        memcpy(filter->text, text, size);
        list_init(&filter->routes);
        if (mqtt_index_put(broker->index, filter->text, filter) != 0) {
            err_set(err, BUSBAR_ELIMIT, "the topic '%.100s' has more than %d levels", text,
                    MQTT_INDEX_LEVELS_MAX);
            busbar_free(filter);
            return NULL;
        }
        list_append(&broker->filters, &filter->link);
    }
    filter->uses++;
    filter->at_least[qos]++;
    return filter;
}

void mqtt_filter_unuse(struct mqtt_broker *broker, struct mqtt_filter *filter, uint8_t qos)
{
    filter->uses--;
    filter->at_least[qos]--;
    mqtt_broker_changed(broker);
}

struct mqtt_route *mqtt_route_use(struct mqtt_broker *broker, struct mqtt_filter *filter,
                                  struct payload_shape *shape, enum mqtt_retained retained)
{
    char name[FEED_SOURCE_MAX];
    list_each(at, &filter->routes) {
        struct mqtt_route *route = list_entry(at, struct mqtt_route, link);
        if (route->shape == shape && route->retained == retained) {
            route->uses++;
            return route;
        }
    }
    struct mqtt_route *route = busbar_alloc(sizeof(*route));
    str_format(name, sizeof(name), "%s %s", broker->name, filter->text);
    route->shape = shape;
    route->retained = retained;
    route->uses = 1;
    route->feed = feed_route_new(broker->state->feed, shape, name);
    list_append(&filter->routes, &route->link);
    return route;
}

void mqtt_route_unuse(struct mqtt_route *route)
{
    if (--route->uses == 0) {
        list_remove(&route->link);
        feed_route_free(route->feed);
        busbar_free(route);
    }
}

/* ---- subscriptions ---- */

const struct mqtt_filter *mqtt_filter_asked(const struct mqtt_filter *filter)
{
    while (filter->cover != NULL) {
        filter = filter->cover;
    }
    return filter;
}

static uint8_t wanted_qos(const struct mqtt_filter *filter)
{
    return filter->at_least[2] > 0 ? 2 : filter->at_least[1] > 0 ? 1 : 0;
}

static void unsubscribe(struct mqtt_broker *broker, struct mqtt_filter *filter)
{
    if (filter->wire != NULL) {
        if (broker->client != NULL) {
            mqtt_client_unsubscribe(broker->client, filter->wire);
        }
        busbar_free(filter->wire);
        filter->wire = NULL;
    }
    busbar_free(filter->reason);
    filter->reason = NULL;
    filter->state = MQTT_FILTER_IDLE;
}

static void subscribe(struct mqtt_broker *broker, struct mqtt_filter *filter, uint8_t qos)
{
    const char *share = broker->config.broker.share;
    size_t size = strlen(filter->text) + (share != NULL ? strlen(share) : 0) + 16;
    char *wire = busbar_alloc(size);
    if (share != NULL) {
        str_format(wire, size, "$share/%s/%s", share, filter->text);
    } else {
        str_format(wire, size, "%s", filter->text);
    }
    /* First the new one: if only the QoS changes, nothing is ended in between. */
    int error = mqtt_client_subscribe(broker->client, wire, qos);
    unsubscribe(broker, filter);
    filter->wire = wire;
    filter->qos = qos;
    filter->state = MQTT_FILTER_ASKED;
    if (error != 0) {
        filter->state = MQTT_FILTER_REFUSED;
        filter->reason = busbar_strdup(err_text(error));
    }
}

static void drop_unused(struct mqtt_broker *broker)
{
    list_each_safe(at, &broker->filters) {
        struct mqtt_filter *filter = list_entry(at, struct mqtt_filter, link);
        if (filter->uses == 0) {
            unsubscribe(broker, filter);
            (void)mqtt_index_remove(broker->index, filter->text);
            list_remove(&filter->link);
            busbar_free(filter);
        }
    }
}

/* Which filters stand for others, and the highest QoS that they must be asked for with then. */
static void find_covers(struct mqtt_broker *broker)
{
    list_each(at, &broker->filters) {
        struct mqtt_filter *filter = list_entry(at, struct mqtt_filter, link);
        filter->cover = mqtt_index_cover(broker->index, filter->text);
        filter->needed = wanted_qos(filter);
    }
    list_each(at, &broker->filters) {
        const struct mqtt_filter *filter = list_entry(at, struct mqtt_filter, link);
        struct mqtt_filter *asked = filter->cover;
        while (asked != NULL) {
            asked->needed = filter->needed > asked->needed ? filter->needed : asked->needed;
            asked = asked->cover;
        }
    }
}

void mqtt_filters_settle(struct mqtt_broker *broker)
{
    drop_unused(broker);
    find_covers(broker);
    list_each(at, &broker->filters) {
        struct mqtt_filter *filter = list_entry(at, struct mqtt_filter, link);
        if (filter->cover != NULL || broker->client == NULL) {
            continue;
        }
        if (filter->wire == NULL || filter->qos != filter->needed) {
            subscribe(broker, filter, filter->needed);
        }
    }
    /* What is covered now, ended only after that which covers it was asked for. */
    list_each(at, &broker->filters) {
        struct mqtt_filter *filter = list_entry(at, struct mqtt_filter, link);
        if (filter->cover != NULL) {
            unsubscribe(broker, filter);
        }
    }
}

void mqtt_filters_forget(struct mqtt_broker *broker)
{
    list_each(at, &broker->filters) {
        struct mqtt_filter *filter = list_entry(at, struct mqtt_filter, link);
        if (filter->wire != NULL) {
            filter->state = MQTT_FILTER_ASKED;
        }
    }
}

void mqtt_filters_granted(struct mqtt_broker *broker, const char *wire, uint8_t code,
                          const char *reason)
{
    enum { REFUSED_FROM = 0x80 };
    const char *text = wire;
    if (broker->config.broker.share != NULL && str_starts(wire, "$share/")) {
        text = strchr(wire + strlen("$share/"), '/');
        text = text != NULL ? text + 1 : wire;
    }
    struct mqtt_filter *filter = mqtt_index_get(broker->index, text);
    if (filter == NULL || filter->wire == NULL) {
        return;
    }
    filter->code = code;
    filter->state = code < REFUSED_FROM ? MQTT_FILTER_GRANTED : MQTT_FILTER_REFUSED;
    busbar_free(filter->reason);
    filter->reason = code < REFUSED_FROM ? NULL : busbar_strdup(reason);
}

void mqtt_filters_free(struct mqtt_broker *broker)
{
    list_each_safe(at, &broker->filters) {
        struct mqtt_filter *filter = list_entry(at, struct mqtt_filter, link);
        list_remove(&filter->link);
        busbar_free(filter->wire);
        busbar_free(filter->reason);
        busbar_free(filter);
    }
    mqtt_index_free(broker->index);
    broker->index = NULL;
}
