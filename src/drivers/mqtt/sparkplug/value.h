/* SPDX-License-Identifier: Apache-2.0 */
/* Values of metrics, from the fields they came in to what the gateway stores. Private to this folder. */
#ifndef BUSBAR_DRIVERS_MQTT_SPARKPLUG_VALUE_H
#define BUSBAR_DRIVERS_MQTT_SPARKPLUG_VALUE_H

#include "base/json.h"
#include "drivers/mqtt/sparkplug/payload.h"
#include "payload/tree.h"
#include "payload/wire.h"

/* Fields of a metric that hold its value. */
enum {
    FIELD_INT = 10,
    FIELD_LONG,
    FIELD_FLOAT,
    FIELD_DOUBLE,
    FIELD_BOOLEAN,
    FIELD_STRING,
    FIELD_BYTES,
    FIELD_DATASET,
    FIELD_TEMPLATE,
    FIELD_EXTENSION,
};

enum { SPARKPLUG_TEXT_MAX = 1 << 20 /* bytes of what is written as JSON or Base64 */ };

struct sparkplug_reader {
    struct sparkplug_metric *metrics;
    size_t capacity;
    struct payload_tree *memory; /* only its room */
    struct buf json, base64;     /* scratch */
};

/* A value of 10 to 15 by its data type: kind and value; texts borrowed. Null when there is none. Else `why`. */
void sparkplug_value_plain(struct sparkplug_metric *metric);

/* DataSet, Template, arrays as JSON; depth: templates around it. False: `*why`. */
bool sparkplug_value_json(struct sparkplug_reader *reader, struct json_writer *json,
                          const struct sparkplug_metric *metric, unsigned depth, const char **why);

/* One metric as it stands in a payload or a template, not settled. BUSBAR_EPROTO. */
int sparkplug_metric_read(struct bytes in, struct sparkplug_metric *out);

#endif
