/* SPDX-License-Identifier: Apache-2.0 */
/* Turns and time of the client: who asks next, how many at once, how long an answer may take, who is held back. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "drivers/modbus/modbus_client_private.h"

enum {
    SILENT_RECONNECT = 2, /* timeouts in a row for each user, then a new connection */
    SILENT_RECONNECT_MAX = 8,
    SHARE = 4, /* silent units get at most one part in so many of the time */
    HOLD_MAX_US = 30 * 1000 * 1000,
    GAP_SERIAL_US = 30 * 1000, /* RTU: a pause inside a frame that no serial driver makes */
    GAP_TCP_US = 250 * 1000,   /* the same for segments on their way */
};

static const int64_t relearn_us = INT64_C(3600) * CLOCK_US_PER_S;

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

/* A new connection begins with one request; so does one whose requests were lost together, until it is known
 * whether the device is gone or was asked too much at once. */
static unsigned window_now(const struct modbus_client *client)
{
    return client->answers == 0 || client->trial ? 1 : modbus_client_window(client);
}

void modbus_client_crowded(struct modbus_client *client)
{
    if (modbus_client_window(client) > 1) {
        client->learned_window = 1;
        client->learned_us = loop_now_us(client->loop);
        tell_learned(client, "requests in flight", 1);
    }
}

void client_relearn(struct modbus_client *client, int64_t now_us)
{
    if (client->learned_window > 0 && now_us - client->learned_us > relearn_us) {
        client->learned_window = 0;
        client->crowd_closings = 0;
        tell_learned(client, "requests in flight", modbus_client_window(client));
    }
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
        if (client->trial) {
            client->trial = false;
            modbus_client_crowded(client);
        }
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
    client->trial = exchange->crowded;
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

void client_fail_open(struct modbus_client *client, int error)
{
    for (unsigned i = 0; i < MODBUS_IN_FLIGHT_MAX; i++) {
        struct modbus_exchange *exchange = &client->slots[i];
        if (exchange->open) {
            close_slot(client, exchange);
            tell_answer(exchange, error, NULL);
        }
    }
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

/* RTU: when what was received so far will not go on any more. */
static int64_t gap_ends(const struct modbus_client *client)
{
    bool serial = client->config.transport == MODBUS_SERIAL;
    return client->input_us + (serial ? GAP_SERIAL_US : GAP_TCP_US) + 4 * client->character_us;
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
        int64_t gap_us = gap_ends(client);
        due_us = gap_us < due_us ? gap_us : due_us;
    }
    if (due_us != INT64_MAX) {
        arm(client, due_us);
    }
}

/* Sends what there is room for. */
void client_pump(struct modbus_client *client)
{
    int64_t now_us = loop_now_us(client->loop);
    int64_t held_us = INT64_MAX;
    unsigned window = window_now(client);
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

void client_timer(struct timer *timer, void *ctx)
{
    struct modbus_client *client = ctx;
    (void)timer;
    int64_t now_us = loop_now_us(client->loop);
    if (client->state != CLIENT_OPEN) {
        return;
    }
    if (client_is_rtu(client) && client->input_size > 0 && now_us >= gap_ends(client)) {
        client_gap(client);
    }
    expire_all(client, now_us);
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
