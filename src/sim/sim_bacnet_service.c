/* SPDX-License-Identifier: Apache-2.0 */
/* The confirmed services that a simulated device answers, and those it refuses. Each reads the request, asks
 * the objects, writes the answer into the one buffer that all devices share. */
#include "sim/sim_bacnet_service.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/service/write_property.h"
#include "sim/sim_bacnet.h"

enum { PRIORITY_LEAST = 16, REQUEST_HEAD = 4 };

/* ---- errors ---- */

static void refuse(struct bacnet_request *request, uint32_t error)
{
    bacnet_reply_error(request, (uint16_t)(error >> 16), (uint16_t)error);
}

static void reject(struct bacnet_request *request)
{
    bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
}

static void reply(struct bacnet_request *request, uint32_t error)
{
    if (error == 0) {
        bacnet_reply_ack(request);
    } else {
        refuse(request, error);
    }
}

/* ---- reading ---- */

static uint32_t read_value(struct sim_bacnet_served *served, struct bacnet_object id,
                           uint32_t property, uint32_t index, struct bytes *value)
{
    struct sim_bacnet_object *obj = sim_bacnet_object(&served->device, id);
    struct bytes_out out = bytes_out_of(served->state->value, SIM_BACNET_ANSWER_MAX);
    if (obj == NULL) {
        return SIM_BACNET_ERROR(OBJECT, UNKNOWN_OBJECT);
    }
    uint32_t error = sim_bacnet_read(&served->device, obj, property, index, clock_wall_us(), &out);
    *value = bytes_of(out.start, bytes_out_size(&out));
    return error;
}

/* "This device" is answered by its own number (clause 15.5.2). */
static struct bacnet_object answered_id(const struct sim_bacnet_served *served,
                                        struct bacnet_object id)
{
    if (id.type == BACNET_DEVICE && id.instance == BACNET_INSTANCE_MAX) {
        id.instance = served->device.instance;
    }
    id.instance += served->sd->now == SIM_FAULT_WRONG_UNIT ? 1 : 0;
    return id;
}

static void read_property(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct bacnet_read_property read;
    struct bytes value;
    if (bacnet_get_read_property(&request->data, &read) != 0) {
        reject(request);
        return;
    }
    uint32_t error = read_value(served, read.object, read.property, read.index, &value);
    if (error == SIM_BACNET_FULL ||
        (error == 0 && bytes_left(&value) + BACNET_READ_PROPERTY_ACK_MAX > SIM_BACNET_ANSWER_MAX)) {
        bacnet_reply_abort(request, BACNET_ABORT_BUFFER_OVERFLOW);
        return;
    }
    if (error != 0) {
        refuse(request, error);
        return;
    }
    struct bytes_out out = bytes_out_of(served->state->answer, SIM_BACNET_ANSWER_MAX);
    read.object = answered_id(served, read.object);
    bacnet_put_read_property_ack(&out, &read, value);
    bacnet_reply_data(request, out.start, bytes_out_size(&out));
}

/* One property into an answer of many; false: there is no room. */
static bool put_result(struct sim_bacnet_served *served, struct bacnet_object id, uint32_t property,
                       uint32_t index, struct bytes_out *out)
{
    struct bacnet_read_result result = { .property = property, .index = index };
    uint32_t error = read_value(served, id, property, index, &result.value);
    if (error == SIM_BACNET_FULL) {
        return false;
    }
    result.refused = error != 0;
    result.why.error_class = (uint16_t)(error >> 16);
    result.why.code = (uint16_t)error;
    if (bacnet_read_result_size(&result) + BACNET_READ_OBJECT_MAX > bytes_out_left(out)) {
        return false;
    }
    bacnet_put_read_result(out, &result);
    return true;
}

static bool is_wanted(const struct sim_bacnet_row *row, uint32_t which)
{
    return sim_bacnet_row_property(row) != BACNET_PROP_PROPERTY_LIST && /* clause 15.7.3.1.2 */
           (which == BACNET_PROP_ALL ||
            sim_bacnet_row_required(row) == (which == BACNET_PROP_REQUIRED));
}

/* ALL, REQUIRED, OPTIONAL. */
static bool put_set(struct sim_bacnet_served *served, struct bacnet_object id, uint32_t which,
                    struct bytes_out *out)
{
    struct sim_bacnet_device *bd = &served->device;
    struct sim_bacnet_object *obj = sim_bacnet_object(bd, id);
    const struct sim_bacnet_row *row = NULL;
    if (obj == NULL) {
        return put_result(served, id, which, BACNET_INDEX_ALL, out);
    }
    while ((row = sim_bacnet_next_row(obj, row)) != NULL) {
        if (is_wanted(row, which) &&
            !put_result(served, id, sim_bacnet_row_property(row), BACNET_INDEX_ALL, out)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < bd->extra_count && which != BACNET_PROP_REQUIRED; i++) {
        const struct sim_bacnet_extra *extra = &bd->extras[i];
        if (&bd->objects[extra->object] == obj &&
            !put_result(served, id, extra->property, extra->index, out)) {
            return false;
        }
    }
    return true;
}

/* 0; BUSBAR_EPROTO: the request is broken; BUSBAR_ELIMIT: no room. */
static int read_many(struct sim_bacnet_served *served, struct bytes *in, struct bytes_out *out)
{
    struct bacnet_property_reference reference;
    struct bacnet_object id;
    struct bytes references;
    while (bytes_left(in) > 0) {
        if (bacnet_get_read_specification(in, &id, &references) != 0) {
            return BUSBAR_EPROTO;
        }
        if (bytes_out_left(out) < 2 * BACNET_READ_OBJECT_MAX) {
            return BUSBAR_ELIMIT;
        }
        bacnet_put_read_begin(out, answered_id(served, id));
        while (bytes_left(&references) > 0) {
            if (bacnet_get_property_reference(&references, &reference) != 0) {
                return BUSBAR_EPROTO;
            }
            uint32_t which = reference.property;
            bool set = which == BACNET_PROP_ALL || which == BACNET_PROP_REQUIRED ||
                       which == BACNET_PROP_OPTIONAL;
            if (set ? !put_set(served, id, which, out)
                    : !put_result(served, id, which, reference.index, out)) {
                return BUSBAR_ELIMIT;
            }
        }
        bacnet_put_read_end(out);
    }
    return 0;
}

static void read_property_multiple(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct bytes_out out = bytes_out_of(served->state->answer, SIM_BACNET_ANSWER_MAX);
    if (!served->device.rpm) {
        bacnet_reply_reject(request, BACNET_REJECT_UNRECOGNIZED_SERVICE);
        return;
    }
    int error = read_many(served, &request->data, &out);
    if (error == BUSBAR_EPROTO) {
        reject(request);
    } else if (error != 0) {
        bacnet_reply_abort(request, BACNET_ABORT_BUFFER_OVERFLOW);
    } else {
        bacnet_reply_data(request, out.start, bytes_out_size(&out));
    }
}

/* ---- writing ---- */

static uint32_t write_value(struct sim_bacnet_served *served, const struct bacnet_request *request,
                            struct bacnet_object id, const struct bacnet_property_value *value)
{
    struct sim_bacnet_object *obj = sim_bacnet_object(&served->device, id);
    unsigned priority = value->priority != 0 ? value->priority : PRIORITY_LEAST;
    if (obj == NULL) {
        return SIM_BACNET_ERROR(OBJECT, UNKNOWN_OBJECT);
    }
    uint32_t error = sim_bacnet_write(&served->device, obj, value->property, value->index,
                                      value->value, priority, clock_wall_us());
    if (error == 0 && value->property == BACNET_PROP_RECIPIENT_LIST) {
        served->writer = *request->from;
    }
    return error;
}

static void wrote(struct sim_bacnet_served *served)
{
    sim_bacnet_tick_set(served, true);
}

static void write_property(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct bacnet_property_value value;
    struct bacnet_object id;
    if (bacnet_get_write_property(&request->data, &id, &value) != 0) {
        reject(request);
        return;
    }
    uint32_t error = write_value(served, request, id, &value);
    reply(request, error);
    wrote(served);
}

static void refuse_first(struct bacnet_request *request, uint32_t error, struct bacnet_object id,
                         const struct bacnet_property_value *value)
{
    uint8_t bytes[BACNET_ERROR_FIRST_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_error_body body = {
        .why = { .error_class = (uint16_t)(error >> 16), .code = (uint16_t)error },
        .has_object = true,
        .object = id,
        .property = value->property,
        .index = value->index,
    };
    bacnet_put_error(&out, BACNET_WRITE_PROPERTY_MULTIPLE, &body);
    bacnet_reply_error_data(request, bytes, bytes_out_size(&out));
}

static void write_property_multiple(struct sim_bacnet_served *served,
                                    struct bacnet_request *request)
{
    struct bacnet_property_value value;
    struct bacnet_object id;
    struct bytes values, *in = &request->data;
    while (bytes_left(in) > 0) {
        if (bacnet_get_write_specification(in, &id, &values) != 0) {
            reject(request);
            return;
        }
        while (bytes_left(&values) > 0) {
            if (bacnet_get_property_value(&values, &value) != 0) {
                reject(request);
                return;
            }
            uint32_t error = write_value(served, request, id, &value);
            if (error != 0) {
                refuse_first(request, error, id, &value);
                return;
            }
        }
    }
    bacnet_reply_ack(request);
    wrote(served);
}

static void change_list(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct bacnet_list_element ask;
    uint32_t failed = 0;
    if (bacnet_get_list_element(&request->data, &ask) != 0) {
        reject(request);
        return;
    }
    struct sim_bacnet_object *obj = sim_bacnet_object(&served->device, ask.object);
    bool adds = request->service == BACNET_ADD_LIST_ELEMENT;
    uint32_t error = obj == NULL ? SIM_BACNET_ERROR(OBJECT, UNKNOWN_OBJECT)
                                 : sim_bacnet_change_list(&served->device, obj, ask.property,
                                                          ask.elements, adds, &failed);
    if (error == 0) {
        served->writer = *request->from;
        bacnet_reply_ack(request);
        wrote(served);
        return;
    }
    uint8_t bytes[BACNET_ERROR_FIRST_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_error_body body = {
        .why = { .error_class = (uint16_t)(error >> 16), .code = (uint16_t)error },
        .element = failed,
    };
    bacnet_put_error(&out, request->service, &body);
    bacnet_reply_error_data(request, bytes, bytes_out_size(&out));
}

/* ---- subscriptions, acknowledgements ---- */

static void subscribe(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct bacnet_subscribe_cov ask;
    bool of_property = request->service == BACNET_SUBSCRIBE_COV_PROPERTY;
    const struct sim_bacnet_device *bd = &served->device;
    if (!bd->cov || (of_property && !bd->cov_property)) {
        bacnet_reply_reject(request, BACNET_REJECT_UNRECOGNIZED_SERVICE);
        return;
    }
    int error = of_property ? bacnet_get_subscribe_cov_property(&request->data, &ask)
                            : bacnet_get_subscribe_cov(&request->data, &ask);
    if (error != 0) {
        reject(request);
        return;
    }
    reply(request, sim_bacnet_subscribe(served, request->from, &ask, of_property));
}

static void acknowledge(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct bacnet_acknowledge_alarm ack;
    if (bacnet_get_acknowledge_alarm(&request->data, &ack) != 0) {
        reject(request);
        return;
    }
    reply(request, sim_bacnet_acknowledge(served, &ack));
}

/* ---- which there are ---- */

static const struct {
    uint8_t service;
    void (*answer)(struct sim_bacnet_served *served, struct bacnet_request *request);
} services[] = {
    { BACNET_READ_PROPERTY, read_property },
    { BACNET_READ_PROPERTY_MULTIPLE, read_property_multiple },
    { BACNET_WRITE_PROPERTY, write_property },
    { BACNET_WRITE_PROPERTY_MULTIPLE, write_property_multiple },
    { BACNET_SUBSCRIBE_COV, subscribe },
    { BACNET_SUBSCRIBE_COV_PROPERTY, subscribe },
    { BACNET_READ_RANGE, sim_bacnet_read_range },
    { BACNET_ACKNOWLEDGE_ALARM, acknowledge },
    { BACNET_GET_EVENT_INFORMATION, sim_bacnet_event_information },
    { BACNET_GET_ALARM_SUMMARY, sim_bacnet_alarm_summary },
    { BACNET_ADD_LIST_ELEMENT, change_list },
    { BACNET_REMOVE_LIST_ELEMENT, change_list },
};

/* A fault in the place of the answer; false: there is none. */
static bool spoil(struct sim_bacnet_served *served, struct bacnet_request *request,
                  enum sim_fault_kind kind)
{
    int64_t argument = served->sd->fault.argument;
    switch (kind) {
    case SIM_FAULT_SILENCE:
    case SIM_FAULT_DOWN: bacnet_reply_none(request); return true;
    case SIM_FAULT_RESTART:
        if (sim_bacnet_is_mute(served)) {
            bacnet_reply_none(request);
            return true;
        }
        return false;
    case SIM_FAULT_ERROR:
        bacnet_reply_error(request, BACNET_CLASS_PROPERTY, (uint16_t)argument);
        return true;
    case SIM_FAULT_REJECT: bacnet_reply_reject(request, (uint8_t)argument); return true;
    case SIM_FAULT_ABORT: bacnet_reply_abort(request, (uint8_t)argument); return true;
    default: return false;
    }
}

static void answer(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    const struct sim_bacnet_device *bd = &served->device;
    bool whole = bd->segmentation == BACNET_SEGMENTED_NONE;
    if (whole && bytes_left(&request->data) + REQUEST_HEAD > bd->max_apdu) {
        bacnet_reply_abort(request, BACNET_ABORT_APDU_TOO_LONG);
        return;
    }
    request->max_apdu = bd->max_apdu < request->max_apdu ? bd->max_apdu : request->max_apdu;
    request->segmented = request->segmented && bd->segmentation != BACNET_SEGMENTED_NONE;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (services[i].service == request->service) {
            services[i].answer(served, request);
            return;
        }
    }
    bacnet_reply_reject(request, BACNET_REJECT_UNRECOGNIZED_SERVICE);
}

/* ---- answers that are held back ---- */

struct late {
    struct list link; /* served->late */
    struct sim_bacnet_served *served;
    struct bacnet_request *request;
    struct timer timer;
    uint8_t *data;
    size_t size;
};

static void late_free(struct late *late)
{
    timer_stop(&late->timer);
    list_remove(&late->link);
    busbar_free(late->data);
    busbar_free(late);
}

static void late_due(struct timer *timer, void *ctx)
{
    struct late *late = ctx;
    (void)timer;
    late->request->data = bytes_of(late->data, late->size);
    late->served->port->current = late->served;
    answer(late->served, late->request);
    late->served->port->current = NULL;
    late_free(late);
}

void sim_bacnet_late_forget(struct sim_bacnet_served *served)
{
    list_each_safe(at, &served->late) {
        struct late *late = list_entry(at, struct late, link);
        bacnet_reply_none(late->request);
        late_free(late);
    }
}

static void answer_later(struct sim_bacnet_served *served, struct bacnet_request *request,
                         int64_t delay_us)
{
    struct late *late = busbar_alloc(sizeof(*late));
    late->served = served;
    late->request = request;
    late->size = bytes_left(&request->data);
    late->data = busbar_alloc(late->size + 1);
    memcpy(late->data, request->data.at, late->size);
    list_append(&served->late, &late->link);
    timer_init(&late->timer, served->sd->sim->loop, late_due, late);
    timer_start_us(&late->timer, delay_us, 0);
}

void sim_bacnet_asked(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    enum sim_fault_kind kind = sim_request(served->sd);
    if (spoil(served, request, kind)) {
        return;
    }
    if (kind == SIM_FAULT_SLOW) {
        answer_later(served, request, served->sd->fault.argument);
        return;
    }
    answer(served, request);
}
