/* SPDX-License-Identifier: Apache-2.0 */
/* The index: from labels to series and back, in memory, for queries.
 *
 * A *pair* is a label name with a value, kept once, with its text; texts are never freed before the index, so
 * pointers to them stay valid. A series is its metric's pair and a *rest*: the set of its other pairs,
 * kept once, because the points of a device and the fields of a line share theirs. So 1,000,000 points
 * cost some 15 to 20 bytes each:
 *
 *   series id -> metric's pair, rest number      pages of 1,024
 *   pair      -> series ids (metrics) or rests   sorted (postings.h)
 *   rest      -> pairs, series ids               sorted; matchers look at rests, not at series
 *   name      -> its pairs
 *   hash of a whole set -> series id             for ingest
 *
 * Any thread; one read-write lock inside, held by no call longer than its own work. A select looks
 * at each distinct rest once and stops when *cancel is set. */
#ifndef BUSBAR_HISTORY_INDEX_H
#define BUSBAR_HISTORY_INDEX_H

#include <stdatomic.h>

#include "model/matchers.h"
#include "model/regex.h"

struct history_index;

enum {
    HISTORY_MATCHERS_MAX = MATCHERS_MAX,
    HISTORY_REGEX_BYTES_MAX = REGEX_BYTES_MAX,
};

struct history_index *history_index_new(void); /* NULL: no memory */
void history_index_free(struct history_index *index);

/* Gives a series its labels (a sorted set) or other ones. BUSBAR_EEXIST: another series has this very
 * set, its id in *other. BUSBAR_ENOMEM. */
int history_index_set(struct history_index *index, uint32_t series, const struct label *labels,
                      size_t count, uint32_t *other);
void history_index_remove(struct history_index *index, uint32_t series);

/* The series of exactly this set; 0: none. */
uint32_t history_index_find(struct history_index *index, const struct label *labels, size_t count);

/* Labels of a series, sorted; their texts live as long as the index. 0: unknown. */
size_t history_index_labels(struct history_index *index, uint32_t series,
                            struct label labels[LABELS_MAX]);

/* Series that match all, in the order of ids. Caller frees *series (busbar_free). No matchers: all.
 * BUSBAR_ELIMIT: more than limit. BUSBAR_ECANCELED. BUSBAR_ESYNTAX: an expression, err says which and where. */
int history_index_select(struct history_index *index, const struct label_matcher *matchers,
                         size_t matcher_count, size_t limit, const atomic_bool *cancel,
                         uint32_t **series, size_t *count, struct err *err);

/* Sorted, distinct names (name NULL) or values of one label, of the series that match; cb returns false
 * to stop. No lock is held during cb. Errors as select. */
typedef bool (*history_index_text_cb)(void *ctx, const char *text, size_t size);
int history_index_texts(struct history_index *index, const char *name,
                        const struct label_matcher *matchers, size_t matcher_count,
                        const atomic_bool *cancel, history_index_text_cb cb, void *ctx,
                        struct err *err);

struct history_index_status {
    uint64_t series, rests, names, pairs, symbols, bytes;
    uint64_t changes; /* grows with every change: a cache of answers holds while it stays */
};
void history_index_status(struct history_index *index, struct history_index_status *status);

/* Grows when a series loses its set (removed, or given another one): ids that were found before may be wrong.
 * Cheap, takes no lock. */
uint64_t history_index_removals(const struct history_index *index);

/* The `count` most frequent: metrics by series, or label names by distinct values (status/tsdb). */
struct history_index_top {
    const char *text;
    uint64_t count;
};
size_t history_index_top_metrics(struct history_index *index, struct history_index_top *top,
                                 size_t count);
size_t history_index_top_labels(struct history_index *index, struct history_index_top *top,
                                size_t count);

#endif
