/* SPDX-License-Identifier: Apache-2.0 */
/* The SNMP driver: what its files share. Loop thread only. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_DRIVER_H
#define BUSBAR_DRIVERS_SNMP_SNMP_DRIVER_H

#include "base/list.h"
#include "driver/driver.h"
#include "drivers/snmp/mib/mib.h"
#include "drivers/snmp/snmp_client.h"
#include "drivers/snmp/snmp_config.h"
#include "drivers/snmp/snmp_logins.h"
#include "net/name.h"

struct snmp_traps;    /* snmp_traps.h: the listeners */
struct snmp_discover; /* snmp_discover.h */
struct snmp_browses;  /* snmp_browse.h */
struct snmp_rows;     /* snmp_rows.h: where the rows of a device are now */
struct snmp_reads;    /* snmp_read.h: polls under way */

enum { SNMP_WAITING_MAX = 16 };

struct snmp_driver_state {
    struct driver *drv;
    struct loop *loop;
    const struct mib
        *mib; /* of the setup, else mib_builtin(); changes only while there is no device */
    struct snmp_client *client; /* NULL: could not be opened, `broken` says why */
    struct err broken;
    int64_t opened_us; /* monotonic: when that was last tried */
    struct snmp_logins *logins;
    struct snmp_traps *traps;
    struct snmp_discover *discover;
    /* Discoveries that wait for the keys of the logins. */
    struct driver_discovery *waiting[SNMP_WAITING_MAX];
    size_t waiting_count;
    struct snmp_logins_wait logins_wait;
    uint8_t frame[2 * SNMP_MESSAGE_MAX]; /* a datagram and what was encrypted in it */
};

struct snmp_device {
    struct device *dev;
    struct driver *drv;
    struct snmp_driver_state *state;
    struct snmp_config config;
    const struct err *broken; /* why it cannot be asked: its login, our ports; NULL: nothing is */
    struct endpoint address;  /* family 0: its name is not looked up yet */
    struct name *lookup;      /* under way */
    int64_t looked_us;        /* monotonic: when the last one began; 0: never */
    struct snmp_login_use use;
    const struct snmp_login *login; /* NULL: it cannot be made, or its keys are not ready */
    struct snmp_agent *agent;       /* from the first address to stop() */
    struct snmp_rows *rows;         /* NULL: no point has a row by name */
    struct snmp_reads *reads;
    struct snmp_browses *browses;
    struct list waiting; /* struct snmp_waiting: requests until there is an agent */
    struct list refused; /* the same, to be answered in the next turn */
    struct loop_deferred refusing;
    struct list writes; /* struct snmp_write */
    struct list tests;  /* struct snmp_test */
    bool started, up;
    uint32_t uptime;   /* sysUpTime as it was last seen, hundredths of a second */
    int64_t uptime_us; /* monotonic; 0: never */
    uint32_t restarts; /* noticed since it was added */
    void *trap_state;  /* of snmp_traps.c: where this device is found by */
};

/* ---- snmp_driver.c ---- */
/* The client, opened now if it could not be before; NULL: state->broken says why. */
struct snmp_client *snmp_driver_client(struct snmp_driver_state *state);

static inline struct snmp_device *snmp_device_of(const struct device *dev)
{
    return dev->driver;
}

#endif
