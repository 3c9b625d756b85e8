/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/node_id.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

static int namespace_index(const char *uri, const struct opcua_server_facts *facts, uint16_t *index)
{
    for (size_t i = 0; facts != NULL && i < facts->namespace_count && i <= UINT16_MAX; i++) {
        if (str_equal(facts->namespaces[i], uri)) {
            *index = (uint16_t)i;
            return 0;
        }
    }
    return BUSBAR_ENOENT;
}

/* From the order on the wire to the library's own. */
static UA_Guid guid_of(const uint8_t wire[16])
{
    struct bytes in = bytes_of(wire, 16);
    UA_Guid guid;
    guid.data1 = bytes_get_u32le(&in);
    guid.data2 = bytes_get_u16le(&in);
    guid.data3 = bytes_get_u16le(&in);
    bytes_get_copy(&in, guid.data4, sizeof(guid.data4));
    return guid;
}

static void guid_to(const UA_Guid *guid, uint8_t wire[16])
{
    struct bytes_out out = bytes_out_of(wire, 16);
    bytes_put_u32le(&out, guid->data1);
    bytes_put_u16le(&out, guid->data2);
    bytes_put_u16le(&out, guid->data3);
    bytes_put_block(&out, guid->data4, sizeof(guid->data4));
}

int opcua_node_id(const struct opcua_id *id, const struct opcua_server_facts *facts, UA_NodeId *out)
{
    UA_NodeId node = { .namespaceIndex = id->index };
    if (id->uri != NULL && namespace_index(id->uri, facts, &node.namespaceIndex) != 0) {
        return BUSBAR_ENOENT;
    }
    switch (id->kind) {
    case OPCUA_ID_NUMBER:
        node.identifierType = UA_NODEIDTYPE_NUMERIC;
        node.identifier.numeric = id->id.number;
        break;
    case OPCUA_ID_GUID:
        node.identifierType = UA_NODEIDTYPE_GUID;
        node.identifier.guid = guid_of(id->id.bytes);
        break;
    default:
        /* Text and bytes are of the same form; the library does not write through it. */
        node.identifierType = id->kind == OPCUA_ID_TEXT ? UA_NODEIDTYPE_STRING
                                                        : UA_NODEIDTYPE_BYTESTRING;
        node.identifier.string.length = id->size;
        memcpy(&node.identifier.string.data, &id->id.bytes, sizeof(id->id.bytes));
        break;
    }
    *out = node;
    return 0;
}

static void print_id(const UA_NodeId *node, const char *uri, struct buf *out)
{
    uint8_t guid[16];
    struct opcua_id id = { .uri = uri };
    if (uri == NULL) {
        id.index = node->namespaceIndex;
    }
    switch (node->identifierType) {
    case UA_NODEIDTYPE_NUMERIC:
        id.kind = OPCUA_ID_NUMBER;
        id.id.number = node->identifier.numeric;
        break;
    case UA_NODEIDTYPE_GUID:
        id.kind = OPCUA_ID_GUID;
        id.size = sizeof(guid);
        id.id.bytes = guid;
        guid_to(&node->identifier.guid, guid);
        break;
    default: {
        const UA_String *bytes = &node->identifier.string;
        id.kind = node->identifierType == UA_NODEIDTYPE_STRING ? OPCUA_ID_TEXT : OPCUA_ID_BYTES;
        id.size = (uint16_t)(bytes->length <= OPCUA_ID_BYTES_MAX ? bytes->length
                                                                 : OPCUA_ID_BYTES_MAX);
        id.id.bytes = bytes->data;
        break;
    }
    }
    opcua_id_print(&id, out);
}

void opcua_node_id_print(const UA_NodeId *id, const struct opcua_server_facts *facts,
                         struct buf *out)
{
    bool known = id->namespaceIndex != 0 && facts != NULL &&
                 id->namespaceIndex < facts->namespace_count;
    print_id(id, known ? facts->namespaces[id->namespaceIndex] : NULL, out);
}

void opcua_expanded_id_print(const UA_ExpandedNodeId *id, const struct opcua_server_facts *facts,
                             struct buf *out)
{
    if (id->serverIndex != 0) {
        buf_printf(out, "svr=%u;", id->serverIndex);
    }
    if (id->namespaceUri.length == 0) {
        opcua_node_id_print(&id->nodeId, facts, out);
        return;
    }
    char uri[OPCUA_URI_MAX + 1];
    size_t size = id->namespaceUri.length < OPCUA_URI_MAX ? id->namespaceUri.length : OPCUA_URI_MAX;
    memcpy(uri, id->namespaceUri.data, size);
    uri[size] = '\0';
    print_id(&id->nodeId, strcmp(uri, OPCUA_STANDARD_URI) != 0 ? uri : NULL, out);
}

bool opcua_is_named(const UA_QualifiedName *name, const char *text)
{
    return name->namespaceIndex == 0 && name->name.length == strlen(text) &&
           memcmp(name->name.data, text, name->name.length) == 0;
}
