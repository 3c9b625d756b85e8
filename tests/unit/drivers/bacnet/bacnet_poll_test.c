/* SPDX-License-Identifier: Apache-2.0 */
/* Reads: grouped, cut to what the device bears, each point's own fault, silence, what is learned. */
#include "bacnet_rig.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const polled[] = { "force_polling", "true", NULL };

static void all_good(const struct rig *rig, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        assert_int_equal(rig->samples[i].quality, QUALITY_GOOD);
        assert_int_equal(rig->samples[i].detail, 0);
        assert_int_equal(rig->samples[i].type, VALUE_DOUBLE);
        assert_true(rig->samples[i].value.d == (double)i + 0.5);
    }
}

static void many_in_one(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 50);
    rig_start(&rig);
    assert_int_equal(rig.link_ups, 1);
    rig_read(&rig);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.error, 0);
    all_good(&rig, 0, 50);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 1);
    rig_read(&rig);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 2);
    rig_fini(&rig);
}

static void more_than_one_message(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, RIG_POINTS);
    rig_start(&rig);
    rig_read(&rig);
    assert_int_equal(rig.error, 0);
    all_good(&rig, 0, RIG_POINTS);
    /* 400 points of 23 bytes: 7 answers of 1,476 bytes */
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 7);
    rig_fini(&rig);
}

static void before_the_link_is_up(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 3);
    assert_int_equal(bacnet_driver()->start(&rig.dev), 0);
    bacnet_driver()->read(&rig.dev, &rig.req);
    assert_int_equal(rig.answers, 0);
    rig_settle(&rig);
    assert_int_equal(rig.answers, 1);
    all_good(&rig, 0, 3);
    rig_fini(&rig);
}

static void too_many_are_cut(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 40);
    rig.properties_most = 24;
    rig_start(&rig);
    for (int i = 0; i < 8; i++) {
        rig_read(&rig);
        assert_int_equal(rig.error, 0);
        all_good(&rig, 0, 40);
    }
    assert_int_equal(rig_limit(&rig, "properties per request"), 24);
    memset(rig.asked, 0, sizeof(rig.asked));
    rig_read(&rig);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 4); /* 80 by 24 */
    rig_fini(&rig);
}

static void too_big_is_cut(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 40);
    rig.answer_most = 200;
    rig_start(&rig);
    for (int i = 0; i < 10; i++) {
        rig_read(&rig);
        assert_int_equal(rig.error, 0);
        all_good(&rig, 0, 40);
    }
    assert_in_range(rig_limit(&rig, "answer bytes"), 170, 215);
    memset(rig.asked, 0, sizeof(rig.asked));
    rig_read(&rig);
    assert_in_range(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 5, 6);
    rig_fini(&rig);
}

static void one_after_the_other(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 5);
    rig.no_multiple = true;
    rig_start(&rig);
    memset(rig.asked, 0, sizeof(rig.asked));
    rig_read(&rig);
    assert_int_equal(rig.error, 0);
    all_good(&rig, 0, 5);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 1);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY], 10); /* value and flags */
    assert_int_equal(rig_limit(&rig, "no ReadPropertyMultiple"), 1);
    rig_read(&rig);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 1);
    /* after an hour it is tried again */
    rig.no_multiple = false;
    rig_pass(&rig, INT64_C(3601) * 1000);
    rig_read(&rig);
    all_good(&rig, 0, 5);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 2);
    assert_int_equal(rig_limit(&rig, "no ReadPropertyMultiple"), 0);
    rig_fini(&rig);
}

/* What was learned before a restart is where it begins. */
static void remembered(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 40);
    driver_limit_set(&rig.dev, "properties per request", 24);
    rig_start(&rig);
    rig_read(&rig);
    all_good(&rig, 0, 40);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 4);
    rig_fini(&rig);
    rig_init(&rig, polled, 4);
    driver_limit_set(&rig.dev, "no ReadPropertyMultiple", 1);
    rig_start(&rig);
    rig_read(&rig);
    all_good(&rig, 0, 4);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 0);
    rig_fini(&rig);
}

/* What it does not claim to execute is not tried. */
static void says_so_itself(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 5);
    rig.services_missing = 1U << 14;
    rig_start(&rig);
    rig_read(&rig);
    all_good(&rig, 0, 5);
    assert_int_equal(rig.asked[BACNET_READ_PROPERTY_MULTIPLE], 0);
    rig_fini(&rig);
}

static void own_faults(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 10);
    rig.objects[3].refused = BACNET_ERROR_READ_ACCESS_DENIED;
    rig.targets[7].object = (uint32_t)BACNET_ANALOG_INPUT << 22 | 7; /* is not there */
    rig.targets[8].property = 4000;
    rig_start(&rig);
    rig_read(&rig);
    assert_int_equal(rig.error, 0);
    all_good(&rig, 0, 3);
    all_good(&rig, 4, 7);
    all_good(&rig, 9, 10);
    assert_int_equal(rig.samples[3].quality, QUALITY_REFUSED);
    assert_int_equal(rig.samples[3].detail, 1000 + BACNET_ERROR_READ_ACCESS_DENIED);
    assert_int_equal(rig.samples[7].detail, 1000 + BACNET_ERROR_UNKNOWN_OBJECT);
    assert_int_equal(rig.samples[8].detail, 1000 + BACNET_ERROR_UNKNOWN_PROPERTY);
    assert_int_equal(rig.samples[8].type, VALUE_NONE);
    rig_fini(&rig);
}

static void flags_make_quality(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 5);
    rig.objects[0].flags = BACNET_FLAG_IN_ALARM;
    rig.objects[1].flags = BACNET_FLAG_FAULT;
    rig.objects[1].reliability = BACNET_RELIABILITY_OPEN_LOOP;
    rig.objects[2].flags = BACNET_FLAG_OUT_OF_SERVICE;
    rig.objects[3].flags = BACNET_FLAG_OVERRIDDEN;
    rig_start(&rig);
    rig_read(&rig);
    all_good(&rig, 0, 1);
    all_good(&rig, 4, 5);
    assert_int_equal(rig.samples[1].quality, QUALITY_FAULT);
    assert_int_equal(rig.samples[1].type, VALUE_NONE);
    assert_int_equal(rig.samples[2].quality, QUALITY_OUT_OF_SERVICE);
    assert_int_equal(rig.samples[2].type, VALUE_NONE);
    assert_int_equal(rig.samples[3].quality, QUALITY_HELD);
    assert_true(rig.samples[3].value.d == 3.5);
    /* why it is at fault comes beside the poll, and with the next one */
    assert_int_equal(rig.published[1].quality, QUALITY_FAULT);
    assert_int_equal(rig.published[1].detail, 4000 + BACNET_RELIABILITY_OPEN_LOOP);
    rig_read(&rig);
    assert_int_equal(rig.samples[1].detail, 4000 + BACNET_RELIABILITY_OPEN_LOOP);
    rig.objects[1].flags = 0;
    rig_read(&rig);
    all_good(&rig, 1, 2);
    rig_fini(&rig);
}

static void out_of_service_ignored(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true", "out_of_service", "ignore"), 3);
    rig.objects[2].flags = BACNET_FLAG_OUT_OF_SERVICE;
    rig_start(&rig);
    rig_read(&rig);
    all_good(&rig, 0, 3);
    rig_fini(&rig);
}

static void flags_not_wanted(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true", "status_flags", "false"), 3);
    rig.objects[2].flags = BACNET_FLAG_FAULT;
    rig_start(&rig);
    rig_read(&rig);
    all_good(&rig, 0, 3);
    rig_fini(&rig);
}

static void silence(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true", "timeout", "1s", "retries", "1"), 3);
    rig_start(&rig);
    rig.silent = true;
    rig_read(&rig);
    rig_pass(&rig, 1500);
    assert_int_equal(rig.answers, 0);
    rig_pass(&rig, 1500);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig.link_downs, 1);
    assert_non_null(strstr(rig.link_detail, "no answer from 127."));
    /* the next read finds it again */
    rig.silent = false;
    rig_read(&rig);
    assert_int_equal(rig.answers, 2);
    assert_int_equal(rig.link_ups, 2);
    all_good(&rig, 0, 3);
    rig_fini(&rig);
}

static void one_answer_lost(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true", "timeout", "1s", "retries", "0"), RIG_POINTS);
    rig_start(&rig);
    rig.lose = 1;
    rig_read(&rig);
    rig_pass(&rig, 3000);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.error, 0);
    all_good(&rig, 0, RIG_POINTS);
    assert_int_equal(rig.link_downs, 0);
    assert_true(rig.retried > 0);
    rig_fini(&rig);
}

static void deadline_cuts(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 3);
    rig_start(&rig);
    rig.silent = true;
    rig_read(&rig);
    bacnet_driver()->cancel(&rig.dev, &rig.req);
    rig_settle(&rig);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.error, BUSBAR_ETIMEOUT);
    rig.silent = false;
    rig_read(&rig);
    assert_int_equal(rig.answers, 2);
    all_good(&rig, 0, 3);
    rig_fini(&rig);
}

static void a_device_that_is_busy(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 20);
    rig_start(&rig);
    rig.busy = 1;
    memset(rig.asked, 0, sizeof(rig.asked));
    rig_read(&rig);
    assert_int_equal(rig_reads(&rig), 1); /* halves would be refused as well */
    assert_int_equal(rig.error, 0);
    assert_int_equal(rig.samples[19].quality, QUALITY_REFUSED);
    assert_int_equal(rig.samples[19].detail, 1000 + BACNET_ERROR_DEVICE_BUSY);
    rig_fini(&rig);
}

/* An answer without what was asked makes no value up, and is counted. */
static void nothing_in_it(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 3);
    rig_start(&rig);
    rig.empty = true;
    rig_read(&rig);
    assert_int_equal(rig.error, 0);
    assert_int_equal(rig.samples[1].quality, QUALITY_DECODE);
    assert_int_equal(rig.samples[1].detail, BACNET_DETAIL_MISSING);
    assert_int_equal(rig.bad, 1);
    assert_string_equal(rig.reason, "an answer without what was asked");
    rig_fini(&rig);
}

static void another_device_there(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 1);
    struct setting *device = &rig.made.set[0]; /* "device" */
    device->value.i = 2002;
    bacnet_device_of(&rig.dev)->config.device = 2002;
    rig_start(&rig);
    assert_int_equal(rig.link_ups, 0);
    assert_int_equal(rig.link_downs, 1);
    assert_int_equal(rig.link_error, BUSBAR_ECONFIG);
    assert_non_null(strstr(rig.link_detail, "is not device 2002"));
    rig_fini(&rig);
}

static void stop_answers_all(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, polled, 3);
    rig_start(&rig);
    rig.silent = true;
    bacnet_driver()->read(&rig.dev, &rig.req);
    bacnet_driver()->stop(&rig.dev);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.error, BUSBAR_ECANCELED);
    assert_int_equal(rig.stopped, 1);
    /* and it may begin again */
    rig.stopped = 0;
    rig.silent = false;
    rig_start(&rig);
    rig_read(&rig);
    all_good(&rig, 0, 3);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_in_one),
        cmocka_unit_test(more_than_one_message),
        cmocka_unit_test(before_the_link_is_up),
        cmocka_unit_test(too_many_are_cut),
        cmocka_unit_test(too_big_is_cut),
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(says_so_itself),
        cmocka_unit_test(own_faults),
        cmocka_unit_test(flags_make_quality),
        cmocka_unit_test(out_of_service_ignored),
        cmocka_unit_test(flags_not_wanted),
        cmocka_unit_test(silence),
        cmocka_unit_test(one_answer_lost),
        cmocka_unit_test(deadline_cuts),
        cmocka_unit_test(a_device_that_is_busy),
        cmocka_unit_test(another_device_there),
        cmocka_unit_test(stop_answers_all),
        cmocka_unit_test(nothing_in_it),
        cmocka_unit_test(remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
