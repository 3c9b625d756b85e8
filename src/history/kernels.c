/* SPDX-License-Identifier: Apache-2.0 */
#include "history/kernels.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the log and the blocks are read and written in place, low byte first");

const double history_powers[HISTORY_EXPONENT_MAX + 1] = { 1e0,  1e1,  1e2,  1e3, 1e4,  1e5,
                                                          1e6,  1e7,  1e8,  1e9, 1e10, 1e11,
                                                          1e12, 1e13, 1e14, 1e15 };
const double history_inverses[HISTORY_EXPONENT_MAX + 1] = { 1e0,   1e-1,  1e-2,  1e-3, 1e-4,  1e-5,
                                                            1e-6,  1e-7,  1e-8,  1e-9, 1e-10, 1e-11,
                                                            1e-12, 1e-13, 1e-14, 1e-15 };

static uint64_t mask_of(unsigned width)
{
    return width >= 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
}

static uint64_t load(const uint8_t *from, size_t left)
{
    uint64_t word = 0;
    memcpy(&word, from, left < sizeof(word) ? left : sizeof(word));
    return word;
}

static void plain_unpack(const uint8_t *from, size_t size, int64_t *values, size_t count,
                         uint64_t base, unsigned width)
{
    uint64_t mask = mask_of(width);
    size_t bit = 0;
    size_t i = 0;
    if (width <= 56) { /* one load holds any value, whatever bit it starts at */
        for (; i < count && bit / 8 + 8 <= size; i++, bit += width) {
            uint64_t word;
            memcpy(&word, from + bit / 8, sizeof(word));
            values[i] = (int64_t)(base + (word >> (bit % 8) & mask));
        }
    }
    for (; i < count; i++, bit += width) {
        size_t at = bit / 8;
        unsigned shift = bit % 8;
        uint64_t word = load(from + at, size - at) >> shift;
        if (shift > 0 && at + 8 < size) {
            word |= (uint64_t)from[at + 8] << (64 - shift);
        }
        values[i] = (int64_t)(base + (word & mask));
    }
}

static void plain_pack(uint8_t *to, const int64_t *values, size_t count, uint64_t base,
                       unsigned width)
{
    uint64_t mask = mask_of(width);
    uint64_t pending = 0;
    unsigned filled = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = ((uint64_t)values[i] - base) & mask;
        pending |= value << filled;
        filled += width;
        if (filled >= 64) {
            memcpy(to, &pending, sizeof(pending));
            to += sizeof(pending);
            filled -= 64;
            pending = filled > 0 ? value >> (width - filled) : 0;
        }
    }
    for (; filled > 0; filled = filled > 8 ? filled - 8 : 0) {
        *to++ = (uint8_t)pending;
        pending >>= 8;
    }
}

/* A word is a fraction of 2^64: times the base, what comes out above is the next digit. */
static void plain_radix(const uint8_t *from, int64_t *values, size_t groups, uint64_t base,
                        const struct history_radix *radix)
{
    __extension__ typedef unsigned __int128 wide;
    for (; groups > 0; groups--, values += 4 * (size_t)radix->digits) {
        for (size_t lane = 0; lane < 4; lane++, from += sizeof(uint64_t)) {
            uint64_t word;
            memcpy(&word, from, sizeof(word));
            for (size_t i = 0; i < radix->digits; i++) {
                wide product = (wide)word * radix->base;
                values[4 * i + lane] = (int64_t)(base + (uint64_t)(product >> 64));
                word = (uint64_t)product;
            }
        }
    }
}

static void plain_fill(int64_t *values, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = (int64_t)value;
    }
}

static void plain_range(const int64_t *values, size_t count, struct history_range *range)
{
    *range = (struct history_range){ .low = values[0], .high = values[0] };
    for (size_t i = 0; i < count; i++) {
        range->low = values[i] < range->low ? values[i] : range->low;
        range->high = values[i] > range->high ? values[i] : range->high;
        range->sum += (uint64_t)values[i];
    }
}

static size_t plain_above(const int64_t *values, size_t count, uint64_t base, unsigned width)
{
    size_t above = 0;
    for (size_t i = 0; i < count; i++) {
        above += ((uint64_t)values[i] - base) >> width != 0;
    }
    return above;
}

static void plain_deltas(const int64_t *values, size_t count, int64_t *to)
{
    for (size_t i = 1; i < count; i++) {
        to[i - 1] = (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]);
    }
}

static void plain_sums(int64_t *values, size_t count, uint64_t before)
{
    for (size_t i = 0; i < count; i++) {
        before += (uint64_t)values[i];
        values[i] = (int64_t)before;
    }
}

static void plain_line(const struct history_line *line, const int64_t *rest, int64_t *times,
                       size_t count)
{
    uint64_t value = line->skip * line->whole + line->skip * line->part / line->parts;
    uint32_t part = line->skip * line->part % line->parts;
    for (size_t i = 0; i < count; i++) {
        value += line->whole;
        part += line->part;
        if (part >= line->parts) {
            part -= line->parts;
            value++;
        }
        times[i] = (int64_t)(line->start +
                             line->unit * (value + (rest != NULL ? (uint64_t)rest[i] : 0)));
    }
}

static bool plain_units(const int64_t *times, size_t count, uint64_t unit, int64_t *to)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t since = (uint64_t)times[i] - (uint64_t)times[0];
        to[i] = (int64_t)(since / unit);
        if (since % unit != 0) {
            return false;
        }
    }
    return true;
}

static void plain_minus(const int64_t *values, const int64_t *other, int64_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (int64_t)((uint64_t)values[i] - (uint64_t)other[i]);
    }
}

static bool plain_ascend(const int64_t *times, size_t count)
{
    bool good = true;
    for (size_t i = 1; i < count; i++) {
        good &= times[i] > times[i - 1];
    }
    return good;
}

static inline double plain_double(enum history_form form, unsigned exponent, int64_t n)
{
    switch (form) {
    case HISTORY_FORM_DIVIDE: return (double)n / history_powers[exponent];
    case HISTORY_FORM_MULTIPLY: return (double)n * history_inverses[exponent];
    default: return (double)(float)((double)n / history_powers[exponent]);
    }
}

static void plain_doubles(enum history_form form, unsigned exponent, const int64_t *numbers,
                          union value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        values[i].d = plain_double(form, exponent, numbers[i]);
    }
}

static size_t plain_integers(enum history_form form, unsigned exponent, const union value *values,
                             size_t count, int64_t *numbers)
{
    size_t i = 0;
    for (; i < count; i++) {
        double scaled = values[i].d * history_powers[exponent];
        if (!(scaled > -HISTORY_INTEGER_MAX && scaled < HISTORY_INTEGER_MAX)) {
            break;
        }
        numbers[i] = (int64_t)rint(scaled);
        union value back = { .d = plain_double(form, exponent, numbers[i]) };
        if (back.bits != values[i].bits) {
            break;
        }
    }
    return i;
}

static const struct history_kernels plain = {
    .name = "plain",
    .unpack = plain_unpack,
    .pack = plain_pack,
    .radix = plain_radix,
    .fill = plain_fill,
    .range = plain_range,
    .above = plain_above,
    .deltas = plain_deltas,
    .sums = plain_sums,
    .line = plain_line,
    .units = plain_units,
    .minus = plain_minus,
    .ascend = plain_ascend,
    .doubles = plain_doubles,
    .integers = plain_integers,
};

const struct history_kernels *history_kernels_plain(void)
{
    return &plain;
}

const struct history_kernels *history_kernels(void)
{
    const struct history_kernels *avx2 = history_kernels_avx2();
    return avx2 != NULL ? avx2 : &plain;
}
