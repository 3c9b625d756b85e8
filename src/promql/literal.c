/* SPDX-License-Identifier: Apache-2.0 */
#include "promql/literal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/str.h"

enum { NUMBER_DIGITS_MAX = 1100 }; /* more digits than any double needs to be exact */

#define EXACT_SECONDS_MAX 0x1p31
#define SECONDS_MAX       9223372036.0 /* some 292 years: nanoseconds in int64, as in Prometheus */

/* --- numbers --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits of one base; BUSBAR_ERANGE: more than int64 holds. */
static int parse_digits(const char *digits, int base, double *out)
{
    uint64_t sum = 0;
    if (*digits == 0) {
        return BUSBAR_EINVAL;
    }
    for (; *digits != 0; digits++) {
        int digit = str_hex_digit(*digits);
        if (digit < 0 || digit >= base) {
            return BUSBAR_EINVAL;
        }
        if (sum > ((uint64_t)INT64_MAX - (uint64_t)digit) / (uint64_t)base) {
            return BUSBAR_ERANGE;
        }
        sum = sum * (uint64_t)base + (uint64_t)digit;
    }
    *out = (double)sum;
    return 0;
}

static int parse_decimal(const char *digits, double *out)
{
    char *end;
    if (strspn(digits, "0123456789.eE+-") != strlen(digits) || *digits == 0) {
        return BUSBAR_EINVAL;
    }
    double value = strtod(digits, &end);
    if (*end != 0 || end == digits) {
        return BUSBAR_EINVAL;
    }
    if (isinf(value)) {
        return BUSBAR_ERANGE;
    }
    *out = value;
    return 0;
}

static bool same_word(const char *text, size_t size, const char *word)
{
    if (size != strlen(word)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((text[i] | 0x20) != word[i]) {
            return false;
        }
    }
    return true;
}

int promql_parse_number(const char *text, size_t size, double *out)
{
    char digits[NUMBER_DIGITS_MAX + 1];
    size_t count = 0;
    if (same_word(text, size, "inf")) {
        *out = INFINITY;
        return 0;
    }
    if (same_word(text, size, "nan")) {
        *out = NAN;
        return 0;
    }
    bool hex = size > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
    for (size_t i = hex ? 2 : 0; i < size; i++) {
        if (text[i] == '_') { /* between digits, or behind the 0x */
            bool before = (hex && i == 2) || (i > 0 && str_hex_digit(text[i - 1]) >= 0);
            if (!before || i + 1 >= size || str_hex_digit(text[i + 1]) < 0) {
                return BUSBAR_EINVAL;
            }
            continue;
        }
        if (count == NUMBER_DIGITS_MAX) {
            return BUSBAR_ERANGE;
        }
        digits[count++] = text[i];
    }
    digits[count] = 0;
    if (hex) {
        return parse_digits(digits, 16, out);
    }
    if (digits[0] == '0' && count > 1 && parse_digits(digits + 1, 8, out) == 0) {
        return 0;
    }
    return parse_decimal(digits, out);
}

/* --- durations --- */

struct unit {
    const char *text;
    int64_t us;
    bool exact; /* printed only where nothing is left over: 90d, not 12w6d */
};

static const struct unit units[] = {
    { "y", INT64_C(365) * 86400 * 1000000, true },
    { "w", INT64_C(7) * 86400 * 1000000, true },
    { "d", INT64_C(86400) * 1000000, false },
    { "h", INT64_C(3600) * 1000000, false },
    { "m", INT64_C(60) * 1000000, false },
    { "s", INT64_C(1000000), false },
    { "ms", INT64_C(1000), false },
};
enum { UNITS = sizeof(units) / sizeof(units[0]) };

int promql_parse_duration(const char *text, size_t size, int64_t *out_us)
{
    int64_t sum_us = 0;
    size_t next = 0; /* the largest unit that may come */
    size_t i = 0;
    while (i < size) {
        int64_t number = 0;
        size_t begin = i;
        for (; i < size && is_digit(text[i]); i++) {
            if (number > (int64_t)SECONDS_MAX * 1000000) {
                return BUSBAR_ERANGE;
            }
            number = number * 10 + (text[i] - '0');
        }
        size_t word = i;
        while (i < size && !is_digit(text[i])) {
            i++;
        }
        size_t unit = next;
        while (unit < UNITS && (strlen(units[unit].text) != i - word ||
                                memcmp(units[unit].text, text + word, i - word) != 0)) {
            unit++;
        }
        if (begin == word || unit == UNITS) {
            return BUSBAR_EINVAL;
        }
        if (number > ((int64_t)SECONDS_MAX * 1000000 - sum_us) / units[unit].us) {
            return BUSBAR_ERANGE;
        }
        sum_us += number * units[unit].us;
        next = unit + 1;
    }
    if (size == 0) {
        return BUSBAR_EINVAL;
    }
    *out_us = sum_us;
    return 0;
}

int promql_seconds_to_us(double seconds, int64_t *out_us)
{
    if (!(fabs(seconds) <= SECONDS_MAX)) {
        return BUSBAR_ERANGE;
    }
    /* further away a double cannot tell every microsecond from the next */
    *out_us = fabs(seconds) < EXACT_SECONDS_MAX ? llround(seconds * 1e6)
                                                : llround(seconds * 1e3) * 1000;
    return 0;
}

void promql_print_duration(int64_t us, struct buf *out)
{
    if (us % 1000 != 0) {
        (void)buf_printf(out, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
        return;
    }
    if (us == 0) {
        (void)buf_append_text(out, "0s");
    }
    for (size_t i = 0; i < UNITS; i++) {
        if (us >= units[i].us && (!units[i].exact || us % units[i].us == 0)) {
            (void)buf_printf(out, "%lld%s", (long long)(us / units[i].us), units[i].text);
            us %= units[i].us;
        }
    }
}

/* --- numbers as text --- */

/* Shortest digits that read back as the same number, without exponent. */
void promql_print_number(double value, struct buf *out)
{
    if (isnan(value)) {
        (void)buf_append_text(out, "NaN");
        return;
    }
    if (isinf(value)) {
        (void)buf_append_text(out, value > 0 ? "+Inf" : "-Inf");
        return;
    }
    struct decimal decimal = decimal_of(value);
    char digits[DECIMAL_TEXT_MAX];
    int count = (int)decimal_u64(digits, decimal.digits);
    int point = count + decimal.exponent; /* digits before the point */
    if (signbit(value)) {
        (void)buf_append_byte(out, '-');
    }
    if (point <= 0) {
        (void)buf_append_text(out, "0.");
        for (int i = point; i < 0; i++) {
            (void)buf_append_byte(out, '0');
        }
    }
    for (int i = 0; i < count || i < point; i++) {
        if (i == point && point > 0) {
            (void)buf_append_byte(out, '.');
        }
        (void)buf_append_byte(out, (uint8_t)(i < count ? digits[i] : '0'));
    }
}

/* --- strings --- */

/* One escape behind its backslash; NULL when it is fine. */
static const char *unescape(const char *text, size_t size, char quote, size_t *used, char *to,
                            size_t *to_size)
{
    static const char letters[] = "abfnrtv\\";
    static const char values[] = "\a\b\f\n\r\t\v\\";
    const char *letter = size > 0 && text[0] != 0 ? strchr(letters, text[0]) : NULL;
    *used = 1;
    *to_size = 1;
    if (letter != NULL) {
        to[0] = values[letter - letters];
        return NULL;
    }
    if (size > 0 && text[0] == quote) {
        to[0] = quote;
        return NULL;
    }
    bool octal = size > 0 && text[0] >= '0' && text[0] <= '7';
    size_t begin = octal ? 0 : 1;
    size_t count = octal                        ? 3
                   : size > 0 && text[0] == 'x' ? 2
                   : size > 0 && text[0] == 'u' ? 4
                   : size > 0 && text[0] == 'U' ? 8
                                                : 0;
    if (count == 0) {
        return "unknown escape sequence";
    }
    uint32_t c = 0;
    for (size_t i = begin; i < begin + count; i++) {
        int digit = i < size ? str_hex_digit(text[i]) : -1;
        if (digit < 0 || (octal && digit > 7)) {
            return "illegal character in escape sequence";
        }
        c = c * (octal ? 8 : 16) + (uint32_t)digit;
    }
    *used = begin + count;
    if (count <= 3) {
        to[0] = (char)c;
        return c <= 0xff ? NULL : "escape sequence is over 255";
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        return "escape sequence is no Unicode character";
    }
    *to_size = str_put_utf8(to, c);
    return NULL;
}

int promql_unquote(const char *token, size_t size, struct arena *arena, const char **text,
                   size_t *text_size, size_t *at, const char **problem)
{
    size_t used = 0;
    size_t end = size - 1;
    char *to = arena_alloc(arena, size);
    if (to == NULL) {
        return BUSBAR_ENOMEM;
    }
    if (!str_is_utf8(token, size)) {
        *at = str_utf8_cut(token, size, size);
        *problem = "invalid UTF-8";
        return BUSBAR_EINVAL;
    }
    for (size_t i = 1; i < end;) {
        if (token[i] != '\\' || token[0] == '`') {
            to[used++] = token[i++];
            continue;
        }
        size_t taken;
        size_t made;
        *at = i;
        *problem = unescape(token + i + 1, end - i - 1, token[0], &taken, to + used, &made);
        if (*problem != NULL) {
            return BUSBAR_EINVAL;
        }
        i += 1 + taken;
        used += made;
    }
    to[used] = 0;
    *text = to;
    *text_size = used;
    return 0;
}

/* What Go's strconv.IsPrint leaves out, but for unassigned characters. */
static bool is_printable(uint32_t c)
{
    return !(c < ' ' || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x1680 ||
             (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
             (c >= 0x205f && c <= 0x206f) || c == 0x3000 || (c >= 0xe000 && c <= 0xf8ff) ||
             c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe || c >= 0xe0000);
}

static void print_character(const char *text, size_t size, struct buf *out)
{
    static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t c = (unsigned char)text[0] & masks[size];
    for (size_t i = 1; i < size; i++) {
        c = c << 6 | ((unsigned char)text[i] & 0x3f);
    }
    const char *letter = c != 0 && c < 0x80 ? strchr("\aa\bb\ff\nn\rr\tt\vv\\\\\"\"", (int)c)
                                            : NULL;
    if (letter != NULL && (c < ' ' || c == '\\' || c == '"')) {
        (void)buf_printf(out, "\\%c", letter[1]);
    } else if (is_printable(c)) {
        (void)buf_append(out, text, size);
    } else {
        (void)buf_printf(out, c < 0x80 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
}

void promql_print_string(const char *text, size_t size, struct buf *out)
{
    (void)buf_append_byte(out, '"');
    for (size_t i = 0; i < size;) {
        size_t left = size - i < 4 ? size - i : 4;
        size_t bytes = 1;
        while (bytes <= left && !str_is_utf8(text + i, bytes)) {
            bytes++;
        }
        if (bytes > left) { /* escapes such as \xff can make any bytes */
            (void)buf_printf(out, "\\x%02x", (unsigned char)text[i]);
            i++;
        } else {
            print_character(text + i, bytes, out);
            i += bytes;
        }
    }
    (void)buf_append_byte(out, '"');
}
