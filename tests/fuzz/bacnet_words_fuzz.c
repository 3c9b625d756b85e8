/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver makes of frames and values: frames in words, a value traced back to its bytes, elements into samples
 * of each type, and what is written for a sample read again as the same. First byte: what to look for. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/bacnet_words.h"
#include "drivers/bacnet/wire/numbers.h"
#include "model/quality.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IN_MAX = 2048, OUT_MAX = 4200 + 64 };

static const uint16_t objects[] = { BACNET_ANALOG_INPUT, BACNET_BINARY_VALUE, BACNET_DATE_VALUE,
                                    BACNET_CHARACTERSTRING_VALUE, 130 };

/* Numbers are written as the type they were read as, and read back as the same. */
static void again(const struct bacnet_target *target, const struct bacnet_seen *seen,
                  const struct sample *sample)
{
    static uint8_t written[OUT_MAX];
    size_t size = 0;
    struct sample back;
    struct bacnet_seen seen_back;
    struct text *text = NULL;
    if (sample->type == VALUE_TEXT || seen->type >= BACNET_TYPES ||
        bacnet_value_put(target, seen, sample->type, sample->value, written, sizeof(written),
                         &size) != 0) {
        return;
    }
    bacnet_value_get(target, bytes_of(written, size), &back, &text, &seen_back);
    assert(seen_back.type == seen->type);
    assert(value_equal(sample->type, sample->value, back.type, back.value));
    busbar_free(text);
}

static void values(const struct bacnet_target *target, struct bytes elements)
{
    struct sample sample;
    struct bacnet_seen seen;
    struct text *text = NULL;
    bacnet_value_get(target, elements, &sample, &text, &seen);
    assert((sample.type != VALUE_NONE) == (sample.quality == QUALITY_GOOD));
    assert(sample.type == VALUE_NONE || sample.type == target->value_type);
    assert(sample.type != VALUE_DOUBLE || isfinite(sample.value.d));
    assert(sample.type != VALUE_TEXT || sample.value.text->size <= TEXT_BYTES_MAX);
    again(target, &seen, &sample);
    busbar_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > IN_MAX) {
        return 0;
    }
    struct bacnet_target target = {
        .object = (uint32_t)objects[data[0] % (sizeof(objects) / sizeof(objects[0]))] << 22 | 1,
        .property = data[0] & 0x80 ? BACNET_PROP_STATUS_FLAGS : BACNET_PROP_PRESENT_VALUE,
        .index = BACNET_INDEX_ALL,
        .value_type = (uint8_t)(VALUE_BOOL + (data[0] >> 4) % 4),
    };
    uint8_t *copy = malloc(size - 1);
    struct sample raw;
    struct buf out;
    assert(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    buf_init(&out, 16384);
    bacnet_describe(copy, size - 1, &out);
    assert(out.size > 0 && !out.overflow);
    (void)bacnet_trace(&target, bytes_of(copy, size - 1), bytes_of(copy, size - 1), &out, &raw);
    values(&target, bytes_of(copy, size - 1));
    buf_fini(&out);
    free(copy);
    return 0;
}
