/* SPDX-License-Identifier: Apache-2.0 */
/* OIDs of standard modules that browsing knows by itself, as they are on the wire: the catalogue may not have them.
 * Private to browsing. */
#ifndef BUSBAR_DRIVERS_SNMP_KNOWN_H
#define BUSBAR_DRIVERS_SNMP_KNOWN_H

#include <string.h>

#include "drivers/snmp/ber/oid.h"

enum { SNMP_KNOWN_MAX = 16 };

/* For constant tables. */
struct snmp_known {
    uint8_t size;
    uint8_t bytes[SNMP_KNOWN_MAX];
};
#define SNMP_KNOWN(...)                                                            \
    {                                                                              \
        .size = sizeof((const uint8_t[]){ __VA_ARGS__ }), .bytes = { __VA_ARGS__ } \
    }

#define SNMP_MIB2 0x2b, 6, 1, 2, 1                   /* 1.3.6.1.2.1 */
#define SNMP_UCD  0x2b, 6, 1, 4, 1, 0x8f, 0x65       /* 1.3.6.1.4.1.2021 */
#define SNMP_APC  0x2b, 6, 1, 4, 1, 0x82, 0x3e, 1, 1 /* 1.3.6.1.4.1.318.1.1 */

#define SNMP_IF       SNMP_MIB2, 2, 2, 1        /* ifEntry */
#define SNMP_IFX      SNMP_MIB2, 31, 1, 1, 1    /* ifXEntry */
#define SNMP_STORAGE  SNMP_MIB2, 25, 2, 3, 1    /* hrStorageEntry */
#define SNMP_HRDEVICE SNMP_MIB2, 25, 3, 2, 1    /* hrDeviceEntry */
#define SNMP_ENTITY   SNMP_MIB2, 47, 1, 1, 1, 1 /* entPhysicalEntry */
#define SNMP_SENSOR   SNMP_MIB2, 99, 1, 1, 1    /* entPhySensorEntry */
#define SNMP_UPS      SNMP_MIB2, 33, 1          /* upsObjects */
#define SNMP_SUPPLIES SNMP_MIB2, 43, 11, 1, 1   /* prtMarkerSuppliesEntry */
#define SNMP_PDU      SNMP_APC, 26              /* rPDU2 */

static inline struct snmp_oid snmp_known_oid(const struct snmp_known *known)
{
    return (struct snmp_oid){ .bytes = known->bytes, .size = known->size };
}

static inline bool snmp_known_is(const struct snmp_known *known, struct snmp_oid oid)
{
    return oid.size == known->size && memcmp(oid.bytes, known->bytes, known->size) == 0;
}

#endif
