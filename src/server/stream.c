/* SPDX-License-Identifier: Apache-2.0 */
/* A long answer in pieces: while the client reads one, a job makes the next.
 *
 *   job: make() -> ready -> sending -> libmicrohttpd -> client
 *
 * A stream has three holders: the connection, libmicrohttpd's answer, and the job under way. It is
 * freed when all have let go. */
#include "server/stream.h"

#include <microhttpd.h>
#include <string.h>

#include "base/alloc.h"
#include "net/jobs.h"
#include "server/reply.h"

enum { BLOCK_BYTES = 64 * 1024 };

struct stream {
    struct list link;
    struct server_request *req; /* NULL: the connection is gone */
    struct loop *loop;
    const struct server_maker *maker;
    void *ctx;
    atomic_bool cancel;
    bool response_gone, making, stopped;
    bool ready_is_there, last; /* of what make() gave */
    int error, make_error;     /* while it makes, the job's own */
    struct buf ready, sending;
    size_t sent;
};

static void free_when_done(struct stream *stream)
{
    if (stream->req != NULL || !stream->response_gone || stream->making) {
        return;
    }
    stream->maker->end(stream->ctx);
    list_remove(&stream->link);
    buf_fini(&stream->ready);
    buf_fini(&stream->sending);
    busbar_free(stream);
}

/* ---- the job ---- */

static void work(void *ctx)
{
    struct stream *stream = ctx;
    stream->make_error = stream->maker->make(stream->ctx, &stream->ready, &stream->last,
                                             &stream->cancel);
    if (stream->make_error == 0 && stream->ready.overflow) {
        stream->make_error = BUSBAR_ELIMIT;
    }
}

static void made(void *ctx, int error)
{
    struct stream *stream = ctx;
    stream->making = false;
    stream->ready_is_there = true;
    stream->error = error != 0 ? error : stream->make_error;
    if (stream->req != NULL) {
        http_stream_wake(&stream->req->http);
    }
    free_when_done(stream);
}

static void make_next(struct stream *stream)
{
    if (!stream->making && !stream->ready_is_there && !stream->last && stream->error == 0) {
        stream->making = true;
        jobs_submit(stream->loop, work, made, stream);
    }
}

/* ---- libmicrohttpd's side ---- */

/* False: there is none now. */
static bool take_piece(struct stream *stream)
{
    if (!stream->ready_is_there || stream->error != 0) {
        return false;
    }
    struct buf empty = stream->sending;
    stream->sending = stream->ready;
    stream->ready = empty;
    buf_clear(&stream->ready);
    stream->sent = 0;
    stream->ready_is_there = false;
    make_next(stream);
    return true;
}

static ssize_t read_stream(void *ctx, uint64_t position, char *to, size_t max)
{
    struct stream *stream = ctx;
    (void)position;
    if (stream->stopped || stream->req == NULL || http_stream_left(&stream->req->http)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    while (stream->sent == stream->sending.size) {
        if (take_piece(stream)) {
            continue;
        }
        if (stream->error != 0) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        if (!stream->making) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        http_stream_wait(&stream->req->http);
        return 0;
    }
    size_t size = stream->sending.size - stream->sent;
    size = size < max ? size : max;
    memcpy(to, stream->sending.data + stream->sent, size);
    stream->sent += size;
    return (ssize_t)size;
}

static void on_response_gone(void *ctx)
{
    struct stream *stream = ctx;
    stream->response_gone = true;
    atomic_store(&stream->cancel, true);
    free_when_done(stream);
}

static void on_connection_gone(void *ctx)
{
    struct stream *stream = ctx;
    stream->req = NULL;
    atomic_store(&stream->cancel, true);
    free_when_done(stream);
}

void stream_stop_all(struct server *server)
{
    list_each_safe(at, &server->streams) {
        struct stream *stream = list_entry(at, struct stream, link);
        stream->stopped = true;
        atomic_store(&stream->cancel, true);
        list_remove(&stream->link);
        if (stream->req != NULL) {
            http_stream_wake(&stream->req->http);
        }
    }
}

void server_reply_stream(struct server_request *req, unsigned status, const char *content_type,
                         const struct server_maker *maker, void *ctx)
{
    struct MHD_Response *response = NULL;
    struct stream *stream = NULL;
    if (server_of(req) != NULL && req->http.connection != NULL) {
        stream = busbar_alloc(sizeof(*stream));
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream,
                                                     stream, on_response_gone);
    }
    if (response == NULL) {
        busbar_free(stream);
        maker->end(ctx);
        server_reply_error(req, BUSBAR_ENOMEM, "no memory for a stream");
        return;
    }
    stream->req = req;
    stream->loop = server_of(req)->config.loop;
    stream->maker = maker;
    stream->ctx = ctx;
    buf_init(&stream->ready, SERVER_ANSWER_MAX);
    buf_init(&stream->sending, SERVER_ANSWER_MAX);
    list_append(&server_of(req)->streams, &stream->link);
    server_reply_headers(response, content_type, "no-store");
    server_reply_own_headers(req, response);
    server_request_on_gone(req, on_connection_gone, stream);
    make_next(stream);
    http_stream_begin(&req->http, 0);
    server_reply_response(req, status, response);
}
