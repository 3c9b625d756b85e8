/* SPDX-License-Identifier: Apache-2.0 */
/* See publish.h: the life of a subscription. */
#include "drivers/opcua/data/publish_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/opcua/text/status.h"

enum {
    NOTIFICATIONS_MOST = 2000, /* in one message */
    KEEP_ALIVE_S = 10,
    REPUBLISH_TRIES = 3,
    REPUBLISH_AGAIN_MS = 1000,
};

struct opcua_peer *opcua_publisher_peer(struct opcua_publisher *publisher)
{
    list_each(at, &publisher->members) {
        struct opcua_member *member = list_entry(at, struct opcua_member, link);
        if (member->up) {
            return member->peer;
        }
    }
    return NULL;
}

static bool peer_up(const struct opcua_subscription *subscription)
{
    list_each(at, &subscription->publisher->members) {
        const struct opcua_member *member = list_entry(at, struct opcua_member, link);
        if (member->peer == subscription->peer) {
            return member->up;
        }
    }
    return false;
}

/* ---- missing messages ---- */

bool opcua_subscription_found(struct opcua_subscription *subscription, uint32_t sequence)
{
    list_each(at, &subscription->missing) {
        struct opcua_missing *missing = list_entry(at, struct opcua_missing, link);
        if (missing->sequence == sequence) {
            list_remove(&missing->link);
            busbar_free(missing);
            subscription->missing_count--;
            return true;
        }
    }
    return false;
}

static void gap(struct opcua_subscription *subscription)
{
    subscription->gaps++;
    if (subscription->events->gap != NULL) {
        int64_t now_us = clock_wall_us();
        int64_t from_us = subscription->message_us > 0
                              ? subscription->message_us -
                                    (int64_t)(2e3 * subscription->publishing_ms)
                              : now_us;
        subscription->events->gap(subscription->ctx, from_us, now_us);
    }
}

void opcua_subscription_miss(struct opcua_subscription *subscription, uint32_t from, uint32_t until,
                             int64_t due_us)
{
    for (uint32_t at = from; at != until; at = opcua_sequence_next(at)) {
        if (subscription->missing_count >= OPCUA_REPUBLISH_MAX) {
            gap(subscription);
            break;
        }
        struct opcua_missing *missing = busbar_alloc(sizeof(*missing));
        missing->sequence = at;
        missing->due_us = due_us;
        list_append(&subscription->missing, &missing->link);
        subscription->missing_count++;
    }
    opcua_subscription_republish(subscription);
}

static void forget_messages(struct opcua_subscription *subscription)
{
    struct list *at;
    while ((at = list_shift(&subscription->missing)) != NULL) {
        busbar_free(list_entry(at, struct opcua_missing, link));
    }
    subscription->missing_count = 0;
    while ((at = list_shift(&subscription->deliveries)) != NULL) {
        list_entry(at, struct opcua_delivery, link)->subscription = NULL;
    }
    subscription->next = 0;
}

static struct opcua_missing *first_due(const struct opcua_subscription *subscription)
{
    int64_t now_us = loop_now_us(subscription->publisher->loop);
    list_each(at, &subscription->missing) {
        struct opcua_missing *missing = list_entry(at, struct opcua_missing, link);
        if (missing->due_us <= now_us) {
            return missing;
        }
    }
    return NULL;
}

static void not_republished(struct opcua_subscription *subscription, struct opcua_missing *missing,
                            const struct opcua_trouble *trouble)
{
    bool had = trouble->status == UA_STATUSCODE_BADMESSAGENOTAVAILABLE;
    if (trouble->status == UA_STATUSCODE_BADSUBSCRIPTIONIDINVALID) {
        subscription->id = 0;
        opcua_subscription_gone(subscription, trouble->detail);
        return;
    }
    missing->due_us = loop_now_us(subscription->publisher->loop) +
                      REPUBLISH_AGAIN_MS * CLOCK_US_PER_MS;
    if (had || ++missing->tries >= REPUBLISH_TRIES) {
        (void)opcua_subscription_found(subscription, missing->sequence);
        gap(subscription);
    }
}

static void republished(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_subscription *subscription = ctx;
    const struct opcua_republish_response *response = answer;
    struct list *first = subscription->missing.next;
    subscription->call = NULL;
    if (first == &subscription->missing) {
        return;
    }
    if (response == NULL) {
        not_republished(subscription, list_entry(first, struct opcua_missing, link), trouble);
    } else {
        subscription->heard_us = loop_now_us(subscription->publisher->loop);
        (void)opcua_subscription_found(subscription,
                                       list_entry(first, struct opcua_missing, link)->sequence);
        opcua_publisher_take(subscription, &response->message);
    }
    if (subscription->id != 0) {
        opcua_subscription_republish(subscription);
    }
}

void opcua_subscription_republish(struct opcua_subscription *subscription)
{
    if (subscription->id == 0 || subscription->call != NULL || !peer_up(subscription)) {
        return;
    }
    struct opcua_missing *missing = first_due(subscription);
    if (missing == NULL) {
        return;
    }
    UA_RepublishRequest request;
    UA_RepublishRequest_init(&request);
    request.subscriptionId = subscription->id;
    request.retransmitSequenceNumber = missing->sequence;
    list_remove(&missing->link); /* to the front: it is the one asked for */
    list_prepend(&subscription->missing, &missing->link);
    opcua_peer_say(subscription->peer, true, "Republish: message %u of subscription %u",
                   missing->sequence, subscription->id);
    subscription->call = opcua_peer_call(subscription->peer, &request,
                                         &UA_TYPES[UA_TYPES_REPUBLISHREQUEST],
                                         &opcua_republish_response_type, republished, subscription);
}

/* ---- made and lost ---- */

static void created(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_subscription *subscription = ctx;
    const UA_CreateSubscriptionResponse *response = answer;
    struct opcua_publisher *publisher = subscription->publisher;
    int64_t now_us = loop_now_us(publisher->loop);
    subscription->creating = false;
    subscription->call = NULL;
    if (response == NULL || response->subscriptionId == 0) {
        if (trouble != NULL && opcua_publisher_peer(publisher) != NULL &&
            trouble->error != BUSBAR_ENOTCONN && trouble->error != BUSBAR_ECANCELED) {
            opcua_peer_say(subscription->peer, false, "CreateSubscription refused: %s",
                           trouble->detail);
            subscription->events->refused(subscription->ctx, trouble);
        }
        return;
    }
    publisher->round_trip_us = now_us - subscription->heard_us;
    subscription->id = response->subscriptionId;
    subscription->publishing_ms = response->revisedPublishingInterval > 0
                                      ? response->revisedPublishingInterval
                                      : subscription->asked_ms;
    subscription->keep_alive = response->revisedMaxKeepAliveCount;
    subscription->lifetime = response->revisedLifetimeCount;
    subscription->heard_us = now_us;
    subscription->next = 1;
    subscription->made++;
    opcua_peer_say(subscription->peer, false,
                   "CreateSubscription: number %u, every %g ms, keep-alive %u, lifetime %u",
                   subscription->id, subscription->publishing_ms, subscription->keep_alive,
                   subscription->lifetime);
    opcua_publisher_pump(publisher);
    subscription->events->ready(subscription->ctx);
}

static uint32_t counts(double seconds, double interval_ms)
{
    double count = seconds * 1000 / interval_ms;
    return count < 1 ? 1 : count > 1e6 ? 1000000 : (uint32_t)(count + 0.5);
}

void opcua_subscription_create(struct opcua_subscription *subscription)
{
    const struct opcua_peer_config *config = opcua_peer_config(subscription->peer);
    if (subscription->id != 0 || subscription->creating || !peer_up(subscription)) {
        return;
    }
    UA_CreateSubscriptionRequest request;
    UA_CreateSubscriptionRequest_init(&request);
    double session_s = (double)config->link.session_timeout_us / 1e6;
    double lifetime_s = session_s > OPCUA_LIFETIME_S ? session_s : OPCUA_LIFETIME_S;
    uint32_t keep_alive = config->keep_alive > 0 ? config->keep_alive
                                                 : counts(KEEP_ALIVE_S, subscription->asked_ms);
    uint32_t lifetime = counts(lifetime_s, subscription->asked_ms);
    request.requestedPublishingInterval = subscription->asked_ms;
    request.requestedMaxKeepAliveCount = keep_alive;
    request.requestedLifetimeCount = lifetime > 3 * keep_alive ? lifetime : 3 * keep_alive;
    request.maxNotificationsPerPublish = NOTIFICATIONS_MOST;
    request.publishingEnabled = true;
    request.priority = subscription->priority;
    subscription->creating = true;
    subscription->heard_us = loop_now_us(subscription->publisher->loop);
    opcua_peer_say(subscription->peer, true, "CreateSubscription: every %g ms",
                   subscription->asked_ms);
    opcua_call_cancel(subscription->call);
    subscription->call = opcua_peer_call(
        subscription->peer, &request, &UA_TYPES[UA_TYPES_CREATESUBSCRIPTIONREQUEST],
        &UA_TYPES[UA_TYPES_CREATESUBSCRIPTIONRESPONSE], created, subscription);
}

void opcua_subscription_gone(struct opcua_subscription *subscription, const char *why)
{
    opcua_call_cancel(subscription->call);
    subscription->call = NULL;
    subscription->creating = false;
    forget_messages(subscription);
    opcua_peer_say(subscription->peer, false, "subscription lost: %s", why);
    subscription->events->lost(subscription->ctx, why);
    opcua_subscription_create(subscription);
}

static void deleted(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    (void)ctx;
    (void)response;
    (void)trouble;
}

void opcua_subscription_delete(struct opcua_peer *peer, uint32_t id)
{
    UA_DeleteSubscriptionsRequest request;
    UA_DeleteSubscriptionsRequest_init(&request);
    request.subscriptionIds = &id;
    request.subscriptionIdsSize = 1;
    opcua_peer_say(peer, true, "DeleteSubscriptions: number %u", id);
    (void)opcua_peer_call(peer, &request, &UA_TYPES[UA_TYPES_DELETESUBSCRIPTIONSREQUEST],
                          &UA_TYPES[UA_TYPES_DELETESUBSCRIPTIONSRESPONSE], deleted, NULL);
}

void opcua_subscription_renew(struct opcua_subscription *subscription, const char *why)
{
    uint32_t id = subscription->id;
    if (id == 0) {
        return;
    }
    subscription->id = 0;
    if (peer_up(subscription)) {
        opcua_subscription_delete(subscription->peer, id);
    }
    opcua_subscription_gone(subscription, why);
}

/* ---- a new session ---- */

static void each_of_peer(struct opcua_publisher *publisher, struct opcua_peer *peer)
{
    list_each_safe(at, &publisher->subscriptions) {
        struct opcua_subscription *subscription = list_entry(at, struct opcua_subscription, link);
        if (subscription->peer == peer) {
            opcua_subscription_create(subscription);
        }
    }
}

/* The server handed it over, and says which messages it still has for us. */
static void handed_over(struct opcua_subscription *subscription, const UA_TransferResult *result)
{
    subscription->heard_us = loop_now_us(subscription->publisher->loop);
    for (size_t i = 0; i < result->availableSequenceNumbersSize; i++) {
        uint32_t sequence = result->availableSequenceNumbers[i];
        bool known = false; /* on its way to the disk, or known to be missing */
        list_each(at, &subscription->deliveries) {
            known = known || list_entry(at, struct opcua_delivery, link)->sequence == sequence;
        }
        list_each(at, &subscription->missing) {
            known = known || list_entry(at, struct opcua_missing, link)->sequence == sequence;
        }
        bool came = subscription->next != 0 && subscription->next - sequence - 1 < UINT32_MAX / 2;
        if (!known && !came) {
            uint32_t from = subscription->next != 0 ? subscription->next : sequence;
            if (sequence - from >= OPCUA_REPUBLISH_MAX) {
                gap(subscription);
                from = sequence;
            }
            /* Those before it that the server does not name are lost: it says so when asked. */
            opcua_subscription_miss(subscription, from, opcua_sequence_next(sequence),
                                    subscription->heard_us);
            subscription->next = opcua_sequence_next(sequence);
        } else if (!known) { /* came and was stored, only the acknowledgement did not arrive */
            opcua_publisher_ack(subscription->publisher, subscription->id, sequence);
        }
    }
}

static void hand_over(struct opcua_publisher *publisher, uint32_t id,
                      const UA_TransferResult *result)
{
    list_each_safe(at, &publisher->subscriptions) {
        struct opcua_subscription *subscription = list_entry(at, struct opcua_subscription, link);
        if (subscription->id != id) {
            continue;
        }
        if (result != NULL && !opcua_status_bad(result->statusCode)) {
            handed_over(subscription, result);
            return;
        }
        const char *name = result != NULL ? opcua_status_name(result->statusCode) : NULL;
        subscription->id = 0;
        opcua_subscription_gone(subscription, name != NULL ? name
                                                           : "the server did not hand it over to "
                                                             "the new session");
        return;
    }
}

static void transferred(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_publisher *publisher = ctx;
    const UA_TransferSubscriptionsResponse *response = answer;
    size_t count = publisher->transfer_count;
    size_t told = response != NULL ? response->resultsSize : 0;
    opcua_transfer_end(publisher);
    if (response == NULL &&
        (trouble->error == BUSBAR_ENOTCONN || trouble->error == BUSBAR_ECANCELED)) {
        return; /* the link went again: they may still be there */
    }
    for (size_t i = 0; i < count; i++) {
        hand_over(publisher, publisher->transfer_ids[i], i < told ? &response->results[i] : NULL);
    }
    opcua_publisher_pump(publisher);
}

void opcua_transfer_end(struct opcua_publisher *publisher)
{
    publisher->transfer = NULL;
    publisher->transfer_peer = NULL;
    publisher->transferring = false;
}

static void transfer(struct opcua_publisher *publisher, struct opcua_peer *peer)
{
    size_t count = 0;
    list_each(at, &publisher->subscriptions) {
        count += list_entry(at, struct opcua_subscription, link)->id != 0;
    }
    if (count == 0) {
        return;
    }
    uint32_t *ids = busbar_realloc(publisher->transfer_ids, count * sizeof(*ids));
    publisher->transfer_ids = ids;
    publisher->transfer_count = 0;
    list_each(at, &publisher->subscriptions) {
        uint32_t id = list_entry(at, struct opcua_subscription, link)->id;
        if (id != 0) {
            ids[publisher->transfer_count++] = id;
        }
    }
    UA_TransferSubscriptionsRequest request;
    UA_TransferSubscriptionsRequest_init(&request);
    request.subscriptionIds = ids;
    request.subscriptionIdsSize = count;
    request.sendInitialValues = true;
    publisher->transferring = true;
    publisher->transfer_peer = peer;
    opcua_peer_say(peer, true, "TransferSubscriptions: %zu", count);
    publisher->transfer = opcua_peer_call(
        peer, &request, &UA_TYPES[UA_TYPES_TRANSFERSUBSCRIPTIONSREQUEST],
        &UA_TYPES[UA_TYPES_TRANSFERSUBSCRIPTIONSRESPONSE], transferred, publisher);
}

static void session_up(struct opcua_publisher *publisher, struct opcua_peer *peer, bool resumed)
{
    const struct opcua_server_facts *facts = opcua_peer_facts(peer);
    int64_t now_us = loop_now_us(publisher->loop);
    bool restarted = facts->started != publisher->started;
    publisher->up = true;
    publisher->started = facts->started;
    publisher->asked_early = false;
    list_each_safe(at, &publisher->subscriptions) {
        struct opcua_subscription *subscription = list_entry(at, struct opcua_subscription, link);
        subscription->heard_us = now_us;
        if (restarted && subscription->id != 0) {
            subscription->id = 0;
            opcua_subscription_gone(subscription, "the server was started again");
        }
    }
    if (!resumed) {
        publisher->ack_count = 0;
        transfer(publisher, peer);
    }
}

void opcua_publisher_up(struct opcua_peer *peer, bool resumed)
{
    struct opcua_publisher *publisher = opcua_publisher_join(peer);
    list_each(at, &publisher->members) {
        struct opcua_member *member = list_entry(at, struct opcua_member, link);
        member->up = member->up || member->peer == peer;
    }
    if (!publisher->up) {
        session_up(publisher, peer, resumed);
    }
    each_of_peer(publisher, peer);
    opcua_publisher_pump(publisher);
}

void opcua_publisher_down(struct opcua_peer *peer)
{
    struct opcua_publisher *publisher = opcua_publisher_join(peer);
    list_each(at, &publisher->members) {
        struct opcua_member *member = list_entry(at, struct opcua_member, link);
        member->up = member->up && member->peer != peer;
    }
    publisher->up = opcua_publisher_peer(publisher) != NULL;
}

/* ---- for its owner ---- */

void opcua_subscription_open(struct opcua_peer *peer, struct opcua_subscription *subscription,
                             int64_t interval_us, uint8_t priority,
                             const struct opcua_subscription_events *events, void *ctx)
{
    *subscription = (struct opcua_subscription){
        .publisher = opcua_publisher_join(peer),
        .peer = peer,
        .events = events,
        .ctx = ctx,
        .asked_ms = (double)interval_us / 1e3,
        .priority = priority,
    };
    list_init(&subscription->missing);
    list_init(&subscription->deliveries);
    list_append(&subscription->publisher->subscriptions, &subscription->link);
    opcua_subscription_create(subscription);
}

void opcua_subscription_close(struct opcua_subscription *subscription)
{
    if (subscription->publisher == NULL) {
        return;
    }
    opcua_call_cancel(subscription->call);
    subscription->call = NULL;
    if (subscription->id != 0 && peer_up(subscription)) {
        opcua_subscription_delete(subscription->peer, subscription->id);
    }
    subscription->id = 0;
    forget_messages(subscription);
    list_remove(&subscription->link);
    subscription->publisher = NULL;
}
