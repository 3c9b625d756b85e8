/* SPDX-License-Identifier: Apache-2.0 */
/* Life: accepted -> opened (of TLS: the handshake is done) -> messages -> closed. What the feed still has of it is told to
 * it after its end, so it is freed only when nothing waits.
 *
 * One timer does for first byte, message, silence and keep-alive: it is moved only when a message begins, and else looks
 * when it runs what is due. */
#include "drivers/tcp/tcp_connection.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

enum { FIRST_MAX = 256 };
#define DEAF_MAX_US (INT64_C(10) * CLOCK_US_PER_S)

/* ---- the end ---- */

static void free_unused(struct tcp_connection *self)
{
    if (self->stream != NULL || self->waiting > 0) {
        return;
    }
    tcp_inlet_fini(&self->inlet);
    tcp_acks_fini(&self->acks);
    busbar_free(self->certificate);
    busbar_free(self->first);
    busbar_free(self);
}

/* No server any more, and no device. */
static void part(struct tcp_connection *self)
{
    struct list *at;
    timer_stop(&self->timer);
    tcp_inlet_stop(&self->inlet);
    list_remove(&self->link);
    while ((at = list_shift(&self->devices)) != NULL) {
        list_entry(at, struct tcp_device, on_link)->connection = NULL;
    }
    self->server = NULL;
}

static void end(struct tcp_connection *self)
{
    self->ending = true;
    stream_close(self->stream);
}

/* For a reason that people want to know. */
static void drop(struct tcp_connection *self, const uint8_t *data, size_t size, const char *why)
{
    if (!self->ending) {
        self->server->dropped++;
        tcp_server_refuse(self->server, self->source, data, size, why);
        end(self);
    }
}

static void on_closed(void *ctx, int error, const char *detail)
{
    struct tcp_connection *self = ctx;
    if (self->server != NULL && error == BUSBAR_ETLS) {
        self->server->dropped++;
        tcp_server_refuse(self->server, self->source, NULL, 0, detail);
    }
    self->stream = NULL;
    part(self);
    free_unused(self);
}

void tcp_connection_end_all(struct tcp_server *server)
{
    while (!list_empty(&server->connections)) {
        struct tcp_connection *self = list_entry(server->connections.next, struct tcp_connection,
                                                 link);
        part(self);
        end(self);
    }
}

/* ---- time ---- */

static void sooner(int64_t *due, int64_t from, int64_t after)
{
    if (after > 0 && from + after < *due) {
        *due = from + after;
    }
}

static void set_timer(struct tcp_connection *self)
{
    const struct tcp_config *config = self->server->config;
    int64_t due = INT64_MAX;
    if (self->heard_us == 0) {
        sooner(&due, self->opened_us, config->first_byte_us);
    }
    if (self->begun_us != 0) {
        sooner(&due, self->begun_us, config->frame_time_us);
    }
    if (self->deaf_us != 0) {
        sooner(&due, self->deaf_us, DEAF_MAX_US);
    }
    sooner(&due, self->heard_us != 0 ? self->heard_us : self->opened_us, config->idle_us);
    sooner(&due, self->sent_us, config->keep_alive_text != NULL ? config->keep_alive_us : 0);
    if (due != INT64_MAX) {
        timer_start_at_us(&self->timer, due, 0);
    }
}

static bool is_over(int64_t now_us, int64_t from, int64_t after)
{
    return after > 0 && now_us - from >= after;
}

static void keep_alive(struct tcp_connection *self)
{
    const struct payload_template_facts facts = { .time_us = clock_wall_us() };
    struct buf text;
    buf_init(&text, TCP_TEXT_MAX);
    if (tcp_text_print(self->server->config->keep_alive_text, &facts, NULL, &text, NULL) == 0) {
        (void)tcp_connection_send(self, text.data, text.size);
    }
    buf_fini(&text);
}

static void on_timer(struct timer *timer, void *ctx)
{
    struct tcp_connection *self = ctx;
    const struct tcp_config *config = self->server->config;
    int64_t now_us = loop_now_us(self->server->state->loop);
    (void)timer;
    if (self->ending) {
        return;
    }
    if (self->heard_us == 0 && is_over(now_us, self->opened_us, config->first_byte_us)) {
        drop(self, NULL, 0, "it connected and sent nothing ('first_byte')");
    } else if (self->begun_us != 0 && is_over(now_us, self->begun_us, config->frame_time_us)) {
        drop(self, self->inlet.frame.part.data, self->inlet.frame.part.size,
             "its message took too long to come ('frame_time')");
    } else if (self->deaf_us != 0 && is_over(now_us, self->deaf_us, DEAF_MAX_US)) {
        drop(self, NULL, 0, "it does not read what is sent to it");
    } else if (is_over(now_us, self->heard_us != 0 ? self->heard_us : self->opened_us,
                       config->idle_us)) {
        end(self);
    } else {
        if (config->keep_alive_text != NULL &&
            is_over(now_us, self->sent_us, config->keep_alive_us)) {
            keep_alive(self);
        }
        set_timer(self);
    }
}

/* ---- answers ---- */

int tcp_connection_send(struct tcp_connection *self, const void *data, size_t size)
{
    if (self->stream == NULL || self->ending) {
        return BUSBAR_ENOTCONN;
    }
    int error = stream_send(self->stream, data, size);
    self->sent_us = loop_now_us(self->server->state->loop);
    if (error == BUSBAR_ELIMIT) {
        drop(self, NULL, 0, "it does not read what is sent to it");
    }
    return error;
}

/* False: it does not fit now; on_drained() will run. */
static bool send_ack(void *ctx, bool refused, const void *text, size_t size)
{
    struct tcp_connection *self = ctx;
    const struct buf *usual = refused ? &self->server->nack : &self->server->ack;
    return stream_send(self->stream, text != NULL ? text : usual->data,
                       text != NULL ? size : usual->size) != BUSBAR_ELIMIT;
}

/* Who does not read is not read from either. */
static void tell_acks(struct tcp_connection *self)
{
    if (self->ending || self->deaf_us != 0) {
        return;
    }
    self->sent_us = loop_now_us(self->server->state->loop);
    if (!tcp_acks_tell(&self->acks, send_ack, self)) {
        self->deaf_us = self->sent_us;
        stream_pause(self->stream, true);
        set_timer(self);
    }
}

/* It sends no more, and has got what it was owed. */
static void end_if_done(void *ctx)
{
    struct tcp_connection *self = ctx;
    if (self->ended && !self->ending && self->inlet.held_size == 0 && self->waiting == 0 &&
        tcp_acks_empty(&self->acks)) {
        end(self);
    }
}

static void on_stored(void *ctx, int error)
{
    struct tcp_connection *self = ctx;
    self->waiting--;
    if (self->server == NULL || self->ending || self->stream == NULL) {
        free_unused(self);
        return;
    }
    if (error != 0) {
        drop(self, NULL, 0, "busbar could not store its message: it has to send it again");
        return;
    }
    tcp_acks_stored(&self->acks);
    tell_acks(self);
    end_if_done(self);
}

static void on_drained(void *ctx)
{
    struct tcp_connection *self = ctx;
    if (self->server == NULL || self->ending || self->deaf_us == 0) {
        return;
    }
    self->deaf_us = 0;
    tell_acks(self);
    if (self->deaf_us == 0 && self->inlet.held_size == 0) {
        stream_pause(self->stream, false);
    }
    end_if_done(self);
}

/* It was taken, and its acknowledgement waits for the disk. */
static void await(struct tcp_connection *self, const struct device *dev)
{
    struct buf text;
    self->waiting++;
    buf_init(&text, TCP_TEXT_MAX);
    int error = 0;
    if (self->server->ack.size == 0) {
        error = tcp_server_print_ack(self->server, dev, self->receive_us, &text);
    }
    if (error == 0) {
        error = tcp_acks_wait(&self->acks, text.data, text.size);
    }
    buf_fini(&text);
    if (error != 0) {
        drop(self, NULL, 0, "too much of it waits to be acknowledged");
    }
}

/* ---- messages ---- */

static void refuse(struct tcp_connection *self)
{
    self->refused++;
    if (self->server->nack.size > 0 && tcp_acks_refuse(&self->acks) != 0) {
        drop(self, NULL, 0, "too much of it waits to be acknowledged");
    } else {
        tell_acks(self);
    }
}

static void count_bad(struct tcp_connection *self, const uint8_t *data, size_t size)
{
    refuse(self);
    if (++self->bad >= TCP_BAD_MAX) {
        drop(self, data, size, "three bad messages in a row: the connection was closed");
    }
}

static void remember(struct tcp_connection *self, struct device *dev)
{
    struct tcp_device *device = tcp_device_of(dev);
    if (device->connection != self) {
        list_remove(&device->on_link);
        list_append(&self->devices, &device->on_link);
        device->connection = self;
    }
    device->heard_us = self->receive_us;
}

/* False: there is no room for it now. */
static bool take(struct tcp_connection *self, const uint8_t *data, size_t size)
{
    struct tcp_server *server = self->server;
    struct feed_verdict *verdict = &server->state->verdict;
    bool acked = server->config->ack != NULL;
    int error = tcp_server_take(server, &self->sender, data, size, self->receive_us,
                                acked ? on_stored : NULL, self, verdict);
    if (error == 0) {
        self->messages++;
        self->bad = 0;
        if (verdict->dev != NULL) {
            remember(self, verdict->dev);
        }
        if (acked) {
            await(self, verdict->dev);
        }
    } else if (error == BUSBAR_EBUSY) {
        return false;
    } else if (error == BUSBAR_ENOENT) {
        refuse(self);
        if (server->config->close_unknown) {
            drop(self, data, size, "no device has its id ('unknown: close')");
        }
    } else {
        count_bad(self, data, size);
    }
    return true;
}

static void keep_first(struct tcp_connection *self, const char *text, size_t size)
{
    char first[FIRST_MAX];
    (void)str_format(first, sizeof(first), "%.*s", (int)(size < FIRST_MAX ? size : FIRST_MAX),
                     text);
    self->first = busbar_strdup(first);
    tcp_sender_field(&self->sender, "first", "", self->first);
}

/* The first message. True: it is no more than the login. */
static bool log_in(struct tcp_connection *self, const uint8_t *data, size_t size)
{
    const struct payload_message message = { .body = data, .size = size };
    char id[FIRST_MAX] = "";
    self->logged_in = true;
    if (self->server->first.program == NULL) {
        keep_first(self, (const char *)data, size);
        return false;
    }
    if (!tcp_match_try(&self->server->first, self->server->state->reader, &message, id,
                       sizeof(id))) {
        drop(self, data, size, "its first message does not say who it is ('first')");
        return true;
    }
    keep_first(self, id, strlen(id));
    return true;
}

static bool on_message(void *ctx, const uint8_t *data, size_t size)
{
    struct tcp_connection *self = ctx;
    self->begun_us = 0;
    return (!self->logged_in && log_in(self, data, size)) || take(self, data, size);
}

static void on_bad(void *ctx, const uint8_t *data, size_t size, const char *why, bool lost)
{
    struct tcp_connection *self = ctx;
    tcp_server_refuse(self->server, self->source, data, size, why);
    count_bad(self, data, size);
    if (lost) {
        drop(self, data, size, "where its next message begins is not known any more");
    }
}

static bool is_wanted(void *ctx)
{
    return !((struct tcp_connection *)ctx)->ending;
}

static const struct tcp_inlet_ops inlet_ops = {
    .message = on_message, .bad = on_bad, .wanted = is_wanted, .settled = end_if_done
};

static void on_data(void *ctx, const uint8_t *data, size_t size)
{
    struct tcp_connection *self = ctx;
    if (self->ending || self->server == NULL) {
        return;
    }
    self->heard_us = loop_now_us(self->server->state->loop);
    self->receive_us = clock_wall_us();
    tcp_inlet_feed(&self->inlet, self->stream, data, size);
    if (self->ending) {
        return;
    }
    if (!tcp_inlet_begun(&self->inlet)) {
        self->begun_us = 0;
    } else if (self->begun_us == 0) {
        self->begun_us = self->heard_us;
        set_timer(self);
    }
}

/* It may wait for what it is owed. */
static void on_ended(void *ctx)
{
    struct tcp_connection *self = ctx;
    if (self->ending || self->server == NULL) {
        return;
    }
    self->ended = true;
    if (!tcp_inlet_end(&self->inlet) && !self->ending) {
        tcp_server_refuse(self->server, self->source, self->inlet.frame.part.data,
                          self->inlet.frame.part.size,
                          "the connection ended before the message did");
    }
    end_if_done(self);
}

/* ---- the beginning ---- */

static void on_opened(void *ctx)
{
    struct tcp_connection *self = ctx;
    struct stream_certificate certificate;
    if (self->server == NULL) {
        return;
    }
    self->opened_us = self->sent_us = loop_now_us(self->server->state->loop);
    if (stream_certificate(self->stream, &certificate)) {
        self->certificate = busbar_alloc(sizeof(certificate));
        *self->certificate = certificate;
        tcp_sender_field(&self->sender, "certificate", "", self->certificate->common_name);
        tcp_sender_field(&self->sender, "certificate", "names", self->certificate->names);
    }
    set_timer(self);
}

static const struct stream_events stream_events = {
    .opened = on_opened,
    .data = on_data,
    .drained = on_drained,
    .ended = on_ended,
    .closed = on_closed,
};

void tcp_connection_begin(struct tcp_server *server, struct stream *stream)
{
    struct tcp_connection *self = busbar_alloc(sizeof(*self));
    self->server = server;
    self->stream = stream;
    self->opened_wall_us = clock_wall_us();
    tcp_inlet_init(&self->inlet, server->state->loop, &server->config->frame, &inlet_ops, self);
    tcp_acks_init(&self->acks);
    list_init(&self->devices);
    timer_init(&self->timer, server->state->loop, on_timer, self);
    tcp_source(stream_peer(stream), self->source, sizeof(self->source));
    self->sender.source = self->source;
    tcp_sender_field(&self->sender, "source", "", self->source);
    list_append(&server->connections, &self->link);
    stream_take(stream, &stream_events, self);
}
