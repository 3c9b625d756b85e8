/* SPDX-License-Identifier: Apache-2.0 */
/* What several services share: which property (BACnetPropertyReference) and a property with its value
 * (BACnetPropertyValue), ASHRAE 135, clause 21.
 *
 *   reference  0 property Enumerated, [1 index Unsigned]
 *   value      0 property Enumerated, [1 index Unsigned], 2 { value }, [3 priority Unsigned 1-16]   */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_PROPERTY_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_PROPERTY_H

#include "drivers/bacnet/wire/tag.h"

enum {
    BACNET_PRIORITIES = 16,             /* of a command; 1 is first */
    BACNET_PROPERTY_REFERENCE_MAX = 10, /* bytes */
    BACNET_PROPERTY_VALUE_MAX = 14,     /* bytes at most, and those of the value */
};

struct bacnet_property_reference {
    uint32_t property;
    uint32_t index; /* BACNET_INDEX_ALL: the whole property; 0: the size of an array */
};

struct bacnet_property_value {
    uint32_t property;
    uint32_t index;
    struct bytes value; /* elements, with their tags (bacnet_get_element) */
    uint8_t priority;   /* 0: none */
};

/* One of a list, behind it the cursor stays. 0 or BUSBAR_EPROTO (the cursor is failed then). */
int bacnet_get_property_reference(struct bytes *in, struct bacnet_property_reference *reference);
void bacnet_put_property_reference(struct bytes_out *out,
                                   const struct bacnet_property_reference *reference);
int bacnet_get_property_value(struct bytes *in, struct bacnet_property_value *value);
void bacnet_put_property_value(struct bytes_out *out, const struct bacnet_property_value *value);

/* Optional fields of many services: an array index (BACNET_INDEX_ALL: not there), and a priority
 * (0: not there). */
uint32_t bacnet_get_index(struct bytes *in, unsigned tag);
void bacnet_put_index(struct bytes_out *out, unsigned tag, uint32_t index);
uint8_t bacnet_get_priority(struct bytes *in, unsigned tag);
void bacnet_put_priority(struct bytes_out *out, unsigned tag, uint8_t priority);

/* open, the elements as they are, close. */
void bacnet_put_inside(struct bytes_out *out, unsigned tag, struct bytes elements);

#endif
