/* SPDX-License-Identifier: Apache-2.0 */
/* busbar drivers: how the protocols themselves are doing. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

enum { ROW_MAX = 16384 };

static const struct output_column columns[] = {
    { "PROTOCOL", "protocol", OUTPUT_TEXT }, { "PART", "part", OUTPUT_TEXT },
    { "WHAT", "name", OUTPUT_TEXT },         { "NOW", "text", OUTPUT_TEXT },
    { "TROUBLE", "trouble", OUTPUT_TEXT },   { 0 },
};

/* One fact with its protocol beside it. */
static void put_fact(struct output *out, const char *protocol, const struct json_value *fact)
{
    struct buf text;
    struct json_doc *doc = NULL;
    buf_init(&text, ROW_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    json_put_string(&json, "protocol", protocol);
    for (size_t i = 1; columns[i].head != NULL; i++) {
        json_put_string(&json, columns[i].field, output_text(fact, columns[i].field));
    }
    json_end_object(&json);
    if (json_parse(buf_text(&text), text.size, NULL, &doc, NULL) == 0) {
        output_row(out, json_root(doc));
    }
    json_free(doc);
    buf_fini(&text);
}

/* ---- messages ---- */

static const struct output_column refused_columns[] = {
    { "TIME", "time", OUTPUT_TIME },       { "FROM", "source", OUTPUT_TEXT },
    { "WHERE", "where", OUTPUT_TEXT },     { "WHY", "why", OUTPUT_TEXT },
    { "MESSAGE", "excerpt", OUTPUT_TEXT }, { 0 },
};
static const struct output_column source_columns[] = {
    { "FROM", "source", OUTPUT_TEXT },
    { "MESSAGES", "messages", OUTPUT_NUMBER },
    { "REFUSED", "refused", OUTPUT_NUMBER },
    { "HEARD", "last", OUTPUT_AGE },
    { "REFUSED LAST", "last_refused", OUTPUT_AGE },
    { 0 },
};
static const struct output_column unknown_columns[] = {
    { "ID", "id", OUTPUT_TEXT },
    { "CAME BY", "came_by", OUTPUT_TEXT },
    { "MESSAGES", "messages", OUTPUT_NUMBER },
    { "HEARD", "last", OUTPUT_AGE },
    { "MESSAGE", "sample", OUTPUT_TEXT },
    { 0 },
};

static int messages_of(struct cli *cli, const char *list, const struct output_column *as,
                       const char *none)
{
    char url[CLIENT_URL_MAX];
    struct client_reply reply;
    struct output out;
    if (cli->arg_count == 0) {
        return cli_fail(CLI_USAGE, "busbar drivers mqtt --refused", "which protocol?");
    }
    str_format(url, sizeof url, "/api/v1/drivers/%s/messages?limit=10000", cli->args[0]);
    int rc = client_call(cli, url, NULL, &reply);
    if (rc != 0) {
        return rc;
    }
    output_begin(&out, cli, as);
    struct json_iter rows = json_iter(json_get(reply.root, list));
    const struct json_value *row;
    while (json_next(&rows, NULL, &row)) {
        output_row(&out, row);
    }
    rc = output_end(&out);
    client_free(&reply);
    if (rc == 0 && out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fprintf(stderr, "%s\n", none);
    }
    return rc;
}

/* What came, as facts like those of the driver itself. */
static void put_counts(struct output *out, const char *protocol, const struct json_value *counts)
{
    static const char *const rows[][2] = {
        { "messages", "messages" },
        { "readings", "values in them" },
        { "events", "events in them" },
        { "repeated", "messages that came again" },
        { "refused", "messages refused" },
        { "unused", "messages without use" },
        { "strangers", "of unknown devices" },
        { "waiting", "wait for the disk" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double count = output_number(counts, rows[i][0]);
        struct buf text;
        struct json_doc *doc = NULL;
        if (count == 0 && i > 1) {
            continue;
        }
        buf_init(&text, ROW_MAX);
        buf_printf(&text, "{\"name\":\"%s\",\"text\":\"%.0f\",\"part\":\"\",\"trouble\":\"\"}",
                   rows[i][1], count);
        if (json_parse(buf_text(&text), text.size, NULL, &doc, NULL) == 0) {
            put_fact(out, protocol, json_root(doc));
        }
        json_free(doc);
        buf_fini(&text);
    }
}

int cli_drivers(struct cli *cli)
{
    struct client_reply reply;
    struct output out;
    const char *only = cli->arg_count > 0 ? cli->args[0] : NULL;
    bool found = only == NULL;
    if (cli_flag(cli, "refused") != NULL) {
        return messages_of(cli, "refusals", refused_columns, "no message was refused");
    }
    if (cli_flag(cli, "sources") != NULL) {
        return messages_of(cli, "sources", source_columns, "nobody has sent a message");
    }
    if (cli_flag(cli, "unknown") != NULL) {
        return messages_of(cli, "unknown_ids", unknown_columns,
                           "every id that came is one of a device");
    }
    int rc = client_call(cli, "/api/v1/drivers", NULL, &reply);
    if (rc != 0) {
        return rc;
    }
    output_begin(&out, cli, columns);
    struct json_iter drivers = json_iter(json_get(reply.root, "drivers"));
    const struct json_value *driver, *fact;
    while (json_next(&drivers, NULL, &driver)) {
        const char *protocol = output_text(driver, "protocol");
        if (only == NULL || strcmp(only, protocol) == 0) {
            struct json_iter facts = json_iter(json_get(driver, "facts"));
            found = true;
            while (json_next(&facts, NULL, &fact)) {
                put_fact(&out, protocol, fact);
            }
            if (json_type(json_get(driver, "messages")) == JSON_OBJECT) {
                put_counts(&out, protocol, json_get(driver, "messages"));
            }
        }
    }
    rc = output_end(&out);
    client_free(&reply);
    if (!found) {
        return cli_fail(CLI_NOT_FOUND, "busbar drivers shows all", "there is no protocol '%s'",
                        only);
    }
    if (rc == 0 && out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs("no protocol is in use that has something to tell beside its devices\n", stderr);
    }
    return rc;
}
