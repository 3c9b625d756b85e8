/* SPDX-License-Identifier: Apache-2.0 */
/* Long operations of the gateway: begin one, look at it until it ends, show how far it is. The first
 * Ctrl-C stops it there and keeps what was found; the second ends this program. */
#ifndef BUSBAR_CLI_TASK_H
#define BUSBAR_CLI_TASK_H

#include "cli/client.h"

enum { TASK_URL_MAX = 64 };

struct task {
    char url[TASK_URL_MAX];   /* "/api/v1/browses/3" */
    bool stopped;             /* by Ctrl-C */
    struct client_reply last; /* what it said at the end, without its rows */
};

/* kind: "browses". 0 when it has ended, whether well or not: look at task_exit(); else an exit code after
 * having said why. task_free() in any case. */
int task_run(struct cli *cli, const char *kind, const char *body, struct task *task);
/* The same where another address begins it. */
int task_run_at(struct cli *cli, const char *url, const char *kind, const char *body,
                struct task *task);

/* What its end means: CLI_DONE; CLI_INTERRUPTED; or the code of its error, whose message is said here. */
int task_exit(const struct cli *cli, const struct task *task);

/* All its rows, page by page: `name` is the member they stand in. The replies are kept until the caller
 * frees them; cb may be called with rows of many pages. 0 or an exit code. */
typedef void (*task_row_cb)(void *ctx, const struct json_value *row);
struct task_rows {
    struct client_reply *pages;
    size_t count;
};
int task_rows(struct cli *cli, const struct task *task, const char *name, task_row_cb cb, void *ctx,
              struct task_rows *rows);
void task_rows_free(struct task_rows *rows);

/* The gateway may forget it. */
void task_forget(struct cli *cli, const struct task *task);
void task_free(struct task *task);

#endif
