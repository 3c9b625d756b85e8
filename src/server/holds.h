/* SPDX-License-Identifier: Apache-2.0 */
/* What is held by hand: values written at a priority, until somebody releases them. */
#ifndef BUSBAR_SERVER_HOLDS_H
#define BUSBAR_SERVER_HOLDS_H

#include "server/shape.h"

/* "holds": [...] of one point. */
void holds_put_of(struct shape *shape, struct json_writer *json, const struct point *pt);

#endif
