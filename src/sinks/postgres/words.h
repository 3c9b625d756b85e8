/* SPDX-License-Identifier: Apache-2.0 */
/* What PostgreSQL or libpq says, in plain words: what happened, where, why, what to do. Pure. */
#ifndef BUSBAR_SINKS_POSTGRES_WORDS_H
#define BUSBAR_SINKS_POSTGRES_WORDS_H

#include "base/err.h"
#include "sinks/postgres/link.h"

/* All texts may be NULL or "". */
struct pg_said {
    const char *sqlstate; /* "": libpq said it, not the server */
    const char *text;     /* the message, one line or more */
    const char *detail, *hint;
    const char *schema, *table, *column, *constraint;
    const char *where; /* "db.example.org:5432/plant" */
    const char *host, *user, *database;
    const char *ca; /* the file of authorities in use */
};

/* Fills err; err->code is of the table of base/err.h. */
enum pg_failure pg_words(const struct pg_said *said, struct err *err);

/* Splits what libpq says of a connection that could not be made, asked for with PQERRORS_VERBOSE: "connection to server at
 * ... failed: FATAL:  28P01: password authentication failed ...\\nLOCATION: ...". text gets the server's words, or libpq's
 * own without the address; sqlstate "" when no server spoke. */
void pg_words_split(const char *message, char sqlstate[6], char *text, size_t size);

#endif
