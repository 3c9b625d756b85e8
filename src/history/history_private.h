/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a history, shared by the files of this folder that work on all of it. */
#ifndef BUSBAR_HISTORY_HISTORY_PRIVATE_H
#define BUSBAR_HISTORY_HISTORY_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "history/block.h"
#include "history/deletes.h"
#include "history/head.h"
#include "history/history.h"
#include "history/log.h"
#include "history/naming.h"
#include "history/record.h"
#include "state/state.h"

enum { HISTORY_KEEPS_MAX = 250 };

struct history_completion {
    uint64_t commit; /* number of the commit that it waits for */
    bus_stored_cb stored;
    void *ctx;
};

/* The double buffer between loop and log thread. */
struct history_appender {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* monotonic clock */
    struct history_record_writer records[2];
    unsigned open;        /* which record is being filled */
    uint64_t open_commit; /* its number, from 1 */
    int64_t open_since_us;
    int64_t began_us; /* the last commit */
    bool awaited;     /* somebody waits to be told about the open record */
    bool urgent, stop, asleep;
    int error; /* of the last try to write; 0 when it worked */
    uint64_t waiting, committed, commits;
    uint64_t events_waiting;
    atomic_uint_fast64_t events_committed;
    atomic_uint_fast64_t done_commit; /* every commit up to it is on disk */

    struct history_completion *completions; /* ring, loop only */
    size_t completion_first, completion_count, completion_capacity;
    pthread_t thread;
    bool started;
};

struct history_block_set {
    pthread_mutex_t lock;
    struct history_block **all; /* in the order of the log records they were made from */
    size_t count, capacity;
    uint64_t mark;
    uint64_t next_id;             /* keeper */
    atomic_uint_fast64_t changes; /* grows whenever a block comes or goes */
    uint64_t missing;             /* in the catalog, but damaged or gone */
};

/* Pages of a byte a series (policies.c). */
struct history_keep_pages {
    uint8_t **all;
    size_t count;
};

struct history_policy_state {
    struct history_policy policy;
    int64_t floor_us; /* what is older was too many bytes; INT64_MIN: nothing was */
    uint64_t bytes, removed_days;
    int64_t oldest_us;
};

struct history_keeps {
    pthread_mutex_t lock;
    struct history_keep_pages own; /* index into values; 0: none */
    int64_t values[HISTORY_KEEPS_MAX];
    size_t count;
    struct history_keep_pages of_policy; /* number of its policy; 0: none */
    struct history_policy_state policies[HISTORY_POLICIES_MAX + 1]; /* [0]: of those without one */
    size_t policy_count;
    uint64_t generation; /* grows when a series may have another policy */
};

/* One merge by day of all that blocks had when it began (days.c). */
struct history_pass {
    bool active;
    uint64_t sequence; /* blocks of the records up to it take part */
    int64_t limit_day; /* the last day that is merged */
    uint64_t deletes;  /* deletions up to it are obeyed */
    uint64_t days;     /* merged so far */
};

/* What the keeper is at. */
enum history_doing {
    HISTORY_DOING_NOTHING,
    HISTORY_DOING_FLUSH,
    HISTORY_DOING_MERGE,
    HISTORY_DOING_COLD,
    HISTORY_DOING_TIERS,
    HISTORY_DOING_REMOVE
};

struct history_keeper {
    pthread_mutex_t work; /* one merge or removal at a time; taken before `lock` */
    pthread_mutex_t lock; /* one flush or delete at a time */
    pthread_mutex_t wait_lock;
    pthread_cond_t wake; /* monotonic clock */
    bool started;
    atomic_bool stop;
    pthread_t thread;
    atomic_int_fast64_t flushed_us; /* monotonic: the last block */
    int64_t tidy_us;                /* monotonic: when retention is looked at next */
    struct history_pass pass;       /* the daily one */
    atomic_int_fast64_t merged_day; /* the last day whose pass is over; 0: none yet */
    bool gentle;                    /* work that can wait leaves half of the time to others */
    int64_t breath_us;              /* monotonic: the last */
    atomic_int doing;               /* enum history_doing */
    atomic_int error;
    atomic_uint_fast64_t written_bytes, removed_blocks, removed_bytes;
    atomic_uint_fast64_t expired, deleted; /* samples, since ever */
};

struct history {
    struct history_config config; /* with the defaults filled in */
    char folder[HISTORY_PATH_MAX];
    char log_folder[HISTORY_PATH_MAX], block_folder[HISTORY_PATH_MAX];
    const struct file_ops *file;
    struct state *state;
    struct history_recovery recovery;
    struct history_log log;
    struct history_head head;
    struct history_appender appender;
    struct history_block_set blocks;
    struct history_deletes deletes;
    struct history_keeps keeps;
    struct history_keeper keeper;
    struct history_naming naming;
    pthread_mutex_t cursor_lock;     /* of archive, too */
    struct history_archive *archive; /* NULL: none */
    struct list cursors;
    uint64_t cursors_released, cursor_bytes;
    uint64_t sinks_from;           /* 0: all sinks have their cursors */
    struct history_cursor *events; /* the journal's; NULL: config.events_from is 0 */
    atomic_uint_fast64_t damaged_chunks;
};

/* --- commit.c --- */
int history_appender_start(struct history *history);
/* Commits what is open, joins the thread, runs what completions are left. */
void history_appender_stop(struct history *history);
void history_appender_fini(struct history *history);

/* --- recover.c: catalog, series file, log; fills history->recovery --- */
int history_recover(struct history *history, struct err *err);
/* Decodes a record and feeds the head (feed.c). */
int history_feed(struct history *history, uint64_t sequence, const uint8_t *body, size_t size);

/* --- blocks.c --- */
void history_blocks_init(struct history_block_set *set);
void history_blocks_fini(struct history_block_set *set);
uint64_t history_blocks_new_id(struct history_block_set *set);
/* All at once for every reader. Takes the added blocks over. The file of a block that is removed goes with
 * its last reader, unless one of the same id is added: then only its row is another one. */
void history_blocks_change(struct history_block_set *set, struct history_block *const *add,
                           size_t add_count, const uint64_t *remove, size_t remove_count);
/* All blocks, held, oldest records first; caller releases each and frees the array. NULL: no memory. */
struct history_block **history_blocks_hold(struct history_block_set *set, size_t *count);
/* A block in the eyes of one reader that asks for many series. */
struct history_place {
    struct history_block *block; /* held by the reader */
    struct history_block_place *at;
    bool asked;
};
/* Adds the chunks of a series in these blocks to sources, oldest block first. */
int history_blocks_collect_at(struct history_place *places, size_t count, uint32_t series,
                              int64_t from_us, int64_t to_us, struct history_sources *sources);
/* The same with all blocks there are, which the sources then hold. */
int history_blocks_collect(struct history_block_set *set, uint32_t series, int64_t from_us,
                           int64_t to_us, struct history_sources *sources);

/* --- keeper.c --- */
void history_keeper_init(struct history *history);
void history_keeper_fini(struct history *history);
int history_keeper_start(struct history *history);
void history_keeper_stop(struct history *history);
/* Log thread: waits while the head has far outgrown its memory. */
void history_keeper_wait(struct history *history);
const char *history_doing_text(enum history_doing doing); /* cold.c */
/* Long work calls it often: writes the head when that is due, rests when the work can wait.
 * BUSBAR_ECANCELED: history is being closed. */
int history_breathe(struct history *history);
/* history_write_block() under keeper.lock. */
int history_flush_locked(struct history *history);

/* keeper.lock is held. */
int history_write_block(struct history *history); /* flush.c */

/* keeper.work is held; *worked: one piece of work was done, there may be more. */
int history_remove_old(struct history *history, bool *worked);  /* retention.c */
int history_merge_days(struct history *history, bool *worked);  /* days.c: the daily pass */
int history_merge_small(struct history *history, bool *worked); /* days.c */
int history_recode(struct history *history, bool *worked);      /* cold.c */
int history_pass_begin(struct history *history, struct history_pass *pass, int64_t limit_day);
int history_pass_step(struct history *history, struct history_pass *pass, bool *worked);
/* tiers.c: writes the tiers of one day anew that have something deleted and no samples to be made from. */
int history_tiers_obey(struct history *history, struct history_block **blocks, size_t count,
                       bool *worked);

/* --- policies.c --- */
void history_keeps_init(struct history_keeps *keeps);
void history_keeps_fini(struct history_keeps *keeps);
/* The number of a series' policy. */
unsigned history_policy_get(struct history *history, uint32_t series);
/* The shortest and the longest retention of any series; INT64_MAX: for ever. */
void history_keep_bounds(struct history *history, int64_t *shortest_us, int64_t *longest_us);
/* Samples of a series before this time are over; INT64_MIN: none. */
int64_t history_expired_before(struct history *history, uint32_t series, int64_t now_us);

/* --- cursor.c --- */
/* The highest sequence whose records no cursor needs (quota applied). */
uint64_t history_cursors_done(struct history *history, uint64_t upto);

/* --- series_file.c: counters and last samples at the log mark, `blocks/MARK.ser` --- */
int history_series_save(struct history *history, uint64_t mark, uint64_t *bytes);
/* BUSBAR_ENOENT, BUSBAR_EDAMAGED (text says what). samples: remembered in head. */
int history_series_load(struct history *history, uint64_t mark, struct err *err);
int history_series_verify(const struct file_ops *file, const char *path, uint64_t mark,
                          struct err *err);

/* Appends copies, texts too; *capacity: of result->samples, grows. BUSBAR_ENOMEM. */
int history_samples_keep(struct history_samples *result, size_t *capacity,
                         const struct sample *samples, size_t count);

#endif
