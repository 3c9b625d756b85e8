/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the driver interface; the work is done in modbus_poll.c, modbus_write.c, modbus_test.c. */
#include <assert.h>

#include "base/alloc.h"
#include "drivers/modbus/modbus.h"
#include "drivers/modbus/modbus_device.h"
#include "drivers/modbus/modbus_value.h"
#include "model/quality.h"

static struct modbus_device *state_of(const struct device *dev)
{
    return dev->driver;
}

const struct modbus_address *modbus_addresses(const struct modbus_device *device)
{
    return device->dev->point_count > 0 ? driver_address(device->dev, 0) : NULL;
}

/* ---- jobs ---- */

struct modbus_job *modbus_job_take(struct modbus_device *device, struct request *req)
{
    struct list *spare = list_shift(&device->spare);
    struct modbus_job *job = spare != NULL ? list_entry(spare, struct modbus_job, link)
                                           : busbar_alloc(sizeof(*job));
    list_init(&job->link);
    job->req = req;
    job->write = job->modify = false;
    job->given = 0;
    job->again_count = job->split_count = job->point = 0;
    job->answered = job->lost = job->busy = job->open = 0;
    job->error = 0;
    return job;
}

void modbus_job_done(struct modbus_device *device, struct modbus_job *job, int error)
{
    struct request *req = job->req;
    list_remove(&job->link);
    list_append(&device->spare, &job->link);
    job->req = NULL;
    driver_done(device->dev, req, error);
}

void modbus_job_done_later(struct modbus_device *device, struct modbus_job *job, int error)
{
    job->error = error;
    list_remove(&job->link);
    list_append(&device->finished, &job->link);
    loop_defer(device->loop, &device->finishing);
}

static void finish(void *ctx)
{
    struct modbus_device *device = ctx;
    struct list *at;
    if (device->tell_up) {
        device->tell_up = false;
        driver_link(device->dev, true, 0, NULL);
    }
    while ((at = list_shift(&device->finished)) != NULL) {
        struct modbus_job *job = list_entry(at, struct modbus_job, link);
        modbus_job_done(device, job, job->error);
    }
}

static struct modbus_job *find_job(struct list *jobs, const struct request *req)
{
    list_each(at, jobs) {
        struct modbus_job *job = list_entry(at, struct modbus_job, link);
        if (job->req == req) {
            return job;
        }
    }
    return NULL;
}

static void cut_all(struct modbus_device *device, uint8_t quality, int error)
{
    while (!list_empty(&device->writes)) {
        modbus_write_cut(device, list_entry(device->writes.next, struct modbus_job, link), error);
    }
    /* those that are asked for meanwhile wait for the next connection */
    struct list reads;
    list_init(&reads);
    list_move_all(&reads, &device->reads);
    while (!list_empty(&reads)) {
        modbus_poll_cut(device, list_entry(reads.next, struct modbus_job, link), quality, error);
    }
}

/* ---- what the client says ---- */

static bool on_next(struct modbus_user *user, struct modbus_exchange *exchange)
{
    struct modbus_device *device = (struct modbus_device *)user;
    if (!list_empty(&device->writes) && modbus_write_next(device, exchange)) {
        return true;
    }
    return list_empty(&device->writes) && modbus_poll_next(device, exchange);
}

static void on_answered(struct modbus_user *user, const struct modbus_exchange *exchange, int error,
                        const struct modbus_reply *reply)
{
    struct modbus_device *device = (struct modbus_device *)user;
    if (exchange->write) {
        modbus_write_answered(device, exchange, error, reply);
    } else {
        modbus_poll_answered(device, exchange, error, reply);
    }
}

static void on_link(struct modbus_user *user, bool up, int error, const char *detail)
{
    struct modbus_device *device = (struct modbus_device *)user;
    if (up) {
        modbus_learn_connected(device);
        driver_link(device->dev, true, 0, NULL);
        return;
    }
    if (error != 0) {
        cut_all(device, QUALITY_LINK_DOWN, error);
    }
    driver_link(device->dev, false, error, detail);
}

static void on_frame(struct modbus_user *user, bool sent, const void *data, size_t size)
{
    driver_frame(((struct modbus_device *)user)->dev, sent, data, size);
}

static void on_bad_frame(struct modbus_user *user, const void *data, size_t size,
                         const char *reason)
{
    driver_bad_frame(((struct modbus_device *)user)->dev, data, size, reason);
}

static void on_learned(struct modbus_user *user, const char *name, int64_t value)
{
    driver_limit_set(((struct modbus_device *)user)->dev, name, value);
}

static const struct modbus_user_ops user_ops = {
    .next = on_next,
    .answered = on_answered,
    .link = on_link,
    .frame = on_frame,
    .bad_frame = on_bad_frame,
    .learned = on_learned,
};

/* ---- the slots: pure ones, also for a device that no host has ---- */

static int check(const struct setup *setup, const struct settings *device, struct err *err)
{
    struct modbus_config config;
    (void)setup;
    return modbus_config_read(device, &config, err);
}

static int resolve(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err)
{
    (void)setup;
    return modbus_address_resolve(point, modbus_config_order(device), address, facts, err);
}

static void print_address(const struct device *dev, const struct point *pt, struct buf *out)
{
    const struct modbus_address *addresses = dev->addresses;
    modbus_address_print(&addresses[pt - dev->points], out);
}

static void print_link(const struct device *dev, struct buf *out)
{
    struct modbus_config config;
    if (modbus_config_read(dev->settings, &config, NULL) == 0) {
        modbus_config_print(&config, out);
        buf_printf(out, " unit %u", config.unit);
    }
}

static void describe(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out)
{
    struct modbus_config config;
    if (modbus_config_read(dev->settings, &config, NULL) == 0) {
        modbus_describe(modbus_config_is_rtu(&config), sent, data, size, out);
    }
}

static bool trace(const struct device *dev, const struct point *pt, struct bytes sent,
                  struct bytes received, struct buf *out, struct sample *raw)
{
    struct modbus_config config;
    const struct modbus_address *address = driver_address(dev, (uint32_t)(pt - dev->points));
    return modbus_config_read(dev->settings, &config, NULL) == 0 &&
           modbus_trace(modbus_config_is_rtu(&config), config.unit, address, sent, received, out,
                        raw);
}

/* ---- the slots: life and requests ---- */

static int open_driver(struct driver *drv, struct err *err)
{
    struct modbus_driver_state *state = driver_state(drv);
    (void)err;
    list_init(&state->clients);
    return 0;
}

static void close_driver(struct driver *drv)
{
    struct modbus_driver_state *state = driver_state(drv);
    assert(list_empty(&state->clients)); /* each client goes with its last user */
    (void)state;
}

static int add(struct driver *drv, struct device *dev, struct err *err)
{
    struct modbus_device *device = state_of(dev);
    device->dev = dev;
    device->loop = driver_loop(drv);
    list_init(&device->reads);
    list_init(&device->writes);
    list_init(&device->finished);
    list_init(&device->spare);
    list_init(&device->tests);
    loop_deferred_init(&device->finishing, finish, device);
    modbus_learn_init(device);
    int error = modbus_config_read(dev->settings, &device->config, err);
    if (error != 0) {
        return error;
    }
    device->user.ops = &user_ops;
    device->user.unit = device->config.unit;
    device->user.in_flight = device->config.in_flight;
    device->user.pause_us = device->config.pause_us;
    device->user.close_when_idle = device->config.close_after_poll;
    return 0;
}

/* Certificates are read here, so that a file that is put right helps without a restart. */
int modbus_driver_client(struct modbus_device *device, struct err *err)
{
    struct modbus_driver_state *state = driver_state(driver_of(device->dev));
    if (device->client != NULL) {
        return 0;
    }
    int error = modbus_client_get(&state->clients, device->loop, &device->config, &device->client,
                                  err);
    if (error != 0) {
        return error;
    }
    int64_t window = 0;
    modbus_client_attach(device->client, &device->user);
    if (driver_limit_get(device->dev, "requests in flight", &window) && window == 1) {
        modbus_client_crowded(device->client);
    }
    if (modbus_client_is_up(device->client)) {
        device->tell_up = true;
        loop_defer(device->loop, &device->finishing);
    }
    return 0;
}

static int get_client(struct modbus_device *device)
{
    struct err err = { 0 };
    int error = modbus_driver_client(device, &err);
    if (error != 0) {
        driver_link(device->dev, false, error, err.message);
    }
    return error;
}

static int start(struct device *dev)
{
    struct modbus_device *device = state_of(dev);
    int error = get_client(device);
    if (error == 0 && !device->config.close_after_poll) {
        modbus_client_wake(&device->user);
    }
    return error;
}

static void read_points(struct device *dev, struct request *req)
{
    struct modbus_device *device = state_of(dev);
    int error = get_client(device);
    if (error != 0) {
        modbus_job_done_later(device, modbus_job_take(device, req), error);
        return;
    }
    modbus_poll_begin(device, req);
}

static void write_points(struct device *dev, struct request *req)
{
    struct modbus_device *device = state_of(dev);
    int error = get_client(device);
    if (error != 0) {
        modbus_job_done_later(device, modbus_job_take(device, req), error);
        return;
    }
    modbus_write_begin(device, req);
}

static void cancel(struct device *dev, struct request *req)
{
    struct modbus_device *device = state_of(dev);
    struct modbus_job *job = find_job(&device->reads, req);
    if (job != NULL) {
        modbus_poll_cut(device, job, QUALITY_NO_ANSWER, BUSBAR_ETIMEOUT);
        return;
    }
    job = find_job(&device->writes, req);
    if (job != NULL) {
        modbus_write_cut(device, job, BUSBAR_ETIMEOUT);
    }
}

static void unplan(struct device *dev, struct request *req)
{
    (void)dev;
    modbus_plan_free(req->plan);
    req->plan = NULL;
}

static void stop(struct device *dev)
{
    struct modbus_device *device = state_of(dev);
    modbus_test_stop_all(device);
    if (device->client != NULL) {
        cut_all(device, QUALITY_PAUSED, BUSBAR_ECANCELED);
        modbus_client_detach(&device->user);
        device->client = NULL;
    }
    device->tell_up = false;
    finish(device);
    loop_defer_cancel(&device->finishing);
    driver_stopped(dev);
}

static void remove_device(struct device *dev)
{
    struct modbus_device *device = state_of(dev);
    struct list *at;
    while ((at = list_shift(&device->spare)) != NULL) {
        struct modbus_job *job = list_entry(at, struct modbus_job, link);
        busbar_free(job->again);
        busbar_free(job->splits);
        busbar_free(job);
    }
    modbus_learn_fini(device);
}

static void test(struct device *dev, struct driver_test *asked)
{
    modbus_test_begin(state_of(dev), asked);
}

static const struct driver_ops ops = {
    .name = "modbus",
    .device_options = modbus_device_options,
    .point_options = modbus_point_options,
    .driver_bytes = sizeof(struct modbus_driver_state),
    .device_bytes = sizeof(struct modbus_device),
    .address_bytes = sizeof(struct modbus_address),
    .check = check,
    .resolve = resolve,
    .open = open_driver,
    .close = close_driver,
    .add = add,
    .start = start,
    .read = read_points,
    .write = write_points,
    .cancel = cancel,
    .unplan = unplan,
    .stop = stop,
    .remove = remove_device,
    .test = test,
    .describe = describe,
    .address = print_address,
    .explain = modbus_explain,
    .trace = trace,
    .link = print_link,
};

const struct driver_ops *modbus_driver(void)
{
    return &ops;
}
