/* SPDX-License-Identifier: Apache-2.0 */
/* Types of Protobuf messages as they were read from descriptors. All of it lies in the arena of the schemas. */
#ifndef BUSBAR_PAYLOAD_SCHEMA_PARTS_H
#define BUSBAR_PAYLOAD_SCHEMA_PARTS_H

#include "base/arena.h"
#include "base/map.h"
#include "payload/schemas.h"

enum {
    SCHEMA_BYTES_MAX = 64 << 20, /* of all that is kept */
    SCHEMA_NESTED_MAX = 32,      /* types in types */
    SCHEMA_NAME_MAX = 512,
    SCHEMA_ONEOFS_MAX = 64, /* of a message; those beyond are taken for plain fields */
};

/* google/protobuf/descriptor.proto: FieldDescriptorProto.Type */
enum schema_type {
    SCHEMA_DOUBLE = 1,
    SCHEMA_FLOAT,
    SCHEMA_INT64,
    SCHEMA_UINT64,
    SCHEMA_INT32,
    SCHEMA_FIXED64,
    SCHEMA_FIXED32,
    SCHEMA_BOOL,
    SCHEMA_STRING,
    SCHEMA_GROUP,
    SCHEMA_MESSAGE,
    SCHEMA_BYTES,
    SCHEMA_UINT32,
    SCHEMA_ENUM,
    SCHEMA_SFIXED32,
    SCHEMA_SFIXED64,
    SCHEMA_SINT32,
    SCHEMA_SINT64,
};

struct schema_word {
    const char *name;
    int32_t number;
    uint32_t name_size;
};

struct schema_enum {
    const char *name;          /* whole */
    struct schema_word *words; /* by number */
    size_t count;
    int32_t first; /* the first in the text: what is meant when proto3 sends nothing */
    struct schema_enum *next;
};

struct schema_field {
    const char *name;
    uint32_t name_size, number;
    uint8_t type; /* enum schema_type; 0: not usable */
    bool repeated;
    bool implicit; /* proto3 without `optional`: what is not sent is 0 */
    uint8_t oneof; /* from 1; 0: none */
    const char *type_name;
    const struct payload_schema *message;
    const struct schema_enum *words;
};

struct payload_schema {
    const char *name;            /* whole: "acme.Reading" */
    struct schema_field *fields; /* by number */
    size_t count;
    bool map_entry;
    bool time; /* google.protobuf.Timestamp */
    struct payload_schema *next;
};

struct payload_schemas {
    struct prepared prepared;
    struct arena arena;
    struct payload_schema *messages; /* newest first */
    struct schema_enum *enums;
    struct map by_name, enum_by_name;
};

/* One file's FileDescriptorSet, added. What is there already (an import that several files bring) stays as it was.
 * BUSBAR_EPROTO, BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int payload_descriptor_read(struct payload_schemas *schemas, struct bytes in, struct err *err);

/* The field of that number; NULL. */
const struct schema_field *payload_schema_field(const struct payload_schema *schema,
                                                uint32_t number);
/* The word for a number of an enumeration; NULL. */
const struct schema_word *payload_schema_word(const struct schema_enum *words, int32_t number);

#endif
