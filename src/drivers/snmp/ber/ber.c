/* SPDX-License-Identifier: Apache-2.0 */
/* BER: tag, length, content (X.690, 8.1). A length up to 127 is one octet; a longer one is 0x80 + the count of the
 * octets that hold it. */
#include "drivers/snmp/ber/ber.h"

#include <string.h>

enum {
    LENGTH_BYTES_MAX = 4,
    INT_BYTES_MAX = 8,
    SIGN = 0x80,
};

/* The octets behind 0x80 + count. */
static size_t get_long_length(struct bytes *in, uint8_t count)
{
    size_t length = 0;
    if (count == 0 || count > LENGTH_BYTES_MAX) { /* 0: indefinite */
        bytes_fail(in);
    }
    for (uint8_t i = 0; i < count && !bytes_short(in); i++) {
        length = length << 8 | bytes_get_u8(in);
    }
    return length;
}

uint8_t ber_get_any(struct bytes *in, struct bytes *content)
{
    uint8_t tag = bytes_get_u8(in);
    size_t length = bytes_get_u8(in);
    if ((tag & BER_TAG_LONG) == BER_TAG_LONG) {
        bytes_fail(in);
    }
    if (length >= BER_LENGTH_LONG) {
        length = get_long_length(in, (uint8_t)(length & ~(size_t)BER_LENGTH_LONG));
    }
    *content = bytes_get_bytes(in, length);
    return bytes_short(in) ? 0 : tag;
}

struct bytes ber_get_of(struct bytes *in, uint8_t tag)
{
    struct bytes content;
    if (ber_get(in, &content) != tag) {
        bytes_fail(in);
        bytes_fail(&content);
        content.at = content.end;
    }
    return content;
}

int32_t ber_get_i32(struct bytes *in)
{
    int64_t value;
    struct bytes content = ber_get_of(in, BER_INTEGER);
    if (!ber_int(content, &value) || value < INT32_MIN || value > INT32_MAX) {
        bytes_fail(in);
        return 0;
    }
    return (int32_t)value;
}

struct bytes ber_get_octets(struct bytes *in)
{
    return ber_get_of(in, BER_OCTETS);
}

struct snmp_oid ber_get_oid(struct bytes *in)
{
    struct bytes content = ber_get_of(in, BER_OID);
    size_t size = bytes_left(&content);
    if (bytes_short(in) || !snmp_oid_good(content.at, size)) {
        bytes_fail(in);
        return (struct snmp_oid){ 0 };
    }
    return (struct snmp_oid){ .bytes = content.at, .size = (uint16_t)size };
}

bool ber_int(struct bytes content, int64_t *out)
{
    size_t size = bytes_left(&content);
    *out = 0;
    if (size == 0 || size > INT_BYTES_MAX) {
        return false;
    }
    uint64_t value = (content.at[0] & SIGN) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | content.at[i];
    }
    *out = (int64_t)value;
    return true;
}

bool ber_uint(struct bytes content, uint64_t *out)
{
    int64_t value;
    size_t size = bytes_left(&content);
    if (size == INT_BYTES_MAX + 1 && content.at[0] == 0) {
        bytes_skip(&content, 1);
        *out = bytes_get_u64(&content);
        return true;
    }
    bool good = ber_int(content, &value);
    bool short_negative = value < 0 && size <= sizeof(uint32_t);
    *out = short_negative ? (uint32_t)value : (uint64_t)value;
    return good;
}

struct ber_out ber_out_of(void *room, size_t size)
{
    uint8_t *start = room;
    uint8_t *end = size > 0 ? start + size : start;
    return (struct ber_out){ .start = start, .at = end, .end = end };
}

/* Room for `size` octets before what is written, or NULL. */
static uint8_t *space(struct ber_out *out, size_t size)
{
    if (out->failed || (size_t)(out->at - out->start) < size) {
        out->failed = true;
        return NULL;
    }
    out->at = size > 0 ? out->at - size : out->at;
    return out->at;
}

static void put_u8(struct ber_out *out, uint8_t value)
{
    uint8_t *at = space(out, 1);
    if (at != NULL) {
        *at = value;
    }
}

static void put_length(struct ber_out *out, size_t length)
{
    if (length < BER_LENGTH_LONG) {
        put_u8(out, (uint8_t)length);
        return;
    }
    uint8_t count = 0;
    for (; length > 0; length >>= 8) {
        put_u8(out, (uint8_t)length);
        count++;
    }
    put_u8(out, (uint8_t)(BER_LENGTH_LONG | count));
}

void ber_put_head(struct ber_out *out, uint8_t tag, const uint8_t *mark)
{
    put_length(out, (size_t)(mark - out->at));
    put_u8(out, tag);
}

void ber_put_raw(struct ber_out *out, const void *data, size_t size)
{
    uint8_t *at = space(out, size);
    if (at != NULL && size > 0) {
        memcpy(at, data, size);
    }
}

void ber_put_i64(struct ber_out *out, uint8_t tag, int64_t value)
{
    const uint8_t *mark = ber_mark(out);
    for (; value < INT8_MIN || value > INT8_MAX; value >>= 8) {
        put_u8(out, (uint8_t)value);
    }
    put_u8(out, (uint8_t)value);
    ber_put_head(out, tag, mark);
}

void ber_put_u64(struct ber_out *out, uint8_t tag, uint64_t value)
{
    const uint8_t *mark = ber_mark(out);
    for (; value >= SIGN; value >>= 8) {
        put_u8(out, (uint8_t)value);
    }
    put_u8(out, (uint8_t)value);
    ber_put_head(out, tag, mark);
}

void ber_put_octets(struct ber_out *out, uint8_t tag, const void *data, size_t size)
{
    ber_put_raw(out, data, size);
    put_length(out, size);
    put_u8(out, tag);
}

void ber_put_oid(struct ber_out *out, struct snmp_oid oid)
{
    ber_put_octets(out, BER_OID, oid.bytes, oid.size);
}

void ber_put_empty(struct ber_out *out, uint8_t tag)
{
    ber_put_octets(out, tag, NULL, 0);
}
