/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_words.h"

#include "base/clock.h"
#include "base/str.h"
#include "drivers/tcp/tcp_connection.h"
#include "drivers/tcp/tcp_link.h"
#include "drivers/tcp/tcp_options.h"

enum { CONNECTIONS_SHOWN = 20, DESCRIBED_MAX = 400, TEXT_MAX = 512 };

/* ---- ports ---- */

static void tell_port(const struct tcp_config *config, const char *name, driver_port_cb cb,
                      void *ctx)
{
    char use[96];
    (void)str_format(use, sizeof(use), "TCP driver, listener %s", name);
    const struct driver_port row = { .use = use,
                                     .transport = config->udp ? "udp" : "tcp",
                                     .host = config->address.host,
                                     .port = config->address.port,
                                     .at = config->at };
    cb(ctx, &row);
}

void tcp_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx)
{
    (void)used;
    for (size_t i = 0; i < setup->part_count; i++) {
        struct tcp_config config;
        if (tcp_config_part(&setup->parts[i], &config, NULL) == 0) {
            tell_port(&config, setup->parts[i].name, cb, ctx);
        }
    }
}

/* ---- status ---- */

struct teller {
    const struct tcp_server *server;
    driver_status_cb cb;
    void *ctx;
};

static void tell(const struct teller *teller, const char *name, const char *text,
                 const char *trouble, bool closed)
{
    const struct driver_status status = { .part = teller->server->name,
                                          .name = name,
                                          .text = text,
                                          .trouble = trouble,
                                          .closed = closed };
    teller->cb(teller->ctx, &status);
}

static void tell_connection(const struct teller *teller, const struct tcp_connection *connection)
{
    char since[STR_TIME_MAX];
    char text[TEXT_MAX];
    const struct device *dev =
        list_empty(&connection->devices)
            ? NULL
            : list_entry(connection->devices.next, struct tcp_device, on_link)->dev;
    (void)str_format_time(since, sizeof(since), connection->opened_wall_us, 0, true);
    (void)str_format(
        text, sizeof(text), "%s, since %s, %llu messages, %llu refused%s%s%s%s",
        stream_peer(connection->stream), since, (unsigned long long)connection->messages,
        (unsigned long long)connection->refused, dev != NULL ? ", device " : "",
        dev != NULL ? dev->name : "", connection->certificate != NULL ? ", certificate " : "",
        connection->certificate != NULL ? connection->certificate->common_name : "");
    tell(teller, "connection", text, NULL, false);
}

static void tell_connections(const struct teller *teller)
{
    char text[TEXT_MAX];
    size_t shown = 0;
    list_each(at, &teller->server->connections) {
        const struct tcp_connection *connection = list_entry(at, struct tcp_connection, link);
        if (shown == CONNECTIONS_SHOWN) {
            (void)str_format(text, sizeof(text), "%zu more",
                             listener_streams(teller->server->listener) - shown);
            tell(teller, "connection", text, NULL, false);
            return;
        }
        if (connection->stream != NULL) {
            tell_connection(teller, connection);
            shown++;
        }
    }
}

static void tell_server(const struct teller *teller)
{
    const struct tcp_server *server = teller->server;
    char text[TEXT_MAX];
    struct buf address;
    buf_init(&address, TEXT_MAX);
    tcp_config_print(server->config, &address);
    bool open = tcp_server_is_open(server);
    tell(teller, "listens", buf_text(&address), open ? NULL : server->trouble.message,
         !open && server->trouble.code != BUSBAR_EAGAIN);
    buf_fini(&address);
    if (server->config->plain && !address_is_loopback(server->config->address.host)) {
        tell(teller, "encryption", "none ('plain: allow')", NULL, false);
    }
    if (server->listener != NULL) {
        bool rests = listener_rests(server->listener);
        (void)str_format(text, sizeof(text), "%zu of %u", listener_streams(server->listener),
                         server->config->streams_max);
        tell(teller, "connections", text,
             rests ? "this process has nearly no descriptors left: new connections wait; raise "
                     "LimitNOFILE of the service"
                   : NULL,
             false);
        tell_connections(teller);
    }
    if (server->dropped > 0) {
        (void)str_format(text, sizeof(text), "%llu", (unsigned long long)server->dropped);
        tell(teller, "connections closed by busbar", text, NULL, false);
    }
    if (server->datagram != NULL && datagram_lost(server->datagram) > 0) {
        (void)str_format(text, sizeof(text), "%llu",
                         (unsigned long long)datagram_lost(server->datagram));
        tell(teller, "lost datagrams", text,
             "they came faster than they were taken: raise net.core.rmem_max of this machine",
             false);
    }
}

void tcp_status(struct driver *drv, driver_status_cb cb, void *ctx)
{
    const struct tcp_driver_state *state = driver_state(drv);
    feed_status(state->feed, cb, ctx);
    list_each(at, &state->servers) {
        const struct teller teller = { list_entry(at, struct tcp_server, link), cb, ctx };
        tell_server(&teller);
    }
}

/* ---- messages and links ---- */

void tcp_describe(const void *data, size_t size, struct buf *out)
{
    size_t shown = size < DESCRIBED_MAX ? size : DESCRIBED_MAX;
    tcp_escape(data, shown, out);
    if (shown < size) {
        (void)buf_printf(out, " ... (%zu bytes)", size);
    }
}

void tcp_print_link(const struct device *dev, struct buf *out)
{
    struct tcp_device_config config;
    const struct tcp_device *device = tcp_device_of(dev);
    const struct setup *setup = device != NULL ? driver_setup(device->state->drv) : NULL;
    if (tcp_config_device(setup, dev->settings, &config, NULL) != 0) {
        return;
    }
    if (!config.link.server && config.listener == NULL) {
        tcp_config_print(&config.link, out);
        return;
    }
    (void)buf_append_text(out, "listener ");
    if (config.listener != NULL) {
        (void)buf_append_text(out, config.listener);
    }
    if (config.listener == NULL || setup != NULL) {
        (void)buf_append_text(out, config.listener != NULL ? " " : "");
        tcp_config_print(&config.link, out);
    }
    const char *id = settings_text(dev->settings, PAYLOAD_DEVICE_ID);
    (void)buf_printf(out, " id %s", id != NULL ? id : dev->name);
}
