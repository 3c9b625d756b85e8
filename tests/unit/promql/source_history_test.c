/* SPDX-License-Identifier: Apache-2.0 */
/* A real history as a source: its answers are those of the same samples in memory, whether they
 * are in the head, in blocks or in both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hash.h"
#include "history/index.h"
#include "model/quality.h"
#include "unit/history/place.h"
#include "unit/promql/fake_source.h"

enum { SERIES = 12, SAMPLES = 900, STEP_S = 10 };
#define BEGIN_S INT64_C(1767225600) /* 2026-01-01 */

struct twins {
    struct place place;
    struct fake fake;
    uint32_t ids[SERIES];
};

static void make_series(struct twins *twins)
{
    char line[96];
    for (int i = 0; i < SERIES; i++) {
        size_t size = str_format(line, sizeof(line), "%s{device=\"d%d\",point=\"p%d\"}",
                                 i % 2 ? "temp" : "flow_total", i / 4, i);
        struct fake_series *series = fake_add(&twins->fake, line, size);
        struct history_labels set = { series->labels, series->label_count };
        struct err err = { 0 };
        if (history_make_series(twins->place.history, &set, 1, &twins->ids[i], &err) != 0) {
            fail_msg("%s", err.message);
        }
    }
}

/* Samples [from, to) of all series into both; now and then one of bad quality. */
static void append(struct twins *twins, int from, int to)
{
    uint64_t seed = (uint64_t)from + 1;
    for (int j = from; j < to; j++) {
        struct sample samples[SERIES];
        size_t count = 0;
        for (int i = 0; i < SERIES; i++) {
            if (hash_random(&seed) % 20 == 0) {
                continue;
            }
            int64_t time_us = (BEGIN_S + (int64_t)j * STEP_S) * 1000000;
            time_us += i % 3 == 0 ? (int64_t)(hash_random(&seed) % 10000) - 5000 : 0;
            double value = i % 2 ? 20 + (double)((j * (i + 3)) % 37) / 10 : j * (i + 1);
            bool bad = hash_random(&seed) % 40 == 0;
            samples[count] = place_number(twins->ids[i], time_us, value);
            samples[count].quality = bad ? QUALITY_NO_ANSWER : QUALITY_GOOD;
            samples[count].type = bad ? VALUE_NONE : VALUE_DOUBLE;
            count++;
            fake_append(&twins->fake.series[i], time_us, bad ? history_stale() : value);
        }
        assert_int_equal(place_append(&twins->place, samples, count), 0);
    }
}

static void wait_until_loaded(struct place *place)
{
    for (int i = 0; i < 10000 && !history_index_loaded(place->history); i++) {
        usleep(1000);
    }
}

static void compare(struct twins *twins, const struct promql_source *source, const char *text,
                    const struct promql_question *asked)
{
    struct promql_question question = *asked;
    question.text = text;
    struct buf expected, answer;
    buf_init(&expected, 1 << 22);
    buf_init(&answer, 1 << 22);
    struct promql_source memory = twins->fake.source;
    (void)fake_ask(&twins->fake, &question, true, &expected);
    twins->fake.source = *source;
    (void)fake_ask(&twins->fake, &question, true, &answer);
    twins->fake.source = memory;
    if (strcmp(buf_text(&answer), buf_text(&expected)) != 0) {
        print_message("%s\n", text);
    }
    assert_string_equal(buf_text(&answer), buf_text(&expected));
    assert_null(strstr(buf_text(&answer), "error"));
    buf_fini(&expected);
    buf_fini(&answer);
}

static void compare_all(struct twins *twins)
{
    static const char *const texts[] = {
        "temp",
        "{device=~\"d[01]\"}",
        "temp{point!=\"p3\"}[3m]",
        "count_over_time(temp[5m])",
        "max_over_time(temp[5m])",
        "min_over_time(temp[1h])",
        "sum by (device) (rate(flow_total[5m]))",
        "last_over_time(temp[2h])",
        "count_over_time(temp[2h])",
        "timestamp(temp)",
        "temp offset 20m",
        "sum(temp > 21)",
        "max_over_time(rate(flow_total[5m])[20m:1m])",
        "nothing",
        "count({__name__!=\"\"})",
    };
    struct promql_source source;
    assert_int_equal(promql_source_history_open(twins->place.history, NULL, &source), 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct promql_question question = {
            .start_us = (BEGIN_S + SAMPLES * STEP_S - 1000) * 1000000,
        };
        compare(twins, &source, texts[i], &question);
        question.start_us = (BEGIN_S + 1003) * 1000000;
        compare(twins, &source, texts[i], &question);
        if (strstr(texts[i], "[3m]") == NULL) {
            question.end_us = (BEGIN_S + SAMPLES * STEP_S) * 1000000;
            question.step_us = 97000000;
            compare(twins, &source, texts[i], &question);
        }
    }
    assert_int_equal(source.damaged(source.ctx), 0);
    promql_source_history_close(&source);
}

static void answers_are_those_of_memory(void **state)
{
    (void)state;
    struct twins twins;
    place_make(&twins.place);
    place_open(&twins.place);
    fake_init(&twins.fake);
    make_series(&twins);
    append(&twins, 0, SAMPLES / 2);
    compare_all(&twins); /* from the head */
    assert_int_equal(history_flush(twins.place.history), 0);
    compare_all(&twins); /* from a block */
    append(&twins, SAMPLES / 2, SAMPLES);
    compare_all(&twins); /* from both */
    place_reopen(&twins.place);
    wait_until_loaded(&twins.place);
    compare_all(&twins);
    fake_fini(&twins.fake);
    place_remove(&twins.place);
}

static void opening_may_fail(void **state)
{
    (void)state;
    struct place place;
    place_make(&place);
    place_open(&place);
    wait_until_loaded(&place);
    for (long n = 1;; n++) {
        struct promql_source source;
        alloc_fail_nth(n);
        int error = promql_source_history_open(place.history, NULL, &source);
        bool reached = alloc_try_count() >= n;
        alloc_fail_nth(0);
        promql_source_history_close(&source);
        if (!reached) {
            assert_int_equal(error, 0);
            break;
        }
        assert_int_equal(error, BUSBAR_ENOMEM);
    }
    struct promql_source source;
    assert_int_equal(promql_source_history_open(place.history, NULL, &source), 0);
    uint64_t *series;
    size_t count;
    struct err err = { 0 };
    struct label_matcher broken = { LABEL_MATCHES, "a", "(" };
    assert_int_equal(source.select(source.ctx, &broken, 1, 10, NULL, &series, &count, &err),
                     BUSBAR_ESYNTAX);
    promql_source_history_close(&source);
    promql_source_history_close(&source); /* harmless */
    place_remove(&place);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers_are_those_of_memory),
    cmocka_unit_test(opening_may_fail),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
