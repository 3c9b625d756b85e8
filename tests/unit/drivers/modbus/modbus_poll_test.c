/* SPDX-License-Identifier: Apache-2.0 */
/* Polls of a device that refuses, is busy, loses answers: what becomes of each point, and what is learned. */
#include "modbus_rig.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TCP        PAIRS("tcp", "10.0.2.15:502", "unit_id", "3")

static struct rig rig;

static int begin(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

static void good(const struct rig_device *device, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        assert_int_equal(device->samples[i].quality, QUALITY_GOOD);
        assert_int_equal(device->samples[i].value.i, rig.registers[device->addresses[i].start]);
        assert_int_equal(device->samples[i].time_us, 0);
    }
}

static void many_points_few_requests(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 400);
    rig_accept(&rig);
    assert_int_equal(device->link_ups, 1);
    rig_read(device);
    assert_int_equal(device->answers, 0); /* never before read() returned */
    assert_int_equal(rig_serve(&rig), 4);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, 0);
    good(device, 0, 400);
    assert_int_equal(device->sent, 4);
    assert_int_equal(device->received, 4);
    device->again = true; /* asked again from inside driver_done() */
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 8);
    assert_int_equal(device->answers, 3);
}

static void several_requests_leave_at_once(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 400);
    struct fake_peer *peer = rig_accept(&rig);
    size_t size;
    rig_read(device);
    rig_pass(&rig, 0);
    (void)fake_peer_sent(peer, &size);
    assert_int_equal(size, 12); /* a new connection begins with one */
    rig_serve(&rig);
    good(device, 0, 400);
    rig_read(device);
    rig_pass(&rig, 0);
    (void)fake_peer_sent(peer, &size);
    assert_int_equal(size, 4 * 12);
    rig_serve(&rig);
    good(device, 0, 400);
}

static void a_device_that_is_gone_is_not_blamed_for_its_window(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 400);
    rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    rig.silent_unit = 3;
    rig_read(device);
    for (int i = 0; i < 10 && device->answers == 1; i++) {
        rig_serve(&rig);
        rig_pass(&rig, 500);
    }
    assert_int_equal(device->error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig_limit(device, "requests in flight"), -1);
}

static void only_the_bad_address_turns_bad(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 100);
    rig.missing[37] = true;
    rig_accept(&rig);
    rig_read(device);
    unsigned first = rig_serve(&rig);
    assert_true(first > 7 && first < 20); /* cut in two until it was found */
    assert_int_equal(device->error, 0);
    good(device, 0, 37);
    good(device, 38, 100);
    assert_int_equal(device->samples[37].quality, QUALITY_REFUSED);
    assert_int_equal(device->samples[37].detail, 2);
    assert_int_equal(device->samples[37].type, VALUE_NONE);
    assert_int_equal(rig_limit(device, "refused holding 37"), 2);
    assert_int_equal(rig_limit(device, "refused addresses"), 1);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 2); /* 0..36 and 38..99: learned */
    good(device, 38, 100);
    assert_int_equal(device->samples[37].quality, QUALITY_REFUSED);
    /* repaired: found out after the hour, and said */
    rig.missing[37] = false;
    rig_pass(&rig, 3601 * 1000);
    rig_read(device);
    rig_serve(&rig);
    good(device, 0, 100);
    assert_int_equal(rig_limit(device, "refused holding 37"), 0);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 1);
}

static void several_bad_addresses(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 300);
    static const uint16_t bad[] = { 0, 1, 50, 124, 125, 200, 299 };
    for (size_t i = 0; i < 7; i++) {
        rig.missing[bad[i]] = true;
    }
    rig_accept(&rig);
    for (int round = 0; round < 3; round++) {
        rig_read(device);
        rig_serve(&rig);
        size_t refused = 0;
        for (size_t i = 0; i < 300; i++) {
            assert_int_equal(device->samples[i].quality,
                             rig.missing[i] ? QUALITY_REFUSED : QUALITY_GOOD);
            refused += device->samples[i].quality == QUALITY_REFUSED;
        }
        assert_int_equal(refused, 7);
    }
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 4);
}

static void a_hole_between_points_is_learned(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    for (uint16_t i = 10; i < 20; i++) {
        device->addresses[i].start = (uint16_t)(i + 4); /* 10..13 are no points */
    }
    rig.missing[12] = true;
    rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    good(device, 0, 20);
    assert_int_equal(rig_limit(device, "split at holding 14"), 2);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 2);
    good(device, 0, 20);
}

static void the_largest_read_is_learned(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 240);
    rig.most = 60;
    rig_accept(&rig);
    for (int round = 0; round < 10; round++) {
        rig_read(device);
        rig_serve(&rig);
        good(device, 0, 240);
    }
    assert_int_equal(rig_limit(device, "registers per read"), 60);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 4);
    assert_int_equal(rig_limit(device, "refused addresses"), -1);
}

/* Blocks that may not be read together, though each address is fine: not taken for a limit of the size. */
static void a_border_without_a_hole_is_learned(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 200);
    rig.border = 100;
    rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    good(device, 0, 200);
    assert_int_equal(rig_limit(device, "split at holding 100"), 2);
    assert_int_equal(rig_limit(device, "registers per read"), -1);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 2);
    good(device, 0, 200);
}

static void stopping_answers_with_cancelled(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, PAIRS("tcp", "h:502", "in_flight", "1"), 0, 300);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    size_t size;
    size_t used;
    rig_read(device);
    rig_pass(&rig, 0);
    const uint8_t *in = fake_peer_sent(peer, &size);
    size_t answer = rig_answer(&rig, in, size, &used, frame);
    fake_peer_drop(peer, used);
    fake_peer_send(peer, frame, answer);
    modbus_driver()->stop(&device->dev);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, BUSBAR_ECANCELED);
    device->stopped = 0;
}

static void an_unknown_function_refuses_the_table(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 200);
    for (size_t i = 100; i < 200; i++) {
        device->addresses[i].table = MODBUS_INPUT;
    }
    rig.unknown = MODBUS_READ_INPUT;
    rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    good(device, 0, 100);
    for (size_t i = 100; i < 200; i++) {
        assert_int_equal(device->samples[i].quality, QUALITY_REFUSED);
        assert_int_equal(device->samples[i].detail, 1);
    }
    assert_int_equal(rig_limit(device, "refused all of input"), 1);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 1);
    /* a restart of the device may change it: tried again with a new connection */
    rig.unknown = 0;
    rig_pass(&rig, 61000);
    fake_peer_fail(fake_net_last(rig.net), BUSBAR_ERESET, "reset");
    rig_pass(&rig, 0);
    rig_read(device);
    rig_accept(&rig);
    rig_serve(&rig);
    rig_read(device);
    rig_serve(&rig);
    good(device, 0, 200);
    assert_int_equal(rig_limit(device, "refused all of input"), 0);
}

static void busy_is_asked_again_later_and_one_at_a_time(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 400);
    rig_accept(&rig);
    rig.busy = 3;
    rig_read(device);
    for (int i = 0; i < 50 && device->answers == 0; i++) {
        rig_serve(&rig);
        rig_pass(&rig, 50);
    }
    assert_int_equal(device->answers, 1);
    good(device, 0, 400);
    assert_true(device->retried >= 3);
    assert_int_equal(rig_limit(device, "requests in flight"), 1);
}

static void a_lost_answer_is_asked_once_more(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, PAIRS("tcp", "h:502", "in_flight", "1"), 0, 300);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    size_t size;
    size_t used;
    rig_read(device);
    rig_pass(&rig, 0);
    const uint8_t *in = fake_peer_sent(peer, &size);
    size_t answer = rig_answer(&rig, in, size, &used, frame);
    fake_peer_drop(peer, used);
    fake_peer_send(peer, frame, answer);
    rig_pass(&rig, 0);
    (void)fake_peer_sent(peer, &size);
    fake_peer_drop(peer, size); /* the second is lost */
    rig_pass(&rig, 1100);
    rig_serve(&rig);
    assert_int_equal(device->answers, 1);
    good(device, 0, 300);
    assert_int_equal(device->retried, 1);
}

static void a_silent_device_is_a_timeout(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 100);
    rig.silent_unit = 3;
    rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    rig_pass(&rig, 990);
    assert_int_equal(device->answers, 0);
    rig_pass(&rig, 20);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, BUSBAR_ETIMEOUT);
}

static void a_lost_pipelined_request_means_one_at_a_time(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 400);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    size_t size;
    size_t used;
    rig_read(device);
    rig_serve(&rig);
    rig_read(device);
    rig_pass(&rig, 0);
    const uint8_t *in = fake_peer_sent(peer, &size);
    assert_int_equal(size, 4 * 12);
    size_t answer = rig_answer(&rig, in, size, &used, frame); /* only the first of four */
    fake_peer_drop(peer, size);
    fake_peer_send(peer, frame, answer);
    for (int i = 0; i < 10 && device->answers == 1; i++) {
        rig_pass(&rig, 1001);
        rig_serve(&rig);
    }
    assert_int_equal(device->answers, 2);
    assert_int_equal(device->error, 0);
    good(device, 0, 400);
    assert_int_equal(rig_limit(device, "requests in flight"), 1);
}

static void a_cut_poll_keeps_what_came_and_begins_there_next_time(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, PAIRS("tcp", "h:502", "in_flight", "1"), 0, 400);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    size_t size;
    size_t used;
    rig_read(device);
    rig_pass(&rig, 0);
    const uint8_t *in = fake_peer_sent(peer, &size);
    size_t answer = rig_answer(&rig, in, size, &used, frame);
    fake_peer_drop(peer, used);
    fake_peer_send(peer, frame, answer);
    rig_pass(&rig, 0);
    modbus_driver()->cancel(&device->dev, &device->req);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, 0);
    good(device, 0, 125);
    assert_int_equal(device->samples[125].quality, QUALITY_NO_ANSWER);
    assert_int_equal(device->samples[399].quality, QUALITY_NO_ANSWER);
    fake_peer_drop(peer, 12);
    rig_pass(&rig, 1100); /* the forgotten one times out */
    rig_read(device);
    rig_pass(&rig, 0);
    in = fake_peer_sent(peer, &size);
    assert_int_equal(in[8] << 8 | in[9], 125); /* address of the first question */
    rig_serve(&rig);
    good(device, 0, 400);
}

static void a_gateway_says_that_the_unit_is_silent(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 300);
    rig.gateway_unit = 3;
    rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, 0);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(device->samples[i].quality, QUALITY_NO_ANSWER);
        assert_int_equal(device->samples[i].detail, 11);
    }
    assert_true(rig.asked <= 4);
}

static void limits_are_remembered_over_a_restart(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 100);
    modbus_driver()->stop(&device->dev);
    device->stopped = 0;
    driver_limit_set(&device->dev, "refused addresses", 1);
    driver_limit_set(&device->dev, "refused holding 50", 2);
    driver_limit_set(&device->dev, "registers per read", 40);
    rig.missing[50] = true;
    rig.most = 40;
    assert_int_equal(modbus_driver()->start(&device->dev), 0);
    rig_accept(&rig);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 5); /* 0..39, 40..49, 50 alone, 51..90, 91..99 */
    good(device, 0, 50);
    good(device, 51, 100);
    assert_int_equal(device->samples[50].quality, QUALITY_REFUSED);
}

static void all_points_refused_is_an_answer(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 3);
    rig.missing[0] = rig.missing[1] = rig.missing[2] = true;
    rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    assert_int_equal(device->answers, 1);
    rig_read(device); /* nothing is left to ask, still answered, and later */
    assert_int_equal(device->answers, 1);
    rig_pass(&rig, 0);
    assert_int_equal(device->answers, 2);
    assert_int_equal(device->error, 0);
    assert_int_equal(device->samples[1].quality, QUALITY_REFUSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_points_few_requests),
        TEST(several_requests_leave_at_once),
        TEST(a_device_that_is_gone_is_not_blamed_for_its_window),
        TEST(only_the_bad_address_turns_bad),
        TEST(several_bad_addresses),
        TEST(a_hole_between_points_is_learned),
        TEST(the_largest_read_is_learned),
        TEST(a_border_without_a_hole_is_learned),
        TEST(stopping_answers_with_cancelled),
        TEST(an_unknown_function_refuses_the_table),
        TEST(busy_is_asked_again_later_and_one_at_a_time),
        TEST(a_lost_answer_is_asked_once_more),
        TEST(a_silent_device_is_a_timeout),
        TEST(a_lost_pipelined_request_means_one_at_a_time),
        TEST(a_cut_poll_keeps_what_came_and_begins_there_next_time),
        TEST(a_gateway_says_that_the_unit_is_silent),
        TEST(limits_are_remembered_over_a_restart),
        TEST(all_points_refused_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
