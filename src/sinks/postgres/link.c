/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on a link: one runs, the others wait. What libpq has is taken in slices: rows of a COPY are given 64 kB at a
 * time while the socket takes them, answers row by row until a slice of time is over, then the loop has its turn. A
 * command may take as long as bytes move; when none does for its time limit, the link counts as lost. */
#include "sinks/postgres/link.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/postgres/link_private.h"

enum {
    SLICE_US = 1500,
    COPY_PIECE = 64 << 10,
    READS_MAX = 16, /* of one socket event */
    TIMEOUT_DEFAULT_S = 60,
};

static void drive(struct pg_link *link);

/* ---- life ---- */

static void command_free(struct command *command)
{
    list_remove(&command->link);
    PQclear(command->result);
    PQclear(command->error);
    busbar_free(command->params);
    busbar_free(command->sql);
    busbar_free(command);
}

void link_hold(struct pg_link *link)
{
    link->held++;
}

void link_release(struct pg_link *link)
{
    assert(link->held > 0);
    if (--link->held > 0 || !link->gone) {
        return;
    }
    if (link->conn != NULL) {
        PQfinish(link->conn);
    }
    OPENSSL_cleanse(link->target.password, sizeof(link->target.password));
    busbar_free(link);
}

void link_unwatch(struct pg_link *link)
{
    loop_fd_unwatch(link->watch);
    link->watch = NULL;
    link->watched = 0;
}

void link_close(struct pg_link *link)
{
    link_unwatch(link);
    if (link->conn != NULL) {
        PQfinish(link->conn);
        link->conn = NULL;
    }
    link->running = false;
}

static void on_pump(void *ctx);

struct pg_link *pg_link_open(struct loop *loop, const struct pg_login *login, pg_answer_cb opened,
                             void *ctx)
{
    struct pg_link *link = busbar_alloc(sizeof(*link));
    link->loop = loop;
    link->opened = opened;
    link->opened_ctx = ctx;
    link->timeout_us = login->timeout_us > 0 ? login->timeout_us
                                             : TIMEOUT_DEFAULT_S * CLOCK_US_PER_S;
    link->why.code = pg_target_parse(login, &link->target, &link->why);
    link->why_failure = PG_WRONG;
    list_init(&link->commands);
    loop_deferred_init(&link->pump, on_pump, link);
    timer_init(&link->limit, loop, NULL, NULL);
    pg_login_forget_environment();
    loop_defer(loop, &link->pump);
    return link;
}

void pg_link_on_lost(struct pg_link *link, pg_answer_cb lost, void *ctx)
{
    link->lost = lost;
    link->lost_ctx = ctx;
}

void pg_link_free(struct pg_link *link)
{
    if (link == NULL) {
        return;
    }
    link_hold(link);
    link->gone = true;
    link->phase = LINK_LOST;
    link_connect_stop(link);
    link_unwatch(link);
    timer_stop(&link->limit);
    loop_defer_cancel(&link->pump);
    while (!list_empty(&link->commands)) {
        command_free(list_entry(link->commands.next, struct command, link));
    }
    link_release(link); /* a job that has the connection releases the last hold */
}

/* ---- losing ---- */

/* Answers and forgets the first command. The link may be gone afterwards. */
static void answer_first(struct pg_link *link, const struct pg_answer *answer)
{
    struct command *command = list_entry(link->commands.next, struct command, link);
    list_remove(&command->link);
    link->running = false;
    command->cb(command->ctx, answer);
    command_free(command);
}

static void answer_all(struct pg_link *link, const struct pg_answer *answer)
{
    while (!link->gone && !list_empty(&link->commands)) {
        answer_first(link, answer);
    }
}

void link_lose(struct pg_link *link, const struct pg_answer *answer)
{
    struct pg_answer all = *answer;
    all.lost = true;
    all.copy_row = SIZE_MAX;
    all.rows = 0;
    all.columns = 0;
    all.result = NULL;
    bool stood = link->phase == LINK_UP;
    link_hold(link);
    timer_stop(&link->limit);
    link_close(link);
    link->phase = LINK_LOST;
    link->why = all.err;
    link->why_failure = all.failure;
    memcpy(link->why_state, all.sqlstate, sizeof(link->why_state));
    if (link->opened != NULL) {
        pg_answer_cb opened = link->opened;
        link->opened = NULL;
        opened(link->opened_ctx, &all);
        answer_all(link, &all);
    } else if (!list_empty(&link->commands)) {
        answer_all(link, &all);
    } else if (stood && link->lost != NULL) {
        pg_answer_cb lost = link->lost;
        link->lost = NULL;
        lost(link->lost_ctx, &all);
    }
    link_release(link);
}

static void lose_broken(struct pg_link *link)
{
    struct pg_answer answer;
    link_say_broken(link, &answer);
    link_lose(link, &answer);
}

static void on_silence(struct timer *timer, void *ctx)
{
    struct pg_link *link = ctx;
    (void)timer;
    struct pg_answer answer;
    link_begin_answer(&answer);
    char limit[32];
    (void)str_format_duration(limit, sizeof(limit), link->timeout_us);
    answer.error = err_set(&answer.err, BUSBAR_ETIMEOUT, "%s did not answer within %s", link->where,
                           limit);
    (void)err_hint(&answer.err,
                   "it is overloaded, hangs, or waits for a lock: pg_stat_activity there "
                   "shows which; 'timeout:' sets the limit");
    link_lose(link, &answer);
}

/* ---- the command that runs ---- */

static void watch_for(struct pg_link *link, unsigned events);

static void progress(struct pg_link *link)
{
    timer_start_us(&link->limit, link->timeout_us, 0);
}

static bool send_params(struct pg_link *link, const struct command *command)
{
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX], formats[PG_PARAMS_MAX];
    for (size_t i = 0; i < command->param_count; i++) {
        const struct pg_param *param = &command->params[i];
        values[i] = param->bytes != NULL ? (const char *)param->bytes : param->text;
        lengths[i] = param->bytes != NULL ? (int)param->size : 0;
        formats[i] = param->bytes != NULL;
    }
    if (PQsendQueryParams(link->conn, command->sql, (int)command->param_count, NULL, values,
                          lengths, formats, (command->flags & PG_BINARY) != 0) == 0) {
        return false;
    }
    return (command->flags & PG_ROW_BY_ROW) == 0 || PQsetSingleRowMode(link->conn) != 0;
}

static void start_command(struct pg_link *link)
{
    struct command *command = list_entry(link->commands.next, struct command, link);
    link->running = true;
    timer_init(&link->limit, link->loop, on_silence, link);
    progress(link);
    bool sent = command->kind == COMMAND_QUERY ? send_params(link, command)
                                               : PQsendQuery(link->conn, command->sql) != 0;
    if (!sent) {
        lose_broken(link);
        return;
    }
    drive(link);
}

static void finish_command(struct pg_link *link, struct command *command)
{
    struct pg_answer answer;
    link_begin_answer(&answer);
    timer_stop(&link->limit);
    if (command->error != NULL) {
        const char *severity = link_field(command->error, PG_DIAG_SEVERITY_NONLOCALIZED);
        link_say_result(link, &answer, command->error);
        if (PQstatus(link->conn) == CONNECTION_BAD || str_equal(severity, "FATAL") ||
            str_equal(severity, "PANIC")) {
            link_lose(link, &answer);
            return;
        }
    } else if (PQstatus(link->conn) == CONNECTION_BAD) {
        lose_broken(link);
        return;
    } else if (command->result != NULL) {
        answer.rows = (size_t)PQntuples(command->result);
        answer.columns = (size_t)PQnfields(command->result);
        answer.affected = strtoull(PQcmdTuples(command->result), NULL, 10);
        answer.result = command->result;
    }
    answer_first(link, &answer);
}

/* A row of an answer that is handed on row by row. */
static void hand_on(struct pg_link *link, const struct command *command, PGresult *row)
{
    struct pg_answer answer;
    link_begin_answer(&answer);
    answer.rows = 1;
    answer.columns = (size_t)PQnfields(row);
    answer.result = row;
    (void)link;
    command->cb(command->ctx, &answer);
    PQclear(row);
}

static void take_result(struct pg_link *link, struct command *command, PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
        command->bytes_read = 0;
        hand_on(link, command, result);
        return;
    case PGRES_COPY_IN:
        PQclear(result);
        command->copying = command->kind == COMMAND_COPY;
        if (!command->copying) {
            (void)PQputCopyEnd(link->conn, "no rows were meant to be copied");
        }
        return;
    case PGRES_EMPTY_QUERY:
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        PQclear(command->result);
        command->result = result;
        return;
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        PQclear(result);
        lose_broken(link); /* there is no caller that asks for it */
        return;
    default:
        if (command->error == NULL) {
            command->error = result;
        } else {
            PQclear(result);
        }
    }
}

/* Takes what has arrived, for a slice of time. */
static void take_results(struct pg_link *link)
{
    int64_t until_us = clock_mono_us() + SLICE_US;
    while (!link->gone && link->running) {
        struct command *command = list_entry(link->commands.next, struct command, link);
        if (command->copying || PQisBusy(link->conn)) {
            return;
        }
        PGresult *result = PQgetResult(link->conn);
        if (result == NULL) {
            finish_command(link, command);
            return;
        }
        take_result(link, command, result);
        if (!link->gone && clock_mono_us() > until_us) {
            loop_defer(link->loop, &link->pump);
            return;
        }
    }
}

/* Gives rows while the socket takes them. False: the connection broke. */
static bool feed(struct pg_link *link, struct command *command)
{
    int64_t until_us = clock_mono_us() + SLICE_US;
    while (command->copied < command->size) {
        size_t rest = command->size - command->copied;
        int piece = (int)(rest < COPY_PIECE ? rest : COPY_PIECE);
        int flushed = PQflush(link->conn);
        if (flushed != 0) {
            return flushed > 0;
        }
        int put = PQputCopyData(link->conn, (const char *)command->bytes + command->copied, piece);
        if (put <= 0) {
            return put == 0;
        }
        command->copied += (size_t)piece;
        progress(link);
        if (clock_mono_us() > until_us) {
            return true;
        }
    }
    int ended = PQputCopyEnd(link->conn, NULL);
    if (ended == 1) {
        command->copying = false;
    }
    return ended >= 0;
}

/* Sends what there is to send, takes what has arrived, waits for the rest. */
static void drive(struct pg_link *link)
{
    link_hold(link);
    struct command *command = link->running ? list_entry(link->commands.next, struct command, link)
                                            : NULL;
    if (command != NULL && command->copying && !feed(link, command)) {
        lose_broken(link);
    }
    int flushed = link->conn != NULL ? PQflush(link->conn) : 0;
    if (flushed < 0) {
        (void)PQconsumeInput(link->conn); /* the server's last words say more */
        flushed = 0;
    }
    if (link->running) {
        take_results(link);
    }
    if (link->phase == LINK_UP || link->phase == LINK_SETTLING) {
        command = link->running ? list_entry(link->commands.next, struct command, link) : NULL;
        bool writes = flushed > 0 || (command != NULL && command->copying);
        watch_for(link, LOOP_READABLE | (writes ? (unsigned)LOOP_WRITABLE : 0));
        if (!link->running && !list_empty(&link->commands)) {
            loop_defer(link->loop, &link->pump);
        }
    }
    link_release(link);
}

/* ---- the socket ---- */

/* Reads what is there. libpq may leave bytes inside TLS, which the socket does not show. False: it broke. */
static bool consume(struct pg_link *link, struct command *command)
{
    SSL *tls = PQsslStruct(link->conn, "OpenSSL");
    for (int i = 0; i < READS_MAX; i++) {
        int waiting = 0;
        (void)ioctl(PQsocket(link->conn), FIONREAD, &waiting);
        if (PQconsumeInput(link->conn) == 0) {
            return false;
        }
        if (command != NULL) {
            command->bytes_read += waiting > 0 ? (uint64_t)waiting : 0;
        }
        if (tls == NULL || SSL_pending(tls) == 0) {
            return true;
        }
    }
    loop_defer(link->loop, &link->pump);
    return true;
}

static bool is_too_much(struct pg_link *link, const struct command *command)
{
    if (command == NULL || command->bytes_read <= PG_ANSWER_MAX) {
        return false;
    }
    struct pg_answer answer;
    link_begin_answer(&answer);
    answer.error = err_set(&answer.err, BUSBAR_ELIMIT, "%s answers more than %d MB at once",
                           link->where, PG_ANSWER_MAX >> 20);
    link_lose(link, &answer);
    return true;
}

static void read_socket(struct pg_link *link)
{
    struct command *command = link->running ? list_entry(link->commands.next, struct command, link)
                                            : NULL;
    bool stands = consume(link, command);
    if (command != NULL) {
        progress(link);
    } else if (stands) {
        (void)PQisBusy(link->conn); /* takes notices, and what the server says before it closes */
        for (PGnotify *note = PQnotifies(link->conn); note != NULL; note = PQnotifies(link->conn)) {
            PQfreemem(note);
        }
    }
    if (!stands && (command == NULL || command->copying)) {
        lose_broken(link);
    } else if (!is_too_much(link, command)) {
        drive(link); /* a command's answer may have come before the end did */
    }
}

static void on_socket(void *ctx, unsigned events)
{
    struct pg_link *link = ctx;
    link_hold(link);
    if ((events & (LOOP_READABLE | LOOP_ERROR)) != 0) {
        read_socket(link);
    } else {
        drive(link);
    }
    link_release(link);
}

static void watch_for(struct pg_link *link, unsigned events)
{
    if (link->watch == NULL) {
        link->watch = loop_fd_watch(link->loop, PQsocket(link->conn), events, on_socket, link);
        if (link->watch == NULL) {
            lose_broken(link);
            return;
        }
    } else if (link->watched != events) {
        loop_fd_modify(link->watch, events);
    }
    link->watched = events;
}

/* ---- the line ---- */

static void on_pump(void *ctx)
{
    struct pg_link *link = ctx;
    link_hold(link);
    if (link->phase == LINK_NEW && link->why.code == 0) {
        link->phase = LINK_CONNECTING;
        link_connect(link);
    } else if (link->phase == LINK_NEW || link->phase == LINK_LOST) {
        struct pg_answer answer;
        link_begin_answer(&answer);
        answer.err = link->why;
        answer.error = link->why.code;
        answer.failure = link->why_failure;
        memcpy(answer.sqlstate, link->why_state, sizeof(answer.sqlstate));
        link_lose(link, &answer);
    } else if (link->running) {
        read_socket(link);
    } else if (link->phase != LINK_CONNECTING && !list_empty(&link->commands)) {
        start_command(link);
    }
    link_release(link);
}

struct command *link_command(struct pg_link *link, enum command_kind kind, const char *sql,
                             pg_answer_cb cb, void *ctx)
{
    struct command *command = busbar_alloc(sizeof(*command));
    command->kind = kind;
    command->cb = cb;
    command->ctx = ctx;
    command->sql = busbar_strdup(sql);
    list_append(&link->commands, &command->link);
    if (!link->running) {
        loop_defer(link->loop, &link->pump);
    }
    return command;
}

void pg_run(struct pg_link *link, const char *sql, pg_answer_cb cb, void *ctx)
{
    (void)link_command(link, COMMAND_RUN, sql, cb, ctx);
}

/* The parameters and all they point to, in one block. */
static struct pg_param *copy_params(const struct pg_param *params, size_t count)
{
    size_t bytes = (count > 0 ? count : 1) * sizeof(*params);
    for (size_t i = 0; i < count; i++) {
        bytes += params[i].bytes != NULL
                     ? params[i].size + 1
                     : (params[i].text != NULL ? strlen(params[i].text) + 1 : 0);
    }
    struct pg_param *copies = busbar_alloc(bytes);
    char *at = (char *)(copies + count);
    for (size_t i = 0; i < count; i++) {
        const void *from = params[i].bytes != NULL ? params[i].bytes : params[i].text;
        size_t size = params[i].bytes != NULL ? params[i].size
                                              : (from != NULL ? strlen(params[i].text) + 1 : 0);
        if (from != NULL) {
            memcpy(at, from, size);
        }
        copies[i] = (struct pg_param){ .size = size };
        copies[i].bytes = params[i].bytes != NULL ? at : NULL;
        copies[i].text = params[i].bytes == NULL && from != NULL ? at : NULL;
        at += from != NULL ? size + (params[i].bytes != NULL) : 0;
    }
    return copies;
}

void pg_query(struct pg_link *link, const char *sql, const struct pg_param *params, size_t count,
              unsigned flags, pg_answer_cb cb, void *ctx)
{
    assert(count <= PG_PARAMS_MAX);
    struct command *command = link_command(link, COMMAND_QUERY, sql, cb, ctx);
    command->params = copy_params(params, count);
    command->param_count = count;
    command->flags = flags;
}

void pg_copy_in(struct pg_link *link, const char *sql, const void *bytes, size_t size,
                pg_answer_cb cb, void *ctx)
{
    struct command *command = link_command(link, COMMAND_COPY, sql, cb, ctx);
    command->bytes = bytes;
    command->size = size;
}

/* ---- looking ---- */

const char *pg_cell(const struct pg_answer *answer, size_t row, size_t column)
{
    const PGresult *result = answer->result;
    if (row >= answer->rows || column >= answer->columns ||
        PQgetisnull(result, (int)row, (int)column)) {
        return NULL;
    }
    return PQgetvalue(result, (int)row, (int)column);
}

const void *pg_cell_bytes(const struct pg_answer *answer, size_t row, size_t column, size_t *size)
{
    const char *cell = pg_cell(answer, row, column);
    *size = cell != NULL
                ? (size_t)PQgetlength((const PGresult *)answer->result, (int)row, (int)column)
                : 0;
    return cell;
}

bool pg_link_idle(const struct pg_link *link)
{
    return link->phase == LINK_UP && list_empty(&link->commands);
}

int pg_link_server_version(const struct pg_link *link)
{
    return link->conn != NULL && link->phase >= LINK_SETTLING ? PQserverVersion(link->conn) : 0;
}

const char *pg_link_tls(const struct pg_link *link)
{
    return link->tls;
}
