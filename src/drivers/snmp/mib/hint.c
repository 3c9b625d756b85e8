/* SPDX-License-Identifier: Apache-2.0 */
/* Choices the RFC leaves open: a hexadecimal number of one octet has two digits ("00:1a:2b"), one of more octets has
 * leading zeros only where no separator tells it from the next ("fe80:0:0:1"); decimals have none. */
#include "drivers/snmp/mib/hint.h"

#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { SPECS_MAX = 64, LENGTH_MAX = 65535, NUMBER_BYTES = 8 };

/* ---- integers ---- */

struct int_hint {
    unsigned base;   /* 10, 16, 8, 2 */
    unsigned digits; /* behind the point */
};

static bool read_int_hint(const char *hint, struct int_hint *out)
{
    static const char letters[] = "dxob";
    static const unsigned bases[] = { 10, 16, 8, 2 };
    const char *letter = hint[0] != '\0' ? strchr(letters, hint[0]) : NULL;
    if (letter == NULL) {
        return false;
    }
    *out = (struct int_hint){ .base = bases[letter - letters] };
    if (hint[0] != 'd' || hint[1] == '\0') {
        return hint[1] == '\0';
    }
    uint64_t digits;
    size_t length = hint[1] == '-' ? strlen(hint + 2) : 0;
    if (length == 0 || strspn(hint + 2, "0123456789") != length ||
        str_parse_u64(hint + 2, &digits) != 0 || digits > MIB_HINT_DIGITS_MAX) {
        return false;
    }
    out->digits = (unsigned)digits;
    return true;
}

double mib_hint_divisor(const char *hint)
{
    struct int_hint is;
    double divisor = 1;
    if (read_int_hint(hint, &is)) {
        for (unsigned i = 0; i < is.digits; i++) {
            divisor *= 10;
        }
    }
    return divisor;
}

bool mib_hint_int(const char *hint, int64_t value, struct buf *out)
{
    struct int_hint is;
    char text[72];
    size_t at = sizeof(text);
    if (!read_int_hint(hint, &is)) {
        return false;
    }
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    unsigned count = 0;
    do {
        if (count == is.digits && count > 0) {
            text[--at] = '.';
        }
        text[--at] = "0123456789abcdef"[left % is.base];
        left /= is.base;
        count++;
    } while (left > 0 || count <= is.digits);
    if (value < 0) {
        text[--at] = '-';
    }
    return buf_append(out, text + at, sizeof(text) - at) == 0;
}

/* One digit more. False: over 64 bits. */
static bool push(uint64_t *number, unsigned base, unsigned digit)
{
    if (*number > (UINT64_MAX - digit) / base) {
        return false;
    }
    *number = *number * base + digit;
    return true;
}

static int digit_of(char c, unsigned base)
{
    int digit = str_hex_digit(c);
    return digit >= 0 && (unsigned)digit < base ? digit : -1;
}

int mib_hint_parse_int(const char *hint, const char *text, int64_t *out)
{
    struct int_hint is;
    uint64_t number = 0;
    bool negative = text[0] == '-';
    const char *at = text + negative;
    if (!read_int_hint(hint, &is) || digit_of(*at, is.base) < 0) {
        return BUSBAR_EINVAL;
    }
    bool fits = true;
    for (; digit_of(*at, is.base) >= 0; at++) {
        fits = fits && push(&number, is.base, (unsigned)digit_of(*at, is.base));
    }
    unsigned behind = 0;
    if (*at == '.' && is.base == 10 && digit_of(at[1], 10) >= 0) {
        for (at++; digit_of(*at, 10) >= 0; at++) {
            if (behind < is.digits) {
                fits = fits && push(&number, 10, (unsigned)digit_of(*at, 10));
                behind++;
            } else {
                fits = fits && *at == '0';
            }
        }
    }
    for (; behind < is.digits; behind++) {
        fits = fits && push(&number, 10, 0);
    }
    if (*at != '\0') {
        return BUSBAR_EINVAL;
    }
    if (!fits || number > (uint64_t)INT64_MAX + negative) {
        return BUSBAR_ERANGE;
    }
    *out = negative ? (int64_t)(0 - number) : (int64_t)number;
    return 0;
}

/* ---- hints of octets ---- */

struct spec {
    bool repeat;
    size_t length;
    char format;                /* x d o a t */
    char separator, terminator; /* 0: none */
};

static bool is_mark(char c)
{
    return c != '\0' && c != '*' && !isdigit((unsigned char)c);
}

/* Returns the count; 0: not such a hint. */
static size_t read_specs(const char *hint, struct spec *specs)
{
    size_t count = 0;
    while (*hint != '\0') {
        struct spec spec = { .repeat = *hint == '*' };
        hint += spec.repeat;
        if (count == SPECS_MAX || !isdigit((unsigned char)*hint)) {
            return 0;
        }
        for (; isdigit((unsigned char)*hint); hint++) {
            spec.length = spec.length * 10 + (size_t)(*hint - '0');
            if (spec.length > LENGTH_MAX) {
                return 0;
            }
        }
        if (*hint == '\0' || strchr("xdoat", *hint) == NULL) {
            return 0;
        }
        spec.format = *hint++;
        if (is_mark(*hint)) {
            spec.separator = *hint++;
            if (spec.repeat && is_mark(*hint)) {
                spec.terminator = *hint++;
            }
        }
        specs[count++] = spec;
    }
    return count;
}

static unsigned base_of(const struct spec *spec)
{
    return spec->format == 'x' ? 16 : spec->format == 'd' ? 10 : 8;
}

static bool is_text(const struct spec *spec)
{
    return spec->format == 'a' || spec->format == 't';
}

/* ---- octets -> text ---- */

/* padded: with all its leading zeros, if it is hexadecimal. */
static bool put_number(const struct spec *spec, const uint8_t *data, size_t size, bool padded,
                       struct buf *out)
{
    uint64_t number = 0;
    char text[24];
    if (size > NUMBER_BYTES && spec->format == 'x') {
        for (size_t i = 0; i < size; i++) {
            (void)buf_printf(out, "%02x", data[i]);
        }
        return true;
    }
    if (size > NUMBER_BYTES) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | data[i];
    }
    size_t at = sizeof(text);
    size_t least = spec->format == 'x' && padded ? 2 * size : 1;
    do {
        text[--at] = "0123456789abcdef"[number % base_of(spec)];
        number /= base_of(spec);
    } while (number > 0 || sizeof(text) - at < least);
    return buf_append(out, text + at, sizeof(text) - at) == 0;
}

struct octets {
    const uint8_t *at, *end;
    bool again; /* the last specification is used once more */
};

static bool put_item(const struct spec *spec, struct octets *in, struct buf *out)
{
    size_t left = (size_t)(in->end - in->at);
    size_t size = spec->length < left ? spec->length : left;
    bool padded = spec->length == 1 || (spec->separator == 0 && (in->again || size < left));
    bool good = is_text(spec) ? buf_append(out, in->at, size) == 0
                              : size == 0 || put_number(spec, in->at, size, padded, out);
    in->at += size;
    return good;
}

static bool put_spec(const struct spec *spec, struct octets *in, struct buf *out)
{
    size_t times = 1;
    if (spec->repeat) {
        times = *in->at++;
    }
    for (size_t i = 0; i < times; i++) {
        bool last = i + 1 == times;
        if (!put_item(spec, in, out)) {
            return false;
        }
        if (in->at == in->end) {
            return true;
        }
        char mark = last && spec->terminator != 0 ? spec->terminator : spec->separator;
        if (mark != 0) {
            (void)buf_append_byte(out, (uint8_t)mark);
        }
    }
    return true;
}

/* What a person can read: UTF-8 without control characters, but for those that lay out text. */
static bool is_readable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (((uint8_t)text[i] < 0x20 && strchr("\t\n\r", text[i]) == NULL) || text[i] == '\0' ||
            text[i] == 0x7f) {
            return false;
        }
    }
    return str_is_utf8(text, size);
}

bool mib_hint_octets(const char *hint, const uint8_t *data, size_t size, struct buf *out)
{
    struct spec specs[SPECS_MAX];
    size_t count = read_specs(hint, specs);
    if (count == 0) {
        return false;
    }
    struct octets in = { .at = data, .end = size > 0 ? data + size : data };
    struct buf text;
    buf_init(&text, MIB_HINT_TEXT_MAX);
    bool good = true;
    for (size_t i = 0; good && in.at < in.end; i = i + 1 < count ? i + 1 : i) {
        const uint8_t *before = in.at;
        good = put_spec(&specs[i], &in, &text) && (in.at > before || i + 1 < count);
        in.again = i + 1 == count;
    }
    good = good && !text.overflow && is_readable(buf_text(&text), text.size) &&
           buf_append(out, text.data, text.size) == 0;
    buf_fini(&text);
    return good;
}

/* ---- text -> octets ---- */

/* Hexadecimal of any length: two digits an octet. */
static int get_hex(const struct spec *spec, const char **text, struct buf *out)
{
    size_t digits = 0;
    while (str_hex_digit((*text)[digits]) >= 0 && digits < 2 * spec->length) {
        digits++;
    }
    if (digits == 0) {
        return BUSBAR_EINVAL;
    }
    if (str_hex_digit((*text)[digits]) >= 0 && spec->separator != 0) {
        return BUSBAR_ERANGE;
    }
    for (size_t at = 2 * spec->length; at > 0; at -= 2) {
        size_t high = at;
        size_t low = at - 1;
        unsigned octet = 0;
        octet |= high <= digits ? (unsigned)str_hex_digit((*text)[digits - high]) << 4 : 0;
        octet |= low <= digits ? (unsigned)str_hex_digit((*text)[digits - low]) : 0;
        if (buf_append_byte(out, (uint8_t)octet) != 0) {
            return BUSBAR_ELIMIT;
        }
    }
    *text += digits;
    return 0;
}

static int get_number(const struct spec *spec, const char **text, struct buf *out)
{
    uint64_t number = 0;
    const char *at = *text;
    if (spec->format == 'x') {
        return get_hex(spec, text, out);
    }
    if (spec->length > NUMBER_BYTES || digit_of(*at, base_of(spec)) < 0) {
        return BUSBAR_EINVAL;
    }
    for (; digit_of(*at, base_of(spec)) >= 0; at++) {
        if (!push(&number, base_of(spec), (unsigned)digit_of(*at, base_of(spec)))) {
            return BUSBAR_ERANGE;
        }
    }
    if (spec->length < NUMBER_BYTES && number >> (8 * spec->length) != 0) {
        return BUSBAR_ERANGE;
    }
    for (size_t i = spec->length; i > 0; i--) {
        if (buf_append_byte(out, (uint8_t)(number >> (8 * (i - 1)))) != 0) {
            return BUSBAR_ELIMIT;
        }
    }
    *text = at;
    return 0;
}

static int get_text(const struct spec *spec, const char **text, struct buf *out)
{
    size_t size = strnlen(*text, spec->length);
    const char *mark = spec->separator != 0 ? memchr(*text, spec->separator, size) : NULL;
    size = mark != NULL ? (size_t)(mark - *text) : size;
    int error = buf_append(out, *text, size);
    *text += size;
    return error == 0 ? 0 : BUSBAR_ELIMIT;
}

static int get_item(const struct spec *spec, const char **text, struct buf *out)
{
    if (spec->length == 0) {
        return 0;
    }
    return is_text(spec) ? get_text(spec, text, out) : get_number(spec, text, out);
}

/* "1:2:3/": the octet of the count stands before what it counts. */
static int get_repeated(const struct spec *spec, const char **text, struct buf *out)
{
    size_t place = out->size;
    size_t times = 0;
    int error = buf_append_byte(out, 0) == 0 ? 0 : BUSBAR_ELIMIT;
    while (error == 0) {
        const char *before = *text;
        error = get_item(spec, text, out);
        times++;
        if (error != 0 || **text == '\0') {
            break;
        }
        if (spec->terminator != 0 && **text == spec->terminator) {
            (*text)++;
            break;
        }
        if (spec->separator != 0 && **text != spec->separator) {
            error = BUSBAR_EINVAL;
        } else if (spec->separator != 0) {
            (*text)++;
        }
        error = error == 0 && (*text == before || times == UINT8_MAX) ? BUSBAR_EINVAL : error;
    }
    if (error == 0) {
        out->data[place] = (uint8_t)times;
    }
    return error;
}

static int get_spec(const struct spec *spec, const char **text, struct buf *out)
{
    if (spec->repeat) {
        return get_repeated(spec, text, out);
    }
    int error = get_item(spec, text, out);
    if (error == 0 && **text != '\0' && spec->separator != 0) {
        if (**text != spec->separator) {
            return BUSBAR_EINVAL;
        }
        (*text)++;
        return **text != '\0' ? 0 : BUSBAR_EINVAL;
    }
    return error;
}

int mib_hint_parse_octets(const char *hint, const char *text, struct buf *out)
{
    struct spec specs[SPECS_MAX];
    size_t count = read_specs(hint, specs);
    if (count == 0) {
        return BUSBAR_EINVAL;
    }
    struct buf octets;
    buf_init(&octets, MIB_HINT_TEXT_MAX);
    int error = 0;
    for (size_t i = 0; error == 0 && *text != '\0'; i = i + 1 < count ? i + 1 : i) {
        const char *before = text;
        error = get_spec(&specs[i], &text, &octets);
        error = error == 0 && text == before && i + 1 == count ? BUSBAR_EINVAL : error;
    }
    if (error == 0 && octets.size > 0) {
        error = buf_append(out, octets.data, octets.size) == 0 ? 0 : BUSBAR_ELIMIT;
    }
    buf_fini(&octets);
    return error;
}
