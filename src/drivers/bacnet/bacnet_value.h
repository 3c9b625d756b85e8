/* SPDX-License-Identifier: Apache-2.0 */
/* Values of properties <-> raw samples of points. Pure.
 *
 *   wanted    from
 *   bool      boolean, enumerated and numbers 0 and 1
 *   int       unsigned, signed, enumerated, boolean, bit strings (first bit = 1), whole real numbers
 *   double    any number
 *   string    everything: texts as they are, the rest as a person writes it (wire/text.h); constructed
 *             values too, so that a proprietary property is shown whole */
#ifndef BUSBAR_DRIVERS_BACNET_VALUE_H
#define BUSBAR_DRIVERS_BACNET_VALUE_H

#include "base/bytes.h"
#include "drivers/bacnet/bacnet_target.h"
#include "model/sample.h"

/* What a value was, for writing the same again and for people. */
struct bacnet_seen {
    uint8_t
        type; /* enum bacnet_type of the one primitive element; BACNET_TYPES: none, or several */
    uint8_t bits; /* of a bit string */
};

/* The elements of a property into a sample: type, value, quality, detail. A bad one has no value.
 *   text  where a string goes: its memory, from an earlier call or NULL, is used again */
void bacnet_value_get(const struct bacnet_target *target, struct bytes elements,
                      struct sample *sample, struct text **text, struct bacnet_seen *seen);

/* What to write: elements with their tags, appended to `out` (size_max bytes are there).
 *   seen  what the property held; type BACNET_TYPES: by what it usually holds
 * BUSBAR_EWRONGTYPE: no such value can be made of the sample; BUSBAR_ERANGE: it does not fit. */
int bacnet_value_put(const struct bacnet_target *target, const struct bacnet_seen *seen,
                     uint8_t type, union value value, uint8_t *data, size_t size_max, size_t *size);

#endif
