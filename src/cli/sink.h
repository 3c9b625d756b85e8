/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `busbar sink` share. */
#ifndef BUSBAR_CLI_SINK_H
#define BUSBAR_CLI_SINK_H

#include "cli/client.h"

/* "/api/v1/sinks/NAME" and rest; the caller ends the buffer. */
void sink_url(struct buf *url, const char *sink, const char *rest);
/* A number above 0; an exit code after having said why not. */
int sink_number(const char *text, const char *what, int64_t *number);
/* Findings of a test, {"findings", "fine"}: for people, or as JSON. The exit code. */
int sink_findings(struct cli *cli, const struct json_value *root);

#endif
