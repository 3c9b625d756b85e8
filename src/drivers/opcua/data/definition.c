/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/definition.h"

#define SIMPLE(type) [type] = { .shape = OPCUA_SHAPE_SIMPLE, .builtin = (type) }

static const struct opcua_definition builtins[OPCUA_BUILTINS] = {
    SIMPLE(OPCUA_BOOLEAN),
    SIMPLE(OPCUA_SBYTE),
    SIMPLE(OPCUA_BYTE),
    SIMPLE(OPCUA_INT16),
    SIMPLE(OPCUA_UINT16),
    SIMPLE(OPCUA_INT32),
    SIMPLE(OPCUA_UINT32),
    SIMPLE(OPCUA_INT64),
    SIMPLE(OPCUA_UINT64),
    SIMPLE(OPCUA_FLOAT),
    SIMPLE(OPCUA_DOUBLE),
    SIMPLE(OPCUA_STRING),
    SIMPLE(OPCUA_DATE_TIME),
    SIMPLE(OPCUA_GUID),
    SIMPLE(OPCUA_BYTE_STRING),
    SIMPLE(OPCUA_XML_ELEMENT),
    SIMPLE(OPCUA_NODE_ID),
    SIMPLE(OPCUA_EXPANDED_NODE_ID),
    SIMPLE(OPCUA_STATUS_CODE),
    SIMPLE(OPCUA_QUALIFIED_NAME),
    SIMPLE(OPCUA_LOCALIZED_TEXT),
    SIMPLE(OPCUA_EXTENSION_OBJECT),
    SIMPLE(OPCUA_DATA_VALUE),
    SIMPLE(OPCUA_VARIANT),
    SIMPLE(OPCUA_DIAGNOSTIC_INFO),
};

const struct opcua_definition *opcua_definition_builtin(unsigned number)
{
    return number >= OPCUA_BOOLEAN && number < OPCUA_BUILTINS ? &builtins[number] : NULL;
}
