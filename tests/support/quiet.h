/* SPDX-License-Identifier: Apache-2.0 */
/* No text log: for tests that provoke what it would say. */
#ifndef BUSBAR_TESTS_SUPPORT_QUIET_H
#define BUSBAR_TESTS_SUPPORT_QUIET_H

#include "base/log.h"

static inline void quiet_line(void *ctx, const struct log_line *line)
{
    (void)ctx;
    (void)line;
}

static inline void quiet_log(void)
{
    busbar_log_sink(quiet_line, NULL);
}

#endif
