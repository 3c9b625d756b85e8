/* SPDX-License-Identifier: Apache-2.0 */
#include "history/deletes.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/head_last.h"
#include "history/history_private.h"
#include "history/rewrite.h"

void history_deletes_init(struct history_deletes *deletes)
{
    *deletes = (struct history_deletes){ 0 };
    pthread_rwlock_init(&deletes->lock, NULL);
}

void history_deletes_fini(struct history_deletes *deletes)
{
    busbar_free(deletes->all);
    pthread_rwlock_destroy(&deletes->lock);
}

static int by_series(const void *a, const void *b)
{
    const struct state_deletion *left = a;
    const struct state_deletion *right = b;
    if (left->series != right->series) {
        return left->series < right->series ? -1 : 1;
    }
    return left->id < right->id ? -1 : left->id > right->id;
}

static void add(struct history_deletes *deletes, const struct state_deletion *more, size_t count)
{
    pthread_rwlock_wrlock(&deletes->lock);
    if (deletes->count + count > deletes->capacity) {
        deletes->capacity = deletes->count + count + deletes->capacity;
        deletes->all = busbar_realloc(deletes->all, deletes->capacity * sizeof(*more));
    }
    memcpy(deletes->all + deletes->count, more, count * sizeof(*more));
    deletes->count += count;
    qsort(deletes->all, deletes->count, sizeof(*more), by_series);
    for (size_t i = 0; i < count; i++) {
        deletes->last = more[i].id > deletes->last ? more[i].id : deletes->last;
    }
    pthread_rwlock_unlock(&deletes->lock);
}

int history_deletes_load(struct history *history)
{
    struct state_deletion *all;
    size_t count;
    int error = state_deletions(history->state, &all, &count, &history->deletes.last);
    if (error == 0 && count > 0) {
        add(&history->deletes, all, count);
    }
    busbar_free(all);
    return error;
}

uint64_t history_deletes_last(struct history_deletes *deletes)
{
    pthread_rwlock_rdlock(&deletes->lock);
    uint64_t last = deletes->last;
    pthread_rwlock_unlock(&deletes->lock);
    return last;
}

bool history_deletes_after(struct history_deletes *deletes, uint64_t id)
{
    bool any = false;
    pthread_rwlock_rdlock(&deletes->lock);
    for (size_t i = 0; i < deletes->count && !any; i++) {
        any = deletes->all[i].id > id;
    }
    pthread_rwlock_unlock(&deletes->lock);
    return any;
}

size_t history_deletes_count(struct history_deletes *deletes)
{
    pthread_rwlock_rdlock(&deletes->lock);
    size_t count = deletes->count;
    pthread_rwlock_unlock(&deletes->lock);
    return count;
}

void history_deletes_forget(struct history_deletes *deletes, uint64_t id)
{
    pthread_rwlock_wrlock(&deletes->lock);
    size_t kept = 0;
    for (size_t i = 0; i < deletes->count; i++) {
        if (deletes->all[i].id > id) {
            deletes->all[kept++] = deletes->all[i];
        }
    }
    deletes->count = kept;
    pthread_rwlock_unlock(&deletes->lock);
}

/* The first deletion of a series. */
static size_t first_of(const struct history_deletes *deletes, uint32_t series)
{
    size_t low = 0;
    size_t high = deletes->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (deletes->all[middle].series < series) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int history_deletes_find(struct history_deletes *deletes, uint32_t series, int64_t from_us,
                         int64_t to_us, struct history_deletion_list *list)
{
    int error = 0;
    *list = (struct history_deletion_list){ 0 };
    pthread_rwlock_rdlock(&deletes->lock);
    size_t first = first_of(deletes, series);
    size_t end = first;
    while (end < deletes->count && deletes->all[end].series == series) {
        end++;
    }
    if (end > first) {
        list->all = busbar_try_alloc((end - first) * sizeof(*list->all));
        error = list->all == NULL ? BUSBAR_ENOMEM : 0;
    }
    for (size_t i = first; i < end && error == 0; i++) {
        if (deletes->all[i].from_us < to_us && deletes->all[i].to_us > from_us) {
            list->all[list->count++] = deletes->all[i];
        }
    }
    pthread_rwlock_unlock(&deletes->lock);
    return error;
}

int history_deletes_hide(const struct history_deletion_list *list, struct history_sources *sources)
{
    int error = 0;
    for (size_t i = 0; i < list->count && error == 0; i++) {
        const struct state_deletion *deletion = &list->all[i];
        uint32_t order = 0;
        for (size_t at = 0; at < sources->count; at++) {
            const struct history_source *source = &sources->all[at];
            if (source->kind == HISTORY_SOURCE_BLOCK && source->order >= order &&
                source->block->row.deletes < deletion->id) {
                order = source->order + 1;
            }
        }
        if (order > 0) {
            error = history_sources_hide(sources, deletion->from_us, deletion->to_us, order);
        }
    }
    return error;
}

int history_deletes_apply(struct history_deletes *deletes, uint32_t series,
                          struct history_sources *sources)
{
    struct history_deletion_list list;
    int error = history_deletes_find(deletes, series, INT64_MIN, INT64_MAX, &list);
    error = error == 0 ? history_deletes_hide(&list, sources) : error;
    busbar_free(list.all);
    return error;
}

static int copy_all(struct history_deletes *deletes, struct history_deletion_list *list)
{
    pthread_rwlock_rdlock(&deletes->lock);
    list->count = deletes->count;
    list->all = busbar_try_alloc(list->count * sizeof(*list->all) + 1);
    if (list->all != NULL && list->count > 0) {
        memcpy(list->all, deletes->all, list->count * sizeof(*list->all));
    }
    pthread_rwlock_unlock(&deletes->lock);
    return list->all != NULL ? 0 : BUSBAR_ENOMEM;
}

int history_deletes_touch(struct history_deletes *deletes, struct history_block *block,
                          bool *touched)
{
    struct history_deletion_list list;
    struct history_sources sources;
    *touched = false;
    int error = copy_all(deletes, &list);
    history_sources_init(&sources);
    for (size_t i = 0; i < list.count && error == 0 && !*touched; i++) {
        const struct state_deletion *deletion = &list.all[i];
        if (deletion->id > block->row.deletes && deletion->from_us <= block->row.to_us &&
            deletion->to_us > block->row.from_us) {
            error = history_block_collect(block, deletion->series, deletion->from_us,
                                          deletion->to_us, &sources);
            *touched = sources.count > 0;
        }
    }
    history_sources_fini(&sources);
    busbar_free(list.all);
    return error;
}

/* --- the last sample of a series --- */

static int newest_first(const void *a, const void *b)
{
    const struct history_source *left = a;
    const struct history_source *right = b;
    return left->last_us > right->last_us ? -1 : left->last_us < right->last_us;
}

/* The newest sample that is left. Chunks are tried from the newest on. */
static int find_newest(struct history *history, uint32_t series, struct history_samples *found)
{
    struct history_sources sources;
    history_sources_init(&sources);
    *found = (struct history_samples){ 0 };
    int error = history_blocks_collect(&history->blocks, series, INT64_MIN, INT64_MAX, &sources);
    if (sources.count > 1) {
        qsort(sources.all, sources.count, sizeof(*sources.all), newest_first);
    }
    for (size_t i = 0; i < sources.count && error == 0 && found->count == 0; i++) {
        history_samples_free(found);
        int64_t from_us = sources.all[i].first_us;
        error = history_read(history, series, from_us, INT64_MAX, 0, found);
        while (error == 0 && found->more) {
            from_us = found->samples[found->count - 1].time_us + 1;
            history_samples_free(found);
            error = history_read(history, series, from_us, INT64_MAX, 0, found);
        }
    }
    history_sources_fini(&sources);
    return error;
}

/* Takes the last sample back when the deletion covers it. */
static int correct_last(struct history *history, const struct state_deletion *deletion)
{
    struct history_samples found = { 0 };
    int error = 0;
    if (!history_head_last_in(&history->head, deletion->series, deletion->from_us,
                              deletion->to_us)) {
        return 0;
    }
    if (deletion->from_us != INT64_MIN || deletion->to_us != INT64_MAX) {
        error = find_newest(history, deletion->series, &found);
    }
    if (error == 0) {
        const struct sample *newest = found.count > 0 ? &found.samples[found.count - 1] : NULL;
        history_head_replace_last(&history->head, deletion->series, deletion->from_us,
                                  deletion->to_us, newest);
    }
    history_samples_free(&found);
    return error;
}

int history_deletes_recover(struct history *history, uint64_t mark)
{
    struct history_deletion_list list;
    int error = copy_all(&history->deletes, &list);
    for (size_t i = 0; i < list.count && error == 0; i++) {
        if (list.all[i].sequence >= mark) { /* else the series file was written after it */
            error = correct_last(history, &list.all[i]);
        }
    }
    busbar_free(list.all);
    return error;
}

/* --- deleting --- */

/* How many samples the deletions take: those that reads would find. keeper.lock is held, and the head is in
 * blocks. */
static int count_samples(struct history *history, const struct state_deletion *all, size_t count,
                         uint64_t *samples)
{
    struct history_sources sources;
    struct history_merge merge;
    history_sources_init(&sources);
    int error = history_merge_init(&merge, &sources, 0, 0);
    *samples = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        history_sources_clear(&sources);
        error = history_blocks_collect(&history->blocks, all[i].series, all[i].from_us,
                                       all[i].to_us, &sources);
        if (error == 0) {
            error = history_deletes_apply(&history->deletes, all[i].series, &sources);
        }
        if (error == 0) {
            history_merge_again(&merge, &sources, all[i].from_us, all[i].to_us);
            error = history_merge_count(&merge, samples);
        }
    }
    history_merge_fini(&merge);
    history_sources_fini(&sources);
    return error;
}

int history_delete_many(struct history *history, const struct history_deletion *wanted,
                        size_t count)
{
    struct history_deletes *deletes = &history->deletes;
    if (count == 0) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (wanted[i].series == 0 || wanted[i].series > HISTORY_SERIES_MAX ||
            wanted[i].from_us > wanted[i].to_us) {
            return BUSBAR_EINVAL;
        }
    }
    struct state_deletion *all = busbar_try_alloc(count * sizeof(*all));
    if (all == NULL) {
        return BUSBAR_ENOMEM;
    }
    pthread_mutex_lock(&history->keeper.lock);
    int error = deletes->count + count > HISTORY_DELETES_MAX ? BUSBAR_ELIMIT
                                                             : history_write_block(history);
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct state_deletion){ .series = wanted[i].series,
                                          .from_us = wanted[i].from_us,
                                          .to_us = wanted[i].to_us,
                                          .sequence = history->blocks.mark };
    }
    uint64_t samples = 0;
    error = error == 0 ? count_samples(history, all, count, &samples) : error;
    error = error == 0 ? state_deletions_add(history->state, all, count, samples) : error;
    if (error == 0) {
        add(deletes, all, count);
        atomic_fetch_add(&history->keeper.deleted, samples);
    }
    pthread_mutex_unlock(&history->keeper.lock);
    for (size_t i = 0; i < count && error == 0; i++) {
        error = correct_last(history, &all[i]);
    }
    busbar_free(all);
    return error;
}

int history_delete(struct history *history, uint32_t series, int64_t from_us, int64_t to_us)
{
    struct history_deletion deletion = { .series = series, .from_us = from_us, .to_us = to_us };
    return history_delete_many(history, &deletion, 1);
}
