/* SPDX-License-Identifier: Apache-2.0 */
/* What traps do to points, and how that is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/quality.h"
#include "support/snmp_trap_rig.h"

static const struct rig_variable down_7[] = {
    { .oid = "ifIndex.7", .tag = BER_INTEGER, .number = 7 },
    { .oid = "ifOperStatus.7", .tag = BER_INTEGER, .number = 2 },
    { .oid = NULL },
};

static void a_variable_sets_its_point_and_its_row_is_read(void **state)
{
    struct trap_rig rig;
    const struct snmp_trap_words traps = { .traps = true, .written = true };
    (void)state;
    rig_open(&rig, NULL);
    struct rig_device *device = rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL);
    rig_point(&rig, device, "ifOperStatus.7", &traps);
    rig_point(&rig, device, "ifOperStatus.8", &traps);
    rig_point(&rig, device, "ifMtu.7", &traps);
    rig_point(&rig, device, "ifHCInOctets.7", &traps); /* ifXTable augments ifTable */
    rig_point(&rig, device, "ifHCInOctets.8", &traps);
    rig_point(&rig, device, "sysUpTime.0", &(struct snmp_trap_words){ .written = true });
    rig_added(&rig, device);
    assert_null(device->addresses[5].hooks);
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    assert_int_equal(rig_send(&sender, "linkDown", down_7), SNMP_OPENED);
    assert_int_equal(device->publications, 1);
    assert_int_equal(device->published[0].value.i, 2);
    assert_int_equal(device->published[0].quality, QUALITY_GOOD);
    assert_int_equal(device->polls, 1);
    assert_int_equal(device->wanted_count, 2);
    assert_int_equal(device->wanted[0], 2);
    assert_int_equal(device->wanted[1], 3);
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    assert_int_equal(device->polls, 2); /* it lives: tried at once where it was silent */
    assert_int_equal(device->wanted_count, 0);
    rig_close(&rig);
}

static void named_traps_have_a_point_read(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    struct rig_device *device = rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL);
    rig_point(&rig, device, "sysUpTime.0",
              &(struct snmp_trap_words){ .poll_on = "coldStart, warmStart", .written = true });
    rig_point(&rig, device, "sysName.0",
              &(struct snmp_trap_words){ .poll_on = "any", .written = true });
    rig_added(&rig, device);
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    assert_int_equal(rig_send(&sender, "warmStart", NULL), SNMP_OPENED);
    assert_int_equal(device->wanted_count, 2);
    assert_int_equal(rig_send(&sender, "linkDown", down_7), SNMP_OPENED);
    assert_int_equal(device->wanted_count, 1);
    assert_int_equal(device->wanted[0], 1);
    assert_int_equal(device->publications, 0);
    rig_close(&rig);
}

static void a_point_is_what_its_traps_say(void **state)
{
    struct trap_rig rig;
    const struct snmp_trap_words by_row = { .trap = "linkUp=up, linkDown=down", .written = true };
    const struct snmp_trap_words plain = { .trap = "IF-MIB::linkUp = 1, linkDown=2.5" };
    (void)state;
    rig_open(&rig, NULL);
    struct rig_device *device = rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL);
    rig_point(&rig, device, "ifOperStatus.7", &by_row);
    rig_point(&rig, device, "ifOperStatus.8", &by_row);
    rig_point(&rig, device, "", &plain);
    rig_added(&rig, device);
    assert_true(snmp_trap_only(device->addresses[2].hooks));
    assert_int_equal(device->addresses[2].hooks->value_type, VALUE_DOUBLE);
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    assert_int_equal(rig_send(&sender, "linkDown", down_7), SNMP_OPENED);
    assert_string_equal(device->published[0].value.text->bytes, "down");
    assert_int_equal(device->published[1].type, VALUE_NONE); /* not of its row */
    assert_true(device->published[2].value.d == 2.5);
    assert_int_equal(rig_send(&sender, "linkUp", NULL), SNMP_OPENED); /* of no row: of all */
    assert_string_equal(device->published[1].value.text->bytes, "up");
    assert_true(device->published[2].value.d == 1.0);
    unsigned before = device->publications;
    assert_int_equal(rig_send(&sender, "coldStart", NULL), SNMP_OPENED);
    assert_int_equal(device->publications, before);
    rig_close(&rig);
}

static void a_point_takes_a_variable(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    struct rig_device *device = rig_add(&rig, "switch-1", "10.0.4.2", "plant", NULL);
    rig_point(&rig, device, "1.3.6.1.2.1.2.2.1.8",
              &(struct snmp_trap_words){ .argument = "ifOperStatus" });
    rig_point(&rig, device, "1.3.6.1.2.1.2.2.1.1",
              &(struct snmp_trap_words){ .argument = "ifIndex", .trap = "linkUp" });
    rig_added(&rig, device);
    struct rig_sender sender = rig_sender(&rig, "10.0.4.2", "plant");
    assert_int_equal(rig_send(&sender, "linkDown", down_7), SNMP_OPENED);
    assert_int_equal(device->published[0].value.i, 2);
    assert_int_equal(device->published[1].type, VALUE_NONE);
    assert_int_equal(rig_send(&sender, "linkUp", down_7), SNMP_OPENED);
    assert_int_equal(device->published[1].value.i, 7);
    rig_close(&rig);
}

static void what_is_written_wrong_is_told(void **state)
{
    static const struct {
        struct snmp_trap_words words;
        const char *message;
    } wrong[] = {
        { { .trap = "linkUp" }, "'linkUp' has no value" },
        { { .trap = "linkUp=" }, "has no value" },
        { { .trap = "linkUp=1, linkDown=down" }, "different types" },
        { { .trap = "linkUpp=1" }, "linkUpp" },
        { { .trap = "ifOperStatus=1" }, "is no trap" },
        { { .trap = "" }, "names no trap" },
        { { .poll_on = "sysUpTime" }, "" },
        { { .poll_on = "linkUp,, linkDown" }, "" },
        { { .argument = "ifIndex", .trap = "linkUp=1" }, "takes its 'argument'" },
        { { .argument = "ifIndex", .written = true }, "an 'oid', or an 'argument'" },
        { { .trap = "linkUp=1", .traps = true }, "cannot be read" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct snmp_trap_hook *hook = NULL;
        struct arena arena;
        struct err err = { 0 };
        arena_init(&arena, 0);
        assert_int_equal(
            snmp_trap_hook_resolve(mib_builtin(), &wrong[i].words, &arena, &hook, &err),
            BUSBAR_ECONFIG);
        assert_non_null(strstr(err.message, wrong[i].message));
        assert_int_equal(snmp_trap_hook_resolve(mib_builtin(), &wrong[i].words, NULL, &hook, NULL),
                         BUSBAR_ECONFIG);
        assert_null(hook);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_sets_its_point_and_its_row_is_read),
        cmocka_unit_test(named_traps_have_a_point_read),
        cmocka_unit_test(a_point_is_what_its_traps_say),
        cmocka_unit_test(a_point_takes_a_variable),
        cmocka_unit_test(what_is_written_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
