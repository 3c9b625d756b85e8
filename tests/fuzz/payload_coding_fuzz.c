/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bodies: the first byte says of which kind; what comes out is bounded, whatever goes in. */
#include "base/bytes.h"
#include "payload/coding.h"
#include "payload_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum payload_coding codings[] = { PAYLOAD_GZIP, PAYLOAD_ZSTD, PAYLOAD_SNAPPY,
                                                   PAYLOAD_DEFLATE };
    if (size == 0) {
        return 0;
    }
    struct bytes copy = bytes_dup(data + 1, size - 1);
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, 1 << 20);
    int error = payload_decode(codings[data[0] % 4], copy.start, size - 1, &out, &err);
    check(error == 0 || error == BUSBAR_EPROTO || error == BUSBAR_ELIMIT || error == BUSBAR_ENOMEM);
    check(error == 0 || err.message[0] != '\0');
    check(out.size <= 1 << 20);
    if (error == 0) { /* there and back */
        struct buf packed;
        struct buf again;
        buf_init(&packed, 4 << 20);
        buf_init(&again, 1 << 20);
        check(payload_snappy(buf_text(&out), out.size, &packed) == 0);
        check(payload_decode(PAYLOAD_SNAPPY, packed.data, packed.size, &again, &err) == 0);
        check(again.size == out.size &&
              (out.size == 0 || memcmp(again.data, out.data, out.size) == 0));
        buf_fini(&packed);
        buf_fini(&again);
    }
    buf_fini(&out);
    bytes_fini(&copy);
    return 0;
}
