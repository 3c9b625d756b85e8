/* SPDX-License-Identifier: Apache-2.0 */
/* Ledgers of sinks. Each is worked out by jobs (sinks/again.h), so whoever asks waits; of several there is one at a time,
 * as each may read much of the log. */
#include "server/sink_ledger.h"

#include "base/alloc.h"
#include "base/str.h"
#include "server/sinks.h"
#include "sinks/again.h"

enum { WORDS_MAX = 512 };

static void put_row(struct json_writer *json, const struct sink_ledger *row)
{
    char words[WORDS_MAX];
    json_begin_object(json);
    json_put_string(json, "sink", row->name);
    if (row->error == 0) {
        json_put_u64(json, "stored", row->stored);
        json_put_u64(json, "published", row->counts.published);
        json_put_u64(json, "repeated", row->counts.repeated);
        json_put_u64(json, "waiting", row->waiting);
        json_put_u64(json, "aside", row->aside);
        json_put_u64(json, "released", row->counts.released);
        json_put_u64(json, "lost_records", row->lost_records);
        json_put_i64(json, "missing", row->missing);
        json_put_bool(json, "balances", row->balances);
    } else {
        json_put_null(json, "balances"); /* it is not known */
    }
    sink_ledger_words(row, words, sizeof(words));
    json_put_string(json, "text", words);
    json_put_string(json, "hint", row->error != 0 ? row->err.hint : "");
    json_end_object(json);
}

/* ---- all of them ---- */

struct sink_ledgers {
    struct server *server;
    sink_ledgers_cb cb; /* NULL: nobody waits any more */
    void *ctx;
    struct buf rows;
    struct json_writer json; /* onto rows */
    size_t next;
    bool balances;
};

static void ask_next(struct sink_ledgers *ledgers);

static void take_row(struct sink_ledgers *ledgers, const struct sink_ledger *row)
{
    put_row(&ledgers->json, row);
    ledgers->balances = ledgers->balances && (row->error != 0 || row->balances);
}

static void on_row(void *ctx, const struct sink_ledger *row)
{
    struct sink_ledgers *ledgers = ctx;
    if (ledgers->cb != NULL) {
        take_row(ledgers, row);
    }
    ask_next(ledgers);
}

static void finish(struct sink_ledgers *ledgers)
{
    json_end_array(&ledgers->json);
    if (ledgers->cb != NULL) {
        ledgers->cb(ledgers->ctx, &ledgers->rows, ledgers->balances);
    }
    buf_fini(&ledgers->rows);
    busbar_free(ledgers);
}

/* Sinks that an apply took or brought meanwhile are left out or asked too, as it comes. */
static void ask_next(struct sink_ledgers *ledgers)
{
    struct sinks *sinks = ledgers->server->config.sinks;
    struct sink_status status;
    while (ledgers->cb != NULL && sinks_status_at(sinks, ledgers->next++, &status)) {
        struct sink_ledger row = { 0 };
        row.error = sinks_ledger(sinks, status.name, on_row, ledgers, &row.err);
        if (row.error == 0) {
            return; /* on_row goes on */
        }
        (void)str_copy(row.name, sizeof(row.name), status.name);
        take_row(ledgers, &row);
    }
    finish(ledgers);
}

bool sink_ledgers_start(struct server *server, struct sink_ledgers **started, sink_ledgers_cb cb,
                        void *ctx)
{
    struct sinks *sinks = server->config.sinks;
    if (sinks == NULL || sinks_count(sinks) == 0) {
        return false;
    }
    struct sink_ledgers *ledgers = busbar_alloc(sizeof(*ledgers));
    *ledgers = (struct sink_ledgers){ .server = server, .cb = cb, .ctx = ctx, .balances = true };
    buf_init(&ledgers->rows, SERVER_ANSWER_MAX);
    ledgers->json = json_writer(&ledgers->rows);
    json_begin_array(&ledgers->json);
    *started = ledgers;
    ask_next(ledgers);
    return true;
}

void sink_ledgers_cancel(struct sink_ledgers *ledgers)
{
    ledgers->cb = NULL;
}

/* ---- one ---- */

struct asked {
    struct server_request *req; /* NULL: answered already */
};

static void on_cut(void *ctx)
{
    struct asked *asked = ctx;
    server_reply_error(asked->req, BUSBAR_ECANCELED, "busbar is stopping");
    asked->req = NULL;
}

static void on_one(void *ctx, const struct sink_ledger *row)
{
    struct asked *asked = ctx;
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    put_row(&json, row);
    if (asked->req != NULL) {
        server_reply_json(asked->req, 200, &out);
    }
    buf_fini(&out);
    busbar_free(asked);
}

static void get_one(struct server_request *req)
{
    struct sink_status status;
    struct err err = { 0 };
    if (!server_sink_of(req, &status)) {
        return;
    }
    struct asked *asked = busbar_alloc(sizeof(*asked));
    asked->req = req;
    server_request_on_cut(req, on_cut, asked);
    int error = sinks_ledger(server_of(req)->config.sinks, status.name, on_one, asked, &err);
    if (error != 0) {
        server_request_on_cut(req, NULL, NULL);
        busbar_free(asked);
        server_reply_err(req, &err);
    }
}

void server_sink_ledger_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/sinks/{sink}/ledger",
          .handler = get_one,
          .summary = "stored = published + waiting + aside + released, of one sink",
          .answer = "SinkLedger" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
