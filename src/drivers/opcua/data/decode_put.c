/* SPDX-License-Identifier: Apache-2.0 */
/* See decode_put.h. What failed in the middle leaves its JSON unfinished: nobody reads it. */
#include "drivers/opcua/data/decode_put.h"

#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/data/scalar.h"
#include "drivers/opcua/text/status.h"

enum {
    VARIANT_TYPE = 0x3f, /* bits of a Variant's first byte */
    VARIANT_DIMENSIONS = 0x40,
    VARIANT_ARRAY = 0x80,
    BODY_NONE = 0, /* of an ExtensionObject */
    BODY_BYTES = 1,
    BODY_XML = 2,
};

void opcua_reader_stop(struct opcua_reader *reader, struct bytes *in, unsigned finding)
{
    if (reader->finding == 0) {
        reader->finding = (uint16_t)finding;
    }
    bytes_fail(in);
}

/* One more value is looked at, and one level deeper. False: not allowed. */
bool opcua_reader_enter(struct opcua_reader *reader, struct bytes *in)
{
    if (bytes_short(in)) {
        return false;
    }
    if (reader->depth >= OPCUA_DEPTH_MAX) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_TOO_DEEP);
        return false;
    }
    if (reader->left == 0) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_TOO_LONG);
        return false;
    }
    reader->left--;
    reader->depth++;
    return true;
}

void opcua_reader_leave(struct opcua_reader *reader, struct bytes *in,
                        const struct json_writer *json)
{
    reader->depth--;
    if (json != NULL && json->out->overflow) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_TOO_LONG);
    }
}

static void put_variant(struct opcua_reader *reader, struct bytes *in, struct json_writer *json);

/* ---- arrays ---- */

/* How many elements follow; 0 for a null array. */
uint32_t opcua_reader_length(struct opcua_reader *reader, struct bytes *in)
{
    uint32_t length = bytes_get_u32le(in);
    if (bytes_short(in) || length > INT32_MAX) {
        return 0;
    }
    if (length > OPCUA_ELEMENTS_MAX) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_TOO_LONG);
        return 0;
    }
    return length;
}

void opcua_put_elements(struct opcua_reader *reader, struct bytes *in, uint32_t count,
                        const struct opcua_definition *type, struct json_writer *json)
{
    if (json != NULL) {
        json_begin_array(json);
    }
    for (uint32_t i = 0; i < count && !bytes_short(in); i++) {
        opcua_put_type(reader, in, type, json);
    }
    if (json != NULL && !bytes_short(in)) {
        json_end_array(json);
    }
}

/* The dimensions of a matrix, which must have `elements` of them in all (UINT32_MAX: any number). */
bool opcua_reader_shape(struct opcua_reader *reader, struct bytes *in, uint32_t elements,
                        struct opcua_array_shape *shape)
{
    uint64_t product = 1;
    shape->count = opcua_reader_length(reader, in);
    if (shape->count > OPCUA_DIMENSIONS_MAX) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_TOO_DEEP);
    }
    for (uint32_t i = 0; i < shape->count && !bytes_short(in); i++) {
        shape->lengths[i] = bytes_get_u32le(in);
        product *= shape->lengths[i];
        if (product > OPCUA_ELEMENTS_MAX) {
            opcua_reader_stop(reader, in, OPCUA_FOUND_TOO_LONG);
        }
    }
    if (!bytes_short(in) && elements != UINT32_MAX && product != elements) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_BROKEN);
    }
    return !bytes_short(in);
}

uint32_t opcua_shape_elements(const struct opcua_array_shape *shape)
{
    uint32_t product = shape->count > 0;
    for (uint32_t i = 0; i < shape->count; i++) {
        product *= shape->lengths[i];
    }
    return product;
}

/* Rows of rows, the last dimension fastest. */
void opcua_put_matrix(struct opcua_reader *reader, struct bytes *in,
                      const struct opcua_array_shape *shape, uint32_t level,
                      const struct opcua_definition *type, struct json_writer *json)
{
    uint32_t elements = opcua_shape_elements(shape);
    if (json == NULL || elements == 0) {
        opcua_put_elements(reader, in, elements, type, json);
        return;
    }
    if (level + 1 == shape->count) {
        opcua_put_elements(reader, in, shape->lengths[level], type, json);
        return;
    }
    if (!opcua_reader_enter(reader, in)) {
        return;
    }
    json_begin_array(json);
    for (uint32_t i = 0; i < shape->lengths[level] && !bytes_short(in); i++) {
        opcua_put_matrix(reader, in, shape, level + 1, type, json);
    }
    if (!bytes_short(in)) {
        json_end_array(json);
    }
    opcua_reader_leave(reader, in, json);
}

/* ---- structures ---- */

void opcua_put_field(struct opcua_reader *reader, struct bytes *in, const struct opcua_field *field,
                     struct json_writer *json)
{
    struct opcua_array_shape shape;
    if (field->dimensions == 0) {
        opcua_put_type(reader, in, field->type, json);
    } else if (field->dimensions == 1) {
        opcua_put_elements(reader, in, opcua_reader_length(reader, in), field->type, json);
    } else if (opcua_reader_shape(reader, in, UINT32_MAX, &shape)) {
        opcua_put_matrix(reader, in, &shape, 0, field->type, json);
    }
}

struct opcua_walk opcua_walk_begin(struct bytes *in, const struct opcua_definition *type)
{
    struct opcua_walk walk = { .type = type, .bit = 1 };
    if (type->shape == OPCUA_SHAPE_OPTIONAL) {
        walk.mask = bytes_get_u32le(in);
    } else if (type->shape == OPCUA_SHAPE_UNION) {
        walk.chosen = bytes_get_u32le(in);
        if (walk.chosen > type->field_count) {
            bytes_fail(in);
        }
    }
    return walk;
}

static bool walk_here(struct opcua_walk *walk, const struct opcua_field *field)
{
    if (walk->type->shape == OPCUA_SHAPE_UNION) {
        return walk->at == walk->chosen;
    }
    if (walk->type->shape != OPCUA_SHAPE_OPTIONAL || !field->optional) {
        return true;
    }
    bool here = (walk->mask & walk->bit) != 0;
    walk->bit <<= 1;
    return here;
}

/* *here: its bytes stand there. NULL: at the end. */
const struct opcua_field *opcua_walk_next(struct opcua_walk *walk, bool *here)
{
    if (walk->at == walk->type->field_count) {
        return NULL;
    }
    const struct opcua_field *field = &walk->type->fields[walk->at++];
    *here = walk_here(walk, field);
    return field;
}

bool opcua_is_structure(const struct opcua_definition *type)
{
    return type->shape == OPCUA_SHAPE_STRUCTURE || type->shape == OPCUA_SHAPE_OPTIONAL ||
           type->shape == OPCUA_SHAPE_UNION;
}

static void put_structure(struct opcua_reader *reader, struct bytes *in,
                          const struct opcua_definition *type, struct json_writer *json)
{
    bool here;
    const struct opcua_field *field;
    struct opcua_walk walk = opcua_walk_begin(in, type);
    if (json != NULL) {
        json_begin_object(json);
    }
    while (!bytes_short(in) && (field = opcua_walk_next(&walk, &here)) != NULL) {
        if (here && json != NULL) {
            json_key(json, field->name);
        }
        if (here) {
            opcua_put_field(reader, in, field, json);
        }
    }
    if (json != NULL && !bytes_short(in)) {
        json_end_object(json);
    }
}

/* What an ExtensionObject holds: its definition, and the cursor of its body. False: nothing, or failed. */
bool opcua_reader_body(struct opcua_reader *reader, struct bytes *in, UA_ExpandedNodeId *id,
                       const struct opcua_definition **type, struct bytes *body)
{
    size_t size = 0;
    if (!opcua_get_node_id(in, id)) {
        return false;
    }
    uint8_t encoding = bytes_get_u8(in);
    if (encoding > BODY_XML) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_BROKEN);
    }
    if (bytes_short(in) || encoding == BODY_NONE) {
        return false;
    }
    const uint8_t *data = opcua_get_string(in, &size);
    *body = bytes_of(data, size);
    *type = NULL;
    if (data != NULL && encoding == BODY_BYTES) {
        *type = opcua_types_of_encoding(reader->types, &id->nodeId);
        if ((*type)->shape == OPCUA_SHAPE_PENDING) {
            opcua_reader_stop(reader, in, OPCUA_FOUND_LOADING);
        }
    }
    return !bytes_short(in);
}

static void put_raw(struct opcua_reader *reader, const UA_ExpandedNodeId *id,
                    const struct bytes *body, struct json_writer *json)
{
    reader->raw = true;
    json_begin_object(json);
    buf_clear(&reader->scratch);
    opcua_expanded_id_print(id, opcua_types_facts(reader->types), &reader->scratch);
    json_put_string(json, "encoding", buf_text(&reader->scratch));
    buf_clear(&reader->scratch);
    base64_encode(&reader->scratch, body->at, bytes_left(body));
    json_put_string(json, "raw", buf_text(&reader->scratch));
    json_end_object(json);
    if (reader->scratch.overflow) {
        json->out->overflow = true; /* what does not fit there does not fit here */
    }
}

static void put_extension(struct opcua_reader *reader, struct bytes *in, struct json_writer *json)
{
    UA_ExpandedNodeId id;
    const struct opcua_definition *type;
    struct bytes body;
    bool filled = opcua_reader_body(reader, in, &id, &type, &body);
    if (json == NULL || bytes_short(in)) {
        return;
    }
    if (!filled) {
        json_null(json);
    } else if (type == NULL || !opcua_is_structure(type)) {
        put_raw(reader, &id, &body, json);
    } else {
        put_structure(reader, &body, type, json);
        if (bytes_short(&body) || bytes_left(&body) > 0) {
            opcua_reader_stop(reader, in, OPCUA_FOUND_BROKEN);
        }
    }
}

/* ---- containers ---- */

static void put_data_value(struct opcua_reader *reader, struct bytes *in, struct json_writer *json)
{
    uint8_t mask = bytes_get_u8(in);
    if ((mask & 1) != 0) {
        put_variant(reader, in, json);
    } else if (json != NULL) {
        json_null(json);
    }
    bytes_skip(in, ((mask & 2) != 0 ? 4U : 0U) + ((mask & 4) != 0 ? 8U : 0U) +
                       ((mask & 8) != 0 ? 8U : 0U) + ((mask & 16) != 0 ? 2U : 0U) +
                       ((mask & 32) != 0 ? 2U : 0U));
}

/* Its text for a person; the rest points into tables that are not here. */
static void put_diagnostic(struct opcua_reader *reader, struct bytes *in, struct json_writer *json)
{
    size_t size = 0;
    uint8_t mask = bytes_get_u8(in);
    for (uint8_t bit = 1; bit < 16; bit = (uint8_t)(bit << 1)) {
        bytes_skip(in, (mask & bit) != 0 ? 4 : 0);
    }
    const uint8_t *text = (mask & 16) != 0 ? opcua_get_string(in, &size) : NULL;
    bytes_skip(in, (mask & 32) != 0 ? 4 : 0);
    if (json != NULL && text != NULL && str_is_utf8((const char *)text, size)) {
        json_string_n(json, (const char *)text, size);
    } else if (json != NULL) {
        json_null(json);
    }
    if ((mask & 64) != 0 && opcua_reader_enter(reader, in)) {
        put_diagnostic(reader, in, NULL);
        opcua_reader_leave(reader, in, NULL);
    }
}

static void put_builtin(struct opcua_reader *reader, struct bytes *in, enum opcua_builtin type,
                        struct json_writer *json)
{
    struct opcua_scalar scalar;
    switch (type) {
    case OPCUA_EXTENSION_OBJECT: put_extension(reader, in, json); break;
    case OPCUA_DATA_VALUE: put_data_value(reader, in, json); break;
    case OPCUA_VARIANT: put_variant(reader, in, json); break;
    case OPCUA_DIAGNOSTIC_INFO: put_diagnostic(reader, in, json); break;
    default:
        opcua_scalar_get(in, type, opcua_types_facts(reader->types), &reader->scratch, &scalar);
        if (json != NULL && !bytes_short(in)) {
            opcua_scalar_json(&scalar, json);
        }
        break;
    }
}

void opcua_put_type(struct opcua_reader *reader, struct bytes *in,
                    const struct opcua_definition *type, struct json_writer *json)
{
    if (!opcua_reader_enter(reader, in)) {
        return;
    }
    if (type->shape == OPCUA_SHAPE_PENDING) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_LOADING);
    } else if (type->shape == OPCUA_SHAPE_UNKNOWN) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_NO_DEFINITION);
    } else if (opcua_is_structure(type)) {
        put_structure(reader, in, type, json);
    } else {
        put_builtin(reader, in, type->builtin, json);
    }
    opcua_reader_leave(reader, in, json);
}

/* The head of a Variant. *type NULL: it is null, or in has failed. An array: *length and, by *shape, its dimensions. */
const struct opcua_definition *opcua_reader_variant(struct opcua_reader *reader, struct bytes *in,
                                                    bool *array, uint32_t *length,
                                                    struct opcua_array_shape *shape)
{
    uint8_t head = bytes_get_u8(in);
    unsigned number = head & VARIANT_TYPE;
    *array = (head & VARIANT_ARRAY) != 0;
    shape->count = 0;
    if (bytes_short(in) || number == 0) {
        return NULL;
    }
    /* Numbers up to 31 are kept for types to come, which are sent as a ByteString. */
    const struct opcua_definition *type = opcua_definition_builtin(
        number >= OPCUA_BUILTINS && number < 32 ? OPCUA_BYTE_STRING : number);
    if (type == NULL || (number == OPCUA_VARIANT && !*array)) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_BROKEN);
        return NULL;
    }
    if (*array) {
        *length = opcua_reader_length(reader, in);
    }
    if (*array && (head & VARIANT_DIMENSIONS) != 0) {
        struct bytes ahead = *in; /* the dimensions stand behind the values */
        opcua_put_elements(reader, &ahead, *length, type, NULL);
        if (bytes_short(&ahead) || !opcua_reader_shape(reader, &ahead, *length, shape)) {
            bytes_fail(in);
            return NULL;
        }
    }
    return type;
}

static void close_variant(struct opcua_reader *reader, struct bytes *in,
                          const struct opcua_array_shape *shape)
{
    struct opcua_array_shape again;
    if (shape->count > 0 && !bytes_short(in)) {
        (void)opcua_reader_shape(reader, in, UINT32_MAX, &again);
    }
}

static void put_variant(struct opcua_reader *reader, struct bytes *in, struct json_writer *json)
{
    bool array;
    uint32_t length = 0;
    struct opcua_array_shape shape;
    const struct opcua_definition *type = opcua_reader_variant(reader, in, &array, &length, &shape);
    if (type == NULL) {
        if (json != NULL && !bytes_short(in)) {
            json_null(json);
        }
    } else if (!array) {
        opcua_put_type(reader, in, type, json);
    } else if (shape.count > 1) {
        opcua_put_matrix(reader, in, &shape, 0, type, json);
    } else {
        opcua_put_elements(reader, in, length, type, json);
    }
    close_variant(reader, in, &shape);
}
