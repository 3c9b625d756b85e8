/* SPDX-License-Identifier: Apache-2.0 */
/* Which agents are there.
 *
 *   on request       each address of the ranges is asked: who its engine is (one SNMPv3 question that needs no
 *                    password), then what it is called, with one login after another until one fits. So many
 *                    packets a second, and no more
 *   without asking   who sends a trap and is none of the devices is told as a find
 *
 * Nothing is ever written. An agent that answers to none of the logins is a find too: its engine id says who made it.
 * The same engine id at two addresses is the trouble of the second find.
 *
 * Options of a discovery:
 *   range        snmp_range.h: 10.0.4.0/24, 10.0.4.10-20, 10.0.4.2, 2001:db8::7; several by ","
 *   port         of the agents: 161
 *   credentials  only these parts of `credentials:`, in this order: "plant, old"
 *   public       also the community "public" (it is tried anyway where no credentials are configured)
 *   rate         packets a second
 *   wait         for the answer to one packet: 1s */
#ifndef BUSBAR_DRIVERS_SNMP_DISCOVER_H
#define BUSBAR_DRIVERS_SNMP_DISCOVER_H

#include "drivers/snmp/snmp_driver.h"

enum {
    SNMP_DISCOVER_LOGINS_MAX = 32, /* tried at one agent */
    SNMP_DISCOVER_RATE = 100,      /* packets a second */
    SNMP_DISCOVER_RATE_MAX = 5000,
    SNMP_DISCOVERIES_MAX = 4, /* at a time */
};

/* open(), close(). The client and the logins are those of `state` when a discovery begins: no discovery is under
 * way when they change. */
struct snmp_discover *snmp_discover_new(struct snmp_driver_state *state);
void snmp_discover_free(struct snmp_discover *discover); /* NULL is fine */

/* ops->discover, ops->discover_stop. The keys of all logins are made (snmp_logins_busy). */
void snmp_discover_begin(struct snmp_discover *discover, struct driver_discovery *discovery);
void snmp_discover_end(struct snmp_discover *discover, struct driver_discovery *discovery);

/* A trap or an inform of somebody who is none of the devices. */
struct snmp_heard {
    struct endpoint from;
    enum snmp_version version;
    struct bytes engine;        /* v3: of the sender; may be empty */
    struct snmp_oid enterprise; /* snmpTrapEnterprise, or of a v1 trap; size 0: none */
    const char *trap;           /* its name: "IF-MIB::linkDown"; "" */
};
/* discover may be NULL. */
void snmp_discover_heard(struct snmp_discover *discover, const struct snmp_heard *heard);

/* ops->find_key: nothing while the device's address is not known. */
void snmp_discover_key(const struct snmp_device *device, struct buf *out);

#endif
