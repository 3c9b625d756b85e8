/* SPDX-License-Identifier: Apache-2.0 */
/* State: the small things that must survive, in one SQLite database `state.db` of the data folder:
 * series ids of points and label sets, the catalog of history blocks with the log mark, learned limits of devices, holds,
 * where sinks stand, the journal, named values.
 *
 * Every change is one transaction, on disk when the call returns (WAL, synchronous = FULL).
 * Threads: any thread may call; one lock inside makes calls follow one another. A call may wait for the
 * disk (typically under 1 ms, on a slow disk 100 ms), so the loop calls only at start and otherwise
 * hands it to a job. Callbacks run with the lock held and must not call back into state.
 * Damage: a database that cannot be read is an error in plain words (BUSBAR_EDAMAGED), never replaced
 * or emptied; one written by a newer version is left as it is (BUSBAR_EUNSUPPORTED). */
#ifndef BUSBAR_STATE_STATE_H
#define BUSBAR_STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "model/event.h"

struct state;

/* Opens or makes folder/state.db (mode 0600). On error *state is NULL and err says what to do. */
int state_open(const char *folder, struct state **state, struct err *err);
void state_close(struct state *state); /* NULL is fine */

/* Reads the whole database and checks it (slow: for `verify` and `doctor`). BUSBAR_EDAMAGED: err has
 * SQLite's first finding. */
int state_check(struct state *state, struct err *err);

/* Writes a copy of the database, as it is now, to a new file. BUSBAR_EIO, BUSBAR_ENOSPC; err names it. */
int state_backup(struct state *state, const char *path, struct err *err);

/* The reason of the last failed call in plain words, for log lines. Copied into text[size]. */
void state_reason(struct state *state, char *text, size_t size);

/* --- series ids: path -> number from 1, for ever, never used again for another path --- */

#define STATE_PATH_MAX   512u       /* bytes of a path */
#define STATE_SERIES_MAX 0x3ffffffu /* ids ever given out */

/* The ids of many paths at once; new paths get new ids, in the order given (so that points of one
 * device have neighbouring ids). The same path may come twice. One transaction.
 * BUSBAR_ELIMIT: ids are used up, or a path is empty or too long; then nothing was added. */
int state_ids(struct state *state, const char *const *paths, size_t count, uint32_t *ids,
              struct err *err);

/* The last id that was given out, to a path or a series with labels; 0: none yet. */
int state_ids_last(struct state *state, uint32_t *last);
/* From now on ids above `to` are given (others have the ids up to it), if none was given behind `last`; when `to` is not
 * above `last` nothing changes. BUSBAR_EAGAIN: there was one; BUSBAR_ELIMIT: there are not so many. */
int state_ids_reserve(struct state *state, uint32_t last, uint32_t to);

/* The id of one path without making one; BUSBAR_ENOENT. */
int state_id_find(struct state *state, const char *path, uint32_t *id);

/* Every path ever seen, in the order of paths (deleted points too). The callback returns false to
 * stop. */
typedef bool (*state_path_cb)(void *ctx, uint32_t id, const char *path);
int state_paths(struct state *state, state_path_cb cb, void *ctx);

/* Some of them: paths behind `after` ("": from the first on) in their order, at most limit. The lock is held
 * for these only, so a walk through a million keeps nobody waiting. */
typedef void (*state_series_cb)(void *ctx, uint32_t id, const char *text, size_t size);
int state_paths_after(struct state *state, const char *after, size_t limit, state_series_cb cb,
                      void *ctx);

/* The paths of ids, in no order: what is no path's is left out. Reads all paths there are, a part at a time. */
int state_paths_of(struct state *state, const uint32_t *ids, size_t count, state_series_cb cb,
                   void *ctx);

/* --- series with labels (history/index.h): id -> canonical text; ids from the same counter as those of
 * paths, but in a table of their own, so no text can be mistaken for a path --- */

struct state_text {
    const char *text;
    size_t size;
};

/* New series, each text once and none that is there (the caller knows them all): *first, *first + 1 ... One
 * transaction. BUSBAR_ELIMIT: ids are used up. */
int state_label_sets_add(struct state *state, const struct state_text *texts, size_t count,
                         uint32_t *first, struct err *err);
/* Those that are not there are passed over. One transaction. The ids are never given out again. */
int state_label_sets_remove(struct state *state, const uint32_t *ids, size_t count);
/* How many have been removed since ever. */
int state_label_sets_removed(struct state *state, uint64_t *removed);
/* Ids above `after` in their order, at most limit. */
int state_label_sets(struct state *state, uint32_t after, size_t limit, state_series_cb cb,
                     void *ctx);

/* --- catalog of history blocks, and the log mark --- */

struct state_block {
    uint64_t id;            /* names the file */
    int64_t from_us, to_us; /* times of the first and the last sample */
    uint64_t samples, bytes;
    /* The log records it was made from; of two samples of one point and time, that of the block with
     * the later records counts. */
    uint64_t sequence_first, sequence_last;
    uint32_t level; /* of the history: from the log, of a day, of tiers ... */
    uint32_t series;
    int64_t done_us;  /* times up to it are in other blocks already; INT64_MIN: none */
    uint64_t deletes; /* deletions up to this id were obeyed when it was written */
    int64_t tiers_us; /* when the tiers of its day were made from it; 0: they were not */
};

/* What one transaction does: removals first, so that a row is replaced by naming it in both. */
struct state_change {
    const struct state_block *add;
    size_t add_count;
    const uint64_t *remove;
    size_t remove_count;
    uint64_t
        mark; /* not 0: all records up to it are in blocks and in the series file of that number */
    uint64_t expired;      /* samples that retention took off the disk */
    uint64_t deletes_done; /* deletions up to this id are obeyed everywhere and are forgotten */
    int64_t merged_day;    /* not 0: the last day whose merge is over */
};
int state_blocks_change(struct state *state, const struct state_change *change);

/* In the order of ids. *blocks: caller frees with busbar_free (NULL when none). */
int state_blocks(struct state *state, struct state_block **blocks, size_t *count, uint64_t *mark);

/* What retention and deletions took since ever. */
struct state_block_counts {
    uint64_t expired, deleted;
    int64_t merged_day;
};
int state_block_counts(struct state *state, struct state_block_counts *counts);

/* Deletions of samples that blocks still have: from <= time < to, of the records up to `sequence`. */
struct state_deletion {
    uint64_t id; /* growing, never used again; given by state_deletions_add */
    uint32_t series;
    int64_t from_us, to_us;
    uint64_t sequence;
};
/* All in one transaction. samples: how many they take, for the counts. */
int state_deletions_add(struct state *state, struct state_deletion *deletions, size_t count,
                        uint64_t samples);
/* In the order of ids. *deletions: caller frees with busbar_free (NULL when none). *last: the highest id
 * ever given. */
int state_deletions(struct state *state, struct state_deletion **deletions, size_t *count,
                    uint64_t *last);

/* --- learned limits of devices --- */

typedef void (*state_limit_cb)(void *ctx, const char *device, const char *name, int64_t value);
int state_limit_set(struct state *state, const char *device, const char *name, int64_t value);
int state_limits_forget(struct state *state, const char *device);
/* device NULL: of all devices. */
int state_limits(struct state *state, const char *device, state_limit_cb cb, void *ctx);

/* --- journal: who did what, when, with what result; entries are only added --- */

/* Texts are UTF-8, NULL counts as "". At most STATE_JOURNAL_TEXT_MAX bytes of each are kept. */
#define STATE_JOURNAL_TEXT_MAX 4096u

struct state_entry {
    uint64_t id;      /* given by state_journal_add, growing by 1 */
    int64_t time_us;  /* wall clock */
    const char *who;  /* user name, "local", or the part of busbar that did it */
    const char *from; /* address it came from */
    const char *what; /* "write", "pause", "config apply" ... */
    const char *path; /* point, device or file it was done to */
    const char *old_value, *new_value;
    const char *result; /* "written", or the reason it failed */
};

struct state_entry_filter {
    uint64_t before;        /* only ids below; 0: from the newest */
    int64_t from_us, to_us; /* 0: no bound; to_us is exclusive */
    const char *who, *what; /* exact; NULL: any */
    const char *path;       /* glob as in SQLite: * and ?; NULL: any */
    size_t limit;           /* 0: 100; at most 10000 */
};

/* Many entries in one transaction. Ids are written to entries[i].id. */
int state_journal_add(struct state *state, struct state_entry *entries, size_t count);

/* Newest first. The entry is valid during the callback. */
typedef void (*state_entry_cb)(void *ctx, const struct state_entry *entry);
int state_journal(struct state *state, const struct state_entry_filter *filter, state_entry_cb cb,
                  void *ctx);

/* At most `count` entries with ids above `id`, oldest first. */
int state_journal_after(struct state *state, uint64_t id, size_t count, state_entry_cb cb,
                        void *ctx);

/* Removes entries older than before_us; how many in *removed (may be NULL). */
int state_journal_trim(struct state *state, int64_t before_us, uint64_t *removed);

/* --- events (model/event.h): filled from the log, by a mark that moves in the same transaction --- */

#define STATE_EVENTS_MAX 2000000u /* kept; above it the oldest go */
/* The kind of an event that says that the event of its source and key was acknowledged elsewhere. It takes no place;
 * its text says by whom, as far as the device tells. */
#define STATE_EVENT_ACKNOWLEDGED "acknowledged"

struct state_event {
    uint64_t id; /* growing, never used again */
    const struct event *event;
    bool latest;      /* of its source and key: the condition is as it says; false without a key */
    bool open;        /* it can be acknowledged, and is not */
    int64_t acked_us; /* the last try, 0: none; below are "" then */
    const char *acked_by, *note, *result;
};

/* Adds the events that the log's records up to `mark` had, in their order, and moves the mark, all in one transaction.
 * events: their bytes (event_encode); ids (may be NULL): of each, 0 = it is a repetition (event.once), or cannot be read
 * (counted as lost), and is left out. lost: so many
 * records were gone before they were read, for the count. count may be 0. */
int state_events_add(struct state *state, const struct bytes *events, size_t count, uint64_t mark,
                     uint64_t lost, uint64_t *ids);
/* Records up to *mark have been read. *lost: records and events that could not be read, since ever. */
int state_events_mark(struct state *state, uint64_t *mark, uint64_t *lost);

struct state_event_filter {
    uint64_t before;         /* only ids below; 0: from the newest */
    int64_t from_us, to_us;  /* time of the event; 0: no bound; to_us is exclusive */
    const char *source;      /* glob as in SQLite: * and ?; NULL: any */
    const char *kind;        /* exact; NULL: any */
    const char *text;        /* in the text or the source, case of A-Z ignored; NULL: any */
    uint8_t severity;        /* at least */
    bool open;               /* only those that can be acknowledged */
    size_t limit;            /* 0: 100; at most 10000 */
    bool (*stop)(void *ctx); /* asked now and then with the ctx of the callback; NULL: never */
};
/* Newest first. The event is valid during the callback. The lock is given back in between, so that a search through
 * millions keeps nobody waiting; events that come meanwhile are not seen. BUSBAR_ECANCELED: stop said so. */
typedef void (*state_event_cb)(void *ctx, const struct state_event *event);
int state_events(struct state *state, const struct state_event_filter *filter, state_event_cb cb,
                 void *ctx);
/* BUSBAR_ENOENT. */
int state_event_get(struct state *state, uint64_t id, state_event_cb cb, void *ctx);
/* The latest of a source and key. BUSBAR_ENOENT. */
int state_event_find(struct state *state, const char *source, const char *key, state_event_cb cb,
                     void *ctx);

/* What came of an acknowledgement; done false: the event stays open. BUSBAR_ENOENT. */
struct state_event_ack {
    uint64_t id;
    bool done;
    int64_t time_us;
    const char *who, *note, *result;
};
int state_event_ack(struct state *state, const struct state_event_ack *ack);

struct state_event_counts {
    uint64_t first, last; /* ids */
    uint64_t open;
};
int state_event_counts(struct state *state, struct state_event_counts *counts);
/* Removes events received before before_us, and the oldest above STATE_EVENTS_MAX; at most 10,000 in a call, so that
 * nobody waits long. *removed: how many. */
int state_events_trim(struct state *state, int64_t before_us, uint64_t *removed);

/* --- holds: what was written to a point at a priority and not given up yet --- */

struct state_hold {
    const char *path;
    uint8_t priority;
    const char *value, *who, *from; /* texts; NULL counts as "" */
    int64_t since_us, until_us;     /* wall clock; until_us 0: until somebody releases it */
};
/* Takes the place of one of the same path and priority. */
int state_hold_set(struct state *state, const struct state_hold *hold);
int state_hold_remove(struct state *state, const char *path, uint8_t priority);
/* In the order of path and priority. The hold is valid during the callback. */
typedef void (*state_hold_cb)(void *ctx, const struct state_hold *hold);
int state_holds(struct state *state, state_hold_cb cb, void *ctx);

/* --- sinks (sinks/sinks.h): where they stand in the log, their counts, what their targets refused --- */

#define STATE_SINK_NAME_MAX 63u
#define STATE_LOG_ID_SIZE   33u /* 32 hexadecimal digits and a NUL */

struct state_sink_counts { /* as struct sink_counts */
    uint64_t published, repeated, aside, released;
    uint64_t events, events_aside, events_released;
    uint64_t lost; /* records that were damaged or gone before the sink came to them */
};
/* All records before `sequence` are done with, and the first `taken` things of that one. */
struct state_sink_place {
    uint64_t sequence;
    uint32_t taken;
};
struct state_sink {
    char name[STATE_SINK_NAME_MAX + 1];
    char log_id[STATE_LOG_ID_SIZE]; /* of the log that place and counts are of */
    struct state_sink_place place;
    struct state_sink_counts counts;
    bool paused;
    int64_t began_us; /* wall clock */
    /* Of the ledger: samples that history had counted of its series before it began; not known while !counted. It goes
     * below zero where the filter became another. filter: hash of the one that was counted with. */
    bool counted;
    int64_t baseline;
    uint64_t filter;
};
/* As it begins, in the place of one of the same name. */
int state_sink_set(struct state *state, const struct state_sink *sink);
/* Parts of one that is there; BUSBAR_ENOENT. */
int state_sink_move(struct state *state, const char *name, const struct state_sink_place *place,
                    const struct state_sink_counts *counts);
int state_sink_pause(struct state *state, const char *name, bool paused);
/* A baseline, and the place and counts that it was counted for: those are kept too where the sink is not farther already, as
 * the baseline is wrong for what is before them. */
int state_sink_baseline(struct state *state, const char *name, int64_t baseline, uint64_t filter,
                        const struct state_sink_place *place,
                        const struct state_sink_counts *counts);
/* BUSBAR_ENOENT. */
int state_sink_get(struct state *state, const char *name, struct state_sink *sink);
/* In the order of names. */
typedef void (*state_sink_cb)(void *ctx, const struct state_sink *sink);
int state_sinks(struct state *state, state_sink_cb cb, void *ctx);
/* With all that is set aside of it. Fine where there is none. */
int state_sink_remove(struct state *state, const char *name);

/* The id of the log that sinks count by: 32 hexadecimal digits, made at the first call. */
int state_log_id(struct state *state, char id[STATE_LOG_ID_SIZE]);
/* The log goes on as another than it was, from a backup: it gets another id, and sinks go on with it from the places they
 * had then. A target that knows the old one was told of records that this log will never have. */
int state_log_renew(struct state *state);

/* What a target refused for good: a sample, or an event as the log has it. */
struct state_aside {
    uint64_t id;                   /* growing, never used again; given by state_aside_add() */
    struct state_sink_place place; /* behind it: a sink has each only once */
    struct sample sample;          /* without meaning if it is an event */
    const char *path;              /* of the sample's point; "" = none */
    struct bytes event;            /* empty: it is a sample */
    const char *reason;            /* in the target's words */
    int64_t since_us;
};
/* Adds rows, and moves the sink's place and counts (which count them already), in one transaction. Rows that are there
 * are passed over, so that doing it again after a crash changes nothing. Of a sink that has `most` rows no more are kept:
 * they are counted as released, in *counts too. BUSBAR_ENOENT: no such sink. */
int state_aside_add(struct state *state, const char *sink, const struct state_aside *rows,
                    size_t count, uint64_t most, const struct state_sink_place *place,
                    struct state_sink_counts *counts);
/* Rows as long as the callback runs. */
typedef void (*state_aside_cb)(void *ctx, const struct state_aside *row);
/* Newest first, ids below `before` (0: all); oldest first, ids above `after`. limit 0: 100; at most 10000. */
int state_asides(struct state *state, const char *sink, uint64_t before, size_t limit,
                 state_aside_cb cb, void *ctx);
int state_asides_after(struct state *state, const char *sink, uint64_t after, size_t limit,
                       state_aside_cb cb, void *ctx);
/* BUSBAR_ENOENT. */
int state_aside_get(struct state *state, const char *sink, uint64_t id, state_aside_cb cb,
                    void *ctx);
/* Rows there are now, one by one; with `upto` (may be NULL) those only that are not behind this place. */
struct state_aside_count {
    uint64_t samples, events;
};
int state_aside_count(struct state *state, const char *sink, const struct state_sink_place *upto,
                      struct state_aside_count *count);
/* Removes rows and sets the counts (NULL: they stay), in one transaction. Ids that are not there are passed over. */
int state_aside_remove(struct state *state, const char *sink, const uint64_t *ids, size_t count,
                       const struct state_sink_place *place,
                       const struct state_sink_counts *counts);
/* It was refused again: says why. BUSBAR_ENOENT. */
int state_aside_again(struct state *state, const char *sink, uint64_t id, const char *reason,
                      int64_t since_us);

/* The sink goes on from this place: rows behind it go, they will come again. *count: what is left. One transaction. */
int state_aside_settle(struct state *state, const char *sink, const struct state_sink_place *place,
                       struct state_aside_count *count);

/* --- named values --- */

int state_set(struct state *state, const char *key, const char *value); /* NULL removes */
/* BUSBAR_ENOENT when absent. *value: caller frees. */
int state_get(struct state *state, const char *key, char **value);

#endif
