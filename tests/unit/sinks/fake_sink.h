/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway's part that publishes, for tests: history and state in a folder of their own, a fake clock, and a kind of sink
 * whose target is in memory and does as the test says. Include after cmocka.h.
 *
 *     yard_open(&yard);
 *     yard_apply(&yard, "sinks: { a: { fake: x } }");
 *     yard_append(&yard, 1, 100);                100 records of a sample of series 1
 *     yard_run(&yard, CLOCK_US_PER_S);           jobs, timers
 *     fake.sample_count == 100
 */
#ifndef BUSBAR_TESTS_FAKE_SINK_H
#define BUSBAR_TESTS_FAKE_SINK_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/jobs.h"
#include "net/loop.h"
#include "net/timer.h"
#include "sinks/machine.h"
#include "support/quiet.h"
#include "unit/history/place.h"

#define YARD_NOW INT64_C(1790000000000000)

enum fake_mode {
    FAKE_GOOD,
    FAKE_SILENT,        /* takes a batch and never answers */
    FAKE_NO_CONNECTION, /* passes by itself */
    FAKE_WRONG,         /* wants a person */
    FAKE_FAILS,         /* connects, and fails at each batch */
    FAKE_HALF,          /* takes a batch, and fails before it says so */
    FAKE_LAST,          /* so, and is gone from then on */
    FAKE_UNCONNECTED,   /* connect() is never answered */
};

enum { FAKE_SAMPLES_MAX = 200000, FAKE_REASON_MAX = 64 };

struct fake_sample {
    uint32_t series;
    int64_t time_us;
};

/* The target, which outlives any connection. */
struct fake {
    enum fake_mode mode;
    bool refuse_index;    /* says which it refuses */
    uint32_t refuses;     /* samples of this series; 0: none */
    int64_t refuses_time; /* and of this time; 0: of any */
    size_t most;          /* samples that encode() takes; 0: any number */
    int64_t delay_us;     /* until it answers */
    struct fake_sample *samples;
    size_t sample_count, event_count;
    uint64_t batches, empty_batches, connects, disconnects, closes, opens, encodes, facts, changes;
    size_t biggest, smallest_division;
    bool has_position;
    struct sink_position position;
    bool open, connected, encoding;
    char last_path[64];
    void (*step)(const char *what); /* called at each step; may not come back */
};
static struct fake fake;

struct sink_target {
    struct sink *sink;
    const struct sink_env *env;
    struct timer answer;
    const struct sink_batch *batch; /* being sent */
};

static inline void fake_step(const char *what)
{
    if (fake.step != NULL) {
        fake.step(what);
    }
}

static const struct option fake_options[] = {
    { .key = "fake", .type = OPTION_TEXT, .help = "where" },
    { .key = NULL },
};

static inline void fake_answer(struct timer *timer, void *ctx);

static struct sink_target *fake_open(struct sink *sink, const struct sink_env *env,
                                     const struct settings *settings)
{
    (void)settings;
    assert_false(fake.open);
    assert_int_equal(strlen(env->log_id), 32);
    fake.open = true;
    fake.opens++;
    struct sink_target *target = busbar_alloc(sizeof(*target));
    target->sink = sink;
    target->env = env;
    timer_init(&target->answer, env->loop, fake_answer, target);
    return target;
}

static void fake_close(struct sink_target *target)
{
    assert_false(fake.encoding);
    timer_stop(&target->answer);
    fake.open = fake.connected = false;
    fake.closes++;
    busbar_free(target);
}

static void fake_connect(struct sink_target *target)
{
    assert_false(fake.connected);
    assert_false(fake.encoding);
    fake_step("connect");
    fake.connects++;
    if (fake.mode != FAKE_UNCONNECTED) {
        timer_start_us(&target->answer, fake.delay_us, 0);
    }
}

static void fake_disconnect(struct sink_target *target)
{
    timer_stop(&target->answer);
    target->batch = NULL;
    fake.connected = false;
    fake.disconnects++;
}

static int fake_encode(const struct sink_target *target, struct sink_batch *batch, struct buf *out,
                       struct err *err)
{
    (void)target;
    (void)err;
    fake.encodes++;
    fake_step("encode");
    if (fake.most > 0 && batch->sample_count > fake.most) {
        return BUSBAR_ELIMIT;
    }
    for (size_t i = 1; i < batch->sample_count; i++) {
        assert_true(batch->samples[i].point != 0);
    }
    return buf_append(out, "batch", 5);
}

static void fake_send(struct sink_target *target, const struct sink_batch *batch,
                      const struct buf *bytes)
{
    assert_true(fake.connected);
    assert_null(target->batch);
    assert_string_equal(buf_text(bytes), "batch");
    fake_step("send");
    target->batch = batch;
    if (fake.mode != FAKE_SILENT) {
        timer_start_us(&target->answer, fake.delay_us, 0);
    }
}

/* The index of one that is refused; none: SIZE_MAX. */
static inline size_t fake_find_refused(const struct sink_batch *batch)
{
    for (size_t i = 0; i < batch->sample_count && fake.refuses != 0; i++) {
        if (batch->samples[i].point == fake.refuses &&
            (fake.refuses_time == 0 || batch->samples[i].time_us == fake.refuses_time)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static inline void fake_take(struct sink_target *target, const struct sink_batch *batch)
{
    fake_step("commit");
    for (size_t i = 0; i < batch->sample_count; i++) {
        assert_true(fake.sample_count < FAKE_SAMPLES_MAX);
        fake.samples[fake.sample_count++] = (struct fake_sample){ batch->samples[i].point,
                                                                  batch->samples[i].time_us };
    }
    for (size_t i = 0; i < batch->series_count; i++) {
        str_copy(fake.last_path, sizeof(fake.last_path), batch->series[i].path);
    }
    fake.event_count += batch->event_count;
    fake.batches++;
    fake.empty_batches += batch->sample_count + batch->event_count == 0;
    fake.facts += batch->series_count;
    fake.biggest = batch->sample_count > fake.biggest ? batch->sample_count : fake.biggest;
    sink_position_after(target->sink, batch, &fake.position);
    fake.has_position = true;
    fake_step("committed");
}

static inline void fake_fail(struct sink_target *target, enum sink_failure failure,
                             const char *what)
{
    struct err err = { 0 };
    err_set(&err, BUSBAR_ECONNREFUSED, "%s", what);
    fake.connected = false;
    target->batch = NULL;
    sink_failed(target->sink, failure, &err);
}

static inline void fake_answer_batch(struct sink_target *target)
{
    const struct sink_batch *batch = target->batch;
    size_t refused = fake_find_refused(batch);
    struct err err = { 0 };
    if (fake.mode == FAKE_FAILS) {
        fake_fail(target, SINK_AGAIN, "it broke");
    } else if (refused != SIZE_MAX) {
        target->batch = NULL;
        err_set(&err, BUSBAR_EREFUSED, "not this one");
        sink_refused(target->sink, fake.refuse_index ? refused : SIZE_MAX, &err);
        fake_step("refused");
    } else if (fake.mode == FAKE_HALF || fake.mode == FAKE_LAST) {
        fake.mode = fake.mode == FAKE_LAST ? FAKE_NO_CONNECTION : fake.mode;
        fake_take(target, batch);
        fake_fail(target, SINK_AGAIN, "it broke after the commit");
    } else {
        fake_take(target, batch);
        target->batch = NULL;
        sink_sent(target->sink, 0);
        fake_step("sent");
    }
}

static inline void fake_answer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct sink_target *target = ctx;
    if (target->batch != NULL) {
        fake_answer_batch(target);
    } else if (fake.mode == FAKE_NO_CONNECTION || fake.mode == FAKE_WRONG) {
        fake_fail(target, fake.mode == FAKE_WRONG ? SINK_WRONG : SINK_AGAIN, "nobody is there");
    } else {
        fake.connected = true;
        sink_connected(target->sink, fake.has_position ? &fake.position : NULL);
    }
}

static void fake_where(const struct settings *settings, char *text, size_t size)
{
    str_copy(text, size, settings_text(settings, 0));
}

static void fake_changed(struct sink_target *target)
{
    (void)target;
    fake.changes++;
}

static const struct sink_ops fake_keeper = {
    .name = "fake",
    .title = "a fake that keeps the place",
    .flags = SINK_KEEPS_PLACE | SINK_TAKES_EVENTS,
    .options = fake_options,
    .open = fake_open,
    .close = fake_close,
    .connect = fake_connect,
    .disconnect = fake_disconnect,
    .encode = fake_encode,
    .send = fake_send,
    .where = fake_where,
    .changed = fake_changed,
};

/* ---- the yard ---- */

struct yard {
    struct place place;
    struct loop *loop;
    struct sink_ops ops; /* of the kind; flags may be another's */
    const struct sink_ops *catalog[2];
    struct sinks *sinks;
    bool stopped;
    char events[1024]; /* kinds of what was told, by spaces */
    int64_t next_time; /* of the samples: 1, 2, 3 ... behind YARD_NOW */
};

static inline void yard_event(void *ctx, const char *sink, const char *kind, uint8_t severity,
                              const char *text)
{
    struct yard *yard = ctx;
    (void)sink;
    (void)severity;
    (void)text;
    size_t used = strlen(yard->events);
    str_format(yard->events + used, sizeof(yard->events) - used, "%s ", kind);
}

static inline void yard_label(struct yard *yard, uint32_t series, const char *device,
                              const char *point)
{
    struct label labels[] = { label_of(LABEL_METRIC, point), label_of("device", device) };
    assert_int_equal(history_label_point(yard->place.history, series, labels, 2), 0);
}

/* History, state, loop; series 1 to 9 are points plant/p1 to plant/p9. */
static inline void yard_wake(struct yard *yard)
{
    place_open(&yard->place);
    for (uint32_t i = 1; i <= 9; i++) {
        char name[8];
        str_format(name, sizeof(name), "p%u", i);
        yard_label(yard, i, "plant", name);
    }
    history_points_labeled(yard->place.history);
    while (!history_index_loaded(yard->place.history)) {
        usleep(100);
    }
    yard->loop = loop_new();
    yard->catalog[0] = &yard->ops;
    yard->stopped = false;
    yard->sinks = sinks_new(&(struct sinks_config){ .loop = yard->loop,
                                                    .history = yard->place.history,
                                                    .state = yard->place.state,
                                                    .catalog = yard->catalog,
                                                    .site = "",
                                                    .site_title = "",
                                                    .folder = yard->place.folder,
                                                    .files = "/",
                                                    .event = yard_event,
                                                    .ctx = yard });
}

/* As yard_open(), which wakes it too. */
static inline void yard_make(struct yard *yard)
{
    quiet_log();
    clock_fake_set(0, YARD_NOW);
    memset(yard, 0, sizeof(*yard));
    struct fake_sample *samples = fake.samples;
    fake = (struct fake){ .samples = samples };
    if (samples == NULL) {
        fake.samples = busbar_alloc_array(FAKE_SAMPLES_MAX, sizeof(*fake.samples));
    }
    yard->ops = fake_keeper;
    place_make(&yard->place);
    yard->place.config.points_labeled_later = true;
}

static inline void yard_open(struct yard *yard)
{
    yard_make(yard);
    yard_wake(yard);
}

/* Lets time pass, with all jobs that come up. */
static inline void yard_run(struct yard *yard, int64_t us)
{
    enum { STEP_US = 50000 };
    jobs_drain(yard->loop);
    for (int64_t done = 0; done <= us; done += STEP_US) {
        loop_advance_for_test(yard->loop, done + STEP_US <= us ? STEP_US : us - done);
        jobs_drain(yard->loop);
    }
}

static inline void yard_apply(struct yard *yard, const char *text)
{
    struct problems problems;
    struct config *config = NULL;
    struct err err = { 0 };
    struct config_sink_kind kind = { .name = "fake", .options = fake_options, .events = true };
    struct config_env env = { .sink_kinds = &kind, .sink_kind_count = 1 };
    struct config_text file = { .name = "a.yaml", .text = text, .size = strlen(text) };
    problems_init(&problems);
    if (config_load_texts(&file, 1, &env, &config, &problems) != 0) {
        struct buf out;
        buf_init(&out, 4096);
        problems_print(&problems, &out);
        fail_msg("%s", buf_text(&out));
    }
    if (sinks_apply(yard->sinks, config, &err) != 0) {
        fail_msg("%s", err.message);
    }
    config_free(config);
    problems_fini(&problems);
}

static inline void yard_start(struct yard *yard, const char *text)
{
    yard_apply(yard, text);
    history_sinks_opened(yard->place.history);
    sinks_start(yard->sinks);
    yard_run(yard, 0);
}

static inline void yard_stopped(void *ctx)
{
    ((struct yard *)ctx)->stopped = true;
}

/* As the gateway stops. */
static inline void yard_stop(struct yard *yard)
{
    sinks_stop(yard->sinks, yard_stopped, yard);
    yard_run(yard, 0);
    for (int i = 0; i < 120 && !yard->stopped; i++) {
        yard_run(yard, 50000);
    }
    assert_true(yard->stopped);
    sinks_free(yard->sinks);
    jobs_drain(yard->loop);
    loop_free(yard->loop);
    yard->sinks = NULL;
}

static inline void yard_sleep(struct yard *yard)
{
    yard_stop(yard);
    place_close(&yard->place);
}

static inline void yard_close(struct yard *yard)
{
    yard_stop(yard);
    place_remove(&yard->place);
    busbar_free(fake.samples);
    fake.samples = NULL;
}

/* `records` records of one sample of each series from 1 to `series`, then tells the sinks. */
static inline void yard_append(struct yard *yard, uint32_t series, int records)
{
    for (int i = 0; i < records; i++) {
        struct sample samples[9];
        yard->next_time++;
        for (uint32_t s = 0; s < series; s++) {
            samples[s] = place_number(s + 1, YARD_NOW + yard->next_time, (double)i);
            samples[s].receive_us = clock_wall_us();
        }
        assert_int_equal(place_append(&yard->place, samples, series), 0);
    }
    sinks_committed(yard->sinks);
}

static inline struct sink_status yard_status(struct yard *yard)
{
    struct sink_status status;
    assert_true(sinks_status_at(yard->sinks, 0, &status));
    return status;
}

/* Each sample of `series` series up to `last` is there once, each series in its order. `without`: a series that has
 * none. */
static inline void fake_assert_once(uint32_t series, int64_t last, uint32_t without)
{
    int64_t next[10] = { 0 };
    for (size_t i = 0; i < fake.sample_count; i++) {
        const struct fake_sample *sample = &fake.samples[i];
        assert_true(sample->series <= series && sample->series != without);
        assert_int_equal(sample->time_us, YARD_NOW + ++next[sample->series]);
    }
    for (uint32_t s = 1; s <= series; s++) {
        assert_int_equal(next[s], s != without ? last : 0);
    }
}

#endif
