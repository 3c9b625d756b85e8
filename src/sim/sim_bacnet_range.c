/* SPDX-License-Identifier: Apache-2.0 */
/* ReadRange (ASHRAE 135, clause 15.8) of trend logs: by position, sequence number and time; as many
 * records as the asker's APDU holds. */
#include "drivers/bacnet/service/read_range.h"

#include "base/clock.h"
#include "drivers/bacnet/service/log_record.h"
#include "sim/sim_bacnet.h"
#include "sim/sim_bacnet_service.h"

enum { RECORDS_AT_ONCE = 200, LOGGED_MAX = 8, APDU_HEAD = 16 };

/* Records from..to by number, the first and the last of the log; count 0: none. */
struct span {
    uint32_t oldest, newest, from, to;
    bool empty;
};

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* `count` records from `start` on, or (negative) up to it. */
static void span_of(struct span *span, int64_t start, int64_t count)
{
    int64_t from = count > 0 ? start : start + count + 1;
    int64_t to = count > 0 ? start + count - 1 : start;
    span->empty = span->newest == 0 || to < span->oldest || from > span->newest || to < from;
    span->from = (uint32_t)clamp(from, span->oldest, span->newest);
    span->to = (uint32_t)clamp(to, span->oldest, span->newest);
}

static int find_span(const struct sim_bacnet_served *served, const struct sim_bacnet_object *obj,
                     const struct bacnet_read_range *ask, struct span *span)
{
    const struct sim_bacnet_device *bd = &served->device;
    int64_t at_us;
    sim_bacnet_log_range(bd, obj, clock_wall_us(), &span->oldest, &span->newest);
    switch (ask->range) {
    case BACNET_RANGE_POSITION:
        span_of(span, (int64_t)span->oldest + ask->reference - 1, ask->count);
        return 0;
    case BACNET_RANGE_SEQUENCE: span_of(span, ask->reference, ask->count); return 0;
    case BACNET_RANGE_TIME:
        if (bacnet_datetime_us(&ask->at, 0, &at_us) != 0) {
            return BUSBAR_EPROTO;
        }
        at_us -= bd->clock_offset_us;
        if (ask->count > 0) { /* those newer than it */
            span_of(span, sim_bacnet_log_after(bd, obj, at_us + 1), ask->count);
        } else { /* those older than it */
            span_of(span, (int64_t)sim_bacnet_log_after(bd, obj, at_us) - 1, ask->count);
        }
        return 0;
    default: span_of(span, span->oldest, SIM_BACNET_LOG_RECORDS); return 0;
    }
}

/* ---- records ---- */

static bool datum_of(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                     int64_t time_us, struct bacnet_datum *datum)
{
    struct sim_bacnet_reading reading;
    *datum = (struct bacnet_datum){ .kind = BACNET_DATUM_VALUE };
    if (obj == NULL) {
        return false;
    }
    sim_bacnet_living(bd, obj, time_us, &reading);
    switch (reading.kind) {
    case SIM_BACNET_REAL:
    case SIM_BACNET_DOUBLE:
        datum->value.type = BACNET_REAL;
        datum->value.as.real = (float)reading.value.d;
        return true;
    case SIM_BACNET_SIGNED:
        datum->value.type = BACNET_SIGNED;
        datum->value.as.integer = reading.value.i;
        return true;
    case SIM_BACNET_BINARY:
    case SIM_BACNET_ENUM:
        datum->value.type = BACNET_ENUMERATED;
        datum->value.as.number = (uint64_t)reading.value.i;
        return true;
    case SIM_BACNET_UNSIGNED:
        datum->value.type = BACNET_UNSIGNED;
        datum->value.as.number = (uint64_t)reading.value.i;
        return true;
    default: datum->value.type = BACNET_NULL; return true;
    }
}

static void put_record(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                       uint32_t number, struct bytes_out *out)
{
    int64_t time_us = sim_bacnet_log_time(bd, obj, number);
    struct bacnet_datetime at = { 0 };
    (void)bacnet_datetime_of(sim_bacnet_now(bd, time_us), 0, &at); /* by its own clock */
    if ((obj->sets & SIM_BACNET_LOGS_MANY) == 0) {
        struct bacnet_log_record record = { .at = at, .has_flags = true };
        (void)datum_of(bd, sim_bacnet_logged(bd, obj, 0), time_us, &record.datum);
        bacnet_put_log_record(out, &record);
        return;
    }
    uint8_t data[LOGGED_MAX * BACNET_LOG_DATUM_MAX];
    struct bytes_out to = bytes_out_of(data, sizeof(data));
    struct bacnet_datum datum;
    for (unsigned i = 0;
         i < LOGGED_MAX && datum_of(bd, sim_bacnet_logged(bd, obj, i), time_us, &datum); i++) {
        bacnet_put_log_datum(&to, &datum);
    }
    struct bacnet_log_multiple record = {
        .at = at,
        .kind = BACNET_DATUM_VALUE,
        .data = bytes_of(data, bytes_out_size(&to)),
    };
    bacnet_put_log_multiple(out, &record);
}

static size_t record_max(const struct sim_bacnet_object *obj)
{
    return (obj->sets & SIM_BACNET_LOGS_MANY) == 0 ? (size_t)BACNET_LOG_RECORD_MAX
                                                   : (size_t)20 + LOGGED_MAX * BACNET_LOG_DATUM_MAX;
}

/* Puts what fits; with a negative count the end of the span is what was asked for first. */
static uint32_t put_records(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                            struct span *span, bool backwards, size_t bytes_max,
                            struct bytes_out *out)
{
    uint32_t fits = (uint32_t)(bytes_max / record_max(obj)), count = span->to - span->from + 1;
    fits = fits > RECORDS_AT_ONCE ? RECORDS_AT_ONCE : fits < 1 ? 1 : fits;
    if (count > fits && backwards) {
        span->from = span->to - fits + 1;
    } else if (count > fits) {
        span->to = span->from + fits - 1;
    }
    for (uint32_t i = span->from; i <= span->to; i++) {
        put_record(bd, obj, i, out);
    }
    return span->to - span->from + 1;
}

static void answer(struct sim_bacnet_served *served, struct bacnet_request *request,
                   const struct sim_bacnet_object *obj, const struct bacnet_read_range *ask,
                   struct span *span)
{
    struct bytes_out items = bytes_out_of(served->state->value, SIM_BACNET_ANSWER_MAX);
    struct bytes_out out = bytes_out_of(served->state->answer, SIM_BACNET_ANSWER_MAX);
    struct bacnet_range_items reply = {
        .object = obj->id,
        .property = ask->property,
        .index = ask->index,
    };
    uint32_t from = span->from, to = span->to;
    if (!span->empty) {
        size_t bytes_max = request->segmented
                               ? SIM_BACNET_ANSWER_MAX / 2
                               : request->max_apdu - BACNET_READ_RANGE_HEAD_MAX - APDU_HEAD;
        reply.count = put_records(&served->device, obj, span, ask->count < 0, bytes_max, &items);
        reply.first = span->from == span->oldest;
        reply.last = span->to == span->newest;
        reply.more = span->from != from || span->to != to;
        reply.items = bytes_of(items.start, bytes_out_size(&items));
        reply.has_sequence = ask->range != BACNET_RANGE_POSITION && ask->range != BACNET_RANGE_ALL;
        reply.sequence = span->from;
    }
    bacnet_put_range_items(&out, &reply);
    bacnet_reply_data(request, out.start, bytes_out_size(&out));
}

void sim_bacnet_read_range(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct bacnet_read_range ask;
    struct span span;
    if (bacnet_get_read_range(&request->data, &ask) != 0) {
        bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
        return;
    }
    struct sim_bacnet_object *obj = sim_bacnet_object(&served->device, ask.object);
    if (obj == NULL) {
        bacnet_reply_error(request, BACNET_CLASS_OBJECT, BACNET_ERROR_UNKNOWN_OBJECT);
    } else if (ask.property != BACNET_PROP_LOG_BUFFER || (obj->sets & SIM_BACNET_LOG) == 0) {
        bacnet_reply_error(request, BACNET_CLASS_SERVICES, BACNET_ERROR_PROPERTY_IS_NOT_A_LIST);
    } else if (ask.index != BACNET_INDEX_ALL) {
        bacnet_reply_error(request, BACNET_CLASS_PROPERTY, BACNET_ERROR_PROPERTY_IS_NOT_AN_ARRAY);
    } else if (find_span(served, obj, &ask, &span) != 0) {
        bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
    } else {
        answer(served, request, obj, &ask, &span);
    }
}
