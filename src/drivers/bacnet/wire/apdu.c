/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/wire/apdu.h"

#include "base/err.h"

enum {
    TYPE_SHIFT = 4,
    FLAG_SEGMENTED = 0x08,
    FLAG_MORE = 0x04,
    FLAG_ACCEPTED = 0x02,
    FLAG_NEGATIVE = 0x02,
    FLAG_SERVER = 0x01,
    SEGMENTS_SHIFT = 4,
    SEGMENTS_MASK = 0x07,
    APDU_MASK = 0x0f,
    SEGMENTS_UNLIMITED = 7,
    WINDOW_MAX = 127,
};

static const uint16_t apdu_sizes[] = { 50, 128, 206, 480, 1024, 1476 };
enum { APDU_SIZES = sizeof(apdu_sizes) / sizeof(apdu_sizes[0]) };

static const char *const names[] = {
    "confirmed request",
    "unconfirmed request",
    "simple ack",
    "complex ack",
    "segment ack",
    "error",
    "reject",
    "abort",
};

/* Sequence number and window of a segment, when it is one. */
static void get_segment(struct bytes *in, uint8_t first, struct bacnet_apdu *apdu)
{
    apdu->segmented = (first & FLAG_SEGMENTED) != 0;
    apdu->more = (first & FLAG_MORE) != 0;
    if (apdu->segmented) {
        apdu->sequence = bytes_get_u8(in);
        apdu->window = bytes_get_u8(in);
    }
}

static void get_confirmed(struct bytes *in, uint8_t first, struct bacnet_apdu *apdu)
{
    apdu->segments_accepted = (first & FLAG_ACCEPTED) != 0;
    uint8_t limits = bytes_get_u8(in);
    apdu->max_segments_code = limits >> SEGMENTS_SHIFT & SEGMENTS_MASK;
    apdu->max_apdu_code = limits & APDU_MASK;
    apdu->invoke = bytes_get_u8(in);
    get_segment(in, first, apdu);
    apdu->service = bytes_get_u8(in);
}

static void get_fields(struct bytes *in, uint8_t first, struct bacnet_apdu *apdu)
{
    switch (apdu->type) {
    case BACNET_PDU_CONFIRMED: get_confirmed(in, first, apdu); break;
    case BACNET_PDU_UNCONFIRMED: apdu->service = bytes_get_u8(in); break;
    case BACNET_PDU_SIMPLE_ACK:
    case BACNET_PDU_ERROR:
        apdu->invoke = bytes_get_u8(in);
        apdu->service = bytes_get_u8(in);
        break;
    case BACNET_PDU_COMPLEX_ACK:
        apdu->invoke = bytes_get_u8(in);
        get_segment(in, first, apdu);
        apdu->service = bytes_get_u8(in);
        break;
    case BACNET_PDU_SEGMENT_ACK:
        apdu->negative = (first & FLAG_NEGATIVE) != 0;
        apdu->server = (first & FLAG_SERVER) != 0;
        apdu->invoke = bytes_get_u8(in);
        apdu->sequence = bytes_get_u8(in);
        apdu->window = bytes_get_u8(in);
        break;
    default: /* reject, abort */
        apdu->server = apdu->type == BACNET_PDU_ABORT && (first & FLAG_SERVER) != 0;
        apdu->invoke = bytes_get_u8(in);
        apdu->reason = bytes_get_u8(in);
        break;
    }
}

static bool has_data(uint8_t type)
{
    return type == BACNET_PDU_CONFIRMED || type == BACNET_PDU_UNCONFIRMED ||
           type == BACNET_PDU_COMPLEX_ACK || type == BACNET_PDU_ERROR;
}

int bacnet_get_apdu(struct bytes *in, struct bacnet_apdu *apdu)
{
    uint8_t first = bytes_get_u8(in);
    *apdu = (struct bacnet_apdu){ .type = first >> TYPE_SHIFT };
    if (apdu->type > BACNET_PDU_ABORT) {
        return BUSBAR_EPROTO;
    }
    get_fields(in, first, apdu);
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    bool windowed = apdu->segmented || apdu->type == BACNET_PDU_SEGMENT_ACK;
    if (windowed && (apdu->window == 0 || apdu->window > WINDOW_MAX)) {
        return BUSBAR_EPROTO;
    }
    if ((apdu->more && !apdu->segmented) || (!has_data(apdu->type) && bytes_left(in) > 0)) {
        return BUSBAR_EPROTO;
    }
    apdu->data = bytes_get_bytes(in, bytes_left(in));
    return 0;
}

static void put_segment(struct bytes_out *out, const struct bacnet_apdu *apdu)
{
    if (apdu->segmented) {
        bytes_put_u8(out, apdu->sequence);
        bytes_put_u8(out, apdu->window);
    }
}

static unsigned flags_of(const struct bacnet_apdu *apdu)
{
    switch (apdu->type) {
    case BACNET_PDU_CONFIRMED:
        return (apdu->segmented ? FLAG_SEGMENTED : 0u) | (apdu->more ? FLAG_MORE : 0u) |
               (apdu->segments_accepted ? FLAG_ACCEPTED : 0u);
    case BACNET_PDU_COMPLEX_ACK:
        return (apdu->segmented ? FLAG_SEGMENTED : 0u) | (apdu->more ? FLAG_MORE : 0u);
    case BACNET_PDU_SEGMENT_ACK:
        return (apdu->negative ? FLAG_NEGATIVE : 0u) | (apdu->server ? FLAG_SERVER : 0u);
    case BACNET_PDU_ABORT: return apdu->server ? FLAG_SERVER : 0u;
    default: return 0;
    }
}

void bacnet_put_apdu(struct bytes_out *out, const struct bacnet_apdu *apdu)
{
    assert(apdu->type <= BACNET_PDU_ABORT);
    assert(apdu->max_segments_code <= SEGMENTS_MASK && apdu->max_apdu_code <= APDU_MASK);
    bytes_put_u8(out, (uint8_t)((unsigned)apdu->type << TYPE_SHIFT | flags_of(apdu)));
    if (apdu->type == BACNET_PDU_CONFIRMED) {
        unsigned segments = (unsigned)apdu->max_segments_code << SEGMENTS_SHIFT;
        bytes_put_u8(out, (uint8_t)(segments | apdu->max_apdu_code));
    }
    if (apdu->type != BACNET_PDU_UNCONFIRMED) {
        bytes_put_u8(out, apdu->invoke);
    }
    switch (apdu->type) {
    case BACNET_PDU_SEGMENT_ACK:
        bytes_put_u8(out, apdu->sequence);
        bytes_put_u8(out, apdu->window);
        break;
    case BACNET_PDU_REJECT:
    case BACNET_PDU_ABORT: bytes_put_u8(out, apdu->reason); break;
    default:
        put_segment(out, apdu);
        bytes_put_u8(out, apdu->service);
        break;
    }
    bytes_put_block(out, apdu->data.at, bytes_left(&apdu->data));
}

uint16_t bacnet_max_segments(uint8_t code)
{
    if (code == 0) {
        return 0;
    }
    return (uint16_t)(code >= SEGMENTS_UNLIMITED ? UINT16_MAX : 1u << code);
}

uint8_t bacnet_max_segments_code(uint16_t segments)
{
    if (segments > bacnet_max_segments(SEGMENTS_UNLIMITED - 1)) {
        return SEGMENTS_UNLIMITED;
    }
    uint8_t code = 0;
    while (code + 1 < SEGMENTS_UNLIMITED && bacnet_max_segments((uint8_t)(code + 1)) <= segments) {
        code++;
    }
    return code;
}

uint16_t bacnet_max_apdu(uint8_t code)
{
    return code < APDU_SIZES ? apdu_sizes[code] : apdu_sizes[0];
}

uint8_t bacnet_max_apdu_code(uint16_t size)
{
    uint8_t code = 0;
    while (code + 1 < APDU_SIZES && apdu_sizes[code + 1] <= size) {
        code++;
    }
    return code;
}

const char *bacnet_pdu_name(uint8_t type)
{
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}
