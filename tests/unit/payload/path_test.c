/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: what they find, by examples of RFC 9535 and our own; what is wrong in them, and where; limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payload/path.h"
#include "support/random.h"
#include "unit/payload/tree_print.h"

static bool print_found(void *ctx, const struct payload_node *node)
{
    struct buf *out = ctx;
    if (out->size > 0) {
        (void)buf_append_byte(out, ' ');
    }
    (void)print_node(node, out);
    return true;
}

static struct payload_tree *tree_of(const char *text)
{
    struct payload_tree *tree = payload_tree_new();
    struct err err = { 0 };
    if (payload_tree_json(tree, text, strlen(text), &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return tree;
}

/* All that is found, with blanks between; first() finds the first of it. */
static void assert_finds(const struct payload_tree *tree, const char *text, const char *meant)
{
    struct payload_path *path = NULL;
    struct err err = { 0 };
    struct buf out;
    struct buf first;
    buf_init(&out, 1 << 20);
    buf_init(&first, 1 << 20);
    if (payload_path_new(text, &path, &err) != 0) {
        fail_msg("%s: %s (%s)", text, err.message, err.hint);
    }
    int count = payload_path_each(path, payload_tree_root(tree), print_found, &out);
    if (strcmp(buf_text(&out), meant) != 0) {
        fail_msg("%s finds %s and not %s", text, buf_text(&out), meant);
    }
    const struct payload_node *node = payload_path_first(path, payload_tree_root(tree));
    assert_int_equal(node != NULL, count > 0);
    if (node != NULL) {
        (void)print_node(node, &first);
        assert_int_equal(strncmp(buf_text(&first), meant, first.size), 0);
    }
    assert_true(count <= 1 || !payload_path_single(path));
    buf_fini(&out);
    buf_fini(&first);
    payload_path_free(path);
}

struct row {
    const char *path, *meant;
};

/* RFC 9535, figure 1 */
static const char store[] =
    "{\"store\":{\"book\":["
    "{\"category\":\"reference\",\"author\":\"Nigel Rees\",\"title\":\"Sayings\",\"price\":8.95},"
    "{\"category\":\"fiction\",\"author\":\"Evelyn Waugh\",\"title\":\"Sword\",\"price\":12.99},"
    "{\"category\":\"fiction\",\"author\":\"Herman Melville\",\"title\":\"Moby\","
    "\"isbn\":\"0-553-21311-3\",\"price\":8.99},"
    "{\"category\":\"fiction\",\"author\":\"J. R. R. Tolkien\",\"title\":\"Rings\","
    "\"isbn\":\"0-395-19395-8\",\"price\":22.99}],"
    "\"bicycle\":{\"color\":\"red\",\"price\":399}}}";

static void examples_of_the_rfc(void **state)
{
    static const struct row rows[] = {
        { "$.store.book[*].author",
          "\"Nigel Rees\" \"Evelyn Waugh\" \"Herman Melville\" \"J. R. R. Tolkien\"" },
        { "$..author", "\"Nigel Rees\" \"Evelyn Waugh\" \"Herman Melville\" \"J. R. R. Tolkien\"" },
        { "$.store..price", "8.95 12.99 8.99 22.99 399" },
        { "$..book[2].title", "\"Moby\"" },
        { "$..book[2].publisher", "" },
        { "$..book[-1].title", "\"Rings\"" },
        { "$..book[0,1].title", "\"Sayings\" \"Sword\"" },
        { "$..book[:2].title", "\"Sayings\" \"Sword\"" },
        { "$..book[?@.isbn].title", "\"Moby\" \"Rings\"" },
        { "$..book[?@.price<10].title", "\"Sayings\" \"Moby\"" },
        { "$..book[?(@.price < 10 && @.category == 'fiction')].title", "\"Moby\"" },
        { "$.store.book[?@.price > $.store.book[0].price].title", "\"Sword\" \"Moby\" \"Rings\"" },
    };
    (void)state;
    struct payload_tree *tree = tree_of(store);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_finds(tree, rows[i].path, rows[i].meant);
    }
    payload_tree_free(tree);
}

static const char message[] =
    "{\"id\":\"m-1\",\"ok\":true,\"none\":null,\"ac\":{\"power\":1200,\"odd key\":5,\"a.b\":6,"
    "\"DS18B20-1\":{\"t\":21.5}},\"list\":[0,1,2,3,4],"
    "\"readings\":[{\"id\":\"t1\",\"v\":1,\"n\":5},{\"id\":\"t2\",\"v\":2.5,\"n\":null},"
    "{\"id\":\"t3\",\"v\":\"x\"},7,\"t1\",[1]],\"K\xc3\xbc"
    "che\":9,\"\":3,\"it's\":4}";

static void paths_of_ours(void **state)
{
    static const struct row rows[] = {
        { "$.ac.power", "1200" },
        { "ac.power", "1200" },
        { " ac.power ", "1200" },
        { ".ac.power", "1200" },
        { "$['ac']['power']", "1200" },
        { "$[\"ac\"].power", "1200" },
        { "ac['odd key']", "5" },
        { "ac['a.b']", "6" },
        { "ac.DS18B20-1.t", "21.5" },
        { "K\xc3\xbc"
          "che",
          "9" },
        { "['K\\u00fcche']", "9" },
        { "['']", "3" },
        { "['it\\'s']", "4" },
        { "[\"it's\"]", "4" },
        { "none", "null" },
        { "nothing", "" },
        { "id.x", "" },
        { "list[0]", "0" },
        { "list[-1]", "4" },
        { "list[5]", "" },
        { "list[-6]", "" },
        { "list[1:3]", "1 2" },
        { "list[ 1 : 3 ]", "1 2" },
        { "list[3:]", "3 4" },
        { "list[-2:]", "3 4" },
        { "list[:-3]", "0 1" },
        { "list[::2]", "0 2 4" },
        { "list[::-1]", "4 3 2 1 0" },
        { "list[3:0:-2]", "3 1" },
        { "list[::0]", "" },
        { "list[9:20]", "" },
        { "list[4,0,0]", "4 0 0" },
        { "ac.*", "1200 5 6 {\"t\":21.5}" },
        { "$..t", "21.5" },
        { "$..[0]", "0 {\"id\":\"t1\",\"v\":1,\"n\":5} 1" },
        { "readings[?@.id=='t2'].v", "2.5" },
        { "readings[?@.id == \"t2\"].v", "2.5" },
        { "readings[?'t2' == @.id].v", "2.5" },
        { "readings[?@.n].id", "\"t1\" \"t2\"" }, /* null is there */
        { "readings[?!@.n]", "{\"id\":\"t3\",\"v\":\"x\"} 7 \"t1\" [1]" },
        { "readings[?@.n==null].id", "\"t2\"" },
        { "readings[?@.v>1].id", "\"t2\"" }, /* a text is not more than a number */
        { "readings[?@.v>='x'].id", "\"t3\"" },
        { "readings[?@.v<=1].id", "\"t1\"" },
        { "readings[?@.v!=1 && @.v].id", "\"t2\" \"t3\"" },
        { "readings[?@.v==1 || @.v==2.5].id", "\"t1\" \"t2\"" },
        { "readings[?@.v==1 || @.v==2.5 && @.id=='no'].id", "\"t1\"" },
        { "readings[?(@.v==1 || @.v==2.5) && @.id=='t2'].id", "\"t2\"" },
        { "readings[?!(@.v==1)].id", "\"t2\" \"t3\"" },
        { "readings[?@==7]", "7" },
        { "readings[?@=='t1']", "\"t1\"" },
        { "readings[?@[0]==1]", "[1]" },
        { "readings[?@.id==$.readings[4]].v", "1" },
        { "readings[?@.x==@.y].id", "\"t1\" \"t2\" \"t3\"" }, /* neither is there */
        { "list[?@>=3]", "3 4" },
        { "list[?@<-1]", "" },
        { "list[?@==1e0]", "1" },
        { "$[?@.power].power", "1200" },
        { "$[?@..t].power", "1200" },
        { "$[?@==true]", "true" },
        { "$[?@.power==1200 && @.DS18B20-1.t==21.5].power", "1200" },
    };
    (void)state;
    struct payload_tree *tree = tree_of(message);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_finds(tree, rows[i].path, rows[i].meant);
    }
    payload_tree_free(tree);
}

/* The root may be in the middle: an element of an array. */
static void elements_are_roots(void **state)
{
    (void)state;
    struct payload_tree *tree = tree_of(message);
    struct payload_path *list = NULL;
    struct payload_path *id = NULL;
    assert_int_equal(payload_path_new("readings[1]", &list, NULL), 0);
    assert_int_equal(payload_path_new("$.id", &id, NULL), 0);
    const struct payload_node *element = payload_path_first(list, payload_tree_root(tree));
    const struct payload_node *found = payload_path_first(id, element);
    assert_non_null(found);
    assert_memory_equal(found->value.text, "t2", 2);
    payload_path_free(list);
    payload_path_free(id);
    payload_tree_free(tree);
}

static void values_are_compared_deep(void **state)
{
    (void)state;
    struct payload_tree *tree = tree_of(
        "{\"a\":{\"x\":[1,{\"y\":2}],\"z\":3},\"b\":{\"z\":3,\"x\":[1,{\"y\":2}]},"
        "\"c\":{\"x\":[1,{\"y\":3}],\"z\":3},\"l\":[{\"k\":1},{\"k\":2}]}");
    assert_finds(tree, "$[?@==$.a].z", "3 3");
    assert_finds(tree, "$[?@!=$.a].z", "3");
    assert_finds(tree, "$.l[?@==$.l[1]].k", "2");
    payload_tree_free(tree);
}

static void mistakes_say_where(void **state)
{
    static const struct {
        const char *path;
        int column;
        const char *says;
    } rows[] = {
        { "", 1, "a name is missing" },
        { "$.", 3, "a name is missing" },
        { "$.a b", 5, "not understood" },
        { "$.a[", 4, "bracket is never closed" },
        { "$.a['b]", 5, "quote is never closed" },
        { "$.a[b]", 5, "nothing that can stand in brackets" },
        { "$.a['\\q']", 7, "no such escape" },
        { "$.a['\\ud800']", 12, "no such escape" },
        { "$.a[1 2]", 7, "']' is missing" },
        { "$.a[?@.b=1]", 9, "no such comparison" },
        { "$.a[?@.b==]", 11, "nothing that can be compared" },
        { "$.a[?1]", 6, "a value alone is no test" },
        { "$.a[?(@.b]", 6, "bracket is never closed" },
        { "$.a[?@..b==1]", 6, "several values" },
        { "$.a[?length(@)>1]", 6, "nothing that can be compared" },
        { "$.length()", 9, "functions are not known" },
        { "@.a", 1, "@ has a meaning in filters only" },
        { "$.\xc3\xbc[", 4, "never closed" },
        { "$.a[99999999999999999999]", 25, "no index" },
        { "$.a[--1]", 6, "no index" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct payload_path *path = NULL;
        struct err err = { 0 };
        int error = payload_path_new(rows[i].path, &path, &err);
        if (error != BUSBAR_ESYNTAX || err.column != rows[i].column ||
            strstr(err.message, rows[i].says) == NULL) {
            fail_msg("%s: %d, column %d, %s", rows[i].path, error, err.column, err.message);
        }
    }
}

static void paths_are_limited(void **state)
{
    (void)state;
    char text[PAYLOAD_PATH_MAX + 2];
    struct payload_path *path = NULL;
    memset(text, 'a', sizeof(text));
    text[PAYLOAD_PATH_MAX + 1] = '\0';
    assert_int_equal(payload_path_new(text, &path, NULL), BUSBAR_ELIMIT);
    text[0] = '$';
    for (size_t i = 1; i < 2 * (PAYLOAD_PATH_STEPS_MAX + 1); i++) {
        text[i] = i % 2 == 1 ? '.' : 'a';
    }
    text[2 * (PAYLOAD_PATH_STEPS_MAX + 1) + 1] = '\0';
    text[2 * (PAYLOAD_PATH_STEPS_MAX + 1)] = 'a';
    assert_int_equal(payload_path_new(text, &path, NULL), BUSBAR_ELIMIT);
    text[2 * PAYLOAD_PATH_STEPS_MAX + 1] = '\0';
    assert_int_equal(payload_path_new(text, &path, NULL), 0);
    payload_path_free(path);
    (void)snprintf(
        text, sizeof(text), "$[?%.*s@.a", 200,
        "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
        "(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
        "((((((((((((((((((((((((((((((((((((((((");
    assert_int_equal(payload_path_new(text, &path, NULL), BUSBAR_ELIMIT);
}

/* A path that would look at each node many times ends at the limit, and soon. */
static void visits_are_limited(void **state)
{
    (void)state;
    struct buf text;
    struct payload_path *path = NULL;
    buf_init(&text, 1 << 22);
    for (int i = 0; i < 14; i++) {
        (void)buf_append_text(&text, "[");
    }
    for (int i = 0; i < 20000; i++) {
        (void)buf_append_text(&text, "1,");
    }
    (void)buf_append_text(&text, "1");
    for (int i = 0; i < 14; i++) {
        (void)buf_append_text(&text, "]");
    }
    struct payload_tree *tree = tree_of(buf_text(&text));
    assert_int_equal(payload_path_new("$..*..*..*..*..*..*..*", &path, NULL), 0);
    buf_clear(&text);
    int count = payload_path_each(path, payload_tree_root(tree), print_found, &text);
    assert_int_equal(count, BUSBAR_ELIMIT);
    payload_path_free(path);
    assert_int_equal(payload_path_new("$..[?@..x || @..y || @..z]", &path, NULL), 0);
    count = payload_path_each(path, payload_tree_root(tree), print_found, &text);
    assert_true(count == 0 || count == BUSBAR_ELIMIT);
    payload_path_free(path);
    payload_tree_free(tree);
    buf_fini(&text);
}

/* A long text costs no visits: it is not looked into. */
static void texts_are_no_visits(void **state)
{
    (void)state;
    size_t size = 3 << 20;
    char *text = malloc(size);
    struct payload_tree *tree = payload_tree_new();
    struct payload_path *path = NULL;
    memset(text, 'x', size);
    memcpy(text, "[\"", 2);
    memcpy(text + size - 2, "\"]", 2);
    assert_int_equal(payload_tree_json(tree, text, size, NULL), 0);
    assert_int_equal(payload_path_new("$[?@.a.b==1]", &path, NULL), 0);
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(payload_path_each(path, payload_tree_root(tree), print_found, &out), 0);
    buf_fini(&out);
    payload_path_free(path);
    payload_tree_free(tree);
    free(text);
}

/* Texts made of what the language is made of: accepted or refused, never more. */
static void random_paths_do_no_harm(void **state)
{
    static const char *const parts[] = { "$",  ".",  "..", "[",  "]",   "'a'", "a",    "*",  "?",
                                         "@",  "==", "<",  "&&", "||",  "(",   ")",    "!",  "1",
                                         "-1", ":",  ",",  " ",  "\"b", "\\u", "true", "2.5" };
    (void)state;
    struct random random = { .state = 5 };
    struct payload_tree *tree = tree_of(message);
    struct buf out;
    int fine = 0;
    buf_init(&out, 1 << 22);
    for (int round = 0; round < 20000; round++) {
        char text[200] = "";
        size_t size = 0;
        for (uint64_t left = random_u64(&random) % 14; left > 0; left--) {
            const char *part = parts[random_u64(&random) % (sizeof(parts) / sizeof(parts[0]))];
            size += str_format(text + size, sizeof(text) - size, "%s", part);
        }
        struct payload_path *path = NULL;
        struct err err = { 0 };
        if (payload_path_new(text, &path, &err) == 0) {
            buf_clear(&out);
            (void)payload_path_each(path, payload_tree_root(tree), print_found, &out);
            payload_path_free(path);
            fine++;
        } else {
            assert_true(err.message[0] != '\0');
        }
    }
    assert_true(fine > 300);
    buf_fini(&out);
    payload_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_rfc),     cmocka_unit_test(paths_of_ours),
        cmocka_unit_test(elements_are_roots),      cmocka_unit_test(values_are_compared_deep),
        cmocka_unit_test(mistakes_say_where),      cmocka_unit_test(paths_are_limited),
        cmocka_unit_test(visits_are_limited),      cmocka_unit_test(texts_are_no_visits),
        cmocka_unit_test(random_paths_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
