/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as a stream over a stream. OpenSSL sees two memory buffers instead of a socket: what the inner stream receives goes
 * into one, what OpenSSL writes to the other goes to the inner stream; so there is one way of connecting,
 * gathering and closing for both kinds.
 *
 * The end: the inner stream's `closed` is what ends this one, whoever began.
 */
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"
#include "net/address.h"
#include "net/loop_private.h"
#include "net/stream_private.h"
#include "net/timer.h"
#include "net/tls_private.h"

enum { RECORD_BYTES = 16384, RECORD_OVERHEAD_BYTES = 64, ALPN_BYTES_MAX = 512 };

struct tls_stream {
    struct stream base;
    struct stream *inner; /* NULL once it ended */
    struct tls_context *context;
    SSL *ssl;
    BIO *from_peer;
    BIO *to_peer;
    struct timer handshake;
    struct loop_deferred resume;
    size_t send_max;
    uint32_t timeout_ms;
    bool paused;
};

static struct tls_stream *of(struct stream *stream)
{
    return (struct tls_stream *)stream;
}

/* Hands what OpenSSL wrote to the inner stream. */
static int push(struct tls_stream *self)
{
    char *data;
    long size = BIO_get_mem_data(self->to_peer, &data);
    int error = size > 0 && self->inner != NULL ? stream_send(self->inner, data, (size_t)size) : 0;
    (void)BIO_reset(self->to_peer);
    return error;
}

static void fail_tls(struct tls_stream *self)
{
    (void)push(self); /* the alert that tells the peer why */
    char reason[120];
    long verdict = SSL_get_verify_result(self->ssl);
    bool not_trusted = verdict != X509_V_OK &&
                       (SSL_get_verify_mode(self->ssl) & SSL_VERIFY_PEER) != 0;
    if (not_trusted) {
        (void)str_copy(reason, sizeof(reason), X509_verify_cert_error_string(verdict));
        ERR_clear_error();
    } else {
        tls_reason(reason, sizeof(reason));
    }
    stream_failed(&self->base, BUSBAR_ETLS,
                  not_trusted ? "%s: certificate not accepted: %s" : "%s: TLS failed: %s",
                  self->base.peer, reason);
}

static void shake_hands(struct tls_stream *self)
{
    ERR_clear_error();
    int result = SSL_do_handshake(self->ssl);
    if (result != 1 && SSL_get_error(self->ssl, result) != SSL_ERROR_WANT_READ) {
        fail_tls(self);
        return;
    }
    int error = push(self);
    if (error != 0) {
        stream_failed(&self->base, error, "%s: %s", self->base.peer, err_text(error));
    } else if (result == 1) {
        timer_stop(&self->handshake);
        stream_opened(&self->base);
    }
}

static uint8_t *plain_buffer(struct loop *loop)
{
    if (loop->plain_buffer == NULL) {
        loop->plain_buffer = busbar_alloc(STREAM_READ_BYTES);
    }
    return loop->plain_buffer;
}

/* Decrypts and tells all that has come. */
static void pump(struct tls_stream *self)
{
    if (self->base.phase == STREAM_CONNECTING) {
        shake_hands(self);
    }
    uint8_t *buffer = plain_buffer(self->base.loop);
    while (self->base.phase == STREAM_OPEN && !self->paused) {
        ERR_clear_error();
        int got = SSL_read(self->ssl, buffer, STREAM_READ_BYTES);
        if (got > 0) {
            stream_received(&self->base, buffer, (size_t)got);
            continue;
        }
        int why = SSL_get_error(self->ssl, got);
        if (why == SSL_ERROR_ZERO_RETURN) {
            stream_failed(&self->base, BUSBAR_ECLOSED, "%s: closed by the peer", self->base.peer);
        } else if (why != SSL_ERROR_WANT_READ) {
            fail_tls(self);
        }
        break;
    }
    if (self->base.phase == STREAM_OPEN) {
        (void)push(self); /* answers of the protocol itself, e.g. a key update */
    }
}

static void resume(void *ctx)
{
    struct tls_stream *self = ctx;
    if (self->base.phase == STREAM_OPEN) {
        pump(self);
    }
}

static void inner_opened(void *ctx)
{
    struct tls_stream *self = ctx;
    (void)str_copy(self->base.peer, sizeof(self->base.peer), stream_peer(self->inner));
    if (self->base.phase == STREAM_CONNECTING) {
        shake_hands(self);
    }
}

static void inner_data(void *ctx, const uint8_t *data, size_t size)
{
    struct tls_stream *self = ctx;
    assert(size <= STREAM_READ_BYTES);
    if (BIO_write(self->from_peer, data, (int)size) != (int)size) {
        stream_failed(&self->base, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
        return;
    }
    pump(self);
}

static void inner_drained(void *ctx)
{
    struct tls_stream *self = ctx;
    if (self->base.phase == STREAM_OPEN && self->base.events != NULL &&
        self->base.events->drained != NULL) {
        self->base.events->drained(self->base.ctx);
    }
}

static void inner_closed(void *ctx, int error, const char *detail)
{
    struct tls_stream *self = ctx;
    self->inner = NULL;
    if (self->base.phase >= STREAM_CLOSING) {
        stream_ended(&self->base);
    } else {
        stream_failed(&self->base, error, "%s", detail);
    }
}

static const struct stream_events inner_events = {
    .opened = inner_opened,
    .data = inner_data,
    .drained = inner_drained,
    .closed = inner_closed,
};

static void on_handshake_timeout(struct timer *timer, void *ctx)
{
    (void)timer;
    struct tls_stream *self = ctx;
    stream_failed(&self->base, BUSBAR_ETIMEOUT, "%s: TLS handshake not done within %u ms",
                  self->base.peer, self->timeout_ms);
}

static int tls_send(struct stream *stream, const void *data, size_t size)
{
    struct tls_stream *self = of(stream);
    size_t overhead = (size / RECORD_BYTES + 1) * RECORD_OVERHEAD_BYTES;
    if (size > self->send_max || stream_pending(self->inner) + size + overhead > self->send_max) {
        stream_fd_owe_drained(self->inner);
        return BUSBAR_ELIMIT;
    }
    ERR_clear_error();
    size_t written = 0;
    if (SSL_write_ex(self->ssl, data, size, &written) != 1 || written != size) {
        return BUSBAR_ETLS;
    }
    return push(self);
}

static void tls_close(struct stream *stream)
{
    struct tls_stream *self = of(stream);
    timer_stop(&self->handshake);
    loop_defer_cancel(&self->resume);
    if (self->inner == NULL) {
        stream_ended(stream);
        return;
    }
    if (stream->error == 0 && SSL_is_init_finished(self->ssl)) {
        (void)SSL_shutdown(self->ssl);
        (void)push(self);
    }
    stream_close(self->inner);
}

static void tls_pause(struct stream *stream, bool paused)
{
    struct tls_stream *self = of(stream);
    self->paused = paused;
    stream_pause(self->inner, paused);
    if (!paused) {
        loop_defer(stream->loop, &self->resume); /* what is decrypted already comes from the loop */
    }
}

static size_t tls_pending(const struct stream *stream)
{
    const struct stream *inner = ((const struct tls_stream *)stream)->inner;
    return inner != NULL ? stream_pending(inner) : 0;
}

static bool tls_certificate(const struct stream *stream, struct stream_certificate *out)
{
    const SSL *ssl = ((const struct tls_stream *)stream)->ssl;
    X509 *cert = SSL_get0_peer_certificate(ssl);
    if (cert == NULL) {
        return false;
    }
    tls_names(cert, out);
    return true;
}

static void tls_free(struct stream *stream)
{
    struct tls_stream *self = of(stream);
    SSL_free(self->ssl); /* with both BIOs */
    tls_context_unref(self->context);
    busbar_free(self);
}

static const struct stream_ops tls_ops = {
    .send = tls_send,
    .close = tls_close,
    .pause = tls_pause,
    .certificate = tls_certificate,
    .pending = tls_pending,
    .free = tls_free,
};

/* NULL when memory is out. */
static struct tls_stream *new_stream(struct loop *loop, struct tls_context *context,
                                     size_t send_max, uint32_t timeout_ms)
{
    SSL *ssl = SSL_new(tls_context_ssl(context));
    BIO *from_peer = BIO_new(BIO_s_mem());
    BIO *to_peer = BIO_new(BIO_s_mem());
    if (ssl == NULL || from_peer == NULL || to_peer == NULL) {
        SSL_free(ssl);
        BIO_free(from_peer);
        BIO_free(to_peer);
        return NULL;
    }
    SSL_set_bio(ssl, from_peer, to_peer);
    struct tls_stream *self = busbar_alloc(sizeof(*self));
    stream_base_init(&self->base, &tls_ops, loop, NULL, NULL);
    self->context = tls_context_ref(context);
    self->ssl = ssl;
    self->from_peer = from_peer;
    self->to_peer = to_peer;
    self->send_max = send_max;
    self->timeout_ms = timeout_ms;
    timer_init(&self->handshake, loop, on_handshake_timeout, self);
    loop_deferred_init(&self->resume, resume, self);
    timer_start(&self->handshake, timeout_ms, 0);
    return self;
}

/* The name to be found in the peer's certificate; names are also sent (SNI, RFC 6066 section 3), addresses are not. */
static bool set_server_name(SSL *ssl, const char *name)
{
    if (address_is_ip(name)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* "mqtt,x-y" as it is on the wire: a byte of length before each (RFC 7301, 3.1). False: a name is empty or too long. */
static bool set_alpn(SSL *ssl, const char *names)
{
    uint8_t list[ALPN_BYTES_MAX];
    struct bytes_out out = bytes_out_of(list, sizeof(list));
    for (;;) {
        size_t size = strcspn(names, ",");
        if (size == 0 || size > UINT8_MAX || size + 1 > bytes_out_left(&out)) {
            return false;
        }
        bytes_put_u8(&out, (uint8_t)size);
        bytes_put_block(&out, names, size);
        if (names[size] == '\0') {
            break;
        }
        names += size + 1;
    }
    return SSL_set_alpn_protos(ssl, list, (unsigned)bytes_out_size(&out)) == 0;
}

int stream_tls_open(struct loop *loop, const struct stream_target *target,
                    const struct stream_events *events, void *ctx, struct stream **out)
{
    struct tls_stream *self = new_stream(loop, target->tls, target->send_max,
                                         target->connect_timeout_ms);
    if (self == NULL) {
        return BUSBAR_ENOMEM;
    }
    self->base.events = events;
    self->base.ctx = ctx;
    (void)str_format(self->base.peer, sizeof(self->base.peer), "%s:%u", target->host, target->port);
    *out = &self->base;
    SSL_set_connect_state(self->ssl);
    const char *name = target->server_name != NULL ? target->server_name : target->host;
    if (!set_server_name(self->ssl, name)) {
        stream_failed(&self->base, BUSBAR_EINVAL, "'%s' is not a name TLS can check", name);
        return 0;
    }
    if (target->alpn != NULL && !set_alpn(self->ssl, target->alpn)) {
        stream_failed(&self->base, BUSBAR_EINVAL, "'%s' is no list of ALPN names", target->alpn);
        return 0;
    }
    struct stream_target inner_target = *target;
    inner_target.kind = STREAM_TCP;
    inner_target.send_max += STREAM_TLS_SLACK_BYTES;
    return stream_fd_open(loop, &inner_target, &inner_events, self, &self->inner);
}

struct stream *stream_tls_accept(struct loop *loop, struct tls_context *tls, struct stream *inner,
                                 size_t send_max)
{
    struct tls_stream *self = new_stream(loop, tls, send_max, STREAM_CONNECT_TIMEOUT_MS);
    if (self == NULL) {
        return NULL;
    }
    (void)str_copy(self->base.peer, sizeof(self->base.peer), stream_peer(inner));
    SSL_set_accept_state(self->ssl);
    self->inner = inner;
    stream_take(inner, &inner_events, self);
    return &self->base;
}
