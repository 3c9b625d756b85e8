/* SPDX-License-Identifier: Apache-2.0 */
/* The line protocol of InfluxDB (v1 and v2), read in place:
 *
 *   measurement[,tag=value...] field=value[,field=value...] [time]
 *
 * A field is a series: name `measurement_field` (as VictoriaMetrics names it; `field` alone when the measurement
 * is empty), labels from the tags. Values: 1.5, 1i, 1u, t/f/true/false, "text". Backslash escapes comma, space,
 * equals sign and itself; in a text the quotation mark and itself. A line with a mistake is left out
 * whole and said with line and column; the next one is read. */
#ifndef BUSBAR_SERVER_INGEST_INFLUX_H
#define BUSBAR_SERVER_INGEST_INFLUX_H

#include "server/ingest/rows.h"

struct ingest_influx {
    const char *at, *end;
    uint64_t line;
    int64_t unit_ns; /* of times; 0: told by their size, as VictoriaMetrics does */
};

/* "ns" "n" "us" "u" "ms" "s" "m" "h"; NULL and "": by their size. False: no such precision. */
bool ingest_influx_precision(const char *text, int64_t *unit_ns);

void ingest_influx_begin(struct ingest_influx *in, struct ingest_rows *rows, const char *text,
                         size_t size, int64_t unit_ns);
/* One turn. False: the text is at its end. */
bool ingest_influx_turn(struct ingest_influx *in, struct ingest_rows *rows);

#endif
