/* SPDX-License-Identifier: Apache-2.0 */
/* What device browse shares with discover and with point get --priorities. */
#ifndef BUSBAR_CLI_BROWSE_H
#define BUSBAR_CLI_BROWSE_H

#include "base/json.h"
#include "cli/cli.h"

/* The proposal for a find on stdout, as busbar device browse --find NUMBER --yaml. An exit code. */
int browse_yaml_of_find(struct cli *cli, int64_t find);

/* The priority array of the object that a point reads, with who holds what. holds: the member of the
 * point's answer. An exit code. */
int browse_priorities(struct cli *cli, const char *path, const struct json_value *holds);

#endif
