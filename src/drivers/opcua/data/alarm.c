/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/alarm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/opcua/text/status.h"

enum {
    NODE_SERVER = 2253, /* Part 6, annex A: NodeIds.csv */
    NODE_CONDITION_TYPE = 2782,
    NODE_CONDITION_REFRESH = 3875,
    ATTRIBUTE_EVENT_NOTIFIER = 12,
    ITEM_HANDLE = 1,
    FLOOD_LOOK_S = 10,
    REFRESH_AGAIN_S = 5,
};
#define WHOLE INT64_C(1000000)

struct opcua_alarms *opcua_alarms_of(struct opcua_peer *peer)
{
    return (struct opcua_alarms *)(void *)opcua_peer_part(peer, "alarms");
}

/* ---- events of our own ---- */

void opcua_alarms_tell(struct opcua_alarms *alarms, const char *kind, uint8_t severity,
                       const char *key, struct opcua_delivery *delivery, const char *format, ...)
{
    struct opcua_news *news = opcua_news_new(alarms->peer, delivery);
    char text[512], once[40] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    int64_t now_us = clock_wall_us();
    if (key[0] != '\0') {
        str_format(once, sizeof(once), "%lld gone", (long long)now_us);
    }
    news->event = (struct event){ .time_us = now_us,
                                  .receive_us = now_us,
                                  .kind = kind,
                                  .severity = severity,
                                  .text = arena_strdup(&news->texts, text),
                                  .key = arena_strdup(&news->texts, key),
                                  .once = arena_strdup(&news->texts, once) };
    opcua_news_send(news);
}

/* Once for each trouble: it is tried again, less visibly. */
static void tell_trouble(struct opcua_alarms *alarms, const char *what, UA_StatusCode status)
{
    const char *name = opcua_status_name(status), *words = opcua_status_words(status);
    if (alarms->said) {
        return;
    }
    alarms->said = true;
    opcua_alarms_tell(alarms, "fault", EVENT_MEDIUM, "", NULL, "%s: %s%s%s", what,
                      name != NULL ? name : "refused", words != NULL ? ": " : "",
                      words != NULL ? words : "");
}

/* It was not refused: no answer came, or there is no link, or the server is not ready. Asked again. */
static bool is_unanswered(const struct opcua_trouble *trouble)
{
    switch (trouble->error) {
    case BUSBAR_EREFUSED:
    case BUSBAR_EUNSUPPORTED:
    case BUSBAR_EPERM: return false;
    default: return true;
    }
}

/* ---- refresh ---- */

static void refreshed(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_alarms *alarms = ctx;
    const UA_CallResponse *answer = response;
    alarms->call = NULL;
    if (answer == NULL && is_unanswered(trouble)) {
        alarms->again = true;
        timer_start(&alarms->timer, OPCUA_EVENT_RETRY_S * 1000, 0);
        return;
    }
    UA_StatusCode status = answer == NULL             ? trouble->status
                           : answer->resultsSize == 0 ? UA_STATUSCODE_BADUNEXPECTEDERROR
                                                      : answer->results[0].statusCode;
    opcua_peer_say(alarms->peer, false, "ConditionRefresh: %s",
                   opcua_status_name(status) != NULL ? opcua_status_name(status) : "refused");
    if (status == UA_STATUSCODE_BADREFRESHINPROGRESS) {
        alarms->again = true;
        timer_start(&alarms->timer, REFRESH_AGAIN_S * 1000, 0);
    } else if (opcua_status_bad(status) && status != UA_STATUSCODE_BADNOTHINGTODO) {
        alarms->no_conditions = true;
        if (alarms->settings->mode == OPCUA_ALARM_CONDITIONS) {
            tell_trouble(alarms, "the server does not tell which alarms stand", status);
        }
    }
}

void opcua_alarms_refresh(struct opcua_alarms *alarms)
{
    if (alarms->item == 0 || alarms->no_conditions || alarms->stopping ||
        alarms->ask == OPCUA_EVENT_ASK_BASE) {
        return;
    }
    if (alarms->call != NULL || alarms->refreshing) {
        alarms->again = true;
        return;
    }
    UA_Variant argument;
    UA_CallMethodRequest method;
    UA_CallRequest request;
    alarms->again = false;
    UA_Variant_init(&argument);
    UA_Variant_setScalar(&argument, &alarms->subscription.id, &UA_TYPES[UA_TYPES_UINT32]);
    UA_CallMethodRequest_init(&method);
    method.objectId = UA_NODEID_NUMERIC(0, NODE_CONDITION_TYPE);
    method.methodId = UA_NODEID_NUMERIC(0, NODE_CONDITION_REFRESH);
    method.inputArguments = &argument;
    method.inputArgumentsSize = 1;
    UA_CallRequest_init(&request);
    request.methodsToCall = &method;
    request.methodsToCallSize = 1;
    opcua_peer_say(alarms->peer, true, "ConditionRefresh of subscription %u",
                   alarms->subscription.id);
    alarms->call = opcua_peer_call(alarms->peer, &request, &UA_TYPES[UA_TYPES_CALLREQUEST],
                                   &UA_TYPES[UA_TYPES_CALLRESPONSE], refreshed, alarms);
}

static void refresh_ended(struct opcua_alarms *alarms, struct opcua_delivery *delivery)
{
    if (!alarms->refreshing) {
        return;
    }
    alarms->refreshing = false;
    if (!alarms->broken) {
        alarms->refreshed = true;
        alarms->said = false;
        opcua_conditions_close(alarms, delivery);
    }
    if (alarms->again) {
        opcua_alarms_refresh(alarms);
    }
}

/* ---- what comes ---- */

static bool has_room(struct opcua_alarms *alarms)
{
    int64_t now_us = clock_mono_us();
    int64_t most = OPCUA_EVENT_BURST * WHOLE;
    alarms->left += (now_us - alarms->filled_us) * OPCUA_EVENTS_A_SECOND;
    alarms->left = alarms->left < most ? alarms->left : most;
    alarms->filled_us = now_us;
    if (alarms->left >= WHOLE) {
        alarms->left -= WHOLE;
        return true;
    }
    if (alarms->dropped++ == 0) {
        alarms->broken = true;
        opcua_alarms_tell(alarms, "fault", EVENT_HIGH, "", NULL,
                          "event flood: more than %d events a second; those over it are dropped",
                          OPCUA_EVENTS_A_SECOND);
        timer_start(&alarms->timer, FLOOD_LOOK_S * 1000, 0);
    }
    return false;
}

/* The choice that the server would not make for us. */
static bool is_wanted(const struct opcua_alarms *alarms, const struct opcua_event *event,
                      const char *key)
{
    if (alarms->settings->mode == OPCUA_ALARM_CONDITIONS && event->condition == NULL) {
        return false;
    }
    return event->severity >= alarms->settings->severity ||
           (key[0] != '\0' && opcua_condition_find(alarms, key) != NULL);
}

static void take_event(struct opcua_alarms *alarms, const struct opcua_event *event,
                       struct opcua_delivery *delivery)
{
    const struct opcua_server_facts *facts = opcua_peer_facts(alarms->peer);
    char key[OPCUA_EVENT_KEY_MAX];
    struct opcua_states states;
    bool before = false;
    (void)opcua_event_key(event, facts, key);
    if (!is_wanted(alarms, event, key) || !has_room(alarms) ||
        (key[0] != '\0' && !opcua_condition_take(alarms, event, key, &states, &before))) {
        return;
    }
    struct opcua_news *news = opcua_news_new(alarms->peer, delivery);
    struct opcua_event_about about = { .facts = facts,
                                       .types = opcua_peer_types(alarms->peer),
                                       .more = &alarms->more,
                                       .before = before ? &states : NULL,
                                       .now_us = clock_wall_us() };
    opcua_event_words(event, &about, &news->texts, &news->event);
    opcua_peer_say(alarms->peer, false, "event %s severity %u: %s", news->event.kind,
                   event->severity, news->event.text);
    opcua_news_send(news);
}

static void overflowed(struct opcua_alarms *alarms, struct opcua_delivery *delivery)
{
    opcua_alarms_tell(alarms, "fault", EVENT_HIGH, "", delivery,
                      "the server's queue of events was full: events are lost");
    alarms->broken = true;
    if (!alarms->refreshing) {
        opcua_alarms_refresh(alarms);
    }
}

static void take(struct opcua_alarms *alarms, const UA_EventFieldList *list,
                 struct opcua_delivery *delivery)
{
    struct opcua_event event;
    if (list->clientHandle != ITEM_HANDLE ||
        !opcua_event_read(list, alarms->ask, &alarms->more, &event)) {
        opcua_peer_say(alarms->peer, false, "event with %zu fields, which were not asked for",
                       list->eventFieldsSize);
        return;
    }
    switch (opcua_event_kind_of(&event)) {
    case OPCUA_EVENT_REFRESH_START:
        alarms->refreshing = true;
        alarms->broken = false;
        alarms->round++;
        break;
    case OPCUA_EVENT_REFRESH_END: refresh_ended(alarms, delivery); break;
    case OPCUA_EVENT_REFRESH_REQUIRED:
        alarms->no_conditions = false; /* so it has some */
        opcua_alarms_refresh(alarms);
        break;
    case OPCUA_EVENT_OVERFLOW: overflowed(alarms, delivery); break;
    default: take_event(alarms, &event, delivery);
    }
}

static void notified(void *ctx, const UA_ExtensionObject *data, struct opcua_delivery *delivery)
{
    if (data->encoding < UA_EXTENSIONOBJECT_DECODED ||
        data->content.decoded.type != &UA_TYPES[UA_TYPES_EVENTNOTIFICATIONLIST]) {
        return;
    }
    const UA_EventNotificationList *list = data->content.decoded.data;
    for (size_t i = 0; i < list->eventsSize; i++) {
        take(ctx, &list->events[i], delivery);
    }
}

/* ---- the item ---- */

static void create_item(struct opcua_alarms *alarms);

static bool is_filter_trouble(UA_StatusCode status)
{
    switch (status) {
    case UA_STATUSCODE_BADMONITOREDITEMFILTERINVALID:
    case UA_STATUSCODE_BADMONITOREDITEMFILTERUNSUPPORTED:
    case UA_STATUSCODE_BADEVENTFILTERINVALID:
    case UA_STATUSCODE_BADCONTENTFILTERINVALID:
    case UA_STATUSCODE_BADFILTERNOTALLOWED:
    case UA_STATUSCODE_BADFILTEROPERATORINVALID:
    case UA_STATUSCODE_BADFILTEROPERATORUNSUPPORTED:
    case UA_STATUSCODE_BADTYPEDEFINITIONINVALID: return true;
    default: return false;
    }
}

/* True: the item is there, but the server does not choose the events as asked. */
static bool chooses_wrong(const UA_MonitoredItemCreateResult *result)
{
    const UA_ExtensionObject *object = &result->filterResult;
    if (object->encoding < UA_EXTENSIONOBJECT_DECODED ||
        object->content.decoded.type != &UA_TYPES[UA_TYPES_EVENTFILTERRESULT]) {
        return false;
    }
    const UA_EventFilterResult *filter = object->content.decoded.data;
    for (size_t i = 0; i < filter->whereClauseResult.elementResultsSize; i++) {
        if (opcua_status_bad(filter->whereClauseResult.elementResults[i].statusCode)) {
            return true;
        }
    }
    return false;
}

/* One step back: less is asked for. False: there is nothing less. */
static bool ask_less(struct opcua_alarms *alarms, UA_StatusCode status)
{
    bool last = alarms->ask + 1 == OPCUA_EVENT_ASKS;
    bool useless = alarms->ask + 1 == OPCUA_EVENT_ASK_BASE &&
                   alarms->settings->mode == OPCUA_ALARM_CONDITIONS;
    if (last || useless) {
        tell_trouble(alarms,
                     "the server tells of no conditions (alarms): its events cannot be "
                     "chosen or have no such fields",
                     status);
        return false;
    }
    alarms->ask++;
    return true;
}

static void item_made(struct opcua_alarms *alarms, const UA_MonitoredItemCreateResult *result)
{
    UA_StatusCode status = result->statusCode;
    opcua_peer_say(alarms->peer, false, "CreateMonitoredItems: events, %s",
                   opcua_status_name(status) != NULL ? opcua_status_name(status) : "answered");
    if (opcua_status_bad(status) && is_filter_trouble(status)) {
        if (ask_less(alarms, status)) {
            create_item(alarms);
        }
    } else if (opcua_status_bad(status)) {
        tell_trouble(alarms, "events of the server cannot be had", status);
        timer_start(&alarms->timer, OPCUA_EVENT_RETRY_S * 1000, 0);
    } else if (chooses_wrong(result) && alarms->ask == OPCUA_EVENT_ASK_ALL) {
        alarms->ask = OPCUA_EVENT_ASK_UNCHOSEN;
        opcua_subscription_renew(&alarms->subscription, "the server does not choose events");
    } else {
        alarms->item = result->monitoredItemId;
        opcua_alarms_refresh(alarms);
    }
}

static void created(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_alarms *alarms = ctx;
    const UA_CreateMonitoredItemsResponse *answer = response;
    alarms->call = NULL;
    if (answer != NULL && answer->resultsSize == 1) {
        item_made(alarms, &answer->results[0]);
    } else {
        if (answer != NULL || !is_unanswered(trouble)) {
            tell_trouble(alarms, "events of the server cannot be had",
                         answer != NULL ? UA_STATUSCODE_BADUNEXPECTEDERROR : trouble->status);
        }
        timer_start(&alarms->timer, OPCUA_EVENT_RETRY_S * 1000, 0);
    }
}

static int source_of(const struct opcua_alarms *alarms, UA_NodeId *out)
{
    *out = UA_NODEID_NUMERIC(0, NODE_SERVER);
    return alarms->settings->source != NULL
               ? opcua_peer_node(alarms->peer, alarms->settings->source, out)
               : 0;
}

static void create_item(struct opcua_alarms *alarms)
{
    UA_MonitoredItemCreateRequest item;
    UA_CreateMonitoredItemsRequest request;
    UA_EventFilter filter;
    UA_MonitoredItemCreateRequest_init(&item);
    if (source_of(alarms, &item.itemToMonitor.nodeId) != 0) {
        tell_trouble(alarms, "alarm_source is in a namespace that the server does not have",
                     UA_STATUSCODE_BADNODEIDUNKNOWN);
        timer_start(&alarms->timer, OPCUA_EVENT_RETRY_S * 1000, 0);
        return;
    }
    if (opcua_event_filter(alarms->settings, &alarms->more, alarms->ask, &filter) !=
        UA_STATUSCODE_GOOD) {
        timer_start(&alarms->timer, OPCUA_EVENT_RETRY_S * 1000, 0);
        return;
    }
    item.itemToMonitor.attributeId = ATTRIBUTE_EVENT_NOTIFIER;
    item.monitoringMode = UA_MONITORINGMODE_REPORTING;
    item.requestedParameters.clientHandle = ITEM_HANDLE;
    item.requestedParameters.queueSize = OPCUA_EVENT_QUEUE;
    item.requestedParameters.discardOldest = true;
    UA_ExtensionObject_setValueNoDelete(&item.requestedParameters.filter, &filter,
                                        &UA_TYPES[UA_TYPES_EVENTFILTER]);
    UA_CreateMonitoredItemsRequest_init(&request);
    request.subscriptionId = alarms->subscription.id;
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
    request.itemsToCreate = &item;
    request.itemsToCreateSize = 1;
    opcua_peer_say(alarms->peer, true, "CreateMonitoredItems: events in subscription %u",
                   alarms->subscription.id);
    alarms->call = opcua_peer_call(
        alarms->peer, &request, &UA_TYPES[UA_TYPES_CREATEMONITOREDITEMSREQUEST],
        &UA_TYPES[UA_TYPES_CREATEMONITOREDITEMSRESPONSE], created, alarms);
    UA_EventFilter_clear(&filter);
}

/* ---- the subscription ---- */

static void forget_call(struct opcua_alarms *alarms)
{
    opcua_call_cancel(alarms->call);
    alarms->call = NULL;
}

static void ready(void *ctx)
{
    struct opcua_alarms *alarms = ctx;
    forget_call(alarms);
    timer_stop(&alarms->timer);
    alarms->item = 0;
    alarms->refreshing = alarms->again = alarms->no_conditions = false;
    create_item(alarms);
}

static void lost(void *ctx, const char *why)
{
    struct opcua_alarms *alarms = ctx;
    opcua_peer_say(alarms->peer, false, "subscription of events lost: %s", why);
    forget_call(alarms);
    alarms->item = 0;
    alarms->refreshing = false;
}

static void refused(void *ctx, const struct opcua_trouble *why)
{
    tell_trouble(ctx, "the server has no subscription for events", why->status);
}

static void gap(void *ctx, int64_t from_us, int64_t until_us)
{
    struct opcua_alarms *alarms = ctx;
    char from[STR_TIME_MAX + 1], until[STR_TIME_MAX + 1];
    str_format_time(from, sizeof(from), from_us, 0, true);
    str_format_time(until, sizeof(until), until_us, 0, true);
    opcua_alarms_tell(alarms, "fault", EVENT_HIGH, "", NULL,
                      "events of the server between %s and %s are lost", from, until);
    alarms->broken = true;
    opcua_alarms_refresh(alarms);
}

static const struct opcua_subscription_events subscription_events = {
    .ready = ready, .notified = notified, .lost = lost, .refused = refused, .gap = gap
};

/* The next try of the item, of a refresh; or what came of a flood. */
static void on_timer(struct timer *timer, void *ctx)
{
    struct opcua_alarms *alarms = ctx;
    (void)timer;
    if (opcua_peer_facts(alarms->peer) == NULL || alarms->subscription.id == 0) {
        return; /* ready() comes */
    }
    if (alarms->item == 0 && alarms->call == NULL) {
        create_item(alarms);
    } else if (alarms->dropped > alarms->dropped_told) { /* it goes on */
        alarms->dropped_told = alarms->dropped;
        timer_start(&alarms->timer, FLOOD_LOOK_S * 1000, 0);
    } else {
        if (alarms->dropped > 0) {
            opcua_alarms_tell(alarms, "normal", EVENT_INFO, "", NULL,
                              "event flood over: %llu were dropped",
                              (unsigned long long)alarms->dropped);
        }
        alarms->dropped = alarms->dropped_told = 0;
        opcua_alarms_refresh(alarms);
    }
}

/* ---- the part ---- */

static void up(struct opcua_part *part, const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_alarms *alarms = (struct opcua_alarms *)(void *)part;
    (void)facts;
    if (resumed) {
        opcua_alarms_refresh(alarms);
    }
}

static void down(struct opcua_part *part)
{
    struct opcua_alarms *alarms = (struct opcua_alarms *)(void *)part;
    alarms->call = NULL;
    alarms->refreshing = false;
    timer_stop(&alarms->timer);
}

static void stop(struct opcua_part *part)
{
    struct opcua_alarms *alarms = (struct opcua_alarms *)(void *)part;
    alarms->stopping = true;
    timer_stop(&alarms->timer);
    forget_call(alarms);
    opcua_acks_stop(alarms);
    opcua_subscription_close(&alarms->subscription);
}

static void free_part(struct opcua_part *part)
{
    struct opcua_alarms *alarms = (struct opcua_alarms *)(void *)part;
    opcua_conditions_clear(alarms);
    map_fini(&alarms->conditions);
    arena_fini(&alarms->arena);
    busbar_free(alarms);
}

void opcua_alarm_part(struct opcua_peer *peer)
{
    const struct opcua_features *features = opcua_peer_config(peer)->driver;
    struct err err = { 0 };
    if (features == NULL || features->alarms.mode == OPCUA_ALARM_OFF) {
        return;
    }
    struct opcua_alarms *alarms = busbar_alloc(sizeof(*alarms));
    alarms->part = (struct opcua_part){
        .name = "alarms", .up = up, .down = down, .stop = stop, .free = free_part
    };
    alarms->peer = peer;
    alarms->settings = &features->alarms;
    arena_init(&alarms->arena, 0);
    if (opcua_event_more_parse(features->alarms.fields, &alarms->arena, &alarms->more, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "opcua", opcua_peer_config(peer)->name, "%s", err.message);
        alarms->more.count = 0; /* checked with the configuration: cannot be */
    }
    map_init(&alarms->conditions);
    list_init(&alarms->acks);
    timer_init(&alarms->timer, opcua_peer_loop(peer), on_timer, alarms);
    alarms->left = OPCUA_EVENT_BURST * WHOLE;
    alarms->filled_us = clock_mono_us();
    opcua_peer_add(peer, &alarms->part);
    opcua_subscription_open(peer, &alarms->subscription, opcua_peer_config(peer)->publishing_us,
                            OPCUA_EVENT_PRIORITY, &subscription_events, alarms);
}
