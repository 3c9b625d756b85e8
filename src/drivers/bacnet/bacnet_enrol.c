/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment (`alarms: enrol`): our place in the recipient lists of notification classes, so that the device sends us
 * its alarms. Nobody's place is touched but our own.
 *
 *   object-list              which notification classes there are, with notification_classes: all; element by
 *                            element when the whole list is too much for the device
 *   recipient-list of each   are we in it already?
 *   AddListElement           if not: all days, all day, all transitions, confirmed (clause 15.1)
 *
 * Looked at again every hour, for a device may lose its list. We are named by our device number, which the device finds with
 * Who-Is, or by our address where our own device object does not answer. The place stays when busbar stops: alarms come
 * again as soon as it listens. Which classes we are in is kept as learned limits ("alarm class (1)": 5): those that
 * are not wanted any more, because the settings changed, are left with RemoveListElement (clause 15.2). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_alarm.h"
#include "drivers/bacnet/bacnet_browse.h"
#include "drivers/bacnet/bacnet_fetch.h"
#include "drivers/bacnet/service/list_element.h"
#include "drivers/bacnet/wire/apdu.h"

enum {
    CLASSES_MAX = 64,
    AGAIN_MS = 3600 * 1000,
    NO_CLASS = -1,                           /* at a place where a class was kept */
    OBJECTS_MAX = BACNET_BROWSE_OBJECTS_MAX, /* looked at for classes */
    ALL_DAYS = 0x7f,
    ALL_TRANSITIONS = 7,
    ASK_BYTES = BACNET_LIST_ELEMENT_HEAD_MAX + BACNET_DESTINATION_MAX,
};

struct bacnet_enrolment {
    struct bacnet_alarm_book *alarms;
    bool running;
    struct timer again;
    uint32_t classes[CLASSES_MAX];
    bool enrolled[CLASSES_MAX], refused[CLASSES_MAX];
    size_t count, at;
    uint32_t leaving[CLASSES_MAX];
    size_t leaving_count, left;
    uint32_t index, listed; /* of the object list: what is asked for next, and how many there are */
    bool told;              /* the list came whole */
    struct bacnet_fetch fetch;
    struct bacnet_fetch_item items[CLASSES_MAX];
    struct bacnet_ask ask;
    uint8_t data[ASK_BYTES];
};

static void next(struct bacnet_enrolment *enrolment);
static void on_removed(struct bacnet_ask *ask, const struct bacnet_answer *answer);

/* ---- which classes ---- */

static void add_class(struct bacnet_enrolment *enrolment, uint32_t instance)
{
    for (size_t i = 0; i < enrolment->count; i++) {
        if (enrolment->classes[i] == instance) {
            return;
        }
    }
    if (enrolment->count < CLASSES_MAX) {
        enrolment->classes[enrolment->count++] = instance;
    }
}

/* "1, 5"; false: all of them. */
static bool take_named(struct bacnet_enrolment *enrolment, const char *named)
{
    if (named == NULL || str_equal(named, "all")) {
        return false;
    }
    for (const char *at = named; *at != '\0';) {
        char *rest;
        unsigned long instance = strtoul(at, &rest, 10);
        if (rest != at && instance <= BACNET_INSTANCE_MAX) {
            add_class(enrolment, (uint32_t)instance);
        }
        at = rest != at ? rest : at + 1;
    }
    return true;
}

/* ---- our destination ---- */

static bool is_ours(const struct bacnet_destination *destination,
                    const struct bacnet_destination *ours)
{
    if (destination->process != ours->process || destination->by_address != ours->by_address) {
        return false;
    }
    return ours->by_address
               ? destination->network == ours->network && destination->mac_size == ours->mac_size &&
                     memcmp(destination->mac, ours->mac, ours->mac_size) == 0
               : destination->device == ours->device;
}

static void fill_ours(const struct bacnet_enrolment *enrolment, struct bacnet_destination *ours)
{
    const struct bacnet_device *device = enrolment->alarms->device;
    const struct endpoint *local = &bacnet_node_config(device->network->node)->local;
    *ours = (struct bacnet_destination){
        .days = ALL_DAYS,
        .to = { .hour = 23, .minute = 59, .second = 59, .hundredth = 99 },
        .device = device->state->own.device_id,
        .process = BACNET_ALARM_PROCESS,
        .confirmed = true,
        .transitions = ALL_TRANSITIONS,
        .by_address = !device->state->own.answers,
        .network = device->network->config.number,
        .mac_size = 6,
    };
    memcpy(ours->mac, local->ip, 4);
    ours->mac[4] = (uint8_t)(local->port >> 8);
    ours->mac[5] = (uint8_t)local->port;
}

static struct bacnet_object class_object(uint32_t instance)
{
    return (struct bacnet_object){ .type = BACNET_NOTIFICATION_CLASS, .instance = instance };
}

/* ---- getting in ---- */

static void kept_name(char *to, size_t size, unsigned place)
{
    str_format(to, size, "alarm class (%u)", place + 1);
}

/* The class that is kept at this place, or NO_CLASS. */
static int64_t kept(const struct bacnet_enrolment *enrolment, unsigned place)
{
    char name[48];
    int64_t value = NO_CLASS;
    kept_name(name, sizeof(name), place);
    return driver_limit_get(enrolment->alarms->device->dev, name, &value) ? value : NO_CLASS;
}

static void keep(const struct bacnet_enrolment *enrolment, unsigned place, int64_t class)
{
    char name[48];
    kept_name(name, sizeof(name), place);
    driver_limit_set(enrolment->alarms->device->dev, name, class);
}

static void remember(const struct bacnet_enrolment *enrolment, uint32_t instance, bool in)
{
    unsigned free = CLASSES_MAX;
    for (unsigned place = 0; place < CLASSES_MAX; place++) {
        int64_t at = kept(enrolment, place);
        if (at == instance) {
            if (!in) {
                keep(enrolment, place, NO_CLASS);
            }
            return;
        }
        free = at == NO_CLASS && free == CLASSES_MAX ? place : free;
    }
    if (in && free < CLASSES_MAX) {
        keep(enrolment, free, instance);
    }
}

static void on_added(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bacnet_enrolment *enrolment = ask->user;
    const char *name = enrolment->alarms->device->dev->name;
    uint32_t instance = enrolment->classes[enrolment->at];
    if (answer->outcome == BACNET_ACKED) {
        busbar_log(LOG_LEVEL_INFO, "bacnet", name, "enrolled in notification class %u", instance);
        remember(enrolment, instance, true);
    } else if (!enrolment->refused[enrolment->at]) {
        const char *words = bacnet_explain(bacnet_detail_answer(answer));
        enrolment->refused[enrolment->at] = true;
        busbar_log(LOG_LEVEL_WARN, "bacnet", name,
                   "cannot enrol in notification class %u, its alarms may not come: %s", instance,
                   words != NULL ? words : bacnet_outcome_word(answer->outcome));
    }
    enrolment->at++;
    next(enrolment);
}

/* Puts our place into a class's list, or takes it out. */
static void change(struct bacnet_enrolment *enrolment, uint8_t service, uint32_t instance,
                   void (*answered)(struct bacnet_ask *ask, const struct bacnet_answer *answer))
{
    const struct bacnet_device *device = enrolment->alarms->device;
    uint8_t element[BACNET_DESTINATION_MAX];
    struct bacnet_destination ours;
    fill_ours(enrolment, &ours);
    struct bytes_out out = bytes_out_of(element, sizeof(element));
    bacnet_put_destination(&out, &ours);
    struct bacnet_list_element list = {
        .object = class_object(instance),
        .property = BACNET_PROP_RECIPIENT_LIST,
        .index = BACNET_INDEX_ALL,
        .elements = bytes_of(element, bytes_out_size(&out)),
    };
    out = bytes_out_of(enrolment->data, sizeof(enrolment->data));
    bacnet_put_list_element(&out, &list);
    enrolment->ask.answered = answered;
    enrolment->ask.user = enrolment;
    bacnet_device_ask(device, &enrolment->ask, service, enrolment->data, bytes_out_size(&out));
}

static void next(struct bacnet_enrolment *enrolment)
{
    while (enrolment->at < enrolment->count && enrolment->enrolled[enrolment->at]) {
        enrolment->at++;
    }
    if (enrolment->at < enrolment->count) {
        change(enrolment, BACNET_ADD_LIST_ELEMENT, enrolment->classes[enrolment->at], on_added);
    } else if (enrolment->left < enrolment->leaving_count) {
        change(enrolment, BACNET_REMOVE_LIST_ELEMENT, enrolment->leaving[enrolment->left],
               on_removed);
    } else {
        enrolment->running = false;
        if (enrolment->count > 0) {
            timer_start(&enrolment->again, AGAIN_MS, 0);
        }
    }
}

/* The device does not answer: again when it is back, or in an hour if only this was lost. */
static void give_up(struct bacnet_enrolment *enrolment)
{
    enrolment->running = false;
    timer_start(&enrolment->again, AGAIN_MS, 0);
}

/* ---- getting out ---- */

static void on_removed(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bacnet_enrolment *enrolment = ask->user;
    uint32_t instance = enrolment->leaving[enrolment->left++];
    if (answer->outcome == BACNET_ACKED || answer->outcome == BACNET_ERRORED) {
        busbar_log(LOG_LEVEL_INFO, "bacnet", enrolment->alarms->device->dev->name,
                   answer->outcome == BACNET_ACKED
                       ? "left notification class %u"
                       : "is not in notification class %u any more, or cannot leave it",
                   instance);
        remember(enrolment, instance, false);
    }
    next(enrolment);
}

/* Those that we are in and that are not wanted. */
static void find_leaving(struct bacnet_enrolment *enrolment)
{
    enrolment->leaving_count = enrolment->left = 0;
    for (unsigned place = 0; place < CLASSES_MAX; place++) {
        int64_t class = kept(enrolment, place);
        bool wanted = class == NO_CLASS;
        for (size_t i = 0; i < enrolment->count; i++) {
            wanted = wanted || enrolment->classes[i] == class;
        }
        if (!wanted) {
            enrolment->leaving[enrolment->leaving_count++] = (uint32_t) class;
        }
    }
}

/* ---- are we in? ---- */

static void got_list(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    struct bacnet_enrolment *enrolment = fetch->user;
    struct bytes in = fetched->value;
    struct bacnet_destination ours, destination;
    fill_ours(enrolment, &ours);
    while (fetched->refused == 0 && bytes_left(&in) > 0 &&
           bacnet_get_destination(&in, &destination) == 0) {
        if (is_ours(&destination, &ours)) {
            enrolment->enrolled[fetched->item] = true;
            remember(enrolment, enrolment->classes[fetched->item], true);
        }
    }
}

static void lists_done(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    struct bacnet_enrolment *enrolment = fetch->user;
    if (answer != NULL) {
        give_up(enrolment);
        return;
    }
    enrolment->at = 0;
    find_leaving(enrolment);
    next(enrolment);
}

static const struct bacnet_fetch_ops list_ops = { .got = got_list, .done = lists_done };

static void start_fetch(struct bacnet_enrolment *enrolment, const struct bacnet_fetch_ops *ops,
                        size_t count)
{
    enrolment->fetch.ops = ops;
    bacnet_fetch_start(&enrolment->fetch, enrolment->items, count);
}

static void look_at_lists(struct bacnet_enrolment *enrolment)
{
    if (enrolment->count == 0) {
        busbar_log(LOG_LEVEL_WARN, "bacnet", enrolment->alarms->device->dev->name,
                   "no notification class to enrol in was found; name them: "
                   "'notification_classes: \"1, 5\"'");
        enrolment->running = false;
        timer_start(&enrolment->again, AGAIN_MS, 0);
        return;
    }
    for (size_t i = 0; i < enrolment->count; i++) {
        enrolment->items[i] = (struct bacnet_fetch_item){
            .object = class_object(enrolment->classes[i]),
            .property = BACNET_PROP_RECIPIENT_LIST,
            .index = BACNET_INDEX_ALL,
        };
        enrolment->enrolled[i] = false;
    }
    start_fetch(enrolment, &list_ops, enrolment->count);
}

/* ---- all classes ---- */

static void got_objects(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    struct bacnet_enrolment *enrolment = fetch->user;
    struct bacnet_element element;
    struct bytes in = fetched->value;
    while (fetched->refused == 0 && bytes_left(&in) > 0 && bacnet_get_element(&in, &element) == 0) {
        if (!element.primitive) {
            continue;
        }
        if (fetched->index == 0 && element.value.type == BACNET_UNSIGNED) {
            uint64_t count = element.value.as.number;
            enrolment->listed = count < OBJECTS_MAX ? (uint32_t)count : OBJECTS_MAX;
        } else if (element.value.type == BACNET_OBJECT) {
            enrolment->told = true;
            if (element.value.as.object.type == BACNET_NOTIFICATION_CLASS) {
                add_class(enrolment, element.value.as.object.instance);
            }
        }
    }
}

static void objects_done(struct bacnet_fetch *fetch, const struct bacnet_answer *answer);

static const struct bacnet_fetch_ops object_ops = { .got = got_objects, .done = objects_done };

static void ask_objects(struct bacnet_enrolment *enrolment, uint32_t from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enrolment->items[i] = (struct bacnet_fetch_item){
            .object = { .type = BACNET_DEVICE,
                        .instance = enrolment->alarms->device->config.device },
            .property = BACNET_PROP_OBJECT_LIST,
            .index = from == BACNET_INDEX_ALL ? from : from + (uint32_t)i,
        };
    }
    start_fetch(enrolment, &object_ops, count);
}

/* The list whole; if it is too much for the device, how many elements it has, then these. */
static void objects_done(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    struct bacnet_enrolment *enrolment = fetch->user;
    bool whole = enrolment->index == BACNET_INDEX_ALL;
    if (answer != NULL && !(whole && answer->outcome == BACNET_SILENT)) {
        give_up(enrolment);
    } else if (whole && !enrolment->told) {
        enrolment->index = 1;
        ask_objects(enrolment, 0, 1);
    } else if (!whole && enrolment->index <= enrolment->listed) {
        uint32_t left = enrolment->listed - enrolment->index + 1;
        uint32_t from = enrolment->index;
        uint32_t count = left < CLASSES_MAX ? left : CLASSES_MAX;
        enrolment->index += count;
        ask_objects(enrolment, from, count);
    } else {
        look_at_lists(enrolment);
    }
}

static void look_for_classes(struct bacnet_enrolment *enrolment)
{
    enrolment->index = BACNET_INDEX_ALL;
    enrolment->listed = 0;
    enrolment->told = false;
    ask_objects(enrolment, BACNET_INDEX_ALL, 1);
}

/* ---- beginning and end ---- */

static void on_again(struct timer *timer, void *ctx)
{
    struct bacnet_enrolment *enrolment = ctx;
    (void)timer;
    bacnet_enrol_start(enrolment->alarms);
}

void bacnet_enrol_start(struct bacnet_alarm_book *alarms)
{
    const struct bacnet_device *device = alarms->device;
    if (device->peer == NULL) {
        return;
    }
    if (alarms->enrolment == NULL) {
        alarms->enrolment = busbar_alloc(sizeof(*alarms->enrolment));
        alarms->enrolment->alarms = alarms;
        timer_init(&alarms->enrolment->again, device->loop, on_again, alarms->enrolment);
    }
    struct bacnet_enrolment *enrolment = alarms->enrolment;
    if (enrolment->running) {
        return;
    }
    timer_stop(&enrolment->again);
    enrolment->running = true;
    bacnet_fetch_init(&enrolment->fetch, NULL, enrolment, device->peer);
    enrolment->fetch.timeout_us = device->config.timeout_us;
    enrolment->fetch.retries = device->config.retries;
    enrolment->fetch.no_multiple = device->learnt.no_multiple;
    if (device->config.alarms != BACNET_ALARMS_ENROL) { /* it may have been said before */
        find_leaving(enrolment);
        next(enrolment);
        return;
    }
    if (take_named(enrolment, device->config.notification_classes) || enrolment->count > 0) {
        look_at_lists(enrolment);
        return;
    }
    look_for_classes(enrolment);
}

void bacnet_enrol_stop(struct bacnet_alarm_book *alarms)
{
    struct bacnet_enrolment *enrolment = alarms->enrolment;
    if (enrolment == NULL) {
        return;
    }
    timer_stop(&enrolment->again);
    bacnet_fetch_stop(&enrolment->fetch);
    bacnet_ask_cancel(&enrolment->ask);
    busbar_free(enrolment);
    alarms->enrolment = NULL;
}
