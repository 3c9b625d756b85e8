/* SPDX-License-Identifier: Apache-2.0 */
/* Any rule, any bytes: cut in one piece and cut in pieces, the same messages come out, none longer than allowed.
 * First line: the rule; then a byte for the size of the pieces; then the stream. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "drivers/tcp/tcp_frame.h"

enum { RULE_MAX = 64, MESSAGE_MAX = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    uint64_t hash;
    size_t messages;
};

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static bool on_message(void *ctx, const uint8_t *data, size_t size)
{
    struct heard *heard = ctx;
    check(size > 0 && size <= MESSAGE_MAX + 2 * TCP_OFFSET_MAX);
    heard->hash = hash_u64(heard->hash ^ hash_bytes(data, size));
    heard->messages++;
    return true;
}

static bool on_bad(void *ctx, const uint8_t *data, size_t size, const char *why, bool lost)
{
    struct heard *heard = ctx;
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += data[i];
    }
    (void)sum; /* read all of it, for ASan */
    heard->hash = hash_u64(heard->hash ^ hash_text(why) ^ lost);
    return true;
}

static const struct tcp_frame_events events = { .message = on_message, .bad = on_bad };

static struct heard cut(const struct tcp_frame_rule *rule, const uint8_t *data, size_t size,
                        size_t piece)
{
    struct heard heard = { 0 };
    struct tcp_frame frame;
    bool more = true;
    tcp_frame_init(&frame, rule);
    while (size > 0 && more) {
        size_t part = size < piece ? size : piece;
        struct bytes copy = bytes_dup(data, part);
        more = tcp_frame_feed(&frame, copy.at, part, &events, &heard, NULL);
        bytes_fini(&copy);
        data += part;
        size -= part;
    }
    if (more) {
        tcp_frame_rest(&frame, &events, &heard);
    }
    tcp_frame_fini(&frame);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[RULE_MAX];
    struct tcp_frame_rule rule;
    const uint8_t *end = memchr(data, '\n', size);
    if (end == NULL || (size_t)(end - data) >= sizeof(text) || end + 1 == data + size) {
        return 0;
    }
    memcpy(text, data, (size_t)(end - data));
    text[end - data] = '\0';
    if (strlen(text) != (size_t)(end - data) ||
        tcp_frame_parse(text, MESSAGE_MAX, &rule, NULL) != 0 || rule.kind == TCP_FRAME_GAP ||
        rule.kind == TCP_FRAME_NONE) {
        return 0;
    }
    size_t piece = 1u + end[1];
    size_t left = size - (size_t)(end + 2 - data);
    struct heard whole = cut(&rule, end + 2, left, left > 0 ? left : 1);
    struct heard pieces = cut(&rule, end + 2, left, piece);
    check(whole.messages == pieces.messages && whole.hash == pieces.hash);
    return 0;
}
