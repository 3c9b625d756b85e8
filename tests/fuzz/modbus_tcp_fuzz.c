/* SPDX-License-Identifier: Apache-2.0 */
/* Modbus TCP, both sides: what decodes must encode to the same bytes and decode to the same again; what answers a
 * question must have the size that was asked for. First byte: which question. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "drivers/modbus/modbus_codec.h"
#include "drivers/modbus/modbus_device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_side(struct bytes in)
{
    struct modbus_ask ask;
    struct bytes pdu = in;
    if (modbus_get_ask(&in, &ask) != 0) {
        return;
    }
    uint8_t memory[MODBUS_PDU_MAX];
    struct bytes_out out = bytes_out_of(memory, sizeof(memory));
    modbus_put_ask(&out, &ask);
    assert(bytes_out_size(&out) == bytes_left(&pdu));
    assert(memcmp(memory, pdu.at, bytes_left(&pdu)) == 0);
}

static void reply_side(uint8_t choice, struct bytes in)
{
    static const uint8_t two[] = { 0xff, 0x00 };
    static const uint8_t codes[] = { 1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43 };
    struct modbus_ask ask = { .function = codes[choice % sizeof(codes)],
                              .address = 0x0a,
                              .count = 1,
                              .data = two,
                              .size = 2,
                              .id_code = 1 };
    struct modbus_reply reply;
    struct bytes pdu = in;
    if (modbus_read_bytes(&ask) > 0) {
        ask.count = (uint16_t)(1 + choice / sizeof(codes));
    }
    if (modbus_get_reply(&in, &ask, &reply) != 0) {
        return;
    }
    uint8_t memory[MODBUS_PDU_MAX];
    struct bytes_out out = bytes_out_of(memory, sizeof(memory));
    modbus_put_reply(&out, &reply);
    assert(bytes_out_size(&out) == bytes_left(&pdu));
    assert(memcmp(memory, pdu.at, bytes_left(&pdu)) == 0);
    assert(reply.exception != 0 || modbus_read_bytes(&ask) == 0 ||
           reply.size == modbus_read_bytes(&ask));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 + MODBUS_TCP_MAX) {
        return 0;
    }
    struct bytes frame = bytes_dup(data + 1, size - 1);
    struct bytes in = frame;
    struct buf words;
    struct modbus_header header;
    buf_init(&words, 8192);
    modbus_describe(false, data[0] & 1, frame.start, bytes_left(&frame), &words);
    buf_fini(&words);
    if (modbus_get_header(&in, &header) == 0) {
        struct bytes pdu = bytes_get_bytes(&in, header.length - 1u);
        if (!bytes_short(&pdu)) {
            ask_side(pdu);
            reply_side(data[0], pdu);
        }
    }
    bytes_fini(&frame);
    return 0;
}
