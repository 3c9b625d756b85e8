/* SPDX-License-Identifier: Apache-2.0 */
/* From messages to devices: whole or refused, gathered, published once a turn, acknowledged when on disk; keys, stamps,
 * strangers, refusals. */
#include "base/file.h"
#include "feed_rig.h"

#define NOW (CLOCK_US_PER_S * 1700000000)

struct sent {
    int done; /* how often */
    int error;
    unsigned order;
    struct feed_verdict verdict;
};
static unsigned order;

static void done(void *ctx, int error)
{
    struct sent *sent = ctx;
    sent->done++;
    sent->error = error;
    sent->order = ++order;
}

static struct feed_message message_of(const char *body)
{
    return (struct feed_message){
        .payload = { .body = (const uint8_t *)body,
                     .size = strlen(body),
                     .receive_us = clock_wall_us() },
        .source = "10.0.3.7",
    };
}

static int take_message(struct rig *rig, const struct feed_message *message, struct sent *sent)
{
    *sent = (struct sent){ 0 };
    int error = feed_take(rig->feed, &rig->route, 1, message, done, sent, &sent->verdict);
    assert_int_equal(sent->done, 0);
    return error;
}

static int take(struct rig *rig, const char *body, struct sent *sent)
{
    struct feed_message message = message_of(body);
    return take_message(rig, &message, sent);
}

static int take_keyed(struct rig *rig, const char *body, const char *key, struct sent *sent)
{
    struct feed_message message = message_of(body);
    message.key = key;
    message.key_size = strlen(key);
    return take_message(rig, &message, sent);
}

static struct device *joined(struct rig *rig, const char *id)
{
    struct device *dev = rig_device(rig, id);
    assert_int_equal(feed_join(rig->route, dev, id, rig->program, NULL), 0);
    return dev;
}

static void a_message_is_acknowledged_when_it_is_on_disk(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    struct device *dev = joined(&rig, "a");
    assert_int_equal(take(&rig, "a|0=21,1='abc'", &sent), 0);
    assert_int_equal(sent.verdict.readings, 2);
    assert_int_equal(sent.verdict.devices, 1);
    assert_ptr_equal(sent.verdict.dev, dev);
    assert_int_equal(rig.stored_count, 0); /* at the turn's end */
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, 2);
    assert_int_equal(rig.stored[0].value.i, 21);
    assert_int_equal(rig.stored[0].time_us, NOW);
    assert_int_equal(dev->points[0].last.value.i, 21);
    assert_string_equal(dev->points[1].last.value.text->bytes, "abc");
    assert_int_equal(sent.done, 0);
    struct driver_message_counts counts;
    feed_counts(rig.feed, &counts);
    assert_int_equal(counts.waiting, 1);
    rig_on_disk(&rig, 0);
    assert_int_equal(sent.done, 1);
    assert_int_equal(sent.error, 0);
    feed_counts(rig.feed, &counts);
    assert_int_equal(counts.waiting, 0);
    assert_int_equal(counts.messages, 1);
    assert_int_equal(counts.readings, 2);
    rig_fini(&rig);
}

static void messages_of_a_turn_are_one_batch_a_device(void **state)
{
    (void)state;
    enum { MESSAGES = 200 };
    struct rig rig;
    static struct sent sent[MESSAGES];
    rig_init(&rig);
    (void)joined(&rig, "a");
    (void)joined(&rig, "b");
    for (int i = 0; i < MESSAGES; i++) {
        char body[32];
        str_format(body, sizeof(body), "%c|0=%d", i % 2 == 0 ? 'a' : 'b', i);
        assert_int_equal(take(&rig, body, &sent[i]), 0);
    }
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, MESSAGES);
    assert_in_range(rig.batches, 2, 8);
    assert_int_equal(rig.ack_count, 1);             /* one receipt for all */
    for (size_t i = 1; i < rig.stored_count; i++) { /* no two of one point at one time */
        assert_true(rig.stored[i].point != rig.stored[i - 1].point ||
                    rig.stored[i].time_us == rig.stored[i - 1].time_us + 1);
    }
    rig_on_disk(&rig, 0);
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(sent[i].done, 1);
        assert_true(i == 0 || sent[i].order == sent[i - 1].order + 1); /* in the order of taking */
    }
    rig_fini(&rig);
}

static void a_message_feeds_many_devices_whole_or_not_at_all(void **state)
{
    (void)state;
    struct rig rig;
    struct sent first, sent;
    rig_init(&rig);
    struct device *a = joined(&rig, "a"), *b = joined(&rig, "b");
    assert_int_equal(take(&rig, "a|0=1\nb|0=2\na|0=3", &first), 0);
    assert_int_equal(first.verdict.devices, 2);
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, 3);
    assert_int_equal(a->points[0].last.value.i, 3);
    assert_int_equal(a->points[0].last.time_us, NOW + 1);
    assert_int_equal(b->points[0].last.time_us, NOW);

    assert_int_equal(take(&rig, "a|0=4\nb|0=5\na|?", &sent), BUSBAR_EPROTO);
    assert_string_equal(sent.verdict.device, "a");
    assert_string_equal(sent.verdict.point, "p1");
    assert_string_equal(sent.verdict.err.message, "json $.t: 'abc' is no number");
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, 3); /* nothing half applied */
    rig_on_disk(&rig, 0);
    assert_int_equal(sent.done, 0);
    struct device_stats stats;
    host_stats(a, &stats);
    assert_int_equal(stats.bad_frames, 1);
    rig_fini(&rig);
}

/* While a configuration is applied: else what is of the device that is not there yet would be acknowledged, and lost. */
static void a_message_waits_for_all_of_its_devices(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    struct driver_message_counts counts;
    rig_init(&rig);
    struct feed_message message = message_of("a|0=1\nb|0=2");
    (void)joined(&rig, "a");
    message.whole = true;
    assert_int_equal(take_message(&rig, &message, &sent), BUSBAR_EBUSY);
    assert_non_null(strstr(sent.verdict.err.message, "device 'b' may be about to come"));
    (void)joined(&rig, "b");
    assert_int_equal(take_message(&rig, &message, &sent), 0);
    assert_int_equal(sent.verdict.devices, 2);
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, 2);
    feed_counts(rig.feed, &counts);
    assert_int_equal(counts.refused + counts.strangers, 0);
    assert_int_equal(take(&rig, "a|0=3\nc|0=4", &sent), 0); /* nobody is awaited */
    assert_int_equal(sent.verdict.strangers, 1);
    rig_turn(&rig);
    rig_fini(&rig);
}

static void a_number_does_not_become_a_text(void **state)
{
    (void)state;
    static const struct point_class watts = { .units = "W", .scale = 1.0 };
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    struct device *a = joined(&rig, "a");
    a->points[0].cls = registry_class(rig.registry, &watts);
    assert_int_equal(take(&rig, "a|1='x',0='x'", &sent), BUSBAR_EPROTO);
    assert_string_equal(sent.verdict.err.message,
                        "'p0' is a number (it has units W), but 'x' stands there");
    assert_string_equal(sent.verdict.point, "p0");
    assert_int_equal(take(&rig, "a|1='x',0=5", &sent), 0);
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, 2);
    rig_fini(&rig);
}

/* The bus would refuse them, and the sender would hear of nothing. */
static void a_time_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    char text[64];
    int64_t now_s = NOW / CLOCK_US_PER_S;
    rig_init(&rig);
    (void)joined(&rig, "a");
    str_format(text, sizeof(text), "a|1=1,0=5@%lld", (long long)now_s + 86401);
    assert_int_equal(take(&rig, text, &sent), BUSBAR_EPROTO);
    assert_non_null(strstr(sent.verdict.err.message, "more than a day ahead"));
    assert_string_equal(sent.verdict.point, "p0");
    assert_int_equal(take(&rig, "a|0=5@-1", &sent), BUSBAR_EPROTO);
    assert_non_null(strstr(sent.verdict.err.message, "before 1970"));
    str_format(text, sizeof(text), "a|0=5@%lld", (long long)now_s + 86399);
    assert_int_equal(take(&rig, text, &sent), 0);
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, 1);
    rig_fini(&rig);
}

static void several_values_of_one_point_get_times_of_their_own(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    (void)joined(&rig, "a");
    assert_int_equal(take(&rig, "a|0=1,0=2,0=3,1=9@1600000000", &sent), 0);
    assert_int_equal(take(&rig, "a|0=4", &sent), 0);
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig.stored[i].time_us, NOW + i);
    }
    assert_int_equal(rig.stored[3].time_us, CLOCK_US_PER_S * 1600000000);
    assert_int_equal(rig.stored[4].time_us, NOW + 3);
    clock_fake_step_wall(-3600 * CLOCK_US_PER_S); /* a clock set back is not waited for */
    assert_int_equal(take(&rig, "a|0=5", &sent), 0);
    rig_turn(&rig);
    assert_int_equal(rig.stored[5].time_us, NOW - 3600 * CLOCK_US_PER_S);
    rig_fini(&rig);
}

static void keep_status(void *ctx, const struct driver_status *status)
{
    assert_string_equal(status->name, "last without use");
    assert_null(status->trouble);
    assert_true(str_copy(ctx, FEED_EXCERPT_MAX, status->text));
}

static void what_is_of_no_use_is_taken(void **state)
{
    (void)state;
    struct rig rig;
    struct sent left_out, empty;
    struct driver_message_counts counts;
    char words[FEED_EXCERPT_MAX] = "";
    rig_init(&rig);
    (void)joined(&rig, "a");
    feed_status(rig.feed, keep_status, words);
    assert_string_equal(words, "");
    assert_int_equal(take(&rig, "#not for us", &left_out), 0);
    feed_status(rig.feed, keep_status, words);
    assert_non_null(strstr(words, "from 10.0.3.7: 'only' leaves it out: '#not for us'"));
    assert_int_equal(take(&rig, "a|", &empty), 0);
    feed_status(rig.feed, keep_status, words);
    assert_non_null(strstr(words, "no rule of device a finds anything in 'a|'"));
    assert_int_equal(empty.verdict.readings, 0);
    rig_turn(&rig);
    rig_on_disk(&rig, 0);
    assert_int_equal(left_out.done, 1);
    assert_int_equal(empty.done, 1);
    feed_counts(rig.feed, &counts);
    assert_int_equal(counts.unused, 2);
    assert_int_equal(counts.refused, 0);
    rig_fini(&rig);
}

static void a_connection_may_belong_to_a_device(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    struct device *a = joined(&rig, "a");
    struct feed_message message = message_of("whatever|0=7");
    message.device = a;
    assert_int_equal(take_message(&rig, &message, &sent), 0);
    rig_turn(&rig);
    assert_int_equal(a->points[0].last.value.i, 7);
    message.device = rig.devices[0]; /* that never joined */
    assert_int_equal(take_message(&rig, &message, &sent), BUSBAR_ENOENT);
    rig_fini(&rig);
}

static void retained_values_are_uncertain(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    struct device *a = joined(&rig, "a");
    struct feed_message message = message_of("a|0=7,1=8@1600000000");
    message.quality = QUALITY_UNCERTAIN;
    assert_int_equal(take_message(&rig, &message, &sent), 0);
    rig_turn(&rig);
    assert_int_equal(a->points[0].last.quality, QUALITY_UNCERTAIN);
    assert_int_equal(a->points[1].last.quality, QUALITY_GOOD); /* it says when */
    rig_fini(&rig);
}

static void readings_may_be_taken_elsewhere(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent = { 0 };
    rig_init(&rig);
    struct device *dev = rig_device(&rig, "metrics");
    feed_add(rig.feed, dev);
    struct payload_reading readings[] = { { .index = 0, .type = VALUE_INT, .value.i = 5 },
                                          { .index = 1, .type = VALUE_DOUBLE, .value.d = 1.5 } };
    assert_int_equal(feed_give(rig.feed, dev, "edge", readings, 2, done, &sent), 0);
    rig_turn(&rig);
    rig_on_disk(&rig, 0);
    assert_int_equal(sent.done, 1);
    assert_int_equal(dev->points[0].last.value.i, 5);
    assert_true(dev->points[1].last.value.d == 1.5);
    readings[0].time_us = NOW + 2 * 86400 * CLOCK_US_PER_S; /* the node's clock */
    assert_int_equal(feed_give(rig.feed, dev, "edge", readings, 1, done, &sent), 0);
    rig_turn(&rig);
    assert_int_equal(dev->points[0].last.time_us, NOW + 1);
    assert_int_equal(dev->points[0].last.quality, QUALITY_UNCERTAIN);
    rig_fini(&rig);
}

/* ---- routes ---- */

static void an_id_is_of_one_device(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    struct err err;
    rig_init(&rig);
    struct device *a = joined(&rig, "a"), *other = rig_device(&rig, "b");
    assert_int_equal(feed_join(rig.route, other, "a", rig.program, &err), BUSBAR_EEXIST);
    assert_non_null(strstr(err.message, "device 'a' has the id 'a' already"));
    assert_int_equal(feed_join(rig.route, a, "second", rig.program, NULL), 0);
    assert_int_equal(take(&rig, "second|0=9", &sent), 0);
    rig_turn(&rig);
    assert_int_equal(a->points[0].last.value.i, 9);
    feed_leave(rig.feed, a);
    assert_true(feed_route_empty(rig.route));
    assert_int_equal(take(&rig, "a|0=9", &sent), BUSBAR_ENOENT);
    rig_fini(&rig);
}

static void a_device_that_leaves_loses_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct sent plain, keyed;
    rig_init(&rig);
    struct device *a = joined(&rig, "a");
    assert_int_equal(take(&rig, "a|0=1,!door", &plain), 0);
    assert_int_equal(take_keyed(&rig, "a|1=2", "k", &keyed), 0);
    feed_leave(rig.feed, a);
    assert_int_equal(rig.stored_count, 2);
    assert_int_equal(rig.event_count, 1);
    rig_keys(&rig);
    rig_on_disk(&rig, 0);
    assert_int_equal(plain.done + keyed.done, 2);
    assert_int_equal(plain.error, 0);
    assert_int_equal(keyed.error, 0);
    rig_fini(&rig);
}

static void a_paused_device_fails_alone(void **state)
{
    (void)state;
    struct rig rig;
    struct sent a_sent, b_sent, both;
    rig_init(&rig);
    rig.leaves = false; /* a driver that is late */
    struct device *a = joined(&rig, "a");
    (void)joined(&rig, "b");
    assert_int_equal(take(&rig, "a|0=1", &a_sent), 0);
    assert_int_equal(take(&rig, "b|0=1", &b_sent), 0);
    assert_int_equal(take(&rig, "a|0=1\nb|0=2", &both), 0);
    host_pause(rig.host, a);
    rig_turn(&rig);
    rig_on_disk(&rig, 0);
    assert_int_equal(a_sent.error, BUSBAR_ECANCELED);
    assert_int_equal(b_sent.error, 0);
    assert_int_equal(both.error, BUSBAR_ECANCELED);
    assert_int_equal(take(&rig, "b|0=3", &b_sent), 0);
    rig_turn(&rig);
    rig_on_disk(&rig, 0);
    assert_int_equal(b_sent.error, 0); /* the trouble before is forgotten */
    rig_fini(&rig);
}

/* Who is told of the pause may rely on the disk having the rest. */
static void a_pause_does_not_hide_the_disk(void **state)
{
    (void)state;
    struct rig rig;
    struct sent both;
    rig_init(&rig);
    rig.leaves = false;
    struct device *a = joined(&rig, "a");
    (void)joined(&rig, "b");
    assert_int_equal(take(&rig, "a|0=1\nb|0=2", &both), 0);
    host_pause(rig.host, a);
    rig_turn(&rig);
    rig_on_disk(&rig, BUSBAR_EIO);
    assert_int_equal(both.error, BUSBAR_EIO);
    rig_fini(&rig);
}

/* ---- the log ---- */

static void a_log_that_is_full_for_a_moment_is_waited_for(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    struct device *a = joined(&rig, "a");
    rig.refuse = BUSBAR_EBUSY;
    assert_int_equal(take(&rig, "a|0=1,!door", &sent), 0);
    rig_turn(&rig);
    assert_int_equal(rig.stored_count, 0);
    assert_int_equal(bus_refused_all(rig.bus, BUS_REFUSAL_LOG_BUSY), 0); /* not even tried */
    assert_int_equal(a->points[0].received, 0);
    rig.refuse = 0;
    loop_advance_for_test(rig.loop, 10000);
    assert_int_equal(rig.stored_count, 1);
    assert_int_equal(rig.event_count, 1);
    rig_on_disk(&rig, 0);
    assert_int_equal(sent.done, 1);
    assert_int_equal(sent.error, 0);
    assert_int_equal(a->points[0].last.value.i, 1);
    rig_fini(&rig);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    (void)joined(&rig, "a");
    rig.refuse = BUSBAR_ENOSPC;
    assert_int_equal(take(&rig, "a|0=1", &sent), 0);
    rig_turn(&rig);
    assert_int_equal(sent.done, 1);
    assert_int_equal(sent.error, BUSBAR_ENOSPC);
    rig.refuse = 0;
    assert_int_equal(take(&rig, "a|0=2", &sent), 0);
    rig_turn(&rig);
    rig_on_disk(&rig, BUSBAR_EIO);
    assert_int_equal(sent.error, BUSBAR_EIO);
    rig_fini(&rig);
}

static void too_many_that_wait_are_not_taken(void **state)
{
    (void)state;
    struct rig rig;
    static struct sent sent[FEED_WAITING_MAX + 1];
    rig_init(&rig);
    (void)joined(&rig, "a");
    for (int i = 0; i < FEED_WAITING_MAX; i++) {
        assert_int_equal(take(&rig, "a|0=1", &sent[i]), 0);
        if (i % 1000 == 0) {
            rig_turn(&rig);
        }
    }
    assert_int_equal(take(&rig, "a|0=1", &sent[FEED_WAITING_MAX]), BUSBAR_EBUSY);
    rig_turn(&rig);
    rig_on_disk(&rig, 0);
    assert_int_equal(take(&rig, "a|0=1", &sent[FEED_WAITING_MAX]), 0);
    struct driver_message_counts counts;
    feed_counts(rig.feed, &counts);
    assert_int_equal(counts.refused, 0);
    assert_int_equal(counts.messages, FEED_WAITING_MAX + 1);
    rig_turn(&rig);
    rig_on_disk(&rig, 0);
    rig_fini(&rig);
}

static void who_waits_at_the_end_is_told(void **state)
{
    (void)state;
    struct rig rig;
    struct sent gathered, published, keyed;
    rig_init(&rig);
    (void)joined(&rig, "a");
    assert_int_equal(take(&rig, "a|0=1", &published), 0);
    rig_turn(&rig);
    assert_int_equal(take(&rig, "a|0=2", &gathered), 0);
    assert_int_equal(take_keyed(&rig, "a|0=3", "k", &keyed), 0);
    rig_feed_free(&rig);
    assert_int_equal(gathered.error, BUSBAR_ECANCELED);
    assert_int_equal(published.error, BUSBAR_ECANCELED);
    assert_int_equal(keyed.error, BUSBAR_ECANCELED);
    assert_int_equal(gathered.done + published.done + keyed.done, 3);
    rig_on_disk(&rig, 0); /* the log is late: nobody is told twice */
    assert_int_equal(published.done, 1);
    rig_feed(&rig);
    rig_fini(&rig);
}

/* ---- keys ---- */

static void a_message_with_a_key_waits_for_its_key(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    (void)joined(&rig, "a");
    assert_int_equal(take_keyed(&rig, "a|0=1", "k1", &sent), 0);
    loop_turn(rig.loop, false);
    assert_int_equal(rig.stored_count, 0);
    rig_keys(&rig);
    assert_int_equal(rig.stored_count, 1);
    char path[96];
    assert_true(file_join(path, sizeof(path), rig.folder, "push-keys"));
    assert_true(file_exists(path));
    rig_on_disk(&rig, 0);
    assert_int_equal(sent.done, 1);
    rig_fini(&rig);
}

/* The gateway dies at any moment: a repetition has the times of the first. */
static void a_repetition_has_the_times_of_the_first(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    char event[256];
    rig_init(&rig);
    struct device *a = joined(&rig, "a");
    assert_int_equal(take_keyed(&rig, "a|0=1,0=2,!door\na|0=3", "k1", &sent), 0);
    assert_false(sent.verdict.repeated);
    rig_keys(&rig);
    assert_int_equal(rig.stored_count, 3);
    str_copy(event, sizeof(event), rig.event);
    rig_feed_free(&rig); /* before it was acknowledged */
    rig_feed(&rig);
    clock_fake_advance(60 * CLOCK_US_PER_S);
    assert_int_equal(feed_join(rig.route, a, "a", rig.program, NULL), 0);
    assert_int_equal(take_keyed(&rig, "a|0=1,0=2,!door\na|0=3", "k1", &sent), 0);
    assert_true(sent.verdict.repeated);
    rig_keys(&rig);
    assert_int_equal(rig.stored_count, 6);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig.stored[i].time_us, rig.stored[i + 3].time_us);
        assert_int_equal(rig.stored[i].value.i, rig.stored[i + 3].value.i);
        assert_true(i == 0 || rig.stored[i].time_us == rig.stored[i - 1].time_us + 1);
    }
    assert_string_equal(rig.event, event); /* with the same key: the journal keeps it once */
    assert_non_null(strstr(event, "a door message "));
    rig_on_disk(&rig, 0);
    assert_int_equal(sent.done, 1);

    assert_int_equal(take_keyed(&rig, "a|0=9", "k2", &sent), 0);
    assert_false(sent.verdict.repeated);
    rig_keys(&rig);
    assert_int_equal(rig.stored[6].time_us, NOW + 60 * CLOCK_US_PER_S);
    rig_fini(&rig);
}

static void a_key_that_is_forgotten_may_be_used_again(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent, forgotten = { 0 };
    rig_init(&rig);
    (void)joined(&rig, "a");
    assert_int_equal(take_keyed(&rig, "a|0=1", "7", &sent), 0);
    rig_keys(&rig);
    feed_forget(rig.feed, "7", 1, done, &forgotten);
    assert_int_equal(forgotten.done, 0);
    rig_keys(&rig);
    assert_int_equal(forgotten.done, 1);
    clock_fake_advance(CLOCK_US_PER_S);
    assert_int_equal(take_keyed(&rig, "a|0=2", "7", &sent), 0);
    assert_false(sent.verdict.repeated);
    rig_keys(&rig);
    assert_true(rig.stored[1].time_us > rig.stored[0].time_us);
    rig_fini(&rig);
}

static void messages_with_keys_get_times_of_their_own(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    rig_init(&rig);
    (void)joined(&rig, "a");
    for (int i = 0; i < 50; i++) {
        char body[16], key[8];
        str_format(body, sizeof(body), "a|0=%d", i);
        str_format(key, sizeof(key), "k%d", i);
        assert_int_equal(i % 5 == 0 ? take(&rig, body, &sent) : take_keyed(&rig, body, key, &sent),
                         0);
    }
    rig_keys(&rig);
    assert_int_equal(rig.stored_count, 50);
    for (size_t i = 0; i < 50; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_true(rig.stored[i].time_us != rig.stored[k].time_us);
        }
    }
    rig_fini(&rig);
}

/* ---- for people ---- */

struct seen {
    int count;
    struct driver_refusal refusal;
    struct driver_source source;
    struct driver_stranger stranger;
    char text[400];
};

static void see_refusal(void *ctx, const struct driver_refusal *refusal)
{
    struct seen *seen = ctx;
    if (seen->count++ == 0) {
        str_format(seen->text, sizeof(seen->text), "%s; %s; %s; %s", refusal->source,
                   refusal->where, refusal->why, refusal->excerpt);
        seen->refusal = *refusal;
    }
}

static void see_source(void *ctx, const struct driver_source *source)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->source = *source;
}

static void see_stranger(void *ctx, const struct driver_stranger *stranger)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->stranger = *stranger;
}

static void refused_messages_can_be_looked_at(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    struct seen seen = { 0 };
    struct driver_messages messages;
    rig_init(&rig);
    (void)joined(&rig, "a");
    assert_int_equal(take(&rig, "a|0=1", &sent), 0);
    assert_int_equal(take(&rig, "a|?", &sent), BUSBAR_EPROTO);
    feed_refuse(rig.feed, "10.0.3.8", "POST /x", "\x01\x02\xff", 3, "no such URL");
    feed_messages(rig.feed, &messages);
    assert_int_equal(messages.counts.messages, 3);
    assert_int_equal(messages.counts.refused, 2);
    messages.refusals(messages.of, see_refusal, &seen);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.text, "10.0.3.8; POST /x; no such URL; 01 02 ff");
    seen = (struct seen){ 0 };
    messages.sources(messages.of, see_source, &seen);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.source.name, "10.0.3.8");
    assert_int_equal(seen.source.refused, 1);

    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(&rig, "a|?\t", &sent), BUSBAR_EPROTO);
    }
    seen = (struct seen){ 0 };
    messages.refusals(messages.of, see_refusal, &seen);
    assert_int_equal(seen.count, FEED_REFUSALS_MAX);
    assert_int_equal(seen.refusal.number, 1002);
    assert_string_equal(seen.text, "10.0.3.7; broker plant, device a/p1; "
                                   "json $.t: 'abc' is no number; a|? ");
    rig_fini(&rig);
}

static void senders_are_bounded(void **state)
{
    (void)state;
    struct rig rig;
    struct seen seen = { 0 };
    struct driver_messages messages;
    rig_init(&rig);
    for (int i = 0; i < FEED_SOURCES_MAX + 500; i++) {
        char name[32];
        str_format(name, sizeof(name), "sender-%d", i);
        feed_refuse(rig.feed, name, "", "x", 1, "no");
    }
    feed_messages(rig.feed, &messages);
    messages.sources(messages.of, see_source, &seen);
    assert_int_equal(seen.count, FEED_SOURCES_MAX + 1);
    assert_string_equal(seen.source.name, "all others");
    assert_int_equal(seen.source.messages, 500);
    rig_fini(&rig);
}

static int finds;
static char find_settings[256], find_like[256];

static void see_find(void *ctx, const struct host_find *find)
{
    (void)ctx;
    finds++;
    str_copy(find_settings, sizeof(find_settings), find->find.settings);
    for (size_t i = 0; i < find->find.fact_count; i++) {
        if (strcmp(find->find.facts[i].name, "like device") == 0) {
            str_copy(find_like, sizeof(find_like), find->find.facts[i].text);
        }
    }
}

static void strangers_are_kept_and_proposed(void **state)
{
    (void)state;
    struct rig rig;
    struct sent sent;
    struct seen seen = { 0 };
    struct driver_messages messages;
    rig_init(&rig);
    (void)joined(&rig, "a");
    feed_route_propose(rig.route, "{ connector: meters, id: \"{id}\" }");
    assert_int_equal(take(&rig, "new\"1|0=5", &sent), BUSBAR_ENOENT);
    assert_non_null(strstr(sent.verdict.err.message, "no device has the id 'new\"1'"));
    assert_int_equal(take(&rig, "a|0=1\nnew\"1|0=6", &sent), 0); /* the others are taken */
    assert_int_equal(sent.verdict.strangers, 1);
    feed_messages(rig.feed, &messages);
    messages.strangers(messages.of, see_stranger, &seen);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.stranger.id, "new\"1");
    assert_string_equal(seen.stranger.route, "broker plant");
    assert_string_equal(seen.stranger.sample, "new\"1|0=5");
    assert_int_equal(seen.stranger.times, 2);
    finds = 0;
    host_finds(rig.host, "push", see_find, NULL);
    assert_int_equal(finds, 1);
    assert_string_equal(find_like, "a");
    assert_string_equal(find_settings, "{ connector: meters, id: \"new\\\"1\" }");

    struct device *dev = joined(&rig, "new\"1");
    seen = (struct seen){ 0 };
    messages.strangers(messages.of, see_stranger, &seen);
    assert_int_equal(seen.count, 0);
    struct buf key;
    buf_init(&key, 1024);
    feed_find_key(rig.feed, dev, &key);
    assert_string_equal(buf_text(&key), "broker plant new\"1");
    buf_fini(&key);
    for (int i = 0; i < FEED_STRANGERS_MAX + 100; i++) {
        char body[32];
        str_format(body, sizeof(body), "s%d|0=1", i);
        assert_int_equal(take(&rig, body, &sent), BUSBAR_ENOENT);
    }
    messages.strangers(messages.of, see_stranger, &seen);
    assert_int_equal(seen.count, FEED_STRANGERS_MAX);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_acknowledged_when_it_is_on_disk),
        cmocka_unit_test(messages_of_a_turn_are_one_batch_a_device),
        cmocka_unit_test(a_message_feeds_many_devices_whole_or_not_at_all),
        cmocka_unit_test(a_message_waits_for_all_of_its_devices),
        cmocka_unit_test(a_number_does_not_become_a_text),
        cmocka_unit_test(a_time_that_cannot_be_is_refused),
        cmocka_unit_test(several_values_of_one_point_get_times_of_their_own),
        cmocka_unit_test(what_is_of_no_use_is_taken),
        cmocka_unit_test(a_connection_may_belong_to_a_device),
        cmocka_unit_test(retained_values_are_uncertain),
        cmocka_unit_test(readings_may_be_taken_elsewhere),
        cmocka_unit_test(an_id_is_of_one_device),
        cmocka_unit_test(a_device_that_leaves_loses_nothing),
        cmocka_unit_test(a_paused_device_fails_alone),
        cmocka_unit_test(a_pause_does_not_hide_the_disk),
        cmocka_unit_test(a_log_that_is_full_for_a_moment_is_waited_for),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(too_many_that_wait_are_not_taken),
        cmocka_unit_test(who_waits_at_the_end_is_told),
        cmocka_unit_test(a_message_with_a_key_waits_for_its_key),
        cmocka_unit_test(a_repetition_has_the_times_of_the_first),
        cmocka_unit_test(a_key_that_is_forgotten_may_be_used_again),
        cmocka_unit_test(messages_with_keys_get_times_of_their_own),
        cmocka_unit_test(refused_messages_can_be_looked_at),
        cmocka_unit_test(senders_are_bounded),
        cmocka_unit_test(strangers_are_kept_and_proposed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
