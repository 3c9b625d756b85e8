/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of open buffers. Every poll touches one entry of every series, so what costs is not the copying
 * but the page table walk: these buffers lie in regions of 2 MiB that the kernel may back with huge
 * pages, and their sizes are odd numbers of cache lines, so that entries of one poll do not fall into
 * the same few sets of the cache. Memory of a size class is used again, and given back at the end. */
#ifndef BUSBAR_HISTORY_SLAB_H
#define BUSBAR_HISTORY_SLAB_H

#include <stddef.h>

enum { HISTORY_SLAB_CLASSES = 8 };

struct history_slab_free;
struct history_slab_region;

/* All-zero memory is an empty slab. Not locked: the head's lock guards it. */
struct history_slab {
    struct history_slab_free *free[HISTORY_SLAB_CLASSES];
    struct history_slab_region *regions;
    size_t region_used; /* bytes of the newest region */
};

/* size: at most 8 KiB. Not zeroed. Aborts when memory is out. */
void *history_slab_take(struct history_slab *slab, size_t size);
/* size: as it was taken. */
void history_slab_give(struct history_slab *slab, void *memory, size_t size);
void history_slab_fini(struct history_slab *slab);

#endif
