/* SPDX-License-Identifier: Apache-2.0 */
#include "history/postings.h"

#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/sieve.h"

enum {
    LIST_MAX = 4096, /* numbers of a list; a bitmap has 8 KiB too */
    BITMAP_WORDS = 65536 / 64,
    CAPACITY_FIRST = 4,
};

struct postings_container {
    uint16_t upper;
    uint16_t capacity; /* of the list; 0: a bitmap */
    uint32_t count;
    union {
        uint16_t *list;
        uint64_t *bitmap;
    };
};

static bool in_run(const struct postings *set, uint32_t number)
{
    return number - set->first < set->count; /* below first: wraps round to a big one */
}

/* The first container whose upper bits are not below; set->used when there is none. */
static uint32_t find_container(const struct postings *set, uint16_t upper)
{
    uint32_t low = 0, high = set->used;
    if (high > 0 && set->containers[high - 1].upper < upper) {
        return high; /* ids mostly grow */
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (set->containers[middle].upper < upper) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint32_t find_in_list(const struct postings_container *container, uint16_t lower)
{
    uint32_t low = 0, high = container->count;
    if (high > 0 && container->list[high - 1] < lower) {
        return high;
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (container->list[middle] < lower) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool has_bit(const struct postings_container *container, uint16_t lower)
{
    return container->bitmap[lower / 64] >> (lower % 64) & 1;
}

static bool container_holds(const struct postings_container *container, uint16_t lower)
{
    if (container->capacity == 0) {
        return has_bit(container, lower);
    }
    uint32_t at = find_in_list(container, lower);
    return at < container->count && container->list[at] == lower;
}

static int to_bitmap(struct postings_container *container)
{
    uint64_t *bitmap = busbar_try_alloc(BITMAP_WORDS * sizeof(*bitmap));
    if (bitmap == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (uint32_t i = 0; i < container->count; i++) {
        bitmap[container->list[i] / 64] |= UINT64_C(1) << (container->list[i] % 64);
    }
    busbar_free(container->list);
    container->bitmap = bitmap;
    container->capacity = 0;
    return 0;
}

/* By half, and by an eighth when it is big: a million lists must not be half empty. */
static int grow_list(struct postings_container *container)
{
    uint32_t capacity = container->capacity;
    capacity = capacity == 0 ? CAPACITY_FIRST
                             : capacity + (capacity < 64 ? capacity / 2 : capacity / 8);
    capacity = capacity > LIST_MAX ? LIST_MAX : capacity;
    uint16_t *list = busbar_try_realloc(container->list, capacity * sizeof(*list));
    if (list == NULL) {
        return BUSBAR_ENOMEM;
    }
    container->list = list;
    container->capacity = (uint16_t)capacity;
    return 0;
}

/* The number is not in yet. */
static int container_add(struct postings_container *container, uint16_t lower)
{
    if (container->capacity != 0 && container->count == container->capacity) {
        int error = container->count == LIST_MAX ? to_bitmap(container) : grow_list(container);
        if (error != 0) {
            return error;
        }
    }
    if (container->capacity == 0) {
        container->bitmap[lower / 64] |= UINT64_C(1) << (lower % 64);
    } else {
        uint32_t at = find_in_list(container, lower);
        memmove(container->list + at + 1, container->list + at,
                (container->count - at) * sizeof(*container->list));
        container->list[at] = lower;
    }
    container->count++;
    return 0;
}

/* Room grows by powers of two, so that the count alone tells it. */
static int add_container(struct postings *set, uint32_t at, uint16_t upper)
{
    struct postings_container *all = set->containers;
    if ((set->used & (set->used - 1)) == 0) {
        size_t room = set->used == 0 ? 1 : 2 * (size_t)set->used;
        all = busbar_try_realloc(all, room * sizeof(*all));
        if (all == NULL) {
            return BUSBAR_ENOMEM;
        }
        set->containers = all;
    }
    struct postings_container container = { .upper = upper };
    int error = grow_list(&container);
    if (error != 0) {
        return error;
    }
    memmove(all + at + 1, all + at, (set->used - at) * sizeof(*all));
    all[at] = container;
    set->used++;
    return 0;
}

static int add_to_containers(struct postings *set, uint32_t number)
{
    uint16_t upper = (uint16_t)(number >> 16), lower = (uint16_t)number;
    uint32_t at = find_container(set, upper);
    if (at == set->used || set->containers[at].upper != upper) {
        int error = add_container(set, at, upper);
        if (error != 0) {
            return error;
        }
    } else if (container_holds(&set->containers[at], lower)) {
        return 0;
    }
    int error = container_add(&set->containers[at], lower);
    set->count += error == 0;
    return error;
}

static int from_run(const struct postings *run, struct postings *set)
{
    *set = (struct postings){ 0 };
    for (uint32_t i = 0; i < run->count; i++) {
        int error = add_to_containers(set, run->first + i);
        if (error != 0) {
            postings_fini(set);
            return error;
        }
    }
    return 0;
}

int postings_add(struct postings *set, uint32_t number)
{
    if (set->containers != NULL) {
        return add_to_containers(set, number);
    }
    if (in_run(set, number)) {
        return 0;
    }
    bool before = set->count > 0 && number + 1 == set->first;
    if (set->count == 0 || before || number == set->first + set->count) {
        set->first = set->count == 0 || before ? number : set->first;
        set->count++;
        return 0;
    }
    struct postings split;
    int error = from_run(set, &split);
    if (error == 0) {
        error = add_to_containers(&split, number);
        if (error != 0) {
            postings_fini(&split);
            return error;
        }
        *set = split;
    }
    return error;
}

static void to_list(struct postings_container *container)
{
    uint16_t *list = busbar_alloc(LIST_MAX * sizeof(*list));
    uint32_t count = 0;
    for (uint32_t word = 0; word < BITMAP_WORDS; word++) {
        for (uint64_t bits = container->bitmap[word]; bits != 0; bits &= bits - 1) {
            list[count++] = (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
    busbar_free(container->bitmap);
    container->list = list;
    container->capacity = LIST_MAX;
}

static void container_remove(struct postings_container *container, uint16_t lower)
{
    if (container->capacity == 0) {
        container->bitmap[lower / 64] &= ~(UINT64_C(1) << (lower % 64));
        container->count--;
        if (container->count == LIST_MAX / 2) { /* half: not to and fro at the border */
            to_list(container);
        }
        return;
    }
    uint32_t at = find_in_list(container, lower);
    container->count--;
    memmove(container->list + at, container->list + at + 1,
            (container->count - at) * sizeof(*container->list));
}

static void drop_container(struct postings *set, uint32_t at)
{
    busbar_free(set->containers[at].list);
    set->used--;
    memmove(set->containers + at, set->containers + at + 1,
            (set->used - at) * sizeof(*set->containers));
    if (set->used == 0) {
        postings_fini(set);
    } else if ((set->used & (set->used - 1)) == 0) { /* as the count tells the room */
        set->containers = busbar_realloc(set->containers, set->used * sizeof(*set->containers));
    }
}

/* A run loses a number inside. What cannot be had from the failing allocator is asked of the one that
 * aborts. */
static void split_run(struct postings *set, uint32_t number)
{
    struct postings split = { 0 };
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t other = set->first + i;
        while (other != number && add_to_containers(&split, other) != 0) {
            busbar_free(busbar_alloc(BITMAP_WORDS * sizeof(uint64_t)));
        }
    }
    *set = split;
}

void postings_remove(struct postings *set, uint32_t number)
{
    if (!postings_holds(set, number)) {
        return;
    }
    if (set->containers == NULL) {
        if (number == set->first || number == set->first + set->count - 1) {
            set->first += number == set->first;
            set->count--;
        } else {
            split_run(set, number);
        }
        return;
    }
    uint32_t at = find_container(set, (uint16_t)(number >> 16));
    container_remove(&set->containers[at], (uint16_t)number);
    set->count--;
    if (set->containers[at].count == 0) {
        drop_container(set, at);
    }
}

bool postings_holds(const struct postings *set, uint32_t number)
{
    if (set->containers == NULL) {
        return in_run(set, number);
    }
    uint16_t upper = (uint16_t)(number >> 16);
    uint32_t at = find_container(set, upper);
    return at < set->used && set->containers[at].upper == upper &&
           container_holds(&set->containers[at], (uint16_t)number);
}

void postings_fini(struct postings *set)
{
    for (uint32_t i = 0; set->containers != NULL && i < set->used; i++) {
        busbar_free(set->containers[i].list);
    }
    busbar_free(set->containers);
    *set = (struct postings){ 0 };
}

size_t postings_bytes(const struct postings *set)
{
    size_t bytes = 0;
    for (uint32_t i = 0; set->containers != NULL && i < set->used; i++) {
        uint32_t capacity = set->containers[i].capacity;
        bytes += sizeof(*set->containers) +
                 (capacity == 0 ? LIST_MAX : capacity) * sizeof(uint16_t);
    }
    return bytes;
}

static bool each_in(const struct postings_container *container, postings_cb cb, void *ctx)
{
    uint32_t base = (uint32_t)container->upper << 16;
    if (container->capacity != 0) {
        for (uint32_t i = 0; i < container->count; i++) {
            if (!cb(ctx, base | container->list[i])) {
                return false;
            }
        }
        return true;
    }
    for (uint32_t word = 0; word < BITMAP_WORDS; word++) {
        for (uint64_t bits = container->bitmap[word]; bits != 0; bits &= bits - 1) {
            if (!cb(ctx, base | (word * 64 + (uint32_t)__builtin_ctzll(bits)))) {
                return false;
            }
        }
    }
    return true;
}

void postings_each(const struct postings *set, postings_cb cb, void *ctx)
{
    if (set->containers == NULL) {
        for (uint32_t i = 0; i < set->count && cb(ctx, set->first + i); i++) {
        }
        return;
    }
    for (uint32_t i = 0; i < set->used && each_in(&set->containers[i], cb, ctx); i++) {
    }
}

static bool run_into(const struct postings *set, struct sieve *sieve)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (!sieve_add(sieve, set->first + i)) {
            return false;
        }
    }
    return true;
}

bool postings_into(const struct postings *set, struct sieve *sieve)
{
    if (set->containers == NULL) {
        return run_into(set, sieve);
    }
    for (uint32_t i = 0; i < set->used; i++) {
        const struct postings_container *container = &set->containers[i];
        uint64_t *piece = sieve_piece(sieve, container->upper);
        if (piece == NULL) {
            return false;
        }
        if (container->capacity == 0) {
            for (uint32_t word = 0; word < BITMAP_WORDS; word++) {
                piece[word] |= container->bitmap[word];
            }
            continue;
        }
        for (uint32_t at = 0; at < container->count; at++) {
            piece[container->list[at] / 64] |= UINT64_C(1) << (container->list[at] % 64);
        }
    }
    return true;
}
