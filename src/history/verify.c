/* SPDX-License-Identifier: Apache-2.0 */
/* Reads every byte that history keeps and compares log, blocks, series file and catalog. */
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"
#include "history/check.h"
#include "history/history_private.h"

struct verify {
    char log_folder[HISTORY_PATH_MAX], block_folder[HISTORY_PATH_MAX];
    const struct file_ops *file;
    struct history_findings *findings;
    history_finding_cb cb;
    void *ctx;
    struct state *state;
    bool running; /* a history uses the files meanwhile */
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
    bool begun; /* a segment has been read */
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

/* False: one cannot be read. */
static bool verify_events(struct verify_log *work, const struct history_record_head *head,
                          const uint8_t *body)
{
    struct bytes events = bytes_of(body + history_record_batch_bytes(head), head->event_bytes);
    struct event_decoded event;
    int error;
    while ((error = history_record_next_event(&events, &event)) == 0) {
        event_decoded_fini(&event);
        work->verify->findings->events++;
    }
    return error == BUSBAR_ENOENT;
}

static void verify_record(struct verify_log *work, const char *path,
                          const struct history_record_head *head, const uint8_t *body)
{
    struct sample samples[HISTORY_BATCH_SAMPLES];
    struct history_record_reader reader;
    struct history_findings *findings = work->verify->findings;
    uint64_t found = 0;
    int count;
    history_record_open(&reader, body, history_record_batch_bytes(head));
    while ((count = history_record_next(&reader, samples)) > 0) {
        found += (uint64_t)count;
    }
    if (count < 0 || found != head->samples || !verify_events(work, head, body)) {
        findings->damaged_records++;
        tell(work->verify, "%s: record %llu has a good checksum and cannot be read", path,
             (unsigned long long)head->sequence);
        return;
    }
    findings->records++;
    findings->samples += found;
}

/* Between the log and the blocks nothing may be missing. */
static void verify_begin(struct verify_log *work, uint64_t first, uint64_t mark)
{
    if (!work->begun && first > mark + 1) {
        work->verify->findings->damaged_records += first - mark - 1;
        tell(work->verify, "the log begins with record %llu, but the blocks end with record %llu",
             (unsigned long long)first, (unsigned long long)mark);
    }
    work->begun = true;
}

static void verify_segment(struct verify_log *work, uint64_t number, bool newest, uint64_t mark)
{
    struct verify *verify = work->verify;
    char path[HISTORY_PATH_MAX];
    size_t size;
    struct history_segment_head head;
    history_block_path(verify->log_folder, number, ".log", path, sizeof(path));
    int error = history_log_load(verify->file, path, &work->data, &work->capacity, &size);
    if (error == BUSBAR_ENOENT && verify->running) {
        work->expected = 0; /* its records are in blocks by now */
        return;
    }
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
    verify_begin(work, head.first_sequence, mark);
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

/* Is the block in the catalog of now? */
static bool is_listed(struct verify *verify, uint64_t id)
{
    struct state_block *rows;
    size_t count;
    uint64_t mark;
    bool listed = false;
    if (state_blocks(verify->state, &rows, &count, &mark) != 0) {
        return true;
    }
    for (size_t i = 0; i < count && !listed; i++) {
        listed = rows[i].id == id;
    }
    busbar_free(rows);
    return listed;
}

static void verify_block(struct verify_block *work, const struct state_block *row)
{
    struct verify *verify = work->verify;
    struct history_block *block;
    struct err err = { 0 };
    int error = history_block_open(verify->file, verify->block_folder, row, &block, &err);
    if (error == BUSBAR_ENOENT && verify->running && !is_listed(verify, row->id)) {
        return; /* merged into another one meanwhile */
    }
    if (error == BUSBAR_ENOENT) {
        verify->findings->missing_blocks++;
        tell(verify, "%s: its %llu samples of %u series are missing", err.message,
             (unsigned long long)row->samples, row->series);
    } else if (error != 0) {
        verify->findings->damaged_files++;
        tell(verify, "%s: its %llu samples of %u series are lost", err.message,
             (unsigned long long)row->samples, row->series);
    } else {
        verify->findings->blocks++;
        verify_chunks(work, block);
        history_block_release(block);
    }
}

static void verify_series(struct verify *verify, uint64_t mark)
{
    char path[HISTORY_PATH_MAX];
    struct err err = { 0 };
    if (mark == 0) {
        return;
    }
    history_block_path(verify->block_folder, mark, ".ser", path, sizeof(path));
    int error = history_series_verify(verify->file, path, mark, &err);
    if (error == 0) {
        verify->findings->series_files++;
    } else if (error != BUSBAR_ENOENT || !verify->running) {
        verify->findings->damaged_files++;
        tell(verify, "%s: last values and counters of points that were quiet since are lost",
             err.message);
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

/* --- a check --- */

struct history_check {
    struct verify verify;
    struct history_findings findings;
    struct verify_log log;
    struct verify_block block;
    uint64_t *segments;
    size_t segment_count;
    struct state_block *rows;
    size_t row_count;
    uint64_t mark;
    size_t done; /* of segments, then rows, then the series file */
};

/* What a start could not read stays beside the log until a person has seen it. */
static void tell_set_aside(struct verify *verify)
{
    uint64_t *numbers;
    size_t count;
    if (history_list_numbers(verify->log_folder, ".log.damaged", &numbers, &count, NULL) == 0) {
        for (size_t i = 0; i < count; i++) {
            verify->findings->damaged_files++;
            tell(verify,
                 "%s/%016llx.log.damaged: a log segment that was set aside, its records may be "
                 "lost; remove it when it is of no more use",
                 verify->log_folder, (unsigned long long)numbers[i]);
        }
        busbar_free(numbers);
    }
}

/* Segments are listed before the catalog is read, so that no record is in neither. */
static int list_files(struct history_check *check, struct err *err)
{
    struct verify *verify = &check->verify;
    int error = history_list_numbers(verify->log_folder, ".log", &check->segments,
                                     &check->segment_count, NULL);
    if (error != 0) {
        return err_set(err, error, "%s: cannot be read: %s", verify->log_folder, err_text(error));
    }
    error = state_blocks(verify->state, &check->rows, &check->row_count, &check->mark);
    if (error != 0) {
        char reason[256];
        state_reason(verify->state, reason, sizeof(reason));
        err_set(err, error, "the catalog of blocks cannot be read: %s", reason);
    }
    return error;
}

int history_check_open(const char *folder, struct state *state, bool running, history_finding_cb cb,
                       void *ctx, struct history_check **opened, struct err *err)
{
    struct history_check *check = busbar_try_alloc(sizeof(*check));
    *opened = NULL;
    if (check == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "the check cannot begin: out of memory");
    }
    check->verify = (struct verify){ .file = file_ops_real(),
                                     .findings = &check->findings,
                                     .cb = cb,
                                     .ctx = ctx,
                                     .state = state,
                                     .running = running };
    check->log.verify = &check->verify;
    check->block.verify = &check->verify;
    buf_init(&check->block.bytes, HISTORY_WORK_BYTES_MAX);
    file_join(check->verify.log_folder, HISTORY_PATH_MAX, folder, "log");
    file_join(check->verify.block_folder, HISTORY_PATH_MAX, folder, "blocks");
    check->block.coder = history_coder_new();
    check->block.column = history_column_new();
    int error = list_files(check, err);
    if (error == 0 && (check->block.coder == NULL || check->block.column == NULL)) {
        error = err_set(err, BUSBAR_ENOMEM, "the check cannot begin: out of memory");
    }
    if (error != 0) {
        struct history_findings findings;
        history_check_close(check, &findings);
        return error;
    }
    *opened = check;
    return 0;
}

bool history_check_step(struct history_check *check)
{
    size_t segments = check->segment_count;
    size_t at = check->done++;
    if (at < segments) {
        verify_segment(&check->log, check->segments[at], at + 1 == segments, check->mark);
        return true;
    }
    if (at < segments + check->row_count) {
        verify_block(&check->block, &check->rows[at - segments]);
        return true;
    }
    verify_series(&check->verify, check->mark);
    tell_set_aside(&check->verify);
    if (!check->verify.running) {
        count_orphans(&check->verify, check->rows, check->row_count);
    }
    return false;
}

void history_check_progress(const struct history_check *check, size_t *done, size_t *total)
{
    *done = check->done;
    *total = check->segment_count + check->row_count + 1;
}

int history_check_close(struct history_check *check, struct history_findings *findings)
{
    int error = check->verify.damaged ? BUSBAR_EDAMAGED : 0;
    *findings = check->findings;
    busbar_free(check->log.data);
    buf_fini(&check->block.bytes);
    busbar_free(check->block.column);
    history_coder_free(check->block.coder);
    busbar_free(check->segments);
    busbar_free(check->rows);
    busbar_free(check);
    return error;
}

int history_verify(const char *folder, struct state *state, struct history_findings *findings,
                   history_finding_cb cb, void *ctx)
{
    struct history_check *check;
    struct err err = { 0 };
    *findings = (struct history_findings){ 0 };
    int error = history_check_open(folder, state, false, cb, ctx, &check, &err);
    if (error != 0) {
        if (cb != NULL) {
            cb(ctx, err.message);
        }
        return error;
    }
    while (history_check_step(check)) {
    }
    return history_check_close(check, findings);
}
