/* SPDX-License-Identifier: Apache-2.0 */
#include "history/index.h"

#include <string.h>

#include "base/hash.h"
#include "history/index_private.h"

static void lock_to_read(struct history_index *index)
{
    pthread_rwlock_rdlock(&index->lock);
}

static void lock_to_write(struct history_index *index)
{
    pthread_rwlock_wrlock(&index->lock);
}

static void unlock(struct history_index *index)
{
    pthread_rwlock_unlock(&index->lock);
}

/* --- life --- */

/* Without this, selects that overlap could keep a writer out for ever. */
static void init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

struct history_index *history_index_new(void)
{
    struct history_index *index = busbar_alloc(sizeof(*index));
    init_lock(&index->lock);
    arena_init(&index->texts, 0);
    struct label no_metric = label_of(LABEL_METRIC, "");
    struct index_set set;
    if (index_make_set(index, &no_metric, 1, &set) != 0) {
        history_index_free(index);
        return NULL;
    }
    return index;
}

void history_index_free(struct history_index *index)
{
    if (index == NULL) {
        return;
    }
    for (uint32_t i = 0; i < index->names.count; i++) {
        busbar_free(index_name(index, i)->pairs);
    }
    for (uint32_t i = 0; i < index->pairs.count; i++) {
        postings_fini(&index_pair(index, i)->members);
    }
    for (uint32_t i = 0; i < index->rests.count; i++) {
        busbar_free(index_rest(index, i)->pairs);
        postings_fini(&index_rest(index, i)->series);
    }
    index_pages_fini(&index->names);
    index_pages_fini(&index->pairs);
    index_pages_fini(&index->rests);
    index_pages_fini(&index->series);
    busbar_free(index->name_table.slots);
    busbar_free(index->pair_table.slots);
    busbar_free(index->rest_table.slots);
    busbar_free(index->set_table.slots);
    arena_fini(&index->texts);
    pthread_rwlock_destroy(&index->lock);
    busbar_free(index);
}

/* --- whole sets --- */

static uint32_t hash_of(const struct index_series *series)
{
    return (uint32_t)(hash_u64((uint64_t)series->metric << 32 | series->rest) >> 32);
}

static uint32_t hash_of_series(const void *ctx, uint32_t id)
{
    return hash_of(index_series(ctx, id));
}

static bool equals_series(const void *ctx, uint32_t id, const void *wanted)
{
    const struct index_series *series = index_series(ctx, id), *key = wanted;
    return series->metric == key->metric && series->rest == key->rest;
}

static uint32_t find_series(const struct history_index *index, const struct index_series *key)
{
    uint32_t id;
    bool found = index_table_find(&index->set_table, hash_of(key), equals_series, index, key, &id);
    return found ? id : 0;
}

uint32_t history_index_find(struct history_index *index, const struct label *labels, size_t count)
{
    struct index_set set;
    uint32_t rest, id = 0;
    lock_to_read(index);
    if (count <= LABELS_MAX && index_find_set(index, labels, count, &set) == 0 &&
        index_find_rest(index, &set, &rest)) {
        id = find_series(index, &(struct index_series){ .metric = set.metric, .rest = rest + 1 });
    }
    unlock(index);
    return id;
}

/* --- changes --- */

static void leave_rest(struct history_index *index, uint32_t rest, uint32_t id)
{
    struct postings *members = &index_rest(index, rest)->series;
    postings_remove(members, id);
    if (members->count == 0) {
        index_drop_rest(index, rest);
    }
}

/* Takes a series out of whatever it does not share with its new place (NULL: all). */
static void leave(struct history_index *index, uint32_t id, const struct index_series *to)
{
    struct index_series *series = index_series(index, id);
    index_table_remove(&index->set_table, id, hash_of_series, index);
    if (to == NULL || to->metric != series->metric) {
        index_pair_remove(index, series->metric, id);
    }
    if (to == NULL || to->rest != series->rest) {
        leave_rest(index, series->rest - 1, id);
    }
    *series = (struct index_series){ 0 };
    index->series_count--;
    atomic_fetch_add(&index->removals, 1);
}

/* Into the postings, so that nothing can fail afterwards. */
static int join(struct history_index *index, uint32_t id, const struct index_series *from,
                const struct index_series *to)
{
    bool new_metric = from == NULL || from->metric != to->metric;
    int error = index_table_reserve(&index->set_table, hash_of_series, index);
    if (error == 0 && new_metric) {
        error = index_pair_add(index, to->metric, id);
    }
    if (error == 0 && (from == NULL || from->rest != to->rest)) {
        error = postings_add(&index_rest(index, to->rest - 1)->series, id);
        if (error != 0 && new_metric) {
            index_pair_remove(index, to->metric, id);
        }
    }
    return error;
}

static int place(struct history_index *index, uint32_t id, const struct index_set *set,
                 uint32_t *other)
{
    uint32_t rest;
    int error = index_make_rest(index, set, &rest);
    if (error != 0) {
        return error;
    }
    struct index_series to = { .metric = set->metric, .rest = rest + 1 };
    struct index_series *from = index_series(index, id);
    *other = find_series(index, &to);
    if (*other != 0) {
        return *other == id ? 0 : BUSBAR_EEXIST;
    }
    error = index_pages_touch(&index->series, sizeof(to), id);
    if (error == 0) {
        error = join(index, id, from, &to);
    }
    if (error != 0) {
        if (index_rest(index, rest)->series.count == 0) {
            index_drop_rest(index, rest);
        }
        return error;
    }
    if (from != NULL) {
        leave(index, id, &to);
    }
    *(struct index_series *)index_at(&index->series, sizeof(to), id) = to;
    index_table_put(&index->set_table, hash_of(&to), id);
    index->series_count++;
    index->changes++;
    return 0;
}

int history_index_set(struct history_index *index, uint32_t series, const struct label *labels,
                      size_t count, uint32_t *other)
{
    struct index_set set;
    uint32_t taken = 0;
    if (count > LABELS_MAX || series == 0 || series >= INDEX_NUMBERS_MAX) {
        return BUSBAR_EINVAL;
    }
    lock_to_write(index);
    int error = index_make_set(index, labels, count, &set);
    error = error == 0 ? place(index, series, &set, &taken) : error;
    unlock(index);
    if (other != NULL) {
        *other = error == BUSBAR_EEXIST ? taken : 0;
    }
    return error;
}

void history_index_remove(struct history_index *index, uint32_t series)
{
    lock_to_write(index);
    if (index_series(index, series) != NULL) {
        leave(index, series, NULL);
        index->changes++;
    }
    unlock(index);
}

/* --- back to labels --- */

static struct label label_of_pair(const struct history_index *index, uint32_t number)
{
    const struct index_pair *pair = index_pair(index, number);
    const struct index_name *name = index_name(index, pair->name);
    return (struct label){
        .name = name->text, .name_size = name->size, .value = pair->value, .value_size = pair->size
    };
}

static bool is_before_metric(const struct label *label)
{
    return strcmp(label->name, LABEL_METRIC) < 0;
}

size_t history_index_labels(struct history_index *index, uint32_t id,
                            struct label labels[LABELS_MAX])
{
    size_t count = 0;
    lock_to_read(index);
    const struct index_series *series = index_series(index, id);
    if (series != NULL) {
        const struct index_rest *rest = index_rest(index, series->rest - 1);
        bool metric = series->metric == INDEX_NO_METRIC; /* done with it */
        for (uint32_t i = 0; i < rest->count; i++) {
            struct label label = label_of_pair(index, rest->pairs[i]);
            if (!metric && !is_before_metric(&label)) {
                labels[count++] = label_of_pair(index, series->metric);
                metric = true;
            }
            labels[count++] = label;
        }
        if (!metric) {
            labels[count++] = label_of_pair(index, series->metric);
        }
    }
    unlock(index);
    return count;
}

/* --- status --- */

static uint64_t bytes_of(const struct history_index *index)
{
    uint64_t bytes = sizeof(*index) + index->texts.held_bytes;
    const struct index_pages *arrays[] = { &index->names, &index->pairs, &index->rests,
                                           &index->series };
    static const size_t sizes[] = { sizeof(struct index_name), sizeof(struct index_pair),
                                    sizeof(struct index_rest), sizeof(struct index_series) };
    const struct index_table *tables[] = { &index->name_table, &index->pair_table,
                                           &index->rest_table, &index->set_table };
    for (size_t i = 0; i < 4; i++) {
        bytes += arrays[i]->pages_used * INDEX_PAGE * sizes[i];
        bytes += arrays[i]->page_count * sizeof(void *);
        bytes += tables[i]->capacity * sizeof(uint32_t);
    }
    for (uint32_t i = 0; i < index->names.count; i++) {
        bytes += index_name(index, i)->capacity * sizeof(uint32_t);
    }
    for (uint32_t i = 0; i < index->pairs.count; i++) {
        bytes += postings_bytes(&index_pair(index, i)->members);
    }
    for (uint32_t i = 0; i < index->rests.count; i++) {
        const struct index_rest *rest = index_rest(index, i);
        bytes += postings_bytes(&rest->series) + rest->count * sizeof(uint32_t);
    }
    return bytes;
}

void history_index_status(struct history_index *index, struct history_index_status *status)
{
    lock_to_read(index);
    uint64_t names = 0;
    for (uint32_t i = 0; i < index->names.count; i++) {
        names += index_name(index, i)->live > 0;
    }
    *status = (struct history_index_status){
        .series = index->series_count,
        .rests = index->rest_count,
        .names = names,
        .pairs = index->pair_count,
        .symbols = (uint64_t)index->names.count + index->pairs.count,
        .bytes = bytes_of(index),
        .changes = index->changes,
    };
    unlock(index);
}

uint64_t history_index_removals(const struct history_index *index)
{
    return atomic_load(&index->removals);
}

/* Puts one in its place among the `count` greatest so far. */
static void rank(struct history_index_top *top, size_t *used, size_t count,
                 struct history_index_top entry)
{
    if (*used == count && (count == 0 || top[count - 1].count >= entry.count)) {
        return;
    }
    size_t at = *used < count ? (*used)++ : count - 1;
    for (; at > 0 && top[at - 1].count < entry.count; at--) {
        top[at] = top[at - 1];
    }
    top[at] = entry;
}

size_t history_index_top_metrics(struct history_index *index, struct history_index_top *top,
                                 size_t count)
{
    size_t used = 0;
    lock_to_read(index);
    const struct index_name *metrics = index_name(index, INDEX_METRIC);
    for (uint32_t i = 0; i < metrics->count; i++) {
        const struct index_pair *pair = index_pair(index, metrics->pairs[i]);
        if (pair->members.count > 0 && metrics->pairs[i] != INDEX_NO_METRIC) {
            rank(top, &used, count,
                 (struct history_index_top){ .text = pair->value, .count = pair->members.count });
        }
    }
    unlock(index);
    return used;
}

size_t history_index_top_labels(struct history_index *index, struct history_index_top *top,
                                size_t count)
{
    size_t used = 0;
    lock_to_read(index);
    for (uint32_t i = 0; i < index->names.count; i++) {
        const struct index_name *name = index_name(index, i);
        if (name->live > 0) {
            rank(top, &used, count,
                 (struct history_index_top){ .text = name->text, .count = name->live });
        }
    }
    unlock(index);
    return used;
}
