/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: where the samples of one series and one time range are: chunks copied from the head, entries
 * of its open buffer, chunks in blocks. A later source wins at the same time. */
#ifndef BUSBAR_HISTORY_SOURCE_H
#define BUSBAR_HISTORY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history_block;

enum history_source_kind { HISTORY_SOURCE_CHUNK, HISTORY_SOURCE_ENTRIES, HISTORY_SOURCE_BLOCK };

struct history_source {
    int64_t first_us, last_us;
    uint32_t count;
    uint8_t kind;
    uint8_t type;   /* ENTRIES: value type */
    bool marked;    /* ENTRIES: marks stand behind the entries */
    uint32_t order; /* the higher wins */
    uint32_t series;
    uint32_t size;               /* of data, or in the file */
    uint64_t offset;             /* BLOCK: in the file */
    void *data;                  /* CHUNK, ENTRIES: owned */
    struct history_block *block; /* BLOCK: held by the sources */
};

struct history_sources {
    struct history_source *all;
    size_t count, capacity;
    struct history_block **blocks; /* held, released by fini */
    size_t block_count, block_capacity;
    uint64_t damaged; /* chunks and index pages that could not be read */
};

void history_sources_init(struct history_sources *sources);
void history_sources_fini(struct history_sources *sources);
/* Forgets the sources, keeps memory and blocks. */
void history_sources_clear(struct history_sources *sources);
/* A new zeroed source at the end, with its order set; NULL: no memory. */
struct history_source *history_sources_add(struct history_sources *sources);

#endif
