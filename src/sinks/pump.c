/* SPDX-License-Identifier: Apache-2.0 */
/* Which batch is read, encoded and sent next; what becomes of it. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "sinks/machine.h"

enum { MEMORY_MS = 1000 }; /* no memory, or the log cannot be read: the next try */

static struct load *first_of(struct sink *sink)
{
    return list_empty(&sink->queue) ? NULL : list_entry(sink->queue.next, struct load, link);
}

static bool keeps_place(const struct sink *sink)
{
    return (sink->ops->flags & SINK_KEEPS_PLACE) != 0;
}

/* ---- what is sent again at a person's wish ---- */

static size_t push_count(const struct sink_push *push)
{
    return push->sample_count + push->event_count;
}

static void end_push(struct sink_push *push, int error)
{
    list_remove(&push->link);
    push->done(push, error);
}

void sink_push(struct sink *sink, struct sink_push *push)
{
    push->acknowledged = 0;
    push->loaded = false;
    list_append(&sink->pushes, &push->link);
    if (!sink_wanted(sink)) {
        end_push(push, BUSBAR_ECANCELED);
        return;
    }
    sink_pump(sink);
}

static bool in_queue(struct sink *sink, const struct sink_push *push)
{
    list_each(at, &sink->queue) {
        if (list_entry(at, struct load, link)->push == push) {
            return true;
        }
    }
    return false;
}

/* Its loads that no job has and that are not being sent. */
static void drop_loads(struct sink *sink, struct sink_push *push)
{
    for (struct list *at = sink->queue.next, *next; at != &sink->queue; at = next) {
        struct load *load = list_entry(at, struct load, link);
        next = at->next;
        if (load->push == push && load == sink->making) {
            load->dead = true;
        } else if (load->push == push && load != sink->sending) {
            sink_remove_load(sink, load);
        }
    }
}

void sink_push_cancel(struct sink *sink, struct sink_push *push)
{
    bool waits = !in_queue(sink, push);
    push->canceled = true;
    if (waits) {
        end_push(push, BUSBAR_ECANCELED);
    } else {
        drop_loads(sink, push); /* the last of them ends it */
    }
}

void sink_cancel_pushes(struct sink *sink)
{
    struct list *next;
    for (struct list *at = sink->pushes.next; at != &sink->pushes; at = next) {
        struct sink_push *push = list_entry(at, struct sink_push, link);
        next = at->next;
        if (!push->canceled) {
            sink_push_cancel(sink, push);
        }
    }
}

static void push_went_on(struct sink *sink, struct sink_push *push, size_t count)
{
    push->acknowledged += count;
    if (push->acknowledged == push_count(push)) {
        end_push(push, 0);
    } else if (push->canceled && !in_queue(sink, push)) {
        end_push(push, BUSBAR_ECANCELED);
    }
}

/* What is left of it. */
static void fill_push(struct load *load, struct sink_push *push)
{
    size_t done = push->acknowledged;
    size_t samples = done < push->sample_count ? done : push->sample_count, events = done - samples;
    load->push = push;
    load->first = samples;
    load->first_event = events;
    load->batch.origin = push->origin;
    load->batch.samples = push->samples + samples;
    load->batch.sample_count = push->sample_count - samples;
    load->batch.events = push->events != NULL ? push->events + events : NULL;
    load->batch.event_count = push->event_count - events;
    push->loaded = true;
}

/* ---- the queue ---- */

/* What its push comes to is the caller's. */
static void take_out(struct sink *sink, struct load *load)
{
    struct load_memory *memory = load->memory;
    struct sink_push *push = load->push;
    if (memory->users == 1 && memory->fresh_count > 0 && !memory->told) {
        sink->tell_anew = true; /* the target never heard of them */
    }
    list_remove(&load->link);
    sink->queued--;
    sink_load_free(sink, load);
    if (push != NULL) {
        push->loaded = in_queue(sink, push);
    }
}

void sink_remove_load(struct sink *sink, struct load *load)
{
    struct sink_push *push = load->push;
    take_out(sink, load);
    if (push != NULL && push->canceled && !push->loaded) {
        end_push(push, BUSBAR_ECANCELED);
    }
}

/* Forgets a load; one that a job has goes when the job has ended. */
static void forget(struct sink *sink, struct load *load)
{
    if (load == sink->making) {
        load->dead = true;
    } else {
        sink_remove_load(sink, load);
    }
}

static void seek(struct sink *sink, struct sink_place place)
{
    sink->seek = true;
    sink->seek_to = place;
    sink->more = true;
}

bool sink_has_parts(struct sink *sink)
{
    list_each(at, &sink->queue) {
        if (list_entry(at, struct load, link)->part) {
            return true;
        }
    }
    return false;
}

void sink_forget(struct sink *sink)
{
    if (sink_has_parts(
            sink)) { /* which samples of the log each covers is known of all together only */
        sink_count_again(sink);
    }
    sink->sending = NULL;
    for (struct list *at = sink->queue.next, *next; at != &sink->queue; at = next) {
        next = at->next;
        forget(sink, list_entry(at, struct load, link));
    }
    sink->tell_anew = true;
    seek(sink, sink->place);
}

void sink_forget_behind(struct sink *sink, struct load *load)
{
    bool first = true;
    for (struct list *at = load->link.next, *next; at != &sink->queue; at = next) {
        struct load *behind = list_entry(at, struct load, link);
        next = at->next;
        if (behind->push != NULL || behind->part) { /* parts have all facts that they need */
            continue;
        }
        if (first && !behind->mark) {
            seek(sink, behind->batch.from);
            first = false;
        }
        forget(sink, behind);
    }
}

static void add_load(struct sink *sink, struct load *load)
{
    list_append(&sink->queue, &load->link);
    sink->queued++;
}

/* ---- acknowledged ---- */

static void note_kept(struct sink *sink)
{
    if (!keeps_place(sink)) {
        return;
    }
    sink->kept = (struct sink_kept){ .known = true,
                                     .place = sink->place,
                                     .published = sink->counts.published,
                                     .released = sink->counts.released,
                                     .events = sink->counts.events,
                                     .events_released = sink->counts.events_released };
    sink->durable = sink->place;
    sink->kept_since_us = clock_mono_us();
    sink_hold_log(sink);
}

void sink_passed(struct sink *sink, uint64_t samples)
{
    sink->left -= (int64_t)samples;
    sink->passed += samples;
}

/* The log is done with up to the end of it. */
static void pass_load(struct sink *sink, const struct load *load)
{
    if (load->push == NULL) {
        sink->place = load->batch.to;
        sink_passed(sink, load->passed);
        if (load->lost > 0) {
            sink->lost += load->lost;
            sink_tell(sink, "lost", EVENT_HIGH,
                      "%llu records of the log were damaged or gone before they were published",
                      (unsigned long long)load->lost);
        }
    }
    sink->oldest_us = INT64_MAX;
    sink_save_soon(sink);
}

void sink_add_counts(struct sink_counts *counts, const struct sink_batch *batch)
{
    if (batch->origin == SINK_BATCH_AGAIN) {
        return;
    }
    counts->published += batch->sample_count;
    counts->events += batch->event_count;
    if (batch->origin == SINK_BATCH_ASIDE) {
        counts->aside -= batch->sample_count;
        counts->events_aside -= batch->event_count;
    }
}

void sink_acknowledge(struct sink *sink, struct load *load, uint64_t repeated)
{
    struct sink_push *push = load->push;
    size_t count = sink_load_count(load);
    sink_add_counts(&sink->counts, &load->batch);
    if (load->batch.origin != SINK_BATCH_AGAIN) {
        sink->counts.repeated += repeated;
    }
    load->memory->told = true;
    pass_load(sink, load);
    note_kept(sink);
    sink->batches++;
    sink->published_us = clock_wall_us();
    sink_rate_add(sink, load->batch.sample_count);
    take_out(sink, load);
    if (push != NULL) {
        push_went_on(sink, push, count);
    }
}

/* ---- dividing ---- */

void sink_divide(struct sink *sink, struct load *load, size_t index, const struct err *err)
{
    size_t count = sink_load_count(load);
    struct load *bad = load;
    int error = 0;
    sink_forget_behind(sink, load);
    if (count > 1 && index < count) {
        size_t rank = sink_load_rank(load, index);
        error = rank + 1 < count ? sink_load_cut(sink, load, rank + 1) : 0;
        if (error == 0 && rank > 0) {
            error = sink_load_cut(sink, load, rank);
            bad = list_entry(load->link.next, struct load, link);
        }
    } else if (count > 1) {
        error = sink_load_cut(sink, load, count / 2);
        bad = NULL;
    }
    if (error != 0) {
        sink_break(sink, error, "no memory to divide a batch");
        return;
    }
    if (bad != NULL) {
        bad->stage = LOAD_REFUSED;
        bad->err = *err;
    }
}

/* The first of the queue is refused for good, and alone. */
static void put_aside(struct sink *sink, struct load *load)
{
    struct sink_push *push = load->push;
    if (push == NULL) {
        sink_set_aside(sink, load, &load->err);
        return;
    }
    struct err err = load->err;
    size_t index = load->batch.sample_count > 0 ? load->first
                                                : push->sample_count + load->first_event;
    take_out(sink, load);
    push->refused(push, index, &err);
    push_went_on(sink, push, 1);
}

/* ---- jobs ---- */

static int encode(struct sink *sink, struct load *load)
{
    int error = sink_facts_labels(sink, load);
    buf_clear(&load->bytes);
    return error == 0 ? sink->ops->encode(sink->target, &load->batch, &load->bytes, &load->err)
                      : error;
}

static void run_read(struct sink_work *work)
{
    struct sink *sink = work->sink;
    struct load *load = sink->making;
    struct sink_reader *reader = &sink->reader;
    sink->reading.encoded = false;
    if (sink->reading.tell_anew) {
        sink_told_fini(&reader->told);
    }
    if (load->push != NULL) {
        load->error = sink_note_fresh(reader, load);
    } else {
        if (sink->reading.seek) {
            sink_reader_seek(reader, sink->reading.seek_to);
        }
        sink_read(reader, load, &sink->reading);
    }
    if (load->error == 0 && sink_load_count(load) > 0 && load->memory->fresh_count == 0) {
        sink->reading.encoded = true;
        load->error = encode(sink, load);
    }
}

static void run_encode(struct sink_work *work)
{
    struct load *load = work->sink->making;
    load->error = encode(work->sink, load);
}

static void encoded(struct sink *sink, struct load *load)
{
    struct err err = load->err;
    if (load->error == 0) {
        load->stage = LOAD_READY;
    } else if (load->error == BUSBAR_ELIMIT) {
        if (err.message[0] == '\0') {
            (void)err_set(&err, BUSBAR_ELIMIT, "it is too big for the target");
        }
        load->error = 0;
        load->err = (struct err){ 0 };
        sink_divide(sink, load, SIZE_MAX, &err);
    } else {
        sink_break(sink, load->error,
                   err.message[0] != '\0' ? err.message : "a batch cannot be encoded");
    }
}

static void on_encoded(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    struct load *load = sink->making;
    sink->making = NULL;
    load->error = error != 0 ? error : load->error;
    if (load->dead) {
        sink_remove_load(sink, load);
    } else {
        encoded(sink, load);
    }
    sink_pump(sink);
}

static void read_failed(struct sink *sink, struct load *load)
{
    if (load->push == NULL) {
        seek(sink, load->batch.from);
        sink->more = false;
    }
    sink->tell_anew = true;
    sink_remove_load(sink, load);
    timer_start(&sink->company, MEMORY_MS, 0);
}

static void on_read(struct sink_work *work, int error)
{
    struct sink *sink = work->sink;
    struct load *load = sink->making;
    sink->making = NULL;
    load->error = error != 0 ? error : load->error;
    if (load->push == NULL) {
        sink->left += (int64_t)sink->reading.uncounted;
        sink->reading.uncounted = 0;
    }
    if (load->dead) {
        sink_remove_load(sink, load);
    } else if (sink->reading.encoded) { /* at once: there was nothing to be told */
        sink->more = sink->more && !(load->push == NULL && sink->reading.end);
        encoded(sink, load);
    } else if (load->error != 0) {
        read_failed(sink, load);
    } else if (sink_load_count(load) == 0) {
        sink->more = sink->more && !sink->reading.end;
        load->stage = LOAD_READY;
    } else {
        sink->more = sink->more && !(load->push == NULL && sink->reading.end);
        sink_facts_begin(sink, load);
    }
    sink_pump(sink);
}

static void begin_read(struct sink *sink, struct sink_push *push)
{
    struct load *load = sink_load_new(sink);
    if (load == NULL) {
        sink->more = false;
        timer_start(&sink->company, MEMORY_MS, 0);
        return;
    }
    if (push != NULL) {
        fill_push(load, push);
    } else {
        sink->news = false;
    }
    sink->reading.samples_max = sink->batch;
    sink->reading.tell_anew = sink->tell_anew;
    sink->tell_anew = false;
    if (push == NULL) {
        sink->reading.seek = sink->seek;
        sink->reading.seek_to = sink->seek_to;
        sink->seek = false;
        load->batch.from = sink->reading.seek ? sink->reading.seek_to : sink->reader.at;
    }
    add_load(sink, load);
    sink->making = load;
    sink->read.work = run_read;
    sink->read.done = on_read;
    sink_do(sink, &sink->read);
}

static void begin_encode(struct sink *sink, struct load *load)
{
    sink->making = load;
    sink->encode.work = run_encode;
    sink->encode.done = on_encoded;
    sink_do(sink, &sink->encode);
}

void sink_mark(struct sink *sink)
{
    struct load *load = sink_load_new(sink);
    if (load != NULL) {
        load->mark = true;
        load->stage = LOAD_ENCODING;
        load->batch.from = load->batch.to = sink->place;
        add_load(sink, load);
        sink_pump(sink);
    }
}

/* ---- what is next ---- */

static struct sink_push *next_push(struct sink *sink)
{
    list_each(at, &sink->pushes) {
        struct sink_push *push = list_entry(at, struct sink_push, link);
        if (!push->loaded && !push->canceled) {
            return push;
        }
    }
    return NULL;
}

static void make_next(struct sink *sink)
{
    if (sink->making != NULL) {
        return;
    }
    list_each(at, &sink->queue) {
        struct load *load = list_entry(at, struct load, link);
        if (load->stage == LOAD_ENCODING) {
            begin_encode(sink, load);
            return;
        }
    }
    if (sink->queued >= SINK_LOADS_MAX || sink_has_parts(sink)) {
        return;
    }
    struct sink_push *push = next_push(sink);
    if (push != NULL || sink->more) {
        begin_read(sink, push);
    }
}

/* Sends the first that is ready; one that is empty is done with at once. */
static void send_next(struct sink *sink)
{
    struct load *load;
    while (sink->sending == NULL && sink->stand == STAND_ON && (load = first_of(sink)) != NULL) {
        if (load->stage == LOAD_REFUSED && sink->making == NULL) {
            put_aside(sink, load);
        } else if (load->stage != LOAD_READY) {
            return;
        } else if (sink_load_count(load) == 0 && !load->mark) {
            pass_load(sink, load);
            sink_remove_load(sink, load);
        } else {
            sink->sending = load;
            load->stage = LOAD_SENDING;
            if (load->push != NULL) {
                load->batch.from = load->batch.to = sink->place;
            }
            sink->ops->send(sink->target, &load->batch, &load->bytes);
        }
    }
}

void sink_pump(struct sink *sink)
{
    if (!sink_wanted(sink)) {
        sink_end_step(sink);
        if (sink->letting_go) { /* of one that is paused, too */
            sink_quota_step(sink);
        }
    } else if (sink->letting_go) {
        sink_quota_step(sink);
    } else if (sink->stand == STAND_ON) {
        send_next(sink);
        make_next(sink);
        send_next(sink);
    } else if (sink->stand == STAND_OFF) {
        sink_try(sink);
    }
    if (sink->news && sink->making == NULL) {
        sink_news(sink);
    }
    sink_phase(sink);
}
