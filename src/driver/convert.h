/* SPDX-License-Identifier: Apache-2.0 */
/* Raw values of a device <-> engineering values of a point. Pure: no host, no clock.
 *
 *   raw -> scale, offset -> enum check -> clamp -> engineering        convert_in()
 *   engineering -> type, enum, range checks -> inverse -> raw         convert_out()
 *
 * An integer stays an exact int64 when scale is 1 and offset is 0; any other scaling gives a
 * double. A double that is not finite (NaN, infinity, an overflow of the scaling) is no value:
 * quality "decode error". A number that the point's enum does not name keeps its value with quality
 * "configuration": the device contradicts the configuration, and the number tells how. */
#ifndef BUSBAR_DRIVER_CONVERT_H
#define BUSBAR_DRIVER_CONVERT_H

#include "base/err.h"
#include "model/point.h"

/* Turns the driver's sample into the point's, in place. A bad quality takes the value away. */
void convert_in(const struct point_class *cls, struct sample *sample);

/* The same, of a point whose values have names: the name of one as text ("on"), or its number as text, becomes it. Another
 * text is no value: quality "decode error". */
void convert_in_point(const struct point *pt, struct sample *sample);

/* A value that was asked for: what to send, and what it means in engineering units. */
struct convert_asked {
    uint8_t type; /* engineering */
    union value value;
    uint8_t raw_type; /* for the driver: the point's own; of a scaled point always double */
    union value raw;
};

/* value: a number, a bool, a text, or an enum's name as text (borrowed, as is asked->value.text).
 * BUSBAR_EWRONGTYPE, BUSBAR_ERANGE, BUSBAR_ENOENT (no such enum name) with err and hint filled. */
int convert_out(const struct point *pt, uint8_t type, union value value,
                struct convert_asked *asked, struct err *err);

/* Whether a value read back is the one asked for: exact for bool, int, text; within half a step of
 * the scale or the precision of a 32-bit float for doubles. Texts that are one moment (RFC 3339), or the same JSON list,
 * are the same however they are written. */
bool convert_same(const struct point *pt, const struct convert_asked *asked,
                  const struct sample *back);

#endif
