/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that give many series back, made in jobs. Loop thread; history may be NULL. */
#ifndef BUSBAR_SERVER_INGEST_EXPORT_H
#define BUSBAR_SERVER_INGEST_EXPORT_H

#include "server/server.h"

enum {
    INGEST_SELECTED_MAX = 4 << 20 /* series that match[] of an export or a federation may find */
};

/* match[], start, end -> JSON lines. */
void ingest_export(struct server_request *req, struct history *history);
/* match[] -> the last value of each series in Prometheus' text format; Accept says how names that need
 * quotes are written. */
void ingest_federate(struct server_request *req, struct history *history);
/* Prometheus' remote read: a snappy ReadRequest -> ReadResponse. */
void ingest_remote_read(struct server_request *req, struct history *history);

#endif
