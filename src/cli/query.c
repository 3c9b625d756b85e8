/* SPDX-License-Identifier: Apache-2.0 */
/* busbar query 'EXPR': PromQL against the running gateway. At one time the answer is a row a series, over a range
 * a row a sample. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/labels.h"
#include "promql/promql.h"

enum { STEPS_DEFAULT = 100, FORM_MAX = 4 * PROMQL_TEXT_BYTES_MAX };

/* ---- the question ---- */

/* now, -1h, seconds since 1970, or RFC 3339; to seconds as text. */
static int put_time(struct cli *cli, struct buf *form, const char *name, const char *fallback,
                    int64_t *out_us)
{
    const char *given = cli_flag(cli, name), *text = given != NULL ? given : fallback;
    double seconds;
    int64_t us = 0;
    bool fine = true;
    if (strcmp(text, "now") == 0) {
        us = clock_wall_us();
    } else if (text[0] == '-' && str_parse_duration_us(text + 1, &us) == 0) {
        us = clock_wall_us() - us;
    } else if (str_parse_double(text, &seconds) == 0 && fabs(seconds) < 1e12) {
        us = llround(seconds * 1e6);
    } else {
        fine = str_parse_time(text, &us) == 0;
    }
    if (!fine) {
        return cli_fail(CLI_USAGE, "2026-11-22T12:00:00Z, seconds since 1970, now, or -1h",
                        "--%s: '%s' is no time", name, text);
    }
    us = us / CLOCK_US_PER_MS * CLOCK_US_PER_MS; /* as Prometheus' own clients */
    buf_printf(form, "&%s=%.3f", name, (double)us / 1e6);
    *out_us = us;
    return 0;
}

static int put_step(struct cli *cli, struct buf *form, int64_t span_us)
{
    const char *text = cli_flag(cli, "step");
    int64_t step_us = span_us / STEPS_DEFAULT / CLOCK_US_PER_S * CLOCK_US_PER_S;
    double seconds;
    if (text != NULL && str_parse_double(text, &seconds) == 0 && seconds > 0 && seconds < 1e9) {
        step_us = llround(seconds * 1e6);
    } else if (text != NULL && (str_parse_duration_us(text, &step_us) != 0 || step_us <= 0)) {
        return cli_fail(CLI_USAGE, "a duration such as 30s or 5m", "--step: '%s' is no duration",
                        text);
    }
    step_us = step_us > 0 ? step_us : CLOCK_US_PER_S;
    buf_printf(form, "&step=%.6f", (double)step_us / 1e6);
    return 0;
}

/* The form, and whether it is a range. */
static int make_form(struct cli *cli, struct buf *form, bool *range)
{
    int64_t start = 0, end = 0;
    *range = cli_flag(cli, "start") != NULL || cli_flag(cli, "end") != NULL ||
             cli_flag(cli, "step") != NULL;
    if (*range && cli_flag(cli, "time") != NULL) {
        return cli_fail(CLI_USAGE, "--time is for one moment, --start and --end for a range",
                        "--time does not go with --start, --end or --step");
    }
    buf_append_text(form, "query=");
    client_escape(form, cli->args[0], false);
    buf_printf(form, "&timeout=%.3f", (double)cli->timeout_us / 1e6);
    if (!*range) {
        return put_time(cli, form, "time", "now", &start);
    }
    int rc = put_time(cli, form, "start", "-1h", &start);
    rc = rc != 0 ? rc : put_time(cli, form, "end", "now", &end);
    if (rc == 0 && end < start) {
        return cli_fail(CLI_USAGE, NULL, "--end is before --start");
    }
    return rc != 0 ? rc : put_step(cli, form, end - start);
}

/* ---- errors ---- */

/* The line of the expression, and a mark below the column. */
static void show_place(const char *text, long line, long column)
{
    for (; line > 1 && strchr(text, '\n') != NULL; line--) {
        text = strchr(text, '\n') + 1;
    }
    size_t size = strcspn(text, "\n");
    fprintf(stderr, "    | %.*s\n    | %*s^\n", (int)size, text, (int)column - 1, "");
}

/* "invalid parameter "query": 1:5: parse error: unclosed left parenthesis" becomes a place in the
 * expression. */
static int tell(const struct cli *cli, const struct err *err)
{
    static const char word[] = ": parse error: ";
    const char *at = strstr(err->message, word);
    if (at == NULL) {
        return cli_fail_err(err);
    }
    const char *place = at;
    while (place > err->message && strchr("0123456789:", place[-1]) != NULL) {
        place--;
    }
    char *colon = NULL;
    long line = strtol(place, &colon, 10);
    long column = *colon == ':' ? strtol(colon + 1, NULL, 10) : 0;
    int rc = cli_fail(CLI_USAGE, NULL, "%s", at + sizeof(word) - 1);
    if (line > 0 && column > 0) {
        show_place(cli->args[0], line, column);
    }
    return rc;
}

/* ---- the answer, as rows ---- */

/* The series in the notation of PromQL, its units apart. */
static void put_series(struct json_writer *json, const struct json_value *metric)
{
    struct json_iter it = json_iter(metric);
    const struct json_value *value;
    struct label labels[LABELS_MAX];
    const char *key, *units = "";
    size_t count = 0;
    struct buf text;
    while (count < LABELS_MAX && json_next(&it, &key, &value)) {
        const char *label = json_get_text(value, NULL);
        if (strcmp(key, "units") == 0) {
            units = label;
        } else if (label != NULL) {
            labels[count++] = label_of(key, label);
        }
    }
    buf_init(&text, 4 * LABELS_BYTES_MAX);
    labels_print(labels, count, &text);
    json_put_string(json, "series", buf_text(&text));
    json_put_string(json, "units", units);
    buf_fini(&text);
}

/* [seconds, "value"] */
static void put_point(struct json_writer *json, const struct json_value *point)
{
    double seconds = 0, value;
    const char *text = json_get_text(json_at(point, 1), NULL);
    (void)json_get_double(json_at(point, 0), &seconds);
    json_put_time(json, "time", llround(seconds * 1e3) * CLOCK_US_PER_MS);
    if (text != NULL && str_parse_double(text, &value) == 0) {
        json_put_double(json, "value", value);
    } else {
        json_put_string(json, "value", text);
    }
}

static void put_row(struct json_writer *json, const struct json_value *metric,
                    const struct json_value *point)
{
    json_begin_object(json);
    put_series(json, metric);
    put_point(json, point);
    json_end_object(json);
}

static void put_rows(struct json_writer *json, const struct json_value *data)
{
    const struct json_value *result = json_get(data, "result"), *row, *point;
    const char *type = json_get_text(json_get(data, "resultType"), NULL);
    struct json_iter it = json_iter(result);
    json_begin_array(json);
    if (type != NULL && (strcmp(type, "scalar") == 0 || strcmp(type, "string") == 0)) {
        put_row(json, NULL, result);
    } else {
        while (json_next(&it, NULL, &row)) {
            const struct json_value *metric = json_get(row, "metric");
            struct json_iter points = json_iter(json_get(row, "values"));
            if (json_get(row, "value") != NULL) {
                put_row(json, metric, json_get(row, "value"));
            }
            while (json_next(&points, NULL, &point)) {
                put_row(json, metric, point);
            }
        }
    }
    json_end_array(json);
}

static int write_rows(struct cli *cli, const struct json_value *rows, bool range)
{
    static const struct output_column at_once[] = {
        { "SERIES", "series", OUTPUT_TEXT },
        { "VALUE", "value", OUTPUT_TEXT },
        { "UNITS", "units", OUTPUT_TEXT },
        { NULL, NULL, OUTPUT_TEXT },
    };
    static const struct output_column over_time[] = {
        { "TIME", "time", OUTPUT_TIME },   { "SERIES", "series", OUTPUT_TEXT },
        { "VALUE", "value", OUTPUT_TEXT }, { "UNITS", "units", OUTPUT_TEXT },
        { NULL, NULL, OUTPUT_TEXT },
    };
    struct output out;
    struct json_iter it = json_iter(rows);
    const struct json_value *row;
    output_begin(&out, cli, range ? over_time : at_once);
    while (json_next(&it, NULL, &row)) {
        output_row(&out, row);
    }
    return output_end(&out);
}

static void say_notes(const struct cli *cli, const struct json_value *notes, const char *word)
{
    struct json_iter it = json_iter(notes);
    const struct json_value *note;
    while (!cli->quiet && json_next(&it, NULL, &note)) {
        const char *text = json_get_text(note, NULL);
        fprintf(stderr, "%s: %s\n", word, text != NULL ? text : "");
    }
}

static int write_answer(struct cli *cli, const struct json_value *root)
{
    struct buf text;
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = (size_t)2 * CLIENT_BODY_MAX };
    const struct json_value *data = json_get(root, "data");
    const char *type = json_get_text(json_get(data, "resultType"), NULL);
    buf_init(&text, (size_t)2 * CLIENT_BODY_MAX);
    struct json_writer json = json_writer(&text);
    put_rows(&json, data);
    int rc = CLI_FAILED;
    if (text.overflow || json_parse(buf_text(&text), text.size, &limits, &doc, NULL) != 0) {
        rc = cli_fail(CLI_FAILED, "ask for fewer series, a shorter time or a longer --step",
                      "the answer is too long to be written as rows");
    } else {
        rc = write_rows(cli, json_root(doc), type != NULL && strcmp(type, "matrix") == 0);
        say_notes(cli, json_get(root, "warnings"), "warning");
        say_notes(cli, json_get(root, "infos"), "note");
    }
    json_free(doc);
    buf_fini(&text);
    return rc;
}

int cli_query(struct cli *cli)
{
    struct client_reply reply;
    struct err err = { 0 };
    struct buf form;
    bool range;
    buf_init(&form, FORM_MAX);
    int rc = make_form(cli, &form, &range);
    if (rc == 0 && form.overflow) {
        rc = cli_fail(CLI_USAGE, NULL, "the expression is too long");
    }
    if (rc == 0) {
        int error = client_form(cli, range ? "/api/v1/query_range" : "/api/v1/query",
                                buf_text(&form), &reply, &err);
        rc = error != 0 ? tell(cli, &err) : write_answer(cli, reply.root);
        if (error == 0) {
            client_free(&reply);
        }
    }
    buf_fini(&form);
    return rc;
}
