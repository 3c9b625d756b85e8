/* SPDX-License-Identifier: Apache-2.0 */
/* The MQTT driver: what its files share. Loop thread only.
 *
 *   mqtt_driver.c   the slots of the driver interface
 *   mqtt_broker.c   connections: one to each broker that devices name, however many these are
 *   mqtt_filter_set.c   what a connection subscribes to
 *   mqtt_kept.c     ... and what the broker has of it, over restarts
 *   mqtt_take.c     messages: from a topic to routes, to the feed, to the acknowledgement
 *   mqtt_device.c   life of a device: its topics, programs and link
 *   mqtt_write.c    writes
 *   mqtt_sparkplug.c   devices of Sparkplug
 *   mqtt_status.c, mqtt_test.c   for people */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_DRIVER_H
#define BUSBAR_DRIVERS_MQTT_MQTT_DRIVER_H

#include "base/list.h"
#include "base/map.h"
#include "driver/driver.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_config.h"
#include "drivers/mqtt/mqtt_index.h"
#include "feed/feed.h"
#include "net/timer.h"

enum {
    MQTT_ROUTES_MAX = 4096, /* that one message is given to */
    MQTT_HELD_MAX = 1000,   /* messages that came before their devices were there */
    MQTT_HELD_BYTES_MAX = 8 << 20,
    MQTT_SETTLE_MS = 100,      /* a connection waits until no device came or went for so long */
    MQTT_SETTLE_MAX_MS = 3000, /* but no longer than this */
    MQTT_LINGER_MS = 1000,     /* a connection without devices is kept for an apply to take up */
    MQTT_OWN_ID_MAX = 256,     /* as many as `client_id` may have */
    MQTT_WORDS_MAX = 640,
};

struct mqtt_discoveries;  /* mqtt_discover.h */
struct mqtt_kept;         /* mqtt_kept.h */
struct mqtt_sparkplug;    /* mqtt_sparkplug.h */
struct mqtt_spark_device; /* mqtt_sparkplug.c */
struct mqtt_state {
    struct driver *drv;
    struct loop *loop;
    struct feed *feed;
    struct list brokers;
    char own_id[17]; /* random, kept: two gateways at one broker must not be taken for one */
    struct mqtt_discoveries *discoveries;
};

struct mqtt_broker;

enum mqtt_filter_state {
    MQTT_FILTER_IDLE, /* not asked for: the connection has not settled, or another filter covers it */
    MQTT_FILTER_ASKED,
    MQTT_FILTER_GRANTED,
    MQTT_FILTER_REFUSED,
};

/* What somebody wants to hear on a connection. */
struct mqtt_filter {
    struct list link;          /* broker->filters */
    struct list routes;        /* struct mqtt_route */
    size_t uses;               /* devices, counted as often as they want it */
    size_t at_least[3];        /* how many of these want each QoS */
    struct mqtt_filter *cover; /* the one that is subscribed to instead; NULL: itself */
    enum mqtt_filter_state state;
    uint8_t qos, needed; /* as asked for; as it should be */
    uint8_t code;        /* why it was refused */
    char *wire;          /* as asked for, NULL: it is not: $share/GROUP/filter */
    char *reason;        /* the broker's words; NULL */
    char text[];
};

/* Devices that read the messages of a filter in the same way. */
struct mqtt_route {
    struct list link; /* filter->routes */
    struct payload_shape *shape;
    enum mqtt_retained retained;
    struct feed_route *feed;
    size_t uses;
};

struct mqtt_route_set {
    struct feed_route **list;
    size_t count, room;
};

/* A message that came before its devices. */
struct mqtt_held {
    struct list link;
    uint64_t ticket;
    size_t bytes;
    struct mqtt_message message; /* its texts stand behind */
};

struct mqtt_broker {
    struct list link;         /* state->brokers */
    struct mqtt_state *state; /* NULL: the driver is gone, only the client's end is waited for */
    char *name;               /* "plant", or its URL */
    char *identity;
    struct mqtt_config config; /* texts in the arena */
    struct arena arena;
    struct mqtt_client *client;
    char client_id[MQTT_OWN_ID_MAX + 1];
    struct err broken;        /* why there is no client */
    struct list devices;      /* struct mqtt_device, started ones */
    struct mqtt_index *index; /* topic -> struct mqtt_filter */
    struct list filters;
    struct mqtt_kept *kept; /* what the session has; NULL: it is begun anew each time */
    struct timer settle,
        again;            /* again: opens anew, so that the broker repeats what the disk refused */
    int64_t unsettled_us; /* monotonic: since when; 0: settled */
    struct loop_deferred tell; /* devices whose link may have changed */
    struct list held;
    size_t held_count, held_bytes;
    struct list acks, free_acks;      /* struct ack of mqtt_take.c */
    struct mqtt_route_set sets[2];    /* scratch of a message: see mqtt_take.c */
    struct mqtt_sparkplug *sparkplug; /* mqtt_sparkplug.h; NULL: nothing of it is needed */
    struct map64 keys;                /* QoS 2: packet id -> what its key was made of */
    bool up, session, tried;          /* tried: it was up, or could not be */
    enum mqtt_down down_why;
    int down_error;
    char down_words[MQTT_WORDS_MAX];
    int64_t up_us;      /* wall */
    const void *packet; /* that is being read */
    size_t packet_size;
    uint64_t unwanted, refused, retained;
};

/* A filter of a device. */
struct mqtt_use {
    struct mqtt_filter *filter;
    struct mqtt_route *route;
};

struct mqtt_device {
    struct list link; /* broker->devices */
    struct device *dev;
    struct driver *drv;
    struct mqtt_state *state;
    struct mqtt_config config; /* texts are the device's */
    const char *id;
    struct mqtt_broker *broker; /* while started */
    struct payload_shape *shape;
    struct mqtt_use *uses;
    size_t use_count;
    struct err broken; /* why it hears nothing; code 0: nothing is wrong */
    bool started, told, up;
    uint64_t told_words;             /* hash */
    struct mqtt_spark_device *spark; /* of `sparkplug:`, while started; mqtt_sparkplug.c */
    struct list write_list, tests, browses;
};

static inline struct mqtt_device *mqtt_device_of(const struct device *dev)
{
    return dev->driver;
}

/* ---- mqtt_broker.c ---- */
/* The connection of a device's configuration, made when there is none. */
struct mqtt_broker *mqtt_broker_take(struct mqtt_state *state, const struct mqtt_config *config);
/* A device came or went: subscriptions are looked at, and the connection opened, when no more come. */
void mqtt_broker_changed(struct mqtt_broker *broker);
/* The links of its devices are looked at before the loop waits. */
void mqtt_broker_tell(struct mqtt_broker *broker);
/* In a while the connection is made anew: the broker then repeats what was not acknowledged. */
void mqtt_broker_again(struct mqtt_broker *broker);
/* At once, all of them, devices or not. */
void mqtt_brokers_close(struct mqtt_state *state);
/* What mqtt_client_open() needs; texts borrowed from config and state. tls in out->target is the caller's to drop. */
int mqtt_broker_client(struct mqtt_state *state, const struct mqtt_broker_config *config,
                       const char *client_id, struct mqtt_client_options *out, struct err *err);

/* ---- mqtt_filter_set.c ---- */
struct mqtt_filter *mqtt_filter_use(struct mqtt_broker *broker, const char *text, uint8_t qos,
                                    struct err *err);
void mqtt_filter_unuse(struct mqtt_broker *broker, struct mqtt_filter *filter, uint8_t qos);
/* The route of a shape; the shape is held by it. */
struct mqtt_route *mqtt_route_use(struct mqtt_broker *broker, struct mqtt_filter *filter,
                                  struct payload_shape *shape, enum mqtt_retained retained);
void mqtt_route_unuse(struct mqtt_route *route);
/* Subscribes to what is wanted now, ends the rest, frees filters that nobody uses. */
void mqtt_filters_settle(struct mqtt_broker *broker);
/* A new session of the broker knows none of them. */
void mqtt_filters_forget(struct mqtt_broker *broker);
void mqtt_filters_granted(struct mqtt_broker *broker, const char *wire, uint8_t code,
                          const char *reason);
void mqtt_filters_free(struct mqtt_broker *broker);
/* That which is subscribed to for it. */
const struct mqtt_filter *mqtt_filter_asked(const struct mqtt_filter *filter);

/* ---- mqtt_take.c ---- */
void mqtt_take(struct mqtt_broker *broker, const struct mqtt_message *message);
void mqtt_take_held(struct mqtt_broker *broker); /* those that waited for their devices */
void mqtt_take_released(struct mqtt_broker *broker, uint16_t packet_id);
void mqtt_take_forget(struct mqtt_broker *broker); /* of a connection that is no more */

/* What is said about a message beside its body, into `fields` (PAYLOAD_FIELDS_MAX of them): how many. encoding is set when
 * the user property content-encoding tells it. */
size_t mqtt_take_fields(const struct mqtt_message *message, struct payload_field *fields,
                        const char **encoding);

/* ---- mqtt_device.c ---- */
int mqtt_device_add(struct mqtt_device *device, struct err *err);
void mqtt_device_start(struct mqtt_device *device);
void mqtt_device_stop(struct mqtt_device *device);
void mqtt_device_remove(struct mqtt_device *device);
/* Tells the host whether it is up, when that is something new. */
void mqtt_device_tell(struct mqtt_device *device);
/* The texts that its topics are filled in with; base: room for ~. */
struct mqtt_topic_names mqtt_device_names(const struct device *dev,
                                          const struct mqtt_config *config,
                                          char base[MQTT_TOPIC_TEXT_MAX + 1]);

/* ---- mqtt_write.c ---- */
void mqtt_write(struct mqtt_device *device, struct request *req);
void mqtt_write_cancel(struct mqtt_device *device, struct request *req);
void mqtt_writes_stop(struct mqtt_device *device);

/* ---- mqtt_status.c ---- */
void mqtt_status(struct driver *drv, driver_status_cb cb, void *ctx);
void mqtt_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx);

/* ---- mqtt_test.c ---- */
void mqtt_test(struct mqtt_device *device, struct driver_test *asked);
void mqtt_tests_stop(struct mqtt_device *device);

#endif
