/* SPDX-License-Identifier: Apache-2.0 */
/* AddListElement and RemoveListElement (ASHRAE 135, clauses 15.1 and 15.2), answered by a simple ack or an
 * error with the first failed element (service/error.h); and the element that we add: a destination
 * in a notification class's recipient list.
 *
 *   ask           0 Object, 1 property Enumerated, [2 index Unsigned], 3 { elements }
 *   destination   days BitString, from Time, to Time, 0 Object (a device) or 1 { network Unsigned, mac OctetString },
 *                 process Unsigned, confirmed Boolean, transitions BitString
 *
 * Pure, both directions. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_LIST_ELEMENT_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_LIST_ELEMENT_H

#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/tag.h"

enum {
    BACNET_LIST_ELEMENT_HEAD_MAX = 20, /* bytes of an ask, all but its elements */
    BACNET_DESTINATION_MAC_MAX = 18,
    BACNET_DESTINATION_MAX = 60, /* bytes of a destination */
    BACNET_DAYS = 7,
};

struct bacnet_list_element {
    struct bacnet_object object;
    uint32_t property;
    uint32_t index;        /* BACNET_INDEX_ALL: none */
    struct bytes elements; /* whole values one after another */
};

struct bacnet_destination {
    uint8_t days; /* bit 0 = Monday */
    struct bacnet_time from, to;
    bool by_address;
    uint32_t device;  /* instance */
    uint16_t network; /* by address */
    uint8_t mac[BACNET_DESTINATION_MAC_MAX];
    uint8_t mac_size;
    uint32_t process;
    bool confirmed;
    uint8_t transitions; /* bit by enum bacnet_transition */
};

/* 0 or BUSBAR_EPROTO. */
int bacnet_get_list_element(struct bytes *in, struct bacnet_list_element *ask);
void bacnet_put_list_element(struct bytes_out *out, const struct bacnet_list_element *ask);

/* One by one while bytes_left(). */
int bacnet_get_destination(struct bytes *in, struct bacnet_destination *destination);
void bacnet_put_destination(struct bytes_out *out, const struct bacnet_destination *destination);

#endif
