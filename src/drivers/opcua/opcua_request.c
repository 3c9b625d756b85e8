/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the host go to the peer and come back. The peer reads the points and fills the samples of the request
 * itself: the host leaves both alone until driver_done(). */
#include "base/alloc.h"
#include "drivers/opcua/opcua_device.h"

struct opcua_job {
    struct opcua_access access; /* first */
    struct list link;           /* device->jobs or device->spare_jobs */
    struct opcua_device *device;
    struct request *req;
    bool canceled; /* the peer was told so: it may look at the job after its answer */
};

static struct opcua_job *job_of(struct list *at)
{
    return list_entry(at, struct opcua_job, link);
}

/* The texts of its samples live until the host has taken them. */
static void done(void *ctx)
{
    struct opcua_job *job = ctx;
    struct opcua_device *device = job->device;
    struct request *req = job->req;
    struct arena texts = job->access.texts;
    int error = job->access.error;
    if (error == BUSBAR_EREFUSED && req->count > 0) {
        req->samples[0].detail = job->access.detail;
    }
    list_remove(&job->link);
    job->req = NULL;
    if (job->canceled) {
        opcua_thread_do(device->state->thread, busbar_free, job);
    } else {
        list_append(&device->spare_jobs, &job->link);
    }
    driver_done(device->dev, req, error);
    arena_fini(&texts);
}

static void answered_there(struct opcua_access *access)
{
    struct opcua_job *job = (struct opcua_job *)access;
    opcua_thread_tell(job->device->state->thread, done, job);
}

void opcua_request_begin(struct opcua_device *device, struct request *req, bool write)
{
    struct list *spare = list_shift(&device->spare_jobs);
    struct opcua_job *job = spare != NULL ? job_of(spare) : busbar_alloc(sizeof(*job));
    list_init(&job->link);
    job->device = device;
    job->req = req;
    job->access = (struct opcua_access){ .peer = device->peer,
                                         .write = write,
                                         .points = req->points,
                                         .samples = req->samples,
                                         .count = req->count,
                                         .answered = answered_there };
    list_append(&device->jobs, &job->link);
    opcua_thread_do(device->state->thread, opcua_access_begin, &job->access);
}

void opcua_request_cancel(struct opcua_device *device, struct request *req)
{
    list_each(at, &device->jobs) {
        if (job_of(at)->req == req) {
            job_of(at)->canceled = true;
            opcua_thread_do(device->state->thread, opcua_access_cancel, &job_of(at)->access);
            return;
        }
    }
}

void opcua_requests_free(struct opcua_device *device)
{
    struct list *at;
    while ((at = list_shift(&device->spare_jobs)) != NULL) {
        busbar_free(job_of(at));
    }
}
