/* SPDX-License-Identifier: Apache-2.0 */
/* Events in the log: beside samples and alone, over restarts, damage, a quota, a full disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/record.h"
#include "place.h"
#include "support/fault_file.h"
#include "support/quiet.h"

#define NOW INT64_C(1790000000000000)
enum { SALT = 0x5a17 };

static struct place place;
static struct fault_file fault;

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    fault_file_init(&fault);
    place_make(&place);
    place.config.segment_bytes = 4000;
    place.config.events_from = 1;
    place.config.file = &fault.ops;
    place_open(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

/* Event number n. */
static struct event event_of(int n, char text[16])
{
    snprintf(text, 16, "number %d", n);
    return (struct event){ .time_us = NOW + n,
                           .receive_us = NOW + n + 7,
                           .source = "ahu-1",
                           .kind = "alarm",
                           .text = text,
                           .severity = (uint8_t)(n % EVENT_SEVERITIES) };
}

static int append_event(int n, struct place_done *done)
{
    char text[16];
    struct event event = event_of(n, text);
    return history_append_event(place.history, &event, place_stored, done);
}

static void commit(const struct place_done *done, int count)
{
    history_commit_now(place.history);
    for (int i = 0; done->count < count && i < 200000; i++) {
        history_completed(place.history);
        usleep(50);
    }
    assert_int_equal(done->count, count);
}

static void append_events(int from, int count)
{
    struct place_done done = { 0 };
    for (int i = 0; i < count; i++) {
        assert_int_equal(append_event(from + i, &done), 0);
        commit(&done, i + 1);
        assert_int_equal(done.error, 0);
    }
}

static void append_samples(int from, int count)
{
    for (int i = from; i < from + count; i++) {
        struct sample samples[2] = { place_number(1, NOW + i, i), place_number(2, NOW + i, -i) };
        assert_int_equal(place_append(&place, samples, 2), 0);
    }
}

static void assert_event(const struct event *event, int n)
{
    char text[16];
    struct event want = event_of(n, text);
    assert_string_equal(event->text, text);
    assert_int_equal(event->time_us, want.time_us);
    assert_int_equal(event->receive_us, want.receive_us);
    assert_int_equal(event->severity, want.severity);
}

/* Reads events from..from + count - 1 and nothing behind them. Returns the last sequence seen. */
static uint64_t assert_events(struct history_cursor *cursor, int from, int count)
{
    struct history_record record = { 0 };
    int next = from;
    int error;
    while ((error = history_cursor_next_events(cursor, &record)) == 0) {
        struct event_decoded event;
        assert_int_equal(record.count, 0);
        while ((error = history_next_event(&record, &event)) == 0) {
            assert_event(&event.event, next++);
            event_decoded_fini(&event);
        }
        assert_int_equal(error, BUSBAR_ENOENT);
    }
    assert_int_equal(error, BUSBAR_EAGAIN);
    assert_int_equal(next, from + count);
    return record.sequence;
}

static void events_and_samples_in_their_order(void **state)
{
    (void)state;
    struct history_record record;
    struct place_done done = { 0 };
    append_samples(0, 30);
    append_events(1, 3);
    append_samples(30, 30);
    append_events(4, 1);
    struct sample sample = place_number(3, NOW + 1, 3); /* one record with both */
    assert_int_equal(append_event(5, &done), 0);
    assert_int_equal(history_append(place.history, &sample, 1, place_stored, &done), 0);
    assert_int_equal(append_event(6, &done), 0);
    commit(&done, 3);
    struct history_cursor *cursor = history_events(place.history);
    assert_non_null(cursor);
    uint64_t last = assert_events(cursor, 1, 6);
    assert_int_equal(place_count(&place, 1), 60);
    assert_int_equal(place_count(&place, 3), 1);

    struct history_cursor *samples; /* readers of samples see records without, and with both */
    size_t records = 0, found = 0;
    assert_int_equal(history_cursor_open(place.history, "test", 1, &samples), 0);
    while (history_cursor_next(samples, &record) == 0) {
        records++;
        found += record.count;
    }
    assert_int_equal(records, last);
    assert_int_equal(found, 121);
    history_cursor_close(samples);
    struct history_status status = place_status(&place);
    assert_int_equal(status.events_committed, 6);
    assert_int_equal(status.events_waiting, 0);
    assert_int_equal(status.committed, 121);
    struct history_findings findings;
    assert_int_equal(place_verify(&place, &findings), 0);
    assert_int_equal(findings.events, 6);
    assert_int_equal(findings.samples, 121);
}

static void a_restart_goes_on_where_it_was(void **state)
{
    (void)state;
    append_events(1, 5);
    append_samples(0, 3);
    uint64_t last = assert_events(history_events(place.history), 1, 5);
    append_events(6, 4);
    place.config.events_from = last + 1;
    place_reopen(&place);
    assert_int_equal(place_count(&place, 1), 3);
    (void)assert_events(history_events(place.history), 6, 4);
    place.config.events_from = 0;
    place_reopen(&place);
    assert_null(history_events(place.history));
}

/* The log goes when its samples are in blocks: not so while events in it are unread, over a restart too. */
static void segments_are_held_until_events_are_read(void **state)
{
    (void)state;
    append_events(1, 30);
    append_samples(0, 60);
    uint64_t bytes = place_status(&place).log_bytes;
    assert_int_equal(history_flush(place.history), 0);
    place_reopen(&place);
    append_samples(60, 1);
    assert_int_equal(history_flush(place.history), 0);
    assert_true(place_status(&place).log_bytes >= bytes);
    struct history_cursor *cursor = history_events(place.history);
    uint64_t last = assert_events(cursor, 1, 30);
    history_cursor_done(cursor, last);
    append_samples(61, 1);
    assert_int_equal(history_flush(place.history), 0);
    assert_true(place_status(&place).log_bytes < bytes / 2);
    assert_int_equal(history_cursor_lost(cursor), 0);
}

static void the_quota_counts_what_it_lets_go(void **state)
{
    (void)state;
    place.config.cursor_bytes = 6000;
    place_reopen(&place);
    append_events(1, 200);
    append_samples(0, 1);
    assert_int_equal(history_flush(place.history), 0);
    struct history_cursor *cursor = history_events(place.history);
    struct history_record record;
    assert_int_equal(history_cursor_next_events(cursor, &record), BUSBAR_EDAMAGED);
    int lost = (int)history_cursor_lost(cursor);
    assert_in_range(lost, 1, 199);
    (void)assert_events(cursor, lost + 1, 200 - lost);
}

static void a_damaged_record_costs_its_events_only(void **state)
{
    (void)state;
    append_events(1, 9);
    char path[256];
    snprintf(path, sizeof(path), "%s/log/0000000000000001.log", place.folder);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 128 + 400, SEEK_SET); /* the fourth or fifth */
    fputc(0xa5, file);
    fputc(0x5a, file);
    fclose(file);
    struct history_cursor *cursor = history_events(place.history);
    struct history_record record;
    int good = 0, error;
    while ((error = history_cursor_next_events(cursor, &record)) != BUSBAR_EAGAIN) {
        struct event_decoded event;
        assert_true(error == 0 || error == BUSBAR_EDAMAGED);
        while (error == 0 && history_next_event(&record, &event) == 0) {
            event_decoded_fini(&event);
            good++;
        }
    }
    assert_int_equal(good, 8);
    assert_int_equal(history_cursor_lost(cursor), 1);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    (void)state;
    struct place_done done = { 0 };
    append_events(1, 1);
    fault_file_set(&fault, FAULT_ENOSPC, FAULT_WRITE, 1, true);
    assert_int_equal(append_event(2, &done), 0);
    history_commit_now(place.history);
    for (int i = 0; place_status(&place).log_error == 0 && i < 2000; i++) {
        usleep(1000);
    }
    assert_int_equal(append_event(3, &done), BUSBAR_ENOSPC);
    assert_int_equal(done.count, 0); /* not acknowledged, and not given up */
    fault_file_set(&fault, FAULT_NONE, 0, 0, false);
    commit(&done, 1);
    assert_int_equal(done.error, 0);
    append_events(3, 1);
    (void)assert_events(history_events(place.history), 1, 3);
}

static void a_record_takes_so_many_events(void **state)
{
    (void)state;
    struct history_record_writer writer;
    struct text *text;
    char *longest = busbar_alloc(TEXT_BYTES_MAX);
    memset(longest, 'z', TEXT_BYTES_MAX);
    text = text_new(longest, TEXT_BYTES_MAX);
    struct event_argument argument = { .name = "note", .type = VALUE_TEXT };
    argument.value.text = text;
    char words[16];
    struct event event = event_of(1, words);
    event.arguments = &argument;
    event.argument_count = 1;
    history_record_init(&writer, 4096);
    int count = 0, error;
    while ((error = history_record_add_event(&writer, &event)) == 0) {
        count++;
    }
    assert_int_equal(error, BUSBAR_ELIMIT);
    assert_int_equal(count, writer.event_count);
    assert_in_range(count, HISTORY_RECORD_EVENTS_MAX / 4300, HISTORY_RECORD_EVENTS_MAX / 4096);
    struct sample samples[10];
    for (uint32_t i = 0; i < 10; i++) {
        samples[i] = place_number(i + 1, NOW, i * 0.5);
    }
    assert_int_equal(history_record_add(&writer, samples, 10), 0); /* samples have their own room */
    size_t size = history_record_seal(&writer, 3, SALT);
    assert_int_equal(history_record_seal(&writer, 4, SALT), size); /* into the next segment */
    struct history_record_head head;
    struct bytes in = bytes_of(writer.buf.data, size);
    assert_int_equal(history_record_get_head(&in, SALT, &head), 0);
    assert_true(history_record_body_good(&head, in.at));
    struct bytes events = bytes_of(in.at + history_record_batch_bytes(&head), head.event_bytes);
    struct event_decoded decoded;
    for (int i = 0; i < count; i++) {
        assert_int_equal(history_record_next_event(&events, &decoded), 0);
        assert_event(&decoded.event, 1);
        event_decoded_fini(&decoded);
    }
    assert_int_equal(history_record_next_event(&events, &decoded), BUSBAR_ENOENT);
    struct history_record_reader reader;
    struct sample got[HISTORY_BATCH_SAMPLES];
    history_record_open(&reader, in.at, history_record_batch_bytes(&head));
    assert_int_equal(history_record_next(&reader, got), 10);
    assert_int_equal(history_record_next(&reader, got), 0);
    history_record_fini(&writer);
    busbar_free(text);
    busbar_free(longest);
}

static void every_flipped_bit_of_a_record_is_seen(void **state)
{
    (void)state;
    struct history_record_writer writer;
    char words[16];
    struct event event = event_of(1, words);
    struct sample sample = place_number(1, NOW, 2.5);
    history_record_init(&writer, 4096);
    assert_int_equal(history_record_add(&writer, &sample, 1), 0);
    assert_int_equal(history_record_add_event(&writer, &event), 0);
    size_t size = history_record_seal(&writer, 3, SALT);
    size_t padding = (8 - (writer.buf.size + writer.events.size) % 8) % 8;
    for (size_t bit = 0; bit < (size - padding) * 8; bit++) {
        writer.buf.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct history_record_head head;
        struct bytes in = bytes_of(writer.buf.data, size);
        bool good = history_record_get_head(&in, SALT, &head) == 0 &&
                    head.body_bytes <= bytes_left(&in) && history_record_body_good(&head, in.at);
        assert_false(good);
        writer.buf.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    history_record_fini(&writer);
}

static void a_full_record_does_not_wait_for_company(void **state)
{
    (void)state;
    place_close(&place);
    place.config.commit_us = INT64_C(3600) * 1000000;
    place.config.segment_bytes = 0;
    place_open(&place);
    char *longest = busbar_alloc(EVENT_TEXT_MAX + 1);
    memset(longest, 'z', EVENT_TEXT_MAX);
    char words[16];
    struct event event = event_of(1, words);
    event.text = longest;
    int count = 0, error;
    while ((error = history_append_event(place.history, &event, NULL, NULL)) == 0) {
        count++;
    }
    assert_int_equal(error, BUSBAR_EBUSY);
    assert_in_range(count, HISTORY_RECORD_EVENTS_MAX / 4300, HISTORY_RECORD_EVENTS_MAX / 4096);
    for (int i = 0; error != 0 && i < 20000; i++) { /* far less than the hour */
        usleep(500);
        error = history_append_event(place.history, &event, NULL, NULL);
    }
    assert_int_equal(error, 0);
    history_commit_now(place.history);
    for (int i = 0; history_events_committed(place.history) < (uint64_t)count + 1 && i < 20000;
         i++) {
        usleep(500);
    }
    assert_int_equal(history_events_committed(place.history), count + 1);
    busbar_free(longest);
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(events_and_samples_in_their_order),
        WITH_PLACE(a_restart_goes_on_where_it_was),
        WITH_PLACE(segments_are_held_until_events_are_read),
        WITH_PLACE(the_quota_counts_what_it_lets_go),
        WITH_PLACE(a_damaged_record_costs_its_events_only),
        WITH_PLACE(a_full_disk_refuses_and_recovers),
        WITH_PLACE(a_full_record_does_not_wait_for_company),
        cmocka_unit_test(a_record_takes_so_many_events),
        cmocka_unit_test(every_flipped_bit_of_a_record_is_seen),
    };
#undef WITH_PLACE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
