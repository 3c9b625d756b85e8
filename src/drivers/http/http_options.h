/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the tables in http_options.c. Tables of devices, points and events begin with the rows of payload/point.h
 * and payload/program.h. Private to the reading of settings. */
#ifndef BUSBAR_DRIVERS_HTTP_HTTP_OPTIONS_H
#define BUSBAR_DRIVERS_HTTP_HTTP_OPTIONS_H

#include "payload/point.h"
#include "payload/program.h"

enum {
    SETUP_LISTEN,
    SETUP_CERTIFICATE,
    SETUP_KEY,
    SETUP_CLIENT_CA,
    SETUP_PLAIN,
    SETUP_CONNECTIONS,
    SETUP_PER_SOURCE,
    SETUP_SCHEMAS,
    SETUP_ROWS,
};

enum {
    CONNECTOR_KEY,
    CONNECTOR_ALLOW,
    CONNECTOR_OPEN,
    CONNECTOR_RATE,
    CONNECTOR_CERTIFICATE_NAMES,
    CONNECTOR_QUERY_KEY,
    CONNECTOR_ROWS,
};

enum {
    DEVICE_CONNECTOR = PAYLOAD_DEVICE_ROWS,
    DEVICE_URL,
    DEVICE_METHOD, /* from here on: of a device that is asked */
    DEVICE_BODY,
    DEVICE_HEADER,
    DEVICE_LOGIN,
    DEVICE_USER,
    DEVICE_PASSWORD,
    DEVICE_TOKEN,
    DEVICE_CA,
    DEVICE_CERTIFICATE,
    DEVICE_KEY,
    DEVICE_VERIFY,
    DEVICE_REDIRECTS,
    DEVICE_ROWS,
};

enum {
    POINT_URL = PAYLOAD_POINT_ROWS,
    POINT_SEND,
    POINT_SEND_URL,
    POINT_SEND_METHOD,
    POINT_ROWS,
};

enum { EVENT_ROWS = PAYLOAD_EVENT_ROWS };

/* Each ends with key NULL; filled by http_options_make(). */
extern const struct option http_setup_options[SETUP_ROWS + 1];
extern const struct option http_connector_options[CONNECTOR_ROWS + 1];
extern struct option http_device_options[DEVICE_ROWS + 1];
extern struct option http_point_options[POINT_ROWS + 1];

/* Puts the rows that are others' in front. Twice is fine; before any other thread runs. */
void http_options_make(void);

#endif
