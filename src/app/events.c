/* SPDX-License-Identifier: Apache-2.0 */
/* One job at a time: steps of the journal until nothing is new, now and then the mark and the upkeep. What came into the
 * journal is told to the server with its ids, the newest of a flood only: who looks at the list sees the rest. */
#include "app/events.h"

#include <stdatomic.h>

#include "app/gateway.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "history/journal.h"
#include "net/jobs.h"

enum { TICK_MS = 2000, TOLD_MAX = 500, TOLD_BYTES = 1024 * 1024 };
#define MARK_EVERY_US (INT64_C(60) * 1000000)
#define TRIM_EVERY_US (INT64_C(3600) * 1000000)
#define TRIM_AGAIN_US (INT64_C(10) * 1000000)

struct told {
    uint64_t id;
    size_t offset, size;
};

struct events {
    struct gateway *gw;
    struct history_journal *journal;
    struct timer timer;
    bool started, running, again;
    atomic_bool stop;
    uint64_t seen; /* events on disk when the last job began */
    struct events_status status;

    /* the job's own */
    struct state *state;
    int64_t keep_us;
    int64_t marked_us, trim_us; /* monotonic */
    struct events_status found;
    struct buf bytes;
    struct told told[TOLD_MAX];
    size_t told_count;
};

int events_open(struct gateway *gw, struct err *err)
{
    struct events *events = busbar_alloc(sizeof(*events));
    gw->events = events;
    events->gw = gw;
    events->state = gw->state;
    atomic_init(&events->stop, false);
    buf_init(&events->bytes, TOLD_BYTES);
    return history_journal_new(gw->history, gw->state, &events->journal, err);
}

/* ---- the job ---- */

static void keep_told(struct events *events, const struct history_journal_step *step)
{
    for (size_t i = 0; i < step->count; i++) {
        const struct bytes *event = &step->events[i].event;
        size_t size = bytes_left(event);
        if (events->told_count == TOLD_MAX || events->bytes.size + size > TOLD_BYTES) {
            events->told_count = 0; /* a flood: the newest are enough */
            buf_clear(&events->bytes);
        }
        if (buf_append(&events->bytes, event->at, size) == 0) {
            events->told[events->told_count++] = (struct told){ .id = step->events[i].id,
                                                                .offset = events->bytes.size - size,
                                                                .size = size };
        }
    }
}

static int read_log(struct events *events)
{
    int64_t now_us = clock_mono_us();
    bool keep_mark = now_us - events->marked_us >= MARK_EVERY_US;
    struct history_journal_step step = { .more = true };
    int error = 0;
    while (error == 0 && step.more && !atomic_load(&events->stop)) {
        error = history_journal_step(events->journal, keep_mark, &step);
        keep_told(events, &step);
        events->found.lost = step.lost;
    }
    if (keep_mark && error == 0) {
        events->marked_us = now_us;
    }
    return error;
}

static int trim(struct events *events)
{
    int64_t now_us = clock_mono_us();
    uint64_t removed = 0;
    if (now_us < events->trim_us) {
        return 0;
    }
    int64_t before_us = events->keep_us < 0 ? INT64_MIN : clock_wall_us() - events->keep_us;
    int error = state_events_trim(events->state, before_us, &removed);
    events->trim_us = now_us + (removed > 0 ? TRIM_AGAIN_US : TRIM_EVERY_US);
    return error;
}

static void work(void *ctx)
{
    struct events *events = ctx;
    struct state_event_counts counts;
    int error = read_log(events);
    error = error == 0 ? trim(events) : error;
    if (state_event_counts(events->state, &counts) == 0) {
        events->found.open = counts.open;
        events->found.kept = counts.last > 0 ? counts.last - counts.first + 1 : 0;
    }
    events->found.error = error;
}

/* ---- the loop ---- */

static void tell(struct events *events)
{
    struct event_decoded *decoded = busbar_alloc(sizeof(*decoded));
    for (size_t i = 0; i < events->told_count; i++) {
        const struct told *told = &events->told[i];
        struct bytes in = bytes_of(events->bytes.data + told->offset, told->size);
        if (event_decode(&in, decoded) == 0) {
            const struct event *event = &decoded->event;
            struct state_event row = { .id = told->id,
                                       .event = event,
                                       .latest = event->key[0] != '\0',
                                       .open = event->ack_wanted,
                                       .acked_by = "",
                                       .note = "",
                                       .result = "" };
            server_tell_event(events->gw->server, &row);
            event_decoded_fini(decoded);
        }
    }
    busbar_free(decoded);
    events->told_count = 0;
    buf_clear(&events->bytes);
}

static void say(const struct events *events)
{
    int before = events->status.error;
    int now = events->found.error;
    if (now != 0 && now != before) {
        busbar_log(LOG_LEVEL_ERROR, "events", NULL, "cannot write the journal, events wait: %s",
                   err_text(now));
    } else if (now == 0 && before != 0) {
        busbar_log(LOG_LEVEL_INFO, "events", NULL, "the journal is written again");
    }
    if (events->found.lost > events->status.lost) {
        busbar_log(LOG_LEVEL_ERROR, "events", NULL,
                   "%llu log records were gone before the journal had read them",
                   (unsigned long long)(events->found.lost - events->status.lost));
    }
}

static void submit(struct events *events);

static void worked(void *ctx, int error)
{
    struct events *events = ctx;
    events->running = false;
    if (error == 0) {
        say(events);
        events->status = events->found;
    }
    if (atomic_load(&events->stop)) {
        return;
    }
    tell(events);
    if (events->again) {
        submit(events);
    }
}

static void submit(struct events *events)
{
    events->running = true;
    events->again = false;
    events->keep_us = events->gw->events_keep_us;
    events->seen = history_events_committed(events->gw->history);
    jobs_submit(events->gw->loop, work, worked, events);
}

static void on_tick(struct timer *timer, void *ctx)
{
    struct events *events = ctx;
    (void)timer;
    if (!events->running) {
        submit(events);
    }
}

void events_start(struct gateway *gw)
{
    struct events *events = gw->events;
    events->started = true;
    timer_init(&events->timer, gw->loop, on_tick, events);
    timer_start(&events->timer, 0, TICK_MS);
}

void events_committed(struct gateway *gw)
{
    struct events *events = gw->events;
    if (events == NULL || !events->started || atomic_load(&events->stop) ||
        history_events_committed(gw->history) == events->seen) {
        return;
    }
    if (events->running) {
        events->again = true;
    } else {
        submit(events);
    }
}

void events_status(const struct gateway *gw, struct events_status *status)
{
    *status = gw->events->status;
}

void events_stop(struct gateway *gw)
{
    struct events *events = gw->events;
    if (events != NULL && !atomic_exchange(&events->stop, true) && events->started) {
        timer_stop(&events->timer);
    }
}

void events_close(struct gateway *gw)
{
    struct events *events = gw->events;
    if (events == NULL) {
        return;
    }
    history_journal_free(events->journal);
    buf_fini(&events->bytes);
    busbar_free(events);
    gw->events = NULL;
}
