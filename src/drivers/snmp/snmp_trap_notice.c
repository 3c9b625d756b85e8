/* SPDX-License-Identifier: Apache-2.0 */
/* What a trap says. Of version 1 (RFC 1157, 4.1.6) its name is made as RFC 3584, 3.1 says:
 *
 *   generic 0..5                   snmpTraps.(generic + 1): coldStart ... egpNeighborLoss
 *   generic 6, enterprise-specific enterprise.0.specific
 *
 * Of versions 2c and 3 (RFC 3416, 4.2.6) sysUpTime.0 and snmpTrapOID.0 come first; others send them elsewhere, so they
 * are looked for. Proxies add snmpTrapAddress.0, snmpTrapCommunity.0 and snmpTrapEnterprise.0 (RFC 3584, 3.1). */
#include "drivers/snmp/snmp_traps_private.h"

#include <string.h>

enum { GENERIC_LAST = 5, GENERIC_SPECIFIC = 6 };

static const uint8_t sys_uptime[] = { 0x2b, 6, 1, 2, 1, 1, 3, 0 };     /* 1.3.6.1.2.1.1.3.0 */
static const uint8_t trap_oid[] = { 0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0 }; /* 1.3.6.1.6.3.1.1.4.1.0 */
static const uint8_t trap_enterprise[] = { 0x2b, 6, 1, 6, 3, 1, 1, 4, 3, 0 }; /* ...4.3.0 */
static const uint8_t trap_address[] = { 0x2b, 6, 1, 6, 3, 18, 1, 3, 0 }; /* 1.3.6.1.6.3.18.1.3.0 */
static const uint8_t trap_community[] = {
    0x2b, 6, 1, 6, 3, 18, 1, 4, 0
};                                                                 /* 1.3.6.1.6.3.18.1.4.0 */
static const uint8_t snmp_traps[] = { 0x2b, 6, 1, 6, 3, 1, 1, 5 }; /* 1.3.6.1.6.3.1.1.5 */

#define IS(oid, octets) \
    ((oid).size == sizeof(octets) && memcmp((oid).bytes, octets, sizeof(octets)) == 0)

static struct snmp_oid oid_of(const struct snmp_value *value)
{
    size_t size = bytes_left(&value->content);
    bool good = value->tag == BER_OID && snmp_oid_good(value->content.at, size);
    return (struct snmp_oid){ .bytes = value->content.at, .size = good ? (uint16_t)size : 0 };
}

static void take_agent(struct snmp_trap_notice *notice, const uint8_t ip[4])
{
    static const uint8_t none[4];
    if (memcmp(ip, none, sizeof(none)) != 0) {
        notice->agent = (struct endpoint){ .family = 4 };
        memcpy(notice->agent.ip, ip, sizeof(none));
    }
}

/* True: it is of the trap as a whole, and no variable of it. */
static bool take_frame(struct snmp_trap_notice *notice, const struct snmp_varbind *varbind)
{
    const struct snmp_value *value = &varbind->value;
    uint64_t number;
    if (IS(varbind->oid, sys_uptime)) {
        notice->uptime = ber_uint(value->content, &number) ? (uint32_t)number : notice->uptime;
    } else if (IS(varbind->oid, trap_oid)) {
        notice->trap = oid_of(value);
    } else if (IS(varbind->oid, trap_enterprise)) {
        notice->enterprise = oid_of(value);
    } else if (IS(varbind->oid, trap_address)) {
        if (value->tag == BER_IP_ADDRESS && bytes_left(&value->content) == 4) {
            take_agent(notice, value->content.at);
        }
    } else {
        return IS(varbind->oid, trap_community); /* as good as a password: it is shown nowhere */
    }
    return true;
}

static bool name_v1(struct snmp_traps *traps, struct snmp_trap_notice *notice)
{
    const struct snmp_pdu *pdu = &notice->pdu;
    struct snmp_oid_buf *made = &traps->scratch->trap;
    int error = BUSBAR_EPROTO;
    if (pdu->generic >= 0 && pdu->generic <= GENERIC_LAST) {
        snmp_oid_take(made, (struct snmp_oid){ .bytes = snmp_traps, .size = sizeof(snmp_traps) });
        error = snmp_oid_append(made, (uint32_t)pdu->generic + 1);
    } else if (pdu->generic == GENERIC_SPECIFIC && pdu->specific >= 0 && pdu->enterprise.size > 0) {
        snmp_oid_take(made, pdu->enterprise);
        error = snmp_oid_append(made, 0);
        error = error == 0 ? snmp_oid_append(made, (uint32_t)pdu->specific) : error;
    }
    notice->trap = made->oid;
    notice->enterprise = pdu->enterprise;
    notice->uptime = pdu->uptime;
    take_agent(notice, pdu->agent);
    return error == 0;
}

bool snmp_trap_read(struct snmp_traps *traps, struct snmp_trap_notice *notice)
{
    struct bytes varbinds = notice->pdu.varbinds;
    struct snmp_varbind varbind;
    bool v1 = notice->version == SNMP_V1;
    if (v1 && !name_v1(traps, notice)) {
        return false;
    }
    notice->variables = traps->scratch->variables;
    while (snmp_varbind_next(&varbinds, &varbind)) {
        if (!v1 && take_frame(notice, &varbind)) {
            continue;
        }
        if (notice->variable_count < SNMP_TRAP_VARIABLES_MAX) {
            traps->scratch->variables[notice->variable_count++] = varbind;
        } else {
            notice->cut = true;
        }
    }
    return notice->trap.size > 0;
}
