/* SPDX-License-Identifier: Apache-2.0 */
/* Points of one poll -> as few questions as possible, with their bytes. Pure: what is asked together depends only on the
 * OIDs and on what was learned about the device.
 *
 * An item is a varbind to be asked for: of one or several points with the same OID, the name of a row, or sysUpTime
 * (wherever counters are read: it tells a restart from a wrap; and in the first question). A span is a question and covers whole items:
 *
 *   points   ifInOctets.1 ... .20   ifOutOctets.1 ... .20   sysName.0   sysContact.0 ... (20 more)
 *   items    sysUpTime.0 ifInOctets.1 ... .20  ifOutOctets.1 ... .20    sysName.0 sysContact.0 ...
 *   spans    [ GETBULK 1 non-repeater, 2 columns, 20 rows          ]    [ GET                    ]
 *
 * GETBULK is used for SNMP_PLAN_ROWS_MIN or more successive numbers in the last place of an OID: its question is shorter
 * by all rows but one; not where GET alone needs fewer questions. Items of a span stand column by column. Points of a row by name stand together with the cell of
 * the name and go by GET, so that one answer holds both. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_PLAN_H
#define BUSBAR_DRIVERS_SNMP_SNMP_PLAN_H

#include "base/bytes.h"
#include "drivers/snmp/ber/pdu.h"
#include "model/sample.h"

enum {
    SNMP_PLAN_ROWS_MIN = 4,
    SNMP_PLAN_COLUMNS_MAX = 16,
    SNMP_PLAN_OIDS_MAX = 1024,     /* in one question */
    SNMP_PLAN_OIDS_USUAL = 48,     /* max_oids by default */
    SNMP_PLAN_ANSWER_BYTES = 1320, /* of varbinds: with the heads of v3 one frame of Ethernet */
    SNMP_PLAN_NONE = UINT32_MAX,
};

/* What is known of a point for planning. */
struct snmp_plan_point {
    struct snmp_oid oid, name; /* name: the cell of its row's name; size 0: none */
    uint32_t row;              /* with a name */
    uint16_t detail;           /* not 0: it cannot be asked for now, and why */
    uint16_t value_bytes;      /* about */
    bool counter;              /* wants sysUpTime along */
    bool alone;                /* a question that holds it and others is refused */
};

struct snmp_plan_limits {
    uint32_t oids;        /* in one question */
    uint32_t bytes;       /* of the varbinds of an answer, about */
    uint32_t repetitions; /* of GETBULK; 0: it is not used */
    bool
        uptime; /* sysUpTime is asked along: with counters always, else with the first question now and then */
};

enum snmp_item_kind { SNMP_ITEM_VALUE, SNMP_ITEM_NAME, SNMP_ITEM_UPTIME };

struct snmp_item {
    uint32_t at, oid_at; /* of the varbind and of its OID's content in plan->bytes */
    uint32_t of; /* value: first sample (plan->same has the others); name: number of the row */
    uint16_t size, oid_size;
    uint8_t kind;
    bool alone;
    bool uptime; /* a value that is sysUpTime itself */
};

struct snmp_span {
    uint32_t item, item_end;
    uint32_t bulk_at, bulk_size; /* GETBULK: the varbinds of the question in plan->bytes */
    uint16_t columns, rows;      /* GETBULK; 0: GET */
    uint8_t heads;               /* items before the columns: sysUpTime */
    bool spare; /* begins with sysUpTime, which may be left out: snmp_plan_spare() */
};

struct snmp_plan {
    uint8_t *bytes;
    struct snmp_item *items;
    struct snmp_span *spans;
    uint32_t *same;      /* of each sample: the next one of the same item; SNMP_PLAN_NONE */
    uint16_t *details;   /* of each sample: why it is not asked for; 0: it is */
    uint32_t *rows;      /* of each sample: its row by name; SNMP_PLAN_NONE. NULL: none has one */
    struct text **texts; /* of each sample: memory for its text */
    uint32_t item_count, span_count;
    uint32_t bulks;                          /* of the spans, the first so many are GETBULK */
    size_t byte_count, byte_capacity, count; /* count: of samples */
    uint32_t generation;                     /* the poll's: of what was learned when it was made */
    uint32_t next; /* the poll's: span to begin with, after a poll that was cut short */
};

struct snmp_plan *snmp_plan_new(const struct snmp_plan_point *points, size_t count,
                                const struct snmp_plan_limits *limits);
void snmp_plan_free(struct snmp_plan *plan); /* NULL is fine */

static inline struct snmp_oid snmp_plan_oid(const struct snmp_plan *plan, uint32_t item)
{
    const struct snmp_item *at = &plan->items[item];
    return (struct snmp_oid){ .bytes = plan->bytes + at->oid_at, .size = at->oid_size };
}

/* The varbinds of the question. */
struct bytes snmp_plan_question(const struct snmp_plan *plan, const struct snmp_span *span);

/* The same question without sysUpTime. */
void snmp_plan_spare(const struct snmp_plan *plan, struct snmp_span *span);

/* Two halves by GET; false: it is one item. */
bool snmp_plan_split(const struct snmp_span *span, struct snmp_span *left, struct snmp_span *right);

/* All samples of the items get this quality. */
void snmp_plan_fail(const struct snmp_plan *plan, uint32_t item, uint32_t item_end, uint8_t quality,
                    uint16_t detail, struct sample *samples);

#endif
