/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram in one line for people: "acknowledged read of many: 24 values of 12 objects, AI:1 ... 21.5, invoke 17". */
#include "drivers/bacnet/bacnet_words.h"

#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/error.h"
#include "drivers/bacnet/service/event_notification.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/service/write_property.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/npdu.h"
#include "drivers/bacnet/wire/route.h"
#include "drivers/bacnet/wire/text.h"

enum { VALUE_MOST = 120, SHOWN = 3 }; /* bytes of one value, things of a list */

static void print_name(enum bacnet_list list, uint32_t number, struct buf *out)
{
    char text[BACNET_NAME_TEXT_MAX];
    bacnet_format_name(text, sizeof(text), list, number);
    buf_append_text(out, text);
}

/* "analog-input:1 high-limit[3]" */
static void print_property(struct bacnet_object object, uint32_t property, uint32_t index,
                           struct buf *out)
{
    struct bacnet_target target = { .object = bacnet_object_number(object),
                                    .property = property,
                                    .index = index };
    bacnet_target_print(&target, out);
}

static void print_value(struct bacnet_object object, uint32_t property, struct bytes elements,
                        struct buf *out)
{
    bacnet_print_elements(elements, bacnet_property_list(object.type, property), VALUE_MOST, out);
}

static void cut(struct buf *out)
{
    buf_append_text(out, " (cut)");
}

/* ---- requests ---- */

static void read_one(struct bytes in, struct buf *out)
{
    struct bacnet_read_property read;
    buf_append_byte(out, ' ');
    if (bacnet_get_read_property(&in, &read) != 0) {
        cut(out);
        return;
    }
    print_property(read.object, read.property, read.index, out);
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
            if (properties++ < SHOWN) {
                buf_append_text(&names, properties > 1 ? ", " : ": ");
                print_property(object, reference.property, reference.index, &names);
            }
        }
        objects++;
    }
    buf_printf(out, ", %u propert%s of %u object%s%s%s", properties, properties == 1 ? "y" : "ies",
               objects, objects == 1 ? "" : "s", buf_text(&names),
               properties > SHOWN ? " ..." : "");
    buf_fini(&names);
    if (bytes_short(&in)) {
        cut(out);
    }
}

static void print_written(struct bacnet_object object, const struct bacnet_property_value *value,
                          struct buf *out)
{
    print_property(object, value->property, value->index, out);
    buf_append_text(out, " = ");
    print_value(object, value->property, value->value, out);
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
        cut(out);
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
            if (shown++ < SHOWN) {
                buf_append_text(out, shown > 1 ? ", " : " ");
                print_written(object, &value, out);
            }
        }
    }
    buf_append_text(out, shown > SHOWN ? " ..." : "");
}

static void subscribe(struct bytes in, bool property, struct buf *out)
{
    struct bacnet_subscribe_cov ask;
    int error = property ? bacnet_get_subscribe_cov_property(&in, &ask)
                         : bacnet_get_subscribe_cov(&in, &ask);
    buf_append_byte(out, ' ');
    if (error != 0) {
        cut(out);
        return;
    }
    print_property(ask.object, property ? ask.property.property : BACNET_PROP_PRESENT_VALUE,
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
        cut(out);
        return;
    }
    buf_printf(out, " of device %u:", cov.device);
    for (unsigned i = 0; bytes_left(&values) > 0; i++) {
        if (bacnet_get_property_value(&values, &value) != 0) {
            cut(out);
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
        cut(out);
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
        cut(out);
        return;
    }
    buf_printf(out, ": device %u, up to %u bytes, ", who.instance, who.max_apdu);
    print_name(BACNET_LIST_SEGMENTATION, who.segmentation, out);
    buf_printf(out, ", vendor %u", who.vendor);
}

static void request(const struct bacnet_apdu *apdu, struct buf *out)
{
    print_name(BACNET_LIST_CONFIRMED_SERVICES, apdu->service, out);
    if (apdu->segmented && apdu->sequence > 0) {
        buf_printf(out, ", segment %u", apdu->sequence);
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
    default: buf_printf(out, ", %zu bytes", bytes_left(&apdu->data)); break;
    }
}

static void unconfirmed(const struct bacnet_apdu *apdu, struct buf *out)
{
    print_name(BACNET_LIST_UNCONFIRMED_SERVICES, apdu->service, out);
    switch (apdu->service) {
    case BACNET_WHO_IS: who_is(apdu->data, out); break;
    case BACNET_I_AM: i_am(apdu->data, out); break;
    case BACNET_UNCONFIRMED_COV: notified(apdu->data, out); break;
    default: buf_printf(out, ", %zu bytes", bytes_left(&apdu->data)); break;
    }
}

/* ---- answers ---- */

static void read_result(struct bacnet_object object, const struct bacnet_read_result *result,
                        struct buf *out)
{
    print_property(object, result->property, result->index, out);
    if (result->refused) {
        buf_append_text(out, ": ");
        print_name(BACNET_LIST_ERROR_CODES, result->why.code, out);
        return;
    }
    buf_append_text(out, " = ");
    print_value(object, result->property, result->value, out);
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
            if (values++ < SHOWN) {
                buf_append_text(&shown, values > 1 ? ", " : ": ");
                read_result(object, &result, &shown);
            }
        }
    }
    buf_printf(out, ", %u value%s", values - refused, values - refused == 1 ? "" : "s");
    if (refused > 0) {
        buf_printf(out, " and %u refused", refused);
    }
    buf_printf(out, "%s%s", buf_text(&shown), values > SHOWN ? " ..." : "");
    buf_fini(&shown);
    if (bytes_short(&in)) {
        cut(out);
    }
}

static void complex_ack(const struct bacnet_apdu *apdu, struct buf *out)
{
    struct bacnet_read_property read;
    struct bytes value;
    struct bytes in = apdu->data;
    print_name(BACNET_LIST_CONFIRMED_SERVICES, apdu->service, out);
    buf_append_text(out, " answered");
    if (apdu->segmented) {
        buf_printf(out, ", segment %u%s", apdu->sequence, apdu->more ? "" : " (last)");
        return;
    }
    if (apdu->service == BACNET_READ_PROPERTY_MULTIPLE) {
        values_of_many(in, out);
    } else if (apdu->service == BACNET_READ_PROPERTY) {
        if (bacnet_get_read_property_ack(&in, &read, &value) != 0) {
            cut(out);
            return;
        }
        buf_append_text(out, ": ");
        print_property(read.object, read.property, read.index, out);
        buf_append_text(out, " = ");
        print_value(read.object, read.property, value, out);
    } else {
        buf_printf(out, ", %zu bytes", bytes_left(&in));
    }
}

static void refused(const struct bacnet_apdu *apdu, struct buf *out)
{
    struct bacnet_error_body body;
    struct bytes in = apdu->data;
    print_name(BACNET_LIST_CONFIRMED_SERVICES, apdu->service, out);
    buf_append_text(out, " refused");
    if (bacnet_get_error(&in, apdu->service, &body) != 0) {
        cut(out);
        return;
    }
    buf_append_text(out, ": ");
    print_name(BACNET_LIST_ERROR_CLASSES, body.why.error_class, out);
    buf_append_text(out, ", ");
    print_name(BACNET_LIST_ERROR_CODES, body.why.code, out);
}

static void describe_apdu(const struct bacnet_apdu *apdu, struct buf *out)
{
    switch (apdu->type) {
    case BACNET_PDU_CONFIRMED: request(apdu, out); break;
    case BACNET_PDU_UNCONFIRMED: unconfirmed(apdu, out); return;
    case BACNET_PDU_SIMPLE_ACK:
        print_name(BACNET_LIST_CONFIRMED_SERVICES, apdu->service, out);
        buf_append_text(out, " done");
        break;
    case BACNET_PDU_COMPLEX_ACK: complex_ack(apdu, out); break;
    case BACNET_PDU_SEGMENT_ACK:
        buf_printf(out, "segment %u %s", apdu->sequence,
                   apdu->negative ? "was out of order" : "received");
        break;
    case BACNET_PDU_ERROR: refused(apdu, out); break;
    case BACNET_PDU_REJECT:
        buf_append_text(out, "rejected: ");
        print_name(BACNET_LIST_REJECT_REASONS, apdu->reason, out);
        break;
    default:
        buf_append_text(out, "aborted: ");
        print_name(BACNET_LIST_ABORT_REASONS, apdu->reason, out);
        break;
    }
    buf_printf(out, ", invoke %u", apdu->invoke);
}

/* ---- the layers below ---- */

static void print_mac(const char *word, const struct bacnet_mac *mac, struct buf *out)
{
    buf_printf(out, ", %s network %u", word, mac->network);
    for (unsigned i = 0; i < mac->size; i++) {
        buf_printf(out, "%s%02x", i == 0 ? " mac " : ":", mac->mac[i]);
    }
}

void bacnet_describe(const void *data, size_t size, struct buf *out)
{
    struct bytes in = bytes_of(data, size);
    struct bacnet_bvlc bvlc = { 0 };
    struct bacnet_npdu npdu = { 0 };
    struct bacnet_apdu apdu = { 0 };
    int error = bacnet_get_bvlc(&in, &bvlc);
    const char *name = bacnet_bvlc_name(bvlc.function);
    if (error != 0) {
        buf_printf(out, "%zu bytes: %s", size, bacnet_bvlc_trouble(&bvlc, error));
        return;
    }
    if (bytes_left(&bvlc.data) == 0 || bvlc.function == BACNET_BVLC_READ_BDT_ACK ||
        bvlc.function == BACNET_BVLC_READ_FDT_ACK || bvlc.function == BACNET_BVLC_WRITE_BDT) {
        buf_printf(out, "%s", name != NULL ? name : "BVLC");
        if (bvlc.function == BACNET_BVLC_RESULT) {
            buf_printf(out, ": %s", bacnet_bvlc_result_text(bvlc.result));
        }
        return;
    }
    if (bacnet_get_npdu(&bvlc.data, &npdu) != 0) {
        buf_printf(out, "%zu bytes whose network header is broken", size);
        return;
    }
    if (npdu.is_message) {
        const char *message = bacnet_route_name(npdu.message);
        buf_printf(out, "network message: %s", message != NULL ? message : "unknown");
    } else if (bacnet_get_apdu(&npdu.data, &apdu) != 0) {
        buf_printf(out, "%zu bytes whose application header is broken", size);
    } else {
        describe_apdu(&apdu, out);
    }
    if (npdu.has_to && npdu.to.network != BACNET_NETWORK_ALL) {
        print_mac("to", &npdu.to, out);
    }
    if (npdu.has_from) {
        print_mac("from", &npdu.from, out);
    }
}
