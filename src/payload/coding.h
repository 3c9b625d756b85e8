/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Encoding of what is sent to us, undone with a limit on what comes out: a few bytes can
 * stand for gigabytes. */
#ifndef BUSBAR_PAYLOAD_CODING_H
#define BUSBAR_PAYLOAD_CODING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum payload_coding {
    PAYLOAD_IDENTITY,
    PAYLOAD_GZIP,    /* members one after the other, or zlib */
    PAYLOAD_DEFLATE, /* zlib, as the standard says, or without its head, as many send it */
    PAYLOAD_ZSTD,    /* frames one after the other */
    PAYLOAD_SNAPPY,  /* the block format, as remote write uses it */
};

/* The header's word; NULL and "" are identity. False: none of ours. */
bool payload_coding_find(const char *word, enum payload_coding *coding);

/* Appends what the bytes stand for; out's ceiling is the limit. BUSBAR_EPROTO (no such data, or cut off),
 * BUSBAR_ELIMIT, BUSBAR_ENOMEM. Not for PAYLOAD_IDENTITY. */
int payload_decode(enum payload_coding coding, const void *data, size_t size, struct buf *out,
                   struct err *err);

/* snappy block. BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int payload_snappy(const void *data, size_t size, struct buf *out);

#endif
