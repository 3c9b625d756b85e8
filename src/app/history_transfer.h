/* SPDX-License-Identifier: Apache-2.0 */
/* Export and import over REST: handlers for history_routes.c. */
#ifndef BUSBAR_APP_HISTORY_TRANSFER_H
#define BUSBAR_APP_HISTORY_TRANSFER_H

#include "server/server.h"

/* A streamed answer; the context of both is the gateway. */
void history_transfer_export(struct server_request *req);
/* Parsed and looked up in a job, appended on the loop, answered when all is on the disk. */
void history_transfer_import(struct server_request *req);

#endif
