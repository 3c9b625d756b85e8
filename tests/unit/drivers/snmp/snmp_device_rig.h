/* SPDX-License-Identifier: Apache-2.0 */
/* The whole driver on a fake host and a fake clock, with one device whose settings are written as in the configuration,
 * against the agent of snmp_fake_agent.h. One rig a test; included by one file each. */
#ifndef BUSBAR_TESTS_SNMP_DEVICE_RIG_H
#define BUSBAR_TESTS_SNMP_DEVICE_RIG_H

#include "../modbus/settings_make.h"
#include "snmp_fake_agent.h"

#include "base/str.h"
#include "drivers/snmp/snmp.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_driver.h"
#include "model/quality.h"
#include "net/jobs.h"

enum { RIG_POINTS = 16, RIG_FINDINGS = 32, RIG_STEP_US = 50000, RIG_DEADLINE_US = 5000000 };

struct driver {
    struct snmp_driver_state state; /* what the host gives */
    struct loop *loop;
};

struct rig {
    struct driver driver;
    struct setup *setup;
    struct setup_part part;
    struct settings_made setup_made, part_made, made;
    struct fake_agent *fake;
    char host[64];
    struct device dev;
    struct snmp_device device;
    struct point points[RIG_POINTS];
    struct point_class cls;
    struct snmp_address addresses[RIG_POINTS];
    uint32_t numbers[RIG_POINTS];
    struct request req, write;
    struct sample samples[RIG_POINTS], written[RIG_POINTS];
    const char *secret; /* of every name; NULL: not set */
    int answers, error, writes, write_error;
    int ups, downs, link_error, stopped, events, frames, tested;
    char words[1024], event_kind[64], event_text[256];
    char spelt[128]; /* the first text of a write that was taken, as the driver gave it back */
    char findings[RIG_FINDINGS][1024];
    int codes[RIG_FINDINGS];
    size_t finding_count;
};

static struct rig *rig_now;

/* ---- the fake host ---- */

void *driver_state(struct driver *drv)
{
    return &drv->state;
}
struct loop *driver_loop(struct driver *drv)
{
    return drv->loop;
}
void *driver_address(const struct device *dev, uint32_t point_index)
{
    (void)dev;
    return &rig_now->addresses[point_index];
}
struct driver *driver_of(const struct device *dev)
{
    (void)dev;
    return &rig_now->driver;
}
const struct setup *driver_setup(const struct driver *drv)
{
    (void)drv;
    return rig_now->setup;
}
struct device *driver_next_device(const struct driver *drv, const struct device *after)
{
    (void)drv;
    return after == NULL ? &rig_now->dev : NULL;
}
const char *driver_secret(struct driver *drv, const char *name)
{
    (void)drv;
    return strcmp(name, "unset") == 0 ? NULL : rig_now->secret;
}
const char *driver_folder(const struct driver *drv)
{
    (void)drv;
    return NULL;
}
void driver_done(struct device *dev, struct request *req, int error)
{
    (void)dev;
    if (req == &rig_now->write) {
        rig_now->writes++;
        rig_now->write_error = error;
        if (error == 0 && req->samples[0].type == VALUE_TEXT) {
            (void)str_copy(rig_now->spelt, sizeof(rig_now->spelt),
                           req->samples[0].value.text->bytes);
        }
    } else {
        rig_now->answers++;
        rig_now->error = error;
    }
}
void driver_link(struct device *dev, bool up, int error, const char *detail)
{
    (void)dev;
    rig_now->ups += up;
    rig_now->downs += !up;
    rig_now->link_error = error;
    (void)str_copy(rig_now->words, sizeof(rig_now->words), detail != NULL ? detail : "");
}
void driver_frame(struct device *dev, bool sent, const void *data, size_t size)
{
    (void)dev;
    (void)sent;
    (void)data;
    assert_true(size > 0);
    rig_now->frames++;
}
void driver_note(struct device *dev, bool sent, const char *words, size_t size)
{
    (void)dev;
    (void)sent;
    (void)words;
    (void)size;
}
void driver_bad_frame(struct device *dev, const void *data, size_t size, const char *reason)
{
    (void)dev;
    (void)data;
    (void)size;
    assert_non_null(reason);
}
void driver_retried(struct device *dev)
{
    (void)dev;
}
void driver_stopped(struct device *dev)
{
    (void)dev;
    rig_now->stopped++;
}
void driver_limit_set(struct device *dev, const char *name, int64_t value)
{
    (void)dev;
    (void)name;
    (void)value;
}
bool driver_limit_get(const struct device *dev, const char *name, int64_t *value)
{
    (void)dev;
    (void)name;
    (void)value;
    return false;
}
void driver_poll_now(struct device *dev, const uint32_t *points, size_t count)
{
    (void)dev;
    (void)points;
    (void)count;
}
int driver_publish(struct device *dev, const uint32_t *points, struct sample *samples, size_t count,
                   driver_cb on_disk, void *ctx)
{
    (void)dev;
    (void)points;
    (void)samples;
    (void)count;
    (void)on_disk;
    (void)ctx;
    return 0;
}
int driver_event(struct driver *drv, struct device *dev, const struct event *event,
                 driver_cb on_disk, void *ctx)
{
    (void)drv;
    (void)dev;
    (void)on_disk;
    (void)ctx;
    rig_now->events++;
    (void)str_copy(rig_now->event_kind, sizeof(rig_now->event_kind), event->kind);
    (void)str_copy(rig_now->event_text, sizeof(rig_now->event_text), event->text);
    return 0;
}
void driver_finding(struct driver_test *test, const char *step, bool fine, int code,
                    const char *seen, const char *hint)
{
    (void)test;
    (void)fine;
    assert_true(rig_now->finding_count < RIG_FINDINGS);
    rig_now->codes[rig_now->finding_count] = code;
    (void)str_format(rig_now->findings[rig_now->finding_count++], 1024, "%s: %s [%s]", step, seen,
                     hint);
}
const char *driver_test_option(const struct driver_test *test, const char *name)
{
    (void)test;
    (void)name;
    return NULL;
}
void driver_tested(struct driver_test *test)
{
    (void)test;
    rig_now->tested++;
}
/* Discovery and browsing have tests of their own. */
void driver_found(struct driver *drv, struct driver_discovery *discovery,
                  const struct driver_find *find)
{
    (void)drv;
    (void)discovery;
    (void)find;
}
void driver_discovery_progress(struct driver_discovery *discovery, uint64_t done, uint64_t total)
{
    (void)discovery;
    (void)done;
    (void)total;
}
void driver_discovered(struct driver_discovery *discovery, int error, const char *message)
{
    (void)discovery;
    (void)error;
    (void)message;
}
const char *driver_discovery_option(const struct driver_discovery *discovery, const char *name)
{
    (void)discovery;
    (void)name;
    return NULL;
}
void *driver_discovery_state(const struct driver_discovery *discovery)
{
    (void)discovery;
    return NULL;
}
void driver_discovery_set_state(struct driver_discovery *discovery, void *state)
{
    (void)discovery;
    (void)state;
}
void driver_node(struct driver_browse *browse, const struct driver_node *node)
{
    (void)browse;
    (void)node;
}
void driver_browse_progress(struct driver_browse *browse, uint64_t done, uint64_t total)
{
    (void)browse;
    (void)done;
    (void)total;
}
void driver_browsed(struct driver_browse *browse, int error, const char *message)
{
    (void)browse;
    (void)error;
    (void)message;
}
const char *driver_browse_at(const struct driver_browse *browse)
{
    (void)browse;
    return "";
}
void *driver_browse_state(const struct driver_browse *browse)
{
    (void)browse;
    return NULL;
}
void driver_browse_set_state(struct driver_browse *browse, void *state)
{
    (void)browse;
    (void)state;
}

/* ---- life ---- */

static inline struct rig *rig_new(void)
{
    struct rig *rig = busbar_alloc(sizeof(*rig));
    rig_now = rig;
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    rig->driver.loop = loop_new();
    rig->setup = setup_new(snmp_setup_options);
    rig->fake = fake_new(rig->driver.loop);
    (void)endpoint_format(rig->host, sizeof(rig->host), &rig->fake->address);
    rig->cls = (struct point_class){ .as_is = true, .units = "" };
    rig->dev = (struct device){ .name = "switch-1",
                                .points = rig->points,
                                .addresses = rig->addresses,
                                .driver = &rig->device };
    arena_init(&rig->dev.arena, 0);
    fake_int(rig->fake, "1.3.6.1.2.1.1.3.0", BER_TIMETICKS, 360000);
    fake_text(rig->fake, "1.3.6.1.2.1.1.1.0", "a switch");
    fake_text(rig->fake, "1.3.6.1.2.1.1.5.0", "sw-1");
    assert_int_equal(snmp_driver()->open(&rig->driver, NULL), 0);
    return rig;
}

static inline uint32_t rig_point(struct rig *rig, const char *const *pairs)
{
    static struct settings_made made;
    struct err err = { 0 };
    struct point_facts facts = { .arena = &rig->dev.arena };
    uint32_t at = (uint32_t)rig->dev.point_count++;
    assert_true(at < RIG_POINTS);
    const struct settings *point = settings_make(&made, snmp_point_options, pairs);
    int error = snmp_driver()->resolve(rig->setup, NULL, point, &rig->addresses[at], &facts, &err);
    if (error != 0) {
        fail_msg("%s", err.message);
    }
    rig->points[at] = (struct point){ .name = "point", .cls = &rig->cls, .readable = true };
    rig->numbers[at] = at;
    return at;
}

/* With the settings of the device; "host" is the fake agent's where they have none. */
static inline void rig_start(struct rig *rig, const char *const *pairs)
{
    const char *all[40] = { NULL };
    size_t count = 0;
    bool host = false;
    struct err err = { 0 };
    for (; pairs[count] != NULL; count++) {
        all[count] = pairs[count];
        host = host || (count % 2 == 0 && strcmp(pairs[count], "host") == 0);
    }
    if (!host) {
        all[count] = "host";
        all[count + 1] = rig->host;
    }
    rig->dev.settings = (void *)(uintptr_t)settings_make(&rig->made, snmp_device_options, all);
    snmp_driver()->setup(&rig->driver, rig->setup);
    int error = snmp_driver()->add(&rig->driver, &rig->dev, &err);
    if (error != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(snmp_driver()->start(&rig->dev), 0);
}

static inline void rig_run(struct rig *rig, int64_t us)
{
    for (int i = 0; i < 30; i++) {
        loop_turn(rig->driver.loop, false);
    }
    for (; us > 0; us -= RIG_STEP_US) {
        loop_advance_for_test(rig->driver.loop, us < RIG_STEP_US ? us : RIG_STEP_US);
        for (int i = 0; i < 5; i++) {
            loop_turn(rig->driver.loop, false);
        }
    }
}

static inline void rig_begin(struct rig *rig)
{
    int before = rig->answers;
    memset(rig->samples, 0, sizeof(rig->samples));
    rig->req.points = rig->numbers;
    rig->req.samples = rig->samples;
    rig->req.count = rig->dev.point_count;
    rig->req.deadline_us = clock_mono_us() + RIG_DEADLINE_US;
    snmp_driver()->read(&rig->dev, &rig->req);
    assert_int_equal(rig->answers, before); /* never before it returned */
}

/* A poll to its end; the error. */
static inline int rig_read(struct rig *rig)
{
    int before = rig->answers;
    rig_begin(rig);
    rig_run(rig, 0);
    for (int64_t us = 0; us < RIG_DEADLINE_US && rig->answers == before; us += RIG_STEP_US) {
        rig_run(rig, RIG_STEP_US);
    }
    assert_int_equal(rig->answers, before + 1);
    return rig->error;
}

/* A write of `count` points from `first` on, as they stand in rig->written; to its end or the deadline. */
static inline int rig_write(struct rig *rig, uint32_t first, size_t count)
{
    int before = rig->writes;
    rig->write.points = &rig->numbers[first];
    rig->write.samples = rig->written;
    rig->write.count = count;
    rig->write.deadline_us = clock_mono_us() + RIG_DEADLINE_US;
    snmp_driver()->write(&rig->dev, &rig->write);
    assert_int_equal(rig->writes, before);
    rig_run(rig, 0);
    for (int64_t us = 0; us <= RIG_DEADLINE_US && rig->writes == before; us += RIG_STEP_US) {
        rig_run(rig, RIG_STEP_US);
    }
    if (rig->writes == before) {
        snmp_driver()->cancel(&rig->dev, &rig->write);
    }
    assert_int_equal(rig->writes, before + 1);
    return rig->write_error;
}

static inline void rig_stop(struct rig *rig)
{
    snmp_driver()->stop(&rig->dev);
    assert_int_equal(rig->stopped, 1);
}

static inline void rig_free(struct rig *rig)
{
    if (rig->stopped == 0) {
        rig_stop(rig);
    }
    snmp_driver()->unplan(&rig->dev, &rig->req);
    snmp_driver()->remove(&rig->dev);
    snmp_driver()->close(&rig->driver);
    jobs_drain(rig->driver.loop);
    fake_free(rig->fake);
    setup_free(rig->setup);
    arena_fini(&rig->dev.arena);
    loop_free(rig->driver.loop);
    clock_fake_off();
    busbar_free(rig);
}

#endif
