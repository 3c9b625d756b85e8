/* SPDX-License-Identifier: Apache-2.0 */
/* The host from inside. Private to this folder. */
#ifndef BUSBAR_DRIVERS_MQTT_SPARKPLUG_HOST_PARTS_H
#define BUSBAR_DRIVERS_MQTT_SPARKPLUG_HOST_PARTS_H

#include "base/arena.h"
#include "base/heap.h"
#include "base/map.h"
#include "drivers/mqtt/sparkplug/host.h"

enum { SPARKPLUG_PLACE_KEY = 2 * SPARKPLUG_ID_MAX + 2 };

/* A node or a device from inside: `place` is what the driver sees. */
struct host_place {
    struct sparkplug_place place;
    bool born;          /* its births since the node's last one: it has what its data refer to */
    struct arena arena; /* of what the last birth said */
    struct sparkplug_known *known;
    size_t count;
    struct map by_name;
    struct map64 by_alias;
    char ids[]; /* group, node, device */
};

/* A message that waits for earlier ones. */
struct host_held {
    enum sparkplug_type type;
    char device[SPARKPLUG_ID_MAX + 1];
    uint8_t seq;
    int64_t since_us;
    void *token;
    size_t size;
    uint8_t bytes[];
};

struct host_node {
    struct host_place *self;
    struct map devices;            /* id -> struct host_place */
    char key[SPARKPLUG_PLACE_KEY]; /* "group/node" */
    bool has_bd;
    bool wanted;      /* its birth is asked for until it comes */
    uint64_t bd_seq;  /* of the birth: its death says the same */
    uint8_t expected; /* sequence number of the next message */
    uint8_t
        late_seq; /* of the last one that came late, and how many of them came one behind the other */
    unsigned late_run;
    struct host_held *held[SPARKPLUG_HELD_MAX];
    size_t held_count, held_bytes;
    int64_t
        settle_due_us; /* devices without a birth since their node's are down then; 0: none is awaited */
    int64_t rebirth_due_us; /* 0: none is wanted */
    int64_t rebirth_next_us, rebirth_wait_us;
    const char *rebirth_why;
    int64_t due_us; /* the first of all that is due; in the heap */
    struct heap_node in_heap;
};

struct sparkplug_host {
    const struct sparkplug_host_calls *calls;
    void *ctx;
    int64_t reorder_us;
    struct sparkplug_reader *reader;
    struct map nodes; /* key -> struct host_node */
    struct heap due;
    struct sparkplug_counts counts;
    int64_t asked_us[2]; /* the second in which rebirths were asked for, and how many */
    void *nobody;        /* `user` of a metric that no birth named */
};

/* ---- places.c ---- */
struct host_node *sparkplug_node_get(const struct sparkplug_host *host, const char *group,
                                     const char *node);
struct host_node *sparkplug_node_new(struct sparkplug_host *host, const char *group,
                                     const char *node);
void sparkplug_node_free(struct sparkplug_host *host, struct host_node *node);
struct host_place *sparkplug_device_get(const struct host_node *node, const char *device);
/* NULL: there are too many. */
struct host_place *sparkplug_device_new(struct sparkplug_host *host, struct host_node *node,
                                        const char *device);
/* What a birth says takes the place of what the last one said. BUSBAR_ELIMIT, BUSBAR_ENOMEM: nothing is known then. */
int sparkplug_place_birth(struct sparkplug_host *host, struct host_place *place,
                          const struct sparkplug_payload *payload);
void sparkplug_place_link(struct sparkplug_host *host, struct host_place *place, bool up,
                          const char *why);
/* Names, types and users for the metrics of a message; what cannot be named is left out. Returns how many are left. */
size_t sparkplug_place_resolve(struct sparkplug_host *host, struct host_place *place,
                               struct sparkplug_payload *payload);

#endif
