/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at what devices have, configured ones and strangers; acknowledgements and events. */
#include "unit/driver/fake_driver.h"

#define SECOND CLOCK_US_PER_S

struct told {
    int nodes, ended, error;
    uint64_t dropped, done;
    char message[128];
};

static void node(void *ctx, const struct driver_node *node)
{
    (void)node;
    ((struct told *)ctx)->nodes++;
}

static void progress(void *ctx, uint64_t done, uint64_t total)
{
    (void)total;
    ((struct told *)ctx)->done = done;
}

static void ended(void *ctx, int error, const char *message, uint64_t dropped)
{
    struct told *told = ctx;
    told->ended++;
    told->error = error;
    told->dropped = dropped;
    str_copy(told->message, sizeof(told->message), message);
}

static const struct host_browse_events events = { .node = node,
                                                  .progress = progress,
                                                  .ended = ended };

static int browse(struct site *site, struct device *dev, const char *at, struct told *told,
                  struct driver_browse **out)
{
    struct err err = { 0 };
    *told = (struct told){ 0 };
    return host_browse(site->host, dev, at, 0, &events, told, out, &err);
}

static void nodes_stream_out(void **state)
{
    (void)state;
    struct site site;
    struct told told, other;
    struct driver_browse *one = NULL, *two = NULL;
    struct driver_node some = { .id = "a:1", .parent = "", .kind = "object", .name = "" };
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, SECOND);
    assert_int_equal(browse(&site, dev, "", &told, &one), 0);
    driver_node(one, &some);
    driver_node(one, &some);
    driver_browse_progress(one, 2, 2);
    assert_int_equal(told.nodes, 2);
    assert_int_equal(told.done, 2);
    fake_browsed(fake_of(dev), 0, NULL);
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.error, 0);
    assert_string_equal(told.message, "");

    assert_int_equal(browse(&site, dev, "nothing", &told, &one), 0); /* ended inside browse() */
    assert_int_equal(told.ended, 0);
    assert_int_equal(browse(&site, dev, "", &other, &two), 0);
    site_advance(&site, 1000);
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.error, BUSBAR_EREFUSED);
    assert_string_equal(told.message, "there is no such object");

    for (int i = 0; i < DRIVER_NODES_MAX + 5; i++) {
        driver_node(two, &some);
    }
    assert_int_equal(other.nodes, DRIVER_NODES_MAX);
    host_browse_stop(two);
    assert_int_equal(other.error, BUSBAR_ECANCELED);
    assert_int_equal(other.dropped, 5);

    assert_int_equal(browse(&site, dev, "", &told, &one), 0); /* its time is over */
    site_advance(&site, HOST_BROWSE_US + SECOND);
    assert_int_equal(told.ended, 1);
    assert_int_equal(told.error, BUSBAR_ETIMEOUT);
    site_fini(&site);
}

static void it_ends_with_the_device(void **state)
{
    (void)state;
    struct site site;
    struct told told, other;
    struct driver_browse *one = NULL;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, SECOND);
    assert_int_equal(browse(&site, dev, "", &told, &one), 0);
    assert_int_equal(browse(&site, dev, "nothing", &other, &one), 0);
    host_pause(site.host, dev);
    site_advance(&site, SECOND);
    assert_int_equal(told.error, BUSBAR_ECANCELED);
    assert_int_equal(other.error, BUSBAR_EREFUSED);
    assert_int_equal(told.ended + other.ended, 2);
    assert_int_equal(browse(&site, dev, "", &told, &one), BUSBAR_EBUSY);
    site_fini(&site);
}

static void only_some_at_once(void **state)
{
    (void)state;
    struct site site;
    struct told told[HOST_BROWSES_MAX + 1];
    struct driver_browse *one = NULL;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, SECOND);
    for (int i = 0; i < HOST_BROWSES_MAX; i++) {
        assert_int_equal(browse(&site, dev, "nothing", &told[i], &one), 0);
    }
    assert_int_equal(browse(&site, dev, "nothing", &told[HOST_BROWSES_MAX], &one), BUSBAR_EBUSY);
    site_advance(&site, SECOND);
    assert_int_equal(browse(&site, dev, "nothing", &told[HOST_BROWSES_MAX], &one), 0);
    site_fini(&site);
    assert_int_equal(told[HOST_BROWSES_MAX].ended, 1);
}

/* ---- strangers ---- */

static int look(struct site *site, const char *settings, struct told *told, struct err *err)
{
    struct driver_browse *out = NULL;
    *told = (struct told){ 0 };
    return host_browse_settings(site->host, "fake", settings, "", 0, &events, told, &out, err);
}

static void a_stranger_lives_for_one_look(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct err err = { 0 };
    struct host_totals totals;
    site_init(&site);
    assert_int_equal(look(&site, "{ device: 7 }", &told, &err), 0);
    assert_int_equal(fake_counts.opens, 1);
    struct device *dev = driver_next_device(fake_now->drv, NULL);
    assert_non_null(dev);
    assert_int_equal(dev->point_count, 0);
    driver_limit_set(dev, "largest", 5); /* not kept */
    assert_int_equal(site.limit_saved, 0);
    host_totals(site.host, &totals);
    assert_int_equal(totals.devices_up + totals.devices_down, 0);
    fake_browsed(fake_of(dev), 0, "done");
    assert_int_equal(told.ended, 1);
    site_advance(&site, SECOND);
    assert_null(driver_next_device(fake_now->drv, NULL));

    assert_int_equal(look(&site, "{ wrong: 1 }", &told, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, "unknown key 'wrong'");
    struct told many[HOST_STRANGERS_MAX];
    for (int i = 0; i < HOST_STRANGERS_MAX; i++) {
        assert_int_equal(look(&site, "{ device: 7 }", &many[i], &err), 0);
    }
    assert_int_equal(look(&site, "{ device: 7 }", &told, &err), BUSBAR_EBUSY);
    site_fini(&site); /* the end of the host ends them */
    for (int i = 0; i < HOST_STRANGERS_MAX; i++) {
        assert_int_equal(many[i].ended, 1);
        assert_int_equal(many[i].error, BUSBAR_ECANCELED);
    }
}

static void count_done(void *ctx)
{
    (*(int *)ctx)++;
}

static void a_new_setup_ends_strangers(void **state)
{
    (void)state;
    struct site site;
    struct told told;
    struct err err = { 0 };
    int done = 0;
    site_init(&site);
    assert_int_equal(look(&site, "{ device: 7 }", &told, &err), 0);
    assert_false(host_setup(site.host, "fake", NULL, count_done, &done));
    site_advance(&site, SECOND);
    assert_int_equal(told.error, BUSBAR_ECANCELED);
    assert_int_equal(done, 1);
    assert_int_equal(fake_counts.closes, 1);
    site_fini(&site);
}

/* ---- events ---- */

struct acked {
    int calls;
    struct host_acknowledge_result result;
};

static void acknowledged(void *ctx, const struct host_acknowledge_result *result)
{
    struct acked *acked = ctx;
    acked->calls++;
    acked->result = *result;
}

static int acknowledge(struct site *site, struct device *dev, const char *key, const char *note,
                       struct acked *acked)
{
    struct event event = { .time_us = 1,
                           .receive_us = 1,
                           .source = "ahu-1",
                           .kind = "alarm",
                           .text = "too warm",
                           .key = key };
    struct err err = { 0 };
    *acked = (struct acked){ 0 };
    return host_acknowledge(site->host, dev, &event, "eva", note, 0, acknowledged, acked, &err);
}

static void events_are_acknowledged_in_the_device(void **state)
{
    (void)state;
    struct site site;
    struct acked acked;
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, SECOND);
    assert_int_equal(acknowledge(&site, dev, "k1", "seen", &acked), 0);
    const struct driver_acknowledge *ack = fake_of(dev)->ack;
    assert_string_equal(ack->who, "eva");
    assert_string_equal(ack->note, "seen");
    assert_string_equal(ack->event->key, "k1");
    assert_string_equal(ack->event->text, "too warm");
    fake_acknowledged(dev, 0, 0);
    assert_int_equal(acked.calls, 1);
    assert_string_equal(acked.result.message, "acknowledged");

    acknowledge(&site, dev, "k1", "", &acked);
    fake_acknowledged(dev, BUSBAR_EREFUSED, 2);
    assert_int_equal(acked.result.error, BUSBAR_EREFUSED);
    assert_string_equal(acked.result.message, "refused: there is no such address in the device");

    acknowledge(&site, dev, "k1", "at once", &acked); /* answered inside acknowledge() */
    assert_int_equal(acked.calls, 0);
    site_advance(&site, 1000);
    assert_int_equal(acked.calls, 1);

    acknowledge(&site, dev, "k1", "", &acked); /* the driver forgets the time */
    site_advance(&site, 13 * SECOND);
    assert_int_equal(acked.calls, 1);
    assert_int_equal(acked.result.error, BUSBAR_ETIMEOUT);
    fake_acknowledged(dev, 0, 0);
    assert_int_equal(acked.calls, 1);

    assert_int_equal(acknowledge(&site, dev, "", "", &acked), BUSBAR_EUNSUPPORTED);
    acknowledge(&site, dev, "k1", "", &acked);
    host_pause(site.host, dev);
    site_advance(&site, SECOND);
    assert_int_equal(acked.result.error, BUSBAR_ECANCELED);
    assert_int_equal(acknowledge(&site, dev, "k1", "", &acked), BUSBAR_EBUSY);
    site_fini(&site);
}

static void count_stored(void *ctx, int error)
{
    assert_int_equal(error, 0);
    (*(int *)ctx)++;
}

static void events_go_to_the_bus(void **state)
{
    (void)state;
    struct site site;
    int stored = 0;
    struct event event = { .kind = "alarm", .key = "k" };
    site_init(&site);
    struct device *dev = site_add(&site, "ahu-1", 1, SECOND);
    assert_int_equal(driver_event(driver_of(dev), dev, &event, count_stored, &stored), 0);
    assert_string_equal(site.event_text, "ahu-1 alarm k");
    assert_int_equal(stored, 1);
    event.key = NULL;
    assert_int_equal(driver_event(driver_of(dev), NULL, &event, NULL, NULL), 0);
    assert_string_equal(site.event_text, "fake alarm ");
    event.source = "ahu-1/sat";
    assert_int_equal(driver_event(driver_of(dev), dev, &event, NULL, NULL), 0);
    assert_string_equal(site.event_text, "ahu-1/sat alarm ");
    host_pause(site.host, dev);
    assert_int_equal(driver_event(fake_now->drv, dev, &event, NULL, NULL), BUSBAR_ECANCELED);
    assert_int_equal(site.events, 3);
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_stream_out),
        cmocka_unit_test(it_ends_with_the_device),
        cmocka_unit_test(only_some_at_once),
        cmocka_unit_test(a_stranger_lives_for_one_look),
        cmocka_unit_test(a_new_setup_ends_strangers),
        cmocka_unit_test(events_are_acknowledged_in_the_device),
        cmocka_unit_test(events_go_to_the_bus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
