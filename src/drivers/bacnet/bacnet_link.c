/* SPDX-License-Identifier: Apache-2.0 */
/* The link of a device. UDP has no connection: a link is up when the device has answered what it executes, and
 * down when nothing came back to a whole request. Getting to know it:
 *
 *   protocol-services-supported    it is there; may be asked for many properties, subscriptions ...
 *   max-apdu-length-accepted       unless its I-Am said so
 *   segmentation-supported         the same
 *   protocol-revision
 *   time-of-device-restart         a later one, seen when it says I-Am again: subscriptions are gone
 *
 * The device's own refusal of any of these but the first is fine: then it is not known. */
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_alarm.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_trend.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"

enum { LOOK_PAUSE_S = 30 }; /* any Who-Is of anybody makes a device say I-Am */

static const uint32_t steps[] = {
    BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED, BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED,
    BACNET_PROP_SEGMENTATION_SUPPORTED,      BACNET_PROP_PROTOCOL_REVISION,
    BACNET_PROP_TIME_OF_DEVICE_RESTART,
};

enum { STEP_COUNT = sizeof(steps) / sizeof(steps[0]), STEP_RESTART = STEP_COUNT - 1 };

/* ---- words ---- */

void bacnet_link_words(const struct bacnet_device *device, const struct bacnet_answer *answer,
                       struct buf *out)
{
    char where[BACNET_ADDRESS_TEXT_MAX] = "";
    char wait[32];
    const struct bacnet_address *address = bacnet_device_where(device->dev);
    if (address != NULL) {
        bacnet_address_format(where, sizeof(where), address);
    }
    str_format_duration(wait, sizeof(wait), device->config.timeout_us);
    switch (answer->outcome) {
    case BACNET_NOT_FOUND:
        buf_printf(out, "nobody answers Who-Is for device %u", device->config.device);
        break;
    case BACNET_NO_ROUTE:
        buf_printf(out, "no router to network %u answers",
                   address != NULL ? address->network : device->config.remote_network);
        break;
    case BACNET_UNSENT:
        buf_printf(out, "cannot send to %s: %s", where, err_text(answer->error));
        break;
    case BACNET_ERRORED:
        buf_printf(out, "the device at %s is not device %u: it has no such device object", where,
                   device->config.device);
        break;
    default:
        buf_printf(out, "no answer from %s in %s", where, wait);
        if (answer->sent > 1) {
            buf_printf(out, " (%u times)", answer->sent);
        }
        break;
    }
}

/* ---- up and down ---- */

static void tell_down(struct bacnet_device *device, int error, const char *words)
{
    device->link = BACNET_LINK_DOWN;
    bacnet_cov_down(device);
    bacnet_trend_down(device);
    bacnet_alarm_down(device);
    driver_link(device->dev, false, error, words);
    bacnet_jobs_give_up(device, error);
}

static void go_down(struct bacnet_device *device, int error, const struct bacnet_answer *answer)
{
    struct buf words;
    buf_init(&words, 512);
    bacnet_link_words(device, answer, &words);
    tell_down(device, error, buf_text(&words));
    buf_fini(&words);
}

static void go_up(struct bacnet_device *device)
{
    device->link = BACNET_LINK_UP;
    driver_link(device->dev, true, 0, NULL);
    bacnet_jobs_begin(device);
    bacnet_cov_start(device);
    bacnet_trend_start(device);
    bacnet_alarm_start(device);
}

void bacnet_link_lost(struct bacnet_device *device, const struct bacnet_answer *answer)
{
    if (device->link == BACNET_LINK_UP) {
        go_down(device, bacnet_outcome_error(answer), answer);
    }
}

/* ---- asking ---- */

static void ask(struct bacnet_device *device)
{
    struct bacnet_read_property read = {
        .object = { .type = BACNET_DEVICE, .instance = device->config.device },
        .property = steps[device->step],
        .index = BACNET_INDEX_ALL,
    };
    bacnet_device_read(device, &device->asking, device->asking_data, &read);
}

static void ask_next(struct bacnet_device *device)
{
    bool introduced = bacnet_peer_facts(device->peer)->introduced;
    device->step++;
    while (introduced && (steps[device->step] == BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED ||
                          steps[device->step] == BACNET_PROP_SEGMENTATION_SUPPORTED)) {
        device->step++;
    }
    ask(device);
}

/* ---- what it says of itself ---- */

static void take_services(struct bacnet_device *device, const struct bacnet_value *value)
{
    unsigned count = value->type == BACNET_BITS ? bacnet_value_bits(value) : 0;
    uint64_t services = 0;
    for (unsigned i = 0; i < count && i < 64; i++) {
        services |= (uint64_t)bacnet_value_bit(value, i) << i;
    }
    if (device->facts.services_known != (services != 0) || device->facts.services != services) {
        device->learnt.generation++;
    }
    device->facts.services = services;
    device->facts.services_known = services != 0; /* none at all cannot be */
}

/* True: it was restarted since. */
static bool take_restart(struct bacnet_device *device, struct bytes elements)
{
    uint64_t restart = hash_bytes(elements.at, bytes_left(&elements)) | 1;
    bool before = device->facts.restart != 0 && device->facts.restart != restart;
    device->facts.restart = restart;
    return before;
}

static bool take(struct bacnet_device *device, struct bytes elements)
{
    struct bacnet_value value = { 0 };
    struct bytes in = elements;
    uint32_t property = steps[device->step];
    if (property == BACNET_PROP_TIME_OF_DEVICE_RESTART) {
        return take_restart(device, elements);
    }
    if (bacnet_get_value(&in, &value) != 0) {
        return false;
    }
    bool number = value.type == BACNET_UNSIGNED;
    if (property == BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED) {
        take_services(device, &value);
    } else if (property == BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED && number) {
        if (value.as.number >= BACNET_APDU_MIN && value.as.number <= BACNET_APDU_MAX) {
            bacnet_peer_learn_max_apdu(device->peer, (uint16_t)value.as.number);
        }
    } else if (property == BACNET_PROP_PROTOCOL_REVISION && number) {
        device->facts.revision = (uint32_t)value.as.number;
    }
    return false;
}

static bool is_silence(const struct bacnet_answer *answer)
{
    return answer->outcome != BACNET_ACKED && answer->outcome != BACNET_ERRORED &&
           answer->outcome != BACNET_REJECTED && answer->outcome != BACNET_ABORTED;
}

static void on_answered(struct bacnet_ask *asked, const struct bacnet_answer *answer)
{
    struct bacnet_device *device = asked->user;
    struct bacnet_read_property read;
    struct bytes elements;
    struct bytes in = answer->data;
    bool restarted = false;
    bool looking = device->link == BACNET_LINK_UP; /* only for a restart */
    if (looking && is_silence(answer)) {
        return;
    }
    if (is_silence(answer)) {
        go_down(device, bacnet_outcome_error(answer), answer);
        return;
    }
    if (device->step == 0 && answer->outcome == BACNET_ERRORED &&
        answer->error_code == BACNET_ERROR_UNKNOWN_OBJECT) {
        go_down(device, BUSBAR_ECONFIG, answer);
        return;
    }
    if (answer->outcome == BACNET_ACKED &&
        bacnet_get_read_property_ack(&in, &read, &elements) == 0) {
        restarted = take(device, elements);
    }
    if (looking) {
        if (restarted || device->facts.restart == 0) {
            bacnet_cov_again(device, restarted);
        }
    } else if (device->step == STEP_RESTART) {
        go_up(device);
    } else {
        ask_next(device);
    }
}

/* ---- beginning and end ---- */

static void get_peer(struct bacnet_device *device)
{
    const struct bacnet_config *config = &device->config;
    struct bacnet_peer_config peer = {
        .instance = config->device,
        .address = { .ip = config->address,
                     .network = config->remote_network,
                     .mac_size = config->mac_size },
        .max_apdu = config->max_apdu,
        .segmentation = config->segmentation ? 0 : BACNET_SEGMENTED_NONE,
        .in_flight = config->in_flight,
    };
    memcpy(peer.address.mac, config->mac, config->mac_size);
    if (config->address.family == 0 && config->mac_size == 0) {
        peer.address = (struct bacnet_address){ 0 }; /* found by its instance */
    }
    device->peer = bacnet_peer_get(device->network->node, &peer);
    bacnet_peer_set_user(device->peer, map64_get(&device->network->instances, config->device));
}

/* Off a network that is gone, as soon as nothing is under way there. */
static void leave_gone(struct bacnet_device *device)
{
    bool idle = list_empty(&device->reads) && list_empty(&device->writes) &&
                list_empty(&device->tests) && device->browses == NULL;
    if (device->network != NULL && device->network->gone && idle) {
        bacnet_flags_stop(device);
        bacnet_link_stop(device);
    }
}

void bacnet_link_moved(struct bacnet_device *device)
{
    if (device->link == BACNET_LINK_UP) {
        tell_down(device, BUSBAR_EROUTE,
                  "our own address on its network has changed; it is asked from the new one");
    }
}

bool bacnet_link_wake(struct bacnet_device *device)
{
    struct err err = { 0 };
    if (device->link == BACNET_LINK_UP) {
        return false;
    }
    if (device->link == BACNET_LINK_ASKING) {
        return true;
    }
    leave_gone(device);
    int error = bacnet_network_join(device, &err);
    if (error != 0) {
        char words[ERR_MESSAGE_MAX + ERR_HINT_MAX + 4];
        str_format(words, sizeof(words), "%s%s%s", err.message, err.hint[0] != '\0' ? "; " : "",
                   err.hint);
        tell_down(device, error, words);
        return true;
    }
    if (device->peer == NULL) {
        get_peer(device);
    }
    if (bacnet_ask_open(&device->asking)) { /* a look for a restart that nobody answers */
        bacnet_ask_cancel(&device->asking);
    }
    device->link = BACNET_LINK_ASKING;
    device->step = 0;
    device->asking.answered = on_answered;
    device->asking.user = device;
    ask(device);
    return true;
}

void bacnet_link_stop(struct bacnet_device *device)
{
    timer_stop(&device->look_timer);
    bacnet_ask_cancel(&device->asking);
    bacnet_trend_stop(device);
    device->link = BACNET_LINK_IDLE;
    if (device->peer != NULL) {
        struct bacnet_device *head = map64_get(&device->network->instances, device->config.device);
        bacnet_peer_set_user(device->peer, head == device ? device->same : head);
        bacnet_peer_release(device->peer);
        device->peer = NULL;
    }
    bacnet_network_leave(device);
    device->facts = (struct bacnet_facts){ 0 };
}

/* Asks whether it was restarted; not too often, but at last. */
static void look(struct bacnet_device *device)
{
    int64_t now_us = loop_now_us(device->loop);
    int64_t due_us = device->looked_us + LOOK_PAUSE_S * CLOCK_US_PER_S;
    if (device->watch == NULL || timer_running(&device->look_timer)) {
        return;
    }
    if (bacnet_ask_open(&device->asking) || (device->looked_us != 0 && now_us < due_us)) {
        timer_start_at_us(&device->look_timer, due_us > now_us ? due_us : now_us + CLOCK_US_PER_S,
                          0);
        return;
    }
    device->looked_us = now_us;
    device->step = STEP_RESTART;
    ask(device);
}

static void on_look(struct timer *timer, void *ctx)
{
    struct bacnet_device *device = ctx;
    (void)timer;
    if (device->link == BACNET_LINK_UP) {
        look(device);
    }
}

void bacnet_link_init(struct bacnet_device *device)
{
    timer_init(&device->look_timer, device->loop, on_look, device);
}

void bacnet_link_heard(struct bacnet_device *device)
{
    if (!device->started || device->link == BACNET_LINK_ASKING || device->network->gone) {
        return;
    }
    if (device->link == BACNET_LINK_UP) {
        look(device);
    } else {
        (void)bacnet_link_wake(device);
    }
}

bool bacnet_device_knows(const struct bacnet_device *device, unsigned place)
{
    return !device->facts.services_known || (device->facts.services >> place & 1) != 0;
}
