/* SPDX-License-Identifier: Apache-2.0 */
/* Seats. A session ends when the last of them left and its channels are closed; it is then that the last hears
 * `left`, so that whoever waits for it may end the thread. */
#include "drivers/opcua/link/session.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"
#include "drivers/opcua/link/session_private.h"

struct opcua_seat {
    struct list link; /* of the session */
    struct opcua_session *session;
    const struct opcua_seat_events *events;
    void *ctx;
    struct list calls;
    size_t turn; /* the last one it was told in */
    bool wants;  /* to hear `up` though the session is up already */
    bool gone;   /* it left: only `left` is told any more */
    struct loop_deferred leaving;
};

/* ---- telling ---- */

/* The next seat that was not told yet in this turn; those that come meanwhile are not. */
static struct opcua_seat *next_seat(struct opcua_session *session)
{
    list_each(at, &session->seats) {
        struct opcua_seat *seat = list_entry(at, struct opcua_seat, link);
        if (seat->turn != session->turn) {
            seat->turn = session->turn;
            return seat;
        }
    }
    return NULL;
}

void opcua_session_tell_up(struct opcua_session *session, bool resumed)
{
    session->turn++;
    for (struct opcua_seat *seat = next_seat(session); seat != NULL; seat = next_seat(session)) {
        seat->wants = false;
        seat->events->up(seat->ctx, &session->facts.server, resumed);
    }
}

void opcua_session_tell_down(struct opcua_session *session, const struct opcua_trouble *why)
{
    session->turn++;
    for (struct opcua_seat *seat = next_seat(session); seat != NULL; seat = next_seat(session)) {
        seat->wants = false;
        opcua_calls_fail(&seat->calls, why);
        if (!seat->gone) { /* an answer may have made it leave */
            seat->events->down(seat->ctx, why);
        }
    }
}

void opcua_session_tell_changed(struct opcua_session *session)
{
    session->turn++;
    for (struct opcua_seat *seat = next_seat(session); seat != NULL; seat = next_seat(session)) {
        seat->events->changed(seat->ctx, &session->facts.server);
    }
}

static void on_welcome(void *ctx)
{
    struct opcua_session *session = ctx;
    bool again = true;
    while (again && session->phase == OPCUA_SESSION_UP) {
        again = false;
        list_each(at, &session->seats) {
            struct opcua_seat *seat = list_entry(at, struct opcua_seat, link);
            if (seat->wants) {
                seat->wants = false;
                seat->events->up(seat->ctx, &session->facts.server, false);
                again = true;
                break;
            }
        }
    }
}

/* ---- settings ---- */

static const char *keep(struct arena *texts, const char *text)
{
    return text != NULL ? arena_strdup(texts, text) : NULL;
}

static const char *keep_bytes(struct arena *texts, const char *bytes, size_t size)
{
    char *copy = bytes != NULL ? arena_alloc(texts, size) : NULL;
    if (copy != NULL && size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static void keep_config(struct opcua_session *session, const struct opcua_link_config *config)
{
    struct opcua_link_config *own = &session->config;
    struct arena *texts = &session->texts;
    *own = *config;
    for (size_t i = 0; i < config->url_count; i++) {
        own->urls[i] = keep(texts, config->urls[i]);
    }
    own->device = keep(texts, config->device);
    own->server_name = keep(texts, config->server_name);
    own->user = keep(texts, config->user);
    own->password = keep(texts, config->password);
    own->locale = keep(texts, config->locale);
    own->user_certificate = keep_bytes(texts, config->user_certificate,
                                       config->user_certificate_bytes);
    own->user_key = keep_bytes(texts, config->user_key, config->user_key_bytes);
}

static bool same_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return (a == NULL) == (b == NULL) &&
           (a == NULL || (a_size == b_size && memcmp(a, b, a_size) == 0));
}

static bool same_config(const struct opcua_link_config *a, const struct opcua_link_config *b)
{
    bool same = a->url_count == b->url_count && a->automatic == b->automatic &&
                (a->automatic || (a->mode == b->mode && a->policy == b->policy)) &&
                str_equal(a->server_name, b->server_name) && str_equal(a->user, b->user) &&
                str_equal(a->password, b->password) && str_equal(a->locale, b->locale) &&
                a->clear_password == b->clear_password && a->timeout_us == b->timeout_us &&
                a->session_timeout_us == b->session_timeout_us &&
                a->keep_alive_us == b->keep_alive_us &&
                same_bytes(a->user_certificate, a->user_certificate_bytes, b->user_certificate,
                           b->user_certificate_bytes) &&
                same_bytes(a->user_key, a->user_key_bytes, b->user_key, b->user_key_bytes);
    for (size_t i = 0; same && i < a->url_count; i++) {
        same = str_equal(a->urls[i], b->urls[i]);
    }
    return same;
}

/* ---- life of a session ---- */

static void wipe(const char *secret, size_t size)
{
    if (secret != NULL) {
        OPENSSL_cleanse((void *)(uintptr_t)secret, size);
    }
}

static void on_ending(void *ctx)
{
    struct opcua_session *session = ctx;
    if (session->attempts > 0) {
        return; /* asked again when they are gone */
    }
    struct opcua_seat *last = session->last;
    wipe(session->config.password,
         session->config.password != NULL ? strlen(session->config.password) : 0);
    wipe(session->config.user_key, session->config.user_key_bytes);
    opcua_facts_fini(&session->facts);
    arena_fini(&session->texts);
    loop_defer_cancel(&session->welcome);
    busbar_free(session);
    last->events->left(last->ctx);
    busbar_free(last);
}

void opcua_session_attempt_freed(struct opcua_session *session)
{
    session->attempts--;
    if (session->last != NULL) {
        loop_defer(session->loop, &session->ending);
    }
}

/* Our certificate is there from the start, so that a person can give it to the server before the first try. What goes
 * wrong is told when it is needed. */
static void make_own(const struct opcua_session *session)
{
    struct opcua_own own = { 0 };
    struct opcua_trouble why;
    if (session->config.automatic || session->config.mode != OPCUA_MODE_NONE) {
        (void)opcua_own_load(&own, session->trust, &why);
        opcua_own_fini(&own);
    }
}

static struct opcua_session *session_new(struct opcua_thread *thread, struct trust *trust,
                                         const struct opcua_link_config *config)
{
    struct opcua_session *session = busbar_alloc(sizeof(*session));
    session->thread = thread;
    session->loop = opcua_thread_loop(thread);
    session->trust = trust;
    arena_init(&session->texts, 0);
    keep_config(session, config);
    list_init(&session->seats);
    list_init(&session->calls);
    loop_deferred_init(&session->welcome, on_welcome, session);
    loop_deferred_init(&session->ending, on_ending, session);
    list_append(opcua_thread_sessions(thread), &session->link);
    make_own(session);
    return session;
}

static struct opcua_session *find(struct opcua_thread *thread,
                                  const struct opcua_link_config *config)
{
    list_each(at, opcua_thread_sessions(thread)) {
        struct opcua_session *session = list_entry(at, struct opcua_session, link);
        if (same_config(&session->config, config)) {
            return session;
        }
    }
    return NULL;
}

/* ---- seats ---- */

static void on_leaving(void *ctx)
{
    struct opcua_seat *seat = ctx;
    seat->events->left(seat->ctx);
    busbar_free(seat);
}

struct opcua_seat *opcua_seat_take(struct opcua_thread *thread, struct trust *trust,
                                   const struct opcua_link_config *config,
                                   const struct opcua_seat_events *events, void *ctx)
{
    assert(config->url_count > 0 && config->url_count <= OPCUA_URLS_MAX);
    struct opcua_session *session = find(thread, config);
    if (session == NULL) {
        session = session_new(thread, trust, config);
    }
    struct opcua_seat *seat = busbar_alloc(sizeof(*seat));
    seat->session = session;
    seat->events = events;
    seat->ctx = ctx;
    seat->turn = session->turn;
    list_init(&seat->calls);
    loop_deferred_init(&seat->leaving, on_leaving, seat);
    list_append(&session->seats, &seat->link);
    return seat;
}

void opcua_seat_connect(struct opcua_seat *seat)
{
    struct opcua_session *session = seat->session;
    if (session->phase == OPCUA_SESSION_DOWN) {
        opcua_session_begin(session);
    } else if (session->phase == OPCUA_SESSION_UP) {
        seat->wants = true;
        loop_defer(session->loop, &session->welcome);
    }
}

static void end_session(struct opcua_session *session, struct opcua_seat *last)
{
    list_remove(&session->link);
    session->last = last;
    opcua_lookup_cancel(session->lookup);
    session->lookup = NULL;
    if (session->phase == OPCUA_SESSION_UP) {
        opcua_session_unwatch(session);
    }
    session->phase = OPCUA_SESSION_DOWN;
    opcua_session_drop(session);
    loop_defer(session->loop, &session->ending);
}

void opcua_seat_leave(struct opcua_seat *seat)
{
    struct opcua_session *session = seat->session;
    struct opcua_trouble why;
    seat->gone = true;
    list_remove(&seat->link);
    opcua_trouble_set(&why, BUSBAR_ECANCELED, 0, "the device was stopped");
    opcua_calls_fail(&seat->calls, &why);
    if (list_empty(&session->seats)) {
        end_session(session, seat);
    } else {
        loop_defer(session->loop, &seat->leaving);
    }
}

const struct opcua_server_facts *opcua_seat_facts(const struct opcua_seat *seat)
{
    return seat->session->phase == OPCUA_SESSION_UP ? &seat->session->facts.server : NULL;
}

void **opcua_seat_slot(struct opcua_seat *seat)
{
    return &seat->session->slot;
}

struct opcua_call *opcua_call(struct opcua_seat *seat, const void *request,
                              const UA_DataType *request_type, const UA_DataType *response_type,
                              int64_t timeout_us, opcua_called_cb called, void *ctx)
{
    struct opcua_session *session = seat->session;
    struct opcua_channel *channel = session->phase == OPCUA_SESSION_UP ? session->attempt->channel
                                                                       : NULL;
    return opcua_channel_call(channel, session->loop, &seat->calls, request, request_type,
                              response_type, timeout_us, called, ctx);
}

void opcua_seat_look(struct opcua_seat *seat)
{
    opcua_session_look(seat->session);
}

void opcua_seat_learn(struct opcua_seat *seat, const uint32_t *limit, uint32_t most)
{
    struct opcua_session *session = seat->session;
    const char *base = (const char *)&session->facts.server.limits;
    opcua_session_learn(session, (size_t)((const char *)limit - base), most);
}
