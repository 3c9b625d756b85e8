/* SPDX-License-Identifier: Apache-2.0 */
/* Event notifications (ASHRAE 135, clause 13) to the recipients of the notification class, confirmed or not;
 * their acknowledgement; and what is in alarm now. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/event_information.h"
#include "drivers/bacnet/service/event_notification.h"
#include "drivers/bacnet/wire/names.h"
#include "sim/sim_bacnet.h"
#include "sim/sim_bacnet_property.h"
#include "sim/sim_bacnet_service.h"

enum { NOTE_MAX = 512, NOTE_RETRIES = 3, SUMMARIES_AT_ONCE = 100, HOUR_MS = 3600 * 1000 };

/* A confirmed notification under way. */
struct note {
    struct list link; /* served->notes */
    struct sim_bacnet_served *served;
    struct bacnet_peer *peer;
    struct bacnet_ask ask;
    uint8_t data[NOTE_MAX];
};

static void note_free(struct note *note)
{
    bacnet_ask_cancel(&note->ask);
    bacnet_peer_release(note->peer);
    list_remove(&note->link);
    note->served->note_count--;
    busbar_free(note);
}

static void note_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    (void)answer;
    note_free(ask->user);
}

void sim_bacnet_events_forget(struct sim_bacnet_served *served)
{
    list_each_safe(at, &served->notes) {
        note_free(list_entry(at, struct note, link));
    }
}

void sim_bacnet_events_look(struct sim_bacnet_served *served)
{
    struct sim_bacnet_device *bd = &served->device;
    for (uint32_t i = 0; i < bd->object_count && bd->recipient_count > 0; i++) {
        sim_bacnet_alarm_look(bd, &bd->objects[i], clock_wall_us());
    }
}

/* ---- what is said ---- */

static void put_values(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                       int64_t wall_us, uint8_t to, uint8_t inside[16],
                       struct bacnet_event_values *values)
{
    struct sim_bacnet_reading reading;
    uint8_t flags = (uint8_t)(sim_bacnet_status(obj));
    static const uint8_t bits[16] = { 0x00, 0x80, 0x40, 0xc0, 0x20, 0xa0, 0x60, 0xe0,
                                      0x10, 0x90, 0x50, 0xd0, 0x30, 0xb0, 0x70, 0xf0 };
    struct bacnet_value status = { .type = BACNET_BITS };
    status.as.block.data = &bits[flags & 0xf];
    status.as.block.size = 1;
    status.as.block.set = 4;
    sim_bacnet_present(bd, obj, wall_us, &reading);
    if ((obj->sets & SIM_BACNET_LIMITED) != 0) {
        bacnet_event_values_init(values, BACNET_EVENT_OUT_OF_RANGE);
        values->fields[0].value.as.real = (float)reading.value.d;
        values->fields[1].value = status;
        values->fields[2].value.as.real = obj->alarm->deadband;
        bool low = to == BACNET_STATE_LOW_LIMIT;
        values->fields[3].value.as.real = low ? obj->alarm->low : obj->alarm->high;
        return;
    }
    struct bytes_out out = bytes_out_of(inside, 16);
    struct bacnet_property_state state = {
        .choice = 1, /* binary present value */
        .type = BACNET_ENUMERATED,
        .number = (uint64_t)reading.value.i,
    };
    bacnet_event_values_init(values, BACNET_EVENT_CHANGE_OF_STATE);
    bacnet_put_property_state(&out, &state);
    values->fields[0].inside = bytes_of(inside, bytes_out_size(&out));
    values->fields[1].value = status;
}

static void say(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj, uint8_t to,
                char *text, size_t size)
{
    char name[SIM_BACNET_TEXT_MAX], state[BACNET_NAME_TEXT_MAX];
    sim_bacnet_name(bd, obj, name, sizeof(name));
    bacnet_format_name(state, sizeof(state), BACNET_LIST_EVENT_STATES, to);
    str_format(text, size, "%.80s of %.80s: %s", name, bd->dev->name, state);
}

/* A notification, but for the recipient's process. */
struct happening {
    struct sim_bacnet_object *obj;
    uint8_t from, to;
    uint8_t notify_type;
    int64_t wall_us;
};

static size_t put_note(const struct sim_bacnet_device *bd, const struct happening *happened,
                       uint32_t process, uint8_t note[NOTE_MAX])
{
    struct bytes_out out = bytes_out_of(note, NOTE_MAX);
    struct sim_bacnet_object *obj = happened->obj;
    unsigned transition = sim_bacnet_transition(happened->to);
    uint8_t inside[16];
    char text[200];
    bool ack = happened->notify_type == BACNET_NOTIFY_ACK;
    bool limited = (obj->sets & SIM_BACNET_LIMITED) != 0;
    struct bacnet_event_notification event = {
        .process = process,
        .device = { .type = BACNET_DEVICE, .instance = bd->instance },
        .object = obj->id,
        .stamp = sim_bacnet_stamp(bd, happened->wall_us),
        .notification_class = SIM_BACNET_CLASS,
        .priority = sim_bacnet_priorities[transition],
        .event_type = limited ? BACNET_EVENT_OUT_OF_RANGE : BACNET_EVENT_CHANGE_OF_STATE,
        .has_text = true,
        .notify_type = happened->notify_type,
        .has_ack_wanted = !ack,
        .ack_wanted = (SIM_BACNET_ACK_REQUIRED >> transition & 1) != 0,
        .has_from_state = !ack,
        .from_state = happened->from,
        .to_state = happened->to,
        .values = { .choice = BACNET_EVENT_NO_VALUES },
    };
    say(bd, obj, happened->to, text, sizeof(text));
    event.text.type = BACNET_CHARACTERS;
    event.text.as.block.data = (const uint8_t *)text;
    event.text.as.block.size = (uint32_t)strlen(text);
    if (!ack) {
        uint8_t which = happened->to == BACNET_STATE_NORMAL ? happened->from : happened->to;
        put_values(bd, obj, happened->wall_us, which, inside, &event.values);
    }
    bacnet_put_event_notification(&out, &event);
    return bytes_out_size(&out);
}

/* ---- to whom ---- */

static int64_t ms_of_day(const struct bacnet_time *time, int fallback)
{
    if (time->hour == BACNET_ANY) {
        return fallback;
    }
    int64_t minute = time->minute == BACNET_ANY ? 0 : time->minute;
    int64_t second = time->second == BACNET_ANY ? 0 : time->second;
    return (int64_t)time->hour * HOUR_MS + minute * 60000 + second * 1000;
}

static bool is_for(const struct sim_bacnet_device *bd, const struct bacnet_destination *to,
                   unsigned transition, int64_t wall_us)
{
    struct bacnet_stamp now = sim_bacnet_stamp(bd, wall_us);
    int64_t now_ms = ms_of_day(&now.at.time, 0);
    bool day = (to->days >> (now.at.date.weekday - 1) & 1) != 0;
    return day && (to->transitions >> transition & 1) != 0 && now_ms >= ms_of_day(&to->from, 0) &&
           now_ms <= ms_of_day(&to->to, 24 * HOUR_MS);
}

/* By its address; or by its number, which is taken to be whoever wrote the list. */
static bool address_of(const struct sim_bacnet_served *served, const struct bacnet_destination *to,
                       struct bacnet_address *address)
{
    if (!to->by_address) {
        *address = served->writer;
        return address->ip.family != 0 || address->network != 0;
    }
    *address = (struct bacnet_address){ .network = to->network };
    if (to->network == 0 && to->mac_size == 6) {
        address->ip.family = 4;
        memcpy(address->ip.ip, to->mac, 4);
        address->ip.port = (uint16_t)(to->mac[4] << 8 | to->mac[5]);
        return true;
    }
    address->mac_size = to->mac_size;
    memcpy(address->mac, to->mac, to->mac_size);
    return to->network != 0;
}

static void send_confirmed(struct sim_bacnet_served *served, const struct bacnet_address *to,
                           const uint8_t *data, size_t size)
{
    const struct bacnet_address *source = sim_bacnet_source(served);
    struct bacnet_peer_config config = {
        .instance = BACNET_INSTANCE_MAX,
        .address = *to,
        .source = source != NULL ? *source : (struct bacnet_address){ .network = 0 },
    };
    if (served->note_count >= SIM_BACNET_NOTES) {
        return;
    }
    struct note *note = busbar_alloc(sizeof(*note));
    note->served = served;
    served->note_count++;
    list_append(&served->notes, &note->link);
    memcpy(note->data, data, size);
    note->peer = bacnet_peer_get(served->port->node, &config);
    note->ask = (struct bacnet_ask){
        .service = BACNET_CONFIRMED_EVENT,
        .data = note->data,
        .size = size,
        .retries = NOTE_RETRIES,
        .answered = note_answered,
        .user = note,
    };
    bacnet_ask(note->peer, &note->ask);
}

static void notify(struct sim_bacnet_served *served, const struct happening *happened)
{
    struct sim_bacnet_device *bd = &served->device;
    unsigned transition = sim_bacnet_transition(happened->to);
    if (sim_bacnet_is_mute(served)) {
        return;
    }
    for (uint32_t i = 0; i < bd->recipient_count; i++) {
        const struct bacnet_destination *to = &bd->recipients[i];
        struct bacnet_address address;
        uint8_t data[NOTE_MAX];
        if (!is_for(bd, to, transition, happened->wall_us) || !address_of(served, to, &address)) {
            continue;
        }
        size_t size = put_note(bd, happened, to->process, data);
        if (to->confirmed) {
            send_confirmed(served, &address, data, size);
        } else {
            (void)bacnet_tell(served->port->node, sim_bacnet_source(served), &address,
                              BACNET_UNCONFIRMED_EVENT, data, size);
        }
    }
}

void sim_bacnet_event_happened(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                               uint8_t from, uint8_t to, int64_t wall_us)
{
    struct happening happened = {
        .obj = obj,
        .from = from,
        .to = to,
        .notify_type = BACNET_NOTIFY_ALARM,
        .wall_us = wall_us,
    };
    notify(bd->owner, &happened);
}

/* ---- acknowledgement ---- */

uint32_t sim_bacnet_acknowledge(struct sim_bacnet_served *served,
                                const struct bacnet_acknowledge_alarm *ack)
{
    struct sim_bacnet_device *bd = &served->device;
    struct sim_bacnet_object *obj = sim_bacnet_object(bd, ack->object);
    if (obj == NULL) {
        return SIM_BACNET_ERROR(OBJECT, UNKNOWN_OBJECT);
    }
    if (obj->alarm == NULL) {
        return SIM_BACNET_ERROR(OBJECT, NO_ALARM_CONFIGURED);
    }
    unsigned transition = sim_bacnet_transition((uint8_t)ack->state);
    struct bacnet_stamp stamp = sim_bacnet_stamp(bd, obj->alarm->stamps_us[transition]);
    if (!bacnet_stamp_equal(&stamp, &ack->event)) {
        return SIM_BACNET_ERROR(SERVICES, INVALID_TIMESTAMP);
    }
    if (obj->alarm->states[transition] != ack->state) {
        return SIM_BACNET_ERROR(SERVICES, INVALID_EVENT_STATE);
    }
    obj->alarm->acked = (uint8_t)(obj->alarm->acked | 1u << transition);
    struct happening happened = {
        .obj = obj,
        .to = (uint8_t)ack->state,
        .notify_type = BACNET_NOTIFY_ACK,
        .wall_us = clock_wall_us(),
    };
    notify(served, &happened);
    return 0;
}

/* ---- what is in alarm, or waits ---- */

static bool is_active(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj)
{
    sim_bacnet_alarm_look(bd, obj, clock_wall_us());
    return obj->alarm != NULL &&
           (obj->alarm->state != BACNET_STATE_NORMAL || obj->alarm->acked != 7);
}

static void put_summary(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                        struct bytes_out *out)
{
    struct bacnet_event_summary summary = {
        .object = obj->id,
        .state = obj->alarm->state,
        .acknowledged = obj->alarm->acked,
        .notify_type = BACNET_NOTIFY_ALARM,
        .enabled = obj->alarm->event_enable,
    };
    for (unsigned i = 0; i < BACNET_TRANSITIONS; i++) {
        summary.stamps[i] = sim_bacnet_stamp(bd, obj->alarm->stamps_us[i]);
        summary.priorities[i] = sim_bacnet_priorities[i];
    }
    bacnet_put_event_summary(out, &summary);
}

void sim_bacnet_event_information(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct sim_bacnet_device *bd = &served->device;
    struct bytes_out out = bytes_out_of(served->state->answer, SIM_BACNET_ANSWER_MAX);
    struct bacnet_object after;
    bool has_after, more = false;
    unsigned count = 0;
    if (bacnet_get_event_information_ask(&request->data, &has_after, &after) != 0) {
        bacnet_reply_reject(request, BACNET_REJECT_INVALID_TAG);
        return;
    }
    size_t bytes_max = request->segmented ? (size_t)SUMMARIES_AT_ONCE * BACNET_EVENT_SUMMARY_MAX
                                          : (size_t)request->max_apdu - 16;
    bacnet_put_event_information_begin(&out);
    for (uint32_t i = 0; i < bd->object_count && !more; i++) {
        struct sim_bacnet_object *obj = &bd->objects[i];
        bool passed = has_after && bacnet_object_number(obj->id) <= bacnet_object_number(after);
        if (passed || !is_active(bd, obj)) {
            continue;
        }
        more = count > 0 && bytes_out_size(&out) + BACNET_EVENT_SUMMARY_MAX > bytes_max;
        if (!more) {
            put_summary(bd, obj, &out);
            count++;
        }
    }
    bacnet_put_event_information_end(&out, more);
    bacnet_reply_data(request, out.start, bytes_out_size(&out));
}

void sim_bacnet_alarm_summary(struct sim_bacnet_served *served, struct bacnet_request *request)
{
    struct sim_bacnet_device *bd = &served->device;
    struct bytes_out out = bytes_out_of(served->state->answer, SIM_BACNET_ANSWER_MAX);
    for (uint32_t i = 0; i < bd->object_count; i++) {
        struct sim_bacnet_object *obj = &bd->objects[i];
        if (!is_active(bd, obj) || obj->alarm->state == BACNET_STATE_NORMAL ||
            bytes_out_left(&out) < BACNET_ALARM_SUMMARY_MAX) {
            continue;
        }
        struct bacnet_alarm_summary summary = {
            .object = obj->id,
            .state = obj->alarm->state,
            .acknowledged = obj->alarm->acked,
        };
        bacnet_put_alarm_summary(&out, &summary);
    }
    bacnet_reply_data(request, out.start, bytes_out_size(&out));
}
