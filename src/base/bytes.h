/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded cursor that every decoder reads with, and its twin that every encoder writes with.
 *
 * Reader: trusts nothing. A read past the end returns 0 (or NULL), moves nothing and sets `failed`,
 * which is sticky: read a whole structure, then ask bytes_short() once.
 * Writer: its sums are ours, so a write past the end is a bug and asserts.
 *
 * No suffix: big endian (network order). `le`: little endian. Variable-length numbers are
 * LEB128 (7 bits a byte, low first); signed ones are zigzag-coded (0, -1, 1, -2 ...).
 */
#ifndef BUSBAR_BASE_BYTES_H
#define BUSBAR_BASE_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BYTES_VARINT_MAX = 10 }; /* bytes a 64-bit varint takes at most */

/* Invariant: start <= at <= end. The data is borrowed (but see bytes_dup). */
struct bytes {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
    const uint8_t *start = data;
    return (struct bytes){ .start = start, .at = start, .end = size > 0 ? start + size : start };
}

/* Tests and fuzzers: a cursor over its own exact-size heap copy, so that ASan sees one byte too many.
 * Freed by bytes_fini(). */
struct bytes bytes_dup(const void *data, size_t size);
void bytes_fini(struct bytes *in);

static inline size_t bytes_left(const struct bytes *in)
{
    return (size_t)(in->end - in->at);
}

static inline size_t bytes_offset(const struct bytes *in)
{
    return (size_t)(in->at - in->start);
}

/* True once any read went past the end. */
static inline bool bytes_short(const struct bytes *in)
{
    return in->failed;
}

/* Marks the cursor failed; for a decoder that finds something else wrong in the middle. */
static inline void bytes_fail(struct bytes *in)
{
    in->failed = true;
}

/* `size` bytes in place, or NULL; valid as long as the data. size 0 gives a non-NULL pointer
 * unless the cursor failed before. */
static inline const uint8_t *bytes_get_block(struct bytes *in, size_t size)
{
    if (in->failed || bytes_left(in) < size) {
        in->failed = true;
        return NULL;
    }
    const uint8_t *block = in->at;
    in->at = size > 0 ? in->at + size : in->at;
    return block;
}

static inline void bytes_skip(struct bytes *in, size_t size)
{
    (void)bytes_get_block(in, size);
}

/* Copies size bytes; zeroes `to` when short. */
static inline void bytes_get_copy(struct bytes *in, void *to, size_t size)
{
    const uint8_t *block = bytes_get_block(in, size);
    if (size == 0) {
        return;
    }
    if (block != NULL) {
        memcpy(to, block, size);
    } else {
        memset(to, 0, size);
    }
}

/* A cursor over the next `size` bytes, failed when they are not there; this one moves behind them. */
static inline struct bytes bytes_get_bytes(struct bytes *in, size_t size)
{
    const uint8_t *block = bytes_get_block(in, size);
    struct bytes part = bytes_of(block, block != NULL ? size : 0);
    part.failed = block == NULL;
    return part;
}

static inline uint8_t bytes_get_u8(struct bytes *in)
{
    const uint8_t *p = bytes_get_block(in, 1);
    return p != NULL ? p[0] : 0;
}

static inline uint16_t bytes_get_u16(struct bytes *in)
{
    const uint8_t *p = bytes_get_block(in, 2);
    return p != NULL ? (uint16_t)((unsigned)p[0] << 8 | p[1]) : 0;
}

static inline uint16_t bytes_get_u16le(struct bytes *in)
{
    const uint8_t *p = bytes_get_block(in, 2);
    return p != NULL ? (uint16_t)((unsigned)p[1] << 8 | p[0]) : 0;
}

static inline uint32_t bytes_get_u24(struct bytes *in)
{
    const uint8_t *p = bytes_get_block(in, 3);
    return p != NULL ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t bytes_get_u32(struct bytes *in)
{
    const uint8_t *p = bytes_get_block(in, 4);
    return p != NULL ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint32_t bytes_get_u32le(struct bytes *in)
{
    const uint8_t *p = bytes_get_block(in, 4);
    return p != NULL ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0] : 0;
}

static inline uint64_t bytes_get_u64(struct bytes *in)
{
    const uint8_t *p = bytes_get_block(in, 8);
    if (p == NULL) {
        return 0;
    }
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

static inline uint64_t bytes_get_u64le(struct bytes *in)
{
    const uint8_t *p = bytes_get_block(in, 8);
    if (p == NULL) {
        return 0;
    }
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | p[i];
    }
    return value;
}

static inline int8_t bytes_get_i8(struct bytes *in)
{
    return (int8_t)bytes_get_u8(in);
}

static inline int16_t bytes_get_i16(struct bytes *in)
{
    return (int16_t)bytes_get_u16(in);
}

static inline int32_t bytes_get_i32(struct bytes *in)
{
    return (int32_t)bytes_get_u32(in);
}

static inline int64_t bytes_get_i64(struct bytes *in)
{
    return (int64_t)bytes_get_u64(in);
}

static inline int64_t bytes_get_i64le(struct bytes *in)
{
    return (int64_t)bytes_get_u64le(in);
}

static inline float bytes_get_f32(struct bytes *in)
{
    uint32_t bits = bytes_get_u32(in);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline double bytes_get_f64(struct bytes *in)
{
    uint64_t bits = bytes_get_u64(in);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline double bytes_get_f64le(struct bytes *in)
{
    uint64_t bits = bytes_get_u64le(in);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Fails on more than 10 bytes, or bits over 64. */
uint64_t bytes_get_varint(struct bytes *in);

static inline uint64_t bytes_zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t bytes_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static inline int64_t bytes_get_varint_signed(struct bytes *in)
{
    return bytes_unzigzag(bytes_get_varint(in));
}

/* Invariant: start <= at <= end. The memory is borrowed. */
struct bytes_out {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
};

static inline struct bytes_out bytes_out_of(void *data, size_t size)
{
    uint8_t *start = data;
    return (
        struct bytes_out){ .start = start, .at = start, .end = size > 0 ? start + size : start };
}

/* How much was written. */
static inline size_t bytes_out_size(const struct bytes_out *out)
{
    return (size_t)(out->at - out->start);
}

static inline size_t bytes_out_left(const struct bytes_out *out)
{
    return (size_t)(out->end - out->at);
}

/* Room for size bytes, to be filled by the caller; asserts that it is there. */
static inline uint8_t *bytes_put_space(struct bytes_out *out, size_t size)
{
    assert(bytes_out_left(out) >= size);
    uint8_t *space = out->at;
    out->at = size > 0 ? out->at + size : out->at;
    return space;
}

static inline void bytes_put_block(struct bytes_out *out, const void *data, size_t size)
{
    uint8_t *space = bytes_put_space(out, size);
    if (size > 0) {
        memcpy(space, data, size);
    }
}

static inline void bytes_put_u8(struct bytes_out *out, uint8_t value)
{
    *bytes_put_space(out, 1) = value;
}

static inline void bytes_put_u16(struct bytes_out *out, uint16_t value)
{
    uint8_t *p = bytes_put_space(out, 2);
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void bytes_put_u16le(struct bytes_out *out, uint16_t value)
{
    uint8_t *p = bytes_put_space(out, 2);
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static inline void bytes_put_u24(struct bytes_out *out, uint32_t value)
{
    uint8_t *p = bytes_put_space(out, 3);
    p[0] = (uint8_t)(value >> 16);
    p[1] = (uint8_t)(value >> 8);
    p[2] = (uint8_t)value;
}

static inline void bytes_put_u32(struct bytes_out *out, uint32_t value)
{
    uint8_t *p = bytes_put_space(out, 4);
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static inline void bytes_put_u32le(struct bytes_out *out, uint32_t value)
{
    uint8_t *p = bytes_put_space(out, 4);
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline void bytes_put_u64(struct bytes_out *out, uint64_t value)
{
    uint8_t *p = bytes_put_space(out, 8);
    for (int i = 0; i < 8; i++) {
        p[7 - i] = (uint8_t)(value >> (8 * i));
    }
}

static inline void bytes_put_u64le(struct bytes_out *out, uint64_t value)
{
    uint8_t *p = bytes_put_space(out, 8);
    for (int i = 0; i < 8; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline void bytes_put_i64(struct bytes_out *out, int64_t value)
{
    bytes_put_u64(out, (uint64_t)value);
}

static inline void bytes_put_i64le(struct bytes_out *out, int64_t value)
{
    bytes_put_u64le(out, (uint64_t)value);
}

static inline void bytes_put_f32(struct bytes_out *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bytes_put_u32(out, bits);
}

static inline void bytes_put_f64(struct bytes_out *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bytes_put_u64(out, bits);
}

static inline void bytes_put_f64le(struct bytes_out *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bytes_put_u64le(out, bits);
}

/* Needs at most BYTES_VARINT_MAX bytes. */
void bytes_put_varint(struct bytes_out *out, uint64_t value);

static inline void bytes_put_varint_signed(struct bytes_out *out, int64_t value)
{
    bytes_put_varint(out, bytes_zigzag(value));
}

/* How many bytes bytes_put_varint() would write. */
size_t bytes_varint_size(uint64_t value);

#endif
