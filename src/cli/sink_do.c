/* SPDX-License-Identifier: Apache-2.0 */
/* busbar sink test | pause | resume | try | retry | drop | resend | sql */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/sink.h"
#include "cli/task.h"

enum { TEST_TIMEOUT_US = 30000000, BODY_MAX = 16 * 1024 };

/* ---- test ---- */

int sink_findings(struct cli *cli, const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "findings"));
    const struct json_value *row;
    bool fine = false;
    (void)json_get_bool(json_get(root, "fine"), &fine);
    if (cli->format == CLI_JSON) {
        int rc = output_json(cli, root);
        return rc != 0 || fine || output_asks_fields(cli) ? rc : CLI_PROBLEMS;
    }
    while (json_next(&it, NULL, &row)) {
        const char *verdict = output_text(row, "verdict"), *hint = output_text(row, "hint");
        bool good = strcmp(verdict, "good") == 0, bad = strcmp(verdict, "bad") == 0;
        printf("%s%-5s%s %s: %s\n", bad ? output_color(cli, "bad") : "",
               good  ? "ok"
               : bad ? "bad"
                     : "warn",
               bad ? output_color(cli, "off") : "", output_text(row, "what"),
               output_text(row, "text"));
        if (!good && hint[0] != '\0') {
            printf("      hint: %s\n", hint);
        }
    }
    return fine ? CLI_DONE : CLI_PROBLEMS;
}

/* ---- from files, without a running gateway ---- */

static bool asks_files(const struct cli *cli)
{
    return cli_flag(cli, "config") != NULL || cli_flag(cli, "data") != NULL;
}

static struct app_options options_of(const struct cli *cli)
{
    const char *config = cli_flag(cli, "config"), *data = cli_flag(cli, "data");
    return (struct app_options){ .config_path = config != NULL ? config : APP_CONFIG_DEFAULT,
                                 .data_folder = data != NULL ? data : APP_DATA_DEFAULT };
}

static int exit_of(int error)
{
    return error == BUSBAR_ECONFIG ? CLI_PROBLEMS : cli_exit_of(error);
}

static int test_files(struct cli *cli)
{
    struct app_options options = options_of(cli);
    struct json_limits limits = { .bytes_max = CLIENT_BODY_MAX };
    struct json_doc *doc = NULL;
    struct buf text;
    buf_init(&text, CLIENT_BODY_MAX);
    int error = app_sink_test(&options, cli->args[0], &text);
    error = error == 0 ? json_parse(buf_text(&text), text.size, &limits, &doc, NULL) : error;
    int rc = error == 0 ? sink_findings(cli, json_root(doc)) : exit_of(error);
    json_free(doc);
    buf_fini(&text);
    return rc;
}

static int sql_files(struct cli *cli)
{
    struct app_options options = options_of(cli);
    struct buf text;
    buf_init(&text, CLIENT_BODY_MAX);
    int error = app_sink_sql(&options, cli->args[0], &text);
    fputs(buf_text(&text), stdout);
    buf_fini(&text);
    return error == 0 ? CLI_DONE : exit_of(error);
}

int cli_sink_test(struct cli *cli)
{
    struct client_reply reply;
    struct buf url;
    if (asks_files(cli)) {
        return test_files(cli);
    }
    if (cli_flag(cli, "timeout") == NULL) {
        cli->timeout_us = TEST_TIMEOUT_US; /* the gateway has its own deadline */
    }
    sink_url(&url, cli->args[0], "/test");
    int rc = client_call(cli, buf_text(&url), "{}", &reply);
    buf_fini(&url);
    if (rc == 0) {
        rc = sink_findings(cli, reply.root);
        client_free(&reply);
    }
    return rc;
}

/* ---- at once ---- */

static int do_now(struct cli *cli, const char *verb)
{
    struct client_reply reply;
    struct buf url;
    char rest[32];
    if (cli->dry_run) {
        fprintf(stderr, "would %s sink %s\n", verb, cli->args[0]);
        return CLI_DONE;
    }
    str_format(rest, sizeof rest, "/%s", verb);
    sink_url(&url, cli->args[0], rest);
    int rc = client_call(cli, buf_text(&url), "{}", &reply);
    buf_fini(&url);
    if (rc == 0) {
        rc = output_told(cli, reply.root);
        client_free(&reply);
    }
    return rc;
}

int cli_sink_pause(struct cli *cli)
{
    return do_now(cli, "pause");
}

int cli_sink_resume(struct cli *cli)
{
    return do_now(cli, "resume");
}

int cli_sink_try(struct cli *cli)
{
    return do_now(cli, "try");
}

/* ---- what may take long ---- */

static int do_task(struct cli *cli, const char *verb, const struct buf *body)
{
    struct task task;
    struct buf url;
    char rest[32];
    str_format(rest, sizeof rest, "/%s", verb);
    sink_url(&url, cli->args[0], rest);
    int rc = task_run_at(cli, buf_text(&url), "sink-tasks", buf_text(body), &task);
    buf_fini(&url);
    if (rc == 0 && cli->format == CLI_JSON) {
        rc = output_json(cli, task.last.root);
    }
    if (rc == 0) {
        rc = task_exit(cli, &task);
        bool some = output_number(task.last.root, "refused") > 0;
        rc = some && (rc == CLI_DONE || rc == CLI_REFUSED) ? CLI_SOME_FAILED : rc;
    }
    task_free(&task);
    return rc;
}

/* Retry and drop: of what is set aside all, or one. */
static int do_aside(struct cli *cli, const char *verb)
{
    struct buf body;
    int64_t id = 0;
    int rc = cli->arg_count > 1 ? sink_number(cli->args[1], "ID", &id) : 0;
    if (rc != 0) {
        return rc;
    }
    if (cli->dry_run) {
        fprintf(stderr, "would %s %s%s of what sink %s has set aside\n", verb,
                id > 0 ? "number " : "all", id > 0 ? cli->args[1] : "", cli->args[0]);
        return CLI_DONE;
    }
    if (strcmp(verb, "drop") == 0 &&
        !cli_confirm(cli, "%s%s that sink %s has set aside will not be published. Drop it?",
                     id > 0 ? "Row " : "All", id > 0 ? cli->args[1] : "", cli->args[0])) {
        fputs("nothing was changed\n", stderr);
        return CLI_FAILED;
    }
    buf_init(&body, BODY_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    if (id > 0) {
        json_put_i64(&json, "id", id);
    }
    json_end_object(&json);
    rc = do_task(cli, verb, &body);
    buf_fini(&body);
    return rc;
}

int cli_sink_retry(struct cli *cli)
{
    return do_aside(cli, "retry");
}

int cli_sink_drop(struct cli *cli)
{
    return do_aside(cli, "drop");
}

int cli_sink_resend(struct cli *cli)
{
    const char *from = cli_flag(cli, "from"), *to = cli_flag(cli, "to");
    const char *points = cli_flag(cli, "points");
    struct buf body;
    if (from == NULL) {
        return cli_fail(CLI_USAGE, "busbar sink resend NAME --from -24h", "from when on?");
    }
    if (cli->dry_run) {
        fprintf(stderr, "would send to sink %s what history has of %s from %s to %s\n",
                cli->args[0], points != NULL ? points : "its points", from,
                to != NULL ? to : "now");
        return CLI_DONE;
    }
    buf_init(&body, BODY_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    json_put_string(&json, "from", from);
    json_put_string(&json, "to", to != NULL ? to : "now");
    if (points != NULL) {
        json_put_string(&json, "points", points);
    }
    json_end_object(&json);
    int rc = do_task(cli, "resend", &body);
    buf_fini(&body);
    return rc;
}

/* ---- sql ---- */

static bool put_piece(void *ctx, const char *data, size_t size)
{
    return fwrite(data, 1, size, ctx) == size;
}

int cli_sink_sql(struct cli *cli)
{
    struct buf url;
    if (asks_files(cli)) {
        return sql_files(cli);
    }
    sink_url(&url, cli->args[0], "/sql");
    int rc = client_fetch(cli, buf_text(&url), put_piece, stdout);
    buf_fini(&url);
    return rc;
}
