/* SPDX-License-Identifier: Apache-2.0 */
/* See snmp_agent.h for how the client is cut. */
#include "drivers/snmp/snmp_client.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/snmp/snmp_agent.h"

/* ---- slots ---- */

static struct snmp_asked *new_slot(struct snmp_client *client)
{
    if (client->slot_count == SNMP_ASKED_MAX) {
        return NULL;
    }
    if (client->slot_count == client->slot_capacity) {
        client->slot_capacity = client->slot_capacity == 0 ? 64 : client->slot_capacity * 2;
        client->slots = busbar_realloc(client->slots,
                                       client->slot_capacity * sizeof(struct snmp_asked *));
    }
    struct snmp_asked *asked = busbar_alloc(sizeof(*asked));
    asked->slot = (uint32_t)client->slot_count;
    list_init(&asked->link);
    list_init(&asked->of_agent);
    client->slots[client->slot_count++] = asked;
    return asked;
}

static int32_t new_id(struct snmp_client *client, uint32_t slot, int32_t previous)
{
    int32_t id;
    do {
        id = (int32_t)((hash_random(&client->random) & 0x7fff) << 16 | slot);
    } while (id == previous || id == 0);
    return id;
}

/* The one that was free for longest: a late answer finds its id as the slot's previous one. */
struct snmp_asked *snmp_slot_take(struct snmp_client *client)
{
    struct list *spare = list_shift(&client->free);
    struct snmp_asked *asked = spare != NULL ? list_entry(spare, struct snmp_asked, link)
                                             : new_slot(client);
    if (asked != NULL) {
        asked->previous = asked->id;
        asked->id = new_id(client, asked->slot, asked->previous);
        client->used++;
    }
    return asked;
}

void snmp_slot_give(struct snmp_client *client, struct snmp_asked *asked)
{
    assert(asked->state != SNMP_ASKED_FREE && client->used > 0);
    asked->state = SNMP_ASKED_FREE;
    asked->agent = NULL;
    list_append(&client->free, &asked->link);
    client->used--;
}

/* ---- time-outs ---- */

static void on_lane(struct timer *timer, void *ctx)
{
    struct snmp_lane *lane = ctx;
    int64_t now_us = clock_mono_us();
    (void)timer;
    while (!list_empty(&lane->asked)) {
        struct snmp_asked *first = list_entry(lane->asked.next, struct snmp_asked, link);
        if (first->due_us > now_us) {
            timer_start_at_us(&lane->timer, first->due_us, 0);
            return;
        }
        snmp_asked_timed_out(first);
    }
}

struct snmp_lane *snmp_lane_for(struct snmp_client *client, int64_t timeout_us)
{
    struct snmp_lane *longer = NULL;
    struct snmp_lane *longest = NULL;
    for (size_t i = 0; i < client->lane_count; i++) {
        struct snmp_lane *lane = &client->lanes[i];
        if (lane->timeout_us == timeout_us) {
            return lane;
        }
        if (lane->timeout_us > timeout_us &&
            (longer == NULL || lane->timeout_us < longer->timeout_us)) {
            longer = lane;
        }
        longest = longest == NULL || lane->timeout_us > longest->timeout_us ? lane : longest;
    }
    if (client->lane_count == SNMP_LANES_MAX) {
        return longer != NULL ? longer : longest;
    }
    struct snmp_lane *lane = &client->lanes[client->lane_count++];
    *lane = (struct snmp_lane){ .client = client, .timeout_us = timeout_us };
    list_init(&lane->asked);
    timer_init(&lane->timer, client->loop, on_lane, lane);
    return lane;
}

/* The timer is left as it is when the first of a lane is answered: it looks again then. */
void snmp_lane_add(struct snmp_lane *lane, struct snmp_asked *asked, int64_t now_us)
{
    asked->state = SNMP_ASKED_SENT;
    asked->due_us = now_us + lane->timeout_us;
    list_append(&lane->asked, &asked->link);
    if (!timer_running(&lane->timer)) {
        timer_start_at_us(&lane->timer, asked->due_us, 0);
    }
}

static void on_unsent(struct timer *timer, void *ctx)
{
    struct snmp_client *client = ctx;
    struct list again;
    (void)timer;
    list_init(&again);
    list_move_all(&again, &client->unsent);
    struct list *at;
    while ((at = list_shift(&again)) != NULL) {
        snmp_asked_send(list_entry(at, struct snmp_asked, link));
    }
}

static void on_failing(void *ctx)
{
    struct snmp_client *client = ctx;
    struct list failed;
    list_init(&failed);
    list_move_all(&failed, &client->failed);
    while (!list_empty(&failed)) { /* cancelling takes it out of this list as well */
        struct snmp_asked *asked = list_entry(failed.next, struct snmp_asked, link);
        snmp_asked_end_error(asked, asked->error, (enum usm_trouble)asked->trouble);
    }
}

/* ---- what comes ---- */

static void refuse(struct snmp_asked *asked, uint64_t *count, struct bytes datagram,
                   const char *why)
{
    const struct snmp_agent_options *options = &asked->agent->options;
    (*count)++;
    if (options->ops != NULL && options->ops->bad != NULL) {
        options->ops->bad(options->ctx, datagram, why);
    }
}

/* The question of this id; NULL, and counted: there is none (any more). */
static struct snmp_asked *find(struct snmp_client *client, int32_t id)
{
    uint32_t slot = (uint32_t)id & 0xffff;
    struct snmp_asked *asked = slot < client->slot_count ? client->slots[slot] : NULL;
    if (asked == NULL) {
        client->drops.unknown_id++;
        return NULL;
    }
    if (asked->id == id && asked->state == SNMP_ASKED_SENT) {
        return asked;
    }
    if (asked->id == id || asked->previous == id) {
        client->drops.late++;
    } else {
        client->drops.unknown_id++;
    }
    return NULL;
}

static bool admit(struct snmp_asked *asked, const struct endpoint *from,
                  const struct snmp_message *message)
{
    const struct snmp_agent *agent = asked->agent;
    struct snmp_drops *drops = &agent->client->drops;
    if (!agent->options.any_source && !endpoint_equal(from, &agent->options.address)) {
        refuse(asked, &drops->wrong_address, message->whole,
               "the answer came from another address than was asked: `any_source: true` takes it");
        return false;
    }
    if (message->version != (int32_t)agent->login->version) {
        refuse(asked, &drops->wrong_version, message->whole, "an answer of another SNMP version");
        return false;
    }
    return true;
}

static bool same_community(const char *ours, struct bytes theirs)
{
    size_t size = strlen(ours);
    return size == bytes_left(&theirs) && memcmp(ours, theirs.at, size) == 0;
}

/* v1 and v2c. */
static void take_plain(struct snmp_client *client, const struct endpoint *from,
                       const struct snmp_message *message)
{
    struct snmp_pdu pdu;
    if (snmp_pdu_decode(message->pdu, &pdu) != 0 || pdu.type != SNMP_RESPONSE) {
        client->drops.broken++;
        return;
    }
    struct snmp_asked *asked = find(client, pdu.request_id);
    if (asked == NULL || !admit(asked, from, message)) {
        return;
    }
    struct snmp_agent *agent = asked->agent;
    if (!same_community(agent->login->community, message->community)) {
        refuse(asked, &client->drops.wrong_community, message->whole,
               "an answer with another community");
        return;
    }
    if (agent->options.ops != NULL && agent->options.ops->frame != NULL) {
        agent->options.ops->frame(agent->options.ctx, false, message->whole, bytes_of(NULL, 0));
    }
    struct snmp_answer answer = { .pdu = &pdu, .answered_us = loop_now_us(client->loop) };
    snmp_asked_end(asked, &answer);
}

static void on_datagram(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct snmp_client *client = ctx;
    struct snmp_message message;
    if (snmp_message_decode(data, size, &message) != 0) {
        client->drops.broken++;
        return;
    }
    if (message.version == SNMP_V1 || message.version == SNMP_V2C) {
        take_plain(client, from, &message);
        return;
    }
    if (message.version != SNMP_V3) {
        client->drops.wrong_version++;
        return;
    }
    struct snmp_asked *asked = find(client, message.id);
    if (asked != NULL && admit(asked, from, &message)) {
        snmp_engine_take(asked, &message);
    }
}

/* ---- what comes back ---- */

/* Into the next value, whose end may be cut off: networks send back only the beginning of a datagram. */
static bool enter(struct bytes *in, uint8_t *tag)
{
    *tag = bytes_get_u8(in);
    uint8_t length = bytes_get_u8(in);
    bytes_skip(in, (length & 0x80) != 0 ? length & 0x7f : 0);
    return !bytes_short(in);
}

/* The id of a question of ours. */
static bool get_id(struct bytes in, int32_t *id)
{
    uint8_t tag;
    if (!enter(&in, &tag)) {
        return false;
    }
    int32_t version = ber_get_i32(&in);
    if (version == SNMP_V3) {
        (void)enter(&in, &tag);
    } else {
        (void)ber_get_octets(&in);
        (void)enter(&in, &tag);
    }
    *id = ber_get_i32(&in);
    return !bytes_short(&in);
}

/* Nobody is there, the network says; if it sent back a question that is open. */
static void on_refused(void *ctx, const struct endpoint *to, const uint8_t *data, size_t size,
                       int error)
{
    struct snmp_client *client = ctx;
    int32_t id;
    if (!get_id(bytes_of(data, size), &id)) {
        return;
    }
    uint32_t slot = (uint32_t)id & 0xffff;
    struct snmp_asked *asked = slot < client->slot_count ? client->slots[slot] : NULL;
    if (asked != NULL && asked->id == id && asked->state == SNMP_ASKED_SENT &&
        endpoint_equal(to, &asked->agent->options.address)) {
        snmp_asked_end_error(asked, error, USM_FINE);
    }
}

/* ---- opening ---- */

int snmp_client_open(struct loop *loop, const struct snmp_client_options *options,
                     struct snmp_client **out, struct err *err)
{
    struct snmp_client *client = busbar_alloc(sizeof(*client));
    int error = snmp_sockets_open(&client->sockets, loop, options, on_datagram, on_refused, client,
                                  err);
    if (error != 0) {
        busbar_free(client);
        return error;
    }
    client->loop = loop;
    client->random = hash_entropy();
    client->salt = hash_entropy();
    list_init(&client->free);
    list_init(&client->unsent);
    list_init(&client->failed);
    timer_init(&client->unsent_timer, loop, on_unsent, client);
    loop_deferred_init(&client->failing, on_failing, client);
    *out = client;
    return 0;
}

void snmp_client_close(struct snmp_client *client)
{
    if (client == NULL) {
        return;
    }
    assert(client->agents == 0 && client->used == 0);
    snmp_sockets_close(&client->sockets);
    for (size_t i = 0; i < client->lane_count; i++) {
        timer_stop(&client->lanes[i].timer);
    }
    timer_stop(&client->unsent_timer);
    loop_defer_cancel(&client->failing);
    for (size_t i = 0; i < client->slot_count; i++) {
        busbar_free(client->slots[i]->data);
        busbar_free(client->slots[i]);
    }
    busbar_free(client->slots);
    busbar_free(client);
}

const struct snmp_drops *snmp_client_drops(const struct snmp_client *client)
{
    return &client->drops;
}

void snmp_client_ports(const struct snmp_client *client, size_t *open, size_t *missing)
{
    const struct snmp_sockets *sockets = &client->sockets;
    *open = sockets->v4.count > sockets->v6.count ? sockets->v4.count : sockets->v6.count;
    *missing = sockets->v4.missing + sockets->v6.missing;
}

uint64_t snmp_client_lost(const struct snmp_client *client)
{
    return snmp_sockets_lost(&client->sockets);
}

size_t snmp_client_asked(const struct snmp_client *client)
{
    return client->used;
}

struct loop *snmp_client_loop(const struct snmp_client *client)
{
    return client->loop;
}
