/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_sparkplug.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "drivers/mqtt/sparkplug/host.h"
#include "model/quality.h"

enum { TOPIC_MAX = 600, PAYLOAD_MAX = 64 * 1024, NODE_QOS = 1, STALE_QUALITY = 500 };

/* Of one connection. */
struct mqtt_sparkplug {
    struct mqtt_broker *broker;
    struct sparkplug_host *host;
    struct timer timer;
    struct list waits;                /* struct wait: messages not yet acknowledged */
    struct map devices;               /* "Group/Node/Device" -> struct mqtt_device */
    struct payload_reading *readings; /* scratch */
    size_t reading_room;
    int64_t opened_us;     /* wall: the time that will and birth of our STATE share */
    char asked[TOPIC_MAX]; /* the node that was asked for its births last, and when */
    int64_t asked_us;
};

/* Of one device. */
struct mqtt_spark_device {
    struct sparkplug_topic place;
    struct mqtt_filter *filter;
    struct map points;   /* metric -> index of its point, from 1 */
    char key[TOPIC_MAX]; /* in spark->devices */
    bool up, listed;
    bool wanted; /* its birth was asked for on this connection */
    char why[128];
};

/* A message whose readings are on their way to the disk. */
struct wait {
    struct list link;
    struct mqtt_sparkplug *spark; /* NULL: the connection is no more */
    uint64_t ticket;
    bool acknowledge; /* QoS 1, 2 */
    bool over;        /* no more readings come of it */
    size_t open;
    int error;
};

/* ---- acknowledging ---- */

static void wait_settle(struct wait *wait)
{
    struct mqtt_sparkplug *spark = wait->spark;
    if (!wait->over || wait->open > 0) {
        return;
    }
    if (spark != NULL && wait->acknowledge && spark->broker->client != NULL) {
        if (wait->error == 0) {
            mqtt_client_acknowledge(spark->broker->client, wait->ticket, 0);
        } else {
            mqtt_broker_again(spark->broker);
        }
    }
    list_remove(&wait->link);
    busbar_free(wait);
}

static void on_disk(void *ctx, int error)
{
    struct wait *wait = ctx;
    wait->open--;
    if (wait->error == 0 && error != BUSBAR_ECANCELED) { /* of a device that is being paused */
        wait->error = error;
    }
    wait_settle(wait);
}

static void wait_over(struct wait *wait)
{
    wait->over = true;
    wait_settle(wait);
}

/* ---- from metrics to readings ---- */

static void read_metric(const struct sparkplug_metric *metric, struct payload_reading *out)
{
    out->quality = metric->why != NULL                ? QUALITY_DECODE
                   : metric->null                     ? QUALITY_FAULT
                   : metric->quality == 0             ? QUALITY_FAULT
                   : metric->quality == STALE_QUALITY ? QUALITY_UNCERTAIN
                                                      : QUALITY_GOOD;
    out->time_us = metric->time_us;
    out->type = metric->kind; /* both number them as enum value_type does */
    switch ((enum sparkplug_kind)metric->kind) {
    case SPARKPLUG_NONE: break;
    case SPARKPLUG_IS_BOOL: out->value.b = metric->value.b; break;
    case SPARKPLUG_IS_INT: out->value.i = metric->value.i; break;
    case SPARKPLUG_IS_DOUBLE: out->value.d = metric->value.d; break;
    case SPARKPLUG_IS_TEXT:
        out->value.text.bytes = metric->value.text;
        out->value.text.size = metric->size;
        break;
    }
    if (quality_class(out->quality) == QUALITY_CLASS_BAD) {
        out->type = VALUE_NONE;
    } else if (out->type == VALUE_NONE) {
        out->quality = QUALITY_FAULT;
    }
}

static struct payload_reading *room_for(struct mqtt_sparkplug *spark, size_t count)
{
    if (count > spark->reading_room) {
        spark->readings = busbar_realloc(spark->readings, count * sizeof(*spark->readings));
        spark->reading_room = count;
    }
    return spark->readings;
}

static struct mqtt_device *device_of(const struct mqtt_sparkplug *spark,
                                     const struct sparkplug_place *place)
{
    char key[TOPIC_MAX];
    str_format(key, sizeof(key), "%s/%s%s%s", place->group, place->node,
               place->device[0] != '\0' ? "/" : "", place->device);
    return map_get(&spark->devices, key);
}

static void on_metrics(void *ctx, void *token, struct sparkplug_place *place,
                       const struct sparkplug_metric *metrics, size_t count, bool birth)
{
    struct mqtt_sparkplug *spark = ctx;
    struct mqtt_device *device = device_of(spark, place);
    struct wait *wait = token;
    char source[FEED_SOURCE_MAX];
    size_t used = 0;
    (void)birth;
    if (device == NULL) {
        return;
    }
    struct payload_reading *readings = room_for(spark, count + 1);
    for (size_t i = 0; i < count; i++) {
        uintptr_t number = (uintptr_t)map_get_n(&device->spark->points, metrics[i].name,
                                                metrics[i].name_size);
        if (number != 0) {
            readings[used] = (struct payload_reading){ .index = (uint32_t)(number - 1) };
            read_metric(&metrics[i], &readings[used++]);
        }
    }
    if (used == 0) {
        return;
    }
    str_format(source, sizeof(source), "%s %s", spark->broker->name, device->config.sparkplug);
    wait->open++;
    int error = feed_give(spark->broker->state->feed, device->dev, source, readings, used, on_disk,
                          wait);
    if (error != 0) {
        wait->open--;
        wait->error = error;
    }
}

/* ---- what the host says ---- */

static void on_link(void *ctx, struct sparkplug_place *place, bool up, const char *why)
{
    struct mqtt_sparkplug *spark = ctx;
    struct mqtt_device *device = device_of(spark, place);
    if (device != NULL) {
        device->spark->up = up;
        (void)str_copy(device->spark->why, sizeof(device->spark->why), why);
        mqtt_broker_tell(spark->broker);
    }
}

static void on_released(void *ctx, void *token, bool lost)
{
    (void)ctx;
    (void)lost;
    wait_over(token);
}

static void ask_for_births(struct mqtt_sparkplug *spark, const char *group, const char *node,
                           const char *why)
{
    struct buf topic;
    struct buf payload;
    buf_init(&topic, TOPIC_MAX);
    buf_init(&payload, PAYLOAD_MAX);
    if (sparkplug_topic_put(&topic, SPARKPLUG_NCMD, group, node, "") == 0 &&
        sparkplug_put_rebirth(&payload, clock_wall_us()) == 0 && spark->broker->client != NULL) {
        const struct mqtt_publish message = { .topic = buf_text(&topic),
                                              .payload = payload.data,
                                              .size = payload.size };
        busbar_log(LOG_LEVEL_INFO, "mqtt", spark->broker->name, "asks %s/%s for its births: %s",
                   group, node, why);
        (void)mqtt_client_publish(spark->broker->client, &message, NULL, NULL);
    }
    buf_fini(&topic);
    buf_fini(&payload);
}

static void on_rebirth(void *ctx, const struct sparkplug_place *node, const char *why)
{
    ask_for_births(ctx, node->group, node->node, why);
}

static const struct sparkplug_host_calls calls = {
    .link = on_link, .metrics = on_metrics, .released = on_released, .rebirth = on_rebirth
};

/* ---- time ---- */

static void look_at_clock(struct mqtt_sparkplug *spark)
{
    int64_t due_us = sparkplug_host_due(spark->host);
    if (due_us == INT64_MAX) {
        timer_stop(&spark->timer);
    } else {
        timer_start_at_us(&spark->timer, due_us, 0);
    }
}

static void on_time(struct timer *timer, void *ctx)
{
    struct mqtt_sparkplug *spark = ctx;
    sparkplug_host_tick(spark->host, loop_now_us(timer->loop));
    look_at_clock(spark);
}

/* ---- messages ---- */

bool mqtt_sparkplug_take(struct mqtt_broker *broker, const struct mqtt_message *message)
{
    struct mqtt_sparkplug *spark = broker->sparkplug;
    struct sparkplug_topic topic;
    struct err err = { 0 };
    if (spark == NULL || !sparkplug_topic_read(message->topic, message->topic_size, &topic)) {
        return false;
    }
    struct wait *wait = busbar_alloc(sizeof(*wait));
    wait->spark = spark;
    wait->ticket = message->ticket;
    wait->acknowledge = message->qos > 0;
    list_append(&spark->waits, &wait->link);
    const struct sparkplug_place place = { .group = topic.group,
                                           .node = topic.node,
                                           .device = topic.device };
    const struct mqtt_device *device = device_of(spark, &place);
    if (device != NULL && broker->packet != NULL) {
        driver_frame(device->dev, false, broker->packet, broker->packet_size);
    }
    int taken = sparkplug_host_take(spark->host, &topic, bytes_of(message->payload, message->size),
                                    loop_now_us(broker->state->loop), wait, &err);
    if (taken < 0) {
        feed_refuse(broker->state->feed, broker->name, message->topic, message->payload,
                    message->size, err.message);
        broker->refused++;
    }
    if (taken != SPARKPLUG_HELD) {
        wait_over(wait);
    }
    look_at_clock(spark);
    return true;
}

/* ---- the connection ---- */

static struct mqtt_sparkplug *spark_of(struct mqtt_broker *broker)
{
    if (broker->sparkplug == NULL) {
        struct mqtt_sparkplug *spark = busbar_alloc(sizeof(*spark));
        const struct sparkplug_host_options options = { 0 };
        spark->broker = broker;
        spark->host = sparkplug_host_new(&calls, spark, &options);
        list_init(&spark->waits);
        timer_init(&spark->timer, broker->state->loop, on_time, spark);
        broker->sparkplug = spark;
    }
    return broker->sparkplug;
}

static void put_state(struct mqtt_broker *broker, bool online, struct buf *topic,
                      struct buf *payload)
{
    const struct mqtt_sparkplug *spark = broker->sparkplug;
    (void)sparkplug_topic_put(topic, SPARKPLUG_STATE, "", broker->config.broker.sparkplug_host, "");
    (void)sparkplug_put_state(payload, online, spark->opened_us);
}

static void say_state(struct mqtt_broker *broker, bool online)
{
    struct buf topic;
    struct buf payload;
    buf_init(&topic, TOPIC_MAX);
    buf_init(&payload, PAYLOAD_MAX);
    put_state(broker, online, &topic, &payload);
    const struct mqtt_publish message = { .topic = buf_text(&topic),
                                          .payload = payload.data,
                                          .size = payload.size,
                                          .qos = 1,
                                          .retain = true };
    (void)mqtt_client_publish(broker->client, &message, NULL, NULL);
    buf_fini(&topic);
    buf_fini(&payload);
}

void mqtt_sparkplug_will(struct mqtt_broker *broker, struct mqtt_will *will, struct buf *payload,
                         struct buf *topic)
{
    if (broker->config.broker.sparkplug_host == NULL) {
        return;
    }
    spark_of(broker)->opened_us = clock_wall_us();
    put_state(broker, false, topic, payload);
    will->topic = buf_text(topic);
    will->payload = payload->data;
    will->size = payload->size;
}

void mqtt_sparkplug_up(struct mqtt_broker *broker)
{
    list_each(at, &broker->devices) {
        struct mqtt_device *device = list_entry(at, struct mqtt_device, link);
        if (device->spark != NULL) {
            device->spark->wanted = false;
        }
    }
    if (broker->sparkplug != NULL && broker->config.broker.sparkplug_host != NULL) {
        say_state(broker, true);
    }
}

static void forget_waits(struct mqtt_sparkplug *spark)
{
    list_each_safe(at, &spark->waits) {
        struct wait *wait = list_entry(at, struct wait, link);
        wait->spark = NULL; /* freed when the disk has answered */
        list_remove(&wait->link);
        if (wait->open == 0 && wait->over) {
            busbar_free(wait);
        }
    }
}

void mqtt_sparkplug_down(struct mqtt_broker *broker)
{
    struct mqtt_sparkplug *spark = broker->sparkplug;
    if (spark != NULL) {
        sparkplug_host_disconnected(spark->host); /* releases what it holds */
        forget_waits(spark);
        look_at_clock(spark);
    }
}

void mqtt_sparkplug_offline(struct mqtt_broker *broker)
{
    if (broker->up && broker->client != NULL && broker->sparkplug != NULL &&
        broker->config.broker.sparkplug_host != NULL) {
        say_state(broker, false);
    }
}

void mqtt_sparkplug_free(struct mqtt_broker *broker)
{
    struct mqtt_sparkplug *spark = broker->sparkplug;
    if (spark != NULL) {
        timer_stop(&spark->timer);
        sparkplug_host_free(spark->host);
        forget_waits(spark);
        map_fini(&spark->devices);
        busbar_free(spark->readings);
        busbar_free(spark);
        broker->sparkplug = NULL;
    }
}

void mqtt_sparkplug_status(const struct mqtt_broker *broker, driver_status_cb cb, void *ctx)
{
    const struct mqtt_sparkplug *spark = broker->sparkplug;
    struct sparkplug_counts counts;
    char text[256];
    if (spark == NULL) {
        return;
    }
    sparkplug_host_counts(spark->host, &counts);
    str_format(text, sizeof(text),
               "%zu of %zu edge nodes up, %zu metrics, %llu births, %llu deaths, %llu data, %llu "
               "gaps, %llu rebirths asked for",
               counts.nodes_up, counts.nodes, counts.known, (unsigned long long)counts.births,
               (unsigned long long)counts.deaths, (unsigned long long)counts.data,
               (unsigned long long)counts.gaps, (unsigned long long)counts.rebirths);
    const struct driver_status status = { .part = broker->name, .name = "Sparkplug", .text = text };
    cb(ctx, &status);
}

/* ---- devices ---- */

/* One that comes after the births of its node has heard none of them. Many come at once as a rule: asked for once. */
static void ask_again(struct mqtt_device *device, const char *why)
{
    enum { PAUSE_S = 2 };
    struct mqtt_sparkplug *spark = device->broker->sparkplug;
    const struct sparkplug_topic *place = &device->spark->place;
    char node[TOPIC_MAX];
    int64_t now_us = loop_now_us(device->state->loop);
    str_format(node, sizeof(node), "%s/%s", place->group, place->node);
    if (strcmp(node, spark->asked) != 0 || now_us - spark->asked_us > PAUSE_S * CLOCK_US_PER_S) {
        (void)str_copy(spark->asked, sizeof(spark->asked), node);
        spark->asked_us = now_us;
        ask_for_births(spark, place->group, place->node, why);
    }
}

int mqtt_sparkplug_start(struct mqtt_device *device, struct err *err)
{
    struct mqtt_spark_device *own = busbar_alloc(sizeof(*own));
    struct mqtt_broker *broker = device->broker;
    struct mqtt_sparkplug *spark = spark_of(broker);
    char filter[TOPIC_MAX];
    const struct device *dev = device->dev;
    device->spark = own;
    feed_add(device->state->feed, device->dev);
    if (!sparkplug_place_read(device->config.sparkplug, &own->place)) {
        return err_set(err, BUSBAR_ECONFIG, "'%.120s' is no place of Sparkplug",
                       device->config.sparkplug);
    }
    (void)str_copy(own->key, sizeof(own->key), device->config.sparkplug);
    const struct mqtt_device *other = map_get(&spark->devices, own->key);
    if (other != NULL) {
        return err_set(err, BUSBAR_EEXIST, "device '%s' is %s already", other->dev->name, own->key);
    }
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct mqtt_address *address = driver_address(dev, i);
        if (address->metric != NULL) {
            (void)map_set(&own->points, address->metric, (void *)(uintptr_t)(i + 1));
        }
    }
    str_format(filter, sizeof(filter), "spBv1.0/%s/+/%s/#", own->place.group, own->place.node);
    own->filter = mqtt_filter_use(broker, filter, NODE_QOS, err);
    if (own->filter == NULL) {
        return BUSBAR_ELIMIT;
    }
    (void)map_set(&spark->devices, own->key, device);
    own->listed = true;
    const struct sparkplug_place *place = sparkplug_host_place(spark->host, own->place.group,
                                                               own->place.node, own->place.device);
    own->up = place != NULL && place->up;
    if (own->up) {
        own->wanted = true;
        ask_again(device, "a device of it was configured");
    }
    return 0;
}

void mqtt_sparkplug_stop(struct mqtt_device *device)
{
    struct mqtt_spark_device *own = device->spark;
    struct mqtt_sparkplug *spark = device->broker->sparkplug;
    if (own == NULL) {
        return;
    }
    if (own->listed) {
        (void)map_remove(&spark->devices, own->key);
    }
    if (own->filter != NULL) {
        mqtt_filter_unuse(device->broker, own->filter, NODE_QOS);
        if (own->filter->uses == 0) {
            sparkplug_host_forget(spark->host, own->place.group, own->place.node);
            look_at_clock(spark);
        }
    }
    map_fini(&own->points);
    busbar_free(own);
    device->spark = NULL;
}

const struct mqtt_filter *mqtt_sparkplug_filter(const struct mqtt_device *device)
{
    return device->spark->filter;
}

bool mqtt_sparkplug_is_up(struct mqtt_device *device, char *words, size_t size)
{
    struct mqtt_spark_device *own = device->spark;
    struct mqtt_sparkplug *spark = device->broker->sparkplug;
    const struct mqtt_client *client = device->broker->client;
    if (own->up) {
        return true;
    }
    if (!own->wanted && client != NULL && mqtt_client_is_up(client)) {
        own->wanted = true;
        sparkplug_host_want(spark->host, own->place.group, own->place.node,
                            loop_now_us(device->state->loop));
        look_at_clock(spark);
    }
    str_format(words, size, "%s has not said that it is there%s%s; its birth is asked for",
               own->key, own->why[0] != '\0' ? ": " : " (no birth message yet)", own->why);
    return false;
}

/* ---- writes ---- */

static void set_value(const struct sample *sample, struct sparkplug_metric *out)
{
    switch ((enum value_type)sample->type) {
    case VALUE_NONE:
        out->kind = SPARKPLUG_NONE;
        out->null = true;
        break;
    case VALUE_BOOL:
        out->kind = SPARKPLUG_IS_BOOL;
        out->value.b = sample->value.b;
        break;
    case VALUE_INT:
        out->kind = SPARKPLUG_IS_INT;
        out->value.i = sample->value.i;
        break;
    case VALUE_DOUBLE:
        out->kind = SPARKPLUG_IS_DOUBLE;
        out->value.d = sample->value.d;
        break;
    case VALUE_TEXT:
        out->kind = SPARKPLUG_IS_TEXT;
        out->value.text = sample->value.text->bytes;
        out->size = sample->value.text->size;
        break;
    }
}

int mqtt_sparkplug_command(const struct mqtt_device *device, const char *name,
                           const struct sample *sample, struct buf *topic, struct buf *payload,
                           uint16_t *detail)
{
    const struct mqtt_spark_device *own = device->spark;
    const struct mqtt_sparkplug *spark = device->broker->sparkplug;
    const struct sparkplug_place *place = sparkplug_host_place(spark->host, own->place.group,
                                                               own->place.node, own->place.device);
    const struct sparkplug_known *known = place != NULL
                                              ? sparkplug_host_find(spark->host, place, name)
                                              : NULL;
    bool whole = own->place.device[0] == '\0';
    if (known == NULL) {
        *detail = MQTT_DETAIL_NO_METRIC;
        return BUSBAR_EREFUSED;
    }
    struct sparkplug_metric metric = { .name = name,
                                       .name_size = (uint32_t)strlen(name),
                                       .datatype = known->datatype,
                                       .quality = SPARKPLUG_GOOD,
                                       .time_us = clock_wall_us() };
    set_value(sample, &metric);
    if (sparkplug_metric_check(&metric, NULL) != 0) {
        *detail = MQTT_DETAIL_WRONG_VALUE;
        return BUSBAR_EREFUSED;
    }
    const struct sparkplug_payload message = { .time_us = metric.time_us,
                                               .metrics = &metric,
                                               .count = 1 };
    int error = sparkplug_topic_put(topic, whole ? SPARKPLUG_NCMD : SPARKPLUG_DCMD,
                                    own->place.group, own->place.node, own->place.device);
    return error == 0 ? sparkplug_payload_put(payload, &message) : error;
}
