/* SPDX-License-Identifier: Apache-2.0 */
/* The SNMP driver: what its files share. Loop thread only. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_DRIVER_H
#define BUSBAR_DRIVERS_SNMP_SNMP_DRIVER_H

#include "base/list.h"
#include "driver/driver.h"
#include "drivers/snmp/mib/mib.h"
#include "drivers/snmp/snmp_client.h"
#include "drivers/snmp/snmp_config.h"

struct snmp_logins;   /* snmp_logins.h: of `credentials:`, by name */
struct snmp_traps;    /* snmp_traps.h: the listeners */
struct snmp_discover; /* snmp_discover.h */
struct snmp_browses;  /* snmp_browse.h */
struct snmp_rows;     /* snmp_rows.h: where the rows of a device are now */
struct snmp_reads;    /* snmp_read.h: polls under way */

struct snmp_driver_state {
    struct driver *drv;
    struct loop *loop;
    const struct mib
        *mib; /* of the setup, else mib_builtin(); changes only while there is no device */
    struct snmp_client *client; /* NULL: could not be opened, `broken` says why */
    struct err broken;
    struct snmp_logins *logins;
    struct snmp_traps *traps; /* NULL: nothing listens */
    struct snmp_discover *discover;
};

struct snmp_device {
    struct device *dev;
    struct driver *drv;
    struct snmp_driver_state *state;
    struct snmp_config config;
    struct err broken;       /* code 0: nothing is */
    struct endpoint address; /* family 0: its name is not looked up yet */
    const struct snmp_login *login;
    struct snmp_agent *agent; /* from the first address to stop() */
    struct snmp_rows *rows;   /* NULL: no point has a row by name */
    struct snmp_reads *reads;
    struct snmp_browses *browses;
    bool started, up;
    uint32_t uptime;   /* sysUpTime as it was last seen, hundredths of a second */
    int64_t uptime_us; /* monotonic; 0: never */
    void *trap_state;  /* of snmp_traps.c: where this device is found by */
};

static inline struct snmp_device *snmp_device_of(const struct device *dev)
{
    return dev->driver;
}

#endif
