/* SPDX-License-Identifier: Apache-2.0 */
/* Between tail and head lie the entries; before a push, the oldest give way until the gap is wide enough. */
#include "base/ring.h"

#include <string.h>

#include "base/alloc.h"

enum { HEADER_BYTES = 4, CAPACITY_MIN = 64 };
#define WRAP UINT32_MAX

static size_t entry_bytes(size_t size)
{
    return (HEADER_BYTES + size + 7) & ~(size_t)7;
}

static uint32_t header_at(const struct ring *ring, size_t at)
{
    uint32_t size;
    memcpy(&size, ring->data + at, sizeof(size));
    return size;
}

static void put_header(struct ring *ring, size_t at, uint32_t size)
{
    memcpy(ring->data + at, &size, sizeof(size));
}

void ring_init(struct ring *ring, size_t capacity)
{
    if (capacity < CAPACITY_MIN) {
        capacity = CAPACITY_MIN;
    }
    *ring = (struct ring){ .capacity = (capacity + 7) & ~(size_t)7 };
}

void ring_fini(struct ring *ring)
{
    busbar_free(ring->data);
    *ring = (struct ring){ .capacity = ring->capacity };
}

void ring_clear(struct ring *ring)
{
    ring->head = 0;
    ring->tail = 0;
    ring->count = 0;
}

/* Where the entry at or after `at` begins: follows the mark at the end. */
static size_t entry_at(const struct ring *ring, size_t at)
{
    return at == ring->capacity || header_at(ring, at) == WRAP ? 0 : at;
}

static void drop_oldest(struct ring *ring)
{
    size_t at = entry_at(ring, ring->tail);
    ring->tail = at + entry_bytes(header_at(ring, at));
    ring->count--;
    if (ring->count == 0) {
        ring_clear(ring);
    } else {
        ring->tail = entry_at(ring, ring->tail);
    }
}

/* Bytes from head that may be written now without touching an entry. */
static size_t gap_bytes(const struct ring *ring)
{
    if (ring->count == 0 || ring->head > ring->tail) {
        return ring->capacity - ring->head;
    }
    return ring->tail - ring->head;
}

void *ring_push(struct ring *ring, size_t size)
{
    if (size > ring->capacity - HEADER_BYTES || entry_bytes(size) > ring->capacity) {
        return NULL;
    }
    if (ring->data == NULL) {
        ring->data = busbar_try_alloc(ring->capacity);
        if (ring->data == NULL) {
            return NULL;
        }
    }
    size_t needed = entry_bytes(size);
    while (gap_bytes(ring) < needed) {
        if (ring->count > 0 && ring->head <= ring->tail) {
            drop_oldest(ring);
        } else { /* the entries end before the end: go on at the start */
            if (ring->head < ring->capacity) {
                put_header(ring, ring->head, WRAP);
            }
            ring->head = 0;
        }
    }
    put_header(ring, ring->head, (uint32_t)size);
    void *data = ring->data + ring->head + HEADER_BYTES;
    ring->head += needed;
    ring->count++;
    ring->pushed++;
    return data;
}

const void *ring_next(const struct ring *ring, struct ring_cursor *cursor, size_t *size)
{
    if (cursor->seen == ring->count) {
        return NULL;
    }
    size_t at = entry_at(ring, cursor->seen == 0 ? ring->tail : cursor->at);
    *size = header_at(ring, at);
    cursor->at = at + entry_bytes(*size);
    cursor->seen++;
    return ring->data + at + HEADER_BYTES;
}
