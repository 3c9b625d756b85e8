/* SPDX-License-Identifier: Apache-2.0 */
/* ReadRange (ASHRAE 135, clause 15.8): a part of a long list, above all of the buffer of a trend log.
 *
 *   ask      0 Object, 1 property Enumerated, [2 index Unsigned], [range]
 *   range    3 { Unsigned index, Integer count }            position, the first is 1
 *            6 { Unsigned sequence, Integer count }
 *            7 { Date, Time, Integer count }                not that time itself
 *            count < 0: those before it, and it
 *   answer   0 Object, 1 property Enumerated, [2 index Unsigned], 3 flags BitString (first, last, more),
 *            4 count Unsigned, 5 { items }, [6 sequence of the first Unsigned]
 *
 * Items of a log are records: service/log_record.h. Pure, both directions; items stay where
 * they were received. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_READ_RANGE_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_READ_RANGE_H

#include "drivers/bacnet/wire/stamp.h"

enum {
    BACNET_READ_RANGE_MAX = 40,      /* bytes of an ask */
    BACNET_READ_RANGE_HEAD_MAX = 36, /* of an answer, all but its items */
};

enum bacnet_range {
    BACNET_RANGE_ALL = 0,
    BACNET_RANGE_POSITION = 3,
    BACNET_RANGE_SEQUENCE = 6,
    BACNET_RANGE_TIME = 7,
};

struct bacnet_read_range {
    struct bacnet_object object;
    uint32_t property;
    uint32_t index; /* BACNET_INDEX_ALL: none */
    uint8_t range;  /* enum bacnet_range */
    uint32_t reference;
    struct bacnet_datetime at;
    int32_t count; /* never 0 with a range */
};

struct bacnet_range_items {
    struct bacnet_object object;
    uint32_t property, index;
    bool first, last, more; /* has the list's first, its last; more fit the range than were sent */
    uint32_t count;
    struct bytes items;
    bool has_sequence; /* by sequence number and by time, when there are items */
    uint32_t sequence; /* of the first item; wraps from 2^32-1 to 1 */
};

/* 0 or BUSBAR_EPROTO. */
int bacnet_get_read_range(struct bytes *in, struct bacnet_read_range *ask);
void bacnet_put_read_range(struct bytes_out *out, const struct bacnet_read_range *ask);

/* Also BUSBAR_EPROTO: an answer about something else than `ask`. */
int bacnet_get_range_items(struct bytes *in, const struct bacnet_read_range *ask,
                           struct bacnet_range_items *answer);
/* Items in one piece. */
void bacnet_put_range_items(struct bytes_out *out, const struct bacnet_range_items *answer);

#endif
