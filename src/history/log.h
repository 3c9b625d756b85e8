/* SPDX-License-Identifier: Apache-2.0 */
/* The durable log: segments in a folder, written by one thread, one record a commit.
 *
 * Writing (history_log_write) belongs to the log thread; the list of segments has a lock of its own,
 * because cursors read it and the keeper shortens it. A file is never trusted again after a failed
 * write or fsync: it is closed as it is, and the record goes into a new one.
 *
 * A segment that is done with is not removed: as a spare it becomes the next one, so that a commit writes
 * over blocks that the file has, and the file system has nothing to note. The new head's salt makes what
 * is left in it no record. Spares are given up when the disk is full. */
#ifndef BUSBAR_HISTORY_LOG_H
#define BUSBAR_HISTORY_LOG_H

#include <pthread.h>

#include "history/history.h"
#include "history/segment.h"

enum { HISTORY_LOG_SPARES = 4 };

struct history_log_segment {
    uint64_t number;
    uint64_t first, last; /* sequences; last < first: no record yet */
    uint64_t bytes;       /* up to the end of the last good record */
    bool unreadable;      /* in part: it is kept, as NUMBER.log.damaged, when it is done with */
};

struct history_log {
    const struct file_ops *file;
    char folder[HISTORY_PATH_MAX];
    size_t segment_bytes;

    /* log thread */
    int fd; /* -1: the next write opens a segment */
    uint32_t salt;
    int64_t offset;
    uint64_t number; /* of the newest segment ever */

    pthread_mutex_t lock; /* guards what follows */
    struct history_log_segment *segments;
    size_t count, capacity;
    uint64_t spares[HISTORY_LOG_SPARES]; /* numbers */
    size_t spare_count;
    uint64_t next_sequence;
    uint64_t failed_syncs, written_bytes;
    int64_t fsync_us, fsync_longest_us;
};

/* Called for each record after the mark, in order. Error: replay stops with it. */
typedef int (*history_log_cb)(void *ctx, const struct history_record_head *head,
                              const uint8_t *body);

/* Lists the folder's segments, reads them all, calls back for records above mark, cuts a torn end.
 * Fills records, damaged_records, torn_bytes, damaged_files, orphan_files, text of *found. */
int history_log_open(struct history_log *log, const struct file_ops *file, const char *folder,
                     size_t segment_bytes, uint64_t mark, history_log_cb cb, void *ctx,
                     struct history_recovery *found, struct err *err);
void history_log_close(struct history_log *log);

/* Log thread. Writes the record and one fdatasync; it gets the next sequence.
 * BUSBAR_ENOSPC, BUSBAR_EIO ...: nothing is lost, call again with the same record. */
int history_log_write(struct history_log *log, struct history_record_writer *record,
                      uint64_t *sequence);

/* Lets segments go that hold only records up to `upto`, but not the newest. */
void history_log_forget(struct history_log *log, uint64_t upto);

/* Removes the spare files. Returns whether there were any. Any thread. */
bool history_log_drop_spares(struct history_log *log);

uint64_t history_log_next(struct history_log *log); /* the sequence of the next record */
uint64_t history_log_bytes(struct history_log *log);
/* Bytes of the segments that have records above mark. */
uint64_t history_log_bytes_after(struct history_log *log, uint64_t mark);
/* The same, of the segment that the mark is in only as much as its records above the mark may take. */
uint64_t history_log_part_after(struct history_log *log, uint64_t mark);

/* The segment that holds the first record with a sequence >= `sequence`. False: none yet. */
bool history_log_find(struct history_log *log, uint64_t sequence,
                      struct history_log_segment *segment);
void history_log_path(const struct history_log *log, uint64_t number, char path[HISTORY_PATH_MAX]);

/* Reads a whole segment into *data (grown, aligned; caller frees): size bytes. */
int history_log_load(const struct file_ops *file, const char *path, uint8_t **data,
                     size_t *capacity, size_t *size);

/* Numbers of the files NUMBER + suffix of a folder, ascending. Caller frees. */
int history_list_numbers(const char *folder, const char *suffix, uint64_t **numbers, size_t *count,
                         struct err *err);

#endif
