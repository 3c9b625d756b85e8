/* SPDX-License-Identifier: Apache-2.0 */
/* busbar point list | get | watch | write | history; what is held by hand is in hold.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/browse.h"
#include "cli/client.h"
#include "cli/hold.h"
#include "cli/output.h"
#include "cli/progress.h"

enum { PAGE = 1000 };

static const struct output_column list_columns[] = {
    { "POINT", "path", OUTPUT_TEXT },
    { "VALUE", "text", OUTPUT_TEXT },
    { "QUALITY", "reason", OUTPUT_QUALITY },
    { "AGE", "time", OUTPUT_AGE },
    { "SOURCE", "source", OUTPUT_TEXT },
    { "CONFIG", "config", OUTPUT_TEXT },
    { 0 },
};
static const struct output_column program_columns[] = {
    { "", "path", OUTPUT_TEXT },
    { "", "value", OUTPUT_NUMBER },
    { "", "units", OUTPUT_TEXT },
    { "", "quality", OUTPUT_TEXT },
    { "", "reason", OUTPUT_TEXT },
    { "", "time", OUTPUT_TEXT },
    { 0 },
};

/* One pattern's points, page by page. */
static int list_pattern(struct cli *cli, struct output *out, const char *pattern, int64_t limit,
                        struct progress *progress)
{
    for (int64_t offset = 0; offset < limit;) {
        struct client_reply reply;
        struct buf url;
        int64_t page = limit - offset < PAGE ? limit - offset : PAGE;
        buf_init(&url, CLIENT_URL_MAX);
        buf_printf(&url, "/api/v1/points?limit=%lld&offset=%lld%s&match=", (long long)page,
                   (long long)offset, cli_flag(cli, "bad") != NULL ? "&quality=bad" : "");
        client_escape(&url, pattern, false);
        int rc = client_call(cli, buf_text(&url), NULL, &reply);
        buf_fini(&url);
        if (rc != 0) {
            return rc;
        }
        const struct json_value *rows = json_get(reply.root, "points"), *row;
        struct json_iter it = json_iter(rows);
        while (json_next(&it, NULL, &row)) {
            output_row(out, row);
        }
        offset += (int64_t)json_size(rows);
        double total = output_number(reply.root, "total");
        bool more = json_size(rows) > 0 && (double)offset < total && !output_asks_fields(cli);
        progress_at(progress, (uint64_t)offset, (uint64_t)total);
        client_free(&reply);
        if (!more) {
            break;
        }
    }
    return 0;
}

static int take_number(const struct cli *cli, const char *flag, int64_t *out)
{
    const char *text = cli_flag(cli, flag);
    if (text != NULL && (str_parse_i64(text, out) != 0 || *out < 0)) {
        return cli_fail(CLI_USAGE, NULL, "--%s: '%s' is not a number", flag, text);
    }
    return 0;
}

int cli_point_list(struct cli *cli)
{
    struct output out;
    struct progress progress;
    int64_t limit = INT64_MAX;
    if (cli_flag(cli, "manual") != NULL) {
        return hold_list(cli);
    }
    int rc = take_number(cli, "limit", &limit);
    if (rc != 0) {
        return rc;
    }
    output_begin(&out, cli, cli->format == CLI_TABLE ? list_columns : program_columns);
    progress_begin(&progress, cli);
    if (cli->arg_count == 0) {
        cli->args[cli->arg_count++] = "*";
    }
    for (int i = 0; i < cli->arg_count && rc == 0; i++) {
        rc = list_pattern(cli, &out, cli->args[i], limit, &progress);
    }
    progress_end(&progress);
    int ended = output_end(&out);
    if (rc == 0 && out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs(cli_flag(cli, "bad") ? "no point is bad\n" : "no point matches\n", stderr);
    }
    return rc != 0 ? rc : ended;
}

/* A path has a device and a point. */
static int check_path(const char *path)
{
    char hint[160];
    if (strchr(path, '/') != NULL) {
        return 0;
    }
    str_format(hint, sizeof hint, "busbar point list '%s/*'", path);
    return cli_fail(CLI_USAGE, hint, "'%s' is not a point: write DEVICE/POINT", path);
}

/* "/api/v1/KIND/device/point" and what follows. */
static void point_url(struct buf *url, const char *kind, const char *path, const char *rest)
{
    buf_init(url, CLIENT_URL_MAX);
    buf_printf(url, "/api/v1/%s/", kind);
    client_escape(url, path, true);
    buf_append_text(url, rest);
}

static void line(const char *name, const char *text)
{
    if (text[0] != '\0') {
        printf("%-12s %s\n", name, text);
    }
}

/* "every 10s", "as it changes, checked every 5m", or "as the device sends it" */
static void show_period(const struct json_value *pt)
{
    char every[32], text[96];
    bool watched = false, pushed = false;
    (void)json_get_bool(json_get(pt, "watched"), &watched);
    (void)json_get_bool(json_get(pt, "pushed"), &pushed);
    if (pushed) {
        line("read", "as the device sends it");
        return;
    }
    str_format_duration(every, sizeof every,
                        (int64_t)(output_number(pt, watched ? "check_every_s" : "every_s") * 1e6));
    str_format(text, sizeof text, watched ? "as it changes, checked every %s" : "every %s", every);
    line("read", text);
}

/* "22.5 degC at priority 8 by novak since ..., until ..." */
static void show_hold(const struct json_value *hold)
{
    const char *until = output_text(hold, "until"), *trouble = output_text(hold, "trouble");
    double priority = output_number(hold, "priority");
    char at[32] = "";
    if (priority > 0) {
        str_format(at, sizeof at, " at priority %.0f", priority);
    }
    printf("%-12s %s %s%s by %s since %s, %s%s%s%s\n", "held", output_text(hold, "value"),
           output_text(hold, "units"), at, output_text(hold, "who"), output_text(hold, "since"),
           until[0] != '\0' ? "until " : "until released", until, trouble[0] != '\0' ? "; " : "",
           trouble);
}

static void show(const struct cli *cli, const struct json_value *pt)
{
    bool good = strcmp(output_text(pt, "quality"), "good") == 0;
    printf("%s%s%s  %s\n", output_color(cli, "bold"), output_text(pt, "path"),
           output_color(cli, "off"), output_text(pt, "title"));
    line("value", output_text(pt, "text"));
    printf("%-12s %s%s%s%s%s%s\n", "quality", good ? "" : output_color(cli, "bad"),
           output_text(pt, "quality"), good ? "" : ", ", good ? "" : output_text(pt, "reason"),
           output_text(pt, "detail")[0] != '\0' ? ": " : "", output_text(pt, "detail"));
    fputs(output_color(cli, "off"), stdout);
    line("last good", output_text(pt, "last_good.text"));
    line("time", output_text(pt, "time"));
    line("since", output_text(pt, "since"));
    line("source", output_text(pt, "source"));
    show_period(pt);
    line("config", output_text(pt, "config"));
    const struct json_value *step;
    struct json_iter it = json_iter(json_get(pt, "holds"));
    while (json_next(&it, NULL, &step)) {
        show_hold(step);
    }
    it = json_iter(json_get(pt, "explain"));
    while (json_next(&it, NULL, &step)) {
        printf("  %-10s %s\n", output_text(step, "step"), output_text(step, "text"));
    }
    double refused = 0;
    it = json_iter(json_get(json_get(pt, "ledger"), "refused"));
    while (json_next(&it, NULL, &step)) {
        refused += output_number(step, "count");
    }
    printf("%-12s received %.0f = stored %.0f + repeated %.0f + refused %.0f + waiting %.0f\n",
           "ledger", output_number(pt, "ledger.received"), output_number(pt, "ledger.stored"),
           output_number(pt, "ledger.repeated"), refused, output_number(pt, "ledger.waiting"));
}

int cli_point_get(struct cli *cli)
{
    int failed = 0, last = 0;
    for (int i = 0; i < cli->arg_count; i++) {
        struct client_reply reply;
        struct buf url;
        int rc = check_path(cli->args[i]);
        if (rc == 0) {
            point_url(&url, "points", cli->args[i], "");
            rc = client_call(cli, buf_text(&url), NULL, &reply);
            buf_fini(&url);
        }
        if (rc != 0) {
            failed++;
            last = rc;
            continue;
        }
        if (cli_flag(cli, "priorities") != NULL) {
            rc = browse_priorities(cli, cli->args[i], json_get(reply.root, "holds"));
            failed += rc != 0;
            last = rc != 0 ? rc : last;
        } else if (cli->format == CLI_JSON) {
            rc = output_json(cli, reply.root);
            failed += rc != 0;
            last = rc != 0 ? rc : last;
        } else if (cli->format == CLI_TABLE || cli->arg_count == 1) {
            show(cli, reply.root);
        } else {
            printf("%s\t%s\t%s\n", output_text(reply.root, "path"), output_text(reply.root, "text"),
                   output_text(reply.root, "reason"));
        }
        client_free(&reply);
    }
    return failed == 0 ? CLI_DONE : failed < cli->arg_count ? CLI_SOME_FAILED : last;
}

struct watch {
    struct cli *cli;
    int64_t left;
    int rc;
};

static bool watched(void *ctx, const char *event, const char *data, size_t size)
{
    struct watch *watch = ctx;
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = CLIENT_BODY_MAX };
    if (strcmp(event, "points") != 0 || json_parse(data, size, &limits, &doc, NULL) != 0) {
        return true;
    }
    struct json_iter it = json_iter(json_root(doc));
    const struct json_value *row;
    while (watch->left > 0 && json_next(&it, NULL, &row)) {
        if (watch->cli->format == CLI_JSON) {
            watch->rc = output_json(watch->cli, row);
            watch->left = watch->rc != 0 || output_asks_fields(watch->cli) ? 1 : watch->left;
        } else if (watch->cli->format == CLI_TABLE) {
            bool good = strcmp(output_text(row, "quality"), "good") == 0;
            printf("%.15s  %-32s %s%s%s%s\n", output_text(row, "time") + 11,
                   output_text(row, "path"), good ? "" : output_color(watch->cli, "bad"),
                   output_text(row, "text"), good ? "" : "  ",
                   good ? "" : output_text(row, "reason"));
            fputs(output_color(watch->cli, "off"), stdout);
        } else {
            printf("%s\t%s\t%s\t%s\n", output_text(row, "time"), output_text(row, "path"),
                   output_text(row, "text"), output_text(row, "reason"));
        }
        watch->left--;
    }
    fflush(stdout);
    json_free(doc);
    return watch->left > 0;
}

/* Waiting for a point that is not there would be waiting for ever. */
static int check_match(struct cli *cli)
{
    for (int i = 0; i < cli->arg_count; i++) {
        struct client_reply reply;
        struct buf url;
        buf_init(&url, CLIENT_URL_MAX);
        buf_append_text(&url, "/api/v1/points?limit=1&match=");
        client_escape(&url, cli->args[i], false);
        int rc = client_call(cli, buf_text(&url), NULL, &reply);
        buf_fini(&url);
        if (rc != 0) {
            return rc;
        }
        bool none = output_number(reply.root, "total") == 0;
        client_free(&reply);
        if (none) {
            return cli_fail(CLI_NOT_FOUND, "busbar point list shows what there is",
                            "no point matches '%s'", cli->args[i]);
        }
    }
    return 0;
}

int cli_point_watch(struct cli *cli)
{
    struct watch watch = { .cli = cli, .left = INT64_MAX };
    int rc = take_number(cli, "count", &watch.left);
    if (rc != 0) {
        return rc;
    }
    rc = check_match(cli);
    if (rc != 0) {
        return rc;
    }
    struct buf url;
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/live?match=");
    for (int i = 0; i < cli->arg_count; i++) {
        buf_append_text(&url, i > 0 ? "," : "");
        client_escape(&url, cli->args[i], false);
    }
    if (cli->arg_count == 0) {
        buf_append_text(&url, "*");
    }
    rc = client_stream(cli, buf_text(&url), watched, &watch);
    buf_fini(&url);
    return rc != 0 ? rc : watch.rc;
}

/* What point write was asked for. */
struct writing {
    int64_t priority;  /* 0: the point's own */
    const char *hours; /* --for; NULL: until it is released */
    bool releasable;
    char before[256], text[256], units[64], place[256];
};

/* The JSON body: numbers and truth values as such, all else as text (an enumeration's name). */
static void write_body(struct cli *cli, const struct writing *writing, struct buf *body)
{
    struct json_writer json = json_writer(body);
    const char *text = cli->args[1];
    int64_t integer;
    double number;
    json_begin_object(&json);
    if (str_parse_i64(text, &integer) == 0) {
        json_put_i64(&json, "value", integer);
    } else if (str_parse_double(text, &number) == 0) {
        json_put_double(&json, "value", number);
    } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        json_put_bool(&json, "value", text[0] == 't');
    } else {
        json_put_string(&json, "value", text);
    }
    if (writing->priority > 0) {
        json_put_i64(&json, "priority", writing->priority);
    }
    if (writing->hours != NULL) {
        json_put_string(&json, "for", writing->hours);
    }
    json_put_double(&json, "timeout_s", (double)cli->timeout_us / 1e6);
    json_put_bool(&json, "confirmed", true);
    json_end_object(&json);
}

static void say_undo(const struct cli *cli, const struct writing *writing,
                     const struct client_reply *reply)
{
    double priority = output_number(reply->root, "priority");
    if (writing->releasable && writing->priority > 0) {
        fprintf(stderr, "undo: busbar point release %s --priority %.0f\n", cli->args[0], priority);
    } else if (writing->releasable) {
        fprintf(stderr, "undo: busbar point release %s\n", cli->args[0]);
    } else if (writing->before[0] != '\0') {
        fprintf(stderr, "undo: busbar point write %s %s\n", cli->args[0], writing->before);
    }
}

static int send_write(struct cli *cli, const struct writing *writing)
{
    struct client_reply reply;
    struct buf url, body;
    buf_init(&body, 16384);
    write_body(cli, writing, &body);
    point_url(&url, "points", cli->args[0], "/write");
    cli->timeout_us += 2000000; /* the gateway's own deadline comes first */
    int rc = client_call(cli, buf_text(&url), buf_text(&body), &reply);
    buf_fini(&url);
    buf_fini(&body);
    if (rc != 0) {
        return rc;
    }
    rc = output_told(cli, reply.root);
    if (cli->format != CLI_JSON && !cli->quiet) {
        say_undo(cli, writing, &reply);
    }
    client_free(&reply);
    return rc;
}

/* What stands there now, and whether it may be written. */
static int look_before_write(struct cli *cli, struct writing *writing)
{
    struct client_reply reply;
    struct buf url;
    point_url(&url, "points", cli->args[0], "");
    int rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    bool writable = false;
    (void)json_get_bool(json_get(reply.root, "writable"), &writable);
    (void)json_get_bool(output_field(reply.root, "write.releasable"), &writing->releasable);
    str_copy(writing->text, sizeof writing->text, output_text(reply.root, "text"));
    str_copy(writing->units, sizeof writing->units, output_text(reply.root, "units"));
    str_copy(writing->place, sizeof writing->place, output_text(reply.root, "config"));
    const struct json_value *value = json_get(reply.root, "value");
    double number;
    bool truth;
    if (json_get_bool(value, &truth) == 0) {
        str_copy(writing->before, sizeof writing->before, truth ? "true" : "false");
    } else if (json_get_double(value, &number) == 0) {
        output_double(cli, writing->before, sizeof writing->before, number);
    }
    client_free(&reply);
    if (!writable) {
        char hint[320];
        str_format(hint, sizeof hint, "allow it where the point is written (%s): write: true",
                   writing->place);
        return cli_fail(CLI_DENIED, hint, "'%s' is not writable", cli->args[0]);
    }
    return 0;
}

int cli_point_write(struct cli *cli)
{
    struct writing writing = { .hours = cli_flag(cli, "for") };
    char how[96] = "";
    int rc = hold_priority(cli, &writing.priority);
    rc = rc != 0 ? rc : check_path(cli->args[0]);
    rc = rc != 0 ? rc : look_before_write(cli, &writing);
    if (rc != 0) {
        return rc;
    }
    size_t used = 0;
    if (writing.priority > 0) {
        used = str_format(how, sizeof how, "  priority %lld", (long long)writing.priority);
    }
    if (writing.hours != NULL) {
        str_format(how + used, sizeof how - used, "%s for %.32s", used > 0 ? "," : " ",
                   writing.hours);
    }
    if (cli->dry_run) {
        printf("would write %s: %s -> %s %s%s\n", cli->args[0], writing.text, cli->args[1],
               writing.units, how);
        return CLI_DONE;
    }
    if (!cli_confirm(cli, "%s  %s -> %s %s%s   Write?", cli->args[0], writing.text, cli->args[1],
                     writing.units, how)) {
        fputs("nothing was written\n", stderr);
        return CLI_FAILED;
    }
    return send_write(cli, &writing);
}

static void print_samples(const struct cli *cli, const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "samples"));
    const struct json_value *row;
    const char *separator = cli->format == CLI_CSV ? "," : "\t";
    printf("%s", cli->format == CLI_CSV ? "time,value,quality\n" : "");
    while (json_next(&it, NULL, &row)) {
        const struct json_value *value = json_at(row, 1);
        double number;
        bool truth;
        char text[64] = "";
        if (json_get_bool(value, &truth) == 0) {
            str_copy(text, sizeof text, truth ? "true" : "false");
        } else if (json_get_double(value, &number) == 0) {
            output_double(cli, text, sizeof text, number);
        }
        const char *string = json_get_text(value, NULL);
        printf("%s%s%s%s%s\n", json_get_text(json_at(row, 0), NULL), separator,
               string != NULL ? string : text, separator, json_get_text(json_at(row, 2), NULL));
    }
    bool more = false;
    (void)json_get_bool(json_get(root, "more"), &more);
    if (more && !cli->quiet) {
        fputs("there are more samples: ask with --limit or a later --from\n", stderr);
    }
}

static void print_buckets(const struct cli *cli, const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "buckets"));
    const struct json_value *row;
    const char *separator = cli->format == CLI_CSV ? "," : "\t";
    printf("time%scount%smin%smax%savg\n", separator, separator, separator, separator);
    while (json_next(&it, NULL, &row)) {
        char time[STR_TIME_MAX + 1];
        double cells[5] = { 0 };
        for (size_t i = 0; i < 5; i++) {
            (void)json_get_double(json_at(row, i), &cells[i]);
        }
        str_format_time(time, sizeof time, (int64_t)cells[0] * 1000, 0, true);
        printf("%s%s%.0f%s%g%s%g%s%g\n", time, separator, cells[1], separator, cells[2], separator,
               cells[3], separator, cells[4]);
    }
}

int cli_point_history(struct cli *cli)
{
    struct client_reply reply;
    struct buf url;
    int64_t limit = 10000, buckets = 0;
    int rc = take_number(cli, "limit", &limit);
    rc = rc != 0 ? rc : take_number(cli, "buckets", &buckets);
    rc = rc != 0 ? rc : check_path(cli->args[0]);
    if (rc != 0) {
        return rc;
    }
    point_url(&url, "samples", cli->args[0], "?from=");
    client_escape(&url, cli_flag(cli, "from") != NULL ? cli_flag(cli, "from") : "-1h", false);
    buf_append_text(&url, "&to=");
    client_escape(&url, cli_flag(cli, "to") != NULL ? cli_flag(cli, "to") : "now", false);
    buf_printf(&url, buckets > 0 ? "&buckets=%lld" : "&limit=%lld",
               (long long)(buckets > 0 ? buckets : limit));
    rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else if (buckets > 0) {
        print_buckets(cli, reply.root);
    } else {
        print_samples(cli, reply.root);
    }
    client_free(&reply);
    return rc;
}
