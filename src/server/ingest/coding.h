/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Encoding of what is sent to us, undone with a limit on what comes out: a few bytes can
 * stand for gigabytes. */
#ifndef BUSBAR_SERVER_INGEST_CODING_H
#define BUSBAR_SERVER_INGEST_CODING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { INGEST_PLAIN_MAX = 64 << 20 }; /* bytes of a body after decompression */

enum ingest_coding {
    INGEST_IDENTITY,
    INGEST_GZIP,   /* members one after the other, or zlib ("deflate") */
    INGEST_ZSTD,   /* frames one after the other */
    INGEST_SNAPPY, /* the block format, as remote write uses it */
};

/* The header's word; NULL and "" are identity. False: none of ours. */
bool ingest_coding_find(const char *word, enum ingest_coding *coding);

/* Appends what the bytes stand for; out's ceiling is the limit. BUSBAR_EPROTO (no such data, or cut off),
 * BUSBAR_ELIMIT, BUSBAR_ENOMEM. Not for INGEST_IDENTITY. */
int ingest_decode(enum ingest_coding coding, const void *data, size_t size, struct buf *out,
                  struct err *err);

/* snappy block. BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int ingest_snappy(const void *data, size_t size, struct buf *out);

#endif
