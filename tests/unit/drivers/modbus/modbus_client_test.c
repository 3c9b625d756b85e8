/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile, slow or confused peer can send: nothing of it becomes a value. Several units on one line,
 * RTU timing, echoes, noise, connections that end. */
#include "modbus_rig.h"

#define PAIRS(...)   ((const char *const[]){ __VA_ARGS__, NULL })
#define TCP          PAIRS("tcp", "10.0.2.15:502", "unit_id", "3")
#define SERIAL(unit) PAIRS("serial", "/dev/ttyUSB0", "baud", "9600", "unit_id", unit)

static struct rig rig;

static int begin(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int begin_rtu(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.rtu = true;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

/* Takes the next request and makes its right answer, to be spoilt. */
static size_t next_answer(struct fake_peer *peer, uint8_t frame[MODBUS_TCP_MAX])
{
    size_t size;
    size_t used;
    rig_pass(&rig, rig.rtu ? 10 : 0);
    const uint8_t *in = fake_peer_sent(peer, &size);
    assert_true(size > 0);
    size_t answer = rig_answer(&rig, in, size, &used, frame);
    fake_peer_drop(peer, used);
    return answer;
}

static void nothing_known(const struct rig_device *device)
{
    for (size_t i = 0; i < device->dev.point_count; i++) {
        assert_int_equal(device->samples[i].quality, 0xee);
    }
}

/* ---- TCP ---- */

static void an_answer_in_single_bytes(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 50);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    rig_read(device);
    size_t size = next_answer(peer, frame);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(device->answers, 0);
        fake_peer_send(peer, frame + i, 1);
    }
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->samples[49].value.i, rig.registers[49]);
}

static void two_answers_in_one_piece_and_out_of_order(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 250);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t first[MODBUS_TCP_MAX];
    uint8_t both[2 * MODBUS_TCP_MAX];
    rig_read(device);
    rig_serve(&rig);
    rig_read(device);
    size_t size = next_answer(peer, first);
    size_t more = next_answer(peer, both);
    memcpy(both + more, first, size);
    fake_peer_send(peer, both, more + size);
    assert_int_equal(device->answers, 2);
    assert_int_equal(device->samples[0].value.i, rig.registers[0]);
    assert_int_equal(device->samples[249].value.i, rig.registers[249]);
}

/* One byte of a right answer is wrong: never a value; the connection is given up where it cannot be trusted. */
static void spoilt(size_t at, uint8_t value, bool ends)
{
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    rig_read(device);
    size_t size = next_answer(peer, frame);
    frame[at] = value;
    fake_peer_send(peer, frame, size);
    nothing_known(device);
    assert_int_equal(device->bad, 1);
    assert_true(device->reason[0] != '\0');
    assert_int_equal(fake_peer_closed(peer), ends);
    if (!ends) {
        rig_pass(&rig, 1100);
        assert_int_equal(device->error, BUSBAR_ETIMEOUT);
    } else {
        rig_pass(&rig, 0);
        assert_int_equal(device->answers, 1);
        assert_int_equal(device->error, BUSBAR_EPROTO);
    }
}

static void another_transaction(void **state)
{
    (void)state;
    spoilt(1, 0xdd, false);
}

static void another_unit(void **state)
{
    (void)state;
    spoilt(6, 4, true);
}

static void another_function(void **state)
{
    (void)state;
    spoilt(7, 4, true);
}

static void another_byte_count(void **state)
{
    (void)state;
    spoilt(8, 38, true);
}

static void another_protocol(void **state)
{
    (void)state;
    spoilt(2, 1, true);
}

static void a_truncated_answer_is_no_value(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    rig_read(device);
    size_t size = next_answer(peer, frame);
    fake_peer_send(peer, frame, size - 1);
    rig_pass(&rig, 1100);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, BUSBAR_ETIMEOUT);
}

static void a_late_answer_is_recognised(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t late[MODBUS_TCP_MAX];
    rig_read(device);
    size_t size = next_answer(peer, late);
    rig_pass(&rig, 1100);
    assert_int_equal(device->error, BUSBAR_ETIMEOUT);
    rig_read(device);
    rig_pass(&rig, 0);
    rig.registers[5] = 4711;
    fake_peer_send(peer, late, size);
    nothing_known(device);
    assert_non_null(strstr(device->reason, "late answer"));
    assert_false(fake_peer_closed(peer));
    rig_serve(&rig);
    assert_int_equal(device->error, 0);
    assert_int_equal(device->samples[5].value.i, 4711);
}

static void answers_to_nothing_end_the_connection(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    static const uint8_t stray[] = { 0x77, 0x77, 0, 0, 0, 5, 3, 3, 2, 0, 1 };
    for (int i = 0; i < 40 && !fake_peer_closed(peer); i++) {
        fake_peer_send(peer, stray, sizeof(stray));
    }
    assert_true(fake_peer_closed(peer));
    assert_true(device->bad >= 10 && device->bad < 40);
    assert_int_equal(device->answers, 0);
}

static void a_closed_connection_is_made_again_for_a_read(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    rig_read(device);
    rig_pass(&rig, 0);
    fake_peer_fail(peer, BUSBAR_ERESET, "reset");
    rig_pass(&rig, 0);
    assert_int_equal(device->link_downs, 0); /* one try first */
    rig_accept(&rig);
    rig_serve(&rig);
    assert_int_equal(device->answers, 2);
    assert_int_equal(device->error, 0);
    assert_int_equal(fake_net_count(rig.net), 2);
}

static void an_idle_close_is_no_fault(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    fake_peer_fail(peer, BUSBAR_ECLOSED, "closed");
    rig_pass(&rig, 0);
    assert_int_equal(device->link_downs, 1);
    assert_int_equal(device->link_error, 0);
    assert_int_equal(fake_net_count(rig.net), 1);
    rig_read(device);
    rig_accept(&rig);
    rig_serve(&rig);
    assert_int_equal(device->error, 0);
}

/* Keep-alive found the device gone between two polls: said now, not at the next poll. */
static void an_idle_connection_that_dies_is_a_fault(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    rig_read(device);
    rig_serve(&rig);
    fake_peer_fail(peer, BUSBAR_ETIMEOUT, "no acknowledgement");
    rig_pass(&rig, 0);
    assert_int_equal(device->link_downs, 0);
    fake_peer_fail(fake_net_last(rig.net), BUSBAR_EROUTE, "no route");
    rig_pass(&rig, 0);
    assert_int_equal(device->link_downs, 1);
    assert_int_equal(device->link_error, BUSBAR_EROUTE);
}

static void no_connection_is_said_with_its_reason(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    rig_read(device);
    rig_pass(&rig, 0);
    fake_peer_fail(fake_net_last(rig.net), BUSBAR_ECONNREFUSED, "10.0.2.15:502 refused it");
    rig_pass(&rig, 0);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, BUSBAR_ECONNREFUSED);
    assert_int_equal(device->link_error, BUSBAR_ECONNREFUSED);
    assert_string_equal(device->link_detail, "10.0.2.15:502 refused it");
    rig_read(device); /* at once: not hammered, but answered */
    assert_int_equal(device->answers, 1);
    rig_pass(&rig, 0);
    assert_int_equal(device->answers, 2);
    assert_int_equal(fake_net_count(rig.net), 1);
    rig_pass(&rig, 300);
    rig_read(device);
    rig_accept(&rig);
    rig_serve(&rig);
    assert_int_equal(device->error, 0);
}

static void silence_makes_a_new_connection(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, TCP, 0, 20);
    rig.silent_unit = 3;
    struct fake_peer *peer = rig_accept(&rig);
    for (int i = 0; i < 3; i++) {
        rig_read(device);
        rig_serve(&rig);
        rig_pass(&rig, 1100);
    }
    assert_true(fake_peer_closed(peer));
}

static void close_after_poll(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, PAIRS("tcp", "10.0.2.15", "close_after_poll", "true"),
                                        0, 300);
    rig_pass(&rig, 0);
    assert_int_equal(fake_net_count(rig.net), 0);
    rig_read(device);
    struct fake_peer *peer = rig_accept(&rig);
    assert_int_equal(fake_peer_target(peer)->port, 502);
    rig_serve(&rig);
    assert_int_equal(device->answers, 1);
    assert_true(fake_peer_closed(peer));
    assert_int_equal(device->link_error, 0);
    rig_read(device);
    rig_accept(&rig);
    rig_serve(&rig);
    assert_int_equal(device->answers, 2);
    assert_int_equal(device->error, 0);
}

static void a_pause_between_requests(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(
        &rig, PAIRS("tcp", "h:502", "pause", "100ms", "in_flight", "1"), 0, 250);
    rig_accept(&rig);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 1);
    rig_pass(&rig, 98);
    assert_int_equal(rig_serve(&rig), 0);
    rig_pass(&rig, 3);
    assert_int_equal(rig_serve(&rig), 1);
    assert_int_equal(device->answers, 1);
}

/* ---- units behind one gateway ---- */

static void units_share_one_connection_and_a_silent_one_gets_its_share(void **state)
{
    (void)state;
    struct rig_device *dead = rig_add(&rig, PAIRS("tcp", "gw:502", "unit_id", "9"), 0, 10);
    struct rig_device *one = rig_add(&rig, PAIRS("tcp", "gw:502", "unit_id", "1"), 0, 10);
    struct rig_device *two = rig_add(&rig, PAIRS("tcp", "gw:502", "unit_id", "2"), 100, 10);
    rig.silent_unit = 9;
    rig_accept(&rig);
    assert_int_equal(fake_net_count(rig.net), 1);
    assert_int_equal(two->link_ups, 1);
    struct rig_device *all[] = { dead, one, two };
    int asked[3] = { 0 };
    for (int ms = 0; ms < 60000; ms += 50) {
        for (int i = 0; i < 3; i++) {
            if (all[i]->answers == asked[i]) { /* as often as it gets through */
                asked[i]++;
                rig_read(all[i]);
            }
        }
        rig_serve(&rig);
        rig_pass(&rig, 50);
    }
    assert_int_equal(dead->error, BUSBAR_ETIMEOUT);
    assert_true(dead->answers >= 5 && dead->answers < 20); /* a quarter of the minute at most */
    assert_true(one->answers > 600 && two->answers > 600);
    assert_int_equal(one->error, 0);
    assert_int_equal(two->samples[3].value.i, rig.registers[103]);
}

static void a_unit_that_joins_later_is_told_that_the_link_is_up(void **state)
{
    (void)state;
    rig_add(&rig, PAIRS("tcp", "gw:502", "unit_id", "1"), 0, 10);
    rig_accept(&rig);
    struct rig_device *two = rig_add(&rig, PAIRS("tcp", "gw:502", "unit_id", "2"), 0, 10);
    rig_pass(&rig, 0);
    assert_int_equal(two->link_ups, 1);
    assert_int_equal(fake_net_count(rig.net), 1);
}

static void one_line_has_one_speed(void **state)
{
    (void)state;
    rig_add(&rig, SERIAL("5"), 0, 10);
    struct rig_device *other = &rig.devices[1];
    const char *const *pairs = PAIRS("serial", "/dev/ttyUSB0", "baud", "19200", "unit_id", "6");
    other->driver = &rig.driver;
    other->dev.settings = (void *)(uintptr_t)settings_make(&other->settings, modbus_device_options,
                                                           pairs);
    other->dev.driver = busbar_alloc(modbus_driver()->device_bytes);
    assert_int_equal(modbus_driver()->add(&rig.driver, &other->dev, NULL), 0);
    assert_int_equal(modbus_driver()->start(&other->dev), BUSBAR_ECONFLICT);
    assert_string_equal(other->link_detail, "/dev/ttyUSB0 is open with another baud or format");
    rig_read(other); /* answered all the same, later */
    assert_int_equal(other->answers, 0);
    rig_pass(&rig, 0);
    assert_int_equal(other->answers, 1);
    assert_int_equal(other->error, BUSBAR_ECONFLICT);
    modbus_driver()->stop(&other->dev);
    modbus_driver()->remove(&other->dev);
    busbar_free(other->dev.driver);
}

static void stopping_one_unit_leaves_the_other(void **state)
{
    (void)state;
    struct rig_device *one = rig_add(&rig, PAIRS("tcp", "gw:502", "unit_id", "1"), 0, 10);
    struct rig_device *two = rig_add(&rig, PAIRS("tcp", "gw:502", "unit_id", "2"), 0, 10);
    struct fake_peer *peer = rig_accept(&rig);
    rig_read(one);
    rig_read(two);
    rig_pass(&rig, 0);
    modbus_driver()->stop(&one->dev);
    assert_int_equal(one->error, BUSBAR_ECANCELED);
    assert_int_equal(one->stopped, 1);
    one->stopped = 0;
    rig_serve(&rig);
    assert_int_equal(two->error, 0);
    assert_int_equal(two->answers, 1);
    assert_false(fake_peer_closed(peer));
}

/* ---- RTU ---- */

static void rtu_on_a_serial_line(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    assert_int_equal(fake_peer_target(peer)->kind, STREAM_SERIAL);
    assert_int_equal(fake_peer_target(peer)->serial.parity, STREAM_PARITY_EVEN);
    rig_read(device);
    assert_int_equal(rig_serve(&rig), 1);
    assert_int_equal(device->error, 0);
    assert_int_equal(device->samples[19].value.i, rig.registers[19]);
}

/* 3.5 characters at 9600 baud are 4 ms: nothing is sent before. */
static void silence_before_a_frame(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 250);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    size_t size;
    rig_pass(&rig, 10);
    rig_read(device);
    size_t answer = next_answer(peer, frame);
    fake_peer_send(peer, frame, answer);
    rig_pass(&rig, 3);
    (void)fake_peer_sent(peer, &size);
    assert_int_equal(size, 0);
    rig_pass(&rig, 3);
    (void)fake_peer_sent(peer, &size);
    assert_int_equal(size, 8);
    rig_serve(&rig);
    assert_int_equal(device->answers, 1);
}

static void noise_around_an_answer(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    static const uint8_t noise[] = { 0xff, 0x00, 0x05, 0x55, 0xaa };
    rig_read(device);
    size_t size = next_answer(peer, frame);
    fake_peer_send(peer, noise, sizeof(noise));
    fake_peer_send(peer, frame, size);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->samples[7].value.i, rig.registers[7]);
    assert_true(device->bad >= 1);
}

/* The beginning of a frame that never ends hides the next one only until the line is quiet. */
static void a_cut_frame_before_an_answer(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    static const uint8_t cut[] = { 5, 3, 200, 1, 2 };
    rig_read(device);
    size_t size = next_answer(peer, frame);
    fake_peer_send(peer, cut, sizeof(cut));
    fake_peer_send(peer, frame, size);
    assert_int_equal(device->answers, 0);
    rig_pass(&rig, 100);
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, 0);
    assert_int_equal(device->samples[7].value.i, rig.registers[7]);
}

static void a_wrong_checksum_is_no_value(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    rig_read(device);
    size_t size = next_answer(peer, frame);
    for (size_t bit = 0; bit < size * 8; bit += 7) {
        uint8_t flipped[MODBUS_TCP_MAX];
        memcpy(flipped, frame, size);
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        fake_peer_send(peer, flipped, size);
        nothing_known(device);
        rig_pass(&rig, 5);
    }
    rig_pass(&rig, 1500);
    assert_int_equal(device->error, BUSBAR_ETIMEOUT);
}

static void another_unit_answers_on_the_line(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t frame[MODBUS_TCP_MAX];
    rig_read(device);
    size_t size = next_answer(peer, frame);
    struct bytes_out out = bytes_out_of(frame, sizeof(frame));
    bytes_put_u8(&out, 6);
    out.at = frame + size - 2;
    modbus_put_crc(&out, 0);
    fake_peer_send(peer, frame, size);
    nothing_known(device);
    assert_non_null(strstr(device->reason, "unit 6 answered while unit 5 was asked"));
    rig_pass(&rig, 1100);
    assert_int_equal(device->error, BUSBAR_ETIMEOUT);
}

/* After a timeout the unit rests for one more, so that its late answer meets no question of the same shape. */
static void a_late_rtu_answer_meets_no_question(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    uint8_t late[MODBUS_TCP_MAX];
    size_t size;
    rig_read(device);
    size_t answer = next_answer(peer, late);
    rig_pass(&rig, 1100);
    assert_int_equal(device->error, BUSBAR_ETIMEOUT);
    for (uint32_t i = 0; i < 20; i++) {
        device->addresses[i].start = (uint16_t)(500 + i); /* same shape, other registers */
    }
    modbus_driver()->unplan(&device->dev, &device->req);
    rig_read(device);
    rig_pass(&rig, 500);
    (void)fake_peer_sent(peer, &size);
    assert_int_equal(size, 0);
    fake_peer_send(peer, late, answer);
    nothing_known(device);
    rig_pass(&rig, 600);
    rig_serve(&rig);
    assert_int_equal(device->error, 0);
    assert_int_equal(device->samples[0].value.i, rig.registers[500]);
}

static void an_echo_is_found_out(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    for (int round = 0; round < 3; round++) {
        uint8_t frame[MODBUS_TCP_MAX];
        uint8_t asked[MODBUS_TCP_MAX];
        size_t size;
        rig_read(device);
        rig_pass(&rig, 10);
        const uint8_t *in = fake_peer_sent(peer, &size);
        memcpy(asked, in, size);
        size_t answer = next_answer(peer, frame);
        fake_peer_send(peer, asked, size);
        assert_int_equal(device->answers, round);
        fake_peer_send(peer, frame, answer);
        assert_int_equal(device->answers, round + 1);
        assert_int_equal(device->samples[0].value.i, rig.registers[0]);
    }
    assert_int_equal(device->bad, 0);
    assert_int_equal(rig_limit(device, "echo"), 1);
}

static void a_babbling_line_ends_in_a_timeout(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, SERIAL("5"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    rig_read(device);
    rig_pass(&rig, 10);
    uint8_t babble[300];
    for (size_t i = 0; i < sizeof(babble); i++) {
        babble[i] = (uint8_t)(i * 37);
    }
    for (int ms = 0; ms < 1200; ms += 10) {
        fake_peer_send(peer, babble, sizeof(babble));
        rig_pass(&rig, 10);
    }
    assert_int_equal(device->answers, 1);
    assert_int_equal(device->error, BUSBAR_ETIMEOUT);
}

static void rtu_over_tcp(void **state)
{
    (void)state;
    struct rig_device *device = rig_add(&rig, PAIRS("rtu_tcp", "conv:4001", "unit_id", "7"), 0, 20);
    struct fake_peer *peer = rig_accept(&rig);
    assert_int_equal(fake_peer_target(peer)->kind, STREAM_TCP);
    assert_int_equal(fake_peer_target(peer)->port, 4001);
    rig_read(device);
    rig_serve(&rig);
    assert_int_equal(device->error, 0);
    assert_int_equal(device->samples[19].value.i, rig.registers[19]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
#define RTU(name)  cmocka_unit_test_setup_teardown(name, begin_rtu, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_in_single_bytes),
        TEST(two_answers_in_one_piece_and_out_of_order),
        TEST(another_transaction),
        TEST(another_unit),
        TEST(another_function),
        TEST(another_byte_count),
        TEST(another_protocol),
        TEST(a_truncated_answer_is_no_value),
        TEST(a_late_answer_is_recognised),
        TEST(answers_to_nothing_end_the_connection),
        TEST(a_closed_connection_is_made_again_for_a_read),
        TEST(an_idle_close_is_no_fault),
        TEST(an_idle_connection_that_dies_is_a_fault),
        TEST(no_connection_is_said_with_its_reason),
        TEST(silence_makes_a_new_connection),
        TEST(close_after_poll),
        TEST(a_pause_between_requests),
        TEST(units_share_one_connection_and_a_silent_one_gets_its_share),
        TEST(a_unit_that_joins_later_is_told_that_the_link_is_up),
        RTU(one_line_has_one_speed),
        TEST(stopping_one_unit_leaves_the_other),
        RTU(rtu_on_a_serial_line),
        RTU(silence_before_a_frame),
        RTU(noise_around_an_answer),
        RTU(a_cut_frame_before_an_answer),
        RTU(a_wrong_checksum_is_no_value),
        RTU(another_unit_answers_on_the_line),
        RTU(a_late_rtu_answer_meets_no_question),
        RTU(an_echo_is_found_out),
        RTU(a_babbling_line_ends_in_a_timeout),
        RTU(rtu_over_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
