/* SPDX-License-Identifier: Apache-2.0 */
/* Doubles that are no decimals: XOR with the value before.
 *
 *   u8 width (64, or 32 when every value is a float), then bits, low first, a value each:
 *     0              the same as the value before (the first: as 0)
 *     1 0            the changed bits lie in the window of the value before
 *     1 1 l6 n6      a new window: l leading zero bits, n + 1 changed bits (l counts in 64 bits) */
#include "history/coder.h"

#include <math.h>

struct bit_writer {
    uint64_t pending;
    unsigned filled;
};

static void put_bits(struct bytes_out *out, struct bit_writer *bits, uint64_t value, unsigned width)
{
    bits->pending |= value << bits->filled;
    if (bits->filled + width >= 64) {
        bytes_put_u64le(out, bits->pending);
        unsigned written = 64 - bits->filled;
        bits->pending = written < 64 ? value >> written : 0;
        bits->filled = bits->filled + width - 64;
    } else {
        bits->filled += width;
    }
}

static void put_rest(struct bytes_out *out, struct bit_writer *bits)
{
    for (; bits->filled > 0; bits->filled = bits->filled > 8 ? bits->filled - 8 : 0) {
        bytes_put_u8(out, (uint8_t)bits->pending);
        bits->pending >>= 8;
    }
}

static uint64_t float_bits(union value value)
{
    float f = (float)value.d;
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

static uint64_t from_float_bits(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, sizeof(f));
    union value value = { .d = (double)f };
    return value.bits;
}

static bool all_floats(const union value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i].d) || from_float_bits(float_bits(values[i])) != values[i].bits) {
            return false; /* NaN payloads do not survive a float everywhere */
        }
    }
    return true;
}

void history_xor_put(struct bytes_out *out, const union value *values, size_t count)
{
    bool floats = all_floats(values, count);
    bytes_put_u8(out, floats ? 32 : 64);
    struct bit_writer bits = { 0 };
    uint64_t before = 0;
    unsigned lead = 64;
    unsigned length = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t now = floats ? float_bits(values[i]) : values[i].bits;
        uint64_t change = now ^ before;
        before = now;
        if (change == 0) {
            put_bits(out, &bits, 0, 1);
            continue;
        }
        unsigned change_lead = (unsigned)__builtin_clzll(change);
        unsigned change_trail = (unsigned)__builtin_ctzll(change);
        unsigned change_length = 64 - change_lead - change_trail;
        bool fits = lead < 64 && change_lead >= lead && change_trail >= 64 - lead - length;
        if (fits && length < change_length + 12) {
            put_bits(out, &bits, 1, 2);
        } else {
            lead = change_lead;
            length = change_length;
            put_bits(out, &bits, 3, 2);
            put_bits(out, &bits, lead, 6);
            put_bits(out, &bits, length - 1, 6);
        }
        put_bits(out, &bits, change >> (64 - lead - length), length);
    }
    put_rest(out, &bits);
}

struct bit_reader {
    struct bytes *in;
    uint64_t pending;
    unsigned left;
};

static uint64_t get_bits(struct bit_reader *bits, unsigned width)
{
    uint64_t value = 0;
    unsigned have = 0;
    while (have < width) {
        if (bits->left == 0) {
            bits->pending = bytes_get_u8(bits->in);
            bits->left = 8;
        }
        unsigned take = width - have < bits->left ? width - have : bits->left;
        value |= (bits->pending & ((1u << take) - 1)) << have;
        bits->pending >>= take;
        bits->left -= take;
        have += take;
    }
    return value;
}

void history_xor_get(struct bytes *in, union value *values, size_t count)
{
    uint8_t width = bytes_get_u8(in);
    if (width != 32 && width != 64) {
        bytes_fail(in);
    }
    struct bit_reader bits = { .in = in };
    uint64_t before = 0;
    unsigned lead = 64;
    unsigned length = 0;
    for (size_t i = 0; i < count && !bytes_short(in); i++) {
        if (get_bits(&bits, 1) == 1) {
            if (get_bits(&bits, 1) == 1) {
                lead = (unsigned)get_bits(&bits, 6);
                length = (unsigned)get_bits(&bits, 6) + 1;
            }
            if (lead + length > 64) {
                bytes_fail(in);
                return;
            }
            before ^= get_bits(&bits, length) << (64 - lead - length);
        }
        values[i].bits = width == 32 ? from_float_bits(before) : before;
    }
}
