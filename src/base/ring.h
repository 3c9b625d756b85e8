/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of entries of any size in a fixed number of bytes; a new entry overwrites the oldest ones.
 * Used for the last frames of a device. Memory is taken at the first push.
 *
 * Each entry is stored whole (never across the end): [ u32 size ][ data ][ pad to 8 bytes ]; the size
 * 0xffffffff says "go on at the start".
 */
#ifndef BUSBAR_BASE_RING_H
#define BUSBAR_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *data;
    size_t capacity; /* bytes, a multiple of 8 */
    size_t head;     /* where the next entry goes */
    size_t tail;     /* the oldest entry */
    size_t count;    /* entries held */
    uint64_t pushed; /* entries ever pushed */
};

/* capacity is rounded up to a multiple of 8, at least 64. */
void ring_init(struct ring *ring, size_t capacity);
void ring_fini(struct ring *ring);

/* Room for an entry of `size` bytes, counted as pushed, aligned to 4, to be filled by the caller before the
 * next call. NULL when it cannot fit even in the empty ring, or memory is out. */
void *ring_push(struct ring *ring, size_t size);

/* Forgets all entries, keeps the memory and `pushed`. */
void ring_clear(struct ring *ring);

/* Walks from the oldest to the newest: `struct ring_cursor at = { 0 }; while ((p = ring_next(&r, &at, &size)))`.
 * The ring must not change meanwhile. NULL at the end. */
struct ring_cursor {
    size_t at;
    size_t seen;
};
const void *ring_next(const struct ring *ring, struct ring_cursor *cursor, size_t *size);

#endif
