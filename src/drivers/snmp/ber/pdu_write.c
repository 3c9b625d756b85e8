/* SPDX-License-Identifier: Apache-2.0 */
/* Writing of messages and PDUs, from the back to the front; pdu.c draws them. */
#include "drivers/snmp/ber/pdu.h"

void snmp_put_varbind(struct ber_out *out, struct snmp_oid oid, const struct snmp_value *value)
{
    const uint8_t *mark = ber_mark(out);
    if (value != NULL) {
        ber_put_octets(out, value->tag, value->content.at, bytes_left(&value->content));
    } else {
        ber_put_empty(out, BER_NULL);
    }
    ber_put_oid(out, oid);
    ber_put_head(out, BER_SEQUENCE, mark);
}

void snmp_put_pdu_head(struct ber_out *out, const struct snmp_pdu *pdu, const uint8_t *mark)
{
    ber_put_head(out, BER_SEQUENCE, mark);
    ber_put_i64(out, BER_INTEGER, pdu->error_index);
    ber_put_i64(out, BER_INTEGER, pdu->error_status);
    ber_put_i64(out, BER_INTEGER, pdu->request_id);
    ber_put_head(out, pdu->type, mark);
}

void snmp_put_trap_head(struct ber_out *out, const struct snmp_pdu *pdu, const uint8_t *mark)
{
    ber_put_head(out, BER_SEQUENCE, mark);
    ber_put_u64(out, BER_TIMETICKS, pdu->uptime);
    ber_put_i64(out, BER_INTEGER, pdu->specific);
    ber_put_i64(out, BER_INTEGER, pdu->generic);
    ber_put_octets(out, BER_IP_ADDRESS, pdu->agent, sizeof(pdu->agent));
    ber_put_oid(out, pdu->enterprise);
    ber_put_head(out, SNMP_TRAP_V1, mark);
}

void snmp_put_message_head(struct ber_out *out, enum snmp_version version, const void *community,
                           size_t size, const uint8_t *mark)
{
    ber_put_octets(out, BER_OCTETS, community, size);
    ber_put_i64(out, BER_INTEGER, version);
    ber_put_head(out, BER_SEQUENCE, mark);
}

void snmp_put_scoped_head(struct ber_out *out, struct bytes engine, struct bytes context,
                          const uint8_t *mark)
{
    ber_put_octets(out, BER_OCTETS, context.at, bytes_left(&context));
    ber_put_octets(out, BER_OCTETS, engine.at, bytes_left(&engine));
    ber_put_head(out, BER_SEQUENCE, mark);
}
