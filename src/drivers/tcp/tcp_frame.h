/* SPDX-License-Identifier: Apache-2.0 */
/* Where a message ends in a stream of bytes. Pure: no sockets, no clock. A rule is what was configured, a frame is the
 * place in one stream.
 *
 *   line                 up to \n; a \r before it goes with it
 *   delimiter TEXT       up to TEXT: "delimiter ;", "delimiter \r", "delimiter \x03\x04"
 *   fixed N              N bytes each
 *   length S ...         a length of S = 1, 2 or 4 bytes, then so many bytes:
 *                          big | little    byte order; big by default
 *                          included        the length counts itself, and what stands before it
 *                          offset N        N bytes stand before it
 *                          extra N         N bytes follow that it does not count (a checksum)
 *                          whole           what stands before, and the length, are part of the message
 *   stx-etx ...          \x02 message \x03; what stands between messages is passed over
 *                          dle             DLE STX message DLE ETX, each DLE (\x10) in the message doubled
 *                          bcc             followed by the XOR of all after STX, ETX with it
 *   gap TIME             until nothing came for TIME: "gap 50ms"
 *   none                 what came at once (a datagram) is a message
 *
 * Empty messages are passed over: devices send empty lines to keep a connection. A message inside of one read is not
 * copied. One that is too long is told as bad, and the stream goes on behind it; only a wrong length loses the place. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_FRAME_H
#define BUSBAR_DRIVERS_TCP_TCP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    TCP_FRAME_MAX = 64 * 1024,     /* bytes of a message, where nothing else is configured */
    TCP_FRAME_LIMIT = 1024 * 1024, /* what can be configured */
    TCP_DELIMITER_MAX = 16,
    TCP_OFFSET_MAX = 64, /* bytes before a length, or after what it counts */
};
#define TCP_GAP_MAX_US INT64_C(10000000)

enum tcp_frame_kind {
    TCP_FRAME_LINE,
    TCP_FRAME_DELIMITER,
    TCP_FRAME_FIXED,
    TCP_FRAME_LENGTH,
    TCP_FRAME_STX_ETX,
    TCP_FRAME_GAP,
    TCP_FRAME_NONE,
};

struct tcp_frame_rule {
    enum tcp_frame_kind kind;
    uint32_t max;                         /* bytes of a message */
    uint8_t delimiter[TCP_DELIMITER_MAX]; /* line: \n */
    uint8_t delimiter_size;
    uint8_t length_bytes, offset, extra;
    bool little, included, whole;
    bool dle, bcc;
    uint32_t fixed;
    int64_t gap_us;
};

/* max: TCP_FRAME_MAX ... BUSBAR_EINVAL, with a hint. */
int tcp_frame_parse(const char *text, uint32_t max, struct tcp_frame_rule *out, struct err *err);
bool tcp_frame_rule_equal(const struct tcp_frame_rule *a, const struct tcp_frame_rule *b);

/* A text as a person writes it, with \r \n \t \0 \\ \xHH; the result may hold NULs. BUSBAR_EINVAL, BUSBAR_ELIMIT: does not
 * fit into to[max]. */
int tcp_unescape(const char *text, uint8_t *to, size_t max, size_t *size, struct err *err);
/* The other way round: printable, on one line. */
void tcp_escape(const void *data, size_t size, struct buf *out);

struct tcp_frame_events {
    /* A message; valid until it returns. False: stop, the stream is not wanted any more. */
    bool (*message)(void *ctx, const uint8_t *data, size_t size);
    /* What was no message, or the beginning of it. lost: where the next message begins is not known. */
    bool (*bad)(void *ctx, const uint8_t *data, size_t size, const char *why, bool lost);
};

struct tcp_frame {
    const struct tcp_frame_rule *rule;
    struct buf part; /* of a message that is not whole yet */
    uint8_t state;   /* skipping, or where in STX ... ETX it is */
    uint8_t check;   /* XOR of what came since STX */
    bool escaped;    /* the byte before was a DLE */
};

void tcp_frame_init(struct tcp_frame *frame, const struct tcp_frame_rule *rule);
void tcp_frame_fini(struct tcp_frame *frame);

/* Takes all bytes. False: a callback wanted no more, or the place is lost; then *taken (may be NULL) are those up to the
 * end of what was told last. */
bool tcp_frame_feed(struct tcp_frame *frame, const uint8_t *data, size_t size,
                    const struct tcp_frame_events *events, void *ctx, size_t *taken);
/* The gap has passed (kind GAP): what came is a message. */
bool tcp_frame_gap(struct tcp_frame *frame, const struct tcp_frame_events *events, void *ctx);
/* The datagram is over: of a line and of what ends with a delimiter the rest is a message, of others it is bad. */
void tcp_frame_rest(struct tcp_frame *frame, const struct tcp_frame_events *events, void *ctx);
/* Whether a message has begun and is not whole. */
bool tcp_frame_begun(const struct tcp_frame *frame);

#endif
