/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as CBOR has them: whole ones of any length, and half precision. Pure. */
#ifndef BUSBAR_PAYLOAD_NUMBER_H
#define BUSBAR_PAYLOAD_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole number of any length, big endian; negative: it stands for -1 - n (RFC 8949, 3.4.3). True: it fits *whole; else
 * it is in *real, rounded to the nearest. */
bool payload_big_integer(const uint8_t *data, size_t size, bool negative, int64_t *whole,
                         double *real);

/* IEEE 754 binary16. */
double payload_half(uint16_t bits);

/* The nearest double to mantissa x 10^exponent; infinite where that is too big. */
double payload_decimal(int64_t mantissa, int64_t exponent);

#endif
