/* SPDX-License-Identifier: Apache-2.0 */
/* The events of state.db: once each, filters, what is open, acknowledgements, upkeep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"
#include "state/state.h"

#define NOW INT64_C(1790000000000000)

static char folder[64];
static struct state *store;

static int set_up(void **ctx)
{
    (void)ctx;
    struct err err = { 0 };
    str_copy(folder, sizeof(folder), "/tmp/busbar-events-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(state_open(folder, &store, &err), 0);
    return 0;
}

static int tear_down(void **ctx)
{
    static const char *const names[] = { "state.db", "state.db-wal", "state.db-shm" };
    (void)ctx;
    state_close(store);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        str_format(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return 0;
}

static uint64_t add(const struct event *event, uint64_t mark)
{
    struct buf bytes;
    uint64_t id = 0;
    buf_init(&bytes, EVENT_BYTES_MAX);
    assert_int_equal(event_encode(event, &bytes), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(state_events_add(store, &in, 1, mark, 0, &id), 0);
    buf_fini(&bytes);
    return id;
}

static struct event plain(int n, const char *source, const char *kind, const char *key)
{
    return (struct event){ .time_us = NOW + n,
                           .receive_us = NOW + n + 10,
                           .source = source,
                           .kind = kind,
                           .text = "Supply air too WARM",
                           .severity = (uint8_t)(n % EVENT_SEVERITIES),
                           .ack_wanted = key[0] != '\0',
                           .key = key };
}

struct seen {
    uint64_t ids[256];
    size_t count;
    bool latest, open;
    int64_t acked_us;
    char by[32], note[32], result[64], text[64];
    size_t arguments;
};

static void see(void *ctx, const struct state_event *row)
{
    struct seen *seen = ctx;
    if (seen->count < 256) {
        seen->ids[seen->count] = row->id;
    }
    seen->count++;
    seen->latest = row->latest;
    seen->open = row->open;
    seen->acked_us = row->acked_us;
    seen->arguments = row->event->argument_count;
    str_copy(seen->by, sizeof(seen->by), row->acked_by);
    str_copy(seen->note, sizeof(seen->note), row->note);
    str_copy(seen->result, sizeof(seen->result), row->result);
    str_copy(seen->text, sizeof(seen->text), row->event->text);
}

static struct seen get(uint64_t id)
{
    struct seen seen = { 0 };
    assert_int_equal(state_event_get(store, id, see, &seen), 0);
    return seen;
}

static struct seen list(struct state_event_filter filter)
{
    struct seen seen = { 0 };
    assert_int_equal(state_events(store, &filter, see, &seen), 0);
    return seen;
}

static void events_and_the_mark_go_together(void **ctx)
{
    (void)ctx;
    uint64_t mark = 9, lost = 9, ids[3];
    assert_int_equal(state_events_mark(store, &mark, &lost), 0);
    assert_int_equal(mark, 0);
    assert_int_equal(lost, 0);
    struct event_argument argument = { .name = "priority", .type = VALUE_INT };
    argument.value.i = 100;
    struct event event = plain(3, "ahu-1/sat", "alarm", "");
    event.arguments = &argument;
    event.argument_count = 1;
    struct buf bytes;
    buf_init(&bytes, EVENT_BYTES_MAX);
    assert_int_equal(event_encode(&event, &bytes), 0);
    struct bytes in[3] = { bytes_of(bytes.data, bytes.size), bytes_of("wrong", 5),
                           bytes_of(bytes.data, bytes.size) };
    assert_int_equal(state_events_add(store, in, 3, 17, 2, ids), 0);
    buf_fini(&bytes);
    assert_true(ids[0] > 0 && ids[2] > ids[0]);
    assert_int_equal(ids[1], 0); /* damaged: left out and counted */
    assert_int_equal(state_events_mark(store, &mark, &lost), 0);
    assert_int_equal(mark, 17);
    assert_int_equal(lost, 3);
    struct seen seen = get(ids[2]);
    assert_string_equal(seen.text, "Supply air too WARM");
    assert_int_equal(seen.arguments, 1);
    assert_false(seen.latest);
    assert_int_equal(state_event_get(store, 4711, see, &seen), BUSBAR_ENOENT);
    assert_int_equal(state_events_add(store, NULL, 0, 12, 0, NULL), 0); /* back, after a restore */
    assert_int_equal(state_events_mark(store, &mark, &lost), 0);
    assert_int_equal(mark, 12);
}

static void filters(void **ctx)
{
    (void)ctx;
    for (int i = 0; i < 100; i++) {
        struct event event = plain(i, i % 2 == 0 ? "ahu-1/sat" : "ahu-2",
                                   i % 4 == 0 ? "alarm" : "normal", "");
        event.text = i % 10 == 0 ? "Fan Stopped" : "else";
        event.ack_wanted = i % 25 == 0;
        add(&event, 1);
    }
    assert_int_equal(list((struct state_event_filter){ .limit = 1000 }).count, 100);
    struct seen seen = list((struct state_event_filter){ .limit = 7 });
    assert_int_equal(seen.count, 7);
    assert_int_equal(seen.ids[0], 100);
    assert_int_equal(seen.ids[6], 94);
    seen = list((struct state_event_filter){ .limit = 7, .before = 94 });
    assert_int_equal(seen.ids[0], 93);
    assert_int_equal(list((struct state_event_filter){ .source = "ahu-1/*" }).count, 50);
    assert_int_equal(list((struct state_event_filter){ .source = "ahu-?" }).count, 50);
    assert_int_equal(list((struct state_event_filter){ .kind = "alarm" }).count, 25);
    assert_int_equal(list((struct state_event_filter){ .text = "FAN st" }).count, 10);
    assert_int_equal(list((struct state_event_filter){ .text = "AHU-2" }).count, 50);
    assert_int_equal(list((struct state_event_filter){ .text = "100%_" }).count, 0);
    assert_int_equal(list((struct state_event_filter){ .severity = EVENT_HIGH }).count, 40);
    assert_int_equal(list((struct state_event_filter){ .open = true }).count, 4);
    assert_int_equal(list((struct state_event_filter){ .open = true, .before = 51 }).count, 2);
    seen = list((struct state_event_filter){ .from_us = NOW + 10, .to_us = NOW + 20 });
    assert_int_equal(seen.count, 10);
    assert_int_equal(seen.ids[0], 20);
    struct state_event_counts counts;
    assert_int_equal(state_event_counts(store, &counts), 0);
    assert_int_equal(counts.first, 1);
    assert_int_equal(counts.last, 100);
    assert_int_equal(counts.open, 4);
}

static bool stop_now(void *ctx)
{
    (void)ctx;
    return true;
}

/* More ids than one window has. */
static void windows_join(void **ctx)
{
    (void)ctx;
    enum { COUNT = 45000 };
    struct event event = plain(1, "a", "b", "");
    struct buf bytes;
    buf_init(&bytes, EVENT_BYTES_MAX);
    assert_int_equal(event_encode(&event, &bytes), 0);
    struct bytes *in = busbar_alloc_array(COUNT, sizeof(*in));
    for (int i = 0; i < COUNT; i++) {
        in[i] = bytes_of(bytes.data, bytes.size);
    }
    assert_int_equal(state_events_add(store, in, COUNT, 1, 0, NULL), 0);
    busbar_free(in);
    buf_fini(&bytes);
    event = plain(1, "rare", "b", "");
    add(&event, 2);
    assert_int_equal(list((struct state_event_filter){ .limit = 10000 }).count, 10000);
    struct seen seen = list((struct state_event_filter){ .source = "rare" });
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.ids[0], COUNT + 1);
    struct state_event_filter filter = { .source = "none", .stop = stop_now };
    assert_int_equal(state_events(store, &filter, see, &seen), BUSBAR_ECANCELED);
    uint64_t removed;
    assert_int_equal(state_events_trim(store, NOW + 1000, &removed), 0);
    assert_int_equal(removed, 10000); /* at most, in a call */
    uint64_t total = removed;
    while (removed > 0) {
        assert_int_equal(state_events_trim(store, NOW + 1000, &removed), 0);
        total += removed;
    }
    assert_int_equal(total, COUNT + 1);
    assert_int_equal(list((struct state_event_filter){ .limit = 10 }).count, 0);
    event = plain(1, "a", "b", "");
    assert_int_equal(add(&event, 3), COUNT + 2); /* ids are never used again */
    assert_int_equal(state_events_trim(store, NOW, &removed), 0);
    assert_int_equal(removed, 0);
}

static void the_latest_of_a_key_is_open(void **ctx)
{
    (void)ctx;
    struct event event = plain(1, "ahu-1", "alarm", "ai:1");
    uint64_t first = add(&event, 1);
    event = plain(1, "ahu-1", "alarm", "ai:2");
    uint64_t other = add(&event, 1);
    event = plain(1, "ahu-2", "alarm", "ai:1");
    add(&event, 1);
    event = plain(2, "ahu-1", "normal", "ai:1");
    uint64_t second = add(&event, 2);
    struct seen seen = get(first);
    assert_false(seen.open || seen.latest);
    assert_true(get(second).open);
    assert_true(get(other).open && get(other).latest);
    seen = list((struct state_event_filter){ .open = true });
    assert_int_equal(seen.count, 3);
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(state_event_find(store, "ahu-1", "ai:1", see, &seen), 0);
    assert_int_equal(seen.ids[0], second);
    assert_int_equal(state_event_find(store, "ahu-1", "ai:9", see, &seen), BUSBAR_ENOENT);
}

static void acknowledgements(void **ctx)
{
    (void)ctx;
    struct event event = plain(1, "ahu-1", "alarm", "ai:1");
    uint64_t id = add(&event, 1);
    struct state_event_ack ack = { .id = id, .time_us = NOW + 5, .who = "novak", .note = "seen" };
    ack.result = "no answer";
    assert_int_equal(state_event_ack(store, &ack), 0);
    struct seen seen = get(id);
    assert_true(seen.open); /* it failed: it can be tried again */
    assert_string_equal(seen.result, "no answer");
    ack.done = true;
    ack.result = "acknowledged";
    assert_int_equal(state_event_ack(store, &ack), 0);
    seen = get(id);
    assert_false(seen.open);
    assert_true(seen.latest);
    assert_int_equal(seen.acked_us, NOW + 5);
    assert_string_equal(seen.by, "novak");
    assert_string_equal(seen.note, "seen");
    assert_string_equal(seen.result, "acknowledged");
    ack.id = 99;
    assert_int_equal(state_event_ack(store, &ack), BUSBAR_ENOENT);

    event = plain(3, "ahu-1", "alarm", "ai:1"); /* somebody acknowledges at the device */
    id = add(&event, 2);
    event = plain(4, "ahu-1", STATE_EVENT_ACKNOWLEDGED, "ai:1");
    event.ack_wanted = false;
    event.text = "acknowledged by front desk";
    uint64_t told = add(&event, 3);
    seen = get(id);
    assert_false(seen.open);
    assert_true(seen.latest);
    assert_string_equal(seen.by, "device");
    assert_string_equal(seen.result, "acknowledged by front desk");
    assert_false(get(told).latest);
}

/* The device says it again, or tells of what stands at the start. */
static void a_repetition_is_kept_once(void **ctx)
{
    (void)ctx;
    struct event event = plain(1, "ahu-1", "alarm", "ai:1");
    event.once = "07:30:00";
    uint64_t first = add(&event, 1);
    event.receive_us += 1000000;
    event.text = "no message";
    assert_int_equal(add(&event, 2), 0);
    assert_true(get(first).open);
    event.kind = "normal"; /* the same time, another happening */
    assert_true(add(&event, 3) > first);
    event.kind = "alarm";
    event.once = "07:31:00";
    uint64_t second = add(&event, 4);
    assert_true(second > first);
    event.ack_wanted = false; /* acknowledged while we did not listen */
    assert_int_equal(add(&event, 5), 0);
    assert_false(get(second).open);
    assert_string_equal(get(second).by, "device");
    uint64_t mark, lost;
    assert_int_equal(state_events_mark(store, &mark, &lost), 0);
    assert_int_equal(mark, 5);
    assert_int_equal(lost, 0);
    event.once = "";
    assert_true(add(&event, 6) > 0);
    assert_true(add(&event, 7) > 0);
}

int main(void)
{
#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STATE(events_and_the_mark_go_together),
        WITH_STATE(filters),
        WITH_STATE(windows_join),
        WITH_STATE(the_latest_of_a_key_is_open),
        WITH_STATE(acknowledgements),
        WITH_STATE(a_repetition_is_kept_once),
    };
#undef WITH_STATE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
