/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the driver interface; the work is done by the other files. */
#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/tcp/tcp.h"
#include "drivers/tcp/tcp_ask.h"
#include "drivers/tcp/tcp_connection.h"
#include "drivers/tcp/tcp_options.h"
#include "drivers/tcp/tcp_own.h"
#include "drivers/tcp/tcp_point.h"
#include "drivers/tcp/tcp_words.h"
#include "feed/heard.h"
#include "payload/schemas.h"

/* ---- pure ones, also for a device that no host has ---- */

static int prepare(const struct setup *setup, const struct prepare *how, struct prepared **out,
                   struct err *err)
{
    return payload_schemas_load(settings_text(&setup->settings, SETUP_SCHEMAS), how, out, err);
}

static int resolve(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err)
{
    return tcp_point_resolve(setup, device, point, address, facts, err);
}

static int check_event(const struct setup *setup, const struct settings *device,
                       const struct settings *event, struct err *err)
{
    return payload_event_check(device, event, (const struct payload_schemas *)setup->prepared, err);
}

static void print_address(const struct device *dev, const struct point *pt, struct buf *out)
{
    tcp_point_print(tcp_address_of(dev, (uint32_t)(pt - dev->points)), out);
}

static void describe(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out)
{
    (void)dev;
    (void)sent;
    tcp_describe(data, size, out);
}

/* ---- the driver ---- */

static void on_own_ready(void *ctx)
{
    struct tcp_driver_state *state = ctx;
    list_each_safe(at, &state->servers) {
        tcp_server_open(list_entry(at, struct tcp_server, link));
    }
}

static int open_driver(struct driver *drv, struct err *err)
{
    struct tcp_driver_state *state = driver_state(drv);
    (void)err;
    state->drv = drv;
    state->loop = driver_loop(drv);
    state->reader = payload_reader_new();
    state->own = tcp_own_new(drv, on_own_ready, state);
    list_init(&state->servers);
    list_init(&state->links);
    return 0;
}

static void close_servers(struct tcp_driver_state *state)
{
    while (!list_empty(&state->servers)) {
        tcp_server_free(list_entry(state->servers.next, struct tcp_server, link));
    }
}

/* The schemas may be others, so the feed is another one, and with it all that uses it. */
static void setup_driver(struct driver *drv, const struct setup *setup)
{
    struct tcp_driver_state *state = driver_state(drv);
    close_servers(state);
    feed_free(state->feed);
    state->feed = feed_new(drv, (const struct payload_schemas *)setup->prepared);
    for (size_t i = 0; i < setup->part_count; i++) {
        struct tcp_config config;
        if (tcp_config_part(&setup->parts[i], &config, NULL) == 0) {
            (void)tcp_server_new(state, setup->parts[i].name, true, &config);
        }
    }
}

static void close_driver(struct driver *drv)
{
    struct tcp_driver_state *state = driver_state(drv);
    close_servers(state);
    feed_free(state->feed);
    tcp_own_free(state->own);
    payload_reader_free(state->reader);
}

static void messages(struct driver *drv, struct driver_messages *out)
{
    const struct tcp_driver_state *state = driver_state(drv);
    feed_messages(state->feed, out);
}

/* ---- devices ---- */

static int add(struct driver *drv, struct device *dev, struct err *err)
{
    struct tcp_device *device = tcp_device_of(dev);
    device->dev = dev;
    device->state = driver_state(drv);
    device->id = settings_text(dev->settings, PAYLOAD_DEVICE_ID);
    device->id = device->id != NULL ? device->id : dev->name;
    list_init(&device->on_link);
    list_init(&device->finished);
    list_init(&device->tests);
    loop_deferred_init(&device->finishing, tcp_ask_finish, device);
    int error = tcp_config_device(driver_setup(drv), dev->settings, &device->config, err);
    return error == 0 ? tcp_ask_plan(device, err) : error;
}

static int start_server(struct tcp_device *device, struct err *err)
{
    struct tcp_server *server = tcp_server_get(device->state, &device->config);
    if (server == NULL) {
        return err_set(err, BUSBAR_ENOENT, "there is no listener '%s'", device->config.listener);
    }
    int error = tcp_server_join(server, device, err);
    if (error == 0) {
        const struct err *trouble = &server->trouble;
        driver_link(device->dev, trouble->code == 0, trouble->code,
                    trouble->code != 0 ? trouble->message : NULL);
    } else if (server->users == 0 && !server->part) {
        tcp_server_free(server);
    }
    return error;
}

static int start(struct device *dev)
{
    struct tcp_device *device = tcp_device_of(dev);
    struct err err = { 0 };
    int error = 0;
    if (device->config.listener != NULL || device->config.link.server) {
        error = start_server(device, &err);
    } else {
        tcp_link_join(device->state, device);
        error = tcp_routes_join(&device->link->routes, device, NULL, &err);
    }
    if (error != 0) {
        driver_link(dev, false, error, err.message);
    }
    return error;
}

static void read_points(struct device *dev, struct request *req)
{
    struct tcp_device *device = tcp_device_of(dev);
    if (device->link != NULL) {
        tcp_ask_begin(device, req, false);
    } else {
        tcp_ask_refuse(device, req, false, BUSBAR_ENOTCONN);
    }
}

/* To a device that connected to us, or spoke from somewhere. */
static int send_back(struct tcp_device *device, const void *data, size_t size)
{
    if (device->connection != NULL) {
        return tcp_connection_send(device->connection, data, size);
    }
    if (device->server != NULL && device->server->datagram != NULL && device->from.family != 0) {
        return datagram_send(device->server->datagram, &device->from, data, size);
    }
    return BUSBAR_ENOTCONN;
}

static int write_back(struct tcp_device *device, const struct request *req)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < req->count; i++) {
        const struct payload_template_facts facts = {
            .id = device->id,
            .device = device->dev->name,
            .point = device->dev->points[req->points[i]].name,
            .time_us = clock_wall_us(),
            .type = req->samples[i].type,
            .value = req->samples[i].value,
        };
        struct buf out;
        buf_init(&out, TCP_TEXT_MAX + TEXT_BYTES_MAX);
        error = tcp_text_print(tcp_address_of(device->dev, req->points[i])->send, &facts, NULL,
                               &out, NULL);
        if (error == 0) {
            error = send_back(device, out.data, out.size);
        }
        if (error == 0) {
            driver_frame(device->dev, true, out.data, out.size);
        }
        buf_fini(&out);
    }
    return error;
}

static void write_points(struct device *dev, struct request *req)
{
    struct tcp_device *device = tcp_device_of(dev);
    if (device->link != NULL) {
        tcp_ask_begin(device, req, true);
    } else {
        tcp_ask_refuse(device, req, true, write_back(device, req));
    }
}

static void cancel(struct device *dev, struct request *req)
{
    tcp_ask_cancel(tcp_device_of(dev), req);
}

static void stop(struct device *dev)
{
    struct tcp_device *device = tcp_device_of(dev);
    tcp_test_stop_all(device);
    tcp_ask_stop(device);
    if (device->server != NULL) {
        tcp_server_leave(device->server, device);
    } else if (device->link != NULL) {
        tcp_link_leave(device);
    }
    driver_stopped(dev);
}

static void remove_device(struct device *dev)
{
    tcp_ask_unplan(tcp_device_of(dev));
}

static void test(struct device *dev, struct driver_test *asked)
{
    tcp_test_begin(tcp_device_of(dev), asked);
}

static void find_key(const struct device *dev, struct buf *out)
{
    feed_find_key(tcp_device_of(dev)->state->feed, dev, out);
}

static bool heard(const struct device *dev, const struct point *pt, struct bytes received,
                  struct buf *out, struct sample *raw)
{
    const struct tcp_device *device = tcp_device_of(dev);
    const struct tcp_address *address = tcp_address_of(dev, (uint32_t)(pt - dev->points));
    const struct payload_message message = { .body = received.at, .size = bytes_left(&received) };
    struct buf rule;
    buf_init(&rule, TCP_TEXT_MAX);
    tcp_point_rule(address, &rule);
    const struct feed_heard what = {
        .dev = dev, .id = device->id, .point = &address->rule, .rule = buf_text(&rule)
    };
    bool found = address->rule.kind != PAYLOAD_POINT_ROWS &&
                 feed_heard(device->state->feed, &what, &message, out, raw);
    buf_fini(&rule);
    return found;
}

static const struct payload_point *rule(const struct device *dev, uint32_t point_index)
{
    const struct tcp_address *address = tcp_address_of(dev, point_index);
    return address->rule.kind != PAYLOAD_POINT_ROWS ? &address->rule : NULL;
}

/* A frame of the ring is the message itself. */
static bool body(const struct device *dev, struct bytes frame, struct bytes *out)
{
    (void)dev;
    *out = frame;
    return true;
}

static struct driver_ops ops = {
    .name = "tcp",
    .setup_options = tcp_setup_options,
    .parts_key = "listeners",
    .part_options = tcp_part_options,
    .event_options = payload_event_options,
    .driver_bytes = sizeof(struct tcp_driver_state),
    .device_bytes = sizeof(struct tcp_device),
    .address_bytes = sizeof(struct tcp_address),
    .check_setup = tcp_config_check_setup,
    .prepare = prepare,
    .ports = tcp_ports,
    .check = tcp_config_check,
    .resolve = resolve,
    .check_event = check_event,
    .open = open_driver,
    .setup = setup_driver,
    .close = close_driver,
    .add = add,
    .start = start,
    .read = read_points,
    .write = write_points,
    .cancel = cancel,
    .stop = stop,
    .remove = remove_device,
    .test = test,
    .find_key = find_key,
    .status = tcp_status,
    .messages = messages,
    .describe = describe,
    .address = print_address,
    .heard = heard,
    .rule = rule,
    .body = body,
    .link = tcp_print_link,
};

const struct driver_ops *tcp_driver(void)
{
    ops.device_options = tcp_device_options();
    ops.point_options = tcp_point_options();
    return &ops;
}
