/* SPDX-License-Identifier: Apache-2.0 */
/* Values for SET: types, names, ranges and sizes of MIBs; what is written reads back; what is refused, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/snmp/mib/hint.h"
#include "drivers/snmp/snmp_value.h"
#include "model/quality.h"

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

/* "true", "12", "21.5" or a text; `is` says which. */
static struct sample sample_of(uint8_t is, const char *text, struct text **kept)
{
    struct sample sample = { .type = is };
    switch (is) {
    case VALUE_BOOL: sample.value.b = strcmp(text, "true") == 0; break;
    case VALUE_INT: assert_int_equal(str_parse_i64(text, &sample.value.i), 0); break;
    case VALUE_DOUBLE: assert_int_equal(str_parse_double(text, &sample.value.d), 0); break;
    default:
        *kept = text_new(text, strlen(text));
        sample.value.text = *kept;
        break;
    }
    return sample;
}

/* expected: "02 1": the tag, then the octets of the content in hexadecimal; "-3 word": the error and a word of it. */
static void assert_writes(const struct snmp_meaning *meaning, uint8_t is, const char *text,
                          const char *expected)
{
    uint8_t room[TEXT_BYTES_MAX];
    char hex[1024], got[2048];
    struct snmp_value value = { 0 };
    struct err err = { 0 };
    struct text *kept = NULL;
    const struct sample sample = sample_of(is, text, &kept);
    int error = snmp_value_write(meaning, mib_builtin(), &sample, room, sizeof(room), &value, &err);
    busbar_free(kept);
    if (error != 0) {
        assert_int_equal(err.code, error);
        str_format(got, sizeof(got), "%d %s %s", error, err.message, err.hint);
        const char *word = strchr(expected, ' ');
        if (strtol(expected, NULL, 10) != error || word == NULL || strstr(got, word + 1) == NULL) {
            fail_msg("'%s': %s, not %s", text, got, expected);
        }
        return;
    }
    str_hex(hex, sizeof(hex), value.content.at, bytes_left(&value.content), 0);
    str_format(got, sizeof(got), "%02x %s", value.tag, hex);
    assert_string_equal(got, expected);
    /* What is written is read again in the same type. */
    struct sample back;
    kept = NULL;
    snmp_value_read(meaning, mib_builtin(), &value, &kept, &back);
    assert_int_equal(back.quality, QUALITY_GOOD);
    busbar_free(kept);
}

static void integers_and_names(void **state)
{
    (void)state;
    const struct snmp_meaning status = meaning_of("ifAdminStatus");
    assert_writes(&status, VALUE_INT, "2", "02 02");
    assert_writes(&status, VALUE_TEXT, "down", "02 02");
    assert_writes(&status, VALUE_TEXT, "2", "02 02");
    assert_writes(&status, VALUE_DOUBLE, "1.6", "02 02");
    assert_writes(&status, VALUE_INT, "9", "-3 up(1), down(2), testing(3)");
    assert_writes(&status, VALUE_TEXT, "off", "-3 there is no 'off' here");
    const struct snmp_meaning truth = meaning_of("ifPromiscuousMode");
    assert_writes(&truth, VALUE_BOOL, "true", "02 01");
    assert_writes(&truth, VALUE_BOOL, "false", "02 02");
    assert_writes(&truth, VALUE_INT, "0", "02 02");
    assert_writes(&truth, VALUE_TEXT, "true", "02 01");
    assert_writes(&truth, VALUE_INT, "3", "-3 true(1), false(2)");
    const struct snmp_meaning forwarding = meaning_of("ipDefaultTTL");
    assert_writes(&forwarding, VALUE_INT, "64", "02 40");
    assert_writes(&forwarding, VALUE_INT, "0", "-26 1..255");
    assert_writes(&forwarding, VALUE_INT, "256", "-26 1..255");
}

static void without_a_mib(void **state)
{
    (void)state;
    struct snmp_meaning meaning = typed(SNMP_INT);
    assert_writes(&meaning, VALUE_INT, "-129", "02 ff7f");
    assert_writes(&meaning, VALUE_BOOL, "false", "02 00");
    assert_writes(&meaning, VALUE_INT, "2147483648", "-26 -2147483648 to 2147483647");
    assert_writes(&meaning, VALUE_DOUBLE, "1e300", "-26 64 bits");
    assert_writes(&meaning, VALUE_TEXT, "x", "-3 a number is expected");
    meaning = typed(SNMP_UNSIGNED);
    assert_writes(&meaning, VALUE_INT, "4294967295", "42 00ffffffff");
    assert_writes(&meaning, VALUE_INT, "-1", "-26 0 to 4294967295");
    meaning = typed(SNMP_TICKS);
    assert_writes(&meaning, VALUE_DOUBLE, "1.96", "43 00c4");
    assert_writes(&meaning, VALUE_INT, "2", "43 00c8");
    meaning = typed(SNMP_BOOL);
    assert_writes(&meaning, VALUE_BOOL, "false", "02 02");
    meaning = typed(SNMP_FLOAT);
    assert_writes(&meaning, VALUE_DOUBLE, "0.625", "44 9f78043f200000");
    assert_writes(&meaning, VALUE_DOUBLE, "1e300", "-26 float");
    meaning = typed(SNMP_NUMBER);
    assert_writes(&meaning, VALUE_DOUBLE, "21.5", "04 32312e35");
    meaning = typed(SNMP_AUTO);
    assert_writes(&meaning, VALUE_TEXT, "ab", "04 6162");
    assert_writes(&meaning, VALUE_INT, "7", "-31 set 'type' of the point");
    meaning.bit = 3;
    assert_writes(&meaning, VALUE_BOOL, "true", "-3 one bit cannot be written alone");
}

static void decimals_and_hints(void **state)
{
    (void)state;
    struct snmp_meaning meaning = typed(SNMP_INT);
    meaning.hint = "d-1";
    meaning.divisor = mib_hint_divisor(meaning.hint);
    assert_writes(&meaning, VALUE_DOUBLE, "21.4", "02 00d6");
    assert_writes(&meaning, VALUE_INT, "-3", "02 e2");
    assert_writes(&meaning, VALUE_TEXT, "21.4", "02 00d6");
    meaning = typed(SNMP_TEXT);
    meaning.hint = "1x:";
    assert_writes(&meaning, VALUE_TEXT, "00:1a:2b", "04 001a2b");
    assert_writes(&meaning, VALUE_TEXT, "xyz", "-3 1x:");
    meaning = typed(SNMP_HEX);
    assert_writes(&meaning, VALUE_TEXT, "00:1A-2b 3c4d", "04 001a2b3c4d");
    assert_writes(&meaning, VALUE_TEXT, "", "04 ");
    assert_writes(&meaning, VALUE_TEXT, "0", "-3 hexadecimal");
    assert_writes(&meaning, VALUE_TEXT, "00:1g", "-3 hexadecimal");
    assert_writes(&meaning, VALUE_TEXT, "00:", "-3 hexadecimal");
}

static void texts_and_sizes(void **state)
{
    (void)state;
    const struct snmp_meaning name = meaning_of("sysName");
    char many[257];
    assert_writes(&name, VALUE_TEXT, "hall-3", "04 68616c6c2d33");
    assert_writes(&name, VALUE_TEXT, "", "04 ");
    assert_writes(&name, VALUE_INT, "12", "04 3132");
    memset(many, 'x', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    assert_writes(&name, VALUE_TEXT, many, "-26 sysName has 0..255 octets, this is 256");
    const struct snmp_meaning bits = meaning_of("lldpRemSysCapSupported");
    assert_writes(&bits, VALUE_TEXT, "bridge, router", "04 28");
    assert_writes(&bits, VALUE_TEXT, "2,4", "04 28");
    assert_writes(&bits, VALUE_TEXT, "", "04 00");
    assert_writes(&bits, VALUE_TEXT, "bridge, switch", "-3 there is no 'switch' here");
    assert_writes(&bits, VALUE_TEXT, "4096", "-3 there is no '4096' here");
    memset(many, 'b', sizeof(many) - 1); /* longer than any name */
    assert_writes(&bits, VALUE_TEXT, many, "-3 there is no 'bbb");
    const struct snmp_meaning date = meaning_of("hrSystemDate");
    assert_writes(&date, VALUE_TEXT, "2026-11-22T11:44:08.5+01:00", "04 07ea0b160a2c08052b0000");
    assert_writes(&date, VALUE_TEXT, "yesterday", "-3 2026-11-22T10:44:08Z");
}

static void addresses_and_oids(void **state)
{
    (void)state;
    struct snmp_meaning meaning = typed(SNMP_ADDRESS);
    assert_writes(&meaning, VALUE_TEXT, "10.0.4.255", "40 0a0004ff");
    static const char *const wrong[] = { "",        "10.0.4",    "10.0.4.256", "10.0.4.2.1",
                                         "a.b.c.d", "10.0.4.2 ", "10..4.2",    "0010.0.4.2" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_writes(&meaning, VALUE_TEXT, wrong[i], "-3 an IPv4 address is expected");
    }
    meaning = typed(SNMP_OID_TYPE);
    assert_writes(&meaning, VALUE_TEXT, "1.3.6.1.4.1.8072", "06 2b06010401bf08");
    assert_writes(&meaning, VALUE_TEXT, "IF-MIB::ifOperStatus.7", "06 2b060102010202010807");
    assert_writes(&meaning, VALUE_TEXT, "noSuchNameAtAll", "-3 noSuchNameAtAll");
    assert_writes(&meaning, VALUE_INT, "7", "-3 an OID is expected");
}

/* Too little room is an error, never an overrun (ASan looks on). */
static void into_any_room(void **state)
{
    (void)state;
    static const struct {
        enum snmp_type type;
        const char *text;
        size_t needed;
    } rows[] = { { SNMP_TEXT, "hall-3", 6 },      { SNMP_HEX, "001a2b", 3 },
                 { SNMP_ADDRESS, "10.0.4.2", 4 }, { SNMP_OID_TYPE, "1.3.6.1.4.1.8072", 7 },
                 { SNMP_FLOAT, "0.625", 7 },      { SNMP_INT, "1000", 4 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct snmp_meaning meaning = typed(rows[i].type);
        for (size_t size = 0; size < 10; size++) {
            struct text *kept = NULL;
            const struct sample sample = sample_of(VALUE_TEXT, rows[i].text, &kept);
            struct snmp_value value;
            uint8_t *room = malloc(size + 1);
            assert_non_null(room);
            int error = snmp_value_write(&meaning, mib_builtin(), &sample, room, size, &value,
                                         NULL);
            assert_int_equal(error == 0, size >= rows[i].needed);
            free(room);
            busbar_free(kept);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_and_names), cmocka_unit_test(without_a_mib),
        cmocka_unit_test(decimals_and_hints), cmocka_unit_test(texts_and_sizes),
        cmocka_unit_test(addresses_and_oids), cmocka_unit_test(into_any_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
