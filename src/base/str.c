/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies and numbers. Parsers take the whole text or nothing; they are written out instead of calling strtol, which
 * skips white space, takes a sign everywhere and depends on the locale. Doubles go through strtod after
 * their form was checked (the process never sets a locale).
 */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

bool str_copy(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    size_t kept = length < size ? length : size > 0 ? str_utf8_cut(from, length, size - 1) : 0;
    if (size > 0) {
        memcpy(to, from, kept);
        to[kept] = '\0';
    }
    return kept == length && size > 0;
}

size_t str_format(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(to, size, format, args);
    va_end(args);
    if (length < 0 || size == 0) {
        return 0;
    }
    return (size_t)length < size ? (size_t)length : size - 1;
}

char *str_trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        length--;
    }
    text[length] = '\0';
    return text;
}

bool str_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t tail = strlen(suffix);
    return length >= tail && memcmp(text + length - tail, suffix, tail) == 0;
}

int str_hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int str_parse_u64(const char *text, uint64_t *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    unsigned base = hex ? 16 : 10;
    const char *at = hex ? text + 2 : text;
    if (*at == '\0') {
        return BUSBAR_EINVAL;
    }
    uint64_t value = 0;
    bool over = false;
    for (; *at != '\0'; at++) {
        int digit = str_hex_digit(*at);
        if ((unsigned)digit >= base) {
            return BUSBAR_EINVAL;
        }
        over |= __builtin_mul_overflow(value, base, &value);
        over |= __builtin_add_overflow(value, (unsigned)digit, &value);
    }
    if (over) {
        return BUSBAR_ERANGE;
    }
    *out = value;
    return 0;
}

int str_parse_i64(const char *text, int64_t *out)
{
    bool negative = text[0] == '-';
    uint64_t size;
    int error = str_parse_u64(negative || text[0] == '+' ? text + 1 : text, &size);
    if (error != 0) {
        return error;
    }
    if (size > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return BUSBAR_ERANGE;
    }
    *out = (int64_t)(negative ? 0 - size : size);
    return 0;
}

static const char *skip_digits(const char *at)
{
    while (*at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* [+-] digits [. digits] [e [+-] digits], at least one digit before or after the point. */
static bool is_decimal(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    const char *whole = skip_digits(at);
    size_t digits = (size_t)(whole - at);
    at = whole;
    if (*at == '.') {
        const char *fraction = skip_digits(at + 1);
        digits += (size_t)(fraction - at - 1);
        at = fraction;
    }
    if (digits > 0 && (*at == 'e' || *at == 'E')) {
        at += at[1] == '-' || at[1] == '+' ? 2 : 1;
        const char *exponent = skip_digits(at);
        if (exponent == at) {
            return false;
        }
        at = exponent;
    }
    return digits > 0 && *at == '\0';
}

int str_parse_double(const char *text, double *out)
{
    if (!is_decimal(text)) {
        return BUSBAR_EINVAL;
    }
    double value = strtod(text, NULL);
    if (isinf(value)) {
        return BUSBAR_ERANGE;
    }
    *out = value;
    return 0;
}

int str_parse_bool(const char *text, bool *out)
{
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return 0;
        }
    }
    return BUSBAR_EINVAL;
}

struct unit {
    const char *name;
    int64_t size;
};

/* Splits "10.5GB" into number text and the unit behind it; NULL when it has no number. */
static const char *split_number(const char *text, char *number, size_t size)
{
    const char *end = skip_digits(text);
    if (*end == '.') {
        end = skip_digits(end + 1);
    }
    size_t length = (size_t)(end - text);
    if (length == 0 || length >= size || *text == '.') {
        return NULL;
    }
    memcpy(number, text, length);
    number[length] = '\0';
    return end;
}

/* number x size, exact for whole numbers. */
static int scale(const char *number, int64_t size, int64_t *out)
{
    int64_t whole;
    int error = str_parse_i64(number, &whole);
    if (error == 0) {
        return __builtin_mul_overflow(whole, size, out) ? BUSBAR_ERANGE : 0;
    }
    double value;
    if (error == BUSBAR_ERANGE || str_parse_double(number, &value) != 0) {
        return error;
    }
    value = round(value * (double)size);
    if (value >= 0x1p63) {
        return BUSBAR_ERANGE;
    }
    *out = (int64_t)value;
    return 0;
}

#define SECOND INT64_C(1000000)

static const struct unit duration_units[] = {
    { "y", 365 * 86400 * SECOND },
    { "w", 7 * 86400 * SECOND },
    { "d", 86400 * SECOND },
    { "h", 3600 * SECOND },
    { "m", 60 * SECOND },
    { "s", SECOND },
    { "ms", 1000 },
    { "us", 1 },
};
enum { DURATION_UNITS = sizeof(duration_units) / sizeof(duration_units[0]) };

/* The row of the unit that the text begins with (its letters up to a digit), DURATION_UNITS when none. */
static size_t find_duration_unit(const char *text, size_t *length)
{
    *length = strcspn(text, "0123456789.");
    if (*length == 3 && memcmp(text, "min", 3) == 0) {
        return 4;
    }
    for (size_t i = 0; i < DURATION_UNITS; i++) {
        if (strlen(duration_units[i].name) == *length &&
            memcmp(text, duration_units[i].name, *length) == 0) {
            return i;
        }
    }
    return DURATION_UNITS;
}

int str_parse_duration_us(const char *text, int64_t *out_us)
{
    if (strcmp(text, "0") == 0) {
        *out_us = 0;
        return 0;
    }
    int64_t sum = 0;
    size_t next_unit = 0; /* parts come in falling order */
    for (const char *at = text; at == text || *at != '\0';) {
        char number[32];
        at = split_number(at, number, sizeof(number));
        if (at == NULL) {
            return BUSBAR_EINVAL;
        }
        size_t length;
        size_t unit = find_duration_unit(at, &length);
        if (unit == DURATION_UNITS || unit < next_unit) {
            return BUSBAR_EINVAL;
        }
        int64_t part;
        int error = scale(number, duration_units[unit].size, &part);
        if (error != 0 || __builtin_add_overflow(sum, part, &sum)) {
            return error != 0 ? error : BUSBAR_ERANGE;
        }
        next_unit = unit + 1;
        at += length;
    }
    *out_us = sum;
    return 0;
}

size_t str_format_duration(char *to, size_t size, int64_t us)
{
    if (us == 0) {
        return str_format(to, size, "0s");
    }
    uint64_t left = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    size_t length = us < 0 ? str_format(to, size, "-") : 0;
    for (size_t i = 0; i < DURATION_UNITS && left > 0 && length + 1 < size; i++) {
        uint64_t unit = (uint64_t)duration_units[i].size;
        if (i == 5 && left < 60 * (uint64_t)SECOND && left % unit != 0) {
            continue; /* 1500ms, not 1s500ms */
        }
        if (i == 1 || left < unit) {
            continue; /* weeks are read, not written */
        }
        if (i == 6 && left % unit != 0) {
            continue; /* 1500us */
        }
        length += str_format(to + length, size - length, "%llu%s",
                             (unsigned long long)(left / unit), duration_units[i].name);
        left %= unit;
    }
    return length;
}

int str_parse_bytes(const char *text, uint64_t *out)
{
    static const struct unit units[] = {
        { "", 1 },          { "B", 1 },           { "kB", 1000 },          { "KB", 1000 },
        { "MB", 1000000 },  { "GB", 1000000000 }, { "TB", 1000000000000 }, { "KiB", 1 << 10 },
        { "MiB", 1 << 20 }, { "GiB", 1 << 30 },   { "TiB", 1LL << 40 },
    };
    char number[32];
    const char *rest = split_number(text, number, sizeof(number));
    if (rest == NULL) {
        return BUSBAR_EINVAL;
    }
    rest += *rest == ' ';
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(rest, units[i].name) == 0) {
            int64_t bytes;
            int error = scale(number, units[i].size, &bytes);
            if (error == 0) {
                *out = (uint64_t)bytes;
            }
            return error;
        }
    }
    return BUSBAR_EINVAL;
}

size_t str_format_bytes(char *to, size_t size, uint64_t bytes)
{
    static const char *const names[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof(names) / sizeof(names[0])) {
        value /= 1000;
        unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return str_format(to, size, "%.*f %s", decimals, value, names[unit]);
}

size_t str_format_double(char *to, size_t size, double value)
{
    if (isnan(value)) {
        return str_format(to, size, "nan");
    }
    if (isinf(value)) {
        return str_format(to, size, value < 0 ? "-inf" : "inf");
    }
    if (fabs(value) < 1e15 && value == trunc(value) && !(value == 0 && signbit(value))) {
        return str_format(to, size, "%lld", (long long)value);
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    return str_format(to, size, "%s", text);
}

size_t str_format_float(char *to, size_t size, float value)
{
    if (!isfinite(value) || (fabsf(value) < 1e15F && value == truncf(value))) {
        return str_format_double(to, size, (double)value);
    }
    char text[40];
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) {
            break;
        }
    }
    return str_format(to, size, "%s", text);
}

size_t str_hex(char *to, size_t size, const void *data, size_t data_size, char separator)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    size_t length = 0;
    for (size_t i = 0; i < data_size; i++) {
        bool separated = i > 0 && separator != '\0';
        if (length + 2 + separated >= size) {
            break;
        }
        if (separated) {
            to[length++] = separator;
        }
        to[length++] = digits[bytes[i] >> 4];
        to[length++] = digits[bytes[i] & 15];
    }
    if (size > 0) {
        to[length] = '\0';
    }
    return length;
}
