/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a device that speaks by messages: each point's, at a time, or held by somebody. Pure. */
#ifndef BUSBAR_SIM_SIM_LIVE_H
#define BUSBAR_SIM_SIM_LIVE_H

#include "sim/sim_value.h"

struct sim_live_point;

struct sim_live {
    const struct device *dev;
    struct sim_live_point *points; /* one a point of the device */
    int64_t frozen_us;             /* wall; 0: they live */
};

/* A value; text is borrowed until the next call that gets one of the same point. */
struct sim_reading {
    uint8_t type; /* enum value_type; VALUE_TEXT: text */
    union value value;
    const char *text;
};

/* raw_types: enum value_type of each point, as the device sends it. */
void sim_live_init(struct sim_live *live, const struct device *dev, const uint8_t *raw_types,
                   uint64_t seed);
void sim_live_fini(struct sim_live *live);

struct sim_reading sim_live_get(const struct sim_live *live, uint32_t point, int64_t wall_us);
/* As struct sim_ops: VALUE_NONE lets it live again. */
int sim_live_hold(struct sim_live *live, uint32_t point, uint8_t type, union value raw);
/* The same, of a text as it came: "21.5", "ON", "true", "{...}" for texts. BUSBAR_EINVAL: not of its type. */
int sim_live_hold_text(struct sim_live *live, uint32_t point, const char *text, size_t size);

/* "21.5", "true", a text as it is. */
void sim_reading_print(const struct sim_reading *reading, struct buf *out);

#endif
