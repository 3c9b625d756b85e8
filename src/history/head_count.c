/* SPDX-License-Identifier: Apache-2.0 */
/* Counting samples of many series at the end of one record: all counters are copied while no record is being fed, a page
 * at a time, so that readers wait for a page at most; what else may happen meanwhile (settling, freezing, a block that is
 * written) moves samples from one counter to another of the same series. They are looked at when the lock is given back, as
 * who asks may have to look up what a series is. */
#include "base/alloc.h"
#include "history/head_private.h"
#include "history/history_private.h"

enum { GROW_PAGES = 64, GROW_TRIES = 100 };

struct count_page {
    size_t number;
    uint64_t counts[HISTORY_PAGE_SERIES];
};

struct count_copy {
    struct count_page *pages;
    size_t count, capacity;
    uint64_t sequence;
};

static size_t used_pages(const struct history_head *head)
{
    size_t used = 0;
    for (size_t p = 0; p < head->page_count; p++) {
        used += head->pages[p] != NULL;
    }
    return used;
}

static void copy_page(const struct history_head *head, size_t number, struct count_page *copy)
{
    const struct history_page *page = head->pages[number];
    copy->number = number;
    for (size_t i = 0; i < HISTORY_PAGE_SERIES; i++) {
        const struct history_series *series = &page->series[i];
        copy->counts[i] = (uint64_t)series->stored + series->repeated;
        if (page->base != NULL) {
            copy->counts[i] += page->base[i].stored + page->base[i].repeated;
        }
        if (series->staged) {
            uint32_t id = (uint32_t)(number * HISTORY_PAGE_SERIES + i);
            copy->counts[i] += history_stage_copy(head, id, NULL);
        }
    }
}

/* False: there are more pages than room. */
static bool copy_pages(struct history_head *head, struct count_copy *copy)
{
    for (size_t p = 0; p < head->page_count; p++) {
        if (head->pages[p] != NULL) {
            if (copy->count == copy->capacity) {
                return false;
            }
            copy_page(head, p, &copy->pages[copy->count++]);
            pthread_mutex_unlock(&head->lock);
            pthread_mutex_lock(&head->lock);
        }
    }
    return true;
}

static bool copy_all(struct history_head *head, struct count_copy *copy)
{
    pthread_mutex_lock(&head->lock);
    while (head->feeding || head->counting) {
        pthread_cond_wait(&head->idle, &head->lock);
    }
    head->counting = true;
    copy->count = 0;
    bool room = copy_pages(head, copy);
    copy->sequence = head->fed;
    head->counting = false;
    pthread_cond_broadcast(&head->idle);
    pthread_mutex_unlock(&head->lock);
    return room;
}

/* Room for all pages there are and some more. */
static int make_room(struct history_head *head, struct count_copy *copy)
{
    pthread_mutex_lock(&head->lock);
    copy->capacity = used_pages(head) + GROW_PAGES;
    pthread_mutex_unlock(&head->lock);
    busbar_free(copy->pages);
    copy->pages = busbar_try_alloc(copy->capacity * sizeof(*copy->pages));
    return copy->pages != NULL ? 0 : BUSBAR_ENOMEM;
}

static uint64_t sum(const struct count_copy *copy, bool (*wanted)(void *ctx, uint32_t series),
                    void *ctx)
{
    uint64_t samples = 0;
    for (size_t p = 0; p < copy->count; p++) {
        const struct count_page *page = &copy->pages[p];
        for (size_t i = 0; i < HISTORY_PAGE_SERIES; i++) {
            uint32_t id = (uint32_t)(page->number * HISTORY_PAGE_SERIES + i);
            samples += page->counts[i] > 0 && wanted(ctx, id) ? page->counts[i] : 0;
        }
    }
    return samples;
}

int history_count_samples(struct history *history, bool (*wanted)(void *ctx, uint32_t series),
                          void *ctx, uint64_t *samples, uint64_t *sequence)
{
    struct count_copy copy = { 0 };
    bool copied = false;
    int error = 0;
    for (int i = 0; i < GROW_TRIES && error == 0 && !copied; i++) {
        error = make_room(&history->head, &copy);
        copied = error == 0 && copy_all(&history->head, &copy);
    }
    if (copied) {
        *samples = sum(&copy, wanted, ctx);
        *sequence = copy.sequence;
    }
    busbar_free(copy.pages);
    return copied || error != 0 ? error : BUSBAR_EAGAIN;
}
