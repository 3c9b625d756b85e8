/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/property.h"

#include "base/err.h"

uint32_t bacnet_get_index(struct bytes *in, unsigned tag)
{
    uint64_t index = BACNET_INDEX_ALL;
    (void)bacnet_try_unsigned(in, tag, BACNET_INDEX_ALL - 1, &index);
    return (uint32_t)index;
}

void bacnet_put_index(struct bytes_out *out, unsigned tag, uint32_t index)
{
    if (index != BACNET_INDEX_ALL) {
        bacnet_put_unsigned(out, tag, index);
    }
}

uint8_t bacnet_get_priority(struct bytes *in, unsigned tag)
{
    uint64_t priority = 0;
    if (bacnet_try_unsigned(in, tag, BACNET_PRIORITIES, &priority) && priority == 0) {
        bytes_fail(in);
    }
    return (uint8_t)priority;
}

void bacnet_put_priority(struct bytes_out *out, unsigned tag, uint8_t priority)
{
    assert(priority <= BACNET_PRIORITIES);
    if (priority != 0) {
        bacnet_put_unsigned(out, tag, priority);
    }
}

void bacnet_put_inside(struct bytes_out *out, unsigned tag, struct bytes elements)
{
    bacnet_put_open(out, tag);
    bytes_put_block(out, elements.at, bytes_left(&elements));
    bacnet_put_close(out, tag);
}

int bacnet_get_property_reference(struct bytes *in, struct bacnet_property_reference *reference)
{
    reference->property = bacnet_get_enumerated(in, 0);
    reference->index = bacnet_get_index(in, 1);
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_property_reference(struct bytes_out *out,
                                   const struct bacnet_property_reference *reference)
{
    bacnet_put_enumerated(out, 0, reference->property);
    bacnet_put_index(out, 1, reference->index);
}

int bacnet_get_property_value(struct bytes *in, struct bacnet_property_value *value)
{
    value->property = bacnet_get_enumerated(in, 0);
    value->index = bacnet_get_index(in, 1);
    value->value = bacnet_get_inside(in, 2);
    value->priority = bacnet_get_priority(in, 3);
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_property_value(struct bytes_out *out, const struct bacnet_property_value *value)
{
    bacnet_put_enumerated(out, 0, value->property);
    bacnet_put_index(out, 1, value->index);
    bacnet_put_inside(out, 2, value->value);
    bacnet_put_priority(out, 3, value->priority);
}
