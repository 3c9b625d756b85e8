/* SPDX-License-Identifier: Apache-2.0 */
/* A batch: what a sink takes from the log in one step, filtered, with what the target must know of series that it meets
 * for the first time. What it points to lasts as long as the batch. One thread at a time. */
#ifndef BUSBAR_SINKS_BATCH_H
#define BUSBAR_SINKS_BATCH_H

#include "base/bytes.h"
#include "model/labels.h"
#include "model/sample.h"

enum {
    SINK_BATCH_SAMPLES_MAX = 100000,
    SINK_BATCH_BYTES_MAX = 64 << 20, /* encoded */
};

/* A place in the log: all records before `sequence` are done with, and of that one the first `taken` things, its samples
 * first, then its events, those counted too that the filter leaves out. */
struct sink_place {
    uint64_t sequence; /* 1: the first record ever */
    uint32_t taken;
};
/* <0, 0, >0 */
static inline int sink_place_compare(struct sink_place a, struct sink_place b)
{
    return a.sequence != b.sequence ? (a.sequence < b.sequence ? -1 : 1)
           : a.taken != b.taken     ? (a.taken < b.taken ? -1 : 1)
                                    : 0;
}

/* What is known of a series, as texts; "" = nothing. A point that left the configuration has path, device, point and some
 * of its labels only, a series of ingest has labels only: both have no protocol, which each point that is configured has. */
struct sink_series {
    uint32_t id;
    const char *path; /* "ahu-1/sat"; "": a series of ingest */
    const char *device, *point, *title, *units, *protocol, *place, *profile;
    uint8_t value_type; /* enum value_type; VALUE_NONE: not known */
    bool writable, counter;
    const char *enums;          /* JSON object {"0":"off","1":"on"}; "" = none */
    const struct label *labels; /* as PromQL sees it, sorted */
    size_t label_count;
};

/* A batch is of the log, or of what is sent again at a person's wish (set aside, released). */
enum sink_batch_origin { SINK_BATCH_LOG, SINK_BATCH_ASIDE, SINK_BATCH_AGAIN };

struct sink_batch {
    enum sink_batch_origin origin;
    struct sink_place from,
        to; /* of the log: it begins and ends there; else both are the sink's place */
    const struct sample *samples; /* in the order of the log; text values are the batch's */
    size_t sample_count;
    const struct bytes *events; /* each one event, event_decode() */
    size_t event_count;
    const struct sink_series
        *series; /* that the target did not hear of since it is connected, or that changed */
    size_t series_count;
    int64_t oldest_us; /* receive time of what came first; INT64_MAX: it is empty */
};

#endif
