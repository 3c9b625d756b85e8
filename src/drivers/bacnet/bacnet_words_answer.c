/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in words: what was read, and what was refused. The first segment of a long answer is read as far as it goes. */
#include "drivers/bacnet/bacnet_words_parts.h"
#include "drivers/bacnet/service/error.h"
#include "drivers/bacnet/service/event_information.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/read_range.h"

static void read_result(struct bacnet_object object, const struct bacnet_read_result *result,
                        struct buf *out)
{
    bacnet_words_property(object, result->property, result->index, out);
    if (result->refused) {
        buf_append_text(out, ": ");
        bacnet_words_name(BACNET_LIST_ERROR_CODES, result->why.code, out);
        return;
    }
    buf_append_text(out, " = ");
    bacnet_words_value(object, result->property, result->value, out);
}

static void values_of_many(struct bytes in, struct buf *out)
{
    struct bacnet_object object;
    struct bytes results;
    struct bacnet_read_result result;
    unsigned values = 0;
    unsigned refused = 0;
    struct buf shown;
    buf_init(&shown, 1024);
    while (bytes_left(&in) > 0 && bacnet_get_read_object(&in, &object, &results) == 0) {
        while (bytes_left(&results) > 0 && bacnet_get_read_result(&results, &result) == 0) {
            refused += result.refused;
            if (values++ < BACNET_WORDS_SHOWN) {
                buf_append_text(&shown, values > 1 ? ", " : ": ");
                read_result(object, &result, &shown);
            }
        }
    }
    buf_printf(out, ", %u value%s", values - refused, values - refused == 1 ? "" : "s");
    if (refused > 0) {
        buf_printf(out, " and %u refused", refused);
    }
    buf_printf(out, "%s%s", buf_text(&shown), values > BACNET_WORDS_SHOWN ? " ..." : "");
    buf_fini(&shown);
    if (bytes_short(&in)) {
        bacnet_words_cut(out);
    }
}

static void value_of_one(struct bytes in, struct buf *out)
{
    struct bacnet_read_property read;
    struct bytes value;
    if (bacnet_get_read_property_ack(&in, &read, &value) != 0) {
        bacnet_words_cut(out);
        return;
    }
    buf_append_text(out, ": ");
    bacnet_words_property(read.object, read.property, read.index, out);
    buf_append_text(out, " = ");
    bacnet_words_value(read.object, read.property, value, out);
}

static void range_items(struct bytes in, struct buf *out)
{
    struct bacnet_range_items items;
    struct bytes head = in;
    struct bacnet_read_range ask = { .object = bacnet_get_object(&head, 0),
                                     .property = bacnet_get_enumerated(&head, 1),
                                     .index = bacnet_get_index(&head, 2) };
    if (bytes_short(&head) || bacnet_get_range_items(&in, &ask, &items) != 0) {
        bacnet_words_cut(out);
        return;
    }
    buf_printf(out, ": %u of ", items.count);
    bacnet_words_property(items.object, items.property, items.index, out);
    if (items.has_sequence) {
        buf_printf(out, " from number %u", items.sequence);
    }
    buf_append_text(out, items.more ? ", more there are" : items.last ? ", to the last" : "");
}

static void event_information(struct bytes in, struct buf *out)
{
    struct bytes summaries;
    struct bacnet_event_summary summary;
    bool more = false;
    unsigned count = 0;
    if (bacnet_get_event_information(&in, &summaries, &more) != 0) {
        bacnet_words_cut(out);
        return;
    }
    while (bytes_left(&summaries) > 0 && bacnet_get_event_summary(&summaries, &summary) == 0) {
        if (count++ < BACNET_WORDS_SHOWN) {
            buf_append_text(out, count > 1 ? ", " : ": ");
            bacnet_words_object(summary.object, out);
            buf_append_byte(out, ' ');
            bacnet_words_name(BACNET_LIST_EVENT_STATES, summary.state, out);
        }
    }
    if (count == 0) {
        buf_append_text(out, ": nothing stands in alarm");
    }
    buf_append_text(out, count > BACNET_WORDS_SHOWN || more ? " ..." : "");
}

static void alarm_summary(struct bytes in, struct buf *out)
{
    struct bacnet_alarm_summary summary;
    unsigned count = 0;
    while (bytes_left(&in) > 0 && bacnet_get_alarm_summary(&in, &summary) == 0) {
        if (count++ < BACNET_WORDS_SHOWN) {
            buf_append_text(out, count > 1 ? ", " : ": ");
            bacnet_words_object(summary.object, out);
            buf_append_byte(out, ' ');
            bacnet_words_name(BACNET_LIST_EVENT_STATES, summary.state, out);
        }
    }
    buf_append_text(out, count == 0                   ? ": nothing stands in alarm"
                         : count > BACNET_WORDS_SHOWN ? " ..."
                                                      : "");
}

void bacnet_words_ack(const struct bacnet_apdu *apdu, struct buf *out)
{
    bacnet_words_name(BACNET_LIST_CONFIRMED_SERVICES, apdu->service, out);
    buf_append_text(out, " answered");
    if (apdu->segmented) {
        buf_printf(out, ", segment %u%s of it, %zu bytes", apdu->sequence,
                   apdu->more ? "" : " (the last)", bytes_left(&apdu->data));
        if (apdu->sequence > 0) {
            return;
        }
    }
    switch (apdu->service) {
    case BACNET_READ_PROPERTY: value_of_one(apdu->data, out); break;
    case BACNET_READ_PROPERTY_MULTIPLE: values_of_many(apdu->data, out); break;
    case BACNET_READ_RANGE: range_items(apdu->data, out); break;
    case BACNET_GET_EVENT_INFORMATION: event_information(apdu->data, out); break;
    case BACNET_GET_ALARM_SUMMARY: alarm_summary(apdu->data, out); break;
    default: buf_printf(out, ", %zu bytes", bytes_left(&apdu->data)); break;
    }
}

void bacnet_words_refused(const struct bacnet_apdu *apdu, struct buf *out)
{
    struct bacnet_error_body body;
    struct bytes in = apdu->data;
    bacnet_words_name(BACNET_LIST_CONFIRMED_SERVICES, apdu->service, out);
    buf_append_text(out, " refused");
    if (bacnet_get_error(&in, apdu->service, &body) != 0) {
        bacnet_words_cut(out);
        return;
    }
    buf_append_text(out, ": ");
    bacnet_words_name(BACNET_LIST_ERROR_CLASSES, body.why.error_class, out);
    buf_append_text(out, ", ");
    bacnet_words_name(BACNET_LIST_ERROR_CODES, body.why.code, out);
}
