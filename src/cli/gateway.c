/* SPDX-License-Identifier: Apache-2.0 */
/* busbar status | ports | ledger | version: the running gateway as a whole. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/progress.h"

enum { LEDGER_PAGE = 10000 };

static void bytes_line(const char *name, double bytes)
{
    char text[32];
    str_format_bytes(text, sizeof text, bytes < 0 ? 0 : (uint64_t)bytes);
    printf("%-10s %s\n", name, text);
}

static void show_problems(const struct cli *cli, const struct json_value *health)
{
    struct json_iter it = json_iter(json_get(health, "problems"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        printf("%sproblem%s    %s: %s\n           %s\n", output_color(cli, "bad"),
               output_color(cli, "off"), output_text(row, "what"), output_text(row, "why"),
               output_text(row, "hint"));
    }
}

/* A line a policy, when there are any but the default. */
static void show_policies(const struct json_value *status)
{
    const struct json_value *policies = json_get(json_get(status, "history"), "policies");
    struct json_iter it = json_iter(policies);
    const struct json_value *row;
    while (json_size(policies) > 1 && json_next(&it, NULL, &row)) {
        char bytes[32], most[32];
        double max = output_number(row, "max_bytes");
        str_format_bytes(bytes, sizeof bytes, (uint64_t)output_number(row, "bytes"));
        str_format_bytes(most, sizeof most, (uint64_t)max);
        printf("  %-14s %s%s%s, oldest %s\n", output_text(row, "name"), bytes,
               max > 0 ? " of " : "", max > 0 ? most : "",
               output_text(row, "oldest")[0] != '\0' ? output_text(row, "oldest") : "none");
    }
}

static void show_history(const struct json_value *status)
{
    const double samples = output_number(status, "history.block_samples");
    const double bytes = output_number(status, "history.block_bytes");
    char blocks[32], log[32];
    str_format_bytes(blocks, sizeof blocks, (uint64_t)bytes);
    str_format_bytes(log, sizeof log, (uint64_t)output_number(status, "history.log_bytes"));
    printf("history    %.0f series, %.0f samples", output_number(status, "history.series"),
           samples + output_number(status, "history.head_samples"));
    if (samples > 0) {
        printf(", %s in blocks (%.2f B a sample)", blocks, bytes / samples);
    }
    printf(", log %s\n", log);
    show_policies(status);
    const char *doing = output_text(status, "history.doing");
    if (doing[0] != '\0' && strcmp(doing, "nothing") != 0) {
        printf("upkeep     %s (%.0f days, %.0f of them recoded)\n", doing,
               output_number(status, "history.days"), output_number(status, "history.cold_days"));
    }
}

static void show_status(const struct cli *cli, const struct json_value *status,
                        const struct json_value *health)
{
    const struct json_value *site = json_get(status, "site");
    char age[32];
    output_age(age, sizeof age, output_number(health, "uptime_s"));
    const char *name = output_text(site, "name"), *id = output_text(site, "id");
    printf("site       %s%s%s%s, busbar %s, up %s\n", name[0] != '\0' ? name : "(not named)",
           id[0] != '\0' ? " (" : "", id, id[0] != '\0' ? ")" : "", output_text(health, "version"),
           age);
    printf("devices    %.0f up, %.0f down, %.0f connecting, %.0f paused\n",
           output_number(status, "devices.up"), output_number(status, "devices.down"),
           output_number(status, "devices.connecting"), output_number(status, "devices.paused"));
    printf("points     %.0f good, %.0f bad of %.0f\n", output_number(status, "points.good"),
           output_number(status, "points.bad"), output_number(status, "points.total"));
    if (output_number(status, "holds") > 0) {
        printf("by hand    %.0f held: busbar point list --manual\n",
               output_number(status, "holds"));
    }
    printf("rate       %.0f samples/s, %.0f polls/s\n", output_number(status, "samples_per_s"),
           output_number(status, "polls_per_s"));
    printf("ledger     %.0f received = %.0f stored + %.0f repeated + %.0f refused + %.0f waiting\n",
           output_number(status, "received"), output_number(status, "stored"),
           output_number(status, "repeated"), output_number(status, "refused"),
           output_number(status, "waiting"));
    printf("events     %.0f kept, %.0f unacknowledged\n", output_number(status, "events.kept"),
           output_number(status, "events.unacked"));
    printf("log        %s%s%s\n", output_text(health, "log.state"),
           output_text(health, "log.error")[0] != '\0' ? ": " : "",
           output_text(health, "log.error"));
    show_history(status);
    bytes_line("disk free", output_number(health, "disk.free_bytes"));
    bytes_line("memory", output_number(status, "memory_bytes"));
    printf("config     version %.0f\n", output_number(health, "config.version"));
    show_problems(cli, health);
}

int cli_status(struct cli *cli)
{
    struct client_reply status, health;
    int rc = client_call(cli, "/api/v1/status", NULL, &status);
    if (rc != 0) {
        return rc;
    }
    rc = client_call(cli, "/api/v1/health", NULL, &health);
    if (rc == 0) {
        if (cli->format == CLI_JSON) {
            rc = output_json(cli, status.root);
        } else {
            show_status(cli, status.root, health.root);
        }
        client_free(&health);
    }
    client_free(&status);
    return rc;
}

/* ---- ports ---- */

static const struct output_column port_columns[] = {
    { "USE", "use", OUTPUT_TEXT },
    { "PROTO", "transport", OUTPUT_TEXT },
    { "PORT", "port", OUTPUT_NUMBER },
    { "ADDRESS", "address", OUTPUT_TEXT },
    { "DIRECTION", "direction", OUTPUT_TEXT },
    { "PEER", "peer", OUTPUT_TEXT },
    { "FIREWALL", "firewall", OUTPUT_TEXT },
    { "OWNER", "owner", OUTPUT_TEXT },
    { "CONFLICT", "conflict", OUTPUT_TEXT },
    { 0 },
};

int cli_ports(struct cli *cli)
{
    bool nft = cli_flag(cli, "nft") != NULL, ufw = cli_flag(cli, "ufw") != NULL;
    struct client_reply reply;
    int rc = client_call(cli,
                         nft   ? "/api/v1/ports?format=nft"
                         : ufw ? "/api/v1/ports?format=ufw"
                               : "/api/v1/ports",
                         NULL, &reply);
    if (rc != 0) {
        return rc;
    }
    int conflicts = 0;
    if (nft || ufw) {
        fputs(buf_text(&reply.body), stdout);
    } else {
        struct output out;
        output_begin(&out, cli, port_columns);
        struct json_iter it = json_iter(json_get(reply.root, "ports"));
        const struct json_value *row;
        while (json_next(&it, NULL, &row)) {
            output_row(&out, row);
            conflicts += output_text(row, "conflict")[0] != '\0' ? 1 : 0;
        }
        rc = output_end(&out);
    }
    client_free(&reply);
    return rc != 0 ? rc : conflicts > 0 ? CLI_PROBLEMS : CLI_DONE;
}

/* ---- ledger ---- */

static const struct output_column ledger_columns[] = {
    { "POINT", "path", OUTPUT_TEXT },        { "RECEIVED", "received", OUTPUT_NUMBER },
    { "STORED", "stored", OUTPUT_NUMBER },   { "REPEATED", "repeated", OUTPUT_NUMBER },
    { "REFUSED", "refused", OUTPUT_NUMBER }, { "WAITING", "waiting", OUTPUT_NUMBER },
    { "BALANCES", "balances", OUTPUT_TEXT }, { 0 },
};

static void show_totals(const struct json_value *root, bool balances)
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
    puts(balances ? "balances: received = stored + repeated + refused + waiting"
                  : "DOES NOT BALANCE");
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
        buf_printf(&url, "/api/v1/ledger?limit=%d&offset=%llu&match=", LEDGER_PAGE,
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
    bool balances = false;
    (void)json_get_bool(json_get(reply->root, "balances"), &balances);
    if (cli->format != CLI_JSON) {
        show_totals(reply->root, balances);
        return 0;
    }
    rc = output_json(cli, json_get(reply->root, "totals"));
    if (rc != 0) {
        client_free(reply);
    }
    return rc;
}

int cli_ledger(struct cli *cli)
{
    struct client_reply reply;
    int rc = cli_flag(cli, "points") != NULL ? ledger_pages(cli, &reply)
                                             : ledger_totals(cli, &reply);
    if (rc != 0) {
        return rc;
    }
    bool balances = false;
    (void)json_get_bool(json_get(reply.root, "balances"), &balances);
    if (output_number(reply.root, "total") == 0 && cli->arg_count > 0 && !cli->quiet) {
        fputs("no point matches\n", stderr);
    }
    client_free(&reply);
    if (!balances) {
        return cli_fail(CLI_FAILED, "busbar ledger --points shows where; please report it",
                        "the ledger does not balance");
    }
    return CLI_DONE;
}

int cli_version(struct cli *cli)
{
    if (cli->format == CLI_JSON) {
        struct buf text;
        buf_init(&text, 256);
        buf_append_text(&text, "{\"version\":\"" BUSBAR_VERSION "\"}");
        int rc = output_json_text(cli, &text);
        buf_fini(&text);
        return rc;
    }
    printf("busbar " BUSBAR_VERSION "\n");
    if (cli->verbose) {
        printf("%s\n", curl_version());
    }
    return CLI_DONE;
}
