/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and PDUs: what net-snmp's tools and agent sent, read and written again; every prefix, every bit flipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "captured.h"
#include "drivers/snmp/ber/pdu.h"

enum { CAPTURED = sizeof(captured) / sizeof(captured[0]), ROOM = 4096 };

static struct snmp_message message_of(const uint8_t *data, size_t size)
{
    struct snmp_message message;
    assert_int_equal(snmp_message_decode(data, size, &message), 0);
    return message;
}
#define MESSAGE(name) message_of(captured_##name, sizeof(captured_##name))

static struct snmp_pdu pdu_of(struct bytes in)
{
    struct snmp_pdu pdu;
    assert_int_equal(snmp_pdu_decode(in, &pdu), 0);
    return pdu;
}

static void assert_oid(struct snmp_oid oid, const char *text)
{
    struct buf printed;
    buf_init(&printed, SNMP_OID_TEXT_MAX);
    snmp_oid_print(oid, &printed);
    assert_string_equal(buf_text(&printed), text);
    buf_fini(&printed);
}

static struct snmp_varbind next_of(struct snmp_pdu *pdu, const char *oid, uint8_t tag)
{
    struct snmp_varbind varbind;
    assert_true(snmp_varbind_next(&pdu->varbinds, &varbind));
    assert_oid(varbind.oid, oid);
    assert_int_equal(varbind.value.tag, tag);
    return varbind;
}

static void a_question_and_its_answer(void **state)
{
    (void)state;
    struct snmp_message message = MESSAGE(get_v2c);
    assert_int_equal(message.version, SNMP_V2C);
    assert_int_equal(bytes_left(&message.community), 6);
    assert_memory_equal(message.community.at, "public", 6);
    struct snmp_pdu ask = pdu_of(message.pdu);
    assert_int_equal(ask.type, SNMP_GET);
    assert_int_equal(ask.request_id, 0x06cabf26);
    (void)next_of(&ask, "1.3.6.1.2.1.1.3.0", BER_NULL);

    struct snmp_pdu answer = pdu_of(MESSAGE(get_v2c_answer).pdu);
    assert_int_equal(answer.type, SNMP_RESPONSE);
    assert_int_equal(answer.request_id, ask.request_id);
    assert_int_equal(answer.error_status, SNMP_NO_ERROR);
    struct snmp_varbind varbind = next_of(&answer, "1.3.6.1.2.1.1.3.0", BER_TIMETICKS);
    uint64_t ticks;
    assert_true(ber_uint(varbind.value.content, &ticks));
    assert_int_equal(ticks, 196);
    varbind = next_of(&answer, "1.3.6.1.2.1.1.5.0", BER_OCTETS);
    assert_memory_equal(varbind.value.content.at, "\"codec\"", 7);
    (void)next_of(&answer, "1.3.6.1.2.1.1.2.0", BER_OID);
    varbind = next_of(&answer, "1.3.6.1.2.1.1.99.0", BER_NO_SUCH_OBJECT);
    assert_int_equal(bytes_left(&varbind.value.content), 0);
    assert_false(snmp_varbind_next(&answer.varbinds, &varbind));
    assert_false(bytes_short(&answer.varbinds));
}

static void errors_and_bulk(void **state)
{
    (void)state;
    struct snmp_message message = MESSAGE(get_v1_no_such_name);
    assert_int_equal(message.version, SNMP_V1);
    struct snmp_pdu pdu = pdu_of(message.pdu);
    assert_int_equal(pdu.error_status, SNMP_NO_SUCH_NAME);
    assert_int_equal(pdu.error_index, 1);
    pdu = pdu_of(MESSAGE(set_no_access).pdu);
    assert_string_equal(snmp_status_word(pdu.error_status), "noAccess");
    pdu = pdu_of(MESSAGE(getbulk).pdu);
    assert_int_equal(pdu.type, SNMP_GETBULK);
    assert_int_equal(pdu.error_status, 1); /* non-repeaters */
    assert_int_equal(pdu.error_index, 3);  /* max-repetitions */
    assert_null(snmp_status_word(19));
    assert_null(snmp_status_word(-1));
}

static void notifications(void **state)
{
    (void)state;
    struct snmp_pdu trap = pdu_of(MESSAGE(trap_v1).pdu);
    assert_int_equal(trap.type, SNMP_TRAP_V1);
    assert_oid(trap.enterprise, "1.3.6.1.4.1.8072.3.2.10");
    assert_memory_equal(trap.agent, "\x0a\x00\x04\x02", 4);
    assert_int_equal(trap.generic, 6);
    assert_int_equal(trap.specific, 17);
    assert_int_equal(trap.uptime, 4242);
    (void)next_of(&trap, "1.3.6.1.2.1.1.5.0", BER_OCTETS);
    trap = pdu_of(MESSAGE(trap_v2c).pdu);
    assert_int_equal(trap.type, SNMP_TRAP);
    (void)next_of(&trap, "1.3.6.1.2.1.1.3.0", BER_TIMETICKS);
    (void)next_of(&trap, "1.3.6.1.6.3.1.1.4.1.0", BER_OID);
    assert_int_equal(pdu_of(MESSAGE(inform_v2c).pdu).type, SNMP_INFORM);
}

static void version_3(void **state)
{
    (void)state;
    struct snmp_message message = MESSAGE(v3_unknown_user_report);
    assert_int_equal(message.version, SNMP_V3);
    assert_int_equal(message.id, 0x692f2d23);
    assert_int_equal(message.size_max, 65507);
    assert_int_equal(message.flags, 0);
    assert_int_equal(message.model, 3);
    struct snmp_scoped scoped;
    assert_int_equal(snmp_scoped_decode(message.data, &scoped), 0);
    assert_int_equal(bytes_left(&scoped.engine), 17);
    assert_int_equal(bytes_left(&scoped.context), 0);
    struct snmp_pdu report = pdu_of(scoped.pdu);
    assert_int_equal(report.type, SNMP_REPORT);
    (void)next_of(&report, "1.3.6.1.6.3.15.1.1.3.0", BER_COUNTER32);

    message = MESSAGE(v3_private);
    assert_int_equal(message.flags, SNMP_AUTH | SNMP_PRIV | SNMP_REPORTABLE);
    assert_int_equal(message.data.at[0], BER_OCTETS);
    assert_int_not_equal(snmp_scoped_decode(message.data, &scoped), 0);
}

static void put_pdu(struct ber_out *out, struct snmp_pdu pdu)
{
    struct snmp_varbind varbinds[8];
    size_t count = 0;
    while (snmp_varbind_next(&pdu.varbinds, &varbinds[count])) {
        count++;
        assert_true(count < 8);
    }
    const uint8_t *mark = ber_mark(out);
    while (count > 0) {
        count--;
        const struct snmp_value *value = &varbinds[count].value;
        snmp_put_varbind(out, varbinds[count].oid, value->tag == BER_NULL ? NULL : value);
    }
    if (pdu.type == SNMP_TRAP_V1) {
        snmp_put_trap_head(out, &pdu, mark);
    } else {
        snmp_put_pdu_head(out, &pdu, mark);
    }
}

/* net-snmp writes minimal lengths too: what is written again is the same, octet by octet. */
static void written_again_it_is_the_same(void **state)
{
    (void)state;
    size_t communities = 0, scoped_count = 0;
    for (size_t i = 0; i < CAPTURED; i++) {
        uint8_t room[ROOM];
        struct ber_out out = ber_out_of(room, sizeof(room));
        const uint8_t *mark = ber_mark(&out);
        struct snmp_message message = message_of(captured[i].data, captured[i].size);
        if (message.version != SNMP_V3) {
            put_pdu(&out, pdu_of(message.pdu));
            snmp_put_message_head(&out, (enum snmp_version)message.version, message.community.at,
                                  bytes_left(&message.community), mark);
            assert_int_equal(ber_out_size(&out), captured[i].size);
            assert_memory_equal(out.at, captured[i].data, captured[i].size);
            communities++;
        } else if ((message.flags & SNMP_PRIV) == 0) {
            struct snmp_scoped scoped;
            assert_int_equal(snmp_scoped_decode(message.data, &scoped), 0);
            put_pdu(&out, pdu_of(scoped.pdu));
            snmp_put_scoped_head(&out, scoped.engine, scoped.context, mark);
            assert_int_equal(ber_out_size(&out), bytes_left(&message.data));
            assert_memory_equal(out.at, message.data.at, ber_out_size(&out));
            scoped_count++;
        }
    }
    assert_true(communities > 10 && scoped_count > 3);
}

static int decode_all(const uint8_t *data, size_t size)
{
    struct snmp_message message;
    struct snmp_scoped scoped;
    struct snmp_pdu pdu;
    int error = snmp_message_decode(data, size, &message);
    if (error != 0 || (message.version == SNMP_V3 && (message.flags & SNMP_PRIV) != 0)) {
        return error;
    }
    if (message.version == SNMP_V3) {
        error = snmp_scoped_decode(message.data, &scoped);
        return error != 0 ? error : snmp_pdu_decode(scoped.pdu, &pdu);
    }
    return message.version == SNMP_V1 || message.version == SNMP_V2C
               ? snmp_pdu_decode(message.pdu, &pdu)
               : 0;
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAPTURED; i++) {
        for (size_t size = 0; size < captured[i].size; size++) {
            struct bytes in = bytes_dup(captured[i].data, size);
            assert_int_equal(decode_all(in.start, size), BUSBAR_EPROTO);
            bytes_fini(&in);
        }
        assert_int_equal(decode_all(captured[i].data, captured[i].size), 0);
    }
}

static void a_flipped_bit_never_reads_too_far(void **state)
{
    (void)state;
    size_t refused = 0;
    for (size_t i = 0; i < CAPTURED; i++) {
        for (size_t bit = 0; bit < captured[i].size * 8; bit++) {
            struct bytes in = bytes_dup(captured[i].data, captured[i].size);
            ((uint8_t *)(uintptr_t)in.start)[bit / 8] ^= (uint8_t)(1U << bit % 8);
            refused += decode_all(in.start, captured[i].size) != 0;
            bytes_fini(&in);
        }
    }
    assert_true(refused > 1000);
}

/* Padding behind the message is no part of it: a digest is over the message only. */
static void what_stands_behind_is_left_out(void **state)
{
    (void)state;
    uint8_t longer[sizeof(captured_get_v2c) + 3] = { 0 };
    memcpy(longer, captured_get_v2c, sizeof(captured_get_v2c));
    struct snmp_message message = message_of(longer, sizeof(longer));
    assert_int_equal(bytes_left(&message.whole), sizeof(captured_get_v2c));
}

static void rules_of_messages(void **state)
{
    (void)state;
    uint8_t data[sizeof(captured_v3_discovery)], old[sizeof(captured_get_v2c)];
    struct snmp_message message;
    memcpy(old, captured_get_v2c, sizeof(old));
    old[4] = 2; /* SNMPv2p */
    assert_int_equal(snmp_message_decode(old, sizeof(old), &message), 0);
    assert_int_equal(message.version, 2);
    assert_int_equal(bytes_left(&message.pdu), 0);

    static const struct {
        size_t at;
        uint8_t value;
    } broken[] = {
        { 9, 0xd9 },  /* a negative msgID */
        { 15, 0xff }, /* a negative msgMaxSize */
        { 23, 0 },    /* no security model */
        { 19, 2 },    /* two octets of flags */
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        memcpy(data, captured_v3_discovery, sizeof(data));
        data[broken[i].at] = broken[i].value;
        assert_int_equal(snmp_message_decode(data, sizeof(data), &message), BUSBAR_EPROTO);
    }
}

static void rules_of_pdus(void **state)
{
    (void)state;
    struct snmp_pdu pdu;
    uint8_t room[64];
    static const uint8_t zero_first[] = { 0x2b, 0x80, 0x01 };
    const struct snmp_pdu get = { .type = SNMP_GET, .request_id = -1 };
    const struct snmp_value bad_oid = { BER_OID, bytes_of(zero_first, sizeof(zero_first)) };
    const struct snmp_oid name = { (const uint8_t *)"\x2b\x06", 2 };
    const struct {
        struct snmp_oid name;
        const struct snmp_value *value;
        uint8_t type;
        int error;
    } rows[] = {
        { name, NULL, SNMP_GET, 0 },
        { { (const uint8_t *)"", 0 }, NULL, SNMP_GET, 0 },
        { { zero_first, 3 }, NULL, SNMP_GET, BUSBAR_EPROTO },
        { name, &bad_oid, SNMP_GET, BUSBAR_EPROTO },
        { name, NULL, 0xa9, BUSBAR_EPROTO },
        { name, NULL, 0x30, BUSBAR_EPROTO },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ber_out out = ber_out_of(room, sizeof(room));
        const uint8_t *mark = ber_mark(&out);
        snmp_put_varbind(&out, rows[i].name, rows[i].value);
        snmp_put_pdu_head(&out, &get, mark);
        out.at[0] = rows[i].type;
        assert_int_equal(snmp_pdu_decode(bytes_of(out.at, ber_out_size(&out)), &pdu),
                         rows[i].error);
        if (rows[i].error == 0) {
            assert_int_equal(pdu.request_id, -1);
        }
    }
}

static void too_many_varbinds(void **state)
{
    (void)state;
    size_t size = SNMP_MESSAGE_MAX;
    uint8_t *room = malloc(size);
    assert_non_null(room);
    for (size_t count = SNMP_VARBINDS_MAX; count <= SNMP_VARBINDS_MAX + 1; count++) {
        struct ber_out out = ber_out_of(room, size);
        const uint8_t *mark = ber_mark(&out);
        const struct snmp_pdu head = { .type = SNMP_RESPONSE };
        struct snmp_pdu pdu;
        for (size_t i = 0; i < count; i++) {
            snmp_put_varbind(&out, (struct snmp_oid){ (const uint8_t *)"\x2b", 1 }, NULL);
        }
        snmp_put_pdu_head(&out, &head, mark);
        assert_int_equal(snmp_pdu_decode(bytes_of(out.at, ber_out_size(&out)), &pdu),
                         count > SNMP_VARBINDS_MAX ? BUSBAR_ELIMIT : 0);
    }
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_and_its_answer),
        cmocka_unit_test(errors_and_bulk),
        cmocka_unit_test(notifications),
        cmocka_unit_test(version_3),
        cmocka_unit_test(written_again_it_is_the_same),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(a_flipped_bit_never_reads_too_far),
        cmocka_unit_test(what_stands_behind_is_left_out),
        cmocka_unit_test(rules_of_messages),
        cmocka_unit_test(rules_of_pdus),
        cmocka_unit_test(too_many_varbinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
