/* SPDX-License-Identifier: Apache-2.0 */
/* Character strings of every encoding to UTF-8 (ASHRAE 135, clause 20.2.9). */
#include "base/str.h"
#include "drivers/bacnet/wire/code_pages.h"
#include "drivers/bacnet/wire/text.h"

enum { ASCII = 0x80, REPLACEMENT = 0xfffd, UTF8_MAX = 4, PIECE_MAX = 64 };

enum code_page { PAGE_LATIN1 = 28591, PAGE_LATIN1_IBM = 819, PAGE_UTF8 = 65001 };

/* What is written, and how much of it had to be replaced. */
struct writer {
    struct buf *out;
    size_t replaced;
};

static void write_character(struct writer *writer, uint32_t character)
{
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character == 0 || surrogate || character > 0x10ffff || character == REPLACEMENT) {
        character = REPLACEMENT;
        writer->replaced++;
    }
    char text[UTF8_MAX];
    (void)buf_append(writer->out, text, str_put_utf8(text, character));
}

static void write_utf8(struct writer *writer, struct bytes in)
{
    while (bytes_left(&in) > 0 && !writer->out->overflow) {
        size_t good = str_utf8_cut((const char *)in.at, bytes_left(&in), PIECE_MAX);
        const uint8_t *nul = good > 0 ? memchr(in.at, 0, good) : NULL;
        good = nul != NULL ? (size_t)(nul - in.at) : good;
        if (good > 0) {
            (void)buf_append(writer->out, bytes_get_block(&in, good), good);
        } else {
            write_character(writer, REPLACEMENT);
            bytes_skip(&in, 1);
        }
    }
}

/* One byte a character; `upper`: what 0x80 on means. NULL with latin1 false: only ASCII is known. */
static void write_bytes(struct writer *writer, struct bytes in, const uint16_t *upper, bool latin1)
{
    while (bytes_left(&in) > 0 && !writer->out->overflow) {
        uint32_t byte = bytes_get_u8(&in);
        if (byte >= ASCII && !latin1) {
            byte = upper != NULL ? upper[byte - ASCII] : REPLACEMENT;
        }
        write_character(writer, byte);
    }
}

static void write_dbcs(struct writer *writer, struct bytes in)
{
    uint16_t page = bytes_get_u16(&in);
    if (page == PAGE_UTF8) {
        write_utf8(writer, in);
    } else {
        bool latin1 = page == PAGE_LATIN1 || page == PAGE_LATIN1_IBM;
        write_bytes(writer, in, bacnet_code_page(page), latin1);
    }
}

static void write_ucs4(struct writer *writer, struct bytes in)
{
    while (bytes_left(&in) >= 4 && !writer->out->overflow) {
        write_character(writer, bytes_get_u32(&in));
    }
    if (bytes_left(&in) > 0) {
        write_character(writer, REPLACEMENT);
    }
}

/* Pairs of surrogates are taken too, though UCS-2 has none. */
static void write_ucs2(struct writer *writer, struct bytes in)
{
    while (bytes_left(&in) >= 2 && !writer->out->overflow) {
        uint32_t high = bytes_get_u16(&in);
        struct bytes ahead = in;
        uint32_t low = bytes_left(&ahead) >= 2 ? bytes_get_u16(&ahead) : 0;
        if (high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
            high = 0x10000u + ((high - 0xd800u) << 10) + (low - 0xdc00u);
            in = ahead;
        }
        write_character(writer, high);
    }
    if (bytes_left(&in) > 0) {
        write_character(writer, REPLACEMENT);
    }
}

/* Without the NULs that some devices send behind the text; `width` bytes are a character. */
static struct bytes without_nuls(struct bytes in, size_t width, size_t keep)
{
    size_t size = bytes_left(&in);
    while (size >= keep + width) {
        const uint8_t *last = in.at + size - width;
        for (size_t i = 0; i < width; i++) {
            if (last[i] != 0) {
                return bytes_of(in.at, size);
            }
        }
        size -= width;
    }
    return bytes_of(in.at, size);
}

size_t bacnet_print_characters(const struct bacnet_value *value, struct buf *out)
{
    struct writer writer = { .out = out };
    struct bytes in = bytes_of(value->as.block.data, value->as.block.size);
    switch (value->as.block.set) {
    case BACNET_SET_UTF8: write_utf8(&writer, without_nuls(in, 1, 0)); break;
    case BACNET_SET_DBCS: write_dbcs(&writer, without_nuls(in, 1, 2)); break;
    case BACNET_SET_UCS4: write_ucs4(&writer, without_nuls(in, 4, 0)); break;
    case BACNET_SET_UCS2: write_ucs2(&writer, without_nuls(in, 2, 0)); break;
    case BACNET_SET_LATIN1: write_bytes(&writer, without_nuls(in, 1, 0), NULL, true); break;
    default: write_bytes(&writer, without_nuls(in, 1, 0), NULL, false); break;
    }
    return writer.replaced;
}
