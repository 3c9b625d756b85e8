/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed samples: any bytes, with the checksum made right so that what is behind it is reached; what opens is sealed
 * again and must open to the same samples. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/err.h"
#include "history/sealed.h"

enum { SAMPLES_MAX = 4096, HEAD_BYTES = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static int unseal(struct history_sealer *sealer, const void *data, size_t size,
                  struct history_samples *found)
{
    struct bytes exact = bytes_dup(data, size);
    *found = (struct history_samples){ 0 };
    int error = history_unseal(sealer, exact.start, size, 1, INT64_MIN, INT64_MAX, SAMPLES_MAX,
                               found);
    bytes_fini(&exact);
    return error;
}

static void seal_again(struct history_sealer *sealer, const struct history_samples *found)
{
    struct buf out;
    struct history_samples again;
    buf_init(&out, HISTORY_SEALED_BYTES);
    check(history_seal(sealer, found->samples, found->count, &out) == 0);
    check(unseal(sealer, out.data, out.size, &again) == 0 && again.count == found->count);
    for (size_t i = 0; i < found->count; i++) {
        const struct sample *a = &found->samples[i], *b = &again.samples[i];
        check(a->time_us == b->time_us && a->receive_us == b->receive_us &&
              a->quality == b->quality && a->detail == b->detail &&
              value_equal(a->type, a->value, b->type, b->value));
    }
    history_samples_free(&again);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct history_sealer *sealer = history_sealer_new();
    struct history_samples found;
    int error = unseal(sealer, data, size, &found);
    history_samples_free(&found);
    check(error == 0 || error == BUSBAR_EDAMAGED || error == BUSBAR_EUNSUPPORTED ||
          error == BUSBAR_ELIMIT);
    if (size > HEAD_BYTES) {
        uint8_t *copy = busbar_alloc(size);
        memcpy(copy, data, size);
        uint32_t crc = crc32c(0, copy + HEAD_BYTES, size - HEAD_BYTES);
        for (size_t i = 0; i < 4; i++) {
            copy[2 + i] = (uint8_t)(crc >> 8 * i);
        }
        error = unseal(sealer, copy, size, &found);
        if (error == 0 && found.count > 0 && found.samples[0].time_us > INT64_MIN) {
            seal_again(sealer, &found);
        }
        history_samples_free(&found);
        busbar_free(copy);
    }
    history_sealer_free(sealer);
    return 0;
}
