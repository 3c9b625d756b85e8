/* SPDX-License-Identifier: Apache-2.0 */
/* DISPLAY-HINT both ways (RFC 2579, 3.1): how a textual convention wants its numbers and octets to be read.
 *
 *   integers   "d" "d-2" "x" "o" "b"           d-2: the last two digits stand behind a point
 *   octets     ["*"] LENGTH FORMAT [SEPARATOR [TERMINATOR]] ...
 *              "255a", "255t", "1x:", "2d-1d-1d,1d:1d:1d.1d,1a1d:1d"
 *
 * A hint that is no good gives false or BUSBAR_EINVAL, never a wrong text. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_HINT_H
#define BUSBAR_DRIVERS_SNMP_MIB_HINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    MIB_HINT_DIGITS_MAX = 18,    /* behind the point of "d-18" */
    MIB_HINT_TEXT_MAX = 1 << 18, /* of what is parsed, and of what comes of it */
};

/* What "d-2" divides by: 100; 1 for all that is not of this kind. */
double mib_hint_divisor(const char *hint);

/* "d-2": -1234 -> "-12.34"; "x": 255 -> "ff". False: not a hint of integers; nothing was appended. */
bool mib_hint_int(const char *hint, int64_t value, struct buf *out);
/* The other way: 0, BUSBAR_EINVAL (not such a text), BUSBAR_ERANGE (more digits than there are, or over 64 bits). */
int mib_hint_parse_int(const char *hint, const char *text, int64_t *out);

/* False: not a hint of octets, or these octets cannot be shown by it: text ("a", "t") that is not printable (UTF-8); nothing was
 * appended. */
bool mib_hint_octets(const char *hint, const uint8_t *data, size_t size, struct buf *out);
/* The other way, for writing: appends octets. 0, BUSBAR_EINVAL (not such a text), BUSBAR_ERANGE (a number too big for
 * its octets), BUSBAR_ELIMIT. On an error nothing was appended. */
int mib_hint_parse_octets(const char *hint, const char *text, struct buf *out);

#endif
