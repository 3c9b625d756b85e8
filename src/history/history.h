/* SPDX-License-Identifier: Apache-2.0 */
/* History: keeps every sample that it acknowledged, and gives it back. A library: no loop, no JSON,
 * no drivers; formats and promises are in docs/history.md.
 *
 *   append -> open record -> log (fdatasync) -> head (memory) -> blocks (files) -> retention
 *   loop      loop           log thread         log thread      keeper thread     keeper thread
 *
 * Threads: history_append(), history_completed(), history_keep(), history_close() belong to one
 * thread (the loop). Everything that reads (history_read ... history_status, cursors) is for any
 * thread and may wait for the disk, so the loop asks through a job; history_last() alone never does.
 * Locks inside, in this order: naming > keeper > blocks > head > append. No callback runs with a lock held.
 *
 * Same point and time again: the last write wins, and it counts as repeated instead of stored. */
#ifndef BUSBAR_HISTORY_HISTORY_H
#define BUSBAR_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "model/bus.h"
#include "model/event.h"
#include "model/matchers.h"
#include "model/sample.h"

struct history;
struct state;

#define HISTORY_KEEP_FOREVER (-1)
#define HISTORY_TIERS_OFF    (-2)
#define HISTORY_SERIES_MAX   0x3ffffffu /* highest series id */

/* Zero in a field means the default. */
struct history_config {
    const char *folder;          /* data folder; history makes `log` and `blocks` in it */
    struct state *state;         /* block catalog and log mark; outlives the history */
    const struct file_ops *file; /* NULL: file_ops_real() */

    /* Called from the log thread when completions wait; the owner then calls history_completed()
     * on the loop. NULL: the owner calls it by itself. */
    void (*wake)(void *ctx);
    void *wake_ctx;

    int64_t commit_us;     /* longest wait for company before a commit; default 10 ms; -1: none */
    size_t record_bytes;   /* open record at most; default 8 MiB; full: BUSBAR_EBUSY */
    size_t segment_bytes;  /* of a log segment; default 16 MiB */
    size_t head_bytes;     /* memory of the head before a block is written early; default 18 MiB */
    size_t log_bytes;      /* log after the mark before a block is written early; default 256 MiB */
    int64_t block_us;      /* a block is written this often; default 2 h */
    int64_t keep_us;       /* default 2 years; HISTORY_KEEP_FOREVER */
    int64_t tiers_keep_us; /* of tiers; default 10 years; HISTORY_KEEP_FOREVER, HISTORY_TIERS_OFF */
    int64_t cold_us;       /* age at which days are recoded and get their tiers; default 2 days */
    uint64_t max_bytes;    /* of blocks; default: half of what is free and used at the start */
    uint64_t free_bytes;   /* oldest blocks go when less is free; default 256 MiB */
    uint64_t cursor_bytes; /* log held for slow cursors at most; default 1 GiB */
    bool no_keeper;        /* tests: no keeper thread, history_step() is called instead */
    bool points_labeled_later; /* the owner will call history_points_labeled() */
    uint64_t events_from; /* not 0: the log is kept from this record on until the cursor of events
                                * (history_events) is done with it */
    uint64_t
        sinks_from; /* not 0: the same for the cursors of sinks, until history_sinks_opened() */
};

/* What was found when the log was read at the start. */
struct history_recovery {
    uint64_t records, samples; /* read back into the head */
    uint64_t damaged_records;  /* skipped: their checksum is wrong */
    uint64_t torn_bytes;       /* cut from the end: never acknowledged */
    uint64_t damaged_files;    /* set aside with the suffix .damaged */
    uint64_t orphan_files;     /* unfinished files removed */
    int64_t took_us;
    char text[384]; /* the first damage in plain words; "" = none */
};

/* Opens, recovers, starts the threads. On error *history is NULL. */
int history_open(const struct history_config *config, struct history **history, struct err *err);
/* Commits what is open, stops the threads, runs the callbacks that are left (with an error when
 * their samples could not be written). NULL is fine. */
void history_close(struct history *history);
/* history_close() will come soon: long work (history_compact_now, merges) ends with BUSBAR_ECANCELED. NULL is
 * fine. Any thread. */
void history_closing(struct history *history);
void history_recovered(const struct history *history, struct history_recovery *recovery);

/* --- append (loop) --- */

/* A bus_store_cb: ctx is the history. Copies the samples; `stored` (may be NULL) runs once from
 * history_completed(), error 0 = on disk. Refused, nothing taken: BUSBAR_ENOSPC (disk full, since
 * the last try to write), BUSBAR_EBUSY (the disk is slow and the record in memory is full),
 * BUSBAR_EIO (no segment can be written), BUSBAR_EINVAL (id 0 or too high, unknown type, text too
 * long), BUSBAR_ENOMEM. After a refusal for space or memory it works again by itself. */
int history_append(void *history, const struct sample *samples, size_t count, bus_stored_cb stored,
                   void *ctx);

/* A bus_store_event_cb: ctx is the history. As history_append(): copied, `stored` after the fdatasync, refused for
 * the same reasons. It is in the log, where history_events() reads it, and nowhere else. */
int history_append_event(void *history, const struct event *event, bus_stored_cb stored, void *ctx);

/* Events on disk since the start. Any thread, never waits. */
uint64_t history_events_committed(const struct history *history);

/* Runs the callbacks of appends that are on disk by now. Returns how many ran. */
size_t history_completed(struct history *history);

/* Asks for a commit now instead of at the end of commit_us. Any thread. */
void history_commit_now(struct history *history);

/* Retention of one series: us, 0 = default, HISTORY_KEEP_FOREVER. At most 250 different values
 * (BUSBAR_ELIMIT). Not stored: the owner says it again after each start. */
int history_keep(struct history *history, uint32_t series, int64_t keep_us);
/* The longest retention of any series, or HISTORY_KEEP_FOREVER. Any thread. */
int64_t history_keep_longest_us(struct history *history);

/* Policies: retention of many series under a name, by age and by bytes. They are numbered from 1 in the order
 * given; 0 is "default", those that have none. A `history_keep()` of a series wins over the age of its
 * policy. Not stored: the owner says them again after each start. */
enum { HISTORY_POLICIES_MAX = 64, HISTORY_POLICY_NAME_MAX = 63 };
struct history_policy {
    char name[HISTORY_POLICY_NAME_MAX + 1];
    int64_t keep_us; /* 0: the default; HISTORY_KEEP_FOREVER */
    uint64_t
        max_bytes; /* of samples in blocks: above it the oldest days go; 0: no limit of its own */
};
/* Replaces all. Series keep their policy's number. BUSBAR_ELIMIT, BUSBAR_EINVAL (keep_us). Any thread. */
int history_policies(struct history *history, const struct history_policy *policies, size_t count);
/* BUSBAR_EINVAL: no such policy or series. Any thread. */
int history_policy_of(struct history *history, uint32_t series, unsigned policy);
/* Which series have which policy: rules[i] is of policy i + 1, the first that matches a series' labels counts, also
 * for series that come later. Takes the matchers over, replaces the ones before. May take long: never on the
 * loop. At most HISTORY_POLICIES_MAX. BUSBAR_ENOMEM: only new series get their policy. */
int history_policy_rules(struct history *history, struct matchers *const *rules, size_t count);
/* The longest that any series is kept, HISTORY_KEEP_FOREVER: older samples need not be taken. Any thread. */
int64_t history_keep_longest_us(struct history *history);

struct history_policy_status {
    char name[HISTORY_POLICY_NAME_MAX + 1];
    int64_t keep_us;
    uint64_t max_bytes;
    uint64_t bytes;        /* of its samples in blocks, as the keeper last counted them */
    uint64_t removed_days; /* because of max_bytes, since the start */
    int64_t oldest_us;     /* INT64_MAX: it has none */
};
/* Of all policies, "default" first. Returns how many. */
size_t history_policy_status(struct history *history, struct history_policy_status *status,
                             size_t max);

/* --- labels: how queries find series (index.h) --- */

struct history_index;
/* Filled in the background after the start: history_index_loaded() says when all is there. */
struct history_index *history_index(struct history *history);
bool history_index_loaded(const struct history *history);
/* For those who must not answer with a part of the series. BUSBAR_EAGAIN: there is no history (NULL), or not
 * all is there yet. */
int history_index_check(const struct history *history, struct err *err);

struct history_labels {
    const struct label *labels; /* a sorted set */
    size_t count;
};

/* All that follows may wait for the disk or for one another: never on the loop. */

/* The series of label sets (of ingest): known ones are found, new ones get an id in state.db and a place in the
 * index, up to 16,384 in a transaction. The same set may come twice. Id 0: the set belongs to a point, nobody
 * else may write it. Waits while the index is being loaded. On an error the ids that are not 0 are good.
 * BUSBAR_ELIMIT (ids are used up), BUSBAR_ENOMEM, BUSBAR_EIO, BUSBAR_ENOSPC, BUSBAR_ECANCELED (closing). */
int history_make_series(struct history *history, const struct history_labels *sets, size_t count,
                        uint32_t *ids, struct err *err);

/* Labels of a point's series; other ones when the configuration changed. A series of ingest with the very same
 * set gives way: it keeps its samples, but is found by no query any more. BUSBAR_EEXIST: another point has
 * it. BUSBAR_ENOMEM, BUSBAR_EINVAL. */
int history_label_point(struct history *history, uint32_t series, const struct label *labels,
                        size_t count);
/* The point left the configuration: its series keeps `__name__` and `device`. */
int history_unlabel_point(struct history *history, uint32_t series);
/* With config.points_labeled_later: all points have their labels now. What is left of the points that are no
 * longer configured is loaded then. */
void history_points_labeled(struct history *history);

/* Takes series out of the index and, those of ingest, out of state.db, after all their samples were deleted. A
 * point that is configured stays. */
int history_forget_series(struct history *history, const uint32_t *series, size_t count);

/* Samples of a series with from <= time < to are gone from every answer when this returns 0, and
 * from the disk at the next merge; what is written to the series afterwards is not touched. All times: call
 * history_forget_series() too. Never on the loop. */
int history_delete(struct history *history, uint32_t series, int64_t from_us, int64_t to_us);

/* The same for many at once, which costs one flush of the head and one transaction. All or none.
 * BUSBAR_EINVAL: a series id or a range is wrong. BUSBAR_ELIMIT: a million deletes wait for the next merge.
 * Else the error of writing the head to disk. */
struct history_deletion {
    uint32_t series;
    int64_t from_us, to_us;
};
int history_delete_many(struct history *history, const struct history_deletion *deletions,
                        size_t count);

/* --- read (numbers in columns, for computing: reader.h) --- */

/* Samples of one read: in time order, one a time. Texts belong to the result. */
struct history_samples {
    struct sample *samples;
    size_t count;
    bool more;        /* the limit was reached; go on from the last time + 1 */
    uint64_t damaged; /* chunks in the range that could not be read and are missing here */
    void *texts;
};
void history_samples_free(struct history_samples *result); /* what it holds, not the struct */

/* The earliest time from from_us on at which there may be a sample in blocks (what is in memory alone does not count:
 * history_flush()); INT64_MAX: there is none. */
int64_t history_next_us(struct history *history, int64_t from_us);
/* The earliest time in blocks, those of tiers too: before it no query finds anything. INT64_MAX: there is
 * none; INT64_MIN: no memory to look. */
int64_t history_begins_us(struct history *history);
/* Before it the samples of a series are not here, or not all of them: they were removed by age or for room, or the
 * history was begun anew. */
int64_t history_here_since(struct history *history, uint32_t series);

/* Samples with from_us <= time < to_us, at most limit (0: 1,000,000).
 * BUSBAR_ENOMEM, BUSBAR_EIO. An unknown series has no samples. */
int history_read(struct history *history, uint32_t series, int64_t from_us, int64_t to_us,
                 size_t limit, struct history_samples *result);

/* Where the samples are over, the buckets are made of tiers (5 minutes, an hour): `first` is NaN then, times
 * are those of the tier, and a sample on the edge of two buckets counts in the earlier one.
 * min, max, sum are over samples that have a number (bool 0/1, int, double) and are not bad. */
struct history_bucket {
    int64_t start_us;
    uint64_t count;                    /* samples in min, max, sum */
    uint64_t bad;                      /* samples of bad quality or without a value */
    uint64_t others;                   /* good text samples and NaN */
    double min, max, sum, first, last; /* undefined when count is 0 */
    int64_t first_us, last_us;         /* times of first and last */
    uint8_t quality;                   /* of the last sample of any kind */
};

struct history_buckets {
    struct history_bucket *buckets; /* empty ones are left out */
    size_t count;
    uint64_t damaged; /* as in history_samples */
};

/* Buckets of step_us from from_us on; the last may be shorter. BUSBAR_ELIMIT: more than 100,000
 * buckets; BUSBAR_EINVAL: step below 1 or from after to. Caller frees buckets (busbar_free). */
int history_buckets(struct history *history, uint32_t series, int64_t from_us, int64_t to_us,
                    int64_t step_us, struct history_buckets *result);

/* The newest sample of a series by time, from memory. False: none. A text value is a copy in *text
 * that the caller frees (text NULL: the value of a text sample is left out, type VALUE_NONE). */
bool history_last(struct history *history, uint32_t series, struct sample *sample,
                  struct text **text);

/* --- ledger --- */

/* stored + repeated = acknowledged samples of the series. `all` is since the first start, `start`
 * since this one (both without samples that are only in damaged records or a damaged series file). */
struct history_counts {
    uint64_t stored_start, repeated_start;
    uint64_t stored_all, repeated_all;
};
void history_counts(struct history *history, uint32_t series, struct history_counts *counts);

/* --- status --- */

enum history_log_state { HISTORY_LOG_OK, HISTORY_LOG_FULL, HISTORY_LOG_FAILED };

struct history_status {
    enum history_log_state log_state;
    int log_error;                             /* of the last try to write; 0 when it worked */
    uint64_t waiting;                          /* samples appended and not on disk yet */
    uint64_t committed;                        /* samples on disk since the start */
    uint64_t events_waiting, events_committed; /* the same of events */
    uint64_t commits;
    uint64_t sequence; /* of the last record on disk */
    uint64_t mark;     /* records up to it are in blocks */
    int64_t fsync_us;  /* last fdatasync */
    int64_t fsync_longest_us;
    uint64_t failed_syncs;  /* segments given up */
    uint64_t written_bytes; /* to log, blocks and series files since the start */
    uint64_t log_bytes, block_bytes, head_bytes; /* files, files, memory */
    uint64_t blocks, series, head_samples, block_samples;
    uint64_t removed_blocks, removed_bytes; /* by retention since the start */
    /* Since ever: taken off the disk by retention, and by deletes. When all is merged,
     * totals.stored_all = head_samples + block_samples + expired + deleted. */
    uint64_t expired_samples, deleted_samples;
    uint64_t tier_bytes, tier_blocks; /* of blocks and block_bytes */
    uint64_t damaged_chunks;          /* met by reads since the start */
    uint64_t damaged_blocks;          /* in so many files, */
    char damaged_path[256];           /* of which this is one; "": none */
    int keeper_error;                 /* of the last background step; 0 when it worked */
    const char *doing;                /* what the keeper is at, in words; "nothing" */
    uint64_t days, cold_days; /* that have blocks of their own; those of them that are recoded */
    uint64_t unmerged_blocks, unmerged_samples; /* not in blocks of days yet */
    uint64_t pending_deletes;                   /* obeyed by reads, not yet on the disk */
    int64_t merged_day; /* the last one whose merge is over, from 1970-01-01; 0: none yet */
    struct history_counts totals;
    uint64_t cursors_released; /* records that the cursor quota let go unread */
};
void history_status(struct history *history, struct history_status *status);

/* --- cursor: the log read by a sink, from any thread, one thread a cursor --- */

struct history_cursor;

/* One log record, decoded. Valid until the next call on the cursor. */
struct history_record {
    uint64_t sequence;
    const struct sample *samples; /* in the order they were appended */
    size_t count;
    struct bytes events; /* for history_next_event() */
};

/* Reads from the first record with a sequence >= `sequence`. name: for status and log lines. Holds
 * log segments back from removal, up to config.cursor_bytes. */
int history_cursor_open(struct history *history, const char *name, uint64_t sequence,
                        struct history_cursor **cursor);
void history_cursor_close(struct history_cursor *cursor);
/* 0; BUSBAR_EAGAIN: nothing new on disk yet; BUSBAR_EDAMAGED: records from `skipped_from` up to the
 * next good one are lost, call again to go on; BUSBAR_EIO, BUSBAR_ENOMEM: call again later. */
int history_cursor_next(struct history_cursor *cursor, struct history_record *record);
/* As history_cursor_next(), but for events only: samples are not decoded (count is 0), and of records without
 * events no more than the head is read. After many of these it returns one without events, so that the caller
 * sees how far it came and can stop. */
int history_cursor_next_events(struct history_cursor *cursor, struct history_record *record);
/* The bytes of the next event of a record, valid until the next call on the cursor: 0, or BUSBAR_ENOENT: that was all;
 * BUSBAR_EDAMAGED: the rest cannot be read. */
int history_next_event_bytes(struct history_record *record, struct bytes *event);
/* The next event of a record. 0: event_decoded_fini() it; BUSBAR_ENOENT: that was all; BUSBAR_EDAMAGED: one cannot be
 * read, go on while there are some left; BUSBAR_ENOMEM: call again later. */
int history_next_event(struct history_record *record, struct event_decoded *event);
/* The cursor that has been open since the start at config.events_from. NULL: there is none. Not to be closed. */
struct history_cursor *history_events(struct history *history);
/* All sinks have their cursors: config.sinks_from holds nothing any more. */
void history_sinks_opened(struct history *history);
/* Everything up to this sequence is done with: its segments may go. */
void history_cursor_done(struct history_cursor *cursor, uint64_t sequence);
/* The last record that it has passed. */
uint64_t history_cursor_at(const struct history_cursor *cursor);
/* What it just gave (`sequence`) is given again by the next call. */
void history_cursor_back(struct history_cursor *cursor, uint64_t sequence);
/* Records that were gone before the cursor came to them (quota, damage). */
uint64_t history_cursor_lost(const struct history_cursor *cursor);

/* What the log has behind the record `sequence`: samples and bytes on disk, by the heads of the records. May read much,
 * never on the loop. *oldest_us: receive time of the first sample there; INT64_MAX: there is none. Any may be NULL. */
int history_log_behind(struct history *history, uint64_t sequence, uint64_t *samples,
                       uint64_t *bytes, int64_t *oldest_us);
/* The same in parts, of the samples only: passes up to `most` records by their heads and adds what they have. 0: there
 * may be more; BUSBAR_EAGAIN: the end; else as history_cursor_next(). */
int history_cursor_count(struct history_cursor *cursor, size_t most, uint64_t *samples);
/* Bytes of log behind a record, from what is in memory. Any thread, never waits. */
uint64_t history_log_bytes_behind(struct history *history, uint64_t sequence);
/* The first record that the log still has, and the one that will be written next. Any thread, never waits. */
void history_log_bounds(struct history *history, uint64_t *first, uint64_t *next);
/* config.cursor_bytes is another from now on; 0: the default. Any thread. */
void history_log_keep(struct history *history, uint64_t bytes);
/* Lets go at once of what no cursor needs, which else is done when a block is written. Never on the loop. */
void history_log_trim(struct history *history);
/* Whether the series is that of a point, also of one that left the configuration. Any thread. */
bool history_is_point(struct history *history, uint32_t series);
/* stored_all + repeated_all of all series that `wanted` says yes to, as they were when *sequence was the last record on
 * disk, no other record counted. Never on the loop. */
int history_count_samples(struct history *history, bool (*wanted)(void *ctx, uint32_t series),
                          void *ctx, uint64_t *samples, uint64_t *sequence);

/* --- upkeep --- */

/* One due piece of background work: write a block, merge blocks, remove old ones. *worked: something
 * was done. The keeper thread calls it; tests call it themselves. Never on the loop. */
int history_step(struct history *history, bool *worked);
/* Writes all that is in the head into blocks now and moves the log mark. Never on the loop. */
int history_flush(struct history *history);
/* Writes the head, merges every day there is, today too, makes the tiers that are due and, with `cold`, recodes all
 * days whatever their age. May take minutes, disturbs neither reads nor appends. Never on the loop.
 * BUSBAR_ECANCELED: history is being closed. */
int history_compact_now(struct history *history, bool cold);

struct history_findings {
    uint64_t segments, records, blocks, chunks, samples, series_files; /* good ones */
    uint64_t events;                                                   /* in the log */
    uint64_t damaged_records, damaged_chunks, damaged_files, missing_blocks, orphan_files;
    uint64_t torn_bytes; /* unfinished end of the log: normal after a crash */
};
typedef void (*history_finding_cb)(void *ctx, const char *text);

/* Reads every byte below folder (not in use by a running history) and checks each checksum and that
 * log, blocks and catalog agree. Changes nothing. 0: all good; BUSBAR_EDAMAGED: each finding was
 * told through the callback (may be NULL). */
int history_verify(const char *folder, struct state *state, struct history_findings *findings,
                   history_finding_cb cb, void *ctx);

#endif
