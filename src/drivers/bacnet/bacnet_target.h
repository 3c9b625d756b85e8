/* SPDX-License-Identifier: Apache-2.0 */
/* Where a point lives in a BACnet device, and how it is watched and written, in 24 bytes.
 *
 *   object: analog-input:1        also AI:1, ANALOG_INPUT:1, 130:5 (proprietary)
 *   property: high-limit          default present-value; a name or a number
 *   index: 8                      one element of an array
 *   cov: 0.2                      subscribe, with this increment; true, false
 *   priority: 8                   of writes
 *   type: int                     instead of what the property usually is: bool, int, double, string
 *   trend_log: trend-log:3        its past comes from there; auto, trend-log-multiple:2[1]
 *
 * Pure: settings in, target out. */
#ifndef BUSBAR_DRIVERS_BACNET_TARGET_H
#define BUSBAR_DRIVERS_BACNET_TARGET_H

#include "base/buf.h"
#include "config/option.h"
#include "drivers/bacnet/wire/value.h"
#include "model/point.h"

#define BACNET_LOG_NONE UINT32_MAX

enum {
    BACNET_PROPERTY_MOST = 4194337, /* the standard's own go a little over 22 bits (clause 21) */
    BACNET_INDEX_MOST = 4194303,
};

enum bacnet_target_flags {
    BACNET_TARGET_COV_OFF = 1,     /* never subscribed */
    BACNET_TARGET_COV_ON = 2,      /* subscribed even if it is not a present-value */
    BACNET_TARGET_LOG_AUTO = 4,    /* find the trend log that logs this */
    BACNET_TARGET_COMMANDABLE = 8, /* may have a priority array (clause 19.2) */
};

struct bacnet_target {
    uint32_t object; /* as on the wire: type << 22 | instance */
    uint32_t property;
    uint32_t index;     /* BACNET_INDEX_ALL: the whole */
    float increment;    /* asked for with COV; NaN = the device's own */
    uint32_t log;       /* object of a trend log; BACNET_LOG_NONE */
    uint8_t value_type; /* enum value_type */
    uint8_t priority;   /* of writes; 0: the property has none */
    uint8_t flags;      /* enum bacnet_target_flags */
    uint8_t log_member; /* of a Trend Log Multiple, from 1; 0 = none */
};

extern const struct option bacnet_point_options[];

/* What a property usually holds; BACNET_TYPES: not known, constructed, or differs. */
uint8_t bacnet_kind(uint16_t object_type, uint32_t property, uint32_t index);
/* Bytes that one usually takes in an answer. */
size_t bacnet_kind_size(uint8_t kind);

/* What a point of it holds, by its kind: enum value_type. Of target: object and property. */
uint8_t bacnet_target_value_type(uint8_t kind, const struct bacnet_target *target);

/* ops->resolve; device: its settings, for the priority of writes. */
int bacnet_target_resolve(const struct settings *device, const struct settings *point,
                          struct bacnet_target *target, struct point_facts *facts, struct err *err);

/* "analog-input:1", "analog-input:1 high-limit", "analog-value:1 priority-array[8]": as a browse
 * names it, too. */
void bacnet_target_print(const struct bacnet_target *target, struct buf *out);

/* A present-value that stands beside status flags. */
bool bacnet_target_has_flags(const struct bacnet_target *target);

/* Order of object, property, index. */
int bacnet_target_compare(const struct bacnet_target *a, const struct bacnet_target *b);

static inline uint16_t bacnet_target_type(const struct bacnet_target *target)
{
    return (uint16_t)(target->object >> 22);
}

#endif
