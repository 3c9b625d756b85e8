/* SPDX-License-Identifier: Apache-2.0 */
/* Event notifications with the values of all kinds, AcknowledgeAlarm, GetEventInformation, GetAlarmSummary,
 * changes of lists. First byte: which. */
#include "bacnet_again.h"

#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/event_information.h"
#include "drivers/bacnet/service/event_notification.h"
#include "drivers/bacnet/service/list_element.h"
#include "drivers/bacnet/service/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_into(const struct bacnet_event_field *field)
{
    struct bytes inside = field->inside;
    struct bacnet_property_state state;
    struct bacnet_reference reference;
    struct bacnet_element element;
    if (!field->given) {
        return;
    }
    switch (field->form->kind) {
    case BACNET_FIELD_STATE:
        if (bacnet_get_property_state(inside, &state) == 0) {
            uint8_t memory[BACNET_NUMBER_MAX];
            struct bytes_out out = bytes_out_of(memory, sizeof(memory));
            bacnet_put_property_state(&out, &state);
        }
        break;
    case BACNET_FIELD_REFERENCE: (void)bacnet_get_reference(&inside, &reference); break;
    case BACNET_FIELD_ANY:
        while (bytes_left(&inside) > 0 && bacnet_get_element(&inside, &element) == 0) {
        }
        break;
    default: break;
    }
}

static int again_event(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_event_notification event;
    int error = bacnet_get_event_notification(in, &event);
    if (error == 0) {
        for (size_t i = 0; i < event.values.count; i++) {
            look_into(&event.values.fields[i]);
        }
        bacnet_put_event_notification(out, &event);
    }
    return error;
}

static int again_acknowledge(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_acknowledge_alarm ack;
    int error = bacnet_get_acknowledge_alarm(in, &ack);
    if (error == 0) {
        bacnet_put_acknowledge_alarm(out, &ack);
    }
    return error;
}

static int again_information(struct bytes *in, struct bytes_out *out)
{
    struct bytes summaries;
    bool more;
    if (bacnet_get_event_information(in, &summaries, &more) != 0) {
        return BUSBAR_EPROTO;
    }
    bacnet_put_event_information_begin(out);
    while (bytes_left(&summaries) > 0) {
        struct bacnet_event_summary summary;
        if (bacnet_get_event_summary(&summaries, &summary) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_event_summary(out, &summary);
    }
    bacnet_put_event_information_end(out, more);
    return 0;
}

static int again_alarms(struct bytes *in, struct bytes_out *out)
{
    while (bytes_left(in) > 0) {
        struct bacnet_alarm_summary summary;
        if (bacnet_get_alarm_summary(in, &summary) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_alarm_summary(out, &summary);
    }
    return 0;
}

static int again_list_element(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_list_element ask;
    int error = bacnet_get_list_element(in, &ask);
    if (error == 0) {
        bacnet_put_list_element(out, &ask);
    }
    return error;
}

static int again_destinations(struct bytes *in, struct bytes_out *out)
{
    while (bytes_left(in) > 0) {
        struct bacnet_destination destination;
        if (bacnet_get_destination(in, &destination) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_destination(out, &destination);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const again_fn agains[] = { again_event,  again_acknowledge,  again_information,
                                       again_alarms, again_list_element, again_destinations };
    return again_choose(agains, sizeof(agains) / sizeof(agains[0]), data, size);
}
