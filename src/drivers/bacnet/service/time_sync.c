/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/time_sync.h"

#include "drivers/bacnet/service/whole.h"

int bacnet_get_time_sync(struct bytes *in, struct bacnet_datetime *at)
{
    *at = bacnet_get_datetime(in);
    int error = bacnet_whole(in);
    if (error == 0 && !(bacnet_date_is_full(&at->date) && bacnet_time_is_full(&at->time))) {
        error = BUSBAR_EPROTO;
    }
    return error;
}

void bacnet_put_time_sync(struct bytes_out *out, const struct bacnet_datetime *at)
{
    bacnet_put_datetime(out, at);
}
