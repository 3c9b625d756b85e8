/* SPDX-License-Identifier: Apache-2.0 */
/* Raw bytes to a running server: whatever comes, it answers or closes, and goes on. The gateway is
 * empty but for one device that nobody polls; the input is sent as it is over loopback, to the page's listener or
 * that of the time series. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/quality.h"
#include "server/server.h"

enum { CONNECTS_MAX = 5000, TURNS_MAX = 64 };

static int store(void *ctx, const struct sample *samples, size_t count, bus_stored_cb stored,
                 void *stored_ctx)
{
    (void)ctx;
    (void)samples;
    (void)count;
    if (stored != NULL) {
        stored(stored_ctx, 0);
    }
    return 0;
}

static struct device *make_device(struct registry *registry)
{
    static const char *const files[] = { "site.yaml" };
    static const struct point_class plain = { .units = "kW", .scale = 1, .every_us = 1000000 };
    const char *duplicate = NULL;
    struct device *dev = device_new();
    dev->name = "meter-1";
    dev->title = dev->place = dev->profile = "";
    dev->protocol = "none";
    dev->files = files;
    dev->file_count = 1;
    dev->points = arena_alloc_array(&dev->arena, 3, sizeof(*dev->points));
    dev->point_count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        struct point *pt = &dev->points[i];
        pt->name = arena_printf(&dev->arena, "p%u", i);
        pt->title = "";
        pt->device = dev;
        pt->cls = registry_class(registry, &plain);
        pt->last.point = i + 1;
        pt->last.quality = QUALITY_NOT_YET;
    }
    (void)device_index_points(dev, &duplicate);
    return dev;
}

static struct server *start(struct loop **loop)
{
    static const struct driver_ops *const catalog[] = { NULL };
    struct err err;
    *loop = loop_new();
    struct registry *registry = registry_new();
    struct bus *bus = bus_new(store, NULL);
    struct host *host = host_new(
        &(struct host_config){ .loop = *loop, .bus = bus, .catalog = catalog });
    assert(registry_add(registry, make_device(registry)) == 0);
    busbar_log_level(LOG_LEVEL_ERROR);
    struct server *server = server_new(&(struct server_config){ .loop = *loop,
                                                                .registry = registry,
                                                                .bus = bus,
                                                                .host = host,
                                                                .catalog = catalog,
                                                                .started_us = clock_wall_us() });
    for (unsigned kind = 0; kind < SERVER_KINDS; kind++) {
        assert(server_listen(server, (enum server_kind)kind, "127.0.0.1", 0, &err) == 0);
    }
    return server;
}

/* Thousands of connections a second use up the ports of this machine for a moment: then it waits. */
static int connect_to(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int tries = 0; tries < CONNECTS_MAX; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(fd >= 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
            return fd;
        }
        (void)close(fd);
        (void)usleep(1000);
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    static struct server *server;
    if (server == NULL) {
        server = start(&loop);
    }
    int fd = connect_to(server_port(server, (enum server_kind)(size % SERVER_KINDS)));
    const struct linger now = { .l_onoff = 1 };
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)send(fd, data, size < 60000 ? size : 60000, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    for (int turns = 0; turns < TURNS_MAX; turns++) {
        char got[4096];
        loop_turn(loop, false);
        if (recv(fd, got, sizeof(got), MSG_DONTWAIT) == 0) {
            break;
        }
    }
    (void)close(fd);
    loop_turn(loop, false);
    return 0;
}
