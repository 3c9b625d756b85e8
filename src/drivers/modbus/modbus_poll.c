/* SPDX-License-Identifier: Apache-2.0 */
/* Reads: a request of the host becomes spans, spans become exchanges, answers become samples.
 *
 *   refused, many points   -> cut in two, both halves asked; what is learned changes the next plan
 *   refused, one point     -> that point is bad, with the exception as its detail
 *   lost, some answered    -> asked once more, then its points have no answer
 *   lost, none answered    -> the whole request is: the host has its own retries and back-off
 *   busy                   -> asked again later, one request at a time from then on */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/modbus/modbus_device.h"
#include "drivers/modbus/modbus_value.h"
#include "model/quality.h"

enum { BUSY_FIRST_MS = 50, BUSY_MOST_MS = 1000, LOST_MOST = 2 };

static struct modbus_plan *plan_of(const struct modbus_job *job)
{
    return job->req->plan;
}

static void make_plan(struct modbus_device *device, struct request *req)
{
    struct modbus_plan *plan = req->plan;
    modbus_learn_refresh(device);
    if (plan != NULL && plan->generation == device->learnt.generation) {
        return;
    }
    struct modbus_limits limits;
    modbus_learn_limits(device, &limits);
    uint32_t next = plan != NULL ? plan->next : 0;
    modbus_plan_free(plan);
    plan = modbus_plan_new(modbus_addresses(device), req->points, req->count, &limits);
    plan->generation = device->learnt.generation;
    plan->next = next;
    req->plan = plan;
}

void modbus_poll_begin(struct modbus_device *device, struct request *req)
{
    struct modbus_job *job = modbus_job_take(device, req);
    make_plan(device, req);
    job->skipped_from = UINT32_MAX;
    modbus_plan_skip(plan_of(job), req->samples);
    if (plan_of(job)->span_count == 0) {
        modbus_job_done_later(device, job, 0);
        return;
    }
    list_append(&device->reads, &job->link);
    modbus_client_wake(&device->user);
}

/* ---- what is asked next ---- */

static void ask_again(struct modbus_job *job, const struct modbus_span *span)
{
    if (job->again_count == job->again_capacity) {
        job->again_capacity = job->again_capacity == 0 ? 16 : job->again_capacity * 2;
        job->again = busbar_realloc(job->again, job->again_capacity * sizeof(*job->again));
    }
    job->again[job->again_count++] = *span;
}

/* Spans of a plan are given out from where the last poll was cut off, and round. */
static const struct modbus_span *plan_span(const struct modbus_job *job, uint32_t number)
{
    const struct modbus_plan *plan = plan_of(job);
    return &plan->spans[(plan->next + number) % plan->span_count];
}

static bool take_span(struct modbus_job *job, struct modbus_span *span)
{
    if (job->again_count > 0) {
        *span = job->again[--job->again_count];
        return true;
    }
    if (job->given < plan_of(job)->span_count) {
        *span = *plan_span(job, job->given++);
        return true;
    }
    return false;
}

bool modbus_poll_next(struct modbus_device *device, struct modbus_exchange *exchange)
{
    list_each(at, &device->reads) {
        struct modbus_job *job = list_entry(at, struct modbus_job, link);
        if (!take_span(job, &exchange->span)) {
            continue;
        }
        exchange->ask.function = modbus_table_function(exchange->span.table);
        exchange->ask.address = exchange->span.start;
        exchange->ask.count = exchange->span.count;
        exchange->unit = device->config.unit;
        exchange->timeout_us = device->config.timeout_us;
        exchange->job = job;
        job->open++;
        return true;
    }
    return false;
}

/* ---- the end ---- */

static bool all_done(const struct modbus_job *job)
{
    return job->open == 0 && job->again_count == 0 && job->given == plan_of(job)->span_count;
}

static void end(struct modbus_device *device, struct modbus_job *job)
{
    struct modbus_plan *plan = plan_of(job);
    if (job->skipped_from != UINT32_MAX) {
        plan->next = (plan->next + job->skipped_from) % plan->span_count;
    } else {
        plan->next = 0;
    }
    modbus_job_done(device, job, job->answered > 0 ? 0 : job->error);
}

/* What is not asked or not answered yet gets no value. */
static void fail_rest(struct modbus_device *device, struct modbus_job *job, uint8_t quality,
                      uint16_t detail)
{
    struct modbus_plan *plan = plan_of(job);
    struct modbus_span span;
    struct modbus_span open[MODBUS_IN_FLIGHT_MAX];
    while (take_span(job, &span)) {
        modbus_plan_fail(plan, &span, quality, detail, job->req->samples);
    }
    unsigned count = modbus_client_forget(&device->user, job, open);
    for (unsigned i = 0; i < count; i++) {
        modbus_plan_fail(plan, &open[i], quality, detail, job->req->samples);
    }
    job->open = 0;
}

void modbus_poll_cut(struct modbus_device *device, struct modbus_job *job, uint8_t quality,
                     int error)
{
    job->error = error;
    if (job->answered > 0) {
        uint32_t open = job->open;
        job->skipped_from = job->given > open ? job->given - open : 0;
    }
    fail_rest(device, job, quality, MODBUS_DETAIL_LOST);
    if (error == BUSBAR_ECANCELED) {
        modbus_job_done(device, job, error);
    } else {
        end(device, job);
    }
}

/* ---- answers ---- */

static void retry(struct modbus_device *device, struct modbus_job *job,
                  const struct modbus_span *span)
{
    ask_again(job, span);
    driver_retried(device->dev);
    modbus_client_wake(&device->user);
}

/* No sound answer: time ran out, it did not fit, or the connection ended. */
static void on_lost(struct modbus_device *device, struct modbus_job *job,
                    const struct modbus_exchange *exchange, int error)
{
    struct modbus_span span = exchange->span;
    if (error == BUSBAR_ETIMEOUT && exchange->crowded) {
        retry(device, job, &span);
        return;
    }
    bool timed_out = error == BUSBAR_ETIMEOUT;
    if (span.tries == 0 && (!timed_out || job->answered > 0)) {
        span.tries++;
        retry(device, job, &span);
        return;
    }
    modbus_plan_fail(plan_of(job), &span, QUALITY_NO_ANSWER,
                     error == BUSBAR_EPROTO ? MODBUS_DETAIL_BROKEN : MODBUS_DETAIL_LOST,
                     job->req->samples);
    job->lost++;
    job->error = error;
    if (job->answered == 0 || job->lost >= LOST_MOST) {
        fail_rest(device, job, QUALITY_NO_ANSWER, MODBUS_DETAIL_LOST);
    }
}

static void on_data(struct modbus_device *device, struct modbus_job *job,
                    const struct modbus_exchange *exchange, const struct modbus_reply *reply)
{
    const struct modbus_span *span = &exchange->span;
    job->answered++;
    modbus_plan_decode(plan_of(job), span, modbus_addresses(device), job->req->points, reply->data,
                       job->req->samples);
    modbus_learn_answered(device, span);
    if (span->origin > 0) {
        struct modbus_split *split = &job->splits[span->origin - 1];
        if (++split->good == 2) {
            modbus_learn_split(device, split);
        }
    }
}

/* Cuts a refused span in two; false when it is one point. */
static bool split_span(struct modbus_device *device, struct modbus_job *job,
                       const struct modbus_span *span, uint8_t exception)
{
    struct modbus_span left;
    struct modbus_span right;
    if (!modbus_plan_split(plan_of(job), span, modbus_addresses(device), job->req->points, &left,
                           &right)) {
        return false;
    }
    left.origin = right.origin = 0;
    left.tries = right.tries = 0;
    if (job->split_count < MODBUS_SPLITS_MAX) {
        if (job->split_count == job->split_capacity) {
            job->split_capacity = job->split_capacity == 0 ? 16 : job->split_capacity * 2;
            job->splits = busbar_realloc(job->splits, job->split_capacity * sizeof(*job->splits));
        }
        job->splits[job->split_count++] = (struct modbus_split){ .whole = *span,
                                                                 .left_end = (uint16_t)(left.start +
                                                                                        left.count),
                                                                 .right_start = right.start,
                                                                 .exception = exception };
        left.origin = right.origin = (uint8_t)job->split_count;
    }
    ask_again(job, &right);
    retry(device, job, &left);
    return true;
}

static void on_refused(struct modbus_device *device, struct modbus_job *job,
                       const struct modbus_span *span, uint8_t exception)
{
    bool narrow = exception == MODBUS_EXCEPTION_ADDRESS || exception == MODBUS_EXCEPTION_VALUE;
    job->answered++;
    if (narrow && split_span(device, job, span, exception)) {
        return;
    }
    modbus_plan_fail(plan_of(job), span, QUALITY_REFUSED, exception, job->req->samples);
    if (narrow) {
        modbus_learn_refused(device, span, exception);
    } else if (exception == MODBUS_EXCEPTION_FUNCTION) {
        modbus_learn_table(device, span->table, exception);
    }
}

static void on_busy(struct modbus_device *device, struct modbus_job *job,
                    const struct modbus_span *span, uint8_t exception)
{
    if (exception == MODBUS_EXCEPTION_BUSY) {
        modbus_client_crowded(device->client);
    }
    if (++job->busy > MODBUS_BUSY_MAX) {
        job->answered++;
        modbus_plan_fail(plan_of(job), span, QUALITY_REFUSED, exception, job->req->samples);
        return;
    }
    int64_t wait_ms = (int64_t)BUSY_FIRST_MS << (job->busy < 6 ? job->busy : 5);
    modbus_client_hold(&device->user,
                       (wait_ms < BUSY_MOST_MS ? wait_ms : BUSY_MOST_MS) * CLOCK_US_PER_MS);
    retry(device, job, span);
}

/* The gateway answers, the unit behind it does not: nothing came from the device. No error of the whole request, so
 * that the points keep the exception as their detail. */
static void on_gateway(struct modbus_device *device, struct modbus_job *job,
                       const struct modbus_span *span, uint8_t exception)
{
    job->lost++;
    modbus_plan_fail(plan_of(job), span, QUALITY_NO_ANSWER, exception, job->req->samples);
    if (job->answered == 0 || job->lost >= LOST_MOST) {
        fail_rest(device, job, QUALITY_NO_ANSWER, exception);
    }
}

static void on_exception(struct modbus_device *device, struct modbus_job *job,
                         const struct modbus_span *span, uint8_t exception)
{
    switch (exception) {
    case MODBUS_EXCEPTION_ACKNOWLEDGE:
    case MODBUS_EXCEPTION_BUSY: on_busy(device, job, span, exception); break;
    case MODBUS_EXCEPTION_GATEWAY_PATH:
    case MODBUS_EXCEPTION_GATEWAY_TARGET: on_gateway(device, job, span, exception); break;
    default: on_refused(device, job, span, exception); break;
    }
}

void modbus_poll_answered(struct modbus_device *device, const struct modbus_exchange *exchange,
                          int error, const struct modbus_reply *reply)
{
    struct modbus_job *job = exchange->job;
    assert(job->open > 0);
    job->open--;
    if (error != 0) {
        on_lost(device, job, exchange, error);
    } else if (reply->exception != 0) {
        on_exception(device, job, &exchange->span, reply->exception);
    } else {
        on_data(device, job, exchange, reply);
    }
    if (all_done(job)) {
        end(device, job);
    }
}
