/* SPDX-License-Identifier: Apache-2.0 */
/* The series that an encoder knows: their labels as bytes of a TimeSeries, and what was sent of them last. Private to
 * the encoder. */
#ifndef BUSBAR_SINKS_REMOTE_WRITE_SERIES_H
#define BUSBAR_SINKS_REMOTE_WRITE_SERIES_H

#include "sinks/remote_write/encode.h"

struct remote_series {
    uint32_t id;
    uint32_t label_bytes; /* 0: nothing is known of it */
    size_t labels_at;     /* in remote_known.labels */
    int64_t newest_us;    /* time of the newest sample that was sent; INT64_MIN: none was */
    bool stale;           /* it was a marker */
    uint32_t turn;        /* of the batch that it was last in; what follows is of this batch */
    uint32_t first, count;
};

struct remote_known {
    struct remote_names names;
    struct label own[REMOTE_LABELS_MAX];
    size_t own_count;
    struct buf own_texts;
    struct remote_series *series;
    size_t count, capacity;
    uint32_t *slots; /* index + 1 into series; 0: empty */
    unsigned slot_bits;
    struct buf labels;
    uint64_t changes;
};

void remote_known_init(struct remote_known *known, const struct remote_names *names,
                       const struct label *own, size_t own_count);
void remote_known_fini(struct remote_known *known);
/* Before a batch: forgets all where labels changed, or where much is known. */
void remote_known_renew(struct remote_known *known);
void remote_known_forget(struct remote_known *known);

/* The index of a series, which may be new. spare: its facts, where the index may not have it (NULL: none).
 * BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int remote_known_find(struct remote_known *known, uint32_t id, const struct sink_series *spare,
                      uint32_t *index);

#endif
