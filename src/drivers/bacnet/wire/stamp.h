/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times: BACnet's local calendar fields to microseconds UTC and back, and the constructed
 * types made of them, BACnetDateTime and BACnetTimeStamp (ASHRAE 135, clause 21). Pure. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_STAMP_H
#define BUSBAR_DRIVERS_BACNET_WIRE_STAMP_H

#include "drivers/bacnet/wire/tag.h"

enum {
    BACNET_ANY = 255,
    BACNET_STAMP_MAX = 24
}; /* a field not said; bytes of a stamp with its tags */

struct bacnet_datetime {
    struct bacnet_date date;
    struct bacnet_time time;
};

enum bacnet_stamp_kind {
    BACNET_STAMP_TIME = 0,
    BACNET_STAMP_SEQUENCE = 1,
    BACNET_STAMP_DATETIME = 2
};

struct bacnet_stamp {
    uint8_t kind; /* enum bacnet_stamp_kind */
    uint16_t sequence;
    struct bacnet_datetime at; /* TIME: only at.time */
};

/* Every field said, and a day that exists. */
bool bacnet_date_is_full(const struct bacnet_date *date);
bool bacnet_time_is_full(const struct bacnet_time *time);
/* All fields "any": never happened. */
bool bacnet_datetime_is_unset(const struct bacnet_datetime *at);
/* `offset_minutes`: east of UTC, of the device's clock (BACnet's UTC_Offset is west: turn its sign).
 * BUSBAR_ERANGE: not fully said, no such day or time. */
int bacnet_datetime_us(const struct bacnet_datetime *at, int offset_minutes, int64_t *time_us);
/* Hundredths are cut. BUSBAR_ERANGE: outside 1900 to 2154. */
int bacnet_datetime_of(int64_t time_us, int offset_minutes, struct bacnet_datetime *at);

/* Application tagged date, then time. */
struct bacnet_datetime bacnet_get_datetime(struct bytes *in);
void bacnet_put_datetime(struct bytes_out *out, const struct bacnet_datetime *at);
/* The choice itself; between tags: open, stamp, close. */
struct bacnet_stamp bacnet_get_stamp(struct bytes *in);
void bacnet_put_stamp(struct bytes_out *out, const struct bacnet_stamp *stamp);
bool bacnet_stamp_equal(const struct bacnet_stamp *a, const struct bacnet_stamp *b);

#endif
