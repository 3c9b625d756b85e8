/* SPDX-License-Identifier: Apache-2.0 */
/* Who-Is and I-Am (ASHRAE 135, clause 16.10): which devices are there.
 *
 *   Who-Is  [0 low Unsigned, 1 high Unsigned]       both or neither
 *   I-Am    Object (a device), Unsigned max APDU, Enumerated segmentation, Unsigned vendor
 *
 * Pure, both directions. Readers take the whole service part and return 0 or BUSBAR_EPROTO. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_WHO_IS_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_WHO_IS_H

#include "drivers/bacnet/wire/tag.h"

enum { BACNET_WHO_IS_MAX = 8, BACNET_I_AM_MAX = 14 }; /* bytes at most */

struct bacnet_who_is {
    uint32_t low, high; /* 0 and BACNET_INSTANCE_MAX: all, sent without a range */
};

struct bacnet_i_am {
    uint32_t instance; /* of the device: its name on the network */
    uint16_t max_apdu; /* that it takes */
    uint8_t segmentation;
    uint16_t vendor;
};

int bacnet_get_who_is(struct bytes *in, struct bacnet_who_is *who);
void bacnet_put_who_is(struct bytes_out *out, const struct bacnet_who_is *who);
bool bacnet_who_is_asks(const struct bacnet_who_is *who, uint32_t instance);

/* BUSBAR_EPROTO also for what is no device, or the instance that nobody may have. */
int bacnet_get_i_am(struct bytes *in, struct bacnet_i_am *i_am);
void bacnet_put_i_am(struct bytes_out *out, const struct bacnet_i_am *i_am);

#endif
