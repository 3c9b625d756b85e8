/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/opcua_alarm.h"

#include <string.h>

#include "base/alloc.h"
#include "drivers/opcua/data/alarm.h"
#include "drivers/opcua/opcua_device.h"

struct acknowledging {
    struct opcua_ack ack;
    struct opcua_thread *thread;
    struct device *dev;
    struct driver_acknowledge *asked;
    char *comment;
};

static void ack_is_home(void *ctx)
{
    struct acknowledging *acknowledging = ctx;
    driver_acknowledged(acknowledging->dev, acknowledging->asked, acknowledging->ack.error,
                        acknowledging->ack.detail);
    busbar_free(acknowledging->comment);
    busbar_free(acknowledging);
}

/* OPC UA thread. */
static void ack_answered(struct opcua_ack *ack)
{
    struct acknowledging *acknowledging = ack->home;
    opcua_thread_tell(acknowledging->thread, ack_is_home, acknowledging);
}

static const struct event_argument *argument_of(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->argument_count; i++) {
        if (strcmp(event->arguments[i].name, name) == 0) {
            return &event->arguments[i];
        }
    }
    return NULL;
}

static const char *text_argument(const struct event *event, const char *name)
{
    const struct event_argument *argument = argument_of(event, name);
    return argument != NULL && argument->type == VALUE_TEXT ? argument->value.text->bytes : "";
}

static bool is_acked(const struct event *event)
{
    const struct event_argument *argument = argument_of(event, OPCUA_ARGUMENT_ACKED);
    return argument != NULL && argument->type == VALUE_BOOL && argument->value.b;
}

/* The server's journal has who by our session's user only: the person is named in the comment. */
static char *comment_of(const struct driver_acknowledge *ack)
{
    struct buf text;
    buf_init(&text, EVENT_TEXT_MAX);
    buf_printf(&text, "%s%s%s", ack->note, ack->note[0] != '\0' && ack->who[0] != '\0' ? " - " : "",
               ack->who);
    char *copy = busbar_strdup(buf_text(&text));
    buf_fini(&text);
    return copy;
}

void opcua_alarm_acknowledge(struct device *dev, struct driver_acknowledge *ack)
{
    struct opcua_thread *thread = opcua_device_thread(dev);
    struct opcua_peer *peer = opcua_device_peer(dev);
    if (peer == NULL) {
        driver_acknowledged(dev, ack, BUSBAR_ENOTCONN, 0);
        return;
    }
    struct acknowledging *acknowledging = busbar_alloc(sizeof(*acknowledging));
    *acknowledging = (struct acknowledging){ .thread = thread, .dev = dev, .asked = ack };
    acknowledging->comment = comment_of(ack);
    acknowledging->ack = (struct opcua_ack){
        .peer = peer,
        .key = ack->event->key,
        .condition = text_argument(ack->event, OPCUA_ARGUMENT_CONDITION),
        .event_id = text_argument(ack->event, OPCUA_ARGUMENT_EVENT),
        .acked = is_acked(ack->event),
        .comment = acknowledging->comment,
        .answered = ack_answered,
        .home = acknowledging,
    };
    opcua_thread_do(thread, opcua_alarm_ack, &acknowledging->ack);
}
