/* SPDX-License-Identifier: Apache-2.0 */
/* The chunk codec: what decodes is encoded again, cold every second time, and must decode to the same samples;
 * as numbers it is the same. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void encode_again(struct history_coder *coder, const struct history_column *column,
                         struct history_column *again)
{
    struct history_coder *other = history_coder_new();
    struct buf out;
    struct history_chunk_info info;
    (void)coder; /* holds the texts of column */
    history_coder_cold(other, column->count % 2 == 1);
    buf_init(&out, 64 * 1024 * 1024);
    check(history_chunk_encode(other, column, &out) == 0);
    check(history_chunk_info(out.data, out.size, &info) == 0 && info.count == column->count);
    check(history_chunk_decode(other, out.data, out.size, again) == 0);
    for (size_t i = 0; i < column->count; i++) {
        struct sample a = history_column_sample(column, i, 1);
        struct sample b = history_column_sample(again, i, 1);
        check(a.time_us == b.time_us && a.receive_us == b.receive_us && a.quality == b.quality &&
              a.detail == b.detail && value_equal(a.type, a.value, b.type, b.value));
    }
    buf_fini(&out);
    history_coder_free(other);
}

static void check_numbers(struct history_coder *coder, const uint8_t *data, size_t size,
                          int decoded, const struct history_column *column)
{
    int64_t *times = busbar_alloc_array(HISTORY_CHUNK_SAMPLES, sizeof(*times));
    double *values = busbar_alloc_array(HISTORY_CHUNK_SAMPLES, sizeof(*values));
    struct history_chunk_info info;
    struct history_part part;
    int error = history_chunk_numbers(coder, data, size, INT64_MIN, INT64_MAX, times, values, &info,
                                      &part);
    check(error == BUSBAR_EINVAL || error == decoded ||
          (error == 0 && info.type == VALUE_BOOL)); /* its bits are looked at by the other */
    for (size_t i = 0; error == 0 && decoded == 0 && i < info.count; i++) {
        double number = 0;
        check(times[i] == column->times[i] && value_number(info.type, column->values[i], &number) &&
              memcmp(&number, &values[i], sizeof(number)) == 0);
    }
    if (error == 0 && decoded == 0) { /* a part of it */
        size_t first = info.count / 3;
        size_t end = info.count - info.count / 4;
        int64_t from_us = column->times[first];
        int64_t to_us = end < info.count ? column->times[end] : INT64_MAX;
        check(history_chunk_numbers(coder, data, size, from_us, to_us, times, values, &info,
                                    &part) == 0);
        check(part.first == first && part.end == end);
        for (size_t i = first; i < end; i++) {
            double number = 0;
            check(times[i] == column->times[i] &&
                  value_number(info.type, column->values[i], &number) &&
                  memcmp(&number, &values[i], sizeof(number)) == 0);
        }
    }
    busbar_free(times);
    busbar_free(values);
}

/* A chunk without any value whose type says otherwise is never written. */
static bool has_value(const struct history_column *column)
{
    for (size_t i = 0; column->marked && i < column->count; i++) {
        if (column->marks[i].type != VALUE_NONE) {
            return true;
        }
    }
    return !column->marked || column->type == VALUE_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes exact = bytes_dup(data, size);
    struct history_coder *coder = history_coder_new();
    struct history_column *columns = busbar_alloc_array(2, sizeof(*columns));
    int error = history_chunk_decode(coder, exact.start, size, &columns[0]);
    check(error == 0 || error == BUSBAR_EDAMAGED);
    check_numbers(coder, exact.start, size, error, &columns[0]);
    if (error == 0 && has_value(&columns[0])) {
        encode_again(coder, &columns[0], &columns[1]);
    }
    busbar_free(columns);
    history_coder_free(coder);
    bytes_fini(&exact);
    return 0;
}
