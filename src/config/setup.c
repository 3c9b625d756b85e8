/* SPDX-License-Identifier: Apache-2.0 */
#include "config/setup.h"

#include <string.h>

#include "base/alloc.h"

const struct setup_part *setup_part(const struct setup *setup, const char *name)
{
    size_t low = 0, high = setup->part_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, setup->parts[middle].name);
        if (order == 0) {
            return &setup->parts[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

struct setup *setup_new(const struct option *options)
{
    struct setup *setup = busbar_alloc(sizeof(*setup));
    setup->settings.options = options;
    arena_init(&setup->arena, 0);
    return setup;
}

void setup_free(struct setup *setup)
{
    if (setup != NULL) {
        prepared_drop(setup->prepared);
        arena_fini(&setup->arena);
        busbar_free(setup);
    }
}

bool setup_equal(const struct setup *a, const struct setup *b)
{
    return a->given == b->given && a->hash == b->hash;
}
