/* SPDX-License-Identifier: Apache-2.0 */
#include "config/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { AT_FLAG, AT_COUNT, AT_RATIO, AT_WORD, AT_WAIT, AT_MODE, AT_KEY, AT_KEEP, AT_NONE };

static const char *const modes[] = { "slow", "fast", NULL };
static const char *const forever[] = { "forever", NULL };
static const struct option table[] = {
    [AT_FLAG] = { .key = "flag", .type = OPTION_BOOL, .fallback = "true" },
    [AT_COUNT] = { .key = "count", .type = OPTION_INT, .fallback = "7", .min = 1, .max = 10 },
    [AT_RATIO] = { .key = "ratio", .type = OPTION_DOUBLE, .fallback = "0.5" },
    [AT_WORD] = { .key = "word", .type = OPTION_TEXT, .fallback = "abc", .min = 2, .max = 4 },
    [AT_WAIT] = { .key = "wait", .type = OPTION_DURATION, .fallback = "2s", .max = 5000000 },
    [AT_MODE] = { .key = "mode", .type = OPTION_CHOICE, .fallback = "fast", .choices = modes },
    [AT_KEY] = { .key = "key", .type = OPTION_SECRET },
    [AT_KEEP] = { .key = "keep", .type = OPTION_DURATION, .choices = forever },
    [AT_NONE] = { .key = NULL },
};

static void fallbacks_stand_in(void **state)
{
    (void)state;
    struct settings none = { .options = table, .at = { .file = "a", .line = 3, .column = 4 } };
    assert_true(settings_bool(&none, AT_FLAG));
    assert_int_equal(settings_int(&none, AT_COUNT), 7);
    assert_true(settings_double(&none, AT_RATIO) == 0.5);
    assert_string_equal(settings_text(&none, AT_WORD), "abc");
    assert_int_equal(settings_int(&none, AT_WAIT), 2000000);
    assert_int_equal(settings_int(&none, AT_MODE), 1);
    assert_null(settings_text(&none, AT_KEY));
    assert_int_equal(settings_int(&none, AT_KEEP), 0);
    assert_false(settings_has(&none, AT_FLAG));
    assert_int_equal(settings_at(&none, AT_FLAG).line, 3);
}

static void what_was_set_wins(void **state)
{
    (void)state;
    struct setting set[] = {
        { .option = AT_MODE, .at = { .file = "a", .line = 9, .column = 1 }, .value.i = 0 },
        { .option = AT_FLAG, .value.b = false },
    };
    struct settings settings = { .options = table, .set = set, .count = 2 };
    assert_false(settings_bool(&settings, AT_FLAG));
    assert_int_equal(settings_int(&settings, AT_MODE), 0);
    assert_int_equal(settings_int(&settings, AT_COUNT), 7);
    assert_int_equal(settings_at(&settings, AT_MODE).line, 9);
    assert_ptr_equal(settings_find(&settings, AT_FLAG), &set[1]);
}

static void values_are_whole_or_refused(void **state)
{
    (void)state;
    static const struct {
        int option;
        const char *text;
        int error;
    } rows[] = {
        { AT_FLAG, "true", 0 },
        { AT_FLAG, "yes please", BUSBAR_EINVAL },
        { AT_COUNT, "10", 0 },
        { AT_COUNT, "11", BUSBAR_ERANGE },
        { AT_COUNT, "0", BUSBAR_ERANGE },
        { AT_COUNT, "3.5", BUSBAR_EINVAL },
        { AT_COUNT, "99999999999999999999", BUSBAR_ERANGE },
        { AT_RATIO, "-1e3", 0 },
        { AT_RATIO, "nan", BUSBAR_EINVAL },
        { AT_WORD, "a", BUSBAR_ERANGE },
        { AT_WORD, "abcd", 0 },
        { AT_WORD, "abcde", BUSBAR_ERANGE },
        { AT_WAIT, "500ms", 0 },
        { AT_WAIT, "6s", BUSBAR_ERANGE },
        { AT_WAIT, "5", BUSBAR_EINVAL },
        { AT_WAIT, "forever", BUSBAR_EINVAL },
        { AT_MODE, "Fast", BUSBAR_EINVAL },
        { AT_KEEP, "forever", 0 },
        { AT_KEEP, "10y", 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        union setting_value value = { 0 };
        assert_int_equal(option_parse(&table[rows[i].option], rows[i].text, &value), rows[i].error);
    }
}

/* What is printed reads back as the same. */
static void print_and_parse(void **state)
{
    (void)state;
    static const struct {
        int option;
        const char *text, *printed;
    } rows[] = {
        { AT_FLAG, "yes", "true" },    { AT_COUNT, "3", "3" },
        { AT_RATIO, "0.10", "0.1" },   { AT_WORD, "xyz", "xyz" },
        { AT_WAIT, "500ms", "500ms" }, { AT_MODE, "slow", "slow" },
        { AT_KEY, "k", "!secret k" },  { AT_KEEP, "forever", "forever" },
    };
    struct buf out;
    buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        union setting_value value = { 0 };
        buf_clear(&out);
        assert_int_equal(option_parse(&table[rows[i].option], rows[i].text, &value), 0);
        option_print(&table[rows[i].option], value, &out);
        assert_string_equal(buf_text(&out), rows[i].printed);
    }
    buf_fini(&out);
    assert_int_equal(option_count(table), AT_NONE);
    assert_int_equal(option_find(table, "mode"), AT_MODE);
    assert_int_equal(option_find(table, "Mode"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fallbacks_stand_in),
        cmocka_unit_test(what_was_set_wins),
        cmocka_unit_test(values_are_whole_or_refused),
        cmocka_unit_test(print_and_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
