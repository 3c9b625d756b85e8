/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_sparkplug_browse.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_propose.h"
#include "drivers/mqtt/sparkplug/host.h"
#include "model/quality.h"

enum { TOPIC_MAX = 600, PAYLOAD_MAX = 4096, TEXT_MAX = 1200, VALUE_SHOWN = 200 };

struct mqtt_spark_look {
    struct driver_browse *asked;
    struct sparkplug_topic place;
    struct sparkplug_host *host;
    size_t told;
};

/* Of the protocol itself: nothing to make a point of. */
static bool is_control(const char *name)
{
    return str_starts(name, "Node Control/") || str_starts(name, "Device Control/") ||
           strcmp(name, "bdSeq") == 0;
}

static void set_value(const struct sparkplug_metric *metric, char text[VALUE_SHOWN + 1],
                      struct driver_node *node)
{
    node->value = (struct sample){ .type = VALUE_NONE, .quality = QUALITY_GOOD };
    switch ((enum sparkplug_kind)metric->kind) {
    case SPARKPLUG_NONE: node->value.quality = QUALITY_NOT_YET; return;
    case SPARKPLUG_IS_BOOL:
        node->value.type = VALUE_BOOL;
        node->value.value.b = metric->value.b;
        return;
    case SPARKPLUG_IS_INT:
        node->value.type = VALUE_INT;
        node->value.value.i = metric->value.i;
        return;
    case SPARKPLUG_IS_DOUBLE:
        node->value.type = VALUE_DOUBLE;
        node->value.value.d = metric->value.d;
        return;
    case SPARKPLUG_IS_TEXT:
        str_format(text, VALUE_SHOWN + 1, "%.*s",
                   (int)str_utf8_cut(metric->value.text, metric->size, VALUE_SHOWN),
                   metric->value.text);
        node->value_text = text;
        return;
    }
}

static void tell(struct mqtt_spark_look *look, const struct sparkplug_metric *metric)
{
    char name[SPARKPLUG_NAME_MAX + 1];
    char point_name[POINT_NAME_MAX + 1];
    char units[64];
    char about[TEXT_MAX];
    char value[VALUE_SHOWN + 1];
    struct buf settings;
    str_format(name, sizeof(name), "%.*s", (int)metric->name_size, metric->name);
    str_format(units, sizeof(units), "%.*s", (int)(metric->units != NULL ? metric->units_size : 0),
               metric->units != NULL ? metric->units : "");
    str_format(about, sizeof(about), "%s%s%.*s", sparkplug_datatype_word(metric->datatype),
               metric->about != NULL ? ": " : "",
               (int)(metric->about != NULL ? metric->about_size : 0),
               metric->about != NULL ? metric->about : "");
    mqtt_propose_name(name, point_name, sizeof(point_name));
    buf_init(&settings, 4 * SPARKPLUG_NAME_MAX);
    struct json_writer json = json_writer(&settings);
    (void)buf_append_text(&settings, "{ metric: ");
    json_string(&json, name);
    if (units[0] != '\0') {
        json = json_writer(&settings);
        (void)buf_append_text(&settings, ", units: ");
        json_string(&json, units);
    }
    (void)buf_append_text(&settings, " }");
    struct driver_node node = {
        .id = name,
        .parent = "",
        .kind = "metric",
        .name = name,
        .description = about,
        .readable = true,
        .writable = true,
        .watchable = true,
        .units = units,
        .trouble = metric->why,
        .point_name = is_control(name) ? NULL : point_name,
        .point = is_control(name) || settings.overflow ? NULL : buf_text(&settings),
        .proposed = !is_control(name) && metric->why == NULL,
    };
    set_value(metric, value, &node);
    driver_node(look->asked, &node);
    buf_fini(&settings);
    look->told++;
}

static void on_metrics(void *ctx, void *token, struct sparkplug_place *place,
                       const struct sparkplug_metric *metrics, size_t count, bool birth)
{
    struct mqtt_spark_look *look = ctx;
    (void)token;
    bool ours = strcmp(place->device, look->place.device) == 0 &&
                strcmp(place->node, look->place.node) == 0 &&
                strcmp(place->group, look->place.group) == 0;
    for (size_t i = 0; ours && birth && look->told < count && i < count; i++) {
        tell(look, &metrics[i]); /* a second birth says the same again */
    }
}

static void on_link(void *ctx, struct sparkplug_place *place, bool up, const char *why)
{
    (void)ctx;
    (void)place;
    (void)up;
    (void)why;
}

static void on_released(void *ctx, void *token, bool lost)
{
    (void)ctx;
    (void)token;
    (void)lost;
}

/* Asked for once, by mqtt_spark_look_ready(). */
static void on_rebirth(void *ctx, const struct sparkplug_place *node, const char *why)
{
    (void)ctx;
    (void)node;
    (void)why;
}

static const struct sparkplug_host_calls calls = {
    .link = on_link, .metrics = on_metrics, .released = on_released, .rebirth = on_rebirth
};

struct mqtt_spark_look *mqtt_spark_look_new(const char *place, struct driver_browse *asked)
{
    const struct sparkplug_host_options options = { 0 };
    struct sparkplug_topic topic;
    if (!sparkplug_place_read(place, &topic)) {
        return NULL;
    }
    struct mqtt_spark_look *look = busbar_alloc(sizeof(*look));
    look->asked = asked;
    look->place = topic;
    look->host = sparkplug_host_new(&calls, look, &options);
    return look;
}

void mqtt_spark_look_free(struct mqtt_spark_look *look)
{
    if (look != NULL) {
        sparkplug_host_free(look->host);
        busbar_free(look);
    }
}

void mqtt_spark_look_topics(const struct mqtt_spark_look *look, struct buf *out)
{
    (void)buf_printf(out, "spBv1.0/%s/+/%s/#", look->place.group, look->place.node);
}

void mqtt_spark_look_ready(struct mqtt_spark_look *look, struct mqtt_listen *listen)
{
    struct buf topic;
    struct buf payload;
    buf_init(&topic, TOPIC_MAX);
    buf_init(&payload, PAYLOAD_MAX);
    if (sparkplug_topic_put(&topic, SPARKPLUG_NCMD, look->place.group, look->place.node, "") == 0 &&
        sparkplug_put_rebirth(&payload, clock_wall_us()) == 0) {
        mqtt_listen_say(listen, buf_text(&topic), payload.data, payload.size);
    }
    buf_fini(&topic);
    buf_fini(&payload);
}

void mqtt_spark_look_take(struct mqtt_spark_look *look, const struct mqtt_message *message,
                          int64_t now_us)
{
    struct sparkplug_topic topic;
    if (sparkplug_topic_read(message->topic, message->topic_size, &topic)) {
        (void)sparkplug_host_take(look->host, &topic, bytes_of(message->payload, message->size),
                                  now_us, look, NULL);
    }
}

size_t mqtt_spark_look_told(const struct mqtt_spark_look *look)
{
    return look->told;
}
