/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an event: round trips, limits, every prefix, every bit, no memory. */
#include "model/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"

#define NOW INT64_C(1790000000000000)

static struct buf bytes;

static int set_up(void **state)
{
    (void)state;
    buf_init(&bytes, 4 * EVENT_BYTES_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    alloc_fail_nth(0);
    buf_fini(&bytes);
    return 0;
}

/* One of each type. */
static struct event sample_event(struct event_argument arguments[5], const struct text *text)
{
    arguments[0] = (struct event_argument){ .name = "from-state", .type = VALUE_TEXT };
    arguments[0].value.text = text;
    arguments[1] = (struct event_argument){ .name = "priority", .type = VALUE_INT };
    arguments[1].value.i = -77;
    arguments[2] = (struct event_argument){ .name = "value", .type = VALUE_DOUBLE };
    arguments[2].value.d = 31.5;
    arguments[3] = (struct event_argument){ .name = "fault", .type = VALUE_BOOL };
    arguments[3].value.b = true;
    arguments[4] = (struct event_argument){ .name = "limit", .type = VALUE_NONE };
    return (struct event){ .time_us = NOW - 1500000,
                           .receive_us = NOW,
                           .source = "ahu-1/sat",
                           .kind = "alarm",
                           .text = "Zuluft zu warm \xc2\xb0",
                           .severity = EVENT_HIGH,
                           .ack_wanted = true,
                           .key = "17 analog-input:1",
                           .once = "2026-11-22 07:30:00.25",
                           .arguments = arguments,
                           .argument_count = 5 };
}

static void assert_same(const struct event *a, const struct event *b)
{
    assert_int_equal(a->time_us, b->time_us);
    assert_int_equal(a->receive_us, b->receive_us);
    assert_string_equal(a->source, b->source);
    assert_string_equal(a->kind, b->kind);
    assert_string_equal(a->text, b->text);
    assert_string_equal(a->key, b->key);
    assert_string_equal(a->once, b->once);
    assert_int_equal(a->severity, b->severity);
    assert_int_equal(a->ack_wanted, b->ack_wanted);
    assert_int_equal(a->cut, b->cut);
    assert_int_equal(a->argument_count, b->argument_count);
    for (size_t i = 0; i < a->argument_count; i++) {
        assert_string_equal(a->arguments[i].name, b->arguments[i].name);
        assert_true(value_equal(a->arguments[i].type, a->arguments[i].value, b->arguments[i].type,
                                b->arguments[i].value));
    }
}

static void reads_what_was_written(void **state)
{
    (void)state;
    struct text *text = text_new("normal", 6);
    struct event_argument arguments[5];
    struct event event = sample_event(arguments, text);
    struct event_decoded decoded;
    assert_int_equal(event_encode(&event, &bytes), 0);
    assert_true(bytes.size < 180);
    struct bytes in = bytes_dup(bytes.data, bytes.size);
    assert_int_equal(event_decode(&in, &decoded), 0);
    assert_int_equal(bytes_left(&in), 0);
    assert_same(&decoded.event, &event);
    event_decoded_fini(&decoded);
    bytes_fini(&in);
    busbar_free(text);
}

static void fields_that_are_missing_are_empty(void **state)
{
    (void)state;
    struct event event = { .time_us = NOW, .receive_us = NOW - 5, .source = "bacnet" };
    struct event_decoded decoded;
    assert_int_equal(event_encode(&event, &bytes), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(event_decode(&in, &decoded), 0);
    assert_int_equal(decoded.event.receive_us, NOW - 5);
    assert_string_equal(decoded.event.kind, "");
    assert_string_equal(decoded.event.key, "");
    assert_string_equal(decoded.event.once, "");
    assert_int_equal(decoded.event.argument_count, 0);
    assert_false(decoded.event.cut);
    event_decoded_fini(&decoded);
}

/* A later version may add fields at the end. */
static void more_at_the_end_is_passed_over(void **state)
{
    (void)state;
    struct event event = { .time_us = NOW, .receive_us = NOW, .source = "a", .kind = "b" };
    struct event_decoded decoded;
    assert_int_equal(event_encode(&event, &bytes), 0);
    assert_int_equal(buf_append(&bytes, "later", 5), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(event_decode(&in, &decoded), 0);
    assert_string_equal(decoded.event.source, "a");
    event_decoded_fini(&decoded);
}

static void too_long_is_cut_and_said(void **state)
{
    (void)state;
    char *longest = busbar_alloc(EVENT_TEXT_MAX + 100);
    memset(longest, 'x', EVENT_TEXT_MAX + 99);
    memcpy(longest + EVENT_TEXT_MAX - 1, "\xc3\xa4", 2); /* would be cut in the middle */
    struct event event = { .time_us = NOW, .receive_us = NOW, .source = "a", .kind = longest };
    event.text = longest;
    struct event_decoded decoded;
    assert_int_equal(event_encode(&event, &bytes), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(event_decode(&in, &decoded), 0);
    assert_true(decoded.event.cut);
    assert_int_equal(strlen(decoded.event.kind), EVENT_NAME_MAX);
    assert_int_equal(strlen(decoded.event.text), EVENT_TEXT_MAX - 1);
    event_decoded_fini(&decoded);
    busbar_free(longest);
}

static void wrong_bytes_in_a_text_end_it(void **state)
{
    (void)state;
    struct text *text = text_new("ab\0cd", 5);
    struct event_argument argument = { .name = "bad\xff!", .type = VALUE_TEXT };
    argument.value.text = text;
    struct event event = { .time_us = NOW, .receive_us = NOW, .source = "a\xfe", .kind = "b" };
    event.arguments = &argument;
    event.argument_count = 1;
    struct event_decoded decoded;
    assert_int_equal(event_encode(&event, &bytes), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(event_decode(&in, &decoded), 0);
    assert_true(decoded.event.cut);
    assert_string_equal(decoded.event.source, "a");
    assert_string_equal(decoded.arguments[0].name, "bad");
    assert_int_equal(decoded.arguments[0].value.text->size, 2);
    event_decoded_fini(&decoded);
    busbar_free(text);
}

static void too_many_arguments_are_left_out(void **state)
{
    (void)state;
    char *longest = busbar_alloc(EVENT_TEXT_MAX + 1);
    memset(longest, 'y', EVENT_TEXT_MAX);
    struct text *text = text_new(longest, EVENT_TEXT_MAX);
    struct event_argument arguments[EVENT_ARGUMENTS_MAX + 2];
    for (size_t i = 0; i < EVENT_ARGUMENTS_MAX + 2; i++) {
        arguments[i] = (struct event_argument){ .name = "n", .type = VALUE_INT };
        arguments[i].value.i = (int64_t)i;
    }
    struct event event = { .time_us = NOW, .receive_us = NOW, .source = "a", .kind = "b" };
    event.arguments = arguments;
    event.argument_count = EVENT_ARGUMENTS_MAX + 2;
    struct event_decoded decoded;
    assert_int_equal(event_encode(&event, &bytes), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(event_decode(&in, &decoded), 0);
    assert_true(decoded.event.cut);
    assert_int_equal(decoded.event.argument_count, EVENT_ARGUMENTS_MAX);
    assert_int_equal(decoded.arguments[EVENT_ARGUMENTS_MAX - 1].value.i, EVENT_ARGUMENTS_MAX - 1);
    event_decoded_fini(&decoded);

    for (size_t i = 0; i < EVENT_ARGUMENTS_MAX;
         i++) { /* together over all bytes an event may have */
        arguments[i].type = VALUE_TEXT;
        arguments[i].value.text = text;
    }
    buf_clear(&bytes);
    assert_int_equal(event_encode(&event, &bytes), 0);
    assert_true(bytes.size <= EVENT_BYTES_MAX);
    in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(event_decode(&in, &decoded), 0);
    assert_true(decoded.event.cut);
    assert_int_equal(decoded.event.argument_count, EVENT_BYTES_MAX / (EVENT_TEXT_MAX + 5));
    event_decoded_fini(&decoded);
    busbar_free(text);
    busbar_free(longest);
}

static void every_prefix_is_damaged(void **state)
{
    (void)state;
    struct text *text = text_new("normal", 6);
    struct event_argument arguments[5];
    struct event event = sample_event(arguments, text);
    assert_int_equal(event_encode(&event, &bytes), 0);
    for (size_t size = 0; size < bytes.size; size++) {
        struct event_decoded decoded;
        struct bytes in = bytes_dup(bytes.data, size);
        assert_int_equal(event_decode(&in, &decoded), BUSBAR_EDAMAGED);
        bytes_fini(&in);
    }
    busbar_free(text);
}

static void every_flipped_bit_is_survived(void **state)
{
    (void)state;
    struct text *text = text_new("normal", 6);
    struct event_argument arguments[5];
    struct event event = sample_event(arguments, text);
    size_t damaged = 0;
    assert_int_equal(event_encode(&event, &bytes), 0);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        struct event_decoded decoded;
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct bytes in = bytes_dup(bytes.data, bytes.size);
        int error = event_decode(&in, &decoded);
        if (error == 0) {
            assert_true(decoded.event.severity < EVENT_SEVERITIES);
            event_decoded_fini(&decoded);
        } else {
            assert_int_equal(error, BUSBAR_EDAMAGED);
            damaged++;
        }
        bytes_fini(&in);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_in_range(damaged, bytes.size, bytes.size * 8 - 64); /* 64 bits of time are any time */
    busbar_free(text);
}

static void no_memory_is_said(void **state)
{
    (void)state;
    struct text *text = text_new("normal", 6);
    struct event_argument arguments[5];
    struct event event = sample_event(arguments, text);
    struct event_decoded decoded;
    alloc_fail_nth(1);
    assert_int_equal(event_encode(&event, &bytes), BUSBAR_ENOMEM);
    assert_int_equal(bytes.size, 0);
    assert_int_equal(event_encode(&event, &bytes), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    alloc_fail_nth(1);
    assert_int_equal(event_decode(&in, &decoded), BUSBAR_ENOMEM);
    struct buf small;
    buf_init(&small, EVENT_BYTES_MAX - 1);
    assert_int_equal(event_encode(&event, &small), BUSBAR_ELIMIT);
    buf_fini(&small);
    busbar_free(text);
}

static void severities_have_words(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < EVENT_SEVERITIES; i++) {
        assert_int_equal(event_severity_parse(event_severity_word(i)), i);
    }
    assert_int_equal(event_severity_parse("loud"), -1);
    assert_string_equal(event_severity_word(200), "info");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_what_was_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fields_that_are_missing_are_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_at_the_end_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_long_is_cut_and_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_bytes_in_a_text_end_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_arguments_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_prefix_is_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_survived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(severities_have_words, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
