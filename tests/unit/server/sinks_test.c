/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks over REST: looking, doing, what is set aside, tasks; what is wrong in words; metrics. */
#include "server/sinks.h"
#include "unit/server/toy_sinks.h"

struct place {
    struct gateway gw;
    struct sinks sinks;
};

static int open_gateway(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    toy_sinks_init(&place->sinks);
    gateway_open_with(&place->gw, GATEWAY_STORES, &place->sinks);
    *state = place;
    return 0;
}

static int close_gateway(void **state)
{
    struct place *place = *state;
    gateway_close(&place->gw);
    gateway_remove_folder(&place->gw);
    free(place);
    return 0;
}

static struct answer get(struct place *place, const char *target)
{
    return ask(&place->gw, "GET", target, NULL, NULL);
}

static struct answer post(struct place *place, const char *target, const char *body)
{
    return ask(&place->gw, "POST", target, NULL, body);
}

static void all_are_listed(void **state)
{
    struct place *place = *state;
    struct sink_status *plant = &place->sinks.rows[1];
    plant->phase = SINK_WAITING;
    plant->waiting = 20000;
    plant->waiting_bytes = 250000;
    plant->lag_us = 41234567;
    plant->next_try_us = clock_wall_us() + 3000000;
    err_set(&plant->error, BUSBAR_ECONNREFUSED, "db.example.org:5432 refused the connection");
    err_hint(&plant->error, "is PostgreSQL running there?");
    plant->error_us = clock_wall_us();
    struct answer answer = get(place, "/api/v1/sinks");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_size(at(&answer, "sinks")), 2);
    assert_string_equal(text_at(&answer, "sinks.0.name"), "cloud");
    assert_true(true_at(&answer, "sinks.0.up"));
    assert_int_equal(json_type(at(&answer, "sinks.0.error")), JSON_NULL);
    assert_int_equal(json_type(at(&answer, "sinks.0.next_try")), JSON_NULL);
    assert_int_equal(number_at(&answer, "sinks.0.published"), 100);
    assert_string_equal(text_at(&answer, "sinks.1.phase"), "waiting");
    assert_false(true_at(&answer, "sinks.1.up"));
    assert_true(true_at(&answer, "sinks.1.exactly_once"));
    assert_string_equal(text_at(&answer, "sinks.1.error.code"), "ECONNREFUSED");
    assert_string_equal(text_at(&answer, "sinks.1.error.hint"), "is PostgreSQL running there?");
    assert_int_equal(number_at(&answer, "sinks.1.quota.left_bytes"), 750000);
    assert_int_equal(json_type(at(&answer, "sinks.1.quota.keep_s")), JSON_NULL);
    assert_string_equal(text_at(&answer, "sinks.1.trouble"), "");
    assert_non_null(strstr(text_at(&answer, "sinks.1.why"), "refused the connection"));
    answer_fini(&answer);
    answer = get(place, "/api/v1/status");
    assert_string_equal(text_at(&answer, "sinks.1.phase"), "waiting");
    answer_fini(&answer);
}

static void one_has_details_and_how_it_went(void **state)
{
    struct place *place = *state;
    struct sink_status *plant = &place->sinks.rows[1];
    plant->details[0] = (struct sink_detail){ .name = "server", .text = "PostgreSQL 15.5" };
    plant->detail_count = 1;
    struct answer answer = get(place, "/api/v1/sinks/plant");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "details.0.text"), "PostgreSQL 15.5");
    assert_int_equal(number_at(&answer, "recent.step_s"), SINKS_RECENT_STEP_S);
    assert_int_equal(json_type(at(&answer, "recent.to")), JSON_NULL);
    assert_int_equal(json_size(at(&answer, "recent.lag_s")), 0);
    answer_fini(&answer);
    answer = get(place, "/api/v1/sinks/plan");
    assert_int_equal(answer.status, 404);
    assert_string_equal(text_at(&answer, "error.hint"), "there is: cloud, plant");
    answer_fini(&answer);
    place->sinks.count = 0;
    answer = get(place, "/api/v1/sinks/plant");
    assert_int_equal(answer.status, 404);
    assert_non_null(strstr(text_at(&answer, "error.hint"), "sinks: {"));
    answer_fini(&answer);
    place->sinks.count = TOY_SINKS;
    answer = get(place, "/api/v1/sinks/plant/sql");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "create role busbar; -- for plant\n");
    answer_fini(&answer);
}

static void what_is_wrong_is_a_problem(void **state)
{
    struct place *place = *state;
    struct sink_status *plant = &place->sinks.rows[1];
    struct answer answer = get(place, "/api/v1/health");
    assert_string_equal(text_at(&answer, "status"), "ok");
    answer_fini(&answer);
    plant->phase = SINK_STUCK;
    err_set(&plant->error, BUSBAR_EPERM, "permission denied for table sample");
    answer = get(place, "/api/v1/health");
    assert_string_equal(text_at(&answer, "status"), "degraded");
    assert_string_equal(text_at(&answer, "problems.0.what"), "sink plant is stuck");
    assert_string_equal(text_at(&answer, "problems.0.why"), "permission denied for table sample");
    assert_string_equal(text_at(&answer, "problems.0.hint"), "busbar sink test plant looks closer");
    answer_fini(&answer);
    plant->phase = SINK_WAITING;
    answer = get(place, "/api/v1/health");
    assert_int_equal(json_size(at(&answer, "problems")), 0);
    answer_fini(&answer);
    plant->lag_us = 61 * CLOCK_US_PER_S;
    answer = get(place, "/api/v1/health");
    assert_string_equal(text_at(&answer, "problems.0.what"),
                        "sink plant has been waiting for 1m1s");
    answer_fini(&answer);
    plant->phase = SINK_CATCHING_UP;
    plant->waiting_bytes = 900000;
    answer = get(place, "/api/v1/health");
    assert_string_equal(text_at(&answer, "problems.0.what"), "sink plant is near its quota");
    assert_non_null(strstr(text_at(&answer, "problems.0.why"), "90 %"));
    answer_fini(&answer);
}

static void the_age_is_a_quota_too(void **state)
{
    struct place *place = *state;
    struct sink_status *plant = &place->sinks.rows[1];
    plant->keep_us = 100 * CLOCK_US_PER_S;
    plant->lag_us = 85 * CLOCK_US_PER_S;
    struct answer answer = get(place, "/api/v1/sinks");
    assert_int_equal(number_at(&answer, "sinks.1.quota.keep_s"), 100);
    assert_int_equal(number_at(&answer, "sinks.1.quota.left_s"), 15);
    assert_string_equal(text_at(&answer, "sinks.1.trouble"), "sink plant is near its quota");
    answer_fini(&answer);
}

static void it_is_paused_and_resumed(void **state)
{
    struct place *place = *state;
    struct answer answer = post(place, "/api/v1/sinks/plant/pause", "{}");
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "changed"));
    assert_string_equal(place->sinks.did, "pause plant");
    answer_fini(&answer);
    answer = post(place, "/api/v1/sinks/plant/pause", "{}");
    assert_false(true_at(&answer, "changed"));
    assert_string_equal(text_at(&answer, "message"), "paused already");
    answer_fini(&answer);
    answer = post(place, "/api/v1/sinks/plant/try", "{}");
    assert_int_equal(answer.status, 503);
    assert_string_equal(text_at(&answer, "error.hint"), "busbar sink resume plant");
    answer_fini(&answer);
    answer = post(place, "/api/v1/sinks/plant/resume", "{}");
    assert_true(true_at(&answer, "changed"));
    answer_fini(&answer);
    answer = post(place, "/api/v1/sinks/plant/try", "{}");
    assert_string_equal(place->sinks.did, "try plant");
    answer_fini(&answer);
    answer = get(place, "/api/v1/journal?match=plant");
    assert_int_equal(json_size(at(&answer, "entries")), 3);
    assert_string_equal(text_at(&answer, "entries.2.what"), "sink pause");
    assert_string_equal(text_at(&answer, "entries.0.what"), "sink try");
    answer_fini(&answer);
    place->sinks.error = BUSBAR_EIO;
    answer = post(place, "/api/v1/sinks/plant/pause", "{}");
    assert_int_equal(answer.status, 500);
    answer_fini(&answer);
}

static void go_on(struct place *place, uint64_t sent, uint64_t refused, bool done, int error)
{
    struct sink_again progress = { .done = done, .total = 5, .sent = sent, .refused = refused };
    if (error != 0) {
        err_set(&progress.err, error, "the target is gone");
    }
    place->sinks.again(place->sinks.again_ctx, &progress);
}

static void a_retry_is_a_task(void **state)
{
    struct place *place = *state;
    struct answer answer = post(place, "/api/v1/sinks/plant/retry", "{\"id\": 17}");
    assert_int_equal(answer.status, 202);
    assert_int_equal(place->sinks.id, 17);
    assert_int_equal(number_at(&answer, "id"), 1);
    assert_string_equal(text_at(&answer, "state"), "running");
    answer_fini(&answer);
    go_on(place, 2, 1, false, 0);
    answer = get(place, "/api/v1/sink-tasks/1");
    assert_int_equal(number_at(&answer, "done"), 3);
    assert_int_equal(number_at(&answer, "total"), 5);
    answer_fini(&answer);
    answer = ask(&place->gw, "DELETE", "/api/v1/sink-tasks/1", NULL, NULL);
    assert_string_equal(place->sinks.did, "stop plant");
    answer_fini(&answer);
    go_on(place, 4, 1, true, 0);
    answer = get(place, "/api/v1/sink-tasks/1");
    assert_string_equal(text_at(&answer, "state"), "done");
    assert_int_equal(number_at(&answer, "refused"), 1);
    assert_non_null(strstr(text_at(&answer, "message"), "busbar sink aside plant"));
    answer_fini(&answer);
    answer = get(place, "/api/v1/sink-tasks");
    assert_int_equal(json_size(at(&answer, "tasks")), 1);
    answer_fini(&answer);
    answer = ask(&place->gw, "DELETE", "/api/v1/sink-tasks/1", NULL, NULL);
    assert_int_equal(answer.status, 204);
    answer_fini(&answer);
}

static void a_drop_may_fail(void **state)
{
    struct place *place = *state;
    struct answer answer = post(place, "/api/v1/sinks/plant/drop", "{}");
    assert_int_equal(answer.status, 202);
    assert_int_equal(place->sinks.id, 0);
    answer_fini(&answer);
    go_on(place, 0, 0, true, BUSBAR_EIO);
    answer = get(place, "/api/v1/sink-tasks/1");
    assert_string_equal(text_at(&answer, "state"), "failed");
    assert_string_equal(text_at(&answer, "message"), "the target is gone");
    answer_fini(&answer);
    place->sinks.error = BUSBAR_EBUSY;
    answer = post(place, "/api/v1/sinks/plant/drop", "{}");
    assert_int_equal(answer.status, 503);
    answer_fini(&answer);
    answer = get(place, "/api/v1/sink-tasks");
    assert_int_equal(json_size(at(&answer, "tasks")), 1);
    answer_fini(&answer);
}

static void history_is_sent_again(void **state)
{
    struct place *place = *state;
    struct answer answer = post(
        place, "/api/v1/sinks/plant/resend",
        "{\"from\":\"2026-11-20T00:00:00Z\",\"to\":\"2026-11-21T00:00:00Z\","
        "\"points\":\"meter-*/*\"}");
    assert_int_equal(answer.status, 202);
    assert_int_equal(place->sinks.to_us - place->sinks.from_us, INT64_C(86400) * 1000000);
    assert_string_equal(place->sinks.points, "meter-*/*");
    answer_fini(&answer);
    answer = get(place, "/api/v1/journal?what=sink%20resend");
    assert_non_null(strstr(text_at(&answer, "entries.0.new"), "2026-11-20T00:00:00"));
    answer_fini(&answer);
    go_on(place, 5, 0, true, 0);
    answer = post(place, "/api/v1/sinks/plant/resend", "{\"from\":\"-1h\"}");
    assert_int_equal(answer.status, 202);
    assert_string_equal(place->sinks.points, "-");
    answer_fini(&answer);
    go_on(place, 0, 0, true, BUSBAR_ECANCELED);
    answer = get(place, "/api/v1/sink-tasks/2");
    assert_string_equal(text_at(&answer, "state"), "stopped");
    answer_fini(&answer);
}

static void wrong_asks_are_said(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *target, *body;
        int status;
    } asks[] = {
        { "/api/v1/sinks/nope/test", "{}", 404 },
        { "/api/v1/sinks/nope/retry", "{}", 404 },
        { "/api/v1/sinks/plant/retry", "{\"id\": 0}", 400 },
        { "/api/v1/sinks/plant/drop", "{\"id\": \"all\"}", 400 },
        { "/api/v1/sinks/plant/resend", "{}", 400 },
        { "/api/v1/sinks/plant/resend", "{\"from\": \"then\"}", 400 },
        { "/api/v1/sinks/plant/resend", "{\"from\": \"-1h\", \"to\": \"-2h\"}", 400 },
        { "/api/v1/sinks/plant/resend", "{\"from\": \"-1h\", \"points\": 7}", 400 },
    };
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        struct answer answer = post(place, asks[i].target, asks[i].body);
        assert_int_equal(answer.status, asks[i].status);
        answer_fini(&answer);
    }
    struct answer answer = get(place, "/api/v1/sink-tasks/9");
    assert_int_equal(answer.status, 404);
    answer_fini(&answer);
    assert_string_equal(place->sinks.did, "");
}

/* Ends the test of a sink a moment after it was asked for. */
static void end_test(struct timer *timer, void *ctx)
{
    static const struct sink_finding findings[] = {
        { "address", SINK_GOOD, "10.0.0.9", "" },
        { "TLS", SINK_BAD, "the certificate ended yesterday", "renew it on the server" },
        { "clock", SINK_WARNING, "differs by 4 s", "look at NTP" },
    };
    struct sinks *sinks = ctx;
    if (sinks->tested != NULL) {
        timer_stop(timer);
        sinks->tested(sinks->tested_ctx, findings, 3);
    }
}

static void a_test_names_what_is_wrong(void **state)
{
    struct place *place = *state;
    struct timer timer;
    timer_init(&timer, place->gw.loop, end_test, &place->sinks);
    timer_start(&timer, 1, 1);
    struct answer answer = post(place, "/api/v1/sinks/plant/test", "{}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_size(at(&answer, "findings")), 3);
    assert_false(true_at(&answer, "fine"));
    assert_string_equal(text_at(&answer, "verdict"), "bad");
    assert_string_equal(text_at(&answer, "findings.1.what"), "TLS");
    assert_string_equal(text_at(&answer, "findings.1.hint"), "renew it on the server");
    assert_string_equal(text_at(&answer, "findings.2.verdict"), "warning");
    answer_fini(&answer);
    place->sinks.error = BUSBAR_EBUSY;
    answer = post(place, "/api/v1/sinks/plant/test", "{}");
    assert_int_equal(answer.status, 503);
    answer_fini(&answer);
}

static void what_is_aside_is_listed(void **state)
{
    struct place *place = *state;
    struct state_sink sink = { .name = "plant", .log_id = "0123456789abcdef0123456789abcdef" };
    struct state_aside rows[3] = {
        { .place = { 1, 1 }, .path = "meter-1/p0", .reason = "too large", .since_us = 5000000 },
        { .place = { 1, 2 }, .path = "", .reason = "no such enum", .since_us = 6000000 },
        { .place = { 1, 3 }, .reason = "text is not UTF-8", .since_us = 7000000 },
    };
    struct event event = { .time_us = 3000000,
                           .receive_us = 3000000,
                           .source = "ahu-1",
                           .kind = "alarm",
                           .text = "too warm",
                           .key = "" };
    struct buf bytes;
    rows[0].sample = (struct sample){
        .time_us = 1000000, .point = 1, .type = VALUE_DOUBLE, .value.d = 21.5
    };
    rows[1].sample = (struct sample){
        .time_us = 2000000, .point = 77, .type = VALUE_INT, .value.i = 4, .quality = QUALITY_STALE
    };
    buf_init(&bytes, EVENT_BYTES_MAX);
    assert_int_equal(event_encode(&event, &bytes), 0);
    rows[2].event = bytes_of(bytes.data, bytes.size);
    assert_int_equal(state_sink_set(place->gw.state, &sink), 0);
    assert_int_equal(
        state_aside_add(place->gw.state, "plant", rows, 3, 100, &rows[2].place, &sink.counts), 0);
    buf_fini(&bytes);
    struct answer answer = get(place, "/api/v1/sinks/plant/aside");
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "total"), 3);
    assert_true(true_at(&answer, "rows.0.event"));
    assert_string_equal(text_at(&answer, "rows.0.path"), "ahu-1");
    assert_string_equal(text_at(&answer, "rows.0.value"), "too warm");
    assert_string_equal(text_at(&answer, "rows.1.path"), "series 77");
    assert_string_equal(text_at(&answer, "rows.1.quality"), "bad");
    assert_string_equal(text_at(&answer, "rows.2.path"), "meter-1/p0");
    assert_string_equal(text_at(&answer, "rows.2.value"), "21.5");
    assert_string_equal(text_at(&answer, "rows.2.reason"), "too large");
    assert_string_equal(text_at(&answer, "rows.2.time"), "1970-01-01T00:00:01.000000Z");
    int64_t second = number_at(&answer, "rows.1.id");
    answer_fini(&answer);
    char target[96];
    str_format(target, sizeof(target), "/api/v1/sinks/plant/aside?limit=1&before=%lld",
               (long long)second);
    answer = get(place, target);
    assert_int_equal(json_size(at(&answer, "rows")), 1);
    assert_string_equal(text_at(&answer, "rows.0.path"), "meter-1/p0");
    answer_fini(&answer);
    answer = get(place, "/api/v1/sinks/plant/aside?limit=0");
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
    answer = get(place, "/api/v1/sinks/cloud/aside");
    assert_int_equal(number_at(&answer, "total"), 0);
    answer_fini(&answer);
}

static void figures_have_their_labels(void **state)
{
    struct place *place = *state;
    place->sinks.rows[1].lag_us = 1500000;
    place->sinks.rows[0].phase = SINK_STUCK;
    struct answer answer = get(place, "/metrics");
    static const char *const lines[] = {
        "\nbusbar_sink_up{sink=\"cloud\",kind=\"postgres\"} 0\n",
        "\nbusbar_sink_up{sink=\"plant\",kind=\"postgres\"} 1\n",
        "\nbusbar_sink_published_total{sink=\"plant\",kind=\"postgres\"} 100\n",
        "\nbusbar_sink_lag_seconds{sink=\"plant\",kind=\"postgres\"} 1.5\n",
        "\n# TYPE busbar_sink_waiting gauge\n",
    };
    assert_int_equal(answer.status, 200);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_non_null(strstr(answer.body, lines[i]));
    }
    answer_fini(&answer);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_gateway, close_gateway)
    const struct CMUnitTest tests[] = {
        TEST(all_are_listed),
        TEST(one_has_details_and_how_it_went),
        TEST(what_is_wrong_is_a_problem),
        TEST(the_age_is_a_quota_too),
        TEST(it_is_paused_and_resumed),
        TEST(a_retry_is_a_task),
        TEST(a_drop_may_fail),
        TEST(history_is_sent_again),
        TEST(wrong_asks_are_said),
        TEST(a_test_names_what_is_wrong),
        TEST(what_is_aside_is_listed),
        TEST(figures_have_their_labels),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
