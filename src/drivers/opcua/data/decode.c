/* SPDX-License-Identifier: Apache-2.0 */
/* See decode.h. Each pick_...() goes one step down to the member that is asked for; what stands there is said by
 * emit_...(). */
#include "drivers/opcua/data/decode.h"

#include <string.h>

#include "drivers/opcua/data/decode_put.h"
#include "drivers/opcua/text/status.h"

enum { SCRATCH_MAX = 64 << 10 };

static void pick_type(struct opcua_reader *reader, struct bytes *in,
                      const struct opcua_definition *type, const char *path);
static void pick_variant(struct opcua_reader *reader, struct bytes *in, const char *path);

/* ---- the member ---- */

/* "[12]" at *path. */
static bool step_index(const char **path, uint32_t *index)
{
    if (**path != '[') {
        return false;
    }
    const char *at = *path + 1;
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9' && number <= OPCUA_ELEMENTS_MAX; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    if (at == *path + 1 || *at != ']' || number >= OPCUA_ELEMENTS_MAX) {
        return false;
    }
    *index = (uint32_t)number;
    *path = at + 1;
    return true;
}

/* The name at *path, behind a '.' where one stands. */
static size_t step_name(const char **path, const char **name)
{
    *name = **path == '.' ? *path + 1 : *path;
    size_t size = strcspn(*name, ".[");
    *path = *name + size;
    return size;
}

bool opcua_member_valid(const char *member)
{
    const char *path = member;
    const char *name;
    uint32_t index;
    if (*path == '.') {
        return false;
    }
    while (*path != '\0') {
        if (*path == '[' ? !step_index(&path, &index) : step_name(&path, &name) == 0) {
            return false;
        }
        if (*path != '\0' && *path != '.' && *path != '[') {
            return false;
        }
    }
    return path != member;
}

/* JSON of all of something into the sample. */
static void emit_json(struct opcua_reader *reader, struct bytes *in,
                      void (*put)(struct opcua_reader *reader, struct bytes *in, const void *what,
                                  struct json_writer *json),
                      const void *what)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    struct json_writer json = json_writer(&text);
    put(reader, in, what, &json);
    if (text.overflow) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_TOO_LONG);
    } else if (!bytes_short(in)) {
        uint16_t finding = opcua_text_sample(buf_text(&text), text.size, reader->texts,
                                             reader->out);
        if (finding != 0) {
            opcua_reader_stop(reader, in, finding);
        }
    }
    buf_fini(&text);
}

static void emit_scalar(struct opcua_reader *reader, struct bytes *in, enum opcua_builtin type)
{
    struct opcua_scalar scalar;
    opcua_scalar_get(in, type, opcua_types_facts(reader->types), &reader->scratch, &scalar);
    uint16_t finding = bytes_short(in) ? 0
                                       : opcua_scalar_sample(&scalar, reader->texts, reader->out);
    if (finding != 0) {
        opcua_reader_stop(reader, in, finding);
    }
}

static void put_type_of(struct opcua_reader *reader, struct bytes *in, const void *what,
                        struct json_writer *json)
{
    opcua_put_type(reader, in, what, json);
}

static void put_field_of(struct opcua_reader *reader, struct bytes *in, const void *what,
                         struct json_writer *json)
{
    opcua_put_field(reader, in, what, json);
}

/* One element of an array, by the index at the path. */
static void pick_element(struct opcua_reader *reader, struct bytes *in, uint32_t length,
                         const struct opcua_definition *type, const char *path)
{
    uint32_t index = 0;
    if (!step_index(&path, &index)) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_NOT_A_STRUCTURE);
        return;
    }
    if (index >= length) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_ABSENT);
    }
    for (uint32_t i = 0; i < index && !bytes_short(in); i++) {
        opcua_put_type(reader, in, type, NULL);
    }
    pick_type(reader, in, type, path);
}

/* Elements are counted along, whatever the dimensions. */
static void pick_field(struct opcua_reader *reader, struct bytes *in,
                       const struct opcua_field *field, const char *path)
{
    struct opcua_array_shape shape;
    if (field->dimensions == 0) {
        pick_type(reader, in, field->type, path);
    } else if (*path == '\0') {
        emit_json(reader, in, put_field_of, field);
    } else if (field->dimensions == 1) {
        uint32_t length = opcua_reader_length(reader, in);
        pick_element(reader, in, length, field->type, path);
    } else if (opcua_reader_shape(reader, in, UINT32_MAX, &shape)) {
        pick_element(reader, in, opcua_shape_elements(&shape), field->type, path);
    }
}

static void pick_structure(struct opcua_reader *reader, struct bytes *in,
                           const struct opcua_definition *type, const char *path)
{
    bool here;
    const char *name;
    const struct opcua_field *field;
    size_t size = step_name(&path, &name);
    struct opcua_walk walk = opcua_walk_begin(in, type);
    while (!bytes_short(in) && (field = opcua_walk_next(&walk, &here)) != NULL) {
        if (strncmp(field->name, name, size) == 0 && field->name[size] == '\0') {
            if (here) {
                pick_field(reader, in, field, path);
            } else {
                opcua_reader_stop(reader, in, OPCUA_FOUND_ABSENT);
            }
            return;
        }
        if (here) {
            opcua_put_field(reader, in, field, NULL);
        }
    }
    if (!bytes_short(in)) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_NO_MEMBER);
    }
}

static void pick_extension(struct opcua_reader *reader, struct bytes *in, const char *path)
{
    UA_ExpandedNodeId id;
    const struct opcua_definition *type;
    struct bytes body;
    if (!opcua_reader_body(reader, in, &id, &type, &body)) {
        opcua_reader_stop(reader, in,
                          bytes_short(in) ? OPCUA_FOUND_BROKEN : OPCUA_FOUND_NULL_VALUE);
    } else if (type == NULL || !opcua_is_structure(type)) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_NO_DEFINITION);
    } else {
        pick_structure(reader, &body, type, path);
        if (bytes_short(&body)) {
            opcua_reader_stop(reader, in, OPCUA_FOUND_BROKEN);
        }
    }
}

static void pick_type(struct opcua_reader *reader, struct bytes *in,
                      const struct opcua_definition *type, const char *path)
{
    if (!opcua_reader_enter(reader, in)) {
        return;
    }
    bool container = type->builtin == OPCUA_EXTENSION_OBJECT || type->builtin == OPCUA_DATA_VALUE ||
                     type->builtin == OPCUA_DIAGNOSTIC_INFO;
    if (type->builtin == OPCUA_VARIANT) {
        pick_variant(reader, in, path);
    } else if (type->shape == OPCUA_SHAPE_PENDING) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_LOADING);
    } else if (type->shape == OPCUA_SHAPE_UNKNOWN) {
        opcua_reader_stop(reader, in, OPCUA_FOUND_NO_DEFINITION);
    } else if (*path == '\0' && (container || opcua_is_structure(type))) {
        emit_json(reader, in, put_type_of, type);
    } else if (*path == '\0') {
        emit_scalar(reader, in, type->builtin);
    } else if (opcua_is_structure(type)) {
        pick_structure(reader, in, type, path);
    } else if (type->builtin == OPCUA_EXTENSION_OBJECT) {
        pick_extension(reader, in, path);
    } else {
        opcua_reader_stop(reader, in, OPCUA_FOUND_NOT_A_STRUCTURE);
    }
    opcua_reader_leave(reader, in, NULL);
}

/* The array of a Variant whose head was read, as JSON. */
struct opened {
    const struct opcua_definition *type;
    const struct opcua_array_shape *shape;
    uint32_t length;
};

static void put_opened(struct opcua_reader *reader, struct bytes *in, const void *what,
                       struct json_writer *json)
{
    const struct opened *opened = what;
    if (opened->shape->count > 1) {
        opcua_put_matrix(reader, in, opened->shape, 0, opened->type, json);
    } else {
        opcua_put_elements(reader, in, opened->length, opened->type, json);
    }
}

static void pick_variant(struct opcua_reader *reader, struct bytes *in, const char *path)
{
    bool array;
    uint32_t length = 0;
    struct opcua_array_shape shape;
    const struct opcua_definition *type = opcua_reader_variant(reader, in, &array, &length, &shape);
    if (type == NULL) {
        opcua_reader_stop(reader, in,
                          bytes_short(in) ? OPCUA_FOUND_BROKEN : OPCUA_FOUND_NULL_VALUE);
    } else if (!array || (reader->single && length == 1)) {
        pick_type(reader, in, type, path);
    } else if (*path == '\0') {
        const struct opened opened = { .type = type, .shape = &shape, .length = length };
        emit_json(reader, in, put_opened, &opened);
    } else {
        pick_element(reader, in, length, type, path);
    }
}

uint16_t opcua_decode(struct bytes variant, const char *member, bool single,
                      struct opcua_types *types, struct arena *texts, struct sample *out, bool *raw)
{
    struct opcua_reader reader = {
        .types = types, .texts = texts, .out = out, .left = OPCUA_VALUES_MAX, .single = single
    };
    buf_init(&reader.scratch, SCRATCH_MAX);
    out->type = VALUE_NONE;
    out->value.bits = 0;
    pick_variant(&reader, &variant, member != NULL ? member : "");
    buf_fini(&reader.scratch);
    if (bytes_short(&variant) || reader.finding != 0) {
        out->type = VALUE_NONE;
        out->value.bits = 0;
        return reader.finding != 0 ? reader.finding : OPCUA_FOUND_BROKEN;
    }
    *raw = reader.raw;
    return 0;
}
