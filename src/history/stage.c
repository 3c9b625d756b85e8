/* SPDX-License-Identifier: Apache-2.0 */
#include "history/stage.h"

#include <string.h>

#include "base/alloc.h"
#include "history/head_private.h"

enum { ROWS_MIN = 2, TILE = 8 /* series whose values share a cache line of each row */ };

_Static_assert(HISTORY_PAGE_SERIES % HISTORY_GROUP_SERIES == 0, "a page holds whole groups");

static struct history_group *find_group(const struct history_head *head, uint32_t id)
{
    size_t page = id / HISTORY_PAGE_SERIES;
    if (page >= head->page_count || head->pages[page] == NULL) {
        return NULL;
    }
    return head->pages[page]->groups[id % HISTORY_PAGE_SERIES / HISTORY_GROUP_SERIES];
}

static struct history_group *make_group(struct history_head *head, uint32_t id)
{
    struct history_group *group = find_group(head, id);
    if (group == NULL) {
        (void)history_head_make(head, id);
        group = busbar_alloc(sizeof(*group));
        group->first = id - id % HISTORY_GROUP_SERIES;
        group->newest_us = INT64_MIN;
        head->pages[id / HISTORY_PAGE_SERIES]
            ->groups[id % HISTORY_PAGE_SERIES / HISTORY_GROUP_SERIES] = group;
        head->stage_bytes += sizeof(*group);
        head->bytes += sizeof(*group);
    }
    return group;
}

void history_stage_free(struct history_group *group)
{
    if (group != NULL) {
        busbar_free(group->times);
        busbar_free(group->values);
        busbar_free(group->rests);
        busbar_free(group);
    }
}

static int64_t time_of(const struct history_group *group, size_t row, size_t column)
{
    int64_t rest = group->rests != NULL ? group->rests[row * HISTORY_GROUP_SERIES + column] : 0;
    return (int64_t)((uint64_t)group->times[row] + (uint64_t)rest);
}

/* ---- settling ---- */

static void set_last(struct history_series *series, uint8_t type, int64_t time_us,
                     union value value, size_t rows)
{
    if (series->has_last && series->last_type == VALUE_TEXT) {
        busbar_free((void *)(uintptr_t)series->last.text);
    }
    series->has_last = true;
    series->last_us = time_us;
    series->last_receive_us = time_us;
    series->last = value;
    series->last_detail = 0;
    series->last_type = type;
    series->last_quality = QUALITY_GOOD;
    series->stored += (uint32_t)rows;
    series->staged = false;
}

/* seal: the fewest rows that become a chunk instead of entries of the open buffer. */
static void settle_column(struct history_head *head, struct history_group *group, size_t column,
                          const int64_t *times, const union value *values, unsigned seal)
{
    struct history_series *series = history_head_find(head, group->first + (uint32_t)column);
    uint8_t type = group->types[column];
    size_t rows = group->rows[column];
    if (rows >= seal && series->open_count == 0) {
        history_head_seal_column(head, series, type, times, values, rows);
    } else {
        for (size_t row = 0; row < rows; row++) {
            history_head_append(head, series, type, times[row], values[row]);
        }
    }
    set_last(series, type, times[rows - 1], values[rows - 1], rows);
    group->rows[column] = 0;
}

/* Columns from..from + TILE - 1. */
static void settle_tile(struct history_head *head, struct history_group *group, size_t from,
                        unsigned seal)
{
    union value values[TILE][HISTORY_STAGE_ROWS];
    int64_t times[TILE][HISTORY_STAGE_ROWS];
    size_t rows = 0;
    for (size_t i = 0; i < TILE; i++) {
        rows = group->rows[from + i] > rows ? group->rows[from + i] : rows;
    }
    for (size_t row = 0; row < rows; row++) {
        const union value *cells = group->values + row * HISTORY_GROUP_SERIES + from;
        for (size_t i = 0; i < TILE; i++) {
            values[i][row] = cells[i];
        }
    }
    for (size_t row = 0; row < rows && group->rests != NULL; row++) {
        const int32_t *rests = group->rests + row * HISTORY_GROUP_SERIES + from;
        for (size_t i = 0; i < TILE; i++) {
            times[i][row] = (int64_t)((uint64_t)group->times[row] + (uint64_t)(int64_t)rests[i]);
        }
    }
    for (size_t i = 0; i < TILE; i++) {
        if (group->rows[from + i] > 0) {
            const int64_t *column = group->rests != NULL ? times[i] : group->times;
            settle_column(head, group, from + i, column, values[i], seal);
        }
    }
}

static void settle_group(struct history_head *head, struct history_group *group, unsigned seal)
{
    for (size_t from = 0; group->used > 0 && from < HISTORY_GROUP_SERIES; from += TILE) {
        settle_tile(head, group, from, seal);
    }
    group->used = 0;
    group->newest_us = INT64_MIN;
}

void history_stage_settle(struct history_head *head, uint32_t id)
{
    static const uint8_t empty[HISTORY_GROUP_SERIES];
    union value values[HISTORY_STAGE_ROWS];
    int64_t times[HISTORY_STAGE_ROWS];
    struct history_group *group = find_group(head, id);
    size_t column = id % HISTORY_GROUP_SERIES;
    if (group == NULL || group->rows[column] == 0) {
        return;
    }
    for (size_t row = 0; row < group->rows[column]; row++) {
        values[row] = group->values[row * HISTORY_GROUP_SERIES + column];
        times[row] = time_of(group, row, column);
    }
    settle_column(head, group, column, times, values, HISTORY_STAGE_SEAL);
    if (memcmp(group->rows, empty, sizeof(empty)) == 0) {
        group->used = 0;
        group->newest_us = INT64_MIN;
    }
}

/* With many series the memory of what was settled is better used for what it became. */
static void ease_memory(struct history_head *head, struct history_group *group)
{
    size_t cell = sizeof(union value) + (group->rests != NULL ? sizeof(int32_t) : 0);
    size_t bytes = group->capacity * (HISTORY_GROUP_SERIES * cell + sizeof(int64_t));
    if (head->stage_bytes > HISTORY_STAGE_BYTES) {
        busbar_free(group->times);
        busbar_free(group->values);
        busbar_free(group->rests);
        group->times = NULL;
        group->values = NULL;
        group->rests = NULL;
        group->capacity = 0;
        head->stage_bytes -= bytes;
        head->bytes -= bytes;
    }
}

/* The next group at *place or behind it; NULL: there is none. The place then is that of the one after it. */
static struct history_group *next_group(const struct history_head *head, size_t *place)
{
    for (; *place / HISTORY_PAGE_GROUPS < head->page_count; (*place)++) {
        const struct history_page *page = head->pages[*place / HISTORY_PAGE_GROUPS];
        struct history_group *group = page != NULL ? page->groups[*place % HISTORY_PAGE_GROUPS]
                                                   : NULL;
        if (group != NULL && group->used > 0) {
            (*place)++;
            return group;
        }
    }
    return NULL;
}

void history_stage_settle_all(struct history_head *head)
{
    struct history_group *group;
    size_t place = 0;
    while ((group = next_group(head, &place)) != NULL) {
        settle_group(head, group, HISTORY_STAGE_SEAL);
    }
}

void history_stage_ease(struct history_head *head)
{
    struct history_group *group;
    size_t place = 0;
    do {
        pthread_mutex_lock(&head->lock);
        group = next_group(head, &place);
        if (group != NULL) {
            settle_group(head, group,
                         1); /* a block is about to take all there is: chunks at once */
            ease_memory(head, group);
        }
        pthread_mutex_unlock(&head->lock);
    } while (group != NULL);
}

/* ---- reading ---- */

size_t history_stage_copy(const struct history_head *head, uint32_t id,
                          struct history_entry *entries)
{
    const struct history_group *group = find_group(head, id);
    size_t column = id % HISTORY_GROUP_SERIES;
    size_t rows = group != NULL ? group->rows[column] : 0;
    for (size_t row = 0; row < rows && entries != NULL; row++) {
        entries[row].time_us = time_of(group, row, column);
        entries[row].value = group->values[row * HISTORY_GROUP_SERIES + column];
    }
    return rows;
}

bool history_stage_last(const struct history_head *head, uint32_t id, struct sample *sample)
{
    const struct history_group *group = find_group(head, id);
    size_t column = id % HISTORY_GROUP_SERIES;
    if (group == NULL || group->rows[column] == 0) {
        return false;
    }
    size_t row = group->rows[column] - 1u;
    int64_t time_us = time_of(group, row, column);
    *sample = (struct sample){ .time_us = time_us,
                               .receive_us = time_us,
                               .value = group->values[row * HISTORY_GROUP_SERIES + column],
                               .point = id,
                               .type = group->types[column] };
    return true;
}

/* ---- gathering ---- */

/* Cells for neighbouring columns of one group. */
struct cells {
    size_t column, count;
    uint8_t type;
    bool one_time;
    const uint8_t *types; /* NULL: all of one type */
    const int64_t *times;
    const union value *values;
};

static inline uint8_t type_of(const struct cells *cells, size_t i)
{
    return cells->types != NULL ? cells->types[i] : cells->type;
}

static inline int64_t cell_time(const struct cells *cells, size_t i)
{
    return cells->times[cells->one_time ? 0 : i];
}

/* How many of the cells from the first on go into the same row, `row`, of columns of their type. */
static size_t count_alike(const struct history_group *group, const struct cells *cells, uint8_t row)
{
    const uint8_t *rows = group->rows + cells->column;
    const uint8_t *types = group->types + cells->column;
    size_t count = cells->count;
    if (memcmp(rows, rows + 1, count - 1) != 0) {
        for (count = 1; rows[count] == row;) {
            count++;
        }
    }
    if (row == 0) {
        return count;
    }
    bool fit = cells->types != NULL
                   ? memcmp(types, cells->types, count) == 0
                   : types[0] == cells->type && memcmp(types, types + 1, count - 1) == 0;
    for (size_t i = 0; i < count && !fit; i++) {
        if (types[i] != type_of(cells, i)) {
            return i;
        }
    }
    return count;
}

/* First cells: every series must be of this generation and older than its cell. Returns how many are. */
static size_t open_columns(struct history_head *head, const struct history_group *group,
                           const struct cells *cells, size_t count)
{
    uint32_t first = group->first + (uint32_t)cells->column;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = first + (uint32_t)i;
        struct history_series *series = history_head_find(head, id);
        if (series->generation != head->generation) {
            if (series->generation != 0 || series->open_count > 0) {
                history_head_thaw(head, series, id);
            }
            series->generation = head->generation;
        }
        if (series->has_last && series->last_us >= cell_time(cells, i)) {
            return i;
        }
    }
    return count;
}

/* How many of the cells are newer than the one above. */
static size_t count_newer(const struct history_group *group, const struct cells *cells, size_t row,
                          size_t count)
{
    int64_t oldest_us = cells->times[0];
    for (size_t i = 1; i < count && !cells->one_time; i++) {
        oldest_us = cells->times[i] < oldest_us ? cells->times[i] : oldest_us;
    }
    if (oldest_us > group->newest_us) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        if (cell_time(cells, i) <= time_of(group, row - 1, cells->column + i)) {
            return i;
        }
    }
    return count;
}

static bool make_room(struct history_head *head, struct history_group *group)
{
    size_t capacity = group->capacity > 0 ? 2u * group->capacity : ROWS_MIN;
    size_t cell = sizeof(union value) + (group->rests != NULL ? sizeof(int32_t) : 0);
    size_t more = (capacity - group->capacity) * (HISTORY_GROUP_SERIES * cell + sizeof(int64_t));
    uint64_t most = HISTORY_STAGE_BYTES + head->series_count * HISTORY_STAGE_SERIES_BYTES;
    if (capacity > HISTORY_STAGE_ROWS || (group->capacity > 0 && head->stage_bytes + more > most)) {
        return false;
    }
    size_t cells = capacity * HISTORY_GROUP_SERIES;
    group->times = busbar_realloc(group->times, capacity * sizeof(*group->times));
    group->values = busbar_realloc(group->values, cells * sizeof(*group->values));
    if (group->rests != NULL) {
        size_t old = (size_t)group->capacity * HISTORY_GROUP_SERIES;
        group->rests = busbar_realloc(group->rests, cells * sizeof(*group->rests));
        memset(group->rests + old, 0, (cells - old) * sizeof(*group->rests));
    }
    group->capacity = (uint16_t)capacity;
    head->stage_bytes += more;
    head->bytes += more;
    return true;
}

static void add_rests(struct history_head *head, struct history_group *group)
{
    size_t cells = (size_t)group->capacity * HISTORY_GROUP_SERIES;
    group->rests = busbar_alloc_array(cells, sizeof(*group->rests));
    head->stage_bytes += cells * sizeof(*group->rests);
    head->bytes += cells * sizeof(*group->rests);
}

/* Writes the times of a row's cells. Returns how many it could say; the first cell of a row always. */
static size_t put_times(struct history_head *head, struct history_group *group,
                        const struct cells *cells, size_t row, size_t count)
{
    if (row == group->used) {
        group->times[row] = cells->times[0];
        group->used++;
    }
    int64_t row_us = group->times[row];
    if (group->rests == NULL) {
        if (cells->one_time && cells->times[0] == row_us) {
            return count;
        }
        add_rests(head, group);
    }
    int32_t *rests = group->rests + row * HISTORY_GROUP_SERIES + cells->column;
    int64_t rest = (int64_t)((uint64_t)cells->times[0] - (uint64_t)row_us);
    for (size_t i = 0; i < count; i++) {
        if (!cells->one_time) {
            rest = (int64_t)((uint64_t)cells->times[i] - (uint64_t)row_us);
        }
        rests[i] = (int32_t)rest;
        if (rests[i] != rest) {
            return i;
        }
    }
    return count;
}

/* Adds cells from the first on. Returns how many; 0: the first must go the slow way. */
static size_t add_cells(struct history_head *head, struct history_group *group,
                        const struct cells *cells)
{
    uint8_t row = group->rows[cells->column];
    size_t count = count_alike(group, cells, row);
    if (count == 0) {
        return 0;
    }
    if (row == group->capacity && !make_room(head, group)) {
        settle_group(head, group, HISTORY_STAGE_SEAL);
        return add_cells(head, group, cells);
    }
    count = row == 0 ? open_columns(head, group, cells, count)
                     : count_newer(group, cells, row, count);
    count = count > 0 ? put_times(head, group, cells, row, count) : 0;
    for (size_t i = 0; i < count && row == 0; i++) {
        struct history_series *series = history_head_find(head, group->first +
                                                                    (uint32_t)(cells->column + i));
        head->series_count += !series->has_last;
        series->staged = true;
        group->types[cells->column + i] = type_of(cells, i);
    }
    for (size_t i = 0; i < (cells->one_time && count > 0 ? 1 : count); i++) {
        group->newest_us = cells->times[i] > group->newest_us ? cells->times[i] : group->newest_us;
    }
    memcpy(group->values + (size_t)row * HISTORY_GROUP_SERIES + cells->column, cells->values,
           count * sizeof(*cells->values));
    memset(group->rows + cells->column, row + 1, count);
    head->stored += count;
    head->samples += count;
    return count;
}

static void insert_one(struct history_head *head, const struct cells *cells, uint32_t id)
{
    struct sample sample = { .time_us = cell_time(cells, 0),
                             .receive_us = cell_time(cells, 0),
                             .value = cells->values[0],
                             .point = id,
                             .type = type_of(cells, 0) };
    history_head_insert(head, &sample);
}

void history_stage_add(struct history_head *head, const struct history_usual *usual, size_t at,
                       uint32_t first, uint32_t count)
{
    bool mixed = usual->type == HISTORY_USUAL_MIXED;
    for (uint32_t done = 0; done < count;) {
        uint32_t id = first + done;
        struct history_group *group = make_group(head, id);
        size_t column = id % HISTORY_GROUP_SERIES;
        size_t room = HISTORY_GROUP_SERIES - column;
        struct cells cells = { .column = column,
                               .count = count - done < room ? count - done : room,
                               .type = usual->type,
                               .one_time = usual->one_time,
                               .types = mixed ? usual->types + at + done : NULL,
                               .times = usual->times + (usual->one_time ? 0 : at + done),
                               .values = usual->values + at + done };
        size_t added = add_cells(head, group, &cells);
        if (added == 0) {
            insert_one(head, &cells, id);
            added = 1;
        }
        done += (uint32_t)added;
    }
}
