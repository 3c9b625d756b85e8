/* SPDX-License-Identifier: Apache-2.0 */
/* What a sink publishes: points by patterns of their paths, series of ingest by matchers of their labels, events or
 * none. What is decided about a series is remembered, for neither a path nor labels of ingest ever change.
 *
 * Immutable but for that memory, held by counting. Any thread; the lock inside is taken for what is seen for the first
 * time only. */
#ifndef BUSBAR_SINKS_FILTER_H
#define BUSBAR_SINKS_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/labels.h"

struct history;
struct settings;
struct sink_filter;

enum {
    SINK_FILTER_PATTERNS_MAX = 64, /* in points and in except, each */
    SINK_FILTER_PATTERN_BYTES = 256,
    SINK_PATH_SIZE = 512, /* of a path with its NUL */
};

/* Texts as in the configuration: points "meter-*, pv-1/sat" or "none", except "" = nothing, series "none", "all" or
 * matchers. history NULL: only to be looked at, or asked by path. BUSBAR_EINVAL, BUSBAR_ELIMIT, BUSBAR_ESYNTAX; `which`
 * (may be NULL) is the text that is wrong: 0 points, 1 except, 2 series. */
int sink_filter_new(struct history *history, const char *points, const char *except,
                    const char *series, bool events, struct sink_filter **filter, int *which,
                    struct err *err);
/* By config_sink_options. */
int sink_filter_of(struct history *history, const struct settings *common, bool takes_events,
                   struct sink_filter **filter, struct err *err);
struct sink_filter *sink_filter_ref(struct sink_filter *filter);
void sink_filter_unref(struct sink_filter *filter); /* NULL is fine */

/* Of the texts: equal for filters that say the same. Never 0. */
uint64_t sink_filter_hash(const struct sink_filter *filter);
bool sink_filter_events(const struct sink_filter *filter);
/* "meter-*, but not raw-*; series {job=\"x\"}", for a person. */
void sink_filter_words(const struct sink_filter *filter, struct buf *out);

bool sink_filter_takes_path(const struct sink_filter *filter, const char *path);
bool sink_filter_wants(struct sink_filter *filter, uint32_t series);
/* Series were deleted: what is remembered is decided anew. Any thread. */
void sink_filter_forget(struct sink_filter *filter);

/* The path of a point by its labels, "device/point". Returns its length; 0: it has none. */
size_t sink_path_of(const struct label *labels, size_t count, char path[SINK_PATH_SIZE]);

/* For loops over many samples: what is known of the 65,536 series around one; NULL: nothing yet. A byte a series. */
enum { SINK_FILTER_UNKNOWN = 0, SINK_FILTER_NO = 1, SINK_FILTER_YES = 2 };
enum { SINK_FILTER_PAGE_BITS = 16 };
const uint8_t *sink_filter_page(const struct sink_filter *filter, uint32_t series);

#endif
