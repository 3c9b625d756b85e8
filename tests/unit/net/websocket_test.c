/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket (RFC 6455): frames and the handshake from its examples, and the stream on a fake network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "net/websocket.h"
#include "support/fake_stream.h"

/* ---- frames ---- */

static void frames_there_and_back(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { 0, 1, 125, 126, 127, 65535, 65536, 1u << 20, INT64_MAX };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int masked = 0; masked < 2; masked++) {
            struct websocket_head put = { .final = i % 2 == 0,
                                          .masked = masked == 1,
                                          .opcode = WEBSOCKET_BINARY,
                                          .mask = { 1, 2, 3, 4 },
                                          .size = sizes[i] };
            struct websocket_head got;
            uint8_t bytes[WEBSOCKET_HEAD_MAX];
            struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
            websocket_put_head(&out, &put);
            size_t size = bytes_out_size(&out);
            for (size_t cut = 0; cut < size; cut++) {
                struct bytes in = bytes_dup(bytes, cut);
                assert_int_equal(websocket_get_head(&in, &got), BUSBAR_ESHORT);
                assert_int_equal(bytes_offset(&in), 0);
                bytes_fini(&in);
            }
            struct bytes in = bytes_dup(bytes, size);
            assert_int_equal(websocket_get_head(&in, &got), 0);
            assert_int_equal(bytes_left(&in), 0);
            assert_true(got.size == put.size && got.final == put.final &&
                        got.masked == put.masked && got.opcode == put.opcode);
            assert_int_equal(got.mask[3], masked == 1 ? 4 : 0);
            bytes_fini(&in);
        }
    }
}

static void frames_that_are_not_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        { "\xc2\x00", 2 }, /* reserved bits */
        { "\x83\x00", 2 }, /* reserved opcodes */
        { "\x8b\x00", 2 },
        { "\x09\x00", 2 },         /* a control frame in parts */
        { "\x89\x7e\x00\x7e", 4 }, /* and a long one */
        { "\x82\x7e\x00\x7d", 4 }, /* longer than need be */
        { "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10 },
        { "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 10 }, /* too big */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes in = bytes_dup(rows[i].bytes, rows[i].size);
        struct websocket_head head;
        assert_int_equal(websocket_get_head(&in, &head), BUSBAR_EPROTO);
        bytes_fini(&in);
    }
}

static void masks(void **state)
{
    (void)state;
    /* 5.7: "Hello" masked with 37 fa 21 3d */
    static const uint8_t mask[] = { 0x37, 0xfa, 0x21, 0x3d };
    uint8_t text[] = { 0x7f, 0x9f, 0x4d, 0x51, 0x58 };
    websocket_mask(text, 2, mask, 0);
    websocket_mask(text + 2, 3, mask, 2);
    assert_memory_equal(text, "Hello", 5);
}

/* ---- the handshake ---- */

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static void accept_of_the_example(void **state)
{
    (void)state;
    char accept[WEBSOCKET_ACCEPT_SIZE + 1];
    websocket_accept(KEY, accept); /* 1.3 */
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static int check(const char *answer, struct err *err)
{
    return websocket_check_answer(answer, strlen(answer), KEY, "mqtt", err);
}

#define GOOD                                                                            \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void answers(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_int_equal(check(GOOD "Sec-WebSocket-Protocol: mqtt\r\n\r\n", &err), 0);
    assert_int_equal(check(GOOD "\r\n", &err), 0);
    assert_int_equal(
        check("HTTP/1.1 101 x\r\nupgrade:  WebSocket \r\nCONNECTION: keep-alive, upgrade\r\n"
              "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
              &err),
        0);
    assert_int_equal(check(GOOD "Sec-WebSocket-Protocol: amqp\r\n\r\n", &err), BUSBAR_EPROTO);
    assert_non_null(strstr(err.message, "'mqtt'"));
    assert_int_equal(check(GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", &err),
                     BUSBAR_EPROTO);
    assert_int_equal(check("HTTP/1.1 404 Not Found\r\n\r\n", &err), BUSBAR_EPROTO);
    assert_non_null(strstr(err.message, "404 Not Found"));
    assert_int_equal(check("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n\r\n",
                           &err),
                     BUSBAR_EPROTO);
    assert_int_equal(check("HTTP/1.1 101 x\r\n\r\n", &err), BUSBAR_EPROTO);
    assert_int_equal(check("", &err), BUSBAR_EPROTO);
}

/* ---- the stream ---- */

struct fixture {
    struct loop *loop;
    struct fake_net *net;
    struct fake_peer *peer;
    struct stream *stream;
    unsigned opened, closed, drained;
    int error;
    char detail[STREAM_DETAIL_MAX];
    uint8_t got[4096];
    size_t size;
    char key[WEBSOCKET_KEY_SIZE + 1];
};

static void on_opened(void *ctx)
{
    ((struct fixture *)ctx)->opened++;
}

static void on_data(void *ctx, const uint8_t *data, size_t size)
{
    struct fixture *f = ctx;
    assert_true(f->size + size <= sizeof(f->got));
    memcpy(f->got + f->size, data, size);
    f->size += size;
}

static void on_closed(void *ctx, int error, const char *detail)
{
    struct fixture *f = ctx;
    f->closed++;
    f->error = error;
    f->stream = NULL;
    (void)str_copy(f->detail, sizeof(f->detail), detail);
}

static void on_drained(void *ctx)
{
    ((struct fixture *)ctx)->drained++;
}

static const struct stream_events events = {
    .opened = on_opened, .data = on_data, .drained = on_drained, .closed = on_closed
};

static struct fixture fixture;

static int begin(void **state)
{
    (void)state;
    struct fixture *f = &fixture;
    *f = (struct fixture){ 0 };
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    f->loop = loop_new();
    f->net = fake_net_new(f->loop);
    struct stream_target target = { .kind = STREAM_TCP,
                                    .host = "10.0.0.1",
                                    .port = 8080,
                                    .websocket_path = "/mqtt",
                                    .websocket_protocol = "mqtt" };
    assert_int_equal(stream_open(f->loop, &target, &events, f, &f->stream), 0);
    f->peer = fake_net_last(f->net);
    assert_null(fake_peer_target(f->peer)->websocket_path);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    struct fixture *f = &fixture;
    if (f->stream != NULL) {
        stream_close(f->stream);
    }
    loop_advance_for_test(f->loop, 0);
    assert_int_equal(f->closed, 1);
    fake_net_free(f->net);
    loop_free(f->loop);
    clock_fake_off();
    return 0;
}

static void pass(int64_t ms)
{
    loop_advance_for_test(fixture.loop, ms * CLOCK_US_PER_MS);
}

/* Takes the question and keeps its key. */
static void take_request(void)
{
    size_t size;
    char text[1024];
    fake_peer_accept(fixture.peer);
    const uint8_t *sent = fake_peer_sent(fixture.peer, &size);
    assert_true(size < sizeof(text));
    memcpy(text, sent, size);
    text[size] = '\0';
    fake_peer_drop(fixture.peer, size);
    assert_true(str_starts(text, "GET /mqtt HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n"));
    assert_non_null(strstr(text, "\r\nSec-WebSocket-Protocol: mqtt\r\n"));
    assert_true(str_ends(text, "\r\n\r\n"));
    const char *key = strstr(text, "Sec-WebSocket-Key: ") + 19;
    memcpy(fixture.key, key, WEBSOCKET_KEY_SIZE);
}

static void open_it(const char *behind, size_t behind_size)
{
    char accept[WEBSOCKET_ACCEPT_SIZE + 1];
    char answer[1024];
    take_request();
    websocket_accept(fixture.key, accept);
    size_t size = str_format(answer, sizeof(answer),
                             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                             accept);
    memcpy(answer + size, behind, behind_size);
    assert_int_equal(fixture.opened, 0);
    fake_peer_send(fixture.peer, answer, size + behind_size);
}

static void say(const char *bytes, size_t size)
{
    fake_peer_send(fixture.peer, bytes, size);
}

/* What we sent: one masked frame. Its payload, unmasked. */
static size_t heard(uint8_t opcode, uint8_t *to)
{
    size_t size;
    struct websocket_head head;
    const uint8_t *sent = fake_peer_sent(fixture.peer, &size);
    struct bytes in = bytes_of(sent, size);
    assert_int_equal(websocket_get_head(&in, &head), 0);
    assert_true(head.masked && head.final);
    assert_int_equal(head.opcode, opcode);
    size_t payload = (size_t)head.size;
    bytes_get_copy(&in, to, payload);
    assert_false(bytes_short(&in));
    websocket_mask(to, payload, head.mask, 0);
    fake_peer_drop(fixture.peer, bytes_offset(&in));
    return payload;
}

static void bytes_both_ways(void **state)
{
    (void)state;
    uint8_t got[256];
    open_it("\x82\x03"
            "abc",
            5); /* the first frame comes with the answer */
    assert_int_equal(fixture.opened, 1);
    assert_memory_equal(fixture.got, "abc", 3);
    assert_int_equal(stream_send(fixture.stream, "hello", 5), 0);
    assert_int_equal(stream_send(fixture.stream, "x", 1), 0);
    assert_int_equal(heard(WEBSOCKET_BINARY, got), 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(heard(WEBSOCKET_BINARY, got), 1);
}

static void messages_in_parts_and_pings_between(void **state)
{
    (void)state;
    uint8_t got[256];
    static const char all[] = "\x02\x02"
                              "ab"
                              "\x89\x02"
                              "hi"
                              "\x00\x00"
                              "\x00\x01"
                              "c"
                              "\x8a\x00"
                              "\x80\x02"
                              "de"
                              "\x82\x01"
                              "f";
    open_it("", 0);
    for (size_t i = 0; i < sizeof(all) - 1; i++) {
        say(all + i, 1);
    }
    assert_int_equal(fixture.size, 6);
    assert_memory_equal(fixture.got, "abcdef", 6);
    assert_int_equal(heard(WEBSOCKET_PONG, got), 2);
    assert_memory_equal(got, "hi", 2);
}

static void closed_by_the_server(void **state)
{
    (void)state;
    uint8_t got[256];
    open_it("", 0);
    say("\x88\x07\x03\xe9"
        "bye..",
        9);
    pass(0);
    assert_int_equal(fixture.error, BUSBAR_ECLOSED);
    assert_non_null(strstr(fixture.detail, "WebSocket 1001: bye"));
    assert_int_equal(heard(WEBSOCKET_CLOSE, got), 2);
    assert_int_equal(got[1], 0xe9);
}

static void closed_by_us(void **state)
{
    (void)state;
    uint8_t got[256];
    open_it("", 0);
    stream_close(fixture.stream);
    assert_int_equal(heard(WEBSOCKET_CLOSE, got), 2);
    assert_int_equal(fixture.closed, 0);
    pass(0);
    assert_int_equal(fixture.closed, 1);
    assert_int_equal(fixture.error, 0);
}

static void breaks(const char *bytes, size_t size, const char *words)
{
    open_it("", 0);
    say(bytes, size);
    pass(0);
    assert_int_equal(fixture.error, BUSBAR_EPROTO);
    if (strstr(fixture.detail, words) == NULL) {
        fail_msg("%s", fixture.detail);
    }
}

static void a_masked_frame(void **state)
{
    (void)state;
    breaks("\x82\x81\x01\x02\x03\x04x", 7, "does not mask");
}

static void a_text_message(void **state)
{
    (void)state;
    breaks("\x81\x01x", 3, "text");
}

static void a_part_of_nothing(void **state)
{
    (void)state;
    breaks("\x80\x01x", 3, "mixed up");
}

static void a_message_in_a_message(void **state)
{
    (void)state;
    breaks("\x02\x01x\x82\x01y", 6, "mixed up");
}

static void a_frame_of_no_kind(void **state)
{
    (void)state;
    breaks("\x83\x00", 2, "not allowed");
}

static void refused(const char *answer, const char *words)
{
    take_request();
    say(answer, strlen(answer));
    pass(0);
    assert_int_equal(fixture.opened, 0);
    assert_int_equal(fixture.error, BUSBAR_EPROTO);
    if (strstr(fixture.detail, words) == NULL) {
        fail_msg("%s", fixture.detail);
    }
}

static void no_such_path(void **state)
{
    (void)state;
    refused("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "look at the path '/mqtt'");
}

static void no_http(void **state)
{
    (void)state;
    refused("SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP");
}

static void an_endless_answer(void **state)
{
    (void)state;
    static char answer[WEBSOCKET_ANSWER_MAX + 100];
    memset(answer, 'x', sizeof(answer) - 1);
    memcpy(answer, "HTTP/1.1 101 ", 13);
    refused(answer, "has no end");
}

static void no_answer(void **state)
{
    (void)state;
    take_request();
    pass(5100);
    assert_int_equal(fixture.error, BUSBAR_ETIMEOUT);
}

static void paused(void **state)
{
    (void)state;
    open_it("", 0);
    stream_pause(fixture.stream, true);
    assert_true(fake_peer_paused(fixture.peer));
    stream_pause(fixture.stream, false);
    assert_false(fake_peer_paused(fixture.peer));
}

static void full_and_drained(void **state)
{
    (void)state;
    uint8_t got[256];
    open_it("", 0);
    fake_peer_send_error(fixture.peer, BUSBAR_ELIMIT);
    assert_int_equal(stream_send(fixture.stream, "x", 1), BUSBAR_ELIMIT);
    fake_peer_send_error(fixture.peer, 0);
    fake_peer_drain(fixture.peer);
    assert_int_equal(fixture.drained, 1);
    assert_int_equal(stream_pending(fixture.stream), 0);
    assert_int_equal(stream_send(fixture.stream, "x", 1), 0);
    assert_int_equal(heard(WEBSOCKET_BINARY, got), 1);
}

static void broken_below(void **state)
{
    (void)state;
    open_it("", 0);
    fake_peer_fail(fixture.peer, BUSBAR_ERESET, "reset by the peer");
    pass(0);
    assert_int_equal(fixture.error, BUSBAR_ERESET);
    assert_string_equal(fixture.detail, "reset by the peer");
}

static void paths_that_are_none(void **state)
{
    (void)state;
    static const char *const paths[] = { "mqtt", "/a b", "/a\r\nHost: x" };
    struct stream *stream;
    for (size_t i = 0; i < 3; i++) {
        struct stream_target target = {
            .kind = STREAM_TCP, .host = "10.0.0.1", .port = 80, .websocket_path = paths[i]
        };
        assert_int_equal(stream_open(fixture.loop, &target, &events, &fixture, &stream),
                         BUSBAR_EINVAL);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_there_and_back),
        cmocka_unit_test(frames_that_are_not_allowed),
        cmocka_unit_test(masks),
        cmocka_unit_test(accept_of_the_example),
        cmocka_unit_test(answers),
        T(bytes_both_ways),
        T(messages_in_parts_and_pings_between),
        T(closed_by_the_server),
        T(closed_by_us),
        T(a_masked_frame),
        T(a_text_message),
        T(a_part_of_nothing),
        T(a_message_in_a_message),
        T(a_frame_of_no_kind),
        T(no_such_path),
        T(no_http),
        T(an_endless_answer),
        T(no_answer),
        T(paused),
        T(full_and_drained),
        T(broken_below),
        T(paths_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
