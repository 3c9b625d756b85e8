/* SPDX-License-Identifier: Apache-2.0 */
/* busbar device list | show | test | frames | pause | resume */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

static const struct output_column list_columns[] = {
    { "DEVICE", "name", OUTPUT_TEXT },
    { "PROTOCOL", "protocol", OUTPUT_TEXT },
    { "ADDRESS", "address", OUTPUT_TEXT },
    { "LINK", "link", OUTPUT_LINK },
    { "ANSWER", "last_answer", OUTPUT_AGE },
    { "POLL ms", "poll_ms", OUTPUT_NUMBER },
    { "ERRORS/h", "errors_hour", OUTPUT_NUMBER },
    { "GOOD", "points.good", OUTPUT_NUMBER },
    { "BAD", "points.bad", OUTPUT_NUMBER },
    { "WHY", "error", OUTPUT_TEXT },
    { 0 },
};

/* "/api/v1/devices/NAME" and what follows. */
static void device_url(char *to, size_t size, const char *name, const char *rest)
{
    struct buf url;
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/devices/");
    client_escape(&url, name, false);
    buf_append_text(&url, rest);
    str_copy(to, size, buf_text(&url));
    buf_fini(&url);
}

int cli_device_list(struct cli *cli)
{
    struct output out;
    const char *pattern = cli->arg_count > 0 ? cli->args[0] : "*";
    bool begun = false;
    for (unsigned offset = 0;;) {
        char url[128];
        str_format(url, sizeof url, "/api/v1/devices?limit=1000&offset=%u%s", offset,
                   cli_flag(cli, "down") != NULL ? "&link=down" : "");
        struct client_reply reply;
        int rc = client_call(cli, url, NULL, &reply);
        if (rc != 0) {
            return rc;
        }
        const struct json_value *rows = json_get(reply.root, "devices"), *row;
        if (!begun) {
            output_begin(&out, cli, list_columns);
            begun = true;
        }
        struct json_iter it = json_iter(rows);
        while (json_next(&it, NULL, &row)) {
            if (str_glob(pattern, output_text(row, "name"))) {
                output_row(&out, row);
            }
        }
        offset += (unsigned)json_size(rows);
        bool more = json_size(rows) > 0 && offset < output_number(reply.root, "total") &&
                    !output_asks_fields(cli);
        client_free(&reply);
        if (!more) {
            break;
        }
    }
    int rc = output_end(&out);
    if (out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs(cli_flag(cli, "down") ? "no device is down\n" : "no device matches\n", stderr);
    }
    return rc;
}

static void line(const char *name, const char *text)
{
    if (text[0] != '\0') {
        printf("%-14s %s\n", name, text);
    }
}

static void show(const struct cli *cli, const struct json_value *dev)
{
    char text[160], age[32];
    int64_t time_us;
    printf("%s%s%s  %s\n", output_color(cli, "bold"), output_text(dev, "name"),
           output_color(cli, "off"), output_text(dev, "title"));
    line("place", output_text(dev, "place"));
    line("profile", output_text(dev, "profile"));
    line("address", output_text(dev, "address"));
    str_format(text, sizeof text, "%s%s%s", output_text(dev, "link"),
               output_text(dev, "error")[0] != '\0' ? ": " : "", output_text(dev, "error"));
    line("link", text);
    age[0] = '\0';
    if (str_parse_time(output_text(dev, "last_answer"), &time_us) == 0) {
        str_copy(age, sizeof age, output_text(dev, "last_answer"));
    }
    bool speaks_first = false;
    (void)json_get_bool(json_get(dev, "speaks_first"), &speaks_first);
    line(speaks_first ? "last heard" : "last answer", age[0] != '\0' ? age : "never");
    line("next try", output_text(dev, "next_try"));
    str_format(text, sizeof text, "%.1f ms, lag %.1f ms", output_number(dev, "poll_ms"),
               output_number(dev, "lag_ms"));
    line("poll", speaks_first ? "none: it sends by itself" : text);
    static const char *const counters[] = { "polls",      "answers", "timeouts", "refusals",
                                            "bad_frames", "retries", "lag_polls" };
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        str_format(text, sizeof text, "%.0f", output_number(dev, counters[i]));
        line(counters[i], text);
    }
    str_format(text, sizeof text, "%.0f good, %.0f bad of %.0f", output_number(dev, "points.good"),
               output_number(dev, "points.bad"), output_number(dev, "points.total"));
    line("points", text);
    line("config", output_text(dev, "config"));
    struct json_iter it = json_iter(json_get(dev, "limits"));
    const struct json_value *limit;
    while (json_next(&it, NULL, &limit)) {
        str_format(text, sizeof text, "%s = %.0f", output_text(limit, "name"),
                   output_number(limit, "value"));
        line("learned", text);
    }
}

int cli_device_show(struct cli *cli)
{
    char url[CLIENT_URL_MAX];
    struct client_reply reply;
    device_url(url, sizeof url, cli->args[0], "");
    int rc = client_call(cli, url, NULL, &reply);
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

/* A fault of the device is never a wrong use of the command line. */
static int fault_exit(const struct json_value *root)
{
    int rc = cli_exit_of(err_code(output_text(root, "code")));
    return rc == CLI_DONE || rc == CLI_USAGE ? CLI_FAILED : rc;
}

/* The worst finding decides the exit code: the first that is not fine. */
static int show_findings(const struct cli *cli, const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "findings"));
    const struct json_value *row;
    const char *hint = "";
    while (json_next(&it, NULL, &row)) {
        bool fine = false;
        (void)json_get_bool(json_get(row, "fine"), &fine);
        printf("%s%-6s%s %s: %s\n", fine ? "" : output_color(cli, "bad"), fine ? "ok" : "FAULT",
               fine ? "" : output_color(cli, "off"), output_text(row, "step"),
               output_text(row, "seen"));
        if (!fine && hint[0] == '\0') {
            hint = output_text(row, "hint");
        }
    }
    bool fine = false;
    (void)json_get_bool(json_get(root, "fine"), &fine);
    if (fine) {
        printf("all well, %.0f ms\n", output_number(root, "took_ms"));
        return CLI_DONE;
    }
    fprintf(stderr, "hint:  %s\n", hint[0] != '\0' ? hint : "see: busbar device frames");
    return fault_exit(root);
}

int cli_device_test(struct cli *cli)
{
    enum { TEST_TIMEOUT_US = 120000000 };
    char url[CLIENT_URL_MAX];
    struct client_reply reply;
    device_url(url, sizeof url, cli->args[0], "/test");
    if (cli_flag(cli, "timeout") == NULL) {
        cli->timeout_us = TEST_TIMEOUT_US; /* the gateway has its own deadline a step */
    }
    bool scan = cli_flag(cli, "scan-units") != NULL;
    int rc = client_call(cli, url, scan ? "{\"options\":[\"scan-units\"]}" : "{}", &reply);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        bool fine = false;
        (void)json_get_bool(json_get(reply.root, "fine"), &fine);
        rc = output_json(cli, reply.root);
        rc = rc != 0 || fine || output_asks_fields(cli) ? rc : fault_exit(reply.root);
    } else {
        rc = show_findings(cli, reply.root);
    }
    client_free(&reply);
    return rc;
}

static void show_frame(const struct cli *cli, const struct json_value *row)
{
    bool sent = false;
    const char *bad = output_text(row, "bad");
    (void)json_get_bool(json_get(row, "sent"), &sent);
    printf("%.15s %s %4.0f B  %s%s%s%s\n", output_text(row, "time") + 11, sent ? ">" : "<",
           output_number(row, "size"), output_text(row, "text"),
           bad[0] != '\0' ? output_color(cli, "bad") : "", bad[0] != '\0' ? "  BAD: " : "", bad);
    if (bad[0] != '\0' || cli->verbose) {
        printf("                         %s%s\n", output_text(row, "hex"),
               bad[0] != '\0' ? output_color(cli, "off") : "");
    }
}

/* The last `limit` of those that are wanted, oldest first. */
static int show_frames(const struct cli *cli, const struct json_value *frames, size_t limit)
{
    static const struct output_column columns[] = {
        { "", "time", OUTPUT_TEXT },
        { "", "sent", OUTPUT_TEXT },
        { "", "size", OUTPUT_NUMBER },
        { "", "text", OUTPUT_TEXT },
        { "", "bad", OUTPUT_TEXT },
        { "", "hex", OUTPUT_TEXT },
        { 0 },
    };
    struct output out;
    const struct json_value *row;
    size_t wanted = 0;
    bool only_bad = cli_flag(cli, "bad") != NULL;
    bool words = cli->format == CLI_TABLE || cli->format == CLI_PLAIN;
    struct json_iter it = json_iter(frames);
    while (json_next(&it, NULL, &row)) {
        wanted += !only_bad || output_text(row, "bad")[0] != '\0' ? 1 : 0;
    }
    it = json_iter(frames);
    if (!words) {
        output_begin(&out, cli, columns);
    }
    while (json_next(&it, NULL, &row)) {
        if ((only_bad && output_text(row, "bad")[0] == '\0') || wanted-- > limit) {
            continue;
        }
        words ? show_frame(cli, row) : output_row(&out, row);
    }
    return words ? CLI_DONE : output_end(&out);
}

int cli_device_frames(struct cli *cli)
{
    enum { FRAMES_DEFAULT = 50, FRAMES_MOST = 1000 };
    char url[CLIENT_URL_MAX], rest[64];
    struct client_reply reply;
    int64_t limit = FRAMES_DEFAULT;
    const char *text = cli_flag(cli, "limit");
    if (text != NULL && (str_parse_i64(text, &limit) != 0 || limit < 1 || limit > FRAMES_MOST)) {
        return cli_fail(CLI_USAGE, "--limit 1 to 1000", "'%s' is no number of frames", text);
    }
    str_format(rest, sizeof rest, "/frames?limit=%lld",
               (long long)(cli_flag(cli, "bad") != NULL ? FRAMES_MOST : limit));
    device_url(url, sizeof url, cli->args[0], rest);
    int rc = client_call(cli, url, NULL, &reply);
    if (rc != 0) {
        return rc;
    }
    const struct json_value *frames = json_get(reply.root, "frames");
    rc = show_frames(cli, frames, (size_t)limit);
    if (json_size(frames) == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs("no frame yet\n", stderr);
    }
    client_free(&reply);
    return rc;
}

static int for_each(struct cli *cli, const char *verb, const char *said, const char *undo)
{
    int failed = 0, first = 0;
    for (int i = 0; i < cli->arg_count; i++) {
        char url[CLIENT_URL_MAX], rest[16];
        struct client_reply reply;
        str_format(rest, sizeof rest, "/%s", verb);
        device_url(url, sizeof url, cli->args[i], rest);
        if (cli->dry_run) {
            printf("would %s %s\n", verb, cli->args[i]);
            continue;
        }
        int rc = client_call(cli, url, "{}", &reply);
        if (rc != 0) {
            failed++;
            first = first != 0 ? first : rc;
            continue;
        }
        if (cli->format == CLI_JSON) {
            (void)output_json(cli, reply.root);
        } else {
            printf("%s %s. Undo: busbar device %s %s\n", cli->args[i], said, undo, cli->args[i]);
        }
        client_free(&reply);
    }
    return failed == 0 ? CLI_DONE : failed < cli->arg_count ? CLI_SOME_FAILED : first;
}

int cli_device_pause(struct cli *cli)
{
    return for_each(cli, "pause", "is paused", "resume");
}

int cli_device_resume(struct cli *cli)
{
    return for_each(cli, "resume", "is polled again", "pause");
}
