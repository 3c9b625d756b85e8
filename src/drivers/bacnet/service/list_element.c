/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/service/list_element.h"

#include "drivers/bacnet/service/whole.h"

int bacnet_get_list_element(struct bytes *in, struct bacnet_list_element *ask)
{
    uint64_t index = BACNET_INDEX_ALL;
    ask->object = bacnet_get_object(in, 0);
    ask->property = bacnet_get_enumerated(in, 1);
    (void)bacnet_try_unsigned(in, 2, BACNET_INDEX_ALL - 1, &index);
    ask->index = (uint32_t)index;
    ask->elements = bacnet_get_inside(in, 3);
    return bacnet_whole(in);
}

void bacnet_put_list_element(struct bytes_out *out, const struct bacnet_list_element *ask)
{
    bacnet_put_object(out, 0, ask->object);
    bacnet_put_enumerated(out, 1, ask->property);
    if (ask->index != BACNET_INDEX_ALL) {
        bacnet_put_unsigned(out, 2, ask->index);
    }
    bacnet_put_open(out, 3);
    bytes_put_block(out, ask->elements.at, bytes_left(&ask->elements));
    bacnet_put_close(out, 3);
}

static void get_recipient(struct bytes *in, struct bacnet_destination *destination)
{
    destination->by_address = bacnet_next_opens(in, 1);
    if (!destination->by_address) {
        struct bacnet_object device = bacnet_get_object(in, 0);
        destination->device = device.instance;
        if (device.type != BACNET_DEVICE) {
            bytes_fail(in);
        }
        return;
    }
    bacnet_get_open(in, 1);
    destination->network = (uint16_t)bacnet_get_unsigned(in, BACNET_APPLICATION, UINT16_MAX);
    struct bytes mac = bacnet_get_octets(in, BACNET_APPLICATION);
    bacnet_get_close(in, 1);
    if (bytes_left(&mac) > sizeof(destination->mac)) {
        bytes_fail(in);
        return;
    }
    destination->mac_size = (uint8_t)bytes_left(&mac);
    bytes_get_copy(&mac, destination->mac, destination->mac_size);
}

static uint8_t get_bits(struct bytes *in, unsigned want)
{
    unsigned count;
    uint32_t bits = bacnet_get_bits(in, BACNET_APPLICATION, &count);
    if (count != want) {
        bytes_fail(in);
    }
    return (uint8_t)bits;
}

int bacnet_get_destination(struct bytes *in, struct bacnet_destination *destination)
{
    *destination = (struct bacnet_destination){ .days = get_bits(in, BACNET_DAYS) };
    destination->from = bacnet_get_time(in, BACNET_APPLICATION);
    destination->to = bacnet_get_time(in, BACNET_APPLICATION);
    get_recipient(in, destination);
    destination->process = (uint32_t)bacnet_get_unsigned(in, BACNET_APPLICATION, UINT32_MAX);
    destination->confirmed = bacnet_get_boolean(in, BACNET_APPLICATION);
    destination->transitions = get_bits(in, BACNET_TRANSITIONS);
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

void bacnet_put_destination(struct bytes_out *out, const struct bacnet_destination *destination)
{
    bacnet_put_bits(out, BACNET_APPLICATION, destination->days, BACNET_DAYS);
    bacnet_put_time(out, BACNET_APPLICATION, &destination->from);
    bacnet_put_time(out, BACNET_APPLICATION, &destination->to);
    if (destination->by_address) {
        bacnet_put_open(out, 1);
        bacnet_put_unsigned(out, BACNET_APPLICATION, destination->network);
        bacnet_put_octets(out, BACNET_APPLICATION, destination->mac, destination->mac_size);
        bacnet_put_close(out, 1);
    } else {
        struct bacnet_object device = { .type = BACNET_DEVICE, .instance = destination->device };
        bacnet_put_object(out, 0, device);
    }
    bacnet_put_unsigned(out, BACNET_APPLICATION, destination->process);
    bacnet_put_boolean(out, BACNET_APPLICATION, destination->confirmed);
    bacnet_put_bits(out, BACNET_APPLICATION, destination->transitions, BACNET_TRANSITIONS);
}
