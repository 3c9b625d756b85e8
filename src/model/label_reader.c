/* SPDX-License-Identifier: Apache-2.0 */
#include "model/label_reader.h"

#include <string.h>

#include "base/str.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool label_is_plain_at(char c, size_t at, bool colon)
{
    return is_letter(c) || (colon && c == ':') || (at > 0 && c >= '0' && c <= '9');
}

int label_reader_init(struct label_reader *in, const char *text, size_t size, struct buf *store,
                      struct err *err)
{
    *in = (struct label_reader){ .text = text, .size = size, .store = store, .err = err };
    buf_clear(store);
    if (buf_reserve(store, size + 2) == NULL) {
        bool limit = size + 2 > store->max;
        return err_set(err, limit ? BUSBAR_ELIMIT : BUSBAR_ENOMEM,
                       "no room for a text of labels of %zu bytes", size);
    }
    return 0;
}

int label_reader_wrong(const struct label_reader *in, const char *what)
{
    struct position at = { .line = 1, .column = (int)str_utf8_length(in->text, in->at) + 1 };
    return err_at(in->err, BUSBAR_ESYNTAX, at, NULL, "%s", what);
}

static char peek(const struct label_reader *in)
{
    return in->at < in->size ? in->text[in->at] : '\0';
}

void label_reader_skip_blanks(struct label_reader *in)
{
    while (in->at < in->size && memchr(" \t\r\n", in->text[in->at], 4) != NULL) {
        in->at++;
    }
}

bool label_reader_take(struct label_reader *in, char wanted)
{
    label_reader_skip_blanks(in);
    if (in->at < in->size && in->text[in->at] == wanted) {
        in->at++;
        return true;
    }
    return false;
}

static bool take_digits(struct label_reader *in, int digits, int base, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, in->at++) {
        int digit = str_hex_digit(peek(in));
        if (in->at >= in->size || digit < 0 || digit >= base) {
            return false;
        }
        *value = *value * (uint32_t)base + (uint32_t)digit;
    }
    return true;
}

/* Behind the backslash. */
static int take_escape(struct label_reader *in)
{
    static const char letters[] = "abfnrtv\\\"'", bytes[] = "\a\b\f\n\r\t\v\\\"'";
    char c = peek(in);
    const char *found = c != '\0' ? strchr(letters, c) : NULL;
    uint32_t value = 0;
    if (found != NULL) {
        in->at++;
        buf_append_byte(in->store, (uint8_t)bytes[found - letters]);
        return 0;
    }
    if (c >= '0' && c <= '7') {
        if (!take_digits(in, 3, 8, &value) || value > 0xff) {
            return label_reader_wrong(in, "three octal digits up to 377 must follow the backslash");
        }
        buf_append_byte(in->store, (uint8_t)value);
        return 0;
    }
    if (c != 'x' && c != 'u' && c != 'U') {
        return label_reader_wrong(in, "unknown escape after the backslash");
    }
    in->at++;
    if (!take_digits(in, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, &value)) {
        return label_reader_wrong(in, "hexadecimal digits are missing in the escape");
    }
    if (c == 'x') {
        buf_append_byte(in->store, (uint8_t)value);
    } else if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        return label_reader_wrong(in, "the escape is no Unicode character");
    } else {
        char character[4];
        buf_append(in->store, character, str_put_utf8(character, value));
    }
    return 0;
}

static void end_text(struct label_reader *in, const char **text, uint32_t *size, size_t start)
{
    *text = (const char *)in->store->data + start;
    *size = (uint32_t)(in->store->size - start);
    buf_append_byte(in->store, 0);
}

int label_reader_quoted(struct label_reader *in, const char **text, uint32_t *size)
{
    size_t start = in->store->size;
    char quote = peek(in);
    in->at++;
    while (in->at < in->size && in->text[in->at] != quote) {
        if (in->text[in->at] == '\\') {
            in->at++;
            int error = take_escape(in);
            if (error != 0) {
                return error;
            }
        } else {
            buf_append_byte(in->store, (uint8_t)in->text[in->at++]);
        }
    }
    if (in->at >= in->size) {
        return label_reader_wrong(in, "the closing quote is missing");
    }
    in->at++;
    end_text(in, text, size, start);
    return 0;
}

bool label_reader_at_quote(const struct label_reader *in)
{
    return peek(in) == '"' || peek(in) == '\'';
}

void label_reader_plain(struct label_reader *in, bool colon, const char **text, uint32_t *size)
{
    size_t start = in->store->size, from = in->at;
    while (in->at < in->size && label_is_plain_at(in->text[in->at], in->at - from, colon)) {
        in->at++;
    }
    buf_append(in->store, in->text + from, in->at - from);
    end_text(in, text, size, start);
}
