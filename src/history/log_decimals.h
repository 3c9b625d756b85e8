/* SPDX-License-Identifier: Apache-2.0 */
/* Doubles of a log record, most of which are decimals: 4 bits say what each is, then come its bytes.
 *
 *   codes   4 bits each, low half first, padded to a byte
 *   bytes   of value after value, low byte first, numbers with their sign
 *
 *    0  0.0, no bytes               9..10  n / 100 in 2, 3 bytes
 *    1  1.0, no bytes              11..12  n / 1000 in 2, 3 bytes
 *    2..5  n in 1, 2, 3, 4 bytes   13      a float of 4 bytes
 *    6..8  n / 10 in 1, 2, 3       14      a byte: exponent (high half) and size - 1; n / 10^exponent
 *                                  15      the double itself, 8 bytes
 *
 * Or, for all of them, n x 10^-exponent instead of n / 10^exponent: what a register scaled by 0.1 is.
 *
 * Every double comes back bit by bit. Made for speed (some nanoseconds a value, on the loop); the
 * chunks of the head and of blocks say the same in fewer bytes. */
#ifndef BUSBAR_HISTORY_LOG_DECIMALS_H
#define BUSBAR_HISTORY_LOG_DECIMALS_H

#include "base/bytes.h"
#include "model/sample.h"

#define HISTORY_DECIMAL_BYTES 10u /* a value at most; and so many more in all */

enum history_decimals {
    HISTORY_DECIMALS_NONE, /* most values are no short decimals */
    HISTORY_DECIMALS_DIVIDE,
    HISTORY_DECIMALS_MULTIPLY
};

/* What most of these values are (some are looked at). */
enum history_decimals history_decimals_fit(const union value *values, size_t count);
/* Needs room for (count + 1) x HISTORY_DECIMAL_BYTES. */
void history_decimals_put(struct bytes_out *out, enum history_decimals kind,
                          const union value *values, size_t count);
/* Fails the cursor when the bytes are no such column. */
void history_decimals_get(struct bytes *in, enum history_decimals kind, union value *values,
                          size_t count);

#endif
