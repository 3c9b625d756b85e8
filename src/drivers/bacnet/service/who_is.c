/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/who_is.h"

#include "drivers/bacnet/service/whole.h"
#include "drivers/bacnet/wire/numbers.h"

int bacnet_get_who_is(struct bytes *in, struct bacnet_who_is *who)
{
    *who = (struct bacnet_who_is){ .low = 0, .high = BACNET_INSTANCE_MAX };
    if (!bytes_short(in) && bytes_left(in) == 0) {
        return 0;
    }
    who->low = (uint32_t)bacnet_get_unsigned(in, 0, BACNET_INSTANCE_MAX);
    who->high = (uint32_t)bacnet_get_unsigned(in, 1, BACNET_INSTANCE_MAX);
    return bacnet_whole(in);
}

void bacnet_put_who_is(struct bytes_out *out, const struct bacnet_who_is *who)
{
    assert(who->low <= who->high && who->high <= BACNET_INSTANCE_MAX);
    if (who->low == 0 && who->high == BACNET_INSTANCE_MAX) {
        return;
    }
    bacnet_put_unsigned(out, 0, who->low);
    bacnet_put_unsigned(out, 1, who->high);
}

bool bacnet_who_is_asks(const struct bacnet_who_is *who, uint32_t instance)
{
    return instance >= who->low && instance <= who->high;
}

int bacnet_get_i_am(struct bytes *in, struct bacnet_i_am *i_am)
{
    struct bacnet_object device = bacnet_get_object(in, BACNET_APPLICATION);
    i_am->instance = device.instance;
    i_am->max_apdu = (uint16_t)bacnet_get_unsigned(in, BACNET_APPLICATION, UINT16_MAX);
    uint32_t segmentation = bacnet_get_enumerated(in, BACNET_APPLICATION);
    i_am->segmentation = (uint8_t)segmentation;
    i_am->vendor = (uint16_t)bacnet_get_unsigned(in, BACNET_APPLICATION, UINT16_MAX);
    if (device.type != BACNET_DEVICE || device.instance >= BACNET_INSTANCE_MAX ||
        segmentation > BACNET_SEGMENTED_NONE) {
        return BUSBAR_EPROTO;
    }
    return bacnet_whole(in);
}

void bacnet_put_i_am(struct bytes_out *out, const struct bacnet_i_am *i_am)
{
    struct bacnet_object device = { .type = BACNET_DEVICE, .instance = i_am->instance };
    bacnet_put_object(out, BACNET_APPLICATION, device);
    bacnet_put_unsigned(out, BACNET_APPLICATION, i_am->max_apdu);
    bacnet_put_enumerated(out, BACNET_APPLICATION, i_am->segmentation);
    bacnet_put_unsigned(out, BACNET_APPLICATION, i_am->vendor);
}
