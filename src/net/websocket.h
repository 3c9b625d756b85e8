/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of WebSocket (RFC 6455), of either side. Pure.
 *
 *   byte 0: final 80, reserved 70, opcode 0f     byte 1: masked 80, size 7f (126: u16 follows, 127: u64 follows)
 *   4 bytes of mask when masked (what a client sends is, what a server sends is not), then the payload */
#ifndef BUSBAR_NET_WEBSOCKET_H
#define BUSBAR_NET_WEBSOCKET_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum websocket_opcode {
    WEBSOCKET_MORE = 0, /* of the message before */
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8, /* and up: control frames */
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};

enum {
    WEBSOCKET_HEAD_MAX = 14,
    WEBSOCKET_CONTROL_MAX = 125, /* bytes of a control frame */
    WEBSOCKET_KEY_SIZE = 24,     /* characters of Sec-WebSocket-Key */
    WEBSOCKET_ACCEPT_SIZE = 28,  /* and of the answer to it */
    WEBSOCKET_ANSWER_MAX = 16 * 1024,
};

struct websocket_head {
    bool final, masked;
    uint8_t opcode;
    uint8_t mask[4];
    uint64_t size;
};

/* Moves behind it. BUSBAR_ESHORT: more bytes are needed (the cursor is as before). BUSBAR_EPROTO: reserved bits or opcodes, a
 * control frame that is long or in parts, a size that is not in its shortest form. */
int websocket_get_head(struct bytes *in, struct websocket_head *head);
void websocket_put_head(struct bytes_out *out, const struct websocket_head *head);

/* Masks, or unmasks, a part of a payload that begins at `offset` of it. */
void websocket_mask(uint8_t *data, size_t size, const uint8_t mask[4], uint64_t offset);

/* 16 random bytes as text. */
void websocket_new_key(char key[WEBSOCKET_KEY_SIZE + 1]);
/* What the server answers to a key (4.2.2). */
void websocket_accept(const char *key, char to[WEBSOCKET_ACCEPT_SIZE + 1]);

/* The client's question. host: as in Host; protocol NULL: none. */
int websocket_put_request(struct buf *out, const char *host, const char *path, const char *key,
                          const char *protocol);
/* Whether the server's answer (its head, with the empty line) opens a WebSocket: 0, or BUSBAR_EPROTO with why not. */
int websocket_check_answer(const char *head, size_t size, const char *key, const char *protocol,
                           struct err *err);

#endif
