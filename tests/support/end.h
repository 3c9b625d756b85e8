/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a stream in a test: counts what it is told and keeps what it receives, and checks the life of a stream on
 * the way: nothing before `opened`, nothing after `closed`, `closed` once and never from inside a call.
 */
#ifndef BUSBAR_TESTS_END_H
#define BUSBAR_TESTS_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/listener.h"
#include "net/stream.h"

struct end {
    struct stream *stream;
    int opened;
    int received; /* `data` callbacks */
    int drained;
    int closed;
    int error;
    char detail[STREAM_DETAIL_MAX];
    uint8_t data[1 << 16]; /* the last bytes received */
    size_t size;           /* all bytes received */
    bool echo;             /* sends back what it receives */
    bool close_on_data;
    const char *greeting; /* sent when opened */
};

extern const struct stream_events end_events;

/* Opens a stream to the target with this end; asserts that it begins. */
void end_open(struct end *end, struct loop *loop, const struct stream_target *target);

/* A listener that hands its streams to ends, the first to ends[0] and so on; more than count are not taken. */
struct end_server {
    struct listener *listener;
    struct end *ends;
    size_t count;
    size_t taken;
};
void end_listen(struct end_server *server, struct loop *loop, const struct listener_target *target);

/* A TCP target for the port of a server on 127.0.0.1. */
struct stream_target end_target(const struct end_server *server);

#endif
