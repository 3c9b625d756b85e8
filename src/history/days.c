/* SPDX-License-Identifier: Apache-2.0 */
/* Merging by day. Blocks of level LOG hold what came between two flushes, of whatever time. Once a day,
 * an hour after midnight UTC, each day before it that they touch is merged with the day's block, oldest day first:
 *
 *   LOG blocks   [.. d1 d2 d3] [d3] [d1 d3]      DAY blocks  [d1]
 *   after d1     [   d2 d3] [d3] [   d3]                     [d1'] [d2] ...
 *
 * One day is one step and one transaction: it adds the day's new block, removes the old one, and moves the
 * done_us of the LOG blocks behind the day; one of which nothing is left is removed. So at any crash a
 * sample is in one of them, reads see all of it at any time, and a step needs no more room than a day.
 *
 * The day's block has the newest record of what went into it, so it wins over the LOG blocks that it was
 * made from, and those that came after it win over it. */
#include "history/days.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "history/compact.h"

enum {
    SMALL_BLOCKS = 12,     /* so many small LOG blocks ... */
    SMALL_BLOCKS_MAX = 24, /* ... become one when there are more than that */
};

#define AFTER_MIDNIGHT_US (INT64_C(3600) * 1000000) /* stragglers have come by then */
#define SMALL_BYTES       (UINT64_C(4) * 1024 * 1024)

/* The first day that a LOG block has anything of that no day's block has. */
static int64_t first_day(const struct history_block *block)
{
    int64_t from_us = block->row.from_us;
    if (block->row.done_us != INT64_MIN && block->row.done_us >= from_us) {
        from_us = block->row.done_us + 1;
    }
    return history_day_of(from_us);
}

static bool takes_part(const struct history_block *block, const struct history_pass *pass)
{
    return block->row.level == HISTORY_LEVEL_LOG && !block->damaged &&
           block->row.sequence_last <= pass->sequence;
}

static bool next_day(struct history_block **blocks, size_t count, const struct history_pass *pass,
                     int64_t *day)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        int64_t first = first_day(blocks[i]);
        if (takes_part(blocks[i], pass) && first <= pass->limit_day && (!any || first < *day)) {
            *day = first;
            any = true;
        }
    }
    return any;
}

/* Inputs of a day: its blocks, and the LOG blocks that have something of it. */
static size_t find_inputs(struct history_block **blocks, size_t count,
                          const struct history_pass *pass, int64_t day,
                          struct history_block **inputs)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct state_block *row = &blocks[i]->row;
        bool log = takes_part(blocks[i], pass) && first_day(blocks[i]) <= day &&
                   row->to_us >= history_day_begin(day);
        bool same = (row->level == HISTORY_LEVEL_DAY || row->level == HISTORY_LEVEL_COLD) &&
                    !blocks[i]->damaged && history_day_of(row->to_us) == day;
        if (log || same) {
            inputs[found++] = blocks[i];
        }
    }
    return found;
}

/* The catalog after a day: the LOG blocks have less to say. */
static int publish_day(struct history *history, const struct history_compaction *job)
{
    struct state_block *rows = busbar_alloc_array(job->count + 1, sizeof(*rows));
    uint64_t *ids = busbar_alloc_array(job->count + 1, sizeof(*ids));
    struct state_change change = { .add = rows, .remove = ids, .expired = job->expired };
    if (job->any) {
        rows[change.add_count++] = job->row;
    }
    for (size_t i = 0; i < job->count; i++) {
        struct state_block row = job->blocks[i]->row;
        ids[change.remove_count++] = row.id;
        if (row.level == HISTORY_LEVEL_LOG && job->next_us[i] != INT64_MAX) {
            row.done_us = history_day_begin(history_day_of(job->next_us[i])) - 1;
            row.samples = job->left[i];
            rows[change.add_count++] = row;
        }
    }
    int error = history_change(history, &change);
    busbar_free(rows);
    busbar_free(ids);
    return error;
}

static int merge_day(struct history *history, const struct history_pass *pass,
                     struct history_block **blocks, size_t count, int64_t day)
{
    struct history_block **inputs = busbar_alloc_array(count, sizeof(inputs[0]));
    struct history_compaction job = {
        .blocks = inputs,
        .count = find_inputs(blocks, count, pass, day, inputs),
        .from_us = history_day_begin(day),
        .to_us = history_day_end(day) == INT64_MAX ? INT64_MAX : history_day_end(day) + 1,
        .like = { .level = HISTORY_LEVEL_DAY, .done_us = INT64_MIN },
    };
    int error = history_compact(history, &job);
    error = error == 0 ? publish_day(history, &job) : error;
    history_compaction_fini(&job);
    busbar_free(inputs);
    return error;
}

/* --- deletes --- */

/* Writes one block anew that has something deleted in it; none is left: forgets the deletions. */
static int obey_deletes(struct history *history, struct history_block **blocks, size_t count,
                        uint64_t last, bool *worked)
{
    bool damaged = history->blocks.missing > 0;
    int error = 0;
    for (size_t i = 0; i < count && error == 0 && !*worked; i++) {
        struct history_block *block = blocks[i];
        bool touched = false;
        if (block->row.deletes >= last || block->row.level == HISTORY_LEVEL_TIERS) {
            continue;
        }
        error = history_deletes_touch(&history->deletes, block, &touched);
        if (error == 0 && touched && block->damaged) {
            damaged = true; /* it keeps what is deleted, so the deletion must stay */
        } else if (error == 0 && touched) {
            *worked = true;
            error = history_rewrite_block(history, block, false);
        }
    }
    if (error == 0 && !*worked) {
        error = history_tiers_obey(history, blocks, count, worked);
    }
    if (error == 0 && !*worked && !damaged) {
        struct state_change change = { .deletes_done = last };
        error = state_blocks_change(history->state, &change);
        if (error == 0) {
            history_deletes_forget(&history->deletes, last);
        }
    }
    return error;
}

/* --- a pass --- */

int history_pass_begin(struct history *history, struct history_pass *pass, int64_t limit_day)
{
    int error = history_flush_locked(history);
    if (error == 0) {
        *pass = (struct history_pass){ .active = true, .limit_day = limit_day };
        pthread_mutex_lock(&history->blocks.lock);
        pass->sequence = history->blocks.mark;
        pthread_mutex_unlock(&history->blocks.lock);
        pass->deletes = history_deletes_last(&history->deletes);
    }
    return error;
}

int history_pass_step(struct history *history, struct history_pass *pass, bool *worked)
{
    size_t count;
    int64_t day = 0;
    struct history_block **blocks = history_blocks_hold(&history->blocks, &count);
    if (blocks == NULL) {
        return BUSBAR_ENOMEM;
    }
    int error = 0;
    if (next_day(blocks, count, pass, &day)) {
        error = merge_day(history, pass, blocks, count, day);
        error = error == BUSBAR_EDAMAGED ? 0 : error; /* what is damaged takes part no more */
        *worked = error == 0;
        pass->days++;
    } else if (history_deletes_after(&history->deletes, 0)) {
        error = obey_deletes(history, blocks, count, pass->deletes, worked);
        error = error == BUSBAR_EDAMAGED ? 0 : error;
    }
    pass->active = error != 0 || *worked;
    history_release_all(blocks, count);
    return error;
}

int history_merge_days(struct history *history, bool *worked)
{
    struct history_keeper *keeper = &history->keeper;
    int64_t limit_day = history_day_of(clock_wall_us() - AFTER_MIDNIGHT_US) - 1;
    int error = 0;
    if (keeper->merged_day > limit_day + 1) {
        keeper->merged_day = limit_day; /* the clock was wrong, in the future */
    }
    if (!keeper->pass.active) {
        if (limit_day <= keeper->merged_day) {
            return 0;
        }
        error = history_pass_begin(history, &keeper->pass, limit_day);
    }
    error = error == 0 ? history_pass_step(history, &keeper->pass, worked) : error;
    if (error == 0 && !keeper->pass.active) {
        struct state_change change = { .merged_day = keeper->pass.limit_day };
        error = state_blocks_change(history->state, &change);
        keeper->merged_day = keeper->pass.limit_day;
        *worked = keeper->merged_day < limit_day; /* it took until after another midnight */
        if (keeper->pass.days > 0) {
            busbar_log(LOG_LEVEL_INFO, "history", NULL, "merged the blocks of %llu days",
                       (unsigned long long)keeper->pass.days);
        }
    }
    return error;
}

/* --- small blocks of today --- */

static bool is_small(const struct history_block *block)
{
    return block->row.level == HISTORY_LEVEL_LOG && !block->damaged &&
           block->row.done_us == INT64_MIN && block->row.bytes < SMALL_BYTES;
}

/* A run of small blocks that follow one another, when there are many. Blocks of days do not matter: small
 * ones that have not taken part in a pass have nothing older than them. */
static size_t find_run(struct history_block **blocks, size_t count, struct history_block **run)
{
    size_t small = 0;
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        small += is_small(blocks[i]);
    }
    for (size_t i = 0; i < count && small > SMALL_BLOCKS_MAX && length < SMALL_BLOCKS; i++) {
        if (is_small(blocks[i])) {
            run[length++] = blocks[i];
        } else if (blocks[i]->row.level == HISTORY_LEVEL_LOG) {
            length = 0;
        }
    }
    return length;
}

static int merge_run(struct history *history, struct history_block **run, size_t length)
{
    struct history_compaction job = { .blocks = run,
                                      .count = length,
                                      .from_us = INT64_MIN,
                                      .to_us = INT64_MAX,
                                      .like = { .level = HISTORY_LEVEL_LOG,
                                                .done_us = INT64_MIN } };
    uint64_t ids[SMALL_BLOCKS];
    int error = history_compact(history, &job);
    if (error == 0) {
        for (size_t i = 0; i < length; i++) {
            ids[i] = run[i]->row.id;
        }
        struct state_change change = { .add = &job.row,
                                       .add_count = job.any,
                                       .remove = ids,
                                       .remove_count = length,
                                       .expired = job.expired };
        error = history_change(history, &change);
    }
    history_compaction_fini(&job);
    return error;
}

int history_merge_small(struct history *history, bool *worked)
{
    size_t count;
    struct history_block *run[SMALL_BLOCKS];
    struct history_block **blocks = history_blocks_hold(&history->blocks, &count);
    if (blocks == NULL) {
        return BUSBAR_ENOMEM;
    }
    int error = 0;
    if (find_run(blocks, count, run) == SMALL_BLOCKS) {
        error = merge_run(history, run, SMALL_BLOCKS);
        *worked = error == 0;
        error = error == BUSBAR_EDAMAGED ? 0 : error;
    }
    history_release_all(blocks, count);
    return error;
}
