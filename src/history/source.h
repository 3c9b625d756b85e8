/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: where the samples of one series and one time range are: chunks copied from the head, entries
 * of its open buffer, chunks in blocks. A later source wins at the same time. A hole (a delete) hides
 * what is in the sources before it. */
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

/* Samples with from <= time < to of sources with a lower order are gone. */
struct history_hole {
    int64_t from_us, to_us;
    uint32_t order;
};

struct history_sources {
    struct history_source *all;
    size_t count, capacity;
    struct history_hole *holes;
    size_t hole_count, hole_capacity;
    bool borrowed; /* somebody else holds the blocks for as long as the sources are used */
    struct history_block **blocks; /* held, released by fini */
    size_t block_count, block_capacity;
    uint64_t damaged; /* chunks and index pages that could not be read */
};

void history_sources_init(struct history_sources *sources);
void history_sources_fini(struct history_sources *sources);
/* Forgets sources and holes, keeps memory and blocks. */
void history_sources_clear(struct history_sources *sources);
/* A new zeroed source at the end, with its order set; NULL: no memory. */
struct history_source *history_sources_add(struct history_sources *sources);
/* By first time; of those that begin together the one that loses first. */
void history_sources_sort(struct history_sources *sources);
/* Hides samples with from <= time < to of the sources with an order below `order`. BUSBAR_ENOMEM. */
int history_sources_hide(struct history_sources *sources, int64_t from_us, int64_t to_us,
                         uint32_t order);

/* A sample of a source of this order is hidden. */
static inline bool history_sources_hidden(const struct history_sources *sources, uint32_t order,
                                          int64_t time_us)
{
    for (size_t i = 0; i < sources->hole_count; i++) {
        const struct history_hole *hole = &sources->holes[i];
        if (order < hole->order && time_us >= hole->from_us && time_us < hole->to_us) {
            return true;
        }
    }
    return false;
}

/* Something of a source may be hidden. */
static inline bool history_sources_pierced(const struct history_sources *sources,
                                           const struct history_source *source)
{
    for (size_t i = 0; i < sources->hole_count; i++) {
        const struct history_hole *hole = &sources->holes[i];
        if (source->order < hole->order && source->first_us < hole->to_us &&
            source->last_us >= hole->from_us) {
            return true;
        }
    }
    return false;
}

#endif
