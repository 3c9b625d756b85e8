/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the log only. */
#ifndef BUSBAR_HISTORY_LOG_PRIVATE_H
#define BUSBAR_HISTORY_LOG_PRIVATE_H

#include "history/log.h"

/* With the lock held, or before there are threads. Valid until the next one is added. */
struct history_log_segment *history_log_add_segment(struct history_log *log, uint64_t number,
                                                    uint64_t first);

/* Gives a file the suffix .damaged: nobody reads it any more, and somebody may look into it. */
void history_log_set_aside(const struct history_log *log, const char *path);

/* --- log_spare.c: segments that are done with, as `log/NUMBER.spare`, for the next ones --- */

/* At the start: keeps what there is, up to HISTORY_LOG_SPARES. */
int history_log_find_spares(struct history_log *log, struct err *err);
/* The segment's file becomes a spare one; false: it was not wanted and is still there. */
bool history_log_spare(struct history_log *log, const struct history_log_segment *segment);
/* Log thread. Opens a spare file: its fd, path and size; BUSBAR_ENOENT: there is none. */
int history_log_take_spare(struct history_log *log, char path[HISTORY_PATH_MAX], uint64_t *bytes);

#endif
