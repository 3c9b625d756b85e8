/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer says of each item: the hot path, once for each value polled. An OID is compared where it is expected;
 * only when it is another one is it looked for. */
#include "base/clock.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_reads.h"
#include "model/quality.h"

struct taking {
    struct snmp_job *job;
    struct snmp_plan *plan;
    int64_t now_us; /* monotonic: when it was answered */
    uint32_t uptime;
    bool has_uptime;
    unsigned values; /* taken, or known not to be there */
};

static bool is_oid(const struct snmp_plan *plan, uint32_t item, struct snmp_oid oid)
{
    return snmp_oid_equal(snmp_plan_oid(plan, item), oid);
}

/* ---- values ---- */

/* The total that was kept before busbar started: it goes on from there. */
static void resume(const struct point *point, struct snmp_counter *counter, int64_t now_us)
{
    const struct sample *last = &point->last;
    if (last->type == VALUE_INT && last->value.i > 0 && point->cls->as_is) {
        snmp_counter_resume(counter, (uint64_t)last->value.i, clock_wall_us() - last->time_us,
                            now_us);
    }
}

static void take_counter(const struct taking *taking, uint32_t point, enum snmp_as as,
                         const struct snmp_value *value, struct sample *out)
{
    const struct snmp_device *device = taking->job->reads->device;
    struct snmp_counter *counter = &device->reads->counters[point];
    uint64_t raw;
    unsigned bits;
    if (!snmp_value_counter(value, &raw, &bits, out)) {
        return;
    }
    if (counter->at_us == 0 && as == SNMP_TOTAL) {
        resume(&device->dev->points[point], counter, taking->now_us);
    }
    int64_t elapsed_us = taking->now_us - counter->at_us;
    bool restarted = counter->at_us != 0 && taking->has_uptime &&
                     snmp_uptime_restarted(counter->uptime, taking->uptime, elapsed_us);
    if (!snmp_counter_next(counter, as, bits, raw, restarted, taking->now_us, out)) {
        *out = (struct sample){ .quality = QUALITY_NOT_YET };
    }
    counter->uptime = taking->has_uptime ? taking->uptime : 0;
}

static void take_value(const struct taking *taking, const struct snmp_item *item,
                       const struct snmp_value *value)
{
    const struct snmp_plan *plan = taking->plan;
    const struct request *req = taking->job->req;
    const struct snmp_device *device = taking->job->reads->device;
    for (uint32_t s = item->of; s != SNMP_PLAN_NONE; s = plan->same[s]) {
        uint32_t point = req->points[s];
        const struct snmp_address *address = driver_address(device->dev, point);
        if (address->as == SNMP_AS_IS) {
            snmp_value_read(address->meaning, device->state->mib, value, &plan->texts[s],
                            &req->samples[s]);
        } else {
            take_counter(taking, point, (enum snmp_as)address->as, value, &req->samples[s]);
        }
    }
}

static void take_uptime(struct taking *taking, const struct snmp_value *value)
{
    uint64_t uptime;
    if (value->tag == BER_TIMETICKS && ber_uint(value->content, &uptime) && uptime <= UINT32_MAX) {
        taking->uptime = (uint32_t)uptime;
        taking->has_uptime = true;
        snmp_device_uptime(taking->job->reads->device, taking->uptime, taking->now_us);
    }
}

static void take_item(struct taking *taking, uint32_t number, const struct snmp_value *value)
{
    const struct snmp_item *item = &taking->plan->items[number];
    taking->values++;
    if (item->kind == SNMP_ITEM_VALUE) {
        if (item->uptime) {
            take_uptime(taking, value);
        }
        take_value(taking, item, value);
    } else if (item->kind == SNMP_ITEM_NAME) {
        snmp_rows_check(taking->job->reads->device->rows, item->of, value);
    } else {
        take_uptime(taking, value);
    }
}

static void fail(const struct taking *taking, uint32_t item, uint32_t item_end, uint16_t detail)
{
    snmp_plan_fail(taking->plan, item, item_end,
                   detail == SNMP_DETAIL_OTHER_OID || detail == SNMP_DETAIL_MISSING
                       ? QUALITY_DECODE
                       : QUALITY_REFUSED,
                   detail, taking->job->req->samples);
}

/* ---- GET ---- */

/* Where in the question an OID stands that is not the one in turn; SNMP_PLAN_NONE: nowhere. */
static uint32_t look_for(const struct taking *taking, uint32_t from, uint32_t end,
                         struct snmp_oid oid)
{
    for (uint32_t i = from; i < end; i++) {
        if (is_oid(taking->plan, i, oid)) {
            return i;
        }
    }
    return SNMP_PLAN_NONE;
}

/* Left out in the middle: such agents drop what they do not have. It is asked alone from now on. */
static void left_out(const struct taking *taking, uint32_t from, uint32_t end, bool others)
{
    fail(taking, from, end, others ? SNMP_DETAIL_OTHER_OID : SNMP_DETAIL_MISSING);
    for (uint32_t i = from; i < end; i++) {
        snmp_learn_alone(taking->job, i, true);
    }
}

static void take_get(struct taking *taking, const struct snmp_span *span, struct bytes varbinds)
{
    struct snmp_varbind varbind;
    uint32_t at = span->item;
    bool others = false;
    while (at < span->item_end && snmp_varbind_next(&varbinds, &varbind)) {
        if (!is_oid(taking->plan, at, varbind.oid)) {
            uint32_t found = look_for(taking, at, span->item_end, varbind.oid);
            if (found == SNMP_PLAN_NONE) {
                others = true;
                continue;
            }
            left_out(taking, at, found, others);
            at = found;
        }
        take_item(taking, at++, &varbind.value);
    }
    if (at == span->item_end) {
        snmp_learn_answered(taking->job->reads, span);
    } else if (taking->values > 0 && !others) {
        struct snmp_span rest = { .item = at, .item_end = span->item_end };
        snmp_job_ask(taking->job, &rest);
    } else {
        left_out(taking, at, span->item_end, others);
    }
    if (span->item_end - span->item == 1 && taking->values == 1) {
        snmp_learn_alone(taking->job, span->item, false);
    }
}

/* ---- GETBULK ---- */

/* One value of a column. Those before it are not there: GETBULK gives what comes next. */
static void take_cell(struct taking *taking, uint32_t column, uint32_t rows, uint16_t *row,
                      const struct snmp_varbind *varbind)
{
    bool ended = varbind->value.tag == BER_END_OF_MIB_VIEW;
    while (*row < rows) {
        uint32_t item = column + *row;
        int order = ended ? -1 : snmp_oid_order(snmp_plan_oid(taking->plan, item), varbind->oid);
        if (order > 0) {
            return; /* deeper than asked, or none of these */
        }
        (*row)++;
        if (order == 0) {
            take_item(taking, item, &varbind->value);
            return;
        }
        taking->values++;
        fail(taking, item, item + 1, snmp_detail_exception(BER_NO_SUCH_INSTANCE));
    }
}

static void take_bulk(struct taking *taking, const struct snmp_span *span, struct bytes varbinds)
{
    uint16_t next[SNMP_PLAN_COLUMNS_MAX] = { 0 };
    uint32_t first = span->item + span->heads;
    struct snmp_varbind varbind;
    if (span->heads > 0 && snmp_varbind_next(&varbinds, &varbind) &&
        is_oid(taking->plan, span->item, varbind.oid)) {
        take_uptime(taking, &varbind.value);
    }
    for (uint32_t c = 0; snmp_varbind_next(&varbinds, &varbind); c = (c + 1) % span->columns) {
        uint32_t column = first + c * span->rows;
        uint16_t row = next[c];
        if (row < span->rows && is_oid(taking->plan, column + row, varbind.oid) &&
            varbind.value.tag != BER_END_OF_MIB_VIEW) {
            take_item(taking, column + row, &varbind.value);
            next[c]++;
        } else {
            take_cell(taking, column, span->rows, &next[c], &varbind);
        }
    }
    if (taking->values == 0) {
        snmp_learn_no_bulk(taking->job->reads);
    } else {
        snmp_learn_answered(taking->job->reads, span);
    }
    for (uint32_t c = 0; c < span->columns; c++) {
        if (next[c] <
            span->rows) { /* the device does not answer so many at once: the rest by GET */
            struct snmp_span rest = { .item = first + c * span->rows + next[c],
                                      .item_end = first + (c + 1) * span->rows };
            snmp_job_ask(taking->job, &rest);
        }
    }
}

/* ---- refused ---- */

static void halve(struct taking *taking, const struct snmp_span *span, uint16_t detail)
{
    struct snmp_span left;
    struct snmp_span right;
    if (snmp_plan_split(span, &left, &right)) {
        snmp_job_ask(taking->job, &right);
        snmp_job_ask(taking->job, &left);
    } else {
        fail(taking, span->item, span->item_end, detail);
    }
}

/* The rest is asked again without the one that the device named. */
static void leave_out(struct taking *taking, const struct snmp_span *span, uint32_t culprit,
                      int32_t status)
{
    struct snmp_span before = { .item = span->item, .item_end = culprit };
    struct snmp_span behind = { .item = culprit + 1, .item_end = span->item_end };
    fail(taking, culprit, culprit + 1, snmp_detail_status(status));
    if (taking->plan->items[culprit].kind == SNMP_ITEM_NAME) {
        snmp_rows_gone(taking->job->reads->device->rows, taking->plan->items[culprit].of);
    }
    if (behind.item < behind.item_end) {
        snmp_job_ask(taking->job, &behind);
    }
    if (before.item < before.item_end) {
        snmp_job_ask(taking->job, &before);
    }
    if (span->item_end - span->item > 1) {
        snmp_learn_alone(taking->job, culprit, true);
    }
}

static void refused(struct taking *taking, const struct snmp_span *span, int32_t status,
                    int32_t index)
{
    struct snmp_reads *reads = taking->job->reads;
    uint32_t count = span->item_end - span->item;
    if (span->columns > 0) {
        struct snmp_span plain = { .item = span->item, .item_end = span->item_end };
        snmp_learn_no_bulk(reads);
        snmp_job_ask(taking->job, &plain);
        return;
    }
    if (status == SNMP_TOO_BIG) {
        snmp_learn_too_big(reads, span);
        halve(taking, span, snmp_detail_status(status));
    } else if (index >= 1 && (uint32_t)index <= count) {
        leave_out(taking, span, span->item + (uint32_t)index - 1, status);
    } else {
        halve(taking, span, snmp_detail_status(status));
    }
}

void snmp_take_answer(struct snmp_job *job, const struct snmp_span *span,
                      const struct snmp_answer *answer)
{
    const struct snmp_pdu *pdu = answer->pdu;
    struct taking taking = { .job = job, .plan = job->req->plan, .now_us = answer->answered_us };
    if (pdu->error_status != SNMP_NO_ERROR) {
        refused(&taking, span, pdu->error_status, pdu->error_index);
    } else if (span->columns > 0) {
        take_bulk(&taking, span, pdu->varbinds);
    } else {
        take_get(&taking, span, pdu->varbinds);
    }
}
