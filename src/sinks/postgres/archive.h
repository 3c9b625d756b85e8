/* SPDX-License-Identifier: Apache-2.0 */
/* The table chunk, read back: for queries (history/archive.h) and imports (import.h). Connections of its own, of which a
 * few are kept; what is down is not tried again for a while, so that of many questions one waits. */
#ifndef BUSBAR_SINKS_POSTGRES_ARCHIVE_H
#define BUSBAR_SINKS_POSTGRES_ARCHIVE_H

#include "history/archive.h"
#include "history/sealed.h"
#include "sinks/postgres/ask.h"
#include "sinks/postgres/postgres.h"

enum { PG_ARCHIVE_IDLE_MAX = 4 };

/* Never NULL; a login that is wrong is said when it is asked. Loop thread; freed by history_archive_release(). */
struct history_archive *pg_archive_new(const struct sink_env *env, const struct settings *settings);

/* ---- shared with import.c ---- */

struct pg_archive;
struct pg_question {
    const char *sql;
    const struct pg_param *params;
    size_t count;
    pg_ask_row row; /* cells are binary */
    void *ctx;
};
/* On one of its connections; *rows: row() was called, so it must not be asked once more. */
int pg_archive_put(struct history_archive *archive, const struct pg_question *question,
                   struct history_archive_ask *ask, const bool *rows, struct err *err);
const char *pg_archive_site(const struct history_archive *archive);
int64_t pg_cell_i64(const struct pg_answer *answer, size_t column); /* of a binary integer */
void pg_time_text(int64_t time_us, char *text,
                  size_t size); /* as SQL wants it, cut to what it can say */
int pg_archive_unseal(struct history_sealer *sealer, const struct pg_answer *answer, size_t column,
                      uint32_t series, int64_t from_us, int64_t to_us, size_t max,
                      struct history_samples *found, struct err *err);

/* import.c: history_archive.fetch */
int pg_import_step(struct history_archive *archive, struct history_archive_ask *ask,
                   struct history_fetch *fetch, struct err *err);

#endif
