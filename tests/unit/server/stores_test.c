/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from history and state: samples, buckets, ledger, journal; with real stores in a
 * temporary folder. */
#include "server/counts.h"

#include "unit/server/gateway.h"

static int open_gateway(void **state)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    gateway_open(gw, GATEWAY_STORES);
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

static void on_disk(void *ctx, int error)
{
    assert_int_equal(error, 0);
    ++*(int *)ctx;
}

/* Puts one sample through the bus and waits until it is on disk. */
static void publish(struct gateway *gw, struct device *dev, uint32_t index, struct sample sample)
{
    int stored = 0;
    struct bus_batch batch = { .device = dev, .points = &index, .samples = &sample, .count = 1 };
    if (sample.receive_us == 0) {
        sample.receive_us = sample.time_us;
    }
    assert_int_equal(bus_publish(gw->bus, &batch, on_disk, &stored), 0);
    int64_t end = clock_mono_us() + ASK_MS_MAX * CLOCK_US_PER_MS;
    while (stored == 0) {
        assert_true(clock_mono_us() < end);
        gateway_turn(gw, 1);
    }
}

static struct sample good(int64_t time_us, double value)
{
    return (struct sample){ .time_us = time_us, .type = VALUE_DOUBLE, .value.d = value };
}

static struct sample bad(int64_t time_us)
{
    return (struct sample){ .time_us = time_us, .type = VALUE_NONE, .quality = QUALITY_NO_ANSWER };
}

static void samples_come_back(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_device(gw, "meter-1", 2);
    int64_t now = clock_wall_us();
    publish(gw, dev, 1, good(now - 3000000, 1.5));
    publish(gw, dev, 1, bad(now - 2000000));
    publish(gw, dev, 1, good(now - 1000000, 2.5));
    struct answer answer = ask(gw, "GET", "/api/v1/samples/meter-1/p1", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "path"), "meter-1/p1");
    assert_string_equal(text_at(&answer, "units"), "kW");
    assert_int_equal(json_size(at(&answer, "samples")), 3);
    double value = 0;
    int64_t time_us = 0;
    assert_int_equal(json_get_double(at(&answer, "samples.0.1"), &value), 0);
    assert_true(value == 1.5);
    assert_int_equal(str_parse_time(text_at(&answer, "samples.0.0"), &time_us), 0);
    assert_int_equal(time_us, now - 3000000);
    assert_string_equal(text_at(&answer, "samples.0.2"), "good");
    assert_int_equal(json_type(at(&answer, "samples.1.1")), JSON_NULL);
    assert_string_equal(text_at(&answer, "samples.1.2"), "no answer");
    assert_false(true_at(&answer, "more"));
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/samples/meter-1/p1?limit=2", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "samples")), 2);
    assert_true(true_at(&answer, "more"));
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/samples/meter-1/p0", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "samples")), 0);
    answer_fini(&answer);
}

static void buckets_are_for_charts(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_device(gw, "meter-1", 1);
    int64_t start = clock_wall_us() / 1000000 * 1000000 - 100000000;
    char target[256];
    for (int i = 0; i < 10; i++) {
        publish(gw, dev, 0, good(start + i * 1000000, i));
    }
    publish(gw, dev, 0, bad(start + 11000000));
    str_format(target, sizeof(target), "/api/v1/samples/meter-1/p0?from=%lld&to=%lld&buckets=4",
               (long long)start, (long long)(start + 20000000));
    struct answer answer = ask(gw, "GET", target, NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "step_ms"), 5000);
    assert_int_equal(json_size(at(&answer, "buckets")), 3);
    assert_int_equal(number_at(&answer, "buckets.1.0"), start / 1000 + 5000);
    assert_int_equal(number_at(&answer, "buckets.1.1"), 5);
    assert_int_equal(number_at(&answer, "buckets.1.2"), 5);
    assert_int_equal(number_at(&answer, "buckets.1.3"), 9);
    assert_int_equal(number_at(&answer, "buckets.1.4"), 7);
    assert_int_equal(number_at(&answer, "buckets.1.5"), 5);
    assert_string_equal(text_at(&answer, "buckets.1.8"), "good");
    assert_int_equal(number_at(&answer, "buckets.1.6"), 9);
    assert_int_equal(number_at(&answer, "buckets.1.7"), 0);
    assert_int_equal(number_at(&answer, "buckets.2.1"), 0);
    assert_int_equal(json_type(at(&answer, "buckets.2.2")), JSON_NULL);
    assert_int_equal(number_at(&answer, "buckets.2.7"), 1);
    answer_fini(&answer);
}

static void wrong_questions_are_said(void **state)
{
    struct gateway *gw = *state;
    gateway_device(gw, "meter-1", 1);
    static const char *const wrong[] = { "from=yesterday", "to=2026-13-01T00:00:00Z", "limit=0",
                                         "buckets=10001",  "from=now&to=-1h",         "from=-1x" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char target[128];
        str_format(target, sizeof(target), "/api/v1/samples/meter-1/p0?%s", wrong[i]);
        struct answer answer = ask(gw, "GET", target, NULL, NULL);
        assert_int_equal(answer.status, 400);
        answer_fini(&answer);
    }
    struct answer answer = ask(gw, "GET", "/api/v1/samples/meter-1/p9", NULL, NULL);
    assert_int_equal(answer.status, 404);
    answer_fini(&answer);
}

/* The history of a point outlives its configuration. */
static void a_point_of_the_past_is_found(void **state)
{
    struct gateway *gw = *state;
    struct err err;
    const char *path = "meter-1/p0";
    uint32_t id = 0;
    assert_int_equal(state_ids(gw->state, &path, 1, &id, &err), 0);
    gw->next_id = id;
    struct device *dev = gateway_device(gw, "meter-1", 1);
    publish(gw, dev, 0, good(clock_wall_us() - 1000000, 4));
    gw->loose[gw->loose_count++] = registry_take(gw->registry, "meter-1");
    struct answer answer = ask(gw, "GET", "/api/v1/samples/meter-1/p0", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_size(at(&answer, "samples")), 1);
    answer_fini(&answer);
}

/* ---- ledger ---- */

static void the_ledger_balances(void **state)
{
    struct gateway *gw = *state;
    gw->cls.deadband = 0.5;
    struct device *dev = gateway_device(gw, "meter-1", 2);
    int64_t now = clock_wall_us() - 10000000;
    publish(gw, dev, 0, good(now, 1));
    publish(gw, dev, 0, good(now + 1000000, 1.1)); /* within the deadband */
    publish(gw, dev, 0, good(now + 2000000, 5));
    publish(gw, dev, 0, good(now + 2000000, 9)); /* the same time again */
    publish(gw, dev, 1, bad(now));
    struct answer answer = ask(gw, "GET", "/api/v1/ledger?match=*", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "balances"));
    assert_int_equal(number_at(&answer, "totals.received"), 5);
    assert_int_equal(number_at(&answer, "totals.stored"), 3);
    assert_int_equal(number_at(&answer, "totals.repeated"), 1);
    assert_string_equal(text_at(&answer, "totals.refused.0.reason"), "within deadband");
    assert_int_equal(number_at(&answer, "totals.refused.0.count"), 1);
    assert_int_equal(number_at(&answer, "totals.waiting"), 0);
    assert_int_equal(number_at(&answer, "total"), 2);
    assert_string_equal(text_at(&answer, "points.0.path"), "meter-1/p0");
    assert_int_equal(number_at(&answer, "points.0.received"), 4);
    assert_int_equal(number_at(&answer, "points.0.refused"), 1);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/ledger?match=*/p1", NULL, NULL);
    assert_int_equal(number_at(&answer, "totals.received"), 1);
    assert_int_equal(number_at(&answer, "total"), 1);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/points/meter-1/p0", NULL, NULL);
    assert_true(true_at(&answer, "ledger.balances"));
    assert_int_equal(number_at(&answer, "ledger.stored"), 2);
    assert_int_equal(number_at(&answer, "ledger.repeated"), 1);
    answer_fini(&answer);
}

/* A sample that never reached the store, counted as received: found. */
static void a_lost_sample_is_found(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_device(gw, "meter-1", 3);
    for (uint32_t i = 0; i < 3; i++) {
        publish(gw, dev, i, good(clock_wall_us(), 1));
    }
    dev->points[1].received++;
    struct answer answer = ask(gw, "GET", "/api/v1/ledger?wrong=1", NULL, NULL);
    assert_false(true_at(&answer, "balances"));
    assert_int_equal(number_at(&answer, "total"), 1);
    assert_string_equal(text_at(&answer, "points.0.path"), "meter-1/p1");
    assert_false(true_at(&answer, "points.0.balances"));
    answer_fini(&answer);
    dev->points[1].received -= 2;
    answer = ask(gw, "GET", "/api/v1/points/meter-1/p1", NULL, NULL);
    assert_false(true_at(&answer, "ledger.balances"));
    answer_fini(&answer);
}

static void the_ledger_balances_while_polled(void **state)
{
    struct gateway *gw = *state;
    gw->cls.every_us = 2 * CLOCK_US_PER_MS;
    struct device *dev = gateway_add(gw, "meter-1", 50);
    gateway_wait_good(gw, &dev->points[0]);
    for (int i = 0; i < 30; i++) {
        struct answer answer = ask(gw, "GET", "/api/v1/ledger?match=*", NULL, NULL);
        assert_true(true_at(&answer, "balances"));
        answer_fini(&answer);
    }
}

/* ---- journal ---- */

static void writes_and_pauses_are_in_the_journal(void **state)
{
    struct gateway *gw = *state;
    gw->cls.write = (struct point_write){ .allowed = true, .has_max = true, .max = 500 };
    struct device *dev = gateway_add(gw, "ahu-1", 1);
    gateway_wait_good(gw, &dev->points[0]);
    struct answer answer = ask(gw, "POST", "/api/v1/points/ahu-1/p0/write", NULL, "{\"value\":42}");
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/points/ahu-1/p0/write", NULL, "{\"value\":4200}");
    assert_int_equal(answer.status, 422);
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/devices/ahu-1/pause", NULL, "{}");
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/devices/ahu-1/pause", NULL, "{}"); /* nothing changed */
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/journal", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_size(at(&answer, "entries")), 3);
    assert_string_equal(text_at(&answer, "entries.0.what"), "pause");
    assert_string_equal(text_at(&answer, "entries.0.path"), "ahu-1");
    assert_string_equal(text_at(&answer, "entries.1.new"), "4200 kW");
    assert_string_not_equal(text_at(&answer, "entries.1.result"), "written");
    assert_string_equal(text_at(&answer, "entries.2.who"), "local");
    assert_string_equal(text_at(&answer, "entries.2.from"), "127.0.0.1");
    assert_string_equal(text_at(&answer, "entries.2.path"), "ahu-1/p0");
    assert_string_equal(text_at(&answer, "entries.2.old"), "100 kW");
    assert_string_equal(text_at(&answer, "entries.2.new"), "42 kW");
    assert_string_equal(text_at(&answer, "entries.2.result"), "written");
    int64_t newest = number_at(&answer, "entries.0.id");
    answer_fini(&answer);
    char target[128];
    str_format(target, sizeof(target), "/api/v1/journal?limit=1&before=%lld", (long long)newest);
    answer = ask(gw, "GET", target, NULL, NULL);
    assert_int_equal(json_size(at(&answer, "entries")), 1);
    assert_string_equal(text_at(&answer, "entries.0.new"), "4200 kW");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/journal?what=write&match=ahu-*", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "entries")), 2);
    answer_fini(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(samples_come_back),
        TEST(buckets_are_for_charts),
        TEST(wrong_questions_are_said),
        TEST(a_point_of_the_past_is_found),
        TEST(the_ledger_balances),
        TEST(a_lost_sample_is_found),
        TEST(the_ledger_balances_while_polled),
        TEST(writes_and_pauses_are_in_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
