/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include "base/err.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct buf *out, const void *data, size_t size)
{
    const uint8_t *from = data;
    size_t groups = size / 3 + (size % 3 != 0);
    if (groups == 0) {
        return out->overflow ? BUSBAR_ELIMIT : 0;
    }
    uint8_t *to = groups <= SIZE_MAX / 4 ? buf_reserve(out, groups * 4) : NULL;
    if (to == NULL) {
        return BUSBAR_ELIMIT;
    }
    for (size_t at = 0; at < size; at += 3) {
        size_t left = size - at;
        uint32_t bits = (uint32_t)from[at] << 16 | (left > 1 ? (uint32_t)from[at + 1] << 8 : 0) |
                        (left > 2 ? from[at + 2] : 0U);
        *to++ = (uint8_t)letters[bits >> 18];
        *to++ = (uint8_t)letters[bits >> 12 & 63];
        *to++ = left > 1 ? (uint8_t)letters[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? (uint8_t)letters[bits & 63] : '=';
    }
    buf_commit(out, groups * 4);
    return 0;
}

static int letter_value(char letter)
{
    if (letter >= 'A' && letter <= 'Z') {
        return letter - 'A';
    }
    if (letter >= 'a' && letter <= 'z') {
        return letter - 'a' + 26;
    }
    if (letter >= '0' && letter <= '9') {
        return letter - '0' + 52;
    }
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

int base64_decode(const char *text, size_t text_size, uint8_t *to, size_t size, size_t *written)
{
    if (text_size % 4 != 0) {
        return BUSBAR_EINVAL;
    }
    size_t padding = 0;
    while (padding < 2 && padding < text_size && text[text_size - 1 - padding] == '=') {
        padding++;
    }
    size_t bytes = text_size / 4 * 3 - padding;
    if (bytes > size) {
        return BUSBAR_ELIMIT;
    }
    size_t done = 0;
    for (size_t at = 0; at < text_size; at += 4) {
        uint32_t bits = 0;
        for (size_t i = 0; i < 4; i++) {
            bool pad = at + i >= text_size - padding;
            int value = pad ? 0 : letter_value(text[at + i]);
            if (value < 0) {
                return BUSBAR_EINVAL;
            }
            bits = bits << 6 | (uint32_t)value;
        }
        for (unsigned shift = 24; shift > 0; shift -= 8) {
            uint8_t byte = (uint8_t)(bits >> (shift - 8));
            if (done < bytes) {
                to[done++] = byte;
            } else if (byte != 0) {
                return BUSBAR_EINVAL;
            }
        }
    }
    *written = bytes;
    return 0;
}
