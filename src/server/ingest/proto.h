/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format of protocol buffers, as far as Prometheus' messages need it, on the bounded
 * cursor: a field is a varint `number << 3 | kind`, then its value. */
#ifndef BUSBAR_SERVER_INGEST_PROTO_H
#define BUSBAR_SERVER_INGEST_PROTO_H

#include "base/bytes.h"

enum { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

#define PROTO_TAG(number, kind) ((uint64_t)(number) << 3 | (kind))

static inline uint64_t proto_varint(struct bytes *in)
{
    if (!in->failed && in->at < in->end && *in->at < 0x80) {
        return *in->at++;
    }
    return bytes_get_varint(in);
}

/* A cursor over a message, text or bytes. */
static inline struct bytes proto_bytes(struct bytes *in)
{
    uint64_t size = proto_varint(in);
    if (size > bytes_left(in)) {
        bytes_fail(in);
        size = 0;
    }
    return bytes_get_bytes(in, (size_t)size);
}

/* Steps over the value of a field that is not known; a kind that does not exist fails. */
static inline void proto_skip(struct bytes *in, uint64_t tag)
{
    switch (tag & 7) {
    case PROTO_VARINT: (void)proto_varint(in); break;
    case PROTO_FIXED64: bytes_skip(in, 8); break;
    case PROTO_BYTES: (void)proto_bytes(in); break;
    case PROTO_FIXED32: bytes_skip(in, 4); break;
    default: bytes_fail(in);
    }
}

#endif
