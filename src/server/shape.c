/* SPDX-License-Identifier: Apache-2.0 */
/* A value that is not known is null; what was known before stands beside it as last_good. */
#include "server/shape.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"

enum { SHAPE_TEXT_MAX = 64 * 1024 };

/* Integers up to here are exact in a JavaScript number. */
#define EXACT_MAX (INT64_C(1) << 53)

void shape_init(struct shape *shape, const struct server *server)
{
    *shape = (struct shape){ .server = server, .now_us = clock_wall_us() };
    buf_init(&shape->text, SHAPE_TEXT_MAX);
}

void shape_fini(struct shape *shape)
{
    buf_fini(&shape->text);
}

void shape_forget(struct shape *shape)
{
    shape->device = NULL;
    shape->has_stats = false;
    shape->now_us = clock_wall_us();
}

const struct driver_ops *shape_ops(struct shape *shape, const struct device *dev)
{
    if (shape->device != dev) {
        shape->device = dev;
        shape->has_stats = false;
        shape->ops = host_protocol(shape->server->config.catalog, dev->protocol);
    }
    return shape->ops;
}

void shape_host_stats(const struct device *dev, struct device_stats *stats)
{
    *stats = (struct device_stats){ .link = LINK_CONNECTING };
    if (dev->host != NULL) {
        host_stats(dev, stats);
    }
}

const struct device_stats *shape_stats(struct shape *shape, const struct device *dev)
{
    (void)shape_ops(shape, dev);
    if (!shape->has_stats) {
        shape_host_stats(dev, &shape->stats);
        shape->has_stats = true;
    }
    return &shape->stats;
}

const char *shape_text(struct shape *shape, const struct point_class *cls, uint8_t type,
                       union value value)
{
    buf_clear(&shape->text);
    if (type == VALUE_NONE) {
        return "";
    }
    const char *name = NULL;
    if (type == VALUE_BOOL || type == VALUE_INT) {
        name = point_enum_name(cls, type == VALUE_BOOL ? value.b : value.i);
    }
    if (name != NULL) {
        (void)buf_append_text(&shape->text, name);
    } else {
        value_print(type, value, &shape->text);
    }
    if (name == NULL && cls->units[0] != '\0' && type != VALUE_TEXT) {
        (void)buf_printf(&shape->text, " %s", cls->units);
    }
    return buf_text(&shape->text);
}

const char *shape_source(struct shape *shape, const struct point *pt)
{
    const struct driver_ops *ops = shape_ops(shape, pt->device);
    buf_clear(&shape->text);
    if (ops != NULL && ops->address != NULL) {
        ops->address(pt->device, pt, &shape->text);
    }
    return buf_text(&shape->text);
}

void shape_value(struct json_writer *json, uint8_t type, union value value)
{
    switch (type) {
    case VALUE_BOOL: json_bool(json, value.b); break;
    case VALUE_INT: json_i64(json, value.i); break;
    case VALUE_DOUBLE: json_double(json, value.d); break;
    case VALUE_TEXT:
        if (value.text != NULL) {
            json_string_n(json, value.text->bytes, value.text->size);
            break;
        }
        json_null(json);
        break;
    default: json_null(json);
    }
}

void shape_time(struct json_writer *json, const char *key, int64_t time_us)
{
    if (time_us > 0) {
        json_put_time(json, key, time_us);
    } else {
        json_put_null(json, key);
    }
}

static void put_place(struct json_writer *json, const struct device *dev, size_t file,
                      uint32_t line)
{
    char place[512] = "";
    if (file < dev->file_count) {
        str_format(place, sizeof(place), "%s:%u", dev->files[file], line);
    }
    json_put_string(json, "config", place);
}

static const char *link_error(const struct device_stats *stats)
{
    if (stats->detail[0] != '\0') {
        return stats->detail;
    }
    return stats->error != 0 ? err_text(stats->error) : "";
}

static double ms(int64_t us)
{
    return round((double)us / 100) / 10;
}

void shape_device(struct shape *shape, struct json_writer *json, const struct device *dev)
{
    const struct device_stats *stats = shape_stats(shape, dev);
    buf_clear(&shape->text);
    if (dev->host != NULL && shape->ops != NULL && shape->ops->link != NULL) {
        shape->ops->link(dev, &shape->text);
    }
    json_put_string(json, "name", dev->name);
    json_put_string(json, "title", dev->title);
    json_put_string(json, "place", dev->place);
    json_put_string(json, "protocol", dev->protocol);
    json_put_string(json, "profile", dev->profile);
    json_put_string(json, "address", buf_text(&shape->text));
    json_put_string(json, "link", link_state_word(stats->link));
    json_put_string(json, "error", stats->link == LINK_UP ? "" : link_error(stats));
    shape_time(json, "since", stats->since_us);
    shape_time(json, "last_answer", stats->last_answer_us);
    json_put_bool(json, "speaks_first", stats->speaks_first);
    shape_time(json, "next_try", stats->next_try_us);
    json_put_double(json, "poll_ms", ms(stats->poll_us));
    json_put_double(json, "lag_ms", ms(stats->lag_us));
    json_put_u64(json, "errors_hour", stats->reads_failed_hour);
    json_put_u64(json, "polls", stats->polls);
    json_put_u64(json, "answers", stats->answers);
    json_put_u64(json, "timeouts", stats->timeouts);
    json_put_u64(json, "refusals", stats->refusals);
    json_put_u64(json, "bad_frames", stats->bad_frames);
    json_put_u64(json, "retries", stats->retries);
    json_put_u64(json, "lag_polls", stats->lag_polls);
    json_put_object(json, "points");
    json_put_u64(json, "good", stats->points_good);
    json_put_u64(json, "bad", stats->points_bad);
    json_put_u64(json, "total", dev->point_count);
    json_end_object(json);
    json_put_bool(json, "browsable", shape->ops != NULL && shape->ops->browse != NULL);
    put_place(json, dev, 0, dev->line);
}

/* What is behind a quality: the protocol's own words, else those of the link. A good value may have some, too. */
static const char *detail_of(struct shape *shape, const struct point *pt)
{
    const struct sample *last = &pt->last;
    const struct driver_ops *ops = shape_ops(shape, pt->device);
    const char *text = last->detail != 0 && ops != NULL && ops->explain != NULL
                           ? ops->explain(last->detail)
                           : NULL;
    if (text == NULL &&
        (last->quality == QUALITY_NO_ANSWER || last->quality == QUALITY_LINK_DOWN)) {
        text = link_error(shape_stats(shape, pt->device));
    }
    return text != NULL ? text : "";
}

static void put_path(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    buf_clear(&shape->text);
    point_path(pt, &shape->text);
    json_put_string(json, "path", buf_text(&shape->text));
}

static void put_exact(struct json_writer *json, uint8_t type, union value value)
{
    if (type == VALUE_INT && (value.i > EXACT_MAX || value.i < -EXACT_MAX)) {
        char text[32];
        str_format(text, sizeof(text), "%lld", (long long)value.i);
        json_put_string(json, "exact", text);
    }
}

static void put_last_good(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    const struct sample *last = &pt->last;
    if (quality_class(last->quality) != QUALITY_CLASS_BAD || last->type == VALUE_NONE) {
        json_put_null(json, "last_good");
        return;
    }
    json_put_object(json, "last_good");
    json_key(json, "value");
    shape_value(json, last->type, last->value);
    json_put_string(json, "text", shape_text(shape, pt->cls, last->type, last->value));
    shape_time(json, "time", last->time_us);
    json_end_object(json);
}

static void put_now(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    const struct sample *last = &pt->last;
    bool known = quality_class(last->quality) != QUALITY_CLASS_BAD;
    uint8_t type = known ? last->type : VALUE_NONE;
    int64_t time_us = known ? last->time_us : last->receive_us;
    json_key(json, "value");
    shape_value(json, type, last->value);
    put_exact(json, type, last->value);
    json_put_string(json, "text", shape_text(shape, pt->cls, type, last->value));
    json_put_string(json, "quality", quality_class_word(last->quality));
    json_put_string(json, "reason", quality_reason(last->quality));
    shape_time(json, "time", time_us);
    /* The age of the value that is shown, of the last known one for a bad point. */
    if (last->time_us > 0 && last->type != VALUE_NONE) {
        json_put_double(json, "age_s", round((double)(shape->now_us - last->time_us) / 1e3) / 1e3);
    } else {
        json_put_null(json, "age_s");
    }
}

void shape_live_point(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    put_path(shape, json, pt);
    put_now(shape, json, pt);
}

void shape_point(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    put_path(shape, json, pt);
    json_put_string(json, "title", pt->title);
    put_now(shape, json, pt);
    json_put_string(json, "type", value_type_word(pt->value_type));
    json_put_string(json, "units", pt->cls->units);
    json_put_string(json, "detail", detail_of(shape, pt));
    shape_time(json, "received", pt->last.receive_us);
    shape_time(json, "since", pt->since_us);
    put_last_good(shape, json, pt);
    json_put_bool(json, "writable", pt->writable);
    json_put_string(json, "device", pt->device->name);
    json_put_string(json, "source", shape_source(shape, pt));
    put_place(json, pt->device, pt->file, pt->line);
}

void shape_refused(struct json_writer *json, const char *key,
                   const uint64_t counts[BUS_REFUSAL_COUNT])
{
    json_put_array(json, key);
    for (unsigned i = 0; i < BUS_REFUSAL_COUNT; i++) {
        if (counts[i] > 0) {
            json_begin_object(json);
            json_put_string(json, "reason", bus_refusal_text((enum bus_refusal)i));
            json_put_u64(json, "count", counts[i]);
            json_end_object(json);
        }
    }
    json_end_array(json);
}
