/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ints.h"

enum {
    WIDTH_MAX = 64,
    GAP_BYTES = 3,   /* what an exception costs at most beside its high bits */
    LOOK_ALL = 128,  /* columns up to this are looked at value by value, */
    LOOK_EACH = 4,   /* longer ones every so many */
    GUESS_EACH = 16, /* for a guess */
};

static unsigned bits_of(uint64_t value)
{
    return value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
}

static size_t packed_bytes(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

/* Bytes of the high part of an exception at most. On the far side of the base all bits are ones. */
static size_t high_bytes(unsigned widest, unsigned width, bool below)
{
    return ((below ? 64 : widest) - width + 6) / 7;
}

/* --- planning --- */

/* Width by which the values looked at cost the least, counted up from low or down from high. */
struct look {
    unsigned width;
    size_t bytes; /* of all values, about */
};

/* Every so many values one, at steps without a period, because the data may have one. Returns how many. */
static size_t count_bits(const int64_t *values, size_t count, size_t each, uint64_t from,
                         bool below, uint16_t histogram[WIDTH_MAX + 1])
{
    size_t looked = 0;
    uint32_t random = 1;
    for (size_t i = 0; i < count; looked++) {
        uint64_t away = below ? from - (uint64_t)values[i] : (uint64_t)values[i] - from;
        histogram[bits_of(away)]++;
        random = random * 1664525 + 1013904223;
        i += 1 + ((uint64_t)random * (2 * each - 1) >> 32); /* 1 .. 2 x each - 1 */
    }
    return looked;
}

static struct look look_at(const int64_t *values, size_t count, size_t each,
                           const struct history_range *range, bool below)
{
    uint16_t histogram[WIDTH_MAX + 1] = { 0 };
    uint64_t from = (uint64_t)(below ? range->high : range->low);
    size_t looked = count_bits(values, count, each, from, below, histogram);
    unsigned widest = bits_of((uint64_t)range->high - (uint64_t)range->low);
    struct look best = { .width = widest, .bytes = packed_bytes(count, widest) };
    size_t over = 0;
    for (unsigned width = widest; width-- > 0;) {
        over += histogram[width + 1];
        if (over > looked / 2) {
            break;
        }
        size_t bytes = packed_bytes(count, width) +
                       over * count / looked * (GAP_BYTES + high_bytes(widest, width, below));
        if (bytes < best.bytes) {
            best = (struct look){ .width = width, .bytes = bytes };
        }
    }
    return best;
}

static struct look look_both(const int64_t *values, size_t count, size_t each,
                             const struct history_range *range, bool *below)
{
    struct look up = look_at(values, count, each, range, false);
    struct look down = look_at(values, count, each, range, true);
    *below = down.bytes < up.bytes;
    return *below ? down : up;
}

void history_ints_plan(const struct history_kernels *kernels, const int64_t *values, size_t count,
                       struct history_ints_plan *plan)
{
    struct history_range range = { 0 };
    if (count > 0) {
        kernels->range(values, count, &range);
    }
    unsigned widest = bits_of((uint64_t)range.high - (uint64_t)range.low);
    *plan = (struct history_ints_plan){ .base = (uint64_t)range.low,
                                        .width = widest,
                                        .bytes = packed_bytes(count, widest) };
    if (widest > 1) {
        bool below;
        size_t each = count <= LOOK_ALL ? 1 : LOOK_EACH;
        struct look look = look_both(values, count, each, &range, &below);
        if (look.width < widest) {
            uint64_t mask = ((uint64_t)1 << look.width) - 1;
            uint64_t base = below ? (uint64_t)range.high - mask : (uint64_t)range.low;
            size_t over = kernels->above(values, count, base, look.width);
            size_t bytes = packed_bytes(count, look.width) +
                           over * (GAP_BYTES + high_bytes(widest, look.width, below));
            if (bytes < plan->bytes) {
                *plan = (struct history_ints_plan){ base, look.width, (unsigned)over, bytes };
            }
        }
    }
    plan->bytes += BYTES_VARINT_MAX + 1 + BYTES_VARINT_MAX;
}

size_t history_ints_guess(const struct history_kernels *kernels, const int64_t *values,
                          size_t count)
{
    struct history_range range;
    kernels->range(values, count, &range);
    size_t each = count <= LOOK_ALL ? 1 : GUESS_EACH;
    return range.low == range.high ? 0 : look_at(values, count, each, &range, false).bytes;
}

/* --- writing and reading --- */

void history_ints_put(const struct history_kernels *kernels, struct bytes_out *out,
                      const int64_t *values, size_t count, const struct history_ints_plan *plan)
{
    bytes_put_varint_signed(out, (int64_t)plan->base);
    bytes_put_u8(out, (uint8_t)plan->width);
    bytes_put_varint(out, plan->exceptions);
    if (plan->width > 0) {
        uint8_t *to = bytes_put_space(out, packed_bytes(count, plan->width));
        kernels->pack(to, values, count, plan->base, plan->width);
    }
    size_t before = 0;
    for (size_t i = 0; i < count && plan->exceptions > 0; i++) {
        uint64_t value = (uint64_t)values[i] - plan->base;
        if (bits_of(value) > plan->width) {
            bytes_put_varint(out, i - before);
            bytes_put_varint(out, value >> plan->width);
            before = i;
        }
    }
}

bool history_ints_get(const struct history_kernels *kernels, struct bytes *in, int64_t *values,
                      size_t count)
{
    uint64_t base = (uint64_t)bytes_get_varint_signed(in);
    unsigned width = bytes_get_u8(in);
    uint64_t exceptions = bytes_get_varint(in);
    if (width > WIDTH_MAX || exceptions > count) {
        bytes_fail(in);
    }
    size_t size = bytes_short(in) ? 0 : packed_bytes(count, width);
    const uint8_t *packed = bytes_get_block(in, size);
    if (packed == NULL) {
        memset(values, 0, count * sizeof(*values));
        return true;
    }
    if (width > 0) {
        kernels->unpack(packed, size, values, count, base, width);
    } else {
        kernels->fill(values, count, base);
    }
    size_t at = 0;
    for (uint64_t i = 0; i < exceptions; i++) {
        uint64_t gap = bytes_get_varint(in);
        uint64_t high = bytes_get_varint(in);
        if (bytes_short(in) || gap >= count - at || width >= WIDTH_MAX) {
            bytes_fail(in);
            return false;
        }
        at += (size_t)gap;
        values[at] = (int64_t)((uint64_t)values[at] + (high << width));
    }
    return width == 0 && exceptions == 0;
}
