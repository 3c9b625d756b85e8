/* SPDX-License-Identifier: Apache-2.0 */
/* How long each series is kept: by its own word (`history:` of a point), else by its policy's, else by
 * the default. Two bytes a series, in pages that exist only where something is not the default. */
#include "history/history_private.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"

#define KEEP_PAGE 4096u

void history_keeps_init(struct history_keeps *keeps)
{
    *keeps = (struct history_keeps){ .count = 1 };
    keeps->policies[0].floor_us = INT64_MIN;
    str_copy(keeps->policies[0].policy.name, sizeof(keeps->policies[0].policy.name), "default");
    pthread_mutex_init(&keeps->lock, NULL);
}

static void free_pages(struct history_keep_pages *pages)
{
    for (size_t i = 0; i < pages->count; i++) {
        busbar_free(pages->all[i]);
    }
    busbar_free(pages->all);
}

void history_keeps_fini(struct history_keeps *keeps)
{
    free_pages(&keeps->own);
    free_pages(&keeps->of_policy);
    pthread_mutex_destroy(&keeps->lock);
}

/* Index of a value in the table; -1: the table is full. Index 0 is the default. */
static int index_of(struct history_keeps *keeps, int64_t keep_us)
{
    if (keep_us == 0) {
        return 0;
    }
    for (size_t i = 1; i < keeps->count; i++) {
        if (keeps->values[i] == keep_us) {
            return (int)i;
        }
    }
    if (keeps->count == HISTORY_KEEPS_MAX) {
        return -1;
    }
    keeps->values[keeps->count] = keep_us;
    return (int)keeps->count++;
}

static uint8_t get(const struct history_keep_pages *pages, uint32_t series)
{
    size_t page = series / KEEP_PAGE;
    return page < pages->count && pages->all[page] != NULL ? pages->all[page][series % KEEP_PAGE]
                                                           : 0;
}

static void set(struct history_keep_pages *pages, uint32_t series, uint8_t value)
{
    size_t page = series / KEEP_PAGE;
    if (get(pages, series) == value) {
        return;
    }
    if (page >= pages->count) {
        size_t count = page + 1 > 2 * pages->count ? page + 1 : 2 * pages->count;
        pages->all = busbar_realloc(pages->all, count * sizeof(uint8_t *));
        for (; pages->count < count; pages->count++) {
            pages->all[pages->count] = NULL;
        }
    }
    if (pages->all[page] == NULL) {
        pages->all[page] = busbar_alloc(KEEP_PAGE);
    }
    pages->all[page][series % KEEP_PAGE] = value;
}

int history_keep(struct history *history, uint32_t series, int64_t keep_us)
{
    struct history_keeps *keeps = &history->keeps;
    if (series == 0 || series > HISTORY_SERIES_MAX || keep_us < HISTORY_KEEP_FOREVER) {
        return BUSBAR_EINVAL;
    }
    pthread_mutex_lock(&keeps->lock);
    int index = index_of(keeps, keep_us);
    if (index >= 0) {
        set(&keeps->own, series, (uint8_t)index);
    }
    pthread_mutex_unlock(&keeps->lock);
    return index >= 0 ? 0 : BUSBAR_ELIMIT;
}

int history_policies(struct history *history, const struct history_policy *policies, size_t count)
{
    struct history_keeps *keeps = &history->keeps;
    if (count > HISTORY_POLICIES_MAX) {
        return BUSBAR_ELIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        if (policies[i].keep_us < HISTORY_KEEP_FOREVER) {
            return BUSBAR_EINVAL;
        }
    }
    pthread_mutex_lock(&keeps->lock);
    for (size_t i = 0; i < count; i++) {
        struct history_policy_state *state = &keeps->policies[i + 1];
        if (strcmp(state->policy.name, policies[i].name) != 0) {
            *state = (struct history_policy_state){ .floor_us = INT64_MIN, .oldest_us = INT64_MAX };
        }
        state->policy = policies[i];
    }
    keeps->policy_count = count;
    keeps->generation++;
    pthread_mutex_unlock(&keeps->lock);
    return 0;
}

int history_policy_of(struct history *history, uint32_t series, unsigned policy)
{
    struct history_keeps *keeps = &history->keeps;
    pthread_mutex_lock(&keeps->lock);
    bool good = series > 0 && series <= HISTORY_SERIES_MAX && policy <= keeps->policy_count;
    if (good && get(&keeps->of_policy, series) != policy) {
        set(&keeps->of_policy, series, (uint8_t)policy);
        keeps->generation++;
    }
    pthread_mutex_unlock(&keeps->lock);
    return good ? 0 : BUSBAR_EINVAL;
}

/* The lock is held. A policy that is no more counts as none. */
static unsigned policy_of(const struct history_keeps *keeps, uint32_t series)
{
    unsigned policy = get(&keeps->of_policy, series);
    return policy <= keeps->policy_count ? policy : 0;
}

unsigned history_policy_get(struct history *history, uint32_t series)
{
    pthread_mutex_lock(&history->keeps.lock);
    unsigned policy = policy_of(&history->keeps, series);
    pthread_mutex_unlock(&history->keeps.lock);
    return policy;
}

int64_t history_expired_before(struct history *history, uint32_t series, int64_t now_us)
{
    struct history_keeps *keeps = &history->keeps;
    pthread_mutex_lock(&keeps->lock);
    const struct history_policy_state *state = &keeps->policies[policy_of(keeps, series)];
    uint8_t own = get(&keeps->own, series);
    int64_t keep_us = own != 0 ? keeps->values[own] : state->policy.keep_us;
    keep_us = keep_us != 0 ? keep_us : history->config.keep_us;
    int64_t floor_us = state->floor_us;
    pthread_mutex_unlock(&keeps->lock);
    int64_t before_us = keep_us == HISTORY_KEEP_FOREVER ? INT64_MIN : now_us - keep_us;
    return before_us > floor_us ? before_us : floor_us;
}

void history_keep_bounds(struct history *history, int64_t *shortest_us, int64_t *longest_us)
{
    struct history_keeps *keeps = &history->keeps;
    pthread_mutex_lock(&keeps->lock);
    *shortest_us = INT64_MAX;
    *longest_us = 0;
    for (size_t i = 0; i < keeps->count + keeps->policy_count; i++) {
        int64_t keep_us = i < keeps->count ? keeps->values[i]
                                           : keeps->policies[i - keeps->count + 1].policy.keep_us;
        keep_us = keep_us != 0 ? keep_us : history->config.keep_us;
        keep_us = keep_us == HISTORY_KEEP_FOREVER ? INT64_MAX : keep_us;
        *shortest_us = keep_us < *shortest_us ? keep_us : *shortest_us;
        *longest_us = keep_us > *longest_us ? keep_us : *longest_us;
    }
    pthread_mutex_unlock(&keeps->lock);
}

int64_t history_keep_longest_us(struct history *history)
{
    int64_t shortest_us;
    int64_t longest_us;
    history_keep_bounds(history, &shortest_us, &longest_us);
    return longest_us == INT64_MAX ? HISTORY_KEEP_FOREVER : longest_us;
}

size_t history_policy_status(struct history *history, struct history_policy_status *status,
                             size_t max)
{
    struct history_keeps *keeps = &history->keeps;
    pthread_mutex_lock(&keeps->lock);
    size_t count = keeps->policy_count + 1 < max ? keeps->policy_count + 1 : max;
    for (size_t i = 0; i < count; i++) {
        const struct history_policy_state *state = &keeps->policies[i];
        status[i] = (struct history_policy_status){ .keep_us = state->policy.keep_us,
                                                    .max_bytes = state->policy.max_bytes,
                                                    .bytes = state->bytes,
                                                    .removed_days = state->removed_days,
                                                    .oldest_us = state->oldest_us };
        str_copy(status[i].name, sizeof(status[i].name), state->policy.name);
        status[i].keep_us = status[i].keep_us != 0 ? status[i].keep_us : history->config.keep_us;
    }
    pthread_mutex_unlock(&keeps->lock);
    return count;
}
