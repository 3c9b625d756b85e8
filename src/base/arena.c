/* SPDX-License-Identifier: Apache-2.0 */
/* A list of blocks, the newest is cut from the front; what is too big for a block gets one of its own. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { BLOCK_BYTES_MIN = 4096, BLOCK_BYTES_MAX = 1 << 20, ALIGN = alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){ .max_bytes = max_bytes > 0 ? max_bytes : SIZE_MAX };
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t wanted = BLOCK_BYTES_MIN;
    while (wanted < BLOCK_BYTES_MAX && wanted <= arena->held_bytes) {
        wanted *= 2;
    }
    if (wanted < size) {
        wanted = size;
    }
    struct arena_block *block = busbar_try_alloc(sizeof(*block) + wanted);
    if (block == NULL) {
        return NULL;
    }
    block->size = wanted;
    arena->held_bytes += wanted;
    /* a big single goes behind the newest, whose rest stays in use */
    if (arena->blocks != NULL && arena->blocks->size - arena->blocks->used > wanted - size) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_block) - ALIGN) {
        return NULL;
    }
    size_t rounded = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (rounded == 0) {
        rounded = ALIGN;
    }
    if (rounded > arena->max_bytes - arena->used_bytes) {
        return NULL;
    }
    struct arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < rounded) {
        block = add_block(arena, rounded);
        if (block == NULL) {
            return NULL;
        }
    }
    void *memory = block->data + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t product;
    return __builtin_mul_overflow(count, size, &product) ? NULL : arena_alloc(arena, product);
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_strndup(struct arena *arena, const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    char *copy = arena_alloc(arena, length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length >= 0 ? arena_alloc(arena, (size_t)length + 1) : NULL;
    if (text != NULL) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
    }
    return text;
}

void arena_fini(struct arena *arena)
{
    struct arena_block *block = arena->blocks;
    while (block != NULL) {
        struct arena_block *next = block->next;
        busbar_free(block);
        block = next;
    }
    arena_init(arena, arena->max_bytes);
}
