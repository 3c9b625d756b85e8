/* SPDX-License-Identifier: Apache-2.0 */
/* Hears servers announce themselves by multicast DNS (UDP 5353, 224.0.0.251), beside whoever else listens there
 * (avahi, systemd-resolved), and asks for them when told to. Loop thread only. */
#ifndef BUSBAR_DRIVERS_OPCUA_HEARD_H
#define BUSBAR_DRIVERS_OPCUA_HEARD_H

#include "base/err.h"
#include "drivers/opcua/text/mdns.h"
#include "net/loop.h"

struct opcua_heard;

/* An announcement that says where a server is, or that it goes. url: by the address that was announced, or that it came from.
 * host: where it came from. Both NULL for a server that says goodbye (server->gone). Borrowed for the call; may not close. */
typedef void (*opcua_heard_cb)(void *ctx, const struct opcua_mdns_server *server, const char *url,
                               const char *host);

/* Joins the group on each card that is up. Returns 0, or with err filled: BUSBAR_EADDRINUSE ... */
int opcua_heard_open(struct loop *loop, opcua_heard_cb cb, void *ctx, struct opcua_heard **out,
                     struct err *err);
/* Asks on each card who is there. Returns on how many it was sent. */
unsigned opcua_heard_ask(struct opcua_heard *heard);
uint64_t opcua_heard_count(
    const struct opcua_heard *heard);                      /* announcements that were understood */
uint64_t opcua_heard_bad(const struct opcua_heard *heard); /* messages that were not */
void opcua_heard_close(struct opcua_heard *heard);         /* NULL is fine */

#endif
