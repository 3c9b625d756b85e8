/* SPDX-License-Identifier: Apache-2.0 */
/* Multicast DNS (RFC 6762, RFC 6763) as far as OPC UA servers are announced by it (Part 12, annex C): bytes into
 * servers, and the question for them. Pure; knows no sockets.
 *
 *   head      id | flags (0x8000: response) | counts of questions, answers, authorities, additionals     6 x 16 bits
 *   question  name | type | class
 *   record    name | type | class | ttl (32) | length | data
 *
 *   _opcua-tcp._tcp.local         PTR  press._opcua-tcp._tcp.local
 *   press._opcua-tcp._tcp.local   SRV  priority, weight, port 48250, plc-3.local
 *   press._opcua-tcp._tcp.local   TXT  path=/machine  caps=DA,HD
 *   plc-3.local                   A    10.0.3.5
 *
 * A name's labels may end in a pointer to labels that stand before it (RFC 1035, 4.1.4). Pointers must lead backwards,
 * each before the one that named it, so there are no loops. As text labels have dots between; a dot or backslash
 * inside of one has a backslash before it, what is no UTF-8 or a control character is a question mark. */
#ifndef BUSBAR_DRIVERS_OPCUA_TEXT_MDNS_H
#define BUSBAR_DRIVERS_OPCUA_TEXT_MDNS_H

#include "base/buf.h"
#include "base/bytes.h"

#define OPCUA_MDNS_SERVICE "_opcua-tcp._tcp.local"

enum {
    OPCUA_MDNS_PORT = 5353,
    OPCUA_MDNS_MESSAGE_MAX = 9000, /* bytes (RFC 6762, 17) */
    OPCUA_MDNS_WIRE_NAME_MAX = 255,
    OPCUA_MDNS_LABEL_MAX = 63,
    OPCUA_MDNS_NAME_SIZE = 512, /* as text, with what is escaped and the NUL */
    OPCUA_MDNS_TEXT_SIZE = 256,
    OPCUA_MDNS_RECORDS_MAX = 512, /* of one message; more are passed over */
    OPCUA_MDNS_SERVERS_MAX = 32,
    OPCUA_MDNS_ADDRESSES_MAX = 4, /* of one server */
};

enum opcua_mdns_type {
    OPCUA_MDNS_A = 1,
    OPCUA_MDNS_PTR = 12,
    OPCUA_MDNS_TXT = 16,
    OPCUA_MDNS_AAAA = 28,
    OPCUA_MDNS_SRV = 33,
};

struct opcua_mdns_head {
    bool response;
    uint16_t questions;
    uint32_t records; /* answers, authorities and additionals */
};

struct opcua_mdns_record {
    char name[OPCUA_MDNS_NAME_SIZE];
    uint16_t type; /* enum opcua_mdns_type, or another, whose data is not looked into */
    uint32_t ttl_s;
    char target[OPCUA_MDNS_NAME_SIZE]; /* PTR, SRV */
    uint16_t port;                     /* SRV */
    struct bytes data;                 /* of any: as it stands in the message */
};

/* Readers: 0, BUSBAR_ESHORT (it ends too early), BUSBAR_EPROTO (a name that cannot be, a length that is not its type's). */
int opcua_mdns_get_head(struct bytes *in, struct opcua_mdns_head *out);
int opcua_mdns_get_name(struct bytes *in, char to[OPCUA_MDNS_NAME_SIZE]);
int opcua_mdns_get_question(struct bytes *in, char name[OPCUA_MDNS_NAME_SIZE], uint16_t *type);
int opcua_mdns_get_record(struct bytes *in, struct opcua_mdns_record *out);

/* One server, as far as one message tells of it. */
struct opcua_mdns_server {
    char name[OPCUA_MDNS_LABEL_MAX + 1]; /* "press": of the service, one of a kind on its network */
    bool placed;                         /* host and port are known (SRV) */
    bool described;                      /* path and capabilities are (TXT) */
    bool gone;                           /* it says goodbye: time to live 0 */
    char host[OPCUA_MDNS_NAME_SIZE];     /* "plc-3.local" */
    uint16_t port;
    uint32_t ttl_s;                  /* of host and port */
    char path[OPCUA_MDNS_TEXT_SIZE]; /* "/machine"; "" = none */
    char caps[OPCUA_MDNS_TEXT_SIZE]; /* "DA,HD" */
    struct {
        uint8_t size; /* 4 or 16 */
        uint8_t ip[16];
    } addresses[OPCUA_MDNS_ADDRESSES_MAX];
    size_t address_count;
};

/* The servers of a whole message. out: OPCUA_MDNS_SERVERS_MAX. Returns how many; 0 of a question; or an error. */
int opcua_mdns_servers(struct bytes message, struct opcua_mdns_server *out);

/* The question for all OPC UA servers (PTR, answers by multicast). */
void opcua_mdns_put_question(struct buf *out);

#endif
