/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to PostgreSQL on the loop: libpq asynchronous underneath, in no header of others. Commands wait in line
 * and are answered in order, one at a time; nothing here blocks (names are looked up off the loop).
 * Loop thread only. */
#ifndef BUSBAR_SINKS_POSTGRES_LINK_H
#define BUSBAR_SINKS_POSTGRES_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct loop;
struct pg_link;

enum {
    PG_PARAMS_MAX = 16,
    PG_CONNECT_MS = 10000,
    PG_ANSWER_MAX = 16 << 20, /* bytes of one answer kept in memory */
};

/* Texts are copied. NULL or "": libpq's own default is NOT taken from the environment or a service file: host is
 * required, sslmode is verify-full but for loopback and Unix sockets, where it is prefer. */
struct pg_login {
    const char
        *target; /* "host=db.example.org dbname=plant", or a postgresql:// URL; no password in it */
    const char *user, *password;
    const char *sslmode, *ca, *certificate, *key; /* files */
    const char *files;  /* where relative names of files begin; NULL: the current folder */
    const char *site;   /* application_name is "busbar SITE" */
    int64_t timeout_us; /* of one command that does not answer; 0: 60 s */
};

/* Pure: whether target and the rest make sense; BUSBAR_EINVAL with err (what is wrong in words, not libpq's alone). */
int pg_login_check(const struct pg_login *login, struct err *err);
/* "db.example.org:5432/plant" */
void pg_login_where(const struct pg_login *login, char *text, size_t size);

/* What an error asks for. */
enum pg_failure {
    PG_AGAIN, /* passes by itself: lost, full, starting, deadlock ... */
    PG_WRONG, /* a person has to do something: login, rights, TLS, tables that are not as they were made */
    PG_REFUSED, /* what was sent is refused for good: a value, a row */
};

/* What a command came to. rows and cells are borrowed until the callback returns. */
struct pg_answer {
    int error;               /* 0: fine */
    bool lost;               /* the connection is gone (also when it never stood) */
    char sqlstate[6];        /* "" when the server said nothing */
    enum pg_failure failure; /* of an error */
    struct err err;          /* what happened, why, what to do: words.h */
    size_t copy_row;         /* of a COPY: the row that the server names, from 0; SIZE_MAX: none */
    uint64_t affected;       /* rows that an INSERT, COPY ... took */
    size_t rows, columns;
    const void *result; /* for pg_cell */
};
typedef void (*pg_answer_cb)(void *ctx, const struct pg_answer *answer);

/* A cell as text, NULL for SQL's NULL. */
const char *pg_cell(const struct pg_answer *answer, size_t row, size_t column);
/* The bytes of a cell when the command asked for binary answers. */
const void *pg_cell_bytes(const struct pg_answer *answer, size_t row, size_t column, size_t *size);

/* Begins to connect; `opened` once: error 0, or why not (then free the link). */
struct pg_link *pg_link_open(struct loop *loop, const struct pg_login *login, pg_answer_cb opened,
                             void *ctx);
/* Called once when a link that stood breaks while no command runs (else the command's answer says so). */
void pg_link_on_lost(struct pg_link *link, pg_answer_cb lost, void *ctx);
/* Ends at once; commands that wait are not answered any more. NULL is fine. */
void pg_link_free(struct pg_link *link);

/* One or more statements as text, no parameters ("BEGIN; ..."): the answer is the last one's, or the first error. */
void pg_run(struct pg_link *link, const char *sql, pg_answer_cb cb, void *ctx);

/* One statement with parameters as text (NULL: SQL's NULL) or as bytes. */
struct pg_param {
    const char *text;
    const void *bytes; /* not NULL: binary, of `size` */
    size_t size;
};
enum {
    PG_BINARY = 1,
    PG_ROW_BY_ROW = 2
}; /* the cells come as bytes; cb runs for each row, then with rows 0 */
void pg_query(struct pg_link *link, const char *sql, const struct pg_param *params, size_t count,
              unsigned flags, pg_answer_cb cb, void *ctx);

/* COPY ... FROM STDIN: the bytes are the caller's until the answer. */
void pg_copy_in(struct pg_link *link, const char *sql, const void *bytes, size_t size,
                pg_answer_cb cb, void *ctx);

bool pg_link_idle(const struct pg_link *link); /* it stands, and no command runs or waits */
int pg_link_server_version(const struct pg_link *link); /* 150005 */
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", "" = in the open. */
const char *pg_link_tls(const struct pg_link *link);

#endif
