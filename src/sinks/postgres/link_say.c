/* SPDX-License-Identifier: Apache-2.0 */
/* What libpq and the server say of a link, handed to words.c with all that is known of it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "sinks/postgres/link_private.h"

void link_begin_answer(struct pg_answer *answer)
{
    *answer = (struct pg_answer){ .copy_row = SIZE_MAX };
}

static void fill_said(const struct pg_link *link, struct pg_said *said)
{
    const struct pg_host *host = &link->target.hosts[link->host_at];
    said->where = link->where;
    said->host = host->host;
    said->user = link->target.user;
    said->database = link->target.database;
    said->ca = link->target.ca[0] != '\0' ? link->target.ca : NULL;
}

void link_say(const struct pg_link *link, struct pg_answer *answer, const char *sqlstate,
              const char *text)
{
    link_begin_answer(answer);
    struct pg_said said = { .sqlstate = sqlstate, .text = text };
    fill_said(link, &said);
    answer->failure = pg_words(&said, &answer->err);
    answer->error = answer->err.code;
    (void)str_copy(answer->sqlstate, sizeof(answer->sqlstate), sqlstate);
}

void link_say_broken(const struct pg_link *link, struct pg_answer *answer)
{
    char state[6], text[1024];
    if (link->fatal[0] != '\0') {
        link_say(link, answer, link->fatal_state, link->fatal);
    } else {
        pg_words_split(link->conn != NULL ? PQerrorMessage(link->conn) : "out of memory", state,
                       text, sizeof(text));
        link_say(link, answer, state, text);
    }
    answer->lost = true;
}

/* "COPY sample, line 12, column value": the row, from 0. */
static size_t find_copy_row(const char *context)
{
    const char *at = context != NULL && str_starts(context, "COPY ") ? strchr(context, ',') : NULL;
    while (at != NULL && *at != '\0' && !isdigit((unsigned char)*at)) {
        at++;
    }
    unsigned long long line = at != NULL ? strtoull(at, NULL, 10) : 0;
    return line > 0 ? (size_t)(line - 1) : SIZE_MAX;
}

const char *link_field(const PGresult *result, int code)
{
    const char *text = PQresultErrorField(result, code);
    return text != NULL ? text : "";
}

void link_say_result(const struct pg_link *link, struct pg_answer *answer, const PGresult *result)
{
    const char *text = link_field(result, PG_DIAG_MESSAGE_PRIMARY);
    struct pg_said said = {
        .sqlstate = link_field(result, PG_DIAG_SQLSTATE),
        .text = text[0] != '\0' ? text : PQresultErrorMessage(result),
        .detail = link_field(result, PG_DIAG_MESSAGE_DETAIL),
        .hint = link_field(result, PG_DIAG_MESSAGE_HINT),
        .schema = link_field(result, PG_DIAG_SCHEMA_NAME),
        .table = link_field(result, PG_DIAG_TABLE_NAME),
        .column = link_field(result, PG_DIAG_COLUMN_NAME),
        .constraint = link_field(result, PG_DIAG_CONSTRAINT_NAME),
    };
    fill_said(link, &said);
    link_begin_answer(answer);
    answer->failure = pg_words(&said, &answer->err);
    answer->error = answer->err.code;
    answer->copy_row = find_copy_row(PQresultErrorField(result, PG_DIAG_CONTEXT));
    (void)str_copy(answer->sqlstate, sizeof(answer->sqlstate), said.sqlstate);
}
