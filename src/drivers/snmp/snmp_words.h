/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for people, and from a value back to its bytes. Pure.
 *
 * A frame is a datagram as it was on the wire; behind an encrypted one stands the scoped PDU that was in it, in clear. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_WORDS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_WORDS_H

#include "drivers/snmp/snmp_address.h"

/* ops->describe: one frame in one line, "Get sysUpTime.0, ifOperStatus.7, id 4711, v2c". Frames of the ring may be cut or
 * broken; what cannot be read is said as far as it goes. No community is shown. */
void snmp_describe(const struct mib *mib, const void *data, size_t size, struct buf *out);

/* ops->trace: whether `received` answers `sent` (or notifies by itself) and holds the point. */
bool snmp_trace(const struct mib *mib, const struct snmp_address *address, struct bytes sent,
                struct bytes received, struct buf *out, struct sample *raw);

#endif
