/* SPDX-License-Identifier: Apache-2.0 */
/* From a value back to its bytes: does this answer to this request hold the registers of a point? */
#include "base/str.h"
#include "drivers/modbus/modbus_codec.h"
#include "drivers/modbus/modbus_device.h"
#include "drivers/modbus/modbus_value.h"

enum { HEX_MAX = 64 };

struct frame {
    uint16_t transaction; /* 0 on RTU, where answers follow their request */
    uint8_t unit;
    struct bytes pdu;
};

static bool open_frame(bool rtu, struct bytes in, struct frame *frame)
{
    struct modbus_header header;
    if (rtu) {
        frame->transaction = 0;
        return modbus_get_rtu(&in, &frame->unit, &frame->pdu) == 0;
    }
    if (modbus_get_header(&in, &header) != 0) {
        return false;
    }
    *frame = (struct frame){ header.transaction, header.unit, in };
    return true;
}

static void print(const struct modbus_address *address, const struct modbus_ask *ask,
                  const uint8_t *data, uint8_t unit, struct buf *out)
{
    char hex[HEX_MAX];
    if (modbus_table_is_bits(address->table)) {
        unsigned bit = (unsigned)(address->start - ask->address);
        buf_printf(out, "bit %u", (unsigned)data[bit / 8] >> (bit % 8) & 1U);
    } else {
        str_hex(hex, sizeof(hex), data + 2 * (address->start - ask->address), 2U * address->count,
                ' ');
        buf_append_text(out, hex);
    }
    buf_printf(out, " in %s %u..%u, unit %u", modbus_table_word(address->table), ask->address,
               ask->address + ask->count - 1U, unit);
}

bool modbus_trace(bool rtu, uint8_t unit, const struct modbus_address *address, struct bytes sent,
                  struct bytes received, struct buf *out, struct sample *raw)
{
    struct frame asked, answered;
    struct modbus_ask ask;
    struct modbus_reply reply;
    if (!open_frame(rtu, sent, &asked) || !open_frame(rtu, received, &answered) ||
        asked.transaction != answered.transaction || asked.unit != unit || answered.unit != unit ||
        modbus_get_ask(&asked.pdu, &ask) != 0 ||
        ask.function != modbus_table_function(address->table) || address->start < ask.address ||
        address->start + address->count > ask.address + ask.count ||
        modbus_get_reply(&answered.pdu, &ask, &reply) != 0 || reply.exception != 0) {
        return false;
    }
    *raw = (struct sample){ 0 };
    size_t at = (size_t)(address->start - ask.address);
    if (modbus_table_is_bits(address->table)) {
        modbus_value_bits(reply.data, at, 1, raw);
    } else if (address->type != MODBUS_STRING) {
        modbus_value_run(address, reply.data + 2 * at, 1, raw);
    }
    print(address, &ask, reply.data, unit, out);
    return true;
}
