/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of what is sent to devices: words, JSON, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "payload/template.h"

static const struct {
    const char *text;
    uint8_t type;
    double number;
    const char *words;
    const char *sent; /* NULL: refused */
} rows[] = {
    { "{value}", VALUE_DOUBLE, 21.5, NULL, "21.5" },
    { "{value}", VALUE_BOOL, 1, NULL, "true" },
    { "{value:ON|OFF}", VALUE_BOOL, 1, NULL, "ON" },
    { "{value:ON|OFF}", VALUE_INT, 0, NULL, "OFF" },
    { "SET {value:|0} {point}", VALUE_BOOL, 1, NULL, "SET  lamp" },
    { "T={value}\r\n", VALUE_INT, -3, NULL, "T=-3\r\n" },
    { "{\"limit\": {value}}", VALUE_INT, 7, NULL, "{\"limit\": 7}" },
    { "{\"a\": {value}, \"b\": \"{value}\"}", VALUE_TEXT, 0, "say \"hi\"",
      "{\"a\": \"say \\\"hi\\\"\", \"b\": \"say \\\"hi\\\"\"}" },
    { "{\"a\\\"\": {value}}", VALUE_TEXT, 0, "x", "{\"a\\\"\": \"x\"}" },
    { "[{value}, \"{id}/{device}\"]", VALUE_BOOL, 0, NULL, "[false, \"7/ahu\"]" },
    { "{value}", VALUE_TEXT, 0, "auto", "auto" },
    { "{value}", VALUE_TEXT, 0, "a\nb", NULL },
    { "{\"m\": {value}}", VALUE_TEXT, 0, "a\nb", "{\"m\": \"a\\nb\"}" },
    { "{time} {time_ms}", VALUE_INT, 0, NULL, "1970-01-01T00:00:02Z 2000" },
    { "a {} {x b {1} {VALUE}", VALUE_INT, 1, NULL, "a {} {x b {1} {VALUE}" },
};

static void templates_are_filled(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct payload_template_facts facts = {
            .id = "7", .device = "ahu", .point = "lamp", .time_us = 2000000, .type = rows[i].type
        };
        struct text *text = rows[i].words != NULL ? text_new(rows[i].words, strlen(rows[i].words))
                                                  : NULL;
        struct buf out;
        struct err err = { 0 };
        buf_init(&out, 4096);
        if (rows[i].type == VALUE_BOOL) {
            facts.value.b = rows[i].number != 0;
        } else if (rows[i].type == VALUE_INT) {
            facts.value.i = (int64_t)rows[i].number;
        } else if (rows[i].type == VALUE_DOUBLE) {
            facts.value.d = rows[i].number;
        } else {
            facts.value.text = text;
        }
        assert_int_equal(payload_template_check(rows[i].text, &err), 0);
        int error = payload_template_print(rows[i].text, &facts, &out, &err);
        if (rows[i].sent != NULL) {
            assert_int_equal(error, 0);
            assert_string_equal(buf_text(&out), rows[i].sent);
        } else {
            assert_int_equal(error, BUSBAR_EINVAL);
            assert_non_null(strstr(err.message, "control character"));
        }
        buf_fini(&out);
        busbar_free(text);
    }
}

static void words_are_checked(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_int_equal(payload_template_check("{vlaue}", &err), BUSBAR_EINVAL);
    assert_non_null(strstr(err.hint, "{value}"));
    assert_int_equal(payload_template_check("{value:ON}", &err), BUSBAR_EINVAL);
    assert_int_equal(payload_template_check("{id:a|b}", &err), BUSBAR_EINVAL);
    assert_int_equal(payload_template_check("{\"a\": [{value}]}", &err), 0);
    assert_true(payload_template_has_value("{\"a\": {value}}"));
    assert_true(payload_template_has_value("{value:1|0}"));
    assert_false(payload_template_has_value("{id} {value "));
}

/* A small buffer is an error, never half a message that counts as whole. */
static void a_full_buffer_is_told(void **state)
{
    (void)state;
    for (size_t max = 1; max < 12; max++) {
        struct payload_template_facts facts = { .type = VALUE_INT, .value.i = 12345678 };
        struct buf out;
        buf_init(&out, max);
        assert_int_not_equal(payload_template_print("a={value};b", &facts, &out, NULL), 0);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_filled),
        cmocka_unit_test(words_are_checked),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
