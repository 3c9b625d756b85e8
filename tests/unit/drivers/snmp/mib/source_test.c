/* SPDX-License-Identifier: Apache-2.0 */
/* Modules found in texts, wherever vendors have put them; and the parser's lines in plain words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/snmp/mib/messages.h"
#include "drivers/snmp/mib/source.h"

static void expect(const char *text, size_t count, const char *const *names, const int *lines)
{
    size_t at = 0;
    int line = 1;
    size_t size = strlen(text);
    char *copy = malloc(size + 1); /* exact, so that one byte too many is seen */
    struct mib_part part;
    memcpy(copy, text, size);
    for (size_t i = 0; i < count; i++) {
        assert_true(mib_part_next(copy, size, &at, &line, &part));
        assert_int_equal(part.name_size, strlen(names[i]));
        assert_memory_equal(part.name, names[i], part.name_size);
        assert_int_equal(part.line, lines[i]);
        assert_true(part.at + part.size <= size);
    }
    assert_false(mib_part_next(copy, size, &at, &line, &part));
    free(copy);
}

static void one_module(void **state)
{
    (void)state;
    static const char *const names[] = { "ACME-MIB" };
    static const int lines[] = { 2 };
    expect("-- a comment\nACME-MIB DEFINITIONS ::= BEGIN\nEND\n", 1, names, lines);
    expect("\nACME-MIB { iso 3 6 } DEFINITIONS ::= BEGIN END", 1, names, lines);
    expect("\nACME-MIB DEFINITIONS IMPLICIT TAGS ::=\nBEGIN\nx ::= 1\nEND", 1, names, lines);
    expect("\nACME-MIB DEFINITIONS ::= BEGIN", 1, names, lines);
}

static void several(void **state)
{
    (void)state;
    static const char *const names[] = { "A-MIB", "B-MIB" };
    static const int lines[] = { 1, 7 };
    expect("A-MIB DEFINITIONS ::= BEGIN\n"
           "X MACRO ::=\nBEGIN a END\n"
           "-- END of nothing\n\"END in a text, DEFINITIONS\"\nEND "
           "\nB-MIB DEFINITIONS ::= BEGIN END",
           2, names, lines);
}

static void none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "hello",
        "DEFINITIONS ::= BEGIN END",
        "-- ACME-MIB DEFINITIONS ::= BEGIN END",
        "\"ACME-MIB DEFINITIONS ::= BEGIN END",
        "{ a DEFINITIONS",
        "-",
        "--",
        "\"",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect(texts[i], 0, NULL, NULL);
    }
}

static void clean_or_not(void **state)
{
    (void)state;
    struct mib_part part;
    size_t at = 0;
    int line = 1;
    static const char clean[] = "-- c\nA-MIB DEFINITIONS ::= BEGIN END";
    static const char letter[] = "Dear customer\nA-MIB DEFINITIONS ::= BEGIN END";
    assert_true(mib_part_next(clean, strlen(clean), &at, &line, &part));
    assert_true(part.clean);
    at = 0;
    line = 1;
    assert_true(mib_part_next(letter, strlen(letter), &at, &line, &part));
    assert_false(part.clean);
    assert_memory_equal(letter + part.at, "A-MIB", 5);
}

struct message_case {
    const char *said;
    const char *path, *message, *hint; /* parts */
    int line;
};

static const struct message_case messages[] = {
    { "Cannot find module (FOO-MIB): At line 8 in /m/a b.mib\n", "/m/a b.mib",
      "imports FOO-MIB, which is in no file", "put the file of FOO-MIB", 8 },
    { "Bad operator (;): At line 3 in /m/a.mib", "/m/a.mib", "Bad operator at ';'", "left out", 3 },
    { "Expected a number (EOF): At line 9 in /m/a.mib", "/m/a.mib", "ends too early", "whole", 9 },
    { "Undefined identifier: acmeX near line 12 of /m/a.mib\n", "/m/a.mib",
      "'acmeX' is defined nowhere", "module that defines it", 12 },
    { "Did not find 'Abc' in module B-MIB (/m/a.mib)\n", "/m/a.mib", "imports 'Abc' from B-MIB",
      "newer file of B-MIB", 0 },
};

static void what_the_parser_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        char path[ERR_FILE_MAX];
        struct err err;
        assert_true(mib_message_read(messages[i].said, path, &err));
        assert_string_equal(path, messages[i].path);
        assert_non_null(strstr(err.message, messages[i].message));
        assert_non_null(strstr(err.hint, messages[i].hint));
        assert_int_equal(err.line, messages[i].line);
    }
}

static void what_nobody_needs(void **state)
{
    (void)state;
    static const char *const said[] = {
        "",
        "\n",
        "MIB search path: /x",
        "Undefined OBJECT-GROUP (a): At line 5 in /m/a.mib",
        "Bad parse of OBJECT-TYPE: At line 4 in /m/a.mib",
        "Cannot adopt OID in A-MIB: x ::= { y 1 }",
        "Did not find 'Abc' in module #-1 (/m/a.mib)",
        "At line",
        ": At line 4",
        "Did not find 'x",
        "Undefined identifier: x near line 4",
        "something else",
    };
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        char path[ERR_FILE_MAX];
        struct err err;
        assert_false(mib_message_read(said[i], path, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_module),
        cmocka_unit_test(several),
        cmocka_unit_test(none),
        cmocka_unit_test(clean_or_not),
        cmocka_unit_test(what_the_parser_says),
        cmocka_unit_test(what_nobody_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
