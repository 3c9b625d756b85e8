/* SPDX-License-Identifier: Apache-2.0 */
/* A decimal text is m x 10^e with a whole m below 2^64. For e >= 0 the product m x 5^e has at most
 * 127 bits and is exact; for e < 0 the quotient m x 2^s / 5^-e is taken to 64 bits with its
 * remainder kept as one sticky bit. Either way the binary value is rounded once, half to even, as
 * IEEE 754 asks for; so it is the same double that strtod gives. */
#include "server/ingest/number.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum {
    DIGITS_MAX = 19, /* any number of so many digits is below 2^64 */
    POWER_MAX = 27,  /* 5^27 is below 2^64 */
    EXACT_POWER_MAX = 22,
    EXPONENT_MAX = 100000,
};
#define EXACT_MANTISSA_MAX (UINT64_C(1) << 53)

__extension__ typedef unsigned __int128 wide;

static const double tens[EXACT_POWER_MAX + 1] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

static const uint64_t fives[POWER_MAX + 1] = { 1u,
                                               5u,
                                               25u,
                                               125u,
                                               625u,
                                               3125u,
                                               15625u,
                                               78125u,
                                               390625u,
                                               1953125u,
                                               9765625u,
                                               48828125u,
                                               244140625u,
                                               1220703125u,
                                               UINT64_C(6103515625),
                                               UINT64_C(30517578125),
                                               UINT64_C(152587890625),
                                               UINT64_C(762939453125),
                                               UINT64_C(3814697265625),
                                               UINT64_C(19073486328125),
                                               UINT64_C(95367431640625),
                                               UINT64_C(476837158203125),
                                               UINT64_C(2384185791015625),
                                               UINT64_C(11920928955078125),
                                               UINT64_C(59604644775390625),
                                               UINT64_C(298023223876953125),
                                               UINT64_C(1490116119384765625),
                                               UINT64_C(7450580596923828125) };

/* ---- digits ---- */

static inline uint64_t load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* Goes on with the digits of *value, a byte at a time. */
static const char *few_digits(const char *at, const char *end, uint64_t *value)
{
    while (at < end && (unsigned)(*at - '0') < 10) {
        *value = *value * 10 + (unsigned)(*at - '0');
        at++;
    }
    return at;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Eight bytes of 0 to 9, the first digit in the lowest: pairs, then fours, then all. */
static inline uint64_t eight_value(uint64_t word)
{
    word = word * 10 + (word >> 8);
    return (((word & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
             ((word >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
            32) &
           UINT32_MAX;
}

/* Goes on with the digits of *value, up to eight at once; it wraps after 19, which the caller sees by
 * their count. The first byte that is no digit is told by its high bit after 0x76 was added; what
 * that carries only changes bytes behind it. */
static inline const char *digits(const char *at, const char *end, uint64_t *value)
{
    static const uint32_t scales[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000 };
    const uint64_t high = UINT64_C(0x8080808080808080);
    while (end - at >= 8) {
        uint64_t word = load(at) ^ UINT64_C(0x3030303030303030);
        uint64_t others = ((word + UINT64_C(0x7676767676767676)) | word) & high;
        if (others != 0) {
            unsigned bits = (unsigned)__builtin_ctzll(others) & ~7u;
            /* shifted up, so that zeros stand before the digits; twice, because 64 is too far */
            *value = *value * scales[bits / 8] + eight_value(word << 1 << (63 - bits));
            return at + bits / 8;
        }
        *value = *value * 100000000u + eight_value(word);
        at += 8;
    }
    return few_digits(at, end, value);
}
#else
static inline const char *digits(const char *at, const char *end, uint64_t *value)
{
    return few_digits(at, end, value);
}
#endif

/* More than 19 digits: zeros may stand before, and 20 fit up to 18446744073709551615. */
static const char *long_unsigned(const char *start, const char *at, uint64_t *value)
{
    while (*start == '0' && start + 1 < at) {
        start++;
    }
    uint64_t head = 0;
    if (at - start <= DIGITS_MAX) {
        *value = 0;
        return few_digits(start, at, value);
    }
    unsigned last = (unsigned)(at[-1] - '0');
    (void)few_digits(start, at - 1, &head);
    if (at - start > DIGITS_MAX + 1 || head > (UINT64_MAX - last) / 10) {
        return NULL;
    }
    *value = head * 10 + last;
    return at;
}

const char *ingest_unsigned(const char *at, const char *end, uint64_t *value)
{
    uint64_t sum = 0;
    const char *start = at;
    at = digits(at, end, &sum);
    if (at == start) {
        return NULL;
    }
    if (at - start > DIGITS_MAX) {
        return long_unsigned(start, at, value);
    }
    *value = sum;
    return at;
}

const char *ingest_integer(const char *at, const char *end, int64_t *value)
{
    bool negative = at < end && *at == '-';
    uint64_t sum = 0;
    at += negative || (at < end && *at == '+');
    at = ingest_unsigned(at, end, &sum);
    if (at == NULL || sum > (uint64_t)INT64_MAX + negative) {
        return NULL;
    }
    *value = (int64_t)(negative ? 0 - sum : sum);
    return at;
}

/* ---- m x 10^e ---- */

/* mantissa x 2^exponent, sticky: something not zero follows behind the last bit. */
static double round_bits(uint64_t mantissa, int exponent, bool sticky)
{
    int shift = __builtin_clzll(mantissa);
    mantissa <<= shift;
    exponent -= shift;
    uint64_t kept = mantissa >> 11;
    uint64_t rest = mantissa & 0x7ff;
    kept += rest > 0x400 || (rest == 0x400 && (sticky || (kept & 1) != 0));
    /* 2^52 <= kept <= 2^53, and 27 powers of ten are far from the ends of the range */
    uint64_t bits = ((uint64_t)(exponent + 11 + 1075 - 1) << 52) + kept;
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static double times_five(uint64_t mantissa, unsigned power)
{
    wide product = (wide)mantissa * fives[power];
    uint64_t high = (uint64_t)(product >> 64);
    uint64_t low = (uint64_t)product;
    if (high == 0) {
        return round_bits(low, (int)power, false);
    }
    int shift = __builtin_clzll(high);
    product <<= shift;
    return round_bits((uint64_t)(product >> 64), (int)power + 64 - shift, (uint64_t)product != 0);
}

static double over_five(uint64_t mantissa, unsigned power)
{
    int shift = __builtin_clzll(mantissa);
    int scale = __builtin_clzll(fives[power]);
    uint64_t divisor = fives[power] << scale;
    /* The top bit of the dividend is 0, so that the quotient fits. */
    wide dividend = (wide)(mantissa << shift) << 63;
    uint64_t quotient = (uint64_t)(dividend / divisor);
    bool rest = (uint64_t)dividend != quotient * divisor;
    return round_bits(quotient, scale - shift - 63 - (int)power, rest);
}

static bool scale_exactly(uint64_t mantissa, int exponent, double *value)
{
    if (mantissa == 0) {
        *value = 0;
    } else if (mantissa <= EXACT_MANTISSA_MAX && exponent >= -EXACT_POWER_MAX &&
               exponent <= EXACT_POWER_MAX) {
        *value = exponent < 0 ? (double)mantissa / tens[-exponent]
                              : (double)mantissa * tens[exponent];
    } else if (exponent >= 0 && exponent <= POWER_MAX) {
        *value = times_five(mantissa, (unsigned)exponent);
    } else if (exponent < 0 && exponent >= -POWER_MAX) {
        *value = over_five(mantissa, (unsigned)-exponent);
    } else {
        return false;
    }
    return true;
}

static bool scale_slowly(const char *at, const char *end, double *value)
{
    char text[INGEST_NUMBER_BYTES_MAX + 1];
    if (end - at > INGEST_NUMBER_BYTES_MAX) {
        return false;
    }
    memcpy(text, at, (size_t)(end - at));
    text[end - at] = '\0';
    return str_parse_double(text, value) == 0;
}

static const char *word(const char *at, const char *end, bool negative, double *value)
{
    static const struct {
        const char *text;
        double value;
    } words[] = { { "infinity", INFINITY }, { "inf", INFINITY }, { "nan", NAN } };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i].text);
        if ((size_t)(end - at) >= size && strncasecmp(at, words[i].text, size) == 0) {
            *value = negative ? -words[i].value : words[i].value;
            return at + size;
        }
    }
    return NULL;
}

static const char *exponent_of(const char *at, const char *end, int *exponent)
{
    bool negative = at < end && *at == '-';
    int sum = 0;
    at += negative || (at < end && *at == '+');
    const char *first = at;
    while (at < end && (unsigned)(*at - '0') < 10) {
        sum = sum < EXPONENT_MAX ? sum * 10 + (*at - '0') : sum;
        at++;
    }
    *exponent += negative ? -sum : sum;
    return at == first ? NULL : at;
}

const char *ingest_number(const char *at, const char *end, double *value)
{
    bool negative = at < end && *at == '-';
    at += negative || (at < end && *at == '+');
    const char *first = at;
    uint64_t mantissa = 0;
    int exponent = 0;
    double scaled = 0;
    at = digits(at, end, &mantissa);
    ptrdiff_t count = at - first;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = digits(at, end, &mantissa);
        exponent = -(int)(at - fraction > EXPONENT_MAX ? EXPONENT_MAX : at - fraction);
        count += at - fraction;
    }
    if (count == 0) {
        return at == first ? word(at, end, negative, value) : NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = exponent_of(at + 1, end, &exponent);
        if (at == NULL) {
            return NULL;
        }
    }
    if ((count > DIGITS_MAX || !scale_exactly(mantissa, exponent, &scaled)) &&
        !scale_slowly(first, at, &scaled)) {
        return NULL;
    }
    *value = negative ? -scaled : scaled;
    return at;
}
