/* SPDX-License-Identifier: Apache-2.0 */
/* Events of a server as events of the journal. */
#include "unit/drivers/opcua/data/event_rig.h"

#include "base/str.h"

struct made {
    struct arena texts;
    struct event event;
};

static void make(struct made *made, const struct event_rig *rig, const struct opcua_states *before,
                 const struct opcua_event_more *more)
{
    static const char *const namespaces[] = { "http://opcfoundation.org/UA/", "urn:acme:plant" };
    static const struct opcua_server_facts facts = { .namespaces = namespaces,
                                                     .namespace_count = 2 };
    struct opcua_event event;
    struct opcua_event_about about = {
        .facts = &facts, .more = more, .before = before, .now_us = 1
    };
    assert_true(opcua_event_read(&rig->list, OPCUA_EVENT_ASK_ALL, more, &event));
    arena_init(&made->texts, 0);
    opcua_event_words(&event, &about, &made->texts, &made->event);
}

static const struct event_argument *argument(const struct made *made, const char *name)
{
    for (size_t i = 0; i < made->event.argument_count; i++) {
        if (strcmp(made->event.arguments[i].name, name) == 0) {
            return &made->event.arguments[i];
        }
    }
    return NULL;
}

static const char *text_argument(const struct made *made, const char *name)
{
    const struct event_argument *found = argument(made, name);
    return found != NULL && found->type == VALUE_TEXT ? found->value.text->bytes : "";
}

static void an_alarm(void **state)
{
    (void)state;
    struct event_rig rig;
    struct made made;
    event_rig_init(&rig, 0);
    event_rig_alarm(&rig, 700);
    make(&made, &rig, NULL, NULL);
    assert_string_equal(made.event.kind, "alarm");
    assert_int_equal(made.event.severity, EVENT_HIGH);
    assert_string_equal(made.event.text, "Tank 1: level is too high (HighHigh)");
    assert_string_equal(made.event.key, "nsu=urn:acme:plant;i=2001");
    assert_string_equal(made.event.once, "1700000000000000 10-11 700");
    assert_true(made.event.ack_wanted);
    assert_null(made.event.source);
    assert_string_equal(text_argument(&made, OPCUA_ARGUMENT_EVENT), "AQIDBA==");
    assert_string_equal(text_argument(&made, OPCUA_ARGUMENT_CONDITION),
                        "nsu=urn:acme:plant;i=2001");
    assert_string_equal(text_argument(&made, "event-type"), "i=9482");
    assert_string_equal(text_argument(&made, "limit-state"), "HighHigh");
    assert_false(argument(&made, OPCUA_ARGUMENT_ACKED)->value.b);
    assert_null(argument(&made, "confirmed"));
    assert_int_equal(argument(&made, "severity")->value.i, 700);
    arena_fini(&made.texts);
    event_rig_fini(&rig);
}

/* Each step of an alarm's life. */
static void kinds(void **state)
{
    (void)state;
    enum { U = OPCUA_UNKNOWN, N = OPCUA_NO, Y = OPCUA_YES };
    static const struct {
        int active, acked, confirmed, enabled;
        bool known;
        struct opcua_states before;
        const char *kind;
        bool wanted;
    } rows[] = {
        { Y, N, U, Y, false, { 0 }, "alarm", true },
        { Y, Y, U, Y, true, { Y, N, U, Y }, "acknowledged", false },
        { Y, Y, U, Y, false, { 0 }, "alarm", false }, /* acknowledged before we came */
        { Y, Y, N, Y, true, { Y, N, N, Y }, "acknowledged", true }, /* a confirmation is due */
        { Y, Y, Y, Y, true, { Y, Y, N, Y }, "acknowledged", false },
        { N, N, U, Y, true, { Y, N, U, Y }, "normal", true }, /* went without being seen */
        { N, Y, U, Y, true, { N, N, U, Y }, "acknowledged", false },
        { N, Y, U, Y, true, { Y, Y, U, Y }, "normal", false },
        { N, Y, U, Y, true, { Y, N, U, Y }, "normal", false }, /* both at once */
        { Y, N, U, N, true, { Y, N, U, Y }, "normal", false },
        { U, N, U, Y, false, { 0 }, "alarm", true },
        { U, Y, U, Y, true, { U, N, U, Y }, "acknowledged", false },
        { U, U, U, Y, false, { 0 }, "notification", false },
        { Y, U, U, Y, false, { 0 }, "alarm", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static const size_t fields[] = { OPCUA_EVENT_ACTIVE, OPCUA_EVENT_ACKED,
                                         OPCUA_EVENT_CONFIRMED, OPCUA_EVENT_ENABLED };
        const int values[] = { rows[i].active, rows[i].acked, rows[i].confirmed, rows[i].enabled };
        struct event_rig rig;
        struct made made;
        event_rig_init(&rig, 0);
        event_rig_alarm(&rig, 900);
        for (size_t k = 0; k < 4; k++) {
            UA_Variant_clear(&rig.values[fields[k]]);
            if (values[k] != OPCUA_UNKNOWN) {
                event_rig_truth(&rig, fields[k], values[k] == OPCUA_YES);
            }
        }
        make(&made, &rig, rows[i].known ? &rows[i].before : NULL, NULL);
        assert_string_equal(made.event.kind, rows[i].kind);
        assert_int_equal(made.event.ack_wanted, rows[i].wanted);
        bool loud = strcmp(rows[i].kind, "alarm") == 0 || strcmp(rows[i].kind, "notification") == 0;
        assert_int_equal(made.event.severity, loud ? EVENT_CRITICAL : EVENT_INFO);
        arena_fini(&made.texts);
        event_rig_fini(&rig);
    }
}

static void severities(void **state)
{
    (void)state;
    static const struct {
        uint16_t severity;
        uint8_t word;
    } rows[] = {
        { 0, EVENT_INFO },       { 1, EVENT_INFO },        { 200, EVENT_INFO },
        { 201, EVENT_LOW },      { 400, EVENT_LOW },       { 401, EVENT_MEDIUM },
        { 600, EVENT_MEDIUM },   { 601, EVENT_HIGH },      { 800, EVENT_HIGH },
        { 801, EVENT_CRITICAL }, { 1000, EVENT_CRITICAL }, { 65535, EVENT_CRITICAL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(opcua_event_severity(rows[i].severity), rows[i].word);
    }
}

static void a_branch_has_a_key_of_its_own(void **state)
{
    (void)state;
    struct event_rig rig;
    struct made made;
    event_rig_init(&rig, 0);
    event_rig_alarm(&rig, 700);
    event_rig_node(&rig, OPCUA_EVENT_BRANCH_ID, 1, 77);
    make(&made, &rig, NULL, NULL);
    assert_string_equal(made.event.key, "nsu=urn:acme:plant;i=2001 branch nsu=urn:acme:plant;i=77");
    assert_non_null(strstr(made.event.text, "(an earlier time)"));
    arena_fini(&made.texts);
    event_rig_fini(&rig);
}

static void what_is_no_condition(void **state)
{
    (void)state;
    struct event_rig rig;
    struct made made;
    uint16_t severity = 250;
    event_rig_init(&rig, 0);
    event_rig_set(&rig, OPCUA_EVENT_SEVERITY, &severity, UA_TYPES_UINT16);
    event_rig_localized(&rig, OPCUA_EVENT_MESSAGE, "user bob logged in");
    make(&made, &rig, NULL, NULL);
    assert_string_equal(made.event.kind, "notification");
    assert_string_equal(made.event.key, "");
    assert_string_equal(made.event.once, "");
    assert_false(made.event.ack_wanted);
    assert_int_equal(made.event.severity, EVENT_LOW);
    assert_string_equal(made.event.text, "user bob logged in");
    arena_fini(&made.texts);
    event_rig_fini(&rig);
    event_rig_init(&rig, 0); /* nothing at all */
    make(&made, &rig, NULL, NULL);
    assert_string_equal(made.event.text, "notification");
    assert_int_equal(made.event.time_us, 0);
    arena_fini(&made.texts);
}

static void more_fields_become_arguments(void **state)
{
    (void)state;
    struct opcua_event_more more;
    struct arena arena;
    struct event_rig rig;
    struct made made;
    double level = 81.5;
    arena_init(&arena, 0);
    assert_int_equal(opcua_event_more_parse("Zone,2:Level", &arena, &more, NULL), 0);
    event_rig_init(&rig, 2);
    event_rig_alarm(&rig, 700);
    event_rig_set(&rig, OPCUA_EVENT_FIELD_COUNT + 1, &level, UA_TYPES_DOUBLE);
    make(&made, &rig, NULL, &more);
    assert_null(argument(&made, "Zone"));
    assert_true(argument(&made, "2:Level")->value.d == 81.5);
    arena_fini(&made.texts);
    event_rig_fini(&rig);
    arena_fini(&arena);
}

/* Texts that are no UTF-8, an EventId beyond all bounds: it can be encoded all the same. */
static void nothing_is_trusted(void **state)
{
    (void)state;
    struct event_rig rig;
    struct made made;
    struct buf bytes;
    static uint8_t id[OPCUA_EVENT_ID_MAX + 1];
    UA_ByteString long_id = { .length = sizeof(id), .data = id };
    static char long_text[EVENT_TEXT_MAX + 100];
    memset(long_text, 'x', sizeof(long_text) - 1);
    event_rig_init(&rig, 0);
    event_rig_alarm(&rig, 700);
    event_rig_set(&rig, OPCUA_EVENT_EVENT_ID, &long_id, UA_TYPES_BYTESTRING);
    event_rig_localized(&rig, OPCUA_EVENT_MESSAGE, "bad \xff\xfe text");
    event_rig_text(&rig, OPCUA_EVENT_SOURCE_NAME, long_text);
    make(&made, &rig, NULL, NULL);
    assert_false(made.event.ack_wanted); /* nobody could acknowledge it */
    assert_true(strlen(made.event.text) <= EVENT_TEXT_MAX);
    made.event.source = "press-1";
    buf_init(&bytes, EVENT_BYTES_MAX);
    assert_int_equal(event_encode(&made.event, &bytes), 0);
    buf_fini(&bytes);
    arena_fini(&made.texts);
    event_rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alarm),
        cmocka_unit_test(kinds),
        cmocka_unit_test(severities),
        cmocka_unit_test(a_branch_has_a_key_of_its_own),
        cmocka_unit_test(what_is_no_condition),
        cmocka_unit_test(more_fields_become_arguments),
        cmocka_unit_test(nothing_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
