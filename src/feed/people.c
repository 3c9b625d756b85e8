/* SPDX-License-Identifier: Apache-2.0 */
/* What people ask for: who sends, what was refused and why, whose ids no device has. All of it is bounded; what a peer
 * chooses (names, ids) goes through seeded maps. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "feed/feed_private.h"

struct stranger {
    struct list link;
    struct driver_stranger view;
    int64_t told_us;
    char key[]; /* route, blank, id; then the id again, the route and the sample */
};

void people_init(struct people *people)
{
    map_init(&people->sources);
    map_init(&people->strangers);
    list_init(&people->source_list);
    list_init(&people->stranger_list);
}

void people_fini(struct people *people)
{
    list_each_safe(at, &people->source_list) {
        busbar_free(list_entry(at, struct source, link));
    }
    list_each_safe(at, &people->stranger_list) {
        busbar_free(list_entry(at, struct stranger, link));
    }
    for (size_t i = 0; people->refusals != NULL && i < FEED_REFUSALS_MAX; i++) {
        busbar_free(people->refusals[i].texts);
    }
    busbar_free(people->refusals);
    map_fini(&people->sources);
    map_fini(&people->strangers);
}

/* ---- sources ---- */

static struct source *source_new(struct people *people, const char *name, size_t size)
{
    struct source *source = busbar_alloc(sizeof(*source) + size + 1);
    memcpy(source->name, name, size);
    source->view.name = source->name;
    list_append(&people->source_list, &source->link);
    return source;
}

struct source *people_source(struct people *people, const char *name)
{
    name = name != NULL ? name : "";
    if (people->last != NULL && strcmp(people->last->name, name) == 0) {
        return people->last;
    }
    size_t size = strnlen(name, FEED_SOURCE_MAX + 1);
    size = size > FEED_SOURCE_MAX ? str_utf8_cut(name, size, FEED_SOURCE_MAX) : size;
    struct source *source = map_get_n(&people->sources, name, size);
    if (source == NULL && people->sources.count < FEED_SOURCES_MAX) {
        source = source_new(people, name, size);
        (void)map_set(&people->sources, source->name, source);
    } else if (source == NULL) {
        static const char rest[] = "all others";
        people->rest = people->rest != NULL ? people->rest
                                            : source_new(people, rest, sizeof(rest) - 1);
        source = people->rest;
    }
    people->last = source;
    return source;
}

static void walk_sources(const void *of, driver_source_cb cb, void *ctx)
{
    const struct people *people = of;
    list_each(at, &people->source_list) {
        cb(ctx, &list_entry(at, struct source, link)->view);
    }
}

/* ---- refusals ---- */

/* Text of a person's kind: no control characters but blanks and line ends. */
static bool is_text(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (((unsigned char)text[i] < ' ' && strchr("\t\r\n", text[i]) == NULL) ||
            text[i] == '\0') {
            return false;
        }
    }
    return true;
}

/* Printable, cut to a whole character, other bytes in hexadecimal; returns its size with the NUL. */
static size_t print_excerpt(char *to, const void *data, size_t size)
{
    const char *from = data;
    size_t kept = size < FEED_EXCERPT_MAX ? size : FEED_EXCERPT_MAX;
    size_t cut = kept > 0 ? str_utf8_cut(from, kept, kept) : 0;
    bool whole = cut == kept || (size > kept && kept - cut < 4); /* but for a cut last character */
    if (!whole || !is_text(from, cut)) {
        return str_hex(to, FEED_EXCERPT_MAX + 1, data, size, ' ') + 1;
    }
    for (size_t i = 0; i < cut; i++) {
        to[i] = (unsigned char)from[i] < ' ' ? ' ' : from[i];
    }
    to[cut] = '\0';
    return cut + 1;
}

static size_t put_text(char *to, const char *text, size_t max)
{
    size_t size = strnlen(text, max + 1);
    size = size > max ? str_utf8_cut(text, size, max) : size;
    memcpy(to, text, size);
    to[size] = '\0';
    return size + 1;
}

void people_refuse(struct people *people, struct source *source, const char *where,
                   const void *data, size_t size, const char *why)
{
    if (people->refusals == NULL) {
        people->refusals = busbar_alloc_array(FEED_REFUSALS_MAX, sizeof(*people->refusals));
    }
    uint64_t number = ++people->counts.refused;
    struct refusal *refusal = &people->refusals[number % FEED_REFUSALS_MAX];
    char texts[FEED_SOURCE_MAX + FEED_WHERE_MAX + ERR_MESSAGE_MAX + FEED_EXCERPT_MAX + 4];
    size_t used = put_text(texts, source->name, FEED_SOURCE_MAX);
    used += put_text(texts + used, where != NULL ? where : "", FEED_WHERE_MAX);
    used += put_text(texts + used, why, ERR_MESSAGE_MAX);
    used += print_excerpt(texts + used, data, size);
    refusal->number = number;
    refusal->time_us = clock_wall_us();
    refusal->texts = busbar_realloc(refusal->texts, used);
    memcpy(refusal->texts, texts, used);
    source->view.refused++;
    source->view.last_refused_us = refusal->time_us;
}

void feed_refuse(struct feed *feed, const char *source, const char *where, const void *data,
                 size_t size, const char *why)
{
    struct source *from = people_source(&feed->people, source);
    feed->people.counts.messages++;
    from->view.messages++;
    from->view.last_us = clock_wall_us();
    people_refuse(&feed->people, from, where, data, size, why);
}

static void walk_refusals(const void *of, driver_refusal_cb cb, void *ctx)
{
    const struct people *people = of;
    uint64_t count = people->counts.refused;
    for (uint64_t i = 0; i < FEED_REFUSALS_MAX && i < count; i++) {
        const struct refusal *refusal = &people->refusals[(count - i) % FEED_REFUSALS_MAX];
        struct driver_refusal view = { .time_us = refusal->time_us, .number = refusal->number };
        view.source = refusal->texts;
        view.where = view.source + strlen(view.source) + 1;
        view.why = view.where + strlen(view.where) + 1;
        view.excerpt = view.why + strlen(view.why) + 1;
        cb(ctx, &view);
    }
}

/* ---- of no use ---- */

void people_unused(struct people *people, const struct source *source, const struct device *dev,
                   bool left_out, const struct payload_message *message)
{
    struct unused *unused = &people->unused;
    size_t size = message->size;
    if (size > FEED_UNUSED_MAX) {
        size_t cut = str_utf8_cut((const char *)message->body, size, FEED_UNUSED_MAX);
        size = FEED_UNUSED_MAX - cut < 4 ? cut : FEED_UNUSED_MAX;
    }
    people->counts.unused++;
    unused->time_us = message->receive_us;
    unused->source = source;
    unused->left_out = left_out;
    (void)str_copy(unused->device, sizeof(unused->device), dev != NULL ? dev->name : "");
    unused->excerpt_size = size;
    if (size > 0) {
        memcpy(unused->excerpt, message->body, size);
    }
}

void feed_status(const struct feed *feed, driver_status_cb cb, void *ctx)
{
    const struct unused *unused = &feed->people.unused;
    char time[STR_TIME_MAX], excerpt[FEED_EXCERPT_MAX + 1];
    char text[STR_TIME_MAX + FEED_SOURCE_MAX + DEVICE_NAME_MAX + FEED_EXCERPT_MAX + 64];
    if (unused->time_us == 0) {
        return;
    }
    (void)str_format_time(time, sizeof(time), unused->time_us, 0, true);
    (void)print_excerpt(excerpt, unused->excerpt, unused->excerpt_size);
    if (unused->left_out) {
        (void)str_format(text, sizeof(text), "%s from %s: 'only' leaves it out: '%s'", time,
                         unused->source->name, excerpt);
    } else {
        (void)str_format(text, sizeof(text), "%s from %s: no rule of %s%s finds anything in '%s'",
                         time, unused->source->name,
                         unused->device[0] != '\0' ? "device " : "its devices", unused->device,
                         excerpt);
    }
    const struct driver_status status = { .part = "", .name = "last without use", .text = text };
    cb(ctx, &status);
}

/* ---- strangers ---- */

/* The settings a device of this id would have. */
static void put_settings(struct buf *out, const char *settings, const char *id)
{
    for (const char *at = settings; *at != '\0'; at++) {
        if (strncmp(at, "{id}", 4) != 0) {
            buf_append_byte(out, (uint8_t)*at);
            continue;
        }
        for (const char *c = id; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\') {
                buf_append_byte(out, '\\');
            }
            buf_append_byte(out, (uint8_t)((unsigned char)*c < ' ' ? ' ' : *c));
        }
        at += 3;
    }
}

/* A device that comes by the same route: the new one is probably of its kind. "" where there is none. */
static void put_like(char *to, size_t size, const struct feed_route *route)
{
    const struct device *dev = !list_empty(&route->named)
                                   ? list_entry(route->named.next, struct member, by_route)->fd->dev
                                   : NULL;
    to[0] = '\0';
    if (dev != NULL) {
        bool profile = dev->profile[0] != '\0';
        str_format(to, size, "%s%s%s%s", dev->name, profile ? " (profile " : "", dev->profile,
                   profile ? ")" : "");
    }
}

static void tell(struct feed *feed, const struct feed_route *route, struct stranger *stranger)
{
    int64_t now_us = loop_now_us(feed->loop);
    if (route->settings == NULL ||
        (stranger->told_us != 0 && now_us - stranger->told_us < FEED_FIND_US)) {
        return;
    }
    struct buf settings;
    buf_init(&settings, 4096);
    put_settings(&settings, route->settings, stranger->view.id);
    char times[24];
    str_format(times, sizeof(times), "%llu", (unsigned long long)stranger->view.times);
    char like[2 * DEVICE_NAME_MAX + 16];
    put_like(like, sizeof(like), route);
    struct driver_fact facts[] = { { "came by", route->name },
                                   { "messages", times },
                                   { "like device", like },
                                   { "last message", stranger->view.sample } };
    struct driver_find find = {
        .key = stranger->key,
        .id = stranger->view.id,
        .description = "sends messages, and no device has its id",
        .settings = buf_text(&settings),
        .objects = -1,
        .facts = facts,
        .fact_count = sizeof(facts) / sizeof(facts[0]),
    };
    driver_found(feed->drv, NULL, &find);
    stranger->told_us = now_us;
    buf_fini(&settings);
}

static struct stranger *stranger_new(struct people *people, const char *key,
                                     const struct feed_route *route, const char *id, size_t id_size,
                                     const struct feed_message *message)
{
    char sample[FEED_EXCERPT_MAX + 1];
    size_t key_size = strlen(key) + 1, route_size = strlen(route->name) + 1;
    size_t sample_size = print_excerpt(sample, message->payload.body, message->payload.size);
    struct stranger *stranger = busbar_alloc(sizeof(*stranger) + key_size + id_size + 1 +
                                             route_size + sample_size);
    char *at = memcpy(stranger->key, key, key_size);
    stranger->view.id = memcpy(at += key_size, id, id_size);
    stranger->view.route = memcpy(at += id_size + 1, route->name, route_size);
    stranger->view.sample = memcpy(at + route_size, sample, sample_size);
    list_append(&people->stranger_list, &stranger->link);
    (void)map_set(&people->strangers, stranger->key, stranger);
    return stranger;
}

void people_key(char *to, size_t size, const struct feed_route *route, const char *id,
                size_t id_size)
{
    str_format(to, size, "%.*s %.*s", FEED_WHERE_MAX, route->name, (int)id_size, id);
}

void people_known(struct people *people, const struct feed_route *route, const char *id)
{
    char key[FEED_KEY_TEXT_MAX];
    people_key(key, sizeof(key), route, id, strlen(id));
    struct stranger *stranger = map_remove(&people->strangers, key);
    if (stranger != NULL) {
        list_remove(&stranger->link);
        busbar_free(stranger);
    }
}

void people_stranger(struct feed *feed, struct feed_route *route, const char *id, size_t id_size,
                     const struct feed_message *message)
{
    struct people *people = &feed->people;
    char key[FEED_KEY_TEXT_MAX];
    people->counts.strangers++;
    if (id_size == 0 || id_size > DEVICE_NAME_MAX || !str_is_utf8(id, id_size) ||
        memchr(id, '\0', id_size) != NULL) {
        return; /* nobody would call a device so */
    }
    people_key(key, sizeof(key), route, id, id_size);
    struct stranger *stranger = map_get(&people->strangers, key);
    if (stranger == NULL && people->strangers.count >= FEED_STRANGERS_MAX) {
        return;
    }
    if (stranger == NULL) {
        stranger = stranger_new(people, key, route, id, id_size, message);
    }
    stranger->view.times++;
    stranger->view.last_us = message->payload.receive_us;
    tell(feed, route, stranger);
}

static void walk_strangers(const void *of, driver_stranger_cb cb, void *ctx)
{
    const struct people *people = of;
    list_each(at, &people->stranger_list) {
        cb(ctx, &list_entry(at, struct stranger, link)->view);
    }
}

/* ---- all of it ---- */

void feed_counts(const struct feed *feed, struct driver_message_counts *counts)
{
    *counts = feed->people.counts;
    counts->waiting = feed->waiting;
}

void feed_messages(const struct feed *feed, struct driver_messages *out)
{
    *out = (struct driver_messages){
        .of = &feed->people,
        .refusals = walk_refusals,
        .sources = walk_sources,
        .strangers = walk_strangers,
    };
    feed_counts(feed, &out->counts);
}
