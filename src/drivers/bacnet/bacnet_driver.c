/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the driver interface; the work is done by the other files (bacnet_device.h lists them). */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "drivers/bacnet/bacnet.h"
#include "drivers/bacnet/bacnet_alarm.h"
#include "drivers/bacnet/bacnet_browse.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_discover.h"
#include "drivers/bacnet/bacnet_status.h"
#include "drivers/bacnet/bacnet_words.h"
#include "model/quality.h"

const struct bacnet_target *bacnet_targets(const struct bacnet_device *device)
{
    return device->dev->point_count > 0 ? driver_address(device->dev, 0) : NULL;
}

/* ---- points by their targets ---- */

struct order {
    const struct bacnet_target *target;
    uint32_t point;
};

static int compare_order(const void *left, const void *right)
{
    const struct order *a = left;
    const struct order *b = right;
    int order = bacnet_target_compare(a->target, b->target);
    return order != 0 ? order : a->point < b->point ? -1 : 1;
}

static void sort_points(struct bacnet_device *device)
{
    size_t count = device->dev->point_count;
    const struct bacnet_target *targets = bacnet_targets(device);
    struct order *orders = busbar_alloc_array(count, sizeof(*orders));
    for (size_t i = 0; i < count; i++) {
        orders[i] = (struct order){ .target = &targets[i], .point = (uint32_t)i };
    }
    if (count > 0) {
        qsort(orders, count, sizeof(*orders), compare_order);
    }
    device->by_target = busbar_alloc_array(count, sizeof(*device->by_target));
    for (size_t i = 0; i < count; i++) {
        device->by_target[i] = orders[i].point;
    }
    busbar_free(orders);
}

/* The first place whose object and property are not before these. */
static size_t first_place(const struct bacnet_device *device, uint32_t object, uint64_t property)
{
    const struct bacnet_target *targets = bacnet_targets(device);
    size_t low = 0;
    size_t high = device->dev->point_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bacnet_target *target = &targets[device->by_target[middle]];
        if (target->object < object || (target->object == object && target->property < property)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void bacnet_points_of(const struct bacnet_device *device, uint32_t object, uint32_t property,
                      size_t *from, size_t *to)
{
    bool all = property == UINT32_MAX;
    const struct bacnet_target *targets = bacnet_targets(device);
    size_t at = first_place(device, object, all ? 0 : property);
    *from = at;
    while (at < device->dev->point_count && targets[device->by_target[at]].object == object &&
           (all || targets[device->by_target[at]].property == property)) {
        at++;
    }
    *to = at;
}

/* ---- jobs ---- */

struct bacnet_job *bacnet_job_take(struct bacnet_device *device, struct request *req)
{
    struct list *spare = list_shift(&device->spare);
    struct bacnet_job *job = spare != NULL ? list_entry(spare, struct bacnet_job, link)
                                           : busbar_alloc(sizeof(*job));
    list_init(&job->link);
    job->device = device;
    job->req = req;
    job->write = false;
    job->error = 0;
    job->open = job->answered = job->lost = 0;
    job->began_us = loop_now_us(device->loop);
    job->given = 0;
    job->again_count = job->split_count = job->point = 0;
    return job;
}

void bacnet_job_done(struct bacnet_job *job, int error)
{
    struct bacnet_device *device = job->device;
    struct request *req = job->req;
    list_remove(&job->link);
    list_append(&device->spare, &job->link);
    job->req = NULL;
    driver_done(device->dev, req, error);
}

void bacnet_job_done_later(struct bacnet_job *job, int error)
{
    struct bacnet_device *device = job->device;
    job->error = error;
    list_remove(&job->link);
    list_append(&device->finished, &job->link);
    loop_defer(device->loop, &device->finishing);
}

static struct bacnet_job *job_of(struct list *at)
{
    return list_entry(at, struct bacnet_job, link);
}

static void finish(void *ctx)
{
    struct bacnet_device *device = ctx;
    struct list *at;
    while ((at = list_shift(&device->finished)) != NULL) {
        bacnet_job_done(job_of(at), job_of(at)->error);
    }
}

static void begin_job(struct bacnet_job *job)
{
    if (job->write) {
        bacnet_write_begin(job);
    } else {
        bacnet_poll_begin(job);
    }
}

void bacnet_jobs_begin(struct bacnet_device *device)
{
    struct list *at;
    while ((at = list_shift(&device->waiting)) != NULL) {
        begin_job(job_of(at));
    }
}

void bacnet_jobs_give_up(struct bacnet_device *device, int error)
{
    while (!list_empty(&device->waiting)) {
        bacnet_job_done_later(job_of(device->waiting.next), error);
    }
}

void bacnet_jobs_cut(struct bacnet_device *device, uint8_t quality, uint16_t detail, int error)
{
    struct list all;
    list_init(&all);
    list_move_all(&all, &device->waiting);
    while (!list_empty(&all)) {
        bacnet_job_done(job_of(all.next), error);
    }
    while (!list_empty(&device->writes)) {
        bacnet_write_cut(job_of(device->writes.next), error);
    }
    list_move_all(&all, &device->reads);
    while (!list_empty(&all)) {
        bacnet_poll_cut(job_of(all.next), quality, detail, error);
    }
}

static struct bacnet_job *find_job(struct list *jobs, const struct request *req)
{
    list_each(at, jobs) {
        if (job_of(at)->req == req) {
            return job_of(at);
        }
    }
    return NULL;
}

/* ---- the slots: pure ones, also for a device that no host has ---- */

static int check_setup(const struct setup *setup, struct err *err)
{
    return bacnet_config_check_setup(setup, err);
}

static int check(const struct setup *setup, const struct settings *device, struct err *err)
{
    return bacnet_config_check(setup, device, err);
}

static int resolve(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err)
{
    (void)setup;
    return bacnet_target_resolve(device, point, address, facts, err);
}

static void print_address(const struct device *dev, const struct point *pt, struct buf *out)
{
    const struct bacnet_target *targets = dev->addresses;
    bacnet_target_print(&targets[pt - dev->points], out);
}

static void print_link(const struct device *dev, struct buf *out)
{
    struct bacnet_config config;
    if (bacnet_config_read(dev->settings, &config, NULL) == 0) {
        bacnet_config_print(&config, out);
    }
}

static void find_key(const struct device *dev, struct buf *out)
{
    const struct bacnet_device *device = bacnet_device_of(dev);
    bacnet_discover_key(device->state->discover, device->network, device->config.device, out);
}

static void describe(const struct device *dev, bool sent, const void *data, size_t size,
                     struct buf *out)
{
    (void)dev;
    (void)sent;
    bacnet_describe(data, size, out);
}

static bool trace(const struct device *dev, const struct point *pt, struct bytes sent,
                  struct bytes received, struct buf *out, struct sample *raw)
{
    return bacnet_trace(driver_address(dev, (uint32_t)(pt - dev->points)), sent, received, out,
                        raw);
}

/* ---- the slots: life and requests ---- */

static int open_driver(struct driver *drv, struct err *err)
{
    struct bacnet_driver_state *state = driver_state(drv);
    (void)err;
    bacnet_networks_init(state, drv);
    state->discover = bacnet_discover_new(drv);
    return 0;
}

static void stopped(void *ctx);

static void setup_driver(struct driver *drv, const struct setup *setup)
{
    bacnet_networks_setup(driver_state(drv), setup);
}

static void close_driver(struct driver *drv)
{
    struct bacnet_driver_state *state = driver_state(drv);
    bacnet_networks_close(state);
    bacnet_discover_free(state->discover);
}

static int add(struct driver *drv, struct device *dev, struct err *err)
{
    struct bacnet_device *device = bacnet_device_of(dev);
    int error = bacnet_config_read(dev->settings, &device->config, err);
    if (error != 0) {
        return error;
    }
    device->dev = dev;
    device->drv = drv;
    device->loop = driver_loop(drv);
    device->state = driver_state(drv);
    list_init(&device->waiting);
    list_init(&device->reads);
    list_init(&device->writes);
    list_init(&device->finished);
    list_init(&device->spare);
    list_init(&device->exchanges);
    list_init(&device->open);
    list_init(&device->tests);
    list_init(&device->fault_asks);
    loop_deferred_init(&device->finishing, finish, device);
    loop_deferred_init(&device->stopping, stopped, device);
    bacnet_learn_init(device);
    bacnet_link_init(device);
    device->points = busbar_alloc_array(dev->point_count, sizeof(*device->points));
    device->marks = busbar_alloc_array(dev->point_count, 1);
    for (size_t i = 0; i < dev->point_count; i++) {
        device->points[i].type = BACNET_TYPES;
    }
    sort_points(device);
    return 0;
}

static int start(struct device *dev)
{
    struct bacnet_device *device = bacnet_device_of(dev);
    device->started = true;
    (void)bacnet_link_wake(device);
    return 0;
}

static void request(struct device *dev, struct request *req, bool write)
{
    struct bacnet_device *device = bacnet_device_of(dev);
    struct bacnet_job *job = bacnet_job_take(device, req);
    job->write = write;
    list_append(&device->waiting, &job->link);
    if (!bacnet_link_wake(device)) {
        list_remove(&job->link);
        begin_job(job);
    }
}

static void read_points(struct device *dev, struct request *req)
{
    request(dev, req, false);
}

static void write_points(struct device *dev, struct request *req)
{
    request(dev, req, true);
}

static void cancel(struct device *dev, struct request *req)
{
    struct bacnet_device *device = bacnet_device_of(dev);
    struct bacnet_job *job = find_job(&device->reads, req);
    if (job != NULL) {
        bacnet_poll_cut(job, QUALITY_NO_ANSWER, BACNET_DETAIL_LOST, BUSBAR_ETIMEOUT);
        return;
    }
    job = find_job(&device->writes, req);
    if (job != NULL) {
        bacnet_write_cut(job, BUSBAR_ETIMEOUT);
        return;
    }
    job = find_job(&device->waiting, req);
    if (job != NULL) {
        bacnet_job_done(job, BUSBAR_ETIMEOUT);
    }
}

static void unplan(struct device *dev, struct request *req)
{
    (void)dev;
    bacnet_plan_free(req->plan);
    req->plan = NULL;
}

static void stopped(void *ctx)
{
    struct bacnet_device *device = ctx;
    bacnet_link_stop(device);
    driver_stopped(device->dev);
}

/* Not from inside an answer: the network may go with its last device. */
static void stopped_soon(struct bacnet_device *device)
{
    loop_defer(device->loop, &device->stopping);
}

static void stop(struct device *dev)
{
    struct bacnet_device *device = bacnet_device_of(dev);
    device->started = false;
    bacnet_test_stop_all(device);
    bacnet_browse_stop_all(device);
    bacnet_alarm_down(device);
    bacnet_flags_stop(device);
    bacnet_jobs_cut(device, QUALITY_PAUSED, 0, BUSBAR_ECANCELED);
    finish(device);
    loop_defer_cancel(&device->finishing);
    bacnet_exchanges_free(device);
    if (!bacnet_cov_stop(device, stopped_soon)) {
        stopped(device);
    }
}

static void remove_device(struct device *dev)
{
    struct bacnet_device *device = bacnet_device_of(dev);
    struct list *at;
    while ((at = list_shift(&device->spare)) != NULL) {
        struct bacnet_job *job = job_of(at);
        busbar_free(job->again);
        busbar_free(job->splits);
        busbar_free(job);
    }
    bacnet_cov_free(device);
    bacnet_alarm_free(device);
    busbar_free(device->faults);
    busbar_free(device->points);
    busbar_free(device->marks);
    busbar_free(device->by_target);
}

static void test(struct device *dev, struct driver_test *asked)
{
    bacnet_test_begin(bacnet_device_of(dev), asked);
}

static void discover(struct driver *drv, struct driver_discovery *discovery)
{
    struct bacnet_driver_state *state = driver_state(drv);
    bacnet_discover_begin(state->discover, discovery);
}

static void discover_stop(struct driver *drv, struct driver_discovery *discovery)
{
    struct bacnet_driver_state *state = driver_state(drv);
    bacnet_discover_end(state->discover, discovery);
}

static void browse(struct device *dev, struct driver_browse *asked)
{
    bacnet_browse_begin(bacnet_device_of(dev), asked);
}

static void browse_stop(struct device *dev, struct driver_browse *asked)
{
    bacnet_browse_end(bacnet_device_of(dev), asked);
}

static const struct driver_ops ops = {
    .name = "bacnet",
    .device_options = bacnet_device_options,
    .point_options = bacnet_point_options,
    .setup_options = bacnet_setup_options,
    .parts_key = "networks",
    .part_options = bacnet_network_options,
    .driver_bytes = sizeof(struct bacnet_driver_state),
    .device_bytes = sizeof(struct bacnet_device),
    .address_bytes = sizeof(struct bacnet_target),
    .check_setup = check_setup,
    .ports = bacnet_ports,
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
    .unplan = unplan,
    .stop = stop,
    .remove = remove_device,
    .test = test,
    .discover = discover,
    .discover_stop = discover_stop,
    .browse = browse,
    .browse_stop = browse_stop,
    .acknowledge = bacnet_alarm_acknowledge,
    .find_key = find_key,
    .status = bacnet_status,
    .describe = describe,
    .address = print_address,
    .explain = bacnet_explain,
    .trace = trace,
    .link = print_link,
};

const struct driver_ops *bacnet_driver(void)
{
    return &ops;
}
