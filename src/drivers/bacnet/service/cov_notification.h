/* SPDX-License-Identifier: Apache-2.0 */
/* COV notifications (ASHRAE 135, clauses 13.6, 13.7 and 13.17, 13.18), the same bytes confirmed (answered by a
 * simple ack) and unconfirmed.
 *
 *   one object  0 process Unsigned, 1 Object (the device), 2 Object, 3 seconds left Unsigned, 4 { value ... }
 *               value  as BACnetPropertyValue
 *   multiple    0 process, 1 Object (the device), 2 seconds left, [3 { Date, Time }], 4 { object ... }
 *               object  0 Object, 1 { value ... }
 *               value   0 property, [1 index], 2 { value }, [3 Time of the change]
 *
 * Pure, both directions; lists are read one by one while bytes_left(). */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_COV_NOTIFICATION_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_COV_NOTIFICATION_H

#include "drivers/bacnet/service/property.h"
#include "drivers/bacnet/wire/stamp.h"

enum {
    BACNET_COV_BEGIN_MAX = 36,  /* bytes of begin and end together */
    BACNET_COV_OBJECT_MAX = 7,  /* multiple: of an object's begin and end */
    BACNET_COV_CHANGE_MAX = 17, /* multiple: bytes at most, and those of the value */
};

struct bacnet_cov {
    uint32_t process;            /* as subscribed; 0: nobody subscribed */
    uint32_t device;             /* instance */
    struct bacnet_object object; /* not used in the multiple form */
    uint32_t left_s;             /* of the subscription; 0: for ever */
    bool has_at;                 /* multiple: when it was made */
    struct bacnet_datetime at;
};

struct bacnet_cov_change {
    struct bacnet_property_value value; /* without priority */
    bool has_at;
    struct bacnet_time at;
};

/* values: to be read by bacnet_get_property_value(). 0 or BUSBAR_EPROTO. */
int bacnet_get_cov(struct bytes *in, struct bacnet_cov *cov, struct bytes *values);
void bacnet_put_cov_begin(struct bytes_out *out, const struct bacnet_cov *cov);
/* Between them: bacnet_put_property_value(). */
void bacnet_put_cov_end(struct bytes_out *out);

/* objects: to be read by bacnet_get_cov_object(), changes of each by bacnet_get_cov_change(). */
int bacnet_get_cov_multiple(struct bytes *in, struct bacnet_cov *cov, struct bytes *objects);
int bacnet_get_cov_object(struct bytes *objects, struct bacnet_object *object,
                          struct bytes *changes);
int bacnet_get_cov_change(struct bytes *changes, struct bacnet_cov_change *change);

/* begin, for each object (object begin, changes, object end), end. */
void bacnet_put_cov_multiple_begin(struct bytes_out *out, const struct bacnet_cov *cov);
void bacnet_put_cov_object_begin(struct bytes_out *out, struct bacnet_object object);
void bacnet_put_cov_change(struct bytes_out *out, const struct bacnet_cov_change *change);
void bacnet_put_cov_object_end(struct bytes_out *out);
void bacnet_put_cov_multiple_end(struct bytes_out *out);

#endif
