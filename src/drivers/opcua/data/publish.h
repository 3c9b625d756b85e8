/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions of one session and the Publish requests that feed them (Part 4, 5.14). OPC UA thread only.
 *
 * A session has one stream of Publish answers for all that is subscribed in it, whoever did: so there is one
 * *publisher* a session, shared by its seats. A *subscription* belongs to a part of a device (values: subscribe.h,
 * alarms: alarm.h), which embeds it and hears of it by events; what it monitors is its own business.
 *
 *   open -> CreateSubscription -> ready -> message, message ... -> lost -> ready ...      until closed
 *
 * Messages are numbered. One that is missing is asked for again (Republish); one that the server does not have any
 * more is a gap, told with its times. A message is acknowledged when everything in it is on disk (struct
 * opcua_delivery), not before. A new session takes the subscriptions over (TransferSubscriptions); what the server
 * does not hand over is made anew. A subscription that is silent for longer than its keep-alive is dead, whatever the server
 * says. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_PUBLISH_H
#define BUSBAR_DRIVERS_OPCUA_DATA_PUBLISH_H

#include "base/list.h"
#include "drivers/opcua/data/peer.h"
#include "net/timer.h"

enum {
    OPCUA_PUBLISH_MIN = 2, /* Publish requests under way */
    OPCUA_PUBLISH_MAX = 16,
    OPCUA_REPUBLISH_MAX = 256, /* missing messages asked for again, of one subscription */
    OPCUA_LIFETIME_S = 60,     /* how long a subscription outlives its link, at least */
};

struct opcua_publisher;
struct opcua_subscription;

struct opcua_subscription_events {
    /* The server has it, and there is nothing in it: monitor. */
    void (*ready)(void *ctx);
    /* A notification: UA_DataChangeNotification or UA_EventNotificationList, decoded, borrowed for the call. Hold the
     * delivery for whatever goes on its way home. */
    void (*notified)(void *ctx, const UA_ExtensionObject *data, struct opcua_delivery *delivery);
    /* It is gone with all its items, why in words; ready() follows when it was made anew. Also when the link is up
     * again and the server did not keep it. */
    void (*lost)(void *ctx, const char *why);
    /* The server will have none: poll. Tried again at the next connect. */
    void (*refused)(void *ctx, const struct opcua_trouble *why);
    /* Messages between these times (wall) are lost for good. */
    void (*gap)(void *ctx, int64_t from_us, int64_t until_us);
};

/* Embedded by its owner, zeroed; all but `ctx` and `events` is the publisher's. */
struct opcua_subscription {
    struct list link;
    struct opcua_publisher *publisher;
    struct opcua_peer *peer;
    const struct opcua_subscription_events *events;
    void *ctx;
    double asked_ms;
    uint8_t priority;
    uint32_t id; /* 0: the server has none */
    bool creating, dead;
    double publishing_ms; /* as the server does it */
    uint32_t keep_alive, lifetime;
    uint32_t next;      /* sequence number of the next message; 0: not known */
    int64_t heard_us;   /* monotonic: last message or keep-alive */
    int64_t message_us; /* wall: last message */
    struct list missing, deliveries;
    size_t missing_count;
    struct opcua_call *call;
    uint64_t gaps, made; /* so often lost for good, made anew */
};

/* Opens one: CreateSubscription now, or when the link is up. interval_us: publishing interval. */
void opcua_subscription_open(struct opcua_peer *peer, struct opcua_subscription *subscription,
                             int64_t interval_us, uint8_t priority,
                             const struct opcua_subscription_events *events, void *ctx);
/* Deletes it at the server (not waited for); no event after this. Harmless when not open. */
void opcua_subscription_close(struct opcua_subscription *subscription);
/* Something is wrong with it (what it should have told was not told): it is made anew; lost() follows from inside. */
void opcua_subscription_renew(struct opcua_subscription *subscription, const char *why);

/* The link of the seat came up or went down: called by peer.c for each peer of the session, in any order. */
void opcua_publisher_up(struct opcua_peer *peer, bool resumed);
void opcua_publisher_down(struct opcua_peer *peer);
/* The peer leaves its seat: its calls are sent by others. */
void opcua_publisher_leave(struct opcua_peer *peer);

/* A message: acknowledged when the last hold is done and none of them failed. */
void opcua_delivery_hold(struct opcua_delivery *delivery);               /* NULL is fine */
void opcua_delivery_done(struct opcua_delivery *delivery, bool on_disk); /* NULL is fine */

#endif
