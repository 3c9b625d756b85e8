/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated OPC UA servers, asked by the library's own client: what is there, what it reads, what is written, alarms, methods,
 * history, faults. Real time, over loopback. */
#include "sim/sim_opcua.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <open62541/client_config_default.h>
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>
#include <open62541/plugin/log_stdout.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/opcua/opcua.h"
#include "drivers/opcua/opcua_config.h"
#include "sim/sim_opcua_certificate.h"
#include "support/free_port.h"

enum { DEVICES_MAX = 4, FIELDS = 6 };

static const struct option command_options[] = {
    { .key = "method", .type = OPTION_TEXT, .max = 500, .help = "" },
    { .key = "object", .type = OPTION_TEXT, .max = 500, .help = "" },
    { .key = NULL },
};

struct bench {
    struct loop *loop;
    struct sim *sim;
    struct registry *registry;
    struct device *devices[DEVICES_MAX];
    size_t count;
    int port;
    UA_Client *client;
    struct config_protocol protocol;
    /* alarms heard */
    size_t events, refresh_marks, odd;
    bool active, acked;
    UA_ByteString event_id;
    UA_NodeId condition;
    /* data changes heard */
    size_t changes;
};

static const char site[] =
    "devices:\n"
    "  press:\n"
    "    opcua: { url: \"opc.tcp://127.0.0.1:$p/press\" }\n"
    "    points:\n"
    "      oil-t: { node: \"nsu=urn:acme:press;s=Oil.Temp\", units: degC }\n"
    "      speed: { node: \"nsu=urn:acme:press;i=17\", type: int, units: rpm, write: { min: 0, "
    "max: 2000 } }\n"
    "      mode: { node: \"nsu=urn:acme:press;s=Mode\", enum: [idle, running, fault], write: true "
    "}\n"
    "      stage: { node: \"nsu=urn:acme:press;s=Stage\", enum: { 1: one, 5: five } }\n"
    "      guard-alarm: { node: \"nsu=urn:acme:press;s=Guard\", type: bool }\n"
    "      recipe: { node: \"nsu=urn:acme:press;s=Recipe\", type: string, write: true }\n"
    "      zone-1: { node: \"nsu=urn:acme:press;s=Zones\", range: \"0\", units: degC }\n"
    "      zone-4: { node: \"nsu=urn:acme:press;s=Zones\", range: \"3\", units: degC }\n"
    "      x: { node: \"nsu=urn:acme:press;s=Head\", member: Position.X, type: double }\n"
    "      y: { node: \"nsu=urn:acme:press;s=Head\", member: Position.Y, type: double }\n"
    "      homed: { node: \"nsu=urn:acme:press;s=Head\", member: Homed, type: bool }\n"
    "      by-index: { node: \"ns=5;s=Plain\" }\n"
    "      clock: { node: \"i=2258\" }\n"
    "    commands:\n"
    "      reset: { method: \"nsu=urn:acme:press;s=Reset\" }\n"
    "      load-recipe: { method: \"nsu=urn:acme:press;s=Load\", object: "
    "\"nsu=urn:acme:press;s=Recipes\" }\n"
    "  oven:\n"
    "    opcua: { url: \"opc.tcp://127.0.0.1:$p\", user: joe }\n"
    "    points: { t: { node: \"nsu=urn:acme:oven;s=T\", units: degC } }\n";

static void load(struct bench *bench, const char *only)
{
    struct buf text;
    struct problems problems;
    struct config *config = NULL;
    bench->protocol = (struct config_protocol){
        .name = "opcua",
        .device_options = opcua_device_options,
        .point_options = opcua_point_options,
        .address_bytes = sizeof(struct opcua_address),
        .resolve = opcua_driver()->resolve,
        .command_options = command_options,
    };
    struct config_env env = { .protocols = &bench->protocol, .protocol_count = 1 };
    buf_init(&text, 1 << 16);
    for (const char *at = site; *at != '\0'; at++) {
        if (at[0] == '$' && at[1] == 'p') {
            buf_printf(&text, "%d", bench->port);
            at++;
        } else {
            buf_append_byte(&text, (uint8_t)*at);
        }
    }
    struct config_text source = { "site.yaml", buf_text(&text), text.size };
    problems_init(&problems);
    if (config_load_texts(&source, 1, &env, &config, &problems) != 0) {
        buf_clear(&text);
        problems_print(&problems, &text);
        fail_msg("%s", buf_text(&text));
    }
    for (size_t i = 0; i < config->device_count; i++) {
        struct err err = { 0 };
        if (only != NULL && strcmp(config->devices[i].name, only) != 0) {
            continue;
        }
        struct device **dev = &bench->devices[bench->count++];
        assert_int_equal(
            config_make_device(config, &config->devices[i], bench->registry, dev, &err), 0);
        int error = sim_add(bench->sim, *dev, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(error, 0);
    }
    config_free(config);
    problems_fini(&problems);
    buf_fini(&text);
}

static void open_bench(struct bench *bench, const char *only)
{
    bench->port = test_free_port();
    bench->loop = loop_new();
    bench->registry = registry_new();
    bench->sim = sim_new(bench->loop, 7);
    load(bench, only);
    loop_turn(bench->loop, false); /* the threads begin */
}

static int setup(void **state)
{
    struct bench *bench = busbar_alloc(sizeof(*bench));
    open_bench(bench, "press");
    *state = bench;
    return 0;
}

static int setup_users(void **state)
{
    struct bench *bench = busbar_alloc(sizeof(*bench));
    open_bench(bench, "oven");
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    if (bench->client != NULL) {
        UA_Client_delete(bench->client);
    }
    UA_ByteString_clear(&bench->event_id);
    UA_NodeId_clear(&bench->condition);
    sim_free(bench->sim);
    loop_turn(bench->loop, false);
    loop_free(bench->loop);
    for (size_t i = 0; i < bench->count; i++) {
        device_free(bench->devices[i]);
    }
    registry_free(bench->registry);
    busbar_free(bench);
    return 0;
}

/* ---- the client ---- */

static void connect_client(struct bench *bench)
{
    char url[64];
    if (bench->client == NULL) {
        bench->client = UA_Client_new();
        UA_ClientConfig *config = UA_Client_getConfig(bench->client);
        UA_ClientConfig_setDefault(config);
        config->logging->context = (void *)(uintptr_t)UA_LOGLEVEL_FATAL;
        config->timeout = 3000;
    }
    str_format(url, sizeof(url), "opc.tcp://127.0.0.1:%d", bench->port);
    UA_StatusCode status = UA_Client_connect(bench->client, url);
    for (int i = 0; i < 50 && status != UA_STATUSCODE_GOOD; i++) { /* it may be starting again */
        usleep(100000);
        status = UA_Client_connect(bench->client, url);
    }
    assert_int_equal(status, UA_STATUSCODE_GOOD);
}

static UA_UInt16 index_of(struct bench *bench, const char *uri)
{
    UA_String text = sim_opcua_text(uri);
    UA_UInt16 index = 0;
    assert_int_equal(UA_Client_NamespaceGetIndex(bench->client, &text, &index), 0);
    return index;
}

static UA_NodeId press(struct bench *bench, const char *name)
{
    UA_NodeId id = { .namespaceIndex = index_of(bench, "urn:acme:press"),
                     .identifierType = UA_NODEIDTYPE_STRING };
    id.identifier.string = sim_opcua_text(name);
    return id;
}

static UA_Variant read_value(struct bench *bench, UA_NodeId id)
{
    UA_Variant value;
    UA_Variant_init(&value);
    assert_int_equal(UA_Client_readValueAttribute(bench->client, id, &value), 0);
    return value;
}

static void command(struct bench *bench, const char *line, const char *answer)
{
    struct buf out;
    buf_init(&out, 4096);
    sim_command(bench->sim, line, &out);
    assert_string_equal(buf_text(&out), answer);
    buf_fini(&out);
    usleep(100000); /* posted calls run */
}

static UA_Variant read_property(struct bench *bench, UA_NodeId node, const char *name)
{
    UA_BrowsePath path = { .startingNode = node };
    UA_RelativePathElement element = { .referenceTypeId = UA_NODEID_NUMERIC(0,
                                                                            UA_NS0ID_HASPROPERTY),
                                       .targetName = { .name = sim_opcua_text(name) } };
    path.relativePath = (UA_RelativePath){ .elementsSize = 1, .elements = &element };
    UA_TranslateBrowsePathsToNodeIdsRequest request = { .browsePathsSize = 1,
                                                        .browsePaths = &path };
    UA_TranslateBrowsePathsToNodeIdsResponse response =
        UA_Client_Service_translateBrowsePathsToNodeIds(bench->client, request);
    assert_int_equal(response.resultsSize, 1);
    assert_int_equal(response.results[0].targetsSize, 1);
    UA_Variant value = read_value(bench, response.results[0].targets[0].targetId.nodeId);
    UA_TranslateBrowsePathsToNodeIdsResponse_clear(&response);
    return value;
}

/* ---- tests ---- */

static void values_have_types_ranges_units_and_names(void **state)
{
    struct bench *bench = *state;
    connect_client(bench);
    UA_Variant value = read_value(bench, press(bench, "Oil.Temp"));
    assert_true(UA_DataType_isNumeric(value.type));
    UA_Variant_clear(&value);
    value = read_property(bench, press(bench, "Oil.Temp"), "EngineeringUnits");
    UA_EUInformation *units = value.data;
    assert_int_equal(units->unitId, 4408652); /* CEL, by the list of UNECE */
    UA_Variant_clear(&value);
    value = read_property(bench, press(bench, "Oil.Temp"), "EURange");
    UA_Range *range = value.data;
    assert_true(range->high > range->low);
    UA_Variant_clear(&value);
    value = read_property(bench, press(bench, "Mode"), "EnumStrings");
    assert_int_equal(value.arrayLength, 3);
    UA_String running = UA_STRING("running");
    assert_true(UA_String_equal(&((UA_LocalizedText *)value.data)[1].text, &running));
    UA_Variant_clear(&value);
    value = read_property(bench, press(bench, "Stage"), "EnumValues");
    assert_int_equal(value.arrayLength, 2);
    assert_int_equal(((UA_EnumValueType *)value.data)[1].value, 5);
    UA_Variant_clear(&value);
    value = read_value(bench, UA_NODEID_STRING(5, "Plain"));
    UA_Variant_clear(&value);
}

static void arrays_and_structures_are_whole(void **state)
{
    struct bench *bench = *state;
    connect_client(bench);
    UA_Variant value = read_value(bench, press(bench, "Zones"));
    assert_int_equal(value.arrayLength, 4);
    UA_Variant_clear(&value);
    value = read_value(bench, press(bench, "Head"));
    assert_int_equal(value.type->typeKind, UA_DATATYPEKIND_EXTENSIONOBJECT);
    UA_ExtensionObject *body = value.data;
    UA_NodeId encoding;
    assert_int_equal(UA_NodeId_copy(&body->content.encoded.typeId, &encoding), 0);
    assert_int_equal(body->encoding, UA_EXTENSIONOBJECT_ENCODED_BYTESTRING);
    assert_int_equal(body->content.encoded.body.length, 8 + 8 + 1);
    UA_Variant_clear(&value);
    UA_NodeId type;
    assert_int_equal(UA_Client_readDataTypeAttribute(bench->client, press(bench, "Head"), &type),
                     0);
    UA_BrowseDescription from = { .nodeId = encoding, /* from a value to its type */
                                  .browseDirection = UA_BROWSEDIRECTION_INVERSE,
                                  .referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HASENCODING),
                                  .resultMask = UA_BROWSERESULTMASK_ALL };
    UA_BrowseRequest browse = { .nodesToBrowseSize = 1, .nodesToBrowse = &from };
    UA_BrowseResponse found = UA_Client_Service_browse(bench->client, browse);
    assert_int_equal(found.resultsSize, 1);
    assert_int_equal(found.results[0].referencesSize, 1);
    assert_true(UA_NodeId_equal(&found.results[0].references[0].nodeId.nodeId, &type));
    UA_String name = UA_STRING("HeadType");
    assert_true(UA_String_equal(&found.results[0].references[0].browseName.name, &name));
    UA_BrowseResponse_clear(&found);
    UA_NodeId_clear(&encoding);
    UA_ReadValueId id = { .nodeId = type, .attributeId = UA_ATTRIBUTEID_DATATYPEDEFINITION };
    UA_ReadRequest request = { .nodesToReadSize = 1, .nodesToRead = &id };
    UA_ReadResponse response = UA_Client_Service_read(bench->client, request);
    assert_int_equal(response.resultsSize, 1);
    UA_DataValue read = response.results[0];
    assert_true(read.hasValue);
    UA_StructureDefinition *definition = read.value.data;
    assert_int_equal(definition->fieldsSize, 2);
    UA_String homed = UA_STRING("Homed");
    assert_true(UA_String_equal(&definition->fields[1].name, &homed));
    UA_ReadResponse_clear(&response);
    UA_NodeId_clear(&type);
}

static void what_is_written_stays(void **state)
{
    struct bench *bench = *state;
    connect_client(bench);
    UA_Variant value = read_value(bench, UA_NODEID_NUMERIC(index_of(bench, "urn:acme:press"), 17));
    const UA_DataType *type = value.type;
    UA_Variant_clear(&value);
    UA_Int64 wide = 1234;
    UA_Int32 narrow = 1234;
    UA_Variant_setScalar(&value, type == &UA_TYPES[UA_TYPES_INT64] ? (void *)&wide : &narrow, type);
    UA_NodeId id = UA_NODEID_NUMERIC(index_of(bench, "urn:acme:press"), 17);
    assert_int_equal(UA_Client_writeValueAttribute(bench->client, id, &value), 0);
    value = read_value(bench, id);
    assert_int_equal(type == &UA_TYPES[UA_TYPES_INT64] ? *(UA_Int64 *)value.data
                                                       : *(UA_Int32 *)value.data,
                     1234);
    UA_Variant_clear(&value);
    UA_Double number = 1.0;
    UA_Variant_setScalar(&value, &number, &UA_TYPES[UA_TYPES_DOUBLE]);
    assert_int_equal(UA_Client_writeValueAttribute(bench->client, id, &value),
                     UA_STATUSCODE_BADTYPEMISMATCH);
    assert_int_equal(UA_Client_writeValueAttribute(bench->client, press(bench, "Oil.Temp"), &value),
                     UA_STATUSCODE_BADNOTWRITABLE);
}

static double zone(struct bench *bench, size_t index)
{
    UA_Variant value = read_value(bench, press(bench, "Zones"));
    double number = value.type == &UA_TYPES[UA_TYPES_FLOAT]
                        ? (double)((UA_Float *)value.data)[index]
                        : ((UA_Double *)value.data)[index];
    UA_Variant_clear(&value);
    return number;
}

static void control_lines_hold_values(void **state)
{
    struct bench *bench = *state;
    connect_client(bench);
    command(bench, "set press/zone-4 99.5", "ok\n");
    assert_float_equal(zone(bench, 3), 99.5, 0.001);
    assert_true(zone(bench, 0) < 90.0);
    command(bench, "set press/zone-4 auto", "ok\n");
    assert_true(zone(bench, 3) < 90.0);
    command(bench, "set press/recipe lid-40", "ok\n");
    UA_Variant value = read_value(bench, press(bench, "Recipe"));
    UA_String lid = UA_STRING("lid-40");
    assert_true(UA_String_equal(value.data, &lid));
    UA_Variant_clear(&value);
}

static void faults_are_seen(void **state)
{
    struct bench *bench = *state;
    UA_Variant value;
    UA_Variant_init(&value);
    connect_client(bench);
    command(bench, "press=error:0x8031", "ok\n"); /* BadNoCommunication */
    assert_int_equal(UA_Client_readValueAttribute(bench->client, press(bench, "Oil.Temp"), &value),
                     UA_STATUSCODE_BADNOCOMMUNICATION);
    command(bench, "press=most-nodes:2", "ok\n");
    UA_ReadValueId ids[3];
    for (size_t i = 0; i < 3; i++) {
        ids[i] = (UA_ReadValueId){ .nodeId = UA_NODEID_NUMERIC(0, UA_NS0ID_SERVER_SERVERSTATUS),
                                   .attributeId = UA_ATTRIBUTEID_VALUE };
    }
    UA_ReadRequest request = { .nodesToReadSize = 3, .nodesToRead = ids };
    UA_ReadResponse response = UA_Client_Service_read(bench->client, request);
    assert_int_equal(response.responseHeader.serviceResult, UA_STATUSCODE_BADTOOMANYOPERATIONS);
    UA_ReadResponse_clear(&response);
    command(bench, "press=none", "ok\n");
    value = read_value(bench, press(bench, "Oil.Temp"));
    UA_Variant_clear(&value);
    command(bench, "press=apdu:100",
            "error: 'apdu:100' is no fault of a opcua device like 'press'; faults: none silence "
            "slow:500ms close down frozen error:31 restart cov-silence most-nodes:100 no-trust "
            "no-login\n");
}

static void after_a_restart_nodes_come_later(void **state)
{
    struct bench *bench = *state;
    UA_Variant value;
    UA_Variant_init(&value);
    connect_client(bench);
    UA_UInt16 before = index_of(bench, "urn:acme:press");
    command(bench, "press=restart,for=1s", "ok\n");
    usleep(300000);
    UA_Client_disconnect(bench->client);
    connect_client(bench);
    UA_NodeId id = UA_NODEID_STRING(before, "Oil.Temp");
    assert_int_equal(UA_Client_readValueAttribute(bench->client, id, &value),
                     UA_STATUSCODE_BADNODEIDUNKNOWN);
    for (int i = 0; i < 30; i++) {
        loop_turn(bench->loop, true); /* until the fault is over */
    }
    value = read_value(bench, press(bench, "Oil.Temp"));
    UA_Variant_clear(&value);
    assert_int_not_equal(index_of(bench, "urn:acme:press"), before);
}

static void a_device_that_is_down_refuses(void **state)
{
    struct bench *bench = *state;
    char url[64];
    connect_client(bench);
    UA_Client_disconnect(bench->client);
    command(bench, "press=down", "ok\n");
    str_format(url, sizeof(url), "opc.tcp://127.0.0.1:%d", bench->port);
    UA_StatusCode status = UA_STATUSCODE_GOOD;
    for (int i = 0; i < 50 && status == UA_STATUSCODE_GOOD; i++) {
        usleep(100000);
        status = UA_Client_connect(bench->client, url);
        UA_Client_disconnect(bench->client);
    }
    assert_int_not_equal(status, UA_STATUSCODE_GOOD);
    command(bench, "press=none", "ok\n");
    connect_client(bench);
}

static void history_is_there_in_both_directions(void **state)
{
    struct bench *bench = *state;
    connect_client(bench);
    UA_DateTime now = UA_DateTime_now();
    UA_ReadRawModifiedDetails details = { .startTime = now - 1500 * UA_DATETIME_SEC,
                                          .endTime = now };
    UA_HistoryReadValueId id = { .nodeId = press(bench, "Oil.Temp") };
    UA_HistoryReadRequest request = { .timestampsToReturn = UA_TIMESTAMPSTORETURN_SOURCE,
                                      .nodesToReadSize = 1,
                                      .nodesToRead = &id };
    UA_ExtensionObject_setValueNoDelete(&request.historyReadDetails, &details,
                                        &UA_TYPES[UA_TYPES_READRAWMODIFIEDDETAILS]);
    UA_HistoryReadResponse response = UA_Client_Service_historyRead(bench->client, request);
    assert_int_equal(response.resultsSize, 1);
    UA_HistoryData *data = response.results[0].historyData.content.decoded.data;
    assert_int_equal(data->dataValuesSize, SIM_OPCUA_HISTORY_MAX);
    assert_true(data->dataValues[0].sourceTimestamp >= details.startTime);
    assert_true(data->dataValues[1].sourceTimestamp > data->dataValues[0].sourceTimestamp);
    UA_DateTime last = data->dataValues[data->dataValuesSize - 1].sourceTimestamp;
    id.continuationPoint = response.results[0].continuationPoint;
    assert_true(id.continuationPoint.length > 0);
    UA_HistoryReadResponse more = UA_Client_Service_historyRead(bench->client, request);
    data = more.results[0].historyData.content.decoded.data;
    assert_in_range(data->dataValuesSize, 499, 501);
    assert_int_equal(data->dataValues[0].sourceTimestamp - last, UA_DATETIME_SEC);
    assert_int_equal(more.results[0].continuationPoint.length, 0);
    UA_HistoryReadResponse_clear(&more);
    UA_HistoryReadResponse_clear(&response);
    details = (UA_ReadRawModifiedDetails){ .startTime = now, .numValuesPerNode = 3 };
    id.continuationPoint = UA_BYTESTRING_NULL;
    details.endTime = now - 100 * UA_DATETIME_SEC;
    response = UA_Client_Service_historyRead(bench->client, request);
    data = response.results[0].historyData.content.decoded.data;
    assert_int_equal(data->dataValuesSize, 3);
    assert_true(data->dataValues[1].sourceTimestamp < data->dataValues[0].sourceTimestamp);
    UA_HistoryReadResponse_clear(&response);
    static const struct {
        UA_DateTime start, end;
        size_t count;
    } odd[] = {
        { INT64_MIN, INT64_MIN, 0 },
        { INT64_MAX, INT64_MAX, 0 },
        { INT64_MIN, INT64_MAX, 3 },
        { INT64_MAX, INT64_MIN, 3 },
        { 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        details.startTime = odd[i].start;
        details.endTime = odd[i].end;
        response = UA_Client_Service_historyRead(bench->client, request);
        data = response.results[0].historyData.content.decoded.data;
        assert_int_equal(data->dataValuesSize, odd[i].count);
        UA_HistoryReadResponse_clear(&response);
    }
    details.startTime = 0;
    details.endTime = now - now % UA_DATETIME_SEC - 10 * UA_DATETIME_SEC;
    uint8_t far[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f };
    id.continuationPoint = (UA_ByteString){ .length = sizeof(far), .data = far };
    response = UA_Client_Service_historyRead(bench->client, request);
    assert_int_equal(response.results[0].statusCode, UA_STATUSCODE_BADCONTINUATIONPOINTINVALID);
    UA_HistoryReadResponse_clear(&response);
    id.continuationPoint = UA_BYTESTRING_NULL; /* the end is not in it, the start is */
    details.startTime = details.endTime - 2 * UA_DATETIME_SEC;
    response = UA_Client_Service_historyRead(bench->client, request);
    data = response.results[0].historyData.content.decoded.data;
    assert_int_equal(data->dataValuesSize, 2);
    assert_int_equal(data->dataValues[0].sourceTimestamp, details.startTime);
    UA_HistoryReadResponse_clear(&response);
}

/* ---- alarms ---- */

static void heard(UA_Client *client, UA_UInt32 subscription, void *subscription_context,
                  UA_UInt32 item, void *context, size_t count, UA_Variant *fields)
{
    struct bench *bench = context;
    (void)client;
    (void)subscription;
    (void)subscription_context;
    (void)item;
    UA_NodeId *type = count == FIELDS ? fields[0].data : NULL;
    if (type == NULL) { /* no assert in here: it would leave the library by a jump */
        bench->odd = count;
        return;
    }
    if (type->identifier.numeric == UA_NS0ID_REFRESHSTARTEVENTTYPE ||
        type->identifier.numeric == UA_NS0ID_REFRESHENDEVENTTYPE) {
        bench->refresh_marks++;
        return;
    }
    UA_String name = UA_STRING("guard-alarm");
    if (fields[5].type == NULL || !UA_String_equal(fields[5].data, &name)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].data == NULL) {
            bench->odd = 100 + i;
            return;
        }
    }
    bench->events++;
    bench->active = *(UA_Boolean *)fields[1].data;
    bench->acked = *(UA_Boolean *)fields[2].data;
    UA_ByteString_clear(&bench->event_id);
    UA_ByteString_copy(fields[3].data, &bench->event_id);
    UA_NodeId_clear(&bench->condition);
    UA_NodeId_copy(fields[4].data, &bench->condition);
}

static UA_SimpleAttributeOperand operand(UA_UInt32 type, UA_QualifiedName *path, size_t count)
{
    return (UA_SimpleAttributeOperand){ .typeDefinitionId = UA_NODEID_NUMERIC(0, type),
                                        .browsePathSize = count,
                                        .browsePath = path,
                                        .attributeId = UA_ATTRIBUTEID_VALUE };
}

static void subscribe_alarms(struct bench *bench)
{
    UA_QualifiedName event_type[] = { UA_QUALIFIEDNAME(0, "EventType") };
    UA_QualifiedName active[] = { UA_QUALIFIEDNAME(0, "ActiveState"), UA_QUALIFIEDNAME(0, "Id") };
    UA_QualifiedName acked[] = { UA_QUALIFIEDNAME(0, "AckedState"), UA_QUALIFIEDNAME(0, "Id") };
    UA_QualifiedName id[] = { UA_QUALIFIEDNAME(0, "EventId") };
    UA_QualifiedName name[] = { UA_QUALIFIEDNAME(0, "ConditionName") };
    UA_SimpleAttributeOperand select[FIELDS] = {
        operand(UA_NS0ID_BASEEVENTTYPE, event_type, 1),
        operand(UA_NS0ID_ALARMCONDITIONTYPE, active, 2),
        operand(UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE, acked, 2),
        operand(UA_NS0ID_BASEEVENTTYPE, id, 1),
        operand(UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE, NULL, 0), /* not ConditionType: see docs */
        operand(UA_NS0ID_CONDITIONTYPE, name, 1),
    };
    select[4].attributeId = UA_ATTRIBUTEID_NODEID; /* the condition's id (Part 9, 5.5.2.13) */
    UA_EventFilter filter = { .selectClausesSize = FIELDS, .selectClauses = select };
    UA_CreateSubscriptionRequest request = UA_CreateSubscriptionRequest_default();
    request.requestedPublishingInterval = 50.0;
    UA_CreateSubscriptionResponse made = UA_Client_Subscriptions_create(bench->client, request,
                                                                        NULL, NULL, NULL);
    assert_int_equal(made.responseHeader.serviceResult, 0);
    UA_MonitoredItemCreateRequest item = {
        .itemToMonitor = { .nodeId = UA_NODEID_NUMERIC(0, UA_NS0ID_SERVER),
                           .attributeId = UA_ATTRIBUTEID_EVENTNOTIFIER },
        .monitoringMode = UA_MONITORINGMODE_REPORTING,
    };
    UA_ExtensionObject_setValueNoDelete(&item.requestedParameters.filter, &filter,
                                        &UA_TYPES[UA_TYPES_EVENTFILTER]);
    item.requestedParameters.queueSize = 100;
    UA_MonitoredItemCreateResult result = UA_Client_MonitoredItems_createEvent(
        bench->client, made.subscriptionId, UA_TIMESTAMPSTORETURN_BOTH, item, bench, heard, NULL);
    assert_int_equal(result.statusCode, 0);
    UA_MonitoredItemCreateResult_clear(&result);
}

static void hear_until(struct bench *bench, size_t events)
{
    for (int i = 0; i < 200 && bench->events < events; i++) {
        (void)UA_Client_run_iterate(bench->client, 20);
    }
    assert_int_equal(bench->odd, 0);
    assert_true(bench->events >= events);
}

static void call_condition(struct bench *bench, UA_UInt32 method, UA_StatusCode expected)
{
    UA_LocalizedText comment = UA_LOCALIZEDTEXT("en", "seen");
    UA_Variant input[2];
    UA_Variant_setScalar(&input[0], &bench->event_id, &UA_TYPES[UA_TYPES_BYTESTRING]);
    UA_Variant_setScalar(&input[1], &comment, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
    assert_int_equal(UA_Client_call(bench->client, bench->condition, UA_NODEID_NUMERIC(0, method),
                                    2, input, NULL, NULL),
                     expected);
}

static void alarms_come_are_acknowledged_and_refreshed(void **state)
{
    struct bench *bench = *state;
    command(bench, "set press/guard-alarm false", "ok\n");
    usleep(600000); /* it is looked at */
    connect_client(bench);
    subscribe_alarms(bench);
    command(bench, "set press/guard-alarm true", "ok\n");
    hear_until(bench, 1);
    assert_true(bench->active);
    assert_false(bench->acked);
    call_condition(bench, UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_ACKNOWLEDGE, 0);
    hear_until(bench, 2);
    assert_true(bench->acked);
    call_condition(bench, UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_ACKNOWLEDGE,
                   UA_STATUSCODE_BADCONDITIONBRANCHALREADYACKED);
    call_condition(bench, UA_NS0ID_ACKNOWLEDGEABLECONDITIONTYPE_CONFIRM, 0);
    hear_until(bench, 3);
    UA_UInt32 subscription = 1;
    UA_Variant input;
    UA_Variant_setScalar(&input, &subscription, &UA_TYPES[UA_TYPES_UINT32]);
    assert_int_equal(UA_Client_call(bench->client, UA_NODEID_NUMERIC(0, UA_NS0ID_CONDITIONTYPE),
                                    UA_NODEID_NUMERIC(0, UA_NS0ID_CONDITIONTYPE_CONDITIONREFRESH),
                                    1, &input, NULL, NULL),
                     0);
    hear_until(bench, 4);
    for (int i = 0; i < 50 && bench->refresh_marks < 2; i++) {
        (void)UA_Client_run_iterate(bench->client, 20);
    }
    assert_int_equal(bench->refresh_marks, 2);
    size_t before = bench->events; /* a command ends it */
    assert_int_equal(UA_Client_call(bench->client, press(bench, "device/press"),
                                    press(bench, "Reset"), 0, NULL, NULL, NULL),
                     0);
    hear_until(bench, before + 1);
    assert_false(bench->active);
}

static void methods_take_and_give(void **state)
{
    struct bench *bench = *state;
    connect_client(bench);
    UA_UInt16 number = 12;
    UA_String text = UA_STRING("lid");
    UA_Variant input[2], *output = NULL;
    size_t count = 0;
    UA_Variant_setScalar(&input[0], &number, &UA_TYPES[UA_TYPES_UINT16]);
    UA_Variant_setScalar(&input[1], &text, &UA_TYPES[UA_TYPES_STRING]);
    assert_int_equal(UA_Client_call(bench->client, press(bench, "Recipes"), press(bench, "Load"), 2,
                                    input, &count, &output),
                     0);
    assert_int_equal(count, 1);
    UA_String result = UA_STRING("load-recipe: 12 lid");
    assert_true(UA_String_equal(output[0].data, &result));
    UA_Array_delete(output, count, &UA_TYPES[UA_TYPES_VARIANT]);
    number = 0;
    assert_int_equal(UA_Client_call(bench->client, press(bench, "Recipes"), press(bench, "Load"), 2,
                                    input, NULL, NULL),
                     UA_STATUSCODE_BADOUTOFRANGE);
    assert_int_equal(UA_Client_call(bench->client, press(bench, "Recipes"), press(bench, "Load"), 1,
                                    input, NULL, NULL),
                     UA_STATUSCODE_BADARGUMENTSMISSING);
}

/* ---- subscriptions ---- */

static void changed(UA_Client *client, UA_UInt32 subscription, void *subscription_context,
                    UA_UInt32 item, void *context, UA_DataValue *value)
{
    struct bench *bench = context;
    (void)client;
    (void)subscription;
    (void)subscription_context;
    (void)item;
    bench->changes += value->hasValue ? 1 : 0;
}

static size_t changes_in(struct bench *bench, int ms)
{
    size_t before = bench->changes;
    for (int64_t end = clock_mono_us() + ms * 1000; clock_mono_us() < end;) {
        (void)UA_Client_run_iterate(bench->client, 20);
    }
    return bench->changes - before;
}

static void subscriptions_can_fall_silent(void **state)
{
    struct bench *bench = *state;
    connect_client(bench);
    UA_CreateSubscriptionRequest request = UA_CreateSubscriptionRequest_default();
    request.requestedPublishingInterval = 100.0;
    UA_CreateSubscriptionResponse made = UA_Client_Subscriptions_create(bench->client, request,
                                                                        NULL, NULL, NULL);
    UA_MonitoredItemCreateRequest item = UA_MonitoredItemCreateRequest_default(
        UA_NODEID_NUMERIC(index_of(bench, "urn:acme:press"), 17));
    item.requestedParameters.samplingInterval = 100.0;
    UA_MonitoredItemCreateResult result = UA_Client_MonitoredItems_createDataChange(
        bench->client, made.subscriptionId, UA_TIMESTAMPSTORETURN_BOTH, item, bench, changed, NULL);
    assert_int_equal(result.statusCode, 0);
    assert_int_equal(changes_in(bench, 300), 1);
    command(bench, "set press/speed 100", "ok\n");
    assert_int_equal(changes_in(bench, 400), 1);
    command(bench, "press=cov-silence", "ok\n");
    command(bench, "set press/speed 200", "ok\n");
    assert_int_equal(changes_in(bench, 400), 0);
    UA_Variant value = read_value(bench, UA_NODEID_NUMERIC(index_of(bench, "urn:acme:press"), 17));
    assert_int_equal(*(UA_Int32 *)value.data, 200); /* low half first */
    UA_Variant_clear(&value);
}

/* ---- security ---- */

static UA_StatusCode connect_as(struct bench *bench, const char *user, const char *password)
{
    char url[64];
    UA_ByteString certificate = UA_BYTESTRING_NULL, key = UA_BYTESTRING_NULL;
    struct err err = { 0 };
    if (bench->client != NULL) {
        UA_Client_delete(bench->client);
    }
    bench->client = UA_Client_new();
    UA_ClientConfig *config = UA_Client_getConfig(bench->client);
    assert_int_equal(
        sim_opcua_certificate("localhost", 1, "urn:busbar:test:client", &certificate, &key, &err),
        0);
    UA_ClientConfig_setDefaultEncryption(config, certificate, key, NULL, 0, NULL, 0);
    config->logging->context = (void *)(uintptr_t)UA_LOGLEVEL_FATAL;
    UA_String_clear(&config->clientDescription.applicationUri);
    config->clientDescription.applicationUri = UA_STRING_ALLOC("urn:busbar:test:client");
    config->securityMode = UA_MESSAGESECURITYMODE_SIGNANDENCRYPT;
    config->securityPolicyUri = UA_STRING_ALLOC(
        "http://opcfoundation.org/UA/SecurityPolicy#Aes256_Sha256_RsaPss");
    str_format(url, sizeof(url), "opc.tcp://127.0.0.1:%d", bench->port);
    UA_StatusCode status = user == NULL
                               ? UA_Client_connect(bench->client, url)
                               : UA_Client_connectUsername(bench->client, url, user, password);
    UA_ByteString_clear(&certificate);
    UA_ByteString_clear(&key);
    return status;
}

static void users_are_those_of_the_configuration(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(connect_as(bench, "joe", "sesame"), 0);
    assert_int_not_equal(connect_as(bench, "joe", "wrong"), 0);
    assert_int_not_equal(connect_as(bench, "jim", "sesame"), 0);
    assert_int_not_equal(connect_as(bench, NULL, NULL), 0);
    command(bench, "oven=no-login", "ok\n");
    assert_int_not_equal(connect_as(bench, "joe", "sesame"), 0);
    command(bench, "oven=no-trust", "ok\n");
    assert_int_not_equal(connect_as(bench, "joe", "sesame"), 0);
    command(bench, "oven=none", "ok\n");
    assert_int_equal(connect_as(bench, "joe", "sesame"), 0);
}

static void servers_register_at_a_discovery_server(void **state)
{
    struct bench *bench = *state;
    char at[64], url[80];
    struct err err = { 0 };
    UA_ApplicationDescription *servers = NULL;
    size_t count = 0;
    str_format(at, sizeof(at), "127.0.0.1:%d", test_free_port());
    str_format(url, sizeof(url), "opc.tcp://%s", at);
    assert_int_equal(sim_opcua_discovery(bench->sim, at, &err), 0);
    bench->client = UA_Client_new();
    UA_ClientConfig_setDefault(UA_Client_getConfig(bench->client));
    UA_Client_getConfig(bench->client)->logging->context = (void *)(uintptr_t)UA_LOGLEVEL_FATAL;
    loop_turn(bench->loop, false);
    for (int i = 0; i < 30 && count < 2; i++) {
        UA_Array_delete(servers, count, &UA_TYPES[UA_TYPES_APPLICATIONDESCRIPTION]);
        servers = NULL;
        usleep(300000);
        assert_int_equal(
            UA_Client_findServers(bench->client, url, 0, NULL, 0, NULL, &count, &servers), 0);
    }
    assert_int_equal(count, 2);
    UA_Array_delete(servers, count, &UA_TYPES[UA_TYPES_APPLICATIONDESCRIPTION]);
}

static int setup_discovery(void **state)
{
    struct bench *bench = busbar_alloc(sizeof(*bench));
    bench->port = test_free_port();
    bench->loop = loop_new();
    bench->registry = registry_new();
    bench->sim = sim_new(bench->loop, 7);
    load(bench, "press");
    *state = bench;
    return 0;
}

int main(void)
{
    char folder[] = "/tmp/sim-opcua-XXXXXX";
    assert_non_null(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_have_types_ranges_units_and_names, setup, teardown),
        cmocka_unit_test_setup_teardown(arrays_and_structures_are_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_written_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(control_lines_hold_values, setup, teardown),
        cmocka_unit_test_setup_teardown(faults_are_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_restart_nodes_come_later, setup, teardown),
        cmocka_unit_test_setup_teardown(a_device_that_is_down_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(history_is_there_in_both_directions, setup, teardown),
        cmocka_unit_test_setup_teardown(alarms_come_are_acknowledged_and_refreshed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(methods_take_and_give, setup, teardown),
        cmocka_unit_test_setup_teardown(subscriptions_can_fall_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(users_are_those_of_the_configuration, setup_users,
                                        teardown),
        cmocka_unit_test_setup_teardown(servers_register_at_a_discovery_server, setup_discovery,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
