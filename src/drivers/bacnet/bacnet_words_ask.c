/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in words: what is asked, told or wanted. */
#include "drivers/bacnet/bacnet_words_parts.h"
#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/event_information.h"
#include "drivers/bacnet/service/event_notification.h"
#include "drivers/bacnet/service/list_element.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/read_range.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/service/time_sync.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/service/write_property.h"
#include "drivers/bacnet/wire/text.h"

/* ---- reading and writing ---- */

static void read_one(struct bytes in, struct buf *out)
{
    struct bacnet_read_property read;
    buf_append_byte(out, ' ');
    if (bacnet_get_read_property(&in, &read) != 0) {
        bacnet_words_cut(out);
        return;
    }
    bacnet_words_property(read.object, read.property, read.index, out);
}

static void read_many(struct bytes in, struct buf *out)
{
    struct bacnet_object object;
    struct bytes references;
    struct bacnet_property_reference reference;
    unsigned objects = 0;
    unsigned properties = 0;
    struct buf names;
    buf_init(&names, 512);
    while (bytes_left(&in) > 0 && bacnet_get_read_specification(&in, &object, &references) == 0) {
        while (bytes_left(&references) > 0 &&
               bacnet_get_property_reference(&references, &reference) == 0) {
            if (properties++ < BACNET_WORDS_SHOWN) {
                buf_append_text(&names, properties > 1 ? ", " : ": ");
                bacnet_words_property(object, reference.property, reference.index, &names);
            }
        }
        objects++;
    }
    buf_printf(out, ", %u propert%s of %u object%s%s%s", properties, properties == 1 ? "y" : "ies",
               objects, objects == 1 ? "" : "s", buf_text(&names),
               properties > BACNET_WORDS_SHOWN ? " ..." : "");
    buf_fini(&names);
    if (bytes_short(&in)) {
        bacnet_words_cut(out);
    }
}

static void print_written(struct bacnet_object object, const struct bacnet_property_value *value,
                          struct buf *out)
{
    bacnet_words_property(object, value->property, value->index, out);
    buf_append_text(out, " = ");
    bacnet_words_value(object, value->property, value->value, out);
    if (value->priority != 0) {
        buf_printf(out, " at priority %u", value->priority);
    }
}

static void write_one(struct bytes in, struct buf *out)
{
    struct bacnet_object object;
    struct bacnet_property_value value;
    buf_append_byte(out, ' ');
    if (bacnet_get_write_property(&in, &object, &value) != 0) {
        bacnet_words_cut(out);
        return;
    }
    print_written(object, &value, out);
}

static void write_many(struct bytes in, struct buf *out)
{
    struct bacnet_object object;
    struct bytes values;
    struct bacnet_property_value value;
    unsigned shown = 0;
    while (bytes_left(&in) > 0 && bacnet_get_write_specification(&in, &object, &values) == 0) {
        while (bytes_left(&values) > 0 && bacnet_get_property_value(&values, &value) == 0) {
            if (shown++ < BACNET_WORDS_SHOWN) {
                buf_append_text(out, shown > 1 ? ", " : " ");
                print_written(object, &value, out);
            }
        }
    }
    buf_append_text(out, shown > BACNET_WORDS_SHOWN ? " ..." : "");
}

static void subscribe(struct bytes in, bool property, struct buf *out)
{
    struct bacnet_subscribe_cov ask;
    int error = property ? bacnet_get_subscribe_cov_property(&in, &ask)
                         : bacnet_get_subscribe_cov(&in, &ask);
    buf_append_byte(out, ' ');
    if (error != 0) {
        bacnet_words_cut(out);
        return;
    }
    bacnet_words_property(ask.object, property ? ask.property.property : BACNET_PROP_PRESENT_VALUE,
                          property ? ask.property.index : BACNET_INDEX_ALL, out);
    if (ask.cancel) {
        buf_append_text(out, ": cancel");
        return;
    }
    buf_printf(out, " for %u s, %sconfirmed", ask.lifetime_s, ask.confirmed ? "" : "un");
    if (ask.has_increment) {
        buf_printf(out, ", increment %g", (double)ask.increment);
    }
}

static void notified(struct bytes in, struct buf *out)
{
    struct bacnet_cov cov;
    struct bytes values;
    struct bacnet_property_value value;
    if (bacnet_get_cov(&in, &cov, &values) != 0) {
        bacnet_words_cut(out);
        return;
    }
    buf_printf(out, " of device %u:", cov.device);
    for (unsigned i = 0; bytes_left(&values) > 0; i++) {
        if (bacnet_get_property_value(&values, &value) != 0) {
            bacnet_words_cut(out);
            return;
        }
        buf_append_text(out, i > 0 ? ", " : " ");
        print_written(cov.object, &value, out);
    }
    buf_printf(out, ", %u s left", cov.left_s);
}

static void who_is(struct bytes in, struct buf *out)
{
    struct bacnet_who_is who;
    if (bacnet_get_who_is(&in, &who) != 0) {
        bacnet_words_cut(out);
    } else if (who.low == 0 && who.high == BACNET_INSTANCE_MAX) {
        buf_append_text(out, ": all devices");
    } else if (who.low == who.high) {
        buf_printf(out, ": device %u", who.low);
    } else {
        buf_printf(out, ": devices %u to %u", who.low, who.high);
    }
}

static void i_am(struct bytes in, struct buf *out)
{
    struct bacnet_i_am who;
    if (bacnet_get_i_am(&in, &who) != 0) {
        bacnet_words_cut(out);
        return;
    }
    buf_printf(out, ": device %u, up to %u bytes, ", who.instance, who.max_apdu);
    bacnet_words_name(BACNET_LIST_SEGMENTATION, who.segmentation, out);
    buf_printf(out, ", vendor %u", who.vendor);
}

/* ---- alarms and logs ---- */

static void event(struct bytes in, struct buf *out)
{
    struct bacnet_event_notification event;
    if (bacnet_get_event_notification(&in, &event) != 0) {
        bacnet_words_cut(out);
        return;
    }
    buf_printf(out, " of device %u: ", event.device.instance);
    bacnet_words_object(event.object, out);
    if (event.notify_type == BACNET_NOTIFY_ACK) {
        buf_append_text(out, ", acknowledged: ");
    } else if (event.has_from_state) {
        buf_append_byte(out, ' ');
        bacnet_words_name(BACNET_LIST_EVENT_STATES, event.from_state, out);
        buf_append_text(out, " to ");
    } else {
        buf_append_byte(out, ' ');
    }
    bacnet_words_name(BACNET_LIST_EVENT_STATES, event.to_state, out);
    buf_append_text(out, ", ");
    bacnet_words_name(BACNET_LIST_EVENT_TYPES, event.event_type, out);
    buf_printf(out, ", class %u, priority %u", event.notification_class, event.priority);
    if (event.has_text) {
        buf_append_text(out, ", \"");
        (void)bacnet_print_characters(&event.text, out);
        buf_append_byte(out, '"');
    }
    if (event.has_ack_wanted && event.ack_wanted) {
        buf_append_text(out, ", wants an acknowledgement");
    }
}

static void acknowledge(struct bytes in, struct buf *out)
{
    struct bacnet_acknowledge_alarm ack;
    if (bacnet_get_acknowledge_alarm(&in, &ack) != 0) {
        bacnet_words_cut(out);
        return;
    }
    buf_append_byte(out, ' ');
    bacnet_words_object(ack.object, out);
    buf_append_byte(out, ' ');
    bacnet_words_name(BACNET_LIST_EVENT_STATES, ack.state, out);
    buf_append_text(out, " by \"");
    (void)bacnet_print_characters(&ack.who, out);
    buf_append_byte(out, '"');
}

static void event_information(struct bytes in, struct buf *out)
{
    struct bacnet_object after;
    bool has_after = false;
    if (bacnet_get_event_information_ask(&in, &has_after, &after) != 0) {
        bacnet_words_cut(out);
    } else if (has_after) {
        buf_append_text(out, " behind ");
        bacnet_words_object(after, out);
    }
}

static void list_element(struct bytes in, struct buf *out)
{
    struct bacnet_list_element ask;
    buf_append_byte(out, ' ');
    if (bacnet_get_list_element(&in, &ask) != 0) {
        bacnet_words_cut(out);
        return;
    }
    bacnet_words_property(ask.object, ask.property, ask.index, out);
    buf_append_text(out, ": ");
    bacnet_words_value(ask.object, ask.property, ask.elements, out);
}

static void print_at(const struct bacnet_datetime *at, struct buf *out)
{
    bacnet_print_date(&at->date, out);
    buf_append_byte(out, ' ');
    bacnet_print_time(&at->time, out);
}

static void read_range(struct bytes in, struct buf *out)
{
    struct bacnet_read_range ask;
    buf_append_byte(out, ' ');
    if (bacnet_get_read_range(&in, &ask) != 0) {
        bacnet_words_cut(out);
        return;
    }
    bacnet_words_property(ask.object, ask.property, ask.index, out);
    if (ask.range == BACNET_RANGE_ALL) {
        return;
    }
    buf_printf(out, ", %d from ", ask.count);
    if (ask.range == BACNET_RANGE_TIME) {
        print_at(&ask.at, out);
    } else {
        buf_printf(out, "%s %u", ask.range == BACNET_RANGE_SEQUENCE ? "number" : "place",
                   ask.reference);
    }
}

static void time_sync(struct bytes in, struct buf *out)
{
    struct bacnet_datetime at;
    buf_append_text(out, ": ");
    if (bacnet_get_time_sync(&in, &at) != 0) {
        bacnet_words_cut(out);
        return;
    }
    print_at(&at, out);
}

static void who_has(struct bytes in, struct buf *out)
{
    struct bacnet_who_has who;
    buf_append_text(out, ": ");
    if (bacnet_get_who_has(&in, &who) != 0) {
        bacnet_words_cut(out);
    } else if (who.by_name) {
        (void)bacnet_print_characters(&who.name, out);
    } else {
        bacnet_words_object(who.object, out);
    }
}

static void i_have(struct bytes in, struct buf *out)
{
    struct bacnet_i_have have;
    if (bacnet_get_i_have(&in, &have) != 0) {
        bacnet_words_cut(out);
        return;
    }
    buf_printf(out, ": device %u has ", have.instance);
    bacnet_words_object(have.object, out);
    buf_append_byte(out, ' ');
    (void)bacnet_print_characters(&have.name, out);
}

/* ---- by service ---- */

void bacnet_words_request(const struct bacnet_apdu *apdu, struct buf *out)
{
    bacnet_words_name(BACNET_LIST_CONFIRMED_SERVICES, apdu->service, out);
    if (apdu->segmented && apdu->sequence > 0) {
        buf_printf(out, ", segment %u of it, %zu bytes", apdu->sequence, bytes_left(&apdu->data));
        return;
    }
    switch (apdu->service) {
    case BACNET_READ_PROPERTY: read_one(apdu->data, out); break;
    case BACNET_READ_PROPERTY_MULTIPLE: read_many(apdu->data, out); break;
    case BACNET_WRITE_PROPERTY: write_one(apdu->data, out); break;
    case BACNET_WRITE_PROPERTY_MULTIPLE: write_many(apdu->data, out); break;
    case BACNET_SUBSCRIBE_COV: subscribe(apdu->data, false, out); break;
    case BACNET_SUBSCRIBE_COV_PROPERTY: subscribe(apdu->data, true, out); break;
    case BACNET_CONFIRMED_COV: notified(apdu->data, out); break;
    case BACNET_CONFIRMED_EVENT: event(apdu->data, out); break;
    case BACNET_ACKNOWLEDGE_ALARM: acknowledge(apdu->data, out); break;
    case BACNET_GET_EVENT_INFORMATION: event_information(apdu->data, out); break;
    case BACNET_GET_ALARM_SUMMARY: break;
    case BACNET_READ_RANGE: read_range(apdu->data, out); break;
    case BACNET_ADD_LIST_ELEMENT:
    case BACNET_REMOVE_LIST_ELEMENT: list_element(apdu->data, out); break;
    default: buf_printf(out, ", %zu bytes", bytes_left(&apdu->data)); break;
    }
}

void bacnet_words_unconfirmed(const struct bacnet_apdu *apdu, struct buf *out)
{
    bacnet_words_name(BACNET_LIST_UNCONFIRMED_SERVICES, apdu->service, out);
    switch (apdu->service) {
    case BACNET_WHO_IS: who_is(apdu->data, out); break;
    case BACNET_I_AM: i_am(apdu->data, out); break;
    case BACNET_UNCONFIRMED_COV: notified(apdu->data, out); break;
    case BACNET_UNCONFIRMED_EVENT: event(apdu->data, out); break;
    case BACNET_WHO_HAS: who_has(apdu->data, out); break;
    case BACNET_I_HAVE: i_have(apdu->data, out); break;
    case BACNET_TIME_SYNC:
    case BACNET_UTC_TIME_SYNC: time_sync(apdu->data, out); break;
    default: buf_printf(out, ", %zu bytes", bytes_left(&apdu->data)); break;
    }
}
