/* SPDX-License-Identifier: Apache-2.0 */
/* What a sink publishes: points by paths, series by labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sinks/filter.h"
#include "support/quiet.h"
#include "unit/history/place.h"

static struct place place;

static struct sink_filter *made(struct history *history, const char *points, const char *except,
                                const char *series)
{
    struct sink_filter *filter = NULL;
    struct err err = { 0 };
    if (sink_filter_new(history, points, except, series, true, &filter, NULL, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return filter;
}

static void assert_takes(const char *points, const char *except, const char *path, bool takes)
{
    struct sink_filter *filter = made(NULL, points, except, "none");
    assert_int_equal(sink_filter_takes_path(filter, path), takes);
    sink_filter_unref(filter);
}

static void patterns_of_paths(void **state)
{
    (void)state;
    assert_takes("*", "", "ahu-1/sat", true);
    assert_takes("none", "", "ahu-1/sat", false);
    assert_takes("", "", "ahu-1/sat", false);
    assert_takes("meter-*/*, pv-1/kwh", "", "meter-7/kwh", true);
    assert_takes("meter-*/*, pv-1/kwh", "", "pv-1/kwh", true);
    assert_takes("meter-*/*, pv-1/kwh", "", "pv-1/kw", false);
    assert_takes("meter-*", "", "meter-7/kwh", true);
    assert_takes(" meter-?/kwh ,pv-1/kwh", "", "meter-7/kwh", true);
    assert_takes("*", "*/raw-*", "meter-7/raw-1", false);
    assert_takes("*", "*/raw-*", "meter-7/kwh", true);
    assert_takes("*", "a/b, c/d", "c/d", false);
}

static void assert_wrong(const char *points, const char *except, const char *series, int code,
                         int which_text, const char *message)
{
    struct sink_filter *filter = NULL;
    struct err err = { 0 };
    int which = -1;
    int error = sink_filter_new(NULL, points, except, series, false, &filter, &which, &err);
    assert_int_equal(error, code);
    assert_null(filter);
    assert_int_equal(which, which_text);
    if (strstr(err.message, message) == NULL) {
        fail_msg("'%s' is not in '%s'", message, err.message);
    }
}

static void mistakes_are_told(void **state)
{
    (void)state;
    char many[2 * SINK_FILTER_PATTERNS_MAX + 2];
    for (size_t i = 0; i < sizeof(many) - 1; i++) {
        many[i] = i % 2 == 0 ? 'a' : ',';
    }
    many[sizeof(many) - 1] = '\0';
    char big[SINK_FILTER_PATTERN_BYTES + 2];
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_wrong("a,,b", "", "none", BUSBAR_EINVAL, 0, "'points' has an empty pattern");
    assert_wrong("*", "a,", "none", BUSBAR_EINVAL, 1, "'except' has an empty pattern");
    assert_wrong(many, "", "none", BUSBAR_ELIMIT, 0, "more than 64 patterns");
    assert_wrong("*", big, "none", BUSBAR_ELIMIT, 1, "longer than 256 bytes");
    assert_wrong("\xff", "", "none", BUSBAR_ELIMIT, 0, "no UTF-8");
    assert_wrong("*", "", "some of them", BUSBAR_ESYNTAX, 2, "'series' is neither");
    assert_wrong("*", "", "{job=", BUSBAR_ESYNTAX, 2, "'series' is neither");
}

static void words_and_hashes(void **state)
{
    (void)state;
    struct sink_filter *a = made(NULL, "*", "", "none");
    struct sink_filter *b = made(NULL, " * ", "none", "");
    struct sink_filter *c = made(NULL, "a/*, b/*", "*/raw", "{job=\"x\"}");
    struct sink_filter *d = made(NULL, "a/*", "b/*, */raw", "{job=\"x\"}");
    struct buf out;
    buf_init(&out, 1000);
    assert_true(sink_filter_hash(a) == sink_filter_hash(b));
    assert_true(sink_filter_hash(a) != sink_filter_hash(c));
    assert_true(sink_filter_hash(c) != sink_filter_hash(d));
    sink_filter_words(a, &out);
    assert_string_equal(buf_text(&out), "all points; events");
    buf_clear(&out);
    sink_filter_words(c, &out);
    assert_string_equal(buf_text(&out), "a/*, b/* but not */raw; series {job=\"x\"}; events");
    buf_fini(&out);
    sink_filter_unref(a);
    sink_filter_unref(b);
    sink_filter_unref(c);
    sink_filter_unref(d);
}

static uint32_t ingest(const char *job)
{
    struct label labels[] = { label_of(LABEL_METRIC, "up"), label_of("device", "ahu-1"),
                              label_of("job", job) };
    struct history_labels set = { labels, 3 };
    uint32_t id = 0;
    assert_int_equal(history_make_series(place.history, &set, 1, &id, NULL), 0);
    return id;
}

static void points_and_series_are_told_apart(void **state)
{
    (void)state;
    quiet_log();
    place_make(&place);
    place_open(&place);
    const char *paths[] = { "ahu-1/sat", "ahu-1/rat" };
    uint32_t ids[2];
    assert_int_equal(state_ids(place.state, paths, 2, ids, NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct label labels[] = { label_of(LABEL_METRIC, paths[i] + 6),
                                  label_of("device", "ahu-1") };
        assert_int_equal(history_label_point(place.history, ids[i], labels, 2), 0);
    }
    uint32_t x = ingest("x"), y = ingest("y");
    struct sink_filter *points = made(place.history, "*/sat", "", "none");
    struct sink_filter *series = made(place.history, "none", "", "{job=\"x\"}");
    struct sink_filter *all = made(place.history, "*", "*/rat", "all");
    const uint32_t of[] = { ids[0], ids[1], x, y, 0, 9999, HISTORY_SERIES_MAX, UINT32_MAX };
    const bool wanted[3][8] = { { 1, 0, 0, 0, 0, 0, 0, 0 },
                                { 0, 0, 1, 0, 0, 0, 0, 0 },
                                { 1, 0, 1, 1, 0, 0, 0, 0 } };
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 8; i++) {
            assert_int_equal(sink_filter_wants(points, of[i]), wanted[0][i]);
            assert_int_equal(sink_filter_wants(series, of[i]), wanted[1][i]);
            assert_int_equal(sink_filter_wants(all, of[i]), wanted[2][i]);
        }
    }
    assert_int_equal(sink_filter_page(points, ids[0])[ids[0]], SINK_FILTER_YES);
    assert_int_equal(sink_filter_page(points, x)[x], SINK_FILTER_NO);
    assert_null(sink_filter_page(points, UINT32_MAX));
    /* one that left the configuration is a point as before */
    assert_int_equal(history_unlabel_point(place.history, ids[0]), 0);
    struct sink_filter *later = made(place.history, "ahu-1/sat", "", "none");
    assert_true(sink_filter_wants(later, ids[0]));
    assert_true(sink_filter_ref(later) == later);
    sink_filter_unref(later);
    sink_filter_unref(later);
    sink_filter_unref(points);
    sink_filter_unref(series);
    sink_filter_unref(all);
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_of_paths),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(words_and_hashes),
        cmocka_unit_test(points_and_series_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
