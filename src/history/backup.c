/* SPDX-License-Identifier: Apache-2.0 */
#include "history/backup.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/history_private.h"

enum { COPY_BYTES = 1024 * 1024, FILES_MAX = 1000000 };

static int copy_bytes(const struct file_ops *file, int from, int to, uint8_t *bytes)
{
    for (;;) {
        ssize_t size = file->read(file->ctx, from, bytes, COPY_BYTES);
        if (size <= 0) {
            return (int)size;
        }
        int error = file_write_all(file, to, bytes, (size_t)size);
        if (error != 0) {
            return error;
        }
    }
}

int history_copy_file(const char *from, const char *to, bool link_it, struct err *err)
{
    const struct file_ops *file = file_ops_real();
    if (link_it && link(from, to) == 0) {
        return 0;
    }
    uint8_t *bytes = busbar_try_alloc(COPY_BYTES);
    int in = file->open(file->ctx, from, O_RDONLY, 0);
    int out = in < 0 ? in : file->open(file->ctx, to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    int error = bytes == NULL ? BUSBAR_ENOMEM : out < 0 ? out : 0;
    if (error == 0) {
        error = copy_bytes(file, in, out, bytes);
        error = error == 0 ? file->fdatasync(file->ctx, out) : error;
    }
    if (in >= 0) {
        file->close(file->ctx, in);
    }
    if (out >= 0) {
        file->close(file->ctx, out);
    }
    busbar_free(bytes);
    return error == 0 ? 0
                      : err_set(err, error, "cannot copy %s to %s: %s", from, to, err_text(error));
}

static int make_folder(const char *to, const char *name, char path[HISTORY_PATH_MAX],
                       struct err *err)
{
    if (!file_join(path, HISTORY_PATH_MAX, to, name)) {
        return err_set(err, BUSBAR_ELIMIT, "the path %s is too long", to);
    }
    return file_make_folders(file_ops_real(), path, 0700, err);
}

/* --- blocks --- */

/* Blocks and series files; what is unfinished has another suffix. */
static int copy_blocks(const char *from, const char *to, struct err *err)
{
    static const char *const suffixes[] = { ".blk", ".ser" };
    char folder[HISTORY_PATH_MAX];
    int error = make_folder(to, "blocks", folder, err);
    for (size_t s = 0; s < 2 && error == 0; s++) {
        char **names;
        size_t count;
        error = file_list(from, suffixes[s], FILES_MAX, &names, &count, err);
        if (error != 0) {
            break;
        }
        for (size_t i = 0; i < count && error == 0; i++) {
            char source[HISTORY_PATH_MAX], copy[HISTORY_PATH_MAX];
            bool fits = file_join(source, sizeof(source), from, names[i]) &&
                        file_join(copy, sizeof(copy), folder, names[i]);
            error = fits ? history_copy_file(source, copy, true, err)
                         : err_set(err, BUSBAR_ELIMIT, "the path %s is too long", folder);
        }
        busbar_free(names);
    }
    return error != 0 ? error : file_sync_folder(file_ops_real(), folder);
}

/* --- log --- */

/* Cuts what was being written behind record `upto` off the copy of a segment. */
static int cut(const char *path, uint64_t upto, struct err *err)
{
    const struct file_ops *file = file_ops_real();
    uint8_t *data = NULL;
    size_t capacity = 0;
    size_t size;
    struct history_segment_head head;
    int error = history_log_load(file, path, &data, &capacity, &size);
    error = error == 0 ? history_segment_get_head(data, size, &head) : error;
    if (error == 0) {
        struct history_segment_reader reader;
        struct history_record_head record;
        const uint8_t *body;
        size_t end = HISTORY_SEGMENT_HEAD;
        history_segment_open(&reader, data, size, &head);
        while (history_segment_next(&reader, &record, &body) == 0 && record.sequence <= upto) {
            end = reader.offset;
        }
        int fd = file->open(file->ctx, path, O_WRONLY, 0);
        error = fd < 0 ? fd : file->ftruncate(file->ctx, fd, (int64_t)end);
        error = error == 0 ? file->fdatasync(file->ctx, fd) : error;
        if (fd >= 0) {
            file->close(file->ctx, fd);
        }
    } else if (error == BUSBAR_ESHORT || error == BUSBAR_EDAMAGED) {
        error = 0; /* as damaged as it was: the check tells */
    }
    busbar_free(data);
    return error == 0 ? 0 : err_set(err, error, "cannot cut %s: %s", path, err_text(error));
}

static int copy_log(const char *from, const char *to, uint64_t upto, struct err *err)
{
    char folder[HISTORY_PATH_MAX];
    char **names;
    size_t count;
    int error = make_folder(to, "log", folder, err);
    if (error != 0) {
        return error;
    }
    error = file_list(from, ".log", FILES_MAX, &names, &count, err);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        char source[HISTORY_PATH_MAX], copy[HISTORY_PATH_MAX];
        bool fits = file_join(source, sizeof(source), from, names[i]) &&
                    file_join(copy, sizeof(copy), folder, names[i]);
        error = fits ? history_copy_file(source, copy, false, err)
                     : err_set(err, BUSBAR_ELIMIT, "the path %s is too long", folder);
        if (error == 0 && i + 1 == count && upto != UINT64_MAX) {
            error = cut(copy, upto, err);
        }
    }
    busbar_free(names);
    return error != 0 ? error : file_sync_folder(file_ops_real(), folder);
}

/* --- all --- */

static int copy_all(const char *folder, struct state *state, const char *to, uint64_t upto,
                    struct err *err)
{
    char path[HISTORY_PATH_MAX];
    const struct file_ops *file = file_ops_real();
    if (!file_join(path, sizeof(path), to, "state.db")) {
        return err_set(err, BUSBAR_ELIMIT, "the path %s is too long", to);
    }
    int fd = file->open(file->ctx, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) {
        return err_set(err, fd, "cannot make %s: %s", path, err_text(fd));
    }
    file->close(file->ctx, fd);
    int error = state_backup(state, path, err);
    file_join(path, sizeof(path), folder, "blocks");
    error = error == 0 ? copy_blocks(path, to, err) : error;
    file_join(path, sizeof(path), folder, "log");
    return error == 0 ? copy_log(path, to, upto, err) : error;
}

int history_backup_folder(const char *folder, struct state *state, const char *to, struct err *err)
{
    return copy_all(folder, state, to, UINT64_MAX, err);
}

int history_backup(struct history *history, const char *to, struct err *err)
{
    struct history_keeper *keeper = &history->keeper;
    int error = history_flush(history); /* little is left in the log then */
    if (error != 0) {
        return err_set(err, error, "the newest block cannot be written: %s", err_text(error));
    }
    pthread_mutex_lock(&keeper->work);
    pthread_mutex_lock(&keeper->lock);
    uint64_t upto = history_log_next(&history->log) - 1; /* on the disk before a copy begins */
    error = copy_all(history->folder, history->state, to, upto, err);
    pthread_mutex_unlock(&keeper->lock);
    pthread_mutex_unlock(&keeper->work);
    return error;
}
