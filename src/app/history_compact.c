/* SPDX-License-Identifier: Apache-2.0 */
#include "app/history_compact.h"

#include "app/gateway.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "history/history.h"
#include "net/jobs.h"

struct compacting {
    struct server_request *req;
    struct history *history;
    bool cold;
    int error;
    int64_t began_us;
    struct history_status before, after;
};

static void work(void *ctx)
{
    struct compacting *compacting = ctx;
    compacting->began_us = clock_mono_us();
    history_status(compacting->history, &compacting->before);
    compacting->error = history_compact_now(compacting->history, compacting->cold);
    history_status(compacting->history, &compacting->after);
}

static void put_result(const struct compacting *compacting, struct json_writer *json)
{
    const struct history_status *after = &compacting->after;
    json_begin_object(json);
    json_put_u64(json, "blocks", after->blocks);
    json_put_u64(json, "days", after->days);
    json_put_u64(json, "cold_days", after->cold_days);
    json_put_u64(json, "samples", after->block_samples);
    json_put_u64(json, "bytes_before", compacting->before.block_bytes);
    json_put_u64(json, "bytes", after->block_bytes);
    json_put_u64(json, "tier_bytes", after->tier_bytes);
    json_put_double(json, "took_ms", (double)(clock_mono_us() - compacting->began_us) / 1000);
    json_end_object(json);
}

static void done(void *ctx, int error)
{
    struct compacting *compacting = ctx;
    error = error != 0 ? error : compacting->error;
    if (error != 0) {
        server_reply_error(compacting->req, error,
                           error == BUSBAR_ECANCELED ? "busbar is stopping"
                                                     : "the history could not be merged");
    } else {
        struct buf out;
        buf_init(&out, SERVER_ANSWER_MAX);
        struct json_writer json = json_writer(&out);
        put_result(compacting, &json);
        server_reply_json(compacting->req, 200, &out);
    }
    busbar_free(compacting);
}

void history_compact_post(struct server_request *req)
{
    struct gateway *gw = server_ctx(req);
    bool cold = false;
    (void)json_get_bool(json_get(server_body(req), "cold"), &cold);
    struct compacting *compacting = busbar_alloc(sizeof(*compacting));
    compacting->req = req;
    compacting->history = gw->history;
    compacting->cold = cold;
    jobs_submit(gw->loop, work, done, compacting);
}
