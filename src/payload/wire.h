/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format of Protobuf: a row of fields, each a number, a kind and a value. Pure; shared by messages of a given
 * schema and by Sparkplug.
 *
 *   field = varint (number << 3 | kind) then: 0 varint | 1 eight bytes | 2 length, bytes | 3 ... 4 group | 5 four bytes */
#ifndef BUSBAR_PAYLOAD_WIRE_H
#define BUSBAR_PAYLOAD_WIRE_H

#include "base/buf.h"
#include "base/bytes.h"

enum payload_wire_kind {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_GROUP = 3, /* passed over, with all inside */
    WIRE_FIXED32 = 5,
};

enum { WIRE_GROUPS_MAX = 16 /* in each other */ };

struct payload_wire {
    uint32_t number;
    uint8_t kind;
    uint64_t value;    /* varint, fixed */
    struct bytes data; /* bytes */
};

/* 1: the next field; 0: there is none; BUSBAR_EPROTO: broken, `in` stands where. */
int payload_wire_next(struct bytes *in, struct payload_wire *field);

static inline int64_t payload_wire_zigzag(uint64_t value)
{
    return bytes_unzigzag(value);
}

static inline double payload_wire_float(uint64_t value)
{
    uint32_t bits = (uint32_t)value;
    float number;
    memcpy(&number, &bits, sizeof(number));
    return (double)number;
}

static inline double payload_wire_double(uint64_t value)
{
    double number;
    memcpy(&number, &value, sizeof(number));
    return number;
}

/* Writers; the buffer's overflow is sticky. */
void payload_wire_put_varint(struct buf *out, uint32_t number, uint64_t value);
void payload_wire_put_float(struct buf *out, uint32_t number, float value);
void payload_wire_put_double(struct buf *out, uint32_t number, double value);
void payload_wire_put_bytes(struct buf *out, uint32_t number, const void *data, size_t size);

#endif
