/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a discovery asks, as a person writes them. Pure.
 *
 *   10.0.4.0/24               all hosts of a network (not its own and its broadcast address)
 *   10.0.4.10-10.0.4.20       from one to another; 10.0.4.10-20 for short
 *   10.0.4.2  2001:db8::7     one
 *   10.0.4.2:1161             one, at another port
 *
 * Several are parted by ',' or spaces. */
#ifndef BUSBAR_DRIVERS_SNMP_RANGE_H
#define BUSBAR_DRIVERS_SNMP_RANGE_H

#include "net/address.h"

enum {
    SNMP_RANGES_MAX = 256,           /* of one discovery */
    SNMP_RANGE_ADDRESSES_MAX = 65536 /* in all of them */
};

struct snmp_range {
    struct endpoint first; /* with its port */
    uint32_t count;        /* addresses from there on; 1 for v6 */
};

struct snmp_ranges {
    struct snmp_range list[SNMP_RANGES_MAX];
    size_t count;
    uint32_t addresses; /* in all */
};

/* port: where none is given. BUSBAR_EINVAL, BUSBAR_ELIMIT, with the reason and what may be written. */
int snmp_ranges_parse(const char *text, uint16_t port, struct snmp_ranges *out, struct err *err);

/* The address of a number below out->addresses. */
struct endpoint snmp_ranges_at(const struct snmp_ranges *ranges, uint32_t number);

#endif
