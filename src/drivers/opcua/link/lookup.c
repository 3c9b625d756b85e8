/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/lookup.h"

#include <assert.h>
#include <open62541/types_generated.h>

#include "base/alloc.h"

struct opcua_lookup {
    struct opcua_thread *thread;
    struct opcua_channel *channel;
    struct list calls; /* the one */
    struct opcua_call *call;
    int64_t timeout_us;
    void *request; /* ours */
    const UA_DataType *request_type, *response_type;
    opcua_called_cb called;
    void *ctx;
};

static void lookup_free(struct opcua_lookup *lookup)
{
    opcua_channel_free(lookup->channel);
    UA_delete(lookup->request, lookup->request_type);
    busbar_free(lookup);
}

static void on_answer(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_lookup *lookup = ctx;
    lookup->called(lookup->ctx, response, trouble);
    lookup_free(lookup);
}

static void on_opened(void *ctx)
{
    struct opcua_lookup *lookup = ctx;
    lookup->call = opcua_channel_call(lookup->channel, opcua_thread_loop(lookup->thread),
                                      &lookup->calls, lookup->request, lookup->request_type,
                                      lookup->response_type, lookup->timeout_us, on_answer, lookup);
}

/* Before it was opened: a call under way would have been answered, and all be gone. */
static void on_closed(void *ctx, const struct opcua_trouble *why)
{
    on_answer(ctx, NULL, why);
}

struct opcua_lookup *opcua_lookup_start(struct opcua_thread *thread, const char *url,
                                        int64_t timeout_us, const void *request,
                                        const UA_DataType *request_type,
                                        const UA_DataType *response_type, opcua_called_cb called,
                                        void *ctx)
{
    static const struct opcua_channel_events events = { .opened = on_opened, .closed = on_closed };
    struct opcua_lookup *lookup = busbar_alloc(sizeof(*lookup));
    *lookup = (struct opcua_lookup){ .thread = thread,
                                     .timeout_us = timeout_us,
                                     .request_type = request_type,
                                     .response_type = response_type,
                                     .called = called,
                                     .ctx = ctx };
    lookup->request = UA_new(request_type);
    UA_StatusCode copied = lookup->request != NULL ? UA_copy(request, lookup->request, request_type)
                                                   : UA_STATUSCODE_BADOUTOFMEMORY;
    assert(copied == UA_STATUSCODE_GOOD);
    list_init(&lookup->calls);
    lookup->channel = opcua_channel_new(thread, url, timeout_us, &events, lookup);
    opcua_channel_open(lookup->channel);
    return lookup;
}

void opcua_lookup_cancel(struct opcua_lookup *lookup)
{
    if (lookup == NULL) {
        return;
    }
    opcua_call_cancel(lookup->call);
    lookup_free(lookup);
}

struct opcua_lookup *opcua_lookup_endpoints(struct opcua_thread *thread, const char *url,
                                            int64_t timeout_us, opcua_called_cb called, void *ctx)
{
    UA_GetEndpointsRequest request;
    UA_GetEndpointsRequest_init(&request);
    request.endpointUrl = UA_STRING((char *)(uintptr_t)url);
    return opcua_lookup_start(thread, url, timeout_us, &request,
                              &UA_TYPES[UA_TYPES_GETENDPOINTSREQUEST],
                              &UA_TYPES[UA_TYPES_GETENDPOINTSRESPONSE], called, ctx);
}

struct opcua_lookup *opcua_lookup_servers(struct opcua_thread *thread, const char *url,
                                          int64_t timeout_us, opcua_called_cb called, void *ctx)
{
    UA_FindServersRequest request;
    UA_FindServersRequest_init(
        &request); /* without our URL: some put it in place of the servers' own */
    return opcua_lookup_start(thread, url, timeout_us, &request,
                              &UA_TYPES[UA_TYPES_FINDSERVERSREQUEST],
                              &UA_TYPES[UA_TYPES_FINDSERVERSRESPONSE], called, ctx);
}

struct opcua_lookup *opcua_lookup_network(struct opcua_thread *thread, const char *url,
                                          int64_t timeout_us, uint32_t first, uint32_t most,
                                          opcua_called_cb called, void *ctx)
{
    UA_FindServersOnNetworkRequest request;
    UA_FindServersOnNetworkRequest_init(&request);
    request.startingRecordId = first;
    request.maxRecordsToReturn = most;
    return opcua_lookup_start(thread, url, timeout_us, &request,
                              &UA_TYPES[UA_TYPES_FINDSERVERSONNETWORKREQUEST],
                              &UA_TYPES[UA_TYPES_FINDSERVERSONNETWORKRESPONSE], called, ctx);
}
