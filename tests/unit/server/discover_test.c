/* SPDX-License-Identifier: Apache-2.0 */
/* Discoveries and finds against a real host with a toy protocol. */
#include "server/discover.h"

#include "server/task.h"
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
    return ask(gw, "POST", "/api/v1/discoveries", NULL, body);
}

static void a_discovery_tells_what_it_found(void **state)
{
    struct gateway *gw = *state;
    struct answer answer = begin(gw, "{\"protocol\":\"toy\",\"range\":\"10.0.1.0/24\","
                                     "\"options\":{\"low\":7,\"scan\":true,\"has\":\"x\"}}");
    assert_int_equal(answer.status, 202);
    assert_int_equal(number_at(&answer, "id"), 1);
    answer_fini(&answer);
    assert_string_equal(toy_search.options, "range=10.0.1.0/24;low=7;scan=;");
    answer = ask(gw, "GET", "/api/v1/discoveries/1", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "state"), "done");
    assert_string_equal(text_at(&answer, "message"), "one network was asked");
    assert_int_equal(number_at(&answer, "done"), 2);
    assert_int_equal(number_at(&answer, "total"), 10);
    assert_int_equal(number_at(&answer, "found"), 2);
    assert_string_equal(text_at(&answer, "finds.0.key"), "2001");
    assert_string_equal(text_at(&answer, "finds.0.name"), "RTU-9");
    assert_string_equal(text_at(&answer, "finds.0.vendor"), "Acme");
    assert_string_equal(text_at(&answer, "finds.0.settings"), "{ toy: 2001 }");
    assert_string_equal(text_at(&answer, "finds.0.state"), "new");
    assert_int_equal(number_at(&answer, "finds.0.objects"), 24);
    assert_string_equal(text_at(&answer, "finds.0.facts.0.text"), "2.1");
    assert_int_equal(json_type(at(&answer, "finds.1.objects")), JSON_NULL);
    assert_int_equal(json_type(at(&answer, "finds.1.answer_ms")), JSON_NULL);
    answer_fini(&answer);
}

static void finds_keep_their_numbers(void **state)
{
    struct gateway *gw = *state;
    for (int i = 1; i <= 2; i++) {
        struct answer answer = begin(gw, "{\"protocol\":\"toy\"}");
        assert_int_equal(answer.status, 202);
        answer_fini(&answer);
        answer = ask(gw, "GET", "/api/v1/finds", NULL, NULL);
        assert_int_equal(number_at(&answer, "total"), 2);
        assert_int_equal(number_at(&answer, "finds.0.find"), 1);
        assert_int_equal(number_at(&answer, "finds.1.find"), 2);
        assert_int_equal(number_at(&answer, "finds.0.times"), i);
        answer_fini(&answer);
    }
    struct answer answer = ask(gw, "GET", "/api/v1/finds/2", NULL, NULL);
    assert_string_equal(text_at(&answer, "key"), "meter-1");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/finds/3", NULL, NULL);
    assert_int_equal(answer.status, 404);
    assert_non_null(strstr(text_at(&answer, "error.hint"), "busbar discover"));
    answer_fini(&answer);
}

static void a_configured_device_is_known(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    struct answer answer = begin(gw, "{\"protocol\":\"toy\"}");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/finds?state=known", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 1);
    assert_int_equal(number_at(&answer, "new"), 1);
    assert_int_equal(number_at(&answer, "known"), 1);
    assert_string_equal(text_at(&answer, "finds.0.device"), "meter-1");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/finds?q=acme&state=new", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 1);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/finds?q=acme&state=known", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 0);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/finds?protocol=modbus", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 0);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/finds?state=odd", NULL, NULL);
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

static void a_running_one_is_stopped_and_then_forgotten(void **state)
{
    struct gateway *gw = *state;
    toy_search.hold = true;
    struct answer answer = begin(gw, "{\"protocol\":\"toy\"}");
    assert_string_equal(text_at(&answer, "state"), "running");
    assert_int_equal(json_type(at(&answer, "ended")), JSON_NULL);
    answer_fini(&answer);
    answer = ask(gw, "DELETE", "/api/v1/discoveries/1", NULL, NULL);
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/discoveries/1", NULL, NULL);
    assert_string_equal(text_at(&answer, "state"), "stopped");
    assert_int_equal(number_at(&answer, "found"), 2);
    answer_fini(&answer);
    answer = ask(gw, "DELETE", "/api/v1/discoveries/1", NULL, NULL);
    assert_int_equal(answer.status, 204);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/discoveries/1", NULL, NULL);
    assert_int_equal(answer.status, 404);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/finds", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 2);
    answer_fini(&answer);
}

static void what_cannot_be_looked_for_says_why(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *says;
    } rows[] = {
        { "{}", 400, "no protocol" },
        { "{\"protocol\":\"nothing\"}", 404, "nothing" },
        { "{\"protocol\":\"toy\",\"range\":7}", 400, "'range'" },
        { "{\"protocol\":\"toy\",\"timeout_s\":601}", 400, "'timeout_s'" },
        { "{\"protocol\":\"toy\",\"options\":[]}", 400, "'options'" },
        { "{\"protocol\":\"toy\",\"options\":{\"low\":1.5}}", 400, "'low'" },
        { "{\"protocol\":\"toy\",\"options\":{\"a=b\":1}}", 400, "'a=b'" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer answer = begin(*state, rows[i].body);
        assert_int_equal(answer.status, rows[i].status);
        assert_non_null(strstr(text_at(&answer, "error.message"), rows[i].says));
        answer_fini(&answer);
    }
    struct answer answer = ask(*state, "GET", "/api/v1/discoveries", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "discoveries")), 0);
    answer_fini(&answer);
}

static void many_options_are_refused(void **state)
{
    struct buf body;
    buf_init(&body, 65536);
    (void)buf_append_text(&body, "{\"protocol\":\"toy\",\"options\":{");
    for (int i = 0; i < 17; i++) {
        (void)buf_printf(&body, "%s\"o%d\":1", i > 0 ? "," : "", i);
    }
    (void)buf_append_text(&body, "}}");
    struct answer answer = begin(*state, buf_text(&body));
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
    buf_fini(&body);
}

static void the_oldest_that_ended_makes_room(void **state)
{
    struct gateway *gw = *state;
    for (int i = 0; i < TASKS_MAX + 2; i++) {
        struct answer answer = begin(gw, "{\"protocol\":\"toy\"}");
        assert_int_equal(answer.status, 202);
        answer_fini(&answer);
        gateway_turn(gw, 2);
    }
    struct answer answer = ask(gw, "GET", "/api/v1/discoveries", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "discoveries")), TASKS_MAX);
    assert_int_equal(number_at(&answer, "discoveries.0.id"), 3);
    answer_fini(&answer);
}

static void those_that_run_are_bounded(void **state)
{
    struct gateway *gw = *state;
    toy_search.hold = true;
    int begun = 0;
    struct answer answer = { 0 };
    for (int i = 0; i <= TASKS_MAX; i++) {
        answer_fini(&answer);
        answer = begin(gw, "{\"protocol\":\"toy\"}");
        begun += answer.status == 202;
    }
    assert_int_equal(begun, HOST_DISCOVERIES_MAX);
    assert_int_equal(answer.status, 503);
    answer_fini(&answer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)
    const struct CMUnitTest tests[] = {
        TEST(a_discovery_tells_what_it_found),    TEST(finds_keep_their_numbers),
        TEST(a_configured_device_is_known),       TEST(a_running_one_is_stopped_and_then_forgotten),
        TEST(what_cannot_be_looked_for_says_why), TEST(many_options_are_refused),
        TEST(the_oldest_that_ended_makes_room),   TEST(those_that_run_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
