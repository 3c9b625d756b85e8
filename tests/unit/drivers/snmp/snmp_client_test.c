/* SPDX-License-Identifier: Apache-2.0 */
/* The client against an agent on loopback: questions, repetitions, drops by reason, and v3 from the first question on. */
#include "snmp_fake_agent.h"

#include <stdio.h>

#include "support/free_port.h"

enum { TIMEOUT_US = 1000000, STEP_US = 50000 };

struct rig {
    struct loop *loop;
    struct snmp_client *client;
    struct fake_agent *fake;
    const struct snmp_login *login;
    struct snmp_agent *agent;
    /* what came */
    int answers, error;
    enum usm_trouble trouble;
    int64_t number; /* of the first varbind */
    uint32_t varbinds;
    int retried, engines, engines_changed, frames_sent, frames_clear, bad;
    char why[160];
};

static void on_frame(void *ctx, bool sent, struct bytes datagram, struct bytes clear)
{
    struct rig *rig = ctx;
    assert_true(bytes_left(&datagram) > 0);
    rig->frames_sent += sent;
    rig->frames_clear += bytes_left(&clear) > 0;
}
static void on_bad(void *ctx, struct bytes datagram, const char *why)
{
    struct rig *rig = ctx;
    assert_true(bytes_left(&datagram) > 0);
    rig->bad++;
    (void)snprintf(rig->why, sizeof(rig->why), "%s", why);
}
static void on_retried(void *ctx)
{
    ((struct rig *)ctx)->retried++;
}
static void on_engine(void *ctx, bool changed)
{
    struct rig *rig = ctx;
    rig->engines++;
    rig->engines_changed += changed;
}

static const struct snmp_agent_ops ops = {
    .frame = on_frame, .bad = on_bad, .retried = on_retried, .engine = on_engine
};

static struct rig *rig_new(const struct snmp_login *login)
{
    struct rig *rig = busbar_alloc(sizeof(*rig));
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    rig->loop = loop_new();
    struct snmp_client_options options = { .host = "127.0.0.1" };
    assert_int_equal(snmp_client_open(rig->loop, &options, &rig->client, NULL), 0);
    rig->fake = fake_new(rig->loop);
    rig->login = snmp_login_new(login);
    fake_int(rig->fake, "1.3.6.1.2.1.1.3.0", BER_TIMETICKS, 4711);
    return rig;
}

static void rig_agent(struct rig *rig, int retries, bool any_source)
{
    struct snmp_agent_options options = { .address = rig->fake->address,
                                          .login = rig->login,
                                          .timeout_us = TIMEOUT_US,
                                          .retries = retries,
                                          .in_flight = 2,
                                          .any_source = any_source,
                                          .ops = &ops,
                                          .ctx = rig };
    rig->agent = snmp_agent_new(rig->client, &options);
}

static struct rig *rig_v2(void)
{
    struct rig *rig = rig_new(
        &(struct snmp_login){ .version = SNMP_V2C, .community = "public", .name = "" });
    rig_agent(rig, 2, false);
    return rig;
}

static struct rig *rig_v3_of(enum usm_auth auth, enum usm_priv priv, const char *pass)
{
    struct usm_user *ours = NULL;
    struct usm_user *theirs = NULL;
    assert_int_equal(usm_user_make("busbar", auth, auth != USM_AUTH_NONE ? pass : NULL, priv,
                                   priv != USM_PRIV_NONE ? "privately" : NULL, &ours, NULL),
                     0);
    assert_int_equal(usm_user_make("busbar", auth, auth != USM_AUTH_NONE ? "authentic" : NULL, priv,
                                   priv != USM_PRIV_NONE ? "privately" : NULL, &theirs, NULL),
                     0);
    struct rig *rig = rig_new(
        &(struct snmp_login){ .version = SNMP_V3, .user = ours, .context = "", .name = "" });
    usm_user_drop(ours);
    rig->fake->user = theirs;
    fake_engine(rig->fake, "engine-one", 7, 5000);
    rig_agent(rig, 2, false);
    return rig;
}

static struct rig *rig_v3(void)
{
    return rig_v3_of(USM_SHA256, USM_AES128, "authentic");
}

static void rig_free(struct rig *rig)
{
    snmp_agent_free(rig->agent);
    snmp_client_close(rig->client);
    fake_free(rig->fake);
    snmp_login_drop(rig->login);
    struct loop_stats stats;
    loop_stats(rig->loop, &stats);
    assert_int_equal(stats.timers, 0);
    loop_free(rig->loop);
    clock_fake_off();
    busbar_free(rig);
}

static void on_answer(void *ctx, const struct snmp_answer *answer)
{
    struct rig *rig = ctx;
    rig->error = answer->error;
    rig->trouble = answer->trouble;
    rig->answers++;
    rig->varbinds = 0;
    assert_true((answer->pdu != NULL) == (answer->error == 0));
    if (answer->pdu == NULL) {
        return;
    }
    assert_true(answer->sent_us > 0 && answer->answered_us >= answer->sent_us);
    struct bytes varbinds = answer->pdu->varbinds;
    struct snmp_varbind varbind;
    while (snmp_varbind_next(&varbinds, &varbind)) {
        uint64_t number = 0;
        if (rig->varbinds++ == 0 && ber_uint(varbind.value.content, &number)) {
            rig->number = (int64_t)number;
        }
    }
}

static struct snmp_asked *ask(struct rig *rig, uint8_t type, bool once, int64_t deadline_us)
{
    struct snmp_oid_buf oid;
    assert_int_equal(snmp_oid_parse("1.3.6.1.2.1.1.3.0", &oid, NULL), 0);
    struct snmp_varbind varbind = { .oid = oid.oid };
    struct snmp_ask question = { .type = type,
                                 .varbinds = &varbind,
                                 .count = 1,
                                 .max_repetitions = 10,
                                 .once = once,
                                 .deadline_us = deadline_us,
                                 .cb = on_answer,
                                 .ctx = rig };
    int before = rig->answers;
    struct snmp_asked *asked = snmp_ask(rig->agent, &question);
    assert_int_equal(rig->answers, before); /* never before it returned */
    return asked;
}

/* Lets datagrams go to and fro, then time pass. */
static void run(struct rig *rig, int64_t us)
{
    for (int i = 0; i < 20; i++) {
        loop_turn(rig->loop, false);
    }
    for (; us > 0; us -= STEP_US) {
        loop_advance_for_test(rig->loop, us < STEP_US ? us : STEP_US);
        for (int i = 0; i < 10; i++) {
            loop_turn(rig->loop, false);
        }
    }
}

/* ---- v1, v2c ---- */

static void a_question_is_answered(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    assert_non_null(ask(rig, SNMP_GET, false, 0));
    run(rig, 0);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, 0);
    assert_int_equal(rig->number, 4711);
    assert_int_equal(rig->frames_sent, 1);
    assert_int_equal(snmp_client_asked(rig->client), 0);
    rig_free(rig);
}

static void varbinds_may_come_as_bytes(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    static const uint8_t varbind[] = { 0x30, 12, 6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0, 5, 0 };
    struct snmp_ask question = {
        .type = SNMP_GET, .encoded = bytes_of(varbind, sizeof(varbind)), .cb = on_answer, .ctx = rig
    };
    assert_non_null(snmp_ask(rig->agent, &question));
    run(rig, 0);
    assert_int_equal(rig->number, 4711);
    rig_free(rig);
}

static void a_lost_question_is_sent_again_with_its_id(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    rig->fake->lose = 2;
    ask(rig, SNMP_GET, false, 0);
    run(rig, 2 * TIMEOUT_US + STEP_US);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, 0);
    assert_int_equal(rig->retried, 2);
    assert_int_equal(rig->fake->asked, 3);
    assert_int_equal(rig->fake->ids[0], rig->fake->ids[2]);
    rig_free(rig);
}

static void silence_ends_it(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    rig->fake->silent = true;
    ask(rig, SNMP_GET, false, 0);
    run(rig, 3 * TIMEOUT_US - STEP_US);
    assert_int_equal(rig->answers, 0);
    run(rig, 2 * STEP_US);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->fake->asked, 3);
    rig_free(rig);
}

static void nothing_is_sent_again_after_the_deadline(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    rig->fake->silent = true;
    ask(rig, SNMP_GET, false, clock_mono_us() + TIMEOUT_US / 2);
    run(rig, TIMEOUT_US + STEP_US);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->fake->asked, 1);
    rig_free(rig);
}

static void a_set_is_sent_once_and_waited_for(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    rig->fake->silent = true;
    ask(rig, SNMP_SET, true, clock_mono_us() + 5 * TIMEOUT_US);
    run(rig, 4 * TIMEOUT_US + STEP_US);
    assert_int_equal(rig->answers, 0);
    run(rig, 2 * TIMEOUT_US);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->fake->asked, 1);
    rig_free(rig);
}

static void no_more_is_under_way_than_may_be(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    rig->fake->silent = true;
    for (int i = 0; i < 5; i++) {
        ask(rig, SNMP_GET, false, 0);
    }
    ask(rig, SNMP_SET, true, 0);
    run(rig, 0);
    assert_int_equal(rig->fake->asked, 2);
    rig->fake->silent = false;
    run(rig, TIMEOUT_US + STEP_US);
    assert_int_equal(rig->answers, 6);
    assert_int_equal(rig->fake->sets, 1);
    rig_free(rig);
}

static void cancelling_answers_now(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    rig->fake->silent = true;
    struct snmp_asked *asked = ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    snmp_asked_cancel(asked);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_ECANCELED);
    ask(rig, SNMP_GET, false, 0);
    snmp_agent_free(rig->agent);
    assert_int_equal(rig->answers, 2);
    rig_agent(rig, 0, false);
    rig_free(rig);
}

static void a_late_answer_is_counted(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    struct snmp_asked *asked = ask(rig, SNMP_GET, false, 0);
    snmp_asked_cancel(asked); /* its answer is on its way */
    run(rig, 0);
    assert_int_equal(snmp_client_drops(rig->client)->late, 1);
    asked = ask(rig, SNMP_GET, false, 0);
    snmp_asked_cancel(asked);
    ask(rig, SNMP_GET, false, 0); /* in the same slot */
    run(rig, 0);
    assert_int_equal(snmp_client_drops(rig->client)->late, 2);
    assert_int_equal(rig->error, 0);
    rig_free(rig);
}

static void answers_come_from_the_address_that_was_asked(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    rig->fake->from_other = true;
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 0);
    assert_int_equal(snmp_client_drops(rig->client)->wrong_address, 1);
    assert_non_null(strstr(rig->why, "any_source"));
    snmp_agent_free(rig->agent);
    rig_agent(rig, 0, true);
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->error, 0);
    rig_free(rig);
}

static void what_does_not_belong_is_dropped_by_reason(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    const struct snmp_drops *drops = snmp_client_drops(rig->client);
    rig->fake->wrong_id = true;
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(drops->unknown_id, 1);
    rig->fake->wrong_id = false;
    rig->fake->wrong_community = true;
    run(rig, TIMEOUT_US);
    assert_int_equal(drops->wrong_community, 1);
    assert_int_equal(rig->answers, 0);
    rig->fake->wrong_community = false;
    run(rig, TIMEOUT_US);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, 0);
    rig_free(rig);
}

static void too_big_a_question_is_told_later(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    static uint8_t much[SNMP_MESSAGE_MAX];
    struct snmp_ask question = {
        .type = SNMP_GET, .encoded = bytes_of(much, sizeof(much)), .cb = on_answer, .ctx = rig
    };
    assert_non_null(snmp_ask(rig->agent, &question));
    assert_int_equal(rig->answers, 0);
    run(rig, 0);
    assert_int_equal(rig->error, BUSBAR_ETOOBIG);
    rig_free(rig);
}

static void a_v1_agent_is_never_asked_by_getbulk(void **state)
{
    (void)state;
    struct rig *rig = rig_new(
        &(struct snmp_login){ .version = SNMP_V1, .community = "public", .name = "" });
    rig_agent(rig, 0, false);
    ask(rig, SNMP_GETBULK, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->fake->nexts, 1);
    assert_int_equal(rig->fake->bulks, 0);
    rig_free(rig);
}

static void a_port_that_nobody_has_is_told_at_once(void **state)
{
    (void)state;
    struct rig *rig = rig_v2();
    struct endpoint nobody = rig->fake->address;
    nobody.port = 1;
    snmp_agent_move(rig->agent, &nobody);
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 1);
    assert_int_equal(rig->error, BUSBAR_ECONNREFUSED);
    /* the next agent's question is not the worse for it */
    snmp_agent_move(rig->agent, &rig->fake->address);
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 2);
    assert_int_equal(rig->error, 0);
    rig_free(rig);
}

static void source_ports_are_used_in_turn(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct snmp_client *client;
    struct err err = { 0 };
    struct snmp_client_options options = { .host = "127.0.0.1", .first_port = 9, .last_port = 8 };
    assert_int_equal(snmp_client_open(loop, &options, &client, &err), BUSBAR_EINVAL);
    /* one of them is taken: the others do */
    struct datagram *taken;
    uint16_t port = test_free_port();
    struct datagram_options other = { .host = "127.0.0.1", .port = port };
    while (datagram_open(loop, &other, fake_take, NULL, &taken, NULL) != 0) {
        other.port = ++port;
    }
    options = (struct snmp_client_options){ .host = "127.0.0.1",
                                            .first_port = port,
                                            .last_port = (uint16_t)(port + 3) };
    assert_int_equal(snmp_client_open(loop, &options, &client, &err), 0);
    size_t open;
    size_t missing;
    snmp_client_ports(client, &open, &missing);
    assert_true(missing >= 1 && open + missing == 4 && open > 0);
    snmp_client_close(client);
    options.last_port = port;
    assert_int_equal(snmp_client_open(loop, &options, &client, &err), BUSBAR_EADDRINUSE);
    assert_non_null(strstr(err.message, "127.0.0.1"));
    datagram_close(taken);
    loop_free(loop);
}

/* ---- v3 ---- */

static void v3_finds_engine_and_clock(void **state)
{
    (void)state;
    const struct {
        enum usm_auth auth;
        enum usm_priv priv;
        unsigned reports;
    } rows[] = { { USM_AUTH_NONE, USM_PRIV_NONE, 1 },
                 { USM_SHA, USM_PRIV_NONE, 2 },
                 { USM_SHA256, USM_AES128, 2 },
                 { USM_MD5, USM_DES, 2 },
                 { USM_SHA512, USM_AES256, 2 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig *rig = rig_v3_of(rows[i].auth, rows[i].priv, "authentic");
        ask(rig, SNMP_GET, false, 0);
        ask(rig, SNMP_GET, false, 0);
        run(rig, 0);
        assert_int_equal(rig->answers, 2);
        assert_int_equal(rig->error, 0);
        assert_int_equal(rig->number, 4711);
        assert_int_equal(rig->engines, 1);
        assert_int_equal(rig->engines_changed, 0);
        assert_true(rig->fake->reports >= rows[i].reports && rig->fake->reports <= 3);
        assert_int_equal(rig->frames_clear > 0, rows[i].priv != USM_PRIV_NONE);
        unsigned reports = rig->fake->reports;
        run(rig, 400 * CLOCK_US_PER_S); /* the clock goes on by itself */
        ask(rig, SNMP_GET, false, 0);
        run(rig, 0);
        assert_int_equal(rig->answers, 3);
        assert_int_equal(rig->fake->reports, reports);
        rig_free(rig);
    }
}

static void v3_follows_a_restart_and_a_clock_that_went_back(void **state)
{
    (void)state;
    struct rig *rig = rig_v3();
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    rig->fake->engine.boots = 8;
    rig->fake->engine.time = 0;
    rig->fake->engine.at_us = clock_mono_us();
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 2);
    assert_int_equal(rig->error, 0);
    rig->fake->engine.boots = 1; /* it forgot them */
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 3);
    assert_int_equal(rig->error, 0);
    assert_int_equal(snmp_agent_engine(rig->agent)->boots, 1);
    assert_int_equal(rig->retried, 0);
    rig_free(rig);
}

static void v3_notices_another_engine(void **state)
{
    (void)state;
    struct rig *rig = rig_v3();
    ask(rig, SNMP_GET, false, 0);
    run(rig, 20 * CLOCK_US_PER_S);
    fake_engine(rig->fake, "engine-two", 1, 10);
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 2);
    assert_int_equal(rig->error, 0);
    assert_int_equal(rig->engines, 2);
    assert_int_equal(rig->engines_changed, 1);
    /* and again at once: too soon, it may be forged */
    fake_engine(rig->fake, "engine-three", 1, 10);
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 2);
    assert_true(snmp_client_drops(rig->client)->security > 0);
    assert_memory_equal(snmp_agent_engine(rig->agent)->id, "engine-two", 10);
    rig_free(rig);
}

static void v3_says_why_it_is_refused(void **state)
{
    (void)state;
    const enum usm_trouble says[] = { USM_UNKNOWN_USER, USM_UNSUPPORTED_LEVEL, USM_DECRYPTION };
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
        struct rig *rig = rig_v3();
        rig->fake->says = says[i];
        ask(rig, SNMP_GET, false, 0);
        run(rig, 0);
        assert_int_equal(rig->answers, 1);
        assert_int_equal(rig->error, BUSBAR_EAUTH);
        assert_int_equal(rig->trouble, says[i]);
        assert_int_equal(rig->engines, 0); /* nothing authentic came of it */
        rig_free(rig);
    }
    struct rig *rig = rig_v3_of(USM_SHA256, USM_AES128, "mistaken");
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->error, BUSBAR_EAUTH);
    assert_int_equal(rig->trouble, USM_WRONG_DIGEST);
    rig_free(rig);
}

/* Whoever sees a question could forge such a Report: a login that worked waits for the answer as well. */
static void v3_gives_up_a_login_that_worked_only_in_silence(void **state)
{
    (void)state;
    struct rig *rig = rig_v3();
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    rig->fake->says = USM_UNKNOWN_USER;
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 1);
    run(rig, 3 * TIMEOUT_US + STEP_US);
    assert_int_equal(rig->answers, 2);
    assert_int_equal(rig->error, BUSBAR_EAUTH);
    assert_int_equal(rig->trouble, USM_UNKNOWN_USER);
    rig_free(rig);
}

static void v3_clocks_are_not_moved_without_authentication(void **state)
{
    (void)state;
    struct rig *rig = rig_v3();
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    rig->fake->report_unsigned = true;
    rig->fake->says = USM_NOT_IN_WINDOW;
    rig->fake->engine.boots = 99;
    ask(rig, SNMP_GET, false, 0);
    run(rig, 3 * TIMEOUT_US + STEP_US);
    assert_int_equal(rig->error, BUSBAR_EAUTH);
    assert_int_equal(rig->trouble, USM_NOT_IN_WINDOW);
    assert_int_equal(snmp_agent_engine(rig->agent)->boots, 7);
    assert_int_equal(snmp_client_drops(rig->client)->security, 3);
    rig_free(rig);
}

static void v3_ends_when_the_clock_never_suits(void **state)
{
    (void)state;
    struct rig *rig = rig_v3();
    rig->fake->says = USM_NOT_IN_WINDOW;
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->error, BUSBAR_EAUTH);
    assert_int_equal(rig->trouble, USM_NOT_IN_WINDOW);
    assert_true(rig->fake->reports < 8);
    rig_free(rig);
}

static void v3_silence_ends_all_that_wait_for_the_engine(void **state)
{
    (void)state;
    struct rig *rig = rig_v3();
    rig->fake->silent = true;
    for (int i = 0; i < 4; i++) {
        ask(rig, SNMP_GET, false, 0);
    }
    run(rig, 3 * TIMEOUT_US + 2 * STEP_US);
    assert_int_equal(rig->answers, 4);
    assert_int_equal(rig->error, BUSBAR_ETIMEOUT);
    assert_int_equal(rig->fake->asked, 3); /* only for its engine */
    ask(rig, SNMP_GET, false, 0);
    rig->fake->silent = false;
    run(rig, TIMEOUT_US + STEP_US);
    assert_int_equal(rig->error, 0);
    rig_free(rig);
}

static void an_agent_moves(void **state)
{
    (void)state;
    struct rig *rig = rig_v3();
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    struct endpoint there;
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(rig->fake->other), &there), 0);
    rig->fake->from_other = true;
    snmp_agent_move(rig->agent, &there);
    ask(rig, SNMP_GET, false, 0);
    run(rig, 0);
    assert_int_equal(rig->answers, 2);
    assert_int_equal(rig->error, 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_answered),
        cmocka_unit_test(varbinds_may_come_as_bytes),
        cmocka_unit_test(a_lost_question_is_sent_again_with_its_id),
        cmocka_unit_test(silence_ends_it),
        cmocka_unit_test(nothing_is_sent_again_after_the_deadline),
        cmocka_unit_test(a_set_is_sent_once_and_waited_for),
        cmocka_unit_test(no_more_is_under_way_than_may_be),
        cmocka_unit_test(cancelling_answers_now),
        cmocka_unit_test(a_late_answer_is_counted),
        cmocka_unit_test(answers_come_from_the_address_that_was_asked),
        cmocka_unit_test(what_does_not_belong_is_dropped_by_reason),
        cmocka_unit_test(too_big_a_question_is_told_later),
        cmocka_unit_test(a_v1_agent_is_never_asked_by_getbulk),
        cmocka_unit_test(a_port_that_nobody_has_is_told_at_once),
        cmocka_unit_test(source_ports_are_used_in_turn),
        cmocka_unit_test(v3_finds_engine_and_clock),
        cmocka_unit_test(v3_follows_a_restart_and_a_clock_that_went_back),
        cmocka_unit_test(v3_notices_another_engine),
        cmocka_unit_test(v3_says_why_it_is_refused),
        cmocka_unit_test(v3_gives_up_a_login_that_worked_only_in_silence),
        cmocka_unit_test(v3_clocks_are_not_moved_without_authentication),
        cmocka_unit_test(v3_ends_when_the_clock_never_suits),
        cmocka_unit_test(v3_silence_ends_all_that_wait_for_the_engine),
        cmocka_unit_test(an_agent_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
