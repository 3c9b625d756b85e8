/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence numbers, births and deaths. */
#include "drivers/mqtt/sparkplug/host.h"

#include <string.h>

#include "base/alloc.h"
#include "drivers/mqtt/sparkplug/host_parts.h"

#define SECOND_US INT64_C(1000000)

enum {
    REORDER_US = 5000000,
    REBIRTH_FIRST_US = 10000000, /* between two rebirths asked of a node; doubled each time */
    REBIRTH_LONGEST_US = 600000000,
    REBIRTHS_A_SECOND = 20, /* over all nodes */
    SEQ_AHEAD = 128,        /* further ahead: it is behind, and late */
    LATE_RUN = 4,
};

static bool due_before(const struct heap_node *a, const struct heap_node *b)
{
    return heap_entry(a, struct host_node, in_heap)->due_us <
           heap_entry(b, struct host_node, in_heap)->due_us;
}

struct sparkplug_host *sparkplug_host_new(const struct sparkplug_host_calls *calls, void *ctx,
                                          const struct sparkplug_host_options *options)
{
    struct sparkplug_host *host = busbar_alloc(sizeof(*host));
    host->calls = calls;
    host->ctx = ctx;
    host->reorder_us = options != NULL && options->reorder_us > 0 ? options->reorder_us
                                                                  : REORDER_US;
    host->reader = sparkplug_reader_new();
    heap_init(&host->due, due_before);
    return host;
}

/* ---- what is due ---- */

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return b_us != 0 && b_us < a_us ? b_us : a_us;
}

static int64_t reorder_due(const struct sparkplug_host *host, const struct host_node *node)
{
    int64_t since_us = INT64_MAX;
    for (size_t i = 0; i < node->held_count; i++) {
        since_us = node->held[i]->since_us < since_us ? node->held[i]->since_us : since_us;
    }
    return node->held_count > 0 ? since_us + host->reorder_us : 0;
}

static void update_due(struct sparkplug_host *host, struct host_node *node)
{
    int64_t due_us = earlier(INT64_MAX, reorder_due(host, node));
    due_us = earlier(due_us, node->rebirth_due_us);
    due_us = earlier(due_us, node->settle_due_us);
    if (due_us != node->due_us) {
        node->due_us = due_us;
        heap_update(&host->due, &node->in_heap);
    }
}

/* ---- rebirths ---- */

static void want_rebirth(struct host_node *node, const char *why, int64_t now_us)
{
    if (node->rebirth_due_us == 0) {
        node->rebirth_due_us = now_us > node->rebirth_next_us ? now_us : node->rebirth_next_us;
        node->rebirth_why = why;
    }
}

static void ask_rebirth(struct sparkplug_host *host, struct host_node *node, int64_t now_us)
{
    if (node->rebirth_due_us == 0 || node->rebirth_due_us > now_us) {
        return;
    }
    int64_t second = now_us / SECOND_US;
    if (host->asked_us[0] != second) {
        host->asked_us[0] = second;
        host->asked_us[1] = 0;
    }
    if (host->asked_us[1] >= REBIRTHS_A_SECOND) {
        node->rebirth_due_us = (second + 1) * SECOND_US;
        return;
    }
    host->asked_us[1]++;
    host->counts.rebirths++;
    node->rebirth_due_us = 0;
    node->rebirth_wait_us = node->rebirth_wait_us == 0 ? REBIRTH_FIRST_US
                                                       : 2 * node->rebirth_wait_us;
    if (node->rebirth_wait_us > REBIRTH_LONGEST_US) {
        node->rebirth_wait_us = REBIRTH_LONGEST_US;
    }
    node->rebirth_next_us = now_us + node->rebirth_wait_us;
    if (node->wanted &&
        !node->self->born) { /* the command may be lost, or nobody there to hear it */
        node->rebirth_due_us = node->rebirth_next_us;
    }
    host->calls->rebirth(host->ctx, &node->self->place, node->rebirth_why);
}

/* ---- messages, in their order ---- */

/* A message that is dealt with now. */
struct turn {
    struct sparkplug_host *host;
    struct host_node *node;
    enum sparkplug_type type;
    const char *device;
    struct sparkplug_payload *payload;
    void *token;
    int64_t now_us;
    struct err *err;
};

static int unused(struct turn *turn, const char *why)
{
    turn->host->counts.unused++;
    (void)err_set(turn->err, BUSBAR_ENOENT, "%s", why);
    return SPARKPLUG_UNUSED;
}

static void give(struct turn *turn, struct host_place *place, bool birth)
{
    size_t count = sparkplug_place_resolve(turn->host, place, turn->payload);
    if (count < turn->payload->count && !birth) {
        want_rebirth(turn->node, "an alias that no birth named", turn->now_us);
    }
    turn->host->calls->metrics(turn->host->ctx, turn->token, &place->place, turn->payload->metrics,
                               count, birth);
}

static int refuse_birth(struct turn *turn, int error)
{
    return error == BUSBAR_ELIMIT
               ? err_set(turn->err, error, "the births of all nodes have more than %d metrics",
                         SPARKPLUG_KNOWN_MAX)
               : err_set(turn->err, error, "%s", err_text(error));
}

static bool find_bd(const struct sparkplug_payload *payload, uint64_t *bd_seq)
{
    for (size_t i = 0; i < payload->count; i++) {
        const struct sparkplug_metric *metric = &payload->metrics[i];
        if (metric->name_size == 5 && memcmp(metric->name, "bdSeq", 5) == 0 &&
            metric->kind == SPARKPLUG_IS_INT) {
            *bd_seq = (uint64_t)metric->value.i;
            return true;
        }
    }
    return false;
}

static int take_node_birth(struct turn *turn)
{
    struct host_node *node = turn->node;
    size_t at = 0;
    void *device;
    int error = sparkplug_place_birth(turn->host, node->self, turn->payload);
    node->self->born = error == 0;
    if (error != 0) {
        return refuse_birth(turn, error);
    }
    turn->host->counts.births++;
    node->has_bd = find_bd(turn->payload, &node->bd_seq);
    node->expected = (uint8_t)((turn->payload->has_seq ? turn->payload->seq : 0) + 1);
    node->rebirth_due_us = 0;
    node->rebirth_wait_us = 0;
    while (map_next(&node->devices, &at, NULL, &device)) {
        struct host_place *place = device;
        place->born = false;
        node->settle_due_us = place->place.up ? turn->now_us + turn->host->reorder_us
                                              : node->settle_due_us;
    }
    sparkplug_place_link(turn->host, node->self, true, "NBIRTH");
    give(turn, node->self, true);
    return SPARKPLUG_TAKEN;
}

static int take_device_birth(struct turn *turn)
{
    struct host_place *place = sparkplug_device_get(turn->node, turn->device);
    if (place == NULL) {
        place = sparkplug_device_new(turn->host, turn->node, turn->device);
    }
    if (place == NULL) {
        return err_set(turn->err, BUSBAR_ELIMIT, "more than %d devices behind one edge node",
                       SPARKPLUG_DEVICES_MAX);
    }
    int error = sparkplug_place_birth(turn->host, place, turn->payload);
    place->born = error == 0;
    if (error != 0) {
        return refuse_birth(turn, error);
    }
    turn->host->counts.births++;
    sparkplug_place_link(turn->host, place, true, "DBIRTH");
    give(turn, place, true);
    return SPARKPLUG_TAKEN;
}

static int take_data(struct turn *turn)
{
    struct host_place *place = sparkplug_device_get(turn->node, turn->device);
    if (place == NULL || !place->born) {
        want_rebirth(turn->node, "data of a device before its birth", turn->now_us);
        return unused(turn, "data of a device before its DBIRTH");
    }
    turn->host->counts.data++;
    give(turn, place, false);
    return SPARKPLUG_TAKEN;
}

static int take_device_death(struct turn *turn)
{
    struct host_place *place = sparkplug_device_get(turn->node, turn->device);
    if (place == NULL) {
        return unused(turn, "DDEATH of a device that had no DBIRTH");
    }
    turn->host->counts.deaths++;
    place->born = false;
    sparkplug_place_link(turn->host, place, false, "DDEATH");
    return SPARKPLUG_TAKEN;
}

/* A message whose turn it is; the node is up. */
static int take_turn(struct turn *turn)
{
    switch (turn->type) {
    case SPARKPLUG_DBIRTH: return take_device_birth(turn);
    case SPARKPLUG_DDEATH: return take_device_death(turn);
    default: return take_data(turn);
    }
}

/* ---- messages out of order ---- */

static void drop_held(struct sparkplug_host *host, struct host_node *node, size_t index)
{
    struct host_held *held = node->held[index];
    node->held_bytes -= held->size;
    host->counts.held--;
    node->held_count--;
    memmove(&node->held[index], &node->held[index + 1],
            (node->held_count - index) * sizeof(node->held[0]));
    busbar_free(held);
}

static void take_held(struct sparkplug_host *host, struct host_node *node, size_t index,
                      int64_t now_us)
{
    struct host_held *held = node->held[index];
    struct sparkplug_payload payload;
    void *token = held->token;
    struct turn turn = { .host = host,
                         .node = node,
                         .type = held->type,
                         .device = held->device,
                         .payload = &payload,
                         .token = token,
                         .now_us = now_us };
    int taken = sparkplug_payload_read(host->reader, bytes_of(held->bytes, held->size), &payload,
                                       NULL);
    node->expected = (uint8_t)(held->seq + 1);
    taken = taken == 0 ? take_turn(&turn) : taken;
    drop_held(host, node, index);
    host->calls->released(host->ctx, token, taken != SPARKPLUG_TAKEN);
}

/* The one that comes first after what was taken. */
static size_t nearest_held(const struct host_node *node, uint8_t *distance)
{
    size_t best = 0;
    *distance = UINT8_MAX;
    for (size_t i = 0; i < node->held_count; i++) {
        uint8_t far = (uint8_t)(node->held[i]->seq - node->expected);
        if (far < *distance) {
            *distance = far;
            best = i;
        }
    }
    return best;
}

/* Those whose turn has come; all: also those that miss earlier ones. */
static void take_all_held(struct sparkplug_host *host, struct host_node *node, bool all,
                          int64_t now_us)
{
    while (node->held_count > 0) {
        uint8_t distance;
        size_t index = nearest_held(node, &distance);
        if (distance > 0 && !all) {
            return;
        }
        take_held(host, node, index, now_us);
    }
}

/* What is missing does not come any more. */
static void give_up(struct sparkplug_host *host, struct host_node *node, int64_t now_us)
{
    host->counts.gaps++;
    want_rebirth(node, "messages are missing", now_us);
    take_all_held(host, node, true, now_us);
}

static void lose_held(struct sparkplug_host *host, struct host_node *node)
{
    while (node->held_count > 0) {
        void *token = node->held[0]->token;
        drop_held(host, node, 0);
        host->calls->released(host->ctx, token, true);
    }
}

static int hold(struct turn *turn, struct bytes payload)
{
    struct host_node *node = turn->node;
    size_t size = bytes_left(&payload);
    for (size_t i = 0; i < node->held_count; i++) {
        if (node->held[i]->seq == turn->payload->seq) {
            turn->host->counts.late++;
            return unused(turn, "a repetition of a message that waits for earlier ones");
        }
    }
    struct host_held *held = busbar_try_alloc(sizeof(*held) + size);
    if (held == NULL) {
        return err_set(turn->err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
    }
    held->type = turn->type;
    memcpy(held->device, turn->device, strlen(turn->device) + 1);
    held->seq = turn->payload->seq;
    held->since_us = turn->now_us;
    held->token = turn->token;
    held->size = size;
    if (size > 0) {
        memcpy(held->bytes, payload.at, size);
    }
    node->held[node->held_count++] = held;
    node->held_bytes += size;
    turn->host->counts.held++;
    turn->host->counts.reordered++;
    return SPARKPLUG_HELD;
}

/* Sent twice, or it comes after it was given up: values have times of their own. Several one behind the other are none of
 * that: more than half a round is missing, and the node goes on behind them. */
static int take_late(struct turn *turn)
{
    struct host_node *node = turn->node;
    bool next = node->late_run > 0 && turn->payload->seq == (uint8_t)(node->late_seq + 1);
    node->late_run = next ? node->late_run + 1 : 1;
    node->late_seq = (uint8_t)turn->payload->seq;
    turn->host->counts.late++;
    if (node->late_run == LATE_RUN) {
        turn->host->counts.gaps++;
        want_rebirth(node, "messages are missing", turn->now_us);
        node->expected = (uint8_t)(node->late_seq + 1);
        node->late_run = 0;
    }
    return turn->type == SPARKPLUG_NDATA || turn->type == SPARKPLUG_DDATA
               ? take_data(turn)
               : unused(turn, "a birth or death that comes too late");
}

/* Of a node that is up, with a sequence number. */
static int take_in_order(struct turn *turn, struct bytes payload)
{
    struct sparkplug_host *host = turn->host;
    struct host_node *node = turn->node;
    uint8_t ahead = (uint8_t)(turn->payload->seq - node->expected);
    if (ahead >= SEQ_AHEAD) {
        return take_late(turn);
    }
    node->late_run = 0;
    bool full = node->held_count == SPARKPLUG_HELD_MAX ||
                node->held_bytes + bytes_left(&payload) > SPARKPLUG_HELD_BYTES_MAX;
    if (ahead > 0 && !full) {
        return hold(turn, payload);
    }
    if (ahead > 0) { /* the reader's memory is needed for those that are held */
        give_up(host, node, turn->now_us);
        int error = sparkplug_payload_read(host->reader, payload, turn->payload, turn->err);
        if (error != 0) {
            return error;
        }
    }
    node->expected = (uint8_t)(turn->payload->seq + 1);
    int taken = take_turn(turn);
    take_all_held(host, node, false, turn->now_us);
    return taken;
}

/* ---- deaths ---- */

static void all_down(struct sparkplug_host *host, struct host_node *node, const char *why)
{
    size_t at = 0;
    void *device;
    while (map_next(&node->devices, &at, NULL, &device)) {
        struct host_place *place = device;
        place->born = false;
        sparkplug_place_link(host, place, false, why);
    }
    node->self->born = false;
    node->settle_due_us = 0;
    sparkplug_place_link(host, node->self, false, why);
}

static int take_node_death(struct turn *turn)
{
    struct host_node *node = turn->node;
    uint64_t bd_seq = 0;
    if (!node->self->born) {
        return unused(turn, "NDEATH of a node that had no NBIRTH");
    }
    if (find_bd(turn->payload, &bd_seq) && node->has_bd && bd_seq != node->bd_seq) {
        return unused(turn, "NDEATH of an earlier session: its bdSeq is not that of the NBIRTH");
    }
    turn->host->counts.deaths++;
    take_all_held(turn->host, node, true, turn->now_us);
    all_down(turn->host, node, "NDEATH");
    return SPARKPLUG_TAKEN;
}

/* ---- entry ---- */

static int take_of_node(struct turn *turn, struct bytes payload)
{
    struct host_node *node = turn->node;
    if (turn->type == SPARKPLUG_NDEATH) {
        return take_node_death(turn);
    }
    if (turn->type == SPARKPLUG_NBIRTH) {
        if (node->held_count > 0) { /* of the session before */
            take_all_held(turn->host, node, true, turn->now_us);
            int error = sparkplug_payload_read(turn->host->reader, payload, turn->payload,
                                               turn->err);
            if (error != 0) {
                return error;
            }
        }
        return take_node_birth(turn);
    }
    if (!node->self->born) {
        want_rebirth(node, "data before its birth", turn->now_us);
        return unused(turn, "the node has not sent its NBIRTH yet");
    }
    return turn->payload->has_seq ? take_in_order(turn, payload) : take_turn(turn);
}

int sparkplug_host_take(struct sparkplug_host *host, const struct sparkplug_topic *topic,
                        struct bytes payload, int64_t now_us, void *token, struct err *err)
{
    struct sparkplug_payload read;
    struct turn turn = { .host = host,
                         .type = topic->type,
                         .device = topic->device,
                         .payload = &read,
                         .token = token,
                         .now_us = now_us,
                         .err = err };
    if (topic->type >= SPARKPLUG_NCMD) {
        return unused(&turn, "commands and STATE are for others");
    }
    int error = sparkplug_payload_read(host->reader, payload, &read, err);
    if (error != 0) {
        return error;
    }
    turn.node = sparkplug_node_get(host, topic->group, topic->node);
    if (turn.node == NULL) {
        turn.node = sparkplug_node_new(host, topic->group, topic->node);
    }
    if (turn.node == NULL) {
        return err_set(err, BUSBAR_ELIMIT, "more than %d edge nodes", SPARKPLUG_NODES_MAX);
    }
    int taken = take_of_node(&turn, payload);
    ask_rebirth(host, turn.node, now_us);
    update_due(host, turn.node);
    return taken;
}

/* ---- time ---- */

int64_t sparkplug_host_due(const struct sparkplug_host *host)
{
    const struct heap_node *first = heap_first(&host->due);
    return first != NULL ? heap_entry(first, const struct host_node, in_heap)->due_us : INT64_MAX;
}

/* Devices that were not born again with their node. */
static void settle(struct sparkplug_host *host, struct host_node *node)
{
    size_t at = 0;
    void *device;
    node->settle_due_us = 0;
    while (map_next(&node->devices, &at, NULL, &device)) {
        struct host_place *place = device;
        if (!place->born) {
            sparkplug_place_link(host, place, false, "no DBIRTH after the node's NBIRTH");
        }
    }
}

void sparkplug_host_tick(struct sparkplug_host *host, int64_t now_us)
{
    while (sparkplug_host_due(host) <= now_us) {
        struct host_node *node = heap_entry(heap_first(&host->due), struct host_node, in_heap);
        int64_t reorder_us = reorder_due(host, node);
        if (reorder_us != 0 && reorder_us <= now_us) {
            give_up(host, node, now_us);
        }
        if (node->settle_due_us != 0 && node->settle_due_us <= now_us) {
            settle(host, node);
        }
        ask_rebirth(host, node, now_us);
        update_due(host, node);
    }
}

/* ---- the rest ---- */

void sparkplug_host_disconnected(struct sparkplug_host *host)
{
    size_t at = 0;
    void *value;
    while (map_next(&host->nodes, &at, NULL, &value)) {
        struct host_node *node = value;
        lose_held(host, node);
        all_down(host, node, "the connection to the broker is gone");
        node->rebirth_due_us = 0;
        node->wanted = false;
        update_due(host, node);
    }
}

void sparkplug_host_want(struct sparkplug_host *host, const char *group, const char *node,
                         int64_t now_us)
{
    struct host_node *wanted = sparkplug_node_get(host, group, node);
    if (wanted == NULL) {
        wanted = sparkplug_node_new(host, group, node);
    }
    if (wanted != NULL && !wanted->self->born) {
        wanted->wanted = true;
        want_rebirth(wanted, "its birth is not known", now_us);
        ask_rebirth(host, wanted, now_us);
        update_due(host, wanted);
    }
}

void sparkplug_host_forget(struct sparkplug_host *host, const char *group, const char *node)
{
    struct host_node *gone = sparkplug_node_get(host, group, node);
    if (gone != NULL) {
        lose_held(host, gone);
        all_down(host, gone, "it is not configured any more");
        sparkplug_node_free(host, gone);
    }
}

void sparkplug_host_free(struct sparkplug_host *host)
{
    size_t at = 0;
    void *node;
    if (host == NULL) {
        return;
    }
    while (map_next(&host->nodes, &at, NULL, &node)) {
        lose_held(host, node);
        sparkplug_node_free(host, node);
        at = 0; /* the map has changed */
    }
    map_fini(&host->nodes);
    heap_fini(&host->due);
    sparkplug_reader_free(host->reader);
    busbar_free(host);
}
