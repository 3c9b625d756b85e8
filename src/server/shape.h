/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON shapes of docs/rest.md that several routes share: a device, a point, a value. */
#ifndef BUSBAR_SERVER_SHAPE_H
#define BUSBAR_SERVER_SHAPE_H

#include "model/quality.h"
#include "server/core.h"

/* Kept over many rows: what is the same for all points of a device is looked up once. */
struct shape {
    const struct server *server;
    const struct device *device; /* of `ops` and `stats` */
    const struct driver_ops *ops;
    struct device_stats stats;
    bool has_stats;
    int64_t now_us; /* wall clock, for ages */
    struct buf text;
};

void shape_init(struct shape *shape, const struct server *server);
void shape_fini(struct shape *shape);

/* The statistics of a device; one that the host does not have (yet) is connecting. */
void shape_host_stats(const struct device *dev, struct device_stats *stats);

/* The driver's table of a device, and its statistics; cached until the device changes. Valid only as
 * long as the device is: call shape_forget() before another turn of the loop. */
const struct driver_ops *shape_ops(struct shape *shape, const struct device *dev);
const struct device_stats *shape_stats(struct shape *shape, const struct device *dev);
void shape_forget(struct shape *shape);

/* As a person reads it: enumeration name, or value and units. Borrowed until the next call. */
const char *shape_text(struct shape *shape, const struct point_class *cls, uint8_t type,
                       union value value);
/* The address in the device's words. Borrowed until the next call. */
const char *shape_source(struct shape *shape, const struct point *pt);

/* A value as JSON: number, bool, string, null. */
void shape_value(struct json_writer *json, uint8_t type, union value value);
/* null for 0. */
void shape_time(struct json_writer *json, const char *key, int64_t time_us);

/* The members of a device row, of a point row, of a point in the live stream; the caller begins and
 * ends the object, so that it can add more. */
void shape_device(struct shape *shape, struct json_writer *json, const struct device *dev);
void shape_point(struct shape *shape, struct json_writer *json, const struct point *pt);
void shape_live_point(struct shape *shape, struct json_writer *json, const struct point *pt);

/* [{"reason":"within deadband","count":1}] of the counts that are not 0. */
void shape_refused(struct json_writer *json, const char *key,
                   const uint64_t counts[BUS_REFUSAL_COUNT]);

#endif
