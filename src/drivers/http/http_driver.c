/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the driver interface; the work is done by the other files. */
#include "drivers/http/http_driver.h"

#include <microhttpd.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "drivers/http/http.h"
#include "drivers/http/http_detail.h"
#include "drivers/http/http_options.h"
#include "feed/heard.h"
#include "net/jobs.h"
#include "payload/schemas.h"

enum { UPKEEP_MS = 10000, SAVE_ROUNDS = 6, DESCRIBED_MAX = 400, RULE_MAX = 1100 };

/* ---- pure ones, also for a device that no host has ---- */

static int prepare(const struct setup *setup, const struct prepare *how, struct prepared **out,
                   struct err *err)
{
    return payload_schemas_load(http_config_schemas(setup), how, out, err);
}

static int check(const struct setup *setup, const struct settings *device, struct err *err)
{
    struct http_device_config config;
    int error = http_config_read(setup, device, &config, err);
    return error == 0
               ? payload_device_check(device, (const struct payload_schemas *)setup->prepared, err)
               : error;
}

static int resolve(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err)
{
    return http_config_point(setup, device, point, address, facts, err);
}

static void print_address(const struct device *dev, const struct point *pt, struct buf *out)
{
    const struct http_address *addresses = dev->addresses;
    const struct http_address *address = &addresses[pt - dev->points];
    const char *before = "";
    if (address->payload.kind != PAYLOAD_POINT_ROWS) {
        (void)buf_printf(out, "%s %s", http_point_options[address->payload.kind].key,
                         address->payload.expression);
        before = " ";
    }
    if (address->url != NULL) {
        (void)buf_printf(out, "%sat %s", before, address->url);
        before = " ";
    }
    if (address->send_url != NULL) {
        (void)buf_printf(out, "%sto %s %s", before, http_send_method(address->send_method),
                         address->send_url);
    }
}

static void print_link(const struct device *dev, struct buf *out)
{
    struct http_device_config config;
    const struct http_device *device = http_device_of(dev);
    if (http_config_read(device != NULL ? driver_setup(device->drv) : NULL, dev->settings, &config,
                         NULL) != 0) {
        return;
    }
    if (config.url != NULL) {
        (void)buf_append_text(out, config.url);
    } else {
        (void)buf_printf(out, "posts to connector %s",
                         config.connector != NULL ? config.connector : "");
    }
}

/* Bodies are text as a rule; else their first bytes. */
static void describe(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out)
{
    const char *text = data;
    (void)dev;
    (void)sent;
    if (str_is_utf8(text, size) && memchr(text, '\0', size) == NULL) {
        for (size_t i = 0; i < size && i < DESCRIBED_MAX; i++) {
            bool blank = text[i] == '\r' || text[i] == '\n' || text[i] == '\t';
            (void)buf_append_byte(out, blank ? ' ' : (uint8_t)text[i]);
        }
        (void)buf_append_text(out, size > DESCRIBED_MAX ? " ..." : "");
    } else {
        (void)buf_printf(out, "%zu bytes", size);
    }
}

static bool heard(const struct device *dev, const struct point *pt, struct bytes received,
                  struct buf *out, struct sample *raw)
{
    char rule[RULE_MAX];
    const struct http_device *device = http_device_of(dev);
    const struct http_address *address = driver_address(dev, (uint32_t)(pt - dev->points));
    if (address->payload.kind == PAYLOAD_POINT_ROWS) {
        return false;
    }
    str_format(rule, sizeof(rule), "%s %s", http_point_options[address->payload.kind].key,
               address->payload.expression);
    const struct feed_heard what = {
        .dev = dev, .id = device->id, .point = &address->payload, .rule = rule
    };
    const struct payload_message message = { .body = received.at,
                                             .size = (size_t)(received.end - received.at) };
    return feed_heard(device->state->feed, &what, &message, out, raw);
}

static const struct payload_point *rule_of(const struct device *dev, uint32_t point_index)
{
    const struct http_address *address = driver_address(dev, point_index);
    return address->payload.kind != PAYLOAD_POINT_ROWS ? &address->payload : NULL;
}

/* A frame of the ring is a body. */
static bool body_of(const struct device *dev, struct bytes frame, struct bytes *out)
{
    (void)dev;
    *out = frame;
    return true;
}

static void messages(struct driver *drv, struct driver_messages *out)
{
    const struct http_state *state = driver_state(drv);
    feed_messages(state->feed, out);
}

/* ---- the driver ---- */

static void on_settled(struct timer *timer, void *ctx)
{
    struct http_state *state = ctx;
    (void)timer;
    state->unsettled = false;
}

static void save_keys(void *ctx)
{
    struct err err = { 0 };
    if (keyring_save(ctx, &err) != 0) {
        busbar_log(LOG_LEVEL_WARN, "http", "", "when keys were used cannot be kept: %s",
                   err.message);
    }
}

static void saved_keys(void *ctx, int error)
{
    (void)ctx;
    (void)error;
}

static void on_upkeep(struct timer *timer, void *ctx)
{
    struct http_state *state = ctx;
    struct keyring *ring = driver_keyring(state->drv);
    (void)timer;
    http_connectors_sweep(state);
    http_listen_upkeep(state);
    if (++state->upkeeps % SAVE_ROUNDS == 0 && ring != NULL) {
        jobs_submit(state->loop, save_keys, saved_keys, ring);
    }
}

static int open_driver(struct driver *drv, struct err *err)
{
    struct http_state *state = driver_state(drv);
    state->drv = drv;
    state->loop = driver_loop(drv);
    list_init(&state->devices);
    http_init(&state->http, state->loop, &http_post_ops, state);
    state->fetcher = http_fetcher_new(state->loop);
    state->reader = payload_reader_new();
    http_left_init(&state->left, state->loop);
    timer_init(&state->settle, state->loop, on_settled, state);
    timer_init(&state->upkeep, state->loop, on_upkeep, state);
    timer_start(&state->upkeep, UPKEEP_MS, UPKEEP_MS);
    state->done = http_answer_done_new();
    return state->done != NULL ? 0 : err_set(err, BUSBAR_ENOMEM, "no memory for HTTP");
}

static void close_connectors(struct http_state *state)
{
    feed_free(state->feed);
    state->feed = NULL;
    http_posts_forget(state);
    http_connectors_close(state);
}

static void setup_driver(struct driver *drv, const struct setup *setup)
{
    struct http_state *state = driver_state(drv);
    struct http_setup own;
    struct err broken = { 0 };
    int error = http_config_setup(setup, &own, &broken);
    bool keeps = error == 0 && state->bound_count > 0 && setup->part_count > 0 &&
                 http_listen_equal(&state->own, &own);
    if (!keeps) {
        http_listen_close(state); /* its last requests come to the feed */
    }
    close_connectors(state);
    state->own = own;
    state->broken = broken;
    state->feed = feed_new(drv, (const struct payload_schemas *)setup->prepared);
    http_connectors_open(state, setup);
    state->unsettled = true;
    timer_start(&state->settle, HTTP_SETTLE_MS, 0);
    if (error == 0 && !keeps) {
        http_listen_open(state);
    }
}

static void close_driver(struct driver *drv)
{
    struct http_state *state = driver_state(drv);
    http_listen_close(state);
    close_connectors(state);
    http_fini(&state->http);
    http_fetcher_free(state->fetcher);
    payload_reader_free(state->reader);
    http_left_fini(&state->left);
    timer_stop(&state->settle);
    timer_stop(&state->upkeep);
    if (state->done != NULL) {
        MHD_destroy_response(state->done);
    }
}

/* ---- devices ---- */

static int add(struct driver *drv, struct device *dev, struct err *err)
{
    struct http_device *device = http_device_of(dev);
    device->dev = dev;
    device->drv = drv;
    device->state = driver_state(drv);
    return http_device_add(device, err);
}

static int start(struct device *dev)
{
    http_device_start(http_device_of(dev));
    return 0;
}

static void read_points(struct device *dev, struct request *req)
{
    http_read(http_device_of(dev), req);
}

static void write_points(struct device *dev, struct request *req)
{
    http_write(http_device_of(dev), req);
}

static void cancel(struct device *dev, struct request *req)
{
    if (!http_write_cancel(http_device_of(dev), req)) {
        http_read_cancel(http_device_of(dev), req);
    }
}

static void stop(struct device *dev)
{
    http_device_stop(http_device_of(dev));
}

static void remove_device(struct device *dev)
{
    http_device_remove(http_device_of(dev));
}

static void test(struct device *dev, struct driver_test *asked)
{
    http_test(http_device_of(dev), asked);
}

static void browse(struct device *dev, struct driver_browse *asked)
{
    http_browse(http_device_of(dev), asked);
}

static void browse_stop(struct device *dev, struct driver_browse *asked)
{
    http_browse_stop(http_device_of(dev), asked);
}

static void find_key(const struct device *dev, struct buf *out)
{
    http_find_key(http_device_of(dev), out);
}

static const struct driver_ops ops = {
    .name = "http",
    .device_options = http_device_options,
    .point_options = http_point_options,
    .setup_options = http_setup_options,
    .parts_key = "connectors",
    .parts_on_top = true,
    .part_options = http_connector_options,
    .driver_bytes = sizeof(struct http_state),
    .device_bytes = sizeof(struct http_device),
    .address_bytes = sizeof(struct http_address),
    .check_setup = http_config_check_setup,
    .prepare = prepare,
    .ports = http_ports,
    .check = check,
    .resolve = resolve,
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
    .browse = browse,
    .browse_stop = browse_stop,
    .find_key = find_key,
    .status = http_status,
    .messages = messages,
    .event_options = payload_event_options,
    .check_event = http_config_event,
    .describe = describe,
    .address = print_address,
    .explain = http_explain,
    .heard = heard,
    .rule = rule_of,
    .body = body_of,
    .link = print_link,
};

const struct driver_ops *http_driver(void)
{
    http_options_make();
    return &ops;
}
