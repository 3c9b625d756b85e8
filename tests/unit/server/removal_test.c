/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes by matcher: counted first, then gone from every answer, and in the journal. */
#include "history/history.h"

#include "history/index.h"
#include "unit/server/gateway.h"

enum { SAMPLES = 10 };

static uint32_t series[3];
static int64_t start_us;

static void stored(void *ctx, int error)
{
    assert_int_equal(error, 0);
    ++*(int *)ctx;
}

/* Three series, up{job="a"}, up{job="b"}, down{job="a"}, with ten samples each, a second apart. */
static int open_gateway(void **state)
{
    static const char *const names[][2] = { { "up", "a" }, { "up", "b" }, { "down", "a" } };
    struct gateway *gw = calloc(1, sizeof(*gw));
    gateway_open(gw, GATEWAY_STORES);
    start_us = clock_wall_us() - 100 * CLOCK_US_PER_S;
    struct sample samples[3 * SAMPLES];
    for (size_t i = 0; i < 3; i++) {
        struct label labels[] = { label_of("__name__", names[i][0]), label_of("job", names[i][1]) };
        struct history_labels set = { labels, 2 };
        assert_int_equal(history_make_series(gw->history, &set, 1, &series[i], NULL), 0);
        for (int k = 0; k < SAMPLES; k++) {
            samples[i * SAMPLES + (size_t)k] = (struct sample){
                .point = series[i],
                .time_us = start_us + k * CLOCK_US_PER_S,
                .receive_us = start_us + k * CLOCK_US_PER_S,
                .type = VALUE_DOUBLE,
                .value.d = k
            };
        }
    }
    int done = 0;
    assert_int_equal(history_append(gw->history, samples, 3 * SAMPLES, stored, &done), 0);
    while (done == 0) {
        gateway_turn(gw, 1);
    }
    *state = gw;
    return 0;
}

static int close_gateway(void **state)
{
    struct gateway *gw = *state;
    gateway_close(gw);
    gateway_remove_folder(gw);
    free(gw);
    return 0;
}

static struct answer delete_with(struct gateway *gw, const char *body)
{
    return ask(gw, "POST", "/api/v1/history/delete", NULL, body);
}

static size_t left(struct gateway *gw, uint32_t id)
{
    struct history_samples found = { 0 };
    assert_int_equal(history_read(gw->history, id, 0, INT64_MAX, 0, &found), 0);
    size_t count = found.count;
    history_samples_free(&found);
    return count;
}

static void counts_before_it_deletes(void **state)
{
    struct gateway *gw = *state;
    struct answer answer = delete_with(gw, "{\"match\":\"{job='a'}\",\"dry_run\":true}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "series"), 2);
    assert_int_equal(number_at(&answer, "samples"), 2 * SAMPLES);
    assert_false(true_at(&answer, "deleted"));
    answer_fini(&answer);
    assert_int_equal(left(gw, series[0]), SAMPLES);
}

static void whole_series_go(void **state)
{
    struct gateway *gw = *state;
    struct answer answer = delete_with(gw, "{\"match\":\"{job='a'}\"}");
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "deleted"));
    assert_int_equal(number_at(&answer, "samples"), 2 * SAMPLES);
    answer_fini(&answer);
    struct label labels[LABELS_MAX];
    assert_int_equal(left(gw, series[0]) + left(gw, series[2]), 0);
    assert_int_equal(left(gw, series[1]), SAMPLES);
    assert_int_equal(history_index_labels(history_index(gw->history), series[0], labels), 0);
    assert_int_equal(history_index_labels(history_index(gw->history), series[1], labels), 2);
    answer = ask(gw, "GET", "/api/v1/journal?what=history+delete", NULL, NULL);
    assert_string_equal(text_at(&answer, "entries.0.path"), "{job='a'}");
    assert_string_equal(text_at(&answer, "entries.0.result"), "deleted: 2 series, 20 samples");
    answer_fini(&answer);
    answer = delete_with(gw, "{\"match\":\"{job='a'}\"}");
    assert_int_equal(number_at(&answer, "series"), 0);
    assert_false(true_at(&answer, "deleted"));
    answer_fini(&answer);
}

static void a_range_leaves_the_series(void **state)
{
    struct gateway *gw = *state;
    char body[160];
    str_format(body, sizeof(body), "{\"match\":\"up\",\"from\":\"%lld\",\"to\":\"%lld\"}",
               (long long)(start_us + 2 * CLOCK_US_PER_S),
               (long long)(start_us + 5 * CLOCK_US_PER_S));
    struct answer answer = delete_with(gw, body);
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "samples"), 6);
    answer_fini(&answer);
    struct label labels[LABELS_MAX];
    assert_int_equal(left(gw, series[0]), SAMPLES - 3);
    assert_int_equal(left(gw, series[2]), SAMPLES);
    assert_int_equal(history_index_labels(history_index(gw->history), series[0], labels), 2);
}

static void wrong_questions_delete_nothing(void **state)
{
    struct gateway *gw = *state;
    static const char *const bodies[] = {
        "{}",
        "{\"match\":5}",
        "{\"match\":\"{}\"}",
        "{\"match\":\"{job=\"}",
        "{\"match\":\"{job=~'a('}\"}",
        "{\"match\":\"up\",\"from\":\"yesterday\"}",
        "{\"match\":\"up\",\"from\":7}",
        "{\"match\":\"up\",\"from\":\"now\",\"to\":\"-1h\"}",
        "{\"match\":\"up\",\"dry_run\":\"yes\"}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct answer answer = delete_with(gw, bodies[i]);
        if (answer.status != 400) {
            fail_msg("%s: %d", bodies[i], (int)answer.status);
        }
        assert_true(text_at(&answer, "error.message")[0] != '\0');
        answer_fini(&answer);
    }
    assert_int_equal(left(gw, series[0]), SAMPLES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_before_it_deletes, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(whole_series_go, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(a_range_leaves_the_series, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(wrong_questions_delete_nothing, open_gateway,
                                        close_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
