/* SPDX-License-Identifier: Apache-2.0 */
/* The start: blocks of the catalog are opened, files that no catalog names are removed, the series
 * file of the mark and the log after the mark fill the head. What is damaged is said and left out;
 * it never stops the start. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "history/history_private.h"

static void say(struct history_recovery *found, const char *text)
{
    busbar_log(LOG_LEVEL_ERROR, "history", NULL, "%s", text);
    if (found->text[0] == '\0') {
        str_copy(found->text, sizeof(found->text), text);
    }
}

static void say_lost(struct history_recovery *found, const struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What is wrong with which file, and what that costs. */
static void say_lost(struct history_recovery *found, const struct err *err, const char *format, ...)
{
    struct buf text;
    va_list args;
    buf_init(&text, 1024);
    buf_printf(&text, "%s: ", err->message);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    say(found, buf_text(&text));
    buf_fini(&text);
}

static int replay(void *ctx, const struct history_record_head *head, const uint8_t *body)
{
    struct history *history = ctx;
    history->recovery.samples += head->samples;
    if (history_feed(history, head->sequence, body, history_record_batch_bytes(head)) < 0) {
        history->recovery.damaged_records++;
        say(&history->recovery, "a log record has a good checksum and cannot be read: was it "
                                "written by a newer version?");
    }
    return 0;
}

static bool in_catalog(const struct state_block *rows, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].id == id) {
            return true;
        }
    }
    return false;
}

/* A block that is in no catalog was not finished, or its removal was not: its samples are elsewhere. */
static int remove_orphans(struct history *history, const char *suffix,
                          bool (*keep)(void *, uint64_t), void *ctx, struct err *err)
{
    uint64_t *numbers;
    size_t count;
    int error = history_list_numbers(history->block_folder, suffix, &numbers, &count, err);
    for (size_t i = 0; i < count && error == 0; i++) {
        if (!keep(ctx, numbers[i])) {
            char path[HISTORY_PATH_MAX];
            history_block_path(history->block_folder, numbers[i], suffix, path, sizeof(path));
            history->file->unlink(history->file->ctx, path);
            history->recovery.orphan_files++;
        }
    }
    busbar_free(numbers);
    return error;
}

struct catalog {
    struct state_block *rows;
    size_t count;
    uint64_t mark;
};

static bool keep_block(void *ctx, uint64_t id)
{
    const struct catalog *catalog = ctx;
    return in_catalog(catalog->rows, catalog->count, id);
}

static bool keep_series(void *ctx, uint64_t mark)
{
    const struct catalog *catalog = ctx;
    return mark == catalog->mark;
}

static bool keep_none(void *ctx, uint64_t id)
{
    (void)ctx;
    (void)id;
    return false;
}

static void open_blocks(struct history *history, const struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++) {
        struct err err = { 0 };
        struct history_block *block;
        if (history_block_open(history->file, history->block_folder, &catalog->rows[i], &block,
                               &err) == 0) {
            history_blocks_change(&history->blocks, &block, 1, NULL, 0);
        } else {
            history->blocks.missing++;
            history->recovery.damaged_files++;
            say_lost(&history->recovery, &err, "its %llu samples of %u points are left out",
                     (unsigned long long)catalog->rows[i].samples, catalog->rows[i].series);
        }
    }
}

static void load_series(struct history *history, uint64_t mark)
{
    struct err err = { 0 };
    if (mark > 0 && history_series_load(history, mark, &err) != 0) {
        history->recovery.damaged_files++;
        say_lost(&history->recovery, &err,
                 "counters, and last values of points that were quiet since, are lost");
    }
}

int history_recover(struct history *history, struct err *err)
{
    struct catalog catalog = { 0 };
    int64_t start_us = clock_mono_us();
    int error = state_blocks(history->state, &catalog.rows, &catalog.count, &catalog.mark);
    struct state_block_counts counts = { 0 };
    error = error == 0 ? history_deletes_load(history) : error;
    error = error == 0 ? state_block_counts(history->state, &counts) : error;
    history->keeper.merged_day = counts.merged_day;
    atomic_store(&history->keeper.expired, counts.expired);
    atomic_store(&history->keeper.deleted, counts.deleted);
    if (error != 0) {
        busbar_free(catalog.rows);
        char reason[256];
        state_reason(history->state, reason, sizeof(reason));
        return err_set(err, error, "cannot read the catalog of blocks: %s", reason);
    }
    history->blocks.mark = catalog.mark;
    history->blocks.next_id = 1;
    for (size_t i = 0; i < catalog.count; i++) {
        uint64_t after = catalog.rows[i].id + 1;
        history->blocks.next_id = after > history->blocks.next_id ? after : history->blocks.next_id;
    }
    open_blocks(history, &catalog);
    error = remove_orphans(history, ".tmp", keep_none, NULL, err);
    error = error == 0 ? remove_orphans(history, ".ser.tmp", keep_none, NULL, err) : error;
    error = error == 0 ? remove_orphans(history, ".blk", keep_block, &catalog, err) : error;
    error = error == 0 ? remove_orphans(history, ".ser", keep_series, &catalog, err) : error;
    busbar_free(catalog.rows);
    if (error != 0) {
        return error;
    }
    load_series(history, catalog.mark);
    error = history_deletes_recover(history, catalog.mark);
    if (error != 0) {
        return err_set(err, error, "cannot read the blocks: %s", err_text(error));
    }
    history->head.fed = catalog.mark;
    error = history_log_open(&history->log, history->file, history->log_folder,
                             history->config.segment_bytes, catalog.mark, replay, history,
                             &history->recovery, err);
    if (error == 0) {
        history_head_started(&history->head);
        history->recovery.took_us = clock_mono_us() - start_us;
    }
    return error;
}
