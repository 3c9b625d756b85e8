/* SPDX-License-Identifier: Apache-2.0 */
/* The UDP sockets that questions leave from: one for each source port of a range, for IPv4, and the same for IPv6 from
 * the first device on that has such an address. Loop thread only. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_SOCKETS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_SOCKETS_H

#include "drivers/snmp/snmp_client.h"

/* Of one family. Private. */
struct snmp_port_pool {
    struct datagram *ports[SNMP_SOURCE_PORTS_MAX];
    size_t count, missing, next;
    int error; /* why there is none */
};

struct snmp_sockets {
    struct loop *loop;
    char *host; /* NULL: any */
    uint16_t first_port, last_port;
    int receive_bytes;
    struct snmp_port_pool v4, v6;
    bool v6_opened;
    datagram_cb cb;
    datagram_refused_cb refused;
    void *ctx;
};

/* As snmp_client_open(). On an error there is nothing to close. */
int snmp_sockets_open(struct snmp_sockets *sockets, struct loop *loop,
                      const struct snmp_client_options *options, datagram_cb cb,
                      datagram_refused_cb refused, void *ctx, struct err *err);
void snmp_sockets_close(struct snmp_sockets *sockets);

/* The next one in turn that reaches addresses of this family (4 or 6); NULL: there is none, *error says why. */
struct datagram *snmp_sockets_pick(struct snmp_sockets *sockets, uint8_t family, int *error);

uint64_t snmp_sockets_lost(const struct snmp_sockets *sockets);

#endif
