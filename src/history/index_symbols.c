/* SPDX-License-Identifier: Apache-2.0 */
/* Names, pairs and rests: each once. Names and pairs stay for ever, rests go with their last series. */
#include <string.h>

#include "base/hash.h"
#include "history/index_private.h"

struct text_key {
    const char *text;
    size_t size;
    uint32_t name, hash;
};

/* --- pages --- */

int index_pages_touch(struct index_pages *array, size_t size, uint32_t number)
{
    uint32_t page = number / INDEX_PAGE;
    if (page >= array->page_count) {
        uint8_t **pages = busbar_try_realloc(array->pages, (page + 1) * sizeof(*pages));
        if (pages == NULL) {
            return BUSBAR_ENOMEM;
        }
        memset(pages + array->page_count, 0, (page + 1 - array->page_count) * sizeof(*pages));
        array->pages = pages;
        array->page_count = page + 1;
    }
    if (array->pages[page] == NULL) {
        array->pages[page] = busbar_try_alloc(INDEX_PAGE * size);
        if (array->pages[page] == NULL) {
            return BUSBAR_ENOMEM;
        }
        array->pages_used++;
    }
    array->count = number >= array->count ? number + 1 : array->count;
    return 0;
}

void index_pages_fini(struct index_pages *array)
{
    for (uint32_t i = 0; i < array->page_count; i++) {
        busbar_free(array->pages[i]);
    }
    busbar_free(array->pages);
    *array = (struct index_pages){ 0 };
}

/* --- names --- */

static uint32_t hash_of_name(const void *ctx, uint32_t number)
{
    const struct history_index *index = ctx;
    return index_name(index, number)->hash;
}

static bool equals_name(const void *ctx, uint32_t number, const void *wanted)
{
    const struct history_index *index = ctx;
    const struct index_name *name = index_name(index, number);
    const struct text_key *key = wanted;
    return name->hash == key->hash && name->size == key->size &&
           memcmp(name->text, key->text, key->size) == 0;
}

static struct text_key name_key(const char *text, size_t size)
{
    uint64_t hash = hash_keyed(text, size);
    return (struct text_key){ .text = text, .size = size, .hash = (uint32_t)(hash >> 32) };
}

bool index_find_name(const struct history_index *index, const char *text, size_t size,
                     uint32_t *name)
{
    struct text_key key = name_key(text, size);
    return index_table_find(&index->name_table, key.hash, equals_name, index, &key, name);
}

static int make_name(struct history_index *index, const char *text, size_t size, uint32_t *name)
{
    struct text_key key = name_key(text, size);
    if (index_table_find(&index->name_table, key.hash, equals_name, index, &key, name)) {
        return 0;
    }
    uint32_t number = index->names.count;
    if (number == INDEX_NAMES_MAX) {
        return BUSBAR_ELIMIT;
    }
    char *copy = arena_strndup(&index->texts, text, size);
    int error = copy == NULL ? BUSBAR_ENOMEM
                             : index_table_reserve(&index->name_table, hash_of_name, index);
    if (error == 0) {
        error = index_pages_touch(&index->names, sizeof(struct index_name), number);
    }
    if (error != 0) {
        return error;
    }
    *index_name(index, number) = (struct index_name){ .text = copy,
                                                      .size = (uint32_t)size,
                                                      .hash = key.hash };
    index_table_put(&index->name_table, key.hash, number);
    *name = number;
    return 0;
}

/* --- pairs --- */

static uint32_t hash_of_pair(const void *ctx, uint32_t number)
{
    const struct history_index *index = ctx;
    return index_pair(index, number)->hash;
}

static bool equals_pair(const void *ctx, uint32_t number, const void *wanted)
{
    const struct history_index *index = ctx;
    const struct index_pair *pair = index_pair(index, number);
    const struct text_key *key = wanted;
    return pair->hash == key->hash && pair->name == key->name && pair->size == key->size &&
           memcmp(pair->value, key->text, key->size) == 0;
}

static struct text_key pair_key(uint32_t name, const char *value, size_t size)
{
    uint64_t hash = hash_keyed(value, size) + hash_u64(name);
    return (struct text_key){
        .text = value, .size = size, .name = name, .hash = (uint32_t)(hash >> 32)
    };
}

bool index_find_pair(const struct history_index *index, uint32_t name, const char *value,
                     size_t size, uint32_t *pair)
{
    struct text_key key = pair_key(name, value, size);
    return index_table_find(&index->pair_table, key.hash, equals_pair, index, &key, pair);
}

static int reserve_pair(struct index_name *name)
{
    if (name->count < name->capacity) {
        return 0;
    }
    uint32_t capacity = name->capacity == 0 ? 4 : name->capacity + name->capacity / 2;
    uint32_t *pairs = busbar_try_realloc(name->pairs, capacity * sizeof(*pairs));
    if (pairs == NULL) {
        return BUSBAR_ENOMEM;
    }
    name->pairs = pairs;
    name->capacity = capacity;
    return 0;
}

static int make_pair(struct history_index *index, uint32_t name, const char *value, size_t size,
                     uint32_t *pair)
{
    struct text_key key = pair_key(name, value, size);
    if (index_table_find(&index->pair_table, key.hash, equals_pair, index, &key, pair)) {
        return 0;
    }
    uint32_t number = index->pairs.count;
    if (number == INDEX_NUMBERS_MAX || size > LABEL_VALUE_BYTES_MAX) {
        return BUSBAR_ELIMIT;
    }
    struct index_name *owner = index_name(index, name);
    char *copy = arena_strndup(&index->texts, value, size);
    int error = copy == NULL ? BUSBAR_ENOMEM
                             : index_table_reserve(&index->pair_table, hash_of_pair, index);
    error = error == 0 ? reserve_pair(owner) : error;
    if (error == 0) {
        error = index_pages_touch(&index->pairs, sizeof(struct index_pair), number);
    }
    if (error != 0) {
        return error;
    }
    *index_pair(index, number) = (struct index_pair){
        .value = copy, .hash = key.hash, .name = name & 0xfffff, .size = (unsigned)size & 0xfff
    };
    owner->pairs[owner->count++] = number;
    index_table_put(&index->pair_table, key.hash, number);
    *pair = number;
    return 0;
}

int index_pair_add(struct history_index *index, uint32_t pair, uint32_t member)
{
    struct index_pair *to = index_pair(index, pair);
    bool first = to->members.count == 0;
    int error = postings_add(&to->members, member);
    if (error == 0 && first) {
        index_name(index, to->name)->live += pair != INDEX_NO_METRIC;
        index->pair_count += pair != INDEX_NO_METRIC;
    }
    return error;
}

void index_pair_remove(struct history_index *index, uint32_t pair, uint32_t member)
{
    struct index_pair *from = index_pair(index, pair);
    postings_remove(&from->members, member);
    if (from->members.count == 0) {
        index_name(index, from->name)->live -= pair != INDEX_NO_METRIC;
        index->pair_count -= pair != INDEX_NO_METRIC;
    }
}

/* --- sets --- */

/* Is it the name (and the value) of the set before at this place? */
static bool is_last_name(const struct history_index *index, uint32_t pair,
                         const struct label *label)
{
    const struct index_name *name = index_name(index, index_pair(index, pair)->name);
    return name->size == label->name_size && memcmp(name->text, label->name, name->size) == 0;
}

static bool is_last_value(const struct history_index *index, uint32_t number,
                          const struct label *label)
{
    const struct index_pair *pair = index_pair(index, number);
    return pair->size == label->value_size && memcmp(pair->value, label->value, pair->size) == 0;
}

/* make: NULL only looks. */
static int pair_of(struct history_index *make, struct history_index *index,
                   const struct label *label, uint32_t last, uint32_t *pair)
{
    bool same_name = index->pairs.count > 0 && is_last_name(index, last, label);
    uint32_t name;
    if (same_name && is_last_value(index, last, label)) {
        *pair = last;
        return 0;
    }
    int error = 0;
    if (same_name) {
        name = index_pair(index, last)->name;
    } else if (make != NULL) {
        error = make_name(make, label->name, label->name_size, &name);
    } else if (!index_find_name(index, label->name, label->name_size, &name)) {
        error = BUSBAR_ENOENT;
    }
    if (error != 0) {
        return error;
    }
    if (make != NULL) {
        return make_pair(make, name, label->value, label->value_size, pair);
    }
    return index_find_pair(index, name, label->value, label->value_size, pair) ? 0 : BUSBAR_ENOENT;
}

static int set_of(struct history_index *make, struct history_index *index,
                  const struct label *labels, size_t count, struct index_set *set)
{
    set->metric = INDEX_NO_METRIC;
    set->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t pair, last = atomic_load_explicit(&index->last[i], memory_order_relaxed);
        int error = pair_of(make, index, &labels[i], last, &pair);
        if (error != 0) {
            return error;
        }
        if (pair != last) {
            atomic_store_explicit(&index->last[i], pair, memory_order_relaxed);
        }
        if (index_pair(index, pair)->name == INDEX_METRIC) {
            set->metric = pair;
        } else {
            set->pairs[set->count++] = pair;
        }
    }
    return 0;
}

int index_find_set(struct history_index *index, const struct label *labels, size_t count,
                   struct index_set *set)
{
    return set_of(NULL, index, labels, count, set);
}

int index_make_set(struct history_index *index, const struct label *labels, size_t count,
                   struct index_set *set)
{
    return set_of(index, index, labels, count, set);
}

/* --- rests --- */

static uint32_t hash_of_rest(const void *ctx, uint32_t number)
{
    const struct history_index *index = ctx;
    return index_rest(index, number)->hash;
}

static bool equals_rest(const void *ctx, uint32_t number, const void *wanted)
{
    const struct history_index *index = ctx;
    const struct index_rest *rest = index_rest(index, number);
    const struct index_set *set = wanted;
    return rest->count == set->count &&
           memcmp(rest->pairs, set->pairs, set->count * sizeof(*set->pairs)) == 0;
}

static uint32_t hash_of_set(const struct index_set *set)
{
    return (uint32_t)(hash_keyed(set->pairs, set->count * sizeof(*set->pairs)) >> 32);
}

bool index_find_rest(const struct history_index *index, const struct index_set *set, uint32_t *rest)
{
    return index_table_find(&index->rest_table, hash_of_set(set), equals_rest, index, set, rest);
}

/* Out of the postings of its first `count` pairs. */
static void leave_pairs(struct history_index *index, uint32_t number, uint32_t count)
{
    const struct index_rest *rest = index_rest(index, number);
    for (uint32_t i = 0; i < count; i++) {
        index_pair_remove(index, rest->pairs[i], number);
    }
}

static int join_pairs(struct history_index *index, uint32_t number)
{
    const struct index_rest *rest = index_rest(index, number);
    for (uint32_t i = 0; i < rest->count; i++) {
        int error = index_pair_add(index, rest->pairs[i], number);
        if (error != 0) {
            leave_pairs(index, number, i);
            return error;
        }
    }
    return 0;
}

static void release_rest(struct history_index *index, uint32_t number)
{
    struct index_rest *rest = index_rest(index, number);
    busbar_free(rest->pairs);
    *rest = (struct index_rest){ .hash = index->free_rests };
    index->free_rests = number + 1;
}

static int take_rest(struct history_index *index, uint32_t *number)
{
    if (index->free_rests != 0) {
        *number = index->free_rests - 1;
        index->free_rests = index_rest(index, *number)->hash;
        return 0;
    }
    *number = index->rests.count;
    return *number == INDEX_NUMBERS_MAX
               ? BUSBAR_ELIMIT
               : index_pages_touch(&index->rests, sizeof(struct index_rest), *number);
}

int index_make_rest(struct history_index *index, const struct index_set *set, uint32_t *number)
{
    if (index_find_rest(index, set, number)) {
        return 0;
    }
    int error = index_table_reserve(&index->rest_table, hash_of_rest, index);
    error = error == 0 ? take_rest(index, number) : error;
    if (error != 0) {
        return error;
    }
    struct index_rest *rest = index_rest(index, *number);
    size_t bytes = set->count * sizeof(*set->pairs);
    *rest = (struct index_rest){ .count = set->count, .hash = hash_of_set(set) };
    rest->pairs = busbar_try_alloc(bytes);
    if (rest->pairs == NULL) {
        release_rest(index, *number);
        return BUSBAR_ENOMEM;
    }
    memcpy(rest->pairs, set->pairs, bytes);
    error = join_pairs(index, *number);
    if (error != 0) {
        release_rest(index, *number);
        return error;
    }
    index_table_put(&index->rest_table, rest->hash, *number);
    index->rest_count++;
    return 0;
}

void index_drop_rest(struct history_index *index, uint32_t number)
{
    index_table_remove(&index->rest_table, number, hash_of_rest, index);
    leave_pairs(index, number, index_rest(index, number)->count);
    postings_fini(&index_rest(index, number)->series);
    release_rest(index, number);
    index->rest_count--;
}
