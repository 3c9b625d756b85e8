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
    size_t wanted = arena->held_bytes / 4 / BLOCK_BYTES_MIN * BLOCK_BYTES_MIN;
    wanted = wanted > BLOCK_BYTES_MIN ? wanted : BLOCK_BYTES_MIN;
    wanted = wanted < BLOCK_BYTES_MAX ? wanted : BLOCK_BYTES_MAX;
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

/* size > 0; at a multiple of align, a power of two. */
static void *cut(struct arena *arena, size_t size, size_t align)
{
    struct arena_block *block = arena->blocks;
    size_t gap = block != NULL ? (align - block->used % align) % align : 0;
    if (size > SIZE_MAX - sizeof(*block) - ALIGN ||
        size + gap > arena->max_bytes - arena->used_bytes) {
        return NULL;
    }
    if (block == NULL || block->size - block->used < size + gap) {
        block = add_block(arena, size);
        if (block == NULL) {
            return NULL;
        }
        gap = (align - block->used % align) % align;
    }
    void *memory = block->data + block->used + gap;
    block->used += size + gap;
    arena->used_bytes += size + gap;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return cut(arena, size > 0 ? size : 1, ALIGN);
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
    char *copy = cut(arena, length + 1, 1);
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
    char *text = length >= 0 ? cut(arena, (size_t)length + 1, 1) : NULL;
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
