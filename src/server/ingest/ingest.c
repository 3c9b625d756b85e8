/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/ingest.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/index.h"
#include "net/jobs.h"
#include "net/timer.h"
#include "server/ingest/answer.h"
#include "server/ingest/influx.h"
#include "server/ingest/json_lines.h"
#include "server/ingest/openmetrics.h"
#include "server/ingest/remote_write.h"

enum {
    SLICE = 4096,     /* samples given to the log at once */
    SLICES_US = 2000, /* then the loop turns */
    BUSY_MS = 5,      /* until a busy log is asked again */
};

#define DAY_US (24 * 3600 * CLOCK_US_PER_S)

struct ingest_request {
    struct list link;
    struct ingest *ingest;
    struct server_request *req;
    struct ingest_options options;
    const uint8_t *body;
    size_t size;
    bool begun, more; /* more: the codec is not at the end of the body */
    struct buf plain; /* the body without its compression */
    union {
        struct ingest_influx influx;
        struct ingest_openmetrics openmetrics;
        struct ingest_json_lines json_lines;
        struct ingest_remote_write remote_write;
    } codec;
    struct err err; /* of the job */
    struct ingest_result result;
};

struct ingest {
    struct loop *loop;
    struct history *history;
    struct ingest_metadata *metadata;
    struct list waiting; /* struct ingest_request */
    size_t waiting_count;
    struct ingest_request *current; /* being taken in; NULL: none */
    bool in_job, closing;
    struct timer timer;
    size_t appended;       /* samples of the turn that the log has */
    int64_t busy_since_us; /* 0: the log is not busy */
    struct ingest_counts counts;
    /* of the job, while one runs */
    struct ingest_cache cache;
    struct ingest_rows rows;
    bool rows_ready;
    uint64_t removals; /* of the index, when the cache was right */
};

/* ---- codecs ---- */

static void begin_influx(struct ingest_request *request, const char *text, size_t size)
{
    ingest_influx_begin(&request->codec.influx, &request->ingest->rows, text, size,
                        request->options.unit_ns);
}

static bool turn_influx(struct ingest_request *request)
{
    return ingest_influx_turn(&request->codec.influx, &request->ingest->rows);
}

static void begin_openmetrics(struct ingest_request *request, const char *text, size_t size)
{
    ingest_openmetrics_begin(&request->codec.openmetrics, &request->ingest->rows, text, size,
                             request->options.seconds, request->ingest->metadata);
}

static bool turn_openmetrics(struct ingest_request *request)
{
    return ingest_openmetrics_turn(&request->codec.openmetrics, &request->ingest->rows);
}

static void begin_json_lines(struct ingest_request *request, const char *text, size_t size)
{
    ingest_json_lines_begin(&request->codec.json_lines, &request->ingest->rows, text, size);
}

static bool turn_json_lines(struct ingest_request *request)
{
    return ingest_json_lines_turn(&request->codec.json_lines, &request->ingest->rows);
}

static void begin_remote_write(struct ingest_request *request, const char *data, size_t size)
{
    ingest_remote_write_begin(&request->codec.remote_write, &request->ingest->rows, data, size,
                              request->ingest->metadata);
}

static bool turn_remote_write(struct ingest_request *request)
{
    return ingest_remote_write_turn(&request->codec.remote_write, &request->ingest->rows);
}

static const struct {
    void (*begin)(struct ingest_request *request, const char *text, size_t size);
    bool (*turn)(struct ingest_request *request);
} codecs[] = {
    [INGEST_INFLUX] = { begin_influx, turn_influx },
    [INGEST_OPENMETRICS] = { begin_openmetrics, turn_openmetrics },
    [INGEST_JSON_LINES] = { begin_json_lines, turn_json_lines },
    [INGEST_REMOTE_WRITE] = { begin_remote_write, turn_remote_write },
};

/* ---- the job ---- */

static int make_series(void *ctx, const struct history_labels *sets, size_t count, uint32_t *ids,
                       struct err *err)
{
    return history_make_series(ctx, sets, count, ids, err);
}

static int begin(struct ingest_request *request)
{
    struct ingest *ingest = request->ingest;
    struct ingest_rows *rows = &ingest->rows;
    const struct ingest_options *options = &request->options;
    const void *text = request->body;
    size_t size = request->size;
    if (!ingest->rows_ready) {
        if (ingest_rows_init(rows, &ingest->cache) != 0) {
            return err_set(&request->err, BUSBAR_ENOMEM, "out of memory");
        }
        ingest->rows_ready = true;
    }
    if (options->coding != PAYLOAD_IDENTITY) {
        int error = payload_decode(options->coding, text, size, &request->plain, &request->err);
        if (error != 0) {
            return error;
        }
        text = buf_text(&request->plain);
        size = request->plain.size;
    }
    codecs[options->kind].begin(request, text, size);
    int64_t now_us = clock_wall_us();
    int64_t keep_us = history_keep_longest_us(ingest->history);
    rows->now_us = options->default_us != 0 ? options->default_us : now_us;
    rows->newest_us = now_us + DAY_US;
    rows->oldest_us = keep_us == HISTORY_KEEP_FOREVER || keep_us > now_us ? 0 : now_us - keep_us;
    rows->extra_yields = options->extra_yields;
    for (size_t i = 0; i < options->extra_count; i++) {
        (void)ingest_rows_extra(rows, &options->extra[i]);
    }
    return 0;
}

static void work(void *ctx)
{
    struct ingest_request *request = ctx;
    struct ingest *ingest = request->ingest;
    if (!request->begun && begin(request) != 0) {
        return;
    }
    request->begun = true;
    uint64_t removals = history_index_removals(history_index(ingest->history));
    if (removals != ingest->removals) {
        ingest_cache_clear(&ingest->cache);
        ingest->removals = removals;
    }
    request->more = codecs[request->options.kind].turn(request);
    (void)ingest_rows_make(&ingest->rows, make_series, ingest->history, &request->err);
}

/* ---- the loop ---- */

static void next_request(struct ingest *ingest);

static void free_ingest(struct ingest *ingest)
{
    ingest_metadata_free(ingest->metadata);
    ingest_cache_fini(&ingest->cache);
    if (ingest->rows_ready) {
        ingest_rows_fini(&ingest->rows);
    }
    busbar_free(ingest);
}

static void free_request(struct ingest_request *request)
{
    buf_fini(&request->plain);
    busbar_free(request);
}

static void fail(struct ingest_request *request, const struct err *err)
{
    if (request->ingest != NULL) {
        request->ingest->counts.failed++;
    }
    ingest_answer_err(request->req, err);
    free_request(request);
}

/* What the rows counted since the turn before. */
static void count(struct ingest *ingest, struct ingest_result *result)
{
    const struct ingest_rows *rows = &ingest->rows;
    ingest->counts.received += rows->received - result->received;
    result->received = rows->received;
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        ingest->counts.refused[i] += rows->refused[i] - result->refused[i];
        result->refused[i] = rows->refused[i];
    }
    result->problem_count = rows->problem_count;
    memcpy(result->problems, rows->problems, sizeof(result->problems));
}

/* The current request leaves; the next one comes. */
static void let_go(struct ingest *ingest)
{
    ingest->current = NULL;
    ingest->busy_since_us = 0;
    next_request(ingest);
}

static void on_stored(void *ctx, int error)
{
    struct ingest_request *request = ctx;
    if (error != 0) {
        struct err err = { 0 };
        err_set(&err, error, "the samples could not be written: %s", err_text(error));
        ingest_answer_err(request->req, &err);
    } else {
        ingest_answer(request->req, &request->result);
    }
    free_request(request);
}

/* The log does not take the rest of the turn. */
static void refuse_rest(struct ingest *ingest, int error)
{
    struct ingest_request *request = ingest->current;
    struct err err = { 0 };
    uint64_t rest = ingest->rows.count - ingest->appended;
    ingest->counts.refused[error == BUSBAR_ENOSPC ? INGEST_LOG_FULL : INGEST_LOG_BUSY] += rest;
    err_set(&err, error, "the log does not take more samples: %s", err_text(error));
    err_hint(&err, error == BUSBAR_ENOSPC ? "make room on the disk; then send again"
                                          : "send again in a moment");
    let_go(ingest);
    fail(request, &err);
}

/* True: try again later. */
static bool is_busy(struct ingest *ingest)
{
    int64_t now_us = loop_now_us(ingest->loop);
    ingest->busy_since_us = ingest->busy_since_us != 0 ? ingest->busy_since_us : now_us;
    return now_us - ingest->busy_since_us < INGEST_BUSY_MS_MAX * CLOCK_US_PER_MS;
}

static void done(void *ctx, int error);

static void start_turn(struct ingest *ingest)
{
    ingest->in_job = true;
    jobs_submit(ingest->loop, work, done, ingest->current);
}

static void append_slices(struct timer *timer, void *ctx)
{
    struct ingest *ingest = ctx;
    struct ingest_request *request = ingest->current;
    const struct ingest_rows *rows = &ingest->rows;
    int64_t until_us = clock_mono_us() + SLICES_US;
    (void)timer;
    while (ingest->appended < rows->count || !request->more) {
        size_t left = rows->count - ingest->appended;
        size_t size = left < SLICE ? left : SLICE;
        bool last = size == left && !request->more;
        int error = history_append(ingest->history, rows->samples + ingest->appended, size,
                                   last ? on_stored : NULL, request);
        if (error == BUSBAR_EBUSY && is_busy(ingest)) {
            timer_start(&ingest->timer, BUSY_MS, 0);
            return;
        }
        if (error != 0) {
            refuse_rest(ingest, error);
            return;
        }
        ingest->busy_since_us = 0;
        ingest->appended += size;
        ingest->counts.appended += size;
        if (last) {
            request->ingest = NULL; /* it waits for the disk alone, and needs no text for that */
            buf_fini(&request->plain);
            let_go(ingest);
            return;
        }
        if (clock_mono_us() >= until_us) {
            timer_start_us(&ingest->timer, 1, 0);
            return;
        }
    }
    start_turn(ingest);
}

static void done(void *ctx, int error)
{
    struct ingest_request *request = ctx;
    struct ingest *ingest = request->ingest;
    ingest->in_job = false;
    if (error != 0 || ingest->closing) {
        err_set(&request->err, BUSBAR_ECANCELED, "busbar is stopping");
    }
    if (request->begun) {
        count(ingest, &request->result);
    }
    if (request->err.code != 0) {
        if (request->begun) { /* none of the turn's samples were taken */
            ingest->counts.refused[INGEST_LOG_BUSY] += ingest->rows.count;
        }
        let_go(ingest);
        fail(request, &request->err);
    } else {
        ingest->appended = 0;
        append_slices(&ingest->timer, ingest);
    }
    if (ingest->closing) {
        free_ingest(ingest);
    }
}

static void next_request(struct ingest *ingest)
{
    struct list *first = ingest->closing || ingest->current != NULL ? NULL
                                                                    : list_shift(&ingest->waiting);
    if (first != NULL) {
        ingest->waiting_count--;
        ingest->current = list_entry(first, struct ingest_request, link);
        start_turn(ingest);
    }
}

void ingest_take(struct ingest *ingest, struct server_request *req,
                 const struct ingest_options *options)
{
    struct err err = { 0 };
    if (ingest->history == NULL || ingest->waiting_count == INGEST_WAITING_MAX) {
        ingest->counts.failed++;
        err_set(&err, BUSBAR_EBUSY, "%s",
                ingest->history == NULL ? "there is no history" : "too many requests wait");
        ingest_answer_err(req, &err);
        return;
    }
    struct ingest_request *request = busbar_alloc(sizeof(*request));
    request->ingest = ingest;
    request->req = req;
    request->options = *options;
    request->body = server_raw(req, &request->size);
    buf_init(&request->plain, INGEST_PLAIN_MAX);
    ingest->counts.requests++;
    ingest->counts.bytes += request->size;
    list_append(&ingest->waiting, &request->link);
    ingest->waiting_count++;
    next_request(ingest);
}

/* ---- life ---- */

struct ingest *ingest_new(struct loop *loop, struct history *history)
{
    struct ingest *ingest = busbar_alloc(sizeof(*ingest));
    ingest->loop = loop;
    ingest->history = history;
    ingest->metadata = ingest_metadata_new();
    list_init(&ingest->waiting);
    timer_init(&ingest->timer, loop, append_slices, ingest);
    ingest_cache_init(&ingest->cache);
    return ingest;
}

void ingest_free(struct ingest *ingest)
{
    struct err err = { 0 };
    struct list *first;
    err_set(&err, BUSBAR_ECANCELED, "busbar is stopping");
    ingest->closing = true;
    timer_stop(&ingest->timer);
    while ((first = list_shift(&ingest->waiting)) != NULL) {
        fail(list_entry(first, struct ingest_request, link), &err);
    }
    if (ingest->in_job) {
        return; /* done() goes on */
    }
    if (ingest->current != NULL) {
        fail(ingest->current, &err);
    }
    free_ingest(ingest);
}

void ingest_counts(const struct ingest *ingest, struct ingest_counts *counts)
{
    *counts = ingest->counts;
}

void ingest_add_counts(struct ingest *ingest, const struct ingest_counts *more)
{
    struct ingest_counts *counts = &ingest->counts;
    counts->requests += more->requests;
    counts->failed += more->failed;
    counts->bytes += more->bytes;
    counts->received += more->received;
    counts->appended += more->appended;
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        counts->refused[i] += more->refused[i];
    }
}

struct ingest_metadata *ingest_metadata(struct ingest *ingest)
{
    return ingest->metadata;
}
