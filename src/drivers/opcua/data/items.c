/* SPDX-License-Identifier: Apache-2.0 */
/* See subscribe.h: monitored items are asked for, and what the server makes of them. */
#include "base/alloc.h"
#include "drivers/opcua/data/access_private.h"
#include "drivers/opcua/data/subscribe_private.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

enum { TRIES_MAX = 3 };

/* A CreateMonitoredItems under way. */
struct items_call {
    struct list link;
    struct opcua_values *values;
    struct values_group *group;
    uint32_t calls_of; /* of the group, when it was asked */
    struct opcua_call *call;
    size_t count;
    uint32_t points[];
};

static void say_learned(struct opcua_values *values)
{
    void *ctx;
    const struct opcua_home *home = opcua_peer_home(values->peer, &ctx);
    home->learned(ctx, "items-per-call", (int64_t)values->most);
}

/* A point that has no value, and why. */
static void tell_bad(struct opcua_batch *batch, uint32_t point, uint8_t quality, uint16_t detail)
{
    struct sample *sample = opcua_batch_next(batch, point);
    sample->quality = quality;
    sample->detail = detail;
}

/* ---- what the server makes of one ---- */

static bool is_filter(UA_StatusCode status)
{
    switch (status) {
    case UA_STATUSCODE_BADMONITOREDITEMFILTERINVALID:
    case UA_STATUSCODE_BADMONITOREDITEMFILTERUNSUPPORTED:
    case UA_STATUSCODE_BADFILTERNOTALLOWED:
    case UA_STATUSCODE_BADDEADBANDFILTERINVALID: return true;
    default: return false;
    }
}

/* It may be there later, or another person may mend it: not a matter of subscribing. */
static bool is_of_the_node(UA_StatusCode status)
{
    switch (status) {
    case UA_STATUSCODE_BADNODEIDUNKNOWN:
    case UA_STATUSCODE_BADNODEIDINVALID:
    case UA_STATUSCODE_BADATTRIBUTEIDINVALID:
    case UA_STATUSCODE_BADINDEXRANGEINVALID:
    case UA_STATUSCODE_BADINDEXRANGENODATA:
    case UA_STATUSCODE_BADNOTREADABLE:
    case UA_STATUSCODE_BADUSERACCESSDENIED: return true;
    default: return false;
    }
}

/* What came of the items of one call, for home. */
struct outcome {
    struct opcua_values *values;
    struct opcua_batch *batch;
    uint32_t *polled;
    size_t polled_count, made, refused;
};

static void poll_it(struct outcome *outcome, uint32_t point)
{
    outcome->values->items[point].state = ITEM_POLLED;
    outcome->polled[outcome->polled_count++] = point;
}

static void one_refused(struct outcome *outcome, struct values_group *group, uint32_t point,
                        UA_StatusCode status)
{
    struct opcua_values *values = outcome->values;
    struct values_item *item = &values->items[point];
    item->state = ITEM_WANTED;
    outcome->refused++;
    if (is_filter(status) && !item->no_filter) {
        item->no_filter = true;
    } else if (status == UA_STATUSCODE_BADTOOMANYMONITOREDITEMS) {
        if (group->used == 0) { /* not even one in a new subscription: the server has no room */
            values->no_more_groups = true;
        }
        group->full = true;
        if (values->no_more_groups) {
            poll_it(outcome, point);
        }
    } else if (is_of_the_node(status)) {
        item->state = ITEM_WAITING;
        tell_bad(outcome->batch, point, opcua_status_quality(status), opcua_status_detail(status));
        opcua_values_retry(values);
    } else {
        poll_it(outcome, point);
    }
    if (item->state == ITEM_WANTED && point < values->scan) {
        values->scan = point;
    }
}

static void take_results(struct items_call *call, const UA_CreateMonitoredItemsResponse *response)
{
    struct opcua_values *values = call->values;
    struct outcome outcome = { .values = values };
    outcome.batch = opcua_batch_new(values->peer, call->count, NULL);
    outcome.polled = busbar_alloc_array(call->count, sizeof(*outcome.polled));
    for (size_t i = 0; i < call->count; i++) {
        uint32_t point = call->points[i];
        struct values_item *item = &values->items[point];
        const UA_MonitoredItemCreateResult *result = i < response->resultsSize
                                                         ? &response->results[i]
                                                         : NULL;
        UA_StatusCode status = result != NULL ? result->statusCode
                                              : UA_STATUSCODE_BADUNEXPECTEDERROR;
        if (item->state != ITEM_ASKED) {
            continue;
        }
        if (result != NULL && !opcua_status_bad(status)) {
            item->state = ITEM_MONITORED;
            item->id = result->monitoredItemId;
            item->tries = 0;
            item->mark = 0;
            call->group->used++;
            outcome.made++;
        } else {
            one_refused(&outcome, call->group, point, status);
        }
    }
    opcua_peer_say(values->peer, false, "CreateMonitoredItems: %zu made, %zu refused", outcome.made,
                   outcome.refused);
    opcua_batch_send(outcome.batch);
    opcua_values_watched(values, outcome.polled, outcome.polled_count, 0);
}

/* ---- whole calls ---- */

static void want_again(struct items_call *call)
{
    struct opcua_values *values = call->values;
    for (size_t i = 0; i < call->count; i++) {
        struct values_item *item = &values->items[call->points[i]];
        if (item->state == ITEM_ASKED) {
            item->state = ITEM_WANTED;
        }
    }
    values->scan = 0;
}

/* Nothing to be had by asking again: they are polled. */
static void poll_all(struct items_call *call)
{
    struct opcua_values *values = call->values;
    struct outcome outcome = { .values = values };
    outcome.polled = busbar_alloc_array(call->count, sizeof(*outcome.polled));
    for (size_t i = 0; i < call->count; i++) {
        if (values->items[call->points[i]].state == ITEM_ASKED) {
            poll_it(&outcome, call->points[i]);
        }
    }
    opcua_values_watched(values, outcome.polled, outcome.polled_count, 0);
}

/* No answer: once more later, with less in it; what is never answered is polled. */
static void unanswered(struct items_call *call)
{
    struct opcua_values *values = call->values;
    bool given_up = false;
    for (size_t i = 0; i < call->count; i++) {
        struct values_item *item = &values->items[call->points[i]];
        given_up = ++item->tries >= TRIES_MAX || given_up;
    }
    values->most = call->count > 1 ? (call->count + 1) / 2 : 1;
    if (given_up) {
        poll_all(call);
        return;
    }
    for (size_t i = 0; i < call->count; i++) {
        if (values->items[call->points[i]].state == ITEM_ASKED) {
            values->items[call->points[i]].state = ITEM_WAITING;
        }
    }
    opcua_values_retry(values);
}

static void refused_whole(struct items_call *call, const struct opcua_trouble *trouble)
{
    struct opcua_values *values = call->values;
    opcua_peer_say(values->peer, false, "CreateMonitoredItems of %zu refused: %s", call->count,
                   trouble->detail);
    if (trouble->error == BUSBAR_ENOTCONN || trouble->error == BUSBAR_ECANCELED) {
        want_again(call); /* the link is down: up() asks again */
    } else if (trouble->status == UA_STATUSCODE_BADSUBSCRIPTIONIDINVALID) {
        want_again(call);
        opcua_subscription_renew(&call->group->subscription, trouble->detail);
    } else if (trouble->status == UA_STATUSCODE_BADTOOMANYMONITOREDITEMS ||
               (trouble->error == BUSBAR_ETOOBIG && call->count > 1)) {
        if (call->count > 1) {
            values->most = call->count / 2 < values->most ? call->count / 2 : values->most;
            say_learned(values);
            want_again(call);
        } else {
            values->no_more_groups = true;
            poll_all(call);
        }
    } else if (trouble->error == BUSBAR_ETIMEOUT) {
        unanswered(call);
    } else {
        poll_all(call);
    }
}

static void called(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct items_call *call = ctx;
    struct opcua_values *values = call->values;
    list_remove(&call->link);
    values->call_count--;
    if (call->calls_of != call->group->calls_of) {
        want_again(call); /* of a subscription that is gone */
    } else if (response != NULL) {
        take_results(call, response);
    } else {
        refused_whole(call, trouble);
    }
    busbar_free(call);
    if (trouble == NULL ||
        (trouble->error != BUSBAR_ENOTCONN && trouble->error != BUSBAR_ECANCELED)) {
        opcua_items_pump(values);
    }
}

/* ---- asking ---- */

/* Of a request: filled once, given back at once. */
struct room {
    UA_MonitoredItemCreateRequest *items;
    UA_DataChangeFilter *filters;
};

static void put_filter(UA_MonitoringParameters *to, UA_DataChangeFilter *filter,
                       const struct opcua_address *address)
{
    UA_DataChangeFilter_init(filter);
    filter->trigger = UA_DATACHANGETRIGGER_STATUSVALUE;
    filter->deadbandType = address->deadband_percent ? UA_DEADBANDTYPE_PERCENT
                                                     : UA_DEADBANDTYPE_ABSOLUTE;
    filter->deadbandValue = (double)address->deadband;
    to->filter.encoding = UA_EXTENSIONOBJECT_DECODED_NODELETE;
    to->filter.content.decoded.type = &UA_TYPES[UA_TYPES_DATACHANGEFILTER];
    to->filter.content.decoded.data = filter;
}

/* False: the server has no such namespace. */
static bool put_item(struct opcua_values *values, uint32_t point, UA_MonitoredItemCreateRequest *to,
                     UA_DataChangeFilter *filter)
{
    const struct opcua_peer_config *config = opcua_peer_config(values->peer);
    const struct opcua_address *address = &config->addresses[point];
    UA_MonitoredItemCreateRequest_init(to);
    if (opcua_peer_node(values->peer, &address->node, &to->itemToMonitor.nodeId) != 0) {
        return false;
    }
    to->itemToMonitor.attributeId = address->attribute;
    to->itemToMonitor.indexRange = opcua_borrowed(address->range);
    to->monitoringMode = UA_MONITORINGMODE_REPORTING;
    to->requestedParameters.clientHandle = point;
    /* ours: 0 as published, -1 as fast as it goes; on the wire the other way round */
    to->requestedParameters.samplingInterval = address->sampling_us > 0
                                                   ? (double)address->sampling_us / 1e3
                                               : address->sampling_us == 0 ? -1
                                                                           : 0;
    to->requestedParameters.queueSize = address->queue;
    to->requestedParameters.discardOldest = !address->discard_newest;
    if (address->deadband > 0 && !values->items[point].no_filter) {
        put_filter(&to->requestedParameters, filter, address);
    }
    return true;
}

static void no_namespaces(struct opcua_values *values, const uint32_t *points, size_t count)
{
    struct opcua_batch *batch = opcua_batch_new(values->peer, count, NULL);
    for (size_t i = 0; i < count; i++) {
        values->items[points[i]].state = ITEM_WAITING;
        tell_bad(batch, points[i], QUALITY_CONFIGURATION, OPCUA_FOUND_NO_NAMESPACE);
    }
    opcua_batch_send(batch);
    opcua_values_retry(values);
}

static size_t calls_most(const struct opcua_values *values)
{
    const struct opcua_server_facts *facts = opcua_peer_facts(values->peer);
    size_t told = facts->limits.monitored_items_per_call;
    return told > 0 && told < values->most ? told : values->most;
}

/* Gathers the next wanted points into a call; their number. */
static size_t gather(struct opcua_values *values, struct values_group *group, uint32_t *points,
                     size_t most)
{
    size_t count = opcua_peer_config(values->peer)->point_count;
    size_t used = 0;
    size_t at = values->scan;
    for (; at < count && used < most; at++) {
        if (values->items[at].state == ITEM_WANTED) {
            values->items[at].state = ITEM_ASKED;
            values->items[at].group = group->number;
            points[used++] = (uint32_t)at;
        }
    }
    values->scan = at;
    return used;
}

/* False: nothing is wanted any more. */
static bool ask(struct opcua_values *values, struct values_group *group)
{
    size_t most = calls_most(values);
    struct items_call *call = busbar_alloc(sizeof(*call) + most * sizeof(call->points[0]));
    size_t gathered = gather(values, group, call->points, most);
    if (gathered == 0) {
        busbar_free(call);
        return false;
    }
    struct room room = { .items = busbar_alloc_array(gathered, sizeof(*room.items)),
                         .filters = busbar_alloc_array(gathered, sizeof(*room.filters)) };
    uint32_t *strange = busbar_alloc_array(gathered, sizeof(*strange));
    size_t strange_count = 0;
    list_init(&call->link);
    call->values = values;
    call->group = group;
    call->calls_of = group->calls_of;
    for (size_t i = 0; i < gathered; i++) {
        uint32_t point = call->points[i];
        if (put_item(values, point, &room.items[call->count], &room.filters[call->count])) {
            call->points[call->count++] = point;
        } else {
            strange[strange_count++] = point;
        }
    }
    if (strange_count > 0) {
        no_namespaces(values, strange, strange_count);
    }
    if (call->count > 0) {
        UA_CreateMonitoredItemsRequest request;
        UA_CreateMonitoredItemsRequest_init(&request);
        request.subscriptionId = group->subscription.id;
        request.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
        request.itemsToCreate = room.items;
        request.itemsToCreateSize = call->count;
        opcua_peer_say(values->peer, true, "CreateMonitoredItems: %zu nodes", call->count);
        list_append(&values->calls, &call->link);
        values->call_count++;
        call->call = opcua_peer_call(
            values->peer, &request, &UA_TYPES[UA_TYPES_CREATEMONITOREDITEMSREQUEST],
            &UA_TYPES[UA_TYPES_CREATEMONITOREDITEMSRESPONSE], called, call);
    } else {
        busbar_free(call);
    }
    busbar_free(room.items);
    busbar_free(room.filters);
    busbar_free(strange);
    return true;
}

/* The subscription that has room, made when there is none. NULL: wait for it, or `none`: there will be no more. */
static struct values_group *group_with_room(struct opcua_values *values, bool *none)
{
    *none = false;
    for (size_t i = 0; i < values->group_count; i++) {
        if (!values->groups[i]->full) {
            return values->groups[i]->subscription.id != 0 ? values->groups[i] : NULL;
        }
    }
    *none = values->no_more_groups;
    if (!values->no_more_groups && values->call_count == 0) {
        (void)opcua_values_group(values); /* goes on when it is ready */
        values->no_more_groups = values->group_count == OPCUA_SUBSCRIPTIONS_MAX;
    }
    return NULL;
}

/* The server has no room for any more: the rest is polled. */
static void poll_rest(struct opcua_values *values)
{
    size_t count = opcua_peer_config(values->peer)->point_count;
    struct outcome outcome = { .values = values };
    outcome.polled = busbar_alloc_array(count, sizeof(*outcome.polled));
    for (size_t i = 0; i < count; i++) {
        if (values->items[i].state == ITEM_WANTED) {
            poll_it(&outcome, (uint32_t)i);
        }
    }
    opcua_values_watched(values, outcome.polled, outcome.polled_count, 0);
}

static bool any_wanted(struct opcua_values *values)
{
    size_t count = opcua_peer_config(values->peer)->point_count;
    while (values->scan < count && values->items[values->scan].state != ITEM_WANTED) {
        values->scan++;
    }
    return values->scan < count;
}

void opcua_items_pump(struct opcua_values *values)
{
    while (opcua_peer_facts(values->peer) != NULL && values->call_count < OPCUA_CALLS_OPEN &&
           any_wanted(values)) {
        bool none;
        struct values_group *group = group_with_room(values, &none);
        if (group == NULL) {
            if (none && values->call_count == 0) {
                poll_rest(values);
            }
            return;
        }
        if (!ask(values, group)) {
            return;
        }
    }
}

void opcua_items_stop(struct opcua_values *values)
{
    struct list *at;
    while ((at = list_shift(&values->calls)) != NULL) {
        struct items_call *call = list_entry(at, struct items_call, link);
        opcua_call_cancel(call->call);
        busbar_free(call);
    }
    values->call_count = 0;
}
