/* SPDX-License-Identifier: Apache-2.0 */
/* The driver as a whole for people: its ports, and how its networks are doing. */
#include "bacnet_rig.h"

#include "drivers/bacnet/bacnet_status.h"

enum { TOLD_MAX = 32 };

struct told {
    char rows[TOLD_MAX][512];
    size_t count;
};

static void on_port(void *ctx, const struct driver_port *port)
{
    struct told *told = ctx;
    assert_true(told->count < TOLD_MAX);
    str_format(told->rows[told->count++], sizeof(told->rows[0]), "%s|%s|%s|%u|%d", port->use,
               port->transport, port->host, port->port, port->at.line);
}

static void on_status(void *ctx, const struct driver_status *status)
{
    struct told *told = ctx;
    assert_true(told->count < TOLD_MAX);
    str_format(told->rows[told->count++], sizeof(told->rows[0]), "%s|%s|%s|%s", status->part,
               status->name, status->text, status->trouble != NULL ? status->trouble : "");
}

static bool has(const struct told *told, const char *words)
{
    for (size_t i = 0; i < told->count; i++) {
        if (strstr(told->rows[i], words) != NULL) {
            return true;
        }
    }
    return false;
}

static void ports(void **state)
{
    struct settings_made made;
    struct setup_part part = { .name = "roof" };
    struct setup setup = { .given = true, .parts = &part, .part_count = 1 };
    struct told told = { 0 };
    (void)state;
    part.settings = *settings_make(
        &made, bacnet_network_options,
        (const char *const[]){ "address", "10.99.98.97", "port", "47900", NULL });
    bacnet_ports(&setup, true, on_port, &told);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.rows[0], "BACnet network roof|udp|10.99.98.97|47900|10");
    /* without networks: none when no device wants one */
    setup = (struct setup){ 0 };
    told.count = 0;
    bacnet_ports(&setup, false, on_port, &told);
    assert_int_equal(told.count, 0);
    bacnet_ports(&setup, true, on_port, &told);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.rows[0], "BACnet network|udp|"));
    assert_non_null(strstr(told.rows[0], "|47808|0"));
}

static void networks(void **state)
{
    struct rig rig;
    struct told told = { 0 };
    char address[64];
    (void)state;
    rig_init(&rig, (const char *const[]){ "force_polling", "true", NULL }, 3);
    rig_start(&rig);
    rig_read(&rig);
    bacnet_status(&rig.driver, on_status, &told);
    str_format(address, sizeof(address), "lab|address|%s:47808", rig.own);
    assert_true(has(&told, address));
    assert_true(has(&told, "lab|frames|"));
    assert_true(has(&told, "1 asked"));
    assert_false(has(&told, "foreign"));
    rig_fini(&rig);
}

/* A port that another program has: said with the network, and to each device that needs it. */
static void taken_port(void **state)
{
    struct rig rig;
    struct told told = { 0 };
    struct bacnet_node *other = NULL;
    struct bacnet_node_config config = { 0 };
    struct bacnet_node_events none = { 0 };
    (void)state;
    rig_init(&rig, (const char *const[]){ "force_polling", "true", NULL }, 3);
    bacnet_driver()->close(&rig.driver);
    assert_int_equal(endpoint_parse(rig.own, BACNET_PORT, &config.local), 0);
    assert_int_equal(bacnet_node_open(rig.driver.loop, &config, &none, NULL, &other, NULL), 0);
    assert_int_equal(bacnet_driver()->open(&rig.driver, NULL), 0);
    bacnet_driver()->setup(&rig.driver, &rig.setup);
    bacnet_status(&rig.driver, on_status, &told);
    assert_true(has(&told, "already in use"));
    rig_start(&rig);
    assert_int_equal(rig.link_downs, 1);
    assert_int_equal(rig.link_error, BUSBAR_EADDRINUSE);
    /* the next read opens it */
    bacnet_node_close(other);
    rig_read(&rig);
    assert_int_equal(rig.link_ups, 1);
    assert_int_equal(rig.samples[2].quality, QUALITY_GOOD);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports),
        cmocka_unit_test(networks),
        cmocka_unit_test(taken_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
