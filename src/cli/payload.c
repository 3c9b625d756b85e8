/* SPDX-License-Identifier: Apache-2.0 */
/* busbar payload test: what rules take out of a message. Those of a device are asked of the gateway; rules that stand on
 * the command line need none. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "payload/draft.h"

enum { ANSWER_MAX = 16 << 20 };

static const struct output_column columns[] = {
    { "NAME", "name", OUTPUT_TEXT },
    { "RULE", "rule", OUTPUT_TEXT },
    { "ELEMENT", "id", OUTPUT_TEXT },
    { "FOUND", "found", OUTPUT_TEXT },
    { "VALUE", "value", OUTPUT_TEXT },
    { "TYPE", "type", OUTPUT_TEXT },
    { "TIME", "time", OUTPUT_TIME },
    { "WHY NOT", "why", OUTPUT_TEXT },
    { 0 },
};

/* ---- the message ---- */

/* From --message, --file, or what is piped in. 0, or an exit code after saying why. */
static int read_message(const struct cli *cli, struct buf *out)
{
    const char *text = cli_flag(cli, "message"), *file = cli_flag(cli, "file");
    if (text != NULL && file != NULL) {
        return cli_fail(CLI_USAGE, NULL, "--message or --file, not both");
    }
    if (text != NULL) {
        return buf_append_text(out, text) == 0
                   ? 0
                   : cli_fail(CLI_USAGE, NULL, "a message is at most %d bytes", PAYLOAD_BODY_MAX);
    }
    FILE *in = file == NULL || strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
    if (in == NULL) {
        return cli_fail(CLI_NOT_FOUND, NULL, "cannot read '%s'", file);
    }
    uint8_t piece[4096];
    size_t got;
    while ((got = fread(piece, 1, sizeof piece, in)) > 0 && buf_append(out, piece, got) == 0) {
    }
    if (in != stdin) {
        (void)fclose(in);
    }
    return out->overflow
               ? cli_fail(CLI_USAGE, NULL, "a message is at most %d bytes", PAYLOAD_BODY_MAX)
               : 0;
}

/* ---- rules of the command line ---- */

struct local {
    const struct cli *cli;
    struct json_writer json;
    struct payload_trial trial;
};

static void on_finding(void *ctx, const struct payload_finding *finding)
{
    struct local *local = ctx;
    payload_finding_put(&local->json, local->cli->args[finding->index],
                        local->trial.rules[finding->index].point, finding);
}

static int take_rules(const struct cli *cli, struct payload_draft *draft, struct err *err)
{
    const char *device = cli_flag(cli, "settings");
    int error = device != NULL ? payload_draft_device(draft, device, err) : 0;
    for (int i = 0; i < cli->arg_count && error == 0; i++) {
        error = payload_draft_rule(draft, cli->args[i], err);
        if (error != 0) {
            err_prefix(err, "rule %d", i + 1);
        }
    }
    return error;
}

/* The same object as the gateway answers. */
static int try_here(const struct cli *cli, const struct buf *message, struct buf *out)
{
    struct local local = { .cli = cli, .json = json_writer(out) };
    struct payload_draft *draft = payload_draft_new();
    struct err err = { 0 };
    int error = take_rules(cli, draft, &err);
    if (error == 0) {
        const struct payload_message what = { .body = (const uint8_t *)buf_text(message),
                                              .size = message->size,
                                              .receive_us = clock_wall_us() };
        payload_draft_trial(draft, &local.trial);
        json_begin_object(&local.json);
        json_put_array(&local.json, "findings");
        int read = payload_try(&local.trial, &what, on_finding, &local, &err);
        json_end_array(&local.json);
        json_put_bool(&local.json, "readable", read == 0);
        json_put_string(&local.json, "error", read == 0 ? "" : err.message);
        json_put_string(&local.json, "hint", read == 0 ? "" : err.hint);
        json_end_object(&local.json);
    }
    payload_draft_free(draft);
    return error == 0 ? 0 : cli_fail_err(&err);
}

/* ---- rules of a device ---- */

static void put_request(const struct cli *cli, const struct buf *message, struct buf *out)
{
    struct buf text;
    struct json_writer json = json_writer(out);
    buf_init(&text, ANSWER_MAX);
    json_begin_object(&json);
    json_put_string(&json, "device", cli->args[0]);
    if (cli_flag(cli, "last") != NULL) {
        json_put_bool(&json, "last", true);
    } else {
        (void)base64_encode(&text, message->data, message->size);
        json_put_string(&json, "message_base64", buf_text(&text));
    }
    json_end_object(&json);
    buf_fini(&text);
}

/* ---- the answer ---- */

/* What stands there is not always wrong when a rule finds nothing: a device need not send all it has each time. */
static bool is_wrong(const struct json_value *row)
{
    return output_text(row, "why")[0] != '\0' && output_text(row, "found")[0] != '\0';
}

/* 0; or CLI_PROBLEMS: something is wrong, nothing was found at all, or the message cannot be read. */
static int show(struct cli *cli, const struct json_value *root)
{
    struct output out;
    bool readable = false, wrong = false, any = false, fine;
    const struct json_value *row;
    struct json_iter it = json_iter(json_get(root, "findings"));
    (void)json_get_bool(json_get(root, "readable"), &readable);
    output_begin(&out, cli, columns);
    while (json_next(&it, NULL, &row)) {
        fine = false;
        (void)json_get_bool(json_get(row, "fine"), &fine);
        any = any || fine;
        wrong = wrong || is_wrong(row);
        if (cli->format != CLI_JSON) {
            output_row(&out, row);
        }
    }
    int bad = readable && any && !wrong ? 0 : CLI_PROBLEMS;
    int rc = cli->format == CLI_JSON ? output_json(cli, root) : output_end(&out);
    if (rc != 0 || cli->format == CLI_JSON) {
        return rc != 0 ? rc : bad;
    }
    if (!readable) {
        const char *hint = output_text(root, "hint");
        return cli_fail(CLI_PROBLEMS, hint[0] != '\0' ? hint : NULL, "%s",
                        output_text(root, "error"));
    }
    if (out.rows == 0 && !cli->quiet) {
        fputs("nothing in this message is for these rules\n", stderr);
    }
    return bad;
}

static int ask_gateway(struct cli *cli, const struct buf *message)
{
    struct client_reply reply;
    struct buf body;
    buf_init(&body, ANSWER_MAX);
    put_request(cli, message, &body);
    int rc = client_call(cli, "/api/v1/payload/test", buf_text(&body), &reply);
    buf_fini(&body);
    if (rc == 0) {
        rc = show(cli, reply.root);
        client_free(&reply);
    }
    return rc;
}

static int ask_here(struct cli *cli, const struct buf *message)
{
    struct json_limits limits = { .bytes_max = ANSWER_MAX };
    struct json_doc *doc = NULL;
    struct buf text;
    buf_init(&text, ANSWER_MAX);
    int rc = try_here(cli, message, &text);
    if (rc == 0 && json_parse(buf_text(&text), text.size, &limits, &doc, NULL) == 0) {
        rc = show(cli, json_root(doc));
    }
    json_free(doc);
    buf_fini(&text);
    return rc;
}

/* A rule has a key and a value; a device has a name. */
static bool is_rule(const char *text)
{
    return strpbrk(text, ":{") != NULL;
}

int cli_payload_test(struct cli *cli)
{
    struct buf message;
    bool here = is_rule(cli->args[0]);
    if (!here && cli->arg_count > 1) {
        return cli_fail(CLI_USAGE, "busbar payload test DEVICE --message TEXT",
                        "one device, or rules such as 'json: $.co2'");
    }
    if (here && cli_flag(cli, "last") != NULL) {
        return cli_fail(CLI_USAGE, NULL, "--last is the last message of a device: name one");
    }
    buf_init(&message, PAYLOAD_BODY_MAX);
    int rc = cli_flag(cli, "last") == NULL ? read_message(cli, &message) : 0;
    if (rc == 0) {
        rc = here ? ask_here(cli, &message) : ask_gateway(cli, &message);
    }
    buf_fini(&message);
    return rc;
}
