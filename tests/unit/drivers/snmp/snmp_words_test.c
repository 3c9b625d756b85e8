/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in words, whole, cut and broken; and from a value back to its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ber/captured.h"
#include "drivers/snmp/snmp_words.h"
#include "drivers/snmp/usm/usm.h"
#include "model/quality.h"

enum { CAPTURED = sizeof(captured) / sizeof(captured[0]), TEXT = 8192 };

static void assert_says(const void *data, size_t size, const char *expected)
{
    struct buf out;
    buf_init(&out, TEXT);
    snmp_describe(mib_builtin(), data, size, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}
#define SAYS(name, text) assert_says(captured_##name, sizeof(captured_##name), (text))

static void in_words(void **state)
{
    (void)state;
    SAYS(get_v2c, "Get sysUpTime.0, sysName.0, sysObjectID.0, system.99.0, id 113950502, v2c");
    SAYS(get_v2c_answer,
         "Response sysUpTime.0 = 0:00:01.96, sysName.0 = \"codec\", sysObjectID.0 = "
         "NET-SNMP-TC::linux, system.99.0 = noSuchObject, id "
         "113950502, v2c");
    SAYS(get_v1_no_such_name,
         "Response noSuchName at value 1: system.99.0 = NULL, id 460909774, v1");
    SAYS(getbulk, "GetBulk 3 rows behind sysUpTime, ifDescr, ifHCInOctets, id 1151166708, v2c");
    SAYS(set, "Set sysName.0 = x, id 1425482069, v2c");
    SAYS(set_no_access, "Response noAccess at value 1: sysName.0 = x, id 1425482069, v2c");
    SAYS(trap_v1, "Trap 17 of linux from 10.0.4.2: sysName.0 = hello, v1");
    SAYS(trap_v2c, "Trap sysUpTime.0 = 0:00:42.42, snmpTrapOID.0 = IF-MIB::linkUp, ifIndex.7 = 7, "
                   "id 1525399002, v2c");
    SAYS(v3_discovery, "Get, id 2027677524, v3, not authenticated");
    SAYS(v3_private, "encrypted, v3 user 'busbar', encrypted");
}

static void reports(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, TEXT);
    snmp_describe(mib_builtin(), captured_v3_unknown_user_report,
                  sizeof(captured_v3_unknown_user_report), &out);
    const char *text = buf_text(&out);
    assert_int_equal(strncmp(text, "Report: ", 8), 0);
    assert_non_null(strstr(text, usm_trouble_words(USM_UNKNOWN_USER)));
    assert_non_null(strstr(text, "v3 user 'nobody', not authenticated"));
    buf_fini(&out);
}

/* The ring keeps the clear text of an encrypted message behind it. */
static void what_was_encrypted(void **state)
{
    (void)state;
    uint8_t room[1024];
    struct snmp_message message;
    struct buf out;
    assert_int_equal(
        snmp_message_decode(captured_v3_unknown_user, sizeof(captured_v3_unknown_user), &message),
        0);
    size_t size = sizeof(captured_v3_private), clear = bytes_left(&message.data);
    memcpy(room, captured_v3_private, size);
    memcpy(room + size, message.data.at, clear);
    assert_says(room, size + clear, "Get sysName.0, id 1068642287, v3 user 'busbar', encrypted");
    buf_init(&out, TEXT);
    snmp_describe(mib_builtin(), room, size + clear - 12, &out);
    assert_non_null(strstr(buf_text(&out), "(cut)"));
    buf_fini(&out);
}

static void cut_and_broken(void **state)
{
    (void)state;
    assert_says("", 0, "0 bytes that are no SNMP message");
    assert_says("GET / HTTP/1.0\r\n", 16, "16 bytes that are no SNMP message");
    assert_says(captured_get_v2c_answer, 62,
                "Response sysUpTime.0 = 0:00:01.96 (cut), id 113950502, v2c");
    for (size_t i = 0; i < CAPTURED; i++) {
        for (size_t size = 0; size <= captured[i].size; size++) {
            struct bytes in = bytes_dup(captured[i].data, size);
            struct buf out;
            buf_init(&out, TEXT);
            snmp_describe(mib_builtin(), in.start, size, &out);
            assert_true(out.size > 0 && !out.overflow);
            buf_fini(&out);
            bytes_fini(&in);
        }
    }
}

/* ---- from a value back to its bytes ---- */

static const struct snmp_meaning meaning = { .bit = -1, .divisor = 1, .hint = "" };

static bool trace(const char *oid, const struct snmp_row_name *row, const void *sent,
                  size_t sent_size, const void *received, size_t received_size, struct buf *out,
                  struct sample *raw)
{
    struct snmp_oid_buf parsed;
    assert_int_equal(snmp_oid_parse(oid, &parsed, NULL), 0);
    const struct snmp_address address = { .oid = parsed.oid, .row = row, .meaning = &meaning };
    buf_clear(out);
    return snmp_trace(mib_builtin(), &address, bytes_of(sent, sent_size),
                      bytes_of(received, received_size), out, raw);
}
#define TRACE(oid, row, sent, received, out, raw)                                  \
    trace(oid, row, captured_##sent, sizeof(captured_##sent), captured_##received, \
          sizeof(captured_##received), out, raw)

static void back_to_the_bytes(void **state)
{
    (void)state;
    struct buf out;
    struct sample raw;
    buf_init(&out, TEXT);
    assert_true(TRACE("1.3.6.1.2.1.1.3.0", NULL, get_v2c, get_v2c_answer, &out, &raw));
    assert_string_equal(buf_text(&out), "00 c4 in SNMPv2-MIB::sysUpTime.0, TimeTicks = 0:00:01.96");
    assert_true(raw.type == VALUE_DOUBLE && raw.value.d == 1.96);
    assert_true(TRACE("1.3.6.1.2.1.1.5.0", NULL, get_v2c, get_v2c_answer, &out, &raw));
    assert_int_equal(raw.type, VALUE_NONE); /* a text */
    assert_true(TRACE("1.3.6.1.2.1.1.99.0", NULL, get_v2c, get_v2c_answer, &out, &raw));
    assert_string_equal(buf_text(&out), "SNMPv2-MIB::system.99.0 = noSuchObject");
    assert_false(TRACE("1.3.6.1.2.1.1.4.0", NULL, get_v2c, get_v2c_answer, &out, &raw));
    assert_false(TRACE("1.3.6.1.2.1.1.3", NULL, get_v2c, get_v2c_answer, &out, &raw));
    /* Another question, no answer, and a trap, which needs no question. */
    assert_false(TRACE("1.3.6.1.2.1.1.3.0", NULL, get_types, get_v2c_answer, &out, &raw));
    assert_false(TRACE("1.3.6.1.2.1.1.3.0", NULL, get_v2c, get_v2c, &out, &raw));
    assert_false(TRACE("1.3.6.1.2.1.1.5.0", NULL, v3_private, v3_private_answer, &out, &raw));
    assert_true(TRACE("1.3.6.1.2.1.2.2.1.1.7", NULL, get_v2c, trap_v2c, &out, &raw));
    assert_int_equal(raw.value.i, 7);
    buf_fini(&out);
}

static void rows_by_name(void **state)
{
    (void)state;
    struct buf out;
    struct sample raw;
    struct snmp_oid_buf column;
    assert_int_equal(snmp_oid_parse("1.3.6.1.2.1.2.2.1.2", &column, NULL), 0);
    const struct snmp_row_name lo = { column.oid, "lo" }, none = { column.oid, "l" };
    buf_init(&out, TEXT);
    assert_true(TRACE("1.3.6.1.2.1.31.1.1.1.6", &lo, getbulk, getbulk_answer, &out, &raw));
    assert_string_equal(buf_text(&out),
                        "0a de 47 f9 64 in IF-MIB::ifHCInOctets.1, Counter64 = 46678931812");
    assert_false(TRACE("1.3.6.1.2.1.31.1.1.1.6", &none, getbulk, getbulk_answer, &out, &raw));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_words),           cmocka_unit_test(reports),
        cmocka_unit_test(what_was_encrypted), cmocka_unit_test(cut_and_broken),
        cmocka_unit_test(back_to_the_bytes),  cmocka_unit_test(rows_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
