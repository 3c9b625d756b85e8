/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fake network for client tests: while it lives, every stream_open() on its loop gives a stream whose
 * other end is the test. Use it with the fake clock and loop_advance_for_test(); nothing sleeps.
 *
 *     struct fake_net *net = fake_net_new(loop);
 *     ... the client under test calls stream_open() ...
 *     struct fake_peer *peer = fake_net_last(net);
 *     fake_peer_accept(peer);                          client sees `opened`
 *     fake_peer_expect(peer, bytes, size);             asserts what the client sent
 *     fake_peer_send(peer, answer, size);              client sees `data`, at once
 *     fake_peer_fail(peer, BUSBAR_ERESET, "reset");    client sees `closed`
 */
#ifndef BUSBAR_TESTS_FAKE_STREAM_H
#define BUSBAR_TESTS_FAKE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/stream.h"

struct fake_net;
struct fake_peer;

struct fake_net *fake_net_new(struct loop *loop);
void fake_net_free(struct fake_net *net); /* frees the peers too; streams must have ended */

size_t fake_net_count(const struct fake_net *net); /* streams ever opened */
struct fake_peer *fake_net_peer(const struct fake_net *net,
                                size_t index); /* asserts that it is there */
struct fake_peer *fake_net_last(const struct fake_net *net);

/* The next stream_open() returns this error; 0: works again. */
void fake_net_refuse(struct fake_net *net, int error);

/* What the client asked for; texts are copies. */
const struct stream_target *fake_peer_target(const struct fake_peer *peer);

void fake_peer_accept(struct fake_peer *peer);
void fake_peer_send(struct fake_peer *peer, const void *data, size_t size);
void fake_peer_fail(struct fake_peer *peer, int error,
                    const char *detail); /* asserts nothing of the client */

/* What the client sent and the test has not taken yet. */
const uint8_t *fake_peer_sent(const struct fake_peer *peer, size_t *size);
void fake_peer_drop(struct fake_peer *peer, size_t size); /* takes that much from the front */

/* Asserts that exactly these bytes are waiting, and takes them. */
void fake_peer_expect(struct fake_peer *peer, const void *data, size_t size);
void fake_peer_expect_nothing(struct fake_peer *peer);

/* The client closed it, or it ended. */
bool fake_peer_closed(const struct fake_peer *peer);

/* The client listens no more for now (stream_pause). */
bool fake_peer_paused(const struct fake_peer *peer);

/* Tells the client that its pending bytes, once refused, have left. */
void fake_peer_drain(struct fake_peer *peer);

/* stream_send() on it fails with this; 0: works again. */
void fake_peer_send_error(struct fake_peer *peer, int error);

#endif
