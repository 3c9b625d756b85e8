/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted set of small numbers (series ids, numbers of rests), in little memory:
 *
 *   a run       first, first + 1 ... no memory of its own; what comes in the order of ids stays one
 *   containers  65,536 numbers each by their upper bits, sorted; inside a list of the lower 16 bits, and from
 *               4,096 on a bitmap (the split of Roaring bitmaps, Chambi, Lemire and others 2016)
 *
 * All-zero memory is an empty set. Not locked. */
#ifndef BUSBAR_HISTORY_POSTINGS_H
#define BUSBAR_HISTORY_POSTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct postings_container;

struct postings {
    struct postings_container *containers; /* NULL: a run */
    uint32_t count;                        /* of numbers */
    union {
        uint32_t first; /* of the run */
        uint32_t used;  /* containers */
    };
};

void postings_fini(struct postings *set);
/* 0 (also when it is in already), BUSBAR_ENOMEM: unchanged. */
int postings_add(struct postings *set, uint32_t number);
/* Aborts when memory for the smaller form is out. */
void postings_remove(struct postings *set, uint32_t number);
bool postings_holds(const struct postings *set, uint32_t number);
size_t postings_bytes(const struct postings *set);

/* In order; false from the callback stops. */
typedef bool (*postings_cb)(void *ctx, uint32_t number);
void postings_each(const struct postings *set, postings_cb cb, void *ctx);

struct sieve;
/* Adds all of them; false: no memory. */
bool postings_into(const struct postings *set, struct sieve *sieve);

#endif
