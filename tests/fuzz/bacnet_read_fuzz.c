/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing, subscribing, notifications of changes, errors. First byte: which. */
#include "bacnet_again.h"

#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/service/write_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int again_read(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_read_property read;
    int error = bacnet_get_read_property(in, &read);
    if (error == 0) {
        bacnet_put_read_property(out, &read);
        assert(bytes_out_size(out) <= BACNET_READ_PROPERTY_MAX);
    }
    return error;
}

static int again_read_ack(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_read_property read;
    struct bytes value;
    int error = bacnet_get_read_property_ack(in, &read, &value);
    if (error == 0) {
        bacnet_put_read_property_ack(out, &read, value);
        assert(bytes_out_size(out) <= BACNET_READ_PROPERTY_ACK_MAX + bytes_left(&value));
    }
    return error;
}

static int again_read_many(struct bytes *in, struct bytes_out *out)
{
    while (bytes_left(in) > 0) {
        struct bacnet_object object;
        struct bytes references;
        if (bacnet_get_read_specification(in, &object, &references) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_read_begin(out, object);
        while (bytes_left(&references) > 0) {
            struct bacnet_property_reference reference;
            if (bacnet_get_property_reference(&references, &reference) != 0) {
                return BUSBAR_EPROTO;
            }
            bacnet_put_property_reference(out, &reference);
        }
        bacnet_put_read_end(out);
    }
    return 0;
}

static int again_results(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_read_walk walk = { .in = *in };
    struct bacnet_read_result result;
    while (bacnet_read_next(&walk, &result)) {
        size_t before = bytes_out_size(out);
        bacnet_put_read_begin(out, walk.object);
        bacnet_put_read_result(out, &result);
        bacnet_put_read_end(out);
        assert(bytes_out_size(out) - before <=
               BACNET_READ_OBJECT_MAX + bacnet_read_result_size(&result));
    }
    return walk.error;
}

static int again_write(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_object object;
    struct bacnet_property_value value;
    int error = bacnet_get_write_property(in, &object, &value);
    if (error == 0) {
        bacnet_put_write_property(out, object, &value);
        assert(bytes_out_size(out) <= BACNET_WRITE_PROPERTY_MAX + bytes_left(&value.value));
    }
    return error;
}

static int again_values(struct bytes *values, struct bytes_out *out)
{
    while (bytes_left(values) > 0) {
        struct bacnet_property_value value;
        if (bacnet_get_property_value(values, &value) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_property_value(out, &value);
    }
    return 0;
}

static int again_write_many(struct bytes *in, struct bytes_out *out)
{
    int error = 0;
    while (error == 0 && bytes_left(in) > 0) {
        struct bacnet_object object;
        struct bytes values;
        error = bacnet_get_write_specification(in, &object, &values);
        if (error == 0) {
            bacnet_put_write_begin(out, object);
            error = again_values(&values, out);
            bacnet_put_write_end(out);
        }
    }
    return error;
}

static int again_subscribe(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_subscribe_cov subscribe;
    int error = bacnet_get_subscribe_cov(in, &subscribe);
    if (error == 0) {
        bacnet_put_subscribe_cov(out, &subscribe);
        assert(bytes_out_size(out) <= BACNET_SUBSCRIBE_COV_MAX);
    }
    return error;
}

static int again_subscribe_property(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_subscribe_cov subscribe;
    int error = bacnet_get_subscribe_cov_property(in, &subscribe);
    if (error == 0) {
        bacnet_put_subscribe_cov_property(out, &subscribe);
        assert(bytes_out_size(out) <= BACNET_SUBSCRIBE_COV_MAX);
    }
    return error;
}

static int again_references(struct bytes *references, struct bytes_out *out)
{
    while (bytes_left(references) > 0) {
        struct bacnet_cov_reference reference;
        if (bacnet_get_cov_reference(references, &reference) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_cov_reference(out, &reference);
    }
    return 0;
}

static int again_subscribe_many(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_subscribe_cov subscribe;
    struct bytes objects;
    int error = bacnet_get_subscribe_multiple(in, &subscribe, &objects);
    if (error != 0) {
        return error;
    }
    bacnet_put_subscribe_multiple_begin(out, &subscribe);
    while (error == 0 && bytes_left(&objects) > 0) {
        struct bacnet_object object;
        struct bytes references;
        error = bacnet_get_subscribe_object(&objects, &object, &references);
        if (error == 0) {
            bacnet_put_subscribe_object_begin(out, object);
            error = again_references(&references, out);
            bacnet_put_subscribe_object_end(out);
        }
    }
    bacnet_put_subscribe_multiple_end(out);
    return error;
}

static int again_cov(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_cov cov;
    struct bytes values;
    int error = bacnet_get_cov(in, &cov, &values);
    if (error == 0) {
        bacnet_put_cov_begin(out, &cov);
        error = again_values(&values, out);
        bacnet_put_cov_end(out);
    }
    return error;
}

static int again_changes(struct bytes *changes, struct bytes_out *out)
{
    while (bytes_left(changes) > 0) {
        struct bacnet_cov_change change;
        if (bacnet_get_cov_change(changes, &change) != 0) {
            return BUSBAR_EPROTO;
        }
        bacnet_put_cov_change(out, &change);
    }
    return 0;
}

static int again_cov_many(struct bytes *in, struct bytes_out *out)
{
    struct bacnet_cov cov;
    struct bytes objects;
    int error = bacnet_get_cov_multiple(in, &cov, &objects);
    if (error != 0) {
        return error;
    }
    bacnet_put_cov_multiple_begin(out, &cov);
    while (error == 0 && bytes_left(&objects) > 0) {
        struct bacnet_object object;
        struct bytes changes;
        error = bacnet_get_cov_object(&objects, &object, &changes);
        if (error == 0) {
            bacnet_put_cov_object_begin(out, object);
            error = again_changes(&changes, out);
            bacnet_put_cov_object_end(out);
        }
    }
    bacnet_put_cov_multiple_end(out);
    return error;
}

/* The service comes first. */
static int again_error(struct bytes *in, struct bytes_out *out)
{
    uint8_t service = bytes_get_u8(in);
    struct bacnet_error_body error;
    if (bytes_short(in) || bacnet_get_error(in, service, &error) != 0) {
        return BUSBAR_EPROTO;
    }
    bytes_put_u8(out, service);
    bacnet_put_error(out, service, &error);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const again_fn agains[] = {
        again_read,           again_read_ack,   again_read_many, again_results,
        again_write,          again_write_many, again_subscribe, again_subscribe_property,
        again_subscribe_many, again_cov,        again_cov_many,  again_error,
    };
    return again_choose(agains, sizeof(agains) / sizeof(agains[0]), data, size);
}
