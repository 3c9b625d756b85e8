/* SPDX-License-Identifier: Apache-2.0 */
#include "net/lane.h"

#include <stdbool.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/list.h"

struct lane {
    struct loop *loop;
    struct list line; /* struct lane_job */
    size_t running, running_max;
    size_t waiting, waiting_max;
    bool freed; /* by its owner */
};

struct lane_job {
    struct list link;
    struct lane *lane;
    jobs_work_cb work;
    jobs_done_cb done;
    void *ctx;
};

struct lane *lane_new(struct loop *loop, size_t running_max, size_t waiting_max)
{
    struct lane *lane = busbar_alloc(sizeof(*lane));
    *lane = (struct lane){ .loop = loop, .running_max = running_max, .waiting_max = waiting_max };
    list_init(&lane->line);
    return lane;
}

static void on_work(void *ctx)
{
    struct lane_job *job = ctx;
    job->work(job->ctx);
}

static void on_done(void *ctx, int error);

static void run_next(struct lane *lane)
{
    while (lane->running < lane->running_max && !list_empty(&lane->line)) {
        struct lane_job *job = list_entry(list_shift(&lane->line), struct lane_job, link);
        lane->waiting--;
        lane->running++;
        jobs_submit(lane->loop, on_work, on_done, job);
    }
}

static void on_done(void *ctx, int error)
{
    struct lane_job *job = ctx;
    struct lane *lane = job->lane;
    lane->running--;
    run_next(lane);
    if (lane->freed && lane->running == 0) {
        busbar_free(lane);
    }
    job->done(job->ctx, error);
    busbar_free(job);
}

int lane_submit(struct lane *lane, jobs_work_cb work, jobs_done_cb done, void *ctx)
{
    if (lane->running >= lane->running_max && lane->waiting >= lane->waiting_max) {
        return BUSBAR_EBUSY;
    }
    struct lane_job *job = busbar_alloc(sizeof(*job));
    *job = (struct lane_job){ .lane = lane, .work = work, .done = done, .ctx = ctx };
    list_init(&job->link);
    list_append(&lane->line, &job->link);
    lane->waiting++;
    run_next(lane);
    return 0;
}

size_t lane_running(const struct lane *lane)
{
    return lane->running;
}

size_t lane_waiting(const struct lane *lane)
{
    return lane->waiting;
}

void lane_free(struct lane *lane)
{
    struct list *first;
    if (lane == NULL) {
        return;
    }
    while ((first = list_shift(&lane->line)) != NULL) {
        struct lane_job *job = list_entry(first, struct lane_job, link);
        lane->waiting--;
        job->done(job->ctx, BUSBAR_ECANCELED);
        busbar_free(job);
    }
    lane->freed = true;
    if (lane->running == 0) {
        busbar_free(lane);
    }
}
