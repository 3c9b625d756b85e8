/* SPDX-License-Identifier: Apache-2.0 */
#include "server/prometheus/answer.h"

#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"

enum {
    POINT_TEXT_MAX = 2 * DECIMAL_TEXT_MAX + 16, /* [time,"value"], and what is around */
    POINTS_AT_ONCE = 512,                       /* room is made for so many */
    MICROS_DIGITS = 6,
};

/* ---- texts ---- */

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static void put_escaped(struct buf *out, char c)
{
    static const char short_forms[][2] = {
        { '"', '"' }, { '\\', '\\' }, { '\n', 'n' }, { '\t', 't' }, { '\r', 'r' }
    };
    for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++) {
        if (c == short_forms[i][0]) {
            const char text[] = { '\\', short_forms[i][1] };
            (void)buf_append(out, text, sizeof(text));
            return;
        }
    }
    (void)buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
}

void answer_text(struct buf *out, const char *text, size_t size)
{
    (void)buf_append_byte(out, '"');
    for (size_t at = 0; at < size;) {
        size_t run = at;
        while (run < size && is_plain(text[run])) {
            run++;
        }
        (void)buf_append(out, text + at, run - at);
        if (run < size) {
            put_escaped(out, text[run++]);
        }
        at = run;
    }
    (void)buf_append_byte(out, '"');
}

void answer_labels(struct buf *out, const struct label *labels, size_t count)
{
    (void)buf_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            (void)buf_append_byte(out, ',');
        }
        answer_text(out, labels[i].name, labels[i].name_size);
        (void)buf_append_byte(out, ':');
        answer_text(out, labels[i].value, labels[i].value_size);
    }
    (void)buf_append_byte(out, '}');
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
            return; /* the overflow is looked at once, at the end */
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
