/* SPDX-License-Identifier: Apache-2.0 */
#include "history/words.h"

static uint8_t width_of(uint64_t span)
{
    return span == 0            ? 0
           : span <= UINT8_MAX  ? 1
           : span <= UINT16_MAX ? 2
           : span <= UINT32_MAX ? 4
                                : 8;
}

static void put_1(uint8_t *to, const int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (uint8_t)((uint64_t)values[i] - base);
    }
}

static void put_2(uint8_t *to, const int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t part = (uint16_t)((uint64_t)values[i] - base);
        memcpy(to + 2 * i, &part, sizeof(part));
    }
}

static void put_4(uint8_t *to, const int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t part = (uint32_t)((uint64_t)values[i] - base);
        memcpy(to + 4 * i, &part, sizeof(part));
    }
}

static void put_8(uint8_t *to, const int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t part = (uint64_t)values[i] - base;
        memcpy(to + 8 * i, &part, sizeof(part));
    }
}

void history_words_put(struct bytes_out *out, const int64_t *values, size_t count)
{
    int64_t low = values[0];
    int64_t high = low;
    for (size_t i = 1; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    history_words_put_between(out, values, count, low, high);
}

void history_words_put_between(struct bytes_out *out, const int64_t *values, size_t count,
                               int64_t low, int64_t high)
{
    uint64_t base = (uint64_t)low;
    uint8_t width = width_of((uint64_t)high - base);
    bytes_put_varint_signed(out, low);
    bytes_put_u8(out, width);
    uint8_t *to = bytes_put_space(out, count * width);
    switch (width) {
    case 0: break;
    case 1: put_1(to, values, count, base); break;
    case 2: put_2(to, values, count, base); break;
    case 4: put_4(to, values, count, base); break;
    default: put_8(to, values, count, base);
    }
}

static void get_0(int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = (int64_t)base;
    }
}

static void get_1(const uint8_t *from, int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = (int64_t)(base + from[i]);
    }
}

static void get_2(const uint8_t *from, int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t part;
        memcpy(&part, from + 2 * i, sizeof(part));
        values[i] = (int64_t)(base + part);
    }
}

static void get_4(const uint8_t *from, int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t part;
        memcpy(&part, from + 4 * i, sizeof(part));
        values[i] = (int64_t)(base + part);
    }
}

static void get_8(const uint8_t *from, int64_t *values, size_t count, uint64_t base)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t part;
        memcpy(&part, from + 8 * i, sizeof(part));
        values[i] = (int64_t)(base + part);
    }
}

void history_words_get(struct bytes *in, int64_t *values, size_t count)
{
    uint64_t base = (uint64_t)bytes_get_varint_signed(in);
    uint8_t width = bytes_get_u8(in);
    const uint8_t *from = width <= 8 ? bytes_get_block(in, count * width) : NULL;
    if (from == NULL) {
        bytes_fail(in);
        return;
    }
    switch (width) {
    case 0: get_0(values, count, base); break;
    case 1: get_1(from, values, count, base); break;
    case 2: get_2(from, values, count, base); break;
    case 4: get_4(from, values, count, base); break;
    case 8: get_8(from, values, count, base); break;
    default: bytes_fail(in);
    }
}
