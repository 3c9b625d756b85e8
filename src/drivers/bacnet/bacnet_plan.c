/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces are sorted, then one pass fills span after span up to the limits. */
#include "drivers/bacnet/bacnet_plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/wire/numbers.h"
#include "model/quality.h"

enum {
    OBJECT_BYTES = BACNET_READ_OBJECT_MAX,
    VALUE_TAGS = 2, /* around a value of an answer */
};

static int compare_pieces(const void *left, const void *right)
{
    const struct bacnet_piece *a = left;
    const struct bacnet_piece *b = right;
    if (a->object != b->object) {
        return a->object < b->object ? -1 : 1;
    }
    if (a->property != b->property) {
        return a->property < b->property ? -1 : 1;
    }
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

/* ---- sizes ---- */

static size_t number_bytes(uint32_t number)
{
    return number < 0x100 ? 1 : number < 0x10000 ? 2 : number < 0x1000000 ? 3 : 4;
}

/* Property identifier and index with their tags. */
static size_t reference_size(const struct bacnet_piece *piece)
{
    size_t size = 1 + number_bytes(piece->property);
    return piece->index == BACNET_INDEX_ALL ? size : size + 1 + number_bytes(piece->index);
}

static size_t value_size(const struct bacnet_piece *piece)
{
    uint16_t type = (uint16_t)(piece->object >> 22);
    return VALUE_TAGS + bacnet_kind_size(bacnet_kind(type, piece->property, piece->index));
}

static bool new_object(const struct bacnet_plan *plan, const struct bacnet_span *span,
                       uint32_t piece)
{
    return piece == span->piece || plan->pieces[piece].object != plan->pieces[piece - 1].object;
}

static size_t span_size(const struct bacnet_plan *plan, const struct bacnet_span *span, bool answer)
{
    size_t size = 0;
    for (uint32_t i = span->piece; i < span->piece_end; i++) {
        const struct bacnet_piece *piece = &plan->pieces[i];
        size += new_object(plan, span, i) ? OBJECT_BYTES : 0;
        size += reference_size(piece) + (answer ? value_size(piece) : 0);
    }
    return size;
}

size_t bacnet_plan_request_size(const struct bacnet_plan *plan, const struct bacnet_span *span)
{
    return span_size(plan, span, false);
}

size_t bacnet_plan_answer_size(const struct bacnet_plan *plan, const struct bacnet_span *span)
{
    return span_size(plan, span, true);
}

/* ---- making ---- */

static void add_piece(struct bacnet_plan *plan, const struct bacnet_target *target, uint32_t sample,
                      uint8_t mark, bool flags)
{
    plan->pieces[plan->piece_count++] = (struct bacnet_piece){
        .object = target->object,
        .property = flags ? BACNET_PROP_STATUS_FLAGS : target->property,
        .index = flags ? BACNET_INDEX_ALL : target->index,
        .sample = sample,
        .mark = mark,
        .flags = flags,
    };
}

static void make_pieces(struct bacnet_plan *plan, const struct bacnet_target *targets,
                        const uint8_t *marks, const uint32_t *points, size_t count,
                        const struct bacnet_limits *limits)
{
    bool texts = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct bacnet_target *target = &targets[points[i]];
        uint8_t mark = marks[points[i]];
        add_piece(plan, target, i, mark, false);
        if (limits->status_flags && (mark & BACNET_MARK_NO_FLAGS) == 0 &&
            bacnet_target_has_flags(target)) {
            add_piece(plan, target, i, mark, true);
        }
        texts = texts || target->value_type == VALUE_TEXT;
    }
    qsort(plan->pieces, plan->piece_count, sizeof(*plan->pieces), compare_pieces);
    if (texts) {
        plan->texts = busbar_alloc_array(count, sizeof(struct text *));
    }
}

static void make_spans(struct bacnet_plan *plan, const struct bacnet_limits *limits)
{
    struct bacnet_span *span = NULL;
    size_t request = 0;
    size_t answer = 0;
    for (uint32_t i = 0; i < plan->piece_count; i++) {
        const struct bacnet_piece *piece = &plan->pieces[i];
        bool alone = !limits->multiple || (piece->mark & BACNET_MARK_ALONE) != 0;
        bool object = span == NULL || piece->object != plan->pieces[i - 1].object;
        size_t asks = reference_size(piece) + (object ? OBJECT_BYTES : 0);
        size_t answers = asks + value_size(piece);
        bool fits = span != NULL && !alone && request + asks <= limits->request_bytes &&
                    answer + answers <= limits->answer_bytes &&
                    span->piece_end - span->piece < limits->properties &&
                    (plan->pieces[i - 1].mark & BACNET_MARK_ALONE) == 0;
        if (fits) {
            span->piece_end++;
            request += asks;
            answer += answers;
            continue;
        }
        span = &plan->spans[plan->span_count++];
        *span = (struct bacnet_span){ .piece = i, .piece_end = i + 1 };
        request = reference_size(piece) + OBJECT_BYTES;
        answer = request + value_size(piece);
    }
}

struct bacnet_plan *bacnet_plan_new(const struct bacnet_target *targets, const uint8_t *marks,
                                    const uint32_t *points, size_t count,
                                    const struct bacnet_limits *limits)
{
    struct bacnet_plan *plan = busbar_alloc(sizeof(*plan));
    plan->count = count;
    plan->pieces = busbar_alloc_array(2 * count, sizeof(*plan->pieces));
    plan->flags = busbar_alloc_array(count, 1);
    make_pieces(plan, targets, marks, points, count, limits);
    plan->pieces = busbar_realloc(plan->pieces, plan->piece_count * sizeof(*plan->pieces));
    plan->spans = busbar_alloc_array(plan->piece_count, sizeof(*plan->spans));
    make_spans(plan, limits);
    plan->spans = busbar_realloc(plan->spans, plan->span_count * sizeof(*plan->spans));
    return plan;
}

void bacnet_plan_free(struct bacnet_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; plan->texts != NULL && i < plan->count; i++) {
        busbar_free(plan->texts[i]);
    }
    busbar_free(plan->texts);
    busbar_free(plan->flags);
    busbar_free(plan->spans);
    busbar_free(plan->pieces);
    busbar_free(plan);
}

/* ---- asking ---- */

void bacnet_plan_put(const struct bacnet_plan *plan, const struct bacnet_span *span,
                     struct bytes_out *out)
{
    if (bacnet_span_is_single(span)) {
        const struct bacnet_piece *piece = &plan->pieces[span->piece];
        const struct bacnet_read_property read = { .object = bacnet_object_of(piece->object),
                                                   .property = piece->property,
                                                   .index = piece->index };
        bacnet_put_read_property(out, &read);
        return;
    }
    for (uint32_t i = span->piece; i < span->piece_end; i++) {
        const struct bacnet_piece *piece = &plan->pieces[i];
        const struct bacnet_property_reference reference = { .property = piece->property,
                                                             .index = piece->index };
        if (new_object(plan, span, i)) {
            if (i > span->piece) {
                bacnet_put_read_end(out);
            }
            bacnet_put_read_begin(out, bacnet_object_of(piece->object));
        }
        bacnet_put_property_reference(out, &reference);
    }
    bacnet_put_read_end(out);
}

/* ---- answers ---- */

uint32_t bacnet_plan_match(const struct bacnet_plan *plan, const struct bacnet_span *span,
                           uint32_t *at, uint32_t object, uint32_t property, uint32_t index)
{
    uint32_t count = span->piece_end - span->piece;
    for (uint32_t tried = 0; tried < count; tried++) {
        uint32_t i = *at >= span->piece_end ? span->piece : *at;
        const struct bacnet_piece *piece = &plan->pieces[i];
        *at = i + 1;
        if (piece->object == object && piece->property == property && piece->index == index) {
            return i;
        }
    }
    return UINT32_MAX;
}

void bacnet_plan_fail(const struct bacnet_plan *plan, const struct bacnet_span *span,
                      uint8_t quality, uint16_t detail, struct sample *samples)
{
    for (uint32_t i = span->piece; i < span->piece_end; i++) {
        struct sample *sample = &samples[plan->pieces[i].sample];
        if (!plan->pieces[i].flags && sample->quality == QUALITY_NOT_YET) {
            *sample = (struct sample){ .quality = quality, .detail = detail };
        }
    }
}

bool bacnet_plan_split(const struct bacnet_plan *plan, const struct bacnet_span *span,
                       struct bacnet_span *left, struct bacnet_span *right)
{
    if (bacnet_span_is_single(span)) {
        return false;
    }
    uint32_t middle = span->piece + (span->piece_end - span->piece) / 2;
    uint32_t at = middle;
    while (at < span->piece_end && !new_object(plan, span, at)) {
        at++;
    }
    if (at == span->piece_end) {
        at = middle;
        while (at > span->piece && !new_object(plan, span, at)) {
            at--;
        }
    }
    at = at == span->piece ? middle : at;
    *left = (struct bacnet_span){ .piece = span->piece, .piece_end = at };
    *right = (struct bacnet_span){ .piece = at, .piece_end = span->piece_end };
    return true;
}
