/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of an agent that answered, and the find that is told of it. Private to discovery. */
#ifndef BUSBAR_DRIVERS_SNMP_FIND_H
#define BUSBAR_DRIVERS_SNMP_FIND_H

#include "driver/driver.h"
#include "drivers/snmp/mib/mib.h"
#include "drivers/snmp/snmp_login.h"
#include "net/address.h"

enum { SNMP_FIND_TEXT_MAX = 256 };

/* Which tables an agent has: a bit each, in the order of snmp_find_tables. */
enum snmp_find_has {
    SNMP_HAS_INTERFACES = 1,
    SNMP_HAS_HOST = 2,
    SNMP_HAS_SENSORS = 4,
    SNMP_HAS_UPS = 8,
    SNMP_HAS_PRINTER = 16,
    SNMP_HAS_PDU = 32,
};

struct snmp_found {
    struct endpoint address;
    const struct snmp_login *login; /* that fits, held; NULL: none */
    uint8_t engine[USM_ENGINE_MAX];
    uint8_t engine_size; /* 0: not known */
    bool speaks_v3;      /* the engine was told without a login */
    bool reads_nothing;  /* it logs in, and may read nothing */
    bool configured;     /* a device is at this address, with a login of its own */
    char name[SNMP_FIND_TEXT_MAX], description[SNMP_FIND_TEXT_MAX];
    char location[SNMP_FIND_TEXT_MAX], contact[SNMP_FIND_TEXT_MAX];
    char model[SNMP_FIND_TEXT_MAX], serial[SNMP_FIND_TEXT_MAX], firmware[SNMP_FIND_TEXT_MAX];
    char refused[SNMP_FIND_TEXT_MAX]; /* what logins came to: "plant: wrong password" */
    char twin[64];                    /* another address with the same engine id; "" = none */
    char trap[SNMP_FIND_TEXT_MAX];    /* what it told by itself */
    struct snmp_oid_buf object_id;    /* sysObjectID; size 0: not known */
    uint32_t uptime;                  /* hundredths of a second */
    bool has_uptime;
    int64_t interfaces; /* -1: not known */
    unsigned has;       /* enum snmp_find_has */
    int64_t answer_us;
};

/* A row for each bit: the table that is looked for, how it is called, and the shipped profile for it ("": none). */
struct snmp_find_table {
    const char *oid, *name, *profile;
};
enum { SNMP_FIND_TABLES = 6 };
extern const struct snmp_find_table snmp_find_tables[SNMP_FIND_TABLES];

/* "10.0.4.2"; with its port where that is not 161. The key of the find too. */
void snmp_find_address(const struct endpoint *address, struct buf *out);

/* Tells the host. discovery NULL: heard without asking. mib: for the name of the object id. */
void snmp_find_tell(struct driver *drv, struct driver_discovery *discovery, const struct mib *mib,
                    const struct snmp_found *found);

#endif
