/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated MQTT devices. Where nobody listens at the broker's address the simulator is the broker; where one does, it
 * publishes into that as a client.
 *
 *   sim_mqtt.c        devices: messages, commands, faults
 *   sim_mqtt_link.c   the broker, ours or another's
 *   sim_mqtt_spark.c  Sparkplug edge nodes */
#ifndef BUSBAR_SIM_SIM_MQTT_H
#define BUSBAR_SIM_SIM_MQTT_H

#include "drivers/mqtt/mqtt_config.h"
#include "drivers/mqtt/sparkplug/topic.h"
#include "sim/sim_mqtt_broker.h"
#include "sim/sim_private.h"
#include "sim/sim_talk.h"

const struct sim_ops *sim_mqtt(void);

struct mqtt_client;
struct sim_mqtt_link;

struct sim_mqtt_state {
    struct list links; /* struct sim_mqtt_link */
    uint64_t random;
};

struct sim_mqtt_node;

struct sim_mqtt_device { /* sd->state */
    struct list link;    /* link->devices */
    struct sim_device *sd;
    struct sim_mqtt_state *state;
    struct sim_mqtt_link *broker;
    struct sim_talk talk;
    struct timer timer;
    struct list late; /* messages that are held back */
    enum sim_fault_kind was;
    uint8_t qos;
    char *topics; /* as configured */
    char *id;
    struct sparkplug_topic place; /* Sparkplug */
    struct sim_mqtt_node *node;   /* Sparkplug; NULL */
    uint64_t told;
};

/* ---- sim_mqtt_link.c ---- */
struct sim_mqtt_link {
    struct list link; /* state->links */
    struct sim *sim;
    char *name; /* URL */
    struct mqtt_url url;
    struct sim_broker *own;     /* NULL: another's, or down */
    struct mqtt_client *client; /* of another's; NULL */
    struct tls_context *tls;
    struct list devices; /* struct sim_mqtt_device */
    struct list nodes;   /* struct sim_mqtt_node */
    bool foreign;
};

/* The link for this broker, opened when it is new. */
int sim_mqtt_link_get(struct sim_mqtt_device *device, const struct mqtt_broker_config *config,
                      struct err *err);
/* After a device left: closes it when it was the last. */
void sim_mqtt_link_drop(struct sim_mqtt_link *link);
void sim_mqtt_link_publish(struct sim_mqtt_link *link, const struct sim_broker_message *message);
/* What is sent there is heard from now on. */
void sim_mqtt_link_hear(struct sim_mqtt_link *link, const char *filter);
/* Its port is closed, or open again. */
void sim_mqtt_link_down(struct sim_mqtt_link *link, bool down);

/* ---- sim_mqtt.c ---- */
/* A message came for its devices. */
void sim_mqtt_heard(struct sim_mqtt_link *link, const struct sim_broker_message *message);
void sim_mqtt_say_all(struct sim_mqtt_device *device);

/* ---- sim_mqtt_spark.c ---- */
int sim_spark_join(struct sim_mqtt_device *device, const char *place, struct err *err);
void sim_spark_leave(struct sim_mqtt_device *device);
void sim_spark_say(struct sim_mqtt_device *device);                /* NDATA or DDATA */
void sim_spark_changed(struct sim_mqtt_device *device, bool dead); /* its death, or its birth */
/* A command for a node or a device. True: it was one. */
bool sim_spark_heard(struct sim_mqtt_link *link, const struct sim_broker_message *message);

#endif
