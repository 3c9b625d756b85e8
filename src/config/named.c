/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands and the events of a device have in common: each is a name with a map below it, in which some keys
 * are ours and the others the protocol's; a profile's are replaced by the device's own of the same name. */
#include <string.h>

#include "base/hash.h"
#include "config/load.h"

static const struct config_named *item(const void *items, size_t size, size_t index)
{
    return (const void *)((const char *)items + index * size);
}

const struct config_named *named_find(const void *items, size_t count, size_t size,
                                      const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(item(items, size, i)->name, name) == 0) {
            return item(items, size, i);
        }
    }
    return NULL;
}

void *named_merge(struct load *load, struct named_list base, struct named_list own, size_t size,
                  size_t *count)
{
    char *merged = load_alloc(load, (base.count + own.count) * size);
    *count = 0;
    if (merged == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < base.count; i++) {
        const struct config_named *theirs = item(base.items, size, i);
        const struct config_named *mine = named_find(own.items, own.count, size, theirs->name);
        memcpy(merged + (*count)++ * size, mine != NULL ? mine : theirs, size);
    }
    for (size_t i = 0; i < own.count; i++) {
        const struct config_named *mine = item(own.items, size, i);
        if (named_find(base.items, base.count, size, mine->name) == NULL) {
            memcpy(merged + (*count)++ * size, mine, size);
        }
    }
    return merged;
}

size_t named_count(const struct yaml_node *node)
{
    size_t count = 0;
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        count++;
    }
    return count;
}

bool named_begin(struct load *load, uint16_t file, const struct yaml_node *at, const char *what,
                 struct config_named *named)
{
    const char *name = load_text(load, at->key->text);
    *named = (struct config_named){ .name = name, .title = "", .at = load_at(load, file, at->key) };
    return name != NULL && load_name(load, what, name, named->at) &&
           load_is_map(load, file, at, name);
}

void named_option(struct load *load, uint16_t file, const struct yaml_node *at,
                  const struct option *options, int row, struct named_draft *draft)
{
    struct setting *out = &draft->set[draft->set_count];
    if (!load_scalar(load, file, &options[row], at, &out->value)) {
        return;
    }
    out->option = (uint16_t)row;
    out->at = load_at(load, file, at);
    (void)load_keep(load, &options[row], &out->value); /* without memory all of it ends */
    draft->set_count++;
}

void named_end(struct load *load, const struct named_draft *draft, struct config_named *named)
{
    struct setting *set = load_alloc(load, draft->set_count * sizeof(*set));
    if (set != NULL) {
        memcpy(set, draft->set, draft->set_count * sizeof(*set));
        named->set = set;
        named->set_count = draft->set_count;
    }
    named->broken = load->problems->errors > draft->errors || load->out_of_memory;
}

uint64_t named_hash(const struct load *load, const struct option *options,
                    const struct config_named *named, uint64_t hash)
{
    uint64_t sum = 0; /* the order in which settings were written does not matter */
    hash = load_mix(hash, hash_text(named->name));
    hash = load_mix(hash, hash_text(named->title));
    for (size_t i = 0; i < named->set_count; i++) {
        const struct setting *set = &named->set[i];
        sum += load_mix_setting(load, 0, &options[set->option], set->option, set->value);
    }
    return load_mix(hash, sum);
}
