/* SPDX-License-Identifier: Apache-2.0 */
/* busbar certificate: who is trusted, who waits for it, and our own. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"

enum { IMPORT_MAX = 1 << 20, SHORT_FINGERPRINT = 16, FINGERPRINT_TEXT_MAX = 200 };

static const struct output_column columns[] = {
    { "LIST", "list", OUTPUT_TEXT },       { "FINGERPRINT", "fingerprint", OUTPUT_TEXT },
    { "SUBJECT", "subject", OUTPUT_TEXT }, { "HOSTS", "hosts", OUTPUT_TEXT },
    { "DEVICE", "device", OUTPUT_TEXT },   { "PEER", "peer", OUTPUT_TEXT },
    { "TIMES", "times", OUTPUT_NUMBER },   { "DAYS LEFT", "days_left", OUTPUT_NUMBER },
    { "FAULT", "fault", OUTPUT_TEXT },     { 0 },
};

static bool is_fingerprint(const char *text)
{
    return strspn(text, "0123456789abcdefABCDEF: ") == strlen(text);
}

/* Instead of a fingerprint a person may name a device: the certificate that it was refused for last; or say "own". What is
 * no such name stays as it is, for the gateway to say so. */
static int choose(struct cli *cli, char fingerprint[FINGERPRINT_TEXT_MAX])
{
    struct client_reply reply;
    str_copy(fingerprint, FINGERPRINT_TEXT_MAX, cli->args[0]);
    if (is_fingerprint(cli->args[0])) {
        return 0;
    }
    bool own = strcmp(cli->args[0], "own") == 0;
    int rc = client_call(
        cli, own ? "/api/v1/certificates?list=own" : "/api/v1/certificates?list=refused", NULL,
        &reply);
    if (rc != 0) {
        return rc;
    }
    const struct json_value *row;
    struct json_iter it = json_iter(json_get(reply.root, "certificates"));
    while (json_next(&it, NULL, &row)) {
        if (own || strcmp(output_text(row, "device"), cli->args[0]) == 0) {
            str_copy(fingerprint, FINGERPRINT_TEXT_MAX, output_text(row, "fingerprint"));
            break;
        }
    }
    client_free(&reply);
    if (!is_fingerprint(fingerprint) && own) {
        return cli_fail(CLI_NOT_FOUND, "it is made with the first device that needs one",
                        "there is no certificate of our own yet");
    }
    if (!is_fingerprint(fingerprint)) {
        return cli_fail(CLI_NOT_FOUND, "the fingerprint, or the device: busbar certificate list",
                        "no certificate of '%s' was refused", cli->args[0]);
    }
    return 0;
}

static void certificate_url(struct buf *url, const char *fingerprint, const char *rest)
{
    buf_init(url, CLIENT_URL_MAX);
    buf_append_text(url, "/api/v1/certificates/");
    client_escape(url, fingerprint, false);
    buf_append_text(url, rest);
}

int cli_certificate_list(struct cli *cli)
{
    static const char *const lists[] = { "refused", "own", "trusted", "issuer", "revocations" };
    struct client_reply reply;
    struct buf url;
    const char *list = cli_flag(cli, "list");
    bool known = list == NULL;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        known |= list != NULL && strcmp(list, lists[i]) == 0;
    }
    if (!known) {
        return cli_fail(CLI_USAGE, "refused, own, trusted, issuer or revocations",
                        "there is no list '%s'", list);
    }
    buf_init(&url, CLIENT_URL_MAX);
    buf_printf(&url, "/api/v1/certificates%s%s", list != NULL ? "?list=" : "",
               list != NULL ? list : "");
    int rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    struct output out;
    output_begin(&out, cli, columns);
    struct json_iter it = json_iter(json_get(reply.root, "certificates"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        output_row(&out, row);
    }
    rc = output_end(&out);
    double waiting = output_number(reply.root, "waiting");
    if (rc == 0 && !cli->quiet && cli->format != CLI_JSON) {
        if (out.rows == 0) {
            fputs("there is no certificate yet\n", stderr);
        } else if (waiting > 0) {
            fprintf(stderr, "%.0f wait%s to be trusted: busbar certificate show FINGERPRINT\n",
                    waiting, waiting == 1 ? "s" : "");
        }
    }
    client_free(&reply);
    return rc;
}

/* ---- one ---- */

static void line(const char *name, const char *text)
{
    if (text[0] != '\0') {
        printf("%-12s %s\n", name, text);
    }
}

/* "3f:2a:...": as devices and other programs show it; two lines of 16. */
static void show_fingerprint(const char *fingerprint)
{
    char text[2][64] = { "", "" };
    for (size_t i = 0; i + 1 < strlen(fingerprint) && i < 64; i += 2) {
        char *to = text[i / 32];
        size_t used = strlen(to);
        str_format(to + used, sizeof text[0] - used, "%s%.2s", used > 0 ? ":" : "",
                   fingerprint + i);
    }
    printf("%-12s %s\n%-12s %s\n", "fingerprint", text[0], "", text[1]);
}

static void show_origin(const struct json_value *row)
{
    char text[512];
    const char *peer = output_text(row, "peer"), *device = output_text(row, "device");
    if (peer[0] != '\0' || device[0] != '\0') {
        str_format(text, sizeof text, "%s%s%s, %.0f times, first %s, last %s", device,
                   device[0] != '\0' ? " at " : "", peer, output_number(row, "times"),
                   output_text(row, "first"), output_text(row, "last"));
        line("refused from", text);
    }
}

static void show(const struct cli *cli, const struct json_value *row)
{
    char text[512];
    line("list", output_text(row, "list"));
    show_fingerprint(output_text(row, "fingerprint"));
    line("subject", output_text(row, "subject"));
    line("issuer", output_text(row, "issuer"));
    line("hosts", output_text(row, "hosts"));
    line("application", output_text(row, "uri"));
    str_format(text, sizeof text, "%s to %s (%.0f days left)", output_text(row, "from"),
               output_text(row, "until"), output_number(row, "days_left"));
    line("valid", text);
    if (output_text(row, "key")[0] != '\0') {
        str_format(text, sizeof text, "%s %.0f bits, %s", output_text(row, "key"),
                   output_number(row, "key_bits"), output_text(row, "signature"));
        line("key", text);
    }
    line("protocol", output_text(row, "protocol"));
    show_origin(row);
    if (output_text(row, "words")[0] != '\0') {
        printf("%-12s %s%s%s\n", output_text(row, "fault"), output_color(cli, "bad"),
               output_text(row, "words"), output_color(cli, "off"));
    }
}

static bool print_piece(void *ctx, const char *data, size_t size)
{
    return fwrite(data, 1, size, ctx) == size;
}

int cli_certificate_show(struct cli *cli)
{
    struct client_reply reply;
    struct buf url;
    char fingerprint[FINGERPRINT_TEXT_MAX];
    int rc = choose(cli, fingerprint);
    if (rc != 0) {
        return rc;
    }
    if (cli_flag(cli, "pem") != NULL || cli_flag(cli, "der") != NULL) {
        certificate_url(&url, fingerprint,
                        cli_flag(cli, "der") != NULL ? "/file?format=der" : "/file");
        rc = client_fetch(cli, buf_text(&url), print_piece, stdout);
        buf_fini(&url);
        return rc;
    }
    certificate_url(&url, fingerprint, "");
    rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else {
        show(cli, reply.root);
    }
    client_free(&reply);
    return rc;
}

/* ---- changes ---- */

/* What became of it; `done` with the subject and the beginning of the fingerprint. */
static int tell(const struct cli *cli, struct client_reply *reply, const char *done)
{
    int rc = 0;
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply->root);
    } else if (!cli->quiet) {
        const char *subject = output_text(reply->root, "subject");
        printf("%s %.*s  %s\n", done, SHORT_FINGERPRINT, output_text(reply->root, "fingerprint"),
               subject[0] != '\0' ? subject : output_text(reply->root, "issuer"));
    }
    client_free(reply);
    return rc;
}

/* Finds the one that is meant, shows it and asks; *rc is the way out when the answer is no. */
static bool agree(struct cli *cli, const char *question, const char *instead,
                  char fingerprint[FINGERPRINT_TEXT_MAX], int *rc)
{
    struct client_reply reply;
    struct buf url;
    *rc = choose(cli, fingerprint);
    if (*rc != 0) {
        return false;
    }
    certificate_url(&url, fingerprint, "");
    *rc = client_call(cli, buf_text(&url), NULL, &reply);
    buf_fini(&url);
    if (*rc != 0) {
        return false;
    }
    bool agreed = true;
    if (cli->dry_run) {
        printf("would %s %s\n", instead, output_text(reply.root, "fingerprint"));
        agreed = false;
    } else if (!cli->yes) {
        show(cli, reply.root);
        agreed = cli_confirm(cli, "%s", question);
        *rc = agreed ? 0 : CLI_FAILED;
        if (!agreed) {
            fputs("nothing was changed\n", stderr);
        }
    }
    client_free(&reply);
    return agreed;
}

int cli_certificate_trust(struct cli *cli)
{
    struct client_reply reply;
    struct buf url;
    char fingerprint[FINGERPRINT_TEXT_MAX];
    int rc = 0;
    if (!agree(cli, "Is this the fingerprint that the device shows? Trust it?", "trust",
               fingerprint, &rc)) {
        return rc;
    }
    certificate_url(&url, fingerprint, "/trust");
    rc = client_call(cli, buf_text(&url), "{}", &reply);
    buf_fini(&url);
    if (rc != 0) {
        return rc;
    }
    if (output_text(reply.root, "words")[0] != '\0' && !cli->quiet) {
        fprintf(stderr, "still refused: %s\n", output_text(reply.root, "words"));
    }
    return tell(cli, &reply, "trusted");
}

int cli_certificate_remove(struct cli *cli)
{
    struct client_reply reply;
    struct err err = { 0 };
    struct buf url;
    char fingerprint[FINGERPRINT_TEXT_MAX];
    int rc = 0;
    if (!agree(cli, "Remove it?", "remove", fingerprint, &rc)) {
        return rc;
    }
    certificate_url(&url, fingerprint, "");
    rc = client_delete(cli, buf_text(&url), &reply, &err);
    buf_fini(&url);
    return rc != 0 ? cli_fail_err(&err) : tell(cli, &reply, "removed");
}

int cli_certificate_import(struct cli *cli)
{
    struct client_reply reply;
    struct err err = { 0 };
    char *data = NULL;
    size_t size = 0;
    bool issuer = cli_flag(cli, "issuer") != NULL;
    int rc = file_read(file_ops_real(), cli->args[0], IMPORT_MAX, &data, &size, &err);
    if (rc != 0) {
        return cli_fail_err(&err);
    }
    if (cli->dry_run) {
        printf("would import %s\n", cli->args[0]);
        busbar_free(data);
        return CLI_DONE;
    }
    rc = client_send(cli, issuer ? "/api/v1/certificates?issuer=true" : "/api/v1/certificates",
                     data, size, &reply, &err);
    busbar_free(data);
    if (rc != 0) {
        return cli_fail_err(&err);
    }
    const char *list = output_text(reply.root, "list");
    return tell(cli, &reply,
                strcmp(list, "issuer") == 0        ? "kept as an issuer"
                : strcmp(list, "revocations") == 0 ? "kept the list of an authority"
                                                   : "trusted");
}

int cli_certificate_renew(struct cli *cli)
{
    struct client_reply reply;
    struct buf url;
    const char *protocol = cli->arg_count > 0 ? cli->args[0] : "opcua";
    if (cli->dry_run) {
        printf("would renew the certificate of '%s'\n", protocol);
        return CLI_DONE;
    }
    if (!cli_confirm(cli, "Every device of '%s' must be told to trust the new certificate. Renew?",
                     protocol)) {
        fputs("nothing was changed\n", stderr);
        return CLI_FAILED;
    }
    buf_init(&url, CLIENT_URL_MAX);
    buf_append_text(&url, "/api/v1/certificates/own/");
    client_escape(&url, protocol, false);
    buf_append_text(&url, "/renew");
    int rc = client_call(cli, buf_text(&url), "{}", &reply);
    buf_fini(&url);
    return rc != 0 ? rc : tell(cli, &reply, "made");
}
