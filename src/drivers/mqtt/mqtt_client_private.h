/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the client. Who does what:
 *
 *   mqtt_client.c           life, settings, when to connect
 *   mqtt_client_link.c      the connection: CONNECT, CONNACK, keep-alive, how it ends
 *   mqtt_client_words.c     why it ended, for a person
 *   mqtt_client_receive.c   bytes -> packets -> to whom they belong
 *   mqtt_client_take.c      messages that come, their acknowledgements
 *   mqtt_client_send.c      messages of ours
 *   mqtt_client_filters.c   subscriptions
 */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_CLIENT_PRIVATE_H
#define BUSBAR_DRIVERS_MQTT_MQTT_CLIENT_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_packet.h"
#include "net/backoff.h"
#include "net/timer.h"

enum {
    CLIENT_DETAIL_MAX = 512,
    CLIENT_ANSWER_MS = 10000,         /* for CONNACK and PINGRESP */
    CLIENT_SUBACK_MS = 30000,         /* for SUBACK: a broker may look up rights */
    CLIENT_PUBLISH_MS = 30000,        /* for PUBACK, PUBCOMP, over a reconnect too */
    CLIENT_FINAL_MS = 60000,          /* before another try when a person has to do something */
    CLIENT_SETTLED_MS = 15000,        /* up for so long: it works, the back-off begins anew */
    CLIENT_SILENCE_MS = 10000,        /* TCP: unacknowledged for so long is dead */
    CLIENT_SEND_BYTES_MAX = 16 << 20, /* of messages that wait */
    CLIENT_STREAM_BYTES_MAX = 4 << 20,
    CLIENT_ALIAS_BYTES_MAX = 4 << 20,
    CLIENT_SUBSCRIBE_BYTES = 64 * 1024, /* of one SUBSCRIBE */
    CLIENT_SUBSCRIBE_ROWS = 5000,
    CLIENT_SUBSCRIBES_MAX = 4, /* unanswered ones */
    CLIENT_KEPT_BYTES = 256 * 1024,
    CLIENT_IDS = 65536,
};

enum client_state {
    CLIENT_WAITING,    /* for its next try */
    CLIENT_CONNECTING, /* the stream */
    CLIENT_SHAKING,    /* CONNECT is sent */
    CLIENT_UP,
    CLIENT_CLOSING, /* the stream ends */
};

/* A message that came and is not yet acknowledged. They are acknowledged in the order they came (4.6). */
struct client_entry {
    uint16_t id;
    uint8_t code;
    bool done;
};

/* A ring of them; those of QoS 1 and of QoS 2 each have one. */
struct client_ring {
    struct client_entry *entries;
    uint32_t capacity; /* 0 or a power of two */
    uint32_t first;    /* number of the oldest; numbers wrap */
    uint32_t count;
};

struct client_in {
    struct client_ring rings[2]; /* QoS 1, QoS 2 */
    uint8_t *ids;                /* of QoS 2: enum client_id each; NULL: none came yet */
    bool paused;
    char **aliases; /* MQTT 5; options.topic_aliases + 1 of them; NULL: none came yet */
    size_t alias_bytes;
};

struct client_out {
    struct list queued;   /* struct client_outgoing: not sent */
    struct list sent;     /* QoS 1, 2, in their order */
    struct list flushing; /* QoS 0, until the kernel has them */
    struct map64 by_id;   /* sent and queued ones of QoS 1, 2 */
    size_t count, bytes, in_flight;
    uint16_t last_id; /* of a packet, messages and subscriptions alike */
    struct timer deadline, flush;
};

struct client_filters {
    struct map all;      /* filter -> struct client_filter */
    struct list changed; /* those of which something may have to be said to the broker */
    struct list asked;   /* struct client_asked, in the order they were sent */
    size_t asked_count;
    size_t rows_max; /* in one packet: learned when a broker takes fewer */
};

struct client_broker {
    uint16_t receive_max, keep_alive_s;
    uint32_t packet_max;
    uint8_t qos_max;
    bool retain, wildcards, shared;
};

/* How a connection ended, or ends. */
struct client_end {
    bool known, final;
    enum mqtt_down why;
    uint8_t reason;
    int error;
    char detail[CLIENT_DETAIL_MAX];
};

struct mqtt_client {
    struct loop *loop;
    struct mqtt_client_options options; /* texts are our own */
    struct mqtt_will will;
    struct mqtt_client_events events;
    void *ctx;

    enum client_state state;
    bool ending; /* mqtt_client_close() */
    bool again;  /* mqtt_client_reconnect(): the present connection ends for the next one */
    struct stream *stream;
    struct timer timer; /* WAITING: the next try; SHAKING: CONNACK; UP: the tick */
    struct loop_deferred turn;
    struct backoff backoff;
    int version;       /* to be tried, or spoken */
    int known_version; /* of the last CONNACK; 0: none yet */
    bool began;        /* was up once: a session of ours may be there */
    uint32_t epoch;    /* counts connections: tickets of older ones are void */
    unsigned short_lives;
    struct client_end end;
    struct client_broker broker;
    int64_t last_in_us, last_out_us, ping_us, up_us;

    struct buf input; /* the beginning of a packet that is not all there */
    size_t skip;      /* bytes of a packet that is too big, still to come */
    struct buf packet;
    struct buf texts; /* of the message that is told */
    struct mqtt_property properties[MQTT_PROPERTIES_MAX];

    struct client_in in;
    struct client_out out;
    struct client_filters filters;
    struct mqtt_client_stats stats;
};

/* A packet that is taken, or the beginning of a PUBLISH that is too big: its topic and id. */
static inline size_t client_input_max(const struct mqtt_client *client)
{
    size_t beginning = MQTT_HEAD_MAX + 2 + MQTT_TEXT_MAX + 2;
    return client->options.packet_max > beginning ? client->options.packet_max : beginning;
}

/* ---- mqtt_client.c ---- */
void client_connect(struct mqtt_client *client);
/* The stream is gone: tries again later, or ends. */
void client_schedule(struct mqtt_client *client, bool final, bool at_once);
void mqtt_client_fini(struct mqtt_client *client);

/* ---- mqtt_client_link.c ---- */
extern const struct stream_events client_stream_events;
void client_connack(struct mqtt_client *client, struct bytes body);
void client_tick(struct mqtt_client *client);
/* The broker's DISCONNECT. */
void client_dismissed(struct mqtt_client *client, struct bytes body);
/* Sends a packet. Nothing is sent in part; a stream that takes no more ends the connection. */
void mqtt_client_put(struct mqtt_client *client, const void *data, size_t size);
/* Sends and empties client->packet. */
void client_send_packet(struct mqtt_client *client);
/* Ends the connection; the first reason given is the one that is told. reason: for a DISCONNECT (5), 0: none is sent. */
void client_end(struct mqtt_client *client, enum mqtt_down why, uint8_t reason, int error,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* It broke the protocol. */
void client_broke(struct mqtt_client *client, const struct mqtt_wrong *wrong, const void *data,
                  size_t size);

/* ---- mqtt_client_words.c ---- */
/* The stream ended by itself: fills client->end. */
void client_say_link(struct mqtt_client *client, bool was_up, int error, const char *detail);
/* CONNACK refused. */
void client_say_refused(struct mqtt_client *client, const struct mqtt_packet_connack *packet);
/* DISCONNECT came. */
void client_say_dismissed(struct mqtt_client *client, const struct mqtt_packet_end *packet);
/* What came first is no CONNACK. */
const char *client_say_stranger(const struct mqtt_client *client, const uint8_t *data, size_t size);

/* ---- mqtt_client_receive.c ---- */
void client_receive(struct mqtt_client *client, const uint8_t *data, size_t size);

/* ---- mqtt_client_take.c ---- */
void client_take_publish(struct mqtt_client *client, const struct mqtt_packet_publish *packet,
                         struct mqtt_wrong *wrong);
/* A message that is bigger than we take: acknowledged, so that it does not come again. */
void client_take_oversize(struct mqtt_client *client, uint8_t qos, uint16_t id);
void client_take_release(struct mqtt_client *client, const struct mqtt_packet_ack *packet);
void client_in_up(struct mqtt_client *client, bool session);
void client_in_down(struct mqtt_client *client);
void client_in_free(struct mqtt_client *client);
size_t client_unacknowledged(const struct mqtt_client *client);

/* ---- mqtt_client_send.c ---- */
void client_out_init(struct mqtt_client *client);
/* A packet id that is in no use. */
uint16_t client_new_id(struct mqtt_client *client);
void client_out_answer(struct mqtt_client *client, const struct mqtt_packet_ack *packet);
void client_out_pump(struct mqtt_client *client);
void client_out_up(struct mqtt_client *client, bool session);
void client_out_down(struct mqtt_client *client);
void client_out_free(struct mqtt_client *client); /* tells BUSBAR_ECANCELED */

/* ---- mqtt_client_filters.c ---- */
void client_filters_init(struct mqtt_client *client);
void client_filters_up(struct mqtt_client *client, bool session);
/* by_peer: it closed; when it was asked for subscriptions, perhaps because they were too many at once. */
void client_filters_down(struct mqtt_client *client, bool by_peer);
void client_filters_work(struct mqtt_client *client);
void client_filters_answer(struct mqtt_client *client, uint8_t type,
                           const struct mqtt_packet_suback *packet, struct mqtt_wrong *wrong);
bool client_filters_use_id(const struct mqtt_client *client, uint16_t id);
/* An unanswered question is for several filters at once. */
bool client_filters_asks_many(const struct mqtt_client *client);
/* When the oldest unanswered question was sent; 0: none. */
int64_t client_filters_asked_us(const struct mqtt_client *client);
void client_filters_free(struct mqtt_client *client);

#endif
