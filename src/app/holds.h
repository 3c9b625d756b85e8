/* SPDX-License-Identifier: Apache-2.0 */
/* Where the host's holds live over a restart: a table of the state. Private to app/. Loop thread only. */
#ifndef BUSBAR_APP_HOLDS_H
#define BUSBAR_APP_HOLDS_H

#include "app/gateway.h"

struct holds_keeper;

/* Before the host is made: it asks for them with gw as its context. */
struct host_hold_store holds_store(void);
/* After: what is held is told to the host. */
int holds_load(struct gateway *gw, struct err *err);
/* When no job runs any more; NULL is fine. */
void holds_keeper_free(struct holds_keeper *keeper);

#endif
