/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the devices of a network the time, if that is switched on: TimeSynchronization in local time or
 * UTCTimeSynchronization to all of them (ASHRAE 135, clauses 16.7 and 16.8), when the network opens and then
 * at whole multiples of `time_sync_every`. Only while this machine's own clock can be right. */
#ifndef BUSBAR_DRIVERS_BACNET_TIME_H
#define BUSBAR_DRIVERS_BACNET_TIME_H

#include "drivers/bacnet/bacnet_device.h"

struct bacnet_clock;

/* The network's node is open. NULL: it is not switched on. Freed by bacnet_clock_free(), which takes NULL. */
struct bacnet_clock *bacnet_clock_new(struct bacnet_network *network);
void bacnet_clock_free(struct bacnet_clock *clock);

/* Of this machine's time zone at that moment, east of UTC. */
int bacnet_clock_offset_minutes(int64_t time_us);

#endif
