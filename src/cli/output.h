/* SPDX-License-Identifier: Apache-2.0 */
/* Writing lists for people and programs from the REST answers: a table fitted to the terminal, plain (tab separated,
 * never cut; also what a pipe gets), CSV, or JSON with all or chosen fields. */
#ifndef BUSBAR_CLI_OUTPUT_H
#define BUSBAR_CLI_OUTPUT_H

#include "base/json.h"
#include "cli/cli.h"

enum { OUTPUT_COLUMNS_MAX = 16 };

/* A column: its head, the field of the row ("points.good" goes into an object), how to write it. */
enum output_style {
    OUTPUT_TEXT,
    OUTPUT_NUMBER,
    OUTPUT_TIME,
    OUTPUT_AGE,
    OUTPUT_QUALITY,
    OUTPUT_LINK
};
struct output_column {
    const char *head;
    const char *field;
    enum output_style style;
};

/* Columns end with head NULL. Begins; then a row each; then the end writes what was gathered. */
struct output {
    const struct cli *cli;
    const struct output_column *columns;
    size_t column_count;
    struct buf cells; /* table: NUL-separated cells */
    size_t widths[OUTPUT_COLUMNS_MAX];
    bool filled[OUTPUT_COLUMNS_MAX]; /* a table leaves out columns that are empty in all rows */
    size_t rows;
    bool unknown; /* a field of --json=a,b that no row has; said */
};

void output_begin(struct output *out, const struct cli *cli, const struct output_column *columns);
void output_row(struct output *out, const struct json_value *row);
/* 0, or CLI_USAGE when --json=a,b named a field that there is not. */
int output_end(struct output *out);

/* True with --json=help: lists and objects then write the names of their fields, and one row is enough. */
bool output_asks_fields(const struct cli *cli);

/* One whole JSON value on stdout; an object, or each object of an array, with its chosen fields only when --json=a,b
 * was given. 0 or CLI_USAGE. */
int output_json(const struct cli *cli, const struct json_value *value);

/* What came of an action on the first argument: the whole answer as JSON, or its "message" in one line for people. */
int output_told(const struct cli *cli, const struct json_value *answer);

/* The same of JSON text that is ours. */
int output_json_text(const struct cli *cli, const struct buf *text);

/* As output_json_text() under --json, else nothing. Returns the result of the check, `rc`, unless the output is what
 * went wrong or only its fields were asked for. */
int output_check(const struct cli *cli, const struct buf *text, int rc);

/* A field by dotted name; NULL when absent. */
const struct json_value *output_field(const struct json_value *row, const char *dotted);
const char *output_text(const struct json_value *row, const char *dotted); /* "" when absent */
double output_number(const struct json_value *row, const char *dotted);    /* 0 when absent */

/* The shortest text: in CSV of the double; for people, where it came from a 32-bit float, of that ("21.7"). */
void output_double(const struct cli *cli, char *to, size_t size, double number);

/* "3.2 s", "14 m", "3 d" */
void output_age(char *to, size_t size, double seconds);

/* Colour codes, "" when colour is off. */
const char *output_color(const struct cli *cli, const char *name);

#endif
