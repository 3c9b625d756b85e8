/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: what a character means depends on where it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "promql/lexer.h"

/* All tokens as error messages call them, apart by a space; ends with the error, if any. */
static void check(const char *text, const char *expected)
{
    struct promql_lexer lexer;
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, 4096);
    promql_lexer_init(&lexer, text, strlen(text), &err);
    for (;;) {
        char name[128];
        struct promql_token token = promql_lexer_next(&lexer);
        if (token.kind == PROMQL_TOKEN_ERROR) {
            (void)buf_printf(&out, "%d:%d: %s", err.line, err.column, err.message);
            assert_int_equal(promql_lexer_next(&lexer).kind, PROMQL_TOKEN_ERROR);
            break;
        }
        if (token.kind == PROMQL_TOKEN_END) {
            assert_int_equal(promql_lexer_next(&lexer).kind, PROMQL_TOKEN_END);
            break;
        }
        promql_token_name(text, &token, name, sizeof(name));
        (void)buf_printf(&out, "%s ", name);
    }
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void words_and_signs(void **state)
{
    (void)state;
    check("", "");
    check(" \t\n\r# comment\n # another", "");
    check("a:b _c Sum BY and",
          "metric identifier \"a:b\" identifier \"_c\" <aggr:Sum> <BY> <op:and> ");
    check("+-*/%^==!=<<=>>=", "<op:+> <op:-> <op:*> <op:/> <op:%> <op:^> <op:==> <op:!=> <op:<> "
                              "<op:<=> <op:>> <op:>=> ");
    check("a#b\nc", "identifier \"a\" identifier \"c\" ");
    check("start end offset bool", "<start> <end> <offset> <bool> ");
}

static void numbers_and_durations(void **state)
{
    (void)state;
    check("1 .5 5. 1e3 0x1f 1_0 inf NaN",
          "number \"1\" number \".5\" number \"5.\" number \"1e3\" number \"0x1f\" number \"1_0\" "
          "number \"inf\" number \"NaN\" ");
    check("5m 1h30m 1ms 1y",
          "duration \"5m\" duration \"1h30m\" duration \"1ms\" duration \"1y\" ");
    check("1-2", "number \"1\" <op:-> number \"2\" ");
    check("1e+", "1:1: bad number or duration syntax: \"1e+\"");
    check("1__0", "1:1: bad number or duration syntax: \"1__0\"");
    check("5mm", "1:1: bad number or duration syntax: \"5mm\"");
    check("0x1.5", "1:1: bad number or duration syntax: \"0x1.5\"");
}

static void braces_hold_names_and_matchers(void **state)
{
    (void)state;
    check("{sum=\"a\", b!~'c', d=~`e`, \"f\", g!=\"\"}",
          "\"{\" identifier \"sum\" \"=\" string \"a\" \",\" identifier \"b\" \"!~\" string 'c' "
          "\",\" "
          "identifier \"d\" \"=~\" string `e` \",\" string \"f\" \",\" identifier \"g\" <op:!=> "
          "string "
          "\"\" \"}\" ");
    check("{a:b}", "\"{\" identifier \"a\" 1:3: unexpected character inside braces: ':'");
    check("{", "\"{\" 1:2: unexpected end of input inside braces");
    check("{# comment\na}", "\"{\" identifier \"a\" \"}\" ");
}

static void brackets_hold_durations(void **state)
{
    (void)state;
    check("[5m:1m]", "\"[\" duration \"5m\" \":\" duration \"1m\" \"]\" ");
    check("[ 300 : ]", "\"[\" number \"300\" \":\" \"]\" ");
    check("[:5m]", "\"[\" 1:2: unexpected colon before the duration between brackets");
    check("[5m", "\"[\" duration \"5m\" 1:4: unclosed left bracket");
    check("[5m*2]",
          "\"[\" duration \"5m\" 1:4: between brackets stands one duration; computing with "
          "durations (experimental in Prometheus) is not enabled");
}

static void strings_end_where_they_began(void **state)
{
    (void)state;
    check("\"a\\\"b\" 'c\"d' `e\\`", "string \"a\\\"b\" string 'c\"d' string `e\\` ");
    check("\"a", "1:1: unterminated quoted string");
    check("\"a\\", "1:1: unterminated quoted string");
    check("\"a\nb\"", "1:1: unterminated quoted string");
    check("`a\nb`", "string `a\nb` ");
    check("`a", "1:1: unterminated raw string");
}

static void what_is_no_token_is_named(void **state)
{
    (void)state;
    check("\xc3\xa9", "1:1: unexpected character: '\xc3\xa9'");
    check("\xff", "1:1: unexpected byte 0xff");
    check("a\n  \x01", "identifier \"a\" 2:3: unexpected byte 0x01");
    check("(", "\"(\" 1:2: unclosed left parenthesis");
    check("())", "\"(\" \")\" 1:3: unexpected right parenthesis ')'");
    check("!", "1:2: unexpected end of input after '!'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_signs),
        cmocka_unit_test(numbers_and_durations),
        cmocka_unit_test(braces_hold_names_and_matchers),
        cmocka_unit_test(brackets_hold_durations),
        cmocka_unit_test(strings_end_where_they_began),
        cmocka_unit_test(what_is_no_token_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
