/* SPDX-License-Identifier: Apache-2.0 */
/* A number of n registers is first brought to one integer, most significant byte first, whatever its
 * order on the wire; then its type is read from that integer. Writing is the same, backwards. */
#include "drivers/modbus/modbus_value.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "drivers/modbus/modbus_codec.h"
#include "model/quality.h"

static bool swaps_bytes(uint8_t order)
{
    return order == MODBUS_BADC || order == MODBUS_DCBA;
}

static bool swaps_words(uint8_t order)
{
    return order == MODBUS_CDAB || order == MODBUS_DCBA;
}

static inline uint16_t load_word(const uint8_t *p, bool swapped)
{
    return swapped ? (uint16_t)((unsigned)p[1] << 8 | p[0])
                   : (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline void store_word(uint8_t *p, uint16_t word, bool swapped)
{
    p[swapped] = (uint8_t)(word >> 8);
    p[!swapped] = (uint8_t)word;
}

/* 1, 2 or 4 registers. */
static inline uint64_t load(const uint8_t *p, unsigned words, uint8_t order)
{
    bool bytes = swaps_bytes(order);
    uint64_t number = 0;
    if (swaps_words(order)) {
        for (unsigned i = words; i > 0; i--) {
            number = number << 16 | load_word(p + (size_t)2 * (i - 1), bytes);
        }
    } else {
        for (unsigned i = 0; i < words; i++) {
            number = number << 16 | load_word(p + (size_t)2 * i, bytes);
        }
    }
    return number;
}

static void store(uint8_t *p, unsigned words, uint8_t order, uint64_t number)
{
    for (unsigned i = 0; i < words; i++) {
        unsigned place = swaps_words(order) ? i : words - 1 - i;
        store_word(p + (size_t)2 * place, (uint16_t)(number >> (16 * i)), swaps_bytes(order));
    }
}

static inline void set_int(struct sample *sample, int64_t value)
{
    sample->time_us = 0;
    sample->value.i = value;
    sample->detail = 0;
    sample->type = VALUE_INT;
    sample->quality = QUALITY_GOOD;
}

static inline void set_bool(struct sample *sample, bool value)
{
    sample->time_us = 0;
    sample->value.bits = 0;
    sample->value.b = value;
    sample->detail = 0;
    sample->type = VALUE_BOOL;
    sample->quality = QUALITY_GOOD;
}

static void set_bad(struct sample *sample, enum modbus_detail detail)
{
    sample->time_us = 0;
    sample->value.bits = 0;
    sample->detail = (uint16_t)detail;
    sample->type = VALUE_NONE;
    switch (detail) {
#define X(name, number, quality_, text) \
    case MODBUS_DETAIL_##name: sample->quality = QUALITY_##quality_; break;
        MODBUS_DETAILS(X)
#undef X
    }
}

static inline void set_double(struct sample *sample, double value)
{
    if (!isfinite(value)) {
        set_bad(sample, MODBUS_DETAIL_NOT_A_NUMBER);
        return;
    }
    sample->time_us = 0;
    sample->value.d = value;
    sample->detail = 0;
    sample->type = VALUE_DOUBLE;
    sample->quality = QUALITY_GOOD;
}

/* ---- half precision floats (IEEE 754 binary16) ---- */

static double half_to_double(uint16_t half)
{
    int exponent = half >> 10 & 0x1f;
    double fraction = half & 0x3ff;
    double value = 0;
    if (exponent == 0x1f) {
        value = fraction == 0 ? (double)INFINITY : (double)NAN;
    } else if (exponent == 0) {
        value = ldexp(fraction, -24);
    } else {
        value = ldexp(fraction + 1024, exponent - 25);
    }
    return (half & 0x8000) != 0 ? -value : value;
}

/* Rounds to nearest, ties to even. False: above 65504 even after rounding. */
static bool double_to_half(double value, uint16_t *half)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double size = fabs(value);
    int exponent = 0;
    (void)frexp(size, &exponent);
    int step = exponent - 11 > -24 ? exponent - 11 : -24; /* of the last of 11 bits, or subnormal */
    double units = nearbyint(ldexp(size, -step));
    double rounded = ldexp(units, step);
    if (rounded > 65504) {
        return false;
    }
    if (rounded < ldexp(1, -14)) {
        *half = (uint16_t)(sign | (unsigned)ldexp(rounded, 24));
        return true;
    }
    (void)frexp(rounded, &exponent);
    unsigned fraction = (unsigned)ldexp(rounded, 11 - exponent) & 0x3ff;
    *half = (uint16_t)(sign | (unsigned)(exponent + 14) << 10 | fraction);
    return true;
}

/* ---- binary coded decimals ---- */

static bool bcd_to_int(uint64_t bcd, int64_t *value)
{
    int64_t number = 0;
    for (int shift = 60; shift >= 0; shift -= 4) {
        unsigned digit = (unsigned)(bcd >> shift) & 0xf;
        if (digit > 9) {
            return false;
        }
        number = number * 10 + digit;
    }
    *value = number;
    return true;
}

static bool int_to_bcd(int64_t value, unsigned words, uint64_t *bcd)
{
    uint64_t digits = 0;
    for (unsigned i = 0; i < words * 4; i++) {
        digits |= (uint64_t)(value % 10) << (4 * i);
        value /= 10;
    }
    *bcd = digits;
    return value == 0;
}

/* ---- reading ---- */

static void get_part(const struct modbus_address *address, uint16_t word, struct sample *sample)
{
    if (address->bit != MODBUS_BIT_ALL) {
        unsigned part = (unsigned)word >> address->bit & ((1u << address->bits) - 1);
        if (address->type == MODBUS_BOOL) {
            set_bool(sample, part != 0);
        } else {
            set_int(sample, part);
        }
    } else if (address->type == MODBUS_BOOL) {
        set_bool(sample, word != 0);
    } else {
        uint8_t byte = (uint8_t)(address->high ? word >> 8 : word);
        set_int(sample, address->type == MODBUS_INT8 ? (int8_t)byte : (int64_t)byte);
    }
}

static void get_one(const struct modbus_address *address, uint64_t number, struct sample *sample)
{
    switch (address->type) {
    case MODBUS_UINT64:
        if (number > INT64_MAX) {
            set_bad(sample, MODBUS_DETAIL_UINT64);
        } else {
            set_int(sample, (int64_t)number);
        }
        break;
    case MODBUS_FLOAT16: set_double(sample, half_to_double((uint16_t)number)); break;
    case MODBUS_FLOAT64: {
        double value;
        memcpy(&value, &number, sizeof(value));
        set_double(sample, value);
        break;
    }
    case MODBUS_BCD16:
    case MODBUS_BCD32:
    case MODBUS_BCD64: {
        int64_t value = 0;
        if (bcd_to_int(number, &value)) {
            set_int(sample, value);
        } else {
            set_bad(sample, MODBUS_DETAIL_BCD);
        }
        break;
    }
    default: get_part(address, (uint16_t)number, sample); break;
    }
}

/* The common types have a loop of their own: this is where a poll spends its time. */
void modbus_value_run(const struct modbus_address *address, const uint8_t *data, size_t count,
                      struct sample *samples)
{
    uint8_t order = address->order;
    bool plain = address->bit == MODBUS_BIT_ALL;
    if (address->type == MODBUS_UINT16 && plain) {
        for (size_t i = 0; i < count; i++) {
            set_int(&samples[i], load_word(data + 2 * i, swaps_bytes(order)));
        }
        return;
    }
    switch (address->type) {
    case MODBUS_INT16:
        for (size_t i = 0; i < count; i++) {
            set_int(&samples[i], (int16_t)load_word(data + 2 * i, swaps_bytes(order)));
        }
        return;
    case MODBUS_INT32:
        for (size_t i = 0; i < count; i++) {
            set_int(&samples[i], (int32_t)load(data + 4 * i, 2, order));
        }
        return;
    case MODBUS_UINT32:
        for (size_t i = 0; i < count; i++) {
            set_int(&samples[i], (int64_t)load(data + 4 * i, 2, order));
        }
        return;
    case MODBUS_INT64:
        for (size_t i = 0; i < count; i++) {
            set_int(&samples[i], (int64_t)load(data + 8 * i, 4, order));
        }
        return;
    case MODBUS_FLOAT32:
        for (size_t i = 0; i < count; i++) {
            uint32_t bits = (uint32_t)load(data + 4 * i, 2, order);
            float value;
            memcpy(&value, &bits, sizeof(value));
            set_double(&samples[i], (double)value);
        }
        return;
    default:
        for (size_t i = 0; i < count; i++) {
            const uint8_t *at = data + i * address->count * 2;
            get_one(address, load(at, address->count, order), &samples[i]);
        }
        return;
    }
}

void modbus_value_bits(const uint8_t *data, size_t first, size_t count, struct sample *samples)
{
    for (size_t i = 0; i < count; i++) {
        size_t bit = first + i;
        set_bool(&samples[i], (data[bit / 8] >> (bit % 8) & 1) != 0);
    }
}

size_t modbus_value_text_bytes(const struct modbus_address *address)
{
    size_t bytes = sizeof(struct text) + (size_t)address->count * 4 + 1;
    return (bytes + 7) & ~(size_t)7;
}

void modbus_value_text(const struct modbus_address *address, const uint8_t *data, void *memory,
                       struct sample *sample)
{
    assert(address->type == MODBUS_STRING && address->count <= MODBUS_READ_REGISTERS_MAX);
    char raw[2 * MODBUS_READ_REGISTERS_MAX];
    size_t words = address->count;
    for (size_t i = 0; i < words; i++) {
        size_t place = swaps_words(address->order) ? words - 1 - i : i;
        store_word((uint8_t *)raw + 2 * i, load_word(data + 2 * place, swaps_bytes(address->order)),
                   false);
    }
    size_t size = strnlen(raw, words * 2);
    while (size > 0 && raw[size - 1] == ' ') {
        size--;
    }
    struct text *text = memory;
    text->size = 0;
    bool utf8 = str_is_utf8(raw, size);
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)raw[i];
        if (!utf8 && byte >= 0x80) {
            text->bytes[text->size++] = (char)(0xc0 | byte >> 6);
            byte = 0x80 | (byte & 0x3f);
        }
        text->bytes[text->size++] = (char)byte;
    }
    text->bytes[text->size] = '\0';
    sample->time_us = 0;
    sample->value.text = text;
    sample->detail = 0;
    sample->type = VALUE_TEXT;
    sample->quality = QUALITY_GOOD;
}

/* ---- writing ---- */

uint16_t modbus_value_mask(const struct modbus_address *address)
{
    unsigned mask = 0xffff;
    if (address->bit != MODBUS_BIT_ALL) {
        mask = ((1u << address->bits) - 1) << address->bit;
    } else if (address->type == MODBUS_INT8 || address->type == MODBUS_UINT8) {
        mask = address->high ? 0xff00 : 0x00ff;
    }
    return (uint16_t)(swaps_bytes(address->order) ? mask << 8 | mask >> 8 : mask);
}

/* A raw value as a whole number; a double (what unscaling gives) is rounded to the nearest one. */
static int whole_number(uint8_t type, union value value, int64_t *out)
{
    switch (type) {
    case VALUE_BOOL: *out = value.b; return 0;
    case VALUE_INT: *out = value.i; return 0;
    case VALUE_DOUBLE:
        if (!(value.d >= -9223372036854775808.0 && value.d < 9223372036854775808.0)) {
            return BUSBAR_ERANGE;
        }
        *out = (int64_t)nearbyint(value.d);
        return 0;
    default: return BUSBAR_EWRONGTYPE;
    }
}

static int put_text(const struct modbus_address *address, const struct text *text, uint8_t *data)
{
    size_t words = address->count;
    if (text->size > words * 2) {
        return BUSBAR_ERANGE;
    }
    for (size_t i = 0; i < words; i++) {
        unsigned high = 2 * i < text->size ? (uint8_t)text->bytes[2 * i] : 0;
        unsigned low = 2 * i + 1 < text->size ? (uint8_t)text->bytes[2 * i + 1] : 0;
        size_t place = swaps_words(address->order) ? words - 1 - i : i;
        store_word(data + 2 * place, (uint16_t)(high << 8 | low), swaps_bytes(address->order));
    }
    return 0;
}

static int put_float(const struct modbus_address *address, uint8_t type, union value value,
                     uint64_t *number)
{
    double wide = 0;
    if (!value_number(type, value, &wide)) {
        return BUSBAR_EWRONGTYPE;
    }
    uint16_t half = 0;
    float narrow = (float)wide;
    if (!isfinite(wide) || (address->type == MODBUS_FLOAT32 && !isfinite(narrow)) ||
        (address->type == MODBUS_FLOAT16 && !double_to_half(wide, &half))) {
        return BUSBAR_ERANGE;
    }
    if (address->type == MODBUS_FLOAT16) {
        *number = half;
    } else if (address->type == MODBUS_FLOAT32) {
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof(bits));
        *number = bits;
    } else {
        memcpy(number, &wide, sizeof(*number));
    }
    return 0;
}

/* Bounds of the whole-number types by bits: signed [-2^(bits-1), 2^(bits-1) - 1], else [0, 2^bits - 1]. */
static bool fits(int64_t value, unsigned bits, bool is_signed)
{
    if (bits >= 64) {
        return is_signed || value >= 0;
    }
    int64_t span = (int64_t)1 << (is_signed ? bits - 1 : bits);
    return value >= (is_signed ? -span : 0) && value < span;
}

static int put_whole(const struct modbus_address *address, int64_t value, uint64_t *number)
{
    *number = (uint64_t)value;
    bool is_signed = address->type == MODBUS_INT8 || address->type == MODBUS_INT16 ||
                     address->type == MODBUS_INT32 || address->type == MODBUS_INT64;
    unsigned bits = address->count * 16u;
    switch (address->type) {
    case MODBUS_BCD16:
    case MODBUS_BCD32:
    case MODBUS_BCD64:
        return value >= 0 && int_to_bcd(value, address->count, number) ? 0 : BUSBAR_ERANGE;
    case MODBUS_BOOL: bits = 1; break;
    case MODBUS_INT8:
    case MODBUS_UINT8: bits = 8; break;
    default: bits = address->bit != MODBUS_BIT_ALL ? address->bits : bits; break;
    }
    return fits(value, bits, is_signed) ? 0 : BUSBAR_ERANGE;
}

int modbus_value_put(const struct modbus_address *address, uint8_t type, union value value,
                     uint8_t *data)
{
    if (address->type == MODBUS_STRING) {
        return type == VALUE_TEXT ? put_text(address, value.text, data) : BUSBAR_EWRONGTYPE;
    }
    uint64_t number = 0;
    int error = 0;
    if (address->type == MODBUS_FLOAT16 || address->type == MODBUS_FLOAT32 ||
        address->type == MODBUS_FLOAT64) {
        error = put_float(address, type, value, &number);
    } else {
        int64_t whole = 0;
        error = whole_number(type, value, &whole);
        error = error == 0 ? put_whole(address, whole, &number) : error;
    }
    if (error != 0) {
        return error;
    }
    if (modbus_table_is_bits(address->table)) {
        data[0] = number != 0;
        return 0;
    }
    if (!modbus_address_is_part(address)) {
        store(data, address->count, address->order, number);
        return 0;
    }
    uint16_t mask = modbus_value_mask(address);
    unsigned shift = address->bit != MODBUS_BIT_ALL ? address->bit : address->high ? 8u : 0u;
    uint8_t part[2];
    store(part, 1, address->order, number << shift);
    data[0] = (uint8_t)((data[0] & ~(mask >> 8)) | (part[0] & mask >> 8));
    data[1] = (uint8_t)((data[1] & ~mask) | (part[1] & mask));
    return 0;
}

const char *modbus_explain(uint16_t detail)
{
    switch (detail) {
#define X(number, name, text, meaning, next) \
    case number: return "exception " #number ", " text ": " meaning "; " next;
        MODBUS_EXCEPTIONS(X)
#undef X
#define X(name, number, quality, text) \
    case number: return text;
        MODBUS_DETAILS(X)
#undef X
    default: return NULL;
    }
}
