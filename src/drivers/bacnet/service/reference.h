/* SPDX-License-Identifier: Apache-2.0 */
/* BACnetDeviceObjectPropertyReference (ASHRAE 135, clause 21): a property, perhaps of another device.
 *
 *   0 Object, 1 property Enumerated, [2 index Unsigned], [3 Object (a device)]   */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_REFERENCE_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_REFERENCE_H

#include "drivers/bacnet/wire/tag.h"

enum { BACNET_REFERENCE_MAX = 5 + 5 + 5 + 5 }; /* bytes */

struct bacnet_reference {
    struct bacnet_object object;
    uint32_t property;
    uint32_t index;  /* BACNET_INDEX_ALL: none */
    uint32_t device; /* instance; BACNET_INSTANCE_MAX: the device that says so */
};

/* Reads one and leaves the cursor behind it, so that lists of them are read by a loop. 0 or
 * BUSBAR_EPROTO (the cursor is failed then). */
int bacnet_get_reference(struct bytes *in, struct bacnet_reference *reference);
void bacnet_put_reference(struct bytes_out *out, const struct bacnet_reference *reference);

#endif
