/* SPDX-License-Identifier: Apache-2.0 */
/* What the protocol says of itself: ports, logins, what is insecure; and ports that others have. */
#include "snmp_device_rig.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const no_pairs[] = { NULL };

struct facts {
    struct buf text; /* "part|name|text|trouble" a line; trouble "" = none */
    size_t ports, asks;
};

static void take_fact(void *ctx, const struct driver_status *status)
{
    struct facts *facts = ctx;
    assert_int_equal(buf_printf(&facts->text, "%s|%s|%s|%s|%s\n", status->part, status->name,
                                status->text, status->trouble != NULL ? status->trouble : "",
                                status->closed ? "closed" : ""),
                     0);
}

static const char *facts_of(struct rig *rig, struct facts *facts)
{
    *facts = (struct facts){ 0 };
    buf_init(&facts->text, 16384);
    snmp_driver()->status(&rig->driver, take_fact, facts);
    return buf_text(&facts->text);
}

static void take_port(void *ctx, const struct driver_port *port)
{
    struct facts *facts = ctx;
    assert_string_equal(port->transport, "udp");
    facts->ports++;
    facts->asks += port->asks;
}

/* A port that nobody has now. */
static uint16_t free_port(struct rig *rig, struct datagram **held)
{
    struct datagram_options options = { .host = "127.0.0.1" };
    assert_int_equal(datagram_open(rig->driver.loop, &options, NULL, NULL, held, NULL), 0);
    return datagram_port(*held);
}

static void in_facts(void **state)
{
    struct rig *rig = rig_new();
    struct facts facts;
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, no_pairs);
    assert_int_equal(rig_read(rig), 0);
    const char *text = facts_of(rig, &facts);
    assert_non_null(strstr(text, "|source ports|1 open, 0 questions under way||"));
    assert_non_null(strstr(text, " modules, "));
    assert_non_null(strstr(text, "|insecure logins|switch-1||"));
    buf_fini(&facts.text);
    rig_free(rig);
}

static void logins_in_facts(void **state)
{
    struct rig *rig = rig_new();
    struct facts facts;
    struct setup_part parts[2] = { { .name = "broken" }, { .name = "weak" } };
    struct settings_made made[2];
    (void)state;
    rig->secret = "longpassword";
    parts[0].settings = *settings_make(&made[0], snmp_part_options, PAIRS("community", "unset"));
    parts[1].settings = *settings_make(&made[1], snmp_part_options,
                                       PAIRS("user", "u", "auth", "a", "auth_type", "MD5"));
    rig->setup->parts = parts;
    rig->setup->part_count = 2;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, PAIRS("credentials", "weak"));
    const char *text = facts_of(rig, &facts);
    assert_non_null(strstr(text, "weak|login|its keys are being made||"));
    assert_non_null(strstr(text, "broken|login|none|the community is not there"));
    assert_non_null(strstr(text, "'busbar secret set unset'|closed"));
    buf_fini(&facts.text);
    jobs_drain(rig->driver.loop);
    text = facts_of(rig, &facts);
    assert_non_null(
        strstr(text, "weak|login|v3 user u MD5 unencrypted; insecure: MD5 is broken||"));
    assert_null(strstr(text, "insecure logins")); /* those are of devices that name no login */
    buf_fini(&facts.text);
    rig_free(rig);
}

static void ports_that_others_have(void **state)
{
    struct rig *rig = rig_new();
    struct facts facts;
    struct datagram *held = NULL;
    char ports[32];
    (void)state;
    uint16_t port = free_port(rig, &held);
    (void)str_format(ports, sizeof(ports), "%u-%u", port, port);
    rig->setup->settings = *settings_make(&rig->setup_made, snmp_setup_options,
                                          PAIRS("bind", "127.0.0.1", "source_ports", ports));
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, no_pairs);
    assert_int_equal(rig->link_error, BUSBAR_EADDRINUSE);
    assert_non_null(strstr(rig->words, "127.0.0.1"));
    assert_int_equal(rig_read(rig), BUSBAR_EADDRINUSE);
    assert_non_null(strstr(facts_of(rig, &facts), "|source ports|none|"));
    buf_fini(&facts.text);
    datagram_close(held);
    rig_run(rig, 2 * CLOCK_US_PER_S);
    assert_int_equal(rig_read(rig), 0); /* tried again by itself */
    assert_int_equal(rig->ups, 1);
    rig_free(rig);
}

static void ports_for_the_table(void **state)
{
    struct rig *rig = rig_new();
    struct facts facts = { 0 };
    (void)state;
    rig->setup->settings = *settings_make(
        &rig->setup_made, snmp_setup_options,
        PAIRS("source_ports", "40000-40003", "listen", "127.0.0.1:1162"));
    snmp_driver()->ports(rig->setup, true, take_port, &facts);
    assert_int_equal(facts.asks, 4);
    assert_int_equal(facts.ports, 5);
    facts = (struct facts){ 0 };
    snmp_driver()->ports(rig->setup, false, take_port, &facts);
    assert_int_equal(facts.asks, 0); /* no device, no question */
    rig->setup->settings = (struct settings){ .options = snmp_setup_options };
    rig_start(rig, no_pairs);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_facts),
        cmocka_unit_test(logins_in_facts),
        cmocka_unit_test(ports_that_others_have),
        cmocka_unit_test(ports_for_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
