/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/notification.h"

#include <open62541/nodeids.h>
#include <open62541/types_generated_handling.h>

#include "base/bytes.h"
#include "base/err.h"

/* ---- types of responses, for the library's decoder ---- */

/* Bytes between the end of one member and the next. */
#define GAP(type, before, member) \
    (offsetof(type, member) - offsetof(type, before) - sizeof(((type *)0)->before))
#define ONE(name, what, gap)                                         \
    {                                                                \
        .memberName = (name), .memberType = (what), .padding = (gap) \
    }
#define MANY(name, what, gap)                                                         \
    {                                                                                 \
        .memberName = (name), .memberType = (what), .padding = (gap), .isArray = true \
    }
#define STRUCTURE(name, c_type, list, encoding)                                                  \
    {                                                                                            \
        .typeName = (name), .memSize = sizeof(c_type), .typeKind = UA_DATATYPEKIND_STRUCTURE,    \
        .membersSize = sizeof(list) / sizeof((list)[0]), .members = (UA_DataTypeMember *)(list), \
        .binaryEncodingId = {                                                                    \
            .identifierType = UA_NODEIDTYPE_NUMERIC,                                             \
            .identifier = { .numeric = (encoding) }                                              \
        }                                                                                        \
    }

typedef struct opcua_raw_object raw_object;
typedef struct opcua_raw_message raw_message;
typedef struct opcua_publish_response publish_response;
typedef struct opcua_republish_response republish_response;

static const UA_DataTypeMember object_members[] = {
    ONE("TypeId", &UA_TYPES[UA_TYPES_NODEID], 0),
    ONE("Encoding", &UA_TYPES[UA_TYPES_BYTE], GAP(raw_object, type, encoding)),
    ONE("Body", &UA_TYPES[UA_TYPES_BYTESTRING], GAP(raw_object, encoding, body)),
};
static const UA_DataType object_type = STRUCTURE("ExtensionObject", raw_object, object_members, 0);

static const UA_DataTypeMember message_members[] = {
    ONE("SequenceNumber", &UA_TYPES[UA_TYPES_UINT32], 0),
    ONE("PublishTime", &UA_TYPES[UA_TYPES_DATETIME],
        GAP(raw_message, sequence_number, publish_time)),
    MANY("NotificationData", &object_type, GAP(raw_message, publish_time, notification_count)),
};
static const UA_DataType message_type = STRUCTURE("NotificationMessage", raw_message,
                                                  message_members, 0);

static const UA_DataTypeMember publish_members[] = {
    ONE("ResponseHeader", &UA_TYPES[UA_TYPES_RESPONSEHEADER], 0),
    ONE("SubscriptionId", &UA_TYPES[UA_TYPES_UINT32],
        GAP(publish_response, header, subscription_id)),
    MANY("AvailableSequenceNumbers", &UA_TYPES[UA_TYPES_UINT32],
         GAP(publish_response, subscription_id, available_count)),
    ONE("MoreNotifications", &UA_TYPES[UA_TYPES_BOOLEAN], GAP(publish_response, available, more)),
    ONE("NotificationMessage", &message_type, GAP(publish_response, more, message)),
    MANY("Results", &UA_TYPES[UA_TYPES_STATUSCODE], GAP(publish_response, message, result_count)),
    MANY("DiagnosticInfos", &UA_TYPES[UA_TYPES_DIAGNOSTICINFO],
         GAP(publish_response, results, diagnostic_count)),
};
const UA_DataType opcua_publish_response_type = STRUCTURE(
    "PublishResponse", publish_response, publish_members,
    UA_NS0ID_PUBLISHRESPONSE_ENCODING_DEFAULTBINARY);

static const UA_DataTypeMember republish_members[] = {
    ONE("ResponseHeader", &UA_TYPES[UA_TYPES_RESPONSEHEADER], 0),
    ONE("NotificationMessage", &message_type, GAP(republish_response, header, message)),
};
const UA_DataType opcua_republish_response_type = STRUCTURE(
    "RepublishResponse", republish_response, republish_members,
    UA_NS0ID_REPUBLISHRESPONSE_ENCODING_DEFAULTBINARY);

/* ---- notifications ---- */

enum { ENCODING_BINARY = 1 };

static bool is_number(const UA_NodeId *id, uint32_t number)
{
    return id->namespaceIndex == 0 && id->identifierType == UA_NODEIDTYPE_NUMERIC &&
           id->identifier.numeric == number;
}

bool opcua_is_change(const UA_ExtensionObject *notification)
{
    return notification->encoding == UA_EXTENSIONOBJECT_ENCODED_BYTESTRING &&
           is_number(&notification->content.encoded.typeId,
                     UA_NS0ID_DATACHANGENOTIFICATION_ENCODING_DEFAULTBINARY);
}

/* The others of the standard (Part 4, 7.25.3 and 7.25.4). */
static const UA_DataType *type_of(const UA_NodeId *encoding)
{
    static const UA_DataType *const types[] = {
        &UA_TYPES[UA_TYPES_EVENTNOTIFICATIONLIST],
        &UA_TYPES[UA_TYPES_STATUSCHANGENOTIFICATION],
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (UA_NodeId_equal(encoding, &types[i]->binaryEncodingId)) {
            return types[i];
        }
    }
    return NULL;
}

int opcua_notification(const struct opcua_raw_object *raw, UA_ExtensionObject *out)
{
    UA_ExtensionObject_init(out);
    const UA_DataType *type = raw->encoding == ENCODING_BINARY ? type_of(&raw->type) : NULL;
    if (type == NULL) {
        out->encoding = UA_EXTENSIONOBJECT_ENCODED_NOBODY;
        if (raw->encoding == ENCODING_BINARY &&
            is_number(&raw->type, UA_NS0ID_DATACHANGENOTIFICATION_ENCODING_DEFAULTBINARY)) {
            out->encoding = UA_EXTENSIONOBJECT_ENCODED_BYTESTRING;
            out->content.encoded.typeId = raw->type;
            out->content.encoded.body = raw->body;
        }
        return 0;
    }
    void *decoded = UA_new(type);
    if (decoded == NULL) {
        return BUSBAR_EPROTO;
    }
    if (UA_decodeBinary(&raw->body, decoded, type, NULL) != UA_STATUSCODE_GOOD) {
        UA_delete(decoded, type);
        return BUSBAR_EPROTO;
    }
    UA_ExtensionObject_setValue(out, decoded, type);
    return 0;
}

void opcua_notification_clear(UA_ExtensionObject *notification)
{
    if (notification->encoding == UA_EXTENSIONOBJECT_DECODED) {
        UA_ExtensionObject_clear(notification);
    }
    UA_ExtensionObject_init(notification);
}

/* ---- changed data ---- */

enum {
    HAS_VALUE = 0x01,
    HAS_STATUS = 0x02,
    HAS_SOURCE_TIME = 0x04,
    HAS_SERVER_TIME = 0x08,
    HAS_SOURCE_PICOSECONDS = 0x10,
    HAS_SERVER_PICOSECONDS = 0x20,
    MASK_KNOWN = 0x3f,
    PICOSECONDS_MAX = 9999, /* in units of 10 ps */
    CHANGE_LEAST = 5,       /* bytes of the smallest: handle and mask */
};

/* What a scalar is kept in. */
union scalar {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    UA_String text;
};

enum { FOREIGN = 1 }; /* not read here, though it may be right */

/* By built-in type (Part 6, 5.1.2): bytes on the wire, 0: not a number. */
static const uint8_t number_bytes[] = {
    [1] = 1, [2] = 1, [3] = 1,  [4] = 2,  [5] = 2,  [6] = 4, [7] = 4,
    [8] = 8, [9] = 8, [10] = 4, [11] = 8, [13] = 8, [19] = 4
};

enum { BUILT_IN_STRING = 12, BUILT_IN_BYTES = 15, BUILT_IN_XML = 16 };

/* In two halves, each of which compilers make one load of. */
static uint64_t get_u64(struct bytes *in)
{
    uint64_t low = bytes_get_u32le(in);
    return (uint64_t)bytes_get_u32le(in) << 32 | low;
}

static void get_text(struct bytes *in, UA_String *text)
{
    int32_t length = (int32_t)bytes_get_u32le(in);
    text->length = length > 0 ? (size_t)length : 0;
    /* An empty text is not a missing one (-1). */
    text->data = length == 0 ? (UA_Byte *)UA_EMPTY_ARRAY_SENTINEL
                             : (UA_Byte *)(uintptr_t)bytes_get_block(in, text->length);
    if (length < 0) {
        text->data = NULL;
    }
}

/* Returns 0 or FOREIGN. */
static int get_scalar(struct bytes *in, UA_Variant *value, union scalar *scalar)
{
    uint8_t encoding = bytes_get_u8(in);
    size_t bytes = encoding < sizeof(number_bytes) ? number_bytes[encoding] : 0;
    if (bytes == 1) {
        scalar->u8 = bytes_get_u8(in);
    } else if (bytes == 2) {
        scalar->u16 = bytes_get_u16le(in);
    } else if (bytes == 4) {
        scalar->u32 = bytes_get_u32le(in);
    } else if (bytes == 8) {
        scalar->u64 = get_u64(in);
    } else if (encoding == BUILT_IN_STRING || encoding == BUILT_IN_BYTES ||
               encoding == BUILT_IN_XML) {
        get_text(in, &scalar->text);
    } else {
        return FOREIGN;
    }
    if (encoding == 1) {
        scalar->u8 = scalar->u8 != 0;
    }
    value->type = &UA_TYPES[encoding - 1];
    value->storageType = UA_VARIANT_DATA_NODELETE;
    value->data = scalar;
    return 0;
}

/* What is over the most is the most (Part 6, 5.2.2.17). */
static uint16_t get_picoseconds(struct bytes *in)
{
    uint16_t value = bytes_get_u16le(in);
    return value < PICOSECONDS_MAX ? value : PICOSECONDS_MAX;
}

/* Returns 0, FOREIGN or BUSBAR_EPROTO. */
static int get_value(struct bytes *in, UA_DataValue *value, union scalar *scalar)
{
    *value = (UA_DataValue){ 0 };
    uint8_t mask = bytes_get_u8(in);
    if ((mask & ~MASK_KNOWN) != 0) {
        return FOREIGN;
    }
    if ((mask & HAS_VALUE) != 0) {
        value->hasValue = true;
        if (get_scalar(in, &value->value, scalar) != 0) {
            return FOREIGN;
        }
    }
    if ((mask & HAS_STATUS) != 0) {
        value->hasStatus = true;
        value->status = bytes_get_u32le(in);
    }
    if ((mask & HAS_SOURCE_TIME) != 0) {
        value->hasSourceTimestamp = true;
        value->sourceTimestamp = (UA_DateTime)get_u64(in);
    }
    if ((mask & HAS_SOURCE_PICOSECONDS) != 0) {
        value->hasSourcePicoseconds = true;
        value->sourcePicoseconds = get_picoseconds(in);
    }
    if ((mask & HAS_SERVER_TIME) != 0) {
        value->hasServerTimestamp = true;
        value->serverTimestamp = (UA_DateTime)get_u64(in);
    }
    if ((mask & HAS_SERVER_PICOSECONDS) != 0) {
        value->hasServerPicoseconds = true;
        value->serverPicoseconds = get_picoseconds(in);
    }
    return bytes_short(in) ? BUSBAR_EPROTO : 0;
}

/* The rest by the library, which decodes all of it. */
static int by_library(const UA_ByteString *body, size_t from, opcua_change_cb change, void *ctx)
{
    UA_DataChangeNotification all;
    if (UA_decodeBinary(body, &all, &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION], NULL) !=
        UA_STATUSCODE_GOOD) {
        return BUSBAR_EPROTO;
    }
    for (size_t i = from; i < all.monitoredItemsSize; i++) {
        change(ctx, all.monitoredItems[i].clientHandle, &all.monitoredItems[i].value);
    }
    UA_DataChangeNotification_clear(&all);
    return 0;
}

static size_t get_count(struct bytes *in)
{
    int32_t count = (int32_t)bytes_get_u32le(in);
    size_t most = bytes_left(in) / CHANGE_LEAST;
    return count < 0 ? 0 : (size_t)count < most ? (size_t)count : most;
}

size_t opcua_change_count(const UA_ByteString *body)
{
    struct bytes in = bytes_of(body->data, body->length);
    return get_count(&in);
}

int opcua_changes(const UA_ByteString *body, opcua_change_cb change, void *ctx)
{
    struct bytes in = bytes_of(body->data, body->length);
    int32_t said = (int32_t)bytes_get_u32le(&in);
    in = bytes_of(body->data, body->length);
    size_t count = get_count(&in);
    if (bytes_short(&in)) {
        return BUSBAR_EPROTO;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t handle = bytes_get_u32le(&in);
        UA_DataValue value;
        union scalar scalar;
        int error = get_value(&in, &value, &scalar);
        if (error != 0) {
            return error == FOREIGN ? by_library(body, i, change, ctx) : error;
        }
        change(ctx, handle, &value);
    }
    return said > 0 && count < (size_t)said ? BUSBAR_EPROTO : 0;
}
