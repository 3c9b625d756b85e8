/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/reference.h"

#include "base/err.h"
#include "drivers/bacnet/wire/numbers.h"

int bacnet_get_reference(struct bytes *in, struct bacnet_reference *reference)
{
    *reference = (struct bacnet_reference){ .index = BACNET_INDEX_ALL,
                                            .device = BACNET_INSTANCE_MAX };
    reference->object = bacnet_get_object(in, 0);
    reference->property = bacnet_get_enumerated(in, 1);
    uint64_t index;
    if (bacnet_try_unsigned(in, 2, BACNET_INDEX_ALL - 1, &index)) {
        reference->index = (uint32_t)index;
    }
    if (bacnet_next_is(in, 3)) {
        struct bacnet_object device = bacnet_get_object(in, 3);
        reference->device = device.instance;
        if (device.type != BACNET_DEVICE) {
            bytes_fail(in);
        }
    }
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_reference(struct bytes_out *out, const struct bacnet_reference *reference)
{
    bacnet_put_object(out, 0, reference->object);
    bacnet_put_enumerated(out, 1, reference->property);
    if (reference->index != BACNET_INDEX_ALL) {
        bacnet_put_unsigned(out, 2, reference->index);
    }
    if (reference->device != BACNET_INSTANCE_MAX) {
        struct bacnet_object device = { .type = BACNET_DEVICE, .instance = reference->device };
        bacnet_put_object(out, 3, device);
    }
}
