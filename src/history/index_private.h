/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the index, shared by index.c, index_symbols.c and index_select.c. */
#ifndef BUSBAR_HISTORY_INDEX_PRIVATE_H
#define BUSBAR_HISTORY_INDEX_PRIVATE_H

#include <pthread.h>

#include "base/arena.h"
#include "history/index.h"
#include "history/index_table.h"
#include "history/postings.h"

enum {
    INDEX_PAGE = 1024,
    INDEX_NAMES_MAX = 1 << 20,   /* different label names */
    INDEX_NUMBERS_MAX = 1 << 26, /* different pairs, different rests */
    INDEX_METRIC = 0,            /* number of the name `__name__` */
    INDEX_NO_METRIC = 0,         /* the pair `__name__=""`: series without a metric */
};

/* An array in pages of 1,024 zeroed elements, which never move; pages that nobody touched are missing. */
struct index_pages {
    uint8_t **pages;
    uint32_t page_count, pages_used;
    uint32_t count; /* the highest number ever touched + 1 */
};

struct index_name {
    const char *text;
    uint32_t size, hash;
    uint32_t *pairs;
    uint32_t count, capacity;
    uint32_t live; /* pairs that some series has */
};

struct index_pair {
    const char *value;
    uint32_t hash;
    uint32_t name : 20, size : 12;
    struct postings members; /* series of a metric, rests of any other name */
};

struct index_rest {
    uint32_t *pairs; /* in the order of names; NULL and no series: not in use */
    uint32_t count;
    uint32_t hash; /* not in use: the next such one + 1 */
    struct postings series;
};

struct index_series {
    uint32_t metric; /* pair */
    uint32_t rest;   /* + 1; 0: the series has no labels */
};

struct history_index {
    pthread_rwlock_t lock;
    struct arena texts;
    struct index_pages names, pairs, rests, series;
    struct index_table name_table, pair_table, rest_table, set_table;
    uint32_t free_rests; /* + 1 */
    uint64_t series_count, rest_count, pair_count;
    uint64_t changes;
    atomic_uint_fast64_t removals;
    atomic_uint_least32_t
        last[LABELS_MAX]; /* pairs of the last set: most are those of the next too */
};

/* A set, in numbers. */
struct index_set {
    uint32_t metric;
    uint32_t pairs[LABELS_MAX];
    uint32_t count;
};

static inline void *index_at(const struct index_pages *array, size_t size, uint32_t number)
{
    return array->pages[number / INDEX_PAGE] + size * (number % INDEX_PAGE);
}

static inline struct index_name *index_name(const struct history_index *index, uint32_t number)
{
    return index_at(&index->names, sizeof(struct index_name), number);
}

static inline struct index_pair *index_pair(const struct history_index *index, uint32_t number)
{
    return index_at(&index->pairs, sizeof(struct index_pair), number);
}

static inline struct index_rest *index_rest(const struct history_index *index, uint32_t number)
{
    return index_at(&index->rests, sizeof(struct index_rest), number);
}

/* NULL: no series of that id has labels. */
static inline struct index_series *index_series(const struct history_index *index, uint32_t id)
{
    if (id >= index->series.count || index->series.pages[id / INDEX_PAGE] == NULL) {
        return NULL;
    }
    struct index_series *series = index_at(&index->series, sizeof(*series), id);
    return series->rest != 0 ? series : NULL;
}

/* --- index_symbols.c --- */

/* Makes room for this element. BUSBAR_ENOMEM. */
int index_pages_touch(struct index_pages *array, size_t size, uint32_t number);
void index_pages_fini(struct index_pages *array);

bool index_find_name(const struct history_index *index, const char *text, size_t size,
                     uint32_t *name);
bool index_find_pair(const struct history_index *index, uint32_t name, const char *value,
                     size_t size, uint32_t *pair);
bool index_find_rest(const struct history_index *index, const struct index_set *set,
                     uint32_t *rest);

/* BUSBAR_ENOENT: no series has such a pair. */
int index_find_set(struct history_index *index, const struct label *labels, size_t count,
                   struct index_set *set);
/* Makes what is missing. BUSBAR_ENOMEM, BUSBAR_ELIMIT. */
int index_make_set(struct history_index *index, const struct label *labels, size_t count,
                   struct index_set *set);
/* Finds the rest or makes it, without series; index_drop_rest() when none came. */
int index_make_rest(struct history_index *index, const struct index_set *set, uint32_t *rest);
void index_drop_rest(struct history_index *index, uint32_t rest);

/* Members of a pair; counts what is live. */
int index_pair_add(struct history_index *index, uint32_t pair, uint32_t member);
void index_pair_remove(struct history_index *index, uint32_t pair, uint32_t member);

#endif
