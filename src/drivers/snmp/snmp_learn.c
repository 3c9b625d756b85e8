/* SPDX-License-Identifier: Apache-2.0 */
/* What is learned about a device, and the plans that follow from it.
 *
 * The largest read: halved when the device says tooBig; and when it is silent to a question while it answers others,
 * because many agents drop what they cannot answer. A question as big as one that was answered before may as well have
 * been lost: then it takes two in a row. All of it is tried anew after SNMP_RELEARN_S. */
#include <assert.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/snmp/snmp_reads.h"

enum { SNMP_RELEARN_S = 6 * 3600, SILENT_MOST = 2 };

#define LARGEST "largest read"
#define NO_BULK "no GETBULK"

static void plan_anew(struct snmp_reads *reads)
{
    reads->generation++;
    reads->relearn_us = clock_mono_us() + SNMP_RELEARN_S * CLOCK_US_PER_S;
}

void snmp_learn_init(struct snmp_reads *reads)
{
    const struct device *dev = reads->device->dev;
    reads->generation = 1;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct snmp_address *address = driver_address(dev, i);
        if (address->as != SNMP_AS_IS && reads->counters == NULL) {
            reads->counters = busbar_alloc_array(dev->point_count, sizeof(*reads->counters));
        }
    }
}

void snmp_learn_fini(struct snmp_reads *reads)
{
    busbar_free(reads->alone);
    busbar_free(reads->counters);
}

static void restore(struct snmp_reads *reads)
{
    const struct device *dev = reads->device->dev;
    int64_t value;
    reads->restored = true;
    if (driver_limit_get(dev, LARGEST, &value) && value > 0 && value <= SNMP_PLAN_OIDS_MAX) {
        reads->largest = (uint32_t)value;
        plan_anew(reads);
    }
    if (driver_limit_get(dev, NO_BULK, &value) && value != 0) {
        reads->no_bulk = true;
        plan_anew(reads);
    }
}

void snmp_learn_refresh(struct snmp_reads *reads)
{
    if (!reads->restored) {
        restore(reads);
    }
    if (reads->relearn_us != 0 && clock_mono_us() >= reads->relearn_us) {
        reads->generation++;
        reads->relearn_us = 0;
        reads->largest = 0;
        reads->answered_most = 0;
        reads->no_bulk = false;
        reads->no_uptime = false;
    }
}

/* ---- plans ---- */

static uint16_t value_bytes(const struct snmp_meaning *meaning)
{
    switch (meaning->syntax) {
    case MIB_OCTETS: return 34;
    case MIB_OID: return 16;
    case MIB_COUNTER64: return 10;
    case MIB_NONE: return 12;
    default: return 6;
    }
}

static void describe(const struct snmp_reads *reads, uint32_t point, struct snmp_plan_point *out)
{
    const struct snmp_device *device = reads->device;
    const struct snmp_address *address = driver_address(device->dev, point);
    *out = (struct snmp_plan_point){
        .oid = address->oid,
        .value_bytes = value_bytes(address->meaning),
        .counter = address->as != SNMP_AS_IS,
        .alone = reads->alone != NULL && reads->alone[point] != 0,
    };
    if (address->row != NULL) {
        struct snmp_row_place place;
        out->detail = snmp_rows_place(device->rows, point, &place);
        if (out->detail == 0) {
            out->oid = place.oid;
            out->name = place.name;
            out->row = place.row;
        }
    }
}

static void limits_of(const struct snmp_reads *reads, struct snmp_plan_limits *out)
{
    const struct snmp_config *config = &reads->device->config;
    uint32_t most = config->max_oids < SNMP_PLAN_OIDS_MAX ? (uint32_t)config->max_oids
                                                          : SNMP_PLAN_OIDS_MAX;
    bool bulk = config->bulk && !reads->no_bulk && reads->device->login->version != SNMP_V1;
    out->oids = reads->largest != 0 && reads->largest < most ? reads->largest : most;
    /* who wants more at once than the default wants answers of several frames */
    out->bytes = SNMP_PLAN_ANSWER_BYTES;
    if (most > SNMP_PLAN_OIDS_USUAL) {
        out->bytes = SNMP_PLAN_ANSWER_BYTES * most / SNMP_PLAN_OIDS_USUAL;
    }
    out->repetitions = bulk ? (uint32_t)config->max_repetitions : 0;
    out->uptime = !reads->no_uptime;
}

struct snmp_plan *snmp_reads_plan(struct snmp_reads *reads, struct request *req)
{
    struct snmp_plan *plan = req->plan;
    if (plan != NULL && plan->generation == reads->generation) {
        return plan;
    }
    struct snmp_plan_limits limits;
    limits_of(reads, &limits);
    struct snmp_plan_point *points = busbar_alloc_array(req->count + 1, sizeof(*points));
    for (size_t i = 0; i < req->count; i++) {
        describe(reads, req->points[i], &points[i]);
    }
    snmp_plan_free(plan);
    plan = snmp_plan_new(points, req->count, &limits);
    busbar_free(points);
    plan->generation = reads->generation;
    req->plan = plan;
    return plan;
}

void snmp_reads_changed(struct snmp_device *device)
{
    device->reads->generation++;
}

struct snmp_counter *snmp_reads_counter(struct snmp_device *device, uint32_t point)
{
    const struct snmp_address *address = driver_address(device->dev, point);
    return address->as != SNMP_AS_IS ? &device->reads->counters[point] : NULL;
}

/* ---- the largest read ---- */

static uint32_t count_of(const struct snmp_span *span)
{
    return span->item_end - span->item;
}

void snmp_learn_answered(struct snmp_reads *reads, const struct snmp_span *span)
{
    uint32_t count = count_of(span);
    reads->answered_most = count > reads->answered_most ? count : reads->answered_most;
    if (count >= reads->silent) {
        reads->silent_times = 0;
    }
}

static void set_largest(struct snmp_reads *reads, uint32_t largest)
{
    if (largest == 0 || (reads->largest != 0 && largest >= reads->largest)) {
        return;
    }
    reads->largest = largest;
    if (reads->answered_most > largest) {
        reads->answered_most = largest;
    }
    reads->silent_times = 0;
    driver_limit_set(reads->device->dev, LARGEST, largest);
    plan_anew(reads);
}

void snmp_learn_too_big(struct snmp_reads *reads, const struct snmp_span *span)
{
    set_largest(reads, (count_of(span) + 1) / 2);
}

static bool too_often(struct snmp_reads *reads, uint32_t count)
{
    if (count <= 1) {
        return false;
    }
    reads->silent_times = reads->silent == count ? reads->silent_times + 1 : 1;
    reads->silent = count;
    return count > reads->answered_most || reads->silent_times >= SILENT_MOST;
}

bool snmp_learn_silent(struct snmp_job *job, const struct snmp_span *span)
{
    struct snmp_span left;
    struct snmp_span right;
    if (!too_often(job->reads, count_of(span))) {
        return false;
    }
    set_largest(job->reads, (count_of(span) + 1) / 2);
    (void)snmp_plan_split(span, &left, &right);
    snmp_job_ask(job, &right);
    snmp_job_ask(job, &left);
    return true;
}

void snmp_learn_cut(struct snmp_job *job, const struct snmp_span *span)
{
    if (too_often(job->reads, count_of(span))) {
        set_largest(job->reads, (count_of(span) + 1) / 2);
    }
}

/* ---- the rest ---- */

void snmp_learn_alone(struct snmp_job *job, uint32_t item, bool alone)
{
    const struct snmp_plan *plan = job->req->plan;
    struct snmp_reads *reads = job->reads;
    const struct snmp_item *at = &plan->items[item];
    if (at->kind == SNMP_ITEM_UPTIME && alone) {
        reads->no_uptime = true;
        plan_anew(reads);
    }
    if (at->kind != SNMP_ITEM_VALUE || at->alone == alone) {
        return;
    }
    if (reads->alone == NULL) {
        reads->alone = busbar_alloc(reads->device->dev->point_count);
    }
    for (uint32_t s = at->of; s != SNMP_PLAN_NONE; s = plan->same[s]) {
        reads->alone[job->req->points[s]] = alone;
    }
    plan_anew(reads);
}

void snmp_learn_no_bulk(struct snmp_reads *reads)
{
    if (!reads->no_bulk) {
        reads->no_bulk = true;
        driver_limit_set(reads->device->dev, NO_BULK, 1);
        plan_anew(reads);
    }
}
