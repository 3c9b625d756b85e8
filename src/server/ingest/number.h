/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in text that is not NUL-terminated, as fast as they can be read without being wrong: up
 * to 19 digits and decimal exponents within +-27 are computed exactly in 128 bits and rounded once
 * (to even), which is every number a sensor writes; the rest goes to strtod. */
#ifndef BUSBAR_SERVER_INGEST_NUMBER_H
#define BUSBAR_SERVER_INGEST_NUMBER_H

#include <stdint.h>

enum { INGEST_NUMBER_BYTES_MAX = 400 }; /* longest text of a number */

/* Reads a decimal number at the beginning of [at, end): sign, digits, fraction, exponent; or NaN,
 * Inf, Infinity in any case, with a sign. Gives the first byte behind it, NULL when there is none or
 * it is too big for a double. */
const char *ingest_number(const char *at, const char *end, double *value);

/* A whole number that fits; NULL when there is none. Stops at the first byte that is no digit. */
const char *ingest_integer(const char *at, const char *end, int64_t *value);
const char *ingest_unsigned(const char *at, const char *end, uint64_t *value);

#endif
