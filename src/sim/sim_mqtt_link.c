/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "sim/sim_mqtt.h"
#include "sim/sim_tls.h"

/* ---- another's broker ---- */

static void client_message(void *ctx, const struct mqtt_message *message)
{
    struct sim_mqtt_link *link = ctx;
    const struct sim_broker_message heard = { message->topic, message->payload, message->size,
                                              message->qos, message->retained };
    if (!message->retained) {
        sim_mqtt_heard(link, &heard);
    }
    if (message->qos > 0) {
        mqtt_client_acknowledge(link->client, message->ticket, 0);
    }
}

static void client_up(void *ctx, bool session)
{
    struct sim_mqtt_link *link = ctx;
    (void)session;
    list_each(at, &link->devices) {
        sim_mqtt_say_all(list_entry(at, struct sim_mqtt_device, link));
    }
}

static void client_down(void *ctx, enum mqtt_down why, uint8_t reason, int error,
                        const char *detail)
{
    const struct sim_mqtt_link *link = ctx;
    (void)why;
    (void)reason;
    (void)error;
    busbar_log(LOG_LEVEL_WARN, "sim", link->name, "%s", detail);
}

static void link_end(struct sim_mqtt_link *link)
{
    tls_context_unref(link->tls);
    busbar_free(link->name);
    busbar_free(link);
}

static void client_ended(void *ctx)
{
    link_end(ctx);
}

static void client_subscribed(void *ctx, const char *filter, uint8_t code, const char *reason)
{
    const struct sim_mqtt_link *link = ctx;
    if (code >= 0x80) {
        busbar_log(LOG_LEVEL_WARN, "sim", link->name, "cannot subscribe to %s: %s", filter, reason);
    }
}

static void client_packet(void *ctx, bool in, const void *data, size_t size)
{
    (void)ctx;
    (void)in;
    (void)data;
    (void)size;
}

static void client_bad(void *ctx, const void *data, size_t size, const char *reason)
{
    const struct sim_mqtt_link *link = ctx;
    (void)data;
    (void)size;
    busbar_log(LOG_LEVEL_WARN, "sim", link->name, "%s", reason);
}

static void client_released(void *ctx, uint16_t packet_id)
{
    (void)ctx;
    (void)packet_id;
}

static int open_client(struct sim_mqtt_link *link, const struct mqtt_broker_config *config,
                       struct err *err)
{
    static const struct mqtt_client_events events = {
        .up = client_up,
        .down = client_down,
        .message = client_message,
        .ended = client_ended,
        .packet = client_packet,
        .subscribed = client_subscribed,
        .bad = client_bad,
        .released = client_released,
    };
    const struct tls_options tls = { .ca_file = config->ca,
                                     .cert_file = config->certificate,
                                     .key_file = config->key };
    const char *password = sim_secret(link->sim, config->password);
    char id[40];
    str_format(id, sizeof(id), "busbar-sim-%08x", (unsigned)hash_entropy());
    struct mqtt_client_options options = {
        .target = { .kind = link->url.tls ? STREAM_TLS : STREAM_TCP,
                    .host = link->url.host.host,
                    .port = link->url.host.port,
                    .server_name = config->server_name },
        .websocket_path = link->url.websocket ? link->url.path : NULL,
        .version = config->version,
        .client_id = id,
        .user = config->user,
        .password = password,
        .password_size = password != NULL ? strlen(password) : 0,
        .clean = true,
    };
    int error = link->url.tls ? tls_context_new(&tls, &link->tls, err) : 0;
    options.target.tls = link->tls;
    return error == 0
               ? mqtt_client_open(link->sim->loop, &options, &events, link, &link->client, err)
               : error;
}

/* ---- our own ---- */

static void broker_heard(void *ctx, const struct sim_broker_message *message)
{
    sim_mqtt_heard(ctx, message);
}

static int open_own(struct sim_mqtt_link *link, struct err *err)
{
    const char *host = strcmp(link->url.host.host, "localhost") == 0 ? "127.0.0.1"
                                                                     : link->url.host.host;
    return sim_broker_open(link->sim->loop, host, link->url.host.port, link->tls, broker_heard,
                           link, &link->own, err);
}

static int open_link(struct sim_mqtt_link *link, const struct mqtt_broker_config *config,
                     struct err *err)
{
    struct err reason = { 0 };
    int error = 0;
    if (!address_is_loopback(link->url.host.host)) {
        err_set(err, BUSBAR_EINVAL, "'%s' is not of this machine", link->name);
        err_hint(err, "in a site to be simulated brokers are at 127.0.0.1: nothing is published "
                      "into the broker of a real site");
        return BUSBAR_EINVAL;
    }
    if (!link->url.websocket) {
        error = link->url.tls ? sim_tls_server(link->url.host.host, config->ca, config->certificate,
                                               config->key, &link->tls, &reason)
                              : 0;
        error = error == 0 ? open_own(link, &reason) : error;
    } else {
        error = BUSBAR_EADDRINUSE; /* by WebSocket only into another's */
    }
    if (error != BUSBAR_EADDRINUSE && error != BUSBAR_ENOENT) {
        if (error != 0 && err != NULL) {
            *err = reason;
        }
        return error;
    }
    link->foreign = true;
    tls_context_unref(link->tls);
    link->tls = NULL;
    return open_client(link, config, err);
}

/* ---- links ---- */

static void link_free(struct sim_mqtt_link *link)
{
    sim_broker_close(link->own);
    link->own = NULL;
    list_remove(&link->link);
    if (link->client != NULL) {
        mqtt_client_close(link->client); /* client_ended() is the last that knows of the link */
    } else {
        link_end(link);
    }
}

int sim_mqtt_link_get(struct sim_mqtt_device *device, const struct mqtt_broker_config *config,
                      struct err *err)
{
    struct buf name;
    buf_init(&name, MQTT_URL_TEXT_MAX);
    mqtt_url_print(&config->url, &name);
    list_each(at, &device->state->links) {
        struct sim_mqtt_link *link = list_entry(at, struct sim_mqtt_link, link);
        if (strcmp(link->name, buf_text(&name)) == 0) {
            device->broker = link;
            buf_fini(&name);
            return 0;
        }
    }
    struct sim_mqtt_link *link = busbar_alloc(sizeof(*link));
    link->sim = device->sd->sim;
    link->name = busbar_strdup(buf_text(&name));
    link->url = config->url;
    buf_fini(&name);
    list_init(&link->devices);
    list_init(&link->nodes);
    list_append(&device->state->links, &link->link);
    int error = open_link(link, config, err);
    if (error != 0) {
        link_free(link);
        return error;
    }
    device->broker = link;
    return 0;
}

void sim_mqtt_link_drop(struct sim_mqtt_link *link)
{
    if (link != NULL && list_empty(&link->devices)) {
        link_free(link);
    }
}

static void published(void *ctx, int error, uint8_t code)
{
    (void)ctx;
    (void)error;
    (void)code;
}

void sim_mqtt_link_publish(struct sim_mqtt_link *link, const struct sim_broker_message *message)
{
    if (link->own != NULL) {
        sim_broker_publish(link->own, message);
    } else if (link->client != NULL) {
        const struct mqtt_publish packet = { .topic = message->topic,
                                             .payload = message->payload,
                                             .size = message->size,
                                             .qos = message->qos,
                                             .retain = message->retain };
        (void)mqtt_client_publish(link->client, &packet, published, link);
    }
}

void sim_mqtt_link_hear(struct sim_mqtt_link *link, const char *filter)
{
    if (link->client != NULL) {
        (void)mqtt_client_subscribe(link->client, filter, 1);
    }
}

void sim_mqtt_link_down(struct sim_mqtt_link *link, bool down)
{
    struct err err = { 0 };
    if (link->foreign) {
        return;
    }
    if (down) {
        sim_broker_close(link->own);
        link->own = NULL;
    } else if (link->own == NULL && open_own(link, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "sim", link->name, "%s", err.message);
    }
}
