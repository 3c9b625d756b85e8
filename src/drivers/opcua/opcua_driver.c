/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the driver interface; the work is done by the other files (opcua_device.h lists them). */
#include <open62541/config.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/opcua/opcua.h"
#include "drivers/opcua/opcua_alarm.h"
#include "drivers/opcua/opcua_command.h"
#include "drivers/opcua/opcua_device.h"
#include "drivers/opcua/text/status.h"

/* ---- pure ones, also for a device that no host has ---- */

static int check(const struct setup *setup, const struct settings *device, struct err *err)
{
    struct opcua_config config;
    (void)setup;
    return opcua_config_read(device, &config, err);
}

static int resolve(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err)
{
    (void)setup;
    return opcua_config_resolve(device, point, address, facts, err);
}

static void print_address(const struct device *dev, const struct point *pt, struct buf *out)
{
    const struct opcua_address *addresses = dev->addresses;
    opcua_address_print(&addresses[pt - dev->points], out);
}

static void print_link(const struct device *dev, struct buf *out)
{
    struct opcua_config config;
    if (opcua_config_read(dev->settings, &config, NULL) == 0) {
        buf_append_text(out, config.urls[0]);
        const struct opcua_device *device = opcua_device_of(dev);
        if (device != NULL && device->security[0] != '\0') {
            buf_printf(out, " (%s)", device->security);
        }
    }
}

static const char *explain(uint16_t detail)
{
    return opcua_status_explain(opcua_status_of_detail(detail));
}

/* The ring holds service messages in words (opcua_peer_say). */
static void describe(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out)
{
    (void)dev;
    (void)sent;
    buf_append(out, data, size);
}

static void find_key(const struct device *dev, struct buf *out)
{
    const struct opcua_device *device = opcua_device_of(dev);
    const char *uri = device->application_uri != NULL || device->config.url_count == 0
                          ? device->application_uri
                          : opcua_discover_uri(device->state->discover, device->config.urls[0]);
    if (uri != NULL) {
        buf_append_text(out, uri);
    }
}

static void ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx)
{
    static const char *const transports[] = { "tcp", "udp" };
    for (size_t i = 0; i < 2 && (used || setup->given); i++) {
        cb(ctx, &(struct driver_port){ .use = "OPC UA discovery",
                                       .transport = transports[i],
                                       .host = "",
                                       .out = true,
                                       .port = OPCUA_DISCOVERY_PORT });
    }
    opcua_discover_ports(setup, cb, ctx);
}

/* ---- the driver ---- */

static int open_driver(struct driver *drv, struct err *err)
{
    struct opcua_driver_state *state = driver_state(drv);
    state->drv = drv;
    state->loop = driver_loop(drv);
    list_init(&state->batches);
    list_init(&state->news);
    int error = opcua_thread_start(state->loop, &state->thread, err);
    if (error == 0) {
        state->discover = opcua_discover_new(drv, state->thread);
    }
    return error;
}

static void setup_driver(struct driver *drv, const struct setup *setup)
{
    struct opcua_driver_state *state = driver_state(drv);
    opcua_discover_setup(state->discover, setup);
}

static void close_driver(struct driver *drv)
{
    struct opcua_driver_state *state = driver_state(drv);
    opcua_discover_free(state->discover);
    opcua_thread_stop(state->thread);
    state->thread = NULL;
    opcua_device_abandon(state);
}

static void discover(struct driver *drv, struct driver_discovery *discovery)
{
    struct opcua_driver_state *state = driver_state(drv);
    opcua_discover_begin(state->discover, discovery);
}

static void discover_stop(struct driver *drv, struct driver_discovery *discovery)
{
    struct opcua_driver_state *state = driver_state(drv);
    opcua_discover_end(state->discover, discovery);
}

/* The library, and to whom there is a session. */
static void status(struct driver *drv, driver_status_cb cb, void *ctx)
{
    enum { DEVICES_SHOWN = 32 };
    struct opcua_driver_state *state = driver_state(drv);
    char version[64];
    struct driver_status library = { .part = "", .name = "library", .text = version };
    size_t shown = 0;
    str_format(version, sizeof(version), "open62541 %d.%d.%d", UA_OPEN62541_VER_MAJOR,
               UA_OPEN62541_VER_MINOR, UA_OPEN62541_VER_PATCH);
    cb(ctx, &library);
    opcua_discover_status(state->discover, cb, ctx);
    for (struct device *dev = driver_next_device(drv, NULL); dev != NULL && shown < DEVICES_SHOWN;
         dev = driver_next_device(drv, dev)) {
        const struct opcua_device *device = opcua_device_of(dev);
        char text[OPCUA_URL_TEXT_MAX + 256];
        str_format(text, sizeof(text), "%s, %s, %s", device->url, device->security,
                   device->server_name != NULL ? device->server_name : "a server without a name");
        struct driver_status fact = { .part = dev->name, .name = "session", .text = text };
        if (device->up) {
            cb(ctx, &fact);
            shown++;
        }
    }
}

/* ---- devices ---- */

static int add(struct driver *drv, struct device *dev, struct err *err)
{
    struct opcua_device *device = opcua_device_of(dev);
    device->dev = dev;
    device->drv = drv;
    device->state = driver_state(drv);
    return opcua_device_add(device, err);
}

static int start(struct device *dev)
{
    opcua_device_start(opcua_device_of(dev));
    return 0;
}

static void read_points(struct device *dev, struct request *req)
{
    opcua_request_begin(opcua_device_of(dev), req, false);
}

static void write_points(struct device *dev, struct request *req)
{
    opcua_request_begin(opcua_device_of(dev), req, true);
}

static void cancel(struct device *dev, struct request *req)
{
    opcua_request_cancel(opcua_device_of(dev), req);
}

static void stop(struct device *dev)
{
    opcua_device_stop(opcua_device_of(dev));
}

static void remove_device(struct device *dev)
{
    opcua_device_remove(opcua_device_of(dev));
}

static void test(struct device *dev, struct driver_test *asked)
{
    opcua_test_begin(opcua_device_of(dev), asked);
}

static void browse(struct device *dev, struct driver_browse *asked)
{
    opcua_browses_begin(opcua_device_of(dev)->browses, asked);
}

static void browse_stop(struct device *dev, struct driver_browse *asked)
{
    opcua_browses_end(opcua_device_of(dev)->browses, asked);
}

static const struct driver_ops ops = {
    .name = "opcua",
    .device_options = opcua_device_options,
    .point_options = opcua_point_options,
    .setup_options = opcua_setup_options,
    .driver_bytes = sizeof(struct opcua_driver_state),
    .device_bytes = sizeof(struct opcua_device),
    .address_bytes = sizeof(struct opcua_address),
    .ports = ports,
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
    .discover = discover,
    .discover_stop = discover_stop,
    .browse = browse,
    .browse_stop = browse_stop,
    .find_key = find_key,
    .status = status,
    .command_options = opcua_command_options,
    .check_command = opcua_command_check,
    .call = opcua_command_call,
    .acknowledge = opcua_alarm_acknowledge,
    .describe = describe,
    .address = print_address,
    .explain = explain,
    .link = print_link,
};

const struct driver_ops *opcua_driver(void)
{
    return &ops;
}
