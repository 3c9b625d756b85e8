/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines as VictoriaMetrics imports and exports them, a series a line, read in place:
 *
 *   {"metric":{"__name__":"temp","room":"1"},"values":[21.5,21.6],"timestamps":[1700000000000,...]}
 *
 * Times are milliseconds. null is a stale marker; "NaN", "Infinity" and "-Infinity" are what JSON has no
 * number for. Other members are stepped over. */
#ifndef BUSBAR_SERVER_INGEST_JSON_LINES_H
#define BUSBAR_SERVER_INGEST_JSON_LINES_H

#include "base/buf.h"
#include "server/ingest/rows.h"

struct ingest_json_lines {
    const char *at, *end;
    uint64_t line;
    /* the series in work */
    bool in_series;
    const char *start; /* of its line */
    const char *name;  /* its metric object */
    uint32_t name_size;
    struct ingest_key key;
    const char *value, *value_end, *time, *time_end; /* what is left of its two arrays */
};

void ingest_json_lines_begin(struct ingest_json_lines *in, struct ingest_rows *rows,
                             const char *text, size_t size);
/* One turn. False: the text is at its end. */
bool ingest_json_lines_turn(struct ingest_json_lines *in, struct ingest_rows *rows);

/* Writes one line; times in us are cut to ms. */
void ingest_json_lines_put(struct buf *out, const struct label *labels, size_t label_count,
                           const int64_t *times_us, const double *values, size_t count);

#endif
