/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, texts and flags, nearly all of what comes, are taken from the library's decoded value as they are; all else
 * is written out again and read by data/decode.c, which knows the server's structures. */
#include "drivers/opcua/data/value.h"

#include <math.h>

#include "drivers/opcua/data/decode.h"
#include "drivers/opcua/data/scalar.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

enum { SMALL = 1024 }; /* bytes that need no allocation */

static const int64_t last_time_us = INT64_C(253402300799999999); /* 9999-12-31T23:59:59.999999 */

int64_t opcua_time_us(UA_DateTime time)
{
    if (time <= UA_DATETIME_UNIX_EPOCH) {
        return 0;
    }
    int64_t us = (time - UA_DATETIME_UNIX_EPOCH) / 10;
    return us <= last_time_us ? us : 0;
}

UA_DateTime opcua_time_of(int64_t time_us)
{
    if (time_us <= 0 || time_us > last_time_us) {
        return 0;
    }
    return time_us * 10 + UA_DATETIME_UNIX_EPOCH;
}

/* ---- into a sample ---- */

static void set_int(struct sample *out, int64_t value)
{
    out->type = VALUE_INT;
    out->value.i = value;
}

static uint16_t set_double(struct sample *out, double value)
{
    if (!isfinite(value)) {
        return OPCUA_FOUND_NOT_A_NUMBER;
    }
    out->type = VALUE_DOUBLE;
    out->value.d = value;
    return 0;
}

static uint16_t set_uint64(struct sample *out, uint64_t value)
{
    if (value > INT64_MAX) {
        return OPCUA_FOUND_TOO_LARGE;
    }
    set_int(out, (int64_t)value);
    return 0;
}

/* *done false: it is none of the simple ones. */
static uint16_t simple(const void *data, uint32_t kind, struct arena *texts, struct sample *out,
                       bool *done)
{
    *done = true;
    switch (kind) {
    case UA_DATATYPEKIND_BOOLEAN:
        out->type = VALUE_BOOL;
        out->value.bits = *(const UA_Boolean *)data;
        return 0;
    case UA_DATATYPEKIND_SBYTE: set_int(out, *(const UA_SByte *)data); return 0;
    case UA_DATATYPEKIND_BYTE: set_int(out, *(const UA_Byte *)data); return 0;
    case UA_DATATYPEKIND_INT16: set_int(out, *(const UA_Int16 *)data); return 0;
    case UA_DATATYPEKIND_UINT16: set_int(out, *(const UA_UInt16 *)data); return 0;
    case UA_DATATYPEKIND_ENUM:
    case UA_DATATYPEKIND_INT32: set_int(out, *(const UA_Int32 *)data); return 0;
    case UA_DATATYPEKIND_UINT32: set_int(out, *(const UA_UInt32 *)data); return 0;
    case UA_DATATYPEKIND_INT64: set_int(out, *(const UA_Int64 *)data); return 0;
    case UA_DATATYPEKIND_UINT64: return set_uint64(out, *(const UA_UInt64 *)data);
    case UA_DATATYPEKIND_FLOAT: return set_double(out, (double)*(const UA_Float *)data);
    case UA_DATATYPEKIND_DOUBLE: return set_double(out, *(const UA_Double *)data);
    case UA_DATATYPEKIND_STRING: {
        const UA_String *text = data;
        return opcua_text_sample(text->length > 0 ? (const char *)text->data : "", text->length,
                                 texts, out);
    }
    default: *done = false; return 0;
    }
}

/* By its bytes. */
static uint16_t complex_value(const UA_Variant *value, const struct opcua_want *want,
                              struct opcua_types *types, struct arena *texts, struct sample *out,
                              bool *raw)
{
    uint8_t small[SMALL];
    UA_ByteString bytes = { .length = sizeof(small), .data = small };
    bool fits = UA_calcSizeBinary(value, &UA_TYPES[UA_TYPES_VARIANT]) <= sizeof(small);
    if (!fits) {
        bytes = UA_BYTESTRING_NULL;
    }
    if (UA_encodeBinary(value, &UA_TYPES[UA_TYPES_VARIANT], &bytes) != UA_STATUSCODE_GOOD) {
        return OPCUA_FOUND_BROKEN;
    }
    uint16_t finding = opcua_decode(bytes_of(bytes.data, bytes.length), want->member,
                                    want->elements == 1, types, texts, out, raw);
    if (!fits) {
        UA_ByteString_clear(&bytes);
    }
    return finding;
}

/* The answer is no more than the range asks for. Ranges of texts and byte strings take bytes of them. */
static bool shape_fits(const UA_Variant *value, uint32_t elements)
{
    if (elements == 0) {
        return true;
    }
    if (!UA_Variant_isScalar(value)) {
        return value->arrayLength > 0 && value->arrayLength <= elements;
    }
    uint32_t kind = value->type->typeKind;
    if (kind != UA_DATATYPEKIND_STRING && kind != UA_DATATYPEKIND_BYTESTRING) {
        return false;
    }
    /* A range of a text counts its characters or its bytes, as the server sees it. */
    return ((const UA_String *)value->data)->length / 4 <= elements;
}

static uint16_t convert(const UA_Variant *value, const struct opcua_want *want,
                        struct opcua_types *types, struct arena *texts, struct sample *out,
                        bool *raw)
{
    bool done = false;
    if (UA_Variant_isEmpty(value)) {
        return OPCUA_FOUND_NULL_VALUE;
    }
    if (!shape_fits(value, want->elements)) {
        return OPCUA_FOUND_WRONG_SHAPE;
    }
    bool one = UA_Variant_isScalar(value) || (want->elements == 1 && value->arrayLength == 1);
    if (one && want->member == NULL) {
        uint16_t finding = simple(value->data, value->type->typeKind, texts, out, &done);
        if (done) {
            return finding;
        }
    }
    return complex_value(value, want, types, texts, out, raw);
}

void opcua_sample(const UA_DataValue *value, const struct opcua_want *want,
                  struct opcua_types *types, struct arena *texts, struct sample *out)
{
    uint32_t status = value->hasStatus ? value->status : UA_STATUSCODE_GOOD;
    out->type = VALUE_NONE;
    out->value.bits = 0;
    out->quality = opcua_status_quality(status);
    out->detail = out->quality != QUALITY_GOOD ? opcua_status_detail(status) : 0;
    out->time_us = opcua_time_us(value->hasSourceTimestamp   ? value->sourceTimestamp
                                 : value->hasServerTimestamp ? value->serverTimestamp
                                                             : 0);
    if (quality_class(out->quality) == QUALITY_CLASS_BAD) {
        return;
    }
    bool raw = false;
    uint16_t finding = value->hasValue ? convert(&value->value, want, types, texts, out, &raw)
                                       : OPCUA_FOUND_NULL_VALUE;
    if (finding != 0) {
        out->type = VALUE_NONE;
        out->value.bits = 0;
        out->quality = opcua_status_quality(opcua_status_of_detail(finding));
        out->detail = finding;
    } else if (raw && out->quality == QUALITY_GOOD) {
        out->detail = OPCUA_FOUND_NO_DEFINITION;
    }
}
