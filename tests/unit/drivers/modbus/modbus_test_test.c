/* SPDX-License-Identifier: Apache-2.0 */
/* The device test: each fault is named, with what to do. */
#include "modbus_rig.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct rig rig;
static struct driver_test asked;

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

static struct rig_device *make(size_t count)
{
    return rig_add(&rig, PAIRS("tcp", "10.0.2.15:502", "unit_id", "3"), 100, count);
}

static void run(struct rig_device *device, bool scan)
{
    asked = (struct driver_test){ .device = device, .scan = scan };
    device->test = &asked;
    modbus_driver()->test(&device->dev, &asked);
    assert_int_equal(device->tested, 0);
}

static void until_tested(const struct rig_device *device)
{
    for (int i = 0; i < 2000 && device->tested == 0; i++) {
        rig_serve(&rig);
        rig_pass(&rig, 100);
    }
    assert_int_equal(device->tested, 1);
}

/* The finding whose step is this. */
static const char *found(const struct rig_device *device, const char *step, int code)
{
    for (size_t i = 0; i < device->finding_count; i++) {
        size_t size = strlen(step);
        if (strncmp(device->findings[i], step, size) == 0 && device->findings[i][size] == '|') {
            assert_int_equal(device->codes[i], code);
            return device->findings[i];
        }
    }
    fail_msg("no finding '%s'", step);
    return NULL;
}

static void says(const char *finding, const char *what)
{
    if (strstr(finding, what) == NULL) {
        fail_msg("'%s' lacks '%s'", finding, what);
    }
}

static void all_fine(void **state)
{
    (void)state;
    struct rig_device *device = make(5);
    rig_accept(&rig);
    run(device, false);
    until_tested(device);
    found(device, "name", 0);
    says(found(device, "tcp 502", 0), "open");
    says(found(device, "unit 3", 0), "answers");
    says(found(device, "points", 0), "5 of 5 read answer");
    says(found(device, "identity", 0), "vendor Acme");
}

static void connection_faults(void **state)
{
    (void)state;
    static const struct {
        int error;
        const char *step, *hint;
    } rows[] = { { BUSBAR_EHOST, "name", "check the name" },
                 { BUSBAR_EROUTE, "tcp 502", "network card" },
                 { BUSBAR_ECONNREFUSED, "tcp 502", "nothing listens" },
                 { BUSBAR_ETIMEOUT, "tcp 502", "power, cable" } };
    struct rig_device *device = make(1);
    for (size_t i = 0; i < 4; i++) {
        device->tested = 0;
        device->finding_count = 0;
        rig_pass(&rig, 3000);
        run(device, false);
        rig_pass(&rig, 0);
        fake_peer_fail(fake_net_last(rig.net), rows[i].error, "why");
        rig_pass(&rig, 0);
        assert_int_equal(device->tested, 1);
        const char *finding = found(device, rows[i].step, rows[i].error);
        says(finding, "why");
        says(finding, rows[i].hint);
    }
}

static void a_wrong_unit_and_the_right_one(void **state)
{
    (void)state;
    static const char *const files[] = { "site.yaml" };
    struct rig_device *device = make(5);
    device->dev.files = files;
    device->dev.file_count = 1;
    device->dev.line = 25;
    rig.silent_unit = 3;
    rig_accept(&rig);
    run(device, false);
    for (int i = 0; i < 2000 && device->tested == 0; i++) {
        rig_serve(&rig);
        if (rig.asked >= 4) { /* after three tries, the scan: only unit 2 is there */
            break;
        }
        rig_pass(&rig, 100);
    }
    until_tested(device);
    const char *finding = found(device, "unit 3", BUSBAR_ETIMEOUT);
    says(finding, "no answer in 1s (3 tries); units 1, 2, 4");
    says(finding, "10 do answer");
    says(finding, "set 'unit_id: 1' at site.yaml:25");
}

static void a_gateway_without_the_unit(void **state)
{
    (void)state;
    struct rig_device *device = make(1);
    rig.gateway_unit = 3;
    rig_accept(&rig);
    run(device, false);
    until_tested(device);
    says(found(device, "unit 3", BUSBAR_ETIMEOUT), "the gateway says exception 11");
}

static void a_scan_of_all_units(void **state)
{
    (void)state;
    struct rig_device *device = make(1);
    rig.silent_unit = 100;
    rig_accept(&rig);
    run(device, true);
    until_tested(device);
    const char *finding = found(device, "other units", 0);
    says(finding, "1, 2, 4, 5");
    assert_null(strstr(finding, " 100,"));
    assert_int_equal(device->link_downs, 0); /* silent units do not end the connection */
}

static void an_illegal_address_and_its_neighbour(void **state)
{
    (void)state;
    struct rig_device *device = make(3);
    rig.missing[102] = true;
    rig_accept(&rig);
    run(device, false);
    until_tested(device);
    const char *finding = found(device, "point p", BUSBAR_EREFUSED);
    says(finding, "holding 102 uint16: exception 2 illegal data address");
    says(finding, "holding 101 answers");
    says(found(device, "points", BUSBAR_EREFUSED), "2 of 3");
}

static void a_wrong_order_is_suspected(void **state)
{
    (void)state;
    struct rig_device *device = make(1);
    device->addresses[0].type = MODBUS_FLOAT32;
    device->addresses[0].count = 2;
    rig.registers[100] = 0x3333; /* 230.2 with the words swapped */
    rig.registers[101] = 0x4366;
    rig_accept(&rig);
    run(device, false);
    until_tested(device);
    found(device, "unit 3", 0);
    rig.registers[100] = 0x0000; /* 1.0 swapped: reads as 2.3e-41 */
    rig.registers[101] = 0x3f80;
    device->finding_count = 0;
    device->tested = 0;
    run(device, false);
    until_tested(device);
    const char *finding = found(device, "point p", BUSBAR_ECONFIG);
    says(finding, "CDAB 1,");
    says(finding, "order: CDAB");
}

static void stopping_ends_the_test(void **state)
{
    (void)state;
    struct rig_device *device = make(3);
    rig_accept(&rig);
    run(device, false);
    rig_pass(&rig, 0);
    modbus_driver()->stop(&device->dev);
    assert_int_equal(device->tested, 1);
    device->stopped = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_fine),
        TEST(connection_faults),
        TEST(a_wrong_unit_and_the_right_one),
        TEST(a_gateway_without_the_unit),
        TEST(a_scan_of_all_units),
        TEST(an_illegal_address_and_its_neighbour),
        TEST(a_wrong_order_is_suspected),
        TEST(stopping_ends_the_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
