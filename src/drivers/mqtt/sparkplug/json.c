/* SPDX-License-Identifier: Apache-2.0 */
/* Values with parts, as JSON text:
 *
 *   DataSet    {"columns":["a","b"],"rows":[[1,"x"],[2,"y"]]}
 *              1 number of columns  2 columns  3 types  4 rows (1 elements: 1 int 2 long 3 float 4 double 5 boolean 6 string)
 *   Template   {"ref":"Motor","parameters":{"rating":5},"metrics":{"speed":1480,"on":true}}
 *              1 version  2 metrics  3 parameters (1 name, 2 type, 3-8 value)  4 template ref  5 is definition
 *   arrays     [1,2,3]  in bytes: little endian; booleans: a count of 4 bytes, then bits, the highest first; texts end with 0 */
#include <string.h>

#include "base/base64.h"
#include "base/str.h"
#include "drivers/mqtt/sparkplug/value.h"

enum { COLUMNS_MAX = 256 };

static const char broken[] = "the value is broken";

static bool fail(const char **why, const char *what)
{
    *why = what;
    return false;
}

static void put_name(struct json_writer *json, const char *name, size_t size)
{
    char text[SPARKPLUG_NAME_MAX + 1];
    (void)str_format(text, sizeof(text), "%.*s", (int)size, name);
    json_key(json, text);
}

static void put_plain(struct json_writer *json, const struct sparkplug_metric *metric)
{
    switch (metric->kind) {
    case SPARKPLUG_IS_BOOL: json_bool(json, metric->value.b); break;
    case SPARKPLUG_IS_INT: json_i64(json, metric->value.i); break;
    case SPARKPLUG_IS_DOUBLE: json_double(json, metric->value.d); break;
    case SPARKPLUG_IS_TEXT: json_string_n(json, metric->value.text, metric->size); break;
    default: json_null(json); break;
    }
}

/* ---- arrays ---- */

static size_t width_of(uint32_t datatype)
{
    switch (datatype) {
    case SPARKPLUG_INT8_ARRAY:
    case SPARKPLUG_UINT8_ARRAY: return 1;
    case SPARKPLUG_INT16_ARRAY:
    case SPARKPLUG_UINT16_ARRAY: return 2;
    case SPARKPLUG_INT32_ARRAY:
    case SPARKPLUG_UINT32_ARRAY:
    case SPARKPLUG_FLOAT_ARRAY: return 4;
    default: return 8;
    }
}

static void put_element(struct json_writer *json, uint32_t datatype, uint64_t bits)
{
    switch (datatype) {
    case SPARKPLUG_INT8_ARRAY: json_i64(json, (int8_t)bits); break;
    case SPARKPLUG_INT16_ARRAY: json_i64(json, (int16_t)bits); break;
    case SPARKPLUG_INT32_ARRAY: json_i64(json, (int32_t)bits); break;
    case SPARKPLUG_UINT8_ARRAY:
    case SPARKPLUG_UINT16_ARRAY:
    case SPARKPLUG_UINT32_ARRAY:
    case SPARKPLUG_UINT64_ARRAY: json_u64(json, bits); break;
    case SPARKPLUG_FLOAT_ARRAY: json_double(json, payload_wire_float(bits)); break;
    case SPARKPLUG_DOUBLE_ARRAY: json_double(json, payload_wire_double(bits)); break;
    default: json_i64(json, (int64_t)bits); break; /* Int64, DateTime */
    }
}

static bool put_booleans(struct json_writer *json, struct bytes in, const char **why)
{
    uint32_t count = bytes_get_u32le(&in);
    if (bytes_short(&in) || bytes_left(&in) != ((size_t)count + 7) / 8) {
        return fail(why, broken);
    }
    for (uint32_t i = 0; i < count; i++) {
        json_bool(json, (in.at[i / 8] >> (7 - i % 8) & 1) != 0);
    }
    return true;
}

static bool put_texts(struct json_writer *json, struct bytes in, const char **why)
{
    while (bytes_left(&in) > 0) {
        const uint8_t *end = memchr(in.at, '\0', bytes_left(&in));
        size_t size = end != NULL ? (size_t)(end - in.at) : 0;
        if (end == NULL || !str_is_utf8((const char *)in.at, size)) {
            return fail(why, broken);
        }
        json_string_n(json, (const char *)in.at, size);
        bytes_skip(&in, size + 1);
    }
    return true;
}

static bool put_array(struct json_writer *json, const struct sparkplug_metric *metric,
                      const char **why)
{
    struct bytes in = metric->raw;
    size_t width = width_of(metric->datatype);
    bool fine = true;
    json_begin_array(json);
    if (metric->datatype == SPARKPLUG_BOOLEAN_ARRAY) {
        fine = put_booleans(json, in, why);
    } else if (metric->datatype == SPARKPLUG_STRING_ARRAY) {
        fine = put_texts(json, in, why);
    } else if (bytes_left(&in) % width != 0) {
        fine = fail(why, broken);
    } else {
        while (bytes_left(&in) > 0) {
            uint64_t bits = 0;
            for (size_t i = 0; i < width; i++) {
                bits |= (uint64_t)bytes_get_u8(&in) << (8 * i);
            }
            put_element(json, metric->datatype, bits);
        }
    }
    json_end_array(json);
    return fine;
}

/* ---- data sets ---- */

struct table {
    size_t columns, types;
    uint32_t type[COLUMNS_MAX];
};

static bool add_types(struct table *table, struct bytes in)
{
    while (bytes_left(&in) > 0 && !bytes_short(&in)) {
        if (table->types == COLUMNS_MAX) {
            return false;
        }
        table->type[table->types++] = (uint32_t)bytes_get_varint(&in);
    }
    return !bytes_short(&in);
}

static bool read_columns(struct json_writer *json, struct bytes in, struct table *table)
{
    struct payload_wire field;
    int more;
    json_put_array(json, "columns");
    while ((more = payload_wire_next(&in, &field)) == 1) {
        bool bytes = field.kind == WIRE_BYTES;
        if (field.number == 2 && bytes && table->columns < COLUMNS_MAX &&
            str_is_utf8((const char *)field.data.at, bytes_left(&field.data))) {
            json_string_n(json, (const char *)field.data.at, bytes_left(&field.data));
            table->columns++;
        } else if (field.number == 2) {
            more = -1;
            break;
        } else if (field.number == 3 && bytes && !add_types(table, field.data)) {
            more = -1;
            break;
        } else if (field.number == 3 && field.kind == WIRE_VARINT && table->types < COLUMNS_MAX) {
            table->type[table->types++] = (uint32_t)field.value;
        }
    }
    json_end_array(json);
    return more == 0 && table->columns == table->types;
}

/* Fields `first` to `first` + 5 hold int, long, float, double, boolean, string. */
static bool read_scalar(struct bytes in, uint32_t first, uint32_t datatype,
                        struct sparkplug_metric *value)
{
    struct payload_wire field;
    int more;
    *value = (struct sparkplug_metric){ .datatype = datatype };
    while ((more = payload_wire_next(&in, &field)) == 1) {
        if (field.number >= first && field.number < first + 6) {
            value->field = FIELD_INT + field.number - first;
            value->bits = field.kind == WIRE_BYTES ? 0 : field.value;
            value->raw = field.kind == WIRE_BYTES ? field.data : bytes_of("", 0);
            if ((value->field == FIELD_STRING) != (field.kind == WIRE_BYTES)) {
                return false;
            }
        }
    }
    sparkplug_value_plain(value);
    return more == 0 && value->why == NULL;
}

static bool put_row(struct json_writer *json, const struct table *table, struct bytes in)
{
    struct payload_wire field;
    struct sparkplug_metric value;
    size_t column = 0;
    bool fine = true;
    int more = 0;
    json_begin_array(json);
    while (fine && (more = payload_wire_next(&in, &field)) == 1) {
        if (field.number == 1) {
            fine = field.kind == WIRE_BYTES && column < table->columns &&
                   read_scalar(field.data, 1, table->type[column], &value);
            if (fine) {
                put_plain(json, &value);
                column++;
            }
        }
    }
    json_end_array(json);
    return fine && more == 0 && column == table->columns;
}

static bool put_dataset(struct json_writer *json, struct bytes in, const char **why)
{
    struct table table = { 0 };
    struct payload_wire field;
    json_begin_object(json);
    bool fine = read_columns(json, in, &table);
    json_put_array(json, "rows");
    while (fine && payload_wire_next(&in, &field) == 1) {
        if (field.number == 4) {
            fine = field.kind == WIRE_BYTES && put_row(json, &table, field.data);
        }
    }
    json_end_array(json);
    json_end_object(json);
    return fine || fail(why, broken);
}

/* ---- templates ---- */

static bool put_parameter(struct json_writer *json, struct bytes in)
{
    struct payload_wire field;
    struct bytes look = in;
    struct bytes name = bytes_of("", 0);
    uint32_t datatype = 0;
    struct sparkplug_metric value;
    while (payload_wire_next(&look, &field) == 1) {
        if (field.number == 1 && field.kind == WIRE_BYTES) {
            name = field.data;
        } else if (field.number == 2 && field.kind == WIRE_VARINT) {
            datatype = (uint32_t)field.value;
        }
    }
    if (!read_scalar(in, 3, datatype, &value)) {
        return false;
    }
    put_name(json, (const char *)name.at, bytes_left(&name));
    put_plain(json, &value);
    return true;
}

static bool put_metric(struct sparkplug_reader *reader, struct json_writer *json, struct bytes in,
                       unsigned depth, const char **why)
{
    struct sparkplug_metric metric;
    if (sparkplug_metric_read(in, &metric) != 0) {
        return fail(why, broken);
    }
    put_name(json, metric.name != NULL ? metric.name : "", metric.name_size);
    sparkplug_value_plain(&metric);
    if (metric.null || metric.kind != SPARKPLUG_NONE) {
        put_plain(json, &metric);
        return true;
    }
    if (metric.datatype == SPARKPLUG_BYTES || metric.datatype == SPARKPLUG_FILE) {
        buf_clear(&reader->base64);
        (void)base64_encode(&reader->base64, metric.raw.at,
                            metric.field == FIELD_BYTES ? bytes_left(&metric.raw) : 0);
        json_string_n(json, buf_text(&reader->base64), reader->base64.size);
        return true;
    }
    return sparkplug_value_json(reader, json, &metric, depth + 1, why);
}

/* The members of one number, as an object. */
static bool put_members(struct sparkplug_reader *reader, struct json_writer *json, struct bytes in,
                        uint32_t number, unsigned depth, const char **why)
{
    struct payload_wire field;
    bool fine = true;
    int more = 0;
    while (fine && (more = payload_wire_next(&in, &field)) == 1) {
        if (field.number == number) {
            fine = field.kind == WIRE_BYTES &&
                   (number == 2 ? put_metric(reader, json, field.data, depth, why)
                                : put_parameter(json, field.data));
        }
    }
    return fine && more == 0;
}

static bool put_template(struct sparkplug_reader *reader, struct json_writer *json, struct bytes in,
                         unsigned depth, const char **why)
{
    struct payload_wire field;
    struct bytes look = in;
    json_begin_object(json);
    while (payload_wire_next(&look, &field) == 1) {
        const char *key = field.number == 1 ? "version" : field.number == 4 ? "ref" : NULL;
        if (key != NULL && field.kind == WIRE_BYTES) {
            json_key(json, key);
            json_string_n(json, (const char *)field.data.at, bytes_left(&field.data));
        }
    }
    *why = broken;
    json_put_object(json, "parameters");
    bool fine = put_members(reader, json, in, 3, depth, why);
    json_end_object(json);
    json_put_object(json, "metrics");
    fine = fine && put_members(reader, json, in, 2, depth, why);
    json_end_object(json);
    json_end_object(json);
    return fine;
}

/* Nothing was written yet: null, so that what is around it stays whole. */
static bool none(struct json_writer *json, const char **why, const char *what)
{
    json_null(json);
    return fail(why, what);
}

bool sparkplug_value_json(struct sparkplug_reader *reader, struct json_writer *json,
                          const struct sparkplug_metric *metric, unsigned depth, const char **why)
{
    if (depth == SPARKPLUG_NESTED_MAX) {
        return none(json, why, "templates are nested too deep");
    }
    uint32_t datatype = metric->datatype;
    if (datatype == SPARKPLUG_DATASET || (datatype == 0 && metric->field == FIELD_DATASET)) {
        return metric->field == FIELD_DATASET ? put_dataset(json, metric->raw, why)
                                              : none(json, why, broken);
    }
    if (datatype == SPARKPLUG_TEMPLATE || (datatype == 0 && metric->field == FIELD_TEMPLATE)) {
        return metric->field == FIELD_TEMPLATE ? put_template(reader, json, metric->raw, depth, why)
                                               : none(json, why, broken);
    }
    if (datatype >= SPARKPLUG_INT8_ARRAY && datatype <= SPARKPLUG_DATETIME_ARRAY) {
        return metric->field == FIELD_BYTES ? put_array(json, metric, why)
                                            : none(json, why, broken);
    }
    return none(json, why, "values of this data type cannot be stored");
}
