/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of all versions, with all types of PDUs: what is decoded, written and decoded again is the same.
 * Lengths may be shorter the second time; the third is as the second. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/snmp/ber/pdu.h"

enum { VARBINDS = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct bytes a, struct bytes b)
{
    return bytes_left(&a) == bytes_left(&b) &&
           (bytes_left(&a) == 0 || memcmp(a.at, b.at, bytes_left(&a)) == 0);
}

/* False: more than this fuzzer keeps. */
static bool put_pdu(struct ber_out *out, const struct snmp_pdu *pdu)
{
    struct snmp_varbind varbinds[VARBINDS], more;
    struct bytes in = pdu->varbinds;
    size_t count = 0;
    while (count < VARBINDS && snmp_varbind_next(&in, &varbinds[count])) {
        count++;
    }
    if (snmp_varbind_next(&in, &more)) {
        return false;
    }
    assert(!bytes_short(&in));
    const uint8_t *mark = ber_mark(out);
    while (count-- > 0) {
        snmp_put_varbind(out, varbinds[count].oid, &varbinds[count].value);
    }
    if (pdu->type == SNMP_TRAP_V1) {
        snmp_put_trap_head(out, pdu, mark);
    } else {
        snmp_put_pdu_head(out, pdu, mark);
    }
    assert(!out->failed);
    return true;
}

static void compare(const struct snmp_pdu *a, const struct snmp_pdu *b)
{
    struct snmp_varbind one, other;
    struct bytes a_in = a->varbinds, b_in = b->varbinds;
    assert(a->type == b->type && a->request_id == b->request_id);
    assert(a->error_status == b->error_status && a->error_index == b->error_index);
    assert(snmp_oid_equal(a->enterprise, b->enterprise));
    assert(memcmp(a->agent, b->agent, sizeof(a->agent)) == 0);
    assert(a->generic == b->generic && a->specific == b->specific && a->uptime == b->uptime);
    while (snmp_varbind_next(&a_in, &one)) {
        assert(snmp_varbind_next(&b_in, &other));
        assert(snmp_oid_equal(one.oid, other.oid) && one.value.tag == other.value.tag);
        assert(same(one.value.content, other.value.content));
    }
    assert(!snmp_varbind_next(&b_in, &other));
}

static void fuzz_pdu(struct bytes in)
{
    struct snmp_pdu pdu, again, third;
    size_t room_size = bytes_left(&in) + 128; /* an integer of many zeros gets shorter */
    if (snmp_pdu_decode(in, &pdu) != 0) {
        return;
    }
    uint8_t *room = malloc(2 * room_size);
    struct ber_out out = ber_out_of(room, room_size);
    if (put_pdu(&out, &pdu)) {
        struct bytes written = bytes_of(out.at, ber_out_size(&out));
        assert(snmp_pdu_decode(written, &again) == 0);
        compare(&pdu, &again);
        out = ber_out_of(room + room_size, room_size);
        assert(put_pdu(&out, &again));
        assert(same(written, bytes_of(out.at, ber_out_size(&out))));
        assert(snmp_pdu_decode(written, &third) == 0);
    }
    free(room);
}

static void fuzz_scoped(struct bytes in)
{
    struct snmp_scoped scoped;
    if (snmp_scoped_decode(in, &scoped) == 0) {
        assert(bytes_left(&scoped.pdu) > 0);
        fuzz_pdu(scoped.pdu);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snmp_message message;
    if (size > SNMP_MESSAGE_MAX) {
        return 0;
    }
    struct bytes copy = bytes_dup(data, size);
    if (snmp_message_decode(copy.start, size, &message) == 0) {
        assert(bytes_left(&message.whole) <= size);
        if (message.version == SNMP_V3) {
            assert(message.id >= 0 && message.size_max >= SNMP_MESSAGE_LEAST);
            fuzz_scoped(message.data);
        } else if (message.version == SNMP_V1 || message.version == SNMP_V2C) {
            assert(bytes_left(&message.community) <= SNMP_COMMUNITY_MAX);
            fuzz_pdu(message.pdu);
        }
    }
    fuzz_pdu(copy);
    fuzz_scoped(copy);
    bytes_fini(&copy);
    return 0;
}
