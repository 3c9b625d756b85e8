/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the sorted points: each one goes on with the run and the span before it, or begins new ones. */
#include "drivers/modbus/modbus_plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/modbus/modbus_codec.h"
#include "drivers/modbus/modbus_value.h"
#include "model/quality.h"

/* While a plan is made: one point, sorted by `key` = table, address, sample. */
struct item {
    uint64_t key;
    const struct modbus_address *address;
};

struct builder {
    struct modbus_plan *plan;
    const struct modbus_limits *limits;
    const struct modbus_address *last; /* address of the item before */
    uint32_t last_sample;
    uint32_t item_count;
    bool alone; /* the open span takes no more items */
    bool open;
};

static uint32_t item_sample(const struct item *item)
{
    return (uint32_t)item->key;
}

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left;
    const struct item *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

bool modbus_refusal_before(const struct modbus_refusal *a, const struct modbus_refusal *b)
{
    if (a->table != b->table) {
        return a->table < b->table;
    }
    return a->start != b->start ? a->start < b->start : a->split < b->split;
}

/* Index of the first refusal that does not begin before `start`. */
static size_t first_from(const struct modbus_limits *limits, uint8_t table, uint32_t start)
{
    struct modbus_refusal key = { .table = table, .start = (uint16_t)start };
    size_t low = 0;
    size_t high = limits->refusal_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (modbus_refusal_before(&limits->refusals[middle], &key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* What a read of [start, end) would run into: a refused range all of which it covers (less of it may be fine), or
 * with `splits` a place that no read goes across. */
static const struct modbus_refusal *find_refusal(const struct modbus_limits *limits, uint8_t table,
                                                 uint32_t start, uint32_t end, bool splits)
{
    for (size_t i = first_from(limits, table, start); i < limits->refusal_count; i++) {
        const struct modbus_refusal *refusal = &limits->refusals[i];
        if (refusal->table != table || refusal->start >= end) {
            break;
        }
        if (refusal->split ? splits && refusal->start > start
                           : (uint32_t)refusal->start + refusal->count <= end) {
            return refusal;
        }
    }
    return NULL;
}

static bool joins_span(const struct builder *builder, const struct modbus_address *address)
{
    const struct modbus_limits *limits = builder->limits;
    const struct modbus_plan *plan = builder->plan;
    if (!builder->open || builder->alone) {
        return false;
    }
    const struct modbus_span *span = &plan->spans[plan->span_count - 1];
    bool bits = modbus_table_is_bits(address->table);
    uint32_t max = bits ? limits->max_bits : limits->max_registers;
    uint32_t gap = bits ? limits->max_gap * 16u : limits->max_gap;
    uint32_t end = (uint32_t)span->start + span->count;
    uint32_t new_end = (uint32_t)address->start + address->count;
    new_end = new_end > end ? new_end : end;
    if (span->table != address->table || address->start > end + gap ||
        new_end - span->start > max) {
        return false;
    }
    return limits->refusal_count == 0 ||
           find_refusal(limits, span->table, span->start, new_end, true) == NULL;
}

static bool joins_run(const struct builder *builder, const struct modbus_address *address,
                      uint32_t sample)
{
    const struct modbus_address *last = builder->last;
    return sample == builder->last_sample + 1 && address->type == last->type &&
           address->start == last->start + last->count && address->count == last->count &&
           address->order == last->order && address->bit == last->bit &&
           address->bits == last->bits && address->high == last->high &&
           address->type != MODBUS_STRING;
}

static void add_item(struct builder *builder, const struct item *item)
{
    struct modbus_plan *plan = builder->plan;
    const struct modbus_address *address = item->address;
    uint32_t sample = item_sample(item);
    uint32_t end = (uint32_t)address->start + address->count;
    const struct modbus_refusal *refusal = NULL;
    if (builder->limits->refusal_count > 0) {
        refusal = find_refusal(builder->limits, address->table, address->start, end, false);
    }
    uint8_t exception = builder->limits->table_exceptions[address->table];
    if (exception == 0 && refusal != NULL && !refusal->retry) {
        exception = refusal->exception;
    }
    if (exception != 0) {
        plan->skips[plan->skip_count++] = (struct modbus_skip){ sample, exception };
        return;
    }
    uint32_t number = builder->item_count++;
    bool same_span = refusal == NULL && joins_span(builder, address);
    if (!same_span || !joins_run(builder, address, sample)) {
        plan->runs[plan->run_count++] = (struct modbus_run){ number, sample, address->start };
    }
    if (same_span) {
        struct modbus_span *span = &plan->spans[plan->span_count - 1];
        uint32_t count = end - span->start;
        span->count = count > span->count ? (uint16_t)count : span->count;
        span->item_end = number + 1;
    } else {
        plan->spans[plan->span_count++] = (struct modbus_span){ .item = number,
                                                                .item_end = number + 1,
                                                                .run = plan->run_count - 1,
                                                                .start = address->start,
                                                                .count = address->count,
                                                                .text = (uint32_t)plan->text_bytes,
                                                                .table = address->table };
        builder->open = true;
        builder->alone = refusal != NULL;
    }
    if (address->type == MODBUS_STRING) {
        plan->text_bytes += modbus_value_text_bytes(address);
    }
    builder->last = address;
    builder->last_sample = sample;
}

static struct item *sorted_items(const struct modbus_address *addresses, const uint32_t *points,
                                 size_t count)
{
    struct item *items = busbar_alloc_array(count + 1, sizeof(*items));
    bool sorted = true;
    for (size_t i = 0; i < count; i++) {
        const struct modbus_address *address = &addresses[points[i]];
        items[i].key = (uint64_t)address->table << 48 | (uint64_t)address->start << 32 | i;
        items[i].address = address;
        sorted = sorted && (i == 0 || items[i - 1].key < items[i].key);
    }
    if (!sorted) {
        qsort(items, count, sizeof(*items), compare_items);
    }
    return items;
}

/* Lists are made as long as they could get, then cut to what they are. */
static void *cut(void *list, size_t count, size_t size)
{
    if (count == 0) {
        busbar_free(list);
        return NULL;
    }
    return busbar_realloc(list, count * size);
}

struct modbus_plan *modbus_plan_new(const struct modbus_address *addresses, const uint32_t *points,
                                    size_t count, const struct modbus_limits *limits)
{
    struct modbus_plan *plan = busbar_alloc(sizeof(*plan));
    plan->runs = busbar_alloc_array(count + 1, sizeof(*plan->runs));
    plan->spans = busbar_alloc_array(count + 1, sizeof(*plan->spans));
    plan->skips = busbar_alloc_array(count + 1, sizeof(*plan->skips));
    struct builder builder = { .plan = plan, .limits = limits };
    struct item *items = sorted_items(addresses, points, count);
    for (size_t i = 0; i < count; i++) {
        add_item(&builder, &items[i]);
    }
    busbar_free(items);
    plan->runs[plan->run_count].item = builder.item_count;
    plan->runs = cut(plan->runs, plan->run_count + 1, sizeof(*plan->runs));
    plan->spans = cut(plan->spans, plan->span_count, sizeof(*plan->spans));
    plan->skips = cut(plan->skips, plan->skip_count, sizeof(*plan->skips));
    if (plan->text_bytes > 0) {
        plan->texts = busbar_alloc(plan->text_bytes);
    }
    return plan;
}

void modbus_plan_free(struct modbus_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    busbar_free(plan->runs);
    busbar_free(plan->spans);
    busbar_free(plan->skips);
    busbar_free(plan->texts);
    busbar_free(plan);
}

void modbus_plan_decode(struct modbus_plan *plan, const struct modbus_span *span,
                        const struct modbus_address *addresses, const uint32_t *points,
                        const uint8_t *data, struct sample *samples)
{
    bool bits = modbus_table_is_bits(span->table);
    size_t text = span->text;
    for (uint32_t i = span->run; i < plan->run_count && plan->runs[i].item < span->item_end; i++) {
        const struct modbus_run *run = &plan->runs[i];
        uint32_t from = run->item > span->item ? run->item : span->item;
        uint32_t to = run[1].item < span->item_end ? run[1].item : span->item_end;
        const struct modbus_address *address = &addresses[points[run->sample]];
        size_t offset = run->start + (size_t)(from - run->item) * address->count - span->start;
        struct sample *first = &samples[run->sample + (from - run->item)];
        if (bits) {
            modbus_value_bits(data, offset, to - from, first);
        } else if (address->type == MODBUS_STRING) {
            modbus_value_text(address, data + 2 * offset, plan->texts + text, first);
            text += modbus_value_text_bytes(address);
        } else {
            modbus_value_run(address, data + 2 * offset, to - from, first);
        }
    }
}

static void fail(struct sample *sample, uint8_t quality, uint16_t detail)
{
    sample->time_us = 0;
    sample->value.bits = 0;
    sample->type = VALUE_NONE;
    sample->quality = quality;
    sample->detail = detail;
}

void modbus_plan_fail(const struct modbus_plan *plan, const struct modbus_span *span,
                      uint8_t quality, uint16_t detail, struct sample *samples)
{
    for (uint32_t i = span->run; i < plan->run_count && plan->runs[i].item < span->item_end; i++) {
        const struct modbus_run *run = &plan->runs[i];
        uint32_t from = run->item > span->item ? run->item : span->item;
        uint32_t to = run[1].item < span->item_end ? run[1].item : span->item_end;
        for (uint32_t item = from; item < to; item++) {
            fail(&samples[run->sample + (item - run->item)], quality, detail);
        }
    }
}

void modbus_plan_skip(const struct modbus_plan *plan, struct sample *samples)
{
    for (uint32_t i = 0; i < plan->skip_count; i++) {
        fail(&samples[plan->skips[i].sample], QUALITY_REFUSED, plan->skips[i].exception);
    }
}

/* Makes start, count, run and text of a span fit its items, going on from the run it had. */
static void fit(const struct modbus_plan *plan, struct modbus_span *span,
                const struct modbus_address *addresses, const uint32_t *points)
{
    uint32_t end = 0;
    for (uint32_t i = span->run; i < plan->run_count && plan->runs[i].item < span->item_end; i++) {
        const struct modbus_run *run = &plan->runs[i];
        const struct modbus_address *address = &addresses[points[run->sample]];
        uint32_t to = run[1].item < span->item_end ? run[1].item : span->item_end;
        if (run[1].item <= span->item) {
            span->run = i + 1;
            span->text += address->type == MODBUS_STRING
                              ? (uint32_t)modbus_value_text_bytes(address)
                              : 0;
            continue;
        }
        if (i == span->run) {
            uint32_t from = run->item > span->item ? run->item : span->item;
            span->start = (uint16_t)(run->start + (from - run->item) * address->count);
        }
        uint32_t run_end = run->start + (to - run->item) * address->count;
        end = run_end > end ? run_end : end;
    }
    span->count = (uint16_t)(end - span->start);
}

bool modbus_plan_split(const struct modbus_plan *plan, const struct modbus_span *span,
                       const struct modbus_address *addresses, const uint32_t *points,
                       struct modbus_span *left, struct modbus_span *right)
{
    uint32_t items = span->item_end - span->item;
    if (items < 2) {
        return false;
    }
    *left = *span;
    *right = *span;
    left->item_end = span->item + items / 2;
    right->item = left->item_end;
    fit(plan, left, addresses, points);
    fit(plan, right, addresses, points);
    return true;
}
