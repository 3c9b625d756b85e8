/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions of the table sample: which are there, those that a batch needs, those that are too old. TimescaleDB makes
 * its own. Loop thread only, but the pure ones. */
#ifndef BUSBAR_SINKS_POSTGRES_PARTITIONS_H
#define BUSBAR_SINKS_POSTGRES_PARTITIONS_H

#include "sinks/postgres/postgres.h"

enum pg_unit { PG_DAY, PG_WEEK, PG_MONTH }; /* choices of POSTGRES_PARTITION */

enum {
    PG_PARTITIONS_MAX = 32768,  /* that are kept in memory */
    PG_PARTITIONS_AT_ONCE = 32, /* made by one statement */
    PG_PARTITION_NAME_MAX = 63,
    PG_PARTITION_SPANS_MAX = 1024, /* of one batch */
};

/* ---- pure ---- */

/* Beginning of the day, Monday or month (UTC) that the time is in. */
int64_t pg_partition_low(enum pg_unit unit, int64_t time_us);
int64_t pg_partition_high(enum pg_unit unit,
                          int64_t low_us); /* the end of the one that begins there */
/* 0: a partition can be made for it. Else BUSBAR_ERANGE: before 1970, or more than a year ahead of now. */
int pg_partition_fits(int64_t time_us, int64_t now_us, struct err *err);

/* ---- what is there ---- */

struct pg_partitions;
typedef void (*pg_partitions_cb)(void *ctx, const struct pg_answer *answer); /* error 0: fine */

struct pg_partitions *pg_partitions_new(enum pg_unit unit, bool timescale);
void pg_partitions_free(
    struct pg_partitions *partitions); /* NULL is fine; before or after the link */
/* Reads them. search_path is set. */
void pg_partitions_load(struct pg_partitions *partitions, struct pg_link *link, pg_partitions_cb cb,
                        void *ctx);
/* What another list found out; nothing while something is being made. */
void pg_partitions_copy(struct pg_partitions *to, const struct pg_partitions *from);
bool pg_partitions_has(const struct pg_partitions *partitions, int64_t time_us);
size_t pg_partitions_count(const struct pg_partitions *partitions);
/* Makes what is missing for these times (any time in it stands for a whole day, week, month), outside a transaction.
 * times are copied. One at a time a link. */
void pg_partitions_make(struct pg_partitions *partitions, struct pg_link *link,
                        const int64_t *times_us, size_t count, pg_partitions_cb cb, void *ctx);

#endif
