/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of Prometheus' remote read (prompb/remote.proto), without compression.
 *
 *   ReadRequest    1: Query ...       (2: accepted types; SAMPLES is always allowed and always given)
 *   Query          1: start ms   2: end ms (included)   3: LabelMatcher ...   (4: hints, skipped)
 *   LabelMatcher   1: type (= != =~ !~)   2: name   3: value
 *   ReadResponse   1: QueryResult ...      QueryResult   1: TimeSeries ... (as in remote write) */
#ifndef BUSBAR_SERVER_INGEST_REMOTE_READ_H
#define BUSBAR_SERVER_INGEST_REMOTE_READ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "history/index.h"

enum {
    INGEST_READ_QUERIES_MAX = 64,
    INGEST_READ_SERIES_MAX = 200000,   /* of a query */
    INGEST_READ_BYTES_MAX = 256 << 20, /* of an answer before compression */
};

struct ingest_read_query {
    int64_t start_ms, end_ms;
    struct label_matcher matchers[HISTORY_MATCHERS_MAX];
    size_t matcher_count;
};

/* Texts and queries live in the arena. BUSBAR_EPROTO, BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int ingest_read_get(const void *data, size_t size, struct arena *arena,
                    struct ingest_read_query **queries, size_t *count, struct err *err);

/* Appends one TimeSeries to a QueryResult; of samples in one millisecond the last stays. */
void ingest_read_put_series(struct buf *result, const struct label *labels, size_t label_count,
                            const int64_t *times_us, const double *values, size_t count);
/* Appends a QueryResult to a ReadResponse. */
void ingest_read_put_result(struct buf *response, const struct buf *result);

#endif
