/* SPDX-License-Identifier: Apache-2.0 */
/* The live stream over a real socket: first values, changes, coalescing, slow readers, limits. */
#include "server/live.h"

#include "server/core.h"
#include "server/live_private.h"
#include "unit/server/gateway.h"

static int open_gateway(void **state)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    gateway_open(gw, 0);
    *state = gw;
    return 0;
}

static int close_gateway(void **state)
{
    gateway_close(*state);
    free(*state);
    return 0;
}

static int stream_open(struct gateway *gw, const char *query)
{
    char text[8192];
    int fd = client_connect(gw);
    str_format(text, sizeof(text), "GET /api/v1/live?%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
               query);
    client_send(fd, text);
    return fd;
}

static char *stream_read(struct gateway *gw, int fd, const char *until)
{
    bool closed = false;
    char *got = client_read(gw, fd, until, ASK_MS_MAX, &closed);
    if (strstr(got, until) == NULL) {
        fail_msg("no '%s' in '%.300s'", until, got);
    }
    return got;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static void publish(struct gateway *gw, struct device *dev, uint32_t index, int64_t value)
{
    struct sample sample = { .time_us = clock_wall_us(),
                             .receive_us = clock_wall_us(),
                             .type = VALUE_INT,
                             .value.i = value,
                             .quality = QUALITY_GOOD };
    struct bus_batch batch = { .device = dev, .points = &index, .samples = &sample, .count = 1 };
    assert_int_equal(bus_publish(gw->bus, &batch, NULL, NULL), 0);
}

static void the_first_event_holds_all(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_device(gw, "meter-1", 3);
    publish(gw, dev, 1, 77);
    int fd = stream_open(gw, "match=meter-*/p*");
    char *got = stream_read(gw, fd, "meter-1/p2");
    assert_non_null(strstr(got, "Content-Type: text/event-stream"));
    assert_non_null(strstr(got, "event: points\ndata: [{\"path\":\"meter-1/p0\",\"value\":null"));
    assert_non_null(strstr(got, "{\"path\":\"meter-1/p1\",\"value\":77,\"text\":\"77 kW\""));
    free(got);
    (void)close(fd);
}

static void only_named_points_are_told(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_device(gw, "meter-1", 3);
    int fd = stream_open(gw, "points=meter-1/p2,none/p0,meter-1/p0,");
    char *got = stream_read(gw, fd, "meter-1/p0");
    assert_null(strstr(got, "meter-1/p1"));
    assert_null(strstr(got, "none/p0"));
    free(got);
    publish(gw, dev, 1, 5);
    publish(gw, dev, 2, 6);
    got = stream_read(gw, fd, "}]\n\n");
    assert_non_null(strstr(got, "{\"path\":\"meter-1/p2\",\"value\":6"));
    assert_null(strstr(got, "meter-1/p1"));
    assert_null(strstr(got, "meter-1/p0"));
    free(got);
    (void)close(fd);
}

/* A thousand changes in one tick are one row, with the last value. */
static void changes_are_put_together(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_device(gw, "meter-1", 2);
    int fd = stream_open(gw, "device=meter-1");
    free(stream_read(gw, fd, "meter-1/p1"));
    gateway_turn(gw, 2 * LIVE_TICK_MS);
    bool closed = false;
    free(client_read(gw, fd, NULL, 1, &closed));
    for (int64_t i = 1; i <= 1000; i++) {
        publish(gw, dev, 0, i);
    }
    char *got = stream_read(gw, fd, "\"value\":1000,");
    assert_int_equal(count_of(got, "meter-1/p0"), 1);
    free(got);
    got = client_read(gw, fd, NULL, 2 * LIVE_TICK_MS, &closed);
    assert_int_equal(count_of(got, "meter-1/p0"), 0);
    assert_false(closed);
    free(got);
    (void)close(fd);
}

static void health_and_devices_are_told(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 1);
    gateway_wait_good(gw, &dev->points[0]);
    int fd = stream_open(gw, "health=1");
    char *got = stream_read(gw, fd, "event: devices\ndata: [{\"name\":\"meter-1\"");
    assert_non_null(strstr(got, "event: health\ndata: {\"status\":\"ok\""));
    assert_null(strstr(got, "event: points"));
    free(got);
    struct server_problem problem = { .what = "disk full" };
    gw->facts.problems = &problem;
    gw->facts.problem_count = 1;
    got = stream_read(gw, fd, "\"status\":\"degraded\"");
    assert_int_equal(count_of(got, "event: health"), 1);
    free(got);
    struct answer answer = ask(gw, "POST", "/api/v1/devices/meter-1/pause", NULL, "{}");
    answer_fini(&answer);
    free(stream_read(gw, fd, "\"link\":\"paused\""));
    (void)close(fd);
}

/* Nothing is read for a while: memory stays, and then the newest values come. */
static void a_slow_reader_gets_the_newest(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_device(gw, "meter-1", 2000);
    int fd = stream_open(gw, "device=meter-1");
    int small = 65536;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int64_t round = 1; round <= 10; round++) {
        for (uint32_t i = 0; i < 2000; i++) {
            publish(gw, dev, i, round * 100000 + i);
        }
        gateway_turn(gw, LIVE_TICK_MS + 20);
    }
    const struct live *live = gw->server->live;
    const struct live_stream *stream = list_entry(live->streams.next, struct live_stream, link);
    assert_true(stream->set.queued <= 2000);
    assert_true(stream->out.capacity <= 2 * LIVE_EVENT_BYTES + 4096);
    char *got = stream_read(gw, fd, "\"value\":1001999,");
    assert_true(count_of(got, "\"path\"") < 2000 * 6);
    free(got);
    (void)close(fd);
}

static void a_client_that_leaves_is_forgotten(void **state)
{
    struct gateway *gw = *state;
    gateway_device(gw, "meter-1", 1);
    int fd = stream_open(gw, "device=meter-1");
    free(stream_read(gw, fd, "meter-1/p0"));
    assert_int_equal(live_stream_count(gw->server->live), 1);
    gateway_turn(gw, 2 * LIVE_TICK_MS);
    (void)close(fd);
    gateway_turn(gw, LIVE_TICK_MS / 2);
    assert_int_equal(live_stream_count(gw->server->live), 0);
    assert_int_equal(gw->server->live->point_count, 0);
}

static void streams_have_a_limit(void **state)
{
    struct gateway *gw = *state;
    int fds[SERVER_STREAMS_MAX];
    gateway_device(gw, "meter-1", 1);
    for (size_t i = 0; i < SERVER_STREAMS_MAX; i++) {
        fds[i] = stream_open(gw, "device=meter-1");
        free(stream_read(gw, fds[i], "meter-1/p0"));
    }
    struct answer answer = ask(gw, "GET", "/api/v1/live?health=1", NULL, NULL);
    assert_int_equal(answer.status, 429);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/health", NULL, NULL);
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    for (size_t i = 0; i < SERVER_STREAMS_MAX; i++) {
        (void)close(fds[i]);
    }
    gateway_turn(gw, 50);
    assert_int_equal(live_stream_count(gw->server->live), 0);
}

static void a_stream_of_too_many_points_is_refused(void **state)
{
    struct gateway *gw = *state;
    gateway_device(gw, "big", LIVE_POINTS_MAX + 1);
    struct answer answer = ask(gw, "GET", "/api/v1/live?match=*", NULL, NULL);
    assert_int_equal(answer.status, 400);
    assert_string_equal(text_at(&answer, "error.code"), "ELIMIT");
    answer_fini(&answer);
    assert_int_equal(live_stream_count(gw->server->live), 0);
    assert_int_equal(gw->server->live->point_count, 0);
    answer = ask(gw, "GET", "/api/v1/live?quality=ugly", NULL, NULL);
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

static void new_points_come_after_an_apply(void **state)
{
    struct gateway *gw = *state;
    gateway_device(gw, "meter-1", 1);
    int fd = stream_open(gw, "match=*");
    free(stream_read(gw, fd, "meter-1/p0"));
    gateway_device(gw, "meter-2", 1);
    gw->loose[gw->loose_count++] = registry_take(gw->registry, "meter-1");
    server_changed(gw->server);
    char *got = stream_read(gw, fd, "meter-2/p0");
    assert_null(strstr(got, "meter-1/p0"));
    free(got);
    (void)close(fd);
}

static void streams_end_with_the_server(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    gateway_device(gw, "meter-1", 1);
    int fd = stream_open(gw, "health=1&device=meter-1");
    free(stream_read(gw, fd, "meter-1/p0"));
    server_free(gw->server);
    gw->server = NULL;
    free(client_read(gw, fd, NULL, ASK_MS_MAX, &closed));
    assert_true(closed);
    (void)close(fd);
}

/* ---- the set against a naive twin ---- */

static void the_set_agrees_with_a_twin(void **state)
{
    enum { IDS = 300 };
    (void)state;
    struct live_set set = { 0 };
    bool in[IDS] = { false }, changed[IDS] = { false };
    uint64_t random = 42;
    for (int step = 0; step < 20000; step++) {
        uint32_t id = (uint32_t)(hash_random(&random) % IDS);
        switch (hash_random(&random) % 4) {
        case 0:
            assert_int_equal(live_set_add(&set, id), !in[id]);
            changed[id] = changed[id] || !in[id];
            in[id] = true;
            break;
        case 1:
            live_set_touch(&set, id);
            changed[id] = in[id];
            break;
        default: {
            size_t queued = set.queued;
            bool got = live_set_next(&set, &id);
            assert_int_equal(got, queued > 0);
            assert_true(!got || changed[id]);
            if (got) {
                changed[id] = false;
            }
        }
        }
        size_t count = 0;
        for (size_t i = 0; i < IDS; i++) {
            count += changed[i];
        }
        assert_int_equal(set.queued, count);
    }
    live_set_touch_all(&set);
    assert_int_equal(set.queued, set.count);
    live_set_fini(&set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_event_holds_all),
        TEST(only_named_points_are_told),
        TEST(changes_are_put_together),
        TEST(health_and_devices_are_told),
        TEST(a_slow_reader_gets_the_newest),
        TEST(a_client_that_leaves_is_forgotten),
        TEST(streams_have_a_limit),
        TEST(a_stream_of_too_many_points_is_refused),
        TEST(new_points_come_after_an_apply),
        TEST(streams_end_with_the_server),
        cmocka_unit_test(the_set_agrees_with_a_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
