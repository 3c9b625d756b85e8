/* SPDX-License-Identifier: Apache-2.0 */
/* A listener of UDP: each datagram is one message, or several of a frame that is whole in it. What is answered goes back to
 * where the datagram came from, when it is on disk, in the order of coming. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/tcp/tcp_acks.h"
#include "drivers/tcp/tcp_server.h"

enum { RECEIVE_BYTES = 4 << 20, TIDY_BYTES = 64 * 1024, SENDERS_BYTES_MAX = 8 << 20 };

/* Lives until the feed has told all. */
struct tcp_owed {
    struct tcp_server *server; /* NULL: gone */
    struct tcp_acks acks;
    struct buf senders; /* struct endpoint of each that waits */
    size_t first;
    size_t waiting;
};

/* One datagram while it is taken. */
struct arrival {
    struct tcp_server *server;
    const struct endpoint *from;
    struct tcp_sender sender;
    int64_t receive_us;
};

static void free_unused(struct tcp_owed *owed)
{
    if (owed->server == NULL && owed->waiting == 0) {
        tcp_acks_fini(&owed->acks);
        buf_fini(&owed->senders);
        busbar_free(owed);
    }
}

static bool send_ack(void *ctx, bool refused, const void *text, size_t size)
{
    struct tcp_owed *owed = ctx;
    struct endpoint to;
    (void)refused;
    memcpy(&to, owed->senders.data + owed->first, sizeof(to));
    owed->first += sizeof(to);
    if (owed->server->datagram != NULL) {
        (void)datagram_send(owed->server->datagram, &to,
                            text != NULL ? text : owed->server->ack.data,
                            text != NULL ? size : owed->server->ack.size);
    }
    return true;
}

static bool drop_first(void *ctx, bool refused, const void *text, size_t size)
{
    struct tcp_owed *owed = ctx;
    (void)refused;
    (void)text;
    (void)size;
    owed->first += sizeof(struct endpoint);
    return true;
}

static void on_stored(void *ctx, int error)
{
    struct tcp_owed *owed = ctx;
    owed->waiting--;
    if (owed->server != NULL) {
        tcp_acks_stored(&owed->acks);
        (void)tcp_acks_tell(&owed->acks, error == 0 ? send_ack : drop_first, owed);
    }
    if (owed->first == owed->senders.size) {
        buf_clear(&owed->senders);
        owed->first = 0;
    } else if (owed->first > TIDY_BYTES) {
        buf_consume(&owed->senders, owed->first);
        owed->first = 0;
    }
    free_unused(owed);
}

static void await(const struct arrival *arrival, const struct device *dev)
{
    struct tcp_owed *owed = arrival->server->owed;
    struct buf text;
    owed->waiting++;
    buf_init(&text, TCP_TEXT_MAX);
    if (arrival->server->ack.size == 0) {
        (void)tcp_server_print_ack(arrival->server, dev, arrival->receive_us, &text);
    }
    /* as many wait as the feed takes, so there is room for them */
    (void)tcp_acks_wait(&owed->acks, text.data, text.size);
    (void)buf_append(&owed->senders, arrival->from, sizeof(*arrival->from));
    buf_fini(&text);
}

static void refuse(const struct arrival *arrival)
{
    const struct buf *nack = &arrival->server->nack;
    if (nack->size > 0 && arrival->server->datagram != NULL) {
        (void)datagram_send(arrival->server->datagram, arrival->from, nack->data, nack->size);
    }
}

static bool on_message(void *ctx, const uint8_t *data, size_t size)
{
    struct arrival *arrival = ctx;
    struct tcp_server *server = arrival->server;
    struct feed_verdict *verdict = &server->state->verdict;
    bool acked = server->config->ack != NULL;
    int error = tcp_server_take(server, &arrival->sender, data, size, arrival->receive_us,
                                acked ? on_stored : NULL, server->owed, verdict);
    if (error == 0 && acked) {
        await(arrival, verdict->dev);
    } else if (error != 0) {
        refuse(arrival);
    }
    if (error == BUSBAR_EBUSY) {
        tcp_server_refuse(server, arrival->sender.source, data, size,
                          "too many messages wait for the disk: it has to send it again");
    }
    if (error == 0 && verdict->dev != NULL) {
        struct tcp_device *device = tcp_device_of(verdict->dev);
        device->from = *arrival->from;
        device->heard_us = arrival->receive_us;
    }
    return true;
}

static bool on_bad(void *ctx, const uint8_t *data, size_t size, const char *why, bool lost)
{
    struct arrival *arrival = ctx;
    (void)lost;
    tcp_server_refuse(arrival->server, arrival->sender.source, data, size, why);
    refuse(arrival);
    return true;
}

static const struct tcp_frame_events frame_events = { .message = on_message, .bad = on_bad };

static void on_datagram(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct tcp_server *server = ctx;
    char source[64];
    struct tcp_frame frame;
    struct arrival arrival = { .server = server, .from = from, .receive_us = clock_wall_us() };
    (void)endpoint_format_host(source, sizeof(source), from);
    arrival.sender.source = source;
    tcp_sender_field(&arrival.sender, "source", "", source);
    if (server->allow != NULL && !allow_takes(server->allow, from)) {
        server->dropped++;
        tcp_server_refuse(server, source, data, size, "its address is not allowed");
        return;
    }
    tcp_frame_init(&frame, &server->config->frame);
    (void)tcp_frame_feed(&frame, data, size, &frame_events, &arrival, NULL);
    tcp_frame_rest(&frame, &frame_events, &arrival);
    tcp_frame_fini(&frame);
}

int tcp_datagrams_open(struct tcp_server *server, struct err *err)
{
    const struct datagram_options options = { .host = server->config->address.host,
                                              .port = server->config->address.port,
                                              .receive_bytes = RECEIVE_BYTES,
                                              .many = true };
    int error = datagram_open(server->state->loop, &options, on_datagram, server, &server->datagram,
                              err);
    if (error == 0 && server->owed == NULL) {
        server->owed = busbar_alloc(sizeof(*server->owed));
        server->owed->server = server;
        tcp_acks_init(&server->owed->acks);
        buf_init(&server->owed->senders, SENDERS_BYTES_MAX);
    }
    return error;
}

void tcp_datagrams_close(struct tcp_server *server)
{
    datagram_close(server->datagram);
    server->datagram = NULL;
    if (server->owed != NULL) {
        server->owed->server = NULL;
        free_unused(server->owed);
        server->owed = NULL;
    }
}
