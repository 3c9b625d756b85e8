/* SPDX-License-Identifier: Apache-2.0 */
/* A point's settings: where it lives, what kind of value it has, which mistakes are told. */
#include "../modbus/settings_make.h"

#include <math.h>

#include "drivers/bacnet/bacnet_config.h"
#include "drivers/bacnet/bacnet_target.h"
#include "drivers/bacnet/wire/numbers.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int resolve(const char *const *pairs, struct bacnet_target *target,
                   struct point_facts *facts, struct err *err)
{
    static struct settings_made device_made;
    static struct settings_made made;
    const struct settings *device = settings_make(&device_made, bacnet_device_options,
                                                  PAIRS("device", "1", "priority", "10"));
    *facts = (struct point_facts){ 0 };
    return bacnet_target_resolve(device, settings_make(&made, bacnet_point_options, pairs), target,
                                 facts, err);
}

static void is(const char *const *pairs, const char *words, uint8_t value_type)
{
    struct bacnet_target target;
    struct point_facts facts;
    struct err err = { 0 };
    struct buf out;
    if (resolve(pairs, &target, &facts, &err) != 0) {
        fail_msg("%s", err.message);
    }
    buf_init(&out, 256);
    bacnet_target_print(&target, &out);
    assert_string_equal(buf_text(&out), words);
    buf_fini(&out);
    assert_int_equal(facts.value_type, value_type);
    assert_true(facts.readable);
}

static void wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct bacnet_target target;
    struct point_facts facts;
    struct err err = { 0 };
    assert_int_equal(resolve(pairs, &target, &facts, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, message);
    if (strstr(err.hint, hint) == NULL) {
        fail_msg("'%s' is not in '%s'", hint, err.hint);
    }
}

static void objects(void **state)
{
    (void)state;
    is(PAIRS("object", "analog-input:1"), "analog-input:1", VALUE_DOUBLE);
    is(PAIRS("object", "AI:1"), "analog-input:1", VALUE_DOUBLE);
    is(PAIRS("object", "ANALOG_INPUT:1"), "analog-input:1", VALUE_DOUBLE);
    is(PAIRS("object", "BO:4194302"), "binary-output:4194302", VALUE_BOOL);
    is(PAIRS("object", "MSV:3"), "multi-state-value:3", VALUE_INT);
    is(PAIRS("object", "130:5"), "130:5", VALUE_TEXT);
    is(PAIRS("object", "large-analog-value:2"), "large-analog-value:2", VALUE_DOUBLE);
    is(PAIRS("object", "integer-value:2"), "integer-value:2", VALUE_INT);
    is(PAIRS("object", "characterstring-value:2"), "characterstring-value:2", VALUE_TEXT);
    is(PAIRS("object", "accumulator:1"), "accumulator:1", VALUE_INT);
    is(PAIRS("object", "time-value:1"), "time-value:1", VALUE_TEXT);
}

static void properties(void **state)
{
    (void)state;
    is(PAIRS("object", "AI:1", "property", "high-limit"), "analog-input:1 high-limit",
       VALUE_DOUBLE);
    is(PAIRS("object", "AI:1", "property", "Units"), "analog-input:1 units", VALUE_INT);
    is(PAIRS("object", "AI:1", "property", "object_name"), "analog-input:1 object-name",
       VALUE_TEXT);
    is(PAIRS("object", "AI:1", "property", "out-of-service"), "analog-input:1 out-of-service",
       VALUE_BOOL);
    is(PAIRS("object", "AI:1", "property", "status-flags"), "analog-input:1 status-flags",
       VALUE_TEXT);
    is(PAIRS("object", "AV:1", "property", "priority-array", "index", "8"),
       "analog-value:1 priority-array[8]", VALUE_DOUBLE);
    is(PAIRS("object", "AV:1", "property", "priority-array", "index", "0"),
       "analog-value:1 priority-array[0]", VALUE_INT);
    is(PAIRS("object", "BV:1", "property", "relinquish-default"),
       "binary-value:1 relinquish-default", VALUE_BOOL);
    is(PAIRS("object", "AI:1", "property", "4000"), "analog-input:1 4000", VALUE_TEXT);
    is(PAIRS("object", "AI:1", "property", "4000", "type", "double"), "analog-input:1 4000",
       VALUE_DOUBLE);
    is(PAIRS("object", "device:2001", "property", "model-name"), "device:2001 model-name",
       VALUE_TEXT);
}

static void writing(void **state)
{
    struct bacnet_target target;
    struct point_facts facts;
    (void)state;
    assert_int_equal(resolve(PAIRS("object", "AO:1"), &target, &facts, NULL), 0);
    assert_true(facts.writable && facts.releasable);
    assert_int_equal(target.priority, 10); /* the device's */
    assert_int_equal(facts.priority, 10);
    assert_int_equal(resolve(PAIRS("object", "AO:1", "priority", "3"), &target, &facts, NULL), 0);
    assert_int_equal(target.priority, 3);
    assert_int_equal(
        resolve(PAIRS("object", "AO:1", "property", "high-limit"), &target, &facts, NULL), 0);
    assert_true(facts.writable && !facts.releasable);
    assert_int_equal(target.priority, 0);
    assert_int_equal(
        resolve(PAIRS("object", "AO:1", "property", "status-flags"), &target, &facts, NULL), 0);
    assert_false(facts.writable);
    assert_int_equal(resolve(PAIRS("object", "AI:1"), &target, &facts, NULL), 0);
    assert_false(facts.releasable);
}

static void watching(void **state)
{
    struct bacnet_target target;
    struct point_facts facts;
    (void)state;
    assert_int_equal(resolve(PAIRS("object", "AI:1"), &target, &facts, NULL), 0);
    assert_true(isnan(target.increment));
    assert_int_equal(target.flags & (BACNET_TARGET_COV_ON | BACNET_TARGET_COV_OFF), 0);
    assert_int_equal(resolve(PAIRS("object", "AI:1", "cov", "0.25"), &target, &facts, NULL), 0);
    assert_true(target.increment == 0.25F);
    assert_true((target.flags & BACNET_TARGET_COV_ON) != 0);
    assert_int_equal(resolve(PAIRS("object", "AI:1", "cov", "false"), &target, &facts, NULL), 0);
    assert_true((target.flags & BACNET_TARGET_COV_OFF) != 0);
    assert_true(bacnet_target_has_flags(&target));
    assert_int_equal(
        resolve(PAIRS("object", "AI:1", "property", "high-limit"), &target, &facts, NULL), 0);
    assert_false(bacnet_target_has_flags(&target));
}

static void trend_logs(void **state)
{
    struct bacnet_target target;
    struct point_facts facts;
    (void)state;
    assert_int_equal(resolve(PAIRS("object", "AI:1"), &target, &facts, NULL), 0);
    assert_int_equal(target.log, BACNET_LOG_NONE);
    assert_int_equal(
        resolve(PAIRS("object", "AI:1", "trend_log", "trend-log:3"), &target, &facts, NULL), 0);
    assert_int_equal(target.log, (uint32_t)BACNET_TREND_LOG << 22 | 3);
    assert_int_equal(target.log_member, 0);
    assert_int_equal(resolve(PAIRS("object", "AI:1", "trend_log", "trend-log-multiple:2[1]"),
                             &target, &facts, NULL),
                     0);
    assert_int_equal(target.log, (uint32_t)BACNET_TREND_LOG_MULTIPLE << 22 | 2);
    assert_int_equal(target.log_member, 1);
    assert_int_equal(resolve(PAIRS("object", "AI:1", "trend_log", "auto"), &target, &facts, NULL),
                     0);
    assert_true((target.flags & BACNET_TARGET_LOG_AUTO) != 0);
    wrong(PAIRS("object", "AI:1", "trend_log", "AI:3"), "'AI:3' is not a trend log", "trend-log:3");
    wrong(PAIRS("object", "AI:1", "trend_log", "trend-log-multiple:2"),
          "'trend-log-multiple:2' is not a trend log", "[1]");
    wrong(PAIRS("object", "AI:1", "trend_log", "trend-log:2[1]"),
          "'trend-log:2[1]' is not a trend log", "auto");
    wrong(PAIRS("object", "AI:1", "trend_log", "trend-log-multiple:2[1"),
          "'trend-log-multiple:2[1' is not a trend log", "auto");
}

static void mistakes(void **state)
{
    (void)state;
    wrong(PAIRS("cov", "true"), "a BACnet point needs its object", "browse");
    wrong(PAIRS("object", "analog-inptu:1"), "'analog-inptu:1' is not a BACnet object",
          "analog-input");
    wrong(PAIRS("object", "AI"), "'AI' is not a BACnet object", "AI:1");
    wrong(PAIRS("object", "AI:4194304"), "'AI:4194304' is not a BACnet object", "");
    wrong(PAIRS("object", "AI:1", "property", "hihg-limit"),
          "'hihg-limit' is not a BACnet property", "high-limit");
    wrong(PAIRS("object", "AI:1", "property", "all"), "'all' is not one property but many", "one");
    wrong(PAIRS("object", "AI:1", "cov", "often"), "'often' is no COV increment", "0.2");
    wrong(PAIRS("object", "AI:1", "cov", "-1"), "'-1' is no COV increment", "0.2");
    wrong(PAIRS("object", "BI:1", "cov", "0.2"), "only a number has a COV increment", "true");
    wrong(PAIRS("object", "AI:1", "priority", "8"), "this property is written without a priority",
          "leave it out");
}

static void order(void **state)
{
    struct bacnet_target a;
    struct bacnet_target b;
    struct point_facts facts;
    (void)state;
    assert_int_equal(resolve(PAIRS("object", "AI:1"), &a, &facts, NULL), 0);
    assert_int_equal(resolve(PAIRS("object", "AI:2"), &b, &facts, NULL), 0);
    assert_true(bacnet_target_compare(&a, &b) < 0);
    assert_true(bacnet_target_compare(&b, &a) > 0);
    assert_int_equal(bacnet_target_compare(&a, &a), 0);
    assert_int_equal(resolve(PAIRS("object", "AI:1", "property", "units"), &b, &facts, NULL), 0);
    assert_true(bacnet_target_compare(&a, &b) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects),  cmocka_unit_test(properties), cmocka_unit_test(writing),
        cmocka_unit_test(watching), cmocka_unit_test(trend_logs), cmocka_unit_test(mistakes),
        cmocka_unit_test(order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
