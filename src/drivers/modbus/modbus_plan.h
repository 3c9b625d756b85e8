/* SPDX-License-Identifier: Apache-2.0 */
/* Points of one poll -> as few reads as possible. Pure: what may be read together depends only on the
 * addresses and on what was learned about the device.
 *
 * A plan is three lists. Items are the points sorted by table and address; they are not stored, only
 * counted: a run is a stretch of items of one shape whose samples follow one another too, so that it
 * is decoded in one tight loop; a span is one read and covers whole items.
 *
 *   registers   100 101 102 103 .. 110 111      points a,b uint16, c float32, d uint32 at 110
 *   runs        [a   b][c      ]  [d      ]
 *   spans       [100 count 4   ]  [110 2  ]     max_gap 5;  with max_gap 6 one span 100 count 12 */
#ifndef BUSBAR_DRIVERS_MODBUS_PLAN_H
#define BUSBAR_DRIVERS_MODBUS_PLAN_H

#include "drivers/modbus/modbus_address.h"
#include "model/sample.h"

/* What a device refused. */
struct modbus_refusal {
    uint16_t start, count;
    uint8_t table;
    uint8_t exception;
    bool split; /* not refused itself, but no read may cover both start - 1 and start */
    bool retry; /* to be read once more, alone */
};

struct modbus_limits {
    uint16_t max_registers, max_bits;        /* in one read */
    uint16_t max_gap;                        /* registers; bits: 16 times as many */
    uint8_t table_exceptions[MODBUS_TABLES]; /* refused as a whole; 0 = not */
    const struct modbus_refusal *refusals;   /* sorted by modbus_refusal_before() */
    size_t refusal_count;
};

struct modbus_run {
    uint32_t item;   /* of its first item; it ends where the next run begins */
    uint32_t sample; /* of the first item; the others follow */
    uint16_t start;  /* address of the first item; the others follow */
};

struct modbus_span {
    uint32_t item, item_end;
    uint32_t run;  /* that holds `item` */
    uint32_t text; /* where its first string lives in texts */
    uint16_t start, count;
    uint8_t table;
    uint8_t tries;  /* the poll's: how often it was asked again */
    uint8_t origin; /* the poll's: split that it came from, from 1; 0 = none */
};

/* A point that is not read because the device refused it. */
struct modbus_skip {
    uint32_t sample;
    uint8_t exception;
};

struct modbus_plan {
    struct modbus_run *runs; /* run_count, then one that only ends the last */
    struct modbus_span *spans;
    struct modbus_skip *skips;
    uint32_t run_count, span_count, skip_count;
    uint32_t generation; /* the poll's: of what was learned when it was made */
    uint32_t next;       /* the poll's: span to begin with, after one that was cut short */
    uint8_t *texts;      /* memory for string values, NULL when there are none */
    size_t text_bytes;
};

bool modbus_refusal_before(const struct modbus_refusal *a, const struct modbus_refusal *b);

/* addresses: indexed by points[i]; sample i is of points[i]. Freed by modbus_plan_free(). */
struct modbus_plan *modbus_plan_new(const struct modbus_address *addresses, const uint32_t *points,
                                    size_t count, const struct modbus_limits *limits);
void modbus_plan_free(struct modbus_plan *plan);

/* The data of a span, at least as long as it asked for, into the samples of its items. String values live in the
 * plan until the span is decoded again. */
void modbus_plan_decode(struct modbus_plan *plan, const struct modbus_span *span,
                        const struct modbus_address *addresses, const uint32_t *points,
                        const uint8_t *data, struct sample *samples);

/* All items of a span get no value and this quality. */
void modbus_plan_fail(const struct modbus_plan *plan, const struct modbus_span *span,
                      uint8_t quality, uint16_t detail, struct sample *samples);

/* Points that are not read: no value, refused, and why. */
void modbus_plan_skip(const struct modbus_plan *plan, struct sample *samples);

/* Two halves at an item; false when the span has only one. */
bool modbus_plan_split(const struct modbus_plan *plan, const struct modbus_span *span,
                       const struct modbus_address *addresses, const uint32_t *points,
                       struct modbus_span *left, struct modbus_span *right);

#endif
