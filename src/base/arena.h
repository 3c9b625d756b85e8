/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bump arena: many small things with one life (a configuration, the names of a device). Nothing is
 * freed alone. Memory comes in blocks of a quarter of what is held, from 4 KiB to 1 MiB; the sum has a ceiling.
 *
 * Invariants: an allocation is zeroed and, but for texts, aligned for any type; `used_bytes` <= `max_bytes`;
 * pointers stay valid until arena_fini().
 */
#ifndef BUSBAR_BASE_ARENA_H
#define BUSBAR_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used_bytes;          /* what callers asked for, rounded up */
    size_t held_bytes;          /* what the blocks hold */
    size_t max_bytes;
};

/* max_bytes 0: no ceiling. */
void arena_init(struct arena *arena, size_t max_bytes);

/* NULL when the ceiling is reached or memory is out. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);

/* Array of count zeroed elements; NULL also when the product overflows. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* Copies; NULL as above. text must not be NULL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t size);

/* printf into the arena. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees all; the arena can be used again. */
void arena_fini(struct arena *arena);

#endif
