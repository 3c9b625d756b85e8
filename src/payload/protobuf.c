/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf messages of a known type into the tree.
 *
 * On the wire fields may come in any order and those of a list apart from each other; in the tree a list is one node. So a
 * message is looked through once; when its fields are in the order of their numbers (all usual senders do that) it is
 * taken as it stands, else its fields are sorted first. A field of proto3 that is not `optional` is not sent when it is 0:
 * what is missing of these is 0, "" or the first word of the enumeration, as the standard says. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "payload/message.h"
#include "payload/schema_parts.h"
#include "payload/tree_parts.h"
#include "payload/wire.h"

enum { UNORDERED_MAX = 65536 }; /* fields of a message that must be sorted */

struct protobuf {
    struct payload_tree *tree;
    const uint8_t *start; /* of the whole message: places are told from here */
    const uint8_t *at;    /* the field that is put */
    struct err *err;
};

/* A field that the schema has, as it stands on the wire. */
struct entry {
    const struct schema_field *field;
    uint32_t order;
    struct payload_wire wire;
};

static size_t place_of(const struct protobuf *in, const uint8_t *at)
{
    return (size_t)(at - in->start);
}

static int wrong(struct protobuf *in, const uint8_t *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int wrong(struct protobuf *in, const uint8_t *at, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    int code = payload_tree_wrong(in->tree, in->err, BUSBAR_EPROTO, place_of(in, at), "%s", text);
    (void)err_hint(in->err, "is `message` the right one, and are the descriptors those of the "
                            "device's version?");
    return code;
}

static int put_message(struct protobuf *in, const struct payload_schema *schema, struct bytes data);

/* ---- values ---- */

/* The kind on the wire that a type has when it stands alone. */
static uint8_t kind_of(uint8_t type)
{
    switch (type) {
    case SCHEMA_DOUBLE:
    case SCHEMA_FIXED64:
    case SCHEMA_SFIXED64: return WIRE_FIXED64;
    case SCHEMA_FLOAT:
    case SCHEMA_FIXED32:
    case SCHEMA_SFIXED32: return WIRE_FIXED32;
    case SCHEMA_STRING:
    case SCHEMA_MESSAGE:
    case SCHEMA_BYTES: return WIRE_BYTES;
    default: return WIRE_VARINT;
    }
}

static void put_natural(struct payload_tree *tree, uint64_t value)
{
    if (value <= INT64_MAX) {
        payload_tree_int(tree, (int64_t)value);
    } else {
        payload_tree_double(tree, (double)value);
    }
}

static void put_word(struct payload_tree *tree, const struct schema_enum *words, int32_t number)
{
    const struct schema_word *word = payload_schema_word(words, number);
    if (word != NULL) {
        payload_tree_text(tree, word->name, word->name_size);
    } else {
        payload_tree_int(tree, number);
    }
}

static void put_number(struct payload_tree *tree, const struct schema_field *field, uint64_t value)
{
    switch (field->type) {
    case SCHEMA_DOUBLE: payload_tree_double(tree, payload_wire_double(value)); break;
    case SCHEMA_FLOAT: payload_tree_double(tree, payload_wire_float(value)); break;
    case SCHEMA_UINT64:
    case SCHEMA_FIXED64: put_natural(tree, value); break;
    case SCHEMA_UINT32:
    case SCHEMA_FIXED32: payload_tree_int(tree, (uint32_t)value); break;
    case SCHEMA_INT32:
    case SCHEMA_SFIXED32: payload_tree_int(tree, (int32_t)value); break;
    case SCHEMA_SINT32:
        payload_tree_int(tree, (int32_t)payload_wire_zigzag((uint32_t)value));
        break;
    case SCHEMA_SINT64: payload_tree_int(tree, payload_wire_zigzag(value)); break;
    case SCHEMA_BOOL: payload_tree_bool(tree, value != 0); break;
    case SCHEMA_ENUM: put_word(tree, field->words, (int32_t)value); break;
    default: payload_tree_int(tree, (int64_t)value); break; /* int64, sfixed64 */
    }
}

/* google.protobuf.Timestamp, as its JSON form has it. */
static int put_time(struct protobuf *in, struct bytes data)
{
    struct payload_wire field;
    const uint8_t *start = data.at;
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    int more;
    while ((more = payload_wire_next(&data, &field)) == 1) {
        if (field.number == 1 && field.kind == WIRE_VARINT) {
            seconds = (int64_t)field.value;
        } else if (field.number == 2 && field.kind == WIRE_VARINT) {
            nanoseconds = (int32_t)field.value;
        }
    }
    if (more < 0 || seconds < -62135596800 || seconds > 253402300799 || nanoseconds < 0 ||
        nanoseconds > 999999999) {
        return wrong(in, start, "%s", "a google.protobuf.Timestamp that is no time");
    }
    char *room = payload_tree_room(in->tree, STR_TIME_MAX);
    if (room != NULL) {
        payload_tree_text(
            in->tree, room,
            str_format_time(room, STR_TIME_MAX, seconds * 1000000 + nanoseconds / 1000, 0, true));
    }
    return 0;
}

static int put_value(struct protobuf *in, const struct schema_field *field,
                     const struct payload_wire *wire)
{
    size_t size = bytes_left(&wire->data);
    switch (field->type) {
    case SCHEMA_STRING:
        if (!payload_utf8(wire->data.at, size)) {
            return wrong(in, wire->data.at, "%s is a text that is not UTF-8", field->name);
        }
        payload_tree_text(in->tree, (const char *)wire->data.at, size);
        return 0;
    case SCHEMA_BYTES: payload_tree_bytes(in->tree, wire->data.at, size); return 0;
    case SCHEMA_MESSAGE:
        return field->message->time ? put_time(in, wire->data)
                                    : put_message(in, field->message, wire->data);
    default: put_number(in->tree, field, wire->value); return 0;
    }
}

/* Numbers in a row without heads. */
static int put_packed(struct protobuf *in, const struct schema_field *field, struct bytes data)
{
    uint8_t kind = kind_of(field->type);
    while (bytes_left(&data) > 0 && in->tree->error == 0) {
        uint64_t value = kind == WIRE_VARINT    ? bytes_get_varint(&data)
                         : kind == WIRE_FIXED64 ? bytes_get_u64le(&data)
                                                : bytes_get_u32le(&data);
        if (bytes_short(&data)) {
            return wrong(in, data.at, "the numbers of %s end too early", field->name);
        }
        put_number(in->tree, field, value);
    }
    return 0;
}

static bool is_packable(const struct schema_field *field)
{
    return field->repeated && kind_of(field->type) != WIRE_BYTES;
}

/* ---- maps ---- */

static void put_default(struct protobuf *in, const struct schema_field *field)
{
    switch (field->type) {
    case SCHEMA_STRING: payload_tree_text(in->tree, "", 0); break;
    case SCHEMA_BYTES: payload_tree_bytes(in->tree, "", 0); break;
    case SCHEMA_ENUM: put_word(in->tree, field->words, field->words->first); break;
    default: put_number(in->tree, field, 0); break;
    }
}

/* The key of a map as the key of a member; false: out of memory. */
static bool put_map_key(struct protobuf *in, const struct schema_field *field,
                        const struct payload_wire *wire)
{
    char text[24];
    size_t size;
    if (field->type == SCHEMA_STRING) {
        const char *key = wire != NULL ? (const char *)wire->data.at : "";
        payload_tree_key(in->tree, key, wire != NULL ? bytes_left(&wire->data) : 0);
        return true;
    }
    uint64_t value = wire != NULL ? wire->value : 0;
    switch (field->type) {
    case SCHEMA_BOOL:
        payload_tree_key(in->tree, value != 0 ? "true" : "false", value != 0 ? 4 : 5);
        return true;
    case SCHEMA_UINT64:
    case SCHEMA_FIXED64:
        size = str_format(text, sizeof(text), "%llu", (unsigned long long)value);
        break;
    case SCHEMA_UINT32:
    case SCHEMA_FIXED32: size = str_format(text, sizeof(text), "%u", (unsigned)value); break;
    case SCHEMA_SINT32:
    case SCHEMA_SINT64:
        size = str_format(text, sizeof(text), "%lld", (long long)payload_wire_zigzag(value));
        break;
    case SCHEMA_INT32:
    case SCHEMA_SFIXED32: size = str_format(text, sizeof(text), "%d", (int)(int32_t)value); break;
    default: size = str_format(text, sizeof(text), "%lld", (long long)value);
    }
    char *room = payload_tree_room(in->tree, size);
    if (room != NULL) {
        memcpy(room, text, size);
        payload_tree_key(in->tree, room, size);
    }
    return room != NULL;
}

static int put_map_entry(struct protobuf *in, const struct payload_schema *entry, struct bytes data)
{
    const struct schema_field *key_field = payload_schema_field(entry, 1);
    const struct schema_field *value_field = payload_schema_field(entry, 2);
    struct payload_wire field = { 0 };
    struct payload_wire key = { 0 };
    struct payload_wire value = { 0 };
    bool has_key = false;
    bool has_value = false;
    int more;
    while ((more = payload_wire_next(&data, &field)) == 1) {
        if (field.number == 1 && field.kind == kind_of(key_field->type)) {
            key = field;
            has_key = true;
        } else if (field.number == 2 && field.kind == kind_of(value_field->type)) {
            value = field;
            has_value = true;
        }
    }
    if (more < 0) {
        return wrong(in, data.at, "%s is no map", entry->name);
    }
    if (has_key && key_field->type == SCHEMA_STRING &&
        !payload_utf8(key.data.at, bytes_left(&key.data))) {
        return wrong(in, key.data.at, "%s has a key that is not UTF-8", entry->name);
    }
    if (!put_map_key(in, key_field, has_key ? &key : NULL)) {
        return 0; /* the tree knows why */
    }
    if (has_value) {
        return put_value(in, value_field, &value);
    }
    if (value_field->type == SCHEMA_MESSAGE) {
        struct payload_wire empty = { .kind = WIRE_BYTES, .data = bytes_of(data.at, 0) };
        return put_value(in, value_field, &empty);
    }
    put_default(in, value_field);
    return 0;
}

/* ---- messages ---- */

/* What a message is made of, before it is put. */
struct look {
    size_t count; /* of entries the schema has */
    bool ordered; /* by numbers, and none twice of a oneof */
};

/* Whether the wire can be of that field; sets entry->field, NULL: unknown. */
static int find_field(struct protobuf *in, const struct payload_schema *schema, const uint8_t *at,
                      struct entry *entry)
{
    const struct schema_field *field = payload_schema_field(schema, entry->wire.number);
    entry->field = NULL;
    if (field == NULL || field->type == 0 || field->type == SCHEMA_GROUP ||
        entry->wire.kind == WIRE_GROUP) {
        return 0;
    }
    bool packed = entry->wire.kind == WIRE_BYTES && is_packable(field);
    if (!packed && entry->wire.kind != kind_of(field->type)) {
        return wrong(in, at, "%s of %s is of another type in the message", field->name,
                     schema->name);
    }
    entry->field = field;
    return 0;
}

static int look_through(struct protobuf *in, const struct payload_schema *schema, struct bytes data,
                        struct look *look)
{
    struct entry entry;
    uint64_t oneofs = 0;
    uint32_t last = 0;
    int more;
    *look = (struct look){ .ordered = true };
    const uint8_t *at = data.at;
    while ((more = payload_wire_next(&data, &entry.wire)) == 1) {
        int error = find_field(in, schema, at, &entry);
        if (error != 0) {
            return error;
        }
        at = data.at;
        if (entry.field == NULL) {
            continue;
        }
        uint64_t bit = entry.field->oneof > 0 ? UINT64_C(1) << (entry.field->oneof - 1) : 0;
        look->ordered = look->ordered && entry.wire.number >= last && (oneofs & bit) == 0;
        last = entry.wire.number;
        oneofs |= bit;
        look->count++;
    }
    if (more < 0) {
        return wrong(in, data.at, "this is no field of %s: the message is broken, or cut off",
                     schema->name);
    }
    return 0;
}

/* Where the next field is put: what implicit fields before it miss, and the list that is open. */
struct put {
    const struct payload_schema *schema;
    size_t next;                     /* fields before this one are done */
    const struct schema_field *list; /* open */
};

static void close_list(struct protobuf *in, struct put *put)
{
    if (put->list != NULL) {
        payload_tree_close(in->tree);
        put->list = NULL;
    }
}

/* The 0s that were not sent, up to (not with) a field. */
static void put_missing(struct protobuf *in, struct put *put, const struct schema_field *before)
{
    const struct payload_schema *schema = put->schema;
    for (; put->next < schema->count; put->next++) {
        const struct schema_field *field = &schema->fields[put->next];
        if (field == before) {
            break;
        }
        if (field->implicit) {
            payload_tree_key(in->tree, field->name, field->name_size);
            put_default(in, field);
        }
    }
}

static int put_entry(struct protobuf *in, struct put *put, const struct entry *entry)
{
    const struct schema_field *field = entry->field;
    if (put->list != field) {
        close_list(in, put);
        if (&put->schema->fields[put->next] <= field) {
            put_missing(in, put, field);
            put->next++;
        }
        payload_tree_key(in->tree, field->name, field->name_size);
        if (field->repeated) {
            bool map = field->type == SCHEMA_MESSAGE && field->message->map_entry;
            payload_tree_open(in->tree, map ? PAYLOAD_OBJECT : PAYLOAD_ARRAY);
            put->list = field;
        }
    }
    if (in->tree->error != 0) {
        return payload_tree_finish(in->tree, in->err, place_of(in, in->at));
    }
    if (field->repeated && field->type == SCHEMA_MESSAGE && field->message->map_entry) {
        return put_map_entry(in, field->message, entry->wire.data);
    }
    if (entry->wire.kind == WIRE_BYTES && is_packable(field)) {
        return put_packed(in, field, entry->wire.data);
    }
    return put_value(in, field, &entry->wire);
}

static int put_ordered(struct protobuf *in, struct put *put, struct bytes data)
{
    struct entry entry = { 0 };
    int error = 0;
    in->at = data.at;
    while (error == 0 && payload_wire_next(&data, &entry.wire) == 1) {
        error = find_field(in, put->schema, in->at, &entry);
        if (error == 0 && entry.field != NULL) {
            error = put_entry(in, put, &entry);
        }
        in->at = data.at;
    }
    return error;
}

static int by_field(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    if (a->field != b->field) {
        return a->field < b->field ? -1 : 1;
    }
    return (a->order > b->order) - (a->order < b->order);
}

/* Of the fields of a oneof the last one counts. Returns how many entries are left. */
static size_t drop_others(struct entry *entries, size_t count)
{
    uint64_t oneofs = 0;
    size_t kept = count;
    for (size_t i = count; i-- > 0;) {
        uint8_t oneof = entries[i].field->oneof;
        uint64_t bit = oneof > 0 ? UINT64_C(1) << (oneof - 1) : 0;
        if ((oneofs & bit) == 0) {
            entries[--kept] = entries[i];
        }
        oneofs |= bit;
    }
    return kept;
}

static int put_sorted(struct protobuf *in, struct put *put, struct bytes data, size_t count)
{
    if (count > UNORDERED_MAX) {
        return payload_tree_wrong(in->tree, in->err, BUSBAR_ELIMIT, place_of(in, data.at),
                                  "more than %d fields that are not in the order of their numbers",
                                  UNORDERED_MAX);
    }
    char *room = payload_tree_room(in->tree, (count + 1) * sizeof(struct entry));
    if (room == NULL) {
        return payload_tree_finish(in->tree, in->err, place_of(in, data.at));
    }
    size_t odd = (uintptr_t)room % _Alignof(struct entry);
    struct entry *entries = (void *)(room + (odd > 0 ? _Alignof(struct entry) - odd : 0));
    size_t filled = 0;
    struct entry entry = { 0 };
    const uint8_t *at = data.at;
    while (payload_wire_next(&data, &entry.wire) == 1) {
        if (find_field(in, put->schema, at, &entry) == 0 && entry.field != NULL) {
            entry.order = (uint32_t)filled;
            entries[filled++] = entry;
        }
        at = data.at;
    }
    assert(filled == count); /* it was looked through before */
    size_t first = drop_others(entries, count);
    qsort(entries + first, count - first, sizeof(*entries), by_field);
    int error = 0;
    for (size_t i = first; error == 0 && i < count; i++) {
        error = put_entry(in, put, &entries[i]);
    }
    return error;
}

static int put_message(struct protobuf *in, const struct payload_schema *schema, struct bytes data)
{
    struct look look;
    struct put put = { .schema = schema };
    int error = look_through(in, schema, data, &look);
    if (error != 0) {
        return error;
    }
    payload_tree_open(in->tree, PAYLOAD_OBJECT);
    if (in->tree->error != 0) {
        return payload_tree_finish(in->tree, in->err, place_of(in, data.at));
    }
    error = look.ordered ? put_ordered(in, &put, data) : put_sorted(in, &put, data, look.count);
    if (error == 0) {
        close_list(in, &put);
        put_missing(in, &put, NULL);
        payload_tree_close(in->tree);
    }
    return error;
}

int payload_tree_protobuf(struct payload_tree *tree, const struct payload_schema *schema,
                          struct bytes in, struct err *err)
{
    struct protobuf protobuf = { .tree = tree, .start = in.at, .at = in.at, .err = err };
    payload_tree_begin(tree);
    if (bytes_left(&in) > PAYLOAD_PLAIN_MAX) {
        return payload_tree_wrong(tree, err, BUSBAR_ELIMIT, 0, "more than %d bytes",
                                  PAYLOAD_PLAIN_MAX);
    }
    int error = put_message(&protobuf, schema, in);
    return error != 0 ? error : payload_tree_finish(tree, err, place_of(&protobuf, protobuf.at));
}
