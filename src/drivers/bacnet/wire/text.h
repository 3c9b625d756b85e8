/* SPDX-License-Identifier: Apache-2.0 */
/* BACnet values as text for people: character strings of any encoding to UTF-8, everything else as a
 * person writes it. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_TEXT_H
#define BUSBAR_DRIVERS_BACNET_WIRE_TEXT_H

#include "base/buf.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/value.h"

/* Character sets, clause 20.2.9. */
enum bacnet_character_set {
    BACNET_SET_UTF8 = 0,
    BACNET_SET_DBCS = 1, /* with a code page; 437, 850, 1252 and Latin ones are known */
    BACNET_SET_JIS = 2,  /* JIS X 0208 is not decoded: only its ASCII */
    BACNET_SET_UCS4 = 3,
    BACNET_SET_UCS2 = 4,
    BACNET_SET_LATIN1 = 5,
};

/* Appends a CHARACTERS value as UTF-8; control characters stay. Returns how many characters or
 * bytes could not be read and became U+FFFD: 0 = exact. */
size_t bacnet_print_characters(const struct bacnet_value *value, struct buf *out);

/* As a person writes it: 21.5, true, "text without quotes", octets as hex, 2026-11-22 (Sunday), "any"
 * for fields not said, analog-input:1; enumerated and bits by the names of `list` (BACNET_LIST_NONE:
 * numbers, and bits as 0110). */
void bacnet_print_value(const struct bacnet_value *value, enum bacnet_list list, struct buf *out);

/* A property's whole value: one element as above, several as [a, b, c]; constructed ones as
 * { 0: ..., 1: { ... } } by their context tags, primitives in them as hex. At most `max` bytes are
 * appended, then "...". Broken bytes are shown as hex. */
void bacnet_print_elements(struct bytes in, enum bacnet_list list, size_t max, struct buf *out);

/* "2026-11-22", "*-12-25", "any"; special months and days by their words ("odd months", "last day"). */
void bacnet_print_date(const struct bacnet_date *date, struct buf *out);
/* "07:30:00.00", "07:*". */
void bacnet_print_time(const struct bacnet_time *time, struct buf *out);

#endif
