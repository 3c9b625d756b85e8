/* SPDX-License-Identifier: Apache-2.0 */
/* A small gateway for the server's tests, on real clocks and a real loopback socket: loop, registry,
 * bus, host and a protocol "toy" whose devices count up; history and state only when asked for.
 *
 *     gateway_open(&gw, 0);                                    a server on a port of the system's
 *     gateway_add(&gw, "meter-1", 3);
 *     struct answer answer = ask(&gw, "GET", "/api/v1/devices", NULL, NULL);
 *     assert_int_equal(answer.status, 200);
 *     answer_fini(&answer);
 *     gateway_close(&gw);
 */
#ifndef BUSBAR_TESTS_SERVER_GATEWAY_H
#define BUSBAR_TESTS_SERVER_GATEWAY_H

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host.h"
#include "driver/trust.h"
#include "history/history.h"
#include "model/quality.h"
#include "net/jobs.h"
#include "net/timer.h"
#include "server/server.h"
#include "state/state.h"
#include "unit/server/toy_search.h"

enum { ASK_MS_MAX = 10000, GATEWAY_STORES = 1 };

/* ---- the protocol ---- */

enum toy_mode { TOY_ANSWER, TOY_SILENT, TOY_REFUSE };

enum { TOY_ASKS_MAX = 16 }; /* requests open at once */

struct toy_ask {
    struct device *dev;
    struct request *req; /* NULL: free */
    bool writing;
    struct timer timer;
};

struct toy {
    enum toy_mode mode;
    int64_t value; /* of point 0; point n has n more */
    struct toy_ask asks[TOY_ASKS_MAX];
    int acknowledged; /* how often */
};

static inline void toy_finish(struct toy_ask *ask, int error)
{
    struct request *req = ask->req;
    timer_stop(&ask->timer);
    ask->req = NULL;
    driver_done(ask->dev, req, error);
}

static inline void toy_answer(struct timer *timer, void *ctx)
{
    struct toy_ask *ask = ctx;
    struct toy *toy = ask->dev->driver;
    (void)timer;
    driver_frame(ask->dev, false, "\x02\x03", 2);
    if (toy->mode == TOY_REFUSE && ask->writing) {
        ask->req->samples[0].detail = 2;
        toy_finish(ask, BUSBAR_EREFUSED);
        return;
    }
    if (ask->writing && ask->req->how != NULL && ask->req->how->release) {
        toy->value = 100;
    } else if (ask->writing) {
        const struct sample *sample = &ask->req->samples[0];
        toy->value = sample->type == VALUE_DOUBLE ? (int64_t)sample->value.d : sample->value.i;
        toy->value -= ask->req->points[0];
    }
    for (size_t i = 0; i < ask->req->count && !ask->writing; i++) {
        ask->req->samples[i] = (struct sample){ .type = VALUE_INT,
                                                .value.i = toy->value + ask->req->points[i],
                                                .quality = QUALITY_GOOD };
    }
    toy_finish(ask, 0);
}

static inline void toy_begin(struct device *dev, struct request *req, bool writing)
{
    struct toy *toy = dev->driver;
    size_t i = 0;
    while (i < TOY_ASKS_MAX && toy->asks[i].req != NULL) {
        i++;
    }
    assert_true(i < TOY_ASKS_MAX);
    struct toy_ask *ask = &toy->asks[i];
    *ask = (struct toy_ask){ .dev = dev, .req = req, .writing = writing };
    driver_frame(dev, true, "\x01\x02\x03", 3);
    timer_init(&ask->timer, driver_loop(driver_of(dev)), toy_answer, ask);
    if (toy->mode != TOY_SILENT) {
        timer_start(&ask->timer, 1, 0);
    }
}

static inline void toy_read(struct device *dev, struct request *req)
{
    toy_begin(dev, req, false);
}

static inline void toy_write(struct device *dev, struct request *req)
{
    toy_begin(dev, req, true);
}

static inline void toy_cancel(struct device *dev, struct request *req)
{
    struct toy *toy = dev->driver;
    for (size_t i = 0; i < TOY_ASKS_MAX; i++) {
        if (toy->asks[i].req == req) {
            toy_finish(&toy->asks[i], BUSBAR_ETIMEOUT);
            return;
        }
    }
}

static inline int toy_add(struct driver *drv, struct device *dev, struct err *err)
{
    struct toy *toy = dev->driver;
    (void)drv;
    (void)err;
    toy->value = 100;
    return 0;
}

static inline int toy_start(struct device *dev)
{
    driver_link(dev, true, 0, NULL);
    return 0;
}

static inline void toy_stop(struct device *dev)
{
    struct toy *toy = dev->driver;
    for (size_t i = 0; i < TOY_ASKS_MAX; i++) {
        if (toy->asks[i].req != NULL) {
            toy_finish(&toy->asks[i], BUSBAR_ECANCELED);
        }
    }
    driver_stopped(dev);
}

static inline void toy_remove(struct device *dev)
{
    (void)dev;
}

static inline void toy_test(struct device *dev, struct driver_test *test)
{
    (void)dev;
    driver_finding(test, "name", true, 0, "127.0.0.1", "");
    driver_finding(test, "unit 3", false, BUSBAR_ETIMEOUT, "no answer in 2 s",
                   driver_test_option(test, "scan-units") != NULL ? "scanned" : "try --scan-units");
    driver_tested(test);
}

static inline void toy_acknowledge(struct device *dev, struct driver_acknowledge *ack)
{
    struct toy *toy = dev->driver;
    assert_true(ack->event->key[0] != '\0');
    toy->acknowledged++;
    if (toy->mode != TOY_SILENT) {
        bool refused = toy->mode == TOY_REFUSE;
        driver_acknowledged(dev, ack, refused ? BUSBAR_EREFUSED : 0, refused ? 2 : 0);
    }
}

/* Gives back what it was given. */
static inline void toy_call(struct device *dev, struct driver_call *call)
{
    struct toy *toy = dev->driver;
    char results[256] = "";
    if (call->argument_count > 0) {
        str_format(results, sizeof(results), "{\"first\":\"%s\",\"count\":%zu}", call->arguments[0],
                   call->argument_count);
    }
    if (toy->mode == TOY_REFUSE) {
        driver_called(dev, call, BUSBAR_EREFUSED, 2, NULL, NULL);
    } else {
        driver_called(dev, call, 0, 0, results, NULL);
    }
}

static inline void toy_describe(const struct device *dev, bool sent, const void *data, size_t size,
                                struct buf *out)
{
    (void)dev;
    (void)data;
    (void)buf_printf(out, "%s %zu bytes", sent ? "ask" : "answer", size);
}

static inline void toy_address(const struct device *dev, const struct point *pt, struct buf *out)
{
    (void)dev;
    (void)buf_printf(out, "toy register %s", pt->name);
}

static inline const char *toy_explain(uint16_t detail)
{
    return detail == 2 ? "there is no such address" : NULL;
}

static inline void toy_link(const struct device *dev, struct buf *out)
{
    (void)buf_printf(out, "toy %s", dev->name);
}

static const struct driver_ops toy_ops = {
    .name = "toy",
    .device_bytes = sizeof(struct toy),
    .address_bytes = 1,
    .add = toy_add,
    .start = toy_start,
    .read = toy_read,
    .write = toy_write,
    .cancel = toy_cancel,
    .stop = toy_stop,
    .remove = toy_remove,
    .test = toy_test,
    .acknowledge = toy_acknowledge,
    .call = toy_call,
    .describe = toy_describe,
    .address = toy_address,
    .explain = toy_explain,
    .link = toy_link,
    .discover = toy_discover,
    .discover_stop = toy_discover_stop,
    .find_key = toy_find_key,
    .browse = toy_browse,
    .browse_stop = toy_browse_stop,
};
static const struct driver_ops *const toy_catalog[] = { &toy_ops, NULL };

/* A device for a look at what is not configured. */
static inline int toy_make_device(void *ctx, const char *protocol, const char *settings,
                                  struct device **out, struct err *err)
{
    (void)ctx;
    if (settings[0] != '{') {
        return err_set(err, BUSBAR_ECONFIG, "'%s' is no map", settings);
    }
    struct device *dev = device_new();
    dev->name = dev->title = dev->place = dev->profile = "";
    dev->protocol = arena_strdup(&dev->arena, protocol);
    *out = dev;
    return 0;
}

/* ---- the gateway ---- */

enum { GATEWAY_DEVICES_MAX = 64 };

struct gateway {
    struct loop *loop;
    struct registry *registry;
    struct bus *bus;
    struct host *host;
    struct history *history;
    struct state *state;
    struct trust *trust; /* with GATEWAY_STORES */
    struct sinks *sinks; /* of gateway_open_with() */
    struct server *server;
    enum server_kind asks; /* which listener the client below talks to */
    char folder[64];
    uint64_t taken; /* samples the store took, without a history */
    uint32_t next_id;
    struct point_class cls; /* of the points of the next device */
    bool releasable;        /* they are */
    struct server_facts facts;
    bool host_stopped;
    struct device *loose[GATEWAY_DEVICES_MAX]; /* taken out of the registry */
    size_t loose_count;
};

static inline int gateway_store(void *ctx, const struct sample *samples, size_t count,
                                bus_stored_cb stored, void *stored_ctx)
{
    struct gateway *gw = ctx;
    if (gw->history != NULL) {
        return history_append(gw->history, samples, count, stored, stored_ctx);
    }
    gw->taken += count;
    if (stored != NULL) {
        stored(stored_ctx, 0);
    }
    return 0;
}

static inline void gateway_completed(void *ctx)
{
    struct gateway *gw = ctx;
    if (gw->history != NULL) { /* the last commit may still be told while the loop is freed */
        (void)history_completed(gw->history);
    }
}

static inline void gateway_wake(void *ctx)
{
    struct gateway *gw = ctx;
    (void)loop_post(gw->loop, gateway_completed, gw);
}

static inline void gateway_facts(void *ctx, struct server_facts *facts)
{
    struct gateway *gw = ctx;
    *facts = gw->facts;
}

static inline void gateway_open_stores(struct gateway *gw)
{
    struct err err = { 0 };
    str_copy(gw->folder, sizeof(gw->folder), "/tmp/busbar-server-XXXXXX");
    assert_non_null(mkdtemp(gw->folder));
    assert_int_equal(state_open(gw->folder, &gw->state, &err), 0);
    struct history_config config = { .folder = gw->folder,
                                     .state = gw->state,
                                     .wake = gateway_wake,
                                     .wake_ctx = gw,
                                     .commit_us = 1000 };
    assert_int_equal(history_open(&config, &gw->history, &err), 0);
}

static inline void gateway_open_with(struct gateway *gw, unsigned flags, struct sinks *sinks)
{
    struct err err = { 0 };
    *gw = (struct gateway){ .next_id = 1, .sinks = sinks };
    gw->cls = (struct point_class){ .units = "kW", .scale = 1, .every_us = 50 * CLOCK_US_PER_MS };
    gw->facts = (struct server_facts){ .config_version = 7,
                                       .disk_free_bytes = 1000,
                                       .disk_total_bytes = 2000 };
    busbar_log_level(LOG_LEVEL_WARN);
    gw->loop = loop_new();
    if ((flags & GATEWAY_STORES) != 0) {
        gateway_open_stores(gw);
    }
    gw->registry = registry_new();
    gw->bus = bus_new(gateway_store, gw);
    if ((flags & GATEWAY_STORES) != 0) {
        char certificates[128];
        str_format(certificates, sizeof(certificates), "%s/certificates", gw->folder);
        assert_int_equal(trust_open(certificates, &gw->trust, NULL), 0);
    }
    gw->host = host_new(&(struct host_config){ .loop = gw->loop,
                                               .trust = gw->trust,
                                               .bus = gw->bus,
                                               .catalog = toy_catalog,
                                               .make_device = toy_make_device,
                                               .seed = 1 });
    gw->server = server_new(&(struct server_config){ .loop = gw->loop,
                                                     .registry = gw->registry,
                                                     .bus = gw->bus,
                                                     .host = gw->host,
                                                     .trust = gw->trust,
                                                     .catalog = toy_catalog,
                                                     .history = gw->history,
                                                     .state = gw->state,
                                                     .sinks = gw->sinks,
                                                     .started_us = clock_wall_us(),
                                                     .site_id = "hq",
                                                     .site_name = "Head office",
                                                     .site_timezone = "Europe/Prague",
                                                     .facts = gateway_facts,
                                                     .ctx = gw });
    assert_int_equal(server_listen(gw->server, SERVER_PAGE, "127.0.0.1", 0, &err), 0);
}

static inline void gateway_open(struct gateway *gw, unsigned flags)
{
    gateway_open_with(gw, flags, NULL);
}

/* From now on the client talks to the listener of the time series. */
static inline void gateway_time_series(struct gateway *gw)
{
    struct err err = { 0 };
    assert_int_equal(server_listen(gw->server, SERVER_TIME_SERIES, "127.0.0.1", 0, &err), 0);
    gw->asks = SERVER_TIME_SERIES;
}

/* A device with points p0, p1 ... of gw->cls, in the registry, not polled. */
static inline struct device *gateway_device(struct gateway *gw, const char *name, size_t count)
{
    static const char *const files[] = { "site.yaml" };
    const char *duplicate = NULL;
    struct device *dev = device_new();
    dev->name = arena_strdup(&dev->arena, name);
    dev->title = dev->place = dev->profile = "";
    dev->protocol = "toy";
    dev->files = files;
    dev->file_count = 1;
    dev->line = 25;
    dev->points = arena_alloc_array(&dev->arena, count, sizeof(*dev->points));
    dev->addresses = arena_alloc_array(&dev->arena, count, 1);
    dev->point_count = count;
    for (size_t i = 0; i < count; i++) {
        struct point *pt = &dev->points[i];
        pt->name = arena_printf(&dev->arena, "p%zu", i);
        pt->title = "";
        pt->device = dev;
        pt->cls = registry_class(gw->registry, &gw->cls);
        pt->last.point = gw->next_id++;
        pt->last.quality = QUALITY_NOT_YET;
        pt->value_type = VALUE_INT;
        pt->line = (uint32_t)(26 + i);
        pt->readable = true;
        pt->writable = gw->cls.write.allowed;
        pt->releasable = pt->writable && gw->releasable;
    }
    assert_true(device_index_points(dev, &duplicate));
    assert_int_equal(registry_add(gw->registry, dev), 0);
    return dev;
}

/* The same, polled. */
static inline struct device *gateway_add(struct gateway *gw, const char *name, size_t count)
{
    struct host_device_settings settings = { .timeout_us = 300 * CLOCK_US_PER_MS };
    struct device *dev = gateway_device(gw, name, count);
    assert_int_equal(host_add(gw->host, dev, &settings, NULL), 0);
    return dev;
}

/* Turns the loop for some time. */
static inline void gateway_turn(struct gateway *gw, int64_t ms)
{
    int64_t end = clock_mono_us() + ms * CLOCK_US_PER_MS;
    while (clock_mono_us() < end) {
        loop_turn(gw->loop, false);
        usleep(200);
    }
}

/* Turns the loop until the point has a good value. */
static inline void gateway_wait_good(struct gateway *gw, const struct point *pt)
{
    int64_t end = clock_mono_us() + ASK_MS_MAX * CLOCK_US_PER_MS;
    while (!quality_is_good(pt->last.quality)) {
        assert_true(clock_mono_us() < end);
        gateway_turn(gw, 1);
    }
}

static inline void gateway_host_stopped(void *ctx)
{
    ((struct gateway *)ctx)->host_stopped = true;
}

static inline void gateway_close(struct gateway *gw)
{
    if (gw->server != NULL) {
        server_free(gw->server);
    }
    host_stop(gw->host, gateway_host_stopped, gw);
    while (!gw->host_stopped) {
        gateway_turn(gw, 1);
    }
    jobs_drain(gw->loop);
    history_close(gw->history);
    gw->history = NULL;
    host_free(gw->host);
    bus_free(gw->bus);
    registry_free(gw->registry);
    for (size_t i = 0; i < gw->loose_count; i++) {
        device_free(gw->loose[i]);
    }
    trust_close(gw->trust);
    state_close(gw->state);
    loop_free(gw->loop);
}

static inline int gateway_remove_one(const char *path, const struct stat *info, int type,
                                     struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void gateway_remove_folder(const struct gateway *gw)
{
    assert_int_equal(nftw(gw->folder, gateway_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- a client ---- */

struct answer {
    int status; /* 0: the connection was closed without one */
    char *head; /* headers, lower case names as sent */
    char *body; /* NUL added */
    size_t body_size;
    struct json_doc *doc; /* of a JSON body */
    const struct json_value *root;
};

static inline void answer_fini(struct answer *answer)
{
    json_free(answer->doc);
    free(answer->head);
    free(answer->body);
    *answer = (struct answer){ 0 };
}

static inline int client_connect(struct gateway *gw)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_port = htons(server_port(gw->server, gw->asks));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static inline void client_send(int fd, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* Turns the loop until the peer closes, or `until` came, or ms passed. Returns what came. */
static inline char *client_read(struct gateway *gw, int fd, const char *until, int64_t ms,
                                bool *closed)
{
    struct buf got;
    int64_t end = clock_mono_us() + ms * CLOCK_US_PER_MS;
    size_t searched = 0;
    buf_init(&got, 64 << 20);
    *closed = false;
    while (clock_mono_us() < end && !*closed) {
        if (until != NULL && strstr(buf_text(&got) + searched, until) != NULL) {
            break;
        }
        searched = until != NULL && got.size > strlen(until) ? got.size - strlen(until) : 0;
        loop_turn(gw->loop, false);
        uint8_t *room = buf_reserve(&got, 65536);
        ssize_t size = recv(fd, room, 65536, MSG_DONTWAIT);
        if (size > 0) {
            buf_commit(&got, (size_t)size);
        } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
            *closed = true;
        } else {
            usleep(200);
        }
    }
    char *text = strdup(buf_text(&got));
    buf_fini(&got);
    return text;
}

static inline struct answer answer_parse(char *text)
{
    struct answer answer = { 0 };
    char *body = strstr(text, "\r\n\r\n");
    if (body == NULL || sscanf(text, "HTTP/1.1 %d", &answer.status) != 1) {
        answer.status = 0;
        free(text);
        return answer;
    }
    *body = '\0';
    answer.head = strdup(text);
    answer.body = strdup(body + 4);
    answer.body_size = strlen(answer.body);
    if (strstr(answer.head, "application/json") != NULL && answer.body_size > 0) {
        struct json_limits limits = { .bytes_max = 64 << 20 };
        assert_int_equal(json_parse(answer.body, answer.body_size, &limits, &answer.doc, NULL), 0);
        answer.root = json_root(answer.doc);
    }
    free(text);
    return answer;
}

/* The raw text of a request, sent as it is; the connection must be closed by the server. */
static inline struct answer ask_raw(struct gateway *gw, const char *text)
{
    bool closed = false;
    int fd = client_connect(gw);
    client_send(fd, text);
    char *got = client_read(gw, fd, NULL, ASK_MS_MAX, &closed);
    assert_true(closed);
    (void)close(fd);
    return answer_parse(got);
}

/* headers: more lines, each ending with \r\n; body: JSON. Both may be NULL. */
static inline struct answer ask(struct gateway *gw, const char *method, const char *target,
                                const char *headers, const char *body)
{
    struct buf text;
    buf_init(&text, 16 << 20);
    (void)buf_printf(&text, "%s %s HTTP/1.1\r\nConnection: close\r\n", method, target);
    if (headers == NULL || strstr(headers, "Host:") == NULL) {
        (void)buf_printf(&text, "Host: 127.0.0.1:%u\r\n", server_port(gw->server, gw->asks));
    }
    if (body != NULL) {
        (void)buf_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                         strlen(body));
    }
    (void)buf_printf(&text, "%s\r\n%s", headers != NULL ? headers : "", body != NULL ? body : "");
    struct answer answer = ask_raw(gw, buf_text(&text));
    buf_fini(&text);
    return answer;
}

/* The member at a path "points.0.path"; NULL when there is none. */
static inline const struct json_value *at(const struct answer *answer, const char *path)
{
    const struct json_value *value = answer->root;
    while (*path != '\0' && value != NULL) {
        char part[64];
        size_t size = strcspn(path, ".");
        str_format(part, sizeof(part), "%.*s", (int)size, path);
        value = json_type(value) == JSON_ARRAY ? json_at(value, (size_t)strtoul(part, NULL, 10))
                                               : json_get(value, part);
        path += size + (path[size] == '.' ? 1 : 0);
    }
    return value;
}

static inline const char *text_at(const struct answer *answer, const char *path)
{
    const char *text = json_get_text(at(answer, path), NULL);
    return text != NULL ? text : "(none)";
}

static inline int64_t number_at(const struct answer *answer, const char *path)
{
    int64_t number = INT64_MIN;
    (void)json_get_i64(at(answer, path), &number);
    return number;
}

static inline bool true_at(const struct answer *answer, const char *path)
{
    bool value = false;
    (void)json_get_bool(at(answer, path), &value);
    return value;
}

#endif
