/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network cards of this machine, one entry for each IPv4 address. A snapshot: cards come and
 * go.
 */
#ifndef BUSBAR_NET_INTERFACES_H
#define BUSBAR_NET_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/address.h"

enum { INTERFACE_NAME_MAX = 32, INTERFACES_MAX = 256 };

struct interface {
    char name[INTERFACE_NAME_MAX]; /* "eth0" */
    struct endpoint address;       /* port 0 */
    struct endpoint broadcast;     /* family 0: a line without (point to point, /32) */
    uint8_t prefix;                /* bits of the mask: 24 */
    bool up, loopback;
};

/* Fills up to max, in the system's order; returns how many, at most max. BUSBAR_ code. */
int interfaces_list(struct interface *list, size_t max);

/* The first that fits `text`: a name ("eth0"), an own address ("10.0.1.5"), or a subnet
 * ("10.0.1.0/24": a card whose address is in it). Cards that are up come first. BUSBAR_ENOENT, with
 * what there is in the hint; BUSBAR_EINVAL: a subnet that cannot be. */
int interfaces_find(const char *text, struct interface *out, struct err *err);

/* The card whose subnet an address is in; false: none, it is behind a gateway. */
bool interfaces_of(const struct endpoint *address, struct interface *out);

/* Whether an IPv4 address is in NETWORK/PREFIX. */
bool interfaces_in_subnet(const struct endpoint *address, const struct endpoint *network,
                          unsigned prefix);

#endif
