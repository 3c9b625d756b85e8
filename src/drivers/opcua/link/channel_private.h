/* SPDX-License-Identifier: Apache-2.0 */
/* What link/channel.c and link/call.c share. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_CHANNEL_PRIVATE_H
#define BUSBAR_DRIVERS_OPCUA_LINK_CHANNEL_PRIVATE_H

#include <open62541/plugin/log.h>

#include "drivers/opcua/link/channel.h"
#include "drivers/opcua/link/event_loop.h"
#include "drivers/opcua/text/url.h"
#include "net/timer.h"

enum { OPCUA_SAID_MAX = 160 };

enum opcua_channel_phase {
    OPCUA_CHANNEL_CLOSED,
    OPCUA_CHANNEL_OPENING,
    OPCUA_CHANNEL_OPEN,
};

struct opcua_channel {
    UA_Client *client;
    struct opcua_thread *thread;
    struct loop *loop;
    const struct opcua_channel_events *events;
    void *ctx;
    int64_t timeout_us;
    enum opcua_channel_phase phase;
    bool freeing;
    loop_cb freed; /* after that; may be NULL */
    void *freed_ctx;
    struct opcua_wire wire;
    struct loop_deferred look; /* at the client's state, which changed */
    struct timer deadline;     /* of opening, freeing */
    UA_NodeId token;           /* of the session */
    UA_DataType session_type;  /* a copy of that of a request; see link/call.c */
    struct list goodbyes;      /* CloseSession under way */
    struct opcua_trouble why;  /* of the closing under way; error 0: not known yet */
    size_t calls;
    UA_Logger logger;
    char url[OPCUA_URL_MAX + 1];
    char said[OPCUA_SAID_MAX]; /* why the server closes, in its words; "" = it said nothing */
};

/* Why it closed, or closes. */
void opcua_channel_why(const struct opcua_channel *channel, struct opcua_trouble *why);

#endif
