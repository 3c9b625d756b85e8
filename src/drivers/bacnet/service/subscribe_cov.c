/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/subscribe_cov.h"

#include "drivers/bacnet/service/whole.h"

/* Whether and how long; neither is said when it is cancelled. `tag` is that of `confirmed`. */
static void get_terms(struct bytes *in, unsigned tag, struct bacnet_subscribe_cov *subscribe)
{
    bool has_confirmed = bacnet_next_is(in, tag);
    subscribe->confirmed = has_confirmed && bacnet_get_boolean(in, tag);
    uint64_t lifetime = 0;
    bool has_lifetime = bacnet_try_unsigned(in, tag + 1, UINT32_MAX, &lifetime);
    subscribe->lifetime_s = (uint32_t)lifetime;
    subscribe->cancel = !has_confirmed && !has_lifetime;
}

static void put_terms(struct bytes_out *out, unsigned tag,
                      const struct bacnet_subscribe_cov *subscribe)
{
    if (!subscribe->cancel) {
        bacnet_put_boolean(out, tag, subscribe->confirmed);
        bacnet_put_unsigned(out, tag + 1, subscribe->lifetime_s);
    }
}

static void get_object_terms(struct bytes *in, struct bacnet_subscribe_cov *subscribe)
{
    *subscribe = (struct bacnet_subscribe_cov){ .property.index = BACNET_INDEX_ALL };
    subscribe->process = (uint32_t)bacnet_get_unsigned(in, 0, UINT32_MAX);
    subscribe->object = bacnet_get_object(in, 1);
    get_terms(in, 2, subscribe);
}

static void get_increment(struct bytes *in, unsigned tag, bool *has, float *increment)
{
    *has = bacnet_next_is(in, tag);
    *increment = *has ? bacnet_get_real(in, tag) : 0;
}

static void get_reference(struct bytes *in, unsigned tag,
                          struct bacnet_property_reference *reference)
{
    bacnet_get_open(in, tag);
    (void)bacnet_get_property_reference(in, reference);
    bacnet_get_close(in, tag);
}

static void put_reference(struct bytes_out *out, unsigned tag,
                          const struct bacnet_property_reference *reference)
{
    bacnet_put_open(out, tag);
    bacnet_put_property_reference(out, reference);
    bacnet_put_close(out, tag);
}

int bacnet_get_subscribe_cov(struct bytes *in, struct bacnet_subscribe_cov *subscribe)
{
    get_object_terms(in, subscribe);
    return bacnet_whole(in);
}

void bacnet_put_subscribe_cov(struct bytes_out *out, const struct bacnet_subscribe_cov *subscribe)
{
    bacnet_put_unsigned(out, 0, subscribe->process);
    bacnet_put_object(out, 1, subscribe->object);
    put_terms(out, 2, subscribe);
}

int bacnet_get_subscribe_cov_property(struct bytes *in, struct bacnet_subscribe_cov *subscribe)
{
    get_object_terms(in, subscribe);
    get_reference(in, 4, &subscribe->property);
    get_increment(in, 5, &subscribe->has_increment, &subscribe->increment);
    return bacnet_whole(in);
}

void bacnet_put_subscribe_cov_property(struct bytes_out *out,
                                       const struct bacnet_subscribe_cov *subscribe)
{
    bacnet_put_subscribe_cov(out, subscribe);
    put_reference(out, 4, &subscribe->property);
    if (subscribe->has_increment) {
        bacnet_put_real(out, 5, subscribe->increment);
    }
}

int bacnet_get_subscribe_multiple(struct bytes *in, struct bacnet_subscribe_cov *subscribe,
                                  struct bytes *objects)
{
    *subscribe = (struct bacnet_subscribe_cov){ .property.index = BACNET_INDEX_ALL };
    subscribe->process = (uint32_t)bacnet_get_unsigned(in, 0, UINT32_MAX);
    get_terms(in, 1, subscribe);
    uint64_t delay = 0;
    (void)bacnet_try_unsigned(in, 3, UINT32_MAX, &delay);
    subscribe->delay_s = (uint32_t)delay;
    *objects = bacnet_get_inside(in, 4);
    return bacnet_whole(in);
}

int bacnet_get_subscribe_object(struct bytes *objects, struct bacnet_object *object,
                                struct bytes *references)
{
    *object = bacnet_get_object(objects, 0);
    *references = bacnet_get_inside(objects, 1);
    return bytes_short(objects) ? BUSBAR_EPROTO : 0;
}

int bacnet_get_cov_reference(struct bytes *references, struct bacnet_cov_reference *reference)
{
    get_reference(references, 0, &reference->property);
    get_increment(references, 1, &reference->has_increment, &reference->increment);
    reference->stamped = bacnet_get_boolean(references, 2);
    return bytes_short(references) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_subscribe_multiple_begin(struct bytes_out *out,
                                         const struct bacnet_subscribe_cov *subscribe)
{
    bacnet_put_unsigned(out, 0, subscribe->process);
    put_terms(out, 1, subscribe);
    if (!subscribe->cancel) {
        bacnet_put_unsigned(out, 3, subscribe->delay_s);
    }
    bacnet_put_open(out, 4);
}

void bacnet_put_subscribe_object_begin(struct bytes_out *out, struct bacnet_object object)
{
    bacnet_put_object(out, 0, object);
    bacnet_put_open(out, 1);
}

void bacnet_put_cov_reference(struct bytes_out *out, const struct bacnet_cov_reference *reference)
{
    put_reference(out, 0, &reference->property);
    if (reference->has_increment) {
        bacnet_put_real(out, 1, reference->increment);
    }
    bacnet_put_boolean(out, 2, reference->stamped);
}

void bacnet_put_subscribe_object_end(struct bytes_out *out)
{
    bacnet_put_close(out, 1);
}

void bacnet_put_subscribe_multiple_end(struct bytes_out *out)
{
    bacnet_put_close(out, 4);
}
