/* SPDX-License-Identifier: Apache-2.0 */
/* See publish.h: the Publish requests of a session and what comes of them. */
#include "drivers/opcua/data/publish.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "drivers/opcua/data/publish_private.h"
#include "drivers/opcua/text/status.h"

enum {
    ACKS_MAX = 4096, /* waiting for a Publish request that takes them along */
    TICK_MS = 500,
    AHEAD_MAX =
        1 << 20, /* messages that may be missing before one; more: the numbers are nonsense */
    DISK_RETRY_MS = 5000,
};

/* One Publish request under way. */
struct publish {
    struct list link;
    struct opcua_publisher *publisher;
    struct opcua_peer *peer;
    struct opcua_call *call;
    size_t ack_count; /* acknowledged by it */
    UA_SubscriptionAcknowledgement acks[];
};

/* ---- acknowledgements ---- */

void opcua_publisher_ack(struct opcua_publisher *publisher, uint32_t id, uint32_t sequence)
{
    if (publisher->ack_count == publisher->ack_capacity) {
        if (publisher->ack_capacity >= ACKS_MAX) {
            return; /* the server lets go of it by itself */
        }
        publisher->ack_capacity = publisher->ack_capacity > 0 ? publisher->ack_capacity * 2 : 16;
        publisher->acks = busbar_realloc(publisher->acks,
                                         publisher->ack_capacity * sizeof(*publisher->acks));
    }
    publisher->acks[publisher->ack_count++] = (UA_SubscriptionAcknowledgement){
        .subscriptionId = id, .sequenceNumber = sequence
    };
}

void opcua_delivery_hold(struct opcua_delivery *delivery)
{
    if (delivery != NULL) {
        delivery->holds++;
    }
}

void opcua_delivery_done(struct opcua_delivery *delivery, bool on_disk)
{
    if (delivery == NULL) {
        return;
    }
    assert(delivery->holds > 0);
    delivery->failed = delivery->failed || !on_disk;
    if (--delivery->holds > 0) {
        return;
    }
    struct opcua_subscription *subscription = delivery->subscription;
    if (subscription != NULL && delivery->failed) {
        /* It was not stored: the server keeps it, and is asked for it again later. */
        opcua_subscription_miss(
            subscription, delivery->sequence, opcua_sequence_next(delivery->sequence),
            loop_now_us(subscription->publisher->loop) + DISK_RETRY_MS * CLOCK_US_PER_MS);
    } else if (subscription != NULL) {
        opcua_publisher_ack(subscription->publisher, subscription->id, delivery->sequence);
    }
    list_remove(&delivery->link);
    busbar_free(delivery);
}

/* ---- messages ---- */

static bool is_status_change(const UA_ExtensionObject *data)
{
    return data->encoding == UA_EXTENSIONOBJECT_DECODED &&
           data->content.decoded.type == &UA_TYPES[UA_TYPES_STATUSCHANGENOTIFICATION];
}

/* True: the subscription is gone. */
static bool status_changed(struct opcua_subscription *subscription, const UA_ExtensionObject *data)
{
    const UA_StatusChangeNotification *change = data->content.decoded.data;
    const char *name = opcua_status_name(change->status);
    if (!opcua_status_bad(change->status)) {
        /* "transferred" too: it is we who took it over, and some servers tell the new session. Should it have gone to
         * somebody else, its keep-alive does not come. */
        return false;
    }
    subscription->id = 0;
    opcua_subscription_gone(subscription, name != NULL ? name : "the server ended it");
    return true;
}

void opcua_publisher_take(struct opcua_subscription *subscription,
                          const struct opcua_raw_message *message)
{
    struct opcua_delivery *delivery = busbar_alloc(sizeof(*delivery));
    delivery->subscription = subscription;
    delivery->sequence = message->sequence_number;
    delivery->holds = 1;
    list_append(&subscription->deliveries, &delivery->link);
    subscription->message_us = clock_wall_us();
    bool here = true;
    for (size_t i = 0; here && i < message->notification_count; i++) {
        UA_ExtensionObject data;
        if (opcua_notification(&message->notifications[i], &data) != 0) {
            opcua_peer_say(subscription->peer, false,
                           "Publish: a notification of message %u cannot be decoded",
                           message->sequence_number);
        } else if (is_status_change(&data)) {
            here = !status_changed(subscription, &data);
        } else {
            subscription->events->notified(subscription->ctx, &data, delivery);
        }
        opcua_notification_clear(&data);
    }
    opcua_delivery_done(delivery, true);
}

/* Looks at the number of a message: what is missing before it, whether it is one of those. False: it came before. */
static bool in_order(struct opcua_subscription *subscription, uint32_t sequence, bool keep_alive)
{
    uint32_t expected = subscription->next;
    uint32_t after = keep_alive ? sequence : opcua_sequence_next(sequence);
    if (expected == 0 || sequence == expected) {
        subscription->next = after;
        return true;
    }
    uint32_t ahead = sequence - expected;
    if (ahead < AHEAD_MAX) {
        opcua_subscription_miss(subscription, expected, sequence,
                                loop_now_us(subscription->publisher->loop));
        subscription->next = after;
        return true;
    }
    return keep_alive || opcua_subscription_found(subscription, sequence);
}

/* To the disk: acknowledged when it is there. */
static bool on_its_way(const struct opcua_subscription *subscription, uint32_t sequence)
{
    list_each(at, &subscription->deliveries) {
        if (list_entry(at, struct opcua_delivery, link)->sequence == sequence) {
            return true;
        }
    }
    return false;
}

static struct opcua_subscription *find(const struct opcua_publisher *publisher, uint32_t id)
{
    list_each(at, &publisher->subscriptions) {
        struct opcua_subscription *subscription = list_entry(at, struct opcua_subscription, link);
        if (subscription->id == id) {
            return subscription;
        }
    }
    return NULL;
}

static void answered(struct opcua_publisher *publisher, struct opcua_peer *peer,
                     const struct opcua_publish_response *response)
{
    const struct opcua_raw_message *message = &response->message;
    struct opcua_subscription *subscription = find(publisher, response->subscription_id);
    if (subscription == NULL) {
        if (response->subscription_id != 0) {
            opcua_subscription_delete(peer, response->subscription_id);
        }
        return;
    }
    bool keep_alive = message->notification_count == 0;
    subscription->heard_us = loop_now_us(publisher->loop);
    if (response->more && publisher->most < OPCUA_PUBLISH_MAX) {
        publisher->most++;
    }
    if (!in_order(subscription, message->sequence_number, keep_alive)) {
        if (!on_its_way(subscription, message->sequence_number)) {
            opcua_publisher_ack(publisher, subscription->id, message->sequence_number);
        }
    } else if (!keep_alive) {
        opcua_publisher_take(subscription, message);
    }
}

/* ---- requests ---- */

static void all_gone(struct opcua_publisher *publisher)
{
    list_each_safe(at, &publisher->subscriptions) {
        struct opcua_subscription *subscription = list_entry(at, struct opcua_subscription, link);
        if (subscription->id != 0) {
            subscription->id = 0;
            opcua_subscription_gone(subscription, "BadNoSubscription: the server does not have it "
                                                  "any more");
        }
    }
}

static void refused(struct opcua_publisher *publisher, const struct opcua_trouble *trouble)
{
    switch (trouble->status) {
    case UA_STATUSCODE_BADNOSUBSCRIPTION:
        publisher->asked_early = true; /* a server may say so each time */
        all_gone(publisher);
        break;
    case UA_STATUSCODE_BADTOOMANYPUBLISHREQUESTS:
        publisher->most = publisher->open > 1 ? publisher->open : 1;
        break;
    default: publisher->asked_early = true; break;
    }
}

/* Nobody says that the server took them: the next one takes them along again. What it knew already it says so of. */
static void acknowledge_again(struct opcua_publisher *publisher, const struct publish *publish)
{
    for (size_t i = 0; i < publish->ack_count; i++) {
        const UA_SubscriptionAcknowledgement *ack = &publish->acks[i];
        if (find(publisher, ack->subscriptionId) != NULL) {
            opcua_publisher_ack(publisher, ack->subscriptionId, ack->sequenceNumber);
        }
    }
}

static void published(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct publish *publish = ctx;
    struct opcua_publisher *publisher = publish->publisher;
    struct opcua_peer *peer = publish->peer;
    list_remove(&publish->link);
    publisher->open--;
    if (response != NULL) {
        answered(publisher, peer, response);
    } else {
        refused(publisher, trouble);
        if (trouble->error != BUSBAR_ETOOBIG) { /* for so many the server has no room */
            acknowledge_again(publisher, publish);
        }
    }
    busbar_free(publish);
    opcua_publisher_pump(publisher);
}

static size_t wanted(const struct opcua_publisher *publisher)
{
    size_t count = 0;
    double shortest_ms = 1e12;
    list_each(at, &publisher->subscriptions) {
        const struct opcua_subscription *subscription = list_entry(at, struct opcua_subscription,
                                                                   link);
        if (subscription->id != 0) {
            count++;
            shortest_ms = subscription->publishing_ms < shortest_ms ? subscription->publishing_ms
                                                                    : shortest_ms;
        }
    }
    if (count == 0) {
        return 0;
    }
    double trips = (double)publisher->round_trip_us / 1e3 / (shortest_ms > 1 ? shortest_ms : 1);
    size_t most = publisher->most;
    size_t wish = count + 1 + (trips < OPCUA_PUBLISH_MAX ? (size_t)trips : OPCUA_PUBLISH_MAX);
    wish = wish > OPCUA_PUBLISH_MIN ? wish : OPCUA_PUBLISH_MIN;
    return wish < most ? wish : most;
}

static void send(struct opcua_publisher *publisher, struct opcua_peer *peer)
{
    size_t acks_bytes = publisher->ack_count * sizeof(*publisher->acks);
    struct publish *publish = busbar_alloc(sizeof(*publish) + acks_bytes);
    UA_PublishRequest request;
    UA_PublishRequest_init(&request);
    request.subscriptionAcknowledgements = publisher->acks;
    request.subscriptionAcknowledgementsSize = publisher->ack_count;
    publish->publisher = publisher;
    publish->peer = peer;
    list_init(&publish->link);
    list_append(&publisher->requests, &publish->link);
    publisher->open++;
    publish->ack_count = publisher->ack_count;
    if (acks_bytes > 0) {
        memcpy(publish->acks, publisher->acks, acks_bytes);
    }
    publisher->ack_count = 0;
    publish->call = opcua_call(opcua_peer_seat(peer), &request, &UA_TYPES[UA_TYPES_PUBLISHREQUEST],
                               &opcua_publish_response_type, 0, published, publish);
}

void opcua_publisher_pump(struct opcua_publisher *publisher)
{
    struct opcua_peer *peer = opcua_publisher_peer(publisher);
    size_t most = wanted(publisher);
    while (peer != NULL && !publisher->transferring && !publisher->asked_early &&
           publisher->open < most) {
        send(publisher, peer);
    }
}

/* ---- the watch ---- */

static bool silent(const struct opcua_subscription *subscription, int64_t now_us)
{
    double keep_alive_us = subscription->publishing_ms * 1e3 *
                           (subscription->keep_alive > 0 ? subscription->keep_alive : 1);
    double patience_us = 1.5 * keep_alive_us + 3e6;
    return (double)(now_us - subscription->heard_us) > patience_us;
}

static void tick(struct timer *timer, void *ctx)
{
    struct opcua_publisher *publisher = ctx;
    int64_t now_us = loop_now_us(publisher->loop);
    (void)timer;
    if (!publisher->up) {
        return;
    }
    publisher->asked_early = false;
    list_each_safe(at, &publisher->subscriptions) {
        struct opcua_subscription *subscription = list_entry(at, struct opcua_subscription, link);
        if (subscription->id == 0 || publisher->transferring) {
            continue;
        }
        if (silent(subscription, now_us)) {
            opcua_subscription_renew(subscription, "its keep-alive did not come: the server has "
                                                   "dropped it without a word");
        } else {
            opcua_subscription_republish(subscription);
        }
    }
    opcua_publisher_pump(publisher);
}

/* ---- life ---- */

static struct opcua_publisher *publisher_of(struct opcua_peer *peer)
{
    void **slot = opcua_seat_slot(opcua_peer_seat(peer));
    if (*slot == NULL) {
        struct opcua_publisher *publisher = busbar_alloc(sizeof(*publisher));
        list_init(&publisher->members);
        list_init(&publisher->subscriptions);
        list_init(&publisher->requests);
        publisher->slot = slot;
        publisher->loop = opcua_peer_loop(peer);
        publisher->most = OPCUA_PUBLISH_MAX / 2;
        timer_init(&publisher->timer, publisher->loop, tick, publisher);
        timer_start(&publisher->timer, TICK_MS, TICK_MS);
        *slot = publisher;
    }
    return *slot;
}

static struct opcua_member *member_of(struct opcua_publisher *publisher, struct opcua_peer *peer)
{
    list_each(at, &publisher->members) {
        struct opcua_member *member = list_entry(at, struct opcua_member, link);
        if (member->peer == peer) {
            return member;
        }
    }
    struct opcua_member *member = busbar_alloc(sizeof(*member));
    member->peer = peer;
    list_append(&publisher->members, &member->link);
    return member;
}

struct opcua_publisher *opcua_publisher_join(struct opcua_peer *peer)
{
    struct opcua_publisher *publisher = publisher_of(peer);
    (void)member_of(publisher, peer);
    return publisher;
}

void opcua_publisher_leave(struct opcua_peer *peer)
{
    struct opcua_publisher *publisher = *opcua_seat_slot(opcua_peer_seat(peer));
    if (publisher == NULL) {
        return;
    }
    if (publisher->transfer_peer == peer) {
        opcua_call_cancel(publisher->transfer);
        opcua_transfer_end(publisher);
        all_gone(publisher);
    }
    list_each_safe(at, &publisher->requests) {
        struct publish *publish = list_entry(at, struct publish, link);
        if (publish->peer == peer) { /* what comes to it is lost, and asked for again */
            opcua_call_cancel(publish->call);
            list_remove(&publish->link);
            busbar_free(publish);
            publisher->open--;
        }
    }
    struct opcua_member *member = member_of(publisher, peer);
    list_remove(&member->link);
    busbar_free(member);
    if (!list_empty(&publisher->members)) {
        opcua_publisher_pump(publisher);
        return;
    }
    assert(list_empty(&publisher->subscriptions));
    *publisher->slot = NULL;
    timer_stop(&publisher->timer);
    busbar_free(publisher->acks);
    busbar_free(publisher->transfer_ids);
    busbar_free(publisher);
}
