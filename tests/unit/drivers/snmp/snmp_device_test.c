/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a device: logins, names, the link and its words, restarts, SET, and the test of a device. */
#include "snmp_device_rig.h"

#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_device.h"
#include "drivers/snmp/snmp_read.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const no_pairs[] = { NULL };

static bool says(const struct rig *rig, const char *words)
{
    return strstr(rig->words, words) != NULL;
}

/* ---- the link ---- */

static void up_when_it_answers(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, no_pairs);
    rig_run(rig, 0);
    assert_int_equal(rig->ups + rig->downs, 0); /* nothing was asked yet */
    assert_int_equal(rig_read(rig), 0);
    assert_int_equal(rig->ups, 1);
    assert_string_equal(rig->samples[0].value.text->bytes, "sw-1");
    assert_int_equal(rig_read(rig), 0);
    assert_int_equal(rig->ups, 1); /* told once */
    assert_true(rig->frames >= 4);
    rig_free(rig);
}

static void silence_in_words(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, PAIRS("timeout", "200ms", "retries", "2"));
    rig->fake->community = "secret";
    assert_int_equal(rig_read(rig), BUSBAR_ETIMEOUT);
    assert_int_equal(rig->downs, 1);
    assert_int_equal(rig->link_error, BUSBAR_ETIMEOUT);
    assert_true(says(rig, rig->host));
    assert_true(says(rig, "by UDP in 200ms (3 times)"));
    assert_true(says(rig, "the community is wrong: SNMP v2c devices stay silent then"));
    rig->fake->community = "public";
    assert_int_equal(rig_read(rig), 0);
    assert_int_equal(rig->ups, 1);
    rig_free(rig);
}

/* The host gives up while the last transmission is still waited for. */
static void given_up_by_the_host(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, PAIRS("timeout", "10s"));
    rig->fake->silent = true;
    rig_begin(rig);
    rig_run(rig, CLOCK_US_PER_S);
    snmp_driver()->cancel(&rig->dev, &rig->req);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_true(says(rig, "no answer from"));
    rig_free(rig);
}

/* ---- logins ---- */

static void a_secret_that_is_missing(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, PAIRS("community", "ro"));
    assert_int_equal(rig->downs, 1);
    assert_int_equal(rig->link_error, BUSBAR_ECONFIG);
    assert_true(says(rig, "the community is not there: the secret 'ro' is not set"));
    assert_true(says(rig, "busbar secret set ro"));
    assert_int_equal(rig_read(rig), BUSBAR_ECONFIG);
    assert_int_equal(rig->fake->asked, 0);
    rig_free(rig);
}

static void community_by_its_secret(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    rig->secret = "very-secret";
    rig->fake->community = "very-secret";
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, PAIRS("community", "ro"));
    assert_int_equal(rig_read(rig), 0);
    rig_free(rig);
}

static void fake_user(struct rig *rig, const char *password)
{
    rig->secret = "longpassword";
    assert_int_equal(
        usm_user_make("busbar", USM_SHA256, password, USM_AES128, password, &rig->fake->user, NULL),
        0);
    fake_engine(rig->fake, "engine-1", 3, 1000);
}

static const char *const v3[] = { "user", "busbar",  "auth",  "a", "priv",
                                  "p",    "timeout", "200ms", NULL };

static void keys_are_made_in_a_job(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    fake_user(rig, "longpassword");
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, v3);
    assert_null(rig->device.login);
    rig_begin(rig); /* waits */
    jobs_drain(rig->driver.loop);
    assert_non_null(rig->device.login);
    rig_run(rig, 0);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, 0);
    assert_int_equal(rig->ups, 1);
    rig_free(rig);
}

static void a_wrong_password_in_words(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    fake_user(rig, "otherpassword");
    rig->fake->report_unsigned = true;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, v3);
    jobs_drain(rig->driver.loop);
    assert_int_equal(rig_read(rig), BUSBAR_EAUTH);
    assert_int_equal(rig->link_error, BUSBAR_EAUTH);
    assert_true(says(rig, "refuses the login"));
    assert_true(says(rig, usm_trouble_words(USM_WRONG_DIGEST)));
    rig_free(rig);
}

static void a_password_that_is_too_short(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    fake_user(rig, "longpassword");
    rig->secret = "short";
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, v3);
    rig_begin(rig);
    jobs_drain(rig->driver.loop);
    rig_run(rig, 0);
    assert_int_equal(rig->answers, 1);
    assert_true(rig->error < 0);
    assert_true(says(rig, "8"));
    rig_free(rig);
}

/* ---- names ---- */

static void a_name_is_looked_up(void **state)
{
    struct rig *rig = rig_new();
    char host[64];
    (void)state;
    (void)str_format(host, sizeof(host), "localhost:%u", rig->fake->address.port);
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, PAIRS("host", host));
    rig_begin(rig);
    jobs_drain(rig->driver.loop);
    assert_int_not_equal(rig->device.address.family, 0);
    rig_run(rig, 0);
    if (rig->device.address.family == 4) { /* the agent has no IPv6 */
        assert_int_equal(rig->answers, 1);
        assert_int_equal(rig->error, 0);
    }
    rig_free(rig);
}

static void a_name_that_nobody_knows(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, PAIRS("host", "no..name"));
    rig_begin(rig);
    jobs_drain(rig->driver.loop);
    rig_run(rig, 0);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_EHOST);
    assert_true(says(rig, "the name 'no..name' is not known"));
    rig_free(rig);
}

static void stopped_while_it_waits(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    fake_user(rig, "longpassword");
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, v3);
    rig_begin(rig);
    rig_stop(rig); /* the keys are still being made */
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_ECANCELED);
    rig_free(rig);
}

static void stopped_while_it_asks(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysContact.0", "type", "text"));
    rig->fake->silent = true;
    rig_start(rig, no_pairs);
    rig_begin(rig);
    rig->written[0] = (struct sample){ .type = VALUE_TEXT, .value.text = text_new("x", 1) };
    rig->write = (struct request){ .points = rig->numbers,
                                   .samples = rig->written,
                                   .count = 1,
                                   .deadline_us = clock_mono_us() + RIG_DEADLINE_US };
    snmp_driver()->write(&rig->dev, &rig->write);
    rig_run(rig, 100000);
    rig_stop(rig);
    assert_int_equal(rig->answers + rig->writes, 2);
    assert_int_equal(rig->error, BUSBAR_ECANCELED);
    assert_int_equal(rig->write_error, BUSBAR_ECANCELED);
    busbar_free((void *)(uintptr_t)rig->written[0].value.text);
    rig_free(rig);
}

/* ---- restarts ---- */

static void a_restart_is_an_event(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, no_pairs);
    int64_t now_us = clock_mono_us();
    snmp_device_uptime(&rig->device, 360000, now_us);
    snmp_device_uptime(&rig->device, 361000, now_us + 10 * CLOCK_US_PER_S);
    assert_int_equal(rig->events, 0);
    snmp_device_uptime(&rig->device, 500, now_us + 20 * CLOCK_US_PER_S);
    assert_int_equal(rig->events, 1);
    assert_string_equal(rig->event_kind, "restart");
    assert_string_equal(rig->event_text, "device restarted 5s ago; it had been up for 1h10s");
    /* sysUpTime goes round by itself after 497 days */
    snmp_device_uptime(&rig->device, UINT32_MAX - 100, now_us + 30 * CLOCK_US_PER_S);
    snmp_device_uptime(&rig->device, 900, now_us + 40 * CLOCK_US_PER_S);
    assert_int_equal(rig->events, 1);
    assert_int_equal(rig->device.restarts, 1);
    rig_free(rig);
}

/* ---- SET ---- */

static struct sample text_sample(const char *text)
{
    return (struct sample){ .type = VALUE_TEXT, .value.text = text_new(text, strlen(text)) };
}

static void drop_sample(struct sample *sample)
{
    busbar_free((void *)(uintptr_t)sample->value.text);
}

static void written_in_one_message(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    fake_text(rig->fake, "1.3.6.1.2.1.1.6.0", "cellar");
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    (void)rig_point(rig, PAIRS("oid", "sysLocation.0"));
    rig_start(rig, no_pairs);
    rig->written[0] = text_sample("sw-2");
    rig->written[1] = text_sample("attic");
    struct text *texts[2] = { (struct text *)(uintptr_t)rig->written[0].value.text,
                              (struct text *)(uintptr_t)rig->written[1].value.text };
    assert_int_equal(rig_write(rig, 0, 2), 0);
    assert_int_equal(rig->fake->sets, 1);
    assert_int_equal(rig->fake->varbinds_last, 2);
    assert_int_equal(rig->ups, 1);
    busbar_free(texts[0]);
    busbar_free(texts[1]);
    rig_free(rig);
}

/* An OID that was written in digits is read back by its name. */
static void texts_as_the_device_spells_them(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "1.3.6.1.4.1.32473.1.0", "type", "oid"));
    rig_start(rig, no_pairs);
    rig->written[0] = text_sample("1.3.6.1.2.1.1.5.0");
    struct text *text = (struct text *)(uintptr_t)rig->written[0].value.text;
    assert_int_equal(rig_write(rig, 0, 1), 0);
    assert_string_equal(rig->spelt, "SNMPv2-MIB::sysName.0");
    busbar_free(text);
    rig_free(rig);
}

static void never_sent_twice(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig_start(rig, PAIRS("timeout", "200ms", "retries", "5"));
    rig->fake->silent = true;
    rig->written[0] = text_sample("sw-2");
    assert_int_equal(rig_write(rig, 0, 1), BUSBAR_ETIMEOUT);
    assert_int_equal(rig->fake->sets, 1);
    drop_sample(&rig->written[0]);
    rig_free(rig);
}

static void refused_by_the_device(void **state)
{
    struct rig *rig = rig_new();
    struct snmp_oid_buf oid;
    (void)state;
    fake_text(rig->fake, "1.3.6.1.2.1.1.6.0", "cellar");
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    (void)rig_point(rig, PAIRS("oid", "sysLocation.0"));
    rig_start(rig, no_pairs);
    assert_int_equal(snmp_oid_parse("1.3.6.1.2.1.1.6.0", &oid, NULL), 0);
    memcpy(rig->fake->refuses, oid.bytes, oid.oid.size);
    rig->fake->refuses_size = oid.oid.size;
    rig->written[0] = text_sample("sw-2");
    rig->written[1] = text_sample("attic");
    assert_int_equal(rig_write(rig, 0, 2), BUSBAR_EREFUSED);
    assert_int_equal(rig->written[1].detail, SNMP_DETAIL_STATUS + SNMP_GEN_ERR); /* which */
    assert_int_equal(rig->written[0].detail, SNMP_DETAIL_STATUS + SNMP_GEN_ERR); /* what is told */
    assert_non_null(strstr(snmp_driver()->explain(rig->written[1].detail), "genErr"));
    drop_sample(&rig->written[0]);
    drop_sample(&rig->written[1]);
    rig_free(rig);
}

static void what_does_not_fit_is_not_sent(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "1.3.6.1.4.1.32473.1.0", "type", "int"));
    rig_start(rig, no_pairs);
    rig->written[0] = (struct sample){ .type = VALUE_INT, .value.i = INT64_C(1) << 40 };
    assert_int_equal(rig_write(rig, 0, 1), BUSBAR_ERANGE);
    assert_int_equal(rig->fake->sets, 0);
    rig_free(rig);
}

static void a_row_that_is_not_known_is_not_written(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "ifAdminStatus", "row", "eth9"));
    rig_start(rig, no_pairs);
    rig->written[0] = (struct sample){ .type = VALUE_INT, .value.i = 2 };
    assert_int_equal(rig_write(rig, 0, 1), BUSBAR_EREFUSED);
    assert_int_equal(rig->fake->sets, 0);
    assert_non_null(snmp_driver()->explain(rig->written[0].detail));
    rig_free(rig);
}

/* ---- the test of a device ---- */

static const char *found(const struct rig *rig, const char *step)
{
    for (size_t i = 0; i < rig->finding_count; i++) {
        if (str_starts(rig->findings[i], step)) {
            return rig->findings[i];
        }
    }
    fail_msg("no finding '%s'", step);
    return "";
}

static void test_it(struct rig *rig)
{
    snmp_driver()->test(&rig->dev, (struct driver_test *)(void *)rig);
    rig_run(rig, 0);
    for (int i = 0; i < 400 && rig->tested == 0; i++) {
        rig_run(rig, RIG_STEP_US);
    }
    assert_int_equal(rig->tested, 1);
}

static void all_well(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    rig->fake->oids_most = 20;
    rig_start(rig, PAIRS("timeout", "200ms"));
    test_it(rig);
    assert_non_null(strstr(found(rig, "address"), rig->host));
    assert_non_null(strstr(found(rig, "login"), "v2c"));
    assert_non_null(strstr(found(rig, "access"), "accepted"));
    assert_non_null(strstr(found(rig, "system"), "sw-1, a switch"));
    assert_non_null(strstr(found(rig, "clock"), "runs for 1h"));
    assert_non_null(strstr(found(rig, "size"), "12 values in one question"));
    assert_non_null(strstr(found(rig, "points"), "1 of 1 can be read"));
    for (size_t i = 0; i < rig->finding_count; i++) {
        assert_int_equal(rig->codes[i], 0);
    }
    rig_free(rig);
}

static void a_point_that_is_not_there(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    (void)rig_point(rig, PAIRS("oid", "sysName.0"));
    (void)rig_point(rig, PAIRS("oid", "sysLocation.0"));
    rig_start(rig, PAIRS("timeout", "200ms"));
    test_it(rig);
    assert_non_null(strstr(found(rig, "point point"), "sysLocation.0: noSuch"));
    assert_non_null(strstr(found(rig, "points"), "1 of 2 can be read"));
    rig_free(rig);
}

static void a_wrong_community(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    fake_user(rig, "longpassword"); /* it speaks version 3 too: so it is there */
    rig->fake->community = "other";
    rig_start(rig, PAIRS("timeout", "200ms"));
    test_it(rig);
    assert_non_null(strstr(found(rig, "agent"), "answers, SNMP engine 656e67696e652d31"));
    assert_non_null(strstr(found(rig, "access"), "silent to this community"));
    assert_int_equal(rig->codes[rig->finding_count - 1], BUSBAR_ETIMEOUT);
    rig_free(rig);
}

static void nobody_there(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    rig->fake->silent = true;
    rig_start(rig, PAIRS("timeout", "200ms"));
    test_it(rig);
    assert_non_null(strstr(found(rig, "access"), "no answer to v2c, nor to any other version"));
    rig_free(rig);
}

static void a_test_ends_with_its_device(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    rig->fake->silent = true;
    rig_start(rig, no_pairs);
    snmp_driver()->test(&rig->dev, (struct driver_test *)(void *)rig);
    rig_run(rig, 100000);
    rig_stop(rig);
    assert_int_equal(rig->tested, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_when_it_answers),
        cmocka_unit_test(silence_in_words),
        cmocka_unit_test(given_up_by_the_host),
        cmocka_unit_test(a_secret_that_is_missing),
        cmocka_unit_test(community_by_its_secret),
        cmocka_unit_test(keys_are_made_in_a_job),
        cmocka_unit_test(a_wrong_password_in_words),
        cmocka_unit_test(a_password_that_is_too_short),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(a_name_that_nobody_knows),
        cmocka_unit_test(stopped_while_it_waits),
        cmocka_unit_test(stopped_while_it_asks),
        cmocka_unit_test(a_restart_is_an_event),
        cmocka_unit_test(written_in_one_message),
        cmocka_unit_test(texts_as_the_device_spells_them),
        cmocka_unit_test(never_sent_twice),
        cmocka_unit_test(refused_by_the_device),
        cmocka_unit_test(what_does_not_fit_is_not_sent),
        cmocka_unit_test(a_row_that_is_not_known_is_not_written),
        cmocka_unit_test(all_well),
        cmocka_unit_test(a_point_that_is_not_there),
        cmocka_unit_test(a_wrong_community),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(a_test_ends_with_its_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
