/* SPDX-License-Identifier: Apache-2.0 */
/* Commands over REST, against a real host with a toy protocol. */
#include "unit/server/gateway.h"

#define RUN "/api/v1/devices/ahu-1/commands/"

static int open_gateway(void **state)
{
    static const int settings = 1; /* any: the toy looks at none */
    static const struct device_preset presets[] = { { 0, "23" } };
    static const struct device_command commands[] = {
        { .name = "reset", .title = "Reset it", .confirm = true, .settings = &settings },
        { .name = "echo", .title = "", .settings = &settings },
        { .name = "boost", .title = "", .presets = presets, .preset_count = 1 },
    };
    struct gateway *gw = calloc(1, sizeof(*gw));
    struct host_device_settings polled = { .timeout_us = 300 * CLOCK_US_PER_MS };
    gateway_open(gw, GATEWAY_STORES);
    gw->cls.write = (struct point_write){ .allowed = true };
    struct device *dev = gateway_device(gw, "ahu-1", 2);
    dev->commands = commands;
    dev->command_count = 3;
    assert_int_equal(host_add(gw->host, dev, &polled, NULL), 0);
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

static void the_list_tells_what_is_known(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = registry_device(gw->registry, "ahu-1");
    static const struct driver_argument input = { "speed", "Double", "in rpm" };
    struct driver_signature signature = { .inputs = &input, .input_count = 1 };
    driver_signed(dev, &dev->commands[0], &signature);
    gateway_add(gw, "ahu-2", 1);
    struct answer answer = ask(gw, "GET", "/api/v1/commands", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(number_at(&answer, "total"), 3);
    assert_string_equal(text_at(&answer, "commands.0.path"), "ahu-1/reset");
    assert_string_equal(text_at(&answer, "commands.0.title"), "Reset it");
    assert_true(true_at(&answer, "commands.0.confirm"));
    assert_true(true_at(&answer, "commands.0.known"));
    assert_string_equal(text_at(&answer, "commands.0.arguments.0.name"), "speed");
    assert_string_equal(text_at(&answer, "commands.0.arguments.0.description"), "in rpm");
    assert_false(true_at(&answer, "commands.1.known"));
    assert_true(true_at(&answer, "commands.2.known"));
    assert_string_equal(text_at(&answer, "commands.2.presets.0.path"), "ahu-1/p0");
    assert_string_equal(text_at(&answer, "commands.2.presets.0.value"), "23");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/commands?limit=1&offset=2", NULL, NULL);
    assert_string_equal(text_at(&answer, "commands.0.name"), "boost");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/commands?device=ahu-2", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 0);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/commands?device=ahu-3", NULL, NULL);
    assert_int_equal(answer.status, 404);
    answer_fini(&answer);
}

static void a_run_is_answered_and_noted(void **state)
{
    struct gateway *gw = *state;
    struct answer answer = ask(gw, "POST", RUN "echo", NULL, "{\"arguments\":[\"5\",true,[1,2]]}");
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "done"));
    assert_string_equal(text_at(&answer, "results.first"), "5");
    assert_int_equal(number_at(&answer, "results.count"), 3);
    assert_string_equal(text_at(&answer, "message"), "done");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/journal", NULL, NULL);
    assert_string_equal(text_at(&answer, "entries.0.what"), "command");
    assert_string_equal(text_at(&answer, "entries.0.path"), "ahu-1/echo");
    assert_string_equal(text_at(&answer, "entries.0.new"), "5, true, [1,2]");
    assert_string_equal(text_at(&answer, "entries.0.result"), "done {\"first\":\"5\",\"count\":3}");
    answer_fini(&answer);
    answer = ask(gw, "POST", RUN "boost", NULL, "{}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "message"), "1 value written");
    assert_int_equal(json_type(at(&answer, "results")), JSON_NULL);
    answer_fini(&answer);
}

static void a_refusal_is_told_and_noted(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = registry_device(gw->registry, "ahu-1");
    ((struct toy *)dev->driver)->mode = TOY_REFUSE;
    struct answer answer = ask(gw, "POST", RUN "echo", NULL, "{}");
    assert_int_equal(answer.status, 502);
    assert_string_equal(text_at(&answer, "error.message"), "refused: there is no such address");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/journal", NULL, NULL);
    assert_string_equal(text_at(&answer, "entries.0.result"), "refused: there is no such address");
    answer_fini(&answer);
}

static void what_is_wrong_is_not_run(void **state)
{
    static const struct {
        const char *command, *body;
        int status;
        const char *message;
    } rows[] = {
        { "reset", "{}", 409, "asks for a confirmation" },
        { "echo", "{\"arguments\":{}}", 400, "must be a list" },
        { "echo", "{\"arguments\":[\"a\\u0000b\"]}", 400, "zero byte" },
        { "echo", "{\"timeout_s\":0}", 400, "'timeout_s'" },
        { "echo", "{\"confirmed\":1}", 400, "'confirmed'" },
        { "boost", "{\"arguments\":[1]}", 400, "takes 0 arguments, not 1" },
        { "ehco", "{}", 404, "no command 'ehco'" },
        { "echo",
          "{\"arguments\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,"
          "28,29,30,31,32,33]}",
          400, "more than 32" },
    };
    struct gateway *gw = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[128];
        str_format(path, sizeof(path), RUN "%s", rows[i].command);
        struct answer answer = ask(gw, "POST", path, NULL, rows[i].body);
        assert_int_equal(answer.status, rows[i].status);
        assert_non_null(strstr(text_at(&answer, "error.message"), rows[i].message));
        answer_fini(&answer);
    }
    struct answer answer = ask(gw, "POST", RUN "reset", NULL, "{\"confirmed\":true}");
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    answer = ask(gw, "POST", RUN "ehco", NULL, "{}");
    assert_string_equal(text_at(&answer, "error.hint"), "nearest is 'echo'");
    answer_fini(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_list_tells_what_is_known, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(a_run_is_answered_and_noted, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(a_refusal_is_told_and_noted, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_not_run, open_gateway, close_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
