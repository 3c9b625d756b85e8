/* SPDX-License-Identifier: Apache-2.0 */
#include "history/view.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"

void history_view_init(struct history_view *view, struct history *history,
                       struct history_coder *coder, struct history_column *column)
{
    *view = (struct history_view){ .history = history, .coder = coder, .column = column };
}

void history_view_fini(struct history_view *view)
{
    for (size_t i = 0; i < view->block_count; i++) {
        history_block_place_free(view->places[i].at);
        history_block_release(view->blocks[i]);
    }
    busbar_free(view->places);
    busbar_free(view->blocks);
    view->places = NULL;
    view->blocks = NULL;
    view->block_count = 0;
}

int history_view_hold(struct history_view *view)
{
    struct history_block_set *set = &view->history->blocks;
    uint64_t changes = atomic_load(&set->changes);
    if (view->blocks != NULL && view->changes == changes) {
        return 0;
    }
    history_view_fini(view);
    view->changes = changes;
    size_t count;
    view->blocks = history_blocks_hold(set, &count);
    view->places = busbar_try_alloc((count + 1) * sizeof(*view->places));
    if (view->blocks == NULL || view->places == NULL) {
        for (size_t i = 0; view->blocks != NULL && i < count; i++) {
            history_block_release(view->blocks[i]);
        }
        busbar_free(view->blocks);
        view->blocks = NULL;
        return BUSBAR_ENOMEM;
    }
    view->block_count = count;
    for (size_t i = 0; i < count; i++) {
        view->places[i] = (struct history_place){ .block = view->blocks[i] };
    }
    return 0;
}

int history_view_collect(struct history_view *view, uint32_t series, int64_t *from_us,
                         int64_t to_us, struct history_sources *sources)
{
    int64_t expired_us = history_expired_before(view->history, series, clock_wall_us());
    *from_us = *from_us > expired_us ? *from_us : expired_us;
    history_sources_clear(sources);
    sources->borrowed = true;
    int error = history_head_collect(&view->history->head, series, *from_us, to_us, view->coder,
                                     view->column, sources);
    size_t head_count = sources->count;
    struct history_deletion_list deletions = { 0 };
    if (error == 0) { /* before the blocks: what is forgotten by now is not in those held next */
        error = history_deletes_find(&view->history->deletes, series, *from_us, to_us, &deletions);
    }
    if (error == 0) {
        error = history_view_hold(view);
    }
    if (error == 0) {
        error = history_blocks_collect_at(view->places, view->block_count, series, *from_us, to_us,
                                          sources);
    }
    error = error == 0 ? history_deletes_hide(&deletions, sources) : error;
    busbar_free(deletions.all);
    for (size_t i = 0; i < head_count; i++) {
        sources->all[i].order += (uint32_t)sources->count; /* newer than any block */
    }
    return error;
}
