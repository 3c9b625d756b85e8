/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks for the server's tests: two of them, "cloud" and "plant", whose state a test sets as it likes, and which remember
 * what was asked of them. In the place of src/sinks/: a test that has this links none of it. */
#ifndef BUSBAR_TESTS_SERVER_TOY_SINKS_H
#define BUSBAR_TESTS_SERVER_TOY_SINKS_H

#include "sinks/again.h"
#include "unit/server/gateway.h"

enum { TOY_SINKS = 2 };

struct sinks {
    struct sink_status rows[TOY_SINKS];
    size_t count;
    int error; /* of the next call that does something */
    char did[64];
    sink_again_cb again;
    void *again_ctx;
    int64_t from_us, to_us;
    char points[64];
    uint64_t id;
    sink_tested_cb tested;
    void *tested_ctx;
    int64_t missing; /* of the ledger of each */
};

static const struct sink_ops toy_sink_ops = { .name = "postgres",
                                              .title = "PostgreSQL",
                                              .flags = SINK_KEEPS_PLACE | SINK_TAKES_EVENTS };

static inline void toy_sinks_init(struct sinks *sinks)
{
    static const char *const names[TOY_SINKS] = { "cloud", "plant" };
    *sinks = (struct sinks){ .count = TOY_SINKS };
    for (size_t i = 0; i < TOY_SINKS; i++) {
        struct sink_status *row = &sinks->rows[i];
        str_copy(row->name, sizeof(row->name), names[i]);
        str_copy(row->where, sizeof(row->where), "db.example.org:5432/plant");
        str_copy(row->points, sizeof(row->points), "meter-*/*");
        row->ops = &toy_sink_ops;
        row->phase = SINK_LIVE;
        row->since_us = clock_wall_us();
        row->keep_bytes = 1000000;
        row->counts = (struct sink_counts){ .published = 100, .repeated = 3, .events = 7 };
    }
}

const char *sink_phase_word(enum sink_phase phase)
{
    static const char *const words[] = { "starting", "connecting", "live",  "catching up",
                                         "waiting",  "stuck",      "paused" };
    return words[phase];
}

size_t sinks_count(const struct sinks *sinks)
{
    return sinks->count;
}

bool sinks_status_at(struct sinks *sinks, size_t index, struct sink_status *status)
{
    if (index < sinks->count) {
        *status = sinks->rows[index];
    }
    return index < sinks->count;
}

static inline struct sink_status *toy_sink(struct sinks *sinks, const char *name)
{
    for (size_t i = 0; i < sinks->count; i++) {
        if (strcmp(sinks->rows[i].name, name) == 0) {
            return &sinks->rows[i];
        }
    }
    return NULL;
}

bool sinks_status(struct sinks *sinks, const char *name, struct sink_status *status)
{
    const struct sink_status *row = toy_sink(sinks, name);
    if (row != NULL) {
        *status = *row;
    }
    return row != NULL;
}

bool sinks_takes_path(const struct sinks *sinks, const char *name, const char *path)
{
    (void)path;
    return sinks->count > 0 && strcmp(name, "plant") == 0;
}

static inline int toy_do(struct sinks *sinks, const char *what, const char *name, struct err *err)
{
    int error = sinks->error;
    str_format(sinks->did, sizeof(sinks->did), "%s %s", what, name);
    sinks->error = 0;
    return error != 0 ? err_set(err, error, "cannot %s", what) : 0;
}

bool sinks_is_own_log(const struct sinks *sinks, const char *log_id)
{
    (void)sinks;
    (void)log_id;
    return false;
}

int sinks_pause(struct sinks *sinks, const char *name, struct err *err)
{
    toy_sink(sinks, name)->phase = SINK_PAUSED;
    return toy_do(sinks, "pause", name, err);
}

int sinks_resume(struct sinks *sinks, const char *name, struct err *err)
{
    toy_sink(sinks, name)->phase = SINK_CONNECTING;
    return toy_do(sinks, "resume", name, err);
}

int sinks_retry_now(struct sinks *sinks, const char *name, struct err *err)
{
    return toy_do(sinks, "try", name, err);
}

int sinks_test(struct sinks *sinks, const char *name, sink_tested_cb tested, void *ctx,
               struct err *err)
{
    sinks->tested = tested;
    sinks->tested_ctx = ctx;
    return toy_do(sinks, "test", name, err);
}

int sinks_sql(struct sinks *sinks, const char *name, struct buf *out, struct err *err)
{
    (void)buf_printf(out, "create role busbar; -- for %s\n", name);
    return toy_do(sinks, "sql", name, err);
}

static inline int toy_again(struct sinks *sinks, const char *what, const char *name,
                            sink_again_cb cb, void *ctx, struct err *err)
{
    sinks->again = cb;
    sinks->again_ctx = ctx;
    return toy_do(sinks, what, name, err);
}

int sinks_retry(struct sinks *sinks, const char *name, uint64_t id, sink_again_cb cb, void *ctx,
                struct err *err)
{
    sinks->id = id;
    return toy_again(sinks, "retry", name, cb, ctx, err);
}

int sinks_drop(struct sinks *sinks, const char *name, uint64_t id, sink_again_cb cb, void *ctx,
               struct err *err)
{
    sinks->id = id;
    return toy_again(sinks, "drop", name, cb, ctx, err);
}

int sinks_resend(struct sinks *sinks, const char *name, const char *points, int64_t from_us,
                 int64_t to_us, sink_again_cb cb, void *ctx, struct err *err)
{
    sinks->from_us = from_us;
    sinks->to_us = to_us;
    str_copy(sinks->points, sizeof(sinks->points), points != NULL ? points : "-");
    return toy_again(sinks, "resend", name, cb, ctx, err);
}

int sinks_again_stop(struct sinks *sinks, const char *name, struct err *err)
{
    return toy_do(sinks, "stop", name, err);
}

int sinks_ledger(struct sinks *sinks, const char *name, sink_ledger_cb cb, void *ctx,
                 struct err *err)
{
    struct sink_ledger ledger = { .stored = 100,
                                  .counts.published = 100,
                                  .missing = sinks->missing,
                                  .balances = sinks->missing == 0 };
    str_copy(ledger.name, sizeof(ledger.name), name);
    int error = toy_do(sinks, "ledger", name, err);
    if (error == 0) {
        cb(ctx, &ledger);
    }
    return error;
}

void sink_ledger_words(const struct sink_ledger *ledger, char *text, size_t size)
{
    str_copy(text, size, ledger->balances ? "balances" : "does not balance");
}

#endif
