/* SPDX-License-Identifier: Apache-2.0 */
/* A call under way is known to the library until its answer comes, its time is over, or the channel closes; one that
 * was canceled, or answered before that as too late, is `dropped` until then. */
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"
#include "drivers/opcua/link/channel_private.h"
#include "drivers/opcua/text/status.h"

/* What decoding can come to: the statuses from BadInternalError on, and what they make when they are ORed. */
#define BROKEN_LAST UINT32_C(0x800fffff)

struct opcua_call {
    struct list link; /* of its owner */
    struct opcua_channel *channel;
    const UA_DataType *type; /* of the request, for words */
    const UA_DataType *response_type;
    opcua_called_cb called;
    void *ctx;
    struct timer timer;
    int64_t timeout_us;
    struct loop_deferred failing; /* what could not be sent */
    struct opcua_trouble *trouble;
    bool sent, dropped;
};

/* Takes it from its owner. What was sent stays with the library, which would clear a broken answer by itself if nobody
 * took it: see empty_broken(). */
static void detach(struct opcua_call *call)
{
    list_remove(&call->link);
    timer_stop(&call->timer);
    loop_defer_cancel(&call->failing);
    busbar_free(call->trouble);
    call->trouble = NULL;
    if (call->sent) {
        call->dropped = true;
    } else {
        busbar_free(call);
    }
}

static void answer(struct opcua_call *call, const void *response,
                   const struct opcua_trouble *trouble)
{
    opcua_called_cb called = call->called;
    void *ctx = call->ctx;
    detach(call);
    called(ctx, response, trouble);
}

static void name_service(const struct opcua_call *call, char *to, size_t size)
{
    (void)str_copy(to, size, call->type->typeName);
    size_t length = strlen(to);
    if (str_ends(to, "Request")) {
        to[length - strlen("Request")] = '\0';
    }
}

/* Where the type of an answer cannot be decoded the library (1.4.18) gives out, and then clears, a response that was never
 * initialised: all but the status is what was on its stack. It looks like a fault that a server may also send; of that
 * nothing is needed, so both are emptied. True: there was something in it. */
static bool empty_broken(const struct opcua_call *call, UA_ResponseHeader *header)
{
    UA_StatusCode status = header->serviceResult;
    if (status < UA_STATUSCODE_BADINTERNALERROR || status > BROKEN_LAST) {
        return false;
    }
    bool full = header->stringTable != NULL || header->stringTableSize > 0 ||
                header->additionalHeader.encoding != UA_EXTENSIONOBJECT_ENCODED_NOBODY ||
                header->serviceDiagnostics.hasInnerDiagnosticInfo ||
                header->serviceDiagnostics.hasAdditionalInfo;
    memset(header, 0, call->response_type->memSize);
    header->serviceResult = status;
    return full;
}

static void hang_up(struct opcua_channel *channel)
{
    struct opcua_trouble why;
    opcua_trouble_set(&why, BUSBAR_EPROTO, UA_STATUSCODE_BADDECODINGERROR,
                      "%s: the server sends answers that cannot be read", channel->url);
    opcua_channel_close(channel, &why);
}

static void on_response(UA_Client *client, void *ctx, UA_UInt32 id, void *response)
{
    (void)client, (void)id;
    struct opcua_call *call = ctx;
    call->channel->calls--;
    call->sent = false;
    if (empty_broken(call, response)) {
        hang_up(call->channel);
    }
    if (call->dropped) {
        busbar_free(call);
        return;
    }
    UA_StatusCode status = ((const UA_ResponseHeader *)response)->serviceResult;
    if (!opcua_status_bad(status)) {
        answer(call, response, NULL);
        return;
    }
    struct opcua_trouble trouble;
    char service[64];
    name_service(call, service, sizeof(service));
    if (status == UA_STATUSCODE_BADSECURECHANNELCLOSED || status == UA_STATUSCODE_BADSHUTDOWN) {
        opcua_channel_why(call->channel, &trouble);
    } else {
        opcua_trouble_status(&trouble, service, status);
    }
    answer(call, NULL, &trouble);
}

static void on_late(struct timer *timer, void *ctx)
{
    (void)timer;
    struct opcua_call *call = ctx;
    struct opcua_trouble trouble;
    char service[64];
    name_service(call, service, sizeof(service));
    opcua_trouble_set(&trouble, BUSBAR_ETIMEOUT, UA_STATUSCODE_BADTIMEOUT,
                      "%s: the server did not answer within %lld ms; raise `timeout` if it is slow",
                      service, (long long)(call->timeout_us / 1000));
    answer(call, NULL, &trouble);
}

static void on_failing(void *ctx)
{
    struct opcua_call *call = ctx;
    struct opcua_trouble trouble = *call->trouble;
    answer(call, NULL, &trouble);
}

/* Whether it may be sent; else why not. */
static bool may_send(const struct opcua_channel *channel, const void *request,
                     const UA_DataType *type, struct opcua_trouble *why)
{
    if (channel == NULL || !opcua_channel_is_open(channel) || channel->wire.stream == NULL) {
        opcua_trouble_set(why, BUSBAR_ENOTCONN, 0, "the link is down");
        return false;
    }
    if (channel->calls >= OPCUA_CALLS_MAX ||
        stream_pending(channel->wire.stream) > OPCUA_MESSAGE_MAX) {
        opcua_trouble_set(why, BUSBAR_ELIMIT, 0,
                          "the server takes requests slower than they are made: %zu wait",
                          channel->calls);
        return false;
    }
    size_t max = channel->wire.request_max;
    if (max > 0 && UA_calcSizeBinary(request, type) > max) {
        opcua_trouble_set(why, BUSBAR_ETOOBIG, UA_STATUSCODE_BADREQUESTTOOLARGE,
                          "the server takes messages of up to %zu bytes", max);
        return false;
    }
    return true;
}

/* The library takes the tokens of its own sessions for these two, which it knows by the address of their type. */
static const UA_DataType *unknown_to_library(struct opcua_channel *channel, const UA_DataType *type)
{
    if (type == &UA_TYPES[UA_TYPES_ACTIVATESESSIONREQUEST] ||
        type == &UA_TYPES[UA_TYPES_CLOSESESSIONREQUEST]) {
        channel->session_type = *type;
        return &channel->session_type;
    }
    return type;
}

static UA_StatusCode send(struct opcua_call *call, void *request)
{
    struct opcua_channel *channel = call->channel;
    int64_t ms = call->timeout_us / 1000;
    UA_RequestHeader *header = request;
    header->timeoutHint = ms > UINT32_MAX ? UINT32_MAX : (UA_UInt32)ms;
    header->requestHandle = 0; /* a new one */
    header->authenticationToken = channel->token;
    UA_StatusCode status = __UA_Client_AsyncService(channel->client, request,
                                                    unknown_to_library(channel, call->type),
                                                    on_response, call->response_type, call, NULL);
    UA_NodeId_init(&header->authenticationToken);
    return status;
}

struct opcua_call *opcua_channel_call(struct opcua_channel *channel, struct loop *loop,
                                      struct list *owner, const void *request,
                                      const UA_DataType *request_type,
                                      const UA_DataType *response_type, int64_t timeout_us,
                                      opcua_called_cb called, void *ctx)
{
    struct opcua_call *call = busbar_alloc(sizeof(*call));
    call->channel = channel;
    call->type = request_type;
    call->response_type = response_type;
    call->called = called;
    call->ctx = ctx;
    call->timeout_us = timeout_us;
    list_append(owner, &call->link);
    timer_init(&call->timer, loop, on_late, call);
    loop_deferred_init(&call->failing, on_failing, call);
    struct opcua_trouble why;
    if (may_send(channel, request, request_type, &why)) {
        UA_StatusCode status = send(call, (void *)(uintptr_t)request);
        if (status == UA_STATUSCODE_GOOD) {
            call->sent = true;
            channel->calls++;
            if (timeout_us > 0) {
                timer_start_us(&call->timer, timeout_us, 0);
            }
            return call;
        }
        opcua_trouble_status(&why, "sending", status);
    }
    call->trouble = busbar_alloc(sizeof(*call->trouble));
    *call->trouble = why;
    loop_defer(loop, &call->failing);
    return call;
}

void opcua_call_cancel(struct opcua_call *call)
{
    if (call != NULL) {
        detach(call);
    }
}

struct opcua_call *opcua_call_first(struct list *owner)
{
    return list_entry(owner->next, struct opcua_call, link);
}

void opcua_calls_fail(struct list *owner, const struct opcua_trouble *trouble)
{
    struct list now;
    list_init(&now);
    list_move_all(&now, owner);
    while (!list_empty(&now)) {
        answer(opcua_call_first(&now), NULL, trouble);
    }
}
