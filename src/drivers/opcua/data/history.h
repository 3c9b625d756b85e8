/* SPDX-License-Identifier: Apache-2.0 */
/* Holes that fill themselves: what a server recorded while there was no link is read by HistoryRead (Part 11, 6.4.3,
 * raw values) and goes into our history at its own times. OPC UA thread only.
 *
 *   when     the link is back on a new session, messages of a subscription were lost, or the gateway was not running
 *   what     of the points with `history: true` all values from shortly before the hole to now, by the server's clock
 *   how      one call at a time, and slowly enough that live values never wait; of two values of one time one is kept
 *
 * A hole is filled when all of it is on disk: what the disk refuses is read again, less and less often. Up to which time
 * nothing is missing is remembered over restarts, as a learned limit of the device. A node that the
 * server keeps no history of is not asked again on the same link, and said once, as an event. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_HISTORY_H
#define BUSBAR_DRIVERS_OPCUA_DATA_HISTORY_H

#include "drivers/opcua/data/peer.h"

enum {
    OPCUA_HISTORY_NODES = 50,        /* in one call; fewer where the server wants that */
    OPCUA_HISTORY_VALUES = 1000,     /* of one node in one answer */
    OPCUA_HISTORY_NODE_MAX = 500000, /* values of one node taken for one hole */
    OPCUA_HISTORY_HOLES_MAX = 8,     /* waiting; more become one */
    OPCUA_HISTORY_DAYS_MAX = 30,     /* nothing older is asked for */
};

/* Name of the learned limit: seconds since 1970 up to which no value is missing. */
#define OPCUA_HISTORY_LIMIT "history-filled-until"

/* The part: begin function for opcua_peer_config.parts. */
void opcua_history_part(struct opcua_peer *peer);

#endif
