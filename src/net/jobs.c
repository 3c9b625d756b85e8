/* SPDX-License-Identifier: Apache-2.0 */
/* One request of libuv's thread pool a job. */
#include "net/jobs.h"

#include <assert.h>

#include "base/alloc.h"
#include "net/loop_private.h"

struct job {
    uv_work_t request;
    struct loop *loop;
    jobs_work_cb work;
    jobs_done_cb done;
    void *ctx;
};

static void on_work(uv_work_t *request)
{
    struct job *job = request->data;
    job->work(job->ctx);
}

static void on_done(uv_work_t *request, int status)
{
    struct job *job = request->data;
    struct loop *loop = job->loop;
    loop->jobs--;
    loop_enter(loop);
    job->done(job->ctx, loop_error(status));
    loop_leave(loop);
    busbar_free(job);
}

void jobs_submit(struct loop *loop, jobs_work_cb work, jobs_done_cb done, void *ctx)
{
    struct job *job = busbar_alloc(sizeof(*job));
    *job = (struct job){ .loop = loop, .work = work, .done = done, .ctx = ctx };
    job->request.data = job;
    loop->jobs++;
    int failed = uv_queue_work(&loop->uv, &job->request, on_work, on_done);
    assert(failed == 0); /* fails only for a missing callback */
    (void)failed;
}

void jobs_drain(struct loop *loop)
{
    while (loop->jobs > 0) {
        loop_turn(loop, true);
    }
}
