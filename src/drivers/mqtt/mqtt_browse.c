/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_browse.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_discover.h"
#include "drivers/mqtt/mqtt_listen.h"
#include "drivers/mqtt/mqtt_propose.h"
#include "drivers/mqtt/mqtt_sparkplug_browse.h"
#include "model/quality.h"

/* Announcements tell units and commands; they are retained as a rule. */
#define ANNOUNCEMENTS "homeassistant/+/+/config, homeassistant/+/+/+/config"
#define LISTEN_US     (INT64_C(5) * CLOCK_US_PER_S)

struct browse {
    struct list link; /* device->browses */
    struct mqtt_device *device;
    struct driver_browse *asked;
    struct mqtt_listen *listen;
    struct mqtt_spark_look *spark; /* NULL: it is no Sparkplug device */
    struct mqtt_seen seen;
    struct buf topics; /* of the device, by ", " */
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    bool has_base;
    size_t told;
    const struct mqtt_seen_topic *last; /* whose node was told */
};

/* ---- telling ---- */

static void tell_topic(struct browse *browse, const struct mqtt_seen_topic *topic)
{
    char words[64];
    str_format(words, sizeof(words), "%llu messages%s", (unsigned long long)topic->messages,
               topic->retained ? ", retained" : "");
    const struct driver_node node = {
        .id = topic->topic,
        .parent = "",
        .kind = "topic",
        .name = topic->topic,
        .description = words,
        .value = { .type = VALUE_NONE, .quality = QUALITY_NOT_YET },
        .value_text = topic->text,
    };
    driver_node(browse->asked, &node);
}

static void set_value(const struct mqtt_seen_field *field, struct driver_node *node)
{
    node->value = (struct sample){ .type = VALUE_NONE, .quality = QUALITY_NOT_YET };
    if (field == NULL) {
        return;
    }
    if (field->type == VALUE_BOOL) {
        node->value.type = VALUE_BOOL;
        node->value.value.b = field->value.b;
    } else if (field->type == VALUE_INT) {
        node->value.type = VALUE_INT;
        node->value.value.i = field->value.i;
    } else if (field->type == VALUE_DOUBLE) {
        node->value.type = VALUE_DOUBLE;
        node->value.value.d = field->value.d;
    } else {
        node->value_text = field->text;
    }
    node->value.quality = QUALITY_GOOD;
}

static void on_point(void *ctx, const struct mqtt_point_proposal *point)
{
    struct browse *browse = ctx;
    if (point->topic != NULL && point->topic != browse->last) {
        browse->last = point->topic;
        tell_topic(browse, point->topic);
    }
    struct driver_node node = {
        .id = point->id,
        .parent = point->topic != NULL ? point->topic->topic : "",
        .kind = point->topic != NULL ? "field" : "command",
        .name = point->name,
        .description = point->title,
        .readable = point->topic != NULL || point->field != NULL,
        .writable = point->writable,
        .watchable = true,
        .units = point->unit,
        .point_name = point->name,
        .point = point->settings,
        .proposed = true,
    };
    set_value(point->field, &node);
    driver_node(browse->asked, &node);
    browse->told++;
}

/* ---- listening ---- */

static void browse_free(struct browse *browse)
{
    list_remove(&browse->link);
    mqtt_spark_look_free(browse->spark);
    mqtt_seen_fini(&browse->seen);
    buf_fini(&browse->topics);
    busbar_free(browse);
}

static void on_ready(void *ctx)
{
    struct browse *browse = ctx;
    if (browse->spark != NULL) {
        mqtt_spark_look_ready(browse->spark, browse->listen);
    }
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct browse *browse = ctx;
    if (browse->spark != NULL) {
        mqtt_spark_look_take(browse->spark, message, loop_now_us(browse->device->state->loop));
        return;
    }
    mqtt_seen_add(&browse->seen, message->topic, message->payload, message->size,
                  message->retained);
}

static void on_ended(void *ctx, int error, const char *words)
{
    struct browse *browse = ctx;
    struct driver_browse *asked = browse->asked;
    const char *message = words;
    if (browse->spark != NULL) {
        browse->told = mqtt_spark_look_told(browse->spark);
    } else if (error != BUSBAR_ECANCELED) {
        mqtt_propose_points(&browse->seen, buf_text(&browse->topics),
                            browse->has_base ? browse->base : NULL, on_point, browse);
    }
    if (error == 0 && browse->told == 0 && browse->spark != NULL) {
        message = "no birth came: the edge node is down, or does not take 'Node Control/Rebirth'";
    } else if (error == 0 && browse->told == 0) {
        message =
            "nothing came by its topics in 5 s: the device speaks seldom, or by other topics; "
            "'busbar discover mqtt BROKER --wait 5m' listens longer, and is remembered here";
    }
    browse_free(browse);
    driver_browsed(asked, error, message);
}

static const struct mqtt_listen_events listen_events = { .ready = on_ready,
                                                         .message = on_message,
                                                         .ended = on_ended };

/* ---- which topics ---- */

static int put_topic(void *ctx, const char *filter)
{
    struct buf *out = ctx;
    return buf_printf(out, "%s%s", out->size > 0 ? ", " : "", filter);
}

static void find_topics(struct browse *browse)
{
    const struct mqtt_device *device = browse->device;
    const struct device *dev = device->dev;
    const struct mqtt_topic_names names = mqtt_device_names(dev, &device->config, browse->base);
    browse->has_base = names.base != NULL;
    (void)mqtt_topics_each(device->config.topic, &names, put_topic, &browse->topics, NULL);
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct mqtt_address *address = driver_address(dev, i);
        (void)mqtt_topics_each(address->topic, &names, put_topic, &browse->topics, NULL);
    }
}

static int find_place(struct browse *browse, struct buf *listen, struct err *err)
{
    const char *place = browse->device->config.sparkplug;
    browse->spark = mqtt_spark_look_new(place, browse->asked);
    if (browse->spark == NULL) {
        return err_set(err, BUSBAR_ECONFIG, "'%.120s' is no place of Sparkplug", place);
    }
    mqtt_spark_look_topics(browse->spark, listen);
    return 0;
}

/* What a discovery has heard of it before. */
static void recall(struct browse *browse)
{
    const struct mqtt_device *device = browse->device;
    const struct mqtt_seen *known = mqtt_discover_seen(device->state->discoveries,
                                                       &device->config.broker.url);
    if (known != NULL) {
        mqtt_seen_copy(&browse->seen, known, buf_text(&browse->topics));
    }
}

void mqtt_browse_begin(struct mqtt_device *device, struct driver_browse *asked)
{
    struct mqtt_state *state = device->state;
    struct browse *browse = busbar_alloc(sizeof(*browse));
    struct err err = { 0 };
    struct buf listen;
    int error = 0;
    browse->device = device;
    browse->asked = asked;
    mqtt_seen_init(&browse->seen);
    buf_init(&browse->topics, MQTT_TOPICS_TEXT_MAX);
    list_append(&device->browses, &browse->link);
    buf_init(&listen, MQTT_TOPICS_TEXT_MAX + sizeof(ANNOUNCEMENTS) + 2);
    if (device->config.sparkplug != NULL) {
        error = find_place(browse, &listen, &err);
    } else {
        find_topics(browse);
        recall(browse);
        (void)buf_printf(&listen, "%s, " ANNOUNCEMENTS, buf_text(&browse->topics));
    }
    if (error == 0) {
        error = mqtt_listen_start(state, &device->config.broker, buf_text(&listen), LISTEN_US,
                                  &listen_events, browse, &browse->listen, &err);
    }
    buf_fini(&listen);
    if (error != 0) {
        browse_free(browse);
        driver_browsed(asked, error, err.message);
    }
}

void mqtt_browse_end(struct mqtt_device *device, struct driver_browse *asked)
{
    list_each(at, &device->browses) {
        struct browse *browse = list_entry(at, struct browse, link);
        if (browse->asked == asked) {
            mqtt_listen_stop(browse->listen);
            return;
        }
    }
}

void mqtt_browses_stop(struct mqtt_device *device)
{
    while (!list_empty(&device->browses)) {
        mqtt_listen_stop(list_entry(device->browses.next, struct browse, link)->listen);
    }
}
