/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_server.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/tcp/tcp_connection.h"
#include "drivers/tcp/tcp_options.h"
#include "drivers/tcp/tcp_own.h"

enum { RETRY_MS = 5000, PROPOSAL_MAX = 4096 };

/* ---- what comes in ---- */

void tcp_sender_field(struct tcp_sender *sender, const char *where, const char *name,
                      const char *text)
{
    sender->fields[sender->field_count++] = (struct payload_field){
        .where = where, .name = name, .text = text, .size = strlen(text)
    };
}

int tcp_server_take(struct tcp_server *server, const struct tcp_sender *sender, const void *data,
                    size_t size, int64_t receive_us, feed_done_cb done, void *ctx,
                    struct feed_verdict *verdict)
{
    const struct feed_message message = {
        .payload = { .body = data,
                     .size = size,
                     .fields = sender->fields,
                     .field_count = sender->field_count,
                     .receive_us = receive_us },
        .source = sender->source,
    };
    int error = feed_take(server->state->feed, server->routes.routes, server->routes.count,
                          &message, done, ctx, verdict);
    if (error == 0) {
        server->messages++;
    } else if (error != BUSBAR_EBUSY) {
        server->refused++;
    }
    return error;
}

int tcp_server_print_ack(const struct tcp_server *server, const struct device *dev,
                         int64_t receive_us, struct buf *out)
{
    const struct payload_template_facts facts = {
        .id = dev != NULL ? tcp_device_of(dev)->id : NULL,
        .device = dev != NULL ? dev->name : NULL,
        .time_us = receive_us,
    };
    return tcp_text_print(server->config->ack, &facts, NULL, out, NULL);
}

void tcp_server_refuse(struct tcp_server *server, const char *source, const void *data, size_t size,
                       const char *why)
{
    server->refused++;
    feed_refuse(server->state->feed, source, server->name, data, size, why);
}

/* ---- the socket ---- */

static void on_accepted(void *ctx, struct stream *stream)
{
    tcp_connection_begin(ctx, stream);
}

void tcp_source(const char *peer, char *to, size_t size)
{
    bool v6 = peer[0] == '[';
    (void)str_copy(to, size, peer + (v6 ? 1 : 0));
    char *end = strrchr(to, v6 ? ']' : ':');
    if (end != NULL) {
        *end = '\0';
    }
}

static void on_refused(void *ctx, const char *peer, const char *why)
{
    struct tcp_server *server = ctx;
    char source[ADDRESS_TEXT_MAX];
    tcp_source(peer, source, sizeof(source));
    server->dropped++;
    tcp_server_refuse(server, source, NULL, 0, why);
}

static const struct listener_events listener_events = { .accepted = on_accepted,
                                                        .refused = on_refused };

static int make_tls(struct tcp_server *server, struct tls_context **out, struct err *err)
{
    const struct tcp_config *config = server->config;
    struct tls_options options = { .server = true,
                                   .ca_file = config->ca,
                                   .cert_file = config->certificate,
                                   .key_file = config->key };
    if (config->certificate == NULL) {
        const struct buf *certificate = NULL;
        const struct buf *key = NULL;
        int error = tcp_own_get(server->state->own, &certificate, &key, err);
        if (error != 0) {
            return error;
        }
        options.cert_der = certificate->data;
        options.cert_size = certificate->size;
        options.key_der = key->data;
        options.key_size = key->size;
    }
    return tls_context_new(&options, out, err);
}

static int open_stream(struct tcp_server *server, struct err *err)
{
    const struct tcp_config *config = server->config;
    struct tls_context *tls = NULL;
    int error = config->tls ? make_tls(server, &tls, err) : 0;
    if (error != 0) {
        return error;
    }
    const struct listener_target target = { .host = config->address.host,
                                            .port = config->address.port,
                                            .tls = tls,
                                            .streams_max = config->streams_max,
                                            .source_max = config->per_source,
                                            .allow = server->allow,
                                            .send_max = TCP_SEND_MAX };
    error = listener_open(server->state->loop, &target, &listener_events, server, &server->listener,
                          err);
    tls_context_unref(tls);
    return error;
}

bool tcp_server_is_open(const struct tcp_server *server)
{
    return server->listener != NULL || server->datagram != NULL;
}

static void tell_devices(struct tcp_server *server)
{
    struct driver *drv = server->state->drv;
    for (struct device *dev = driver_next_device(drv, NULL); dev != NULL;
         dev = driver_next_device(drv, dev)) {
        if (tcp_device_of(dev)->server == server) {
            driver_link(dev, server->trouble.code == 0, server->trouble.code,
                        server->trouble.code == 0 ? NULL : server->trouble.message);
        }
    }
}

void tcp_server_open(struct tcp_server *server)
{
    struct err err = { 0 };
    if (tcp_server_is_open(server)) {
        return;
    }
    int before = server->trouble.code;
    int error = server->config->udp ? tcp_datagrams_open(server, &err) : open_stream(server, &err);
    if (error != 0 && error != BUSBAR_EAGAIN) {
        timer_start(&server->retry, RETRY_MS, 0);
    }
    server->trouble = err;
    server->trouble.code = error;
    if (error == 0) {
        busbar_log(LOG_LEVEL_INFO, "tcp", server->name, "listens on %s %s:%u",
                   tcp_config_transport(server->config), server->config->address.host,
                   server->config->address.port);
    } else if (error != before && error != BUSBAR_EAGAIN) {
        busbar_log(LOG_LEVEL_WARN, "tcp", server->name, "%s", err.message);
    }
    if (error != before) {
        tell_devices(server);
    }
}

static void on_retry(struct timer *timer, void *ctx)
{
    (void)timer;
    tcp_server_open(ctx);
}

/* ---- life ---- */

/* Those that are the same for all messages. */
static void print_answers(struct tcp_server *server)
{
    const struct tcp_config *config = server->config;
    const struct payload_template_facts none = { 0 };
    buf_init(&server->ack, TCP_TEXT_MAX);
    buf_init(&server->nack, TCP_TEXT_MAX);
    if (config->ack != NULL && strchr(config->ack, '{') == NULL) {
        (void)tcp_text_print(config->ack, &none, NULL, &server->ack, NULL);
    }
    if (config->nack != NULL) {
        (void)tcp_text_print(config->nack, &none, NULL, &server->nack, NULL);
    }
}

struct tcp_server *tcp_server_new(struct tcp_driver_state *state, const char *name, bool part,
                                  const struct tcp_config *config)
{
    struct tcp_server *server = busbar_alloc(sizeof(*server));
    server->state = state;
    server->config = tcp_config_dup(config);
    server->name = busbar_strdup(name);
    server->part = part;
    list_init(&server->connections);
    timer_init(&server->retry, state->loop, on_retry, server);
    tcp_routes_init(&server->routes, state->feed, server->name);
    if (config->allow != NULL) {
        server->allow = busbar_alloc(sizeof(*server->allow));
        (void)allow_parse(config->allow, "allow", config->at, server->allow, NULL);
    }
    if (config->first != NULL) {
        (void)tcp_match_init(&server->first, feed_programs(state->feed), config->first, true, NULL);
    }
    print_answers(server);
    server->trouble.code = BUSBAR_EAGAIN;
    list_append(&state->servers, &server->link);
    tcp_server_open(server);
    return server;
}

void tcp_server_free(struct tcp_server *server)
{
    timer_stop(&server->retry);
    listener_close(server->listener);
    tcp_connection_end_all(server);
    tcp_datagrams_close(server);
    tcp_routes_fini(&server->routes);
    tcp_match_fini(&server->first);
    list_remove(&server->link);
    tcp_config_free(server->config);
    buf_fini(&server->ack);
    buf_fini(&server->nack);
    busbar_free(server->allow);
    busbar_free(server->name);
    busbar_free(server);
}

struct tcp_server *tcp_server_get(struct tcp_driver_state *state,
                                  const struct tcp_device_config *config)
{
    list_each(at, &state->servers) {
        struct tcp_server *server = list_entry(at, struct tcp_server, link);
        if (config->listener != NULL
                ? server->part && str_equal(server->name, config->listener)
                : !server->part && tcp_config_equal(server->config, &config->link)) {
            return server;
        }
    }
    if (config->listener != NULL) {
        return NULL;
    }
    char name[ADDRESS_TEXT_MAX];
    (void)address_format(name, sizeof(name), &config->link.address);
    return tcp_server_new(state, name, false, &config->link);
}

/* ---- devices ---- */

/* How a device that reads as this one does is configured, with {id} where its id stands. */
static void print_proposal(const struct tcp_server *server, const struct tcp_device *device,
                           struct buf *out)
{
    const struct settings *settings = device->dev->settings;
    (void)buf_printf(out, "{ listener: %s, id: \"{id}\"", server->name);
    for (size_t row = PAYLOAD_DEVICE_ID + 1; row < PAYLOAD_DEVICE_ROWS; row++) {
        const struct setting *set = settings_find(settings, row);
        if (set == NULL) {
            continue;
        }
        struct buf text;
        buf_init(&text, PROPOSAL_MAX);
        option_print(&settings->options[row], set->value, &text);
        (void)buf_printf(out, ", %s: '", settings->options[row].key);
        for (const char *at = buf_text(&text); *at != '\0'; at++) {
            (void)buf_append(out, "''", *at == '\'' ? 2 : 0);
            (void)buf_append(out, at, *at == '\'' ? 0 : 1);
        }
        (void)buf_append_text(out, "'");
        buf_fini(&text);
    }
    (void)buf_append_text(out, " }");
}

int tcp_server_join(struct tcp_server *server, struct tcp_device *device, struct err *err)
{
    struct buf proposal;
    buf_init(&proposal, PROPOSAL_MAX);
    if (server->part) {
        print_proposal(server, device, &proposal);
    }
    bool whole = server->part && !proposal.overflow;
    int error = tcp_routes_join(&server->routes, device, whole ? buf_text(&proposal) : NULL, err);
    buf_fini(&proposal);
    if (error == 0) {
        server->users++;
        device->server = server;
    }
    return error;
}

void tcp_server_leave(struct tcp_server *server, struct tcp_device *device)
{
    list_remove(&device->on_link);
    tcp_routes_leave(&server->routes, device);
    device->server = NULL;
    device->connection = NULL;
    device->from.family = 0;
    if (--server->users == 0 && !server->part) {
        tcp_server_free(server);
    }
}
