/* SPDX-License-Identifier: Apache-2.0 */
/* Events over REST: the list and its filters, one event, acknowledging it, the live stream. */
#include "unit/server/gateway.h"

static int open_gateway(void **state)
{
    struct gateway *gw = calloc(1, sizeof(*gw));
    gateway_open(gw, GATEWAY_STORES);
    *state = gw;
    return 0;
}

static int close_gateway(void **state)
{
    struct gateway *gw = *state;
    gateway_close(gw);
    gateway_remove_folder(gw);
    free(gw);
    return 0;
}

static struct event event_of(const char *source, const char *kind, const char *key)
{
    int64_t now_us = clock_wall_us();
    return (struct event){ .time_us = now_us - 1000000,
                           .receive_us = now_us,
                           .source = source,
                           .kind = kind,
                           .text = "Supply air \"too warm\"",
                           .severity = EVENT_HIGH,
                           .ack_wanted = key[0] != '\0',
                           .key = key };
}

/* Into the journal, as the app's job does it. */
static uint64_t put(struct gateway *gw, const struct event *event)
{
    struct buf bytes;
    uint64_t id = 0;
    buf_init(&bytes, EVENT_BYTES_MAX);
    assert_int_equal(event_encode(event, &bytes), 0);
    struct bytes in = bytes_of(bytes.data, bytes.size);
    assert_int_equal(state_events_add(gw->state, &in, 1, 1, 0, &id), 0);
    buf_fini(&bytes);
    struct state_event row = { .id = id, .event = event, .latest = event->key[0] != '\0' };
    row.open = event->ack_wanted;
    row.acked_by = row.note = row.result = "";
    server_tell_event(gw->server, &row);
    return id;
}

static void events_are_listed(void **state)
{
    struct gateway *gw = *state;
    struct text *word = text_new("high-limit", 10);
    struct event_argument arguments[2] = { { .name = "to-state", .type = VALUE_TEXT },
                                           { .name = "value", .type = VALUE_DOUBLE } };
    arguments[0].value.text = word;
    arguments[1].value.d = 31.5;
    struct event event = event_of("meter-1/p0", "alarm", "ai:0");
    event.arguments = arguments;
    event.argument_count = 2;
    uint64_t first = put(gw, &event);
    struct event other = event_of("meter-2", "notification", "");
    other.severity = EVENT_INFO;
    put(gw, &other);
    struct answer answer = ask(gw, "GET", "/api/v1/events", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_size(at(&answer, "events")), 2);
    assert_string_equal(text_at(&answer, "events.0.source"), "meter-2");
    assert_string_equal(text_at(&answer, "events.0.ack"), "");
    assert_int_equal(number_at(&answer, "events.1.id"), first);
    assert_string_equal(text_at(&answer, "events.1.text"), "Supply air \"too warm\"");
    assert_string_equal(text_at(&answer, "events.1.severity"), "high");
    assert_string_equal(text_at(&answer, "events.1.ack"), "unacked");
    assert_true(true_at(&answer, "events.1.latest"));
    assert_int_equal(json_type(at(&answer, "events.1.acknowledged")), JSON_NULL);
    assert_string_equal(text_at(&answer, "events.1.arguments.0.name"), "to-state");
    assert_string_equal(text_at(&answer, "events.1.arguments.0.value"), "high-limit");
    answer_fini(&answer);
    static const struct {
        const char *query;
        size_t count;
    } asks[] = {
        { "source=meter-1/*", 1 }, { "kind=notification", 1 }, { "severity=low", 1 },
        { "severity=info", 2 },    { "unacked=1", 1 },         { "text=TOO%20WARM", 2 },
        { "text=meter-2", 1 },     { "from=-1h&to=now", 2 },   { "to=-1h", 0 },
        { "limit=1", 1 },          { "before=2", 1 },          { "kind=nothing", 0 },
    };
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        char target[128];
        str_format(target, sizeof(target), "/api/v1/events?%s", asks[i].query);
        answer = ask(gw, "GET", target, NULL, NULL);
        assert_int_equal(answer.status, 200);
        assert_int_equal(json_size(at(&answer, "events")), asks[i].count);
        answer_fini(&answer);
    }
    answer = ask(gw, "GET", "/api/v1/events/1", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "key"), "ai:0");
    answer_fini(&answer);
    busbar_free(word);
}

static void wrong_questions_are_said(void **state)
{
    struct gateway *gw = *state;
    static const struct {
        const char *target;
        int status;
    } asks[] = {
        { "/api/v1/events?severity=loud", 400 },
        { "/api/v1/events?limit=0", 400 },
        { "/api/v1/events?from=yesterday", 400 },
        { "/api/v1/events/x", 400 },
        { "/api/v1/events/0", 400 },
        { "/api/v1/events/17", 404 },
    };
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        struct answer answer = ask(gw, "GET", asks[i].target, NULL, NULL);
        assert_int_equal(answer.status, asks[i].status);
        assert_true(strlen(text_at(&answer, "error.message")) > 10);
        answer_fini(&answer);
    }
}

static struct answer acknowledge(struct gateway *gw, uint64_t id, const char *body)
{
    char target[64];
    str_format(target, sizeof(target), "/api/v1/events/%llu/acknowledge", (unsigned long long)id);
    return ask(gw, "POST", target, NULL, body);
}

static void assert_refused(struct gateway *gw, uint64_t id, int status, const char *words)
{
    struct answer answer = acknowledge(gw, id, "{}");
    assert_int_equal(answer.status, status);
    assert_non_null(strstr(text_at(&answer, "error.message"), words));
    answer_fini(&answer);
}

static void the_device_acknowledges(void **state)
{
    struct gateway *gw = *state;
    struct device *dev = gateway_add(gw, "meter-1", 1);
    struct toy *toy = dev->driver;
    struct event event = event_of("meter-1/p0", "alarm", "ai:0");
    uint64_t id = put(gw, &event);
    toy->mode = TOY_REFUSE;
    struct answer answer = acknowledge(gw, id, "{\"note\":\"on my way\"}");
    assert_int_equal(answer.status, server_status(BUSBAR_EREFUSED));
    answer_fini(&answer);
    answer = ask(gw, "GET", "/api/v1/events/1", NULL, NULL); /* it stays open, and says why */
    assert_string_equal(text_at(&answer, "ack"), "unacked");
    assert_string_equal(text_at(&answer, "acknowledged.note"), "on my way");
    assert_true(strlen(text_at(&answer, "acknowledged.result")) > 3);
    answer_fini(&answer);
    toy->mode = TOY_ANSWER;
    answer = acknowledge(gw, id, "{\"note\":\"filter changed\"}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "ack"), "acked");
    assert_string_equal(text_at(&answer, "acknowledged.note"), "filter changed");
    assert_true(strlen(text_at(&answer, "message")) > 3);
    answer_fini(&answer);
    assert_int_equal(toy->acknowledged, 2);
    assert_refused(gw, id, 409, "acknowledged already");
    answer = ask(gw, "GET", "/api/v1/journal?what=acknowledge", NULL, NULL);
    assert_int_equal(json_size(at(&answer, "entries")), 2);
    assert_string_equal(text_at(&answer, "entries.0.path"), "meter-1/p0");
    assert_string_equal(text_at(&answer, "entries.0.new"), "filter changed");
    answer_fini(&answer);
}

static void what_cannot_be_acknowledged_says_why(void **state)
{
    struct gateway *gw = *state;
    gateway_add(gw, "meter-1", 1);
    struct event event = event_of("meter-1/p0", "alarm", "ai:0");
    uint64_t first = put(gw, &event);
    uint64_t second = put(gw, &event);
    assert_refused(gw, first, 409, "newer event");
    event = event_of("meter-1", "notification", "");
    assert_refused(gw, put(gw, &event), 409, "wants no acknowledgement");
    event = event_of("gone/p0", "alarm", "ai:0");
    assert_refused(gw, put(gw, &event), 404, "no device 'gone'");
    assert_refused(gw, 999, 404, "no event 999");
    struct answer answer = acknowledge(gw, second, "{\"note\":7}");
    assert_int_equal(answer.status, 400);
    answer_fini(&answer);
    event = event_of("meter-1", "notification", ""); /* nothing that a device waits for */
    event.ack_wanted = true;
    answer = acknowledge(gw, put(gw, &event), "{}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "ack"), "acked");
    answer_fini(&answer);
}

static void the_stream_tells_them(void **state)
{
    struct gateway *gw = *state;
    bool closed = false;
    char text[128];
    int fd = client_connect(gw);
    str_format(text, sizeof(text), "GET /api/v1/live?events=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_send(fd, text);
    free(client_read(gw, fd, "retry:", ASK_MS_MAX, &closed));
    struct event event = event_of("meter-1/p0", "alarm", "ai:0");
    put(gw, &event);
    char *got = client_read(gw, fd, "\"ai:0\"", ASK_MS_MAX, &closed);
    assert_non_null(strstr(got, "event: events\ndata: [{\"id\":1,"));
    free(got);
    for (int i = 0; i < 1500; i++) { /* more than are kept for a reader */
        put(gw, &event);
    }
    got = client_read(gw, fd, "event: missed\ndata: {\"events\":", ASK_MS_MAX, &closed);
    assert_false(closed);
    free(got);
    got = client_read(gw, fd, "\"id\":1501,", ASK_MS_MAX, &closed);
    assert_non_null(strstr(got, "\"id\":1501,"));
    free(got);
    (void)close(fd);
    gateway_turn(gw, 20);
}

static void counts_are_shown(void **state)
{
    struct gateway *gw = *state;
    gw->facts.events_open = 3;
    gw->facts.events_kept = 17;
    bus_store_events(gw->bus, history_append_event, gw->history);
    struct event event = event_of("meter-1/p0", "alarm", "ai:0");
    assert_int_equal(bus_publish_event(gw->bus, &event, NULL, NULL), 0);
    event.source = "";
    assert_int_equal(bus_publish_event(gw->bus, &event, NULL, NULL), BUSBAR_EINVAL);
    history_commit_now(gw->history);
    int64_t end = clock_mono_us() + ASK_MS_MAX * CLOCK_US_PER_MS;
    while (history_events_committed(gw->history) == 0) {
        assert_true(clock_mono_us() < end);
        gateway_turn(gw, 1);
    }
    struct answer answer = ask(gw, "GET", "/api/v1/status", NULL, NULL);
    assert_int_equal(number_at(&answer, "events.received"), 2);
    assert_int_equal(number_at(&answer, "events.stored"), 1);
    assert_int_equal(number_at(&answer, "events.refused"), 1);
    assert_int_equal(number_at(&answer, "events.waiting"), 0);
    assert_int_equal(number_at(&answer, "events.kept"), 17);
    assert_int_equal(number_at(&answer, "events.unacked"), 3);
    answer_fini(&answer);
    answer = ask(gw, "GET", "/metrics", NULL, NULL);
    assert_non_null(strstr(answer.body, "\nbusbar_events_received_total 2\n"));
    assert_non_null(strstr(answer.body, "\nbusbar_events_stored_total 1\n"));
    assert_non_null(strstr(answer.body, "\nbusbar_events_unacknowledged 3\n"));
    answer_fini(&answer);
}

int main(void)
{
#define WITH_GATEWAY(test) cmocka_unit_test_setup_teardown(test, open_gateway, close_gateway)
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(events_are_listed),       WITH_GATEWAY(wrong_questions_are_said),
        WITH_GATEWAY(the_device_acknowledges), WITH_GATEWAY(what_cannot_be_acknowledged_says_why),
        WITH_GATEWAY(the_stream_tells_them),   WITH_GATEWAY(counts_are_shown),
    };
#undef WITH_GATEWAY
    return cmocka_run_group_tests(tests, NULL, NULL);
}
