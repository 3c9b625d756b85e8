/* SPDX-License-Identifier: Apache-2.0 */
/* From files to running devices. One at a time, others wait in line:
 *
 *   job   load and check the files, compare with the running version
 *   loop  make the new and changed devices, a slice a turn
 *   job   series ids for their points, keep the version
 *   loop  swap them in, a slice a turn; devices that did not change keep polling
 *
 * A wrong configuration changes nothing. */
#ifndef BUSBAR_APP_APPLY_H
#define BUSBAR_APP_APPLY_H

#include "app/gateway.h"
#include "config/versions.h"

enum apply_mode {
    APPLY_CHECK,    /* load and check only */
    APPLY_DIFF,     /* and compare */
    APPLY_FILES,    /* and make them running */
    APPLY_ROLLBACK, /* put the files of a version back, then as APPLY_FILES */
};

struct apply_request {
    enum apply_mode mode;
    uint32_t version; /* APPLY_ROLLBACK; with dry_run it is compared only */
    bool dry_run;
    const char *who, *from; /* copied */
};

/* Borrowed until the callback returns. */
struct apply_result {
    int error; /* 0; BUSBAR_ECONFIG: see problems; else see err */
    const struct err *err;
    const struct problems *problems;
    const struct config_diff *diff; /* NULL when it did not come so far */
    bool applied, restart_needed;   /* restart: address, history settings */
    uint32_t version, undo;
    int64_t took_us;
};
typedef void (*apply_cb)(void *ctx, const struct apply_result *result);

enum { APPLY_WAITING_MAX = 16 };

/* BUSBAR_EBUSY: the line is full, or the gateway stops. Else cb runs once, on the loop. */
int apply_begin(struct gateway *gw, const struct apply_request *request, apply_cb cb, void *ctx);

/* Begins with gw->apply, whose turn it is. */
void apply_next(struct gateway *gw);

/* At the start, before the loop runs: all of it at once. Takes the loaded configuration over. */
int apply_first(struct gateway *gw, struct config *config, struct err *err);

#endif
