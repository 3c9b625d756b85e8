/* SPDX-License-Identifier: Apache-2.0 */
/* The port table: which ports the running configuration uses, in which direction, who holds them, what a firewall
 * must let through. Private to app/. */
#ifndef BUSBAR_APP_PORTS_H
#define BUSBAR_APP_PORTS_H

#include "app/gateway.h"
#include "net/port_owner.h"

enum { PORTS_MAX = 512, PORT_PEERS_SHOWN = 3 };

struct port_row {
    char use[48];      /* "page and REST", "Modbus" */
    char protocol[16]; /* of the driver that told of it; "" = none did */
    char transport[8]; /* "tcp", "udp", "serial" */
    uint16_t port;
    char address[64]; /* in: where we listen; out: "" */
    bool in;          /* direction */
    char peer[160];   /* out: hosts, a few and a count */
    unsigned peers;
    bool firewall;           /* crosses it: not loopback only */
    struct port_owner owner; /* of the listening socket on this machine */
    bool ours;
    char conflict[160]; /* "" = none */
};

struct port_table {
    struct port_row rows[PORTS_MAX];
    size_t count;
    bool cut; /* more than PORTS_MAX */
};

/* Loop thread; reads nothing from the disk. Owners are filled in by ports_find_owners(), on any thread. */
void ports_gather(const struct gateway *gw, struct port_table *table);
void ports_find_owners(struct port_table *table);

void ports_json(const struct port_table *table, struct buf *out);
void ports_nft(const struct port_table *table, struct buf *out);
void ports_ufw(const struct port_table *table, struct buf *out);

#endif
