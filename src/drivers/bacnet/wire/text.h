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
    BACNET_SET_DBCS =
        1,              /* with a code page: 437, 850, 1252, Latin-1, UTF-8; of others only ASCII */
    BACNET_SET_JIS = 2, /* JIS X 0208 is not decoded: only its ASCII */
    BACNET_SET_UCS4 = 3,
    BACNET_SET_UCS2 = 4,
    BACNET_SET_LATIN1 = 5,
};

/* Appends a CHARACTERS value as UTF-8. NULs at its end are left out, other control characters stay.
 * Returns how many characters or bytes could not be read and became U+FFFD: 0 = exact. */
size_t bacnet_print_characters(const struct bacnet_value *value, struct buf *out);

/* As a person writes it: 21.5, true, text without quotes, octets as hex, 2026-11-22, analog-input:1;
 * enumerated and bits by the names of `list` (BACNET_LIST_NONE: numbers, and bits as 0110); of bits
 * those that are set: "fault,out-of-service", or "none". */
void bacnet_print_value(const struct bacnet_value *value, enum bacnet_list list, struct buf *out);

/* A property's whole value: one element as above, several as [a, b, c]; constructed ones as
 * {0: ..., 1: {...}} by their context tags, primitives with a context tag as hex. At most `max` bytes,
 * then "...". What is broken is shown as hex, behind "broken ". */
void bacnet_print_elements(struct bytes in, enum bacnet_list list, size_t max, struct buf *out);

/* "2026-11-22"; patterns (clause 20.2.12) with "*" for what is not said, "odd", "even" months and days, "last"
 * day, and a weekday: "*-12-25", "*-*-last", "*-*-* monday"; nothing said: "any". */
void bacnet_print_date(const struct bacnet_date *date, struct buf *out);
/* "07:30:00", "07:30:00.25", "07:*:*"; nothing said: "any". */
void bacnet_print_time(const struct bacnet_time *time, struct buf *out);

#endif
