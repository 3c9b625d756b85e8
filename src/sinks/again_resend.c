/* SPDX-License-Identifier: Apache-2.0 */
/* Sends what history has of some points and a span once more: series after series, each in the order of time. It is no
 * part of the ledger: a sample that is sent again was published, or let go, once before. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sinks/again_private.h"

enum { SERIES_AT_ONCE = 4096, READS_MAX = 1024 /* of one batch */ };

struct resend_run {
    struct again_run run;
    struct sink_filter *filter; /* of the run, or the sink's own */
    int64_t from_us, to_us;
    uint32_t *series;
    size_t series_count, series_capacity;
    bool chosen, no_memory;
    size_t walked; /* of one window */
    uint32_t last_set;
    char last_path[STATE_PATH_MAX + 1];
    size_t at;       /* in series */
    int64_t next_us; /* of that one */
    struct sample *samples;
    struct history_samples reads[READS_MAX]; /* they own the texts */
    size_t read_count;
    char refusal[ERR_MESSAGE_MAX]; /* the first */
};

static struct resend_run *of(struct again_run *run)
{
    return (struct resend_run *)(void *)run;
}

/* ---- which series (job) ---- */

static void choose(struct resend_run *resend, uint32_t id)
{
    if (resend->series_count == resend->series_capacity) {
        size_t capacity = resend->series_capacity > 0 ? 2 * resend->series_capacity : 1024;
        uint32_t *series = busbar_try_realloc(resend->series, capacity * sizeof(*series));
        if (series == NULL) {
            resend->no_memory = true;
            return;
        }
        resend->series = series;
        resend->series_capacity = capacity;
    }
    resend->series[resend->series_count++] = id;
}

static void on_path(void *ctx, uint32_t id, const char *path, size_t size)
{
    struct resend_run *resend = ctx;
    (void)size;
    resend->walked++;
    (void)str_copy(resend->last_path, sizeof(resend->last_path), path);
    if (sink_filter_takes_path(resend->filter, path)) {
        choose(resend, id);
    }
}

static void on_set(void *ctx, uint32_t id, const char *text, size_t size)
{
    struct resend_run *resend = ctx;
    (void)text;
    (void)size;
    resend->walked++;
    resend->last_set = id;
    choose(resend, id); /* asked below, without the lock of state */
}

static int choose_paths(struct resend_run *resend)
{
    int error;
    do {
        resend->walked = 0;
        error = state_paths_after(resend->run.sink->env.state, resend->last_path, SERIES_AT_ONCE,
                                  on_path, resend);
    } while (error == 0 && resend->walked == SERIES_AT_ONCE && !atomic_load(&resend->run.stop));
    return error;
}

static int choose_sets(struct resend_run *resend)
{
    int error;
    size_t first = resend->series_count;
    do {
        resend->walked = 0;
        error = state_label_sets(resend->run.sink->env.state, resend->last_set, SERIES_AT_ONCE,
                                 on_set, resend);
    } while (error == 0 && resend->walked == SERIES_AT_ONCE && !atomic_load(&resend->run.stop));
    size_t kept = first;
    for (size_t i = first; i < resend->series_count; i++) {
        if (sink_filter_wants(resend->filter, resend->series[i])) {
            resend->series[kept++] = resend->series[i];
        }
    }
    resend->series_count = kept;
    return error;
}

/* ---- what of them (job) ---- */

static void free_reads(struct resend_run *resend)
{
    for (size_t i = 0; i < resend->read_count; i++) {
        history_samples_free(&resend->reads[i]);
    }
    resend->read_count = 0;
}

/* Goes on with the series it stands at. */
static int read_more(struct resend_run *resend, size_t room)
{
    struct history_samples *read = &resend->reads[resend->read_count];
    struct sink_push *push = &resend->run.push;
    int error = history_read(resend->run.sink->env.history, resend->series[resend->at],
                             resend->next_us, resend->to_us, room, read);
    if (error != 0) {
        return error;
    }
    resend->read_count++;
    if (read->count > 0) {
        memcpy(resend->samples + push->sample_count, read->samples,
               read->count * sizeof(struct sample));
    }
    push->sample_count += read->count;
    if (read->more && read->count > 0) {
        resend->next_us = read->samples[read->count - 1].time_us + 1;
    } else {
        resend->at++;
        resend->next_us = resend->from_us;
    }
    return 0;
}

static int fill(struct resend_run *resend)
{
    size_t room = resend->run.sink->batch;
    int error = 0;
    while (error == 0 && resend->at < resend->series_count && resend->read_count < READS_MAX &&
           resend->run.push.sample_count < room && !atomic_load(&resend->run.stop)) {
        error = read_more(resend, room - resend->run.push.sample_count);
    }
    resend->run.last = resend->at == resend->series_count;
    return error;
}

static void take(struct again_run *run)
{
    struct resend_run *resend = of(run);
    free_reads(resend);
    run->push.sample_count = 0;
    if (!resend->chosen) {
        resend->chosen = true;
        run->error = choose_paths(resend);
        run->error = run->error == 0 ? choose_sets(resend) : run->error;
        run->error = run->error == 0 && resend->no_memory ? BUSBAR_ENOMEM : run->error;
    }
    run->error = run->error == 0 ? fill(resend) : run->error;
}

static void refused(struct again_run *run, size_t index, const struct err *err)
{
    struct resend_run *resend = of(run);
    (void)index;
    if (resend->refusal[0] == '\0') {
        (void)str_copy(resend->refusal, sizeof(resend->refusal), err->message);
    }
}

/* ---- life ---- */

static void fini(struct again_run *run)
{
    struct resend_run *resend = of(run);
    if (run->progress.err.code == 0 && resend->refusal[0] != '\0') {
        (void)err_set(&run->progress.err, BUSBAR_EREFUSED, "the sink %s: %llu were refused: %s",
                      run->sink->name, (unsigned long long)run->progress.refused, resend->refusal);
    }
    free_reads(resend);
    sink_filter_unref(resend->filter);
    busbar_free(resend->series);
    busbar_free(resend->samples);
}

static const struct again_ops ops = { .take = take, .refused = refused, .fini = fini };

static int check(const struct sink *sink, int64_t from_us, int64_t to_us, struct err *err)
{
    if (from_us >= to_us) {
        return err_set(err, BUSBAR_EINVAL, "what is sent again must begin before it ends");
    }
    if (sink->paused) {
        (void)err_set(err, BUSBAR_EBUSY, "the sink %s is paused", sink->name);
        return err_hint(err, "busbar sink resume %s", sink->name);
    }
    return 0;
}

int sinks_resend(struct sinks *sinks, const char *name, const char *points, int64_t from_us,
                 int64_t to_us, sink_again_cb cb, void *ctx, struct err *err)
{
    struct sink *sink = sinks_find(sinks, name, err);
    struct sink_filter *filter = NULL;
    if (sink == NULL) {
        return BUSBAR_ENOENT;
    }
    int error = check(sink, from_us, to_us, err);
    if (error == 0 && points != NULL) {
        error = sink_filter_new(sink->env.history, points, "", "none", false, &filter, NULL, err);
    } else if (error == 0) {
        filter = sink_filter_ref(sink->filter);
    }
    if (error != 0) {
        return error;
    }
    struct resend_run *resend = busbar_alloc(sizeof(*resend));
    resend->filter = filter;
    resend->from_us = resend->next_us = from_us;
    resend->to_us = to_us;
    resend->samples = busbar_try_alloc(sink->batch * sizeof(*resend->samples));
    resend->run.sends = true;
    resend->run.push = (struct sink_push){ .origin = SINK_BATCH_AGAIN, .samples = resend->samples };
    error = resend->samples != NULL ? again_begin(sink, &resend->run, &ops, cb, ctx, err)
                                    : err_set(err, BUSBAR_ENOMEM, "out of memory");
    if (error != 0) {
        fini(&resend->run);
        busbar_free(resend);
    }
    return error;
}
