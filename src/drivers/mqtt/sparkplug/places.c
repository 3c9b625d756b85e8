/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and devices, and what their births said of their metrics. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/mqtt/sparkplug/host_parts.h"

enum { PLACE_BYTES_MAX = 64 << 20 /* of a birth's names */ };

static void key_of(char to[SPARKPLUG_PLACE_KEY], const char *group, const char *node)
{
    (void)str_format(to, SPARKPLUG_PLACE_KEY, "%s/%s", group, node);
}

static struct host_place *new_place(struct sparkplug_host *host, const char *group,
                                    const char *node, const char *device)
{
    size_t sizes[] = { strlen(group) + 1, strlen(node) + 1, strlen(device) + 1 };
    struct host_place *place = busbar_alloc(sizeof(*place) + sizes[0] + sizes[1] + sizes[2]);
    char *at = place->ids;
    memcpy(at, group, sizes[0]);
    place->place.group = at;
    memcpy(at + sizes[0], node, sizes[1]);
    place->place.node = at + sizes[0];
    memcpy(at + sizes[0] + sizes[1], device, sizes[2]);
    place->place.device = at + sizes[0] + sizes[1];
    arena_init(&place->arena, PLACE_BYTES_MAX);
    host->counts.places++;
    return place;
}

static void forget_known(struct sparkplug_host *host, struct host_place *place)
{
    host->counts.known -= place->count;
    place->known = NULL;
    place->count = 0;
    map_fini(&place->by_name);
    map64_fini(&place->by_alias);
    map_init(&place->by_name);
    map64_init(&place->by_alias);
    arena_fini(&place->arena);
}

static void free_place(struct sparkplug_host *host, struct host_place *place)
{
    forget_known(host, place);
    host->counts.places--;
    busbar_free(place);
}

struct host_node *sparkplug_node_get(const struct sparkplug_host *host, const char *group,
                                     const char *node)
{
    char key[SPARKPLUG_PLACE_KEY];
    key_of(key, group, node);
    return map_get(&host->nodes, key);
}

struct host_node *sparkplug_node_new(struct sparkplug_host *host, const char *group,
                                     const char *node)
{
    if (host->nodes.count >= SPARKPLUG_NODES_MAX) {
        return NULL;
    }
    struct host_node *made = busbar_alloc(sizeof(*made));
    key_of(made->key, group, node);
    made->self = new_place(host, group, node, "");
    made->due_us = INT64_MAX;
    (void)map_set(&host->nodes, made->key, made);
    heap_insert(&host->due, &made->in_heap);
    host->counts.nodes++;
    return made;
}

void sparkplug_node_free(struct sparkplug_host *host, struct host_node *node)
{
    size_t at = 0;
    void *device;
    while (map_next(&node->devices, &at, NULL, &device)) {
        free_place(host, device);
    }
    map_fini(&node->devices);
    free_place(host, node->self);
    heap_remove(&host->due, &node->in_heap);
    (void)map_remove(&host->nodes, node->key);
    host->counts.nodes--;
    busbar_free(node);
}

struct host_place *sparkplug_device_get(const struct host_node *node, const char *device)
{
    return device[0] == '\0' ? node->self : map_get(&node->devices, device);
}

struct host_place *sparkplug_device_new(struct sparkplug_host *host, struct host_node *node,
                                        const char *device)
{
    if (node->devices.count >= SPARKPLUG_DEVICES_MAX) {
        return NULL;
    }
    struct host_place *made = new_place(host, node->self->place.group, node->self->place.node,
                                        device);
    (void)map_set(&node->devices, made->place.device, made);
    return made;
}

void sparkplug_place_link(struct sparkplug_host *host, struct host_place *place, bool up,
                          const char *why)
{
    if (place->place.up != up) {
        place->place.up = up;
        if (place->place.device[0] == '\0') {
            host->counts.nodes_up += up ? 1 : (size_t)-1;
        }
        host->calls->link(host->ctx, &place->place, up, why);
    }
}

/* ---- births ---- */

static const char *keep_text(struct arena *arena, const char *text, size_t size)
{
    return text != NULL ? arena_strndup(arena, text, size) : NULL;
}

static bool add_known(struct host_place *place, const struct sparkplug_metric *metric)
{
    struct sparkplug_known *known = &place->known[place->count];
    known->name = keep_text(&place->arena, metric->name, metric->name_size);
    known->units = keep_text(&place->arena, metric->units, metric->units_size);
    known->about = keep_text(&place->arena, metric->about, metric->about_size);
    known->alias = metric->alias;
    known->has_alias = metric->has_alias;
    known->datatype = metric->datatype;
    if (known->name == NULL) {
        return false;
    }
    place->count++;
    (void)map_set(&place->by_name, known->name, known);
    if (known->has_alias) {
        (void)map64_set(&place->by_alias, known->alias, known);
    }
    return true;
}

int sparkplug_place_birth(struct sparkplug_host *host, struct host_place *place,
                          const struct sparkplug_payload *payload)
{
    forget_known(host, place);
    if (host->counts.known + payload->count > SPARKPLUG_KNOWN_MAX) {
        return BUSBAR_ELIMIT;
    }
    place->known = arena_alloc_array(&place->arena, payload->count, sizeof(*place->known));
    map_reserve(&place->by_name, payload->count);
    bool fine = place->known != NULL;
    for (size_t i = 0; i < payload->count && fine; i++) {
        const struct sparkplug_metric *metric = &payload->metrics[i];
        fine = metric->name_size == 0 || add_known(place, metric);
    }
    host->counts.known += place->count;
    if (!fine) {
        forget_known(host, place);
        return BUSBAR_ENOMEM;
    }
    return 0;
}

size_t sparkplug_place_resolve(struct sparkplug_host *host, struct host_place *place,
                               struct sparkplug_payload *payload)
{
    size_t kept = 0;
    for (size_t i = 0; i < payload->count; i++) {
        struct sparkplug_metric *metric = &payload->metrics[i];
        struct sparkplug_known *known = NULL;
        if (metric->name != NULL && metric->name_size > 0) {
            known = map_get_n(&place->by_name, metric->name, metric->name_size);
        } else if (metric->has_alias) {
            known = map64_get(&place->by_alias, metric->alias);
        }
        if (known == NULL && (metric->name == NULL || metric->name_size == 0)) {
            continue;
        }
        metric->user = known != NULL ? &known->user : &host->nobody;
        if (known != NULL) {
            metric->name = known->name;
            metric->name_size = (uint32_t)strlen(known->name);
            if (metric->units == NULL && known->units != NULL) {
                metric->units = known->units;
                metric->units_size = (uint32_t)strlen(known->units);
            }
            if (metric->datatype == 0 && known->datatype != 0) {
                metric->datatype = known->datatype;
                sparkplug_metric_settle(host->reader, metric);
            }
        }
        if (kept != i) {
            payload->metrics[kept] = *metric;
        }
        kept++;
    }
    host->nobody = NULL;
    return kept;
}

/* ---- for the driver ---- */

struct sparkplug_place *sparkplug_host_place(struct sparkplug_host *host, const char *group,
                                             const char *node, const char *device)
{
    struct host_node *found = sparkplug_node_get(host, group, node);
    struct host_place *place = found != NULL
                                   ? sparkplug_device_get(found, device != NULL ? device : "")
                                   : NULL;
    return place != NULL ? &place->place : NULL;
}

const struct sparkplug_known *sparkplug_host_find(const struct sparkplug_host *host,
                                                  const struct sparkplug_place *place,
                                                  const char *metric)
{
    (void)host;
    return map_get(&((const struct host_place *)place)->by_name, metric);
}

void sparkplug_host_counts(const struct sparkplug_host *host, struct sparkplug_counts *counts)
{
    *counts = host->counts;
}

void sparkplug_host_places(struct sparkplug_host *host,
                           void (*cb)(void *ctx, struct sparkplug_place *place), void *ctx)
{
    size_t at = 0;
    void *value;
    while (map_next(&host->nodes, &at, NULL, &value)) {
        struct host_node *node = value;
        size_t device_at = 0;
        void *device;
        cb(ctx, &node->self->place);
        while (map_next(&node->devices, &device_at, NULL, &device)) {
            cb(ctx, &((struct host_place *)device)->place);
        }
    }
}

void sparkplug_host_known(const struct sparkplug_host *host, const struct sparkplug_place *place,
                          bool (*cb)(void *ctx, const struct sparkplug_known *known), void *ctx)
{
    const struct host_place *inner = (const struct host_place *)place;
    bool more = true;
    (void)host;
    for (size_t i = 0; i < inner->count && more; i++) {
        more = cb(ctx, &inner->known[i]);
    }
}
