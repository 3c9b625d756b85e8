/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLAIN_PLACES_MAX = 8, /* decimals that are tried by multiplying */
    SCALE_MAX = 27,       /* 5^27 still fits in 64 bits */
    DIGITS = 17,
    EXPONENT_MIN = -36, /* of two */
    EXPONENT_MAX = 55,
};

#define PLAIN_MAX 1000000000000000U /* 10^15: shorter decimals never share a double */

__extension__ typedef unsigned __int128 wide;

static const uint64_t powers_of_five[SCALE_MAX + 1] = { 1U,
                                                        5U,
                                                        25U,
                                                        125U,
                                                        625U,
                                                        3125U,
                                                        15625U,
                                                        78125U,
                                                        390625U,
                                                        1953125U,
                                                        9765625U,
                                                        48828125U,
                                                        244140625U,
                                                        1220703125U,
                                                        6103515625U,
                                                        30517578125U,
                                                        152587890625U,
                                                        762939453125U,
                                                        3814697265625U,
                                                        19073486328125U,
                                                        95367431640625U,
                                                        476837158203125U,
                                                        2384185791015625U,
                                                        11920928955078125U,
                                                        59604644775390625U,
                                                        298023223876953125U,
                                                        1490116119384765625U,
                                                        7450580596923828125U };

/* ---- a double's decimal ---- */

/* Takes the zeros off the end. */
static struct decimal strip(uint64_t digits, int exponent)
{
    for (; digits % 10000 == 0 && digits > 0; digits /= 10000) {
        exponent += 4;
    }
    for (; digits % 10 == 0 && digits > 0; digits /= 10) {
        exponent++;
    }
    return (struct decimal){ .digits = digits, .exponent = exponent };
}

/* n / 10^places with n below 10^15: one look at the most decimals that may be says it. */
static bool find_plain(double value, struct decimal *out)
{
    static const double scales[PLAIN_PLACES_MAX + 1] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8
    };
    int places = PLAIN_PLACES_MAX;
    while (places > 0 && value * scales[places] >= (double)PLAIN_MAX) {
        places--;
    }
    double scaled = value * scales[places];
    if (scaled >= (double)PLAIN_MAX) {
        return false;
    }
    uint64_t digits = (uint64_t)(int64_t)(scaled + 0.5);
    double whole = (double)(int64_t)digits;
    if (fabs(scaled - whole) > whole * 0x1p-51 || whole / scales[places] != value) {
        return false;
    }
    *out = strip(digits, -places);
    return true;
}

/* All decimals between the two neighbours' halfway points read back as the value. Scaled so that the
 * value has 17 or 18 digits before the point, the bounds are `units` x 2^-shift, exactly. */
struct interval {
    wide value, half; /* half: of the distance to a neighbour */
    int shift;
    bool closed; /* the bounds themselves read back as the value too */
};

static uint64_t whole_part(wide units, int shift, bool *rest)
{
    if (shift <= 0) {
        *rest = false;
        return (uint64_t)(units << -shift);
    }
    uint64_t whole = (uint64_t)(units >> shift);
    *rest = (wide)whole << shift != units;
    return whole;
}

/* What is left of the value behind its whole part: below, at or above a half (-1, 0, 1). */
static int compare_half(const struct interval *in, uint64_t whole)
{
    wide left = in->value - ((wide)whole << in->shift);
    wide half = (wide)1 << (in->shift - 1);
    return left < half ? -1 : left > half;
}

/* The shortest number between the bounds; of those the nearest to the value. */
static struct decimal shortest(const struct interval *in, int scale)
{
    bool low_rest, high_rest, rest;
    int dropped = 0;
    uint64_t low = whole_part(in->value - in->half, in->shift, &low_rest);
    uint64_t high = whole_part(in->value + in->half, in->shift, &high_rest);
    uint64_t digits = whole_part(in->value, in->shift, &rest);
    int half = rest ? compare_half(in, digits) : -1;
    low += low_rest || !in->closed;
    high -= !high_rest && !in->closed;
    while ((low + 9) / 10 <= high / 10) {
        uint64_t last = digits % 10;
        half = last < 5 || (last == 5 && !rest) ? -1 : 1;
        half = last == 5 && !rest ? 0 : half;
        rest = rest || last != 0;
        low = (low + 9) / 10;
        high /= 10;
        digits /= 10;
        dropped++;
    }
    digits += half > 0 || (half == 0 && digits % 2 == 1);
    digits = digits < low ? low : digits > high ? high : digits;
    return (struct decimal){ .digits = digits, .exponent = dropped - scale };
}

/* Normal numbers from 10^-11 to 10^17 whose neighbours are equally far. */
static bool find_exactly(double value, struct decimal *out)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    int exponent = (int)(bits >> 52) - 1023; /* value = 1.mantissa x 2^exponent */
    if (exponent < EXPONENT_MIN || exponent > EXPONENT_MAX || mantissa == 0) {
        return false;
    }
    int scale = DIGITS - 1 -
                (exponent * 1233 >> 12); /* x log10(2), rounded down: 17 or 18 digits */
    if (scale < 0 || scale > SCALE_MAX) {
        return false;
    }
    mantissa |= UINT64_C(1) << 52;
    uint64_t five = powers_of_five[scale];
    struct interval in = { .value = (wide)(2 * mantissa) * five,
                           .half = five,
                           .shift = 53 - exponent - scale,
                           .closed = mantissa % 2 == 0 };
    *out = shortest(&in, scale);
    return true;
}

static struct decimal find_slowly(double value)
{
    char text[40] = "";
    for (int digits = value < DBL_MIN ? 1 : 15; digits <= DIGITS; digits++) {
        (void)snprintf(text, sizeof(text), "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    struct decimal out = { 0 };
    const char *at = text;
    int places = 0;
    for (; *at != '\0' && *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            out.digits = out.digits * 10 + (uint64_t)(*at - '0');
            places += at > text;
        }
    }
    for (; out.digits > 0 && out.digits % 10 == 0; out.digits /= 10) {
        places--;
    }
    out.exponent = (*at == 'e' ? (int)strtol(at + 1, NULL, 10) : 0) - places;
    return out;
}

struct decimal decimal_of(double value)
{
    struct decimal out = { 0 };
    value = fabs(value);
    if (value == 0 || find_plain(value, &out) || find_exactly(value, &out)) {
        return out;
    }
    return find_slowly(value);
}

/* ---- text ---- */

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* Eight digits, zeros in front. */
static void put_eight(char *to, uint32_t value)
{
    uint32_t high = value / 10000, low = value % 10000;
    memcpy(to, pairs + high / 100 * 2, 2);
    memcpy(to + 2, pairs + high % 100 * 2, 2);
    memcpy(to + 4, pairs + low / 100 * 2, 2);
    memcpy(to + 6, pairs + low % 100 * 2, 2);
}

static size_t digits_of(uint64_t value)
{
    static const uint64_t powers[] = { 0,
                                       10U,
                                       100U,
                                       1000U,
                                       10000U,
                                       100000U,
                                       1000000U,
                                       10000000U,
                                       100000000U,
                                       1000000000U,
                                       10000000000U,
                                       100000000000U,
                                       1000000000000U,
                                       10000000000000U,
                                       100000000000000U,
                                       1000000000000000U,
                                       10000000000000000U,
                                       100000000000000000U,
                                       1000000000000000000U,
                                       10000000000000000000U };
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned digits = bits * 1233 >> 12; /* x log10(2): this many, or one more */
    return digits + (value >= powers[digits]);
}

size_t decimal_u64(char to[DECIMAL_TEXT_MAX], uint64_t value)
{
    size_t size = digits_of(value);
    char *at = to + size;
    while (value >= 100000000) {
        at -= 8;
        put_eight(at, (uint32_t)(value % 100000000));
        value /= 100000000;
    }
    uint32_t left = (uint32_t)value;
    while (at - to >= 2) {
        at -= 2;
        memcpy(at, pairs + left % 100 * 2, 2);
        left /= 100;
    }
    if (at > to) {
        to[0] = (char)('0' + left);
    }
    return size;
}

size_t decimal_i64(char to[DECIMAL_TEXT_MAX], int64_t value)
{
    if (value >= 0) {
        return decimal_u64(to, (uint64_t)value);
    }
    char text[DECIMAL_TEXT_MAX];
    size_t size = decimal_u64(text, -(uint64_t)value);
    to[0] = '-';
    memcpy(to + 1, text, size);
    return size + 1;
}

/* The digits with a point so many places from their end. */
static size_t put_plain(char *to, struct decimal decimal)
{
    size_t size = decimal_u64(to, decimal.digits);
    if (decimal.exponent >= 0) {
        for (int i = 0; i < decimal.exponent; i++) {
            to[size++] = '0';
        }
        return size;
    }
    size_t places = (size_t)-decimal.exponent;
    if (size <= places) {
        memmove(to + 2 + places - size, to, size);
        memcpy(to, "0.", 2);
        memset(to + 2, '0', places - size);
        return 2 + places;
    }
    char *point = to + size - places;
    if (places <= sizeof(uint64_t)) { /* in one go: there is room behind it */
        uint64_t digits;
        memcpy(&digits, point, sizeof(digits));
        memcpy(point + 1, &digits, sizeof(digits));
    } else {
        memmove(point + 1, point, places);
    }
    *point = '.';
    return size + 1;
}

static size_t put_scientific(char *to, struct decimal decimal)
{
    char digits[DECIMAL_TEXT_MAX];
    size_t size = decimal_u64(digits, decimal.digits);
    int exponent = decimal.exponent + (int)size - 1;
    while (size > 1 && digits[size - 1] == '0') {
        size--;
    }
    size_t used = 0;
    to[used++] = digits[0];
    if (size > 1) {
        to[used++] = '.';
        memcpy(to + used, digits + 1, size - 1);
        used += size - 1;
    }
    to[used++] = 'e';
    to[used++] = exponent < 0 ? '-' : '+';
    exponent = abs(exponent);
    if (exponent < 10) {
        to[used++] = '0';
    }
    return used + decimal_u64(to + used, (uint64_t)exponent);
}

size_t decimal_text(char to[DECIMAL_TEXT_MAX], double value)
{
    if (isnan(value)) {
        memcpy(to, "NaN", 3);
        return 3;
    }
    if (isinf(value)) {
        memcpy(to, value < 0 ? "-Inf" : "+Inf", 4);
        return 4;
    }
    size_t sign = signbit(value) != 0;
    to[0] = '-';
    value = fabs(value);
    struct decimal decimal = decimal_of(value);
    bool plain = value == 0 || (value >= 1e-6 && value < 1e21);
    return sign + (plain ? put_plain(to + sign, decimal) : put_scientific(to + sign, decimal));
}
