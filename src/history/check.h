/* SPDX-License-Identifier: Apache-2.0 */
/* A check of all that history keeps, a file at a time, so that it can be shown how far it is and be stopped. Of a
 * folder that nobody uses, or of a running history: what is there at the opening is looked at; files that
 * go meanwhile, because their content is in newer ones, are passed over. Changes nothing. One thread at a time. */
#ifndef BUSBAR_HISTORY_CHECK_H
#define BUSBAR_HISTORY_CHECK_H

#include "history/history.h"

struct history_check;

/* state and cb's ctx must live until the close. cb (may be NULL) is told each finding during the steps.
 * BUSBAR_ENOMEM, BUSBAR_EIO; err says what could not be read. */
int history_check_open(const char *folder, struct state *state, bool running, history_finding_cb cb,
                       void *ctx, struct history_check **check, struct err *err);
/* Looks at one more file. False: all are done. */
bool history_check_step(struct history_check *check);
/* Files looked at, of all. */
void history_check_progress(const struct history_check *check, size_t *done, size_t *total);
/* 0: all was good; BUSBAR_EDAMAGED; BUSBAR_ENOMEM. Frees. */
int history_check_close(struct history_check *check, struct history_findings *findings);

#endif
