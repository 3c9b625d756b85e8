/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/influx.h"

#include "base/str.h"
#include "server/ingest/number.h"
#include "server/ingest/scan.h"

enum { KIND = 1, NS_PER_US = 1000, FIELD_SHOWN = 64 };

#define NS_PER_S INT64_C(1000000000)

/* Where a line is wrong, and why. */
struct mistake {
    const char *at;
    const char *why;
};

bool ingest_influx_precision(const char *text, int64_t *unit_ns)
{
    static const struct {
        const char *word;
        int64_t unit_ns;
    } units[] = {
        { "", 0 },
        { "ns", 1 },
        { "n", 1 },
        { "us", 1000 },
        { "u", 1000 },
        { "\xc2\xb5", 1000 },
        { "ms", 1000000 },
        { "s", NS_PER_S },
        { "m", 60 * NS_PER_S },
        { "h", 3600 * NS_PER_S },
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(text != NULL ? text : "", units[i].word) == 0) {
            *unit_ns = units[i].unit_ns;
            return true;
        }
    }
    return false;
}

/* ---- a new series ---- */

/* The first `c` without a backslash before it, else end. */
static const char *unescaped(const char *at, const char *end, char c)
{
    for (; at < end && *at != c; at++) {
        at += *at == '\\' && at + 1 < end;
    }
    return at;
}

/* Without backslashes before , = space and backslash. NULL: out of memory. */
static const char *plain_text(struct arena *arena, const char *at, size_t size, size_t *plain_size)
{
    *plain_size = size;
    if (memchr(at, '\\', size) == NULL) {
        return at;
    }
    char *to = arena_alloc(arena, size);
    size_t count = 0;
    for (size_t i = 0; to != NULL && i < size; i++) {
        bool escape = at[i] == '\\' && i + 1 < size && strchr(" ,=\\", at[i + 1]) != NULL &&
                      at[i + 1] != '\0';
        i += escape;
        to[count++] = at[i];
    }
    *plain_size = count;
    return to;
}

/* name `measurement_field` */
static int metric(struct arena *arena, const char *measurement, size_t measurement_size,
                  const struct ingest_ref *ref, struct label *label, struct err *err)
{
    size_t front = 0, back = 0;
    const char *field_end = ref->field + ref->field_size;
    if (unescaped(ref->field, field_end, ' ') != field_end ||
        unescaped(ref->field, field_end, ',') != field_end) {
        return err_set(err, BUSBAR_ESYNTAX, "the field '%.*s' has no '='",
                       ref->field_size < FIELD_SHOWN ? (int)ref->field_size : FIELD_SHOWN,
                       ref->field);
    }
    const char *first = plain_text(arena, measurement, measurement_size, &front);
    const char *second = plain_text(arena, ref->field, ref->field_size, &back);
    char *name = arena_alloc(arena, front + 1 + back);
    if (first == NULL || second == NULL || name == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    memcpy(name, first, front);
    name[front] = '_';
    front += front > 0;
    memcpy(name + front, second, back);
    *label = (struct label){ .name = LABEL_METRIC,
                             .name_size = sizeof(LABEL_METRIC) - 1,
                             .value = name,
                             .value_size = (uint32_t)(front + back) };
    return 0;
}

static int wrong_tag(const struct ingest_ref *ref, const char *at, const char *why, struct err *err)
{
    const struct position place = { .column = (int)(at - ref->name) + 1 };
    return err_at(err, BUSBAR_ESYNTAX, place, NULL, "%s", why);
}

static int labels_of(const struct ingest_ref *ref, struct arena *arena,
                     struct label labels[LABELS_MAX], size_t *count, struct err *err)
{
    const char *at = ref->name;
    const char *end = ref->name + ref->name_size;
    const char *behind = unescaped(at, end, ',');
    *count = 0;
    int error = metric(arena, at, (size_t)(behind - at), ref, &labels[(*count)++], err);
    while (error == 0 && behind < end) {
        at = behind + 1;
        behind = unescaped(at, end, ',');
        const char *equals = unescaped(at, behind, '=');
        if (equals == behind) {
            return wrong_tag(ref, at, "a tag without '='", err);
        }
        if (equals == at || equals + 1 == behind) {
            continue; /* an empty name or value is no label */
        }
        if (*count == LABELS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d labels", LABELS_MAX);
        }
        size_t name_size = 0, value_size = 0;
        struct label *label = &labels[(*count)++];
        label->name = plain_text(arena, at, (size_t)(equals - at), &name_size);
        label->value = plain_text(arena, equals + 1, (size_t)(behind - equals - 1), &value_size);
        if (label->name == NULL || label->value == NULL) {
            return err_set(err, BUSBAR_ENOMEM, "out of memory");
        }
        label->name_size = (uint32_t)name_size;
        label->value_size = (uint32_t)value_size;
    }
    return error;
}

/* ---- a value ---- */

/* "text", from the first quotation mark to behind the last. NULL: no end. */
static const char *quoted(struct ingest_influx *in, struct ingest_rows *rows, const char *at,
                          union value *value, struct mistake *wrong)
{
    const char *first = at + 1;
    const char *end = ingest_scan(first, in->end, '"', '\\', '"');
    bool escapes = end < in->end && *end == '\\';
    end = unescaped(end, in->end, '"');
    size_t size = (size_t)(end - first);
    wrong->why = end == in->end              ? "a text without its closing quotation mark"
                 : size > TEXT_BYTES_MAX     ? "a text of more than 4096 bytes"
                 : !str_is_utf8(first, size) ? "a text that is not UTF-8"
                                             : NULL;
    struct text *text = wrong->why == NULL ? arena_alloc(&rows->arena, sizeof(*text) + size + 1)
                                           : NULL;
    if (text == NULL) {
        wrong->why = wrong->why != NULL ? wrong->why : "out of memory";
        return NULL;
    }
    for (size_t i = 0; i < size; i++) {
        i += escapes && first[i] == '\\' && i + 1 < size &&
             (first[i + 1] == '"' || first[i + 1] == '\\');
        text->bytes[text->size++] = first[i];
        in->line += first[i] == '\n';
    }
    value->text = text;
    return end + 1;
}

static const char *boolean(const char *at, const char *end, union value *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        { "true", true },   { "True", true },   { "TRUE", true },   { "t", true },  { "T", true },
        { "false", false }, { "False", false }, { "FALSE", false }, { "f", false }, { "F", false },
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i].word);
        if ((size_t)(end - at) >= size && memcmp(at, words[i].word, size) == 0) {
            value->bits = words[i].value;
            return at + size;
        }
    }
    return NULL;
}

static const char *whole(const char *at, const char *end, uint8_t *type, union value *value)
{
    const char *behind = ingest_integer(at, end, &value->i);
    if (behind != NULL && behind < end && *behind == 'i') {
        *type = VALUE_INT;
        return behind + 1;
    }
    uint64_t big = 0;
    behind = ingest_unsigned(at, end, &big);
    if (behind == NULL || behind == end || *behind != 'u') {
        return NULL;
    }
    *type = big <= INT64_MAX ? VALUE_INT : VALUE_DOUBLE;
    if (big <= INT64_MAX) {
        value->i = (int64_t)big;
    } else {
        value->d = (double)big;
    }
    return behind + 1;
}

static const char *value_of(struct ingest_influx *in, struct ingest_rows *rows, const char *at,
                            uint8_t *type, union value *value, struct mistake *wrong)
{
    if (at < in->end && *at == '"') {
        *type = VALUE_TEXT;
        return quoted(in, rows, at, value, wrong);
    }
    const char *behind = ingest_number(at, in->end, &value->d);
    *type = VALUE_DOUBLE;
    if (behind != NULL && behind < in->end && (*behind == 'i' || *behind == 'u')) {
        behind = whole(at, in->end, type, value);
        wrong->why = behind == NULL ? "a whole number that does not fit" : NULL;
        return behind;
    }
    if (behind == NULL) {
        *type = VALUE_BOOL;
        behind = boolean(at, in->end, value);
    }
    wrong->why = behind == NULL ? "no value: a number, t, f, true, false or \"text\" belongs here"
                                : NULL;
    return behind;
}

/* ---- a line ---- */

static bool ends_part(const struct ingest_influx *in, const char *at)
{
    return at == in->end || *at == '\n' || *at == ' ' || *at == '\r';
}

/* field=value[,field=value...]; what is behind them, or NULL. */
static const char *fields(struct ingest_influx *in, struct ingest_rows *rows, const char *name,
                          size_t name_size, const char *at, struct mistake *wrong)
{
    const struct ingest_key start = ingest_key_add(rows->cache, rows->start, name, name_size);
    for (;;) {
        const char *equals = ingest_scan(at, in->end, '=', '\n', '\\');
        if (equals < in->end && *equals == '\\') {
            equals = unescaped(equals, ingest_scan(equals, in->end, '\n', '\n', '\n'), '=');
        }
        wrong->at = at;
        if (equals == in->end || *equals != '=' || equals == at) {
            wrong->why = "a field without a name or '='";
            return NULL;
        }
        uint8_t type = 0;
        union value value = { 0 };
        wrong->at = equals + 1;
        const char *behind = value_of(in, rows, equals + 1, &type, &value, wrong);
        if (behind == NULL) {
            return NULL;
        }
        size_t size = (size_t)(equals - at);
        struct ingest_ref *ref = ingest_rows_series(rows,
                                                    ingest_key_add(rows->cache, start, at, size));
        if (ref == NULL) {
            wrong->why = "more than 4096 fields in a line";
            return NULL;
        }
        ref->name = name;
        ref->name_size = (uint32_t)name_size;
        ref->field = at;
        ref->field_size = (uint32_t)size;
        ref->line = in->line;
        ingest_rows_stage(rows, ref, type, value);
        if (behind == in->end || *behind != ',') {
            wrong->at = behind;
            wrong->why = "after a value there must be a comma, a space or the end of the line";
            return ends_part(in, behind) ? behind : NULL;
        }
        at = behind + 1;
    }
}

/* [ time][\r]; what is behind the line, or NULL. */
static const char *time_of(const struct ingest_influx *in, const struct ingest_rows *rows,
                           const char *at, int64_t *time_us, struct mistake *wrong)
{
    *time_us = rows->now_us;
    while (at < in->end && *at == ' ') {
        at++;
    }
    wrong->at = at;
    if (!ends_part(in, at)) {
        int64_t time = 0;
        at = ingest_integer(at, in->end, &time);
        wrong->why = "no time: a whole number belongs here";
        if (at == NULL) {
            return NULL;
        }
        int64_t unit_ns = in->unit_ns;
        if (unit_ns == 0) {
            unit_ns = time >= INT64_C(100000000000000000) ? 1
                      : time >= INT64_C(100000000000000)  ? 1000
                      : time >= INT64_C(100000000000)     ? 1000000
                                                          : NS_PER_S;
        }
        wrong->why = "a time that is too big; is the precision right?";
        if (unit_ns == 1) {
            *time_us = time / NS_PER_US;
        } else if (__builtin_mul_overflow(time, unit_ns / NS_PER_US, time_us)) {
            return NULL;
        }
    }
    while (at < in->end && (*at == ' ' || *at == '\r')) {
        at++;
    }
    wrong->at = at;
    wrong->why = "something behind the time";
    return at == in->end || *at == '\n' ? at : NULL;
}

/* Behind the line's last character, or NULL. */
static const char *line_of(struct ingest_influx *in, struct ingest_rows *rows,
                           struct mistake *wrong)
{
    const char *name = in->at;
    const char *space = ingest_scan(name, in->end, ' ', '\n', '\\');
    if (space < in->end && *space == '\\') {
        const char *line_end = ingest_scan(name, in->end, '\n', '\n', '\n');
        space = unescaped(space, line_end, ' ');
    }
    wrong->at = space;
    wrong->why = "no fields: 'name,tag=x field=1' is the least";
    if (space == in->end || *space != ' ') {
        return NULL;
    }
    uint64_t line = in->line;
    const char *at = space;
    int64_t time_us = 0;
    while (at < in->end && *at == ' ') {
        at++;
    }
    at = fields(in, rows, name, (size_t)(space - name), at, wrong);
    at = at != NULL ? time_of(in, rows, at, &time_us, wrong) : NULL;
    if (at == NULL) {
        in->line = line;
        return NULL;
    }
    ingest_rows_commit(rows, time_us, line);
    return at;
}

void ingest_influx_begin(struct ingest_influx *in, struct ingest_rows *rows, const char *text,
                         size_t size, int64_t unit_ns)
{
    *in = (struct ingest_influx){ .at = text, .end = text + size, .line = 1, .unit_ns = unit_ns };
    ingest_rows_begin(rows, KIND, labels_of);
}

static void read_line(struct ingest_influx *in, struct ingest_rows *rows)
{
    struct mistake wrong = { 0 };
    const char *behind = line_of(in, rows, &wrong);
    if (behind == NULL) {
        size_t column = (size_t)(wrong.at - in->at) + 1;
        ingest_rows_drop(rows);
        rows->received++;
        ingest_rows_refuse(rows, INGEST_SYNTAX, 1, in->line, column, "%s", wrong.why);
        behind = ingest_scan(in->at, in->end, '\n', '\n', '\n');
    }
    in->at = behind;
}

bool ingest_influx_turn(struct ingest_influx *in, struct ingest_rows *rows)
{
    ingest_rows_turn(rows);
    while (in->at < in->end && !ingest_rows_full(rows)) {
        if (*in->at == '#') {
            in->at = ingest_scan(in->at, in->end, '\n', '\n', '\n');
        } else if (*in->at != '\n' && *in->at != '\r' && *in->at != ' ') {
            read_line(in, rows);
        }
        if (in->at < in->end) { /* the end of the line, or a space before it */
            in->line += *in->at == '\n';
            in->at++;
        }
    }
    return in->at < in->end;
}
