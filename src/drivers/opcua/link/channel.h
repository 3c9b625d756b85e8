/* SPDX-License-Identifier: Apache-2.0 */
/* A secure channel to a server: one client of the library, tamed. It connects to its URL when told to and to
 * nothing else, asks nothing by itself, never waits, never connects again by itself, and knows nothing of
 * sessions: who has the channel creates and activates one by calling the services (link/create.c, activate.c), and
 * says by opcua_channel_set_token() whose the calls are.
 *
 * Life: new -> open -> opened ... -> closed -> open again -> free. After
 * opcua_channel_open() comes `opened` or `closed`; after `opened`, `closed` once. Callbacks never run from inside
 * of a call of yours, and may do everything. OPC UA thread only. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_CHANNEL_H
#define BUSBAR_DRIVERS_OPCUA_LINK_CHANNEL_H

#include <open62541/client.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "drivers/opcua/link/thread.h"
#include "drivers/opcua/link/trouble.h"

enum {
    OPCUA_CALLS_MAX = 4096,       /* service calls of one channel under way */
    OPCUA_MESSAGE_MAX = 16 << 20, /* bytes of one message of a server, all chunks */
    OPCUA_CHUNKS_MAX = 1024,
};

struct opcua_channel;

struct opcua_channel_events {
    void (*opened)(void *ctx);
    /* It could not be opened, or was lost, or opcua_channel_close() was asked for (then `why` is the
     * one given). Its calls were answered before, with the same trouble. */
    void (*closed)(void *ctx, const struct opcua_trouble *why);
};

/* url is copied. timeout_us: of opening. Nothing is connected yet. The channel is without security
 * until opcua_channel_config() says otherwise. Aborts when memory is out. */
struct opcua_channel *opcua_channel_new(struct opcua_thread *thread, const char *url,
                                        int64_t timeout_us,
                                        const struct opcua_channel_events *events, void *ctx);

/* The client's configuration, to add security and user before the first open: `endpoint`, `securityPolicies`, `certificateVerification`. */
UA_ClientConfig *opcua_channel_config(struct opcua_channel *channel);

void opcua_channel_open(struct opcua_channel *channel);

/* The session that calls belong to from now on: the authentication token of the server (copied), NULL: none. It is kept
 * when the channel closes, for a session outlives its channel. */
void opcua_channel_set_token(struct opcua_channel *channel, const UA_NodeId *token);

/* Lets the connection go. Harmless when closed. */
void opcua_channel_close(struct opcua_channel *channel, const struct opcua_trouble *why);

/* No callback after this; all its calls must have been answered or canceled. Where it is open the server is told
 * to forget the session and its subscriptions; memory is freed when that is done. NULL is fine. */
void opcua_channel_free(struct opcua_channel *channel);
/* The same, and freed(ctx) when it is gone, never from inside. */
void opcua_channel_free_then(struct opcua_channel *channel, loop_cb freed, void *ctx);

bool opcua_channel_is_open(const struct opcua_channel *channel);
bool opcua_channel_has_token(const struct opcua_channel *channel);
/* Monotonic: when the server last sent something. */
int64_t opcua_channel_heard_us(const struct opcua_channel *channel);
size_t opcua_channel_calls(const struct opcua_channel *channel); /* under way */

/* ---- service calls ---- */

/* response: of the type asked for, borrowed for the call; NULL when trouble says so (no answer, or the whole
 * service was refused). Never from inside opcua_channel_call(). */
typedef void (*opcua_called_cb)(void *ctx, const void *response,
                                const struct opcua_trouble *trouble);

struct opcua_call; /* under way */

/* Calls a service; the request is encoded before this returns, its header is written to. The call hangs in the
 * owner's list until it is answered. timeout_us 0: never by time. channel NULL, or one that is not open: it is
 * answered as not connected (BUSBAR_ENOTCONN). BUSBAR_ELIMIT: OPCUA_CALLS_MAX. BUSBAR_ETOOBIG: over what the
 * server takes in one message. Never NULL. */
struct opcua_call *opcua_channel_call(struct opcua_channel *channel, struct loop *loop,
                                      struct list *owner, const void *request,
                                      const UA_DataType *request_type,
                                      const UA_DataType *response_type, int64_t timeout_us,
                                      opcua_called_cb called, void *ctx);
/* No callback after this; a late answer is dropped. NULL is fine. */
void opcua_call_cancel(struct opcua_call *call);
/* The first of an owner's list, which is not empty. */
struct opcua_call *opcua_call_first(struct list *owner);
/* Cancels each in an owner's list, and has `called` run with the trouble, now. */
void opcua_calls_fail(struct list *owner, const struct opcua_trouble *trouble);

#endif
