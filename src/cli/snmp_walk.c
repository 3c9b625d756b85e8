/* SPDX-License-Identifier: Apache-2.0 */
/* busbar snmp walk: all that an agent has below an object, as the gateway reads it, in the lines that people know from
 * snmpwalk. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/task.h"

enum { BODY_MAX = 4096, SETTINGS_MAX = 1024, ROW_MAX = 1 << 17 };

struct walk {
    struct cli *cli;
    struct output out;
    bool numeric;
    size_t count;
};

/* "IF-MIB::ifDescr.1 = STRING: eth0" */
static void put_line(const struct walk *walk, const struct json_value *row)
{
    const char *text = output_text(row, "text");
    const char *units = output_text(row, "units");
    const char *kind = output_text(row, "kind");
    bool number = strcmp(kind, "INTEGER") == 0 || strcmp(kind, "Gauge32") == 0 ||
                  strncmp(kind, "Counter", strlen("Counter")) == 0;
    printf("%s%s = %s: %s%s%s\n", walk->numeric ? "." : "",
           output_text(row, walk->numeric ? "name" : "id"), kind, text,
           number && units[0] != '\0' ? " " : "", number ? units : "");
}

/* The fields of a value only: what else a node has is not asked here. */
static void put_json(struct walk *walk, const struct json_value *row)
{
    struct buf text;
    struct json_doc *doc = NULL;
    struct json_limits limits = { .bytes_max = ROW_MAX };
    buf_init(&text, ROW_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_string(&json, "name", output_text(row, "id"));
    json_put_string(&json, "oid", output_text(row, "name"));
    json_put_string(&json, "type", output_text(row, "kind"));
    json_key(&json, "value");
    json_copy(&json, json_get(row, "value"));
    json_put_string(&json, "text", output_text(row, "text"));
    json_put_string(&json, "units", output_text(row, "units"));
    json_end_object(&json);
    if (json_parse(buf_text(&text), text.size, &limits, &doc, NULL) == 0) {
        output_row(&walk->out, json_root(doc));
    }
    json_free(doc);
    buf_fini(&text);
}

static void on_row(void *ctx, const struct json_value *row)
{
    struct walk *walk = ctx;
    walk->count++;
    if (walk->cli->format == CLI_TABLE || walk->cli->format == CLI_PLAIN) {
        put_line(walk, row);
    } else {
        put_json(walk, row);
    }
}

/* ---- what to ask ---- */

static void put_settings(struct cli *cli, struct buf *out)
{
    struct json_writer json = json_writer(out);
    const char *credentials = cli_flag(cli, "credentials");
    json_begin_object(&json);
    json_put_string(&json, "host", cli_flag(cli, "host"));
    if (credentials != NULL) {
        json_put_string(&json, "credentials", credentials);
    }
    json_end_object(&json);
}

static void make_body(struct cli *cli, const char *what, struct buf *body)
{
    struct json_writer json = json_writer(body);
    struct buf at;
    struct buf settings;
    buf_init(&at, BODY_MAX);
    buf_init(&settings, SETTINGS_MAX);
    (void)buf_printf(&at, "walk:%s", what);
    json_begin_object(&json);
    if (cli_flag(cli, "host") != NULL) {
        put_settings(cli, &settings);
        json_put_string(&json, "protocol", "snmp");
        json_put_string(&json, "settings", buf_text(&settings));
    } else {
        json_put_string(&json, "device", cli->args[0]);
    }
    json_put_string(&json, "at", buf_text(&at));
    json_end_object(&json);
    buf_fini(&settings);
    buf_fini(&at);
}

/* ---- the walk ---- */

static int show(struct cli *cli, const struct task *task, int end)
{
    static const struct output_column columns[] = {
        { "NAME", "name", OUTPUT_TEXT },   { "OID", "oid", OUTPUT_TEXT },
        { "TYPE", "type", OUTPUT_TEXT },   { "VALUE", "text", OUTPUT_TEXT },
        { "UNITS", "units", OUTPUT_TEXT }, { 0 },
    };
    struct walk walk = { .cli = cli, .numeric = cli_flag(cli, "numeric") != NULL };
    struct task_rows rows;
    output_begin(&walk.out, cli, columns);
    int rc = task_rows(cli, task, "nodes", on_row, &walk, &rows);
    int ended = cli->format == CLI_TABLE || cli->format == CLI_PLAIN ? 0 : output_end(&walk.out);
    task_rows_free(&rows);
    double left_out = output_number(task->last.root, "left_out");
    if (rc == 0 && left_out > 0) {
        fprintf(stderr, "%.0f values more are not shown: walk a part of it\n", left_out);
    }
    if (rc == 0 && walk.count == 0 && ended == 0 && end == CLI_DONE) {
        return cli_fail(CLI_NOT_FOUND, "the agent has no such object, or this login may not see it",
                        "there is nothing");
    }
    return rc != 0 ? rc : ended;
}

int cli_snmp_walk(struct cli *cli)
{
    bool host = cli_flag(cli, "host") != NULL;
    int what = host ? 0 : 1; /* which argument it is */
    struct task task;
    struct buf body;
    if (!host && cli->arg_count == 0) {
        return cli_fail(CLI_USAGE, "busbar snmp walk switch-1, or --host 10.0.4.2",
                        "say which agent to ask");
    }
    if (cli->arg_count > what + 1) {
        return cli_fail(CLI_USAGE, "busbar snmp walk switch-1 ifTable", "one word too many: '%s'",
                        cli->args[what + 1]);
    }
    buf_init(&body, BODY_MAX);
    make_body(cli, cli->arg_count > what ? cli->args[what] : "", &body);
    int rc = task_run(cli, "browses", buf_text(&body), &task);
    buf_fini(&body);
    if (rc == 0) {
        int end = task_exit(cli, &task);
        bool any = output_number(task.last.root, "count") > 0;
        rc = end == CLI_DONE || any ? show(cli, &task, end) : rc;
        rc = rc != 0 ? rc : end;
    }
    if (rc != CLI_INTERRUPTED || !task.stopped) {
        task_forget(cli, &task);
    }
    task_free(&task);
    return rc;
}
