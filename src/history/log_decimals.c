/* SPDX-License-Identifier: Apache-2.0 */
#include "history/log_decimals.h"

#include <math.h>

enum {
    CODE_ZERO = 0,
    CODE_ONE = 1,
    CODE_FLOAT = 13,
    CODE_DECIMAL = 14,
    CODE_RAW = 15,
    LONG_EXPONENT = 6, /* tried when 0, 1, 2 and 3 are too few */
    EXPONENT_MAX = 15,
    BYTES_MAX = 1 + 8,
    LOOKED_AT = 16,
    ROW = 8,         /* values that are put or got at once when all are alike */
    ROW_LEAST = 128, /* numbers of two bytes */
    ROW_MOST = 32767,
    ROW_CODES = 0x11111111,
};

/* Once for each kind, with the kind as a constant: half of the instructions. */
#define INLINE static inline __attribute__((always_inline))

#define ROUNDER        0x1.8p52 /* added and taken away: rounds what is below 2^51 */
#define WHOLE_MAX      0x1p51
#define LONG_MAX_VALUE (WHOLE_MAX / 1e6)

static const double powers[EXPONENT_MAX + 1] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
static const double parts[EXPONENT_MAX + 1] = {
    1e0,  1e-1, 1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,
    1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15
};

/* Code of n / 10^exponent, n in so many bytes; 0: by CODE_DECIMAL. */
static const uint8_t codes[4][9] = {
    { 2, 2, 3, 4, 5 }, { 6, 6, 7, 8 }, { 9, 9, 9, 10 }, { 11, 11, 11, 12 }
};
static const uint8_t widths[16] = { 0, 0, 1, 2, 3, 4, 1, 2, 3, 2, 3, 2, 3, 4, 1, 8 };
static const uint8_t exponents[13] = { 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3 };

INLINE double value_of(int64_t n, unsigned exponent, bool multiply)
{
    return multiply ? (double)n * parts[exponent] : (double)n / powers[exponent];
}

/* The integer n that stands for the value, all bits alike. */
INLINE bool find(union value value, unsigned exponent, bool multiply, int64_t *n)
{
    double scaled = value.d * powers[exponent];
    *n = (int64_t)((scaled + ROUNDER) - ROUNDER);
    union value back = { .d = value_of(*n, exponent, multiply) };
    return back.bits == value.bits;
}

/* Returns the smallest exponent that does, or -1. */
INLINE int exponent_of(union value value, bool multiply, int64_t *n)
{
    double size = fabs(value.d);
    if (!(size < WHOLE_MAX)) { /* or NaN */
        return -1;
    }
    *n = (int64_t)value.d;
    union value whole = { .d = (double)*n };
    if (whole.bits == value.bits) {
        return 0;
    }
    if (!(size < LONG_MAX_VALUE)) {
        return -1;
    }
    if (find(value, 1, multiply, n)) {
        return 1;
    }
    if (multiply && find(value, 2, true, n)) {
        return 2;
    }
    if (find(value, 3, multiply, n)) {
        bool two = !multiply && *n % 10 == 0; /* the same quotient */
        *n = two ? *n / 10 : *n;
        return two ? 2 : 3;
    }
    return find(value, LONG_EXPONENT, multiply, n) ? LONG_EXPONENT : -1;
}

static inline unsigned bytes_of_number(int64_t n)
{
    uint64_t size = (uint64_t)(n ^ (n >> 63)); /* without the sign */
    return size == 0 ? 1 : (72u - (unsigned)__builtin_clzll(size)) / 8;
}

static inline bool is_float(union value value, float *number)
{
    *number = (float)value.d;
    union value back = { .d = (double)*number };
    return back.bits == value.bits;
}

/* Writes the bytes of a value at *to (8 more than it needs may be written), moves it, returns the code. */
INLINE unsigned put_value(uint8_t **to, union value value, bool multiply)
{
    int64_t n = 0;
    float number;
    int exponent = exponent_of(value, multiply, &n);
    if (exponent == 0 && (uint64_t)n <= 1) {
        return n == 0 ? CODE_ZERO : CODE_ONE;
    }
    unsigned bytes = bytes_of_number(n);
    unsigned code = exponent >= 0 && exponent < 4 ? codes[exponent][bytes] : 0;
    if (code != 0) {
        memcpy(*to, &n, sizeof(n));
        *to += widths[code];
        return code;
    }
    if (exponent >= 0) {
        *(*to)++ = (uint8_t)((unsigned)exponent << 4 | (bytes - 1));
        memcpy(*to, &n, sizeof(n));
        *to += bytes;
        return CODE_DECIMAL;
    }
    if (is_float(value, &number)) {
        memcpy(*to, &number, sizeof(number));
        *to += sizeof(number);
        return CODE_FLOAT;
    }
    memcpy(*to, &value.bits, sizeof(value.bits));
    *to += sizeof(value.bits);
    return CODE_RAW;
}

static size_t count_short(const union value *values, size_t count, size_t looked, bool multiply)
{
    size_t fit = 0;
    for (size_t i = 0; i < looked; i++) {
        int64_t n;
        int exponent = exponent_of(values[i * count / looked], multiply, &n);
        fit += exponent >= 0 && exponent < 4;
    }
    return fit;
}

enum history_decimals history_decimals_fit(const union value *values, size_t count)
{
    size_t looked = count < LOOKED_AT ? count : LOOKED_AT;
    size_t divide = count_short(values, count, looked, false);
    size_t multiply = divide < looked ? count_short(values, count, looked, true) : 0;
    size_t most = multiply > divide ? multiply : divide;
    return 2 * most < looked   ? HISTORY_DECIMALS_NONE
           : multiply > divide ? HISTORY_DECIMALS_MULTIPLY
                               : HISTORY_DECIMALS_DIVIDE;
}

/* --- rows: decimals of one exponent, two bytes each, which is what many registers of one kind are --- */

/* The code that two neighbours of such a row have, from the byte they share; 0: they are no such. */
static inline unsigned row_code(uint8_t two)
{
    unsigned code = two & 15u;
    bool alike = code == two >> 4;
    return alike && (code == 3 || code == 7 || code == 9 || code == 11) ? code : 0;
}

/* False: not all of them are numbers of two bytes with this code's exponent. */
INLINE bool put_row(uint8_t *to, unsigned code, const union value *values, bool multiply)
{
    double power = powers[exponents[code]];
    double part = parts[exponents[code]];
    uint64_t other = 0;
    bool fit = true;
    for (size_t i = 0; i < ROW; i++) {
        union value sum = { .d = values[i].d * power + ROUNDER }; /* its low bits are the number */
        double number = sum.d - ROUNDER;
        union value back = { .d = multiply ? number * part : number / power };
        uint16_t low = (uint16_t)sum.bits;
        other |= back.bits ^ values[i].bits;
        fit &= fabs(number) >= ROW_LEAST && fabs(number) <= ROW_MOST;
        memcpy(to + 2 * i, &low, sizeof(low));
    }
    return fit && other == 0;
}

static inline bool is_row(const uint8_t *code)
{
    uint32_t codes_of_row;
    memcpy(&codes_of_row, code, sizeof(codes_of_row));
    return codes_of_row == (code[0] & 15u) * ROW_CODES && row_code(code[0]) != 0;
}

static inline void get_row(const uint8_t *from, unsigned code, bool multiply, union value *values)
{
    double power = powers[exponents[code]];
    double part = parts[exponents[code]];
    for (size_t i = 0; i < ROW; i++) {
        int16_t number;
        memcpy(&number, from + 2 * i, sizeof(number));
        values[i].d = multiply ? number * part : number / power;
    }
}

INLINE void put_all(struct bytes_out *out, bool multiply, const union value *values, size_t count)
{
    uint8_t *code = bytes_put_space(out, (count + 1) / 2);
    uint8_t *to = out->at;
    unsigned low = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned row = i % ROW == 0 && i > 0 ? row_code(code[i / 2 - 1]) : 0;
        while (row != 0 && count - i >= ROW && put_row(to, row, values + i, multiply)) {
            memset(code + i / 2, (int)(row | row << 4), ROW / 2);
            to += 2 * ROW;
            i += ROW;
        }
        if (i == count) {
            break;
        }
        unsigned one = put_value(&to, values[i], multiply);
        low = i % 2 == 0 ? one : low | one << 4;
        code[i / 2] = (uint8_t)low;
    }
    out->at = to;
}

void history_decimals_put(struct bytes_out *out, enum history_decimals kind,
                          const union value *values, size_t count)
{
    assert(bytes_out_left(out) >= (count + 1) * HISTORY_DECIMAL_BYTES);
    if (kind == HISTORY_DECIMALS_MULTIPLY) {
        put_all(out, true, values, count);
    } else {
        put_all(out, false, values, count);
    }
}

static inline int64_t load_number(const uint8_t *from, unsigned bytes)
{
    uint64_t word;
    memcpy(&word, from, sizeof(word));
    unsigned above = 64 - 8 * bytes;
    return (int64_t)(word << above) >> above;
}

/* From `from`, behind which there are BYTES_MAX bytes at least. Returns how many it took; 0: it is damaged. */
static inline unsigned get_rare(const uint8_t *from, unsigned code, bool multiply,
                                union value *value)
{
    if (code == CODE_RAW) {
        memcpy(&value->bits, from, sizeof(value->bits));
        return sizeof(value->bits);
    }
    if (code == CODE_FLOAT) {
        float number;
        memcpy(&number, from, sizeof(number));
        value->d = (double)number;
        return sizeof(number);
    }
    unsigned bytes = (from[0] & 15u) + 1;
    value->d = bytes <= 8 ? value_of(load_number(from + 1, bytes), from[0] >> 4, multiply) : 0;
    return bytes <= 8 ? 1 + bytes : 0;
}

static inline unsigned get_value(const uint8_t *from, unsigned code, bool multiply,
                                 union value *value, bool *bad)
{
    if (code <= CODE_ONE) {
        value->d = code;
        return 0;
    }
    if (code >= CODE_FLOAT) {
        unsigned took = get_rare(from, code, multiply, value);
        *bad |= took == 0;
        return took;
    }
    value->d = value_of(load_number(from, widths[code]), exponents[code], multiply);
    return widths[code];
}

void history_decimals_get(struct bytes *in, enum history_decimals kind, union value *values,
                          size_t count)
{
    bool multiply = kind == HISTORY_DECIMALS_MULTIPLY;
    const uint8_t *code = bytes_get_block(in, (count + 1) / 2);
    bool bad = false;
    size_t i = 0;
    for (; code != NULL && i < count && bytes_left(in) >= BYTES_MAX; i++) {
        while (i % ROW == 0 && count - i >= ROW && bytes_left(in) >= 2 * ROW + BYTES_MAX &&
               is_row(code + i / 2)) {
            get_row(in->at, code[i / 2] & 15u, multiply, &values[i]);
            in->at += 2 * ROW;
            i += ROW;
        }
        if (i == count) {
            break;
        }
        unsigned one = (unsigned)code[i / 2] >> (4 * (i % 2)) & 15u;
        in->at += get_value(in->at, one, multiply, &values[i], &bad);
    }
    for (; code != NULL && i < count; i++) { /* near the end: from a copy with room behind it */
        uint8_t rest[BYTES_MAX] = { 0 };
        unsigned one = (unsigned)code[i / 2] >> (4 * (i % 2)) & 15u;
        memcpy(rest, in->at, bytes_left(in));
        bytes_skip(in, get_value(rest, one, multiply, &values[i], &bad));
    }
    if (bad) {
        bytes_fail(in);
    }
}
