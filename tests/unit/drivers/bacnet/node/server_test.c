/* SPDX-License-Identifier: Apache-2.0 */
/* Being asked: replies now and later, repeated requests, limits, limits of a simulated device,
 * after closing. */
#include "node_rig.h"

#include "base/alloc.h"
#include "drivers/bacnet/wire/errors.h"

static struct bacnet_apdu request_of(uint8_t invoke)
{
    return (struct bacnet_apdu){ .type = BACNET_PDU_CONFIRMED,
                                 .invoke = invoke,
                                 .max_apdu_code = 5,
                                 .service = BACNET_READ_PROPERTY,
                                 .data = bytes_of("x", 1) };
}

static void a_reply_may_come_later_and_repeats_are_not_handled(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu request = request_of(5);
    rig_inject_apdu(a, &at, NULL, false, &request);
    rig_inject_apdu(a, &at, NULL, false, &request);
    assert_int_equal(a->asked_count, 1);
    assert_int_equal(rig_drops(a, BACNET_DROP_REPEATED), 1);
    assert_int_equal(a->last->service, BACNET_READ_PROPERTY);
    assert_int_equal(a->last->max_apdu, 1476);
    assert_false(a->last->segmented);
    struct bacnet_request *kept = a->last;
    /* The same id of somebody else is another request. */
    struct endpoint other = rig_ip(8);
    rig_inject_apdu(a, &other, NULL, false, &request);
    assert_int_equal(a->asked_count, 2);
    bacnet_reply_none(a->last);
    rig_pass(rig, 60000);
    assert_int_equal(rig->out_count, 0);
    bacnet_reply_data(kept, "yy", 2);
    rig_run(rig);
    assert_int_equal(rig->out_count, 1);
    struct rig_parsed reply = rig_last_out(rig);
    assert_int_equal(reply.apdu.type, BACNET_PDU_COMPLEX_ACK);
    assert_int_equal(reply.apdu.invoke, 5);
    assert_int_equal(reply.apdu.service, BACNET_READ_PROPERTY);
    /* It is over: the next is a new one. */
    rig_inject_apdu(a, &at, NULL, false, &request);
    assert_int_equal(a->asked_count, 3);
    bacnet_reply_ack(a->last);
    rig_free(rig);
}

static void requests_are_limited(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_request *kept[BACNET_REQUESTS_MAX];
    for (unsigned i = 0; i < BACNET_REQUESTS_MAX + 50; i++) {
        struct endpoint at = rig_ip(10 + i / 256);
        struct bacnet_apdu request = request_of((uint8_t)i);
        rig_inject_apdu(a, &at, NULL, false, &request);
        if (i < BACNET_REQUESTS_MAX) {
            kept[i] = a->last;
        }
    }
    assert_int_equal(a->asked_count, BACNET_REQUESTS_MAX);
    assert_int_equal(rig_drops(a, BACNET_DROP_REQUESTS), 50);
    for (unsigned i = 0; i < BACNET_REQUESTS_MAX; i++) {
        bacnet_reply_none(kept[i]);
    }
    struct bacnet_counts counts;
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.requests, 0);
    rig_free(rig);
}

static void strangers_leave_room_for_our_devices(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct bacnet_peer *ours = rig_peer(a, 9);
    struct bacnet_request *kept[BACNET_REQUESTS_STRANGERS];
    for (unsigned i = 0; i < BACNET_REQUESTS_STRANGERS + 50; i++) {
        struct endpoint at = rig_ip(10 + i / 256);
        struct bacnet_apdu request = request_of((uint8_t)i);
        rig_inject_apdu(a, &at, NULL, false, &request);
        if (i < BACNET_REQUESTS_STRANGERS) {
            kept[i] = a->last;
        }
    }
    assert_int_equal(a->asked_count, BACNET_REQUESTS_STRANGERS);
    assert_int_equal(rig_drops(a, BACNET_DROP_REQUESTS), 50);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu request = request_of(1);
    rig_inject_apdu(a, &at, NULL, false, &request);
    assert_int_equal(a->asked_count, BACNET_REQUESTS_STRANGERS + 1);
    bacnet_reply_none(a->last);
    for (unsigned i = 0; i < BACNET_REQUESTS_STRANGERS; i++) {
        bacnet_reply_none(kept[i]);
    }
    bacnet_peer_release(ours);
    rig_free(rig);
}

static void who_answers_may_lower_the_limits(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu request = request_of(1);
    request.segments_accepted = true;
    request.max_segments_code = 2; /* 4 */
    static uint8_t data[1000];
    rig_inject_apdu(a, &at, NULL, false, &request);
    assert_true(a->last->segmented);
    assert_int_equal(a->last->max_segments, 4);
    a->last->max_apdu = 128;
    bacnet_reply_data(a->last, data, 126); /* one byte too many */
    rig_run(rig);
    assert_true(rig_last_out(rig).apdu.segmented);
    struct rig_parsed first = rig_last_out(rig);
    assert_int_equal(bytes_left(&first.apdu.data), 123);
    struct bacnet_apdu abort = { .type = BACNET_PDU_ABORT, .invoke = 1 };
    rig_inject_apdu(a, &at, NULL, false, &abort);
    request.invoke++;
    rig_inject_apdu(a, &at, NULL, false, &request);
    a->last->max_apdu = 128;
    a->last->segmented = false;
    bacnet_reply_data(a->last, data, 126);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).apdu.type, BACNET_PDU_ABORT);
    assert_true(rig_last_out(rig).apdu.server);
    assert_int_equal(rig_last_out(rig).apdu.reason, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
    request.invoke++;
    rig_inject_apdu(a, &at, NULL, false, &request);
    a->last->max_apdu = 128;
    bacnet_reply_data(a->last, data, 4 * 123 + 1);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).apdu.reason, BACNET_ABORT_BUFFER_OVERFLOW);
    request.invoke++;
    rig_inject_apdu(a, &at, NULL, false, &request);
    a->last->max_apdu = 128;
    alloc_fail_nth(1);
    bacnet_reply_data(a->last, data, 4 * 123);
    alloc_fail_nth(0);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).apdu.reason, BACNET_ABORT_OUT_OF_RESOURCES);
    rig_free(rig);
}

static void a_segmented_reply_that_nobody_takes_ends(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu request = request_of(1);
    request.segments_accepted = true;
    static uint8_t data[4000];
    rig_inject_apdu(a, &at, NULL, false, &request);
    bacnet_reply_data(a->last, data, sizeof(data));
    struct bacnet_counts counts;
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.requests, 1);
    assert_int_equal(counts.reassembly_bytes, sizeof(data));
    rig_inject_apdu(a, &at, NULL, false, &request); /* again, while the reply goes out */
    assert_int_equal(a->asked_count, 1);
    rig_pass(rig, 7900);
    assert_int_equal(rig->out_count, 4);
    rig_pass(rig, 200);
    bacnet_node_counts(a->node, &counts);
    assert_int_equal(counts.requests + counts.reassembly_bytes, 0);
    rig_free(rig);
}

static void without_a_handler_it_is_rejected(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    rig_close(a);
    struct bacnet_node_config config = { .local = a->at,
                                         .broadcast = rig_ip(255),
                                         .send = rig_send };
    struct bacnet_node_events none = { 0 };
    assert_int_equal(bacnet_node_open(rig->loop, &config, &none, a, &a->node, NULL), 0);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu request = request_of(1);
    rig_inject_apdu(a, &at, NULL, false, &request);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).apdu.type, BACNET_PDU_REJECT);
    assert_int_equal(rig_last_out(rig).apdu.reason, BACNET_REJECT_UNRECOGNIZED_SERVICE);
    rig_inject_apdu(a, &at, NULL, true, &request); /* to all: not for anybody */
    assert_int_equal(rig_drops(a, BACNET_DROP_BROADCAST), 1);
    rig_free(rig);
}

static void a_reply_after_closing_goes_nowhere(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu request = request_of(1);
    request.segments_accepted = true;
    rig_inject_apdu(a, &at, NULL, false, &request);
    struct bacnet_request *first = a->last;
    request.invoke++;
    rig_inject_apdu(a, &at, NULL, false, &request);
    struct bacnet_request *second = a->last;
    static uint8_t data[4000];
    request.invoke++;
    rig_inject_apdu(a, &at, NULL, false, &request);
    bacnet_reply_data(a->last, data, sizeof(data)); /* its segments are under way */
    rig_run(rig);
    rig->out_count = 0;
    rig_close(a);
    bacnet_reply_ack(first);
    bacnet_reply_data(second, data, sizeof(data));
    rig_run(rig);
    assert_int_equal(rig->out_count, 0);
    rig_free(rig);
}

/* Found by the fuzzer: a reply would have named "all networks" as its source. */
static void a_request_to_all_networks_is_not_answered_though_it_names_a_mac(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct bacnet_node_config config = { .serves = 7 };
    struct rig_node *a = rig_add(rig, &config);
    static const uint8_t frame[] = { 0x81, 0x0a, 0x00, 0x10, 0x01, 0x20, 0xff, 0xff,
                                     0x01, 0x01, 0xff, 0x00, 0x05, 0x01, 0x0c, 0x00 };
    struct endpoint at = rig_ip(9);
    bacnet_node_receive(a->node, &at, frame, sizeof(frame), false);
    assert_int_equal(rig_drops(a, BACNET_DROP_BROADCAST), 1);
    assert_int_equal(a->asked_count, 0);
    rig_free(rig);
}

static void a_node_may_refuse_segments(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct bacnet_node_config config = { .segmentation = BACNET_SEGMENTED_NONE };
    struct rig_node *a = rig_add(rig, &config);
    struct endpoint at = rig_ip(9);
    struct bacnet_apdu request = request_of(1);
    request.segmented = request.more = true;
    request.window = 4;
    rig_inject_apdu(a, &at, NULL, false, &request);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).apdu.type, BACNET_PDU_ABORT);
    assert_int_equal(rig_last_out(rig).apdu.reason, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
    assert_int_equal(a->asked_count, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_may_come_later_and_repeats_are_not_handled),
        cmocka_unit_test(requests_are_limited),
        cmocka_unit_test(strangers_leave_room_for_our_devices),
        cmocka_unit_test(who_answers_may_lower_the_limits),
        cmocka_unit_test(a_segmented_reply_that_nobody_takes_ends),
        cmocka_unit_test(without_a_handler_it_is_rejected),
        cmocka_unit_test(a_reply_after_closing_goes_nowhere),
        cmocka_unit_test(a_request_to_all_networks_is_not_answered_though_it_names_a_mac),
        cmocka_unit_test(a_node_may_refuse_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
