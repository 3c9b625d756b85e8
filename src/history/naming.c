/* SPDX-License-Identifier: Apache-2.0 */
#include "history/naming.h"

#include <string.h>

#include "history/history_private.h"

struct history_index *history_index(struct history *history)
{
    return history->naming.index;
}

bool history_index_loaded(const struct history *history)
{
    return atomic_load(&history->naming.loaded);
}

int history_index_check(const struct history *history, struct err *err)
{
    if (history == NULL) {
        return err_set(err, BUSBAR_EAGAIN, "there is no history");
    }
    if (!history_index_loaded(history)) {
        err_set(err, BUSBAR_EAGAIN, "the series are still being loaded");
        (void)err_hint(err, "ask again in a moment");
        return BUSBAR_EAGAIN;
    }
    return 0;
}

/* --- life --- */

void history_naming_init(struct history *history)
{
    struct history_naming *naming = &history->naming;
    pthread_mutex_init(&naming->lock, NULL);
    pthread_cond_init(&naming->changed, NULL);
    naming->points_done = !history->config.points_labeled_later;
    naming->index = history_index_new();
}

static void *run_loader(void *ctx)
{
    struct history *history = ctx;
    history_naming_load(history);
    pthread_mutex_lock(&history->naming.lock);
    atomic_store(&history->naming.loaded, true);
    pthread_cond_broadcast(&history->naming.changed);
    pthread_mutex_unlock(&history->naming.lock);
    return NULL;
}

int history_naming_start(struct history *history)
{
    struct history_naming *naming = &history->naming;
    naming->started = pthread_create(&naming->loader, NULL, run_loader, history) == 0;
    return naming->started ? 0 : BUSBAR_ENOMEM;
}

void history_naming_stop(struct history *history)
{
    struct history_naming *naming = &history->naming;
    pthread_mutex_lock(&naming->lock);
    naming->stop = true;
    pthread_cond_broadcast(&naming->changed);
    pthread_mutex_unlock(&naming->lock);
    if (naming->started) {
        pthread_join(naming->loader, NULL);
        naming->started = false;
    }
}

void history_naming_fini(struct history *history)
{
    struct history_naming *naming = &history->naming;
    history_naming_free_rules(naming);
    history_index_free(naming->index);
    sieve_fini(&naming->paths);
    sieve_fini(&naming->points);
    pthread_cond_destroy(&naming->changed);
    pthread_mutex_destroy(&naming->lock);
}

/* --- points --- */

int history_naming_set_point(struct history *history, uint32_t id, const struct label *labels,
                             size_t count)
{
    struct history_naming *naming = &history->naming;
    uint32_t other;
    int error = sieve_add(&naming->paths, id) ? 0 : BUSBAR_ENOMEM;
    error = error == 0 ? history_index_set(naming->index, id, labels, count, &other) : error;
    if (error == BUSBAR_EEXIST && !sieve_holds(&naming->paths, other)) {
        history_index_remove(naming->index, other);
        error = history_index_set(naming->index, id, labels, count, &other);
    }
    if (error == 0) {
        history_naming_match(history, id, labels, count);
    }
    return error;
}

int history_label_point(struct history *history, uint32_t id, const struct label *labels,
                        size_t count)
{
    struct history_naming *naming = &history->naming;
    if (id == 0 || id > HISTORY_SERIES_MAX) {
        return BUSBAR_EINVAL;
    }
    pthread_mutex_lock(&naming->lock);
    int error = sieve_add(&naming->points, id) ? 0 : BUSBAR_ENOMEM;
    error = error == 0 ? history_naming_set_point(history, id, labels, count) : error;
    pthread_mutex_unlock(&naming->lock);
    return error;
}

int history_unlabel_point(struct history *history, uint32_t id)
{
    struct history_naming *naming = &history->naming;
    struct label all[LABELS_MAX], kept[2];
    size_t count = 0;
    pthread_mutex_lock(&naming->lock);
    size_t all_count = history_index_labels(naming->index, id, all);
    for (size_t i = 0; i < all_count && count < 2; i++) {
        if (strcmp(all[i].name, LABEL_METRIC) == 0 || strcmp(all[i].name, "device") == 0) {
            kept[count++] = all[i];
        }
    }
    sieve_drop(&naming->points, id);
    int error = count > 0 ? history_naming_set_point(history, id, kept, count) : 0;
    pthread_mutex_unlock(&naming->lock);
    return error;
}

void history_points_labeled(struct history *history)
{
    pthread_mutex_lock(&history->naming.lock);
    history->naming.points_done = true;
    pthread_cond_broadcast(&history->naming.changed);
    pthread_mutex_unlock(&history->naming.lock);
}

bool history_is_point(struct history *history, uint32_t series)
{
    pthread_mutex_lock(&history->naming.lock);
    bool is = sieve_holds(&history->naming.paths, series);
    pthread_mutex_unlock(&history->naming.lock);
    return is;
}

/* --- the end of a series --- */

int history_forget_series(struct history *history, const uint32_t *ids, size_t count)
{
    struct history_naming *naming = &history->naming;
    pthread_mutex_lock(&naming->lock);
    for (size_t i = 0; i < count; i++) {
        if (!sieve_holds(&naming->points, ids[i])) {
            history_index_remove(naming->index, ids[i]);
        }
    }
    int error = state_label_sets_remove(history->state, ids, count);
    pthread_mutex_unlock(&naming->lock);
    return error;
}
