/* SPDX-License-Identifier: Apache-2.0 */
/* The OPC UA thread: the one thread beside the loop that the OPC UA library lives in. It runs a loop of its
 * own (net/loop.h) with the library's event loop as an adapter on it (link/event_loop.h), so that names are
 * looked up without blocking, and one silent server delays no other.
 *
 * Two worlds, told apart by folder: everything in link/ and data/ runs on the OPC UA thread and may use the
 * library's types; the driver itself (opcua_*.c) runs on the gateway's loop and never calls the library.
 * They talk by posting calls in both directions; what is posted owns what it carries. Texts of
 * configuration and resolved addresses of a device are immutable and live until the device was removed,
 * which comes after the thread has let go of it: both sides may read them. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_THREAD_H
#define BUSBAR_DRIVERS_OPCUA_LINK_THREAD_H

#include "base/err.h"
#include "net/loop.h"

struct opcua_thread;

/* Starts the thread. home: the gateway's loop. Returns 0, or with err filled: BUSBAR_ENOMEM. */
int opcua_thread_start(struct loop *home, struct opcua_thread **out, struct err *err);

/* Tests, and whoever has the thread already: no thread of its own, all runs on this loop, which stays the
 * caller's and is home as well. Never fails. */
struct opcua_thread *opcua_thread_borrow(struct loop *loop);

/* Home. Everything on it must have been closed; channels that still say goodbye are waited for. Runs what was posted,
 * ends the thread, joins it. NULL is fine. */
void opcua_thread_stop(struct opcua_thread *thread);

/* From home: runs cb(ctx) on the OPC UA thread, in the order of posting. */
void opcua_thread_do(struct opcua_thread *thread, loop_cb cb, void *ctx);

/* From the OPC UA thread: runs cb(ctx) at home, in the order of posting. */
void opcua_thread_tell(struct opcua_thread *thread, loop_cb cb, void *ctx);

/* The thread's own loop, for timers of what runs there. OPC UA thread only. */
struct loop *opcua_thread_loop(struct opcua_thread *thread);
/* The library's event loop (UA_EventLoop), shared by all clients. OPC UA thread only. */
struct UA_EventLoop *opcua_thread_event_loop(struct opcua_thread *thread);

/* ---- for link/ ---- */

/* What must not be cut off by the end of the thread: it ends when nothing is held any more. */
void opcua_thread_hold(struct opcua_thread *thread);
void opcua_thread_release(struct opcua_thread *thread);
/* The sessions of the thread. */
struct list *opcua_thread_sessions(struct opcua_thread *thread);

#endif
