/* SPDX-License-Identifier: Apache-2.0 */
/* Asks one address who is there: its engine, then one login after another until one fits, then what the agent says of
 * itself. Private to discovery. Loop thread only.
 *
 *   engine    SNMPv3, a user that no agent has: whatever it answers, its engine id stands in it
 *   login     GET of the system group with each login; SNMPv3 only where there is an engine
 *   details   GET of what is worth a fact
 *   tables    GETNEXT of what stands in snmp_find_tables: what is the device for? (not of v1)
 *
 * What nobody answers costs one packet for the engine, repeated once, and one for each v1 and v2c login. */
#ifndef BUSBAR_DRIVERS_SNMP_PROBE_H
#define BUSBAR_DRIVERS_SNMP_PROBE_H

#include "base/list.h"
#include "drivers/snmp/snmp_client.h"
#include "drivers/snmp/snmp_find.h"

struct snmp_probe;

/* What probes of one discovery share. */
struct snmp_probe_options {
    struct snmp_client *client;
    struct loop *loop;
    const struct snmp_login *nobody;        /* v3, to ask for the engine with */
    const struct snmp_login *const *logins; /* in the order in which they are tried */
    size_t login_count;
    int64_t wait_us; /* for an answer */
    /* A packet went out. */
    void (*sent)(void *ctx);
    /* Once, never from inside a call; probe->found tells what came, answered whether anything. It is at rest. */
    void (*done)(void *ctx, struct snmp_probe *probe);
    void *ctx;
};

enum snmp_probe_step {
    SNMP_PROBE_ENGINE,
    SNMP_PROBE_LOGIN,
    SNMP_PROBE_DETAILS,
    SNMP_PROBE_TABLES,
    SNMP_PROBE_DONE
};

struct snmp_probe {
    struct list link; /* the owner's */
    const struct snmp_probe_options *options;
    struct snmp_agent *agent;
    struct snmp_asked *asked; /* under way */
    struct loop_deferred next;
    size_t login; /* next to be tried */
    uint8_t step; /* enum snmp_probe_step */
    bool answered;
    struct snmp_found found;
};

/* options must live as long. */
struct snmp_probe *snmp_probe_new(const struct snmp_probe_options *options,
                                  const struct endpoint *address);
/* Ends what is under way; done() is not called. */
void snmp_probe_free(struct snmp_probe *probe);

#endif
