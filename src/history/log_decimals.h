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
 * Every double comes back bit by bit. Made for speed (some nanoseconds a value, on the loop); the
 * chunks of the head and of blocks say the same in fewer bytes. */
#ifndef BUSBAR_HISTORY_LOG_DECIMALS_H
#define BUSBAR_HISTORY_LOG_DECIMALS_H

#include "base/bytes.h"
#include "model/sample.h"

#define HISTORY_DECIMAL_BYTES 10u /* a value at most; and so many more in all */

/* Whether most of these values (some are looked at) are short decimals. */
bool history_decimals_fit(const union value *values, size_t count);
/* Needs room for (count + 1) x HISTORY_DECIMAL_BYTES. */
void history_decimals_put(struct bytes_out *out, const union value *values, size_t count);
/* Fails the cursor when the bytes are no such column. */
void history_decimals_get(struct bytes *in, union value *values, size_t count);

#endif
