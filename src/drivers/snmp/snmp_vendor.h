/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes a device, by the enterprise number that IANA gave (below 1.3.6.1.4.1). Pure. */
#ifndef BUSBAR_DRIVERS_SNMP_VENDOR_H
#define BUSBAR_DRIVERS_SNMP_VENDOR_H

#include "base/bytes.h"
#include "drivers/snmp/ber/oid.h"

/* NULL: not one that busbar knows. */
const char *snmp_vendor_name(uint32_t enterprise);

/* The enterprise number of a sysObjectID; 0: it is none below 1.3.6.1.4.1. */
uint32_t snmp_vendor_of_oid(struct snmp_oid oid);

/* The same of an engine id (RFC 3411, 5: SnmpEngineID); 0: there is none. */
uint32_t snmp_vendor_of_engine(struct bytes engine);

#endif
