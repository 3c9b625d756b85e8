/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to one MQTT broker, as a client: MQTT 5 (OASIS 2019) and 3.1.1 (ISO/IEC 20922). Over TCP, TLS or
 * WebSocket. It connects, keeps alive, keeps the session, and gives every message to its owner, who says when it is on
 * disk: only then PUBACK (QoS 1) or PUBREC (QoS 2) is sent. It reconnects by itself, with back-off. Loop thread only. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_CLIENT_H
#define BUSBAR_DRIVERS_MQTT_MQTT_CLIENT_H

#include "drivers/mqtt/mqtt_properties.h"
#include "net/loop.h"
#include "net/stream.h"

enum {
    MQTT_PACKET_MAX = 1 << 20, /* bytes of a packet that is taken (MQTT 5: told to the broker) */
    MQTT_RECEIVE_MAX = 1000, /* QoS 1 and 2 messages not yet acknowledged (MQTT 5: told; default) */
    MQTT_FILTERS_MAX = 100000,   /* subscriptions of one connection */
    MQTT_SEND_QUEUE_MAX = 10000, /* messages of ours that wait for the broker */
    MQTT_TOPIC_MAX = 65535,
    MQTT_ALIASES_MAX = 1000,  /* topic aliases we take */
    MQTT_PROPERTIES_MAX = 64, /* user properties of one message that are kept */
};

struct mqtt_client;

struct mqtt_will {
    const char *topic;
    const void *payload;
    size_t size;
    uint8_t qos;
    bool retain;
    uint32_t delay_s; /* MQTT 5 */
};

struct mqtt_client_options {
    struct stream_target target; /* kind TCP or TLS; texts copied, its tls held */
    const char *websocket_path;  /* NULL: no WebSocket; "/mqtt" */
    int version;                 /* 5, 4 (3.1.1), 0: 5, and 3.1.1 when the broker refuses 5 */
    const char *client_id;       /* "" : the broker gives one (MQTT 5), then no session is kept */
    const char *user;            /* NULL: none */
    const void *password;
    size_t password_size;
    bool clean; /* begin without what the broker has kept */
    uint32_t
        session_expiry_s; /* how long the broker keeps the session without us (MQTT 5); 3.1.1: for ever unless clean */
    uint16_t keep_alive_s;        /* 0: 60 */
    uint16_t receive_max;         /* 0: MQTT_RECEIVE_MAX */
    uint32_t packet_max;          /* 0: MQTT_PACKET_MAX */
    uint16_t topic_aliases;       /* that the broker may use; 0: none */
    const struct mqtt_will *will; /* NULL: none; copied */
};

/* A message that came. All borrowed for the call. */
struct mqtt_message {
    const char *topic; /* valid UTF-8 without wildcards; NUL-terminated */
    size_t topic_size;
    const uint8_t *payload;
    size_t size;
    uint8_t qos;
    bool retained, duplicate;
    uint16_t packet_id;                        /* QoS 1, 2 */
    const char *content_type, *response_topic; /* NULL: none */
    const uint8_t *correlation;
    size_t correlation_size;
    const struct mqtt_property *properties;
    size_t property_count;
    /* QoS 1 and 2: hand it to mqtt_client_acknowledge() once it is on disk (or refused for good). Of another connection
     * than the present one it is forgotten: the broker sends the message again. */
    uint64_t ticket;
};

enum mqtt_down {
    MQTT_DOWN_LINK,     /* no connection: error is the stream's */
    MQTT_DOWN_REFUSED,  /* CONNACK said no: reason is its code */
    MQTT_DOWN_CLOSED,   /* the broker said DISCONNECT: reason */
    MQTT_DOWN_SILENT,   /* no answer to PINGREQ, CONNECT ... */
    MQTT_DOWN_PROTOCOL, /* it broke the protocol: detail says how */
};

struct mqtt_client_events {
    /* CONNACK. session: the broker kept it: subscriptions need not be made again (the client makes those it lacks). */
    void (*up)(void *ctx, bool session);
    /* Once for each time it was up or tried to be. It tries again by itself unless `final` (wrong user, not allowed: it waits
     * a minute at least). detail for a person, with the next step. */
    void (*down)(void *ctx, enum mqtt_down why, uint8_t reason, int error, const char *detail);
    void (*message)(void *ctx, const struct mqtt_message *message);
    /* A subscription was granted (QoS 0 to 2) or refused (128 and up; reason in words). */
    void (*subscribed)(void *ctx, const char *filter, uint8_t code, const char *reason);
    /* The broker does not have it any more. */
    void (*unsubscribed)(void *ctx, const char *filter);
    /* Every packet, for the ring of last frames; `in`: received. Cheap. */
    void (*packet)(void *ctx, bool in, const void *data, size_t size);
    /* A packet that broke the protocol. */
    void (*bad)(void *ctx, const void *data, size_t size, const char *reason);
    void (*ended)(void *ctx); /* after mqtt_client_close(): the last call; the client is gone */
    /* PUBREL came for a QoS 2 message: the broker will never send this packet id again for it. */
    void (*released)(void *ctx, uint16_t packet_id);
};

/* Copies the options; begins to connect in the next turn. BUSBAR_EINVAL. */
int mqtt_client_open(struct loop *loop, const struct mqtt_client_options *options,
                     const struct mqtt_client_events *events, void *ctx, struct mqtt_client **out,
                     struct err *err);
/* Says DISCONNECT; `ended` follows. */
void mqtt_client_close(struct mqtt_client *client);
/* Says DISCONNECT and connects at once, with the same session and the same subscriptions, so that the broker repeats what
 * was not acknowledged; tickets are void. `up` follows, `down` only if it cannot. Nothing while it is not up. */
void mqtt_client_reconnect(struct mqtt_client *client);

bool mqtt_client_is_up(const struct mqtt_client *client);
int mqtt_client_version(const struct mqtt_client *client); /* 4 or 5, of the last CONNACK */
void mqtt_client_connect_now(struct mqtt_client *client);  /* instead of waiting for the back-off */

/* Filters wanted from now on, also after a reconnect; many calls in one turn leave in few packets.
 * qos 0 to 2; the highest asked for a filter counts. Counted: as many unsubscribes as subscribes end it.
 * BUSBAR_EINVAL: no valid filter; BUSBAR_ELIMIT. */
int mqtt_client_subscribe(struct mqtt_client *client, const char *filter, uint8_t qos);
void mqtt_client_unsubscribe(struct mqtt_client *client, const char *filter);
/* A filter of an earlier run, before the first connection: if the broker kept the session and nobody wants the filter by
 * then, it is ended, after what is wanted was subscribed to. BUSBAR_EINVAL, BUSBAR_ELIMIT. */
int mqtt_client_had(struct mqtt_client *client, const char *filter);

/* It is on disk (or refused for good: code 0x80 and up, MQTT 5 tells the broker). */
void mqtt_client_acknowledge(struct mqtt_client *client, uint64_t ticket, uint8_t code);

struct mqtt_publish {
    const char *topic;
    const void *payload;
    size_t size;
    uint8_t qos;
    bool retain;
    const struct mqtt_property *properties;
    size_t property_count;
};
/* error 0: QoS 0: given to the kernel; QoS 1, 2: the broker has it. code: the broker's reason, 0x80 and up: refused. Not
 * queued while it is down (BUSBAR_ENOTCONN): a write is sent once. */
typedef void (*mqtt_published_cb)(void *ctx, int error, uint8_t code);
int mqtt_client_publish(struct mqtt_client *client, const struct mqtt_publish *message,
                        mqtt_published_cb done, void *ctx);
/* `done` with this ctx is not called any more; what is on its way stays. */
void mqtt_client_forget(struct mqtt_client *client, const void *ctx);

struct mqtt_client_stats {
    uint64_t messages_in, messages_out, bytes_in, bytes_out, duplicates, pings, reconnects;
    size_t unacknowledged; /* given to the owner, not yet acknowledged */
    int64_t ping_us;       /* the last one took; 0: none yet */
};
void mqtt_client_stats(const struct mqtt_client *client, struct mqtt_client_stats *stats);

/* MQTT 5 reason codes and 3.1.1 return codes in plain words; never NULL. */
const char *mqtt_reason_text(int version, uint8_t code);
/* Whether a topic fits a filter (4.7): + and #, $ topics only when the filter begins with $. A $share/NAME/ in front counts not. */
bool mqtt_topic_fits(const char *filter, const char *topic);
/* NULL: it is a valid filter (or topic); else why not, for a person. */
const char *mqtt_filter_wrong(const char *filter);
const char *mqtt_topic_wrong(const char *topic);

#endif
