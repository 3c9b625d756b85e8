/* SPDX-License-Identifier: Apache-2.0 */
/* What is held by hand: busbar point release | extend | forget, and point list --manual. */
#include "cli/hold.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

enum { PAGE = 1000, BODY_MAX = 1024 };

static const struct output_column columns[] = {
    { "POINT", "path", OUTPUT_TEXT },
    { "VALUE", "value", OUTPUT_TEXT },
    { "UNITS", "units", OUTPUT_TEXT },
    { "PRIORITY", "priority", OUTPUT_NUMBER },
    { "HELD BY", "who", OUTPUT_TEXT },
    { "FOR", "since", OUTPUT_AGE },
    { "UNTIL", "until", OUTPUT_TIME },
    { "TROUBLE", "trouble", OUTPUT_TEXT },
    { 0 },
};

/* ---- the list ---- */

static bool is_asked(const struct cli *cli, const char *path)
{
    for (int i = 0; i < cli->arg_count; i++) {
        if (str_glob(cli->args[i], path)) {
            return true;
        }
    }
    return cli->arg_count == 0;
}

int hold_list(struct cli *cli)
{
    struct output out;
    char after[320] = "";
    double after_priority = 0;
    bool more = true;
    int rc = 0;
    output_begin(&out, cli, columns);
    while (rc == 0 && more) {
        struct client_reply reply;
        struct buf url;
        buf_init(&url, CLIENT_URL_MAX);
        buf_printf(&url, "/api/v1/holds?limit=%d", PAGE);
        if (after[0] != '\0') {
            buf_printf(&url, "&after_priority=%.0f&after=", after_priority);
            client_escape(&url, after, false);
        }
        rc = client_call(cli, buf_text(&url), NULL, &reply);
        buf_fini(&url);
        if (rc != 0) {
            break;
        }
        struct json_iter it = json_iter(json_get(reply.root, "holds"));
        const struct json_value *row;
        while (json_next(&it, NULL, &row)) {
            str_copy(after, sizeof after, output_text(row, "path"));
            after_priority = output_number(row, "priority");
            if (is_asked(cli, after)) {
                output_row(&out, row);
            }
        }
        more = false;
        (void)json_get_bool(json_get(reply.root, "more"), &more);
        client_free(&reply);
    }
    int ended = output_end(&out);
    if (rc == 0 && out.rows == 0 && !cli->quiet && cli->format != CLI_JSON) {
        fputs("nothing is held by hand\n", stderr);
    }
    return rc != 0 ? rc : ended;
}

/* ---- one ---- */

int hold_priority(const struct cli *cli, int64_t *priority)
{
    const char *text = cli_flag(cli, "priority");
    *priority = 0;
    if (text != NULL && (str_parse_i64(text, priority) != 0 || *priority < 1 || *priority > 16)) {
        return cli_fail(CLI_USAGE, "1 goes before all others; people use 8",
                        "'%s' is no priority: 1 to 16", text);
    }
    return 0;
}

/* The one that is meant: --priority, else the only one. *known: it is on the list. */
static int choose(struct cli *cli, int64_t *priority, bool *known, char *value, size_t size)
{
    struct client_reply reply;
    struct buf url;
    int rc = hold_priority(cli, priority);
    *known = false;
    value[0] = '\0';
    if (rc != 0) {
        return rc;
    }
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/points/");
    client_escape(&url, cli->args[0], true);
    rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    const struct json_value *holds = json_get(reply.root, "holds"), *row;
    struct json_iter it = json_iter(holds);
    while (json_next(&it, NULL, &row)) {
        int64_t at = (int64_t)output_number(row, "priority");
        if (json_size(holds) == 1 && *priority == 0) {
            *priority = at;
        }
        if (at == *priority) {
            *known = true;
            str_format(value, size, "%s %s", output_text(row, "value"), output_text(row, "units"));
        }
    }
    if (!*known && *priority == 0 && json_size(holds) > 1) {
        rc = cli_fail(CLI_USAGE, "busbar point list --manual shows them; say --priority N",
                      "'%s' is held at %zu priorities", cli->args[0], json_size(holds));
    }
    client_free(&reply);
    return rc;
}

/* "/api/v1/holds/ahu-1/sat-sp/8" and what follows. */
static void hold_url(struct buf *url, const char *path, int64_t priority, const char *rest)
{
    buf_init(url, CLIENT_URL_MAX);
    buf_append_text(url, "/api/v1/holds/");
    client_escape(url, path, true);
    buf_printf(url, "/%lld%s", (long long)priority, rest);
}

static int not_held(const struct cli *cli)
{
    return cli_fail(CLI_NOT_FOUND, "busbar point list --manual shows what is held",
                    "'%s' is not held by hand", cli->args[0]);
}

int cli_point_release(struct cli *cli)
{
    struct client_reply reply;
    struct buf url, body;
    char value[320], at[32] = "";
    int64_t priority;
    bool known;
    int rc = choose(cli, &priority, &known, value, sizeof value);
    if (rc != 0) {
        return rc;
    }
    if (priority > 0) {
        str_format(at, sizeof at, " at priority %lld", (long long)priority);
    }
    if (cli->dry_run) {
        printf("would release %s%s\n", cli->args[0], at);
        return CLI_DONE;
    }
    if (!cli_confirm(cli, "%s  %s%s   Release?", cli->args[0], value, at)) {
        fputs("nothing was released\n", stderr);
        return CLI_FAILED;
    }
    buf_init(&body, BODY_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    if (priority > 0) {
        json_put_i64(&json, "priority", priority);
    }
    json_put_double(&json, "timeout_s", (double)cli->timeout_us / 1e6);
    json_put_bool(&json, "confirmed", true);
    json_end_object(&json);
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/points/");
    client_escape(&url, cli->args[0], true);
    buf_append_text(&url, "/release");
    cli->timeout_us += 2000000; /* the gateway's own deadline comes first */
    rc = client_call(cli, buf_text(&url), buf_text(&body), &reply);
    buf_fini(&url);
    buf_fini(&body);
    if (rc != 0) {
        return rc;
    }
    rc = output_told(cli, reply.root);
    client_free(&reply);
    return rc;
}

int cli_point_extend(struct cli *cli)
{
    struct client_reply reply;
    struct buf url, body;
    char value[320];
    int64_t priority;
    bool known;
    const char *lasting = cli_flag(cli, "for");
    int rc = choose(cli, &priority, &known, value, sizeof value);
    if (rc != 0 || !known) {
        return rc != 0 ? rc : not_held(cli);
    }
    if (cli->dry_run) {
        printf("would hold %s %s\n", cli->args[0], lasting != NULL ? lasting : "until released");
        return CLI_DONE;
    }
    buf_init(&body, BODY_MAX);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    json_put_string(&json, "for", lasting != NULL ? lasting : "");
    json_end_object(&json);
    hold_url(&url, cli->args[0], priority, "/extend");
    rc = client_call(cli, buf_text(&url), buf_text(&body), &reply);
    buf_fini(&url);
    buf_fini(&body);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else if (lasting != NULL) {
        printf("%s is held for %s from now on. To end it: busbar point release %s\n", cli->args[0],
               lasting, cli->args[0]);
    } else {
        printf("%s is held until it is released. To end it: busbar point release %s\n",
               cli->args[0], cli->args[0]);
    }
    client_free(&reply);
    return rc;
}

int cli_point_forget(struct cli *cli)
{
    struct client_reply reply;
    struct err err = { 0 };
    struct buf url;
    int64_t priority;
    int rc = hold_priority(cli, &priority);
    if (rc != 0) {
        return rc;
    }
    if (cli->dry_run) {
        printf("would take %s off the list\n", cli->args[0]);
        return CLI_DONE;
    }
    if (!cli_confirm(cli, "%s: the device keeps the value, only the list forgets it. Forget?",
                     cli->args[0])) {
        fputs("nothing was forgotten\n", stderr);
        return CLI_FAILED;
    }
    hold_url(&url, cli->args[0], priority, "");
    rc = client_delete(cli, buf_text(&url), &reply, &err);
    buf_fini(&url);
    if (rc != 0) {
        return cli_fail_err(&err);
    }
    client_free(&reply);
    printf("%s is off the list; the device was told nothing\n", cli->args[0]);
    return CLI_DONE;
}
