/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes: what a person took away. A delete is a row in the catalog and here (its *deletion*); reads leave out
 * what it covers at once, and merging leaves it out of what it writes.
 *
 * The head is written into a block first, so a deletion concerns blocks only: those whose row says that
 * they were written before it (row.deletes < id). What comes later is in later blocks. When all blocks
 * that had some of it are written anew it is forgotten. */
#ifndef BUSBAR_HISTORY_DELETES_H
#define BUSBAR_HISTORY_DELETES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "history/source.h"
#include "state/state.h"

struct history;
struct history_block;

enum { HISTORY_DELETES_MAX = 1000000 }; /* that are not obeyed on the disk yet */

struct history_deletes {
    pthread_rwlock_t lock;      /* innermost of all */
    struct state_deletion *all; /* by series, then id */
    size_t count, capacity;
    uint64_t last; /* highest id ever */
};

void history_deletes_init(struct history_deletes *deletes);
void history_deletes_fini(struct history_deletes *deletes);
/* From the catalog, at the start. */
int history_deletes_load(struct history *history);
/* Last samples that deletions cover and that the series file had: taken back before the log is read. */
int history_deletes_recover(struct history *history, uint64_t mark);

uint64_t history_deletes_last(struct history_deletes *deletes);
/* There are deletions after this one. */
bool history_deletes_after(struct history_deletes *deletes, uint64_t id);
size_t history_deletes_count(struct history_deletes *deletes);
/* Drops those up to this id. */
void history_deletes_forget(struct history_deletes *deletes, uint64_t id);

/* Deletions of one series, copied. */
struct history_deletion_list {
    struct state_deletion *all;
    size_t count;
};
/* Those that overlap [from, to). BUSBAR_ENOMEM. Caller frees list->all with busbar_free(). */
int history_deletes_find(struct history_deletes *deletes, uint32_t series, int64_t from_us,
                         int64_t to_us, struct history_deletion_list *list);
/* Hides in sources (not sorted yet) what they cover. BUSBAR_ENOMEM. */
int history_deletes_hide(const struct history_deletion_list *list, struct history_sources *sources);
/* Both in one, for sources that are all there. */
int history_deletes_apply(struct history_deletes *deletes, uint32_t series,
                          struct history_sources *sources);

/* Whether a block has anything that a deletion after its own covers. BUSBAR_ENOMEM. */
int history_deletes_touch(struct history_deletes *deletes, struct history_block *block,
                          bool *touched);

#endif
