/* SPDX-License-Identifier: Apache-2.0 */
/* The client: one connection to one target (TCP, RTU over TCP, TLS, serial line) and the exchanges on it.
 *
 * Its users are the units behind the target, one for each device, and the tests of devices. Users are
 * asked in turn for their next request when there is room for one, so a user with many requests gets
 * no more than its share; one that does not answer is held back for longer and longer when others
 * share the line, so all silent units together take at most a quarter of the time.
 *
 *   in flight   RTU: one. TCP: up to the window; a lost or refused-as-busy answer brings it down to one,
 *               which is learned and tried again after an hour. Writes go alone and before reads.
 *   matching    TCP: transaction, unit, function, byte count. A late answer is known by its transaction;
 *               an answer with the right transaction and the wrong rest ends the connection.
 *               RTU: unit, function, byte count, checksum; after a timeout the same unit is not asked again
 *               for one more timeout, so that its late answer meets no question that it seems to fit.
 *   resync      TCP: a broken header ends the connection. RTU: search for the next sound frame.
 *
 * Loop thread only. No allocation per exchange. */
#ifndef BUSBAR_DRIVERS_MODBUS_CLIENT_H
#define BUSBAR_DRIVERS_MODBUS_CLIENT_H

#include "base/list.h"
#include "drivers/modbus/modbus_codec.h"
#include "drivers/modbus/modbus_config.h"
#include "drivers/modbus/modbus_plan.h"

struct modbus_client;
struct modbus_user;

struct modbus_exchange {
    /* set by next() */
    struct modbus_ask ask; /* its data lives until the answer, or modbus_client_forget() */
    uint8_t unit;
    bool write; /* goes alone */
    int64_t timeout_us;
    void *job;               /* the user's */
    struct modbus_span span; /* the user's */
    /* told to answered() */
    bool crowded; /* lost while others were in flight: ask again, one at a time */
    /* the client's */
    struct modbus_user *user;
    int64_t sent_us;
    uint16_t transaction;
    uint8_t ahead; /* exchanges in flight when it was sent */
    bool open, forgotten;
};

/* All but next and answered may be NULL. None may call modbus_client_detach() but from answered and link. */
struct modbus_user_ops {
    /* There is room for a request: fill it in. False: nothing to send; modbus_client_wake() when there is. */
    bool (*next)(struct modbus_user *user, struct modbus_exchange *exchange);
    /* Exactly once for each next() that gave true. error 0: reply is set (its data valid until return;
     * it may be an exception); else BUSBAR_ETIMEOUT, BUSBAR_EPROTO, or why the connection ended. */
    void (*answered)(struct modbus_user *user, const struct modbus_exchange *exchange, int error,
                     const struct modbus_reply *reply);
    /* The connection is up, or could not be made: then what is queued has to be given up. */
    void (*link)(struct modbus_user *user, bool up, int error, const char *detail);
    void (*frame)(struct modbus_user *user, bool sent, const void *data, size_t size);
    void (*bad_frame)(struct modbus_user *user, const void *data, size_t size, const char *reason);
    /* Something was learned: "requests in flight", "echo". */
    void (*learned)(struct modbus_user *user, const char *name, int64_t value);
};

struct modbus_user {
    /* set before attach */
    const struct modbus_user_ops *ops;
    uint8_t in_flight; /* the setting; 0 = as many as the device bears */
    uint8_t unit;      /* for the words about frames that nobody asked for */
    int64_t pause_us;
    bool close_when_idle;
    bool probing; /* a test that asks units that may not be there: not held back, not counted */
    /* changed any time */
    bool urgent; /* next() has a write to give */
    /* the client's */
    struct modbus_client *client; /* NULL: not attached */
    struct list link, ready;
    int64_t held_until_us;
    uint32_t silent; /* timeouts since the last answer */
};

/* The client of the target that config names, from the list or new. TLS files are read here: BUSBAR_ETLS,
 * BUSBAR_ENOENT; BUSBAR_ECONFLICT: the serial line is in use with another baud or format; err filled. A new client
 * has no users; attach one. */
int modbus_client_get(struct list *clients, struct loop *loop, const struct modbus_config *config,
                      struct modbus_client **out, struct err *err);

/* The user's requests are asked for from now on. Does not connect: modbus_client_wake(). */
void modbus_client_attach(struct modbus_client *client, struct modbus_user *user);

/* Its open exchanges are not told any more. The client of the last user closes and frees itself. */
void modbus_client_detach(struct modbus_user *user);

/* The user has something to send, or wants the connection to be up. Connects when it is not. next() runs later, never
 * from inside. When the last try failed a moment ago, ops->link(false) comes instead of a new try, but for a probing user. */
void modbus_client_wake(struct modbus_user *user);

/* Forgets the exchanges of a job: answered() is not called for them. Returns how many there were, and what
 * they asked for (spans may be NULL). */
unsigned modbus_client_forget(struct modbus_user *user, const void *job,
                              struct modbus_span spans[MODBUS_IN_FLIGHT_MAX]);

/* The user's next requests wait so long (a device that said it is busy). */
void modbus_client_hold(struct modbus_user *user, int64_t delay_us);

/* The device could not bear several requests: one at a time from now on. */
void modbus_client_crowded(struct modbus_client *client);

bool modbus_client_is_up(const struct modbus_client *client);
unsigned modbus_client_window(const struct modbus_client *client);

#endif
