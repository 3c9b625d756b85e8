/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/error.h"

#include "drivers/bacnet/service/property.h"
#include "drivers/bacnet/service/whole.h"
#include "drivers/bacnet/wire/apdu.h"

struct bacnet_refusal bacnet_get_refusal(struct bytes *in)
{
    uint32_t error_class = bacnet_get_enumerated(in, BACNET_APPLICATION);
    uint32_t code = bacnet_get_enumerated(in, BACNET_APPLICATION);
    if (error_class > UINT16_MAX || code > UINT16_MAX) {
        bytes_fail(in);
        return (struct bacnet_refusal){ 0 };
    }
    return (struct bacnet_refusal){ .error_class = (uint16_t)error_class, .code = (uint16_t)code };
}

void bacnet_put_refusal(struct bytes_out *out, struct bacnet_refusal why)
{
    bacnet_put_enumerated(out, BACNET_APPLICATION, why.error_class);
    bacnet_put_enumerated(out, BACNET_APPLICATION, why.code);
}

static void get_wrapped(struct bytes *in, unsigned tag, struct bacnet_error_body *error)
{
    bacnet_get_open(in, tag);
    error->why = bacnet_get_refusal(in);
    bacnet_get_close(in, tag);
}

static void put_wrapped(struct bytes_out *out, unsigned tag, const struct bacnet_error_body *error)
{
    bacnet_put_open(out, tag);
    bacnet_put_refusal(out, error->why);
    bacnet_put_close(out, tag);
}

static void get_first_written(struct bytes *in, struct bacnet_error_body *error)
{
    get_wrapped(in, 0, error);
    bacnet_get_open(in, 1);
    error->has_object = true;
    error->object = bacnet_get_object(in, 0);
    error->property = bacnet_get_enumerated(in, 1);
    error->index = bacnet_get_index(in, 2);
    bacnet_get_close(in, 1);
}

static void put_first_written(struct bytes_out *out, const struct bacnet_error_body *error)
{
    put_wrapped(out, 0, error);
    bacnet_put_open(out, 1);
    bacnet_put_object(out, 0, error->object);
    bacnet_put_enumerated(out, 1, error->property);
    bacnet_put_index(out, 2, error->index);
    bacnet_put_close(out, 1);
}

static void get_first_subscribed(struct bytes *in, struct bacnet_error_body *error)
{
    struct bacnet_property_reference reference;
    bacnet_get_open(in, 1);
    error->has_object = true;
    error->object = bacnet_get_object(in, 0);
    bacnet_get_open(in, 1);
    (void)bacnet_get_property_reference(in, &reference);
    bacnet_get_close(in, 1);
    error->property = reference.property;
    error->index = reference.index;
    get_wrapped(in, 2, error);
    bacnet_get_close(in, 1);
}

static void put_first_subscribed(struct bytes_out *out, const struct bacnet_error_body *error)
{
    struct bacnet_property_reference reference = { error->property, error->index };
    bacnet_put_open(out, 1);
    bacnet_put_object(out, 0, error->object);
    bacnet_put_open(out, 1);
    bacnet_put_property_reference(out, &reference);
    bacnet_put_close(out, 1);
    put_wrapped(out, 2, error);
    bacnet_put_close(out, 1);
}

static bool says_element(uint8_t service)
{
    return service == BACNET_ADD_LIST_ELEMENT || service == BACNET_REMOVE_LIST_ELEMENT ||
           service == BACNET_CREATE_OBJECT;
}

int bacnet_get_error(struct bytes *in, uint8_t service, struct bacnet_error_body *error)
{
    *error = (struct bacnet_error_body){ .index = BACNET_INDEX_ALL };
    if (service == BACNET_SUBSCRIBE_COV_PROPERTY_MULTIPLE && bacnet_next_opens(in, 1)) {
        get_first_subscribed(in, error);
    } else if (!bacnet_next_opens(in, 0)) {
        error->why = bacnet_get_refusal(in);
    } else if (service == BACNET_WRITE_PROPERTY_MULTIPLE) {
        get_first_written(in, error);
    } else {
        get_wrapped(in, 0, error);
        if (says_element(service)) {
            error->element = (uint32_t)bacnet_get_unsigned(in, 1, UINT32_MAX);
        } else if (service != BACNET_SUBSCRIBE_COV_PROPERTY_MULTIPLE) {
            bytes_skip(in, bytes_left(in));
        }
    }
    return bacnet_whole(in);
}

void bacnet_put_error(struct bytes_out *out, uint8_t service, const struct bacnet_error_body *error)
{
    if (service == BACNET_WRITE_PROPERTY_MULTIPLE) {
        put_first_written(out, error);
    } else if (service == BACNET_SUBSCRIBE_COV_PROPERTY_MULTIPLE && error->has_object) {
        put_first_subscribed(out, error);
    } else if (service == BACNET_SUBSCRIBE_COV_PROPERTY_MULTIPLE) {
        put_wrapped(out, 0, error);
    } else if (says_element(service)) {
        put_wrapped(out, 0, error);
        bacnet_put_unsigned(out, 1, error->element);
    } else {
        bacnet_put_refusal(out, error->why);
    }
}
