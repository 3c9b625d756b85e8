/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender is told. */
#ifndef BUSBAR_SERVER_INGEST_ANSWER_H
#define BUSBAR_SERVER_INGEST_ANSWER_H

#include "server/ingest/rows.h"
#include "server/server.h"

struct ingest_result {
    uint64_t received;
    uint64_t refused[INGEST_REFUSAL_COUNT];
    struct ingest_problem problems[INGEST_PROBLEMS_MAX];
    size_t problem_count;
};

/* 204; or, when something was refused, 400 with what, where and how much: sending it again would
 * not help, and what was good is stored. Native histograms are only counted. */
void ingest_answer(struct server_request *req, const struct ingest_result *result);

/* Nothing, or only the beginning, was taken. What goes away by itself is a 503, which has a
 * Retry-After. */
void ingest_answer_err(struct server_request *req, const struct err *err);

#endif
