/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: priority, release, refusals in words, several in one request, sent once. And tests of a device. */
#include "bacnet_rig.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void at_a_priority(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 3);
    rig_start(&rig);
    rig_write(&rig, 1, 1, 21.5);
    assert_int_equal(rig.write_answers, 1);
    assert_int_equal(rig.write_error, 0);
    assert_true(rig.objects[1].value == 21.5F);
    assert_int_equal(rig.write_priority, 8); /* as configured */
    assert_int_equal(rig.write_type, BACNET_REAL);
    rig.how.priority = 3;
    rig_write(&rig, 1, 1, 22);
    assert_int_equal(rig.write_priority, 3);
    rig_fini(&rig);
}

static void released(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 3);
    rig_start(&rig);
    rig.how = (struct driver_write){ .priority = 9, .release = true };
    rig_write(&rig, 2, 1, 0);
    assert_int_equal(rig.write_error, 0);
    assert_true(rig.write_null);
    assert_int_equal(rig.write_priority, 9);
    rig_fini(&rig);
}

static void refused(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 3);
    rig.objects[0].refused = BACNET_ERROR_READ_ACCESS_DENIED;
    rig_start(&rig);
    rig_write(&rig, 0, 1, 1);
    assert_int_equal(rig.write_error, BUSBAR_EREFUSED);
    assert_int_equal(rig.written[0].detail, 1000 + BACNET_ERROR_WRITE_ACCESS_DENIED);
    assert_non_null(strstr(bacnet_driver()->explain(rig.written[0].detail), "write-access-denied"));
    rig_fini(&rig);
}

static void sent_once(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true", "timeout", "1s"), 3);
    rig_start(&rig);
    rig.lose = 1;
    rig_write(&rig, 0, 1, 1);
    rig_pass(&rig, 5000);
    assert_int_equal(rig.write_answers, 1);
    assert_int_equal(rig.write_error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig.asked[BACNET_WRITE_PROPERTY], 1);
    rig_fini(&rig);
}

static void several_in_one(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 6);
    rig_start(&rig);
    rig_write(&rig, 1, 3, 7);
    assert_int_equal(rig.write_error, 0);
    assert_int_equal(rig.asked[BACNET_WRITE_PROPERTY_MULTIPLE], 1);
    assert_true(rig.objects[1].value == 7 && rig.objects[3].value == 7);
    /* the device stops at the first that it refuses */
    rig.objects[2].refused = BACNET_ERROR_WRITE_ACCESS_DENIED;
    rig_write(&rig, 1, 3, 8);
    assert_int_equal(rig.write_error, BUSBAR_EREFUSED);
    assert_int_equal(rig.written[0].detail, BACNET_DETAIL_PART_WRITTEN);
    assert_int_equal(rig.written[1].detail, 1000 + BACNET_ERROR_WRITE_ACCESS_DENIED);
    assert_true(rig.objects[1].value == 8 && rig.objects[3].value == 7);
    rig_fini(&rig);
}

static void several_one_by_one(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 6);
    rig.no_multiple = true;
    rig_start(&rig);
    rig_write(&rig, 1, 3, 7);
    assert_int_equal(rig.write_error, 0);
    assert_int_equal(rig.asked[BACNET_WRITE_PROPERTY_MULTIPLE], 1);
    assert_int_equal(rig.asked[BACNET_WRITE_PROPERTY], 3);
    assert_int_equal(rig_limit(&rig, "no WritePropertyMultiple"), 1);
    rig_fini(&rig);
}

static void cannot_be_sent(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 2);
    rig_start(&rig);
    rig_write(&rig, 0, 1, 1e300); /* no float */
    assert_int_equal(rig.write_error, BUSBAR_ERANGE);
    assert_int_equal(rig.asked[BACNET_WRITE_PROPERTY], 0);
    rig_fini(&rig);
}

/* ---- tests of a device ---- */

static void finding(const struct rig *rig, size_t at, const char *words, int code)
{
    assert_true(at < rig->finding_count);
    if (strstr(rig->findings[at], words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, rig->findings[at]);
    }
    assert_int_equal(rig->codes[at], code);
}

static void test_finds_all_well(void **state)
{
    struct rig rig;
    struct driver_test test;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 5);
    rig_start(&rig);
    bacnet_driver()->test(&rig.dev, &test);
    rig_settle(&rig);
    assert_int_equal(rig.tested, 1);
    finding(&rig, 0, "network|127.", 0);
    finding(&rig, 1, "answers: Rig, Acme R-1", 0);
    finding(&rig, 2, "services|ReadPropertyMultiple, SubscribeCOV, WriteProperty", 0);
    finding(&rig, 3, "points|5 of 5 read answer", 0);
    rig_fini(&rig);
}

static void test_finds_points(void **state)
{
    struct rig rig;
    struct driver_test test;
    (void)state;
    rig_init(&rig, PAIRS("force_polling", "true"), 3);
    rig.objects[0].refused = BACNET_ERROR_READ_ACCESS_DENIED;
    rig.targets[1].property = BACNET_PROP_OBJECT_NAME; /* a text where a number is wanted */
    rig_start(&rig);
    bacnet_driver()->test(&rig.dev, &test);
    rig_settle(&rig);
    assert_int_equal(rig.tested, 1);
    finding(&rig, 3, "analog-value:0: the device refuses it|read-access-denied", BUSBAR_EREFUSED);
    finding(&rig, 4, "analog-value:1 object-name: is read, but is not what is configured",
            BUSBAR_ECONFIG);
    finding(&rig, 5, "points|1 of 3 read answer", BUSBAR_EREFUSED);
    rig_fini(&rig);
}

static void test_finds_silence(void **state)
{
    struct rig rig;
    struct driver_test test;
    (void)state;
    rig_init(&rig, PAIRS("timeout", "1s", "retries", "1"), 3);
    rig_start(&rig);
    rig.silent = true;
    bacnet_driver()->test(&rig.dev, &test);
    rig_pass(&rig, 4000);
    assert_int_equal(rig.tested, 1);
    finding(&rig, 1, "device 2001|no answer from 127.", BUSBAR_ETIMEOUT);
    finding(&rig, 1, "47808", BUSBAR_ETIMEOUT);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_a_priority),     cmocka_unit_test(released),
        cmocka_unit_test(refused),           cmocka_unit_test(sent_once),
        cmocka_unit_test(several_in_one),    cmocka_unit_test(several_one_by_one),
        cmocka_unit_test(cannot_be_sent),    cmocka_unit_test(test_finds_all_well),
        cmocka_unit_test(test_finds_points), cmocka_unit_test(test_finds_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
