/* SPDX-License-Identifier: Apache-2.0 */
/* The index beside a naive twin: an array of label sets that is asked one by one. */
#include "history/index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"

enum { TWIN_MAX = 400, TWIN_LABELS = 5 };

struct twin_series {
    bool used;
    size_t count;
    struct label labels[TWIN_LABELS];
};

static struct twin_series twin[TWIN_MAX];

static const char *const names[] = { "__name__", "A", "device", "place", "units" };
static const char *const values[] = { "sat",   "sat-sp", "a",   "b",     "ab",      "abc",
                                      "ahu-1", "ahu-2",  "a.b", "a|b\n", "\xc3\xa4" };
static const char *const expressions[] = { "a",   "a|b",      "a|ab|nothing", ".*",
                                           ".+",  "ahu-.*",   ".*b",          ".*b.*",
                                           "a.+", "ahu-[12]", "(a|b)+c?",     "a\\.b",
                                           "",    "|a",       "a?b*" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static regex_t compiled[COUNT(expressions)]; /* POSIX's, for the twin */

static int compile_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expressions); i++) {
        char pattern[64];
        str_format(pattern, sizeof(pattern), "^(%s)$", expressions[i]);
        assert_int_equal(regcomp(&compiled[i], pattern, REG_EXTENDED | REG_NOSUB), 0);
    }
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expressions); i++) {
        regfree(&compiled[i]);
    }
    return 0;
}

static const char *one_of(uint64_t *seed, const char *const *texts, size_t count)
{
    return texts[hash_random(seed) % count];
}

static const char *value_of(const struct twin_series *series, const char *name)
{
    const struct label *label = labels_get(series->labels, series->count, name);
    return label != NULL ? label->value : "";
}

static bool twin_matches(const struct twin_series *series, const struct label_matcher *matcher)
{
    const char *value = value_of(series, matcher->name);
    if (matcher->match == LABEL_EQUAL || matcher->match == LABEL_NOT_EQUAL) {
        return (strcmp(value, matcher->value) == 0) == (matcher->match == LABEL_EQUAL);
    }
    size_t at = 0;
    while (strcmp(expressions[at], matcher->value) != 0) {
        at++;
    }
    bool matches = regexec(&compiled[at], value, 0, NULL, 0) == 0;
    return matches == (matcher->match == LABEL_MATCHES);
}

static bool twin_matches_all(const struct twin_series *series, const struct label_matcher *matchers,
                             size_t count)
{
    bool matches = series->used;
    for (size_t i = 0; i < count && matches; i++) {
        matches = twin_matches(series, &matchers[i]);
    }
    return matches;
}

static uint32_t twin_find(const struct label *labels, size_t count)
{
    for (uint32_t i = 0; i < TWIN_MAX; i++) {
        if (twin[i].used && labels_compare(twin[i].labels, twin[i].count, labels, count) == 0) {
            return i;
        }
    }
    return 0;
}

static size_t random_set(uint64_t *seed, struct label labels[TWIN_LABELS])
{
    size_t count = 0;
    for (size_t i = 0; i < TWIN_LABELS; i++) {
        if (hash_random(seed) % 3 != 0) {
            labels[count++] = label_of(names[i], one_of(seed, values, COUNT(values)));
        }
    }
    assert_int_equal(labels_sort(labels, &count, NULL), 0);
    return count;
}

static void change(struct history_index *index, uint64_t *seed)
{
    uint32_t id = 1 + (uint32_t)(hash_random(seed) % (TWIN_MAX - 1));
    if (hash_random(seed) % 4 == 0) {
        history_index_remove(index, id);
        twin[id].used = false;
        return;
    }
    struct twin_series series = { .used = true };
    series.count = random_set(seed, series.labels);
    uint32_t owner = twin_find(series.labels, series.count), other = 99;
    assert_int_equal(history_index_find(index, series.labels, series.count), owner);
    int error = history_index_set(index, id, series.labels, series.count, &other);
    if (owner != 0 && owner != id) {
        assert_int_equal(error, BUSBAR_EEXIST);
        assert_int_equal(other, owner);
        return;
    }
    assert_int_equal(error, 0);
    twin[id] = series;
}

static size_t random_matchers(uint64_t *seed, struct label_matcher matchers[4])
{
    size_t count = hash_random(seed) % 4;
    for (size_t i = 0; i < count; i++) {
        enum label_match match = (enum label_match)(hash_random(seed) % 4);
        bool text = match == LABEL_EQUAL || match == LABEL_NOT_EQUAL;
        matchers[i].match = match;
        matchers[i].name = hash_random(seed) % 20 == 0 ? "nothing"
                                                       : one_of(seed, names, COUNT(names));
        matchers[i].value = !text ? one_of(seed, expressions, COUNT(expressions))
                            : hash_random(seed) % 5 == 0 ? ""
                                                         : one_of(seed, values, COUNT(values));
    }
    return count;
}

static void compare_select(struct history_index *index, const struct label_matcher *matchers,
                           size_t matcher_count)
{
    struct err err = { 0 };
    uint32_t *series = NULL;
    size_t count = 0, seen = 0;
    assert_int_equal(
        history_index_select(index, matchers, matcher_count, TWIN_MAX, NULL, &series, &count, &err),
        0);
    for (uint32_t id = 1; id < TWIN_MAX; id++) {
        if (twin_matches_all(&twin[id], matchers, matcher_count)) {
            assert_true(seen < count);
            assert_int_equal(series[seen++], id);
        }
    }
    assert_int_equal(seen, count);
    busbar_free(series);
    if (count > 0) {
        assert_int_equal(history_index_select(index, matchers, matcher_count, count - 1, NULL,
                                              &series, &seen, &err),
                         BUSBAR_ELIMIT);
        assert_null(series);
    }
}

struct seen_texts {
    const char *texts[64];
    size_t count;
};

static bool see(void *ctx, const char *text, size_t size)
{
    struct seen_texts *seen = ctx;
    assert_int_equal(strlen(text), size);
    assert_true(seen->count == 0 || strcmp(seen->texts[seen->count - 1], text) < 0);
    seen->texts[seen->count++] = text;
    return true;
}

static bool has_text(const struct seen_texts *seen, const char *text)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->texts[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_texts(struct history_index *index, const char *name,
                          const struct label_matcher *matchers, size_t matcher_count)
{
    struct seen_texts seen = { 0 };
    struct err err = { 0 };
    assert_int_equal(
        history_index_texts(index, name, matchers, matcher_count, NULL, see, &seen, &err), 0);
    const char *const *candidates = name != NULL ? values : names;
    size_t candidate_count = name != NULL ? COUNT(values) : COUNT(names), expected = 0;
    for (size_t i = 0; i < candidate_count; i++) {
        bool there = false;
        for (uint32_t id = 1; id < TWIN_MAX && !there; id++) {
            there = twin_matches_all(&twin[id], matchers, matcher_count) &&
                    (name != NULL ? strcmp(value_of(&twin[id], name), candidates[i]) == 0
                                  : value_of(&twin[id], candidates[i])[0] != '\0');
        }
        assert_int_equal(has_text(&seen, candidates[i]), there);
        expected += there;
    }
    assert_int_equal(seen.count, expected);
}

static void compare_labels(struct history_index *index)
{
    uint64_t used = 0;
    for (uint32_t id = 1; id < TWIN_MAX; id++) {
        struct label labels[LABELS_MAX];
        size_t count = history_index_labels(index, id, labels);
        size_t expected = twin[id].used ? twin[id].count : 0;
        assert_int_equal(labels_compare(labels, count, twin[id].labels, expected), 0);
        used += twin[id].used;
    }
    struct history_index_status status;
    history_index_status(index, &status);
    assert_int_equal(status.series, used);
}

static void random_against_a_twin(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 12; round++) {
        uint64_t seed = round;
        struct history_index *index = history_index_new();
        memset(twin, 0, sizeof(twin));
        for (int step = 0; step < 40; step++) {
            struct label_matcher matchers[4];
            size_t count = random_matchers(&seed, matchers);
            for (int i = 0; i < 60; i++) {
                change(index, &seed);
            }
            compare_select(index, matchers, count);
            compare_texts(index, NULL, matchers, count);
            compare_texts(index, one_of(&seed, names, COUNT(names)), matchers, count);
        }
        compare_labels(index);
        for (uint32_t id = 1; id < TWIN_MAX; id++) {
            history_index_remove(index, id);
        }
        struct history_index_status status;
        history_index_status(index, &status);
        assert_int_equal(status.series + status.rests + status.pairs + status.names, 0);
        history_index_free(index);
    }
}

static void give_way_and_stay(void **state)
{
    (void)state;
    struct history_index *index = history_index_new();
    struct label a[] = { label_of("__name__", "sat"), label_of("device", "a") };
    struct label b[] = { label_of("__name__", "sat"), label_of("device", "b") };
    struct history_index_status before, after;
    uint32_t other;
    assert_int_equal(history_index_set(index, 7, a, 2, &other), 0);
    history_index_status(index, &before);
    assert_int_equal(history_index_set(index, 7, a, 2, &other), 0);
    history_index_status(index, &after);
    assert_int_equal(before.changes, after.changes);
    assert_int_equal(history_index_set(index, 8, a, 2, &other), BUSBAR_EEXIST);
    assert_int_equal(other, 7);
    assert_int_equal(history_index_set(index, 7, b, 2, &other), 0);
    assert_int_equal(history_index_find(index, a, 2), 0);
    assert_int_equal(history_index_find(index, b, 2), 7);
    assert_int_equal(history_index_set(index, 8, a, 2, &other), 0);
    assert_int_equal(history_index_set(index, 0, a, 1, &other), BUSBAR_EINVAL);
    history_index_status(index, &after);
    assert_int_equal(after.series, 2);
    assert_int_equal(after.rests, 2);
    assert_int_equal(after.names, 2);
    assert_int_equal(after.pairs, 3);
    history_index_free(index);
}

/* The texts that a caller got stay, whatever becomes of the series. */
static void texts_stay(void **state)
{
    (void)state;
    struct history_index *index = history_index_new();
    struct label set[] = { label_of("__name__", "sat") }, labels[LABELS_MAX];
    assert_int_equal(history_index_set(index, 1, set, 1, NULL), 0);
    assert_int_equal(history_index_labels(index, 1, labels), 1);
    history_index_remove(index, 1);
    assert_string_equal(labels[0].value, "sat");
    assert_int_equal(history_index_labels(index, 1, labels), 0);
    assert_int_equal(history_index_labels(index, 4000000, labels), 0);
    history_index_free(index);
}

static void tops(void **state)
{
    (void)state;
    struct history_index *index = history_index_new();
    for (uint32_t id = 1; id <= 60; id++) {
        char device[16];
        str_format(device, sizeof(device), "d%u", id);
        const char *metric = id <= 30 ? "big" : id <= 50 ? "middle" : "small";
        struct label set[] = { label_of("__name__", metric), label_of("device", device) };
        assert_int_equal(history_index_set(index, id, set, 2, NULL), 0);
    }
    struct history_index_top top[2];
    assert_int_equal(history_index_top_metrics(index, top, 2), 2);
    assert_string_equal(top[0].text, "big");
    assert_int_equal(top[0].count, 30);
    assert_string_equal(top[1].text, "middle");
    assert_int_equal(history_index_top_labels(index, top, 2), 2);
    assert_string_equal(top[0].text, "device");
    assert_int_equal(top[0].count, 60);
    assert_string_equal(top[1].text, "__name__");
    assert_int_equal(top[1].count, 3);
    history_index_free(index);
}

static void errors_and_cancel(void **state)
{
    (void)state;
    struct history_index *index = history_index_new();
    struct label set[] = { label_of("__name__", "sat"), label_of("a", "x") };
    struct err err = { 0 };
    uint32_t *series;
    size_t count;
    assert_int_equal(history_index_set(index, 1, set, 2, NULL), 0);
    struct label_matcher broken = { LABEL_MATCHES, "a", "x(" };
    assert_int_equal(history_index_select(index, &broken, 1, 10, NULL, &series, &count, &err),
                     BUSBAR_ESYNTAX);
    assert_non_null(strstr(err.message, "label 'a'"));
    atomic_bool cancel;
    atomic_init(&cancel, true);
    struct label_matcher any = { LABEL_MATCHES, "a", "x+" };
    assert_int_equal(history_index_select(index, &any, 1, 10, &cancel, &series, &count, &err),
                     BUSBAR_ECANCELED);
    struct label_matcher many[HISTORY_MATCHERS_MAX + 1];
    for (size_t i = 0; i <= HISTORY_MATCHERS_MAX; i++) {
        many[i] = any;
    }
    assert_int_equal(history_index_select(index, many, HISTORY_MATCHERS_MAX + 1, 10, NULL, &series,
                                          &count, &err),
                     BUSBAR_ELIMIT);
    assert_int_equal(
        history_index_select(index, many, HISTORY_MATCHERS_MAX, 10, NULL, &series, &count, &err),
        0);
    assert_int_equal(count, 1);
    busbar_free(series);
    history_index_free(index);
}

/* Whichever allocation fails: nothing has changed, and the next try works. */
static void out_of_memory(void **state)
{
    (void)state;
    uint64_t seed = 5;
    struct history_index *index = history_index_new();
    long failures = 0;
    memset(twin, 0, sizeof(twin));
    for (uint32_t id = 1; id < TWIN_MAX; id++) {
        struct twin_series series = { .used = true };
        series.count = random_set(&seed, series.labels);
        uint32_t at = 1 + (uint32_t)(hash_random(&seed) % (TWIN_MAX - 1));
        if (twin_find(series.labels, series.count) != 0) {
            continue;
        }
        int error = BUSBAR_ENOMEM;
        for (long nth = 1; error != 0; nth++) {
            alloc_fail_nth(nth);
            error = history_index_set(index, at, series.labels, series.count, NULL);
            alloc_fail_nth(0);
            assert_true(error == 0 || error == BUSBAR_ENOMEM);
            if (error != 0) {
                failures++;
                assert_int_equal(history_index_find(index, series.labels, series.count), 0);
            }
        }
        twin[at] = series;
    }
    assert_true(failures > 50);
    compare_labels(index);
    struct label_matcher matchers[] = { { LABEL_MATCHES, "device", "a.+" },
                                        { LABEL_NOT_MATCHES, "__name__", "ahu-.*" },
                                        { LABEL_NOT_EQUAL, "units", "b" } };
    compare_select(index, matchers, 3);
    for (long nth = 1;; nth++) {
        uint32_t *series;
        size_t count;
        struct seen_texts seen = { 0 };
        alloc_fail_nth(nth);
        int error = history_index_select(index, matchers, 3, TWIN_MAX, NULL, &series, &count, NULL);
        alloc_fail_nth(nth);
        int texts_error = history_index_texts(index, "A", matchers, 3, NULL, see, &seen, NULL);
        alloc_fail_nth(0);
        busbar_free(series);
        if (error == 0 && texts_error == 0) {
            break;
        }
        assert_true(error == 0 || error == BUSBAR_ENOMEM);
        assert_true(texts_error == 0 || texts_error == BUSBAR_ENOMEM);
    }
    history_index_free(index);
}

/* 1,000 devices with 100 points each: what a series costs, all in all. */
static void is_small(void **state)
{
    (void)state;
    struct history_index *index = history_index_new();
    uint32_t id = 0;
    for (int device = 0; device < 1000; device++) {
        char device_name[32];
        str_format(device_name, sizeof(device_name), "device-%d", device);
        for (int point = 0; point < 100; point++) {
            char name[32];
            str_format(name, sizeof(name), "point-%d", point);
            struct label set[] = { label_of("__name__", name), label_of("device", device_name),
                                   label_of("place", "hq/roof"), label_of("protocol", "modbus") };
            assert_int_equal(history_index_set(index, ++id, set, 4, NULL), 0);
        }
    }
    struct history_index_status status;
    history_index_status(index, &status);
    assert_int_equal(status.series, 100000);
    assert_int_equal(status.rests, 1000);
    assert_true(status.bytes < 25 * 100000);
    history_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_against_a_twin),
        cmocka_unit_test(give_way_and_stay),
        cmocka_unit_test(texts_stay),
        cmocka_unit_test(tops),
        cmocka_unit_test(errors_and_cancel),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(is_small),
    };
    return cmocka_run_group_tests(tests, compile_all, free_all);
}
