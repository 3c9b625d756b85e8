/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and objects as table, plain text, CSV and JSON: what a person and a program get to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"

static const struct output_column columns[] = {
    { "NAME", "name", OUTPUT_TEXT },
    { "GOOD", "points.good", OUTPUT_NUMBER },
    { "WHY", "why", OUTPUT_TEXT },
    { "EMPTY", "empty", OUTPUT_TEXT },
    { 0 },
};

static const char rows_text[] =
    "[{\"name\":\"a\",\"points\":{\"good\":12},\"why\":\"\",\"empty\":\"\",\"on\":true},"
    "{\"name\":\"b, \\\"c\\\"\",\"points\":{\"good\":3},\"why\":\"line\\none\",\"empty\":null,"
    "\"on\":false}]";

static const struct cli_command command = { .noun = "device", .verb = "list" };

/* What `write` puts on stdout. */
static const char *written(const struct cli *cli, int (*write)(const struct cli *cli),
                           int exit_code)
{
    static char text[8192];
    fflush(stdout);
    int old = dup(STDOUT_FILENO);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    int rc = write(cli);
    fflush(stdout);
    assert_true(dup2(old, STDOUT_FILENO) >= 0);
    close(old);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(rc, exit_code);
    return text;
}

static struct json_doc *parse(const char *text)
{
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = 1 << 16 };
    assert_int_equal(json_parse(text, strlen(text), &limits, &doc, NULL), 0);
    return doc;
}

static int write_rows(const struct cli *cli)
{
    struct output out;
    struct json_doc *doc = parse(rows_text);
    struct json_iter it = json_iter(json_root(doc));
    const struct json_value *row;
    output_begin(&out, cli, columns);
    while (json_next(&it, NULL, &row)) {
        output_row(&out, row);
    }
    int rc = output_end(&out);
    json_free(doc);
    return rc;
}

static int write_no_rows(const struct cli *cli)
{
    struct output out;
    output_begin(&out, cli, columns);
    return output_end(&out);
}

static int write_object(const struct cli *cli)
{
    struct json_doc *doc = parse(rows_text);
    int rc = output_json(cli, json_at(json_root(doc), 0));
    json_free(doc);
    return rc;
}

static int write_array(const struct cli *cli)
{
    struct json_doc *doc = parse(rows_text);
    int rc = output_json(cli, json_root(doc));
    json_free(doc);
    return rc;
}

static struct cli format(enum cli_format format, const char *fields)
{
    return (struct cli){ .command = &command, .format = format, .fields = fields };
}

static void csv_quotes_what_needs_it(void **state)
{
    (void)state;
    struct cli cli = format(CLI_CSV, NULL);
    assert_string_equal(written(&cli, write_rows, 0), "name,points.good,why,empty\n"
                                                      "a,12,,\n"
                                                      "\"b, \"\"c\"\"\",3,line one,\n");
    assert_string_equal(written(&cli, write_no_rows, 0), "name,points.good,why,empty\n");
}

static void plain_text_is_cut_nowhere(void **state)
{
    (void)state;
    struct cli cli = format(CLI_PLAIN, NULL);
    assert_string_equal(written(&cli, write_rows, 0), "a\t12\t\t\nb, \"c\"\t3\tline one\t\n");
    assert_string_equal(written(&cli, write_no_rows, 0), "");
}

static void a_table_is_aligned_without_its_empty_columns(void **state)
{
    (void)state;
    struct cli cli = format(CLI_TABLE, NULL);
    assert_string_equal(written(&cli, write_rows, 0), "NAME    GOOD  WHY     \n"
                                                      "a         12          \n"
                                                      "b, \"c\"     3  line one\n");
    assert_string_equal(written(&cli, write_no_rows, 0), "");
}

static void json_is_whole_or_chosen(void **state)
{
    (void)state;
    struct cli cli = format(CLI_JSON, "points.good,name");
    assert_string_equal(written(&cli, write_rows, 0),
                        "[{\"points.good\":12,\"name\":\"a\"},\n"
                        "{\"points.good\":3,\"name\":\"b, \\\"c\\\"\"}]\n");
    assert_string_equal(written(&cli, write_array, 0),
                        "[{\"points.good\":12,\"name\":\"a\"},\n"
                        "{\"points.good\":3,\"name\":\"b, \\\"c\\\"\"}]\n");
    assert_string_equal(written(&cli, write_object, 0), "{\"points.good\":12,\"name\":\"a\"}\n");
    cli = format(CLI_JSON, NULL);
    assert_string_equal(written(&cli, write_object, 0),
                        "{\"name\":\"a\",\"points\":{\"good\":12},\"why\":\"\",\"empty\":\"\","
                        "\"on\":true}\n");
    assert_string_equal(written(&cli, write_no_rows, 0), "[]\n");
}

static void help_names_the_fields(void **state)
{
    (void)state;
    struct cli cli = format(CLI_JSON, "help");
    static const char fields[] = "name\npoints\nwhy\nempty\non\n";
    assert_string_equal(written(&cli, write_rows, 0), fields);
    assert_string_equal(written(&cli, write_array, 0), fields);
    assert_string_equal(written(&cli, write_object, 0), fields);
}

static void an_unknown_field_is_wrong_use(void **state)
{
    (void)state;
    struct cli cli = format(CLI_JSON, "name,nmae");
    assert_string_equal(written(&cli, write_rows, CLI_USAGE), "");
    assert_string_equal(written(&cli, write_object, CLI_USAGE), "");
    cli = format(CLI_JSON, "points.godo");
    assert_string_equal(written(&cli, write_rows, CLI_USAGE), "");
}

static int write_numbers(const struct cli *cli)
{
    struct output out;
    struct json_doc *doc = parse("{\"name\":9007199254740993,\"points\":{\"good\":0.1}}");
    output_begin(&out, cli, columns);
    output_row(&out, json_root(doc));
    json_free(doc);
    return output_end(&out);
}

static void numbers_stay_exact(void **state)
{
    (void)state;
    struct cli cli = format(CLI_PLAIN, NULL);
    assert_string_equal(written(&cli, write_numbers, 0), "9007199254740993\t0.1\t\t\n");
    cli = format(CLI_JSON, "name,points.good");
    assert_string_equal(written(&cli, write_numbers, 0),
                        "[{\"name\":9007199254740993,\"points.good\":0.1}]\n");
}

static void a_missing_field_is_empty(void **state)
{
    (void)state;
    struct json_doc *doc = parse(rows_text);
    const struct json_value *row = json_at(json_root(doc), 0);
    assert_string_equal(output_text(row, "nothing"), "");
    assert_string_equal(output_text(row, "points.none"), "");
    assert_null(output_field(row, "points.none"));
    assert_true(output_number(row, "name") == 0);
    json_free(doc);
}

static void a_float_is_short_for_people(void **state)
{
    (void)state;
    char text[32];
    struct cli cli = format(CLI_PLAIN, NULL);
    output_double(&cli, text, sizeof text, (double)21.7F);
    assert_string_equal(text, "21.7");
    output_double(&cli, text, sizeof text, 645882.11);
    assert_string_equal(text, "645882.11");
    cli.format = CLI_CSV;
    output_double(&cli, text, sizeof text, (double)21.7F);
    assert_string_equal(text, "21.700000762939453");
}

static void ages_are_short(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } ages[] = { { -1, "0.0 s" }, { 3.21, "3.2 s" }, { 61, "61 s" },
                 { 600, "10 m" }, { 10800, "3 h" },  { 400000, "5 d" } };
    char text[32];
    for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
        output_age(text, sizeof text, ages[i].seconds);
        assert_string_equal(text, ages[i].text);
    }
}

static void no_colour_when_it_is_off(void **state)
{
    (void)state;
    struct cli cli = format(CLI_TABLE, NULL);
    assert_string_equal(output_color(&cli, "bad"), "");
    cli.color = true;
    assert_string_equal(output_color(&cli, "bad"), "\033[31m");
    assert_string_equal(output_color(&cli, "nothing"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_quotes_what_needs_it),
        cmocka_unit_test(plain_text_is_cut_nowhere),
        cmocka_unit_test(a_table_is_aligned_without_its_empty_columns),
        cmocka_unit_test(json_is_whole_or_chosen),
        cmocka_unit_test(help_names_the_fields),
        cmocka_unit_test(an_unknown_field_is_wrong_use),
        cmocka_unit_test(numbers_stay_exact),
        cmocka_unit_test(a_missing_field_is_empty),
        cmocka_unit_test(a_float_is_short_for_people),
        cmocka_unit_test(ages_are_short),
        cmocka_unit_test(no_colour_when_it_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
