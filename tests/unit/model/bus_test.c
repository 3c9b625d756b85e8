/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bus.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "model/quality.h"
#include "unit/model/fixture.h"

#define NOW INT64_C(1700000000000000)
#define DAY (INT64_C(86400) * 1000000)

/* A store that keeps what it took, or refuses. */
struct store {
    struct sample samples[256];
    size_t count, calls;
    int error;
    bus_stored_cb stored;
    void *stored_ctx;
};

static int store_take(void *ctx, const struct sample *samples, size_t count, bus_stored_cb stored,
                      void *stored_ctx)
{
    struct store *store = ctx;
    store->calls++;
    if (store->error != 0) {
        return store->error;
    }
    for (size_t i = 0; i < count && store->count < 256; i++) {
        store->samples[store->count++] = samples[i];
    }
    store->stored = stored;
    store->stored_ctx = stored_ctx;
    return 0;
}

struct fixture {
    struct store store;
    struct bus *bus;
    struct device *dev;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->bus = bus_new(store_take, &f->store);
    f->dev = fixture_device("d", 10, 300);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    bus_free(f->bus);
    device_free(f->dev);
    free(f);
    return 0;
}

static struct sample number(double value, int64_t time_us)
{
    return (struct sample){ .time_us = time_us,
                            .receive_us = time_us,
                            .type = VALUE_DOUBLE,
                            .value.d = value,
                            .quality = QUALITY_GOOD };
}

static int publish_one(struct fixture *f, uint32_t point, struct sample sample)
{
    struct bus_batch batch = { .device = f->dev, .points = &point, .samples = &sample, .count = 1 };
    return bus_publish(f->bus, &batch, NULL, NULL);
}

static void a_batch_goes_through(void **state)
{
    struct fixture *f = *state;
    uint32_t points[] = { 2, 0, 9 };
    struct sample samples[] = { number(1, NOW), number(2, NOW), number(3, NOW) };
    struct bus_batch batch = { .device = f->dev, .points = points, .samples = samples, .count = 3 };
    assert_int_equal(bus_publish(f->bus, &batch, NULL, NULL), 0);
    assert_int_equal(f->store.count, 3);
    assert_int_equal(f->store.calls, 1);
    assert_int_equal(f->store.samples[0].point, 302);
    assert_int_equal(f->store.samples[2].point, 309);
    assert_true(f->dev->points[0].last.value.d == 2);
    assert_int_equal(f->dev->points[0].last.point, 300);
    assert_int_equal(f->dev->points[0].received, 1);
    assert_int_equal(f->dev->points[1].received, 0);
    assert_int_equal(f->dev->points[2].since_us, NOW);
    assert_int_equal(bus_received_all(f->bus), 3);
}

static void since_follows_the_quality(void **state)
{
    struct fixture *f = *state;
    publish_one(f, 1, number(1, NOW));
    publish_one(f, 1, number(2, NOW + 10));
    assert_int_equal(f->dev->points[1].since_us, NOW);
    struct sample bad = {
        .time_us = NOW + 20, .receive_us = NOW + 20, .quality = QUALITY_NO_ANSWER, .detail = 4
    };
    publish_one(f, 1, bad);
    assert_int_equal(f->dev->points[1].since_us, NOW + 20);
    assert_int_equal(f->dev->points[1].last.quality, QUALITY_NO_ANSWER);
    assert_int_equal(f->dev->points[1].last.detail, 4);
    /* the last known value stays with the time when it was true */
    assert_true(f->dev->points[1].last.value.d == 2);
    assert_int_equal(f->dev->points[1].last.time_us, NOW + 10);
    assert_int_equal(f->store.samples[2].type, VALUE_NONE);
}

static void the_deadband_leans_on_what_was_stored(void **state)
{
    struct fixture *f = *state;
    struct point_class cls = fixture_class;
    cls.deadband = 1;
    f->dev->points[3].cls = &cls;
    publish_one(f, 3, number(10, NOW));
    publish_one(f, 3, number(10.6, NOW + 1));
    publish_one(f, 3, number(10.9, NOW + 2)); /* near the last sample, and still near 10 */
    publish_one(f, 3, number(11.1, NOW + 3)); /* creeping away is seen */
    publish_one(f, 3, number(10.2, NOW + 4));
    assert_int_equal(f->store.count, 2);
    assert_true(f->store.samples[1].value.d == 11.1);
    assert_true(f->dev->points[3].last.value.d == 10.2); /* the live value is exact */
    assert_int_equal(bus_refused(f->bus, 303, BUS_REFUSAL_DEADBAND), 3);
    assert_int_equal(bus_refused_all(f->bus, BUS_REFUSAL_DEADBAND), 3);
    assert_int_equal(bus_refused(f->bus, 304, BUS_REFUSAL_DEADBAND), 0);
    struct sample held = number(11.1, NOW + 5);
    held.quality = QUALITY_HELD;
    publish_one(f, 3, held); /* another quality is another thing */
    assert_int_equal(f->store.count, 3);
    struct sample bad = { .time_us = NOW + 6, .receive_us = NOW + 6, .quality = QUALITY_STALE };
    publish_one(f, 3, bad);
    publish_one(f, 3, number(11.1, NOW + 7)); /* known again: stored */
    assert_int_equal(f->store.count, 5);
    struct sample nan = number((double)NAN, NOW + 8);
    publish_one(f, 3, nan);
    publish_one(f, 3, nan);
    assert_int_equal(f->store.count, 7); /* not a number is never near */
}

/* When the store refuses, every sample of the batch is counted, and the deadband forgets. */
static void a_full_disk_is_counted(void **state)
{
    struct fixture *f = *state;
    struct point_class cls = fixture_class;
    cls.deadband = 1;
    f->dev->points[3].cls = &cls;
    f->store.error = BUSBAR_ENOSPC;
    assert_int_equal(publish_one(f, 3, number(10, NOW)), BUSBAR_ENOSPC);
    assert_int_equal(publish_one(f, 4, number(10, NOW)), BUSBAR_ENOSPC);
    f->store.error = BUSBAR_EBUSY;
    assert_int_equal(publish_one(f, 4, number(11, NOW + 1)), BUSBAR_EBUSY);
    assert_int_equal(bus_refused(f->bus, 303, BUS_REFUSAL_LOG_FULL), 1);
    assert_int_equal(bus_refused(f->bus, 304, BUS_REFUSAL_LOG_FULL), 1);
    assert_int_equal(bus_refused(f->bus, 304, BUS_REFUSAL_LOG_BUSY), 1);
    assert_true(f->dev->points[4].last.value.d == 11); /* polling and the page go on */
    f->store.error = 0;
    assert_int_equal(publish_one(f, 3, number(10.1, NOW + 2)), 0);
    assert_int_equal(f->store.count, 1);
}

static void odd_samples_are_refused(void **state)
{
    struct fixture *f = *state;
    publish_one(f, 5, number(1, NOW));
    struct sample zero = number(2, 0), ahead = number(3, NOW), odd = number(4, NOW + 1);
    ahead.time_us += 2 * DAY;
    odd.type = 77;
    publish_one(f, 5, zero);
    publish_one(f, 5, ahead);
    publish_one(f, 5, odd);
    assert_int_equal(f->store.count, 1);
    assert_true(f->dev->points[5].last.value.d == 1);
    assert_int_equal(bus_refused(f->bus, 305, BUS_REFUSAL_TIME), 2);
    assert_int_equal(bus_refused(f->bus, 305, BUS_REFUSAL_VALUE), 1);
    assert_int_equal(f->dev->points[5].received, 4);
}

/* A late sample is stored and does not move the live value; our own clock set back is not lateness. */
static void late_samples_are_stored_only(void **state)
{
    struct fixture *f = *state;
    publish_one(f, 6, number(1, NOW));
    struct sample late = number(2, NOW - 500);
    late.receive_us = NOW + 10;
    publish_one(f, 6, late);
    assert_int_equal(f->store.count, 2);
    assert_true(f->dev->points[6].last.value.d == 1);
    publish_one(f, 6, number(3, NOW - 1000));
    assert_true(f->dev->points[6].last.value.d == 3);
}

/* A trend log fills a hole: what is near the newest value is stored all the same, and is nothing that later
 * values are compared with. */
static void late_samples_know_no_deadband(void **state)
{
    struct fixture *f = *state;
    struct point_class cls = fixture_class;
    cls.deadband = 1;
    f->dev->points[3].cls = &cls;
    publish_one(f, 3, number(10, NOW));
    for (int64_t i = 1; i <= 3; i++) {
        struct sample late = number(10.5, NOW - 1000 * i);
        late.receive_us = NOW + 10;
        publish_one(f, 3, late);
    }
    struct sample far = number(50, NOW - 100);
    far.receive_us = NOW + 11;
    publish_one(f, 3, far);
    assert_int_equal(f->store.count, 5);
    publish_one(f, 3, number(10.2, NOW + 20));
    assert_int_equal(f->store.count, 5);
    assert_int_equal(bus_refused(f->bus, 303, BUS_REFUSAL_DEADBAND), 1);
}

static void texts_are_the_points_own(void **state)
{
    struct fixture *f = *state;
    struct sample sample = number(0, NOW);
    sample.type = VALUE_TEXT;
    for (size_t size = 0; size <= TEXT_BYTES_MAX; size += 97) {
        struct text *text = text_new("", 0);
        char bytes[TEXT_BYTES_MAX];
        memset(bytes, 'a' + (int)(size % 26), size);
        text = text_set(text, bytes, size);
        sample.value.text = text;
        sample.time_us++;
        publish_one(f, 7, sample);
        busbar_free(text);
        assert_int_equal(f->dev->points[7].last.value.text->size, size);
        assert_memory_equal(f->dev->points[7].last.value.text->bytes, bytes, size);
    }
    publish_one(f, 7, number(1, sample.time_us + 1));
    assert_int_equal(f->dev->points[7].last.type, VALUE_DOUBLE);
}

static void count_call(void *ctx, const struct bus_batch *batch)
{
    (*(size_t *)ctx) += batch->count;
}

struct leaver {
    struct bus *bus;
    struct bus_listener *listener;
    size_t calls;
};

static void leave(void *ctx, const struct bus_batch *batch)
{
    struct leaver *leaver = ctx;
    (void)batch;
    leaver->calls++;
    bus_unlisten(leaver->bus, leaver->listener);
}

static void listeners_hear_all(void **state)
{
    struct fixture *f = *state;
    size_t first = 0, second = 0;
    struct leaver leaver = { .bus = f->bus };
    bus_listen(f->bus, count_call, &first);
    leaver.listener = bus_listen(f->bus, leave, &leaver);
    struct bus_listener *last = bus_listen(f->bus, count_call, &second);
    publish_one(f, 0, number(1, NOW));
    f->store.error = BUSBAR_ENOSPC;
    publish_one(f, 0, number(2, NOW + 1));
    bus_unlisten(f->bus, last);
    publish_one(f, 0, number(3, NOW + 2));
    assert_int_equal(first, 3);
    assert_int_equal(second, 2);
    assert_int_equal(leaver.calls, 1);
}

static void acknowledged(void *ctx, int error)
{
    *(int *)ctx = error == 0 ? 1 : -1;
}

/* An acknowledgement is asked of the store even when all of the batch was within the deadband. */
static void acknowledgements_reach_the_store(void **state)
{
    struct fixture *f = *state;
    struct point_class cls = fixture_class;
    cls.deadband = 5;
    f->dev->points[0].cls = &cls;
    int acks = 0;
    uint32_t point = 0;
    publish_one(f, 0, number(1, NOW));
    struct sample sample = number(2, NOW + 1);
    struct bus_batch batch = { .device = f->dev, .points = &point, .samples = &sample, .count = 1 };
    assert_int_equal(bus_publish(f->bus, &batch, acknowledged, &acks), 0);
    assert_int_equal(f->store.calls, 2);
    assert_int_equal(f->store.count, 1);
    f->store.stored(f->store.stored_ctx, 0);
    assert_int_equal(acks, 1);
    assert_int_equal(bus_publish(f->bus, &batch, NULL, NULL), 0);
    assert_int_equal(f->store.calls, 2); /* nobody waits: the store is left alone */
}

/* received = stored + refused by reason, over random batches. */
static void the_ledger_balances(void **state)
{
    struct fixture *f = *state;
    struct point_class cls = fixture_class;
    cls.deadband = 0.5;
    uint64_t seed = 5, stored = 0;
    for (size_t i = 0; i < 10; i += 2) {
        f->dev->points[i].cls = &cls;
    }
    for (int round = 0; round < 2000; round++) {
        uint32_t points[10];
        struct sample samples[10];
        size_t count = 1 + hash_random(&seed) % 10;
        for (size_t i = 0; i < count; i++) {
            points[i] = (uint32_t)(hash_random(&seed) % 10);
            samples[i] = number((double)(hash_random(&seed) % 8) / 4, NOW + round);
            samples[i].time_us = hash_random(&seed) % 20 == 0 ? -1 : samples[i].time_us;
        }
        f->store.count = 0;
        f->store.error = hash_random(&seed) % 7 == 0 ? BUSBAR_ENOSPC : 0;
        struct bus_batch batch = {
            .device = f->dev, .points = points, .samples = samples, .count = count
        };
        bus_publish(f->bus, &batch, NULL, NULL);
        stored += f->store.count;
    }
    uint64_t refused = 0, refused_each = 0, received = 0;
    for (int reason = 0; reason < BUS_REFUSAL_COUNT; reason++) {
        refused += bus_refused_all(f->bus, (enum bus_refusal)reason);
        for (size_t i = 0; i < 10; i++) {
            refused_each += bus_refused(f->bus, 300 + (uint32_t)i, (enum bus_refusal)reason);
        }
    }
    for (size_t i = 0; i < 10; i++) {
        received += f->dev->points[i].received;
    }
    assert_int_equal(bus_received_all(f->bus), stored + refused);
    assert_int_equal(refused, refused_each);
    assert_int_equal(received, stored + refused);
    assert_true(refused > 0 && stored > 0);
    assert_string_equal(bus_refusal_text(BUS_REFUSAL_TIME), "time out of bounds");
}

/* ---- events ---- */

struct event_store {
    struct event event; /* the last one taken */
    struct event_argument last_argument;
    int taken, error, heard;
    bus_stored_cb stored;
};

static int store_event(void *ctx, const struct event *event, bus_stored_cb stored, void *stored_ctx)
{
    struct event_store *store = ctx;
    (void)stored_ctx;
    if (store->error != 0) {
        return store->error;
    }
    store->taken++;
    store->event = *event;
    if (event->argument_count > 0) {
        store->last_argument = event->arguments[event->argument_count - 1];
    }
    store->stored = stored;
    return 0;
}

static void hear_event(void *ctx, const struct event *event)
{
    struct event_store *store = ctx;
    store->heard += event->time_us == store->event.time_us;
}

static void ignore_stored(void *ctx, int error)
{
    (void)ctx;
    (void)error;
}

static const struct event plain_event = {
    .time_us = NOW, .receive_us = NOW + 5, .source = "d", .kind = "alarm", .text = "hot"
};

static void events_go_through(void **state)
{
    struct fixture *f = *state;
    struct event_store store = { 0 };
    assert_int_equal(bus_publish_event(f->bus, &plain_event, NULL, NULL), BUSBAR_EBUSY);
    bus_store_events(f->bus, store_event, &store);
    struct bus_event_listener *listener = bus_listen_events(f->bus, hear_event, &store);
    assert_int_equal(bus_publish_event(f->bus, &plain_event, ignore_stored, NULL), 0);
    assert_int_equal(store.taken, 1);
    assert_int_equal(store.heard, 1);
    assert_ptr_equal(store.stored, ignore_stored);
    assert_string_equal(store.event.text, "hot");
    bus_unlisten_events(f->bus, listener);
    assert_int_equal(bus_publish_event(f->bus, &plain_event, NULL, NULL), 0);
    assert_int_equal(store.heard, 1);
}

static void refused_events_are_counted(void **state)
{
    struct fixture *f = *state;
    struct event_store store = { 0 };
    struct bus_event_counts counts;
    bus_store_events(f->bus, store_event, &store);
    (void)bus_listen_events(f->bus, hear_event, &store);
    struct event event = plain_event;
    event.source = "";
    assert_int_equal(bus_publish_event(f->bus, &event, NULL, NULL), BUSBAR_EINVAL);
    event = plain_event;
    event.kind = NULL;
    assert_int_equal(bus_publish_event(f->bus, &event, NULL, NULL), BUSBAR_EINVAL);
    event = plain_event;
    event.receive_us = 0;
    assert_int_equal(bus_publish_event(f->bus, &event, NULL, NULL), BUSBAR_EINVAL);
    store.error = BUSBAR_ENOSPC;
    assert_int_equal(bus_publish_event(f->bus, &plain_event, NULL, NULL), BUSBAR_ENOSPC);
    store.error = BUSBAR_EIO;
    assert_int_equal(bus_publish_event(f->bus, &plain_event, NULL, NULL), BUSBAR_EIO);
    store.error = 0;
    assert_int_equal(bus_publish_event(f->bus, &plain_event, NULL, NULL), 0);
    bus_event_counts(f->bus, &counts);
    assert_int_equal(counts.received, 6);
    assert_int_equal(counts.refused[BUS_REFUSAL_VALUE], 3);
    assert_int_equal(counts.refused[BUS_REFUSAL_LOG_FULL], 1);
    assert_int_equal(counts.refused[BUS_REFUSAL_LOG_BUSY], 1);
    assert_int_equal(store.taken, 1);
    assert_int_equal(store.heard, 1);
}

static void a_wrong_clock_loses_no_event(void **state)
{
    struct fixture *f = *state;
    struct event_store store = { 0 };
    bus_store_events(f->bus, store_event, &store);
    struct event_argument arguments[EVENT_ARGUMENTS_MAX];
    for (size_t i = 0; i < EVENT_ARGUMENTS_MAX; i++) {
        arguments[i] = (struct event_argument){ .name = "n", .type = VALUE_BOOL };
    }
    const int64_t wrong[] = { 0, -1, NOW + 2 * DAY };
    for (size_t i = 0; i < 3; i++) {
        struct event event = plain_event;
        event.time_us = wrong[i];
        event.arguments = arguments;
        event.argument_count = i == 2 ? EVENT_ARGUMENTS_MAX : i;
        assert_int_equal(bus_publish_event(f->bus, &event, NULL, NULL), 0);
        assert_int_equal(store.event.time_us, NOW + 5);
        assert_int_equal(store.event.argument_count, i == 2 ? EVENT_ARGUMENTS_MAX : i + 1);
        assert_string_equal(store.last_argument.name, "device-time");
        assert_int_equal(store.last_argument.value.i, wrong[i]);
    }
    struct event event = plain_event; /* a day of a wrong time zone is believed */
    event.time_us = NOW + DAY;
    assert_int_equal(bus_publish_event(f->bus, &event, NULL, NULL), 0);
    assert_int_equal(store.event.time_us, NOW + DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_BUS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        WITH_BUS(a_batch_goes_through),
        WITH_BUS(since_follows_the_quality),
        WITH_BUS(the_deadband_leans_on_what_was_stored),
        WITH_BUS(a_full_disk_is_counted),
        WITH_BUS(odd_samples_are_refused),
        WITH_BUS(late_samples_are_stored_only),
        WITH_BUS(late_samples_know_no_deadband),
        WITH_BUS(texts_are_the_points_own),
        WITH_BUS(listeners_hear_all),
        WITH_BUS(acknowledgements_reach_the_store),
        WITH_BUS(the_ledger_balances),
        WITH_BUS(events_go_through),
        WITH_BUS(refused_events_are_counted),
        WITH_BUS(a_wrong_clock_loses_no_event),
#undef WITH_BUS
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
