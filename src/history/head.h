/* SPDX-License-Identifier: Apache-2.0 */
/* The head: what is not in a block yet, in memory, and the last sample and counters of every series.
 *
 * Samples are gathered in the stage first (stage.h). Behind it a series has sealed chunks, and an open
 * buffer (entries in time order, growing from 4 to 128) for what is late, marked or too little for a chunk.
 * Nothing is held for a series before its first sample but its share of a page pointer; from then on
 * 64 bytes, in pages of 1,024 series, and 30 of the stage.
 *
 * Writing a block goes by generations: freezing starts a new one at a record's end, everything of
 * older generations is taken into the block and dropped when the catalog has it. A series is moved
 * to the new generation at its next sample or when it is taken, whichever comes first.
 *
 * Fed by the log thread; the lock guards everything, also against readers. */
#ifndef BUSBAR_HISTORY_HEAD_H
#define BUSBAR_HISTORY_HEAD_H

#include <pthread.h>

#include "history/chunk.h"
#include "history/history.h"
#include "history/slab.h"
#include "history/source.h"
#include "history/stage.h"
#include "history/usual.h"

enum {
    HISTORY_PAGE_SERIES = 1024,
    HISTORY_PAGE_GROUPS = HISTORY_PAGE_SERIES / HISTORY_GROUP_SERIES,
    HISTORY_OPEN_MIN = 4,
    HISTORY_OPEN_MAX = 128, /* entries before a chunk is sealed */
};

struct history_entry {
    int64_t time_us;
    union value value; /* text: owned */
};

/* A sealed chunk. */
struct history_node {
    struct history_node *older;
    int64_t first_us, last_us;
    uint32_t size, count;
    uint32_t generation;
    uint8_t data[];
};

struct history_series {
    struct history_entry *open; /* capacity entries, then (when marked) as many history_mark */
    struct history_node *sealed;
    int64_t last_us, last_receive_us;
    union value last;          /* text: owned */
    uint32_t stored, repeated; /* since the last freeze that touched it */
    uint32_t generation;
    uint16_t last_detail, open_count, open_capacity;
    uint8_t last_type, last_quality, open_type;
    bool open_marked : 1;
    bool has_last : 1;
    bool staged : 1; /* has samples in the stage, newer than all else it has */
};

/* Counters up to the last freeze, and of what was before this start. */
struct history_base {
    uint64_t stored, repeated;
    uint64_t stored_before, repeated_before;
    int64_t block_last_us; /* newest time in blocks; INT64_MIN: none */
    uint64_t pending;      /* of stored: frozen and in no block yet */
    uint64_t fresh;        /* of pending: found to be new when the block was written */
};

struct history_page {
    struct history_series series[HISTORY_PAGE_SERIES];
    struct history_base *base;                         /* HISTORY_PAGE_SERIES of them, or NULL */
    struct history_group *groups[HISTORY_PAGE_GROUPS]; /* stage.h; each or NULL */
};

struct history_head {
    pthread_mutex_t lock;
    pthread_cond_t idle; /* feeding or counting became false */
    bool feeding;
    bool counting; /* no record is fed meanwhile */
    struct history_page **pages;
    size_t page_count;
    uint32_t generation;
    uint64_t fed; /* sequence of the last record in the head */
    struct history_slab slab;
    uint64_t stage_bytes; /* part of bytes */
    struct history_coder *coder;
    struct history_column *column;
    struct buf out;
    uint64_t bytes, samples, series_count;
    uint64_t stored, repeated, stored_before, repeated_before; /* of all series */
};

int history_head_init(struct history_head *head);
void history_head_fini(struct history_head *head);

/* --- feeding --- */

/* Log thread (or recovery): all samples of one record between begin and end. */
void history_head_begin(struct history_head *head);
void history_head_add(struct history_head *head, const struct sample *samples, size_t count);
void history_head_add_usual(struct history_head *head, const struct history_usual *usual);
void history_head_end(struct history_head *head, uint64_t sequence);
/* Recovery is over: what has been counted so far was before this start. */
void history_head_started(struct history_head *head);

/* --- reading (any thread) --- */

/* Adds what overlaps [from, to) to sources, oldest first. BUSBAR_ENOMEM. */
int history_head_collect(struct history_head *head, uint32_t series, int64_t from_us, int64_t to_us,
                         struct history_coder *coder, struct history_column *column,
                         struct history_sources *sources);
bool history_head_last(struct history_head *head, uint32_t series, struct sample *sample,
                       struct text **text);
void history_head_counts(struct history_head *head, uint32_t series, struct history_counts *counts);

/* --- writing a block (keeper) --- */

/* Returns the sequence up to which records are frozen. */
uint64_t history_head_freeze(struct history_head *head);
/* The first series >= *series that has samples, or counters in its page. */
bool history_head_next(struct history_head *head, uint32_t *series);
/* Adds the frozen chunks of a series, oldest first, and its newest time in blocks so far. */
int history_head_take(struct history_head *head, uint32_t series, struct history_sources *sources,
                      int64_t *block_last_us);
/* Of the samples taken, `fresh` are at times that no block has; the others are repeated. Counts from
 * the drop on, and in what is recalled. */
void history_head_fresh(struct history_head *head, uint32_t series, uint64_t fresh);
/* The frozen chunks are in a block. */
void history_head_drop(struct history_head *head);

/* What the series file keeps of a series; the text is owned by whoever fills the struct. */
struct history_memory {
    uint32_t series;
    uint64_t stored, repeated;
    int64_t block_last_us;
    bool has_last;
    struct sample last;
    struct text *text;
};
/* Frozen counters and last sample; caller frees text. */
void history_head_recall(struct history_head *head, uint32_t series, struct history_memory *memory);
/* Recovery, before any record is fed; takes text over. */
void history_head_remember(struct history_head *head, const struct history_memory *memory);
/* After a block: the newest time of a series in blocks. */
void history_head_in_block(struct history_head *head, uint32_t series, int64_t last_us);

#endif
