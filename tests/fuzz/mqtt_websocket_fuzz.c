/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile WebSocket server: its answer to the handshake is the input, or right; then frames are the input, in pieces. What is
 * told is never more than what came; the stream ends once. A head that is read is written again the same. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "net/websocket.h"
#include "scripted_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
    struct scripted_net net;
    char key[WEBSOCKET_KEY_SIZE + 1];
    size_t told, said, ended;
};

static void net_heard(struct scripted_net *base, const uint8_t *data, size_t size)
{
    struct rig *rig = (struct rig *)base;
    static const char name[] = "Sec-WebSocket-Key: ";
    for (size_t i = 0; i + sizeof(name) - 1 + WEBSOCKET_KEY_SIZE < size; i++) {
        if (memcmp(data + i, name, sizeof(name) - 1) == 0) {
            memcpy(rig->key, data + i + sizeof(name) - 1, WEBSOCKET_KEY_SIZE);
        }
    }
}

static void on_data(void *ctx, const uint8_t *data, size_t size)
{
    struct rig *rig = ctx;
    assert(data != NULL && size > 0);
    rig->told += size;
    assert(rig->told <= rig->said);
}

static void on_closed(void *ctx, int error, const char *detail)
{
    (void)error;
    assert(strlen(detail) > 0);
    ((struct rig *)ctx)->ended++;
}

static const struct stream_events events = { .data = on_data, .closed = on_closed };

static void say(struct rig *rig, const void *data, size_t size)
{
    if (rig->net.stream != NULL && rig->net.stream->phase == STREAM_OPEN && size > 0) {
        struct bytes copy = bytes_dup(data, size);
        rig->said += size;
        stream_received(rig->net.stream, copy.start, size);
        bytes_fini(&copy);
    }
}

static void answer(struct rig *rig)
{
    char accept[WEBSOCKET_ACCEPT_SIZE + 1];
    struct buf out;
    websocket_accept(rig->key, accept);
    buf_init(&out, 1024);
    (void)buf_printf(&out,
                     "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    say(rig, out.data, out.size);
    buf_fini(&out);
}

static void head_again(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_dup(data, size);
    struct websocket_head head, again;
    uint8_t bytes[WEBSOCKET_HEAD_MAX];
    if (websocket_get_head(&in, &head) == 0) {
        struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
        websocket_put_head(&out, &head);
        assert(bytes_out_size(&out) == bytes_offset(&in));
        assert(memcmp(bytes, in.start, bytes_out_size(&out)) == 0);
        struct bytes back = bytes_of(bytes, bytes_out_size(&out));
        int error = websocket_get_head(&back, &again);
        assert(error == 0 && again.size == head.size && again.opcode == head.opcode);
    }
    bytes_fini(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    struct rig rig = { .net = { .heard = net_heard } };
    struct loop *loop = loop_new();
    struct stream *stream;
    struct stream_target target = { .kind = STREAM_TCP,
                                    .host = "fuzz",
                                    .port = 80,
                                    .websocket_path = "/",
                                    .websocket_protocol = "mqtt" };
    stream_open_hook(loop, scripted_net_open, &rig.net);
    int error = stream_open(loop, &target, &events, &rig, &stream);
    assert(error == 0);
    stream_opened(rig.net.stream);
    size_t piece = data[1] + 1u;
    if (data[0] % 2 == 0) {
        answer(&rig);
    }
    for (size_t at = 2; at < size; at += piece) {
        say(&rig, data + at, size - at < piece ? size - at : piece);
    }
    head_again(data, size);
    if (rig.ended == 0 && rig.net.stream != NULL) {
        stream_close(stream);
    }
    loop_advance_for_test(loop, CLOCK_US_PER_S);
    assert(rig.ended == 1 && rig.net.stream == NULL);
    stream_open_hook(loop, NULL, NULL);
    loop_free(loop);
    clock_fake_off();
    return 0;
}
