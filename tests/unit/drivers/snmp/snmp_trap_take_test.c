/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken, of whom, and what is refused: v1, v2c and v3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/snmp_trap_rig.h"

static const struct rig_variable down[] = {
    { .oid = "ifIndex.7", .tag = BER_INTEGER, .number = 7 },
    { .oid = "ifAdminStatus.7", .tag = BER_INTEGER, .number = 2 },
    { .oid = "ifOperStatus.7", .tag = BER_INTEGER, .number = 1 },
    { .oid = NULL },
};

static struct usm_user *user_of(const char *name, enum usm_auth auth, const char *pass,
                                enum usm_priv priv, const char *priv_pass)
{
    struct usm_user *user = NULL;
    assert_int_equal(usm_user_make(name, auth, pass, priv, priv_pass, &user, NULL), 0);
    return user;
}

static void a_trap_is_an_event_of_its_device(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    assert_int_equal(rig_send(&sender, "IF-MIB::linkDown", down), SNMP_OPENED);
    const struct rig_event *event = rig_last(&rig);
    assert_string_equal(event->source, "switch-1");
    assert_string_equal(event->kind, "trap");
    assert_string_equal(event->text,
                        "linkDown: ifIndex 7, ifAdminStatus down(2), ifOperStatus up(1)");
    assert_int_equal(event->severity, EVENT_MEDIUM);
    assert_string_equal(event->arguments, "trap=IF-MIB::linkDown; sysUpTime=47.11; ifIndex.7=7; "
                                          "ifAdminStatus.7=down; ifOperStatus.7=up");

    assert_int_equal(rig_send(&sender, "1.3.6.1.4.1.99999.0.3", NULL), SNMP_OPENED);
    event = rig_last(&rig);
    assert_non_null(strstr(event->text, "99999.0.3"));
    assert_int_equal(event->severity, EVENT_INFO);
    assert_int_equal(rig.traps->kept, 2);
    assert_int_equal(rig_refused(&rig), 0);
    rig_close(&rig);
}

static void texts_of_a_device_stay_one_line(void **state)
{
    struct trap_rig rig;
    const struct rig_variable variables[] = {
        { .oid = "sysDescr.0", .tag = BER_OCTETS, .text = "two\nlines\x1b[31m" },
        { .oid = NULL },
    };
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    assert_int_equal(rig_send(&sender, "coldStart", variables), SNMP_OPENED);
    for (const char *at = rig_last(&rig)->text; *at != '\0'; at++) {
        assert_true((unsigned char)*at >= ' ');
    }
    rig_close(&rig);
}

static void a_trap_of_version_1_gets_the_name_of_version_2(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "old-1", "10.0.4.3", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "10.0.4.3", "plant");
    sender.version = SNMP_V1;
    sender.enterprise = "1.3.6.1.4.1.99999";
    for (int generic = 0; generic < 6; generic++) { /* RFC 3584, 3.1 (2) */
        static const char *const names[] = { "coldStart",
                                             "warmStart",
                                             "linkDown",
                                             "linkUp",
                                             "authenticationFailure",
                                             "snmpTraps.6" /* egpNeighborLoss */ };
        sender.generic = generic;
        assert_int_equal(rig_send(&sender, NULL, NULL), SNMP_OPENED);
        assert_non_null(strstr(rig_last(&rig)->text, names[generic]));
    }
    sender.generic = 6;
    sender.specific = 5;
    assert_int_equal(rig_send(&sender, NULL, NULL), SNMP_OPENED);
    assert_non_null(strstr(rig_last(&rig)->arguments, "99999.0.5; sysUpTime=47.11"));
    assert_non_null(strstr(rig_last(&rig)->arguments, "enterprise="));
    sender.generic = 7;
    assert_int_equal(rig_send(&sender, NULL, NULL), SNMP_REFUSED_BROKEN);
    rig_close(&rig);
}

static void only_who_is_allowed_is_heard(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL));
    rig_credential(&rig, "public", NULL);
    struct rig_sender stranger = rig_sender(&rig, "10.0.9.9", "public");
    assert_int_equal(rig_send(&stranger, "coldStart", NULL), SNMP_REFUSED_SENDER);
    assert_int_equal(rig_send(&stranger, "coldStart", NULL), SNMP_REFUSED_SENDER);
    assert_int_equal(rig.heard, 1); /* Discover is told, once */
    assert_int_equal(rig.event_count, 0);
    struct rig_sender wrong = rig_sender(&rig, "10.0.4.2", "guess");
    assert_int_equal(rig_send(&wrong, "coldStart", NULL), SNMP_REFUSED_COMMUNITY);
    struct rig_sender part = rig_sender(&rig, "10.0.4.2", "public"); /* one of the credentials */
    assert_int_equal(rig_send(&part, "coldStart", NULL), SNMP_OPENED);
    rig.devices[0].snmp.config.traps = false;
    assert_int_equal(rig_send(&part, "coldStart", NULL), SNMP_REFUSED_OFF);
    rig.devices[0].snmp.config.traps = true;
    rig.devices[0].dev.paused = true;
    assert_int_equal(rig_send(&part, "coldStart", NULL), SNMP_REFUSED_OFF);
    rig_close(&rig);
}

static void an_allowed_stranger_is_an_event_of_the_driver(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, "10.0.9.0/24, 2001:db8::/32");
    rig_credential(&rig, "public", NULL);
    struct rig_sender stranger = rig_sender(&rig, "10.0.9.9", "public");
    assert_int_equal(rig_send(&stranger, "IF-MIB::linkDown", down), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "snmp");
    assert_memory_equal(rig_last(&rig)->text, "10.0.9.9: linkDown: ifIndex 7", 29);
    assert_non_null(strstr(rig_last(&rig)->arguments, "from=10.0.9.9"));
    assert_string_equal(rig.heard_trap, "IF-MIB::linkDown");
    struct rig_sender v6 = rig_sender(&rig, "2001:db8::7", "public");
    assert_int_equal(rig_send(&v6, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->text, "2001:db8::7: coldStart");
    struct rig_sender other = rig_sender(&rig, "2001:db9::7", "public");
    assert_int_equal(rig_send(&other, "coldStart", NULL), SNMP_REFUSED_SENDER);
    struct rig_sender wrong = rig_sender(&rig, "10.0.9.10", "private");
    assert_int_equal(rig_send(&wrong, "coldStart", NULL), SNMP_REFUSED_COMMUNITY);
    rig_close(&rig);
}

static void the_device_is_found_by_what_names_it(void **state)
{
    struct trap_rig rig;
    const struct rig_variable of_2[] = {
        { .oid = "1.3.6.1.6.3.18.1.3.0", .tag = BER_IP_ADDRESS, .text = "10.0.4.2" },
        { .oid = NULL },
    };
    (void)state;
    rig_open(&rig, "10.0.9.1, 10.0.7.0/24");
    rig_credential(&rig, "public", NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.1", "one", NULL));
    rig_added(&rig, rig_add(&rig, "switch-2", "10.0.4.2", "two", NULL));
    struct rig_device *third = rig_add(&rig, "switch-3", "10.0.4.3", "three", NULL);
    third->snmp.config.trap_addresses = "10.0.5.3, 10.0.5.4";
    rig_added(&rig, third);

    struct rig_sender other = rig_sender(&rig, "10.0.5.4", "three");
    assert_int_equal(rig_send(&other, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "switch-3");
    assert_non_null(strstr(rig_last(&rig)->arguments, "from=10.0.5.4"));

    struct rig_sender forwarder = rig_sender(&rig, "10.0.9.1", "public");
    assert_int_equal(rig_send(&forwarder, "coldStart", of_2), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "switch-2");
    forwarder.version = SNMP_V1;
    forwarder.enterprise = "1.3.6.1.4.1.318";
    forwarder.agent = "10.0.4.1";
    assert_int_equal(rig_send(&forwarder, NULL, NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "switch-1");

    /* a device that nobody named as a forwarder cannot speak for another */
    struct rig_sender liar = rig_sender(&rig, "10.0.4.1", "one");
    assert_int_equal(rig_send(&liar, "coldStart", of_2), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "switch-1");

    struct rig_sender behind = rig_sender(&rig, "10.0.7.9",
                                          "two"); /* behind an address translation */
    assert_int_equal(rig_send(&behind, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "switch-2");
    rig_close(&rig);
}

static void devices_at_one_address_are_told_apart(void **state)
{
    struct trap_rig rig;
    struct usm_user *user = user_of("busbar", USM_SHA256, "a good password", USM_PRIV_NONE, NULL);
    (void)state;
    rig_open(&rig, NULL);
    (void)rig_add(&rig, "sim-1", "127.0.0.1", "public", NULL);
    struct rig_device *second = rig_add(&rig, "sim-2", "127.0.0.1", "public", NULL);
    (void)rig_add(&rig, "sim-3", "127.0.0.1", NULL, user);
    (void)rig_add(&rig, "sim-4", "127.0.0.1", "fourth", NULL);
    for (uint16_t i = 0; i < 4; i++) {
        rig.devices[i].snmp.address.port = (uint16_t)(16101 + i);
        rig_added(&rig, &rig.devices[i]);
    }
    struct rig_sender sender = rig_sender(&rig, "127.0.0.1", "public");
    sender.from.port = 16102;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "sim-2");
    sender.from.port = 50000; /* one of the two, nobody knows which */
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "snmp");
    sender.community = "fourth";
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "sim-4");
    sender.community = "guess";
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_COMMUNITY);
    struct rig_sender sealed = rig_sender_v3(&rig, "127.0.0.1", user, 1);
    assert_int_equal(rig_send(&sealed, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "sim-3");
    snmp_traps_remove(rig.traps, &second->snmp);
    sender.community = "public";
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "sim-1");
    rig_close(&rig);
    usm_user_drop(user);
}

static void a_device_with_a_password_takes_nothing_without(void **state)
{
    struct trap_rig rig;
    struct usm_user *user = user_of("busbar", USM_SHA256, "a good password", USM_AES128,
                                    "another password");
    (void)state;
    rig_open(&rig, "any");
    rig_credential(&rig, "public", NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", NULL, user));
    struct rig_sender plain = rig_sender(&rig, "10.0.4.2", "public");
    assert_int_equal(rig_send(&plain, "coldStart", NULL), SNMP_REFUSED_INSECURE);
    struct rig_sender sealed = rig_sender_v3(&rig, "10.0.4.2", user, 1);
    assert_int_equal(rig_send(&sealed, "IF-MIB::linkDown", down), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "switch-1");
    assert_int_equal(rig_send(&sealed, "IF-MIB::linkDown", down), SNMP_OPENED); /* keys are kept */
    assert_int_equal(rig.traps->users.keys.count, 1);
    sealed.plain = true; /* as the user, without its password */
    assert_int_equal(rig_send(&sealed, "coldStart", NULL), SNMP_REFUSED_LEVEL);
    rig_close(&rig);
    usm_user_drop(user);
}

static void every_algorithm_is_opened(void **state)
{
    static const enum usm_auth auths[] = { USM_MD5,    USM_SHA,    USM_SHA224,
                                           USM_SHA256, USM_SHA384, USM_SHA512 };
    static const enum usm_priv privs[] = { USM_PRIV_NONE, USM_DES,          USM_AES128,
                                           USM_AES192,    USM_AES256_CISCO, USM_AES256 };
    (void)state;
    for (size_t i = 0; i < sizeof(auths) / sizeof(auths[0]); i++) {
        struct trap_rig rig;
        struct usm_user *user = user_of("busbar", auths[i], "a good password", privs[i],
                                        privs[i] != USM_PRIV_NONE ? "another password" : NULL);
        rig_open(&rig, NULL);
        rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", NULL, user));
        struct rig_sender sender = rig_sender_v3(&rig, "10.0.4.2", user, 1);
        assert_int_equal(rig_send(&sender, "IF-MIB::linkDown", down), SNMP_OPENED);
        sender.at[sender.size - 1] ^= 1;
        assert_int_equal(rig_take(&rig, &sender.from, sender.at, sender.size), SNMP_REFUSED_DIGEST);
        rig_close(&rig);
        usm_user_drop(user);
    }
}

static void why_a_v3_trap_is_refused(void **state)
{
    struct trap_rig rig;
    struct usm_user *user = user_of("busbar", USM_SHA256, "a good password", USM_AES128,
                                    "another password");
    struct usm_user *liar = user_of("busbar", USM_SHA256, "a bad password", USM_AES128,
                                    "another password");
    struct usm_user *unknown = user_of("nobody", USM_SHA256, "a good password", USM_PRIV_NONE,
                                       NULL);
    struct usm_user *half = user_of("busbar", USM_SHA256, "a good password", USM_AES128,
                                    "a wrong password");
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", NULL, user));
    struct rig_sender sender = rig_sender_v3(&rig, "10.0.4.2", user, 1);
    sender.user = liar;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_DIGEST);
    assert_int_equal(rig.traps->users.keys.count, 0); /* nothing is kept of a liar */
    sender.user = unknown;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_USER);
    sender.user = half;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_CIPHER);
    sender.user = user;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    sender.engine.boots--; /* a trap of before it started again: somebody kept it */
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_WINDOW);
    sender.engine.boots++;
    sender.engine.time -= 151;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_WINDOW);
    sender.engine.time += 2;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    sender.engine.size = 4;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_ENGINE);
    rig_close(&rig);
    usm_user_drop(user);
    usm_user_drop(liar);
    usm_user_drop(unknown);
    usm_user_drop(half);
}

static void a_clock_that_went_back_is_healed(void **state)
{
    struct trap_rig rig;
    struct usm_user *user = user_of("busbar", USM_SHA256, "a good password", USM_PRIV_NONE, NULL);
    (void)state;
    rig_open(&rig, NULL);
    struct rig_device *device = rig_add(&rig, "switch-1", "10.0.4.2", NULL, user);
    rig_added(&rig, device);
    struct rig_sender sender = rig_sender_v3(&rig, "10.0.4.2", user, 1);
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    sender.engine.boots = 1; /* its memory was erased */
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_WINDOW);
    device->engine = sender.engine; /* the polls have found it out */
    device->snmp.agent = (struct snmp_agent *)(void *)&device->engine;
    snmp_traps_engine(rig.traps, &device->snmp, &device->engine);
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);

    device->snmp.agent = NULL; /* nobody polls it */
    sender.engine.time = 2;
    sender.engine.at_us = clock_mono_us();
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_WINDOW);
    for (int i = 0; i < 61; i++) {
        loop_advance_for_test(rig.driver.state.loop, 60 * CLOCK_US_PER_S);
    }
    sender.engine.at_us = clock_mono_us();
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    rig_close(&rig);
    usm_user_drop(user);
}

static void a_device_behind_a_translation_is_known_by_its_engine(void **state)
{
    struct trap_rig rig;
    struct usm_user *user = user_of("busbar", USM_SHA256, "a good password", USM_PRIV_NONE, NULL);
    (void)state;
    rig_open(&rig, NULL);
    struct rig_device *device = rig_add(&rig, "switch-1", "10.0.4.2", NULL, user);
    rig_added(&rig, device);
    struct rig_sender sender = rig_sender_v3(&rig, "10.0.99.1", user, 1);
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_SENDER);
    snmp_traps_engine(rig.traps, &device->snmp, &sender.engine);
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->source, "switch-1");
    rig_close(&rig);
    usm_user_drop(user);
}

static void who_has_no_user_any_more_sends_nothing(void **state)
{
    struct trap_rig rig;
    struct usm_user *user = user_of("busbar", USM_SHA256, "a good password", USM_PRIV_NONE, NULL);
    (void)state;
    rig_open(&rig, "any");
    struct rig_device *device = rig_add(&rig, "switch-1", "10.0.4.2", NULL, user);
    rig_added(&rig, device);
    struct rig_sender sender = rig_sender_v3(&rig, "10.0.4.2", user, 1);
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    snmp_traps_remove(rig.traps, &device->snmp);
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_USER); /* keys are kept */
    rig_close(&rig);
    usm_user_drop(user);
}

static void what_is_no_trap_is_refused(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    static const uint8_t others[] = { SNMP_GET, SNMP_GETNEXT, SNMP_RESPONSE, SNMP_SET,
                                      SNMP_REPORT };
    for (size_t i = 0; i < sizeof(others); i++) {
        sender.type = others[i];
        assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_OTHER);
    }
    sender.type = SNMP_TRAP;
    rig_build(&sender, "IF-MIB::linkDown", down);
    for (size_t size = 0; size < sender.size; size++) {
        rig.traps->others.next_ns = 0;
        loop_advance_for_test(rig.driver.state.loop, 20000); /* not over the limit */
        assert_int_equal(rig_take(&rig, &sender.from, sender.at, size), SNMP_REFUSED_BROKEN);
    }
    for (size_t bit = 0; bit < 8 * sender.size; bit++) { /* nothing worse than a wrong value */
        loop_advance_for_test(rig.driver.state.loop, 20000);
        sender.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int end = rig_take(&rig, &sender.from, sender.at, sender.size);
        assert_true(end == SNMP_OPENED || end == SNMP_REFUSED_BROKEN || end == SNMP_REFUSED_OTHER ||
                    end == SNMP_REFUSED_COMMUNITY);
        sender.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    rig_close(&rig);
}

static void a_full_disk_keeps_nothing_and_says_so(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    rig.disk_full = true;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_REFUSED_STORE);
    loop_advance_for_test(rig.driver.state.loop, 61 * CLOCK_US_PER_S);
    assert_int_equal(rig.event_count, 0);
    rig.disk_full = false;
    loop_advance_for_test(rig.driver.state.loop, 60 * CLOCK_US_PER_S);
    assert_int_equal(rig.event_count, 1);
    assert_non_null(strstr(rig_last(&rig)->text, "1 trap not kept"));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trap_is_an_event_of_its_device),
        cmocka_unit_test(texts_of_a_device_stay_one_line),
        cmocka_unit_test(a_trap_of_version_1_gets_the_name_of_version_2),
        cmocka_unit_test(only_who_is_allowed_is_heard),
        cmocka_unit_test(an_allowed_stranger_is_an_event_of_the_driver),
        cmocka_unit_test(the_device_is_found_by_what_names_it),
        cmocka_unit_test(devices_at_one_address_are_told_apart),
        cmocka_unit_test(a_device_with_a_password_takes_nothing_without),
        cmocka_unit_test(every_algorithm_is_opened),
        cmocka_unit_test(why_a_v3_trap_is_refused),
        cmocka_unit_test(a_clock_that_went_back_is_healed),
        cmocka_unit_test(a_device_behind_a_translation_is_known_by_its_engine),
        cmocka_unit_test(who_has_no_user_any_more_sends_nothing),
        cmocka_unit_test(what_is_no_trap_is_refused),
        cmocka_unit_test(a_full_disk_keeps_nothing_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
