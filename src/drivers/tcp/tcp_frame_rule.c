/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of frames as people write them: a word, then its own words. */
#include <string.h>

#include "base/str.h"
#include "drivers/tcp/tcp_frame.h"

enum { TEXT_MAX = 200 };

static int refuse(struct err *err, const char *text, const char *hint)
{
    (void)err_set(err, BUSBAR_EINVAL, "'%s' does not say where a message ends", text);
    (void)err_hint(err, "%s", hint);
    return BUSBAR_EINVAL;
}

/* ---- escapes ---- */

/* One character after a backslash; returns how many characters of the text it took, 0: it is none. */
static size_t unescape_one(const char *at, uint8_t *out)
{
    static const char letters[] = "rnt0\\";
    static const uint8_t bytes[] = { '\r', '\n', '\t', 0, '\\' };
    const char *letter = *at != '\0' ? strchr(letters, *at) : NULL;
    if (letter != NULL) {
        *out = bytes[letter - letters];
        return 1;
    }
    int high = *at == 'x' ? str_hex_digit(at[1]) : -1;
    int low = high >= 0 ? str_hex_digit(at[2]) : -1;
    *out = (uint8_t)(low >= 0 ? high * 16 + low : 0);
    return low >= 0 ? 3 : 0;
}

int tcp_unescape(const char *text, uint8_t *to, size_t max, size_t *size, struct err *err)
{
    *size = 0;
    while (*text != '\0') {
        uint8_t byte = (uint8_t)*text++;
        if (byte == '\\') {
            size_t took = unescape_one(text, &byte);
            if (took == 0) {
                (void)err_set(err, BUSBAR_EINVAL, "'\\%.1s' means nothing", text);
                (void)err_hint(err, "write \\r, \\n, \\t, \\0, \\x03 or \\\\");
                return BUSBAR_EINVAL;
            }
            text += took;
        }
        if (*size == max) {
            return err_set(err, BUSBAR_ELIMIT, "longer than %zu bytes", max);
        }
        to[(*size)++] = byte;
    }
    return 0;
}

void tcp_escape(const void *data, size_t size, struct buf *out)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        switch (bytes[i]) {
        case '\r': (void)buf_append_text(out, "\\r"); break;
        case '\n': (void)buf_append_text(out, "\\n"); break;
        case '\t': (void)buf_append_text(out, "\\t"); break;
        case '\\': (void)buf_append_text(out, "\\\\"); break;
        default:
            if (bytes[i] >= 0x20 && bytes[i] < 0x7f) {
                (void)buf_append_byte(out, bytes[i]);
            } else {
                (void)buf_printf(out, "\\x%02x", bytes[i]);
            }
        }
    }
}

/* ---- words ---- */

/* The next word of *at, cut off in place; NULL: there is none. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " ");
    if (*word == '\0') {
        return NULL;
    }
    *at = word + strcspn(word, " ");
    if (**at != '\0') {
        *(*at)++ = '\0';
    }
    return word;
}

static bool number_word(char **at, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *word = next_word(at);
    return word != NULL && str_parse_u64(word, out) == 0 && *out >= min && *out <= max;
}

static bool parse_length(char *rest, struct tcp_frame_rule *out)
{
    uint64_t number = 0;
    char *word;
    if (!number_word(&rest, 1, 4, &number) || number == 3) {
        return false;
    }
    out->length_bytes = (uint8_t)number;
    while ((word = next_word(&rest)) != NULL) {
        if (str_equal(word, "offset") && number_word(&rest, 0, TCP_OFFSET_MAX, &number)) {
            out->offset = (uint8_t)number;
        } else if (str_equal(word, "extra") && number_word(&rest, 0, TCP_OFFSET_MAX, &number)) {
            out->extra = (uint8_t)number;
        } else if (str_equal(word, "included")) {
            out->included = true;
        } else if (str_equal(word, "whole")) {
            out->whole = true;
        } else if (str_equal(word, "little")) {
            out->little = true;
        } else if (!str_equal(word, "big")) {
            return false;
        }
    }
    return true;
}

static bool parse_stx_etx(char *rest, struct tcp_frame_rule *out)
{
    char *word;
    while ((word = next_word(&rest)) != NULL) {
        if (str_equal(word, "dle")) {
            out->dle = true;
        } else if (str_equal(word, "bcc")) {
            out->bcc = true;
        } else {
            return false;
        }
    }
    return true;
}

static int parse_delimiter(const char *text, const char *rest, struct tcp_frame_rule *out,
                           struct err *err)
{
    size_t size = 0;
    int error = tcp_unescape(rest, out->delimiter, sizeof(out->delimiter), &size, err);
    out->delimiter_size = (uint8_t)size;
    return error == 0 && size == 0
               ? refuse(err, text, "write what stands at the end of a message: 'delimiter ;'")
               : error;
}

int tcp_frame_parse(const char *text, uint32_t max, struct tcp_frame_rule *out, struct err *err)
{
    char copy[TEXT_MAX];
    uint64_t number = 0;
    *out = (struct tcp_frame_rule){ .max = max };
    if (!str_copy(copy, sizeof(copy), text)) {
        return refuse(err, text, "it is too long");
    }
    char *rest = copy;
    const char *word = next_word(&rest);
    if (word == NULL) {
        return refuse(err, text, "write 'line', for messages that end with a new line");
    }
    if (str_equal(word, "line")) {
        out->kind = TCP_FRAME_LINE;
        out->delimiter[0] = '\n';
        out->delimiter_size = 1;
    } else if (str_equal(word, "delimiter")) {
        out->kind = TCP_FRAME_DELIMITER;
        return parse_delimiter(text, rest, out, err);
    } else if (str_equal(word, "fixed")) {
        out->kind = TCP_FRAME_FIXED;
        if (!number_word(&rest, 1, max, &number)) {
            return refuse(err, text,
                          "write how many bytes a message has: 'fixed 12'; at most "
                          "'frame_max'");
        }
        out->fixed = (uint32_t)number;
    } else if (str_equal(word, "length")) {
        out->kind = TCP_FRAME_LENGTH;
        return parse_length(rest, out) ? 0
                                       : refuse(err, text,
                                                "write how many bytes the length has, 1, 2 or 4: "
                                                "'length 2 big', then little, included, offset 4, "
                                                "extra 2 or whole");
    } else if (str_equal(word, "stx-etx")) {
        out->kind = TCP_FRAME_STX_ETX;
        return parse_stx_etx(rest, out)
                   ? 0
                   : refuse(err, text, "after 'stx-etx' may stand 'dle' and 'bcc'");
    } else if (str_equal(word, "gap")) {
        out->kind = TCP_FRAME_GAP;
        word = next_word(&rest);
        if (word == NULL || str_parse_duration_us(word, &out->gap_us) != 0 || out->gap_us <= 0 ||
            out->gap_us > TCP_GAP_MAX_US) {
            return refuse(err, text,
                          "write how long nothing comes after a message: 'gap 50ms'; at "
                          "most 10s");
        }
    } else if (str_equal(word, "none")) {
        out->kind = TCP_FRAME_NONE;
    } else {
        return refuse(err, text,
                      "write line, 'delimiter ;', 'fixed 12', 'length 2 big', stx-etx, "
                      "'gap 50ms' or none");
    }
    return next_word(&rest) == NULL ? 0 : refuse(err, text, "there are words too many");
}

bool tcp_frame_rule_equal(const struct tcp_frame_rule *a, const struct tcp_frame_rule *b)
{
    return a->kind == b->kind && a->max == b->max && a->delimiter_size == b->delimiter_size &&
           memcmp(a->delimiter, b->delimiter, a->delimiter_size) == 0 &&
           a->length_bytes == b->length_bytes && a->offset == b->offset && a->extra == b->extra &&
           a->little == b->little && a->included == b->included && a->whole == b->whole &&
           a->dle == b->dle && a->bcc == b->bcc && a->fixed == b->fixed && a->gap_us == b->gap_us;
}
