/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of devices against a real host with a toy protocol. */
#include "server/points.h"

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

static void no_devices_are_an_empty_list(void **state)
{
    struct answer answer = ask(*state, "GET", "/api/v1/devices", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_type(at(&answer, "devices")), JSON_ARRAY);
    assert_int_equal(json_size(at(&answer, "devices")), 0);
    assert_int_equal(number_at(&answer, "total"), 0);
    answer_fini(&answer);
}

static void a_device_is_told_as_the_page_needs_it(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 3);
    gateway_wait_good(gw, &dev->points[2]);
    struct answer answer = ask(gw, "GET", "/api/v1/devices", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 1);
    assert_string_equal(text_at(&answer, "devices.0.name"), "meter-1");
    assert_string_equal(text_at(&answer, "devices.0.protocol"), "toy");
    assert_string_equal(text_at(&answer, "devices.0.address"), "toy meter-1");
    assert_string_equal(text_at(&answer, "devices.0.link"), "up");
    assert_string_equal(text_at(&answer, "devices.0.error"), "");
    assert_string_equal(text_at(&answer, "devices.0.config"), "site.yaml:25");
    assert_int_equal(number_at(&answer, "devices.0.points.good"), 3);
    assert_int_equal(number_at(&answer, "devices.0.points.total"), 3);
    assert_true(number_at(&answer, "devices.0.polls") >= 1);
    int64_t time_us = 0;
    assert_int_equal(str_parse_time(text_at(&answer, "devices.0.last_answer"), &time_us), 0);
    assert_true(llabs(clock_wall_us() - time_us) < 10 * CLOCK_US_PER_S);
    assert_int_equal(json_type(at(&answer, "devices.0.next_try")), JSON_NULL);
    answer_fini(&answer);
}

static void devices_are_filtered_and_paged(void **state)
{
    struct gateway *gw = *state;
    static const char *const names[] = { "ahu-1", "ahu-2", "ahu-3", "meter-1" };
    for (size_t i = 0; i < 4; i++) {
        gateway_add(gw, names[i], 1);
    }
    struct answer answer = ask(gw, "GET", "/api/v1/devices?q=AHU&limit=1&offset=1", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 3);
    assert_int_equal(number_at(&answer, "all"), 4);
    assert_int_equal(json_size(at(&answer, "devices")), 1);
    assert_string_equal(text_at(&answer, "devices.0.name"), "ahu-2");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/devices?q=toy%20meter", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 1);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/devices?link=paused", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 0);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/devices?link=gone", NULL, NULL);
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/devices?limit=10001", NULL, NULL);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(text_at(&answer, "error.hint"), "10000"));
    answer_fini(&answer);
}

static void an_unknown_device_has_a_nearest(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    static const char *const targets[] = { "/api/v1/devices/meter-11",
                                           "/api/v1/devices/meter-11/frames",
                                           "/api/v1/points/meter-11/p0" };
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = ask(gw, "GET", targets[i], NULL, NULL);
        assert_int_equal(answer.status, 404);
        assert_string_equal(text_at(&answer, "error.message"), "no device 'meter-11'");
        assert_string_equal(text_at(&answer, "error.hint"), "nearest is 'meter-1'");
        answer_fini(&answer);
    }
}

static void limits_and_bytes_stand_with_one_device(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 2);
    gateway_wait_good(gw, &dev->points[1]);
    driver_limit_set(dev, "registers per read", 60);
    struct answer answer = ask(gw, "GET", "/api/v1/devices/meter-1", NULL, NULL);
    assert_string_equal(text_at(&answer, "limits.0.name"), "registers per read");
    assert_int_equal(number_at(&answer, "limits.0.value"), 60);
    assert_true(number_at(&answer, "sent_bytes") >= 3);
    assert_true(number_at(&answer, "received_bytes") >= 2);
    answer_fini(&answer);
}

static void frames_are_told_in_words(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 2);
    gateway_wait_good(gw, &dev->points[1]);
    driver_bad_frame(dev, "\xff", 1, "too short");
    struct answer answer = ask(gw, "GET", "/api/v1/devices/meter-1/frames?limit=1", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "frames")), 1);
    assert_string_equal(text_at(&answer, "frames.0.hex"), "ff");
    assert_string_equal(text_at(&answer, "frames.0.bad"), "too short");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/devices/meter-1/frames", NULL, NULL);
    assert_true(json_size(at(&answer, "frames")) >= 3);
    assert_true(true_at(&answer, "frames.0.sent"));
    assert_string_equal(text_at(&answer, "frames.0.text"), "ask 3 bytes");
    assert_string_equal(text_at(&answer, "frames.0.hex"), "010203");
    assert_int_equal(json_type(at(&answer, "frames.0.bad")), JSON_NULL);
    answer_fini(&answer);
}

static void a_device_is_paused_and_resumed(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 1);
    gateway_wait_good(gw, &dev->points[0]);
    struct answer answer = ask(gw, "POST", "/api/v1/devices/meter-1/pause", NULL, "{}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "link"), "paused");
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/points/meter-1/p0", NULL, NULL);
    assert_string_equal(text_at(&answer, "reason"), "paused");
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/devices/meter-1/resume", NULL, "{}");
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    gateway_wait_good(gw, &dev->points[0]);
}

static void a_test_tells_its_findings(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    struct answer answer = ask(gw, "POST", "/api/v1/devices/meter-1/test", NULL,
                               "{\"options\":[\"scan-units\"]}");
    assert_int_equal(answer.status, 200);
    assert_false(true_at(&answer, "fine"));
    assert_string_equal(text_at(&answer, "code"), "ETIMEOUT");
    assert_int_equal(json_size(at(&answer, "findings")), 2);
    assert_true(true_at(&answer, "findings.0.fine"));
    assert_string_equal(text_at(&answer, "findings.0.code"), "");
    assert_string_equal(text_at(&answer, "findings.1.step"), "unit 3");
    assert_string_equal(text_at(&answer, "findings.1.hint"), "scanned");
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/devices/meter-1/test", NULL, "{\"options\":\"all\"}");
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
    answer = ask(gw, "POST", "/api/v1/devices/meter-1/test", NULL, "{\"options\":[1]}");
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
}

static void a_silent_device_says_why(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 1);
    gateway_wait_good(gw, &dev->points[0]);
    ((struct toy *)dev->driver)->mode = TOY_SILENT;
    int64_t end = clock_mono_us() + ASK_MS_MAX * CLOCK_US_PER_MS;
    while (quality_is_good(dev->points[0].last.quality)) {
        assert_true(clock_mono_us() < end);
        gateway_turn(gw, 5);
    }
    struct answer answer = ask(gw, "GET", "/api/v1/devices?link=down", NULL, NULL);
    assert_int_equal(number_at(&answer, "total"), 1);
    assert_string_not_equal(text_at(&answer, "devices.0.error"), "");
    assert_int_equal(number_at(&answer, "devices.0.points.bad"), 1);
    assert_int_equal(json_type(at(&answer, "devices.0.next_try")), JSON_STRING);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/points/meter-1/p0", NULL, NULL);
    assert_string_equal(text_at(&answer, "quality"), "bad");
    assert_string_equal(text_at(&answer, "reason"), "no answer");
    assert_string_not_equal(text_at(&answer, "detail"), "");
    assert_int_equal(json_type(at(&answer, "value")), JSON_NULL);
    assert_int_equal(number_at(&answer, "last_good.value"), 100);
    assert_string_equal(text_at(&answer, "last_good.text"), "100 kW");
    answer_fini(&answer);
}

static void a_device_the_host_does_not_have_is_shown(void **state)
{
    struct gateway *gw = *state;
    gateway_device(gw, "meter-1", 1);
    static const char *const targets[] = {
        "/api/v1/devices", "/api/v1/devices/meter-1",   "/api/v1/devices/meter-1/frames",
        "/metrics",        "/api/v1/points/meter-1/p0", "/api/v1/points"
    };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct answer answer = ask(gw, "GET", targets[i], NULL, NULL);
        assert_int_equal(answer.status, 200);
        answer_fini(&answer);
    }
    static const char *const actions[] = { "pause", "resume", "test" };
    for (size_t i = 0; i < 3; i++) {
        char target[64];
        str_format(target, sizeof(target), "/api/v1/devices/meter-1/%s", actions[i]);
        struct answer answer = ask(gw, "POST", target, NULL, "{}");
        assert_int_equal(answer.status, 503);
        answer_fini(&answer);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_devices_are_an_empty_list),
        TEST(a_device_is_told_as_the_page_needs_it),
        TEST(devices_are_filtered_and_paged),
        TEST(an_unknown_device_has_a_nearest),
        TEST(limits_and_bytes_stand_with_one_device),
        TEST(frames_are_told_in_words),
        TEST(a_device_is_paused_and_resumed),
        TEST(a_test_tells_its_findings),
        TEST(a_silent_device_says_why),
        TEST(a_device_the_host_does_not_have_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
