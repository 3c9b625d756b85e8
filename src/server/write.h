/* SPDX-License-Identifier: Apache-2.0 */
/* What holds.c shares with the writing of points. */
#ifndef BUSBAR_SERVER_WRITE_H
#define BUSBAR_SERVER_WRITE_H

#include "server/core.h"

/* Gives up what was written to the point at this priority (0: its own, or what the body says), notes it
 * and answers. */
void write_release(struct server_request *req, struct point *pt, uint8_t priority);

/* "for" of a body: "2h"; 0 when it is absent or empty. BUSBAR_EINVAL with a reason. */
int write_parse_for(const struct json_value *body, int64_t *for_us, struct err *err);

#endif
