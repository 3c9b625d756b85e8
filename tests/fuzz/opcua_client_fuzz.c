/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile server against a session without security. The first byte says how many requests are answered well, so
 * that each phase of connecting meets the hostile part; the rest is a script of answers: raw bytes, messages with
 * the right ids and a body of the input, in one or many chunks, calls, time, ends. Whatever comes: no crash, and
 * each call is answered once. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "drivers/opcua/link/session.h"
#include "opcua_canned.h"
#include "scripted_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* The library (1.4.18) loses some bytes of an OpenSecureChannel message that it refuses: once a connection. What we
 * lose ourselves is looked for by the unit tests. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libopen62541";
}

enum { STEPS_MAX = 200, CALLS_MAX = 64, MANY = 1000 };

/* ---- a stream whose other end is the canned server ---- */

struct net {
    struct scripted_net base;
    struct loop *loop;
    struct canned canned;
};

static void net_heard(struct scripted_net *base, const uint8_t *data, size_t size)
{
    struct net *net = (struct net *)base;
    struct bytes copy = bytes_dup(data, size);
    canned_hear(&net->canned, copy.start, size);
    bytes_fini(&copy);
}

/* Bytes of the server arrive later, never from inside of the client's sending; in a block of their own size. */
struct bytes_later {
    struct net *net;
    struct stream *stream;
    size_t size;
    uint8_t data[];
};

static void deliver(void *ctx)
{
    struct bytes_later *later = ctx;
    if (later->net->base.stream == later->stream && later->stream->phase == STREAM_OPEN) {
        stream_received(later->stream, later->data, later->size);
    }
    busbar_free(later);
}

static void server_says(void *ctx, const uint8_t *data, size_t size)
{
    struct net *net = ctx;
    struct bytes_later *later = busbar_alloc(sizeof(*later) + size);
    later->net = net;
    later->stream = net->base.stream;
    later->size = size;
    memcpy(later->data, data, size);
    (void)loop_post(net->loop, deliver, later);
}

/* ---- a user of the session ---- */

struct user {
    struct opcua_seat *seat;
    unsigned asked, answered;
    bool up, left;
};

static void on_up(void *ctx, const struct opcua_server_facts *facts, bool resumed)
{
    struct user *user = ctx;
    (void)facts, (void)resumed;
    user->up = true;
}

static void on_down(void *ctx, const struct opcua_trouble *why)
{
    struct user *user = ctx;
    if (why->error == 0 || why->detail[0] == '\0' || user->asked != user->answered) {
        abort();
    }
    user->up = false;
}

static void on_changed(void *ctx, const struct opcua_server_facts *facts)
{
    (void)ctx;
    if (facts->namespace_count == 0) {
        abort();
    }
}

static void on_left(void *ctx)
{
    struct user *user = ctx;
    user->left = true;
}

static void on_answer(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct user *user = ctx;
    user->answered++;
    if ((response == NULL) == (trouble == NULL)) {
        abort();
    }
}

static void call(struct user *user, uint8_t which)
{
    static const struct {
        unsigned request, response;
    } services[] = {
        { UA_TYPES_READREQUEST, UA_TYPES_READRESPONSE },
        { UA_TYPES_PUBLISHREQUEST, UA_TYPES_PUBLISHRESPONSE },
        { UA_TYPES_BROWSEREQUEST, UA_TYPES_BROWSERESPONSE },
        { UA_TYPES_CREATEMONITOREDITEMSREQUEST, UA_TYPES_CREATEMONITOREDITEMSRESPONSE },
        { UA_TYPES_HISTORYREADREQUEST, UA_TYPES_HISTORYREADRESPONSE },
        { UA_TYPES_CALLREQUEST, UA_TYPES_CALLRESPONSE },
    };
    if (user->asked - user->answered >= CALLS_MAX) {
        return;
    }
    size_t at = which % (sizeof(services) / sizeof(services[0]));
    void *request = UA_new(&UA_TYPES[services[at].request]);
    user->asked++;
    (void)opcua_call(user->seat, request, &UA_TYPES[services[at].request],
                     &UA_TYPES[services[at].response], (which & 1) * 100 * CLOCK_US_PER_MS,
                     on_answer, user);
    UA_delete(request, &UA_TYPES[services[at].request]);
}

/* ---- the script: op, size, bytes ---- */

static void settle(struct net *net)
{
    for (unsigned i = 0; i < 40; i++) {
        if (net->base.stream != NULL && net->base.stream->phase == STREAM_CONNECTING) {
            stream_opened(net->base.stream);
        }
        loop_turn(net->loop, false);
    }
}

static void step(struct net *net, struct user *user, uint8_t op, const uint8_t *data, size_t size)
{
    bool open = net->base.stream != NULL && net->base.stream->phase == STREAM_OPEN;
    switch (op & 7) {
    case 0:
        if (open && size > 0) {
            server_says(net, data, size);
        }
        break;
    case 1:
    case 2:
        if (open) {
            canned_chunk(&net->canned, (op & 7) == 1 ? 'F' : 'C',
                         net->canned.request - ((op >> 3) & 3), data, size);
        }
        break;
    case 3:
        if (open) {
            canned_chunk(&net->canned, 'A', net->canned.request, data, size);
        }
        break;
    case 4: call(user, op >> 3); break;
    case 5:
        loop_advance_for_test(net->loop, (int64_t)(1 + (op >> 3)) * 400 * CLOCK_US_PER_MS);
        break;
    case 6:
        if (open) {
            stream_failed(net->base.stream, -15, "the script ends it");
        }
        break;
    default:
        net->canned.requests = 0;
        opcua_seat_connect(user->seat);
        break;
    }
    settle(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct opcua_seat_events events = {
        .up = on_up, .down = on_down, .changed = on_changed, .left = on_left
    };
    if (size < 1) {
        return 0;
    }
    busbar_log_level(LOG_LEVEL_ERROR);
    clock_fake_set(1000 * CLOCK_US_PER_S, INT64_C(1790000000) * CLOCK_US_PER_S);
    struct net net = { .base = { .heard = net_heard }, .loop = loop_new() };
    net.canned = (struct canned){ .send = server_says, .ctx = &net, .answers = data[0] & 15 };
    net.canned.answers = net.canned.answers == 15 ? MANY : net.canned.answers;
    stream_open_hook(net.loop, scripted_net_open, &net.base);
    struct opcua_thread *thread = opcua_thread_borrow(net.loop);
    struct opcua_link_config config = { .urls = { "opc.tcp://10.0.3.5:48250/x" },
                                        .url_count = 1,
                                        .mode = OPCUA_MODE_NONE,
                                        .timeout_us = 5 * CLOCK_US_PER_S,
                                        .session_timeout_us = 60 * CLOCK_US_PER_S,
                                        .keep_alive_us = 2 * CLOCK_US_PER_S };
    struct user user = { 0 };
    user.seat = opcua_seat_take(thread, NULL, &config, &events, &user);
    opcua_seat_connect(user.seat);
    settle(&net);
    call(&user, data[0] >> 4);
    size_t at = 1;
    for (unsigned i = 0; i < STEPS_MAX && at + 3 <= size; i++) {
        size_t length = (size_t)data[at + 1] | (size_t)data[at + 2] << 8;
        uint8_t op = data[at];
        at += 3;
        length = length < size - at ? length : size - at;
        step(&net, &user, op, data + at, length);
        at += length;
    }
    opcua_seat_leave(user.seat);
    if (user.asked != user.answered) {
        abort();
    }
    for (unsigned i = 0; i < 8 && !user.left; i++) {
        settle(&net);
        loop_advance_for_test(net.loop, CLOCK_US_PER_S);
    }
    if (!user.left) {
        abort();
    }
    settle(&net);
    opcua_thread_stop(thread);
    stream_open_hook(net.loop, NULL, NULL);
    loop_free(net.loop);
    clock_fake_off();
    return 0;
}
