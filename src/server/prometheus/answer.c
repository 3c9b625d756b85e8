/* SPDX-License-Identifier: Apache-2.0 */
#include "server/prometheus/answer.h"

#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

enum {
    POINT_TEXT_MAX = 2 * DECIMAL_TEXT_MAX + 16, /* [time,"value"], and what is around */
    POINTS_AT_ONCE = 512,                       /* room is made for so many */
    MICROS_DIGITS = 6,
    ESCAPED_MAX = 6, /* a byte becomes so many */
};

/* ---- texts ---- */

#define BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes at once: any of them below space, a quote or a backslash. */
static bool any_special(uint64_t bytes)
{
    uint64_t quote = bytes ^ BYTES('"'), slash = bytes ^ BYTES('\\');
    uint64_t found = ((bytes - BYTES(0x20)) & ~bytes) | ((quote - BYTES(1)) & ~quote) |
                     ((slash - BYTES(1)) & ~slash);
    return (found & BYTES(0x80)) != 0;
}

static char *put_escaped(char *to, char c)
{
    static const char short_forms[][2] = {
        { '"', '"' }, { '\\', '\\' }, { '\n', 'n' }, { '\t', 't' }, { '\r', 'r' }
    };
    *to++ = '\\';
    for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++) {
        if (c == short_forms[i][0]) {
            *to++ = short_forms[i][1];
            return to;
        }
    }
    static const char digits[] = "0123456789abcdef";
    const char code[] = { 'u', '0', '0', digits[c >> 4 & 15], digits[c & 15] };
    memcpy(to, code, sizeof(code));
    return to + sizeof(code);
}

/* In quotes; needs room for six times the text and two. */
static char *put_text(char *to, const char *text, size_t size)
{
    *to++ = '"';
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, text + at, sizeof(bytes));
        if (any_special(bytes)) {
            break;
        }
        memcpy(to, &bytes, sizeof(bytes));
        to += 8;
    }
    for (; at < size; at++) {
        char c = text[at];
        if ((unsigned char)c >= 0x20 && c != '"' && c != '\\') {
            *to++ = c;
        } else {
            to = put_escaped(to, c);
        }
    }
    *to++ = '"';
    return to;
}

void answer_text(struct buf *out, const char *text, size_t size)
{
    char *begin = (char *)buf_reserve(out, ESCAPED_MAX * size + 2);
    if (begin != NULL) {
        buf_commit(out, (size_t)(put_text(begin, text, size) - begin));
    }
}

void answer_labels(struct buf *out, const struct label *labels, size_t count)
{
    size_t room = 2;
    for (size_t i = 0; i < count; i++) {
        room += ESCAPED_MAX * ((size_t)labels[i].name_size + labels[i].value_size) + 6;
    }
    char *begin = (char *)buf_reserve(out, room), *to = begin;
    if (begin == NULL) {
        return; /* the overflow is looked at once, at the end */
    }
    *to++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            *to++ = ',';
        }
        to = put_text(to, labels[i].name, labels[i].name_size);
        *to++ = ':';
        to = put_text(to, labels[i].value, labels[i].value_size);
    }
    *to++ = '}';
    buf_commit(out, (size_t)(to - begin));
}

/* ---- points ---- */

static size_t time_text(char to[DECIMAL_TEXT_MAX], int64_t time_us)
{
    size_t used = 0;
    uint64_t us = (uint64_t)time_us;
    if (time_us < 0) {
        to[used++] = '-';
        us = -us;
    }
    uint64_t fraction = us % (uint64_t)CLOCK_US_PER_S;
    used += decimal_u64(to + used, us / (uint64_t)CLOCK_US_PER_S);
    if (fraction == 0) {
        return used;
    }
    int digits = MICROS_DIGITS;
    if (fraction % 1000 == 0) {
        fraction /= 1000;
        digits -= 3;
    }
    to[used] = '.';
    for (int i = digits; i > 0; i--) {
        to[used + (size_t)i] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    return used + 1 + (size_t)digits;
}

void answer_time(struct buf *out, int64_t time_us)
{
    char text[DECIMAL_TEXT_MAX];
    (void)buf_append(out, text, time_text(text, time_us));
}

/* [time,"value"] */
static size_t point_text(char *to, const struct promql_point *point)
{
    size_t used = 0;
    to[used++] = '[';
    used += time_text(to + used, point->time_us);
    to[used++] = ',';
    to[used++] = '"';
    used += decimal_text(to + used, point->value);
    to[used++] = '"';
    to[used++] = ']';
    return used;
}

static void put_points(struct buf *out, const struct promql_point *points, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t end = count - at < POINTS_AT_ONCE ? count : at + POINTS_AT_ONCE;
        char *to = (char *)buf_reserve(out, (end - at) * POINT_TEXT_MAX);
        size_t used = 0;
        if (to == NULL) {
            return;
        }
        for (; at < end; at++) {
            if (at > 0) {
                to[used++] = ',';
            }
            used += point_text(to + used, &points[at]);
        }
        buf_commit(out, used);
    }
}

static void put_series(struct buf *out, const struct promql_series *series, bool vector)
{
    (void)buf_append_text(out, "{\"metric\":");
    answer_labels(out, series->labels, series->label_count);
    if (vector) {
        (void)buf_append_text(out, ",\"value\":");
        put_points(out, series->points, 1);
        (void)buf_append_byte(out, '}');
        return;
    }
    (void)buf_append_text(out, ",\"values\":[");
    put_points(out, series->points, series->count);
    (void)buf_append_text(out, "]}");
}

bool answer_result(struct buf *out, const struct promql_result *result, int64_t time_us,
                   size_t limit)
{
    bool cut = limit > 0 && result->count > limit;
    (void)buf_printf(out, "{\"resultType\":\"%s\",\"result\":", promql_type_word(result->type));
    if (result->type == PROMQL_SCALAR) {
        put_points(out, &result->scalar, 1);
        return false;
    }
    if (result->type == PROMQL_STRING) {
        (void)buf_append_byte(out, '[');
        answer_time(out, time_us);
        (void)buf_append_byte(out, ',');
        answer_text(out, result->string, strlen(result->string));
        (void)buf_append_byte(out, ']');
        return false;
    }
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < (cut ? limit : result->count); i++) {
        if (i > 0) {
            (void)buf_append_byte(out, ',');
        }
        put_series(out, &result->series[i], result->type == PROMQL_VECTOR);
    }
    (void)buf_append_byte(out, ']');
    return cut;
}
