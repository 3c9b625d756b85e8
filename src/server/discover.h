/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for devices on the network, and what was found: /api/v1/discoveries, /api/v1/finds. */
#ifndef BUSBAR_SERVER_DISCOVER_H
#define BUSBAR_SERVER_DISCOVER_H

#include "server/core.h"

struct discover;

struct discover *discover_new(struct server *server);
/* Stops those that run. */
void discover_free(struct discover *discover);

#endif
