/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for people, and from a value back to its bytes. Pure. */
#ifndef BUSBAR_DRIVERS_BACNET_WORDS_H
#define BUSBAR_DRIVERS_BACNET_WORDS_H

#include "base/buf.h"
#include "base/bytes.h"
#include "drivers/bacnet/bacnet_target.h"
#include "model/sample.h"

/* One datagram in one line: "read 9 properties of 5 objects, invoke 17". Frames of the ring may be cut
 * or broken; what cannot be read is said as far as it goes. */
void bacnet_describe(const void *data, size_t size, struct buf *out);

/* ops->trace: whether `received` answers `sent` (or notifies by itself) and holds the target. */
bool bacnet_trace(const struct bacnet_target *target, struct bytes sent, struct bytes received,
                  struct buf *out, struct sample *raw);

#endif
