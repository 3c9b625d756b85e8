/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of server/prometheus/ share: questions that are answered in a job.
 *
 * A question runs in the lane of queries: two at a time, a short line, so that ingest and the rest always
 * have threads of the pool. It stops when its client goes away. Success is
 * {"status":"success","data":...}; the work writes what stands for the dots. */
#ifndef BUSBAR_SERVER_PROMETHEUS_PROMETHEUS_H
#define BUSBAR_SERVER_PROMETHEUS_PROMETHEUS_H

#include "server/core.h"

enum {
    PROMETHEUS_SERIES_MAX = 1000000, /* found by the match[] of a request */
    PROMETHEUS_METADATA_MAX = 50000, /* metrics in an answer of metadata */
};

struct prometheus_job;
/* Reads the request's parameters and writes the data; 0, or an error in job->err: then what was written
 * is dropped. On a job thread: nothing of the loop's. */
typedef int (*prometheus_work)(struct prometheus_job *job);

/* First in the struct of a question that needs more. */
struct prometheus_job {
    struct server_request *req; /* its parameters may be read; it stays valid */
    struct history *history;
    const atomic_bool *cancel;
    prometheus_work work;
    void (*end)(struct prometheus_job *job); /* frees what it holds, not itself; NULL: nothing */
    struct buf out;
    const char *warning; /* static; NULL: none */
    struct err err;
    unsigned status;                /* of the error; 0: by its code */
    bool takes_gzip, packed, empty; /* empty: success is 204 without a body */
};

/* Hands a question over; the struct that begins with the job was allocated with busbar_alloc() by the caller
 * and is freed here. */
void prometheus_submit(struct server_request *req, struct prometheus_job *job,
                       prometheus_work work);
/* A question without more: the same with a job of its own. */
void prometheus_ask(struct server_request *req, prometheus_work work);

/* Errors of an evaluation or a look-up: 422, 503, 499 as in Prometheus. Returns err's code. */
int prometheus_failed(struct prometheus_job *job);

/* An answer that is known at once; `data` is JSON. */
void prometheus_reply(struct server_request *req, const char *data);
/* Begins {"status":"success","data": and ends it. */
void prometheus_begin(struct buf *out);
void prometheus_end(struct buf *out);

/* "sum(rate(" at line 1, column 5: the error of an expression as Prometheus words it. */
void prometheus_word_syntax(struct err *err, const char *parameter);

/* Series that any match[] of the request finds, each once, in the order of ids. Caller frees. No match[]:
 * BUSBAR_EINVAL. */
int prometheus_series(struct prometheus_job *job, uint32_t **series, size_t *count);

/* The label name behind "U__a_2e_b" ("a.b"), as Prometheus escapes names in paths; other texts stay. */
void prometheus_unescape_name(const char *text, char *to, size_t size);

/* ---- routes, one table a file; server_prometheus_routes() calls them ---- */
void prometheus_query_routes(struct server *server);
void prometheus_label_routes(struct server *server);
void prometheus_text_routes(struct server *server);
void prometheus_target_routes(struct server *server);
void prometheus_status_routes(struct server *server);
void prometheus_admin_routes(struct server *server);

#endif
