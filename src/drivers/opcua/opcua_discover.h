/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery: `busbar discover opcua [HOST | opc.tcp://HOST:PORT]`.
 *
 *   HOST            a discovery server there (4840), and servers on the usual ports (48250, 48255)
 *   opc.tcp://...   exactly this one
 *   nothing         this machine, and a question by multicast DNS on all its networks
 *
 * Listening to announcements without being asked is a word of the configuration (drivers: { opcua: { mdns: true } }):
 * without it nothing is opened beyond loopback, but for as long as a person looks for servers everywhere. Loop thread
 * only. */
#ifndef BUSBAR_DRIVERS_OPCUA_DISCOVER_H
#define BUSBAR_DRIVERS_OPCUA_DISCOVER_H

#include "driver/driver.h"
#include "drivers/opcua/link/thread.h"

enum {
    OPCUA_SECOND_PORT = 48255,          /* of a second endpoint */
    OPCUA_PLACES_MAX = 1000,            /* servers remembered by where they were found */
    OPCUA_QUESTION_US = 3000000,        /* connecting, and again the answer */
    OPCUA_LISTEN_US = 2000000,          /* for answers by multicast DNS */
    OPCUA_LISTEN_MAX_US = 120 * 1000000 /* that a person may ask for */
};

struct opcua_discover;

/* Of the section drivers: opcua. */
extern const struct option opcua_setup_options[];

struct opcua_discover *opcua_discover_new(struct driver *drv, struct opcua_thread *thread);
/* All discoveries must have ended; then opcua_thread_stop(). NULL is fine. */
void opcua_discover_free(struct opcua_discover *discover);

/* ops->setup, ->ports, ->status, ->discover, ->discover_stop. */
void opcua_discover_setup(struct opcua_discover *discover, const struct setup *setup);
void opcua_discover_ports(const struct setup *setup, driver_port_cb cb, void *ctx);
void opcua_discover_status(const struct opcua_discover *discover, driver_status_cb cb, void *ctx);
/* The URI of the application that was last found at the place of a URL; NULL: none was. For devices whose server has
 * not told them yet. */
const char *opcua_discover_uri(const struct opcua_discover *discover, const char *url);
void opcua_discover_begin(struct opcua_discover *discover, struct driver_discovery *discovery);
void opcua_discover_end(struct opcua_discover *discover, struct driver_discovery *discovery);

#endif
