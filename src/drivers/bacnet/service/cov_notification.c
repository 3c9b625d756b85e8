/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/cov_notification.h"

#include "drivers/bacnet/service/whole.h"
#include "drivers/bacnet/wire/numbers.h"

static uint32_t get_device(struct bytes *in)
{
    struct bacnet_object device = bacnet_get_object(in, 1);
    if (device.type != BACNET_DEVICE) {
        bytes_fail(in);
    }
    return device.instance;
}

static void put_device(struct bytes_out *out, uint32_t instance)
{
    struct bacnet_object device = { .type = BACNET_DEVICE, .instance = instance };
    bacnet_put_object(out, 1, device);
}

int bacnet_get_cov(struct bytes *in, struct bacnet_cov *cov, struct bytes *values)
{
    *cov = (struct bacnet_cov){ 0 };
    cov->process = (uint32_t)bacnet_get_unsigned(in, 0, UINT32_MAX);
    cov->device = get_device(in);
    cov->object = bacnet_get_object(in, 2);
    cov->left_s = (uint32_t)bacnet_get_unsigned(in, 3, UINT32_MAX);
    *values = bacnet_get_inside(in, 4);
    return bacnet_whole(in);
}

void bacnet_put_cov_begin(struct bytes_out *out, const struct bacnet_cov *cov)
{
    bacnet_put_unsigned(out, 0, cov->process);
    put_device(out, cov->device);
    bacnet_put_object(out, 2, cov->object);
    bacnet_put_unsigned(out, 3, cov->left_s);
    bacnet_put_open(out, 4);
}

void bacnet_put_cov_end(struct bytes_out *out)
{
    bacnet_put_close(out, 4);
}

int bacnet_get_cov_multiple(struct bytes *in, struct bacnet_cov *cov, struct bytes *objects)
{
    *cov = (struct bacnet_cov){ 0 };
    cov->process = (uint32_t)bacnet_get_unsigned(in, 0, UINT32_MAX);
    cov->device = get_device(in);
    cov->left_s = (uint32_t)bacnet_get_unsigned(in, 2, UINT32_MAX);
    cov->has_at = bacnet_next_opens(in, 3);
    if (cov->has_at) {
        bacnet_get_open(in, 3);
        cov->at = bacnet_get_datetime(in);
        bacnet_get_close(in, 3);
    }
    *objects = bacnet_get_inside(in, 4);
    return bacnet_whole(in);
}

int bacnet_get_cov_object(struct bytes *objects, struct bacnet_object *object,
                          struct bytes *changes)
{
    *object = bacnet_get_object(objects, 0);
    *changes = bacnet_get_inside(objects, 1);
    return bytes_short(objects) ? BUSBAR_EPROTO : 0;
}

int bacnet_get_cov_change(struct bytes *changes, struct bacnet_cov_change *change)
{
    *change = (struct bacnet_cov_change){ 0 };
    change->value.property = bacnet_get_enumerated(changes, 0);
    change->value.index = bacnet_get_index(changes, 1);
    change->value.value = bacnet_get_inside(changes, 2);
    change->has_at = bacnet_next_is(changes, 3);
    if (change->has_at) {
        change->at = bacnet_get_time(changes, 3);
    }
    return bytes_short(changes) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_cov_multiple_begin(struct bytes_out *out, const struct bacnet_cov *cov)
{
    bacnet_put_unsigned(out, 0, cov->process);
    put_device(out, cov->device);
    bacnet_put_unsigned(out, 2, cov->left_s);
    if (cov->has_at) {
        bacnet_put_open(out, 3);
        bacnet_put_datetime(out, &cov->at);
        bacnet_put_close(out, 3);
    }
    bacnet_put_open(out, 4);
}

void bacnet_put_cov_object_begin(struct bytes_out *out, struct bacnet_object object)
{
    bacnet_put_object(out, 0, object);
    bacnet_put_open(out, 1);
}

void bacnet_put_cov_change(struct bytes_out *out, const struct bacnet_cov_change *change)
{
    bacnet_put_enumerated(out, 0, change->value.property);
    bacnet_put_index(out, 1, change->value.index);
    bacnet_put_inside(out, 2, change->value.value);
    if (change->has_at) {
        bacnet_put_time(out, 3, &change->at);
    }
}

void bacnet_put_cov_object_end(struct bytes_out *out)
{
    bacnet_put_close(out, 1);
}

void bacnet_put_cov_multiple_end(struct bytes_out *out)
{
    bacnet_put_close(out, 4);
}
