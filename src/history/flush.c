/* SPDX-License-Identifier: Apache-2.0 */
/* Head to block. The head is frozen at a record's end; all that is frozen is written aside as a block,
 * the counters as a series file; then one transaction of the catalog adds the block and moves the
 * log mark. Until it is done the old state counts, after it the new one, and either is whole. */
#include <malloc.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "history/history_private.h"
#include "history/merge.h"
#include "history/rewrite.h"

#define GIVE_BACK_BYTES ((uint64_t)32 << 20)

/* How many of the times in `sources` are in older blocks already. */
static int count_known(struct history *history, uint32_t series, struct history_sources *taken,
                       uint64_t *known)
{
    int64_t from_us = INT64_MAX;
    int64_t to_us = INT64_MIN;
    for (size_t i = 0; i < taken->count; i++) {
        from_us = taken->all[i].first_us < from_us ? taken->all[i].first_us : from_us;
        to_us = taken->all[i].last_us > to_us ? taken->all[i].last_us : to_us;
    }
    struct history_sources sources;
    history_sources_init(&sources);
    int error = history_blocks_collect(&history->blocks, series, from_us, to_us + 1, &sources);
    error = error == 0 ? history_deletes_apply(&history->deletes, series, &sources) : error;
    if (error == 0 && sources.count > 0) {
        error = history_count_common(taken, &sources, known);
    }
    history_sources_fini(&sources);
    return error;
}

static int write_series(struct history *history, struct history_rewrite *rewrite, uint32_t series)
{
    struct history_sources sources;
    int64_t block_last_us;
    history_sources_init(&sources);
    int error = history_head_take(&history->head, series, &sources, &block_last_us);
    uint64_t known = 0;
    bool late = false;
    for (size_t i = 0; i < sources.count; i++) {
        late = late || sources.all[i].first_us <= block_last_us;
    }
    if (error == 0 && late) {
        error = count_known(history, series, &sources, &known);
    }
    uint64_t written = 0;
    if (error == 0 && sources.count > 0) {
        error = history_rewrite_series(rewrite, series, &sources, INT64_MIN, INT64_MAX, &written);
        history_head_fresh(&history->head, series, written - known);
    }
    history_sources_fini(&sources);
    return error;
}

static int write_all(struct history *history, struct history_rewrite *rewrite)
{
    int error = 0;
    for (uint32_t series = 0; error == 0 && history_head_next(&history->head, &series); series++) {
        error = write_series(history, rewrite, series);
    }
    return error;
}

/* The newest time in blocks of each series of the new block. */
static void note_times(struct history *history, struct history_block *block)
{
    struct history_block_walk walk;
    const struct history_source *entry;
    int error;
    history_block_walk_init(&walk, block);
    while ((entry = history_block_walk_next(&walk, &error)) != NULL) {
        history_head_in_block(&history->head, entry->series, entry->last_us);
    }
    history_block_walk_fini(&walk);
}

static void remove_series_file(struct history *history, uint64_t mark)
{
    char path[HISTORY_PATH_MAX];
    history_block_path(history->block_folder, mark, ".ser", path, sizeof(path));
    history->file->unlink(history->file->ctx, path);
}

static uint64_t head_bytes(struct history *history)
{
    pthread_mutex_lock(&history->head.lock);
    uint64_t bytes = history->head.bytes;
    pthread_mutex_unlock(&history->head.lock);
    return bytes;
}

/* Many small pieces go, between others that stay: without a word malloc would keep their pages. */
static void drop_head(struct history *history)
{
    uint64_t before = head_bytes(history);
    history_head_drop(&history->head);
    if (before > head_bytes(history) + GIVE_BACK_BYTES) {
        (void)malloc_trim(0);
    }
}

/* The block is on disk under its name; row NULL: there was nothing to write. */
static int publish(struct history *history, const struct state_block *row, uint64_t mark)
{
    struct history_block *block = NULL;
    struct err err = { 0 };
    int error = 0;
    if (row != NULL) {
        error = history_block_open(history->file, history->block_folder, row, &block, &err);
    }
    if (error != 0) {
        return error;
    }
    if (block != NULL) {
        note_times(history, block);
    }
    uint64_t bytes = 0;
    error = history_series_save(history, mark, &bytes);
    if (error == 0) {
        struct state_change change = { .add = row, .add_count = row != NULL, .mark = mark };
        error = state_blocks_change(history->state, &change);
        if (error != 0) {
            remove_series_file(history, mark);
        }
    }
    if (error != 0) {
        if (block != NULL) {
            atomic_store(&block->unlink, true);
            history_block_release(block);
        }
        return error;
    }
    atomic_fetch_add(&history->keeper.written_bytes, bytes + (row != NULL ? row->bytes : 0));
    if (block != NULL) {
        history_blocks_change(&history->blocks, &block, 1, NULL, 0);
    }
    pthread_mutex_lock(&history->blocks.lock);
    uint64_t before = history->blocks.mark;
    history->blocks.mark = mark;
    pthread_mutex_unlock(&history->blocks.lock);
    drop_head(history);
    remove_series_file(history, before);
    history_log_forget(&history->log, history_cursors_done(history, mark));
    return 0;
}

int history_write_block(struct history *history)
{
    uint64_t mark = history_head_freeze(&history->head);
    if (mark == history->blocks.mark) {
        return 0;
    }
    struct history_rewrite rewrite;
    struct state_block like = { .sequence_first = history->blocks.mark + 1,
                                .sequence_last = mark,
                                .level = HISTORY_LEVEL_LOG,
                                .done_us = INT64_MIN,
                                .deletes = history_deletes_last(&history->deletes) };
    int error = history_rewrite_open(&rewrite, history, &like);
    error = error == 0 ? write_all(history, &rewrite) : error;
    struct state_block row;
    bool any;
    error = history_rewrite_close(&rewrite, error, &row, &any);
    return error == 0 ? publish(history, any ? &row : NULL, mark) : error;
}
