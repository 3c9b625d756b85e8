/* SPDX-License-Identifier: Apache-2.0 */
/* busbar sink list | show | aside: where samples are published, how far each sink is, what a target refused. */
#include "cli/sink.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/output.h"

enum { PAGE = 500, ASIDE_DEFAULT = 100, LINE_MAX_BYTES = 512 };

static const struct output_column columns[] = {
    { "SINK", "name", OUTPUT_TEXT },
    { "KIND", "title", OUTPUT_TEXT },
    { "PHASE", "phase", OUTPUT_TEXT },
    { "LAG", "lag_s", OUTPUT_AGE },
    { "WAITING", "waiting", OUTPUT_NUMBER },
    { "PUBLISHED", "published", OUTPUT_NUMBER },
    { "ASIDE", "aside", OUTPUT_NUMBER },
    { "RELEASED", "released", OUTPUT_NUMBER },
    { "WHERE", "where", OUTPUT_TEXT },
    { "WHY NOT", "why", OUTPUT_TEXT },
    { 0 },
};

static const struct output_column aside_columns[] = {
    { "ID", "id", OUTPUT_NUMBER },
    { "TIME", "time", OUTPUT_TIME },
    { "POINT", "path", OUTPUT_TEXT },
    { "VALUE", "value", OUTPUT_TEXT },
    { "REASON", "reason", OUTPUT_TEXT },
    { "SET ASIDE", "set_aside", OUTPUT_TIME },
    { 0 },
};

void sink_url(struct buf *url, const char *sink, const char *rest)
{
    buf_init(url, CLIENT_URL_MAX);
    buf_append_text(url, "/api/v1/sinks/");
    client_escape(url, sink, false);
    buf_append_text(url, rest);
}

int sink_number(const char *text, const char *what, int64_t *number)
{
    if (str_parse_i64(text, number) != 0 || *number <= 0) {
        return cli_fail(CLI_USAGE, NULL, "%s: '%s' is not a number above 0", what, text);
    }
    return 0;
}

/* ---- list ---- */

int cli_sink_list(struct cli *cli)
{
    struct client_reply reply;
    struct output out;
    const struct json_value *row;
    int rc = client_call(cli, "/api/v1/sinks", NULL, &reply);
    if (rc != 0) {
        return rc;
    }
    output_begin(&out, cli, columns);
    struct json_iter it = json_iter(json_get(reply.root, "sinks"));
    while (json_next(&it, NULL, &row)) {
        output_row(&out, row);
    }
    rc = output_end(&out);
    if (rc == 0 && out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs("nothing is sent out: write a sink into the configuration,\n"
              "  sinks: { plant: { postgres: \"host=db.example.org dbname=plant\", user: busbar } "
              "}\n",
              stderr);
    }
    client_free(&reply);
    return rc;
}

/* ---- show ---- */

static void line(const char *name, const char *text)
{
    if (text[0] != '\0') {
        printf("%-12s %s\n", name, text);
    }
}

/* The age of a time of the answer; false: there is none. */
static bool age_of(const struct json_value *root, const char *field, char *to, size_t size)
{
    int64_t time_us;
    to[0] = '\0';
    if (str_parse_time(output_text(root, field), &time_us) != 0) {
        return false;
    }
    output_age(to, size, fabs((double)(clock_wall_us() - time_us)) / 1e6);
    return true;
}

static void show_phase(const struct cli *cli, const struct json_value *root)
{
    char age[32];
    bool up = false;
    (void)json_get_bool(json_get(root, "up"), &up);
    const char *color = up || strcmp(output_text(root, "phase"), "paused") == 0 ? "" : "bad";
    printf("%-12s %s%s%s", "phase", output_color(cli, color), output_text(root, "phase"),
           color[0] != '\0' ? output_color(cli, "off") : "");
    if (age_of(root, "since", age, sizeof age)) {
        printf(", for %s", age);
    }
    if (age_of(root, "next_try", age, sizeof age)) {
        printf("; tried again in %s", age);
    }
    putchar('\n');
}

static void show_error(const struct cli *cli, const struct json_value *root)
{
    char age[32];
    const char *message = output_text(root, "error.message");
    if (message[0] == '\0') {
        return;
    }
    bool aged = age_of(root, "error.time", age, sizeof age);
    bool now = output_text(root, "why")[0] != '\0';
    printf("%-12s %s%s%s%s%s%s\n", "last error", now ? output_color(cli, "bad") : "", message,
           now ? output_color(cli, "off") : "", aged ? ", " : "", age, aged ? " ago" : "");
    line("  hint", output_text(root, "error.hint"));
}

static void show_counts(const struct json_value *root)
{
    char text[LINE_MAX_BYTES], age[32], bytes[32];
    output_age(age, sizeof age, output_number(root, "lag_s"));
    str_format_bytes(bytes, sizeof bytes, (uint64_t)output_number(root, "waiting_bytes"));
    str_format(text, sizeof text, "%.0f samples (%s of log), the oldest for %s",
               output_number(root, "waiting"), bytes, age);
    line("waiting", output_number(root, "waiting") > 0 ? text : "nothing");
    str_format(text, sizeof text, "%.0f samples (%.0f repeated), %.0f events, %.0f a second",
               output_number(root, "published"), output_number(root, "repeated"),
               output_number(root, "events"), output_number(root, "samples_per_s"));
    line("published", text);
    str_format(text, sizeof text, "%.0f rows%s", output_number(root, "aside"),
               output_number(root, "aside") > 0 ? ": busbar sink aside tells why" : "");
    line("set aside", text);
    str_format(text, sizeof text, "%.0f samples, %.0f events", output_number(root, "released"),
               output_number(root, "events_released"));
    line("released", text);
}

static void show_quota(const struct json_value *root)
{
    char left[32], most[32], text[LINE_MAX_BYTES], age[32] = "";
    const struct json_value *quota = json_get(root, "quota");
    str_format_bytes(left, sizeof left, (uint64_t)output_number(quota, "left_bytes"));
    str_format_bytes(most, sizeof most, (uint64_t)output_number(quota, "keep_bytes"));
    if (json_type(json_get(quota, "left_s")) == JSON_INTEGER) {
        output_age(age, sizeof age, output_number(quota, "left_s"));
    }
    str_format(text, sizeof text, "%s of %s left for what waits%s%s", left, most,
               age[0] != '\0' ? ", enough for " : "", age);
    line("quota", text);
}

/* What the sum says, or why there is none right now. */
static void show_ledger(struct cli *cli, const char *sink)
{
    struct client_reply reply;
    struct err err = { 0 };
    struct buf url;
    sink_url(&url, sink, "/ledger");
    int error = client_try(cli, buf_text(&url), NULL, &reply, &err);
    buf_fini(&url);
    if (error != 0) {
        line("ledger", err.message);
        return;
    }
    line("ledger", output_text(reply.root, "text"));
    client_free(&reply);
}

static void show(struct cli *cli, const struct json_value *root)
{
    const struct json_value *row;
    char text[LINE_MAX_BYTES];
    bool once = false;
    (void)json_get_bool(json_get(root, "exactly_once"), &once);
    str_format(text, sizeof text, "%s at %s, each sample %s", output_text(root, "title"),
               output_text(root, "where"), once ? "exactly once" : "at least once");
    printf("%s%-12s%s %s\n", output_color(cli, "bold"), output_text(root, "name"),
           output_color(cli, "off"), text);
    line("publishes", output_text(root, "points"));
    show_phase(cli, root);
    show_error(cli, root);
    show_counts(root);
    show_quota(root);
    show_ledger(cli, output_text(root, "name"));
    struct json_iter it = json_iter(json_get(root, "details"));
    while (json_next(&it, NULL, &row)) {
        line(output_text(row, "name"), output_text(row, "text"));
    }
}

int cli_sink_show(struct cli *cli)
{
    struct client_reply reply;
    struct buf url;
    sink_url(&url, cli->args[0], "");
    int rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else {
        show(cli, reply.root);
    }
    client_free(&reply);
    return rc;
}

/* ---- aside ---- */

/* Page by page, newest first. *total: all there are. */
static int aside_pages(struct cli *cli, struct output *out, int64_t limit, double *total)
{
    double before = 0;
    for (bool more = true; more && limit > 0;) {
        struct client_reply reply;
        struct buf url;
        const struct json_value *row;
        size_t wanted = limit < PAGE ? (size_t)limit : PAGE;
        sink_url(&url, cli->args[0], "/aside");
        buf_printf(&url, "?limit=%zu&before=%.0f", wanted, before);
        int rc = client_call(cli, buf_text(&url), NULL, &reply);
        buf_fini(&url);
        if (rc != 0) {
            return rc;
        }
        const struct json_value *rows = json_get(reply.root, "rows");
        struct json_iter it = json_iter(rows);
        while (json_next(&it, NULL, &row)) {
            output_row(out, row);
            before = output_number(row, "id");
        }
        *total = output_number(reply.root, "total");
        more = json_size(rows) == wanted && !output_asks_fields(cli);
        limit -= (int64_t)json_size(rows);
        client_free(&reply);
    }
    return 0;
}

int cli_sink_aside(struct cli *cli)
{
    struct output out;
    int64_t limit = ASIDE_DEFAULT;
    double total = 0;
    const char *text = cli_flag(cli, "limit");
    int rc = text != NULL ? sink_number(text, "--limit", &limit) : 0;
    if (rc != 0) {
        return rc;
    }
    output_begin(&out, cli, aside_columns);
    rc = aside_pages(cli, &out, limit, &total);
    int ended = output_end(&out);
    if (rc == 0 && !cli->quiet && cli->format != CLI_JSON) {
        if (out.rows == 0) {
            fputs("nothing is set aside\n", stderr);
        } else if (total > (double)out.rows) {
            fprintf(stderr, "%.0f of %.0f; --limit shows more\n", (double)out.rows, total);
        }
    }
    return rc != 0 ? rc : ended;
}
