/* SPDX-License-Identifier: Apache-2.0 */
/* Writes at a priority, and what is held by hand, against a real host with a toy protocol. */
#include "server/holds.h"

#include "unit/server/gateway.h"

static int open_gateway(void **state)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    gateway_open(gw, GATEWAY_STORES);
    gw->cls.write = (struct point_write){ .allowed = true };
    gw->releasable = true;
    struct device *dev = gateway_add(gw, "ahu-1", 2);
    gateway_wait_good(gw, &dev->points[1]);
    *state = gw;
    return 0;
}

static int close_gateway(void **state)
{
    gateway_close(*state);
    gateway_remove_folder(*state);
    free(*state);
    return 0;
}

static struct answer write_p0(struct gateway *gw, const char *body)
{
    return ask(gw, "POST", "/api/v1/points/ahu-1/p0/write", NULL, body);
}

static void hold(struct gateway *gw, const char *body)
{
    struct answer answer = write_p0(gw, body);
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
}

static void a_write_at_a_priority_is_held(void **state)
{
    struct gateway *gw = *state;
    struct answer answer = write_p0(gw, "{\"value\":42,\"priority\":5,\"for\":\"2h\"}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "priority"), 5);
    assert_false(true_at(&answer, "released"));
    int64_t until_us = 0;
    assert_int_equal(str_parse_time(text_at(&answer, "until"), &until_us), 0);
    assert_true(llabs(until_us - clock_wall_us() - 7200 * CLOCK_US_PER_S) < 20 * CLOCK_US_PER_S);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/holds", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 1);
    assert_false(true_at(&answer, "more"));
    assert_string_equal(text_at(&answer, "holds.0.path"), "ahu-1/p0");
    assert_int_equal(number_at(&answer, "holds.0.priority"), 5);
    assert_non_null(strstr(text_at(&answer, "holds.0.value"), "42"));
    assert_string_equal(text_at(&answer, "holds.0.from"), "127.0.0.1");
    assert_true(true_at(&answer, "holds.0.configured"));
    assert_int_equal(json_type(at(&answer, "holds.0.until")), JSON_STRING);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/points/ahu-1/p0", NULL, NULL);
    assert_true(true_at(&answer, "write.releasable"));
    assert_int_equal(json_size(at(&answer, "holds")), 1);
    assert_int_equal(number_at(&answer, "holds.0.priority"), 5);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/points/ahu-1/p1", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "holds")), 0);
    answer_fini(&answer);
}

static void a_release_gives_it_up_and_is_noted(void **state)
{
    struct gateway *gw = *state;
    hold(gw, "{\"value\":42,\"priority\":5}");
    struct answer answer = ask(gw, "POST", "/api/v1/points/ahu-1/p0/release", NULL,
                               "{\"priority\":5}");
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "released"));
    assert_int_equal(number_at(&answer, "after"), 100);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/holds", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 0);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/journal", NULL, NULL);
    assert_string_equal(text_at(&answer, "entries.0.what"), "release");
    assert_string_equal(text_at(&answer, "entries.0.new"), "priority 5");
    assert_string_equal(text_at(&answer, "entries.0.result"), "released");
    assert_string_equal(text_at(&answer, "entries.1.what"), "write");
    assert_string_equal(text_at(&answer, "entries.1.new"), "42 kW, priority 5");
    answer_fini(&answer);
}

static void a_hold_is_released_where_it_stands(void **state)
{
    struct gateway *gw = *state;
    hold(gw, "{\"value\":42,\"priority\":5}");
    hold(gw, "{\"value\":43,\"priority\":8}");
    struct answer answer = ask(gw, "POST", "/api/v1/holds/ahu-1/p0/8/release", NULL, "{}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "priority"), 8);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/holds", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 1);
    assert_int_equal(number_at(&answer, "holds.0.priority"), 5);
    answer_fini(&answer);
}

static void holds_are_paged(void **state)
{
    struct gateway *gw = *state;
    hold(gw, "{\"value\":42,\"priority\":5}");
    hold(gw, "{\"value\":43,\"priority\":8}");
    struct answer answer = ask(gw, "GET", "/api/v1/holds?limit=1", NULL, NULL);
    assert_int_equal(number_at(&answer, "holds.0.priority"), 5);
    assert_true(true_at(&answer, "more"));
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/holds?limit=1&after=ahu-1/p0&after_priority=5", NULL, NULL);
    assert_int_equal(number_at(&answer, "holds.0.priority"), 8);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/holds?after_priority=17", NULL, NULL);
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

static void a_hold_gets_another_end(void **state)
{
    struct gateway *gw = *state;
    hold(gw, "{\"value\":42,\"priority\":5,\"for\":\"1h\"}");
    struct answer answer = ask(gw, "POST", "/api/v1/holds/ahu-1/p0/5/extend", NULL, "{}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_type(at(&answer, "holds.0.until")), JSON_NULL);
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/holds/ahu-1/p0/5/extend", NULL, "{\"for\":\"4h\"}");
    int64_t until_us = 0;
    assert_int_equal(str_parse_time(text_at(&answer, "holds.0.until"), &until_us), 0);
    assert_true(until_us - clock_wall_us() > 3 * 3600 * CLOCK_US_PER_S);
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/holds/ahu-1/p0/6/extend", NULL, "{\"for\":\"4h\"}");
    assert_int_equal(answer.status, 404);
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/holds/ahu-1/p0/5/extend", NULL, "{\"for\":\"400d\"}");
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

static void a_hold_of_what_is_gone_is_forgotten(void **state)
{
    struct gateway *gw = *state;
    hold(gw, "{\"value\":42,\"priority\":5}");
    host_remove(gw->host, registry_device(gw->registry, "ahu-1"), NULL, NULL);
    gw->loose[gw->loose_count++] = registry_take(gw->registry, "ahu-1");
    gateway_turn(gw, 5);
    struct answer answer = ask(gw, "GET", "/api/v1/holds", NULL, NULL);
    assert_false(true_at(&answer, "holds.0.configured"));
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/holds/ahu-1/p0/5/release", NULL, "{}");
    assert_int_equal(answer.status, 404);
    assert_non_null(strstr(text_at(&answer, "error.hint"), "busbar point forget"));
    answer_fini(&answer);
    answer = ask(gw, "DELETE", "/api/v1/holds/ahu-1/p0/5", NULL, NULL);
    assert_int_equal(answer.status, 204);
    answer_fini(&answer);
    answer = ask(gw, "DELETE", "/api/v1/holds/ahu-1/p0/5", NULL, NULL);
    assert_int_equal(answer.status, 404);
    answer_fini(&answer);
}

static void wrong_ways_of_writing_never_leave(void **state)
{
    static const char *const bodies[] = {
        "{\"value\":1,\"priority\":0}",     "{\"value\":1,\"priority\":17}",
        "{\"value\":1,\"priority\":\"8\"}", "{\"value\":1,\"for\":\"soon\"}",
        "{\"value\":1,\"for\":\"0s\"}",     "{\"value\":1,\"for\":5}",
        "{\"value\":1,\"for\":\"367d\"}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct answer answer = write_p0(*state, bodies[i]);
        assert_int_equal(answer.status, 400);
        answer_fini(&answer);
    }
    struct answer answer = ask(*state, "GET", "/api/v1/holds", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 0);
    answer_fini(&answer);
    answer = ask(*state, "POST", "/api/v1/holds/ahu-1/p0/x/release", NULL, "{}");
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

static void what_has_no_priorities_says_so(void **state)
{
    struct gateway *gw = *state;
    gw->releasable = false;
    gateway_add(gw, "meter-1", 1);
    struct answer answer = ask(gw, "POST", "/api/v1/points/meter-1/p0/write", NULL,
                               "{\"value\":1,\"priority\":8}");
    assert_int_equal(answer.status, 400);
    assert_string_equal(text_at(&answer, "error.code"), "EUNSUPPORTED");
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/points/meter-1/p0/release", NULL, "{}");
    assert_string_equal(text_at(&answer, "error.code"), "EUNSUPPORTED");
    answer_fini(&answer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)
    const struct CMUnitTest tests[] = {
        TEST(a_write_at_a_priority_is_held),
        TEST(a_release_gives_it_up_and_is_noted),
        TEST(a_hold_is_released_where_it_stands),
        TEST(holds_are_paged),
        TEST(a_hold_gets_another_end),
        TEST(a_hold_of_what_is_gone_is_forgotten),
        TEST(wrong_ways_of_writing_never_leave),
        TEST(what_has_no_priorities_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
