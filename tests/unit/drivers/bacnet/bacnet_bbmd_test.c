/* SPDX-License-Identifier: Apache-2.0 */
/* The BBMD's table: asked once a registration, in words, and nothing of it when there is none. */
#include "node/node_rig.h"

#include "drivers/bacnet/bacnet_bbmd.h"

static struct rig *rig;
static struct rig_node *node;
static struct bacnet_bbmd bbmd;

static void begin(void)
{
    struct bacnet_node_config config = { .bbmd = rig_ip(9), .foreign_ttl_s = 60 };
    rig = rig_new();
    node = rig_add(rig, &config);
    bbmd = (struct bacnet_bbmd){ 0 };
    rig_run(rig);
    rig->out_count = 0;
}

static void says(const struct bacnet_bvlc *bvlc)
{
    struct endpoint at = rig_ip(9);
    rig_inject_bvlc(node, &at, bvlc);
    bacnet_bbmd_changed(&bbmd, node->node);
    rig_run(rig);
}

static void table_of(uint8_t count)
{
    uint8_t table[16 * BACNET_BDT_ENTRY_SIZE];
    struct bytes_out out = bytes_out_of(table, sizeof(table));
    for (uint8_t i = 0; i < count; i++) {
        struct bacnet_bdt_entry entry = { .address = { .ip = { 10, 0, i, 2 }, .port = 47808 } };
        bacnet_put_bdt_entry(&out, &entry);
    }
    says(&(struct bacnet_bvlc){ .function = BACNET_BVLC_READ_BDT_ACK,
                                .data = bytes_of(table, bytes_out_size(&out)) });
}

static void asked_once_a_registration(void **state)
{
    struct bacnet_bvlc result = { .function = BACNET_BVLC_RESULT };
    char words[256];
    (void)state;
    begin();
    bacnet_bbmd_changed(&bbmd, node->node);
    rig_run(rig);
    assert_int_equal(rig->out_count, 0); /* not registered yet */
    says(&result);
    assert_int_equal(rig->out_count, 1);
    assert_int_equal(rig_last_out(rig).bvlc.function, BACNET_BVLC_READ_BDT);
    assert_false(bacnet_bbmd_words(&bbmd, words, sizeof(words)));
    table_of(2);
    assert_true(bacnet_bbmd_words(&bbmd, words, sizeof(words)));
    assert_string_equal(words, "10.0.0.2:47808, 10.0.1.2:47808");
    assert_int_equal(rig->out_count, 1);
    /* it forgot us, and takes us again: its table may be another */
    result.result = BACNET_RESULT_DISTRIBUTE;
    says(&result);
    rig->out_count = 0;
    result.result = BACNET_RESULT_OK;
    says(&result);
    assert_int_equal(rig_last_out(rig).bvlc.function, BACNET_BVLC_READ_BDT);
    table_of(10);
    assert_true(bacnet_bbmd_words(&bbmd, words, sizeof(words)));
    assert_non_null(strstr(words, "10.0.7.2:47808, 2 more"));
    rig_free(rig);
}

static void a_table_that_is_not_told(void **state)
{
    struct bacnet_bvlc result = { .function = BACNET_BVLC_RESULT };
    char words[64];
    (void)state;
    begin();
    says(&result);
    result.result = BACNET_RESULT_READ_BDT;
    says(&result);
    assert_false(bacnet_bbmd_words(&bbmd, words, sizeof(words)));
    assert_string_equal(words, "");
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asked_once_a_registration),
        cmocka_unit_test(a_table_that_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
