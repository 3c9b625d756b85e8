/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/json_lines.h"

#include <math.h>

#include "base/json.h"
#include "base/str.h"
#include "history/reader.h"
#include "server/ingest/number.h"
#include "server/ingest/scan.h"

enum { KIND = 4, DEPTH_MAX = 16 };

struct mistake {
    const char *at;
    const char *why;
};

struct span {
    const char *at, *end; /* with its brackets or quotation marks */
};

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at;
}

/* Behind the string that begins at `at`; NULL: it has no end. */
static const char *behind_string(const char *at, const char *end)
{
    for (at = ingest_scan(at + 1, end, '"', '\\', '"'); at < end && *at == '\\';
         at = ingest_scan(at, end, '"', '\\', '"')) {
        at += at + 1 < end ? 2 : 1;
    }
    return at < end ? at + 1 : NULL;
}

/* Behind a value of any kind; NULL: none, or broken. */
static const char *behind_value(const char *at, const char *end)
{
    unsigned depth = 0;
    while (at != NULL && at < end) {
        switch (*at) {
        case '"': at = behind_string(at, end); break;
        case '{':
        case '[': {
            depth++;
            const char *next = *at == '[' ? ingest_scan(at + 1, end, ']', '"', '[') : at + 1;
            at = next < end && *next == ']' ? next : at + 1;
            break;
        }
        case '}':
        case ']':
            if (depth == 0) {
                return NULL;
            }
            depth--;
            at++;
            break;
        case ',':
        case ':':
        case ' ': at += depth > 0; break;
        default: do { at++;
            } while (at < end && (*at == '\0' || strchr(",:]} \t\r\"", *at) == NULL));
        }
        if (depth == 0 || depth > DEPTH_MAX) {
            return depth == 0 ? at : NULL;
        }
        at = at != NULL ? skip_blanks(at, end) : NULL;
    }
    return NULL;
}

/* ---- a new series ---- */

static unsigned hex4(const char *at, const char *end)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = at + i < end ? str_hex_digit(at[i]) : -1;
        value = value << 4 | (digit >= 0 ? (unsigned)digit : 0x10000);
    }
    return value; /* above 0xffff: not four digits */
}

/* \uXXXX, a pair of them for what is above U+FFFF; *at is behind the u. False: wrong. */
static bool unicode(const char **at, const char *end, char *to, size_t *count)
{
    unsigned code = hex4(*at, end);
    *at += 4;
    if (code >= 0xd800 && code < 0xdc00) {
        unsigned low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex4(*at + 2, end)
                                                                             : 0;
        if (low < 0xdc00 || low > 0xdfff) {
            return false;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *at += 6;
    } else if (code > 0xffff || (code >= 0xdc00 && code <= 0xdfff)) {
        return false;
    }
    *count += str_put_utf8(to + *count, code);
    return true;
}

/* The text of a string; never longer than it is written. NULL: out of memory, or a wrong escape. */
static const char *plain_text(struct arena *arena, struct span string, size_t *size)
{
    const char *at = string.at + 1;
    const char *end = string.end - 1;
    *size = (size_t)(end - at);
    if (memchr(at, '\\', *size) == NULL) {
        return at;
    }
    char *to = arena_alloc(arena, *size);
    size_t count = 0;
    while (to != NULL && at < end) {
        static const char letters[] = "\"\\/bfnrt";
        static const char meant[] = "\"\\/\b\f\n\r\t";
        char c = *at++;
        if (c != '\\') {
            to[count++] = c;
            continue;
        }
        c = *at++; /* the string's end mark is not escaped, so there is one */
        const char *letter = c != '\0' ? strchr(letters, c) : NULL;
        if (letter != NULL) {
            to[count++] = meant[letter - letters];
        } else if (c != 'u' || !unicode(&at, end, to, &count)) {
            return NULL;
        }
    }
    *size = count;
    return to;
}

static int wrong_label(const struct ingest_ref *ref, const char *at, struct err *err)
{
    const struct position place = { .column = (int)(at - ref->name) + 1 };
    return err_at(err, BUSBAR_ESYNTAX, place, NULL,
                  "'metric' must be an object of names and texts");
}

static int labels_of(const struct ingest_ref *ref, struct arena *arena,
                     struct label labels[LABELS_MAX], size_t *count, struct err *err)
{
    const char *end = ref->name + ref->name_size - 1; /* the brace */
    const char *at = skip_blanks(ref->name + 1, end);
    *count = 0;
    while (at < end) {
        const char *first = at;
        struct span texts[2];
        for (int i = 0; i < 2; i++) {
            const char *behind = at < end && *at == '"' ? behind_string(at, end) : NULL;
            if (behind == NULL) {
                return wrong_label(ref, at, err);
            }
            texts[i] = (struct span){ at, behind };
            at = skip_blanks(behind, end);
            if (i == 0 && at < end && *at == ':') {
                at = skip_blanks(at + 1, end);
            } else if (i == 0) {
                return wrong_label(ref, at, err);
            }
        }
        if (at < end && *at != ',') {
            return wrong_label(ref, at, err);
        }
        at = skip_blanks(at + (at < end), end);
        if (*count == LABELS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d labels", LABELS_MAX);
        }
        struct label *label = &labels[(*count)++];
        size_t name_size = 0, value_size = 0;
        label->name = plain_text(arena, texts[0], &name_size);
        label->value = plain_text(arena, texts[1], &value_size);
        label->name_size = (uint32_t)name_size;
        label->value_size = (uint32_t)value_size;
        if (label->name == NULL || label->value == NULL) {
            return wrong_label(ref, first, err);
        }
    }
    return 0;
}

/* ---- a line ---- */

static size_t element_count(struct span array)
{
    size_t count = 0;
    for (const char *at = array.at; at < array.end; at++) {
        count += *at == ',';
    }
    return skip_blanks(array.at + 1, array.end) == array.end - 1 ? 0 : count + 1;
}

static bool is_key(struct span key, const char *name)
{
    return (size_t)(key.end - key.at) == strlen(name) + 2 &&
           memcmp(key.at + 1, name, strlen(name)) == 0;
}

/* The three members. False: wrong. */
static bool members(const char *at, const char *end, struct span *metric, struct span *values,
                    struct span *times, struct mistake *wrong)
{
    *wrong = (struct mistake){ at, "a line is a JSON object" };
    if (at == end || *at != '{') {
        return false;
    }
    at = skip_blanks(at + 1, end);
    while (at < end && *at != '}') {
        struct span key, value;
        *wrong = (struct mistake){ at, "here a member's name in quotation marks belongs" };
        key.at = at;
        key.end = *at == '"' ? behind_string(at, end) : NULL;
        at = key.end != NULL ? skip_blanks(key.end, end) : NULL;
        if (at == NULL || at == end || *at != ':') {
            return false;
        }
        value.at = skip_blanks(at + 1, end);
        value.end = behind_value(value.at, end);
        *wrong = (struct mistake){ value.at, "a value that is broken or nested too deep" };
        if (value.end == NULL || value.end == value.at) {
            return false;
        }
        struct span *known = is_key(key, "metric")       ? metric
                             : is_key(key, "values")     ? values
                             : is_key(key, "timestamps") ? times
                                                         : NULL;
        if (known != NULL) {
            *known = value;
        }
        at = skip_blanks(value.end, end);
        *wrong = (struct mistake){ at, "between two members there must be a comma" };
        if (at < end && *at == ',') {
            at = skip_blanks(at + 1, end);
        } else if (at == end || *at != '}') {
            return false;
        }
    }
    *wrong = (struct mistake){ at, "the object has no end in this line" };
    return at < end && skip_blanks(at + 1, end) == end;
}

static bool is_kind(struct span span, char first)
{
    return span.at != NULL && *span.at == first && span.end - span.at >= 2;
}

/* Makes the series of the line the one in work. False: wrong. */
static bool open_line(struct ingest_json_lines *in, struct ingest_rows *rows, const char *end,
                      struct mistake *wrong)
{
    struct span metric = { 0 }, values = { 0 }, times = { 0 };
    if (!members(in->at, end, &metric, &values, &times, wrong)) {
        return false;
    }
    wrong->at = in->at;
    wrong->why = "'metric' (an object), 'values' and 'timestamps' (arrays) are all needed";
    if (!is_kind(metric, '{') || !is_kind(values, '[') || !is_kind(times, '[')) {
        return false;
    }
    wrong->at = times.at;
    wrong->why = "'values' and 'timestamps' have not the same length";
    if (element_count(values) != element_count(times)) {
        return false;
    }
    in->name = metric.at;
    in->name_size = (uint32_t)(metric.end - metric.at);
    in->key = ingest_key_add(rows->cache, rows->start, in->name, in->name_size);
    in->value = skip_blanks(values.at + 1, values.end);
    in->value_end = values.end - 1;
    in->time = skip_blanks(times.at + 1, times.end);
    in->time_end = times.end - 1;
    in->start = in->at;
    in->at = end;
    in->in_series = true;
    return true;
}

/* A number, null, or a text that stands for a number. */
static const char *value_of(const char *at, const char *end, union value *value)
{
    if (at < end && *at == '"') {
        const char *behind = ingest_number(at + 1, end, &value->d);
        return behind != NULL && behind < end && *behind == '"' ? behind + 1 : NULL;
    }
    if (end - at >= 4 && memcmp(at, "null", 4) == 0) {
        value->d = history_stale();
        return at + 4;
    }
    return ingest_number(at, end, &value->d);
}

/* Behind the comma that follows, at the end of the array, or NULL: something else is there. */
static const char *next_element(const char *at, const char *end)
{
    at = at != NULL ? skip_blanks(at, end) : NULL;
    if (at == NULL || at == end) {
        return at;
    }
    return *at == ',' ? skip_blanks(at + 1, end) : NULL;
}

/* The samples of the series in work. False: the turn is over. */
static bool get_samples(struct ingest_json_lines *in, struct ingest_rows *rows)
{
    struct ingest_ref *ref = ingest_rows_series(rows, in->key);
    ref->name = in->name;
    ref->name_size = in->name_size;
    ref->line = in->line;
    ingest_rows_take(rows);
    while (in->value < in->value_end && in->time < in->time_end) {
        union value value = { 0 };
        int64_t ms = 0, time_us = 0;
        const char *next_value = next_element(value_of(in->value, in->value_end, &value),
                                              in->value_end);
        const char *next_time = next_element(ingest_integer(in->time, in->time_end, &ms),
                                             in->time_end);
        bool fits = !__builtin_mul_overflow(ms, 1000, &time_us);
        if (next_value == NULL || next_time == NULL || !fits) {
            const char *at = next_value == NULL ? in->value : in->time;
            rows->received++;
            ingest_rows_refuse(rows, INGEST_SYNTAX, 1, in->line, (size_t)(at - in->start) + 1,
                               next_value == NULL ? "no value: a number, null, \"NaN\" or "
                                                    "\"Infinity\" belongs here"
                                                  : "no time: whole milliseconds belong here");
            break; /* what is behind it cannot be told apart */
        }
        if (!ingest_rows_add(rows, ref, time_us, value)) {
            return false;
        }
        in->value = next_value;
        in->time = next_time;
    }
    in->in_series = false;
    return true;
}

void ingest_json_lines_begin(struct ingest_json_lines *in, struct ingest_rows *rows,
                             const char *text, size_t size)
{
    *in = (struct ingest_json_lines){ .at = text, .end = text + size, .line = 1 };
    ingest_rows_begin(rows, KIND, labels_of);
}

static void read_line(struct ingest_json_lines *in, struct ingest_rows *rows)
{
    struct mistake wrong = { 0 };
    const char *end = ingest_scan(in->at, in->end, '\n', '\n', '\n');
    in->at = skip_blanks(in->at, end);
    if (in->at < end && !open_line(in, rows, end, &wrong)) {
        rows->received++;
        ingest_rows_refuse(rows, INGEST_SYNTAX, 1, in->line, (size_t)(wrong.at - in->at) + 1, "%s",
                           wrong.why);
    }
    in->at = end;
}

bool ingest_json_lines_turn(struct ingest_json_lines *in, struct ingest_rows *rows)
{
    ingest_rows_turn(rows);
    while ((in->in_series || in->at < in->end) && !ingest_rows_full(rows)) {
        if (!in->in_series) {
            read_line(in, rows);
        }
        if (in->in_series && !get_samples(in, rows)) {
            break;
        }
        if (in->at < in->end) {
            in->line++;
            in->at++;
        }
    }
    return in->in_series || in->at < in->end;
}

/* ---- writing ---- */

static void put_value(struct json_writer *json, double value)
{
    if (history_is_stale(value)) {
        json_null(json);
    } else if (isnan(value)) {
        json_string(json, "NaN");
    } else if (isinf(value)) {
        json_string(json, value > 0 ? "Infinity" : "-Infinity");
    } else {
        json_double(json, value);
    }
}

void ingest_json_lines_put(struct buf *out, const struct label *labels, size_t label_count,
                           const int64_t *times_us, const double *values, size_t count)
{
    char name[LABEL_NAME_BYTES_MAX + 1];
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    json_put_object(&json, "metric");
    for (size_t i = 0; i < label_count; i++) {
        memcpy(name, labels[i].name, labels[i].name_size);
        name[labels[i].name_size] = '\0';
        json_key(&json, name);
        json_string_n(&json, labels[i].value, labels[i].value_size);
    }
    json_end_object(&json);
    json_put_array(&json, "values");
    for (size_t i = 0; i < count; i++) {
        put_value(&json, values[i]);
    }
    json_end_array(&json);
    json_put_array(&json, "timestamps");
    for (size_t i = 0; i < count; i++) {
        json_i64(&json, times_us[i] / 1000);
    }
    json_end_array(&json);
    json_end_object(&json);
    (void)buf_append_byte(out, '\n');
}
