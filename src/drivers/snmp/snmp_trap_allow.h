/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send traps: networks and addresses, by the bits of their prefix. Pure. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_TRAP_ALLOW_H
#define BUSBAR_DRIVERS_SNMP_SNMP_TRAP_ALLOW_H

#include "base/err.h"
#include "net/address.h"

enum { SNMP_TRAP_ALLOW_MAX = 256 };

struct snmp_trap_network {
    struct endpoint base;
    uint8_t bits;
};

struct snmp_trap_allow {
    bool any;
    size_t count;
    struct snmp_trap_network networks[SNMP_TRAP_ALLOW_MAX];
};

/* "10.0.4.0/24, 10.0.9.7, 2001:db8::/32", "any"; NULL and "": nobody. key: for the message. BUSBAR_ECONFIG with the
 * place. */
int snmp_trap_allow_parse(const char *text, const char *key, struct position at,
                          struct snmp_trap_allow *out, struct err *err);
/* Named by a network; `any` does not count here. */
bool snmp_trap_allow_names(const struct snmp_trap_allow *allow, const struct endpoint *from);

#endif
