/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/scalar.h"

#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/text/status.h"

enum {
    NODE_URI = 0x80, /* flags of an ExpandedNodeId's first byte */
    NODE_SERVER = 0x40,
    TEXT_LOCALE = 1, /* of a LocalizedText's */
    TEXT_TEXT = 2,
};

static const char no_bytes[] = "";

const uint8_t *opcua_get_string(struct bytes *in, size_t *size)
{
    uint32_t length = bytes_get_u32le(in);
    *size = 0;
    if (bytes_short(in)) {
        return NULL;
    }
    if (length > INT32_MAX) {
        return (const uint8_t *)no_bytes;
    }
    const uint8_t *data = bytes_get_block(in, length);
    if (data != NULL) {
        *size = length;
    }
    return data;
}

static void get_ua_string(struct bytes *in, UA_String *out)
{
    const uint8_t *data = opcua_get_string(in, &out->length);
    memcpy(&out->data, &data, sizeof(data));
}

static void get_guid(struct bytes *in, UA_Guid *guid)
{
    guid->data1 = bytes_get_u32le(in);
    guid->data2 = bytes_get_u16le(in);
    guid->data3 = bytes_get_u16le(in);
    bytes_get_copy(in, guid->data4, sizeof(guid->data4));
}

bool opcua_get_node_id(struct bytes *in, UA_ExpandedNodeId *out)
{
    memset(out, 0, sizeof(*out));
    UA_NodeId *id = &out->nodeId;
    uint8_t encoding = bytes_get_u8(in);
    switch (encoding & ~(NODE_URI | NODE_SERVER)) {
    case 0: id->identifier.numeric = bytes_get_u8(in); break;
    case 1:
        id->namespaceIndex = bytes_get_u8(in);
        id->identifier.numeric = bytes_get_u16le(in);
        break;
    case 2:
        id->namespaceIndex = bytes_get_u16le(in);
        id->identifier.numeric = bytes_get_u32le(in);
        break;
    case 3:
        id->identifierType = UA_NODEIDTYPE_STRING;
        id->namespaceIndex = bytes_get_u16le(in);
        get_ua_string(in, &id->identifier.string);
        break;
    case 4:
        id->identifierType = UA_NODEIDTYPE_GUID;
        id->namespaceIndex = bytes_get_u16le(in);
        get_guid(in, &id->identifier.guid);
        break;
    case 5:
        id->identifierType = UA_NODEIDTYPE_BYTESTRING;
        id->namespaceIndex = bytes_get_u16le(in);
        get_ua_string(in, &id->identifier.byteString);
        break;
    default: bytes_fail(in); break;
    }
    if ((encoding & NODE_URI) != 0) {
        get_ua_string(in, &out->namespaceUri);
    }
    if ((encoding & NODE_SERVER) != 0) {
        out->serverIndex = bytes_get_u32le(in);
    }
    return !bytes_short(in);
}

size_t opcua_date_text(int64_t date, char to[STR_TIME_MAX])
{
    static const int64_t last = INT64_C(2650467743999999999); /* 9999-12-31T23:59:59.9999999 */
    if (date < 0 || date > last) {
        return 0;
    }
    return str_format_time(to, STR_TIME_MAX, (date - UA_DATETIME_UNIX_EPOCH) / 10, 0, true);
}

/* ---- reading ---- */

static void set_int(struct opcua_scalar *out, int64_t value)
{
    out->type = OPCUA_SCALAR_INT;
    out->i = value;
}

static void set_double(struct opcua_scalar *out, double value)
{
    if (isfinite(value)) {
        out->type = OPCUA_SCALAR_DOUBLE;
        out->d = value;
    } else {
        out->finding = OPCUA_FOUND_NOT_A_NUMBER;
    }
}

static void set_uint64(struct opcua_scalar *out, uint64_t value)
{
    if (value <= INT64_MAX) {
        set_int(out, (int64_t)value);
    } else {
        out->type = OPCUA_SCALAR_UINT;
        out->u = value;
    }
}

static void set_text(struct opcua_scalar *out, const void *text, size_t size)
{
    if (text == NULL) {
        return; /* the cursor has failed */
    }
    if (!str_is_utf8(text, size)) {
        out->finding = OPCUA_FOUND_NOT_TEXT;
        return;
    }
    out->type = OPCUA_SCALAR_TEXT;
    out->text = text;
    out->size = size;
}

static void set_scratch(struct opcua_scalar *out, const struct buf *scratch)
{
    if (scratch->overflow) {
        out->finding = OPCUA_FOUND_TOO_LONG;
    } else {
        set_text(out, buf_text(scratch), scratch->size);
    }
}

static void get_node(struct bytes *in, const struct opcua_server_facts *facts, struct buf *scratch,
                     struct opcua_scalar *out)
{
    UA_ExpandedNodeId id;
    if (opcua_get_node_id(in, &id)) {
        opcua_expanded_id_print(&id, facts, scratch);
        set_scratch(out, scratch);
    }
}

static void get_date(struct bytes *in, struct buf *scratch, struct opcua_scalar *out)
{
    char text[STR_TIME_MAX];
    size_t size = opcua_date_text(bytes_get_i64le(in), text);
    if (size == 0) {
        out->finding = OPCUA_FOUND_DATE;
        return;
    }
    buf_append(scratch, text, size);
    set_scratch(out, scratch);
}

static void get_bytes(struct bytes *in, struct buf *scratch, struct opcua_scalar *out)
{
    size_t size;
    const uint8_t *data = opcua_get_string(in, &size);
    if (data != NULL) {
        base64_encode(scratch, data, size);
        set_scratch(out, scratch);
    }
}

static void get_status(struct bytes *in, struct buf *scratch, struct opcua_scalar *out)
{
    uint32_t status = bytes_get_u32le(in);
    const char *name = opcua_status_name(status);
    if (name != NULL) {
        buf_append_text(scratch, name);
    } else {
        buf_printf(scratch, "0x%08X", (unsigned)status);
    }
    set_scratch(out, scratch);
}

static void get_localized(struct bytes *in, struct opcua_scalar *out)
{
    size_t size = 0;
    const uint8_t *text = (const uint8_t *)no_bytes;
    uint8_t mask = bytes_get_u8(in);
    if ((mask & TEXT_LOCALE) != 0) {
        (void)opcua_get_string(in, &size);
    }
    size = 0;
    if ((mask & TEXT_TEXT) != 0) {
        text = opcua_get_string(in, &size);
    }
    set_text(out, text, size);
}

static void get_string(struct bytes *in, struct opcua_scalar *out)
{
    size_t size;
    const uint8_t *text = opcua_get_string(in, &size);
    set_text(out, text, size);
}

static void get_guid_text(struct bytes *in, struct buf *scratch, struct opcua_scalar *out)
{
    const uint8_t *guid = bytes_get_block(in, 16);
    if (guid != NULL) {
        opcua_guid_print(guid, scratch);
        set_scratch(out, scratch);
    }
}

static void get_float(struct bytes *in, struct opcua_scalar *out)
{
    uint32_t bits = bytes_get_u32le(in);
    float value;
    memcpy(&value, &bits, sizeof(value));
    set_double(out, (double)value);
}

void opcua_scalar_get(struct bytes *in, enum opcua_builtin type,
                      const struct opcua_server_facts *facts, struct buf *scratch,
                      struct opcua_scalar *out)
{
    *out = (struct opcua_scalar){ .type = OPCUA_SCALAR_NONE };
    buf_clear(scratch);
    switch (type) {
    case OPCUA_BOOLEAN:
        out->type = OPCUA_SCALAR_BOOL;
        out->b = bytes_get_u8(in) != 0;
        break;
    case OPCUA_SBYTE: set_int(out, bytes_get_i8(in)); break;
    case OPCUA_BYTE: set_int(out, bytes_get_u8(in)); break;
    case OPCUA_INT16: set_int(out, (int16_t)bytes_get_u16le(in)); break;
    case OPCUA_UINT16: set_int(out, bytes_get_u16le(in)); break;
    case OPCUA_INT32: set_int(out, (int32_t)bytes_get_u32le(in)); break;
    case OPCUA_UINT32: set_int(out, bytes_get_u32le(in)); break;
    case OPCUA_INT64: set_int(out, bytes_get_i64le(in)); break;
    case OPCUA_UINT64: set_uint64(out, bytes_get_u64le(in)); break;
    case OPCUA_FLOAT: get_float(in, out); break;
    case OPCUA_DOUBLE: set_double(out, bytes_get_f64le(in)); break;
    case OPCUA_STRING:
    case OPCUA_XML_ELEMENT: get_string(in, out); break;
    case OPCUA_DATE_TIME: get_date(in, scratch, out); break;
    case OPCUA_GUID: get_guid_text(in, scratch, out); break;
    case OPCUA_BYTE_STRING: get_bytes(in, scratch, out); break;
    case OPCUA_NODE_ID:
    case OPCUA_EXPANDED_NODE_ID: get_node(in, facts, scratch, out); break;
    case OPCUA_STATUS_CODE: get_status(in, scratch, out); break;
    case OPCUA_QUALIFIED_NAME:
        bytes_skip(in, 2);
        get_string(in, out);
        break;
    case OPCUA_LOCALIZED_TEXT: get_localized(in, out); break;
    default: bytes_fail(in); break;
    }
    if (bytes_short(in)) {
        *out = (struct opcua_scalar){ .type = OPCUA_SCALAR_NONE, .finding = OPCUA_FOUND_BROKEN };
    }
}

/* ---- saying it ---- */

void opcua_scalar_json(const struct opcua_scalar *scalar, struct json_writer *json)
{
    switch (scalar->type) {
    case OPCUA_SCALAR_BOOL: json_bool(json, scalar->b); break;
    case OPCUA_SCALAR_INT: json_i64(json, scalar->i); break;
    case OPCUA_SCALAR_UINT: json_u64(json, scalar->u); break;
    case OPCUA_SCALAR_DOUBLE: json_double(json, scalar->d); break;
    case OPCUA_SCALAR_TEXT: json_string_n(json, scalar->text, scalar->size); break;
    case OPCUA_SCALAR_NONE: json_null(json); break;
    }
}

uint16_t opcua_text_sample(const void *text, size_t size, struct arena *texts, struct sample *out)
{
    if (size > TEXT_BYTES_MAX) {
        return OPCUA_FOUND_TOO_LONG;
    }
    if (!str_is_utf8(text, size)) {
        return OPCUA_FOUND_NOT_TEXT;
    }
    struct text *copy = arena_alloc(texts, sizeof(*copy) + size + 1);
    if (copy == NULL) {
        return OPCUA_FOUND_TOO_LONG;
    }
    copy->size = (uint32_t)size;
    if (size > 0) {
        memcpy(copy->bytes, text, size);
    }
    out->type = VALUE_TEXT;
    out->value.text = copy;
    return 0;
}

uint16_t opcua_scalar_sample(const struct opcua_scalar *scalar, struct arena *texts,
                             struct sample *out)
{
    switch (scalar->type) {
    case OPCUA_SCALAR_BOOL:
        out->type = VALUE_BOOL;
        out->value.bits = scalar->b;
        return 0;
    case OPCUA_SCALAR_INT:
        out->type = VALUE_INT;
        out->value.i = scalar->i;
        return 0;
    case OPCUA_SCALAR_DOUBLE:
        out->type = VALUE_DOUBLE;
        out->value.d = scalar->d;
        return 0;
    case OPCUA_SCALAR_UINT: return OPCUA_FOUND_TOO_LARGE;
    case OPCUA_SCALAR_TEXT: return opcua_text_sample(scalar->text, scalar->size, texts, out);
    case OPCUA_SCALAR_NONE: break;
    }
    return scalar->finding;
}
