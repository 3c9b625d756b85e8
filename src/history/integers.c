/* SPDX-License-Identifier: Apache-2.0 */
/* A column of integers: u8 method, then
 *   PACKED   ints of all
 *   DELTAS   varint first (zigzag), ints of count - 1 differences
 *   CURVE    varint first, varint first difference, ints of count - 2 differences of differences
 *   RUNS     varint runs, ints of run values, ints of run lengths - 1
 *   RANGE    and one of the first three: varint size, bytes (range_coder.h) instead of the ints
 * A constant column is PACKED with width 0. Which is the cheapest is guessed from a part of the values. */
#include "history/coder.h"
#include "history/range_coder.h"

enum { METHOD_PACKED, METHOD_DELTAS, METHOD_CURVE, METHOD_RUNS, METHOD_RANGE };

enum { RUN_LENGTH = 4 /* on average, for runs to be worth a look */ };

/* Values to first[], lengths - 1 to second[]. */
static size_t find_runs(struct history_coder *coder, const int64_t *numbers, size_t count)
{
    size_t runs = 0;
    size_t start = 0;
    for (size_t i = 1; i <= count; i++) {
        if (i < count && numbers[i] == numbers[i - 1]) {
            continue;
        }
        coder->first[runs] = numbers[start];
        coder->second[runs++] = (int64_t)(i - start - 1);
        start = i;
    }
    return runs;
}

/* Writes the column as runs, unless that would take `bytes` or more. True: it did. The differences are
 * in first[], and afterwards too unless it did. */
static bool put_runs(struct bytes_out *out, struct history_coder *coder, const int64_t *numbers,
                     size_t count, size_t bytes)
{
    struct history_ints_plan values;
    struct history_ints_plan lengths;
    const struct history_kernels *kernels = coder->kernels;
    if (kernels->above(coder->first, count - 1, 0, 0) > count / RUN_LENGTH) {
        return false;
    }
    size_t runs = find_runs(coder, numbers, count);
    history_ints_plan(coder->kernels, coder->first, runs, &values);
    history_ints_plan(coder->kernels, coder->second, runs, &lengths);
    if (values.bytes + lengths.bytes >= bytes) {
        kernels->deltas(numbers, count, coder->first);
        return false;
    }
    bytes_put_u8(out, METHOD_RUNS);
    bytes_put_varint(out, runs);
    history_ints_put(coder->kernels, out, coder->first, runs, &values);
    history_ints_put(coder->kernels, out, coder->second, runs, &lengths);
    return true;
}

static void put_ints(struct bytes_out *out, struct history_coder *coder, const int64_t *numbers,
                     size_t count)
{
    struct history_ints_plan plan;
    history_ints_plan(coder->kernels, numbers, count, &plan);
    history_ints_put(coder->kernels, out, numbers, count, &plan);
}

static void put_warm(struct bytes_out *out, struct history_coder *coder, const int64_t *numbers,
                     size_t count)
{
    const struct history_kernels *kernels = coder->kernels;
    size_t packed = history_ints_guess(kernels, numbers, count);
    size_t deltas = SIZE_MAX;
    size_t curve = SIZE_MAX;
    if (packed > 0 && count > 2) {
        kernels->deltas(numbers, count, coder->first);
        kernels->deltas(coder->first, count - 1, coder->second);
        deltas = history_ints_guess(kernels, coder->first, count - 1) + BYTES_VARINT_MAX / 2;
        curve = history_ints_guess(kernels, coder->second, count - 2) + BYTES_VARINT_MAX;
    }
    bool by_curve = curve < deltas && curve < packed;
    bool by_deltas = !by_curve && deltas < packed;
    size_t least = by_curve ? curve : by_deltas ? deltas : packed;
    if (deltas != SIZE_MAX && least > 0 &&
        put_runs(out, coder, numbers, count, least + BYTES_VARINT_MAX)) {
        return;
    }
    if (!by_curve && !by_deltas) {
        bytes_put_u8(out, METHOD_PACKED);
        put_ints(out, coder, numbers, count);
        return;
    }
    bytes_put_u8(out, by_curve ? METHOD_CURVE : METHOD_DELTAS);
    bytes_put_varint_signed(out, numbers[0]);
    if (by_curve) {
        bytes_put_varint_signed(out, coder->first[0]);
        kernels->deltas(coder->first, count - 1, coder->second);
        put_ints(out, coder, coder->second, count - 2);
    } else {
        put_ints(out, coder, coder->first, count - 1);
    }
}

/* --- cold --- */

/* Puts the column between start and out->at again, range-coded, when that is smaller. */
static void put_cold(struct bytes_out *out, uint8_t *start, struct history_coder *coder,
                     const int64_t *numbers, size_t count)
{
    const int64_t *columns[] = { numbers, coder->first, coder->second };
    coder->kernels->deltas(numbers, count, coder->first);
    coder->kernels->deltas(coder->first, count - 1, coder->second);
    size_t least = (size_t)(out->at - start);
    for (unsigned method = METHOD_PACKED; method <= METHOD_CURVE; method++) {
        uint8_t *body = out->at; /* behind what there is */
        struct bytes_out trial = *out;
        bytes_put_u8(&trial, (uint8_t)(METHOD_RANGE + method));
        if (method >= METHOD_DELTAS) {
            bytes_put_varint_signed(&trial, numbers[0]);
        }
        if (method == METHOD_CURVE) {
            bytes_put_varint_signed(&trial, coder->first[0]);
        }
        size_t head = (size_t)(trial.at - body);
        if (least > head &&
            history_range_write(&trial, least - head, columns[method], count - method)) {
            *out = trial;
            history_keep_second(out, start, body);
            least = (size_t)(out->at - start);
        }
    }
}

void history_integers_put(struct bytes_out *out, struct history_coder *coder,
                          const int64_t *numbers, size_t count)
{
    uint8_t *start = out->at;
    put_warm(out, coder, numbers, count);
    if (coder->cold && count > 2) {
        put_cold(out, start, coder, numbers, count);
    }
}

/* --- reading --- */

static void get_runs(struct bytes *in, struct history_coder *coder, int64_t *numbers, size_t count)
{
    uint64_t runs = bytes_get_varint(in);
    if (bytes_short(in) || runs == 0 || runs > count) {
        bytes_fail(in);
        return;
    }
    history_ints_get(coder->kernels, in, coder->first, (size_t)runs, history_all((size_t)runs));
    history_ints_get(coder->kernels, in, coder->second, (size_t)runs, history_all((size_t)runs));
    size_t at = 0;
    for (size_t run = 0; run < runs; run++) {
        uint64_t length = (uint64_t)coder->second[run] + 1;
        if (length == 0 || length > count - at) {
            bytes_fail(in);
            return;
        }
        coder->kernels->fill(numbers + at, (size_t)length, (uint64_t)coder->first[run]);
        at += (size_t)length;
    }
    if (at != count) {
        bytes_fail(in);
    }
}

/* What the method packs: the column, or its differences behind the first values. */
static bool get_residuals(struct bytes *in, struct history_coder *coder, bool cold,
                          int64_t *numbers, size_t count, struct history_part part)
{
    if (cold) {
        history_range_read(in, numbers, count);
        return false;
    }
    return history_ints_get(coder->kernels, in, numbers, count, part);
}

/* Differences are added up from the beginning to the end of the part. */
static struct history_part behind(struct history_part part, size_t firsts)
{
    return history_all(part.end > firsts ? part.end - firsts : 0);
}

bool history_integers_get(struct bytes *in, struct history_coder *coder, int64_t *numbers,
                          size_t count, struct history_part part)
{
    const struct history_kernels *kernels = coder->kernels;
    uint8_t method = bytes_get_u8(in);
    bool cold = method >= METHOD_RANGE;
    method = cold ? method - METHOD_RANGE : method;
    if (method == METHOD_PACKED) {
        return get_residuals(in, coder, cold, numbers, count, part);
    }
    if (method == METHOD_DELTAS && count > 1) {
        struct history_part rest = behind(part, 1);
        numbers[0] = bytes_get_varint_signed(in);
        get_residuals(in, coder, cold, numbers + 1, count - 1, rest);
        kernels->sums(numbers + 1, rest.end, (uint64_t)numbers[0]);
    } else if (method == METHOD_CURVE && count > 2) {
        struct history_part rest = behind(part, 2);
        numbers[0] = bytes_get_varint_signed(in);
        uint64_t delta = (uint64_t)bytes_get_varint_signed(in);
        numbers[1] = (int64_t)((uint64_t)numbers[0] + delta);
        get_residuals(in, coder, cold, numbers + 2, count - 2, rest);
        kernels->sums(numbers + 2, rest.end, delta);
        kernels->sums(numbers + 2, rest.end, (uint64_t)numbers[1]);
    } else if (method == METHOD_RUNS && !cold) {
        get_runs(in, coder, numbers, count);
    } else {
        bytes_fail(in);
    }
    return false;
}
