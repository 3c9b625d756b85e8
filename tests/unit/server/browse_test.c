/* SPDX-License-Identifier: Apache-2.0 */
/* Browses and the YAML made of them, against a real host with a toy protocol. */
#include "server/browse.h"

#include "unit/server/gateway.h"

static int open_gateway(void **state)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    memset(&toy_search, 0, sizeof(toy_search));
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

static struct answer begin(struct gateway *gw, const char *body)
{
    struct answer answer = ask(gw, "POST", "/api/v1/browses", NULL, body);
    gateway_turn(gw, 5);
    return answer;
}

/* Begins one that must be taken; it has id 1. */
static void browse(struct gateway *gw, const char *body)
{
    struct answer answer = begin(gw, body);
    assert_int_equal(answer.status, 202);
    answer_fini(&answer);
}

static void discover(struct gateway *gw)
{
    struct answer answer = ask(gw, "POST", "/api/v1/discoveries", NULL, "{\"protocol\":\"toy\"}");
    assert_int_equal(answer.status, 202);
    answer_fini(&answer);
}

static void a_device_tells_what_it_has(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    browse(gw, "{\"device\":\"meter-1\"}");
    struct answer answer = ask(gw, "GET", "/api/v1/browses/1", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "state"), "done");
    assert_string_equal(text_at(&answer, "device"), "meter-1");
    assert_int_equal(number_at(&answer, "count"), 4);
    assert_int_equal(number_at(&answer, "done"), 3);
    assert_string_equal(text_at(&answer, "nodes.0.kind"), "group");
    assert_string_equal(text_at(&answer, "nodes.1.text"), "21.5 degC");
    assert_string_equal(text_at(&answer, "nodes.1.added"), "meter-1/p0");
    assert_int_equal(number_at(&answer, "nodes.1.min"), -40);
    assert_int_equal(json_type(at(&answer, "nodes.1.max")), JSON_NULL);
    assert_string_equal(text_at(&answer, "nodes.2.text"), "running");
    assert_string_equal(text_at(&answer, "nodes.2.enum.1.name"), "running");
    assert_string_equal(text_at(&answer, "nodes.2.added"), "");
    assert_true(true_at(&answer, "nodes.2.proposed"));
    assert_string_equal(text_at(&answer, "nodes.3.trouble"), "no units: read as raw");
    assert_string_equal(text_at(&answer, "nodes.3.reason"), "not yet known");
    answer_fini(&answer);
}

static void nodes_are_paged_in_their_order(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    toy_search.extra_nodes = 3000;
    browse(gw, "{\"device\":\"meter-1\"}");
    struct answer answer = ask(gw, "GET", "/api/v1/browses/1?limit=2&offset=2999", NULL, NULL);
    assert_int_equal(number_at(&answer, "count"), 3004);
    assert_int_equal(json_size(at(&answer, "nodes")), 2);
    assert_string_equal(text_at(&answer, "nodes.0.id"), "extra-2999");
    assert_string_equal(text_at(&answer, "nodes.1.id"), "ai");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/browses/1?limit=501", NULL, NULL);
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

static void a_point_shows_the_priorities_behind_it(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 2);
    browse(gw, "{\"point\":\"meter-1/p1\"}");
    struct answer answer = ask(gw, "GET", "/api/v1/browses/1", NULL, NULL);
    assert_string_equal(text_at(&answer, "at"), "toy register p1");
    assert_int_equal(number_at(&answer, "count"), TOY_SLOTS);
    assert_string_equal(text_at(&answer, "nodes.7.name"), "8");
    assert_string_equal(text_at(&answer, "nodes.7.text"), "21.0");
    assert_string_equal(text_at(&answer, "nodes.8.text"), "");
    answer_fini(&answer);
}

static void a_find_is_proposed_as_a_device(void **state)
{
    struct gateway *gw = *state;
    discover(gw);
    browse(gw, "{\"find\":1}");
    struct answer answer = ask(gw, "GET", "/api/v1/browses/1/yaml", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.head, "application/yaml"));
    assert_string_equal(answer.body,
                        "# Acme, RTU, 2001, 10.0.1.21\n"
                        "devices:\n"
                        "  rtu-9:\n"
                        "    name: \"RTU-9\"\n"
                        "    toy: { toy: 2001 }\n"
                        "    points:\n"
                        "      sat: { register: 0, units: degC } # SAT, Supply air temperature, "
                        "21.5 degC\n"
                        "      sat-2: { register: 1 } # Sat, running\n");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/browses/1/yaml?name=ahu-1&all=1", NULL, NULL);
    assert_non_null(strstr(answer.body, "\n  ahu-1:\n"));
    assert_non_null(strstr(answer.body, "\n      spare: { register: 2 }\n"));
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/browses/1/yaml?name=AHU%201", NULL, NULL);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(text_at(&answer, "error.hint"), "ahu-1"));
    answer_fini(&answer);
}

static void chosen_nodes_go_below_a_configured_device(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    browse(gw, "{\"device\":\"meter-1\"}");
    struct answer answer = ask(gw, "POST", "/api/v1/browses/1/yaml", NULL,
                               "{\"nodes\":[\"toy register p0\",\"spare\"]}");
    assert_string_equal(answer.body, "      # below 'points:' of meter-1, site.yaml:25\n"
                                     "      spare: { register: 2 }\n");
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/browses/1/yaml", NULL, "{\"nodes\":\"spare\"}");
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/browses/1/yaml", NULL, "{\"nodes\":[1]}");
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

static void after_an_apply_points_are_looked_for_again(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    browse(gw, "{\"device\":\"meter-1\"}");
    struct answer answer = ask(gw, "GET", "/api/v1/browses/1", NULL, NULL);
    assert_string_equal(text_at(&answer, "nodes.1.added"), "meter-1/p0");
    answer_fini(&answer);
    struct device *dev = registry_device(gw->registry, "meter-1");
    host_remove(gw->host, dev, NULL, NULL);
    gw->loose[gw->loose_count++] = registry_take(gw->registry, "meter-1");
    gateway_turn(gw, 5);
    server_changed(gw->server);
    answer = ask(gw, "GET", "/api/v1/browses/1", NULL, NULL);
    assert_string_equal(text_at(&answer, "nodes.1.added"), "");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/browses/1/yaml", NULL, NULL);
    assert_int_equal(answer.status, 404);
    assert_non_null(strstr(text_at(&answer, "error.message"), "meter-1"));
    answer_fini(&answer);
}

static void a_running_one_is_stopped_and_keeps_what_it_has(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    toy_search.hold = true;
    browse(gw, "{\"device\":\"meter-1\"}");
    struct answer answer = ask(gw, "DELETE", "/api/v1/browses/1", NULL, NULL);
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/browses/1", NULL, NULL);
    assert_string_equal(text_at(&answer, "state"), "stopped");
    assert_int_equal(number_at(&answer, "count"), 4);
    answer_fini(&answer);
    answer = ask(gw, "DELETE", "/api/v1/browses/1", NULL, NULL);
    assert_int_equal(answer.status, 204);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/browses", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "browses")), 0);
    answer_fini(&answer);
}

static void what_cannot_be_browsed_says_why(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *says;
    } rows[] = {
        { "{}", 400, "nothing to look at" },
        { "{\"device\":\"nobody\"}", 404, "no device 'nobody'" },
        { "{\"point\":\"nobody/p\"}", 404, "no point 'nobody/p'" },
        { "{\"find\":1}", 404, "no such find" },
        { "{\"find\":\"x\"}", 404, "no such find" },
        { "{\"protocol\":\"toy\",\"settings\":\"nonsense\"}", 422, "nonsense" },
        { "{\"device\":\"meter-1\",\"at\":5}", 400, "'at'" },
    };
    gateway_add(*state, "meter-1", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer answer = begin(*state, rows[i].body);
        assert_non_null(strstr(text_at(&answer, "error.message"), rows[i].says));
        assert_int_equal(answer.status, rows[i].status);
        answer_fini(&answer);
    }
}

static void settings_alone_are_enough(void **state)
{
    struct gateway *gw = *state;
    browse(gw, "{\"protocol\":\"toy\",\"settings\":\"{ toy: 5 }\"}");
    struct answer answer = ask(gw, "GET", "/api/v1/browses/1/yaml", NULL, NULL);
    assert_non_null(strstr(answer.body, "\n    toy: { toy: 5 }\n"));
    answer_fini(&answer);
}

/* The server goes first, then the host ends what runs: nobody is told any more. */
static void a_stop_ends_those_that_run(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    toy_search.hold = true;
    browse(gw, "{\"device\":\"meter-1\"}");
    discover(gw);
    server_free(gw->server);
    gw->server = NULL;
    gateway_turn(gw, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)
    const struct CMUnitTest tests[] = {
        TEST(a_device_tells_what_it_has),
        TEST(nodes_are_paged_in_their_order),
        TEST(a_point_shows_the_priorities_behind_it),
        TEST(a_find_is_proposed_as_a_device),
        TEST(chosen_nodes_go_below_a_configured_device),
        TEST(after_an_apply_points_are_looked_for_again),
        TEST(a_running_one_is_stopped_and_keeps_what_it_has),
        TEST(what_cannot_be_browsed_says_why),
        TEST(settings_alone_are_enough),
        TEST(a_stop_ends_those_that_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
