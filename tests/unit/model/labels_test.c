/* SPDX-License-Identifier: Apache-2.0 */
#include "model/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/str.h"

static const char *printed(const struct label *labels, size_t count, struct buf *out)
{
    buf_clear(out);
    labels_print(labels, count, out);
    return buf_text(out);
}

static void sorts_and_drops_empty_values(void **state)
{
    (void)state;
    struct label labels[] = { label_of("b", "2"), label_of("a", ""), label_of("a", "1"),
                              label_of("__name__", "sat"), label_of("Z", "3") };
    size_t count = 5;
    struct err err = { 0 };
    assert_int_equal(labels_sort(labels, &count, &err), 0);
    assert_int_equal(count, 4);
    static const char *const names[] = { "Z", "__name__", "a", "b" };
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(labels[i].name, names[i]);
    }
    assert_string_equal(labels_get(labels, count, "a")->value, "1");
    assert_null(labels_get(labels, count, "c"));
}

static void refuses_what_is_no_set(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct label twice[] = { label_of("a", "1"), label_of("b", "1"), label_of("a", "2") };
    size_t count = 3;
    assert_int_equal(labels_sort(twice, &count, &err), BUSBAR_EINVAL);
    assert_string_equal(err.message, "the label 'a' comes twice");
    struct label unnamed[] = { label_of("", "1") };
    count = 1;
    assert_int_equal(labels_sort(unnamed, &count, &err), BUSBAR_EINVAL);
    struct label broken[] = { label_of("a", "\xff") };
    assert_int_equal(labels_sort(broken, &count, &err), BUSBAR_EINVAL);
    assert_non_null(strstr(err.message, "'a'"));
    struct label broken_name[] = { label_of("\xc3", "1") };
    assert_int_equal(labels_sort(broken_name, &count, &err), BUSBAR_EINVAL);
    struct label zero[] = { { "a",
                              "1\0"
                              "2",
                              1, 3 } };
    assert_int_equal(labels_sort(zero, &count, &err), BUSBAR_EINVAL);
}

static void limits(void **state)
{
    (void)state;
    struct err err = { 0 };
    static char big[LABEL_VALUE_BYTES_MAX + 2];
    memset(big, 'x', sizeof(big) - 1);
    struct label label = label_of("a", big);
    size_t count = 1;
    assert_int_equal(labels_sort(&label, &count, &err), BUSBAR_ELIMIT);
    assert_non_null(strstr(err.message, "label 'a' has 2049 bytes; at most 2048"));
    label.value_size--;
    assert_int_equal(labels_sort(&label, &count, &err), 0);
    label = label_of(big, "1");
    label.name_size = LABEL_NAME_BYTES_MAX + 1;
    assert_int_equal(labels_sort(&label, &count, &err), BUSBAR_ELIMIT);
    struct label many[LABELS_MAX + 1];
    char names[LABELS_MAX + 1][4];
    for (size_t i = 0; i <= LABELS_MAX; i++) {
        str_format(names[i], sizeof(names[i]), "l%zu", i);
        many[i] = label_of(names[i], "1");
    }
    count = LABELS_MAX;
    assert_int_equal(labels_sort(many, &count, &err), 0);
    count = LABELS_MAX + 1;
    assert_int_equal(labels_sort(many, &count, &err), BUSBAR_ELIMIT);
    struct label fat[5];
    for (size_t i = 0; i < 5; i++) {
        fat[i] = label_of(names[i], big);
        fat[i].value_size = LABEL_VALUE_BYTES_MAX;
    }
    count = 5;
    assert_int_equal(labels_sort(fat, &count, &err), BUSBAR_ELIMIT);
}

static void orders_as_prometheus(void **state)
{
    (void)state;
    struct label a[] = { label_of("a", "1"), label_of("b", "2") };
    struct label b[] = { label_of("a", "1"), label_of("b", "3") };
    struct label c[] = { label_of("a", "1"), label_of("c", "0") };
    struct label long_value[] = { label_of("a", "10") };
    assert_int_equal(labels_compare(a, 2, a, 2), 0);
    assert_true(labels_compare(a, 1, a, 2) < 0);
    assert_true(labels_compare(a, 2, b, 2) < 0 && labels_compare(b, 2, a, 2) > 0);
    assert_true(labels_compare(b, 2, c, 2) < 0);
    assert_true(labels_compare(a, 2, long_value, 1) < 0);
    assert_true(labels_compare(a, 0, a, 1) < 0);
    assert_int_equal(labels_compare(a, 0, b, 0), 0);
}

static void prints_as_promql_writes(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    struct label plain[] = { label_of("__name__", "a:b_1"), label_of("device", "ahu-1") };
    assert_string_equal(printed(plain, 1, &out), "a:b_1");
    assert_string_equal(printed(plain, 2, &out), "a:b_1{device=\"ahu-1\"}");
    assert_string_equal(printed(plain + 1, 1, &out), "{device=\"ahu-1\"}");
    assert_string_equal(printed(plain, 0, &out), "{}");
    struct label quoted[] = { label_of("A", "x"), label_of("__name__", "sat-sp"),
                              label_of("free word", "a\"b\\c\nd\x01\x7f\xc3\xa4"),
                              label_of("g:h", "i") };
    assert_string_equal(
        printed(quoted, 4, &out),
        "{\"sat-sp\", A=\"x\", \"free word\"=\"a\\\"b\\\\c\\nd\\x01\\x7f\xc3\xa4\", "
        "\"g:h\"=\"i\"}");
    assert_true(label_is_plain_metric("a:b", 3) && !label_is_plain_name("a:b", 3));
    assert_true(!label_is_plain_metric("1a", 2) && !label_is_plain_metric("", 0));
    buf_fini(&out);
}

static void check_parse(const char *text, const char *canonical)
{
    struct label labels[LABELS_MAX];
    struct buf store, out;
    struct err err = { 0 };
    size_t count;
    buf_init(&store, 65536);
    buf_init(&out, 65536);
    int error = labels_parse(text, strlen(text), labels, &count, &store, &err);
    if (error != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    assert_string_equal(printed(labels, count, &out), canonical);
    buf_fini(&store);
    buf_fini(&out);
}

static void parses_what_people_write(void **state)
{
    (void)state;
    check_parse(" sat ", "sat");
    check_parse("sat{}", "sat");
    check_parse("{}", "{}");
    check_parse("{b=\"2\",a='1',}", "{a=\"1\", b=\"2\"}");
    check_parse("sat { b = \"2\" , \"a b\" = \"1\" }", "sat{\"a b\"=\"1\", b=\"2\"}");
    check_parse("{\"sat\", a=\"1\"}", "sat{a=\"1\"}");
    check_parse("{a=\"1\", \"sat-sp\"}", "{\"sat-sp\", a=\"1\"}");
    check_parse("{a=\"\\x41\\101\\u00e4\\U0001F600\\t\\'\"}",
                "{a=\"AA\xc3\xa4\xf0\x9f\x98\x80\\x09'\"}");
    check_parse("{a=\"\"}", "{}");
}

static void says_where_it_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error, column;
    } cases[] = {
        { "", BUSBAR_ESYNTAX, 1 },
        { "{", BUSBAR_ESYNTAX, 2 },
        { "{a}", BUSBAR_ESYNTAX, 3 },
        { "{a=}", BUSBAR_ESYNTAX, 4 },
        { "{a=\"b}", BUSBAR_ESYNTAX, 7 },
        { "{a=\"\xc3\xa4\" b}", BUSBAR_ESYNTAX, 8 },
        { "{a=\"b\"} c", BUSBAR_ESYNTAX, 9 },
        { "{a=\"\\q\"}", BUSBAR_ESYNTAX, 6 },
        { "{a=\"\\x4g\"}", BUSBAR_ESYNTAX, 8 },
        { "{a=\"\\ud800\"}", BUSBAR_ESYNTAX, 11 },
        { "{a=\"\\777\"}", BUSBAR_ESYNTAX, 9 },
        { "{=\"b\"}", BUSBAR_ESYNTAX, 2 },
        { "sat{\"x\"}", BUSBAR_ESYNTAX, 8 },
        { "{,}", BUSBAR_ESYNTAX, 2 },
        { "{a=\"1\", a=\"2\"}", BUSBAR_EINVAL, 0 },
        { "{a=\"\\xff\"}", BUSBAR_EINVAL, 0 },
    };
    struct label labels[LABELS_MAX];
    struct buf store;
    buf_init(&store, 65536);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };
        size_t count;
        int error = labels_parse(cases[i].text, strlen(cases[i].text), labels, &count, &store,
                                 &err);
        if (error != cases[i].error || err.column != cases[i].column) {
            fail_msg("'%s': %s, column %d", cases[i].text, err_name(error), err.column);
        }
    }
    buf_fini(&store);
}

/* Random sets of hostile bytes: the text comes back as the same set, and every prefix of the text
 * parses or fails without harm. */
static void random_round_trips(void **state)
{
    (void)state;
    static const char *const pieces[] = { "a",  "B",  "_",        "9",
                                          "\"", "\\", "\n",       "\x01",
                                          "{",  "}",  "=",        ",",
                                          " ",  ":",  "\xc3\xa4", "\xf0\x9f\x98\x80" };
    uint64_t seed = 3;
    struct buf out, store, texts;
    buf_init(&out, 1 << 20);
    buf_init(&store, 1 << 20);
    for (int round = 0; round < 2000; round++) {
        struct label labels[8], parsed[LABELS_MAX];
        static char memory[16][128];
        size_t count = hash_random(&seed) % 8;
        for (size_t i = 0; i < 2 * count; i++) {
            memory[i][0] = '\0';
            size_t length = 1 + hash_random(&seed) % 20;
            for (size_t k = 0; k < length; k++) {
                const char *piece = pieces[hash_random(&seed) % 16];
                memcpy(memory[i] + strlen(memory[i]), piece, strlen(piece) + 1);
            }
        }
        for (size_t i = 0; i < count; i++) {
            bool name = i == 0 && hash_random(&seed) % 2 == 0;
            labels[i] = label_of(name ? "__name__" : memory[2 * i], memory[2 * i + 1]);
        }
        if (labels_sort(labels, &count, NULL) != 0) {
            continue;
        }
        const char *text = printed(labels, count, &out);
        size_t again;
        struct err err = { 0 };
        for (size_t size = round % 50 == 0 ? 0 : out.size; size <= out.size; size++) {
            buf_init(&texts, 1 << 20);
            buf_append(&texts, text, size);
            int error = labels_parse((const char *)texts.data, size, parsed, &again, &store, &err);
            if (size == out.size) {
                assert_int_equal(error, 0);
                assert_int_equal(labels_compare(labels, count, parsed, again), 0);
            }
            buf_fini(&texts);
        }
    }
    buf_fini(&out);
    buf_fini(&store);
}

static void needs_memory(void **state)
{
    (void)state;
    struct label labels[LABELS_MAX];
    struct buf store;
    size_t count;
    buf_init(&store, 4);
    assert_int_equal(labels_parse("sat{a=\"1\"}", 10, labels, &count, &store, NULL), BUSBAR_ELIMIT);
    buf_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_and_drops_empty_values),
        cmocka_unit_test(refuses_what_is_no_set),
        cmocka_unit_test(limits),
        cmocka_unit_test(orders_as_prometheus),
        cmocka_unit_test(prints_as_promql_writes),
        cmocka_unit_test(parses_what_people_write),
        cmocka_unit_test(says_where_it_is_wrong),
        cmocka_unit_test(random_round_trips),
        cmocka_unit_test(needs_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
