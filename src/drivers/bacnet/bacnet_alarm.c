/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_alarm.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"

enum { SAY_MAX = 200 };

#define ROOM_MAX (BACNET_ALARM_BURST * CLOCK_US_PER_S)

/* An event on its way to the disk; it may get there after its device is gone. */
struct pending {
    struct list link;                 /* alarms->pending, or alone */
    struct bacnet_alarm_book *alarms; /* NULL: gone */
    struct bacnet_request *request;   /* NULL: nobody waits for an answer */
    uint64_t hash;
};

struct bacnet_alarm_book *bacnet_alarms_of(struct bacnet_device *device)
{
    if (device->alarms == NULL) {
        struct bacnet_alarm_book *alarms = busbar_alloc(sizeof(*alarms));
        alarms->device = device;
        alarms->room.left = ROOM_MAX;
        alarms->room.refilled_us = loop_now_us(device->loop);
        map64_init(&alarms->conditions);
        list_init(&alarms->pending);
        list_init(&alarms->acks);
        device->alarms = alarms;
    }
    return device->alarms;
}

/* ---- conditions ---- */

struct bacnet_condition *bacnet_condition_of(struct bacnet_alarm_book *alarms,
                                             struct bacnet_object object)
{
    uint64_t key = bacnet_object_number(object);
    struct bacnet_condition *condition = map64_get(&alarms->conditions, key);
    if (condition == NULL && alarms->conditions.count < BACNET_CONDITIONS_MAX) {
        condition = busbar_alloc(sizeof(*condition));
        (void)map64_set(&alarms->conditions, key, condition);
    }
    return condition;
}

void bacnet_conditions_clear(struct bacnet_alarm_book *alarms)
{
    size_t at = 0;
    void *value;
    while (map64_next(&alarms->conditions, &at, NULL, &value)) {
        busbar_free(value);
    }
    map64_fini(&alarms->conditions);
    map64_init(&alarms->conditions);
}

int bacnet_alarm_offset(const struct bacnet_alarm_book *alarms)
{
    struct tm here = { 0 };
    time_t now = (time_t)(clock_wall_us() / CLOCK_US_PER_S);
    if (alarms->offset_known || localtime_r(&now, &here) == NULL) {
        return alarms->offset_minutes;
    }
    return (int)(here.tm_gmtoff / 60);
}

/* ---- publishing ---- */

/* The point that shows the object, by its present value before any other property. NULL: none. */
static const struct point *point_of(const struct bacnet_device *device, struct bacnet_object object)
{
    size_t from;
    size_t to;
    uint32_t number = bacnet_object_number(object);
    bacnet_points_of(device, number, BACNET_PROP_PRESENT_VALUE, &from, &to);
    if (from == to) {
        bacnet_points_of(device, number, UINT32_MAX, &from, &to);
    }
    return from < to ? &device->dev->points[device->by_target[from]] : NULL;
}

int bacnet_alarm_publish(struct bacnet_alarm_book *alarms,
                         const struct bacnet_event_notification *notification, uint8_t unacked,
                         bool standing, driver_cb on_disk, void *ctx)
{
    struct bacnet_device *device = alarms->device;
    const struct point *pt = point_of(device, notification->object);
    char source[DEVICE_NAME_MAX + POINT_NAME_MAX + 2];
    str_format(source, sizeof(source), "%s%s%s", device->dev->name, pt != NULL ? "/" : "",
               pt != NULL ? pt->name : "");
    struct bacnet_alarm_about about = {
        .source = source,
        .name = pt == NULL             ? ""
                : pt->title[0] != '\0' ? pt->title
                                       : pt->name,
        .now_us = clock_wall_us(),
        .offset_minutes = bacnet_alarm_offset(alarms),
        .standing = standing,
        .unacked = unacked,
    };
    struct bacnet_alarm_event *made = busbar_alloc(sizeof(*made));
    bacnet_alarm_words(notification, &about, made);
    int error = driver_event(device->drv, device->dev, &made->event, on_disk, ctx);
    bacnet_alarm_words_fini(made);
    busbar_free(made);
    return error;
}

/* ---- again? ---- */

/* Of what makes it this happening: not of the process, for a device may have us on its list twice. */
static uint64_t hash_of(const struct bacnet_event_notification *told)
{
    uint8_t bytes[BACNET_STAMP_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    bacnet_put_stamp(&out, &told->stamp);
    uint64_t hash = hash_bytes(bytes, bytes_out_size(&out));
    const uint32_t facts[] = { bacnet_object_number(told->object), told->notify_type,
                               told->event_type, told->to_state,
                               told->has_from_state ? told->from_state + 1 : 0 };
    return hash_u64(hash ^ hash_bytes(facts, sizeof(facts))) | 1;
}

static struct bacnet_recent *find_recent(struct bacnet_alarm_book *alarms, uint64_t hash)
{
    for (size_t i = 0; i < BACNET_ALARM_RECENTS; i++) {
        if (alarms->recents[i].hash == hash) {
            return &alarms->recents[i];
        }
    }
    return NULL;
}

static void remember(struct bacnet_alarm_book *alarms, uint64_t hash)
{
    alarms->recents[alarms->next_recent] = (struct bacnet_recent){ .hash = hash,
                                                                   .state = BACNET_RECENT_WAITS };
    alarms->next_recent = (alarms->next_recent + 1) % BACNET_ALARM_RECENTS;
}

/* ---- a flood ---- */

static void say_flood(struct bacnet_alarm_book *alarms, const char *text)
{
    struct event event = { .kind = "alarm flood", .text = text, .severity = EVENT_MEDIUM };
    (void)driver_event(alarms->device->drv, alarms->device->dev, &event, NULL, NULL);
}

static void refill(struct bacnet_alarm_book *alarms)
{
    struct bacnet_alarm_room *room = &alarms->room;
    char words[SAY_MAX];
    int64_t now_us = loop_now_us(alarms->device->loop);
    int64_t full_us = (ROOM_MAX - room->left) / BACNET_ALARMS_A_SECOND;
    if (now_us - room->refilled_us >= full_us) {
        room->left = ROOM_MAX;
    } else {
        room->left += (now_us - room->refilled_us) * BACNET_ALARMS_A_SECOND;
    }
    room->refilled_us = now_us;
    if (room->dropped > 0 && room->left > ROOM_MAX / 2) {
        str_format(words, sizeof(words), "it is over; %llu notifications were dropped",
                   (unsigned long long)room->dropped);
        room->dropped = 0;
        say_flood(alarms, words);
    }
}

/* False: it is one too many. */
static bool has_room(struct bacnet_alarm_book *alarms)
{
    struct bacnet_alarm_room *room = &alarms->room;
    char words[SAY_MAX];
    refill(alarms);
    if (room->left >= CLOCK_US_PER_S) {
        room->left -= CLOCK_US_PER_S;
        return true;
    }
    if (room->dropped++ == 0) {
        str_format(
            words, sizeof(words),
            "more than %d alarms a second, and %d at once: those over it are dropped; look at the "
            "device's limits and deadbands",
            BACNET_ALARMS_A_SECOND, BACNET_ALARM_BURST);
        say_flood(alarms, words);
    }
    return false;
}

/* ---- what comes ---- */

/* Takes the transition into what is known; returns the bits that wait for an acknowledgement now. */
static uint8_t take_transition(struct bacnet_alarm_book *alarms,
                               const struct bacnet_event_notification *told)
{
    enum bacnet_transition transition = bacnet_alarm_transition(told->to_state);
    uint8_t bit = (uint8_t)(1u << transition);
    struct bacnet_condition *condition = bacnet_condition_of(alarms, told->object);
    bool wanted = told->has_ack_wanted && told->ack_wanted;
    if (condition == NULL) {
        return wanted ? bit : 0;
    }
    condition->unacked &= (uint8_t)~bit;
    if (told->notify_type != BACNET_NOTIFY_ACK) {
        condition->stamps[transition] = told->stamp;
        condition->states[transition] = told->to_state;
        condition->unacked |= wanted ? bit : 0;
    }
    return condition->unacked;
}

static void reply_to(struct bacnet_request *request, int error)
{
    if (request == NULL) {
        return;
    }
    if (error == 0) {
        bacnet_reply_ack(request);
    } else {
        bacnet_reply_none(request); /* it was not kept: it will come again */
    }
}

static void forget_recent(struct bacnet_alarm_book *alarms, uint64_t hash)
{
    struct bacnet_recent *recent = find_recent(alarms, hash);
    if (recent != NULL) {
        recent->hash = 0;
    }
}

static void on_disk(void *ctx, int error)
{
    struct pending *pending = ctx;
    reply_to(pending->request, error);
    if (pending->alarms != NULL) {
        struct bacnet_recent *recent = find_recent(pending->alarms, pending->hash);
        if (error != 0) {
            forget_recent(pending->alarms, pending->hash);
        } else if (recent != NULL) {
            recent->state = BACNET_RECENT_KEPT;
        }
    }
    list_remove(&pending->link);
    busbar_free(pending);
}

static void take(struct bacnet_alarm_book *alarms, const struct bacnet_event_notification *told,
                 struct bacnet_request *request)
{
    uint64_t hash = hash_of(told);
    const struct bacnet_recent *recent = find_recent(alarms, hash);
    if (recent != NULL) {
        reply_to(request, recent->state == BACNET_RECENT_KEPT ? 0 : BUSBAR_EBUSY);
        return;
    }
    if (!has_room(alarms)) {
        reply_to(request, BUSBAR_ELIMIT);
        return;
    }
    struct pending *pending = busbar_alloc(sizeof(*pending));
    *pending = (struct pending){ .alarms = alarms, .request = request, .hash = hash };
    list_append(&alarms->pending, &pending->link);
    uint8_t unacked = take_transition(alarms, told);
    remember(alarms, hash);
    int error = bacnet_alarm_publish(alarms, told, unacked, false, on_disk, pending);
    if (error != 0) {
        forget_recent(alarms, hash);
        list_remove(&pending->link);
        busbar_free(pending);
        reply_to(request, error);
    }
}

/* The device that it names, when it comes from there and is listened to. NULL: *stranger says whether that device is
 * somewhere else, or not configured. */
static struct bacnet_device *sender_of(struct bacnet_network *network,
                                       const struct bacnet_event_notification *told,
                                       const struct bacnet_address *from, bool *stranger)
{
    struct bacnet_device *device = told->device.type == BACNET_DEVICE
                                       ? map64_get(&network->instances, told->device.instance)
                                       : NULL;
    *stranger = false;
    while (device != NULL && (device->peer == NULL || device->config.alarms == BACNET_ALARMS_OFF)) {
        device = device->same;
    }
    if (device == NULL) {
        return NULL;
    }
    const struct bacnet_peer_facts *facts = bacnet_peer_facts(device->peer);
    *stranger = !facts->found || !bacnet_address_equal(&facts->address, from);
    return *stranger ? NULL : device;
}

static void say_stranger(struct bacnet_network *network,
                         const struct bacnet_event_notification *told, struct bytes data)
{
    const struct bacnet_device *device = map64_get(&network->instances, told->device.instance);
    if (device != NULL) {
        driver_bad_frame(device->dev, data.start, (size_t)(data.end - data.start),
                         "an alarm from another address than the device's");
    }
}

/* One of a device that is not configured, or not listened to. */
static void count_unknown(struct bacnet_network *network,
                          const struct bacnet_event_notification *told)
{
    if (network->unknown_events++ == 0) {
        busbar_log(LOG_LEVEL_INFO, "bacnet", NULL,
                   "device %u sends alarms, and is not configured or has 'alarms: off'",
                   told->device.instance);
    }
    network->unknown_sender = told->device.instance;
}

void bacnet_event_told(struct bacnet_network *network, const struct bacnet_notice *notice)
{
    struct bacnet_event_notification told;
    struct bytes in = notice->data;
    bool stranger;
    if (bacnet_get_event_notification(&in, &told) != 0) {
        return;
    }
    struct bacnet_device *device = sender_of(network, &told, notice->from, &stranger);
    if (device != NULL) {
        take(bacnet_alarms_of(device), &told, NULL);
    } else if (stranger) {
        say_stranger(network, &told, notice->data);
    } else {
        count_unknown(network, &told);
    }
}

void bacnet_event_asked(struct bacnet_network *network, struct bacnet_request *request)
{
    struct bacnet_event_notification told;
    struct bytes in = request->data;
    bool stranger;
    if (bacnet_get_event_notification(&in, &told) != 0) {
        bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
        return;
    }
    struct bacnet_device *device = sender_of(network, &told, request->from, &stranger);
    if (device != NULL) {
        take(bacnet_alarms_of(device), &told, request);
    } else if (stranger) {
        say_stranger(network, &told, request->data);
        bacnet_reply_none(request);
    } else {
        count_unknown(network, &told);
        bacnet_reply_error(request, BACNET_CLASS_SERVICES, BACNET_ERROR_SERVICE_REQUEST_DENIED);
    }
}

/* ---- life ---- */

void bacnet_alarm_start(struct bacnet_device *device)
{
    if (device->config.alarms != BACNET_ALARMS_OFF) {
        bacnet_standing_start(bacnet_alarms_of(device));
    } else {
        bacnet_enrol_start(bacnet_alarms_of(device)); /* leaves what it was in */
    }
}

void bacnet_alarm_down(struct bacnet_device *device)
{
    if (device->alarms != NULL) {
        bacnet_standing_stop(device->alarms);
        bacnet_enrol_stop(device->alarms);
        bacnet_acks_stop(device->alarms, BUSBAR_ENOTCONN);
    }
}

void bacnet_alarm_free(struct bacnet_device *device)
{
    struct bacnet_alarm_book *alarms = device->alarms;
    if (alarms == NULL) {
        return;
    }
    list_each_safe(at, &alarms->pending) {
        struct pending *pending = list_entry(at, struct pending, link);
        pending->alarms = NULL;
        list_remove(&pending->link);
        list_init(&pending->link);
    }
    bacnet_conditions_clear(alarms);
    map64_fini(&alarms->conditions);
    busbar_free(alarms);
    device->alarms = NULL;
}
