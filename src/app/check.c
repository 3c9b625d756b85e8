/* SPDX-License-Identifier: Apache-2.0 */
/* What can be checked without running: the files, and what would stop `busbar run`. */
#include "app/check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/app.h"
#include "app/protocols.h"
#include "base/file.h"
#include "base/str.h"
#include "driver/host.h"
#include "drivers/catalog.h"
#include "net/datagram.h"
#include "net/listener.h"
#include "net/port_owner.h"

enum { EXIT_PROBLEMS = 3, TEXT_MAX = 16 << 20, LOW_SPACE_BYTES = 64 << 20 };

struct config *check_load(const char *path, const char *data_folder, struct protocols *protocols,
                          struct problems *problems)
{
    struct secrets *secrets = NULL;
    struct config *config = NULL;
    struct err err = { 0 };
    protocols_fill(protocols);
    if (data_folder != NULL && file_is_folder(data_folder) &&
        secrets_open(data_folder, &secrets, &err) != 0) {
        problems_err(problems, &err, (struct position){ .file = data_folder });
    }
    char cache[PATH_MAX];
    struct config_env env = protocols_env(protocols);
    env.secrets = secrets;
    env.cache = protocols_cache(cache, sizeof cache, data_folder);
    (void)config_load(path, &env, &config, problems);
    secrets_close(secrets);
    return config;
}

/* False: said. A gateway that runs on the folder holds its port, too. */
static bool check_folder(const struct app_options *options, struct problems *problems)
{
    static const char hint[] = "name another with --data, or run as a user that may write there";
    struct position at = { .file = options->data_folder };
    struct statvfs fs;
    struct err err = { 0 };
    int lock_fd = -1;
    if (file_make_folders(file_ops_real(), options->data_folder, 0700, &err) != 0 ||
        access(options->data_folder, W_OK | X_OK) != 0) {
        problems_error(problems, at, hint, "the data folder cannot be written");
        return false;
    }
    if (statvfs(options->data_folder, &fs) == 0 &&
        (uint64_t)fs.f_bavail * fs.f_frsize < LOW_SPACE_BYTES) {
        problems_error(problems, at, "free space, or name another with --data",
                       "less than 64 MB are free for the data folder");
    }
    if (file_lock(options->data_folder, &lock_fd, &err) != 0) {
        problems_err(problems, &err, at);
        return false;
    }
    file_unlock(lock_fd);
    return true;
}

/* Listens where a server will be, for a moment. key: "http" or "time_series". */
static void check_port(const struct config_place *place, const char *key, struct problems *problems)
{
    static const struct listener_events none = { 0 };
    struct listener_target target = { .host = place->host, .port = place->port };
    char hint[96];
    struct listener *listener = NULL;
    struct err err = { 0 };
    if (place->port == 0) {
        return;
    }
    struct loop *loop = loop_new();
    int rc = listener_open(loop, &target, &none, NULL, &listener, &err);
    listener_close(listener);
    loop_free(loop);
    if (rc == BUSBAR_EADDRINUSE) {
        struct port_owner owner = port_owner_tcp(place->port);
        str_format(hint, sizeof hint, "stop it, or choose another: server: { %s: ADDR:PORT }", key);
        problems_error(problems, place->at, hint, "port %u is held by %s (process %d)", place->port,
                       owner.name[0] != '\0' ? owner.name : "another process", owner.pid);
    } else if (rc != 0) {
        problems_err(problems, &err, place->at);
    }
}

/* The same for a port of a driver. */
struct port_check {
    const struct config_driver *driver;
    struct problems *problems;
};

static void check_driver_port(void *ctx, const struct driver_port *port)
{
    const struct port_check *check = ctx;
    struct datagram_options options = { .host = port->host, .port = port->port };
    struct position at = port->at.line != 0 ? port->at : check->driver->at;
    struct datagram *datagram = NULL;
    struct err err = { 0 };
    if (port->out || strcmp(port->transport, "udp") != 0) {
        return;
    }
    struct loop *loop = loop_new();
    int rc = datagram_open(loop, &options, NULL, NULL, &datagram, &err);
    datagram_close(datagram);
    loop_free(loop);
    if (rc == BUSBAR_EADDRINUSE) {
        struct port_owner owner = port_owner_udp(port->host, port->port);
        problems_error(check->problems, at, "stop it, or choose another port",
                       "%s: UDP port %u of %s is held by %s (process %d)", port->use, port->port,
                       port->host, owner.name[0] != '\0' ? owner.name : "another process",
                       owner.pid);
    } else if (rc != 0) {
        problems_err(check->problems, &err, at);
    }
}

static void check_driver_ports(const struct config *config, struct problems *problems)
{
    for (size_t i = 0; i < config->driver_count; i++) {
        struct port_check check = { .driver = &config->drivers[i], .problems = problems };
        const struct driver_ops *ops = host_protocol(drivers_catalog(),
                                                     check.driver->protocol->name);
        bool used = false;
        for (size_t k = 0; k < config->device_count && !used; k++) {
            used = config->devices[k].protocol == check.driver->protocol;
        }
        if (ops->ports != NULL) {
            ops->ports(check.driver->setup, used, check_driver_port, &check);
        }
    }
}

static void tell(const struct config *config, const struct problems *problems, struct buf *json)
{
    if (json != NULL) {
        struct json_writer writer = json_writer(json);
        json_begin_object(&writer);
        json_put_i64(&writer, "errors", (int64_t)problems->errors);
        json_put_i64(&writer, "warnings", (int64_t)problems->warnings);
        json_key(&writer, "problems");
        problems_json(problems, &writer);
        json_end_object(&writer);
        return;
    }
    struct buf text;
    buf_init(&text, TEXT_MAX);
    problems_print(problems, &text);
    fputs(buf_text(&text), stderr);
    if (problems->errors == 0 && config != NULL) {
        printf("%zu device%s, %zu point%s: ok\n", config->device_count,
               config->device_count == 1 ? "" : "s", config->point_count,
               config->point_count == 1 ? "" : "s");
    }
    buf_fini(&text);
}

int app_config_check(const char *path, const char *data_folder, struct buf *json)
{
    struct problems problems;
    struct protocols protocols;
    problems_init(&problems);
    struct config *config = check_load(path, data_folder, &protocols, &problems);
    tell(config, &problems, json);
    int rc = problems.errors > 0 ? EXIT_PROBLEMS : 0;
    config_free(config);
    problems_fini(&problems);
    return rc;
}

int app_check(const struct app_options *options, struct buf *json)
{
    struct problems problems;
    struct protocols protocols;
    problems_init(&problems);
    bool free_folder = check_folder(options, &problems);
    struct config *config = check_load(options->config_path, options->data_folder, &protocols,
                                       &problems);
    if (free_folder && config != NULL) {
        check_port(&config->server.http, "http", &problems);
        check_port(&config->server.series, "time_series", &problems);
        check_driver_ports(config, &problems);
    }
    if (config != NULL) {
        check_sinks(config, options->config_path, options->data_folder, &problems);
    }
    tell(config, &problems, json);
    int rc = problems.errors > 0 ? EXIT_PROBLEMS : 0;
    config_free(config);
    problems_fini(&problems);
    return rc;
}
