/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/wire.h"

#include "base/err.h"

enum { KIND_GROUP_END = 4, NUMBER_MAX = (1 << 29) - 1 };

/* Most are of one byte. */
static inline uint64_t get_varint(struct bytes *in)
{
    if (in->at < in->end && *in->at < 0x80 && !in->failed) {
        return *in->at++;
    }
    return bytes_get_varint(in);
}

/* Head and value of a field, groups only by their heads. */
static int get_field(struct bytes *in, struct payload_wire *field)
{
    uint64_t head = get_varint(in);
    field->kind = head & 7;
    field->number = (uint32_t)(head >> 3);
    if (bytes_short(in) || head >> 3 == 0 || head >> 3 > NUMBER_MAX) {
        return BUSBAR_EPROTO;
    }
    switch (field->kind) {
    case WIRE_VARINT: field->value = get_varint(in); break;
    case WIRE_FIXED64: field->value = bytes_get_u64le(in); break;
    case WIRE_FIXED32: field->value = bytes_get_u32le(in); break;
    case WIRE_BYTES: field->data = bytes_get_bytes(in, get_varint(in)); break;
    case WIRE_GROUP:
    case KIND_GROUP_END: break;
    default: return BUSBAR_EPROTO;
    }
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

static int skip_group(struct bytes *in, uint32_t number)
{
    uint32_t open[WIRE_GROUPS_MAX] = { number };
    int depth = 1;
    while (depth > 0) {
        struct payload_wire field = { 0 };
        int error = get_field(in, &field);
        if (error != 0) {
            return error;
        }
        if (field.kind == KIND_GROUP_END) {
            if (field.number != open[--depth]) {
                return BUSBAR_EPROTO;
            }
        } else if (field.kind == WIRE_GROUP) {
            if (depth == WIRE_GROUPS_MAX) {
                return BUSBAR_EPROTO;
            }
            open[depth++] = field.number;
        }
    }
    return 0;
}

int payload_wire_next(struct bytes *in, struct payload_wire *field)
{
    if (bytes_left(in) == 0) {
        return 0;
    }
    struct bytes before = *in;
    int error = get_field(in, field);
    if (error == 0 && field->kind == KIND_GROUP_END) {
        error = BUSBAR_EPROTO;
    }
    if (error == 0 && field->kind == WIRE_GROUP) {
        error = skip_group(in, field->number);
    }
    if (error != 0) {
        *in = before;
        return error;
    }
    return 1;
}

static void put_raw(struct buf *out, uint64_t value)
{
    uint8_t room[BYTES_VARINT_MAX];
    struct bytes_out to = bytes_out_of(room, sizeof(room));
    bytes_put_varint(&to, value);
    (void)buf_append(out, room, bytes_out_size(&to));
}

void payload_wire_put_varint(struct buf *out, uint32_t number, uint64_t value)
{
    put_raw(out, (uint64_t)number << 3 | WIRE_VARINT);
    put_raw(out, value);
}

void payload_wire_put_float(struct buf *out, uint32_t number, float value)
{
    uint8_t room[4];
    uint32_t bits;
    struct bytes_out to = bytes_out_of(room, sizeof(room));
    memcpy(&bits, &value, sizeof(bits));
    bytes_put_u32le(&to, bits);
    put_raw(out, (uint64_t)number << 3 | WIRE_FIXED32);
    (void)buf_append(out, room, sizeof(room));
}

void payload_wire_put_double(struct buf *out, uint32_t number, double value)
{
    uint8_t room[8];
    struct bytes_out to = bytes_out_of(room, sizeof(room));
    bytes_put_f64le(&to, value);
    put_raw(out, (uint64_t)number << 3 | WIRE_FIXED64);
    (void)buf_append(out, room, sizeof(room));
}

void payload_wire_put_bytes(struct buf *out, uint32_t number, const void *data, size_t size)
{
    put_raw(out, (uint64_t)number << 3 | WIRE_BYTES);
    put_raw(out, size);
    (void)buf_append(out, data, size);
}
