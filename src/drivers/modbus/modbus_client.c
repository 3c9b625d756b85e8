/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of the client and its users. Turns and time are modbus_turns.c, what comes in is modbus_receive.c. */
#include "drivers/modbus/modbus_client.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/modbus/modbus_client_private.h"

enum {
    RETRY_MIN_MS = 250, /* between two tries to connect; the host paces each device itself */
    RETRY_MAX_MS = 2000,
    CONNECT_MIN_MS = 1000,
    CONNECT_MAX_MS = 4000,
    SILENCE_MS = 10000, /* unacknowledged bytes: the connection is dead */
    CROWD_CLOSINGS =
        3, /* connections lost with several requests in flight: one is too few to blame */
};

static void on_turn(void *ctx);
static void connect_now(struct modbus_client *client);

/* ---- life ---- */

static void copy_config(struct modbus_config *to, const struct modbus_config *from)
{
    *to = *from;
    to->serial.path = busbar_strdup(from->serial.path);
    to->ca_file = busbar_strdup(from->ca_file);
    to->cert_file = busbar_strdup(from->cert_file);
    to->key_file = busbar_strdup(from->key_file);
    to->server_name = busbar_strdup(from->server_name);
}

static void free_client(struct modbus_client *client)
{
    timer_stop(&client->timer);
    loop_defer_cancel(&client->turn);
    tls_context_unref(client->tls);
    busbar_free((char *)client->config.serial.path);
    busbar_free((char *)client->config.ca_file);
    busbar_free((char *)client->config.cert_file);
    busbar_free((char *)client->config.key_file);
    busbar_free((char *)client->config.server_name);
    busbar_free(client);
}

static int make_tls(const struct modbus_config *config, struct tls_context **tls, struct err *err)
{
    if (config->transport != MODBUS_TLS) {
        return 0;
    }
    struct tls_options options = { .ca_file = config->ca_file,
                                   .cert_file = config->cert_file,
                                   .key_file = config->key_file };
    return tls_context_new(&options, tls, err);
}

int modbus_client_get(struct list *clients, struct loop *loop, const struct modbus_config *config,
                      struct modbus_client **out, struct err *err)
{
    list_each(at, clients) {
        struct modbus_client *client = list_entry(at, struct modbus_client, link);
        if (!modbus_config_same_link(&client->config, config)) {
            continue;
        }
        if (!modbus_config_same_line(&client->config, config)) {
            return err_set(err, BUSBAR_ECONFLICT, "%s is open with another baud or format",
                           config->serial.path);
        }
        *out = client;
        return 0;
    }
    struct tls_context *tls = NULL;
    int error = make_tls(config, &tls, err);
    if (error != 0) {
        return error;
    }
    struct modbus_client *client = busbar_alloc(sizeof(*client));
    client->loop = loop;
    client->tls = tls;
    copy_config(&client->config, config);
    list_init(&client->users);
    list_init(&client->ready);
    list_append(clients, &client->link);
    timer_init(&client->timer, loop, client_timer, client);
    loop_deferred_init(&client->turn, on_turn, client);
    uint64_t seed = hash_text(config->transport == MODBUS_SERIAL ? config->serial.path
                                                                 : config->host.host);
    backoff_init(&client->backoff, RETRY_MIN_MS, RETRY_MAX_MS, seed ^ config->host.port);
    client->quiet_us = modbus_config_quiet_us(config);
    if (config->transport == MODBUS_SERIAL) {
        client->character_us = 11 * CLOCK_US_PER_S / config->serial.baud + 1;
    }
    client->echo = (enum client_echo)config->echo;
    *out = client;
    return 0;
}

void modbus_client_attach(struct modbus_client *client, struct modbus_user *user)
{
    assert(user->client == NULL && !client->dying);
    user->client = client;
    user->silent = 0;
    user->held_until_us = 0;
    list_append(&client->users, &user->link);
    list_init(&user->ready);
    client->user_count++;
}

void modbus_client_detach(struct modbus_user *user)
{
    struct modbus_client *client = user->client;
    for (unsigned i = 0; i < MODBUS_IN_FLIGHT_MAX; i++) {
        if (client->slots[i].user == user) {
            client->slots[i].user = NULL;
        }
    }
    list_remove(&user->ready);
    list_remove(&user->link);
    user->client = NULL;
    client->user_count--;
    if (client->user_count > 0) {
        return;
    }
    client->dying = true;
    list_remove(&client->link);
    timer_stop(&client->timer);
    if (client->stream != NULL) {
        client->state = CLIENT_CLOSING;
        stream_close(client->stream);
    } else {
        loop_defer(client->loop, &client->turn);
    }
}

/* ---- telling the users ---- */

void client_frame(struct modbus_client *client, struct modbus_user *user, bool sent,
                  const void *data, size_t size)
{
    (void)client;
    if (user != NULL && user->ops->frame != NULL) {
        user->ops->frame(user, sent, data, size);
    }
}

void client_bad_frame(struct modbus_client *client, struct modbus_user *user, const void *data,
                      size_t size, const char *reason)
{
    if (user != NULL) {
        if (user->ops->bad_frame != NULL) {
            user->ops->bad_frame(user, data, size, reason);
        }
        return;
    }
    list_each(at, &client->users) {
        struct modbus_user *each = list_entry(at, struct modbus_user, link);
        if (each->ops->bad_frame != NULL) {
            each->ops->bad_frame(each, data, size, reason);
        }
    }
}

/* A user may detach (and others with it) when told, so the list is walked over a copy of its order. */
static void tell_link(struct modbus_client *client, bool up, int error, const char *detail)
{
    struct list told;
    list_init(&told);
    list_move_all(&told, &client->users);
    while (!list_empty(&told)) {
        struct modbus_user *user = list_entry(list_shift(&told), struct modbus_user, link);
        list_append(&client->users, &user->link);
        if (user->ops->link != NULL) {
            user->ops->link(user, up, error, detail);
        }
    }
}

/* ---- connection ---- */

static void on_opened(void *ctx)
{
    struct modbus_client *client = ctx;
    client->state = CLIENT_OPEN;
    client->answers = 0;
    client->silent = 0;
    client->strays = 0;
    client->trial = false;
    client->retry_us = 0;
    client->input_size = 0;
    client->late_count = 0;
    client->late_at = 0;
    client->rest_until_us = loop_now_us(client->loop) + client->quiet_us;
    tell_link(client, true, 0, NULL);
    loop_defer(client->loop, &client->turn);
}

static void on_data(void *ctx, const uint8_t *data, size_t size)
{
    struct modbus_client *client = ctx;
    client_received(client, data, size);
    loop_defer(client->loop, &client->turn);
}

static void connect_failed(struct modbus_client *client, int error, const char *detail)
{
    client->error = error;
    str_copy(client->detail, sizeof(client->detail), detail);
    client->retry_us = loop_now_us(client->loop) +
                       backoff_next_ms(&client->backoff) * CLOCK_US_PER_MS;
    tell_link(client, false, error, client->detail);
}

static void on_closed(void *ctx, int error, const char *detail)
{
    struct modbus_client *client = ctx;
    bool worked = client->answers > 0;
    bool on_purpose = client->state == CLIENT_CLOSING && error == 0 && client->error == 0;
    client->stream = NULL;
    client->state = CLIENT_IDLE;
    client->answers = 0;
    if (client->dying) {
        free_client(client);
        return;
    }
    if (client->error != 0) { /* we gave it up */
        error = client->error;
        detail = client->detail;
    } else if (error == 0 && !on_purpose) {
        error = BUSBAR_ECLOSED;
    }
    if (!on_purpose && client->open_count > 1 && ++client->crowd_closings >= CROWD_CLOSINGS) {
        modbus_client_crowded(client);
    }
    bool idle = client->open_count == 0 && list_empty(&client->ready);
    client_fail_open(client, on_purpose ? BUSBAR_ECLOSED : error);
    if (client->dying) {
        return; /* its turn frees it */
    }
    if (worked) {
        backoff_reset(&client->backoff);
    }
    bool by_device = worked && (error == BUSBAR_ECLOSED || error == BUSBAR_ERESET);
    if (idle && (on_purpose || by_device)) {
        tell_link(client, false, 0, NULL); /* many devices close an idle connection */
    } else if (on_purpose || worked) {
        connect_now(client); /* one try at once; said only if it fails */
    } else {
        char words[STREAM_DETAIL_MAX];
        str_copy(words, sizeof(words), detail); /* detail may be the client's own */
        connect_failed(client, error, words);
    }
}

static const struct stream_events events = { .opened = on_opened,
                                             .data = on_data,
                                             .closed = on_closed };

static uint32_t connect_timeout_ms(const struct modbus_client *client)
{
    int64_t ms = 3 * client->config.timeout_us / CLOCK_US_PER_MS;
    ms = ms > CONNECT_MIN_MS ? ms : CONNECT_MIN_MS;
    return (uint32_t)(ms < CONNECT_MAX_MS ? ms : CONNECT_MAX_MS);
}

static void connect_now(struct modbus_client *client)
{
    static const enum stream_kind kinds[] = { [MODBUS_TCP] = STREAM_TCP,
                                              [MODBUS_RTU_TCP] = STREAM_TCP,
                                              [MODBUS_TLS] = STREAM_TLS,
                                              [MODBUS_SERIAL] = STREAM_SERIAL };
    struct stream_target target = {
        .kind = kinds[client->config.transport],
        .host = client->config.host.host,
        .port = client->config.host.port,
        .serial = client->config.serial,
        .tls = client->tls,
        .server_name = client->config.server_name,
        .connect_timeout_ms = connect_timeout_ms(client),
        .silence_timeout_ms = SILENCE_MS,
    };
    assert(client->stream == NULL);
    client->error = 0;
    client->state = CLIENT_CONNECTING;
    int error = stream_open(client->loop, &target, &events, client, &client->stream);
    if (error != 0) {
        client->stream = NULL;
        client->state = CLIENT_IDLE;
        connect_failed(client, error, err_text(error));
    }
}

void client_abandon(struct modbus_client *client, int error, const char *reason)
{
    if (client->state != CLIENT_OPEN) {
        return;
    }
    client->error = error;
    str_copy(client->detail, sizeof(client->detail), reason);
    client->state = CLIENT_CLOSING;
    stream_close(client->stream);
}

static bool wants_close(const struct modbus_client *client)
{
    if (!list_empty(&client->ready) || client->open_count > 0 || client->answers == 0) {
        return false;
    }
    list_each(at, &client->users) {
        if (!list_entry(at, const struct modbus_user, link)->close_when_idle) {
            return false;
        }
    }
    return true;
}

static bool is_probed(const struct modbus_client *client)
{
    list_each(at, &client->ready) {
        if (list_entry(at, const struct modbus_user, ready)->probing) {
            return true;
        }
    }
    return false;
}

static void on_turn(void *ctx)
{
    struct modbus_client *client = ctx;
    if (client->dying) {
        if (client->stream == NULL) {
            free_client(client);
        }
        return;
    }
    int64_t now_us = loop_now_us(client->loop);
    client_relearn(client, now_us);
    if (client->state == CLIENT_IDLE && !list_empty(&client->ready)) {
        if (now_us >= client->retry_us || is_probed(client)) {
            connect_now(client);
        } else {
            tell_link(client, false, client->error, client->detail);
        }
    } else if (client->state == CLIENT_OPEN) {
        client_pump(client);
        if (client->state == CLIENT_OPEN && wants_close(client)) {
            client->state = CLIENT_CLOSING;
            stream_close(client->stream);
        }
    }
}

bool modbus_client_is_up(const struct modbus_client *client)
{
    return client->state == CLIENT_OPEN;
}

void modbus_client_wake(struct modbus_user *user)
{
    struct modbus_client *client = user->client;
    if (list_empty(&user->ready)) {
        list_append(&client->ready, &user->ready);
    }
    loop_defer(client->loop, &client->turn);
}
