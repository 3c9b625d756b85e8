/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/history/archive: what a sink keeps of a site, as JSON lines that history/import reads, without what is here
 * already. The last line is no series but what was counted. */
#ifndef BUSBAR_APP_HISTORY_FETCH_H
#define BUSBAR_APP_HISTORY_FETCH_H

#include "server/server.h"

/* A streamed answer; the context is the gateway. */
void history_fetch_get(struct server_request *req);

#endif
