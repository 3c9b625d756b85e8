/* SPDX-License-Identifier: Apache-2.0 */
/* The test of a database: everything a person may have got wrong, one finding each, in the order in which it matters.
 * Loop thread only. */
#ifndef BUSBAR_SINKS_POSTGRES_TEST_H
#define BUSBAR_SINKS_POSTGRES_TEST_H

#include "sinks/postgres/postgres.h"

enum { PG_TEST_MS = 14000, PG_TEST_DAYS_LEFT = 30, PG_TEST_CLOCK_S = 5 };

/* sink_ops.test: address, TLS, certificate, login, server, writes, encoding, clock, connections, space, schema, rights,
 * partitions, extensions. Changes nothing. */
void postgres_test(const struct sink_env *env, const struct settings *settings,
                   sink_tested_cb tested, void *ctx);

#endif
