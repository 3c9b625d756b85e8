/* SPDX-License-Identifier: Apache-2.0 */
/* A feed with a host, a bus and a store that keeps what it gets and acknowledges when the test says so; and messages of a
 * language as plain as can be in place of src/payload, whose own tests are elsewhere:
 *
 *     ROOM|0=21,1=22@1000,2='abc',!door      a line an element: its id, readings (@ their time in s), events
 *     a reading "?" is wrong; a message that begins with # is left out (`only`)
 */
#ifndef BUSBAR_TESTS_FEED_RIG_H
#define BUSBAR_TESTS_FEED_RIG_H

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "driver/host.h"
#include "feed/feed.h"
#include "model/quality.h"
#include "model/registry.h"
#include "net/jobs.h"
#include "support/quiet.h"

/* ---- the language ---- */

struct payload_programs {
    size_t held; /* shapes and programs that are out */
};
struct payload_shape {
    struct payload_programs *programs;
    unsigned holds;
    bool has_id;
};
struct payload_program {
    struct payload_programs *programs;
    unsigned holds;
};

enum { RIG_READINGS = 20000, RIG_EVENTS = 64 };
struct payload_reader {
    const struct payload_message *message;
    struct payload_reading readings[RIG_READINGS];
    struct event events[RIG_EVENTS];
    char kinds[RIG_EVENTS][32];
    char texts[64][64];
    size_t reading_count, event_count, text_count;
};

struct payload_programs *payload_programs_new(const struct payload_schemas *schemas)
{
    (void)schemas;
    return busbar_alloc(sizeof(struct payload_programs));
}

void payload_programs_free(struct payload_programs *programs)
{
    assert_int_equal(programs->held, 0);
    busbar_free(programs);
}

struct payload_shape *payload_shape_hold(struct payload_shape *shape)
{
    shape->holds++;
    return shape;
}

void payload_shape_drop(struct payload_shape *shape)
{
    if (--shape->holds == 0) {
        shape->programs->held--;
        busbar_free(shape);
    }
}

struct payload_program *payload_program_hold(struct payload_program *program)
{
    program->holds++;
    return program;
}

void payload_program_drop(struct payload_program *program)
{
    if (--program->holds == 0) {
        program->programs->held--;
        busbar_free(program);
    }
}

bool payload_shape_has_id(const struct payload_shape *shape)
{
    return shape->has_id;
}

struct payload_reader *payload_reader_new(void)
{
    return busbar_alloc(sizeof(struct payload_reader));
}

void payload_reader_free(struct payload_reader *reader)
{
    busbar_free(reader);
}

int payload_reader_open(struct payload_reader *reader, const struct payload_message *message,
                        struct err *err)
{
    reader->message = message;
    reader->reading_count = reader->event_count = reader->text_count = 0;
    return message->size > PAYLOAD_BODY_MAX ? err_set(err, BUSBAR_ELIMIT, "too long") : 0;
}

int payload_reader_elements(struct payload_reader *reader, const struct payload_shape *shape,
                            size_t *count, struct err *err)
{
    (void)shape;
    (void)err;
    const char *body = (const char *)reader->message->body;
    *count = 0;
    if (reader->message->size > 0 && body[0] != '#') {
        *count = 1;
        for (size_t i = 0; i < reader->message->size; i++) {
            *count += body[i] == '\n';
        }
    }
    return 0;
}

static inline const char *rig_element(const struct payload_reader *reader, size_t element,
                                      size_t *size)
{
    const char *at = (const char *)reader->message->body, *end = at + reader->message->size;
    for (; element > 0; element--) {
        at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
    }
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    *size = (size_t)((stop != NULL ? stop : end) - at);
    return at;
}

int payload_reader_id(struct payload_reader *reader, const struct payload_shape *shape,
                      size_t element, const char **id, size_t *size, struct err *err)
{
    size_t length;
    const char *text = rig_element(reader, element, &length);
    const char *bar = memchr(text, '|', length);
    if (!shape->has_id || bar == NULL || bar == text) {
        return err_set(err, BUSBAR_ENOENT, "it tells no id");
    }
    *id = text;
    *size = (size_t)(bar - text);
    return 0;
}

static inline void rig_reading(struct payload_reader *reader, char *item)
{
    assert_true(reader->reading_count < RIG_READINGS);
    struct payload_reading *reading = &reader->readings[reader->reading_count++];
    *reading = (struct payload_reading){ .index = (uint32_t)strtoul(item, NULL, 10),
                                         .type = VALUE_INT };
    char *value = strchr(item, '=') + 1, *at = strchr(value, '@');
    if (at != NULL) {
        reading->time_us = strtoll(at + 1, NULL, 10) * CLOCK_US_PER_S;
        *at = '\0';
    }
    if (value[0] == '\'') {
        char *kept = reader->texts[reader->text_count++];
        str_copy(kept, 64, value + 1);
        reading->type = VALUE_TEXT;
        reading->value.text.bytes = kept;
        reading->value.text.size = (uint32_t)strlen(kept) - 1;
    } else {
        reading->value.i = strtoll(value, NULL, 10);
    }
}

int payload_reader_take(struct payload_reader *reader, const struct payload_program *program,
                        size_t element, struct payload_taken *out, struct err *err)
{
    (void)program;
    size_t length, from = reader->reading_count, from_event = reader->event_count;
    const char *text = rig_element(reader, element, &length);
    const char *bar = memchr(text, '|', length);
    char *own = busbar_strndup(bar != NULL ? bar + 1 : text,
                               bar != NULL ? length - (size_t)(bar + 1 - text) : length);
    char *rest = own, *item;
    *out = (struct payload_taken){ .wrong = UINT32_MAX };
    while ((item = strsep(&rest, ",")) != NULL) {
        if (item[0] == '?') {
            busbar_free(own);
            out->wrong = 1;
            return err_set(err, BUSBAR_EPROTO, "json $.t: 'abc' is no number");
        }
        if (item[0] == '!') {
            char *kind = reader->kinds[reader->event_count];
            str_copy(kind, 32, item + 1);
            reader->events[reader->event_count++] = (struct event){ .kind = kind, .text = "door" };
        } else if (item[0] != '\0') {
            rig_reading(reader, item);
        }
    }
    busbar_free(own);
    out->readings = reader->readings + from;
    out->reading_count = reader->reading_count - from;
    out->events = reader->events + from_event;
    out->event_count = reader->event_count - from_event;
    return 0;
}

/* ---- the store ---- */

enum { RIG_STORED = 200000, RIG_ACKS = 10000, RIG_DEVICES = 64, RIG_POINTS = 8 };

struct rig_ack {
    bus_stored_cb stored;
    void *ctx;
};

struct rig {
    struct loop *loop;
    struct registry *registry;
    struct bus *bus;
    struct host *host;
    struct driver *drv;
    struct feed *feed;
    struct feed_route *route;
    struct payload_shape *shape;
    struct payload_program *program;
    struct device *devices[RIG_DEVICES];
    size_t device_count;
    struct sample *stored;
    size_t stored_count, batches, event_count;
    char event[256]; /* the last one: source kind key once */
    struct rig_ack acks[RIG_ACKS];
    size_t ack_first, ack_count;
    int refuse; /* the store takes nothing: this error */
    char folder[64];
    bool leaves; /* devices leave the feed in stop() */
};
static struct rig *rig_now;

static inline int rig_ack(struct rig *rig, bus_stored_cb stored, void *ctx)
{
    if (stored != NULL) {
        assert_true(rig->ack_count < RIG_ACKS);
        rig->acks[(rig->ack_first + rig->ack_count++) % RIG_ACKS] = (struct rig_ack){ stored, ctx };
    }
    return 0;
}

static inline int rig_store(void *ctx, const struct sample *samples, size_t count,
                            bus_stored_cb stored, void *stored_ctx)
{
    struct rig *rig = ctx;
    if (rig->refuse != 0) {
        return rig->refuse;
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(rig->stored_count < RIG_STORED);
        rig->stored[rig->stored_count++] = samples[i];
    }
    rig->batches += count > 0;
    return rig_ack(rig, stored, stored_ctx);
}

static inline int rig_store_event(void *ctx, const struct event *event, bus_stored_cb stored,
                                  void *stored_ctx)
{
    struct rig *rig = ctx;
    if (rig->refuse != 0) {
        return rig->refuse;
    }
    rig->event_count++;
    str_format(rig->event, sizeof(rig->event), "%s %s %s %s %lld", event->source, event->kind,
               event->key, event->once != NULL ? event->once : "", (long long)event->time_us);
    return rig_ack(rig, stored, stored_ctx);
}

/* All that was given to the log is on disk. */
static inline void rig_on_disk(struct rig *rig, int error)
{
    while (rig->ack_count > 0) {
        struct rig_ack ack = rig->acks[rig->ack_first];
        rig->ack_first = (rig->ack_first + 1) % RIG_ACKS;
        rig->ack_count--;
        ack.stored(ack.ctx, error);
    }
}

/* ---- the driver ---- */

static inline int push_open(struct driver *drv, struct err *err)
{
    (void)err;
    rig_now->drv = drv;
    return 0;
}

static inline int push_add(struct driver *drv, struct device *dev, struct err *err)
{
    (void)drv;
    (void)dev;
    (void)err;
    return 0;
}

static inline int push_start(struct device *dev)
{
    (void)dev;
    return 0;
}

static inline void push_stop(struct device *dev)
{
    if (rig_now->leaves) {
        feed_leave(rig_now->feed, dev);
    }
    driver_stopped(dev);
}

static inline void push_remove(struct device *dev)
{
    (void)dev;
}

static const struct driver_ops push_ops = {
    .name = "push",
    .driver_bytes = 8,
    .device_bytes = 8,
    .address_bytes = 4,
    .open = push_open,
    .add = push_add,
    .start = push_start,
    .stop = push_stop,
    .remove = push_remove,
};

static inline struct device *rig_device(struct rig *rig, const char *name)
{
    static const struct host_device_settings settings = { .timeout_us = CLOCK_US_PER_S };
    static const struct point_class plain = { .units = "", .scale = 1.0 };
    struct device *dev = device_new();
    dev->name = arena_strdup(&dev->arena, name);
    dev->protocol = "push";
    dev->points = arena_alloc_array(&dev->arena, RIG_POINTS, sizeof(*dev->points));
    dev->point_count = RIG_POINTS;
    for (size_t i = 0; i < RIG_POINTS; i++) {
        struct point *pt = &dev->points[i];
        pt->name = arena_printf(&dev->arena, "p%zu", i);
        pt->title = "";
        pt->device = dev;
        pt->cls = registry_class(rig->registry, &plain);
        pt->last.point = (uint32_t)(rig->device_count * RIG_POINTS + i + 1);
        pt->last.quality = QUALITY_NOT_YET;
        pt->readable = pt->pushed = pt->learns = true;
    }
    assert_int_equal(host_add(rig->host, dev, &settings, NULL), 0);
    rig->devices[rig->device_count++] = dev;
    return dev;
}

static inline void rig_turn(struct rig *rig)
{
    for (int i = 0; i < 4; i++) {
        loop_turn(rig->loop, false);
    }
}

/* Until the keys are on disk, too. */
static inline void rig_keys(struct rig *rig)
{
    jobs_drain(rig->loop);
    rig_turn(rig);
    jobs_drain(rig->loop);
    rig_turn(rig);
}

static inline void rig_feed(struct rig *rig)
{
    rig->feed = feed_new(rig->drv, NULL);
    rig->shape = busbar_alloc(sizeof(*rig->shape));
    *rig->shape = (struct payload_shape){ feed_programs(rig->feed), 1, true };
    rig->program = busbar_alloc(sizeof(*rig->program));
    *rig->program = (struct payload_program){ feed_programs(rig->feed), 1 };
    feed_programs(rig->feed)->held += 2;
    rig->route = feed_route_new(rig->feed, rig->shape, "broker plant");
}

static inline void rig_init(struct rig *rig)
{
    static const struct driver_ops *const catalog[] = { &push_ops, NULL };
    *rig = (struct rig){ .leaves = true };
    rig_now = rig;
    quiet_log();
    str_copy(rig->folder, sizeof(rig->folder), "/tmp/feed_rig_XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    clock_fake_set(CLOCK_US_PER_S * 1000, CLOCK_US_PER_S * 1700000000);
    rig->stored = busbar_alloc_array(RIG_STORED, sizeof(*rig->stored));
    rig->loop = loop_new();
    rig->registry = registry_new();
    rig->bus = bus_new(rig_store, rig);
    bus_store_events(rig->bus, rig_store_event, rig);
    struct host_config config = {
        .loop = rig->loop, .bus = rig->bus, .catalog = catalog, .folder = rig->folder, .ctx = rig
    };
    rig->host = host_new(&config);
    (void)rig_device(rig, "first"); /* opens the driver */
    rig_feed(rig);
}

/* The feed goes, what it has on disk stays. */
static inline void rig_feed_free(struct rig *rig)
{
    for (size_t i = 0; i < rig->device_count; i++) {
        feed_leave(rig->feed, rig->devices[i]);
    }
    feed_route_free(rig->route);
    payload_shape_drop(rig->shape);
    payload_program_drop(rig->program);
    feed_free(rig->feed);
    rig->feed = NULL;
}

static inline void rig_stopped(void *ctx)
{
    struct rig *rig = ctx;
    rig->leaves = true;
}

static inline void rig_fini(struct rig *rig)
{
    char path[96];
    rig_feed_free(rig);
    rig_on_disk(rig, BUSBAR_ECANCELED);
    rig->leaves = false;
    host_stop(rig->host, rig_stopped, rig);
    rig_turn(rig);
    assert_true(rig->leaves);
    host_free(rig->host);
    bus_free(rig->bus);
    for (size_t i = 0; i < rig->device_count; i++) {
        device_free(rig->devices[i]);
    }
    registry_free(rig->registry);
    jobs_drain(rig->loop);
    loop_free(rig->loop);
    busbar_free(rig->stored);
    assert_true(file_join(path, sizeof(path), rig->folder, "push-keys"));
    (void)unlink(path);
    assert_int_equal(rmdir(rig->folder), 0);
    clock_fake_off();
}

#endif
