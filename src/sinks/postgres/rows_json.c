/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/postgres/rows_json.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "model/event.h"

/* Years in which an event can have happened: 1700 to 2200. */
#define EVENT_FIRST_US (INT64_C(-8520336000) * CLOCK_US_PER_S)
#define EVENT_LAST_US  (INT64_C(7258118400) * CLOCK_US_PER_S)

enum { CLEAN_MAX = 3 * (EVENT_TEXT_MAX + LABEL_VALUE_BYTES_MAX) };

static void put_text(struct json_writer *json, const char *text, size_t size)
{
    struct buf clean;
    const char *nul;
    if (memchr(text, '\0', size) == NULL) {
        json_string_n(json, text, size);
        return;
    }
    buf_init(&clean, CLEAN_MAX);
    while ((nul = memchr(text, '\0', size)) != NULL) {
        size_t before = (size_t)(nul - text);
        (void)buf_append(&clean, text, before);
        (void)buf_append_text(&clean, "\xef\xbf\xbd");
        text += before + 1;
        size -= before + 1;
    }
    (void)buf_append(&clean, text, size);
    json_string_n(json, buf_text(&clean), clean.size);
    buf_fini(&clean);
}

/* ---- points ---- */

static void put_labels(struct json_writer *json, const struct sink_series *series)
{
    char name[LABEL_NAME_BYTES_MAX + 1];
    json_put_object(json, "labels");
    for (size_t i = 0; i < series->label_count; i++) {
        const struct label *label = &series->labels[i];
        size_t size = label->name_size < LABEL_NAME_BYTES_MAX ? label->name_size
                                                              : LABEL_NAME_BYTES_MAX;
        memcpy(name, label->name, size);
        name[size] = '\0';
        json_key(json, name);
        put_text(json, label->value, label->value_size);
    }
    json_end_object(json);
}

static void put_series(struct json_writer *json, const struct sink_series *series)
{
    json_begin_object(json);
    json_put_u64(json, "point", series->id);
    json_put_string(json, "path", series->path);
    json_put_string(json, "device", series->device);
    json_put_string(json, "name", series->point);
    json_put_string(json, "title", series->title);
    json_put_string(json, "units", series->units);
    json_put_string(json, "type",
                    series->value_type != VALUE_NONE ? value_type_word(series->value_type) : "");
    json_put_string(json, "protocol", series->protocol);
    json_put_string(json, "place", series->place);
    json_put_string(json, "profile", series->profile);
    json_put_bool(json, "writable", series->writable);
    json_put_bool(json, "counter", series->counter);
    put_labels(json, series);
    json_key(json, "enums");
    if (series->enums[0] != '\0') {
        json_raw(json, series->enums, strlen(series->enums));
    } else {
        json_null(json);
    }
    json_end_object(json);
}

void pg_put_series(const struct sink_series *series, size_t count, struct buf *out)
{
    struct json_writer json = json_writer(out);
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        put_series(&json, &series[i]);
    }
    json_end_array(&json);
}

/* ---- events ---- */

static void put_argument(struct json_writer *json, const struct event_argument *argument)
{
    json_key(json, argument->name);
    switch (argument->type) {
    case VALUE_BOOL: json_bool(json, argument->value.b); break;
    case VALUE_INT: json_i64(json, argument->value.i); break;
    case VALUE_TEXT: put_text(json, argument->value.text->bytes, argument->value.text->size); break;
    case VALUE_DOUBLE:
        if (isfinite(argument->value.d)) {
            json_double(json, argument->value.d);
        } else {
            json_string(json, isnan(argument->value.d) ? "NaN"
                              : argument->value.d > 0  ? "Infinity"
                                                       : "-Infinity");
        }
        break;
    default: json_null(json); break;
    }
}

static void put_event(struct json_writer *json, const struct event *event, uint64_t uid)
{
    json_begin_object(json);
    json_put_i64(json, "time", event->time_us);
    json_put_i64(json, "received", event->receive_us);
    json_put_i64(json, "uid", (int64_t)uid);
    json_put_i64(json, "severity", event->severity);
    json_put_bool(json, "ack", event->ack_wanted);
    json_put_string(json, "source", event->source);
    json_put_string(json, "kind", event->kind);
    json_put_string(json, "text", event->text);
    json_put_string(json, "key", event->key);
    if (event->argument_count > 0) {
        json_put_object(json, "arguments");
        for (size_t i = 0; i < event->argument_count; i++) {
            put_argument(json, &event->arguments[i]);
        }
        json_end_object(json);
    } else {
        json_put_null(json, "arguments");
    }
    json_end_object(json);
}

static bool time_fits(int64_t time_us)
{
    return time_us >= EVENT_FIRST_US && time_us < EVENT_LAST_US;
}

int pg_put_events(const struct bytes *events, size_t count, size_t *bad, struct buf *out,
                  struct err *err)
{
    struct json_writer json = json_writer(out);
    int error = 0;
    json_begin_array(&json);
    for (size_t i = 0; i < count && error == 0; i++) {
        struct event_decoded decoded;
        struct bytes in = events[i];
        uint64_t uid = hash_bytes(in.start, (size_t)(in.end - in.start));
        *bad = i;
        error = event_decode(&in, &decoded);
        if (error == BUSBAR_EDAMAGED) {
            return err_set(err, BUSBAR_EREFUSED, "the event cannot be read: its bytes are damaged");
        }
        if (error != 0) {
            return error;
        }
        if (!time_fits(decoded.event.time_us) || !time_fits(decoded.event.receive_us)) {
            err_set(err, BUSBAR_EREFUSED, "its time is not in the years 1700 to 2199");
            error = err_hint(err, "set the clock of the device");
        } else {
            put_event(&json, &decoded.event, uid);
        }
        event_decoded_fini(&decoded);
    }
    json_end_array(&json);
    return error;
}
