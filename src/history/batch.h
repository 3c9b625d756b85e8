/* SPDX-License-Identifier: Apache-2.0 */
/* One batch of a log record; the format is drawn in record.h. Private to record.c. */
#ifndef BUSBAR_HISTORY_BATCH_H
#define BUSBAR_HISTORY_BATCH_H

#include "history/usual.h"

/* What one look over the samples found out. */
struct history_batch {
    size_t count; /* samples from the first on that go into this batch */
    size_t bytes_max;
    struct history_usual_look usual; /* count 0: they are not */
    uint8_t shape;                   /* of those that are not */
};

/* BUSBAR_EINVAL: an id, type or text size that cannot be stored. */
int history_batch_look(struct history_batch *batch, const struct sample *samples, size_t count);

/* offset: of out within the body, for the alignment of texts. */
void history_batch_put(struct bytes_out *out, const struct history_batch *batch,
                       const struct sample *samples, int64_t before_us, size_t offset);

/* Returns the count (1..HISTORY_BATCH_SAMPLES) or BUSBAR_EDAMAGED. */
int history_batch_get(struct bytes *in, struct sample *samples, int64_t before_us);

/* A batch of usual samples (usual.h), without making samples of it. False: it is none, or damaged; then
 * the cursor is of no more use. */
bool history_batch_get_usual(struct bytes *in, int64_t before_us, struct history_usual *usual);

#endif
