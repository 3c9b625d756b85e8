/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/block.h"
#include "history/head_private.h"

/* --- reading --- */

static int add_copy(struct history_sources *sources, uint32_t id, const void *data, size_t size,
                    struct history_source **added)
{
    void *copy = busbar_try_alloc(size);
    struct history_source *source = copy != NULL ? history_sources_add(sources) : NULL;
    if (source == NULL) {
        busbar_free(copy);
        return BUSBAR_ENOMEM;
    }
    memcpy(copy, data, size);
    source->data = copy;
    source->size = (uint32_t)size;
    source->series = id;
    *added = source;
    return 0;
}

static int add_node(struct history_sources *sources, uint32_t id, const struct history_node *node)
{
    struct history_source *source;
    int error = add_copy(sources, id, node->data, node->size, &source);
    if (error == 0) {
        source->kind = HISTORY_SOURCE_CHUNK;
        source->first_us = node->first_us;
        source->last_us = node->last_us;
        source->count = node->count;
    }
    return error;
}

/* Nodes newer than `older` come after it: the list is walked from its end. */
static int add_nodes(struct history_sources *sources, uint32_t id,
                     const struct history_node *newest, int64_t from_us, int64_t to_us,
                     uint32_t below_generation)
{
    size_t count = 0;
    for (const struct history_node *node = newest; node != NULL; node = node->older) {
        count++;
    }
    const struct history_node **nodes = busbar_try_alloc(count * sizeof(struct history_node *) + 1);
    if (nodes == NULL) {
        return BUSBAR_ENOMEM;
    }
    size_t at = count;
    for (const struct history_node *node = newest; node != NULL; node = node->older) {
        nodes[--at] = node;
    }
    int error = 0;
    for (; at < count && error == 0; at++) {
        if (nodes[at]->generation < below_generation && nodes[at]->first_us < to_us &&
            nodes[at]->last_us >= from_us) {
            error = add_node(sources, id, nodes[at]);
        }
    }
    busbar_free(nodes);
    return error;
}

/* Texts belong to the series, so a buffer with texts is copied as a chunk. */
static int add_open_texts(struct history_sources *sources, uint32_t id,
                          const struct history_series *series, struct history_coder *coder,
                          struct history_column *column)
{
    struct buf out;
    buf_init(&out, HISTORY_WORK_BYTES_MAX);
    history_open_column(series, 0, series->open_count, column);
    int error = history_chunk_encode(coder, column, &out);
    struct history_source *source;
    if (error == 0) {
        error = add_copy(sources, id, out.data, out.size, &source);
    }
    if (error == 0) {
        source->kind = HISTORY_SOURCE_CHUNK;
        source->first_us = column->times[0];
        source->last_us = column->times[column->count - 1];
        source->count = (uint32_t)column->count;
    }
    buf_fini(&out);
    return error;
}

static int add_open(struct history_sources *sources, uint32_t id,
                    const struct history_series *series)
{
    size_t entries = series->open_count * sizeof(*series->open);
    size_t marks = series->open_marked ? series->open_count * sizeof(struct history_mark) : 0;
    uint8_t *copy = busbar_try_alloc(entries + marks);
    struct history_source *source = copy != NULL ? history_sources_add(sources) : NULL;
    if (source == NULL) {
        busbar_free(copy);
        return BUSBAR_ENOMEM;
    }
    memcpy(copy, series->open, entries);
    if (marks > 0) {
        memcpy(copy + entries, series->open + series->open_capacity, marks);
    }
    source->kind = HISTORY_SOURCE_ENTRIES;
    source->data = copy;
    source->size = (uint32_t)(entries + marks);
    source->series = id;
    source->type = series->open_type;
    source->marked = series->open_marked;
    source->count = series->open_count;
    source->first_us = series->open[0].time_us;
    source->last_us = series->open[series->open_count - 1].time_us;
    return 0;
}

/* What is in the stage is newer than all the rest. */
static int add_staged(const struct history_head *head, struct history_sources *sources, uint32_t id)
{
    struct sample last;
    size_t count = history_stage_copy(head, id, NULL);
    struct history_entry *copy = busbar_try_alloc(count * sizeof(*copy));
    struct history_source *source = copy != NULL ? history_sources_add(sources) : NULL;
    if (source == NULL) {
        busbar_free(copy);
        return BUSBAR_ENOMEM;
    }
    (void)history_stage_copy(head, id, copy);
    (void)history_stage_last(head, id, &last);
    source->kind = HISTORY_SOURCE_ENTRIES;
    source->data = copy;
    source->size = (uint32_t)(count * sizeof(*copy));
    source->series = id;
    source->type = last.type;
    source->count = (uint32_t)count;
    source->first_us = copy[0].time_us;
    source->last_us = last.time_us;
    return 0;
}

int history_head_collect(struct history_head *head, uint32_t id, int64_t from_us, int64_t to_us,
                         struct history_coder *coder, struct history_column *column,
                         struct history_sources *sources)
{
    int error = 0;
    pthread_mutex_lock(&head->lock);
    const struct history_series *series = history_head_find(head, id);
    if (series != NULL) {
        error = add_nodes(sources, id, series->sealed, from_us, to_us, UINT32_MAX);
        size_t count = series->open_count;
        if (error == 0 && count > 0 && series->open[0].time_us < to_us &&
            series->open[count - 1].time_us >= from_us) {
            error = series->open_type == VALUE_TEXT
                        ? add_open_texts(sources, id, series, coder, column)
                        : add_open(sources, id, series);
        }
        if (error == 0 && series->staged) {
            error = add_staged(head, sources, id);
        }
    }
    pthread_mutex_unlock(&head->lock);
    return error;
}

static struct text *copy_text(const struct text *text)
{
    return text_new(text->bytes, text->size);
}

static void get_last(const struct history_series *series, uint32_t id, struct sample *sample,
                     struct text **text)
{
    *sample = (struct sample){ .time_us = series->last_us,
                               .receive_us = series->last_receive_us,
                               .value = series->last,
                               .point = id,
                               .detail = series->last_detail,
                               .type = series->last_type,
                               .quality = series->last_quality };
    if (text != NULL) {
        *text = NULL;
    }
    if (sample->type == VALUE_TEXT && text != NULL) {
        *text = copy_text(series->last.text);
        sample->value.text = *text;
    } else if (sample->type == VALUE_TEXT) {
        sample->type = VALUE_NONE;
        sample->value.bits = 0;
    }
}

bool history_head_last(struct history_head *head, uint32_t id, struct sample *sample,
                       struct text **text)
{
    pthread_mutex_lock(&head->lock);
    const struct history_series *series = history_head_find(head, id);
    bool staged = series != NULL && series->staged && history_stage_last(head, id, sample);
    bool has = staged || (series != NULL && series->has_last);
    if (has && !staged) {
        get_last(series, id, sample, text);
    } else if (text != NULL) {
        *text = NULL;
    }
    pthread_mutex_unlock(&head->lock);
    return has;
}

void history_head_counts(struct history_head *head, uint32_t id, struct history_counts *counts)
{
    *counts = (struct history_counts){ 0 };
    pthread_mutex_lock(&head->lock);
    const struct history_series *series = history_head_find(head, id);
    if (series != NULL) {
        const struct history_page *page = head->pages[id / HISTORY_PAGE_SERIES];
        struct history_base none = { 0 };
        const struct history_base *base = page->base != NULL ? &page->base[id % HISTORY_PAGE_SERIES]
                                                             : &none;
        counts->stored_all = base->stored + series->stored + history_stage_copy(head, id, NULL);
        counts->repeated_all = base->repeated + series->repeated;
        counts->stored_start = counts->stored_all - base->stored_before;
        counts->repeated_start = counts->repeated_all - base->repeated_before;
    }
    pthread_mutex_unlock(&head->lock);
}

/* --- writing a block --- */

uint64_t history_head_freeze(struct history_head *head)
{
    history_stage_ease(head);
    pthread_mutex_lock(&head->lock);
    while (head->feeding) {
        pthread_cond_wait(&head->idle, &head->lock);
    }
    history_stage_settle_all(head);
    head->generation++;
    uint64_t fed = head->fed;
    pthread_mutex_unlock(&head->lock);
    return fed;
}

static bool is_used(const struct history_page *page, size_t i)
{
    const struct history_series *series = &page->series[i];
    return series->has_last ||
           (page->base != NULL && (page->base[i].stored > 0 || page->base[i].repeated > 0));
}

bool history_head_next(struct history_head *head, uint32_t *id)
{
    bool found = false;
    pthread_mutex_lock(&head->lock);
    size_t p = *id / HISTORY_PAGE_SERIES;
    size_t i = *id % HISTORY_PAGE_SERIES;
    for (; p < head->page_count && !found; p++, i = 0) {
        for (; head->pages[p] != NULL && i < HISTORY_PAGE_SERIES && !found; i++) {
            if (is_used(head->pages[p], i)) {
                *id = (uint32_t)(p * HISTORY_PAGE_SERIES + i);
                found = true;
            }
        }
    }
    pthread_mutex_unlock(&head->lock);
    return found;
}

int history_head_take(struct history_head *head, uint32_t id, struct history_sources *sources,
                      int64_t *block_last_us)
{
    pthread_mutex_lock(&head->lock);
    struct history_series *series = history_head_find(head, id);
    struct history_base *base = history_head_base(head, id);
    if (series->generation != head->generation) {
        history_head_thaw(head, series, id);
    }
    *block_last_us = base->block_last_us;
    base->fresh = base->pending;
    int error = add_nodes(sources, id, series->sealed, INT64_MIN, INT64_MAX, head->generation);
    pthread_mutex_unlock(&head->lock);
    return error;
}

void history_head_fresh(struct history_head *head, uint32_t id, uint64_t fresh)
{
    pthread_mutex_lock(&head->lock);
    struct history_base *base = history_head_base(head, id);
    base->fresh = fresh < base->pending ? fresh : base->pending;
    pthread_mutex_unlock(&head->lock);
}

static void drop_nodes(struct history_head *head, struct history_series *series)
{
    struct history_node **link = &series->sealed;
    while (*link != NULL) {
        struct history_node *node = *link;
        if (node->generation < head->generation) {
            *link = node->older;
            head->bytes -= sizeof(*node) + node->size;
            head->samples -= node->count;
            busbar_free(node);
        } else {
            link = &node->older;
        }
    }
}

static void settle(struct history_head *head, struct history_base *base)
{
    uint64_t repeated = base->pending - base->fresh;
    base->stored -= repeated;
    base->repeated += repeated;
    head->stored -= repeated;
    head->repeated += repeated;
    base->pending = 0;
    base->fresh = 0;
}

void history_head_drop(struct history_head *head)
{
    bool more = true;
    for (size_t p = 0; more; p++) {
        pthread_mutex_lock(&head->lock); /* a page at a time: the log thread goes on meanwhile */
        more = p < head->page_count;
        struct history_page *page = more ? head->pages[p] : NULL;
        for (size_t i = 0; page != NULL && i < HISTORY_PAGE_SERIES; i++) {
            drop_nodes(head, &page->series[i]);
            if (page->base != NULL && page->base[i].pending > 0) {
                settle(head, &page->base[i]);
            }
        }
        pthread_mutex_unlock(&head->lock);
    }
}

void history_head_recall(struct history_head *head, uint32_t id, struct history_memory *memory)
{
    *memory = (struct history_memory){ .series = id };
    pthread_mutex_lock(&head->lock);
    const struct history_series *series = history_head_find(head, id);
    const struct history_base *base = history_head_base(head, id);
    uint64_t repeated = base->pending - base->fresh;
    memory->stored = base->stored - repeated;
    memory->repeated = base->repeated + repeated;
    memory->block_last_us = base->block_last_us;
    memory->has_last = series->has_last;
    if (series->has_last) {
        get_last(series, id, &memory->last, &memory->text);
    }
    pthread_mutex_unlock(&head->lock);
}

void history_head_remember(struct history_head *head, const struct history_memory *memory)
{
    pthread_mutex_lock(&head->lock);
    struct history_series *series = history_head_make(head, memory->series);
    struct history_base *base = history_head_base(head, memory->series);
    base->stored = memory->stored;
    base->repeated = memory->repeated;
    base->block_last_us = memory->block_last_us;
    head->stored += memory->stored;
    head->repeated += memory->repeated;
    if (memory->has_last) {
        series->has_last = true;
        series->last_us = memory->last.time_us;
        series->last_receive_us = memory->last.receive_us;
        series->last = memory->last.value;
        series->last_detail = memory->last.detail;
        series->last_type = memory->last.type;
        series->last_quality = memory->last.quality;
        head->series_count++;
        if (memory->last.type == VALUE_TEXT) {
            series->last.text = memory->text;
        }
    }
    pthread_mutex_unlock(&head->lock);
}

void history_head_in_block(struct history_head *head, uint32_t id, int64_t last_us)
{
    pthread_mutex_lock(&head->lock);
    struct history_base *base = history_head_base(head, id);
    base->block_last_us = last_us > base->block_last_us ? last_us : base->block_last_us;
    pthread_mutex_unlock(&head->lock);
}

void history_head_started(struct history_head *head)
{
    pthread_mutex_lock(&head->lock);
    history_stage_settle_all(head);
    for (size_t p = 0; p < head->page_count; p++) {
        struct history_page *page = head->pages[p];
        for (size_t i = 0; page != NULL && i < HISTORY_PAGE_SERIES; i++) {
            struct history_series *series = &page->series[i];
            if (is_used(page, i)) {
                struct history_base *base = history_head_base(
                    head, (uint32_t)(p * HISTORY_PAGE_SERIES + i));
                base->stored_before = base->stored + series->stored;
                base->repeated_before = base->repeated + series->repeated;
            }
        }
    }
    head->stored_before = head->stored;
    head->repeated_before = head->repeated;
    pthread_mutex_unlock(&head->lock);
}
