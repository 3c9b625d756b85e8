/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of a chunk: type, quality and detail change seldom, so they are runs; receive times are the
 * difference to the sample's own time, once when all are alike:
 *
 *   varint  runs, then each: varint length - 1, u8 type, u8 quality, varint detail
 *   ints    receive time - time, of every sample */
#include "history/coder.h"

static bool same_run(const struct history_mark *a, const struct history_mark *b)
{
    return a->type == b->type && a->quality == b->quality && a->detail == b->detail;
}

void history_marks_put(struct bytes_out *out, struct history_coder *coder,
                       const struct history_column *column)
{
    const struct history_mark *marks = column->marks;
    size_t runs = 1;
    for (size_t i = 1; i < column->count; i++) {
        runs += !same_run(&marks[i], &marks[i - 1]);
    }
    bytes_put_varint(out, runs);
    for (size_t i = 0, end; i < column->count; i = end) {
        for (end = i + 1; end < column->count && same_run(&marks[end], &marks[i]); end++) {
        }
        bytes_put_varint(out, end - i - 1);
        bytes_put_u8(out, marks[i].type);
        bytes_put_u8(out, marks[i].quality);
        bytes_put_varint(out, marks[i].detail);
    }
    for (size_t i = 0; i < column->count; i++) {
        coder->first[i] = (int64_t)((uint64_t)marks[i].receive_us - (uint64_t)column->times[i]);
    }
    struct history_ints_plan plan;
    history_ints_plan(coder->kernels, coder->first, column->count, &plan);
    history_ints_put(coder->kernels, out, coder->first, column->count, &plan);
}

void history_marks_get(struct bytes *in, struct history_coder *coder, struct history_column *column)
{
    uint64_t runs = bytes_get_varint(in);
    size_t at = 0;
    for (uint64_t run = 0; run < runs && !bytes_short(in); run++) {
        uint64_t length = bytes_get_varint(in) + 1;
        struct history_mark mark = { .type = bytes_get_u8(in), .quality = bytes_get_u8(in) };
        uint64_t detail = bytes_get_varint(in);
        mark.detail = (uint16_t)detail;
        if (length == 0 || length > column->count - at || detail > UINT16_MAX ||
            (mark.type != column->type && mark.type != VALUE_NONE)) {
            bytes_fail(in);
            return;
        }
        for (uint64_t i = 0; i < length; i++) {
            column->marks[at++] = mark;
        }
    }
    if (at != column->count) {
        bytes_fail(in);
        return;
    }
    history_ints_get(coder->kernels, in, coder->first, column->count, history_all(column->count));
    for (size_t i = 0; i < column->count; i++) {
        column->marks[i].receive_us = (int64_t)((uint64_t)column->times[i] +
                                                (uint64_t)coder->first[i]);
    }
}
