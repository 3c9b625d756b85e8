/* SPDX-License-Identifier: Apache-2.0 */
/* A node as a foreign device: registering, renewing, refused, silent, forgotten; and reading a
 * BBMD's tables. */
#include "node_rig.h"

static struct rig_node *add_foreign(struct rig *rig, uint16_t ttl_s)
{
    struct bacnet_node_config config = { .bbmd = rig_ip(9), .foreign_ttl_s = ttl_s };
    return rig_add(rig, &config);
}

static void answer(struct rig_node *self, uint16_t result)
{
    struct endpoint at = rig_ip(9);
    rig_inject_bvlc(self, &at,
                    &(struct bacnet_bvlc){ .function = BACNET_BVLC_RESULT, .result = result });
}

static struct bacnet_foreign foreign_of(const struct rig_node *self)
{
    struct bacnet_foreign foreign;
    bacnet_node_foreign(self->node, &foreign);
    return foreign;
}

static void it_registers_and_renews_at_half_its_time(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = add_foreign(rig, 60);
    rig_run(rig);
    assert_int_equal(rig->out_count, 1);
    struct rig_parsed sent = rig_last_out(rig);
    assert_int_equal(sent.bvlc.function, BACNET_BVLC_REGISTER);
    assert_int_equal(sent.bvlc.ttl_s, 60);
    struct endpoint bbmd = rig_ip(9);
    assert_true(endpoint_equal(&rig->out[0].to, &bbmd));
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_ASKING);
    /* Nothing goes to all before it is registered. */
    assert_int_equal(bacnet_who_is(a->node, NULL, 0, BACNET_INSTANCE_MAX), BUSBAR_EROUTE);
    struct endpoint other = rig_ip(8);
    struct bacnet_bvlc ok = { .function = BACNET_BVLC_RESULT };
    rig_inject_bvlc(a, &other, &ok); /* not the BBMD */
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_ASKING);
    answer(a, BACNET_RESULT_OK);
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_REGISTERED);
    assert_int_equal(a->foreign_count, 1);
    assert_int_equal(bacnet_who_is(a->node, NULL, 0, BACNET_INSTANCE_MAX), 0);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).bvlc.function, BACNET_BVLC_DISTRIBUTE);
    rig->out_count = 0;
    rig_pass(rig, 29900);
    assert_int_equal(rig->out_count, 0);
    rig_pass(rig, 200);
    assert_int_equal(rig->out_count, 1);
    assert_int_equal(rig_last_out(rig).bvlc.function, BACNET_BVLC_REGISTER);
    answer(a, BACNET_RESULT_OK);
    assert_int_equal(foreign_of(a).renewed, 1);
    assert_int_equal(a->foreign_count, 1);
    rig->out_count = 0;
    rig_close(a);
    rig_run(rig);
    assert_int_equal(rig->out_count, 1);
    struct rig_parsed left = rig_last_out(rig);
    assert_int_equal(left.bvlc.function, BACNET_BVLC_DELETE_FDT);
    assert_int_equal(left.bvlc.from.ip[3], 1);
    rig_free(rig);
}

static void a_refusal_is_told_and_tried_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = add_foreign(rig, 60);
    rig_run(rig);
    answer(a, BACNET_RESULT_REGISTER);
    struct bacnet_foreign foreign = foreign_of(a);
    assert_int_equal(foreign.state, BACNET_FOREIGN_REFUSED);
    assert_int_equal(foreign.code, BACNET_RESULT_REGISTER);
    assert_string_equal(bacnet_foreign_word(foreign.state), "refused");
    rig_pass(rig, 5100);
    assert_int_equal(rig->out_count, 2);
    answer(a, BACNET_RESULT_OK);
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_REGISTERED);
    rig_free(rig);
}

static void a_silent_bbmd_is_told_and_tried_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = add_foreign(rig, 60);
    rig_pass(rig, 5100);
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_SILENT);
    rig_pass(rig, 120000);
    assert_true(rig->out_count >= 3);
    assert_true(rig->out_count <= 8);
    answer(a, BACNET_RESULT_OK);
    rig_pass(rig, 30050);
    answer(a, BACNET_RESULT_OK);
    assert_int_equal(foreign_of(a).renewed, 1);
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_REGISTERED);
    /* Silent after that: what it said holds for its time and the grace period. */
    rig_pass(rig, 80000);
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_REGISTERED);
    rig_pass(rig, 80000);
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_SILENT);
    rig_free(rig);
}

static void a_bbmd_that_forgot_us_is_asked_at_once(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = add_foreign(rig, 600);
    rig_run(rig);
    answer(a, BACNET_RESULT_OK);
    rig->out_count = 0;
    answer(a, BACNET_RESULT_DISTRIBUTE);
    rig_run(rig);
    assert_int_equal(rig->out_count, 1);
    assert_int_equal(rig_last_out(rig).bvlc.function, BACNET_BVLC_REGISTER);
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_ASKING);
    answer(a, BACNET_RESULT_OK);
    assert_int_equal(foreign_of(a).state, BACNET_FOREIGN_REGISTERED);
    answer(a, BACNET_RESULT_OK); /* of nothing */
    assert_int_equal(rig_drops(a, BACNET_DROP_STRAY), 1);
    rig_free(rig);
}

static void forwarded_messages_name_their_sender(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = add_foreign(rig, 60);
    uint8_t data[64], npdu[32];
    struct bytes_out out = bytes_out_of(npdu, sizeof(npdu));
    bacnet_put_npdu(&out, &(struct bacnet_npdu){ 0 });
    struct bacnet_apdu apdu = { .type = BACNET_PDU_UNCONFIRMED, .service = BACNET_WHO_IS };
    bacnet_put_apdu(&out, &apdu);
    size_t size = bytes_out_size(&out);
    out = bytes_out_of(data, sizeof(data));
    struct bacnet_bvlc forwarded = { .function = BACNET_BVLC_FORWARDED,
                                     .from = { .ip = { 10, 9, 9, 9 }, .port = 47809 },
                                     .data = bytes_of(npdu, size) };
    bacnet_put_bvlc(&out, &forwarded);
    bacnet_end_bvlc(&out, 0);
    struct endpoint bbmd = rig_ip(9), other = rig_ip(8);
    bacnet_node_receive(a->node, &other, data, bytes_out_size(&out),
                        false); /* anybody could say so */
    assert_int_equal(a->told_count, 0);
    assert_int_equal(rig_drops(a, BACNET_DROP_FUNCTION), 1);
    bacnet_node_receive(a->node, &bbmd, data, bytes_out_size(&out), false);
    assert_int_equal(a->told_count, 1);
    assert_true(a->told_broadcast);
    assert_int_equal(a->told_from.ip.port, 47809);
    assert_int_equal(a->told_from.ip.ip[1], 9);
    bacnet_node_receive(a->node, &other, data, bytes_out_size(&out),
                        true); /* a BBMD of our own network */
    assert_int_equal(a->told_count, 2);
    /* A sender that is no single node: what is answered would go to all. */
    static const uint8_t all[][4] = { { 255, 255, 255, 255 }, { 224, 0, 0, 1 }, { 0, 0, 0, 0 } };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (unsigned j = 0; j < 4; j++) {
            data[4 + j] = all[i][j];
        }
        bacnet_node_receive(a->node, &bbmd, data, bytes_out_size(&out), false);
    }
    assert_int_equal(a->told_count, 2);
    assert_int_equal(rig_drops(a, BACNET_DROP_BVLC), 3);
    /* Our own broadcast, come back. */
    data[4] = 10;
    data[5] = data[6] = 0;
    data[7] = 1;
    data[8] = BACNET_PORT >> 8;
    data[9] = BACNET_PORT & 0xff;
    bacnet_node_receive(a->node, &bbmd, data, bytes_out_size(&out), false);
    assert_int_equal(a->told_count, 2);
    rig_free(rig);
}

struct reading {
    unsigned count;
    int error;
    uint16_t code;
    size_t entries;
    struct bacnet_table_entry first;
};

static void on_table(void *ctx, int error, uint16_t code, const struct bacnet_table_entry *entries,
                     size_t count)
{
    struct reading *reading = ctx;
    reading->count++;
    reading->error = error;
    reading->code = code;
    reading->entries = count;
    if (count > 0) {
        reading->first = entries[0];
    }
}

static void tables_of_a_bbmd_are_read(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint bbmd = rig_ip(9), other = rig_ip(8);
    struct reading reading = { 0 };
    assert_int_equal(
        bacnet_node_read_table(a->node, NULL, BACNET_TABLE_FOREIGN, on_table, &reading),
        BUSBAR_EINVAL);
    assert_int_equal(
        bacnet_node_read_table(a->node, &bbmd, BACNET_TABLE_BROADCAST, on_table, &reading), 0);
    assert_int_equal(
        bacnet_node_read_table(a->node, &bbmd, BACNET_TABLE_FOREIGN, on_table, &reading),
        BUSBAR_EBUSY);
    rig_run(rig);
    assert_int_equal(rig_last_out(rig).bvlc.function, BACNET_BVLC_READ_BDT);
    uint8_t table[2 * BACNET_BDT_ENTRY_SIZE];
    struct bytes_out out = bytes_out_of(table, sizeof(table));
    struct bacnet_bdt_entry bdt = { .address = { .ip = { 10, 1, 0, 1 }, .port = 47808 },
                                    .mask = { 255, 255, 255, 255 } };
    bacnet_put_bdt_entry(&out, &bdt);
    bacnet_put_bdt_entry(&out, &bdt);
    struct bacnet_bvlc ack = { .function = BACNET_BVLC_READ_BDT_ACK,
                               .data = bytes_of(table, sizeof(table)) };
    rig_inject_bvlc(a, &other, &ack);
    assert_int_equal(reading.count, 0);
    rig_inject_bvlc(a, &bbmd, &ack);
    assert_int_equal(reading.count, 1);
    assert_int_equal(reading.error, 0);
    assert_int_equal(reading.entries, 2);
    assert_int_equal(reading.first.at.ip[1], 1);
    assert_int_equal(reading.first.mask[0], 255);
    assert_int_equal(
        bacnet_node_read_table(a->node, &bbmd, BACNET_TABLE_FOREIGN, on_table, &reading), 0);
    out = bytes_out_of(table, sizeof(table));
    struct bacnet_fdt_entry fdt = { .address = { .ip = { 10, 1, 0, 2 }, .port = 47808 },
                                    .ttl_s = 300,
                                    .left_s = 200 };
    bacnet_put_fdt_entry(&out, &fdt);
    ack = (struct bacnet_bvlc){ .function = BACNET_BVLC_READ_FDT_ACK,
                                .data = bytes_of(table, BACNET_FDT_ENTRY_SIZE) };
    rig_inject_bvlc(a, &bbmd, &ack);
    assert_int_equal(reading.count, 2);
    assert_int_equal(reading.first.ttl_s, 300);
    assert_int_equal(reading.first.left_s, 200);
    /* It is no BBMD. */
    assert_int_equal(
        bacnet_node_read_table(a->node, &bbmd, BACNET_TABLE_FOREIGN, on_table, &reading), 0);
    struct bacnet_bvlc nak = { .function = BACNET_BVLC_RESULT, .result = BACNET_RESULT_READ_FDT };
    rig_inject_bvlc(a, &bbmd, &nak);
    assert_int_equal(reading.count, 3);
    assert_int_equal(reading.error, BUSBAR_EREFUSED);
    assert_int_equal(reading.code, BACNET_RESULT_READ_FDT);
    /* It is silent, and then we close. */
    assert_int_equal(
        bacnet_node_read_table(a->node, &bbmd, BACNET_TABLE_FOREIGN, on_table, &reading), 0);
    rig_pass(rig, 15100);
    assert_int_equal(reading.count, 4);
    assert_int_equal(reading.error, BUSBAR_ETIMEOUT);
    assert_int_equal(
        bacnet_node_read_table(a->node, &bbmd, BACNET_TABLE_FOREIGN, on_table, &reading), 0);
    rig_close(a);
    assert_int_equal(reading.count, 5);
    assert_int_equal(reading.error, BUSBAR_ECANCELED);
    rig_free(rig);
}

static void a_node_that_is_no_bbmd_says_so(void **state)
{
    (void)state;
    static const struct {
        uint8_t function;
        uint16_t result;
    } cases[] = {
        { BACNET_BVLC_READ_BDT, BACNET_RESULT_READ_BDT },
        { BACNET_BVLC_REGISTER, BACNET_RESULT_REGISTER },
        { BACNET_BVLC_READ_FDT, BACNET_RESULT_READ_FDT },
        { BACNET_BVLC_DELETE_FDT, BACNET_RESULT_DELETE_FDT },
    };
    struct rig *rig = rig_new();
    struct rig_node *a = rig_add(rig, NULL);
    struct endpoint at = rig_ip(9);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rig_inject_bvlc(a, &at, &(struct bacnet_bvlc){ .function = cases[i].function });
        rig_run(rig);
        assert_int_equal(rig->out_count, i + 1);
        assert_int_equal(rig_last_out(rig).bvlc.function, BACNET_BVLC_RESULT);
        assert_int_equal(rig_last_out(rig).bvlc.result, cases[i].result);
    }
    assert_int_equal(rig_drops(a, BACNET_DROP_FUNCTION), 4);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_registers_and_renews_at_half_its_time),
        cmocka_unit_test(a_refusal_is_told_and_tried_again),
        cmocka_unit_test(a_silent_bbmd_is_told_and_tried_again),
        cmocka_unit_test(a_bbmd_that_forgot_us_is_asked_at_once),
        cmocka_unit_test(forwarded_messages_name_their_sender),
        cmocka_unit_test(tables_of_a_bbmd_are_read),
        cmocka_unit_test(a_node_that_is_no_bbmd_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
