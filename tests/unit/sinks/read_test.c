/* SPDX-License-Identifier: Apache-2.0 */
/* From the log into batches: whatever the sizes, all that the filter takes, once, in order, and each place leads back to
 * where it was. Against a naive reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "model/event.h"
#include "sinks/machine.h"
#include "support/quiet.h"
#include "support/random.h"
#include "unit/history/place.h"

#define NOW INT64_C(1790000000000000)

enum { SERIES = 40, RECORDS = 60, THINGS_MAX = 20000 };

/* A sample or event of the log that the filter takes. */
struct thing {
    struct sink_place place;
    bool event;
    uint32_t series;
    int64_t time_us;
    size_t size; /* of a text */
};

static struct place place;
static struct thing things[THINGS_MAX];
static size_t thing_count;
static uint64_t sample_total;
static struct sink sink;
static struct random seed = { 7 };

static bool odd(uint32_t series)
{
    return series % 2 == 1;
}

static void stored(void *ctx, int error)
{
    int *left = ctx;
    assert_int_equal(error, 0);
    --*left;
}

static void add_event(int number, int *left)
{
    char text[32];
    snprintf(text, sizeof(text), "event %d", number);
    struct event event = {
        .time_us = NOW + number, .receive_us = NOW, .source = "plant", .kind = "x", .text = text
    };
    assert_int_equal(history_append_event(place.history, &event, stored, left), 0);
    ++*left;
}

/* Fills the log with records of some samples and some events, and notes what of them is wanted. */
static void fill(void)
{
    for (uint64_t record = 1; record <= RECORDS; record++) {
        struct sample samples[SERIES];
        size_t count = random_below(&seed, SERIES + 1), events = random_below(&seed, 4);
        int left = 0;
        events += count + events == 0;
        for (size_t i = 0; i < count; i++) {
            samples[i] = place_number((uint32_t)i + 1, NOW + (int64_t)record, 1.5);
            if (random_below(&seed, 8) == 0) {
                samples[i].type = VALUE_TEXT;
                samples[i].value.text = text_new("some text", random_below(&seed, 9));
            }
            if (odd((uint32_t)i + 1)) {
                things[thing_count++] = (struct thing){ { record, (uint32_t)i + 1 },
                                                        false,
                                                        (uint32_t)i + 1,
                                                        NOW + (int64_t)record,
                                                        samples[i].type == VALUE_TEXT
                                                            ? samples[i].value.text->size
                                                            : 0 };
            }
        }
        if (count > 0) {
            assert_int_equal(history_append(place.history, samples, count, stored, &left), 0);
            left++;
        }
        for (size_t i = 0; i < events; i++) {
            things[thing_count++] = (struct thing){
                { record, (uint32_t)(count + i + 1) }, true, 0, NOW + (int64_t)(record * 10 + i), 0
            };
            add_event((int)(record * 10 + i), &left);
        }
        sample_total += count;
        history_commit_now(place.history);
        while (left > 0) {
            history_completed(place.history);
            usleep(50);
        }
        for (size_t i = 0; i < count; i++) {
            if (samples[i].type == VALUE_TEXT) {
                busbar_free((void *)(uintptr_t)samples[i].value.text);
            }
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    place_make(&place);
    place.config.segment_bytes = 4000;
    place.config.commit_us =
        CLOCK_US_PER_S; /* a record is what stands between two history_commit_now() */
    place_open(&place);
    for (uint32_t i = 1; i <= SERIES; i++) {
        struct label labels[] = { label_of(LABEL_METRIC, odd(i) ? "odd" : "even"),
                                  label_of("device", "plant"), label_of("n", "") };
        char n[8];
        snprintf(n, sizeof(n), "%u", i);
        labels[2] = label_of("n", n);
        assert_int_equal(history_label_point(place.history, i, labels, 3), 0);
    }
    fill();
    list_init(&sink.spare);
    list_init(&sink.queue);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

static void open_reader(struct sink_reader *reader)
{
    *reader = (struct sink_reader){ .at = { 1, 0 } };
    assert_int_equal(
        sink_filter_new(place.history, "*/odd", "", "none", true, &reader->filter, NULL, NULL), 0);
    assert_int_equal(history_cursor_open(place.history, "test", 1, &reader->cursor), 0);
}

static void close_reader(struct sink_reader *reader)
{
    struct list *spare;
    sink_filter_unref(reader->filter);
    sink_reader_fini(reader);
    while ((spare = list_shift(&sink.spare)) != NULL) {
        sink_load_discard(list_entry(spare, struct load, link));
    }
    sink.spares = 0;
}

/* The things of a load are those from `at` on; returns behind them. */
static size_t assert_things(const struct load *load, size_t at)
{
    size_t samples = 0, events = 0;
    while (samples + events < sink_load_count(load)) {
        const struct thing *thing = &things[at++];
        assert_true(at <= thing_count);
        if (thing->event) {
            struct event_decoded event;
            struct bytes in = load->batch.events[events];
            assert_int_equal(event_decode(&in, &event), 0);
            assert_int_equal(event.event.time_us, thing->time_us);
            event_decoded_fini(&event);
            assert_int_equal(sink_place_compare(load->event_places[events++], thing->place), 0);
        } else {
            const struct sample *sample = &load->batch.samples[samples];
            assert_int_equal(sample->point, thing->series);
            assert_int_equal(sample->time_us, thing->time_us);
            assert_true(thing->size == 0 || sample->value.text->size == thing->size);
            assert_int_equal(sink_place_compare(load->places[samples++], thing->place), 0);
        }
    }
    return at;
}

static struct load *read_one(struct sink_reader *reader, size_t max, bool *end, uint64_t *uncounted)
{
    struct sink_read read = { .samples_max = max };
    struct load *load = sink_load_new(&sink);
    load->batch.from = reader->at;
    sink_read(reader, load, &read);
    assert_int_equal(load->error, 0);
    *end = read.end;
    *uncounted += read.uncounted;
    return load;
}

static void whatever_the_size_of_batches(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 2, 3, 7, 20, 100, 5000 };
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        struct sink_reader reader;
        size_t at = 0, fresh = 0;
        uint64_t passed = 0, uncounted = 0;
        bool end = false;
        sink.batch = sizes[s];
        open_reader(&reader);
        while (!end) {
            struct load *load = read_one(&reader, sizes[s], &end, &uncounted);
            assert_int_equal(sink_place_compare(load->batch.to, reader.at), 0);
            assert_true(load->batch.sample_count <= sizes[s]);
            at = assert_things(load, at);
            passed += load->passed;
            fresh += load->memory->fresh_count;
            sink_load_free(&sink, load);
        }
        assert_int_equal(at, thing_count);
        assert_int_equal(passed, sample_total);
        assert_int_equal(uncounted, sample_total);
        assert_int_equal(fresh, SERIES / 2);
        assert_int_equal(reader.at.sequence, RECORDS + 1);
        assert_int_equal(reader.at.taken, 0);
        close_reader(&reader);
    }
}

static void any_place_leads_back(void **state)
{
    (void)state;
    struct sink_reader reader;
    sink.batch = 10;
    open_reader(&reader);
    for (int i = 0; i < 500; i++) {
        size_t at = random_below(&seed, thing_count);
        uint64_t uncounted = 0;
        bool end;
        sink_reader_seek(&reader, things[at].place);
        at++; /* the place is behind the thing */
        for (size_t batches = 1 + random_below(&seed, 3); batches > 0; batches--) {
            struct load *load = read_one(&reader, 10, &end, &uncounted);
            at = assert_things(load, at);
            sink_load_free(&sink, load);
        }
    }
    close_reader(&reader);
}

/* Cut again and again: the parts together are the whole, and each place stands between its part and the next. */
static void parts_are_the_whole(void **state)
{
    (void)state;
    sink.batch = 300;
    for (int round = 0; round < 50; round++) {
        struct sink_reader reader;
        uint64_t uncounted = 0;
        bool end;
        open_reader(&reader);
        struct load *load = read_one(&reader, 300, &end, &uncounted);
        struct sink_place to = load->batch.to;
        uint64_t passed = load->passed;
        list_append(&sink.queue, &load->link);
        sink.queued = 1;
        for (int cuts = 0; cuts < 30; cuts++) {
            size_t which = random_below(&seed, sink.queued);
            struct list *link = sink.queue.next;
            while (which-- > 0) {
                link = link->next;
            }
            struct load *part = list_entry(link, struct load, link);
            if (sink_load_count(part) > 1) {
                size_t rank = 1 + random_below(&seed, sink_load_count(part) - 1);
                assert_int_equal(sink_load_cut(&sink, part, rank), 0);
                assert_int_equal(sink_load_count(part), rank);
            }
        }
        size_t at = 0;
        struct sink_place before = { 1, 0 };
        for (struct list *link; (link = list_shift(&sink.queue)) != NULL;) {
            struct load *part = list_entry(link, struct load, link);
            assert_int_equal(sink_place_compare(part->batch.from, before), 0);
            at = assert_things(part, at);
            bool last = list_empty(&sink.queue);
            before = part->batch.to;
            assert_int_equal(sink_place_compare(before, last ? to : things[at - 1].place), 0);
            assert_int_equal(part->passed, last ? passed : 0);
            sink_load_free(&sink, part);
        }
        close_reader(&reader);
    }
}

static void ranks_are_the_order_of_places(void **state)
{
    (void)state;
    struct sink_reader reader;
    uint64_t uncounted = 0;
    bool end;
    sink.batch = 300;
    open_reader(&reader);
    struct load *load = read_one(&reader, 300, &end, &uncounted);
    size_t samples = 0, events = 0, count = sink_load_count(load);
    for (size_t i = 0; i < count; i++) {
        size_t index = things[i].event ? load->batch.sample_count + events++ : samples++;
        assert_int_equal(sink_load_rank(load, index), i);
    }
    sink_load_free(&sink, load);
    close_reader(&reader);
}

static void without_memory_nothing_is_lost(void **state)
{
    (void)state;
    sink.batch = 50;
    for (long nth = 1; nth < 60; nth++) {
        struct sink_reader reader;
        struct sink_read read = { .samples_max = 50 };
        open_reader(&reader);
        struct load *load = sink_load_new(&sink);
        alloc_fail_nth(nth);
        sink_read(&reader, load, &read);
        alloc_fail_nth(0);
        if (load->error == 0) {
            assert_things(load, 0);
            sink_load_free(&sink, load);
            close_reader(&reader);
            continue;
        }
        assert_int_equal(load->error, BUSBAR_ENOMEM);
        sink_load_free(&sink, load);
        sink_reader_seek(&reader, (struct sink_place){ 1, 0 });
        bool end;
        uint64_t uncounted = 0;
        load = read_one(&reader, 50, &end, &uncounted);
        assert_things(load, 0);
        sink_load_free(&sink, load);
        close_reader(&reader);
    }
}

static bool never(void *ctx, struct sink_place at, int64_t receive_us)
{
    (void)ctx;
    (void)at;
    (void)receive_us;
    return false;
}

static void passing_counts_the_same(void **state)
{
    (void)state;
    for (size_t from = 0; from < thing_count; from += 37) {
        struct sink_reader reader;
        struct sink_pass pass = { .enough = never };
        uint64_t samples = 0, events = 0;
        open_reader(&reader);
        sink_reader_seek(&reader, things[from].place);
        assert_int_equal(sink_pass(&reader, &pass), 0);
        for (size_t i = from + 1; i < thing_count; i++) {
            events += things[i].event;
            samples += !things[i].event;
        }
        assert_int_equal(pass.samples, samples);
        assert_int_equal(pass.events, events);
        assert_true(pass.end);
        close_reader(&reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_size_of_batches),
        cmocka_unit_test(any_place_leads_back),
        cmocka_unit_test(parts_are_the_whole),
        cmocka_unit_test(ranks_are_the_order_of_places),
        cmocka_unit_test(without_memory_nothing_is_lost),
        cmocka_unit_test(passing_counts_the_same),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
