/* SPDX-License-Identifier: Apache-2.0 */
/* SubscribeCOV, SubscribeCOVProperty and SubscribeCOVPropertyMultiple (ASHRAE 135, clauses 13.14 to 13.16): be
 * told of changes. Answered by a simple ack, or an error (service/error.h).
 *
 *   object    0 process Unsigned, 1 Object, [2 confirmed Boolean, 3 lifetime Unsigned]
 *   property  the same, 4 { reference }, [5 increment Real]
 *   multiple  0 process, [1 confirmed], [2 lifetime], [3 delay Unsigned],
 *             4 { 0 Object, 1 { 0 { reference }, [1 increment Real], 2 stamped Boolean ... } ... }
 *
 * Without confirmed and lifetime: the subscription is cancelled. Pure, both directions. */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_SUBSCRIBE_COV_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_SUBSCRIBE_COV_H

#include "drivers/bacnet/service/property.h"

enum { BACNET_SUBSCRIBE_COV_MAX = 40 };      /* bytes, of the first two */
enum { BACNET_SUBSCRIBE_MULTIPLE_MAX = 24 }; /* bytes of begin and end of the third */
enum { BACNET_SUBSCRIBE_OBJECT_MAX = 7, BACNET_SUBSCRIBE_REFERENCE_MAX = 20 };

struct bacnet_subscribe_cov {
    uint32_t process;            /* the subscriber's number for it, in each notification */
    struct bacnet_object object; /* not used in the multiple form */
    bool cancel;
    bool confirmed;      /* notifications are to be acknowledged */
    uint32_t lifetime_s; /* 0: for ever */
    uint32_t delay_s;    /* multiple: may be collected so long */
    /* SubscribeCOVProperty */
    struct bacnet_property_reference property;
    bool has_increment;
    float increment;
};

struct bacnet_cov_reference {
    struct bacnet_property_reference property;
    bool has_increment;
    float increment;
    bool stamped; /* each value with its time */
};

/* 0 or BUSBAR_EPROTO. */
int bacnet_get_subscribe_cov(struct bytes *in, struct bacnet_subscribe_cov *subscribe);
void bacnet_put_subscribe_cov(struct bytes_out *out, const struct bacnet_subscribe_cov *subscribe);

int bacnet_get_subscribe_cov_property(struct bytes *in, struct bacnet_subscribe_cov *subscribe);
void bacnet_put_subscribe_cov_property(struct bytes_out *out,
                                       const struct bacnet_subscribe_cov *subscribe);

/* objects: to be read by bacnet_get_subscribe_object() while bytes_left(), and references of each by
 * bacnet_get_cov_reference(). */
int bacnet_get_subscribe_multiple(struct bytes *in, struct bacnet_subscribe_cov *subscribe,
                                  struct bytes *objects);
int bacnet_get_subscribe_object(struct bytes *objects, struct bacnet_object *object,
                                struct bytes *references);
int bacnet_get_cov_reference(struct bytes *references, struct bacnet_cov_reference *reference);

/* begin, for each object (object begin, references, object end), end. */
void bacnet_put_subscribe_multiple_begin(struct bytes_out *out,
                                         const struct bacnet_subscribe_cov *subscribe);
void bacnet_put_subscribe_object_begin(struct bytes_out *out, struct bacnet_object object);
void bacnet_put_cov_reference(struct bytes_out *out, const struct bacnet_cov_reference *reference);
void bacnet_put_subscribe_object_end(struct bytes_out *out);
void bacnet_put_subscribe_multiple_end(struct bytes_out *out);

#endif
