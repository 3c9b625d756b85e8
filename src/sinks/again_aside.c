/* SPDX-License-Identifier: Apache-2.0 */
/* Retry and drop of what is set aside, oldest first. A row leaves state.db in the transaction that has the counts with
 * it: a crash before leaves it there, and begin.c finds by the counts what was under way. */
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/again_private.h"

enum { ROWS_MAX = 1000 /* of one round: batches of the log come between two of them */ };

struct aside_run {
    struct again_run run;
    bool drop;
    uint64_t id; /* 0: all */
    uint64_t after;
    struct arena texts;
    struct sample *samples;
    struct bytes *events;
    uint64_t *sample_ids, *event_ids;
    size_t rows;
    bool no_memory;
    const char **reasons; /* of what was refused again, by its index in the push; else NULL */
    uint64_t *gone;       /* ids that leave state.db */
    size_t gone_count;
    uint64_t samples_gone, events_gone; /* of a drop */
};

static struct aside_run *of(struct again_run *run)
{
    return (struct aside_run *)(void *)run;
}

/* ---- taking (job) ---- */

static bool copy_text(struct aside_run *aside, struct sample *sample)
{
    const struct text *from = sample->value.text;
    struct text *to = arena_alloc(&aside->texts, sizeof(*to) + from->size + 1);
    if (to != NULL) {
        to->size = from->size;
        memcpy(to->bytes, from->bytes, from->size);
        sample->value.text = to;
    }
    return to != NULL;
}

static void add_sample(struct aside_run *aside, const struct state_aside *row)
{
    size_t at = aside->run.push.sample_count;
    aside->samples[at] = row->sample;
    aside->sample_ids[at] = row->id;
    if (row->sample.type == VALUE_TEXT && !copy_text(aside, &aside->samples[at])) {
        aside->no_memory = true;
        return;
    }
    aside->run.push.sample_count++;
}

static void add_event(struct aside_run *aside, const struct state_aside *row)
{
    size_t at = aside->run.push.event_count, size = bytes_left(&row->event);
    char *copy = arena_alloc(&aside->texts, size);
    if (copy == NULL) {
        aside->no_memory = true;
        return;
    }
    memcpy(copy, row->event.start, size);
    aside->events[at] = bytes_of(copy, size);
    aside->event_ids[at] = row->id;
    aside->run.push.event_count++;
}

static void on_row(void *ctx, const struct state_aside *row)
{
    struct aside_run *aside = ctx;
    if (bytes_left(&row->event) > 0) {
        add_event(aside, row);
    } else {
        add_sample(aside, row);
    }
    aside->after = row->id;
    aside->rows++;
}

static int count_all(struct aside_run *aside)
{
    struct state_aside_count count = { .samples = 1 };
    struct sink *sink = aside->run.sink;
    int error = aside->id == 0 ? state_aside_count(sink->env.state, sink->name, NULL, &count) : 0;
    aside->run.progress.total = count.samples + count.events;
    return error;
}

static int read_rows(struct aside_run *aside)
{
    struct sink *sink = aside->run.sink;
    size_t limit = sink->batch < ROWS_MAX ? sink->batch : ROWS_MAX;
    if (aside->id != 0) {
        aside->run.last = true;
        return state_aside_get(sink->env.state, sink->name, aside->id, on_row, aside);
    }
    int error = state_asides_after(sink->env.state, sink->name, aside->after, limit, on_row, aside);
    aside->run.last = aside->rows < limit;
    return error;
}

/* What was written later at the same time counts, as everywhere: a target that has it already is not to lose it to what
 * is older. What is no longer in history is as it was. */
static int take_newest(struct aside_run *aside, struct sample *sample)
{
    struct history_samples found;
    int error = history_read(aside->run.sink->env.history, sample->point, sample->time_us,
                             sample->time_us + 1, 1, &found);
    if (error != 0 || found.count == 0) {
        return error;
    }
    *sample = found.samples[0];
    if (sample->type == VALUE_TEXT && !copy_text(aside, sample)) {
        error = BUSBAR_ENOMEM;
    }
    history_samples_free(&found);
    return error;
}

static int take_all_newest(struct aside_run *aside)
{
    int error = 0;
    for (size_t i = 0; i < aside->run.push.sample_count && error == 0; i++) {
        error = take_newest(aside, &aside->samples[i]);
    }
    return error;
}

static void take(struct again_run *run)
{
    struct aside_run *aside = of(run);
    arena_fini(&aside->texts);
    run->push.sample_count = run->push.event_count = 0;
    aside->rows = aside->gone_count = 0;
    memset(aside->reasons, 0, ROWS_MAX * sizeof(*aside->reasons));
    run->error = run->progress.total == 0 ? count_all(aside) : 0;
    run->error = run->error == 0 ? read_rows(aside) : run->error;
    if (run->error == BUSBAR_ENOENT) {
        (void)err_set(&run->err, BUSBAR_ENOENT, "nothing with the number %llu is set aside of %s",
                      (unsigned long long)aside->id, run->sink->name);
        (void)err_hint(&run->err, "busbar sink aside %s lists what is", run->sink->name);
    } else if (run->error == 0 && aside->no_memory) {
        run->error = BUSBAR_ENOMEM;
    } else if (run->error == 0 && !aside->drop) {
        run->error = take_all_newest(aside);
    }
}

/* ---- what came of it ---- */

static uint64_t id_of(const struct aside_run *aside, size_t index)
{
    size_t samples = aside->run.push.sample_count;
    return index < samples ? aside->sample_ids[index] : aside->event_ids[index - samples];
}

static void refused(struct again_run *run, size_t index, const struct err *err)
{
    struct aside_run *aside = of(run);
    const char *reason = arena_strdup(&aside->texts, err->message);
    aside->reasons[index] = reason != NULL ? reason : "refused again";
}

/* Rows that the target has now, or that nobody wants. */
static void choose_gone(struct aside_run *aside)
{
    struct again_run *run = &aside->run;
    size_t samples = run->push.sample_count;
    size_t count = aside->drop ? samples + run->push.event_count : run->push.acknowledged;
    aside->samples_gone = aside->events_gone = 0;
    for (size_t i = 0; i < count; i++) {
        if (aside->reasons[i] == NULL) {
            aside->gone[aside->gone_count++] = id_of(aside, i);
            aside->samples_gone += i < samples;
            aside->events_gone += i >= samples;
        }
    }
}

static void count_dropped(struct aside_run *aside)
{
    struct state_sink_counts *counts = &aside->run.counts;
    counts->aside -= aside->samples_gone;
    counts->released += aside->samples_gone;
    counts->events_aside -= aside->events_gone;
    counts->events_released += aside->events_gone;
}

static void settle(struct again_run *run)
{
    struct aside_run *aside = of(run);
    struct state *state = run->sink->env.state;
    choose_gone(aside);
    if (aside->drop) {
        count_dropped(aside);
    }
    int error = state_aside_remove(state, run->sink->name, aside->gone, aside->gone_count,
                                   &run->place, &run->counts);
    if (error != 0) {
        char reason[160];
        state_reason(state, reason, sizeof(reason));
        (void)err_set(&run->err, error, "cannot write to state.db what was sent to %s: %s",
                      run->sink->name, reason);
        run->error = error;
        return;
    }
    for (size_t i = 0; i < run->push.acknowledged && error == 0; i++) {
        if (aside->reasons[i] != NULL) {
            error = state_aside_again(state, run->sink->name, id_of(aside, i), aside->reasons[i],
                                      clock_wall_us());
        }
    }
}

/* On the loop: the sink's own counts follow, or go back where state.db could not be written. */
static void settled(struct again_run *run)
{
    struct aside_run *aside = of(run);
    struct sink_place place;
    struct sink_counts counts;
    uint64_t lost;
    bool written = run->err.code == 0;
    if (written) {
        sink_is_saved(run->sink, run->place);
    }
    sink_snapshot(run->sink, &place, &counts, &lost);
    if (aside->drop && written) {
        counts.aside -= aside->samples_gone;
        counts.released += aside->samples_gone;
        counts.events_aside -= aside->events_gone;
        counts.events_released += aside->events_gone;
        run->progress.sent += aside->gone_count;
        sink_count_set(run->sink, &counts);
    } else if (!aside->drop && !written) {
        counts.published -= aside->samples_gone;
        counts.aside += aside->samples_gone;
        counts.events -= aside->events_gone;
        counts.events_aside += aside->events_gone;
        run->progress.sent -= aside->gone_count;
        sink_count_set(run->sink, &counts);
    }
    run->sink->asked->changes++;
}

/* ---- life ---- */

static void fini(struct again_run *run)
{
    struct aside_run *aside = of(run);
    arena_fini(&aside->texts);
    busbar_free(aside->samples);
    busbar_free(aside->events);
    busbar_free(aside->sample_ids);
    busbar_free(aside->event_ids);
    busbar_free(aside->reasons);
    busbar_free(aside->gone);
}

static const struct again_ops ops = {
    .take = take, .settle = settle, .settled = settled, .refused = refused, .fini = fini
};

static int begin(struct sinks *sinks, const char *name, uint64_t id, bool drop, sink_again_cb cb,
                 void *ctx, struct err *err)
{
    struct sink *sink = sinks_find(sinks, name, err);
    if (sink == NULL) {
        return BUSBAR_ENOENT;
    }
    if (!drop && sink->paused) {
        (void)err_set(err, BUSBAR_EBUSY, "the sink %s is paused", name);
        return err_hint(err, "busbar sink resume %s", name);
    }
    struct aside_run *aside = busbar_alloc(sizeof(*aside));
    aside->drop = drop;
    aside->id = id;
    arena_init(&aside->texts, SINK_BATCH_BYTES_MAX);
    aside->samples = busbar_alloc_array(ROWS_MAX, sizeof(*aside->samples));
    aside->events = busbar_alloc_array(ROWS_MAX, sizeof(*aside->events));
    aside->sample_ids = busbar_alloc_array(ROWS_MAX, sizeof(*aside->sample_ids));
    aside->event_ids = busbar_alloc_array(ROWS_MAX, sizeof(*aside->event_ids));
    aside->reasons = busbar_alloc_array(ROWS_MAX, sizeof(*aside->reasons));
    aside->gone = busbar_alloc_array(ROWS_MAX, sizeof(*aside->gone));
    aside->run.push = (struct sink_push){ .origin = SINK_BATCH_ASIDE,
                                          .samples = aside->samples,
                                          .events = aside->events };
    aside->run.sends = !drop;
    int error = again_begin(sink, &aside->run, &ops, cb, ctx, err);
    if (error != 0) {
        fini(&aside->run);
        busbar_free(aside);
    }
    return error;
}

int sinks_retry(struct sinks *sinks, const char *name, uint64_t id, sink_again_cb cb, void *ctx,
                struct err *err)
{
    return begin(sinks, name, id, false, cb, ctx, err);
}

int sinks_drop(struct sinks *sinks, const char *name, uint64_t id, sink_again_cb cb, void *ctx,
               struct err *err)
{
    return begin(sinks, name, id, true, cb, ctx, err);
}
