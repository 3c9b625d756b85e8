/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ints.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the log and the blocks are read and written in place, low byte first");

enum { WIDTH_MAX = 64, GAP_BYTES = 3 /* what an exception costs at most beside its high bits */ };

static unsigned bits_of(uint64_t value)
{
    return value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
}

static uint64_t mask_of(unsigned width)
{
    return width >= 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
}

static size_t packed_bytes(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

void history_ints_plan(const int64_t *values, size_t count, struct history_ints_plan *plan)
{
    uint32_t histogram[WIDTH_MAX + 1] = { 0 };
    int64_t low = count > 0 ? values[0] : 0;
    int64_t high = low;
    for (size_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    uint64_t base = (uint64_t)low;
    unsigned widest = bits_of((uint64_t)high - base);
    plan->base = base;
    plan->width = widest;
    plan->exceptions = 0;
    size_t best = packed_bytes(count, widest);
    if (widest > 1) {
        for (size_t i = 0; i < count; i++) {
            histogram[bits_of((uint64_t)values[i] - base)]++;
        }
        size_t over = 0; /* values that do not fit into the width looked at */
        size_t over_bytes = 0;
        for (unsigned width = widest; width-- > 0;) {
            over += histogram[width + 1];
            size_t high_bytes = (widest - width + 6) / 7;
            over_bytes = over * (GAP_BYTES + high_bytes);
            size_t bytes = packed_bytes(count, width) + over_bytes;
            if (bytes < best) {
                best = bytes;
                plan->width = width;
                plan->exceptions = (unsigned)over;
            }
        }
    }
    plan->bytes = best + BYTES_VARINT_MAX + 1 + BYTES_VARINT_MAX;
}

static void pack(struct bytes_out *out, const int64_t *values, size_t count, uint64_t base,
                 unsigned width)
{
    uint64_t mask = mask_of(width);
    uint64_t pending = 0;
    unsigned filled = 0;
    uint8_t *to = bytes_put_space(out, packed_bytes(count, width));
    for (size_t i = 0; i < count; i++) {
        uint64_t value = ((uint64_t)values[i] - base) & mask;
        pending |= value << filled;
        filled += width;
        if (filled >= 64) {
            memcpy(to, &pending, sizeof(pending));
            to += sizeof(pending);
            filled -= 64;
            pending = filled > 0 ? value >> (width - filled) : 0;
        }
    }
    for (; filled > 0; filled = filled > 8 ? filled - 8 : 0) {
        *to++ = (uint8_t)pending;
        pending >>= 8;
    }
}

void history_ints_put(struct bytes_out *out, const int64_t *values, size_t count,
                      const struct history_ints_plan *plan)
{
    bytes_put_varint_signed(out, (int64_t)plan->base);
    bytes_put_u8(out, (uint8_t)plan->width);
    bytes_put_varint(out, plan->exceptions);
    if (plan->width > 0) {
        pack(out, values, count, plan->base, plan->width);
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

static uint64_t load(const uint8_t *from, size_t left)
{
    uint64_t word = 0;
    memcpy(&word, from, left < sizeof(word) ? left : sizeof(word));
    return word;
}

static void unpack(const uint8_t *from, size_t size, int64_t *values, size_t count, uint64_t base,
                   unsigned width)
{
    uint64_t mask = mask_of(width);
    size_t bit = 0;
    size_t i = 0;
    if (width <= 56) { /* one load holds any value, whatever bit it starts at */
        for (; i < count && bit / 8 + 8 <= size; i++, bit += width) {
            uint64_t word;
            memcpy(&word, from + bit / 8, sizeof(word));
            values[i] = (int64_t)(base + (word >> (bit % 8) & mask));
        }
    }
    for (; i < count; i++, bit += width) {
        size_t at = bit / 8;
        unsigned shift = bit % 8;
        uint64_t word = load(from + at, size - at) >> shift;
        if (shift > 0 && at + 8 < size) {
            word |= (uint64_t)from[at + 8] << (64 - shift);
        }
        values[i] = (int64_t)(base + (word & mask));
    }
}

void history_ints_get(struct bytes *in, int64_t *values, size_t count)
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
        return;
    }
    if (width > 0) {
        unpack(packed, size, values, count, base, width);
    } else {
        for (size_t i = 0; i < count; i++) {
            values[i] = (int64_t)base;
        }
    }
    size_t at = 0;
    for (uint64_t i = 0; i < exceptions; i++) {
        uint64_t gap = bytes_get_varint(in);
        uint64_t high = bytes_get_varint(in);
        if (bytes_short(in) || gap >= count - at || width >= WIDTH_MAX) {
            bytes_fail(in);
            return;
        }
        at += (size_t)gap;
        values[at] = (int64_t)((uint64_t)values[at] + (high << width));
    }
}
