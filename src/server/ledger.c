/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/ledger: received = stored + repeated + refused + waiting; and of each sink stored = published + waiting +
 * aside + released.
 *
 *   walk: ids of the points that match  ->  job: what was stored of each  ->  walk over those points:
 *   what was received and refused, the balance of each, the sums  ->  the sinks, one by one
 *
 * Over all points the totals come from the bus and the history themselves, so that samples of points
 * that are configured no more are in them; and only then the sinks are asked, which have no such points. */
#include "base/alloc.h"
#include "base/str.h"
#include "server/counts.h"
#include "server/filter.h"
#include "server/ingest/ingest.h"
#include "server/sink_ledger.h"
#include "server/walk.h"

enum { LEDGER_LIMIT = 1000, LEDGER_LIMIT_MAX = 10000, LEDGER_SLICE = 2000, LEDGER_PAUSE_US = 500 };

struct ledger {
    struct server_request *req;
    struct walk walk;
    struct shape shape;
    struct filter filter;
    struct counts *counts;
    struct timer timer;
    struct buf rows;
    struct json_writer json; /* onto rows */
    struct ledger_line totals;
    struct sink_ledgers *sinks; /* being asked; or NULL */
    int64_t limit, offset;
    size_t next, total;
    bool all_balance, only_wrong, no_sinks;
};

static void ledger_free(struct ledger *ledger)
{
    if (ledger->sinks != NULL) {
        sink_ledgers_cancel(ledger->sinks);
    }
    walk_stop(&ledger->walk);
    timer_stop(&ledger->timer);
    shape_fini(&ledger->shape);
    buf_fini(&ledger->rows);
    if (ledger->counts != NULL) {
        counts_free(ledger->counts);
    }
    busbar_free(ledger);
}

static void on_cut(void *ctx)
{
    struct ledger *ledger = ctx;
    server_reply_error(ledger->req, BUSBAR_ECANCELED, "busbar is stopping");
    ledger_free(ledger);
}

/* ---- third: the lines ---- */

static void put_line(struct json_writer *json, const struct ledger_line *line)
{
    json_put_u64(json, "received", line->received);
    json_put_u64(json, "stored", line->stored);
    json_put_u64(json, "repeated", line->repeated);
    json_put_u64(json, "refused", line->refused);
    json_put_u64(json, "waiting", line->waiting);
    json_put_bool(json, "balances", line->balances);
}

/* The whole gateway, points of the past included. */
static void totals_of_all(struct ledger *ledger)
{
    const struct counts *counts = ledger->counts;
    struct ledger_line *totals = &ledger->totals;
    *totals = (struct ledger_line){ .received = counts_received_all(counts),
                                    .stored = counts->status.totals.stored_start,
                                    .repeated = counts->status.totals.repeated_start };
    for (unsigned i = 0; i < BUS_REFUSAL_COUNT; i++) {
        totals->refusals[i] = bus_refused_all(counts->bus, (enum bus_refusal)i);
        totals->refused += totals->refusals[i];
    }
    totals->refused += ingest_refused(counts->ingest);
}

/* sinks: their rows; NULL: they were not asked. */
static void reply(struct ledger *ledger, const struct buf *sinks, bool sinks_balance)
{
    const struct ledger_line *totals = &ledger->totals;
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_bool(&json, "balances", totals->balances && ledger->all_balance && sinks_balance);
    json_put_object(&json, "totals");
    json_put_u64(&json, "received", totals->received);
    json_put_u64(&json, "stored", totals->stored);
    json_put_u64(&json, "repeated", totals->repeated);
    shape_refused(&json, "refused", totals->refusals);
    json_put_u64(&json, "waiting", totals->waiting);
    json_put_bool(&json, "balances", totals->balances && ledger->all_balance);
    json_end_object(&json);
    ingest_put_ledger(ledger->counts->ingest, &json);
    json_key(&json, "points");
    json_raw(&json, buf_text(&ledger->rows), ledger->rows.size);
    json_put_u64(&json, "total", ledger->total);
    json_key(&json, "sinks");
    json_raw(&json, sinks != NULL ? (const char *)sinks->data : "[]",
             sinks != NULL ? sinks->size : 2);
    json_end_object(&json);
    server_reply_json(ledger->req, 200, &out);
    ledger_free(ledger);
}

static void on_sinks(void *ctx, const struct buf *rows, bool balances)
{
    struct ledger *ledger = ctx;
    ledger->sinks = NULL;
    reply(ledger, rows, balances);
}

static void finish(struct ledger *ledger)
{
    bool all = ledger->filter.trivial && ledger->filter.device[0] == '\0';
    if (all) {
        totals_of_all(ledger);
    }
    ledger_line_balance(&ledger->totals, counts_waiting_max(ledger->counts));
    json_end_array(&ledger->json);
    bool asked = all && !ledger->no_sinks &&
                 sink_ledgers_start(server_of(ledger->req), &ledger->sinks, on_sinks, ledger);
    if (!asked) {
        reply(ledger, NULL, true);
    }
}

static void add_up(struct ledger_line *totals, const struct ledger_line *line)
{
    totals->received += line->received;
    totals->stored += line->stored;
    totals->repeated += line->repeated;
    totals->refused += line->refused;
    for (unsigned i = 0; i < BUS_REFUSAL_COUNT; i++) {
        totals->refusals[i] += line->refusals[i];
    }
}

static void one_line(struct ledger *ledger, size_t index)
{
    const struct counts *counts = ledger->counts;
    struct ledger_line line;
    const struct point *pt = registry_point_by_id(server_of(ledger->req)->config.registry,
                                                  counts->ids[index]);
    if (pt == NULL) {
        return; /* an apply took it meanwhile */
    }
    counts_line(counts, pt, index, &line);
    add_up(&ledger->totals, &line);
    ledger->all_balance = ledger->all_balance && line.balances;
    if (ledger->only_wrong && line.balances) {
        return;
    }
    int64_t at = (int64_t)ledger->total++;
    if (at < ledger->offset || at >= ledger->offset + ledger->limit) {
        return;
    }
    buf_clear(&ledger->shape.text);
    point_path(pt, &ledger->shape.text);
    json_begin_object(&ledger->json);
    json_put_string(&ledger->json, "path", buf_text(&ledger->shape.text));
    put_line(&ledger->json, &line);
    json_end_object(&ledger->json);
}

static void some_lines(struct timer *timer, void *ctx)
{
    struct ledger *ledger = ctx;
    (void)timer;
    size_t end = ledger->next + LEDGER_SLICE;
    while (ledger->next < ledger->counts->count && ledger->next < end) {
        one_line(ledger, ledger->next++);
    }
    if (ledger->next < ledger->counts->count) {
        timer_start_us(&ledger->timer, LEDGER_PAUSE_US, 0);
    } else {
        finish(ledger);
    }
}

/* ---- second: the history's side ---- */

static void on_counted(void *ctx, struct counts *counts, int error)
{
    struct ledger *ledger = ctx;
    struct server *server = server_of(ledger->req);
    ledger->counts = counts;
    if (error != 0 || server == NULL) {
        on_cut(ledger);
        return;
    }
    ledger->all_balance = true;
    ledger->json = json_writer(&ledger->rows);
    json_begin_array(&ledger->json);
    server_request_on_cut(ledger->req, on_cut, ledger);
    some_lines(&ledger->timer, ledger);
}

/* ---- first: which points ---- */

static bool on_point(void *ctx, struct point *pt)
{
    struct ledger *ledger = ctx;
    if (filter_point(&ledger->filter, &ledger->shape, pt)) {
        counts_add(ledger->counts, pt->last.point);
    }
    return true;
}

static void on_turned(void *ctx)
{
    struct ledger *ledger = ctx;
    shape_forget(&ledger->shape);
}

static void on_found(void *ctx)
{
    struct ledger *ledger = ctx;
    struct counts *counts = ledger->counts;
    ledger->counts = NULL; /* the job's, until it is done */
    server_request_on_cut(ledger->req, NULL, NULL);
    counts_run(counts, on_counted, ledger);
}

static void get_ledger(struct server_request *req)
{
    static const struct walk_visitor visitor = { .point = on_point,
                                                 .turned = on_turned,
                                                 .done = on_found };
    struct server *server = server_of(req);
    struct ledger *ledger = busbar_alloc(sizeof(*ledger));
    struct err err = { 0 };
    if (filter_parse(req, &ledger->filter, &err) != 0 ||
        server_query_i64(req, "limit", LEDGER_LIMIT, 0, LEDGER_LIMIT_MAX, &ledger->limit, &err) !=
            0 ||
        server_query_i64(req, "offset", 0, 0, REGISTRY_POINTS_MAX, &ledger->offset, &err) != 0) {
        busbar_free(ledger);
        server_reply_err(req, &err);
        return;
    }
    ledger->req = req;
    ledger->only_wrong = server_query_bool(req, "wrong");
    ledger->no_sinks = str_equal(server_query(req, "sinks"), "false");
    ledger->counts = counts_new(server);
    shape_init(&ledger->shape, server);
    buf_init(&ledger->rows, SERVER_ANSWER_MAX);
    timer_init(&ledger->timer, server->config.loop, some_lines, ledger);
    server_request_on_cut(req, on_cut, ledger);
    walk_start(&ledger->walk, server->config.loop, server->config.registry,
               filter_only(&ledger->filter), true, &visitor, ledger);
}

void server_ledger_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        FILTER_QUERY,
        { "wrong", "boolean", "only points that do not balance" },
        { "limit", "integer", "points in the answer, at most 10000; default 1000" },
        { "offset", "integer", "points to step over" },
        { "sinks", "boolean", "false: without the sinks, which takes longer the more waits" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/ledger",
          .handler = get_ledger,
          .summary =
              "received = stored + repeated + refused + waiting, per point and in all; and of "
              "each sink",
          .query = query,
          .answer = "Ledger" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
    server_sink_ledger_routes(server);
}
