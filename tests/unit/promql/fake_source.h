/* SPDX-License-Identifier: Apache-2.0 */
/* A source of series in memory, filled from text, and answers as text. Include after cmocka.h.
 *
 *   fake_load(&fake, 60, "up{a=\"b\"} 1 2 _ stale NaN 5+2x3")    each 60 s; 5+2x3 is 5 7 9 11
 *   fake_check(&fake, "up", 60, "up{a=\"b\"} 2@60")              instant, at 60 s
 *   fake_check_range(&fake, "up", 0, 120, 60, "...")             a line a series, sorted
 */
#ifndef BUSBAR_TESTS_PROMQL_FAKE_SOURCE_H
#define BUSBAR_TESTS_PROMQL_FAKE_SOURCE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/reader.h"
#include "model/regex.h"
#include "promql/promql.h"

enum { FAKE_SERIES_MAX = 1024, FAKE_SAMPLES_MAX = 4096, FAKE_LABEL_BYTES_MAX = 2048 };

struct fake_series {
    struct buf store;
    struct label labels[LABELS_MAX];
    size_t label_count;
    int64_t *times_us;
    double *values;
    size_t count;
};

struct fake {
    struct promql_source source;
    struct fake_series *series;
    size_t count;
    size_t reads; /* calls of numbers() and last() */
    uint64_t damaged;
    atomic_bool cancel;
    size_t cancel_after; /* reads; 0: never */
};

static inline bool fake_matches(const struct fake_series *series,
                                const struct label_matcher *matcher)
{
    const struct label *label = labels_get(series->labels, series->label_count, matcher->name);
    const char *value = label != NULL ? label->value : "";
    size_t size = label != NULL ? label->value_size : 0;
    if (matcher->match == LABEL_EQUAL || matcher->match == LABEL_NOT_EQUAL) {
        bool equal = strlen(matcher->value) == size && memcmp(matcher->value, value, size) == 0;
        return equal == (matcher->match == LABEL_EQUAL);
    }
    struct regex *regex = NULL;
    if (regex_new(matcher->value, strlen(matcher->value), &regex, NULL) != 0) {
        return false;
    }
    bool matches = regex_match(regex, value, size) == 1;
    regex_free(regex);
    return matches == (matcher->match == LABEL_MATCHES);
}

static inline int fake_select(void *ctx, const struct label_matcher *matchers, size_t matcher_count,
                              size_t limit, const atomic_bool *cancel, uint64_t **series,
                              size_t *count, struct err *err)
{
    struct fake *fake = ctx;
    (void)cancel;
    (void)err;
    *count = 0;
    *series = busbar_try_alloc((fake->count + 1) * sizeof(**series));
    if (*series == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (size_t i = 0; i < fake->count; i++) {
        bool all = true;
        for (size_t j = 0; j < matcher_count && all; j++) {
            all = fake_matches(&fake->series[i], &matchers[j]);
        }
        if (all) {
            (*series)[(*count)++] = i;
        }
    }
    if (*count > limit) {
        busbar_free(*series);
        *series = NULL;
        return BUSBAR_ELIMIT;
    }
    return 0;
}

static inline size_t fake_labels(void *ctx, uint64_t series, struct label labels[LABELS_MAX])
{
    const struct fake *fake = ctx;
    memcpy(labels, fake->series[series].labels, fake->series[series].label_count * sizeof(*labels));
    return fake->series[series].label_count;
}

static inline void fake_read(struct fake *fake)
{
    fake->reads++;
    if (fake->cancel_after != 0 && fake->reads >= fake->cancel_after) {
        atomic_store(&fake->cancel, true);
    }
}

static inline int fake_numbers(void *ctx, uint64_t series, int64_t from_us, int64_t to_us,
                               size_t max, const int64_t **times_us, const double **values,
                               size_t *count)
{
    struct fake *fake = ctx;
    const struct fake_series *of = &fake->series[series];
    fake_read(fake);
    size_t from = 0, to = of->count;
    while (from < of->count && of->times_us[from] < from_us) {
        from++;
    }
    while (to > from && of->times_us[to - 1] >= to_us) {
        to--;
    }
    *times_us = of->times_us + from;
    *values = of->values + from;
    *count = to - from;
    return *count > max ? BUSBAR_ELIMIT : 0;
}

static inline int fake_last(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, bool *found,
                            int64_t *time_us, double *value)
{
    const int64_t *times_us;
    const double *values;
    size_t count;
    (void)fake_numbers(ctx, series, from_us, to_us, SIZE_MAX, &times_us, &values, &count);
    *found = count > 0;
    if (*found) {
        *time_us = times_us[count - 1];
        *value = values[count - 1];
    }
    return 0;
}

/* Summaries of whole windows, as the history's reader makes them. */
static inline int fake_windows(void *ctx, uint64_t series, int64_t first_end_us, int64_t step_us,
                               int64_t width_us, size_t count, struct history_window *windows)
{
    for (size_t i = 0; i < count; i++) {
        int64_t end = first_end_us + (int64_t)i * step_us;
        const int64_t *times_us;
        const double *values;
        size_t found;
        (void)fake_numbers(ctx, series, end - width_us + 1, end + 1, SIZE_MAX, &times_us, &values,
                           &found);
        struct history_window *window = &windows[i];
        *window = (struct history_window){ .min = (double)NAN, .max = (double)NAN };
        for (size_t j = 0; j < found; j++) {
            double value = values[j];
            if (history_is_stale(value)) {
                continue;
            }
            window->min = isnan(window->min) || value < window->min ? value : window->min;
            window->max = isnan(window->max) || value > window->max ? value : window->max;
            window->sum += value;
            window->last = value;
            window->count++;
        }
    }
    return 0;
}

static inline uint64_t fake_damaged(void *ctx)
{
    const struct fake *fake = ctx;
    return fake->damaged;
}

static inline void fake_init(struct fake *fake)
{
    *fake = (struct fake){ 0 };
    fake->series = busbar_alloc_array(FAKE_SERIES_MAX, sizeof(*fake->series));
    fake->source = (struct promql_source){
        .select = fake_select,
        .labels = fake_labels,
        .numbers = fake_numbers,
        .ctx = fake,
    };
}

static inline void fake_fini(struct fake *fake)
{
    for (size_t i = 0; i < fake->count; i++) {
        buf_fini(&fake->series[i].store);
        busbar_free(fake->series[i].times_us);
        busbar_free(fake->series[i].values);
    }
    busbar_free(fake->series);
}

/* An empty series to be filled by hand; labels as PromQL writes them. */
static inline struct fake_series *fake_add(struct fake *fake, const char *labels, size_t size)
{
    assert_true(fake->count < FAKE_SERIES_MAX);
    struct fake_series *series = &fake->series[fake->count++];
    buf_init(&series->store, FAKE_LABEL_BYTES_MAX);
    struct err err = { 0 };
    if (labels_parse(labels, size, series->labels, &series->label_count, &series->store, &err) !=
        0) {
        fail_msg("%.*s: %s", (int)size, labels, err.message);
    }
    series->times_us = busbar_alloc_array(FAKE_SAMPLES_MAX, sizeof(*series->times_us));
    series->values = busbar_alloc_array(FAKE_SAMPLES_MAX, sizeof(*series->values));
    return series;
}

static inline void fake_append(struct fake_series *series, int64_t time_us, double value)
{
    assert_true(series->count < FAKE_SAMPLES_MAX);
    series->times_us[series->count] = time_us;
    series->values[series->count++] = value;
}

/* One word of a load line: _ nothing, stale, a number, or from+step*count as 5+2x3. */
static inline void fake_word(struct fake_series *series, const char *word, int64_t step_us,
                             int64_t *at)
{
    char *end;
    if (strcmp(word, "_") == 0) {
        (*at)++;
        return;
    }
    if (strcmp(word, "stale") == 0) {
        fake_append(series, (*at)++ * step_us, history_stale());
        return;
    }
    double value = strtod(word, &end);
    double more = *end != '\0' && *end != 'x' ? strtod(end, &end) : 0;
    long count = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    if (*end != '\0') {
        fail_msg("no value: %s", word);
    }
    for (long i = 0; i <= count; i++) {
        fake_append(series, (*at)++ * step_us, value + (double)i * more);
    }
}

static inline void fake_load(struct fake *fake, int64_t step_s, const char *line)
{
    const char *end = strrchr(line, '}');
    end = end != NULL ? end + 1 : strchr(line, ' ');
    struct fake_series *series = fake_add(fake, line, (size_t)(end - line));
    int64_t at = 0;
    char word[64];
    int size;
    for (; sscanf(end, " %63s%n", word, &size) == 1; end += size) {
        fake_word(series, word, step_s * 1000000, &at);
    }
}

/* --- answers --- */

static inline int fake_compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static inline void fake_print_value(struct buf *out, const struct promql_point *point)
{
    char text[40];
    (void)str_format_double(text, sizeof(text), point->value);
    buf_printf(out, " %s@%g", text, (double)point->time_us / 1e6);
}

/* A line a series: labels, then value@seconds of each point; in the answer's order, or sorted. */
static inline void fake_print(const struct promql_result *result, bool sorted, struct buf *out)
{
    if (result->type == PROMQL_SCALAR) {
        buf_append_text(out, "scalar");
        fake_print_value(out, &result->scalar);
        return;
    }
    if (result->type == PROMQL_STRING) {
        buf_printf(out, "string %s", result->string);
        return;
    }
    char **lines = busbar_alloc_array(result->count + 1, sizeof(*lines));
    for (size_t i = 0; i < result->count; i++) {
        const struct promql_series *series = &result->series[i];
        struct buf line;
        buf_init(&line, 1 << 20);
        labels_print(series->labels, series->label_count, &line);
        for (size_t j = 0; j < series->count; j++) {
            fake_print_value(&line, &series->points[j]);
        }
        lines[i] = busbar_strdup(buf_text(&line));
        buf_fini(&line);
    }
    if (sorted) {
        qsort(lines, result->count, sizeof(*lines), fake_compare);
    }
    for (size_t i = 0; i < result->count; i++) {
        buf_printf(out, "%s%s", i > 0 ? "\n" : "", lines[i]);
        busbar_free(lines[i]);
    }
    busbar_free(lines);
}

static inline int fake_ask(struct fake *fake, const struct promql_question *question, bool sorted,
                           struct buf *out)
{
    struct promql_result result;
    struct err err = { 0 };
    int error = promql_ask(&fake->source, question, &result, &err);
    if (error != 0) {
        buf_printf(out, "error: %s", err.message);
        return error;
    }
    fake_print(&result, sorted, out);
    for (size_t i = 0; i < result.warning_count; i++) {
        buf_printf(out, "\nwarning: %s", result.warnings[i]);
    }
    for (size_t i = 0; i < result.info_count; i++) {
        buf_printf(out, "\ninfo: %s", result.infos[i]);
    }
    promql_result_free(&result);
    return 0;
}

static inline void fake_compare_answer(struct fake *fake, const struct promql_question *question,
                                       bool sorted, const char *expected)
{
    struct buf out;
    buf_init(&out, 1 << 22);
    (void)fake_ask(fake, question, sorted, &out);
    if (strcmp(buf_text(&out), expected) != 0) {
        print_message("%s\nexpected:\n%s\nbut it is:\n%s\n", question->text, expected,
                      buf_text(&out));
    }
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static inline void fake_check(struct fake *fake, const char *text, double at_s,
                              const char *expected)
{
    struct promql_question question = { .text = text, .start_us = (int64_t)(at_s * 1e6) };
    fake_compare_answer(fake, &question, true, expected);
}

/* In the answer's own order. */
static inline void fake_check_order(struct fake *fake, const char *text, double at_s,
                                    const char *expected)
{
    struct promql_question question = { .text = text, .start_us = (int64_t)(at_s * 1e6) };
    fake_compare_answer(fake, &question, false, expected);
}

static inline void fake_check_range(struct fake *fake, const char *text, double start_s,
                                    double end_s, double step_s, const char *expected)
{
    struct promql_question question = {
        .text = text,
        .start_us = (int64_t)(start_s * 1e6),
        .end_us = (int64_t)(end_s * 1e6),
        .step_us = (int64_t)(step_s * 1e6),
    };
    fake_compare_answer(fake, &question, false, expected);
}

#endif
