/* SPDX-License-Identifier: Apache-2.0 */
/* Reads every byte that history keeps and compares log, blocks, series file and catalog. */
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"
#include "history/history_private.h"

struct verify {
    char log_folder[HISTORY_PATH_MAX], block_folder[HISTORY_PATH_MAX];
    const struct file_ops *file;
    struct history_findings *findings;
    history_finding_cb cb;
    void *ctx;
    bool damaged;
};

static void tell(struct verify *verify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct verify *verify, const char *format, ...)
{
    char text[512];
    va_list args;
    struct buf buf;
    verify->damaged = true;
    buf_init(&buf, sizeof(text));
    va_start(args, format);
    buf_vprintf(&buf, format, args);
    va_end(args);
    if (verify->cb != NULL) {
        verify->cb(verify->ctx, buf_text(&buf));
    }
    buf_fini(&buf);
}

/* --- log --- */

struct verify_log {
    struct verify *verify;
    uint64_t expected; /* 0: any */
    uint8_t *data;
    size_t capacity;
    uint64_t first; /* sequence of the segment just read */
};

static void lost(struct verify_log *work, const char *path, uint64_t sequence)
{
    if (work->expected != 0 && sequence > work->expected) {
        uint64_t records = sequence - work->expected;
        work->verify->findings->damaged_records += records;
        tell(work->verify, "%s: %llu records are damaged or missing, from number %llu on", path,
             (unsigned long long)records, (unsigned long long)work->expected);
    }
}

static void verify_record(struct verify_log *work, const char *path,
                          const struct history_record_head *head, const uint8_t *body)
{
    struct sample samples[HISTORY_BATCH_SAMPLES];
    struct history_record_reader reader;
    struct history_findings *findings = work->verify->findings;
    uint64_t found = 0;
    int count;
    history_record_open(&reader, body, head->body_bytes);
    while ((count = history_record_next(&reader, samples)) > 0) {
        found += (uint64_t)count;
    }
    if (count < 0 || found != head->samples) {
        findings->damaged_records++;
        tell(work->verify, "%s: record %llu has a good checksum and cannot be read", path,
             (unsigned long long)head->sequence);
        return;
    }
    findings->records++;
    findings->samples += found;
}

static void verify_segment(struct verify_log *work, uint64_t number, bool newest)
{
    struct verify *verify = work->verify;
    char path[HISTORY_PATH_MAX];
    size_t size;
    struct history_segment_head head;
    history_block_path(verify->log_folder, number, ".log", path, sizeof(path));
    int error = history_log_load(verify->file, path, &work->data, &work->capacity, &size);
    if (error != 0) {
        verify->findings->damaged_files++;
        tell(verify, "%s: cannot be read: %s", path, err_text(error));
        return;
    }
    error = history_segment_get_head(work->data, size, &head);
    if (error == BUSBAR_ESHORT && newest) {
        verify->findings->torn_bytes += size;
        return;
    }
    if (error != 0) {
        verify->findings->damaged_files++;
        tell(verify, "%s: the head of this log segment is damaged", path);
        return;
    }
    work->first = head.first_sequence;
    lost(work, path, head.first_sequence);
    work->expected = head.first_sequence > work->expected ? head.first_sequence : work->expected;
    struct history_segment_reader reader;
    struct history_record_head record;
    const uint8_t *body;
    history_segment_open(&reader, work->data, size, &head);
    while (history_segment_next(&reader, &record, &body) == 0) {
        lost(work, path, record.sequence);
        work->expected = record.sequence >= work->expected ? record.sequence + 1 : work->expected;
        verify_record(work, path, &record, body);
    }
    verify->findings->torn_bytes += newest ? history_segment_torn(&reader, &head) : 0;
    verify->findings->segments++;
}

static int verify_log(struct verify *verify, uint64_t mark)
{
    uint64_t *numbers;
    size_t count;
    int error = history_list_numbers(verify->log_folder, ".log", &numbers, &count, NULL);
    if (error != 0) {
        tell(verify, "%s: cannot be read: %s", verify->log_folder, err_text(error));
        return error;
    }
    struct verify_log work = { .verify = verify };
    for (size_t i = 0; i < count; i++) {
        verify_segment(&work, numbers[i], i + 1 == count);
        if (i == 0 && work.first > mark + 1) {
            verify->findings->damaged_records += work.first - mark - 1;
            tell(verify, "the log begins with record %llu, but the blocks end with record %llu",
                 (unsigned long long)work.first, (unsigned long long)mark);
        }
    }
    busbar_free(work.data);
    busbar_free(numbers);
    return 0;
}

/* --- blocks --- */

struct verify_block {
    struct verify *verify;
    struct history_coder *coder;
    struct history_column *column;
    struct buf bytes;
};

static bool chunk_good(struct verify_block *work, const struct history_source *entry)
{
    struct history_column *column = work->column;
    buf_clear(&work->bytes);
    uint8_t *data = buf_reserve(&work->bytes, entry->size);
    return entry->size > 4 && data != NULL && history_block_read(entry, data) == 0 &&
           history_chunk_decode(work->coder, data + 4, entry->size - 4, column) == 0 &&
           column->count == entry->count && column->times[0] == entry->first_us &&
           column->times[column->count - 1] == entry->last_us;
}

static void verify_chunks(struct verify_block *work, struct history_block *block)
{
    struct history_findings *findings = work->verify->findings;
    struct history_block_walk walk;
    const struct history_source *entry;
    uint64_t samples = 0;
    int error;
    history_block_walk_init(&walk, block);
    while ((entry = history_block_walk_next(&walk, &error)) != NULL) {
        if (chunk_good(work, entry)) {
            findings->chunks++;
            samples += entry->count;
        } else {
            findings->damaged_chunks++;
            tell(work->verify, "%s: the chunk at byte %llu (series %u, %u samples) is damaged",
                 block->path, (unsigned long long)entry->offset, entry->series, entry->count);
        }
    }
    if (walk.entries.damaged > 0) {
        findings->damaged_chunks += walk.entries.damaged;
        tell(work->verify, "%s: %llu pages of its index are damaged", block->path,
             (unsigned long long)walk.entries.damaged);
    } else if (error != 0) {
        tell(work->verify, "%s: cannot be read: %s", block->path, err_text(error));
    }
    findings->samples += samples;
    history_block_walk_fini(&walk);
}

static void verify_block(struct verify_block *work, const struct state_block *row)
{
    struct verify *verify = work->verify;
    struct history_block *block;
    struct err err = { 0 };
    int error = history_block_open(verify->file, verify->block_folder, row, &block, &err);
    if (error == BUSBAR_ENOENT) {
        verify->findings->missing_blocks++;
        tell(verify, "%s", err.message);
    } else if (error != 0) {
        verify->findings->damaged_files++;
        tell(verify, "%s", err.message);
    } else {
        verify->findings->blocks++;
        verify_chunks(work, block);
        history_block_release(block);
    }
}

static int verify_blocks(struct verify *verify, const struct state_block *rows, size_t count)
{
    struct verify_block work = { .verify = verify, .coder = history_coder_new() };
    work.column = history_column_new();
    buf_init(&work.bytes, HISTORY_WORK_BYTES_MAX);
    bool ready = work.coder != NULL && work.column != NULL;
    for (size_t i = 0; i < count && ready; i++) {
        verify_block(&work, &rows[i]);
    }
    buf_fini(&work.bytes);
    busbar_free(work.column);
    history_coder_free(work.coder);
    return ready ? 0 : BUSBAR_ENOMEM;
}

static void verify_series(struct verify *verify, uint64_t mark)
{
    char path[HISTORY_PATH_MAX];
    struct err err = { 0 };
    if (mark == 0) {
        return;
    }
    history_block_path(verify->block_folder, mark, ".ser", path, sizeof(path));
    if (history_series_verify(verify->file, path, mark, &err) == 0) {
        verify->findings->series_files++;
    } else {
        verify->findings->damaged_files++;
        tell(verify, "%s", err.message);
    }
}

/* Files that no catalog names are what a crash left; the next start removes them. */
static void count_orphans(struct verify *verify, const struct state_block *rows, size_t count)
{
    uint64_t *numbers;
    size_t files;
    if (history_list_numbers(verify->block_folder, ".blk", &numbers, &files, NULL) == 0) {
        for (size_t i = 0; i < files; i++) {
            bool known = false;
            for (size_t k = 0; k < count && !known; k++) {
                known = rows[k].id == numbers[i];
            }
            verify->findings->orphan_files += !known;
        }
        busbar_free(numbers);
    }
}

int history_verify(const char *folder, struct state *state, struct history_findings *findings,
                   history_finding_cb cb, void *ctx)
{
    struct verify verify = { .file = file_ops_real(), .findings = findings, .cb = cb, .ctx = ctx };
    struct state_block *rows;
    size_t count;
    uint64_t mark;
    *findings = (struct history_findings){ 0 };
    file_join(verify.log_folder, sizeof(verify.log_folder), folder, "log");
    file_join(verify.block_folder, sizeof(verify.block_folder), folder, "blocks");
    int error = state_blocks(state, &rows, &count, &mark);
    if (error != 0) {
        char reason[256];
        state_reason(state, reason, sizeof(reason));
        tell(&verify, "the catalog of blocks cannot be read: %s", reason);
        return error;
    }
    error = verify_log(&verify, mark);
    error = error == 0 ? verify_blocks(&verify, rows, count) : error;
    verify_series(&verify, mark);
    count_orphans(&verify, rows, count);
    busbar_free(rows);
    return error != 0 ? error : verify.damaged ? BUSBAR_EDAMAGED : 0;
}
