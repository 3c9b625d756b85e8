/* SPDX-License-Identifier: Apache-2.0 */
/* Users of version 3 that may send: their keys at each engine, and the clocks of the engines.
 *
 * A trap is sealed with the keys of its sender's engine, so keys are made for each pair of engine and user (RFC 3414,
 * 2.6), and kept once a message has proved that it knows them: a stranger can make us hash a little, and keep nothing.
 * With the keys is kept the clock of that engine, so that nobody can send an old trap again (RFC 3414, 3.2 7 b).
 *
 * The first message of an engine sets its clock, unless the device is polled: then it must fit the clock that the
 * polls know. Whose clock went back is refused; polls find out the new one, and without polls it is believed again after
 * SNMP_TRAP_CLOCK_S. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_TRAP_USERS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_TRAP_USERS_H

#include "base/list.h"
#include "base/map.h"
#include "drivers/snmp/usm/usm.h"

enum {
    SNMP_TRAP_KEYS_MAX = 20000,   /* pairs of engine and user; the longest unused ones go */
    SNMP_TRAP_CANDIDATES_MAX = 8, /* users of one name that are tried */
    SNMP_TRAP_CLOCK_S = 3600,
    SNMP_TRAP_COSTLY_US =
        50000, /* between makings of keys of the `-Cisco` ciphers, which cost milliseconds */
    SNMP_TRAP_COSTLY_BURST = 32, /* of them at once: devices that start together */
};

struct snmp_trap_users {
    struct map64 keys; /* by engine and name: struct snmp_trap_keys */
    struct list used;  /* the same, the longest unused first */
    int64_t costly_us; /* what was made of keys that cost milliseconds is paid for then */
};

void snmp_trap_users_init(struct snmp_trap_users *users);
void snmp_trap_users_fini(struct snmp_trap_users *users);

struct snmp_trap_try {
    const struct snmp_message *message;
    const struct usm_parameters *parameters;
    struct usm_user *const *candidates; /* who may send and has this name, now; borrowed */
    size_t candidate_count;
    struct usm_engine *own;         /* an inform, whose engine is ours; NULL: a trap */
    const struct usm_engine *known; /* the clock that polls of the device know; NULL: none */
    int64_t now_us;
    uint8_t *room; /* for what is decrypted */
    size_t room_size;
};
/* Checks and opens a message. user, keys: whose it is, also of one that is only out of its time, which a Report must say
 * with those keys; valid until the next call. keys NULL: without authentication. */
enum usm_trouble snmp_trap_users_open(struct snmp_trap_users *users,
                                      const struct snmp_trap_try *attempt,
                                      struct snmp_scoped *scoped, struct usm_user **user,
                                      const struct usm_keys **keys);

#endif
