/* SPDX-License-Identifier: Apache-2.0 */
/* The library tells of each change of state from the middle of its own work; here it is looked at once that has
 * ended. A client that gave up (noReconnect) stays as it is until it is opened again. */
#include "drivers/opcua/link/channel.h"

#include <assert.h>
#include <open62541/plugin/securitypolicy_default.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/opcua/link/channel_private.h"
#include "drivers/opcua/text/security.h"

enum {
    BUFFER_BYTES = 64 * 1024,
    SEND_MAX = 2 * OPCUA_MESSAGE_MAX,
    SILENCE_MS = 15000,
    LIFETIME_MS = 3600 * 1000,
    GOODBYE_MS = 2000, /* that a server has to answer CloseSession */
};

/* ---- what the library says ---- */

/* Keeps the reason a server gives with its Error message; everything goes to the log when that is asked for. */
static void on_log(void *ctx, UA_LogLevel level, UA_LogCategory category, const char *format,
                   va_list args)
{
    (void)category;
    struct opcua_channel *channel = ctx;
    bool debug = level >= UA_LOGLEVEL_INFO && busbar_log_enabled(LOG_LEVEL_DEBUG);
    if (level < UA_LOGLEVEL_ERROR && !debug) {
        return;
    }
    static const char mark[] = "the following reason: ";
    char line[400];
    (void)vsnprintf(line, sizeof(line), format, args);
    const char *reason = strstr(line, mark);
    if (level >= UA_LOGLEVEL_ERROR && reason != NULL) {
        (void)str_copy(channel->said, sizeof(channel->said), reason + sizeof(mark) - 1);
        for (char *at = channel->said; *at != '\0'; at++) {
            *at = *at >= ' ' && *at < 0x7f ? *at : '?';
        }
    }
    if (debug) {
        busbar_log(LOG_LEVEL_DEBUG, "opcua", NULL, "%s: %s", channel->url, line);
    }
}

static void on_state(UA_Client *client, UA_SecureChannelState state, UA_SessionState session,
                     UA_StatusCode status)
{
    (void)state, (void)session, (void)status;
    struct opcua_wire *wire = UA_Client_getConfig(client)->clientContext;
    struct opcua_channel *channel = list_entry(wire, struct opcua_channel, wire);
    loop_defer(channel->loop, &channel->look);
}

/* A certificate says nothing where nothing is signed with it. */
static UA_StatusCode take_certificate(const UA_CertificateVerification *verification,
                                      const UA_ByteString *certificate)
{
    (void)verification, (void)certificate;
    return UA_STATUSCODE_GOOD;
}

static UA_StatusCode take_uri(const UA_CertificateVerification *verification,
                              const UA_ByteString *certificate, const UA_String *uri)
{
    (void)verification, (void)certificate, (void)uri;
    return UA_STATUSCODE_GOOD;
}

/* ---- why it closed ---- */

/* Statuses by which the library only says that there is no connection. */
static bool says_nothing(UA_StatusCode status)
{
    return status == UA_STATUSCODE_GOOD || status == UA_STATUSCODE_BADNOTCONNECTED ||
           status == UA_STATUSCODE_BADCONNECTIONREJECTED ||
           status == UA_STATUSCODE_BADCONNECTIONCLOSED ||
           status == UA_STATUSCODE_BADSECURECHANNELCLOSED;
}

void opcua_channel_why(const struct opcua_channel *channel, struct opcua_trouble *why)
{
    if (channel->why.error != 0) {
        *why = channel->why;
        return;
    }
    UA_StatusCode status;
    UA_Client_getState(channel->client, NULL, NULL, &status);
    if (!says_nothing(status)) {
        opcua_trouble_status(why, channel->url, status);
        if (channel->said[0] != '\0') {
            size_t size = strlen(why->detail);
            (void)str_format(why->detail + size, sizeof(why->detail) - size,
                             "; the server says: %s", channel->said);
        }
    } else if (channel->wire.error != 0) {
        opcua_trouble_set(why, channel->wire.error, status, "%s: %s", channel->url,
                          channel->wire.detail);
    } else {
        opcua_trouble_set(why, BUSBAR_ECLOSED, status, "%s: the connection was closed",
                          channel->url);
    }
}

/* ---- states ---- */

static void destroy(struct opcua_channel *channel)
{
    timer_stop(&channel->deadline);
    while (!list_empty(&channel->goodbyes)) {
        opcua_call_cancel(opcua_call_first(&channel->goodbyes));
    }
    UA_Client_delete(channel->client);
    UA_NodeId_clear(&channel->token);
    loop_defer_cancel(&channel->look);
    opcua_thread_release(channel->thread);
    loop_cb freed = channel->freed;
    void *ctx = channel->freed_ctx;
    busbar_free(channel);
    if (freed != NULL) {
        freed(ctx);
    }
}

static void closed(struct opcua_channel *channel)
{
    struct opcua_trouble why;
    opcua_channel_why(channel, &why);
    timer_stop(&channel->deadline);
    channel->phase = OPCUA_CHANNEL_CLOSED;
    channel->why.error = 0;
    channel->events->closed(channel->ctx, &why);
}

static void on_look(void *ctx)
{
    struct opcua_channel *channel = ctx;
    UA_SecureChannelState state;
    UA_Client_getState(channel->client, &state, NULL, NULL);
    if (state == UA_SECURECHANNELSTATE_CLOSED) {
        if (channel->freeing) {
            destroy(channel);
        } else if (channel->phase != OPCUA_CHANNEL_CLOSED) {
            closed(channel);
        }
    } else if (state == UA_SECURECHANNELSTATE_OPEN && channel->phase == OPCUA_CHANNEL_OPENING &&
               !channel->freeing) {
        timer_stop(&channel->deadline);
        channel->phase = OPCUA_CHANNEL_OPEN;
        channel->events->opened(channel->ctx);
    }
}

static void hang_up(struct opcua_channel *channel)
{
    (void)UA_Client_disconnectSecureChannelAsync(channel->client);
    if (channel->wire.stream != NULL) {
        stream_close(channel->wire.stream); /* the library may think that this was done */
    }
    loop_defer(channel->loop, &channel->look);
}

static void on_deadline(struct timer *timer, void *ctx)
{
    (void)timer;
    struct opcua_channel *channel = ctx;
    if (channel->freeing) {
        hang_up(channel); /* it never answered CloseSession */
        return;
    }
    struct opcua_trouble why;
    opcua_trouble_set(
        &why, BUSBAR_ETIMEOUT, UA_STATUSCODE_BADTIMEOUT,
        "%s: no answer to the first messages within %lld ms: the server is overloaded, or "
        "none of OPC UA; a longer `timeout` may help",
        channel->url, (long long)(channel->timeout_us / 1000));
    opcua_channel_close(channel, &why);
}

/* ---- life ---- */

static void configure(struct opcua_channel *channel, UA_ClientConfig *config,
                      struct opcua_thread *thread)
{
    config->clientContext = &channel->wire;
    config->logging = &channel->logger;
    config->endpointUrl = UA_STRING_ALLOC(channel->url);
    config->noSession = true;
    config->noReconnect = true;
    config->noNewSession = true;
    config->secureChannelLifeTime = LIFETIME_MS;
    config->eventLoop = opcua_thread_event_loop(thread);
    config->externalEventLoop = true;
    config->stateCallback = on_state;
    config->certificateVerification.verifyCertificate = take_certificate;
    config->certificateVerification.verifyApplicationURI = take_uri;
    config->localConnectionConfig = (UA_ConnectionConfig){
        .recvBufferSize = BUFFER_BYTES,
        .sendBufferSize = BUFFER_BYTES,
        .localMaxMessageSize = OPCUA_MESSAGE_MAX,
        .localMaxChunkCount = OPCUA_CHUNKS_MAX,
    };
    config->endpoint.endpointUrl = UA_STRING_ALLOC(channel->url);
    config->endpoint.securityMode = UA_MESSAGESECURITYMODE_NONE;
    config->endpoint.securityPolicyUri = UA_STRING_ALLOC(opcua_policy_uri(OPCUA_POLICY_NONE));
    config->securityPolicies = UA_calloc(1, sizeof(*config->securityPolicies));
    assert(config->securityPolicies != NULL);
    config->securityPoliciesSize = 1;
    UA_StatusCode status = UA_SecurityPolicy_None(config->securityPolicies, UA_BYTESTRING_NULL,
                                                  config->logging);
    assert(status == UA_STATUSCODE_GOOD);
    (void)status;
}

struct opcua_channel *opcua_channel_new(struct opcua_thread *thread, const char *url,
                                        int64_t timeout_us,
                                        const struct opcua_channel_events *events, void *ctx)
{
    struct opcua_channel *channel = busbar_alloc(sizeof(*channel));
    (void)str_copy(channel->url, sizeof(channel->url), url);
    channel->thread = thread;
    opcua_thread_hold(thread);
    channel->loop = opcua_thread_loop(thread);
    channel->events = events;
    channel->ctx = ctx;
    channel->timeout_us = timeout_us;
    channel->logger = (UA_Logger){ .log = on_log, .context = channel };
    channel->wire.connect_timeout_ms = (uint32_t)(timeout_us / 1000);
    channel->wire.silence_timeout_ms = SILENCE_MS;
    channel->wire.send_max = SEND_MAX;
    list_init(&channel->goodbyes);
    loop_deferred_init(&channel->look, on_look, channel);
    timer_init(&channel->deadline, channel->loop, on_deadline, channel);
    UA_ClientConfig config = { 0 };
    configure(channel, &config, thread);
    channel->client = UA_Client_newWithConfig(&config);
    assert(channel->client != NULL);
    return channel;
}

UA_ClientConfig *opcua_channel_config(struct opcua_channel *channel)
{
    return UA_Client_getConfig(channel->client);
}

void opcua_channel_open(struct opcua_channel *channel)
{
    assert(channel->phase == OPCUA_CHANNEL_CLOSED && !channel->freeing);
    channel->phase = OPCUA_CHANNEL_OPENING;
    channel->why.error = 0;
    channel->said[0] = '\0';
    channel->wire.error = 0;
    /* The stream's own connect timeout comes first, it knows more to say. */
    timer_start_us(&channel->deadline, channel->timeout_us + channel->timeout_us / 4, 0);
    (void)__UA_Client_connect(channel->client, true);
    loop_defer(channel->loop, &channel->look);
}

void opcua_channel_set_token(struct opcua_channel *channel, const UA_NodeId *token)
{
    UA_NodeId_clear(&channel->token);
    if (token != NULL) {
        UA_StatusCode status = UA_NodeId_copy(token, &channel->token);
        assert(status == UA_STATUSCODE_GOOD);
        (void)status;
    }
}

void opcua_channel_close(struct opcua_channel *channel, const struct opcua_trouble *why)
{
    if (channel->phase == OPCUA_CHANNEL_CLOSED || channel->freeing) {
        return;
    }
    if (channel->why.error == 0) {
        channel->why = *why;
    }
    timer_stop(&channel->deadline);
    hang_up(channel);
}

static void on_goodbye(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    (void)response, (void)trouble;
    hang_up(ctx);
}

static void say_goodbye(struct opcua_channel *channel)
{
    UA_CloseSessionRequest request;
    UA_CloseSessionRequest_init(&request);
    request.deleteSubscriptions = true;
    (void)opcua_channel_call(channel, channel->loop, &channel->goodbyes, &request,
                             &UA_TYPES[UA_TYPES_CLOSESESSIONREQUEST],
                             &UA_TYPES[UA_TYPES_CLOSESESSIONRESPONSE], 0, on_goodbye, channel);
}

void opcua_channel_free(struct opcua_channel *channel)
{
    if (channel != NULL) {
        opcua_channel_free_then(channel, NULL, NULL);
    }
}

void opcua_channel_free_then(struct opcua_channel *channel, loop_cb freed, void *ctx)
{
    assert(!channel->freeing);
    bool polite = opcua_channel_is_open(channel) && opcua_channel_has_token(channel);
    if (polite) {
        say_goodbye(channel);
    }
    channel->freeing = true;
    channel->freed = freed;
    channel->freed_ctx = ctx;
    if (polite) {
        timer_start(&channel->deadline, GOODBYE_MS, 0);
    } else {
        hang_up(channel);
    }
}

/* ---- questions ---- */

bool opcua_channel_is_open(const struct opcua_channel *channel)
{
    return channel->phase >= OPCUA_CHANNEL_OPEN && channel->why.error == 0 && !channel->freeing;
}

bool opcua_channel_has_token(const struct opcua_channel *channel)
{
    return !UA_NodeId_isNull(&channel->token);
}

int64_t opcua_channel_heard_us(const struct opcua_channel *channel)
{
    return channel->wire.heard_us;
}

size_t opcua_channel_calls(const struct opcua_channel *channel)
{
    return channel->calls;
}
