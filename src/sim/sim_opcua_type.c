/* SPDX-License-Identifier: Apache-2.0 */
/* Structures. Points name members by paths ("Position.X"), so a structure is the tree of what they name. Each member takes
 * a multiple of 8 bytes of the structure in memory; on the wire there is no padding. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sim/sim_opcua.h"

/* Numbers of types, above what people choose for nodes. Two each: the type and its encoding. */
enum { TYPE_IDS = 0x70000000, SLOT = 8, DEPTH_MAX = 8, NAME_MAX = 300 };

/* ---- the tree ---- */

static struct sim_opcua_struct *struct_new(const char *name)
{
    struct sim_opcua_struct *shape = busbar_alloc(sizeof(*shape));
    shape->name = busbar_strdup(name);
    shape->members = busbar_alloc_array(SIM_OPCUA_MEMBERS_MAX, sizeof(struct sim_opcua_member));
    return shape;
}

static struct sim_opcua_member *find_member(struct sim_opcua_struct *shape, const char *name)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        if (strcmp(shape->members[i].name, name) == 0) {
            return &shape->members[i];
        }
    }
    return NULL;
}

static struct sim_opcua_member *get_member(struct sim_opcua_struct *shape, const char *name,
                                           struct err *err)
{
    struct sim_opcua_member *member = find_member(shape, name);
    if (member != NULL) {
        return member;
    }
    if (shape->member_count == SIM_OPCUA_MEMBERS_MAX) {
        err_set(err, BUSBAR_ELIMIT, "a simulated structure has at most %d members",
                SIM_OPCUA_MEMBERS_MAX);
        return NULL;
    }
    member = &shape->members[shape->member_count++];
    member->name = busbar_strdup(name);
    return member;
}

/* "ToolType" of "Cell.Tool"; of a node with a number after its first point. */
static void name_type(const struct sim_opcua_node *node, char *to, size_t size)
{
    const struct opcua_id *id = node->id;
    if (id->kind != OPCUA_ID_TEXT) {
        str_format(to, size, "%sType", node->device->dev->points[node->point].name);
        return;
    }
    const char *text = (const char *)id->id.bytes;
    size_t begin = id->size;
    while (begin > 0 && text[begin - 1] != '.') {
        begin--;
    }
    str_format(to, size, "%.*sType", (int)(id->size - begin), text + begin);
}

int sim_opcua_shape_add(struct sim_opcua_node *node, uint32_t point, uint8_t base, const char *path,
                        struct err *err)
{
    char copy[NAME_MAX], type[NAME_MAX];
    char *rest = copy, *name;
    struct sim_opcua_member *member = NULL;
    if (!str_copy(copy, sizeof(copy), path)) {
        return err_set(err, BUSBAR_ELIMIT, "'%.40s...' is too long", path);
    }
    if (node->shape == NULL) {
        name_type(node, type, sizeof(type));
        node->shape = struct_new(type);
    }
    struct sim_opcua_struct *shape = node->shape;
    for (int depth = 0; (name = strsep(&rest, ".")) != NULL; depth++) {
        member = depth < DEPTH_MAX ? get_member(shape, name, err) : NULL;
        if (member == NULL) {
            return BUSBAR_ELIMIT;
        }
        if (rest != NULL && member->inner == NULL) {
            str_format(type, sizeof(type), "%sType", name);
            member->inner = struct_new(type);
        }
        shape = member->inner;
    }
    member->point = point;
    member->base = base;
    return 0;
}

void sim_opcua_shape_free(struct sim_opcua_struct *shape)
{
    if (shape == NULL) {
        return;
    }
    sim_opcua_shape_leave(shape);
    for (size_t i = 0; i < shape->member_count; i++) {
        sim_opcua_shape_free(shape->members[i].inner);
        busbar_free(shape->members[i].name);
    }
    busbar_free(shape->members);
    busbar_free(shape->name);
    busbar_free(shape);
}

/* ---- in the server ---- */

static void add_type_nodes(UA_Server *server, const struct sim_opcua_struct *shape)
{
    UA_DataTypeAttributes attributes = UA_DataTypeAttributes_default;
    attributes.displayName.text = sim_opcua_text(shape->name);
    UA_QualifiedName browse = { .namespaceIndex = shape->type.typeId.namespaceIndex,
                                .name = sim_opcua_text(shape->name) };
    (void)UA_Server_addDataTypeNode(
        server, shape->type.typeId, UA_NODEID_NUMERIC(0, UA_NS0ID_STRUCTURE),
        UA_NODEID_NUMERIC(0, UA_NS0ID_HASSUBTYPE), browse, attributes, NULL, NULL);
    UA_ObjectAttributes encoding = UA_ObjectAttributes_default;
    encoding.displayName.text = sim_opcua_text("Default Binary");
    browse = (UA_QualifiedName){ .name = sim_opcua_text("Default Binary") };
    (void)UA_Server_addObjectNode(
        server, shape->type.binaryEncodingId, UA_NODEID_NULL, UA_NODEID_NULL, browse,
        UA_NODEID_NUMERIC(0, UA_NS0ID_DATATYPEENCODINGTYPE), encoding, NULL, NULL);
    (void)UA_Server_addReference(server, shape->type.typeId,
                                 UA_NODEID_NUMERIC(0, UA_NS0ID_HASENCODING),
                                 UA_EXPANDEDNODEID_NODEID(shape->type.binaryEncodingId), true);
}

/* Members one behind another, each at a multiple of SLOT. Returns the bytes of all. */
static size_t lay_out(struct sim_opcua_struct *shape, bool *pointer_free)
{
    size_t at = 0, end = 0;
    for (size_t i = 0; i < shape->member_count; i++) {
        struct sim_opcua_member *member = &shape->members[i];
        const UA_DataType *type = member->inner != NULL ? &member->inner->type
                                                        : &UA_TYPES[member->base];
        shape->type_members[i] = (UA_DataTypeMember){
            .memberName = member->name,
            .memberType = type,
            .padding = (unsigned)(at - end) & 0x3fu,
        };
        member->offset = (uint16_t)at;
        *pointer_free = *pointer_free && type->pointerFree;
        end = at + type->memSize;
        at = (end + SLOT - 1) / SLOT * SLOT;
    }
    return at;
}

static void enter(struct sim_opcua_host *host, UA_UInt16 index, struct sim_opcua_struct *shape)
{
    bool pointer_free = true;
    for (size_t i = 0; i < shape->member_count; i++) {
        if (shape->members[i].inner != NULL) {
            enter(host, index, shape->members[i].inner);
        }
    }
    UA_ServerConfig *config = UA_Server_getConfig(host->server);
    shape->type_members = busbar_alloc_array(shape->member_count, sizeof(UA_DataTypeMember));
    size_t bytes = lay_out(shape, &pointer_free);
    uint32_t id = TYPE_IDS + 2 * host->types++;
    shape->type = (UA_DataType){
        .typeName = shape->name,
        .typeId = UA_NODEID_NUMERIC(index, id),
        .binaryEncodingId = UA_NODEID_NUMERIC(index, id + 1),
        .memSize = (UA_UInt16)bytes,
        .typeKind = UA_DATATYPEKIND_STRUCTURE,
        .pointerFree = pointer_free,
        .membersSize = (UA_Byte)shape->member_count,
        .members = shape->type_members,
    };
    UA_DataTypeArray entry = { config->customDataTypes, 1, &shape->type, false };
    shape->entry = busbar_alloc(sizeof(entry));
    memcpy(shape->entry, &entry, sizeof(entry));
    config->customDataTypes = shape->entry;
    add_type_nodes(host->server, shape);
}

void sim_opcua_shape_enter(struct sim_opcua_node *node)
{
    UA_NodeId id = sim_opcua_id(node->device->host, node->id);
    enter(node->device->host, id.namespaceIndex, node->shape);
}

void sim_opcua_shape_leave(struct sim_opcua_struct *shape)
{
    if (shape == NULL || shape->entry == NULL) {
        return;
    }
    for (size_t i = 0; i < shape->member_count; i++) {
        sim_opcua_shape_leave(shape->members[i].inner);
    }
    busbar_free(shape->entry);
    busbar_free(shape->type_members);
    shape->entry = NULL;
    shape->type_members = NULL;
}
