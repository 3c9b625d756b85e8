/* SPDX-License-Identifier: Apache-2.0 */
/* Connection, turns and time of the client; what comes in is modbus_receive.c. */
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
    SILENCE_MS = 10000,   /* unacknowledged bytes: the connection is dead */
    SILENT_RECONNECT = 2, /* timeouts in a row for each user, then a new connection */
    SILENT_RECONNECT_MAX = 8,
    SHARE = 4, /* silent units get at most one part in so many of the time */
    HOLD_MAX_US = 30 * 1000 * 1000,
    GAP_US = 30 * 1000, /* RTU: a pause inside a frame that operating systems never make */
    RELEARN_US_HOURS = 1,
};

static const int64_t relearn_us = INT64_C(3600) * CLOCK_US_PER_S * RELEARN_US_HOURS;

static void on_timer(struct timer *timer, void *ctx);
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
        if (modbus_config_same_link(&client->config, config)) {
            *out = client;
            return 0;
        }
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
    timer_init(&client->timer, loop, on_timer, client);
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

static void tell_learned(struct modbus_client *client, const char *name, int64_t value)
{
    list_each(at, &client->users) {
        struct modbus_user *user = list_entry(at, struct modbus_user, link);
        if (user->ops->learned != NULL) {
            user->ops->learned(user, name, value);
        }
    }
}

/* ---- the window ---- */

unsigned modbus_client_window(const struct modbus_client *client)
{
    if (client_is_rtu(client)) {
        return 1;
    }
    unsigned window = client->user_count > 1 ? 1 : MODBUS_IN_FLIGHT_AUTO;
    bool set = false;
    list_each(at, &client->users) {
        const struct modbus_user *user = list_entry(at, const struct modbus_user, link);
        if (user->in_flight > 0 && (!set || user->in_flight < window)) {
            window = user->in_flight;
            set = true;
        }
    }
    if (client->learned_window > 0 && client->learned_window < window) {
        window = client->learned_window;
    }
    return window;
}

void modbus_client_crowded(struct modbus_client *client)
{
    if (modbus_client_window(client) > 1) {
        client->learned_window = 1;
        client->learned_us = loop_now_us(client->loop);
        tell_learned(client, "requests in flight", 1);
    }
}

bool modbus_client_is_up(const struct modbus_client *client)
{
    return client->state == CLIENT_OPEN;
}

/* ---- exchanges ---- */

static void close_slot(struct modbus_client *client, struct modbus_exchange *exchange)
{
    assert(exchange->open);
    exchange->open = false;
    client->open_count--;
}

static void tell_answer(struct modbus_exchange *exchange, int error,
                        const struct modbus_reply *reply)
{
    struct modbus_user *user = exchange->user;
    exchange->user = NULL;
    if (user != NULL && !exchange->forgotten) {
        user->ops->answered(user, exchange, error, reply);
    }
}

void client_answered(struct modbus_client *client, struct modbus_exchange *exchange, int error,
                     const struct modbus_reply *reply)
{
    int64_t now_us = loop_now_us(client->loop);
    close_slot(client, exchange);
    client->last_answer_us = now_us;
    client->rest_until_us = now_us + client->quiet_us;
    if (exchange->user != NULL) {
        int64_t rest_us = now_us + exchange->user->pause_us;
        client->rest_until_us = rest_us > client->rest_until_us ? rest_us : client->rest_until_us;
    }
    if (error == 0) {
        client->answers++;
        client->silent = 0;
        client->strays = 0;
        if (exchange->user != NULL) {
            exchange->user->silent = 0;
        }
    }
    tell_answer(exchange, error, reply);
}

static size_t silent_users(const struct modbus_client *client)
{
    size_t count = 0;
    list_each(at, &client->users) {
        count += list_entry(at, const struct modbus_user, link)->silent > 0;
    }
    return count;
}

/* How long a user that did not answer waits for its next turn. */
static int64_t hold_time(const struct modbus_client *client, const struct modbus_exchange *exchange)
{
    int64_t hold_us = client_is_rtu(client) ? exchange->timeout_us : 0;
    if (client->user_count > 1 && exchange->user->silent > 1) {
        hold_us = exchange->timeout_us * (int64_t)(1 + SHARE * silent_users(client));
    }
    return hold_us < HOLD_MAX_US ? hold_us : HOLD_MAX_US;
}

static int64_t due_time(const struct modbus_client *client, const struct modbus_exchange *exchange)
{
    int64_t from_us = exchange->sent_us > client->last_answer_us ? exchange->sent_us
                                                                 : client->last_answer_us;
    int64_t most_us = exchange->sent_us + exchange->timeout_us * (1 + exchange->ahead);
    int64_t due_us = from_us + exchange->timeout_us;
    return due_us < most_us ? due_us : most_us;
}

static void expire(struct modbus_client *client, struct modbus_exchange *exchange, int64_t now_us)
{
    client->late[client->late_at] = exchange->transaction;
    client->late_at = (client->late_at + 1) % CLIENT_LATE_MAX;
    client->late_count += client->late_count < CLIENT_LATE_MAX;
    bool probing = exchange->user != NULL && exchange->user->probing;
    exchange->crowded = exchange->ahead > 0 || client->open_count > 1;
    client->silent += !probing && !exchange->crowded;
    if (exchange->crowded) {
        modbus_client_crowded(client);
    }
    if (exchange->user != NULL && !probing) {
        exchange->user->silent += !exchange->crowded;
        exchange->user->held_until_us = now_us + hold_time(client, exchange);
    }
    close_slot(client, exchange);
    tell_answer(exchange, BUSBAR_ETIMEOUT, NULL);
}

static void expire_all(struct modbus_client *client, int64_t now_us)
{
    for (unsigned i = 0; i < MODBUS_IN_FLIGHT_MAX && client->state == CLIENT_OPEN; i++) {
        struct modbus_exchange *exchange = &client->slots[i];
        if (exchange->open && due_time(client, exchange) <= now_us) {
            expire(client, exchange, now_us);
        }
    }
    size_t most = SILENT_RECONNECT * client->user_count;
    most = most < SILENT_RECONNECT_MAX ? most : SILENT_RECONNECT_MAX;
    if (client->state == CLIENT_OPEN && client->config.transport != MODBUS_SERIAL &&
        client->silent >= most && client->open_count == 0) {
        client_abandon(client, BUSBAR_ETIMEOUT, "nothing answers on this connection");
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

static void fail_open(struct modbus_client *client, int error)
{
    for (unsigned i = 0; i < MODBUS_IN_FLIGHT_MAX; i++) {
        struct modbus_exchange *exchange = &client->slots[i];
        if (exchange->open) {
            close_slot(client, exchange);
            tell_answer(exchange, error, NULL);
        }
    }
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
    if (!on_purpose && client->open_count > 1) {
        modbus_client_crowded(client);
    }
    bool idle = client->open_count == 0 && list_empty(&client->ready);
    fail_open(client, on_purpose ? BUSBAR_ECLOSED : error);
    if (client->dying) {
        return; /* its turn frees it */
    }
    if (worked) {
        backoff_reset(&client->backoff);
    }
    if (idle && (on_purpose || worked)) {
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

/* ---- turns ---- */

/* Whose turn it is: a write first, else round. NULL: nobody's; *until_us is when a held one may. */
static struct modbus_user *pick(struct modbus_client *client, int64_t now_us, int64_t *until_us)
{
    struct modbus_user *first = NULL;
    list_each(at, &client->ready) {
        struct modbus_user *user = list_entry(at, struct modbus_user, ready);
        if (user->urgent && (user->held_until_us <= now_us || user->silent > 0)) {
            return user;
        }
        if (user->held_until_us > now_us) {
            *until_us = user->held_until_us < *until_us ? user->held_until_us : *until_us;
        } else if (first == NULL) {
            first = user;
        }
    }
    return first;
}

static void send_exchange(struct modbus_client *client, struct modbus_exchange *exchange,
                          int64_t now_us)
{
    uint8_t frame[MODBUS_TCP_MAX];
    size_t size = client_encode(client, exchange, frame);
    exchange->sent_us = now_us + (int64_t)size * client->character_us;
    if (client_is_rtu(client)) {
        memcpy(client->sent, frame, size);
        client->sent_size = size;
        client->echo_due = true;
        client->input_size = 0;
        stream_discard_input(client->stream);
    }
    client_frame(client, exchange->user, true, frame, size);
    int error = stream_send(client->stream, frame, size);
    if (error != 0 && error != BUSBAR_ENOTCONN) {
        client_abandon(client, error, "the request could not be sent");
    }
}

/* False: nothing was sent. */
static bool send_next(struct modbus_client *client, struct modbus_user *user, int64_t now_us)
{
    unsigned index = 0;
    while (client->slots[index].open) {
        index++;
    }
    struct modbus_exchange *exchange = &client->slots[index];
    *exchange = (struct modbus_exchange){ .user = user, .ahead = (uint8_t)client->open_count };
    list_remove(&user->ready);
    if (!user->ops->next(user, exchange)) {
        exchange->user = NULL;
        return false;
    }
    list_append(&client->ready, &user->ready);
    client->sequence++;
    exchange->transaction = (uint16_t)(client->sequence * MODBUS_IN_FLIGHT_MAX + index);
    exchange->open = true;
    client->open_count++;
    send_exchange(client, exchange, now_us);
    return true;
}

static bool alone(const struct modbus_client *client)
{
    for (unsigned i = 0; i < MODBUS_IN_FLIGHT_MAX; i++) {
        if (client->slots[i].open && client->slots[i].write) {
            return true;
        }
    }
    return false;
}

static void arm(struct modbus_client *client, int64_t due_us)
{
    if (!timer_running(&client->timer) || timer_due_us(&client->timer) > due_us) {
        timer_start_at_us(&client->timer, due_us, 0);
    }
}

/* The next time something is due; the timer may run earlier, it then looks again. */
static void arm_all(struct modbus_client *client, int64_t held_us)
{
    int64_t due_us = held_us;
    for (unsigned i = 0; i < MODBUS_IN_FLIGHT_MAX && client->open_count > 0; i++) {
        if (client->slots[i].open) {
            int64_t slot_us = due_time(client, &client->slots[i]);
            due_us = slot_us < due_us ? slot_us : due_us;
        }
    }
    if (client_is_rtu(client) && client->input_size > 0) {
        int64_t gap_us = client->input_us + GAP_US + 4 * client->character_us;
        due_us = gap_us < due_us ? gap_us : due_us;
    }
    if (due_us != INT64_MAX) {
        arm(client, due_us);
    }
}

/* Sends what there is room for. */
static void pump(struct modbus_client *client)
{
    int64_t now_us = loop_now_us(client->loop);
    int64_t held_us = INT64_MAX;
    unsigned window = modbus_client_window(client);
    while (client->state == CLIENT_OPEN && client->open_count < window &&
           !list_empty(&client->ready) && !alone(client)) {
        if (client->rest_until_us > now_us) {
            held_us = client->rest_until_us;
            break;
        }
        struct modbus_user *user = pick(client, now_us, &held_us);
        if (user == NULL || (user->urgent && client->open_count > 0)) {
            break;
        }
        (void)send_next(client, user, now_us);
    }
    if (client->state == CLIENT_OPEN) {
        arm_all(client, held_us);
    }
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
    if (client->learned_window > 0 && now_us - client->learned_us > relearn_us) {
        client->learned_window = 0;
        tell_learned(client, "requests in flight", modbus_client_window(client));
    }
    if (client->state == CLIENT_IDLE && !list_empty(&client->ready)) {
        if (now_us >= client->retry_us) {
            connect_now(client);
        } else {
            tell_link(client, false, client->error, client->detail);
        }
    } else if (client->state == CLIENT_OPEN) {
        pump(client);
        if (client->state == CLIENT_OPEN && wants_close(client)) {
            client->state = CLIENT_CLOSING;
            stream_close(client->stream);
        }
    }
}

static void on_timer(struct timer *timer, void *ctx)
{
    struct modbus_client *client = ctx;
    (void)timer;
    int64_t now_us = loop_now_us(client->loop);
    if (client->state != CLIENT_OPEN) {
        return;
    }
    if (client_is_rtu(client) && client->input_size > 0 &&
        now_us >= client->input_us + GAP_US + 4 * client->character_us) {
        client_gap(client);
    }
    expire_all(client, now_us);
    loop_defer(client->loop, &client->turn);
}

void modbus_client_wake(struct modbus_user *user)
{
    struct modbus_client *client = user->client;
    if (list_empty(&user->ready)) {
        list_append(&client->ready, &user->ready);
    }
    loop_defer(client->loop, &client->turn);
}

unsigned modbus_client_forget(struct modbus_user *user, const void *job,
                              struct modbus_span spans[MODBUS_IN_FLIGHT_MAX])
{
    struct modbus_client *client = user->client;
    unsigned count = 0;
    for (unsigned i = 0; client != NULL && i < MODBUS_IN_FLIGHT_MAX; i++) {
        struct modbus_exchange *exchange = &client->slots[i];
        if (exchange->open && exchange->user == user && exchange->job == job &&
            !exchange->forgotten) {
            exchange->forgotten = true;
            if (spans != NULL) {
                spans[count] = exchange->span;
            }
            count++;
        }
    }
    return count;
}

void modbus_client_hold(struct modbus_user *user, int64_t delay_us)
{
    int64_t until_us = loop_now_us(user->client->loop) + delay_us;
    user->held_until_us = until_us > user->held_until_us ? until_us : user->held_until_us;
}
