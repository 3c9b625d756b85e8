/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/acknowledge_alarm.h"

#include "drivers/bacnet/service/whole.h"

static struct bacnet_stamp get_stamp_in(struct bytes *in, unsigned tag)
{
    bacnet_get_open(in, tag);
    struct bacnet_stamp stamp = bacnet_get_stamp(in);
    bacnet_get_close(in, tag);
    return stamp;
}

static void put_stamp_in(struct bytes_out *out, unsigned tag, const struct bacnet_stamp *stamp)
{
    bacnet_put_open(out, tag);
    bacnet_put_stamp(out, stamp);
    bacnet_put_close(out, tag);
}

int bacnet_get_acknowledge_alarm(struct bytes *in, struct bacnet_acknowledge_alarm *ack)
{
    ack->process = (uint32_t)bacnet_get_unsigned(in, 0, UINT32_MAX);
    ack->object = bacnet_get_object(in, 1);
    ack->state = bacnet_get_enumerated(in, 2);
    ack->event = get_stamp_in(in, 3);
    ack->who = bacnet_get_characters(in, 4);
    ack->now = get_stamp_in(in, 5);
    return bacnet_whole(in);
}

void bacnet_put_acknowledge_alarm(struct bytes_out *out, const struct bacnet_acknowledge_alarm *ack)
{
    bacnet_put_unsigned(out, 0, ack->process);
    bacnet_put_object(out, 1, ack->object);
    bacnet_put_enumerated(out, 2, ack->state);
    put_stamp_in(out, 3, &ack->event);
    bacnet_put_value(out, 4, &ack->who);
    put_stamp_in(out, 5, &ack->now);
}
