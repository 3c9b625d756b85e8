/* SPDX-License-Identifier: Apache-2.0 */
/* From a value back to its bytes: does this answer to this request, or this notification, hold a property? */
#include "base/alloc.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/bacnet_words.h"
#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/npdu.h"

enum { HEX_MAX = 97 }; /* 32 bytes */

static bool open_frame(struct bytes in, struct bacnet_apdu *apdu)
{
    struct bacnet_bvlc bvlc;
    struct bacnet_npdu npdu;
    return bacnet_get_bvlc(&in, &bvlc) == 0 && bytes_left(&bvlc.data) > 0 &&
           bacnet_get_npdu(&bvlc.data, &npdu) == 0 && !npdu.is_message &&
           bacnet_get_apdu(&npdu.data, apdu) == 0 && !apdu->segmented;
}

static bool is_target(const struct bacnet_target *target, struct bacnet_object object,
                      uint32_t property, uint32_t index)
{
    return target->object == bacnet_object_number(object) && target->property == property &&
           target->index == index;
}

static bool in_single(const struct bacnet_target *target, struct bytes in, struct bytes *value)
{
    struct bacnet_read_property read;
    return bacnet_get_read_property_ack(&in, &read, value) == 0 &&
           is_target(target, read.object, read.property, read.index);
}

static bool in_multiple(const struct bacnet_target *target, struct bytes in, struct bytes *value)
{
    struct bacnet_object object;
    struct bacnet_read_result result;
    struct bytes results;
    while (bytes_left(&in) > 0 && bacnet_get_read_object(&in, &object, &results) == 0) {
        while (bytes_left(&results) > 0 && bacnet_get_read_result(&results, &result) == 0) {
            if (!result.refused && is_target(target, object, result.property, result.index)) {
                *value = result.value;
                return true;
            }
        }
    }
    return false;
}

static bool in_notification(const struct bacnet_target *target, struct bytes in,
                            struct bytes *value)
{
    struct bacnet_cov cov;
    struct bytes values;
    struct bacnet_property_value change;
    if (bacnet_get_cov(&in, &cov, &values) != 0) {
        return false;
    }
    while (bytes_left(&values) > 0 && bacnet_get_property_value(&values, &change) == 0) {
        if (is_target(target, cov.object, change.property, change.index)) {
            *value = change.value;
            return true;
        }
    }
    return false;
}

static bool find_value(const struct bacnet_target *target, struct bytes sent,
                       const struct bacnet_apdu *answer, struct bytes *value)
{
    struct bacnet_apdu asked;
    bool notification = (answer->type == BACNET_PDU_CONFIRMED &&
                         answer->service == BACNET_CONFIRMED_COV) ||
                        (answer->type == BACNET_PDU_UNCONFIRMED &&
                         answer->service == BACNET_UNCONFIRMED_COV);
    if (notification) {
        return in_notification(target, answer->data, value);
    }
    if (answer->type != BACNET_PDU_COMPLEX_ACK || !open_frame(sent, &asked) ||
        asked.type != BACNET_PDU_CONFIRMED || asked.invoke != answer->invoke ||
        asked.service != answer->service) {
        return false;
    }
    if (answer->service == BACNET_READ_PROPERTY) {
        return in_single(target, answer->data, value);
    }
    return answer->service == BACNET_READ_PROPERTY_MULTIPLE &&
           in_multiple(target, answer->data, value);
}

bool bacnet_trace(const struct bacnet_target *target, struct bytes sent, struct bytes received,
                  struct buf *out, struct sample *raw)
{
    struct bacnet_apdu answer;
    struct bytes value;
    struct bacnet_seen seen;
    struct text *text = NULL;
    char hex[HEX_MAX];
    if (!open_frame(received, &answer) || !find_value(target, sent, &answer, &value)) {
        return false;
    }
    size_t size = bytes_left(&value);
    bacnet_value_get(target, value, raw, &text, &seen);
    if (raw->type == VALUE_TEXT) {
        raw->type = VALUE_NONE;
    }
    busbar_free(text);
    str_hex(hex, sizeof(hex), value.at, size, ' ');
    buf_printf(out, "%s%s in ", hex, size * 3 > HEX_MAX ? " ..." : "");
    bacnet_target_print(target, out);
    const char *type = seen.type < BACNET_TYPES ? bacnet_type_name(seen.type) : NULL;
    if (type != NULL) {
        buf_printf(out, ", %s", type);
    }
    return true;
}
