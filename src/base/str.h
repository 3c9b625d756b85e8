/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text: bounded copies, strict parsing (the whole text or nothing), durations, sizes, times, patterns.
 * All parsers return 0, BUSBAR_EINVAL (not such a text) or BUSBAR_ERANGE (too big), leave *out
 * untouched on error, and do not depend on the locale.
 */
#ifndef BUSBAR_BASE_STR_H
#define BUSBAR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies with the terminating NUL, cut to `size` bytes (never inside a UTF-8 character). False: it was cut. */
bool str_copy(char *to, size_t size, const char *from);

/* printf into to[size]; returns the length written (cut length when it did not fit). */
size_t str_format(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Cuts white space from both ends in place; returns the first character kept. */
char *str_trim(char *text);

bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* Decimal, or hexadecimal after 0x; a sign where the type has one; no white space. */
int str_parse_i64(const char *text, int64_t *out);
int str_parse_u64(const char *text, uint64_t *out);

/* Decimal or exponent notation; no hexadecimal, NaN or infinity. */
int str_parse_double(const char *text, double *out);

/* "true" "false" "yes" "no" "on" "off", lower case. */
int str_parse_bool(const char *text, bool *out);

/* Number and unit: us, ms, s, m (or min), h, d, w, y (365 days); parts may follow one another in falling order:
 * "1h30m". "0" needs no unit. Fractions ("1.5s") are fine. Not negative. */
int str_parse_duration_us(const char *text, int64_t *out_us);

/* Number and unit: B, kB, MB, GB, TB (1000) or KiB, MiB, GiB, TiB (1024); a bare number is bytes. */
int str_parse_bytes(const char *text, uint64_t *out);

/* Shortest exact text that str_parse_duration_us() reads back: "1500ms", "90s" -> "1m30s", "2h". */
size_t str_format_duration(char *to, size_t size, int64_t us);

/* "980 B", "10.5 MB" (1000-based, three digits) for people. */
size_t str_format_bytes(char *to, size_t size, uint64_t bytes);

/* The shortest decimal text that reads back as the same double: "0.1", "21.5", "1e+300"; "nan" "inf" "-inf". */
size_t str_format_double(char *to, size_t size, double value);

/* The shortest that reads back as the same float: a register's 21.7F is "21.7", not "21.700000762939453". */
size_t str_format_float(char *to, size_t size, float value);

/* RFC 3339 with microseconds: "2026-11-22T10:44:08.000123Z"; with an offset in minutes east of UTC
 * "2026-11-22T11:44:08.000123+01:00". Whole seconds have no fraction when `short_form`. Years 0000-9999. */
enum { STR_TIME_MAX = 36 };
size_t str_format_time(char *to, size_t size, int64_t time_us, int offset_minutes, bool short_form);

/* RFC 3339, any number of fraction digits (cut at microseconds), 'T', 't' or space between, offset required;
 * a leap second (:60) is taken as the last microsecond before the next minute. */
int str_parse_time(const char *text, int64_t *out_us);

/* The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours), case ignored; NULL
 * when none is near enough: at most 1 for words up to 3 characters, 2 up to 8, else 3. NULL candidates are skipped. */
const char *str_nearest(const char *word, const char *const *candidates, size_t count);

/* Whole-text match: `*` any run of characters, also none, also across '/' (so "ahu-1/" followed by `*` takes all
 * below ahu-1, and a lone `*` takes everything); `?` one character (UTF-8). No escape. Linear time. */
bool str_glob(const char *pattern, const char *text);

/* True for well-formed UTF-8 (no overlong forms, surrogates, or over U+10FFFF). */
bool str_is_utf8(const char *text, size_t size);

/* Length in bytes of the longest well-formed prefix that fits in max bytes. */
size_t str_utf8_cut(const char *text, size_t size, size_t max);

/* Writes a character, at most U+10FFFF and no surrogate, as UTF-8; returns its 1 to 4 bytes. */
size_t str_put_utf8(char to[4], uint32_t character);

/* Columns in a text: UTF-8 characters, not bytes. */
size_t str_utf8_length(const char *text, size_t size);

/* The value of a hexadecimal digit of either case; -1: it is none. */
int str_hex_digit(char c);

/* Lower-case hexadecimal of data, `separator` between bytes (0: none), cut to whole bytes. Returns the length. */
size_t str_hex(char *to, size_t size, const void *data, size_t data_size, char separator);

#endif
