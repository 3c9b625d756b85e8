/* SPDX-License-Identifier: Apache-2.0 */
/* Frames, masks, and the handshake in HTTP. */
#include "net/websocket.h"

#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/hash.h"
#include "base/str.h"

enum { SIZE_U16 = 126, SIZE_U64 = 127, LINE_SHOWN = 120 };

/* ---- frames ---- */

static bool opcode_known(uint8_t opcode)
{
    return opcode <= WEBSOCKET_BINARY || (opcode >= WEBSOCKET_CLOSE && opcode <= WEBSOCKET_PONG);
}

int websocket_get_head(struct bytes *in, struct websocket_head *head)
{
    struct bytes at = *in;
    uint8_t first = bytes_get_u8(&at);
    uint8_t second = bytes_get_u8(&at);
    uint8_t shown = second & 0x7f;
    head->final = (first & 0x80) != 0;
    head->opcode = first & 15;
    head->masked = (second & 0x80) != 0;
    head->size = shown == SIZE_U16   ? bytes_get_u16(&at)
                 : shown == SIZE_U64 ? bytes_get_u64(&at)
                                     : shown;
    memset(head->mask, 0, sizeof(head->mask));
    if (head->masked) {
        bytes_get_copy(&at, head->mask, sizeof(head->mask));
    }
    if (bytes_short(&at)) {
        return BUSBAR_ESHORT;
    }
    bool control = head->opcode >= WEBSOCKET_CLOSE;
    if ((first & 0x70) != 0 || !opcode_known(head->opcode) ||
        (control && (!head->final || head->size > WEBSOCKET_CONTROL_MAX)) ||
        (shown == SIZE_U16 && head->size < SIZE_U16) ||
        (shown == SIZE_U64 && (head->size <= UINT16_MAX || head->size > INT64_MAX))) {
        return BUSBAR_EPROTO;
    }
    *in = at;
    return 0;
}

void websocket_put_head(struct bytes_out *out, const struct websocket_head *head)
{
    uint8_t masked = head->masked ? 0x80 : 0;
    bytes_put_u8(out, (uint8_t)((head->final ? 0x80 : 0) | head->opcode));
    if (head->size < SIZE_U16) {
        bytes_put_u8(out, (uint8_t)(masked | head->size));
    } else if (head->size <= UINT16_MAX) {
        bytes_put_u8(out, masked | SIZE_U16);
        bytes_put_u16(out, (uint16_t)head->size);
    } else {
        bytes_put_u8(out, masked | SIZE_U64);
        bytes_put_u64(out, head->size);
    }
    if (head->masked) {
        bytes_put_block(out, head->mask, sizeof(head->mask));
    }
}

void websocket_mask(uint8_t *data, size_t size, const uint8_t mask[4], uint64_t offset)
{
    for (size_t i = 0; i < size; i++) {
        data[i] ^= mask[(offset + i) & 3];
    }
}

/* ---- the handshake ---- */

static void put_base64(char *to, size_t size, const void *data, size_t data_size)
{
    struct buf text;
    buf_init(&text, size);
    (void)base64_encode(&text, data, data_size);
    (void)str_copy(to, size, buf_text(&text));
    buf_fini(&text);
}

void websocket_new_key(char key[WEBSOCKET_KEY_SIZE + 1])
{
    uint64_t random[2] = { hash_entropy(), hash_entropy() };
    put_base64(key, WEBSOCKET_KEY_SIZE + 1, random, sizeof(random));
}

void websocket_accept(const char *key, char to[WEBSOCKET_ACCEPT_SIZE + 1])
{
    char text[128];
    uint8_t digest[SHA_DIGEST_LENGTH];
    size_t size = str_format(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    (void)SHA1((const unsigned char *)text, size, digest);
    put_base64(to, WEBSOCKET_ACCEPT_SIZE + 1, digest, sizeof(digest));
}

int websocket_put_request(struct buf *out, const char *host, const char *path, const char *key,
                          const char *protocol)
{
    int error = buf_printf(out,
                           "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                           "Sec-WebSocket-Version: 13\r\n",
                           path, host, key);
    if (error == 0 && protocol != NULL) {
        error = buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
    }
    return error == 0 ? buf_append_text(out, "\r\n") : error;
}

/* The value of a header line of this name, without white space around; false: it is another line. */
static bool header_is(const char *line, size_t size, const char *name, const char **value,
                      size_t *value_size)
{
    size_t name_size = strlen(name);
    if (size <= name_size || line[name_size] != ':' || strncasecmp(line, name, name_size) != 0) {
        return false;
    }
    line += name_size + 1;
    size -= name_size + 1;
    while (size > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        size--;
    }
    while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t')) {
        size--;
    }
    *value = line;
    *value_size = size;
    return true;
}

/* Whether a word is one of a list by ','. */
static bool has_word(const char *list, size_t size, const char *word)
{
    size_t word_size = strlen(word);
    for (size_t i = 0; i + word_size <= size; i++) {
        bool begins = i == 0 || list[i - 1] == ',' || list[i - 1] == ' ';
        bool ends = i + word_size == size || list[i + word_size] == ',' ||
                    list[i + word_size] == ' ';
        if (begins && ends && strncasecmp(list + i, word, word_size) == 0) {
            return true;
        }
    }
    return false;
}

struct answer {
    bool upgrade, connection, accept, other_protocol, extension;
};

static void look_at(const char *line, size_t size, const char *accept, const char *protocol,
                    struct answer *to)
{
    const char *value;
    size_t value_size;
    if (header_is(line, size, "Upgrade", &value, &value_size)) {
        to->upgrade |= has_word(value, value_size, "websocket");
    } else if (header_is(line, size, "Connection", &value, &value_size)) {
        to->connection |= has_word(value, value_size, "upgrade");
    } else if (header_is(line, size, "Sec-WebSocket-Accept", &value, &value_size)) {
        to->accept = value_size == WEBSOCKET_ACCEPT_SIZE && memcmp(value, accept, value_size) == 0;
    } else if (header_is(line, size, "Sec-WebSocket-Extensions", &value, &value_size)) {
        to->extension = value_size > 0;
    } else if (header_is(line, size, "Sec-WebSocket-Protocol", &value, &value_size)) {
        to->other_protocol = protocol == NULL || strlen(protocol) != value_size ||
                             strncasecmp(value, protocol, value_size) != 0;
    }
}

static size_t line_size(const char *at, const char *end)
{
    size_t size = 0;
    while (at + size < end && at[size] != '\r' && at[size] != '\n') {
        size++;
    }
    return size;
}

int websocket_check_answer(const char *head, size_t size, const char *key, const char *protocol,
                           struct err *err)
{
    const char *end = head + size;
    size_t first = line_size(head, end);
    if (first < 12 || strncmp(head, "HTTP/1.1 101", 12) != 0) {
        size_t shown = str_utf8_cut(head, first, LINE_SHOWN);
        return err_set(err, BUSBAR_EPROTO, "it answers '%.*s' instead of opening a WebSocket",
                       (int)shown, head);
    }
    char accept[WEBSOCKET_ACCEPT_SIZE + 1];
    struct answer answer = { 0 };
    websocket_accept(key, accept);
    for (const char *at = head + first; at < end;) {
        size_t line = line_size(at, end);
        look_at(at, line, accept, protocol, &answer);
        at += line > 0 ? line : 1;
    }
    if (!answer.upgrade || !answer.connection || !answer.accept) {
        return err_set(err, BUSBAR_EPROTO, "its answer does not fit our question (RFC 6455)");
    }
    if (answer.extension) {
        return err_set(err, BUSBAR_EPROTO, "it uses an extension that was not asked for");
    }
    if (answer.other_protocol) {
        return err_set(err, BUSBAR_EPROTO, "it wants another protocol in the WebSocket than '%s'",
                       protocol != NULL ? protocol : "");
    }
    return 0;
}
