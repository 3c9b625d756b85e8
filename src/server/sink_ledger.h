/* SPDX-License-Identifier: Apache-2.0 */
/* The ledgers of sinks, one after another, as JSON: for GET /api/v1/ledger and for each sink. */
#ifndef BUSBAR_SERVER_SINK_LEDGER_H
#define BUSBAR_SERVER_SINK_LEDGER_H

#include "server/core.h"

struct sink_ledgers;
/* Once, maybe before sink_ledgers_start() returned. rows: [{"sink", "stored" ...}], borrowed. balances: none is known not
 * to. */
typedef void (*sink_ledgers_cb)(void *ctx, const struct buf *rows, bool balances);

/* Of all sinks, by jobs. False: there are none, and cb does not run. *ledgers is set before cb may run. */
bool sink_ledgers_start(struct server *server, struct sink_ledgers **ledgers, sink_ledgers_cb cb,
                        void *ctx);
/* cb will not run any more. Not from inside of it. */
void sink_ledgers_cancel(struct sink_ledgers *ledgers);

void server_sink_ledger_routes(struct server *server);

#endif
