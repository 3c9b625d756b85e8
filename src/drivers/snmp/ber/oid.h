/* SPDX-License-Identifier: Apache-2.0 */
/* Object identifiers, kept as they are on the wire: the content octets of BER (X.690, 8.19), minimal in
 * each sub-identifier. So a request is copied together, an answer is compared by memcmp, and only where
 * people or tables look at one is it taken apart.
 *
 * Limits are those of RFC 3416, 4.1 and RFC 2578, 3.5: 128 sub-identifiers of 32 bits each. */
#ifndef BUSBAR_DRIVERS_SNMP_BER_OID_H
#define BUSBAR_DRIVERS_SNMP_BER_OID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    SNMP_OID_PARTS_MAX = 128,
    SNMP_OID_BYTES_MAX = 5 * SNMP_OID_PARTS_MAX,
    SNMP_OID_TEXT_MAX = 11 * SNMP_OID_PARTS_MAX + 1, /* "4294967295." for each, and the NUL */
};

/* Borrowed. size 0: none (as a value also 0.0 as some agents write it). */
struct snmp_oid {
    const uint8_t *bytes;
    uint16_t size;
};

/* One that owns its bytes, for building. `oid.bytes` is `bytes`: never copy the struct, use snmp_oid_take(). */
struct snmp_oid_buf {
    struct snmp_oid oid;
    uint8_t bytes[SNMP_OID_BYTES_MAX];
};

/* Whether content octets of the wire are an OID: no sub-identifier over 32 bits, not cut, minimal, at most
 * SNMP_OID_PARTS_MAX. */
bool snmp_oid_good(const uint8_t *bytes, size_t size);

/* "1.3.6.1.2.1" or ".1.3.6.1.2.1": digits only. BUSBAR_EINVAL with the reason (a part too big, no digits, first
 * part over 2, fewer than two parts). */
int snmp_oid_parse(const char *text, struct snmp_oid_buf *out, struct err *err);
void snmp_oid_print(struct snmp_oid oid, struct buf *out); /* "1.3.6.1.2.1" */

void snmp_oid_take(struct snmp_oid_buf *to, struct snmp_oid from);
/* BUSBAR_ELIMIT: too long, nothing was appended. `part` may be the third or a later one only. */
int snmp_oid_append(struct snmp_oid_buf *to, uint32_t part);
int snmp_oid_append_oid(struct snmp_oid_buf *to,
                        struct snmp_oid tail); /* parts as from snmp_oid_tail() */

bool snmp_oid_equal(struct snmp_oid a, struct snmp_oid b);
/* By sub-identifiers, as GETNEXT walks: below 0, 0, above 0. */
int snmp_oid_order(struct snmp_oid a, struct snmp_oid b);
/* Whether `oid` is `prefix` or below it. */
bool snmp_oid_under(struct snmp_oid oid, struct snmp_oid prefix);
/* What stands behind a prefix that it is under: bytes of sub-identifiers, to be read by snmp_oid_next(). */
struct snmp_oid snmp_oid_tail(struct snmp_oid oid, struct snmp_oid prefix);

size_t snmp_oid_count(struct snmp_oid oid); /* sub-identifiers, the first octet is two */
/* Takes sub-identifiers from the front of a tail (never of a whole OID, whose first octet is two). False: none left. */
bool snmp_oid_next(struct snmp_oid *tail, uint32_t *part);
/* All of a whole OID; returns the count, at most `max`. */
size_t snmp_oid_parts(struct snmp_oid oid, uint32_t *parts, size_t max);
int snmp_oid_of(const uint32_t *parts, size_t count, struct snmp_oid_buf *out); /* BUSBAR_EINVAL */

#endif
