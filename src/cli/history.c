/* SPDX-License-Identifier: Apache-2.0 */
/* busbar history verify | backup | restore: of a running gateway by REST, of a folder that none uses right here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/backup.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "history/check.h"
#include "state/state.h"

enum { PATH_ROOM = 1200 };

#define PATIENCE_US (INT64_C(24) * 3600 * 1000000) /* for what takes as long as the disk does */

static const char restore_hint[] =
    "what is damaged is left out of every answer; to get it back: busbar history restore BACKUP";

/* ---- verify ---- */

struct verifying {
    const struct cli *cli;
    struct progress progress;
    struct buf findings; /* for --json */
    struct json_writer json;
    size_t found;
    int rc;
};

static void say_finding(void *ctx, const char *text)
{
    struct verifying *verifying = ctx;
    progress_end(&verifying->progress);
    verifying->found++;
    if (verifying->cli->format == CLI_JSON) {
        json_string(&verifying->json, text);
    } else {
        printf("%sdamaged%s  %s\n", output_color(verifying->cli, "bad"),
               output_color(verifying->cli, "off"), text);
    }
}

static int say_result(struct verifying *verifying, const struct history_findings *findings)
{
    bool good = verifying->found == 0;
    if (verifying->cli->format == CLI_JSON) {
        struct buf out;
        buf_init(&out, CLIENT_BODY_MAX);
        json_end_array(&verifying->json);
        struct json_writer json = json_writer(&out);
        json_begin_object(&json);
        json_put_bool(&json, "good", good);
        json_put_u64(&json, "samples", findings->samples);
        json_put_u64(&json, "segments", findings->segments);
        json_put_u64(&json, "blocks", findings->blocks);
        json_put_u64(&json, "chunks", findings->chunks);
        json_put_u64(&json, "torn_bytes", findings->torn_bytes);
        json_key(&json, "findings");
        json_raw(&json, buf_text(&verifying->findings), verifying->findings.size);
        json_end_object(&json);
        int rc = output_json_text(verifying->cli, &out);
        buf_fini(&out);
        return rc != 0 ? rc : good ? CLI_DONE : CLI_PROBLEMS;
    }
    printf("%s: %llu samples in %llu log segments and %llu blocks\n", good ? "good" : "DAMAGED",
           (unsigned long long)findings->samples, (unsigned long long)findings->segments,
           (unsigned long long)findings->blocks);
    if (findings->torn_bytes > 0) {
        printf(
            "%llu bytes at the end of the log are unfinished, as after any crash; the next start "
            "cuts them\n",
            (unsigned long long)findings->torn_bytes);
    }
    if (!good) {
        fflush(stdout);
        fprintf(stderr, "hint:  %s\n", restore_hint);
    }
    return good ? CLI_DONE : CLI_PROBLEMS;
}

/* The folder's lock and state; -1: said, rc in *rc. */
static int open_folder(const char *folder, struct state **state, int *rc)
{
    struct err err = { 0 };
    int lock_fd = -1;
    char path[PATH_ROOM];
    *state = NULL;
    if (!file_join(path, sizeof path, folder, "state.db") || !file_exists(path)) {
        *rc = cli_fail(CLI_NOT_FOUND, "name it: --data FOLDER", "%s is no data folder of busbar",
                       folder);
        return -1;
    }
    int error = file_lock(folder, &lock_fd, &err);
    if (error == BUSBAR_EBUSY) {
        err_hint(&err, "a gateway uses it: leave --data away and it does the work itself");
    }
    error = error == 0 ? state_open(folder, state, &err) : error;
    if (error != 0) {
        file_unlock(lock_fd);
        *rc = cli_fail_err(&err);
        return -1;
    }
    return lock_fd;
}

static int verify_folder(struct verifying *verifying, const char *folder)
{
    struct state *state;
    struct history_check *check;
    struct history_findings findings;
    struct err err = { 0 };
    int rc = CLI_FAILED;
    int lock_fd = open_folder(folder, &state, &rc);
    if (lock_fd < 0) {
        return rc;
    }
    if (state_check(state, &err) != 0) {
        say_finding(verifying, err.message);
    }
    if (history_check_open(folder, state, false, say_finding, verifying, &check, &err) != 0) {
        rc = cli_fail_err(&err);
    } else {
        size_t done, total;
        while (history_check_step(check)) {
            history_check_progress(check, &done, &total);
            progress_at(&verifying->progress, done, total);
        }
        progress_end(&verifying->progress);
        (void)history_check_close(check, &findings);
        rc = say_result(verifying, &findings);
    }
    state_close(state);
    file_unlock(lock_fd);
    return rc;
}

static uint64_t number_of(const struct json_value *root, const char *key)
{
    uint64_t number = 0;
    (void)json_get_u64(json_get(root, key), &number);
    return number;
}

static bool take_event(void *ctx, const char *event, const char *data, size_t size)
{
    struct verifying *verifying = ctx;
    struct json_doc *doc = NULL;
    bool more = true;
    if (json_parse(data, size, NULL, &doc, NULL) != 0) {
        return true;
    }
    const struct json_value *root = json_root(doc);
    if (strcmp(event, "progress") == 0) {
        progress_at(&verifying->progress, number_of(root, "done"), number_of(root, "total"));
    } else if (strcmp(event, "finding") == 0) {
        say_finding(verifying, output_text(root, "text"));
    } else if (strcmp(event, "result") == 0) {
        struct history_findings findings = { .samples = number_of(root, "samples"),
                                             .segments = number_of(root, "segments"),
                                             .blocks = number_of(root, "blocks"),
                                             .chunks = number_of(root, "chunks") };
        progress_end(&verifying->progress);
        verifying->rc = say_result(verifying, &findings);
        more = false;
    }
    json_free(doc);
    return more;
}

int cli_history_verify(struct cli *cli)
{
    struct verifying verifying = { .cli = cli, .rc = CLI_FAILED };
    const char *folder = cli_flag(cli, "data");
    buf_init(&verifying.findings, CLIENT_BODY_MAX);
    verifying.json = json_writer(&verifying.findings);
    json_begin_array(&verifying.json);
    progress_begin(&verifying.progress, cli);
    int rc;
    if (folder != NULL) {
        rc = verify_folder(&verifying, folder);
    } else {
        rc = client_stream(cli, "/api/v1/history/verify", take_event, &verifying);
        progress_end(&verifying.progress);
        rc = rc == CLI_DONE ? verifying.rc : rc;
    }
    buf_fini(&verifying.findings);
    return rc;
}

/* ---- backup ---- */

static void say_backup(const struct cli *cli, const char *folder, uint64_t files, uint64_t bytes,
                       size_t findings)
{
    char size[32];
    str_format_bytes(size, sizeof size, bytes);
    printf("%s: %llu files, %s, checked\n", folder, (unsigned long long)files, size);
    if (findings > 0) {
        fflush(stdout);
        fprintf(stderr, "%swarning%s: what is damaged in the original is so in the backup too\n",
                output_color(cli, "bad"), output_color(cli, "off"));
    }
}

static void warn_finding(void *ctx, const char *text)
{
    size_t *found = ctx;
    (*found)++;
    fprintf(stderr, "damaged: %s\n", text);
}

static int backup_folder(struct cli *cli, const char *data_folder, const char *to)
{
    struct state *state;
    struct err err = { 0 };
    struct backup_result result;
    size_t found = 0;
    int rc = CLI_FAILED;
    int lock_fd = open_folder(data_folder, &state, &rc);
    if (lock_fd < 0) {
        return rc;
    }
    struct backup_request request = { .data_folder = data_folder,
                                      .to = to,
                                      .state = state,
                                      .secrets = cli_flag(cli, "secrets") != NULL };
    if (backup_make(&request, warn_finding, &found, &result, &err) != 0) {
        rc = cli_fail_err(&err);
    } else {
        say_backup(cli, cli->args[0], result.files, result.bytes, found);
        rc = found > 0 ? CLI_PROBLEMS : CLI_DONE;
    }
    state_close(state);
    file_unlock(lock_fd);
    return rc;
}

static int backup_running(const struct cli *cli, const char *to)
{
    struct cli patient = *cli;
    struct client_reply reply;
    struct buf body;
    patient.timeout_us = PATIENCE_US;
    buf_init(&body, 64 * 1024);
    struct json_writer json = json_writer(&body);
    json_begin_object(&json);
    json_put_string(&json, "folder", to);
    json_put_bool(&json, "secrets", cli_flag(cli, "secrets") != NULL);
    json_end_object(&json);
    int rc = client_call(&patient, "/api/v1/history/backup", buf_text(&body), &reply);
    buf_fini(&body);
    if (rc != 0) {
        return rc;
    }
    const struct json_value *findings = json_get(reply.root, "findings");
    size_t found = json_size(findings);
    if (cli->format == CLI_JSON) {
        rc = output_json(cli, reply.root);
    } else {
        struct json_iter it = json_iter(findings);
        const struct json_value *row;
        while (json_next(&it, NULL, &row)) {
            fprintf(stderr, "damaged: %s\n", json_get_text(row, NULL));
        }
        say_backup(cli, cli->args[0], number_of(reply.root, "files"),
                   number_of(reply.root, "bytes"), found);
    }
    client_free(&reply);
    return rc != 0 ? rc : found > 0 ? CLI_PROBLEMS : CLI_DONE;
}

/* The absolute path of a folder that need not be there. False: said. */
static bool absolute(const char *name, char *path, size_t size)
{
    char here[PATH_ROOM];
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/') {
        length--;
    }
    char plain[PATH_ROOM];
    str_format(plain, sizeof plain, "%.*s", (int)length, name);
    bool fits = length < sizeof plain && getcwd(here, sizeof here) != NULL &&
                file_join(path, size, here, plain);
    if (!fits) {
        (void)cli_fail(CLI_USAGE, NULL, "%s: the path is too long", name);
    }
    return fits;
}

int cli_history_backup(struct cli *cli)
{
    char to[PATH_ROOM];
    const char *data_folder = cli_flag(cli, "data");
    if (!absolute(cli->args[0], to, sizeof to)) {
        return CLI_USAGE;
    }
    return data_folder != NULL ? backup_folder(cli, data_folder, to) : backup_running(cli, to);
}

/* ---- restore ---- */

int cli_history_restore(struct cli *cli)
{
    const char *data = cli_flag(cli, "data");
    const char *data_folder = data != NULL ? data : APP_DATA_DEFAULT;
    char aside[PATH_ROOM];
    char size[32];
    struct backup_result result;
    struct err err = { 0 };
    if (cli->dry_run) {
        if (backup_check(cli->args[0], &result, &err) != 0) {
            return cli_fail_err(&err);
        }
        printf("%s is whole; nothing was changed\n", cli->args[0]);
        return CLI_DONE;
    }
    int error = backup_restore(cli->args[0], data_folder, cli_flag(cli, "replace") != NULL, aside,
                               sizeof aside, &result, &err);
    if (error != 0) {
        return cli_fail_err(&err);
    }
    str_format_bytes(size, sizeof size, result.bytes);
    printf("%s: %llu samples, %s, checked\n", data_folder,
           (unsigned long long)result.findings.samples, size);
    if (aside[0] != '\0') {
        printf("what was there is in %s\n", aside);
    }
    printf("the configuration as it was is in %s/config\n", cli->args[0]);
    return CLI_DONE;
}
