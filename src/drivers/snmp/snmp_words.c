/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram in one line for people:
 *     Response sysUpTime.0 = 0:12:03.45, sysName.0 = hall-3, ... (9 values), id 4711, v2c
 * Read leniently: of what is longer than the frame all that is there is shown, and that it was cut. */
#include "drivers/snmp/snmp_words.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "drivers/snmp/usm/usm.h"

enum {
    VALUES_SHOWN = 4,
    VALUE_MOST = 80,  /* bytes of one value that are shown */
    NAME_MOST = 1024, /* bytes of one name */
};

static const char *const pdu_words[] = { "Get",     "GetNext", "Response", "Set",   "Trap",
                                         "GetBulk", "Inform",  "Trap",     "Report" };

/* As ber_get(), but the last value may be cut. */
static uint8_t get_cut(struct bytes *in, struct bytes *content, bool *cut)
{
    struct bytes whole = *in;
    uint8_t tag = ber_get(&whole, content);
    if (!bytes_short(&whole)) {
        *in = whole;
        return tag;
    }
    tag = bytes_get_u8(in);
    uint8_t length = bytes_get_u8(in);
    bytes_skip(in, length > 0x80 ? length - 0x80U : 0);
    *content = bytes_get_bytes(in, bytes_short(in) ? 0 : bytes_left(in));
    *cut = true;
    return bytes_short(in) ? 0 : tag;
}

/* ---- values ---- */

/* "ifOperStatus.7": the module is known to whoever looks here. */
static void print_name(const struct mib *mib, struct snmp_oid oid, struct buf *out)
{
    struct buf name;
    buf_init(&name, NAME_MOST);
    mib_print(mib, oid, &name);
    const char *text = buf_text(&name);
    const char *behind = strstr(text, "::");
    (void)buf_append_text(out, behind != NULL ? behind + 2 : text);
    buf_fini(&name);
}

static void print_value(const struct mib *mib, const struct snmp_varbind *varbind, struct buf *out)
{
    struct buf value;
    buf_init(&value, TEXT_BYTES_MAX * 4);
    snmp_value_print(mib, mib_under(mib, varbind->oid), &varbind->value, &value);
    const char *text = buf_text(&value);
    size_t size = strcspn(text, "\r\n");
    size_t shown = str_utf8_cut(text, size, VALUE_MOST);
    (void)buf_append(out, text, shown);
    if (shown < value.size) {
        (void)buf_append_text(out, " ...");
    }
    buf_fini(&value);
}

/* Whether its values are asked for, and so are not there yet. */
static bool is_question(uint8_t type)
{
    return type == SNMP_GET || type == SNMP_GETNEXT || type == SNMP_GETBULK;
}

/* Frames are not decoded as a whole, so names are looked at here. */
static bool next_varbind(struct bytes *in, struct snmp_varbind *out)
{
    return snmp_varbind_next(in, out) && snmp_oid_good(out->oid.bytes, out->oid.size);
}

static size_t count_varbinds(struct bytes in)
{
    struct snmp_varbind varbind;
    size_t count = 0;
    while (next_varbind(&in, &varbind)) {
        count++;
    }
    return count;
}

static void print_varbinds(const struct mib *mib, const struct snmp_pdu *pdu, struct buf *out)
{
    struct bytes in = pdu->varbinds;
    struct snmp_varbind varbind;
    size_t count = count_varbinds(in);
    for (size_t i = 0; i < VALUES_SHOWN && next_varbind(&in, &varbind); i++) {
        (void)buf_append_text(out, i == 0 ? " " : ", ");
        print_name(mib, varbind.oid, out);
        if (!is_question(pdu->type)) {
            (void)buf_append_text(out, " = ");
            print_value(mib, &varbind, out);
        }
    }
    if (count > VALUES_SHOWN) {
        (void)buf_printf(out, ", ... (%zu values)", count);
    }
}

/* ---- PDUs ---- */

/* The first varbind of a Report says what is wrong. */
static bool print_report(const struct snmp_pdu *pdu, struct buf *out)
{
    struct bytes in = pdu->varbinds;
    struct snmp_varbind varbind;
    if (pdu->type != SNMP_REPORT || !next_varbind(&in, &varbind)) {
        return false;
    }
    enum usm_trouble trouble = usm_trouble_of_report(varbind.oid);
    if (trouble == USM_FINE) {
        return false;
    }
    (void)buf_printf(out, ": %s", usm_trouble_words(trouble));
    return true;
}

/* "tooBig", "noSuchName at value 3". */
static void print_status(const struct snmp_pdu *pdu, struct buf *out)
{
    const char *word = snmp_status_word(pdu->error_status);
    if (word != NULL) {
        (void)buf_printf(out, " %s", word);
    } else {
        (void)buf_printf(out, " error %" PRId32, pdu->error_status);
    }
    if (pdu->error_index > 0) {
        (void)buf_printf(out, " at value %" PRId32, pdu->error_index);
    }
    (void)buf_append_text(out, ":");
}

static void print_trap_v1(const struct mib *mib, const struct snmp_pdu *pdu, struct buf *out)
{
    static const char *const generics[] = {
        "coldStart", "warmStart", "linkDown", "linkUp", "authenticationFailure", "egpNeighborLoss"
    };
    if (pdu->generic >= 0 && (size_t)pdu->generic < sizeof(generics) / sizeof(generics[0])) {
        (void)buf_printf(out, " %s of ", generics[pdu->generic]);
    } else {
        (void)buf_printf(out, " %" PRId32 " of ", pdu->specific);
    }
    print_name(mib, pdu->enterprise, out);
    (void)buf_printf(out, " from %u.%u.%u.%u:", pdu->agent[0], pdu->agent[1], pdu->agent[2],
                     pdu->agent[3]);
}

/* The fields before the varbinds of a PDU, whose last may be cut. False: they are broken. */
static bool get_pdu(struct bytes *in, struct snmp_pdu *pdu, bool *cut)
{
    struct bytes body;
    *pdu = (struct snmp_pdu){ .type = get_cut(in, &body, cut) };
    if (pdu->type < SNMP_GET || pdu->type > SNMP_REPORT) {
        return false;
    }
    if (pdu->type == SNMP_TRAP_V1) {
        uint64_t uptime;
        pdu->enterprise = ber_get_oid(&body);
        struct bytes agent = ber_get_of(&body, BER_IP_ADDRESS);
        bytes_get_copy(&agent, pdu->agent, sizeof(pdu->agent));
        pdu->generic = ber_get_i32(&body);
        pdu->specific = ber_get_i32(&body);
        (void)ber_uint(ber_get_of(&body, BER_TIMETICKS), &uptime);
    } else {
        pdu->request_id = ber_get_i32(&body);
        pdu->error_status = ber_get_i32(&body);
        pdu->error_index = ber_get_i32(&body);
    }
    bool good = !bytes_short(&body);
    (void)get_cut(&body, &pdu->varbinds, cut);
    return good;
}

static void describe_pdu(const struct mib *mib, struct bytes in, struct buf *out)
{
    struct snmp_pdu pdu;
    bool cut = false;
    if (!get_pdu(&in, &pdu, &cut)) {
        (void)buf_append_text(out, "a PDU that is broken");
        return;
    }
    (void)buf_append_text(out, pdu_words[pdu.type - SNMP_GET]);
    if (pdu.type == SNMP_GETBULK) {
        (void)buf_printf(out, " %" PRId32 " rows behind", pdu.error_index);
    } else if (pdu.type == SNMP_TRAP_V1) {
        print_trap_v1(mib, &pdu, out);
    } else if (pdu.error_status != SNMP_NO_ERROR) {
        print_status(&pdu, out);
    }
    if (!print_report(&pdu, out)) {
        print_varbinds(mib, &pdu, out);
    }
    if (cut) {
        (void)buf_append_text(out, " (cut)");
    }
    if (pdu.type != SNMP_TRAP_V1) {
        (void)buf_printf(out, ", id %" PRId32, pdu.request_id);
    }
}

/* ---- messages ---- */

/* The scoped PDU, in the message or in clear behind it. */
static void describe_scoped(const struct mib *mib, struct bytes in, struct buf *out)
{
    bool cut = false;
    struct bytes body;
    bool good = get_cut(&in, &body, &cut) == BER_SEQUENCE;
    (void)ber_get_octets(&body);
    struct bytes context = ber_get_octets(&body);
    if (!good || bytes_short(&body)) {
        (void)buf_append_text(out, "a scoped PDU that is broken");
        return;
    }
    describe_pdu(mib, body, out);
    size_t size = bytes_left(&context);
    if (size > 0 && str_is_utf8((const char *)context.at, size)) {
        (void)buf_printf(out, ", context '%.*s'", (int)size, (const char *)context.at);
    }
}

static void describe_v3(const struct mib *mib, struct bytes body, struct bytes clear,
                        struct buf *out)
{
    struct usm_parameters parameters = { 0 };
    struct bytes global = ber_get_of(&body, BER_SEQUENCE);
    (void)ber_get_i32(&global);
    (void)ber_get_i32(&global);
    struct bytes flag_octets = ber_get_octets(&global);
    uint8_t flags = bytes_get_u8(&flag_octets);
    struct bytes security = ber_get_octets(&body);
    if (bytes_short(&global) || bytes_short(&body)) {
        (void)buf_append_text(out, "a v3 message whose header is broken");
        return;
    }
    bool usm = usm_parameters_decode(security, &parameters) == 0;
    bool private = (flags & SNMP_PRIV) != 0;
    if (!private) {
        describe_scoped(mib, body, out);
    } else if (bytes_left(&clear) > 0) {
        describe_scoped(mib, clear, out);
    } else {
        (void)buf_append_text(out, "encrypted");
    }
    size_t user = usm ? bytes_left(&parameters.user) : 0;
    bool shown = user > 0 && str_is_utf8((const char *)parameters.user.at, user);
    (void)buf_printf(out, ", v3%s%.*s%s, %s", shown ? " user '" : "", shown ? (int)user : 0,
                     shown ? (const char *)parameters.user.at : "", shown ? "'" : "",
                     private                    ? "encrypted"
                     : (flags & SNMP_AUTH) != 0 ? "authenticated"
                                                : "not authenticated");
}

void snmp_describe(const struct mib *mib, const void *data, size_t size, struct buf *out)
{
    bool cut = false;
    struct bytes body, in = bytes_of(data, size);
    bool good = get_cut(&in, &body, &cut) == BER_SEQUENCE;
    int32_t version = ber_get_i32(&body);
    if (!good || bytes_short(&body)) {
        (void)buf_printf(out, "%zu bytes that are no SNMP message", size);
        return;
    }
    switch (version) {
    case SNMP_V1:
    case SNMP_V2C:
        (void)ber_get_octets(&body);
        describe_pdu(mib, body, out);
        (void)buf_append_text(out, version == SNMP_V1 ? ", v1" : ", v2c");
        return;
    case SNMP_V3: describe_v3(mib, body, in, out); return;
    default:
        (void)buf_printf(out, "a message of SNMP version %" PRId32 ", which busbar does not speak",
                         version);
        return;
    }
}
