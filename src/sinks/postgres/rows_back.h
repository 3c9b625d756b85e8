/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the table sample as samples again (import.c; days that are made again, chunks.c). A row says less than a sample:
 * which kind of number it was is told by the type of its point. Pure. */
#ifndef BUSBAR_SINKS_POSTGRES_ROWS_BACK_H
#define BUSBAR_SINKS_POSTGRES_ROWS_BACK_H

#include "history/history.h"
#include "sinks/postgres/link.h"

/* What is selected, for answers in binary. */
#define PG_ROWS_BACK "time, value, quality::int8, text, received, detail"

/* The first row of the answer. *text: what the sample has, NULL for none; caller frees (busbar_free). */
void pg_row_back(const struct pg_answer *answer, uint32_t point, const char *type,
                 struct sample *sample, struct text **text);
/* Leaves out the rows that say the same as a sample of `known`, which says it better. Both in time order. */
void pg_rows_differ(struct sample *rows, size_t *count, const struct history_samples *known);

#endif
