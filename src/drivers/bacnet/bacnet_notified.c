/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications of changes (clauses 13.6, 13.7) into samples. A confirmed one is acknowledged when its samples are
 * on disk, so that the device sends again what was not kept. One that is not from the address of the
 * device it names, of another's subscription, or of nothing that is a point here, changes nothing. */
#include "base/alloc.h"
#include "base/hash.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/wire/numbers.h"
#include "model/quality.h"

enum { POINTS_MAX = 16 }; /* told by one notification: those of a property or two of one object */

struct gathered {
    uint32_t points[POINTS_MAX];
    struct sample samples[POINTS_MAX];
    struct text *texts[POINTS_MAX];
    size_t count;
    uint8_t flags; /* status flags, BACNET_PLAN_FLAGS_KNOWN when they came */
};

enum told { TOLD_TAKEN, TOLD_UNKNOWN, TOLD_STRANGER, TOLD_BROKEN };

/* The devices that a notification is of; NULL: none, or it comes from elsewhere. */
static struct bacnet_device *device_of(struct bacnet_network *network, const struct bacnet_cov *cov,
                                       const struct bacnet_address *from, enum told *told)
{
    struct bacnet_device *device = map64_get(&network->instances, cov->device);
    *told = TOLD_UNKNOWN;
    if (device == NULL || device->peer == NULL || !device->started) {
        return NULL; /* one that is being stopped is told so: it forgets us */
    }
    if (cov->process != BACNET_COV_PROCESS && cov->process != 0) { /* 0: unsolicited, clause 13.7 */
        return NULL;
    }
    const struct bacnet_peer_facts *facts = bacnet_peer_facts(device->peer);
    if (!facts->found || !bacnet_address_equal(&facts->address, from)) {
        *told = TOLD_STRANGER;
        return NULL;
    }
    return device;
}

/* ---- values ---- */

static void take_flags(struct bytes elements, struct gathered *gathered)
{
    struct bacnet_value value;
    if (bacnet_get_value(&elements, &value) != 0 || value.type != BACNET_BITS) {
        return;
    }
    gathered->flags = BACNET_PLAN_FLAGS_KNOWN | bacnet_value_nibble(&value);
}

static void take_value(struct bacnet_device *device, uint32_t object,
                       const struct bacnet_property_value *value, struct gathered *gathered)
{
    size_t from;
    size_t to;
    const struct bacnet_target *targets = bacnet_targets(device);
    bacnet_points_of(device, object, value->property, &from, &to);
    for (size_t i = from; i < to && gathered->count < POINTS_MAX; i++) {
        uint32_t point = device->by_target[i];
        if (targets[point].index != value->index) {
            continue;
        }
        struct bacnet_seen seen;
        size_t at = gathered->count++;
        gathered->points[at] = point;
        gathered->texts[at] = NULL;
        bacnet_value_get(&targets[point], value->value, &gathered->samples[at],
                         &gathered->texts[at], &seen);
        device->points[point].type = seen.type;
        device->points[point].bits = seen.bits;
    }
}

static bool take_values(struct bacnet_device *device, const struct bacnet_cov *cov,
                        struct bytes values, struct gathered *gathered)
{
    struct bacnet_property_value value;
    uint32_t object = bacnet_object_number(cov->object);
    gathered->count = 0;
    gathered->flags = 0;
    while (bytes_left(&values) > 0) {
        if (bacnet_get_property_value(&values, &value) != 0) {
            return false;
        }
        if (value.property == BACNET_PROP_STATUS_FLAGS) {
            take_flags(value.value, gathered);
        }
        take_value(device, object, &value, gathered);
    }
    return true;
}

static void finish_values(struct bacnet_device *device, struct gathered *gathered)
{
    const struct bacnet_target *targets = bacnet_targets(device);
    for (size_t i = 0; i < gathered->count; i++) {
        uint32_t number = gathered->points[i];
        struct sample *sample = &gathered->samples[i];
        struct bacnet_point *point = &device->points[number];
        if ((gathered->flags & BACNET_PLAN_FLAGS_KNOWN) != 0 && device->config.status_flags &&
            bacnet_target_has_flags(&targets[number])) {
            bacnet_flags_apply(device, number, gathered->flags, sample);
        }
        point->value_type = sample->type == VALUE_TEXT ? VALUE_NONE : sample->type;
        point->value = sample->value.bits;
        bacnet_cov_notified(device, number);
    }
}

/* ---- all of a notification ---- */

/* Publishes what it says to one device; on_disk as in driver_publish(), run only if 0 is returned. */
static int publish(struct bacnet_device *device, const struct bacnet_cov *cov, struct bytes values,
                   driver_cb on_disk, void *ctx, enum told *told)
{
    struct gathered gathered;
    int error = BUSBAR_ENOENT;
    if (!take_values(device, cov, values, &gathered)) {
        *told = TOLD_BROKEN;
    } else if (gathered.count > 0) {
        *told = TOLD_TAKEN;
        finish_values(device, &gathered);
        error = driver_publish(device->dev, gathered.points, gathered.samples, gathered.count,
                               on_disk, ctx);
    }
    for (size_t i = 0; i < gathered.count; i++) {
        busbar_free(gathered.texts[i]);
    }
    return error;
}

static void say_bad(struct bacnet_device *device, enum told told, struct bytes data)
{
    if (device == NULL || (told != TOLD_BROKEN && told != TOLD_STRANGER)) {
        return;
    }
    driver_bad_frame(device->dev, data.start, (size_t)(data.end - data.start),
                     told == TOLD_BROKEN ? "a notification that cannot be read"
                                         : "a notification from another address than the device's");
}

void bacnet_cov_told(struct bacnet_network *network, const struct bacnet_notice *notice)
{
    struct bacnet_cov cov;
    struct bytes values;
    struct bytes in = notice->data;
    enum told told = TOLD_BROKEN;
    if (bacnet_get_cov(&in, &cov, &values) != 0) {
        return;
    }
    struct bacnet_device *device = device_of(network, &cov, notice->from, &told);
    if (told == TOLD_STRANGER) {
        say_bad(map64_get(&network->instances, cov.device), told, notice->data);
    }
    for (; device != NULL; device = device->same) {
        (void)publish(device, &cov, values, NULL, NULL, &told);
        say_bad(device, told, notice->data);
    }
}

static void on_disk(void *ctx, int error)
{
    struct bacnet_request *request = ctx;
    if (error == 0) {
        bacnet_reply_ack(request);
    } else {
        bacnet_reply_none(request);
    }
}

void bacnet_cov_asked(struct bacnet_network *network, struct bacnet_request *request)
{
    struct bacnet_cov cov;
    struct bytes values;
    struct bytes in = request->data;
    enum told told = TOLD_BROKEN;
    if (bacnet_get_cov(&in, &cov, &values) != 0) {
        bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
        return;
    }
    struct bytes data = request->data;
    struct bacnet_device *device = device_of(network, &cov, request->from, &told);
    if (told == TOLD_STRANGER) {
        say_bad(map64_get(&network->instances, cov.device), told, data);
    }
    int error = BUSBAR_ENOENT;
    bool waits = false; /* the reply comes when the first device's samples are on disk */
    for (; device != NULL; device = device->same) {
        int result = publish(device, &cov, values, waits ? NULL : on_disk, request, &told);
        waits = waits || result == 0;
        error = result != BUSBAR_ENOENT ? result : error;
        say_bad(device, told, data);
    }
    if (waits) {
        return;
    }
    if (told == TOLD_BROKEN) {
        bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
    } else if (error != BUSBAR_ENOENT || told == TOLD_STRANGER) {
        bacnet_reply_none(request); /* could not be kept now: it will come again */
    } else {
        bacnet_reply_error(request, BACNET_CLASS_SERVICES, BACNET_ERROR_UNKNOWN_SUBSCRIPTION);
    }
}
