/* SPDX-License-Identifier: Apache-2.0 */
/* Character strings of every encoding to UTF-8, values as people write them, whole properties. */
#include "wire_rig.h"

#include "drivers/bacnet/wire/tag.h"
#include "drivers/bacnet/wire/text.h"
#include "support/random.h"

struct text {
    const char *hex; /* with the character set, as in the content */
    const char *utf8;
    size_t replaced;
};

static const struct text texts[] = {
    { "00 4672616EC3A7616973",
      "Fran\xc3\xa7"
      "ais",
      0 },
    { "00", "", 0 },
    { "00 6100620000",
      "a\xef\xbf\xbd"
      "b",
      1 },
    { "00 61FF62",
      "a\xef\xbf\xbd"
      "b",
      1 },
    { "00 C3", "\xef\xbf\xbd", 1 },
    { "01 0352 4672616E87616973",
      "Fran\xc3\xa7"
      "ais",
      0 }, /* 20.2.9: code page 850 */
    { "01 04E4 B0 43",
      "\xc2\xb0"
      "C",
      0 },                               /* 1252 */
    { "01 04E4 81", "\xef\xbf\xbd", 1 }, /* 1252 has no 0x81 */
    { "01 01B5 F8", "\xc2\xb0", 0 },     /* 437 */
    { "01 6FAF E4", "\xc3\xa4", 0 },     /* Latin-1 */
    { "01 FDE9 C3A4", "\xc3\xa4", 0 },   /* UTF-8 */
    { "01 03A4 41 8340", "A\xef\xbf\xbd@",
      1 }, /* Shift-JIS: its ASCII, and how much was not read */
    { "02 41 B1", "A\xef\xbf\xbd", 1 },
    { "03 00000041 0001F321", "A\xf0\x9f\x8c\xa1", 0 },
    { "03 00000041 00", "A\xef\xbf\xbd", 1 },
    { "03 00110000", "\xef\xbf\xbd", 1 },
    { "04 00460072 00E7", "Fr\xc3\xa7", 0 },
    { "04 D83C DF21", "\xf0\x9f\x8c\xa1", 0 },
    { "04 D83C 0041",
      "\xef\xbf\xbd"
      "A",
      1 },
    { "04 0041 0000 0000", "A", 0 },
    { "04 004142", "A\xef\xbf\xbd", 1 },
    { "05 32 31 B0 43",
      "21\xc2\xb0"
      "C",
      0 },
    { "09 41 B0", "A\xef\xbf\xbd", 1 }, /* a set that does not exist */
};

static void texts_become_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t data[CODEC_MAX];
        size_t size = codec_hex(texts[i].hex, data);
        struct bytes content = bytes_dup(data, size);
        struct bacnet_value value;
        assert_int_equal(bacnet_get_content(content, BACNET_CHARACTERS, &value), 0);
        struct buf out;
        buf_init(&out, 1000);
        size_t replaced = bacnet_print_characters(&value, &out);
        if (strcmp(buf_text(&out), texts[i].utf8) != 0 || replaced != texts[i].replaced) {
            fail_msg("%s: '%s', %zu replaced", texts[i].hex, buf_text(&out), replaced);
        }
        buf_fini(&out);
        bytes_fini(&content);
    }
}

static void any_bytes_become_good_utf8(void **state)
{
    (void)state;
    struct random random = { 9 };
    for (int i = 0; i < 20000; i++) {
        uint8_t data[24];
        size_t size = 3 + (size_t)random_below(&random, sizeof(data) - 2);
        for (size_t at = 0; at < size; at++) {
            data[at] = (uint8_t)random_u64(&random);
        }
        data[0] = (uint8_t)random_below(&random, 7);
        struct bytes content = bytes_dup(data, size);
        struct bacnet_value value;
        assert_int_equal(bacnet_get_content(content, BACNET_CHARACTERS, &value), 0);
        struct buf out;
        buf_init(&out, 1000);
        (void)bacnet_print_characters(&value, &out);
        assert_true(str_is_utf8(buf_text(&out), out.size));
        assert_null(memchr(buf_text(&out), 0, out.size));
        buf_fini(&out);
        bytes_fini(&content);
    }
}

struct shown {
    const char *hex;
    enum bacnet_list list;
    const char *text;
};

static const struct shown shown[] = {
    { "91 03", BACNET_LIST_EVENT_STATES, "high-limit" },
    { "91 C8", BACNET_LIST_EVENT_STATES, "200" },
    { "91 01", BACNET_LIST_BINARY, "active" },
    { "91 3E", BACNET_LIST_UNITS, "degrees-celsius" },
    { "92 0208", BACNET_LIST_RELIABILITY, "520" },
    { "82 04 40", BACNET_LIST_STATUS_FLAGS, "fault" },
    { "82 04 B0", BACNET_LIST_STATUS_FLAGS, "in-alarm,overridden,out-of-service" },
    { "82 04 00", BACNET_LIST_STATUS_FLAGS, "none" },
    { "82 04 B0", BACNET_LIST_NONE, "1011" },
    { "A4 FFFFFFFF", BACNET_LIST_NONE, "any" },
    { "A4 FF 0C 19 FF", BACNET_LIST_NONE, "*-12-25" },
    { "A4 FF 0D 20 FF", BACNET_LIST_NONE, "*-odd-last" },
    { "A4 FF 0E 22 FF", BACNET_LIST_NONE, "*-even-even" },
    { "A4 FF FF FF 01", BACNET_LIST_NONE, "*-*-* monday" },
    { "A4 7E 0B 16 07", BACNET_LIST_NONE, "2026-11-22" },
    { "B4 FFFFFFFF", BACNET_LIST_NONE, "any" },
    { "B4 07 FF FF FF", BACNET_LIST_NONE, "07:*:*" },
    { "B4 07 1E 00 00", BACNET_LIST_NONE, "07:30:00" },
    { "C4 020007D1", BACNET_LIST_NONE, "device:2001" },
    { "C4 20800005", BACNET_LIST_NONE, "130:5" },
    { "44 7FC00000", BACNET_LIST_NONE, "nan" },
    { "", BACNET_LIST_NONE, "[]" },
    { "21 01 21 02 00", BACNET_LIST_NONE, "[1, 2, null]" },
    { "91 01 00", BACNET_LIST_BINARY, "[active, null]" },
    { "0C 00000001 19 55", BACNET_LIST_NONE, "[{0: 0x00000001}, {1: 0x55}]" },
    { "2E A4 7E0B1607 B4 0A2C0800 2F", BACNET_LIST_NONE, "{2: {2026-11-22, 10:44:08}}" },
    { "0E 0E 09 01 0F 21 05 0F 91 01", BACNET_LIST_BINARY, "[{0: {0: {0: 0x01}, 5}}, active]" },
    { "0E 0F", BACNET_LIST_NONE, "{0: {}}" },
    { "D2 0102", BACNET_LIST_NONE, "0x0102" },
    { "0E 09", BACNET_LIST_NONE, "broken 0e09" },
};

static void properties_are_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        uint8_t data[CODEC_MAX];
        struct bytes in = bytes_dup(data, codec_hex(shown[i].hex, data));
        struct buf out;
        buf_init(&out, 1000);
        bacnet_print_elements(in, shown[i].list, 200, &out);
        if (strcmp(buf_text(&out), shown[i].text) != 0) {
            fail_msg("%s: '%s' instead of '%s'", shown[i].hex, buf_text(&out), shown[i].text);
        }
        buf_fini(&out);
        bytes_fini(&in);
    }
}

static void long_properties_are_cut(void **state)
{
    (void)state;
    uint8_t data[200];
    for (size_t i = 0; i < 100; i++) {
        memcpy(data + 2 * i, "\x21\x07", 2);
    }
    struct buf out;
    buf_init(&out, 1000);
    bacnet_print_elements(bytes_of(data, sizeof(data)), BACNET_LIST_NONE, 10, &out);
    assert_string_equal(buf_text(&out), "[7, 7, 7, ...");
    buf_clear(&out);
    static const char text[] = "\x75\x50\x00"
                               "0123456789012345678901234567890123456789012345678901234567890123"
                               "456789012345678";
    bacnet_print_elements(bytes_of(text, sizeof(text) - 1), BACNET_LIST_NONE, 70, &out);
    assert_string_equal(buf_text(&out),
                        "0123456789012345678901234567890123456789012345678901234567890123...");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_utf8),
        cmocka_unit_test(any_bytes_become_good_utf8),
        cmocka_unit_test(properties_are_shown),
        cmocka_unit_test(long_properties_are_cut),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
