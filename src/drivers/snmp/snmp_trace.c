/* SPDX-License-Identifier: Apache-2.0 */
/* From a value back to its bytes: does this answer to this request, or this notification, hold a point? */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/snmp/snmp_words.h"

enum { HEX_MAX = 97 }; /* 32 bytes */

static const char *type_word(uint8_t tag)
{
    switch (tag) {
    case BER_INTEGER: return "INTEGER";
    case BER_OCTETS: return "OCTET STRING";
    case BER_NULL: return "NULL";
    case BER_OID: return "OBJECT IDENTIFIER";
    case BER_IP_ADDRESS: return "IpAddress";
    case BER_COUNTER32: return "Counter32";
    case BER_GAUGE32: return "Gauge32";
    case BER_TIMETICKS: return "TimeTicks";
    case BER_OPAQUE: return "Opaque";
    case BER_COUNTER64: return "Counter64";
    default: return NULL;
    }
}

/* A whole frame; of an encrypted one what stands in clear behind it. */
static bool open_frame(struct bytes in, struct snmp_pdu *pdu)
{
    struct snmp_message message;
    struct snmp_scoped scoped;
    if (snmp_message_decode(in.at, bytes_left(&in), &message) != 0) {
        return false;
    }
    if (message.version == SNMP_V1 || message.version == SNMP_V2C) {
        return snmp_pdu_decode(message.pdu, pdu) == 0;
    }
    struct bytes clear = message.data;
    if ((message.flags & SNMP_PRIV) != 0) {
        clear = in;
        bytes_skip(&clear, bytes_left(&message.whole));
    }
    return message.version == SNMP_V3 && snmp_scoped_decode(clear, &scoped) == 0 &&
           snmp_pdu_decode(scoped.pdu, pdu) == 0;
}

/* The index of the row called so, behind the column of names: it is asked for together with its values. */
static bool find_row(const struct snmp_row_name *row, struct bytes in, struct snmp_oid *index)
{
    struct snmp_varbind varbind;
    size_t size = strlen(row->text);
    while (snmp_varbind_next(&in, &varbind)) {
        const struct bytes *name = &varbind.value.content;
        if (snmp_oid_under(varbind.oid, row->column) && bytes_left(name) == size &&
            memcmp(name->at, row->text, size) == 0) {
            *index = snmp_oid_tail(varbind.oid, row->column);
            return true;
        }
    }
    return false;
}

static bool find_value(const struct snmp_address *address, const struct snmp_pdu *pdu,
                       struct snmp_varbind *out)
{
    struct bytes in = pdu->varbinds;
    struct snmp_oid index = { 0 };
    if (address->row != NULL && !find_row(address->row, in, &index)) {
        return false;
    }
    while (snmp_varbind_next(&in, out)) {
        if (snmp_oid_under(out->oid, address->oid) &&
            snmp_oid_equal(snmp_oid_tail(out->oid, address->oid), index)) {
            return true;
        }
    }
    return false;
}

static bool is_notification(uint8_t type)
{
    return type == SNMP_TRAP || type == SNMP_INFORM || type == SNMP_TRAP_V1;
}

bool snmp_trace(const struct mib *mib, const struct snmp_address *address, struct bytes sent,
                struct bytes received, struct buf *out, struct sample *raw)
{
    struct snmp_pdu asked, answer;
    struct snmp_varbind varbind;
    struct text *text = NULL;
    char hex[HEX_MAX];
    if (!open_frame(received, &answer)) {
        return false;
    }
    bool answers = answer.type == SNMP_RESPONSE && open_frame(sent, &asked) &&
                   asked.request_id == answer.request_id;
    if ((!answers && !is_notification(answer.type)) || !find_value(address, &answer, &varbind)) {
        return false;
    }
    snmp_value_read(address->meaning, mib, &varbind.value, &text, raw);
    if (raw->type == VALUE_TEXT) {
        raw->type = VALUE_NONE;
    }
    busbar_free(text);
    size_t size = bytes_left(&varbind.value.content);
    const char *word = type_word(varbind.value.tag);
    str_hex(hex, sizeof(hex), varbind.value.content.at, size, ' ');
    if (size > 0) {
        (void)buf_printf(out, "%s%s in ", hex, size * 3 > HEX_MAX ? " ..." : "");
    }
    mib_print(mib, varbind.oid, out);
    if (word != NULL) {
        (void)buf_printf(out, ", %s", word);
    }
    (void)buf_append_text(out, " = ");
    snmp_value_print(mib, address->meaning->object, &varbind.value, out);
    return true;
}
