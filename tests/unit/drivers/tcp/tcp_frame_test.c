/* SPDX-License-Identifier: Apache-2.0 */
/* Each way of cutting, with the input in one piece, byte by byte, and cut in two at every place: the same comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "drivers/tcp/tcp_frame.h"

enum { HEARD_MAX = 4096 };

/* What was told, as one text: "abc|def|!too long|". */
struct heard {
    struct buf text;
    unsigned stop_after; /* messages; 0: never */
    unsigned messages;
    bool lost;
};

static bool on_message(void *ctx, const uint8_t *data, size_t size)
{
    struct heard *heard = ctx;
    tcp_escape(data, size, &heard->text);
    (void)buf_append_byte(&heard->text, '|');
    return ++heard->messages != heard->stop_after;
}

static bool on_bad(void *ctx, const uint8_t *data, size_t size, const char *why, bool lost)
{
    struct heard *heard = ctx;
    (void)data;
    (void)size;
    (void)buf_printf(&heard->text, "!%s|", why);
    heard->lost |= lost;
    return true;
}

static const struct tcp_frame_events events = { .message = on_message, .bad = on_bad };

static struct tcp_frame_rule rule_of(const char *text, uint32_t max)
{
    struct tcp_frame_rule rule;
    struct err err = { 0 };
    if (tcp_frame_parse(text, max, &rule, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return rule;
}

/* Each piece is an exact-size copy, so that ASan sees one byte too many. */
static bool feed(struct tcp_frame *frame, const char *data, size_t size, struct heard *heard)
{
    struct bytes piece = bytes_dup(data, size);
    bool more = size == 0 || tcp_frame_feed(frame, piece.at, size, &events, heard, NULL);
    bytes_fini(&piece);
    return more;
}

static void expect_pieces(const struct tcp_frame_rule *rule, const char *data, size_t size,
                          size_t cut, const char *expected)
{
    struct tcp_frame frame;
    struct heard heard = { 0 };
    buf_init(&heard.text, HEARD_MAX);
    tcp_frame_init(&frame, rule);
    if (cut <= size) {
        (void)(feed(&frame, data, cut, &heard) && feed(&frame, data + cut, size - cut, &heard));
    } else {
        for (size_t i = 0; i < size && feed(&frame, data + i, 1, &heard); i++) {
        }
    }
    assert_string_equal(buf_text(&heard.text), expected);
    tcp_frame_fini(&frame);
    buf_fini(&heard.text);
}

static void expect(const char *text, uint32_t max, const char *data, size_t size,
                   const char *expected)
{
    struct tcp_frame_rule rule = rule_of(text, max);
    for (size_t cut = 0; cut <= size + 1; cut++) {
        expect_pieces(&rule, data, size, cut, expected);
    }
}

#define EXPECT(rule, max, data, expected) expect(rule, max, data, sizeof(data) - 1, expected)

static void lines_end_with_a_new_line(void **state)
{
    (void)state;
    EXPECT("line", 100, "a=1\nb=2\r\nc=3\n", "a=1|b=2|c=3|");
    EXPECT("line", 100, "\r\n\n\nx\n\r\n", "x|");
    EXPECT("line", 100, "half", "");
    EXPECT("line", 100, "a\rb\nc\r\r\n", "a\\rb|c\\r|");
    EXPECT("line", 100, "nul\0in it\n", "nul\\x00in it|");
}

static void a_delimiter_may_be_several_bytes(void **state)
{
    (void)state;
    EXPECT("delimiter ;", 100, "1;22;;333;4", "1|22|333|");
    EXPECT("delimiter \\r", 100, "a\rb\nc\r", "a|b\\nc|");
    EXPECT("delimiter \\r\\n", 100, "a\rb\r\nc\n\r\n", "a\\rb|c\\n|");
    EXPECT("delimiter aab", 100, "aaab-aab--aab", "a|-|--|");
    EXPECT("delimiter aa", 100, "xaayaaa", "x|y|");
    EXPECT("delimiter \\x03\\x00", 100, "one\x03\0two\x03\0", "one|two|");
    EXPECT("delimiter END OF", 100, "aEND OFbEND OF", "a|b|");
}

static void what_is_too_long_is_passed_over(void **state)
{
    (void)state;
    EXPECT("line", 4, "abcd\nabcde\nok\nfine\r\n", "abcd|!too long|ok|fine|");
    EXPECT("line", 4, "abcdefghijklmnop\nok\n", "!too long|ok|");
    EXPECT("delimiter ab", 3, "xxxxxxxxxaabyab", "!too long|y|");
    EXPECT("delimiter ab", 3, "xxxxxxxxxaaaaaaaaaaaaaaaabyab", "!too long|y|");
}

static void fixed_sizes_are_counted(void **state)
{
    (void)state;
    EXPECT("fixed 3", 100, "abcdefgh", "abc|def|");
    EXPECT("fixed 1", 100, "xyz", "x|y|z|");
}

static void a_length_stands_before(void **state)
{
    (void)state;
    EXPECT("length 1", 100,
           "\x03"
           "abc\x00\x01"
           "d\x05"
           "ef",
           "abc|d|");
    EXPECT("length 2 big", 100,
           "\x00\x02"
           "ab\x00\x01"
           "c",
           "ab|c|");
    EXPECT("length 2 little included", 100,
           "\x04\x00"
           "ab\x03\x00"
           "c",
           "ab|c|");
    EXPECT("length 4 whole", 100,
           "\x00\x00\x00\x01"
           "a",
           "\\x00\\x00\\x00\\x01a|");
    EXPECT("length 1 offset 2 extra 2", 100,
           "hh\x01"
           "aCChh\x02"
           "bcCC",
           "aCC|bcCC|");
    EXPECT("length 1 offset 2 included whole", 100,
           "hh\x05"
           "ab",
           "hh\\x05ab|");
}

static void a_wrong_length_loses_the_place(void **state)
{
    (void)state;
    EXPECT("length 1", 4,
           "\x02"
           "ab\x05"
           "abcde\x01z",
           "ab|!too long|");
    EXPECT("length 2 included", 100, "\x00\x01zzzz", "!its length is less than its own head|");
    EXPECT("length 4", 100,
           "\xff\xff\xff\xff"
           "a",
           "!too long|");
}

static void stx_and_etx_frame_a_message(void **state)
{
    (void)state;
    EXPECT("stx-etx", 100, "noise\x02one\x03\r\n\x02two\x03", "one|two|");
    EXPECT("stx-etx", 100, "\x02one\x02two\x03", "!another one begins before its end|two|");
    EXPECT("stx-etx", 3,
           "\x02"
           "abcd\x03\x02"
           "ok\x03",
           "!too long|ok|");
    EXPECT("stx-etx dle", 100,
           "\x10\x02"
           "a\x10\x10"
           "b\x02\x10\x03",
           "a\\x10b\\x02|");
    EXPECT("stx-etx dle", 100,
           "\x10\x02"
           "a\x10zz\x10\x02"
           "b\x10\x03",
           "!a DLE stands before what is no DLE, STX or ETX|b|");
    /* 'a' ^ 'b' ^ ETX = 0x61 ^ 0x62 ^ 0x03 = 0x00; 'a' ^ ETX = 0x62 */
    EXPECT("stx-etx bcc", 100,
           "\x02"
           "ab\x03\x00\x02"
           "a\x03\x62",
           "ab|a|");
    EXPECT("stx-etx bcc", 100,
           "\x02"
           "ab\x03\x01\x02"
           "a\x03\x62",
           "!its check character is wrong|a|");
}

static void a_gap_ends_a_message(void **state)
{
    (void)state;
    struct tcp_frame_rule rule = rule_of("gap 50ms", 6);
    struct tcp_frame frame;
    struct heard heard = { 0 };
    buf_init(&heard.text, HEARD_MAX);
    assert_true(rule.gap_us == 50000);
    tcp_frame_init(&frame, &rule);
    assert_true(feed(&frame, "ab", 2, &heard) && feed(&frame, "cd", 2, &heard));
    assert_true(tcp_frame_begun(&frame));
    assert_true(tcp_frame_gap(&frame, &events, &heard));
    assert_false(tcp_frame_begun(&frame));
    assert_true(feed(&frame, "too long", 8, &heard) && feed(&frame, "more", 4, &heard));
    assert_true(tcp_frame_gap(&frame, &events, &heard));
    assert_true(feed(&frame, "ok", 2, &heard) && tcp_frame_gap(&frame, &events, &heard));
    assert_string_equal(buf_text(&heard.text), "abcd|!too long|ok|");
    tcp_frame_fini(&frame);
    buf_fini(&heard.text);
}

static void a_datagram_ends_its_last_line(void **state)
{
    (void)state;
    static const char *const rules[] = { "line", "fixed 4", "none" };
    static const char *const expected[] = { "ab|cd|", "ab\\ncd|!the datagram ends before it does|",
                                            "ab\\ncd|" };
    for (size_t i = 0; i < 3; i++) {
        struct tcp_frame_rule rule = rule_of(rules[i], 100);
        struct tcp_frame frame;
        struct heard heard = { 0 };
        const char *data = i == 1 ? "ab\ncd" : "ab\ncd";
        buf_init(&heard.text, HEARD_MAX);
        tcp_frame_init(&frame, &rule);
        (void)feed(&frame, data, 5, &heard);
        tcp_frame_rest(&frame, &events, &heard);
        assert_string_equal(buf_text(&heard.text),
                            i == 1 ? "ab\\nc|!the datagram ends before it does|" : expected[i]);
        tcp_frame_fini(&frame);
        buf_fini(&heard.text);
    }
}

static void who_wants_no_more_is_told_where_it_stopped(void **state)
{
    (void)state;
    static const char data[] = "one\ntwo\nthree\n";
    struct tcp_frame_rule rule = rule_of("line", 100);
    struct tcp_frame frame;
    struct heard heard = { .stop_after = 2 };
    size_t taken = 0;
    buf_init(&heard.text, HEARD_MAX);
    tcp_frame_init(&frame, &rule);
    assert_false(
        tcp_frame_feed(&frame, (const uint8_t *)data, sizeof(data) - 1, &events, &heard, &taken));
    assert_int_equal(taken, 8);
    assert_string_equal(buf_text(&heard.text), "one|two|");
    tcp_frame_fini(&frame);
    buf_fini(&heard.text);
}

static void rules_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "lines",
        "line 2",
        "delimiter",
        "delimiter \\q",
        "fixed",
        "fixed 0",
        "fixed x",
        "fixed 101",
        "length",
        "length 3",
        "length 2 middle",
        "gap",
        "gap 50",
        "gap 11s",
        "stx-etx crc",
        "none at all",
        "length 2 offset",
        "delimiter 12345678901234567",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct tcp_frame_rule rule;
        struct err err = { 0 };
        if (tcp_frame_parse(wrong[i], 100, &rule, &err) == 0) {
            fail_msg("'%s' was taken", wrong[i]);
        }
        assert_true(err.message[0] != '\0');
    }
    struct tcp_frame_rule a = rule_of("length 2 little offset 4 extra 2 included whole", 100);
    struct tcp_frame_rule b = rule_of("length 2 little offset 4 extra 2 included", 100);
    assert_true(a.length_bytes == 2 && a.little && a.offset == 4 && a.extra == 2 && a.included);
    assert_true(tcp_frame_rule_equal(&a, &a));
    assert_false(tcp_frame_rule_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_with_a_new_line),
        cmocka_unit_test(a_delimiter_may_be_several_bytes),
        cmocka_unit_test(what_is_too_long_is_passed_over),
        cmocka_unit_test(fixed_sizes_are_counted),
        cmocka_unit_test(a_length_stands_before),
        cmocka_unit_test(a_wrong_length_loses_the_place),
        cmocka_unit_test(stx_and_etx_frame_a_message),
        cmocka_unit_test(a_gap_ends_a_message),
        cmocka_unit_test(a_datagram_ends_its_last_line),
        cmocka_unit_test(who_wants_no_more_is_told_where_it_stopped),
        cmocka_unit_test(rules_are_read_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
