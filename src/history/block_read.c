/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/block.h"
#include "history/block_private.h"

enum { VERSION = 1, PAGES_MAX = 16 * 1024 * 1024 };

static const char head_mark[8] = "BBBLK1";
static const char tail_mark[8] = "BBBLKE1";

void history_block_put_head(uint8_t to[HISTORY_BLOCK_HEAD], uint64_t id)
{
    memset(to, 0, HISTORY_BLOCK_HEAD);
    struct bytes_out out = bytes_out_of(to, HISTORY_BLOCK_HEAD);
    bytes_put_block(&out, head_mark, sizeof(head_mark));
    bytes_put_u32le(&out, VERSION);
    bytes_put_u32le(&out, 0);
    bytes_put_u64le(&out, id);
    out = bytes_out_of(to + HISTORY_BLOCK_HEAD - 4, 4);
    bytes_put_u32le(&out, history_block_check(id, 0, to, HISTORY_BLOCK_HEAD - 4));
}

static bool head_good(const uint8_t *data, uint64_t id)
{
    uint8_t right[HISTORY_BLOCK_HEAD];
    history_block_put_head(right, id);
    return memcmp(data, right, sizeof(right)) == 0;
}

void history_block_put_tail(uint8_t to[HISTORY_BLOCK_TAIL], const struct history_block_tail *tail)
{
    memset(to, 0, HISTORY_BLOCK_TAIL);
    struct bytes_out out = bytes_out_of(to, HISTORY_BLOCK_TAIL);
    bytes_put_block(&out, tail_mark, sizeof(tail_mark));
    bytes_put_u64le(&out, tail->id);
    bytes_put_u64le(&out, tail->index_offset);
    bytes_put_u32le(&out, tail->pages);
    bytes_put_u32le(&out, tail->series);
    bytes_put_u64le(&out, tail->samples);
    bytes_put_i64le(&out, tail->from_us);
    bytes_put_i64le(&out, tail->to_us);
    bytes_put_u32le(&out, tail->sparse_check);
    bytes_put_u32le(&out, history_block_check(tail->id, 1, to, HISTORY_BLOCK_TAIL - 4));
}

static bool get_tail(const uint8_t *data, uint64_t id, struct history_block_tail *tail)
{
    struct bytes in = bytes_of(data, HISTORY_BLOCK_TAIL);
    const uint8_t *mark = bytes_get_block(&in, sizeof(tail_mark));
    tail->id = bytes_get_u64le(&in);
    tail->index_offset = bytes_get_u64le(&in);
    tail->pages = bytes_get_u32le(&in);
    tail->series = bytes_get_u32le(&in);
    tail->samples = bytes_get_u64le(&in);
    tail->from_us = bytes_get_i64le(&in);
    tail->to_us = bytes_get_i64le(&in);
    tail->sparse_check = bytes_get_u32le(&in);
    uint32_t check = bytes_get_u32le(&in);
    return memcmp(mark, tail_mark, sizeof(tail_mark)) == 0 && tail->id == id &&
           check == history_block_check(id, 1, data, HISTORY_BLOCK_TAIL - 4);
}

static int load_sparse(struct history_block *block, const struct history_block_tail *tail,
                       uint64_t size, struct err *err)
{
    uint64_t at = tail->index_offset + (uint64_t)tail->pages * HISTORY_BLOCK_PAGE;
    size_t bytes = (size_t)tail->pages * 8;
    uint8_t *sparse = busbar_try_alloc(bytes + 1);
    block->page_series = busbar_try_alloc((size_t)tail->pages * sizeof(uint32_t) + 1);
    block->page_checks = busbar_try_alloc((size_t)tail->pages * sizeof(uint32_t) + 1);
    int error = sparse == NULL || block->page_series == NULL || block->page_checks == NULL
                    ? BUSBAR_ENOMEM
                    : file_pread_all(block->file, block->fd, sparse, bytes, (int64_t)at);
    if (error == 0 &&
        (at + bytes + HISTORY_BLOCK_TAIL != size ||
         history_block_check(block->row.id, at, sparse, bytes) != tail->sparse_check)) {
        error = BUSBAR_EDAMAGED;
    }
    struct bytes in = bytes_of(sparse, error == 0 ? bytes : 0);
    for (uint32_t i = 0; error == 0 && i < tail->pages; i++) {
        block->page_series[i] = bytes_get_u32le(&in);
        block->page_checks[i] = bytes_get_u32le(&in);
    }
    busbar_free(sparse);
    block->pages = tail->pages;
    block->index_offset = tail->index_offset;
    return error == 0 ? 0
                      : err_set(err, error, "the index of %s: %s", block->path, err_text(error));
}

static int load(struct history_block *block, struct err *err)
{
    uint8_t head[HISTORY_BLOCK_HEAD];
    uint8_t end[HISTORY_BLOCK_TAIL];
    struct history_block_tail tail;
    int64_t size = block->file->size(block->file->ctx, block->fd);
    if (size < 0) {
        return err_set(err, (int)size, "cannot read %s: %s", block->path, err_text((int)size));
    }
    if (size < HISTORY_BLOCK_HEAD + HISTORY_BLOCK_TAIL) {
        return err_set(err, BUSBAR_EDAMAGED, "%s is too short", block->path);
    }
    int error = file_pread_all(block->file, block->fd, head, sizeof(head), 0);
    if (error == 0) {
        error = file_pread_all(block->file, block->fd, end, sizeof(end), size - HISTORY_BLOCK_TAIL);
    }
    if (error != 0) {
        return err_set(err, error, "cannot read %s: %s", block->path, err_text(error));
    }
    if (!head_good(head, block->row.id) || !get_tail(end, block->row.id, &tail)) {
        return err_set(err, BUSBAR_EDAMAGED, "head or end of %s is damaged", block->path);
    }
    if (tail.pages > PAGES_MAX || tail.index_offset > (uint64_t)size ||
        (uint64_t)tail.pages * (HISTORY_BLOCK_PAGE + 8) > (uint64_t)size) {
        return err_set(err, BUSBAR_EDAMAGED, "the end of %s is damaged", block->path);
    }
    return load_sparse(block, &tail, (uint64_t)size, err);
}

int history_block_open(const struct file_ops *file, const char *folder,
                       const struct state_block *row, struct history_block **opened,
                       struct err *err)
{
    char path[1100];
    history_block_path(folder, row->id, ".blk", path, sizeof(path));
    struct history_block *block = busbar_try_alloc(sizeof(*block) + strlen(path) + 1);
    if (block == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "cannot open %s: out of memory", path);
    }
    memcpy(block->path, path, strlen(path) + 1);
    block->file = file;
    block->row = *row;
    atomic_init(&block->users, 1);
    atomic_init(&block->unlink, false);
    atomic_init(&block->met, 0);
    block->fd = file->open(file->ctx, path, O_RDONLY, 0);
    int error = block->fd < 0
                    ? err_set(err, block->fd, "cannot open %s: %s", path, err_text(block->fd))
                    : load(block, err);
    if (error != 0) {
        history_block_release(block);
        return error;
    }
    *opened = block;
    return 0;
}

void history_block_hold(struct history_block *block)
{
    atomic_fetch_add(&block->users, 1);
}

void history_block_release(struct history_block *block)
{
    if (atomic_fetch_sub(&block->users, 1) != 1) {
        return;
    }
    if (block->fd >= 0) {
        block->file->close(block->file->ctx, block->fd);
    }
    if (atomic_load(&block->unlink)) {
        block->file->unlink(block->file->ctx, block->path);
    }
    busbar_free(block->parts);
    busbar_free(block->page_series);
    busbar_free(block->page_checks);
    busbar_free(block);
}

/* --- index pages --- */

/* Before an entry. */
struct place {
    struct bytes in;
    unsigned entries; /* that follow */
    uint64_t offset;
    int64_t before_us;
    uint32_t series;
};

struct page {
    uint8_t data[HISTORY_BLOCK_PAGE];
    struct place start, at;
};

static int read_page(struct history_block *block, uint32_t number, struct page *page)
{
    uint64_t at = block->index_offset + (uint64_t)number * HISTORY_BLOCK_PAGE;
    int error = file_pread_all(block->file, block->fd, page->data, HISTORY_BLOCK_PAGE, (int64_t)at);
    if (error != 0) {
        return error;
    }
    struct bytes in = bytes_of(page->data, HISTORY_BLOCK_PAGE);
    uint32_t check = bytes_get_u32le(&in);
    if (check != block->page_checks[number] ||
        check !=
            history_block_check(block->row.id, number, page->data + 4, HISTORY_BLOCK_PAGE - 4)) {
        return BUSBAR_EDAMAGED;
    }
    page->start.entries = bytes_get_u16le(&in);
    bytes_skip(&in, 2);
    page->start.offset = bytes_get_u64le(&in);
    page->start.before_us = bytes_get_i64le(&in);
    page->start.series = 0;
    page->start.in = in;
    page->at = page->start;
    return 0;
}

/* The next entry of a page; false at its end. */
static bool next_entry(struct page *page, struct history_source *entry)
{
    struct place *at = &page->at;
    if (at->entries == 0) {
        return false;
    }
    at->entries--;
    at->series += (uint32_t)bytes_get_varint(&at->in);
    entry->series = at->series;
    entry->first_us = (int64_t)((uint64_t)at->before_us +
                                (uint64_t)bytes_get_varint_signed(&at->in));
    entry->last_us = (int64_t)((uint64_t)entry->first_us + bytes_get_varint(&at->in));
    entry->size = (uint32_t)bytes_get_varint(&at->in);
    entry->count = (uint32_t)bytes_get_varint(&at->in) + 1;
    entry->offset = at->offset;
    at->offset += entry->size;
    at->before_us = entry->last_us;
    return !bytes_short(&at->in);
}

static int hold_in(struct history_sources *sources, struct history_block *block)
{
    if (sources->borrowed ||
        (sources->block_count > 0 && sources->blocks[sources->block_count - 1] == block)) {
        return 0;
    }
    if (sources->block_count == sources->block_capacity) {
        size_t capacity = sources->block_capacity > 0 ? 2 * sources->block_capacity : 16;
        struct history_block **blocks = busbar_try_realloc(
            sources->blocks, capacity * sizeof(struct history_block *));
        if (blocks == NULL) {
            return BUSBAR_ENOMEM;
        }
        sources->blocks = blocks;
        sources->block_capacity = capacity;
    }
    history_block_hold(block);
    sources->blocks[sources->block_count++] = block;
    return 0;
}

static int add_source(struct history_sources *sources, struct history_block *block,
                      const struct history_source *entry)
{
    int error = hold_in(sources, block);
    struct history_source *source = error == 0 ? history_sources_add(sources) : NULL;
    if (source == NULL) {
        return BUSBAR_ENOMEM;
    }
    uint32_t order = source->order;
    *source = *entry;
    source->order = order;
    source->kind = HISTORY_SOURCE_BLOCK;
    source->block = block;
    return 0;
}

/* The first page that may hold a series: the one before the first that begins at or after it. */
static uint32_t first_page(const struct history_block *block, uint32_t series)
{
    uint32_t low = 0;
    uint32_t high = block->pages;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (block->page_series[middle] < series) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? low - 1 : 0;
}

/* --- entries of one series --- */

/* The page that was read last, at a place before the first entry of the series that was asked for. */
struct history_block_place {
    struct history_block *block;
    uint32_t number;
    bool filled;
    struct page page;
};

struct history_block_place *history_block_place_new(struct history_block *block)
{
    struct history_block_place *place = busbar_try_alloc(sizeof(*place));
    if (place != NULL) {
        place->block = block;
    }
    return place;
}

void history_block_place_free(struct history_block_place *place)
{
    busbar_free(place);
}

/* Puts a page at a place before the first entry of the series. */
static int open_page(struct history_block_place *place, uint32_t number, uint32_t series)
{
    if (place->filled && place->number == number) {
        if (place->page.at.series >= series) {
            place->page.at = place->page.start;
        }
        return 0;
    }
    int error = read_page(place->block, number, &place->page);
    place->filled = error == 0;
    place->number = number;
    return error;
}

/* Takes the entries of a series, leaves the page before the first of them. */
static int collect_page(struct history_block *block, struct page *page, uint32_t series,
                        int64_t from_us, int64_t to_us, struct history_sources *sources)
{
    int64_t done_us = block->row.done_us;
    int error = 0;
    struct history_source entry = { 0 };
    struct place before = page->at;
    bool found = false;
    for (;;) {
        struct place at = page->at;
        if (error != 0 || !next_entry(page, &entry) || entry.series > series) {
            before = found ? before : at;
            break;
        }
        if (entry.series < series) {
            continue;
        }
        before = found ? before : at;
        found = true;
        if (entry.first_us < to_us && entry.last_us >= from_us &&
            (entry.last_us > done_us || done_us == INT64_MIN)) {
            error = add_source(sources, block, &entry);
        }
    }
    page->at = before;
    return error;
}

int history_block_collect_at(struct history_block_place *place, uint32_t series, int64_t from_us,
                             int64_t to_us, struct history_sources *sources)
{
    struct history_block *block = place->block;
    int error = 0;
    for (uint32_t number = first_page(block, series);
         number < block->pages && block->page_series[number] <= series && error == 0; number++) {
        if (open_page(place, number, series) != 0) {
            sources->damaged++;
            atomic_fetch_add(&block->met, 1);
            continue;
        }
        error = collect_page(block, &place->page, series, from_us, to_us, sources);
    }
    return error;
}

int history_block_collect(struct history_block *block, uint32_t series, int64_t from_us,
                          int64_t to_us, struct history_sources *sources)
{
    struct history_block_place place;
    place.block = block;
    place.filled = false;
    return history_block_collect_at(&place, series, from_us, to_us, sources);
}

int history_block_collect_keys(struct history_block *block, uint32_t first, uint32_t last,
                               struct history_sources *sources)
{
    struct page page;
    int error = 0;
    for (uint32_t number = first_page(block, first);
         number < block->pages && block->page_series[number] <= last && error == 0; number++) {
        if (read_page(block, number, &page) != 0) {
            sources->damaged++;
            atomic_fetch_add(&block->met, 1);
            continue;
        }
        struct history_source entry = { 0 };
        while (error == 0 && next_entry(&page, &entry)) {
            if (entry.series >= first && entry.series <= last) {
                error = add_source(sources, block, &entry);
            }
        }
    }
    return error;
}

static int read_chunk(const struct history_source *source, uint8_t *data)
{
    const struct history_block *block = source->block;
    int error = file_pread_all(block->file, block->fd, data, source->size, (int64_t)source->offset);
    if (error == BUSBAR_ESHORT || (error == 0 && source->size < 4)) {
        return BUSBAR_EDAMAGED;
    }
    if (error != 0) {
        return error;
    }
    struct bytes in = bytes_of(data, 4);
    bool good = bytes_get_u32le(&in) ==
                history_block_check(block->row.id, source->offset, data + 4, source->size - 4);
    return good ? 0 : BUSBAR_EDAMAGED;
}

int history_block_read(const struct history_source *source, uint8_t *data)
{
    int error = read_chunk(source, data);
    if (error != 0) {
        atomic_fetch_add(&source->block->met, 1);
    }
    return error;
}

/* --- walking --- */

void history_block_walk_init(struct history_block_walk *walk, struct history_block *block)
{
    *walk = (struct history_block_walk){ .block = block };
    history_sources_init(&walk->entries);
}

void history_block_walk_fini(struct history_block_walk *walk)
{
    history_sources_fini(&walk->entries);
}

const struct history_source *history_block_walk_next(struct history_block_walk *walk, int *error)
{
    *error = 0;
    while (walk->at == walk->entries.count) {
        if (walk->page == walk->block->pages) {
            return NULL;
        }
        history_sources_clear(&walk->entries);
        walk->at = 0;
        struct page page;
        if (read_page(walk->block, walk->page++, &page) != 0) {
            walk->entries.damaged++;
            atomic_fetch_add(&walk->block->met, 1);
            continue;
        }
        struct history_source entry = { 0 };
        while (*error == 0 && next_entry(&page, &entry)) {
            *error = add_source(&walk->entries, walk->block, &entry);
        }
        if (*error != 0) {
            return NULL;
        }
    }
    return &walk->entries.all[walk->at++];
}
