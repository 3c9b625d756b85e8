/* SPDX-License-Identifier: Apache-2.0 */
/* Values by subscription: monitored items for the points of a device (Part 4, 5.13). OPC UA thread only.
 *
 * Items are made in calls of as many as the server takes at once (told, or learned by splitting). The client handle of
 * an item is the point's index. What the server refuses for one item concerns that point alone:
 *
 *   a filter it does not know       the item is made without
 *   no such node (yet)              bad, with the status; asked again, less and less often
 *   too many items                  polled
 *   cannot be monitored             polled
 *
 * Watched points are read now and then as a check: one that reads different from what was notified, and is not notified
 * soon after, shows that the subscription is dead. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_SUBSCRIBE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_SUBSCRIBE_H

#include "drivers/opcua/data/peer.h"

enum {
    OPCUA_ITEMS_MOST = 1000,      /* in one call where the server tells no limit */
    OPCUA_SUBSCRIPTIONS_MAX = 64, /* of one device */
};

/* The part: begin function for opcua_peer_config.parts. */
void opcua_subscribe_part(struct opcua_peer *peer);

/* access.c: a point was read; the check of what was notified, and the news that a node is there now. */
void opcua_subscribe_seen(struct opcua_peer *peer, uint32_t point, const struct sample *sample);

#endif
