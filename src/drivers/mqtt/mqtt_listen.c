/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_listen.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"

enum { CONNECT_MS = 10000, REFUSED_FROM = 0x80 };

struct mqtt_listen {
    struct mqtt_state *state;
    struct mqtt_client *client;
    const struct mqtt_listen_events
        *events; /* NULL: it has ended, the client's end is waited for */
    void *ctx;
    int64_t wait_us;
    struct timer timer;
    size_t asked, refused;
    bool granted;
    char words[MQTT_WORDS_MAX]; /* why nothing is heard */
    int error;
};

static void finish(struct mqtt_listen *listen, int error)
{
    const struct mqtt_listen_events *events = listen->events;
    listen->events = NULL;
    timer_stop(&listen->timer);
    mqtt_client_close(listen->client);
    if (events != NULL) {
        events->ended(listen->ctx, error, error != 0 ? listen->words : "");
    }
}

static void on_time(struct timer *timer, void *ctx)
{
    struct mqtt_listen *listen = ctx;
    (void)timer;
    finish(listen, listen->granted ? 0 : listen->error);
}

static void on_up(void *ctx, bool session)
{
    (void)ctx;
    (void)session;
}

static void on_down(void *ctx, enum mqtt_down why, uint8_t reason, int error, const char *detail)
{
    struct mqtt_listen *listen = ctx;
    (void)reason;
    listen->error = error != 0 ? error : BUSBAR_ECLOSED;
    (void)str_copy(listen->words, sizeof(listen->words), detail);
    if (why == MQTT_DOWN_REFUSED && listen->events != NULL) {
        listen->error = BUSBAR_EAUTH;
        timer_start(&listen->timer, 0, 0); /* it will not change its mind */
    }
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct mqtt_listen *listen = ctx;
    if (listen->events != NULL) {
        listen->events->message(listen->ctx, message);
    }
}

static void on_subscribed(void *ctx, const char *filter, uint8_t code, const char *reason)
{
    struct mqtt_listen *listen = ctx;
    if (listen->events == NULL) {
        return;
    }
    if (code < REFUSED_FROM) {
        if (!listen->granted) {
            listen->granted = true;
            timer_start_us(&listen->timer, listen->wait_us, 0);
            if (listen->events->ready != NULL) {
                listen->events->ready(listen->ctx);
            }
        }
        return;
    }
    listen->error = BUSBAR_EREFUSED;
    str_format(listen->words, sizeof(listen->words),
               "the broker does not let us subscribe to '%.200s': %s", filter, reason);
    if (++listen->refused == listen->asked) {
        timer_start(&listen->timer, 0, 0);
    }
}

static void on_ended(void *ctx)
{
    busbar_free(ctx);
}

static const struct mqtt_client_events client_events = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .subscribed = on_subscribed,
    .ended = on_ended,
};

static int subscribe(void *ctx, const char *filter)
{
    struct mqtt_listen *listen = ctx;
    listen->asked++;
    return mqtt_client_subscribe(listen->client, filter, 0);
}

int mqtt_listen_start(struct mqtt_state *state, const struct mqtt_broker_config *config,
                      const char *topics, int64_t wait_us, const struct mqtt_listen_events *events,
                      void *ctx, struct mqtt_listen **out, struct err *err)
{
    struct mqtt_client_options options;
    char id[MQTT_OWN_ID_MAX] = "";
    int error = mqtt_broker_client(state, config, id, &options, err);
    if (error != 0) {
        return error;
    }
    str_format(id, sizeof(id), "busbar-%.8s-l%04x", state->own_id,
               (unsigned)(hash_entropy() & 0xffff));
    options.clean = true;
    options.session_expiry_s = 0;
    struct mqtt_listen *listen = busbar_alloc(sizeof(*listen));
    listen->state = state;
    listen->events = events;
    listen->ctx = ctx;
    listen->wait_us = wait_us;
    listen->error = BUSBAR_ETIMEOUT;
    (void)str_copy(listen->words, sizeof(listen->words), "the broker does not answer");
    timer_init(&listen->timer, state->loop, on_time, listen);
    error = mqtt_client_open(state->loop, &options, &client_events, listen, &listen->client, err);
    tls_context_unref(options.target.tls);
    if (error != 0) {
        busbar_free(listen);
        return error;
    }
    const struct mqtt_topic_names names = { .base = NULL };
    error = mqtt_topics_each(topics, &names, subscribe, listen, err);
    if (error != 0) {
        listen->events = NULL;
        mqtt_client_close(listen->client);
        return error;
    }
    timer_start(&listen->timer, CONNECT_MS, 0);
    *out = listen;
    return 0;
}

void mqtt_listen_say(struct mqtt_listen *listen, const char *topic, const void *payload,
                     size_t size)
{
    const struct mqtt_publish message = { .topic = topic, .payload = payload, .size = size };
    (void)mqtt_client_publish(listen->client, &message, NULL, NULL);
}

void mqtt_listen_stop(struct mqtt_listen *listen)
{
    (void)str_copy(listen->words, sizeof(listen->words), "");
    finish(listen, BUSBAR_ECANCELED);
}
