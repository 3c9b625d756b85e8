/* SPDX-License-Identifier: Apache-2.0 */
/* A data folder of its own for a test, and a history in it. Include after cmocka.h. */
#ifndef BUSBAR_TESTS_HISTORY_PLACE_H
#define BUSBAR_TESTS_HISTORY_PLACE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history/history.h"
#include "state/state.h"

struct place {
    char folder[64];
    struct state *state;
    struct history *history;
    struct history_config config;
};

static inline void place_make(struct place *place)
{
    memset(place, 0, sizeof(*place));
    snprintf(place->folder, sizeof(place->folder), "/tmp/busbar-history-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    place->config = (struct history_config){ .commit_us = -1, .no_keeper = true };
}

static inline void place_open(struct place *place)
{
    struct err err = { 0 };
    if (state_open(place->folder, &place->state, &err) != 0) {
        fail_msg("%s", err.message);
    }
    place->config.folder = place->folder;
    place->config.state = place->state;
    if (history_open(&place->config, &place->history, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static inline void place_close(struct place *place)
{
    history_close(place->history);
    state_close(place->state);
    place->history = NULL;
    place->state = NULL;
}

static inline void place_reopen(struct place *place)
{
    place_close(place);
    place_open(place);
}

static inline void place_remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        file_join(path, sizeof(path), folder, entry->d_name);
        if (entry->d_type == DT_DIR) {
            place_remove_folder(path);
        } else {
            unlink(path);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(folder);
}

static inline void place_remove(struct place *place)
{
    place_close(place);
    place_remove_folder(place->folder);
}

/* Counts completions, keeps the last error. */
struct place_done {
    int count, error;
};

static inline void place_stored(void *ctx, int error)
{
    struct place_done *done = ctx;
    done->count++;
    done->error = error;
}

/* Appends and waits until it is on disk. Returns the error. */
static inline int place_append(struct place *place, const struct sample *samples, size_t count)
{
    struct place_done done = { 0 };
    int error = history_append(place->history, samples, count, place_stored, &done);
    if (error != 0) {
        return error;
    }
    history_commit_now(place->history);
    for (int i = 0; done.count == 0 && i < 200000; i++) {
        history_completed(place->history);
        usleep(50);
    }
    assert_int_equal(done.count, 1);
    return done.error;
}

/* Does all background work there is: merges, retention, recoding, tiers. */
static inline void place_work(struct place *place)
{
    bool worked = true;
    for (int i = 0; i < 1000 && worked; i++) {
        assert_int_equal(history_step(place->history, &worked), 0);
    }
    assert_false(worked);
}

static inline struct history_status place_status(struct place *place)
{
    struct history_status status;
    history_status(place->history, &status);
    return status;
}

/* Samples of a series that a read gives. */
static inline size_t place_count(struct place *place, uint32_t series)
{
    struct history_samples result;
    assert_int_equal(history_read(place->history, series, INT64_MIN, INT64_MAX, 0, &result), 0);
    size_t count = result.count;
    history_samples_free(&result);
    return count;
}

/* Closes the history and checks its files. findings may be NULL. */
static inline int place_verify(struct place *place, struct history_findings *findings)
{
    struct history_findings ignored;
    history_close(place->history);
    place->history = NULL;
    return history_verify(place->folder, place->state, findings != NULL ? findings : &ignored, NULL,
                          NULL);
}

static inline struct sample place_number(uint32_t point, int64_t time_us, double value)
{
    return (struct sample){ .time_us = time_us,
                            .receive_us = time_us,
                            .value = { .d = value },
                            .point = point,
                            .type = VALUE_DOUBLE };
}

#endif
