/* SPDX-License-Identifier: Apache-2.0 */
/* What a server tells of a structure, and a value that says it is one: u8 size of the definition's bytes in units of 4, the
 * definition, the body. Fields may be of the type itself. */
#include <assert.h>

#include "drivers/opcua/data/decode.h"
#include "drivers/opcua/data/types_private.h"

enum { ENCODING = 5001, DATA_TYPE = 3001 };

static void put_object(struct buf *out, const uint8_t *body, size_t size)
{
    static const uint8_t head[] = { OPCUA_EXTENSION_OBJECT, 2, 2, 0, ENCODING & 255,
                                    ENCODING >> 8,          0, 0, 1 };
    uint8_t length[4] = { (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), 0 };
    buf_append(out, head, sizeof(head));
    buf_append(out, length, sizeof(length));
    buf_append(out, body, size);
}

static void decode(struct opcua_types *types, const struct buf *object, const char *member)
{
    struct arena texts;
    struct sample sample = { 0 };
    bool raw = false;
    struct bytes in = bytes_dup(object->data, object->size);
    arena_init(&texts, 1 << 20);
    uint16_t finding = opcua_decode(in, member, false, types, &texts, &sample, &raw);
    assert((finding != 0) == (sample.type == VALUE_NONE));
    arena_fini(&texts);
    bytes_fini(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const UA_NodeId encoding = UA_NODEID_NUMERIC(2, ENCODING);
    const UA_NodeId data_type = UA_NODEID_NUMERIC(2, DATA_TYPE);
    size_t told = size > 0 ? (size_t)data[0] * 4 : 0;
    UA_StructureDefinition definition;
    if (size == 0 || told > size - 1 || size > 1 << 16) {
        return 0;
    }
    UA_ByteString bytes = { .length = told, .data = (UA_Byte *)(uintptr_t)(data + 1) };
    if (UA_decodeBinary(&bytes, &definition, &UA_TYPES[UA_TYPES_STRUCTUREDEFINITION], NULL) !=
        UA_STATUSCODE_GOOD) {
        return 0;
    }
    struct opcua_types *types = opcua_types_new(NULL, NULL, NULL, NULL);
    struct type_entry *type = opcua_types_entry(types, &data_type, false);
    opcua_types_structure(types, type, &definition);
    opcua_types_entry(types, &encoding, true)->same = type;
    struct buf object;
    buf_init(&object, 1 << 20);
    put_object(&object, data + 1 + told, size - 1 - told);
    static const char *const members[] = { NULL, "A", "A.B", "A[1]", "B[0].A" };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        decode(types, &object, members[i]);
    }
    if (definition.fieldsSize > 0) {
        char name[64];
        const UA_String *first = &definition.fields[0].name;
        size_t length = first->length < sizeof(name) - 1 ? first->length : sizeof(name) - 1;
        for (size_t i = 0; i < length; i++) {
            name[i] = (char)first->data[i];
        }
        name[length] = '\0';
        decode(types, &object, name);
    }
    buf_fini(&object);
    opcua_types_free(types);
    UA_StructureDefinition_clear(&definition);
    return 0;
}
