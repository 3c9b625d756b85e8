/* SPDX-License-Identifier: Apache-2.0 */
/* Sparkplug B edge nodes (3.0): births with names, aliases and types, data with aliases only, deaths, and obedience to
 * rebirth and to commands. Devices of one "Group/Edge" share the node; it has points of its own where a device is called
 * so. Without a will: a broker of ours needs no connection of the node's, into another's the death is told by `restart`. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/mqtt/sparkplug/payload.h"
#include "sim/sim_mqtt.h"

#define REBIRTH "Node Control/Rebirth"
#define BD_SEQ  "bdSeq"

struct sim_mqtt_node {
    struct list link; /* link->nodes */
    struct sim_mqtt_link *broker;
    struct sparkplug_topic place;
    uint64_t births;
    size_t devices;
    uint8_t seq;
    struct sparkplug_reader *reader;
};

/* ---- payloads ---- */

static uint32_t datatype_of(const struct sim_reading *reading)
{
    switch (reading->type) {
    case VALUE_BOOL: return SPARKPLUG_BOOLEAN;
    case VALUE_INT: return SPARKPLUG_INT64;
    case VALUE_TEXT: return SPARKPLUG_STRING;
    default: return SPARKPLUG_DOUBLE;
    }
}

static const char *metric_name(const struct sim_mqtt_device *device, uint32_t point)
{
    return ((const struct mqtt_address *)device->sd->dev->addresses + point)->metric;
}

/* Of one node no two are the same, or nearly so. */
static uint64_t alias_of(const struct sim_mqtt_device *device, uint32_t point)
{
    return (hash_text(device->place.device) % 1000000 + 1) * 100000 + point;
}

static void set_value(struct sparkplug_metric *metric, const struct sim_reading *reading)
{
    metric->kind = reading->type;
    metric->datatype = datatype_of(reading);
    if (reading->type == VALUE_TEXT) {
        metric->value.text = reading->text;
        metric->size = (uint32_t)strlen(reading->text);
    } else if (reading->type == VALUE_BOOL) {
        metric->value.b = reading->value.b;
    } else if (reading->type == VALUE_INT) {
        metric->value.i = reading->value.i;
    } else {
        metric->value.d = reading->value.d;
    }
}

/* birth: names, types and units as well. Caller frees; *count out. */
static struct sparkplug_metric *make_metrics(struct sim_mqtt_device *device, bool birth,
                                             int64_t wall_us, size_t *count)
{
    const struct device *dev = device->sd->dev;
    struct sparkplug_metric *metrics = busbar_alloc_array(dev->point_count + 2, sizeof(*metrics));
    *count = 0;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        struct sparkplug_metric *metric = &metrics[*count];
        const char *name = metric_name(device, i);
        if (name == NULL) {
            continue;
        }
        struct sim_reading reading = sim_live_get(&device->talk.live, i, wall_us);
        set_value(metric, &reading);
        metric->has_alias = true;
        metric->alias = alias_of(device, i);
        metric->time_us = wall_us;
        if (birth) {
            metric->name = name;
            metric->name_size = (uint32_t)strlen(name);
            metric->units = dev->points[i].cls->units[0] != '\0' ? dev->points[i].cls->units : NULL;
            metric->units_size = metric->units != NULL ? (uint32_t)strlen(metric->units) : 0;
        } else {
            metric->datatype = datatype_of(&reading);
        }
        (*count)++;
    }
    return metrics;
}

static void publish(struct sim_mqtt_node *node, enum sparkplug_type type, const char *device,
                    struct sparkplug_payload *payload)
{
    struct buf topic, body;
    buf_init(&topic, SIM_WHERE_MAX);
    buf_init(&body, SIM_MESSAGE_MAX);
    payload->time_us = clock_wall_us();
    payload->has_seq = type != SPARKPLUG_NDEATH;
    if (type == SPARKPLUG_NBIRTH) {
        node->seq = 0;
    }
    payload->seq = node->seq;
    if (sparkplug_topic_put(&topic, type, node->place.group, node->place.node, device) == 0 &&
        sparkplug_payload_put(&body, payload) == 0) {
        const struct sim_broker_message message = { buf_text(&topic), body.data, body.size, 0,
                                                    false };
        node->seq = (uint8_t)(node->seq + (payload->has_seq ? 1 : 0));
        sim_mqtt_link_publish(node->broker, &message);
    }
    buf_fini(&topic);
    buf_fini(&body);
}

static void set_text_name(struct sparkplug_metric *metric, const char *name)
{
    metric->name = name;
    metric->name_size = (uint32_t)strlen(name);
}

/* What every node says beside its points. */
static size_t add_node_metrics(const struct sim_mqtt_node *node, struct sparkplug_metric *metrics,
                               size_t count)
{
    struct sparkplug_metric *rebirth = &metrics[count], *number = &metrics[count + 1];
    set_text_name(rebirth, REBIRTH);
    rebirth->datatype = SPARKPLUG_BOOLEAN;
    rebirth->kind = SPARKPLUG_IS_BOOL;
    set_text_name(number, BD_SEQ);
    number->datatype = SPARKPLUG_INT64;
    number->kind = SPARKPLUG_IS_INT;
    number->value.i = (int64_t)(node->births & 0xff);
    return count + 2;
}

static struct sim_mqtt_device *device_of(const struct sim_mqtt_node *node, const char *name)
{
    list_each(at, &node->broker->devices) {
        struct sim_mqtt_device *device = list_entry(at, struct sim_mqtt_device, link);
        if (device->node == node && strcmp(device->place.device, name) == 0) {
            return device;
        }
    }
    return NULL;
}

static bool is_mute(const struct sim_mqtt_device *device)
{
    enum sim_fault_kind now = device->sd->now;
    return now == SIM_FAULT_SILENCE || now == SIM_FAULT_RESTART;
}

static void say_birth(struct sim_mqtt_device *device)
{
    struct sparkplug_payload payload = { .count = 0 };
    if (is_mute(device)) {
        return;
    }
    payload.metrics = make_metrics(device, true, clock_wall_us(), &payload.count);
    publish(device->node, SPARKPLUG_DBIRTH, device->place.device, &payload);
    busbar_free(payload.metrics);
}

static void say_births(struct sim_mqtt_node *node)
{
    struct sim_mqtt_device *own = device_of(node, "");
    struct sparkplug_payload payload = { .count = 0 };
    payload.metrics = own != NULL ? make_metrics(own, true, clock_wall_us(), &payload.count)
                                  : busbar_alloc_array(2, sizeof(*payload.metrics));
    payload.count = add_node_metrics(node, payload.metrics, payload.count);
    publish(node, SPARKPLUG_NBIRTH, NULL, &payload);
    busbar_free(payload.metrics);
    node->births++;
    list_each(at, &node->broker->devices) {
        struct sim_mqtt_device *device = list_entry(at, struct sim_mqtt_device, link);
        if (device->node == node && device != own) {
            say_birth(device);
        }
    }
}

void sim_spark_say(struct sim_mqtt_device *device)
{
    struct sim_mqtt_node *node = device->node;
    struct sparkplug_payload payload = { .count = 0 };
    if (node->births == 0) {
        say_births(node);
        return;
    }
    enum sim_fault_kind kind = sim_request(device->sd);
    if (is_mute(device) || kind == SIM_FAULT_SILENCE) {
        return;
    }
    bool of_node = device->place.device[0] == '\0';
    payload.metrics = make_metrics(device, false, clock_wall_us(), &payload.count);
    node->seq = (uint8_t)(node->seq + (kind == SIM_FAULT_TRUNCATE
                                           ? 1
                                           : 0)); /* one is lost: a gap in the numbers */
    publish(node, of_node ? SPARKPLUG_NDATA : SPARKPLUG_DDATA, device->place.device, &payload);
    device->told++;
    busbar_free(payload.metrics);
}

void sim_spark_changed(struct sim_mqtt_device *device, bool dead)
{
    struct sparkplug_payload payload = { .count = 0 };
    struct sparkplug_metric metrics[2] = { { .name = NULL } };
    bool of_node = device->place.device[0] == '\0';
    if (!dead) {
        if (of_node) {
            say_births(device->node);
        } else {
            say_birth(device);
        }
        return;
    }
    if (of_node) { /* of the birth before */
        (void)add_node_metrics(device->node, metrics, 0);
        metrics[1].value.i = (int64_t)((device->node->births - 1) & 0xff);
        payload.metrics = &metrics[1];
        payload.count = 1;
    }
    publish(device->node, of_node ? SPARKPLUG_NDEATH : SPARKPLUG_DDEATH, device->place.device,
            &payload);
}

/* ---- commands ---- */

static bool read_metric(const struct sparkplug_metric *metric, uint8_t raw_type, union value *value)
{
    value->bits = 0;
    switch (metric->kind) {
    case SPARKPLUG_IS_BOOL: value->b = metric->value.b; return true;
    case SPARKPLUG_IS_INT:
        if (raw_type == VALUE_DOUBLE) {
            value->d = (double)metric->value.i;
        } else {
            value->i = metric->value.i;
        }
        return true;
    case SPARKPLUG_IS_DOUBLE: value->d = metric->value.d; return true;
    default: return false;
    }
}

static void command(struct sim_mqtt_device *device, const struct sparkplug_metric *metric)
{
    const struct device *dev = device->sd->dev;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const char *name = metric_name(device, i);
        bool meant = name != NULL &&
                     (metric->name != NULL ? strlen(name) == metric->name_size &&
                                                 memcmp(name, metric->name, metric->name_size) == 0
                                           : metric->alias == alias_of(device, i));
        if (!meant) {
            continue;
        }
        struct sim_reading now = sim_live_get(&device->talk.live, i, clock_wall_us());
        union value value;
        if (metric->kind == SPARKPLUG_IS_TEXT) {
            (void)sim_live_hold_text(&device->talk.live, i, metric->value.text, metric->size);
        } else if (read_metric(metric, now.type, &value)) {
            uint8_t kind = metric->kind == SPARKPLUG_IS_INT && now.type == VALUE_DOUBLE
                               ? VALUE_DOUBLE
                               : metric->kind;
            (void)sim_live_hold(&device->talk.live, i, kind, value);
        }
    }
}

static bool is_rebirth(const struct sparkplug_metric *metric)
{
    return metric->name != NULL && metric->name_size == sizeof(REBIRTH) - 1 &&
           memcmp(metric->name, REBIRTH, metric->name_size) == 0;
}

bool sim_spark_heard(struct sim_mqtt_link *link, const struct sim_broker_message *message)
{
    struct sparkplug_topic topic;
    struct sparkplug_payload payload;
    if (!sparkplug_topic_read(message->topic, strlen(message->topic), &topic) ||
        (topic.type != SPARKPLUG_NCMD && topic.type != SPARKPLUG_DCMD)) {
        return false;
    }
    list_each(at, &link->nodes) {
        struct sim_mqtt_node *node = list_entry(at, struct sim_mqtt_node, link);
        if (strcmp(node->place.group, topic.group) != 0 ||
            strcmp(node->place.node, topic.node) != 0 ||
            sparkplug_payload_read(node->reader, bytes_of(message->payload, message->size),
                                   &payload, NULL) != 0) {
            continue;
        }
        struct sim_mqtt_device *device = device_of(node, topic.device);
        for (size_t i = 0; i < payload.count; i++) {
            if (topic.type == SPARKPLUG_NCMD && is_rebirth(&payload.metrics[i])) {
                say_births(node);
                return true;
            }
            if (device != NULL && !is_mute(device)) {
                command(device, &payload.metrics[i]);
            }
        }
        if (device != NULL) {
            sim_spark_say(device);
        }
    }
    return true;
}

/* ---- nodes ---- */

static struct sim_mqtt_node *get_node(struct sim_mqtt_link *link,
                                      const struct sparkplug_topic *place)
{
    struct buf filter;
    list_each(at, &link->nodes) {
        struct sim_mqtt_node *node = list_entry(at, struct sim_mqtt_node, link);
        if (strcmp(node->place.group, place->group) == 0 &&
            strcmp(node->place.node, place->node) == 0) {
            return node;
        }
    }
    struct sim_mqtt_node *node = busbar_alloc(sizeof(*node));
    node->broker = link;
    node->place = *place;
    node->reader = sparkplug_reader_new();
    list_append(&link->nodes, &node->link);
    buf_init(&filter, SIM_WHERE_MAX);
    (void)sparkplug_topic_put(&filter, SPARKPLUG_NCMD, place->group, place->node, NULL);
    sim_mqtt_link_hear(link, buf_text(&filter));
    buf_clear(&filter);
    (void)buf_printf(&filter, "spBv1.0/%s/DCMD/%s/+", place->group, place->node);
    sim_mqtt_link_hear(link, buf_text(&filter));
    buf_fini(&filter);
    return node;
}

int sim_spark_join(struct sim_mqtt_device *device, const char *place, struct err *err)
{
    if (!sparkplug_place_read(place, &device->place)) {
        return err_set(err, BUSBAR_EINVAL, "'%s' is not Group/Edge or Group/Edge/Device", place);
    }
    device->node = get_node(device->broker, &device->place);
    device->node->devices++;
    if (device->node->births > 0) {
        say_birth(device);
    }
    return 0;
}

void sim_spark_leave(struct sim_mqtt_device *device)
{
    struct sim_mqtt_node *node = device->node;
    device->node = NULL;
    if (node != NULL && --node->devices == 0) {
        list_remove(&node->link);
        sparkplug_reader_free(node->reader);
        busbar_free(node);
    }
}
