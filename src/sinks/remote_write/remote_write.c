/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' remote write 1.0: a request a batch, the next one when the one before was acknowledged, so the order of a
 * series stays. There is no session: connect() sends a request with nothing in it, which shows address, TLS and login.
 *
 * A request that was taken although its answer was lost is sent again: the target gets the same samples with the same
 * times, and keeps one of each. So they are there at least once, and are seen once. */
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/history.h"
#include "history/index.h"
#include "net/loop.h"
#include "net/timer.h"
#include "payload/coding.h"
#include "sinks/catalog.h"
#include "sinks/remote_write/answer.h"
#include "sinks/remote_write/encode.h"
#include "sinks/remote_write/options.h"
#include "sinks/remote_write/probe.h"

enum { EMPTY_MAX = 64 /* of nothing, packed */, PACKED_LEAST = 4096 };
#define WAIT_MAX_US (300 * CLOCK_US_PER_S) /* what a target may ask us to wait */

/* What is told to the loop next; never from inside one of its calls, nor of the fetcher's. */
enum news { NEWS_NONE, NEWS_CONNECTED, NEWS_SENT, NEWS_REFUSED, NEWS_AGAIN, NEWS_WRONG };

struct sink_target {
    struct sink *sink;
    struct sink_env env;
    const struct settings *settings;
    struct remote_encoder *encoder;
    struct http_fetcher *fetcher;
    struct http_fetch *running;
    struct remote_ask ask;
    struct loop_deferred tell;
    enum news news;
    struct err err;
    struct timer wait; /* for what Retry-After said */
    int64_t not_before_us;
    atomic_size_t packed_max; /* 0: nothing was ever too big */
    bool probing;
    struct remote_encoded head; /* of what is being sent */
    size_t sending_bytes;

    uint64_t requests, failures, bytes, samples; /* since the start */
    uint64_t texts, merged, markers, unlabeled;
    unsigned status; /* of the last answer */
    int64_t took_us;
};

static void tell(void *ctx)
{
    struct sink_target *target = ctx;
    enum news news = target->news;
    struct err err = target->err;
    target->news = NEWS_NONE;
    switch (news) {
    case NEWS_CONNECTED: sink_connected(target->sink, NULL); break;
    case NEWS_SENT: sink_sent(target->sink, 0); break;
    case NEWS_REFUSED: sink_refused(target->sink, SIZE_MAX, &err); break;
    case NEWS_AGAIN: sink_failed(target->sink, SINK_AGAIN, &err); break;
    case NEWS_WRONG: sink_failed(target->sink, SINK_WRONG, &err); break;
    case NEWS_NONE: break;
    }
}

static void tell_later(struct sink_target *target, enum news news)
{
    target->news = news;
    loop_defer(target->env.loop, &target->tell);
}

/* ---- labels ---- */

static size_t labels_of(void *ctx, uint32_t series, struct label labels[LABELS_MAX])
{
    return history_index_labels(history_index(ctx), series, labels);
}

static uint64_t label_changes(void *ctx)
{
    return history_index_removals(history_index(ctx));
}

/* ---- life ---- */

static void start_connect(struct timer *timer, void *ctx);

static struct sink_target *open_target(struct sink *sink, const struct sink_env *env,
                                       const struct settings *settings)
{
    struct sink_target *target = busbar_alloc(sizeof(*target));
    struct label own[REMOTE_LABELS_MAX];
    size_t own_count = 0;
    struct arena arena;
    target->sink = sink;
    target->env = *env;
    target->settings = settings;
    arena_init(&arena, 0);
    if (remote_labels(settings_text(settings, REMOTE_LABELS), &arena, own, &own_count, NULL) != 0) {
        own_count = 0; /* remote_check() did not let it come here */
    }
    target->encoder = remote_encoder_new(&(struct remote_names){ .labels = labels_of,
                                                                 .changes = label_changes,
                                                                 .ctx = env->history },
                                         own, own_count);
    arena_fini(&arena);
    target->fetcher = http_fetcher_new(env->loop);
    loop_deferred_init(&target->tell, tell, target);
    timer_init(&target->wait, env->loop, start_connect, target);
    return target;
}

static void disconnect(struct sink_target *target)
{
    if (target->running != NULL) {
        http_fetch_cancel(target->running);
        target->running = NULL;
    }
    loop_defer_cancel(&target->tell);
    target->news = NEWS_NONE;
    timer_stop(&target->wait);
    remote_ask_fini(&target->ask);
}

static void close_target(struct sink_target *target)
{
    disconnect(target);
    http_fetcher_free(target->fetcher);
    remote_encoder_free(target->encoder);
    busbar_free(target);
}

/* ---- asking ---- */

/* After 413 requests are made smaller until they fit. */
static void remember_limit(struct sink_target *target)
{
    size_t limit = target->sending_bytes / 2;
    atomic_store(&target->packed_max, limit > PACKED_LEAST ? limit : PACKED_LEAST);
}

static void count_sent(struct sink_target *target)
{
    const struct remote_encoded *head = &target->head;
    target->bytes += target->sending_bytes;
    target->samples += head->samples;
    target->texts += head->texts;
    target->merged += head->merged;
    target->markers += head->markers;
    target->unlabeled += head->unlabeled;
}

static void answered(void *ctx, const struct http_answer *answer)
{
    struct sink_target *target = ctx;
    target->running = NULL;
    target->requests++;
    target->status = answer->status;
    target->took_us = answer->took_us;
    target->err = (struct err){ 0 };
    enum remote_verdict verdict = remote_judge(answer, target->ask.host, target->probing,
                                               &target->err);
    target->failures += verdict != REMOTE_TAKEN;
    switch (verdict) {
    case REMOTE_TAKEN:
        if (!target->probing) {
            count_sent(target);
        }
        tell_later(target, target->probing ? NEWS_CONNECTED : NEWS_SENT);
        break;
    case REMOTE_TOO_BIG:
        remember_limit(target);
        tell_later(target, target->probing ? NEWS_WRONG : NEWS_REFUSED);
        break;
    case REMOTE_REFUSED: tell_later(target, NEWS_REFUSED); break;
    case REMOTE_AGAIN:
        if (answer->retry_after_us > 0) {
            int64_t wait_us = answer->retry_after_us < WAIT_MAX_US ? answer->retry_after_us
                                                                   : WAIT_MAX_US;
            target->not_before_us = loop_now_us(target->env.loop) + wait_us;
        }
        tell_later(target, NEWS_AGAIN);
        break;
    case REMOTE_WRONG: tell_later(target, NEWS_WRONG); break;
    }
}

static void ask(struct sink_target *target, const void *body, size_t size)
{
    target->sending_bytes = size;
    target->ask.http.body = body;
    target->ask.http.body_size = size;
    target->running = http_fetch(target->fetcher, &target->ask.http, answered, target);
}

static void start_connect(struct timer *timer, void *ctx)
{
    struct sink_target *target = ctx;
    struct buf empty;
    (void)timer;
    target->err = (struct err){ 0 };
    remote_ask_fini(&target->ask);
    if (remote_ask_init(&target->ask, &target->env, target->settings, &target->err) != 0) {
        tell_later(target, NEWS_WRONG);
        return;
    }
    buf_init(&empty, EMPTY_MAX);
    (void)payload_snappy("", 0, &empty);
    target->probing = true;
    ask(target, empty.data, empty.size);
    buf_fini(&empty);
}

static void connect_target(struct sink_target *target)
{
    int64_t left_us = target->not_before_us - loop_now_us(target->env.loop);
    timer_start_us(&target->wait, left_us > 0 ? left_us : 0, 0);
}

static int encode_batch(const struct sink_target *target, struct sink_batch *batch, struct buf *out,
                        struct err *err)
{
    return remote_encode(target->encoder, batch, atomic_load(&target->packed_max), out, err);
}

static void send_batch(struct sink_target *target, const struct sink_batch *batch,
                       const struct buf *bytes)
{
    (void)batch;
    target->probing = false;
    target->sending_bytes = 0;
    target->head = (struct remote_encoded){ 0 };
    if (!remote_encoded_get(bytes, &target->head) || target->head.samples == 0) {
        count_sent(target);
        tell_later(target, NEWS_SENT);
        return;
    }
    ask(target, bytes->data + sizeof(target->head), bytes->size - sizeof(target->head));
}

/* ---- looking ---- */

static void put_left_out(const struct sink_target *target, struct buf *out)
{
    const struct {
        uint64_t count;
        const char *words;
    } rows[] = {
        { target->texts, "texts (it holds numbers only)" },
        { target->merged, "of the same millisecond as another" },
        { target->markers, "where the series was stale already" },
        { target->unlabeled, "of series that were deleted" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].count > 0) {
            buf_printf(out, "%s%" PRIu64 " %s", out->size > 0 ? ", " : "", rows[i].count,
                       rows[i].words);
        }
    }
}

static size_t details_of(const struct sink_target *target, struct sink_detail *details)
{
    char size[32];
    struct buf out;
    size_t count = 0;
    struct sink_detail *one = &details[count++];
    one->name = "protocol";
    str_copy(one->text, sizeof(one->text), "remote write 1.0");
    one = &details[count++];
    one->name = "requests";
    str_format(one->text, sizeof(one->text), "%" PRIu64 ", %" PRIu64 " of them failed",
               target->requests, target->failures);
    if (target->samples > 0) {
        one = &details[count++];
        one->name = "sent";
        str_format_bytes(size, sizeof(size), target->bytes);
        str_format(one->text, sizeof(one->text), "%" PRIu64 " samples in %s, %.1f bytes each",
                   target->samples, size, (double)target->bytes / (double)target->samples);
    }
    if (target->status != 0) {
        one = &details[count++];
        one->name = "last answer";
        str_format(one->text, sizeof(one->text), "%u after %.0f ms", target->status,
                   (double)target->took_us / (double)CLOCK_US_PER_MS);
    }
    buf_init(&out, sizeof(one->text));
    put_left_out(target, &out);
    if (out.size > 0) {
        one = &details[count++];
        one->name = "left out";
        str_copy(one->text, sizeof(one->text), buf_text(&out));
    }
    buf_fini(&out);
    return count;
}

const struct sink_ops sink_remote_write = {
    .name = "remote_write",
    .title = "Prometheus remote write",
    .options = remote_options,
    .check = remote_check,
    .open = open_target,
    .close = close_target,
    .connect = connect_target,
    .disconnect = disconnect,
    .encode = encode_batch,
    .send = send_batch,
    .test = remote_probe,
    .details = details_of,
    .where = remote_where,
};
