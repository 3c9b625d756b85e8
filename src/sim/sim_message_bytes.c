/* SPDX-License-Identifier: Apache-2.0 */
/* Binary messages: as long as the last point needs, zero between points. Points from the end (negative offsets) stand behind
 * those from the beginning. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "payload/rule.h"
#include "sim/sim_message_parts.h"

enum { BYTES_MAX = 64 * 1024 };

/* Bytes of a value; 0: of a length that is configured. */
static size_t type_size(uint8_t type)
{
    switch (type) {
    case PAYLOAD_AS_UINT16:
    case PAYLOAD_AS_INT16: return 2;
    case PAYLOAD_AS_UINT24:
    case PAYLOAD_AS_INT24: return 3;
    case PAYLOAD_AS_UINT32:
    case PAYLOAD_AS_INT32:
    case PAYLOAD_AS_FLOAT32: return 4;
    case PAYLOAD_AS_UINT64:
    case PAYLOAD_AS_INT64:
    case PAYLOAD_AS_FLOAT64: return 8;
    case PAYLOAD_AS_BCD:
    case PAYLOAD_AS_ASCII: return 0;
    default: return 1;
    }
}

static size_t rule_size(const struct payload_point *rule)
{
    size_t size = type_size(rule->type);
    return size != 0 ? size : rule->length > 0 ? rule->length : 1;
}

static bool is_float(uint8_t type)
{
    return type == PAYLOAD_AS_FLOAT32 || type == PAYLOAD_AS_FLOAT64;
}

uint8_t sim_bytes_type(const struct payload_point *rule)
{
    if (is_float(rule->type)) {
        return VALUE_DOUBLE;
    }
    if (rule->type == PAYLOAD_AS_BOOL ||
        (rule->first_bit != PAYLOAD_BIT_NONE && rule->first_bit == rule->last_bit)) {
        return VALUE_BOOL;
    }
    return rule->type == PAYLOAD_AS_ASCII ? VALUE_TEXT : VALUE_INT;
}

/* The highest byte first -> as the order says. */
static void reorder(uint8_t *at, size_t size, uint8_t order)
{
    for (size_t i = 0; i < size / 2 && (order == PAYLOAD_DCBA || order == PAYLOAD_CDAB);
         i++) { /* DCBA, and CDAB begins so */
        uint8_t first = at[i];
        at[i] = at[size - 1 - i];
        at[size - 1 - i] = first;
    }
    for (size_t i = 0; i + 1 < size && (order == PAYLOAD_BADC || order == PAYLOAD_CDAB);
         i += 2) { /* bytes of words */
        uint8_t first = at[i];
        at[i] = at[i + 1];
        at[i + 1] = first;
    }
}

static bool is_signed(uint8_t type)
{
    return type == PAYLOAD_AS_INT8 || type == PAYLOAD_AS_INT16 || type == PAYLOAD_AS_INT24 ||
           type == PAYLOAD_AS_INT32 || type == PAYLOAD_AS_INT64;
}

/* A number that fits: divided by ten until it does, as a device with a small register would be scaled. */
static uint64_t fit(int64_t number, unsigned bits)
{
    uint64_t most = bits >= 63 ? INT64_MAX : (UINT64_C(1) << bits) - 1;
    number = number < 0 ? -number : number;
    while ((uint64_t)number > most) {
        number /= 10;
    }
    return (uint64_t)number;
}

static void put_number(const struct payload_point *rule, const struct sim_reading *reading,
                       uint8_t *at, size_t size)
{
    uint64_t bits = 0;
    if (is_float(rule->type)) {
        float single = (float)reading->value.d;
        uint32_t half;
        memcpy(&half, &single, sizeof(half));
        memcpy(&bits, &reading->value.d, sizeof(bits));
        bits = size == 4 ? half : bits;
    } else if (reading->type == VALUE_BOOL) {
        bits = reading->value.b ? 1 : 0;
    } else {
        int64_t number = reading->type == VALUE_INT ? reading->value.i : llround(reading->value.d);
        bool some = rule->first_bit != PAYLOAD_BIT_NONE;
        unsigned width = some ? rule->last_bit - rule->first_bit + 1u : (unsigned)(8 * size);
        width -= !some && is_signed(rule->type) ? 1 : 0;
        bits = some || number >= 0 ? fit(number, width) : (uint64_t)number;
    }
    uint8_t own[8];
    bits <<= rule->first_bit != PAYLOAD_BIT_NONE ? rule->first_bit : 0;
    for (size_t i = 0; i < size; i++) {
        own[i] = (uint8_t)(bits >> (8 * (size - 1 - i)));
    }
    reorder(own, size, rule->order);
    for (size_t i = 0; i < size; i++) {
        at[i] |= own[i]; /* points may share bytes by their bits */
    }
}

static void put_value(const struct payload_point *rule, const struct sim_reading *reading,
                      uint8_t *at, size_t size)
{
    if (rule->type == PAYLOAD_AS_ASCII) {
        size_t text = strlen(reading->text);
        memset(at, ' ', size);
        memcpy(at, reading->text, text < size ? text : size);
    } else if (rule->type == PAYLOAD_AS_BCD) {
        uint64_t number = reading->type == VALUE_INT ? (uint64_t)llabs(reading->value.i) : 0;
        for (size_t i = size; i > 0; i--, number /= 100) {
            at[i - 1] = (uint8_t)(number % 10 | number / 10 % 10 << 4);
        }
    } else {
        put_number(rule, reading, at, size);
    }
}

int sim_bytes_make(struct sim_speaker *speaker, const uint32_t *points, size_t count,
                   int64_t wall_us, struct buf *out, struct err *err)
{
    long front = 0, back = 0;
    for (size_t i = 0; i < count; i++) {
        const struct payload_point *rule = sim_speaker_rule(speaker, points[i]);
        long offset = strtol(rule->expression, NULL, 10), end = offset + (long)rule_size(rule);
        front = offset >= 0 && end > front ? end : front;
        back = offset < 0 && -offset > back ? -offset : back;
    }
    size_t size = (size_t)(front + back);
    uint8_t *message = size > 0 && size <= BYTES_MAX ? buf_reserve(out, size) : NULL;
    if (message == NULL) {
        return err_set(err, BUSBAR_ELIMIT, "'%s': a binary message of %zu bytes",
                       speaker->dev->name, size);
    }
    memset(message, 0, size);
    for (size_t i = 0; i < count; i++) {
        const struct payload_point *rule = sim_speaker_rule(speaker, points[i]);
        long offset = strtol(rule->expression, NULL, 10);
        size_t at = offset >= 0 ? (size_t)offset : size - (size_t)-offset;
        size_t room = rule_size(rule) < size - at ? rule_size(rule) : size - at;
        struct sim_reading reading = sim_live_get(speaker->live, points[i], wall_us);
        put_value(rule, &reading, message + at, room);
    }
    buf_commit(out, size);
    return 0;
}
