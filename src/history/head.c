/* SPDX-License-Identifier: Apache-2.0 */
#include "history/head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "history/head_private.h"
#include "history/record.h"

enum { OUT_BYTES_MAX = 16 * 1024 * 1024 };

int history_head_init(struct history_head *head)
{
    *head = (struct history_head){ .generation = 1 };
    head->coder = history_coder_new();
    head->column = history_column_new();
    buf_init(&head->out, OUT_BYTES_MAX);
    pthread_mutex_init(&head->lock, NULL);
    pthread_cond_init(&head->idle, NULL);
    if (head->coder == NULL || head->column == NULL) {
        history_head_fini(head);
        return BUSBAR_ENOMEM;
    }
    return 0;
}

static struct history_mark *marks_of(const struct history_series *series)
{
    return (struct history_mark *)(void *)(series->open + series->open_capacity);
}

static size_t open_bytes(const struct history_series *series)
{
    size_t each = sizeof(struct history_entry) +
                  (series->open_marked ? sizeof(struct history_mark) : 0);
    return series->open_capacity * each;
}

static void free_entry_texts(struct history_head *head, struct history_series *series)
{
    for (size_t i = 0; series->open_type == VALUE_TEXT && i < series->open_count; i++) {
        const struct text *text = series->open[i].value.text;
        if (text != NULL) {
            head->bytes -= sizeof(*text) + text->size;
            busbar_free((void *)(uintptr_t)text);
        }
    }
}

void history_head_free_open(struct history_head *head, struct history_series *series)
{
    free_entry_texts(head, series);
    head->bytes -= open_bytes(series);
    history_slab_give(&head->slab, series->open, open_bytes(series));
    series->open = NULL;
    series->open_capacity = 0;
    series->open_count = 0;
    series->open_marked = false;
    series->open_type = VALUE_NONE;
}

void history_head_fini(struct history_head *head)
{
    for (size_t p = 0; p < head->page_count; p++) {
        struct history_page *page = head->pages[p];
        for (size_t i = 0; page != NULL && i < HISTORY_PAGE_SERIES; i++) {
            struct history_series *series = &page->series[i];
            history_head_free_open(head, series);
            while (series->sealed != NULL) {
                struct history_node *node = series->sealed;
                series->sealed = node->older;
                busbar_free(node);
            }
            if (series->last_type == VALUE_TEXT) {
                busbar_free((void *)(uintptr_t)series->last.text);
            }
        }
        for (size_t i = 0; page != NULL && i < HISTORY_PAGE_GROUPS; i++) {
            history_stage_free(page->groups[i]);
        }
        if (page != NULL) {
            busbar_free(page->base);
            busbar_free(page);
        }
    }
    busbar_free(head->pages);
    history_slab_fini(&head->slab);
    buf_fini(&head->out);
    history_coder_free(head->coder);
    busbar_free(head->column);
    pthread_cond_destroy(&head->idle);
    pthread_mutex_destroy(&head->lock);
}

struct history_series *history_head_find(const struct history_head *head, uint32_t id)
{
    size_t page = id / HISTORY_PAGE_SERIES;
    if (page >= head->page_count || head->pages[page] == NULL) {
        return NULL;
    }
    return &head->pages[page]->series[id % HISTORY_PAGE_SERIES];
}

struct history_series *history_head_make(struct history_head *head, uint32_t id)
{
    size_t page = id / HISTORY_PAGE_SERIES;
    if (page >= head->page_count) {
        size_t count = page + 1 > 2 * head->page_count ? page + 1 : 2 * head->page_count;
        head->pages = busbar_realloc(head->pages, count * sizeof(struct history_page *));
        memset(head->pages + head->page_count, 0,
               (count - head->page_count) * sizeof(struct history_page *));
        head->page_count = count;
    }
    if (head->pages[page] == NULL) {
        head->pages[page] = busbar_alloc(sizeof(struct history_page));
        head->bytes += sizeof(struct history_page);
    }
    return &head->pages[page]->series[id % HISTORY_PAGE_SERIES];
}

struct history_base *history_head_base(struct history_head *head, uint32_t id)
{
    (void)history_head_make(head, id);
    struct history_page *page = head->pages[id / HISTORY_PAGE_SERIES];
    if (page->base == NULL) {
        page->base = busbar_alloc_array(HISTORY_PAGE_SERIES, sizeof(struct history_base));
        head->bytes += HISTORY_PAGE_SERIES * sizeof(struct history_base);
        for (size_t i = 0; i < HISTORY_PAGE_SERIES; i++) {
            page->base[i].block_last_us = INT64_MIN;
        }
    }
    return &page->base[id % HISTORY_PAGE_SERIES];
}

/* --- sealing --- */

static void encode_node(struct history_head *head, struct history_series *series)
{
    struct history_column *column = head->column;
    buf_clear(&head->out);
    int error = history_chunk_encode(head->coder, column, &head->out);
    if (error != 0) { /* small memory is out: the log has it all */
        busbar_log(LOG_LEVEL_ERROR, "history", NULL, "cannot seal a chunk: %s", err_text(error));
        abort();
    }
    struct history_node *node = busbar_realloc(NULL, sizeof(*node) + head->out.size);
    node->first_us = column->times[0];
    node->last_us = column->times[column->count - 1];
    node->count = (uint32_t)column->count;
    node->size = (uint32_t)head->out.size;
    node->generation = series->generation;
    node->older = series->sealed;
    memcpy(node->data, head->out.data, head->out.size);
    series->sealed = node;
    head->bytes += sizeof(*node) + node->size;
}

void history_open_column(const struct history_series *series, size_t from, size_t to,
                         struct history_column *column)
{
    const struct history_mark *marks = series->open_marked ? marks_of(series) : NULL;
    column->count = to - from;
    column->type = series->open_type;
    column->marked = series->open_marked;
    for (size_t i = from; i < to; i++) {
        column->times[i - from] = series->open[i].time_us;
        column->values[i - from] = series->open[i].value;
        if (marks != NULL) {
            column->marks[i - from] = marks[i];
        }
    }
}

/* The late samples of a part may all be without a value, though the buffer has some. */
static void fit_type(struct history_column *column)
{
    bool value = !column->marked;
    for (size_t i = 0; i < column->count && !value; i++) {
        value = column->marks[i].type != VALUE_NONE;
    }
    column->type = value ? column->type : VALUE_NONE;
}

static int64_t sealed_until(const struct history_series *series)
{
    int64_t until = INT64_MIN;
    for (const struct history_node *node = series->sealed; node != NULL; node = node->older) {
        until = node->last_us > until ? node->last_us : until;
    }
    return until;
}

/* Late samples get a chunk of their own, so that the others do not overlap what is sealed. */
void history_head_seal(struct history_head *head, struct history_series *series)
{
    size_t count = series->open_count;
    if (count == 0) {
        return;
    }
    size_t late = 0;
    if (series->sealed != NULL) {
        int64_t until = sealed_until(series);
        while (late < count && series->open[late].time_us <= until) {
            late++;
        }
    }
    for (size_t from = 0, to = late; from < count; from = to, to = count) {
        if (to > from) {
            history_open_column(series, from, to, head->column);
            fit_type(head->column);
            encode_node(head, series);
        }
    }
    if (series->open_marked || series->open_type == VALUE_TEXT) {
        history_head_free_open(head, series);
    }
    series->open_count = 0;
    series->open_type = VALUE_NONE;
}

void history_head_thaw(struct history_head *head, struct history_series *series, uint32_t id)
{
    history_head_seal(head, series);
    history_head_free_open(head, series);
    struct history_base *base = history_head_base(head, id);
    base->stored += series->stored;
    base->pending += series->stored;
    base->repeated += series->repeated;
    series->stored = 0;
    series->repeated = 0;
    series->generation = head->generation;
}

void history_head_seal_column(struct history_head *head, struct history_series *series,
                              uint8_t type, const int64_t *times, const union value *values,
                              size_t count)
{
    struct history_column *column = head->column;
    column->count = count;
    column->type = type;
    column->marked = false;
    memcpy(column->times, times, count * sizeof(*times));
    memcpy(column->values, values, count * sizeof(*values));
    encode_node(head, series);
}

/* --- inserting --- */

static void grow(struct history_head *head, struct history_series *series, bool marked)
{
    size_t count = series->open_count;
    size_t capacity = series->open_capacity;
    if (count == capacity) {
        capacity = capacity > 0 ? 2 * capacity : HISTORY_OPEN_MIN;
    }
    struct history_series old = *series;
    head->bytes -= open_bytes(series);
    series->open_capacity = (uint16_t)capacity;
    series->open_marked = marked;
    series->open = history_slab_take(&head->slab, open_bytes(series));
    head->bytes += open_bytes(series);
    if (count > 0) {
        memcpy(series->open, old.open, count * sizeof(*old.open));
    }
    for (size_t i = 0; marked && i < count; i++) {
        marks_of(series)[i] = old.open_marked
                                  ? marks_of(&old)[i]
                                  : (struct history_mark){ .receive_us = old.open[i].time_us,
                                                           .type = old.open_type };
    }
    history_slab_give(&head->slab, old.open, open_bytes(&old));
}

void history_head_append(struct history_head *head, struct history_series *series, uint8_t type,
                         int64_t time_us, union value value)
{
    bool other = series->open_count > 0 && series->open_type != VALUE_NONE &&
                 series->open_type != type;
    if (other || series->open_count == HISTORY_OPEN_MAX) {
        history_head_seal(head, series);
    }
    if (series->open_count == series->open_capacity) {
        grow(head, series, series->open_marked);
    }
    size_t at = series->open_count++;
    series->open_type = type;
    series->open[at] = (struct history_entry){ .time_us = time_us, .value = value };
    if (series->open_marked) {
        marks_of(series)[at] = (struct history_mark){ .receive_us = time_us, .type = type };
    }
}

static struct text *copy_text(const struct text *text)
{
    struct text *copy = busbar_alloc(sizeof(*copy) + text->size + 1);
    copy->size = text->size;
    memcpy(copy->bytes, text->bytes, text->size);
    return copy;
}

static void put_entry(struct history_head *head, struct history_series *series, size_t at,
                      const struct sample *sample)
{
    series->open[at].time_us = sample->time_us;
    series->open[at].value = sample->value;
    if (sample->type == VALUE_TEXT) {
        series->open[at].value.text = copy_text(sample->value.text);
        head->bytes += sizeof(struct text) + sample->value.text->size;
    } else if (sample->type == VALUE_NONE) {
        series->open[at].value.bits = 0;
    }
    if (series->open_marked) {
        marks_of(series)[at] = (struct history_mark){ .receive_us = sample->receive_us,
                                                      .detail = sample->detail,
                                                      .type = sample->type,
                                                      .quality = sample->quality };
    }
}

static size_t place_of(const struct history_series *series, int64_t time_us)
{
    size_t low = 0;
    size_t high = series->open_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (series->open[middle].time_us < time_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool in_sealed(struct history_head *head, const struct history_series *series,
                      int64_t time_us)
{
    for (const struct history_node *node = series->sealed; node != NULL; node = node->older) {
        if (time_us < node->first_us || time_us > node->last_us) {
            continue;
        }
        if (time_us == node->first_us || time_us == node->last_us) {
            return true;
        }
        struct history_column *column = head->column;
        if (history_chunk_decode(head->coder, node->data, node->size, column) != 0) {
            continue;
        }
        for (size_t i = 0; i < column->count && column->times[i] <= time_us; i++) {
            if (column->times[i] == time_us) {
                return true;
            }
        }
    }
    return false;
}

static void replace(struct history_head *head, struct history_series *series, size_t at,
                    const struct sample *sample)
{
    const struct text *old = series->open[at].value.text;
    if (series->open_type == VALUE_TEXT && old != NULL) {
        head->bytes -= sizeof(*old) + old->size;
        busbar_free((void *)(uintptr_t)old);
    }
    put_entry(head, series, at, sample);
}

/* Everything but an append of a usual sample to a buffer that has room. Returns true for repeated. */
static bool insert_slowly(struct history_head *head, struct history_series *series,
                          const struct sample *sample, bool usual)
{
    if (series->open_count > 0 && sample->type != VALUE_NONE && series->open_type != VALUE_NONE &&
        series->open_type != sample->type) {
        history_head_seal(head, series);
    }
    if (sample->type != VALUE_NONE) {
        series->open_type = sample->type;
    }
    bool marked = series->open_marked || !usual;
    size_t at = place_of(series, sample->time_us);
    bool same = at < series->open_count && series->open[at].time_us == sample->time_us;
    if (same) {
        if (marked != series->open_marked) {
            grow(head, series, marked);
        }
        replace(head, series, at, sample);
        return true;
    }
    bool late = series->has_last && sample->time_us <= series->last_us;
    bool repeated = late && in_sealed(head, series, sample->time_us);
    if (series->open_count == HISTORY_OPEN_MAX) {
        history_head_seal(head, series);
        series->open_type = sample->type;
        marked = series->open_marked || !usual;
        at = 0;
    }
    if (series->open_count == series->open_capacity || marked != series->open_marked) {
        grow(head, series, marked);
    }
    size_t behind = series->open_count - at;
    memmove(series->open + at + 1, series->open + at, behind * sizeof(*series->open));
    if (series->open_marked) {
        memmove(marks_of(series) + at + 1, marks_of(series) + at,
                behind * sizeof(struct history_mark));
    }
    put_entry(head, series, at, sample);
    series->open_count++;
    head->samples++;
    return repeated;
}

static void set_last(struct history_series *series, const struct sample *sample)
{
    if (series->has_last && series->last_type == VALUE_TEXT) {
        busbar_free((void *)(uintptr_t)series->last.text);
    }
    series->has_last = true;
    series->last_us = sample->time_us;
    series->last_receive_us = sample->receive_us;
    series->last = sample->value;
    series->last_detail = sample->detail;
    series->last_type = sample->type;
    series->last_quality = sample->quality;
    if (sample->type == VALUE_TEXT) {
        series->last.text = copy_text(sample->value.text);
    }
}

/* A series whose samples so far are frozen begins anew. */
static void freshen(struct history_head *head, struct history_series *series, uint32_t id)
{
    if (series->generation != head->generation) {
        if (series->generation != 0 || series->open_count > 0) {
            history_head_thaw(head, series, id);
        }
        series->generation = head->generation;
    }
}

void history_head_insert(struct history_head *head, const struct sample *sample)
{
    struct history_series *series = history_head_make(head, sample->point);
    if (series->staged) {
        history_stage_settle(head, sample->point);
    }
    freshen(head, series, sample->point);
    bool usual = sample->receive_us == sample->time_us && sample->quality == QUALITY_GOOD &&
                 sample->detail == 0 && sample->type != VALUE_NONE;
    bool repeated = false;
    size_t count = series->open_count;
    if (usual && count > 0 && count < series->open_capacity && !series->open_marked &&
        sample->type == series->open_type && sample->type != VALUE_TEXT &&
        sample->time_us > series->last_us) {
        series->open[count].time_us = sample->time_us;
        series->open[count].value = sample->value;
        series->open_count++;
        head->samples++;
    } else {
        repeated = insert_slowly(head, series, sample, usual);
    }
    head->series_count += !series->has_last;
    if (!series->has_last || sample->time_us >= series->last_us) {
        set_last(series, sample);
    }
    series->stored += !repeated;
    series->repeated += repeated;
    head->stored += !repeated;
    head->repeated += repeated;
}

void history_head_begin(struct history_head *head)
{
    pthread_mutex_lock(&head->lock);
    while (head->counting) {
        pthread_cond_wait(&head->idle, &head->lock);
    }
    head->feeding = true;
    pthread_mutex_unlock(&head->lock);
}

void history_head_add(struct history_head *head, const struct sample *samples, size_t count)
{
    struct history_usual one; /* only its first places are used */
    one.one_time = true;
    pthread_mutex_lock(&head->lock);
    for (size_t i = 0; i < count; i++) {
        if (history_is_usual(&samples[i])) {
            one.type = samples[i].type;
            one.times[0] = samples[i].time_us;
            one.values[0] = samples[i].value;
            history_stage_add(head, &one, 0, samples[i].point, 1);
        } else {
            history_head_insert(head, &samples[i]);
        }
    }
    pthread_mutex_unlock(&head->lock);
}

static bool times_ascend(const int64_t *times, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (times[i] <= times[i - 1]) {
            return false;
        }
    }
    return true;
}

/* Many samples of one series: they become a chunk as they are. False: they are late or out of order. */
static bool add_column(struct history_head *head, const struct history_usual *usual, size_t at,
                       const struct history_run *run)
{
    const int64_t *times = usual->times + at;
    const union value *values = usual->values + at;
    struct history_series *series = history_head_make(head, run->first);
    if (run->count < HISTORY_STAGE_SEAL || usual->one_time || usual->type == HISTORY_USUAL_MIXED ||
        !times_ascend(times, run->count)) {
        return false;
    }
    history_stage_settle(head, run->first);
    if (series->has_last && series->last_us >= times[0]) {
        return false;
    }
    freshen(head, series, run->first);
    history_head_seal(head, series);
    history_head_seal_column(head, series, usual->type, times, values, run->count);
    struct sample last = { .time_us = times[run->count - 1],
                           .receive_us = times[run->count - 1],
                           .value = values[run->count - 1],
                           .type = usual->type };
    head->series_count += !series->has_last;
    set_last(series, &last);
    series->stored += run->count;
    head->stored += run->count;
    head->samples += run->count;
    return true;
}

void history_head_add_usual(struct history_head *head, const struct history_usual *usual)
{
    pthread_mutex_lock(&head->lock);
    for (size_t r = 0, at = 0; r < usual->run_count; r++) {
        const struct history_run *run = &usual->runs[r];
        if (!run->same) {
            history_stage_add(head, usual, at, run->first, run->count);
        } else if (!add_column(head, usual, at, run)) {
            for (uint32_t i = 0; i < run->count; i++) {
                history_stage_add(head, usual, at + i, run->first, 1);
            }
        }
        at += run->count;
    }
    pthread_mutex_unlock(&head->lock);
}

void history_head_end(struct history_head *head, uint64_t sequence)
{
    pthread_mutex_lock(&head->lock);
    head->feeding = false;
    head->fed = sequence;
    pthread_cond_broadcast(&head->idle);
    pthread_mutex_unlock(&head->lock);
}
