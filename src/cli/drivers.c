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

int cli_drivers(struct cli *cli)
{
    struct client_reply reply;
    struct output out;
    const char *only = cli->arg_count > 0 ? cli->args[0] : NULL;
    bool found = only == NULL;
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
