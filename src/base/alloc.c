/* SPDX-License-Identifier: Apache-2.0 */
/* calloc and realloc of libc, an abort with one line, and the failing hook of the tests. */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static atomic_long try_count;
static atomic_long fail_at;

static void __attribute__((noreturn)) out_of_memory(size_t size)
{
    busbar_log(LOG_LEVEL_ERROR, "base", NULL, "out of memory: no room for %zu bytes, giving up",
               size);
    abort();
}

void *busbar_alloc(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL) {
        out_of_memory(size);
    }
    return memory;
}

void *busbar_alloc_array(size_t count, size_t size)
{
    size_t product;
    if (__builtin_mul_overflow(count, size, &product)) {
        out_of_memory(SIZE_MAX);
    }
    return busbar_alloc(product);
}

void *busbar_realloc(void *memory, size_t size)
{
    void *resized = realloc(memory, size > 0 ? size : 1);
    if (resized == NULL) {
        out_of_memory(size);
    }
    return resized;
}

char *busbar_strdup(const char *text)
{
    return text != NULL ? busbar_strndup(text, strlen(text)) : NULL;
}

char *busbar_strndup(const char *text, size_t size)
{
    if (text == NULL) {
        return NULL;
    }
    size_t length = strnlen(text, size);
    char *copy = busbar_alloc(length + 1);
    memcpy(copy, text, length);
    return copy;
}

static bool fails_now(void)
{
    long number = atomic_fetch_add_explicit(&try_count, 1, memory_order_relaxed) + 1;
    return number == atomic_load_explicit(&fail_at, memory_order_relaxed);
}

void *busbar_try_alloc(size_t size)
{
    return fails_now() ? NULL : calloc(1, size > 0 ? size : 1);
}

void *busbar_try_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : realloc(memory, size > 0 ? size : 1);
}

void busbar_free(void *memory)
{
    free(memory);
}

void alloc_fail_nth(long n)
{
    atomic_store(&try_count, 0);
    atomic_store(&fail_at, n);
}

long alloc_try_count(void)
{
    return atomic_load(&try_count);
}
