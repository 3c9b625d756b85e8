/* SPDX-License-Identifier: Apache-2.0 */
/* See peer.h: the life of a peer, and what goes home. */
#include "drivers/opcua/data/peer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/data/publish.h"
#include "drivers/opcua/data/types.h"
#include "drivers/opcua/text/status.h"

enum {
    BATCHES_SPARE = 8,
    BATCH_MIN = 64,
    BATCH_SPARE_MAX = 16384,
    WORDS_MAX = 480,
    VALUES_SAID = 4,
    DISK_SLOW_US = 20000000, /* from a value's coming to the disk's refusal, at most */
};

struct opcua_peer {
    struct opcua_peer_config config;
    struct opcua_thread *thread;
    const struct opcua_home *home;
    void *ctx;
    struct opcua_seat *seat;
    const struct opcua_server_facts *facts;
    struct list parts;
    struct list spare; /* batches to be used again */
    size_t spare_count;
    struct list out;      /* batches and ... */
    struct list news_out; /* ... events that home has */
    bool closing, was_up;
    int64_t down_us; /* wall; since when there is no link; 0: it is up */
    struct opcua_types *types;
    struct trust *trust;
    struct opcua_trouble trouble;
    struct loop_deferred failing;
};

static struct opcua_part *part_of(struct list *at)
{
    return list_entry(at, struct opcua_part, link);
}

/* ---- facts ---- */

static struct opcua_peer_facts *copy_facts(const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_peer_facts *copy = busbar_alloc(sizeof(*copy));
    copy->url = busbar_strdup(facts->url);
    copy->application_uri = busbar_strdup(facts->application_uri);
    copy->product_uri = busbar_strdup(facts->product_uri);
    copy->name = busbar_strdup(facts->name);
    copy->mode = facts->mode;
    copy->policy = facts->policy;
    copy->limits = facts->limits;
    copy->resumed = resumed;
    return copy;
}

void opcua_peer_facts_free(struct opcua_peer_facts *facts)
{
    busbar_free(facts->url);
    busbar_free(facts->application_uri);
    busbar_free(facts->product_uri);
    busbar_free(facts->name);
    busbar_free(facts);
}

/* ---- the link ---- */

static void up(void *ctx, const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_peer *peer = ctx;
    int64_t since_us = peer->down_us;
    bool first = !peer->was_up;
    peer->facts = facts;
    peer->was_up = true;
    peer->down_us = 0;
    opcua_peer_say(peer, false, "%s at %s, %s", resumed ? "session resumed" : "session activated",
                   facts->url, opcua_policy_name(facts->policy));
    peer->home->up(peer->ctx, copy_facts(facts, resumed));
    opcua_types_up(peer->types, resumed);
    opcua_publisher_up(peer, resumed);
    list_each_safe(at, &peer->parts) {
        if (part_of(at)->up != NULL) {
            part_of(at)->up(part_of(at), facts, resumed);
        }
    }
    if (!resumed) {
        opcua_peer_hole(peer, first ? 0 : since_us, clock_wall_us());
    }
}

/* For the host a link that is down is silence, whatever made it so. */
static int silence(int error)
{
    switch (error) {
    case BUSBAR_ETIMEOUT:
    case BUSBAR_EHOST:
    case BUSBAR_EROUTE:
    case BUSBAR_ECONNREFUSED:
    case BUSBAR_ECLOSED:
    case BUSBAR_ERESET:
    case BUSBAR_ETLS:
    case BUSBAR_EPROTO:
    case BUSBAR_EAUTH:
    case BUSBAR_EUNTRUSTED: return error;
    default: return BUSBAR_ENOTCONN;
    }
}

static void down(void *ctx, const struct opcua_trouble *why)
{
    struct opcua_peer *peer = ctx;
    struct opcua_peer_facts *copy = busbar_alloc(sizeof(*copy));
    peer->facts = NULL;
    peer->down_us = peer->down_us == 0 ? clock_wall_us() : peer->down_us;
    peer->trouble = *why;
    peer->trouble.error = silence(why->error);
    copy->trouble = peer->trouble;
    opcua_peer_say(peer, false, "link down: %s", why->detail);
    peer->home->down(peer->ctx, copy);
    opcua_publisher_down(peer);
    opcua_types_down(peer->types);
    list_each_safe(at, &peer->parts) {
        if (part_of(at)->down != NULL) {
            part_of(at)->down(part_of(at));
        }
    }
}

static void changed(void *ctx, const struct opcua_server_facts *facts)
{
    struct opcua_peer *peer = ctx;
    peer->facts = facts;
    opcua_types_changed(peer->types);
    list_each_safe(at, &peer->parts) {
        if (part_of(at)->changed != NULL) {
            part_of(at)->changed(part_of(at), facts);
        }
    }
}

/* What the server says of its structures is known now. */
static void types_loaded(void *ctx)
{
    struct opcua_peer *peer = ctx;
    list_each_safe(at, &peer->parts) {
        if (part_of(at)->typed != NULL) {
            part_of(at)->typed(part_of(at));
        }
    }
}

/* What home has is not ours any more: it comes back to nobody. */
static void orphan(struct opcua_peer *peer)
{
    struct list *at;
    while ((at = list_shift(&peer->out)) != NULL) {
        struct opcua_batch *batch = list_entry(at, struct opcua_batch, link);
        batch->peer = NULL;
        opcua_delivery_done(batch->delivery, false);
        batch->delivery = NULL;
        batch->done = NULL;
    }
    while ((at = list_shift(&peer->news_out)) != NULL) {
        struct opcua_news *news = list_entry(at, struct opcua_news, link);
        news->peer = NULL;
        opcua_delivery_done(news->delivery, false);
        news->delivery = NULL;
        news->done = NULL;
    }
    while ((at = list_shift(&peer->spare)) != NULL) {
        opcua_batch_free(list_entry(at, struct opcua_batch, link));
    }
}

static void left(void *ctx)
{
    struct opcua_peer *peer = ctx;
    const struct opcua_home *home = peer->home;
    void *home_ctx = peer->ctx;
    struct list *at;
    while ((at = list_shift(&peer->parts)) != NULL) {
        part_of(at)->free(part_of(at));
    }
    orphan(peer);
    opcua_types_free(peer->types);
    busbar_free(peer);
    home->closed(home_ctx);
}

static const struct opcua_seat_events seat_events = {
    .up = up, .down = down, .changed = changed, .left = left
};

/* What a person must mend before anything can be tried. */
static void fail(void *ctx)
{
    struct opcua_peer *peer = ctx;
    struct opcua_trouble trouble;
    opcua_trouble_set(&trouble, BUSBAR_ECONFIG, 0, "%s", peer->config.broken);
    down(peer, &trouble);
}

struct opcua_peer *opcua_peer_new(struct opcua_thread *thread, struct trust *trust,
                                  const struct opcua_peer_config *config,
                                  const struct opcua_home *home, void *ctx)
{
    struct opcua_peer *peer = busbar_alloc(sizeof(*peer));
    peer->config = *config;
    peer->thread = thread;
    peer->trust = trust;
    peer->home = home;
    peer->ctx = ctx;
    list_init(&peer->parts);
    list_init(&peer->spare);
    list_init(&peer->out);
    list_init(&peer->news_out);
    loop_deferred_init(&peer->failing, fail, peer);
    return peer;
}

void opcua_peer_open(void *ctx)
{
    struct opcua_peer *peer = ctx;
    const struct opcua_peer_config *config = &peer->config;
    peer->seat = opcua_seat_take(peer->thread, peer->trust, &config->link, &seat_events, peer);
    peer->types = opcua_types_new(peer->seat, opcua_peer_loop(peer), types_loaded, peer);
    for (size_t i = 0; config->parts != NULL && config->parts[i] != NULL; i++) {
        config->parts[i](peer);
    }
    opcua_peer_connect(peer);
}

void opcua_peer_close(void *ctx)
{
    struct opcua_peer *peer = ctx;
    peer->closing = true;
    loop_defer_cancel(&peer->failing);
    list_each_safe(at, &peer->parts) {
        if (part_of(at)->stop != NULL) {
            part_of(at)->stop(part_of(at));
        }
    }
    opcua_publisher_leave(peer);
    opcua_seat_leave(peer->seat);
}

void opcua_peer_connect(struct opcua_peer *peer)
{
    if (peer->closing || peer->facts != NULL) {
        return;
    }
    if (peer->config.broken != NULL) {
        loop_defer(opcua_peer_loop(peer), &peer->failing);
    } else {
        opcua_seat_connect(peer->seat);
    }
}

/* ---- for the parts ---- */

void opcua_peer_add(struct opcua_peer *peer, struct opcua_part *part)
{
    list_append(&peer->parts, &part->link);
}

struct opcua_part *opcua_peer_part(const struct opcua_peer *peer, const char *name)
{
    list_each(at, &peer->parts) {
        if (str_equal(part_of(at)->name, name)) {
            return part_of(at);
        }
    }
    return NULL;
}

const struct opcua_peer_config *opcua_peer_config(const struct opcua_peer *peer)
{
    return &peer->config;
}

struct opcua_seat *opcua_peer_seat(const struct opcua_peer *peer)
{
    return peer->seat;
}

struct loop *opcua_peer_loop(const struct opcua_peer *peer)
{
    return opcua_thread_loop(peer->thread);
}

const struct opcua_trouble *opcua_peer_trouble(const struct opcua_peer *peer)
{
    return &peer->trouble;
}

const struct opcua_server_facts *opcua_peer_facts(const struct opcua_peer *peer)
{
    return peer->facts;
}

const struct opcua_home *opcua_peer_home(const struct opcua_peer *peer, void **ctx)
{
    *ctx = peer->ctx;
    return peer->home;
}

struct opcua_types *opcua_peer_types(const struct opcua_peer *peer)
{
    return peer->types;
}

int opcua_peer_node(const struct opcua_peer *peer, const struct opcua_id *id, UA_NodeId *out)
{
    return peer->facts != NULL ? opcua_node_id(id, peer->facts, out) : BUSBAR_ENOTCONN;
}

void opcua_peer_hole(struct opcua_peer *peer, int64_t from_us, int64_t until_us)
{
    list_each_safe(at, &peer->parts) {
        if (part_of(at)->hole != NULL) {
            part_of(at)->hole(part_of(at), from_us, until_us);
        }
    }
}

void opcua_peer_say(struct opcua_peer *peer, bool sent, const char *format, ...)
{
    char words[WORDS_MAX];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    if (size > 0 && peer->home->said != NULL) {
        size_t kept = (size_t)size < sizeof(words) ? (size_t)size : sizeof(words) - 1;
        peer->home->said(peer->ctx, sent, words, kept);
    }
}

void opcua_peer_say_values(struct opcua_peer *peer, const char *service, const uint32_t *points,
                           const struct sample *samples, size_t count)
{
    struct buf words;
    buf_init(&words, WORDS_MAX);
    for (size_t i = 0; i < count && i < VALUES_SAID; i++) {
        uint16_t detail = samples[i].detail;
        const char *name = detail != 0 ? opcua_status_name(opcua_status_of_detail(detail)) : NULL;
        buf_append_text(&words, i > 0 ? ", " : "");
        opcua_id_print(&peer->config.addresses[points[i]].node, &words);
        buf_append_text(&words, " = ");
        value_print(samples[i].type, samples[i].value, &words);
        if (name != NULL) {
            buf_printf(&words, " (%s)", name);
        }
    }
    opcua_peer_say(peer, false, "%s: %zu values: %s%s", service, count, buf_text(&words),
                   count > VALUES_SAID || words.overflow ? " ..." : "");
    buf_fini(&words);
}

struct opcua_call *opcua_peer_call(struct opcua_peer *peer, void *request,
                                   const UA_DataType *request_type,
                                   const UA_DataType *response_type, opcua_called_cb called,
                                   void *ctx)
{
    return opcua_call(peer->seat, request, request_type, response_type,
                      peer->config.link.timeout_us, called, ctx);
}

/* ---- batches ---- */

struct opcua_batch *opcua_batch_new(struct opcua_peer *peer, size_t count,
                                    struct opcua_delivery *delivery)
{
    struct list *at = list_shift(&peer->spare);
    struct opcua_batch *batch;
    if (at != NULL) {
        peer->spare_count--;
        batch = list_entry(at, struct opcua_batch, link);
    } else {
        batch = busbar_alloc(sizeof(*batch));
        list_init(&batch->link);
    }
    if (batch->capacity < count) {
        busbar_free(batch->points);
        busbar_free(batch->samples);
        batch->capacity = count > BATCH_MIN ? count : BATCH_MIN;
        batch->points = busbar_alloc_array(batch->capacity, sizeof(*batch->points));
        batch->samples = busbar_alloc_array(batch->capacity, sizeof(*batch->samples));
    }
    arena_init(&batch->texts, 0);
    batch->peer = peer;
    batch->count = 0;
    batch->history = false;
    batch->error = 0;
    batch->done = NULL;
    batch->delivery = delivery;
    opcua_delivery_hold(delivery);
    return batch;
}

struct sample *opcua_batch_next(struct opcua_batch *batch, uint32_t point)
{
    assert(batch->count < batch->capacity);
    struct sample *sample = &batch->samples[batch->count];
    batch->points[batch->count++] = point;
    *sample = (struct sample){ .type = VALUE_NONE };
    return sample;
}

void opcua_batch_free(struct opcua_batch *batch)
{
    arena_fini(&batch->texts);
    busbar_free(batch->points);
    busbar_free(batch->samples);
    busbar_free(batch);
}

static void give_batch(struct opcua_batch *batch, bool on_disk)
{
    struct opcua_peer *peer = batch->peer;
    if (batch->done != NULL) {
        batch->done(batch);
    }
    opcua_delivery_done(batch->delivery, on_disk);
    batch->delivery = NULL;
    list_remove(&batch->link);
    if (peer == NULL || peer->spare_count >= BATCHES_SPARE || batch->capacity > BATCH_SPARE_MAX) {
        opcua_batch_free(batch);
        return;
    }
    arena_fini(&batch->texts);
    peer->spare_count++;
    list_prepend(&peer->spare, &batch->link);
}

void opcua_batch_send(struct opcua_batch *batch)
{
    if (batch->count == 0) {
        give_batch(batch, true);
        return;
    }
    list_append(&batch->peer->out, &batch->link);
    batch->peer->home->batch(batch->peer->ctx, batch);
}

void opcua_batch_back(void *ctx)
{
    struct opcua_batch *batch = ctx;
    struct opcua_peer *peer = batch->peer;
    bool lost = batch->error != 0 && !batch->history;
    give_batch(batch, batch->error == 0);
    if (lost && peer != NULL && !peer->closing) { /* the server may not have kept all of it */
        int64_t now_us = clock_wall_us();
        opcua_peer_hole(peer, now_us - DISK_SLOW_US, now_us);
    }
}

/* ---- events ---- */

struct opcua_news *opcua_news_new(struct opcua_peer *peer, struct opcua_delivery *delivery)
{
    struct opcua_news *news = busbar_alloc(sizeof(*news));
    list_init(&news->link);
    arena_init(&news->texts, 0);
    news->peer = peer;
    news->delivery = delivery;
    opcua_delivery_hold(delivery);
    return news;
}

void opcua_news_send(struct opcua_news *news)
{
    list_append(&news->peer->news_out, &news->link);
    news->peer->home->news(news->peer->ctx, news);
}

void opcua_news_free(struct opcua_news *news)
{
    arena_fini(&news->texts);
    busbar_free(news);
}

void opcua_news_back(void *ctx)
{
    struct opcua_news *news = ctx;
    list_remove(&news->link);
    opcua_delivery_done(news->delivery, news->error == 0);
    if (news->done != NULL) {
        news->done(news);
    }
    opcua_news_free(news);
}
