/* SPDX-License-Identifier: Apache-2.0 */
/* SQL for a person. Pure, but for names that are read from the settings. */
#ifndef BUSBAR_SINKS_POSTGRES_SQL_H
#define BUSBAR_SINKS_POSTGRES_SQL_H

#include "sinks/postgres/postgres.h"

/* sink_ops.sql: a script for psql that makes owner, database, schema, tables and a role that may do what the sink needs
 * and nothing else; may be run again. BUSBAR_EINVAL (the address), BUSBAR_ENOMEM. */
int pg_script(const struct sink_env *env, const struct settings *settings, struct buf *out,
              struct err *err);

#endif
