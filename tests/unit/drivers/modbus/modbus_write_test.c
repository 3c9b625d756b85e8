/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: the smallest function that does it, never twice what may have been done. */
#include "modbus_rig.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct rig rig;
static struct rig_device *device;

static int begin(void **state)
{
    (void)state;
    rig_init(&rig);
    device = rig_add(&rig, PAIRS("tcp", "10.0.2.15", "unit_id", "3"), 10, 4);
    rig_accept(&rig);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

static void write_int(uint32_t point, int64_t value)
{
    rig_write(device, point, VALUE_INT, (union value){ .i = value });
    assert_int_equal(device->write_answers, 0); /* not before write() returned */
    rig_serve(&rig);
}

static uint8_t last_function(const struct fake_peer *peer)
{
    size_t size;
    const uint8_t *in = fake_peer_sent(peer, &size);
    assert_true(size > 7);
    return in[7];
}

static void a_register(void **state)
{
    (void)state;
    rig_write(device, 1, VALUE_INT, (union value){ .i = 4711 });
    rig_pass(&rig, 0);
    assert_int_equal(last_function(fake_net_last(rig.net)), MODBUS_WRITE_REGISTER);
    rig_serve(&rig);
    assert_int_equal(device->write_answers, 1);
    assert_int_equal(device->write_error, 0);
    assert_int_equal(rig.registers[11], 4711);
    device->write_answers = 0;
    write_int(1, 0); /* 0 is a value like others */
    assert_int_equal(device->write_error, 0);
    assert_int_equal(rig.registers[11], 0);
}

static void several_registers(void **state)
{
    (void)state;
    device->addresses[0].type = MODBUS_FLOAT32;
    device->addresses[0].count = 2;
    device->addresses[0].order = MODBUS_CDAB;
    rig_write(device, 0, VALUE_DOUBLE, (union value){ .d = 1.0 });
    rig_pass(&rig, 0);
    assert_int_equal(last_function(fake_net_last(rig.net)), MODBUS_WRITE_REGISTERS);
    rig_serve(&rig);
    assert_int_equal(rig.registers[10], 0x0000);
    assert_int_equal(rig.registers[11], 0x3f80);
}

static void functions_asked_for(void **state)
{
    (void)state;
    device->addresses[0].write = MODBUS_WRITE_MULTIPLE;
    rig_write(device, 0, VALUE_INT, (union value){ .i = 5 });
    rig_pass(&rig, 0);
    assert_int_equal(last_function(fake_net_last(rig.net)), MODBUS_WRITE_REGISTERS);
    rig_serve(&rig);
    assert_int_equal(rig.registers[10], 5);
    device->addresses[0].write = MODBUS_WRITE_READ_WRITE;
    rig_write(device, 0, VALUE_INT, (union value){ .i = 6 });
    rig_pass(&rig, 0);
    assert_int_equal(last_function(fake_net_last(rig.net)), MODBUS_READ_WRITE);
    rig_serve(&rig);
    assert_int_equal(rig.registers[10], 6);
    assert_int_equal(device->write_error, 0);
}

static void coils(void **state)
{
    (void)state;
    device->addresses[0].table = MODBUS_COIL;
    device->addresses[0].type = MODBUS_BOOL;
    rig_write(device, 0, VALUE_BOOL, (union value){ .b = true });
    rig_pass(&rig, 0);
    assert_int_equal(last_function(fake_net_last(rig.net)), MODBUS_WRITE_COIL);
    rig_serve(&rig);
    assert_int_equal(rig.registers[10], 1);
    device->addresses[0].write = MODBUS_WRITE_MULTIPLE;
    rig_write(device, 0, VALUE_BOOL, (union value){ .b = false });
    rig_pass(&rig, 0);
    assert_int_equal(last_function(fake_net_last(rig.net)), MODBUS_WRITE_COILS);
    rig_serve(&rig);
    assert_int_equal(rig.registers[10], 0);
}

static void a_bit_by_mask_write(void **state)
{
    (void)state;
    device->addresses[2].type = MODBUS_BOOL;
    device->addresses[2].bit = 3;
    device->addresses[2].bits = 1;
    rig.registers[12] = 0xff00;
    rig_write(device, 2, VALUE_BOOL, (union value){ .b = true });
    rig_serve(&rig);
    assert_int_equal(device->write_error, 0);
    assert_int_equal(rig.registers[12], 0xff08);
    assert_int_equal(rig.written_masks, 1);
}

static void a_bit_without_mask_write(void **state)
{
    (void)state;
    device->addresses[2].type = MODBUS_BOOL;
    device->addresses[2].bit = 9;
    device->addresses[2].bits = 1;
    rig.registers[12] = 0xff00;
    rig.unknown = MODBUS_MASK_WRITE;
    rig_write(device, 2, VALUE_BOOL, (union value){ .b = false });
    rig_serve(&rig);
    assert_int_equal(device->write_answers, 1);
    assert_int_equal(device->write_error, 0);
    assert_int_equal(rig.registers[12], 0xfd00);
    assert_int_equal(rig_limit(device, "no mask write"), 1);
    assert_int_equal(rig.asked, 3); /* mask refused, read, write */
    rig_write(device, 2, VALUE_BOOL, (union value){ .b = true });
    rig_serve(&rig);
    assert_int_equal(rig.asked, 5); /* learned */
    assert_int_equal(rig.registers[12], 0xff00);
}

static void a_device_without_function_6(void **state)
{
    (void)state;
    rig.unknown = MODBUS_WRITE_REGISTER;
    write_int(0, 77);
    assert_int_equal(device->write_error, 0);
    assert_int_equal(rig.registers[10], 77);
    assert_int_equal(rig_limit(device, "no single write"), 1);
}

static void a_value_that_does_not_fit_is_not_sent(void **state)
{
    (void)state;
    write_int(0, 70000);
    assert_int_equal(device->write_error, BUSBAR_ERANGE);
    assert_int_equal(rig.asked, 0);
    rig_write(device, 0, VALUE_TEXT, (union value){ .text = NULL });
    rig_serve(&rig);
    assert_int_equal(device->write_error, BUSBAR_EWRONGTYPE);
    assert_int_equal(rig.asked, 0);
}

static void a_refusal_carries_the_exception(void **state)
{
    (void)state;
    rig.missing[10] = true;
    write_int(0, 1);
    assert_int_equal(device->write_error, BUSBAR_EREFUSED);
    assert_int_equal(device->written[0].detail, 2);
    assert_int_equal(rig.asked, 1);
}

static void a_lost_write_is_not_sent_again(void **state)
{
    (void)state;
    rig.silent_unit = 3;
    write_int(0, 1);
    rig_pass(&rig, 1100);
    assert_int_equal(device->write_answers, 1);
    assert_int_equal(device->write_error, BUSBAR_ETIMEOUT);
    rig.silent_unit = 0;
    rig_pass(&rig, 5000);
    rig_serve(&rig);
    assert_int_equal(rig.asked, 1);
}

static void a_connection_lost_in_a_write_does_not_repeat_it(void **state)
{
    (void)state;
    rig_read(device);
    rig_serve(&rig);
    unsigned asked = rig.asked;
    rig_write(device, 0, VALUE_INT, (union value){ .i = 1 });
    rig_pass(&rig, 0);
    fake_peer_fail(fake_net_last(rig.net), BUSBAR_ERESET, "reset");
    rig_accept(&rig);
    rig_serve(&rig);
    assert_int_equal(device->write_answers, 1);
    assert_int_equal(device->write_error, BUSBAR_ERESET);
    assert_int_equal(rig.asked, asked);
}

static void busy_means_not_done_so_it_is_asked_again(void **state)
{
    (void)state;
    rig.busy = 2;
    rig_write(device, 0, VALUE_INT, (union value){ .i = 9 });
    for (int i = 0; i < 20 && device->write_answers == 0; i++) {
        rig_serve(&rig);
        rig_pass(&rig, 100);
    }
    assert_int_equal(device->write_error, 0);
    assert_int_equal(rig.registers[10], 9);
    assert_int_equal(rig.writes, 1);
}

/* A write waits for what is in flight, goes alone, and before reads that wait. */
static void a_write_goes_before_reads_and_alone(void **state)
{
    (void)state;
    struct rig_device *big = rig_add(
        &rig, PAIRS("tcp", "10.0.2.16", "unit_id", "3", "in_flight", "2"), 1000, 400);
    struct fake_peer *peer = rig_accept(&rig);
    size_t size;
    rig_read(big);
    rig_serve(&rig);
    rig_read(big);
    rig_pass(&rig, 0);
    rig_write(big, 0, VALUE_INT, (union value){ .i = 3 });
    rig_pass(&rig, 0);
    (void)fake_peer_sent(peer, &size);
    assert_int_equal(size, 24); /* two reads */
    uint8_t frame[MODBUS_TCP_MAX];
    for (int i = 0; i < 2; i++) {
        size_t used;
        const uint8_t *in = fake_peer_sent(peer, &size);
        size_t answer = rig_answer(&rig, in, size, &used, frame);
        fake_peer_drop(peer, used);
        fake_peer_send(peer, frame, answer);
        rig_pass(&rig, 0);
    }
    const uint8_t *in = fake_peer_sent(peer, &size);
    assert_int_equal(size, 12);
    assert_int_equal(in[7], MODBUS_WRITE_REGISTER);
    rig_serve(&rig);
    assert_int_equal(big->write_error, 0);
    assert_int_equal(big->answers, 2);
}

static void a_cancelled_write(void **state)
{
    (void)state;
    rig.silent_unit = 3;
    rig_write(device, 0, VALUE_INT, (union value){ .i = 9 });
    rig_serve(&rig);
    modbus_driver()->cancel(&device->dev, &device->write);
    assert_int_equal(device->write_answers, 1);
    assert_int_equal(device->write_error, BUSBAR_ETIMEOUT);
    rig_pass(&rig, 2000);
    assert_int_equal(device->write_answers, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_register),
        TEST(several_registers),
        TEST(functions_asked_for),
        TEST(coils),
        TEST(a_bit_by_mask_write),
        TEST(a_bit_without_mask_write),
        TEST(a_device_without_function_6),
        TEST(a_value_that_does_not_fit_is_not_sent),
        TEST(a_refusal_carries_the_exception),
        TEST(a_lost_write_is_not_sent_again),
        TEST(a_connection_lost_in_a_write_does_not_repeat_it),
        TEST(busy_means_not_done_so_it_is_asked_again),
        TEST(a_write_goes_before_reads_and_alone),
        TEST(a_cancelled_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
