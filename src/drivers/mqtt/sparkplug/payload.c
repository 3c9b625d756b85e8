/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/sparkplug/payload.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/mqtt/sparkplug/value.h"

enum { METRICS_FIRST = 32, METRICS_KEPT = 4096, PROPERTIES_MAX = 64 };

struct sparkplug_reader *sparkplug_reader_new(void)
{
    struct sparkplug_reader *reader = busbar_alloc(sizeof(*reader));
    reader->memory = payload_tree_new();
    buf_init(&reader->json, SPARKPLUG_TEXT_MAX);
    buf_init(&reader->base64, SPARKPLUG_TEXT_MAX);
    return reader;
}

void sparkplug_reader_free(struct sparkplug_reader *reader)
{
    if (reader != NULL) {
        payload_tree_free(reader->memory);
        buf_fini(&reader->json);
        buf_fini(&reader->base64);
        busbar_free(reader->metrics);
        busbar_free(reader);
    }
}

static int64_t to_us(uint64_t ms)
{
    const uint64_t year_10000_ms = UINT64_C(253402300800000);
    return ms < year_10000_ms ? (int64_t)ms * 1000 : 0;
}

/* ---- properties ---- */

static bool is_word(struct bytes text, const char *word)
{
    return bytes_left(&text) == strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

static void take_property(struct sparkplug_metric *metric, struct bytes key, struct bytes value)
{
    struct payload_wire field;
    struct bytes text = { 0 };
    bool has_number = false;
    uint64_t number = 0;
    bool null = false;
    while (payload_wire_next(&value, &field) == 1) {
        if (field.number == 2 && field.kind == WIRE_VARINT) {
            null = field.value != 0;
        } else if ((field.number == 3 || field.number == 4) && field.kind == WIRE_VARINT) {
            number = field.value;
            has_number = true;
        } else if (field.number == 8 && field.kind == WIRE_BYTES &&
                   str_is_utf8((const char *)field.data.at, bytes_left(&field.data))) {
            text = field.data;
        }
    }
    if (null) {
        return;
    }
    if (has_number && is_word(key, "Quality")) {
        metric->has_quality = true;
        metric->quality = (uint32_t)number;
    } else if (bytes_left(&text) > 0 &&
               (is_word(key, "engUnit") || is_word(key, "units") || is_word(key, "unit"))) {
        metric->units = (const char *)text.at;
        metric->units_size = (uint32_t)bytes_left(&text);
    } else if (bytes_left(&text) > 0 && is_word(key, "Documentation")) {
        metric->about = (const char *)text.at;
        metric->about_size = (uint32_t)bytes_left(&text);
    }
}

/* PropertySet: keys (1) and values (2), the n-th of both belong together. */
static int read_properties(struct bytes in, struct sparkplug_metric *metric)
{
    struct bytes keys[PROPERTIES_MAX];
    struct bytes values[PROPERTIES_MAX];
    size_t key_count = 0;
    size_t value_count = 0;
    struct payload_wire field;
    int more;
    while ((more = payload_wire_next(&in, &field)) == 1) {
        if (field.number == 1 && field.kind == WIRE_BYTES && key_count < PROPERTIES_MAX) {
            keys[key_count++] = field.data;
        } else if (field.number == 2 && field.kind == WIRE_BYTES && value_count < PROPERTIES_MAX) {
            values[value_count++] = field.data;
        }
    }
    for (size_t i = 0; more == 0 && i < key_count && i < value_count; i++) {
        take_property(metric, keys[i], values[i]);
    }
    return more;
}

/* MetaData: the description (8). */
static int read_metadata(struct bytes in, struct sparkplug_metric *metric)
{
    struct payload_wire field;
    int more;
    while ((more = payload_wire_next(&in, &field)) == 1) {
        if (field.number == 8 && field.kind == WIRE_BYTES && bytes_left(&field.data) > 0 &&
            str_is_utf8((const char *)field.data.at, bytes_left(&field.data))) {
            metric->about = (const char *)field.data.at;
            metric->about_size = (uint32_t)bytes_left(&field.data);
        }
    }
    return more;
}

/* ---- metrics ---- */

/* The kind on the wire that each field of a metric has; 0xff: such a field is not looked at. */
static uint8_t kind_of(uint32_t number)
{
    static const uint8_t kinds[] = {
        0xff,        WIRE_BYTES, WIRE_VARINT, WIRE_VARINT, WIRE_VARINT, WIRE_VARINT,  WIRE_VARINT,
        WIRE_VARINT, WIRE_BYTES, WIRE_BYTES,  WIRE_VARINT, WIRE_VARINT, WIRE_FIXED32, WIRE_FIXED64,
        WIRE_VARINT, WIRE_BYTES, WIRE_BYTES,  WIRE_BYTES,  WIRE_BYTES,  WIRE_BYTES,
    };
    return number < sizeof(kinds) ? kinds[number] : 0xff;
}

static int take_field(struct sparkplug_metric *metric, const struct payload_wire *field)
{
    size_t size = bytes_left(&field->data);
    switch (field->number) {
    case 1:
        if (size > SPARKPLUG_NAME_MAX || !str_is_utf8((const char *)field->data.at, size) ||
            memchr(field->data.at, '\0', size) != NULL) {
            return BUSBAR_EPROTO;
        }
        metric->name = (const char *)field->data.at;
        metric->name_size = (uint32_t)size;
        return 0;
    case 2:
        metric->has_alias = true;
        metric->alias = field->value;
        return 0;
    case 3: metric->time_us = to_us(field->value); return 0;
    case 4: metric->datatype = (uint32_t)field->value; return 0;
    case 5: metric->historical = field->value != 0; return 0;
    case 6: metric->transient = field->value != 0; return 0;
    case 7: metric->null = field->value != 0; return 0;
    case 8: return read_metadata(field->data, metric);
    case 9: return read_properties(field->data, metric);
    default:
        metric->field = field->number;
        metric->bits = field->value;
        metric->raw = field->data;
        return 0;
    }
}

int sparkplug_metric_read(struct bytes in, struct sparkplug_metric *out)
{
    struct payload_wire field = { 0 };
    int more;
    *out = (struct sparkplug_metric){ .quality = SPARKPLUG_GOOD };
    while ((more = payload_wire_next(&in, &field)) == 1) {
        uint8_t kind = kind_of(field.number);
        if (kind == 0xff) {
            continue;
        }
        if (kind != field.kind || take_field(out, &field) < 0) {
            return BUSBAR_EPROTO;
        }
    }
    return more;
}

/* ---- payloads ---- */

static int grow(struct sparkplug_reader *reader, struct err *err)
{
    if (reader->capacity >= SPARKPLUG_METRICS_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "more than %d metrics in one message",
                       SPARKPLUG_METRICS_MAX);
    }
    size_t capacity = reader->capacity < METRICS_FIRST ? METRICS_FIRST : 2 * reader->capacity;
    capacity = capacity > SPARKPLUG_METRICS_MAX ? SPARKPLUG_METRICS_MAX : capacity;
    void *metrics = busbar_try_realloc(reader->metrics, capacity * sizeof(*reader->metrics));
    if (metrics == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
    }
    reader->metrics = metrics;
    reader->capacity = capacity;
    return 0;
}

static int broken(struct err *err, size_t offset)
{
    err_set(err, BUSBAR_EPROTO, "byte %zu: this is no payload of Sparkplug B", offset);
    return err_hint(err, "does another program publish on this topic?");
}

static int read_metric(struct sparkplug_reader *reader, struct bytes in, size_t count,
                       size_t offset, struct err *err)
{
    int error = count == reader->capacity ? grow(reader, err) : 0;
    if (error != 0) {
        return error;
    }
    return sparkplug_metric_read(in, &reader->metrics[count]) == 0 ? 0 : broken(err, offset);
}

int sparkplug_payload_read(struct sparkplug_reader *reader, struct bytes in,
                           struct sparkplug_payload *out, struct err *err)
{
    struct payload_wire field;
    int error = 0;
    int more = 0;
    *out = (struct sparkplug_payload){ 0 };
    payload_tree_begin(reader->memory);
    if (reader->capacity > METRICS_KEPT) { /* an unusually big one came before */
        busbar_free(reader->metrics);
        reader->metrics = NULL;
        reader->capacity = 0;
    }
    size_t offset = 0;
    while (error == 0 && (more = payload_wire_next(&in, &field)) == 1) {
        if (field.number == 2 && field.kind == WIRE_BYTES) {
            error = read_metric(reader, field.data, out->count++, offset, err);
        } else if (field.number == 1 && field.kind == WIRE_VARINT) {
            out->time_us = to_us(field.value);
        } else if (field.number == 3 && field.kind == WIRE_VARINT) {
            out->has_seq = true;
            out->seq = (uint8_t)field.value;
        } else if (field.number >= 1 && field.number <= 3) {
            error = broken(err, offset);
        }
        offset = bytes_offset(&in);
    }
    if (error == 0 && more < 0) {
        error = broken(err, offset);
    }
    if (error != 0) {
        *out = (struct sparkplug_payload){ 0 };
        return error;
    }
    out->metrics = reader->metrics;
    for (size_t i = 0; i < out->count; i++) {
        struct sparkplug_metric *metric = &reader->metrics[i];
        metric->time_us = metric->time_us != 0 ? metric->time_us : out->time_us;
        sparkplug_metric_settle(reader, metric);
    }
    return 0;
}
