/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of Protobuf messages, as protoc writes them (google/protobuf/descriptor.proto): Protobuf themselves.
 *
 *   FileDescriptorSet    1 file
 *   FileDescriptorProto  2 package  4 message_type  5 enum_type  12 syntax
 *   DescriptorProto      1 name  2 field  3 nested_type  4 enum_type  7 options (7 map_entry)
 *   FieldDescriptorProto 1 name  3 number  4 label  5 type  6 type_name  9 oneof_index  17 proto3_optional
 *   EnumDescriptorProto  1 name  2 value: 1 name  2 number */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "payload/schema_parts.h"
#include "payload/wire.h"

enum { LABEL_REPEATED = 3 };

struct file {
    struct payload_schemas *schemas;
    struct err *err;
    bool proto3;
};

static int broken(struct file *file)
{
    return err_set(file->err, BUSBAR_EPROTO, "it is no set of descriptors");
}

static int no_room(struct file *file)
{
    return err_set(file->err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
}

/* The bytes of a field; in the wrong kind: broken. */
static bool is_bytes(const struct payload_wire *field)
{
    return field->kind == WIRE_BYTES;
}

static bool is_name(struct bytes text)
{
    size_t size = bytes_left(&text);
    return size > 0 && size < SCHEMA_NAME_MAX && memchr(text.at, '\0', size) == NULL &&
           str_is_utf8((const char *)text.at, size);
}

/* The text of field 1, joined with what is around it: "acme" and "Reading" -> "acme.Reading". NULL: it has none. */
static const char *whole_name(struct file *file, const char *outer, struct bytes in)
{
    struct payload_wire field;
    struct bytes name = bytes_of("", 0);
    while (payload_wire_next(&in, &field) == 1) {
        if (field.number == 1 && is_bytes(&field)) {
            name = field.data;
        }
    }
    size_t size = bytes_left(&name);
    if (!is_name(name) || size + strlen(outer) >= SCHEMA_NAME_MAX) {
        return NULL;
    }
    return arena_printf(&file->schemas->arena, "%s%s%.*s", outer, outer[0] != '\0' ? "." : "",
                        (int)size, (const char *)name.at);
}

static int own_text(struct file *file, struct bytes text, const char **out, uint32_t *size)
{
    size_t length = bytes_left(&text);
    if (!is_name(text)) {
        return broken(file);
    }
    *out = arena_strndup(&file->schemas->arena, (const char *)text.at, length);
    *size = (uint32_t)length;
    return *out != NULL ? 0 : no_room(file);
}

/* How many fields of this number and of bytes there are; negative: broken. */
static int count_fields(struct file *file, struct bytes in, uint32_t number)
{
    struct payload_wire field;
    int count = 0;
    int more;
    while ((more = payload_wire_next(&in, &field)) == 1) {
        if (field.number == number) {
            if (!is_bytes(&field)) {
                return broken(file);
            }
            count++;
        }
    }
    return more == 0 ? count : broken(file);
}

/* ---- enumerations ---- */

static int read_word(struct file *file, struct bytes in, struct schema_word *word)
{
    struct payload_wire field;
    int error = 0;
    while (error == 0 && payload_wire_next(&in, &field) == 1) {
        if (field.number == 1 && is_bytes(&field)) {
            error = own_text(file, field.data, &word->name, &word->name_size);
        } else if (field.number == 2 && field.kind == WIRE_VARINT) {
            word->number = (int32_t)field.value;
        }
    }
    return error == 0 && word->name == NULL ? broken(file) : error;
}

static int by_number(const void *left, const void *right)
{
    const struct schema_word *a = left;
    const struct schema_word *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static int read_enum(struct file *file, const char *outer, struct bytes in)
{
    struct payload_schemas *schemas = file->schemas;
    const char *name = whole_name(file, outer, in);
    if (name == NULL) {
        return broken(file);
    }
    if (map_get(&schemas->enum_by_name, name) != NULL) {
        return 0;
    }
    int count = count_fields(file, in, 2);
    if (count < 0) {
        return count;
    }
    struct schema_enum *made = arena_alloc(&schemas->arena, sizeof(*made));
    struct schema_word *words = arena_alloc_array(&schemas->arena, (size_t)count, sizeof(*words));
    if (made == NULL || words == NULL) {
        return no_room(file);
    }
    *made = (struct schema_enum){ .name = name, .words = words, .next = schemas->enums };
    struct payload_wire field;
    while (payload_wire_next(&in, &field) == 1) {
        if (field.number == 2) {
            int error = read_word(file, field.data, &words[made->count++]);
            if (error != 0) {
                return error;
            }
        }
    }
    made->first = count > 0 ? words[0].number : 0;
    qsort(words, made->count, sizeof(*words), by_number);
    schemas->enums = made;
    (void)map_set(&schemas->enum_by_name, name, made);
    return 0;
}

const struct schema_word *payload_schema_word(const struct schema_enum *words, int32_t number)
{
    struct schema_word key = { .number = number };
    return words->count > 0
               ? bsearch(&key, words->words, words->count, sizeof(*words->words), by_number)
               : NULL;
}

/* ---- messages ---- */

static int read_field(struct file *file, struct bytes in, struct schema_field *out)
{
    struct payload_wire field;
    int error = 0;
    bool optional = false;
    uint32_t size;
    while (error == 0 && payload_wire_next(&in, &field) == 1) {
        bool varint = field.kind == WIRE_VARINT;
        switch (field.number) {
        case 1:
            error = is_bytes(&field) ? own_text(file, field.data, &out->name, &out->name_size)
                                     : broken(file);
            break;
        case 3: out->number = varint ? (uint32_t)field.value : 0; break;
        case 4: out->repeated = varint && field.value == LABEL_REPEATED; break;
        case 5:
            out->type = varint && field.value <= SCHEMA_SINT64 ? (uint8_t)field.value : 0;
            break;
        case 6:
            error = is_bytes(&field) ? own_text(file, field.data, &out->type_name, &size)
                                     : broken(file);
            break;
        case 9:
            out->oneof = varint && field.value < SCHEMA_ONEOFS_MAX ? (uint8_t)(field.value + 1) : 0;
            break;
        case 17: optional = varint && field.value != 0; break;
        default: break;
        }
    }
    if (error == 0 && (out->name == NULL || out->number == 0)) {
        return broken(file);
    }
    out->oneof = optional ? 0 : out->oneof; /* made up by protoc for this one field */
    out->implicit = file->proto3 && !optional && !out->repeated && out->oneof == 0 &&
                    out->type != SCHEMA_MESSAGE && out->type != SCHEMA_GROUP;
    return error;
}

static int field_order(const void *left, const void *right)
{
    const struct schema_field *a = left;
    const struct schema_field *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

const struct schema_field *payload_schema_field(const struct payload_schema *schema,
                                                uint32_t number)
{
    if (number - 1 < schema->count && schema->fields[number - 1].number == number) {
        return &schema->fields[number - 1]; /* numbered without gaps */
    }
    struct schema_field key = { .number = number };
    return schema->count > 0
               ? bsearch(&key, schema->fields, schema->count, sizeof(key), field_order)
               : NULL;
}

static bool is_map_entry(struct bytes options)
{
    struct payload_wire field;
    bool map_entry = false;
    while (payload_wire_next(&options, &field) == 1) {
        map_entry = field.number == 7 && field.kind == WIRE_VARINT ? field.value != 0 : map_entry;
    }
    return map_entry;
}

static int read_message(struct file *file, const char *outer, struct bytes in, unsigned depth);

/* What stands inside of a message or a file: fields `messages` and `enums` are numbers of the descriptor's own. */
static int read_inner(struct file *file, const char *outer, struct bytes in, uint32_t messages,
                      uint32_t enums, unsigned depth)
{
    struct payload_wire field;
    int error = 0;
    int more;
    while (error == 0 && (more = payload_wire_next(&in, &field)) != 0) {
        if (more < 0 ||
            ((field.number == messages || field.number == enums) && !is_bytes(&field))) {
            return broken(file);
        }
        if (field.number == messages) {
            error = read_message(file, outer, field.data, depth);
        } else if (field.number == enums) {
            error = read_enum(file, outer, field.data);
        }
    }
    return error;
}

static int add_message(struct file *file, const char *name, struct bytes in)
{
    struct payload_schemas *schemas = file->schemas;
    int count = count_fields(file, in, 2);
    if (count < 0) {
        return count;
    }
    struct payload_schema *made = arena_alloc(&schemas->arena, sizeof(*made));
    struct schema_field *fields = arena_alloc_array(&schemas->arena, (size_t)count,
                                                    sizeof(*fields));
    if (made == NULL || fields == NULL) {
        return no_room(file);
    }
    *made = (struct payload_schema){ .name = name, .fields = fields, .next = schemas->messages };
    made->time = strcmp(name, "google.protobuf.Timestamp") == 0;
    struct payload_wire field;
    while (payload_wire_next(&in, &field) == 1) {
        if (field.number == 2) {
            int error = read_field(file, field.data, &fields[made->count++]);
            if (error != 0) {
                return error;
            }
        } else if (field.number == 7 && is_bytes(&field)) {
            made->map_entry = is_map_entry(field.data);
        }
    }
    qsort(fields, made->count, sizeof(*fields), field_order);
    schemas->messages = made;
    (void)map_set(&schemas->by_name, name, made);
    return 0;
}

static int read_message(struct file *file, const char *outer, struct bytes in, unsigned depth)
{
    if (depth == SCHEMA_NESTED_MAX) {
        return err_set(file->err, BUSBAR_ELIMIT, "messages nested more than %d levels deep",
                       SCHEMA_NESTED_MAX);
    }
    const char *name = whole_name(file, outer, in);
    if (name == NULL) {
        return broken(file);
    }
    int error = 0;
    if (map_get(&file->schemas->by_name, name) == NULL) {
        error = add_message(file, name, in);
    }
    return error == 0 ? read_inner(file, name, in, 3, 4, depth + 1) : error;
}

/* ---- files ---- */

static int read_file(struct file *file, struct bytes in)
{
    struct payload_wire field;
    struct bytes look = in;
    struct bytes package = bytes_of("", 0);
    int more;
    file->proto3 = false;
    while ((more = payload_wire_next(&look, &field)) == 1) {
        if (field.number == 2 && is_bytes(&field)) {
            package = field.data;
        } else if (field.number == 12 && is_bytes(&field)) {
            file->proto3 = bytes_left(&field.data) == 6 && memcmp(field.data.at, "proto3", 6) == 0;
        }
    }
    if (more < 0 || (bytes_left(&package) > 0 && !is_name(package))) {
        return broken(file);
    }
    char outer[SCHEMA_NAME_MAX];
    (void)str_format(outer, sizeof(outer), "%.*s", (int)bytes_left(&package),
                     (const char *)package.at);
    return read_inner(file, outer, in, 4, 5, 0);
}

int payload_descriptor_read(struct payload_schemas *schemas, struct bytes in, struct err *err)
{
    struct file file = { .schemas = schemas, .err = err };
    struct payload_wire field;
    int error = 0;
    int more;
    if (bytes_left(&in) == 0) {
        return err_set(err, BUSBAR_EPROTO, "it is empty");
    }
    while (error == 0 && (more = payload_wire_next(&in, &field)) != 0) {
        if (more < 0 || field.number != 1 || !is_bytes(&field)) {
            return broken(&file);
        }
        error = read_file(&file, field.data);
    }
    return error;
}
