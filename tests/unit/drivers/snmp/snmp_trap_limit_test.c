/* SPDX-License-Identifier: Apache-2.0 */
/* Floods: a limit for each sender, exact counts, one event a minute, and no memory for whoever is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/snmp_trap_rig.h"

static int send_many(struct rig_sender *sender, int count)
{
    int kept = 0;
    rig_build(sender, "coldStart", NULL);
    for (int i = 0; i < count; i++) {
        kept += rig_take(sender->rig, &sender->from, sender->at, sender->size) == SNMP_OPENED;
    }
    return kept;
}

static void a_sender_has_a_rate_and_a_burst(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL));
    rig_added(&rig, rig_add(&rig, "switch-2", "10.0.4.3", "plant", NULL));
    struct rig_sender first = rig_sender(&rig, "10.0.4.2", "plant");
    struct rig_sender second = rig_sender(&rig, "10.0.4.3", "plant");
    assert_int_equal(send_many(&first, 1000), 200);
    assert_int_equal(send_many(&second, 100), 100); /* another one is not delayed */
    loop_advance_for_test(rig.driver.state.loop, CLOCK_US_PER_S);
    assert_int_equal(send_many(&first, 1000), 100);
    loop_advance_for_test(rig.driver.state.loop, 10 * CLOCK_US_PER_S);
    assert_int_equal(send_many(&first, 1000), 200); /* never more than the burst */
    assert_int_equal(rig.traps->refused[SNMP_REFUSED_RATE], 800 + 900 + 800);
    rig_close(&rig);
}

static void what_was_not_kept_is_told_once_a_minute(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, "10.0.9.0/24");
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL));
    struct rig_sender flood = rig_sender(&rig, "10.0.4.2", "plant");
    struct rig_sender wrong = rig_sender(&rig, "10.0.9.7", "guess");
    struct rig_sender stranger = rig_sender(&rig, "2001:db8::1", "plant");
    send_many(&flood, 12545);
    send_many(&wrong, 56);
    send_many(&stranger, 1);
    uint64_t before = rig.event_count;
    loop_advance_for_test(rig.driver.state.loop, 59 * CLOCK_US_PER_S);
    assert_int_equal(rig.event_count, before);
    loop_advance_for_test(rig.driver.state.loop, 2 * CLOCK_US_PER_S);
    assert_int_equal(rig.event_count, before + 1);
    const struct rig_event *event = rig_last(&rig);
    assert_string_equal(event->source, "snmp");
    assert_string_equal(event->kind, "refused");
    assert_string_equal(
        event->text,
        "12,402 traps not kept in the last minute: 12,345 from switch-1 (10.0.4.2) over the limit "
        "of "
        "a sender (`trap_rate`); 56 from 10.0.9.7 with a community that is neither the device's "
        "nor "
        "in `credentials`; 1 from 2001:db8::1 of senders that are not allowed (`allow`)");
    assert_string_equal(event->arguments, "switch-1 (10.0.4.2) too many=12345; 10.0.9.7 "
                                          "community=56; 2001:db8::1 not allowed=1");
    loop_advance_for_test(rig.driver.state.loop, 600 * CLOCK_US_PER_S);
    assert_int_equal(rig.event_count, before + 1); /* nothing happened since */
    send_many(&stranger, 2);
    loop_advance_for_test(rig.driver.state.loop, 61 * CLOCK_US_PER_S);
    assert_non_null(strstr(rig_last(&rig)->text, "2 traps not kept"));
    rig_close(&rig);
}

static void a_flood_of_senders_shares_one_limit(void **state)
{
    struct trap_rig rig;
    char ip[32];
    uint64_t kept = 0;
    (void)state;
    rig_open(&rig, "any");
    rig_credential(&rig, "public", NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "192.168.1.1", "public", NULL));
    struct rig_sender sender = rig_sender(&rig, "10.0.0.1", "public");
    rig_build(&sender, "coldStart", NULL);
    for (unsigned i = 0; i < SNMP_TRAP_STRANGERS_MAX + 5000; i++) {
        str_format(ip, sizeof(ip), "10.%u.%u.%u", 1 + i / 65536, i / 256 % 256, i % 256);
        assert_int_equal(endpoint_parse(ip, 5000, &sender.from), 0);
        kept += rig_take(&rig, &sender.from, sender.at, sender.size) == SNMP_OPENED;
    }
    assert_int_equal(kept, SNMP_TRAP_STRANGERS_MAX + 200);
    assert_int_equal(rig.traps->refused[SNMP_REFUSED_RATE], 5000 - 200);
    rig.traps->allow.any = false; /* a network is no less allowed without a place of its own */
    rig.traps->allow.count = 1;
    rig.traps->allow.networks[0] = (struct allow_network){ .base.family = 4, .bits = 0 };
    assert_int_equal(endpoint_parse("11.0.0.1", 5000, &sender.from), 0);
    assert_int_equal(rig_take(&rig, &sender.from, sender.at, sender.size), SNMP_REFUSED_RATE);
    rig.traps->refused[SNMP_REFUSED_RATE]--;
    rig.traps->others.refused[SNMP_REFUSED_RATE]--;
    rig.traps->allow.any = true;
    struct rig_sender device = rig_sender(&rig, "192.168.1.1", "public");
    assert_int_equal(send_many(&device, 10), 10); /* those of devices have their places for good */
    loop_advance_for_test(rig.driver.state.loop, 61 * CLOCK_US_PER_S);
    assert_non_null(strstr(rig_last(&rig)->text, "4,800 from other addresses"));
    loop_advance_for_test(rig.driver.state.loop, 61 * CLOCK_US_PER_S);
    send_many(&device, 500); /* something is to be told: then silent strangers go */
    loop_advance_for_test(rig.driver.state.loop, 61 * CLOCK_US_PER_S);
    assert_int_equal(rig.traps->sources.count, 1);
    assert_int_equal(endpoint_parse("10.9.9.9", 5000, &sender.from), 0);
    assert_int_equal(rig_take(&rig, &sender.from, sender.at, sender.size), SNMP_OPENED);
    rig_close(&rig);
}

static void many_reasons_fit_into_one_event(void **state)
{
    struct trap_rig rig;
    char ip[32];
    (void)state;
    rig_open(&rig, NULL);
    struct rig_sender sender = rig_sender(&rig, "10.0.0.1", "public");
    rig_build(&sender, "coldStart", NULL);
    uint64_t all = 0;
    for (unsigned i = 1; i <= 200; i++) {
        str_format(ip, sizeof(ip), "10.0.1.%u", i);
        assert_int_equal(endpoint_parse(ip, 5000, &sender.from), 0);
        for (unsigned k = 0; k < i; k++, all++) {
            assert_int_equal(rig_take(&rig, &sender.from, sender.at, sender.size),
                             SNMP_REFUSED_SENDER);
        }
    }
    loop_advance_for_test(rig.driver.state.loop, 61 * CLOCK_US_PER_S);
    const struct rig_event *event = rig_last(&rig);
    assert_non_null(strstr(event->text, "20,100 traps not kept"));
    assert_memory_equal(event->arguments, "10.0.1.200 not allowed=200; 10.0.1.199", 38);
    assert_non_null(strstr(event->arguments, "; others=11628")); /* 1 + ... + 152 */
    assert_int_equal(all, 20100);
    rig_close(&rig);
}

struct facts {
    char text[2048];
    unsigned troubles;
};

static void take_fact(void *ctx, const struct driver_status *status)
{
    struct facts *facts = ctx;
    size_t used = strlen(facts->text);
    facts->troubles += status->trouble != NULL;
    str_format(facts->text + used, sizeof(facts->text) - used, "%s=%s\n", status->name,
               status->text);
}

static void the_status_tells_what_came(void **state)
{
    struct trap_rig rig;
    struct facts facts = { .troubles = 0 };
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    send_many(&sender, 1500);
    snmp_traps_status(rig.traps, take_fact, &facts);
    assert_int_equal(facts.troubles, 0);
    assert_non_null(strstr(facts.text, "listens=127.0.0.1:"));
    assert_non_null(strstr(facts.text, "traps kept=200\n"));
    assert_non_null(strstr(facts.text, "not kept: too many=1,300 over the limit"));
    assert_non_null(strstr(facts.text, "engine id=8000000005"));
    rig_close(&rig);
}

static void a_port_that_is_taken_is_told_and_tried_again(void **state)
{
    struct trap_rig rig;
    struct facts facts = { .troubles = 0 };
    char listen[64];
    struct datagram *other;
    (void)state;
    rig_open(&rig, NULL);
    const struct datagram_options any = { .host = "127.0.0.1" };
    assert_int_equal(datagram_open(rig.driver.state.loop, &any, NULL, NULL, &other, NULL), 0);
    str_format(listen, sizeof(listen), "127.0.0.1:%u, 127.0.0.1:%u",
               datagram_port(rig.listener->socket), datagram_port(other));
    snmp_traps_setup(rig.traps, &(struct snmp_trap_options){ .listen = listen });
    assert_ptr_equal(rig.traps->listeners[0], rig.listener); /* stays open */
    assert_null(rig.traps->listeners[1]->socket);
    assert_non_null(strstr(rig.traps->listeners[1]->trouble.message, "already in use by "));
    snmp_traps_status(rig.traps, take_fact, &facts);
    assert_int_equal(facts.troubles, 1);
    datagram_close(other);
    loop_advance_for_test(rig.driver.state.loop, 31 * CLOCK_US_PER_S);
    assert_non_null(rig.traps->listeners[1]->socket);
    rig_close(&rig);
}

static void settings_that_are_wrong_are_told(void **state)
{
    static const struct {
        const char *listen, *allow, *words;
    } wrong[] = {
        { "switch:162", NULL, "'switch:162' is no address" },
        { "0.0.0.0:162, 0.0.0.0", NULL, "the same address twice" },
        { "0.0.0.0:0", NULL, "is no address" },
        { NULL, "10.0.0.0/33", "no address and no network" },
        { NULL, "10.0.0.0/8, everybody", "'everybody' is no address" },
        { NULL, "2001:db8::/129", "no network" },
    };
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct snmp_trap_options options = { .listen = wrong[i].listen, .allow = wrong[i].allow };
        assert_int_equal(snmp_traps_check(&options, &err), BUSBAR_ECONFIG);
        assert_non_null(strstr(err.message, wrong[i].words));
    }
    struct snmp_trap_options good = { .listen = "0.0.0.0, [::]:162, [::1]:10162",
                                      .allow = "any, 10.0.0.0/8, ::1" };
    assert_int_equal(snmp_traps_check(&good, &err), 0);
    static const struct position nowhere;
    assert_int_equal(snmp_traps_check_addresses("10.0.0.1, ::1", nowhere, &err), 0);
    assert_int_equal(snmp_traps_check_addresses("10.0.0.0/24", nowhere, &err), BUSBAR_ECONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_has_a_rate_and_a_burst),
        cmocka_unit_test(what_was_not_kept_is_told_once_a_minute),
        cmocka_unit_test(a_flood_of_senders_shares_one_limit),
        cmocka_unit_test(many_reasons_fit_into_one_event),
        cmocka_unit_test(the_status_tells_what_came),
        cmocka_unit_test(a_port_that_is_taken_is_told_and_tried_again),
        cmocka_unit_test(settings_that_are_wrong_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
