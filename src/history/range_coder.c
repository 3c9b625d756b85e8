/* SPDX-License-Identifier: Apache-2.0 */
#include "history/range_coder.h"

#include "history/ints.h"

enum {
    BASE = 1,        /* flag: less a base */
    LENGTH_BITS = 6, /* of the tree: a length of 1 .. 64 */
    MODELED = 2,     /* bits behind the first that have probabilities */
    HALF = 1 << 15,  /* a probability of 1/2 */
    SEEN_MAX = 60,   /* after so many decisions a probability moves by 1/61 of the way */
    DIRECT_MAX = 16, /* bits written as they are in one go */
    TOP_SHIFT = 24,
};

/* How likely a decision is 0, of 65,536, and how often it was taken: it learns fast at first. */
struct chance {
    uint16_t zero;
    uint16_t seen;
};

struct model {
    struct chance is_zero[8]; /* by whether the last three were 0 */
    struct chance length[2][1 << LENGTH_BITS];
    struct chance bits[65][1 << MODELED];
    unsigned before; /* the last three */
};

static void init_model(struct model *model)
{
    struct chance *all = (struct chance *)(void *)model;
    size_t count = offsetof(struct model, before) / sizeof(*all);
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct chance){ .zero = HALF };
    }
    model->before = 0;
}

static inline void learn(struct chance *chance, bool bit)
{
    int32_t target = bit ? 64 : 65535 - 64; /* never certain */
    int32_t step = (target - chance->zero) * 2 / (2 * (int32_t)chance->seen + 3);
    chance->zero = (uint16_t)(chance->zero + step);
    chance->seen = (uint16_t)(chance->seen + (chance->seen < SEEN_MAX));
}

static inline void remember(struct model *model, bool zero)
{
    model->before = (model->before << 1 | (unsigned)zero) & 7u;
}

/* --- writing --- */

struct writer {
    uint64_t low;
    uint32_t range;
    uint8_t cache;   /* last byte that a carry may still change ... */
    uint64_t behind; /* ... and how many of 0xff come behind it */
    bool begun;
    uint8_t *to;
    size_t size, max;
    size_t zeros; /* not written yet: the last ones never are */
    bool full;
};

static void put_byte(struct writer *writer, uint8_t byte)
{
    if (byte == 0) {
        writer->zeros++;
        return;
    }
    if (writer->zeros >= writer->max - writer->size) {
        writer->full = true;
        return;
    }
    for (; writer->zeros > 0; writer->zeros--) {
        writer->to[writer->size++] = 0;
    }
    writer->to[writer->size++] = byte;
}

static void shift_low(struct writer *writer)
{
    if (writer->low < UINT64_C(0xff000000) || writer->low > UINT64_C(0xffffffff)) {
        uint8_t carry = (uint8_t)(writer->low >> 32);
        if (writer->begun) { /* the very first byte is always 0 and is not written */
            put_byte(writer, (uint8_t)(writer->cache + carry));
        }
        for (; writer->behind > 0 && !writer->full; writer->behind--) {
            put_byte(writer, (uint8_t)(0xff + carry));
        }
        writer->behind = 0;
        writer->begun = true;
        writer->cache = (uint8_t)(writer->low >> 24);
    } else {
        writer->behind++;
    }
    writer->low = (writer->low & UINT64_C(0x00ffffff)) << 8;
}

static inline void put_bit(struct writer *writer, struct chance *chance, bool bit)
{
    uint32_t bound = (writer->range >> 16) * chance->zero;
    if (bit) {
        writer->low += bound;
        writer->range -= bound;
    } else {
        writer->range = bound;
    }
    learn(chance, bit);
    while (writer->range < 1u << TOP_SHIFT) {
        writer->range <<= 8;
        shift_low(writer);
    }
}

static void put_direct(struct writer *writer, uint64_t bits, unsigned count)
{
    while (count > 0) {
        unsigned part = count < DIRECT_MAX ? count : DIRECT_MAX;
        count -= part;
        writer->range >>= part;
        writer->low += (uint64_t)writer->range * (bits >> count & ((1u << part) - 1));
        while (writer->range < 1u << TOP_SHIFT) {
            writer->range <<= 8;
            shift_low(writer);
        }
    }
}

static void put_value(struct writer *writer, struct model *model, uint64_t u)
{
    unsigned length = history_bits_of(u);
    struct chance *tree = model->length[model->before & 1u];
    put_bit(writer, &model->is_zero[model->before], length > 0);
    remember(model, length == 0);
    if (length == 0) {
        return;
    }
    for (unsigned node = 1, i = LENGTH_BITS; i > 0; i--) {
        bool bit = (length - 1) >> (i - 1) & 1u;
        put_bit(writer, &tree[node], bit);
        node = node << 1 | bit;
    }
    unsigned left = length - 1;
    for (unsigned node = 1, i = 0; i < MODELED && left > 0; i++) {
        left--;
        bool bit = u >> left & 1u;
        put_bit(writer, &model->bits[length][node], bit);
        node = node << 1 | bit;
    }
    put_direct(writer, u, left);
}

/* The number in [low, low + range) with the most zeros at its end: they need not be written. */
static void finish(struct writer *writer)
{
    for (unsigned zeros = 32; zeros > 0; zeros--) {
        uint64_t unit = UINT64_C(1) << zeros;
        uint64_t rounded = (writer->low + unit - 1) / unit * unit;
        if (rounded < writer->low + writer->range) {
            writer->low = rounded;
            break;
        }
    }
    for (int i = 0; i < 5; i++) {
        shift_low(writer);
    }
}

static bool choose_base(const int64_t *values, size_t count, uint64_t *base)
{
    int64_t min = values[0];
    for (size_t i = 1; i < count; i++) {
        min = values[i] < min ? values[i] : min;
    }
    uint64_t with = 0;
    uint64_t without = 0;
    for (size_t i = 0; i < count; i++) {
        with += history_bits_of((uint64_t)values[i] - (uint64_t)min);
        without += history_bits_of(bytes_zigzag(values[i]));
    }
    *base = (uint64_t)min;
    return with + BYTES_VARINT_MAX * 4 < without;
}

size_t history_range_put(uint8_t *to, size_t max, const int64_t *values, size_t count)
{
    struct model model;
    uint8_t head[1 + BYTES_VARINT_MAX];
    struct bytes_out out = bytes_out_of(head, sizeof(head));
    uint64_t base;
    bool based = choose_base(values, count, &base);
    bytes_put_u8(&out, based ? BASE : 0);
    if (based) {
        bytes_put_varint_signed(&out, (int64_t)base);
    }
    struct writer writer = { .range = UINT32_MAX, .to = to, .max = max };
    writer.size = bytes_out_size(&out);
    if (writer.size > max) {
        return 0;
    }
    memcpy(to, head, writer.size);
    init_model(&model);
    for (size_t i = 0; i < count && !writer.full; i++) {
        put_value(&writer, &model, based ? (uint64_t)values[i] - base : bytes_zigzag(values[i]));
    }
    finish(&writer);
    return writer.full ? 0 : writer.size;
}

bool history_range_write(struct bytes_out *out, size_t max, const int64_t *values, size_t count)
{
    size_t left = bytes_out_left(out);
    max = max < left ? max : left;
    uint8_t *code = out->at + BYTES_VARINT_MAX;
    size_t size = max > BYTES_VARINT_MAX
                      ? history_range_put(code, max - BYTES_VARINT_MAX, values, count)
                      : 0;
    if (size == 0) {
        return false;
    }
    bytes_put_varint(out, size);
    memmove(bytes_put_space(out, size), code, size);
    return true;
}

/* --- reading --- */

struct reader {
    uint32_t code, range;
    const uint8_t *at, *end;
    unsigned beyond; /* zeros taken behind the end */
};

static inline uint8_t next_byte(struct reader *reader)
{
    if (reader->at < reader->end) {
        return *reader->at++;
    }
    reader->beyond++;
    return 0;
}

static inline void refill(struct reader *reader)
{
    while (reader->range < 1u << TOP_SHIFT) {
        reader->range <<= 8;
        reader->code = reader->code << 8 | next_byte(reader);
    }
}

static inline bool get_bit(struct reader *reader, struct chance *chance)
{
    uint32_t bound = (reader->range >> 16) * chance->zero;
    bool bit = reader->code >= bound;
    if (bit) {
        reader->code -= bound;
        reader->range -= bound;
    } else {
        reader->range = bound;
    }
    learn(chance, bit);
    refill(reader);
    return bit;
}

/* False: no writer writes this. */
static bool get_direct(struct reader *reader, unsigned count, uint64_t *bits)
{
    while (count > 0) {
        unsigned part = count < DIRECT_MAX ? count : DIRECT_MAX;
        count -= part;
        reader->range >>= part;
        uint32_t value = reader->code / reader->range;
        if (value >> part != 0) {
            return false;
        }
        reader->code -= value * reader->range;
        *bits = *bits << part | value;
        refill(reader);
    }
    return true;
}

static bool get_value(struct reader *reader, struct model *model, uint64_t *u)
{
    struct chance *tree = model->length[model->before & 1u];
    bool some = get_bit(reader, &model->is_zero[model->before]);
    remember(model, !some);
    *u = 0;
    if (!some) {
        return true;
    }
    unsigned node = 1;
    for (unsigned i = 0; i < LENGTH_BITS; i++) {
        node = node << 1 | get_bit(reader, &tree[node]);
    }
    unsigned length = node - (1u << LENGTH_BITS) + 1;
    unsigned left = length - 1;
    *u = 1;
    node = 1;
    for (unsigned i = 0; i < MODELED && left > 0; i++) {
        left--;
        bool bit = get_bit(reader, &model->bits[length][node]);
        node = node << 1 | bit;
        *u = *u << 1 | bit;
    }
    return get_direct(reader, left, u);
}

bool history_range_get(const uint8_t *from, size_t size, int64_t *values, size_t count)
{
    struct model model;
    struct bytes in = bytes_of(from, size);
    uint8_t flags = bytes_get_u8(&in);
    uint64_t base = flags == BASE ? (uint64_t)bytes_get_varint_signed(&in) : 0;
    if (bytes_short(&in) || flags > BASE) {
        return false;
    }
    struct reader reader = { .range = UINT32_MAX, .at = in.at, .end = from + size };
    for (int i = 0; i < 4; i++) {
        reader.code = reader.code << 8 | next_byte(&reader);
    }
    init_model(&model);
    for (size_t i = 0; i < count; i++) {
        uint64_t u;
        if (!get_value(&reader, &model, &u)) {
            return false;
        }
        values[i] = flags == BASE ? (int64_t)(base + u) : bytes_unzigzag(u);
    }
    /* All bytes are used, the last of them is no zero, and the code lies where the writer ends. */
    return reader.at == reader.end && (size == 1 || reader.end == in.at || from[size - 1] != 0);
}

void history_range_read(struct bytes *in, int64_t *values, size_t count)
{
    uint64_t size = bytes_get_varint(in);
    const uint8_t *packed = size <= bytes_left(in) ? bytes_get_block(in, (size_t)size) : NULL;
    if (packed == NULL || !history_range_get(packed, (size_t)size, values, count)) {
        bytes_fail(in);
    }
}
