/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: WriteProperty (clause 15.9), or WritePropertyMultiple (15.10) for several points in one request. Each is
 * sent once; what was lost is not known to be done or not. A release writes NULL at the priority.
 *
 * WritePropertyMultiple is no transaction: the device writes in order and stops at the first that it refuses, so
 * that those before it are written (detail "part written"). */
#include <assert.h>

#include "base/alloc.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/service/error.h"
#include "drivers/bacnet/service/write_property.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/tag.h"

enum { PLACE_WRITE_MULTIPLE = 16 }; /* in Protocol_Services_Supported */

static const struct bacnet_target *target_of(const struct bacnet_job *job, size_t i)
{
    return &bacnet_targets(job->device)[job->req->points[i]];
}

void bacnet_write_cut(struct bacnet_job *job, int error)
{
    list_each_safe(at, &job->device->open) {
        struct bacnet_exchange *exchange = list_entry(at, struct bacnet_exchange, link);
        if (exchange->job == job) {
            bacnet_ask_cancel(&exchange->ask);
            bacnet_exchange_give(exchange);
        }
    }
    job->open = 0;
    bacnet_job_done(job, error);
}

/* ---- the value ---- */

/* The elements to be written for one point. */
static int put_value(const struct bacnet_job *job, size_t i, uint8_t *data, size_t max,
                     struct bacnet_property_value *value)
{
    const struct bacnet_target *target = target_of(job, i);
    const struct driver_write *how = job->req->how;
    const struct bacnet_point *point = &job->device->points[job->req->points[i]];
    const struct bacnet_seen seen = { .type = point->type, .bits = point->bits };
    size_t size = 0;
    int error = 0;
    *value = (struct bacnet_property_value){ .property = target->property,
                                             .index = target->index,
                                             .priority = target->priority };
    if (how != NULL && how->priority != 0) {
        value->priority = how->priority;
    }
    if (how != NULL && how->release) {
        struct bytes_out out = bytes_out_of(data, max);
        bacnet_put_null(&out, BACNET_APPLICATION);
        size = bytes_out_size(&out);
    } else {
        const struct sample *sample = &job->req->samples[i];
        error = bacnet_value_put(target, &seen, sample->type, sample->value, data, max, &size);
    }
    value->value = bytes_of(data, size);
    return error;
}

/* Bytes that the value of a point takes at most, with its tags. */
static size_t value_room(const struct bacnet_job *job, size_t i)
{
    const struct sample *sample = &job->req->samples[i];
    bool text = (job->req->how == NULL || !job->req->how->release) && sample->type == VALUE_TEXT;
    return BACNET_NUMBER_MAX + BACNET_TAG_MAX + (text ? sample->value.text->size + 1 : 0);
}

/* ---- asking ---- */

static void on_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer);

static void send(struct bacnet_exchange *exchange, uint8_t service, size_t size)
{
    exchange->ask.service = service;
    exchange->ask.size = size;
    exchange->ask.retries = 0;
    exchange->ask.answered = on_answered;
    exchange->job->open = 1;
    bacnet_ask(exchange->job->device->peer, &exchange->ask);
}

static int ask_one(struct bacnet_job *job)
{
    struct bacnet_property_value value;
    size_t room = value_room(job, job->point);
    uint8_t *data = busbar_alloc(room);
    int error = put_value(job, job->point, data, room, &value);
    if (error == 0) {
        struct bacnet_exchange *exchange = bacnet_exchange_take(job,
                                                                room + BACNET_WRITE_PROPERTY_MAX);
        struct bytes_out out = bytes_out_of(exchange->data, exchange->capacity);
        bacnet_put_write_property(&out, bacnet_object_of(target_of(job, job->point)->object),
                                  &value);
        send(exchange, BACNET_WRITE_PROPERTY, bytes_out_size(&out));
    }
    busbar_free(data);
    return error;
}

/* All points in one request, in their order. */
static int ask_many(struct bacnet_job *job)
{
    size_t size = 0;
    size_t most = 0;
    int error = 0;
    for (size_t i = 0; i < job->req->count; i++) {
        size_t room = value_room(job, i);
        most = room > most ? room : most;
        size += room + BACNET_WRITE_OBJECT_MAX + BACNET_PROPERTY_VALUE_MAX;
    }
    uint8_t *data = busbar_alloc(most);
    uint8_t *whole = busbar_alloc(size);
    struct bytes_out out = bytes_out_of(whole, size);
    for (size_t i = 0; error == 0 && i < job->req->count; i++) {
        struct bacnet_property_value value;
        error = put_value(job, i, data, most, &value);
        if (error == 0) {
            bacnet_put_write_begin(&out, bacnet_object_of(target_of(job, i)->object));
            bacnet_put_property_value(&out, &value);
            bacnet_put_write_end(&out);
        }
    }
    if (error == 0) {
        struct bacnet_exchange *exchange = bacnet_exchange_take(job, size);
        struct bytes_out to = bytes_out_of(exchange->data, exchange->capacity);
        bytes_put_block(&to, whole, bytes_out_size(&out));
        send(exchange, BACNET_WRITE_PROPERTY_MULTIPLE, bytes_out_size(&to));
    }
    busbar_free(whole);
    busbar_free(data);
    return error;
}

static bool goes_together(const struct bacnet_job *job)
{
    const struct bacnet_device *device = job->device;
    return job->req->count > 1 && job->point == 0 && !device->learnt.no_write_multiple &&
           bacnet_device_knows(device, PLACE_WRITE_MULTIPLE);
}

static void ask_next(struct bacnet_job *job)
{
    int error = goes_together(job) ? ask_many(job) : ask_one(job);
    if (error != 0) { /* a value that cannot be made: nothing of it was sent */
        bacnet_job_done_later(job, error);
    }
}

void bacnet_write_begin(struct bacnet_job *job)
{
    list_append(&job->device->writes, &job->link);
    ask_next(job);
}

/* ---- answers ---- */

/* Which point the device refused first: 0 when it does not say. */
static size_t refused_point(const struct bacnet_job *job, const struct bacnet_answer *answer)
{
    struct bacnet_error_body body;
    struct bytes in = answer->data;
    if (answer->outcome != BACNET_ERRORED ||
        bacnet_get_error(&in, BACNET_WRITE_PROPERTY_MULTIPLE, &body) != 0 || !body.has_object) {
        return 0;
    }
    for (size_t i = 0; i < job->req->count; i++) {
        const struct bacnet_target *target = target_of(job, i);
        if (target->object == bacnet_object_number(body.object) &&
            target->property == body.property && target->index == body.index) {
            return i;
        }
    }
    return 0;
}

static void on_refused(struct bacnet_job *job, bool together, const struct bacnet_answer *answer)
{
    struct bacnet_device *device = job->device;
    uint16_t detail = bacnet_detail_answer(answer);
    if (together && answer->outcome == BACNET_REJECTED &&
        answer->code == BACNET_REJECT_UNRECOGNIZED_SERVICE) {
        bacnet_learn_flag(device, &device->learnt.no_write_multiple, "no WritePropertyMultiple");
        driver_retried(device->dev);
        ask_next(job); /* nothing was done; one after the other */
        return;
    }
    size_t at = together ? refused_point(job, answer) : job->point;
    job->req->samples[at].detail = detail;
    job->req->samples[0].detail = at > 0 ? BACNET_DETAIL_PART_WRITTEN : detail;
    bacnet_job_done(job, BUSBAR_EREFUSED);
}

static void on_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bacnet_exchange *exchange = ask->user;
    struct bacnet_job *job = exchange->job;
    bool together = ask->service == BACNET_WRITE_PROPERTY_MULTIPLE;
    assert(job->open == 1);
    job->open = 0;
    bacnet_exchange_give(exchange);
    switch (answer->outcome) {
    case BACNET_ACKED:
        job->point += together ? job->req->count : 1;
        if (job->point >= job->req->count) {
            bacnet_job_done(job, 0);
        } else {
            ask_next(job);
        }
        break;
    case BACNET_ERRORED:
    case BACNET_REJECTED:
    case BACNET_ABORTED: on_refused(job, together, answer); break;
    default: bacnet_job_done(job, bacnet_outcome_error(answer)); break;
    }
}
