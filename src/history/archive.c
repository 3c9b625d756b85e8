/* SPDX-License-Identifier: Apache-2.0 */
#include "history/archive.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/history_private.h"
#include "history/sealed.h"

void history_archive_release(struct history_archive *archive)
{
    if (archive != NULL && atomic_fetch_sub(&archive->users, 1) == 1) {
        archive->free(archive);
    }
}

void history_set_archive(struct history *history, struct history_archive *archive)
{
    pthread_mutex_lock(&history->cursor_lock);
    struct history_archive *before = history->archive;
    history->archive = archive;
    pthread_mutex_unlock(&history->cursor_lock);
    history_archive_release(before);
}

struct history_archive *history_archive_hold(struct history *history)
{
    pthread_mutex_lock(&history->cursor_lock);
    struct history_archive *archive = history->archive;
    if (archive != NULL) {
        atomic_fetch_add(&archive->users, 1);
    }
    pthread_mutex_unlock(&history->cursor_lock);
    return archive;
}

static void set_deadline(struct history_archive_ask *ask)
{
    if (ask->deadline_us == 0) {
        ask->deadline_us = clock_mono_us() + HISTORY_ARCHIVE_US;
    }
}

bool history_archive_wanted(struct history *history, struct history_archive_ask *ask,
                            uint32_t series, int64_t from_us, int64_t *to_us)
{
    struct history_archive *archive = ask->err.code == 0 ? history_archive_hold(history) : NULL;
    if (archive == NULL) {
        return false;
    }
    int64_t edge_us = history_here_since(history, series);
    int64_t end_us = *to_us < edge_us ? *to_us : edge_us;
    bool wanted = from_us < end_us;
    if (wanted) {
        int64_t since_us = INT64_MIN, until_us = INT64_MAX;
        set_deadline(ask);
        int error = archive->span(archive, ask, &since_us, &until_us, &ask->err);
        end_us = end_us < until_us ? end_us : until_us;
        wanted = error == 0 && from_us < end_us && end_us > since_us;
    }
    history_archive_release(archive);
    *to_us = wanted ? end_us : *to_us;
    return wanted;
}

int history_archived(struct history *history, struct history_archive_ask *ask, uint32_t series,
                     int64_t from_us, int64_t to_us, struct history_samples *found)
{
    struct history_archive *archive = history_archive_hold(history);
    if (archive == NULL) {
        return 0;
    }
    uint64_t left = HISTORY_ARCHIVE_SAMPLES - ask->samples;
    int error = archive->read(archive, ask, series, from_us, to_us, (size_t)left, found, &ask->err);
    ask->samples += found->count;
    if (error != 0) {
        ask->err.code = ask->err.code != 0 ? ask->err.code : error;
        history_samples_free(found);
    }
    history_archive_release(archive);
    return error == BUSBAR_ENOMEM || error == BUSBAR_ECANCELED ? error : 0;
}

/* The archive's part comes first; of a time that both have the history's counts. */
static int put_before(struct history_samples *result, struct history_samples *old, size_t limit)
{
    struct sample *merged = NULL;
    struct history_samples all = { .damaged = result->damaged };
    size_t count = 0, capacity = 0;
    int error = history_samples_merge(result, old, &merged, &count);
    all.more = result->more || count > limit;
    count = count < limit ? count : limit;
    error = error == 0 && count > 0 ? history_samples_keep(&all, &capacity, merged, count) : error;
    busbar_free(merged);
    history_samples_free(result);
    *result = all;
    return error;
}

int history_read_archived(struct history *history, struct history_archive_ask *ask, uint32_t series,
                          int64_t from_us, int64_t to_us, size_t limit,
                          struct history_samples *result)
{
    int64_t end_us = to_us;
    limit = limit > 0 ? limit : 1000000; /* as history_read() has it */
    int error = history_read(history, series, from_us, to_us, limit, result);
    if (error != 0 || !history_archive_wanted(history, ask, series, from_us, &end_us)) {
        return error;
    }
    struct history_samples old = { 0 };
    if (result->more && result->samples[result->count - 1].time_us < end_us) {
        end_us = result->samples[result->count - 1].time_us +
                 1; /* no more than what goes on there */
    }
    error = history_archived(history, ask, series, from_us, end_us, &old);
    error = error == 0 && old.count > 0 ? put_before(result, &old, limit) : error;
    history_samples_free(&old);
    return error;
}
