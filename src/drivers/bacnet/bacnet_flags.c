/* SPDX-License-Identifier: Apache-2.0 */
/* Status flags (clause 12, Status_Flags) into quality:
 *
 *   out-of-service   no value, unless the device's setting says to ignore it
 *   fault            no value; the object's reliability says why, and is asked for beside the polls
 *   overridden       the value, uncertain: held by hand
 *   in-alarm         is about the plant, not about the value */
#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"
#include "model/quality.h"

enum { RELIABILITY_HOLDS_S = 60 }; /* then it is asked for again, as long as the fault is there */

struct fault_ask {
    struct bacnet_ask ask; /* first */
    struct list link;      /* device->fault_asks */
    struct bacnet_device *device;
    uint32_t point;
    uint8_t data[BACNET_READ_PROPERTY_MAX];
};

static void ask_next(struct bacnet_device *device, struct fault_ask *idle);

static void no_value(struct sample *sample, uint8_t quality, uint16_t detail)
{
    sample->type = VALUE_NONE;
    sample->value.bits = 0;
    sample->quality = quality;
    sample->detail = detail;
}

/* ---- reliability ---- */

static uint16_t take_reliability(const struct bacnet_answer *answer)
{
    struct bacnet_read_property read;
    struct bacnet_value value;
    struct bytes elements;
    struct bytes in = answer->data;
    if (answer->outcome != BACNET_ACKED ||
        bacnet_get_read_property_ack(&in, &read, &elements) != 0 ||
        bacnet_get_value(&elements, &value) != 0 || value.type != BACNET_ENUMERATED ||
        value.as.number == BACNET_RELIABILITY_NO_FAULT_DETECTED) {
        return BACNET_DETAIL_FAULT;
    }
    return bacnet_detail_reliability((uint32_t)value.as.number);
}

static void on_answered(struct bacnet_ask *asked, const struct bacnet_answer *answer)
{
    struct fault_ask *ask = (struct fault_ask *)asked;
    struct bacnet_device *device = ask->device;
    uint32_t number = ask->point;
    struct bacnet_point *point = &device->points[number];
    uint16_t detail = take_reliability(answer);
    point->fault_asked = false;
    point->reliability_us = loop_now_us(device->loop);
    bool news = point->faulty && detail != point->reliability;
    point->reliability = detail;
    ask_next(device, ask);
    if (news) {
        struct sample sample;
        no_value(&sample, QUALITY_FAULT, detail);
        sample.time_us = sample.receive_us = 0;
        sample.point = 0;
        (void)driver_publish(device->dev, &number, &sample, 1, NULL, NULL);
    }
}

static void ask_next(struct bacnet_device *device, struct fault_ask *idle)
{
    if (device->fault_count == 0 || device->link != BACNET_LINK_UP) {
        list_remove(&idle->link);
        busbar_free(idle);
        return;
    }
    idle->point = device->faults[--device->fault_count];
    struct bacnet_read_property read = {
        .object = bacnet_object_of(bacnet_targets(device)[idle->point].object),
        .property = BACNET_PROP_RELIABILITY,
        .index = BACNET_INDEX_ALL,
    };
    idle->ask.answered = on_answered;
    bacnet_device_read(device, &idle->ask, idle->data, &read);
}

static void ask_reliability(struct bacnet_device *device, uint32_t number)
{
    struct bacnet_point *point = &device->points[number];
    size_t busy = 0;
    if (point->fault_asked || device->link != BACNET_LINK_UP) {
        return;
    }
    point->fault_asked = true;
    if (device->fault_count == device->fault_capacity) {
        device->fault_capacity = device->fault_capacity == 0 ? 8 : device->fault_capacity * 2;
        device->faults = busbar_realloc(device->faults,
                                        device->fault_capacity * sizeof(*device->faults));
    }
    device->faults[device->fault_count++] = number;
    list_each(at, &device->fault_asks) {
        busy++;
    }
    if (busy < BACNET_FAULT_ASKS_MAX) {
        struct fault_ask *ask = busbar_alloc(sizeof(*ask));
        ask->device = device;
        list_append(&device->fault_asks, &ask->link);
        ask_next(device, ask);
    }
}

void bacnet_flags_stop(struct bacnet_device *device)
{
    struct list *at;
    while ((at = list_shift(&device->fault_asks)) != NULL) {
        struct fault_ask *ask = list_entry(at, struct fault_ask, link);
        bacnet_ask_cancel(&ask->ask);
        device->points[ask->point].fault_asked = false;
        busbar_free(ask);
    }
    while (device->fault_count > 0) {
        device->points[device->faults[--device->fault_count]].fault_asked = false;
    }
}

/* ---- quality ---- */

static void apply_fault(struct bacnet_device *device, uint32_t number, struct sample *sample)
{
    struct bacnet_point *point = &device->points[number];
    int64_t now_us = loop_now_us(device->loop);
    bool old = now_us - point->reliability_us >= RELIABILITY_HOLDS_S * CLOCK_US_PER_S;
    point->faulty = true;
    if (point->reliability == 0 || old) {
        ask_reliability(device, number);
    }
    no_value(sample, QUALITY_FAULT,
             point->reliability != 0 ? point->reliability : BACNET_DETAIL_FAULT);
}

void bacnet_flags_apply(struct bacnet_device *device, uint32_t number, uint8_t flags,
                        struct sample *sample)
{
    struct bacnet_point *point = &device->points[number];
    if ((flags & BACNET_FLAG_FAULT) == 0) {
        point->faulty = false;
        point->reliability = 0;
    }
    if ((flags & BACNET_FLAG_OUT_OF_SERVICE) != 0 && device->config.out_of_service_warns) {
        no_value(sample, QUALITY_OUT_OF_SERVICE, BACNET_DETAIL_OUT_OF_SERVICE);
    } else if ((flags & BACNET_FLAG_FAULT) != 0) {
        apply_fault(device, number, sample);
    } else if ((flags & BACNET_FLAG_OVERRIDDEN) != 0 && sample->type != VALUE_NONE) {
        sample->quality = QUALITY_HELD;
        sample->detail = BACNET_DETAIL_OVERRIDDEN;
    }
}
