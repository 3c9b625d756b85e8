/* SPDX-License-Identifier: Apache-2.0 */
/* Discoveries and what is kept of what they find. */
#include "unit/driver/fake_driver.h"

#define SECOND CLOCK_US_PER_S

struct told {
    int found, ended, error;
    char last[256], message[128];
    uint64_t done, total;
};

static void found(void *ctx, const struct host_find *find)
{
    struct told *told = ctx;
    told->found++;
    str_format(told->last, sizeof(told->last), "%u %s %s|%s|%s|%lld %zu %s", find->number,
               find->find.key, find->find.name, find->find.vendor, find->find.settings,
               (long long)find->find.objects, find->find.fact_count, find->device);
}

static void progress(void *ctx, uint64_t done, uint64_t total)
{
    struct told *told = ctx;
    told->done = done;
    told->total = total;
}

static void ended(void *ctx, int error, const char *message)
{
    struct told *told = ctx;
    told->ended++;
    told->error = error;
    str_copy(told->message, sizeof(told->message), message);
}

static const struct host_discovery_events events = { .found = found,
                                                     .progress = progress,
                                                     .ended = ended };

static struct driver_discovery *discover(struct site *site, const char *const *options,
                                         int64_t timeout_us, struct told *told)
{
    struct driver_discovery *discovery = NULL;
    struct err err = { 0 };
    *told = (struct told){ 0 };
    assert_int_equal(
        host_discover(site->host, "fake", options, timeout_us, &events, told, &discovery, &err), 0);
    assert_non_null(discovery);
    return discovery;
}

static struct driver_find simple(const char *key)
{
    return (struct driver_find){ .key = key, .objects = -1 };
}

static void what_is_known_grows(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    discover(&site, NULL, 0, &told);
    assert_int_equal(fake_counts.opens, 1); /* for the discovery */
    struct driver_discovery *discovery = fake_now->discovery;

    struct driver_find find = simple("7");
    find.settings = "{ device: 7 }";
    driver_found(fake_now->drv, discovery, &find);
    assert_string_equal(told.last, "1 7 ||{ device: 7 }|-1 0 ");
    struct driver_fact facts[2] = { { "firmware", "2.1" }, { "protocol", "135" } };
    find = simple("7");
    find.name = "Roof";
    find.vendor = "Acme";
    find.objects = 120;
    find.facts = facts;
    find.fact_count = 2;
    driver_found(fake_now->drv, discovery, &find);
    assert_string_equal(told.last, "1 7 Roof|Acme|{ device: 7 }|120 2 ");
    facts[1] = (struct driver_fact){ "firmware", "2.2" };
    find = simple("7");
    find.vendor = "";
    find.facts = facts + 1;
    find.fact_count = 1;
    driver_found(fake_now->drv, discovery, &find);
    assert_string_equal(told.last, "1 7 Roof|Acme|{ device: 7 }|120 2 ");
    assert_int_equal(told.found, 3);

    driver_discovery_progress(discovery, 3, 10);
    assert_int_equal(told.total, 10);
    fake_discovered(0, "all asked");
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.error, 0);
    assert_string_equal(told.message, "all asked");

    find = simple("8"); /* heard without asking */
    driver_found(fake_now->drv, NULL, &find);
    assert_int_equal(told.found, 3);
    size_t kept;
    uint64_t dropped;
    host_find_counts(site.host, "fake", &kept, &dropped);
    assert_int_equal(kept, 2);
    assert_int_equal(dropped, 0);
    struct told all = { 0 };
    host_finds(site.host, "fake", found, &all);
    assert_int_equal(all.found, 2);
    assert_string_equal(all.last, "2 8 |||-1 0 ");
    assert_int_equal(host_find(site.host, "fake", "7", found, &all), 0);
    assert_int_equal(host_find(site.host, "fake", "70", found, &all), BUSBAR_ENOENT);
    host_finds_forget(site.host, "fake");
    host_find_counts(site.host, "fake", &kept, &dropped);
    assert_int_equal(kept, 0);
    site_fini(&site);
}

static void trouble(void *ctx, const struct host_find *find)
{
    str_copy(ctx, 64, find->find.trouble);
}

static void trouble_goes_when_there_is_none_any_more(void **state)
{
    static const struct {
        const char *now, *shown;
    } steps[] = {
        { NULL, "" },
        { "none of the credentials fits", "none of the credentials fits" },
        { NULL, "none of the credentials fits" }, /* says nothing of it */
        { "its view is empty", "its view is empty" },
        { "", "" },
        { NULL, "" },
    };
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    discover(&site, NULL, 0, &told);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char text[64] = "?";
        struct driver_find find = simple("7");
        find.name = i == 0 ? "Roof" : "";
        find.trouble = steps[i].now;
        driver_found(fake_now->drv, fake_now->discovery, &find);
        assert_int_equal(host_find(site.host, "fake", "7", trouble, text), 0);
        assert_string_equal(text, steps[i].shown);
    }
    assert_string_equal(told.last, "1 7 Roof|||-1 0 ");
    fake_discovered(0, NULL);
    site_fini(&site);
}

static void firmware(void *ctx, const struct host_find *find)
{
    assert_int_equal(find->find.fact_count, 2);
    assert_string_equal(find->find.facts[0].name, "firmware");
    str_copy(ctx, 64, find->find.facts[0].text);
    assert_true(find->last_us - find->first_us == 10 * SECOND);
    assert_int_equal(find->times, 2);
}

static void a_fact_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    struct site site;
    char text[64] = "";
    site_init(&site);
    site_add(&site, "ahu-1", 1, SECOND);
    struct driver_fact facts[2] = { { "firmware", "2.1" }, { "protocol", "135" } };
    struct driver_find find = simple("7");
    find.facts = facts;
    find.fact_count = 2;
    driver_found(fake_now->drv, NULL, &find);
    facts[0].text = "2.2";
    find.fact_count = 1;
    site_advance(&site, 10 * SECOND);
    driver_found(fake_now->drv, NULL, &find);
    assert_int_equal(host_find(site.host, "fake", "7", firmware, text), 0);
    assert_string_equal(text, "2.2");
    site_fini(&site);
}

static void configured_devices_are_known(void **state)
{
    (void)state;
    struct site site;
    struct told told = { 0 };
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-7", 1, SECOND); /* its key is "7" */
    struct driver_find find = simple("7");
    driver_found(fake_now->drv, NULL, &find);
    host_find(site.host, "fake", "7", found, &told);
    assert_string_equal(told.last, "1 7 |||-1 0 ahu-7");
    host_remove(site.host, dev, NULL, NULL);
    site_advance(&site, SECOND);
    host_find(site.host, "fake", "7", found, &told);
    assert_string_equal(told.last, "1 7 |||-1 0 ");
    site_add(&site, "roof-7", 1, SECOND);
    host_find(site.host, "fake", "7", found, &told);
    assert_string_equal(told.last, "1 7 |||-1 0 roof-7");
    site_fini(&site);
}

static void they_are_bounded(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    size_t kept;
    uint64_t dropped;
    site_init(&site);
    discover(&site, NULL, 0, &told);
    char key[1024];
    for (int i = 0; i < DRIVER_FINDS_MAX + 50; i++) {
        str_format(key, sizeof(key), "%d", i);
        struct driver_find find = simple(key);
        driver_found(fake_now->drv, fake_now->discovery, &find);
    }
    host_find_counts(site.host, "fake", &kept, &dropped);
    assert_int_equal(kept, DRIVER_FINDS_MAX);
    assert_int_equal(dropped, 50);
    assert_int_equal(told.found, DRIVER_FINDS_MAX);
    host_finds_forget(site.host, "fake");

    memset(key, 'x', sizeof(key) - 1); /* long texts are cut, many facts are dropped */
    key[sizeof(key) - 1] = '\0';
    struct driver_fact facts[DRIVER_FACTS_MAX + 8];
    char names[DRIVER_FACTS_MAX + 8][8];
    for (int i = 0; i < DRIVER_FACTS_MAX + 8; i++) {
        str_format(names[i], sizeof(names[i]), "f%d", i);
        facts[i] = (struct driver_fact){ names[i], key };
    }
    struct driver_find find = simple(key);
    find.name = key;
    find.facts = facts;
    find.fact_count = DRIVER_FACTS_MAX + 8;
    driver_found(fake_now->drv, NULL, &find);
    driver_found(fake_now->drv, NULL, &find);
    host_find_counts(site.host, "fake", &kept, &dropped);
    assert_int_equal(kept, 1);
    fake_discovered(0, NULL);
    site_fini(&site);
}

static void it_ends(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct err err = { 0 };
    struct driver_discovery *discovery = NULL;
    static const char *const fail[] = { "range=1-9", "fail", NULL };
    site_init(&site);
    discovery = discover(&site, NULL, 0, &told); /* stopped by a person */
    host_discover_stop(discovery);
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.error, BUSBAR_ECANCELED);

    discover(&site, NULL, 5 * SECOND, &told); /* its time is over: what was found counts */
    site_advance(&site, 6 * SECOND);
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.error, 0);

    discover(&site, fail, 0, &told); /* the driver ends it inside its own call */
    assert_int_equal(told.ended, 0);
    site_advance(&site, 1000);
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.error, BUSBAR_EREFUSED);
    assert_string_equal(told.message, "there is no network");

    fake_counts.stops_late = true; /* the driver takes its time to stop */
    discovery = discover(&site, NULL, 0, &told);
    host_discover_stop(discovery);
    host_discover_stop(discovery);
    assert_int_equal(fake_counts.discovery_stops, 3);
    struct driver_find find = simple("1");
    driver_found(fake_now->drv, fake_now->discovery, &find); /* kept, but not told any more */
    assert_int_equal(told.found, 0);
    fake_discovered(BUSBAR_ECANCELED, NULL);
    assert_int_equal(told.ended, 1);

    assert_int_equal(host_discover(site.host, "none", NULL, 0, &events, &told, &discovery, &err),
                     BUSBAR_ENOENT);
    fake_counts.open_fails = true;
    assert_int_equal(fake_counts.opens, 1); /* open already */
    site_fini(&site);
}

static void a_setup_and_the_end_of_the_host_wait_for_it(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    fake_counts.stops_late = true;
    discover(&site, NULL, 0, &told);
    assert_false(host_setup(site.host, "fake", NULL, NULL, NULL));
    site_advance(&site, SECOND);
    assert_int_equal(fake_counts.setups, 1);
    fake_discovered(BUSBAR_ECANCELED, NULL);
    site_advance(&site, SECOND);
    assert_int_equal(fake_counts.closes, 1); /* no section, no devices */

    discover(&site, NULL, 0, &told);
    host_stop(site.host, site_count_stopped, &site);
    site_advance(&site, SECOND);
    assert_false(site.stopped);
    fake_discovered(BUSBAR_ECANCELED, NULL);
    site_advance(&site, SECOND);
    assert_true(site.stopped);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_grows),
        cmocka_unit_test(trouble_goes_when_there_is_none_any_more),
        cmocka_unit_test(a_fact_takes_the_place_of_the_one_before),
        cmocka_unit_test(configured_devices_are_known),
        cmocka_unit_test(they_are_bounded),
        cmocka_unit_test(it_ends),
        cmocka_unit_test(a_setup_and_the_end_of_the_host_wait_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
