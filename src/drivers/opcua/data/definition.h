/* SPDX-License-Identifier: Apache-2.0 */
/* How a data type is built, as a server tells it (Part 3, 8.48 to 8.52; Part 6, 5.2.7 and 5.2.8). Pure data.
 *
 *   structure   fields one after another
 *   optional    u32 mask, then the fields; of the optional ones those whose bit is set, counted among the optional
 *   union       u32: 0 none, else the one field of that number, from 1
 *   enumeration an Int32
 *   simple      another name of a built-in type */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_DEFINITION_H
#define BUSBAR_DRIVERS_OPCUA_DATA_DEFINITION_H

#include "model/point.h"

/* Built-in types (Part 6, 5.1.2), by their numbers on the wire. */
enum opcua_builtin {
    OPCUA_BOOLEAN = 1,
    OPCUA_SBYTE,
    OPCUA_BYTE,
    OPCUA_INT16,
    OPCUA_UINT16,
    OPCUA_INT32,
    OPCUA_UINT32,
    OPCUA_INT64,
    OPCUA_UINT64,
    OPCUA_FLOAT,
    OPCUA_DOUBLE,
    OPCUA_STRING,
    OPCUA_DATE_TIME,
    OPCUA_GUID,
    OPCUA_BYTE_STRING,
    OPCUA_XML_ELEMENT,
    OPCUA_NODE_ID,
    OPCUA_EXPANDED_NODE_ID,
    OPCUA_STATUS_CODE,
    OPCUA_QUALIFIED_NAME,
    OPCUA_LOCALIZED_TEXT,
    OPCUA_EXTENSION_OBJECT,
    OPCUA_DATA_VALUE,
    OPCUA_VARIANT,
    OPCUA_DIAGNOSTIC_INFO,
    OPCUA_BUILTINS, /* one over the last */
};

enum opcua_shape {
    OPCUA_SHAPE_PENDING, /* asked of the server */
    OPCUA_SHAPE_UNKNOWN, /* the server does not tell, or nobody can be asked */
    OPCUA_SHAPE_SIMPLE,
    OPCUA_SHAPE_ENUMERATION,
    OPCUA_SHAPE_STRUCTURE,
    OPCUA_SHAPE_OPTIONAL,
    OPCUA_SHAPE_UNION,
};

struct opcua_definition;

struct opcua_field {
    const char *name;
    const struct opcua_definition *type; /* never NULL */
    uint8_t dimensions;                  /* 0: one value; 1: an array; more: a matrix */
    bool optional;
};

struct opcua_definition {
    enum opcua_shape shape;
    enum opcua_builtin builtin; /* simple, enumeration: what it is on the wire */
    const struct opcua_field *fields;
    size_t field_count;
    const struct point_enum *enums; /* enumeration: its names */
    size_t enum_count;
};

/* Of a built-in type; NULL when the number is none. */
const struct opcua_definition *opcua_definition_builtin(unsigned number);

#endif
