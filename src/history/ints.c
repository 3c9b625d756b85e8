/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ints.h"

enum {
    WIDTH_MAX = 64,
    GAP_BYTES = 3, /* what an exception costs at most beside its high bits */
    LOOKS_MIN = 32,
    LOOK_EACH = 4,     /* so many values one is looked at for a plan, but LOOKS_MIN at least, */
    GUESS_EACH = 16,   /* and for a guess */
    RADIX = 65,        /* in place of a width */
    RADIX_FROM = 129,  /* values: the head's small chunks, packed again later, are left as bits */
    RADIX_OUTSIDE = 8, /* an eighth of the values are exceptions at most */
    RADIX_WIDTH_MAX = 7,
    RADIX_GAIN = 50, /* it must be smaller by a fiftieth */
};

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
        histogram[history_bits_of(away)]++;
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
    unsigned widest = history_bits_of((uint64_t)range->high - (uint64_t)range->low);
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

static size_t look_each(size_t count, size_t each)
{
    return count / LOOKS_MIN < each ? count / LOOKS_MIN + (count < LOOKS_MIN) : each;
}

static struct look look_both(const int64_t *values, size_t count, size_t each,
                             const struct history_range *range, bool *below)
{
    struct look up = look_at(values, count, each, range, false);
    struct look down = look_at(values, count, each, range, true);
    *below = down.bytes < up.bytes;
    return *below ? down : up;
}

/* --- radix --- */

static struct history_radix radix_of(unsigned base)
{
    struct history_radix radix = { .base = base, .digits = 1, .power = base };
    uint64_t most = UINT64_MAX / base;
    while (radix.power <= most) {
        radix.power *= base;
        radix.digits++;
    }
    return radix;
}

static size_t radix_bytes(size_t count, const struct history_radix *radix)
{
    size_t group = 4 * (size_t)radix->digits;
    return count / group * HISTORY_RADIX_GROUP +
           packed_bytes(count % group, history_bits_of(radix->base - 1));
}

/* floor((value - base) / R), and the digit that is left. */
static int64_t quotient(uint64_t away, unsigned radix, uint64_t *digit)
{
    int64_t distance = (int64_t)away;
    int64_t result = distance / (int64_t)radix;
    int64_t rest = distance % (int64_t)radix;
    result -= rest < 0;
    *digit = (uint64_t)(rest < 0 ? rest + (int64_t)radix : rest);
    return result;
}

/* Bytes of an exception at most, when values are between these. */
static size_t exception_bytes(const struct history_range *range, uint64_t base, unsigned radix)
{
    uint64_t digit;
    uint64_t up = bytes_zigzag(quotient((uint64_t)range->high - base, radix, &digit));
    uint64_t down = bytes_zigzag(quotient((uint64_t)range->low - base, radix, &digit));
    return GAP_BYTES - 1 + bytes_varint_size(up > down ? up : down);
}

/* The plan by bits says where most values are: digits of how many of these, and which, are the smallest? */
static void plan_radix(const int64_t *values, size_t count, const struct history_range *range,
                       struct history_ints_plan *plan)
{
    uint16_t histogram[HISTORY_RADIX_MAX] = { 0 };
    size_t outside = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t away = (uint64_t)values[i] - plan->base;
        if (away < HISTORY_RADIX_MAX) {
            histogram[away]++;
        } else {
            outside++;
        }
    }
    size_t least = plan->bytes - plan->bytes / RADIX_GAIN;
    uint64_t base = plan->base;
    unsigned low = 0;
    unsigned high = HISTORY_RADIX_MAX - 1;
    while (low < high) { /* the end that holds less is left out first */
        if (histogram[low] == 0 || histogram[high] == 0) {
            low += histogram[low] == 0;
            high -= histogram[high] == 0;
            continue;
        }
        struct history_radix radix = radix_of(high - low + 1);
        if (outside > count / RADIX_OUTSIDE) {
            break;
        }
        size_t each = exception_bytes(range, base + low, radix.base);
        size_t bytes = radix_bytes(count, &radix) + outside * each;
        if (bytes < least) {
            least = bytes;
            *plan = (struct history_ints_plan){ .base = base + low,
                                                .radix = radix.base,
                                                .exceptions = (unsigned)outside,
                                                .bytes = bytes };
        }
        outside += histogram[low] <= histogram[high] ? histogram[low] : histogram[high];
        if (histogram[low] <= histogram[high]) {
            low++;
        } else {
            high--;
        }
    }
}

static void put_group(uint8_t *to, const int64_t *values, uint64_t base,
                      const struct history_radix *radix)
{
    __extension__ typedef unsigned __int128 wide;
    for (size_t lane = 0; lane < 4; lane++) {
        uint64_t word = 0;
        for (size_t i = 0; i < radix->digits; i++) {
            uint64_t digit = (uint64_t)values[4 * i + lane] - base;
            if (digit >= radix->base) {
                (void)quotient(digit, radix->base, &digit);
            }
            word = word * radix->base + digit;
        }
        word = (uint64_t)((((wide)word << 64) + radix->power - 1) / radix->power);
        memcpy(to + lane * sizeof(word), &word, sizeof(word));
    }
}

static void put_radix(const struct history_kernels *kernels, struct bytes_out *out,
                      const int64_t *values, size_t count, const struct history_ints_plan *plan)
{
    struct history_radix radix = radix_of(plan->radix);
    size_t group = 4 * (size_t)radix.digits;
    size_t at = 0;
    for (; at + group <= count; at += group) {
        put_group(bytes_put_space(out, HISTORY_RADIX_GROUP), values + at, plan->base, &radix);
    }
    int64_t rest[4 * WIDTH_MAX];
    for (size_t i = at; i < count; i++) {
        uint64_t digit;
        (void)quotient((uint64_t)values[i] - plan->base, plan->radix, &digit);
        rest[i - at] = (int64_t)digit;
    }
    unsigned width = history_bits_of(plan->radix - 1);
    if (at < count) {
        kernels->pack(bytes_put_space(out, packed_bytes(count - at, width)), rest, count - at, 0,
                      width);
    }
    size_t before = 0;
    for (size_t i = 0; i < count && plan->exceptions > 0; i++) {
        uint64_t digit;
        uint64_t away = (uint64_t)values[i] - plan->base;
        if (away >= plan->radix) {
            bytes_put_varint(out, i - before);
            bytes_put_varint_signed(out, quotient(away, plan->radix, &digit));
            before = i;
        }
    }
}

static void get_radix(const struct history_kernels *kernels, struct bytes *in, int64_t *values,
                      size_t count, struct history_part part, uint64_t base)
{
    unsigned base_of_digits = bytes_get_u8(in);
    uint64_t exceptions = bytes_get_varint(in);
    if (base_of_digits < 2 || base_of_digits > HISTORY_RADIX_MAX || exceptions > count) {
        bytes_fail(in);
        base_of_digits = 2;
    }
    struct history_radix radix = radix_of(base_of_digits);
    const uint8_t *packed = bytes_get_block(in, radix_bytes(count, &radix));
    if (packed == NULL) {
        memset(values, 0, count * sizeof(*values));
        return;
    }
    size_t group = 4 * (size_t)radix.digits;
    size_t groups = count / group;
    size_t first = part.first / group < groups ? part.first / group : groups;
    size_t end = (part.end + group - 1) / group;
    end = end > groups ? groups : end < first ? first : end;
    kernels->radix(packed + first * HISTORY_RADIX_GROUP, values + first * group, end - first, base,
                   &radix);
    size_t done = groups * group;
    if (done < part.end) {
        unsigned width = history_bits_of(radix.base - 1);
        kernels->unpack(packed + groups * HISTORY_RADIX_GROUP, packed_bytes(count - done, width),
                        values + done, count - done, base, width);
    }
    size_t at = 0;
    for (uint64_t i = 0; i < exceptions; i++) {
        uint64_t gap = bytes_get_varint(in);
        uint64_t times = (uint64_t)bytes_get_varint_signed(in);
        if (bytes_short(in) || gap >= count - at) {
            bytes_fail(in);
            return;
        }
        at += (size_t)gap;
        if (at >= part.first && at < part.end) {
            values[at] = (int64_t)((uint64_t)values[at] + times * radix.base);
        }
    }
}

/* --- the plan --- */

void history_ints_plan(const struct history_kernels *kernels, const int64_t *values, size_t count,
                       struct history_ints_plan *plan)
{
    struct history_range range = { 0 };
    if (count > 0) {
        kernels->range(values, count, &range);
    }
    unsigned widest = history_bits_of((uint64_t)range.high - (uint64_t)range.low);
    *plan = (struct history_ints_plan){ .base = (uint64_t)range.low,
                                        .width = widest,
                                        .bytes = packed_bytes(count, widest) };
    if (widest > 1) {
        bool below;
        size_t each = look_each(count, LOOK_EACH);
        struct look look = look_both(values, count, each, &range, &below);
        if (look.width < widest) {
            uint64_t mask = ((uint64_t)1 << look.width) - 1;
            uint64_t base = below ? (uint64_t)range.high - mask : (uint64_t)range.low;
            size_t over = kernels->above(values, count, base, look.width);
            size_t bytes = packed_bytes(count, look.width) +
                           over * (GAP_BYTES + high_bytes(widest, look.width, below));
            if (bytes < plan->bytes) {
                *plan = (struct history_ints_plan){
                    .base = base, .width = look.width, .exceptions = (unsigned)over, .bytes = bytes
                };
            }
        }
        if (plan->width > 1 && plan->width <= RADIX_WIDTH_MAX && count >= RADIX_FROM) {
            plan_radix(values, count, &range, plan);
        }
    }
    plan->bytes += BYTES_VARINT_MAX + 2 + BYTES_VARINT_MAX;
}

size_t history_ints_guess(const struct history_kernels *kernels, const int64_t *values,
                          size_t count)
{
    struct history_range range;
    kernels->range(values, count, &range);
    size_t each = look_each(count, GUESS_EACH);
    return range.low == range.high ? 0 : look_at(values, count, each, &range, false).bytes;
}

/* --- writing and reading --- */

void history_ints_put(const struct history_kernels *kernels, struct bytes_out *out,
                      const int64_t *values, size_t count, const struct history_ints_plan *plan)
{
    bytes_put_varint_signed(out, (int64_t)plan->base);
    if (plan->radix != 0) {
        bytes_put_u8(out, RADIX);
        bytes_put_u8(out, (uint8_t)plan->radix);
        bytes_put_varint(out, plan->exceptions);
        put_radix(kernels, out, values, count, plan);
        return;
    }
    bytes_put_u8(out, (uint8_t)plan->width);
    bytes_put_varint(out, plan->exceptions);
    if (plan->width > 0) {
        uint8_t *to = bytes_put_space(out, packed_bytes(count, plan->width));
        kernels->pack(to, values, count, plan->base, plan->width);
    }
    size_t before = 0;
    for (size_t i = 0; i < count && plan->exceptions > 0; i++) {
        uint64_t value = (uint64_t)values[i] - plan->base;
        if (history_bits_of(value) > plan->width) {
            bytes_put_varint(out, i - before);
            bytes_put_varint(out, value >> plan->width);
            before = i;
        }
    }
}

/* The part, from the byte that eight values before or at its first begin in. */
static void unpack_part(const struct history_kernels *kernels, const uint8_t *packed, size_t size,
                        int64_t *values, struct history_part part, uint64_t base, unsigned width)
{
    size_t first = part.first / 8 * 8;
    size_t before = first / 8 * width;
    size_t bytes = packed_bytes(part.end - first, width);
    bytes = bytes < size - before ? bytes : size - before;
    kernels->unpack(packed + before, bytes, values + first, part.end - first, base, width);
}

bool history_ints_get(const struct history_kernels *kernels, struct bytes *in, int64_t *values,
                      size_t count, struct history_part part)
{
    uint64_t base = (uint64_t)bytes_get_varint_signed(in);
    unsigned width = bytes_get_u8(in);
    if (width == RADIX) {
        get_radix(kernels, in, values, count, part, base);
        return false;
    }
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
    if (width == 0) {
        kernels->fill(values + part.first, part.end - part.first, base);
    } else if (part.first < part.end) {
        unpack_part(kernels, packed, size, values, part, base, width);
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
        if (at >= part.first && at < part.end) {
            values[at] = (int64_t)((uint64_t)values[at] + (high << width));
        }
    }
    return width == 0 && exceptions == 0;
}
