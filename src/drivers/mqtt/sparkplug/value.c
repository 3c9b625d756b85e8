/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/sparkplug/value.h"

#include <string.h>

#include "base/base64.h"
#include "base/str.h"

static const char not_of_type[] = "the value is not of its data type";
static const char too_long[] = "the value is too long";

static const char *const words[SPARKPLUG_DATATYPES] = {
    "unknown",       "Int8",
    "Int16",         "Int32",
    "Int64",         "UInt8",
    "UInt16",        "UInt32",
    "UInt64",        "Float",
    "Double",        "Boolean",
    "String",        "DateTime",
    "Text",          "UUID",
    "DataSet",       "Bytes",
    "File",          "Template",
    "PropertySet",   "PropertySetList",
    "Int8Array",     "Int16Array",
    "Int32Array",    "Int64Array",
    "UInt8Array",    "UInt16Array",
    "UInt32Array",   "UInt64Array",
    "FloatArray",    "DoubleArray",
    "BooleanArray",  "StringArray",
    "DateTimeArray",
};

const char *sparkplug_datatype_word(uint32_t datatype)
{
    return words[datatype < SPARKPLUG_DATATYPES ? datatype : SPARKPLUG_UNKNOWN];
}

enum sparkplug_datatype sparkplug_datatype_find(const char *word)
{
    for (int i = 1; i < SPARKPLUG_DATATYPES; i++) {
        if (strcmp(words[i], word) == 0) {
            return (enum sparkplug_datatype)i;
        }
    }
    return SPARKPLUG_UNKNOWN;
}

/* ---- plain values ---- */

static void refuse(struct sparkplug_metric *metric, const char *why)
{
    metric->kind = SPARKPLUG_NONE;
    metric->why = why;
}

static void set_int(struct sparkplug_metric *metric, int64_t value)
{
    metric->kind = SPARKPLUG_IS_INT;
    metric->value.i = value;
}

static void set_natural(struct sparkplug_metric *metric, uint64_t value)
{
    if (value <= INT64_MAX) {
        set_int(metric, (int64_t)value);
    } else {
        metric->kind = SPARKPLUG_IS_DOUBLE;
        metric->value.d = (double)value;
    }
}

/* Whole numbers are in the 32 or the 64 bit field whatever their size; negative ones as two's complement of either. */
static void settle_whole(struct sparkplug_metric *metric, uint32_t datatype)
{
    if (metric->field != FIELD_INT && metric->field != FIELD_LONG) {
        refuse(metric, not_of_type);
        return;
    }
    uint64_t bits = metric->bits;
    switch (datatype) {
    case SPARKPLUG_INT8: set_int(metric, (int8_t)bits); break;
    case SPARKPLUG_INT16: set_int(metric, (int16_t)bits); break;
    case SPARKPLUG_INT32: set_int(metric, (int32_t)bits); break;
    case SPARKPLUG_INT64:
        set_int(metric, metric->field == FIELD_INT ? (int64_t)(int32_t)bits : (int64_t)bits);
        break;
    case SPARKPLUG_UINT8: set_int(metric, (uint8_t)bits); break;
    case SPARKPLUG_UINT16: set_int(metric, (uint16_t)bits); break;
    case SPARKPLUG_UINT32: set_int(metric, (uint32_t)bits); break;
    default: set_natural(metric, bits); break;
    }
}

static void settle_real(struct sparkplug_metric *metric)
{
    metric->kind = SPARKPLUG_IS_DOUBLE;
    if (metric->field == FIELD_FLOAT) {
        metric->value.d = payload_wire_float(metric->bits);
    } else if (metric->field == FIELD_DOUBLE) {
        metric->value.d = payload_wire_double(metric->bits);
    } else {
        refuse(metric, not_of_type);
    }
}

static void settle_bool(struct sparkplug_metric *metric)
{
    metric->kind = SPARKPLUG_IS_BOOL;
    metric->value.b = metric->bits != 0;
    if (metric->field != FIELD_BOOLEAN && metric->field != FIELD_INT &&
        metric->field != FIELD_LONG) {
        refuse(metric, not_of_type);
    }
}

static void settle_text(struct sparkplug_metric *metric)
{
    const char *text = (const char *)metric->raw.at;
    size_t size = bytes_left(&metric->raw);
    if (metric->field != FIELD_STRING) {
        refuse(metric, not_of_type);
    } else if (size > UINT32_MAX || !str_is_utf8(text, size)) {
        refuse(metric, "the text is not UTF-8");
    } else {
        metric->kind = SPARKPLUG_IS_TEXT;
        metric->value.text = text;
        metric->size = (uint32_t)size;
    }
}

/* The data type is not told: by the field that is there. */
static uint32_t guess(const struct sparkplug_metric *metric)
{
    static const uint8_t types[] = { SPARKPLUG_UINT32, SPARKPLUG_INT64,   SPARKPLUG_FLOAT,
                                     SPARKPLUG_DOUBLE, SPARKPLUG_BOOLEAN, SPARKPLUG_STRING,
                                     SPARKPLUG_BYTES,  SPARKPLUG_DATASET, SPARKPLUG_TEMPLATE };
    bool known = metric->field >= FIELD_INT && metric->field <= FIELD_TEMPLATE;
    return known ? types[metric->field - FIELD_INT] : SPARKPLUG_UNKNOWN;
}

void sparkplug_value_plain(struct sparkplug_metric *metric)
{
    metric->kind = SPARKPLUG_NONE;
    metric->why = NULL;
    metric->size = 0;
    if (metric->null || metric->field == 0) {
        metric->null = true;
        return;
    }
    uint32_t datatype = metric->datatype != 0 ? metric->datatype : guess(metric);
    switch (datatype) {
    case SPARKPLUG_INT8:
    case SPARKPLUG_INT16:
    case SPARKPLUG_INT32:
    case SPARKPLUG_INT64:
    case SPARKPLUG_UINT8:
    case SPARKPLUG_UINT16:
    case SPARKPLUG_UINT32:
    case SPARKPLUG_UINT64:
    case SPARKPLUG_DATETIME: settle_whole(metric, datatype); break;
    case SPARKPLUG_FLOAT:
    case SPARKPLUG_DOUBLE: settle_real(metric); break;
    case SPARKPLUG_BOOLEAN: settle_bool(metric); break;
    case SPARKPLUG_STRING:
    case SPARKPLUG_TEXT:
    case SPARKPLUG_UUID: settle_text(metric); break;
    default: refuse(metric, "values of this data type cannot be stored"); break;
    }
}

/* ---- what becomes a text ---- */

static void set_text(struct sparkplug_reader *reader, struct sparkplug_metric *metric,
                     const void *text, size_t size)
{
    char *room = payload_tree_room(reader->memory, size);
    if (room == NULL) {
        refuse(metric, "out of memory");
        return;
    }
    if (size > 0) {
        memcpy(room, text, size);
    }
    metric->kind = SPARKPLUG_IS_TEXT;
    metric->value.text = room;
    metric->size = (uint32_t)size;
}

static void settle_time(struct sparkplug_reader *reader, struct sparkplug_metric *metric)
{
    const int64_t year_10000_ms = INT64_C(253402300800000);
    char text[STR_TIME_MAX];
    settle_whole(metric, SPARKPLUG_INT64);
    if (metric->kind != SPARKPLUG_IS_INT) {
        return;
    }
    int64_t ms = metric->field == FIELD_INT ? (int64_t)(uint32_t)metric->bits : metric->value.i;
    if (ms < -INT64_C(62167219200000) || ms >= year_10000_ms) {
        refuse(metric, "a time that is none");
        return;
    }
    set_text(reader, metric, text, str_format_time(text, sizeof(text), ms * 1000, 0, true));
}

static void settle_bytes(struct sparkplug_reader *reader, struct sparkplug_metric *metric)
{
    if (metric->field != FIELD_BYTES) {
        refuse(metric, not_of_type);
        return;
    }
    buf_clear(&reader->base64);
    if (base64_encode(&reader->base64, metric->raw.at, bytes_left(&metric->raw)) != 0) {
        refuse(metric, too_long);
        return;
    }
    set_text(reader, metric, reader->base64.data, reader->base64.size);
}

static void settle_json(struct sparkplug_reader *reader, struct sparkplug_metric *metric)
{
    const char *why = not_of_type;
    buf_clear(&reader->json);
    struct json_writer json = json_writer(&reader->json);
    if (!sparkplug_value_json(reader, &json, metric, 0, &why)) {
        refuse(metric, why);
    } else if (!json_complete(&json)) {
        refuse(metric, too_long);
    } else {
        set_text(reader, metric, reader->json.data, reader->json.size);
    }
}

void sparkplug_metric_settle(struct sparkplug_reader *reader, struct sparkplug_metric *metric)
{
    uint32_t datatype = metric->datatype != 0 ? metric->datatype : guess(metric);
    sparkplug_value_plain(metric);
    if (metric->null || metric->kind != SPARKPLUG_NONE) {
        if (!metric->null && datatype == SPARKPLUG_DATETIME) {
            settle_time(reader, metric);
        }
        return;
    }
    bool array = datatype >= SPARKPLUG_INT8_ARRAY && datatype <= SPARKPLUG_DATETIME_ARRAY;
    if (datatype == SPARKPLUG_BYTES || datatype == SPARKPLUG_FILE) {
        metric->why = NULL;
        settle_bytes(reader, metric);
    } else if (array || datatype == SPARKPLUG_DATASET || datatype == SPARKPLUG_TEMPLATE) {
        metric->why = NULL;
        settle_json(reader, metric);
    }
}
