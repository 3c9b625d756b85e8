/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sim/sim_tcp.h"

enum { STX = 2, ETX = 3, DLE = 16 };

static void put_length(const struct tcp_frame_rule *rule, size_t size, struct buf *out)
{
    size_t length = size + (rule->included ? rule->offset + rule->length_bytes : 0u);
    for (unsigned i = 0; i < rule->length_bytes; i++) {
        unsigned shift = 8 * (rule->little ? i : rule->length_bytes - 1u - i);
        (void)buf_append_byte(out, (uint8_t)(length >> shift));
    }
}

static void put_zeros(size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        (void)buf_append_byte(out, 0);
    }
}

static void put_stx_etx(const struct tcp_frame_rule *rule, const uint8_t *data, size_t size,
                        struct buf *out)
{
    uint8_t check = ETX;
    if (rule->dle) {
        (void)buf_append_byte(out, DLE);
    }
    (void)buf_append_byte(out, STX);
    for (size_t i = 0; i < size; i++) {
        if (rule->dle && data[i] == DLE) {
            (void)buf_append_byte(out, DLE);
            check ^= DLE;
        }
        (void)buf_append_byte(out, data[i]);
        check ^= data[i];
    }
    if (rule->dle) {
        (void)buf_append_byte(out, DLE);
    }
    (void)buf_append_byte(out, ETX);
    if (rule->bcc) {
        (void)buf_append_byte(out, rule->dle ? (uint8_t)(check ^ DLE) : check);
    }
}

void sim_tcp_frame(const struct tcp_frame_rule *rule, const void *data, size_t size,
                   struct buf *out)
{
    switch (rule->kind) {
    case TCP_FRAME_LINE:
    case TCP_FRAME_DELIMITER:
        (void)buf_append(out, data, size);
        (void)buf_append(out, rule->delimiter, rule->delimiter_size);
        break;
    case TCP_FRAME_FIXED:
        (void)buf_append(out, data, size < rule->fixed ? size : rule->fixed);
        for (size_t i = size; i < rule->fixed; i++) {
            (void)buf_append_byte(out, ' ');
        }
        break;
    case TCP_FRAME_LENGTH:
        if (rule->whole) { /* the head is part of the message: it is the maker's */
            (void)buf_append(out, data, size);
            break;
        }
        put_zeros(rule->offset, out);
        put_length(rule, size, out);
        (void)buf_append(out, data, size);
        put_zeros(rule->extra, out);
        break;
    case TCP_FRAME_STX_ETX: put_stx_etx(rule, data, size, out); break;
    case TCP_FRAME_GAP:
    case TCP_FRAME_NONE: (void)buf_append(out, data, size); break;
    }
}

size_t sim_tcp_frame_end(const struct tcp_frame_rule *rule, const uint8_t *data, size_t size)
{
    bool text = rule->kind == TCP_FRAME_LINE || rule->kind == TCP_FRAME_DELIMITER;
    if (!text || size == 0) {
        return size;
    }
    const uint8_t *end = memmem(data, size, rule->delimiter, rule->delimiter_size);
    return end != NULL ? (size_t)(end - data) + rule->delimiter_size : 0;
}
