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

enum fake_mode {
    FAKE_ANSWER,
    FAKE_SILENT,
    FAKE_REFUSE,
    FAKE_LINK_DOWN,
    FAKE_GARBAGE,
    FAKE_UNTRUSTED
};

enum { FAKE_POINTS_MAX = 64, FAKE_TIMES_MAX = 4096, FAKE_DEVICES_MAX = 64, FAKE_PRIORITIES = 16 };

/* The driver's own state; `fake_now` is the one that is open. */
struct fake_driver {
    struct driver *drv;
    struct driver_discovery *discovery; /* that runs */
};
struct fake_counts {
    unsigned opens, closes, setups, discovery_stops;
    bool open_fails;
    uint64_t setup_hash; /* of the last setup() */
    size_t devices_at_setup;
    bool stops_late; /* discoveries and browses end when the test says so */
};
static struct fake_counts fake_counts;
static struct fake_driver *fake_now;

/* dev->driver */
struct fake {
    enum fake_mode mode;
    int64_t delay_us;     /* until it answers */
    int64_t patience_us;  /* until its driver gives up on a silent one */
    size_t request_max;   /* more points: BUSBAR_ETOOBIG; 0 = any */
    size_t silent_from;   /* points from this index on are not answered; 0 = all are */
    bool bad_index_fails; /* a request that holds point `bad_index` fails as a whole */
    uint32_t bad_index;
    bool ignore_write;         /* takes writes, keeps its value */
    const struct text *spells; /* so it spells a text that is written; NULL: as it came */
    struct sample raw[FAKE_POINTS_MAX];
    struct list open;
    size_t open_now, open_most;
    uint64_t reads, writes, done, canceled, plans, unplans;
    size_t time_count;
    int64_t times[FAKE_TIMES_MAX]; /* monotonic, of each read */
    bool started;
    unsigned starts, stops;
    uint64_t reads_of[FAKE_POINTS_MAX]; /* requests that held the point */
    /* A priority array each; nothing in it: raw. */
    struct sample held[FAKE_POINTS_MAX][FAKE_PRIORITIES];
    struct driver_write how; /* of the last write that had one */
    bool had_how;
    struct driver_browse *browse; /* that runs */
    unsigned browse_stops;
    struct driver_acknowledge *ack; /* that waits */
    struct driver_call *call;       /* that waits */
    unsigned calls;
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
        for (size_t k = FAKE_PRIORITIES; k > 0; k--) {
            const struct sample *held = &fake->held[index % FAKE_POINTS_MAX][k - 1];
            req->samples[i] = held->type != VALUE_NONE ? *held : req->samples[i];
        }
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
    fake->had_how = req->how != NULL;
    if (req->how != NULL) {
        fake->how = *req->how;
        assert_in_range(req->how->priority, 1, FAKE_PRIORITIES);
        assert_true(req->how->release == (req->samples[0].type == VALUE_NONE));
        fake->held[req->points[0]][req->how->priority - 1] = req->samples[0];
    } else if (!fake->ignore_write) {
        fake->raw[req->points[0]].type = req->samples[0].type;
        if (fake->spells != NULL) {
            req->samples[0].value.text = fake->spells;
        }
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
        [FAKE_UNTRUSTED] = BUSBAR_EUNTRUSTED,
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
    for (size_t i = 0; i < req->count; i++) {
        assert_true(i == 0 || req->points[i] > req->points[i - 1]);
        fake->reads_of[req->points[i] % FAKE_POINTS_MAX]++;
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

/* ---- the driver ---- */

static inline int fake_open(struct driver *drv, struct err *err)
{
    if (fake_counts.open_fails) {
        return err_set(err, BUSBAR_EADDRINUSE, "port 1 is taken");
    }
    assert_null(fake_now);
    fake_now = driver_state(drv);
    fake_now->drv = drv;
    fake_counts.opens++;
    return 0;
}

static inline void fake_setup(struct driver *drv, const struct setup *setup)
{
    assert_ptr_equal(driver_state(drv), fake_now);
    assert_ptr_equal(driver_setup(drv), setup);
    fake_counts.devices_at_setup = driver_next_device(drv, NULL) != NULL ? 1 : 0;
    fake_counts.setup_hash = setup->hash;
    fake_counts.setups++;
}

static inline void fake_close(struct driver *drv)
{
    assert_ptr_equal(driver_state(drv), fake_now);
    assert_null(fake_now->discovery);
    fake_counts.closes++;
    fake_now = NULL;
}

static inline void fake_discover(struct driver *drv, struct driver_discovery *discovery)
{
    (void)drv;
    driver_discovery_set_state(discovery, fake_now);
    if (driver_discovery_option(discovery, "fail") != NULL) {
        driver_discovered(discovery, BUSBAR_EREFUSED, "there is no network");
        return;
    }
    assert_null(fake_now->discovery);
    fake_now->discovery = discovery;
}

static inline void fake_discovered(int error, const char *message)
{
    struct driver_discovery *discovery = fake_now->discovery;
    assert_ptr_equal(driver_discovery_state(discovery), fake_now);
    fake_now->discovery = NULL;
    driver_discovered(discovery, error, message);
}

static inline void fake_discover_stop(struct driver *drv, struct driver_discovery *discovery)
{
    (void)drv;
    assert_ptr_equal(fake_now->discovery, discovery);
    fake_counts.discovery_stops++;
    if (!fake_counts.stops_late) {
        fake_discovered(BUSBAR_ECANCELED, NULL);
    }
}

static inline void fake_browse(struct device *dev, struct driver_browse *browse)
{
    struct fake *fake = fake_of(dev);
    assert_true(fake->started);
    driver_browse_set_state(browse, fake);
    if (strcmp(driver_browse_at(browse), "nothing") == 0) {
        driver_browsed(browse, BUSBAR_EREFUSED, "there is no such object");
        return;
    }
    fake->browse = browse;
}

static inline void fake_browsed(struct fake *fake, int error, const char *message)
{
    struct driver_browse *browse = fake->browse;
    assert_ptr_equal(driver_browse_state(browse), fake);
    fake->browse = NULL;
    driver_browsed(browse, error, message);
}

static inline void fake_browse_stop(struct device *dev, struct driver_browse *browse)
{
    struct fake *fake = fake_of(dev);
    assert_ptr_equal(fake->browse, browse);
    fake->browse_stops++;
    if (!fake_counts.stops_late) {
        fake_browsed(fake, BUSBAR_ECANCELED, NULL);
    }
}

static inline void fake_acknowledge(struct device *dev, struct driver_acknowledge *ack)
{
    if (strcmp(ack->note, "at once") == 0) {
        driver_acknowledged(dev, ack, 0, 0);
    } else {
        fake_of(dev)->ack = ack;
    }
}

static inline void fake_acknowledged(struct device *dev, int error, uint16_t detail)
{
    struct driver_acknowledge *ack = fake_of(dev)->ack;
    fake_of(dev)->ack = NULL;
    driver_acknowledged(dev, ack, error, detail);
}

/* "at once" is answered inside, all else waits for fake_called(). */
static inline void fake_call(struct device *dev, struct driver_call *call)
{
    fake_of(dev)->calls++;
    if (call->argument_count > 0 && strcmp(call->arguments[0], "at once") == 0) {
        driver_called(dev, call, 0, 0, "{\"sum\":3}", NULL);
    } else {
        assert_null(fake_of(dev)->call);
        fake_of(dev)->call = call;
    }
}

static inline void fake_called(struct device *dev, int error, uint16_t detail, const char *results,
                               const char *words)
{
    struct driver_call *call = fake_of(dev)->call;
    fake_of(dev)->call = NULL;
    driver_called(dev, call, error, detail, results, words);
}

/* A device named "ahu-7" is the find "7". */
static inline void fake_find_key(const struct device *dev, struct buf *out)
{
    const char *dash = strrchr(dev->name, '-');
    if (dash != NULL) {
        buf_append_text(out, dash + 1);
    }
}

static inline void fake_status(struct driver *drv, driver_status_cb cb, void *ctx)
{
    struct driver_status status = { .part = "roof", .name = "address", .text = "10.0.0.1:1" };
    assert_ptr_equal(driver_state(drv), fake_now);
    cb(ctx, &status);
}

/* ---- devices ---- */

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
    if (fake->browse != NULL) {
        fake_browsed(fake, BUSBAR_ECANCELED, NULL);
    }
    if (fake->ack != NULL) {
        fake_acknowledged(dev, BUSBAR_ECANCELED, 0);
    }
    if (fake->call != NULL) {
        fake_called(dev, BUSBAR_ECANCELED, 0, NULL, NULL);
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

enum { FAKE_SETUP_ID };
static const struct option fake_setup_options[] = {
    { .key = "id", .type = OPTION_INT, .fallback = "1", .max = 100 },
    { .key = NULL },
};

static const struct driver_ops fake_ops = {
    .name = "fake",
    .setup_options = fake_setup_options,
    .driver_bytes = sizeof(struct fake_driver),
    .device_bytes = sizeof(struct fake),
    .open = fake_open,
    .setup = fake_setup,
    .close = fake_close,
    .discover = fake_discover,
    .discover_stop = fake_discover_stop,
    .browse = fake_browse,
    .browse_stop = fake_browse_stop,
    .acknowledge = fake_acknowledge,
    .call = fake_call,
    .find_key = fake_find_key,
    .status = fake_status,
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

enum { SITE_SAVES_MAX = 64 };

/* What the site was asked to keep of holds, in order: "+ahu-1/p0@8=22 eva 0", "-ahu-1/p0@8". */
struct site_save {
    char text[128];
    void (*saved)(void *ctx, int error); /* NULL: was told */
    void *ctx;
};

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
    struct site_save saves[SITE_SAVES_MAX];
    size_t save_count;
    bool keeps_holds;
    int save_error;
    char released[256]; /* what was said of the last release */
    unsigned released_count;
    uint64_t events;
    char event_text[256]; /* of the last one: "source kind key" */
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

static inline struct site_save *site_save_new(struct site *site)
{
    assert_true(site->save_count < SITE_SAVES_MAX);
    return &site->saves[site->save_count++];
}

static inline void site_hold_save(void *ctx, const struct host_hold *hold,
                                  void (*saved)(void *ctx, int error), void *saved_ctx)
{
    struct site *site = ctx;
    struct site_save *save = site_save_new(site);
    str_format(save->text, sizeof(save->text), "+%s@%u=%s %s %lld", hold->path, hold->priority,
               hold->value, hold->who,
               (long long)(hold->until_us > 0 ? hold->until_us - hold->since_us : 0) /
                   CLOCK_US_PER_S);
    save->saved = saved;
    save->ctx = saved_ctx;
}

/* Tells those that wait for the disk; the host's rule is "later". */
static inline void site_saved(struct site *site)
{
    for (size_t i = 0; i < site->save_count; i++) {
        void (*saved)(void *, int) = site->saves[i].saved;
        site->saves[i].saved = NULL;
        if (saved != NULL) {
            saved(site->saves[i].ctx, site->save_error);
        }
    }
}

static inline void site_hold_remove(void *ctx, const char *path, uint8_t priority)
{
    struct site *site = ctx;
    struct site_save *save = site_save_new(site);
    str_format(save->text, sizeof(save->text), "-%s@%u", path, priority);
    save->saved = NULL;
}

static inline struct point *site_point(void *ctx, const char *path)
{
    struct site *site = ctx;
    const char *slash = strchr(path, '/');
    for (size_t i = 0; i < site->device_count; i++) {
        struct device *dev = site->devices[i];
        size_t size = strlen(dev->name);
        if (size == (size_t)(slash - path) && strncmp(dev->name, path, size) == 0) {
            for (size_t k = 0; k < dev->point_count; k++) {
                if (strcmp(dev->points[k].name, slash + 1) == 0) {
                    return &dev->points[k];
                }
            }
        }
    }
    return NULL;
}

static inline void site_released(void *ctx, const struct host_hold *hold, int error,
                                 const char *result)
{
    struct site *site = ctx;
    str_format(site->released, sizeof(site->released), "%s@%u %s: %s", hold->path, hold->priority,
               error == 0 ? "released" : "not released", result);
    site->released_count++;
}

static inline int site_make_device(void *ctx, const char *protocol, const char *settings,
                                   struct device **out, struct err *err)
{
    struct site *site = ctx;
    (void)protocol;
    if (strcmp(settings, "{ wrong: 1 }") == 0) {
        return err_set(err, BUSBAR_ECONFIG, "unknown key 'wrong'");
    }
    struct device *dev = device_new();
    dev->name = arena_printf(&dev->arena, "stranger-%u", site->next_id);
    dev->protocol = "fake";
    *out = dev;
    return 0;
}

static inline int site_store_event(void *ctx, const struct event *event, bus_stored_cb stored,
                                   void *stored_ctx)
{
    struct site *site = ctx;
    assert_true(event->time_us > 0 && event->receive_us > 0);
    site->events++;
    str_format(site->event_text, sizeof(site->event_text), "%s %s %s", event->source, event->kind,
               event->key);
    if (stored != NULL) {
        stored(stored_ctx, 0);
    }
    return 0;
}

/* What is asked of holds is kept in site->saves; without it they live in memory. */
static inline void site_init_with(struct site *site, bool keeps_holds)
{
    static const struct driver_ops *const catalog[] = { &fake_ops, NULL };
    *site = (struct site){ .next_id = 1, .keeps_holds = keeps_holds };
    fake_counts = (struct fake_counts){ 0 };
    fake_now = NULL;
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
        .make_device = site_make_device,
        .holds = { .point = site_point, .released = site_released },
        .ctx = site,
        .seed = 1,
    };
    if (keeps_holds) {
        config.holds.save = site_hold_save;
        config.holds.remove = site_hold_remove;
    }
    bus_store_events(site->bus, site_store_event, site);
    site->host = host_new(&config);
}

static inline void site_init(struct site *site)
{
    site_init_with(site, false);
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
