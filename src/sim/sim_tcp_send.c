/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that connect to the gateway's listener. Where it acknowledges, one message at a time is on its way, and is sent
 * again when it was not acknowledged within some seconds, or the connection ended. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/tcp/tcp_text.h"
#include "sim/sim_match.h"
#include "sim/sim_tcp.h"

enum { RETRY_MS = 1000, PATIENCE_MS = 5000 };

/* What a connection knows: it may outlive its device. */
struct sim_tcp_call {
    struct sim_tcp_device *device; /* NULL: removed */
};

struct frame {
    struct list link;
    size_t size;
    uint8_t bytes[];
};

static void drop_first(struct sim_tcp_device *device)
{
    struct frame *frame = list_entry(list_shift(&device->waiting), struct frame, link);
    device->waiting_count--;
    busbar_free(frame);
}

/* ---- sending ---- */

static bool send_bytes(struct sim_tcp_device *device, const void *data, size_t size)
{
    if (device->datagram != NULL) {
        return datagram_send(device->datagram, &device->to, data, size) == 0;
    }
    return device->open && stream_send(device->stream, data, size) == 0;
}

static void send_waiting(struct sim_tcp_device *device)
{
    bool acked = device->config->ack != NULL;
    while (!list_empty(&device->waiting) && !(acked && device->on_way)) {
        const struct frame *frame = list_entry(device->waiting.next, struct frame, link);
        if (!send_bytes(device, frame->bytes, frame->size)) {
            return;
        }
        if (!acked) {
            drop_first(device);
            continue;
        }
        device->on_way = true;
        timer_start(&device->patience, PATIENCE_MS, 0);
    }
}

static void impatient(struct timer *timer, void *ctx)
{
    struct sim_tcp_device *device = ctx;
    (void)timer;
    device->on_way = false;
    device->again++;
    send_waiting(device);
}

void sim_tcp_sender_send(struct sim_tcp_device *device, const struct buf *bytes)
{
    struct frame *frame;
    if (device->waiting_count >= SIM_TCP_WAITING_MAX) {
        return;
    }
    frame = busbar_alloc(sizeof(*frame) + bytes->size);
    frame->size = bytes->size;
    memcpy(frame->bytes, bytes->data, bytes->size);
    list_append(&device->waiting, &frame->link);
    device->waiting_count++;
    send_waiting(device);
}

/* ---- acknowledgements ---- */

static void take_answers(struct sim_tcp_device *device, const uint8_t *data, size_t size)
{
    const struct payload_template_facts facts = { .id = device->talk.speaker.id,
                                                  .device = device->sd->dev->name };
    struct buf ack;
    if (device->config->ack == NULL) {
        return;
    }
    buf_init(&ack, SIM_TCP_TEXT_MAX);
    if (buf_append(&device->in, data, size) != 0) {
        buf_clear(&device->in);
    }
    (void)tcp_text_print(device->config->ack, &facts, NULL, &ack, NULL);
    for (const uint8_t *at;
         ack.size > 0 && device->in.size > 0 &&
         (at = memmem(device->in.data, device->in.size, ack.data, ack.size)) != NULL;) {
        buf_consume(&device->in, (size_t)(at - device->in.data) + ack.size);
        if (device->on_way) {
            device->on_way = false;
            device->acknowledged++;
            timer_stop(&device->patience);
            drop_first(device);
        }
    }
    buf_fini(&ack);
    send_waiting(device);
}

/* ---- connections ---- */

static void stream_open_now(void *ctx)
{
    const struct sim_tcp_call *call = ctx;
    struct sim_tcp_device *device = call->device;
    struct buf first;
    if (device == NULL) {
        return;
    }
    device->open = true;
    if (device->config->first != NULL) { /* says who it is */
        struct buf frame;
        const struct sim_match_value id = { .text = device->talk.speaker.id };
        buf_init(&first, SIM_TCP_TEXT_MAX);
        buf_init(&frame, SIM_TCP_TEXT_MAX);
        if (sim_match_make(device->config->first, &id, 1, &device->state->random, &first) == 0) {
            sim_tcp_frame(&device->config->frame, first.data, first.size, &frame);
            (void)stream_send(device->stream, frame.data, frame.size);
        }
        buf_fini(&frame);
        buf_fini(&first);
    }
    send_waiting(device);
}

/* Commands come on the same connection. */
static void heard(struct sim_tcp_device *device, const uint8_t *data, size_t size)
{
    struct buf answer;
    take_answers(device, data, size);
    buf_init(&answer, SIM_TCP_TEXT_MAX);
    sim_tcp_hear(device, data, size, &answer);
    if (answer.size > 0) {
        sim_tcp_sender_send(device, &answer);
    }
    buf_fini(&answer);
}

static void stream_data(void *ctx, const uint8_t *data, size_t size)
{
    const struct sim_tcp_call *call = ctx;
    if (call->device != NULL) {
        heard(call->device, data, size);
    }
}

static void stream_ended_now(void *ctx, int error, const char *detail)
{
    struct sim_tcp_call *call = ctx;
    struct sim_tcp_device *device = call->device;
    (void)error;
    (void)detail;
    busbar_free(call);
    if (device == NULL) {
        return;
    }
    device->stream = NULL;
    device->call = NULL;
    device->open = false;
    device->again += device->on_way ? 1 : 0;
    device->on_way = false;
    timer_stop(&device->patience);
    timer_start(&device->retry, RETRY_MS, 0);
}

static void connect_now(struct timer *timer, void *ctx)
{
    static const struct stream_events events = { .opened = stream_open_now,
                                                 .data = stream_data,
                                                 .closed = stream_ended_now };
    struct sim_tcp_device *device = ctx;
    const char *host = device->config->address.host;
    (void)timer;
    host = strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1" : strcmp(host, "::") == 0 ? "::1" : host;
    const struct stream_target target = {
        .kind = device->tls != NULL ? STREAM_TLS : STREAM_TCP,
        .host = host,
        .port = device->config->address.port,
        .tls = device->tls,
    };
    buf_clear(&device->in);
    device->call = busbar_alloc(sizeof(*device->call));
    device->call->device = device;
    if (stream_open(device->sd->sim->loop, &target, &events, device->call, &device->stream) != 0) {
        busbar_free(device->call);
        device->call = NULL;
        device->stream = NULL;
        timer_start(&device->retry, RETRY_MS, 0);
    }
}

static void datagram_data(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    (void)from;
    heard(ctx, data, size);
}

int sim_tcp_sender_open(struct sim_tcp_device *device, struct err *err)
{
    struct loop *loop = device->sd->sim->loop;
    const struct tcp_config *config = device->config;
    const struct tls_options tls = { .verify_off = true }; /* the gateway's own certificate */
    timer_init(&device->retry, loop, connect_now, device);
    timer_init(&device->patience, loop, impatient, device);
    if (config->udp) {
        const struct datagram_options options = { .host = "127.0.0.1" };
        bool any = strcmp(config->address.host, "0.0.0.0") == 0;
        int error = endpoint_parse(any ? "127.0.0.1" : config->address.host, config->address.port,
                                   &device->to);
        return error != 0
                   ? err_set(err, error, "'%s' is no numeric address", config->address.host)
                   : datagram_open(loop, &options, datagram_data, device, &device->datagram, err);
    }
    int error = config->tls ? tls_context_new(&tls, &device->tls, err) : 0;
    if (error == 0) {
        timer_start(&device->retry, 0, 0);
    }
    return error;
}

void sim_tcp_sender_cut(struct sim_tcp_device *device)
{
    if (device->stream != NULL) {
        device->open = false;
        stream_close(device->stream);
    }
}

void sim_tcp_sender_close(struct sim_tcp_device *device)
{
    if (device->stream != NULL) {
        device->call->device = NULL;
        stream_close(device->stream);
        device->stream = NULL;
    }
    timer_stop(&device->retry);
    timer_stop(&device->patience);
    datagram_close(device->datagram);
    tls_context_unref(device->tls);
    while (!list_empty(&device->waiting)) {
        drop_first(device);
    }
    buf_fini(&device->in);
}
