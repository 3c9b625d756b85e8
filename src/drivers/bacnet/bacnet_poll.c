/* SPDX-License-Identifier: Apache-2.0 */
/* Reads: a request of the host becomes spans, spans become requests of the device, answers become samples.
 *
 *   acknowledged           each property by itself: a value, or its own error
 *   refused, many          -> cut in two, both halves asked; what is learned changes the next plan
 *   refused, one           -> that point is bad, with the error as its detail
 *   unknown service        -> ReadProperty from now on
 *   lost, some answered    -> asked once more, one at a time from then on; then its points have no answer
 *   lost, none answered    -> the whole request is: the link is down, the host has its own back-off */
#include <assert.h>

#include "base/alloc.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"
#include "model/quality.h"

enum { LOST_MOST = 2 };

static struct bacnet_plan *plan_of(const struct bacnet_job *job)
{
    return job->req->plan;
}

static void on_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer);

/* ---- exchanges ---- */

struct bacnet_exchange *bacnet_exchange_take(struct bacnet_job *job, size_t size)
{
    struct bacnet_device *device = job->device;
    struct list *spare = list_shift(&device->exchanges);
    struct bacnet_exchange *exchange = spare != NULL
                                           ? list_entry(spare, struct bacnet_exchange, link)
                                           : busbar_alloc(sizeof(*exchange));
    if (exchange->capacity < size) {
        exchange->data = busbar_realloc(exchange->data, size);
        exchange->capacity = size;
    }
    exchange->job = job;
    exchange->ask.data = exchange->data;
    exchange->ask.user = exchange;
    exchange->ask.timeout_us = device->config.timeout_us;
    exchange->ask.urgent = job->write;
    list_append(&device->open, &exchange->link);
    return exchange;
}

void bacnet_exchange_give(struct bacnet_exchange *exchange)
{
    struct bacnet_device *device = exchange->job->device;
    list_remove(&exchange->link);
    list_append(&device->exchanges, &exchange->link);
}

void bacnet_exchanges_free(struct bacnet_device *device)
{
    struct list *at;
    assert(list_empty(&device->open));
    while ((at = list_shift(&device->exchanges)) != NULL) {
        struct bacnet_exchange *exchange = list_entry(at, struct bacnet_exchange, link);
        busbar_free(exchange->data);
        busbar_free(exchange);
    }
}

/* ---- what is asked next ---- */

static void make_plan(struct bacnet_device *device, struct request *req)
{
    struct bacnet_plan *plan = req->plan;
    bacnet_learn_refresh(device);
    if (plan != NULL && plan->generation == device->learnt.generation) {
        return;
    }
    struct bacnet_limits limits;
    bacnet_learn_limits(device, &limits);
    uint32_t next = plan != NULL ? plan->next : 0;
    bacnet_plan_free(plan);
    plan = bacnet_plan_new(bacnet_targets(device), device->marks, req->points, req->count, &limits);
    plan->generation = device->learnt.generation;
    plan->next = next;
    req->plan = plan;
}

void bacnet_poll_begin(struct bacnet_job *job)
{
    struct bacnet_device *device = job->device;
    make_plan(device, job->req);
    job->skipped_from = UINT32_MAX;
    for (size_t i = 0; i < job->req->count; i++) {
        job->req->samples[i] = (struct sample){ .quality = QUALITY_NOT_YET };
        plan_of(job)->flags[i] = 0;
    }
    if (job->req->count == 0) {
        bacnet_job_done_later(job, 0);
        return;
    }
    list_append(&device->reads, &job->link);
    bacnet_poll_pump(device);
}

static void ask_again(struct bacnet_job *job, const struct bacnet_span *span)
{
    if (job->again_count == job->again_capacity) {
        job->again_capacity = job->again_capacity == 0 ? 16 : job->again_capacity * 2;
        job->again = busbar_realloc(job->again, job->again_capacity * sizeof(*job->again));
    }
    job->again[job->again_count++] = *span;
}

/* Spans of a plan are given out from where the last poll was cut off, and round. */
static bool take_span(struct bacnet_job *job, struct bacnet_span *span)
{
    const struct bacnet_plan *plan = plan_of(job);
    if (job->again_count > 0) {
        *span = job->again[--job->again_count];
    } else if (job->given < plan->span_count) {
        *span = plan->spans[(plan->next + job->given++) % plan->span_count];
    } else {
        return false;
    }
    /* what was planned before many at a time were refused: one after the other */
    if (job->device->learnt.no_multiple && !bacnet_span_is_single(span)) {
        for (uint32_t i = span->piece_end; i > span->piece + 1; i--) {
            struct bacnet_span one = { .piece = i - 1, .piece_end = i };
            ask_again(job, &one);
        }
        *span = (struct bacnet_span){ .piece = span->piece, .piece_end = span->piece + 1 };
    }
    return true;
}

static void ask_span(struct bacnet_job *job, const struct bacnet_span *span)
{
    struct bacnet_device *device = job->device;
    const struct bacnet_plan *plan = plan_of(job);
    size_t room = bacnet_plan_request_size(plan, span) + BACNET_READ_PROPERTY_MAX;
    struct bacnet_exchange *exchange = bacnet_exchange_take(job, room);
    struct bytes_out out = bytes_out_of(exchange->data, exchange->capacity);
    bacnet_plan_put(plan, span, &out);
    exchange->span = *span;
    exchange->ask.service = bacnet_span_is_single(span) ? BACNET_READ_PROPERTY
                                                        : BACNET_READ_PROPERTY_MULTIPLE;
    exchange->ask.size = bytes_out_size(&out);
    exchange->ask.retries = device->config.retries;
    exchange->ask.answered = on_answered;
    job->open++;
    device->open_reads++;
    bacnet_ask(device->peer, &exchange->ask);
}

/* No more than the device gets at a time, so that a write or a test waits for few. */
void bacnet_poll_pump(struct bacnet_device *device)
{
    unsigned window = bacnet_peer_facts(device->peer)->in_flight;
    list_each(at, &device->reads) {
        struct bacnet_job *job = list_entry(at, struct bacnet_job, link);
        struct bacnet_span span;
        while (device->open_reads < window && take_span(job, &span)) {
            ask_span(job, &span);
        }
    }
}

/* ---- the end ---- */

static void check_sample(struct bacnet_job *job, size_t i)
{
    struct bacnet_device *device = job->device;
    struct sample *sample = &job->req->samples[i];
    uint32_t point = job->req->points[i];
    uint8_t flags = plan_of(job)->flags[i];
    if (sample->quality == QUALITY_NOT_YET && sample->detail == 0) {
        *sample = (struct sample){ .quality = QUALITY_DECODE, .detail = BACNET_DETAIL_MISSING };
        return;
    }
    if (sample->quality == QUALITY_NO_ANSWER || sample->quality == QUALITY_REFUSED) {
        return;
    }
    if ((flags & BACNET_PLAN_FLAGS_KNOWN) != 0) {
        bacnet_flags_apply(device, point, flags, sample);
    }
    bacnet_cov_seen(device, point);
    bacnet_cov_check(device, point, sample);
}

static void end(struct bacnet_job *job)
{
    struct bacnet_plan *plan = plan_of(job);
    struct bacnet_device *device = job->device;
    int error = job->answered > 0 ? 0 : job->error;
    plan->next = job->skipped_from != UINT32_MAX
                     ? (plan->next + job->skipped_from) % plan->span_count
                     : 0;
    for (size_t i = 0; error == 0 && i < job->req->count; i++) {
        check_sample(job, i);
    }
    bacnet_job_done(job, error);
    if (device->link == BACNET_LINK_UP) {
        bacnet_poll_pump(device);
    }
}

static void forget_open(struct bacnet_job *job, uint8_t quality, uint16_t detail)
{
    struct bacnet_device *device = job->device;
    list_each_safe(at, &device->open) {
        struct bacnet_exchange *exchange = list_entry(at, struct bacnet_exchange, link);
        if (exchange->job == job) {
            bacnet_ask_cancel(&exchange->ask);
            bacnet_plan_fail(plan_of(job), &exchange->span, quality, detail, job->req->samples);
            bacnet_exchange_give(exchange);
            device->open_reads--;
            job->open--;
        }
    }
}

/* What is not asked or not answered yet gets no value. */
static void fail_rest(struct bacnet_job *job, uint8_t quality, uint16_t detail)
{
    struct bacnet_span span;
    while (take_span(job, &span)) {
        bacnet_plan_fail(plan_of(job), &span, quality, detail, job->req->samples);
    }
    forget_open(job, quality, detail);
}

void bacnet_poll_cut(struct bacnet_job *job, uint8_t quality, uint16_t detail, int error)
{
    job->error = error;
    if (job->answered > 0) {
        job->skipped_from = job->given > job->open ? job->given - job->open : 0;
    }
    fail_rest(job, quality, detail);
    if (error == BUSBAR_ECANCELED) {
        bacnet_job_done(job, error);
    } else {
        end(job);
    }
}

/* ---- values ---- */

static void take_flags(struct bacnet_job *job, const struct bacnet_piece *piece,
                       struct bytes elements)
{
    struct bacnet_value value;
    if (bacnet_get_value(&elements, &value) != 0 || value.type != BACNET_BITS) {
        return;
    }
    plan_of(job)->flags[piece->sample] = BACNET_PLAN_FLAGS_KNOWN | bacnet_value_nibble(&value);
}

static void take_value(struct bacnet_job *job, uint32_t number, struct bytes elements)
{
    struct bacnet_plan *plan = plan_of(job);
    const struct bacnet_piece *piece = &plan->pieces[number];
    struct bacnet_device *device = job->device;
    if (piece->flags) {
        take_flags(job, piece, elements);
        return;
    }
    uint32_t point = job->req->points[piece->sample];
    struct text **text = plan->texts != NULL ? &plan->texts[piece->sample] : NULL;
    struct bacnet_seen seen;
    bacnet_value_get(&bacnet_targets(device)[point], elements, &job->req->samples[piece->sample],
                     text, &seen);
    device->points[point].type = seen.type;
    device->points[point].bits = seen.bits;
}

/* One property was refused: only its point is. */
static void take_error(struct bacnet_job *job, uint32_t number, uint16_t detail)
{
    const struct bacnet_piece *piece = &plan_of(job)->pieces[number];
    struct bacnet_device *device = job->device;
    uint32_t point = job->req->points[piece->sample];
    if (!piece->flags) {
        job->req->samples[piece->sample] = (struct sample){ .quality = QUALITY_REFUSED,
                                                            .detail = detail };
        return;
    }
    if (detail == BACNET_DETAIL_ERROR + BACNET_ERROR_UNKNOWN_PROPERTY) {
        device->marks[point] |= BACNET_MARK_NO_FLAGS;
        device->learnt.generation++;
    }
}

static const char unread[] = "an answer that cannot be read";
static const char other[] = "an answer to something that was not asked";
static const char missing[] = "an answer without what was asked";

/* The device's answer to one property. NULL, or what is wrong with it. */
static const char *take_single(struct bacnet_job *job, const struct bacnet_span *span,
                               struct bytes data)
{
    struct bacnet_read_property read;
    struct bytes elements;
    const struct bacnet_piece *piece = &plan_of(job)->pieces[span->piece];
    if (bacnet_get_read_property_ack(&data, &read, &elements) != 0) {
        return unread;
    }
    if (bacnet_object_number(read.object) != piece->object || read.property != piece->property ||
        read.index != piece->index) {
        return other;
    }
    take_value(job, span->piece, elements);
    return NULL;
}

/* NULL, or what is wrong with the answer; what it has of it is taken. */
static const char *take_multiple(struct bacnet_job *job, const struct bacnet_span *span,
                                 struct bytes data)
{
    const struct bacnet_plan *plan = plan_of(job);
    struct bacnet_read_walk walk = { .in = data };
    struct bacnet_read_result result;
    uint32_t at = span->piece;
    uint32_t taken = 0;
    while (bacnet_read_next(&walk, &result)) {
        uint32_t number = bacnet_plan_match(plan, span, &at, bacnet_object_number(walk.object),
                                            result.property, result.index);
        if (number == UINT32_MAX) {
            continue; /* not asked for */
        }
        taken++;
        if (result.refused) {
            take_error(job, number, bacnet_detail_error(result.why.code));
        } else {
            take_value(job, number, result.value);
        }
    }
    if (walk.error != 0) {
        return unread;
    }
    return taken < span->piece_end - span->piece ? missing : NULL;
}

static void on_data(struct bacnet_job *job, const struct bacnet_span *span, struct bytes data)
{
    struct bacnet_device *device = job->device;
    const char *wrong = bacnet_span_is_single(span) ? take_single(job, span, data)
                                                    : take_multiple(job, span, data);
    job->answered++;
    if (wrong != NULL) {
        driver_bad_frame(device->dev, data.start, (size_t)(data.end - data.start), wrong);
    }
    if (wrong == unread || wrong == other) {
        bacnet_plan_fail(plan_of(job), span, QUALITY_DECODE, BACNET_DETAIL_BROKEN,
                         job->req->samples);
        return;
    }
    bacnet_learn_answered(device, plan_of(job), span);
    if (span->origin > 0) {
        struct bacnet_split *split = &job->splits[span->origin - 1];
        if (++split->good == 2) {
            bacnet_learn_split(device, split);
        }
    }
}

/* ---- refusals ---- */

static void retry(struct bacnet_job *job, const struct bacnet_span *span)
{
    ask_again(job, span);
    driver_retried(job->device->dev);
}

/* Too big for the device, or for what lies between. */
static bool is_size(const struct bacnet_answer *answer)
{
    if (answer->outcome == BACNET_REJECTED) {
        return answer->code == BACNET_REJECT_BUFFER_OVERFLOW;
    }
    return answer->outcome == BACNET_ABORTED &&
           (answer->code == BACNET_ABORT_BUFFER_OVERFLOW ||
            answer->code == BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED ||
            answer->code == BACNET_ABORT_APDU_TOO_LONG ||
            answer->code == BACNET_ABORT_OUT_OF_RESOURCES || answer->by_us);
}

/* Said of the device as a whole: halves would be refused as well. */
static bool is_of_all(const struct bacnet_answer *answer)
{
    return answer->outcome == BACNET_ERRORED && (answer->error_class == BACNET_CLASS_DEVICE ||
                                                 answer->error_class == BACNET_CLASS_SECURITY ||
                                                 answer->error_class == BACNET_CLASS_COMMUNICATION);
}

static bool is_unknown_service(const struct bacnet_answer *answer)
{
    return answer->outcome == BACNET_REJECTED && answer->code == BACNET_REJECT_UNRECOGNIZED_SERVICE;
}

/* Cuts a refused span in two; false when it is one piece. */
static bool split_span(struct bacnet_job *job, const struct bacnet_span *span, bool size)
{
    const struct bacnet_plan *plan = plan_of(job);
    struct bacnet_span left;
    struct bacnet_span right;
    if (!bacnet_plan_split(plan, span, &left, &right)) {
        return false;
    }
    if (job->split_count < BACNET_SPLITS_MAX) {
        if (job->split_count == job->split_capacity) {
            job->split_capacity = job->split_capacity == 0 ? 16 : job->split_capacity * 2;
            job->splits = busbar_realloc(job->splits, job->split_capacity * sizeof(*job->splits));
        }
        size_t left_bytes = bacnet_plan_answer_size(plan, &left);
        size_t right_bytes = bacnet_plan_answer_size(plan, &right);
        job->splits[job->split_count++] = (struct bacnet_split){
            .bytes = (uint32_t)bacnet_plan_answer_size(plan, span),
            .half_bytes = (uint32_t)(left_bytes > right_bytes ? left_bytes : right_bytes),
            .properties = span->piece_end - span->piece,
            .half_properties = left.piece_end - left.piece > right.piece_end - right.piece
                                   ? left.piece_end - left.piece
                                   : right.piece_end - right.piece,
            .size = size,
        };
        left.origin = right.origin = (uint8_t)job->split_count;
    }
    ask_again(job, &right);
    retry(job, &left);
    return true;
}

static void on_refused(struct bacnet_job *job, const struct bacnet_span *span,
                       const struct bacnet_answer *answer)
{
    struct bacnet_device *device = job->device;
    bool single = bacnet_span_is_single(span);
    uint16_t detail = bacnet_detail_answer(answer);
    job->answered++;
    if (!single && is_unknown_service(answer)) {
        bacnet_learn_flag(device, &device->learnt.no_multiple, "no ReadPropertyMultiple");
        retry(job, span);
        return;
    }
    if (!is_of_all(answer) && split_span(job, span, is_size(answer))) {
        return;
    }
    if (!single) {
        bacnet_plan_fail(plan_of(job), span, QUALITY_REFUSED, detail, job->req->samples);
        return;
    }
    if (span->origin > 0) { /* others were refused for its sake */
        uint32_t sample = plan_of(job)->pieces[span->piece].sample;
        device->marks[job->req->points[sample]] |= BACNET_MARK_ALONE;
        device->learnt.generation++;
    }
    take_error(job, span->piece, detail);
}

/* Nothing came back. */
static void on_lost(struct bacnet_job *job, const struct bacnet_exchange *exchange,
                    const struct bacnet_answer *answer)
{
    struct bacnet_device *device = job->device;
    struct bacnet_span span = exchange->span;
    bool alive = job->answered > 0 || bacnet_peer_facts(device->peer)->heard_us > job->began_us;
    job->error = answer->outcome == BACNET_SILENT ? BUSBAR_ETIMEOUT : BUSBAR_EROUTE;
    if (alive && span.tries == 0 && answer->outcome == BACNET_SILENT) {
        span.tries++;
        retry(job, &span);
        return;
    }
    uint16_t detail = bacnet_detail_answer(answer);
    bacnet_plan_fail(plan_of(job), &span, QUALITY_NO_ANSWER, detail, job->req->samples);
    job->lost++;
    if (job->answered == 0 || job->lost >= LOST_MOST) {
        fail_rest(job, QUALITY_NO_ANSWER, detail);
    }
}

static bool all_done(const struct bacnet_job *job)
{
    return job->open == 0 && job->again_count == 0 && job->given == plan_of(job)->span_count;
}

static void on_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bacnet_exchange *exchange = ask->user;
    struct bacnet_job *job = exchange->job;
    struct bacnet_device *device = job->device;
    assert(job->open > 0);
    list_remove(&exchange->link);
    job->open--;
    device->open_reads--;
    switch (answer->outcome) {
    case BACNET_ACKED: on_data(job, &exchange->span, answer->data); break;
    case BACNET_ERRORED:
    case BACNET_REJECTED:
    case BACNET_ABORTED: on_refused(job, &exchange->span, answer); break;
    default: on_lost(job, exchange, answer); break;
    }
    bacnet_exchange_give(exchange);
    bool silent = job->answered == 0 && job->lost > 0 &&
                  bacnet_peer_facts(device->peer)->heard_us <= job->began_us;
    if (all_done(job)) {
        end(job);
    } else if (device->link == BACNET_LINK_UP) {
        bacnet_poll_pump(device);
    }
    if (silent && device->started) {
        bacnet_link_lost(device, answer);
    }
}
