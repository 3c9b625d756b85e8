/* SPDX-License-Identifier: Apache-2.0 */
/* See access.h: requests wait for the link, reads. */
#include "drivers/opcua/data/access.h"

#include <string.h>

#include "base/alloc.h"
#include "drivers/opcua/data/access_private.h"
#include "drivers/opcua/data/subscribe.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

enum { LOOK_AGAIN_US = 5000000 };

/* A Read under way, or what is left of one that was too large. */
struct read_call {
    struct list link; /* access->calls or access->again */
    struct opcua_access *access;
    size_t from, count; /* of access->points */
    struct opcua_call *call;
    uint32_t asked[]; /* indexes into access->points, of those that could be asked for */
};

static struct opcua_accesses *accesses_of(const struct opcua_peer *peer)
{
    return list_entry(opcua_peer_part(peer, "access"), struct opcua_accesses, part);
}

/* ---- the end of a request ---- */

static void drop_calls(struct opcua_access *access)
{
    struct list *at;
    while ((at = list_shift(&access->calls)) != NULL) {
        struct read_call *call = list_entry(at, struct read_call, link);
        opcua_call_cancel(call->call);
        busbar_free(call);
    }
    while ((at = list_shift(&access->again)) != NULL) {
        busbar_free(list_entry(at, struct read_call, link));
    }
    access->call_count = 0;
}

void opcua_access_answer(struct opcua_access *access, int error, uint16_t detail, const char *words)
{
    drop_calls(access);
    list_remove(&access->link);
    access->begun = false;
    access->error = error;
    access->detail = detail;
    str_copy(access->words, sizeof(access->words), words != NULL ? words : "");
    access->answered(access);
}

/* What was not answered has no value. */
static void fill_unanswered(struct opcua_access *access, uint8_t quality)
{
    for (size_t i = 0; i < access->count; i++) {
        if (access->samples[i].quality == QUALITY_NOT_YET && access->samples[i].detail == 0) {
            access->samples[i].quality = quality;
        }
    }
}

/* Ends a read: what came so far counts. */
static void cut(struct opcua_access *access, int error, uint16_t detail, const char *words)
{
    if (access->write || access->done == 0 || error == BUSBAR_ECANCELED) {
        opcua_access_answer(access, error, detail, words);
        return;
    }
    fill_unanswered(access, QUALITY_NO_ANSWER);
    opcua_access_answer(access, 0, 0, NULL);
}

/* ---- reading ---- */

static void pump(struct opcua_access *access);

static void set_bad(struct sample *sample, uint8_t quality, uint16_t detail)
{
    *sample = (struct sample){ .type = VALUE_NONE, .quality = quality, .detail = detail };
}

static void take_value(struct opcua_access *access, size_t at, const UA_DataValue *value)
{
    uint32_t point = access->points[at];
    struct sample *sample = &access->samples[at];
    if (value == NULL) {
        set_bad(sample, QUALITY_DECODE, OPCUA_FOUND_LEFT_OUT);
        return;
    }
    opcua_sample(value, &opcua_peer_config(access->peer)->addresses[point].want,
                 opcua_peer_types(access->peer), &access->texts, sample);
    if (!access->inside) {
        opcua_subscribe_seen(access->peer, point, sample);
    }
}

static void take_values(struct read_call *call, const UA_ReadResponse *response)
{
    enum { SAID = 8 };
    struct opcua_access *access = call->access;
    uint32_t points[SAID];
    struct sample samples[SAID];
    size_t said = 0;
    for (size_t i = 0; i < call->count; i++) {
        size_t at = call->asked[i];
        take_value(access, at, i < response->resultsSize ? &response->results[i] : NULL);
        if (said < SAID) {
            points[said] = access->points[at];
            samples[said++] = access->samples[at];
        }
    }
    access->done += call->count;
    opcua_peer_say_values(access->peer, "Read", points, samples, call->count);
}

/* Too large for the server or for its answer: the halves are asked for. */
static void split(struct read_call *call, const struct opcua_trouble *trouble)
{
    struct opcua_access *access = call->access;
    struct opcua_accesses *accesses = accesses_of(access->peer);
    size_t half = call->count / 2;
    if (half == 0) {
        set_bad(&access->samples[call->asked[0]], opcua_status_quality(trouble->status),
                opcua_status_detail(trouble->status));
        access->done++;
        return;
    }
    if (half < accesses->most) {
        void *ctx;
        const struct opcua_home *home = opcua_peer_home(access->peer, &ctx);
        accesses->most = half;
        home->learned(ctx, "nodes-per-read", (int64_t)half);
    }
    for (size_t part = 0; part < 2; part++) {
        size_t from = part == 0 ? 0 : half;
        size_t count = part == 0 ? half : call->count - half;
        struct read_call *rest = busbar_alloc(sizeof(*rest) + count * sizeof(rest->asked[0]));
        rest->access = access;
        rest->count = count;
        memcpy(rest->asked, call->asked + from, count * sizeof(rest->asked[0]));
        list_append(&access->again, &rest->link);
    }
}

static void read_called(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct read_call *call = ctx;
    struct opcua_access *access = call->access;
    list_remove(&call->link);
    access->call_count--;
    if (response != NULL) {
        take_values(call, response);
    } else if (trouble->error == BUSBAR_ETOOBIG) {
        split(call, trouble);
    } else {
        opcua_peer_say(access->peer, false, "Read of %zu: %s", call->count, trouble->detail);
        busbar_free(call);
        cut(access, trouble->error, opcua_status_detail(trouble->status), trouble->detail);
        return;
    }
    busbar_free(call);
    pump(access);
}

/* A server that starts may load them later. */
static void look_for_namespaces(struct opcua_peer *peer)
{
    struct opcua_accesses *accesses = accesses_of(peer);
    int64_t now_us = loop_now_us(opcua_peer_loop(peer));
    if (now_us - accesses->looked_us >= LOOK_AGAIN_US) {
        accesses->looked_us = now_us;
        opcua_seat_look(opcua_peer_seat(peer));
    }
}

/* Points that can be asked for, from access->given on; the others get their quality here. */
static struct read_call *next_call(struct opcua_access *access, size_t most)
{
    const struct opcua_peer_config *config = opcua_peer_config(access->peer);
    struct read_call *call = busbar_alloc(sizeof(*call) + most * sizeof(call->asked[0]));
    call->access = access;
    list_init(&call->link);
    while (access->given < access->count && call->count < most) {
        size_t at = access->given++;
        UA_NodeId node;
        if (opcua_peer_node(access->peer, &config->addresses[access->points[at]].node, &node) !=
            0) {
            set_bad(&access->samples[at], QUALITY_CONFIGURATION, OPCUA_FOUND_NO_NAMESPACE);
            access->done++;
            look_for_namespaces(access->peer);
            continue;
        }
        call->asked[call->count++] = (uint32_t)at;
    }
    return call;
}

static void send_read(struct read_call *call, UA_ReadValueId *nodes)
{
    struct opcua_access *access = call->access;
    const struct opcua_peer_config *config = opcua_peer_config(access->peer);
    UA_ReadRequest request;
    for (size_t i = 0; i < call->count; i++) {
        const struct opcua_address *address = &config->addresses[access->points[call->asked[i]]];
        UA_ReadValueId_init(&nodes[i]);
        (void)opcua_peer_node(access->peer, &address->node, &nodes[i].nodeId);
        nodes[i].attributeId = address->attribute;
        nodes[i].indexRange = opcua_borrowed(address->range);
    }
    UA_ReadRequest_init(&request);
    request.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
    request.nodesToRead = nodes;
    request.nodesToReadSize = call->count;
    list_append(&access->calls, &call->link);
    access->call_count++;
    opcua_peer_say(access->peer, true, "Read: %zu nodes", call->count);
    call->call = opcua_peer_call(access->peer, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                                 &UA_TYPES[UA_TYPES_READRESPONSE], read_called, call);
}

static void pump(struct opcua_access *access)
{
    struct opcua_accesses *accesses = accesses_of(access->peer);
    const struct opcua_server_facts *facts = opcua_peer_facts(access->peer);
    size_t told = facts != NULL ? facts->limits.nodes_per_read : 0;
    size_t most = told > 0 && told < accesses->most ? told : accesses->most;
    UA_ReadValueId *nodes = busbar_alloc_array(most, sizeof(*nodes));
    while (facts != NULL && access->call_count < OPCUA_CALLS_OPEN) {
        struct list *again = list_shift(&access->again);
        struct read_call *call = again != NULL ? list_entry(again, struct read_call, link)
                                 : access->given < access->count ? next_call(access, most)
                                                                 : NULL;
        if (call == NULL) {
            break;
        }
        if (call->count == 0) {
            busbar_free(call);
            continue;
        }
        send_read(call, nodes);
    }
    busbar_free(nodes);
    if (access->call_count == 0 && list_empty(&access->again) && access->given == access->count) {
        /* never from inside of what began it */
        list_remove(&access->link);
        list_append(&accesses->finished, &access->link);
        loop_defer(opcua_peer_loop(access->peer), &accesses->finishing);
    }
}

static void finish(void *ctx)
{
    struct opcua_accesses *accesses = ctx;
    struct list *at;
    while ((at = list_shift(&accesses->finished)) != NULL) {
        struct opcua_access *access = list_entry(at, struct opcua_access, link);
        fill_unanswered(access, QUALITY_NO_ANSWER);
        opcua_access_answer(access, 0, 0, NULL);
    }
}

static void begin_read(struct opcua_access *access)
{
    struct opcua_accesses *accesses = accesses_of(access->peer);
    for (size_t i = 0; i < access->count; i++) {
        set_bad(&access->samples[i], QUALITY_NOT_YET, 0);
    }
    access->given = 0;
    access->done = 0;
    list_append(&accesses->open, &access->link);
    pump(access);
}

/* ---- waiting for the link ---- */

static void begin(struct opcua_access *access)
{
    if (access->write) {
        opcua_write_begin(accesses_of(access->peer), access);
    } else {
        begin_read(access);
    }
}

void opcua_access_begin(void *ctx)
{
    struct opcua_access *access = ctx;
    list_init(&access->link);
    list_init(&access->again);
    list_init(&access->calls);
    arena_init(&access->texts, 0);
    access->call_count = 0;
    access->begun = true;
    if (opcua_peer_facts(access->peer) != NULL) {
        begin(access);
        return;
    }
    list_append(&accesses_of(access->peer)->waiting, &access->link);
    opcua_peer_connect(access->peer);
}

void opcua_access_cancel(void *ctx)
{
    struct opcua_access *access = ctx;
    if (!access->begun) {
        return;
    }
    if (access->write) {
        opcua_write_drop(access);
    }
    cut(access, BUSBAR_ETIMEOUT, 0, NULL);
}

static void up(struct opcua_part *part, const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_accesses *accesses = list_entry(part, struct opcua_accesses, part);
    struct list all;
    (void)facts;
    (void)resumed;
    list_init(&all);
    list_move_all(&all, &accesses->waiting);
    while (!list_empty(&all)) {
        begin(list_entry(list_shift(&all), struct opcua_access, link));
    }
}

static void answer_all(struct list *from, int error, const char *words)
{
    while (!list_empty(from)) {
        struct opcua_access *access = list_entry(from->next, struct opcua_access, link);
        if (access->write) {
            opcua_write_drop(access);
        }
        opcua_access_answer(access, error, 0, words);
    }
}

/* Calls under way were answered before; what waits for the link does so no longer. */
static void down(struct opcua_part *part)
{
    struct opcua_accesses *accesses = list_entry(part, struct opcua_accesses, part);
    const struct opcua_trouble *why = opcua_peer_trouble(accesses->peer);
    answer_all(&accesses->waiting, why->error, why->detail);
    answer_all(&accesses->open, why->error, why->detail);
    answer_all(&accesses->writes, why->error, why->detail);
    opcua_write_forget(accesses);
}

static void changed(struct opcua_part *part, const struct opcua_server_facts *facts)
{
    (void)facts;
    opcua_write_forget(list_entry(part, struct opcua_accesses, part));
}

static void typed(struct opcua_part *part)
{
    opcua_write_typed(list_entry(part, struct opcua_accesses, part));
}

static void stop(struct opcua_part *part)
{
    struct opcua_accesses *accesses = list_entry(part, struct opcua_accesses, part);
    accesses->stopped = true;
    finish(accesses);
    loop_defer_cancel(&accesses->finishing);
    answer_all(&accesses->waiting, BUSBAR_ECANCELED, NULL);
    answer_all(&accesses->open, BUSBAR_ECANCELED, NULL);
    answer_all(&accesses->writes, BUSBAR_ECANCELED, NULL);
}

static void free_part(struct opcua_part *part)
{
    struct opcua_accesses *accesses = list_entry(part, struct opcua_accesses, part);
    opcua_write_forget(accesses);
    busbar_free(accesses);
}

void opcua_access_part(struct opcua_peer *peer)
{
    struct opcua_accesses *accesses = busbar_alloc(sizeof(*accesses));
    uint32_t learned = opcua_peer_config(peer)->reads_max;
    accesses->part = (struct opcua_part){ .name = "access",
                                          .up = up,
                                          .down = down,
                                          .changed = changed,
                                          .typed = typed,
                                          .stop = stop,
                                          .free = free_part };
    list_init(&accesses->part.link);
    accesses->peer = peer;
    accesses->most = learned > 0 && learned < OPCUA_READ_MOST ? learned : OPCUA_READ_MOST;
    list_init(&accesses->waiting);
    list_init(&accesses->open);
    list_init(&accesses->writes);
    list_init(&accesses->finished);
    list_init(&accesses->types);
    loop_deferred_init(&accesses->finishing, finish, accesses);
    opcua_peer_add(peer, &accesses->part);
}
