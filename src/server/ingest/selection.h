/* SPDX-License-Identifier: Apache-2.0 */
/* The series that a request's match[] name: parsed at once, looked up in a job. */
#ifndef BUSBAR_SERVER_INGEST_SELECTION_H
#define BUSBAR_SERVER_INGEST_SELECTION_H

#include "base/arena.h"
#include "history/index.h"
#include "server/server.h"

enum {
    INGEST_MATCHES_MAX = 32,       /* match[] of a request */
    INGEST_SELECTED_MAX = 4 << 20, /* series */
};

struct ingest_selection {
    struct arena arena;
    struct label_matcher *matchers[INGEST_MATCHES_MAX];
    size_t counts[INGEST_MATCHES_MAX];
    size_t count;
};

/* Every match[] of the request, in the form or the query. BUSBAR_EINVAL (none), BUSBAR_ESYNTAX, BUSBAR_ELIMIT:
 * err has it; nothing is to be freed then. */
int ingest_selection_parse(struct ingest_selection *selection, const struct server_request *req,
                           struct err *err);
void ingest_selection_fini(struct ingest_selection *selection);

/* Each series once, in the order of ids. Caller frees (busbar_free). Never on the loop. */
int ingest_selection_series(const struct ingest_selection *selection, struct history_index *index,
                            const atomic_bool *cancel, uint32_t **series, size_t *count,
                            struct err *err);

#endif
