/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the driver interface; the work is done by the other files. */
#include "drivers/snmp/snmp_driver.h"

#include "base/clock.h"
#include "drivers/snmp/mib/prepared.h"
#include "drivers/snmp/snmp.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_browse.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_device.h"
#include "drivers/snmp/snmp_discover.h"
#include "drivers/snmp/snmp_read.h"
#include "drivers/snmp/snmp_status.h"
#include "drivers/snmp/snmp_test.h"
#include "drivers/snmp/snmp_words.h"

/* ---- pure ones, also for a device that no host has ---- */

static int prepare(const struct setup *setup, const struct prepare *how, struct prepared **out,
                   struct err *err)
{
    struct snmp_setup own;
    int error = snmp_config_setup(setup, &own, err);
    return error != 0 || own.mibs == NULL ? error
                                          : mib_prepare(own.mibs, own.mibs_at, how, out, err);
}

static int check(const struct setup *setup, const struct settings *device, struct err *err)
{
    struct snmp_config config;
    return snmp_config_read(setup, device, &config, err);
}

static int resolve(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err)
{
    (void)device;
    return snmp_address_resolve(setup, point, address, facts, err);
}

static void print_address(const struct device *dev, const struct point *pt, struct buf *out)
{
    const struct snmp_address *addresses = dev->addresses;
    snmp_address_print(&addresses[pt - dev->points], out);
}

static void print_link(const struct device *dev, struct buf *out)
{
    struct snmp_config config;
    const struct snmp_device *device = snmp_device_of(dev);
    const struct setup *setup = device != NULL ? driver_setup(device->drv) : NULL;
    if (snmp_config_read(NULL, dev->settings, &config, NULL) == 0) {
        snmp_config_print(setup, &config, out);
    }
}

static void describe(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out)
{
    (void)sent;
    snmp_describe(snmp_device_of(dev)->state->mib, data, size, out);
}

static bool trace(const struct device *dev, const struct point *pt, struct bytes sent,
                  struct bytes received, struct buf *out, struct sample *raw)
{
    const struct snmp_address *address = driver_address(dev, (uint32_t)(pt - dev->points));
    return snmp_trace(snmp_device_of(dev)->state->mib, address, sent, received, out, raw);
}

/* ---- the driver ---- */

static int open_driver(struct driver *drv, struct err *err)
{
    struct snmp_driver_state *state = driver_state(drv);
    (void)err;
    state->drv = drv;
    state->loop = driver_loop(drv);
    state->mib = mib_builtin();
    state->logins = snmp_logins_new(drv);
    state->traps = snmp_traps_new(state);
    state->discover = snmp_discover_new(state);
    return 0;
}

static void open_client(struct snmp_driver_state *state)
{
    struct snmp_setup own;
    state->opened_us = loop_now_us(state->loop);
    state->broken = (struct err){ 0 };
    if (snmp_config_setup(driver_setup(state->drv), &own, &state->broken) != 0) {
        return;
    }
    const struct snmp_client_options options = { .host = own.bind,
                                                 .first_port = own.first_port,
                                                 .last_port = own.last_port };
    if (snmp_client_open(state->loop, &options, &state->client, &state->broken) != 0) {
        state->client = NULL;
    }
}

struct snmp_client *snmp_driver_client(struct snmp_driver_state *state)
{
    bool again = loop_now_us(state->loop) - state->opened_us >= CLOCK_US_PER_S;
    if (state->client == NULL && (state->opened_us == 0 || again)) {
        open_client(state);
    }
    return state->client;
}

static void setup_driver(struct driver *drv, const struct setup *setup)
{
    struct snmp_driver_state *state = driver_state(drv);
    struct snmp_setup own;
    state->mib = snmp_config_mib(setup);
    snmp_logins_setup(state->logins, setup);
    snmp_client_close(state->client);
    state->client = NULL;
    open_client(state);
    if (snmp_config_setup(setup, &own, NULL) == 0) {
        const struct snmp_trap_options traps = snmp_config_traps(&own);
        snmp_traps_setup(state->traps, &traps);
    }
}

static void close_driver(struct driver *drv)
{
    struct snmp_driver_state *state = driver_state(drv);
    snmp_discover_free(state->discover);
    snmp_traps_free(state->traps);
    snmp_logins_free(state->logins);
    snmp_client_close(state->client);
}

/* ---- discoveries: they try all logins, so these must be ready ---- */

static void begin_discoveries(void *ctx)
{
    struct snmp_driver_state *state = ctx;
    size_t count = state->waiting_count;
    state->waiting_count = 0;
    for (size_t i = 0; i < count; i++) {
        (void)snmp_driver_client(state);
        snmp_discover_begin(state->discover, state->waiting[i]);
    }
}

static void discover(struct driver *drv, struct driver_discovery *discovery)
{
    struct snmp_driver_state *state = driver_state(drv);
    if (!snmp_logins_busy(state->logins)) {
        (void)snmp_driver_client(state);
        snmp_discover_begin(state->discover, discovery);
        return;
    }
    if (state->waiting_count == SNMP_WAITING_MAX) {
        driver_discovered(discovery, BUSBAR_EBUSY, "too many discoveries at once");
        return;
    }
    if (state->waiting_count == 0) {
        snmp_logins_wait(state->logins, &state->logins_wait, begin_discoveries, state);
    }
    state->waiting[state->waiting_count++] = discovery;
}

static void discover_stop(struct driver *drv, struct driver_discovery *discovery)
{
    struct snmp_driver_state *state = driver_state(drv);
    for (size_t i = 0; i < state->waiting_count; i++) {
        if (state->waiting[i] == discovery) {
            state->waiting[i] = state->waiting[--state->waiting_count];
            if (state->waiting_count == 0) {
                snmp_logins_unwait(&state->logins_wait);
            }
            driver_discovered(discovery, BUSBAR_ECANCELED, NULL);
            return;
        }
    }
    snmp_discover_end(state->discover, discovery);
}

/* ---- devices ---- */

static int add(struct driver *drv, struct device *dev, struct err *err)
{
    struct snmp_device *device = snmp_device_of(dev);
    device->dev = dev;
    device->drv = drv;
    device->state = driver_state(drv);
    return snmp_device_add(device, err);
}

static int start(struct device *dev)
{
    snmp_device_start(snmp_device_of(dev));
    return 0;
}

static void read_points(struct device *dev, struct request *req)
{
    snmp_device_request(snmp_device_of(dev), req, false);
}

static void write_points(struct device *dev, struct request *req)
{
    snmp_device_request(snmp_device_of(dev), req, true);
}

static void cancel(struct device *dev, struct request *req)
{
    snmp_device_cancel(snmp_device_of(dev), req);
}

static void stop(struct device *dev)
{
    snmp_device_stop(snmp_device_of(dev));
}

static void remove_device(struct device *dev)
{
    snmp_device_remove(snmp_device_of(dev));
}

static void test(struct device *dev, struct driver_test *asked)
{
    snmp_test_begin(snmp_device_of(dev), asked);
}

static void browse(struct device *dev, struct driver_browse *asked)
{
    struct snmp_device *device = snmp_device_of(dev);
    snmp_device_wake(device);
    snmp_browse_begin(device, asked);
}

static void browse_stop(struct device *dev, struct driver_browse *asked)
{
    snmp_browse_end(snmp_device_of(dev), asked);
}

static void find_key(const struct device *dev, struct buf *out)
{
    snmp_discover_key(snmp_device_of(dev), out);
}

static const struct driver_ops ops = {
    .name = "snmp",
    .device_options = snmp_device_options,
    .point_options = snmp_point_options,
    .setup_options = snmp_setup_options,
    .parts_key = "credentials",
    .part_options = snmp_part_options,
    .driver_bytes = sizeof(struct snmp_driver_state),
    .device_bytes = sizeof(struct snmp_device),
    .address_bytes = sizeof(struct snmp_address),
    .check_setup = snmp_config_check_setup,
    .prepare = prepare,
    .ports = snmp_ports,
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
    .unplan = snmp_unplan,
    .stop = stop,
    .remove = remove_device,
    .test = test,
    .discover = discover,
    .discover_stop = discover_stop,
    .browse = browse,
    .browse_stop = browse_stop,
    .find_key = find_key,
    .status = snmp_status,
    .describe = describe,
    .address = print_address,
    .explain = snmp_explain,
    .trace = trace,
    .link = print_link,
};

const struct driver_ops *snmp_driver(void)
{
    return &ops;
}
