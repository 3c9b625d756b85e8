/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications read in place give what the library's own decoder gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <open62541/types_generated_handling.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "drivers/opcua/link/notification.h"
#include "support/random.h"

enum { ITEMS = 40 };

struct seen {
    const UA_DataChangeNotification *expected;
    size_t count;
};

static void compare(void *ctx, uint32_t handle, const UA_DataValue *value)
{
    struct seen *seen = ctx;
    assert_true(seen->count < seen->expected->monitoredItemsSize);
    const UA_MonitoredItemNotification *expected = &seen->expected->monitoredItems[seen->count++];
    assert_int_equal(handle, expected->clientHandle);
    assert_true(UA_equal(value, &expected->value, &UA_TYPES[UA_TYPES_DATAVALUE]));
}

static void count_only(void *ctx, uint32_t handle, const UA_DataValue *value)
{
    (void)handle, (void)value;
    (*(size_t *)ctx)++;
}

/* A scalar of a built-in type with something in it. */
static void set_scalar(UA_Variant *variant, size_t type, struct random *random)
{
    void *data = UA_new(&UA_TYPES[type]);
    assert_non_null(data);
    if (type == UA_TYPES_STRING || type == UA_TYPES_BYTESTRING || type == UA_TYPES_XMLELEMENT) {
        static const char *const texts[] = { "", "running", "\xe2\x82\xac" };
        *(UA_String *)data = UA_STRING_ALLOC(texts[random_below(random, 3)]);
        if (random_below(random, 4) == 0) {
            UA_String_clear(data);
        }
    } else if (UA_TYPES[type].pointerFree) {
        for (size_t i = 0; i < UA_TYPES[type].memSize; i++) {
            ((uint8_t *)data)[i] = type == UA_TYPES_BOOLEAN ? 1 : (uint8_t)random_below(random, 64);
        }
    }
    UA_Variant_setScalar(variant, data, &UA_TYPES[type]);
}

static void set_value(UA_DataValue *value, size_t type, struct random *random)
{
    uint64_t flags = random_below(random, 64);
    value->hasValue = (flags & 1) != 0;
    if (value->hasValue) {
        set_scalar(&value->value, type, random);
    }
    value->hasStatus = (flags & 2) != 0;
    value->status = value->hasStatus ? 0x40000480 : 0;
    value->hasSourceTimestamp = (flags & 4) != 0;
    value->sourceTimestamp = value->hasSourceTimestamp ? 132000000000000001 : 0;
    value->hasServerTimestamp = (flags & 8) != 0;
    value->serverTimestamp = value->hasServerTimestamp ? 132000000000000002 : 0;
    value->hasSourcePicoseconds = (flags & 16) != 0;
    value->sourcePicoseconds = value->hasSourcePicoseconds ? 77 : 0;
    value->hasServerPicoseconds = (flags & 32) != 0;
    value->serverPicoseconds = value->hasServerPicoseconds ? 78 : 0;
}

static UA_DataChangeNotification *make(size_t count, bool foreign, struct random *random)
{
    /* Built-in types that are read in place, then some that are not. */
    static const size_t types[] = {
        UA_TYPES_BOOLEAN,  UA_TYPES_SBYTE,         UA_TYPES_BYTE,       UA_TYPES_INT16,
        UA_TYPES_UINT16,   UA_TYPES_INT32,         UA_TYPES_UINT32,     UA_TYPES_INT64,
        UA_TYPES_UINT64,   UA_TYPES_FLOAT,         UA_TYPES_DOUBLE,     UA_TYPES_STRING,
        UA_TYPES_DATETIME, UA_TYPES_BYTESTRING,    UA_TYPES_XMLELEMENT, UA_TYPES_STATUSCODE,
        UA_TYPES_GUID,     UA_TYPES_LOCALIZEDTEXT,
    };
    UA_DataChangeNotification *change = UA_DataChangeNotification_new();
    change->monitoredItems = UA_Array_new(count, &UA_TYPES[UA_TYPES_MONITOREDITEMNOTIFICATION]);
    change->monitoredItemsSize = count;
    for (size_t i = 0; i < count; i++) {
        change->monitoredItems[i].clientHandle = (UA_UInt32)(i * 7);
        set_value(&change->monitoredItems[i].value, types[random_below(random, foreign ? 18 : 16)],
                  random);
    }
    return change;
}

static UA_ByteString encode(const void *from, const UA_DataType *type)
{
    UA_ByteString bytes = UA_BYTESTRING_NULL;
    assert_int_equal(UA_encodeBinary(from, type, &bytes), UA_STATUSCODE_GOOD);
    return bytes;
}

static void values_are_what_the_library_reads(void **state)
{
    (void)state;
    struct random random = { 1 };
    for (unsigned round = 0; round < 300; round++) {
        UA_DataChangeNotification *change = make(ITEMS, round % 2 == 1, &random);
        UA_ByteString body = encode(change, &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION]);
        struct seen seen = { .expected = change };
        assert_int_equal(opcua_change_count(&body), ITEMS);
        assert_int_equal(opcua_changes(&body, compare, &seen), 0);
        assert_int_equal(seen.count, ITEMS);
        UA_ByteString_clear(&body);
        UA_DataChangeNotification_delete(change);
    }
}

static void every_prefix_is_broken(void **state)
{
    (void)state;
    struct random random = { 2 };
    UA_DataChangeNotification *change = make(8, false, &random);
    UA_ByteString body = encode(change, &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION]);
    for (size_t size = 0; size < body.length - 4; size++) { /* the end: no diagnostics */
        UA_ByteString copy = { .data = malloc(size > 0 ? size : 1), .length = size };
        size_t count = 0;
        memcpy(copy.data, body.data, size);
        assert_int_equal(opcua_changes(&copy, count_only, &count), BUSBAR_EPROTO);
        assert_true(count < 8);
        assert_true(opcua_change_count(&copy) <= 8);
        free(copy.data);
    }
    UA_ByteString_clear(&body);
    UA_DataChangeNotification_delete(change);
}

static void a_publish_response_keeps_the_bytes(void **state)
{
    (void)state;
    struct random random = { 3 };
    UA_EventNotificationList *events = UA_EventNotificationList_new();
    events->events = UA_Array_new(2, &UA_TYPES[UA_TYPES_EVENTFIELDLIST]);
    events->eventsSize = 2;
    UA_ExtensionObject notifications[2];
    UA_ExtensionObject_setValue(&notifications[0], make(5, true, &random),
                                &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION]);
    UA_ExtensionObject_setValue(&notifications[1], events,
                                &UA_TYPES[UA_TYPES_EVENTNOTIFICATIONLIST]);
    UA_UInt32 available[] = { 4, 5 };
    UA_StatusCode results[] = { 0, UA_STATUSCODE_BADSEQUENCENUMBERUNKNOWN };
    UA_PublishResponse sent;
    UA_PublishResponse_init(&sent);
    sent.subscriptionId = 9;
    sent.moreNotifications = true;
    sent.availableSequenceNumbers = available;
    sent.availableSequenceNumbersSize = 2;
    sent.results = results;
    sent.resultsSize = 2;
    sent.notificationMessage.sequenceNumber = 5;
    sent.notificationMessage.publishTime = 132000000000000003;
    sent.notificationMessage.notificationData = notifications;
    sent.notificationMessage.notificationDataSize = 2;
    UA_ByteString bytes = encode(&sent, &UA_TYPES[UA_TYPES_PUBLISHRESPONSE]);

    struct opcua_publish_response got;
    assert_int_equal(UA_decodeBinary(&bytes, &got, &opcua_publish_response_type, NULL), 0);
    assert_int_equal(got.subscription_id, 9);
    assert_true(got.more);
    assert_int_equal(got.available_count, 2);
    assert_int_equal(got.available[1], 5);
    assert_int_equal(got.result_count, 2);
    assert_int_equal(got.results[1], UA_STATUSCODE_BADSEQUENCENUMBERUNKNOWN);
    assert_int_equal(got.message.sequence_number, 5);
    assert_int_equal(got.message.publish_time, 132000000000000003);
    assert_int_equal(got.message.notification_count, 2);

    UA_ExtensionObject one;
    assert_int_equal(opcua_notification(&got.message.notifications[0], &one), 0);
    assert_true(opcua_is_change(&one));
    struct seen seen = { .expected = notifications[0].content.decoded.data };
    assert_int_equal(opcua_changes(&one.content.encoded.body, compare, &seen), 0);
    assert_int_equal(seen.count, 5);
    opcua_notification_clear(&one);
    assert_int_equal(opcua_notification(&got.message.notifications[1], &one), 0);
    assert_false(opcua_is_change(&one));
    assert_ptr_equal(one.content.decoded.type, &UA_TYPES[UA_TYPES_EVENTNOTIFICATIONLIST]);
    assert_int_equal(((UA_EventNotificationList *)one.content.decoded.data)->eventsSize, 2);
    opcua_notification_clear(&one);
    UA_clear(&got, &opcua_publish_response_type);
    UA_ByteString_clear(&bytes);
    UA_ExtensionObject_clear(&notifications[0]);
    UA_ExtensionObject_clear(&notifications[1]);
}

static void a_republish_response_too(void **state)
{
    (void)state;
    struct random random = { 4 };
    UA_ExtensionObject notification;
    UA_ExtensionObject_setValue(&notification, make(3, false, &random),
                                &UA_TYPES[UA_TYPES_DATACHANGENOTIFICATION]);
    UA_RepublishResponse sent;
    UA_RepublishResponse_init(&sent);
    sent.notificationMessage.sequenceNumber = 77;
    sent.notificationMessage.notificationData = &notification;
    sent.notificationMessage.notificationDataSize = 1;
    UA_ByteString bytes = encode(&sent, &UA_TYPES[UA_TYPES_REPUBLISHRESPONSE]);
    struct opcua_republish_response got;
    assert_int_equal(UA_decodeBinary(&bytes, &got, &opcua_republish_response_type, NULL), 0);
    assert_int_equal(got.message.sequence_number, 77);
    UA_ExtensionObject one;
    assert_int_equal(opcua_notification(&got.message.notifications[0], &one), 0);
    struct seen seen = { .expected = notification.content.decoded.data };
    assert_int_equal(opcua_changes(&one.content.encoded.body, compare, &seen), 0);
    assert_int_equal(seen.count, 3);
    opcua_notification_clear(&one);
    UA_clear(&got, &opcua_republish_response_type);
    UA_ByteString_clear(&bytes);
    UA_ExtensionObject_clear(&notification);
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    UA_Byte broken[] = { 1, 0, 0, 0, 9 };
    struct opcua_raw_object raw = {
        .type = UA_TYPES[UA_TYPES_EVENTNOTIFICATIONLIST].binaryEncodingId,
        .encoding = 1,
        .body = { .data = broken, .length = sizeof(broken) },
    };
    UA_ExtensionObject one;
    assert_int_equal(opcua_notification(&raw, &one), BUSBAR_EPROTO);
    raw.type = UA_NODEID_NUMERIC(0, 4711); /* of no standard */
    assert_int_equal(opcua_notification(&raw, &one), 0);
    assert_int_equal(one.encoding, UA_EXTENSIONOBJECT_ENCODED_NOBODY);
    assert_false(opcua_is_change(&one));
    opcua_notification_clear(&one);
    UA_ByteString huge = { .data = (UA_Byte[]){ 255, 255, 255, 127 }, .length = 4 };
    size_t count = 0;
    assert_int_equal(opcua_change_count(&huge), 0);
    assert_int_equal(opcua_changes(&huge, count_only, &count), BUSBAR_EPROTO);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_what_the_library_reads),
        cmocka_unit_test(every_prefix_is_broken),
        cmocka_unit_test(a_publish_response_keeps_the_bytes),
        cmocka_unit_test(a_republish_response_too),
        cmocka_unit_test(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
