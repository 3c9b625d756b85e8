/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the reading of a device: what snmp_read.c (jobs and questions), snmp_take.c (answers) and snmp_learn.c
 * (limits, plans) share. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_READS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_READS_H

#include "base/list.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_driver.h"
#include "drivers/snmp/snmp_plan.h"
#include "drivers/snmp/snmp_read.h"
#include "drivers/snmp/snmp_rows.h"

/* One request of the host on its way. */
struct snmp_job {
    struct list link;
    struct snmp_reads *reads;
    struct request *req;
    struct snmp_answer why; /* the last that was no answer */
    unsigned open, answered, lost;
    uint32_t given;          /* spans of the plan given out */
    uint32_t skipped_from;   /* first span that was cut off; SNMP_PLAN_NONE: none */
    struct snmp_span *again; /* to be asked before those */
    uint32_t again_count, again_capacity;
};

/* One of its questions. */
struct snmp_exchange {
    struct list link; /* reads->open or reads->spare_exchanges */
    struct snmp_job *job;
    struct snmp_asked *asked;
    struct snmp_span span;
    bool probe;
};

struct snmp_reads {
    struct snmp_device *device;
    struct list jobs;     /* under way, oldest first */
    struct list waiting;  /* until the rows are known */
    struct list finished; /* to be answered in the next turn */
    struct list open, spare_exchanges, spare_jobs;
    struct loop_deferred finishing;
    unsigned open_count;
    bool proven;  /* it answered last */
    bool probing; /* it is asked whether it does */
    /* learned */
    uint32_t generation;    /* changes when plans made before are not right any more */
    uint32_t largest;       /* items in one question that it bears; 0: as configured */
    uint32_t answered_most; /* items of the largest question that was answered */
    uint32_t silent;        /* items of the question that got no answer, though others did */
    unsigned silent_times;  /* in a row */
    int64_t relearn_us;     /* when it is all tried again; 0: there is nothing */
    bool restored, no_bulk, no_uptime;
    uint8_t *alone;                /* of each point; NULL: none */
    struct snmp_counter *counters; /* of each point; NULL: none is a counter */
};

/* ---- snmp_read.c ---- */
/* Asked before what is left of the plan. */
void snmp_job_ask(struct snmp_job *job, const struct snmp_span *span);

/* ---- snmp_take.c ---- */
void snmp_take_answer(struct snmp_job *job, const struct snmp_span *span,
                      const struct snmp_answer *answer);

/* ---- snmp_learn.c ---- */
void snmp_learn_init(struct snmp_reads *reads);
void snmp_learn_fini(struct snmp_reads *reads);
/* Before each poll: restores what was kept (once), forgets what is old. */
void snmp_learn_refresh(struct snmp_reads *reads);
/* The plan of a request, made anew if it must be. */
struct snmp_plan *snmp_reads_plan(struct snmp_reads *reads, struct request *req);
/* It was answered, with values. */
void snmp_learn_answered(struct snmp_reads *reads, const struct snmp_span *span);
/* It said tooBig. */
void snmp_learn_too_big(struct snmp_reads *reads, const struct snmp_span *span);
/* No answer came, while others did. True: it is asked in halves. */
bool snmp_learn_silent(struct snmp_job *job, const struct snmp_span *span);
void snmp_learn_cut(struct snmp_job *job, const struct snmp_span *span);
/* The points of this item are asked alone from now on, or need not be any more. */
void snmp_learn_alone(struct snmp_job *job, uint32_t item, bool alone);
void snmp_learn_no_bulk(struct snmp_reads *reads);

#endif
