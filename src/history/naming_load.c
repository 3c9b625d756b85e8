/* SPDX-License-Identifier: Apache-2.0 */
/* After the start: the series of ingest from state.db, then, when the owner has labeled its points, the points that
 * the configuration has no more but that have samples; of them only name and device are known. */
#include <string.h>

#include "base/alloc.h"
#include "history/history_private.h"

enum { LOAD_AT_ONCE = 2048 };

/* A page of rows, copied, so that neither lock is held while they are worked on. */
struct page {
    struct buf texts;
    struct {
        uint32_t id;
        size_t start, size;
    } rows[LOAD_AT_ONCE];
    size_t count;
};

static void take_row(void *ctx, uint32_t id, const char *text, size_t size)
{
    struct page *page = ctx;
    page->rows[page->count].id = id;
    page->rows[page->count].start = page->texts.size;
    page->rows[page->count].size = size;
    if (buf_append(&page->texts, text, size) == 0 && buf_append_byte(&page->texts, 0) == 0) {
        page->count++;
    }
}

static void clear(struct page *page)
{
    buf_clear(&page->texts);
    page->count = 0;
}

static const char *row_text(const struct page *page, size_t row)
{
    return (const char *)page->texts.data + page->rows[row].start;
}

static bool stopped(struct history_naming *naming)
{
    pthread_mutex_lock(&naming->lock);
    bool stop = naming->stop;
    pthread_mutex_unlock(&naming->lock);
    return stop;
}

/* A text that is no set any more, or the set of a point: the series stays out of the index. */
static void load_sets(struct history *history, const struct page *page, struct buf *store)
{
    struct history_naming *naming = &history->naming;
    pthread_mutex_lock(&naming->lock);
    for (size_t i = 0; i < page->count; i++) {
        struct label labels[LABELS_MAX];
        size_t count;
        if (labels_parse(row_text(page, i), page->rows[i].size, labels, &count, store, NULL) == 0) {
            (void)history_index_set(naming->index, page->rows[i].id, labels, count, NULL);
            history_naming_match(history, page->rows[i].id, labels, count);
        }
    }
    pthread_mutex_unlock(&naming->lock);
}

static void load_all_sets(struct history *history, struct page *page)
{
    struct buf store;
    buf_init(&store, 4 * LABELS_BYTES_MAX + 1024);
    for (uint32_t after = 0; !stopped(&history->naming);) {
        clear(page);
        int error = state_label_sets(history->state, after, LOAD_AT_ONCE, take_row, page);
        if (error != 0 || page->count == 0) {
            break;
        }
        after = page->rows[page->count - 1].id;
        load_sets(history, page, &store);
    }
    buf_fini(&store);
}

static void load_path(struct history *history, uint32_t id, const char *path)
{
    struct history_naming *naming = &history->naming;
    const char *slash = strchr(path, '/');
    struct sample last;
    pthread_mutex_lock(&naming->lock);
    bool known = sieve_holds(&naming->paths, id);
    if (!known && slash != NULL && slash[1] != '\0' && history_last(history, id, &last, NULL)) {
        struct label labels[] = { label_of(LABEL_METRIC, slash + 1), label_of("device", path) };
        labels[1].value_size = (uint32_t)(slash - path);
        size_t count = 2;
        if (labels_sort(labels, &count, NULL) == 0) {
            (void)history_naming_set_point(history, id, labels, count);
        }
    }
    pthread_mutex_unlock(&naming->lock);
}

static void load_all_paths(struct history *history, struct page *page)
{
    char *after = busbar_strdup("");
    while (after != NULL && !stopped(&history->naming)) {
        clear(page);
        int error = state_paths_after(history->state, after, LOAD_AT_ONCE, take_row, page);
        if (error != 0 || page->count == 0) {
            break;
        }
        busbar_free(after);
        after = busbar_strdup(row_text(page, page->count - 1));
        for (size_t i = 0; i < page->count; i++) {
            load_path(history, page->rows[i].id, row_text(page, i));
        }
    }
    busbar_free(after);
}

static bool wait_for_points(struct history_naming *naming)
{
    pthread_mutex_lock(&naming->lock);
    while (!naming->points_done && !naming->stop) {
        pthread_cond_wait(&naming->changed, &naming->lock);
    }
    bool go = !naming->stop;
    pthread_mutex_unlock(&naming->lock);
    return go;
}

void history_naming_load(struct history *history)
{
    struct page *page = busbar_alloc(sizeof(*page));
    buf_init(&page->texts, (size_t)LOAD_AT_ONCE * 64 * 1024);
    load_all_sets(history, page);
    if (wait_for_points(&history->naming)) {
        load_all_paths(history, page);
    }
    buf_fini(&page->texts);
    busbar_free(page);
}
