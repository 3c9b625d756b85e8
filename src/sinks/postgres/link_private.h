/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a link share: link_connect.c brings it up, link.c runs commands on it, link_say.c says what went
 * wrong. */
#ifndef BUSBAR_SINKS_POSTGRES_LINK_PRIVATE_H
#define BUSBAR_SINKS_POSTGRES_LINK_PRIVATE_H

#include <libpq-fe.h>

#include "base/list.h"
#include "net/loop.h"
#include "net/name.h"
#include "net/timer.h"
#include "sinks/postgres/login.h"
#include "sinks/postgres/probe.h"
#include "sinks/postgres/words.h"

enum link_phase {
    LINK_NEW,
    LINK_CONNECTING,
    LINK_SETTLING, /* the settings of the session are on their way */
    LINK_UP,
    LINK_LOST,
};

enum command_kind { COMMAND_RUN, COMMAND_QUERY, COMMAND_COPY };

struct command {
    struct list link;
    enum command_kind kind;
    unsigned flags;
    pg_answer_cb cb;
    void *ctx;
    char *sql;
    struct pg_param *params; /* with their bytes, in one block */
    size_t param_count;
    const uint8_t *bytes; /* COPY: the caller's */
    size_t size, copied;
    bool copying;        /* the server takes rows */
    PGresult *result;    /* the last that was fine */
    PGresult *error;     /* the first that was not */
    uint64_t bytes_read; /* of the answer, since the last row that was handed on */
};

struct pg_link {
    struct loop *loop;
    enum link_phase phase;
    pg_answer_cb opened, lost;
    void *opened_ctx, *lost_ctx;
    struct pg_target target;
    int64_t timeout_us;
    char where[160];

    /* Life: memory goes when nobody is inside (callbacks) and no job runs. */
    int held;
    bool gone;

    /* Connecting: host by host, address by address. */
    size_t host_at;
    struct name *name;
    struct endpoint addresses[NAME_ADDRESSES_MAX];
    size_t address_count, address_at;
    char address[ADDRESS_HOST_MAX]; /* that is tried, numeric */
    PostgresPollingStatusType poll; /* what the job came to */
    bool stepping;                  /* a job has conn */
    bool late;                      /* time ran out meanwhile */
    struct pg_probe *probe;         /* a job looks why the certificate is not trusted */
    struct err
        why; /* of the attempts that failed: the first in which a server spoke, else the last */
    enum pg_failure why_failure;
    char why_state[6];

    PGconn *conn;
    struct loop_fd *watch;
    unsigned watched;
    struct timer limit; /* of an attempt, or of the command that runs */
    struct loop_deferred pump;
    struct list commands; /* the first one runs if `running` */
    bool running;
    char fatal_state[6]; /* what the server said last before it closed, while no command ran */
    char fatal[256];
    char tls[96];
};

/* link_connect.c */
void link_connect(struct pg_link *link);
void link_connect_stop(struct pg_link *link);

/* link.c */
void link_hold(struct pg_link *link);
void link_release(struct pg_link *link); /* link may be gone afterwards */
void link_unwatch(struct pg_link *link);
void link_close(struct pg_link *link); /* lets go of libpq's connection */
/* The connection is gone, or never stood: everyone who waits is answered. */
void link_lose(struct pg_link *link, const struct pg_answer *answer);
struct command *link_command(struct pg_link *link, enum command_kind kind, const char *sql,
                             pg_answer_cb cb, void *ctx);
/* ---- link_say.c ---- */

void link_begin_answer(struct pg_answer *answer); /* fine, and empty */
/* libpq's or the server's words, in ours. */
void link_say(const struct pg_link *link, struct pg_answer *answer, const char *sqlstate,
              const char *text);
/* Why libpq's connection failed, in our words. */
void link_say_broken(const struct pg_link *link, struct pg_answer *answer);
/* Why a command failed; the row of a COPY that the server names. */
void link_say_result(const struct pg_link *link, struct pg_answer *answer, const PGresult *result);
const char *link_field(const PGresult *result, int code); /* of an error; "" = none */

#endif
