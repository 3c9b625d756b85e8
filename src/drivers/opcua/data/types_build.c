/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions from what a server tells (DataTypeDefinition), and from the library's table of the standard's types. */
#include <string.h>

#include "base/str.h"
#include "drivers/opcua/data/types_private.h"

/* A definition is only set when all of it is there: before it is unknown. */
static void unknown(struct type_entry *entry)
{
    entry->definition = (struct opcua_definition){ .shape = OPCUA_SHAPE_UNKNOWN };
}

/* ---- of a server ---- */

static const char *copy_name(struct opcua_types *types, const UA_String *name)
{
    if (name->length == 0) {
        return arena_strdup(&types->arena, "");
    }
    if (!str_is_utf8((const char *)name->data, name->length)) {
        return NULL;
    }
    return arena_strndup(&types->arena, (const char *)name->data, name->length);
}

/* Where subtypes of the named type may stand, the value itself says what it is. */
static const struct opcua_definition *subtyped(const UA_NodeId *id)
{
    bool simple = id->namespaceIndex == 0 && id->identifierType == UA_NODEIDTYPE_NUMERIC &&
                  id->identifier.numeric != OPCUA_EXTENSION_OBJECT &&
                  id->identifier.numeric < OPCUA_BUILTINS;
    return opcua_definition_builtin(simple ? OPCUA_VARIANT : OPCUA_EXTENSION_OBJECT);
}

static uint8_t dimensions(int32_t value_rank)
{
    return value_rank <= 0          ? (value_rank == 0)
           : value_rank > UINT8_MAX ? UINT8_MAX
                                    : (uint8_t)value_rank;
}

void opcua_types_structure(struct opcua_types *types, struct type_entry *entry,
                           const UA_StructureDefinition *from)
{
    static const enum opcua_shape shapes[] = { OPCUA_SHAPE_STRUCTURE, OPCUA_SHAPE_OPTIONAL,
                                               OPCUA_SHAPE_UNION, OPCUA_SHAPE_STRUCTURE,
                                               OPCUA_SHAPE_UNION };
    unsigned kind = (unsigned)from->structureType;
    unknown(entry);
    if (kind >= sizeof(shapes) / sizeof(shapes[0]) || from->fieldsSize > OPCUA_FIELDS_MAX) {
        return;
    }
    struct opcua_field *fields = arena_alloc_array(&types->arena, from->fieldsSize,
                                                   sizeof(*fields));
    for (size_t i = 0; fields != NULL && i < from->fieldsSize; i++) {
        const UA_StructureField *field = &from->fields[i];
        fields[i].name = copy_name(types, &field->name);
        fields[i].dimensions = dimensions(field->valueRank);
        fields[i].optional = kind == 1 && field->isOptional;
        fields[i].type = kind >= 3 && field->isOptional
                             ? subtyped(&field->dataType)
                             : opcua_types_field(types, &field->dataType);
        if (fields[i].name == NULL) {
            return;
        }
    }
    if (fields != NULL) {
        entry->definition = (struct opcua_definition){ .shape = shapes[kind],
                                                       .fields = fields,
                                                       .field_count = from->fieldsSize };
    }
}

void opcua_types_enumeration(struct opcua_types *types, struct type_entry *entry,
                             const UA_EnumDefinition *from)
{
    size_t count = from->fieldsSize < POINT_ENUM_MAX ? from->fieldsSize : POINT_ENUM_MAX;
    struct point_enum *enums = arena_alloc_array(&types->arena, count, sizeof(*enums));
    unknown(entry);
    for (size_t i = 0; enums != NULL && i < count; i++) {
        const UA_EnumField *field = &from->fields[i];
        enums[i].value = field->value;
        enums[i].name = copy_name(
            types, field->displayName.text.length > 0 ? &field->displayName.text : &field->name);
        if (enums[i].name == NULL) {
            return;
        }
    }
    if (enums != NULL) {
        entry->definition = (struct opcua_definition){ .shape = OPCUA_SHAPE_ENUMERATION,
                                                       .builtin = OPCUA_INT32,
                                                       .enums = enums,
                                                       .enum_count = count };
    }
}

/* ---- of the standard ---- */

static enum opcua_shape native_shape(const UA_DataType *from)
{
    switch (from->typeKind) {
    case UA_DATATYPEKIND_ENUM: return OPCUA_SHAPE_ENUMERATION;
    case UA_DATATYPEKIND_STRUCTURE: return OPCUA_SHAPE_STRUCTURE;
    case UA_DATATYPEKIND_OPTSTRUCT: return OPCUA_SHAPE_OPTIONAL;
    case UA_DATATYPEKIND_UNION: return OPCUA_SHAPE_UNION;
    default:
        return from->typeKind <= UA_DATATYPEKIND_DIAGNOSTICINFO ? OPCUA_SHAPE_SIMPLE
                                                                : OPCUA_SHAPE_UNKNOWN;
    }
}

/* Its table writes "valueRank"; servers and the standard write "ValueRank". */
static const char *native_name(struct opcua_types *types, const char *name)
{
    char *copy = arena_strdup(&types->arena, name != NULL ? name : "");
    if (copy != NULL && copy[0] >= 'a' && copy[0] <= 'z') {
        copy[0] = (char)(copy[0] - 'a' + 'A');
    }
    return copy;
}

void opcua_types_native(struct opcua_types *types, struct type_entry *entry,
                        const UA_DataType *from)
{
    struct opcua_definition definition = { .shape = native_shape(from), .builtin = OPCUA_INT32 };
    unknown(entry);
    if (definition.shape == OPCUA_SHAPE_SIMPLE) {
        definition.builtin = (enum opcua_builtin)(from->typeKind + 1);
    }
    if (definition.shape == OPCUA_SHAPE_SIMPLE || definition.shape == OPCUA_SHAPE_ENUMERATION) {
        entry->definition = definition;
        return;
    }
    struct opcua_field *fields = arena_alloc_array(&types->arena, from->membersSize,
                                                   sizeof(*fields));
    for (size_t i = 0; fields != NULL && i < from->membersSize; i++) {
        const UA_DataTypeMember *member = &from->members[i];
        fields[i].name = native_name(types, member->memberName);
        fields[i].dimensions = member->isArray;
        fields[i].optional = member->isOptional;
        fields[i].type = opcua_types_field(types, &member->memberType->typeId);
        if (fields[i].name == NULL) {
            return;
        }
    }
    if (fields != NULL && definition.shape != OPCUA_SHAPE_UNKNOWN) {
        definition.builtin = 0;
        definition.fields = fields;
        definition.field_count = from->membersSize;
        entry->definition = definition;
    }
}
