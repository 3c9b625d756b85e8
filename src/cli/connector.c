/* SPDX-License-Identifier: Apache-2.0 */
/* busbar connector: by which devices post, and their keys. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

static const struct output_column columns[] = {
    { "CONNECTOR", "name", OUTPUT_TEXT },    { "DEVICES", "devices", OUTPUT_NUMBER },
    { "KEYS", "key_count", OUTPUT_NUMBER },  { "MESSAGES", "messages", OUTPUT_NUMBER },
    { "REFUSED", "refused", OUTPUT_NUMBER }, { "LAST", "last", OUTPUT_TIME },
    { "TROUBLE", "trouble", OUTPUT_TEXT },   { 0 },
};

static const struct output_column key_columns[] = {
    { "CONNECTOR", "connector", OUTPUT_TEXT }, { "KEY", "id", OUTPUT_TEXT },
    { "LABEL", "label", OUTPUT_TEXT },         { "CREATED", "created", OUTPUT_TIME },
    { "LAST USED", "used", OUTPUT_TIME },      { 0 },
};

static int list(struct cli *cli, const char *url, const char *rows,
                const struct output_column *shown, const char *none)
{
    struct client_reply reply;
    int rc = client_call(cli, url, NULL, &reply);
    if (rc != 0) {
        return rc;
    }
    struct output out;
    output_begin(&out, cli, shown);
    struct json_iter it = json_iter(json_get(reply.root, rows));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        output_row(&out, row);
    }
    rc = output_end(&out);
    if (rc == 0 && out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs(none, stderr);
    }
    client_free(&reply);
    return rc;
}

int cli_connector_list(struct cli *cli)
{
    return list(cli, "/api/v1/connectors", "connectors", columns,
                "there is no connector: write one into the configuration, connectors: { meters: {} "
                "}\n");
}

static void connector_url(struct buf *url, const char *connector, const char *rest, const char *key)
{
    buf_init(url, CLIENT_URL_MAX);
    buf_append_text(url, "/api/v1/connectors/");
    client_escape(url, connector, false);
    buf_append_text(url, rest);
    if (key != NULL) {
        buf_append_text(url, "/");
        client_escape(url, key, false);
    }
}

static void line(const char *name, const char *text)
{
    if (text[0] != '\0') {
        printf("%-17s %s\n", name, text);
    }
}

static void show(const struct json_value *root)
{
    static const char *const numbers[] = { "devices", "messages", "refused" };
    const struct json_value *row;
    char text[256];
    line("connector", output_text(root, "name"));
    struct json_iter settings = json_iter(json_get(root, "settings"));
    while (json_next(&settings, NULL, &row)) {
        line(output_text(row, "name"), output_text(row, "text"));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        str_format(text, sizeof text, "%.0f", output_number(root, numbers[i]));
        line(numbers[i], text);
    }
    line("last message", output_text(root, "last"));
    struct json_iter keys = json_iter(json_get(root, "keys"));
    while (json_next(&keys, NULL, &row)) {
        const char *used = output_text(row, "used"), *label = output_text(row, "label");
        str_format(text, sizeof text, "%s%s%s, made %s, %s%s", output_text(row, "id"),
                   label[0] != '\0' ? " " : "", label, output_text(row, "created"),
                   used[0] != '\0' ? "last used " : "never used", used);
        line("key", text);
    }
    line("trouble", output_text(root, "trouble"));
}

int cli_connector_show(struct cli *cli)
{
    struct client_reply reply;
    struct buf url;
    connector_url(&url, cli->args[0], "", NULL);
    int rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else {
        show(reply.root);
    }
    client_free(&reply);
    return rc;
}

/* ---- keys ---- */

static int key_list(struct cli *cli)
{
    struct buf url;
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/connectors/keys");
    if (cli->arg_count > 1) {
        buf_append_text(&url, "?connector=");
        client_escape(&url, cli->args[1], false);
    }
    int rc = list(cli, buf_text(&url), "keys", key_columns,
                  "there is no key yet: busbar connector key add CONNECTOR\n");
    buf_fini(&url);
    return rc;
}

static int key_add(struct cli *cli)
{
    struct client_reply reply;
    struct buf url, body;
    const char *label = cli_flag(cli, "label");
    if (cli->dry_run) {
        printf("would make a key of connector %s\n", cli->args[1]);
        return CLI_DONE;
    }
    connector_url(&url, cli->args[1], "/keys", NULL);
    buf_init(&body, CLIENT_URL_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    json_put_string(&json, "label", label != NULL ? label : "");
    json_end_object(&json);
    int rc = client_call(cli, buf_text(&url), buf_text(&body), &reply);
    buf_fini(&url);
    buf_fini(&body);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else {
        printf("%s\n", output_text(reply.root, "key"));
        if (!cli->quiet) {
            fprintf(stderr,
                    "This is key %s of connector %s. It is shown only now: give it to the devices, "
                    "as header X-Api-Key.\n",
                    output_text(reply.root, "id"), cli->args[1]);
        }
    }
    client_free(&reply);
    return rc;
}

static int key_remove(struct cli *cli)
{
    struct client_reply reply;
    struct err err = { 0 };
    struct buf url;
    if (cli->arg_count < 3) {
        return cli_fail(CLI_USAGE, "busbar connector key list shows their ids",
                        "which key of connector '%s'?", cli->args[1]);
    }
    if (cli->dry_run) {
        printf("would remove key %s of connector %s\n", cli->args[2], cli->args[1]);
        return CLI_DONE;
    }
    if (!cli_confirm(cli, "Devices that use key %s are refused from then on. Remove it?",
                     cli->args[2])) {
        fputs("nothing was changed\n", stderr);
        return CLI_FAILED;
    }
    connector_url(&url, cli->args[1], "/keys", cli->args[2]);
    int rc = client_delete(cli, buf_text(&url), &reply, &err);
    buf_fini(&url);
    if (rc != 0) {
        return cli_fail_err(&err);
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else if (!cli->quiet) {
        printf("removed key %s of connector %s\n", output_text(reply.root, "id"), cli->args[1]);
    }
    client_free(&reply);
    return rc;
}

int cli_connector_key(struct cli *cli)
{
    const char *what = cli->args[0];
    if (strcmp(what, "list") == 0) {
        return key_list(cli);
    }
    if (strcmp(what, "add") != 0 && strcmp(what, "remove") != 0) {
        return cli_fail(CLI_USAGE, "add, list or remove", "there is no 'connector key %s'", what);
    }
    if (cli->arg_count < 2) {
        return cli_fail(CLI_USAGE, "busbar connector list shows them", "of which connector?");
    }
    return strcmp(what, "add") == 0 ? key_add(cli) : key_remove(cli);
}
