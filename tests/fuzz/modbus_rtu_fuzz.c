/* SPDX-License-Identifier: Apache-2.0 */
/* Modbus RTU: the size told from a beginning never lies, frames round trip. The checksum is put right, so that the
 * fuzzer gets past it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "drivers/modbus/modbus_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sizes(const uint8_t *data, size_t size, size_t (*size_of)(struct bytes in))
{
    size_t told = 0;
    for (size_t part = 0; part <= size; part++) {
        struct bytes in = bytes_dup(data, part);
        size_t now = size_of(in);
        assert(now == 0 || now == SIZE_MAX || (now >= 4 && now <= MODBUS_RTU_MAX));
        assert(told == 0 || now == told); /* once told, it stays */
        told = now;
        bytes_fini(&in);
    }
}

static void frame_of(const uint8_t *data, size_t size)
{
    uint8_t memory[MODBUS_RTU_MAX];
    struct bytes_out out = bytes_out_of(memory, sizeof(memory));
    bytes_put_block(&out, data, size);
    modbus_put_crc(&out, 0);
    struct bytes in = bytes_dup(memory, bytes_out_size(&out));
    struct bytes whole = in;
    struct bytes pdu;
    struct modbus_ask ask;
    uint8_t unit;
    if (modbus_get_rtu(&in, &unit, &pdu) == 0 && modbus_get_ask(&pdu, &ask) == 0) {
        uint8_t again[MODBUS_RTU_MAX];
        out = bytes_out_of(again, sizeof(again));
        bytes_put_u8(&out, unit);
        modbus_put_ask(&out, &ask);
        modbus_put_crc(&out, 0);
        assert(bytes_out_size(&out) == bytes_left(&whole));
        assert(memcmp(again, whole.at, bytes_left(&whole)) == 0);
        assert(modbus_rtu_ask_size(whole) == bytes_left(&whole));
    }
    bytes_fini(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > MODBUS_RTU_MAX) {
        return 0;
    }
    sizes(data, size, modbus_rtu_reply_size);
    sizes(data, size, modbus_rtu_ask_size);
    if (size >= 1 && size <= MODBUS_RTU_MAX - 2) {
        frame_of(data, size);
    }
    return 0;
}
