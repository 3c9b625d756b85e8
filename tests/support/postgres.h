/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL server of a test's own: a temporary folder, a free port, Debian's programs, as an unprivileged user when
 * the test is root (initdb refuses root). */
#ifndef BUSBAR_TESTS_POSTGRES_H
#define BUSBAR_TESTS_POSTGRES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct postgres {
    char folder[64]; /* with data/ and the Unix socket */
    uint16_t port;
    pid_t pid;
    char tcp[128];    /* "host=127.0.0.1 port=... dbname=postgres" */
    char socket[128]; /* the same by the Unix socket */
};

/* False: PostgreSQL's programs are not on this machine; skip(). Users: busbar (superuser, trusted by the socket, password
 * "secret" by TCP), weak (may log in, has no rights). */
bool postgres_start(struct postgres *postgres);
/* SQL as superuser by psql; asserts that it works. */
void postgres_sql(const struct postgres *postgres, const char *sql);
void postgres_signal(const struct postgres *postgres, int signal_number); /* the postmaster */
void postgres_stop(struct postgres *postgres);                            /* at once; removes all */

#endif
