/* SPDX-License-Identifier: Apache-2.0 */
/* What of the cursor is too long to be inline: variable-length numbers and the copies of the tests. */
#include "base/bytes.h"

#include "base/alloc.h"

struct bytes bytes_dup(const void *data, size_t size)
{
    uint8_t *copy = busbar_alloc(size);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return bytes_of(copy, size);
}

void bytes_fini(struct bytes *in)
{
    busbar_free((void *)(uintptr_t)in->start);
    *in = bytes_of(NULL, 0);
}

uint64_t bytes_get_varint(struct bytes *in)
{
    uint64_t value = 0;
    const uint8_t *at = in->at;
    for (unsigned shift = 0; shift < 70 && at < in->end && !in->failed; shift += 7) {
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            in->at = at;
            return value;
        }
    }
    bytes_fail(in);
    return 0;
}

void bytes_put_varint(struct bytes_out *out, uint64_t value)
{
    while (value >= 0x80) {
        bytes_put_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    bytes_put_u8(out, (uint8_t)value);
}

size_t bytes_varint_size(uint64_t value)
{
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}
