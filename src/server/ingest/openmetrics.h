/* SPDX-License-Identifier: Apache-2.0 */
/* The text format of Prometheus (0.0.4) and OpenMetrics 1.0, read in place:
 *
 *   # HELP name text     # TYPE name counter     # UNIT name seconds     # EOF
 *   name{label="value",...} 21.5 [time] [# exemplar]
 *   {"any UTF-8 name", label="value"} 21.5
 *
 * Times: OpenMetrics has seconds with a fraction, Prometheus whole milliseconds; a whole number below 2^31 is
 * taken as seconds in either, as VictoriaMetrics does. What has none gets the time of its arrival.
 * Exemplars are skipped. A line with a mistake is said with line and column; the next one is read. */
#ifndef BUSBAR_SERVER_INGEST_OPENMETRICS_H
#define BUSBAR_SERVER_INGEST_OPENMETRICS_H

#include "server/ingest/metadata.h"
#include "server/ingest/rows.h"

struct ingest_openmetrics {
    const char *at, *end;
    uint64_t line;
    bool seconds;                     /* OpenMetrics */
    struct ingest_metadata *metadata; /* NULL: not kept */
};

void ingest_openmetrics_begin(struct ingest_openmetrics *in, struct ingest_rows *rows,
                              const char *text, size_t size, bool seconds,
                              struct ingest_metadata *metadata);
/* One turn. False: the text is at its end. */
bool ingest_openmetrics_turn(struct ingest_openmetrics *in, struct ingest_rows *rows);

#endif
