/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/wire/npdu.h"

#include "base/err.h"

enum {
    CONTROL_MESSAGE = 0x80,
    CONTROL_TO = 0x20,
    CONTROL_FROM = 0x08,
    CONTROL_EXPECTING_REPLY = 0x04,
    CONTROL_PRIORITY = 0x03,
    MESSAGE_PROPRIETARY = 0x80,
};

/* Network number, length and address. */
static int get_mac(struct bytes *in, struct bacnet_mac *mac)
{
    mac->network = bytes_get_u16(in);
    uint8_t size = bytes_get_u8(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    if (size > BACNET_MAC_MAX || mac->network == 0) {
        return BUSBAR_EPROTO;
    }
    mac->size = size;
    bytes_get_copy(in, mac->mac, size);
    return bytes_short(in) ? BUSBAR_ESHORT : 0;
}

static int get_addresses(struct bytes *in, uint8_t control, struct bacnet_npdu *npdu)
{
    npdu->has_to = (control & CONTROL_TO) != 0;
    npdu->has_from = (control & CONTROL_FROM) != 0;
    int error = npdu->has_to ? get_mac(in, &npdu->to) : 0;
    if (error == 0 && npdu->has_from) {
        error = get_mac(in, &npdu->from);
        bool broadcast = npdu->from.network == BACNET_NETWORK_ALL || npdu->from.size == 0;
        error = error == 0 && broadcast ? BUSBAR_EPROTO : error;
    }
    if (error == 0 && npdu->has_to) {
        npdu->hops = bytes_get_u8(in);
    }
    return error;
}

int bacnet_get_npdu(struct bytes *in, struct bacnet_npdu *npdu)
{
    *npdu = (struct bacnet_npdu){ 0 };
    uint8_t version = bytes_get_u8(in);
    uint8_t control = bytes_get_u8(in);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    if (version != BACNET_NPDU_VERSION) {
        return BUSBAR_EPROTO;
    }
    npdu->expecting_reply = (control & CONTROL_EXPECTING_REPLY) != 0;
    npdu->priority = control & CONTROL_PRIORITY;
    npdu->is_message = (control & CONTROL_MESSAGE) != 0;
    int error = get_addresses(in, control, npdu);
    if (error != 0) {
        return error;
    }
    if (npdu->is_message) {
        npdu->message = bytes_get_u8(in);
        npdu->vendor = npdu->message >= MESSAGE_PROPRIETARY ? bytes_get_u16(in) : 0;
    }
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    npdu->data = bytes_get_bytes(in, bytes_left(in));
    return 0;
}

static void put_mac(struct bytes_out *out, const struct bacnet_mac *mac)
{
    assert(mac->network != 0 && mac->size <= BACNET_MAC_MAX);
    bytes_put_u16(out, mac->network);
    bytes_put_u8(out, mac->size);
    bytes_put_block(out, mac->mac, mac->size);
}

void bacnet_put_npdu(struct bytes_out *out, const struct bacnet_npdu *npdu)
{
    unsigned control = npdu->priority & CONTROL_PRIORITY;
    control |= npdu->is_message ? CONTROL_MESSAGE : 0u;
    control |= npdu->has_to ? CONTROL_TO : 0u;
    control |= npdu->has_from ? CONTROL_FROM : 0u;
    control |= npdu->expecting_reply ? CONTROL_EXPECTING_REPLY : 0u;
    bytes_put_u8(out, BACNET_NPDU_VERSION);
    bytes_put_u8(out, (uint8_t)control);
    if (npdu->has_to) {
        put_mac(out, &npdu->to);
    }
    if (npdu->has_from) {
        assert(npdu->from.size > 0 && npdu->from.network != BACNET_NETWORK_ALL);
        put_mac(out, &npdu->from);
    }
    if (npdu->has_to) {
        bytes_put_u8(out, npdu->hops);
    }
    if (npdu->is_message) {
        bytes_put_u8(out, npdu->message);
        if (npdu->message >= MESSAGE_PROPRIETARY) {
            bytes_put_u16(out, npdu->vendor);
        }
    }
    bytes_put_block(out, npdu->data.at, bytes_left(&npdu->data));
}

bool bacnet_mac_equal(const struct bacnet_mac *a, const struct bacnet_mac *b)
{
    return a->network == b->network && a->size == b->size && memcmp(a->mac, b->mac, a->size) == 0;
}
