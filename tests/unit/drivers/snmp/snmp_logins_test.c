/* SPDX-License-Identifier: Apache-2.0 */
/* Logins: each made once, keys in jobs, broken ones told, freed with their last user. */
#include "snmp_device_rig.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { PARTS = 3 };

/* Three logins, and the rig's host for their secrets. */
struct site {
    struct rig *rig;
    struct setup setup;
    struct setup_part parts[PARTS];
    struct settings_made made[PARTS];
    struct snmp_logins *logins;
    int ready;
};

/* Sorted by name, as a setup is. */
static void site_init(struct site *site)
{
    *site = (struct site){ .rig = rig_new() };
    site->rig->secret = "longpassword";
    site->parts[0] = (struct setup_part){ "a-old", *settings_make(&site->made[0], snmp_part_options,
                                                                  PAIRS("version", "1")) };
    site->parts[1] = (struct setup_part){
        "b-broken", *settings_make(&site->made[1], snmp_part_options, PAIRS("community", "unset"))
    };
    site->parts[2] = (struct setup_part){
        "c-plant", *settings_make(&site->made[2], snmp_part_options,
                                  PAIRS("user", "busbar", "auth", "x", "priv", "y", "order", "1"))
    };
    site->setup.parts = site->parts;
    site->setup.part_count = PARTS;
    site->logins = snmp_logins_new(&site->rig->driver);
}

static void site_fini(struct site *site)
{
    struct rig *rig = site->rig;
    snmp_logins_free(site->logins);
    jobs_drain(rig->driver.loop);
    snmp_driver()->close(&rig->driver);
    fake_free(rig->fake);
    setup_free(rig->setup);
    arena_fini(&rig->dev.arena);
    loop_free(rig->driver.loop);
    clock_fake_off();
    busbar_free(rig);
}

static void on_ready(void *ctx)
{
    struct site *site = ctx;
    site->ready++;
}

static struct snmp_identity user_identity(const char *user)
{
    return (struct snmp_identity){ .version = SNMP_V3,
                                   .user = user,
                                   .auth = "x",
                                   .auth_type = USM_SHA256,
                                   .priv = "y",
                                   .priv_type = USM_AES128 };
}

static void by_order_then_by_name(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    snmp_logins_setup(site.logins, &site.setup);
    assert_int_equal(snmp_logins_count(site.logins), PARTS);
    assert_string_equal(snmp_logins_name(site.logins, 0), "c-plant");
    assert_string_equal(snmp_logins_name(site.logins, 1), "a-old");
    assert_string_equal(snmp_logins_name(site.logins, 2), "b-broken");
    const struct snmp_login *old = snmp_logins_find(site.logins, "a-old");
    assert_int_equal(old->version, SNMP_V1);
    assert_string_equal(old->community, "public");
    assert_string_equal(old->name, "a-old");
    assert_null(snmp_logins_find(site.logins, "nobody"));
    site_fini(&site);
}

static void what_is_missing_is_told(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    snmp_logins_setup(site.logins, &site.setup);
    assert_null(snmp_logins_at(site.logins, 2));
    const struct err *err = snmp_logins_broken(site.logins, 2);
    assert_non_null(err);
    assert_int_equal(err->code, BUSBAR_ECONFIG);
    assert_non_null(strstr(err->message, "'unset'"));
    assert_string_equal(err->hint, "set it with 'busbar secret set unset'");
    assert_null(snmp_logins_broken(site.logins, 1));
    site_fini(&site);
}

static void keys_come_later(void **state)
{
    struct site site;
    struct snmp_logins_wait wait;
    (void)state;
    site_init(&site);
    snmp_logins_setup(site.logins, &site.setup);
    assert_true(snmp_logins_busy(site.logins));
    assert_null(snmp_logins_at(site.logins, 0));
    assert_null(snmp_logins_broken(site.logins, 0));
    snmp_logins_wait(site.logins, &wait, on_ready, &site);
    jobs_drain(site.rig->driver.loop);
    assert_int_equal(site.ready, 1);
    assert_false(snmp_logins_busy(site.logins));
    const struct snmp_login *plant = snmp_logins_at(site.logins, 0);
    assert_int_equal(plant->version, SNMP_V3);
    assert_string_equal(usm_user_name(plant->user), "busbar");
    site_fini(&site);
}

static void nobody_waits_any_more(void **state)
{
    struct site site;
    struct snmp_logins_wait wait;
    (void)state;
    site_init(&site);
    snmp_logins_setup(site.logins, &site.setup);
    snmp_logins_wait(site.logins, &wait, on_ready, &site);
    snmp_logins_unwait(&wait);
    jobs_drain(site.rig->driver.loop);
    assert_int_equal(site.ready, 0);
    site_fini(&site);
}

static void the_same_is_made_once(void **state)
{
    struct site site;
    struct snmp_login_use uses[3] = { { .ready = on_ready, .ctx = &site },
                                      { .ready = on_ready, .ctx = &site },
                                      { .ready = on_ready, .ctx = &site } };
    const struct snmp_identity same = user_identity("one");
    const struct snmp_identity other = user_identity("two");
    (void)state;
    site_init(&site);
    snmp_login_use(site.logins, &same, "", &uses[0]);
    snmp_login_use(site.logins, &same, "", &uses[1]);
    snmp_login_use(site.logins, &other, "", &uses[2]);
    assert_null(snmp_login_used(&uses[0]));
    jobs_drain(site.rig->driver.loop);
    assert_int_equal(site.ready, 3);
    assert_non_null(snmp_login_used(&uses[0]));
    assert_ptr_equal(snmp_login_used(&uses[0]), snmp_login_used(&uses[1]));
    assert_ptr_not_equal(snmp_login_used(&uses[0]), snmp_login_used(&uses[2]));
    for (size_t i = 0; i < 3; i++) {
        snmp_login_unuse(&uses[i]);
        snmp_login_unuse(&uses[i]); /* harmless */
    }
    site_fini(&site);
}

/* A secret that was set anew gives another login, while the old one is still in use. */
static void another_secret_is_another_login(void **state)
{
    struct site site;
    struct snmp_login_use before = { 0 };
    struct snmp_login_use after = { 0 };
    const struct snmp_identity identity = { .version = SNMP_V2C, .community = "x" };
    (void)state;
    site_init(&site);
    snmp_login_use(site.logins, &identity, "", &before);
    site.rig->secret = "another";
    snmp_login_use(site.logins, &identity, "", &after);
    assert_string_equal(snmp_login_used(&before)->community, "longpassword");
    assert_string_equal(snmp_login_used(&after)->community, "another");
    snmp_login_unuse(&before);
    snmp_login_unuse(&after);
    site_fini(&site);
}

static void a_short_password_breaks_it(void **state)
{
    struct site site;
    struct snmp_login_use use = { .ready = on_ready, .ctx = &site };
    const struct snmp_identity identity = user_identity("one");
    (void)state;
    site_init(&site);
    site.rig->secret = "short";
    snmp_login_use(site.logins, &identity, "", &use);
    jobs_drain(site.rig->driver.loop);
    assert_int_equal(site.ready, 1);
    assert_null(snmp_login_used(&use));
    assert_non_null(snmp_login_use_broken(&use));
    assert_true(snmp_login_use_broken(&use)->message[0] != '\0');
    snmp_login_unuse(&use);
    site_fini(&site);
}

static void a_long_community_breaks_it(void **state)
{
    struct site site;
    struct snmp_login_use use = { 0 };
    const struct snmp_identity identity = { .version = SNMP_V2C, .community = "x" };
    char community[SNMP_COMMUNITY_MAX + 2];
    (void)state;
    site_init(&site);
    memset(community, 'c', sizeof(community) - 1);
    community[sizeof(community) - 1] = '\0';
    site.rig->secret = community;
    snmp_login_use(site.logins, &identity, "", &use);
    assert_non_null(snmp_login_use_broken(&use));
    snmp_login_unuse(&use);
    site_fini(&site);
}

/* Its user, or all of them, go while its keys are made. */
static void gone_meanwhile(void **state)
{
    struct site site;
    struct snmp_login_use use = { .ready = on_ready, .ctx = &site };
    const struct snmp_identity identity = user_identity("one");
    (void)state;
    site_init(&site);
    snmp_login_use(site.logins, &identity, "", &use);
    snmp_login_unuse(&use);
    snmp_logins_setup(site.logins, &site.setup);
    site_fini(&site);
    assert_int_equal(site.ready, 0);
}

static void a_setup_after_another(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    snmp_logins_setup(site.logins, &site.setup);
    jobs_drain(site.rig->driver.loop);
    const struct snmp_login *plant = snmp_logins_at(site.logins, 0);
    snmp_logins_setup(site.logins, &site.setup);
    assert_ptr_equal(snmp_logins_at(site.logins, 0), plant); /* not made anew */
    site.setup.part_count = 1;
    snmp_logins_setup(site.logins, &site.setup);
    assert_int_equal(snmp_logins_count(site.logins), 1);
    site.setup.part_count = 0;
    snmp_logins_setup(site.logins, &site.setup);
    assert_int_equal(snmp_logins_count(site.logins), 0);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_order_then_by_name),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(keys_come_later),
        cmocka_unit_test(nobody_waits_any_more),
        cmocka_unit_test(the_same_is_made_once),
        cmocka_unit_test(another_secret_is_another_login),
        cmocka_unit_test(a_short_password_breaks_it),
        cmocka_unit_test(a_long_community_breaks_it),
        cmocka_unit_test(gone_meanwhile),
        cmocka_unit_test(a_setup_after_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
