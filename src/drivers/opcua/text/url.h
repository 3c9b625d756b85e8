/* SPDX-License-Identifier: Apache-2.0 */
/* The URL of an endpoint (Part 6, 7.2): opc.tcp://host[:port][/path]. Pure.
 *
 *   opc.tcp://10.0.3.5          opc.tcp://press.acme.example:48255/line1
 *   opc.tcp://[fd00::5]:48250   10.0.3.5:4840   (the scheme may be left out) */
#ifndef BUSBAR_DRIVERS_OPCUA_TEXT_URL_H
#define BUSBAR_DRIVERS_OPCUA_TEXT_URL_H

#include "base/buf.h"
#include "base/err.h"

enum {
    OPCUA_PORT = 48250,          /* of sessions, where the URL names none */
    OPCUA_DISCOVERY_PORT = 4840, /* of a discovery server */
    OPCUA_HOST_MAX = 255,        /* bytes of a host name or address */
    OPCUA_URL_MAX = 1024,        /* bytes of a URL; a server may send no longer ones either */
};

struct opcua_url {
    char host[OPCUA_HOST_MAX + 1]; /* as written, an IPv6 address without its brackets */
    uint16_t port;
    const char *path; /* "/line1", or ""; borrowed from the text */
};

/* Returns 0, or with err filled (what is wrong, at which character, how it is written): BUSBAR_EINVAL,
 * BUSBAR_ELIMIT. */
int opcua_url_parse(const char *text, uint16_t default_port, struct opcua_url *out,
                    struct err *err);
/* Complete: scheme, host, port, path. */
void opcua_url_print(const struct opcua_url *url, struct buf *out);

#endif
