/* SPDX-License-Identifier: Apache-2.0 */
/* What does not parse: where the mistake is, and what is said. The trees of what does: print_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "promql/ast.h"

struct mistake {
    const char *text, *place, *message;
};

static const struct mistake mistakes[] = {
    { "on", "1:1", "unexpected <on>" },
    { "bool", "1:1", "unexpected <bool>" },
    { "atan2", "1:1", "unexpected <op:atan2>" },
    { "sum by (without) (x)", "1:9", "unexpected <without> in grouping opts, expected label" },
    { "foo offset 5m offset 5m", "1:1", "offset may not be set multiple times" },
    { "(a+b) offset 5m", "1:1",
      "offset modifier must be preceded by an instant vector selector or range vector selector or "
      "a subquery" },
    { "foo[5m*2]", "1:7",
      "between brackets stands one duration; computing with durations (experimental in Prometheus) "
      "is not enabled" },
    { "foo[:5m]", "1:5", "unexpected colon before the duration between brackets" },
    { "foo[0]", "1:5", "duration must be greater than 0" },
    { "foo{a}", "1:6", "unexpected \"}\" in label matching, expected label matching operator" },
    { "foo{a=1}", "1:7", "unexpected character inside braces: '1'" },
    { "foo{a=\"b\" c=\"d\"}", "1:11",
      "unexpected identifier \"c\" in label matching, expected \",\" or \"}\"" },
    { "sum()", "1:1", "no arguments for aggregate expression provided" },
    { "sum(a,b)", "1:1",
      "wrong number of arguments for aggregate expression provided, expected 1, got 2" },
    { "sum(a", "1:6", "unclosed left parenthesis" },
    { "a)", "1:2", "unexpected right parenthesis ')'" },
    { "1 2", "1:3", "unexpected number \"2\"" },
    { "a b", "1:3", "unexpected identifier \"b\"" },
    { "", "0:0", "no expression found in input" },
    { "rate(foo)", "1:6",
      "expected type range vector in call to function \"rate\", got instant vector" },
    { "foo{", "1:5", "unexpected end of input inside braces" },
    { "first_over_time(a[5m])", "1:1", "unknown function with name \"first_over_time\"" },
    { "ts_of_first_over_time(a[5m])", "1:1",
      "unknown function with name \"ts_of_first_over_time\"" },
    { "step()", "1:1", "unknown function with name \"step\"" },
    { "foo{a=~\"(\"}", "1:8",
      "error parsing regexp, at its character 2: missing closing parenthesis" },
    { "{a=~\".*\"}", "1:1", "vector selector must contain at least one non-empty matcher" },
    { "a{\"b\"}", "1:1", "metric name must not be set twice: \"a\" or \"b\"" },
    { "1 == 1", "1:3", "comparisons between scalars must use BOOL modifier" },
    { "a and 1", "1:1", "set operator \"and\" not allowed in binary scalar expression" },
    { "a + bool b", "1:3", "bool modifier can only be used on comparison operators" },
    { "\"a\" + 1", "1:1", "binary expression must contain only scalar and instant vector types" },
    { "foo @ NaN", "1:7", "timestamp out of bounds for @ modifier: nan" },
    { "foo @ 1e300", "1:7", "timestamp out of bounds for @ modifier: 1e+300" },
    { "sum by (a) without (b) (c)", "1:12", "unexpected <without> in aggregation, expected \"(\"" },
    { "foo[5m", "1:7", "unclosed left bracket" },
    { "foo offset", "1:11", "unexpected end of input in offset, expected number or duration" },
    { "a + ", "1:5", "unexpected end of input" },
    { "a +* b", "1:4", "unexpected <op:*>" },
    { "\"\\z\"", "1:2", "unknown escape sequence: \\z" },
    { "'\\\"'", "1:2", "unknown escape sequence: \\\"" },
    { "1e", "1:1", "bad number or duration syntax: \"1e\"" },
    { "5x", "1:1", "bad number or duration syntax: \"5x\"" },
    { "1.5m", "1:1",
      "not a valid duration: \"1.5m\" (whole numbers, units y w d h m s ms in this order)" },
    { "1m1h", "1:1",
      "not a valid duration: \"1m1h\" (whole numbers, units y w d h m s ms in this order)" },
    { "foo[0s]", "1:5", "duration must be greater than 0" },
    { "sum(a,)", "1:6", "trailing commas not allowed in function call args" },
    { "a == group_left(y) b", "1:6", "unexpected <group_left>" },
    { "a and on(x) group_left(y) b", "1:1", "no grouping allowed for \"and\" operation" },
    { "a + on(x) group_left(x) b", "1:3",
      "label \"x\" must not occur in ON and GROUP clause at once" },
    { "1 + on(x) b", "1:1", "vector matching only allowed between instant vectors" },
    { "label_replace(a,\"x\")", "1:1",
      "expected 5 argument(s) in call to \"label_replace\", got 2" },
    { "round(a,1,2)", "1:1", "expected at most 2 argument(s) in call to \"round\", got 3" },
    { "sum(a[5m])", "1:5",
      "expected type instant vector in aggregation expression, got range vector" },
    { "topk(a,b)", "1:6", "expected type scalar in aggregation parameter, got instant vector" },
    { "count_values(1,a)", "1:14", "expected type string in aggregation parameter, got scalar" },
    { "-\"a\"", "1:1",
      "unary expression only allowed on expressions of type scalar or instant vector, got "
      "\"string\"" },
    { "-a[5m]", "1:1",
      "unary expression only allowed on expressions of type scalar or instant vector, got \"range "
      "vector\"" },
    { "a[5m][5m:]", "1:1", "subquery is only allowed on instant vector, got range vector instead" },
    { "1[5m:]", "1:1", "subquery is only allowed on instant vector, got scalar instead" },
    { "a[5m] offset 1m @ 5 offset 3m", "1:1", "offset may not be set multiple times" },
    { "a @ 5 @ 6", "1:1", "@ <timestamp> may not be set multiple times" },
    { "a=b", "1:2", "unexpected \"=\"" },
    { "a!b", "1:3", "unexpected character after '!': 'b'" },
    { "a ! b", "1:4", "unexpected character after '!': ' '" },
    { "$x", "1:1", "unexpected character: '$'" },
    { "foo{,}", "1:5", "unexpected \",\" in label matching, expected identifier or \"}\"" },
    { "foo{a=\"b\",,c=\"d\"}", "1:11",
      "unexpected \",\" in label matching, expected identifier or \"}\"" },
    { "sum by (,) (b)", "1:9", "unexpected \",\" in grouping opts, expected label" },
    { "sum by (\"\") (c)", "1:9", "invalid label name for grouping: \"\"" },
    { "start()", "1:6", "unexpected \"(\"" },
    { "@ start()", "1:1", "unexpected <op:@>" },
    { "a @ start", "1:10", "unexpected end of input in @, expected \"(\"" },
    { "info(a, b)", "1:9",
      "expected label selectors only, such as {host=~\"a.*\"}, got something else" },
    { "foo offset 5m[5m]", "1:14", "no offset modifiers allowed before range" },
    { "foo @ 5[5m]", "1:8", "no @ modifiers allowed before range" },
    { "foo{a='it''s'}", "1:11",
      "unexpected string 's' in label matching, expected \",\" or \"}\"" },
    { "(foo)[5m]", "1:6", "ranges only allowed for vector selectors" },
    { "foo[5m] + 1", "1:1", "binary expression must contain only scalar and instant vector types" },
    { "vector(\"a\")", "1:8", "expected type scalar in call to function \"vector\", got string" },
    { "scalar(1)", "1:8",
      "expected type instant vector in call to function \"scalar\", got scalar" },
    { "hour(foo,foo)", "1:1", "expected at most 1 argument(s) in call to \"hour\", got 2" },
    { "label_join(foo, \"a\")", "1:1",
      "expected at least 3 argument(s) in call to \"label_join\", got 2" },
    { "sort_by_label()", "1:1",
      "expected at least 1 argument(s) in call to \"sort_by_label\", got 0" },
    { "rate(foo[5m], 1)", "1:1", "expected 1 argument(s) in call to \"rate\", got 2" },
    { "clamp(foo, 1)", "1:1", "expected 3 argument(s) in call to \"clamp\", got 2" },
    { "holt_winters(foo[5m], 0.5, 0.5)", "1:1", "unknown function with name \"holt_winters\"" },
    { "# comment only", "0:0", "no expression found in input" },
    { "sat{__name__=\"x\"}", "1:1", "metric name must not be set twice: \"sat\" or \"x\"" },
    { "{}", "1:1", "vector selector must contain at least one non-empty matcher" },
    { "{a=\"\"}", "1:1", "vector selector must contain at least one non-empty matcher" },
    { "{a!=\"b\"}", "1:1", "vector selector must contain at least one non-empty matcher" },
    { "{a!~\".+\"}", "1:1", "vector selector must contain at least one non-empty matcher" },
    { "RATE(x[5m])", "1:1", "unknown function with name \"RATE\"" },
    { "foo[5M]", "1:5", "bad number or duration syntax: \"5M\"" },
    { "1 + bool 1", "1:3", "bool modifier can only be used on comparison operators" },
    { "1 and 1", "1:1", "set operator \"and\" not allowed in binary scalar expression" },
    { "a and \"b\"", "1:7", "binary expression must contain only scalar and instant vector types" },
    { "a[5m] and b", "1:1", "binary expression must contain only scalar and instant vector types" },
    { "min(a) max(b)", "1:8", "unexpected <aggr:max>" },
    { "min by(a", "1:9", "unclosed left parenthesis" },
    { "by by by", "1:4", "unexpected <by>" },
    { "by by (a)", "1:4", "unexpected <by>" },
    { "sum by", "1:7", "unexpected end of input in grouping opts, expected \"(\"" },
    { "sum by (a) ", "1:12", "unexpected end of input in aggregation, expected \"(\"" },
    { "bool bool", "1:1", "unexpected <bool>" },
    { "group_left", "1:1", "unexpected <group_left>" },
    { "ignoring", "1:1", "unexpected <ignoring>" },
    { "inf{a=\"b\"}", "1:4", "unexpected \"{\"" },
    { "foo @ end", "1:10", "unexpected end of input in @, expected \"(\"" },
    { "foo @", "1:6", "unexpected end of input in @, expected timestamp" },
    { "foo @ a", "1:7", "unexpected identifier \"a\" in @, expected timestamp" },
    { "foo @ (5)", "1:7", "unexpected \"(\" in @, expected timestamp" },
    { "foo offset (5m)", "1:12", "unexpected \"(\" in offset, expected number or duration" },
    { "foo offset 5s5m", "1:12",
      "not a valid duration: \"5s5m\" (whole numbers, units y w d h m s ms in this order)" },
    { "foo offset a", "1:12",
      "unexpected identifier \"a\" in offset, expected number or duration" },
    { "foo{a=\"b\"}}", "1:11", "unexpected character: '}'" },
    { "{a=\"b\"", "1:7", "unexpected end of input inside braces" },
    { "foo{a=\"b", "1:7", "unterminated quoted string" },
    { "foo{a=b}", "1:7", "unexpected identifier \"b\" in label matching, expected string" },
    { "foo{a==\"b\"}", "1:7", "unexpected \"=\" in label matching, expected string" },
    { "foo{a!b}", "1:7", "unexpected character after '!' inside braces: 'b'" },
    { "foo{a~\"b\"}", "1:6", "unexpected character inside braces: '~'" },
    { "foo{a=\"b\";c=\"d\"}", "1:10", "unexpected character inside braces: ';'" },
    { "foo{1a=\"b\"}", "1:5", "unexpected character inside braces: '1'" },
    { "foo{a.b=\"c\"}", "1:6", "unexpected character inside braces: '.'" },
    { "foo.bar", "1:4", "unexpected character: '.'" },
    { "foo{a:b=\"c\"}", "1:6", "unexpected character inside braces: ':'" },
    { "[5m]", "1:1", "unexpected \"[\"" },
    { "foo]", "1:4", "unexpected right bracket ']'" },
    { "foo[", "1:5", "unclosed left bracket" },
    { "foo[]", "1:5", "missing duration between brackets" },
    { "foo[5m:5m:5m]", "1:10", "unexpected second colon between brackets" },
    { "foo[a]", "1:5", "unexpected character between brackets: 'a'" },
    { "foo[5m a]", "1:8", "unexpected character between brackets: 'a'" },
    { "foo[-5m]", "1:5", "duration must be greater than 0" },
    { "foo[5m:-5m]", "1:8", "duration must be greater than 0" },
    { "foo[5m:0]", "1:8", "duration must be greater than 0" },
    { "foo[5m][5m]", "1:8", "ranges only allowed for vector selectors" },
    { "foo[5m] [1m:]", "1:1",
      "subquery is only allowed on instant vector, got range vector instead" },
    { "(foo[5m])[1m:]", "1:1",
      "subquery is only allowed on instant vector, got range vector instead" },
    { "!a", "1:2", "unexpected character after '!': 'a'" },
    { "a !", "1:4", "unexpected end of input after '!'" },
    { "a =~ b", "1:4", "unexpected character after '=': '~'" },
    { "a <> b", "1:4", "unexpected <op:>>" },
    { "a << b", "1:4", "unexpected <op:<>" },
    { "a => b", "1:3", "unexpected \"=\"" },
    { "a == == b", "1:6", "unexpected <op:==>" },
    { "a,b", "1:2", "unexpected \",\"" },
    { "f(a)", "1:1", "unknown function with name \"f\"" },
    { "foo(\"a\")", "1:1", "unknown function with name \"foo\"" },
    { "abs(1)", "1:5", "expected type instant vector in call to function \"abs\", got scalar" },
    { "abs(\"a\")", "1:5", "expected type instant vector in call to function \"abs\", got string" },
    { "abs(a,b)", "1:1", "expected 1 argument(s) in call to \"abs\", got 2" },
    { "abs()", "1:1", "expected 1 argument(s) in call to \"abs\", got 0" },
    { "abs(,)", "1:5", "unexpected \",\"" },
    { "abs(a,)", "1:6", "trailing commas not allowed in function call args" },
    { "abs(a b)", "1:7",
      "unexpected identifier \"b\" in the arguments of a call, expected \",\" or \")\"" },
    { "abs a", "1:5", "unexpected identifier \"a\"" },
    { "time(1)", "1:1", "expected 0 argument(s) in call to \"time\", got 1" },
    { "sum by a (b)", "1:8", "unexpected identifier \"a\" in grouping opts, expected \"(\"" },
    { "sum by (a b) (c)", "1:11",
      "unexpected identifier \"b\" in grouping opts, expected \",\" or \")\"" },
    { "sum by (1) (c)", "1:9", "unexpected number \"1\" in grouping opts, expected label" },
    { "sum by (a=) (c)", "1:10", "unexpected \"=\" in grouping opts, expected \",\" or \")\"" },
    { "count(up) by (job) offset 5m", "1:1",
      "offset modifier must be preceded by an instant vector selector or range vector selector or "
      "a subquery" },
    { "sum(a) offset 5m", "1:1",
      "offset modifier must be preceded by an instant vector selector or range vector selector or "
      "a subquery" },
    { "rate(a[5m]) offset 5m", "1:1",
      "offset modifier must be preceded by an instant vector selector or range vector selector or "
      "a subquery" },
    { "1 offset 5m", "1:1",
      "offset modifier must be preceded by an instant vector selector or range vector selector or "
      "a subquery" },
    { "\"a\" @ 5", "1:1",
      "@ modifier must be preceded by an instant vector selector or range vector selector or a "
      "subquery" },
    { "a offset 1e20", "1:10", "duration out of range" },
    { "a[1e20]", "1:3", "duration out of range" },
    { "a offset 300y", "1:10", "duration out of range: \"300y\"" },
    { "a[300y]", "1:3", "duration out of range: \"300y\"" },
    { "300y", "1:1", "duration out of range: \"300y\"" },
    { "1e20y", "1:1",
      "not a valid duration: \"1e20y\" (whole numbers, units y w d h m s ms in this order)" },
    { "a @ 9223372036854775", "1:5", "timestamp out of bounds for @ modifier: 9.22337e+15" },
    { "a @ 1e15", "1:5", "timestamp out of bounds for @ modifier: 1e+15" },
    { "日本", "1:1", "unexpected character: '日'" },
    { "a{日本=\"x\"}", "1:3", "unexpected character inside braces: '日'" },
    { "a b c", "1:3", "unexpected identifier \"b\"" },
};

static int parse(const char *text, struct err *err)
{
    struct arena arena;
    struct promql_node *root = NULL;
    *err = (struct err){ 0 };
    arena_init(&arena, 0);
    int error = promql_parse(text, &arena, &root, err);
    assert_int_equal(error, err->code);
    assert_true((error == 0) == (root != NULL));
    arena_fini(&arena);
    return error;
}

static void every_mistake_has_a_place_and_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct err err;
        char place[32];
        int error = parse(mistakes[i].text, &err);
        (void)snprintf(place, sizeof(place), "%d:%d", err.line, err.column);
        if (error != BUSBAR_ESYNTAX || strcmp(place, mistakes[i].place) != 0 ||
            strcmp(err.message, mistakes[i].message) != 0) {
            fail_msg("%s: %s: %s", mistakes[i].text, place, err.message);
        }
    }
}

static void a_place_counts_lines_and_characters(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(parse("sum(\n  {\"température\"} +\n  )", &err), BUSBAR_ESYNTAX);
    assert_int_equal(err.line, 3);
    assert_int_equal(err.column, 3);
    assert_int_equal(parse("{\"température\"} $", &err), BUSBAR_ESYNTAX);
    assert_int_equal(err.column, 17);
    assert_int_equal(parse("rate(temperature)", &err), BUSBAR_ESYNTAX);
    assert_int_equal(err.column, 6);
    assert_int_equal(err.width, 11);
    assert_int_equal(parse("maxx_over_time(a[5m])", &err), BUSBAR_ESYNTAX);
    assert_string_equal(err.hint, "did you mean max_over_time()?");
}

static void a_prefix_never_crashes_and_fails_with_a_reason(void **state)
{
    (void)state;
    static const char text[] =
        "sum by (\"a b\", c) (rate({\"x\", d=~'e|f'}[5m:1m] @ start() offset -1h)) >= bool on (c) "
        "group_left (g) -1e3 ^ label_replace(h, `i`, \"\\u00e9\", 'j', \"k\") # end";
    char *copy = busbar_strdup(text);
    for (size_t size = sizeof(text) - 1; size > 0; size--) {
        struct err err;
        copy[size] = 0;
        char *exact = busbar_strdup(copy);
        if (parse(exact, &err) != 0) {
            assert_string_not_equal(err.message, "");
            assert_int_equal(err.code, BUSBAR_ESYNTAX);
        }
        busbar_free(exact);
    }
    busbar_free(copy);
}

/* --- limits --- */

static char *repeat(const char *before, const char *middle, const char *after, size_t count)
{
    struct buf out;
    buf_init(&out, 1 << 22);
    for (size_t i = 0; i < count; i++) {
        (void)buf_append_text(&out, before);
    }
    (void)buf_append_text(&out, middle);
    for (size_t i = 0; i < count; i++) {
        (void)buf_append_text(&out, after);
    }
    size_t size;
    char *text = (char *)buf_take(&out, &size);
    buf_fini(&out);
    return text;
}

static void check_limit(const char *before, const char *middle, const char *after, size_t fits,
                        size_t too_much, int code, const char *message)
{
    struct err err;
    char *text = repeat(before, middle, after, fits);
    assert_int_equal(parse(text, &err), 0);
    busbar_free(text);
    text = repeat(before, middle, after, too_much);
    assert_int_equal(parse(text, &err), code);
    assert_non_null(strstr(err.message, message));
    busbar_free(text);
}

static void nesting_and_height_have_limits(void **state)
{
    (void)state;
    check_limit("(", "a", ")", PROMQL_DEPTH_MAX - 1, PROMQL_DEPTH_MAX, BUSBAR_ESYNTAX,
                "nested more than 128 deep");
    check_limit("-", "a", "", PROMQL_DEPTH_MAX - 1, PROMQL_DEPTH_MAX, BUSBAR_ESYNTAX, "nested");
    check_limit("a^", "a", "", PROMQL_DEPTH_MAX - 1, PROMQL_DEPTH_MAX, BUSBAR_ESYNTAX, "nested");
    check_limit("", "a", "+a", PROMQL_HEIGHT_MAX - 1, PROMQL_HEIGHT_MAX, BUSBAR_ESYNTAX,
                "more than 512 levels");
}

static void sizes_have_limits(void **state)
{
    (void)state;
    check_limit(" ", "a", "", PROMQL_TEXT_BYTES_MAX - 1, PROMQL_TEXT_BYTES_MAX, BUSBAR_ELIMIT,
                "at most 65536");
    char *text = repeat("", "{a=\"b\"", ",a=\"b\"", HISTORY_MATCHERS_MAX);
    struct err err;
    assert_int_equal(parse(text, &err),
                     BUSBAR_ESYNTAX); /* also not closed: the limit comes first */
    assert_non_null(strstr(err.message, "more than 64 matchers"));
    busbar_free(text);
    text = repeat("", "sum by (a", ",a", LABELS_MAX);
    assert_int_equal(parse(text, &err), BUSBAR_ESYNTAX);
    assert_non_null(strstr(err.message, "more than 64 labels"));
    busbar_free(text);
    text = repeat("", "{a=~\"x", "x", 5000);
    char *closed = repeat(text, "\"}", "", 1);
    assert_int_equal(parse(closed, &err), BUSBAR_ESYNTAX);
    busbar_free(closed);
    busbar_free(text);
}

static void memory_that_is_out_is_an_error(void **state)
{
    (void)state;
    static const char text[] =
        "sum by (a, b) (rate(c{d=\"e\"}[5m])) + label_replace(f,'a','b','','')";
    struct arena arena;
    struct promql_node *root;
    struct err err;
    bool done = false;
    for (size_t bytes = 1; !done; bytes += 64) {
        arena_init(&arena, bytes);
        int error = promql_parse(text, &arena, &root, &err);
        assert_true(error == 0 || error == BUSBAR_ENOMEM);
        done = error == 0;
        arena_fini(&arena);
    }
    done = false;
    for (long n = 1; !done; n++) {
        arena_init(&arena, 0);
        alloc_fail_nth(n);
        int error = promql_parse("a{b=~\"c.*d[e]\"} + i{f!~'[gh]+'}", &arena, &root, &err);
        alloc_fail_nth(0);
        if (error != 0 && error != BUSBAR_ENOMEM) {
            fail_msg("allocation %ld: %s", n, err.message);
        }
        done = error == 0;
        arena_fini(&arena);
    }
}

/* --- trees --- */

static struct promql_node *tree(const char *text, struct arena *arena)
{
    struct promql_node *root = NULL;
    struct err err = { 0 };
    if (promql_parse(text, arena, &root, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return root;
}

static void operators_bind_as_in_prometheus(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct promql_node *root = tree("a or b and c == d + e * f ^ g ^ h", &arena);
    static const enum promql_op ops[] = { PROMQL_OP_OR,  PROMQL_OP_AND, PROMQL_OP_EQ, PROMQL_OP_ADD,
                                          PROMQL_OP_MUL, PROMQL_OP_POW, PROMQL_OP_POW };
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        assert_int_equal(root->kind, PROMQL_NODE_BINARY);
        assert_int_equal(root->op, ops[i]);
        root = root->right;
    }
    root = tree("a - b - c", &arena);
    assert_int_equal(root->left->kind, PROMQL_NODE_BINARY);
    assert_int_equal(root->height, 3);
    root = tree("-a ^ b", &arena);
    assert_int_equal(root->kind, PROMQL_NODE_UNARY);
    assert_int_equal(root->left->op, PROMQL_OP_POW);
    root = tree("-a * b", &arena);
    assert_int_equal(root->op, PROMQL_OP_MUL);
    assert_int_equal(root->left->kind, PROMQL_NODE_UNARY);
    root = tree("2 ^ -a * b", &arena);
    assert_int_equal(root->op, PROMQL_OP_MUL);
    assert_int_equal(root->left->op, PROMQL_OP_POW);
    assert_int_equal(tree("- - 2", &arena)->number, 2);
    arena_fini(&arena);
}

static void a_tree_knows_types_places_and_matching(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct promql_node *root = tree("  a * on (b) group_right (c) d{e!~\"f\"}", &arena);
    assert_int_equal(root->type, PROMQL_VECTOR);
    assert_int_equal(root->begin, 2);
    assert_int_equal(root->op_begin, 4);
    assert_int_equal(root->cardinality, PROMQL_ONE_TO_MANY);
    assert_true(root->matching_on);
    assert_string_equal(root->labels[0], "b");
    assert_string_equal(root->include[0], "c");
    assert_string_equal(root->right->metric, "d");
    assert_int_equal(root->right->matcher_count, 2);
    assert_int_equal(root->right->matchers[0].match, LABEL_NOT_MATCHES);
    assert_int_equal(tree("a and b", &arena)->cardinality, PROMQL_MANY_TO_MANY);
    assert_int_equal(tree("1 + 2", &arena)->type, PROMQL_SCALAR);
    assert_int_equal(tree("a[5m]", &arena)->type, PROMQL_MATRIX);
    assert_int_equal(tree("'x'", &arena)->type, PROMQL_STRING);
    assert_int_equal(tree("time()", &arena)->type, PROMQL_SCALAR);
    root = tree("a[90] @ 1.5 offset -1m", &arena);
    assert_int_equal(root->range_us, 90000000);
    assert_int_equal(root->left->moment.at, PROMQL_AT_TIME);
    assert_int_equal(root->left->moment.at_us, 1500000);
    assert_int_equal(root->left->moment.offset_us, -60000000);
    root = tree("a[1h:5m] @ end()", &arena);
    assert_int_equal(root->kind, PROMQL_NODE_SUBQUERY);
    assert_int_equal(root->step_us, 300000000);
    assert_int_equal(root->moment.at, PROMQL_AT_END);
    root = tree("topk without (a) (3, b)", &arena);
    assert_true(root->without);
    assert_int_equal(root->aggregation, PROMQL_AGG_TOPK);
    assert_int_equal(root->param->number, 3);
    assert_string_equal(root->left->metric, "b");
    arena_fini(&arena);
}

/* --- matchers of one selector --- */

static void a_selector_alone_gives_its_matchers(void **state)
{
    (void)state;
    struct arena arena;
    struct label_matcher matchers[HISTORY_MATCHERS_MAX];
    struct err err = { 0 };
    size_t count = 0;
    arena_init(&arena, 0);
    assert_int_equal(promql_matchers("sat{device=~\"ahu-.*\"}", &arena, matchers, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(matchers[0].name, "device");
    assert_int_equal(matchers[0].match, LABEL_MATCHES);
    assert_string_equal(matchers[1].name, "__name__");
    assert_string_equal(matchers[1].value, "sat");
    assert_int_equal(promql_matchers("{\"sat-sp\"}", &arena, matchers, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_string_equal(matchers[0].value, "sat-sp");
    static const char *const wrong[] = { "sat[5m]",  "sat offset 5m", "sat @ 1", "1",
                                         "sum(sat)", "(sat)",         "{}",      "sat{" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(promql_matchers(wrong[i], &arena, matchers, &count, &err), BUSBAR_ESYNTAX);
        assert_string_not_equal(err.message, "");
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_has_a_place_and_a_reason),
        cmocka_unit_test(a_place_counts_lines_and_characters),
        cmocka_unit_test(a_prefix_never_crashes_and_fails_with_a_reason),
        cmocka_unit_test(nesting_and_height_have_limits),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(memory_that_is_out_is_an_error),
        cmocka_unit_test(operators_bind_as_in_prometheus),
        cmocka_unit_test(a_tree_knows_types_places_and_matching),
        cmocka_unit_test(a_selector_alone_gives_its_matchers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
