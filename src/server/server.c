/* SPDX-License-Identifier: Apache-2.0 */
/* The server's life and its listening sockets. The sockets are bound here, not by libmicrohttpd, so
 * that an error can say what is wrong. */
#include "server/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/lane.h"
#include "server/browse.h"
#include "server/core.h"
#include "server/discover.h"
#include "server/events.h"
#include "server/http.h"
#include "server/ingest/ingest.h"
#include "server/ingest/routes.h"
#include "server/live.h"
#include "server/stream.h"

enum { SWEEP_MS = 1000, BACKLOG = 128, SOCKET_MODE = 0660 };

static void on_sweep(struct timer *timer, void *ctx)
{
    (void)timer;
    http_sweep(ctx);
}

struct server *server_new(const struct server_config *config)
{
    struct server *server = busbar_alloc(sizeof(*server));
    server->config = *config;
    list_init(&server->listeners);
    list_init(&server->requests);
    list_init(&server->streams);
    timer_init(&server->sweep, config->loop, on_sweep, server);
    timer_start(&server->sweep, SWEEP_MS, SWEEP_MS);
    server->ingest = ingest_new(config->loop, config->history);
    gauges_init(&server->gauges, &server->config, server->ingest);
    server->live = live_new(server);
    server->queries = lane_new(config->loop, SERVER_QUERIES_MAX, SERVER_QUERIES_WAITING_MAX);
    server_devices_routes(server);
    server_drivers_routes(server);
    server_points_routes(server);
    server_write_routes(server);
    server_holds_routes(server);
    server_commands_routes(server);
    server_certificates_routes(server);
    server_samples_routes(server);
    server_removal_routes(server);
    server_live_routes(server);
    server_ledger_routes(server);
    server_health_routes(server);
    server_journal_routes(server);
    server_textlog_routes(server);
    server_openapi_routes(server);
    server_metrics_routes(server);
    server_ingest_routes(server);
    server_events_routes(server);
    server_prometheus_routes(server);
    finds_init(&server->finds);
    server->discover = discover_new(server);
    server->browses = browses_new(server);
    return server;
}

void server_add_routes(struct server *server, const struct server_route *routes, size_t count,
                       void *ctx)
{
    for (size_t i = 0; i < count; i++) {
        unsigned on = routes[i].on != 0 ? routes[i].on : SERVER_ON_PAGE;
        assert(routes[i].body_max <= SERVER_RAW_MAX);
        for (unsigned kind = 0; kind < SERVER_KINDS; kind++) {
            if ((on & 1u << kind) != 0) {
                server_routes_add(&server->routes[kind], &routes[i], 1, ctx);
            }
        }
    }
}

int server_query_submit(struct server *server, jobs_work_cb work, jobs_done_cb done, void *ctx,
                        struct err *err)
{
    int error = lane_submit(server->queries, work, done, ctx);
    if (error != 0) {
        err_set(err, error, "%d queries run and %d wait already", SERVER_QUERIES_MAX,
                SERVER_QUERIES_WAITING_MAX);
        err_hint(err, "ask again soon");
    }
    return error;
}

void server_changed(struct server *server)
{
    server->changes++;
    live_changed(server->live);
}

void server_tell_event(struct server *server, const struct state_event *row)
{
    struct buf out;
    if (live_stream_count(server->live) == 0) {
        return;
    }
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    server_put_event(&json, row);
    json_end_object(&json);
    live_event(server->live, (const char *)out.data, out.size);
    buf_fini(&out);
}

void server_site(struct server *server, const char *id, const char *name, const char *timezone)
{
    server->config.site_id = id;
    server->config.site_name = name;
    server->config.site_timezone = timezone;
}

void server_count_import(struct server *server, const struct server_import *import)
{
    enum ingest_refusal reason = import->error == BUSBAR_ENOSPC ? INGEST_LOG_FULL : INGEST_LOG_BUSY;
    struct ingest_counts counts = { .requests = import->ended,
                                    .failed = import->error != 0,
                                    .bytes = import->bytes,
                                    .received = import->stored + import->left + import->malformed,
                                    .appended = import->stored };
    counts.refused[INGEST_SYNTAX] = import->malformed;
    counts.refused[reason] = import->left;
    ingest_add_counts(server->ingest, &counts);
}

void server_free(struct server *server)
{
    list_each_safe(at, &server->requests) {
        struct server_request *req = list_entry(at, struct server_request, link);
        atomic_store(&req->cancel, true);
        if (req->cut != NULL) {
            req->cut(req->cut_ctx);
        }
    }
    browses_free(server->browses);
    discover_free(server->discover);
    finds_fini(&server->finds);
    lane_free(server->queries);
    ingest_free(server->ingest);
    live_stop(server->live);
    stream_stop_all(server);
    http_close(server);
    struct list *left;
    while ((left = list_shift(&server->requests)) != NULL) {
        list_entry(left, struct server_request, link)->server = NULL;
    }
    timer_stop(&server->sweep);
    gauges_fini(&server->gauges);
    live_free(server->live);
    busbar_free(server);
}

/* ---- listening ---- */

static int listen_failed(int error_number, const char *where, struct err *err)
{
    int error = err_from_errno(error_number);
    err_set(err, error, "cannot listen on %s: %s", where, strerror(error_number));
    if (error == BUSBAR_EADDRINUSE) {
        err_hint(err, "busbar ports says which process has it; or choose another port");
    } else if (error == BUSBAR_EPERM) {
        err_hint(err, "ports below 1024 need the right to bind them; choose a higher one");
    }
    return error;
}

/* The socket, bound and listening, or -1 with errno. */
static int bind_socket(const struct sockaddr *address, socklen_t size)
{
    const int yes = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (address->sa_family != AF_UNIX) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    }
    if (bind(fd, address, size) != 0 || listen(fd, BACKLOG) != 0) {
        int error_number = errno;
        (void)close(fd);
        errno = error_number;
        return -1;
    }
    return fd;
}

static bool make_address(const char *host, uint16_t port, struct sockaddr_storage *address,
                         socklen_t *size)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *size = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *size = sizeof(*v6);
        return true;
    }
    return false;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

int server_listen(struct server *server, enum server_kind kind, const char *host, uint16_t port,
                  struct err *err)
{
    struct sockaddr_storage address;
    socklen_t size = 0;
    if (!make_address(host, port, &address, &size)) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no numeric address to listen on", host);
        return err_hint(err, "127.0.0.1 for this machine only");
    }
    int fd = bind_socket((struct sockaddr *)&address, size);
    if (fd < 0) {
        int error_number = errno;
        char where[INET6_ADDRSTRLEN + 8];
        str_format(where, sizeof(where), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
                   port);
        return listen_failed(error_number, where, err);
    }
    uint16_t bound = bound_port(fd);
    int error = http_listener_open(server, kind, fd, host, NULL, err);
    if (error == 0 && server->ports[kind] == 0) {
        server->ports[kind] = bound;
    }
    return error;
}

uint16_t server_port(const struct server *server, enum server_kind kind)
{
    return server->ports[kind];
}

/* True when a process answers behind the socket file. */
static bool socket_is_live(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return true;
    }
    bool live = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                errno == EAGAIN;
    (void)close(fd);
    return live;
}

int server_listen_unix(struct server *server, const char *path, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat info;
    if (!str_copy(address.sun_path, sizeof(address.sun_path), path)) {
        err_set(err, BUSBAR_EINVAL, "the path of the socket '%s' is too long", path);
        return err_hint(err, "at most %zu bytes", sizeof(address.sun_path) - 1);
    }
    if (lstat(path, &info) == 0) {
        if (!S_ISSOCK(info.st_mode) || socket_is_live(&address)) {
            return listen_failed(EADDRINUSE, path, err);
        }
        (void)unlink(path);
    }
    int fd = bind_socket((struct sockaddr *)&address, sizeof(address));
    int error_number = errno;
    if (fd >= 0 && chmod(path, SOCKET_MODE) != 0) {
        error_number = errno;
        (void)close(fd);
        fd = -1;
    }
    return fd < 0 ? listen_failed(error_number, path, err)
                  : http_listener_open(server, SERVER_PAGE, fd, NULL, path, err);
}
