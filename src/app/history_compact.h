/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/history/compact: merging by day at once, for `busbar history compact`. */
#ifndef BUSBAR_APP_HISTORY_COMPACT_H
#define BUSBAR_APP_HISTORY_COMPACT_H

#include "server/server.h"

/* Body: {"cold": true} recodes all days too. Answers when all is done: 200 with the sizes. */
void history_compact_post(struct server_request *req);

#endif
