/* SPDX-License-Identifier: Apache-2.0 */
/* Notes in the journal about what came through the server. */
#ifndef BUSBAR_SERVER_JOURNAL_H
#define BUSBAR_SERVER_JOURNAL_H

#include "server/server.h"

/* Writes who (from the request) did what to which path. All texts are copied; "" = nothing. Without
 * a state nothing is written. A failure is logged. */
void journal_note(const struct server_request *req, const char *what, const char *path,
                  const char *old_value, const char *new_value, const char *result);

/* The same; `done` runs once, later, when the entry is on disk or could not be written. */
void journal_note_then(const struct server_request *req, const char *what, const char *path,
                       const char *old_value, const char *new_value, const char *result,
                       void (*done)(void *ctx), void *ctx);

#endif
