/* SPDX-License-Identifier: Apache-2.0 */
#include "history/merge.h"

#include "base/alloc.h"
#include "base/err.h"
#include "history/block.h"
#include "history/coder.h"
#include "history/head.h"

enum { MIXED_SAMPLES = 256, CHUNK_BYTES_MIN = 5, CHUNK_BYTES_MAX = 16 * 1024 * 1024 };

int history_merge_init(struct history_merge *merge, struct history_sources *sources,
                       int64_t from_us, int64_t to_us)
{
    *merge = (struct history_merge){ 0 };
    history_merge_again(merge, sources, from_us, to_us);
    merge->coder = history_coder_new();
    merge->column = history_column_new();
    merge->mixed = busbar_try_realloc(NULL, MIXED_SAMPLES * sizeof(*merge->mixed));
    if (merge->coder == NULL || merge->column == NULL || merge->mixed == NULL) {
        return BUSBAR_ENOMEM;
    }
    return 0;
}

void history_merge_again(struct history_merge *merge, struct history_sources *sources,
                         int64_t from_us, int64_t to_us)
{
    merge->sources = sources;
    merge->from_us = from_us;
    merge->to_us = to_us;
    merge->next = 0;
    merge->slot_count = 0;
    history_sources_sort(sources);
}

void history_merge_fini(struct history_merge *merge)
{
    for (size_t i = 0; i < merge->slot_capacity; i++) {
        busbar_free(merge->slots[i].samples);
        busbar_free(merge->slots[i].texts);
    }
    busbar_free(merge->slots);
    busbar_free(merge->bytes);
    busbar_free(merge->mixed);
    busbar_free(merge->column);
    history_coder_free(merge->coder);
}

/* --- reading sources --- */

int history_merge_read(struct history_merge *merge, const struct history_source *source,
                       const uint8_t **data, size_t *size)
{
    if (source->kind != HISTORY_SOURCE_BLOCK) {
        *data = source->data;
        *size = source->size;
        return 0;
    }
    if (source->size < CHUNK_BYTES_MIN || source->size > CHUNK_BYTES_MAX) {
        return BUSBAR_EDAMAGED;
    }
    if (source->size > merge->bytes_capacity) {
        uint8_t *bytes = busbar_try_realloc(merge->bytes, source->size);
        if (bytes == NULL) {
            return BUSBAR_ENOMEM;
        }
        merge->bytes = bytes;
        merge->bytes_capacity = source->size;
    }
    int error = history_block_read(source, merge->bytes);
    *data = merge->bytes + 4;
    *size = source->size - 4;
    return error;
}

static void entries_column(const struct history_source *source, struct history_column *column)
{
    const struct history_entry *entries = source->data;
    const struct history_mark *marks = (const void *)(entries + source->count);
    column->count = source->count;
    column->type = source->type;
    column->marked = source->marked;
    for (size_t i = 0; i < source->count; i++) {
        column->times[i] = entries[i].time_us;
        column->values[i] = entries[i].value;
        if (source->marked) {
            column->marks[i] = marks[i];
        }
    }
}

int history_merge_decode(struct history_merge *merge, const struct history_source *source)
{
    if (source->kind == HISTORY_SOURCE_ENTRIES) {
        entries_column(source, merge->column);
        return 0;
    }
    const uint8_t *data;
    size_t size;
    int error = history_merge_read(merge, source, &data, &size);
    if (error == 0) {
        error = history_chunk_decode(merge->coder, data, size, merge->column);
    }
    const struct history_column *column = merge->column;
    if (error == 0 && (column->times[0] != source->first_us ||
                       column->times[column->count - 1] != source->last_us)) {
        error = BUSBAR_EDAMAGED; /* index and chunk disagree: the order of the merge relies on it */
    }
    return error;
}

static struct history_merge_slot *free_slot(struct history_merge *merge)
{
    if (merge->slot_count == merge->slot_capacity) {
        size_t capacity = merge->slot_capacity > 0 ? 2 * merge->slot_capacity : 2;
        struct history_merge_slot *slots = busbar_try_realloc(merge->slots,
                                                              capacity * sizeof(*slots));
        if (slots == NULL) {
            return NULL;
        }
        for (size_t i = merge->slot_capacity; i < capacity; i++) {
            slots[i] = (struct history_merge_slot){ 0 };
        }
        merge->slots = slots;
        merge->slot_capacity = capacity;
    }
    return &merge->slots[merge->slot_count];
}

/* Decodes the next source into a slot. What cannot be read is counted and left out. */
static int activate(struct history_merge *merge)
{
    const struct history_source *source = &merge->sources->all[merge->next++];
    int error = history_merge_decode(merge, source);
    if (error == BUSBAR_EDAMAGED) {
        merge->sources->damaged++;
        return 0;
    }
    struct history_merge_slot *slot = error == 0 ? free_slot(merge) : NULL;
    if (slot == NULL) {
        return error != 0 ? error : BUSBAR_ENOMEM;
    }
    size_t count = merge->column->count;
    struct sample *samples = busbar_try_realloc(slot->samples, count * sizeof(*samples));
    if (samples == NULL) {
        return BUSBAR_ENOMEM;
    }
    slot->samples = samples;
    slot->count = 0;
    slot->at = 0;
    slot->order = source->order;
    bool pierced = history_sources_pierced(merge->sources, source);
    for (size_t i = 0; i < count; i++) {
        int64_t time_us = merge->column->times[i];
        if (time_us >= merge->from_us && time_us < merge->to_us &&
            !(pierced && history_sources_hidden(merge->sources, source->order, time_us))) {
            samples[slot->count++] = history_column_sample(merge->column, i, source->series);
        }
    }
    if (merge->column->type == VALUE_TEXT) {
        busbar_free(slot->texts);
        slot->texts = merge->coder->texts;
        merge->coder->texts = NULL;
        merge->coder->text_bytes = 0;
    }
    merge->slot_count += slot->count > 0;
    return 0;
}

/* Slots that were used up before this call make room. */
static void recycle(struct history_merge *merge)
{
    for (size_t i = 0; i < merge->slot_count;) {
        struct history_merge_slot *slot = &merge->slots[i];
        if (slot->at < slot->count) {
            i++;
            continue;
        }
        struct history_merge_slot used = *slot;
        *slot = merge->slots[--merge->slot_count];
        merge->slots[merge->slot_count] = used;
    }
}

/* --- merging --- */

static int64_t next_source_us(const struct history_merge *merge)
{
    return merge->next < merge->sources->count ? merge->sources->all[merge->next].first_us
                                               : INT64_MAX;
}

/* The earliest time that a slot is at; INT64_MAX: all are used up. */
static int64_t earliest(const struct history_merge *merge, size_t *live)
{
    int64_t time_us = INT64_MAX;
    *live = 0;
    for (size_t i = 0; i < merge->slot_count; i++) {
        const struct history_merge_slot *slot = &merge->slots[i];
        if (slot->at < slot->count) {
            (*live)++;
            int64_t at_us = slot->samples[slot->at].time_us;
            time_us = at_us < time_us ? at_us : time_us;
        }
    }
    return time_us;
}

/* Decodes sources until none that is left can begin before or at the earliest sample. */
static int fill(struct history_merge *merge, int64_t *time_us, size_t *live)
{
    int error = 0;
    *time_us = earliest(merge, live);
    while (error == 0 && merge->next < merge->sources->count && next_source_us(merge) <= *time_us) {
        error = activate(merge);
        *time_us = earliest(merge, live);
    }
    return error;
}

/* Takes the sample at this time: that of the newest source; the others are gone with it. */
static struct sample take(struct history_merge *merge, int64_t time_us)
{
    struct sample taken = { 0 };
    uint32_t order = 0;
    bool any = false;
    for (size_t i = 0; i < merge->slot_count; i++) {
        struct history_merge_slot *slot = &merge->slots[i];
        if (slot->at < slot->count && slot->samples[slot->at].time_us == time_us) {
            if (!any || slot->order > order) {
                taken = slot->samples[slot->at];
                order = slot->order;
                any = true;
            }
            slot->at++;
        }
    }
    return taken;
}

/* One slot is live: all of it that is before the next source comes at once. */
static void take_run(struct history_merge *merge, const struct sample **samples, size_t *count)
{
    struct history_merge_slot *slot = merge->slots;
    while (slot->at == slot->count) {
        slot++;
    }
    int64_t before_us = next_source_us(merge);
    size_t end = slot->count;
    if (slot->samples[end - 1].time_us >= before_us) {
        for (end = slot->at; slot->samples[end].time_us < before_us; end++) {
        }
    }
    *samples = slot->samples + slot->at;
    *count = end - slot->at;
    slot->at = end;
}

int history_merge_next(struct history_merge *merge, const struct sample **samples, size_t *count)
{
    int64_t time_us;
    size_t live;
    *count = 0;
    recycle(merge);
    int error = fill(merge, &time_us, &live);
    if (error != 0 || live == 0) {
        return error;
    }
    if (live == 1) {
        take_run(merge, samples, count);
        return 0;
    }
    *samples = merge->mixed;
    while (error == 0 && live > 0 && *count < MIXED_SAMPLES) {
        merge->mixed[(*count)++] = take(merge, time_us);
        error = fill(merge, &time_us, &live);
    }
    return error;
}

/* --- whole chunks --- */

const struct history_source *history_merge_whole(const struct history_merge *merge)
{
    size_t live;
    if (earliest(merge, &live) != INT64_MAX || merge->next == merge->sources->count) {
        return NULL;
    }
    const struct history_source *source = &merge->sources->all[merge->next];
    bool alone = merge->next + 1 == merge->sources->count ||
                 merge->sources->all[merge->next + 1].first_us > source->last_us;
    bool inside = source->first_us >= merge->from_us && source->last_us < merge->to_us;
    return alone && inside && source->kind != HISTORY_SOURCE_ENTRIES &&
                   !history_sources_pierced(merge->sources, source)
               ? source
               : NULL;
}

const struct history_source *history_merge_behind(const struct history_merge *merge)
{
    size_t behind = merge->next + 1;
    return behind < merge->sources->count ? &merge->sources->all[behind] : NULL;
}

int history_merge_copy(struct history_merge *merge, const void **data, size_t *size)
{
    const uint8_t *bytes;
    int error = history_merge_read(merge, &merge->sources->all[merge->next++], &bytes, size);
    *data = bytes;
    merge->sources->damaged += error == BUSBAR_EDAMAGED;
    return error;
}

int history_merge_column(struct history_merge *merge, const struct history_column **column)
{
    int error = history_merge_decode(merge, &merge->sources->all[merge->next++]);
    *column = merge->column;
    merge->sources->damaged += error == BUSBAR_EDAMAGED;
    return error;
}

int history_merge_skip(struct history_merge *merge, struct history_chunk_info *info)
{
    const void *data;
    size_t size;
    int error = history_merge_copy(merge, &data, &size);
    if (error == 0) {
        error = history_chunk_info(data, size, info);
        merge->sources->damaged += error == BUSBAR_EDAMAGED;
    }
    return error;
}
