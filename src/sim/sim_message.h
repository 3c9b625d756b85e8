/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that a device's rules (payload/point.h) take apart: the other direction of the same configuration.
 *
 * Points of a format that has many values in one message (JSON, CBOR, MessagePack, XML, CSV, key=value, binary) share
 * one; each regular expression, and each `text: all`, is a message of its own. With `each` a message is a list of one
 * element. Ids stand where `id_from` looks for them in the body, times where `time` and `at` do. Pure. */
#ifndef BUSBAR_SIM_SIM_MESSAGE_H
#define BUSBAR_SIM_SIM_MESSAGE_H

#include "payload/program.h"
#include "sim/sim_live.h"

enum { SIM_MESSAGE_MAX = 256 * 1024 /* bytes of a message */ };

/* What makes the messages of a device. `rules` points to the first payload_point, `stride` bytes from one to the next: the
 * addresses of a device's points begin with it. */
struct sim_speaker {
    const struct device *dev;
    const struct sim_live *live;
    const void *rules;
    size_t stride;
    uint64_t random;
    char *id; /* as the device calls itself */
    char *texts
        [PAYLOAD_DEVICE_ROWS]; /* the device's rows that are texts, {id} put in; NULL: not set */
};

void sim_speaker_init(struct sim_speaker *speaker, const struct sim_live *live, const void *rules,
                      size_t stride);
void sim_speaker_fini(struct sim_speaker *speaker);
const struct payload_point *sim_speaker_rule(const struct sim_speaker *speaker, uint32_t point);
/* How the device sends a point: enum value_type, for sim_live_init(). */
uint8_t sim_rule_type(const struct payload_point *rule, const struct point *pt);

/* Whether two points stand in one message, when they are sent to the same place. */
bool sim_speaker_joins(const struct sim_speaker *speaker, uint32_t a, uint32_t b);
/* A message of points that join, appended to out. `err` names the rule of which none can be made: Protobuf, XPath with
 * functions ... */
int sim_speaker_make(struct sim_speaker *speaker, const uint32_t *points, size_t count,
                     int64_t wall_us, struct buf *out, struct err *err);
/* A message in which the event happens. */
int sim_speaker_event(struct sim_speaker *speaker, const struct device_event *event,
                      int64_t wall_us, struct buf *out, struct err *err);

#endif
