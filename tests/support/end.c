/* SPDX-License-Identifier: Apache-2.0 */
/* Every callback asserts what may have come before it. */
#include "support/end.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"

static void on_opened(void *ctx)
{
    struct end *end = ctx;
    assert_int_equal(end->opened, 0);
    assert_int_equal(end->closed, 0);
    end->opened++;
    if (end->greeting != NULL) {
        assert_int_equal(stream_send(end->stream, end->greeting, strlen(end->greeting)), 0);
    }
}

static void on_data(void *ctx, const uint8_t *data, size_t size)
{
    struct end *end = ctx;
    assert_int_equal(end->opened, 1);
    assert_int_equal(end->closed, 0);
    assert_true(size > 0 && size <= sizeof(end->data));
    memcpy(end->data, data, size);
    end->size += size;
    end->received++;
    if (end->echo) {
        assert_int_equal(stream_send(end->stream, data, size), 0);
    }
    if (end->close_on_data) {
        stream_close(end->stream);
        assert_int_equal(end->closed, 0);
    }
}

static void on_drained(void *ctx)
{
    struct end *end = ctx;
    assert_int_equal(end->closed, 0);
    end->drained++;
}

static void on_closed(void *ctx, int error, const char *detail)
{
    struct end *end = ctx;
    assert_int_equal(end->closed, 0);
    assert_non_null(detail);
    end->closed++;
    end->error = error;
    end->stream = NULL;
    (void)str_copy(end->detail, sizeof(end->detail), detail);
}

const struct stream_events end_events = {
    .opened = on_opened,
    .data = on_data,
    .drained = on_drained,
    .closed = on_closed,
};

void end_open(struct end *end, struct loop *loop, const struct stream_target *target)
{
    assert_int_equal(stream_open(loop, target, &end_events, end, &end->stream), 0);
    assert_int_equal(end->opened, 0);
    assert_int_equal(end->closed, 0);
}

static void on_accepted(void *ctx, struct stream *stream)
{
    struct end_server *server = ctx;
    if (server->taken < server->count) {
        struct end *end = &server->ends[server->taken++];
        end->stream = stream;
        stream_take(stream, &end_events, end);
    }
}

void end_listen(struct end_server *server, struct loop *loop, const struct listener_target *target)
{
    static const struct listener_events events = { .accepted = on_accepted };
    struct err err = { 0 };
    int error = listener_open(loop, target, &events, server, &server->listener, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(error, 0);
}

struct stream_target end_target(const struct end_server *server)
{
    return (struct stream_target){
        .kind = STREAM_TCP,
        .host = "127.0.0.1",
        .port = listener_port(server->listener),
    };
}
