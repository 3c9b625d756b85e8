/* SPDX-License-Identifier: Apache-2.0 */
/* A device on the OPC UA thread against a server of the library: what goes home, in which order, and what becomes of
 * refusals, restarts and subscriptions that died. */
#include "../link/server_rig.h"

#include "base/alloc.h"
#include "drivers/opcua/data/access.h"
#include "drivers/opcua/data/publish_private.h"
#include "drivers/opcua/data/subscribe.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

enum { POINTS_MAX = 400, NUMBERS = 300 };

/* ---- a home that keeps what it hears ---- */

struct heard {
    struct opcua_peer *peer;
    struct arena arena;
    struct opcua_address addresses[POINTS_MAX];
    size_t count;
    struct sample last[POINTS_MAX]; /* texts are not kept */
    bool watched[POINTS_MAX];
    int ups, downs, samples, good, batches, closed, answers, watches;
    bool keeps;   /* batches are not given back */
    bool no_disk; /* ... or with an error */
    struct opcua_batch *kept[64];
    size_t kept_count;
    int64_t items_per_call;
    struct opcua_part part; /* hears of holes */
    int holes;
    int64_t hole_from_us, hole_until_us;
    struct opcua_trouble why;
    struct opcua_access access;
};

static void heard_up(void *ctx, struct opcua_peer_facts *facts)
{
    struct heard *heard = ctx;
    heard->ups++;
    opcua_peer_facts_free(facts);
}

static void heard_down(void *ctx, struct opcua_peer_facts *why)
{
    struct heard *heard = ctx;
    heard->downs++;
    heard->why = why->trouble;
    opcua_peer_facts_free(why);
}

/* Home answers in a later turn, as the disk does. */
static void batch_home(void *ctx)
{
    struct opcua_batch *batch = ctx;
    struct heard *heard = batch->home;
    heard->batches++;
    for (size_t i = 0; i < batch->count; i++) {
        heard->last[batch->points[i]] = batch->samples[i];
        heard->samples++;
        heard->good += batch->samples[i].quality == QUALITY_GOOD;
    }
    if (heard->keeps) {
        assert_true(heard->kept_count < 64);
        heard->kept[heard->kept_count++] = batch;
        return;
    }
    batch->error = heard->no_disk ? BUSBAR_ENOSPC : 0;
    opcua_batch_back(batch);
}

static void heard_batch(void *ctx, struct opcua_batch *batch)
{
    batch->home = ctx;
    opcua_thread_tell(rig.thread, batch_home, batch);
}

static void heard_watched(void *ctx, uint32_t *points, size_t count, int64_t every_us)
{
    struct heard *heard = ctx;
    for (size_t i = 0; i < count; i++) {
        heard->watched[points[i]] = every_us > 0;
    }
    heard->watches++;
    busbar_free(points);
}

static void heard_learned(void *ctx, const char *name, int64_t value)
{
    struct heard *heard = ctx;
    if (strcmp(name, "items-per-call") == 0) {
        heard->items_per_call = value;
    }
}

static void heard_closed(void *ctx)
{
    struct heard *heard = ctx;
    heard->closed++;
}

static const struct opcua_home home = { .up = heard_up,
                                        .down = heard_down,
                                        .batch = heard_batch,
                                        .watched = heard_watched,
                                        .learned = heard_learned,
                                        .closed = heard_closed };

static void heard_hole(struct opcua_part *part, int64_t from_us, int64_t until_us)
{
    struct heard *heard = list_entry(part, struct heard, part);
    heard->holes++;
    heard->hole_from_us = from_us;
    heard->hole_until_us = until_us;
}

static void part_free(struct opcua_part *part)
{
    (void)part;
}

static void heard_part(struct opcua_peer *peer)
{
    void *ctx;
    (void)opcua_peer_home(peer, &ctx);
    struct heard *heard = ctx;
    heard->part = (struct opcua_part){ .name = "heard", .hole = heard_hole, .free = part_free };
    list_init(&heard->part.link);
    opcua_peer_add(peer, &heard->part);
}

static void (*const parts[])(struct opcua_peer *peer) = { opcua_access_part, opcua_subscribe_part,
                                                          heard_part, NULL };

static uint32_t add_point(struct heard *heard, const char *node)
{
    struct opcua_address *address = &heard->addresses[heard->count];
    assert_int_equal(opcua_id_parse(node, &heard->arena, NULL, &address->node, NULL), 0);
    address->attribute = OPCUA_ATTRIBUTE_VALUE;
    address->queue = 10;
    return (uint32_t)heard->count++;
}

static void heard_init(struct heard *heard)
{
    memset(heard, 0, sizeof(*heard));
    arena_init(&heard->arena, 0);
}

static void heard_open(struct heard *heard, const struct server *server)
{
    struct opcua_peer_config config = { .name = "press-1",
                                        .link = client_config(server),
                                        .addresses = heard->addresses,
                                        .point_count = heard->count,
                                        .publishing_us = 50000,
                                        .check_us = 300 * RIG_SECOND,
                                        .keep_alive = 4,
                                        .parts = parts };
    config.link.automatic = false;
    config.link.mode = OPCUA_MODE_NONE;
    heard->peer = opcua_peer_new(rig.thread, rig.trust, &config, &home, heard);
    opcua_peer_open(heard->peer);
}

static void heard_close(struct heard *heard)
{
    opcua_peer_close(heard->peer);
    assert_int_equal(heard->closed, 0);
    wait_for(rig.loop, &heard->closed, 1);
    arena_fini(&heard->arena);
}

static void answered(struct opcua_access *access)
{
    struct heard *heard = access->home;
    heard->answers++;
}

static void ask(struct heard *heard, bool write, const uint32_t *points, struct sample *samples,
                size_t count)
{
    heard->access = (struct opcua_access){ .peer = heard->peer,
                                           .write = write,
                                           .points = points,
                                           .samples = samples,
                                           .count = count,
                                           .answered = answered,
                                           .home = heard };
    int answers = heard->answers;
    opcua_access_begin(&heard->access);
    assert_int_equal(heard->answers, answers);
    wait_for(rig.loop, &heard->answers, answers + 1);
}

/* ---- the server's nodes ---- */

static void add_node(struct server *server, const char *name, double value)
{
    UA_VariableAttributes attributes = UA_VariableAttributes_default;
    UA_Variant_setScalar(&attributes.value, &value, &UA_TYPES[UA_TYPES_DOUBLE]);
    attributes.dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
    attributes.valueRank = UA_VALUERANK_SCALAR;
    attributes.accessLevel = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_WRITE;
    UA_NodeId id = UA_NODEID_STRING(1, (char *)(uintptr_t)name);
    assert_int_equal(
        UA_Server_addVariableNode(
            server->server, id, UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER),
            UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES), UA_QUALIFIEDNAME(1, (char *)(uintptr_t)name),
            UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE), attributes, NULL, NULL),
        UA_STATUSCODE_GOOD);
}

static void set_node(struct server *server, const char *name, double value)
{
    UA_Variant variant;
    UA_Variant_setScalar(&variant, &value, &UA_TYPES[UA_TYPES_DOUBLE]);
    assert_int_equal(
        UA_Server_writeValue(server->server, UA_NODEID_STRING(1, (char *)(uintptr_t)name), variant),
        UA_STATUSCODE_GOOD);
}

/* ---- tests ---- */

static void values_are_pushed(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1.5);
    add_node(&server, "b", 2.5);
    heard_init(&heard);
    uint32_t a = add_point(&heard, "ns=1;s=a");
    uint32_t b = add_point(&heard, "ns=1;s=b");
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.good, 2);
    assert_true(heard.watched[a] && heard.watched[b]);
    assert_float_equal(heard.last[a].value.d, 1.5, 0);
    assert_float_equal(heard.last[b].value.d, 2.5, 0);
    assert_true(heard.last[a].time_us > 0);
    set_node(&server, "a", 7);
    wait_for(rig.loop, &heard.good, 3);
    assert_float_equal(heard.last[a].value.d, 7, 0);
    heard_close(&heard);
    server_end(&server);
}

static void reads_and_writes(void **state)
{
    struct server server = { .only_none = true, .reads_max = 7 };
    static struct heard heard;
    static struct sample samples[NUMBERS + 2];
    static uint32_t points[NUMBERS + 2];
    char name[32];
    (void)state;
    server_start(&server);
    heard_init(&heard);
    for (unsigned i = 0; i < NUMBERS; i++) {
        (void)str_format(name, sizeof(name), "n%u", i);
        add_node(&server, name, i);
        (void)str_format(name, sizeof(name), "ns=1;s=n%u", i);
        points[i] = add_point(&heard, name);
        heard.addresses[i].poll = true;
    }
    points[NUMBERS] = add_point(&heard, "ns=1;s=nothing");
    points[NUMBERS + 1] = add_point(&heard, "nsu=urn:not:here;s=x");
    heard.addresses[NUMBERS].poll = heard.addresses[NUMBERS + 1].poll = true;
    heard_open(&heard, &server); /* the read waits for the link */
    ask(&heard, false, points, samples, NUMBERS + 2);
    assert_int_equal(heard.access.error, 0);
    for (unsigned i = 0; i < NUMBERS; i++) {
        assert_int_equal(samples[i].quality, QUALITY_GOOD);
        assert_float_equal(samples[i].value.d, i, 0);
    }
    assert_int_equal(samples[NUMBERS].detail, opcua_status_detail(UA_STATUSCODE_BADNODEIDUNKNOWN));
    assert_int_equal(samples[NUMBERS + 1].detail, OPCUA_FOUND_NO_NAMESPACE);
    arena_fini(&heard.access.texts);
    struct sample value = { .type = VALUE_INT, .value.i = 99 };
    ask(&heard, true, &points[5], &value, 1); /* made a double, as the node wants it */
    assert_int_equal(heard.access.error, 0);
    ask(&heard, false, &points[5], samples, 1);
    assert_float_equal(samples[0].value.d, 99, 0);
    ask(&heard, true, &points[NUMBERS], &value, 1);
    assert_int_equal(heard.access.error, BUSBAR_EREFUSED);
    assert_int_equal(heard.access.detail, opcua_status_detail(UA_STATUSCODE_BADNODEIDUNKNOWN));
    heard_close(&heard);
    server_end(&server);
}

static void no_link(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    struct sample sample;
    uint32_t point;
    (void)state;
    server.port = test_free_port();
    (void)str_format(server.url, sizeof(server.url), "opc.tcp://127.0.0.1:%u", server.port);
    heard_init(&heard);
    point = add_point(&heard, "ns=1;s=a");
    heard_open(&heard, &server);
    ask(&heard, false, &point, &sample, 1);
    assert_true(heard.downs > 0);
    assert_int_equal(heard.access.error, heard.why.error);
    assert_int_equal(heard.why.error, BUSBAR_ECONNREFUSED);
    assert_true(strlen(heard.why.detail) > 10);
    heard_close(&heard);
}

/* One bad node is that point's trouble; when it is there, it is subscribed to. */
static void nodes_come_later(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    struct sample sample;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1);
    heard_init(&heard);
    uint32_t a = add_point(&heard, "ns=1;s=a");
    uint32_t late = add_point(&heard, "ns=1;s=late");
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.samples, 2);
    assert_int_equal(heard.last[a].quality, QUALITY_GOOD);
    assert_int_equal(heard.last[late].detail, opcua_status_detail(UA_STATUSCODE_BADNODEIDUNKNOWN));
    assert_true(heard.watched[late]);
    add_node(&server, "late", 4);
    ask(&heard, false, &late, &sample, 1); /* a check finds it: it is asked for again soon */
    arena_fini(&heard.access.texts);
    wait_for(rig.loop, &heard.good, 2);
    assert_float_equal(heard.last[late].value.d, 4, 0);
    heard_close(&heard);
    server_end(&server);
}

/* A percent deadband needs the node's range, which it does not have: it is subscribed to without. */
static void filters_fall_back(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1);
    heard_init(&heard);
    uint32_t a = add_point(&heard, "ns=1;s=a");
    heard.addresses[a].deadband = 10;
    heard.addresses[a].deadband_percent = true;
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.good, 1);
    set_node(&server, "a", 1.001);
    wait_for(rig.loop, &heard.good, 2);
    heard_close(&heard);
    server_end(&server);
}

static struct opcua_publisher *publisher_of(const struct heard *heard)
{
    return *opcua_seat_slot(opcua_peer_seat(heard->peer));
}

static struct opcua_subscription *subscription_of(const struct heard *heard)
{
    struct opcua_publisher *publisher = publisher_of(heard);
    assert_false(list_empty(&publisher->subscriptions));
    return list_entry(publisher->subscriptions.next, struct opcua_subscription, link);
}

/* What is not on disk is not acknowledged; what was refused by the disk is asked for again. */
static void acknowledged_on_disk(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1);
    heard_init(&heard);
    (void)add_point(&heard, "ns=1;s=a");
    heard.keeps = true;
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.samples, 1);
    assert_false(list_empty(&subscription_of(&heard)->deliveries));
    set_node(&server, "a", 2);
    wait_for(rig.loop, &heard.samples, 2);
    assert_int_equal(heard.kept_count, 2);
    heard.keeps = false;
    assert_int_equal(heard.holes, 1);     /* the first link */
    heard.kept[0]->error = BUSBAR_ENOSPC; /* this one comes again, from the server */
    opcua_batch_back(heard.kept[0]);
    assert_int_equal(heard.holes, 2); /* if the server still has it: its history is asked, too */
    assert_true(heard.hole_from_us < heard.hole_until_us - RIG_SECOND);
    heard.kept[1]->error = 0;
    opcua_batch_back(heard.kept[1]);
    assert_int_equal(subscription_of(&heard)->missing_count, 1);
    wait_for(rig.loop, &heard.samples, 3);
    assert_float_equal(heard.last[0].value.d, 1, 0);
    assert_int_equal(subscription_of(&heard)->missing_count, 0);
    assert_int_equal(subscription_of(&heard)->gaps, 0);
    heard_close(&heard);
    server_end(&server);
}

/* Batches that home still has when the device is gone come back to nobody. */
static void closed_before_the_disk(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1);
    heard_init(&heard);
    (void)add_point(&heard, "ns=1;s=a");
    heard.keeps = true;
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.samples, 1);
    heard_close(&heard);
    assert_int_equal(heard.kept_count, 1);
    assert_null(heard.kept[0]->peer);
    opcua_batch_back(heard.kept[0]);
    server_end(&server);
}

/* The server drops it without a word: the next Publish says so, and it is made anew. */
static void subscription_killed(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1);
    heard_init(&heard);
    uint32_t a = add_point(&heard, "ns=1;s=a");
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.good, 1);
    uint64_t made = subscription_of(&heard)->made;
    opcua_subscription_delete(heard.peer, subscription_of(&heard)->id);
    wait_for(rig.loop, &heard.good, 2); /* the first value of the new one */
    assert_int_equal(subscription_of(&heard)->made, made + 1);
    set_node(&server, "a", 5);
    wait_for(rig.loop, &heard.good, 3);
    assert_float_equal(heard.last[a].value.d, 5, 0);
    heard_close(&heard);
    server_end(&server);
}

static void mode_set(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    int *done = ctx;
    (void)trouble;
    assert_non_null(response);
    (*done)++;
}

/* Alive, but it tells nothing any more: a check reads another value than was notified. */
static void subscription_mute(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    struct sample sample;
    int done = 0;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1);
    heard_init(&heard);
    uint32_t a = add_point(&heard, "ns=1;s=a");
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.good, 1);
    UA_SetPublishingModeRequest request;
    UA_SetPublishingModeRequest_init(&request);
    request.subscriptionIds = &subscription_of(&heard)->id;
    request.subscriptionIdsSize = 1;
    (void)opcua_peer_call(heard.peer, &request, &UA_TYPES[UA_TYPES_SETPUBLISHINGMODEREQUEST],
                          &UA_TYPES[UA_TYPES_SETPUBLISHINGMODERESPONSE], mode_set, &done);
    wait_for(rig.loop, &done, 1);
    set_node(&server, "a", 6);
    wait_ms(rig.loop, 300);
    assert_int_equal(heard.good, 1);
    ask(&heard, false, &a, &sample, 1);
    arena_fini(&heard.access.texts);
    wait_for(rig.loop, &heard.good, 2);
    assert_float_equal(heard.last[a].value.d, 6, 0);
    assert_int_equal(subscription_of(&heard)->made, 2);
    heard_close(&heard);
    server_end(&server);
}

/* The server tells how many items it takes in one call: it is never asked for more. */
static void items_within_the_limit(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    char name[32];
    (void)state;
    server_start(&server);
    UA_Server_getConfig(server.server)->maxMonitoredItemsPerCall = 20;
    heard_init(&heard);
    for (unsigned i = 0; i < NUMBERS; i++) {
        (void)str_format(name, sizeof(name), "n%u", i);
        add_node(&server, name, i);
        (void)str_format(name, sizeof(name), "ns=1;s=n%u", i);
        (void)add_point(&heard, name);
    }
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.good, NUMBERS);
    assert_int_equal(heard.items_per_call, 0); /* nothing was refused */
    heard_close(&heard);
    server_end(&server);
}

/* More than a subscription holds goes into another one, more than the server holds is polled. */
static void items_have_a_limit(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    char name[32];
    int watched = 0;
    (void)state;
    server_start(&server);
    UA_Server_getConfig(server.server)->maxMonitoredItemsPerSubscription = 40;
    UA_Server_getConfig(server.server)->maxMonitoredItems = 100;
    heard_init(&heard);
    for (unsigned i = 0; i < NUMBERS; i++) {
        (void)str_format(name, sizeof(name), "n%u", i);
        add_node(&server, name, i);
        (void)str_format(name, sizeof(name), "ns=1;s=n%u", i);
        (void)add_point(&heard, name);
    }
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.good, 100);
    wait_ms(rig.loop, 500);
    for (unsigned i = 0; i < NUMBERS; i++) {
        watched += heard.watched[i];
    }
    assert_int_equal(watched, 100);
    heard_close(&heard);
    server_end(&server);
}

static void server_restarts(void **state)
{
    struct server server = { .only_none = true };
    static struct heard heard;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1);
    heard_init(&heard);
    uint32_t a = add_point(&heard, "ns=1;s=a");
    heard_open(&heard, &server);
    wait_for(rig.loop, &heard.good, 1);
    server_end(&server);
    wait_for(rig.loop, &heard.downs, 1);
    assert_false(heard.watched[a]);
    server_start(&server);
    add_node(&server, "a", 9);
    opcua_peer_connect(heard.peer);
    wait_for(rig.loop, &heard.ups, 2);
    wait_for(rig.loop, &heard.good, 2);
    assert_float_equal(heard.last[a].value.d, 9, 0);
    assert_true(heard.watched[a]);
    heard_close(&heard);
    server_end(&server);
}

/* Two devices of one server: one session, one stream of Publish answers, each hears its own. */
static void two_devices(void **state)
{
    struct server server = { .only_none = true };
    static struct heard one, two;
    (void)state;
    server_start(&server);
    add_node(&server, "a", 1);
    add_node(&server, "b", 2);
    heard_init(&one);
    heard_init(&two);
    (void)add_point(&one, "ns=1;s=a");
    (void)add_point(&two, "ns=1;s=b");
    heard_open(&one, &server);
    heard_open(&two, &server);
    wait_for(rig.loop, &one.good, 1);
    wait_for(rig.loop, &two.good, 1);
    assert_ptr_equal(publisher_of(&one), publisher_of(&two));
    heard_close(&one); /* the other goes on */
    set_node(&server, "b", 3);
    wait_for(rig.loop, &two.good, 2);
    assert_float_equal(two.last[0].value.d, 3, 0);
    heard_close(&two);
    server_end(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_pushed),
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(no_link),
        cmocka_unit_test(nodes_come_later),
        cmocka_unit_test(filters_fall_back),
        cmocka_unit_test(acknowledged_on_disk),
        cmocka_unit_test(closed_before_the_disk),
        cmocka_unit_test(subscription_killed),
        cmocka_unit_test(server_restarts),
        cmocka_unit_test(two_devices),
        cmocka_unit_test(subscription_mute),
        cmocka_unit_test(items_within_the_limit),
        cmocka_unit_test(items_have_a_limit),
    };
    return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
