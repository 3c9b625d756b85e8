/* SPDX-License-Identifier: Apache-2.0 */
/* The library's event loop (UA_EventLoop, open62541/plugin/eventloop.h) as an adapter on ours: timers on net/timer,
 * connections on net/stream, delayed calls on loop_defer(). OPC UA thread only; for clients only, it never listens.
 *
 * What a client of the library may not do on it: anything that waits (UA_Client_connect, UA_Client_disconnect
 * of an open channel, synchronous services). Such a wait ends at once with BadNotSupported, for the one
 * loop of the thread is not to be run from inside of itself.
 *
 * Each connection begins for the client as if the server had called back (ReverseHello, Part 6, 7.1.2.6): the
 * first bytes it hears are made here and name the URL of its own configuration. So it takes that URL for
 * the server's, and asks nobody (FindServers) for another one to connect to. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_EVENT_LOOP_H
#define BUSBAR_DRIVERS_OPCUA_LINK_EVENT_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/stream.h"

struct UA_EventLoop;

/* Aborts when memory is out. */
struct UA_EventLoop *opcua_event_loop_new(struct loop *loop);
/* All connections are closed and all clients deleted. */
void opcua_event_loop_free(struct UA_EventLoop *event_loop);

/* The connection of one client, as its owner sets and sees it. It is the `clientContext` of the client's
 * configuration, lives as long as the client, and is all zero but for what the owner sets. */
struct opcua_wire {
    uint32_t connect_timeout_ms; /* 0: the stream's own */
    uint32_t silence_timeout_ms; /* TCP_USER_TIMEOUT; 0: the stream's own */
    size_t send_max;             /* bytes waiting to be sent; 0: the stream's own */
    /* Known: */
    struct stream *stream; /* NULL: no connection */
    int64_t heard_us;      /* monotonic: when the server last sent something */
    size_t request_max;    /* bytes of one message that the server takes; 0: it names no limit */
    int error;             /* why the last connection ended: BUSBAR_ code, 0: we closed it */
    char detail[STREAM_DETAIL_MAX];
};

#endif
