/* SPDX-License-Identifier: Apache-2.0 */
/* Events and alarms of a server (Part 9): a subscription of its own with one event item, what is known of each
 * condition, and acknowledgements back. OPC UA thread only, but for struct opcua_ack, which home makes.
 *
 *   alarm.c            the item, what comes, refresh
 *   alarm_condition.c  what is known of conditions
 *   alarm_ack.c        Acknowledge and Confirm
 *
 * A message of the server is acknowledged when its events are on disk. After each connect, and when the server asks for
 * it, ConditionRefresh tells what stands: what is as it was is not told twice, and what stood before and is not told
 * any more is closed. A server that has no conditions, or refuses what is asked, is asked for less. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_ALARM_H
#define BUSBAR_DRIVERS_OPCUA_DATA_ALARM_H

#include "base/map.h"
#include "drivers/opcua/data/event_words.h"
#include "drivers/opcua/data/peer.h"
#include "drivers/opcua/data/publish.h"

enum {
    OPCUA_CONDITIONS_MAX = 50000, /* of a device, remembered */
    OPCUA_EVENT_QUEUE = 10000, /* events that the server is asked to keep between two publishings */
    /* Of one device: so many at once, and so many a second on end: what is over it is dropped, and said. */
    OPCUA_EVENT_BURST = 20000,
    OPCUA_EVENTS_A_SECOND = 200,
    OPCUA_EVENT_PRIORITY = 200, /* of the subscription: before values */
    OPCUA_EVENT_RETRY_S = 30,
};

/* The part: begin function for opcua_peer_config.parts; nothing with alarms off. */
void opcua_alarm_part(struct opcua_peer *peer);

/* An acknowledgement by a person. Home owns it and leaves it alone until it is answered; texts borrowed. */
struct opcua_ack {
    struct list link;
    struct opcua_peer *peer;
    const char *key, *condition, *event_id; /* of the event: its key, and two of its arguments */
    bool acked; /* as the event said: it is a confirmation that is wanted */
    const char *comment;
    /* On the OPC UA thread, never from inside a call. */
    void (*answered)(struct opcua_ack *ack);
    void *home;
    /* the answer */
    int error;
    uint16_t detail;
    /* private */
    struct opcua_call *call;
    bool confirming;
};

/* Begins one (ack->peer is set). ctx for opcua_thread_do(). */
void opcua_alarm_ack(void *ack);

/* ---- among its files ---- */

/* What is known of a condition, or of a branch of it. */
struct opcua_condition {
    char *key;
    struct opcua_states states;
    uint64_t hash;  /* of states, severity and text */
    uint64_t round; /* of the refresh that told it last */
    bool retain;
    uint16_t id_size;
    uint8_t id[OPCUA_EVENT_ID_MAX]; /* EventId of the newest event */
    char text[128];                 /* what it said */
};

struct opcua_alarms {
    struct opcua_part part;
    struct opcua_peer *peer;
    const struct opcua_alarm_settings *settings;
    struct opcua_event_more more;
    struct arena arena; /* of `more` */
    struct opcua_subscription subscription;
    enum opcua_event_ask ask;
    uint32_t item;            /* 0: none */
    struct opcua_call *call;  /* making the item, or a refresh */
    struct map conditions;    /* key -> struct opcua_condition */
    uint64_t round;           /* of refreshes */
    bool refreshing, broken;  /* a refresh is told; some of it was lost */
    bool refreshed, again;    /* one was told whole; another is due after this */
    bool no_conditions, said; /* the server has none; a trouble was told */
    struct list acks;
    struct timer timer;      /* the next try of the item, or the end of a flood */
    int64_t left, filled_us; /* what may still come, in millionths of an event */
    uint64_t dropped, dropped_told;
    bool stopping;
};

/* NULL: alarms are off. */
struct opcua_alarms *opcua_alarms_of(struct opcua_peer *peer);
void opcua_alarms_refresh(struct opcua_alarms *alarms);
/* An event of our own: of a condition (key), or "". */
void opcua_alarms_tell(struct opcua_alarms *alarms, const char *kind, uint8_t severity,
                       const char *key, struct opcua_delivery *delivery, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* alarm_condition.c */
struct opcua_condition *opcua_condition_find(const struct opcua_alarms *alarms, const char *key);
/* Takes what an event says. False: it is known already. `states` gets those before (untouched: none). */
bool opcua_condition_take(struct opcua_alarms *alarms, const struct opcua_event *event,
                          const char *key, struct opcua_states *states, bool *before);
/* Closes all that the last refresh did not tell. */
void opcua_conditions_close(struct opcua_alarms *alarms, struct opcua_delivery *delivery);
void opcua_condition_close(struct opcua_alarms *alarms, const char *key, const char *text,
                           struct opcua_delivery *delivery);
void opcua_conditions_clear(struct opcua_alarms *alarms);

/* alarm_ack.c: answers those that are open. */
void opcua_acks_stop(struct opcua_alarms *alarms);

#endif
