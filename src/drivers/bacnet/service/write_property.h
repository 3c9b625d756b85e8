/* SPDX-License-Identifier: Apache-2.0 */
/* WriteProperty and WritePropertyMultiple (ASHRAE 135, clauses 15.9 and 15.10). Both are answered by a simple
 * ack, or an error (service/error.h; of the second with the first that failed: those before it are written).
 *
 *   one    0 Object, 1 property Enumerated, [2 index Unsigned], 3 { value }, [4 priority Unsigned 1-16]
 *   many   specification ...   0 Object, 1 { value ... } as BACnetPropertyValue
 *
 * A NULL value relinquishes the priority. Pure, both directions. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_WRITE_PROPERTY_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_WRITE_PROPERTY_H

#include "drivers/bacnet/service/property.h"

enum {
    BACNET_WRITE_PROPERTY_MAX = 19, /* bytes at most, and those of the value */
    BACNET_WRITE_OBJECT_MAX = 7,    /* bytes of begin and end together */
};

/* 0 or BUSBAR_EPROTO. */
int bacnet_get_write_property(struct bytes *in, struct bacnet_object *object,
                              struct bacnet_property_value *value);
void bacnet_put_write_property(struct bytes_out *out, struct bacnet_object object,
                               const struct bacnet_property_value *value);

/* WritePropertyMultiple, one specification, while bytes_left(). values: to be read by
 * bacnet_get_property_value(). 0 or BUSBAR_EPROTO (the cursor is failed then). */
int bacnet_get_write_specification(struct bytes *in, struct bacnet_object *object,
                                   struct bytes *values);
void bacnet_put_write_begin(struct bytes_out *out, struct bacnet_object object);
/* Between them: bacnet_put_property_value(). */
void bacnet_put_write_end(struct bytes_out *out);

#endif
