/* SPDX-License-Identifier: Apache-2.0 */
/* What point.c needs of holds. */
#ifndef BUSBAR_CLI_HOLD_H
#define BUSBAR_CLI_HOLD_H

#include "cli/cli.h"

/* busbar point list --manual. An exit code. */
int hold_list(struct cli *cli);

/* --priority: 1 to 16, 0 when it is not given. 0, or CLI_USAGE after saying why. */
int hold_priority(const struct cli *cli, int64_t *priority);

#endif
