/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network addresses as text: "host:port", "host", "[v6]:port", "v6", and numeric endpoints of datagrams. Pure.
 */
#ifndef BUSBAR_NET_ADDRESS_H
#define BUSBAR_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { ADDRESS_HOST_MAX = 256, ADDRESS_TEXT_MAX = 272 };

struct address {
    char host[ADDRESS_HOST_MAX]; /* without brackets; may carry a %zone */
    uint16_t port;
};

/* default_port 0: the text must have a port. Port 0 and an empty host (":502") are refused. A bare v6 address
 * ("::1") has no port. BUSBAR_EINVAL, with a reason for a person in err. */
int address_parse(const char *text, uint16_t default_port, struct address *out, struct err *err);

/* "host:port", a v6 host in brackets. Returns the length. */
size_t address_format(char *to, size_t size, const struct address *address);

bool address_is_ip(const char *host);       /* numeric, v4 or v6 */
bool address_is_loopback(const char *host); /* 127.0.0.0/8, ::1, "localhost" */

/* A numeric address and port. */
struct endpoint {
    uint8_t family; /* 4 or 6; 0: none */
    uint8_t ip[16]; /* network order; the first 4 for v4 */
    uint16_t port;  /* host order */
    uint32_t scope; /* interface of a link-local v6 address */
};

int endpoint_parse(const char *ip, uint16_t port, struct endpoint *out); /* BUSBAR_EINVAL */
size_t endpoint_format(char *to, size_t size, const struct endpoint *endpoint);
size_t endpoint_format_host(char *to, size_t size, const struct endpoint *endpoint); /* no port */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

#endif
