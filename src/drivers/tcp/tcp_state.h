/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver keeps, and what it keeps of each device. Private to the driver:
 *
 *   tcp_frame.c, tcp_frame_rule.c   where a message ends (pure)
 *   tcp_inlet.c                     from a stream to messages
 *   tcp_acks.c                      what a connection is owed (pure)
 *   tcp_text.c                      what is sent; expressions
 *   tcp_config.c, tcp_options.c     settings
 *   tcp_routes.c                    which devices read what comes in one place
 *   tcp_server.c                    a listener: its socket, its devices
 *   tcp_connection.c                one connection to it
 *   tcp_datagrams.c                 a listener of UDP
 *   tcp_link.c                      a connection that we make, shared by its devices
 *   tcp_ask.c                       questions and writes, one at a time on a link
 *   tcp_answer.c                    what is an answer, and the one that may come late
 *   tcp_own.c                       busbar's own certificate
 *   tcp_point.c                     addresses of points
 *   tcp_words.c, tcp_test.c         for people
 *   tcp_driver.c                    the slots of the interface */
#ifndef BUSBAR_DRIVERS_TCP_TCP_STATE_H
#define BUSBAR_DRIVERS_TCP_TCP_STATE_H

#include "driver/driver.h"
#include "drivers/tcp/tcp_config.h"
#include "drivers/tcp/tcp_text.h"
#include "feed/feed.h"
#include "payload/program.h"

struct tcp_connection;
struct tcp_link;
struct tcp_own;
struct tcp_server;

/* A point's address. */
struct tcp_address {
    struct payload_point rule;                 /* kind PAYLOAD_POINT_ROWS: only written */
    const char *ask, *send, *answer, *refused; /* NULL: not set */
};

/* Points that one question asks for. */
struct tcp_question {
    const char *text;
    uint32_t *points;
    size_t count;
    struct payload_program *program;
};

struct tcp_driver_state {
    struct driver *drv;
    struct loop *loop;
    struct feed *feed;
    struct payload_reader *reader; /* for answers, and the first message of a connection */
    struct feed_verdict
        verdict; /* of the message being taken; not on the stack: it is a kilobyte */
    struct tcp_own *own;
    struct list servers; /* struct tcp_server */
    struct list links;   /* struct tcp_link */
};

struct tcp_device {
    struct device *dev;
    struct tcp_driver_state *state;
    struct tcp_device_config config;
    const char *id;

    /* it connects to us */
    struct tcp_server *server;         /* NULL: not started */
    struct tcp_connection *connection; /* it spoke on last; NULL: none */
    struct endpoint from;              /* UDP: it spoke from last; family 0: none */

    /* we connect to it */
    struct tcp_link *link; /* NULL: not started */
    struct list on_link;   /* among the devices of the link */
    struct payload_shape *shape;
    struct tcp_question *questions;
    size_t question_count;
    struct list tests; /* struct tcp_test */

    struct list finished; /* struct tcp_job: answered in the next turn */
    struct loop_deferred finishing;
    int64_t heard_us; /* wall time of its last message; 0: none */
};

static inline struct tcp_device *tcp_device_of(const struct device *dev)
{
    return dev->driver;
}

static inline const struct tcp_address *tcp_address_of(const struct device *dev, uint32_t point)
{
    return (const struct tcp_address *)dev->addresses + point;
}

#endif
