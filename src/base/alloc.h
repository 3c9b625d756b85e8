/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation. Two kinds, chosen by who decides the size:
 *   busbar_alloc ...   small control memory: zeroed, and the process aborts (one log line) when none is
 *                      left; the durable log's promise holds after an abort
 *   busbar_try_...     what a peer, a file or a query sizes: NULL when none is left; the caller fails
 *                      the one request
 * All of it is freed with busbar_free(). Safe from every thread.
 */
#ifndef BUSBAR_BASE_ALLOC_H
#define BUSBAR_BASE_ALLOC_H

#include <stddef.h>

/* Zeroed memory of at least one byte; never NULL. */
void *busbar_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* Zeroed array; a product over SIZE_MAX aborts. */
void *busbar_alloc_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Resizes (new bytes are not zeroed); memory may be NULL. Never NULL. */
void *busbar_realloc(void *memory, size_t size) __attribute__((returns_nonnull));

/* Copies; text may be NULL, then so is the result. Caller frees. */
char *busbar_strdup(const char *text);
char *busbar_strndup(const char *text, size_t size);

/* Zeroed memory, or NULL when none is left (or the test hook says so). */
void *busbar_try_alloc(size_t size) __attribute__((malloc));

/* Resizes; NULL when none is left, then `memory` is still valid. */
void *busbar_try_realloc(void *memory, size_t size);

/* NULL is fine. */
void busbar_free(void *memory);

/* Tests: the n-th busbar_try_* call from now on fails (1: the next one), once; 0: none fails. */
void alloc_fail_nth(long n);

/* Tests: busbar_try_* calls since the last alloc_fail_nth(). */
long alloc_try_count(void);

#endif
