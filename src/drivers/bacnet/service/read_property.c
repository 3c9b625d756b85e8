/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/read_property.h"

#include "drivers/bacnet/service/property.h"
#include "drivers/bacnet/service/whole.h"

static void get_what(struct bytes *in, struct bacnet_read_property *read)
{
    read->object = bacnet_get_object(in, 0);
    read->property = bacnet_get_enumerated(in, 1);
    read->index = bacnet_get_index(in, 2);
}

int bacnet_get_read_property(struct bytes *in, struct bacnet_read_property *read)
{
    get_what(in, read);
    return bacnet_whole(in);
}

void bacnet_put_read_property(struct bytes_out *out, const struct bacnet_read_property *read)
{
    bacnet_put_object(out, 0, read->object);
    bacnet_put_enumerated(out, 1, read->property);
    bacnet_put_index(out, 2, read->index);
}

int bacnet_get_read_property_ack(struct bytes *in, struct bacnet_read_property *read,
                                 struct bytes *value)
{
    get_what(in, read);
    *value = bacnet_get_inside(in, 3);
    return bacnet_whole(in);
}

void bacnet_put_read_property_ack(struct bytes_out *out, const struct bacnet_read_property *read,
                                  struct bytes value)
{
    bacnet_put_read_property(out, read);
    bacnet_put_inside(out, 3, value);
}
