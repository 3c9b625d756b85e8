/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of devices and points: what they mean, and which mistakes are told with which hint. */
#include "../modbus/settings_make.h"

#include "drivers/opcua/opcua_config.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define URL        "url", "opc.tcp://10.0.3.5"

/* ---- devices ---- */

static int read_device(const char *const *pairs, struct opcua_config *config, struct err *err)
{
    static struct settings_made made;
    return opcua_config_read(settings_make(&made, opcua_device_options, pairs), config, err);
}

static void device_wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct opcua_config config;
    struct err err = { 0 };
    assert_int_equal(read_device(pairs, &config, &err), BUSBAR_ECONFIG);
    if (strstr(err.message, message) == NULL || strstr(err.hint, hint) == NULL) {
        fail_msg("'%s' (%s)", err.message, err.hint);
    }
}

static void urls(void **state)
{
    struct opcua_config config;
    (void)state;
    assert_int_equal(read_device(PAIRS(URL), &config, NULL), 0);
    assert_int_equal(config.url_count, 1);
    assert_string_equal(config.urls[0], "opc.tcp://10.0.3.5:48250");
    assert_int_equal(read_device(PAIRS("url", "opc.tcp://press.acme.example:4840/line1",
                                       "redundant", "opc.tcp://10.0.3.6, opc.tcp://[fd00::5]:1"),
                                 &config, NULL),
                     0);
    assert_int_equal(config.url_count, 3);
    assert_string_equal(config.urls[0], "opc.tcp://press.acme.example:4840/line1");
    assert_string_equal(config.urls[1], "opc.tcp://10.0.3.6:48250");
    assert_string_equal(config.urls[2], "opc.tcp://[fd00::5]:1");
    device_wrong(PAIRS("user", "x"), "needs the URL", "discover opcua");
    device_wrong(PAIRS("url", "http://10.0.3.5"), "", "opc.tcp");
    device_wrong(PAIRS("url", "opc.tcp://"), "", "opc.tcp");
    device_wrong(PAIRS(URL, "redundant", "opc.tcp://10.0.3.5:48250"), "there twice", "take it out");
    device_wrong(PAIRS(URL, "redundant",
                       "opc.tcp://a, opc.tcp://b, opc.tcp://c, opc.tcp://d, opc.tcp://e, "
                       "opc.tcp://f, opc.tcp://g, opc.tcp://h"),
                 "more than 8", "take some out");
}

static void security(void **state)
{
    struct opcua_config config;
    (void)state;
    assert_int_equal(read_device(PAIRS(URL), &config, NULL), 0);
    assert_true(config.automatic);
    assert_int_equal(read_device(PAIRS(URL, "security", "none"), &config, NULL), 0);
    assert_false(config.automatic);
    assert_int_equal(config.mode, OPCUA_MODE_NONE);
    assert_int_equal(read_device(PAIRS(URL, "security", "sign Basic256Sha256"), &config, NULL), 0);
    assert_int_equal(config.mode, OPCUA_MODE_SIGN);
    assert_int_equal(config.policy, OPCUA_POLICY_BASIC256SHA256);
    device_wrong(PAIRS(URL, "security", "Basic257"), "Basic257", "");
}

static void users(void **state)
{
    struct opcua_config config;
    (void)state;
    assert_int_equal(read_device(PAIRS(URL, "user", "eva", "password", "p1"), &config, NULL), 0);
    assert_string_equal(config.user, "eva");
    assert_string_equal(config.password_secret, "p1");
    assert_int_equal(read_device(PAIRS(URL, "certificate", "/c", "key", "/k"), &config, NULL), 0);
    device_wrong(PAIRS(URL, "password", "p1"), "'password' without 'user'", "user: NAME");
    device_wrong(PAIRS(URL, "certificate", "/c"), "certificate and key together", "key: FILE");
    device_wrong(PAIRS(URL, "key", "/k"), "certificate and key together", "certificate: FILE");
    device_wrong(PAIRS(URL, "user", "eva", "certificate", "/c", "key", "/k"), "at once",
                 "keep either");
    device_wrong(PAIRS(URL, "password_in_clear", "true"), "without a password", "take it out");
}

static void times_and_alarms(void **state)
{
    struct opcua_config config;
    (void)state;
    assert_int_equal(read_device(PAIRS(URL, "publishing", "250ms"), &config, NULL), 0);
    assert_int_equal(config.publishing_us, 250000);
    assert_int_equal(config.check_us, 300000000);
    device_wrong(PAIRS(URL, "keep_alive", "2m"), "ends the session after 2m", "shorter");
    device_wrong(PAIRS(URL, "alarm_severity", "500"), "'alarm_severity' without 'alarms'",
                 "alarms: conditions");
    assert_int_equal(read_device(PAIRS(URL, "alarms", "conditions", "alarm_severity", "500",
                                       "alarm_source", "ns=2;s=Press"),
                                 &config, NULL),
                     0);
    assert_int_equal(config.alarms, OPCUA_ALARMS_CONDITIONS);
    assert_int_equal(config.alarm_severity, 500);
    device_wrong(PAIRS(URL, "alarms", "all", "alarm_source", "Press"), "Press", "");
    device_wrong(PAIRS(URL, "alarms", "all", "alarm_fields", "Zone,x:Id"),
                 "'x' in the field 'x:Id' is no index of a namespace", "2:Batch/Id");
}

/* ---- points ---- */

static int resolve(const char *const *device, const char *const *point,
                   struct opcua_address *address, struct point_facts *facts, struct err *err)
{
    static struct settings_made device_made, point_made;
    return opcua_config_resolve(settings_make(&device_made, opcua_device_options, device),
                                settings_make(&point_made, opcua_point_options, point), address,
                                facts, err);
}

static void point_is(const char *const *point, const char *words, uint8_t value_type)
{
    struct opcua_address address;
    struct arena arena;
    struct point_facts facts = { .arena = &arena };
    struct err err = { 0 };
    struct buf out;
    arena_init(&arena, 0);
    if (resolve(PAIRS(URL), point, &address, &facts, &err) != 0) {
        fail_msg("%s", err.message);
    }
    buf_init(&out, 256);
    opcua_address_print(&address, &out);
    assert_string_equal(buf_text(&out), words);
    assert_int_equal(facts.value_type, value_type);
    assert_true(facts.readable);
    buf_fini(&out);
    arena_fini(&arena);
}

static void point_wrong(const char *const *point, const char *message, const char *hint)
{
    struct opcua_address address;
    struct point_facts facts = { 0 };
    struct err err = { 0 };
    assert_int_equal(resolve(PAIRS(URL), point, &address, &facts, &err), BUSBAR_ECONFIG);
    if (strstr(err.message, message) == NULL || strstr(err.hint, hint) == NULL) {
        fail_msg("'%s' (%s)", err.message, err.hint);
    }
}

static void nodes(void **state)
{
    (void)state;
    point_is(PAIRS("node", "nsu=urn:acme:press;s=Oil.Temp"), "nsu=urn:acme:press;s=Oil.Temp",
             VALUE_NONE);
    point_is(PAIRS("node", "i=2258", "type", "string"), "i=2258", VALUE_TEXT);
    point_is(PAIRS("node", "ns=2;s=A", "range", "0:9"), "ns=2;s=A range 0:9", VALUE_NONE);
    point_is(PAIRS("node", "ns=2;s=A", "member", "Position.X", "type", "double"),
             "ns=2;s=A member Position.X", VALUE_DOUBLE);
    point_is(PAIRS("node", "ns=2;s=A", "attribute", "description"), "ns=2;s=A description",
             VALUE_TEXT);
    point_wrong(PAIRS("type", "int"), "needs its node", "browse");
    point_wrong(PAIRS("node", "Oil.Temp"), "Oil.Temp", "");
    point_wrong(PAIRS("node", "i=1", "range", "9:0"), "no range", "0:9");
    point_wrong(PAIRS("node", "i=1", "member", "a..b"), "no member", "Position.X");
    point_wrong(PAIRS("node", "i=1", "attribute", "descriptoin"), "no attribute",
                "did you mean 'description'");
    point_wrong(PAIRS("node", "i=1", "attribute", "description", "range", "1"), "only a value",
                "take one");
    point_wrong(PAIRS("node", "i=1", "attribute", "description", "type", "int"), "its own type",
                "take it out");
}

static void texts_are_shared(void **state)
{
    struct opcua_address first, second;
    struct arena arena;
    (void)state;
    arena_init(&arena, 0);
    struct point_facts facts = { .arena = &arena };
    assert_int_equal(resolve(PAIRS(URL), PAIRS("node", "nsu=urn:acme;s=A"), &first, &facts, NULL),
                     0);
    facts.before = &first;
    assert_int_equal(resolve(PAIRS(URL), PAIRS("node", "nsu=urn:acme;s=B"), &second, &facts, NULL),
                     0);
    assert_ptr_equal(first.node.uri, second.node.uri);
    arena_fini(&arena);
}

static void sampling(void **state)
{
    struct opcua_address address;
    struct point_facts facts = { 0 };
    (void)state;
    assert_int_equal(resolve(PAIRS(URL), PAIRS("node", "i=1"), &address, &facts, NULL), 0);
    assert_int_equal(address.sampling_us, 0);
    assert_int_equal(address.queue, 1);
    assert_true(facts.writable);
    assert_int_equal(
        resolve(PAIRS(URL, "sampling", "100ms"), PAIRS("node", "i=1"), &address, &facts, NULL), 0);
    assert_int_equal(address.sampling_us, 100000);
    assert_int_equal(address.queue, 11); /* what comes in a second, and one to spare */
    assert_int_equal(resolve(PAIRS(URL, "sampling", "100ms", "queue", "5", "discard", "newest"),
                             PAIRS("node", "i=1", "sampling", "fastest"), &address, &facts, NULL),
                     0);
    assert_int_equal(address.sampling_us, -1);
    assert_int_equal(address.queue, 5);
    assert_true(address.discard_newest);
    point_wrong(PAIRS("node", "i=1", "poll", "true", "queue", "4"), "'queue' is of a subscription",
                "every");
}

static void changes(void **state)
{
    struct opcua_address address;
    struct point_facts facts = { 0 };
    (void)state;
    assert_int_equal(
        resolve(PAIRS(URL), PAIRS("node", "i=1", "change", "0.5"), &address, &facts, NULL), 0);
    assert_float_equal(address.deadband, 0.5, 0);
    assert_false(address.deadband_percent);
    assert_int_equal(
        resolve(PAIRS(URL), PAIRS("node", "i=1", "change", "1 %"), &address, &facts, NULL), 0);
    assert_float_equal(address.deadband, 1, 0);
    assert_true(address.deadband_percent);
    point_wrong(PAIRS("node", "i=1", "change", "101%"), "no smallest change", "1%");
    point_wrong(PAIRS("node", "i=1", "change", "-1"), "no smallest change", "0.5");
    point_wrong(PAIRS("node", "i=1", "change", "1", "type", "string"), "only a number",
                "take it out");
}

static void history(void **state)
{
    struct opcua_address address;
    struct point_facts facts = { 0 };
    (void)state;
    assert_int_equal(
        resolve(PAIRS(URL, "history", "true"), PAIRS("node", "i=1"), &address, &facts, NULL), 0);
    assert_true(address.backfill);
    assert_int_equal(resolve(PAIRS(URL, "history", "true"),
                             PAIRS("node", "i=1", "history", "false"), &address, &facts, NULL),
                     0);
    assert_false(address.backfill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),     cmocka_unit_test(security),
        cmocka_unit_test(users),    cmocka_unit_test(times_and_alarms),
        cmocka_unit_test(nodes),    cmocka_unit_test(texts_are_shared),
        cmocka_unit_test(sampling), cmocka_unit_test(changes),
        cmocka_unit_test(history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
