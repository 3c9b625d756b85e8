/* SPDX-License-Identifier: Apache-2.0 */
/* Days that are old: recoded once with the range coder, which is a seventh smaller and some ten times slower to
 * write; and compaction at once, when a person or a program asks. */
#include "base/clock.h"
#include "base/err.h"
#include "history/compact.h"
#include "history/days.h"
#include "history/tiers.h"

/* Recodes one day. all: whatever its age. */
static int recode(struct history *history, bool all, bool *worked)
{
    size_t count;
    int64_t cold_us = history->config.cold_us;
    int64_t now_us = clock_wall_us();
    if (cold_us < 0 && !all) {
        return 0;
    }
    struct history_block **blocks = history_blocks_hold(&history->blocks, &count);
    if (blocks == NULL) {
        return BUSBAR_ENOMEM;
    }
    int error = 0;
    for (size_t i = 0; i < count && error == 0 && !*worked; i++) {
        struct history_block *block = blocks[i];
        int64_t age_us = now_us - history_day_end(history_day_of(block->row.to_us));
        if (block->row.level == HISTORY_LEVEL_DAY && !block->damaged &&
            (all || age_us >= cold_us)) {
            error = history_rewrite_block(history, block, true);
            error = error == BUSBAR_EDAMAGED ? 0 : error; /* it is left alone from now on */
            *worked = error == 0;
        }
    }
    history_release_all(blocks, count);
    return error;
}

int history_recode(struct history *history, bool *worked)
{
    return recode(history, false, worked);
}

/* --- at once --- */

/* One piece of it, of any kind; *worked false: all is done. */
static int compact_piece(struct history *history, struct history_pass *pass, bool cold,
                         bool *worked)
{
    int error = 0;
    atomic_store(&history->keeper.doing, HISTORY_DOING_MERGE);
    if (pass->active) {
        error = history_pass_step(history, pass, worked);
    }
    if (error == 0 && !*worked) {
        atomic_store(&history->keeper.doing, HISTORY_DOING_TIERS);
        error = history_make_tiers(history, worked);
    }
    if (error == 0 && !*worked && cold) {
        atomic_store(&history->keeper.doing, HISTORY_DOING_COLD);
        error = recode(history, true, worked);
    }
    return error;
}

int history_compact_now(struct history *history, bool cold)
{
    struct history_pass pass = { 0 };
    bool worked = true;
    pthread_mutex_lock(&history->keeper.work);
    int error = history_pass_begin(history, &pass, INT64_MAX);
    pthread_mutex_unlock(&history->keeper.work);
    while (error == 0 && worked) {
        worked = false;
        pthread_mutex_lock(&history->keeper.work); /* the keeper's own pieces come between */
        error = compact_piece(history, &pass, cold, &worked);
        atomic_store(&history->keeper.doing, HISTORY_DOING_NOTHING);
        pthread_mutex_unlock(&history->keeper.work);
    }
    return error;
}

/* --- for people --- */

const char *history_doing_text(enum history_doing doing)
{
    switch (doing) {
    case HISTORY_DOING_FLUSH: return "writing new samples into a block";
    case HISTORY_DOING_MERGE: return "merging by day";
    case HISTORY_DOING_COLD: return "recoding old days";
    case HISTORY_DOING_TIERS: return "making tiers";
    case HISTORY_DOING_REMOVE: return "looking for what is over";
    case HISTORY_DOING_NOTHING: break;
    }
    return "nothing";
}
