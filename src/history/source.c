/* SPDX-License-Identifier: Apache-2.0 */
#include "history/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/block.h"

void history_sources_init(struct history_sources *sources)
{
    *sources = (struct history_sources){ 0 };
}

void history_sources_clear(struct history_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        busbar_free(sources->all[i].data);
    }
    sources->count = 0;
    sources->hole_count = 0;
}

void history_sources_fini(struct history_sources *sources)
{
    history_sources_clear(sources);
    for (size_t i = 0; i < sources->block_count; i++) {
        history_block_release(sources->blocks[i]);
    }
    busbar_free(sources->blocks);
    busbar_free(sources->holes);
    busbar_free(sources->all);
    history_sources_init(sources);
}

struct history_source *history_sources_add(struct history_sources *sources)
{
    if (sources->count == sources->capacity) {
        size_t capacity = sources->capacity > 0 ? 2 * sources->capacity : 64;
        struct history_source *all = busbar_try_realloc(sources->all,
                                                        capacity * sizeof(*sources->all));
        if (all == NULL) {
            return NULL;
        }
        sources->all = all;
        sources->capacity = capacity;
    }
    struct history_source *source = &sources->all[sources->count];
    *source = (struct history_source){ .order = (uint32_t)sources->count };
    sources->count++;
    return source;
}

int history_sources_hide(struct history_sources *sources, int64_t from_us, int64_t to_us,
                         uint32_t order)
{
    if (sources->hole_count == sources->hole_capacity) {
        size_t capacity = sources->hole_capacity > 0 ? 2 * sources->hole_capacity : 4;
        struct history_hole *holes = busbar_try_realloc(sources->holes, capacity * sizeof(*holes));
        if (holes == NULL) {
            return BUSBAR_ENOMEM;
        }
        sources->holes = holes;
        sources->hole_capacity = capacity;
    }
    sources->holes[sources->hole_count++] = (struct history_hole){ from_us, to_us, order };
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct history_source *left = a;
    const struct history_source *right = b;
    if (left->first_us != right->first_us) {
        return left->first_us < right->first_us ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

void history_sources_sort(struct history_sources *sources)
{
    bool sorted = true; /* as they mostly come */
    for (size_t i = 1; i < sources->count && sorted; i++) {
        sorted = by_time(&sources->all[i - 1], &sources->all[i]) < 0;
    }
    if (!sorted) {
        qsort(sources->all, sources->count, sizeof(*sources->all), by_time);
    }
}
