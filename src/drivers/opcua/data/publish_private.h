/* SPDX-License-Identifier: Apache-2.0 */
/* What publish.c (Publish requests, messages) and subscription.c (life of subscriptions) share. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_PUBLISH_PRIVATE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_PUBLISH_PRIVATE_H

#include "drivers/opcua/data/publish.h"
#include "drivers/opcua/link/notification.h"

/* A peer of the session. */
struct opcua_member {
    struct list link;
    struct opcua_peer *peer;
    bool up;
};

/* A message that came and is on its way to the disk. */
struct opcua_delivery {
    struct list link;                        /* subscription->deliveries */
    struct opcua_subscription *subscription; /* NULL: the server does not have it any more */
    uint32_t sequence;
    unsigned holds;
    bool failed;
};

/* A message that did not come. */
struct opcua_missing {
    struct list link;
    uint32_t sequence;
    int64_t due_us; /* monotonic: not asked for before */
    unsigned tries;
};

struct opcua_publisher {
    struct list members;
    struct list subscriptions;
    void **slot;
    struct loop *loop;
    struct timer timer;
    struct list requests; /* Publish requests under way */
    size_t open, most;
    bool up, transferring;
    bool asked_early;    /* a Publish failed: the next ones wait for the timer */
    UA_DateTime started; /* of the server, when the subscriptions were made */
    struct opcua_call *transfer;
    struct opcua_peer *transfer_peer;
    uint32_t *transfer_ids; /* asked for by it */
    size_t transfer_count;
    UA_SubscriptionAcknowledgement *acks;
    size_t ack_count, ack_capacity;
    int64_t round_trip_us;
};

/* ---- publish.c ---- */
/* The publisher of the peer's session, with the peer as a member. */
struct opcua_publisher *opcua_publisher_join(struct opcua_peer *peer);
/* Sends Publish requests up to what is wanted. */
void opcua_publisher_pump(struct opcua_publisher *publisher);
/* A message came, by Publish or Republish. */
void opcua_publisher_take(struct opcua_subscription *subscription,
                          const struct opcua_raw_message *message);
void opcua_publisher_ack(struct opcua_publisher *publisher, uint32_t id, uint32_t sequence);

/* ---- subscription.c ---- */
struct opcua_peer *opcua_publisher_peer(struct opcua_publisher *publisher); /* one that is up */
void opcua_subscription_create(struct opcua_subscription *subscription);
/* The server does not have it: told, and made anew. */
void opcua_subscription_gone(struct opcua_subscription *subscription, const char *why);
/* Messages from `from` up to `until` (not counted) did not come. */
void opcua_subscription_miss(struct opcua_subscription *subscription, uint32_t from, uint32_t until,
                             int64_t due_us);
/* Takes it off the list of missing ones; false: it was not on it. */
bool opcua_subscription_found(struct opcua_subscription *subscription, uint32_t sequence);
/* Asks for the next missing message, if it is time. */
void opcua_subscription_republish(struct opcua_subscription *subscription);
/* Nothing is being taken over any more. */
void opcua_transfer_end(struct opcua_publisher *publisher);
/* Deletes what the server has under this number. */
void opcua_subscription_delete(struct opcua_peer *peer, uint32_t id);

static inline uint32_t opcua_sequence_next(uint32_t sequence)
{
    return sequence == UINT32_MAX ? 1 : sequence + 1;
}

#endif
