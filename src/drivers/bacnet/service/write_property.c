/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/write_property.h"

#include "drivers/bacnet/service/whole.h"

int bacnet_get_write_property(struct bytes *in, struct bacnet_object *object,
                              struct bacnet_property_value *value)
{
    *object = bacnet_get_object(in, 0);
    value->property = bacnet_get_enumerated(in, 1);
    value->index = bacnet_get_index(in, 2);
    value->value = bacnet_get_inside(in, 3);
    value->priority = bacnet_get_priority(in, 4);
    return bacnet_whole(in);
}

void bacnet_put_write_property(struct bytes_out *out, struct bacnet_object object,
                               const struct bacnet_property_value *value)
{
    bacnet_put_object(out, 0, object);
    bacnet_put_enumerated(out, 1, value->property);
    bacnet_put_index(out, 2, value->index);
    bacnet_put_inside(out, 3, value->value);
    bacnet_put_priority(out, 4, value->priority);
}

int bacnet_get_write_specification(struct bytes *in, struct bacnet_object *object,
                                   struct bytes *values)
{
    *object = bacnet_get_object(in, 0);
    *values = bacnet_get_inside(in, 1);
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_write_begin(struct bytes_out *out, struct bacnet_object object)
{
    bacnet_put_object(out, 0, object);
    bacnet_put_open(out, 1);
}

void bacnet_put_write_end(struct bytes_out *out)
{
    bacnet_put_close(out, 1);
}
