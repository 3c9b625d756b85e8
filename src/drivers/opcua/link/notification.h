/* SPDX-License-Identifier: Apache-2.0 */
/* Publish and Republish without a copy of each value. The library makes two allocations for each value that changed; here
 * the notifications of a message stay the bytes they came as, and a DataChangeNotification (Part 4, 7.25.2) is
 * walked in place:
 *
 *   count i32   then each:  client handle u32   DataValue:  mask u8  [Variant]  [status u32]
 *                           [source time i64 [picoseconds u16]] [server time i64 [picoseconds u16]]
 *
 * Scalars and texts are read here; a message with anything else in it (arrays, structures) is left to the library. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_NOTIFICATION_H
#define BUSBAR_DRIVERS_OPCUA_LINK_NOTIFICATION_H

#include <open62541/types_generated.h>

/* An ExtensionObject as it came. */
struct opcua_raw_object {
    UA_NodeId type; /* of the encoding */
    UA_Byte encoding;
    UA_ByteString body;
};

/* As UA_NotificationMessage, UA_PublishResponse and UA_RepublishResponse, but for the notifications. */
struct opcua_raw_message {
    UA_UInt32 sequence_number;
    UA_DateTime publish_time;
    size_t notification_count;
    struct opcua_raw_object *notifications;
};
struct opcua_publish_response {
    UA_ResponseHeader header;
    UA_UInt32 subscription_id;
    size_t available_count;
    UA_UInt32 *available; /* sequence numbers */
    UA_Boolean more;
    struct opcua_raw_message message;
    size_t result_count;
    UA_StatusCode *results; /* of the acknowledgements */
    size_t diagnostic_count;
    UA_DiagnosticInfo *diagnostics;
};
struct opcua_republish_response {
    UA_ResponseHeader header;
    struct opcua_raw_message message;
};

/* To be given to opcua_call() as the type of the response. */
extern const UA_DataType opcua_publish_response_type, opcua_republish_response_type;

/* A notification as the library has it. One of changed data borrows the bytes (ENCODED_BYTESTRING), for
 * opcua_changes(); events and changes of the subscription's status are decoded; of all else there is no body.
 * Returns 0 or BUSBAR_EPROTO: it cannot be decoded; then there is nothing to clear. */
int opcua_notification(const struct opcua_raw_object *raw, UA_ExtensionObject *out);
void opcua_notification_clear(UA_ExtensionObject *notification);
/* Whether it is one of changed data. */
bool opcua_is_change(const UA_ExtensionObject *notification);

/* value: borrowed for the call, with all it points to. */
typedef void (*opcua_change_cb)(void *ctx, uint32_t client_handle, const UA_DataValue *value);

/* How many values a notification of changed data says that it has; at most what its bytes can hold. */
size_t opcua_change_count(const UA_ByteString *body);
/* Tells each. Returns 0 or BUSBAR_EPROTO: what follows the last one told is broken. */
int opcua_changes(const UA_ByteString *body, opcua_change_cb change, void *ctx);

#endif
