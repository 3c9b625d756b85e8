/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of points and events as JSON arrays of objects, which one statement each takes apart (jsonb_to_recordset). Pure.
 * NUL, which jsonb cannot hold, becomes U+FFFD in both. */
#ifndef BUSBAR_SINKS_POSTGRES_ROWS_JSON_H
#define BUSBAR_SINKS_POSTGRES_ROWS_JSON_H

#include "base/err.h"
#include "sinks/batch.h"

/* {point, path, device, name, title, units, type, protocol, place, profile, writable, counter, labels, enums} */
void pg_put_series(const struct sink_series *series, size_t count, struct buf *out);

/* {time, received, uid, severity, ack, source, kind, text, key, arguments}; times as microseconds since 1970.
 * BUSBAR_EREFUSED: event *bad cannot be held, err says why. BUSBAR_ENOMEM. */
int pg_put_events(const struct bytes *events, size_t count, size_t *bad, struct buf *out,
                  struct err *err);

#endif
