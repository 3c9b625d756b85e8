/* SPDX-License-Identifier: Apache-2.0 */
/* The REST routes that only the app can answer: configuration and ports. */
#ifndef BUSBAR_APP_ROUTES_H
#define BUSBAR_APP_ROUTES_H

#include "app/gateway.h"

void routes_add(struct gateway *gw);

#endif
