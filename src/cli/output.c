/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <float.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/pager.h"

enum {
    CELL_MAX = 512,
    CELLS_MAX = 512 << 20,
    WIDTH_DEFAULT = 120,
    JSON_OUT_MAX = 256 << 20,
    FIELDS_MAX = 64,
    NAME_MAX_BYTES = 64,
};

const struct json_value *output_field(const struct json_value *row, const char *dotted)
{
    char name[NAME_MAX_BYTES];
    const char *dot = strchr(dotted, '.');
    if (dot == NULL) {
        return json_get(row, dotted);
    }
    str_format(name, sizeof name, "%.*s", (int)(dot - dotted), dotted);
    return output_field(json_get(row, name), dot + 1);
}

const char *output_text(const struct json_value *row, const char *dotted)
{
    const char *text = json_get_text(output_field(row, dotted), NULL);
    return text != NULL ? text : "";
}

double output_number(const struct json_value *row, const char *dotted)
{
    double number = 0;
    (void)json_get_double(output_field(row, dotted), &number);
    return number;
}

void output_age(char *to, size_t size, double seconds)
{
    if (seconds < 10) {
        str_format(to, size, "%.1f s", seconds < 0 ? 0 : seconds);
    } else if (seconds < 120) {
        str_format(to, size, "%.0f s", seconds);
    } else if (seconds < 7200) {
        str_format(to, size, "%.0f m", seconds / 60);
    } else if (seconds < 172800) {
        str_format(to, size, "%.0f h", seconds / 3600);
    } else {
        str_format(to, size, "%.0f d", seconds / 86400);
    }
}

const char *output_color(const struct cli *cli, const char *name)
{
    static const char *const codes[][2] = {
        { "bad", "\033[31m" }, { "uncertain", "\033[33m" }, { "bold", "\033[1m" },
        { "dim", "\033[2m" },  { "off", "\033[0m" },
    };
    for (size_t i = 0; cli->color && i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i][0], name) == 0) {
            return codes[i][1];
        }
    }
    return "";
}

void output_double(const struct cli *cli, char *to, size_t size, double number)
{
    bool fits = number <= (double)FLT_MAX && number >= -(double)FLT_MAX;
    if (cli->format != CLI_CSV && fits && (double)(float)number == number) {
        str_format_float(to, size, (float)number);
    } else {
        str_format_double(to, size, number);
    }
}

/* Any value as text: numbers shortest, true/false, "" for null. */
static void plain_cell(const struct cli *cli, const struct json_value *value, char *to, size_t size)
{
    int64_t integer;
    double number;
    bool truth;
    if (json_get_text(value, NULL) != NULL) {
        str_copy(to, size, json_get_text(value, NULL));
    } else if (json_type(value) == JSON_INTEGER && json_get_i64(value, &integer) == 0) {
        str_format(to, size, "%lld", (long long)integer);
    } else if (json_get_double(value, &number) == 0) {
        output_double(cli, to, size, number);
    } else if (json_get_bool(value, &truth) == 0) {
        str_copy(to, size, truth ? "true" : "false");
    } else {
        to[0] = '\0';
    }
}

static void format_cell(const struct output *out, const struct output_column *column,
                        const struct json_value *row, char *to, size_t size)
{
    const struct json_value *value = output_field(row, column->field);
    int64_t time_us;
    double number;
    to[0] = '\0';
    if (column->style == OUTPUT_AGE && out->cli->format == CLI_TABLE) {
        const char *text = json_get_text(value, NULL);
        if (json_get_double(value, &number) == 0) {
            output_age(to, size, number);
        } else if (text != NULL && str_parse_time(text, &time_us) == 0) {
            output_age(to, size, (double)(clock_wall_us() - time_us) / 1e6);
        }
    } else if (column->style == OUTPUT_TIME && out->cli->format == CLI_TABLE &&
               str_parse_time(output_text(row, column->field), &time_us) == 0) {
        str_format_time(to, size, time_us - time_us % CLOCK_US_PER_S, 0, true);
    } else if (column->style == OUTPUT_QUALITY && out->cli->format == CLI_TABLE) {
        const char *reason = output_text(row, "reason");
        str_copy(to, size, reason[0] != '\0' ? reason : output_text(row, "quality"));
    } else if (column->style == OUTPUT_NUMBER && out->cli->format == CLI_TABLE &&
               json_type(value) == JSON_DOUBLE && json_get_double(value, &number) == 0) {
        str_format(to, size, "%.1f", number);
    } else {
        plain_cell(out->cli, value, to, size);
    }
    for (char *at = to; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ') {
            *at = ' ';
        }
    }
}

void output_begin(struct output *out, const struct cli *cli, const struct output_column *columns)
{
    memset(out, 0, sizeof *out);
    out->cli = cli;
    out->columns = columns;
    buf_init(&out->cells, CELLS_MAX);
    while (columns[out->column_count].head != NULL) {
        out->widths[out->column_count] = strlen(columns[out->column_count].head);
        out->column_count++;
    }
    for (size_t i = 0; cli->format == CLI_CSV && i < out->column_count; i++) {
        printf("%s%s", i > 0 ? "," : "", columns[i].field);
    }
    fputs(cli->format == CLI_CSV ? "\n" : "", stdout);
}

static void write_csv(const char *cell)
{
    if (strpbrk(cell, ",\"\n") == NULL) {
        fputs(cell, stdout);
        return;
    }
    putchar('"');
    for (const char *at = cell; *at != '\0'; at++) {
        if (*at == '"') {
            putchar('"');
        }
        putchar(*at);
    }
    putchar('"');
}

/* The next name of "a,b,c"; false at the end. */
static bool next_name(const char **at, char *name, size_t size)
{
    while (**at == ',') {
        (*at)++;
    }
    size_t length = strcspn(*at, ",");
    str_format(name, size, "%.*s", (int)length, *at);
    *at += length;
    return length > 0;
}

/* The value, or an object of the chosen fields of it. */
static void write_json(const struct cli *cli, const struct json_value *value)
{
    struct buf text;
    char name[NAME_MAX_BYTES];
    buf_init(&text, JSON_OUT_MAX);
    struct json_writer json = json_writer(&text);
    if (cli->fields == NULL || json_type(value) != JSON_OBJECT) {
        json_copy(&json, value);
    } else {
        json_begin_object(&json);
        for (const char *at = cli->fields; next_name(&at, name, sizeof name);) {
            json_key(&json, name);
            json_copy(&json, output_field(value, name));
        }
        json_end_object(&json);
    }
    fwrite(text.data, 1, text.size, stdout);
    buf_fini(&text);
}

bool output_asks_fields(const struct cli *cli)
{
    return cli->format == CLI_JSON && str_equal(cli->fields, "help");
}

static void write_fields(const struct json_value *object)
{
    struct json_iter it = json_iter(object);
    const struct json_value *item;
    const char *key;
    while (json_next(&it, &key, &item)) {
        puts(key);
    }
}

/* A mistyped field is said, not answered with null. */
static bool knows_fields(const struct cli *cli, const struct json_value *object)
{
    const char *at = cli->fields;
    char name[NAME_MAX_BYTES], hint[128] = "--json=help lists them";
    while (at != NULL && json_type(object) == JSON_OBJECT && next_name(&at, name, sizeof name)) {
        if (output_field(object, name) != NULL) {
            continue;
        }
        const char *names[FIELDS_MAX], *key;
        size_t count = 0;
        const struct json_value *item;
        struct json_iter it = json_iter(object);
        while (count < FIELDS_MAX && json_next(&it, &key, &item)) {
            names[count++] = key;
        }
        const char *nearest = str_nearest(name, names, count);
        if (nearest != NULL) {
            str_format(hint, sizeof hint, "did you mean '%s'? --json=help lists all", nearest);
        }
        (void)cli_fail(CLI_USAGE, hint, "there is no field '%s'", name);
        return false;
    }
    return true;
}

static void json_row(struct output *out, const struct json_value *row)
{
    if (out->rows == 1 && output_asks_fields(out->cli)) {
        write_fields(row);
    } else if (out->rows == 1) {
        out->unknown = !knows_fields(out->cli, row);
    }
    if (!out->unknown && !output_asks_fields(out->cli)) {
        fputs(out->rows > 1 ? ",\n" : "[", stdout);
        write_json(out->cli, row);
    }
}

int output_json(const struct cli *cli, const struct json_value *value)
{
    if (json_type(value) == JSON_ARRAY && cli->fields != NULL) {
        static const struct output_column none[] = { { 0 } };
        struct output out;
        const struct json_value *row;
        struct json_iter it = json_iter(value);
        output_begin(&out, cli, none);
        while (json_next(&it, NULL, &row)) {
            output_row(&out, row);
        }
        return output_end(&out);
    }
    if (output_asks_fields(cli)) {
        write_fields(value);
        return CLI_DONE;
    }
    if (!knows_fields(cli, value)) {
        return CLI_USAGE;
    }
    write_json(cli, value);
    putchar('\n');
    return CLI_DONE;
}

int output_told(const struct cli *cli, const struct json_value *answer)
{
    if (cli->format == CLI_JSON) {
        return output_json(cli, answer);
    }
    printf("%s: %s\n", cli->args[0], output_text(answer, "message"));
    return 0;
}

int output_json_text(const struct cli *cli, const struct buf *text)
{
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = JSON_OUT_MAX };
    int rc = json_parse(buf_text(text), text->size, &limits, &doc, NULL);
    rc = rc == 0 ? output_json(cli, json_root(doc)) : cli_exit_of(rc);
    json_free(doc);
    return rc;
}

int output_check(const struct cli *cli, const struct buf *text, int rc)
{
    if (cli->format != CLI_JSON) {
        return rc;
    }
    int told = output_json_text(cli, text);
    return told != 0 || output_asks_fields(cli) ? told : rc;
}

void output_row(struct output *out, const struct json_value *row)
{
    char cell[CELL_MAX];
    out->rows++;
    if (out->cli->format == CLI_JSON) {
        json_row(out, row);
        return;
    }
    for (size_t i = 0; i < out->column_count; i++) {
        format_cell(out, &out->columns[i], row, cell, sizeof cell);
        if (out->cli->format == CLI_TABLE) {
            size_t width = str_utf8_length(cell, strlen(cell));
            out->widths[i] = width > out->widths[i] ? width : out->widths[i];
            out->filled[i] = out->filled[i] || width > 0;
            buf_append(&out->cells, cell, strlen(cell) + 1);
        } else if (out->cli->format == CLI_CSV) {
            fputs(i > 0 ? "," : "", stdout);
            write_csv(cell);
        } else {
            printf("%s%s", i > 0 ? "\t" : "", cell);
        }
    }
    if (out->cli->format != CLI_TABLE) {
        putchar('\n');
    }
}

/* Takes columns' width from the widest until the table fits. */
static void fit(struct output *out)
{
    struct winsize window = { 0 };
    size_t room = WIDTH_DEFAULT;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) {
        room = window.ws_col;
    }
    for (size_t i = 0; i < out->column_count; i++) {
        out->widths[i] = out->filled[i] ? out->widths[i] : 0;
    }
    for (;;) {
        size_t total = 0, widest = 0;
        for (size_t i = 0; i < out->column_count; i++) {
            total += out->filled[i] ? out->widths[i] + 2 : 0;
            widest = out->widths[i] > out->widths[widest] ? i : widest;
        }
        if (total <= room + 2 || out->widths[widest] <= 12) {
            return;
        }
        out->widths[widest]--;
    }
}

static void write_cell(const struct output *out, size_t column, const char *cell, bool head)
{
    const struct output_column *at = &out->columns[column];
    size_t size = strlen(cell), width = out->widths[column];
    size_t length = str_utf8_length(cell, size);
    bool cut = length > width;
    while (length > width) { /* one character off the end */
        do {
            size--;
        } while (((unsigned char)cell[size] & 0xC0u) == 0x80u);
        length--;
    }
    if (cut) { /* and one for the mark */
        while (size > 0 && ((unsigned char)cell[--size] & 0xC0u) == 0x80u) {
        }
    }
    const char *color = "";
    if (!head && at->style == OUTPUT_QUALITY && strcmp(cell, "good") != 0) {
        color = output_color(out->cli, "bad");
    } else if (!head && at->style == OUTPUT_LINK && strcmp(cell, "up") != 0) {
        color = output_color(out->cli, "bad");
    } else if (head) {
        color = output_color(out->cli, "dim");
    }
    int pad = (int)(width - length);
    bool right = at->style == OUTPUT_NUMBER || at->style == OUTPUT_AGE;
    printf("%s%*s%.*s%s%s%*s", color, right ? pad : 0, "", (int)size, cell, cut ? "~" : "",
           color[0] != '\0' ? output_color(out->cli, "off") : "", right ? 0 : pad, "");
}

/* A line of the table; returns the cell after it. */
static const char *write_line(const struct output *out, const char *cell)
{
    bool first = true;
    for (size_t i = 0; i < out->column_count; i++) {
        const char *text = cell != NULL ? cell : out->columns[i].head;
        if (out->filled[i]) {
            fputs(first ? "" : "  ", stdout);
            write_cell(out, i, text, cell == NULL);
            first = false;
        }
        cell = cell != NULL ? cell + strlen(cell) + 1 : NULL;
    }
    putchar('\n');
    return cell;
}

int output_end(struct output *out)
{
    bool listed = out->cli->format == CLI_JSON && !out->unknown && !output_asks_fields(out->cli);
    if (listed) {
        puts(out->rows > 0 ? "]" : "[]");
    } else if (out->cli->format == CLI_TABLE && out->rows > 0) {
        struct pager pager;
        fit(out);
        pager_begin(&pager, out->rows + 1);
        (void)write_line(out, NULL);
        const char *cell = buf_text(&out->cells);
        for (size_t row = 0; row < out->rows && !ferror(stdout); row++) {
            cell = write_line(out, cell);
        }
        pager_end(&pager);
    }
    buf_fini(&out->cells);
    return out->unknown ? CLI_USAGE : CLI_DONE;
}
