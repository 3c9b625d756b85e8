/* SPDX-License-Identifier: Apache-2.0 */
/* busbar discover PROTO [RANGE] */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/browse.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/task.h"

enum { BODY_MAX = 16384, PAGE = 500 };

static const struct output_column columns[] = {
    { "ID", "find", OUTPUT_NUMBER },         { "DEVICE", "id", OUTPUT_TEXT },
    { "NAME", "name", OUTPUT_TEXT },         { "VENDOR", "vendor", OUTPUT_TEXT },
    { "MODEL", "model", OUTPUT_TEXT },       { "ADDRESS", "address", OUTPUT_TEXT },
    { "OBJECTS", "objects", OUTPUT_NUMBER }, { "ANSWERS", "answers", OUTPUT_TEXT },
    { "STATE", "told", OUTPUT_TEXT },        { 0 },
};

struct finds {
    struct cli *cli;
    struct output out;
    size_t count_new, count_known;
    int64_t first_new;             /* number of the first one; 0: none */
    const struct json_value *last; /* of a discovery: the one told last */
};

/* For people: "12 ms", "known: ahu-1", "new (answers at two addresses)". */
static void table_row(struct finds *finds, const struct json_value *row)
{
    struct buf text;
    struct json_doc *doc = NULL;
    char answers[32] = "", told[256];
    const char *device = output_text(row, "device"), *trouble = output_text(row, "trouble");
    double answer_ms = output_number(row, "answer_ms");
    if (answer_ms > 0) {
        str_format(answers, sizeof answers, answer_ms < 10 ? "%.1f ms" : "%.0f ms", answer_ms);
    }
    str_format(told, sizeof told, "%s%s%s%s%s", output_text(row, "state"),
               device[0] != '\0' ? ": " : "", device, trouble[0] != '\0' ? "; " : "", trouble);
    buf_init(&text, BODY_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_i64(&json, "find", (int64_t)output_number(row, "find"));
    for (size_t i = 1; i <= 5; i++) {
        json_put_string(&json, columns[i].field, output_text(row, columns[i].field));
    }
    if (json_type(json_get(row, "objects")) == JSON_INTEGER) {
        json_put_i64(&json, "objects", (int64_t)output_number(row, "objects"));
    }
    json_put_string(&json, "answers", answers);
    json_put_string(&json, "told", told);
    json_end_object(&json);
    if (json_parse(buf_text(&text), text.size, NULL, &doc, NULL) == 0) {
        output_row(&finds->out, json_root(doc));
    }
    json_free(doc);
    buf_fini(&text);
}

static void on_find(void *ctx, const struct json_value *row)
{
    struct finds *finds = ctx;
    if (strcmp(output_text(row, "state"), "new") == 0) {
        finds->count_new++;
        finds->first_new = finds->first_new != 0 ? finds->first_new
                                                 : (int64_t)output_number(row, "find");
    } else {
        finds->count_known++;
    }
    finds->last = row;
    if (finds->cli->format == CLI_JSON) {
        output_row(&finds->out, row);
    } else {
        table_row(finds, row);
    }
}

/* A network's name, or its number in the protocol, as a range. */
static void put_network(struct json_writer *json, const char *network)
{
    char range[128];
    int64_t number;
    str_format(range, sizeof range, "%s%s", str_parse_i64(network, &number) == 0 ? "network " : "",
               network);
    json_put_string(json, "range", range);
}

/* As one text: "10.0.4.0/24,10.0.5.7". */
static void put_ranges(struct json_writer *json, const struct cli *cli)
{
    struct buf ranges;
    buf_init(&ranges, BODY_MAX);
    for (int i = 1; i < cli->arg_count; i++) {
        (void)buf_printf(&ranges, "%s%s", i > 1 ? "," : "", cli->args[i]);
    }
    json_put_string(json, "range", buf_text(&ranges));
    buf_fini(&ranges);
}

/* {"protocol", "range", "options"} */
/* Listening for as long as was asked, and the way there and back. */
#define WAIT_MORE_US (INT64_C(60) * 1000000)

static void make_body(struct cli *cli, struct buf *body)
{
    static const char *const options[][2] = { { "low", "low" },   { "high", "high" },
                                              { "has", "name" },  { "wait", "wait" },
                                              { "port", "port" }, { "credentials", "credentials" },
                                              { "rate", "rate" }, { "topic", "topic" } };
    const char *network = cli_flag(cli, "network");
    struct json_writer json = json_writer(body);
    json_begin_object(&json);
    json_put_string(&json, "protocol", cli->args[0]);
    if (cli->arg_count > 1) {
        put_ranges(&json, cli);
    } else if (network != NULL) {
        put_network(&json, network);
    }
    json_put_object(&json, "options");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (cli_flag(cli, options[i][0]) != NULL) {
            json_put_string(&json, options[i][1], cli_flag(cli, options[i][0]));
        }
    }
    if (cli_flag(cli, "scan") != NULL) {
        json_put_bool(&json, "scan", true);
    }
    if (cli_flag(cli, "public") != NULL) {
        json_put_bool(&json, "public", true);
    }
    json_end_object(&json);
    int64_t wait_us = 0;
    const char *wait = cli_flag(cli, "wait");
    if (cli_flag(cli, "timeout") != NULL) {
        json_put_double(&json, "timeout_s", (double)cli->timeout_us / 1e6);
    } else if (wait != NULL && str_parse_duration_us(wait, &wait_us) == 0) {
        json_put_double(&json, "timeout_s", (double)(wait_us + WAIT_MORE_US) / 1e6);
    }
    json_end_object(&json);
}

/* What is known of a single find, the endpoints of a server among it. */
static void show_facts(const struct finds *finds)
{
    static const struct output_column fact_columns[] = {
        { "FACT", "name", OUTPUT_TEXT },
        { "", "text", OUTPUT_TEXT },
        { 0 },
    };
    const struct json_value *facts = json_get(finds->last, "facts"), *fact;
    struct output out;
    if (finds->cli->format != CLI_TABLE || finds->count_new + finds->count_known != 1 ||
        json_size(facts) == 0) {
        return;
    }
    putchar('\n');
    output_begin(&out, finds->cli, fact_columns);
    struct json_iter it = json_iter(facts);
    while (json_next(&it, NULL, &fact)) {
        output_row(&out, fact);
    }
    (void)output_end(&out);
}

/* said: the driver told something about the result. */
static void talk(const struct finds *finds, bool said)
{
    const struct cli *cli = finds->cli;
    if (cli->quiet || cli->format == CLI_JSON) {
        return;
    }
    if (finds->count_new + finds->count_known == 0) {
        if (said) {
            return;
        }
        fprintf(stderr, "%s\n",
                strcmp(cli->args[0], "mqtt") == 0
                    ? "nothing was heard. Devices that speak seldom need longer: "
                      "--wait 5m"
                    : "nothing found. If there should be devices: the network card, "
                      "the firewall and routers in between decide who is heard; see "
                      "busbar ports");
    } else if (finds->first_new != 0) {
        fprintf(stderr, "%zu new, %zu known. Look into one: busbar device browse --find %lld\n",
                finds->count_new, finds->count_known, (long long)finds->first_new);
    } else {
        fprintf(stderr, "%zu new, %zu known\n", finds->count_new, finds->count_known);
    }
}

/* --yaml: of the one that is new. */
static int show_yaml(struct finds *finds)
{
    if (finds->count_new != 1) {
        char hint[96] = "busbar discover shows them; then: busbar device browse --find ID --yaml";
        return cli_fail(finds->count_new == 0 ? CLI_NOT_FOUND : CLI_USAGE, hint,
                        "%zu new devices: --yaml is for one", finds->count_new);
    }
    return browse_yaml_of_find(finds->cli, finds->first_new);
}

static void count_only(void *ctx, const struct json_value *row)
{
    struct finds *finds = ctx;
    if (strcmp(output_text(row, "state"), "new") == 0) {
        finds->count_new++;
        finds->first_new = (int64_t)output_number(row, "find");
    }
}

/* --heard: nobody is asked. */
static int list_heard(struct cli *cli, struct finds *finds)
{
    size_t offset = 0, got = PAGE;
    int rc = 0;
    output_begin(&finds->out, cli, columns);
    while (rc == 0 && got == PAGE) {
        struct client_reply reply;
        struct buf url;
        buf_init(&url, CLIENT_URL_MAX);
        buf_printf(&url, "/api/v1/finds?limit=%d&offset=%zu&protocol=", PAGE, offset);
        client_escape(&url, cli->args[0], false);
        rc = client_call(cli, buf_text(&url), NULL, &reply);
        buf_fini(&url);
        if (rc != 0) {
            break;
        }
        const struct json_value *rows = json_get(reply.root, "finds"), *row;
        struct json_iter it = json_iter(rows);
        while (json_next(&it, NULL, &row)) {
            on_find(finds, row);
        }
        got = json_size(rows);
        offset += got;
        client_free(&reply);
    }
    int ended = output_end(&finds->out);
    if (rc == 0 && ended == 0) {
        talk(finds, false);
    }
    return rc != 0 ? rc : ended;
}

int cli_discover(struct cli *cli)
{
    struct finds finds = { .cli = cli };
    struct task task;
    struct task_rows rows = { 0 };
    struct buf body;
    bool yaml = cli_flag(cli, "yaml") != NULL;
    if (cli_flag(cli, "heard") != NULL) {
        return list_heard(cli, &finds);
    }
    buf_init(&body, BODY_MAX);
    make_body(cli, &body);
    int rc = task_run(cli, "discoveries", buf_text(&body), &task);
    buf_fini(&body);
    if (rc == 0) {
        int end = task_exit(cli, &task);
        if (!yaml) {
            output_begin(&finds.out, cli, columns);
        }
        rc = task_rows(cli, &task, "finds", yaml ? count_only : on_find, &finds, &rows);
        int ended = yaml ? 0 : output_end(&finds.out);
        rc = rc != 0 ? rc : ended;
        if (!yaml) {
            show_facts(&finds);
        }
        bool told = end == CLI_DONE || end == CLI_INTERRUPTED;
        if (rc == 0 && !yaml && told) {
            talk(&finds, output_text(task.last.root, "message")[0] != '\0');
        } else if (rc == 0 && end == CLI_DONE) {
            end = show_yaml(&finds);
        }
        rc = rc != 0 ? rc : end;
        task_rows_free(&rows);
    }
    task_free(&task);
    return rc;
}
