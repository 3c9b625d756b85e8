/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/filter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/config.h"
#include "history/history.h"
#include "history/index.h"
#include "model/matchers.h"

enum {
    PAGE_SERIES = 1 << SINK_FILTER_PAGE_BITS,
    PAGES = (HISTORY_SERIES_MAX >> SINK_FILTER_PAGE_BITS) + 1,
};

struct patterns {
    char *text; /* as given; patterns point into it */
    const char *all[SINK_FILTER_PATTERNS_MAX];
    size_t count;
};

enum series_kind { SERIES_NONE, SERIES_ALL, SERIES_MATCH };

struct sink_filter {
    atomic_uint users;
    struct history *history;
    struct patterns points, except;
    enum series_kind kind;
    char *series;
    bool events;
    uint64_t hash;
    pthread_mutex_t lock; /* guards matchers, and making pages */
    struct matchers *matchers;
    _Atomic(uint8_t *) pages[PAGES]; /* SINK_FILTER_... of a series each */
};

/* ---- making ---- */

/* "a, b" into patterns. "none": there is none. */
static int parse_patterns(const char *text, const char *what, struct patterns *patterns,
                          struct err *err)
{
    patterns->text = busbar_strdup(text);
    char *at = str_trim(patterns->text);
    if (at[0] == '\0' || str_equal(at, "none")) {
        return 0;
    }
    for (char *end = at; end != NULL; at = end + 1) {
        end = strchr(at, ',');
        if (end != NULL) {
            *end = '\0';
        }
        char *pattern = str_trim(at);
        if (pattern[0] == '\0') {
            return err_set(err, BUSBAR_EINVAL, "'%s' has an empty pattern: '%.100s'", what, text);
        }
        if (strlen(pattern) > SINK_FILTER_PATTERN_BYTES || !str_is_utf8(pattern, strlen(pattern))) {
            return err_set(err, BUSBAR_ELIMIT,
                           "a pattern in '%s' is longer than %d bytes, or no UTF-8: '%.100s'", what,
                           (int)SINK_FILTER_PATTERN_BYTES, pattern);
        }
        if (patterns->count == SINK_FILTER_PATTERNS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "'%s' has more than %d patterns", what,
                           (int)SINK_FILTER_PATTERNS_MAX);
        }
        patterns->all[patterns->count++] = pattern;
        if (end == NULL) {
            break;
        }
    }
    return 0;
}

static int parse_series(const char *text, struct sink_filter *filter, struct err *err)
{
    filter->series = busbar_strdup(text);
    char *at = str_trim(filter->series);
    if (at[0] == '\0' || str_equal(at, "none")) {
        filter->kind = SERIES_NONE;
        return 0;
    }
    if (str_equal(at, "all")) {
        filter->kind = SERIES_ALL;
        return 0;
    }
    filter->kind = SERIES_MATCH;
    int error = matchers_new(at, strlen(at), &filter->matchers, err);
    if (error != 0) {
        err_prefix(err, "'series' is neither 'none' nor 'all', nor are they matchers");
        err_hint(err, "write it as in a query, such as '{job=\"node\"}'");
    }
    return error;
}

static uint64_t mix(uint64_t hash, const struct patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        hash = hash * UINT64_C(0x100000001b3) ^ hash_text(patterns->all[i]);
    }
    return hash * UINT64_C(0x100000001b3) ^ patterns->count;
}

static uint64_t hash_of(const struct sink_filter *filter)
{
    uint64_t hash = mix(mix(1, &filter->points), &filter->except);
    hash = hash * UINT64_C(0x100000001b3) ^ (uint64_t)filter->kind;
    if (filter->kind == SERIES_MATCH) {
        hash = hash * UINT64_C(0x100000001b3) ^ hash_text(str_trim(filter->series));
    }
    hash = (hash * UINT64_C(0x100000001b3)) ^ (uint64_t)filter->events;
    return hash != 0 ? hash : 1;
}

int sink_filter_new(struct history *history, const char *points, const char *except,
                    const char *series, bool events, struct sink_filter **made, int *which,
                    struct err *err)
{
    struct sink_filter *filter = busbar_alloc(sizeof(*filter));
    atomic_init(&filter->users, 1);
    pthread_mutex_init(&filter->lock, NULL);
    filter->history = history;
    filter->events = events;
    int at = 0;
    int error = parse_patterns(points, "points", &filter->points, err);
    if (error == 0) {
        at = 1;
        error = parse_patterns(except, "except", &filter->except, err);
    }
    if (error == 0) {
        at = 2;
        error = parse_series(series, filter, err);
    }
    if (error != 0) {
        sink_filter_unref(filter);
        filter = NULL;
    } else {
        filter->hash = hash_of(filter);
    }
    if (which != NULL) {
        *which = at;
    }
    *made = filter;
    return error;
}

int sink_filter_of(struct history *history, const struct settings *common, bool takes_events,
                   struct sink_filter **filter, struct err *err)
{
    static const size_t rows[] = { SINK_POINTS, SINK_EXCEPT, SINK_SERIES };
    int which = 0;
    int error = sink_filter_new(
        history, settings_text(common, SINK_POINTS), settings_text(common, SINK_EXCEPT),
        settings_text(common, SINK_SERIES), takes_events && settings_bool(common, SINK_EVENTS),
        filter, &which, err);
    if (error != 0 && err != NULL) {
        struct position at = settings_at(common, rows[which]);
        if (at.file != NULL) {
            (void)str_copy(err->file, sizeof(err->file), at.file);
        }
        err->line = at.line;
        err->column = at.column;
        err->width = at.width;
    }
    return error;
}

struct sink_filter *sink_filter_ref(struct sink_filter *filter)
{
    atomic_fetch_add(&filter->users, 1);
    return filter;
}

void sink_filter_unref(struct sink_filter *filter)
{
    if (filter == NULL || atomic_fetch_sub(&filter->users, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < PAGES; i++) {
        busbar_free(atomic_load(&filter->pages[i]));
    }
    matchers_free(filter->matchers);
    busbar_free(filter->points.text);
    busbar_free(filter->except.text);
    busbar_free(filter->series);
    pthread_mutex_destroy(&filter->lock);
    busbar_free(filter);
}

/* ---- looking ---- */

uint64_t sink_filter_hash(const struct sink_filter *filter)
{
    return filter->hash;
}

bool sink_filter_events(const struct sink_filter *filter)
{
    return filter->events;
}

static void put_patterns(const struct patterns *patterns, struct buf *out)
{
    for (size_t i = 0; i < patterns->count; i++) {
        buf_printf(out, "%s%s", i > 0 ? ", " : "", patterns->all[i]);
    }
}

void sink_filter_words(const struct sink_filter *filter, struct buf *out)
{
    bool all = filter->points.count == 1 && str_equal(filter->points.all[0], "*");
    if (filter->points.count == 0) {
        buf_append_text(out, "no points");
    } else if (all) {
        buf_append_text(out, "all points");
    } else {
        put_patterns(&filter->points, out);
    }
    if (filter->except.count > 0 && filter->points.count > 0) {
        buf_append_text(out, " but not ");
        put_patterns(&filter->except, out);
    }
    if (filter->kind == SERIES_ALL) {
        buf_append_text(out, "; all series");
    } else if (filter->kind == SERIES_MATCH) {
        buf_printf(out, "; series %s", str_trim(filter->series));
    }
    if (filter->events) {
        buf_append_text(out, "; events");
    }
}

static bool any_matches(const struct patterns *patterns, const char *path)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (str_glob(patterns->all[i], path)) {
            return true;
        }
    }
    return false;
}

bool sink_filter_takes_path(const struct sink_filter *filter, const char *path)
{
    return any_matches(&filter->points, path) && !any_matches(&filter->except, path);
}

size_t sink_path_of(const struct label *labels, size_t count, char path[SINK_PATH_SIZE])
{
    const struct label *device = labels_get(labels, count, "device");
    const struct label *point = labels_get(labels, count, LABEL_METRIC);
    if (device == NULL || point == NULL ||
        device->value_size + point->value_size + 2 > SINK_PATH_SIZE) {
        return 0;
    }
    return str_format(path, SINK_PATH_SIZE, "%.*s/%.*s", (int)device->value_size, device->value,
                      (int)point->value_size, point->value);
}

/* ---- deciding about a series ---- */

/* Nothing here may fail for want of memory: what is decided stays. */
static bool takes_point(const struct sink_filter *filter, const struct label *labels, size_t count)
{
    char path[SINK_PATH_SIZE];
    return sink_path_of(labels, count, path) > 0 && sink_filter_takes_path(filter, path);
}

static bool takes_series(struct sink_filter *filter, const struct label *labels, size_t count)
{
    if (filter->kind != SERIES_MATCH) {
        return filter->kind == SERIES_ALL;
    }
    pthread_mutex_lock(&filter->lock);
    bool takes = matchers_match(filter->matchers, labels, count);
    pthread_mutex_unlock(&filter->lock);
    return takes;
}

/* One without labels was deleted. */
static bool decide(struct sink_filter *filter, uint32_t series)
{
    struct label labels[LABELS_MAX];
    bool point = history_is_point(filter->history, series);
    if (point ? filter->points.count == 0 : filter->kind == SERIES_NONE) {
        return false;
    }
    size_t count = history_index_labels(history_index(filter->history), series, labels);
    return count > 0 &&
           (point ? takes_point(filter, labels, count) : takes_series(filter, labels, count));
}

/* The page of a series, made if it is not there; NULL: no memory. */
static uint8_t *page_of(struct sink_filter *filter, uint32_t series)
{
    _Atomic(uint8_t *) *at = &filter->pages[series >> SINK_FILTER_PAGE_BITS];
    uint8_t *page = atomic_load(at);
    if (page != NULL) {
        return page;
    }
    pthread_mutex_lock(&filter->lock);
    page = atomic_load(at);
    if (page == NULL) {
        page = busbar_try_alloc(PAGE_SERIES);
        atomic_store(at, page);
    }
    pthread_mutex_unlock(&filter->lock);
    return page;
}

const uint8_t *sink_filter_page(const struct sink_filter *filter, uint32_t series)
{
    return series <= HISTORY_SERIES_MAX
               ? atomic_load(&filter->pages[series >> SINK_FILTER_PAGE_BITS])
               : NULL;
}

bool sink_filter_wants(struct sink_filter *filter, uint32_t series)
{
    if (series == 0 || series > HISTORY_SERIES_MAX) {
        return false;
    }
    uint8_t *page = page_of(filter, series);
    uint32_t at = series & (PAGE_SERIES - 1);
    uint8_t known = page != NULL ? __atomic_load_n(&page[at], __ATOMIC_RELAXED)
                                 : SINK_FILTER_UNKNOWN;
    if (known == SINK_FILTER_UNKNOWN) {
        known = decide(filter, series) ? SINK_FILTER_YES : SINK_FILTER_NO;
        if (page != NULL) { /* two threads may decide, and come to the same */
            __atomic_store_n(&page[at], known, __ATOMIC_RELAXED);
        }
    }
    return known == SINK_FILTER_YES;
}

void sink_filter_forget(struct sink_filter *filter)
{
    for (size_t i = 0; i < PAGES; i++) {
        uint8_t *page = atomic_load(&filter->pages[i]);
        for (size_t at = 0; page != NULL && at < PAGE_SERIES; at++) {
            __atomic_store_n(&page[at], SINK_FILTER_UNKNOWN, __ATOMIC_RELAXED);
        }
    }
}
