/* SPDX-License-Identifier: Apache-2.0 */
/* What a broker keeps of its clients. Private to sim_mqtt_broker.c and sim_mqtt_session.c. */
#ifndef BUSBAR_SIM_SIM_MQTT_SESSION_H
#define BUSBAR_SIM_SIM_MQTT_SESSION_H

#include "base/list.h"
#include "base/map.h"
#include "drivers/mqtt/mqtt_packet.h"
#include "net/stream.h"
#include "net/timer.h"
#include "sim/sim_mqtt_broker.h"

/* A message, shared by all that wait for it. */
struct broker_message {
    uint32_t holders;
    uint8_t qos;
    bool retain;
    size_t size;
    char *topic; /* behind the payload */
    uint8_t payload[];
};

enum on_way { WAY_QUEUED, WAY_SENT, WAY_RELEASED /* QoS 2: PUBREL was sent */ };

struct broker_delivery {
    struct list link; /* session->deliveries, in their order */
    struct broker_message *message;
    uint16_t id;
    uint8_t qos, way;
    bool retained;
};

struct broker_session {
    struct list link; /* broker->sessions */
    struct sim_broker *broker;
    char *id;
    struct broker_client *client; /* NULL: not connected */
    struct list filters;          /* struct broker_filter, by session_link */
    size_t filter_count;
    struct list deliveries;
    size_t waiting, sent; /* deliveries; those that count against the client's receive maximum */
    uint16_t next_id;
    uint16_t *taken; /* ids of QoS 2 messages that came and were not released */
    size_t taken_count;
    bool keep;
};

/* All subscriptions to one filter. */
struct broker_filter_set {
    struct list link; /* broker->wild, when the filter has wildcards */
    struct list filters;
    char *text; /* without $share/NAME/ */
};

struct broker_filter {
    struct list link; /* set->filters */
    struct list session_link;
    struct broker_session *session;
    struct broker_filter_set *set;
    char *whole;   /* as subscribed */
    char *share;   /* NULL: not shared */
    uint64_t turn; /* shared: when it last got one */
    uint8_t qos;
    bool no_local, retain_as_published;
};

struct broker_client {
    struct list link; /* broker->clients */
    struct sim_broker *broker;
    struct stream *stream;
    struct broker_session *session; /* NULL: before CONNECT */
    struct buf in;
    struct timer silence;
    struct broker_message *will;
    int64_t silence_us;
    uint16_t receive_max;
    uint8_t version;
    bool closing, said_goodbye;
};

struct sim_broker {
    struct loop *loop;
    struct listener *listener;
    struct tls_context *tls;
    sim_broker_heard_cb heard;
    void *ctx;
    struct list clients, sessions, wild;
    struct map exact;    /* filter -> struct broker_filter_set */
    struct map all_sets; /* the same, and those with wildcards */
    struct map retained; /* topic -> struct broker_message */
    struct buf out;      /* scratch of a packet */
    struct sim_broker_stats stats;
    uint64_t turn;
    bool closed;
};

/* ---- sim_mqtt_session.c ---- */
struct broker_message *broker_message_new(const struct sim_broker_message *message);
void broker_message_drop(struct broker_message *message);

struct broker_session *broker_session_find(const struct sim_broker *broker, const char *id);
struct broker_session *broker_session_new(struct sim_broker *broker, const char *id);
void broker_session_free(struct broker_session *session);
/* What was on its way when the connection ended is sent again. */
void broker_session_resume(struct broker_session *session);

/* Returns whether it is new. */
bool broker_subscribe(struct broker_session *session, const char *filter,
                      const struct mqtt_filter_row *row);
bool broker_unsubscribe(struct broker_session *session, const char *filter);
void broker_send_retained(struct broker_session *session, const char *filter, uint8_t qos);

/* To all that subscribed; from NULL: a device's. */
void broker_deliver(struct sim_broker *broker, struct broker_message *message,
                    const struct broker_session *from);
/* PUBACK, PUBREC, PUBCOMP of a client. */
void broker_acknowledged(struct broker_session *session, uint8_t type, uint16_t id, uint8_t code);

/* ---- sim_mqtt_broker.c ---- */
/* False: it did not fit. */
bool broker_send(struct broker_client *client, const struct buf *packet);

#endif
