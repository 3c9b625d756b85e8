/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed: samples of one series as bytes that stand by themselves, for keeping them elsewhere (PostgreSQL's table
 * `chunk`), with everything the history has of them: type, quality, detail, receive time, texts. docs/archive.md tells
 * it to users.
 *
 *   u8      magic    0xb5
 *   u8      version  1
 *   u32le   crc32c   of all that follows
 *   varint  chunks   at least 1
 *   each    varint size, the chunk (chunk.h); in time order, no time twice
 *
 * An opener fed with anything returns BUSBAR_EDAMAGED at worst, or BUSBAR_EUNSUPPORTED for a later version. */
#ifndef BUSBAR_HISTORY_SEALED_H
#define BUSBAR_HISTORY_SEALED_H

#include "base/buf.h"
#include "history/history.h"

enum {
    HISTORY_SEALED_VERSION = 1,
    HISTORY_SEALED_SAMPLES = 128 * 1024, /* in one at most */
    HISTORY_SEALED_BYTES = 64 << 20,     /* of one at most */
};

/* Working memory, one a thread. */
struct history_sealer;
struct history_sealer *history_sealer_new(void);         /* NULL: no memory */
void history_sealer_free(struct history_sealer *sealer); /* NULL is fine */

/* Appends samples of one series, in time order and one a time, packed as small as can be. BUSBAR_EINVAL: none, or more
 * than HISTORY_SEALED_SAMPLES. BUSBAR_ENOMEM, BUSBAR_ELIMIT (out's ceiling). */
int history_seal(struct history_sealer *sealer, const struct sample *samples, size_t count,
                 struct buf *out);

/* Appends those with from <= time < to, as samples of `series`, to `found` (zeroed before the first), which owns
 * their texts. BUSBAR_EDAMAGED, BUSBAR_EUNSUPPORTED, BUSBAR_ENOMEM; BUSBAR_ELIMIT: found would have more than max.
 * On an error `found` may have some of them. */
int history_unseal(struct history_sealer *sealer, const void *data, size_t size, uint32_t series,
                   int64_t from_us, int64_t to_us, size_t max, struct history_samples *found);

/* Both in time order; where both have a time that of `over` wins. The texts stay theirs. Caller frees *merged
 * (busbar_free). BUSBAR_ENOMEM. */
int history_samples_merge(const struct history_samples *over, const struct history_samples *under,
                          struct sample **merged, size_t *count);

/* What a reader makes of a sample (reader.h). False: a text, which it leaves out. */
bool history_sample_number(const struct sample *sample, double *number);

#endif
