/* SPDX-License-Identifier: Apache-2.0 */
/* See mqtt_config.h: points and events. */
#include <string.h>

#include "base/arena.h"
#include "drivers/mqtt/mqtt_config.h"
#include "drivers/mqtt/mqtt_options.h"
#include "payload/program.h"
#include "payload/template.h"

static const struct payload_schemas *schemas_of(const struct setup *setup)
{
    return setup != NULL ? (const struct payload_schemas *)setup->prepared : NULL;
}

static int ignore_topic(void *ctx, const char *filter)
{
    (void)ctx;
    (void)filter;
    return 0;
}

/* The topics of a point or an event, which may begin with ~. */
static int check_topic(const struct settings *device, const struct settings *of, size_t row,
                       struct err *err)
{
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    struct err reason = { 0 };
    struct mqtt_topic_names names = { .id = settings_text(device, PAYLOAD_DEVICE_ID) };
    const char *own = settings_text(of, row);
    if (own == NULL && settings_text(device, DEVICE_TOPIC) == NULL &&
        settings_text(device, DEVICE_SPARKPLUG) == NULL) {
        return err_at(err, BUSBAR_ECONFIG, of->at,
                      "add 'topic:' here, or to the device for all of it",
                      "by which topic does it come?");
    }
    if (mqtt_topics_base(settings_text(device, DEVICE_TOPIC), &names, base)) {
        names.base = base;
    }
    if (mqtt_topics_each(own, &names, ignore_topic, NULL, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(of, row), reason.hint, "%s", reason.message);
    }
    return 0;
}

/* ---- writing ---- */

static int check_send_topic(const struct settings *device, const struct settings *point,
                            const struct mqtt_address *address, struct err *err)
{
    char base[MQTT_TOPIC_TEXT_MAX + 1];
    char topic[MQTT_TOPIC_TEXT_MAX + 1];
    struct err reason = { 0 };
    struct mqtt_topic_names names = { .id = settings_text(device, PAYLOAD_DEVICE_ID) };
    if (mqtt_topics_base(settings_text(device, DEVICE_TOPIC), &names, base)) {
        names.base = base;
    }
    if (mqtt_topics_one(address->send_topic, &names, topic, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_SEND_TOPIC), reason.hint, "%s",
                      reason.message);
    }
    return 0;
}

static int read_send(const struct settings *device, const struct settings *point,
                     struct mqtt_address *out, struct err *err)
{
    static const size_t rows[] = { POINT_SEND, POINT_SEND_QOS, POINT_SEND_RETAIN };
    struct err reason = { 0 };
    out->send_topic = settings_text(point, POINT_SEND_TOPIC);
    out->send = settings_text(point, POINT_SEND);
    out->send_qos = (uint8_t)settings_int(point, POINT_SEND_QOS);
    out->send_retain = settings_bool(point, POINT_SEND_RETAIN);
    for (size_t i = 0; out->send_topic == NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (settings_has(point, rows[i])) {
            return err_at(err, BUSBAR_ECONFIG, settings_at(point, rows[i]),
                          "add 'send_topic:', where a write goes: ~/set",
                          "'%s' without 'send_topic'", point->options[rows[i]].key);
        }
    }
    if (out->send_topic == NULL) {
        return 0;
    }
    out->send = out->send != NULL ? out->send : "{value}";
    if (payload_template_check(out->send, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_SEND), reason.hint, "%s",
                      reason.message);
    }
    return check_send_topic(device, point, out, err);
}

/* ---- the point ---- */

static int check_kind(const struct settings *device, const struct settings *point,
                      const struct mqtt_address *out, struct err *err)
{
    bool sparkplug = settings_text(device, DEVICE_SPARKPLUG) != NULL;
    bool payload = out->payload.kind != PAYLOAD_POINT_ROWS;
    if (out->metric != NULL && !sparkplug) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(point, POINT_METRIC),
                      "add sparkplug: \"Group/Edge/Device\" to the device",
                      "'metric' is of Sparkplug devices");
    }
    if (sparkplug && (payload || out->topic != NULL || out->send_topic != NULL)) {
        return err_at(err, BUSBAR_ECONFIG, point->at,
                      "write metric: NAME; another device can read other topics",
                      "points of a Sparkplug device are metrics");
    }
    if (sparkplug && out->metric == NULL) {
        return err_at(err, BUSBAR_ECONFIG, point->at, "metric: \"Temps/Supply\"",
                      "which metric is it?");
    }
    if (!sparkplug && !payload && out->send_topic == NULL) {
        return err_at(err, BUSBAR_ECONFIG, point->at,
                      "json: $.co2, text: all, match: 'T=(.*)', csv: 2, bytes: 4 ...; "
                      "docs/payload.md has them all",
                      "where in the message is its value?");
    }
    if (!sparkplug && payload) {
        return check_topic(device, point, POINT_TOPIC, err);
    }
    return 0;
}

/* Into the arena, where there is one. */
static int keep(const char **text, struct arena *arena)
{
    if (arena != NULL && *text != NULL) {
        *text = arena_strdup(arena, *text);
        return *text != NULL ? 0 : BUSBAR_ENOMEM;
    }
    return 0;
}

int mqtt_config_point(const struct setup *setup, const struct settings *device,
                      const struct settings *point, struct mqtt_address *out,
                      struct point_facts *facts, struct err *err)
{
    int error = payload_point_read(point, device, schemas_of(setup), &out->payload, facts, err);
    out->topic = settings_text(point, POINT_TOPIC);
    out->metric = settings_text(point, POINT_METRIC);
    error = error == 0 ? read_send(device, point, out, err) : error;
    error = error == 0 ? check_kind(device, point, out, err) : error;
    if (error != 0) {
        return error;
    }
    out->value_type = facts->value_type;
    facts->pushed = true;
    facts->readable = out->payload.kind != PAYLOAD_POINT_ROWS || out->metric != NULL;
    facts->writable = out->send_topic != NULL || out->metric != NULL;
    facts->unwritable = "add 'send_topic:' to the point, where a write goes";
    const char **texts[] = { &out->topic, &out->metric, &out->send, &out->send_topic };
    for (size_t i = 0; error == 0 && i < sizeof(texts) / sizeof(texts[0]); i++) {
        error = keep(texts[i], facts->arena);
    }
    return error == 0 ? 0 : err_set(err, error, "no memory for a point");
}

int mqtt_config_event(const struct setup *setup, const struct settings *device,
                      const struct settings *event, struct err *err)
{
    int error = payload_event_check(device, event, schemas_of(setup), err);
    if (error == 0 && settings_text(device, DEVICE_SPARKPLUG) != NULL) {
        return err_at(err, BUSBAR_ECONFIG, event->at, "events come by topics",
                      "a Sparkplug device has no events");
    }
    return error == 0 ? check_topic(device, event, EVENT_TOPIC, err) : error;
}
