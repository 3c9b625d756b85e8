/* SPDX-License-Identifier: Apache-2.0 */
/* The devices that read what comes in at one place (a listener, a link): one route for those that read it the same way. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_ROUTES_H
#define BUSBAR_DRIVERS_TCP_TCP_ROUTES_H

#include "drivers/tcp/tcp_state.h"

enum { TCP_ROUTES_MAX = 1000 /* ways of reading the same messages */ };

struct tcp_routes {
    struct feed *feed;
    const char *name; /* for people; borrowed */
    struct feed_route **routes;
    struct payload_shape **shapes; /* of each, to find it again; held by the route */
    size_t count;
};

void tcp_routes_init(struct tcp_routes *routes, struct feed *feed, const char *name);
void tcp_routes_fini(struct tcp_routes *routes); /* all devices have left */

/* By its points that are not asked for, and its events. propose: as feed_route_propose(); NULL: nothing. */
int tcp_routes_join(struct tcp_routes *routes, struct tcp_device *device, const char *propose,
                    struct err *err);
void tcp_routes_leave(struct tcp_routes *routes, struct tcp_device *device);

#endif
