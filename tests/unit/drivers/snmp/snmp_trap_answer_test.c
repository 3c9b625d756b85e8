/* SPDX-License-Identifier: Apache-2.0 */
/* Informs: answered when they are on disk, once stored however often they come, sealed as they came; and our engine. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "net/jobs.h"
#include "support/snmp_trap_rig.h"
#include "support/wait.h"

static const struct rig_variable up[] = {
    { .oid = "ifIndex.7", .tag = BER_INTEGER, .number = 7 },
    { .oid = NULL },
};

/* A sender with a socket of its own. */
struct peer {
    struct datagram *socket;
    struct endpoint address;
    int count;
    uint8_t data[RIG_PACKET];
    size_t size;
    uint8_t context[USM_ENGINE_MAX]; /* contextEngineID of the last reply */
    size_t context_size;
};

static void on_reply(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct peer *peer = ctx;
    (void)from;
    assert_true(size <= sizeof(peer->data));
    memcpy(peer->data, data, size);
    peer->size = size;
    peer->count++;
}

static void peer_open(struct trap_rig *rig, struct peer *peer)
{
    const struct datagram_options any = { .host = "127.0.0.1" };
    *peer = (struct peer){ .count = 0 };
    assert_int_equal(
        datagram_open(rig->driver.state.loop, &any, on_reply, peer, &peer->socket, NULL), 0);
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(peer->socket), &peer->address), 0);
}

static int replies(struct trap_rig *rig, struct peer *peer)
{
    int before = peer->count;
    for (int i = 0; i < 20; i++) {
        loop_turn(rig->driver.state.loop, false);
    }
    return peer->count - before;
}

static void an_inform_is_answered_when_it_is_on_disk(void **state)
{
    struct trap_rig rig;
    struct peer peer;
    struct snmp_message message;
    struct snmp_pdu pdu;
    (void)state;
    rig_open(&rig, NULL);
    peer_open(&rig, &peer);
    rig_added(&rig, rig_add(&rig, "switch-1", "127.0.0.1", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "127.0.0.1", "plant");
    sender.from = peer.address;
    sender.type = SNMP_INFORM;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->kind, "inform");
    assert_int_equal(replies(&rig, &peer), 0);
    sender.id--;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED); /* it comes again meanwhile */
    assert_int_equal(rig.event_count, 1);
    rig_on_disk(&rig, 0);
    assert_int_equal(replies(&rig, &peer), 1);
    assert_int_equal(snmp_message_decode(peer.data, peer.size, &message), 0);
    assert_int_equal(snmp_pdu_decode(message.pdu, &pdu), 0);
    assert_int_equal(pdu.type, SNMP_RESPONSE);
    assert_int_equal(pdu.request_id, 77);
    assert_int_equal(pdu.error_status, 0);
    struct snmp_varbind varbind;
    size_t count = 0;
    while (snmp_varbind_next(&pdu.varbinds, &varbind)) {
        count++;
    }
    assert_int_equal(count, 3); /* its own come back (RFC 3416, 4.2.7) */
    sender.id--;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED); /* the answer was lost */
    assert_int_equal(replies(&rig, &peer), 1);
    assert_int_equal(rig.event_count, 1);
    loop_advance_for_test(rig.driver.state.loop, 301 * CLOCK_US_PER_S);
    sender.id--;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED); /* another one */
    assert_int_equal(rig.event_count, 2);
    datagram_close(peer.socket);
    rig_close(&rig);
}

static void what_is_not_on_disk_is_not_answered(void **state)
{
    struct trap_rig rig;
    struct peer peer;
    (void)state;
    rig_open(&rig, NULL);
    peer_open(&rig, &peer);
    rig_added(&rig, rig_add(&rig, "switch-1", "127.0.0.1", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "127.0.0.1", "plant");
    sender.from = peer.address;
    sender.type = SNMP_INFORM;
    rig.disk_full = true;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_REFUSED_STORE);
    rig.disk_full = false;
    sender.id--;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED);
    rig_on_disk(&rig, BUSBAR_ENOSPC);
    assert_int_equal(replies(&rig, &peer), 0);
    sender.id--;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED); /* tried again by the sender */
    rig_on_disk(&rig, 0);
    assert_int_equal(replies(&rig, &peer), 1);
    assert_int_equal(rig.event_count, 2);
    assert_int_equal(rig.traps->answer_count, 0);
    assert_int_equal(rig.traps->answer_bytes, 0);
    datagram_close(peer.socket);
    rig_close(&rig);
}

static void answers_outlive_the_driver(void **state)
{
    struct trap_rig rig;
    (void)state;
    rig_open(&rig, NULL);
    rig_added(&rig, rig_add(&rig, "switch-1", "127.0.0.1", "plant", NULL));
    struct rig_sender sender = rig_sender(&rig, "127.0.0.1", "plant");
    sender.type = SNMP_INFORM;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED);
    }
    assert_int_equal(rig.pending_count, 10);
    rig_close(&rig); /* and then the log says that it is on disk */
    assert_int_equal(rig.pending_count, 0);
}

/* What a Report or a Response says, opened with the sender's keys. */
static uint8_t open_reply(struct peer *peer, struct usm_user *user, struct usm_engine *engine,
                          struct snmp_pdu *pdu, uint8_t *room)
{
    struct snmp_message message;
    struct usm_parameters parameters;
    struct snmp_scoped scoped;
    struct usm_keys keys;
    assert_int_equal(snmp_message_decode(peer->data, peer->size, &message), 0);
    assert_int_equal(usm_parameters_decode(message.security, &parameters), 0);
    engine->size = (uint8_t)bytes_left(&parameters.engine);
    memcpy(engine->id, parameters.engine.at, engine->size);
    assert_int_equal(usm_keys_localise(user, engine->id, engine->size, &keys), 0);
    struct usm_open how = { .level = message.flags & (SNMP_AUTH | SNMP_PRIV),
                            .keys = &keys,
                            .auth = usm_user_auth(user),
                            .priv = usm_user_priv(user),
                            .now_us = clock_mono_us(),
                            .room = room,
                            .room_size = RIG_PACKET };
    assert_int_equal(usm_open(&message, &parameters, engine, &how, &scoped), USM_FINE);
    assert_int_equal(snmp_pdu_decode(scoped.pdu, pdu), 0);
    peer->context_size = bytes_left(&scoped.engine);
    memcpy(peer->context, scoped.engine.at, peer->context_size);
    if ((message.flags & SNMP_AUTH) == 0) { /* what a sender takes from the first Report */
        engine->boots = parameters.boots;
        engine->time = parameters.time;
        engine->timed = true;
        engine->at_us = clock_mono_us();
    }
    return message.flags;
}

static enum usm_trouble trouble_of(struct snmp_pdu *pdu)
{
    struct snmp_varbind varbind;
    assert_int_equal(pdu->type, SNMP_REPORT);
    assert_true(snmp_varbind_next(&pdu->varbinds, &varbind));
    assert_int_equal(varbind.value.tag, BER_COUNTER32);
    return usm_trouble_of_report(varbind.oid);
}

static void an_inform_of_version_3_finds_our_engine(void **state)
{
    struct trap_rig rig;
    struct peer peer;
    struct usm_user *user = NULL;
    struct snmp_pdu pdu;
    uint8_t room[RIG_PACKET];
    (void)state;
    assert_int_equal(usm_user_make("busbar", USM_SHA256, "a good password", USM_AES128,
                                   "another password", &user, NULL),
                     0);
    rig_open(&rig, NULL);
    peer_open(&rig, &peer);
    rig_added(&rig, rig_add(&rig, "switch-1", "127.0.0.1", NULL, user));
    loop_advance_for_test(rig.driver.state.loop, 500 * CLOCK_US_PER_S);
    struct rig_sender sender = rig_sender_v3(&rig, "127.0.0.1", user, 1);
    sender.from = peer.address;
    sender.type = SNMP_INFORM;
    sender.asks = true;

    /* 1: who are you (RFC 3414, 4) */
    sender.engine.size = 0;
    sender.plain = true;
    assert_int_equal(rig_send(&sender, "linkUp", NULL), SNMP_OPENED);
    assert_int_equal(replies(&rig, &peer), 1);
    assert_int_equal(open_reply(&peer, user, &sender.engine, &pdu, room) & SNMP_AUTH, 0);
    assert_int_equal(trouble_of(&pdu), USM_UNKNOWN_ENGINE);
    assert_int_equal(pdu.request_id, 77);
    assert_int_equal(sender.engine.boots, 1);
    assert_int_equal(sender.engine.time, 500);

    /* 2: what is your time; that answer is sealed */
    sender.plain = false;
    sender.engine.timed = false;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_REFUSED_WINDOW);
    assert_int_equal(replies(&rig, &peer), 1);
    assert_int_equal(open_reply(&peer, user, &sender.engine, &pdu, room) & SNMP_AUTH, SNMP_AUTH);
    assert_int_equal(trouble_of(&pdu), USM_NOT_IN_WINDOW);
    assert_true(sender.engine.timed);

    /* 3: the inform; net-snmp takes no answer whose context is another one */
    sender.context = (struct usm_engine){ .id = { 0x80, 0, 0x1f, 0x88, 5, 9 }, .size = 9 };
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED);
    assert_string_equal(rig_last(&rig)->kind, "inform");
    assert_string_equal(rig_last(&rig)->source, "switch-1");
    assert_int_equal(replies(&rig, &peer), 0);
    rig_on_disk(&rig, 0);
    assert_int_equal(replies(&rig, &peer), 1);
    assert_int_equal(open_reply(&peer, user, &sender.engine, &pdu, room) & (SNMP_AUTH | SNMP_PRIV),
                     SNMP_AUTH | SNMP_PRIV);
    assert_int_equal(pdu.type, SNMP_RESPONSE);
    assert_int_equal(pdu.request_id, 79);
    assert_int_equal(peer.context_size, sender.context.size);
    assert_memory_equal(peer.context, sender.context.id, peer.context_size);

    /* a trap with our engine, an inform with its own: neither is what it says */
    sender.type = SNMP_TRAP;
    sender.asks = false;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_REFUSED_ENGINE);
    sender.engine.id[8] ^= 1;
    sender.type = SNMP_INFORM;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_REFUSED_ENGINE);
    datagram_close(peer.socket);
    rig_close(&rig);
    usm_user_drop(user);
}

static void reports_say_what_is_wrong(void **state)
{
    struct trap_rig rig;
    struct peer peer;
    struct usm_user *user = NULL, *other = NULL;
    struct snmp_pdu pdu;
    struct usm_engine engine = { .size = 0 };
    uint8_t room[RIG_PACKET];
    (void)state;
    assert_int_equal(
        usm_user_make("busbar", USM_SHA256, "a good password", USM_PRIV_NONE, NULL, &user, NULL),
        0);
    assert_int_equal(
        usm_user_make("nobody", USM_SHA256, "a good password", USM_PRIV_NONE, NULL, &other, NULL),
        0);
    rig_open(&rig, NULL);
    peer_open(&rig, &peer);
    rig_added(&rig, rig_add(&rig, "switch-1", "127.0.0.1", NULL, user));
    struct rig_sender sender = rig_sender_v3(&rig, "127.0.0.1", user, 1);
    sender.from = peer.address;
    sender.type = SNMP_INFORM;
    sender.asks = true;
    sender.engine = rig.traps->engine.usm;

    sender.user = other;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_REFUSED_USER);
    assert_int_equal(replies(&rig, &peer), 1);
    (void)open_reply(&peer, user, &engine, &pdu, room);
    assert_int_equal(trouble_of(&pdu), USM_UNKNOWN_USER);

    sender.user = user;
    rig_build(&sender, "linkUp", up);
    sender.at[sender.size - 1] ^= 1;
    assert_int_equal(rig_take(&rig, &sender.from, sender.at, sender.size), SNMP_REFUSED_DIGEST);
    assert_int_equal(replies(&rig, &peer), 1);
    (void)open_reply(&peer, user, &engine, &pdu, room);
    assert_int_equal(trouble_of(&pdu), USM_WRONG_DIGEST);

    sender.asks = false; /* who does not want to know is not told */
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_OPENED);
    sender.user = other;
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_REFUSED_USER);
    assert_int_equal(replies(&rig, &peer), 0);
    sender.asks = true; /* nor who is not allowed */
    assert_int_equal(endpoint_parse("10.0.0.9", peer.address.port, &sender.from), 0);
    assert_int_equal(rig_send(&sender, "linkUp", up), SNMP_REFUSED_SENDER);
    datagram_close(peer.socket);
    rig_close(&rig);
    usm_user_drop(user);
    usm_user_drop(other);
}

/* ---- our engine ---- */

static struct usm_engine start_engine(const char *folder)
{
    struct loop *loop = loop_new();
    struct snmp_trap_engine engine = { .job = NULL };
    snmp_trap_engine_open(&engine, loop, folder);
    jobs_drain(loop);
    snmp_trap_engine_close(&engine);
    loop_free(loop);
    assert_true(engine.usm.timed);
    return engine.usm;
}

static void our_engine_counts_its_starts(void **state)
{
    char folder[] = "/tmp/busbar-engine-XXXXXX";
    char path[64];
    (void)state;
    quiet_log();
    assert_non_null(mkdtemp(folder));
    str_format(path, sizeof(path), "%s/snmp-engine", folder);
    struct usm_engine first = start_engine(folder);
    assert_int_equal(first.boots, 1);
    assert_int_equal(first.size, 17);
    assert_true((first.id[0] & 0x80) != 0); /* RFC 3411: made by its rules */
    struct usm_engine second = start_engine(folder);
    assert_int_equal(second.boots, 2);
    assert_memory_equal(second.id, first.id, first.size);
    static const char *const damaged[] = { "", "engine", "engine 80 boots 3\n",
                                           "engine zz00000005aabbcc boots 1\n",
                                           "engine 8000000005aabbcc boots 2147483647\n" };
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        assert_int_equal(
            file_write(file_ops_real(), path, damaged[i], strlen(damaged[i]), 0600, NULL), 0);
        struct usm_engine again = start_engine(folder);
        assert_int_equal(again.boots, 1); /* as another engine, so nothing is counted back */
        assert_memory_not_equal(again.id, first.id, first.size);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    struct usm_engine unkept = start_engine(folder); /* nowhere to keep it */
    struct usm_engine next = start_engine(folder);
    assert_memory_not_equal(unkept.id, next.id, unkept.size);
}

/* No job of the pool ends while `gate` is shut; those behind them do not begin. */
static void wait_at(void *ctx)
{
    pthread_mutex_t *gate = ctx;
    (void)pthread_mutex_lock(gate);
    (void)pthread_mutex_unlock(gate);
}

static void passed(void *ctx, int error)
{
    (void)ctx;
    (void)error;
}

static void who_asks_before_our_engine_is_known_is_answered(void **state)
{
    enum { THREADS_MAX = 64 };
    char folder[] = "/tmp/busbar-engine-XXXXXX";
    char path[64];
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct trap_rig rig;
    struct peer peer;
    struct endpoint to;
    struct usm_user *user = NULL;
    struct snmp_pdu pdu;
    uint8_t room[RIG_PACKET];
    (void)state;
    assert_non_null(mkdtemp(folder));
    str_format(path, sizeof(path), "%s/snmp-engine", folder);
    assert_int_equal(usm_user_make("busbar", USM_SHA256, "a good password", USM_AES128,
                                   "another password", &user, NULL),
                     0);
    struct loop *before = loop_new();
    assert_int_equal(pthread_mutex_lock(&gate), 0);
    for (int i = 0; i < THREADS_MAX; i++) {
        jobs_submit(before, wait_at, passed, &gate);
    }
    rig_open_in(&rig, NULL, folder);
    peer_open(&rig, &peer);
    rig_added(&rig, rig_add(&rig, "switch-1", "127.0.0.1", NULL, user));
    struct rig_sender sender = rig_sender_v3(&rig, "127.0.0.1", user, 1);
    sender.type = SNMP_INFORM;
    sender.asks = sender.plain = true;
    sender.engine.size = 0;
    rig_build(&sender, "linkUp", NULL);
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(rig.listener->socket), &to), 0);
    assert_int_equal(datagram_send(peer.socket, &to, sender.at, sender.size), 0);
    assert_int_equal(replies(&rig, &peer), 0);
    assert_int_equal(rig.traps->engine.usm.size, 0);
    assert_int_equal(pthread_mutex_unlock(&gate), 0);
    jobs_drain(before);
    wait_for(rig.driver.state.loop, &peer.count, 1);
    assert_int_equal(open_reply(&peer, user, &sender.engine, &pdu, room) & SNMP_AUTH, 0);
    assert_int_equal(trouble_of(&pdu), USM_UNKNOWN_ENGINE);
    assert_memory_equal(sender.engine.id, rig.traps->engine.usm.id, sender.engine.size);
    assert_int_equal(sender.engine.boots, 1);
    assert_int_equal(rig_refused(&rig), 0);
    datagram_close(peer.socket);
    rig_close(&rig);
    loop_free(before);
    usm_user_drop(user);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inform_is_answered_when_it_is_on_disk),
        cmocka_unit_test(what_is_not_on_disk_is_not_answered),
        cmocka_unit_test(answers_outlive_the_driver),
        cmocka_unit_test(an_inform_of_version_3_finds_our_engine),
        cmocka_unit_test(reports_say_what_is_wrong),
        cmocka_unit_test(our_engine_counts_its_starts),
        cmocka_unit_test(who_asks_before_our_engine_is_known_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
