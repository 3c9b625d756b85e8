/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/task.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/progress.h"

enum { LOOK_NS = 150000000, PAGE = 500 };

/* Waits a moment. True: Ctrl-C came meanwhile, or before. SIGINT must be blocked. */
static bool waited_for_interrupt(void)
{
    const struct timespec wait = { .tv_nsec = LOOK_NS };
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    return sigtimedwait(&interrupt, NULL, &wait) == SIGINT;
}

static void block_interrupt(bool block)
{
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    (void)sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &interrupt, NULL);
}

static int look(struct cli *cli, struct task *task)
{
    char url[TASK_URL_MAX + 16];
    client_free(&task->last);
    str_format(url, sizeof url, "%s?limit=0", task->url);
    return client_call(cli, url, NULL, &task->last);
}

static bool is_running(const struct task *task)
{
    return strcmp(output_text(task->last.root, "state"), "running") == 0;
}

static void stop(struct cli *cli, struct task *task)
{
    struct client_reply reply;
    struct err err = { 0 };
    task->stopped = true;
    fputs(cli->quiet ? "" : "\nstopping; once more Ctrl-C quits\n", stderr);
    if (client_delete(cli, task->url, &reply, &err) == 0) {
        client_free(&reply);
    }
}

int task_run(struct cli *cli, const char *kind, const char *body, struct task *task)
{
    char url[TASK_URL_MAX];
    str_format(url, sizeof url, "/api/v1/%s", kind);
    return task_run_at(cli, url, kind, body, task);
}

int task_run_at(struct cli *cli, const char *url, const char *kind, const char *body,
                struct task *task)
{
    struct progress progress;
    memset(task, 0, sizeof *task);
    int rc = client_call(cli, url, body, &task->last);
    if (rc != 0) {
        return rc;
    }
    str_format(task->url, sizeof task->url, "/api/v1/%s/%.0f", kind,
               output_number(task->last.root, "id"));
    block_interrupt(true);
    progress_begin(&progress, cli);
    progress.share = strcmp(kind, "discoveries") == 0;
    while (rc == 0 && is_running(task)) {
        if (waited_for_interrupt()) {
            progress_end(&progress);
            stop(cli, task);
            block_interrupt(false);
        }
        rc = look(cli, task);
        if (rc == 0) {
            progress_at(&progress, (uint64_t)output_number(task->last.root, "done"),
                        (uint64_t)output_number(task->last.root, "total"));
        }
    }
    progress_end(&progress);
    block_interrupt(false);
    return rc;
}

int task_exit(const struct cli *cli, const struct task *task)
{
    const char *state = output_text(task->last.root, "state");
    const char *message = output_text(task->last.root, "message");
    if (strcmp(state, "failed") == 0) {
        int rc = cli_exit_of(err_code(output_text(task->last.root, "code")));
        const char *device = output_text(task->last.root, "device");
        char hint[192] = "";
        if (device[0] != '\0' && rc == CLI_NO_ANSWER) {
            str_format(hint, sizeof hint, "busbar device test %s", device);
        }
        return cli_fail(rc != CLI_DONE ? rc : CLI_FAILED, hint, "%s", message);
    }
    if (message[0] != '\0' && !cli->quiet) {
        fprintf(stderr, "%s\n", message);
    }
    return strcmp(state, "stopped") == 0 ? CLI_INTERRUPTED : CLI_DONE;
}

int task_rows(struct cli *cli, const struct task *task, const char *name, task_row_cb cb, void *ctx,
              struct task_rows *rows)
{
    size_t offset = 0, got = PAGE;
    *rows = (struct task_rows){ 0 };
    while (got == PAGE) {
        char url[TASK_URL_MAX + 48];
        struct client_reply reply;
        str_format(url, sizeof url, "%s?limit=%d&offset=%zu", task->url, PAGE, offset);
        int rc = client_call(cli, url, NULL, &reply);
        if (rc != 0) {
            return rc;
        }
        rows->pages = busbar_realloc(rows->pages, (rows->count + 1) * sizeof *rows->pages);
        rows->pages[rows->count++] = reply;
        const struct json_value *list = json_get(reply.root, name), *row;
        struct json_iter it = json_iter(list);
        while (json_next(&it, NULL, &row)) {
            cb(ctx, row);
        }
        got = json_size(list);
        offset += got;
    }
    return 0;
}

void task_rows_free(struct task_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        client_free(&rows->pages[i]);
    }
    busbar_free(rows->pages);
}

void task_forget(struct cli *cli, const struct task *task)
{
    struct client_reply reply;
    struct err err = { 0 };
    if (task->url[0] != '\0' && client_delete(cli, task->url, &reply, &err) == 0) {
        client_free(&reply);
    }
}

void task_free(struct task *task)
{
    client_free(&task->last);
}
