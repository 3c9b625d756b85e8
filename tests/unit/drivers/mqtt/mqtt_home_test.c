/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements as they are sent: zigbee2mqtt, Tasmota, ESPHome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/mqtt/mqtt_home.h"

static struct payload_tree *tree;

static int set_up(void **state)
{
    (void)state;
    tree = payload_tree_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    payload_tree_free(tree);
    return 0;
}

static size_t read(const char *topic, const char *text, struct mqtt_entity *list, size_t max)
{
    size_t size = strlen(text);
    char *exact = size > 0 ? busbar_alloc(size) : NULL; /* without a NUL: ASan sees one too many */
    if (size > 0) {
        memcpy(exact, text, size);
    }
    size_t count = mqtt_home_read(topic, exact, size, tree, list, max);
    busbar_free(exact);
    return count;
}

/* As zigbee2mqtt 1.x announces a sensor. */
static void a_sensor_in_full(void **state)
{
    (void)state;
    struct mqtt_entity entity;
    assert_int_equal(
        read(
            "homeassistant/sensor/0x00158d0001dc126a/temperature/config",
            "{\"device\":{\"identifiers\":[\"zigbee2mqtt_0x00158d0001dc126a\"],"
            "\"manufacturer\":\"Aqara\",\"model\":\"WSDCGQ11LM\",\"name\":\"room-12\"},"
            "\"name\":\"Temperature\",\"state_topic\":\"zigbee2mqtt/room-12\","
            "\"unique_id\":\"0x00158d0001dc126a_temperature\",\"unit_of_measurement\":\"\\u00b0C\","
            "\"value_template\":\"{{ value_json.temperature }}\"}",
            &entity, 1),
        1);
    assert_string_equal(entity.component, "sensor");
    assert_string_equal(entity.device_id, "zigbee2mqtt_0x00158d0001dc126a");
    assert_string_equal(entity.device_name, "room-12");
    assert_string_equal(entity.maker, "Aqara");
    assert_string_equal(entity.model, "WSDCGQ11LM");
    assert_string_equal(entity.state_topic, "zigbee2mqtt/room-12");
    assert_string_equal(entity.path, "$.temperature");
    assert_string_equal(entity.unit, "\xc2\xb0"
                                     "C");
    assert_true(entity.understood);
    assert_string_equal(entity.command_topic, "");
    mqtt_entity_fini(&entity);
}

/* Shortened keys, and ~ for the base. */
static void a_switch_in_short(void **state)
{
    (void)state;
    struct mqtt_entity entity;
    struct mqtt_entity copy;
    assert_int_equal(
        read("homeassistant/switch/plug-1/config",
             "{\"~\":\"site/plug-1\",\"name\":\"Plug\",\"uniq_id\":\"p1\",\"stat_t\":\"~"
             "/state\",\"cmd_t\":\"~/set\",\"pl_on\":\"1\",\"pl_off\":\"0\",\"dev\":{"
             "\"ids\":\"plug-1\",\"mf\":\"Acme\",\"mdl\":\"P\",\"sw\":\"2.1\"}}",
             &entity, 1),
        1);
    mqtt_entity_copy(&copy, &entity);
    mqtt_entity_fini(&entity);
    assert_string_equal(copy.state_topic, "site/plug-1/state");
    assert_string_equal(copy.command_topic, "site/plug-1/set");
    assert_string_equal(copy.command, "{value:1|0}");
    assert_string_equal(copy.device_id, "plug-1");
    assert_string_equal(copy.version, "2.1");
    assert_string_equal(copy.path, "");
    assert_true(copy.understood);
    mqtt_entity_fini(&copy);
}

static void a_whole_device(void **state)
{
    (void)state;
    struct mqtt_entity list[4];
    static const char text[] =
        "{\"dev\":{\"ids\":\"ea334450945afc\",\"name\":\"Kitchen\"},\"state_topic\":\"k/state\","
        "\"cmps\":{\"t\":{\"p\":\"sensor\",\"unit_of_meas\":\"C\",\"val_tpl\":\"{{ "
        "value_json['t 1'] | float(0) }}\"},\"limit\":{\"p\":\"number\",\"cmd_t\":\"k/set\","
        "\"cmd_tpl\":\"{\\\"limit\\\": {{ value }} }\",\"min\":1,\"max\":9.5,\"val_tpl\":\"{{ "
        "value_json.limit }}\"}}}";
    assert_int_equal(read("homeassistant/device/ea334450945afc/config", text, list, 4), 2);
    assert_string_equal(list[0].path, "$['t 1']");
    assert_string_equal(list[0].state_topic, "k/state");
    assert_string_equal(list[1].command, "{\"limit\": {value} }");
    assert_true(list[1].has_min && list[1].has_max);
    assert_true(list[1].max == 9.5);
    assert_string_equal(list[1].device_name, "Kitchen");
    mqtt_entity_fini(&list[0]);
    mqtt_entity_fini(&list[1]);
    assert_int_equal(read("homeassistant/device/ea334450945afc/config", text, list, 1), 1);
    mqtt_entity_fini(&list[0]);
}

static void what_is_none(void **state)
{
    (void)state;
    struct mqtt_entity entity;
    assert_false(mqtt_home_is_config("homeassistant/status"));
    assert_false(mqtt_home_is_config("homeassistant/config"));
    assert_false(mqtt_home_is_config("zigbee2mqtt/room/config"));
    assert_int_equal(read("homeassistant/sensor/x/config", "", &entity, 1), 0);
    assert_int_equal(read("homeassistant/sensor/x/config", "{", &entity, 1), 0);
    assert_int_equal(read("homeassistant/sensor/x/config", "[1]", &entity, 1), 0);
    assert_int_equal(read("homeassistant/sensor/x/config", "{\"name\":\"no topics\"}", &entity, 1),
                     0);
    assert_int_equal(read("homeassistant/x/config", "{\"stat_t\":\"a\"}", &entity, 1), 0);
}

/* Every prefix and every flipped bit: nothing that is read may be out of bounds. */
static void damaged_ones(void **state)
{
    (void)state;
    struct mqtt_entity list[4];
    char text[] = "{\"~\":\"a\",\"stat_t\":\"~/b\",\"dev\":{\"ids\":[\"x\",1]},\"val_tpl\":\"{{ "
                  "value_json.a['b'][0] | int }}\",\"cmd_tpl\":\"{{value}}\",\"min\":-1}";
    size_t whole = strlen(text);
    for (size_t size = 0; size < whole; size++) {
        char *part = busbar_strndup(text, size);
        assert_int_equal(read("homeassistant/number/x/config", part, list, 4), 0);
        busbar_free(part);
    }
    for (size_t bit = 0; bit < 8 * whole; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
        if (text[bit / 8] != '\0') {
            size_t count = read("homeassistant/number/x/config", text, list, 4);
            assert_true(count <= 1);
            for (size_t i = 0; i < count; i++) {
                mqtt_entity_fini(&list[i]);
            }
        }
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
    }
}

static void templates(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path; /* NULL: not understood */
    } rows[] = {
        { "{{ value }}", "" },
        { "{{value|float}}", "" },
        { "{{ value_json }}", "$" },
        { "{{ value_json.ENERGY.Power }}", "$.ENERGY.Power" },
        { "{{value_json['a b'].c[0]}}", "$['a b'].c[0]" },
        { "{{ value_json[\"x\"] | int(0) }}", "$['x']" },
        { "{{ value_json.x | round(1) }}", NULL },
        { "{{ value_json.x * 10 }}", NULL },
        { "{{ value_json.x }} W", NULL },
        { "{% if value_json.x %}1{% endif %}", NULL },
        { "{{ value_json. }}", NULL },
        { "{{ value_json['a }}", NULL },
        { "{{ value_json.x", NULL },
        { "{{ states('x') }}", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[64];
        bool fine = mqtt_home_path(rows[i].text, strlen(rows[i].text), path, sizeof(path));
        assert_int_equal(fine, rows[i].path != NULL);
        if (fine) {
            assert_string_equal(path, rows[i].path);
        }
        char small[4];
        (void)mqtt_home_path(rows[i].text, strlen(rows[i].text), small, sizeof(small));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sensor_in_full), cmocka_unit_test(a_switch_in_short),
        cmocka_unit_test(a_whole_device),   cmocka_unit_test(what_is_none),
        cmocka_unit_test(damaged_ones),     cmocka_unit_test(templates),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
