/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the schema step share: schema.c looks, migrate.c makes, schema_check.c compares, schema_claim.c
 * claims the site, for a log that is new to it when schema_points.c finds that the points are ours. Each ends by calling the next one, or schema_end(). */
#ifndef BUSBAR_SINKS_POSTGRES_SCHEMA_PRIVATE_H
#define BUSBAR_SINKS_POSTGRES_SCHEMA_PRIVATE_H

#include "base/map.h"
#include "sinks/postgres/schema.h"
#include "sinks/postgres/steps.h"

enum { SCHEMA_IDENTIFIER_MAX = 2 * 63 + 3, SCHEMA_POINTS_MAX = 10000 };

#define SCHEMA_VERSION_SQL "select coalesce(max(version), 0) from meta"

struct schema_known; /* points of the site, looked at by jobs (schema_points.c) */

struct pg_schema {
    struct pg_schema_config config;
    pg_schema_cb done;
    void *ctx;
    const char *name; /* of the schema, as configured */
    char quoted[SCHEMA_IDENTIFIER_MAX];
    char role[64], database[64];
    char timescale[SCHEMA_IDENTIFIER_MAX],
        citus[SCHEMA_IDENTIFIER_MAX]; /* their schemas; "": not there */
    bool exists, has_meta, may_use, may_create, owns;
    int version, server;
    const struct pg_step *step; /* that is being made; NULL: all */
    struct err failed;          /* kept while what was begun is rolled back */
    enum sink_failure failure;
    struct schema_known *known;
};

/* Tells; the step may be freed inside. */
void schema_end(struct pg_schema *schema, enum sink_failure failure, const struct err *err);
/* The same of an answer that is an error. */
void schema_end_answer(struct pg_schema *schema, const struct pg_answer *answer);
bool schema_is_true(const struct pg_answer *answer, size_t row, size_t column);
int64_t schema_int(const struct pg_answer *answer, size_t row, size_t column);
const char *schema_text(const struct pg_answer *answer, size_t row, size_t column); /* NULL as "" */

void schema_look(struct pg_schema *schema);
void schema_migrate(struct pg_schema *schema); /* ends with schema_look() */
void schema_check(struct pg_schema *schema);
void schema_claim(struct pg_schema *schema);
void schema_compare_points(
    struct pg_schema *schema); /* ends with schema_take_over() when they agree */
void schema_take_over(struct pg_schema *schema);
void schema_forget_known(struct pg_schema *schema);

#endif
