/* SPDX-License-Identifier: Apache-2.0 */
/* busbar ledger: whether each sample that came is accounted for, by the gateway and by its sinks. */
#include <stdio.h>

#include "base/json.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/progress.h"

enum { LEDGER_PAGE = 10000, JSON_MAX = 16 << 20 };

static const struct output_column ledger_columns[] = {
    { "POINT", "path", OUTPUT_TEXT },        { "RECEIVED", "received", OUTPUT_NUMBER },
    { "STORED", "stored", OUTPUT_NUMBER },   { "REPEATED", "repeated", OUTPUT_NUMBER },
    { "REFUSED", "refused", OUTPUT_NUMBER }, { "WAITING", "waiting", OUTPUT_NUMBER },
    { "BALANCES", "balances", OUTPUT_TEXT }, { 0 },
};

/* Whether a part says of itself that it balances; what is not known is no lie. */
static bool balances(const struct json_value *part)
{
    bool says = true;
    (void)json_get_bool(json_get(part, "balances"), &says);
    return says;
}

static void show_sinks(const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "sinks"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        const char *hint = output_text(row, "hint");
        printf("sink %s: %s%s%s\n", output_text(row, "sink"), output_text(row, "text"),
               hint[0] != '\0' ? "; " : "", hint);
    }
}

static void show_totals(const struct json_value *root)
{
    const struct json_value *totals = json_get(root, "totals"), *row;
    printf("received  %14.0f\nstored    %14.0f\nrepeated  %14.0f\nwaiting   %14.0f\n",
           output_number(totals, "received"), output_number(totals, "stored"),
           output_number(totals, "repeated"), output_number(totals, "waiting"));
    struct json_iter it = json_iter(json_get(totals, "refused"));
    while (json_next(&it, NULL, &row)) {
        printf("refused   %14.0f  %s\n", output_number(row, "count"), output_text(row, "reason"));
    }
    it = json_iter(json_get(json_get(root, "ingest"), "refused"));
    while (json_next(&it, NULL, &row)) {
        printf("refused   %14.0f  sent to the time series: %s\n", output_number(row, "count"),
               output_text(row, "reason"));
    }
    puts(balances(totals) ? "balances: received = stored + repeated + refused + waiting"
                          : "DOES NOT BALANCE");
    show_sinks(root);
}

/* The totals and the sinks as one object. */
static int totals_json(const struct cli *cli, const struct json_value *root)
{
    struct buf text;
    buf_init(&text, JSON_MAX);
    struct json_writer json = json_writer(&text);
    struct json_iter it = json_iter(json_get(root, "totals"));
    const struct json_value *value;
    const char *key;
    json_begin_object(&json);
    while (json_next(&it, &key, &value)) {
        json_key(&json, key);
        json_copy(&json, value);
    }
    json_key(&json, "sinks");
    json_copy(&json, json_get(root, "sinks"));
    json_end_object(&json);
    int rc = output_json_text(cli, &text);
    buf_fini(&text);
    return rc;
}

/* Page by page: a million points are no answer for one request. The totals of the last page stay in `reply`. */
static int ledger_pages(struct cli *cli, struct client_reply *reply)
{
    struct output out;
    struct progress progress;
    int rc = 0;
    bool more = true;
    output_begin(&out, cli, ledger_columns);
    progress_begin(&progress, cli);
    for (uint64_t offset = 0; more && rc == 0;) {
        struct buf url;
        buf_init(&url, CLIENT_URL_MAX);
        buf_printf(&url, "/api/v1/ledger?sinks=false&limit=%d&offset=%llu&match=", LEDGER_PAGE,
                   (unsigned long long)offset);
        client_escape(&url, cli->arg_count > 0 ? cli->args[0] : "*", false);
        rc = client_call(cli, buf_text(&url), NULL, reply);
        buf_fini(&url);
        if (rc != 0) {
            break;
        }
        const struct json_value *rows = json_get(reply->root, "points"), *row;
        struct json_iter it = json_iter(rows);
        while (json_next(&it, NULL, &row)) {
            output_row(&out, row);
        }
        offset += json_size(rows);
        double total = output_number(reply->root, "total");
        progress_at(&progress, offset, (uint64_t)total);
        more = json_size(rows) > 0 && (double)offset < total && !output_asks_fields(cli);
        if (more) {
            client_free(reply);
        }
    }
    progress_end(&progress);
    int ended = output_end(&out);
    if (rc == 0 && ended != 0) {
        client_free(reply);
    }
    return rc != 0 ? rc : ended;
}

static int ledger_totals(struct cli *cli, struct client_reply *reply)
{
    struct buf url;
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/ledger?limit=0&match=");
    client_escape(&url, cli->arg_count > 0 ? cli->args[0] : "*", false);
    int rc = client_call(cli, buf_text(&url), NULL, reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    if (cli->format != CLI_JSON) {
        show_totals(reply->root);
        return 0;
    }
    rc = totals_json(cli, reply->root);
    if (rc != 0) {
        client_free(reply);
    }
    return rc;
}

/* What does not balance, the points or one of the sinks. */
static int tell_wrong(const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "sinks"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        if (!balances(row)) {
            return cli_fail(CLI_FAILED, "busbar sink resend sends what history has once more",
                            "the ledger of the sink %s does not balance: %s",
                            output_text(row, "sink"), output_text(row, "text"));
        }
    }
    return cli_fail(CLI_FAILED, "busbar ledger --points shows where; please report it",
                    "the ledger does not balance");
}

int cli_ledger(struct cli *cli)
{
    struct client_reply reply;
    int rc = cli_flag(cli, "points") != NULL ? ledger_pages(cli, &reply)
                                             : ledger_totals(cli, &reply);
    if (rc != 0) {
        return rc;
    }
    if (output_number(reply.root, "total") == 0 && cli->arg_count > 0 && !cli->quiet) {
        fputs("no point matches\n", stderr);
    }
    rc = balances(reply.root) ? CLI_DONE : tell_wrong(reply.root);
    client_free(&reply);
    return rc;
}
