/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted, told apart into rows by name, runs of columns and the rest, then laid out one question behind the other. */
#include "drivers/snmp/snmp_plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    VARBIND_MAX = SNMP_OID_BYTES_MAX + 16,
    VARBIND_HEADS = 4, /* of a usual varbind in an answer: two tags, two lengths */
    UPTIME_BYTES = 20,
    UPTIME_LEAST =
        3, /* items in a question that bears it: beside a value and the name of its row */
};

static const uint8_t uptime_oid[] = { 0x2b, 6, 1, 2, 1, 1, 3, 0 };

/* What is to be asked for: one for each different OID, but those of rows by name. */
struct want {
    const struct snmp_plan_point *point;
    uint32_t sample;
    uint32_t run; /* of a column: its items, from its first one on; 0 elsewhere */
    bool taken;
};

struct planner {
    struct snmp_plan *plan;
    const struct snmp_plan_limits *limits;
    struct want *wants;
    uint32_t count;
    uint32_t item_capacity, span_capacity;
    uint32_t oids, answer; /* of the span being filled */
};

/* ---- bytes and items ---- */

static uint32_t put(struct snmp_plan *plan, struct snmp_oid oid, uint16_t *size)
{
    uint8_t room[VARBIND_MAX];
    struct ber_out out = ber_out_of(room, sizeof(room));
    snmp_put_varbind(&out, oid, NULL);
    assert(!out.failed);
    *size = (uint16_t)ber_out_size(&out);
    if (plan->byte_capacity - plan->byte_count < *size) {
        plan->byte_capacity = plan->byte_capacity * 2 + VARBIND_MAX;
        plan->bytes = busbar_realloc(plan->bytes, plan->byte_capacity);
    }
    uint32_t at = (uint32_t)plan->byte_count;
    memcpy(plan->bytes + at, out.at, *size);
    plan->byte_count += *size;
    return at;
}

static struct snmp_item *add_item(struct planner *planner, struct snmp_oid oid,
                                  enum snmp_item_kind kind, uint32_t of)
{
    struct snmp_plan *plan = planner->plan;
    if (plan->item_count == planner->item_capacity) {
        planner->item_capacity = planner->item_capacity * 2 + 16;
        plan->items = busbar_realloc(plan->items, planner->item_capacity * sizeof(*plan->items));
    }
    struct snmp_item *item = &plan->items[plan->item_count++];
    *item = (struct snmp_item){ .kind = (uint8_t)kind, .of = of, .oid_size = oid.size };
    item->at = put(plan, oid, &item->size);
    /* behind it is only the NULL */
    item->oid_at = item->at + item->size - 2U - oid.size;
    plan->spans[plan->span_count - 1].item_end = plan->item_count;
    planner->oids++;
    return item;
}

static struct snmp_span *begin_span(struct planner *planner)
{
    struct snmp_plan *plan = planner->plan;
    if (plan->span_count == planner->span_capacity) {
        planner->span_capacity = planner->span_capacity * 2 + 4;
        plan->spans = busbar_realloc(plan->spans, planner->span_capacity * sizeof(*plan->spans));
    }
    struct snmp_span *span = &plan->spans[plan->span_count++];
    *span = (struct snmp_span){ .item = plan->item_count, .item_end = plan->item_count };
    planner->oids = 0;
    planner->answer = 0;
    return span;
}

static void add_want(struct planner *planner, struct want *want)
{
    struct snmp_item *item = add_item(planner, want->point->oid, SNMP_ITEM_VALUE, want->sample);
    item->alone = want->point->alone;
    item->uptime = want->point->oid.size == sizeof(uptime_oid) &&
                   memcmp(want->point->oid.bytes, uptime_oid, sizeof(uptime_oid)) == 0;
    want->taken = true;
}

static void add_uptime(struct planner *planner)
{
    struct snmp_oid oid = { .bytes = uptime_oid, .size = sizeof(uptime_oid) };
    add_item(planner, oid, SNMP_ITEM_UPTIME, 0);
}

static uint32_t answer_size(const struct snmp_plan_point *point)
{
    return VARBIND_HEADS + 2U + point->oid.size + point->value_bytes;
}

/* ---- what there is ---- */

/* Rows by name first, row by row; then by OID. Alone ones last. */
static int by_place(const void *a, const void *b)
{
    const struct want *one = a;
    const struct want *two = b;
    const struct snmp_plan_point *left = one->point;
    const struct snmp_plan_point *right = two->point;
    if (left->alone != right->alone) {
        return left->alone ? 1 : -1;
    }
    if ((left->name.size > 0) != (right->name.size > 0)) {
        return left->name.size > 0 ? -1 : 1;
    }
    if (left->name.size > 0 && left->row != right->row) {
        return left->row < right->row ? -1 : 1;
    }
    int order = snmp_oid_order(left->oid, right->oid);
    return order != 0 ? order : one->sample < two->sample ? -1 : 1;
}

static bool same_place(const struct snmp_plan_point *a, const struct snmp_plan_point *b)
{
    return a->alone == b->alone && a->name.size == b->name.size &&
           (a->name.size == 0 || a->row == b->row) && snmp_oid_equal(a->oid, b->oid);
}

/* Duplicates become a chain of samples behind the first. */
static void collect(struct planner *planner, const struct snmp_plan_point *points, size_t count)
{
    struct snmp_plan *plan = planner->plan;
    struct want *wants = busbar_alloc_array(count > 0 ? count : 1, sizeof(*wants));
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        plan->same[i] = SNMP_PLAN_NONE;
        plan->details[i] = points[i].detail;
        if (points[i].name.size > 0 && points[i].detail == 0) {
            if (plan->rows == NULL) {
                plan->rows = busbar_alloc_array(count, sizeof(*plan->rows));
                memset(plan->rows, 0xff, count * sizeof(*plan->rows));
            }
            plan->rows[i] = points[i].row;
        }
        if (points[i].detail == 0) {
            wants[found++] = (struct want){ .point = &points[i], .sample = (uint32_t)i };
        }
    }
    qsort(wants, found, sizeof(*wants), by_place);
    uint32_t kept = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < found; i++) {
        if (kept > 0 && same_place(wants[kept - 1].point, wants[i].point)) {
            plan->same[last] = wants[i].sample;
        } else {
            wants[kept++] = wants[i];
        }
        last = wants[i].sample;
    }
    planner->wants = wants;
    planner->count = kept;
}

/* ---- runs of a column ---- */

/* The last sub-identifier, and how many octets stand before it. */
static uint32_t last_part(struct snmp_oid oid, uint16_t *before)
{
    uint16_t at = (uint16_t)(oid.size - 1);
    while (at > 1 && (oid.bytes[at - 1] & 0x80) != 0) {
        at--;
    }
    uint32_t part = 0;
    for (uint16_t i = at; i < oid.size; i++) {
        part = part << 7 | (oid.bytes[i] & 0x7fU);
    }
    *before = at;
    return part;
}

static bool successive(struct snmp_oid a, struct snmp_oid b)
{
    uint16_t before_a;
    uint16_t before_b;
    if (a.size < 3 || b.size < 3) {
        return false;
    }
    uint32_t part_a = last_part(a, &before_a);
    uint32_t part_b = last_part(b, &before_b);
    return before_a == before_b && part_a != UINT32_MAX && part_b == part_a + 1 &&
           memcmp(a.bytes, b.bytes, before_a) == 0;
}

static void find_runs(struct planner *planner)
{
    for (uint32_t i = 0; i < planner->count;) {
        struct want *first = &planner->wants[i];
        uint32_t end = i + 1;
        if (first->point->name.size == 0 && !first->point->alone) {
            while (end < planner->count && !planner->wants[end].point->alone &&
                   successive(planner->wants[end - 1].point->oid, planner->wants[end].point->oid)) {
                end++;
            }
        }
        first->run = end - i >= SNMP_PLAN_ROWS_MIN ? end - i : 0;
        i = end;
    }
}

/* The OID that GETBULK begins behind, so that the first one it gives is this one. */
static struct snmp_oid one_before(struct snmp_oid oid, struct snmp_oid_buf *room)
{
    uint16_t before;
    uint32_t part = last_part(oid, &before);
    snmp_oid_take(room, (struct snmp_oid){ .bytes = oid.bytes, .size = before });
    if (part > 0) {
        (void)snmp_oid_append(room, part - 1); /* no longer than the one it stands for */
    }
    return room->oid;
}

static bool same_run(const struct want *a, const struct want *b)
{
    uint16_t before;
    return !b->taken && a->run == b->run &&
           last_part(a->point->oid, &before) == last_part(b->point->oid, &before);
}

/* A question of whole columns: rows `from` on of each run. */
static void put_bulk(struct planner *planner, struct want *const *columns, uint32_t column_count,
                     uint32_t from, uint32_t rows)
{
    struct snmp_plan *plan = planner->plan;
    struct snmp_span *span = begin_span(planner);
    bool counters = false;
    for (uint32_t c = 0; c < column_count; c++) {
        counters = counters || columns[c]->point->counter;
    }
    uint32_t bulk_at = (uint32_t)plan->byte_count;
    uint16_t size;
    if ((counters || plan->span_count == 1) && planner->limits->uptime) {
        span->spare = !counters;
        /* GETBULK gives the successor, of non-repeaters as well */
        struct snmp_oid before = { .bytes = uptime_oid, .size = sizeof(uptime_oid) - 1 };
        put(plan, before, &size);
        span->heads = 1;
    }
    for (uint32_t c = 0; c < column_count; c++) {
        struct snmp_oid_buf room;
        put(plan, one_before(columns[c][from].point->oid, &room), &size);
    }
    span->bulk_at = bulk_at;
    span->bulk_size = (uint32_t)plan->byte_count - bulk_at;
    span->columns = (uint16_t)column_count;
    span->rows = (uint16_t)rows;
    if (span->heads > 0) {
        add_uptime(planner);
    }
    for (uint32_t c = 0; c < column_count; c++) {
        for (uint32_t r = 0; r < rows; r++) {
            add_want(planner, &columns[c][from + r]);
        }
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The runs that have the same numbers as this one, as many as one question bears. */
static uint32_t gather(struct planner *planner, uint32_t at, uint32_t oids, struct want **columns)
{
    struct want *first = &planner->wants[at];
    uint32_t rows = least(first->run, planner->limits->repetitions);
    uint32_t most = (oids + rows - 1) / rows;
    uint32_t count = 0;
    uint32_t answer = 0;
    most = least(most, SNMP_PLAN_COLUMNS_MAX);
    for (uint32_t i = at; i < planner->count && count < most; i++) {
        struct want *want = &planner->wants[i];
        if (want->run == 0 || !same_run(first, want)) {
            continue;
        }
        answer += answer_size(want->point) * SNMP_PLAN_ROWS_MIN;
        if (count > 0 && answer > planner->limits->bytes) {
            break;
        }
        columns[count++] = want;
    }
    return count;
}

static void plan_columns(struct planner *planner)
{
    uint32_t oids = planner->limits->oids - (planner->limits->uptime ? 1 : 0);
    if (planner->limits->repetitions == 0 || oids < SNMP_PLAN_ROWS_MIN) {
        return;
    }
    for (uint32_t i = 0; i < planner->count; i++) {
        if (planner->wants[i].run == 0 || planner->wants[i].taken) {
            continue;
        }
        struct want *columns[SNMP_PLAN_COLUMNS_MAX];
        uint32_t count = gather(planner, i, oids, columns);
        uint32_t row_bytes = 0;
        for (uint32_t c = 0; c < count; c++) {
            row_bytes += answer_size(columns[c]->point);
        }
        uint32_t rows = least(oids / count, planner->limits->repetitions);
        uint32_t fit = (planner->limits->bytes - UPTIME_BYTES) / row_bytes;
        rows = least(rows, fit > 0 ? fit : 1);
        if (rows < SNMP_PLAN_ROWS_MIN) {
            continue; /* by GET */
        }
        uint32_t run = columns[0]->run;
        for (uint32_t from = 0; from < run; from += rows) {
            put_bulk(planner, columns, count, from, least(rows, run - from));
        }
    }
}

/* ---- GET ---- */

static bool fits(const struct planner *planner, uint32_t oids, uint32_t answer)
{
    return planner->oids + oids <= planner->limits->oids &&
           planner->answer + answer <= planner->limits->bytes;
}

/* The items of one row by name: how many, and how big their answer is. */
static uint32_t row_end(const struct planner *planner, uint32_t at, uint32_t *answer)
{
    uint32_t end = at;
    *answer = 0;
    while (end < planner->count && !planner->wants[end].taken &&
           planner->wants[end].point->name.size > 0 &&
           planner->wants[end].point->alone == planner->wants[at].point->alone &&
           planner->wants[end].point->row == planner->wants[at].point->row) {
        *answer += answer_size(planner->wants[end].point);
        end++;
    }
    return end;
}

static void add_uptime_for(struct planner *planner, uint32_t from)
{
    bool counters = false;
    for (uint32_t i = from; i < planner->count && i < from + planner->limits->oids; i++) {
        counters = counters || (planner->wants[i].point->counter && !planner->wants[i].taken);
    }
    struct snmp_plan *plan = planner->plan;
    if ((counters || plan->span_count == 1) && planner->limits->uptime &&
        planner->limits->oids >= UPTIME_LEAST) {
        plan->spans[plan->span_count - 1].spare = !counters;
        add_uptime(planner);
        planner->answer += UPTIME_BYTES;
    }
}

/* From `at` on as many as go into one question; returns where the next one begins. */
static uint32_t plan_get(struct planner *planner, uint32_t at)
{
    uint32_t row = SNMP_PLAN_NONE;
    const struct snmp_plan_point *first = planner->wants[at].point;
    begin_span(planner);
    add_uptime_for(planner, at);
    bool empty = true;
    for (; at < planner->count; at++) {
        struct want *want = &planner->wants[at];
        const struct snmp_plan_point *point = want->point;
        if (want->taken) {
            continue;
        }
        uint32_t size = answer_size(point);
        uint32_t whole = size;
        bool named = point->name.size > 0 && point->row != row;
        uint32_t oids = named ? row_end(planner, at, &whole) - at + 1 : 1;
        whole += named ? 2U * VARBIND_HEADS + point->name.size : 0;
        bool together = fits(planner, oids, whole) ||
                        (named && empty && fits(planner, 2, size)); /* too long for any question */
        if (!empty && (!together || point->alone || first->alone)) {
            break;
        }
        if (named) {
            add_item(planner, point->name, SNMP_ITEM_NAME, point->row);
            planner->answer += 2U * VARBIND_HEADS + point->name.size;
            row = point->row;
        }
        add_want(planner, want);
        planner->answer += size;
        empty = false;
    }
    return at;
}

/* ---- all of it ---- */

static struct snmp_plan *lay_out(const struct snmp_plan_point *points, size_t count,
                                 const struct snmp_plan_limits *limits)
{
    struct snmp_plan *plan = busbar_alloc(sizeof(*plan));
    struct planner planner = { .plan = plan, .limits = limits };
    plan->count = count;
    plan->same = busbar_alloc_array(count > 0 ? count : 1, sizeof(*plan->same));
    plan->details = busbar_alloc_array(count > 0 ? count : 1, sizeof(*plan->details));
    plan->texts = busbar_alloc_array(count > 0 ? count : 1, sizeof(struct text *));
    collect(&planner, points, count);
    find_runs(&planner);
    plan_columns(&planner);
    plan->bulks = plan->span_count;
    for (uint32_t at = 0; at < planner.count;) {
        at = planner.wants[at].taken ? at + 1 : plan_get(&planner, at);
    }
    busbar_free(planner.wants);
    return plan;
}

struct snmp_plan *snmp_plan_new(const struct snmp_plan_point *points, size_t count,
                                const struct snmp_plan_limits *limits)
{
    assert(limits->oids > 0 && limits->oids <= SNMP_PLAN_OIDS_MAX && limits->bytes > UPTIME_BYTES &&
           count < SNMP_PLAN_NONE);
    struct snmp_plan *plan = lay_out(points, count, limits);
    if (plan->bulks > 0) { /* a short question is worth less than one question fewer */
        struct snmp_plan_limits plain = *limits;
        plain.repetitions = 0;
        struct snmp_plan *other = lay_out(points, count, &plain);
        bool fewer = other->span_count < plan->span_count;
        snmp_plan_free(fewer ? plan : other);
        plan = fewer ? other : plan;
    }
    return plan;
}

void snmp_plan_free(struct snmp_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        busbar_free(plan->texts[i]);
    }
    busbar_free(plan->texts);
    busbar_free(plan->bytes);
    busbar_free(plan->items);
    busbar_free(plan->spans);
    busbar_free(plan->same);
    busbar_free(plan->details);
    busbar_free(plan->rows);
    busbar_free(plan);
}

struct bytes snmp_plan_question(const struct snmp_plan *plan, const struct snmp_span *span)
{
    if (span->columns > 0) {
        return bytes_of(plan->bytes + span->bulk_at, span->bulk_size);
    }
    const struct snmp_item *first = &plan->items[span->item];
    const struct snmp_item *last = &plan->items[span->item_end - 1];
    return bytes_of(plan->bytes + first->at, last->at + last->size - first->at);
}

void snmp_plan_spare(const struct snmp_plan *plan, struct snmp_span *span)
{
    assert(span->spare);
    if (span->columns > 0) {
        uint32_t size = plan->items[span->item].size - 1U; /* its OID is that of the object */
        span->bulk_at += size;
        span->bulk_size -= size;
        span->heads = 0;
    }
    span->item++;
    span->spare = false;
}

bool snmp_plan_split(const struct snmp_span *span, struct snmp_span *left, struct snmp_span *right)
{
    uint32_t count = span->item_end - span->item;
    if (count < 2) {
        return false;
    }
    uint32_t middle = span->item + (count + 1) / 2;
    *left = (struct snmp_span){ .item = span->item, .item_end = middle };
    *right = (struct snmp_span){ .item = middle, .item_end = span->item_end };
    return true;
}

void snmp_plan_fail(const struct snmp_plan *plan, uint32_t item, uint32_t item_end, uint8_t quality,
                    uint16_t detail, struct sample *samples)
{
    for (uint32_t i = item; i < item_end; i++) {
        if (plan->items[i].kind != SNMP_ITEM_VALUE) {
            continue;
        }
        for (uint32_t s = plan->items[i].of; s != SNMP_PLAN_NONE; s = plan->same[s]) {
            samples[s] = (struct sample){ .quality = quality, .detail = detail };
        }
    }
}
