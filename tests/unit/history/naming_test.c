/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of series: ids of ingest stay over restarts, points win, points that left keep their name. */
#include "history/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "history/history_private.h"
#include "history/index.h"
#include "place.h"

static struct place place;

static int set_up(void **state)
{
    (void)state;
    place_make(&place);
    place_open(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_close(&place);
    place_remove(&place);
    return 0;
}

static void wait_until_loaded(void)
{
    for (int i = 0; i < 10000 && !history_index_loaded(place.history); i++) {
        usleep(1000);
    }
    assert_true(history_index_loaded(place.history));
}

/* A set of a metric and one label more. */
static size_t set_of(struct label labels[2], const char *metric, const char *name,
                     const char *value)
{
    size_t count = 2;
    labels[0] = label_of("__name__", metric);
    labels[1] = label_of(name, value);
    assert_int_equal(labels_sort(labels, &count, NULL), 0);
    return count;
}

static uint32_t make(const char *metric, const char *name, const char *value)
{
    struct label labels[2];
    struct history_labels set = { labels, set_of(labels, metric, name, value) };
    struct err err = { 0 };
    uint32_t id = 99;
    if (history_make_series(place.history, &set, 1, &id, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return id;
}

static uint32_t find(const char *metric, const char *name, const char *value)
{
    struct label labels[2];
    size_t count = set_of(labels, metric, name, value);
    return history_index_find(history_index(place.history), labels, count);
}

static uint32_t id_of_path(const char *path)
{
    uint32_t id;
    assert_int_equal(state_ids(place.state, &path, 1, &id, NULL), 0);
    return id;
}

static void append(uint32_t id)
{
    struct sample sample = { .point = id,
                             .type = VALUE_DOUBLE,
                             .value.d = 1,
                             .time_us = clock_wall_us(),
                             .receive_us = clock_wall_us() };
    assert_int_equal(history_append(place.history, &sample, 1, NULL, NULL), 0);
    history_commit_now(place.history);
    struct sample last;
    for (int i = 0; i < 10000 && !history_last(place.history, id, &last, NULL); i++) {
        usleep(1000);
    }
    assert_true(history_last(place.history, id, &last, NULL));
}

static void ids_stay(void **state)
{
    (void)state;
    uint32_t a = make("up", "job", "a\n{\"\\"), b = make("up", "job", "b");
    assert_true(a != 0 && b != 0 && a != b);
    assert_int_equal(make("up", "job", "b"), b);
    place_reopen(&place);
    assert_int_equal(make("up", "job", "b"), b); /* waits for the load */
    assert_int_equal(find("up", "job", "a\n{\"\\"), a);
    assert_true(make("up", "job", "c") > b);
}

/* Many at once, some of them twice, some known: one id a set, in more than one transaction. */
static void many_at_once(void **state)
{
    (void)state;
    enum { SETS = 40000, DISTINCT = 30000 };
    struct label(*labels)[2] = busbar_alloc_array(SETS, sizeof(*labels));
    char(*values)[16] = busbar_alloc_array(SETS, sizeof(*values));
    struct history_labels *sets = busbar_alloc_array(SETS, sizeof(*sets));
    uint32_t *ids = busbar_alloc_array(SETS, sizeof(*ids));
    uint32_t known = make("m", "n", "7");
    for (size_t i = 0; i < SETS; i++) {
        str_format(values[i], sizeof(values[i]), "%zu", i % DISTINCT);
        sets[i] = (struct history_labels){ labels[i], set_of(labels[i], "m", "n", values[i]) };
    }
    assert_int_equal(history_make_series(place.history, sets, SETS, ids, NULL), 0);
    for (size_t i = 0; i < SETS; i++) {
        assert_true(ids[i] != 0);
        assert_int_equal(ids[i], ids[i % DISTINCT]);
    }
    assert_int_equal(ids[7], known);
    assert_int_equal(ids[8] + 1, ids[9]);
    struct history_index_status status;
    history_index_status(history_index(place.history), &status);
    assert_int_equal(status.series, DISTINCT);
    place_reopen(&place);
    wait_until_loaded();
    history_index_status(history_index(place.history), &status);
    assert_int_equal(status.series, DISTINCT);
    assert_int_equal(find("m", "n", "29999"), ids[29999]);
    busbar_free(labels);
    busbar_free(values);
    busbar_free(sets);
    busbar_free(ids);
}

static void a_point_wins(void **state)
{
    (void)state;
    struct label labels[2];
    size_t count = set_of(labels, "sat", "device", "ahu-1");
    uint32_t sent = make("sat", "device", "ahu-1");
    uint32_t point = id_of_path("ahu-1/sat");
    uint64_t removals = history_index_removals(history_index(place.history));
    assert_int_equal(history_label_point(place.history, point, labels, count), 0);
    assert_int_equal(find("sat", "device", "ahu-1"), point);
    assert_true(history_index_removals(history_index(place.history)) > removals);
    assert_int_equal(make("sat", "device", "ahu-1"), 0); /* nobody else may write it */
    uint32_t other = id_of_path("ahu-2/sat");
    assert_int_equal(history_label_point(place.history, other, labels, count), BUSBAR_EEXIST);
    assert_int_equal(history_label_point(place.history, 0, labels, count), BUSBAR_EINVAL);
    place.config.points_labeled_later = true;
    place_reopen(&place);
    assert_int_equal(history_label_point(place.history, point, labels, count), 0);
    assert_false(history_index_loaded(place.history));
    assert_int_equal(history_index_check(place.history, NULL), BUSBAR_EAGAIN);
    assert_int_equal(history_index_check(NULL, NULL), BUSBAR_EAGAIN);
    history_points_labeled(place.history);
    wait_until_loaded();
    assert_int_equal(history_index_check(place.history, NULL), 0);
    assert_int_equal(find("sat", "device", "ahu-1"), point);
    assert_int_not_equal(sent, point);
    place.config.points_labeled_later = false;
}

static void what_left_the_configuration_keeps_its_name(void **state)
{
    (void)state;
    struct label labels[LABELS_MAX] = { label_of("__name__", "sat"), label_of("device", "ahu-1"),
                                        label_of("units", "degC") };
    uint32_t point = id_of_path("ahu-1/sat"), empty = id_of_path("ahu-1/rat");
    assert_int_equal(history_label_point(place.history, point, labels, 3), 0);
    append(point);
    assert_int_equal(history_unlabel_point(place.history, point), 0);
    assert_int_equal(find("sat", "device", "ahu-1"), point);
    place_reopen(&place);
    wait_until_loaded();
    assert_int_equal(find("sat", "device", "ahu-1"), point); /* from its path */
    assert_int_equal(history_index_labels(history_index(place.history), empty, labels), 0);
    assert_int_equal(make("sat", "device", "ahu-1"), 0);
}

/* All samples of a point that left are deleted: its name does not come back with the next start. */
static void deleted_after_it_left(void **state)
{
    (void)state;
    struct label labels[LABELS_MAX];
    size_t count = set_of(labels, "sat", "device", "ahu-1");
    uint32_t point = id_of_path("ahu-1/sat");
    assert_int_equal(history_label_point(place.history, point, labels, count), 0);
    append(point);
    assert_int_equal(history_unlabel_point(place.history, point), 0);
    assert_int_equal(history_delete(place.history, point, INT64_MIN, INT64_MAX), 0);
    assert_int_equal(history_forget_series(place.history, &point, 1), 0);
    assert_int_equal(find("sat", "device", "ahu-1"), 0);
    place_reopen(&place);
    wait_until_loaded();
    assert_int_equal(find("sat", "device", "ahu-1"), 0);
}

static void forgotten_for_good(void **state)
{
    (void)state;
    struct label labels[2];
    size_t count = set_of(labels, "sat", "device", "ahu-1");
    uint32_t sent = make("up", "job", "a"), stays = make("up", "job", "b");
    uint32_t point = id_of_path("ahu-1/sat");
    assert_int_equal(history_label_point(place.history, point, labels, count), 0);
    const uint32_t ids[] = { sent, point };
    assert_int_equal(history_forget_series(place.history, ids, 2), 0);
    assert_int_equal(find("up", "job", "a"), 0);
    assert_int_equal(find("sat", "device", "ahu-1"), point);
    place_reopen(&place);
    wait_until_loaded();
    assert_int_equal(find("up", "job", "a"), 0);
    assert_int_equal(find("up", "job", "b"), stays);
    assert_true(make("up", "job", "a") > sent); /* never the same id again */
}

static struct matchers *rule(const char *text)
{
    struct matchers *matchers;
    assert_int_equal(matchers_new(text, strlen(text), &matchers, NULL), 0);
    return matchers;
}

/* The first rule that matches counts, for series before and after it, and when rules go. */
static void policies_by_labels(void **state)
{
    (void)state;
    const int64_t day_us = INT64_C(86400) * 1000000;
    const struct history_policy policies[] = { { .name = "a", .keep_us = 3 * day_us },
                                               { .name = "b", .keep_us = HISTORY_KEEP_FOREVER } };
    uint32_t a = make("up", "job", "a"), b = make("up", "job", "b");
    assert_int_equal(history_policies(place.history, policies, 2), 0);
    struct matchers *rules[] = { rule("{job=\"a\"}"), rule("{job=~\"a|c\"}") };
    assert_int_equal(history_policy_rules(place.history, rules, 2), 0);
    assert_int_equal(history_policy_get(place.history, a), 1);
    assert_int_equal(history_policy_get(place.history, b), 0);
    uint32_t c = make("up", "job", "c");
    assert_int_equal(history_policy_get(place.history, c), 2);
    uint32_t point = id_of_path("a/up");
    struct label labels[2];
    size_t count = set_of(labels, "sat", "job", "c");
    assert_int_equal(history_label_point(place.history, point, labels, count), 0);
    assert_int_equal(history_policy_get(place.history, point), 2);
    assert_int_equal(history_policy_rules(place.history, NULL, 0), 0);
    assert_int_equal(history_policies(place.history, NULL, 0), 0);
    assert_int_equal(history_policy_get(place.history, a), 0);
    assert_int_equal(history_policy_get(place.history, point), 0);
}

static void *make_in_thread(void *ctx)
{
    struct label labels[2];
    struct history_labels set = { labels, set_of(labels, "up", "job", "late") };
    uint32_t id;
    *(int *)ctx = history_make_series(place.history, &set, 1, &id, NULL);
    return NULL;
}

/* Whoever waits for the load is let go when history closes. */
static void closing_lets_go(void **state)
{
    (void)state;
    place.config.points_labeled_later = true;
    place_reopen(&place);
    pthread_t thread;
    int error = 0;
    assert_int_equal(pthread_create(&thread, NULL, make_in_thread, &error), 0);
    usleep(20000);
    assert_false(history_index_loaded(place.history));
    history_points_labeled(place.history);
    pthread_join(thread, NULL);
    assert_int_equal(error, 0);
    assert_true(find("up", "job", "late") != 0);
    place.config.points_labeled_later = false;
}

static void out_of_memory(void **state)
{
    (void)state;
    wait_until_loaded();
    char value[16];
    for (long nth = 1;; nth++) {
        struct label labels[2];
        str_format(value, sizeof(value), "%ld", nth);
        struct history_labels set = { labels, set_of(labels, "m", "n", value) };
        uint32_t id;
        alloc_fail_nth(nth);
        int error = history_make_series(place.history, &set, 1, &id, NULL);
        alloc_fail_nth(0);
        if (error == 0) {
            break;
        }
        assert_int_equal(error, BUSBAR_ENOMEM);
        assert_int_equal(id, 0);
        assert_int_equal(find("m", "n", value), 0);
    }
    place_reopen(&place);
    wait_until_loaded();
    struct history_index_status status;
    history_index_status(history_index(place.history), &status);
    assert_int_equal(status.series, 1); /* only the one that worked */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ids_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_point_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_left_the_configuration_keeps_its_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(deleted_after_it_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgotten_for_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(policies_by_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_lets_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(out_of_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
