/* SPDX-License-Identifier: Apache-2.0 */
/* A small MQTT broker, versions 5 and 3.1.1, for simulated devices to publish in: sessions (kept in memory), subscriptions with
 * wildcards, shared ones, QoS 0 to 2 both ways, retained messages, wills, keep-alive. Anybody may log in and do all; of
 * MQTT 5 it has no topic aliases towards clients and no message expiry. Loop thread only.
 *
 *   sim_mqtt_broker.c   listening, connections, packets
 *   sim_mqtt_session.c  sessions, subscriptions, what is on its way */
#ifndef BUSBAR_SIM_SIM_MQTT_BROKER_H
#define BUSBAR_SIM_SIM_MQTT_BROKER_H

#include "net/listener.h"

enum {
    SIM_BROKER_CLIENTS_MAX = 1000,
    SIM_BROKER_FILTERS_MAX = 100000, /* of a session */
    SIM_BROKER_QUEUE_MAX =
        100000, /* messages that a session waits for; then the oldest that nobody has seen is lost */
    SIM_BROKER_PACKET_MAX = 1 << 20,
    SIM_BROKER_SEND_MAX = 8 << 20, /* bytes that a client may be behind; then QoS 0 is lost */
};

struct sim_broker;

struct sim_broker_message {
    const char *topic;
    const void *payload;
    size_t size;
    uint8_t qos;
    bool retain;
};

/* A message of a client, after it was delivered to the others: valid until it returns. */
typedef void (*sim_broker_heard_cb)(void *ctx, const struct sim_broker_message *message);

/* tls: held; NULL: plain. BUSBAR_EADDRINUSE ... */
int sim_broker_open(struct loop *loop, const char *host, uint16_t port, struct tls_context *tls,
                    sim_broker_heard_cb heard, void *ctx, struct sim_broker **out, struct err *err);
/* The loop must turn once more. NULL is fine. */
void sim_broker_close(struct sim_broker *broker);
uint16_t sim_broker_port(const struct sim_broker *broker);

/* What a device publishes. */
void sim_broker_publish(struct sim_broker *broker, const struct sim_broker_message *message);
/* A fault: ends all connections, as a crash does (wills are told); sessions stay. */
void sim_broker_drop_clients(struct sim_broker *broker);

struct sim_broker_stats {
    uint64_t published;      /* by devices and clients */
    uint64_t sent;           /* to clients; once each */
    uint64_t acknowledged;   /* of them: QoS 1 and 2, to the end */
    uint64_t again, lost;    /* sent again after a reconnect; thrown away */
    size_t clients, waiting; /* connected; messages not yet acknowledged */
};
void sim_broker_stats(const struct sim_broker *broker, struct sim_broker_stats *stats);

#endif
