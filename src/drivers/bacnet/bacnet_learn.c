/* SPDX-License-Identifier: Apache-2.0 */
/* What a device bears. Each is told to the host by name, so that people see it and a restart begins with it:
 *
 *   "answer bytes"             the largest answer to a read, where larger ones were refused
 *   "properties per request"   the most in one ReadPropertyMultiple
 *   "requests in flight"       fewer than at first, where one of several was lost
 *   "no ReadPropertyMultiple", "no SubscribeCOV" ...   services it does not execute, whatever it says
 *   "subscriptions"            how many it takes
 *
 * All is tried again after an hour. */
#include <string.h>

#include "base/clock.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/wire/apdu.h"

static const int64_t hour_us = INT64_C(3600) * CLOCK_US_PER_S;

enum {
    ANSWER_MARGIN = 16, /* bytes of an answer kept free, as texts and numbers may be longer */
    SERVICE_READ_PROPERTY_MULTIPLE = 14, /* places in Protocol_Services_Supported */
};

static const char bytes_name[] = "answer bytes";
static const char properties_name[] = "properties per request";
static const char in_flight_name[] = "requests in flight";

void bacnet_learn_init(struct bacnet_device *device)
{
    device->learnt = (struct bacnet_learnt){ .generation = 1 };
}

void bacnet_learn_flag(struct bacnet_device *device, bool *flag, const char *name)
{
    if (!*flag) {
        *flag = true;
        device->learnt.generation++;
        driver_limit_set(device->dev, name, 1);
    }
}

/* ---- over a restart, and over an hour ---- */

static void restore_most(const struct bacnet_device *device, const char *name,
                         struct bacnet_most *most)
{
    int64_t value = 0;
    if (driver_limit_get(device->dev, name, &value) && value > 0 && value < UINT32_MAX) {
        most->answered = (uint32_t)value;
        most->refused = (uint32_t)value + 1;
    }
}

static const struct {
    size_t place;
    const char *name;
} flags[] = {
    { offsetof(struct bacnet_learnt, no_multiple), "no ReadPropertyMultiple" },
    { offsetof(struct bacnet_learnt, no_write_multiple), "no WritePropertyMultiple" },
    { offsetof(struct bacnet_learnt, no_cov), "no SubscribeCOV" },
    { offsetof(struct bacnet_learnt, no_cov_property), "no SubscribeCOVProperty" },
    { offsetof(struct bacnet_learnt, no_confirmed_cov), "no confirmed COV" },
};

static bool *flag_at(struct bacnet_device *device, size_t i)
{
    return (bool *)((char *)&device->learnt + flags[i].place);
}

/* The node finds out itself how many requests a device bears at a time; what it found is told. */
static void learnt_in_flight(struct bacnet_device *device)
{
    unsigned now = bacnet_peer_facts(device->peer)->in_flight;
    if (device->learnt.in_flight != 0 && device->learnt.in_flight != now) {
        driver_limit_set(device->dev, in_flight_name, now);
    }
    device->learnt.in_flight = now;
}

static void restore(struct bacnet_device *device)
{
    int64_t value = 0;
    restore_most(device, bytes_name, &device->learnt.bytes);
    restore_most(device, properties_name, &device->learnt.properties);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        *flag_at(device, i) = driver_limit_get(device->dev, flags[i].name, &value) && value != 0;
    }
    if (driver_limit_get(device->dev, "subscriptions", &value) && value > 0 && value < UINT32_MAX) {
        device->learnt.cov_most = (uint32_t)value;
    }
    if (driver_limit_get(device->dev, in_flight_name, &value) && value > 0 && value <= UINT8_MAX) {
        bacnet_peer_learn_in_flight(device->peer, (unsigned)value);
    }
    learnt_in_flight(device);
    device->learnt.generation++;
}

static void forget(struct bacnet_device *device)
{
    struct bacnet_learnt *learnt = &device->learnt;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (*flag_at(device, i)) {
            *flag_at(device, i) = false;
            driver_limit_set(device->dev, flags[i].name, 0);
        }
    }
    learnt->bytes = (struct bacnet_most){ 0 };
    learnt->properties = (struct bacnet_most){ 0 };
    learnt->cov_most = 0;
    learnt->generation++;
    memset(device->marks, 0, device->dev->point_count);
}

void bacnet_learn_refresh(struct bacnet_device *device)
{
    struct bacnet_learnt *learnt = &device->learnt;
    int64_t now_us = loop_now_us(device->loop);
    if (!learnt->restored) {
        learnt->restored = true;
        learnt->relearn_us = now_us + hour_us;
        restore(device);
    }
    learnt_in_flight(device);
    if (now_us >= learnt->relearn_us) {
        learnt->relearn_us = now_us + hour_us;
        forget(device);
    }
}

/* ---- while polling ---- */

static uint32_t most_now(const struct bacnet_most *most, size_t setting)
{
    if (most->refused == 0) {
        return (uint32_t)setting;
    }
    uint32_t middle = most->answered + (most->refused - most->answered) / 2;
    uint32_t limit = middle > most->answered ? middle : most->answered;
    limit = limit > 0 ? limit : 1;
    return limit < setting ? limit : (uint32_t)setting;
}

/* One message each way, without segments: more of them would be faster for nobody, and take the
 * device longer. */
void bacnet_learn_limits(const struct bacnet_device *device, struct bacnet_limits *limits)
{
    const struct bacnet_learnt *learnt = &device->learnt;
    size_t one = bacnet_peer_facts(device->peer)->max_apdu - (size_t)BACNET_APDU_HEAD_MAX;
    size_t request = bacnet_peer_request_max(device->peer);
    size_t answer = bacnet_peer_answer_max(device->peer);
    request = request < one ? request : one;
    answer = answer < one ? answer : one;
    answer = answer > 2 * ANSWER_MARGIN ? answer - ANSWER_MARGIN : answer;
    *limits = (struct bacnet_limits){
        .request_bytes = (uint32_t)request,
        .answer_bytes = most_now(&learnt->bytes, answer),
        .properties = most_now(&learnt->properties, UINT32_MAX),
        .multiple = !learnt->no_multiple &&
                    bacnet_device_knows(device, SERVICE_READ_PROPERTY_MULTIPLE),
        .status_flags = device->config.status_flags,
    };
}

static void answered_most(struct bacnet_device *device, struct bacnet_most *most, size_t amount,
                          const char *name)
{
    if (amount <= most->answered) {
        return;
    }
    most->answered = (uint32_t)amount;
    if (most->refused <= most->answered) {
        most->refused = most->answered + 1;
    }
    device->learnt.generation++;
    driver_limit_set(device->dev, name, most->answered);
}

void bacnet_learn_answered(struct bacnet_device *device, const struct bacnet_plan *plan,
                           const struct bacnet_span *span)
{
    struct bacnet_learnt *learnt = &device->learnt;
    if (learnt->bytes.refused != 0) {
        answered_most(device, &learnt->bytes, bacnet_plan_answer_size(plan, span), bytes_name);
    }
    if (learnt->properties.refused != 0) {
        answered_most(device, &learnt->properties, span->piece_end - span->piece, properties_name);
    }
}

static void refused_most(struct bacnet_device *device, struct bacnet_most *most, uint32_t whole,
                         uint32_t half, const char *name)
{
    if (most->refused == 0 || whole < most->refused) {
        most->refused = whole;
    }
    if (half > most->answered && half < most->refused) {
        most->answered = half;
    }
    if (most->answered >= most->refused) {
        most->answered = most->refused - 1;
    }
    device->learnt.generation++;
    driver_limit_set(device->dev, name, most->answered);
}

void bacnet_learn_split(struct bacnet_device *device, const struct bacnet_split *split)
{
    if (split->size) {
        refused_most(device, &device->learnt.bytes, split->bytes, split->half_bytes, bytes_name);
    } else {
        refused_most(device, &device->learnt.properties, split->properties, split->half_properties,
                     properties_name);
    }
}
