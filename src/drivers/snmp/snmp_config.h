/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings of a device, of a login and of the driver say, taken out and checked. Pure: settings in, plain
 * structs out; their texts are borrowed from the settings. (Those of a point: snmp_address.h.)
 *
 *   drivers:
 *     snmp:
 *       mibs: mibs
 *       source_ports: 40000-40015
 *       credentials:
 *         plant: { user: busbar, auth: !secret sw-auth, priv: !secret sw-priv }
 *   devices:
 *     switch-1:
 *       snmp: { host: 10.0.4.2, credentials: plant }
 *
 * A call returns 0, or BUSBAR_ECONFIG with place and hint in err, which may be NULL. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_CONFIG_H
#define BUSBAR_DRIVERS_SNMP_SNMP_CONFIG_H

#include "base/buf.h"
#include "config/setup.h"
#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/usm/user.h"
#include "net/address.h"

struct mib;
struct snmp_trap_options;

extern const struct option snmp_setup_options[];
extern const struct option snmp_part_options[];
extern const struct option snmp_device_options[];
extern const struct option snmp_point_options[];

/* Who to log in as: the keys `version, community, user, auth, auth_type, priv, priv_type, context` of a device or of a
 * part of `credentials:`. Secrets by their names. */
struct snmp_identity {
    enum snmp_version version;
    const char *community; /* name of a secret; NULL: "public" */
    const char *user;
    const char *auth, *priv; /* names of secrets; NULL: none */
    enum usm_auth auth_type; /* USM_AUTH_NONE without `auth` */
    enum usm_priv priv_type;
    const char *context; /* NULL: the empty one */
};

struct snmp_config {
    struct address host;           /* port 161 by default */
    const char *credentials;       /* name of the part; NULL: `identity` is its own */
    struct snmp_identity identity; /* with credentials only `context` */
    int64_t timeout_us;            /* of one transmission */
    int retries;                   /* transmissions after the first */
    int in_flight;                 /* questions under way at a time */
    int max_oids;                  /* in one question; what is learned may be less */
    int max_repetitions;           /* of GETBULK */
    bool bulk;                     /* may be asked by GETBULK (never of v1) */
    bool any_source;               /* answers may come from another address of it */
    bool traps;                    /* its traps are taken */
    const char *trap_addresses; /* more addresses its traps come from: "10.0.9.1, 10.0.9.2"; NULL */
};

struct snmp_setup {
    const char *bind;               /* numeric; NULL: all */
    uint16_t first_port, last_port; /* 0, 0: one that the system chooses */
    const char *mibs;
    const char *listen, *allow;
    int64_t trap_rate, trap_burst;
    struct position listen_at, allow_at, ports_at, mibs_at;
};

/* `drivers: snmp`; setup NULL or empty: the defaults. */
int snmp_config_setup(const struct setup *setup, struct snmp_setup *out, struct err *err);
/* Of that, what the listeners for traps need. */
struct snmp_trap_options snmp_config_traps(const struct snmp_setup *own);
/* All of it with its parts. After 0 a message in err is a warning: something is insecure. */
int snmp_config_check_setup(const struct setup *setup, struct err *err);
/* One part of `credentials:`. */
int snmp_config_part(const struct setup_part *part, struct snmp_identity *out, struct err *err);
int64_t snmp_config_order(const struct setup_part *part);

/* A device; setup NULL: that its part exists is not checked. After 0 a message in err is a warning. */
int snmp_config_read(const struct setup *setup, const struct settings *device,
                     struct snmp_config *out, struct err *err);
/* Its own login, or that of the part it names. BUSBAR_ENOENT: there is no such part. */
int snmp_config_identity(const struct setup *setup, const struct snmp_config *config,
                         struct snmp_identity *out, struct err *err);
/* Why a login is insecure, as one clause; NULL: it is not. */
const char *snmp_config_weak(const struct snmp_identity *identity);

const char *snmp_config_listen(const struct setup *setup); /* "0.0.0.0:162, ..." or NULL */
/* Of setup->prepared, else mib_builtin(). */
const struct mib *snmp_config_mib(const struct setup *setup);

/* "udp 10.0.4.2:161 v3 user busbar", as far as the settings say. */
void snmp_config_print(const struct setup *setup, const struct snmp_config *config,
                       struct buf *out);

#endif
