/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/coding.h"

#include <snappy-c.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

enum {
    PIECE = 256 * 1024,
    ANY_WINDOW = 15 + 32,     /* zlib: gzip or zlib, told by the first bytes */
    BARE_WINDOW = -15,        /* deflate without a head */
    ZSTD_WINDOW_LOG_MAX = 26, /* 64 MiB: no more than may come out */
};

bool payload_coding_find(const char *word, enum payload_coding *coding)
{
    static const struct {
        const char *word;
        enum payload_coding coding;
    } words[] = { { "", PAYLOAD_IDENTITY },       { "identity", PAYLOAD_IDENTITY },
                  { "gzip", PAYLOAD_GZIP },       { "x-gzip", PAYLOAD_GZIP },
                  { "deflate", PAYLOAD_DEFLATE }, { "zstd", PAYLOAD_ZSTD },
                  { "snappy", PAYLOAD_SNAPPY } };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(word != NULL ? word : "", words[i].word) == 0) {
            *coding = words[i].coding;
            return true;
        }
    }
    return false;
}

static int too_long(const struct buf *out, struct err *err)
{
    err_set(err, BUSBAR_ELIMIT, "the body is more than %zu MiB when decompressed", out->max >> 20);
    return err_hint(err, "send less at a time");
}

static int broken(const char *what, struct err *err)
{
    err_set(err, BUSBAR_EPROTO, "the body is no whole %s data", what);
    return err_hint(err, "does Content-Encoding say how it was compressed?");
}

/* Room for the next piece: what is left of the limit, and one byte more to see that it is passed. */
static uint8_t *room(struct buf *out, size_t *size)
{
    *size = out->max - out->size < PIECE ? out->max - out->size : PIECE;
    return *size > 0 ? buf_reserve(out, *size) : NULL;
}

/* RFC 1950, 2.2: method 8, and the sum of both bytes. */
static bool has_zlib_head(const uint8_t *data, size_t size)
{
    return size >= 2 && (data[0] & 0x0f) == 8 && (data[0] << 8 | data[1]) % 31 == 0;
}

static int inflate_all(enum payload_coding coding, const void *data, size_t size, struct buf *out,
                       struct err *err)
{
    bool bare = coding == PAYLOAD_DEFLATE && !has_zlib_head(data, size);
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size };
    if (size > UINT32_MAX || inflateInit2(&stream, bare ? BARE_WINDOW : ANY_WINDOW) != Z_OK) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    int result = Z_OK;
    int error = 0;
    while (error == 0 && (result != Z_STREAM_END || stream.avail_in > 0)) {
        size_t left;
        if (result == Z_STREAM_END) { /* another member */
            (void)inflateReset(&stream);
        }
        uint8_t *to = room(out, &left);
        if (to == NULL) {
            error = too_long(out, err);
            break;
        }
        stream.next_out = to;
        stream.avail_out = (uInt)left;
        result = inflate(&stream, Z_NO_FLUSH);
        buf_commit(out, left - stream.avail_out);
        if (result != Z_OK && result != Z_STREAM_END) {
            error = broken(coding == PAYLOAD_GZIP ? "gzip" : "deflate", err);
        } else if (result == Z_OK && stream.avail_in == 0 && stream.avail_out > 0) {
            error = broken(coding == PAYLOAD_GZIP ? "gzip" : "deflate", err);
        }
    }
    (void)inflateEnd(&stream);
    return error;
}

static int unzstd(const void *data, size_t size, struct buf *out, struct err *err)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = { .src = data, .size = size };
    size_t hint = size > 0 ? 1 : 0;
    int error = context == NULL ? err_set(err, BUSBAR_ENOMEM, "out of memory") : 0;
    if (error == 0) {
        (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    }
    while (error == 0 && (in.pos < in.size || hint > 0)) {
        size_t left;
        uint8_t *to = room(out, &left);
        if (to == NULL) {
            error = too_long(out, err);
            break;
        }
        ZSTD_outBuffer piece = { .dst = to, .size = left };
        size_t before = in.pos;
        hint = ZSTD_decompressStream(context, &piece, &in);
        buf_commit(out, piece.pos);
        if (ZSTD_isError(hint) || (hint > 0 && in.pos == before && piece.pos == 0)) {
            error = broken("zstd", err);
        }
    }
    ZSTD_freeDCtx(context);
    return error;
}

static int unsnappy(const void *data, size_t size, struct buf *out, struct err *err)
{
    size_t plain = 0;
    if (snappy_uncompressed_length(data, size, &plain) != SNAPPY_OK) {
        return broken("snappy", err);
    }
    if (plain > out->max - out->size) {
        return too_long(out, err);
    }
    uint8_t *to = buf_reserve(out, plain);
    if (to == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    if (snappy_uncompress(data, size, (char *)to, &plain) != SNAPPY_OK) {
        return broken("snappy", err);
    }
    buf_commit(out, plain);
    return 0;
}

int payload_decode(enum payload_coding coding, const void *data, size_t size, struct buf *out,
                   struct err *err)
{
    switch (coding) {
    case PAYLOAD_GZIP:
    case PAYLOAD_DEFLATE: return inflate_all(coding, data, size, out, err);
    case PAYLOAD_ZSTD: return unzstd(data, size, out, err);
    default: return unsnappy(data, size, out, err);
    }
}

int payload_snappy(const void *data, size_t size, struct buf *out)
{
    size_t packed = snappy_max_compressed_length(size);
    uint8_t *to = buf_reserve(out, packed);
    if (to == NULL) {
        return BUSBAR_ELIMIT;
    }
    (void)snappy_compress(data, size, (char *)to, &packed); /* fails only without room */
    buf_commit(out, packed);
    return 0;
}
