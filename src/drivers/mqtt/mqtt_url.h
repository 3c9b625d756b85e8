/* SPDX-License-Identifier: Apache-2.0 */
/* Where a broker is: mqtt://host[:1883], mqtts://host[:8883], ws://host[:80][/path], wss://host[:443][/path]; also the words
 * tcp, ssl and tls, and HOST alone as mqtt://HOST. A WebSocket without a path has /mqtt. Pure. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_URL_H
#define BUSBAR_DRIVERS_MQTT_MQTT_URL_H

#include "base/buf.h"
#include "net/address.h"

enum { MQTT_URL_TEXT_MAX = 512, MQTT_URL_PATH_MAX = 256 };

struct mqtt_url {
    struct address host;
    bool tls, websocket;
    char path[MQTT_URL_PATH_MAX]; /* of a WebSocket, from the / on; else "" */
};

/* BUSBAR_EINVAL, with what to write instead in the hint. */
int mqtt_url_parse(const char *text, struct mqtt_url *out, struct err *err);
/* As short as it can be written; that is the same for the same place. */
void mqtt_url_print(const struct mqtt_url *url, struct buf *out);

#endif
