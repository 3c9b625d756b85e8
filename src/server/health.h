/* SPDX-License-Identifier: Apache-2.0 */
/* Is all well, in one look. */
#ifndef BUSBAR_SERVER_HEALTH_H
#define BUSBAR_SERVER_HEALTH_H

#include "server/core.h"

/* The whole health object. */
void health_put(struct server *server, struct json_writer *json);
/* Changes when something changed that a person should see at once (not the counters). */
uint64_t health_mark(struct server *server);

#endif
