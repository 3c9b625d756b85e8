/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the tables in snmp_options.c. Private to the reading of settings (snmp_config.c, snmp_address.c). */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_OPTIONS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_OPTIONS_H

#include "config/option.h"

enum {
    SETUP_MIBS,
    SETUP_BIND,
    SETUP_SOURCE_PORTS,
    SETUP_LISTEN,
    SETUP_ALLOW,
    SETUP_TRAP_RATE,
    SETUP_TRAP_BURST,
};

enum {
    PART_VERSION,
    PART_COMMUNITY,
    PART_USER,
    PART_AUTH,
    PART_AUTH_TYPE,
    PART_PRIV,
    PART_PRIV_TYPE,
    PART_CONTEXT,
    PART_ORDER,
};

enum {
    DEVICE_HOST,
    DEVICE_CREDENTIALS,
    DEVICE_VERSION,
    DEVICE_COMMUNITY,
    DEVICE_USER,
    DEVICE_AUTH,
    DEVICE_AUTH_TYPE,
    DEVICE_PRIV,
    DEVICE_PRIV_TYPE,
    DEVICE_CONTEXT,
    DEVICE_TIMEOUT,
    DEVICE_RETRIES,
    DEVICE_IN_FLIGHT,
    DEVICE_MAX_OIDS,
    DEVICE_MAX_REPETITIONS,
    DEVICE_BULK,
    DEVICE_ANY_SOURCE,
    DEVICE_TRAPS,
    DEVICE_TRAP_ADDRESSES,
};

enum {
    POINT_OID,
    POINT_ROW,
    POINT_TYPE,
    POINT_BIT,
    POINT_AS,
    POINT_HINT,
    POINT_TRAPS,
    POINT_POLL_ON,
    POINT_TRAP,
    POINT_ARGUMENT,
};

extern const struct option snmp_setup_options[];
extern const struct option snmp_part_options[];
extern const struct option snmp_device_options[];
extern const struct option snmp_point_options[];

#endif
