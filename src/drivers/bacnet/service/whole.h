/* SPDX-License-Identifier: Apache-2.0 */
/* What every reader of a service ends with. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_WHOLE_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_WHOLE_H

#include "base/bytes.h"
#include "base/err.h"

/* 0: nothing failed and nothing is left; else BUSBAR_EPROTO. */
static inline int bacnet_whole(const struct bytes *in)
{
    return bytes_short(in) || bytes_left(in) > 0 ? BUSBAR_EPROTO : 0;
}

#endif
