/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that writes to the time series: the path from a request's body to the disk.
 *
 *   body -> job: decompress, a turn of the codec, series -> loop: history_append() in slices
 *             ^-----------------------------------------------'       -> on disk -> answer
 *
 * One request is taken in at a time, in the order of their coming, a turn of samples after the
 * other; so memory is bounded, and a connection's samples stay in order. The wait for the disk is shared by
 * all. When the log is full or busy the answer is 503 with Retry-After: senders come again.
 * Loop thread only, but for what runs in the job. */
#ifndef BUSBAR_SERVER_INGEST_INGEST_H
#define BUSBAR_SERVER_INGEST_INGEST_H

#include "base/buf.h"
#include "history/history.h"
#include "net/loop.h"
#include "payload/coding.h"
#include "server/ingest/metadata.h"
#include "server/ingest/rows.h"

enum {
    INGEST_PLAIN_MAX = 64 << 20, /* bytes of a body after decompression */
    INGEST_WAITING_MAX = 256,    /* requests in line; more are answered 503 */
    INGEST_BUSY_MS_MAX = 3000,   /* a busy log is tried again so long, then 503 */
};

struct json_writer;
struct server;
struct server_request;
struct ingest;

/* received = appended + refused (by reason), always; what is appended is stored, repeated or
 * waiting, which the history counts. Since the start. */
struct ingest_counts {
    uint64_t requests, failed; /* failed: answered with 5xx, or not readable at all */
    uint64_t bytes;            /* of bodies, as they came */
    uint64_t received, appended;
    uint64_t refused[INGEST_REFUSAL_COUNT];
};

/* history may be NULL: then everything is answered with 503. */
struct ingest *ingest_new(struct loop *loop, struct history *history);
/* What is under way is answered with 503 or, when its samples wait for the disk, when they are
 * on it. Jobs may still run: the memory goes with the last of them. */
void ingest_free(struct ingest *ingest);

void ingest_counts(const struct ingest *ingest, struct ingest_counts *counts);
/* Adds what came by another way than ingest_take(). */
void ingest_add_counts(struct ingest *ingest, const struct ingest_counts *more);
struct ingest_metadata *ingest_metadata(struct ingest *ingest);

/* For the ledger, which adds it to what came from devices: samples that were given to the log or refused, and the
 * latter alone. */
uint64_t ingest_received(const struct ingest *ingest);
uint64_t ingest_refused(const struct ingest *ingest);
/* "ingest": {received, refused: [{reason, count}]} */
void ingest_put_ledger(const struct ingest *ingest, struct json_writer *json);

/* How the body of a request is to be read. */
enum ingest_kind {
    INGEST_INFLUX,
    INGEST_OPENMETRICS,
    INGEST_JSON_LINES,
    INGEST_REMOTE_WRITE,
};

struct ingest_options {
    enum ingest_kind kind;
    enum payload_coding coding;
    int64_t unit_ns;    /* INGEST_INFLUX */
    bool seconds;       /* INGEST_OPENMETRICS */
    int64_t default_us; /* time of samples without one; 0: now */
    bool extra_yields;
    struct label extra[INGEST_EXTRA_LABELS_MAX]; /* texts that live until the answer */
    size_t extra_count;
};

/* Takes a SERVER_ROUTE_RAW request over and answers it, later. */
void ingest_take(struct ingest *ingest, struct server_request *req,
                 const struct ingest_options *options);

/* Lines of /metrics. */
void ingest_put_metrics(const struct ingest *ingest, struct buf *out);

#endif
