/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send: networks and addresses, by the bits of their prefix. Pure. */
#ifndef BUSBAR_NET_ALLOW_H
#define BUSBAR_NET_ALLOW_H

#include "base/err.h"
#include "net/address.h"

enum { ALLOW_MAX = 256 };

struct allow_network {
    struct endpoint base;
    uint8_t bits;
};

struct allow {
    bool any;
    size_t count;
    struct allow_network networks[ALLOW_MAX];
};

/* "10.0.4.0/24, 10.0.9.7, 2001:db8::/32", "any"; NULL and "": nobody. key: for the message. BUSBAR_ECONFIG with the
 * place. */
int allow_parse(const char *text, const char *key, struct position at, struct allow *out,
                struct err *err);
/* Named by a network; `any` does not count here. */
bool allow_names(const struct allow *allow, const struct endpoint *from);
bool allow_takes(const struct allow *allow, const struct endpoint *from);

#endif
