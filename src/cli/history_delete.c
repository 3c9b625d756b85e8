/* SPDX-License-Identifier: Apache-2.0 */
/* busbar history delete 'MATCHER': counts first, asks, deletes. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/output.h"

enum { BODY_MAX = 64 * 1024 };

#define TIMEOUT_US (600 * CLOCK_US_PER_S)

static int call(const struct cli *cli, bool dry_run, struct client_reply *reply)
{
    struct buf body;
    buf_init(&body, BODY_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    json_put_string(&json, "match", cli->args[0]);
    if (cli_flag(cli, "from") != NULL) {
        json_put_string(&json, "from", cli_flag(cli, "from"));
    }
    if (cli_flag(cli, "to") != NULL) {
        json_put_string(&json, "to", cli_flag(cli, "to"));
    }
    json_put_bool(&json, "dry_run", dry_run);
    json_end_object(&json);
    int rc = body.overflow ? cli_fail(CLI_USAGE, NULL, "the matcher is too long")
                           : client_call(cli, "/api/v1/history/delete", buf_text(&body), reply);
    buf_fini(&body);
    return rc;
}

static int show(const struct cli *cli, const struct json_value *root, const char *what)
{
    if (cli->format == CLI_JSON) {
        return output_json(cli, root);
    }
    printf("%s%.0f series, %.0f samples\n", what, output_number(root, "series"),
           output_number(root, "samples"));
    return 0;
}

int cli_history_delete(struct cli *cli)
{
    struct client_reply reply;
    if (cli_flag(cli, "timeout") == NULL) {
        cli->timeout_us = TIMEOUT_US;
    }
    int rc = call(cli, true, &reply);
    if (rc != 0) {
        return rc;
    }
    double series = output_number(reply.root, "series");
    double samples = output_number(reply.root, "samples");
    if (series == 0 || cli->dry_run) {
        rc = show(cli, reply.root, cli->dry_run ? "would delete " : "nothing to delete: ");
        client_free(&reply);
        return rc;
    }
    client_free(&reply);
    bool all = cli_flag(cli, "from") == NULL && cli_flag(cli, "to") == NULL;
    if (!cli_confirm(cli, "Delete %.0f samples of %.0f series%s for ever?", samples, series,
                     all ? " and these series" : "")) {
        return CLI_FAILED;
    }
    rc = call(cli, false, &reply);
    if (rc == 0) {
        rc = show(cli, reply.root, "deleted ");
        client_free(&reply);
    }
    return rc;
}
