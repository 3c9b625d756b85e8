/* SPDX-License-Identifier: Apache-2.0 */
/* What subscribe.c (subscriptions, notifications, checks) and items.c (making monitored items) share. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_SUBSCRIBE_PRIVATE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_SUBSCRIBE_PRIVATE_H

#include "drivers/opcua/data/access.h"
#include "drivers/opcua/data/publish.h"
#include "drivers/opcua/data/subscribe.h"

enum item_state {
    ITEM_NONE,      /* polled, as it is configured */
    ITEM_WANTED,    /* to be monitored */
    ITEM_ASKED,     /* in a call under way */
    ITEM_MONITORED, /* the server sends it */
    ITEM_WAITING,   /* refused; asked again later */
    ITEM_POLLED,    /* the server will not monitor it */
};

/* Of a point: 12 bytes. */
struct values_item {
    uint32_t id;   /* of the server */
    uint32_t mark; /* hash of the value that was notified last; 0: none was */
    uint8_t state; /* enum item_state */
    uint8_t group;
    bool doubtful : 1;  /* read different from what was notified */
    bool pending : 1;   /* its value came before it was known how it is built */
    bool no_filter : 1; /* the server does not take its deadband */
    uint8_t tries;      /* calls with it that were not answered */
};

struct opcua_values;

/* One subscription and what is in it. */
struct values_group {
    struct opcua_subscription subscription;
    struct opcua_values *values;
    uint8_t number;
    uint32_t calls_of; /* grows with each time it is lost */
    size_t used;       /* items in it */
    bool full;         /* the server takes no more into it */
};

struct opcua_values {
    struct opcua_part part;
    struct opcua_peer *peer;
    struct values_item *items; /* point_count */
    struct values_group *groups[OPCUA_SUBSCRIPTIONS_MAX];
    size_t group_count;
    bool no_more_groups;
    size_t scan; /* no item before it is wanted */
    struct list calls;
    size_t call_count;
    size_t most; /* items in one call */
    struct timer retry, doubt;
    int64_t retry_ms, sampling_ms;
    int64_t said_us; /* monotonic; when a message was put into words last */
    struct opcua_access doubts;
    bool doubting;
    uint32_t doubt_points[100];
    struct sample doubt_samples[100];
    struct opcua_access pendings;
    uint32_t *pending_points; /* NULL: none is being read */
    struct sample *pending_samples;
};

/* ---- subscribe.c ---- */
uint32_t opcua_value_mark(const struct sample *sample);
/* Another subscription; NULL: there are too many. */
struct values_group *opcua_values_group(struct opcua_values *values);
/* Tells home; takes the array. */
void opcua_values_watched(struct opcua_values *values, uint32_t *points, size_t count,
                          int64_t every_us);
/* What waits is asked again after a while. */
void opcua_values_retry(struct opcua_values *values);

/* ---- items.c ---- */
/* Asks for items that are wanted, in calls as large as the server takes. */
void opcua_items_pump(struct opcua_values *values);
void opcua_items_stop(struct opcua_values *values);

#endif
