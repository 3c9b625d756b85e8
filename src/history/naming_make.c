/* SPDX-License-Identifier: Apache-2.0 */
/* New series of ingest: those that the index does not know are printed, each once, written to state.db in one
 * transaction, and take their places in the index. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "history/history_private.h"
#include "history/index_table.h"

enum {
    MAKE_AT_ONCE = 16384, /* series of one transaction */
    MAKE_BYTES_MAX = 256 * 1024 * 1024,
};

struct new_text {
    size_t start, size; /* in the store */
    size_t owner;       /* which of the sets */
};

struct making {
    const struct history_labels *sets;
    struct new_text *news;
    uint32_t *places; /* of each set: number of its new text + 1; 0: it has an id */
    size_t count;
    struct buf store;
    struct index_table table; /* numbers of news by their text */
};

static int making_init(struct making *making, const struct history_labels *sets, size_t count)
{
    *making = (struct making){ .sets = sets };
    buf_init(&making->store, MAKE_BYTES_MAX);
    making->news = busbar_try_alloc(count * sizeof(*making->news));
    making->places = busbar_try_alloc(count * sizeof(*making->places));
    return making->news != NULL && making->places != NULL ? 0 : BUSBAR_ENOMEM;
}

static void making_fini(struct making *making)
{
    buf_fini(&making->store);
    busbar_free(making->news);
    busbar_free(making->places);
    busbar_free(making->table.slots);
}

static uint32_t hash_of(const struct making *making, const struct new_text *text)
{
    return (uint32_t)(hash_keyed(making->store.data + text->start, text->size) >> 32);
}

static uint32_t hash_of_new(const void *ctx, uint32_t number)
{
    const struct making *making = ctx;
    return hash_of(making, &making->news[number]);
}

static bool equals_new(const void *ctx, uint32_t number, const void *key)
{
    const struct making *making = ctx;
    const struct new_text *text = &making->news[number], *wanted = key;
    return text->size == wanted->size &&
           memcmp(making->store.data + text->start, making->store.data + wanted->start,
                  text->size) == 0;
}

/* A set that the index does not know; it may have come before in this call. */
static int note_new(struct making *making, size_t owner)
{
    struct new_text text = { .start = making->store.size, .owner = owner };
    labels_print(making->sets[owner].labels, making->sets[owner].count, &making->store);
    if (making->store.overflow) {
        return BUSBAR_ENOMEM;
    }
    text.size = making->store.size - text.start;
    uint32_t number;
    uint32_t hash = hash_of(making, &text);
    if (index_table_find(&making->table, hash, equals_new, making, &text, &number)) {
        making->store.size = text.start;
        making->places[owner] = number + 1;
        return 0;
    }
    int error = index_table_reserve(&making->table, hash_of_new, making);
    if (error == 0) {
        number = (uint32_t)making->count++;
        making->news[number] = text;
        index_table_put(&making->table, hash, number);
        making->places[owner] = number + 1;
    }
    return error;
}

static int store(struct history *history, const struct making *making, uint32_t *first,
                 struct err *err)
{
    struct state_text *texts = busbar_try_alloc(making->count * sizeof(*texts));
    if (texts == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory for %zu new series", making->count);
    }
    for (size_t i = 0; i < making->count; i++) {
        const struct new_text *text = &making->news[i];
        texts[i] = (struct state_text){ (const char *)making->store.data + text->start,
                                        text->size };
    }
    int error = state_label_sets_add(history->state, texts, making->count, first, err);
    busbar_free(texts);
    return error;
}

/* They must not come back with the next start, when the same sets may have other ids. */
static void take_back(struct history *history, uint32_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t id = first + (uint32_t)i;
        history_index_remove(history->naming.index, id);
        (void)state_label_sets_remove(history->state, &id, 1);
    }
}

static int place(struct history *history, const struct making *making, uint32_t first,
                 struct err *err)
{
    for (size_t i = 0; i < making->count; i++) {
        const struct history_labels *set = &making->sets[making->news[i].owner];
        uint32_t id = first + (uint32_t)i;
        int error = history_index_set(history->naming.index, id, set->labels, set->count, NULL);
        if (error != 0) {
            take_back(history, first, making->count);
            return err_set(err, error, "no room for %zu new series", making->count);
        }
        history_naming_match(history, id, set->labels, set->count);
    }
    return 0;
}

/* The lock is held. */
static int make_some(struct history *history, struct making *making, size_t count, uint32_t *ids,
                     struct err *err)
{
    struct history_naming *naming = &history->naming;
    for (size_t i = 0; i < count; i++) {
        const struct history_labels *set = &making->sets[i];
        uint32_t id = history_index_find(naming->index, set->labels, set->count);
        ids[i] = id != 0 && !sieve_holds(&naming->paths, id) ? id : 0;
        int error = id == 0 ? note_new(making, i) : 0;
        if (error != 0) {
            return err_set(err, error, "out of memory for new series");
        }
    }
    if (making->count == 0) {
        return 0;
    }
    uint32_t first;
    int error = store(history, making, &first, err);
    error = error == 0 ? place(history, making, first, err) : error;
    for (size_t i = 0; i < count && error == 0; i++) {
        ids[i] = making->places[i] != 0 ? first + making->places[i] - 1 : ids[i];
    }
    return error;
}

/* Until the start's load is over, a set that seems new may be an old one. BUSBAR_ECANCELED: history closes. */
static int wait_until_loaded(struct history_naming *naming)
{
    while (!atomic_load(&naming->loaded) && !naming->stop) {
        pthread_cond_wait(&naming->changed, &naming->lock);
    }
    return atomic_load(&naming->loaded) ? 0 : BUSBAR_ECANCELED;
}

int history_make_series(struct history *history, const struct history_labels *sets, size_t count,
                        uint32_t *ids, struct err *err)
{
    struct history_naming *naming = &history->naming;
    memset(ids, 0, count * sizeof(*ids));
    int error = 0;
    for (size_t done = 0; done < count && error == 0;) {
        size_t some = count - done < MAKE_AT_ONCE ? count - done : MAKE_AT_ONCE;
        struct making making;
        error = making_init(&making, sets + done, some);
        if (error != 0) {
            err_set(err, error, "out of memory for new series");
        } else {
            pthread_mutex_lock(&naming->lock);
            error = wait_until_loaded(naming);
            error = error == 0 ? make_some(history, &making, some, ids + done, err)
                               : err_set(err, error, "history is being closed");
            pthread_mutex_unlock(&naming->lock);
        }
        making_fini(&making);
        done += some;
    }
    return error;
}
