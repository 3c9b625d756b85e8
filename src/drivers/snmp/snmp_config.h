/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings of a device, of a point and of the driver say, taken out and checked. Pure. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_CONFIG_H
#define BUSBAR_DRIVERS_SNMP_SNMP_CONFIG_H

#include "config/setup.h"
#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/usm/user.h"
#include "net/address.h"

/* Who to log in as: the keys `version, community, user, auth, auth_type, priv, priv_type, context` of a device or of a
 * part of `credentials:`. Secrets by their names. */
struct snmp_identity {
    enum snmp_version version;
    const char *community; /* name of a secret; NULL: "public" */
    const char *user;
    const char *auth, *priv; /* names of secrets; NULL: none */
    enum usm_auth auth_type;
    enum usm_priv priv_type;
    const char *context;
};

/* Texts are the settings'. */
struct snmp_config {
    struct address host;     /* port 161 by default */
    const char *credentials; /* name of the part; NULL: `identity` is its own */
    struct snmp_identity identity;
    int64_t timeout_us;         /* of one transmission */
    int retries;                /* transmissions after the first */
    int max_oids;               /* in one question; what is learned may be less */
    int max_repetitions;        /* of GETBULK */
    bool bulk;                  /* may be asked by GETBULK (never of v1) */
    bool any_source;            /* answers may come from another address of it */
    bool traps;                 /* its traps are taken */
    const char *trap_addresses; /* more addresses its traps come from: "10.0.9.1, 10.0.9.2"; NULL */
};

#endif
