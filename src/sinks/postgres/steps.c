/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/postgres/steps.h"

#include <stddef.h>

#include "base/err.h"
#include "sinks/postgres/schema.h"
#include "sinks/postgres/tables.h"

const struct pg_step pg_steps[] = {
    { 2, "indexes for paths, labels, events and journal", pg_schema_2_sql },
    { 3, "views bear any value, and who keeps old rows can be asked", pg_schema_3_sql },
    { .sql = NULL },
};

_Static_assert(sizeof(pg_steps) / sizeof(pg_steps[0]) == PG_SCHEMA_VERSION,
               "a step for each version from 2 on");

int pg_steps_newest(const struct pg_step *steps)
{
    int version = 1;
    for (; steps->sql != NULL; steps++) {
        version = steps->version;
    }
    return version;
}

const struct pg_step *pg_steps_next(const struct pg_step *steps, int version)
{
    while (steps->sql != NULL && steps->version <= version) {
        steps++;
    }
    return steps->sql != NULL ? steps : NULL;
}

int pg_step_sql(const struct pg_step *step, const char *schema, struct buf *out)
{
    pg_fill_sql(step->sql, schema, "", out);
    buf_printf(out, "insert into meta (version) values (%d);\n", step->version);
    return out->overflow ? BUSBAR_ENOMEM : 0;
}
