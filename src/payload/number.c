/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Rounded once: the first 64 bits, of which the last also stands for all that follow, are more than a double holds. */
static double wide(const uint8_t *data, size_t size)
{
    uint64_t top = 0;
    bool more = false;
    for (size_t i = 0; i < size; i++) {
        if (i < sizeof(top)) {
            top = top << 8 | data[i];
        } else {
            more = more || data[i] != 0;
        }
    }
    size_t behind = size > sizeof(top) ? size - sizeof(top) : 0;
    if (behind > 1024) { /* bytes: no double is as big */
        return INFINITY;
    }
    return ldexp((double)(top | (more ? 1 : 0)), (int)(8 * behind));
}

bool payload_big_integer(const uint8_t *data, size_t size, bool negative, int64_t *whole,
                         double *real)
{
    while (size > 0 && *data == 0) {
        data++;
        size--;
    }
    uint64_t small = 0;
    for (size_t i = 0; i < size && i < sizeof(small); i++) {
        small = small << 8 | data[i];
    }
    if (size <= sizeof(small) && small <= INT64_MAX) {
        *whole = negative ? -1 - (int64_t)small : (int64_t)small;
        return true;
    }
    *real = negative ? -1.0 - wide(data, size) : wide(data, size);
    return false;
}

double payload_half(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    double value;
    if (exponent == 0) {
        value = ldexp(fraction, -24);
    } else if (exponent != 31) {
        value = ldexp(fraction + 1024, exponent - 25);
    } else {
        value = fraction == 0 ? INFINITY : NAN;
    }
    return (bits & 0x8000) != 0 ? -value : value;
}

double payload_decimal(int64_t mantissa, int64_t exponent)
{
    enum { FAR = 400 }; /* beyond: infinite or 0 whatever the mantissa is */
    char text[64];
    int power = exponent > FAR ? FAR : exponent < -FAR ? -FAR : (int)exponent;
    (void)snprintf(text, sizeof(text), "%llde%d", (long long)mantissa, power);
    return strtod(text, NULL);
}
