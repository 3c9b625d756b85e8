/* SPDX-License-Identifier: Apache-2.0 */
/* busbar command list | run. The table of the program's own commands is command.c. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

enum { BODY_MAX = 256 * 1024, PAGE = 1000, COLUMN_MAX = 2048 };

/* ---- the list ---- */

static const struct output_column list_columns[] = {
    { "COMMAND", "path", OUTPUT_TEXT },    { "TITLE", "title", OUTPUT_TEXT },
    { "TAKES", "takes", OUTPUT_TEXT },     { "GIVES", "gives", OUTPUT_TEXT },
    { "WRITES", "writes", OUTPUT_TEXT },   { "ASKS", "asks", OUTPUT_TEXT },
    { "TROUBLE", "trouble", OUTPUT_TEXT }, { 0 },
};

/* "speed Double, mode Int32" */
static void put_arguments(struct json_writer *json, const char *key, const struct json_value *list)
{
    struct buf text;
    struct json_iter it = json_iter(list);
    const struct json_value *item;
    buf_init(&text, COLUMN_MAX);
    while (json_next(&it, NULL, &item)) {
        buf_printf(&text, "%s%s %s", text.size > 0 ? ", " : "", output_text(item, "name"),
                   output_text(item, "type"));
    }
    json_put_string(json, key, buf_text(&text));
    buf_fini(&text);
}

static void put_presets(struct json_writer *json, const struct json_value *list)
{
    struct buf text;
    struct json_iter it = json_iter(list);
    const struct json_value *item;
    buf_init(&text, COLUMN_MAX);
    while (json_next(&it, NULL, &item)) {
        const char *path = output_text(item, "path"), *slash = strchr(path, '/');
        buf_printf(&text, "%s%s %s", text.size > 0 ? ", " : "", slash != NULL ? slash + 1 : path,
                   output_text(item, "value"));
    }
    json_put_string(json, "writes", buf_text(&text));
    buf_fini(&text);
}

/* A row for people: what is a list in the answer, as a text. */
static void put_row(struct output *out, const struct json_value *command)
{
    struct json_doc *doc = NULL;
    struct buf text;
    bool confirm = false, known = false;
    (void)json_get_bool(json_get(command, "confirm"), &confirm);
    (void)json_get_bool(json_get(command, "known"), &known);
    buf_init(&text, BODY_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_string(&json, "path", output_text(command, "path"));
    json_put_string(&json, "title", output_text(command, "title"));
    put_arguments(&json, "takes", json_get(command, "arguments"));
    put_arguments(&json, "gives", json_get(command, "results"));
    put_presets(&json, json_get(command, "presets"));
    json_put_string(&json, "asks", confirm ? "yes" : "");
    json_put_string(&json, "trouble",
                    known ? output_text(command, "trouble") : "the device has not told of it yet");
    json_end_object(&json);
    struct json_limits limits = { .bytes_max = BODY_MAX };
    if (json_parse(buf_text(&text), text.size, &limits, &doc, NULL) == 0) {
        output_row(out, json_root(doc));
        json_free(doc);
    }
    buf_fini(&text);
}

static int list_pages(struct cli *cli, struct output *out)
{
    size_t offset = 0, total = 1;
    while (offset < total) {
        struct client_reply reply;
        struct buf url;
        buf_init(&url, CLIENT_URL_MAX);
        buf_printf(&url, "/api/v1/commands?limit=%d&offset=%zu", PAGE, offset);
        if (cli->arg_count > 0) {
            buf_append_text(&url, "&device=");
            client_escape(&url, cli->args[0], false);
        }
        int rc = client_call(cli, buf_text(&url), NULL, &reply);
        buf_fini(&url);
        if (rc != 0) {
            return rc;
        }
        const struct json_value *rows = json_get(reply.root, "commands"), *row;
        struct json_iter it = json_iter(rows);
        while (json_next(&it, NULL, &row)) {
            if (cli->format == CLI_JSON) {
                output_row(out, row);
            } else {
                put_row(out, row);
            }
        }
        offset += PAGE;
        total = output_asks_fields(cli) ? 0 : (size_t)output_number(reply.root, "total");
        client_free(&reply);
    }
    return 0;
}

int cli_command_list(struct cli *cli)
{
    struct output out;
    output_begin(&out, cli, list_columns);
    int rc = list_pages(cli, &out);
    int ended = output_end(&out);
    if (rc == 0 && out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs("no command is configured; commands: { NAME: { point: value } } in a device\n",
              stderr);
    }
    return rc != 0 ? rc : ended;
}

/* ---- running one ---- */

struct asked {
    char device[256], command[256];
    bool confirm;
    char words[320]; /* what it does */
};

static int split(const struct cli *cli, struct asked *asked)
{
    const char *path = cli->args[0], *slash = strchr(path, '/');
    if (slash == NULL || slash == path || slash[1] == '\0') {
        return cli_fail(CLI_USAGE, "busbar command list shows them",
                        "'%s' is no command: DEVICE/COMMAND", path);
    }
    str_format(asked->device, sizeof asked->device, "%.*s", (int)(slash - path), path);
    str_copy(asked->command, sizeof asked->command, slash + 1);
    return 0;
}

/* Whether the person is to be asked first. */
static int look(struct cli *cli, struct asked *asked)
{
    struct client_reply reply;
    struct buf url;
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/commands?limit=10000&device=");
    client_escape(&url, asked->device, false);
    int rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    struct json_iter it = json_iter(json_get(reply.root, "commands"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        if (strcmp(output_text(row, "name"), asked->command) == 0) {
            const char *title = output_text(row, "title");
            (void)json_get_bool(json_get(row, "confirm"), &asked->confirm);
            str_copy(asked->words, sizeof asked->words,
                     title[0] != '\0' ? title : output_text(row, "description"));
        }
    }
    client_free(&reply);
    return 0; /* where there is none, running it says so, with the nearest */
}

static void put_body(const struct cli *cli, struct buf *body)
{
    struct json_writer json = json_writer(body);
    json_begin_object(&json);
    json_put_array(&json, "arguments");
    for (int i = 1; i < cli->arg_count; i++) {
        json_string(&json, cli->args[i]);
    }
    json_end_array(&json);
    json_put_double(&json, "timeout_s", (double)cli->timeout_us / 1e6);
    json_put_bool(&json, "confirmed", true);
    json_end_object(&json);
}

static void print_results(const struct json_value *results)
{
    struct json_iter it = json_iter(results);
    const struct json_value *value;
    const char *name;
    while (json_next(&it, &name, &value)) {
        struct buf text;
        buf_init(&text, BODY_MAX);
        struct json_writer json = json_writer(&text);
        json_copy(&json, value);
        const char *plain = json_get_text(value, NULL);
        printf("%-16s %s\n", name != NULL ? name : "", plain != NULL ? plain : buf_text(&text));
        buf_fini(&text);
    }
}

static int run(struct cli *cli, const struct asked *asked)
{
    struct client_reply reply;
    struct buf url, body;
    buf_init(&body, BODY_MAX);
    put_body(cli, &body);
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/devices/");
    client_escape(&url, asked->device, false);
    buf_append_text(&url, "/commands/");
    client_escape(&url, asked->command, false);
    cli->timeout_us += 4000000; /* the gateway's own deadline comes first */
    int rc = client_call(cli, buf_text(&url), buf_text(&body), &reply);
    buf_fini(&url);
    buf_fini(&body);
    if (rc != 0) {
        return rc;
    }
    rc = output_told(cli, reply.root);
    if (cli->format != CLI_JSON) {
        print_results(json_get(reply.root, "results"));
    }
    client_free(&reply);
    return rc;
}

int cli_command_run(struct cli *cli)
{
    struct asked asked = { 0 };
    int rc = split(cli, &asked);
    rc = rc != 0 ? rc : look(cli, &asked);
    if (rc != 0) {
        return rc;
    }
    if (cli->dry_run) {
        printf("would run %s with %d argument%s\n", cli->args[0], cli->arg_count - 1,
               cli->arg_count == 2 ? "" : "s");
        return CLI_DONE;
    }
    if (asked.confirm && !cli_confirm(cli, "%s%s%s   Run?", cli->args[0],
                                      asked.words[0] != '\0' ? "  " : "", asked.words)) {
        fputs("nothing was run\n", stderr);
        return CLI_FAILED;
    }
    return run(cli, &asked);
}
