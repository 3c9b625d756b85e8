/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping a session alive: who is silent is asked for its state, and who does not answer is gone. Whoever
 * speaks is asked too, now and then, for a server may start anew behind the same connection, or be suspended. */
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "drivers/opcua/link/session_private.h"

enum { TICKS = 2, LOOK_EVERY = 6 }; /* a keep-alive; of keep-alives */

/* Servers load their namespaces when they run already: for so long a new session looks at each tick. */
#define YOUNG_US INT64_C(60000000)

/* A server's certificate is looked at again after so long at most, for what is above it may run out before it. */
#define TRUST_AGAIN_US INT64_C(3600000000)

static void lower(uint32_t *limit, uint32_t most)
{
    *limit = *limit == 0 || most < *limit ? most : *limit;
}

static uint32_t *at_offset(struct opcua_server_limits *limits, size_t offset)
{
    return (uint32_t *)(void *)((char *)limits + offset);
}

/* All counts that can be learned stand before min_sampling_ms. */
static void apply_learned(struct opcua_session *session)
{
    size_t end = offsetof(struct opcua_server_limits, min_sampling_ms) / sizeof(uint32_t);
    for (size_t i = 0; i < end; i++) {
        uint32_t most = *at_offset(&session->learned, i * sizeof(uint32_t));
        if (most > 0) {
            lower(at_offset(&session->facts.server.limits, i * sizeof(uint32_t)), most);
        }
    }
}

void opcua_session_learn(struct opcua_session *session, size_t offset, uint32_t most)
{
    lower(at_offset(&session->learned, offset), most);
    apply_learned(session);
}

void opcua_session_take_facts(struct opcua_session *session, struct opcua_facts *facts)
{
    const struct opcua_attempt *attempt = session->attempt;
    opcua_facts_fini(&session->facts);
    session->facts = *facts;
    memset(facts, 0, sizeof(*facts));
    struct opcua_server_facts *server = &session->facts.server;
    server->url = session->config.urls[attempt->url];
    server->application_uri = attempt->application_uri;
    server->product_uri = attempt->product_uri;
    server->name = attempt->name;
    server->mode = attempt->mode;
    server->policy = attempt->policy;
    server->generation = session->generation;
    apply_learned(session);
}

static void on_facts(void *ctx, struct opcua_facts *facts, const struct opcua_trouble *trouble)
{
    struct opcua_session *session = ctx;
    session->reading = NULL;
    session->asking = false;
    if (trouble == NULL && !opcua_facts_same(facts, &session->facts)) {
        opcua_session_take_facts(session, facts);
        opcua_session_tell_changed(session);
    }
}

static void read_again(struct opcua_session *session)
{
    session->asking = true;
    session->reading = opcua_facts_read(session->attempt->channel, session->loop,
                                        session->config.timeout_us, on_facts, session);
}

static void on_state(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_session *session = ctx;
    session->asking = false;
    if (trouble == NULL) {
        if (!opcua_facts_answer_same(&session->facts, response)) {
            read_again(session);
        }
    } else if (trouble->status == UA_STATUSCODE_BADTOOMANYOPERATIONS) {
        read_again(session); /* in parts */
    } else if (trouble->error == BUSBAR_ETIMEOUT) {
        struct opcua_trouble why;
        opcua_trouble_set(&why, BUSBAR_ETIMEOUT, UA_STATUSCODE_BADTIMEOUT,
                          "%s: the server has gone silent: it holds the connection but does not "
                          "answer",
                          session->facts.server.url);
        opcua_channel_close(session->attempt->channel, &why);
    }
}

void opcua_session_look(struct opcua_session *session)
{
    if (session->phase != OPCUA_SESSION_UP || session->asking) {
        return;
    }
    session->asking = true;
    session->asked_us = loop_now_us(session->loop);
    (void)opcua_facts_ask(session->attempt->channel, session->loop, &session->calls,
                          session->config.timeout_us, on_state, session);
}

/* It was trusted now: for how long without another look. */
static void plan_trust(struct opcua_session *session)
{
    struct trust_seen seen;
    UA_ByteString leaf = opcua_leaf(&session->attempt->server.chain);
    int64_t now_us = clock_wall_us();
    session->trust_generation = trust_generation(session->trust);
    session->trusted_until_us = now_us + TRUST_AGAIN_US;
    if (trust_describe_bytes(leaf.data, leaf.length, &seen) == 0 && seen.until_us > now_us &&
        seen.until_us < session->trusted_until_us) {
        session->trusted_until_us = seen.until_us;
    }
}

/* Trust that a person has taken away, or that has run out, ends a session that stands. False: it was closed. */
static bool still_trusted(struct opcua_session *session)
{
    struct opcua_attempt *attempt = session->attempt;
    struct opcua_trouble why;
    if (!attempt->uses_own || (trust_generation(session->trust) == session->trust_generation &&
                               clock_wall_us() < session->trusted_until_us)) {
        return true;
    }
    plan_trust(session);
    if (opcua_server_id_check(&attempt->server, &why) == 0) {
        return true;
    }
    opcua_channel_close(attempt->channel, &why);
    return false;
}

static void on_tick(struct timer *timer, void *ctx)
{
    (void)timer;
    struct opcua_session *session = ctx;
    if (!still_trusted(session)) {
        return;
    }
    int64_t now_us = loop_now_us(session->loop);
    int64_t every_us = session->config.keep_alive_us;
    bool silent = now_us - opcua_channel_heard_us(session->attempt->channel) >= every_us;
    bool young = now_us - session->up_us < YOUNG_US;
    if (silent || young || now_us - session->asked_us >= LOOK_EVERY * every_us) {
        opcua_session_look(session);
    }
}

void opcua_session_watch(struct opcua_session *session)
{
    session->asking = false;
    session->up_us = loop_now_us(session->loop);
    session->asked_us = session->up_us;
    if (session->attempt->uses_own) {
        plan_trust(session);
    }
    timer_init(&session->keep_alive, session->loop, on_tick, session);
    if (session->config.keep_alive_us > 0) {
        int64_t tick_us = session->config.keep_alive_us / TICKS;
        timer_start_us(&session->keep_alive, tick_us, tick_us);
    }
}

void opcua_session_unwatch(struct opcua_session *session)
{
    timer_stop(&session->keep_alive);
    opcua_facts_cancel(session->reading);
    session->reading = NULL;
}
