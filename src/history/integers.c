/* SPDX-License-Identifier: Apache-2.0 */
/* A column of integers: u8 method, then
 *   PACKED   ints of all
 *   DELTAS   varint first (zigzag), ints of count - 1 differences
 *   CURVE    varint first, varint first difference, ints of count - 2 differences of differences
 *   RUNS     varint runs, ints of run values, ints of run lengths - 1
 * A constant column is PACKED with width 0. */
#include "history/coder.h"

enum { METHOD_PACKED, METHOD_DELTAS, METHOD_CURVE, METHOD_RUNS };

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Values to first[], lengths - 1 to second[]. */
static size_t find_runs(struct history_coder *coder, const int64_t *numbers, size_t count)
{
    size_t runs = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && numbers[i] == numbers[i - 1]) {
            coder->second[runs - 1]++;
        } else {
            coder->first[runs] = numbers[i];
            coder->second[runs++] = 0;
        }
    }
    return runs;
}

static void put_runs(struct bytes_out *out, struct history_coder *coder, const int64_t *numbers,
                     size_t count)
{
    struct history_ints_plan plan;
    size_t runs = find_runs(coder, numbers, count);
    bytes_put_u8(out, METHOD_RUNS);
    bytes_put_varint(out, runs);
    history_ints_plan(coder->first, runs, &plan);
    history_ints_put(out, coder->first, runs, &plan);
    history_ints_plan(coder->second, runs, &plan);
    history_ints_put(out, coder->second, runs, &plan);
}

/* Bytes of the column as runs, or SIZE_MAX when there are too many to be worth a look. */
static size_t runs_bytes(struct history_coder *coder, const int64_t *numbers, size_t count)
{
    size_t changes = 1;
    for (size_t i = 1; i < count; i++) {
        changes += numbers[i] != numbers[i - 1];
    }
    if (changes > count / 4) {
        return SIZE_MAX;
    }
    struct history_ints_plan values;
    struct history_ints_plan lengths;
    size_t runs = find_runs(coder, numbers, count);
    history_ints_plan(coder->first, runs, &values);
    history_ints_plan(coder->second, runs, &lengths);
    return values.bytes + lengths.bytes;
}

void history_integers_put(struct bytes_out *out, struct history_coder *coder,
                          const int64_t *numbers, size_t count)
{
    struct history_ints_plan packed;
    struct history_ints_plan deltas = { .bytes = SIZE_MAX };
    struct history_ints_plan curve = { .bytes = SIZE_MAX };
    history_ints_plan(numbers, count, &packed);
    if (packed.width == 0 && packed.exceptions == 0) {
        bytes_put_u8(out, METHOD_PACKED);
        history_ints_put(out, numbers, count, &packed);
        return;
    }
    size_t runs = runs_bytes(coder, numbers, count);
    for (size_t i = 1; i < count; i++) {
        coder->first[i - 1] = minus(numbers[i], numbers[i - 1]);
    }
    for (size_t i = 2; i < count; i++) {
        coder->second[i - 2] = minus(coder->first[i - 1], coder->first[i - 2]);
    }
    if (count > 2) {
        history_ints_plan(coder->first, count - 1, &deltas);
        history_ints_plan(coder->second, count - 2, &curve);
        deltas.bytes += BYTES_VARINT_MAX / 2;
        curve.bytes += BYTES_VARINT_MAX;
    }
    if (packed.bytes <= deltas.bytes && packed.bytes <= curve.bytes && packed.bytes <= runs) {
        bytes_put_u8(out, METHOD_PACKED);
        history_ints_put(out, numbers, count, &packed);
    } else if (deltas.bytes <= curve.bytes && deltas.bytes <= runs) {
        bytes_put_u8(out, METHOD_DELTAS);
        bytes_put_varint_signed(out, numbers[0]);
        history_ints_put(out, coder->first, count - 1, &deltas);
    } else if (curve.bytes <= runs) {
        bytes_put_u8(out, METHOD_CURVE);
        bytes_put_varint_signed(out, numbers[0]);
        bytes_put_varint_signed(out, coder->first[0]);
        history_ints_put(out, coder->second, count - 2, &curve);
    } else {
        put_runs(out, coder, numbers, count);
    }
}

static void get_runs(struct bytes *in, struct history_coder *coder, int64_t *numbers, size_t count)
{
    uint64_t runs = bytes_get_varint(in);
    if (bytes_short(in) || runs == 0 || runs > count) {
        bytes_fail(in);
        return;
    }
    history_ints_get(in, coder->first, (size_t)runs);
    history_ints_get(in, coder->second, (size_t)runs);
    size_t at = 0;
    for (size_t run = 0; run < runs; run++) {
        uint64_t length = (uint64_t)coder->second[run] + 1;
        if (length == 0 || length > count - at) {
            bytes_fail(in);
            return;
        }
        for (uint64_t i = 0; i < length; i++) {
            numbers[at++] = coder->first[run];
        }
    }
    if (at != count) {
        bytes_fail(in);
    }
}

void history_integers_get(struct bytes *in, struct history_coder *coder, int64_t *numbers,
                          size_t count)
{
    uint8_t method = bytes_get_u8(in);
    if (method == METHOD_PACKED) {
        history_ints_get(in, numbers, count);
    } else if (method == METHOD_DELTAS && count > 1) {
        numbers[0] = bytes_get_varint_signed(in);
        history_ints_get(in, numbers + 1, count - 1);
        for (size_t i = 1; i < count; i++) {
            numbers[i] = plus(numbers[i], numbers[i - 1]);
        }
    } else if (method == METHOD_CURVE && count > 2) {
        numbers[0] = bytes_get_varint_signed(in);
        int64_t delta = bytes_get_varint_signed(in);
        numbers[1] = plus(numbers[0], delta);
        history_ints_get(in, numbers + 2, count - 2);
        for (size_t i = 2; i < count; i++) {
            delta = plus(delta, numbers[i]);
            numbers[i] = plus(numbers[i - 1], delta);
        }
    } else if (method == METHOD_RUNS) {
        get_runs(in, coder, numbers, count);
    } else {
        bytes_fail(in);
    }
}
