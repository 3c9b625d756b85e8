/* SPDX-License-Identifier: Apache-2.0 */
/* Writes at a priority: who holds what, releases by hand and by the clock, over failures and restarts. */
#include "unit/driver/fake_driver.h"

#define SECOND CLOCK_US_PER_S

struct told {
    int calls;
    struct host_write_result result;
};

static void written(void *ctx, const struct host_write_result *result)
{
    struct told *told = ctx;
    told->calls++;
    told->result = *result;
}

static struct device *add_releasable(struct site *site, const char *name)
{
    site->cls.write = (struct point_write){ .allowed = true };
    struct device *dev = site_device(site, name, 3);
    for (size_t i = 0; i < 2; i++) { /* the third is a plain one */
        dev->points[i].releasable = true;
        dev->points[i].priority = 16;
    }
    assert_int_equal(host_add(site->host, dev, &site->settings, NULL), 0);
    site_advance(site, 2 * SECOND);
    return dev;
}

static int put(struct site *site, struct point *pt, int64_t value, struct host_write_how how,
               struct told *told, struct err *err)
{
    how.who = how.who != NULL ? how.who : "eva";
    how.from = "10.0.0.7";
    *told = (struct told){ 0 };
    return host_write(site->host, pt, VALUE_INT, (union value){ .i = value }, &how, 0, written,
                      told, err);
}

struct listing {
    char text[1024];
};

static void list(void *ctx, const struct host_hold *hold)
{
    struct listing *listing = ctx;
    size_t size = strlen(listing->text);
    str_format(listing->text + size, sizeof(listing->text) - size, "%s@%u=%s %s%s;", hold->path,
               hold->priority, hold->value, hold->who, hold->until_us > 0 ? " ends" : "");
}

static void assert_holds(struct site *site, const char *expected)
{
    struct listing listing = { "" };
    host_holds(site->host, NULL, 0, 100, list, &listing);
    assert_string_equal(listing.text, expected);
}

static void a_write_is_a_hold_until_it_is_released(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    struct device *dev = add_releasable(&site, "ahu-1");
    struct point *pt = &dev->points[0];

    assert_int_equal(put(&site, pt, 22, (struct host_write_how){ 0 }, &told, NULL), 0);
    site_advance(&site, SECOND);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.result.error, 0);
    assert_true(told.result.taken);
    assert_int_equal(told.result.priority, 16); /* the point's own */
    assert_int_equal(fake_of(dev)->how.priority, 16);
    assert_holds(&site, "ahu-1/p0@16=22 eva;");

    assert_int_equal(
        put(&site, pt, 30, (struct host_write_how){ .priority = 8, .who = "jan" }, &told, NULL), 0);
    site_advance(&site, SECOND);
    assert_int_equal(told.result.error, 0);
    assert_int_equal(pt->last.value.i, 30);
    assert_holds(&site, "ahu-1/p0@8=30 jan;ahu-1/p0@16=22 eva;");

    /* Something holds it higher: taken, but without effect, and told so. */
    assert_int_equal(put(&site, pt, 25, (struct host_write_how){ 0 }, &told, NULL), 0);
    site_advance(&site, 10 * SECOND);
    assert_int_equal(told.result.error, BUSBAR_EREFUSED);
    assert_true(told.result.taken);
    assert_string_equal(told.result.message,
                        "the device took the write but reads back 30 instead of 25: something "
                        "holds the point at a higher priority than 16, or the device limits the "
                        "value");
    assert_holds(&site, "ahu-1/p0@8=30 jan;ahu-1/p0@16=25 eva;");

    assert_int_equal(
        put(&site, pt, 0, (struct host_write_how){ .priority = 8, .release = true }, &told, NULL),
        0);
    site_advance(&site, SECOND);
    assert_int_equal(told.result.error, 0);
    assert_string_equal(told.result.message,
                        "released at priority 8, the device now says 25 after 20ms");
    assert_true(fake_of(dev)->how.release);
    assert_holds(&site, "ahu-1/p0@16=25 eva;");
    assert_int_equal(host_hold_count(site.host), 1);
    assert_int_equal(host_hold_forget(site.host, "ahu-1/p0", 8), BUSBAR_ENOENT);
    assert_int_equal(host_hold_forget(site.host, "ahu-1/p0", 16), 0);
    assert_holds(&site, "");
    site_fini(&site);
}

static void what_cannot_be_is_said_before_anything_is_sent(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    struct device *dev = add_releasable(&site, "ahu-1");
    static const struct host_write_how unsupported[] = { { .priority = 8 },
                                                         { .release = true },
                                                         { .for_us = SECOND } };
    for (size_t i = 0; i < 3; i++) {
        struct err err = { 0 };
        assert_int_equal(put(&site, &dev->points[2], 1, unsupported[i], &told, &err),
                         BUSBAR_EUNSUPPORTED);
        assert_string_equal(err.message, "'p2' has no priorities: what is written there stays, and "
                                         "nothing gives it up");
    }
    static const struct host_write_how wrong[] = {
        { .priority = 17 },
        { .for_us = HOST_HOLD_FOR_MAX_US + 1 },
        { .for_us = -1 },
        { .release = true, .for_us = SECOND },
    };
    for (size_t i = 0; i < 4; i++) {
        struct err err = { 0 };
        assert_int_equal(put(&site, &dev->points[0], 1, wrong[i], &told, &err), BUSBAR_ERANGE);
        assert_int_equal(err.code, BUSBAR_ERANGE);
    }
    assert_int_equal(fake_of(dev)->writes, 0);
    /* A plain point is written without priorities, and nobody holds it. */
    assert_int_equal(put(&site, &dev->points[2], 5, (struct host_write_how){ 0 }, &told, NULL), 0);
    site_advance(&site, SECOND);
    assert_int_equal(told.result.error, 0);
    assert_int_equal(told.result.priority, 0);
    assert_false(fake_of(dev)->had_how);
    assert_holds(&site, "");
    site_fini(&site);
}

static void it_ends_by_itself(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    struct device *dev = add_releasable(&site, "ahu-1");
    struct host_write_how how = { .priority = 8, .for_us = 7200 * SECOND };
    assert_int_equal(put(&site, &dev->points[0], 22, how, &told, NULL), 0);
    site_advance(&site, SECOND);
    assert_string_equal(told.result.message,
                        "written, read back 22 after 20ms; it is released by itself in 2h");
    assert_holds(&site, "ahu-1/p0@8=22 eva ends;");
    site_advance(&site, 7190 * SECOND);
    assert_int_equal(fake_of(dev)->writes, 1);
    site_advance(&site, 10 * SECOND);
    assert_int_equal(fake_of(dev)->writes, 2);
    assert_true(fake_of(dev)->how.release);
    assert_int_equal(fake_of(dev)->how.priority, 8);
    assert_holds(&site, "");
    assert_int_equal(site.released_count, 1);
    assert_string_equal(site.released,
                        "ahu-1/p0@8 released: released at priority 8, the device now "
                        "says 100 after 20ms");
    site_fini(&site);
}

static void a_point_may_have_a_longest_time(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct err err = { 0 };
    site_init(&site);
    site.cls.write = (struct point_write){ .allowed = true, .max_time_us = 100 * SECOND };
    struct device *dev = site_device(&site, "ahu-1", 1);
    dev->points[0].releasable = true;
    dev->points[0].priority = 8;
    assert_int_equal(host_add(site.host, dev, &site.settings, NULL), 0);
    struct host_write_how how = { .for_us = 101 * SECOND };
    assert_int_equal(put(&site, &dev->points[0], 22, how, &told, &err), BUSBAR_ERANGE);
    assert_string_equal(err.message, "'p0' may be held for 1m40s at most (max_time in its "
                                     "configuration), not for 1m41s");
    how.for_us = 0; /* not said: the longest */
    assert_int_equal(put(&site, &dev->points[0], 22, how, &told, &err), 0);
    site_advance(&site, SECOND);
    assert_int_equal(told.result.priority, 8);
    assert_true(told.result.until_us > 0);
    assert_int_equal(host_hold_extend(site.host, "ahu-1/p0", 8, 200 * SECOND, NULL, NULL, &err),
                     BUSBAR_ERANGE);
    assert_int_equal(host_hold_extend(site.host, "ahu-1/p0", 8, 0, NULL, NULL, &err),
                     BUSBAR_ERANGE);
    assert_int_equal(host_hold_extend(site.host, "ahu-1/p0", 8, 50 * SECOND, NULL, NULL, &err), 0);
    site_advance(&site, 51 * SECOND);
    assert_holds(&site, "");
    assert_int_equal(
        put(&site, &dev->points[0], 0, (struct host_write_how){ .release = true }, &told, &err),
        0); /* a release has no end */
    site_advance(&site, SECOND);
    assert_int_equal(told.result.error, 0);
    site_fini(&site);
}

static void count_saved(void *ctx, int error)
{
    assert_int_equal(error, 0);
    (*(int *)ctx)++;
}

static void its_end_can_be_moved(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct err err = { 0 };
    site_init(&site);
    struct device *dev = add_releasable(&site, "ahu-1");
    struct host_write_how how = { .priority = 8, .for_us = 100 * SECOND };
    put(&site, &dev->points[0], 22, how, &told, NULL);
    site_advance(&site, 50 * SECOND);
    int saves = 0;
    assert_int_equal(
        host_hold_extend(site.host, "ahu-1/p0", 8, 1000 * SECOND, count_saved, &saves, &err), 0);
    assert_int_equal(saves, 0); /* never inside the call */
    site_advance(&site, 1000);
    assert_int_equal(saves, 1);
    assert_int_equal(host_hold_extend(site.host, "ahu-1/p0", 9, SECOND, NULL, NULL, &err),
                     BUSBAR_ENOENT);
    assert_int_equal(host_hold_extend(site.host, "ahu-1/p0", 8, -1, NULL, NULL, &err),
                     BUSBAR_ERANGE);
    site_advance(&site, 990 * SECOND);
    assert_int_equal(fake_of(dev)->writes, 1);
    assert_int_equal(host_hold_extend(site.host, "ahu-1/p0", 8, 0, NULL, NULL, &err), 0);
    site_advance(&site, 10000 * SECOND);
    assert_holds(&site, "ahu-1/p0@8=22 eva;"); /* for good */
    assert_int_equal(host_hold_extend(site.host, "ahu-1/p0", 8, SECOND, NULL, NULL, &err), 0);
    site_advance(&site, 2 * SECOND);
    assert_holds(&site, "");
    site_fini(&site);
}

static void find_trouble(void *ctx, const struct host_hold *hold)
{
    struct host_hold *out = ctx;
    out->failures = hold->failures;
    out->trouble = hold->trouble;
    out->next_try_us = hold->next_try_us;
}

static void a_device_that_is_down_gets_it_when_it_is_back(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    struct device *dev = add_releasable(&site, "ahu-1");
    struct host_write_how how = { .priority = 8, .for_us = 60 * SECOND };
    put(&site, &dev->points[0], 22, how, &told, NULL);
    site_advance(&site, SECOND);
    fake_of(dev)->mode = FAKE_SILENT;
    site_advance(&site, 1000 * SECOND);
    struct host_hold hold = { 0 };
    host_holds_of(site.host, "ahu-1/p0", find_trouble, &hold);
    assert_in_range(hold.failures, 5, 12); /* less and less often */
    assert_non_null(strstr(hold.trouble, "no answer in time"));
    assert_true(hold.next_try_us > clock_wall_us());
    assert_int_equal(site.released_count, 1); /* told once */
    assert_non_null(strstr(site.released, "not released"));

    fake_of(dev)->mode = FAKE_ANSWER;
    site_advance(&site, 70 * SECOND); /* the breaker's probe finds it, then at once */
    assert_holds(&site, "");
    assert_int_equal(site.released_count, 2);
    assert_int_equal(fake_of(dev)->held[0][7].type, VALUE_NONE);
    site_fini(&site);
}

static void a_paused_device_and_one_that_is_gone_are_waited_for(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    struct device *dev = add_releasable(&site, "ahu-1");
    put(&site, &dev->points[0], 22, (struct host_write_how){ .priority = 8, .for_us = 60 * SECOND },
        &told, NULL);
    site_advance(&site, SECOND);
    host_pause(site.host, dev);
    site_advance(&site, 300 * SECOND);
    struct host_hold hold = { 0 };
    host_holds_of(site.host, "ahu-1/p0", find_trouble, &hold);
    assert_string_equal(hold.trouble, "device 'ahu-1' is paused");
    host_resume(site.host, dev);
    site_advance(&site, 5 * SECOND);
    assert_holds(&site, "");

    put(&site, &dev->points[0], 22, (struct host_write_how){ .priority = 8, .for_us = 60 * SECOND },
        &told, NULL);
    site_advance(&site, SECOND);
    host_remove(site.host, dev, site_count_removed, &site);
    site_advance(&site, 300 * SECOND);
    host_holds_of(site.host, "ahu-1/p0", find_trouble, &hold);
    assert_string_equal(hold.trouble, "there is no such point in the configuration any more");
    assert_int_equal(host_hold_count(site.host), 1);
    site_fini(&site);
}

/* ---- kept ---- */

static void it_is_on_disk_before_it_is_sent(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init_with(&site, true);
    struct device *dev = add_releasable(&site, "ahu-1");
    struct host_write_how how = { .priority = 8, .for_us = 60 * SECOND };
    put(&site, &dev->points[0], 22, how, &told, NULL);
    site_advance(&site, SECOND);
    assert_int_equal(fake_of(dev)->writes, 0);
    assert_int_equal(site.save_count, 1);
    assert_string_equal(site.saves[0].text, "+ahu-1/p0@8=22 eva 60");
    site_saved(&site);
    site_advance(&site, SECOND);
    assert_int_equal(fake_of(dev)->writes, 1);
    assert_int_equal(told.result.error, 0);

    /* What cannot be kept is not sent. */
    site.save_error = BUSBAR_ENOSPC;
    put(&site, &dev->points[1], 23, how, &told, NULL);
    site_saved(&site);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.result.error, BUSBAR_ENOSPC);
    assert_false(told.result.taken);
    assert_non_null(strstr(told.result.message, "not sent: "));
    assert_int_equal(fake_of(dev)->writes, 1);
    assert_string_equal(site.saves[2].text, "-ahu-1/p1@8");
    assert_holds(&site, "ahu-1/p0@8=22 eva ends;");
    site.save_error = 0;

    site_advance(&site, 60 * SECOND); /* its end: released, then off the disk */
    assert_string_equal(site.saves[3].text, "-ahu-1/p0@8");
    assert_int_equal(site.save_count, 4);
    site_fini(&site);
}

static void a_refused_write_leaves_what_was_there(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init_with(&site, true);
    struct device *dev = add_releasable(&site, "ahu-1");
    struct host_write_how how = { .priority = 8, .for_us = 60 * SECOND };
    put(&site, &dev->points[0], 22, how, &told, NULL);
    site_saved(&site);
    site_advance(&site, SECOND);
    fake_of(dev)->mode = FAKE_REFUSE;
    how.for_us = 600 * SECOND;
    how.who = "jan";
    put(&site, &dev->points[0], 50, how, &told, NULL);
    site_saved(&site);
    assert_holds(&site, "ahu-1/p0@8=50 jan ends;");
    site_advance(&site, SECOND);
    assert_int_equal(told.result.error, BUSBAR_EREFUSED);
    assert_holds(&site, "ahu-1/p0@8=22 eva ends;"); /* with its own end */
    assert_string_equal(site.saves[2].text, "+ahu-1/p0@8=22 eva 60");
    put(&site, &dev->points[1], 50, how, &told, NULL);
    site_saved(&site);
    site_advance(&site, SECOND);
    assert_holds(&site, "ahu-1/p0@8=22 eva ends;");

    /* Nobody knows whether the device took it: it will be released. */
    fake_of(dev)->mode = FAKE_SILENT;
    put(&site, &dev->points[1], 50, how, &told, NULL);
    site_saved(&site);
    site_advance(&site, 8 * SECOND);
    assert_int_equal(told.result.error, BUSBAR_ETIMEOUT);
    assert_holds(&site, "ahu-1/p0@8=22 eva ends;ahu-1/p1@8=50 jan ends;");
    site_fini(&site);
}

static void a_device_may_stop_while_the_disk_is_waited_for(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init_with(&site, true);
    struct device *dev = add_releasable(&site, "ahu-1");
    struct host_write_how how = { .priority = 8, .for_us = 60 * SECOND };
    put(&site, &dev->points[0], 22, how, &told, NULL);
    host_pause(site.host, dev);
    site_advance(&site, SECOND);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.result.error, BUSBAR_ECANCELED);
    assert_string_equal(told.result.message, "not sent: the device was stopped");
    site_saved(&site); /* too late, means nothing */
    assert_holds(&site, "");
    host_resume(site.host, dev);
    site_advance(&site, SECOND);

    put(&site, &dev->points[0], 22, how, &told, NULL); /* the disk takes too long */
    site_advance(&site, 10 * SECOND);
    assert_int_equal(told.result.error, BUSBAR_ETIMEOUT);
    site_saved(&site);
    assert_int_equal(fake_of(dev)->writes, 0);
    assert_holds(&site, "");
    site_fini(&site);
}

static void a_restart_releases_what_is_due(void **state)
{
    (void)state;
    struct site site;
    site_init_with(&site, true);
    int64_t now_us = clock_wall_us();
    struct host_hold past = { .path = "ahu-1/p0",
                              .priority = 8,
                              .value = "22",
                              .who = "eva",
                              .from = "",
                              .since_us = now_us - 7200 * SECOND,
                              .until_us = now_us - 3600 * SECOND };
    struct host_hold future = past, open = past;
    future.path = "ahu-1/p1";
    future.until_us = now_us + 100 * SECOND;
    open.priority = 16;
    open.until_us = 0;
    assert_int_equal(host_hold_restore(site.host, &past), 0);
    assert_int_equal(host_hold_restore(site.host, &future), 0);
    assert_int_equal(host_hold_restore(site.host, &open), 0);
    struct device *dev = add_releasable(&site, "ahu-1");
    site_advance(&site, 5 * SECOND);
    assert_int_equal(site.released_count, 1);
    assert_holds(&site, "ahu-1/p0@16=22 eva;ahu-1/p1@8=22 eva ends;");
    site_advance(&site, 100 * SECOND);
    assert_holds(&site, "ahu-1/p0@16=22 eva;");
    assert_int_equal(fake_of(dev)->writes, 2);
    site_fini(&site);
}

static void a_clock_that_is_set_is_noticed(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    site_init(&site);
    struct device *dev = add_releasable(&site, "ahu-1");
    put(&site, &dev->points[0], 22,
        (struct host_write_how){ .priority = 8, .for_us = 86400 * SECOND }, &told, NULL);
    site_advance(&site, SECOND);
    clock_fake_set(clock_mono_us(), clock_wall_us() + 2 * 86400 * SECOND);
    site_advance(&site, 31 * SECOND);
    assert_holds(&site, "");
    site_fini(&site);
}

/* ---- many ---- */

static void holds_are_paged_in_order(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    for (int i = 199; i >= 0; i--) {
        char path[64];
        str_format(path, sizeof(path), "dev-%03d/x", i / 2);
        struct host_hold hold = {
            .path = path, .priority = (uint8_t)(i % 2 + 1), .value = "1", .who = "", .from = ""
        };
        assert_int_equal(host_hold_restore(site.host, &hold), 0);
    }
    struct listing listing = { "" };
    host_holds(site.host, "dev-009/x", 1, 2, list, &listing);
    assert_string_equal(listing.text, "dev-009/x@2=1 ;dev-010/x@1=1 ;");
    listing.text[0] = '\0';
    host_holds(site.host, "dev-099/x", 2, 2, list, &listing);
    assert_string_equal(listing.text, "");
    host_holds_of(site.host, "dev-050/x", list, &listing);
    assert_string_equal(listing.text, "dev-050/x@1=1 ;dev-050/x@2=1 ;");
    site_fini(&site);
}

static void there_is_an_end_to_them(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct err err = { 0 };
    site_init(&site);
    char path[64];
    struct host_hold hold = { .path = path, .priority = 8, .value = "1", .who = "", .from = "" };
    for (int i = 0; i < HOST_HOLDS_MAX; i++) {
        str_format(path, sizeof(path), "dev-%06d/x", i);
        assert_int_equal(host_hold_restore(site.host, &hold), 0);
    }
    str_copy(path, sizeof(path), "one/more");
    assert_int_equal(host_hold_restore(site.host, &hold), BUSBAR_ELIMIT);
    struct device *dev = add_releasable(&site, "ahu-1");
    assert_int_equal(put(&site, &dev->points[0], 22,
                         (struct host_write_how){ .priority = 8, .for_us = SECOND }, &told, &err),
                     BUSBAR_ELIMIT);
    assert_int_equal(fake_of(dev)->writes, 0);
    /* Without an end nothing depends on it: the write goes, only the list does not have it. */
    assert_int_equal(
        put(&site, &dev->points[0], 22, (struct host_write_how){ .priority = 8 }, &told, NULL), 0);
    site_advance(&site, SECOND);
    assert_int_equal(told.result.error, 0);
    assert_int_equal(host_hold_count(site.host), HOST_HOLDS_MAX);
    site_fini(&site);
}

static void many_ends_at_once(void **state)
{
    (void)state;
    enum { DEVICES = 40 };
    struct site site;
    struct told told;
    site_init(&site);
    struct device *devices[DEVICES];
    for (int i = 0; i < DEVICES; i++) {
        char name[32];
        str_format(name, sizeof(name), "ahu-%d", i);
        devices[i] = add_releasable(&site, name);
    }
    int64_t until_us = clock_wall_us() + 200 * SECOND;
    for (int i = 0; i < DEVICES; i++) {
        for (int k = 0; k < 2; k++) {
            put(&site, &devices[i]->points[k], 22,
                (struct host_write_how){ .priority = 8, .for_us = until_us - clock_wall_us() },
                &told, NULL);
        }
    }
    site_advance(&site, 100 * SECOND);
    assert_int_equal(host_hold_count(site.host), 2 * DEVICES);
    site_advance(&site, 110 * SECOND);
    assert_int_equal(host_hold_count(site.host), 0);
    assert_int_equal(site.released_count, 2 * DEVICES);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_is_a_hold_until_it_is_released),
        cmocka_unit_test(what_cannot_be_is_said_before_anything_is_sent),
        cmocka_unit_test(it_ends_by_itself),
        cmocka_unit_test(a_point_may_have_a_longest_time),
        cmocka_unit_test(its_end_can_be_moved),
        cmocka_unit_test(a_device_that_is_down_gets_it_when_it_is_back),
        cmocka_unit_test(a_paused_device_and_one_that_is_gone_are_waited_for),
        cmocka_unit_test(it_is_on_disk_before_it_is_sent),
        cmocka_unit_test(a_refused_write_leaves_what_was_there),
        cmocka_unit_test(a_device_may_stop_while_the_disk_is_waited_for),
        cmocka_unit_test(a_restart_releases_what_is_due),
        cmocka_unit_test(a_clock_that_is_set_is_noticed),
        cmocka_unit_test(holds_are_paged_in_order),
        cmocka_unit_test(there_is_an_end_to_them),
        cmocka_unit_test(many_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
