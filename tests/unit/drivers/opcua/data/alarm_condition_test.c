/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of conditions: what is new, what a refresh only repeats, what is forgotten. */
#include "drivers/opcua/data/alarm.h"
#include "unit/drivers/opcua/data/event_rig.h"

#include "base/alloc.h"
#include "base/str.h"

struct table {
    struct opcua_alarms alarms;
    struct event_rig rig;
    struct opcua_states states;
    bool before;
};

static int begin(void **state)
{
    struct table *table = busbar_alloc(sizeof(*table));
    map_init(&table->alarms.conditions);
    event_rig_init(&table->rig, 0);
    event_rig_alarm(&table->rig, 700);
    *state = table;
    return 0;
}

static int end(void **state)
{
    struct table *table = *state;
    opcua_conditions_clear(&table->alarms);
    map_fini(&table->alarms.conditions);
    event_rig_fini(&table->rig);
    busbar_free(table);
    return 0;
}

/* True: it is news. */
static bool take(struct table *table, const char *key)
{
    struct opcua_event event;
    assert_true(opcua_event_read(&table->rig.list, OPCUA_EVENT_ASK_ALL, NULL, &event));
    return opcua_condition_take(&table->alarms, &event, key, &table->states, &table->before);
}

static void a_refresh_repeats(void **state)
{
    struct table *table = *state;
    assert_true(take(table, "tank"));
    assert_false(table->before);
    table->alarms.refreshing = true;
    table->alarms.round = 1;
    assert_false(take(table, "tank"));
    assert_int_equal(opcua_condition_find(&table->alarms, "tank")->round, 1);
    uint16_t severity = 900;
    event_rig_set(&table->rig, OPCUA_EVENT_SEVERITY, &severity, UA_TYPES_UINT16);
    assert_true(take(table, "tank")); /* it is another one now */
    assert_true(take(table, "pump"));
    table->alarms.refreshing = false;
    assert_true(take(table, "pump")); /* told by itself: the server has a reason */
    assert_true(table->before);
}

static void states_before_are_told(void **state)
{
    struct table *table = *state;
    assert_true(take(table, "tank"));
    event_rig_truth(&table->rig, OPCUA_EVENT_ACKED, true);
    assert_true(take(table, "tank"));
    assert_true(table->before);
    assert_int_equal(table->states.acked, OPCUA_NO);
    assert_int_equal(opcua_condition_find(&table->alarms, "tank")->states.acked, OPCUA_YES);
}

static void the_newest_event_id_is_kept(void **state)
{
    struct table *table = *state;
    UA_ByteString id = { .length = 3, .data = (UA_Byte *)(uintptr_t) "new" };
    assert_true(take(table, "tank"));
    table->alarms.refreshing = true;
    event_rig_set(&table->rig, OPCUA_EVENT_EVENT_ID, &id, UA_TYPES_BYTESTRING);
    assert_false(take(table, "tank")); /* nothing else changed, but acknowledging needs it */
    const struct opcua_condition *condition = opcua_condition_find(&table->alarms, "tank");
    assert_int_equal(condition->id_size, 3);
    assert_memory_equal(condition->id, "new", 3);
    static uint8_t bytes[OPCUA_EVENT_ID_MAX + 1];
    UA_ByteString huge = { .length = sizeof(bytes), .data = bytes };
    event_rig_set(&table->rig, OPCUA_EVENT_EVENT_ID, &huge, UA_TYPES_BYTESTRING);
    (void)take(table, "tank");
    assert_int_equal(condition->id_size, 0);
}

static void what_wants_nothing_is_forgotten(void **state)
{
    struct table *table = *state;
    assert_true(take(table, "tank"));
    event_rig_truth(&table->rig, OPCUA_EVENT_RETAIN, false);
    assert_true(take(table, "tank"));
    assert_true(table->before);
    assert_null(opcua_condition_find(&table->alarms, "tank"));
    assert_true(take(table, "other")); /* never heard of, and over already */
    assert_int_equal(table->alarms.conditions.count, 0);
}

/* More than can be remembered are told all the same. */
static void there_is_a_limit(void **state)
{
    struct table *table = *state;
    char key[32];
    for (int i = 0; i < OPCUA_CONDITIONS_MAX + 10; i++) {
        str_format(key, sizeof(key), "c%d", i);
        assert_true(take(table, key));
    }
    assert_int_equal(table->alarms.conditions.count, OPCUA_CONDITIONS_MAX);
    assert_false(table->before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_refresh_repeats, begin, end),
        cmocka_unit_test_setup_teardown(states_before_are_told, begin, end),
        cmocka_unit_test_setup_teardown(the_newest_event_id_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(what_wants_nothing_is_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(there_is_a_limit, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
