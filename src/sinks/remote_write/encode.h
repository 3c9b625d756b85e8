/* SPDX-License-Identifier: Apache-2.0 */
/* A batch as the WriteRequest of Prometheus' remote write 1.0, packed with snappy. No sockets.
 *
 *   struct remote_encoded                      for the sender, not for the target
 *   snappy( WriteRequest 1: TimeSeries ... )
 *           TimeSeries   1: Label ...  2: Sample ...    one a series of the batch, samples in the order of time
 *           Label        1: name  2: value              sorted by name
 *           Sample       1: double value  2: int64 time in ms
 *
 * Values are numbers: bool 0 or 1, int, double with all its bits. Bad quality or no value is the stale marker, of which
 * only the first is sent: the encoder knows which series ended with one as long as batches of the log follow one another
 * without a gap; else it sends a marker too many rather than one too few. Texts are left out and counted. Of two samples
 * of a series in the same millisecond the later one is sent, or, where the one before left with the batch before, that.
 *
 * The labels of a series are encoded once and kept, up to a limit of bytes, until labels change somewhere. */
#ifndef BUSBAR_SINKS_REMOTE_WRITE_ENCODE_H
#define BUSBAR_SINKS_REMOTE_WRITE_ENCODE_H

#include "base/buf.h"
#include "base/err.h"
#include "sinks/batch.h"

enum {
    REMOTE_LABELS_MAX = 16, /* put on every series */
    REMOTE_PLAIN_MAX =
        16 << 20, /* a request before it is packed; Prometheus and others take 32 MiB */
    REMOTE_LABEL_BYTES_MAX = 64 << 20, /* encoded labels that are kept, of one sink */
    REMOTE_SERIES_MAX = 1 << 20,       /* that are known at a time, of one sink */
};

/* In front of the packed request. All samples of the batch are in one of these. */
struct remote_encoded {
    uint32_t samples;   /* sent, with stale markers */
    uint32_t series;    /* sent */
    uint32_t texts;     /* left out: the target holds numbers only */
    uint32_t merged;    /* left out: another one of the same series and millisecond is sent */
    uint32_t markers;   /* left out: the series is marked stale already */
    uint32_t unlabeled; /* left out: the series was deleted, nothing is known of it any more */
};

/* Where labels come from. Any thread. */
struct remote_names {
    /* Labels of a series, sorted; texts stay. 0: unknown. */
    size_t (*labels)(void *ctx, uint32_t series, struct label labels[LABELS_MAX]);
    /* Grows when a series has other labels than before. */
    uint64_t (*changes)(void *ctx);
    void *ctx;
};

struct remote_encoder;

/* own: labels for every series, sorted, copied; one that a series has too does not count. */
struct remote_encoder *remote_encoder_new(const struct remote_names *names, const struct label *own,
                                          size_t own_count);
void remote_encoder_free(struct remote_encoder *encoder); /* NULL is fine */

/* Any thread; a lock inside, so that two batches wait for each other.
 *   packed_max  0, or what the target takes at most
 * 0: out has a struct remote_encoded (memcpy it) and the request. BUSBAR_ELIMIT: too big, or more series than are
 * known at a time; a batch of one sample is never over packed_max. BUSBAR_ENOMEM. */
int remote_encode(struct remote_encoder *encoder, const struct sink_batch *batch, size_t packed_max,
                  struct buf *out, struct err *err);

/* The head again. False: these are not bytes of remote_encode(). */
bool remote_encoded_get(const struct buf *bytes, struct remote_encoded *head);

#endif
