/* SPDX-License-Identifier: Apache-2.0 */
/* A listener: a bound socket, its libmicrohttpd daemon, and the loop that turns it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "http/http_parts.h"

enum { RUNS_AT_ONCE = 8 /* of the daemon, before others on the loop have their turn */ };

static const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* It wants to be run a few times around an answer, each at once: a timer would be a millisecond each. */
static void run(void *ctx)
{
    struct http_listener *listener = ctx;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    bool waits = true;
    for (int i = 0; i < RUNS_AT_ONCE && waits && wait_ms == 0; i++) {
        (void)MHD_run(listener->daemon);
        waits = MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES;
    }
    if (waits) {
        timer_start(&listener->timer, (int64_t)wait_ms, 0);
    } else {
        timer_stop(&listener->timer);
    }
}

static void on_readable(void *ctx, unsigned events)
{
    (void)events;
    run(ctx);
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    run(ctx);
}

static void log_line(void *ctx, const char *format, va_list args)
{
    const struct http_listener *listener = ctx;
    char text[LOG_TEXT_MAX];
    (void)vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\r\n")] = '\0';
    busbar_log(LOG_LEVEL_DEBUG, listener->name, NULL, "%s", text);
}

/* The target is taken apart by its owner, from the raw text. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *mhd, char *text)
{
    (void)ctx;
    (void)mhd;
    return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct http_listener *listener, int fd,
                                       const struct http_settings *settings)
{
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, listener->certificate },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, listener->key },
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities },
        { listener->client_ca != NULL ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
          listener->client_ca },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    flags |= settings->tls != NULL ? (unsigned)MHD_USE_TLS : 0;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_on_request, listener, /* */
        MHD_OPTION_EXTERNAL_LOGGER, log_line, listener, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, settings->pool_bytes, MHD_OPTION_CONNECTION_LIMIT,
        settings->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT, settings->per_address_max,
        MHD_OPTION_CONNECTION_TIMEOUT, settings->idle_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, listener, MHD_OPTION_NOTIFY_CONNECTION,
        http_on_connection, listener, MHD_OPTION_URI_LOG_CALLBACK, http_on_target, listener,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, listener, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_ARRAY, settings->tls != NULL ? tls : none, MHD_OPTION_END);
}

static void listener_free(struct http_listener *listener)
{
    busbar_free(listener->path);
    busbar_free(listener->certificate);
    busbar_free(listener->key);
    busbar_free(listener->client_ca);
    busbar_free(listener);
}

static struct http_listener *listener_new(struct http *http, const struct http_settings *settings)
{
    struct http_listener *listener = busbar_alloc(sizeof(*listener));
    listener->http = http;
    listener->kind = settings->kind;
    list_init(&listener->connections);
    str_copy(listener->name, sizeof(listener->name), settings->name);
    str_copy(listener->address, sizeof(listener->address),
             settings->address != NULL ? settings->address : "");
    listener->path = busbar_strdup(settings->path);
    if (settings->tls != NULL) {
        listener->certificate = busbar_strdup(settings->tls->certificate);
        listener->key = busbar_strdup(settings->tls->key);
        listener->client_ca = busbar_strdup(settings->tls->client_ca);
    }
    timer_init(&listener->timer, http->loop, on_timer, listener);
    loop_deferred_init(&listener->soon, run, listener);
    return listener;
}

int http_listener_open(struct http *http, int fd, const struct http_settings *settings,
                       struct http_listener **out, struct err *err)
{
    struct http_listener *listener = listener_new(http, settings);
    listener->daemon = start_daemon(listener, fd, settings);
    if (listener->daemon == NULL) {
        (void)close(fd);
        goto fail;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon,
                                                           MHD_DAEMON_INFO_EPOLL_FD);
    listener->watch = info == NULL ? NULL
                                   : loop_fd_watch(http->loop, info->epoll_fd, LOOP_READABLE,
                                                   on_readable, listener);
    if (listener->watch == NULL) {
        MHD_stop_daemon(listener->daemon);
        goto fail;
    }
    list_append(&http->listeners, &listener->link);
    if (out != NULL) {
        *out = listener;
    }
    return 0;
fail:
    listener_free(listener);
    if (settings->tls == NULL) {
        return err_set(err, BUSBAR_EINTERNAL, "the HTTP server does not start");
    }
    err_set(err, BUSBAR_ETLS, "the certificate and its key cannot be used for TLS");
    return err_hint(err, "both as PEM texts, the key that of the certificate, without a password");
}

/* What handlers hold goes on without its connection; what is suspended is told. */
static void let_go(struct http_listener *listener)
{
    list_each_safe(at, &listener->http->requests) {
        struct http_request *req = list_entry(at, struct http_request, link);
        if (req->connection != NULL && req->connection->listener == listener && req->suspended) {
            http_resume(req);
        }
    }
}

void http_listener_close(struct http_listener *listener)
{
    listener->closing = true;
    let_go(listener);
    loop_fd_unwatch(listener->watch);
    timer_stop(&listener->timer);
    loop_defer_cancel(&listener->soon);
    (void)MHD_run(listener->daemon); /* the last answers leave */
    MHD_stop_daemon(listener->daemon);
    assert(list_empty(&listener->connections));
    if (listener->path != NULL) {
        (void)unlink(listener->path);
    }
    list_remove(&listener->link);
    listener_free(listener);
}

size_t http_listener_connections(const struct http_listener *listener)
{
    return listener->connection_count;
}
