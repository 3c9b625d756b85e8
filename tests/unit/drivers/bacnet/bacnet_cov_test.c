/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions: asked for, renewed, made again, refused; notifications into samples, acknowledged when on disk. */
#include "bacnet_rig.h"

#include "drivers/bacnet/service/who_is.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { CHECK_US = 300 * 1000000 };

static size_t count_watched(const struct rig *rig)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->dev.point_count; i++) {
        count += rig->watched[i] == CHECK_US;
    }
    return count;
}

/* Started and read once, as a host does it. */
static void begin(struct rig *rig, const char *const *pairs, size_t count)
{
    rig_init(rig, pairs, count);
    rig_start(rig);
    rig_read(rig);
    rig_pass(rig, 200);
}

static void subscribes_to_all(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, NULL, 20);
    assert_int_equal(rig.subscriptions, 20);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 20);
    assert_true(rig.objects[7].confirmed);
    assert_false(rig.objects[7].by_property);
    assert_int_equal(rig.objects[7].lifetime_s, 600);
    assert_int_equal(count_watched(&rig), 20);
    rig_fini(&rig);
    assert_int_equal(rig.cancels, 20); /* cleanly at the end */
    assert_int_equal(rig.subscriptions, 0);
}

/* Without a first value a point is polled, whatever the device acknowledged. */
static void not_watched_before_a_value(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL, 3);
    rig_start(&rig);
    rig_pass(&rig, 200);
    assert_int_equal(rig.subscriptions, 3);
    assert_int_equal(count_watched(&rig), 0);
    rig_notify(&rig, 1);
    rig_pass(&rig, 200);
    assert_int_equal(count_watched(&rig), 1);
    assert_int_equal(rig.watched[1], CHECK_US);
    rig_fini(&rig);
}

static void which_ones(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL, 5);
    rig.targets[1].flags |= BACNET_TARGET_COV_OFF;
    rig.targets[2].increment = 0.25F;
    rig.targets[2].flags |= BACNET_TARGET_COV_ON;
    rig.targets[3].property = BACNET_PROP_OBJECT_NAME; /* polled unless asked for */
    rig_start(&rig);
    rig_pass(&rig, 200);
    assert_int_equal(rig.subscriptions, 3);
    assert_false(rig.objects[1].subscribed);
    assert_true(rig.objects[2].by_property);
    assert_true(rig.objects[2].increment > 0.24F && rig.objects[2].increment < 0.26F);
    assert_false(rig.objects[3].subscribed);
    rig_fini(&rig);
}

static void polling_forced(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, PAIRS("force_polling", "true"), 3);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 0);
    rig_fini(&rig);
}

static void unconfirmed_changes(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, PAIRS("cov_confirmed", "false"), 3);
    assert_false(rig.objects[1].confirmed);
    rig.objects[1].value = 77.25F;
    rig_notify(&rig, 1);
    assert_int_equal(rig.publications, 1);
    assert_int_equal(rig.published[1].type, VALUE_DOUBLE);
    assert_true(rig.published[1].value.d == 77.25);
    assert_int_equal(rig.published[1].quality, QUALITY_GOOD);
    assert_int_equal(rig.pending_count, 0);
    rig_fini(&rig);
}

/* Of a subscription that is not ours: nothing changes, and the device is told to forget it. */
static void another_ones_subscription(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, NULL, 3);
    rig.process = 7;
    rig.objects[2].value = 5;
    rig_notify(&rig, 2);
    assert_int_equal(rig.publications, 0);
    assert_int_equal(rig.pending_count, 0);
    assert_int_equal(rig.acked, 0);
    assert_int_equal(rig.not_acked, 1);
    rig_fini(&rig);
}

static void acknowledged_on_disk(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, NULL, 3);
    rig.objects[2].value = 5;
    rig_notify(&rig, 2);
    assert_true(rig.published[2].value.d == 5);
    assert_int_equal(rig.acked, 0);
    rig_on_disk(&rig, 0);
    assert_int_equal(rig.acked, 1);
    /* what could not be kept is not acknowledged: the device sends it again */
    rig_notify(&rig, 2);
    rig_on_disk(&rig, BUSBAR_ENOSPC);
    rig_pass(&rig, 100);
    assert_int_equal(rig.acked + rig.not_acked, 1);
    rig_fini(&rig);
}

static void flags_in_notifications(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, PAIRS("cov_confirmed", "false"), 3);
    rig.objects[0].flags = BACNET_FLAG_FAULT;
    rig.objects[0].reliability = BACNET_RELIABILITY_NO_SENSOR;
    rig_notify(&rig, 0);
    assert_int_equal(rig.published[0].quality, QUALITY_FAULT);
    assert_int_equal(rig.published[0].detail, 4000 + BACNET_RELIABILITY_NO_SENSOR);
    rig.objects[0].flags = BACNET_FLAG_OUT_OF_SERVICE;
    rig_notify(&rig, 0);
    assert_int_equal(rig.published[0].quality, QUALITY_OUT_OF_SERVICE);
    rig.objects[0].flags = BACNET_FLAG_OVERRIDDEN;
    rig_notify(&rig, 0);
    assert_int_equal(rig.published[0].quality, QUALITY_HELD);
    assert_true(rig.published[0].value.d == 0.5);
    rig_fini(&rig);
}

static void renewed_before_the_end(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, NULL, 20);
    rig_pass(&rig, 299 * 1000);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 20);
    rig_pass(&rig, 90 * 1000);
    unsigned some = rig.asked[BACNET_SUBSCRIBE_COV];
    assert_in_range(some, 25, 38); /* each at its own time */
    rig_pass(&rig, 62 * 1000);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 40);
    assert_int_equal(count_watched(&rig), 20);
    rig_fini(&rig);
}

static void not_known_to_the_device(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL, 20);
    rig.no_cov = true;
    rig_start(&rig);
    rig_read(&rig);
    rig_pass(&rig, 200);
    assert_in_range(rig.asked[BACNET_SUBSCRIBE_COV], 1, 2);
    assert_int_equal(count_watched(&rig), 0);
    assert_int_equal(rig_limit(&rig, "no SubscribeCOV"), 1);
    assert_int_equal(rig_limit(&rig, "subscriptions refused"), 20);
    rig_fini(&rig);
}

static void increment_not_known(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL, 2);
    rig.targets[0].increment = 2;
    rig.targets[0].flags |= BACNET_TARGET_COV_ON;
    rig.no_cov_property = true;
    rig_start(&rig);
    rig_read(&rig);
    rig_pass(&rig, 200);
    /* the device's own increment is better than none */
    assert_true(rig.objects[0].subscribed);
    assert_false(rig.objects[0].by_property);
    assert_int_equal(rig_limit(&rig, "no SubscribeCOVProperty"), 1);
    assert_int_equal(count_watched(&rig), 2);
    rig_fini(&rig);
}

static void full(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL, 20);
    rig.subscriptions_most = 8;
    rig_start(&rig);
    rig_read(&rig);
    rig_pass(&rig, 200);
    assert_int_equal(rig.subscriptions, 8);
    assert_int_equal(count_watched(&rig), 8);
    assert_int_equal(rig_limit(&rig, "subscriptions"), 8);
    assert_in_range(rig.asked[BACNET_SUBSCRIBE_COV], 9, 11);
    rig_fini(&rig);
}

static void silence_polls_again(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, PAIRS("timeout", "1s", "retries", "0"), 5);
    assert_int_equal(count_watched(&rig), 5);
    rig.silent = true;
    rig_read(&rig);
    rig_pass(&rig, 2000);
    assert_int_equal(rig.link_downs, 1);
    assert_int_equal(count_watched(&rig), 0);
    rig.silent = false;
    memset(rig.asked, 0, sizeof(rig.asked));
    rig_read(&rig);
    rig_pass(&rig, 200);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 5);
    assert_int_equal(count_watched(&rig), 5);
    rig_fini(&rig);
}

/* The check poll reads what was never told: the device forgot the subscription. */
static void forgotten(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, PAIRS("cov_confirmed", "false"), 3);
    rig_notify(&rig, 0);
    rig_notify(&rig, 1);
    memset(rig.asked, 0, sizeof(rig.asked));
    rig_read(&rig);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 0);
    rig.objects[1].value = 99;
    rig_read(&rig);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 0); /* it may be on its way */
    rig_pass(&rig, 6000);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 1);
    rig_fini(&rig);
}

/* What is read back after a write comes a moment before its notification: all is well. */
static void read_before_notified(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, PAIRS("cov_confirmed", "false"), 3);
    rig_notify(&rig, 1);
    memset(rig.asked, 0, sizeof(rig.asked));
    rig.objects[1].value = 99;
    rig_read(&rig);
    rig_notify(&rig, 1);
    rig_pass(&rig, 20 * 1000);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 0);
    rig_fini(&rig);
}

static void says_i_am(struct rig *rig)
{
    uint8_t data[BACNET_I_AM_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_i_am i_am = { .instance = RIG_DEVICE, .max_apdu = 1476, .vendor = 7 };
    bacnet_put_i_am(&out, &i_am);
    (void)bacnet_tell(rig->node, NULL, &bacnet_peer_facts(rig->back)->address, BACNET_I_AM, data,
                      bytes_out_size(&out));
    rig_settle(rig);
    rig_pass(rig, 200);
}

static void restarted(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, NULL, 5);
    memset(rig.asked, 0, sizeof(rig.asked));
    says_i_am(&rig); /* somebody asked who is there */
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 0);
    /* a moment later it is restarted: seen when it may be asked again */
    rig.restart_second = 30;
    says_i_am(&rig);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 0);
    rig_pass(&rig, 31 * 1000);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 5);
    rig_fini(&rig);
}

/* So soon after subscribing, it is made again at the end of a pause. */
static void restarted_at_once(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, NULL, 5);
    memset(rig.asked, 0, sizeof(rig.asked));
    rig.restart_second = 30;
    says_i_am(&rig);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 0);
    rig_pass(&rig, 11 * 1000);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 5);
    rig_fini(&rig);
}

/* Paused and resumed: all is as at the start, renewals too. */
static void stopped_and_started(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, NULL, 4);
    bacnet_driver()->stop(&rig.dev);
    rig_pass(&rig, 1500);
    assert_int_equal(rig.stopped, 1);
    assert_int_equal(rig.cancels, 4);
    /* what comes meanwhile is refused */
    rig_notify(&rig, 1);
    rig_pass(&rig, 100);
    assert_int_equal(rig.publications, 0);
    rig.stopped = 0;
    memset(rig.asked, 0, sizeof(rig.asked));
    rig_start(&rig);
    rig_read(&rig);
    rig_pass(&rig, 200);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 4);
    assert_int_equal(count_watched(&rig), 4);
    rig_pass(&rig, 460 * 1000);
    assert_int_equal(rig.asked[BACNET_SUBSCRIBE_COV], 8);
    rig_fini(&rig);
}

/* Another node may not speak for the device, and what nobody subscribed to is refused. */
static void strangers(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig, PAIRS("cov_confirmed", "false"), 3);
    bacnet_device_of(&rig.dev)->config.device = RIG_DEVICE;
    rig.objects[1].value = 13;
    /* the same node under another device number */
    struct rig_object *at = &rig.objects[1];
    at->confirmed = true;
    rig_notify(&rig, 1);
    rig_on_disk(&rig, 0);
    assert_int_equal(rig.acked, 1);
    rig.targets[1].property = BACNET_PROP_OBJECT_NAME;
    rig_notify(&rig, 1);
    rig_pass(&rig, 100);
    assert_int_equal(rig.not_acked, 1); /* unknown subscription */
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscribes_to_all),
        cmocka_unit_test(not_watched_before_a_value),
        cmocka_unit_test(which_ones),
        cmocka_unit_test(polling_forced),
        cmocka_unit_test(unconfirmed_changes),
        cmocka_unit_test(another_ones_subscription),
        cmocka_unit_test(acknowledged_on_disk),
        cmocka_unit_test(flags_in_notifications),
        cmocka_unit_test(renewed_before_the_end),
        cmocka_unit_test(not_known_to_the_device),
        cmocka_unit_test(increment_not_known),
        cmocka_unit_test(full),
        cmocka_unit_test(silence_polls_again),
        cmocka_unit_test(forgotten),
        cmocka_unit_test(read_before_notified),
        cmocka_unit_test(restarted),
        cmocka_unit_test(strangers),
        cmocka_unit_test(restarted_at_once),
        cmocka_unit_test(stopped_and_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
