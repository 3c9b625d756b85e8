/* SPDX-License-Identifier: Apache-2.0 */
/* What a target refuses for good. A batch is divided until the one is found, which goes into state.db with the reason,
 * in one transaction with the place behind it: after a crash it is either there, or comes again from the log. */
#include "base/clock.h"
#include "base/str.h"
#include "model/registry.h"
#include "sinks/machine.h"

static void work(struct sink_work *ask)
{
    struct sink *sink = ask->sink;
    struct sink_state_work *aside = &sink->aside;
    aside->error = state_aside_add(sink->env.state, sink->name, &sink->refused, 1, SINK_ASIDE_MAX,
                                   &aside->place, &aside->counts);
}

/* The counts may have changed meanwhile by what a person dropped: what this one adds is added. */
static void count(struct sink *sink)
{
    bool event = bytes_left(&sink->refused.event) > 0;
    bool kept = event ? sink->aside.counts.events_aside > sink->counts.events_aside
                      : sink->aside.counts.aside > sink->counts.aside;
    if (event) {
        sink->counts.events_aside += kept;
        sink->counts.events_released += !kept;
    } else {
        sink->counts.aside += kept;
        sink->counts.released += !kept;
    }
}

static void done(struct sink_work *ask, int error)
{
    struct sink *sink = ask->sink;
    struct load *load = sink->making;
    error = error != 0 ? error : sink->aside.error;
    sink->setting_aside = false;
    sink->making = NULL;
    if (error != 0 && load->dead) {
        sink_remove_load(sink, load);
        sink_pump(sink);
        return;
    }
    if (error != 0) {
        load->stage = LOAD_REFUSED;
        sink_break(sink, error, "what was refused cannot be set aside");
        return;
    }
    count(sink);
    bool dead = load->dead;
    sink_passed(sink, load->passed);
    sink->lost += load->lost;
    sink->place = load->batch.to;
    sink_is_saved(sink, sink->aside.place);
    sink_remove_load(sink, load);
    if (dead) { /* the connection was lost meanwhile: it goes on behind this one */
        sink_forget(sink);
    }
    sink_pump(sink);
}

static const char *path_of(struct sink *sink, uint32_t series)
{
    const struct registry *registry = sink->sinks->config.registry;
    const struct point *pt = registry != NULL ? registry_point_by_id(registry, series) : NULL;
    sink->refused_path[0] = '\0';
    if (pt != NULL) {
        (void)str_format(sink->refused_path, sizeof(sink->refused_path), "%s/%s", pt->device->name,
                         pt->name);
    }
    return sink->refused_path;
}

static void tell(struct sink *sink, const struct state_aside *row, const struct err *err)
{
    int64_t now_us = clock_mono_us();
    if (now_us - sink->aside_told_us < SINK_ASIDE_TELL_US) {
        return;
    }
    sink->aside_told_us = now_us;
    sink_tell(sink, "refused", EVENT_MEDIUM, "%s%s was refused and is set aside: %s",
              row->path[0] != '\0' ? row->path : "something",
              bytes_left(&row->event) > 0 ? " (an event)" : "", err->message);
}

void sink_set_aside(struct sink *sink, struct load *load, const struct err *err)
{
    const struct sink_batch *batch = &load->batch;
    bool event = batch->sample_count == 0;
    sink->refused_err = *err;
    sink->refused = (struct state_aside){ .place = { batch->to.sequence, batch->to.taken },
                                          .path = "",
                                          .event = event ? batch->events[0] : bytes_of("", 0),
                                          .reason = sink->refused_err.message,
                                          .since_us = clock_wall_us() };
    /* A part that ends behind what the filter left out: the place of the row is right behind itself. */
    struct sink_place own = event ? load->event_places[0] : load->places[0];
    sink->refused.place = (struct state_sink_place){ own.sequence, own.taken };
    if (!event) {
        sink->refused.sample = batch->samples[0];
        sink->refused.path = path_of(sink, batch->samples[0].point);
    }
    struct sink_counts counts = sink->counts;
    counts.aside += !event;
    counts.events_aside += event;
    sink->aside.place = (struct state_sink_place){ batch->to.sequence, batch->to.taken };
    sink->aside.counts = sink_state_counts(&counts, sink->lost + load->lost);
    sink->aside.work.work = work;
    sink->aside.work.done = done;
    sink->setting_aside = true;
    sink->making = load;
    tell(sink, &sink->refused, err);
    sink_do(sink, &sink->aside.work);
}
