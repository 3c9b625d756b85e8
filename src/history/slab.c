/* SPDX-License-Identifier: Apache-2.0 */
#include "history/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/log.h"

#define REGION_BYTES     ((size_t)2 * 1024 * 1024)
#define LINE_BYTES       ((size_t)64)
#define BUFFER_BYTES_MAX ((size_t)8192)

struct history_slab_free {
    struct history_slab_free *next;
};

struct history_slab_region {
    struct history_slab_region *older;
};

/* Classes: 1, 3, 5, 9, 17, 33, 65, 129 lines: a power of two and, but for the smallest, one more. */
static size_t class_of(size_t size, size_t *bytes)
{
    size_t lines = 1;
    size_t number = 0;
    while (lines * LINE_BYTES < size) {
        lines *= 2;
        number++;
    }
    *bytes = (lines + (lines > 1)) * LINE_BYTES;
    return number;
}

static void add_region(struct history_slab *slab)
{
    struct history_slab_region *region = aligned_alloc(REGION_BYTES, REGION_BYTES);
    if (region == NULL) {
        busbar_log(LOG_LEVEL_ERROR, "history", NULL, "out of memory");
        abort();
    }
    (void)madvise(region, REGION_BYTES, MADV_HUGEPAGE);
    region->older = slab->regions;
    slab->regions = region;
    slab->region_used = LINE_BYTES;
}

void *history_slab_take(struct history_slab *slab, size_t size)
{
    size_t bytes;
    size_t number = class_of(size, &bytes);
    assert(size <= BUFFER_BYTES_MAX && number < HISTORY_SLAB_CLASSES);
    struct history_slab_free *memory = slab->free[number];
    if (memory != NULL) {
        slab->free[number] = memory->next;
        return memory;
    }
    if (slab->regions == NULL || slab->region_used + bytes > REGION_BYTES) {
        add_region(slab);
    }
    memory = (struct history_slab_free *)(void *)((char *)slab->regions + slab->region_used);
    slab->region_used += bytes;
    return memory;
}

void history_slab_give(struct history_slab *slab, void *memory, size_t size)
{
    size_t bytes;
    if (memory == NULL) {
        return;
    }
    struct history_slab_free *entry = memory;
    size_t number = class_of(size, &bytes);
    entry->next = slab->free[number];
    slab->free[number] = entry;
}

void history_slab_fini(struct history_slab *slab)
{
    while (slab->regions != NULL) {
        struct history_slab_region *region = slab->regions;
        slab->regions = region->older;
        free(region);
    }
    *slab = (struct history_slab){ 0 };
}
