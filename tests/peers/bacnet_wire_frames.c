/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a datagram of every kind that we send, one a line: its name, a tab, its bytes as hex. An independent
 * decoder reads them in bacnet_wire.test.mjs. */
#include <stdio.h>

#include "base/str.h"
#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/error.h"
#include "drivers/bacnet/service/event_information.h"
#include "drivers/bacnet/service/event_notification.h"
#include "drivers/bacnet/service/list_element.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/read_range.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/service/time_sync.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/service/write_property.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/npdu.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/route.h"

enum { FRAME_MAX = 1500 };

/* Writes what is behind the head. */
typedef void (*body_fn)(struct bytes_out *out);

static const struct bacnet_object input = { BACNET_ANALOG_INPUT, 16 };
static const struct bacnet_object output = { BACNET_ANALOG_OUTPUT, 3 };
static const struct bacnet_object device = { BACNET_DEVICE, 2001 };
static const struct bacnet_datetime moment = { { 126, 11, 22, 7 }, { 10, 44, 8, 25 } };

/* One value with its application tag, borrowed until the next. */
static struct bytes one(const struct bacnet_value *value)
{
    static uint8_t data[64];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_value(&out, BACNET_APPLICATION, value);
    return bytes_of(data, bytes_out_size(&out));
}

static struct bytes real(float number)
{
    return one(&(struct bacnet_value){ .type = BACNET_REAL, .as.real = number });
}

static struct bacnet_value characters(const char *text)
{
    struct bacnet_value value = { .type = BACNET_CHARACTERS };
    value.as.block.data = (const uint8_t *)text;
    value.as.block.size = (uint32_t)strlen(text);
    return value;
}

/* ---- bodies ---- */

static void read_property(struct bytes_out *out)
{
    bacnet_put_read_property(out, &(struct bacnet_read_property){ input, 85, BACNET_INDEX_ALL });
}

static void read_element(struct bytes_out *out)
{
    bacnet_put_read_property(out, &(struct bacnet_read_property){ device, 76, 3 });
}

static void read_ack(struct bytes_out *out)
{
    struct bacnet_read_property read = { input, 85, BACNET_INDEX_ALL };
    bacnet_put_read_property_ack(out, &read, real(72.5F));
}

/* Every primitive type, as a property of several elements. */
static void read_ack_types(struct bytes_out *out)
{
    static uint8_t data[256];
    const unsigned app = BACNET_APPLICATION;
    struct bytes_out values = bytes_out_of(data, sizeof(data));
    bacnet_put_null(&values, app);
    bacnet_put_boolean(&values, app, true);
    bacnet_put_unsigned(&values, app, 70000);
    bacnet_put_signed(&values, app, -300);
    bacnet_put_real(&values, app, 21.5F);
    bacnet_put_double(&values, app, -0.125);
    bacnet_put_octets(&values, app, "\x12\x34\xff", 3);
    bacnet_put_text(&values, app, "Fran\xc3\xa7ois", 9);
    bacnet_put_bits(&values, app, BACNET_FLAG_FAULT, 4);
    bacnet_put_enumerated(&values, app, 3);
    bacnet_put_date(&values, app, &moment.date);
    bacnet_put_time(&values, app, &moment.time);
    bacnet_put_object(&values, app, output);
    struct bacnet_read_property read = { device, 9997, BACNET_INDEX_ALL };
    bacnet_put_read_property_ack(out, &read, bytes_of(data, bytes_out_size(&values)));
}

static void read_multiple(struct bytes_out *out)
{
    bacnet_put_read_begin(out, input);
    bacnet_put_property_reference(out, &(struct bacnet_property_reference){ 85, BACNET_INDEX_ALL });
    bacnet_put_property_reference(out,
                                  &(struct bacnet_property_reference){ 111, BACNET_INDEX_ALL });
    bacnet_put_read_end(out);
    bacnet_put_read_begin(out, output);
    bacnet_put_property_reference(out, &(struct bacnet_property_reference){ 87, 8 });
    bacnet_put_read_end(out);
}

static void read_multiple_ack(struct bytes_out *out)
{
    struct bacnet_read_result result = { .property = 85, .index = BACNET_INDEX_ALL };
    bacnet_put_read_begin(out, input);
    result.value = real(72.5F);
    bacnet_put_read_result(out, &result);
    bacnet_put_read_end(out);
    result = (struct bacnet_read_result){ .property = 87, .index = 8, .refused = true };
    result.why.error_class = BACNET_CLASS_PROPERTY;
    result.why.code = BACNET_ERROR_INVALID_ARRAY_INDEX;
    bacnet_put_read_begin(out, output);
    bacnet_put_read_result(out, &result);
    bacnet_put_read_end(out);
}

static void write_property(struct bytes_out *out)
{
    struct bacnet_property_value value = { 85, BACNET_INDEX_ALL, real(18.0F), 8 };
    bacnet_put_write_property(out, output, &value);
}

static void relinquish(struct bytes_out *out)
{
    struct bytes null = one(&(struct bacnet_value){ .type = BACNET_NULL });
    struct bacnet_property_value value = { 85, BACNET_INDEX_ALL, null, 16 };
    bacnet_put_write_property(out, output, &value);
}

static void write_multiple(struct bytes_out *out)
{
    struct bacnet_property_value value = { 85, BACNET_INDEX_ALL, real(18.0F), 8 };
    bacnet_put_write_begin(out, output);
    bacnet_put_property_value(out, &value);
    bacnet_put_write_end(out);
}

static void subscribe(struct bytes_out *out)
{
    bacnet_put_subscribe_cov(
        out, &(struct bacnet_subscribe_cov){
                 .process = 18, .object = input, .confirmed = true, .lifetime_s = 600 });
}

static void unsubscribe(struct bytes_out *out)
{
    bacnet_put_subscribe_cov(
        out, &(struct bacnet_subscribe_cov){ .process = 18, .object = input, .cancel = true });
}

static void subscribe_property(struct bytes_out *out)
{
    bacnet_put_subscribe_cov_property(
        out, &(struct bacnet_subscribe_cov){ .process = 18,
                                             .object = input,
                                             .lifetime_s = 600,
                                             .property = { 85, BACNET_INDEX_ALL },
                                             .has_increment = true,
                                             .increment = 0.5F });
}

static void subscribe_multiple(struct bytes_out *out)
{
    bacnet_put_subscribe_multiple_begin(
        out, &(struct bacnet_subscribe_cov){ .process = 18, .lifetime_s = 600, .delay_s = 5 });
    bacnet_put_subscribe_object_begin(out, input);
    bacnet_put_cov_reference(
        out, &(struct bacnet_cov_reference){ { 85, BACNET_INDEX_ALL }, true, 0.5F, true });
    bacnet_put_subscribe_object_end(out);
    bacnet_put_subscribe_multiple_end(out);
}

static void cov(struct bytes_out *out)
{
    struct bacnet_property_value value = { 85, BACNET_INDEX_ALL, real(65.0F), 0 };
    bacnet_put_cov_begin(
        out, &(struct bacnet_cov){
                 .process = 18, .device = device.instance, .object = input, .left_s = 590 });
    bacnet_put_property_value(out, &value);
    bacnet_put_cov_end(out);
}

static void cov_multiple(struct bytes_out *out)
{
    struct bacnet_cov_change change = { .value = { 85, BACNET_INDEX_ALL, real(65.0F), 0 },
                                        .has_at = true,
                                        .at = moment.time };
    bacnet_put_cov_multiple_begin(out, &(struct bacnet_cov){ .process = 18,
                                                             .device = device.instance,
                                                             .left_s = 590,
                                                             .has_at = true,
                                                             .at = moment });
    bacnet_put_cov_object_begin(out, input);
    bacnet_put_cov_change(out, &change);
    bacnet_put_cov_object_end(out);
    bacnet_put_cov_multiple_end(out);
}

static void event(struct bytes_out *out)
{
    struct bacnet_event_notification note = { .process = 1, .device = device, .object = input };
    note.stamp = (struct bacnet_stamp){ .kind = BACNET_STAMP_DATETIME, .at = moment };
    note.notification_class = 4;
    note.priority = 100;
    note.event_type = BACNET_EVENT_OUT_OF_RANGE;
    note.notify_type = BACNET_NOTIFY_ALARM;
    note.has_ack_wanted = note.ack_wanted = note.has_from_state = true;
    note.from_state = BACNET_STATE_NORMAL;
    note.to_state = BACNET_STATE_HIGH_LIMIT;
    bacnet_event_values_init(&note.values, BACNET_EVENT_OUT_OF_RANGE);
    note.values.fields[0].value.as.real = 80.5F;
    note.values.fields[1].value.as.block.data = (const uint8_t *)"\x80";
    note.values.fields[1].value.as.block.size = 1;
    note.values.fields[1].value.as.block.set = 4;
    note.values.fields[2].value.as.real = 1.0F;
    note.values.fields[3].value.as.real = 80.0F;
    bacnet_put_event_notification(out, &note);
}

static void acknowledge(struct bytes_out *out)
{
    struct bacnet_acknowledge_alarm ack = { .process = 1, .object = input };
    ack.state = BACNET_STATE_HIGH_LIMIT;
    ack.event = (struct bacnet_stamp){ .kind = BACNET_STAMP_SEQUENCE, .sequence = 16 };
    ack.who = characters("anna");
    ack.now = (struct bacnet_stamp){ .kind = BACNET_STAMP_DATETIME, .at = moment };
    bacnet_put_acknowledge_alarm(out, &ack);
}

static void event_information(struct bytes_out *out)
{
    bacnet_put_event_information_ask(out, &input);
}

static void event_information_ack(struct bytes_out *out)
{
    struct bacnet_event_summary summary = { .object = input, .state = BACNET_STATE_HIGH_LIMIT };
    for (size_t i = 0; i < BACNET_TRANSITIONS; i++) {
        summary.stamps[i] = (struct bacnet_stamp){ .kind = BACNET_STAMP_DATETIME, .at = moment };
        summary.priorities[i] = (uint8_t)(10 + i);
    }
    summary.enabled = 7;
    bacnet_put_event_information_begin(out);
    bacnet_put_event_summary(out, &summary);
    bacnet_put_event_information_end(out, false);
}

static void read_range(struct bytes_out *out)
{
    struct bacnet_read_range ask = { .object = { BACNET_TREND_LOG, 1 }, .property = 131 };
    ask.index = BACNET_INDEX_ALL;
    ask.range = BACNET_RANGE_SEQUENCE;
    ask.reference = 79201;
    ask.count = 50;
    bacnet_put_read_range(out, &ask);
}

static void add_element(struct bytes_out *out)
{
    struct bacnet_list_element ask = { .object = { BACNET_NOTIFICATION_CLASS, 1 } };
    ask.property = BACNET_PROP_RECIPIENT_LIST;
    ask.index = BACNET_INDEX_ALL;
    static uint8_t data[128];
    struct bytes_out element = bytes_out_of(data, sizeof(data));
    struct bacnet_destination destination = { .days = 127, .to = { 23, 59, 59, 99 } };
    destination.device = device.instance;
    destination.process = 1;
    destination.confirmed = true;
    destination.transitions = 7;
    bacnet_put_destination(&element, &destination);
    ask.elements = bytes_of(data, bytes_out_size(&element));
    bacnet_put_list_element(out, &ask);
}

static void who_is(struct bytes_out *out)
{
    bacnet_put_who_is(out, &(struct bacnet_who_is){ 2000, 2999 });
}

static void i_am(struct bytes_out *out)
{
    struct bacnet_i_am say = { device.instance, 1476, BACNET_SEGMENTED_BOTH, 260 };
    bacnet_put_i_am(out, &say);
}

static void who_has(struct bytes_out *out)
{
    struct bacnet_who_has ask = { .low = 0, .high = BACNET_INSTANCE_MAX, .by_name = true };
    ask.name = characters("ahu-1 sat");
    bacnet_put_who_has(out, &ask);
}

static void i_have(struct bytes_out *out)
{
    struct bacnet_i_have say = { .instance = device.instance, .object = input };
    say.name = characters("ahu-1 sat");
    bacnet_put_i_have(out, &say);
}

static void time_sync(struct bytes_out *out)
{
    bacnet_put_time_sync(out, &moment);
}

static void plain_error(struct bytes_out *out)
{
    struct bacnet_error_body error = { .why = { BACNET_CLASS_OBJECT,
                                                BACNET_ERROR_UNKNOWN_OBJECT } };
    bacnet_put_error(out, BACNET_READ_PROPERTY, &error);
}

static void write_multiple_error(struct bytes_out *out)
{
    struct bacnet_error_body error = { .object = output, .property = 85 };
    error.why.error_class = BACNET_CLASS_PROPERTY;
    error.why.code = BACNET_ERROR_WRITE_ACCESS_DENIED;
    error.index = BACNET_INDEX_ALL;
    bacnet_put_error(out, BACNET_WRITE_PROPERTY_MULTIPLE, &error);
}

/* ---- frames ---- */

struct frame {
    const char *name;
    struct bacnet_apdu head;
    body_fn body;
};

#define ASK(number)                                                                      \
    {                                                                                    \
        .type = BACNET_PDU_CONFIRMED, .segments_accepted = true, .max_segments_code = 6, \
        .max_apdu_code = 5, .invoke = 77, .service = (number)                            \
    }
#define ACK(number)                                                       \
    {                                                                     \
        .type = BACNET_PDU_COMPLEX_ACK, .invoke = 77, .service = (number) \
    }
#define TELL(number)                                        \
    {                                                       \
        .type = BACNET_PDU_UNCONFIRMED, .service = (number) \
    }

static const struct frame frames[] = {
    { "read property", ASK(BACNET_READ_PROPERTY), read_property },
    { "read element", ASK(BACNET_READ_PROPERTY), read_element },
    { "read property ack", ACK(BACNET_READ_PROPERTY), read_ack },
    { "read property ack of all types", ACK(BACNET_READ_PROPERTY), read_ack_types },
    { "read property multiple", ASK(BACNET_READ_PROPERTY_MULTIPLE), read_multiple },
    { "read property multiple ack", ACK(BACNET_READ_PROPERTY_MULTIPLE), read_multiple_ack },
    { "write property", ASK(BACNET_WRITE_PROPERTY), write_property },
    { "relinquish", ASK(BACNET_WRITE_PROPERTY), relinquish },
    { "write property multiple", ASK(BACNET_WRITE_PROPERTY_MULTIPLE), write_multiple },
    { "subscribe cov", ASK(BACNET_SUBSCRIBE_COV), subscribe },
    { "unsubscribe cov", ASK(BACNET_SUBSCRIBE_COV), unsubscribe },
    { "subscribe cov property", ASK(BACNET_SUBSCRIBE_COV_PROPERTY), subscribe_property },
    { "subscribe cov property multiple", ASK(BACNET_SUBSCRIBE_COV_PROPERTY_MULTIPLE),
      subscribe_multiple },
    { "confirmed cov", ASK(BACNET_CONFIRMED_COV), cov },
    { "unconfirmed cov", TELL(BACNET_UNCONFIRMED_COV), cov },
    { "confirmed cov multiple", ASK(BACNET_CONFIRMED_COV_MULTIPLE), cov_multiple },
    { "confirmed event", ASK(BACNET_CONFIRMED_EVENT), event },
    { "unconfirmed event", TELL(BACNET_UNCONFIRMED_EVENT), event },
    { "acknowledge alarm", ASK(BACNET_ACKNOWLEDGE_ALARM), acknowledge },
    { "get event information", ASK(BACNET_GET_EVENT_INFORMATION), event_information },
    { "get event information ack", ACK(BACNET_GET_EVENT_INFORMATION), event_information_ack },
    { "read range", ASK(BACNET_READ_RANGE), read_range },
    { "add list element", ASK(BACNET_ADD_LIST_ELEMENT), add_element },
    { "who is", TELL(BACNET_WHO_IS), who_is },
    { "i am", TELL(BACNET_I_AM), i_am },
    { "who has", TELL(BACNET_WHO_HAS), who_has },
    { "i have", TELL(BACNET_I_HAVE), i_have },
    { "time synchronization", TELL(BACNET_TIME_SYNC), time_sync },
    { "utc time synchronization", TELL(BACNET_UTC_TIME_SYNC), time_sync },
    { "error",
      { .type = BACNET_PDU_ERROR, .invoke = 77, .service = BACNET_READ_PROPERTY },
      plain_error },
    { "write property multiple error",
      { .type = BACNET_PDU_ERROR, .invoke = 77, .service = BACNET_WRITE_PROPERTY_MULTIPLE },
      write_multiple_error },
    { "simple ack",
      { .type = BACNET_PDU_SIMPLE_ACK, .invoke = 77, .service = BACNET_WRITE_PROPERTY },
      NULL },
    { "reject",
      { .type = BACNET_PDU_REJECT, .invoke = 77, .reason = BACNET_REJECT_UNRECOGNIZED_SERVICE },
      NULL },
    { "abort",
      { .type = BACNET_PDU_ABORT,
        .invoke = 77,
        .server = true,
        .reason = BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED },
      NULL },
    { "segment",
      { .type = BACNET_PDU_COMPLEX_ACK,
        .invoke = 77,
        .segmented = true,
        .more = true,
        .sequence = 0,
        .window = 8,
        .service = BACNET_READ_PROPERTY_MULTIPLE },
      read_multiple_ack },
    { "segment ack",
      { .type = BACNET_PDU_SEGMENT_ACK,
        .invoke = 77,
        .negative = true,
        .sequence = 3,
        .window = 8 },
      NULL },
};

static void print_frame(const char *name, const struct bytes_out *out)
{
    char hex[2 * FRAME_MAX + 1];
    (void)str_hex(hex, sizeof(hex), out->start, bytes_out_size(out), 0);
    printf("%s\t%s\n", name, hex);
}

static void print_apdu(const char *name, const struct bacnet_apdu *head, body_fn body,
                       uint8_t function, const struct bacnet_npdu *npdu)
{
    uint8_t data[FRAME_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_bvlc bvlc = { .function = function, .from = { { 10, 0, 1, 21 }, 47809 } };
    bacnet_put_bvlc(&out, &bvlc);
    bacnet_put_npdu(&out, npdu);
    bacnet_put_apdu(&out, head);
    if (body != NULL) {
        body(&out);
    }
    bacnet_end_bvlc(&out, 0);
    print_frame(name, &out);
}

static void print_route(const char *name, const struct bacnet_route_message *route)
{
    uint8_t data[FRAME_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_npdu npdu = { .is_message = true, .message = route->message };
    bacnet_put_bvlc(&out, &(struct bacnet_bvlc){ .function = BACNET_BVLC_BROADCAST });
    bacnet_put_npdu(&out, &npdu);
    bacnet_put_route_message(&out, route);
    bacnet_end_bvlc(&out, 0);
    print_frame(name, &out);
}

static void print_bvlc(const char *name, const struct bacnet_bvlc *bvlc)
{
    uint8_t data[FRAME_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_bvlc(&out, bvlc);
    print_frame(name, &out);
}

static void print_bvlcs(void)
{
    static const struct bacnet_bdt_entry bdt = { { { 10, 0, 2, 1 }, 47808 },
                                                 { 255, 255, 255, 255 } };
    static const struct bacnet_fdt_entry fdt = { { { 10, 0, 1, 5 }, 47808 }, 300, 330 };
    uint8_t data[BACNET_BDT_ENTRY_SIZE];
    print_bvlc("result", &(struct bacnet_bvlc){ .result = BACNET_RESULT_REGISTER });
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_bdt_entry(&out, &bdt);
    struct bytes table = bytes_of(data, sizeof(data));
    print_bvlc("write bdt",
               &(struct bacnet_bvlc){ .function = BACNET_BVLC_WRITE_BDT, .data = table });
    print_bvlc("read bdt", &(struct bacnet_bvlc){ .function = BACNET_BVLC_READ_BDT });
    print_bvlc("read bdt ack",
               &(struct bacnet_bvlc){ .function = BACNET_BVLC_READ_BDT_ACK, .data = table });
    print_bvlc("register", &(struct bacnet_bvlc){ .function = BACNET_BVLC_REGISTER, .ttl_s = 300 });
    print_bvlc("read fdt", &(struct bacnet_bvlc){ .function = BACNET_BVLC_READ_FDT });
    out = bytes_out_of(data, sizeof(data));
    bacnet_put_fdt_entry(&out, &fdt);
    print_bvlc("read fdt ack",
               &(struct bacnet_bvlc){ .function = BACNET_BVLC_READ_FDT_ACK, .data = table });
    print_bvlc("delete fdt entry", &(struct bacnet_bvlc){ .function = BACNET_BVLC_DELETE_FDT,
                                                          .from = { { 10, 0, 1, 5 }, 47808 } });
}

static void print_routes(void)
{
    static const uint8_t networks[] = { 0x00, 0x07, 0x00, 0x08 };
    print_route("who is router", &(struct bacnet_route_message){ .message = BACNET_WHO_IS_ROUTER,
                                                                 .has_network = true,
                                                                 .network = 7 });
    print_route("i am router",
                &(struct bacnet_route_message){ .message = BACNET_I_AM_ROUTER,
                                                .data = bytes_of(networks, sizeof(networks)) });
    print_route("reject message", &(struct bacnet_route_message){ .message = BACNET_REJECT_MESSAGE,
                                                                  .reason = BACNET_ROUTE_UNKNOWN,
                                                                  .network = 7 });
    print_route("router busy",
                &(struct bacnet_route_message){ .message = BACNET_ROUTER_BUSY,
                                                .data = bytes_of(networks, sizeof(networks)) });
    print_route("router available",
                &(struct bacnet_route_message){ .message = BACNET_ROUTER_AVAILABLE,
                                                .data = bytes_of(networks, sizeof(networks)) });
    print_route("what is network number",
                &(struct bacnet_route_message){ .message = BACNET_WHAT_IS_NETWORK });
    print_route("network number is", &(struct bacnet_route_message){ .message = BACNET_NETWORK_IS,
                                                                     .network = 9,
                                                                     .configured = true });
}

int main(void)
{
    static const struct bacnet_npdu local = { 0 };
    static const struct bacnet_npdu remote = {
        .has_to = true,
        .has_from = true,
        .to = { 7, 1, { 12 } },
        .from = { 9, 6, { 10, 0, 1, 21, 0xba, 0xc0 } },
        .hops = 254,
        .expecting_reply = true,
    };
    static const struct bacnet_npdu everywhere = { .has_to = true,
                                                   .to = { BACNET_NETWORK_ALL, 0, { 0 } },
                                                   .hops = 255 };
    static const struct bacnet_apdu who = TELL(BACNET_WHO_IS);
    static const struct bacnet_apdu ask = ASK(BACNET_READ_PROPERTY);
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        print_apdu(frames[i].name, &frames[i].head, frames[i].body, BACNET_BVLC_UNICAST, &local);
    }
    print_apdu("to a remote node", &ask, read_property, BACNET_BVLC_UNICAST, &remote);
    print_apdu("to all networks", &who, who_is, BACNET_BVLC_BROADCAST, &everywhere);
    print_apdu("forwarded", &who, who_is, BACNET_BVLC_FORWARDED, &local);
    print_apdu("distributed", &who, who_is, BACNET_BVLC_DISTRIBUTE, &everywhere);
    print_routes();
    print_bvlcs();
    return 0;
}
