/* SPDX-License-Identifier: Apache-2.0 */
/* One frame in one line for people: "read holding 100..124, unit 3, transaction 17". Frames of the ring may be
 * cut or broken; what cannot be read is said as far as it goes. */
#include "base/bytes.h"
#include "drivers/modbus/modbus_codec.h"
#include "drivers/modbus/modbus_device.h"

enum { WORDS_SHOWN = 8, EXCEPTION_BIT = 0x80 };

static const char *things(uint8_t function, unsigned count)
{
    bool bits = function == MODBUS_READ_COILS || function == MODBUS_READ_DISCRETE ||
                function == MODBUS_WRITE_COILS;
    if (bits) {
        return count == 1 ? "bit" : "bits";
    }
    return count == 1 ? "register" : "registers";
}

static void print_range(uint16_t address, uint16_t count, struct buf *out)
{
    if (count > 1) {
        buf_printf(out, " %u..%u", address, address + count - 1u);
    } else {
        buf_printf(out, " %u", address);
    }
}

static void print_registers(const uint8_t *data, size_t size, struct buf *out)
{
    struct bytes in = bytes_of(data, size);
    for (unsigned i = 0; i < WORDS_SHOWN && bytes_left(&in) >= 2; i++) {
        buf_printf(out, "%s%04x", i == 0 ? ": " : " ", bytes_get_u16(&in));
    }
    if (bytes_left(&in) > 0) {
        buf_append_text(out, " ...");
    }
}

static void describe_ask(struct bytes *in, struct buf *out)
{
    struct modbus_ask ask;
    int error = modbus_get_ask(in, &ask);
    const char *name = modbus_function_name(ask.function);
    if (error != 0) {
        buf_printf(out, "%s (cut)", name != NULL ? name : "a request");
        return;
    }
    buf_append_text(out, name);
    switch (ask.function) {
    case MODBUS_IDENTIFY: buf_printf(out, " from object %u", ask.id_object); break;
    case MODBUS_MASK_WRITE:
        buf_printf(out, " %u and %04x or %04x", ask.address, ask.and_mask, ask.or_mask);
        break;
    case MODBUS_WRITE_COIL:
        buf_printf(out, " %u %s", ask.address, ask.data[0] != 0 ? "on" : "off");
        break;
    default:
        print_range(ask.address, ask.count, out);
        if (ask.function == MODBUS_READ_WRITE) {
            buf_append_text(out, ", write");
            print_range(ask.write_address, ask.write_count, out);
        }
        if (ask.data != NULL) {
            print_registers(ask.data, ask.size, out);
        }
        break;
    }
}

static void describe_data(uint8_t function, struct bytes *in, struct buf *out)
{
    unsigned size = bytes_get_u8(in);
    bool bits = function == MODBUS_READ_COILS || function == MODBUS_READ_DISCRETE;
    unsigned count = bits ? size * 8 : size / 2;
    buf_printf(out, "%s%u %s", bits ? "up to " : "", count, things(function, count));
    size_t left = bytes_left(in) < size ? bytes_left(in) : size;
    const uint8_t *data = bytes_get_block(in, left);
    if (data != NULL) {
        print_registers(data, left, out);
    }
}

static void describe_reply(struct bytes *in, struct buf *out)
{
    uint8_t code = bytes_get_u8(in);
    uint8_t function = code & 0x7f;
    const char *name = modbus_function_name(function);
    if (bytes_short(in) || name == NULL) {
        buf_append_text(out, "no Modbus answer");
        return;
    }
    if ((code & EXCEPTION_BIT) != 0) {
        uint8_t exception = bytes_get_u8(in);
        const char *text = modbus_exception_text(exception);
        buf_printf(out, "exception %u %s to %s", exception, text != NULL ? text : "", name);
        return;
    }
    buf_printf(out, "%s: ", name);
    switch (function) {
    case MODBUS_READ_COILS:
    case MODBUS_READ_DISCRETE:
    case MODBUS_READ_HOLDING:
    case MODBUS_READ_INPUT:
    case MODBUS_READ_WRITE: describe_data(function, in, out); break;
    case MODBUS_IDENTIFY: buf_append_text(out, "objects"); break;
    case MODBUS_WRITE_COILS:
    case MODBUS_WRITE_REGISTERS: {
        uint16_t address = bytes_get_u16(in);
        uint16_t count = bytes_get_u16(in);
        buf_append_text(out, "done,");
        print_range(address, count, out);
        break;
    }
    default: buf_printf(out, "done, %u", bytes_get_u16(in)); break;
    }
}

void modbus_describe(bool rtu, bool sent, const void *data, size_t size, struct buf *out)
{
    struct bytes in = bytes_of(data, size);
    struct modbus_header header = { 0 };
    if (rtu) {
        header.unit = bytes_get_u8(&in);
        in.end = bytes_left(&in) >= 2 ? in.end - 2 : in.end;
    } else if (modbus_get_header(&in, &header) == BUSBAR_EPROTO) {
        buf_printf(out, "%zu bytes that are no Modbus TCP frame", size);
        return;
    }
    if (bytes_left(&in) == 0) {
        buf_printf(out, "%zu bytes, too few for a frame", size);
        return;
    }
    if (sent) {
        describe_ask(&in, out);
    } else {
        describe_reply(&in, out);
    }
    buf_printf(out, ", unit %u", header.unit);
    if (!rtu) {
        buf_printf(out, ", transaction %u", header.transaction);
    }
}
