/* SPDX-License-Identifier: Apache-2.0 */
/* app_run: from options to a running gateway, and down again. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "app/apply.h"
#include "app/events.h"
#include "app/history_routes.h"
#include "app/ports.h"
#include "app/routes.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "net/address.h"

enum { EXIT_USAGE = 2, MMAP_BYTES = 8 << 20, TRIM_BYTES = 256 << 20 };

static void on_signal(void *ctx, int signal_number)
{
    (void)signal_number;
    gateway_stop(ctx);
}

static void hup_applied(void *ctx, const struct apply_result *result)
{
    (void)ctx;
    struct buf text;
    if (result->error == 0) {
        return;
    }
    buf_init(&text, 1 << 20);
    problems_print(result->problems, &text);
    busbar_log(LOG_LEVEL_ERROR, "config", NULL, "not applied: %s",
               result->problems->errors > 0 ? buf_text(&text) : result->err->message);
    buf_fini(&text);
}

static void on_hup(void *ctx, int signal_number)
{
    (void)signal_number;
    struct apply_request request = { .mode = APPLY_FILES, .who = "signal", .from = "SIGHUP" };
    if (apply_begin(ctx, &request, hup_applied, ctx) != 0) {
        busbar_log(LOG_LEVEL_WARN, "config", NULL, "SIGHUP ignored: a change is in progress");
    }
}

/* A TCP address to listen on. */
struct place {
    enum server_kind kind;
    const char *given; /* on the command line; NULL: the configuration's is in host and port */
    const char *word;  /* of the option and the key: "http" */
    struct gateway_place *at;
    uint16_t port_default;
};

static void fill_places(struct gateway *gw, struct place places[SERVER_KINDS])
{
    places[SERVER_PAGE] = (struct place){ .kind = SERVER_PAGE,
                                          .given = gw->options->http,
                                          .word = "http",
                                          .at = &gw->places[SERVER_PAGE],
                                          .port_default = 8080 };
    places[SERVER_TIME_SERIES] = (struct place){ .kind = SERVER_TIME_SERIES,
                                                 .given = gw->options->time_series,
                                                 .word = "time_series",
                                                 .at = &gw->places[SERVER_TIME_SERIES],
                                                 .port_default = 9090 };
}

static const char *option_of(const struct place *place)
{
    return place->kind == SERVER_PAGE ? "--http" : "--time-series";
}

/* What was given on the command line goes before the configuration. */
static int choose_address(struct gateway *gw, const struct place *place)
{
    struct address address;
    struct err err = { 0 };
    if (place->given == NULL) {
        return 0;
    }
    if (str_equal(place->given, "off") && place->kind != SERVER_PAGE) {
        place->at->port = 0;
        return 0;
    }
    if (address_parse(place->given, 0, &address, &err) != 0) {
        err_hint(&err, "write %s 127.0.0.1:%u", option_of(place), place->port_default);
        (void)gateway_say(&err);
        return EXIT_USAGE;
    }
    str_copy(place->at->host, sizeof place->at->host, address.host);
    place->at->port = address.port;
    if (!address_is_loopback(address.host) && !gw->insecure) {
        err_set(&err, BUSBAR_EPERM, "%s can be reached from other machines, and there is no login",
                place->given);
        err_hint(&err, "listen on 127.0.0.1, or write 'insecure: allow' under 'server:'");
        return gateway_say(&err);
    }
    return 0;
}

static int listen_at(struct gateway *gw, const struct place *place)
{
    struct err err = { 0 };
    if (place->at->port == 0) {
        return 0;
    }
    int rc = server_listen(gw->server, place->kind, place->at->host, place->at->port, &err);
    if (rc == BUSBAR_EADDRINUSE) {
        struct port_owner owner = port_owner_tcp(place->at->port);
        err_set(&err, rc, "%s:%u is held by %s (process %d)", place->at->host, place->at->port,
                owner.name[0] != '\0' ? owner.name : "another process", owner.pid);
        err_hint(&err, "stop it, or choose another: %s %s:%u, or 'server: { %s: ... }'",
                 option_of(place), place->at->host, place->at->port + 1u, place->word);
    } else if (rc != 0 && err.hint[0] == '\0') {
        err_hint(&err,
                 "name an address of this machine, such as 127.0.0.1:%u, in 'server: { %s: ... }' "
                 "or with %s",
                 place->port_default, place->word, option_of(place));
    }
    return rc == 0 ? 0 : gateway_say(&err);
}

static int listen_tcp(struct gateway *gw)
{
    struct place places[SERVER_KINDS];
    int rc = 0;
    fill_places(gw, places);
    for (unsigned i = 0; rc == 0 && i < SERVER_KINDS; i++) {
        rc = choose_address(gw, &places[i]);
    }
    for (unsigned i = 0; rc == 0 && i < SERVER_KINDS; i++) {
        rc = listen_at(gw, &places[i]);
    }
    return rc;
}

static int listen_socket(struct gateway *gw)
{
    struct err err = { 0 };
    char folder[GATEWAY_PATH_MAX];
    str_copy(folder, sizeof folder, gw->options->socket_path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        (void)file_make_folders(file_ops_real(), folder, 0755, NULL);
    }
    if (server_listen_unix(gw->server, gw->options->socket_path, &err) == 0) {
        str_copy(gw->socket_path, sizeof gw->socket_path, gw->options->socket_path);
        return 0;
    }
    if (gw->options->socket_required) {
        return gateway_say(&err);
    }
    str_format(gw->socket_path, sizeof gw->socket_path, "%s/busbar.sock", gw->data_folder);
    busbar_log(LOG_LEVEL_WARN, "app", NULL, "%s; using %s: busbar --server unix:%s", err.message,
               gw->socket_path, gw->socket_path);
    memset(&err, 0, sizeof err);
    return server_listen_unix(gw->server, gw->socket_path, &err) == 0 ? 0 : gateway_say(&err);
}

/* Thousands of devices are thousands of descriptors. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Chunks of the head come and go by the million: their memory is kept for the next ones. What a configuration took is
 * given back by config_free(). */
static void keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    (void)mallopt(M_ARENA_MAX, 1); /* what one thread frees is another's next */
}

static int serve(struct gateway *gw)
{
    routes_add(gw);
    history_routes_add(gw);
    int rc = listen_tcp(gw);
    rc = rc != 0 ? rc : listen_socket(gw);
    if (rc != 0) {
        return rc;
    }
    (void)loop_signal(gw->loop, SIGINT, on_signal, gw);
    (void)loop_signal(gw->loop, SIGTERM, on_signal, gw);
    (void)loop_signal(gw->loop, SIGHUP, on_hup, gw);
    gateway_upkeep_start(gw);
    events_start(gw);
    busbar_log(LOG_LEVEL_INFO, "app", NULL,
               "running version %u: %zu devices, %zu points; page http://%s:%u", gw->version,
               registry_device_count(gw->registry), registry_point_count(gw->registry),
               gw->places[SERVER_PAGE].host, gw->places[SERVER_PAGE].port);
    loop_run(gw->loop);
    busbar_log(LOG_LEVEL_INFO, "app", NULL, "stopped");
    return 0;
}

int app_run(const struct app_options *options)
{
    struct gateway gw;
    raise_limits();
    keep_memory();
    if (options->verbose) {
        busbar_log_level(LOG_LEVEL_DEBUG);
    }
    int rc = gateway_open(&gw, options);
    if (rc == 0) {
        rc = serve(&gw);
    }
    gateway_close(&gw);
    return rc;
}
