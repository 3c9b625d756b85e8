/* SPDX-License-Identifier: Apache-2.0 */
/* The chunk codec: what decodes is encoded again and must decode to the same samples. */
#include <stdlib.h>

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
    if (error == 0 && has_value(&columns[0])) {
        encode_again(coder, &columns[0], &columns[1]);
    }
    busbar_free(columns);
    history_coder_free(coder);
    bytes_fini(&exact);
    return 0;
}
