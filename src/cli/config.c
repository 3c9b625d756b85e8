/* SPDX-License-Identifier: Apache-2.0 */
/* busbar config check | diff | apply | history | rollback, through the running gateway. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

enum { APPLY_TIMEOUT_US = 120000000, CHECK_TEXT_MAX = 16 << 20 };

/* The problems as the terminal shows them. */
static void show_problems(const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "problems"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        const char *hint = output_text(row, "hint"), *source = output_text(row, "source");
        fprintf(stderr, "%s:%.0f:%.0f: %s: %s\n", output_text(row, "file"),
                output_number(row, "line"), output_number(row, "column"),
                output_text(row, "severity"), output_text(row, "message"));
        if (source[0] != '\0') {
            fprintf(stderr, "%5.0f | %s\n", output_number(row, "line"), source);
        }
        if (hint[0] != '\0') {
            fprintf(stderr, "      | hint: %s\n", hint);
        }
    }
}

static int problems_exit(const struct cli *cli, const struct client_reply *reply, const char *fine)
{
    double errors = output_number(reply->root, "errors");
    if (cli->format == CLI_JSON) {
        int rc = output_json(cli, reply->root);
        if (rc != 0 || output_asks_fields(cli)) {
            return rc;
        }
    } else {
        show_problems(reply->root);
        if (errors > 0) {
            fprintf(stderr, "%.0f errors, %.0f warnings; nothing was changed\n", errors,
                    output_number(reply->root, "warnings"));
        } else if (fine != NULL) {
            printf("%s\n", fine);
        }
    }
    return errors > 0 ? CLI_PROBLEMS : CLI_DONE;
}

int cli_config_check(struct cli *cli)
{
    if (cli->arg_count > 0) {
        struct buf text;
        buf_init(&text, CHECK_TEXT_MAX);
        int checked = app_config_check(cli->args[0], cli_flag(cli, "data"),
                                       cli->format == CLI_JSON ? &text : NULL);
        checked = output_check(cli, &text, checked);
        buf_fini(&text);
        return checked;
    }
    struct client_reply reply;
    if (cli_flag(cli, "timeout") == NULL) {
        cli->timeout_us = APPLY_TIMEOUT_US;
    }
    int rc = client_call(cli, "/api/v1/config/check", "{}", &reply);
    if (rc != 0) {
        return rc;
    }
    rc = problems_exit(cli, &reply, "the configuration is fine");
    client_free(&reply);
    return rc;
}

static void show_changes(const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "changes"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        puts(output_text(row, "text"));
    }
    double more = output_number(root, "changes_total") -
                  (double)json_size(json_get(root, "changes"));
    if (more > 0) {
        printf("... and %.0f more changes\n", more);
    }
}

static void show_stopped(const struct json_value *root)
{
    const struct json_value *row;
    struct json_iter it = json_iter(json_get(root, "stopped"));
    fputs("polling stops for a moment for: ", stdout);
    bool any = false;
    while (json_next(&it, NULL, &row)) {
        printf("%s%s", any ? ", " : "", json_get_text(row, NULL));
        any = true;
    }
    puts(any ? "" : "none");
}

int cli_config_diff(struct cli *cli)
{
    struct client_reply reply;
    if (cli_flag(cli, "timeout") == NULL) {
        cli->timeout_us = APPLY_TIMEOUT_US;
    }
    int rc = client_call(cli, "/api/v1/config/diff", NULL, &reply);
    if (rc != 0) {
        return rc;
    }
    if (output_number(reply.root, "errors") > 0) {
        rc = problems_exit(cli, &reply, NULL);
        client_free(&reply);
        return rc;
    }
    bool differs = false;
    (void)json_get_bool(json_get(reply.root, "differs"), &differs);
    rc = differs ? CLI_FAILED : CLI_DONE;
    if (cli->format == CLI_JSON) {
        int told = output_json(cli, reply.root);
        rc = told != 0 || output_asks_fields(cli) ? told : rc;
    } else if (differs) {
        show_changes(reply.root);
        show_stopped(reply.root);
    } else if (!cli->quiet) {
        fputs("the files are what is running\n", stderr);
    }
    client_free(&reply);
    return rc;
}

/* apply and rollback answer alike. */
static int change(struct cli *cli, const char *path, const char *body)
{
    struct client_reply reply;
    if (cli_flag(cli, "timeout") == NULL) {
        cli->timeout_us = APPLY_TIMEOUT_US;
    }
    int rc = client_call(cli, path, body, &reply);
    if (rc != 0) {
        return rc;
    }
    if (output_number(reply.root, "errors") > 0) {
        rc = problems_exit(cli, &reply, NULL);
        client_free(&reply);
        return rc;
    }
    bool applied = false;
    (void)json_get_bool(json_get(reply.root, "applied"), &applied);
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else {
        show_problems(reply.root); /* warnings */
        show_changes(reply.root);
        if (applied) {
            show_stopped(reply.root);
            printf("version %.0f running after %.1f s.", output_number(reply.root, "version"),
                   output_number(reply.root, "took_ms") / 1000);
            if (output_number(reply.root, "undo") > 0) {
                printf(" Undo: busbar config rollback %.0f", output_number(reply.root, "undo"));
            }
            puts("");
        } else {
            puts(cli->dry_run ? "nothing was changed (dry run)" : "nothing to change");
        }
    }
    client_free(&reply);
    return rc;
}

int cli_config_apply(struct cli *cli)
{
    return change(cli, "/api/v1/config/apply", cli->dry_run ? "{\"dry_run\":true}" : "{}");
}

int cli_config_rollback(struct cli *cli)
{
    int64_t version;
    char body[96];
    if (str_parse_i64(cli->args[0], &version) != 0 || version < 1) {
        return cli_fail(CLI_USAGE, "busbar config history lists the versions",
                        "'%s' is not a version", cli->args[0]);
    }
    if (!cli->dry_run && !cli_confirm(cli,
                                      "Files of version %lld replace those in the configuration "
                                      "folder (kept aside first) and are applied.",
                                      (long long)version)) {
        return CLI_FAILED;
    }
    str_format(body, sizeof body, "{\"version\":%lld,\"dry_run\":%s}", (long long)version,
               cli->dry_run ? "true" : "false");
    return change(cli, "/api/v1/config/rollback", body);
}

static const struct output_column version_columns[] = {
    { "VERSION", "version", OUTPUT_NUMBER }, { "TIME", "time", OUTPUT_TEXT },
    { "WHO", "who", OUTPUT_TEXT },           { "RUNNING", "running", OUTPUT_TEXT },
    { "SUMMARY", "summary", OUTPUT_TEXT },   { 0 },
};

int cli_config_history(struct cli *cli)
{
    struct client_reply reply;
    struct output out;
    int rc = client_call(cli, "/api/v1/config/versions", NULL, &reply);
    if (rc != 0) {
        return rc;
    }
    const struct json_value *row;
    struct json_iter it = json_iter(json_get(reply.root, "versions"));
    output_begin(&out, cli, version_columns);
    while (json_next(&it, NULL, &row)) {
        output_row(&out, row);
    }
    rc = output_end(&out);
    client_free(&reply);
    return rc;
}
