/* SPDX-License-Identifier: Apache-2.0 */
#include "config/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct problems problems;
    struct yaml_node *root;
    int error;
};

static void read_text(struct fixture *fixture, const char *text, size_t size)
{
    arena_init(&fixture->arena, 0);
    problems_init(&fixture->problems);
    fixture->error = yaml_read("a.yaml", text, size, 8, &fixture->arena, &fixture->problems,
                               &fixture->root);
}

static void drop(struct fixture *fixture)
{
    arena_fini(&fixture->arena);
    problems_fini(&fixture->problems);
}

static void every_word_knows_its_place(void **state)
{
    (void)state;
    static const char text[] = "a:\n"
                               "  b: [x, 'y z']   # comment\n"
                               "  \xc5\xbe: { p: !secret q, e: }\n"
                               "c: |\n"
                               "  two\n"
                               "  lines\n";
    struct fixture f;
    read_text(&f, text, sizeof(text) - 1);
    assert_int_equal(f.error, 0);
    const struct yaml_node *a = yaml_get(f.root, "a"), *b = yaml_get(a, "b");
    assert_int_equal(b->kind, YAML_LIST);
    assert_int_equal(b->key->line, 2);
    assert_int_equal(b->key->column, 3);
    assert_int_equal(b->first->column, 7);
    assert_string_equal(b->first->next->text, "y z");
    assert_false(b->first->next->plain);
    const struct yaml_node *z = yaml_get(a, "\xc5\xbe"), *p = yaml_get(z, "p");
    assert_true(p->secret);
    assert_string_equal(p->text, "q");
    assert_int_equal(p->line, 3);
    assert_int_equal(p->column, 19); /* characters, not bytes */
    assert_int_equal(p->width, 1);
    assert_true(yaml_is_null(yaml_get(z, "e")));
    assert_int_equal(yaml_get(z, "e")->line, 3);
    assert_string_equal(yaml_get(f.root, "c")->text, "two\nlines\n");
    assert_null(yaml_get(f.root, "d"));
    assert_null(yaml_get(b, "a"));
    drop(&f);
}

/* Nothing is typed: what looks like a bool or a number stays the text that was written. */
static void words_stay_words(void **state)
{
    (void)state;
    static const char text[] = "{ a: off, b: 010, c: 1e3, d: ~, e: \"~\", f: null, g: 'null' }";
    struct fixture f;
    read_text(&f, text, sizeof(text) - 1);
    assert_string_equal(yaml_get(f.root, "a")->text, "off");
    assert_string_equal(yaml_get(f.root, "b")->text, "010");
    assert_string_equal(yaml_get(f.root, "c")->text, "1e3");
    assert_true(yaml_is_null(yaml_get(f.root, "d")));
    assert_false(yaml_is_null(yaml_get(f.root, "e")));
    assert_true(yaml_is_null(yaml_get(f.root, "f")));
    assert_false(yaml_is_null(yaml_get(f.root, "g")));
    drop(&f);
}

static void twice_is_told_and_the_first_kept(void **state)
{
    (void)state;
    struct buf text;
    struct fixture f;
    buf_init(&text, 1 << 16);
    for (int i = 0; i < 50; i++) { /* a big map has its own way */
        buf_printf(&text, "k%d: %d\n", i % 40, i);
    }
    buf_append_text(&text, "m: { a: 1, a: 2, b: 3, a: 4 }\n");
    read_text(&f, buf_text(&text), text.size);
    assert_int_equal(f.error, 0);
    assert_int_equal(f.problems.errors, 12);
    assert_string_equal(yaml_get(f.root, "k3")->text, "3");
    assert_string_equal(yaml_get(yaml_get(f.root, "m"), "a")->text, "1");
    assert_string_equal(yaml_get(yaml_get(f.root, "m"), "b")->text, "3");
    drop(&f);
    buf_fini(&text);
}

static void empty_texts_have_no_tree(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "\n", "# only this\n", "---\n" };
    for (size_t i = 0; i < 4; i++) {
        struct fixture f;
        read_text(&f, texts[i], strlen(texts[i]));
        assert_int_equal(f.error, 0);
        assert_true(f.root == NULL || yaml_is_null(f.root));
        drop(&f);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
    } rows[] = {
        { "a: *b\n", 1, 4 },      { "a: &b c\n", 1, 4 },           { "a: !int 3\n", 1, 4 },
        { "? [a]\n: b\n", 1, 3 }, { "a\n---\nb\n", 2, 1 },         { "a: \"x\\0y\"\n", 1, 5 },
        { "a: \x01\n", 1, 4 },    { "[[[[[[[[[1]]]]]]]]]", 1, 9 }, { "a: {b: [}\n", 1, 9 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        read_text(&f, rows[i].text, strlen(rows[i].text));
        assert_int_equal(f.error, BUSBAR_ESYNTAX);
        assert_null(f.root);
        assert_int_equal(f.problems.count, 1);
        assert_int_equal(f.problems.list[0].at.line, rows[i].line);
        assert_int_equal(f.problems.list[0].at.column, rows[i].column);
        drop(&f);
    }
}

/* One byte of a good text changed to each of a few others: an error or a tree, never a crash. */
static void changed_bytes_are_survived(void **state)
{
    (void)state;
    static const char good[] =
        "a: { b: [1, \"two\"], c: !secret d }\ne:\n  - f: |\n      g\n  - h\n";
    static const char bytes[] = "\n\t {}[]:,#\"'!&*|>-?%@`\\\x80\xff~";
    size_t trees = 0;
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (size_t k = 0; k < sizeof(bytes) - 1; k++) {
            struct fixture f;
            char *text = malloc(sizeof(good) - 1);
            memcpy(text, good, sizeof(good) - 1);
            text[i] = bytes[k];
            read_text(&f, text, sizeof(good) - 1);
            assert_true(f.error == 0 || f.problems.errors > 0);
            trees += f.root != NULL;
            drop(&f);
            free(text);
        }
    }
    assert_true(trees > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_knows_its_place),
        cmocka_unit_test(words_stay_words),
        cmocka_unit_test(twice_is_told_and_the_first_kept),
        cmocka_unit_test(empty_texts_have_no_tree),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(changed_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
