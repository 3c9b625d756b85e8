/* SPDX-License-Identifier: Apache-2.0 */
/* Where a sink begins: by its row in state.db, and by what the target says when it connects; and saving it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "sinks/again_private.h"

enum { BEGIN_MS = 1000, KEPT_MAX = 160, KEPT_SAVE_MS = 10000 };

static struct sink_counts counts_of(const struct state_sink_counts *counts)
{
    return (struct sink_counts){ .published = counts->published,
                                 .repeated = counts->repeated,
                                 .aside = counts->aside,
                                 .released = counts->released,
                                 .events = counts->events,
                                 .events_aside = counts->events_aside,
                                 .events_released = counts->events_released };
}

/* ---- what is known of the target ---- */

static void kept_key(const char *name, char key[KEPT_MAX])
{
    (void)str_format(key, KEPT_MAX, "sink kept %s", name);
}

int sink_kept_save(struct state *state, const char *name, const struct sink_kept *kept)
{
    char key[KEPT_MAX], text[KEPT_MAX];
    kept_key(name, key);
    (void)str_format(text, sizeof(text),
                     "%" PRIu64 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
                     kept->place.sequence, kept->place.taken, kept->published, kept->released,
                     kept->events, kept->events_released);
    return kept->known ? state_set(state, key, text) : 0;
}

static void kept_load(struct state *state, const char *name, struct sink_kept *kept)
{
    char key[KEPT_MAX];
    char *text = NULL;
    *kept = (struct sink_kept){ 0 };
    kept_key(name, key);
    if (state_get(state, key, &text) != 0) {
        return;
    }
    struct sink_kept is = { .known = true };
    if (sscanf(text, "%" SCNu64 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
               &is.place.sequence, &is.place.taken, &is.published, &is.released, &is.events,
               &is.events_released) == 6) {
        *kept = is;
    }
    busbar_free(text);
}

/* ---- the beginning ---- */

static int make_row(struct sink *sink)
{
    uint64_t first, next;
    bool now = settings_int(&sink->common->settings, SINK_START) != 0;
    history_log_bounds(sink->env.history, &first, &next);
    sink->row = (struct state_sink){ .place.sequence = now ? next : first,
                                     .began_us = clock_wall_us() };
    (void)str_copy(sink->row.name, sizeof(sink->row.name), sink->name);
    (void)str_copy(sink->row.log_id, sizeof(sink->row.log_id), sink->log_id);
    return state_sink_set(sink->env.state, &sink->row);
}

/* The log ends before the place: its folder was put back from a copy, or taken away. It is another log from now on, for a
 * target that knows the old one must not win. */
static int renew_log(struct sink *sink, char id[STATE_LOG_ID_SIZE])
{
    int error = state_log_renew(sink->env.state);
    return error == 0 ? state_log_id(sink->env.state, id) : error;
}

static int check_row(struct sink *sink)
{
    uint64_t first, next;
    history_log_bounds(sink->env.history, &first, &next);
    sink->beyond = sink->row.place.sequence > next ? sink->row.place.sequence : 0;
    if (sink->beyond == 0) {
        return 0;
    }
    sink->row.place = (struct state_sink_place){ .sequence = next };
    int error = renew_log(sink, sink->log_id);
    return error == 0
               ? state_sink_move(sink->env.state, sink->name, &sink->row.place, &sink->row.counts)
               : error;
}

static void tell_beyond(struct sink *sink, const char *who, uint64_t sequence)
{
    sink_tell(sink, "fault", EVENT_HIGH,
              "%s is at record %" PRIu64 " of a log that has not come so far: was the data folder "
              "put back from a copy? It goes on from record %" PRIu64,
              who, sequence, sink->place.sequence);
}

static void work_begin(struct sink_work *work)
{
    struct sink *sink = work->sink;
    struct state *state = sink->env.state;
    int error = state_log_id(state, sink->log_id);
    error = error == 0 ? state_sink_get(state, sink->name, &sink->row) : error;
    if (error == BUSBAR_ENOENT) {
        error = make_row(sink);
    } else if (error == 0) {
        error = check_row(sink);
    }
    kept_load(state, sink->name, &sink->kept);
    if (error == 0 && sink->counter == NULL) {
        error = history_cursor_open(sink->env.history, sink->name, UINT64_MAX / 2, &sink->counter);
    }
    sink->begin_error = error;
}

static void take_row(struct sink *sink)
{
    const struct state_sink *row = &sink->row;
    sink->place = (struct sink_place){ row->place.sequence > 0 ? row->place.sequence : 1,
                                       row->place.taken };
    sink->durable = sink->saved = sink->place;
    sink->counts = counts_of(&row->counts);
    sink->lost = row->counts.lost;
    sink->paused = row->paused;
    sink->row_known = true;
    sink_hold_log(sink);
    sink_forget(sink);
    sink_count_again(sink);
}

static void retry(struct timer *timer, void *ctx)
{
    (void)timer;
    sink_begin(ctx);
}

static void begun(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    error = error != 0 ? error : sink->begin_error;
    if (error != 0 && !sink->leaving) {
        (void)err_set(&sink->error, error, "its row in state.db cannot be read: %s",
                      err_text(error));
        timer_init(&sink->saving, sink->sinks->config.loop, retry, sink);
        timer_start(&sink->saving, BEGIN_MS, 0);
        return;
    }
    if (error == 0) {
        sink->error = (struct err){ 0 };
        take_row(sink);
        if (sink->beyond != 0) {
            sink->kept.known = false;
            tell_beyond(sink, "it", sink->beyond);
        }
        sink->target = sink->ops->open(sink, &sink->env, &sink->own->settings);
        sink->stand = STAND_OFF;
        sink_look_start(sink);
        if (sink->sinks->started) {
            sink_ledger_begin(sink);
        }
    }
    sink_pump(sink);
}

void sink_begin(struct sink *sink)
{
    list_each(at, &sink->sinks->leaving) {
        if (str_equal(list_entry(at, struct sink, link)->name, sink->name)) {
            return; /* one of the name is still ending: sinks_ended() asks again */
        }
    }
    if (sink->begin.asked || sink->row_known) {
        return;
    }
    sink->begin.work = work_begin;
    sink->begin.done = begun;
    sink_do(sink, &sink->begin);
}

/* ---- the target's position ---- */

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

void sink_settle_place(const struct sink_position *target, const struct sink_kept *kept,
                       struct sink_place *place, struct sink_counts *counts)
{
    bool same = kept->known && sink_place_compare(target->place, kept->place) == 0 &&
                target->counts.published == kept->published &&
                target->counts.events == kept->events;
    if (same) {
        return; /* since then we passed only what it need not hear of: ours has it all */
    }
    struct sink_counts now = target->counts;
    bool ahead = kept->known && sink_place_compare(target->place, kept->place) > 0;
    if (ahead) { /* of what we let go it took the beginning, without our hearing of it */
        now.released += less(less(counts->released, target->counts.released),
                             less(target->counts.published, kept->published));
        now.events_released += less(less(counts->events_released, target->counts.events_released),
                                    less(target->counts.events, kept->events));
    }
    bool let_go = ahead && (now.released > target->counts.released ||
                            now.events_released > target->counts.events_released);
    if (!let_go || sink_place_compare(target->place, *place) > 0) {
        *place = target->place;
    }
    *counts = now;
}

static void work_settle(struct sink_work *work)
{
    struct sink *sink = work->sink;
    struct sink_state_work *settle = &sink->settle;
    settle->error = state_aside_settle(sink->env.state, sink->name, &settle->place,
                                       &sink->settled_left);
}

static void settle_one(uint64_t left, uint64_t *aside, uint64_t *published, uint64_t *released)
{
    if (left > *aside) { /* a retry brought some home whose rows are still there */
        *published -= left - *aside < *published ? left - *aside : *published;
    } else {
        *released += *aside - left; /* dropped, and not saved */
    }
    *aside = left;
}

static void settled(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    error = error != 0 ? error : sink->settle.error;
    if (sink->stand != STAND_SETTLING) {
        sink_pump(sink);
        return;
    }
    if (error != 0) {
        sink_break(sink, error, "state.db cannot be changed");
        return;
    }
    sink->settled = true;
    settle_one(sink->settled_left.samples, &sink->counts.aside, &sink->counts.published,
               &sink->counts.released);
    settle_one(sink->settled_left.events, &sink->counts.events_aside, &sink->counts.events,
               &sink->counts.events_released);
    sink_save_soon(sink);
    sink_ready(sink);
}

static bool is_beyond(const struct sink *sink)
{
    uint64_t first, next;
    history_log_bounds(sink->env.history, &first, &next);
    return sink->position.place.sequence > next;
}

static void work_renew(struct sink_work *work)
{
    struct sink *sink = work->sink;
    sink->settle.error = renew_log(sink, sink->renewed_id);
}

/* Connects again, as another log. */
static void renewed(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    error = error != 0 ? error : sink->settle.error;
    if (error == 0) {
        (void)str_copy(sink->log_id, sizeof(sink->log_id), sink->renewed_id);
        sink->kept.known = false;
    }
    if (sink->stand == STAND_SETTLING) {
        sink_break(sink, error != 0 ? error : BUSBAR_ECONFLICT,
                   "the target knows a log that goes farther than this one");
    }
    sink_pump(sink);
}

static void take_position(struct sink *sink)
{
    struct sink_place before = sink->place;
    sink_settle_place(&sink->position, &sink->kept, &sink->place, &sink->counts);
    sink->kept = (struct sink_kept){ .known = true,
                                     .place = sink->position.place,
                                     .published = sink->position.counts.published,
                                     .released = sink->position.counts.released,
                                     .events = sink->position.counts.events,
                                     .events_released = sink->position.counts.events_released };
    sink->kept_since_us = clock_mono_us();
    sink->durable = sink->position.place;
    sink_hold_log(sink);
    if (sink_place_compare(before, sink->place) != 0) {
        sink->settled = false;
        sink_count_again(sink);
    }
    sink_forget(sink);
}

void sink_settle(struct sink *sink)
{
    if (sink->has_position && is_beyond(sink)) {
        tell_beyond(sink, "the target", sink->position.place.sequence);
        sink->settle.work.work = work_renew;
        sink->settle.work.done = renewed;
        sink_do(sink, &sink->settle.work);
        return;
    }
    if (sink->has_position) {
        take_position(sink);
    }
    if (sink->settled) {
        sink_ready(sink);
        return;
    }
    sink->settle.place = (struct state_sink_place){ sink->place.sequence, sink->place.taken };
    sink->settle.work.work = work_settle;
    sink->settle.work.done = settled;
    sink_do(sink, &sink->settle.work);
}

/* ---- saving ---- */

void sink_hold_log(struct sink *sink)
{
    /* On a disk so full that state.db cannot be written, the log is what makes room. */
    bool behind = !sink->save_failed && sink_place_compare(sink->saved, sink->durable) < 0;
    const struct sink_place *from = behind ? &sink->saved : &sink->durable;
    history_cursor_done(sink->reader.cursor, sink->enabled ? from->sequence - 1 : UINT64_MAX - 1);
}

void sink_is_saved(struct sink *sink, struct state_sink_place place)
{
    sink->saved = (struct sink_place){ place.sequence, place.taken };
    if ((sink->ops->flags & SINK_KEEPS_PLACE) == 0) {
        sink->durable = sink->saved;
    }
    sink_hold_log(sink);
}

static void work_save(struct sink_work *work)
{
    struct sink *sink = work->sink;
    struct sink_state_work *save = &sink->save;
    save->error = state_sink_move(sink->env.state, sink->name, &save->place, &save->counts);
    if (save->error == 0) {
        save->error = sink_kept_save(sink->env.state, sink->name, &save->kept);
    }
}

static void saved(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    error = error != 0 ? error : sink->save.error;
    sink->save_failed = error != 0;
    if (error != 0) {
        busbar_log(LOG_LEVEL_WARN, "sinks", sink->name, "its place cannot be saved: %s",
                   err_text(error));
        sink_hold_log(sink);
        sink_save_soon(sink);
    } else {
        sink_is_saved(sink, sink->save.place);
    }
    if (!sink_wanted(sink)) {
        sink_pump(sink);
    }
}

void sink_save_now(struct sink *sink)
{
    if (sink->save.work.asked) {
        return;
    }
    sink->dirty = false;
    timer_stop(&sink->saving);
    sink->save.place = (struct state_sink_place){ sink->place.sequence, sink->place.taken };
    sink->save.counts = sink_state_counts(&sink->counts, sink->lost);
    sink->save.kept = sink->kept;
    sink->save.work.work = work_save;
    sink->save.work.done = saved;
    sink_do(sink, &sink->save.work);
}

static void save_due(struct timer *timer, void *ctx)
{
    (void)timer;
    struct sink *sink = ctx;
    if (sink->dirty && sink->save.work.asked) {
        timer_start(&sink->saving, SINK_SAVE_MS, 0);
    } else if (sink->dirty) {
        sink_save_now(sink);
    }
}

void sink_save_soon(struct sink *sink)
{
    sink->dirty = true;
    if (!timer_running(&sink->saving) && sink->row_known && sink->stand != STAND_GONE) {
        bool keeps = (sink->ops->flags & SINK_KEEPS_PLACE) != 0;
        timer_init(&sink->saving, sink->sinks->config.loop, save_due, sink);
        timer_start(&sink->saving, keeps ? KEPT_SAVE_MS : SINK_SAVE_MS, 0);
    }
}

void sink_snapshot(const struct sink *sink, struct sink_place *place, struct sink_counts *counts,
                   uint64_t *lost)
{
    *place = sink->place;
    *counts = sink->counts;
    *lost = sink->lost;
}

void sink_count_set(struct sink *sink, const struct sink_counts *counts)
{
    sink->counts = *counts;
    sink_save_soon(sink);
}
