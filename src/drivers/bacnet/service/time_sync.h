/* SPDX-License-Identifier: Apache-2.0 */
/* TimeSynchronization (local time) and UTCTimeSynchronization (ASHRAE 135, clauses 16.7 and 16.8): Date, Time. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_TIME_SYNC_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_TIME_SYNC_H

#include "drivers/bacnet/wire/stamp.h"

enum { BACNET_TIME_SYNC_MAX = 10 }; /* bytes */

/* 0, or BUSBAR_EPROTO: also when a field of it is not said, or is no date and time. The day of the
 * week may be left out. */
int bacnet_get_time_sync(struct bytes *in, struct bacnet_datetime *at);
void bacnet_put_time_sync(struct bytes_out *out, const struct bacnet_datetime *at);

#endif
