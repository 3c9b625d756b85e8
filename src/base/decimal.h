/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as decimal text, fast: for answers with a million numbers. A double becomes the shortest decimal that reads
 * back as the very same double (of those the nearest).
 *
 * What devices and people write has few decimals and is found by multiplying and looking; what a computation gave
 * has 16 or 17 digits and is worked out exactly in 128 bits; very large and very small numbers are rare and
 * left to the C library.
 */
#ifndef BUSBAR_BASE_DECIMAL_H
#define BUSBAR_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

enum { DECIMAL_TEXT_MAX = 32 }; /* room that the longest text needs */

/* value = digits x 10^exponent; digits at most 17 of them, 0 only for zero. */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* value: finite, its sign is ignored. */
struct decimal decimal_of(double value);

/* "21.5", "-0", "1e+21", "1e-07", "NaN", "+Inf", "-Inf": plain from 1e-6 to 1e21, as Prometheus writes values. Not
 * terminated; returns the length. */
size_t decimal_text(char to[DECIMAL_TEXT_MAX], double value);

/* The same for whole numbers. */
size_t decimal_u64(char to[DECIMAL_TEXT_MAX], uint64_t value);
size_t decimal_i64(char to[DECIMAL_TEXT_MAX], int64_t value);

#endif
