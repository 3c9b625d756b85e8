/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog of drivers as the configuration needs it. */
#ifndef BUSBAR_APP_PROTOCOLS_H
#define BUSBAR_APP_PROTOCOLS_H

#include "config/config.h"

enum { PROTOCOLS_MAX = 16 };

struct protocols {
    struct config_protocol list[PROTOCOLS_MAX];
    size_t count;
};

void protocols_fill(struct protocols *protocols);

#endif
