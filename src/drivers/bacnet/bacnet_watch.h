/* SPDX-License-Identifier: Apache-2.0 */
/* The subscriptions of one device, for bacnet_cov.c (asking for them) and bacnet_watch.c (whether they still hold,
 * and their end). */
#ifndef BUSBAR_DRIVERS_BACNET_WATCH_H
#define BUSBAR_DRIVERS_BACNET_WATCH_H

#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/service/subscribe_cov.h"

enum bacnet_subscription_state {
    BACNET_COV_WAITING,
    BACNET_COV_ASKED,
    BACNET_COV_ACTIVE,
    BACNET_COV_REFUSED
};

struct bacnet_subscription {
    struct heap_node node; /* watch->due, but while it is asked for */
    int64_t due_us;
    int64_t renew_us; /* when it is due, but for a suspicion */
    uint32_t point;
    uint8_t state;    /* enum bacnet_subscription_state */
    bool suspect;     /* a poll read what was not notified (yet) */
    bool unconfirmed; /* confirmed notifications were refused */
    bool plain;       /* SubscribeCOVProperty was refused: without an increment */
};

struct bacnet_cov_ask {
    struct bacnet_ask ask; /* first */
    struct bacnet_watch *watch;
    struct bacnet_subscription *subscription; /* NULL: idle */
    uint8_t data[BACNET_SUBSCRIBE_COV_MAX];
};

struct bacnet_watch {
    struct bacnet_device *device;
    struct bacnet_subscription *subscriptions;
    size_t count, active, refused;
    struct heap due;
    struct timer timer, tell_timer, again_timer, stop_timer;
    struct bacnet_cov_ask asks[BACNET_COV_ASKS_MAX];
    bool running;
    int64_t again_us; /* when all were last made again */
    uint64_t random;
    uint32_t *changed; /* for telling the host; count long */
    /* stopping */
    void (*stopped)(struct bacnet_device *device);
    size_t cancelled; /* subscriptions that were looked at */
};

/* ---- bacnet_cov.c ---- */
/* Asks for what is due, as far as there is room. */
void bacnet_watch_pump(struct bacnet_watch *watch);
void bacnet_watch_ask(struct bacnet_cov_ask *ask, struct bacnet_subscription *subscription,
                      bool cancel);
/* Their subscriptions wait again. */
void bacnet_watch_cancel_asks(struct bacnet_watch *watch);
/* Which points are watched has changed. */
void bacnet_watch_tell_soon(struct bacnet_watch *watch);

/* ---- bacnet_watch.c ---- */
/* While stopping: cancels the next subscription, or ends it. */
void bacnet_watch_cancel_next(struct bacnet_cov_ask *idle);

#endif
