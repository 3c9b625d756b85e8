/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of messages and PDUs.
 *
 *     v1, v2c   SEQUENCE { version, community OCTET STRING, PDU }
 *     v3        SEQUENCE { version, SEQUENCE { id, size, flags, model }, security OCTET STRING, data }
 *     data      SEQUENCE { engine OCTET STRING, context OCTET STRING, PDU }, or that encrypted in an OCTET STRING
 *     PDU       [type] { request-id, error-status, error-index, varbinds }
 *     v1 trap   [4] { enterprise, agent, generic, specific, uptime, varbinds }
 *     varbinds  SEQUENCE OF SEQUENCE { name OID, value }
 */
#include "drivers/snmp/ber/pdu.h"

#include <string.h>

static const char *const status_words[] = {
    [SNMP_NO_ERROR] = "noError",
    [SNMP_TOO_BIG] = "tooBig",
    [SNMP_NO_SUCH_NAME] = "noSuchName",
    [SNMP_BAD_VALUE] = "badValue",
    [SNMP_READ_ONLY] = "readOnly",
    [SNMP_GEN_ERR] = "genErr",
    [SNMP_NO_ACCESS] = "noAccess",
    [SNMP_WRONG_TYPE] = "wrongType",
    [SNMP_WRONG_LENGTH] = "wrongLength",
    [SNMP_WRONG_ENCODING] = "wrongEncoding",
    [SNMP_WRONG_VALUE] = "wrongValue",
    [SNMP_NO_CREATION] = "noCreation",
    [SNMP_INCONSISTENT_VALUE] = "inconsistentValue",
    [SNMP_RESOURCE_UNAVAILABLE] = "resourceUnavailable",
    [SNMP_COMMIT_FAILED] = "commitFailed",
    [SNMP_UNDO_FAILED] = "undoFailed",
    [SNMP_AUTHORIZATION_ERROR] = "authorizationError",
    [SNMP_NOT_WRITABLE] = "notWritable",
    [SNMP_INCONSISTENT_NAME] = "inconsistentName",
};

const char *snmp_status_word(int32_t status)
{
    size_t count = sizeof(status_words) / sizeof(status_words[0]);
    return status >= 0 && (size_t)status < count ? status_words[status] : NULL;
}

bool snmp_varbind_next(struct bytes *varbinds, struct snmp_varbind *out)
{
    struct bytes pair, name;
    if (bytes_short(varbinds) || bytes_left(varbinds) == 0) {
        return false;
    }
    uint8_t sequence = ber_get(varbinds, &pair);
    uint8_t oid = ber_get(&pair, &name);
    out->value.tag = ber_get(&pair, &out->value.content);
    size_t size = bytes_left(&name);
    if (sequence != BER_SEQUENCE || oid != BER_OID || bytes_short(&pair) ||
        bytes_left(&pair) != 0 || size > SNMP_OID_BYTES_MAX) {
        bytes_fail(varbinds);
        return false;
    }
    out->oid = (struct snmp_oid){ .bytes = name.at, .size = (uint16_t)size };
    return true;
}

static int check_varbinds(struct bytes varbinds)
{
    struct snmp_varbind varbind;
    size_t count = 0;
    while (snmp_varbind_next(&varbinds, &varbind)) {
        const struct bytes *content = &varbind.value.content;
        if (!snmp_oid_good(varbind.oid.bytes, varbind.oid.size) ||
            (varbind.value.tag == BER_OID && !snmp_oid_good(content->at, bytes_left(content)))) {
            return BUSBAR_EPROTO;
        }
        count++;
        if (count > SNMP_VARBINDS_MAX) {
            return BUSBAR_ELIMIT;
        }
    }
    return bytes_short(&varbinds) ? BUSBAR_EPROTO : 0;
}

static void get_trap(struct bytes *in, struct snmp_pdu *out)
{
    uint64_t uptime;
    out->enterprise = ber_get_oid(in);
    struct bytes agent = ber_get_of(in, BER_IP_ADDRESS);
    bytes_get_copy(&agent, out->agent, sizeof(out->agent));
    out->generic = ber_get_i32(in);
    out->specific = ber_get_i32(in);
    bool timed = ber_uint(ber_get_of(in, BER_TIMETICKS), &uptime) && uptime <= UINT32_MAX;
    out->uptime = timed ? (uint32_t)uptime : 0;
    if (!timed || bytes_short(&agent) || bytes_left(&agent) != 0) {
        bytes_fail(in);
    }
}

int snmp_pdu_decode(struct bytes in, struct snmp_pdu *out)
{
    struct bytes body;
    *out = (struct snmp_pdu){ .type = ber_get(&in, &body) };
    if (bytes_short(&in) || bytes_left(&in) != 0 || out->type < SNMP_GET ||
        out->type > SNMP_REPORT) {
        return BUSBAR_EPROTO;
    }
    if (out->type == SNMP_TRAP_V1) {
        get_trap(&body, out);
    } else {
        out->request_id = ber_get_i32(&body);
        out->error_status = ber_get_i32(&body);
        out->error_index = ber_get_i32(&body);
    }
    out->varbinds = ber_get_of(&body, BER_SEQUENCE);
    if (bytes_short(&body) || bytes_left(&body) != 0) {
        return BUSBAR_EPROTO;
    }
    return check_varbinds(out->varbinds);
}

/* The next value with its tag, unopened. */
static struct bytes get_whole(struct bytes *in)
{
    struct bytes content;
    const uint8_t *start = in->at;
    (void)ber_get(in, &content);
    return bytes_of(start, (size_t)(in->at - start));
}

/* RFC 3412, 6: id and size are not negative, flags one octet, the model at least 1. */
static void get_global(struct bytes *in, struct snmp_message *out)
{
    struct bytes global = ber_get_of(in, BER_SEQUENCE);
    out->id = ber_get_i32(&global);
    out->size_max = ber_get_i32(&global);
    struct bytes flags = ber_get_octets(&global);
    out->model = ber_get_i32(&global);
    bool one = bytes_left(&flags) == 1;
    out->flags = bytes_get_u8(&flags);
    if (bytes_short(&global) || bytes_left(&global) != 0 || !one || out->id < 0 ||
        out->size_max < SNMP_MESSAGE_LEAST || out->model < 1) {
        bytes_fail(in);
    }
}

int snmp_message_decode(const void *data, size_t size, struct snmp_message *out)
{
    struct bytes in = bytes_of(data, size);
    struct bytes body = ber_get_of(&in, BER_SEQUENCE);
    *out = (struct snmp_message){
        .whole = bytes_of(data, bytes_offset(&in)),
        .version = ber_get_i32(&body),
    };
    switch (out->version) {
    case SNMP_V1:
    case SNMP_V2C:
        out->community = ber_get_octets(&body);
        out->pdu = get_whole(&body);
        break;
    case SNMP_V3:
        get_global(&body, out);
        out->security = ber_get_octets(&body);
        out->data = get_whole(&body);
        break;
    default: return bytes_short(&in) || bytes_short(&body) ? BUSBAR_EPROTO : 0;
    }
    bool good = !bytes_short(&in) && !bytes_short(&body) && bytes_left(&body) == 0 &&
                bytes_left(&out->community) <= SNMP_COMMUNITY_MAX;
    return good ? 0 : BUSBAR_EPROTO;
}

int snmp_scoped_decode(struct bytes in, struct snmp_scoped *out)
{
    struct bytes body = ber_get_of(&in, BER_SEQUENCE);
    out->engine = ber_get_octets(&body);
    out->context = ber_get_octets(&body);
    out->pdu = get_whole(&body);
    bool good = !bytes_short(&in) && !bytes_short(&body) && bytes_left(&body) == 0 &&
                bytes_left(&out->context) <= SNMP_CONTEXT_MAX;
    return good ? 0 : BUSBAR_EPROTO;
}
