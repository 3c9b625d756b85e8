/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files of snmp_value: what reading, writing and printing share. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_VALUE_PARTS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_VALUE_PARTS_H

#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_value.h"

enum {
    SNMP_TICKS_PER_S = 100,
    SNMP_IP_BYTES = 4,
    SNMP_DATE_BYTES = 8,       /* of DateAndTime without a time zone (RFC 2579, 2) */
    SNMP_DATE_ZONE_BYTES = 11, /* with one */
    SNMP_BITS_MAX = 4096,      /* bits of one value that are looked at */
    SNMP_OPAQUE_TAG = 0x9f,    /* of what an Opaque wraps (NET-SNMP-TC) ... */
    SNMP_OPAQUE_COUNTER64 = 0x76,
    SNMP_OPAQUE_FLOAT = 0x78,
    SNMP_OPAQUE_DOUBLE = 0x79,
    SNMP_OPAQUE_I64 = 0x7a,
    SNMP_OPAQUE_U64 = 0x7b,
};

struct snmp_number {
    bool real;     /* d, else: */
    bool negative; /* of u as int64_t */
    uint64_t u;
    double d;
};
/* The number in any of the numeric types. 0, or the detail: SNMP_DETAIL_WRONG_TYPE (none of them), SNMP_DETAIL_BROKEN. */
uint16_t snmp_number_of(const struct snmp_value *value, struct snmp_number *out);

bool snmp_hint_is_text(const char *hint); /* "255a", "255t", "64a": nothing but text */
/* Appends octets as a person reads them: by a DISPLAY-HINT ("": none), else as text where they are one, else "00:1a:2b". */
void snmp_octets_print(const char *hint, struct bytes octets, struct buf *out);
void snmp_hex_print(struct bytes octets, struct buf *out);
/* DateAndTime in RFC 3339; without a zone it ends with the second. False: it is none; nothing was appended. */
bool snmp_date_print(struct bytes octets, struct buf *out);
/* "a, b": names of the bits that are set, numbers where there is none. number: "a(0), b(1)". */
void snmp_bits_print(const struct mib_enum *enums, size_t count, struct bytes octets, bool numbers,
                     struct buf *out);
bool snmp_ip_print(struct bytes octets, struct buf *out); /* false: not 4 octets */

/* The name of a value; NULL: none. */
const char *snmp_enum_name(const struct mib_enum *enums, size_t count, int64_t value);

#endif
