/* SPDX-License-Identifier: Apache-2.0 */
/* What a device has: its list whole and by elements, objects with proposals, views, trend logs, all
 * properties of one, with and without the services that make it quick. */
#include "bacnet_rig.h"

enum { NODES_KEPT = 200 };

struct kept {
    char id[96], parent[96], kind[16], name[80], units[16], value[160], trouble[200];
    char point_name[96], point[320];
    double number;
    uint8_t type;
    bool proposed, writable;
    size_t enums;
};

static struct {
    struct kept nodes[NODES_KEPT];
    size_t count, kept;
    unsigned ends;
    int error;
    char message[320];
} seen;

/* How the device at the other end is. */
static struct {
    uint32_t many;      /* analog values beside the usual objects */
    bool list_refused;  /* its object list only element by element */
    bool property_list; /* it knows that property */
} has;

static void copy(char *to, size_t size, const char *text)
{
    str_copy(to, size, text != NULL ? text : "");
}

static void on_node(struct rig *rig, const struct driver_node *node)
{
    (void)rig;
    seen.count++;
    if (seen.kept == NODES_KEPT) {
        return;
    }
    struct kept *kept = &seen.nodes[seen.kept++];
    copy(kept->id, sizeof(kept->id), node->id);
    copy(kept->parent, sizeof(kept->parent), node->parent);
    copy(kept->kind, sizeof(kept->kind), node->kind);
    copy(kept->name, sizeof(kept->name), node->name);
    copy(kept->units, sizeof(kept->units), node->units);
    copy(kept->value, sizeof(kept->value), node->value_text);
    copy(kept->trouble, sizeof(kept->trouble), node->trouble);
    copy(kept->point_name, sizeof(kept->point_name), node->point_name);
    copy(kept->point, sizeof(kept->point), node->point);
    kept->type = node->value.type;
    kept->number = node->value.type == VALUE_DOUBLE ? node->value.value.d : 0;
    kept->proposed = node->proposed;
    kept->writable = node->writable;
    kept->enums = node->enum_count;
}

static void on_browsed(struct rig *rig, int error, const char *message)
{
    (void)rig;
    seen.ends++;
    seen.error = error;
    copy(seen.message, sizeof(seen.message), message);
}

static const struct kept *node(const char *id)
{
    for (size_t i = 0; i < seen.kept; i++) {
        if (strcmp(seen.nodes[i].id, id) == 0) {
            return &seen.nodes[i];
        }
    }
    fail_msg("no node %s of %zu: %d %s", id, seen.count, seen.error, seen.message);
    return NULL;
}

/* ---- the device ---- */

static const struct bacnet_object objects[] = {
    { BACNET_DEVICE, RIG_DEVICE },
    { BACNET_ANALOG_INPUT, 1 },
    { BACNET_BINARY_OUTPUT, 2 },
    { BACNET_MULTI_STATE_VALUE, 3 },
    { BACNET_STRUCTURED_VIEW, 1 },
    { BACNET_TREND_LOG, 3 },
    { 130, 5 },
};
enum { OBJECTS = sizeof(objects) / sizeof(objects[0]) };

static void put_text(struct bytes_out *out, const char *text)
{
    bacnet_put_text(out, BACNET_APPLICATION, text, strlen(text));
}

static struct bacnet_object object_at(uint32_t place)
{
    return place < OBJECTS ? objects[place]
                           : (struct bacnet_object){ BACNET_ANALOG_VALUE, place - OBJECTS };
}

static uint16_t put_list(uint32_t index, struct bytes_out *out)
{
    uint32_t count = OBJECTS + has.many;
    if (index == 0) {
        bacnet_put_unsigned(out, BACNET_APPLICATION, count);
        return 0;
    }
    if (index == BACNET_INDEX_ALL && (has.list_refused || count > 500)) {
        return BACNET_ERROR_VALUE_TOO_LONG;
    }
    if (index != BACNET_INDEX_ALL) {
        bacnet_put_object(out, BACNET_APPLICATION, object_at(index - 1));
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        bacnet_put_object(out, BACNET_APPLICATION, object_at(i));
    }
    return 0;
}

static uint16_t put_analog(uint32_t property, struct bytes_out *out)
{
    switch (property) {
    case BACNET_PROP_OBJECT_NAME: put_text(out, "Supply Air Temp_1 \"A\""); return 0;
    case BACNET_PROP_DESCRIPTION: put_text(out, "behind the coil"); return 0;
    case BACNET_PROP_PRESENT_VALUE: bacnet_put_real(out, BACNET_APPLICATION, 20.5F); return 0;
    case BACNET_PROP_UNITS: bacnet_put_enumerated(out, BACNET_APPLICATION, 62); return 0;
    case BACNET_PROP_STATUS_FLAGS: bacnet_put_bits(out, BACNET_APPLICATION, 0, 4); return 0;
    default: return BACNET_ERROR_UNKNOWN_PROPERTY;
    }
}

static uint16_t put_binary(uint32_t property, uint32_t index, struct bytes_out *out)
{
    switch (property) {
    case BACNET_PROP_OBJECT_NAME: put_text(out, "Fan"); return 0;
    case BACNET_PROP_PRESENT_VALUE: bacnet_put_enumerated(out, BACNET_APPLICATION, 1); return 0;
    case BACNET_PROP_STATUS_FLAGS:
        bacnet_put_bits(out, BACNET_APPLICATION, BACNET_FLAG_OUT_OF_SERVICE, 4);
        return 0;
    case BACNET_PROP_INACTIVE_TEXT: put_text(out, "off"); return 0;
    case BACNET_PROP_ACTIVE_TEXT: put_text(out, "on"); return 0;
    case BACNET_PROP_PRIORITY_ARRAY:
        for (uint32_t i = 1; i <= 16 && index == BACNET_INDEX_ALL; i++) {
            if (i == 8) {
                bacnet_put_enumerated(out, BACNET_APPLICATION, 1);
            } else {
                bacnet_put_null(out, BACNET_APPLICATION);
            }
        }
        if (index == 0) {
            bacnet_put_unsigned(out, BACNET_APPLICATION, 16);
        }
        return 0;
    case BACNET_PROP_PROPERTY_LIST: {
        static const uint32_t listed[] = { BACNET_PROP_PRESENT_VALUE, BACNET_PROP_STATUS_FLAGS,
                                           BACNET_PROP_PRIORITY_ARRAY, 600 };
        for (size_t i = 0; i < 4; i++) {
            bacnet_put_enumerated(out, BACNET_APPLICATION, listed[i]);
        }
        return has.property_list ? 0 : BACNET_ERROR_UNKNOWN_PROPERTY;
    }
    case 600: bacnet_put_octets(out, BACNET_APPLICATION, "\xca\xfe", 2); return 0;
    default: return BACNET_ERROR_UNKNOWN_PROPERTY;
    }
}

static uint16_t put_states(uint32_t property, struct bytes_out *out)
{
    switch (property) {
    case BACNET_PROP_OBJECT_NAME: put_text(out, "Mode"); return 0;
    case BACNET_PROP_PRESENT_VALUE: bacnet_put_unsigned(out, BACNET_APPLICATION, 2); return 0;
    case BACNET_PROP_NUMBER_OF_STATES: bacnet_put_unsigned(out, BACNET_APPLICATION, 3); return 0;
    case BACNET_PROP_STATE_TEXT:
        put_text(out, "off");
        put_text(out, "heat");
        put_text(out, "heat"); /* as devices do */
        return 0;
    default: return BACNET_ERROR_UNKNOWN_PROPERTY;
    }
}

static bool on_property(struct rig *rig, struct bacnet_object object, uint32_t property,
                        uint32_t index, struct bytes_out *out, uint16_t *error)
{
    (void)rig;
    *error = BACNET_ERROR_UNKNOWN_PROPERTY;
    switch (object.type) {
    case BACNET_DEVICE:
        if (property != BACNET_PROP_OBJECT_LIST) {
            return false;
        }
        *error = put_list(index, out);
        return true;
    case BACNET_ANALOG_INPUT: *error = put_analog(property, out); return true;
    case BACNET_BINARY_OUTPUT: *error = put_binary(property, index, out); return true;
    case BACNET_MULTI_STATE_VALUE: *error = put_states(property, out); return true;
    case BACNET_STRUCTURED_VIEW:
        if (property == BACNET_PROP_OBJECT_NAME) {
            put_text(out, "Plant");
            *error = 0;
        } else if (property == BACNET_PROP_SUBORDINATE_LIST) {
            bacnet_put_object(out, 1, objects[1]);
            *error = 0;
        }
        return true;
    case BACNET_TREND_LOG:
        if (property == BACNET_PROP_LOG_DEVICE_OBJECT_PROPERTY) {
            bacnet_put_object(out, 0, objects[1]);
            bacnet_put_enumerated(out, 1, BACNET_PROP_PRESENT_VALUE);
            *error = 0;
        }
        return true;
    case 130:
        if (property == BACNET_PROP_PRESENT_VALUE) {
            bacnet_put_octets(out, BACNET_APPLICATION, "\x12\x34", 2);
            *error = 0;
        }
        return true;
    default: return false;
    }
}

static void begin(struct rig *rig)
{
    memset(&seen, 0, sizeof(seen));
    memset(&has, 0, sizeof(has));
    has.property_list = true;
    rig_init(rig, (const char *const[]){ "force_polling", "true", NULL }, 1);
    rig->property = on_property;
    rig->told = on_node;
    rig->browsed = on_browsed;
    rig_start(rig);
}

static void browse(struct rig *rig, const char *at)
{
    unsigned ends = seen.ends;
    seen.count = seen.kept = 0;
    rig->browse_at = at;
    bacnet_driver()->browse(&rig->dev, (struct driver_browse *)(void *)rig);
    for (int i = 0; seen.ends == ends && i < 5000; i++) {
        rig_pass(rig, 10);
    }
    assert_int_equal(seen.ends, ends + 1);
}

static void assert_usual(void)
{
    const struct kept *sat = node("analog-input:1");
    assert_string_equal(sat->kind, "object");
    assert_string_equal(sat->parent, "structured-view:1");
    assert_string_equal(sat->units, "degC");
    assert_true(sat->number == 20.5 && sat->proposed && !sat->writable);
    assert_string_equal(sat->point_name, "supply-air-temp-1-a");
    assert_string_equal(sat->point, "{ object: analog-input:1, name: \"behind the coil\", units: "
                                    "\"degC\", cov: true, trend_log: \"trend-log:3\" }");
    const struct kept *fan = node("binary-output:2");
    assert_string_equal(fan->parent, "binary-output");
    assert_true(fan->writable);
    assert_string_equal(
        fan->point, "{ object: binary-output:2, name: \"Fan\", enum: { 0: \"off\", 1: \"on\" }, "
                    "write: true, priority: 8, cov: true }");
    assert_non_null(strstr(fan->trouble, "out of service"));
    const struct kept *mode = node("multi-state-value:3");
    assert_int_equal(mode->enums, 3);
    assert_non_null(strstr(mode->point, "enum: { 1: \"off\", 2: \"heat\", 3: \"state 3\" }"));
    assert_string_equal(node("130:5")->value, "1234");
    assert_string_equal(node("structured-view:1")->kind, "view");
    assert_string_equal(node("structured-view:1")->name, "Plant");
    assert_string_equal(node("binary-output")->kind, "group");
    assert_string_equal(node("binary-output")->name, "Binary outputs");
    assert_string_equal(node("130")->name, "Objects of type 130");
}

static void objects_with_proposals(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    browse(&rig, "");
    assert_int_equal(seen.error, 0);
    assert_usual();
    /* those above come first */
    assert_true(node("structured-view:1") < node("analog-input:1"));
    assert_true(node("binary-output") < node("binary-output:2"));
    rig_fini(&rig);
}

static void a_device_that_knows_little(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    has.list_refused = true;
    rig.no_multiple = true;
    browse(&rig, "");
    assert_int_equal(seen.error, 0);
    assert_usual();
    assert_true(rig.asked[BACNET_READ_PROPERTY_MULTIPLE] <= 1);
    /* and one that takes few at a time */
    rig.no_multiple = false;
    rig.answer_most = 100;
    browse(&rig, "");
    assert_int_equal(seen.error, 0);
    assert_usual();
    rig.properties_most = 3;
    browse(&rig, "");
    assert_usual();
    rig_fini(&rig);
}

static void thousands_of_objects(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    has.many = 5000;
    browse(&rig, "");
    assert_int_equal(seen.error, 0);
    /* groups of six types, the view, and each object but the view, which is told as one */
    assert_int_equal(seen.count, 6 + 1 + OBJECTS - 1 + 5000);
    rig_fini(&rig);
}

static void all_properties_of_an_object(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    browse(&rig, "binary-output:2");
    assert_int_equal(seen.error, 0);
    assert_string_equal(node("binary-output:2 object-name")->value, "Fan");
    assert_string_equal(node("binary-output:2 object-name")->point, "");
    assert_string_equal(node("binary-output:2 present-value")->value, "active");
    assert_string_equal(node("binary-output:2 present-value")->point_name, "fan");
    assert_string_equal(node("binary-output:2 present-value")->point,
                        "{ object: binary-output:2, property: present-value }");
    for (unsigned i = 1; i <= 16; i++) {
        char id[64];
        str_format(id, sizeof(id), "binary-output:2 priority-array[%u]", i);
        const struct kept *slot = node(id);
        assert_string_equal(slot->kind, "priority");
        assert_string_equal(slot->parent, "binary-output:2 priority-array");
        assert_string_equal(slot->value, i == 8 ? "active" : "-");
        assert_string_equal(slot->point, "");
    }
    assert_string_equal(node("binary-output:2 600")->value, "cafe");
    rig_fini(&rig);
}

static void without_a_property_list(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    has.property_list = false;
    rig.no_multiple = true;
    browse(&rig, "BO:2");
    assert_int_equal(seen.error, 0);
    assert_string_equal(node("binary-output:2 active-text")->value, "on");
    assert_string_equal(node("binary-output:2 priority-array[8]")->value, "active");
    for (size_t i = 0; i < seen.kept; i++) {
        assert_string_equal(seen.nodes[i].trouble, ""); /* what is not there is not told */
    }
    rig_fini(&rig);
}

static void what_is_not_there_is_said(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    browse(&rig, "nothing");
    assert_int_equal(seen.error, BUSBAR_ENOENT);
    assert_non_null(strstr(seen.message, "'nothing' is no object"));
    browse(&rig, "analog-value:399999");
    assert_int_equal(seen.error, BUSBAR_ENOENT);
    assert_int_equal(seen.count, 0);
    rig_fini(&rig);
}

static void silence_and_stopping_end_it(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    rig.silent = true;
    rig.browse_at = "";
    bacnet_driver()->browse(&rig.dev, (struct driver_browse *)(void *)&rig);
    rig_pass(&rig, 30000);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.error, BUSBAR_ETIMEOUT);
    assert_non_null(strstr(seen.message, "no answer from"));
    struct driver_browse *asked = (struct driver_browse *)(void *)&rig;
    bacnet_driver()->browse(&rig.dev, asked);
    bacnet_driver()->browse_stop(&rig.dev, asked);
    assert_int_equal(seen.ends, 2);
    assert_int_equal(seen.error, BUSBAR_ECANCELED);
    bacnet_driver()->browse(&rig.dev, asked);
    rig.silent = false;
    rig_fini(&rig);
    assert_int_equal(seen.ends, 3);
    assert_int_equal(seen.error, BUSBAR_ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_with_proposals),
        cmocka_unit_test(a_device_that_knows_little),
        cmocka_unit_test(thousands_of_objects),
        cmocka_unit_test(all_properties_of_an_object),
        cmocka_unit_test(without_a_property_list),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(silence_and_stopping_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
