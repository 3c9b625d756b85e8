/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of settings. What says how a connection behaves (the LINK rows) stands in two of them: in a part of
 * `listeners:`, and in a device that says all inline, there after the rows of payloads. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_OPTIONS_H
#define BUSBAR_DRIVERS_TCP_TCP_OPTIONS_H

#include "config/option.h"
#include "payload/point.h"
#include "payload/program.h"

enum tcp_link_row {
    LINK_LISTEN,
    LINK_TRANSPORT,
    LINK_FRAME,
    LINK_FRAME_MAX,
    LINK_TLS,
    LINK_CERTIFICATE,
    LINK_KEY,
    LINK_IDLE,
    LINK_KEEP_ALIVE_TEXT,
    LINK_KEEP_ALIVE,
    /* of listeners only */
    LINK_CLIENT_CA,
    LINK_ALLOW,
    LINK_PLAIN,
    LINK_STREAMS_MAX,
    LINK_PER_SOURCE,
    LINK_FIRST_BYTE,
    LINK_FRAME_TIME,
    LINK_ACK,
    LINK_NACK,
    LINK_FIRST,
    LINK_UNKNOWN,
    LINK_ROWS
};
enum { LINK_LISTENER_ROWS = LINK_CLIENT_CA };

enum tcp_device_row {
    DEVICE_LISTENER = PAYLOAD_DEVICE_ROWS,
    DEVICE_CONNECT,
    DEVICE_LINK, /* LINK_ROWS of them */
    /* of connections that we make only */
    DEVICE_CA = DEVICE_LINK + LINK_ROWS,
    DEVICE_SERVER_NAME,
    DEVICE_VERIFY,
    DEVICE_HELLO,
    DEVICE_PASSWORD,
    DEVICE_TIMEOUT,
    DEVICE_ROWS
};

enum tcp_point_row {
    POINT_ASK = PAYLOAD_POINT_ROWS,
    POINT_SEND,
    POINT_ANSWER,
    POINT_REFUSED,
    POINT_ROWS
};

enum { SETUP_SCHEMAS };

enum { TRANSPORT_TCP, TRANSPORT_UDP };
enum { UNKNOWN_KEEP, UNKNOWN_CLOSE };

extern const struct option tcp_setup_options[];
extern const struct option tcp_part_options[LINK_ROWS + 1];
/* Filled at the first call; each ends with key NULL. */
const struct option *tcp_device_options(void);
const struct option *tcp_point_options(void);

#endif
