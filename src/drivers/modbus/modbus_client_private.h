/* SPDX-License-Identifier: Apache-2.0 */
/* What modbus_client.c (connection, users), modbus_turns.c (who asks when) and modbus_receive.c (bytes -> answers)
 * share. */
#ifndef BUSBAR_DRIVERS_MODBUS_CLIENT_PRIVATE_H
#define BUSBAR_DRIVERS_MODBUS_CLIENT_PRIVATE_H

#include "drivers/modbus/modbus_client.h"
#include "net/backoff.h"
#include "net/stream.h"
#include "net/timer.h"

enum {
    CLIENT_LATE_MAX = 32,    /* timed-out transactions remembered */
    CLIENT_STRAYS_MAX = 16,  /* answers to nothing in a row, then reconnect */
    CLIENT_INPUT_MAX = 1024, /* RTU: bytes kept while a frame is looked for */
};

enum client_state { CLIENT_IDLE, CLIENT_CONNECTING, CLIENT_OPEN, CLIENT_CLOSING };
enum client_echo { ECHO_UNKNOWN, ECHO_YES, ECHO_NO };

struct modbus_client {
    struct list link; /* of the driver's list; out of it once the last user left */
    struct loop *loop;
    struct modbus_config config; /* texts owned */
    struct tls_context *tls;
    struct stream *stream;
    enum client_state state;
    struct list users, ready;
    size_t user_count;
    struct modbus_exchange slots[MODBUS_IN_FLIGHT_MAX];
    unsigned open_count;
    uint16_t sequence;
    uint8_t learned_window; /* 0: none */
    int64_t learned_us;     /* when */
    struct timer timer;
    struct loop_deferred turn;
    struct backoff backoff;
    int64_t retry_us; /* no new connection before */
    int error;        /* why the last connection ended */
    char detail[STREAM_DETAIL_MAX];
    int64_t quiet_us, character_us;
    int64_t rest_until_us;  /* nothing is sent before */
    int64_t last_answer_us; /* a sound one */
    uint64_t answers;       /* on this connection */
    unsigned silent, strays, crowd_closings;
    bool trial; /* several were lost together: one at a time to see why */
    bool dying, parsing;
    uint16_t late[CLIENT_LATE_MAX];
    size_t late_count, late_at;
    enum client_echo echo;
    uint8_t sent[MODBUS_RTU_MAX]; /* RTU: the request in flight */
    size_t sent_size;
    bool echo_due; /* its echo has not come yet */
    uint8_t input[CLIENT_INPUT_MAX];
    size_t input_size;
    int64_t input_us; /* when the last byte came */
};

/* ---- modbus_turns.c ---- */
/* An exchange is over: frees its slot, tells its user. */
void client_answered(struct modbus_client *client, struct modbus_exchange *exchange, int error,
                     const struct modbus_reply *reply);
/* All open exchanges are over. */
void client_fail_open(struct modbus_client *client, int error);
/* Sends what there is room for, and sets the timer for what is due next. */
void client_pump(struct modbus_client *client);
/* A window learned an hour ago is tried again. */
void client_relearn(struct modbus_client *client, int64_t now_us);
void client_timer(struct timer *timer, void *ctx);

/* ---- modbus_client.c ---- */
/* Closes for a reason of ours: open exchanges end with `error`. */
void client_abandon(struct modbus_client *client, int error, const char *reason);
void client_frame(struct modbus_client *client, struct modbus_user *user, bool sent,
                  const void *data, size_t size);
/* user NULL: told to all. */
void client_bad_frame(struct modbus_client *client, struct modbus_user *user, const void *data,
                      size_t size, const char *reason);

/* ---- modbus_receive.c ---- */
void client_received(struct modbus_client *client, const uint8_t *data, size_t size);
/* RTU: no byte for a while; what waits for more will not get it. */
void client_gap(struct modbus_client *client);
/* Writes the frame of an exchange. Returns its size. */
size_t client_encode(struct modbus_client *client, const struct modbus_exchange *exchange,
                     uint8_t frame[MODBUS_TCP_MAX]);

static inline bool client_is_rtu(const struct modbus_client *client)
{
    return modbus_config_is_rtu(&client->config);
}

#endif
