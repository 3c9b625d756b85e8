/* SPDX-License-Identifier: Apache-2.0 */
/* Which process holds a local port. Reads /proc, which takes milliseconds; needs no rights for our own processes. */
#ifndef BUSBAR_NET_PORT_OWNER_H
#define BUSBAR_NET_PORT_OWNER_H

#include <stdint.h>

struct port_owner {
    int pid; /* 0: none found */
    char name[64];
};

/* Who listens on a local TCP port. */
struct port_owner port_owner_tcp(uint16_t port);

/* Who has a UDP socket at a port of this address ("0.0.0.0": of any); another process goes before ours. */
struct port_owner port_owner_udp(const char *host, uint16_t port);

#endif
