/* SPDX-License-Identifier: Apache-2.0 */
#include "history/compact.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "history/rewrite.h"

struct merging {
    struct history *history;
    struct history_compaction *job;
    struct history_rewrite rewrite;
    struct history_block_walk *walks;
    const struct history_source **next; /* first entry of each block that is not taken */
    int64_t now_us;
    uint64_t damaged;
};

/* The next entry of a block that is in the range. What is behind it is noted, what is before it is not of
 * interest. */
static int step(struct merging *merging, size_t i)
{
    struct history_compaction *job = merging->job;
    int64_t done_us = job->blocks[i]->row.done_us;
    for (;;) {
        int error;
        const struct history_source *entry = history_block_walk_next(&merging->walks[i], &error);
        merging->next[i] = entry;
        if (entry == NULL) {
            return error;
        }
        if (done_us != INT64_MIN && entry->last_us <= done_us) {
            continue;
        }
        if (entry->last_us >= job->to_us && job->to_us != INT64_MAX) {
            int64_t behind_us = entry->first_us > job->to_us ? entry->first_us : job->to_us;
            job->next_us[i] = behind_us < job->next_us[i] ? behind_us : job->next_us[i];
            job->left[i] += entry->count;
        }
        if (entry->last_us >= job->from_us &&
            (entry->first_us < job->to_us || job->to_us == INT64_MAX)) {
            return 0;
        }
    }
}

static bool lowest_series(const struct merging *merging, uint32_t *series)
{
    bool any = false;
    for (size_t i = 0; i < merging->job->count; i++) {
        if (merging->next[i] != NULL && (!any || merging->next[i]->series < *series)) {
            *series = merging->next[i]->series;
            any = true;
        }
    }
    return any;
}

/* Takes the chunks of a series out of all walks, oldest block first. */
static int take_series(struct merging *merging, uint32_t series, struct history_sources *sources)
{
    int error = 0;
    for (size_t i = 0; i < merging->job->count; i++) {
        while (error == 0 && merging->next[i] != NULL && merging->next[i]->series == series) {
            struct history_source *source = history_sources_add(sources);
            if (source == NULL) {
                return BUSBAR_ENOMEM;
            }
            uint32_t order = source->order;
            *source = *merging->next[i]; /* the walk holds the block */
            source->order = order;
            error = step(merging, i);
        }
    }
    return error;
}

/* How many samples retention takes: those before drop_us. */
static int count_expired(struct merging *merging, struct history_sources *sources, int64_t drop_us)
{
    struct history_compaction *job = merging->job;
    uint64_t damaged = sources->damaged;
    int64_t end_us = drop_us < job->to_us ? drop_us : job->to_us;
    int error = history_rewrite_count(&merging->rewrite, sources, job->from_us, end_us,
                                      &job->expired);
    sources->damaged = damaged;
    return error;
}

static int write_series(struct merging *merging, uint32_t series, struct history_sources *sources)
{
    struct history_compaction *job = merging->job;
    int64_t drop_us = history_expired_before(merging->history, series, merging->now_us);
    int64_t from_us = drop_us > job->from_us ? drop_us : job->from_us;
    from_us = from_us < job->to_us ? from_us : job->to_us;
    uint64_t written = 0;
    bool over = false;
    for (size_t i = 0; i < sources->count && !over; i++) {
        over = sources->all[i].first_us < drop_us;
    }
    int error = history_deletes_apply(&merging->history->deletes, series, sources);
    merging->job->pierced = merging->job->pierced || sources->hole_count > 0;
    if (error == 0 && over) {
        error = count_expired(merging, sources, drop_us);
    }
    if (error == 0 && from_us < job->to_us) {
        error = history_rewrite_series(&merging->rewrite, series, sources, from_us, job->to_us,
                                       &written);
    }
    merging->damaged += sources->damaged;
    return error;
}

static int merge_all(struct merging *merging)
{
    int error = 0;
    uint32_t series = 0;
    for (size_t i = 0; i < merging->job->count && error == 0; i++) {
        error = step(merging, i);
    }
    while (error == 0 && lowest_series(merging, &series)) {
        struct history_sources sources;
        history_sources_init(&sources);
        error = take_series(merging, series, &sources);
        error = error == 0 ? write_series(merging, series, &sources) : error;
        history_sources_fini(&sources);
        error = error == 0 ? history_breathe(merging->history) : error;
    }
    for (size_t i = 0; i < merging->job->count; i++) {
        merging->damaged += merging->walks[i].entries.damaged;
    }
    return error;
}

/* Reads all of a block to see whether it is the damaged one. */
static bool is_damaged(struct history_block *block)
{
    struct history_block_walk walk;
    const struct history_source *entry;
    struct buf bytes;
    bool bad = false;
    int error = 0;
    buf_init(&bytes, HISTORY_WORK_BYTES_MAX);
    history_block_walk_init(&walk, block);
    while (!bad && (entry = history_block_walk_next(&walk, &error)) != NULL) {
        buf_clear(&bytes);
        uint8_t *data = buf_reserve(&bytes, entry->size);
        struct history_chunk_info info;
        bad = data == NULL || history_block_read(entry, data) != 0 ||
              history_chunk_info(data + 4, entry->size - 4, &info) != 0;
    }
    bad = bad || error != 0 || walk.entries.damaged > 0;
    history_block_walk_fini(&walk);
    buf_fini(&bytes);
    return bad;
}

/* A damaged file is kept as it is, until the next start at least: a person may still save something. */
static void mark_damaged(const struct history_compaction *job)
{
    bool any = false;
    for (size_t i = 0; i < job->count; i++) {
        job->blocks[i]->damaged = is_damaged(job->blocks[i]);
        any = any || job->blocks[i]->damaged;
    }
    for (size_t i = 0; i < job->count && !any; i++) {
        job->blocks[i]->damaged = true; /* it cannot be told which: none is tried again and again */
    }
}

static void prepare(struct merging *merging)
{
    struct history_compaction *job = merging->job;
    merging->walks = busbar_alloc_array(job->count, sizeof(*merging->walks));
    merging->next = busbar_alloc_array(job->count, sizeof(*merging->next));
    job->next_us = busbar_alloc_array(job->count, sizeof(*job->next_us));
    job->left = busbar_alloc_array(job->count, sizeof(*job->left));
    job->like.sequence_first = job->blocks[0]->row.sequence_first;
    job->like.deletes = history_deletes_last(&merging->history->deletes);
    for (size_t i = 0; i < job->count; i++) {
        const struct state_block *row = &job->blocks[i]->row;
        history_block_walk_init(&merging->walks[i], job->blocks[i]);
        job->next_us[i] = INT64_MAX;
        job->like.sequence_last = row->sequence_last; /* they come in its order */
        job->like.sequence_first = row->sequence_first < job->like.sequence_first
                                       ? row->sequence_first
                                       : job->like.sequence_first;
    }
}

int history_compact(struct history *history, struct history_compaction *job)
{
    struct merging merging = { .history = history, .job = job, .now_us = clock_wall_us() };
    prepare(&merging);
    int error = history_rewrite_open(&merging.rewrite, history, &job->like);
    merging.rewrite.cold = job->cold;
    if (error == 0) {
        history_coder_cold(merging.rewrite.coder, job->cold);
    }
    error = error == 0 ? merge_all(&merging) : error;
    if (error == 0 && merging.damaged > 0) {
        error = BUSBAR_EDAMAGED;
    }
    error = history_rewrite_close(&merging.rewrite, error, &job->row, &job->any);
    for (size_t i = 0; i < job->count; i++) {
        history_block_walk_fini(&merging.walks[i]);
    }
    busbar_free(merging.walks);
    busbar_free(merging.next);
    if (error == BUSBAR_EDAMAGED) {
        mark_damaged(job);
    }
    return error;
}

void history_compaction_fini(struct history_compaction *compaction)
{
    busbar_free(compaction->next_us);
    busbar_free(compaction->left);
}

static bool is_removed(const struct state_change *change, uint64_t id)
{
    for (size_t i = 0; i < change->remove_count; i++) {
        if (change->remove[i] == id) {
            return true;
        }
    }
    return false;
}

static void remove_new_files(struct history *history, const struct state_change *change)
{
    for (size_t i = 0; i < change->add_count; i++) {
        if (!is_removed(change, change->add[i].id)) {
            char path[HISTORY_PATH_MAX];
            history_block_path(history->block_folder, change->add[i].id, ".blk", path,
                               sizeof(path));
            history->file->unlink(history->file->ctx, path);
        }
    }
}

int history_change(struct history *history, const struct state_change *change)
{
    struct history_block **add = busbar_alloc_array(change->add_count + 1, sizeof(add[0]));
    size_t count = 0;
    int error = 0;
    for (; count < change->add_count && error == 0; count += error == 0) {
        error = history_block_open(history->file, history->block_folder, &change->add[count],
                                   &add[count], NULL);
    }
    error = error == 0 ? state_blocks_change(history->state, change) : error;
    if (error == 0) {
        for (size_t i = 0; i < count; i++) {
            if (!is_removed(change, add[i]->row.id)) {
                atomic_fetch_add(&history->keeper.written_bytes, add[i]->row.bytes);
            }
        }
        history_blocks_change(&history->blocks, add, count, change->remove, change->remove_count);
        atomic_fetch_add(&history->keeper.expired, change->expired);
    } else {
        for (size_t i = 0; i < count; i++) {
            history_block_release(add[i]);
        }
        remove_new_files(history, change);
    }
    busbar_free(add);
    return error;
}

int history_rewrite_block(struct history *history, struct history_block *block, bool cold)
{
    struct history_compaction job = { .blocks = &block,
                                      .count = 1,
                                      .from_us = INT64_MIN,
                                      .to_us = INT64_MAX,
                                      .like = block->row,
                                      .cold = cold };
    job.like.level = cold ? HISTORY_LEVEL_COLD : block->row.level;
    int error = history_compact(history, &job);
    if (error == 0) {
        /* tiers that had what is deleted are made again */
        job.row.tiers_us = job.pierced ? 0 : block->row.tiers_us;
        uint64_t id = block->row.id;
        struct state_change change = { .add = &job.row,
                                       .add_count = job.any,
                                       .remove = &id,
                                       .remove_count = 1,
                                       .expired = job.expired };
        error = history_change(history, &change);
    }
    history_compaction_fini(&job);
    return error;
}

void history_release_all(struct history_block **blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        history_block_release(blocks[i]);
    }
    busbar_free(blocks);
}
