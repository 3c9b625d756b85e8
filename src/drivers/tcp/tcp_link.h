/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that we make: TCP, TLS or UDP, shared by the devices that say the same of it. It connects as long as it has
 * devices, with back-off; a read of the host makes it try sooner. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_LINK_H
#define BUSBAR_DRIVERS_TCP_TCP_LINK_H

#include "drivers/tcp/tcp_answer.h"
#include "drivers/tcp/tcp_inlet.h"
#include "drivers/tcp/tcp_routes.h"
#include "drivers/tcp/tcp_server.h"
#include "net/backoff.h"
#include "net/name.h"
#include "net/stream.h"

struct tcp_job;

struct tcp_link {
    struct list link; /* in the driver's state */
    struct tcp_driver_state *state;
    struct tcp_config *config;
    char name[ADDRESS_TEXT_MAX];
    struct list devices; /* struct tcp_device */

    struct stream *stream;
    struct datagram *datagram;
    struct name *finding; /* the address of a UDP peer */
    struct endpoint peer;
    bool up, ending;
    struct err trouble; /* why it is down */
    struct backoff backoff;
    struct timer retry, watch;
    int64_t tried_us, opened_us, heard_us, sent_us; /* monotonic */
    int64_t receive_us;

    struct tcp_inlet inlet;
    struct tcp_routes routes;
    struct tcp_sender sender;
    uint64_t messages, refused, late_count;
    unsigned bad;

    /* questions and writes, one at a time: tcp_ask.c */
    struct list jobs;
    struct tcp_job *asking;           /* the first of them has an answer to come; NULL: none */
    struct tcp_match answer, refusal; /* of a write */
    struct timer patience;
    struct tcp_late late; /* nothing is asked while it may come */
};

/* The link of these settings; made where there is none. The device is one of its devices from now on. */
void tcp_link_join(struct tcp_driver_state *state, struct tcp_device *device);
/* Its jobs are answered before. With its last device it goes. */
void tcp_link_leave(struct tcp_device *device);
/* Connects now, unless it did within the last second. */
void tcp_link_wake(struct tcp_link *link);
/* As stream_send(). */
int tcp_link_send(struct tcp_link *link, const void *data, size_t size);

#endif
