/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads as they are sent: commands of the gateway, and all of a simulated edge node. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "drivers/mqtt/sparkplug/value.h"

enum { METRIC_BYTES_MAX = 1 << 20 };
#define WHOLE_NEAR 1e-9 /* relative */

/* ---- values by their data types ---- */

/* The value as a whole number. */
static int whole_of(const struct sparkplug_metric *metric, int64_t *whole)
{
    double number = metric->value.d;
    switch (metric->kind) {
    case SPARKPLUG_IS_INT: *whole = metric->value.i; return 0;
    case SPARKPLUG_IS_BOOL: *whole = metric->value.b ? 1 : 0; return 0;
    case SPARKPLUG_IS_DOUBLE:
        number = nearbyint(number); /* a scale leaves 56.999999999999993 of 57 */
        if (!(fabs(number - metric->value.d) <= WHOLE_NEAR * fmax(1, fabs(number))) ||
            number < -0x1p63 || number >= 0x1p63) {
            return BUSBAR_ERANGE;
        }
        *whole = (int64_t)number;
        return 0;
    default: return BUSBAR_EWRONGTYPE;
    }
}

static int real_of(const struct sparkplug_metric *metric, double *real)
{
    switch (metric->kind) {
    case SPARKPLUG_IS_INT: *real = (double)metric->value.i; return 0;
    case SPARKPLUG_IS_BOOL: *real = metric->value.b ? 1 : 0; return 0;
    case SPARKPLUG_IS_DOUBLE: *real = metric->value.d; return 0;
    default: return BUSBAR_EWRONGTYPE;
    }
}

static int put_whole(struct buf *out, const struct sparkplug_metric *metric)
{
    static const struct {
        int64_t least, most;
    } ranges[] = {
        [SPARKPLUG_INT8] = { INT8_MIN, INT8_MAX },    [SPARKPLUG_INT16] = { INT16_MIN, INT16_MAX },
        [SPARKPLUG_INT32] = { INT32_MIN, INT32_MAX }, [SPARKPLUG_INT64] = { INT64_MIN, INT64_MAX },
        [SPARKPLUG_UINT8] = { 0, UINT8_MAX },         [SPARKPLUG_UINT16] = { 0, UINT16_MAX },
        [SPARKPLUG_UINT32] = { 0, UINT32_MAX },       [SPARKPLUG_UINT64] = { 0, INT64_MAX },
        [SPARKPLUG_DATETIME] = { 0, INT64_MAX },
    };
    int64_t whole = 0;
    double number = metric->value.d;
    if (metric->datatype == SPARKPLUG_UINT64 && metric->kind == SPARKPLUG_IS_DOUBLE &&
        number >= 0x1p63 && number < 0x1p64) {
        payload_wire_put_varint(out, FIELD_LONG, (uint64_t)number);
        return 0;
    }
    int error = whole_of(metric, &whole);
    if (error != 0) {
        return error;
    }
    if (whole < ranges[metric->datatype].least || whole > ranges[metric->datatype].most) {
        return BUSBAR_ERANGE;
    }
    bool wide = metric->datatype == SPARKPLUG_INT64 || metric->datatype == SPARKPLUG_UINT64 ||
                metric->datatype == SPARKPLUG_DATETIME;
    payload_wire_put_varint(out, wide ? FIELD_LONG : FIELD_INT,
                            wide ? (uint64_t)whole : (uint32_t)whole);
    return 0;
}

static int put_real(struct buf *out, const struct sparkplug_metric *metric)
{
    double real = 0;
    int error = real_of(metric, &real);
    if (error != 0) {
        return error;
    }
    if (metric->datatype == SPARKPLUG_DOUBLE) {
        payload_wire_put_double(out, FIELD_DOUBLE, real);
        return 0;
    }
    if (isfinite(real) && fabs(real) > (double)FLT_MAX) {
        return BUSBAR_ERANGE;
    }
    payload_wire_put_float(out, FIELD_FLOAT, (float)real);
    return 0;
}

static uint32_t type_of(const struct sparkplug_metric *metric)
{
    static const uint8_t types[] = { [SPARKPLUG_IS_BOOL] = SPARKPLUG_BOOLEAN,
                                     [SPARKPLUG_IS_INT] = SPARKPLUG_INT64,
                                     [SPARKPLUG_IS_DOUBLE] = SPARKPLUG_DOUBLE,
                                     [SPARKPLUG_IS_TEXT] = SPARKPLUG_STRING };
    return metric->datatype != 0 ? metric->datatype : types[metric->kind];
}

static int put_value(struct buf *out, const struct sparkplug_metric *given)
{
    struct sparkplug_metric metric = *given;
    int64_t whole = 0;
    metric.datatype = type_of(given);
    switch (metric.datatype) {
    case SPARKPLUG_INT8:
    case SPARKPLUG_INT16:
    case SPARKPLUG_INT32:
    case SPARKPLUG_INT64:
    case SPARKPLUG_UINT8:
    case SPARKPLUG_UINT16:
    case SPARKPLUG_UINT32:
    case SPARKPLUG_UINT64:
    case SPARKPLUG_DATETIME: return put_whole(out, &metric);
    case SPARKPLUG_FLOAT:
    case SPARKPLUG_DOUBLE: return put_real(out, &metric);
    case SPARKPLUG_BOOLEAN:
        if (whole_of(&metric, &whole) != 0 || (whole != 0 && whole != 1)) {
            return BUSBAR_EWRONGTYPE;
        }
        payload_wire_put_varint(out, FIELD_BOOLEAN, (uint64_t)whole);
        return 0;
    case SPARKPLUG_STRING:
    case SPARKPLUG_TEXT:
    case SPARKPLUG_UUID:
    case SPARKPLUG_BYTES:
    case SPARKPLUG_FILE:
        if (metric.kind != SPARKPLUG_IS_TEXT) {
            return BUSBAR_EWRONGTYPE;
        }
        bool bytes = metric.datatype == SPARKPLUG_BYTES || metric.datatype == SPARKPLUG_FILE;
        payload_wire_put_bytes(out, bytes ? FIELD_BYTES : FIELD_STRING, metric.value.text,
                               metric.size);
        return 0;
    default: return BUSBAR_EUNSUPPORTED;
    }
}

int sparkplug_metric_check(const struct sparkplug_metric *metric, struct err *err)
{
    struct buf scratch;
    if (metric->kind == SPARKPLUG_NONE) {
        return err_set(err, BUSBAR_EWRONGTYPE, "there is no value");
    }
    buf_init(&scratch, METRIC_BYTES_MAX);
    int error = put_value(&scratch, metric);
    error = error == 0 && scratch.overflow ? BUSBAR_ELIMIT : error;
    buf_fini(&scratch);
    const char *word = sparkplug_datatype_word(metric->datatype);
    switch (error) {
    case 0: return 0;
    case BUSBAR_ERANGE: return err_set(err, error, "the value is not in the range of %s", word);
    case BUSBAR_EWRONGTYPE: return err_set(err, error, "the value is not of the type %s", word);
    case BUSBAR_ELIMIT: return err_set(err, error, "the value is too long");
    default: return err_set(err, error, "metrics of the type %s cannot be written", word);
    }
}

/* ---- metrics and payloads ---- */

static uint64_t to_ms(int64_t time_us)
{
    return time_us > 0 ? (uint64_t)time_us / 1000 : 0;
}

/* PropertySet: keys, then values; a value: 1 type, 3 int, 8 string. */
static void put_properties(struct buf *out, const struct sparkplug_metric *metric)
{
    struct buf set;
    struct buf value;
    buf_init(&set, METRIC_BYTES_MAX);
    buf_init(&value, METRIC_BYTES_MAX);
    if (metric->has_quality) {
        payload_wire_put_bytes(&set, 1, "Quality", 7);
    }
    if (metric->units != NULL) {
        payload_wire_put_bytes(&set, 1, "engUnit", 7);
    }
    if (metric->has_quality) {
        payload_wire_put_varint(&value, 1, SPARKPLUG_INT32);
        payload_wire_put_varint(&value, 3, metric->quality);
        payload_wire_put_bytes(&set, 2, value.data, value.size);
    }
    if (metric->units != NULL) {
        buf_clear(&value);
        payload_wire_put_varint(&value, 1, SPARKPLUG_STRING);
        payload_wire_put_bytes(&value, 8, metric->units, metric->units_size);
        payload_wire_put_bytes(&set, 2, value.data, value.size);
    }
    payload_wire_put_bytes(out, 9, set.data, set.size);
    buf_fini(&value);
    buf_fini(&set);
}

static int put_metric(struct buf *out, const struct sparkplug_metric *metric)
{
    if (metric->name != NULL) {
        payload_wire_put_bytes(out, 1, metric->name, metric->name_size);
    }
    if (metric->has_alias) {
        payload_wire_put_varint(out, 2, metric->alias);
    }
    if (metric->time_us != 0) {
        payload_wire_put_varint(out, 3, to_ms(metric->time_us));
    }
    if (metric->datatype != 0) {
        payload_wire_put_varint(out, 4, metric->datatype);
    }
    const bool flags[] = { metric->historical, metric->transient, metric->null };
    for (uint32_t i = 0; i < 3; i++) {
        if (flags[i]) {
            payload_wire_put_varint(out, 5 + i, 1);
        }
    }
    if (metric->has_quality || metric->units != NULL) {
        put_properties(out, metric);
    }
    return metric->null ? 0 : put_value(out, metric);
}

int sparkplug_payload_put(struct buf *out, const struct sparkplug_payload *payload)
{
    struct buf body;
    int error = 0;
    buf_init(&body, METRIC_BYTES_MAX);
    if (payload->time_us != 0) {
        payload_wire_put_varint(out, 1, to_ms(payload->time_us));
    }
    for (size_t i = 0; i < payload->count && error == 0; i++) {
        buf_clear(&body);
        error = put_metric(&body, &payload->metrics[i]);
        error = error == 0 && body.overflow ? BUSBAR_ELIMIT : error;
        if (error == 0) {
            payload_wire_put_bytes(out, 2, body.data, body.size);
        }
    }
    if (payload->has_seq) {
        payload_wire_put_varint(out, 3, payload->seq);
    }
    buf_fini(&body);
    return error == 0 && out->overflow ? BUSBAR_ELIMIT : error;
}

int sparkplug_put_rebirth(struct buf *out, int64_t now_us)
{
    static const char name[] = "Node Control/Rebirth";
    struct sparkplug_metric metric = { .name = name,
                                       .name_size = sizeof(name) - 1,
                                       .datatype = SPARKPLUG_BOOLEAN,
                                       .time_us = now_us,
                                       .kind = SPARKPLUG_IS_BOOL,
                                       .value.b = true };
    struct sparkplug_payload payload = { .time_us = now_us, .metrics = &metric, .count = 1 };
    return sparkplug_payload_put(out, &payload);
}

int sparkplug_put_state(struct buf *out, bool online, int64_t now_us)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    json_put_bool(&json, "online", online);
    json_put_u64(&json, "timestamp", to_ms(now_us));
    json_end_object(&json);
    return out->overflow ? BUSBAR_ELIMIT : 0;
}
