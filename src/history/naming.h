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
    pthread_cond_t changed;                       /* with lock */
    struct sieve paths;                           /* ids of points, deleted ones too */
    struct sieve points;                          /* ids of points that the owner has labeled */
    struct matchers *rules[HISTORY_POLICIES_MAX]; /* rules[i] is of policy i + 1 */
    size_t rule_count;
    bool had_rules;   /* some series may have a policy that no rule gives */
    bool points_done; /* the owner has labeled all it has */
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
/* naming_policy.c. The lock is held. The policy of a series, by its labels. */
void history_naming_match(struct history *history, uint32_t id, const struct label *labels,
                          size_t count);
void history_naming_free_rules(struct history_naming *naming);
/* The loader's thread. */
void history_naming_load(struct history *history);

#endif
