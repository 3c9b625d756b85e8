/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/read: in the lane of queries, so that ingest always has threads. The answer is one
 * snappy block, so all of it is made before the first byte leaves; limits say when that is too much. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/reader.h"
#include "payload/coding.h"
#include "server/core.h"
#include "server/ingest/export.h"
#include "server/ingest/ingest.h"
#include "server/ingest/remote_read.h"

enum { READ_SAMPLE_BYTES = 18 /* of a sample in the answer, at most */ };

struct read {
    struct server_request *req;
    struct history *history;
    const atomic_bool *cancel;
    struct arena arena;
    struct buf response, packed;
    struct err err;
};

struct found {
    struct label *labels;
    size_t label_count;
    uint32_t series;
};

static int by_labels(const void *a, const void *b)
{
    const struct found *left = a;
    const struct found *right = b;
    return labels_compare(left->labels, left->label_count, right->labels, right->label_count);
}

/* The series of a query with their labels, in the order of these. */
static int find(struct read *read, const struct ingest_read_query *query, struct found **found,
                size_t *count)
{
    struct history_index *index = history_index(read->history);
    uint32_t *series = NULL;
    size_t series_count = 0;
    *count = 0;
    int error = history_index_select(index, query->matchers, query->matcher_count,
                                     INGEST_READ_SERIES_MAX, read->cancel, &series, &series_count,
                                     &read->err);
    if (error != 0) {
        return error;
    }
    *found = arena_alloc_array(&read->arena, series_count + 1, sizeof(**found));
    for (size_t i = 0; *found != NULL && i < series_count; i++) {
        struct label labels[LABELS_MAX];
        struct found *one = &(*found)[*count];
        one->series = series[i];
        one->label_count = history_index_labels(index, series[i], labels);
        one->labels = arena_alloc_array(&read->arena, one->label_count + 1, sizeof(*labels));
        if (one->labels == NULL) {
            *found = NULL;
        } else if (one->label_count > 0) {
            memcpy(one->labels, labels, one->label_count * sizeof(*labels));
            ++*count;
        }
    }
    busbar_free(series);
    if (*found == NULL) {
        return err_set(&read->err, BUSBAR_ENOMEM, "out of memory");
    }
    qsort(*found, *count, sizeof(**found), by_labels);
    return 0;
}

static int64_t ms_to_us(int64_t ms)
{
    const int64_t most = INT64_MAX / CLOCK_US_PER_MS - 1;
    return ms > most    ? most * CLOCK_US_PER_MS
           : ms < -most ? -most * CLOCK_US_PER_MS
                        : ms * CLOCK_US_PER_MS;
}

static int too_much(struct read *read)
{
    err_set(&read->err, BUSBAR_ELIMIT, "the answer is over %d MiB", INGEST_READ_BYTES_MAX >> 20);
    return err_hint(&read->err, "ask for a shorter time or fewer series");
}

static int put_query(struct read *read, const struct ingest_read_query *query,
                     struct history_reader *reader, struct buf *result)
{
    struct found *found = NULL;
    size_t count = 0;
    int error = find(read, query, &found, &count);
    for (size_t i = 0; error == 0 && i < count; i++) {
        struct history_numbers numbers = { 0 };
        size_t left = (INGEST_READ_BYTES_MAX - read->response.size - result->size) /
                      READ_SAMPLE_BYTES;
        error = atomic_load(read->cancel)
                    ? err_set(&read->err, BUSBAR_ECANCELED, "nobody waits any more")
                    : history_reader_numbers(reader, found[i].series, ms_to_us(query->start_ms),
                                             ms_to_us(query->end_ms) + CLOCK_US_PER_MS, left,
                                             &numbers);
        if (error == 0 && numbers.count > 0) {
            ingest_read_put_series(result, found[i].labels, found[i].label_count, numbers.times_us,
                                   numbers.values, numbers.count);
        }
        if (error == BUSBAR_ELIMIT || result->overflow) {
            error = too_much(read);
        } else if (error != 0 && read->err.code == 0) {
            err_set(&read->err, error, "the history cannot be read: %s", err_text(error));
        }
    }
    return error;
}

static int answer(struct read *read, const void *data, size_t size)
{
    struct ingest_read_query *queries = NULL;
    struct history_reader *reader = NULL;
    struct buf result;
    size_t count = 0;
    int error = ingest_read_get(data, size, &read->arena, &queries, &count, &read->err);
    if (error == 0 && (error = history_reader_open(read->history, &reader)) != 0) {
        err_set(&read->err, error, "the history cannot be read: %s", err_text(error));
    }
    buf_init(&result, INGEST_READ_BYTES_MAX);
    for (size_t i = 0; error == 0 && i < count; i++) {
        buf_clear(&result);
        error = put_query(read, &queries[i], reader, &result);
        if (error == 0) {
            ingest_read_put_result(&read->response, &result);
            error = read->response.overflow ? too_much(read) : 0;
        }
    }
    if (error == 0 &&
        payload_snappy(read->response.data, read->response.size, &read->packed) != 0) {
        error = too_much(read);
    }
    buf_fini(&result);
    history_reader_close(reader);
    return error;
}

static void work(void *ctx)
{
    struct read *read = ctx;
    struct buf plain;
    size_t size = 0;
    const uint8_t *body = server_raw(read->req, &size);
    buf_init(&plain, INGEST_PLAIN_MAX);
    if (payload_decode(PAYLOAD_SNAPPY, body, size, &plain, &read->err) == 0) {
        (void)answer(read, buf_text(&plain), plain.size);
    }
    buf_fini(&plain);
    buf_fini(&read->response);
}

static void done(void *ctx, int error)
{
    struct read *read = ctx;
    if (error != 0) {
        err_set(&read->err, error, "busbar is stopping");
    }
    if (read->err.code == BUSBAR_EPROTO) {
        read->err.code = BUSBAR_EINVAL; /* the client's, not a device's: 400 */
    }
    if (read->err.code != 0) {
        server_reply_err(read->req, &read->err);
    } else {
        server_answer_header(read->req, "Content-Encoding", "snappy");
        server_reply_as(read->req, 200, "application/x-protobuf", &read->packed);
    }
    buf_fini(&read->packed);
    buf_fini(&read->response);
    arena_fini(&read->arena);
    busbar_free(read);
}

void ingest_remote_read(struct server_request *req, struct history *history)
{
    struct err err = { 0 };
    if (history_index_check(history, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct read *read = busbar_alloc(sizeof(*read));
    read->req = req;
    read->history = history;
    read->cancel = server_cancel(req);
    arena_init(&read->arena, INGEST_READ_BYTES_MAX);
    buf_init(&read->response, INGEST_READ_BYTES_MAX);
    buf_init(&read->packed, SERVER_ANSWER_MAX);
    if (server_query_submit(server_of(req), work, done, read, &err) != 0) {
        arena_fini(&read->arena);
        busbar_free(read);
        server_reply_err(req, &err);
    }
}
