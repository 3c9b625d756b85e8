/* SPDX-License-Identifier: Apache-2.0 */
/* What a device that speaks by messages says, wherever it says it: its points in as few messages as their rules allow, each
 * with the place it goes to (a topic, a path, what was asked); what was written to it, taken out of the template that wrote
 * it; and what a fault makes of a message. Pure. */
#ifndef BUSBAR_SIM_SIM_TALK_H
#define BUSBAR_SIM_SIM_TALK_H

#include "sim/sim_fault.h"
#include "sim/sim_message.h"

enum { SIM_WHERE_MAX = 2048 };

/* One message that the device says again and again. */
struct sim_say {
    char *where;
    uint32_t *points;
    size_t count;
};

struct sim_talk {
    struct sim_live live;
    struct sim_speaker speaker;
    struct sim_say *says;
    size_t say_count;
};

/* Where a point is said; false: it is not. */
typedef bool (*sim_where_cb)(void *ctx, uint32_t point, char to[SIM_WHERE_MAX]);

/* rules, stride: as of struct sim_speaker. BUSBAR_EUNSUPPORTED and such: a message of which nothing can be made. */
int sim_talk_init(struct sim_talk *talk, const struct device *dev, const void *rules, size_t stride,
                  uint64_t seed, sim_where_cb where, void *ctx, struct err *err);
void sim_talk_fini(struct sim_talk *talk); /* all zero is fine */

/* Appends it. */
int sim_talk_make(struct sim_talk *talk, const struct sim_say *say, int64_t wall_us,
                  struct buf *out, struct err *err);
/* The message that a point stands in; NULL. */
const struct sim_say *sim_talk_say_of(const struct sim_talk *talk, uint32_t point);

/* How often a device speaks: as its points are looked for, else every 10 s. */
int64_t sim_talk_period_us(const struct device *dev);

/* What a write by this template wrote. False: it is none of it. value: appended. */
bool sim_template_take(const char *template, const struct sim_speaker *speaker, const char *point,
                       const void *data, size_t size, struct buf *value);

/* In place, from `from` on: garbage, half of it, letters for digits. */
void sim_talk_spoil(enum sim_fault_kind kind, uint64_t *random, size_t from, struct buf *message);

#endif
