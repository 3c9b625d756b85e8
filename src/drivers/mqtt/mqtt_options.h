/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the tables in mqtt_options.c. Tables of devices, points and events begin with the rows of payload/point.h
 * and payload/program.h. Private to the reading of settings. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_OPTIONS_H
#define BUSBAR_DRIVERS_MQTT_MQTT_OPTIONS_H

#include "payload/point.h"
#include "payload/program.h"

enum { SETUP_SCHEMAS, SETUP_ROWS };

/* Of a broker. A device that has a URL of its own has those before BROKER_URL too, from DEVICE_LOGIN on. */
enum {
    BROKER_USER,
    BROKER_PASSWORD,
    BROKER_CA,
    BROKER_CERTIFICATE,
    BROKER_KEY,
    BROKER_SERVER_NAME,
    BROKER_ALPN,
    BROKER_VERSION,
    BROKER_CLIENT_ID,
    BROKER_CLEAN,
    BROKER_SESSION_EXPIRY,
    BROKER_KEEP_ALIVE,
    BROKER_RECEIVE_MAX,
    BROKER_PACKET_MAX,
    BROKER_SHARE,
    BROKER_STATUS_TOPIC,
    BROKER_SPARKPLUG_HOST,
    BROKER_URL,
    BROKER_QOS,
    BROKER_ROWS,
};

enum {
    DEVICE_BROKER = PAYLOAD_DEVICE_ROWS,
    DEVICE_TOPIC,
    DEVICE_QOS,
    DEVICE_RETAINED,
    DEVICE_SPARKPLUG,
    DEVICE_LOGIN,
    DEVICE_ROWS = DEVICE_LOGIN + BROKER_URL,
};

enum {
    POINT_TOPIC = PAYLOAD_POINT_ROWS,
    POINT_METRIC,
    POINT_SEND,
    POINT_SEND_TOPIC,
    POINT_SEND_QOS,
    POINT_SEND_RETAIN,
    POINT_ROWS,
};

enum { EVENT_TOPIC = PAYLOAD_EVENT_ROWS, EVENT_ROWS };

/* Each ends with key NULL; filled by mqtt_options_make(). */
extern const struct option mqtt_setup_options[SETUP_ROWS + 1];
extern const struct option mqtt_broker_options[BROKER_ROWS + 1];
extern struct option mqtt_device_options[DEVICE_ROWS + 1];
extern struct option mqtt_point_options[POINT_ROWS + 1];
extern struct option mqtt_event_options[EVENT_ROWS + 1];

/* Puts the rows that are others' in front. Twice is fine; before any other thread runs. */
void mqtt_options_make(void);

#endif
