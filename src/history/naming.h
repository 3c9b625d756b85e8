/* SPDX-License-Identifier: Apache-2.0 */
/* Series and their labels: the index, filled from state.db by a thread of its own after the start, from the
 * points by the owner, and by ingest.
 *
 * Lock: `lock` makes changes follow one another; taken before the index's and the state's own. */
#ifndef BUSBAR_HISTORY_NAMING_H
#define BUSBAR_HISTORY_NAMING_H

#include <pthread.h>
#include <stdatomic.h>

#include "history/history.h"
#include "history/index.h"
#include "history/sieve.h"

struct history_naming {
    struct history_index *index;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* with lock */
    struct sieve paths;     /* ids of points, deleted ones too */
    struct sieve points;    /* ids of points that the owner has labeled */
    bool points_done;       /* the owner has labeled all it has */
    bool stop, started;
    atomic_bool loaded;
    pthread_t loader;
};

/* Without memory the index is NULL. */
void history_naming_init(struct history *history);
void history_naming_fini(struct history *history);
/* Starts the loader. */
int history_naming_start(struct history *history);
void history_naming_stop(struct history *history);

/* The lock is held. The series has this set from now on; one of ingest with the same set gives way. */
int history_naming_set_point(struct history *history, uint32_t id, const struct label *labels,
                             size_t count);
/* The loader's thread. */
void history_naming_load(struct history *history);

#endif
