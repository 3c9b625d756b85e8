/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: from the points that name them, and into a server. Points that share a node are elements of its array or members
 * of its structure.
 *
 *   Objects / DEVICE                 an object, source of its events
 *               |- a node of a point     AnalogItem (units, range), MultiState (names of values), or just a variable
 *               |- alarm/POINT           a condition (sim_opcua_alarm.c)
 *               '- a command             a method (sim_opcua_method.c) */
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "sim/sim_opcua.h"

enum { MOVES = 4, NAME_MAX = 300, ID_TEXT_MAX = 8192 };

/* UNECE codes of units (Part 8, 5.6.3), with the text people see. */
static const struct {
    const char *units, *code, *symbol;
} unit_codes[] = {
    { "degC", "CEL", "\u00b0C" },  { "degF", "FAH", "\u00b0F" },
    { "K", "KEL", "K" },           { "%", "P1", "%" },
    { "bar", "BAR", "bar" },       { "Pa", "PAL", "Pa" },
    { "kPa", "KPA", "kPa" },       { "V", "VLT", "V" },
    { "A", "AMP", "A" },           { "Hz", "HTZ", "Hz" },
    { "W", "WTT", "W" },           { "kW", "KWT", "kW" },
    { "kWh", "KWH", "kW\u00b7h" }, { "rpm", "RPM", "r/min" },
    { "mm", "MMT", "mm" },         { "m", "MTR", "m" },
    { "mm/s", "C16", "mm/s" },     { "m/s", "MTS", "m/s" },
    { "kN", "B47", "kN" },         { "m3/h", "MQH", "m\u00b3/h" },
    { "l/min", "L2", "l/min" },    { "s", "SEC", "s" },
    { "h", "HUR", "h" },
};

UA_String sim_opcua_text(const char *text)
{
    return (UA_String){ .length = strlen(text), .data = (UA_Byte *)(uintptr_t)text };
}

/* ---- from points to nodes ---- */

static int grow_array(struct sim_opcua_node *node, const char *text, struct err *err)
{
    struct opcua_range range;
    if (!opcua_range_parse(text, &range) || range.dimensions > 2) {
        return err_set(err, BUSBAR_EUNSUPPORTED, "arrays of more than two dimensions: '%s'", text);
    }
    uint32_t rows = range.last[0] + 1, columns = range.dimensions == 2 ? range.last[1] + 1 : 0;
    rows = rows > node->rows ? rows : node->rows;
    columns = columns > node->columns ? columns : node->columns;
    if ((uint64_t)rows * (columns > 0 ? columns : 1) > SIM_OPCUA_ARRAY_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "a simulated array has at most %d elements",
                       SIM_OPCUA_ARRAY_MAX);
    }
    node->rows = (uint16_t)rows;
    node->columns = (uint16_t)columns;
    return 0;
}

static int take_point(struct sim_opcua_device *device, struct sim_opcua_node *node, uint32_t index,
                      struct err *err)
{
    const struct point *pt = &device->dev->points[index];
    const struct opcua_address *address = &sim_opcua_addresses(device->dev)[index];
    uint8_t base = sim_opcua_base(pt, address);
    device->node_of[index] = (uint32_t)(node - device->nodes);
    device->values[index] = sim_value_make(pt, sim_opcua_raw_type(base), device->sd->sim->seed);
    node->writable = node->writable || pt->writable;
    if (address->want.member != NULL) {
        return sim_opcua_shape_add(node, index, base, address->want.member, err);
    }
    if (address->range != NULL) {
        return grow_array(node, address->range, err);
    }
    return 0;
}

/* The node of an address, a new one when nobody named it before. */
static struct sim_opcua_node *get_node(struct sim_opcua_device *device, struct map *by_id,
                                       struct arena *texts, uint32_t index)
{
    const struct opcua_address *address = &sim_opcua_addresses(device->dev)[index];
    struct buf text;
    buf_init(&text, ID_TEXT_MAX);
    opcua_id_print(&address->node, &text);
    struct sim_opcua_node *node = map_get(by_id, buf_text(&text));
    if (node == NULL) {
        node = &device->nodes[device->node_count++];
        *node = (struct sim_opcua_node){
            .id = &address->node,
            .device = device,
            .point = index,
            .base = sim_opcua_base(&device->dev->points[index], address),
        };
        char *key = arena_strdup(texts, buf_text(&text));
        if (key != NULL) {
            map_set(by_id, key, node);
        }
    }
    buf_fini(&text);
    return node;
}

/* Nodes of the standard are the server's own. */
static bool is_own(const struct opcua_address *address)
{
    return address->attribute != OPCUA_ATTRIBUTE_VALUE ||
           (address->node.uri == NULL && address->node.index == 0);
}

int sim_opcua_nodes_make(struct sim_opcua_device *device, struct err *err)
{
    const struct device *dev = device->dev;
    struct map by_id = { 0 };
    struct arena texts;
    int error = 0;
    arena_init(&texts, 0);
    device->nodes = busbar_alloc_array(dev->point_count + 1, sizeof(struct sim_opcua_node));
    device->node_of = busbar_alloc_array(dev->point_count + 1, sizeof(uint32_t));
    device->values = busbar_alloc_array(dev->point_count + 1, sizeof(struct sim_value));
    for (uint32_t i = 0; error == 0 && i < dev->point_count; i++) {
        if (is_own(&sim_opcua_addresses(dev)[i])) {
            device->node_of[i] = UINT32_MAX;
        } else {
            error = take_point(device, get_node(device, &by_id, &texts, i), i, err);
        }
    }
    map_fini(&by_id);
    arena_fini(&texts);
    return error;
}

void sim_opcua_nodes_free(struct sim_opcua_device *device)
{
    for (size_t i = 0; i < device->node_count; i++) {
        sim_opcua_release(&device->nodes[i]);
        if (device->nodes[i].told != NULL) {
            sim_opcua_mute(device, 0);
        }
        sim_opcua_shape_free(device->nodes[i].shape);
    }
    busbar_free(device->nodes);
    busbar_free(device->node_of);
    busbar_free(device->values);
}

/* ---- ids ---- */

/* So that an index of the configuration is one of the server's. */
static void fill_namespaces(UA_Server *server, uint16_t index)
{
    char uri[NAME_MAX];
    for (uint32_t i = 0; i <= index; i++) {
        str_format(uri, sizeof(uri), "urn:busbar:sim:namespace:%u", i);
        if (i >= 2 && UA_Server_addNamespace(server, uri) > index) {
            return;
        }
    }
}

void sim_opcua_namespaces_move(struct sim_opcua_host *host)
{
    char uri[NAME_MAX];
    list_each(at, &host->devices) { /* indexes that somebody wrote stay */
        const struct device *dev = list_entry(at, struct sim_opcua_device, link)->dev;
        for (size_t i = 0; i < dev->point_count; i++) {
            const struct opcua_id *id = &sim_opcua_addresses(dev)[i].node;
            if (id->uri == NULL && id->index > 1) {
                fill_namespaces(host->server, id->index);
            }
        }
    }
    for (uint32_t i = 0; i < host->starts % MOVES; i++) {
        str_format(uri, sizeof(uri), "urn:busbar:sim:moved:%u", i);
        (void)UA_Server_addNamespace(host->server, uri);
    }
}

static UA_UInt16 namespace_of(struct sim_opcua_host *host, const struct opcua_id *id)
{
    if (id->uri == NULL) {
        if (id->index > 1) {
            fill_namespaces(host->server, id->index);
        }
        return id->index;
    }
    if (host->last_uri == NULL || strcmp(host->last_uri, id->uri) != 0) {
        host->last_uri = id->uri;
        host->last_index = UA_Server_addNamespace(host->server, id->uri);
    }
    return host->last_index;
}

static UA_Guid guid_of(const uint8_t bytes[16])
{
    UA_Guid guid = {
        .data1 = (UA_UInt32)bytes[3] << 24 | (UA_UInt32)bytes[2] << 16 | (UA_UInt32)bytes[1] << 8 |
                 bytes[0],
        .data2 = (UA_UInt16)(bytes[5] << 8 | bytes[4]),
        .data3 = (UA_UInt16)(bytes[7] << 8 | bytes[6]),
    };
    memcpy(guid.data4, bytes + 8, sizeof(guid.data4));
    return guid;
}

UA_NodeId sim_opcua_id(struct sim_opcua_host *host, const struct opcua_id *id)
{
    UA_NodeId out = { .namespaceIndex = namespace_of(host, id) };
    UA_String bytes = { .length = id->size, .data = (UA_Byte *)(uintptr_t)id->id.bytes };
    switch (id->kind) {
    case OPCUA_ID_TEXT:
        out.identifierType = UA_NODEIDTYPE_STRING;
        out.identifier.string = bytes;
        break;
    case OPCUA_ID_GUID:
        out.identifierType = UA_NODEIDTYPE_GUID;
        out.identifier.guid = guid_of(id->id.bytes);
        break;
    case OPCUA_ID_BYTES:
        out.identifierType = UA_NODEIDTYPE_BYTESTRING;
        out.identifier.byteString = bytes;
        break;
    default:
        out.identifierType = UA_NODEIDTYPE_NUMERIC;
        out.identifier.numeric = id->id.number;
        break;
    }
    return out;
}

/* ---- into the server ---- */

static void add_property(UA_Server *server, const UA_NodeId *parent, const char *name, void *data,
                         size_t count, const UA_DataType *type)
{
    UA_VariableAttributes attributes = UA_VariableAttributes_default;
    UA_UInt32 any = 0; /* length */
    attributes.displayName = (UA_LocalizedText){ .text = sim_opcua_text(name) };
    attributes.dataType = type->typeId;
    attributes.valueRank = count > 0 ? UA_VALUERANK_ONE_DIMENSION : UA_VALUERANK_SCALAR;
    attributes.arrayDimensions = &any;
    attributes.arrayDimensionsSize = count > 0 ? 1 : 0;
    attributes.value = (UA_Variant){ .type = type, .arrayLength = count, .data = data };
    attributes.value.storageType = UA_VARIANT_DATA_NODELETE;
    UA_QualifiedName browse = { .namespaceIndex = 0, .name = sim_opcua_text(name) };
    (void)UA_Server_addVariableNode(server, UA_NODEID_NUMERIC(parent->namespaceIndex, 0), *parent,
                                    UA_NODEID_NUMERIC(0, UA_NS0ID_HASPROPERTY), browse,
                                    UA_NODEID_NUMERIC(0, UA_NS0ID_PROPERTYTYPE), attributes, NULL,
                                    NULL);
}

static void add_units(UA_Server *server, const UA_NodeId *id, const char *units)
{
    UA_EUInformation information = {
        .namespaceUri = UA_STRING_STATIC("http://www.opcfoundation.org/UA/units/un/cefact"),
        .unitId = -1,
        .displayName = { .text = sim_opcua_text(units) },
        .description = { .text = sim_opcua_text(units) },
    };
    for (size_t i = 0; i < sizeof(unit_codes) / sizeof(unit_codes[0]); i++) {
        if (strcmp(unit_codes[i].units, units) == 0) {
            information.unitId = 0;
            for (const char *at = unit_codes[i].code; *at != '\0'; at++) {
                information.unitId = information.unitId << 8 | *at;
            }
            information.displayName.text = sim_opcua_text(unit_codes[i].symbol);
        }
    }
    add_property(server, id, "EngineeringUnits", &information, 0,
                 &UA_TYPES[UA_TYPES_EUINFORMATION]);
}

static void add_range(UA_Server *server, const UA_NodeId *id, const struct point *pt,
                      const struct sim_value *value)
{
    const struct point_class *cls = pt->cls;
    UA_Range range = { .low = (double)value->center - 2.0 * (double)value->span,
                       .high = (double)value->center + 2.0 * (double)value->span };
    if (cls->has_clamp) {
        range = (UA_Range){ .low = cls->clamp_min, .high = cls->clamp_max };
    } else if (cls->write.has_min && cls->write.has_max) {
        range = (UA_Range){ .low = cls->write.min, .high = cls->write.max };
    }
    range.low = (range.low - cls->offset) / cls->scale;
    range.high = (range.high - cls->offset) / cls->scale;
    add_property(server, id, "EURange", &range, 0, &UA_TYPES[UA_TYPES_RANGE]);
}

/* Names of 0, 1, 2 ... are EnumStrings, of other values EnumValues. */
static bool counts_up(const struct point_class *cls)
{
    for (size_t i = 0; i < cls->enum_count; i++) {
        if (cls->enums[i].value != (int64_t)i) {
            return false;
        }
    }
    return true;
}

static void add_names(UA_Server *server, const UA_NodeId *id, const struct point_class *cls)
{
    UA_LocalizedText names[POINT_ENUM_MAX];
    UA_EnumValueType values[POINT_ENUM_MAX];
    size_t count = cls->enum_count < POINT_ENUM_MAX ? cls->enum_count : POINT_ENUM_MAX;
    for (size_t i = 0; i < count; i++) {
        names[i] = (UA_LocalizedText){ .text = sim_opcua_text(cls->enums[i].name) };
        values[i] = (UA_EnumValueType){ .value = cls->enums[i].value, .displayName = names[i] };
    }
    if (counts_up(cls)) {
        add_property(server, id, "EnumStrings", names, count, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
    } else {
        add_property(server, id, "EnumValues", values, count, &UA_TYPES[UA_TYPES_ENUMVALUETYPE]);
    }
}

static uint32_t type_definition(const struct sim_opcua_node *node, const struct point *pt)
{
    bool number = node->base != UA_TYPES_BOOLEAN && node->base != UA_TYPES_STRING;
    if (node->shape != NULL || !number) {
        return UA_NS0ID_BASEDATAVARIABLETYPE;
    }
    if (pt->cls->enum_count > 0) {
        return counts_up(pt->cls) ? UA_NS0ID_MULTISTATEDISCRETETYPE
                                  : UA_NS0ID_MULTISTATEVALUEDISCRETETYPE;
    }
    return pt->cls->units[0] != '\0' ? UA_NS0ID_ANALOGITEMTYPE : UA_NS0ID_BASEDATAVARIABLETYPE;
}

static void add_properties(struct sim_opcua_node *node, const UA_NodeId *id, uint32_t definition)
{
    UA_Server *server = node->device->host->server;
    const struct point *pt = &node->device->dev->points[node->point];
    if (definition == UA_NS0ID_ANALOGITEMTYPE) {
        add_range(server, id, pt, &node->device->values[node->point]);
        add_units(server, id, pt->cls->units);
    } else if (definition != UA_NS0ID_BASEDATAVARIABLETYPE) {
        add_names(server, id, pt->cls);
    }
}

static const char *node_name(const struct sim_opcua_node *node, char *to, size_t size)
{
    if (node->id->kind != OPCUA_ID_TEXT) {
        return node->device->dev->points[node->point].name;
    }
    str_format(to, size, "%.*s", (int)node->id->size, (const char *)node->id->id.bytes);
    return to;
}

static UA_VariableAttributes attributes_of(const struct sim_opcua_node *node, const char *name,
                                           UA_UInt32 dimensions[2])
{
    UA_VariableAttributes attributes = UA_VariableAttributes_default;
    const struct point *pt = &node->device->dev->points[node->point];
    attributes.displayName = (UA_LocalizedText){ .text = sim_opcua_text(name) };
    attributes.description = (UA_LocalizedText){ .text = sim_opcua_text(pt->title) };
    attributes.dataType = node->shape != NULL ? node->shape->type.typeId
                                              : UA_TYPES[node->base].typeId;
    attributes.valueRank = UA_VALUERANK_SCALAR;
    attributes.accessLevel = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_HISTORYREAD;
    attributes.historizing = true;
    if (node->writable) {
        attributes.accessLevel |= UA_ACCESSLEVELMASK_WRITE;
    }
    if (node->rows > 0 && node->shape == NULL) {
        dimensions[0] = node->rows;
        dimensions[1] = node->columns;
        attributes.valueRank = node->columns > 0 ? 2 : 1;
        attributes.arrayDimensions = dimensions;
        attributes.arrayDimensionsSize = node->columns > 0 ? 2 : 1;
    }
    return attributes;
}

static void add_node(struct sim_opcua_node *node)
{
    struct sim_opcua_device *device = node->device;
    UA_Server *server = device->host->server;
    const struct point *pt = &device->dev->points[node->point];
    char text[NAME_MAX];
    UA_UInt32 dimensions[2];
    if (node->shape != NULL) {
        sim_opcua_shape_enter(node);
    }
    UA_NodeId id = sim_opcua_id(device->host, node->id);
    uint32_t definition = type_definition(node, pt);
    const char *name = node_name(node, text, sizeof(text));
    UA_VariableAttributes attributes = attributes_of(node, name, dimensions);
    UA_QualifiedName browse = { .namespaceIndex = id.namespaceIndex, .name = sim_opcua_text(name) };
    UA_StatusCode status = UA_Server_addNode_begin(
        server, UA_NODECLASS_VARIABLE, id, device->object,
        UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT), browse, UA_NODEID_NUMERIC(0, definition),
        &attributes, &UA_TYPES[UA_TYPES_VARIABLEATTRIBUTES], node, NULL);
    if (status == UA_STATUSCODE_GOOD) { /* else another device has the same node */
        (void)UA_Server_setVariableNode_dataSource(server, id, sim_opcua_source());
        add_properties(node, &id, definition);
        (void)UA_Server_addNode_finish(server, id);
    }
}

void sim_opcua_object_add(struct sim_opcua_host *host, const UA_NodeId *id, const UA_NodeId *parent,
                          const char *name)
{
    UA_ObjectAttributes attributes = UA_ObjectAttributes_default;
    attributes.displayName = (UA_LocalizedText){ .text = sim_opcua_text(name) };
    attributes.eventNotifier = UA_EVENTNOTIFIER_SUBSCRIBE_TO_EVENT;
    UA_QualifiedName browse = { .namespaceIndex = id->namespaceIndex,
                                .name = sim_opcua_text(name) };
    (void)UA_Server_addObjectNode(
        host->server, *id, *parent, UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT), browse,
        UA_NODEID_NUMERIC(0, UA_NS0ID_BASEOBJECTTYPE), attributes, NULL, NULL);
}

static void add_object(struct sim_opcua_device *device)
{
    const struct device *dev = device->dev;
    char id[NAME_MAX];
    UA_UInt16 index = device->node_count > 0
                          ? sim_opcua_id(device->host, device->nodes[0].id).namespaceIndex
                          : 1;
    UA_NodeId objects = UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER);
    str_format(id, sizeof(id), "device/%s", dev->name);
    UA_NodeId_clear(&device->object);
    device->object = UA_NODEID_STRING_ALLOC(index, id);
    UA_ObjectAttributes attributes = UA_ObjectAttributes_default;
    attributes.displayName.text = sim_opcua_text(dev->title[0] != '\0' ? dev->title : dev->name);
    attributes.eventNotifier = UA_EVENTNOTIFIER_SUBSCRIBE_TO_EVENT;
    UA_QualifiedName browse = { .namespaceIndex = index, .name = sim_opcua_text(dev->name) };
    (void)UA_Server_addObjectNode(
        device->host->server, device->object, objects, UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES),
        browse, UA_NODEID_NUMERIC(0, UA_NS0ID_BASEOBJECTTYPE), attributes, NULL, NULL);
    (void)UA_Server_addReference(device->host->server, UA_NODEID_NUMERIC(0, UA_NS0ID_SERVER),
                                 UA_NODEID_NUMERIC(0, UA_NS0ID_HASNOTIFIER),
                                 UA_EXPANDEDNODEID_NODEID(device->object), true);
}

void sim_opcua_space_add(struct sim_opcua_device *device)
{
    if (device->loading) {
        return; /* as after a restart: its nodes come later */
    }
    add_object(device);
    for (size_t i = 0; i < device->node_count; i++) {
        add_node(&device->nodes[i]);
    }
    sim_opcua_alarms_add(device);
    sim_opcua_methods_add(device);
}
