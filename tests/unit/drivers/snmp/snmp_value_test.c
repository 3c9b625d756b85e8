/* SPDX-License-Identifier: Apache-2.0 */
/* Values as samples and as text: what devices send, by MIB, by the point's settings, and with neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "drivers/snmp/mib/hint.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_value.h"
#include "model/quality.h"

static struct snmp_value value_of(uint8_t tag, const char *content, size_t size)
{
    return (struct snmp_value){ .tag = tag, .content = bytes_of(content, size) };
}
#define VALUE(tag, content) value_of((tag), (content), sizeof(content) - 1)

/* As the driver makes it of a point without settings. */
static struct snmp_meaning meaning_of(const char *name)
{
    struct snmp_meaning meaning = { .bit = -1, .divisor = 1, .hint = "" };
    if (name != NULL) {
        meaning.object = mib_named(mib_builtin(), name);
        assert_non_null(meaning.object);
        meaning.syntax = meaning.object->syntax;
        meaning.hint = meaning.object->hint;
        meaning.enums = meaning.object->enums;
        meaning.enum_count = meaning.object->enum_count;
        meaning.divisor = mib_hint_divisor(meaning.hint);
    }
    snmp_meaning_settle(&meaning);
    return meaning;
}

static struct snmp_meaning typed(enum snmp_type type)
{
    struct snmp_meaning meaning = meaning_of(NULL);
    meaning.type = type;
    return meaning;
}

/* What comes of it, as text with the word of its type: "int 7"; of a bad one "refused 2001". */
static void assert_reads(const struct snmp_meaning *meaning, struct snmp_value value,
                         const char *expected)
{
    struct text *text = NULL;
    struct sample sample;
    struct buf out;
    struct bytes copy = bytes_dup(value.content.at, bytes_left(&value.content));
    value.content = copy;
    buf_init(&out, 65536);
    snmp_value_read(meaning, mib_builtin(), &value, &text, &sample);
    if (sample.quality == QUALITY_GOOD) {
        assert_int_equal(sample.detail, 0);
        uint8_t type = snmp_value_type(meaning, SNMP_AS_IS);
        assert_true(type == VALUE_NONE || type == sample.type);
        (void)buf_printf(&out, "%s ", value_type_word(sample.type));
        value_print(sample.type, sample.value, &out);
    } else {
        assert_int_equal(sample.type, VALUE_NONE);
        assert_non_null(snmp_explain(sample.detail));
        (void)buf_printf(&out, "%s %u", quality_reason(sample.quality), sample.detail);
    }
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
    busbar_free(text);
    bytes_fini(&copy);
}

static void by_what_came(void **state)
{
    (void)state;
    const struct snmp_meaning any = meaning_of(NULL);
    assert_reads(&any, VALUE(BER_INTEGER, "\xff"), "int -1");
    assert_reads(&any, VALUE(BER_GAUGE32, "\x00\xff\xff\xff\xff"), "int 4294967295");
    assert_reads(&any, VALUE(BER_GAUGE32, "\xff\xff\xff\xff"), "int 4294967295");
    assert_reads(&any, VALUE(BER_COUNTER32, "\x05"), "int 5");
    assert_reads(&any, VALUE(BER_COUNTER64, "\x0a\xde\x47\xf9\x64"), "int 46678931812");
    assert_reads(&any, VALUE(BER_UINTEGER32, "\x07"), "int 7");
    assert_reads(&any, VALUE(BER_TIMETICKS, "\x00\xc4"), "double 1.96");
    assert_reads(&any, VALUE(BER_OCTETS, "hall 3"), "string hall 3");
    assert_reads(&any, VALUE(BER_OCTETS, ""), "string ");
    assert_reads(&any, VALUE(BER_OCTETS, "hall\0"), "string hall");
    assert_reads(&any, VALUE(BER_OCTETS, "\x00\x1a\x2b"), "string 00:1a:2b");
    assert_reads(&any, VALUE(BER_OCTETS, "21 \xc2\xb0\x43"), "string 21 \xc2\xb0\x43");
    assert_reads(&any, VALUE(BER_OCTETS, "21 \xb0\x43"), "string 32:31:20:b0:43");
    assert_reads(&any, VALUE(BER_IP_ADDRESS, "\x7f\x00\x00\x01"), "string 127.0.0.1");
    assert_reads(&any, VALUE(BER_OID, "\x2b\x06\x01\x02\x01\x01\x03\x00"),
                 "string SNMPv2-MIB::sysUpTime.0");
    assert_reads(&any, VALUE(BER_OPAQUE, "\x9f\x78\x04\x3f\x20\x00\x00"), "double 0.625");
    assert_reads(&any, VALUE(BER_OPAQUE, "\x9f\x79\x08\x40\x35\x66\x66\x66\x66\x66\x66"),
                 "double 21.4");
    assert_reads(&any, VALUE(BER_OPAQUE, "\x9f\x7a\x01\xfe"), "double -2");
    assert_reads(&any, VALUE(BER_OPAQUE, "\x01\x02"), "string 01:02");
    assert_reads(&any, VALUE(BER_NSAP, "\x01\x02"), "string 01:02");
}

static void what_is_no_value(void **state)
{
    (void)state;
    const struct snmp_meaning any = meaning_of(NULL);
    assert_reads(&any, VALUE(BER_NO_SUCH_OBJECT, ""), "refused 2001");
    assert_reads(&any, VALUE(BER_NO_SUCH_INSTANCE, ""), "refused 2002");
    assert_reads(&any, VALUE(BER_END_OF_MIB_VIEW, ""), "refused 2003");
    assert_reads(&any, VALUE(BER_NULL, ""), "refused 5005");
    assert_reads(&any, VALUE(BER_INTEGER, ""), "decode error 5002");
    assert_reads(&any, VALUE(BER_INTEGER, "123456789"), "decode error 5002");
    assert_reads(&any, VALUE(BER_GAUGE32, "\x01\x00\x00\x00\x00"), "decode error 5002");
    assert_reads(&any, VALUE(BER_COUNTER64, "\x00\xff\xff\xff\xff\xff\xff\xff\xff"),
                 "out of range 5007");
    assert_reads(&any, VALUE(BER_IP_ADDRESS, "\x01\x02"), "configuration 5006");
    assert_reads(&any, VALUE(0x77, "\x01"), "configuration 5006");
    assert_reads(&any, VALUE(BER_OPAQUE, "\x9f\x78\x04\x7f\xc0\x00\x00"), "out of range 5010");
    char *many = malloc(TEXT_BYTES_MAX + 1);
    assert_non_null(many);
    memset(many, 'x', TEXT_BYTES_MAX + 1);
    assert_reads(&any, value_of(BER_OCTETS, many, TEXT_BYTES_MAX + 1), "out of range 5008");
    many[0] = 1; /* hexadecimal is three times as long */
    assert_reads(&any, value_of(BER_OCTETS, many, TEXT_BYTES_MAX / 3 + 1), "out of range 5008");
    free(many);
}

static void by_its_mib(void **state)
{
    (void)state;
    struct snmp_meaning meaning = meaning_of("ifOperStatus");
    assert_reads(&meaning, VALUE(BER_INTEGER, "\x01"), "int 1"); /* its name is the class's */
    meaning = meaning_of("ifPromiscuousMode");
    assert_reads(&meaning, VALUE(BER_INTEGER, "\x01"), "bool true");
    assert_reads(&meaning, VALUE(BER_INTEGER, "\x02"), "bool false");
    assert_reads(&meaning, VALUE(BER_OCTETS, "x"), "configuration 5006");
    meaning = meaning_of("ifPhysAddress");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x00\x1a\x2b\x3c\x4d\x5e"),
                 "string 00:1a:2b:3c:4d:5e");
    assert_reads(&meaning, VALUE(BER_OCTETS, "abcdef"), "string 61:62:63:64:65:66");
    meaning = meaning_of("ifDescr");
    assert_reads(&meaning, VALUE(BER_OCTETS, "eth0\0\0"), "string eth0");
    assert_reads(&meaning, VALUE(BER_OCTETS, "21 \xb0\x43"),
                 "string 21 \xc2\xb0\x43"); /* Latin-1 */
    assert_reads(&meaning, VALUE(BER_INTEGER, "\x07"), "string 7");
    meaning = meaning_of("sysUpTime");
    assert_reads(&meaning, VALUE(BER_TIMETICKS, "\x00\xc4"), "double 1.96");
    assert_reads(&meaning, VALUE(BER_INTEGER, "\x64"),
                 "double 1"); /* the wrong type, the right number */
    meaning = meaning_of("hrSystemDate");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x07\xea\x0b\x17\x01\x0e\x1c\x00\x2b\x00\x00"),
                 "string 2026-11-23T01:14:28Z");
    meaning = meaning_of("laLoadFloat");
    assert_reads(&meaning, VALUE(BER_OPAQUE, "\x9f\x78\x04\x3f\x20\x00\x00"), "double 0.625");
    meaning = meaning_of("lldpRemSysCapSupported");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x28\x00"), "string bridge, router");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x00"), "string ");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x00\x01"), "string 15");
}

static void by_the_point(void **state)
{
    (void)state;
    struct snmp_meaning meaning = typed(SNMP_NUMBER);
    assert_reads(&meaning, VALUE(BER_OCTETS, "21.4"), "double 21.4");
    assert_reads(&meaning, VALUE(BER_OCTETS, " -3 degC"), "double -3");
    assert_reads(&meaning, VALUE(BER_OCTETS, "45%"), "double 45");
    assert_reads(&meaning, VALUE(BER_OCTETS, "1e3"), "double 1000");
    assert_reads(&meaning, VALUE(BER_OCTETS, "12:30"), "decode error 5009");
    assert_reads(&meaning, VALUE(BER_OCTETS, "n/a"), "decode error 5009");
    assert_reads(&meaning, VALUE(BER_OCTETS, ""), "decode error 5009");
    assert_reads(&meaning, VALUE(BER_INTEGER, "\x05"), "double 5");
    meaning = typed(SNMP_HEX);
    assert_reads(&meaning, VALUE(BER_OCTETS, "abc"), "string 61:62:63");
    meaning = typed(SNMP_FLOAT);
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x3f\x20\x00\x00"), "double 0.625");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x3f\x20\x00"), "configuration 5006");
    meaning = typed(SNMP_INT);
    assert_reads(&meaning, VALUE(BER_OCTETS, "12"), "configuration 5006");
    meaning.divisor = mib_hint_divisor("d-2");
    assert_reads(&meaning, VALUE(BER_INTEGER, "\x04\xd2"), "double 12.34");
    meaning = typed(SNMP_BOOL);
    assert_reads(&meaning, VALUE(BER_GAUGE32, "\x00"), "bool false");
    assert_reads(&meaning, VALUE(BER_GAUGE32, "\x03"), "bool true");
    meaning = typed(SNMP_AUTO);
    meaning.bit = 2;
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x20"), "bool true");
    assert_reads(&meaning, VALUE(BER_OCTETS, ""), "bool false");
    assert_reads(&meaning, VALUE(BER_INTEGER, "\x04"), "bool true"); /* the lowest is bit 0 */
    meaning = typed(SNMP_TEXT);
    meaning.hint = "1x:";
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x0a\x0b"), "string 0a:0b");
}

static void dates(void **state)
{
    (void)state;
    struct snmp_meaning meaning = typed(SNMP_DATE);
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x07\xea\x0b\x16\x0a\x2c\x08\x05"),
                 "string 2026-11-22T10:44:08.5");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x07\xe8\x02\x1d\x00\x00\x00\x00-\x05\x1e"),
                 "string 2024-02-29T00:00:00-05:30");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x07\xea\x02\x1d\x00\x00\x00\x00"),
                 "decode error 5011"); /* no leap year */
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x00\x00\x00\x00\x00\x00\x00\x00"),
                 "decode error 5011");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x07\xea\x0b\x16\x0a\x2c\x08"), "decode error 5011");
    assert_reads(&meaning, VALUE(BER_OCTETS, "\x07\xea\x0b\x16\x0a\x2c\x08\x05*\x00\x00"),
                 "decode error 5011");
}

static void assert_prints(const char *object, struct snmp_value value, const char *expected)
{
    struct buf out;
    buf_init(&out, 4096);
    snmp_value_print(mib_builtin(), object != NULL ? mib_named(mib_builtin(), object) : NULL,
                     &value, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void for_people(void **state)
{
    (void)state;
    assert_prints("ifOperStatus", VALUE(BER_INTEGER, "\x01"), "up(1)");
    assert_prints("ifOperStatus", VALUE(BER_INTEGER, "\x63"), "99");
    assert_prints(NULL, VALUE(BER_TIMETICKS, "\x01\x1b\x8a"), "0:12:05.86");
    assert_prints(NULL, VALUE(BER_TIMETICKS, "\x00\xff\xff\xff\xff"), "497 d 2:27:52.95");
    assert_prints("lldpRemSysCapSupported", VALUE(BER_OCTETS, "\x28\x00"), "bridge(2), router(4)");
    assert_prints("ifPhysAddress", VALUE(BER_OCTETS, "\x00\x1a\x2b"), "00:1a:2b");
    assert_prints("hrSystemDate", VALUE(BER_OCTETS, "\x07\xea\x0b\x16\x0a\x2c\x08\x05"),
                  "2026-11-22T10:44:08.5");
    assert_prints("hrSystemDate", VALUE(BER_OCTETS, "\x01\x02"), "01:02");
    assert_prints(NULL, VALUE(BER_OID, "\x00"), "SNMPv2-SMI::zeroDotZero");
    assert_prints(NULL, VALUE(BER_OID, "\x2b\x80\x01"), "type 0x06: 2b:80:01");
    assert_prints(NULL, VALUE(BER_COUNTER64, "\x00\xff\xff\xff\xff\xff\xff\xff\xff"),
                  "18446744073709551615");
    assert_prints(NULL, VALUE(BER_OPAQUE, "\x9f\x78\x04\x3f\x20\x00\x00"), "0.625");
    assert_prints(NULL, VALUE(BER_NO_SUCH_INSTANCE, ""), "noSuchInstance");
    assert_prints(NULL, VALUE(BER_NULL, ""), "NULL");
    assert_prints(NULL, VALUE(0x77, "\x01"), "type 0x77: 01");
}

static void counters(void **state)
{
    (void)state;
    struct sample sample = { 0 };
    uint64_t raw = 0;
    unsigned bits = 0;
    struct snmp_value value = VALUE(BER_COUNTER32, "\x07");
    assert_true(snmp_value_counter(&value, &raw, &bits, &sample) && raw == 7 && bits == 32);
    value = VALUE(BER_COUNTER64, "\x00\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_true(snmp_value_counter(&value, &raw, &bits, &sample) && raw == UINT64_MAX &&
                bits == 64);
    value = VALUE(BER_INTEGER, "\xff");
    assert_false(snmp_value_counter(&value, &raw, &bits, &sample));
    assert_int_equal(sample.detail, SNMP_DETAIL_NO_COUNTER);
    value = VALUE(BER_NO_SUCH_INSTANCE, "");
    assert_false(snmp_value_counter(&value, &raw, &bits, &sample));
    assert_int_equal(sample.quality, QUALITY_REFUSED);
    assert_int_equal(sample.detail, 2002);
}

/* Every tag with every size of content, in every type: nothing is read that is not there (ASan looks on). */
static void any_octets_in_any_type(void **state)
{
    (void)state;
    static const uint8_t octets[] = { 0x9f, 0x78, 0x04, 0x81, 0x00, 0xff, 0x80,
                                      0x2b, 0x06, 0x01, 0x07, 0xea, 0x0b, 0x16 };
    size_t good = 0;
    for (unsigned tag = 0; tag < 256; tag++) {
        for (size_t size = 0; size <= sizeof(octets); size++) {
            for (int type = SNMP_AUTO; type <= SNMP_DATE; type++) {
                const struct snmp_meaning meaning = typed((enum snmp_type)type);
                struct bytes content = bytes_dup(octets, size);
                const struct snmp_value value = { (uint8_t)tag, content };
                struct text *text = NULL;
                struct sample sample;
                snmp_value_read(&meaning, mib_builtin(), &value, &text, &sample);
                assert_int_equal(sample.type == VALUE_NONE, sample.quality != QUALITY_GOOD);
                good += sample.quality == QUALITY_GOOD;
                busbar_free(text);
                bytes_fini(&content);
            }
        }
    }
    assert_true(good > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_what_came), cmocka_unit_test(what_is_no_value),
        cmocka_unit_test(by_its_mib),   cmocka_unit_test(by_the_point),
        cmocka_unit_test(dates),        cmocka_unit_test(for_people),
        cmocka_unit_test(counters),     cmocka_unit_test(any_octets_in_any_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
