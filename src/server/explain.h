/* SPDX-License-Identifier: Apache-2.0 */
/* How a value came about, step by step: address, bytes, raw, scale, value, quality. */
#ifndef BUSBAR_SERVER_EXPLAIN_H
#define BUSBAR_SERVER_EXPLAIN_H

#include "base/json.h"
#include "model/point.h"
#include "server/shape.h"

/* Writes the member "explain": an array of {step, text}. Bytes and raw value are those of the newest frame in the
 * device's ring that holds the point; left out when none does. */
void explain_put(struct shape *shape, struct json_writer *json, const struct point *pt);

#endif
