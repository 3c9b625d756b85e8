/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices are there.
 *
 *   without asking   every I-Am that comes along is told as a find; what its device object says is
 *                    asked for politely: one device at a time, a second apart
 *   on request       Who-Is (all, a range of numbers, one remote network, each address of a subnet
 *                    one by one) or Who-Has, then the facts of all that answered, several at a time
 *
 * The same number at two addresses is an event, once, and the trouble of that find. Memory is bounded:
 * DRIVER_FINDS_MAX devices, whatever is sent to us.
 *
 * Options of a discovery:
 *   range    10.0.1.0/24, a network's name, or "network 7" (a remote network's number)
 *   low, high   device numbers
 *   scan     true: asks each address of the range
 *   name     Who-Has an object of this name
 *   object   Who-Has this object: analog-input:3
 *   wait     how long to listen for answers: 5s */
#ifndef BUSBAR_DRIVERS_BACNET_DISCOVER_H
#define BUSBAR_DRIVERS_BACNET_DISCOVER_H

#include "drivers/bacnet/bacnet_device.h"

struct bacnet_discover;

enum {
    BACNET_READERS_MAX = 8,  /* devices whose facts are asked for at a time */
    BACNET_SCAN_MAX = 65536, /* addresses of one scan */
    BACNET_SCAN_RATE = 200,  /* of them in a second */
    /* events: a device moved, or there are two; more are shown in the finds only */
    BACNET_ADDRESS_EVENTS_A_MINUTE = 10,
    BACNET_DISCOVER_WAIT_S = 5,
    BACNET_DISCOVERIES_MAX = 4, /* at a time */
};

/* open(), close(). */
struct bacnet_discover *bacnet_discover_new(struct driver *drv);
void bacnet_discover_free(struct bacnet_discover *discover);

/* From the node of a network: every I-Am, every I-Have. discover may be NULL. */
void bacnet_discover_heard(struct bacnet_discover *discover, struct bacnet_network *network,
                           const struct bacnet_heard *heard);
void bacnet_discover_i_have(struct bacnet_discover *discover, struct bacnet_network *network,
                            const struct bacnet_notice *notice);
/* The network's node is about to be closed. */
void bacnet_discover_forget(struct bacnet_discover *discover, struct bacnet_network *network);

/* ops->discover, ops->discover_stop. */
void bacnet_discover_begin(struct bacnet_discover *discover, struct driver_discovery *discovery);
void bacnet_discover_end(struct bacnet_discover *discover, struct driver_discovery *discovery);

/* The key of the find that a configured device is; nothing when it is certain that it was not heard yet. network NULL: none yet. */
void bacnet_discover_key(const struct bacnet_discover *discover,
                         const struct bacnet_network *network, uint32_t instance, struct buf *out);

#endif
