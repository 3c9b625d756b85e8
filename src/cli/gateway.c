/* SPDX-License-Identifier: Apache-2.0 */
/* busbar status | ports | version: the running gateway as a whole. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

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

/* A line a sink: what it is at, and what is not as it should be. */
static void show_sinks(const struct cli *cli, const struct json_value *status)
{
    struct json_iter it = json_iter(json_get(status, "sinks"));
    const struct json_value *row;
    const char *head = "sinks";
    while (json_next(&it, NULL, &row)) {
        char lag[32];
        bool up = false;
        const char *phase = output_text(row, "phase");
        (void)json_get_bool(json_get(row, "up"), &up);
        bool bad = !up && strcmp(phase, "paused") != 0;
        output_age(lag, sizeof lag, output_number(row, "lag_s"));
        printf("%-10s %s %s%s%s, lag %s, %.0f waiting, %.0f published", head,
               output_text(row, "name"), bad ? output_color(cli, "bad") : "", phase,
               bad ? output_color(cli, "off") : "", lag, output_number(row, "waiting"),
               output_number(row, "published"));
        if (output_number(row, "aside") > 0) {
            printf(", %.0f set aside", output_number(row, "aside"));
        }
        if (output_number(row, "released") > 0) {
            printf(", %.0f released", output_number(row, "released"));
        }
        putchar('\n');
        head = "";
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
    show_sinks(cli, status);
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
