/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for a target, and the limit of it. Every few seconds the heads of new records are counted; when too much
 * waits, or for too long, or the disk is nearly full, the oldest are read, counted by the filter as released, and passed,
 * down to somewhat below the limit, so that it is not at work all the time. They are still in history. */
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "sinks/machine.h"

enum { JOB_US = 500000 };
#define DISK_LEAST (UINT64_C(32) << 20) /* bytes that may wait even then: history needs them too */

void sink_count_again(struct sink *sink)
{
    sink->recount = true;
    sink->oldest_us = INT64_MAX;
}

static uint64_t bytes_behind(const struct sink *sink, struct sink_place place)
{
    return history_log_bytes_behind(sink->env.history, place.sequence - 1);
}

/* ---- looking ---- */

static void work_look(struct sink_work *work)
{
    struct sink *sink = work->sink;
    int error = 0;
    uint64_t from = sink->look_recount ? sink->look_place.sequence - 1 : sink->reader.counted;
    sink->looked = 0;
    if (history_cursor_at(sink->counter) != from) { /* it costs a walk through a segment */
        history_cursor_back(sink->counter, from + 1);
    }
    while (error == 0 || error == BUSBAR_EDAMAGED) {
        error = history_cursor_count(sink->counter, SIZE_MAX, &sink->looked);
    }
    sink->reader.counted = history_cursor_at(sink->counter);
    sink->looked_oldest_us = INT64_MAX;
    if (sink->look_oldest) {
        (void)history_log_behind(sink->env.history, sink->look_place.sequence - 1, NULL, NULL,
                                 &sink->looked_oldest_us);
    }
    if (file_free_bytes(sink->env.folder, &sink->free_bytes) != 0) {
        sink->free_bytes = UINT64_MAX;
    }
}

static bool too_old(const struct sink *sink, int64_t oldest_us)
{
    return sink->keep_us > 0 && oldest_us != INT64_MAX && oldest_us != INT64_MIN &&
           clock_wall_us() - oldest_us > sink->keep_us;
}

static bool disk_is_full(const struct sink *sink)
{
    return sink->free_bytes < SINK_FREE_BYTES && bytes_behind(sink, sink->place) > DISK_LEAST;
}

static void end_episode(struct sink *sink)
{
    uint64_t bytes = bytes_behind(sink, sink->place);
    if (!sink->over || bytes > sink->keep_bytes / 10 * 8 || disk_is_full(sink) ||
        (sink->keep_us > 0 && sink->oldest_us != INT64_MAX &&
         clock_wall_us() - sink->oldest_us > sink->keep_us / 10 * 8)) {
        return;
    }
    sink->over = false;
    sink_tell(sink, "normal", EVENT_INFO,
              "the quota lets nothing go any more: %llu samples were let go unpublished (busbar "
              "sink resend brings them from history)",
              (unsigned long long)(sink->counts.released - sink->over_counts.released));
}

static void check_quota(struct sink *sink)
{
    uint64_t bytes = bytes_behind(sink, sink->place);
    bool disk = disk_is_full(sink);
    bool over = bytes > sink->keep_bytes || too_old(sink, sink->oldest_us) || disk;
    if (!over) {
        end_episode(sink);
        return;
    }
    sink->quota_low = sink->keep_bytes / 10 * 9;
    if (disk && bytes / 4 * 3 < sink->quota_low) {
        sink->quota_low = bytes / 4 * 3;
    }
    sink->letting_go = true;
}

static void looked(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    if (error == 0) {
        if (sink->look_recount) { /* batches may have been acknowledged meanwhile */
            sink->left = -(int64_t)(sink->look_place.taken + sink->passed - sink->look_passed);
        }
        sink->left += (int64_t)sink->looked;
        if (sink->look_oldest && sink_place_compare(sink->look_place, sink->place) == 0) {
            sink->oldest_us = sink->looked_oldest_us;
        }
        if (sink_wanted(sink) || sink->paused) {
            check_quota(sink);
        }
    }
    if (sink->letting_go && !sink->leaving) {
        sink_quota_step(sink);
    } else {
        sink_pump(sink);
    }
}

bool sink_all_is_sent(const struct sink *sink)
{
    return sink->stand == STAND_ON && sink->queued == 0 && sink->making == NULL && !sink->more;
}

/* What a target that keeps the place has not heard of for a while. */
static bool mark_due(const struct sink *sink)
{
    return sink_all_is_sent(sink) && (sink->ops->flags & SINK_KEEPS_PLACE) != 0 &&
           sink_place_compare(sink->durable, sink->place) < 0 &&
           clock_mono_us() - sink->kept_since_us >= SINK_MARK_US;
}

static void look(struct timer *timer, void *ctx)
{
    (void)timer;
    struct sink *sink = ctx;
    if (mark_due(sink)) {
        sink_mark(sink);
    }
    if (sink_all_is_sent(sink) && !sink->recount) {
        end_episode(sink);
        return;
    }
    if (sink->look.asked || sink->letting_go || sink->leaving) {
        return;
    }
    sink->look_recount = sink->recount && !sink_has_parts(sink);
    sink->recount = sink->recount && !sink->look_recount;
    sink->look_passed = sink->passed;
    sink->look_place = sink->place;
    sink->look_oldest = sink->oldest_us == INT64_MAX;
    sink->look.work = work_look;
    sink->look.done = looked;
    sink_do(sink, &sink->look);
}

void sink_look_start(struct sink *sink)
{
    if (sink->enabled) {
        history_cursor_done(sink->counter, UINT64_MAX - 1); /* it holds nothing */
        timer_init(&sink->looking, sink->sinks->config.loop, look, sink);
        timer_start(&sink->looking, 0, SINK_LOOK_MS);
    }
}

/* ---- letting go ---- */

static bool enough(void *ctx, struct sink_place at, int64_t receive_us)
{
    struct sink *sink = ctx;
    bool old = too_old(sink, receive_us);
    sink->quota_unfinished = clock_mono_us() >= sink->quota_end_us;
    return sink->quota_unfinished || (!old && bytes_behind(sink, at) <= sink->quota_low);
}

static int save(struct sink *sink)
{
    struct sink_counts counts = sink->counts;
    counts.released += sink->pass.samples;
    counts.events_released += sink->pass.events;
    struct state_sink_counts now = sink_state_counts(&counts, sink->lost + sink->pass.lost);
    struct state_sink_place place = { sink->quota_to.sequence, sink->quota_to.taken };
    int error = sink_kept_save(sink->env.state, sink->name, &sink->kept);
    return error == 0 ? state_sink_move(sink->env.state, sink->name, &place, &now) : error;
}

static void work_quota(struct sink_work *work)
{
    struct sink *sink = work->sink;
    struct sink_reader *reader = &sink->reader;
    sink->pass = (struct sink_pass){ .enough = enough, .ctx = sink };
    sink->quota_end_us = clock_mono_us() + JOB_US;
    sink->quota_unfinished = false;
    sink_reader_seek(reader, sink->place);
    int error = sink_pass(reader, &sink->pass);
    sink->quota_to = reader->at;
    sink->quota_error = save(sink);
    if (sink->quota_error == 0) {
        history_cursor_done(reader->cursor, sink->quota_to.sequence - 1);
        history_log_trim(sink->env.history);
        sink->quota_error = error;
    }
}

static void tell_episode(struct sink *sink)
{
    char bytes[32], keep[32] = "forever";
    (void)str_format_bytes(bytes, sizeof(bytes), sink->keep_bytes);
    if (sink->keep_us > 0) {
        (void)str_format_duration(keep, sizeof(keep), sink->keep_us);
    }
    if (!sink->over && sink->pass.samples + sink->pass.events > 0) {
        sink->over = true;
        sink_tell(
            sink, "quota", EVENT_HIGH,
            "the quota is reached (%s, %s%s): the oldest are let go unpublished, %llu samples "
            "so far",
            bytes, keep, sink->free_bytes < SINK_FREE_BYTES ? ", and the disk is nearly full" : "",
            (unsigned long long)(sink->counts.released - sink->over_counts.released));
    }
}

static void let_go(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    error = error != 0 ? error : sink->quota_error;
    if (error != 0) { /* the next look tries again */
        busbar_log(LOG_LEVEL_WARN, "sinks", sink->name,
                   "what is over the quota cannot be let go: %s", err_text(error));
        sink->letting_go = false;
    } else {
        if (!sink->over) {
            sink->over_counts = sink->counts;
        }
        sink->counts.released += sink->pass.samples;
        sink->counts.events_released += sink->pass.events;
        sink_passed(sink, sink->pass.passed);
        sink->lost += sink->pass.lost;
        sink->place = sink->durable = sink->saved = sink->quota_to;
        sink->oldest_us = INT64_MAX;
        sink->letting_go = sink->quota_unfinished;
        tell_episode(sink);
    }
    sink_forget(sink);
    if (sink->stand == STAND_SETTLING) { /* it came to be connected meanwhile */
        sink_settle(sink);
    }
    sink_pump(sink);
}

void sink_quota_step(struct sink *sink)
{
    if (sink->sending != NULL || sink->making != NULL || sink->quota.asked ||
        sink->settle.work.asked || sink->stand == STAND_SETTLING || sink->leaving) {
        return; /* its end comes here again */
    }
    if (sink->queued > 0) {
        sink_forget(sink);
    }
    sink->quota.work = work_quota;
    sink->quota.done = let_go;
    sink_do(sink, &sink->quota);
}
