/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of the codec in AVX2, four 64-bit lanes at a time.
 *
 * Unpacking: eight values of w bits take w bytes, so each group of eight begins at a byte, and where its values lie in it
 * is the same for all groups: a pair of values is within the 16 bytes from the byte that the first of
 * them begins in (w <= 57). Each of the four pairs is loaded, its bytes are brought to the low end of two
 * lanes by one shuffle, and the bits by one shift. */
#include "history/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

enum { GROUP = 8, LANES = 4, UNPACK_WIDTH_MAX = 57, TAIL_BYTES = 192 };

/* --- unpacking --- */

/* Where the values of a group of eight lie. */
struct places {
    __m256i bytes[2], shifts[2]; /* of values 0..3, 4..7 */
    size_t starts[4];            /* of the pairs 0-1, 2-3, 4-5, 6-7 */
};

AVX2 static void find_places(struct places *places, unsigned width)
{
    uint8_t bytes[2][32];
    uint64_t shifts[2][LANES];
    for (unsigned pair = 0; pair < 4; pair++) {
        unsigned start = 2 * pair * width / 8;
        places->starts[pair] = start;
        for (unsigned i = 0; i < 2; i++) {
            unsigned bit = (2 * pair + i) * width - 8 * start;
            shifts[pair / 2][pair % 2 * 2 + i] = bit % 8;
            for (unsigned byte = 0; byte < 8; byte++) {
                bytes[pair / 2][pair % 2 * 16 + i * 8 + byte] = (uint8_t)(bit / 8 + byte);
            }
        }
    }
    for (int half = 0; half < 2; half++) {
        places->bytes[half] = _mm256_loadu_si256((const void *)bytes[half]);
        places->shifts[half] = _mm256_loadu_si256((const void *)shifts[half]);
    }
}

AVX2 static inline __m256i take(const uint8_t *from, const struct places *places, int half,
                                __m256i mask, __m256i base)
{
    __m128i low = _mm_loadu_si128((const void *)(from + places->starts[2 * half]));
    __m128i high = _mm_loadu_si128((const void *)(from + places->starts[2 * half + 1]));
    __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    bytes = _mm256_shuffle_epi8(bytes, places->bytes[half]);
    bytes = _mm256_and_si256(_mm256_srlv_epi64(bytes, places->shifts[half]), mask);
    return _mm256_add_epi64(bytes, base);
}

AVX2 static inline void take_group(const uint8_t *from, const struct places *places, __m256i mask,
                                   __m256i base, int64_t *values)
{
    _mm256_storeu_si256((void *)values, take(from, places, 0, mask, base));
    _mm256_storeu_si256((void *)(values + LANES), take(from, places, 1, mask, base));
}

AVX2 static void avx2_unpack(const uint8_t *from, size_t size, int64_t *values, size_t count,
                             uint64_t base_bits, unsigned width)
{
    if (width > UNPACK_WIDTH_MAX) {
        history_kernels_plain()->unpack(from, size, values, count, base_bits, width);
        return;
    }
    struct places places;
    find_places(&places, width);
    __m256i mask = _mm256_set1_epi64x((int64_t)(((uint64_t)1 << width) - 1));
    __m256i base = _mm256_set1_epi64x((int64_t)base_bits);
    size_t reach = places.starts[3] + 16; /* bytes that a group looks at */
    size_t groups = size < reach ? 0 : (size - reach) / width + 1;
    groups = groups < count / GROUP ? groups : count / GROUP;
    for (const uint8_t *end = from + groups * width; from < end; from += width) {
        take_group(from, &places, mask, base, values);
        values += GROUP;
    }
    count -= groups * GROUP;
    size -= groups * width;
    if (count == 0) {
        return;
    }
    uint8_t tail[TAIL_BYTES] = { 0 }; /* what is left, with room behind it */
    memcpy(tail, from, size);
    for (from = tail; count >= GROUP; from += width, count -= GROUP) {
        take_group(from, &places, mask, base, values);
        values += GROUP;
    }
    int64_t rest[GROUP];
    take_group(from, &places, mask, base, rest);
    memcpy(values, rest, count * sizeof(*values));
}

/* --- packing --- */

/* Four values of at most 16 bits side by side in one word. */
AVX2 static inline uint64_t join(const int64_t *values, __m256i base, __m256i mask, __m256i shifts)
{
    __m256i four = _mm256_loadu_si256((const void *)values);
    four = _mm256_and_si256(_mm256_sub_epi64(four, base), mask);
    four = _mm256_sllv_epi64(four, shifts);
    __m128i two = _mm_or_si128(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    return (uint64_t)(_mm_cvtsi128_si64(two) | _mm_extract_epi64(two, 1));
}

AVX2 static void avx2_pack(uint8_t *to, const int64_t *values, size_t count, uint64_t base_bits,
                           unsigned width)
{
    if (width > 16 || count < 4 * LANES) {
        history_kernels_plain()->pack(to, values, count, base_bits, width);
        return;
    }
    __m256i base = _mm256_set1_epi64x((int64_t)base_bits);
    __m256i mask = _mm256_set1_epi64x((int64_t)(((uint64_t)1 << width) - 1));
    __m256i shifts = _mm256_set_epi64x((int64_t)(3 * width), (int64_t)(2 * width), (int64_t)width,
                                       0);
    uint64_t pending = 0;
    unsigned filled = 0;
    unsigned step = 4 * width;
    size_t i = 0;
    size_t whole = count / 16 * 16; /* 16 values take 2 x width bytes: the rest begins at a byte */
    for (; i < whole; i += LANES) {
        uint64_t word = join(values + i, base, mask, shifts);
        pending |= word << filled;
        filled += step;
        if (filled >= 64) {
            memcpy(to, &pending, sizeof(pending));
            to += sizeof(pending);
            filled -= 64;
            pending = filled > 0 ? word >> (step - filled) : 0;
        }
    }
    memcpy(to, &pending, filled / 8);
    to += filled / 8;
    if (i < count) {
        history_kernels_plain()->pack(to, values + i, count - i, base_bits, width);
    }
}

/* --- integers --- */

/* The digits of four words; what is left of them goes back to *words. base < 2^32. */
AVX2 static inline __m256i next_digits(__m256i *words, __m256i base)
{
    __m256i low = _mm256_mul_epu32(*words, base);
    __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(*words, 32), base);
    high = _mm256_add_epi64(high, _mm256_srli_epi64(low, 32));
    *words = _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xaa);
    return _mm256_srli_epi64(high, 32);
}

AVX2 static void avx2_radix(const uint8_t *from, int64_t *values, size_t groups, uint64_t base_bits,
                            const struct history_radix *radix)
{
    __m256i base = _mm256_set1_epi64x((int64_t)base_bits);
    __m256i by = _mm256_set1_epi64x(radix->base);
    size_t digits = radix->digits;
    for (; groups >= 2; groups -= 2) { /* two at a time: each digit waits for the one before it */
        __m256i first = _mm256_loadu_si256((const void *)from);
        __m256i second = _mm256_loadu_si256((const void *)(from + HISTORY_RADIX_GROUP));
        int64_t *others = values + 4 * digits;
        for (size_t i = 0; i < digits; i++, values += 4) {
            __m256i a = _mm256_add_epi64(next_digits(&first, by), base);
            __m256i b = _mm256_add_epi64(next_digits(&second, by), base);
            _mm256_storeu_si256((void *)values, a);
            _mm256_storeu_si256((void *)(others + 4 * i), b);
        }
        values += 4 * digits;
        from += 2 * HISTORY_RADIX_GROUP;
    }
    history_kernels_plain()->radix(from, values, groups, base_bits, radix);
}

AVX2 static void avx2_fill(int64_t *values, size_t count, uint64_t value)
{
    __m256i four = _mm256_set1_epi64x((int64_t)value);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        _mm256_storeu_si256((void *)(values + i), four);
    }
    history_kernels_plain()->fill(values + i, count - i, value);
}

AVX2 static void avx2_range(const int64_t *values, size_t count, struct history_range *range)
{
    if (count < LANES) {
        history_kernels_plain()->range(values, count, range);
        return;
    }
    __m256i lows = _mm256_loadu_si256((const void *)values);
    __m256i highs = lows;
    __m256i sums = lows;
    size_t i = LANES;
    for (; i + LANES <= count; i += LANES) {
        __m256i four = _mm256_loadu_si256((const void *)(values + i));
        lows = _mm256_blendv_epi8(lows, four, _mm256_cmpgt_epi64(lows, four));
        highs = _mm256_blendv_epi8(highs, four, _mm256_cmpgt_epi64(four, highs));
        sums = _mm256_add_epi64(sums, four);
    }
    int64_t ends[3 * LANES];
    _mm256_storeu_si256((void *)ends, lows);
    _mm256_storeu_si256((void *)(ends + LANES), highs);
    _mm256_storeu_si256((void *)(ends + 2 * LANES), sums);
    struct history_range part;
    history_kernels_plain()->range(ends, 2 * LANES, range);
    history_kernels_plain()->range(ends + 2 * LANES, LANES, &part);
    range->sum = part.sum;
    if (i < count) {
        history_kernels_plain()->range(values + i, count - i, &part);
        range->low = part.low < range->low ? part.low : range->low;
        range->high = part.high > range->high ? part.high : range->high;
        range->sum += part.sum;
    }
}

AVX2 static size_t avx2_above(const int64_t *values, size_t count, uint64_t base_bits,
                              unsigned width)
{
    __m256i base = _mm256_set1_epi64x((int64_t)base_bits);
    __m128i shift = _mm_cvtsi32_si128((int)width);
    __m256i fits = _mm256_setzero_si256(); /* less one for each that does */
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        __m256i four = _mm256_loadu_si256((const void *)(values + i));
        four = _mm256_srl_epi64(_mm256_sub_epi64(four, base), shift);
        fits = _mm256_add_epi64(fits, _mm256_cmpeq_epi64(four, _mm256_setzero_si256()));
    }
    int64_t counts[LANES];
    _mm256_storeu_si256((void *)counts, fits);
    size_t above = i;
    for (size_t lane = 0; lane < LANES; lane++) {
        above -= (size_t)-counts[lane];
    }
    return above + history_kernels_plain()->above(values + i, count - i, base_bits, width);
}

AVX2 static void avx2_deltas(const int64_t *values, size_t count, int64_t *to)
{
    size_t i = 0;
    for (; i + LANES < count; i += LANES) {
        __m256i here = _mm256_loadu_si256((const void *)(values + i));
        __m256i next = _mm256_loadu_si256((const void *)(values + i + 1));
        _mm256_storeu_si256((void *)(to + i), _mm256_sub_epi64(next, here));
    }
    history_kernels_plain()->deltas(values + i, count - i, to + i);
}

AVX2 static void avx2_sums(int64_t *values, size_t count, uint64_t before)
{
    __m256i carry = _mm256_set1_epi64x((int64_t)before);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        __m256i four = _mm256_loadu_si256((const void *)(values + i));
        four = _mm256_add_epi64(four, _mm256_slli_si256(four, 8)); /* a, a+b, c, c+d */
        __m256i low = _mm256_permute4x64_epi64(four, 0x50);        /* a, a, a+b, a+b */
        four = _mm256_add_epi64(four, _mm256_blend_epi32(_mm256_setzero_si256(), low, 0xf0));
        four = _mm256_add_epi64(four, carry);
        carry = _mm256_permute4x64_epi64(four, 0xff);
        _mm256_storeu_si256((void *)(values + i), four);
    }
    if (i < count) {
        uint64_t last = i > 0 ? (uint64_t)values[i - 1] : before;
        history_kernels_plain()->sums(values + i, count - i, last);
    }
}

/* --- times --- */

AVX2 static inline __m256i multiply(__m256i a, __m256i b) /* b < 2^32; wraps at 64 bits */
{
    __m256i low = _mm256_mul_epu32(a, b);
    __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);
    return _mm256_add_epi64(low, _mm256_slli_epi64(high, 32));
}

/* A line at four neighbours, and the way to the next four. */
struct steps {
    __m256i whole, part, whole_step, part_step, inverse;
};

AVX2 static inline struct steps steps_of(const struct history_line *line)
{
    int64_t whole = (int64_t)line->whole, part = line->part;
    uint64_t twice = 2 * line->whole, thrice = 3 * line->whole, four = 4 * line->whole;
    __m256i one_to_four = _mm256_set_epi64x((int64_t)four, (int64_t)thrice, (int64_t)twice, whole);
    __m256i skipped = _mm256_set1_epi64x((int64_t)(line->skip * line->whole));
    int64_t first = line->skip;
    return (struct steps){
        .whole = _mm256_add_epi64(one_to_four, skipped),
        .part = _mm256_set_epi64x((first + 4) * part, (first + 3) * part, (first + 2) * part,
                                  (first + 1) * part),
        .whole_step = _mm256_set1_epi64x((int64_t)four),
        .part_step = _mm256_set1_epi64x(4 * part),
        .inverse = _mm256_set1_epi64x((int64_t)((UINT64_C(1) << 31) / line->parts + 1)),
    };
}

/* floor(x / parts) = x x ceil(2^31 / parts) >> 31 for x < 2^20: what is too much is below 1 / parts. */
AVX2 static inline __m256i step(struct steps *steps)
{
    __m256i carried = _mm256_srli_epi64(_mm256_mul_epu32(steps->part, steps->inverse), 31);
    __m256i value = _mm256_add_epi64(steps->whole, carried);
    steps->whole = _mm256_add_epi64(steps->whole, steps->whole_step);
    steps->part = _mm256_add_epi64(steps->part, steps->part_step);
    return value;
}

AVX2 static void avx2_line(const struct history_line *line, const int64_t *rest, int64_t *times,
                           size_t count)
{
    struct steps steps = steps_of(line);
    __m256i start = _mm256_set1_epi64x((int64_t)line->start);
    __m256i unit = _mm256_set1_epi64x((int64_t)line->unit);
    size_t i = 0;
    if (line->part == 0 && rest == NULL) { /* as regular as can be: only additions */
        __m256i value = _mm256_add_epi64(multiply(steps.whole, unit), start);
        __m256i value_step = multiply(steps.whole_step, unit);
        for (; i + LANES <= count; i += LANES) {
            _mm256_storeu_si256((void *)(times + i), value);
            value = _mm256_add_epi64(value, value_step);
            steps.whole = _mm256_add_epi64(steps.whole, steps.whole_step);
        }
    }
    for (; i + LANES <= count; i += LANES) {
        __m256i value = step(&steps);
        if (rest != NULL) {
            value = _mm256_add_epi64(value, _mm256_loadu_si256((const void *)(rest + i)));
        }
        value = line->unit == 1 ? value : multiply(value, unit);
        _mm256_storeu_si256((void *)(times + i), _mm256_add_epi64(value, start));
    }
    if (i < count) {
        int64_t last[LANES] = { 0 };
        size_t bytes = (count - i) * sizeof(*last);
        if (rest != NULL) {
            memcpy(last, rest + i, bytes);
        }
        __m256i value = _mm256_add_epi64(step(&steps), _mm256_loadu_si256((const void *)last));
        value = _mm256_add_epi64(multiply(value, unit), start);
        _mm256_storeu_si256((void *)last, value);
        memcpy(times + i, last, bytes);
    }
}

/* A whole quotient is found exactly by multiplying with the inverse and rounding; the way back tells. */
AVX2 static bool avx2_units(const int64_t *times, size_t count, uint64_t unit, int64_t *to)
{
    const __m256d magic = _mm256_set1_pd(0x1.8p52);
    uint64_t span = (uint64_t)times[count - 1] - (uint64_t)times[0];
    if (unit == 1 || span >= UINT64_C(1) << 51) {
        return history_kernels_plain()->units(times, count, unit, to);
    }
    __m256d inverse = _mm256_set1_pd(1 / (double)unit);
    __m256i units = _mm256_set1_epi64x((int64_t)unit);
    __m256i start = _mm256_set1_epi64x(times[0]);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        __m256i since = _mm256_loadu_si256((const void *)(times + i));
        since = _mm256_sub_epi64(since, start); /* below 2^51: its bits below those of 1.5 x 2^52 */
        __m256d value = _mm256_castsi256_pd(_mm256_add_epi64(since, _mm256_castpd_si256(magic)));
        value = _mm256_mul_pd(_mm256_sub_pd(value, magic), inverse);
        __m256i whole = _mm256_castpd_si256(_mm256_add_pd(value, magic));
        whole = _mm256_sub_epi64(whole, _mm256_castpd_si256(magic));
        __m256i same = _mm256_cmpeq_epi64(multiply(whole, units), since);
        if (_mm256_movemask_epi8(same) != -1) {
            return false;
        }
        _mm256_storeu_si256((void *)(to + i), whole);
    }
    for (; i < count; i++) {
        uint64_t since = (uint64_t)times[i] - (uint64_t)times[0];
        to[i] = (int64_t)(since / unit);
        if (since % unit != 0) {
            return false;
        }
    }
    return true;
}

AVX2 static void avx2_minus(const int64_t *values, const int64_t *other, int64_t *to, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        __m256i a = _mm256_loadu_si256((const void *)(values + i));
        __m256i b = _mm256_loadu_si256((const void *)(other + i));
        _mm256_storeu_si256((void *)(to + i), _mm256_sub_epi64(a, b));
    }
    history_kernels_plain()->minus(values + i, other + i, to + i, count - i);
}

AVX2 static bool avx2_ascend(const int64_t *times, size_t count)
{
    __m256i good = _mm256_set1_epi64x(-1);
    size_t i = 1;
    for (; i + LANES <= count; i += LANES) {
        __m256i here = _mm256_loadu_si256((const void *)(times + i));
        __m256i before = _mm256_loadu_si256((const void *)(times + i - 1));
        good = _mm256_and_si256(good, _mm256_cmpgt_epi64(here, before));
    }
    return _mm256_movemask_epi8(good) == -1 &&
           history_kernels_plain()->ascend(times + i - 1, count - i + 1);
}

/* --- doubles --- */

/* Any int64 to the nearest double: the high and the low half are put below the bits of 2^84 and 2^52, where
 * they are exact, and one addition rounds. */
AVX2 static inline __m256d convert(__m256i n)
{
    const __m256i magic_low = _mm256_set1_epi64x(0x4330000000000000);
    const __m256i magic_high = _mm256_set1_epi64x(0x4530000080000000);
    const __m256i magic_both = _mm256_set1_epi64x(0x4530000080100000);
    __m256i low = _mm256_blend_epi32(magic_low, n, 0x55);
    __m256i high = _mm256_xor_si256(_mm256_srli_epi64(n, 32), magic_high);
    __m256d rest = _mm256_sub_pd(_mm256_castsi256_pd(high), _mm256_castsi256_pd(magic_both));
    return _mm256_add_pd(rest, _mm256_castsi256_pd(low));
}

AVX2 static inline __m256d form_of(enum history_form form, __m256d n, __m256d power,
                                   __m256d inverse)
{
    if (form == HISTORY_FORM_MULTIPLY) {
        return _mm256_mul_pd(n, inverse);
    }
    n = _mm256_div_pd(n, power);
    return form == HISTORY_FORM_DIVIDE ? n : _mm256_cvtps_pd(_mm256_cvtpd_ps(n));
}

AVX2 static void avx2_doubles(enum history_form form, unsigned exponent, const int64_t *numbers,
                              union value *values, size_t count)
{
    __m256d power = _mm256_set1_pd(history_powers[exponent]);
    __m256d inverse = _mm256_set1_pd(history_inverses[exponent]);
    size_t i = 0;
    if (exponent == 0 && form != HISTORY_FORM_FLOAT) { /* n / 1 */
        for (; i + LANES <= count; i += LANES) {
            __m256d n = convert(_mm256_loadu_si256((const void *)(numbers + i)));
            _mm256_storeu_pd(&values[i].d, n);
        }
    } else if (form == HISTORY_FORM_DIVIDE) {
        for (; i + LANES <= count; i += LANES) {
            __m256d n = convert(_mm256_loadu_si256((const void *)(numbers + i)));
            _mm256_storeu_pd(&values[i].d, _mm256_div_pd(n, power));
        }
    } else {
        for (; i + LANES <= count; i += LANES) {
            __m256d n = convert(_mm256_loadu_si256((const void *)(numbers + i)));
            _mm256_storeu_pd(&values[i].d, form_of(form, n, power, inverse));
        }
    }
    history_kernels_plain()->doubles(form, exponent, numbers + i, values + i, count - i);
}

AVX2 static size_t avx2_integers(enum history_form form, unsigned exponent,
                                 const union value *values, size_t count, int64_t *numbers)
{
    const __m256d magic = _mm256_set1_pd(0x1.8p52);
    const __m256d bound = _mm256_set1_pd(HISTORY_INTEGER_MAX);
    const __m256d sign = _mm256_set1_pd(-0.0);
    __m256d power = _mm256_set1_pd(history_powers[exponent]);
    __m256d inverse = _mm256_set1_pd(history_inverses[exponent]);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        __m256d value = _mm256_loadu_pd(&values[i].d);
        __m256d scaled = _mm256_mul_pd(value, power);
        __m256d inside = _mm256_cmp_pd(_mm256_andnot_pd(sign, scaled), bound, _CMP_LT_OQ);
        __m256d shifted = _mm256_add_pd(scaled, magic); /* rounds to an integer */
        __m256d whole = _mm256_sub_pd(shifted, magic);
        __m256d back = form_of(form, whole, power, inverse);
        __m256i same = _mm256_cmpeq_epi64(_mm256_castpd_si256(back), _mm256_castpd_si256(value));
        same = _mm256_and_si256(same, _mm256_castpd_si256(inside));
        __m256i n = _mm256_sub_epi64(_mm256_castpd_si256(shifted), _mm256_castpd_si256(magic));
        if (_mm256_movemask_epi8(same) != -1) {
            break;
        }
        _mm256_storeu_si256((void *)(numbers + i), n);
    }
    return i +
           history_kernels_plain()->integers(form, exponent, values + i, count - i, numbers + i);
}

static const struct history_kernels avx2 = {
    .name = "avx2",
    .unpack = avx2_unpack,
    .pack = avx2_pack,
    .radix = avx2_radix,
    .fill = avx2_fill,
    .range = avx2_range,
    .above = avx2_above,
    .deltas = avx2_deltas,
    .sums = avx2_sums,
    .line = avx2_line,
    .units = avx2_units,
    .minus = avx2_minus,
    .ascend = avx2_ascend,
    .doubles = avx2_doubles,
    .integers = avx2_integers,
};

const struct history_kernels *history_kernels_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

const struct history_kernels *history_kernels_avx2(void)
{
    return NULL;
}

#endif
