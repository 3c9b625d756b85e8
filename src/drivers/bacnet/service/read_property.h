/* SPDX-License-Identifier: Apache-2.0 */
/* ReadProperty (ASHRAE 135, clause 15.5): one property, or one element of it.
 *
 *   ask     0 Object, 1 property Enumerated, [2 index Unsigned]
 *   answer  the same, 3 { value }
 *
 * Pure, both directions; the value stays where it was received. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_READ_PROPERTY_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_READ_PROPERTY_H

#include "drivers/bacnet/wire/tag.h"

enum {
    BACNET_READ_PROPERTY_MAX = 15,     /* bytes of the ask */
    BACNET_READ_PROPERTY_ACK_MAX = 17, /* bytes at most, and those of the value */
};

struct bacnet_read_property {
    struct bacnet_object object;
    uint32_t property;
    uint32_t index; /* BACNET_INDEX_ALL: the whole property; 0: the size of an array */
};

/* 0 or BUSBAR_EPROTO. */
int bacnet_get_read_property(struct bytes *in, struct bacnet_read_property *read);
void bacnet_put_read_property(struct bytes_out *out, const struct bacnet_read_property *read);

/* value: elements with their tags, read with bacnet_get_element(). An empty array has none. */
int bacnet_get_read_property_ack(struct bytes *in, struct bacnet_read_property *read,
                                 struct bytes *value);
void bacnet_put_read_property_ack(struct bytes_out *out, const struct bacnet_read_property *read,
                                  struct bytes value);

#endif
