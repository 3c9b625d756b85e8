/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram in one line for people: "read-property-multiple answered, 24 values: analog-input:1 = 21.5, ..., invoke 17".
 * This file: the layers; requests and answers are files of their own. */
#include "drivers/bacnet/bacnet_words.h"

#include "drivers/bacnet/bacnet_words_parts.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/npdu.h"
#include "drivers/bacnet/wire/route.h"
#include "drivers/bacnet/wire/text.h"

enum { VALUE_MOST = 120 }; /* bytes of one value that are shown */

/* ---- parts ---- */

void bacnet_words_name(enum bacnet_list list, uint32_t number, struct buf *out)
{
    char text[BACNET_NAME_TEXT_MAX];
    bacnet_format_name(text, sizeof(text), list, number);
    buf_append_text(out, text);
}

void bacnet_words_object(struct bacnet_object object, struct buf *out)
{
    char text[BACNET_OBJECT_TEXT_MAX];
    bacnet_format_object(text, sizeof(text), object);
    buf_append_text(out, text);
}

void bacnet_words_property(struct bacnet_object object, uint32_t property, uint32_t index,
                           struct buf *out)
{
    struct bacnet_target target = { .object = bacnet_object_number(object),
                                    .property = property,
                                    .index = index };
    bacnet_target_print(&target, out);
}

void bacnet_words_value(struct bacnet_object object, uint32_t property, struct bytes elements,
                        struct buf *out)
{
    bacnet_print_elements(elements, bacnet_property_list(object.type, property), VALUE_MOST, out);
}

void bacnet_words_cut(struct buf *out)
{
    buf_append_text(out, " (cut)");
}

/* ---- layers ---- */

static void describe_apdu(const struct bacnet_apdu *apdu, struct buf *out)
{
    switch (apdu->type) {
    case BACNET_PDU_CONFIRMED: bacnet_words_request(apdu, out); break;
    case BACNET_PDU_UNCONFIRMED: bacnet_words_unconfirmed(apdu, out); return;
    case BACNET_PDU_SIMPLE_ACK:
        bacnet_words_name(BACNET_LIST_CONFIRMED_SERVICES, apdu->service, out);
        buf_append_text(out, " done");
        break;
    case BACNET_PDU_COMPLEX_ACK: bacnet_words_ack(apdu, out); break;
    case BACNET_PDU_SEGMENT_ACK:
        buf_printf(out, "segment %u %s", apdu->sequence,
                   apdu->negative ? "was out of order" : "received");
        break;
    case BACNET_PDU_ERROR: bacnet_words_refused(apdu, out); break;
    case BACNET_PDU_REJECT:
        buf_append_text(out, "rejected: ");
        bacnet_words_name(BACNET_LIST_REJECT_REASONS, apdu->reason, out);
        break;
    default:
        buf_append_text(out, "aborted: ");
        bacnet_words_name(BACNET_LIST_ABORT_REASONS, apdu->reason, out);
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
