/* SPDX-License-Identifier: Apache-2.0 */
/* A point: one named value of a device. There may be 1,000,000 of them, so what many share
 * (units, scaling, limits, period) sits in a point class made once. */
#ifndef BUSBAR_MODEL_POINT_H
#define BUSBAR_MODEL_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/sample.h"

struct arena;
struct device;

#define POINT_NAME_MAX      128
#define POINT_ENUM_MAX      256 /* names of one point's values */
#define POINT_PRIORITIES    16  /* 1 goes before 16 */
#define POINT_PRIORITY_BITS 0x1fu

struct point_enum {
    int64_t value;
    const char *name;
};

/* What resolving an address tells about the point (the driver does it, config stores it). */
struct point_facts {
    struct arena *arena; /* given: for texts of the address, lives as long as it; NULL: it is only
                          * checked, texts may be borrowed */
    const void *before;  /* given: the address of the point before, of the same arena; NULL: none */
    uint8_t value_type;  /* enum value_type before conversion; VALUE_NONE: the device will tell */
    bool readable, writable;
    /* The device sends it by itself and cannot be asked: it is never polled (readable is then whether it counts when
     * the device is silent). It gets stale after `stale_after`, or 3 x `every` where one of them is configured. */
    bool pushed;
    bool releasable;  /* a write can be given up again, at a priority (BACnet) */
    uint8_t priority; /* of a releasable one: that a write goes to when none is named, 1 to 16 */
    /* What the address itself says (MIBs do), for points that say nothing; borrowed from the driver, the setup or the
     * arena. */
    const char *units; /* NULL: nothing */
    const struct point_enum *enums;
    size_t enum_count;
    bool counter;           /* only grows; a drop is a reset */
    const char *unwritable; /* what makes it writable: a hint; NULL: nothing does */
};

/* A free word on a device or a point, as configured; part of the labels of its series (labels.h). */
struct free_label {
    const char *key, *value;
};

/* How to write, what is allowed. */
struct point_write {
    bool allowed;
    bool confirm;          /* page and command line ask before they write */
    bool has_min, has_max; /* in engineering units */
    double min, max;
    /* Of points that can be released only. */
    uint8_t priority;    /* that a write goes to when none is named; 0 = as the driver says */
    int64_t max_time_us; /* released by itself after this at the latest; 0 = never */
};

/* Shared by all points with the same settings; immutable; owned by the registry that interned it. */
struct point_class {
    const char *units; /* "" = none */
    const struct point_enum *enums;
    size_t enum_count;
    double scale, offset; /* engineering = raw x scale + offset; 1 and 0: integers stay integers */
    bool as_is; /* made by registry_class(): no scale, enum or clamp, a raw number is the value */
    double divisor; /* made by registry_class(): 10 for scale 0.1, so that 217 becomes 21.7 and not
                           * 21.700000000000003; 0 when the scale is not one over a whole number */
    bool has_clamp;
    double clamp_min, clamp_max; /* outside: clamped, quality says so */
    double deadband;             /* engineering units; a smaller change is not stored; 0 = off */
    bool counter;                /* only grows; a drop is a reset */
    int64_t every_us;            /* poll period */
    int64_t stale_after_us;      /* 0 = 3 x every */
    int64_t keep_us;             /* retention; 0 = the history's default, -1 = for ever */
    struct point_write write;
    const struct free_label *labels; /* sorted by key */
    size_t label_count;
};

struct point {
    const char *name;  /* within its device; owned by the device's arena */
    const char *title; /* free text, "" = none */
    struct device *device;
    const struct point_class *cls;
    struct sample last; /* last.point is this point's series id */
    int64_t since_us;   /* since when it has this quality */
    uint64_t received;  /* ledger: samples that came since the start */
    uint32_t line;      /* where it was written: line of device->files[file] */
    uint16_t file;
    uint8_t value_type; /* enum value_type after conversion */
    bool readable : 1;
    bool learns : 1;      /* value_type is what came last; VALUE_NONE: nothing came yet */
    bool writable : 1;    /* the address can be written and cls->write.allowed */
    bool releasable : 1;  /* and what was written can be released */
    bool pushed : 1;      /* the device sends it by itself; never polled */
    uint8_t priority : 5; /* of a releasable one: that a write goes to when none is named */
};

/* The name of an enumerated value, NULL when the class has none for it. */
const char *point_enum_name(const struct point_class *cls, int64_t value);
/* The value behind a name. */
bool point_enum_value(const struct point_class *cls, const char *name, int64_t *value);

/* After an apply: the new object of the same point goes on with the live value, its text and counter. */
void point_take_live(struct point *to, struct point *from);

/* Deep equality, for interning. */
bool point_class_equal(const struct point_class *a, const struct point_class *b);
uint64_t point_class_hash(const struct point_class *cls);

/* Writes "device/point". */
void point_path(const struct point *pt, struct buf *out);

#endif
