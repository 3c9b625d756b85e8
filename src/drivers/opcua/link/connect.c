/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a session up:
 *
 *     begin --- a session is left from before ------------------------.
 *       |                                                              |
 *     ASKING -> choice, certificate -> OPENING -> CREATING -> ACTIVATING -> READING -> UP
 *       ^                                  |          |            |           |        |
 *       '------ the next URL --------------'----------'------------'-----------'     lost: DOWN
 *       '-------- none left: DOWN
 *
 * What failed first in a round is what is told: the first URL is the one a person cares most for. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"
#include "drivers/opcua/link/session_private.h"

enum { HANG_UPS_MAX = 2 }; /* after which an old session is given up */

/* ---- words ---- */

/* Statuses by which servers say, each in its way, that they do not trust who comes. */
static bool distrusts(UA_StatusCode status)
{
    switch (status) {
    case UA_STATUSCODE_BADSECURITYCHECKSFAILED:
    case UA_STATUSCODE_BADCERTIFICATEUNTRUSTED:
    case UA_STATUSCODE_BADCERTIFICATEINVALID:
    case UA_STATUSCODE_BADCERTIFICATEREVOKED:
    case UA_STATUSCODE_BADCERTIFICATETIMEINVALID:
    case UA_STATUSCODE_BADCERTIFICATEURIINVALID:
    case UA_STATUSCODE_BADCERTIFICATEUSENOTALLOWED:
    case UA_STATUSCODE_BADCERTIFICATECHAININCOMPLETE:
    case UA_STATUSCODE_BADCERTIFICATEREVOCATIONUNKNOWN: return true;
    default: return false;
    }
}

static bool hung_up(int error)
{
    return error == BUSBAR_ECLOSED || error == BUSBAR_ERESET;
}

static bool refuses_user(UA_StatusCode status)
{
    return status == UA_STATUSCODE_BADIDENTITYTOKENREJECTED ||
           status == UA_STATUSCODE_BADIDENTITYTOKENINVALID ||
           status == UA_STATUSCODE_BADUSERACCESSDENIED ||
           status == UA_STATUSCODE_BADUSERSIGNATUREINVALID;
}

/* Whether the server has turned away who came with a certificate: by a status, by hanging up, or by a fault where the
 * library waits for an OpenSecureChannelResponse. */
static bool turned_away(const struct opcua_session *session, const struct opcua_trouble *why)
{
    return session->attempt->mode != OPCUA_MODE_NONE && session->phase <= OPCUA_SESSION_CREATING &&
           (distrusts(why->status) || hung_up(why->error) ||
            (session->phase == OPCUA_SESSION_OPENING &&
             why->status == UA_STATUSCODE_BADDECODINGERROR));
}

static void explain_user(const struct opcua_session *session, struct opcua_trouble *why)
{
    const struct opcua_link_config *config = &session->config;
    const char *name = UA_StatusCode_name(why->status);
    if (config->user != NULL) {
        opcua_trouble_set(why, BUSBAR_EAUTH, why->status,
                          "the server refuses the user '%s' (%s): check `user` and `password`",
                          config->user, name);
    } else if (config->user_certificate != NULL) {
        opcua_trouble_set(why, BUSBAR_EAUTH, why->status,
                          "the server refuses the user's certificate (%s): trust it there", name);
    } else {
        opcua_trouble_set(
            why, BUSBAR_EAUTH, why->status,
            "the server lets nobody in without a login (%s): set `user` and `password`", name);
    }
}

/* The trouble of one phase with what a person has to do about it; what matters first, for it may be cut. */
static void explain(const struct opcua_session *session, struct opcua_trouble *why)
{
    const struct opcua_attempt *attempt = session->attempt;
    const char *url = session->config.urls[attempt->url];
    if (turned_away(session, why)) {
        opcua_trouble_set(why, BUSBAR_EUNTRUSTED, why->status,
                          "the server rejects busbar's certificate %.16s (%s): trust it there, "
                          "often in a list of "
                          "rejected ones (`busbar certificate show own`)",
                          attempt->own.seen.fingerprint,
                          distrusts(why->status) ? UA_StatusCode_name(why->status)
                          : hung_up(why->error)  ? "it hangs up"
                                                 : "it answers with a fault");
    } else if (session->phase == OPCUA_SESSION_ACTIVATING && refuses_user(why->status)) {
        explain_user(session, why);
    } else if (strstr(why->detail, url) == NULL) {
        char said[OPCUA_DETAIL_MAX];
        (void)str_copy(said, sizeof(said), why->detail);
        opcua_trouble_set(why, why->error, why->status, "%.64s: %.250s", url, said);
    }
}

/* ---- attempts ---- */

static void on_freed(void *ctx)
{
    struct opcua_attempt *attempt = ctx;
    struct opcua_session *session = attempt->session;
    opcua_server_id_fini(&attempt->server);
    opcua_own_fini(&attempt->own);
    opcua_user_fini(&attempt->user);
    UA_ByteString_clear(&attempt->nonce);
    UA_ByteString_clear(&attempt->server_nonce);
    busbar_free(attempt);
    opcua_session_attempt_freed(session);
}

void opcua_session_drop(struct opcua_session *session)
{
    struct opcua_attempt *attempt = session->attempt;
    session->attempt = NULL;
    opcua_facts_cancel(session->reading);
    session->reading = NULL;
    while (!list_empty(&session->calls)) {
        opcua_call_cancel(opcua_call_first(&session->calls));
    }
    if (attempt != NULL) {
        opcua_channel_free_then(attempt->channel, on_freed, attempt);
    }
}

static void on_opened(void *ctx);
static void on_closed(void *ctx, const struct opcua_trouble *why);

static struct opcua_attempt *attempt_new(struct opcua_session *session,
                                         const struct opcua_choice *choice)
{
    static const struct opcua_channel_events events = { .opened = on_opened, .closed = on_closed };
    struct opcua_attempt *attempt = busbar_alloc(sizeof(*attempt));
    const UA_ApplicationDescription *server = &choice->endpoint->server;
    const char *url = session->config.urls[session->url];
    attempt->session = session;
    attempt->url = session->url;
    attempt->mode = choice->mode;
    attempt->policy = choice->policy;
    attempt->uses_own = opcua_needs_own(choice);
    opcua_copy_text(&server->applicationUri, attempt->application_uri,
                    sizeof(attempt->application_uri));
    opcua_copy_text(&server->productUri, attempt->product_uri, sizeof(attempt->product_uri));
    opcua_copy_text(&server->applicationName.text, attempt->name, sizeof(attempt->name));
    attempt->channel = opcua_channel_new(session->thread, url, session->config.timeout_us, &events,
                                         session);
    session->attempts++;
    session->attempt = attempt;
    return attempt;
}

/* Trusts the server, and makes the client ready to connect. Returns 0, or with why filled. */
static int prepare(struct opcua_session *session, const struct opcua_choice *choice,
                   struct opcua_trouble *why)
{
    const char *url = session->config.urls[session->url];
    struct opcua_attempt *attempt = attempt_new(session, choice);
    int error = 0;
    if (attempt->uses_own) {
        opcua_server_id_init(&attempt->server, session->trust, url, &session->config, choice);
        error = opcua_server_id_check(&attempt->server, why);
        error = error == 0 ? opcua_own_load(&attempt->own, session->trust, why) : error;
    }
    const struct opcua_own *own = attempt->uses_own ? &attempt->own : NULL;
    if (error == 0) {
        error = opcua_secure(opcua_channel_config(attempt->channel), url, choice, own,
                             &attempt->server, why);
    }
    if (error == 0) {
        error = opcua_user_init(&attempt->user, choice, &session->config, own, why);
    }
    return error;
}

/* ---- phases ---- */

static void on_endpoints(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_session *session = ctx;
    session->lookup = NULL;
    if (trouble != NULL) {
        opcua_session_next(session, trouble);
        return;
    }
    const UA_GetEndpointsResponse *got = response;
    struct opcua_choice choice;
    struct opcua_trouble why;
    int error = opcua_choose(got->endpoints, got->endpointsSize, &session->config, session->least,
                             &choice, &why);
    error = error == 0 ? prepare(session, &choice, &why) : error;
    if (error != 0) {
        opcua_session_next(session, &why);
        return;
    }
    session->phase = OPCUA_SESSION_OPENING;
    session->resuming = false;
    opcua_channel_open(session->attempt->channel);
}

static void ask(struct opcua_session *session)
{
    session->phase = OPCUA_SESSION_ASKING;
    session->lookup = opcua_lookup_endpoints(session->thread, session->config.urls[session->url],
                                             session->config.timeout_us, on_endpoints, session);
}

void opcua_session_begin(struct opcua_session *session)
{
    session->first.error = 0;
    session->url = 0;
    struct opcua_attempt *attempt = session->attempt;
    bool known = attempt != NULL && opcua_channel_has_token(attempt->channel) &&
                 loop_now_us(session->loop) - session->lost_us < session->session_timeout_us;
    if (known) {
        session->resuming = true;
        session->phase = OPCUA_SESSION_OPENING;
        opcua_channel_open(attempt->channel);
        return;
    }
    opcua_session_drop(session);
    ask(session);
}

void opcua_session_next(struct opcua_session *session, const struct opcua_trouble *why)
{
    if (session->first.error == 0) {
        session->first = *why;
    }
    opcua_session_drop(session);
    if (++session->url < session->config.url_count) {
        ask(session);
        return;
    }
    session->phase = OPCUA_SESSION_DOWN;
    struct opcua_trouble first = session->first;
    opcua_session_tell_down(session, &first);
}

static void on_opened(void *ctx)
{
    struct opcua_session *session = ctx;
    if (session->resuming) {
        session->phase = OPCUA_SESSION_ACTIVATING;
        opcua_session_activate(session);
    } else {
        session->phase = OPCUA_SESSION_CREATING;
        opcua_session_create(session);
    }
}

static void on_facts(void *ctx, struct opcua_facts *facts, const struct opcua_trouble *trouble)
{
    struct opcua_session *session = ctx;
    session->reading = NULL;
    if (trouble != NULL) {
        opcua_channel_close(session->attempt->channel, trouble);
        return;
    }
    if (!session->resuming) {
        session->generation++;
    }
    opcua_session_take_facts(session, facts);
    if (session->config.automatic) {
        session->least = opcua_security_strength(session->attempt->mode, session->attempt->policy);
    }
    session->phase = OPCUA_SESSION_UP;
    session->hung_up = 0;
    opcua_session_watch(session);
    opcua_session_tell_up(session, session->resuming);
}

void opcua_session_activated(struct opcua_session *session)
{
    session->phase = OPCUA_SESSION_READING;
    session->reading = opcua_facts_read(session->attempt->channel, session->loop,
                                        session->config.timeout_us, on_facts, session);
}

/* The network is at fault, not the session, which may still be there when it is mended. Who hangs up each time
 * means it, though. */
static bool may_resume(struct opcua_session *session, const struct opcua_trouble *why)
{
    if (session->config.url_count > 1 || !opcua_channel_has_token(session->attempt->channel)) {
        return false;
    }
    if (hung_up(why->error)) {
        return session->phase >= OPCUA_SESSION_ACTIVATING && session->hung_up++ < HANG_UPS_MAX;
    }
    return why->error == BUSBAR_ECONNREFUSED || why->error == BUSBAR_ETIMEOUT ||
           why->error == BUSBAR_EROUTE || why->error == BUSBAR_EHOST;
}

static bool session_is_gone(UA_StatusCode status)
{
    return status == UA_STATUSCODE_BADSESSIONIDINVALID ||
           status == UA_STATUSCODE_BADSESSIONCLOSED ||
           status == UA_STATUSCODE_BADSESSIONNOTACTIVATED;
}

static void lost(struct opcua_session *session, const struct opcua_trouble *why)
{
    opcua_session_unwatch(session);
    session->phase = OPCUA_SESSION_DOWN;
    session->lost_us = loop_now_us(session->loop);
    if (session_is_gone(why->status)) {
        opcua_session_drop(session);
    }
    opcua_session_tell_down(session, why);
}

static void on_closed(void *ctx, const struct opcua_trouble *trouble)
{
    struct opcua_session *session = ctx;
    struct opcua_trouble why = *trouble;
    explain(session, &why);
    if (session->phase == OPCUA_SESSION_UP) {
        lost(session, &why);
    } else if (!session->resuming) {
        opcua_session_next(session, &why);
    } else if (may_resume(session, &why)) {
        session->phase = OPCUA_SESSION_DOWN;
        opcua_session_tell_down(session, &why);
    } else {
        /* It is of no use any more: all from the start. */
        opcua_session_drop(session);
        ask(session);
    }
}
