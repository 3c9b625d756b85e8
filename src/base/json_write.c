/* SPDX-License-Identifier: Apache-2.0 */
/* The writer keeps one bit a level (object or array) and whether something was written at this level. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "base/str.h"

struct json_writer json_writer(struct buf *out)
{
    return (struct json_writer){ .out = out, .first = true };
}

bool json_complete(const struct json_writer *json)
{
    return json->depth == 0 && !json->first && !json->out->overflow;
}

static bool in_object(const struct json_writer *json)
{
    return json->depth > 0 && (json->is_object >> (json->depth - 1) & 1) != 0;
}

/* Before every value: the comma, and a check that its key was written. */
static void before_value(struct json_writer *json)
{
    assert(json->depth > 0 || json->first); /* one value a document */
    assert(in_object(json) == json->keyed);
    if (!json->first && !json->keyed) {
        (void)buf_append_byte(json->out, ',');
    }
    json->first = false;
    json->keyed = false;
}

static void begin(struct json_writer *json, bool object)
{
    before_value(json);
    assert(json->depth < JSON_WRITE_DEPTH_MAX);
    uint64_t bit = UINT64_C(1) << json->depth;
    json->is_object = object ? json->is_object | bit : json->is_object & ~bit;
    json->depth++;
    json->first = true;
    (void)buf_append_byte(json->out, object ? '{' : '[');
}

static void end(struct json_writer *json, bool object)
{
    assert(json->depth > 0 && in_object(json) == object && !json->keyed);
    json->depth--;
    json->first = false;
    (void)buf_append_byte(json->out, object ? '}' : ']');
}

void json_begin_object(struct json_writer *json)
{
    begin(json, true);
}

void json_end_object(struct json_writer *json)
{
    end(json, true);
}

void json_begin_array(struct json_writer *json)
{
    begin(json, false);
}

void json_end_array(struct json_writer *json)
{
    end(json, false);
}

static void put_escape(struct buf *out, unsigned char c)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof(names); i += 2) {
        if ((unsigned char)names[i] == c) {
            char pair[2] = { '\\', names[i + 1] };
            (void)buf_append(out, pair, sizeof(pair));
            return;
        }
    }
    (void)buf_printf(out, "\\u%04x", c);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_text(struct buf *out, const char *text, size_t size)
{
    (void)buf_append_byte(out, '"');
    size_t at = 0;
    while (at < size) {
        size_t plain = at;
        while (plain < size && is_plain((unsigned char)text[plain])) {
            plain++;
        }
        (void)buf_append(out, text + at, plain - at);
        at = plain;
        if (at == size) {
            break;
        }
        unsigned char c = (unsigned char)text[at];
        if (c < 0x80) {
            put_escape(out, c);
            at++;
            continue;
        }
        size_t good = str_utf8_cut(text + at, size - at, 4);
        size_t bytes = 1;
        while (bytes < good && ((unsigned char)text[at + bytes] & 0xc0) == 0x80) {
            bytes++;
        }
        (void)buf_append(out, good > 0 ? text + at : "\xef\xbf\xbd", good > 0 ? bytes : 3);
        at += bytes;
    }
    (void)buf_append_byte(out, '"');
}

void json_key(struct json_writer *json, const char *key)
{
    assert(in_object(json) && !json->keyed);
    if (!json->first) {
        (void)buf_append_byte(json->out, ',');
    }
    put_text(json->out, key, strlen(key));
    (void)buf_append_byte(json->out, ':');
    json->first = false;
    json->keyed = true;
}

void json_raw(struct json_writer *json, const char *text, size_t size)
{
    before_value(json);
    (void)buf_append(json->out, text, size);
}

void json_null(struct json_writer *json)
{
    json_raw(json, "null", 4);
}

void json_bool(struct json_writer *json, bool value)
{
    json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

void json_string_n(struct json_writer *json, const char *text, size_t size)
{
    before_value(json);
    put_text(json->out, text, size);
}

void json_string(struct json_writer *json, const char *text)
{
    if (text == NULL) {
        json_null(json);
    } else {
        json_string_n(json, text, strlen(text));
    }
}

void json_u64(struct json_writer *json, uint64_t value)
{
    char text[20];
    size_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    json_raw(json, text + at, sizeof(text) - at);
}

void json_i64(struct json_writer *json, int64_t value)
{
    char text[DECIMAL_TEXT_MAX];
    json_raw(json, text, decimal_i64(text, value));
}

void json_double(struct json_writer *json, double value)
{
    if (!isfinite(value)) {
        json_null(json);
        return;
    }
    if (value == 0 && signbit(value)) {
        json_raw(json, "-0.0", 4); /* "-0" would be read back as the integer 0 */
        return;
    }
    char text[40];
    json_raw(json, text, str_format_double(text, sizeof(text), value));
}

void json_time(struct json_writer *json, int64_t time_us)
{
    char text[STR_TIME_MAX];
    json_string_n(json, text, str_format_time(text, sizeof(text), time_us, 0, false));
}

void json_put_string(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

void json_put_i64(struct json_writer *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_i64(json, value);
}

void json_put_u64(struct json_writer *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_u64(json, value);
}

void json_put_double(struct json_writer *json, const char *key, double value)
{
    json_key(json, key);
    json_double(json, value);
}

void json_put_bool(struct json_writer *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

void json_put_null(struct json_writer *json, const char *key)
{
    json_key(json, key);
    json_null(json);
}

void json_put_time(struct json_writer *json, const char *key, int64_t time_us)
{
    json_key(json, key);
    json_time(json, time_us);
}

void json_put_object(struct json_writer *json, const char *key)
{
    json_key(json, key);
    json_begin_object(json);
}

void json_put_array(struct json_writer *json, const char *key)
{
    json_key(json, key);
    json_begin_array(json);
}

/* Recursive, bounded by the reader's depth limit. Texts with a NUL in them are kept whole. */
void json_copy(struct json_writer *json, const struct json_value *value)
{
    int64_t integer;
    uint64_t natural;
    double number;
    bool truth;
    struct json_iter it = json_iter(value);
    const char *key, *text;
    const struct json_value *item;
    size_t size = 0;
    switch (json_type(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        json_type(value) == JSON_OBJECT ? json_begin_object(json) : json_begin_array(json);
        while (json_next(&it, &key, &item)) {
            if (key != NULL) {
                json_key(json, key);
            }
            json_copy(json, item);
        }
        json_type(value) == JSON_OBJECT ? json_end_object(json) : json_end_array(json);
        break;
    case JSON_STRING:
        text = json_get_text(value, &size);
        json_string_n(json, text, size);
        break;
    case JSON_INTEGER:
        if (json_get_i64(value, &integer) == 0) {
            json_i64(json, integer);
        } else if (json_get_u64(value, &natural) == 0) {
            json_u64(json, natural);
        }
        break;
    case JSON_DOUBLE: json_double(json, json_get_double(value, &number) == 0 ? number : 0); break;
    case JSON_BOOL: json_bool(json, json_get_bool(value, &truth) == 0 && truth); break;
    default: json_null(json);
    }
}
