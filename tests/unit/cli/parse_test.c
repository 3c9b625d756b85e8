/* SPDX-License-Identifier: Apache-2.0 */
/* Words on the command line -> command, arguments, flags, exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

/* Parses NULL-terminated words; the result must be `exit_code`. */
static struct cli parsed(const char *const *words, int exit_code)
{
    struct cli cli = { 0 };
    char *argv[32];
    int argc = 0;
    bool done = false;
    while (words[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    assert_int_equal(cli_parse(&cli, argc, argv, &done), exit_code);
    assert_false(done);
    return cli;
}

static void noun_and_verb_find_their_row(void **state)
{
    (void)state;
    struct cli cli = parsed((const char *[]){ "device", "show", "meter-1", NULL }, 0);
    assert_string_equal(cli.command->noun, "device");
    assert_string_equal(cli.command->verb, "show");
    assert_int_equal(cli.arg_count, 1);
    assert_string_equal(cli.args[0], "meter-1");
}

static void flags_stand_anywhere(void **state)
{
    (void)state;
    struct cli cli = parsed((const char *[]){ "point", "list", "--limit", "5", "a/*", "--bad",
                                              "--json=path,value", NULL },
                            0);
    assert_string_equal(cli_flag(&cli, "limit"), "5");
    assert_string_equal(cli_flag(&cli, "bad"), "");
    assert_null(cli_flag(&cli, "csv"));
    assert_int_equal(cli.format, CLI_JSON);
    assert_string_equal(cli.fields, "path,value");
    assert_string_equal(cli.args[0], "a/*");
}

static void json_alone_takes_no_word(void **state)
{
    (void)state;
    struct cli cli = parsed((const char *[]){ "device", "show", "--json", "meter-1", NULL }, 0);
    assert_int_equal(cli.format, CLI_JSON);
    assert_null(cli.fields);
    assert_string_equal(cli.args[0], "meter-1");
}

static void negative_numbers_are_arguments(void **state)
{
    (void)state;
    struct cli cli = parsed((const char *[]){ "point", "write", "a/b", "-5.5", "-y", NULL }, 0);
    assert_string_equal(cli.args[1], "-5.5");
    assert_true(cli.yes);
}

static void two_dashes_end_the_flags(void **state)
{
    (void)state;
    struct cli cli = parsed((const char *[]){ "point", "write", "--", "a/b", "--x", NULL }, 0);
    assert_string_equal(cli.args[1], "--x");
}

static void wrong_use_is_exit_code_2(void **state)
{
    (void)state;
    parsed((const char *[]){ "device", "shw", NULL }, CLI_USAGE);
    parsed((const char *[]){ "devcie", NULL }, CLI_USAGE);
    parsed((const char *[]){ "device", "show", NULL }, CLI_USAGE);
    parsed((const char *[]){ "device", "show", "a", "b", NULL }, CLI_USAGE);
    parsed((const char *[]){ "device", "show", "a", "--jsn", NULL }, CLI_USAGE);
    parsed((const char *[]){ "device", "list", "--timeout", NULL }, CLI_USAGE);
    parsed((const char *[]){ "device", "list", "--timeout", "soon", NULL }, CLI_USAGE);
    parsed((const char *[]){ "device", "list", "--down=1", NULL }, CLI_USAGE);
}

static void the_server_comes_from_flag_then_environment(void **state)
{
    (void)state;
    setenv("BUSBAR_SERVER", "http://127.0.0.1:9", 1);
    struct cli cli = parsed((const char *[]){ "status", NULL }, 0);
    assert_string_equal(cli.server, "http://127.0.0.1:9");
    cli = parsed((const char *[]){ "status", "--server", "unix:/x", NULL }, 0);
    assert_string_equal(cli.server, "unix:/x");
    unsetenv("BUSBAR_SERVER");
    cli = parsed((const char *[]){ "status", NULL }, 0);
    assert_memory_equal(cli.server, "unix:/", 6);
}

static void timeouts_are_durations(void **state)
{
    (void)state;
    struct cli cli = parsed((const char *[]){ "status", "--timeout", "1500ms", NULL }, 0);
    assert_int_equal(cli.timeout_us, 1500000);
}

/* The table itself: what help, man page and completion rely on. */
static void every_row_is_whole(void **state)
{
    (void)state;
    for (const struct cli_command *row = cli_commands(); row->verb != NULL; row++) {
        assert_non_null(row->run);
        assert_non_null(row->summary);
        assert_non_null(row->args);
        assert_true(row->args_min <= row->args_max || row->args_max == 0);
        assert_ptr_equal(cli_find(row->noun, row->verb), row);
        for (const struct cli_flag *flag = row->flags; flag != NULL && flag->name != NULL; flag++) {
            assert_non_null(flag->help);
            for (const struct cli_flag *g = cli_global_flags(); g->name != NULL; g++) {
                assert_string_not_equal(flag->name, g->name);
                assert_true(flag->letter == 0 || flag->letter != g->letter);
            }
        }
    }
}

static void errors_become_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_of(0), CLI_DONE);
    assert_int_equal(cli_exit_of(BUSBAR_ENOENT), CLI_NOT_FOUND);
    assert_int_equal(cli_exit_of(BUSBAR_ETIMEOUT), CLI_NO_ANSWER);
    assert_int_equal(cli_exit_of(BUSBAR_EREFUSED), CLI_REFUSED);
    assert_int_equal(cli_exit_of(BUSBAR_ECONFIG), CLI_PROBLEMS);
    assert_int_equal(cli_exit_of(BUSBAR_EIO), CLI_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noun_and_verb_find_their_row),
        cmocka_unit_test(flags_stand_anywhere),
        cmocka_unit_test(json_alone_takes_no_word),
        cmocka_unit_test(negative_numbers_are_arguments),
        cmocka_unit_test(two_dashes_end_the_flags),
        cmocka_unit_test(wrong_use_is_exit_code_2),
        cmocka_unit_test(the_server_comes_from_flag_then_environment),
        cmocka_unit_test(timeouts_are_durations),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(errors_become_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
