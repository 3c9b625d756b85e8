/* SPDX-License-Identifier: Apache-2.0 */
/* Imported text, JSON lines or CSV: what is taken is written and must be read back the same. */
#include <stdlib.h>
#include <string.h>

#include "app/transfer.h"
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transfer_batch batch, again;
    struct bytes exact = bytes_dup(data, size);
    enum transfer_format format = size > 0 && data[0] == '{' ? TRANSFER_JSON : TRANSFER_CSV;
    struct buf out;
    transfer_init(&batch);
    transfer_init(&again);
    buf_init(&out, 64 << 20);
    check(transfer_read(&batch, format, (const char *)exact.start, size, 1) == 0);
    for (size_t i = 0; i < batch.count; i++) {
        const struct transfer_set *set = &batch.sets[batch.samples[i].point];
        transfer_write(format, set->labels, set->count, &batch.samples[i], 1, &out);
    }
    check(transfer_read(&again, format, buf_text(&out), out.size, 1) == 0);
    check(again.error_count == 0 && again.count == batch.count);
    for (size_t i = 0; i < batch.count; i++) {
        const struct sample *a = &batch.samples[i];
        const struct sample *b = &again.samples[i];
        check(a->time_us == b->time_us && a->receive_us == b->receive_us &&
              a->quality == b->quality && a->detail == b->detail &&
              value_equal(a->type, a->value, b->type, b->value));
    }
    buf_fini(&out);
    transfer_fini(&again);
    transfer_fini(&batch);
    bytes_fini(&exact);
    return 0;
}
