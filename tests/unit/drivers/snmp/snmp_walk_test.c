/* SPDX-License-Identifier: Apache-2.0 */
/* Walks: all below a root in order, whatever the agent bears, and no walk that never ends. */
#include "snmp_fake_agent.h"

#include <stdio.h>

#include "drivers/snmp/snmp_walk.h"

enum { TIMEOUT_US = 1000000 };

struct rig {
    struct loop *loop;
    struct snmp_client *client;
    struct fake_agent *fake;
    struct snmp_login *login;
    struct snmp_agent *agent;
    struct snmp_walk *walk;
    struct snmp_oid_buf last;
    size_t values, stop_after, cancel_after; /* 0: not */
    int ended;
    struct snmp_walk_end end;
};

static struct rig *rig_new(enum snmp_version version, unsigned values)
{
    struct rig *rig = busbar_alloc(sizeof(*rig));
    struct snmp_client_options options = { .host = "127.0.0.1" };
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    rig->loop = loop_new();
    assert_int_equal(snmp_client_open(rig->loop, &options, &rig->client, NULL), 0);
    rig->fake = fake_new(rig->loop);
    rig->login = snmp_login_new(
        &(struct snmp_login){ .version = version, .community = "public", .name = "" });
    rig->agent = snmp_agent_new(rig->client,
                                &(struct snmp_agent_options){ .address = rig->fake->address,
                                                              .login = rig->login,
                                                              .timeout_us = TIMEOUT_US,
                                                              .in_flight = 1 });
    for (unsigned i = 0; i < values; i++) {
        char oid[64];
        (void)snprintf(oid, sizeof(oid), "1.3.6.1.2.1.2.2.1.%u.%u", 1 + i / 100, 1 + i % 100);
        fake_int(rig->fake, oid, BER_INTEGER, i);
    }
    fake_int(rig->fake, "1.3.6.1.2.1.1.3.0", BER_TIMETICKS, 1);
    return rig;
}

static void rig_free(struct rig *rig)
{
    snmp_agent_free(rig->agent);
    snmp_client_close(rig->client);
    fake_free(rig->fake);
    snmp_login_drop(rig->login);
    loop_free(rig->loop);
    clock_fake_off();
    busbar_free(rig);
}

static bool on_value(void *ctx, const struct snmp_varbind *varbind)
{
    struct rig *rig = ctx;
    assert_int_equal(rig->ended, 0);
    assert_true(rig->values == 0 || snmp_oid_order(varbind->oid, rig->last.oid) > 0);
    snmp_oid_take(&rig->last, varbind->oid);
    rig->values++;
    if (rig->values == rig->cancel_after) {
        snmp_walk_cancel(rig->walk);
    }
    return rig->values != rig->stop_after;
}

static void on_done(void *ctx, const struct snmp_walk_end *end)
{
    struct rig *rig = ctx;
    rig->ended++;
    rig->end = *end;
    assert_true((end->words != NULL) == (end->error != 0));
    assert_int_equal(end->values, rig->values);
}

static void begin(struct rig *rig, const char *root, size_t values_max, int64_t deadline_us)
{
    struct snmp_oid_buf oid;
    assert_int_equal(snmp_oid_parse(root, &oid, NULL), 0);
    struct snmp_walk_options options = { .root = oid.oid,
                                         .values_max = values_max,
                                         .deadline_us = deadline_us,
                                         .value = on_value,
                                         .done = on_done,
                                         .ctx = rig };
    rig->values = 0;
    rig->ended = 0;
    rig->walk = snmp_walk_begin(rig->agent, &options);
    assert_non_null(rig->walk);
    assert_int_equal(rig->ended, 0);
}

static void run(struct rig *rig, int seconds)
{
    for (int i = 0; i < 20 * seconds + 1; i++) {
        for (int turn = 0; turn < 60; turn++) {
            loop_turn(rig->loop, false);
        }
        loop_advance_for_test(rig->loop, i < 20 * seconds ? CLOCK_US_PER_S / 20 : 0);
    }
    for (int turn = 0; turn < 2000 && rig->ended == 0; turn++) {
        loop_turn(rig->loop, false);
    }
}

static void a_table_is_walked_whole(void **state)
{
    (void)state;
    static const enum snmp_version versions[] = { SNMP_V1, SNMP_V2C };
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = rig_new(versions[i], 250);
        begin(rig, "1.3.6.1.2.1.2", 0, 0);
        run(rig, 0);
        assert_int_equal(rig->ended, 1);
        assert_int_equal(rig->end.error, 0);
        assert_int_equal(rig->values, 250);
        assert_true(rig->end.below);
        assert_true(versions[i] == SNMP_V1 ? rig->fake->nexts == 251 : rig->fake->bulks < 13);
        begin(rig, "1.3.6.1.2.1.2.2.1.2", 0, 0); /* one column of it */
        run(rig, 0);
        assert_int_equal(rig->values, 100);
        begin(rig, "1.3.6.1.4", 0, 0); /* there is nothing */
        run(rig, 0);
        assert_int_equal(rig->end.error, 0);
        assert_false(rig->end.below);
        rig_free(rig);
    }
}

static void what_an_agent_cannot_is_asked_otherwise(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C, 60);
    rig->fake->bulk_status = SNMP_GEN_ERR;
    begin(rig, "1.3.6.1.2.1.2", 0, 0);
    run(rig, 0);
    assert_int_equal(rig->end.error, 0);
    assert_int_equal(rig->values, 60);
    rig->fake->bulk_status = 0;
    rig->fake->answer_most = 3;
    begin(rig, "1.3.6.1.2.1.2", 0, 0);
    run(rig, 0);
    assert_int_equal(rig->end.error, 0);
    assert_int_equal(rig->values, 60);
    rig_free(rig);
}

static void no_walk_is_endless(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C, 250);
    rig->fake->never_grows = true;
    begin(rig, "1.3.6.1.2.1.2", 0, 0);
    run(rig, 0);
    assert_int_equal(rig->end.error, BUSBAR_EPROTO);
    rig->fake->never_grows = false;
    begin(rig, "1.3.6.1.2.1.2", 40, 0);
    run(rig, 0);
    assert_int_equal(rig->end.error, BUSBAR_ELIMIT);
    assert_int_equal(rig->values, 40);
    rig->fake->lose = 1000;
    begin(rig, "1.3.6.1.2.1.2", 0, clock_mono_us() + TIMEOUT_US / 2);
    run(rig, 3);
    assert_int_equal(rig->end.error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->ended, 1);
    rig_free(rig);
}

static void it_may_be_ended_and_cancelled_from_inside(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C, 100);
    rig->stop_after = 5;
    begin(rig, "1.3.6.1.2.1.2", 0, 0);
    run(rig, 0);
    assert_int_equal(rig->ended, 1);
    assert_int_equal(rig->end.error, 0);
    assert_int_equal(rig->values, 5);
    rig->stop_after = 0;
    rig->cancel_after = 7;
    begin(rig, "1.3.6.1.2.1.2", 0, 0);
    run(rig, 0);
    assert_int_equal(rig->ended, 0);
    assert_int_equal(rig->values, 7);
    begin(rig, "1.3.6.1.2.1.2", 0, 0);
    snmp_walk_cancel(rig->walk); /* while its question is under way */
    run(rig, 0);
    assert_int_equal(rig->ended, 0);
    assert_int_equal(snmp_client_asked(rig->client), 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_walked_whole),
        cmocka_unit_test(what_an_agent_cannot_is_asked_otherwise),
        cmocka_unit_test(no_walk_is_endless),
        cmocka_unit_test(it_may_be_ended_and_cancelled_from_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
