/* SPDX-License-Identifier: Apache-2.0 */
/* Values of binary messages. */
#include <string.h>

#include "base/err.h"
#include "payload/rule.h"

enum { WORD_BYTES = 8 };

static size_t bytes_of_type(uint8_t as)
{
    switch (as) {
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
    default: return 1;
    }
}

/* How many bytes a type takes, when the expression does not say. */
size_t binary_size(const struct expression *expression)
{
    return expression->length > 0 ? expression->length : bytes_of_type(expression->as);
}

/* The highest byte first, whatever the order was. */
static uint64_t whole(const struct expression *expression, const uint8_t *data, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        size_t at = i;
        switch (expression->order) {
        case PAYLOAD_DCBA: at = size - 1 - i; break;
        case PAYLOAD_BADC: at = size % 2 == 0 ? i ^ 1 : i; break;
        case PAYLOAD_CDAB: at = size % 2 == 0 ? (size - 2 - (i & ~(size_t)1)) + (i & 1) : i; break;
        default: break;
        }
        value = value << 8 | data[at];
    }
    return value;
}

static int put_bcd(const struct expression *expression, const uint8_t *data, size_t size,
                   struct payload_node *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = data[expression->order == PAYLOAD_DCBA ? size - 1 - i : i];
        if (byte >> 4 > 9 || (byte & 15) > 9) {
            out->type = PAYLOAD_BYTES;
            return BUSBAR_EPROTO;
        }
        value = value * 100 + (byte >> 4) * 10 + (byte & 15);
    }
    out->type = PAYLOAD_INT;
    out->value.i = value;
    return 1;
}

static void put_integer(const struct expression *expression, uint64_t value, size_t size,
                        struct payload_node *out)
{
    bool is_signed = expression->as == PAYLOAD_AS_INT8 || expression->as == PAYLOAD_AS_INT16 ||
                     expression->as == PAYLOAD_AS_INT24 || expression->as == PAYLOAD_AS_INT32 ||
                     expression->as == PAYLOAD_AS_INT64;
    unsigned unused = (unsigned)(8 * (WORD_BYTES - size));
    out->type = PAYLOAD_INT;
    if (is_signed) { /* the sign goes into all that is above */
        bool negative = (value >> (8 * size - 1) & 1) != 0;
        uint64_t sign = negative && unused > 0 ? ~(UINT64_MAX >> unused) : 0;
        out->value.i = (int64_t)(value | sign);
    } else if (value > INT64_MAX) {
        out->type = PAYLOAD_DOUBLE;
        out->value.d = (double)value;
    } else {
        out->value.i = (int64_t)value;
    }
}

static void put_float(const struct expression *expression, uint64_t value, struct payload_node *out)
{
    out->type = PAYLOAD_DOUBLE;
    if (expression->as == PAYLOAD_AS_FLOAT64) {
        memcpy(&out->value.d, &value, sizeof(value));
        return;
    }
    uint32_t bits = (uint32_t)value;
    float real;
    memcpy(&real, &bits, sizeof(bits));
    out->value.d = (double)real;
}

static void put_bits(const struct expression *expression, uint64_t value, struct payload_node *out)
{
    unsigned count = 1U + expression->last_bit - expression->first_bit;
    uint64_t mask = count < 64 ? (UINT64_C(1) << count) - 1 : UINT64_MAX;
    value = value >> expression->first_bit & mask;
    if (count == 1) {
        out->type = PAYLOAD_BOOL;
        out->value.b = value != 0;
    } else {
        put_integer(expression, value, WORD_BYTES, out);
    }
}

int binary_find(const struct expression *expression, const uint8_t *data, size_t size,
                struct payload_node *out)
{
    size_t count = binary_size(expression);
    int64_t from = expression->number < 0 ? expression->number + (int64_t)size : expression->number;
    *out = (struct payload_node){ .next = 1 };
    if (from < 0 || (uint64_t)from > size || size - (size_t)from < count) {
        return 0;
    }
    data += from;
    out->value.text = (const char *)data;
    out->size = (uint32_t)count;
    if (expression->first_bit != PAYLOAD_BIT_NONE) {
        put_bits(expression, whole(expression, data, count), out);
        return 1;
    }
    switch (expression->as) {
    case PAYLOAD_AS_BCD: return put_bcd(expression, data, count, out);
    case PAYLOAD_AS_ASCII: {
        const uint8_t *end = memchr(data, '\0', count);
        out->type = PAYLOAD_TEXT;
        out->size = end != NULL ? (uint32_t)(end - data) : (uint32_t)count;
        while (out->size > 0 && data[out->size - 1] == ' ') {
            out->size--;
        }
        for (uint32_t i = 0; i < out->size; i++) {
            if (data[i] > 0x7e || data[i] < 0x20) {
                out->type = PAYLOAD_BYTES;
                return BUSBAR_EPROTO;
            }
        }
        return 1;
    }
    case PAYLOAD_AS_FLOAT32:
    case PAYLOAD_AS_FLOAT64: put_float(expression, whole(expression, data, count), out); return 1;
    case PAYLOAD_AS_AUTO: /* of an id or a time: as they are */ out->type = PAYLOAD_BYTES; return 1;
    default: put_integer(expression, whole(expression, data, count), count, out); return 1;
    }
}
