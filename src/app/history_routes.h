/* SPDX-License-Identifier: Apache-2.0 */
/* REST of the history as a whole: verify, export, import, backup. */
#ifndef BUSBAR_APP_HISTORY_ROUTES_H
#define BUSBAR_APP_HISTORY_ROUTES_H

#include "app/gateway.h"

void history_routes_add(struct gateway *gw);

#endif
