/* SPDX-License-Identifier: Apache-2.0 */
/* busbar event list | watch | show | ack */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "model/event.h"

enum { PAGE = 500, LIST_DEFAULT = 100 };

static const struct output_column list_columns[] = {
    { "ID", "id", OUTPUT_NUMBER },           { "TIME", "time", OUTPUT_TIME },
    { "SEVERITY", "severity", OUTPUT_TEXT }, { "KIND", "kind", OUTPUT_TEXT },
    { "SOURCE", "source", OUTPUT_TEXT },     { "TEXT", "text", OUTPUT_TEXT },
    { "ACK", "ack", OUTPUT_TEXT },           { 0 },
};

static int take_number(const struct cli *cli, const char *flag, int64_t *out)
{
    const char *text = cli_flag(cli, flag);
    if (text != NULL && (str_parse_i64(text, out) != 0 || *out < 0)) {
        return cli_fail(CLI_USAGE, NULL, "--%s: '%s' is not a number", flag, text);
    }
    return 0;
}

static void add_filter(struct buf *url, const char *name, const char *value)
{
    if (value != NULL) {
        buf_printf(url, "&%s=", name);
        client_escape(url, value, false);
    }
}

static void list_url(struct buf *url, const struct cli *cli, int64_t limit, double before)
{
    static const char *const names[] = { "from", "to", "source", "kind", "severity", "text" };
    buf_init(url, CLIENT_URL_MAX);
    buf_printf(url, "/api/v1/events?limit=%lld", (long long)(limit < PAGE ? limit : PAGE));
    if (before > 0) {
        buf_printf(url, "&before=%.0f", before);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        add_filter(url, names[i], cli_flag(cli, names[i]));
    }
    if (cli_flag(cli, "source") == NULL && cli->arg_count > 0) {
        add_filter(url, "source", cli->args[0]);
    }
    buf_append_text(url, cli_flag(cli, "unacked") != NULL ? "&unacked=1" : "");
}

/* Page by page, newest first. */
static int list_pages(struct cli *cli, struct output *out, int64_t limit)
{
    double before = 0;
    for (bool more = true; more && limit > 0;) {
        struct client_reply reply;
        struct buf url;
        list_url(&url, cli, limit, before);
        int rc = client_call(cli, buf_text(&url), NULL, &reply);
        buf_fini(&url);
        if (rc != 0) {
            return rc;
        }
        const struct json_value *rows = json_get(reply.root, "events"), *row;
        struct json_iter it = json_iter(rows);
        while (json_next(&it, NULL, &row)) {
            output_row(out, row);
            before = output_number(row, "id");
        }
        more = json_size(rows) == (size_t)(limit < PAGE ? limit : PAGE) && !output_asks_fields(cli);
        limit -= (int64_t)json_size(rows);
        client_free(&reply);
    }
    return 0;
}

int cli_event_list(struct cli *cli)
{
    struct output out;
    int64_t limit = LIST_DEFAULT;
    int rc = take_number(cli, "limit", &limit);
    if (rc != 0) {
        return rc;
    }
    output_begin(&out, cli, list_columns);
    rc = list_pages(cli, &out, limit);
    int ended = output_end(&out);
    if (rc == 0 && out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs(cli_flag(cli, "unacked") != NULL ? "nothing waits for an acknowledgement\n"
                                               : "no event matches\n",
              stderr);
    }
    return rc != 0 ? rc : ended;
}

/* ---- watch ---- */

struct watch {
    struct cli *cli;
    int64_t left;
    int severity;
    int rc;
};

static bool matches(const char *pattern, const char *text)
{
    return pattern == NULL || str_glob(pattern, text);
}

static bool is_wanted(const struct watch *watch, const struct json_value *row)
{
    const struct cli *cli = watch->cli;
    const char *source = cli_flag(cli, "source");
    source = source == NULL && cli->arg_count > 0 ? cli->args[0] : source;
    return matches(source, output_text(row, "source")) &&
           matches(cli_flag(cli, "kind"), output_text(row, "kind")) &&
           event_severity_parse(output_text(row, "severity")) >= watch->severity;
}

/* What a device sends may hold anything: control characters do not reach a terminal. */
static void put_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
    }
}

static void put_watched(const struct cli *cli, const struct json_value *row)
{
    static const char *const fields[] = { "id", "severity", "kind", "source", "text", "ack" };
    bool table = cli->format == CLI_TABLE;
    bool loud = event_severity_parse(output_text(row, "severity")) >= EVENT_HIGH;
    fputs(loud && table ? output_color(cli, "bad") : "", stdout);
    printf(table ? "%.15s" : "%s", output_text(row, "time") + (table ? 11 : 0));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        fputs(table ? "  " : "\t", stdout);
        if (i == 0) {
            printf("%.0f", output_number(row, fields[i]));
        } else {
            put_clean(output_text(row, fields[i]));
        }
    }
    fputs(loud && table ? output_color(cli, "off") : "", stdout);
    putchar('\n');
}

static bool watched(void *ctx, const char *event, const char *data, size_t size)
{
    struct watch *watch = ctx;
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = CLIENT_BODY_MAX };
    bool missed = strcmp(event, "missed") == 0;
    if ((!missed && strcmp(event, "events") != 0) ||
        json_parse(data, size, &limits, &doc, NULL) != 0) {
        return true;
    }
    if (missed) {
        fprintf(stderr, "too many at once: %.0f are not shown here; busbar event list has them\n",
                output_number(json_root(doc), "events"));
        json_free(doc);
        return true;
    }
    struct json_iter it = json_iter(json_root(doc));
    const struct json_value *row;
    while (watch->left > 0 && json_next(&it, NULL, &row)) {
        if (!is_wanted(watch, row)) {
            continue;
        }
        if (watch->cli->format == CLI_JSON) {
            watch->rc = output_json(watch->cli, row);
            watch->left = watch->rc != 0 || output_asks_fields(watch->cli) ? 1 : watch->left;
        } else {
            put_watched(watch->cli, row);
        }
        watch->left--;
    }
    fflush(stdout);
    json_free(doc);
    return watch->left > 0;
}

int cli_event_watch(struct cli *cli)
{
    struct watch watch = { .cli = cli, .left = INT64_MAX };
    const char *severity = cli_flag(cli, "severity");
    int rc = take_number(cli, "count", &watch.left);
    if (rc != 0) {
        return rc;
    }
    watch.severity = severity != NULL ? event_severity_parse(severity) : EVENT_INFO;
    if (watch.severity < 0) {
        return cli_fail(CLI_USAGE, "info, low, medium, high or critical",
                        "--severity: no severity '%s'", severity);
    }
    rc = client_stream(cli, "/api/v1/live?events=1", watched, &watch);
    return rc != 0 ? rc : watch.rc;
}

/* ---- show, ack ---- */

static int check_id(const char *text)
{
    uint64_t id;
    if (str_parse_u64(text, &id) == 0 && id > 0) {
        return 0;
    }
    return cli_fail(CLI_USAGE, "busbar event list shows the numbers",
                    "'%s' is no number of an event", text);
}

static void line(const char *name, const char *text)
{
    if (text[0] != '\0') {
        printf("%-16s ", name);
        put_clean(text);
        putchar('\n');
    }
}

static void show_argument(const struct json_value *argument)
{
    const struct json_value *value = json_get(argument, "value");
    bool truth = false;
    char text[40];
    if (json_get_text(value, NULL) != NULL) {
        line(output_text(argument, "name"), output_text(argument, "value"));
    } else if (json_get_bool(value, &truth) == 0) {
        line(output_text(argument, "name"), truth ? "true" : "false");
    } else if (json_type(value) != JSON_NULL) {
        str_format_double(text, sizeof text, output_number(argument, "value"));
        line(output_text(argument, "name"), text);
    }
}

static void show(const struct cli *cli, const struct json_value *event)
{
    const struct json_value *argument;
    bool cut = false;
    printf("%s%.0f%s  ", output_color(cli, "bold"), output_number(event, "id"),
           output_color(cli, "off"));
    put_clean(output_text(event, "text"));
    putchar('\n');
    line("time", output_text(event, "time"));
    line("received", output_text(event, "received"));
    line("source", output_text(event, "source"));
    line("kind", output_text(event, "kind"));
    line("severity", output_text(event, "severity"));
    line("acknowledgement", output_text(event, "ack"));
    line("  by", output_text(event, "acknowledged.by"));
    line("  at", output_text(event, "acknowledged.time"));
    line("  note", output_text(event, "acknowledged.note"));
    line("  result", output_text(event, "acknowledged.result"));
    struct json_iter it = json_iter(json_get(event, "arguments"));
    while (json_next(&it, NULL, &argument)) {
        show_argument(argument);
    }
    (void)json_get_bool(json_get(event, "cut"), &cut);
    if (cut) {
        puts("some of it was too long and was cut");
    }
}

int cli_event_show(struct cli *cli)
{
    struct client_reply reply;
    char path[64];
    int rc = check_id(cli->args[0]);
    if (rc != 0) {
        return rc;
    }
    str_format(path, sizeof path, "/api/v1/events/%s", cli->args[0]);
    rc = client_call(cli, path, NULL, &reply);
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

static int acknowledge(struct cli *cli, const char *id, const char *note)
{
    struct client_reply reply;
    struct buf body;
    char path[64];
    int rc = check_id(id);
    if (rc != 0) {
        return rc;
    }
    if (cli->dry_run) {
        fprintf(stderr, "would acknowledge event %s\n", id);
        return 0;
    }
    str_format(path, sizeof path, "/api/v1/events/%s/acknowledge", id);
    buf_init(&body, CLIENT_BODY_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    json_put_string(&json, "note", note != NULL ? note : "");
    json_end_object(&json);
    rc = client_call(cli, path, buf_text(&body), &reply);
    buf_fini(&body);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else if (!cli->quiet) {
        printf("%s  ", id);
        put_clean(output_text(reply.root, "source"));
        printf("  ");
        put_clean(output_text(reply.root, "message"));
        putchar('\n');
    }
    client_free(&reply);
    return rc;
}

int cli_event_ack(struct cli *cli)
{
    int failed = 0, last = 0;
    for (int i = 0; i < cli->arg_count; i++) {
        int rc = acknowledge(cli, cli->args[i], cli_flag(cli, "note"));
        failed += rc != 0;
        last = rc != 0 ? rc : last;
    }
    return failed == 0 ? CLI_DONE : failed < cli->arg_count ? CLI_SOME_FAILED : last;
}
