/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/openmetrics.h"

#include <math.h>

#include "base/clock.h"
#include "base/str.h"
#include "server/ingest/number.h"
#include "server/ingest/scan.h"

enum { KIND = 3 };

#define SECONDS_BELOW (INT64_C(1) << 31)

struct mistake {
    const char *at;
    const char *why;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at)) {
        at++;
    }
    return at;
}

static const char *line_end(const char *at, const char *end)
{
    return ingest_scan(at, end, '\n', '\n', '\n');
}

/* Behind the quotation mark that ends the text which begins behind `at`; NULL: none in this line. */
static const char *behind_quotes(const char *at, const char *end)
{
    for (at = ingest_scan(at + 1, end, '"', '\\', '\n'); at < end && *at == '\\';
         at = ingest_scan(at, end, '"', '\\', '\n')) {
        at += at + 1 < end && at[1] != '\n' ? 2 : 1;
    }
    return at < end && *at == '"' ? at + 1 : NULL;
}

/* ---- a new series ---- */

/* The text between quotation marks without its backslashes: \\ \" \n. NULL: out of memory. */
static const char *plain_text(struct arena *arena, const char *at, const char *end, size_t *size)
{
    *size = (size_t)(end - at);
    if (memchr(at, '\\', *size) == NULL) {
        return at;
    }
    char *to = arena_alloc(arena, *size);
    size_t count = 0;
    for (; to != NULL && at < end; at++) {
        bool escape = *at == '\\' && at + 1 < end &&
                      (at[1] == '\\' || at[1] == '"' || at[1] == 'n');
        at += escape;
        to[count++] = escape && *at == 'n' ? '\n' : *at;
    }
    *size = count;
    return to;
}

struct labels {
    const struct ingest_ref *ref;
    struct arena *arena;
    struct label *all;
    size_t count;
    struct err *err;
};

static int wrong_label(const struct labels *labels, const char *at, const char *why)
{
    const struct position place = { .column = (int)(at - labels->ref->name) + 1 };
    return err_at(labels->err, BUSBAR_ESYNTAX, place, NULL, "%s", why);
}

static int add_label(struct labels *labels, const char *name, size_t name_size, const char *value,
                     size_t value_size)
{
    if (name == NULL || value == NULL) {
        return err_set(labels->err, BUSBAR_ENOMEM, "out of memory");
    }
    if (labels->count == LABELS_MAX) {
        return err_set(labels->err, BUSBAR_ELIMIT, "more than %d labels", LABELS_MAX);
    }
    labels->all[labels->count++] = (struct label){ .name = name,
                                                   .value = value,
                                                   .name_size = (uint32_t)name_size,
                                                   .value_size = (uint32_t)value_size };
    return 0;
}

/* A name of a label, or a metric in quotation marks: what is behind it, or NULL. */
static const char *name_of(struct labels *labels, const char *at, const char *end,
                           const char **name, size_t *size)
{
    if (at < end && *at == '"') {
        const char *behind = behind_quotes(at, end);
        *name = behind != NULL ? plain_text(labels->arena, at + 1, behind - 1, size) : NULL;
        return behind;
    }
    const char *first = at;
    while (at < end && *at != '=' && *at != ',' && *at != '}' && *at != '"' && !is_blank(*at)) {
        at++;
    }
    *name = first;
    *size = (size_t)(at - first);
    return label_is_plain_name(first, *size) ? at : NULL;
}

/* One of `name="value"` and `"metric"`; *at moves behind it. */
static int pair_of(struct labels *labels, const char **at, const char *end)
{
    const char *name = NULL;
    size_t name_size = 0, value_size = 0;
    const char *first = *at;
    const char *behind = name_of(labels, first, end, &name, &name_size);
    if (behind == NULL) {
        return wrong_label(labels, first, "no name of a label");
    }
    behind = skip_blanks(behind, end);
    if (*first == '"' && (behind == end || *behind != '=')) {
        *at = behind;
        return add_label(labels, LABEL_METRIC, sizeof(LABEL_METRIC) - 1, name, name_size);
    }
    if (behind == end || *behind != '=') {
        return wrong_label(labels, behind, "a label without '='");
    }
    const char *quote = skip_blanks(behind + 1, end);
    behind = quote < end && *quote == '"' ? behind_quotes(quote, end) : NULL;
    if (behind == NULL) {
        return wrong_label(labels, quote, "the value of a label stands in quotation marks");
    }
    const char *value = plain_text(labels->arena, quote + 1, behind - 1, &value_size);
    *at = skip_blanks(behind, end);
    return add_label(labels, name, name_size, value, value_size);
}

static int labels_of(const struct ingest_ref *ref, struct arena *arena,
                     struct label all[LABELS_MAX], size_t *count, struct err *err)
{
    struct labels labels = { .ref = ref, .arena = arena, .all = all, .err = err };
    const char *end = ref->name + ref->name_size;
    const char *at = ref->name;
    const char *brace = memchr(at, '{', ref->name_size);
    const char *name_end = brace != NULL ? brace : end;
    while (name_end > at && is_blank(name_end[-1])) {
        name_end--;
    }
    int error = 0;
    if (name_end > at) {
        error = !label_is_plain_metric(at, (size_t)(name_end - at))
                    ? wrong_label(&labels, at, "no name of a metric")
                    : add_label(&labels, LABEL_METRIC, sizeof(LABEL_METRIC) - 1, at,
                                (size_t)(name_end - at));
    }
    at = brace != NULL ? skip_blanks(brace + 1, end) : end;
    while (error == 0 && at < end && *at != '}') {
        error = pair_of(&labels, &at, end);
        if (error == 0 && *at == ',') {
            at = skip_blanks(at + 1, end);
        } else if (error == 0 && *at != '}') {
            error = wrong_label(&labels, at, "between two labels there must be a comma");
        }
    }
    *count = labels.count;
    return error;
}

/* ---- a line ---- */

/* Behind name and labels; NULL: they do not end in this line. */
static const char *behind_series(const char *at, const char *end, struct mistake *wrong)
{
    const char *first = at;
    at = ingest_scan(at, end, '{', ' ', '\n');
    if (at < end && *at == ' ') { /* a blank may stand before the brace */
        const char *next = skip_blanks(at, end);
        at = next < end && *next == '{' ? next : at;
    }
    if (at == end || *at != '{') {
        const char *tab = memchr(first, '\t', (size_t)(at - first));
        return tab != NULL ? tab : at;
    }
    wrong->at = at;
    wrong->why = "no '}' behind the labels";
    for (at++;;) {
        at = ingest_scan(at, end, '"', '}', '\n');
        if (at == end || *at == '\n') {
            return NULL;
        }
        if (*at == '}') {
            return at + 1;
        }
        const char *behind = behind_quotes(at, end);
        if (behind == NULL) {
            wrong->at = at;
            wrong->why = "a value of a label without its closing quotation mark";
            return NULL;
        }
        at = behind;
    }
}

/* [time]; what is behind it, or NULL. */
static const char *time_of(const struct ingest_openmetrics *in, const struct ingest_rows *rows,
                           const char *at, int64_t *time_us)
{
    int64_t whole = 0;
    double number = 0;
    *time_us = rows->now_us;
    if (at == in->end || *at == '\n' || *at == '\r' || *at == '#') {
        return at;
    }
    const char *behind = ingest_integer(at, in->end, &whole);
    if (behind != NULL && (behind == in->end || (*behind != '.' && *behind != 'e'))) {
        bool seconds = in->seconds || (whole < SECONDS_BELOW && whole > -SECONDS_BELOW);
        int64_t unit_us = seconds ? CLOCK_US_PER_S : CLOCK_US_PER_MS;
        return __builtin_mul_overflow(whole, unit_us, time_us) ? NULL : behind;
    }
    behind = ingest_number(at, in->end, &number);
    number = round(number * (double)CLOCK_US_PER_S);
    if (behind == NULL || !(fabs(number) < 0x1p62)) {
        return NULL;
    }
    *time_us = (int64_t)number;
    return behind;
}

/* Behind the sample, at the end of the line; NULL: wrong. */
static const char *sample_of(const struct ingest_openmetrics *in, struct ingest_rows *rows,
                             const char *name, struct mistake *wrong)
{
    const char *behind = behind_series(name, in->end, wrong);
    if (behind == NULL) {
        return NULL;
    }
    size_t size = (size_t)(behind - name);
    struct ingest_ref *ref = ingest_rows_series(
        rows, ingest_key_add(rows->cache, rows->start, name, size));
    union value value = { 0 };
    int64_t time_us = 0;
    const char *at = skip_blanks(behind, in->end);
    wrong->at = at;
    wrong->why = "no value: a number, NaN, +Inf or -Inf belongs here";
    behind = ingest_number(at, in->end, &value.d);
    if (behind == NULL || (behind < in->end && (unsigned char)*behind > ' ')) {
        return NULL;
    }
    at = skip_blanks(behind, in->end);
    wrong->at = at;
    wrong->why = "no time: a number belongs here";
    behind = time_of(in, rows, at, &time_us);
    if (behind == NULL) {
        return NULL;
    }
    at = skip_blanks(behind, in->end);
    if (at < in->end && *at == '#') { /* an exemplar */
        at = line_end(at, in->end);
    }
    at += at < in->end && *at == '\r';
    wrong->at = at;
    wrong->why = "something behind the time";
    if (at < in->end && *at != '\n') {
        return NULL;
    }
    ref->name = name;
    ref->name_size = (uint32_t)size;
    ref->line = in->line;
    ingest_rows_stage(rows, ref, VALUE_DOUBLE, value);
    ingest_rows_commit(rows, time_us, in->line);
    return at;
}

/* # HELP name text, # TYPE, # UNIT. */
static void describe(const struct ingest_openmetrics *in, const char *at, const char *end)
{
    static const struct {
        const char *word;
        enum ingest_metadata_part part;
    } words[] = { { "HELP ", INGEST_METADATA_HELP },
                  { "TYPE ", INGEST_METADATA_TYPE },
                  { "UNIT ", INGEST_METADATA_UNIT } };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i].word);
        if ((size_t)(end - at) <= size || memcmp(at, words[i].word, size) != 0) {
            continue;
        }
        const char *name = skip_blanks(at + size, end);
        const char *name_end = ingest_scan(name, end, ' ', '\t', ' ');
        const char *text = skip_blanks(name_end, end);
        ingest_metadata_set(in->metadata, words[i].part, name, (size_t)(name_end - name), text,
                            (size_t)(end - text));
        return;
    }
}

/* A line that begins with #. True: it is # EOF. */
static bool comment(const struct ingest_openmetrics *in, const char *at)
{
    const char *end = line_end(at, in->end);
    end -= end > at && end[-1] == '\r';
    at = skip_blanks(at + 1, end);
    if (end - at == 3 && memcmp(at, "EOF", 3) == 0) {
        return true;
    }
    if (in->metadata != NULL) {
        describe(in, at, end);
    }
    return false;
}

void ingest_openmetrics_begin(struct ingest_openmetrics *in, struct ingest_rows *rows,
                              const char *text, size_t size, bool seconds,
                              struct ingest_metadata *metadata)
{
    *in = (struct ingest_openmetrics){
        .at = text, .end = text + size, .line = 1, .seconds = seconds, .metadata = metadata
    };
    ingest_rows_begin(rows, KIND, labels_of);
}

static void read_line(struct ingest_openmetrics *in, struct ingest_rows *rows)
{
    struct mistake wrong = { .at = in->at, .why = "" };
    const char *at = skip_blanks(in->at, in->end);
    if (at == in->end || *at == '\n' || *at == '\r') {
        in->at = line_end(at, in->end);
        return;
    }
    if (*at == '#') {
        in->at = comment(in, at) ? in->end : line_end(at, in->end);
        return;
    }
    const char *behind = sample_of(in, rows, at, &wrong);
    if (behind == NULL) {
        ingest_rows_drop(rows);
        rows->received++;
        ingest_rows_refuse(rows, INGEST_SYNTAX, 1, in->line, (size_t)(wrong.at - in->at) + 1, "%s",
                           wrong.why);
        behind = line_end(at, in->end);
    }
    in->at = behind;
}

bool ingest_openmetrics_turn(struct ingest_openmetrics *in, struct ingest_rows *rows)
{
    ingest_rows_turn(rows);
    while (in->at < in->end && !ingest_rows_full(rows)) {
        read_line(in, rows);
        if (in->at < in->end) {
            in->line++;
            in->at++;
        }
    }
    return in->at < in->end;
}
