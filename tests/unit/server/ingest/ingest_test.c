/* SPDX-License-Identifier: Apache-2.0 */
/* The whole path over a real socket: answers, compression, what is kept of a bad batch, the ledger, and that what was
 * answered 204 is read back. */
#include "unit/server/gateway.h"

#include <zlib.h>

#include "payload/coding.h"
#include "server/ingest/ingest.h"
#include "server/ingest/remote_read.h"

static struct answer post(struct gateway *gw, const char *target, const char *headers,
                          const void *data, size_t size)
{
    struct buf text;
    bool closed = false;
    int fd = client_connect(gw);
    buf_init(&text, 48 << 20);
    (void)buf_printf(&text,
                     "POST %s HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1:%u\r\n"
                     "Content-Length: %zu\r\n%s\r\n",
                     target, server_port(gw->server, gw->asks), size, headers);
    (void)buf_append(&text, data, size);
    for (size_t sent = 0; sent < text.size;) {
        ssize_t more = send(fd, text.data + sent, text.size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += more > 0 ? (size_t)more : 0;
        loop_turn(gw->loop, false);
    }
    buf_fini(&text);
    char *got = client_read(gw, fd, NULL, ASK_MS_MAX, &closed);
    assert_true(closed);
    (void)close(fd);
    return answer_parse(got);
}

static struct answer post_text(struct gateway *gw, const char *target, const char *headers,
                               const char *text)
{
    return post(gw, target, headers, text, strlen(text));
}

static void expect(struct answer answer, int status)
{
    if (answer.status != status) {
        fail_msg("%d instead of %d: %s", answer.status, status, answer.body);
    }
    answer_fini(&answer);
}

static void open_with_stores(struct gateway *gw)
{
    gateway_open(gw, GATEWAY_STORES);
    gateway_time_series(gw);
}

static void close_with_stores(struct gateway *gw)
{
    gateway_close(gw);
    gateway_remove_folder(gw);
}

/* All that is there, a line a series, in the order of ids. */
static void expect_export(struct gateway *gw, const char *lines)
{
    struct answer answer = ask(gw, "GET", "/api/v1/export?match[]=%7B__name__!=%22%22%7D", NULL,
                               NULL);
    assert_int_equal(answer.status, 200);
    if (strstr(answer.body, lines) == NULL) {
        fail_msg("%s\nhas not\n%s", answer.body, lines);
    }
    answer_fini(&answer);
}

static void every_protocol_is_stored(void **state)
{
    struct gateway gw;
    (void)state;
    open_with_stores(&gw);
    expect(post_text(&gw, "/write?precision=s&db=d", "", "m,a=b f=1.5 1790000000\n"), 204);
    expect(post_text(&gw, "/api/v2/write?precision=ms", "", "m2 f=2i 1790000000000"), 204);
    expect(post_text(&gw, "/api/v1/import/prometheus?extra_label=x=y", "",
                     "p{q=\"r\"} 3 1790000000000\n"),
           204);
    expect(post_text(&gw, "/api/v1/import/prometheus/metrics/job/j%20k/instance/i", "",
                     "pj 4 1790000000000"),
           204);
    expect(post_text(
               &gw, "/api/v1/import", "",
               "{\"metric\":{\"__name__\":\"jl\"},\"values\":[5],\"timestamps\":[1790000000000]}"),
           204);
    const struct label label = label_of(LABEL_METRIC, "rw");
    const int64_t time_us = INT64_C(1790000000000000);
    const double value = 6;
    struct buf plain, packed;
    buf_init(&plain, 4096);
    buf_init(&packed, 4096);
    ingest_read_put_series(&plain, &label, 1, &time_us, &value, 1);
    assert_int_equal(payload_snappy(plain.data, plain.size, &packed), 0);
    expect(post(&gw, "/api/v1/write", "", packed.data, packed.size), 204);
    expect(post(&gw, "/api/v1/write", "Content-Encoding: snappy\r\n", packed.data, packed.size),
           204);
    expect_export(
        &gw, "{\"metric\":{\"__name__\":\"m_f\",\"a\":\"b\",\"db\":\"d\"},\"values\":[1.5],"
             "\"timestamps\":[1790000000000]}\n"
             "{\"metric\":{\"__name__\":\"m2_f\"},\"values\":[2],\"timestamps\":[1790000000000]}\n"
             "{\"metric\":{\"__name__\":\"p\",\"q\":\"r\",\"x\":\"y\"},\"values\":[3],"
             "\"timestamps\":[1790000000000]}\n"
             "{\"metric\":{\"__name__\":\"pj\",\"instance\":\"i\",\"job\":\"j k\"},\"values\":[4],"
             "\"timestamps\":[1790000000000]}\n"
             "{\"metric\":{\"__name__\":\"jl\"},\"values\":[5],\"timestamps\":[1790000000000]}\n"
             "{\"metric\":{\"__name__\":\"rw\"},\"values\":[6],\"timestamps\":[1790000000000]}\n");
    buf_fini(&plain);
    buf_fini(&packed);
    close_with_stores(&gw);
}

static void a_bad_line_is_named_and_the_rest_kept(void **state)
{
    struct gateway gw;
    (void)state;
    open_with_stores(&gw);
    struct answer answer = post_text(&gw, "/write", "",
                                     "m f=1 1790000000\nm f=x\nm f=3 4000000000\n");
    assert_int_equal(answer.status, 400);
    assert_int_equal(number_at(&answer, "kept"), 1);
    assert_int_equal(number_at(&answer, "refused"), 2);
    assert_int_equal(number_at(&answer, "errors.0.line"), 2);
    assert_int_equal(number_at(&answer, "errors.0.column"), 5);
    assert_int_equal(number_at(&answer, "errors.1.line"), 3);
    assert_int_equal(number_at(&answer, "reasons.malformed"), 1);
    assert_non_null(strstr(text_at(&answer, "error"), "line 2, column 5"));
    answer_fini(&answer);
    expect_export(
        &gw, "{\"metric\":{\"__name__\":\"m_f\"},\"values\":[1],\"timestamps\":[1790000000000]}");
    gw.asks = SERVER_PAGE;
    answer = ask(&gw, "GET", "/api/v1/ledger", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "balances"));
    assert_int_equal(number_at(&answer, "totals.received"), 3);
    assert_int_equal(number_at(&answer, "totals.stored"), 1);
    assert_int_equal(number_at(&answer, "ingest.received"), 3);
    assert_int_equal(number_at(&answer, "ingest.refused.0.count"), 1);
    answer_fini(&answer);
    answer = ask(&gw, "GET", "/metrics", NULL, NULL);
    assert_non_null(strstr(answer.body, "busbar_ingest_stored_samples_total 1\n"));
    assert_non_null(strstr(answer.body, "_refused_samples_total{reason=\"malformed\"} 1\n"));
    answer_fini(&answer);
    close_with_stores(&gw);
}

static void gzip(struct buf *out, const void *data, size_t size)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size };
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, size) + 32;
    stream.next_out = buf_reserve(out, room);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    buf_commit(out, stream.total_out);
    (void)deflateEnd(&stream);
}

static void what_cannot_be_taken_is_said(void **state)
{
    struct gateway gw;
    struct buf packed;
    (void)state;
    open_with_stores(&gw);
    expect(post_text(&gw, "/api/v1/write",
                     "Content-Type: application/x-protobuf;proto="
                     "io.prometheus.write.v2.Request\r\n",
                     "x"),
           415);
    expect(post_text(&gw, "/write", "Content-Encoding: br\r\n", "x"), 415);
    expect(post_text(&gw, "/write?precision=fortnight", "", "x"), 400);
    expect(post_text(&gw, "/write", "Content-Encoding: gzip\r\n", "no gzip"), 400);
    expect(post_text(&gw, "/api/v1/write", "", "\xff\xff\xff\xff\x0f"), 400);
    expect(post_text(&gw, "/api/v1/read", "", "no snappy"), 400);
    expect(ask(&gw, "GET", "/api/v1/export", NULL, NULL), 400);
    expect(ask(&gw, "GET", "/federate?match[]=%7B", NULL, NULL), 400);
    expect(ask(&gw, "GET", "/write", NULL, NULL), 405);
    expect(ask(&gw, "GET", "/ping", NULL, NULL), 204);
    expect(ask(&gw, "GET", "/health", NULL, NULL), 200);
    uint8_t *zeros = calloc(1, INGEST_PLAIN_MAX + 1000u);
    buf_init(&packed, 128 << 20); /* zlib's bound */
    gzip(&packed, zeros, INGEST_PLAIN_MAX + 1000u);
    expect(post(&gw, "/write", "Content-Encoding: gzip\r\n", packed.data, packed.size), 400);
    buf_fini(&packed);
    free(zeros);
    close_with_stores(&gw);
}

/* More than a turn of samples, compressed; then all of them again. */
static void a_large_batch_is_stored_once(void **state)
{
    enum { LINES = 100000 };
    struct gateway gw;
    struct buf text, packed;
    (void)state;
    open_with_stores(&gw);
    buf_init(&text, 16 << 20);
    buf_init(&packed, 16 << 20);
    for (int i = 0; i < LINES; i++) {
        (void)buf_printf(&text, "m,n=%d f=%d %d\n", i % 500, i, 1790000000 + i / 500);
    }
    gzip(&packed, text.data, text.size);
    for (int round = 0; round < 2; round++) {
        expect(post(&gw, "/write", "Content-Encoding: gzip\r\n", packed.data, packed.size), 204);
    }
    struct history_status status;
    history_status(gw.history, &status);
    assert_int_equal(status.totals.stored_start, LINES);
    assert_int_equal(status.totals.repeated_start, LINES);
    buf_fini(&text);
    buf_fini(&packed);
    close_with_stores(&gw);
}

static void without_a_history_senders_come_again(void **state)
{
    struct gateway gw;
    (void)state;
    gateway_open(&gw, 0);
    gateway_time_series(&gw);
    struct answer answer = post_text(&gw, "/write", "", "m f=1");
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.head, "Retry-After: "));
    answer_fini(&answer);
    expect(ask(&gw, "GET", "/federate?match[]=up", NULL, NULL), 503);
    gateway_close(&gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_is_stored),
        cmocka_unit_test(a_bad_line_is_named_and_the_rest_kept),
        cmocka_unit_test(what_cannot_be_taken_is_said),
        cmocka_unit_test(a_large_batch_is_stored_once),
        cmocka_unit_test(without_a_history_senders_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
