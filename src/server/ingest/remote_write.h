/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus remote write 1.0, after decompression: a protobuf WriteRequest, read in place.
 *
 *   WriteRequest    1: TimeSeries ...   3: MetricMetadata ...
 *   TimeSeries      1: Label ...   2: Sample ...   3: Exemplar (skipped)   4: Histogram (counted)
 *   Label           1: name   2: value
 *   Sample          1: double value   2: int64 time in ms
 *   MetricMetadata  1: type   2: metric   4: help   5: unit
 *
 * The bytes of a series' labels are its key, so they are taken apart only once. Values keep all
 * their bits (a stale marker is one NaN among many). What comes before broken bytes is kept. */
#ifndef BUSBAR_SERVER_INGEST_REMOTE_WRITE_H
#define BUSBAR_SERVER_INGEST_REMOTE_WRITE_H

#include "base/bytes.h"
#include "server/ingest/metadata.h"
#include "server/ingest/rows.h"

struct ingest_remote_write {
    struct bytes in;     /* the request */
    struct bytes series; /* what is left of the series in work */
    const char *name;    /* its message, from the first label on */
    uint32_t name_size;
    struct ingest_key key;
    bool in_series;
    struct ingest_metadata *metadata; /* NULL: not kept */
};

void ingest_remote_write_begin(struct ingest_remote_write *request, struct ingest_rows *rows,
                               const void *data, size_t size, struct ingest_metadata *metadata);
/* One turn. False: the request is at its end (or broken: then a problem says so). */
bool ingest_remote_write_turn(struct ingest_remote_write *request, struct ingest_rows *rows);

#endif
