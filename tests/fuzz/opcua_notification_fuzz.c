/* SPDX-License-Identifier: Apache-2.0 */
/* Changed data read in place against the library's decoder: what it takes we take, with the same values; whatever
 * else comes, nothing is read outside of the bytes. */
#include <open62541/types_generated_handling.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/opcua/link/notification.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    const UA_DataChangeNotification *expected; /* NULL: the library takes none of it */
    size_t count;
};

/* Bits, for a number that is none differs from itself. */
static void compare(void *ctx, uint32_t handle, const UA_DataValue *value)
{
    struct seen *seen = ctx;
    size_t at = seen->count++;
    UA_ByteString mine = UA_BYTESTRING_NULL;
    UA_ByteString theirs = UA_BYTESTRING_NULL;
    if (UA_encodeBinary(value, &UA_TYPES[UA_TYPES_DATAVALUE], &mine) != UA_STATUSCODE_GOOD) {
        abort();
    }
    if (seen->expected != NULL) {
        if (at >= seen->expected->monitoredItemsSize ||
            handle != seen->expected->monitoredItems[at].clientHandle) {
            abort();
        }
        if (UA_encodeBinary(&seen->expected->monitoredItems[at].value,
                            &UA_TYPES[UA_TYPES_DATAVALUE], &theirs) != UA_STATUSCODE_GOOD ||
            !UA_ByteString_equal(&mine, &theirs)) {
            abort();
        }
    }
    UA_ByteString_clear(&mine);
    UA_ByteString_clear(&theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    UA_ByteString body = { .data = busbar_alloc(size), .length = size };
    if (size > 0) {
        memcpy(body.data, data, size);
    }
    UA_DataChangeNotification all;
    bool taken = UA_decodeBinary(&body, &all, &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION], NULL) ==
                 UA_STATUSCODE_GOOD;
    struct seen seen = { .expected = taken ? &all : NULL };
    int error = opcua_changes(&body, compare, &seen);
    if (seen.count > opcua_change_count(&body) ||
        (taken && (error != 0 || seen.count != all.monitoredItemsSize))) {
        abort();
    }
    if (taken) {
        UA_DataChangeNotification_clear(&all);
    }
    struct opcua_publish_response response;
    if (UA_decodeBinary(&body, &response, &opcua_publish_response_type, NULL) ==
        UA_STATUSCODE_GOOD) {
        for (size_t i = 0; i < response.message.notification_count; i++) {
            UA_ExtensionObject one;
            if (opcua_notification(&response.message.notifications[i], &one) == 0) {
                opcua_notification_clear(&one);
            }
        }
        UA_clear(&response, &opcua_publish_response_type);
    }
    busbar_free(body.data);
    return 0;
}
