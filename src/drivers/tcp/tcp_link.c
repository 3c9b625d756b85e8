/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_link.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/tcp/tcp_ask.h"

enum { SEND_MAX = 256 * 1024 };

/* ---- what its devices are told ---- */

static void tell(const struct tcp_link *link, const struct tcp_device *device)
{
    driver_link(device->dev, link->up, link->up ? 0 : link->trouble.code,
                link->up ? NULL : link->trouble.message);
}

static void tell_all(struct tcp_link *link)
{
    list_each(at, &link->devices) {
        tell(link, list_entry(at, struct tcp_device, on_link));
    }
}

/* Sent and received: of all that share it. */
static void tell_bad(struct tcp_link *link, const void *data, size_t size, const char *why)
{
    list_each(at, &link->devices) {
        driver_bad_frame(list_entry(at, struct tcp_device, on_link)->dev, data, size, why);
    }
}

static void went_down(struct tcp_link *link, int error, const char *detail)
{
    bool quick = link->opened_us == 0 || link->heard_us == 0;
    link->up = false;
    (void)err_set(&link->trouble, error != 0 ? error : BUSBAR_ECLOSED, "%s", detail);
    link->trouble.code = error != 0 ? error : BUSBAR_ECLOSED;
    timer_stop(&link->watch);
    tcp_inlet_stop(&link->inlet);
    if (!quick) {
        backoff_reset(&link->backoff);
    }
    link->opened_us = 0;
    timer_start(&link->retry, backoff_next_ms(&link->backoff), 0);
    tcp_ask_down(link, link->trouble.code);
    tell_all(link);
}

/* ---- time ---- */

int tcp_link_send(struct tcp_link *link, const void *data, size_t size)
{
    link->sent_us = loop_now_us(link->state->loop);
    if (link->datagram != NULL) {
        return datagram_send(link->datagram, &link->peer, data, size);
    }
    return link->stream != NULL ? stream_send(link->stream, data, size) : BUSBAR_ENOTCONN;
}

static int send_text(struct tcp_link *link, const char *text)
{
    const struct payload_template_facts facts = { .time_us = clock_wall_us() };
    const char *password = link->config->password != NULL
                               ? driver_secret(link->state->drv, link->config->password)
                               : NULL;
    struct buf out;
    struct err err = { 0 };
    buf_init(&out, TCP_TEXT_MAX);
    int error = tcp_text_print(text, &facts, password, &out, &err);
    if (error == 0) {
        error = tcp_link_send(link, out.data, out.size);
    }
    buf_fini(&out);
    return error;
}

static void set_watch(struct tcp_link *link)
{
    const struct tcp_config *config = link->config;
    int64_t due = INT64_MAX;
    if (config->idle_us > 0) {
        due = (link->heard_us > 0 ? link->heard_us : link->opened_us) + config->idle_us;
    }
    if (config->keep_alive_text != NULL && config->keep_alive_us > 0 &&
        link->sent_us + config->keep_alive_us < due) {
        due = link->sent_us + config->keep_alive_us;
    }
    if (due != INT64_MAX) {
        timer_start_at_us(&link->watch, due, 0);
    }
}

static void close_for(struct tcp_link *link, int error, const char *why)
{
    if (link->stream != NULL && !link->ending) {
        link->ending = true;
        (void)err_set(&link->trouble, error, "%s: %s", link->name, why);
        stream_close(link->stream);
    } else if (link->datagram != NULL) {
        char detail[ERR_MESSAGE_MAX];
        datagram_close(link->datagram);
        link->datagram = NULL;
        (void)str_format(detail, sizeof(detail), "%s: %s", link->name, why);
        went_down(link, error, detail);
    }
}

static void on_watch(struct timer *timer, void *ctx)
{
    struct tcp_link *link = ctx;
    int64_t now_us = loop_now_us(link->state->loop);
    int64_t heard_us = link->heard_us > 0 ? link->heard_us : link->opened_us;
    (void)timer;
    if (link->config->idle_us > 0 && now_us - heard_us >= link->config->idle_us) {
        char span[32];
        char why[96];
        (void)str_format_duration(span, sizeof(span), link->config->idle_us);
        (void)str_format(why, sizeof(why), "nothing came for %s ('idle')", span);
        close_for(link, BUSBAR_ETIMEOUT, why);
        return;
    }
    if (link->config->keep_alive_text != NULL &&
        now_us - link->sent_us >= link->config->keep_alive_us) {
        (void)send_text(link, link->config->keep_alive_text);
    }
    set_watch(link);
}

/* ---- what comes ---- */

static void count_bad(struct tcp_link *link, const char *why)
{
    if (++link->bad >= TCP_BAD_MAX) {
        link->bad = 0;
        close_for(link, BUSBAR_EPROTO, why);
    }
}

/* What the device sends by itself. */
static bool take(struct tcp_link *link, const uint8_t *data, size_t size)
{
    struct feed_verdict *verdict = &link->state->verdict;
    const struct feed_message message = {
        .payload = { .body = data,
                     .size = size,
                     .fields = link->sender.fields,
                     .field_count = link->sender.field_count,
                     .receive_us = link->receive_us },
        .source = link->name,
    };
    int error = feed_take(link->state->feed, link->routes.routes, link->routes.count, &message,
                          NULL, NULL, verdict);
    if (error == BUSBAR_EBUSY) {
        return false;
    }
    if (error != 0) {
        link->refused++;
        tell_bad(link, data, size, verdict->err.message);
        if (error != BUSBAR_ENOENT) {
            count_bad(link, "three bad messages in a row");
        }
        return true;
    }
    link->messages++;
    link->bad = 0;
    if (verdict->dev != NULL) {
        tcp_device_of(verdict->dev)->heard_us = link->receive_us;
    }
    return true;
}

static bool on_message(void *ctx, const uint8_t *data, size_t size)
{
    struct tcp_link *link = ctx;
    if (tcp_ask_answered(link, data, size)) {
        link->bad = 0;
        return true;
    }
    if (link->routes.count == 0) {
        tell_bad(link, data, size, "nobody asked for it, and no point is sent unasked");
        return true;
    }
    return take(link, data, size);
}

static void on_bad(void *ctx, const uint8_t *data, size_t size, const char *why, bool lost)
{
    struct tcp_link *link = ctx;
    link->refused++;
    feed_refuse(link->state->feed, link->name, link->name, data, size, why);
    tell_bad(link, data, size, why);
    if (lost) {
        close_for(link, BUSBAR_EPROTO, why);
    } else {
        count_bad(link, why);
    }
}

static bool is_wanted(void *ctx)
{
    const struct tcp_link *link = ctx;
    return link->up && !link->ending;
}

static const struct tcp_inlet_ops inlet_ops = { .message = on_message,
                                                .bad = on_bad,
                                                .wanted = is_wanted };

static void on_data(void *ctx, const uint8_t *data, size_t size)
{
    struct tcp_link *link = ctx;
    if (!link->ending) {
        link->heard_us = loop_now_us(link->state->loop);
        link->receive_us = clock_wall_us();
        tcp_inlet_feed(&link->inlet, link->stream, data, size);
    }
}

static void on_datagram(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct tcp_link *link = ctx;
    if (endpoint_equal(from, &link->peer) && size > 0) {
        link->heard_us = loop_now_us(link->state->loop);
        link->receive_us = clock_wall_us();
        tcp_inlet_feed_datagram(&link->inlet, data, size);
    }
}

/* ---- connecting ---- */

static void came_up(struct tcp_link *link)
{
    link->up = true;
    link->ending = false;
    link->bad = 0;
    link->heard_us = 0;
    link->opened_us = link->sent_us = loop_now_us(link->state->loop);
    link->trouble = (struct err){ 0 };
    tcp_inlet_reset(&link->inlet);
    tell_all(link);
    if (link->config->hello != NULL) {
        (void)send_text(link, link->config->hello);
    }
    set_watch(link);
    tcp_ask_next(link);
}

static void on_opened(void *ctx)
{
    came_up(ctx);
}

static void on_closed(void *ctx, int error, const char *detail)
{
    struct tcp_link *link = ctx;
    char why[ERR_MESSAGE_MAX];
    link->stream = NULL;
    if (list_empty(&link->devices)) {
        tcp_config_free(link->config);
        busbar_free(link);
        return;
    }
    (void)str_copy(why, sizeof(why), link->ending ? link->trouble.message : detail);
    went_down(link, link->ending ? link->trouble.code : error, why);
}

static const struct stream_events stream_events = {
    .opened = on_opened,
    .data = on_data,
    .closed = on_closed,
};

static int open_stream(struct tcp_link *link, struct err *err)
{
    const struct tcp_config *config = link->config;
    struct tls_context *tls = NULL;
    const struct tls_options options = { .ca_file = config->ca,
                                         .cert_file = config->certificate,
                                         .key_file = config->key,
                                         .verify_off = config->verify_off };
    int error = config->tls ? tls_context_new(&options, &tls, err) : 0;
    if (error != 0) {
        return error;
    }
    const struct stream_target target = { .kind = config->tls ? STREAM_TLS : STREAM_TCP,
                                          .host = config->address.host,
                                          .port = config->address.port,
                                          .tls = tls,
                                          .server_name = config->server_name,
                                          .send_max = SEND_MAX };
    error = stream_open(link->state->loop, &target, &stream_events, link, &link->stream);
    tls_context_unref(tls);
    return error != 0 ? err_set(err, error, "%s: %s", link->name, err_text(error)) : 0;
}

static void open_datagram(struct tcp_link *link)
{
    struct err err = { 0 };
    const struct datagram_options options = { .host = link->peer.family == 6 ? "::" : NULL };
    int error = datagram_open(link->state->loop, &options, on_datagram, link, &link->datagram,
                              &err);
    if (error != 0) {
        link->datagram = NULL;
        went_down(link, error, err.message);
        return;
    }
    came_up(link);
}

static void on_found(void *ctx, int error, const struct endpoint *addresses, size_t count)
{
    struct tcp_link *link = ctx;
    link->finding = NULL;
    if (error != 0 || count == 0) {
        char why[ERR_MESSAGE_MAX];
        (void)str_format(why, sizeof(why), "name '%s' not found", link->config->address.host);
        went_down(link, BUSBAR_EHOST, why);
        return;
    }
    link->peer = addresses[0];
    open_datagram(link);
}

static void begin(struct tcp_link *link)
{
    struct err err = { 0 };
    const struct address *address = &link->config->address;
    timer_stop(&link->retry);
    link->tried_us = loop_now_us(link->state->loop);
    link->ending = false;
    if (!link->config->udp) {
        int error = open_stream(link, &err);
        if (error != 0) {
            link->stream = NULL;
            went_down(link, error, err.message);
        }
    } else if (endpoint_parse(address->host, address->port, &link->peer) == 0) {
        open_datagram(link);
    } else {
        link->finding = name_find(link->state->loop, address->host, address->port, on_found, link);
        if (link->finding == NULL) {
            went_down(link, BUSBAR_EHOST, "the name is too long");
        }
    }
}

static void on_retry(struct timer *timer, void *ctx)
{
    (void)timer;
    begin(ctx);
}

void tcp_link_wake(struct tcp_link *link)
{
    bool under_way = link->stream != NULL || link->datagram != NULL || link->finding != NULL;
    if (!under_way &&
        loop_now_us(link->state->loop) - link->tried_us >= BACKOFF_MIN_MS * CLOCK_US_PER_MS) {
        timer_start(&link->retry, 0, 0);
    }
}

/* ---- life ---- */

static struct tcp_link *new_link(struct tcp_driver_state *state, const struct tcp_config *config)
{
    struct tcp_link *link = busbar_alloc(sizeof(*link));
    link->state = state;
    link->config = tcp_config_dup(config);
    (void)address_format(link->name, sizeof(link->name), &config->address);
    list_init(&link->devices);
    backoff_init(&link->backoff, 0, 0, hash_entropy());
    timer_init(&link->retry, state->loop, on_retry, link);
    timer_init(&link->watch, state->loop, on_watch, link);
    tcp_inlet_init(&link->inlet, state->loop, &link->config->frame, &inlet_ops, link);
    tcp_routes_init(&link->routes, state->feed, link->name);
    link->sender.source = link->name;
    tcp_sender_field(&link->sender, "source", "", link->name);
    tcp_ask_init(link);
    (void)err_set(&link->trouble, BUSBAR_ENOTCONN, "connecting");
    list_append(&state->links, &link->link);
    timer_start(&link->retry, 0, 0);
    return link;
}

void tcp_link_join(struct tcp_driver_state *state, struct tcp_device *device)
{
    struct tcp_link *link = NULL;
    list_each(at, &state->links) {
        struct tcp_link *other = list_entry(at, struct tcp_link, link);
        link = tcp_config_equal(other->config, &device->config.link) ? other : link;
    }
    link = link != NULL ? link : new_link(state, &device->config.link);
    list_append(&link->devices, &device->on_link);
    device->link = link;
}

void tcp_link_leave(struct tcp_device *device)
{
    struct tcp_link *link = device->link;
    tcp_routes_leave(&link->routes, device);
    list_remove(&device->on_link);
    device->link = NULL;
    if (!list_empty(&link->devices)) {
        return;
    }
    list_remove(&link->link);
    timer_stop(&link->retry);
    timer_stop(&link->watch);
    name_cancel(link->finding);
    datagram_close(link->datagram);
    tcp_ask_fini(link);
    tcp_routes_fini(&link->routes);
    tcp_inlet_fini(&link->inlet);
    if (link->stream != NULL) {
        link->ending = true;
        stream_close(link->stream); /* on_closed() frees it */
    } else {
        tcp_config_free(link->config);
        busbar_free(link);
    }
}
