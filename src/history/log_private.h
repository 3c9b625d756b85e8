/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by log.c and log_open.c only. */
#ifndef BUSBAR_HISTORY_LOG_PRIVATE_H
#define BUSBAR_HISTORY_LOG_PRIVATE_H

#include "history/log.h"

/* With the lock held, or before there are threads. Valid until the next one is added. */
struct history_log_segment *history_log_add_segment(struct history_log *log, uint64_t number,
                                                    uint64_t first);

#endif
