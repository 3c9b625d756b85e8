/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a sink, one after the other. */
#include "net/jobs.h"
#include "sinks/machine.h"

static void run_next(struct sink *sink);

static void run(void *ctx)
{
    struct sink *sink = ctx;
    sink->working->work(sink->working);
}

static void ran(void *ctx, int error)
{
    struct sink *sink = ctx;
    struct sink_work *work = sink->working;
    work->asked = false;
    work->done(work, error); /* what it asks for comes behind what waits */
    sink->working = NULL;
    run_next(sink);
    if (sink->working == NULL && sink->leaving) {
        sink_pump(sink); /* it may have waited for the last of them */
    }
}

static void run_next(struct sink *sink)
{
    struct list *first = list_shift(&sink->works);
    if (first != NULL) {
        sink->working = list_entry(first, struct sink_work, link);
        jobs_submit(sink->sinks->config.loop, run, ran, sink);
    }
}

void sink_do(struct sink *sink, struct sink_work *work)
{
    work->asked = true;
    work->sink = sink;
    list_append(&sink->works, &work->link);
    if (sink->working == NULL) {
        run_next(sink);
    }
}
