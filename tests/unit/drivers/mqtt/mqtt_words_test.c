/* SPDX-License-Identifier: Apache-2.0 */
/* Topics, filters, reasons and packets in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_words.h"

static void filters(void **state)
{
    (void)state;
    static const char *const good[] = { "#",   "+",     "/",          "a",           "a/b",
                                        "a/#", "+/+/#", "a/+/b",      "$SYS/#",      "$share/g/a/#",
                                        "/a",  "a//b",  "$share/g//", "a b/\xc3\xa4" };
    static const char *const wrong[] = { "",          "a#",        "a/#/b",      "a+",
                                         "a/b+/c",    "##",        "\xff",       "$share/g",
                                         "$share//a", "$share/g/", "$share/g+/a" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_null(mqtt_filter_wrong(good[i]));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_non_null(mqtt_filter_wrong(wrong[i]));
    }
    assert_null(mqtt_topic_wrong("a/b c/\xc3\xa4"));
    assert_non_null(mqtt_topic_wrong(""));
    assert_non_null(mqtt_topic_wrong("a/+"));
    assert_non_null(mqtt_topic_wrong("a/#"));
    assert_non_null(mqtt_topic_wrong("\xc0\x80"));
}

static void fits(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *topic;
        bool fits;
    } rows[] = {
        /* 4.7.1.2, 4.7.1.3, 4.7.2 */
        { "sport/tennis/player1/#", "sport/tennis/player1", true },
        { "sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true },
        { "sport/#", "sport", true },
        { "#", "sport", true },
        { "sport/tennis/+", "sport/tennis/player1", true },
        { "sport/tennis/+", "sport/tennis/player1/ranking", false },
        { "sport/+", "sport", false },
        { "sport/+", "sport/", true },
        { "+/+", "/finance", true },
        { "/+", "/finance", true },
        { "+", "/finance", false },
        { "#", "$SYS/x", false },
        { "+/x", "$SYS/x", false },
        { "$SYS/#", "$SYS/x", true },
        { "a/b", "a/b", true },
        { "a/b", "a/bc", false },
        { "a/bc", "a/b", false },
        { "a", "a/", false },
        { "a/", "a", false },
        { "a/+/c", "a//c", true },
        { "a/+/#", "a/b", true },
        { "$share/g/a/+", "a/b", true },
        { "$share/g", "g", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (mqtt_topic_fits(rows[i].filter, rows[i].topic) != rows[i].fits) {
            fail_msg("%s and %s", rows[i].filter, rows[i].topic);
        }
    }
}

static void reasons(void **state)
{
    (void)state;
    for (int code = 0; code < 256; code++) {
        assert_true(strlen(mqtt_reason_text(5, (uint8_t)code)) > 4);
        assert_true(strlen(mqtt_reason_text(4, (uint8_t)code)) > 4);
    }
    assert_string_equal(mqtt_reason_text(4, 4), "wrong user or password");
    assert_string_equal(mqtt_reason_text(5, 0x86), "wrong user or password");
    assert_string_equal(mqtt_reason_text(5, 0xa2), "filters with wildcards are not supported");
}

static void says(int version, const char *packet, size_t size, const char *words)
{
    struct buf out;
    buf_init(&out, 4096);
    mqtt_describe(version, false, packet, size, &out);
    assert_string_equal(buf_text(&out), words);
    buf_fini(&out);
}

#define SAYS(version, packet, words) says(version, packet, sizeof(packet) - 1, words)

static void packets(void **state)
{
    (void)state;
    SAYS(5, "\x10\x16\x00\x04MQTT\x05\x02\x00\x3c\x05\x11\x00\x00\x00\x0a\x00\x04gate",
         "CONNECT MQTT 5, keep alive 60 s, clean, id gate");
    SAYS(4, "\x20\x02\x00\x05", "CONNACK refused: not authorized, no session");
    SAYS(5, "\x20\x09\x00\x9d\x06\x1c\x00\x03h:1",
         "CONNACK refused: the server has moved, no session, names the server h:1");
    SAYS(4,
         "\x33\x13\x00\x03"
         "a/b\x00\x07{\"co2\": 61}\n",
         "PUBLISH a/b, QoS 1, id 7, retained, 12 bytes: {\"co2\": 61}\\n");
    SAYS(5, "\x30\x0a\x00\x00\x03\x23\x00\x01\x00\xff\xfe\xfd",
         "PUBLISH , QoS 0, alias 1, 4 bytes: 00 ff fe fd");
    SAYS(4,
         "\x30\x7f\x00\x03"
         "a/bxyz",
         "PUBLISH a/b, QoS 0, 122 bytes: xyz (cut: the packet has 127 bytes)");
    SAYS(4,
         "\x82\x0e\x00\x0a\x00\x03"
         "a/b\x01\x00\x03"
         "c/d\x02",
         "SUBSCRIBE id 10: a/b (QoS 1), c/d (QoS 2)");
    SAYS(5, "\x90\x05\x00\x0a\x00\x02\x87", "SUBACK id 10: QoS 2 granted, refused: not authorized");
    SAYS(5, "\x70\x09\x00\x01\x92\x05\x1f\x00\x02no",
         "PUBCOMP id 1, refused: the packet id is not known, says: no");
    SAYS(5, "\xe0\x01\x8e", "DISCONNECT: another client took over the session");
    SAYS(4, "\xc0\x00", "PINGREQ");
    SAYS(4, "HTTP/1.1", "8 bytes that begin no MQTT packet: HTTP/1.1");
}

static void passwords_are_not_shown(void **state)
{
    (void)state;
    static const char packet[] = "\x10\x22\x00\x04MQTT\x04\xce\x00\x0a\x00\x02id\x00\x01w\x00\x03"
                                 "off\x00\x04user\x00\x04p4ss";
    struct buf out;
    buf_init(&out, 4096);
    mqtt_describe(4, true, packet, sizeof(packet) - 1, &out);
    assert_null(strstr(buf_text(&out), "p4ss"));
    assert_null(strstr(buf_text(&out), "user"));
    assert_non_null(strstr(buf_text(&out), "with a password, id id"));
    buf_fini(&out);
}

/* Whatever is cut off or bent, something is said and nothing is read beyond. */
static void frames_that_are_cut(void **state)
{
    (void)state;
    static const char packet[] =
        "\x34\x29\x00\x03"
        "a/b\x00\x0a\x1e\x01\x01\x02\x00\x00\x00\x09\x03\x00\x01t\x08\x00\x01r\x09\x00\x02"
        "\x00\xff\x0b\x81\x01\x26\x00\x01k\x00\x01vxyz";
    for (size_t size = 0; size < sizeof(packet) - 1; size++) {
        struct bytes copy = bytes_dup(packet, size);
        struct buf out;
        buf_init(&out, 4096);
        mqtt_describe(5, false, copy.start, size, &out);
        assert_true(out.size > 0);
        buf_fini(&out);
        bytes_fini(&copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters),
        cmocka_unit_test(fits),
        cmocka_unit_test(reasons),
        cmocka_unit_test(packets),
        cmocka_unit_test(passwords_are_not_shown),
        cmocka_unit_test(frames_that_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
