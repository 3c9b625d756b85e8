/* SPDX-License-Identifier: Apache-2.0 */
/* opcua_variant(): a sample into what a node takes. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/data/types.h"
#include "drivers/opcua/data/value.h"

enum { RANK_SCALAR_OR_ONE = -3, RANK_ANY = -2, RANK_SCALAR = -1 };

struct writer {
    enum opcua_builtin type;
    const struct opcua_server_facts *facts;
};

/* ---- one value ---- */

/* The value as a whole number, rounded. */
static int whole(const struct sample *sample, int64_t *out)
{
    switch (sample->type) {
    case VALUE_BOOL: *out = sample->value.b; return 0;
    case VALUE_INT: *out = sample->value.i; return 0;
    case VALUE_DOUBLE: {
        double number = nearbyint(sample->value.d);
        if (!(number >= -0x1p63 && number < 0x1p63)) {
            return BUSBAR_ERANGE;
        }
        *out = (int64_t)number;
        return 0;
    }
    default: return BUSBAR_EWRONGTYPE;
    }
}

static const struct {
    int64_t min, max;
    uint8_t bytes;
} integers[] = {
    [OPCUA_BOOLEAN] = { 0, 1, 1 },         [OPCUA_SBYTE] = { INT8_MIN, INT8_MAX, 1 },
    [OPCUA_BYTE] = { 0, UINT8_MAX, 1 },    [OPCUA_INT16] = { INT16_MIN, INT16_MAX, 2 },
    [OPCUA_UINT16] = { 0, UINT16_MAX, 2 }, [OPCUA_INT32] = { INT32_MIN, INT32_MAX, 4 },
    [OPCUA_UINT32] = { 0, UINT32_MAX, 4 }, [OPCUA_INT64] = { INT64_MIN, INT64_MAX, 8 },
    [OPCUA_UINT64] = { 0, INT64_MAX, 8 },
};

static int put_integer(const struct sample *sample, enum opcua_builtin type, void *to)
{
    int64_t number = 0;
    int error = whole(sample, &number);
    if (error != 0) {
        return error;
    }
    if (number < integers[type].min || number > integers[type].max) {
        return BUSBAR_ERANGE;
    }
    uint8_t u8 = (uint8_t)number;
    uint16_t u16 = (uint16_t)number;
    uint32_t u32 = (uint32_t)number;
    switch (integers[type].bytes) {
    case 1: memcpy(to, &u8, 1); break;
    case 2: memcpy(to, &u16, 2); break;
    case 4: memcpy(to, &u32, 4); break;
    default: memcpy(to, &number, 8); break;
    }
    return 0;
}

static int put_real(const struct sample *sample, bool narrow, void *to)
{
    double wide;
    if (!value_number(sample->type, sample->value, &wide)) {
        return BUSBAR_EWRONGTYPE;
    }
    if (!isfinite(wide)) {
        return BUSBAR_ERANGE;
    }
    if (narrow && fabs(wide) > 0x1.fffffep127) {
        return BUSBAR_ERANGE;
    }
    float small = (float)wide;
    memcpy(to, narrow ? (const void *)&small : (const void *)&wide, narrow ? 4 : 8);
    return 0;
}

static int copy_bytes(const void *data, size_t size, UA_ByteString *to)
{
    if (UA_ByteString_allocBuffer(to, size) != UA_STATUSCODE_GOOD) {
        return BUSBAR_ENOMEM;
    }
    if (size > 0) {
        memcpy(to->data, data, size);
    }
    return 0;
}

static int put_date(const struct text *text, UA_DateTime *to)
{
    int64_t us;
    if (str_parse_time(text->bytes, &us) != 0) {
        return BUSBAR_EINVAL;
    }
    if (us < -UA_DATETIME_UNIX_EPOCH / 10 || us > INT64_C(253402300799999999)) {
        return BUSBAR_ERANGE;
    }
    *to = us * 10 + UA_DATETIME_UNIX_EPOCH;
    return 0;
}

static int put_base64(const struct text *text, UA_ByteString *to)
{
    uint8_t data[TEXT_BYTES_MAX];
    size_t size;
    int error = base64_decode(text->bytes, text->size, data, sizeof(data), &size);
    return error != 0 ? BUSBAR_EINVAL : copy_bytes(data, size, to);
}

static int put_node(const struct writer *writer, const struct text *text, UA_NodeId *to)
{
    struct arena arena;
    struct opcua_id id;
    UA_NodeId node;
    arena_init(&arena, 0);
    int error = opcua_id_parse(text->bytes, &arena, NULL, &id, NULL);
    error = error == 0 ? opcua_node_id(&id, writer->facts, &node) : BUSBAR_EINVAL;
    if (error == 0 && UA_NodeId_copy(&node, to) != UA_STATUSCODE_GOOD) {
        error = BUSBAR_ENOMEM;
    }
    arena_fini(&arena);
    return error != BUSBAR_ENOENT ? error : BUSBAR_EINVAL;
}

static int put_guid(const struct text *text, UA_Guid *to)
{
    uint8_t wire[16];
    if (!opcua_guid_parse(text->bytes, wire)) {
        return BUSBAR_EINVAL;
    }
    struct opcua_id id = { .kind = OPCUA_ID_GUID, .size = sizeof(wire), .id.bytes = wire };
    UA_NodeId node;
    (void)opcua_node_id(&id, NULL, &node);
    *to = node.identifier.guid;
    return 0;
}

/* Texts with a zero in them end there for what is parsed. */
static int put_text(const struct writer *writer, const struct sample *sample, void *to)
{
    if (sample->type != VALUE_TEXT) {
        return BUSBAR_EWRONGTYPE;
    }
    const struct text *text = sample->value.text;
    switch (writer->type) {
    case OPCUA_STRING:
    case OPCUA_XML_ELEMENT: return copy_bytes(text->bytes, text->size, to);
    case OPCUA_LOCALIZED_TEXT:
        return copy_bytes(text->bytes, text->size, &((UA_LocalizedText *)to)->text);
    case OPCUA_DATE_TIME: return put_date(text, to);
    case OPCUA_GUID: return put_guid(text, to);
    case OPCUA_BYTE_STRING: return put_base64(text, to);
    case OPCUA_NODE_ID: return put_node(writer, text, to);
    default: return BUSBAR_EUNSUPPORTED;
    }
}

static int put_value(const struct writer *writer, const struct sample *sample, void *to)
{
    switch (writer->type) {
    case OPCUA_BOOLEAN:
    case OPCUA_SBYTE:
    case OPCUA_BYTE:
    case OPCUA_INT16:
    case OPCUA_UINT16:
    case OPCUA_INT32:
    case OPCUA_UINT32:
    case OPCUA_INT64:
    case OPCUA_UINT64: return put_integer(sample, writer->type, to);
    case OPCUA_FLOAT: return put_real(sample, true, to);
    case OPCUA_DOUBLE: return put_real(sample, false, to);
    case OPCUA_STATUS_CODE: return put_integer(sample, OPCUA_UINT32, to);
    default: return put_text(writer, sample, to);
    }
}

/* ---- arrays ---- */

/* One element of a JSON array as a sample; *text: what to free. */
static int element(const struct json_value *value, struct sample *out, struct text **text)
{
    size_t size = 0;
    bool flag;
    *text = NULL;
    switch (json_type(value)) {
    case JSON_BOOL:
        (void)json_get_bool(value, &flag);
        out->type = VALUE_BOOL;
        out->value.bits = flag;
        return 0;
    case JSON_INTEGER: out->type = VALUE_INT; return json_get_i64(value, &out->value.i);
    case JSON_DOUBLE: out->type = VALUE_DOUBLE; return json_get_double(value, &out->value.d);
    case JSON_STRING: {
        const char *bytes = json_get_text(value, &size);
        *text = text_new(bytes, size);
        out->type = VALUE_TEXT;
        out->value.text = *text;
        return 0;
    }
    default: return BUSBAR_EINVAL;
    }
}

static int fill_array(const struct writer *writer, const struct json_value *root,
                      const UA_DataType *type, uint8_t *to)
{
    const struct json_value *item;
    struct json_iter it = json_iter(root);
    int error = 0;
    for (size_t i = 0; error == 0 && json_next(&it, NULL, &item); i++) {
        struct sample sample = { 0 };
        struct text *text;
        error = element(item, &sample, &text);
        if (error == 0) {
            error = put_value(writer, &sample, to + i * type->memSize);
        }
        busbar_free(text);
    }
    return error;
}

static int array_of_json(const struct writer *writer, const struct sample *sample,
                         uint32_t elements, const UA_DataType *type, UA_Variant *out)
{
    struct json_doc *doc;
    const struct text *text = sample->value.text;
    if (json_parse(text->bytes, text->size, NULL, &doc, NULL) != 0) {
        return BUSBAR_EINVAL;
    }
    const struct json_value *root = json_root(doc);
    size_t count = json_size(root);
    int error = json_type(root) != JSON_ARRAY        ? BUSBAR_EINVAL
                : elements != 0 && count != elements ? BUSBAR_ERANGE
                                                     : 0;
    uint8_t *data = error == 0 ? UA_Array_new(count, type) : NULL;
    if (error == 0 && data == NULL) {
        error = BUSBAR_ENOMEM;
    }
    if (error == 0) {
        error = fill_array(writer, root, type, data);
        UA_Variant_setArray(out, data, count, type);
    }
    json_free(doc);
    return error;
}

static int array_of_one(const struct writer *writer, const struct sample *sample,
                        const UA_DataType *type, UA_Variant *out)
{
    void *data = UA_Array_new(1, type);
    if (data == NULL) {
        return BUSBAR_ENOMEM;
    }
    UA_Variant_setArray(out, data, 1, type);
    return put_value(writer, sample, data);
}

static int scalar(const struct writer *writer, const struct sample *sample, const UA_DataType *type,
                  UA_Variant *out)
{
    void *data = UA_new(type);
    if (data == NULL) {
        return BUSBAR_ENOMEM;
    }
    UA_Variant_setScalar(out, data, type);
    return put_value(writer, sample, data);
}

/* ---- the type ---- */

/* Of a node that takes any type: the one that the value has by itself. */
static enum opcua_builtin natural(const struct sample *sample)
{
    switch (sample->type) {
    case VALUE_BOOL: return OPCUA_BOOLEAN;
    case VALUE_INT:
        return sample->value.i >= INT32_MIN && sample->value.i <= INT32_MAX ? OPCUA_INT32
                                                                            : OPCUA_INT64;
    case VALUE_DOUBLE: return OPCUA_DOUBLE;
    default: return OPCUA_STRING;
    }
}

static bool writable(enum opcua_builtin type)
{
    return type < OPCUA_EXTENSION_OBJECT && type != OPCUA_QUALIFIED_NAME &&
           type != OPCUA_EXPANDED_NODE_ID;
}

/* DataTypes that stand for many (Number, BaseDataType), or that the server does not tell of, take the type of the present
 * value, else what the sample is by itself. */
static int find_type(const struct sample *sample, const UA_NodeId *data_type,
                     const UA_NodeId *value_type, struct opcua_types *types,
                     enum opcua_builtin *out)
{
    const struct opcua_definition *type = opcua_types_of_data_type(types, data_type);
    bool any = type->shape == OPCUA_SHAPE_SIMPLE && type->builtin == OPCUA_VARIANT;
    if ((any || type->shape == OPCUA_SHAPE_UNKNOWN) && value_type != NULL &&
        !UA_NodeId_isNull(value_type)) {
        type = opcua_types_of_data_type(types, value_type);
        any = false;
    }
    if (type->shape == OPCUA_SHAPE_PENDING) {
        return BUSBAR_EAGAIN;
    }
    if (type->shape != OPCUA_SHAPE_SIMPLE && type->shape != OPCUA_SHAPE_ENUMERATION) {
        return BUSBAR_EUNSUPPORTED;
    }
    *out = any ? natural(sample) : type->builtin;
    return writable(*out) ? 0 : BUSBAR_EUNSUPPORTED;
}

int opcua_variant(const struct sample *sample, const struct opcua_want *want,
                  const UA_NodeId *data_type, const UA_NodeId *value_type, int32_t value_rank,
                  struct opcua_types *types, UA_Variant *out)
{
    struct writer writer = { .facts = opcua_types_facts(types) };
    UA_Variant_init(out);
    if (want->member != NULL || value_rank > 1) {
        return BUSBAR_EUNSUPPORTED;
    }
    if (sample->type == VALUE_NONE) {
        return BUSBAR_EWRONGTYPE;
    }
    int error = find_type(sample, data_type, value_type, types, &writer.type);
    if (error != 0) {
        return error;
    }
    /* The library's table begins with the built-in types, in the order of their numbers. */
    const UA_DataType *type = &UA_TYPES[writer.type - 1];
    bool one = value_rank == RANK_SCALAR || value_rank == RANK_ANY ||
               value_rank == RANK_SCALAR_OR_ONE;
    bool list = sample->type == VALUE_TEXT && sample->value.text->size > 0 &&
                sample->value.text->bytes[0] == '[';
    if (value_rank >= 0 && want->elements == 1 && !list) {
        error = array_of_one(&writer, sample, type, out);
    } else if (!one) {
        error = sample->type == VALUE_TEXT
                    ? array_of_json(&writer, sample, want->elements, type, out)
                    : BUSBAR_EWRONGTYPE;
    } else {
        error = scalar(&writer, sample, type, out);
    }
    if (error != 0) {
        UA_Variant_clear(out);
    }
    return error;
}
