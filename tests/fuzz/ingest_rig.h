/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers of ingest share: rows that give every series the next number, and the sums that must hold. */
#ifndef BUSBAR_TESTS_FUZZ_INGEST_RIG_H
#define BUSBAR_TESTS_FUZZ_INGEST_RIG_H

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/err.h"
#include "server/ingest/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ingest_cache cache;
static struct ingest_rows rows;

/* Sets are sorted and within the limits, or labels_sort() did not do its work. */
static int make_series(void *ctx, const struct history_labels *sets, size_t count, uint32_t *ids,
                       struct err *err)
{
    (void)ctx;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct label labels[LABELS_MAX];
        size_t label_count = sets[i].count;
        assert(label_count > 0 && label_count <= LABELS_MAX);
        memcpy(labels, sets[i].labels, label_count * sizeof(*labels));
        assert(labels_sort(labels, &label_count, NULL) == 0 && label_count == sets[i].count);
        assert(labels_compare(labels, label_count, sets[i].labels, sets[i].count) == 0);
        ids[i] = (uint32_t)i + 1;
    }
    return 0;
}

static inline void rig_start(void)
{
    if (rows.samples == NULL) {
        ingest_cache_init(&cache);
        assert(ingest_rows_init(&rows, &cache) == 0);
    }
    ingest_cache_clear(&cache); /* one input does not change what the next one does */
}

/* After a turn; `taken` sums up over the turns of an input. */
static inline void rig_look(size_t *taken)
{
    uint64_t refused = 0;
    assert(ingest_rows_make(&rows, make_series, NULL, NULL) == 0);
    for (size_t i = 0; i < rows.count; i++) {
        const struct sample *sample = &rows.samples[i];
        assert(sample->point != 0 && (sample->point & INGEST_WANTED_BIT) == 0);
        assert(sample->time_us >= 0 && sample->type >= VALUE_BOOL && sample->type <= VALUE_TEXT);
        assert(sample->type != VALUE_TEXT || sample->value.text->size <= TEXT_BYTES_MAX);
    }
    *taken += rows.count;
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        refused += rows.refused[i];
    }
    assert(rows.received == *taken + refused);
}

#endif
