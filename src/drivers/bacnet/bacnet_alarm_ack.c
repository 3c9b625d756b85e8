/* SPDX-License-Identifier: Apache-2.0 */
/* AcknowledgeAlarm (clause 13.5). A person acknowledges a condition, BACnet each transition of it: all that wait are
 * acknowledged, one after the other, the oldest kind first. What is not known any more (busbar was restarted, the
 * device has not told yet) comes out of the event itself.
 *
 * A device that knows no such transition (any more) refuses: it went while busbar did not listen, or was acknowledged
 * elsewhere. Then it settles the event all the same, for nobody could ever acknowledge it. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_alarm.h"
#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/wire/apdu.h"

enum { WHO_MAX = 200 };

struct transition {
    uint8_t bit; /* of the condition; 0: it is not known there */
    uint32_t state;
    struct bacnet_stamp stamp;
};

struct running {
    struct list link; /* alarms->acks */
    struct bacnet_alarm_book *alarms;
    struct driver_acknowledge *ack;
    struct bacnet_object object;
    struct transition todo[BACNET_TRANSITIONS];
    size_t count, at;
    struct bacnet_ask ask;
    uint8_t data[BACNET_ACKNOWLEDGE_ALARM_MAX + WHO_MAX];
};

static void end(struct running *running, int error, uint16_t detail)
{
    struct device *dev = running->alarms->device->dev;
    struct driver_acknowledge *ack = running->ack;
    bacnet_ask_cancel(&running->ask);
    list_remove(&running->link);
    busbar_free(running);
    driver_acknowledged(dev, ack, error, detail);
}

static void collect(struct running *running, const struct bacnet_alarm_key *key)
{
    const struct bacnet_condition *condition = map64_get(&running->alarms->conditions,
                                                         bacnet_object_number(key->object));
    for (unsigned t = 0; condition != NULL && t < BACNET_TRANSITIONS; t++) {
        if ((condition->unacked & 1u << t) != 0) {
            running->todo[running->count++] = (struct transition){ .bit = (uint8_t)(1u << t),
                                                                   .state = condition->states[t],
                                                                   .stamp = condition->stamps[t] };
        }
    }
    if (running->count == 0) {
        running->todo[running->count++] = (struct transition){ .state = key->state,
                                                               .stamp = key->stamp };
    }
}

/* "novak: filter changed", as much of it as fits. */
static size_t put_who(const struct driver_acknowledge *ack, char who[WHO_MAX])
{
    const char *note = ack->note != NULL ? ack->note : "";
    char text[2 * WHO_MAX];
    str_format(text, sizeof(text), "%s%s%s", ack->who, note[0] != '\0' ? ": " : "", note);
    (void)str_copy(who, WHO_MAX, text);
    return strlen(who);
}

static void on_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer);

static void send_one(struct running *running)
{
    const struct bacnet_device *device = running->alarms->device;
    const struct transition *next = &running->todo[running->at];
    char who[WHO_MAX];
    size_t size = put_who(running->ack, who);
    struct bacnet_acknowledge_alarm alarm = {
        .process = BACNET_ALARM_PROCESS,
        .object = running->object,
        .state = next->state,
        .event = next->stamp,
        .who = { .type = BACNET_CHARACTERS,
                 .as.block = { .data = (const uint8_t *)who, .size = (uint32_t)size } },
        .now = { .kind = BACNET_STAMP_DATETIME },
    };
    (void)bacnet_datetime_of(clock_wall_us(), bacnet_alarm_offset(running->alarms), &alarm.now.at);
    struct bytes_out out = bytes_out_of(running->data, sizeof(running->data));
    bacnet_put_acknowledge_alarm(&out, &alarm);
    running->ask.urgent = true;
    running->ask.answered = on_answered;
    running->ask.user = running;
    bacnet_device_ask(device, &running->ask, BACNET_ACKNOWLEDGE_ALARM, running->data,
                      bytes_out_size(&out));
}

static void settle(const struct running *running)
{
    const struct bacnet_device *device = running->alarms->device;
    const struct event *of = running->ack->event;
    struct event event = {
        .source = of->source,
        .kind = "acknowledged",
        .text = "the device does not wait for this acknowledgement any more",
        .key = of->key,
        .once = "",
    };
    (void)driver_event(device->drv, device->dev, &event, NULL, NULL);
}

static void on_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct running *running = ask->user;
    const struct transition *done = &running->todo[running->at];
    switch (answer->outcome) {
    case BACNET_ACKED: {
        struct bacnet_condition *condition = map64_get(&running->alarms->conditions,
                                                       bacnet_object_number(running->object));
        if (condition != NULL) {
            condition->unacked &= (uint8_t)~done->bit;
        }
        running->at++;
        if (running->at < running->count) {
            send_one(running);
        } else {
            end(running, 0, 0);
        }
        break;
    }
    case BACNET_ERRORED:
        if (answer->error_code == BACNET_ERROR_INVALID_TIMESTAMP ||
            answer->error_code == BACNET_ERROR_INVALID_EVENT_STATE) {
            settle(running);
        }
        end(running, BUSBAR_EREFUSED, bacnet_detail_answer(answer));
        break;
    case BACNET_REJECTED:
    case BACNET_ABORTED: end(running, BUSBAR_EREFUSED, bacnet_detail_answer(answer)); break;
    case BACNET_CANCELED: end(running, BUSBAR_ECANCELED, 0); break;
    case BACNET_SILENT: end(running, BUSBAR_ETIMEOUT, 0); break;
    default: end(running, BUSBAR_ENOTCONN, 0); break;
    }
}

void bacnet_alarm_acknowledge(struct device *dev, struct driver_acknowledge *ack)
{
    struct bacnet_device *device = bacnet_device_of(dev);
    struct bacnet_alarm_key key;
    if (!bacnet_alarm_key(ack->event, &key)) {
        driver_acknowledged(dev, ack, BUSBAR_EINVAL, 0);
        return;
    }
    if (device->peer == NULL || device->link != BACNET_LINK_UP) {
        driver_acknowledged(dev, ack, BUSBAR_ENOTCONN, 0);
        return;
    }
    struct running *running = busbar_alloc(sizeof(*running));
    running->alarms = bacnet_alarms_of(device);
    running->ack = ack;
    running->object = key.object;
    list_append(&running->alarms->acks, &running->link);
    collect(running, &key);
    send_one(running);
}

void bacnet_acks_stop(struct bacnet_alarm_book *alarms, int error)
{
    while (!list_empty(&alarms->acks)) {
        end(list_entry(alarms->acks.next, struct running, link), error, 0);
    }
}
