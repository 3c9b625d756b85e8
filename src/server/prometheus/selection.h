/* SPDX-License-Identifier: Apache-2.0 */
/* The series that a request's match[] name: parsed first, looked up in a job. */
#ifndef BUSBAR_SERVER_PROMETHEUS_SELECTION_H
#define BUSBAR_SERVER_PROMETHEUS_SELECTION_H

#include "base/arena.h"
#include "history/index.h"
#include "server/server.h"

enum {
    PROMETHEUS_SELECTORS_MAX = 32,              /* match[] of a request */
    PROMETHEUS_SELECTORS_BYTES_MAX = 16 * 1024, /* all of them: some are parsed on the loop */
};

struct prometheus_selector {
    struct label_matcher *matchers;
    size_t count;
};

struct prometheus_selection {
    struct arena arena;
    struct prometheus_selector selectors[PROMETHEUS_SELECTORS_MAX];
    size_t count;
};

/* Every match[] of the request, in the form or the query; fewer than `least` are an error. BUSBAR_EINVAL,
 * BUSBAR_ESYNTAX, BUSBAR_ELIMIT: err has it as Prometheus words it, and nothing is to be freed. */
int prometheus_selection_parse(struct prometheus_selection *selection,
                               const struct server_request *req, size_t least, struct err *err);
void prometheus_selection_fini(struct prometheus_selection *selection);

/* Each series that any of them finds, once, in the order of ids; BUSBAR_ELIMIT: over `max`. Caller frees
 * (busbar_free). Never on the loop. */
int prometheus_selection_series(const struct prometheus_selection *selection,
                                struct history_index *index, size_t max, const atomic_bool *cancel,
                                uint32_t **series, size_t *count, struct err *err);

#endif
