/* SPDX-License-Identifier: Apache-2.0 */
/* Records of one log: asked for range by range, given to the disk, and only then remembered as read. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_time.h"
#include "drivers/bacnet/bacnet_trend.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"

enum { WORDS_MAX = 320 };

/* 1990-01-01: no record is older. */
#define OLDEST_US (INT64_C(631152000) * CLOCK_US_PER_S)

static void store(struct bacnet_trends *trends, const struct bacnet_range_items *answer);

/* ---- asking ---- */

/* A way of asking that the log does not take: the next one. False: there is none left. */
static bool ask_otherwise(struct bacnet_trends *trends, struct bacnet_trend_log *log)
{
    if (trends->read > 0 || log->by == BACNET_TREND_BY_POSITION) {
        return false;
    }
    log->by++;
    log->next = 1;
    bacnet_trend_ask_range(trends);
    return true;
}

static void log_over(struct bacnet_trends *trends)
{
    trends->at++;
    bacnet_trend_next(trends);
}

static void refused(struct bacnet_trends *trends, const struct bacnet_answer *answer)
{
    struct bacnet_trend_log *log = bacnet_trend_log_of(trends);
    char words[WORDS_MAX];
    const char *why = bacnet_explain(bacnet_detail_answer(answer));
    if (answer->outcome == BACNET_ABORTED && trends->most > 1) {
        trends->most = trends->most / 2; /* too long an answer */
        bacnet_trend_ask_range(trends);
        return;
    }
    if (answer->outcome == BACNET_ERRORED && ask_otherwise(trends, log)) {
        return;
    }
    if (!log->told_refused) {
        str_format(words, sizeof(words), "it cannot be read: %s", why != NULL ? why : "refused");
        bacnet_trend_say_of(trends, log, words);
        log->told_refused = true;
    }
    log_over(trends);
}

static void answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bacnet_trends *trends = ask->user;
    struct bytes in = answer->data;
    struct bacnet_range_items items;
    switch (answer->outcome) {
    case BACNET_ACKED: break;
    case BACNET_ERRORED:
    case BACNET_REJECTED:
    case BACNET_ABORTED: refused(trends, answer); return;
    default: bacnet_trend_give_up(trends); return;
    }
    if (bacnet_get_range_items(&in, &trends->range, &items) != 0) {
        struct bacnet_trend_log *log = bacnet_trend_log_of(trends);
        if (!log->told_refused) {
            bacnet_trend_say_of(trends, log, "its answer cannot be read");
            log->told_refused = true;
        }
        log_over(trends);
        return;
    }
    store(trends, &items);
}

static void set_range(struct bacnet_trends *trends, const struct bacnet_trend_log *log)
{
    int64_t from_us = log->knows_time ? log->time_us : OLDEST_US;
    trends->range = (struct bacnet_read_range){
        .object = log->object,
        .property = BACNET_PROP_LOG_BUFFER,
        .index = BACNET_INDEX_ALL,
        .count = (int32_t)trends->most,
        .reference = log->next,
    };
    switch (log->by) {
    case BACNET_TREND_BY_SEQUENCE: trends->range.range = BACNET_RANGE_SEQUENCE; break;
    case BACNET_TREND_BY_POSITION: trends->range.range = BACNET_RANGE_POSITION; break;
    default: {
        int offset = trends->zone_is_ours ? bacnet_clock_offset_minutes(from_us)
                                          : trends->offset_minutes;
        trends->range.range = BACNET_RANGE_TIME;
        (void)bacnet_datetime_of(from_us, offset, &trends->range.at);
        break;
    }
    }
}

void bacnet_trend_ask_range(struct bacnet_trends *trends)
{
    const struct bacnet_config *config = &trends->device->config;
    struct bytes_out out = bytes_out_of(trends->data, sizeof(trends->data));
    size_t fit = bacnet_peer_answer_max(trends->device->peer) / BACNET_LOG_RECORD_MAX;
    if (trends->most == 0) {
        trends->most = fit < 1                      ? 1
                       : fit < BACNET_TREND_RECORDS ? (uint32_t)fit
                                                    : BACNET_TREND_RECORDS;
    }
    set_range(trends, bacnet_trend_log_of(trends));
    bacnet_put_read_range(&out, &trends->range);
    trends->state = BACNET_TREND_RANGE;
    trends->ask.service = BACNET_READ_RANGE;
    trends->ask.data = trends->data;
    trends->ask.size = bytes_out_size(&out);
    trends->ask.retries = config->retries;
    trends->ask.timeout_us = config->timeout_us;
    bacnet_ask(trends->device->peer, &trends->ask);
}

/* ---- to the disk ---- */

static void go_on(struct bacnet_trends *trends)
{
    struct bacnet_trend_log *log = bacnet_trend_log_of(trends);
    bacnet_trend_remember(trends, log);
    if (trends->over || trends->read >= BACNET_TREND_CYCLE_MAX) {
        log_over(trends);
    } else {
        bacnet_trend_ask_range(trends);
    }
}

static void stored(void *ctx, int error)
{
    struct bacnet_trend_pending *pending = ctx;
    struct bacnet_trends *trends = pending->trends;
    busbar_free(pending);
    if (trends == NULL) {
        return;
    }
    trends->pending = NULL;
    if (trends->state != BACNET_TREND_STORING) {
        return; /* the link went down: asked again then */
    }
    if (error != 0) {
        bacnet_trend_give_up(trends); /* not on disk: what is remembered stays */
        bacnet_trend_log_of(trends)->knows_next = false;
        bacnet_trend_recall(trends, bacnet_trend_log_of(trends));
    } else {
        go_on(trends);
    }
}

static void said(struct bacnet_trends *trends, const struct bacnet_trend_log *log,
                 const struct bacnet_trend_samples *samples)
{
    char words[WORDS_MAX];
    if (samples->purged) {
        bacnet_trend_say_of(trends, log, "its buffer was emptied by somebody");
    }
    if (samples->future > 0 && !trends->told_clock) {
        str_format(words, sizeof(words),
                   "%u records are from a time that is still to come and were left out: the "
                   "device's clock is or was wrong",
                   samples->future);
        bacnet_trend_say_of(trends, log, words);
        trends->told_clock = true;
    }
}

/* Where the next question begins, and whether there is one. */
static void advance(struct bacnet_trends *trends, struct bacnet_trend_log *log,
                    const struct bacnet_range_items *answer,
                    const struct bacnet_trend_samples *samples)
{
    bool moved = samples->records > 0;
    trends->read += samples->records;
    switch (log->by) {
    case BACNET_TREND_BY_SEQUENCE: {
        uint32_t behind = (answer->has_sequence ? answer->sequence : log->next) + samples->records;
        moved = moved && behind > log->next; /* not the same ones for ever */
        log->next = moved ? behind : log->next;
        trends->over = !moved || log->next > log->total;
        break;
    }
    case BACNET_TREND_BY_POSITION:
        log->next += samples->records;
        trends->over = !moved || answer->last;
        break;
    default:
        moved = samples->last_us > (log->knows_time ? log->time_us : 0);
        if (moved) {
            log->knows_time = true;
            log->time_us = samples->last_us;
        }
        trends->over = !moved || answer->last;
        break;
    }
}

static void store(struct bacnet_trends *trends, const struct bacnet_range_items *answer)
{
    struct bacnet_trend_log *log = bacnet_trend_log_of(trends);
    struct bacnet_trend_samples samples;
    int error = bacnet_trend_records(trends, log, answer->items, &samples);
    said(trends, log, &samples);
    advance(trends, log, answer, &samples);
    trends->over = trends->over || error != 0;
    trends->state = BACNET_TREND_STORING;
    if (samples.count > 0) {
        struct bacnet_trend_pending *pending = busbar_alloc(sizeof(*pending));
        pending->trends = trends;
        error = driver_publish(trends->device->dev, samples.points, samples.samples, samples.count,
                               stored, pending);
        if (error == 0) {
            trends->pending = pending;
        } else {
            busbar_free(pending);
            bacnet_trend_give_up(trends);
        }
    } else {
        go_on(trends);
    }
    bacnet_trend_samples_fini(&samples);
}

void bacnet_trend_range_init(struct bacnet_trends *trends)
{
    trends->ask.answered = answered;
    trends->ask.user = trends;
}
