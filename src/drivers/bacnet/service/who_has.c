/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/who_has.h"

#include "drivers/bacnet/service/whole.h"
#include "drivers/bacnet/wire/numbers.h"

int bacnet_get_who_has(struct bytes *in, struct bacnet_who_has *who)
{
    *who = (struct bacnet_who_has){ .low = 0, .high = BACNET_INSTANCE_MAX };
    if (bacnet_next_is(in, 0)) {
        who->low = (uint32_t)bacnet_get_unsigned(in, 0, BACNET_INSTANCE_MAX);
        who->high = (uint32_t)bacnet_get_unsigned(in, 1, BACNET_INSTANCE_MAX);
    }
    who->by_name = !bacnet_next_is(in, 2);
    if (who->by_name) {
        who->name = bacnet_get_characters(in, 3);
    } else {
        who->object = bacnet_get_object(in, 2);
    }
    return bacnet_whole(in);
}

void bacnet_put_who_has(struct bytes_out *out, const struct bacnet_who_has *who)
{
    assert(who->low <= BACNET_INSTANCE_MAX && who->high <= BACNET_INSTANCE_MAX);
    if (who->low != 0 || who->high != BACNET_INSTANCE_MAX) {
        bacnet_put_unsigned(out, 0, who->low);
        bacnet_put_unsigned(out, 1, who->high);
    }
    if (who->by_name) {
        bacnet_put_value(out, 3, &who->name);
    } else {
        bacnet_put_object(out, 2, who->object);
    }
}

int bacnet_get_i_have(struct bytes *in, struct bacnet_i_have *i_have)
{
    struct bacnet_object device = bacnet_get_object(in, BACNET_APPLICATION);
    i_have->instance = device.instance;
    i_have->object = bacnet_get_object(in, BACNET_APPLICATION);
    i_have->name = bacnet_get_characters(in, BACNET_APPLICATION);
    if (device.type != BACNET_DEVICE || device.instance >= BACNET_INSTANCE_MAX) {
        return BUSBAR_EPROTO;
    }
    return bacnet_whole(in);
}

void bacnet_put_i_have(struct bytes_out *out, const struct bacnet_i_have *i_have)
{
    struct bacnet_object device = { .type = BACNET_DEVICE, .instance = i_have->instance };
    bacnet_put_object(out, BACNET_APPLICATION, device);
    bacnet_put_object(out, BACNET_APPLICATION, i_have->object);
    bacnet_put_value(out, BACNET_APPLICATION, &i_have->name);
}
