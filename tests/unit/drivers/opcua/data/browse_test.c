/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at a real server of the library: a press with units, ranges, names of states, a method, a ring; a large folder by
 * continuation points; more branches than the server has points for; what is not there. */
#include "../link/server_rig.h"

#include "base/err.h"
#include "base/map.h"
#include "drivers/opcua/data/browse.h"

enum { MANY = 5000, BRANCHES = 12, LEAVES = 150 };

/* ---- what a look heard ---- */

struct heard {
    struct opcua_told *told[256];
    size_t batches, count;
    struct map by_id; /* struct driver_node */
    int ended, error;
    char message[ERR_MESSAGE_MAX];
    struct opcua_browse *browse;
    bool stop_early;
};

static void on_told(void *ctx, struct opcua_told *told)
{
    struct heard *heard = ctx;
    assert_true(heard->batches < 256);
    heard->told[heard->batches++] = told;
    for (size_t i = 0; i < told->count; i++) {
        assert_null(map_set(&heard->by_id, told->nodes[i].id, &told->nodes[i])); /* told once */
    }
    heard->count += told->count;
    assert_int_equal(told->done, heard->count);
    if (heard->stop_early) {
        opcua_browse_stop(heard->browse);
    }
}

static void on_ended(void *ctx, int error, const char *message)
{
    struct heard *heard = ctx;
    heard->ended++;
    heard->error = error;
    (void)str_copy(heard->message, sizeof(heard->message), message);
}

static const struct opcua_browse_events events = { .told = on_told, .ended = on_ended };

static void look(struct heard *heard, const struct server *server, const char *at)
{
    struct opcua_link_config config = client_config(server);
    config.automatic = false;
    config.mode = OPCUA_MODE_NONE;
    config.policy = OPCUA_POLICY_NONE;
    bool stop_early = heard->stop_early;
    *heard = (struct heard){ .stop_early = stop_early };
    heard->browse = opcua_browse_start(rig.thread, rig.trust, &config, at, &events, heard);
    wait_for(rig.loop, &heard->ended, 1);
}

static void forget(struct heard *heard)
{
    for (size_t i = 0; i < heard->batches; i++) {
        opcua_told_free(heard->told[i]);
    }
    map_fini(&heard->by_id);
}

static const struct driver_node *node_of(const struct heard *heard, const char *id)
{
    const struct driver_node *node = map_get(&heard->by_id, id);
    if (node == NULL) {
        fail_msg("%s was not told", id);
    }
    return node;
}

/* ---- what a server has; namespace 2 is urn:acme:press:nodes ---- */

#define NSU "nsu=urn:acme:press:nodes;s="

static UA_NodeId id_of(const char *name)
{
    return UA_NODEID_STRING(2, (char *)(uintptr_t)name);
}

static void add_object(struct server *server, const char *name, UA_NodeId parent, uint32_t type)
{
    UA_ObjectAttributes about = UA_ObjectAttributes_default;
    about.displayName = UA_LOCALIZEDTEXT("en", (char *)(uintptr_t)name);
    UA_NodeId reference = UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES);
    assert_int_equal(UA_Server_addObjectNode(server->server, id_of(name), parent, reference,
                                             UA_QUALIFIEDNAME(2, (char *)(uintptr_t)name),
                                             UA_NODEID_NUMERIC(0, type), about, NULL, NULL),
                     UA_STATUSCODE_GOOD);
}

static void add_variable(struct server *server, const char *name, UA_NodeId parent,
                         UA_VariableAttributes *about)
{
    about->displayName = UA_LOCALIZEDTEXT("en", (char *)(uintptr_t)name);
    assert_int_equal(UA_Server_addVariableNode(server->server, id_of(name), parent,
                                               UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT),
                                               UA_QUALIFIEDNAME(2, (char *)(uintptr_t)name),
                                               UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE),
                                               *about, NULL, NULL),
                     UA_STATUSCODE_GOOD);
}

static void add_property(struct server *server, const char *of, const char *name, const void *value,
                         size_t count, const UA_DataType *type)
{
    UA_VariableAttributes about = UA_VariableAttributes_default;
    uint32_t dimension = 0;
    char id[64];
    str_format(id, sizeof(id), "%s.%s", of, name);
    about.displayName = UA_LOCALIZEDTEXT("en", (char *)(uintptr_t)name);
    if (count == 0) {
        UA_Variant_setScalar(&about.value, (void *)(uintptr_t)value, type);
    } else {
        UA_Variant_setArray(&about.value, (void *)(uintptr_t)value, count, type);
        about.valueRank = UA_VALUERANK_ONE_DIMENSION;
        about.arrayDimensions = &dimension;
        about.arrayDimensionsSize = 1;
    }
    about.dataType = type->typeId;
    assert_int_equal(UA_Server_addVariableNode(server->server, id_of(id), id_of(of),
                                               UA_NODEID_NUMERIC(0, UA_NS0ID_HASPROPERTY),
                                               UA_QUALIFIEDNAME(0, (char *)(uintptr_t)name),
                                               UA_NODEID_NUMERIC(0, UA_NS0ID_PROPERTYTYPE), about,
                                               NULL, NULL),
                     UA_STATUSCODE_GOOD);
}

static void add_number(struct server *server, const char *name, UA_NodeId parent, double number,
                       uint8_t access)
{
    UA_VariableAttributes about = UA_VariableAttributes_default;
    UA_Variant_setScalar(&about.value, &number, &UA_TYPES[UA_TYPES_DOUBLE]);
    about.dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
    about.accessLevel = access;
    about.userAccessLevel = access;
    add_variable(server, name, parent, &about);
}

static UA_StatusCode on_method(UA_Server *server, const UA_NodeId *session, void *session_ctx,
                               const UA_NodeId *method, void *method_ctx, const UA_NodeId *object,
                               void *object_ctx, size_t in_count, const UA_Variant *in,
                               size_t out_count, UA_Variant *out)
{
    (void)server, (void)session, (void)session_ctx, (void)method, (void)method_ctx, (void)object;
    (void)object_ctx, (void)in_count, (void)in, (void)out_count, (void)out;
    return UA_STATUSCODE_GOOD;
}

static void add_method(struct server *server)
{
    UA_MethodAttributes about = UA_MethodAttributes_default;
    UA_Argument in[2];
    about.displayName = UA_LOCALIZEDTEXT("en", "Start");
    about.executable = about.userExecutable = true;
    for (size_t i = 0; i < 2; i++) {
        UA_Argument_init(&in[i]);
        in[i].valueRank = i == 0 ? UA_VALUERANK_SCALAR : UA_VALUERANK_ONE_DIMENSION;
    }
    in[0].name = UA_STRING("Speed");
    in[0].dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
    in[1].name = UA_STRING("Steps");
    in[1].dataType = UA_TYPES[UA_TYPES_UINT16].typeId;
    assert_int_equal(UA_Server_addMethodNode(server->server, id_of("Start"), id_of("Press"),
                                             UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT),
                                             UA_QUALIFIEDNAME(2, "Start"), about, on_method, 2, in,
                                             0, NULL, NULL, NULL),
                     UA_STATUSCODE_GOOD);
}

static void add_press(struct server *server)
{
    UA_NodeId objects = UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER);
    add_object(server, "Press", objects, UA_NS0ID_BASEOBJECTTYPE);
    add_object(server, "Oil", id_of("Press"), UA_NS0ID_FOLDERTYPE);
    add_number(server, "Oil.Temp", id_of("Oil"), 61.5, 3);
    UA_EUInformation units;
    UA_EUInformation_init(&units);
    units.displayName = UA_LOCALIZEDTEXT("en", "\xC2\xB0"
                                               "C");
    units.unitId = 4408652;
    units.namespaceUri = UA_STRING("http://www.opcfoundation.org/UA/units/un/cefact");
    UA_Range range = { 0, 120 };
    add_property(server, "Oil.Temp", "EngineeringUnits", &units, 0,
                 &UA_TYPES[UA_TYPES_EUINFORMATION]);
    add_property(server, "Oil.Temp", "EURange", &range, 0, &UA_TYPES[UA_TYPES_RANGE]);
    UA_VariableAttributes mode = UA_VariableAttributes_default;
    uint32_t number = 1;
    UA_LocalizedText names[] = { UA_LOCALIZEDTEXT("en", "idle"),
                                 UA_LOCALIZEDTEXT("en", "running") };
    UA_Variant_setScalar(&mode.value, &number, &UA_TYPES[UA_TYPES_UINT32]);
    mode.dataType = UA_TYPES[UA_TYPES_UINT32].typeId;
    mode.description = UA_LOCALIZEDTEXT("en", "What the press does");
    add_variable(server, "Mode", id_of("Press"), &mode);
    add_property(server, "Mode", "EnumStrings", names, 2, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
    UA_VariableAttributes state =
        UA_VariableAttributes_default; /* an enumeration of the standard */
    UA_ServerState running = UA_SERVERSTATE_SUSPENDED;
    UA_Variant_setScalar(&state.value, &running, &UA_TYPES[UA_TYPES_SERVERSTATE]);
    state.dataType = UA_TYPES[UA_TYPES_SERVERSTATE].typeId;
    add_variable(server, "State", id_of("Press"), &state);
    UA_VariableAttributes curve = UA_VariableAttributes_default;
    double numbers[] = { 1, 2.5, 4 };
    UA_Variant_setArray(&curve.value, numbers, 3, &UA_TYPES[UA_TYPES_DOUBLE]);
    curve.dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
    curve.valueRank = UA_VALUERANK_ONE_DIMENSION;
    uint32_t dimension = 0;
    curve.arrayDimensions = &dimension;
    curve.arrayDimensionsSize = 1;
    add_variable(server, "Curve", id_of("Press"), &curve);
    add_number(server, "Hidden", id_of("Press"), 1, 0);
    add_method(server);
    /* A ring: the oil has the press in it. */
    assert_int_equal(UA_Server_addReference(server->server, id_of("Oil"),
                                            UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES),
                                            UA_EXPANDEDNODEID_STRING(2, "Press"), true),
                     UA_STATUSCODE_GOOD);
}

/* ---- tests ---- */

static void a_press_as_it_tells_itself(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard = { .batches = 0 };
    server_start(&server);
    add_press(&server);
    look(&heard, &server, "");
    assert_int_equal(heard.error, 0);
    assert_string_equal(heard.message, "");
    const struct driver_node *press = node_of(&heard, NSU "Press");
    assert_string_equal(press->parent, "");
    assert_string_equal(press->kind, "group");
    assert_string_equal(press->description, "BaseObjectType");
    assert_true(press->branch);
    assert_string_equal(node_of(&heard, NSU "Oil")->kind, "group");
    assert_string_equal(node_of(&heard, NSU "Oil")->parent, NSU "Press");
    const struct driver_node *temp = node_of(&heard, NSU "Oil.Temp");
    assert_string_equal(temp->parent, NSU "Oil");
    assert_string_equal(temp->kind, "variable");
    assert_string_equal(temp->description, "Double");
    assert_string_equal(temp->units, "degC");
    assert_true(temp->has_min && temp->has_max);
    assert_true(temp->min == 0 && temp->max == 120); /* exact numbers */
    assert_int_equal(temp->value.type, VALUE_DOUBLE);
    assert_true(temp->value.value.d == 61.5);
    assert_true(temp->readable && temp->writable && temp->watchable && temp->proposed);
    assert_string_equal(temp->point_name, "oil-temp");
    assert_string_equal(temp->point, "{ node: \"" NSU "Oil.Temp\", units: \"degC\", "
                                     "write: { min: 0, max: 120 } }");
    /* Nodes of the Server object are left to a look of their own. */
    assert_true(node_of(&heard, "i=2253")->branch);
    assert_null(map_get(&heard.by_id, "i=2256"));
    forget(&heard);
    server_end(&server);
}

static void states_arrays_methods(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard = { .batches = 0 };
    server_start(&server);
    add_press(&server);
    look(&heard, &server, "");
    const struct driver_node *mode = node_of(&heard, NSU "Mode");
    assert_int_equal(mode->enum_count, 2);
    assert_string_equal(mode->enums[1].name, "running");
    assert_string_equal(mode->description, "What the press does");
    assert_false(mode->writable);
    assert_string_equal(mode->point, "{ node: \"" NSU "Mode\", name: \"What the press does\", "
                                     "enum: { 0: \"idle\", 1: \"running\" } }");
    const struct driver_node *of_standard = node_of(&heard, NSU "State");
    assert_string_equal(of_standard->description, "ServerState");
    assert_int_equal(of_standard->enum_count, 8);
    assert_string_equal(of_standard->enums[3].name, "Suspended");
    assert_true(of_standard->proposed);
    const struct driver_node *curve = node_of(&heard, NSU "Curve");
    assert_string_equal(curve->description, "Double[]");
    assert_false(curve->proposed);
    assert_non_null(curve->point);
    const struct driver_node *hidden = node_of(&heard, NSU "Hidden");
    assert_false(hidden->readable || hidden->proposed);
    assert_null(hidden->point);
    assert_non_null(strstr(hidden->trouble, "BadNotReadable"));
    const struct driver_node *start = node_of(&heard, NSU "Start");
    assert_string_equal(start->kind, "method");
    assert_string_equal(start->description, "wants Speed Double, Steps UInt16[]");
    assert_string_equal(start->command, "{ method: \"" NSU "Start\", object: \"" NSU "Press\" }");
    assert_null(start->point);
    forget(&heard);
    server_end(&server);
}

static const char *row(const struct heard *heard, const char *id, const char *name)
{
    char text[128];
    str_format(text, sizeof(text), "%s %s", id, name);
    const struct driver_node *node = node_of(heard, text);
    assert_string_equal(node->kind, "property");
    return node->value_text;
}

static void one_node_and_what_is_below(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard = { .batches = 0 };
    server_start(&server);
    add_press(&server);
    look(&heard, &server, "ns=2;s=Oil.Temp");
    assert_int_equal(heard.error, 0);
    assert_string_equal(row(&heard, NSU "Oil.Temp", "value"), "61.5");
    assert_string_equal(row(&heard, NSU "Oil.Temp", "data type"), "Double");
    assert_string_equal(row(&heard, NSU "Oil.Temp", "type"), "BaseDataVariableType");
    assert_string_equal(row(&heard, NSU "Oil.Temp", "access"), "read, write");
    assert_string_equal(row(&heard, NSU "Oil.Temp", "range"), "0 to 120");
    assert_string_equal(node_of(&heard, NSU "Oil.Temp.EURange")->kind, "property");
    assert_string_equal(node_of(&heard, NSU "Oil.Temp.EURange")->parent, "");
    forget(&heard);
    look(&heard, &server, NSU "Press");
    assert_string_equal(node_of(&heard, NSU "Oil")->parent, "");
    assert_string_equal(node_of(&heard, NSU "Oil.Temp")->parent, NSU "Oil");
    assert_string_equal(node_of(&heard, NSU "Start")->command,
                        "{ method: \"" NSU "Start\", object: \"" NSU "Press\" }");
    assert_null(map_get(&heard.by_id, NSU "Press")); /* by the ring */
    forget(&heard);
    server_end(&server);
}

static void a_structure_and_its_members(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard = { .batches = 0 };
    server_start(&server);
    look(&heard, &server, "i=2256"); /* ServerStatus */
    assert_int_equal(heard.error, 0);
    assert_string_equal(row(&heard, "i=2256", "data type"), "ServerStatusDataType");
    const struct driver_node *of_inner = node_of(&heard, "i=2256 member BuildInfo.ProductName");
    assert_string_equal(of_inner->kind, "property");
    assert_int_equal(of_inner->value.type, VALUE_TEXT);
    assert_string_equal(of_inner->point_name, "build-info-product-name");
    assert_string_equal(of_inner->point, "{ node: \"i=2256\", member: \"BuildInfo.ProductName\" }");
    const struct driver_node *running = node_of(&heard, "i=2256 member State");
    assert_int_equal(running->value.type, VALUE_INT);
    assert_int_equal(running->value.value.i, 0);
    forget(&heard);
    server_end(&server);
}

static void what_is_not_there(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard = { .batches = 0 };
    server_start(&server);
    look(&heard, &server, NSU "Nowhere");
    assert_int_equal(heard.error, BUSBAR_ENOENT);
    assert_non_null(strstr(heard.message, "BadNodeIdUnknown"));
    forget(&heard);
    look(&heard, &server, "nsu=urn:other;s=X");
    assert_int_equal(heard.error, BUSBAR_ENOENT);
    assert_non_null(strstr(heard.message, "urn:other"));
    forget(&heard);
    look(&heard, &server, "press");
    assert_int_equal(heard.error, BUSBAR_EINVAL);
    forget(&heard);
    server_end(&server);
    look(&heard, &server, "");
    assert_int_equal(heard.error, BUSBAR_ECONNREFUSED);
    assert_int_equal(heard.count, 0);
    forget(&heard);
}

/* 5,000 nodes in a folder, 100 references in an answer, 77 nodes in a Browse. */
static void a_large_folder(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard = { .batches = 0 };
    char name[64];
    server_start(&server);
    UA_Server_getConfig(server.server)->maxReferencesPerNode = 100;
    add_object(&server, "Large", UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER), UA_NS0ID_FOLDERTYPE);
    for (int i = 0; i < MANY; i++) {
        str_format(name, sizeof(name), "n%d", i);
        add_number(&server, name, id_of("Large"), i, 1);
    }
    look(&heard, &server, NSU "Large");
    assert_int_equal(heard.error, 0);
    assert_true(heard.batches >= MANY / OPCUA_BROWSE_ROUND);
    for (int i = 0; i < MANY; i++) {
        str_format(name, sizeof(name), NSU "n%d", i);
        assert_true(node_of(&heard, name)->value.value.d == i);
    }
    forget(&heard);
    look(&heard, &server, ""); /* of everything only so much */
    assert_true(heard.count >= OPCUA_BROWSE_DEEP && heard.count <= OPCUA_BROWSE_DEEP + 100);
    assert_non_null(strstr(heard.message, "there is more below"));
    forget(&heard);
    heard.stop_early = true;
    look(&heard, &server, NSU "Large");
    assert_int_equal(heard.error, BUSBAR_ECANCELED);
    assert_int_equal(heard.batches, 1);
    forget(&heard);
    server_end(&server);
}

/* The server has five continuation points for a session; more branches than that need one. */
static void more_branches_than_continuation_points(void **state)
{
    (void)state;
    struct server server = { .only_none = true };
    struct heard heard = { .batches = 0 };
    char name[64];
    char branch[64];
    server_start(&server);
    UA_Server_getConfig(server.server)->maxReferencesPerNode = 10;
    for (int i = 0; i < BRANCHES; i++) {
        str_format(branch, sizeof(branch), "b%d", i);
        add_object(&server, branch, UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER),
                   UA_NS0ID_FOLDERTYPE);
        for (int k = 0; k < LEAVES; k++) {
            str_format(name, sizeof(name), "b%d.%d", i, k);
            add_number(&server, name, id_of(branch), k, 1);
        }
    }
    look(&heard, &server, "");
    assert_int_equal(heard.error, 0);
    for (int i = 0; i < BRANCHES; i++) {
        str_format(name, sizeof(name), NSU "b%d.%d", i, LEAVES - 1);
        str_format(branch, sizeof(branch), NSU "b%d", i);
        assert_string_equal(node_of(&heard, name)->parent, branch);
    }
    assert_string_equal(heard.message, "");
    forget(&heard);
    server_end(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_press_as_it_tells_itself),
        cmocka_unit_test(states_arrays_methods),
        cmocka_unit_test(one_node_and_what_is_below),
        cmocka_unit_test(a_structure_and_its_members),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(a_large_folder),
        cmocka_unit_test(more_branches_than_continuation_points),
    };
    return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
