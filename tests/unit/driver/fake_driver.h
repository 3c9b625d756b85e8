/* SPDX-License-Identifier: Apache-2.0 */
/* A whole gateway core for the host's tests: fake clock, loop, bus with a counting store, and a
 * driver whose devices do as the test says. Nothing sleeps: site_advance() moves the time.
 *
 *     site_init(&site);
 *     struct device *dev = site_add(&site, "ahu-1", 10, CLOCK_US_PER_S);    10 points, every second
 *     fake_of(dev)->mode = FAKE_SILENT;
 *     site_advance(&site, 5 * CLOCK_US_PER_S);
 *     site_fini(&site);
 */
#ifndef BUSBAR_TESTS_FAKE_DRIVER_H
#define BUSBAR_TESTS_FAKE_DRIVER_H

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host.h"
#include "model/quality.h"
#include "model/registry.h"
#include "net/timer.h"

enum fake_mode { FAKE_ANSWER, FAKE_SILENT, FAKE_REFUSE, FAKE_LINK_DOWN, FAKE_GARBAGE };

enum { FAKE_POINTS_MAX = 64, FAKE_TIMES_MAX = 4096, FAKE_DEVICES_MAX = 64 };

/* dev->driver */
struct fake {
    enum fake_mode mode;
    int64_t delay_us;     /* until it answers */
    int64_t patience_us;  /* until its driver gives up on a silent one */
    size_t request_max;   /* more points: BUSBAR_ETOOBIG; 0 = any */
    size_t silent_from;   /* points from this index on are not answered; 0 = all are */
    bool bad_index_fails; /* a request that holds point `bad_index` fails as a whole */
    uint32_t bad_index;
    bool ignore_write; /* takes writes, keeps its value */
    struct sample raw[FAKE_POINTS_MAX];
    struct list open;
    size_t open_now, open_most;
    uint64_t reads, writes, done, canceled, plans, unplans;
    size_t time_count;
    int64_t times[FAKE_TIMES_MAX]; /* monotonic, of each read */
    bool started;
    unsigned starts, stops;
};

struct fake_ask {
    struct list link;
    struct device *dev;
    struct request *req;
    struct timer timer;
    bool write;
    int error;
};

static inline struct fake *fake_of(const struct device *dev)
{
    return dev->driver;
}

static inline void fake_end(struct fake_ask *ask, int error)
{
    struct fake *fake = fake_of(ask->dev);
    struct device *dev = ask->dev;
    struct request *req = ask->req;
    timer_stop(&ask->timer);
    list_remove(&ask->link);
    fake->open_now--;
    fake->done++;
    fake->canceled += error == BUSBAR_ECANCELED ? 1 : 0;
    busbar_free(ask);
    driver_done(dev, req, error);
}

static inline int fake_read_now(struct fake *fake, struct request *req)
{
    for (size_t i = 0; i < req->count; i++) {
        uint32_t index = req->points[i];
        req->samples[i] = fake->raw[index % FAKE_POINTS_MAX];
        if (fake->silent_from > 0 && index >= fake->silent_from) {
            req->samples[i] = (struct sample){ .quality = QUALITY_NO_ANSWER };
        }
        if (fake->bad_index_fails && index == fake->bad_index) {
            return BUSBAR_ETIMEOUT;
        }
    }
    return 0;
}

static inline int fake_write_now(struct fake *fake, struct request *req)
{
    if (!fake->ignore_write) {
        fake->raw[req->points[0]].type = req->samples[0].type;
        fake->raw[req->points[0]].value = req->samples[0].value;
    }
    return 0;
}

static inline void fake_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    struct fake_ask *ask = ctx;
    struct fake *fake = fake_of(ask->dev);
    int error = ask->error;
    if (error == 0 && ask->write) {
        error = fake_write_now(fake, ask->req);
    } else if (error == 0) {
        error = fake_read_now(fake, ask->req);
    }
    if (error == BUSBAR_EREFUSED) {
        ask->req->samples[0].detail = 2;
    }
    if (error == 0) {
        driver_frame(ask->dev, false, "answer", 6);
    }
    fake_end(ask, error);
}

static inline void fake_begin(struct device *dev, struct request *req, bool write)
{
    static const int errors[] = {
        [FAKE_ANSWER] = 0,
        [FAKE_SILENT] = BUSBAR_ETIMEOUT,
        [FAKE_REFUSE] = BUSBAR_EREFUSED,
        [FAKE_LINK_DOWN] = BUSBAR_ECONNREFUSED,
        [FAKE_GARBAGE] = BUSBAR_EPROTO,
    };
    struct fake *fake = fake_of(dev);
    struct fake_ask *ask = busbar_alloc(sizeof(*ask));
    assert_true(fake->started);
    assert_true(req->count > 0 && req->count <= HOST_POLL_POINTS_MAX);
    ask->dev = dev;
    ask->req = req;
    ask->write = write;
    ask->error = errors[fake->mode];
    if (fake->request_max > 0 && req->count > fake->request_max && !write) {
        ask->error = BUSBAR_ETOOBIG;
    }
    list_append(&fake->open, &ask->link);
    fake->open_now++;
    fake->open_most = fake->open_now > fake->open_most ? fake->open_now : fake->open_most;
    driver_frame(dev, true, "question", 8);
    timer_init(&ask->timer, driver_loop(driver_of(dev)), fake_timer, ask);
    timer_start_us(&ask->timer, fake->mode == FAKE_SILENT ? fake->patience_us : fake->delay_us, 0);
}

static inline void fake_read(struct device *dev, struct request *req)
{
    struct fake *fake = fake_of(dev);
    fake->reads++;
    if (req->plan == NULL) {
        req->plan = busbar_alloc(1);
        fake->plans++;
    }
    if (fake->time_count < FAKE_TIMES_MAX) {
        fake->times[fake->time_count++] = clock_mono_us();
    }
    fake_begin(dev, req, false);
}

static inline void fake_write(struct device *dev, struct request *req)
{
    fake_of(dev)->writes++;
    fake_begin(dev, req, true);
}

static inline void fake_cancel(struct device *dev, struct request *req)
{
    list_each(at, &fake_of(dev)->open) {
        struct fake_ask *ask = list_entry(at, struct fake_ask, link);
        if (ask->req == req) {
            ask->error = BUSBAR_ETIMEOUT;
            timer_start_us(&ask->timer, 0, 0);
        }
    }
}

static inline void fake_unplan(struct device *dev, struct request *req)
{
    fake_of(dev)->unplans++;
    busbar_free(req->plan);
}

static inline int fake_add(struct driver *drv, struct device *dev, struct err *err)
{
    (void)drv;
    struct fake *fake = fake_of(dev);
    list_init(&fake->open);
    fake->delay_us = 10000;
    fake->patience_us = CLOCK_US_PER_S;
    for (int i = 0; i < FAKE_POINTS_MAX; i++) {
        fake->raw[i].type = VALUE_INT;
        fake->raw[i].value.i = 100 + i;
    }
    return strcmp(dev->name, "cannot-be") == 0 ? err_set(err, BUSBAR_ECONFIG, "no such thing") : 0;
}

static inline int fake_start(struct device *dev)
{
    assert_false(fake_of(dev)->started);
    fake_of(dev)->started = true;
    fake_of(dev)->starts++;
    return 0;
}

static inline void fake_stop(struct device *dev)
{
    struct fake *fake = fake_of(dev);
    assert_true(fake->started);
    fake->started = false;
    fake->stops++;
    while (!list_empty(&fake->open)) {
        fake_end(list_entry(fake->open.next, struct fake_ask, link), BUSBAR_ECANCELED);
    }
    driver_stopped(dev);
}

static inline void fake_remove(struct device *dev)
{
    struct fake *fake = fake_of(dev);
    assert_false(fake->started);
    assert_true(list_empty(&fake->open));
    assert_int_equal(fake->plans, fake->unplans);
    assert_int_equal(fake->reads + fake->writes, fake->done); /* each answered exactly once */
}

static inline void fake_test(struct device *dev, struct driver_test *test)
{
    (void)dev;
    driver_finding(test, "name", true, 0, "ok", "");
    if (driver_test_option(test, "scan-units") != NULL) {
        driver_finding(test, "unit 3", false, BUSBAR_ETIMEOUT,
                       driver_test_option(test, "scan-units"), "set 'unit_id: 1'");
        driver_finding(test, "unit 4", false, BUSBAR_EREFUSED, "no", "");
    }
    driver_tested(test);
}

static inline const char *fake_explain(uint16_t detail)
{
    return detail == 2 ? "there is no such address in the device" : NULL;
}

static const struct driver_ops fake_ops = {
    .name = "fake",
    .device_bytes = sizeof(struct fake),
    .address_bytes = 4,
    .add = fake_add,
    .start = fake_start,
    .read = fake_read,
    .write = fake_write,
    .cancel = fake_cancel,
    .unplan = fake_unplan,
    .stop = fake_stop,
    .remove = fake_remove,
    .test = fake_test,
    .explain = fake_explain,
};

/* ---- the site around it ---- */

struct site {
    struct loop *loop;
    struct registry *registry;
    struct bus *bus;
    struct host *host;
    uint64_t stored; /* samples the store took */
    uint64_t stored_by_quality[16];
    int64_t limit_saved;
    char limit_name[64];
    size_t removed;
    bool stopped;
    uint32_t next_id;
    struct point_class cls; /* of the points of the next device */
    struct device *devices[FAKE_DEVICES_MAX];
    size_t device_count;
    struct host_device_settings settings;
};

static inline int site_store(void *ctx, const struct sample *samples, size_t count,
                             bus_stored_cb stored, void *stored_ctx)
{
    struct site *site = ctx;
    for (size_t i = 0; i < count; i++) {
        assert_true(samples[i].point > 0);
        assert_true(samples[i].time_us > 0 && samples[i].receive_us > 0);
        assert_true(quality_known(samples[i].quality));
        assert_true(
            (samples[i].type == VALUE_NONE) ==
            (samples[i].quality > QUALITY_CLAMPED && samples[i].quality != QUALITY_CONFIGURATION));
        site->stored_by_quality[samples[i].quality]++;
    }
    site->stored += count;
    if (stored != NULL) {
        stored(stored_ctx, 0);
    }
    return 0;
}

static inline void site_limits_save(void *ctx, const char *device, const char *name, int64_t value)
{
    struct site *site = ctx;
    (void)device;
    site->limit_saved = value;
    str_copy(site->limit_name, sizeof(site->limit_name), name);
}

static inline void site_init(struct site *site)
{
    static const struct driver_ops *const catalog[] = { &fake_ops, NULL };
    *site = (struct site){ .next_id = 1 };
    site->cls = (struct point_class){ .units = "", .scale = 1.0, .every_us = CLOCK_US_PER_S };
    site->settings = (struct host_device_settings){ .timeout_us = 5 * CLOCK_US_PER_S };
    clock_fake_set(CLOCK_US_PER_S * 1000, CLOCK_US_PER_S * 1700000000);
    busbar_log_level(LOG_LEVEL_ERROR);
    site->loop = loop_new();
    site->registry = registry_new();
    site->bus = bus_new(site_store, site);
    struct host_config config = {
        .loop = site->loop,
        .bus = site->bus,
        .catalog = catalog,
        .limits_save = site_limits_save,
        .ctx = site,
        .seed = 1,
    };
    site->host = host_new(&config);
}

/* A device with `count` points of site->cls, not yet given to the host. */
static inline struct device *site_device(struct site *site, const char *name, size_t count)
{
    struct device *dev = device_new();
    dev->name = arena_strdup(&dev->arena, name);
    dev->protocol = "fake";
    dev->points = arena_alloc_array(&dev->arena, count, sizeof(*dev->points));
    dev->addresses = arena_alloc_array(&dev->arena, count, fake_ops.address_bytes);
    dev->point_count = count;
    for (size_t i = 0; i < count; i++) {
        struct point *pt = &dev->points[i];
        pt->name = arena_printf(&dev->arena, "p%zu", i);
        pt->title = "";
        pt->device = dev;
        pt->cls = registry_class(site->registry, &site->cls);
        pt->last.point = site->next_id++;
        pt->last.quality = QUALITY_NOT_YET;
        pt->value_type = site->cls.scale != 1.0 ? VALUE_DOUBLE : VALUE_INT;
        pt->readable = true;
        pt->writable = site->cls.write.allowed;
    }
    assert_true(site->device_count < FAKE_DEVICES_MAX);
    site->devices[site->device_count++] = dev;
    return dev;
}

static inline struct device *site_add(struct site *site, const char *name, size_t count,
                                      int64_t every_us)
{
    site->cls.every_us = every_us;
    struct device *dev = site_device(site, name, count);
    assert_int_equal(host_add(site->host, dev, &site->settings, NULL), 0);
    return dev;
}

static inline void site_advance(struct site *site, int64_t us)
{
    loop_advance_for_test(site->loop, us);
}

static inline void site_count_removed(void *ctx, struct device *dev)
{
    struct site *site = ctx;
    assert_null(dev->host);
    site->removed++;
}

static inline void site_count_stopped(void *ctx)
{
    struct site *site = ctx;
    assert_false(site->stopped);
    site->stopped = true;
}

static inline void site_stop(struct site *site)
{
    host_stop(site->host, site_count_stopped, site);
    assert_false(site->stopped);
    site_advance(site, 1000);
    assert_true(site->stopped);
}

static inline void site_fini(struct site *site)
{
    if (!site->stopped) {
        site_stop(site);
    }
    host_free(site->host);
    bus_free(site->bus);
    for (size_t i = 0; i < site->device_count; i++) {
        assert_null(site->devices[i]->host);
        device_free(site->devices[i]);
    }
    registry_free(site->registry);
    loop_free(site->loop);
    clock_fake_off();
}

static inline struct device_stats site_stats(const struct device *dev)
{
    struct device_stats stats;
    host_stats(dev, &stats);
    return stats;
}

#endif
