/* SPDX-License-Identifier: Apache-2.0 */
/* Answers compressed with gzip (RFC 1952) at the fastest level: loopback and local networks gain little from more. */
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "server/core.h"
#include "server/server.h"

enum { LEVEL = 1, WINDOW_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

bool server_pack(struct buf *content)
{
    z_stream z = { 0 };
    struct buf out;
    if (content->overflow || content->size < SERVER_PACK_MIN ||
        deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
            Z_OK) {
        return false;
    }
    buf_init(&out, content->max);
    size_t room = content->size / 2; /* more is no gain */
    uint8_t *to = buf_reserve(&out, room);
    bool packed = false;
    if (to != NULL) {
        z.next_in = content->data;
        z.avail_in = (uInt)content->size;
        z.next_out = to;
        z.avail_out = (uInt)room;
        packed = deflate(&z, Z_FINISH) == Z_STREAM_END;
    }
    if (packed) {
        buf_commit(&out, room - z.avail_out);
        buf_fini(content);
        *content = out;
    } else {
        buf_fini(&out);
    }
    (void)deflateEnd(&z);
    return packed;
}
