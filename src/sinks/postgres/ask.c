/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/postgres/ask.h"

#include <libpq-fe.h>
#include <poll.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/postgres/words.h"

enum { LOOK_MS = 100, SQL_MAX = 256, TEXT_MAX = 400 };

struct pg_ask {
    PGconn *conn;
    struct pg_host host;
    char database[PG_TEXT_MAX], user[PG_TEXT_MAX];
};

static int patience_left(struct pg_patience patience, struct err *err)
{
    if (patience.cancel != NULL && atomic_load(patience.cancel)) {
        return err_set(err, BUSBAR_ECANCELED, "canceled");
    }
    if (clock_mono_us() >= patience.deadline_us) {
        err_set(err, BUSBAR_ETIMEOUT, "the database did not answer in time");
        return err_hint(err, "ask for less at a time, or look at the database's load");
    }
    return 0;
}

/* Until the socket is ready, or the patience ends. */
static int wait_for(const struct pg_ask *ask, short events, struct pg_patience patience,
                    struct err *err)
{
    int error;
    do {
        struct pollfd fd = { .fd = PQsocket(ask->conn), .events = events };
        if (fd.fd < 0 || poll(&fd, 1, LOOK_MS) != 0) {
            return 0;
        }
        error = patience_left(patience, err);
    } while (error == 0);
    return error;
}

static int say(const struct pg_ask *ask, const PGresult *result, struct err *err)
{
    char where[PG_TEXT_MAX * 2], state[6] = "", text[TEXT_MAX];
    struct pg_said said = {
        .where = where, .host = ask->host.host, .user = ask->user, .database = ask->database
    };
    (void)str_format(where, sizeof(where), "%.200s:%u/%.60s", ask->host.host,
                     (unsigned)ask->host.port, ask->database);
    if (result != NULL && PQresultErrorField(result, PG_DIAG_SQLSTATE) != NULL) {
        said.sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        said.text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        said.detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
        said.schema = PQresultErrorField(result, PG_DIAG_SCHEMA_NAME);
        said.table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    } else {
        pg_words_split(PQerrorMessage(ask->conn), state, text, sizeof(text));
        said.sqlstate = state;
        said.text = text;
    }
    (void)pg_words(&said, err);
    return err->code != 0 ? err->code : BUSBAR_EIO;
}

/* ---- connect ---- */

static int connect_to(struct pg_ask *ask, const struct pg_target *target,
                      struct pg_patience patience, struct err *err)
{
    struct pg_params params;
    const char *address = ask->host.address[0] != '\0' ? ask->host.address : NULL;
    pg_params_make(&params, target, &ask->host, address);
    ask->conn = PQconnectStartParams(params.keywords, params.values, 0);
    if (ask->conn == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    PQsetErrorVerbosity(ask->conn, PQERRORS_VERBOSE);
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (PQstatus(ask->conn) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
           status != PGRES_POLLING_FAILED) {
        int error = wait_for(ask, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, patience,
                             err);
        if (error != 0) {
            return error;
        }
        status = PQconnectPoll(ask->conn);
    }
    if (PQstatus(ask->conn) != CONNECTION_OK) {
        return say(ask, NULL, err);
    }
    return PQsetnonblocking(ask->conn, 1) == 0 ? 0 : say(ask, NULL, err);
}

struct pg_ask *pg_ask_open(const struct pg_target *target, const char *schema,
                           struct pg_patience patience, struct err *err)
{
    struct pg_ask *ask = busbar_alloc(sizeof(*ask));
    char sql[SQL_MAX];
    int64_t soon_us = clock_mono_us() + PG_ASK_CONNECT_MS * CLOCK_US_PER_MS;
    struct pg_patience brief = patience;
    int error = BUSBAR_EINVAL;
    brief.deadline_us = soon_us < patience.deadline_us ? soon_us : patience.deadline_us;
    str_copy(ask->database, sizeof(ask->database), target->database);
    str_copy(ask->user, sizeof(ask->user), target->user);
    for (size_t i = 0; i < target->host_count && error != 0; i++) {
        PQfinish(ask->conn);
        ask->conn = NULL;
        *err = (struct err){ 0 };
        ask->host = target->hosts[i];
        error = connect_to(ask, target, brief, err);
    }
    if (error == 0) {
        str_format(sql, sizeof(sql),
                   "select set_config('search_path', $1, false), "
                   "set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', "
                   "false), set_config('extra_float_digits', '1', false)");
        error = pg_ask(ask, sql, &(struct pg_param){ .text = schema }, 1, 0, brief, NULL, NULL,
                       err);
    }
    if (error == 0) {
        return ask;
    }
    pg_ask_close(ask);
    return NULL;
}

void pg_ask_close(struct pg_ask *ask)
{
    if (ask != NULL) {
        PQfinish(ask->conn);
        busbar_free(ask);
    }
}

/* ---- ask ---- */

static int send_all(struct pg_ask *ask, struct pg_patience patience, struct err *err)
{
    int left;
    while ((left = PQflush(ask->conn)) > 0) {
        int error = wait_for(ask, POLLIN | POLLOUT, patience, err);
        if (error != 0) {
            return error;
        }
        if (PQconsumeInput(ask->conn) == 0) {
            return say(ask, NULL, err);
        }
    }
    return left == 0 ? 0 : say(ask, NULL, err);
}

/* The next result, NULL: that was all. */
static int next_result(struct pg_ask *ask, struct pg_patience patience, PGresult **result,
                       struct err *err)
{
    while (PQisBusy(ask->conn) != 0) {
        int error = wait_for(ask, POLLIN, patience, err);
        if (error != 0) {
            return error;
        }
        if (PQconsumeInput(ask->conn) == 0) {
            return say(ask, NULL, err);
        }
    }
    *result = PQgetResult(ask->conn);
    return 0;
}

static int take_result(const struct pg_ask *ask, const PGresult *result, pg_ask_row row, void *ctx,
                       struct err *err)
{
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_SINGLE_TUPLE) {
        return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ? 0 : say(ask, result, err);
    }
    struct pg_answer answer = {
        .rows = 1, .columns = (size_t)PQnfields(result), .copy_row = SIZE_MAX, .result = result
    };
    return row != NULL ? row(ctx, &answer) : 0;
}

int pg_ask(struct pg_ask *ask, const char *sql, const struct pg_param *params, size_t count,
           unsigned flags, struct pg_patience patience, pg_ask_row row, void *ctx, struct err *err)
{
    const char *values[PG_PARAMS_MAX];
    for (size_t i = 0; i < count; i++) {
        values[i] = params[i].text;
    }
    if (PQsendQueryParams(ask->conn, sql, (int)count, NULL, values, NULL, NULL,
                          (flags & PG_BINARY) != 0 ? 1 : 0) == 0 ||
        PQsetSingleRowMode(ask->conn) == 0) {
        return say(ask, NULL, err);
    }
    int error = send_all(ask, patience, err);
    for (bool more = true; more && error == 0;) {
        PGresult *result = NULL;
        error = next_result(ask, patience, &result, err);
        more = result != NULL;
        if (more && error == 0) {
            error = take_result(ask, result, row, ctx, err);
        }
        PQclear(result);
    }
    return error;
}
