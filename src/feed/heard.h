/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value came from: one message of the ring of last frames is read once more, for one point. For people. */
#ifndef BUSBAR_FEED_HEARD_H
#define BUSBAR_FEED_HEARD_H

#include "feed/feed.h"

struct feed_heard {
    const struct device *dev;
    const char *id;                    /* of the device, as others call it */
    const struct payload_point *point; /* of the point's address */
    const char *rule;                  /* as a person wrote it: "json $.co2" */
};

/* Whether the message holds a value of the point: appends "json $.co2 = 640 in {\"co2\": 640}" and sets raw (type NONE for
 * texts). False: it does not, or cannot be read. */
bool feed_heard(struct feed *feed, const struct feed_heard *what,
                const struct payload_message *message, struct buf *out, struct sample *raw);

#endif
