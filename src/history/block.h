/* SPDX-License-Identifier: Apache-2.0 */
/* A block: an immutable file of chunks, `blocks/NUMBER.blk`. Low byte first.
 *
 *      0  head, 64 bytes: u64 "BBBLK1\0\0" · u32 version · u32 0 · u64 id · zeros · u32 crc32c
 *     64  chunks, sorted by series, then by first time; each: u32 check, chunk (chunk.h)
 *      .  zeros up to a multiple of 4096
 *      .  index pages of 4096 bytes, below
 *      .  sparse index: for each page u32 first series, u32 page check
 *  size - 64  tail: u64 "BBBLKE1\0" · u64 id · u64 index offset · u32 pages · u32 series ·
 *             u64 samples · i64 first time · i64 last time · u32 check of the sparse index ·
 *             u32 check of the tail
 *
 * An index page:
 *      u32 check of the rest · u16 entries · u16 bytes used · u64 offset of its first chunk ·
 *      i64 time · entries, each:
 *        varint series less the one before (the first: less 0), zigzag first time less the last
 *        time before it (the first: less `time`), varint span, varint size, varint count - 1
 *      A chunk begins where the one before it ends.
 *
 * Every check is crc32c, seeded with the block's id and the offset, so that a page that is right but
 * in the wrong place is wrong. */
#ifndef BUSBAR_HISTORY_BLOCK_H
#define BUSBAR_HISTORY_BLOCK_H

#include <stdatomic.h>

#include "base/file.h"
#include "history/chunk.h"
#include "history/source.h"
#include "state/state.h"

/* Ceiling of what a block's index or an encoded series may take in memory while it is made. */
#define HISTORY_WORK_BYTES_MAX ((size_t)1 << 32)

enum { HISTORY_BLOCK_PAGE = 4096, HISTORY_BLOCK_HEAD = 64, HISTORY_BLOCK_TAIL = 64 };

/* What a block has; the catalog keeps it. */
enum history_level {
    HISTORY_LEVEL_LOG,  /* what came between two flushes of the head */
    HISTORY_LEVEL_DAY,  /* one day (days.h) */
    HISTORY_LEVEL_COLD, /* one day, recoded to be as small as can be */
    HISTORY_LEVEL_TIERS /* the downsampled tiers of one day (tiers.h): no series of their own */
};

/* --- writing --- */

struct history_block_writer;

/* Makes folder/NUMBER.tmp. */
int history_block_create(const struct file_ops *file, const char *folder, uint64_t id,
                         struct history_block_writer **writer);
/* One chunk; series and first times must not go down. */
int history_block_add(struct history_block_writer *writer, uint32_t series, const void *chunk,
                      size_t size, const struct history_chunk_info *info);
/* Index, tail, fdatasync, rename, fsync of the folder; fills id, times, samples, bytes, series of *row.
 * On error the file is gone. Frees the writer either way. */
int history_block_finish(struct history_block_writer *writer, struct state_block *row);
void history_block_abandon(struct history_block_writer *writer);

/* --- reading; a block may be used by many threads --- */

/* What a block has of one policy's series. */
struct history_block_part {
    uint64_t bytes;
    int64_t first_us; /* INT64_MAX: nothing */
};

struct history_block {
    const struct file_ops *file;
    int fd;
    atomic_int users;   /* the last release closes */
    atomic_bool unlink; /* removed from the catalog: the last release removes the file */
    bool damaged;       /* keeper: a merge could not read all of it */
    atomic_uint met;    /* damaged pages and chunks that were met in it */
    int64_t looked_us;  /* keeper: when retention last looked into it */
    struct history_block_part *parts; /* keeper: of each policy; NULL: not counted yet */
    uint64_t parts_generation;
    struct state_block row;
    uint64_t index_offset;
    uint32_t pages;
    uint32_t *page_series; /* first series of each page */
    uint32_t *page_checks;
    char path[];
};

/* BUSBAR_EDAMAGED: err says what is wrong. */
int history_block_open(const struct file_ops *file, const char *folder,
                       const struct state_block *row, struct history_block **block,
                       struct err *err);
void history_block_hold(struct history_block *block);
void history_block_release(struct history_block *block);

/* Adds the chunks of a series that overlap [from, to) to sources (as BLOCK), but for those that are in
 * other blocks already (row.done_us). A damaged index page is counted in sources->damaged.
 * BUSBAR_ENOMEM. */
int history_block_collect(struct history_block *block, uint32_t series, int64_t from_us,
                          int64_t to_us, struct history_sources *sources);

/* The same for who asks for one series after the other: where the one before it ended is remembered, so that
 * a page is not read from its start for each. One thread. NULL: no memory. */
struct history_block_place;
struct history_block_place *history_block_place_new(struct history_block *block);
void history_block_place_free(struct history_block_place *place); /* NULL is fine */
int history_block_collect_at(struct history_block_place *place, uint32_t series, int64_t from_us,
                             int64_t to_us, struct history_sources *sources);

/* The chunks of all series numbers from first to last, whatever their times. */
int history_block_collect_keys(struct history_block *block, uint32_t first, uint32_t last,
                               struct history_sources *sources);

/* Reads and checks the chunk of a source into data[source->size]. BUSBAR_EDAMAGED, BUSBAR_EIO. */
int history_block_read(const struct history_source *source, uint8_t *data);

/* Walks all chunks in order: page by page. */
struct history_block_walk {
    struct history_block *block;
    uint32_t page;
    struct history_sources entries;
    size_t at;
};
void history_block_walk_init(struct history_block_walk *walk, struct history_block *block);
void history_block_walk_fini(struct history_block_walk *walk);
/* NULL: the end. Damaged pages are counted in walk->entries.damaged and skipped. *error: BUSBAR_ENOMEM. */
const struct history_source *history_block_walk_next(struct history_block_walk *walk, int *error);

void history_block_path(const char *folder, uint64_t id, const char *suffix, char *path,
                        size_t size);
uint32_t history_block_check(uint64_t id, uint64_t offset, const void *data, size_t size);

#endif
