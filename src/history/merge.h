/* SPDX-License-Identifier: Apache-2.0 */
/* Merges the sources of one series into one stream of samples in time order, one a time. A chunk is
 * read and decoded when the stream comes to its first time, so memory is bounded by how many chunks
 * overlap at one time. */
#ifndef BUSBAR_HISTORY_MERGE_H
#define BUSBAR_HISTORY_MERGE_H

#include "history/chunk.h"
#include "history/source.h"

struct history_merge_slot {
    struct sample *samples;
    size_t count, at;
    uint32_t order;
    uint8_t *texts; /* taken from the coder */
};

struct history_merge {
    struct history_sources *sources;
    size_t next; /* first source that is not decoded yet */
    int64_t from_us, to_us;
    struct history_coder *coder;
    struct history_column *column;
    struct history_merge_slot *slots;
    size_t slot_count, slot_capacity;
    struct sample *mixed;
    uint8_t *bytes; /* of the chunk being read */
    size_t bytes_capacity;
};

/* Sorts the sources, which must stay until history_merge_fini(). Samples with from <= time < to.
 * BUSBAR_ENOMEM (fini is needed all the same). */
int history_merge_init(struct history_merge *merge, struct history_sources *sources,
                       int64_t from_us, int64_t to_us);
/* Another merge in the memory of one that was initialised; cheaper than fini and init. */
void history_merge_again(struct history_merge *merge, struct history_sources *sources,
                         int64_t from_us, int64_t to_us);
void history_merge_fini(struct history_merge *merge);

/* The next samples, valid with their texts until the next call; *count 0: the end. Chunks that cannot
 * be read are counted in sources->damaged. BUSBAR_ENOMEM, BUSBAR_EIO. */
int history_merge_next(struct history_merge *merge, const struct sample **samples, size_t *count);

/* Bytes of a source that is a chunk, and its samples in merge->column, whatever the merge is at; valid
 * until the next call. BUSBAR_EDAMAGED (not counted), BUSBAR_ENOMEM, BUSBAR_EIO. */
int history_merge_read(struct history_merge *merge, const struct history_source *source,
                       const uint8_t **data, size_t *size);
int history_merge_decode(struct history_merge *merge, const struct history_source *source);

/* The next chunk, when all of it comes next and nothing else is mixed into it; else NULL. */
const struct history_source *history_merge_whole(const struct history_merge *merge);
/* The source behind that one; NULL: it is the last. */
const struct history_source *history_merge_behind(const struct history_merge *merge);
/* Its column instead of its samples; texts stay the merge's. Valid until the next call. */
int history_merge_column(struct history_merge *merge, const struct history_column **column);
/* Its summary instead of its samples; the merge goes on behind it. BUSBAR_EDAMAGED: counted. */
int history_merge_skip(struct history_merge *merge, struct history_chunk_info *info);
/* Its bytes instead of its samples; valid until the next call. */
int history_merge_copy(struct history_merge *merge, const void **data, size_t *size);

#endif
