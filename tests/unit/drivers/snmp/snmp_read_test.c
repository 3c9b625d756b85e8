/* SPDX-License-Identifier: Apache-2.0 */
/* Polls: values, what is learned about a device, and whose fault is whose. */
#include "snmp_read_rig.h"

/* `count` scalars: not successive, so that they go by GET; value = 100 + i. */
static void scalars(struct rig *rig, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char oid[64];
        (void)snprintf(oid, sizeof(oid), "1.3.6.1.4.1.32473.1.%u.0", i + 1);
        rig_point(rig, oid, SNMP_AS_IS);
        fake_int(rig->fake, oid, BER_INTEGER, 100 + i);
    }
}

static void all_good(const struct rig *rig)
{
    assert_int_equal(rig->error, 0);
    for (uint32_t i = 0; i < rig->dev.point_count; i++) {
        rig_good(rig, i, 100 + i);
    }
}

/* A table of columns 10 and 11, rows 1 to `rows`. */
static void table(struct rig *rig, unsigned rows)
{
    for (unsigned row = 1; row <= rows; row++) {
        for (unsigned column = 10; column < 12; column++) {
            char oid[64];
            (void)snprintf(oid, sizeof(oid), "1.3.6.1.2.1.2.2.1.%u.%u", column, row);
            rig_point(rig, oid, SNMP_AS_IS);
            rig_cell(rig, column, row, 100 + rig->dev.point_count - 1);
        }
    }
}

static void a_poll_is_one_question(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 20);
    rig_start(rig);
    rig_poll(rig); /* one value first: nobody knows yet whether it answers */
    all_good(rig);
    assert_int_equal(rig->fake->asked, 2);
    assert_int_equal(rig->uptime, 100000);
    rig_poll(rig);
    all_good(rig);
    assert_int_equal(rig->fake->asked, 3);
    assert_int_equal(rig->fake->varbinds_last, 20);
    rig_free(rig);
}

static void tables_go_by_getbulk(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    table(rig, 40);
    rig_cell(rig, 9, 99, 1); /* what comes before and behind them */
    rig_cell(rig, 12, 1, 1);
    rig_start(rig);
    rig_poll(rig);
    all_good(rig);
    assert_true(rig->fake->bulks >= 2 && rig->fake->bulks <= 4);
    assert_true(rig->fake->gets <= 1);
    rig_free(rig);
}

static void a_row_that_is_missing_is_only_that_row(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    table(rig, 10);
    fake_remove(rig->fake, "1.3.6.1.2.1.2.2.1.10.4");
    fake_remove(rig->fake, "1.3.6.1.2.1.2.2.1.11.10");
    rig_start(rig);
    rig_poll(rig);
    assert_int_equal(rig->error, 0);
    for (uint32_t i = 0; i < 20; i++) {
        if (i == 6 || i == 19) {
            rig_bad(rig, i, snmp_detail_exception(BER_NO_SUCH_INSTANCE));
        } else {
            rig_good(rig, i, 100 + i);
        }
    }
    rig_free(rig);
}

static void what_is_cut_short_is_asked_on(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    table(rig, 10);
    scalars(rig, 0);
    rig->fake->answer_most = 7;
    rig_start(rig);
    rig_poll(rig);
    all_good(rig);
    rig_free(rig);
}

static void v1_goes_by_get(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V1);
    table(rig, 10);
    rig_start(rig);
    rig_poll(rig);
    all_good(rig);
    assert_int_equal(rig->fake->bulks, 0);
    rig_free(rig);
}

static void a_missing_point_of_v1_harms_no_other(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V1);
    scalars(rig, 10);
    fake_remove(rig->fake, "1.3.6.1.4.1.32473.1.4.0");
    fake_remove(rig->fake, "1.3.6.1.4.1.32473.1.8.0");
    rig_start(rig);
    for (int round = 0; round < 3; round++) {
        unsigned before = rig->fake->asked;
        rig_poll(rig);
        for (uint32_t i = 0; i < 10; i++) {
            if (i == 3 || i == 7) {
                rig_bad(rig, i, snmp_detail_status(SNMP_NO_SUCH_NAME));
            } else {
                rig_good(rig, i, 100 + i);
            }
        }
        if (round > 0) { /* those two alone from now on */
            assert_int_equal(rig->fake->asked - before, 3);
        }
    }
    fake_int(rig->fake, "1.3.6.1.4.1.32473.1.4.0", BER_INTEGER, 103);
    fake_int(rig->fake, "1.3.6.1.4.1.32473.1.8.0", BER_INTEGER, 107);
    rig_poll(rig);
    all_good(rig);
    unsigned before = rig->fake->asked;
    rig_poll(rig);
    all_good(rig);
    assert_int_equal(rig->fake->asked - before, 1); /* together again */
    rig_free(rig);
}

static void missing_points_of_v2c_cost_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 10);
    fake_remove(rig->fake, "1.3.6.1.4.1.32473.1.4.0");
    rig_start(rig);
    rig_poll(rig);
    rig_bad(rig, 3, snmp_detail_exception(BER_NO_SUCH_INSTANCE));
    rig_good(rig, 4, 104);
    assert_int_equal(rig->fake->asked, 2);
    rig_free(rig);
}

static void one_that_fails_is_named_and_left_out(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 10);
    rig->fake->refuses_size = rig->oids[5].oid.size;
    memcpy(rig->fake->refuses, rig->oids[5].bytes, rig->oids[5].oid.size);
    rig_start(rig);
    rig_poll(rig);
    assert_int_equal(rig->error, 0);
    rig_bad(rig, 5, snmp_detail_status(SNMP_GEN_ERR));
    rig_good(rig, 0, 100);
    rig_good(rig, 9, 109);
    rig_free(rig);
}

static void too_big_is_halved_and_remembered(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 40);
    rig->fake->oids_most = 12;
    rig_start(rig);
    rig_poll(rig);
    all_good(rig);
    assert_int_equal(rig->limit_count, 1);
    assert_string_equal(rig->limits[0].name, "largest read");
    assert_true(rig->limits[0].value <= 12 && rig->limits[0].value >= 6);
    rig->fake->varbinds_most = 0;
    rig_poll(rig);
    all_good(rig);
    assert_true(rig->fake->varbinds_most <= 12);
    /* after a restart it is known */
    rig_stop(rig);
    rig_start(rig);
    rig->fake->varbinds_most = 0;
    rig_poll(rig);
    all_good(rig);
    assert_true(rig->fake->varbinds_most <= 12);
    /* and some day it is tried again */
    rig->fake->oids_most = 0;
    rig_run(rig, 0);
    clock_fake_advance(INT64_C(7) * 3600 * CLOCK_US_PER_S);
    rig_poll(rig);
    rig_poll(rig);
    all_good(rig);
    assert_true(rig->fake->varbinds_most >= 40);
    rig_free(rig);
}

static void silence_to_big_questions_is_learned(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 40);
    rig->fake->oids_drop = 12;
    rig_start(rig);
    for (int poll = 0; poll < 4; poll++) {
        int before = rig->answers;
        rig_begin(rig);
        rig_run(rig, 10 * RIG_TIMEOUT_US);
        if (rig->answers == before) {
            assert_true(snmp_read_cancel(&rig->device, &rig->req));
        }
        assert_int_equal(rig->answers, before + 1);
        assert_int_equal(rig->error, 0); /* one value was answered */
    }
    all_good(rig);
    assert_true(rig->limits[0].value <= 12);
    unsigned before = rig->fake->asked;
    rig_poll(rig);
    all_good(rig);
    assert_true(rig->fake->asked - before <= 8);
    rig_free(rig);
}

static void a_silent_device_is_asked_for_one_value(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 100);
    rig->fake->silent = true;
    rig_start(rig);
    rig_begin(rig);
    rig_run(rig, 2 * RIG_TIMEOUT_US + RIG_STEP_US);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->silent_error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->fake->varbinds_most, 1);
    assert_int_equal(rig->fake->asked, 2);
    rig->fake->silent = false;
    rig_poll(rig);
    all_good(rig);
    /* it falls silent: no more than is under way is asked */
    rig->fake->silent = true;
    unsigned before = rig->fake->asked;
    rig_begin(rig);
    rig_run(rig, 3 * RIG_TIMEOUT_US);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_true(rig->fake->asked - before <= 4);
    rig_free(rig);
}

static void a_lost_question_costs_only_its_points(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 100);
    rig_start(rig);
    rig_poll(rig);
    rig->device.config.in_flight = 1;
    rig_begin(rig);
    rig_run(rig, 0);
    all_good(rig);
    rig_begin(rig);
    rig->fake->lose = 2; /* the first question, and its repetition */
    rig_run(rig, 4 * RIG_TIMEOUT_US);
    /* nothing else was answered when it was given up: the device is silent */
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    rig_poll(rig);
    all_good(rig);
    rig_free(rig);
}

static void the_deadline_keeps_what_came(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 100);
    struct snmp_device *device = &rig->device;
    device->config.in_flight = 3;
    rig_start(rig);
    rig_poll(rig);
    rig->fake->oids_drop = 20; /* the first two questions are lost, the last is not */
    rig_begin(rig);
    int before = rig->answers;
    rig_run(rig, RIG_STEP_US);
    assert_int_equal(rig->answers, before);
    assert_true(snmp_read_cancel(device, &rig->req));
    assert_int_equal(rig->answers, before + 1);
    assert_int_equal(rig->error, 0);
    unsigned good = 0;
    for (uint32_t i = 0; i < 100; i++) {
        good += rig->samples[i].quality == QUALITY_GOOD;
        assert_true(rig->samples[i].quality == QUALITY_GOOD ||
                    rig->samples[i].quality == QUALITY_NO_ANSWER);
    }
    assert_true(good > 0 && good < 20);
    assert_false(snmp_read_cancel(device, &rig->req));
    rig_free(rig);
}

/* Of three groups of points one is refused while another still waits for its own answer. */
static void a_refused_probe_ends_only_those_that_wait_for_it(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 10);
    rig_start(rig);
    rig_poll(rig);
    rig->others[0] = rig->req;
    rig->others[0].plan = NULL;
    rig->others[1] = rig->others[0];
    rig->device.config.in_flight = 1;
    rig->fake->silent = true;
    rig_begin(rig);
    rig->device.config.in_flight = 4;
    rig_run(rig, RIG_TIMEOUT_US);
    snmp_read_begin(&rig->device, &rig->others[0]);
    rig_run(rig, RIG_TIMEOUT_US + RIG_STEP_US);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->others_done, 0);
    datagram_close(rig->fake->socket);
    snmp_read_begin(&rig->device, &rig->others[1]); /* asks for one value, which comes back */
    rig_run(rig, 0);
    assert_int_equal(rig->others_done, 1);
    rig_run(rig, 2 * RIG_TIMEOUT_US);
    assert_int_equal(rig->others_done, 2);
    rig->fake->socket = NULL;
    snmp_unplan(&rig->dev, &rig->others[0]);
    snmp_unplan(&rig->dev, &rig->others[1]);
    rig_free(rig);
}

static void stopping_cancels(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    scalars(rig, 10);
    rig->fake->silent = true;
    rig_start(rig);
    rig_begin(rig);
    rig_run(rig, 0);
    snmp_reads_stop(&rig->device);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_ECANCELED);
    rig_free(rig);
}

static void getbulk_that_is_refused_is_not_used_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    table(rig, 10);
    rig->fake->bulk_status = SNMP_GEN_ERR;
    rig_start(rig);
    rig_poll(rig);
    all_good(rig);
    unsigned bulks = rig->fake->bulks;
    rig_poll(rig);
    all_good(rig);
    assert_int_equal(rig->fake->bulks, bulks);
    rig_free(rig);
}

static void rates_know_a_restart(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    uint32_t rate = rig_point(rig, "1.3.6.1.2.1.2.2.1.10.1", SNMP_RATE);
    uint32_t total = rig_point(rig, "1.3.6.1.2.1.2.2.1.10.1", SNMP_TOTAL);
    rig_cell(rig, 10, 1, 4294967000U);
    rig_start(rig);
    rig_poll(rig);
    assert_int_equal(rig->samples[rate].quality, QUALITY_NOT_YET);
    rig_good(rig, total, 4294967000);
    clock_fake_advance(10 * CLOCK_US_PER_S);
    fake_int(rig->fake, "1.3.6.1.2.1.1.3.0", BER_TIMETICKS, 101000);
    rig_cell(rig, 10, 1, 704); /* it wrapped: 1000 more */
    rig_poll(rig);
    assert_int_equal(rig->samples[rate].quality, QUALITY_GOOD);
    assert_true(rig->samples[rate].value.d > 99.9 && rig->samples[rate].value.d < 100.1);
    rig_good(rig, total, 4294968000);
    clock_fake_advance(10 * CLOCK_US_PER_S);
    fake_int(rig->fake, "1.3.6.1.2.1.1.3.0", BER_TIMETICKS, 300);
    rig_cell(rig, 10, 1, 50); /* it started again */
    rig_poll(rig);
    assert_int_equal(rig->samples[rate].quality, QUALITY_NOT_YET);
    rig_good(rig, total, 50);
    rig_free(rig);
}

/* ---- rows by name ---- */

static void rows_are_found_and_followed(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    uint32_t in = rig_row(rig, 10, "eth0");
    uint32_t out = rig_row(rig, 16, "eth0");
    uint32_t other = rig_row(rig, 10, "eth1");
    for (unsigned row = 1; row <= 60; row++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "vlan%u", row);
        rig_name(rig, row, row == 7 ? "eth0" : row == 9 ? "eth1" : name);
        rig_cell(rig, 10, row, 1000 + row);
        rig_cell(rig, 16, row, 2000 + row);
    }
    rig_start(rig);
    rig_poll(rig);
    rig_good(rig, in, 1007);
    rig_good(rig, out, 2007);
    rig_good(rig, other, 1009);
    unsigned before = rig->fake->asked;
    rig_poll(rig);
    assert_int_equal(rig->fake->asked - before, 1); /* names are read along */
    rig_good(rig, in, 1007);
    /* eth0 and a vlan change places */
    rig_run(rig, 10 * CLOCK_US_PER_S);
    rig_name(rig, 7, "vlan7");
    rig_name(rig, 33, "eth0");
    rig_poll(rig);
    rig_bad(rig, in, SNMP_DETAIL_ROW_MOVED);
    rig_bad(rig, out, SNMP_DETAIL_ROW_MOVED);
    rig_good(rig, other, 1009);
    rig_run(rig, 0);
    assert_true(rig->polled_now >= 2);
    assert_non_null(strstr(rig->note, "has number 33 now, it had 7"));
    assert_int_equal(rig->events, 1);
    rig_poll(rig);
    rig_good(rig, in, 1033);
    rig_good(rig, out, 2033);
    rig_free(rig);
}

static void rows_that_are_not_there_are_said_and_looked_for(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    uint32_t in = rig_row(rig, 10, "eth0");
    uint32_t twice = rig_row(rig, 10, "up");
    scalars(rig, 1);
    rig_name(rig, 1, "eth1");
    rig_name(rig, 2, "up");
    rig_name(rig, 3, "up");
    rig_start(rig);
    rig_poll(rig);
    assert_int_equal(rig->error, 0);
    rig_bad(rig, in, SNMP_DETAIL_NO_ROW);
    rig_bad(rig, twice, SNMP_DETAIL_ROW_TWICE);
    rig_good(rig, 2, 100);
    assert_int_equal(rig->notes, 2);
    rig_name(rig, 4, "eth0");
    rig_cell(rig, 10, 4, 44);
    rig_poll(rig); /* not looked for at once */
    rig_bad(rig, in, SNMP_DETAIL_NO_ROW);
    rig_run(rig, 61 * CLOCK_US_PER_S);
    rig_poll(rig);
    rig_run(rig, 0);
    assert_int_equal(rig->polled_now, 1);
    rig_poll(rig);
    rig_good(rig, in, 44);
    rig_free(rig);
}

static void a_row_whose_name_is_gone_is_lost(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    uint32_t in = rig_row(rig, 10, "eth0");
    rig_name(rig, 1, "eth0");
    rig_cell(rig, 10, 1, 11);
    rig_start(rig);
    rig_poll(rig);
    rig_good(rig, in, 11);
    fake_remove(rig->fake, "1.3.6.1.2.1.31.1.1.1.1.1");
    rig_run(rig, 10 * CLOCK_US_PER_S);
    rig_poll(rig);
    rig_bad(rig, in, SNMP_DETAIL_ROW_MOVED);
    rig_run(rig, 0);
    rig_poll(rig);
    rig_bad(rig, in, SNMP_DETAIL_NO_ROW);
    rig_free(rig);
}

static void silence_while_names_are_read_is_silence(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    uint32_t in = rig_row(rig, 10, "eth0");
    rig_name(rig, 1, "eth0");
    rig_cell(rig, 10, 1, 11);
    rig->fake->silent = true;
    rig_start(rig);
    rig_begin(rig);
    rig_run(rig, 5 * RIG_TIMEOUT_US);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->silent_error, BUSBAR_ETIMEOUT);
    rig_begin(rig);
    assert_true(snmp_read_cancel(&rig->device, &rig->req)); /* while it waits for them */
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    rig->fake->silent = false;
    rig_run(rig, 5 * RIG_TIMEOUT_US);
    rig_poll(rig);
    rig_good(rig, in, 11);
    rig_free(rig);
}

static void an_agent_whose_oids_do_not_grow_is_not_walked_for_ever(void **state)
{
    (void)state;
    struct rig *rig = rig_new(SNMP_V2C);
    uint32_t in = rig_row(rig, 10, "eth0");
    scalars(rig, 1);
    rig_name(rig, 1, "eth1");
    rig->fake->never_grows = true;
    rig_start(rig);
    rig_poll(rig);
    rig_bad(rig, in, SNMP_DETAIL_ROWS_UNREAD);
    rig_good(rig, 1, 100);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_poll_is_one_question),
        cmocka_unit_test(tables_go_by_getbulk),
        cmocka_unit_test(a_row_that_is_missing_is_only_that_row),
        cmocka_unit_test(what_is_cut_short_is_asked_on),
        cmocka_unit_test(v1_goes_by_get),
        cmocka_unit_test(a_missing_point_of_v1_harms_no_other),
        cmocka_unit_test(missing_points_of_v2c_cost_nothing),
        cmocka_unit_test(one_that_fails_is_named_and_left_out),
        cmocka_unit_test(too_big_is_halved_and_remembered),
        cmocka_unit_test(silence_to_big_questions_is_learned),
        cmocka_unit_test(a_silent_device_is_asked_for_one_value),
        cmocka_unit_test(a_lost_question_costs_only_its_points),
        cmocka_unit_test(the_deadline_keeps_what_came),
        cmocka_unit_test(a_refused_probe_ends_only_those_that_wait_for_it),
        cmocka_unit_test(stopping_cancels),
        cmocka_unit_test(getbulk_that_is_refused_is_not_used_again),
        cmocka_unit_test(rates_know_a_restart),
        cmocka_unit_test(rows_are_found_and_followed),
        cmocka_unit_test(rows_that_are_not_there_are_said_and_looked_for),
        cmocka_unit_test(a_row_whose_name_is_gone_is_lost),
        cmocka_unit_test(silence_while_names_are_read_is_silence),
        cmocka_unit_test(an_agent_whose_oids_do_not_grow_is_not_walked_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
