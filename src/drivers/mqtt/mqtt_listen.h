/* SPDX-License-Identifier: Apache-2.0 */
/* Listening to a broker for a while, on a connection of its own, so that what devices are subscribed to stays as it is:
 * for discoveries, and for looks at one device. Nothing is kept by the broker for it. Loop thread only. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_LISTEN_H
#define BUSBAR_DRIVERS_MQTT_MQTT_LISTEN_H

#include "drivers/mqtt/mqtt_driver.h"

struct mqtt_listen;

struct mqtt_listen_events {
    /* The first subscription is granted; may be NULL. */
    void (*ready)(void *ctx);
    void (*message)(void *ctx, const struct mqtt_message *message);
    /* Once and last: the time is over (0), nothing could be heard (words say why), or BUSBAR_ECANCELED. */
    void (*ended)(void *ctx, int error, const char *words);
};

/* topics: filters by ','. wait_us counts from the first subscription that was granted. On error nothing is called. */
int mqtt_listen_start(struct mqtt_state *state, const struct mqtt_broker_config *config,
                      const char *topics, int64_t wait_us, const struct mqtt_listen_events *events,
                      void *ctx, struct mqtt_listen **out, struct err *err);
/* QoS 0, not retained. */
void mqtt_listen_say(struct mqtt_listen *listen, const char *topic, const void *payload,
                     size_t size);
/* `ended` runs inside with BUSBAR_ECANCELED. */
void mqtt_listen_stop(struct mqtt_listen *listen);

#endif
