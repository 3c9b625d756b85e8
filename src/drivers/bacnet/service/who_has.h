/* SPDX-License-Identifier: Apache-2.0 */
/* Who-Has and I-Have (ASHRAE 135, clause 16.9): which device has an object of this name or number.
 *
 *   Who-Has  [0 low Unsigned, 1 high Unsigned], 2 Object or 3 CharacterString
 *   I-Have   Object (a device), Object, CharacterString name
 *
 * Pure, both directions; names stay where they were received. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_WHO_HAS_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_WHO_HAS_H

#include "drivers/bacnet/wire/tag.h"

enum { BACNET_WHO_HAS_MAX = 8 + BACNET_TAG_MAX + 1 }; /* bytes at most, and those of a name */
enum { BACNET_I_HAVE_MAX = 10 + BACNET_TAG_MAX + 1 }; /* so too */

struct bacnet_who_has {
    uint32_t low, high; /* devices; 0 and BACNET_INSTANCE_MAX: all, sent without a range */
    bool by_name;
    struct bacnet_object object;
    struct bacnet_value name; /* CHARACTERS */
};

struct bacnet_i_have {
    uint32_t instance; /* of the device */
    struct bacnet_object object;
    struct bacnet_value name; /* CHARACTERS */
};

/* 0 or BUSBAR_EPROTO. */
int bacnet_get_who_has(struct bytes *in, struct bacnet_who_has *who);
void bacnet_put_who_has(struct bytes_out *out, const struct bacnet_who_has *who);

int bacnet_get_i_have(struct bytes *in, struct bacnet_i_have *i_have);
void bacnet_put_i_have(struct bytes_out *out, const struct bacnet_i_have *i_have);

#endif
